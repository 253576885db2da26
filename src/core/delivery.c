/* SPDX-License-Identifier: Apache-2.0
 * delivery.c - the window of things to hand over: queues of names, two heaps and a list.
 *
 * Each name has a queue of the things that speak of it, in order. A thing may start when it is first in all its queues: then
 * it lies in the heap `fresh` (by order), or in `again` once it failed (by the time it is due). A thing with too many names
 * is a barrier: it waits until it is the oldest of all, and everything behind it waits for it. What is over leaves its queues,
 * and whoever became first is counted down; nothing is ever searched for, but for a thing that is taken out of the middle of
 * its queues.
 *
 * Whether a failure is the thing's or the receiver's is told by what else was taken. Failures since the last one that
 * was taken are a streak; what failed in a streak again and again has them held loosely: they make it wait longer, and
 * are forgotten as soon as anything is taken. Where nothing else may start, there is nothing that could be taken: then one
 * of those that wait is let past right behind a failure, and whoever it passes is kept at home (one more to wait for) until
 * its answer is there. Places and nodes are numbers from 1; 0 is none. */
#include "core/delivery.h"

#include <stdlib.h>

#include "base/digest.h"

#define BUCKETS 8192
#define NODES   16384 /* names of all things of a window */

const struct delivery_terms delivery_usual = {.parallel = 8,
                                              .wait_first_ms = 1000,
                                              .wait_most_ms = 300000,
                                              .patience_ms = INT64_C(604800000),
                                              .refusals = 10,
                                              .failures = 50};

enum lies_in { NOWHERE, BLOCKED, FRESH, AGAIN, OPEN };

struct place {
    struct delivery_thing thing; /* the first member: its pointer is the place's */
    enum lies_in where;
    bool barrier;
    bool was_again, is_probe; /* of an OPEN one: it came from `again`; it is tried because the receiver is down */
    uint64_t order;
    int64_t due, failing_since, failed_at;
    uint64_t taken_before; /* things that were taken when it failed last, else when it was tried first */
    uint64_t streak;       /* in which it failed last */
    unsigned failures, held, refused, loose;
    unsigned alone;     /* of those held: others were taken meanwhile */
    unsigned waits_for; /* names at which it is not the first, and a barrier */
    uint16_t node;      /* its first name */
    uint16_t before, after, in_heap;
    uint16_t passed_by, passes; /* the one that was let past, which is on its way; whom it passes */
    uint16_t seen;              /* names of the one it may be let past at which it is the next */
};

/* A name of a thing. Those of the same name are a queue; the first of it lies in the bucket. */
struct node {
    uint32_t name;
    uint16_t place;
    uint16_t behind; /* in the queue */
    uint16_t other;  /* the next name of the same thing, or the next free node */
    uint16_t chain;  /* of the first: the next first one in the bucket */
    uint16_t last;   /* of the first: the last */
};

struct heap {
    size_t n;
    uint16_t item[DELIVERY_WINDOW_MAX + 1]; /* from 1 */
};

struct delivery {
    struct delivery_terms terms;
    size_t live, open, again_open, free_nodes;
    uint16_t oldest, newest, barrier; /* the list of all; the last barrier in it */
    uint16_t free_place, free_node;
    bool full, again_turn;
    uint64_t added, taken, streak;
    /* the streak of failures at hand */
    size_t failing, distinct; /* things that failed in it; those against which nothing was held */
    size_t loose;             /* things with loose failures */
    int64_t failing_since;
    unsigned in_vain; /* answers */
    uint16_t stuck;   /* it has just failed, and the rest waits for it: something may be let past */
    bool down;
    int64_t probe_wait, probe_at, hold_until;
    struct heap fresh, again;
    struct place place[DELIVERY_WINDOW_MAX + 1];
    struct node node[NODES + 1];
    uint16_t bucket[BUCKETS];
};

/* --- names ----------------------------------------------------------------------------------------------------------- */

