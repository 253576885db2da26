/* SPDX-License-Identifier: Apache-2.0
 * explain.c - a decision as JSON, as one line for an API error, and as the bytes kept in the log.
 *
 * Everything shown comes from the rule set (titles, reasons, what would change it, citations) and from the facts that
 * made each rule fire; no fact holds a phone number, a name or a text, so neither does an explanation. The line
 * is never longer than DETAILS_MAX bytes: facts that no longer fit are left out before the way out and the source are.
 * The packed form holds positions and bits only and is read back with the same rule set; damaged bytes are refused. */
#include "core/ruleset_impl.h"

#include "base/clock.h"
#include "core/varint.h"

#define DETAILS_MAX  900
#define MINUTE_MS    60000LL
#define HASH_SHOWN   6 /* bytes of the set's hash in the line: enough to find the set */
#define PACK_VERSION 1

/* ---- JSON ---- */

static void json_time(struct json_out *out, const char *key, bool present, int64_t ms)
{
    char text[TIME_TEXT];
    jo_key(out, key);
    jo_cstr(out, present ? time_text(ms, text) : NULL);
}

/* What made the finding true, and the message's category, which reasons speak of as "this category". */
static size_t shown_facts(const struct finding *fi, const struct facts *f, enum fact_id ret[FINDING_FACTS_MAX + 1])
{
    size_t n = 0;
    bool category = false;
    for (; n < fi->n_facts; n++) {
        ret[n] = (enum fact_id)fi->facts[n];
        category |= ret[n] == FACT_MESSAGE_CATEGORY;
    }
    if (!category && f->known[FACT_MESSAGE_CATEGORY])
        ret[n++] = FACT_MESSAGE_CATEGORY;
    return n;
}

static void json_facts(struct json_out *out, const struct facts *f, const enum fact_id *ids, size_t n)
{
    struct buf text;
    buf_init(&text, 64);
    jo_key(out, "facts");
    jo_object(out);
    for (size_t i = 0; i < n; i++) {
        buf_clear(&text);
        fact_text(f, ids[i], &text);
        jo_kstr(out, fact_info[ids[i]].name, buf_str(&text));
    }
    jo_end(out);
    buf_done(&text);
}

/* Everything that was known: what an allowed message rests on stands here too. */
static void json_known(struct json_out *out, const struct facts *f)
{
    enum fact_id ids[FACT_COUNT];
    size_t n = 0;
    for (int id = 0; id < FACT_COUNT; id++)
        if (f->known[id])
            ids[n++] = (enum fact_id)id;
    json_facts(out, f, ids, n);
}

static void json_citations(struct json_out *out, const struct rule *r)
{
    jo_key(out, "citations");
    jo_array(out);
    for (size_t i = 0; i < r->n_cite; i++) {
        jo_object(out);
        jo_kcstr(out, "title", r->cite[i].face.title);
        jo_kcstr(out, "url", r->cite[i].face.url);
        jo_kcstr(out, "read", r->cite[i].face.read);
        jo_end(out);
    }
    jo_end(out);
}

/* ---- when a hold ends, where the person is ---- */

/* "08:00 at UTC-03:00" */
static void local_text(int64_t at, int32_t offset, struct buf *out)
{
    char text[TIME_TEXT];
    int32_t off = offset < 0 ? -offset : offset;
    time_text(within_time(at + offset * MINUTE_MS), text);
    buf_printf(out, "%.5s at UTC%c%02d:%02d", text + 11, offset < 0 ? '-' : '+', (int)(off / 60), (int)(off % 60));
}

/* The end of a hold of local time, in the zones the person may be in; nothing for other holds. */
static void put_local(struct buf *out, const struct finding *fi, const struct facts *f)
{
    struct whereabouts w;
    bool calendar = fi->rule->until.kind == UNTIL_OPEN || fi->rule->until.kind == UNTIL_AFTER_HOLIDAY;
    if (!calendar || fi->unknown || !whereabouts_of(f, &w))
        return;
    bool changed = w.change_at != 0 && fi->until >= w.change_at;
    int32_t min = changed ? w.min_after : w.min, max = changed ? w.max_after : w.max;
    buf_puts(out, " (");
    local_text(fi->until, min, out);
    if (max != min) {
        buf_puts(out, ", ");
        local_text(fi->until, max, out);
    }
    buf_putc(out, ')');
}

/* What would change the finding: what the rule says, and for a hold the time. */
static void json_change(struct json_out *out, const struct finding *fi, const struct facts *f)
{
    struct buf text;
    char until[TIME_TEXT];
    buf_init(&text, 512);
    buf_puts(&text, fi->rule->change);
    if (fi->verdict == VERDICT_HOLD) {
        buf_printf(&text, "; from %s", time_text(fi->until, until));
        put_local(&text, fi, f);
    }
    jo_kstr(out, "change", buf_str(&text));
    buf_done(&text);
}

