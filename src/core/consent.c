/* SPDX-License-Identifier: Apache-2.0
 * consent.c - the fold of consent events, and its packed form.
 *
 * The rule: a withdrawal stands until a grant comes that is later and not weaker. What a person said or did themselves is
 * not undone by somebody's word, and neither by a line in a list. So for each category and each strength the greatest event by
 * (time, strictness) is held: a withdrawal is stricter than a grant of the same instant, and of two grants the one with the
 * better evidence is the greater, of two as good the one that ends sooner. Taking a maximum is commutative, associative and
 * idempotent, so redelivered and reordered events cannot change the outcome. A word as old as a stronger one, or older, can
 * never matter again and is dropped. Those that are left get later as they get weaker; so none of them can lift one before
 * it, and the category is withdrawn when any of them is a withdrawal, else granted by the last.
 *
 * A grant never lifts a platform stop, and a stop never rewrites what the person told the business itself. Of states packed
 * by earlier versions a grant without a rank has the least one, and a withdrawal counts as the person's own words. */
#include "core/consent.h"

#include <string.h>

#include "core/varint.h"

#define PACK_VERSION       3
#define PACK_LAST_WORDS    2 /* the last word alone, whatever its strength */
#define PACK_WITHOUT_RANKS 1 /* as written until ranks came */

const char *consent_act_name(enum consent_act a)
{
    static const char *const names[] = {"unknown", "grant", "withdraw", "stop", "resume"};
    return (size_t)a < sizeof names / sizeof names[0] ? names[a] : names[0];
}

const char *consent_status_name(enum consent_status s)
{
    static const char *const names[] = {"none", "granted", "withdrawn"};
    return (size_t)s < sizeof names / sizeof names[0] ? names[s] : names[0];
}

const char *consent_rank_name(enum consent_rank r)
{
    static const char *const names[] = {"none", "listed", "asserted", "captured", "written", "confirmed"};
    return (size_t)r < sizeof names / sizeof names[0] ? names[r] : names[0];
}

int consent_scope_parse(struct str s, consent_scope *ret, struct err *e)
{
    consent_scope scope = 0;
    for (struct str rest = s; rest.p != NULL;) {
        struct str word = str_trim(str_cut(rest, ',', &rest));
        enum category c = category_parse(word);
        if (str_ieq(word, STR("all")))
            scope |= CONSENT_ALL;
        else if (c != CATEGORY_UNKNOWN && (CONSENT_SCOPE(c) & CONSENT_ALL))
            scope |= CONSENT_SCOPE(c);
        else
            return err_set(e, WL_EINVAL, "\"%.*s\" is no category people consent to", word.n > 40 ? 40 : (int)word.n,
                           word.n ? word.p : "");
    }
    if (scope == 0)
        return err_set(e, WL_EINVAL, "no category is named");
    *ret = scope;
    return 0;
}

void consent_scope_text(consent_scope s, struct buf *out)
{
    bool first = true;
    if ((s & CONSENT_ALL) == CONSENT_ALL) {
        buf_puts(out, "all");
        return;
    }
    for (int c = 0; c < CATEGORY_COUNT; c++) {
        if (!(s & CONSENT_ALL & CONSENT_SCOPE(c)))
            continue;
        if (!first)
            buf_putc(out, ',');
        buf_puts(out, category_name((enum category)c));
        first = false;
    }
}

/* What a menu of WhatsApp's says. */
static void apply_platform(struct consent_state *s, bool stop, int64_t at)
{
    if (at > s->platform_at || (at == s->platform_at && stop)) {
        s->platform_at = at;
        s->platform_stop = stop;
    }
}

static bool ends_sooner(int64_t until, int64_t than)
{
    return until != 0 && (than == 0 || until < than);
}

/* By time, then by strictness. */
static bool is_after(const struct consent_said *a, const struct consent_said *b)
{
    return a->at > b->at || (a->at == b->at && a->act > b->act);
}

/* The same, then by evidence, so that of any two that differ one is the greater. */
static bool is_greater(const struct consent_said *a, const struct consent_said *b)
{
    if (a->at != b->at || a->act != b->act)
        return is_after(a, b);
    return a->rank > b->rank || (a->rank == b->rank && ends_sooner(a->until, b->until));
}