void delivery_name(struct delivery_names *n, struct str name)
{
    if (name.n == 0 || n->n > DELIVERY_NAMES_MAX)
        return;
    uint32_t hash = (uint32_t)hash64(name.p, name.n);
    for (size_t i = 0; i < n->n; i++)
        if (n->name[i] == hash)
            return;
    if (n->n < DELIVERY_NAMES_MAX)
        n->name[n->n] = hash;
    n->n++;
}

/* --- heaps ----------------------------------------------------------------------------------------------------------- */

static struct heap *heap_of(struct delivery *d, enum lies_in where)
{
    return where == FRESH ? &d->fresh : &d->again;
}

static bool goes_before(const struct delivery *d, enum lies_in where, uint16_t a, uint16_t b)
{
    const struct place *x = &d->place[a], *y = &d->place[b];
    if (where == AGAIN && x->due != y->due)
        return x->due < y->due;
    return x->order < y->order;
}

static void heap_put(struct delivery *d, struct heap *h, size_t at, uint16_t p)
{
    h->item[at] = p;
    d->place[p].in_heap = (uint16_t)at;
}

/* Finds the place for p from `at`, which is free. */
static void heap_settle(struct delivery *d, enum lies_in where, size_t at, uint16_t p)
{
    struct heap *h = heap_of(d, where);
    for (; at > 1 && goes_before(d, where, p, h->item[at / 2]); at /= 2)
        heap_put(d, h, at, h->item[at / 2]);
    for (size_t child; (child = 2 * at) <= h->n; at = child) {
        if (child < h->n && goes_before(d, where, h->item[child + 1], h->item[child]))
            child++;
        if (!goes_before(d, where, h->item[child], p))
            break;
        heap_put(d, h, at, h->item[child]);
    }
    heap_put(d, h, at, p);
}

static void heap_leave(struct delivery *d, uint16_t p)
{
    struct place *x = &d->place[p];
    struct heap *h = heap_of(d, x->where);
    uint16_t last = h->item[h->n--];
    if (last != p)
        heap_settle(d, x->where, x->in_heap, last);
    x->in_heap = 0;
}

/* Nobody before it: it may start, at once or when it is due. */
static void put_to_start(struct delivery *d, uint16_t p)
{
    struct place *x = &d->place[p];
    x->where = x->held + x->loose > 0 ? AGAIN : FRESH;
    struct heap *h = heap_of(d, x->where);
    heap_settle(d, x->where, ++h->n, p);
}

/* --- who waits for whom ---------------------------------------------------------------------------------------------- */

static void release(struct delivery *d, uint16_t p)
{
    if (--d->place[p].waits_for == 0)
        put_to_start(d, p);
}

/* Where the number of the first of this name stands; 0 stands there when there is none. */
static uint16_t *first_of(struct delivery *d, uint32_t name)
{
    uint16_t *at = &d->bucket[name % BUCKETS];
    while (*at != 0 && d->node[*at].name != name)
        at = &d->node[*at].chain;
    return at;
}

static void join_queue(struct delivery *d, struct place *x, uint16_t k)
{
    struct node *node = &d->node[k];
    uint16_t *at = first_of(d, node->name);
    if (*at == 0) {
        node->last = k;
        *at = k;
        return;
    }
    struct node *first = &d->node[*at];
    d->node[first->last].behind = k;
    first->last = k;
    x->waits_for++;
}

static void join_queues(struct delivery *d, uint16_t p, const struct delivery_names *names)
{
    struct place *x = &d->place[p];
    for (size_t i = 0; i < names->n; i++) {
        uint16_t k = d->free_node;
        d->free_node = d->node[k].other;
        d->free_nodes--;
        d->node[k] = (struct node){.name = names->name[i], .place = p, .other = x->node};
        x->node = k;
        join_queue(d, x, k);
    }
}

