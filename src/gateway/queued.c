/* SPDX-License-Identifier: Apache-2.0
 * queued.c - from a row of the outbox to Meta's answer.
 *
 * On the outbox thread the row is read again and its body becomes a send; the door reads the message, judges it with the
 * newest facts and, in the same transaction, opens its attempt; when that is on disk the bytes leave, with our mark and
 * the token kept for the number, unless the right to send has ended meanwhile. The answer is read and written like any
 * other, and only then is the row forgotten here.
 *
 * When a number has to be introduced first nothing of its outbox goes to the door meanwhile; for a list of templates only
 * the line that needs it waits. Either is asked for once, and by one message.
 *
 * Objects come from a pool that only grows up to its bound, each with an arena whose first block is kept. */
#include "gateway/queued.h"

#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/accounts.h"
#include "gateway/greet.h"
#include "gateway/mark.h"
#include "gateway/snapshot.h"

#define CODE_UNREADABLE 100
#define ARENA_MAX       (2u << 20) /* the body twice, and what is read of it and of the answer */
#define ANSWER_MAX      (1u << 20)
#define BUSY_US         (SECOND_US / 20)
#define FOREIGN_US      SECOND_US
#define UNREACHABLE_US  (5 * SECOND_US)
#define REFUSED_US      (60 * SECOND_US)
#define RELIST_US       (5 * SECOND_US) /* a template that is unknown after this is */

/* --- the pool ------------------------------------------------------------------------------------------------------ */

static struct queued *queued_make(struct dispatch *d)
{
    struct queued *q = calloc(1, sizeof *q);
    if (q == NULL || (q->arena = arena_create(ARENA_MAX)) == NULL)
        abort();
    q->d = d;
    d->n_queued++;
    return q;
}

/* In line for the outbox thread, codes before all others. */
static void granted(struct dispatch *d, struct queued *q)
{
    struct queue_link **at = q->line->class == LANE_AUTHENTICATION ? d->granted_codes : d->granted_tail;
    q->link.next = *at;
    *at = &q->link;
    if (at == d->granted_tail)
        d->granted_tail = &q->link.next;
    if (q->line->class == LANE_AUTHENTICATION)
        d->granted_codes = &q->link.next;
}

struct queued *queued_take(struct dispatch *d, struct line *l, const struct waiting *w, int64_t turn_us)
{
    struct queued *q = d->idle;
    if (q != NULL)
        d->idle = q->next_idle;
    else if (d->n_queued < d->most_queued)
        q = queued_make(d);
    if (q == NULL)
        return NULL;
    q->line = l;
    q->row = *w;
    q->turn_us = turn_us;
    q->at_door = true;
    q->bytes = 0;
    granted(d, q);
    return q;
}

void queued_free(struct dispatch *d)
{
    for (struct queued *q = d->idle, *next; q != NULL; q = next) {
        next = q->next_idle;
        arena_free(q->arena);
        free(q);
    }
}

/* --- ends ---------------------------------------------------------------------------------------------------------- */

enum end {
    END_GONE, /* it is none of the line's any more */
    END_LOOK, /* it may wait anew */
    END_BACK  /* it is where it was */
};

/* With the lock held. */
static void leave_door(struct queued *q)
{
    if (!q->at_door)
        return;
    q->at_door = false;
    lines_decided(q->d, q->line->number);
}

/* With the lock held. */
static void end_locked(struct queued *q, enum end how)
{
    struct dispatch *d = q->d;
    struct number *n = q->line->number;
    leave_door(q);
    n->open--;
    d->n_out--;
    d->bytes -= q->bytes;
    n->bytes -= q->bytes;
    if (how == END_BACK)
        line_take_back(d, q->line, &q->row);
    else
        line_through(d, q->line, &q->row, how == END_LOOK);
    q->line = NULL;
    q->next_idle = d->idle;
    d->idle = q;
    number_wake(d, n, 0);
    lines_feed(d);
}

static void wipe(struct queued *q)
{
    if (q->token.n > 0)
        explicit_bzero((char *)q->token.p, q->token.n);
    q->token = (struct str){NULL, 0};
    arena_reset(q->arena);
}

static void end(struct queued *q, enum end how)
{
    struct dispatch *d = q->d;
    wipe(q);
    pthread_mutex_lock(&d->lock);
    end_locked(q, how);
    pthread_mutex_unlock(&d->lock);
}

/* Its turn was not used, and the door does not know of it. */
static void end_unused(struct queued *q, enum end how)
{
    struct dispatch *d = q->d;
    wipe(q);
    pthread_mutex_lock(&d->lock);
    lane_give_back(&q->line->number->lane, q->turn_us, mono_us());
    end_locked(q, how);
    pthread_mutex_unlock(&d->lock);
}

/* --- up ------------------------------------------------------------------------------------------------------------ */

static void recorded(struct send *s)
{
    struct queued *q = s->user;
    failpoint(queued_recorded);
    http_call_done(&q->call);
    bool again = s->job.rc == 0 && s->life.state == LIFE_WAITING;
    if (again)
        metric_add(q->d->g, METRIC_REPEATED, 1);
    end(q, again ? END_LOOK : END_GONE);
}

