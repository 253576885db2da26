/* SPDX-License-Identifier: Apache-2.0
 * apply.c - one small function per kind of event, found through a table.
 *
 * Persons are found by whichever names an event carries and learn the others (a webhook may have a phone number, a
 * business-scoped id, or both; docs/platform.md §6.9); whose a name is when two persons have a claim to it is people.h's
 * matter. A status carries our mark (mark.h), which says of which attempt of which message it speaks, also when the
 * answer to that attempt was lost. One without a mark, of what we could not mark, is found by Meta's id; when that is not
 * known yet (Meta may report before its answer to our call arrived) it is kept with message 0 and remembered for a while,
 * and apply_adopt() gives it to its message. Everything else that cannot be placed stays in the inbox, which is never
 * the poorer for it.
 *
 * Meta knows nothing of attempts: it may have made two messages of one of ours, each with an id of its own, or have
 * one that no row here tells of. The person got it twice then: the message says so and it is counted, and what becomes of
 * such a copy is kept under Meta's id. A message to a group has a status for each of its people: that one of them did not
 * get it is kept, and is no failure of the message. */
#include "gateway/apply.h"

#include <stdlib.h>

#include "base/digest.h"
#include "gateway/apply_account.h"
#include "gateway/lives.h"
#include "gateway/mark.h"
#include "gateway/uncount.h"
#include "gateway/wamid_map.h"
#include "store/accounts.h"
#include "store/ledger.h"
#include "store/messages.h"
#include "store/people.h"
#include "store/senders.h"

#define WAMIDS_EACH     (1u << 19)
#define WAMIDS_AT_START (1u << 17)
#define ORPHANS_MAX     4096
#define ORPHAN_TEXT     128
#define ADOPTED_MS      60000 /* an adopted status is kept this long: its transaction may be run again */

struct orphan {
    char wamid[WAMID_MAX], status[32], detail[ORPHAN_TEXT], participant[IDENTITY_MAX];
    int64_t at, adopted_at; /* adopted_at 0: its message is not known yet */
    int64_t waba;
    uint32_t seen;
    int code;
    bool one_of_many;
};

struct apply {
    const struct gateway *g; /* its mark; NULL: statuses are found by Meta's id alone */
    struct wamid_map *wamids;
    struct orphan *orphan;            /* ring of ORPHANS_MAX, allocated at the first orphan */
    size_t next_orphan;               /* its place */
    size_t waiting;                   /* places taken */
    int64_t sweep_at;                 /* 0: nothing was adopted */
    uint64_t orphan_key[ORPHANS_MAX]; /* of the wamid in that place; 0: free */
};

struct apply_context {
    struct apply *a;
    struct store *s;
    struct arena *arena;
    int64_t now;
    struct apply_result *result;
};

/* When it happened; a clock ahead of ours must not reach into the future. */
static int64_t event_time(const struct apply_context *c, const struct event *ev)
{
    return ev->at > 0 && ev->at < c->now ? ev->at : c->now;
}

/* --- people ------------------------------------------------------------------------------------------------------ */

/* Who has the phone number of the event, unless they go by another user id: then the number was given to somebody new, and
 * id is 0. */
static int person_of_phone(struct apply_context *c, const struct event *ev, struct person *ret, struct err *e)
{
    struct person p;
    int rc = people_find(c->s, &ev->phone, 1, &p, e);
    if (rc != 0 || p.id == 0)
        return rc;
    rc = people_add_identity(c->s, &p, &ev->user_id, event_time(c, ev), e);
    return rc != 0 ? rc : people_find(c->s, &ev->user_id, 1, ret, e);
}

static int learn_name(struct apply_context *c, const struct event *ev, struct person *p, const struct identity *name,
                      struct err *e)
{
    return name->kind == IDENTITY_NONE ? 0 : people_add_identity(c->s, p, name, event_time(c, ev), e);
}

