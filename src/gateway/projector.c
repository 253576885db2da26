/* SPDX-License-Identifier: Apache-2.0
 * projector.c - from the inbox to the state that decisions read.
 *
 * One thread reads the inbox after its cursor, parses bodies into events on its own time, and hands them to the writer.
 * It applies as many as a short time allows, notes which of them we had before, and moves the cursor, all in one
 * transaction; what was left is the next one's, also when that is the rest of one body. An event is applied once as far as the cursor
 * tells, and applying it twice would change nothing. A body that cannot be read is marked with the reason and passed over,
 * and so is an event that fails to apply by itself: what stands before it is applied first, what stands after it then, and the
 * bytes stay in the inbox. Want of memory is no reason at first: it is tried again until there is some, unless it is larger than
 * the most we would ever give it. But one body must not hold up all others for good: what stands first, with nothing beside
 * it, and finds no memory for half a minute is passed over like any other.
 *
 * Repeats are found by the keys of recent events, each with the body it came in first, so that a transaction that is run
 * again does not take its own events for repeats. They are in memory only; a start reads the newest bodies for them, and goes
 * on to older ones between its steps until the memory for them is full. */
#include "gateway/projector.h"

#include <stdatomic.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/json.h"
#include "base/log.h"
#include "gateway/accounts.h"
#include "gateway/apply.h"
#include "gateway/dispatch.h"
#include "gateway/errands.h"
#include "gateway/fanout.h"
#include "gateway/gateway_impl.h"
#include "gateway/heard.h"
#include "gateway/recent_keys.h"
#include "gateway/recheck.h"
#include "store/inbox.h"

#define CURSOR      PROJECTOR_CURSOR
#define RANK        1 /* after what people said to us directly, before what is to be sent */
#define ROWS_MAX    512
#define BYTES_MAX   (8u << 20)
#define ARENA_MAX   (64u << 20) /* of what was read, of the events parsed ahead, and of those being applied */
#define RETRY_MS    1000
#define INBOUND_MS  5000      /* times of events are whole seconds, and they take a moment to get here */
#define STEP_NS     8000000   /* about as long a transaction holds the writer: webhooks and sends wait for it */
#define SLICE       32        /* events applied between two looks at the clock */
#define AHEAD_MAX   4000      /* events parsed and not applied yet, give or take a body */
#define KEYS_EACH   393216    /* three quarters of a power of two: 25 MB for the newest half to whole of twice that */
#define SHORT_TRIES 30        /* for a body that finds no memory, at most one of them counted in RETRY_MS */
#define REFILL_MAX  20000     /* bodies read for their keys before the first step, */
#define REFILL_NS   500000000 /* and for how long; */
#define REFILL_STEP 32        /* between two steps, */
#define REFILL_IDLE 256       /* and when there is nothing else to do, */
#define REFILL_REST 5         /* ms apart */

/* A body of the inbox, parsed. */
struct body {
    int64_t seq, at;
    const struct event *events;
    size_t n_events;
    const char *problem; /* why it, or one of its events, is passed over */
};

/* How far: bodies before this one are done, and so many events of it; when that is all of them, it has to be concluded. */
struct place {
    size_t body, event;
};

struct projector {
    struct gateway *g;
    pthread_t thread;
    bool started;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    atomic_bool rung;
    atomic_bool stop; /* looked at between steps too: the rest is applied after the next start */
    struct heard *heard;
    struct recent_keys *keys;    /* the id is the body's in which it came first */
    int64_t older;               /* of an earlier life, those from here on are known; 0: all that fit */
    int64_t short_seq, short_ns; /* the body there was no memory for, when that was last counted, */
    int short_tries;             /* and how often */

    /* The step under way: the writer's thread while it runs, ours before and after. */
    struct err why;
    struct arena *scratch;
    struct arena *ahead; /* what was parsed */
    const struct body *bodies;
    size_t n_bodies;
    struct place from, to; /* to: after a failure of one of them where it was, */
    bool theirs;           /* and whether it was one of them */
    struct place end;      /* what stands before it is in the step */
    size_t slice;
    size_t repeated;
    struct apply_result result;
};

/* --- a step, on the writer's thread -------------------------------------------------------------------------------- */