static int strength_of(uint8_t rank)
{
    return rank >= CONSENT_RANK_CAPTURED ? 2 : rank == CONSENT_RANK_ASSERTED ? 1 : 0;
}

/* What stands, of the words that are left. */
static void settle(struct consent_word *w)
{
    w->status = CONSENT_NONE;
    for (int i = CONSENT_STRENGTHS - 1; i >= 0; i--) { /* the later, the weaker */
        const struct consent_said *s = &w->said[i];
        if (s->act == 0 || (w->status == CONSENT_WITHDRAWN && s->act == CONSENT_GRANT))
            continue;
        w->status = s->act == CONSENT_GRANT ? CONSENT_GRANTED : CONSENT_WITHDRAWN;
        w->rank = s->act == CONSENT_GRANT ? s->rank : CONSENT_RANK_NONE;
        w->at = s->at;
        w->until = s->until;
    }
}

static void hear(struct consent_word *w, const struct consent_said *s)
{
    int mine = strength_of(s->rank);
    for (int i = mine; i < CONSENT_STRENGTHS; i++)
        if (w->said[i].act != 0 && !(i == mine ? is_greater(s, &w->said[i]) : is_after(s, &w->said[i])))
            return;
    w->said[mine] = *s;
    for (int i = 0; i < mine; i++)
        if (w->said[i].act != 0 && !is_after(&w->said[i], s))
            w->said[i] = (struct consent_said){.act = 0};
    settle(w);
}

/* Every word has a rank, whatever the event says. */
static struct consent_said said_by(const struct consent_event *ev)
{
    bool sound = ev->rank >= CONSENT_RANK_LISTED && ev->rank <= CONSENT_RANK_CONFIRMED,
         grants = ev->act == CONSENT_GRANT;
    int rank = sound ? ev->rank : grants ? CONSENT_RANK_LISTED : CONSENT_RANK_CAPTURED;
    if (!grants && rank > CONSENT_RANK_CAPTURED)
        rank = CONSENT_RANK_CAPTURED;
    return (struct consent_said){.act = (uint8_t)ev->act,
                                 .rank = (uint8_t)rank,
                                 .at = ev->at > 0 ? ev->at : 0, /* nobody consented before 1970: an odd clock */
                                 .until = grants && ev->until > 0 ? ev->until : 0};
}

void consent_apply(struct consent_state *s, const struct consent_event *ev)
{
    struct consent_said said = said_by(ev);
    if (ev->act == CONSENT_STOP || ev->act == CONSENT_RESUME)
        apply_platform(s, ev->act == CONSENT_STOP, said.at);
    if (ev->act != CONSENT_GRANT && ev->act != CONSENT_WITHDRAW)
        return;
    for (int c = 0; c < CATEGORY_COUNT; c++)
        if (ev->scope & CONSENT_ALL & CONSENT_SCOPE(c))
            hear(&s->of[c], &said);
}

enum consent_rank consent_needs(const struct consent_word *w)
{
    for (int i = CONSENT_STRENGTHS - 1; i >= 0; i--)
        if (w->said[i].act == CONSENT_WITHDRAW)
            return (enum consent_rank)w->said[i].rank;
    return CONSENT_RANK_NONE;
}

/* --- many names, one person --- */

/* Whether what q said at `at` speaks for p's name, too. */
static bool speaks_for(const struct consent_voice *q, const struct consent_voice *p, int64_t at)
{
    return !q->refusals_only && (q == p || (at >= q->since && at >= p->since));
}

/* What was said under p's name, and granted under the others for it. */
static struct consent_word view(const struct consent_voice *v, size_t n, const struct consent_voice *p, int c)
{
    struct consent_word ret = {.status = CONSENT_NONE};
    for (size_t i = 0; i < n; i++)
        for (int k = 0; k < CONSENT_STRENGTHS; k++) {
            const struct consent_said *s = &v[i].said.of[c].said[k];
            if (s->act == CONSENT_WITHDRAW ? &v[i] == p : s->act != 0 && speaks_for(&v[i], p, s->at))
                hear(&ret, s);
        }
    return ret;
}