/* The person an event speaks of, created when unknown; learns every name the event carries. A user id says who it is,
 * then the phone number; a parent id only when there is nothing else. id 0: nobody named. */
static int event_person(struct apply_context *c, const struct event *ev, struct person *ret, struct err *e)
{
    bool user = ev->user_id.kind != IDENTITY_NONE, phone = ev->phone.kind != IDENTITY_NONE;
    const struct identity *first = user ? &ev->user_id : phone ? &ev->phone : &ev->parent_id;
    struct person p = {0};
    if (first->kind == IDENTITY_NONE) {
        *ret = p;
        return 0;
    }
    int rc = people_find(c->s, first, 1, &p, e);
    if (rc == 0 && p.id == 0 && user && phone)
        rc = person_of_phone(c, ev, &p, e);
    if (rc == 0 && p.id == 0)
        rc = people_ensure(c->s, first, 1, c->now, &p, e);
    if (rc == 0)
        rc = learn_name(c, ev, &p, &ev->phone, e);
    if (rc == 0)
        rc = learn_name(c, ev, &p, &ev->parent_id, e);
    if (rc == 0)
        *ret = p;
    return rc;
}

/* The name a person shows in WhatsApp, for people we had no name for. */
static int learn_profile_name(struct apply_context *c, const struct event *ev, struct person *p, struct err *e)
{
    if (p->name[0] != '\0' || ev->profile_name.n == 0)
        return 0;
    size_t n = ev->profile_name.n < sizeof p->name - 1 ? ev->profile_name.n : sizeof p->name - 1;
    while (n > 0 && n < ev->profile_name.n && (ev->profile_name.p[n] & 0xc0) == 0x80)
        n--; /* never cut inside a character */
    memcpy(p->name, ev->profile_name.p, n);
    return people_save(c->s, p, 1, e);
}

static int open_window(struct apply_context *c, const struct event *ev, struct err *e)
{
    struct person p;
    int rc = event_person(c, ev, &p, e);
    if (rc == 0 && p.id != 0)
        rc = learn_profile_name(c, ev, &p, e);
    if (rc != 0 || p.id == 0 || ev->phone_number_id == 0 || ev->group_id.n > 0)
        return rc; /* what is said in a group opens no conversation with its author */
    struct pair pair = {.bucket = p.bucket, .contact = p.id, .sender = ev->phone_number_id};
    if ((rc = pairs_get(c->s, &pair, 1, e)) != 0)
        return rc;
    int64_t at = event_time(c, ev);
    if (at <= pair.last_inbound)
        return 0;
    pair.last_inbound = at;
    return pairs_put(c->s, &pair, 1, e);
}

static int apply_call(struct apply_context *c, const struct event *ev, struct err *e)
{
    return ev->opens ? open_window(c, ev, e) : 0;
}

static int record_consent(struct store *s, struct person *p, enum consent_act act, consent_scope scope, int64_t at,
                          int64_t sender, struct str source, int64_t now, struct err *e)
{
    struct consent_row row = {.bucket = p->bucket,
                              .id = store_id(s, now),
                              .contact = p->id,
                              .event = {.act = act, .scope = scope, .at = at, .rank = CONSENT_RANK_WRITTEN},
                              .recorded_at = now,
                              .method = STR("platform"),
                              .source = source,
                              .actor = STR("webhook"),
                              .sender = sender};
    int rc = ledger_append(s, &row, 1, NULL, e);
    if (rc != 0)
        return rc;
    consent_apply(&p->consent, &row.event);
    return people_save(s, p, 1, e);
}

static int apply_preference(struct apply_context *c, const struct event *ev, struct err *e)
{
    struct person p;
    int rc = event_person(c, ev, &p, e);
    /* GRANT: Meta's own opt-in link (In-App Signup). */
    if (rc != 0 || p.id == 0 || (ev->act != CONSENT_STOP && ev->act != CONSENT_RESUME && ev->act != CONSENT_GRANT))
        return rc;
    return record_consent(c->s, &p, ev->act, CONSENT_SCOPE(CATEGORY_MARKETING), ev->at ? ev->at : c->now,
                          ev->phone_number_id, STR("user_preferences"), c->now, e);
}

