/* SPDX-License-Identifier: Apache-2.0
 * apply_status.c - what Meta says became of messages: of which attempt of which message, and what follows.
 *
 * A status carries our mark (mark.h), which says of which attempt of which message it speaks, also when the answer to that
 * attempt was lost. One without a mark, of what we could not mark, is found by Meta's id; when that is not known yet (Meta may
 * report before its answer to our call arrived) it is kept with message 0 and remembered for a while, and apply_adopt() gives
 * it to its message. An answer does not outlive the program, so what was remembered need not either; more than fit are a
 * stranger's, and stay in the store under Meta's id.
 *
 * Meta knows nothing of attempts: it may have made two messages of one of ours, each with an id of its own, or have
 * one that no row here tells of. The person got it twice then: the message says so and it is counted, and what becomes of
 * such a copy is kept under Meta's id. A message to a group has a status for each of its people: that one of them did not
 * get it is kept, and is no failure of the message. */
#include <stdlib.h>

#include "base/digest.h"
#include "gateway/apply_impl.h"
#include "gateway/campaign_counts.h"
#include "gateway/mark.h"
#include "gateway/uncount.h"
#include "gateway/wamid_map.h"
#include "store/messages.h"

#define WAMIDS_EACH     (1u << 19)
#define WAMIDS_AT_START (1u << 17)
#define ORPHANS_MAX     4096
#define ORPHAN_TEXT     128
#define CODE_STOPPED    131050 /* the person wants no marketing of ours any more */
#define ADOPTED_MS      60000  /* an adopted status is kept this long: its transaction may be run again */

struct orphan {
    char wamid[WAMID_MAX], status[32], detail[ORPHAN_TEXT], participant[IDENTITY_MAX];
    int64_t at, adopted_at; /* adopted_at 0: its message is not known yet */
    int64_t waba;
    uint32_t seen;
    int code;
    bool one_of_many;
};

struct apply_statuses {
    struct wamid_map *wamids;
    struct orphan *orphan;            /* ring of ORPHANS_MAX, allocated at the first orphan */
    size_t next_orphan;               /* its place */
    size_t waiting;                   /* places taken */
    int64_t sweep_at;                 /* 0: nothing was adopted */
    uint64_t orphan_key[ORPHANS_MAX]; /* of the wamid in that place; 0: free */
};

static struct message_event status_row(const struct apply_context *c, const struct event *ev)
{
    struct str participant = str_of(ev->phone.kind != IDENTITY_NONE ? ev->phone.value : ev->user_id.value);
    return (struct message_event){.at = ev->at > 0 ? ev->at : c->stored_at,
                                  .recorded_at = c->now,
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

static void remember_orphan(struct apply_statuses *a, const struct status *st)
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
                                   .at = row->at,
                                   .wamid = row->wamid};
    struct message m = *before;
    int rc = life_hear(s, &m, &news, now, &r->after, e);
    if (rc == 0)
        rc = uncount_status(s, arena, before, row->seen, e);
    if (rc == 0 && !st->one_of_many)
        rc = apply_activity_status(&r->active, s, before, row->seen, row->code, row->at < now ? row->at : now, e);
    if (rc == 0 && attempt == before->life.attempts)
        note_applied(r, before);
    if (rc == 0 && row->code == CODE_STOPPED)
        rc = campaign_told(s, &m, TOLD_OPTED_OUT, e);
    return rc == 0 && row->code != 0 ? status_code_said(s, st, before, now, &r->control_changed, e) : rc;
}

/* Whoever got it was erased: what became of it counts, who it was is not written again. */
static void name_nobody(struct status *st)
{
    st->row.wamid = st->row.detail = st->row.participant = (struct str){NULL, 0};
}

