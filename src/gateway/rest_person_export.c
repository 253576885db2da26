/* SPDX-License-Identifier: Apache-2.0
 * rest_person_export.c - GET /contacts/{who}/export: everything that is held on one person, for that person.
 *
 * First comes a page with who they are and what they agreed to: names, attributes, tags, activity, consent with wordings, evidence and places in
 * the log, windows, campaigns they were chosen for, messages the gateway owes them; `cut` says that there is more of that than fits. Then pages of messages with the decisions about them, of webhooks, and of
 * statuses whose message nobody knows; each call takes a moment of a reader at most, and `next` is where to go on. The command
 * line puts the pages together.
 *
 * It is for handing out, so it must not tell one person of another. A webhook body is cut into its events, and one is given out
 * whole only when it is about this person: it came from them, or says what became of a message to them. Where they are named
 * in what is somebody else's (a shared contact card, a text) it is only said that they are, and when. An event under a user id
 * counts by that alone, so what somebody else did with the same phone number is not here. */
#include <stdio.h>

#include "base/clock.h"
#include "core/event.h"
#include "core/webhook_redact.h"
#include "core/webhook_split.h"
#include "gateway/checkpoints.h"
#include "gateway/rest_contact.h"
#include "gateway/rest_person.h"
#include "store/errands.h"
#include "store/inbox.h"

#define BUCKET        0 /* one holds everything while the spread is 1 */
#define NAMES_MAX     256
#define EVENTS_MOST   20000
#define ERRANDS_MOST  1000
#define MESSAGES_PAGE 100
#define BODIES_PAGE   500
#define PAGE_BYTES    (4u << 20)
#define MEMORY        (64u << 20)
#define ANSWER_ENOUGH (2u << 20)
#define CALL_NS       400000000
#define ORPHANS_ABOUT 20000

struct export
{
    struct rest_call *c;
    struct store *s;
    struct person p;
    struct identity name[NAMES_MAX];
    size_t n_names;
    int64_t now;
    enum { PERSON, MESSAGES, BODIES, ORPHANS, OVER } phase;
    int64_t at, until;
};

/* --- where it goes on ------------------------------------------------------------------------------------------------- */

static bool read_cursor(void *to, struct str v, int64_t now)
{
    struct export *x = to;
    struct str rest;
    int64_t phase;
    (void)now;
    if (!str_i64(str_cut(v, '.', &rest), &phase) || !str_i64(str_cut(rest, '.', &rest), &x->at) ||
        !str_i64(rest, &x->until))
        return false;
    x->phase = (unsigned)phase;
    return phase > PERSON && phase < OVER && x->at >= 0 && x->until >= 0;
}

static const struct rest_parameter parameters[] = {
    {"cursor", read_cursor, "cursor is the `next` of the answer before", false},
    {NULL, NULL, NULL, false},
};

static int go_on(struct export *x, struct err *e)
{
    x->phase++;
    x->at = 0;
    return x->phase == BODIES ? inbox_newest(x->s, &x->until, e) : 0;
}

/* --- the person ------------------------------------------------------------------------------------------------------- */

static void put_names(struct export *x)
{
    struct json_out *o = &x->c->out;
    jo_key(o, "identities");
    jo_array(o);
    for (size_t i = 0; i < x->n_names; i++) {
        jo_object(o);
        jo_kcstr(o, "kind", identity_kind_name(x->name[i].kind));
        jo_kcstr(o, "value", x->name[i].value);
        jo_end(o);
    }
    jo_end(o);
}

static void put_attributes(struct export *x)
{
    struct json_out *o = &x->c->out;
    char id[48];
    rest_contact_id(&x->p, id);
    jo_key(o, "person");
    jo_object(o);
    jo_kcstr(o, "id", id);
    jo_kcstr(o, "name", x->p.name);
    jo_kcstr(o, "name_from", x->p.name[0] == '\0' ? NULL : x->p.name_at == 0 ? "business" : "whatsapp");
    jo_kcstr(o, "lang", x->p.lang);
    jo_kcstr(o, "zone", x->p.zone);
    rest_time(o, "created_at", x->p.created_at);
    rest_time(o, "undeliverable_at", x->p.undeliverable_at);
    rest_time(o, "restricted_until", x->p.restricted_until);
    put_names(x);
    jo_end(o);
}