/* When the person was last heard on this, without what nobody knows who said. */
static int64_t last_heard(const struct consent_voice *v, size_t n, int c)
{
    int64_t last = 0;
    for (size_t i = 0; i < n; i++) {
        const struct consent_word *w = &v[i].said.of[c];
        if (w->at > last && (w->status == CONSENT_WITHDRAWN || !v[i].refusals_only))
            last = w->at;
    }
    return last;
}

/* Withdrawn when it is in the view of any name. */
static struct consent_word word_of_voices(const struct consent_voice *v, size_t n, int c)
{
    struct consent_word granted = {.status = CONSENT_NONE}, refused = granted;
    enum consent_rank needs = CONSENT_RANK_NONE;
    if (n == 1 && !v->refusals_only)
        return v->said.of[c];
    for (size_t i = 0; i < n; i++) {
        struct consent_word w = view(v, n, &v[i], c);
        if (w.status == CONSENT_WITHDRAWN && consent_needs(&w) > needs)
            needs = consent_needs(&w);
        for (int k = 0; k < CONSENT_STRENGTHS; k++)
            if (w.said[k].act == CONSENT_GRANT)
                hear(&granted, &w.said[k]);
    }
    if (needs == CONSENT_RANK_NONE)
        return granted;
    hear(&refused, &(struct consent_said){CONSENT_WITHDRAW, (uint8_t)needs, last_heard(v, n, c), 0});
    return refused;
}

static bool is_resumed(const struct consent_voice *v, size_t n, const struct consent_voice *p)
{
    for (size_t i = 0; i < n; i++)
        if (!v[i].said.platform_stop && v[i].said.platform_at > p->said.platform_at &&
            speaks_for(&v[i], p, v[i].said.platform_at))
            return true;
    return false;
}

/* The later of stop and resume, except that a stop under one name waits for a resume that speaks for it. */
static void stop_of_voices(const struct consent_voice *v, size_t n, struct consent_state *s)
{
    for (size_t i = 0; i < n; i++) {
        const struct consent_state *said = &v[i].said;
        if (said->platform_stop || (said->platform_at != 0 && !v[i].refusals_only))
            apply_platform(s, said->platform_stop, said->platform_at);
    }
    for (size_t i = 0; i < n; i++)
        if (v[i].said.platform_stop && !s->platform_stop && !is_resumed(v, n, &v[i]))
            s->platform_stop = true;
}

void consent_of_voices(const struct consent_voice *v, size_t n, struct consent_state *ret)
{
    struct consent_state s;
    memset(&s, 0, sizeof s);
    for (int c = 0; c < CATEGORY_COUNT; c++)
        s.of[c] = word_of_voices(v, n, c);
    stop_of_voices(v, n, &s);
    *ret = s;
}

/* Packed: version; bits 0-5 which categories are set, bit 6 a platform event was seen, bit 7 it is a stop; then for
 * each set category its words, the strongest first; then the platform's time. A word is its time shifted left by one with
 * "withdrawn" in the lowest bit, and a byte: the rank, bit 6 set when another word follows, bit 7 when it ends by itself, and
 * then the time of that. Numbers are varints. */

#define MORE 0x40
#define ENDS 0x80

static size_t word_put(uint8_t *out, const struct consent_word *w)
{
    size_t n = 0, flags = 0;
    for (int i = CONSENT_STRENGTHS - 1; i >= 0; i--) {
        const struct consent_said *s = &w->said[i];
        if (s->act == 0)
            continue;
        if (n > 0)
            out[flags] = (uint8_t)(out[flags] | MORE);
        n += varint_put(out + n, (uint64_t)s->at << 1 | (s->act == CONSENT_WITHDRAW));
        flags = n++;
        out[flags] = (uint8_t)(s->rank | (s->until != 0 ? ENDS : 0));
        if (s->until != 0)
            n += varint_put(out + n, (uint64_t)s->until);
    }
    return n;
}

