/* SPDX-License-Identifier: Apache-2.0
 * projector.c - from the inbox to the state that decisions read.
 *
 * One thread reads the inbox after its cursor, parses bodies into events on its own time, and hands them to the writer,
 * as many bodies at once as make a short transaction. It applies them and moves the cursor in that transaction: an event is
 * applied exactly once as far as the cursor tells, and applying it twice would change nothing. When bodies fail
 * together each is tried alone. One that cannot be read, or whose events fail to apply alone, is marked with the reason
 * and passed over; its bytes stay in the inbox. */
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
#include "gateway/gateway_impl.h"
#include "store/inbox.h"

#define CURSOR     "projector"
#define RANK       1 /* after what people said to us directly, before what is to be sent */
#define ROWS_MAX   256
#define BYTES_MAX  (8u << 20)
#define ARENA_MAX  (64u << 20) /* of what was read, and of the events of a step */
#define RETRY_MS   1000
#define INBOUND_MS 5000 /* times of events are whole seconds, and they take a moment to get here */
#define STEP_MAX   2000 /* events of one transaction, give or take a body: sends wait for it */

/* A body of the inbox, parsed. */
struct body {
    int64_t seq;
    const struct event *events;
    size_t n_events;
    const char *problem; /* not NULL: it is passed over, with the reason */
};

struct projector {
    struct gateway *g;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool rung;
    atomic_bool stop; /* looked at between steps too: the rest is applied after the next start */

    /* the step under way */
    struct err why;
    const struct body *bodies;
    size_t n_bodies;
    struct apply_result result;
};

static int project_run(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct projector *p = ctx;
    p->result = (struct apply_result){0};
    int rc = 0;
    for (size_t i = 0; i < p->n_bodies && rc == 0; i++) {
        const struct body *b = &p->bodies[i];
        if (b->problem != NULL)
            rc = inbox_problem(s, b->seq, str_of(b->problem), e);
        else
            rc = apply_events(p->g->apply, s, a, b->events, b->n_events, now, &p->result, e);
    }
    failpoint(project_applied);
    return rc ? rc : cursor_set(s, CURSOR, p->bodies[p->n_bodies - 1].seq, e);
}

/* What comes in counts for a number's messages a second; what came in long ago does not any more. */
static void count_inbound(struct projector *p, const struct body *b)
{
    int64_t since = clock_now_ms() - INBOUND_MS;
    for (size_t i = 0; i < b->n_events; i++)
        if (b->events[i].kind == EVENT_INBOUND && b->events[i].at >= since)
            dispatch_inbound(p->g->dispatch, b->events[i].phone_number_id, 1);
}

/* What follows from what was applied, now that it is on disk. */
static void follow(struct projector *p)
{
    const struct apply_result *r = &p->result;
    metric_add(p->g, METRIC_EVENTS, r->events);
    metric_add(p->g, METRIC_EVENTS_ORPHANED, r->orphaned);
    life_follow(p->g, &r->after);
    for (size_t i = 0; i < r->n_applied; i++)
        dispatch_applied(p->g->dispatch, r->applied[i].sender, r->applied[i].begun_at);
    if (r->after.duplicates > 0)
        log_warn("projector", "Meta accepted a message twice, so that somebody got it twice (%u such messages)",
                 r->after.duplicates);
    if (r->control_changed)
        accounts_publish(p->g->accounts);
}

/* Has the bodies applied in one transaction and waits for it. */
static int step(struct projector *p, const struct body *bodies, size_t n)
{
    p->bodies = bodies;
    p->n_bodies = n;
    p->why = (struct err){0};
    failpoint(project_read);
    int rc = writer_call(p->g->writer, RANK, project_run, p, &p->why);
    failpoint(project_noted);
    if (rc == 0) {
        for (size_t i = 0; i < n; i++)
            count_inbound(p, &bodies[i]);
        follow(p);
    }
    return rc;
}

static bool try_again(int rc)
{
    return rc == WL_EBUSY || rc == WL_EIO;
}

static const char *passed_over(const char *why)
{
    log_warn("projector", "a webhook body was passed over and kept: %s", why);
    return why;
}

/* Bodies that failed together, one by one. Store failures are returned to be tried again; anything else marks the body. */
static int step_alone(struct projector *p, struct body *bodies, size_t n)
{
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        rc = step(p, &bodies[i], 1);
        if (rc == 0 || try_again(rc))
            continue;
        struct err why = p->why;
        bodies[i].problem = passed_over(why.text);
        rc = step(p, &bodies[i], 1);
    }
    return rc;
}