static void leave_queue(struct delivery *d, uint16_t k)
{
    const struct node *node = &d->node[k];
    uint16_t *at = first_of(d, node->name), before = *at;
    if (*at != k) {
        struct node *first = &d->node[*at];
        while (d->node[before].behind != k)
            before = d->node[before].behind;
        d->node[before].behind = node->behind;
        first->last = first->last == k ? before : first->last;
    } else if (node->behind == 0) {
        *at = node->chain;
    } else {
        *at = node->behind;
        d->node[*at].chain = node->chain;
        d->node[*at].last = node->last;
        release(d, d->node[*at].place);
    }
}

static void leave_queues(struct delivery *d, struct place *x)
{
    for (uint16_t k = x->node, other; k != 0; k = other) {
        leave_queue(d, k);
        other = d->node[k].other;
        d->node[k].other = d->free_node;
        d->free_node = k;
        d->free_nodes++;
    }
    x->node = 0;
}

static uint16_t barrier_before(const struct delivery *d, uint16_t p)
{
    do
        p = d->place[p].before;
    while (p != 0 && !d->place[p].barrier);
    return p;
}

/* A barrier goes. What waited for it starts, or waits for the barrier before it. */
static void leave_barrier(struct delivery *d, uint16_t p)
{
    uint16_t earlier = barrier_before(d, p);
    if (d->barrier == p)
        d->barrier = earlier;
    if (earlier == 0)
        for (uint16_t k = d->place[p].after; k != 0 && !d->place[k].barrier; k = d->place[k].after)
            release(d, k);
}

static void join_list(struct delivery *d, uint16_t p)
{
    struct place *x = &d->place[p];
    if (x->barrier) {
        x->waits_for = d->oldest != 0;
        d->barrier = p;
    } else {
        x->waits_for += d->barrier != 0;
    }
    x->before = d->newest;
    if (d->newest != 0)
        d->place[d->newest].after = p;
    else
        d->oldest = p;
    d->newest = p;
    d->live++;
}

static void leave_list(struct delivery *d, uint16_t p)
{
    struct place *x = &d->place[p];
    if (x->barrier)
        leave_barrier(d, p);
    if (x->before != 0)
        d->place[x->before].after = x->after;
    else
        d->oldest = x->after;
    if (x->after != 0)
        d->place[x->after].before = x->before;
    else
        d->newest = x->before;
    d->live--;
    struct place *first = &d->place[d->oldest];
    if (x->before == 0 && d->oldest != 0 && first->barrier && first->where == BLOCKED)
        release(d, d->oldest);
}

/* It is over, or taken out. */
static void end(struct delivery *d, uint16_t p)
{
    struct place *x = &d->place[p];
    if (d->stuck == p)
        d->stuck = 0;
    if (x->where == FRESH || x->where == AGAIN)
        heap_leave(d, p);
    d->loose -= x->loose > 0;
    leave_queues(d, x);
    leave_list(d, p);
    x->where = NOWHERE;
    x->after = d->free_place;
    d->free_place = p;
    d->full = false;
}

/* --- the window ------------------------------------------------------------------------------------------------------ */

void delivery_set(struct delivery *d, const struct delivery_terms *t)
{
    d->terms = *t;
    if (d->terms.parallel == 0)
        d->terms.parallel = 1;
    if (d->terms.wait_first_ms < 1)
        d->terms.wait_first_ms = 1;
    if (d->terms.wait_most_ms < d->terms.wait_first_ms)
        d->terms.wait_most_ms = d->terms.wait_first_ms;
}

struct delivery *delivery_create(const struct delivery_terms *t)
{
    struct delivery *d = calloc(1, sizeof *d);
    if (d == NULL)
        return NULL;
    delivery_set(d, t);
    for (uint16_t p = DELIVERY_WINDOW_MAX; p > 0; p--) {
        d->place[p].after = d->free_place;
        d->free_place = p;
    }
    for (uint16_t k = NODES; k > 0; k--) {
        d->node[k].other = d->free_node;
        d->free_node = k;
    }
    d->free_nodes = NODES;
    d->streak = 1;
    return d;
}