size_t consent_pack(const struct consent_state *s, uint8_t out[CONSENT_PACKED_MAX])
{
    uint8_t set = 0;
    size_t n = 2;
    for (int c = 0; c < CATEGORY_COUNT; c++) {
        size_t more = word_put(out + n, &s->of[c]);
        set = (uint8_t)(set | (more > 0) << c);
        n += more;
    }
    if (s->platform_stop || s->platform_at != 0) {
        set |= s->platform_stop ? 0xc0 : 0x40;
        n += varint_put(out + n, (uint64_t)s->platform_at);
    }
    if (set == 0)
        return 0;
    out[0] = PACK_VERSION;
    out[1] = set;
    return n;
}

static bool until_get(const uint8_t **at, const uint8_t *end, int64_t *ret)
{
    uint64_t v;
    if (!varint_get(at, end, &v) || v == 0 || v > INT64_MAX)
        return false;
    *ret = (int64_t)v;
    return true;
}

/* One word of a category. *ret_more: another follows. */
static bool said_get(const uint8_t **at, const uint8_t *end, int version, struct consent_said *ret, bool *ret_more)
{
    uint64_t v;
    if (!varint_get(at, end, &v))
        return false;
    *ret = (struct consent_said){.act = v & 1 ? CONSENT_WITHDRAW : CONSENT_GRANT, .at = (int64_t)(v >> 1)};
    ret->rank = v & 1 ? CONSENT_RANK_CAPTURED : CONSENT_RANK_LISTED;
    *ret_more = false;
    if (version == PACK_WITHOUT_RANKS || (version == PACK_LAST_WORDS && (v & 1)))
        return true;
    if (*at == end)
        return false;
    uint8_t byte = *(*at)++, rank = byte & (uint8_t) ~(MORE | ENDS);
    *ret_more = (byte & MORE) != 0;
    ret->rank = rank;
    if (rank < CONSENT_RANK_LISTED || rank > (v & 1 ? CONSENT_RANK_CAPTURED : CONSENT_RANK_CONFIRMED))
        return false;
    if (version == PACK_LAST_WORDS && (byte & (MORE | ENDS)))
        return false;
    return !(byte & ENDS) || (!(v & 1) && until_get(at, end, &ret->until));
}

/* Only as word_put() writes them: each weaker than the one before, and later. */
static bool word_get(const uint8_t **at, const uint8_t *end, int version, struct consent_word *ret)
{
    const struct consent_said *before = NULL;
    bool more = true;
    *ret = (struct consent_word){.status = CONSENT_NONE};
    while (more) {
        struct consent_said s;
        if (!said_get(at, end, version, &s, &more))
            return false;
        int mine = strength_of(s.rank);
        if (before != NULL && (mine >= strength_of(before->rank) || !is_after(&s, before)))
            return false;
        ret->said[mine] = s;
        before = &ret->said[mine];
    }
    settle(ret);
    return true;
}

/* A version we know, and bits that say anything. */
static bool sound_head(const uint8_t *p, size_t n)
{
    return n >= 2 && p[0] >= PACK_WITHOUT_RANKS && p[0] <= PACK_VERSION && (p[1] & 0xc0) != 0x80 && p[1] != 0;
}

int consent_unpack(const void *p, size_t n, struct consent_state *ret)
{
    struct consent_state s;
    memset(&s, 0, sizeof s);
    const uint8_t *at = p, *end = at + n;
    if (n > 0) {
        if (!sound_head(at, n))
            return WL_EINVAL;
        int version = at[0];
        uint8_t set = at[1];
        uint64_t v;
        at += 2;
        for (int c = 0; c < CATEGORY_COUNT; c++)
            if ((set & 1u << c) && !word_get(&at, end, version, &s.of[c]))
                return WL_EINVAL;
        if (set & 0x40) {
            if (!varint_get(&at, end, &v) || v > INT64_MAX || (v == 0 && !(set & 0x80)))
                return WL_EINVAL;
            s.platform_stop = (set & 0x80) != 0;
            s.platform_at = (int64_t)v;
        }
        if (at != end)
            return WL_EINVAL;
    }
    *ret = s;
    return 0;
}
