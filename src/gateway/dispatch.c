/* SPDX-License-Identifier: Apache-2.0
 * dispatch.c - the table of our numbers, and the thread that gives turns.
 *
 * Every number stands in a heap by the moment at which it has something to do next: a turn of its lane, or the deadline of
 * somebody who waits in it. The thread takes the earliest, gives at most TURNS turns, and goes on with the next number, so
 * that a number with much to send delays no other. Sends whose callers wait go back to the writer, rows of the outbox to
 * the outbox thread.
 *
 * A number that finds no room in the table is not paced, and the rules are told that nobody knows. A send is counted in
 * its lane from the moment it is judged, and stands in line only when its transaction is over; a turn that comes
 * between is kept for it. A line is never longer than its callers' patience: who is not served by then is told so.
 *
 * Time is the monotonic clock's, in microseconds, because a thousand a second is one a millisecond and because a wall
 * clock that is set must neither stop a number nor let it race. */
#include "gateway/dispatch.h"

#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "gateway/dispatch_impl.h"

#define TURNS   64 /* of one number before another has its own */
#define NOT_YET 50 /* us; a lane that says "later" is not asked again before that */

/* --- numbers ------------------------------------------------------------------------------------------------------ */

static struct number *number_make(struct dispatch *d, int64_t sender)
{
    struct number *n = calloc(1, sizeof *n);
    if (n == NULL)
        abort();
    n->sender = sender;
    n->d = d;
    n->deadline_us = n->next_us = NEVER;
    n->heap_at = SIZE_MAX;
    for (int c = 0; c < LANE_CLASSES; c++)
        n->callers[c].tail = &n->callers[c].head;
    d->number[d->n_numbers++] = n;
    return n;
}

struct number *number_at(struct dispatch *d, int64_t sender, bool make)
{
    size_t at = (size_t)((uint64_t)sender * 0x9e3779b97f4a7c15u >> 40) % NUMBER_SLOTS;
    if (sender == 0)
        return NULL;
    for (; d->slot[at] != NULL; at = (at + 1) % NUMBER_SLOTS)
        if (d->slot[at]->sender == sender)
            return d->slot[at];
    if (!make || d->n_numbers == NUMBERS_MAX)
        return NULL;
    return d->slot[at] = number_make(d, sender);
}

static bool same_pace(const struct pace *a, const struct pace *b)
{
    return a->interval_us == b->interval_us && a->tolerance_us == b->tolerance_us;
}

/* Without credit: as if a whole burst had left when we started. */
void number_permit(struct dispatch *d, struct number *n, struct pace permitted)
{
    if (!n->permitted) {
        lane_init(&n->lane, permitted, d->started_us);
        lane_inbound(&n->lane, n->inbound, mono_us());
        n->permitted = true;
    } else if (!same_pace(&n->lane.permitted, &permitted)) {
        lane_permit(&n->lane, permitted);
    }
}

/* --- who is next -------------------------------------------------------------------------------------------------- */

static void heap_put(struct dispatch *d, size_t at, struct number *n)
{
    d->heap[at] = n;
    n->heap_at = at;
}

static void heap_up(struct dispatch *d, size_t at, struct number *n)
{
    for (; at > 0 && d->heap[(at - 1) / 2]->next_us > n->next_us; at = (at - 1) / 2)
        heap_put(d, at, d->heap[(at - 1) / 2]);
    heap_put(d, at, n);
}

static struct number *heap_take(struct dispatch *d)
{
    struct number *first = d->heap[0], *last = d->heap[--d->n_heap];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < d->n_heap; at = child) {
        child += child + 1 < d->n_heap && d->heap[child + 1]->next_us < d->heap[child]->next_us;
        if (d->heap[child]->next_us >= last->next_us)
            break;
        heap_put(d, at, d->heap[child]);
    }
    if (last != first)
        heap_put(d, at, last);
    first->heap_at = SIZE_MAX;
    first->next_us = NEVER;
    return first;
}

void number_wake(struct dispatch *d, struct number *n, int64_t at_us)
{
    if (at_us >= n->next_us)
        return;
    n->next_us = at_us;
    heap_up(d, n->heap_at == SIZE_MAX ? d->n_heap++ : n->heap_at, n);
    if (at_us < d->sleeps_until_us)
        pthread_cond_signal(&d->wake);
}