void delivery_free(struct delivery *d)
{
    free(d);
}

bool delivery_add(struct delivery *d, const struct delivery_thing *thing)
{
    static const struct delivery_names none;
    const struct delivery_names *names = thing->names != NULL ? thing->names : &none;
    bool barrier = names->n > DELIVERY_NAMES_MAX;
    uint16_t p = d->free_place;
    if (p == 0 || (!barrier && d->free_nodes < names->n)) {
        d->full = true;
        return false;
    }
    struct place *x = &d->place[p];
    d->free_place = x->after;
    *x = (struct place){.thing = *thing, .barrier = barrier, .order = ++d->added};
    x->thing.names = NULL;
    if (!barrier)
        join_queues(d, p, names);
    join_list(d, p);
    if (x->waits_for == 0)
        put_to_start(d, p);
    else
        x->where = BLOCKED;
    return true;
}

size_t delivery_count(const struct delivery *d)
{
    return d->live;
}

size_t delivery_open(const struct delivery *d)
{
    return d->open;
}

int64_t delivery_position(const struct delivery *d, int64_t read)
{
    if (d->oldest == 0)
        return read;
    int64_t before = d->place[d->oldest].thing.seq - 1;
    return before < read ? before : read;
}

int64_t delivery_down(const struct delivery *d)
{
    return d->down || d->in_vain >= DELIVERY_SUSPECT ? d->failing_since : 0;
}

/* --- whose turn it is ------------------------------------------------------------------------------------------------ */

static const struct delivery_thing *start(struct delivery *d, uint16_t p)
{
    struct place *x = &d->place[p];
    x->was_again = x->where == AGAIN;
    if (x->where != BLOCKED)
        heap_leave(d, p);
    if (x->failures == 0)
        x->taken_before = d->taken;
    x->where = OPEN;
    x->thing.attempts++;
    d->open++;
    d->again_open += x->was_again;
    return &x->thing;
}

/* Whether the window is full of those that wait, and hardly anybody in it can be handed over. */
static bool is_jammed(const struct delivery *d)
{
    return d->full && d->fresh.n < d->terms.parallel;
}

/* The next barrier from here on. */
static uint16_t barrier_from(const struct delivery *d, uint16_t p)
{
    while (p != 0 && !d->place[p].barrier)
        p = d->place[p].after;
    return p;
}

/* The better one to be let past: one that has not failed yet, then the older one. */
static uint16_t better(const struct delivery *d, uint16_t a, uint16_t b)
{
    const struct place *x = &d->place[a], *y = &d->place[b];
    if (a == 0 || b == 0)
        return a == 0 ? b : a;
    if ((x->failures == 0) != (y->failures == 0))
        return x->failures == 0 ? a : b;
    return x->order < y->order ? a : b;
}

/* One that waits for the barrier alone, and for those behind it; 0: none. While the first of all is passed nothing can start:
 * then it may be a barrier itself. */
static uint16_t behind_barrier(const struct delivery *d, uint16_t barrier)
{
    uint16_t best = 0;
    for (uint16_t k = d->place[barrier].after; k != 0; k = d->place[k].after)
        if (d->place[k].waits_for == 1 && (barrier == d->oldest || !d->place[k].barrier))
            best = better(d, best, k);
    return best;
}

/* Of a queue the first one behind this that did not fail; if all did, the first. 0: nobody is behind it. */
static uint16_t next_in_queue(const struct delivery *d, uint16_t node)
{
    uint16_t k = d->node[node].behind;
    while (k != 0 && d->place[d->node[k].place].failures > 0)
        k = d->node[k].behind;
    k = k != 0 ? k : d->node[node].behind;
    return d->node[k].place; /* of node 0: 0 */
}

