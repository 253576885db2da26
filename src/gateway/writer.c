/* SPDX-License-Identifier: Apache-2.0
 * writer.c - group commit in two stages: run and commit here, become durable and be answered there.
 *
 * The first thread takes everything that is queued (at most BATCH_MAX), sorts it by type rank keeping order of arrival,
 * opens a transaction, lets every type run its share and commits; the commit orders the batch but does not wait for the
 * disk. The second thread syncs the log once for all batches that came meanwhile, and only then tells the jobs. So the
 * processor is not idle while the disk works, and nothing is acknowledged that is not on disk.
 *
 * A batch depends on what earlier batches wrote, also when those are not durable yet: that is safe because the log is
 * in order, and a crash that loses one loses all after it. After a commit or a sync whose outcome is unknown nothing is
 * written or acknowledged any more. Deferred jobs (a hold short enough to be waited out) sit in a heap until their time,
 * which is the monotonic clock's: somebody who sets the wall clock back must not make them wait. Parked ones are out of our
 * hands until they are submitted again. */
#include "gateway/writer.h"

#include <stdlib.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"

#define BATCH_MAX 512
#define BATCHES   3 /* being run, being synced, being answered */
#define ARENA_MAX (64u << 20)

struct batch {
    struct queue_link link;
    struct job *jobs[BATCH_MAX]; /* each with its rc and err */
    size_t n;
    int64_t begun_us;
    struct arena *arena;
};

struct writer {
    struct store *store;
    struct store_sync *sync;
    struct queue queue;   /* jobs; its own maximum is never reached */
    size_t waiting, most; /* jobs in it, and how many make writer_submit() refuse */
    struct queue written; /* batches, for the second thread */
    struct queue idle;    /* batches, for the first */
    struct batch batches[BATCHES];
    pthread_t runner, syncer;
    struct job **deferred; /* a heap: the earliest first. Room for as many as may be in line */
    size_t n_deferred;
    bool failed; /* the disk refused: fail closed */
    bool hurried;
    uint64_t commits, jobs, failures;
    pthread_mutex_t bell; /* of the two below */
    void (*ring)(void *ctx);
    void *ring_ctx;
    int64_t takes_us; /* a batch, from its beginning until its jobs are told; the mean of the last few */
};

static const struct err disk_refused = {
    WL_EIO, "the database refused a write; nothing more is accepted until it is repaired and the gateway restarted"};
static const struct err stopping = {WL_EBUSY, "the gateway is shutting down; try again in a moment"};

void writer_defer(struct job *job, int64_t mono_us)
{
    job->wish = JOB_DEFERRED;
    job->not_before = mono_us;
}

void writer_park(struct job *job)
{
    job->wish = JOB_PARKED;
}

void writer_refuse(struct job *job, const struct err *why)
{
    job->wish = JOB_REFUSED;
    job->err = *why;
}

static void fail_closed(struct writer *w, const struct err *e)
{
    if (!__atomic_exchange_n(&w->failed, true, __ATOMIC_RELAXED))
        log_error("writer", "accepting nothing more: %s", e->text);
}

bool writer_healthy(struct writer *w)
{
    return !__atomic_load_n(&w->failed, __ATOMIC_RELAXED);
}

void writer_hurry(struct writer *w)
{
    __atomic_store_n(&w->hurried, true, __ATOMIC_RELAXED); /* the first thread looks at least once a second */
}

static bool hurried(const struct writer *w)
{
    return __atomic_load_n(&w->hurried, __ATOMIC_RELAXED);
}

static int submit(struct writer *w, struct job *job, size_t most, struct err *e)
{
    if (!writer_healthy(w))
        return err_set(e, WL_EIO, "%s", disk_refused.text);
    job->wish = JOB_ENDS;
    job->not_before = 0;
    if (__atomic_fetch_add(&w->waiting, 1, __ATOMIC_RELAXED) < most && queue_push(&w->queue, &job->link))
        return 0;
    __atomic_sub_fetch(&w->waiting, 1, __ATOMIC_RELAXED);
    return err_set(e, WL_EBUSY, "too many requests are waiting; try again in a moment");
}

int writer_submit(struct writer *w, struct job *job, struct err *e)
{
    return submit(w, job, w->most, e);
}

int writer_submit_always(struct writer *w, struct job *job, struct err *e)
{
    return submit(w, job, SIZE_MAX, e);
}

/* --- first stage: run and commit ----------------------------------------------------------------------------------- */

/* Stable by rank; runs of equal rank are the rule. */
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