static int apply_number_changed(struct apply_context *c, const struct event *ev, struct err *e)
{
    const struct identity nobody = {0};
    const struct identity *phone = ev->previous.kind == IDENTITY_PHONE ? &ev->previous : &nobody;
    const struct identity *old[] = {phone, &ev->previous_user_id};
    const struct identity names[] = {ev->user_id, ev->phone, *phone, ev->previous_parent_id, ev->parent_id};
    struct person p = {0};
    int rc = 0;
    for (size_t i = 0; i < 2 && rc == 0 && p.id == 0; i++)
        if (old[i]->kind != IDENTITY_NONE)
            rc = people_find(c->s, old[i], 1, &p, e);
    /* Nobody is known by the old names yet: old news that comes later must find them. */
    for (size_t i = 0; i < 2 && rc == 0 && p.id == 0; i++)
        if (old[i]->kind != IDENTITY_NONE)
            rc = people_ensure(c->s, old[i], 1, c->now, &p, e);
    if (rc != 0 || p.id == 0)
        return rc != 0 ? rc : event_person(c, ev, &p, e);
    return people_rename(c->s, &p, &ev->previous_user_id, names, sizeof names / sizeof names[0], event_time(c, ev), e);
}

/* Where a person's row keeps the last time Meta answered with this code; NULL for codes that say nothing of the person. */
static int64_t *said_of_person(struct person *p, int code)
{
    switch (code) {
    case 131026: /* undeliverable */
    case 130403: /* the person is blocked by the business */
    case 137000: /* their identity key changed */
        return &p->undeliverable_at;
    case 131049: /* held back: too much marketing for this person */
        return &p->caps.engagement_at;
    case 130472: /* in an experiment of Meta's */
        return &p->caps.experiment_at;
    default:
        return NULL;
    }
}

/* The account could not be billed (131042), or its templates were held to be in wrong categories too often (131064). */
static int account_code_said(struct store *s, const struct error_word *w, bool *ret_changed, struct err *e)
{
    struct account a;
    int rc = accounts_get(s, w->waba, &a, e);
    int64_t *when = w->code == 131042 ? &a.payment_failed_at : &a.misuse_at;
    if (rc != 0 || *when >= w->at)
        return rc;
    *when = w->at;
    *ret_changed = true;
    return accounts_put(s, &a, 1, e);
}

/* 131048: too much of what the number sent was blocked or reported. */
static int sender_code_said(struct store *s, const struct error_word *w, bool *ret_changed, struct err *e)
{
    int64_t before = 0;
    int rc = senders_spam_at(s, w->sender, &before, e);
    if (rc != 0 || before >= w->at)
        return rc;
    *ret_changed = true;
    return senders_spam(s, w->sender, w->at, e);
}

int apply_taken(struct store *s, int64_t waba, int64_t sender, bool *ret_control_changed, struct err *e)
{
    struct account a = {0};
    int64_t spam_at = 0;
    int rc = waba != 0 ? accounts_get(s, waba, &a, e) : 0;
    if (rc == 0 && (a.payment_failed_at != 0 || a.misuse_at != 0)) {
        a.payment_failed_at = a.misuse_at = 0;
        *ret_control_changed = true;
        rc = accounts_put(s, &a, 1, e);
    }
    if (rc == 0)
        rc = senders_spam_at(s, sender, &spam_at, e);
    if (rc != 0 || spam_at == 0)
        return rc;
    *ret_control_changed = true;
    return senders_spam(s, sender, 0, e);
}