void dispatch_sleep(struct dispatch *d, pthread_cond_t *cond, int64_t until_us)
{
    struct timespec ts = {.tv_sec = until_us / SECOND_US, .tv_nsec = until_us % SECOND_US * 1000};
    if (until_us == NEVER)
        pthread_cond_wait(cond, &d->lock);
    else
        pthread_cond_timedwait(cond, &d->lock, &ts);
}

/* --- callers ------------------------------------------------------------------------------------------------------ */

static enum lane_class send_class(const struct send *s)
{
    const struct facts *f = &s->facts;
    return lane_class(f->known[FACT_MESSAGE_CATEGORY] ? (enum category)f->value[FACT_MESSAGE_CATEGORY]
                                                      : CATEGORY_UNKNOWN);
}

static struct send *send_of(struct queue_link *l)
{
    return container_of(l, struct send, job.link);
}

static void caller_push(struct callers *c, struct send *s)
{
    s->job.link.next = NULL;
    *c->tail = &s->job.link;
    c->tail = &s->job.link.next;
    c->n++;
}

/* Takes out the one at *at. */
static struct send *caller_remove(struct callers *c, struct queue_link **at)
{
    struct queue_link *l = *at;
    *at = l->next;
    if (c->tail == &l->next)
        c->tail = at;
    c->n--;
    return send_of(l);
}

/* What the thread hands back when it no longer holds the lock. */
struct handed {
    struct queue_link *head, **tail;
};

/* turn_us 0: without a turn. */
static void hand_back(struct handed *h, struct send *s, int64_t turn_us)
{
    s->turn = turn_us != 0;
    s->turn_us = turn_us;
    s->job.link.next = NULL;
    *h->tail = &s->job.link;
    h->tail = &s->job.link.next;
}

static void resume(struct queue_link *l)
{
    for (struct queue_link *next; l != NULL; l = next) {
        next = l->next;
        admit_resume(send_of(l));
    }
}

static void caller_turn(struct number *n, enum lane_class class, int64_t now_us, struct handed *out)
{
    struct callers *c = &n->callers[class];
    c->joined--;
    if (c->head != NULL)
        hand_back(out, caller_remove(c, &c->head), now_us);
    else
        c->owed++;
}

/* Those whose patience is over, or all. */
static void callers_leave(struct number *n, int64_t now_us, bool all, struct handed *out)
{
    if (n->deadline_us > now_us && !all)
        return;
    n->deadline_us = NEVER;
    for (int class = 0; class < LANE_CLASSES; class ++) {
        struct callers *c = &n->callers[class];
        for (struct queue_link **at = &c->head; *at != NULL;) {
            struct send *s = send_of(*at);
            if (!all && s->hold_until_latest > now_us) {
                if (s->hold_until_latest < n->deadline_us)
                    n->deadline_us = s->hold_until_latest;
                at = &(*at)->next;
                continue;
            }
            caller_remove(c, at);
            lane_leave(&n->lane, (enum lane_class) class, LANE_CALLERS);
            c->joined--;
            hand_back(out, s, 0);
        }
    }
}

/* --- the thread --------------------------------------------------------------------------------------------------- */

/* Gives the turns that are due; returns when there is something to do again. */
static int64_t give_turns(struct dispatch *d, struct number *n, int64_t now_us, struct handed *out)
{
    for (int i = 0; i < TURNS; i++) {
        enum lane_class class;
        int64_t campaign, when;
        lines_offer(d, n, now_us);
        switch (lane_next(&n->lane, now_us, &class, &campaign, &when)) {
        case LANE_IDLE:
            return NEVER;
        case LANE_LATER:
            return when > now_us + NOT_YET ? when : now_us + NOT_YET;
        case LANE_GO:
            if (campaign == LANE_CALLERS)
                caller_turn(n, class, now_us, out);
            else
                lines_turn(d, n, class, campaign, now_us);
        }
    }
    return now_us;
}

static void visit(struct dispatch *d, struct number *n, int64_t now_us, struct handed *out)
{
    int64_t until = NEVER, next;
    if (!n->permitted)
        return;
    callers_leave(n, now_us, d->closing, out);
    next = give_turns(d, n, now_us, out);
    lines_pass_on(d);
    if (n->n_lines > 0)
        number_stopped(d, n, now_us, &until);
    next = next < until ? next : until;
    next = next < n->deadline_us ? next : n->deadline_us;
    if (next != NEVER)
        number_wake(d, n, next);
}