static int run_types(struct writer *w, struct arena *a, struct job **jobs, size_t n, int64_t now, struct err *e)
{
    for (size_t i = 0; i < n;) {
        size_t j = i;
        while (j < n && jobs[j]->type == jobs[i]->type)
            j++;
        const struct job_type *t = jobs[i]->type;
        int rc = t->run(t->ctx, w->store, a, jobs + i, j - i, now, e);
        if (rc != 0)
            return rc;
        i = j;
    }
    return 0;
}

static int run_transaction(struct writer *w, struct arena *a, struct job **jobs, size_t n, struct err *e)
{
    for (size_t i = 0; i < n; i++)
        jobs[i]->wish = JOB_ENDS;
    if (!writer_healthy(w)) {
        store_poison(w->store);
        *e = disk_refused;
        return WL_EIO;
    }
    int rc = store_begin(w->store, e);
    if (rc == WL_EIO) /* a checkpoint after the last commit may have failed */
        fail_closed(w, e);
    if (rc == 0)
        rc = run_types(w, a, jobs, n, clock_now_ms(), e);
    if (rc == 0) {
        rc = store_commit(w->store, e);
        if (rc == 0)
            __atomic_add_fetch(&w->commits, 1, __ATOMIC_RELAXED);
        else if (rc == WL_EIO)
            fail_closed(w, e);
    }
    if (rc != 0)
        store_rollback(w->store);
    return rc;
}

static void put_aside(struct writer *w, struct job *job)
{
    struct job **heap = w->deferred;
    size_t at = w->n_deferred++;
    for (; at > 0 && heap[(at - 1) / 2]->not_before > job->not_before; at = (at - 1) / 2)
        heap[at] = heap[(at - 1) / 2];
    heap[at] = job;
}

static struct job *take_earliest(struct writer *w)
{
    struct job **heap = w->deferred, *first = heap[0], *last = heap[--w->n_deferred];
    size_t at = 0, n = w->n_deferred;
    for (size_t child; (child = 2 * at + 1) < n; at = child) {
        child += child + 1 < n && heap[child + 1]->not_before < heap[child]->not_before;
        if (heap[child]->not_before >= last->not_before)
            break;
        heap[at] = heap[child];
    }
    heap[at] = last;
    return first;
}

/* Takes a job that is not to be done now to where it waits; false: it has no place there, *ret_rc and its err say why. */
static bool goes_aside(struct writer *w, struct job *job, int rc, int *ret_rc)
{
    if (hurried(w)) {
        *ret_rc = err_set(&job->err, WL_EBUSY, "%s", stopping.text);
        return false;
    }
    if (job->wish == JOB_PARKED) {
        job->type->parked(job->type->ctx, job);
        return true;
    }
    if (rc != 0)
        return false;
    if (w->n_deferred >= w->most) {
        *ret_rc = err_set(&job->err, WL_EBUSY, "too many messages are waiting for their time");
        return false;
    }
    put_aside(w, job);
    return true;
}

/* Notes the result of jobs that were run together; those that asked to run later go aside. */
static void conclude(struct writer *w, struct batch *b, struct job **jobs, size_t n, int rc, const struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        struct job *job = jobs[i];
        int own = rc;
        if (rc != 0)
            job->err = *e;
        if ((job->wish == JOB_DEFERRED || job->wish == JOB_PARKED) && goes_aside(w, job, rc, &own))
            continue;
        if (rc == 0 && job->wish == JOB_REFUSED)
            own = job->err.code;
        job->rc = own;
        b->jobs[b->n++] = job;
    }
}

static void run_batch(struct writer *w, struct batch *b, struct job **jobs, size_t n)
{
    struct err e = {0};
    sort_by_rank(jobs, n);
    b->n = 0;
    b->begun_us = clock_mono_ns() / 1000;
    int rc = run_transaction(w, b->arena, jobs, n, &e);
    if (rc == 0 || n == 1) {
        conclude(w, b, jobs, n, rc, &e);
        return;
    }
    log_warn("writer", "a batch of %zu failed (%s), trying its jobs one by one", n, e.text);
    for (size_t i = 0; i < n; i++) {
        struct err alone = {0};
        rc = run_transaction(w, b->arena, &jobs[i], 1, &alone);
        conclude(w, b, &jobs[i], 1, rc, &alone);
    }
}