/* Notes which events of the body we had, and remembers the others. The same key twice in one body is one event told twice in one
 * breath, which nobody needs to be kept from. */
static int note_repeats(struct projector *p, struct store *s, const struct body *b, struct err *e)
{
    uint64_t *had = arena_new_array(p->scratch, uint64_t, b->n_events);
    size_t n = 0;
    if (had == NULL)
        return err_set(e, WL_ENOMEM, "no memory for the keys of a webhook's events");
    for (size_t i = 0; i < b->n_events; i++) {
        struct recent first = {.id = b->seq};
        if (b->events[i].key == 0)
            continue;
        if (recent_keys_get(p->keys, b->events[i].key, &first) && first.id != b->seq)
            had[n++] = b->events[i].key;
        recent_keys_put(p->keys, b->events[i].key, first);
    }
    p->repeated += n;
    return n > 0 ? inbox_repeats(s, b->seq, had, n, e) : 0;
}

static bool is_before(struct place a, struct place b)
{
    return a.body < b.body || (a.body == b.body && a.event < b.event);
}

/* Applies the next few events of the body at p->to, or concludes it when there are none, and moves that on. */
static int apply_some(struct projector *p, struct store *s, int64_t now, struct err *e)
{
    const struct body *b = &p->bodies[p->to.body];
    size_t n = b->n_events - p->to.event;
    int rc = 0;
    arena_reset(p->scratch);
    if (n > 0) {
        n = n < p->slice ? n : p->slice;
        rc = apply_events(p->g->apply, s, p->scratch, b->events + p->to.event, n, b->at, now, &p->result, e);
        p->to.event += rc == 0 ? n : 0;
        return rc;
    }
    if (b->problem != NULL)
        rc = inbox_problem(s, b->seq, str_of(b->problem), e);
    if (rc == 0)
        rc = note_repeats(p, s, b, e);
    if (rc == 0)
        p->to = (struct place){p->to.body + 1, 0};
    return rc;
}

static int project_run(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct projector *p = ctx;
    int64_t until = clock_mono_ns() + STEP_NS;
    int rc = 0;
    (void)a; /* shared with whatever else is in the batch: what does not fit it says nothing of us */
    p->result = (struct apply_result){0};
    p->repeated = 0;
    p->to = p->from;
    p->theirs = true;
    do {
        rc = apply_some(p, s, now, e);
    } while (rc == 0 && is_before(p->to, p->end) && clock_mono_ns() < until);
    if (rc == 0)
        rc = apply_end(s, &p->result, e);
    failpoint(project_applied);
    if (rc != 0)
        return rc;
    p->theirs = false;
    return p->to.body > p->from.body ? cursor_set(s, CURSOR, p->bodies[p->to.body - 1].seq, e) : 0;
}

/* --- what follows -------------------------------------------------------------------------------------------------- */

/* What comes in counts for a number's messages a second; what came in long ago does not any more. */
static void count_inbound(struct projector *p, const struct body *b)
{
    int64_t since = clock_now_ms() - INBOUND_MS;
    for (size_t i = 0; i < b->n_events; i++) {
        const struct event *ev = &b->events[i];
        if (ev->phone_number_id != 0)
            heard_note(p->heard, ev->phone_number_id, b->at);
        if (ev->kind == EVENT_INBOUND && ev->at >= since)
            dispatch_inbound(p->g->dispatch, ev->phone_number_id, 1);
    }
}

/* Who refused something: from now on every decision knows. */
static void follow_refusals(struct projector *p)
{
    const struct apply_result *r = &p->result;
    int64_t now = clock_now_ms();
    for (size_t i = 0; i < r->n_refused; i++) {
        lag_note(&p->g->obeyed, now - r->refused[i].stored_at);
        recheck_person(p->g->recheck, r->refused[i].bucket, r->refused[i].contact);
    }
    if (r->errands)
        errands_bell(p->g->errands);
}

