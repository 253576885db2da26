/* SPDX-License-Identifier: Apache-2.0
 * campaigns_impl.h - what the files of the runner share.
 *
 * Two threads. `campaigns` (campaign_runner.c) takes one short step after another: for each open campaign it fills in how far it is
 * (campaign_progress.c), looks at its monitors (campaign_monitors.c) and at what Meta says of its templates, numbers and accounts
 * (campaign_watch.c), asks the scheduler, hands people to the door (campaign_hand.c), and writes what changes through campaign_do().
 * `campaign check` (campaign_checker.c) does the checks, which take long, so that nothing that runs waits for them. The table that
 * others read is campaigns.c's. */
#ifndef WL_GATEWAY_CAMPAIGNS_IMPL_H
#define WL_GATEWAY_CAMPAIGNS_IMPL_H

#include <stdatomic.h>

#include "gateway/campaigns.h"
#include "gateway/chore.h"

#define CAMPAIGN_BUCKET   0    /* one holds everything while the spread is 1 */
#define CAMPAIGNS_OPEN    4096 /* that are open at a time; of more those with the lowest ids */
#define CAMPAIGN_JOB_RANK 2    /* of its acts: before messages are judged */

struct campaign_runner;
struct campaign_checker;

/* Counted since the start, for /metrics. */
enum campaign_count {
    CAMPAIGNS_HANDED,      /* people handed to the door */
    CAMPAIGNS_HOLDS,       /* the runner held one */
    CAMPAIGNS_STOPS,       /* the runner stopped one */
    CAMPAIGNS_QUARANTINES, /* sources */
    CAMPAIGNS_CHECKS,
    CAMPAIGN_COUNTS
};

struct campaigns {
    struct gateway *g;
    struct campaign_runner *runner;
    struct campaign_checker *checker;
    _Atomic uint64_t count[CAMPAIGN_COUNTS];

    pthread_mutex_t table_lock; /* held for moments */
    struct campaign_table *table;

    pthread_mutex_t reading; /* of the table; guards what follows */
    struct store *reader;
    struct json_parser *json;
    struct arena *arena;
    _Atomic bool stale; /* it could not be read after something changed */
};

static inline void campaigns_count(struct campaigns *c, enum campaign_count what, uint64_t n)
{
    atomic_fetch_add_explicit(&c->count[what], n, memory_order_relaxed);
}

/* Reads the table and puts it in place. Any thread but the writer's. */
int campaigns_read(struct campaigns *c, struct err *e);
/* campaign_beat.c: before anything may leave; holds what may not go on by itself. */
int campaigns_guard(struct campaigns *c, struct err *e);
/* One more beat, on the disk and in the mark: what was done before is in no older copy. Not for the writer's threads. */
void campaigns_beat(struct campaigns *c);

/* campaign_runner.c */
int campaign_runner_start(struct campaign_runner **ret, struct campaigns *c, struct err *e);
void campaign_runner_ring(struct campaign_runner *r); /* accepts NULL, like the rest */
void campaign_runner_stop(struct campaign_runner *r);
void campaign_runner_free(struct campaign_runner *r);
void campaign_runner_metrics(struct campaign_runner *r, struct buf *out);
bool campaign_runner_look(struct campaign_runner *r, int64_t campaign, struct campaign_look *ret);

/* campaign_checker.c */
int campaign_checker_start(struct campaign_checker **ret, struct campaigns *c, struct err *e);
void campaign_checker_ring(struct campaign_checker *k); /* accepts NULL, like the rest */
void campaign_checker_stop(struct campaign_checker *k);
void campaign_checker_free(struct campaign_checker *k);

#endif
