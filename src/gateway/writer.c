/* SPDX-License-Identifier: Apache-2.0
 * writer.c - group commit: one transaction for whatever arrived during the last one.
 *
 * The loop takes everything that is queued (at most BATCH_MAX), sorts it by type rank keeping order of arrival,
 * opens a transaction, lets every type run its share, commits, and only then tells the jobs. Deferred jobs (a hold
 * short enough to be waited out) sit in a small list until their time. After a commit whose outcome is unknown the
 * store is poisoned and every later job fails: an acknowledgement that might not be on disk is worse than none. */
#include "gateway/writer.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/log.h"

#define BATCH_MAX    512
#define DEFERRED_MAX 4096
#define ARENA_MAX    (64u << 20)

struct writer {
    struct store *store;
    struct queue queue;
    pthread_t thread;
    struct arena *arena;
    struct job *deferred[DEFERRED_MAX]; /* unsorted; few */
    size_t n_deferred;
    bool failed; /* the disk refused: fail closed */
    uint64_t commits, jobs, failures;
};

void writer_defer(struct job *job, int64_t at)
{
    job->deferred = true;
    job->not_before = at;
}

int writer_submit(struct writer *w, struct job *job, struct err *e)
{
    if (__atomic_load_n(&w->failed, __ATOMIC_RELAXED))
        return err_set(e, WL_EIO,
                       "the database refused a write; nothing more is accepted until it is repaired and "
                       "the gateway restarted");
    job->deferred = false;
    job->not_before = 0;
    if (!queue_push(&w->queue, &job->link))
        return err_set(e, WL_EBUSY, "too many requests are waiting; try again in a moment");
    return 0;
}

/* Stable by rank: insertion into a sorted array, runs of equal rank are the rule. */
static void sort_by_rank(struct job **jobs, size_t n)
{
    struct job *sorted[BATCH_MAX];
    size_t at = 0;
    for (int rank = 0; at < n && rank < 16; rank++)
        for (size_t i = 0; i < n; i++)
            if (jobs[i]->type->rank == rank)
                sorted[at++] = jobs[i];
    for (size_t i = 0; i < at; i++)
        jobs[i] = sorted[i];
}

static int run_types(struct writer *w, struct job **jobs, size_t n, int64_t now, struct err *e)
{
    for (size_t i = 0; i < n;) {
        size_t j = i;
        while (j < n && jobs[j]->type == jobs[i]->type)
            j++;
        const struct job_type *t = jobs[i]->type;
        int rc = t->run(t->ctx, w->store, w->arena, jobs + i, j - i, now, e);
        if (rc != 0)
            return rc;
        i = j;
    }
    return 0;
}

static int run_transaction(struct writer *w, struct job **jobs, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        jobs[i]->deferred = false;
    int rc = store_begin(w->store, e);
    if (rc == 0)
        rc = run_types(w, jobs, n, clock_now_ms(), e);
    if (rc == 0) {
        rc = store_commit(w->store, e);
        if (rc == 0)
            w->commits++;
        else if (rc == WL_EIO) {
            __atomic_store_n(&w->failed, true, __ATOMIC_RELAXED);
            log_error("writer", "commit failed, accepting nothing more: %s", e->text);
        }
    }
    if (rc != 0)
        store_rollback(w->store);
    return rc;
}

static void finish(struct writer *w, struct job *job, int rc, const struct err *e)
{
    if (rc == 0 && job->deferred && w->n_deferred < DEFERRED_MAX && !queue_closed(&w->queue)) {
        w->deferred[w->n_deferred++] = job;
        return;
    }
    if (rc == 0 && job->deferred)
        rc = err_set(&job->err, WL_EBUSY, "too many messages are waiting for their time");
    else if (rc != 0)
        job->err = *e;
    job->rc = rc;
    w->jobs++;
    w->failures += rc != 0;
    job->type->done(job->type->ctx, job);
}

static void run_batch(struct writer *w, struct job **jobs, size_t n)
{
    struct err e = {0};
    sort_by_rank(jobs, n);
    int rc = run_transaction(w, jobs, n, &e);
    if (rc == 0 || n == 1) {
        for (size_t i = 0; i < n; i++)
            finish(w, jobs[i], rc, &e);
    } else {
        log_warn("writer", "a batch of %zu failed (%s), trying its jobs one by one", n, e.text);
        for (size_t i = 0; i < n; i++) {
            struct err alone = {0};
            rc = run_transaction(w, &jobs[i], 1, &alone);
            finish(w, jobs[i], rc, &alone);
        }
    }
    arena_reset(w->arena);
}

/* Milliseconds until the next deferred job, at most a second, -1 when there is none. */
static int64_t next_wait(const struct writer *w, int64_t now)
{
    int64_t wait = w->n_deferred ? 1000 : -1;
    for (size_t i = 0; i < w->n_deferred; i++) {
        int64_t left = w->deferred[i]->not_before - now;
        if (left < wait)
            wait = left < 0 ? 0 : left;
    }
    return wait;
}

static size_t take_due(struct writer *w, struct job **out, size_t max, int64_t now)
{
    size_t n = 0;
    for (size_t i = 0; i < w->n_deferred && n < max;) {
        if (w->deferred[i]->not_before <= now) {
            out[n++] = w->deferred[i];
            w->deferred[i] = w->deferred[--w->n_deferred];
        } else {
            i++;
        }
    }
    return n;
}

static void *writer_run(void *arg)
{
    struct writer *w = arg;
    struct job *jobs[BATCH_MAX];
    for (;;) {
        size_t n = 0, got = 0;
        struct queue_link *chain = queue_take(&w->queue, BATCH_MAX / 2, next_wait(w, clock_now_ms()), &got);
        if (chain == NULL && queue_closed(&w->queue))
            break;
        n = take_due(w, jobs, BATCH_MAX / 2, clock_now_ms());
        for (struct queue_link *l = chain, *next; l != NULL; l = next) {
            next = l->next;
            jobs[n++] = container_of(l, struct job, link);
        }
        if (n > 0)
            run_batch(w, jobs, n);
    }
    struct err e = {0};
    err_set(&e, WL_EBUSY, "the gateway is shutting down");
    while (w->n_deferred > 0) {
        struct job *job = w->deferred[--w->n_deferred];
        job->deferred = false;
        finish(w, job, WL_EBUSY, &e);
    }
    return NULL;
}

int writer_start(struct writer **ret, struct store *s, size_t max_jobs, struct err *e)
{
    struct writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        abort();
    w->store = s;
    w->arena = arena_create(ARENA_MAX);
    if (w->arena == NULL)
        abort();
    if (queue_init(&w->queue, max_jobs, false) != 0 || thread_start(&w->thread, "writer", writer_run, w) != 0) {
        arena_free(w->arena);
        free(w);
        return err_set(e, WL_EIO, "cannot start the writer thread");
    }
    *ret = w;
    return 0;
}

void writer_stop(struct writer *w)
{
    if (w == NULL)
        return;
    queue_close(&w->queue);
    pthread_join(w->thread, NULL);
    queue_done(&w->queue);
    arena_free(w->arena);
    store_free(w->store);
    free(w);
}

void writer_stats(struct writer *w, struct writer_stats *ret)
{
    ret->commits = __atomic_load_n(&w->commits, __ATOMIC_RELAXED);
    ret->jobs = __atomic_load_n(&w->jobs, __ATOMIC_RELAXED);
    ret->failures = __atomic_load_n(&w->failures, __ATOMIC_RELAXED);
}

bool writer_healthy(struct writer *w)
{
    return !__atomic_load_n(&w->failed, __ATOMIC_RELAXED);
}