/* What follows from what was applied, now that it is on disk. */
static void follow(struct projector *p)
{
    const struct apply_result *r = &p->result;
    metric_add(p->g, METRIC_EVENTS, r->events);
    metric_add(p->g, METRIC_EVENTS_ORPHANED, r->orphaned);
    metric_add(p->g, METRIC_EVENTS_REPEATED, p->repeated);
    life_follow(p->g, &r->after);
    follow_refusals(p);
    for (size_t i = 0; i < r->n_applied; i++)
        dispatch_applied(p->g->dispatch, r->applied[i].sender, r->applied[i].begun_at);
    if (r->after.duplicates > 0)
        log_warn("projector", "Meta accepted a message twice, so that somebody got it twice (%u such messages)",
                 r->after.duplicates);
    if (r->control_changed)
        accounts_publish(p->g->accounts);
    for (size_t i = 0; i < r->n_stale; i++)
        accounts_stale(p->g->accounts, r->stale_waba[i]);
    for (size_t i = p->from.body; i < p->to.body; i++)
        if (p->bodies[i].problem == NULL)
            count_inbound(p, &p->bodies[i]);
    if (p->to.body > p->from.body && p->g->fanout != NULL)
        fanout_bell(p->g->fanout);
}

/* Has what stands before p->end applied, as much as there is time for in one transaction, and waits for it. */
static int step(struct projector *p)
{
    p->theirs = false;
    p->why = (struct err){0};
    failpoint(project_read);
    int rc = writer_call(p->g->writer, RANK, project_run, p, &p->why);
    failpoint(project_noted);
    if (rc == 0) {
        follow(p);
        p->from = p->to;
    }
    return rc;
}

/* --- reading ahead ------------------------------------------------------------------------------------------------- */

/* Memory ran out though there would have been some: what was refused was refused by the machine. */
static bool memory_was_short(int rc, const struct arena *a)
{
    return rc == WL_ENOMEM && arena_used(a) < ARENA_MAX / 2;
}

/* Whether to wait for memory for this body, again. */
static bool wait_for_memory(struct projector *p, int64_t seq)
{
    int64_t now = clock_mono_ns();
    if (p->short_seq != seq) {
        p->short_seq = seq;
        p->short_ns = now;
        p->short_tries = 0;
    } else if (now - p->short_ns >= RETRY_MS * INT64_C(1000000)) {
        p->short_ns = now;
        p->short_tries++;
    }
    return p->short_tries < SHORT_TRIES;
}

static const char *passed_over(const char *why)
{
    log_warn("projector", "a webhook body, or an event of it, was passed over and kept: %s", why);
    return why;
}

/* The events outlive the parser's next body: what they keep is in the arena. */
static int parse(struct json_parser *parser, struct arena *a, const struct inbox_row *row, struct body *ret,
                 struct err *e)
{
    struct event *events = NULL;
    struct json root;
    *ret = (struct body){.seq = row->seq, .at = row->at};
    int rc = json_parse(parser, row->body, false, &root, e);
    if (rc == 0)
        rc = events_parse(root, a, &events, &ret->n_events, e);
    for (size_t i = 0; rc == 0 && i < ret->n_events; i++)
        events[i].value = (struct json){0}; /* dies with the next parse */
    ret->events = events;
    return rc;
}

/* Parses rows from the first on until they are enough; how many, 0: there is no memory for the first one now. */
static size_t fill(struct projector *p, struct body *bodies, const struct inbox_row *rows, size_t n,
                   struct json_parser *parser, struct arena *a)
{
    size_t i = 0;
    for (size_t events = 0; i < n && events < AHEAD_MAX; i++) {
        struct err e = {0};
        int rc = parse(parser, a, &rows[i], &bodies[i], &e);
        if (rc == WL_ENOMEM && (i > 0 || (memory_was_short(rc, a) && wait_for_memory(p, rows[i].seq))))
            break; /* the next time it is the first */
        if (rc != 0) {
            const char *why = arena_strndup(a, e.text, strlen(e.text));
            bodies[i] = (struct body){.seq = rows[i].seq, .at = rows[i].at};
            bodies[i].problem = passed_over(why != NULL ? why : "it does not fit its memory");
        }
        events += bodies[i].n_events;
    }
    return i;
}

/* --- the loop ------------------------------------------------------------------------------------------------------ */

/* A step failed by the fault of what stands at p->to. What stands before it goes first; then it fails as the first of its step, and
 * then alone. False: it is not its fault, or nothing can be done about it now. */