/* Milliseconds until the next deferred job, at most a second, -1 when there is none. */
static int64_t next_wait(const struct writer *w)
{
    if (w->n_deferred == 0)
        return -1;
    int64_t left_us = w->deferred[0]->not_before - clock_mono_ns() / 1000;
    return left_us <= 0 ? 0 : left_us >= 1000000 ? 1000 : (left_us + 999) / 1000;
}

static size_t take_due(struct writer *w, struct job **out, size_t max)
{
    int64_t now_us = clock_mono_ns() / 1000;
    size_t n = 0;
    while (n < max && w->n_deferred > 0 && w->deferred[0]->not_before <= now_us)
        out[n++] = take_earliest(w);
    return n;
}

static struct batch *idle_batch(struct writer *w)
{
    size_t n;
    return container_of(queue_take(&w->idle, 1, -1, &n), struct batch, link);
}

/* What still waits for its time when the gateway stops is told so. */
static void give_up_deferred(struct writer *w)
{
    while (w->n_deferred > 0) {
        struct batch *b = idle_batch(w);
        b->n = 0;
        b->begun_us = clock_mono_ns() / 1000;
        while (w->n_deferred > 0 && b->n < BATCH_MAX) {
            struct job *job = w->deferred[--w->n_deferred];
            job->rc = WL_EBUSY;
            job->err = stopping;
            b->jobs[b->n++] = job;
        }
        queue_push(&w->written, &b->link);
    }
}

static void *runner_run(void *arg)
{
    struct writer *w = arg;
    struct job *jobs[BATCH_MAX];
    for (;;) {
        size_t got = 0;
        if (hurried(w))
            give_up_deferred(w);
        struct batch *b = idle_batch(w); /* first: what arrives while none is idle joins the next batch */
        struct queue_link *chain = queue_take(&w->queue, BATCH_MAX / 2, next_wait(w), &got);
        __atomic_sub_fetch(&w->waiting, got, __ATOMIC_RELAXED);
        bool last = chain == NULL && queue_closed(&w->queue);
        size_t n = last ? 0 : take_due(w, jobs, BATCH_MAX / 2);
        for (struct queue_link *l = chain, *next; l != NULL; l = next) {
            next = l->next;
            jobs[n++] = container_of(l, struct job, link);
        }
        if (n > 0)
            run_batch(w, b, jobs, n);
        if (n == 0 || b->n == 0) { /* woken for nothing, or all were put aside */
            arena_reset(b->arena);
            queue_push(&w->idle, &b->link);
        } else {
            queue_push(&w->written, &b->link);
        }
        if (last)
            break;
    }
    give_up_deferred(w);
    queue_close(&w->written);
    return NULL;
}

/* --- second stage: durable, then done ------------------------------------------------------------------------------ */

static void finish(struct writer *w, struct batch *b, const struct err *refused)
{
    int64_t took_us = clock_mono_ns() / 1000 - b->begun_us;
    __atomic_store_n(&w->takes_us, w->takes_us + (took_us - w->takes_us) / 8, __ATOMIC_RELAXED);
    for (size_t i = 0; i < b->n; i++) {
        struct job *job = b->jobs[i];
        const struct job_type *type = job->type;
        if (job->rc == 0 && refused != NULL) {
            job->rc = refused->code;
            job->err = *refused;
        }
        __atomic_add_fetch(&w->jobs, 1, __ATOMIC_RELAXED);
        __atomic_add_fetch(&w->failures, job->rc != 0, __ATOMIC_RELAXED);
        /* A job's owner may be gone as soon as it is told, and its type with it. */
        bool last = i + 1 == b->n || b->jobs[i + 1]->type != type;
        void (*after)(void *) = last ? type->after : NULL;
        void *ctx = type->ctx;
        type->done(ctx, job);
        failpoint(writer_told);
        if (after != NULL)
            after(ctx);
    }
    arena_reset(b->arena);
    queue_push(&w->idle, &b->link);
}

static void ring(struct writer *w)
{
    pthread_mutex_lock(&w->bell);
    if (w->ring != NULL)
        w->ring(w->ring_ctx);
    pthread_mutex_unlock(&w->bell);
}

static void *syncer_run(void *arg)
{
    struct writer *w = arg;
    while (!queue_closed(&w->written)) {
        size_t n;
        struct err e = {0};
        struct queue_link *chain = queue_take(&w->written, BATCHES, -1, &n);
        if (chain == NULL)
            continue;
        int rc = writer_healthy(w) ? store_sync_wait(w->sync, &e) : (e = disk_refused, WL_EIO);
        if (rc != 0) {
            e.code = WL_EIO;
            fail_closed(w, &e);
        }
        for (struct queue_link *next; chain != NULL; chain = next) {
            next = chain->next;
            finish(w, container_of(chain, struct batch, link), rc != 0 ? &e : NULL);
        }
        if (rc == 0)
            ring(w);
    }
    return NULL;
}