static void *dispatch_run(void *arg)
{
    struct dispatch *d = arg;
    pthread_mutex_lock(&d->lock);
    while (!d->stop) {
        struct handed out = {NULL, &out.head};
        int64_t now_us = mono_us();
        for (size_t i = d->n_heap; i > 0 && d->n_heap > 0 && d->heap[0]->next_us <= now_us; i--)
            visit(d, heap_take(d), now_us, &out);
        if (d->granted != NULL)
            pthread_cond_signal(&d->wake_outbox);
        if (out.head != NULL) {
            pthread_mutex_unlock(&d->lock);
            resume(out.head);
            pthread_mutex_lock(&d->lock);
        } else if (d->n_heap == 0 || d->heap[0]->next_us > now_us) {
            d->sleeps_until_us = d->n_heap > 0 ? d->heap[0]->next_us : NEVER;
            dispatch_sleep(d, &d->wake, d->sleeps_until_us);
            d->sleeps_until_us = 0;
        }
    }
    struct handed rest = {NULL, &rest.head};
    for (size_t i = 0; i < d->n_numbers; i++)
        callers_leave(d->number[i], 0, true, &rest);
    pthread_mutex_unlock(&d->lock);
    resume(rest.head);
    return NULL;
}

/* --- the door's side ---------------------------------------------------------------------------------------------- */

/* The number with the lock held, or NULL without it. */
static struct number *enter(struct dispatch *d, int64_t sender, bool make)
{
    if (d == NULL)
        return NULL;
    pthread_mutex_lock(&d->lock);
    struct number *n = number_at(d, sender, make);
    if (n == NULL)
        pthread_mutex_unlock(&d->lock);
    return n;
}

static void leave(struct dispatch *d)
{
    pthread_mutex_unlock(&d->lock);
}

int64_t dispatch_when(struct dispatch *d, int64_t sender, enum lane_class c, struct pace permitted, int64_t now_us)
{
    struct number *n = enter(d, sender, true);
    if (n == NULL)
        return -1;
    number_permit(d, n, permitted);
    int64_t when = lane_when(&n->lane, c, now_us);
    leave(d);
    return when;
}

/* A turn of a caller's own moment: it is not to be taken for the one that tries. */
static int64_t own_moment(const struct number *n, int64_t now_us)
{
    return n->lane.probing && n->lane.probe_us == now_us ? now_us + 1 : now_us;
}

int64_t dispatch_take(struct dispatch *d, int64_t sender, enum lane_class c, struct pace permitted, int64_t now_us)
{
    struct number *n = enter(d, sender, true);
    if (n == NULL)
        return 0;
    number_permit(d, n, permitted);
    now_us = own_moment(n, now_us);
    lane_take(&n->lane, c, now_us);
    leave(d);
    return now_us;
}

void dispatch_give_back(struct dispatch *d, int64_t sender, int64_t turn_us)
{
    struct number *n = enter(d, sender, false);
    if (n == NULL)
        return;
    if (n->permitted) {
        lane_give_back(&n->lane, turn_us, mono_us());
        number_wake(d, n, mono_us());
    }
    leave(d);
}

void dispatch_join(struct dispatch *d, struct send *s)
{
    struct number *n = enter(d, s->sender, false);
    if (n == NULL)
        return;
    if (n->permitted && lane_join(&n->lane, send_class(s), LANE_CALLERS, 1))
        n->callers[send_class(s)].joined++;
    leave(d);
}

void dispatch_park(struct dispatch *d, struct send *s)
{
    struct number *n = enter(d, s->sender, false);
    struct handed out = {NULL, &out.head};
    struct callers *c = n != NULL ? &n->callers[send_class(s)] : NULL;
    if (n == NULL) {
        hand_back(&out, s, 0);
    } else if (c->owed > 0) { /* a turn of now: it leaves no sooner */
        c->owed--;
        hand_back(&out, s, own_moment(n, mono_us()));
    } else if (d->closing || c->joined <= c->n) { /* or it is not in the lane */
        if (c->joined > c->n) {
            c->joined--;
            lane_leave(&n->lane, send_class(s), LANE_CALLERS);
        }
        hand_back(&out, s, 0);
    } else {
        caller_push(c, s);
        if (s->hold_until_latest < n->deadline_us)
            n->deadline_us = s->hold_until_latest;
        number_wake(d, n, mono_us());
    }
    if (n != NULL)
        leave(d);
    resume(out.head);
}

