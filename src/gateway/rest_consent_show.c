/* SPDX-License-Identifier: Apache-2.0
 * rest_consent_show.c - a person's consent as others are to see it: what is in force and why, and every event behind it.
 *
 * The state that decisions read is in the person's row; here it is explained with the events of the ledger: for each category
 * the one that decides, and those that stand against it or would have to be better to count. An event has its place in the
 * log, and whether a signed checkpoint holds it already. */
#include <stdio.h>

#include "base/clock.h"
#include "gateway/checkpoints.h"
#include "gateway/rest_person.h"

#define EVENTS_BYTES (REST_ANSWER_MAX / 2) /* of one person's, with what stands before them */

static const enum category shown[] = {CATEGORY_MARKETING, CATEGORY_UTILITY, CATEGORY_AUTHENTICATION, CATEGORY_CALLS};
#define SHOWN (sizeof shown / sizeof shown[0])

void rest_consent_members(struct json_out *o, const struct person *p)
{
    jo_key(o, "consent");
    jo_object(o);
    for (size_t i = 0; i < SHOWN; i++) {
        const struct consent_word *w = &p->consent.of[shown[i]];
        enum consent_rank needs = consent_needs(w);
        jo_key(o, category_name(shown[i]));
        jo_object(o);
        jo_kcstr(o, "status", consent_status_name((enum consent_status)w->status));
        rest_time(o, "at", w->at);
        jo_kcstr(o, "rank", consent_rank_name((enum consent_rank)w->rank));
        rest_time(o, "expires", w->until);
        jo_kcstr(o, "needs", needs != CONSENT_RANK_NONE ? consent_rank_name(needs) : NULL);
        jo_end(o);
    }
    jo_end(o);
    jo_key(o, "platform_stop");
    jo_object(o);
    jo_kbool(o, "stopped", p->consent.platform_stop);
    rest_time(o, "at", p->consent.platform_at);
    jo_end(o);
}

/* --- one event --------------------------------------------------------------------------------------------------------- */

/* Why a grant does not lift what stands in this category; false: it does, or nothing stands. */
static bool stands_against(const struct consent_word *w, const struct consent_event *ev, struct buf *why)
{
    char when[TIME_TEXT];
    enum consent_rank needs = consent_needs(w);
    if (w->status != CONSENT_WITHDRAWN)
        return false;
    if (ev->at <= w->at)
        buf_printf(why, "the person withdrew at %s, which is not before this", time_text(w->at, when));
    else
        buf_printf(why, "the withdrawal of %s is lifted only by a grant that is %s or better, and this one is %s",
                   time_text(w->at, when), consent_rank_name(needs), consent_rank_name((enum consent_rank)ev->rank));
    return true;
}

/* Whether the event decides now for every category it names; `why` not. */
static bool in_force(const struct consent_state *s, const struct consent_event *ev, struct buf *why)
{
    int status = ev->act == CONSENT_GRANT ? CONSENT_GRANTED : CONSENT_WITHDRAWN;
    char when[TIME_TEXT];
    for (int c = 0; c < CATEGORY_COUNT; c++) {
        const struct consent_word *w = &s->of[c];
        if (!(ev->scope & CONSENT_SCOPE(c)) || w->status == status)
            continue;
        if (why->len == 0 && !stands_against(w, ev, why))
            buf_printf(why, "the person agreed again at %s", time_text(w->at, when));
        return false;
    }
    return true;
}

void rest_consent_fate(struct json_out *o, const struct person *p, const struct consent_row *row)
{
    struct buf why;
    const char *lacks;
    buf_init(&why, 512);
    bool counts = in_force(&p->consent, &row->event, &why);
    jo_kcstr(o, "rank", consent_rank_name(rest_rank(row, &lacks)));
    if (lacks != NULL)
        jo_kcstr(o, "lacks", lacks);
    if (rest_back_dated(row))
        jo_kbool(o, "back_dated", true);
    jo_kbool(o, "in_force", counts);
    if (!counts)
        jo_kstr(o, "why", buf_str(&why));
    buf_done(&why);
}

/* "leaf": its place in the log, "sealed": a signed checkpoint holds it. */
static void put_leaf(struct rest_call *c, const struct consent_row *row)
{
    struct json_out *o = &c->out;
    jo_key(o, "leaf");
    if (row->leaf < 0)
        jo_null(o);
    else
        jo_int(o, row->leaf);
    jo_kbool(o, "sealed", row->leaf >= 0 && row->leaf < checkpoints_sealed(c->g->checkpoints));
}

static void put_rank(struct json_out *o, const struct consent_row *row)
{
    const char *lacks;
    enum consent_rank rank = rest_rank(row, &lacks);
    if (row->event.act != CONSENT_GRANT && row->event.act != CONSENT_WITHDRAW)
        return;
    jo_kcstr(o, "rank", consent_rank_name(rank));
    if (lacks != NULL)
        jo_kcstr(o, "lacks", lacks);
}