/* --- one job, waited for ------------------------------------------------------------------------------------------- */

struct call {
    struct job job;
    struct job_type type;
    writer_task *run;
    void *ctx;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool finished;
};

static int call_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                    struct err *e)
{
    struct call *c = ctx; /* the type is the call's own, so it is the only job of it */
    (void)jobs, (void)n;
    return c->run(c->ctx, s, a, now, e);
}

static void call_done(void *ctx, struct job *job)
{
    struct call *c = ctx;
    (void)job;
    pthread_mutex_lock(&c->lock);
    c->finished = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

int writer_call(struct writer *w, int rank, writer_task *run, void *ctx, struct err *e)
{
    struct call c = {.run = run, .ctx = ctx};
    c.type = (struct job_type){.name = "call", .rank = rank, .run = call_run, .done = call_done, .ctx = &c};
    c.job.type = &c.type;
    pthread_mutex_init(&c.lock, NULL);
    pthread_cond_init(&c.wake, NULL);
    int rc = writer_submit(w, &c.job, e);
    if (rc == 0) {
        pthread_mutex_lock(&c.lock);
        while (!c.finished)
            pthread_cond_wait(&c.wake, &c.lock);
        pthread_mutex_unlock(&c.lock);
        rc = c.job.rc;
        if (rc != 0 && e != NULL)
            *e = c.job.err;
    }
    pthread_cond_destroy(&c.wake);
    pthread_mutex_destroy(&c.lock);
    return rc;
}

/* --- life ---------------------------------------------------------------------------------------------------------- */

int writer_start(struct writer **ret, struct store *s, size_t max_jobs, struct err *e)
{
    struct writer *w = calloc(1, sizeof *w);
    if (w == NULL)
        abort();
    w->store = s;
    w->most = max_jobs;
    pthread_mutex_init(&w->bell, NULL);
    if ((w->deferred = calloc(max_jobs, sizeof(struct job *))) == NULL)
        abort();
    int rc = store_sync_open(&w->sync, s, e);
    if (rc != 0) {
        free(w->deferred);
        free(w);
        return rc;
    }
    if (queue_init(&w->queue, SIZE_MAX, false) != 0 || queue_init(&w->written, BATCHES, false) != 0 ||
        queue_init(&w->idle, BATCHES, false) != 0)
        abort();
    for (size_t i = 0; i < BATCHES; i++) {
        if ((w->batches[i].arena = arena_create(ARENA_MAX)) == NULL)
            abort();
        queue_push(&w->idle, &w->batches[i].link);
    }
    if (thread_start(&w->runner, "writer", runner_run, w) != 0 ||
        thread_start(&w->syncer, "syncer", syncer_run, w) != 0)
        return err_set(e, WL_EIO, "cannot start the writer's threads"); /* the process ends: nothing to undo */
    *ret = w;
    return 0;
}

void writer_stop(struct writer *w)
{
    if (w == NULL)
        return;
    queue_close(&w->queue);
    pthread_join(w->runner, NULL);
    pthread_join(w->syncer, NULL);
    queue_done(&w->queue);
    queue_done(&w->written);
    queue_done(&w->idle);
    for (size_t i = 0; i < BATCHES; i++)
        arena_free(w->batches[i].arena);
    store_sync_free(w->sync);
    if (!writer_healthy(w))
        store_poison(w->store);
    store_free(w->store);
    free(w->deferred);
    free(w);
}

int64_t writer_takes_us(const struct writer *w)
{
    return __atomic_load_n(&w->takes_us, __ATOMIC_RELAXED);
}

void writer_on_durable(struct writer *w, void (*bell)(void *ctx), void *ctx)
{
    pthread_mutex_lock(&w->bell);
    w->ring = bell;
    w->ring_ctx = ctx;
    pthread_mutex_unlock(&w->bell);
}

void writer_stats(struct writer *w, struct writer_stats *ret)
{
    ret->commits = __atomic_load_n(&w->commits, __ATOMIC_RELAXED);
    ret->jobs = __atomic_load_n(&w->jobs, __ATOMIC_RELAXED);
    ret->failures = __atomic_load_n(&w->failures, __ATOMIC_RELAXED);
}
