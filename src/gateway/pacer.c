/* SPDX-License-Identifier: Apache-2.0
 * pacer.c - a table of numbers with their theoretical arrival times (core/pace.h), in microseconds.
 *
 * The table never forgets a number and has room for more than one process will ever own; a number that finds no place is
 * not paced, and the rules are told that nobody knows. What threads share are atomics beside each number. The
 * door takes the count of incoming messages over when it next looks at the number. However many came,
 * they never hold the number up for more than a second: a flood of webhooks must not stop what answers it. A line is never
 * longer than anybody may wait: while no rule asks for the pace, messages pass however long it would be. How many stand
 * in it is counted for the threads that let them in, so that one number's line does not take the places of others. */
#include "gateway/pacer.h"

#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

#define SLOTS     4096 /* a power of two */
#define FULL      (SLOTS - SLOTS / 8)
#define LINE_US   (60 * SECOND_US) /* nobody waits longer than this, see hold_budget */
#define SECOND_US INT64_C(1000000)

struct lane {
    _Atomic int64_t sender;   /* 0: free */
    _Atomic uint32_t inbound; /* not taken over yet */
    _Atomic size_t places;    /* taken in its line */
    int64_t tat;              /* 0: never looked at */
};

struct pacer {
    struct lane lane[SLOTS];
    _Atomic size_t n;
    int64_t started_us;
};

struct pacer *pacer_create(int64_t now_us)
{
    struct pacer *p = calloc(1, sizeof *p);
    if (p == NULL)
        abort();
    p->started_us = now_us;
    return p;
}

void pacer_free(struct pacer *p)
{
    free(p);
}

/* The number's place, taken now if it has none; NULL: there is none left. */
static struct lane *lane_of(struct pacer *p, int64_t sender)
{
    size_t at = (size_t)((uint64_t)sender * 0x9e3779b97f4a7c15u >> 40) % SLOTS;
    for (;; at = (at + 1) % SLOTS) {
        struct lane *l = &p->lane[at];
        int64_t who = l->sender;
        if (who == sender)
            return l;
        if (who != 0)
            continue;
        if (p->n >= FULL)
            return NULL;
        if (atomic_compare_exchange_strong(&l->sender, &who, sender)) {
            p->n++;
            return l;
        }
        if (who == sender) /* another thread was faster */
            return l;
    }
}

void pacer_inbound(struct pacer *p, int64_t sender, uint32_t n)
{
    struct lane *l = sender != 0 ? lane_of(p, sender) : NULL;
    if (l != NULL)
        atomic_fetch_add_explicit(&l->inbound, n, memory_order_relaxed);
}

bool pacer_enter(struct pacer *p, int64_t sender, size_t most)
{
    struct lane *l = sender != 0 ? lane_of(p, sender) : NULL;
    if (l == NULL || l->places++ < most)
        return true;
    l->places--;
    return false;
}

void pacer_leave(struct pacer *p, int64_t sender)
{
    struct lane *l = sender != 0 ? lane_of(p, sender) : NULL;
    if (l != NULL)
        l->places--;
}

static void take_over_inbound(struct lane *l, struct pace rate, int64_t now_us)
{
    uint32_t n = atomic_exchange_explicit(&l->inbound, 0, memory_order_relaxed);
    int64_t base = l->tat > now_us ? l->tat : now_us, most = now_us + rate.tolerance_us + SECOND_US;
    if (n == 0 || base >= most)
        return;
    int64_t room = (most - base) / rate.interval_us;
    l->tat = base + (n < room ? n : room) * rate.interval_us;
}

static struct lane *ready_lane(struct pacer *p, int64_t sender, struct pace rate, int64_t now_us)
{
    struct lane *l = sender != 0 ? lane_of(p, sender) : NULL;
    if (l == NULL)
        return NULL;
    if (l->tat == 0) /* without credit: as if a whole burst had left when we started */
        l->tat = p->started_us + rate.tolerance_us;
    take_over_inbound(l, rate, now_us);
    return l;
}

int64_t pacer_when(struct pacer *p, int64_t sender, struct pace rate, int64_t now_us)
{
    const struct lane *l = ready_lane(p, sender, rate, now_us);
    return l == NULL ? -1 : pace_when(l->tat, rate.tolerance_us);
}

int64_t pacer_take(struct pacer *p, int64_t sender, struct pace rate, int64_t now_us)
{
    struct lane *l = ready_lane(p, sender, rate, now_us);
    if (l == NULL)
        return now_us;
    int64_t when = pace_when(l->tat, rate.tolerance_us), most = now_us + rate.tolerance_us + LINE_US;
    l->tat = pace_take(l->tat, now_us, rate.interval_us);
    if (l->tat > most)
        l->tat = most;
    return when > now_us ? when : now_us;
}