static bool isolate(struct projector *p, struct body *bodies, int rc)
{
    struct body *bad = &bodies[p->to.body];
    if (!p->theirs || rc == WL_EBUSY || rc == WL_EIO || p->to.event == bad->n_events)
        return false;
    if (memory_was_short(rc, p->scratch) && wait_for_memory(p, bad->seq))
        return false;
    if (is_before(p->from, p->to)) {
        p->end = p->to;
    } else if (p->slice > 1) {
        p->slice = 1;
    } else {
        const char *why = arena_strndup(p->ahead, p->why.text, strlen(p->why.text));
        bad->problem = passed_over(why != NULL ? why : "an event could not be applied");
        p->from.event++;
        p->end = (struct place){p->n_bodies, 0};
        p->slice = SLICE;
    }
    return true;
}

/* Applies k bodies. Not 0: the rest of them has to be tried again later. */
static int apply_all(struct projector *p, struct body *bodies, size_t k)
{
    const struct place all = {k, 0};
    int rc = 0;
    p->bodies = bodies;
    p->n_bodies = k;
    p->from = (struct place){0, 0};
    p->end = all;
    p->slice = SLICE;
    while (is_before(p->from, all) && !p->stop && rc == 0) {
        rc = step(p);
        if (rc == 0 && !is_before(p->from, p->end))
            p->end = all;
        else if (rc != 0 && isolate(p, bodies, rc))
            rc = 0;
    }
    return rc;
}

/* Applies what was read; `a` is for the events of some of it. Not 0: the rest has to be tried again later. */
static int project(struct projector *p, const struct inbox_row *rows, size_t n, struct json_parser *parser,
                   struct arena *a)
{
    struct body bodies[ROWS_MAX];
    int rc = 0;
    for (size_t done = 0, k; done < n && rc == 0 && !p->stop; done += k) {
        arena_reset(a);
        p->ahead = a;
        k = fill(p, bodies, rows + done, n - done, parser, a);
        rc = k > 0 ? apply_all(p, bodies, k) : WL_ENOMEM;
    }
    if (rc == WL_ENOMEM)
        log_warn("projector", "there is no memory to apply webhooks; they are tried again");
    return rc;
}

/* What a thread of its own reads with. */
struct reading {
    struct store *store;
    struct json_parser *parser;
    struct arena *rows, *events;
};

/* The keys of one body, older than those known so far: where a key came first is the older one. False: there is no room. */
static bool remember(struct projector *p, const struct inbox_row *row, struct reading *r)
{
    struct body b;
    arena_reset(r->events);
    if (row->problem.p != NULL || parse(r->parser, r->events, row, &b, NULL) != 0)
        return true;
    for (size_t i = 0; i < b.n_events; i++) {
        const struct event *ev = &b.events[i];
        if (ev->phone_number_id != 0)
            heard_note(p->heard, ev->phone_number_id, b.at);
        if (ev->key != 0 && !recent_keys_put_older(p->keys, ev->key, (struct recent){.id = b.seq}))
            return false;
    }
    return true;
}

/* Reads a few more of what was applied in an earlier life, newest first; how many. What is not found in time is at worst handed
 * on twice. */
static size_t refill(struct projector *p, struct reading *r, size_t most)
{
    struct inbox_row *rows;
    struct err e = {0};
    size_t n = 0, i = 0;
    if (p->older == 0)
        return 0;
    arena_reset(r->rows);
    int rc = inbox_read_back(r->store, p->older, most, BYTES_MAX / 4, r->rows, &rows, &n, &e);
    while (rc == 0 && i < n && !p->stop && remember(p, &rows[i], r))
        i++;
    p->older = i == n && n > 0 ? rows[n - 1].seq : 0;
    if (rc != 0)
        log_warn("projector", "older webhooks cannot be read, so their repeats are not known: %s", e.text);
    return i;
}

/* The newest of them, before anything else. */
static void refill_first(struct projector *p, struct reading *r)
{
    int64_t applied = 0, until = clock_mono_ns() + REFILL_NS;
    if (cursor_get(r->store, CURSOR, &applied, NULL) != 0 || applied <= 0)
        return;
    p->older = applied + 1;
    for (size_t read = 0; p->older != 0 && read < REFILL_MAX && clock_mono_ns() < until;)
        read += refill(p, r, REFILL_IDLE);
}