/* One that waits by name for this one alone, and for such as failed behind it: at all the names at which it is not the first
 * it is the next; 0: none. */
static uint16_t behind_by_name(struct delivery *d, const struct place *x)
{
    uint16_t best = 0;
    for (uint16_t k = x->node; k != 0; k = d->node[k].other)
        d->place[next_in_queue(d, k)].seen = 0;
    for (uint16_t k = x->node; k != 0; k = d->node[k].other)
        d->place[next_in_queue(d, k)].seen++;
    for (uint16_t k = x->node; k != 0; k = d->node[k].other) {
        uint16_t p = next_in_queue(d, k);
        if (p != 0 && d->place[p].waits_for == d->place[p].seen)
            best = better(d, best, p);
    }
    return best;
}

/* The rest waits for one that has just failed: something behind it is handed over. Whoever must not be on its way together
 * with that waits for its answer. */
static const struct delivery_thing *let_past(struct delivery *d, int64_t mono)
{
    uint16_t stuck = d->stuck, past = 0;
    struct place *x = &d->place[stuck];
    if (stuck == 0 || d->hold_until > mono)
        return NULL;
    d->stuck = 0;
    int64_t failed_at = x->failed_at > d->hold_until ? x->failed_at : d->hold_until;
    if (x->where != AGAIN || d->fresh.n > 0 || mono - failed_at > d->terms.wait_first_ms)
        return NULL;
    uint16_t passed = stuck;
    if (!x->barrier && (past = behind_by_name(d, x)) == 0)
        passed = barrier_from(d, stuck);
    if (past == 0 && passed != 0)
        past = behind_barrier(d, passed);
    if (past == 0 || d->place[passed].passed_by != 0)
        return NULL;
    struct place *kept = &d->place[passed];
    if (kept->where == AGAIN)
        heap_leave(d, passed);
    kept->where = BLOCKED;
    kept->waits_for++;
    kept->passed_by = past;
    d->place[past].passes = passed;
    return start(d, past);
}

static const struct delivery_thing *next_probe(struct delivery *d, int64_t mono, int64_t *ret_wake)
{
    if (d->open > 0)
        return NULL;
    const struct delivery_thing *past = let_past(d, mono);
    if (past != NULL || d->fresh.n + d->again.n == 0)
        return past;
    int64_t at = d->stuck == 0 && d->probe_at > d->hold_until ? d->probe_at : d->hold_until;
    if (at > mono) {
        *ret_wake = at;
        return NULL;
    }
    uint16_t p = d->fresh.n > 0 ? d->fresh.item[1] : d->again.item[1];
    d->place[p].is_probe = true;
    return start(d, p);
}

/* When it is tried again: soon, when so many wait for it. */
static int64_t due_of(const struct delivery *d, const struct place *x)
{
    int64_t soon = x->failed_at + DELIVERY_SOON * d->terms.wait_first_ms;
    return soon < x->due && is_jammed(d) ? soon : x->due;
}

const struct delivery_thing *delivery_next(struct delivery *d, int64_t mono, int64_t *ret_wake)
{
    size_t half = d->terms.parallel > 1 ? d->terms.parallel / 2 : 1;
    *ret_wake = INT64_MAX;
    if (d->open >= d->terms.parallel)
        return NULL;
    if (d->down)
        return next_probe(d, mono, ret_wake);
    const struct delivery_thing *past = let_past(d, mono);
    if (past != NULL)
        return past;
    bool again = d->again.n > 0 && d->again_open < half;
    bool fresh = d->fresh.n > 0;
    if (!again && !fresh)
        return NULL;
    if (d->hold_until > mono) {
        *ret_wake = d->hold_until;
        return NULL;
    }
    int64_t due_at = again ? due_of(d, &d->place[d->again.item[1]]) : INT64_MAX;
    bool due = due_at <= mono;
    if (fresh && (!due || !d->again_turn)) {
        d->again_turn = due; /* it was passed over */
        return start(d, d->fresh.item[1]);
    }
    d->again_turn = false;
    if (due)
        return start(d, d->again.item[1]);
    *ret_wake = due_at;
    return NULL;
}

