/* SPDX-License-Identifier: Apache-2.0
 * consent.c - the fold of consent events, and its packed form.
 *
 * The state holds, for each category, the greatest event by (time, strictness): a withdrawal is stricter than a
 * grant of the same instant, a platform stop than a resume, and of two grants the one with the better evidence is the
 * greater, of two as good the one that ends sooner. Taking a maximum is commutative, associative and idempotent, so redelivered and reordered events cannot
 * change the outcome. A grant never lifts a platform stop, and a stop never rewrites what the person told the business
 * itself. States packed before grants had a rank are read with the least one. */
#include "core/consent.h"

#include <string.h>

#include "core/varint.h"

#define PACK_VERSION       3 /* 2: no grant ended by itself */
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

enum consent_rank consent_rank_of(struct str method, bool has_wording)
{
    static const struct {
        struct str method;
        enum consent_rank with_wording, without;
    } rows[] = {
        {STR_INIT("import"), CONSENT_RANK_LISTED, CONSENT_RANK_LISTED},
        {STR_INIT("web_form"), CONSENT_RANK_CAPTURED, CONSENT_RANK_ASSERTED},
        {STR_INIT("sms"), CONSENT_RANK_CAPTURED, CONSENT_RANK_ASSERTED},
        {STR_INIT("ivr"), CONSENT_RANK_CAPTURED, CONSENT_RANK_ASSERTED},
        {STR_INIT("paper"), CONSENT_RANK_CAPTURED, CONSENT_RANK_ASSERTED},
        {STR_INIT("in_person"), CONSENT_RANK_CAPTURED, CONSENT_RANK_ASSERTED},
        {STR_INIT("whatsapp"), CONSENT_RANK_WRITTEN, CONSENT_RANK_WRITTEN},
        {STR_INIT("platform"), CONSENT_RANK_WRITTEN, CONSENT_RANK_WRITTEN},
        {STR_INIT("in_app_signup"), CONSENT_RANK_WRITTEN, CONSENT_RANK_WRITTEN},
        {STR_INIT("double_opt_in"), CONSENT_RANK_CONFIRMED, CONSENT_RANK_CONFIRMED},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (str_ieq(str_trim(method), rows[i].method))
            return has_wording ? rows[i].with_wording : rows[i].without;
    return CONSENT_RANK_ASSERTED; /* api, cli, crm, operator, and whatever a program calls it */
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

/* A grant always has a rank and nothing else has one, whatever the event says. */
static uint8_t grant_rank(const struct consent_event *ev)
{
    if (ev->act != CONSENT_GRANT)
        return CONSENT_RANK_NONE;
    bool sound = ev->rank >= CONSENT_RANK_LISTED && ev->rank <= CONSENT_RANK_CONFIRMED;
    return sound ? (uint8_t)ev->rank : CONSENT_RANK_LISTED;
}

static bool ends_sooner(int64_t until, int64_t than)
{
    return until != 0 && (than == 0 || until < than);
}

void consent_apply(struct consent_state *s, const struct consent_event *ev)
{
    int64_t at =
        ev->at > 0 ? ev->at : 0; /* nobody consented before 1970: an odd clock, and the fold needs a least time */
    if (ev->act == CONSENT_STOP || ev->act == CONSENT_RESUME)
        apply_platform(s, ev->act == CONSENT_STOP, at);
    if (ev->act != CONSENT_GRANT && ev->act != CONSENT_WITHDRAW)
        return;
    uint8_t status = ev->act == CONSENT_GRANT ? CONSENT_GRANTED : CONSENT_WITHDRAWN;
    uint8_t rank = grant_rank(ev);
    int64_t until = ev->act == CONSENT_GRANT && ev->until > 0 ? ev->until : 0;
    for (int c = 0; c < CATEGORY_COUNT; c++) {
        if (!(ev->scope & CONSENT_ALL & CONSENT_SCOPE(c)))
            continue;
        struct consent_word *w = &s->of[c];
        bool as_strict = status == w->status, as_good = as_strict && rank == w->rank;
        if (at > w->at || (at == w->at && (status > w->status || (as_strict && rank > w->rank) ||
                                           (as_good && ends_sooner(until, w->until)))))
            *w = (struct consent_word){status, rank, at, until};
    }
}

/* --- many names, one person --- */

/* Whether what q said at `at` speaks for p's name, too. */
static bool speaks_for(const struct consent_voice *q, const struct consent_voice *p, int64_t at)
{
    return !q->refusals_only && (q == p || (at >= q->since && at >= p->since));
}

static bool is_lifted(const struct consent_voice *v, size_t n, const struct consent_voice *p, int category)
{
    const struct consent_word *refused = &p->said.of[category];
    for (size_t i = 0; i < n; i++) {
        const struct consent_word *w = &v[i].said.of[category];
        if (w->status == CONSENT_GRANTED && w->at > refused->at && speaks_for(&v[i], p, w->at))
            return true;
    }
    return false;
}

static bool is_resumed(const struct consent_voice *v, size_t n, const struct consent_voice *p)
{
    for (size_t i = 0; i < n; i++)
        if (!v[i].said.platform_stop && v[i].said.platform_at > p->said.platform_at &&
            speaks_for(&v[i], p, v[i].said.platform_at))
            return true;
    return false;
}

/* The later word of all, without what nobody knows who said. */
static struct consent_state last_words(const struct consent_voice *v, size_t n)
{
    struct consent_state last = {0};
    for (size_t i = 0; i < n; i++) {
        const struct consent_state *s = &v[i].said;
        for (int c = 0; c < CATEGORY_COUNT; c++) {
            if (s->of[c].status == CONSENT_NONE || (v[i].refusals_only && s->of[c].status == CONSENT_GRANTED))
                continue;
            struct consent_event ev = {s->of[c].status == CONSENT_GRANTED ? CONSENT_GRANT : CONSENT_WITHDRAW,
                                       CONSENT_SCOPE(c), s->of[c].at, s->of[c].rank, s->of[c].until};
            consent_apply(&last, &ev);
        }
        if (s->platform_stop || (s->platform_at != 0 && !v[i].refusals_only))
            apply_platform(&last, s->platform_stop, s->platform_at);
    }
    return last;
}

void consent_of_voices(const struct consent_voice *v, size_t n, struct consent_state *ret)
{
    struct consent_state s = last_words(v, n);
    for (size_t i = 0; i < n; i++) {
        for (int c = 0; c < CATEGORY_COUNT; c++)
            if (v[i].said.of[c].status == CONSENT_WITHDRAWN && s.of[c].status == CONSENT_GRANTED &&
                !is_lifted(v, n, &v[i], c)) {
                s.of[c].status = CONSENT_WITHDRAWN;
                s.of[c].rank = CONSENT_RANK_NONE;
                s.of[c].until = 0;
            }
        if (v[i].said.platform_stop && !s.platform_stop && !is_resumed(v, n, &v[i]))
            s.platform_stop = true;
    }
    *ret = s;
}

/* Packed: version; bits 0-5 which categories are set, bit 6 a platform event was seen, bit 7 it is a stop; then for
 * each set category its time shifted left by one with "withdrawn" in the lowest bit, and if it is a grant a byte with its
 * rank, the highest bit of it set when it ends by itself, and the time of that; then the platform's time. Numbers are varints. */

#define ENDS 0x80

static size_t grant_put(uint8_t *out, const struct consent_word *w)
{
    uint8_t rank = w->rank > CONSENT_RANK_LISTED ? w->rank : CONSENT_RANK_LISTED;
    out[0] = w->until != 0 ? rank | ENDS : rank;
    return w->until != 0 ? 1 + varint_put(out + 1, (uint64_t)w->until) : 1;
}

size_t consent_pack(const struct consent_state *s, uint8_t out[CONSENT_PACKED_MAX])
{
    uint8_t set = 0;
    size_t n = 2;
    for (int c = 0; c < CATEGORY_COUNT; c++) {
        if (s->of[c].status == CONSENT_NONE)
            continue;
        set |= (uint8_t)(1u << c);
        n += varint_put(out + n, (uint64_t)s->of[c].at << 1 | (s->of[c].status == CONSENT_WITHDRAWN));
        if (s->of[c].status == CONSENT_GRANTED)
            n += grant_put(out + n, &s->of[c]);
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

/* What is kept of one category. `ranks`: a grant is followed by its rank; otherwise it has the least one. */
static bool word_get(const uint8_t **at, const uint8_t *end, bool ranks, struct consent_word *ret)
{
    uint64_t v;
    if (!varint_get(at, end, &v))
        return false;
    ret->status = v & 1 ? CONSENT_WITHDRAWN : CONSENT_GRANTED;
    ret->at = (int64_t)(v >> 1);
    ret->rank = v & 1 ? CONSENT_RANK_NONE : CONSENT_RANK_LISTED;
    ret->until = 0;
    if ((v & 1) || !ranks)
        return true;
    if (*at == end || (**at & ~ENDS) < CONSENT_RANK_LISTED || (**at & ~ENDS) > CONSENT_RANK_CONFIRMED)
        return false;
    uint8_t rank = *(*at)++;
    ret->rank = rank & (uint8_t)~ENDS;
    if (!(rank & ENDS))
        return true;
    if (!varint_get(at, end, &v) || v == 0 || v > INT64_MAX)
        return false;
    ret->until = (int64_t)v;
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
        bool ranks = at[0] != PACK_WITHOUT_RANKS;
        uint8_t set = at[1];
        uint64_t v;
        at += 2;
        for (int c = 0; c < CATEGORY_COUNT; c++) {
            if (!(set & 1u << c))
                continue;
            if (!word_get(&at, end, ranks, &s.of[c]))
                return WL_EINVAL;
        }
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
