/* SPDX-License-Identifier: Apache-2.0
 * readers.c - one line, a few threads, a store handle each.
 *
 * Two threads: one long question (an old decision whose rules are built again) leaves the other for the rest, and both
 * together leave the processor to those who send. The line is bounded like the writer's; a read-only handle refuses
 * whoever tries to write. */
#include "gateway/readers.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"

#define READERS     2
#define WAITING_MAX 1024
#define ARENA_MAX   (64u << 20)

struct readers {
    struct writer *writer; /* asked whether the disk has failed */
    const char *store_url;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct queue_link *first, **last;
    size_t waiting;
    bool closed;
    pthread_t thread[READERS];
    size_t n_threads;
};

int readers_submit(struct readers *r, struct job *job, struct err *e)
{
    if (!writer_healthy(r->writer))
        return err_set(e, WL_EIO, "the database refused a write; nothing is answered until it is repaired");
    job->link.next = NULL;
    pthread_mutex_lock(&r->lock);
    bool taken = !r->closed && r->waiting < WAITING_MAX;
    if (taken) {
        *r->last = &job->link;
        r->last = &job->link.next;
        r->waiting++;
        pthread_cond_signal(&r->wake);
    }
    pthread_mutex_unlock(&r->lock);
    return taken ? 0 : err_set(e, WL_EBUSY, "too many requests are waiting; try again in a moment");
}

/* Waits for the next job. NULL: the line is closed and empty. */
static struct job *take(struct readers *r)
{
    struct job *job = NULL;
    pthread_mutex_lock(&r->lock);
    while (r->first == NULL && !r->closed)
        pthread_cond_wait(&r->wake, &r->lock);
    if (r->first != NULL) {
        job = container_of(r->first, struct job, link);
        r->first = r->first->next;
        r->last = r->first != NULL ? r->last : &r->first;
        r->waiting--;
    }
    pthread_mutex_unlock(&r->lock);
    return job;
}

static void answer(struct store *s, struct arena *a, struct job *job)
{
    const struct job_type *t = job->type;
    job->err = (struct err){0};
    job->rc = store_begin_reading(s, &job->err);
    if (job->rc == 0)
        job->rc = t->run(t->ctx, s, a, &job, 1, clock_now_ms(), &job->err);
    store_rollback(s);
    t->done(t->ctx, job);
}

static void *reader_run(void *arg)
{
    struct readers *r = arg;
    struct arena *a = arena_create(ARENA_MAX);
    struct store *s = NULL;
    struct err e = {0};
    if (a == NULL || store_open(&s, r->store_url, &(struct store_options){.read_only = true}, &e) != 0) {
        log_error("readers", "cannot open the database for reading: %s", e.text);
        abort(); /* start-up opened the same file a moment ago */
    }
    for (struct job *job; (job = take(r)) != NULL; arena_reset(a))
        answer(s, a, job);
    store_free(s);
    arena_free(a);
    return NULL;
}

int readers_start(struct readers **ret, struct writer *w, const char *store_url, struct err *e)
{
    struct readers *r = calloc(1, sizeof *r);
    if (r == NULL)
        abort();
    r->writer = w;
    r->store_url = store_url;
    r->last = &r->first;
    pthread_mutex_init(&r->lock, NULL);
    pthread_cond_init(&r->wake, NULL);
    while (r->n_threads < READERS && thread_start(&r->thread[r->n_threads], "reader", reader_run, r) == 0)
        r->n_threads++;
    if (r->n_threads == 0) {
        readers_stop(r);
        return err_set(e, WL_EIO, "cannot start the threads that read");
    }
    *ret = r;
    return 0;
}

void readers_stop(struct readers *r)
{
    if (r == NULL)
        return;
    pthread_mutex_lock(&r->lock);
    r->closed = true;
    pthread_cond_broadcast(&r->wake);
    pthread_mutex_unlock(&r->lock);
    for (size_t i = 0; i < r->n_threads; i++)
        pthread_join(r->thread[i], NULL);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
