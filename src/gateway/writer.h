/* SPDX-License-Identifier: Apache-2.0
 * writer.h - the one thread that commits, and the one that waits for the disk.
 *
 * Everything that changes the database is a job. A batch is whatever arrived while the last one was being run: no timer,
 * so a lone job waits for one fsync and a thousand jobs share one. Jobs of one type are handed to their type together, in
 * order of arrival; types run in the order of their rank, so that what people told us (webhooks, opt-outs) is in place
 * before the next messages are judged. While the disk makes one batch durable the next one is already being run.
 *
 * When a batch fails, each of its jobs is tried alone, so that one bad job cannot take others with it. The line has a
 * maximum for whoever can be told to come again; what has happened already and must be written is never refused. */
#ifndef WL_GATEWAY_WRITER_H
#define WL_GATEWAY_WRITER_H

#include "base/thread.h"
#include "store/store.h"

struct writer;
struct job;

struct job_type {
    const char *name;
    int rank; /* 0 first */
    /* Runs n >= 1 jobs inside the open transaction. Must be repeatable: the transaction may be rolled back and run
     * again with fewer jobs. Arena lives until done(). */
    int (*run)(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
               struct err *e);
    /* When it is on disk (job->rc 0) or has failed (negative, job->err says why), on the writer's second thread. The job
     * is the caller's again. */
    void (*done)(void *ctx, struct job *job);
    void (*after)(void *ctx); /* once after all done() of a batch with jobs of this type; may be NULL */
    /* For types whose jobs are parked: takes one over, on the writer's first thread. */
    void (*parked)(void *ctx, struct job *job);
    void *ctx;
};

enum job_wish { JOB_ENDS, JOB_DEFERRED, JOB_PARKED, JOB_REFUSED };

struct job {
    struct queue_link link;
    const struct job_type *type;
    int64_t not_before; /* monotonic us; set by writer_defer() */
    enum job_wish wish; /* what run() asked for */
    int rc;
    struct err err;
};

struct writer_stats {
    uint64_t commits, jobs, failures;
};

/* Takes over the store. */
int writer_start(struct writer **ret, struct store *s, size_t max_jobs, struct err *e);
void writer_stop(struct writer *w); /* runs what is queued, then stops and frees the store; accepts NULL */
/* Any thread. WL_EBUSY when the line is full, WL_EIO after the disk has failed (fail closed). */
int writer_submit(struct writer *w, struct job *job, struct err *e);
/* The same, never refused for a full line: for what has happened already. WL_EBUSY only after writer_stop(). */
int writer_submit_always(struct writer *w, struct job *job, struct err *e);
/* Runs `run` once it is its turn, in the transaction of a batch, and returns when that is on disk or has failed: its result, or
 * that of the commit. Repeatable like any job. For threads that have nothing else to do meanwhile; never from run(),
 * done() or after(). Refused like writer_submit(). */
typedef int writer_task(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e);
int writer_call(struct writer *w, int rank, writer_task *run, void *ctx, struct err *e);
/* Inside run(): this job is not done now but runs again at this time of the monotonic clock, in microseconds. As many may
 * wait so as fit the line. */
void writer_defer(struct job *job, int64_t mono_us);
/* Inside run(): this job is not done; once the transaction is over, however it ends, the type's parked() takes it, and
 * whoever keeps it there submits it again with writer_submit_always(). Nothing was written for it. */
void writer_park(struct job *job);
/* Inside run(): this job alone is done with this error, and nothing was written for it. */
void writer_refuse(struct job *job, const struct err *why);
/* From now on nothing is put off: jobs that wait for their time are done with WL_EBUSY, and so is any that asks to,
 * be it to be deferred or parked. */
void writer_hurry(struct writer *w);
/* How long a batch takes these days, from its beginning until its jobs are told. */
int64_t writer_takes_us(const struct writer *w);
/* Rings after every batch that is on the disk, on the writer's second thread; NULL: nobody listens any more. One at a time. */
void writer_on_durable(struct writer *w, void (*bell)(void *ctx), void *ctx);
void writer_stats(struct writer *w, struct writer_stats *ret);
bool writer_healthy(struct writer *w);

#endif