static int person_said(struct store *s, const struct error_word *w, int64_t now, struct err *e)
{
    struct person p = {0};
    int64_t *when = said_of_person(&p, w->code);
    bool stopped = w->code == 131050;
    if (w->contact == 0 || (!stopped && when == NULL))
        return 0;
    int rc = people_get(s, w->bucket, w->contact, &p, e);
    if (rc != 0)
        return rc;
    if (stopped && (w->at > p.consent.platform_at || (w->at == p.consent.platform_at && !p.consent.platform_stop)))
        return record_consent(s, &p, CONSENT_STOP, CONSENT_SCOPE(CATEGORY_MARKETING), w->at, w->sender,
                              STR("error 131050"), now, e);
    if (when == NULL || *when >= w->at)
        return 0;
    *when = w->at;
    return people_save(s, &p, 1, e);
}

/* An older word undoes no newer one: a person may have resumed since. */
int apply_error_code(struct store *s, const struct error_word *w, int64_t now, bool *ret_control_changed, struct err *e)
{
    if ((w->code == 131042 || w->code == 131064) && w->waba != 0)
        return account_code_said(s, w, ret_control_changed, e);
    if (w->code == 131048)
        return sender_code_said(s, w, ret_control_changed, e);
    return person_said(s, w, now, e);
}

/* --- statuses ---------------------------------------------------------------------------------------------------- */

static struct message_event status_row(const struct event *ev, int bucket, int64_t msg, int64_t now)
{
    struct str participant = str_of(ev->phone.kind != IDENTITY_NONE ? ev->phone.value : ev->user_id.value);
    return (struct message_event){.bucket = bucket,
                                  .msg = msg,
                                  .at = ev->at ? ev->at : now,
                                  .recorded_at = now,
                                  .seen = ev->seen,
                                  .code = ev->code,
                                  .status = ev->type,
                                  .wamid = ev->wamid,
                                  .detail = ev->error_title,
                                  .participant = participant};
}

static void copy_text(char *out, size_t size, struct str s)
{
    size_t n = s.n < size - 1 ? s.n : size - 1;
    if (n > 0)
        memcpy(out, s.p, n);
    out[n] = '\0';
}

static uint64_t orphan_key(struct str wamid)
{
    uint64_t h = hash64(wamid.p, wamid.n);
    return h ? h : 1;
}

/* A status and what it is about. */
struct status {
    struct message_event row; /* msg 0: nobody knows which */
    int attempt;              /* as our mark says; 0: it has none */
    int64_t waba;
    bool one_of_many; /* about one of the people of a group */
};

static void remember_orphan(struct apply *a, const struct status *st)
{
    const struct message_event *row = &st->row;
    if (a->orphan == NULL && (a->orphan = calloc(ORPHANS_MAX, sizeof *a->orphan)) == NULL)
        abort();
    size_t place = a->next_orphan++ % ORPHANS_MAX;
    struct orphan *o = &a->orphan[place];
    a->waiting += a->orphan_key[place] == 0; /* when all are taken the oldest goes */
    a->orphan_key[place] = orphan_key(row->wamid);
    copy_text(o->wamid, sizeof o->wamid, row->wamid);
    copy_text(o->status, sizeof o->status, row->status);
    copy_text(o->detail, sizeof o->detail, row->detail);
    copy_text(o->participant, sizeof o->participant, row->participant);
    o->at = row->at;
    o->waba = st->waba;
    o->one_of_many = st->one_of_many;
    o->adopted_at = 0;
    o->seen = row->seen;
    o->code = row->code;
}

/* What a failed status says about the person its message went to, and about the account that sent it. A group is no
 * person. */
static int status_code_said(struct store *s, const struct status *st, const struct message *m, int64_t now,
                            bool *changed, struct err *e)
{
    struct error_word w = {.bucket = st->row.bucket,
                           .contact = st->one_of_many ? 0 : m->contact,
                           .sender = m->sender,
                           .waba = st->waba,
                           .code = st->row.code,
                           .at = st->row.at < now ? st->row.at : now};
    return apply_error_code(s, &w, now, changed, e);
}