/* --- what came of it ------------------------------------------------------------------------------------------------- */

static uint16_t place_of(const struct delivery *d, const struct delivery_thing *thing)
{
    return (uint16_t)((const struct place *)(const void *)thing - d->place);
}

static void came_back(struct delivery *d, uint16_t p)
{
    struct place *x = &d->place[p];
    d->open--;
    d->again_open -= x->was_again;
    x->was_again = x->is_probe = false;
    if (x->passes == 0)
        return;
    d->place[x->passes].passed_by = 0;
    release(d, x->passes);
    x->passes = 0;
}

/* It was on its way, and is to be again. */
static void put_back(struct delivery *d, uint16_t p)
{
    if (d->place[p].waits_for == 0)
        put_to_start(d, p);
    else
        d->place[p].where = BLOCKED; /* it had been let past */
}

static int64_t wait_of(const struct delivery *d, unsigned failures)
{
    int64_t wait = d->terms.wait_first_ms;
    for (unsigned i = 1; i < failures && wait < d->terms.wait_most_ms; i++)
        wait *= 2;
    return wait < d->terms.wait_most_ms ? wait : d->terms.wait_most_ms;
}

/* Something was taken: what failed meanwhile and has nothing held against it is as before, what has waits for that alone. */
static void forget_loose(struct delivery *d, int64_t mono)
{
    for (uint16_t p = d->oldest; p != 0 && d->loose > 0; p = d->place[p].after) {
        struct place *x = &d->place[p];
        if (x->loose == 0)
            continue;
        d->loose--;
        x->loose = 0;
        if (x->where != AGAIN)
            continue;
        heap_leave(d, p);
        int64_t due = mono + wait_of(d, x->held);
        x->due = due < x->due ? due : x->due;
        put_to_start(d, p);
    }
}

static void note_taken(struct delivery *d, int64_t mono)
{
    d->taken++;
    d->streak++;
    d->failing = d->distinct = 0;
    d->in_vain = 0;
    d->down = false;
    forget_loose(d, mono);
}

static void note_failed(struct delivery *d, struct place *x, bool probe, int64_t mono)
{
    if (d->failing == 0)
        d->failing_since = mono;
    d->in_vain += d->in_vain < DELIVERY_SUSPECT;
    if (x->streak != d->streak) {
        x->streak = d->streak;
        d->failing++;
        d->distinct += x->alone == 0; /* of the others it is known that they fail alone */
    }
    if (d->down && probe)
        d->probe_wait = d->probe_wait * 2 < d->terms.wait_most_ms ? d->probe_wait * 2 : d->terms.wait_most_ms;
    else if (!d->down && d->distinct >= DELIVERY_DOWN_AFTER)
        d->probe_wait = d->terms.wait_first_ms;
    else
        return;
    d->down = true;
    d->probe_at = mono + d->probe_wait;
}

/* It is known to fail while others do not. */
static bool is_suspect(const struct delivery *d, const struct place *x)
{
    return x->alone >= (is_jammed(d) ? 1 : DELIVERY_SUSPECT);
}

/* Whether it failed so often that something may be let past: soon where it holds everybody by being a barrier. */
static bool is_stuck(const struct delivery *d, const struct place *x)
{
    bool soon = x->barrier || is_jammed(d);
    return x->failures >= (soon ? DELIVERY_SUSPECT : d->terms.refusals) && !is_suspect(d, x);
}

/* Whether the failure is held against it. */
static bool hold_against(struct delivery *d, struct place *x, int status)
{
    bool others = d->taken > x->taken_before;
    x->taken_before = d->taken;
    if (!others && (d->down || !is_suspect(d, x))) {
        d->loose += x->loose++ == 0;
        return false;
    }
    x->held++;
    x->alone += others;
    x->refused += status >= 400 && status < 500 && status != 408 && status != 429;
    return true;
}