/* The events outlive the parser's next body: what they keep is in the arena. */
static struct body parse_body(struct json_parser *parser, struct arena *a, const struct inbox_row *row)
{
    struct body b = {.seq = row->seq};
    struct event *events = NULL;
    struct json root;
    struct err e = {0};
    int rc = json_parse(parser, row->body, false, &root, &e);
    if (rc == 0)
        rc = events_parse(root, a, &events, &b.n_events, &e);
    for (size_t i = 0; rc == 0 && i < b.n_events; i++)
        events[i].value = (struct json){0}; /* dies with the next parse */
    b.events = events;
    if (rc != 0) {
        const char *why = arena_strndup(a, e.text, strlen(e.text));
        b.problem = passed_over(why != NULL ? why : "it does not fit its memory");
    }
    return b;
}

/* Parses rows from the first on until they make a transaction; returns how many. */
static size_t fill(struct body *bodies, const struct inbox_row *rows, size_t n, struct json_parser *parser,
                   struct arena *a)
{
    size_t i = 0;
    for (size_t events = 0; i < n && events < STEP_MAX; i++) {
        bodies[i] = parse_body(parser, a, &rows[i]);
        events += bodies[i].n_events;
    }
    return i;
}

/* Applies what was read; `a` is for one step's events. Not 0: a step has to be tried again later. */
static int project(struct projector *p, const struct inbox_row *rows, size_t n, struct json_parser *parser,
                   struct arena *a)
{
    struct body bodies[ROWS_MAX];
    int rc = 0;
    for (size_t done = 0, k; done < n && rc == 0 && !p->stop; done += k) {
        arena_reset(a);
        k = fill(bodies, rows + done, n - done, parser, a);
        rc = step(p, bodies, k);
        if (rc != 0 && !try_again(rc))
            rc = step_alone(p, bodies, k);
    }
    return rc;
}

/* Everything now in the inbox. Returns false when a step has to be tried again later. */
static bool drain(struct projector *p, struct store *reader, struct json_parser *parser, struct arena *a,
                  struct arena *events)
{
    for (;;) {
        int64_t after;
        struct inbox_row *rows;
        size_t n = 0;
        struct err e = {0};
        arena_reset(a);
        int rc = cursor_get(reader, CURSOR, &after, &e);
        if (rc == 0)
            rc = inbox_read(reader, after, ROWS_MAX, BYTES_MAX, a, &rows, &n, &e);
        if (rc != 0) {
            log_error("projector", "the inbox cannot be read: %s", e.text);
            return false;
        }
        if (n == 0 || p->stop)
            return true;
        if (project(p, rows, n, parser, events) != 0)
            return false;
    }
}

static void *projector_run(void *arg)
{
    struct projector *p = arg;
    struct json_parser *parser = json_parser_create();
    struct arena *a = arena_create(ARENA_MAX), *events = arena_create(ARENA_MAX);
    struct store *reader = NULL;
    struct err e = {0};
    if (a == NULL || events == NULL ||
        store_open(&reader, p->g->o.store_url, &(struct store_options){.read_only = true}, &e) != 0) {
        log_error("projector", "cannot open the database for reading: %s", e.text);
        abort(); /* start-up opened the same file a moment ago */
    }
    bool all = false;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        p->rung = false;
        pthread_mutex_unlock(&p->lock);
        all = drain(p, reader, parser, a, events);
        pthread_mutex_lock(&p->lock);
        int64_t until = clock_now_ms() + RETRY_MS;
        struct timespec ts = {.tv_sec = until / 1000, .tv_nsec = until % 1000 * 1000000};
        if (!all && !p->stop)
            pthread_cond_timedwait(&p->wake, &p->lock, &ts);
        while (all && !p->rung && !p->stop)
            pthread_cond_wait(&p->wake, &p->lock);
    }
    pthread_mutex_unlock(&p->lock);
    store_free(reader);
    arena_free(a);
    arena_free(events);
    json_parser_free(parser);
    return NULL;
}

int projector_start(struct projector **ret, struct gateway *g, struct err *e)
{
    struct projector *p = calloc(1, sizeof *p);
    if (p == NULL)
        abort();
    p->g = g;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->wake, NULL);
    if (thread_start(&p->thread, "projector", projector_run, p) != 0) {
        free(p);
        return err_set(e, WL_EIO, "cannot start the projector thread");
    }
    *ret = p;
    return 0;
}

void projector_bell(struct projector *p)
{
    pthread_mutex_lock(&p->lock);
    p->rung = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

void projector_stop(struct projector *p)
{
    if (p == NULL || p->stop)
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
    free(p);
}