void dispatch_inbound(struct dispatch *d, int64_t sender, size_t n)
{
    struct number *number = enter(d, sender, true);
    uint32_t count = n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
    if (number == NULL)
        return;
    if (number->permitted)
        lane_inbound(&number->lane, count, mono_us());
    else
        number->inbound = count < UINT32_MAX - number->inbound ? number->inbound + count : UINT32_MAX;
    leave(d);
}

void dispatch_bell(struct dispatch *d, int64_t sender)
{
    struct number *n = enter(d, sender, true);
    if (n == NULL)
        return;
    lines_ring(d, n);
    leave(d);
}

void dispatch_heard(struct dispatch *d, int64_t sender, int64_t turn_us, enum life_state state, int code)
{
    struct number *n = enter(d, sender, false);
    if (n == NULL)
        return;
    if (code == 190)
        n->token_us = 0; /* it may have been changed in its file */
    if (n->permitted) {
        int64_t open_until_us = n->lane.open_until_us;
        lane_heard(&n->lane, turn_us, state, code, mono_us());
        number_wake(d, n, mono_us());
        if (n->lane.open_until_us != open_until_us)
            stops_changed(d);
    }
    leave(d);
}

void dispatch_applied(struct dispatch *d, int64_t sender, int64_t begun_at)
{
    struct number *n = enter(d, sender, true);
    if (n == NULL)
        return;
    if (begun_at > n->watermark && begun_at <= clock_now_ms()) /* an earlier life's clock may have been ahead */
        n->watermark = begun_at;
    leave(d);
}

int64_t dispatch_watermark(struct dispatch *d, int64_t sender)
{
    struct number *n = enter(d, sender, false);
    if (n == NULL)
        return 0;
    int64_t at = n->watermark;
    leave(d);
    return at;
}

bool dispatch_may_send(const struct dispatch *d)
{
    struct lease_clock c = {.begun_us = atomic_load_explicit(&d->renewed_us, memory_order_acquire)};
    return lease_good(&c, mono_us());
}

bool dispatch_may_leave(const void *dispatch)
{
    return dispatch_may_send(dispatch);
}

/* --- for people --------------------------------------------------------------------------------------------------- */

/* The lane's time is the monotonic clock's; people read the wall's. */
static int64_t wall_ms(int64_t at_us, int64_t now_us)
{
    return clock_now_ms() + (at_us - now_us) / 1000;
}

/* All that waits belongs to campaigns that are held. */
static bool only_held(const struct number *n)
{
    bool waits = false;
    for (const struct line *l = n->lines; l != NULL; l = l->next) {
        if (l->n > 0 && !l->held)
            return false;
        waits |= l->n > 0;
    }
    return waits;
}

static void look(struct dispatch *d, const struct number *n, struct dispatch_view *v)
{
    int64_t now_us = mono_us(), until;
    *v =
        (struct dispatch_view){.sender = n->sender, .stop = number_stop(n), .open = n->open, .watermark = n->watermark};
    for (int c = 0; c < LANE_CLASSES; c++)
        v->parked += n->callers[c].n;
    for (const struct line *l = n->lines; l != NULL; l = l->next) {
        v->read += l->n;
        v->waiting[l->class] += l->n;
        v->at_least |= l->more;
    }
    if (n->n_lines > 0)
        v->why = number_stopped(d, n, now_us, &until);
    if (v->why == NULL && only_held(n))
        v->why = "the campaigns of the messages that wait are held";
    if (!n->permitted)
        return;
    v->permitted_per_s = SECOND_US / n->lane.permitted.interval_us;
    v->pace_permille = lane_pace_permille(&n->lane);
    if (n->lane.open_until_us == 0)
        return;
    v->circuit_code = n->lane.circuit_code;
    if (n->lane.open_until_us > now_us)
        v->circuit_until = wall_ms(n->lane.open_until_us, now_us);
    v->circuit_why =
        v->circuit_code == 0 ? "several attempts in a row got no readable answer" : reaction_to(v->circuit_code).why;
    if (v->circuit_why == NULL)
        v->circuit_why = "Meta refused the number";
}