static int put_windows(struct export *x, struct err *e)
{
    struct json_out *o = &x->c->out;
    struct snapshot *snap = snapshot_borrow(x->c->g->snapshots);
    const struct sender *senders;
    size_t n = snapshot_senders(snap, &senders);
    int rc = 0;
    jo_key(o, "numbers");
    jo_array(o);
    for (size_t i = 0; i < n && rc == 0; i++) {
        struct pair pair = {.bucket = x->p.bucket, .contact = x->p.id, .sender = senders[i].id};
        char id[24];
        rc = pairs_get(x->s, &pair, 1, e);
        if (rc != 0 || pair.ver == 0)
            continue;
        snprintf(id, sizeof id, "%lld", (long long)senders[i].id);
        jo_object(o);
        jo_kcstr(o, "sender", id);
        rest_time(o, "last_inbound", pair.last_inbound);
        rest_time(o, "last_out", pair.last_out);
        rest_time(o, "named_at", pair.named_at);
        jo_end(o);
    }
    jo_end(o);
    snapshot_return(snap);
    return rc;
}

static int put_errands(struct export *x, struct arena *a, bool *ret_cut, struct err *e)
{
    struct json_out *o = &x->c->out;
    struct errand *v;
    size_t n = 0;
    int rc = errands_list(x->s, x->p.bucket, x->p.id, 0, 0, ERRANDS_MOST, a, &v, &n, e);
    jo_key(o, "errands");
    jo_array(o);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        char id[STORE_ID_TEXT];
        jo_object(o);
        jo_kcstr(o, "id", store_id_text(v[i].bucket, v[i].id, id));
        jo_kcstr(o, "kind", errand_kind_name(v[i].kind));
        jo_kcstr(o, "state", errand_state_name(v[i].state));
        rest_time(o, "begun_at", v[i].begun_at);
        rest_time(o, "expires", v[i].expires);
        jo_kint(o, "messages", v[i].step);
        jo_kstr(o, "why", v[i].why);
        jo_kstr(o, "detail", v[i].detail);
        jo_end(o);
    }
    jo_end(o);
    *ret_cut = n == ERRANDS_MOST;
    return rc;
}

static int put_person(struct export *x, struct arena *a, struct err *e)
{
    struct consent_row *rows;
    size_t n = 0;
    bool cut = false, errands_cut = false, imports_cut = false, campaigns_cut = false;
    char now[TIME_TEXT];
    struct json_out *o = &x->c->out;
    int rc = ledger_list(x->s, x->p.bucket, x->p.id, a, EVENTS_MOST, &rows, &n, e);
    if (rc != 0)
        return rc;
    jo_kcstr(o, "exported_at", time_text(x->now, now));
    put_attributes(x);
    rest_consent_members(o, &x->p);
    rest_consent_standing(x->c, &x->p, rows, n, x->now);
    cut = !rest_consent_events(x->c, rows, n) || n == EVENTS_MOST || x->n_names == NAMES_MAX;
    jo_kint(o, "sealed_leaves", checkpoints_sealed(x->c->g->checkpoints));
    rc = put_windows(x, e);
    if (rc == 0)
        rc = rest_activity_show(o, x->s, &x->p, x->now, e);
    if (rc == 0)
        rc = rest_said_show(o, x->s, a, &x->p, &imports_cut, e);
    if (rc == 0)
        rc = put_errands(x, a, &errands_cut, e);
    if (rc == 0)
        rc = rest_person_campaigns(o, x->s, a, &x->p, &campaigns_cut, e);
    jo_kbool(o, "cut", cut || errands_cut || imports_cut || campaigns_cut);
    return rc == 0 ? go_on(x, e) : rc;
}

