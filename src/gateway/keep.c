/* SPDX-License-Identifier: Apache-2.0
 * keep.c - the beats of our leases, what is written with them, and numbers that come back.
 *
 * With every beat go the watermarks and what each lane has to know in the next life: how long Meta stopped it, and how fast
 * it was. A circuit that opens or closes is not left to the next beat (settle.c). The time a circuit ends is written anew
 * with each beat, because the wall's clock may be set while it is open.
 *
 * A number somebody else took over stays theirs while they beat. When they gave it up, or stood still for a whole term by
 * our own clock, it is challenged for (core/lease.h, store/leases.h); who gets it finds what the other one was sending in
 * doubt, and heeds what the other one was told by Meta. Only numbers we had in this life are taken back. */
#include "gateway/keep.h"

#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/lives.h"
#include "store/leases.h"

#define RANK_RENEWAL 0
#define LEFT_MAX     4096 /* messages looked at for those another gateway left behind */

struct keeper {
    struct dispatch *d;
    struct watermark mark[NUMBERS_MAX];
    size_t n_marks;
    struct {
        struct number *number;
        struct lane_memory memory, kept;
    } lane[NUMBERS_MAX];
    size_t n_lanes;
    struct lease lease[NUMBERS_MAX]; /* as they were after the beat */
    size_t n_leases;
    struct lease still[NUMBERS_MAX]; /* those whose holder seems to be gone */
    size_t n_still;
};

struct keeper *keeper_make(struct dispatch *d)
{
    struct keeper *k = calloc(1, sizeof *k);
    if (k == NULL)
        abort();
    k->d = d;
    return k;
}

void keeper_free(struct keeper *k)
{
    free(k);
}

/* --- beats --------------------------------------------------------------------------------------------------------- */

static int renew(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct keeper *k = ctx;
    int64_t owner = k->d->g->incarnation;
    struct lease *all;
    size_t n = 0;
    (void)now;
    int rc = leases_renew(s, owner, k->mark, k->n_marks, e);
    for (size_t i = 0; i < k->n_lanes && rc == 0; i++)
        rc = lease_remember(s, k->lane[i].number->sender, owner, &k->lane[i].memory, e);
    if (rc == 0)
        rc = leases_list(s, a, &all, &n, e);
    k->n_leases = n < NUMBERS_MAX ? n : NUMBERS_MAX;
    if (rc == 0 && n > 0)
        memcpy(k->lease, all, k->n_leases * sizeof *k->lease);
    failpoint(lease_renewed);
    return rc;
}

/* What is to be written. With the lock held. */
static void collect(struct keeper *k)
{
    struct dispatch *d = k->d;
    int64_t now_us = mono_us(), now = clock_now_ms();
    k->n_marks = k->n_lanes = 0;
    for (size_t i = 0; i < d->n_numbers; i++) {
        struct number *n = d->number[i];
        struct lane_memory own;
        if (n->watermark != 0)
            k->mark[k->n_marks++] = (struct watermark){n->sender, n->watermark};
        if (!n->permitted || n->taken_over)
            continue;
        lane_remember(&n->lane, 0, 0, &own); /* by its own clock: changes when the lane does */
        if (own.until_ms == 0 && memcmp(&own, &n->kept, sizeof own) == 0)
            continue;
        k->lane[k->n_lanes].number = n;
        k->lane[k->n_lanes].kept = own;
        lane_remember(&n->lane, now_us, now, &k->lane[k->n_lanes++].memory);
    }
}

void keeper_renew(struct keeper *k)
{
    struct dispatch *d = k->d;
    struct err e = {0};
    pthread_mutex_lock(&d->lock);
    collect(k);
    pthread_mutex_unlock(&d->lock);
    int64_t begun_us = mono_us();
    k->n_leases = 0;
    if (writer_call(d->g->writer, RANK_RENEWAL, renew, k, &e) != 0) {
        k->n_leases = 0;
        log_error("settle", "the leases could not be renewed: %s", e.text);
        return;
    }
    settle_renewed(d, begun_us);
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < k->n_lanes; i++)
        k->lane[i].number->kept = k->lane[i].kept;
    pthread_mutex_unlock(&d->lock);
}

/* --- taken over, and back ------------------------------------------------------------------------------------------ */