static bool is_refused(const struct delivery *d, const struct place *x)
{
    bool in_the_way = is_jammed(d) || d->added - x->order >= DELIVERY_AHEAD;
    return x->refused >= d->terms.refusals || x->held >= d->terms.failures ||
           (in_the_way && x->held >= d->terms.refusals);
}

static bool is_expired(const struct delivery *d, const struct place *x, int64_t mono, int64_t now)
{
    int64_t grace = d->terms.patience_ms < DELIVERY_GRACE_MS ? d->terms.patience_ms : DELIVERY_GRACE_MS;
    if (x->thing.at > now - d->terms.patience_ms)
        return false;
    return (x->held + x->loose > 0 && mono - x->failing_since >= grace) ||
           (d->failing > 0 && mono - d->failing_since >= grace);
}

static enum delivery_end failed(struct delivery *d, uint16_t p, bool probe, int64_t mono, int64_t now)
{
    struct place *x = &d->place[p];
    if (x->held + x->loose == 0)
        x->failing_since = mono;
    x->failures++;
    x->failed_at = mono;
    bool against = hold_against(d, x, x->thing.status);
    note_failed(d, x, probe, mono);
    if (against && is_refused(d, x)) {
        end(d, p);
        return DELIVERY_REFUSED;
    }
    if (is_expired(d, x, mono, now)) {
        end(d, p);
        return DELIVERY_EXPIRED;
    }
    x->due = mono + wait_of(d, x->held + x->loose);
    put_back(d, p);
    if (x->where == AGAIN && is_stuck(d, x))
        d->stuck = p;
    return DELIVERY_AGAIN;
}

void delivery_hold(struct delivery *d, int64_t until)
{
    d->hold_until = until > d->hold_until ? until : d->hold_until;
}

int64_t delivery_held(const struct delivery *d)
{
    return d->hold_until;
}

enum delivery_end delivery_answered(struct delivery *d, const struct delivery_thing *thing, int status,
                                    int64_t retry_after_ms, int64_t mono, int64_t now)
{
    uint16_t p = place_of(d, thing);
    bool probe = d->place[p].is_probe;
    came_back(d, p);
    d->place[p].thing.status = status;
    if (status >= 200 && status < 300) {
        end(d, p);
        note_taken(d, mono);
        return DELIVERY_TAKEN;
    }
    if ((status == 429 || status == 503) && retry_after_ms > 0) {
        int64_t until = mono + (retry_after_ms < d->terms.wait_most_ms ? retry_after_ms : d->terms.wait_most_ms);
        delivery_hold(d, until);
    }
    return failed(d, p, probe, mono, now);
}

void delivery_untried(struct delivery *d, const struct delivery_thing *thing)
{
    uint16_t p = place_of(d, thing);
    came_back(d, p);
    d->place[p].thing.attempts--;
    put_back(d, p);
}

/* --- taking out ------------------------------------------------------------------------------------------------------ */

static uint16_t first_at_home(const struct delivery *d)
{
    uint16_t p = d->oldest;
    while (p != 0 && (d->place[p].where == OPEN || d->place[p].passed_by != 0))
        p = d->place[p].after;
    return p;
}

static bool take_out(struct delivery *d, uint16_t p, struct delivery_thing *ret)
{
    *ret = d->place[p].thing;
    end(d, p);
    return true;
}

bool delivery_expire(struct delivery *d, int64_t mono, int64_t now, struct delivery_thing *ret)
{
    uint16_t p = first_at_home(d);
    return p != 0 && is_expired(d, &d->place[p], mono, now) && take_out(d, p, ret);
}

bool delivery_take_out(struct delivery *d, struct delivery_thing *ret)
{
    uint16_t p = first_at_home(d);
    return p != 0 && take_out(d, p, ret);
}