static void json_finding(struct json_out *out, const struct ruleset *rs, const struct finding *fi,
                         const struct facts *f)
{
    const struct rule *r = fi->rule;
    jo_object(out);
    jo_kcstr(out, "rule", r->id);
    jo_kcstr(out, "title", r->title);
    jo_kcstr(out, "verdict", verdict_name((enum verdict)fi->verdict));
    json_time(out, "until", fi->verdict == VERDICT_HOLD, fi->until);
    jo_kint(out, "code", r->code);
    jo_kcstr(out, "reason", r->reason);
    jo_kbool(out, "unknown", fi->unknown);
    enum fact_id ids[FINDING_FACTS_MAX + 1];
    json_facts(out, f, ids, shown_facts(fi, f, ids));
    json_change(out, fi, f);
    json_citations(out, r);
    jo_kcstr(out, "confidence", r->confidence[0] != '\0' ? r->confidence : NULL);
    if (rs->n_sets > 1)
        jo_kcstr(out, "ruleset", rs->set[r->source].face.id);
    jo_kbool(out, "shadow", fi->shadow);
    jo_kbool(out, "overridden", fi->overridden);
    jo_end(out);
}

void decision_json(const struct decision *d, const struct ruleset *rs, const struct facts *f, struct json_out *out)
{
    char hash[SHA256_HEX];
    hex_encode(rs->hash, SHA256_BYTES, hash);
    jo_object(out);
    jo_kcstr(out, "verdict", verdict_name(d->verdict));
    json_time(out, "until", d->verdict == VERDICT_HOLD, d->until);
    jo_key(out, "ruleset");
    jo_object(out);
    jo_kcstr(out, "id", rs->id);
    jo_kcstr(out, "hash", hash);
    jo_end(out);
    json_known(out, f);
    jo_key(out, "findings");
    jo_array(out);
    const struct finding *first = decision_main(d);
    if (first != NULL)
        json_finding(out, rs, first, f);
    for (size_t i = 0; i < d->n; i++)
        if (&d->finding[i] != first)
            json_finding(out, rs, &d->finding[i], f);
    jo_end(out);
    jo_end(out);
}

/* ---- one line ---- */

/* Adds `piece` when the line, with `tail` bytes still to come, stays within its limit. */
static bool fits(struct buf *line, size_t tail, struct buf *piece)
{
    bool ok = !piece->failed && line->len + piece->len + tail <= DETAILS_MAX;
    if (ok)
        buf_putstr(line, buf_str(piece));
    buf_clear(piece);
    return ok;
}

static void line_facts(struct buf *line, size_t tail, const struct finding *fi, const struct facts *f,
                       struct buf *piece)
{
    bool open = false;
    enum fact_id ids[FINDING_FACTS_MAX + 1];
    size_t n = shown_facts(fi, f, ids);
    for (size_t i = 0; i < n; i++) {
        buf_printf(piece, "%s%s ", open ? ", " : " (", fact_info[ids[i]].name);
        fact_text(f, ids[i], piece);
        if (!fits(line, tail + 1, piece))
            break;
        open = true;
    }
    if (open)
        buf_putc(line, ')');
}

/* The other enforced rules that fired, by id, as many as fit. */
static void line_others(struct buf *line, const struct decision *d, const struct finding *first, struct buf *piece)
{
    const char *before = " Also: ";
    for (size_t i = 0; i < d->n; i++) {
        const struct finding *fi = &d->finding[i];
        if (fi == first || fi->shadow || fi->overridden)
            continue;
        buf_printf(piece, "%s%s", before, fi->rule->id);
        if (!fits(line, 1, piece))
            break;
        before = ", ";
    }
    if (before[0] == ',')
        buf_putc(line, '.');
}

/* Which rules decided. Where the names of all sets do not fit, the first stands for them. */
static void line_rules(struct buf *line, const struct ruleset *rs, struct buf *piece)
{
    char hash[2 * HASH_SHOWN + 1];
    hex_encode(rs->hash, HASH_SHOWN, hash);
    buf_printf(piece, " Rules: %s %s.", rs->id, hash);
    if (fits(line, 0, piece) || rs->n_sets == 1)
        return;
    buf_printf(piece, " Rules: %s and %zu more %s.", rs->set[0].face.id, rs->n_sets - 1, hash);
    fits(line, 0, piece);
}

static void put_sentence(struct buf *b, const char *text)
{
    size_t n = strlen(text);
    buf_puts(b, text);
    if (n > 0 && strchr(".!?", text[n - 1]) == NULL)
        buf_putc(b, '.');
}

/* The reason without its full stop: facts follow in brackets. */
static struct str unstopped(const char *text)
{
    struct str s = str_of(text);
    if (s.n > 0 && s.p[s.n - 1] == '.')
        s.n--;
    return s;
}