static void show_event(struct rest_call *c, const struct consent_row *row)
{
    static const uint8_t none[SHA256_BYTES];
    struct json_out *o = &c->out;
    char id[STORE_ID_TEXT], hex[SHA256_HEX];
    struct buf scope;
    buf_init(&scope, 256);
    consent_scope_text(row->event.scope, &scope);
    hex_encode(row->notice, SHA256_BYTES, hex);
    jo_object(o);
    jo_kcstr(o, "id", store_id_text(row->bucket, row->id, id));
    jo_kcstr(o, "act", consent_act_name(row->event.act));
    jo_kstr(o, "scope", buf_str(&scope));
    rest_time(o, "at", row->event.at);
    rest_time(o, "recorded_at", row->recorded_at);
    jo_kbool(o, "back_dated", rest_back_dated(row));
    rest_time(o, "expires", row->event.until);
    put_rank(o, row);
    jo_kstr(o, "method", row->method);
    jo_kstr(o, "source", row->source);
    jo_kstr(o, "wording", row->wording);
    jo_kcstr(o, "wording_sha256", memcmp(row->notice, none, sizeof none) != 0 ? hex : NULL);
    const struct {
        const char *key;
        struct str value;
    } texts[] = {{"language", row->language}, {"business", row->business},
                 {"policy", row->policy},     {"jurisdiction", row->jurisdiction},
                 {"evidence", row->evidence}, {"actor", row->actor},
                 {"subject", row->subject}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        jo_kstr(o, texts[i].key, texts[i].value);
    put_leaf(c, row);
    jo_end(o);
    buf_done(&scope);
}

bool rest_consent_events(struct rest_call *c, const struct consent_row *rows, size_t n)
{
    size_t i = 0;
    jo_key(&c->out, "events");
    jo_array(&c->out);
    for (; i < n && c->answer.len < EVENTS_BYTES; i++)
        show_event(c, &rows[i]);
    jo_end(&c->out);
    return i == n;
}

/* --- what stands, and why ------------------------------------------------------------------------------------------------ */

static bool speaks_of(const struct consent_row *row, enum consent_act act, enum category c)
{
    return row->event.act == act && (row->event.scope & CONSENT_SCOPE(c));
}

/* The event a category's word comes from; NULL: none of these says so (said under a name that was somebody else's, too). */
static const struct consent_row *decides(const struct consent_word *w, enum category c, const struct consent_row *rows,
                                         size_t n)
{
    enum consent_act act = w->status == CONSENT_GRANTED ? CONSENT_GRANT : CONSENT_WITHDRAW;
    const struct consent_row *best = NULL;
    for (size_t i = 0; i < n && w->status != CONSENT_NONE; i++) {
        int64_t at = rows[i].event.at > 0 ? rows[i].event.at : 0;
        if (speaks_of(&rows[i], act, c) && at == w->at && (best == NULL || rows[i].event.rank > best->event.rank))
            best = &rows[i];
    }
    return best;
}

/* Ids of events that say the contrary, and the sentence for the reader. */
static void put_against(struct json_out *o, const struct consent_word *w, enum category c,
                        const struct consent_row *rows, size_t n)
{
    char id[STORE_ID_TEXT];
    struct buf why;
    jo_key(o, "against");
    jo_array(o);
    for (size_t i = 0; i < n; i++) {
        bool granted = w->status == CONSENT_GRANTED;
        if (!speaks_of(&rows[i], granted ? CONSENT_WITHDRAW : CONSENT_GRANT, c) ||
            (!granted && rows[i].event.at < w->at))
            continue;
        buf_init(&why, 512);
        jo_object(o);
        jo_kcstr(o, "event", store_id_text(rows[i].bucket, rows[i].id, id));
        if (granted)
            buf_puts(&why, "it was lifted by the grant, which is later and not weaker");
        else
            (void)stands_against(w, &rows[i].event, &why);
        jo_kstr(o, "why", buf_str(&why));
        jo_end(o);
        buf_done(&why);
    }
    jo_end(o);
}

/* What keeps messages of a category back although it is granted; NULL: nothing that is known here. */
static const char *held_back(const struct person *p, enum category c, int64_t now)
{
    const struct consent_word *w = &p->consent.of[c];
    if (p->restricted_until != 0)
        return "the person is to be erased; only the proof is kept";
    if (c == CATEGORY_MARKETING && p->consent.platform_stop)
        return "the person stopped marketing in WhatsApp itself; only they can resume it, there";
    if (w->status == CONSENT_GRANTED && w->until != 0 && w->until <= now)
        return "the consent has expired";
    return w->status == CONSENT_NONE        ? "nobody ever said that the person agreed"
           : w->status == CONSENT_WITHDRAWN ? "the person withdrew"
                                            : NULL;
}

void rest_consent_standing(struct rest_call *c, const struct person *p, const struct consent_row *rows, size_t n,
                           int64_t now)
{
    struct json_out *o = &c->out;
    char id[STORE_ID_TEXT];
    jo_key(o, "standing");
    jo_array(o);
    for (size_t i = 0; i < SHOWN; i++) {
        const struct consent_word *w = &p->consent.of[shown[i]];
        const struct consent_row *by = decides(w, shown[i], rows, n);
        const char *why = held_back(p, shown[i], now);
        jo_object(o);
        jo_kcstr(o, "category", category_name(shown[i]));
        jo_kbool(o, "granted", why == NULL);
        jo_kcstr(o, "decided_by", by != NULL ? store_id_text(by->bucket, by->id, id) : NULL);
        jo_kcstr(o, "why", why != NULL ? why : "the person agreed, and nothing later and as good says otherwise");
        put_against(o, w, shown[i], rows, n);
        jo_end(o);
    }
    jo_end(o);
}

int rest_consent_show(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct person p;
    struct consent_row *rows;
    size_t n = 0;
    int rc = rest_find_person(c, s, c->param, &p, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    if ((rc = ledger_list(s, p.bucket, p.id, a, EVENTS_SHOWN, &rows, &n, e)) != 0)
        return rc;
    char id[48];
    rest_contact_id(&p, id);
    jo_object(&c->out);
    jo_kcstr(&c->out, "contact", id);
    rest_consent_members(&c->out, &p);
    rest_consent_standing(c, &p, rows, n, now);
    jo_kbool(&c->out, "cut", !rest_consent_events(c, rows, n) || n == EVENTS_SHOWN);
    rest_time(&c->out, "restricted_until", p.restricted_until);
    jo_end(&c->out);
    return 0;
}
