/* SPDX-License-Identifier: Apache-2.0
 * compactor.c - packs rows of decisions into blocks, one at a time, with a rest between.
 *
 * A failure is logged and tried again later: the log works as rows as well. The rest grows from a moment, while there
 * is a backlog (after an update of an old installation), to a minute when there is nothing to do. */
#include "gateway/compactor.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/decision_block.h"
#include "gateway/writer.h"
#include "store/decisions.h"

#define BACKLOG_MS 100 /* between blocks: the writer's time is for messages */
#define MEMORY     (256u << 20)
#define ID_BITS    22
#define RANK       9 /* after everything anybody waits for */

const struct compactor_options compactor_usual = {.young_ms = 5 * 60000, .rest_ms = 60000, .rows = DECISION_BLOCK_ROWS};

struct compactor {
    struct writer *writer;
    struct store *reader;
    struct compactor_options o;
    struct packed_decisions packed;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop;
    pthread_t thread;
};

static int write_block(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct compactor *c = ctx;
    (void)a, (void)now;
    return decisions_compact(s, &c->packed, e);
}

/* One block, if there are rows for it. One bucket holds everything while the spread is 1. */
static int pack_one(struct compactor *c, struct arena *a, bool *ret_more, struct err *e)
{
    int64_t before = (clock_now_ms() - c->o.young_ms) << ID_BITS;
    arena_reset(a);
    *ret_more = false;
    int rc = decisions_pack(c->reader, 0, before, c->o.rows, a, &c->packed, e);
    if (rc != 0 || c->packed.n == 0)
        return rc;
    rc = writer_call(c->writer, RANK, write_block, c, e);
    *ret_more = rc == 0;
    return rc;
}

/* false: it is time to stop. */
static bool rest(struct compactor *c, int64_t ms)
{
    int64_t end = clock_mono_ns() + ms * 1000000;
    struct timespec until = {.tv_sec = (time_t)(end / 1000000000), .tv_nsec = (long)(end % 1000000000)};
    pthread_mutex_lock(&c->lock);
    while (!c->stop && pthread_cond_timedwait(&c->wake, &c->lock, &until) == 0)
        ;
    bool on = !c->stop;
    pthread_mutex_unlock(&c->lock);
    return on;
}

static void *compactor_run(void *arg)
{
    struct compactor *c = arg;
    struct arena *a = arena_create(MEMORY);
    bool more = false;
    if (a == NULL)
        abort();
    while (rest(c, more && BACKLOG_MS < c->o.rest_ms ? BACKLOG_MS : c->o.rest_ms)) {
        struct err e = {0};
        int rc = pack_one(c, a, &more, &e);
        if (rc != 0 && rc != WL_EBUSY)
            log_warn("compactor", "decisions stay as they are for now: %s", e.text);
    }
    arena_free(a);
    return NULL;
}

static void give_back(struct compactor *c)
{
    store_free(c->reader);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

int compactor_start(struct compactor **ret, struct writer *w, const char *store_url, const struct compactor_options *o,
                    struct err *e)
{
    struct compactor *c = calloc(1, sizeof *c);
    pthread_condattr_t monotonic;
    if (c == NULL)
        abort();
    c->writer = w;
    c->o = *o;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    int rc = store_open(&c->reader, store_url, &(struct store_options){.read_only = true}, e);
    if (rc == 0 && thread_start(&c->thread, "compactor", compactor_run, c) != 0)
        rc = err_set(e, WL_EIO, "cannot start the compactor thread");
    if (rc != 0) {
        give_back(c);
        return rc;
    }
    *ret = c;
    return 0;
}

void compactor_stop(struct compactor *c)
{
    if (c == NULL || c->stop)
        return;
    pthread_mutex_lock(&c->lock);
    c->stop = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    pthread_join(c->thread, NULL);
}

void compactor_free(struct compactor *c)
{
    if (c == NULL)
        return;
    compactor_stop(c);
    give_back(c);
}