void decision_details(const struct decision *d, const struct ruleset *rs, const struct facts *f, struct buf *out)
{
    const struct finding *fi = decision_main(d);
    struct buf line, tail, piece;
    char until[TIME_TEXT];
    if (fi == NULL)
        return;
    const struct rule *r = fi->rule;
    const struct citation *c = &r->cite[0].face;
    buf_init(&line, DETAILS_MAX);
    buf_init(&tail, DETAILS_MAX);
    buf_init(&piece, 512);
    if (fi->verdict == VERDICT_HOLD) {
        buf_printf(&tail, ". Held until %s", time_text(fi->until, until));
        put_local(&tail, fi, f);
    }
    buf_puts(&tail, ". Needs: ");
    put_sentence(&tail, r->change);
    buf_printf(&tail, " Source: %s, %s (read %s).", c->title, c->url, c->read);
    buf_printf(&line, "rule %s: %s", r->id, fi->unknown ? "cannot be ruled out: " : "");
    buf_putstr(&line, unstopped(r->reason));
    line_facts(&line, tail.len, fi, f, &piece);
    buf_putstr(&line, buf_str(&tail));
    line_others(&line, d, fi, &piece);
    line_rules(&line, rs, &piece);
    buf_putstr(out, buf_str(&line));
    buf_done(&line);
    buf_done(&tail);
    buf_done(&piece);
}

/* ---- packed ---- */

enum pack_flag { PACK_VERDICT = 3, PACK_SHADOW = 4, PACK_UNKNOWN = 8, PACK_OVERRIDDEN = 16, PACK_FLAGS = 31 };

/* The finding's facts as bits over the rule's list of facts. */
static uint8_t slots_of(const struct finding *fi)
{
    const struct fact_list *facts = &fi->rule->facts;
    uint8_t slots = 0;
    for (uint8_t i = 0; i < fi->n_facts; i++)
        for (uint8_t s = 0; s < facts->n; s++)
            if (facts->fact[s] == fi->facts[i])
                slots |= (uint8_t)(1u << s);
    return slots;
}

size_t decision_pack(const struct decision *d, uint8_t *out)
{
    size_t n = 0;
    out[n++] = PACK_VERSION;
    out[n++] = (uint8_t)d->verdict;
    out[n++] = (uint8_t)d->n;
    if (d->verdict == VERDICT_HOLD)
        n += varint_put(out + n, (uint64_t)d->until);
    for (size_t i = 0; i < d->n; i++) {
        const struct finding *fi = &d->finding[i];
        out[n++] = (uint8_t)fi->index;
        out[n++] = (uint8_t)(fi->verdict | (fi->shadow ? PACK_SHADOW : 0) | (fi->unknown ? PACK_UNKNOWN : 0) |
                             (fi->overridden ? PACK_OVERRIDDEN : 0));
        out[n++] = slots_of(fi);
        if (fi->verdict == VERDICT_HOLD)
            n += varint_put(out + n, (uint64_t)fi->until);
    }
    return n;
}

static bool get_time(const uint8_t **p, const uint8_t *end, int64_t *ret)
{
    uint64_t v;
    if (!varint_get(p, end, &v) || v > TIME_LAST)
        return false;
    *ret = (int64_t)v;
    return true;
}

static bool unpack_finding(const uint8_t **p, const uint8_t *end, const struct ruleset *rs, struct finding *ret)
{
    if (end - *p < 3 || (*p)[0] >= rs->n_rules || ((*p)[1] & ~PACK_FLAGS) != 0)
        return false;
    const struct rule *r = &rs->rule[(*p)[0]];
    uint8_t flags = (*p)[1], slots = (*p)[2];
    struct finding fi = {.rule = r,
                         .index = r->index,
                         .verdict = flags & PACK_VERDICT,
                         .shadow = (flags & PACK_SHADOW) != 0,
                         .unknown = (flags & PACK_UNKNOWN) != 0,
                         .overridden = (flags & PACK_OVERRIDDEN) != 0};
    *p += 3;
    if ((fi.verdict != VERDICT_HOLD && fi.verdict != VERDICT_DENY) || (slots >> r->facts.n) != 0 ||
        __builtin_popcount(slots) > FINDING_FACTS_MAX ||
        (fi.overridden && rs->set[r->source].face.kind != RULESET_POLICY))
        return false;
    if (fi.verdict == VERDICT_HOLD && !get_time(p, end, &fi.until))
        return false;
    finding_facts(&fi, r, slots);
    *ret = fi;
    return true;
}

int decision_unpack(const void *packed, size_t n, const struct ruleset *rs, struct decision *ret)
{
    const uint8_t *p = packed, *end = p + n;
    struct decision d = {.n = 0};
    if (n < 3 || p[0] != PACK_VERSION || p[1] > VERDICT_DENY || p[2] > FINDINGS_MAX)
        return WL_EINVAL;
    d.verdict = (enum verdict)p[1];
    size_t count = p[2];
    p += 3;
    if (d.verdict == VERDICT_HOLD && !get_time(&p, end, &d.until))
        return WL_EINVAL;
    for (; d.n < count; d.n++) {
        struct finding *fi = &d.finding[d.n];
        if (!unpack_finding(&p, end, rs, fi))
            return WL_EINVAL;
        if (d.n > 0 && d.finding[d.n - 1].rule->rank >= fi->rule->rank)
            return WL_EINVAL; /* findings are kept in order of rule id */
    }
    if (p != end)
        return WL_EINVAL;
    *ret = d;
    return 0;
}
