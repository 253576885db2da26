/* SPDX-License-Identifier: Apache-2.0
 * census.c - how many messages wait, and for what, for those who watch.
 *
 * The settle thread counts the rows themselves every few seconds, at most COUNTED of each kind and by indexes alone, so
 * that what is shown is right after a crash, too, and costs the same whatever the backlog and however often somebody asks.
 * Where there are more than were counted, that is said. */
#include "base/log.h"
#include "gateway/keep.h"
#include "store/census.h"

#define COUNTED 20000

/* Of the due ones those are not counted that are on their way. With the lock held. */
static void add_sender(struct dispatch *d, const struct census_row *r, struct dispatch_census *c)
{
    const struct number *n = number_at(d, r->sender, false);
    int64_t open = n != NULL ? (int64_t)n->open : 0, due = r->due > open ? r->due - open : 0;
    if (n != NULL && n->no_token)
        c->no_token += due;
    else
        c->due += due;
    c->scheduled += r->later;
    c->in_doubt += r->parked;
}

void census_take(struct dispatch *d, struct store *reader, struct arena *scratch)
{
    struct dispatch_census c = {.at = clock_now_ms()};
    struct census_row *row;
    struct err e = {0};
    size_t n = 0;
    int64_t total = 0;
    arena_reset(scratch);
    int rc = census_outbox(reader, OUTBOX_SPREAD, c.at, COUNTED, scratch, &row, &n, &e);
    if (rc == 0)
        rc = census_held(reader, OUTBOX_SPREAD, c.at, COUNTED, &c.held, &e);
    if (rc == 0)
        rc = census_in_doubt(reader, OUTBOX_SPREAD, COUNTED, &c.all_in_doubt, &e);
    if (rc != 0) {
        log_error("settle", "what waits could not be counted: %s", e.text);
        return;
    }
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < n; i++) {
        total += row[i].due + row[i].later + row[i].parked;
        add_sender(d, &row[i], &c);
    }
    c.scheduled = c.scheduled > c.held ? c.scheduled - c.held : 0;
    c.at_least = total >= COUNTED || c.held >= COUNTED || c.all_in_doubt >= COUNTED;
    d->census = c;
    pthread_mutex_unlock(&d->lock);
}

void dispatch_count(struct dispatch *d, struct dispatch_census *ret)
{
    *ret = (struct dispatch_census){.at = 0};
    if (d == NULL)
        return;
    pthread_mutex_lock(&d->lock);
    *ret = d->census;
    pthread_mutex_unlock(&d->lock);
}