/* Everything now in the inbox. Returns false when a step has to be tried again later. */
static bool drain(struct projector *p, struct reading *r)
{
    for (;;) {
        int64_t after;
        struct inbox_row *rows;
        size_t n = 0;
        struct err e = {0};
        arena_reset(r->rows);
        int rc = cursor_get(r->store, CURSOR, &after, &e);
        if (rc == 0)
            rc = inbox_read(r->store, after, ROWS_MAX, BYTES_MAX, r->rows, &rows, &n, &e);
        if (rc != 0) {
            log_error("projector", "the inbox cannot be read: %s", e.text);
            return false;
        }
        if (n == 0 || p->stop)
            return true;
        if (project(p, rows, n, r->parser, r->events) != 0)
            return false;
        (void)refill(p, r, REFILL_STEP);
    }
}

/* Until there is something to do: rung, or the time is up. The lock is held. */
static void rest(struct projector *p, int64_t ms)
{
    int64_t until = clock_now_ms() + ms;
    struct timespec ts = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
    pthread_cond_timedwait(&p->wake, &p->lock, &ts);
}

/* Nothing is to be applied: what is left of an earlier life is read, then it waits. The lock is held. */
static void idle(struct projector *p, struct reading *r)
{
    while (!p->rung && !p->stop) {
        if (p->older == 0) {
            pthread_cond_wait(&p->wake, &p->lock);
            continue;
        }
        rest(p, REFILL_REST);
        pthread_mutex_unlock(&p->lock);
        (void)refill(p, r, REFILL_IDLE);
        pthread_mutex_lock(&p->lock);
    }
}

static void *projector_run(void *arg)
{
    struct projector *p = arg;
    struct reading r = {.parser = json_parser_create(),
                        .rows = arena_create(ARENA_MAX),
                        .events = arena_create(ARENA_MAX)};
    struct err e = {0};
    if (r.rows == NULL || r.events == NULL ||
        store_open(&r.store, p->g->o.store_url, &(struct store_options){.read_only = true}, &e) != 0) {
        log_error("projector", "cannot open the database for reading: %s", e.text);
        abort(); /* start-up opened the same file a moment ago */
    }
    refill_first(p, &r);
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        p->rung = false;
        pthread_mutex_unlock(&p->lock);
        bool all = drain(p, &r);
        pthread_mutex_lock(&p->lock);
        if (all)
            idle(p, &r);
        else if (!p->stop)
            rest(p, RETRY_MS);
    }
    pthread_mutex_unlock(&p->lock);
    store_free(r.store);
    arena_free(r.rows);
    arena_free(r.events);
    json_parser_free(r.parser);
    return NULL;
}

int projector_start(struct projector **ret, struct gateway *g, struct err *e)
{
    struct projector *p = calloc(1, sizeof *p);
    if (p == NULL)
        abort();
    p->g = g;
    p->heard = heard_create();
    p->keys = recent_keys_create(KEYS_EACH);
    if ((p->scratch = arena_create(ARENA_MAX)) == NULL)
        abort();
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    *ret = p;
    p->started = thread_start(&p->thread, "projector", projector_run, p) == 0;
    return p->started ? 0 : err_set(e, WL_EIO, "cannot start the projector thread");
}

void projector_bell(struct projector *p)
{
    if (atomic_exchange(&p->rung, true))
        return; /* it looks again before it sleeps */
    pthread_mutex_lock(&p->lock);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

void projector_stop(struct projector *p)
{
    if (p == NULL || p->stop || !p->started)
        return;
    pthread_mutex_lock(&p->lock);
    p->stop = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    pthread_join(p->thread, NULL);
}

void projector_free(struct projector *p)
{
    if (p == NULL)
        return;
    projector_stop(p);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    heard_free(p->heard);
    recent_keys_free(p->keys);
    arena_free(p->scratch);
    free(p);
}

int64_t projector_heard(struct projector *p, int64_t sender)
{
    return heard_at(p->heard, sender);
}