/* --- messages --------------------------------------------------------------------------------------------------------- */

static int put_decided(void *out, const struct decision *d, const struct ruleset *rs, const struct facts *f,
                       struct err *e)
{
    (void)e;
    decision_json(d, rs, f, out);
    return 0;
}

static int put_decision(struct export *x, struct arena *a, const struct message *m, struct err *e)
{
    struct decision_row row;
    struct err why = {0};
    int rc = rest_message_decision(x->s, a, m, &row, &why);
    jo_key(&x->c->out, "decision");
    if (rc == 0)
        return rest_decision_read(x->c, x->s, a, &row, put_decided, &x->c->out, e);
    jo_null(&x->c->out);
    return rc == WL_ENOTFOUND ? 0 : err_set(e, rc, "%s", why.text);
}

static int put_message(struct export *x, struct arena *a, const struct message *m, struct err *e)
{
    struct json_out *o = &x->c->out;
    jo_object(o);
    rest_message_members(o, m, x->now);
    int rc = rest_message_events(o, x->s, a, m, e);
    if (rc == 0)
        rc = put_decision(x, a, m, e);
    jo_end(o);
    return rc;
}

static int put_messages(struct export *x, struct arena *a, struct err *e)
{
    const struct message_filter f = {.contact = x->p.id};
    struct message *m;
    size_t n = 0;
    int64_t next = 0;
    int rc = messages_list(x->s, x->p.bucket, &f, x->at, a, MESSAGES_PAGE, &m, &n, &next, e);
    jo_key(&x->c->out, "messages");
    jo_array(&x->c->out);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = put_message(x, a, &m[i], e);
    jo_end(&x->c->out);
    x->at = next;
    return rc == 0 && next == 0 ? go_on(x, e) : rc;
}

/* --- webhooks --------------------------------------------------------------------------------------------------------- */

static bool is_theirs(const struct export *x, const struct identity *id)
{
    for (size_t i = 0; i < x->n_names; i++)
        if (x->name[i].kind == id->kind && strcmp(x->name[i].value, id->value) == 0)
            return true;
    return false;
}

/* Whether the piece is one event, and about this person. */
static bool is_about(const struct export *x, struct str piece, struct arena *a)
{
    struct json root;
    struct event *ev;
    size_t n = 0;
    if (json_parse(thread_json(), piece, false, &root, NULL) != 0 || events_parse(root, a, &ev, &n, NULL) != 0 ||
        n != 1)
        return false;
    if (ev->kind == EVENT_NUMBER_CHANGED || ev->kind == EVENT_OTHER || ev->kind == EVENT_GROUP)
        return ev->kind == EVENT_NUMBER_CHANGED && (is_theirs(x, &ev->user_id) || is_theirs(x, &ev->phone));
    return is_theirs(x, ev->user_id.kind != IDENTITY_NONE ? &ev->user_id : &ev->phone);
}

static void put_piece(struct export *x, const struct inbox_row *row, size_t event, struct str piece, bool about)
{
    struct json_out *o = &x->c->out;
    char id[STORE_ID_TEXT];
    jo_object(o);
    jo_kcstr(o, "webhook", store_id_text(BUCKET, row->seq, id));
    jo_kint(o, "event", (int64_t)event);
    rest_time(o, "received_at", row->at);
    jo_kcstr(o, "about", about ? "them" : "somebody else, and names them");
    if (about) {
        jo_key(o, "body");
        jo_raw(o, piece);
    }
    jo_end(o);
}