bool dispatch_look(struct dispatch *d, int64_t sender, struct dispatch_view *ret)
{
    struct number *n = enter(d, sender, false);
    if (n == NULL)
        return false;
    look(d, n, ret);
    leave(d);
    return true;
}

size_t dispatch_numbers(struct dispatch *d, int64_t *ret_sender, size_t max)
{
    pthread_mutex_lock(&d->lock);
    size_t n = d->n_numbers < max ? d->n_numbers : max;
    for (size_t i = 0; i < n; i++)
        ret_sender[i] = d->number[i]->sender;
    pthread_mutex_unlock(&d->lock);
    return n;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

static void cond_init(pthread_cond_t *c)
{
    pthread_condattr_t a;
    pthread_condattr_init(&a);
    pthread_condattr_setclock(&a, CLOCK_MONOTONIC);
    if (pthread_cond_init(c, &a) != 0)
        abort();
    pthread_condattr_destroy(&a);
}

struct dispatch *dispatch_create(struct gateway *g)
{
    struct dispatch *d = calloc(1, sizeof *d);
    if (d == NULL || (d->ids = calloc(1, sizeof *d->ids)) == NULL)
        abort();
    d->g = g;
    d->started_us = mono_us();
    d->to_read_tail = &d->to_read;
    d->granted_tail = d->granted_codes = &d->granted;
    d->starved_tail = &d->starved;
    d->next_due_ms = NEVER;
    d->most_at_door = DOOR_LEAST;
    d->most_queued = g->o.max_queue / 2 > 0 ? g->o.max_queue / 2 : 1;
    pthread_mutex_init(&d->lock, NULL);
    cond_init(&d->wake);
    cond_init(&d->wake_outbox);
    cond_init(&d->wake_settle);
    return d;
}

static int start_threads(struct dispatch *d, struct err *e)
{
    if (thread_start(&d->thread, "dispatch", dispatch_run, d) != 0 ||
        thread_start(&d->outbox_thread, "outbox", lines_run, d) != 0 ||
        thread_start(&d->settle_thread, "settle", settle_run, d) != 0)
        return err_set(e, WL_EIO, "cannot start the dispatcher's threads"); /* the process ends: nothing to undo */
    d->running = true;
    return 0;
}

int dispatch_start(struct dispatch **ret, struct gateway *g, struct err *e)
{
    struct dispatch *d = dispatch_create(g);
    int rc = lines_open(d, e);
    if (rc == 0)
        rc = settle_start(d, e);
    if (rc != 0) {
        dispatch_free(d);
        return rc;
    }
    *ret = d; /* the threads' first sends look for it */
    return start_threads(d, e);
}

void dispatch_hurry(struct dispatch *d)
{
    if (d == NULL)
        return;
    pthread_mutex_lock(&d->lock);
    d->closing = true;
    for (size_t i = 0; i < d->n_numbers; i++)
        number_wake(d, d->number[i], 0);
    pthread_mutex_unlock(&d->lock);
}

void dispatch_stop(struct dispatch *d)
{
    if (d == NULL || !d->running)
        return;
    dispatch_hurry(d);
    pthread_mutex_lock(&d->lock);
    d->stop = true;
    pthread_cond_broadcast(&d->wake);
    pthread_cond_broadcast(&d->wake_outbox);
    pthread_cond_broadcast(&d->wake_settle);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
    pthread_join(d->outbox_thread, NULL);
    pthread_join(d->settle_thread, NULL);
    d->running = false;
    settle_end(d);
    store_free(d->reader); /* before the writer's: the last to close tidies the database up */
    d->reader = NULL;
}

void dispatch_free(struct dispatch *d)
{
    if (d == NULL)
        return;
    dispatch_stop(d);
    lines_free(d);
    queued_free(d);
    for (size_t i = 0; i < d->n_numbers; i++)
        free(d->number[i]);
    pthread_cond_destroy(&d->wake);
    pthread_cond_destroy(&d->wake_outbox);
    pthread_cond_destroy(&d->wake_settle);
    pthread_mutex_destroy(&d->lock);
    free(d->ids);
    free(d->left);
    free(d);
}
