/* SPDX-License-Identifier: Apache-2.0
 * projector.c - from the inbox to the state that decisions read.
 *
 * One thread reads the inbox after its cursor, parses bodies into events on its own time, and hands them to the writer,
 * which applies them and moves the cursor in the same transaction: an event is applied exactly once as far as the
 * cursor tells, and applying it twice would change nothing. A body that cannot be read, or whose events fail to apply
 * when tried alone, is marked with the reason and passed over; its bytes stay in the inbox. */
#include "gateway/projector.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "gateway/accounts.h"
#include "gateway/apply.h"
#include "gateway/gateway_impl.h"
#include "store/inbox.h"

#define CURSOR    "projector"
#define ROWS_MAX  256
#define BYTES_MAX (8u << 20)
#define ARENA_MAX (256u << 20)
#define RETRY_MS  1000

struct projector {
    struct gateway *g;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool rung, stop, finished;

    /* the step under way */
    struct job_type type;
    struct job job;
    int64_t cursor; /* after the step */
    const struct event *events;
    size_t n_events;
    int64_t problem_seq; /* != 0: this body is passed over, with the reason */
    struct err problem;
    struct apply_result result;
};

static int project_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                       struct err *e)
{
    struct projector *p = ctx;
    (void)jobs, (void)n;
    p->result = (struct apply_result){0};
    int rc = apply_events(p->g->apply, s, a, p->events, p->n_events, now, &p->result, e);
    if (rc == 0 && p->problem_seq != 0)
        rc = inbox_problem(s, p->problem_seq, str_of(p->problem.text), e);
    return rc ? rc : cursor_set(s, CURSOR, p->cursor, e);
}

static void project_done(void *ctx, struct job *job)
{
    struct projector *p = ctx;
    (void)job;
    pthread_mutex_lock(&p->lock);
    p->finished = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

/* Has the prepared step applied and waits for it. */
static int step(struct projector *p)
{
    p->finished = false;
    p->job.type = &p->type;
    struct err e = {0};
    int rc = writer_submit(p->g->writer, &p->job, &e);
    if (rc != 0)
        return rc;
    pthread_mutex_lock(&p->lock);
    while (!p->finished)
        pthread_cond_wait(&p->wake, &p->lock);
    pthread_mutex_unlock(&p->lock);
    if (p->job.rc == 0) {
        metric_add(p->g, METRIC_EVENTS, p->result.events);
        metric_add(p->g, METRIC_EVENTS_ORPHANED, p->result.orphaned);
        if (p->result.control_changed)
            accounts_publish(p->g->accounts);
    }
    return p->job.rc;
}

static int parse_body(struct json_parser *parser, struct arena *a, struct str body, struct event **ret, size_t *ret_n,
                      struct err *e)
{
    struct json root;
    int rc = json_parse(parser, body, false, &root, e);
    return rc ? rc : events_parse(root, a, ret, ret_n, e);
}

/* Applies one body. Store failures are returned to be tried again; anything else marks the body. */
static int project_row(struct projector *p, struct json_parser *parser, struct arena *a, const struct inbox_row *row)
{
    struct event *events = NULL;
    size_t n = 0;
    struct err e = {0};
    p->cursor = row->seq;
    p->problem_seq = 0;
    p->events = NULL;
    p->n_events = 0;
    if (parse_body(parser, a, row->body, &events, &n, &e) == 0) {
        p->events = events;
        p->n_events = n;
        int rc = step(p);
        if (rc == 0 || rc == WL_EBUSY || rc == WL_EIO)
            return rc;
        e = p->job.err;
    }
    log_warn("projector", "a webhook body was passed over and kept: %s", e.text);
    p->events = NULL;
    p->n_events = 0;
    p->problem_seq = row->seq;
    p->problem = e;
    return step(p);
}

/* Everything now in the inbox. Returns false when a step has to be tried again later. */
static bool drain(struct projector *p, struct store *reader, struct json_parser *parser, struct arena *a)
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
        if (n == 0)
            return true;
        for (size_t i = 0; i < n; i++)
            if (project_row(p, parser, a, &rows[i]) != 0)
                return false;
    }
}

static void *projector_run(void *arg)
{
    struct projector *p = arg;
    struct json_parser *parser = json_parser_create();
    struct arena *a = arena_create(ARENA_MAX);
    struct store *reader = NULL;
    struct err e = {0};
    if (a == NULL || store_open(&reader, p->g->o.store_url, &(struct store_options){.read_only = true}, &e) != 0) {
        log_error("projector", "cannot open the database for reading: %s", e.text);
        abort(); /* start-up opened the same file a moment ago */
    }
    bool all = false;
    pthread_mutex_lock(&p->lock);
    while (!p->stop) {
        p->rung = false;
        pthread_mutex_unlock(&p->lock);
        all = drain(p, reader, parser, a);
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
    json_parser_free(parser);
    return NULL;
}

int projector_start(struct projector **ret, struct gateway *g, struct err *e)
{
    struct projector *p = calloc(1, sizeof *p);
    if (p == NULL)
        abort();
    p->g = g;
    p->type = (struct job_type){.name = "project", .rank = 1, .run = project_run, .done = project_done, .ctx = p};
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
