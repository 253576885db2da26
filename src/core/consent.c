/* SPDX-License-Identifier: Apache-2.0
 * consent.c - the fold of consent events, and its packed form.
 *
 * The state holds, for each category, the greatest event by (time, strictness): a withdrawal is stricter than a
 * grant of the same instant, a platform stop than a resume. Taking a maximum is commutative, associative and
 * idempotent, so redelivered and reordered events cannot change the outcome. A grant never lifts a
 * platform stop, and a stop never rewrites what the person told the business itself. */
#include "core/consent.h"

#include <string.h>

#include "core/varint.h"

#define PACK_VERSION 1

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

void consent_apply(struct consent_state *s, const struct consent_event *ev)
{
    int64_t at =
        ev->at > 0 ? ev->at : 0; /* nobody consented before 1970: an odd clock, and the fold needs a least time */
    if (ev->act == CONSENT_STOP || ev->act == CONSENT_RESUME) {
        bool stop = ev->act == CONSENT_STOP;
        if (at > s->platform_at || (at == s->platform_at && stop)) {
            s->platform_at = at;
            s->platform_stop = stop;
        }
        return;
    }
    if (ev->act != CONSENT_GRANT && ev->act != CONSENT_WITHDRAW)
        return;
    uint8_t status = ev->act == CONSENT_GRANT ? CONSENT_GRANTED : CONSENT_WITHDRAWN;
    for (int c = 0; c < CATEGORY_COUNT; c++) {
        if (!(ev->scope & CONSENT_ALL & CONSENT_SCOPE(c)))
            continue;
        if (at > s->of[c].at || (at == s->of[c].at && status > s->of[c].status)) {
            s->of[c].status = status;
            s->of[c].at = at;
        }
    }
}

/* Packed: version; bits 0-5 which categories are set, bit 6 a platform event was seen, bit 7 it is a stop; then for
 * each set category its time shifted left by one with "withdrawn" in the lowest bit; then the platform's time.
 * Numbers are varints. */

size_t consent_pack(const struct consent_state *s, uint8_t out[CONSENT_PACKED_MAX])
{
    uint8_t set = 0;
    size_t n = 2;
    for (int c = 0; c < CATEGORY_COUNT; c++) {
        if (s->of[c].status == CONSENT_NONE)
            continue;
        set |= (uint8_t)(1u << c);
        n += varint_put(out + n, (uint64_t)s->of[c].at << 1 | (s->of[c].status == CONSENT_WITHDRAWN));
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

int consent_unpack(const void *p, size_t n, struct consent_state *ret)
{
    struct consent_state s;
    memset(&s, 0, sizeof s);
    const uint8_t *at = p, *end = at + n;
    if (n > 0) {
        if (n < 2 || at[0] != PACK_VERSION || (at[1] & 0xc0) == 0x80)
            return WL_EINVAL;
        uint8_t set = at[1];
        uint64_t v;
        at += 2;
        for (int c = 0; c < CATEGORY_COUNT; c++) {
            if (!(set & 1u << c))
                continue;
            if (!varint_get(&at, end, &v))
                return WL_EINVAL;
            s.of[c].status = v & 1 ? CONSENT_WITHDRAWN : CONSENT_GRANTED;
            s.of[c].at = (int64_t)(v >> 1);
        }
        if (set & 0x40) {
            if (!varint_get(&at, end, &v) || v > INT64_MAX)
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