static bool was_accepted(const struct life *l, int attempt)
{
    return attempt > 0 && (l->accepted >> (attempt - 1) & 1) != 0;
}

/* The attempt whose id of Meta's the row has: the last one, unless only an earlier one is known to be accepted. */
static int attempt_of_wamid(const struct life *l)
{
    int attempt = l->attempts;
    while (l->accepted != 0 && attempt > 1 && !was_accepted(l, attempt))
        attempt--;
    return attempt;
}

/* Whether Meta has a message more than our attempts can tell: of an attempt that was never begun, or a second one of an
 * attempt whose id we know. */
static bool is_one_more(const struct message *m, int attempt, struct str wamid)
{
    const struct life *l = &m->life;
    if (attempt > l->attempts)
        return true;
    bool known = m->wamid[0] != '\0' && was_accepted(l, attempt) &&
                 (attempt == l->attempts || __builtin_popcount(l->accepted) == 1);
    return known && wamid.n > 0 && !str_eq(wamid, str_of(m->wamid));
}

/* Of a copy nobody asked for: kept under Meta's id, and noted with the message when it is said to be on its way. */
static int keep_one_more(struct store *s, const struct message_event *row, const struct message *before, int64_t now,
                         struct apply_result *r, struct err *e)
{
    static const struct life_news news = {.event = {.kind = STEP_DOUBLED}};
    struct message_event own = *row;
    struct message m = *before;
    own.msg = 0;
    int rc = message_events_append(s, &own, 1, NULL, e);
    if (rc != 0 || !(row->seen & (SEEN_SENT | SEEN_DELIVERED | SEEN_READ | SEEN_PLAYED)))
        return rc;
    return life_hear(s, &m, &news, now, &r->after, e);
}

/* Statuses of what this number sent then are coming in. */
static void note_applied(struct apply_result *r, const struct message *m)
{
    size_t i = 0;
    while (i < r->n_applied && r->applied[i].sender != m->sender)
        i++;
    if (i == APPLIED_MAX)
        return;
    if (i == r->n_applied)
        r->applied[r->n_applied++] = (struct applied){.sender = m->sender};
    if (m->life.begun_at > r->applied[i].begun_at)
        r->applied[i].begun_at = m->life.begun_at;
}

/* A status that is news: steps the life of its message, and does what it says of the person. */
static int status_news(struct store *s, struct arena *arena, const struct status *st, int attempt,
                       const struct message *before, int64_t now, struct apply_result *r, struct err *e)
{
    const struct message_event *row = &st->row;
    bool failed = (row->seen & SEEN_FAILED) && !st->one_of_many;
    const struct life_news news = {.event = {.kind = STEP_STATUS,
                                             .attempt = attempt,
                                             .failed = failed,
                                             .code = failed ? row->code : 0,
                                             .delivered =
                                                 (row->seen & (SEEN_DELIVERED | SEEN_READ | SEEN_PLAYED)) != 0},
                                   .seen = row->seen,
                                   .wamid = row->wamid};
    struct message m = *before;
    int rc = life_hear(s, &m, &news, now, &r->after, e);
    if (rc == 0)
        rc = uncount_status(s, arena, before, row->seen, e);
    if (rc == 0 && attempt == before->life.attempts)
        note_applied(r, before);
    return rc == 0 && row->code != 0 ? status_code_said(s, st, before, now, &r->control_changed, e) : rc;
}

/* Keeps a status of a message we know. */
static int status_said(struct store *s, struct arena *arena, const struct status *st, int64_t now,
                       struct apply_result *r, struct err *e)
{
    const struct message_event *row = &st->row;
    struct message before;
    size_t fresh = 0;
    int rc = messages_get(s, row->bucket, row->msg, &before, e);
    if (rc == WL_ENOTFOUND)
        return message_events_append(s, row, 1, NULL, e);
    if (rc != 0)
        return rc;
    int attempt = st->attempt != 0 ? st->attempt : attempt_of_wamid(&before.life);
    if (is_one_more(&before, attempt, row->wamid))
        return keep_one_more(s, row, &before, now, r, e);
    rc = message_events_append(s, row, 1, &fresh, e);
    return rc == 0 && fresh == 1 ? status_news(s, arena, st, attempt, &before, now, r, e) : rc;
}