/* One lease as it was seen; true: its holder is gone. With the lock held. */
static bool see(struct dispatch *d, const struct lease *l, int64_t now_us)
{
    struct number *n = number_at(d, l->sender, false);
    if (n == NULL)
        return false;
    if (l->owner == d->g->incarnation) {
        n->epoch = l->epoch;
        if (n->taken_over)
            number_wake(d, n, 0);
        n->taken_over = false;
        n->watch.since_us = 0;
        return false;
    }
    if (n->epoch == 0 && admit_lease_epoch(d->g->admit, l->sender) == 0)
        return false;
    n->taken_over = true;
    return l->owner == 0 || lease_stands_still(&n->watch, l->epoch, l->beat, now_us);
}

struct taking {
    struct keeper *k;
    struct lease seen;
    int64_t epoch; /* 0: it is not ours */
    size_t left;
    struct life_after after;
};

/* What the holder before us was sending is in doubt: nobody else says what became of it. */
static int doubt_left(struct taking *t, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct life_news gone = {.event = {.kind = STEP_RESTART}};
    struct message *left;
    size_t n = 0;
    int rc = messages_left_sending(s, OUTBOX_SPREAD, t->epoch, a, LEFT_MAX, &left, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        if (left[i].sender != t->seen.sender || left[i].epoch != t->seen.epoch)
            continue;
        rc = life_hear(s, &left[i], &gone, now, &t->after, e);
        t->left++;
    }
    return rc;
}

static int challenge(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct taking *t = ctx;
    struct err why = {0};
    t->epoch = 0;
    t->left = 0;
    t->after = (struct life_after){.n_bells = 0};
    int rc = lease_challenge(s, &t->seen, t->k->d->g->incarnation, now, &t->epoch, &why);
    if (rc == WL_ECONFLICT)
        return 0; /* somebody was faster */
    if (rc == 0)
        return t->seen.owner != 0 ? doubt_left(t, s, a, now, e) : 0;
    *e = why;
    return rc;
}

static void took(struct taking *t)
{
    struct dispatch *d = t->k->d;
    admit_lease_taken(d->g->admit, t->seen.sender, t->epoch);
    pthread_mutex_lock(&d->lock);
    struct number *n = number_at(d, t->seen.sender, false);
    n->epoch = t->epoch;
    n->taken_over = false;
    n->watch.since_us = 0;
    if (t->seen.watermark > n->watermark && t->seen.watermark <= clock_now_ms())
        n->watermark = t->seen.watermark;
    if (n->permitted && n->lane.open_until_us == 0)
        lane_resume(&n->lane, &t->seen.memory, mono_us(), clock_now_ms());
    lines_ring(d, n);
    number_wake(d, n, 0);
    pthread_mutex_unlock(&d->lock);
    life_follow(d->g, &t->after);
    log_info("settle", "number %lld is ours again; %zu messages the other gateway was sending are in doubt",
             (long long)t->seen.sender, t->left);
}

void keeper_take_back(struct keeper *k)
{
    struct dispatch *d = k->d;
    int64_t now_us = mono_us(); /* after the leases were read */
    k->n_still = 0;
    pthread_mutex_lock(&d->lock);
    for (size_t i = 0; i < k->n_leases && !d->closing; i++)
        if (see(d, &k->lease[i], now_us))
            k->still[k->n_still++] = k->lease[i];
    pthread_mutex_unlock(&d->lock);
    for (size_t i = 0; i < k->n_still; i++) {
        struct taking t = {.k = k, .seen = k->still[i]};
        struct err e = {0};
        if (writer_call(d->g->writer, RANK_RENEWAL, challenge, &t, &e) != 0)
            log_error("settle", "number %lld could not be taken back, it is tried again: %s", (long long)t.seen.sender,
                      e.text);
        else if (t.epoch != 0)
            took(&t);
    }
}

/* --- at start ------------------------------------------------------------------------------------------------------- */

static bool empty(const struct lane_memory *m)
{
    static const struct lane_memory nothing;
    return memcmp(m, &nothing, sizeof nothing) == 0;
}

static void recall(struct dispatch *d, const struct lease *l)
{
    if (l->watermark != 0)
        dispatch_applied(d, l->sender, l->watermark);
    if (empty(&l->memory))
        return;
    struct pace pace = number_pace(d, l->sender, clock_now_ms());
    pthread_mutex_lock(&d->lock);
    struct number *n = number_at(d, l->sender, true);
    if (n != NULL) {
        number_permit(d, n, pace);
        lane_resume(&n->lane, &l->memory, mono_us(), clock_now_ms());
        n->kept = l->memory;
    }
    pthread_mutex_unlock(&d->lock);
}

int keeper_recall(struct dispatch *d, struct err *e)
{
    struct lease *lease;
    size_t n = 0;
    int rc = leases_list(d->reader, d->scratch, &lease, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        recall(d, &lease[i]);
    return rc;
}
