/* SPDX-License-Identifier: Apache-2.0
 * pool.c - threads that wait for the next round.
 *
 * A round is a number that is counted up under the lock: a thread works when it sees a number it has not worked for yet. When a thread cannot be
 * started, its share is simply not made: there are as many shares as threads that run. */
#include "cmd/pool.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/thread.h"

struct pool {
    pthread_mutex_t lock;
    pthread_cond_t begun, done;
    pthread_t thread[POOL_WORKERS_MAX];
    struct pool_share {
        struct pool *pool;
        unsigned share;
    } share[POOL_WORKERS_MAX];
    unsigned workers, working; /* the caller included; threads that have not finished this round */
    uint64_t round;
    bool over;
    void (*work)(void *ctx, unsigned share, unsigned shares);
    void *ctx;
};

static void *worker(void *arg)
{
    const struct pool_share *me = arg;
    struct pool *p = me->pool;
    uint64_t seen = 0;
    pthread_mutex_lock(&p->lock);
    for (;;) {
        while (p->round == seen && !p->over)
            pthread_cond_wait(&p->begun, &p->lock);
        if (p->over)
            break;
        seen = p->round;
        pthread_mutex_unlock(&p->lock);
        p->work(p->ctx, me->share, p->workers);
        pthread_mutex_lock(&p->lock);
        if (--p->working == 0)
            pthread_cond_signal(&p->done);
    }
    pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct pool *pool_create(unsigned workers)
{
    struct pool *p = calloc(1, sizeof *p);
    if (p == NULL)
        abort();
    long there = workers != 0 ? (long)workers : sysconf(_SC_NPROCESSORS_ONLN);
    unsigned wanted = there < 1 ? 1 : there > POOL_WORKERS_MAX ? POOL_WORKERS_MAX : (unsigned)there;
    pthread_mutex_init(&p->lock, NULL);
    pthread_cond_init(&p->begun, NULL);
    pthread_cond_init(&p->done, NULL);
    for (p->workers = 1; p->workers < wanted; p->workers++) {
        p->share[p->workers] = (struct pool_share){p, p->workers};
        if (thread_start(&p->thread[p->workers], "pool", worker, &p->share[p->workers]) != 0)
            break;
    }
    return p;
}

void pool_free(struct pool *p)
{
    if (p == NULL)
        return;
    pthread_mutex_lock(&p->lock);
    p->over = true;
    pthread_cond_broadcast(&p->begun);
    pthread_mutex_unlock(&p->lock);
    for (unsigned i = 1; i < p->workers; i++)
        pthread_join(p->thread[i], NULL);
    pthread_cond_destroy(&p->done);
    pthread_cond_destroy(&p->begun);
    pthread_mutex_destroy(&p->lock);
    free(p);
}

unsigned pool_workers(const struct pool *p)
{
    return p->workers;
}

void pool_run(struct pool *p, void (*work)(void *ctx, unsigned share, unsigned shares), void *ctx)
{
    if (p->workers > 1) {
        pthread_mutex_lock(&p->lock);
        p->work = work;
        p->ctx = ctx;
        p->working = p->workers - 1;
        p->round++;
        pthread_cond_broadcast(&p->begun);
        pthread_mutex_unlock(&p->lock);
    }
    work(ctx, 0, p->workers);
    if (p->workers > 1) {
        pthread_mutex_lock(&p->lock);
        while (p->working > 0)
            pthread_cond_wait(&p->done, &p->lock);
        pthread_mutex_unlock(&p->lock);
    }
}