static void answered(struct http_call *call)
{
    struct queued *q = call->user;
    failpoint(queued_answered);
    outcome_read(&q->send, call->fate, call->status, buf_str(&call->answer), thread_json(), q->arena);
    outcome_submit(&q->send);
}

static void unsent(struct queued *q)
{
    q->call.fate = HTTP_UNSENT;
    answered(&q->call);
}

static int fill_call(struct queued *q, struct err *e)
{
    const struct gateway *g = q->d->g;
    struct str body;
    int rc = mark_body(&q->send, q->body, q->arena, &body, e);
    if (rc != 0)
        return rc;
    char *url = graph_send_url(q->arena, g, q->send.sender, q->intent.path);
    if (url == NULL)
        return err_set(e, WL_ENOMEM, "the message does not fit its memory");
    q->headers[0] = (struct http_header){STR("Authorization"), q->token};
    q->headers[1] = (struct http_header){STR("Content-Type"), STR("application/json")};
    q->call.method = STR("POST");
    q->call.url = str_of(url);
    q->call.headers = q->headers;
    q->call.n_headers = 2;
    q->call.body = body;
    q->call.body_length = (int64_t)body.n;
    q->call.timeout_ms = g->o.upstream_timeout_ms;
    q->call.max_answer = ANSWER_MAX;
    q->call.reserved = true;
    q->call.may_leave = dispatch_may_leave;
    q->call.leave_ctx = q->d;
    return 0;
}

/* On disk: its bytes may leave, while the right to send lasts. */
static void carry(struct queued *q)
{
    struct err e = {0};
    q->call = (struct http_call){.done = answered, .user = q};
    int rc = fill_call(q, &e);
    if (rc != 0)
        log_error("dispatch", "a message of the outbox cannot be carried: %s", e.text);
    if (rc != 0 || http_client_submit_quietly(q->d->g->client, &q->call) != 0)
        unsent(q);
}

/* With the lock held: nothing of its number for a moment. */
static void rest(struct queued *q, int64_t us, const char *why)
{
    struct number *n = q->line->number;
    n->pause_us = mono_us() + us;
    n->why = why;
}

/* What the door refused to look at is looked at again a little later. What is gone, or is being sent already, is not. */
static void refused(struct queued *q, const struct err *why)
{
    struct dispatch *d = q->d;
    bool waits = q->send.message.life.state == LIFE_WAITING, foreign = why->code == WL_ECONFLICT && waits;
    bool gone = why->code == WL_ENOTFOUND || (why->code == WL_ECONFLICT && !waits);
    wipe(q);
    pthread_mutex_lock(&d->lock);
    if (foreign)
        rest(q, FOREIGN_US, "another gateway has taken this number over");
    else if (!gone)
        rest(q, BUSY_US, "the gateway was too busy to judge its messages a moment ago");
    end_locked(q, gone ? END_GONE : END_BACK);
    pthread_mutex_unlock(&d->lock);
}

static void decided(struct send *s)
{
    struct queued *q = s->user;
    struct dispatch *d = q->d;
    if (send_leaves(s)) {
        pthread_mutex_lock(&d->lock);
        leave_door(q);
        q->line->number->unwelcome = STOP_NONE; /* its token is accepted by now */
        pthread_mutex_unlock(&d->lock);
        failpoint(queued_begun);
        carry(q);
        failpoint(queued_handed);
    } else if (s->job.rc != 0) {
        refused(q, &s->job.err);
    } else {
        end(q, s->message.life.state == LIFE_WAITING ? END_LOOK : END_GONE);
    }
}

/* --- introductions ------------------------------------------------------------------------------------------------- */

static void greeted(struct greeting *gr, bool ok, int status, struct str body)
{
    struct number *n = gr->user;
    struct dispatch *d = n->d;
    (void)body;
    pthread_mutex_lock(&d->lock);
    n->greeting_on = n->relisting = false;
    n->unwelcome = ok ? STOP_NONE : status != 0 ? STOP_TOKEN : STOP_UPSTREAM;
    if (!ok) {
        n->token_us = n->relisted_us = 0;
        n->pause_us = mono_us() + (status != 0 ? REFUSED_US : UNREACHABLE_US);
        n->why = status != 0 ? "Meta does not accept the token kept for this number"
                             : "the token kept for this number could not be checked: the Graph API cannot be reached";
    }
    for (struct line *l = n->lines; l != NULL; l = l->next) {
        l->waits = false;
        line_join(l);
    }
    number_wake(d, n, 0);
    pthread_mutex_unlock(&d->lock);
}

