/* SPDX-License-Identifier: Apache-2.0
 * errand_sow.c - reads the ledger in the order of its log and asks whoever should confirm.
 *
 * However a consent came in, it has a place in the log, and a position in it is kept with the welcomes it led to, in one
 * transaction: each consent is seen once, also when the program dies. What was there before welcome.on was set is never
 * asked about by itself, nor what was recorded or said more than a week ago: who opted in then did not do it just now, and an
 * import of old consents is not to write to everybody in it. */
#include "gateway/errand_sow.h"

#include "base/clock.h"
#include "base/log.h"
#include "gateway/chore.h"
#include "gateway/gateway_impl.h"
#include "gateway/welcomes.h"
#include "store/ledger.h"

#define CURSOR      "welcomes"
#define ROWS_MAX    200
#define HISTORY_MAX 1000
#define FRESH_MS    (INT64_C(7) * 86400000)
#define BUCKET      0 /* one holds everything while the spread is 1 */

struct sowing {
    struct sow *w;
    struct gateway *g;
    int64_t next;
    size_t started;
};

static bool is_named(struct str methods, struct str method)
{
    for (struct str rest = methods; rest.p != NULL;)
        if (str_ieq(str_trim(str_cut(rest, ',', &rest)), str_trim(method)))
            return true;
    return false;
}

static bool has_wording(const struct consent_row *row)
{
    static const uint8_t none[SHA256_BYTES];
    return memcmp(row->notice, none, sizeof none) != 0;
}

static bool is_meant(const struct gateway *g, const struct consent_row *row, int64_t now)
{
    const struct consent_ground ground = {row->event.act, row->method, row->source,
                                          row->evidence,  row->actor,  has_wording(row)};
    return row->event.act == CONSENT_GRANT && row->recorded_at > now - FRESH_MS && row->event.at > now - FRESH_MS &&
           row->method.n > 0 && is_named(str_of(g->o.errand.welcome_on), row->method) &&
           consent_rank(&ground, NULL) < CONSENT_RANK_CONFIRMED;
}

/* Which categories were confirmed at some time and not refused since: a later word, as good as it may be, asks for nothing. */
static consent_scope confirmed(const struct consent_row *rows, size_t n)
{
    int64_t yes[CATEGORY_COUNT] = {0}, no[CATEGORY_COUNT] = {0};
    consent_scope ret = 0;
    for (size_t i = 0; i < n; i++) {
        bool grants = rows[i].event.act == CONSENT_GRANT && str_ieq(rows[i].method, STR("double_opt_in"));
        for (int c = 0; c < CATEGORY_COUNT; c++) {
            int64_t *last = grants ? &yes[c] : rows[i].event.act == CONSENT_WITHDRAW ? &no[c] : NULL;
            if (last != NULL && (rows[i].event.scope & CONSENT_SCOPE(c)) && rows[i].event.at > *last)
                *last = rows[i].event.at;
        }
    }
    for (int c = 0; c < CATEGORY_COUNT; c++)
        ret |= yes[c] > no[c] ? CONSENT_SCOPE(c) : 0;
    return ret;
}

/* What of it still stands and was not confirmed. */
static int to_confirm(struct store *s, struct arena *a, const struct person *p, consent_scope scope, consent_scope *ret,
                      struct err *e)
{
    struct consent_row *rows = NULL;
    consent_scope stands = 0;
    size_t n = 0;
    int rc = ledger_list(s, p->bucket, p->id, a, HISTORY_MAX, &rows, &n, e);
    for (int c = 0; c < CATEGORY_COUNT; c++)
        if (p->consent.of[c].status == CONSENT_GRANTED && p->consent.of[c].rank < CONSENT_RANK_CONFIRMED)
            stands |= CONSENT_SCOPE(c);
    if (rc == 0)
        *ret = scope & stands & ~confirmed(rows, n);
    return rc;
}

static int ask(struct sowing *o, struct store *s, struct arena *a, const struct consent_row *row, int64_t now,
               struct err *e)
{
    struct person p;
    struct errand made;
    struct err why = {0};
    const char *field;
    char id[STORE_ID_TEXT];
    consent_scope scope = 0;
    int rc = people_get(s, row->bucket, row->contact, &p, e);
    if (rc == 0)
        rc = to_confirm(s, a, &p, row->event.scope, &scope, e);
    if (rc != 0 || scope == 0)
        return rc == WL_ENOTFOUND ? 0 : rc;
    struct welcome_wish w = {.sender = o->g->o.errand.welcome_from != 0 ? o->g->o.errand.welcome_from : row->sender,
                             .scope = scope,
                             .first = str_of(store_id_text(row->bucket, row->id, id)),
                             .actor = STR(CONSENT_ACTOR_GATEWAY),
                             .reminders = -1};
    if (welcome_check(o->g, &w, a, &field, &why) != 0) {
        log_warn("errands", "a consent that is to be confirmed is not: %s", why.text);
        return 0;
    }
    rc = welcome_open(s, a, &p, w.sender, &made, e);
    if (rc != WL_ENOTFOUND)
        return rc;
    rc = welcome_add(s, a, &p, &w, now, &made, e);
    o->started += rc == 0;
    return rc;
}

static int run(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct sowing *o = ctx;
    struct consent_row *rows = NULL;
    size_t n = 0;
    o->started = 0;
    o->next = o->w->from;
    int rc = ledger_by_leaf(s, BUCKET, o->w->from - 1, ROWS_MAX, a, &rows, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        o->next = rows[i].leaf + 2;
        if (is_meant(o->g, &rows[i], now))
            rc = ask(o, s, a, &rows[i], now, e);
    }
    return rc == 0 ? cursor_set(s, CURSOR, o->next, e) : rc;
}

/* Puts the position where it belongs: behind what there is when it begins, or when the log began anew. */
static int begin(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct sowing *o = ctx;
    bool on = o->g->o.errand.welcome_on != NULL;
    int64_t at = 0, size = 0;
    (void)a, (void)now;
    int rc = cursor_get(s, CURSOR, &at, e);
    if (rc == 0)
        rc = log_size(s, &size, e);
    int64_t to = !on ? 0 : at == 0 || at > size + 1 ? size + 1 : at;
    if (rc == 0 && to != at)
        rc = cursor_set(s, CURSOR, to, e);
    o->next = to;
    return rc;
}

int errand_sow(struct sow *w, struct gateway *g, struct store *reader, struct arena *a, size_t *ret_n, struct err *e)
{
    struct sowing o = {.w = w, .g = g, .next = w->from};
    struct consent_row *rows = NULL;
    size_t n = 0;
    *ret_n = 0;
    if (w->from < 0)
        return 0; /* nobody is asked by itself */
    int rc = w->from == 0 ? writer_call(g->writer, CHORE_RANK, begin, &o, e)
                          : ledger_by_leaf(reader, BUCKET, w->from - 1, 1, a, &rows, &n, e);
    if (rc == 0 && n > 0)
        rc = writer_call(g->writer, CHORE_RANK, run, &o, e);
    if (rc != 0)
        return rc;
    w->from = o.next != 0 ? o.next : -1;
    *ret_n = o.started;
    return 0;
}