/* By our mark, or by Meta's id. False: it is of a message nobody knows yet. */
static bool find_message(struct apply *a, const struct event *ev, struct status *st)
{
    struct callback c;
    bool named = ev->wamid.n > 0 && ev->wamid.n < WAMID_MAX;
    if (!named)
        st->row.wamid = (struct str){NULL, 0};
    if (a->g == NULL || !mark_read(a->g, ev->opaque, &c))
        return named && wamid_map_get(a->wamids, ev->wamid, &st->row.bucket, &st->row.msg);
    st->row.bucket = c.bucket;
    st->row.msg = c.message;
    st->attempt = c.attempt;
    if (named)
        wamid_map_put(a->wamids, ev->wamid, c.bucket, c.message);
    return true;
}

static int apply_status(struct apply_context *c, const struct event *ev, struct err *e)
{
    struct status st = {.row = status_row(ev, 0, 0, c->now), .waba = ev->waba};
    st.one_of_many = ev->group_id.n > 0 && st.row.participant.n > 0;
    if (find_message(c->a, ev, &st))
        return status_said(c->s, c->arena, &st, c->now, c->result, e);
    if (st.row.wamid.n == 0)
        return 0;
    int rc = message_events_append(c->s, &st.row, 1, NULL, e);
    if (rc != 0)
        return rc;
    c->result->orphaned++;
    remember_orphan(c->a, &st);
    return 0;
}

static int adopt(struct store *s, struct arena *arena, const struct orphan *o, int bucket, int64_t msg, int64_t now,
                 bool *changed, struct life_after *after, struct err *e)
{
    struct apply_result r = {.after = *after};
    const struct status st = {.row = {.bucket = bucket,
                                      .msg = msg,
                                      .at = o->at,
                                      .recorded_at = now,
                                      .seen = o->seen,
                                      .code = o->code,
                                      .status = str_of(o->status),
                                      .wamid = str_of(o->wamid),
                                      .detail = str_of(o->detail),
                                      .participant = str_of(o->participant)},
                              .waba = o->waba,
                              .one_of_many = o->one_of_many};
    int rc = status_said(s, arena, &st, now, &r, e);
    *changed |= r.control_changed;
    *after = r.after;
    return rc;
}

static void forget_adopted(struct apply *a, int64_t now)
{
    if (a->sweep_at == 0 || now < a->sweep_at)
        return;
    a->sweep_at = 0;
    for (size_t i = 0; i < ORPHANS_MAX; i++) {
        if (a->orphan_key[i] == 0 || a->orphan[i].adopted_at == 0)
            continue;
        if (now - a->orphan[i].adopted_at < ADOPTED_MS) {
            a->sweep_at = now + ADOPTED_MS;
        } else {
            a->orphan_key[i] = 0;
            a->waiting--;
        }
    }
}

bool apply_find(const struct apply *a, struct str wamid, int *ret_bucket, int64_t *ret_id)
{
    return wamid_map_get(a->wamids, wamid, ret_bucket, ret_id);
}

int apply_adopt(struct apply *a, struct store *s, struct arena *arena, int bucket, int64_t msg, struct str wamid,
                int64_t now, bool *ret_control_changed, struct life_after *after, struct err *e)
{
    wamid_map_put(a->wamids, wamid, bucket, msg);
    forget_adopted(a, now);
    if (a->waiting == 0)
        return 0;
    uint64_t key = orphan_key(wamid);
    for (size_t i = 0; i < ORPHANS_MAX; i++) {
        if (a->orphan_key[i] != key || !str_eq(str_of(a->orphan[i].wamid), wamid))
            continue;
        int rc = adopt(s, arena, &a->orphan[i], bucket, msg, now, ret_control_changed, after, e);
        if (rc != 0)
            return rc;
        a->orphan[i].adopted_at = now;
        a->sweep_at = a->sweep_at != 0 ? a->sweep_at : now + ADOPTED_MS;
    }
    return 0;
}