/* Whether the row has to wait for an introduction; it is begun, unless it is under way. */
static bool has_to_wait(struct queued *q, enum greet what, bool *ret_begin)
{
    struct dispatch *d = q->d;
    struct number *n = q->line->number;
    bool list = what == GREET_AGAIN || what == GREET_TEMPLATES, wait;
    *ret_begin = false;
    pthread_mutex_lock(&d->lock);
    wait = n->greeting_on || !list || n->relisted_us == 0 || mono_us() > n->relisted_us + RELIST_US;
    if (wait && !n->greeting_on) {
        *ret_begin = n->greeting_on = true;
        n->relisting = list;
        if (list)
            n->relisted_us = mono_us();
    }
    if (wait && list) {
        q->line->waits = true;
        line_leave(q->line);
    }
    pthread_mutex_unlock(&d->lock);
    return wait;
}

static void introduce(struct queued *q, enum greet what, struct str token)
{
    struct number *n = q->line->number;
    struct err e = {0};
    n->greeting = (struct greeting){.ready = greeted, .user = n};
    if (graph_greet(q->d->g, &n->greeting, n->sender, token, STR(""), what == GREET_AGAIN, &e) != 0)
        greeted(&n->greeting, false, 0, STR(""));
}

/* --- to the door --------------------------------------------------------------------------------------------------- */

static struct outbox_key key_of(const struct queued *q)
{
    return (struct outbox_key){.bucket = OUTBOX_SPREAD,
                               .sender = q->line->number->sender,
                               .class = q->line->class,
                               .campaign = q->line->campaign,
                               .due = q->row.due,
                               .id = q->row.id};
}

/* Reads the row; false: it is not to be sent now. What has become of its message the door looks at, in the transaction that
 * counts. */
static bool read_again(struct queued *q, struct outbox_row *row)
{
    struct outbox_key key = key_of(q);
    struct err e = {0};
    int rc = outbox_get(q->d->reader, &key, q->arena, row, &e);
    if (rc != 0 && rc != WL_ENOTFOUND)
        log_error("dispatch", "a message of the outbox cannot be read: %s", e.text);
    return rc == 0 && row->key.due <= clock_now_ms();
}

/* The header's value; the token is behind "Bearer ". */
static bool fill_token(struct queued *q)
{
    const char *token = q->line->number->token; /* this thread's */
    char *value = token != NULL ? arena_printf(q->arena, "Bearer %s", token) : NULL;
    q->token = str_of(value);
    return value != NULL;
}

/* Its body counts from now on. */
static void count_bytes(struct queued *q, size_t n)
{
    struct dispatch *d = q->d;
    pthread_mutex_lock(&d->lock);
    q->bytes = n;
    d->bytes += n;
    q->line->number->bytes += n;
    pthread_mutex_unlock(&d->lock);
}

/* Nobody accepts such a body, so somebody else changed it. It must not stand in the line for ever. */
static void unreadable(struct queued *q, const struct err *why)
{
    struct dispatch *d = q->d;
    log_error("dispatch", "message %lld of the outbox cannot be read as a message and ends as refused: %s",
              (long long)q->row.id, why->text);
    pthread_mutex_lock(&d->lock);
    if (d->n_ended < ENDINGS_MAX)
        d->ended[d->n_ended++] = (struct ending){.id = q->row.id, .kind = STEP_REFUSED, .code = CODE_UNREADABLE};
    pthread_cond_signal(&d->wake_settle);
    pthread_mutex_unlock(&d->lock);
    end_unused(q, END_GONE);
}

static void submit(struct queued *q)
{
    struct err e = {0};
    struct outbox_row row;
    struct str token;
    bool begin;
    q->send = (struct send){.g = q->d->g,
                            .mode = SEND_QUEUED,
                            .sender = q->line->number->sender,
                            .decided = decided,
                            .recorded = recorded,
                            .user = q,
                            .turn = true,
                            .turn_us = q->turn_us};
    if (!read_again(q, &row)) {
        end_unused(q, END_LOOK);
        return;
    }
    count_bytes(q, row.body.n);
    failpoint(queued_read);
    q->body = row.body;
    int rc = send_from_row(&q->send, &row, q->arena, &q->intent, &e);
    if (rc == WL_ENOMEM) { /* says nothing of the message */
        end_unused(q, END_BACK);
        return;
    }
    if (rc != 0) {
        unreadable(q, &e);
        return;
    }
    if (!fill_token(q)) {
        end_unused(q, END_BACK);
        return;
    }
    token = (struct str){q->token.p + strlen("Bearer "), q->token.n - strlen("Bearer ")};
    enum greet what = greet_first(&q->send, token);
    if (what != GREET_NOT && has_to_wait(q, what, &begin)) {
        if (begin)
            introduce(q, what, token);
        end_unused(q, END_BACK);
        return;
    }
    failpoint(queued_to_door);
    if (admit_submit(&q->send, &e) != 0) {
        dispatch_give_back(q->d, q->send.sender, q->turn_us);
        refused(q, &e);
    }
}

void queued_submit(struct dispatch *d, struct queue_link *chain)
{
    lines_reading(d);
    for (struct queue_link *next; chain != NULL; chain = next) {
        struct queued *q = container_of(chain, struct queued, link);
        next = chain->next;
        submit(q);
    }
    store_rollback(d->reader);
}