static int put_body(struct export *x, const struct inbox_row *row, struct err *e)
{
    struct webhook_piece *piece;
    size_t n = 0;
    if (!webhook_names(row->body, x->name, x->n_names))
        return 0;
    struct arena *a = arena_create(INBOX_BODY_MAX + SPLIT_BYTES_MAX + (8u << 20));
    if (a == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    bool whole = webhook_split(row->body, a, &piece, &n, NULL) != 0;
    for (size_t i = 0; !whole && i < n; i++)
        if (webhook_names(piece[i].body, x->name, x->n_names))
            put_piece(x, row, i, piece[i].body, is_about(x, piece[i].body, a));
    if (whole) /* no webhook body: whose it is nobody can say */
        put_piece(x, row, 0, row->body, false);
    arena_free(a);
    return 0;
}

static int put_bodies(struct export *x, struct err *e)
{
    struct arena *a = arena_create(MEMORY);
    int64_t begun = clock_mono_ns();
    int rc = a == NULL ? err_set(e, WL_ENOMEM, "out of memory") : 0;
    bool more = true;
    jo_key(&x->c->out, "webhooks");
    jo_array(&x->c->out);
    while (rc == 0 && more && x->c->answer.len < ANSWER_ENOUGH && clock_mono_ns() - begun < CALL_NS) {
        struct inbox_row *rows = NULL;
        size_t n = 0;
        arena_reset(a);
        rc = inbox_read(x->s, x->at, BODIES_PAGE, PAGE_BYTES, a, &rows, &n, e);
        for (size_t i = 0; rc == 0 && i < n && rows[i].seq <= x->until && x->c->answer.len < ANSWER_ENOUGH; i++) {
            rc = put_body(x, &rows[i], e);
            x->at = rows[i].seq;
        }
        more = n > 0 && rows[n - 1].seq < x->until;
    }
    jo_end(&x->c->out);
    arena_free(a);
    return rc == 0 && (!more || x->at >= x->until) ? go_on(x, e) : rc;
}

/* Statuses of messages nobody knows, of which it is known who got them. */
static int put_orphans(struct export *x, struct arena *a, struct err *e)
{
    struct json_out *o = &x->c->out;
    struct message_event *v;
    size_t n = 0;
    int64_t next = 0;
    int rc = message_orphans(x->s, x->p.bucket, x->at, ORPHANS_ABOUT, a, &v, &n, &next, e);
    jo_key(o, "statuses");
    jo_array(o);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        bool theirs = false;
        for (size_t k = 0; k < x->n_names && !theirs; k++)
            theirs = str_eq(v[i].participant, str_of(x->name[k].value));
        if (!theirs)
            continue;
        jo_object(o);
        rest_time(o, "at", v[i].at);
        jo_kstr(o, "status", v[i].status);
        jo_kstr(o, "wamid", v[i].wamid);
        jo_kint(o, "code", v[i].code);
        jo_kstr(o, "detail", v[i].detail);
        jo_end(o);
    }
    jo_end(o);
    x->at = next;
    return rc == 0 && next == 0 ? go_on(x, e) : rc;
}

/* --- the call ----------------------------------------------------------------------------------------------------------- */

static int put_page(struct export *x, struct arena *a, struct err *e)
{
    switch (x->phase) {
    case MESSAGES:
        return put_messages(x, a, e);
    case BODIES:
        return put_bodies(x, e);
    case ORPHANS:
        return put_orphans(x, a, e);
    case PERSON:
    case OVER:
    default:
        return put_person(x, a, e);
    }
}

int rest_person_export(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct export *x = arena_new(a, struct export);
    char next[80];
    if (x == NULL)
        return err_set(e, WL_ENOMEM, "the request is too large");
    x->c = c;
    x->s = s;
    x->now = now;
    if (!rest_query(c, a, parameters, x, now))
        return 0;
    int rc = rest_find_person(c, s, c->param, &x->p, e);
    if (rc != 0 || c->problem.code != 0)
        return rc;
    rc = people_identities(s, x->p.bucket, x->p.id, x->name, NAMES_MAX, &x->n_names, e);
    if (rc != 0)
        return rc;
    jo_object(&c->out);
    rc = put_page(x, a, e);
    snprintf(next, sizeof next, "%d.%lld.%lld", (int)x->phase, (long long)x->at, (long long)x->until);
    jo_kcstr(&c->out, "next", x->phase == OVER ? NULL : next);
    jo_end(&c->out);
    return rc;
}