/* Keeps a status of a message we know. */
static int status_said(struct store *s, struct arena *arena, const struct status *said, int64_t now,
                       struct apply_result *r, struct err *e)
{
    struct status one = *said;
    const struct status *st = &one;
    const struct message_event *row = &one.row;
    struct message before;
    size_t fresh = 0;
    int rc = messages_get(s, row->bucket, row->msg, &before, e);
    if (rc == WL_ENOTFOUND)
        return message_events_append(s, row, 1, NULL, e);
    if (rc != 0)
        return rc;
    if (message_is_erased(&before))
        name_nobody(&one);
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
        return named && wamid_map_get(a->statuses->wamids, ev->wamid, &st->row.bucket, &st->row.msg);
    st->row.bucket = c.bucket;
    st->row.msg = c.message;
    st->attempt = c.attempt;
    if (named)
        wamid_map_put(a->statuses->wamids, ev->wamid, c.bucket, c.message);
    return true;
}

static int keep_orphan(struct apply_context *c, const struct status *st, struct err *e)
{
    int rc = message_events_append(c->s, &st->row, 1, NULL, e);
    if (rc == 0)
        remember_orphan(c->a->statuses, st);
    return rc;
}

/* What names several codes is one failure for each of them. */
int apply_status(struct apply_context *c, const struct event *ev, struct err *e)
{
    struct status st = {.row = status_row(c, ev), .waba = ev->waba};
    st.one_of_many = ev->group_id.n > 0 && st.row.participant.n > 0;
    bool known = find_message(c->a, ev, &st);
    if (!known && st.row.wamid.n == 0)
        return 0;
    c->result->orphaned += !known;
    for (size_t i = 0; i <= ev->n_further; i++) {
        if (i > 0) {
            st.row.code = ev->further[i - 1].code;
            st.row.detail = ev->further[i - 1].title;
        }
        int rc = known ? status_said(c->s, c->arena, &st, c->now, c->result, e) : keep_orphan(c, &st, e);
        if (rc != 0)
            return rc;
    }
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
    if (rc == 0)
        rc = apply_active_flush(&r.active, s, e);
    *changed |= r.control_changed;
    *after = r.after;
    return rc;
}

static void forget_adopted(struct apply_statuses *a, int64_t now)
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
    return wamid_map_get(a->statuses->wamids, wamid, ret_bucket, ret_id);
}

int apply_adopt(struct apply *a, struct store *s, struct arena *arena, int bucket, int64_t msg, struct str wamid,
                int64_t now, bool *ret_control_changed, struct life_after *after, struct err *e)
{
    struct apply_statuses *t = a->statuses;
    wamid_map_put(t->wamids, wamid, bucket, msg);
    forget_adopted(t, now);
    if (t->waiting == 0)
        return 0;
    uint64_t key = orphan_key(wamid);
    for (size_t i = 0; i < ORPHANS_MAX; i++) {
        if (t->orphan_key[i] != key || !str_eq(str_of(t->orphan[i].wamid), wamid))
            continue;
        int rc = adopt(s, arena, &t->orphan[i], bucket, msg, now, ret_control_changed, after, e);
        if (rc != 0)
            return rc;
        t->orphan[i].adopted_at = now;
        t->sweep_at = t->sweep_at != 0 ? t->sweep_at : now + ADOPTED_MS;
    }
    return 0;
}

static void remember(void *ctx, const struct message *m)
{
    struct apply_statuses *t = ctx;
    if (m->wamid[0] != '\0')
        wamid_map_put(t->wamids, str_of(m->wamid), m->bucket, m->id);
}

int apply_statuses_create(struct apply_statuses **ret, struct store *s, struct err *e)
{
    struct apply_statuses *t = calloc(1, sizeof *t);
    if (t == NULL)
        abort();
    t->wamids = wamid_map_create(WAMIDS_EACH);
    int rc = messages_recent(s, WAMIDS_AT_START, remember, t, e);
    if (rc != 0) {
        apply_statuses_free(t);
        return rc;
    }
    *ret = t;
    return 0;
}

void apply_statuses_free(struct apply_statuses *t)
{
    if (t == NULL)
        return;
    wamid_map_free(t->wamids);
    free(t->orphan);
    free(t);
}
