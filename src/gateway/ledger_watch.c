/* SPDX-License-Identifier: Apache-2.0
 * ledger_watch.c - rounds of the ledger's audit: leaves, then people, then checkpoints, a page at a time.
 *
 * Each page is read in a transaction of its own, so that none holds the database's log for long; what is published is asked for
 * before it begins, so that a page never misses leaves that others rely on. At most some problems of a round are logged; all
 * are counted. */
#include "gateway/ledger_watch.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/checkpoints_impl.h"
#include "gateway/chore.h"
#include "gateway/ledger_audit.h"

#define MEMORY   (64u << 20)
#define LOG_MOST 20
#define PAGES    32 /* of people or leaves in a row: a page is some milliseconds */

const struct ledger_watch_options ledger_watch_usual = {.rest_ms = 3600000, .pause_ms = 50};

enum part { LEAVES, PEOPLE, HEADS, PARTS };

struct ledger_watch {
    struct gateway *g;
    struct chore *chore;

    /* --- the round that is being made --- */
    enum part part;
    int64_t from;
    struct ledger_watched now;
    int64_t gone, erased;

    pthread_mutex_t lock;
    struct ledger_watched seen;
};

static void tell(void *ctx, const char *what)
{
    struct ledger_watch *w = ctx;
    if (w->now.problems++ < LOG_MOST)
        log_error("ledger", "audit: %s", what);
    if (w->now.problems == 1)
        snprintf(w->now.first, sizeof w->now.first, "%s", what);
    pthread_mutex_lock(&w->lock);
    if (w->now.problems > w->seen.problems) {
        w->seen.problems = w->now.problems;
        memcpy(w->seen.first, w->now.first, sizeof w->seen.first);
    }
    pthread_mutex_unlock(&w->lock);
}

static int page(struct ledger_watch *w, struct ledger_audit *au, struct err *e)
{
    typedef int of_part(struct ledger_audit * au, int64_t from, int64_t * ret_next, struct err * e);
    static of_part *const parts[PARTS] = {ledger_audit_leaves, ledger_audit_people, ledger_audit_heads};
    int64_t next = -1;
    int rc = parts[w->part](au, w->from, &next, e);
    w->gone += au->gone;
    w->erased += au->erased;
    w->now.leaves += au->leaves;
    w->now.people += au->people;
    if (rc == 0 && next < 0 && w->part == LEAVES)
        rc = ledger_audit_end(au, w->gone, w->erased, e);
    if (rc != 0)
        return rc;
    w->from = next < 0 ? 0 : next;
    w->part += next < 0;
    return 0;
}

static void end_round(struct ledger_watch *w)
{
    w->now.done_at = clock_now_ms();
    pthread_mutex_lock(&w->lock);
    bool better = w->seen.problems > 0 && w->now.problems == 0;
    w->seen = w->now;
    pthread_mutex_unlock(&w->lock);
    if (w->now.problems > LOG_MOST)
        log_error("ledger", "audit: %lld things do not fit; wayleave ledger verify lists them",
                  (long long)w->now.problems);
    if (better)
        log_info("ledger", "audit: everything fits again");
    w->now = (struct ledger_watched){0};
    w->gone = w->erased = 0;
    w->part = LEAVES;
}

static int step(void *ctx, struct store *reader, struct arena *a, bool *ret_more, struct err *e)
{
    struct ledger_watch *w = ctx;
    struct checkpoints *c = w->g->checkpoints;
    int rc = 0;
    for (int i = 0; i < PAGES && rc == 0 && w->part < PARTS; i++) {
        struct ledger_audit au = {.s = reader,
                                  .a = a,
                                  .dir = &c->dir,
                                  .key = &c->key,
                                  .generation = c->generation,
                                  .sealed = checkpoints_sealed(c),
                                  .tell = tell,
                                  .ctx = w};
        arena_reset(a);
        rc = store_begin_reading(reader, e);
        if (rc == 0)
            rc = page(w, &au, e);
        store_rollback(reader);
    }
    if (rc != 0)
        return rc;
    *ret_more = w->part < PARTS;
    if (!*ret_more)
        end_round(w);
    return 0;
}

int ledger_watch_start(struct ledger_watch **ret, struct gateway *g, const struct ledger_watch_options *o,
                       struct err *e)
{
    struct ledger_watch *w = calloc(1, sizeof *w);
    if (w == NULL)
        abort();
    w->g = g;
    pthread_mutex_init(&w->lock, NULL);
    int rc = chore_start(&w->chore, g->o.store_url,
                         &(struct chore_options){.name = "ledger audit",
                                                 .failed = "the ledger is not audited for now",
                                                 .memory = MEMORY,
                                                 .rest_ms = o->rest_ms,
                                                 .backlog_ms = o->pause_ms,
                                                 .step = step,
                                                 .ctx = w},
                         e);
    if (rc != 0) {
        pthread_mutex_destroy(&w->lock);
        free(w);
        return rc;
    }
    *ret = w;
    return 0;
}

void ledger_watch_look(struct ledger_watch *w, struct ledger_watched *ret)
{
    *ret = (struct ledger_watched){0};
    if (w == NULL)
        return;
    pthread_mutex_lock(&w->lock);
    *ret = w->seen;
    pthread_mutex_unlock(&w->lock);
}

void ledger_watch_stop(struct ledger_watch *w)
{
    if (w != NULL)
        chore_stop(w->chore);
}

void ledger_watch_free(struct ledger_watch *w)
{
    if (w == NULL)
        return;
    chore_free(w->chore);
    pthread_mutex_destroy(&w->lock);
    free(w);
}