/* --- templates --------------------------------------------------------------------------------------------------- */

static int apply_template(struct apply_context *c, const struct event *ev, struct err *e)
{
    if (ev->template_name.n == 0 || ev->template_language.n == 0 || ev->waba == 0)
        return 0;
    struct template_row row = {.waba = ev->waba,
                               .name = ev->template_name,
                               .language = ev->template_language,
                               .id = ev->template_id,
                               .status = ev->template_status,
                               .category = ev->new_category,
                               .quality = ev->quality,
                               .updated_at = c->now,
                               .status_at = event_time(c, ev)};
    c->result->control_changed = true;
    return templates_put(c->s, &row, 1, e);
}

static int apply_account(struct apply_context *c, const struct event *ev, struct err *e)
{
    if (ev->account == NULL)
        return 0; /* kept in the inbox */
    c->result->control_changed = true;
    return apply_account_word(c->s, c->arena, ev->waba, ev->display_phone, ev->account, event_time(c, ev), e);
}

static int apply_nothing(struct apply_context *c, const struct event *ev, struct err *e)
{
    (void)c, (void)ev, (void)e;
    return 0; /* kept in the inbox; nothing a decision needs yet */
}

static int (*const apply_by_kind[])(struct apply_context *, const struct event *, struct err *) = {
    [EVENT_OTHER] = apply_nothing,
    [EVENT_INBOUND] = open_window,
    [EVENT_CALL] = apply_call,
    [EVENT_STATUS] = apply_status,
    [EVENT_PREFERENCE] = apply_preference,
    [EVENT_TEMPLATE_STATUS] = apply_template,
    [EVENT_TEMPLATE_QUALITY] = apply_template,
    [EVENT_TEMPLATE_CATEGORY] = apply_template,
    [EVENT_NUMBER_CHANGED] = apply_number_changed,
    [EVENT_ACCOUNT] = apply_account,
    [EVENT_TEMPLATE_COMPONENTS] = apply_nothing,
    [EVENT_TEMPLATE_DETECTED] = apply_nothing,
    [EVENT_FLOW] = apply_nothing,
    [EVENT_GROUP] = apply_nothing,
    [EVENT_ECHO] = apply_nothing,
    [EVENT_HANDOVER] = apply_nothing,
};

int apply_events(struct apply *a, struct store *s, struct arena *arena, const struct event *ev, size_t n, int64_t now,
                 struct apply_result *ret, struct err *e)
{
    struct apply_context c = {.a = a, .s = s, .arena = arena, .now = now, .result = ret};
    for (size_t i = 0; i < n; i++) {
        int rc = apply_by_kind[ev[i].kind](&c, &ev[i], e);
        if (rc != 0)
            return rc;
        ret->events++;
    }
    return 0;
}

static void remember(void *ctx, const struct message *m)
{
    struct apply *a = ctx;
    if (m->wamid[0] != '\0')
        wamid_map_put(a->wamids, str_of(m->wamid), m->bucket, m->id);
}

int apply_create(struct apply **ret, struct store *s, struct err *e)
{
    struct apply *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    a->wamids = wamid_map_create(WAMIDS_EACH);
    int rc = messages_recent(s, WAMIDS_AT_START, remember, a, e);
    if (rc != 0) {
        apply_free(a);
        return rc;
    }
    *ret = a;
    return 0;
}

void apply_marks(struct apply *a, const struct gateway *g)
{
    a->g = g;
}

void apply_free(struct apply *a)
{
    if (a == NULL)
        return;
    wamid_map_free(a->wamids);
    free(a->orphan);
    free(a);
}
