/* SPDX-License-Identifier: Apache-2.0
 * chore.c - the thread of a chore: rest, step, rest.
 *
 * The rest grows from a moment, while there is a backlog, to the usual one when there is nothing to do. A writer whose line
 * is full is no failure: others come first. */
#include "gateway/chore.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/thread.h"
#include "store/store.h"

struct chore {
    struct chore_options o;
    struct store *reader;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop, rung;
    pthread_t thread;
};

/* false: it is time to stop. */
static bool rest(struct chore *c, int64_t ms)
{
    int64_t end = clock_mono_ns() + ms * 1000000;
    struct timespec until = {.tv_sec = (time_t)(end / 1000000000), .tv_nsec = (long)(end % 1000000000)};
    pthread_mutex_lock(&c->lock);
    while (!c->stop && !c->rung && pthread_cond_timedwait(&c->wake, &c->lock, &until) == 0)
        ;
    bool on = !c->stop;
    c->rung = false;
    pthread_mutex_unlock(&c->lock);
    return on;
}

static void *chore_run(void *arg)
{
    struct chore *c = arg;
    struct arena *a = arena_create(c->o.memory);
    bool more = true; /* after a start there may be a backlog */
    if (a == NULL)
        abort();
    while (rest(c, more && c->o.backlog_ms < c->o.rest_ms ? c->o.backlog_ms : c->o.rest_ms)) {
        struct err e = {0};
        arena_reset(a);
        more = false;
        int rc = c->o.step(c->o.ctx, c->reader, a, &more, &e);
        if (rc != 0 && rc != WL_EBUSY)
            log_warn(c->o.name, "%s: %s", c->o.failed, e.text);
    }
    arena_free(a);
    store_free(c->reader); /* before the writer's, which then tidies up the log as the last one */
    c->reader = NULL;
    return NULL;
}

static void give_back(struct chore *c)
{
    store_free(c->reader);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

int chore_start(struct chore **ret, const char *store_url, const struct chore_options *o, struct err *e)
{
    struct chore *c = calloc(1, sizeof *c);
    pthread_condattr_t monotonic;
    if (c == NULL)
        abort();
    c->o = *o;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc = store_open(&c->reader, store_url, &(struct store_options){.read_only = true}, e);
    *ret = c; /* the first step may ask for it */
    if (rc == 0 && thread_start(&c->thread, o->name, chore_run, c) != 0)
        rc = err_set(e, WL_EIO, "cannot start the %s thread", o->name);
    if (rc != 0) {
        *ret = NULL;
        give_back(c);
    }
    return rc;
}

void chore_ring(struct chore *c)
{
    if (c == NULL)
        return;
    pthread_mutex_lock(&c->lock);
    c->rung = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
}

void chore_stop(struct chore *c)
{
    if (c == NULL || c->stop)
        return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
}

void chore_free(struct chore *c)
{
    if (c == NULL)
        return;
    chore_stop(c);
    give_back(c);
}
