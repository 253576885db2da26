/* SPDX-License-Identifier: Apache-2.0
 * test_delivery_sim.c - a window against receivers that are down, slow, refuse single things and lose answers, for hours
 * of their time, in a world of chance.
 *
 * Things come in at a rate and speak of messages and persons; what is handed over arrives after a while, is judged, and the
 * answer comes back after another, or never. What is checked is counted outside of the scheduler: every thing ends once and
 * nothing is lost; two of one name are never on their way together and never taken the wrong way round, but for the few that
 * are let past one that holds everything up; the position never passes what is not over; whoever has nothing to do with a thing that is refused does not wait for it; nobody is refused
 * whom the receiver would have taken; a receiver that is down sees one probe at a time; nobody is woken in vain.
 *
 * The seed is printed; WL_SIM_SEED runs the same again. */
#include "core/delivery.h"

#include "t.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define START  (1000 * SECOND)
#define WALL   INT64_C(1790000000000)

#define THINGS_MAX 20000
#define NAMES      3

enum end { LIVE, TAKEN, REFUSED, EXPIRED };

struct thing {
    int64_t at, first_try, ended; /* mono */
    int name[NAMES];              /* 0: none */
    bool crowd;                   /* too many names to tell */
    int refused_with;             /* a poison thing: this status each time; 0: it is none */
    bool poisoned;                /* it waits, or waited, for a poison thing by name */
    bool received, failed, alone; /* it failed while others were taken */
    size_t taken_before;
    int failures, passed; /* taken before it, of the same name */
    enum end end;
};

/* How the receiver is. */
struct story {
    const char *name;
    int things;
    int64_t each_ms; /* one comes in so often */
    unsigned parallel;
    int persons; /* so many */
    int poison_permille, poison_status;
    int crowd_permille;
    int lost_permille;      /* taken, but the answer never comes */
    int64_t up_ms, down_ms; /* alternating; 0: always up */
    int64_t slow_ms;        /* on the way, at most */
    int limit_permille;     /* 429 with a Retry-After */
    int64_t patience_ms;
    int untried_permille; /* we stop in the middle, and go on */
    int64_t over_ms;      /* after the last one came, all are taken that can be; 0: within the patience */
    int64_t held_up_ms;   /* nobody waits longer whom no poison concerns, while it is up */
};

struct flight {
    int64_t at;
    const struct delivery_thing *thing;
    int status;
    int64_t retry_after;
};

struct world {
    const struct story *s;
    uint64_t seed;
    struct delivery *d;
    int64_t now, coming, taken_at;
    struct thing *thing; /* from 1: seq */
    int come, read, ended;
    struct flight flight[64];
    size_t flights;
    int64_t position;
    int distinct; /* failed since one was taken */
    bool failed[THINGS_MAX + 1];
    size_t attempts, idle, woken_in_vain, probes, ends[4], most_open;
    int64_t longest;
};

static uint64_t first_seed(void)
{
    static bool said;
    const char *text = getenv("WL_SIM_SEED");
    uint64_t seed = text != NULL ? strtoull(text, NULL, 0) : 20261122;
    if (!said)
        print_message("WL_SIM_SEED=%llu\n", (unsigned long long)seed);
    said = true;
    return seed;
}

static int64_t below(struct world *w, int64_t n)
{
    uint64_t z = w->seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (int64_t)((z ^ (z >> 31)) % (uint64_t)n);
}

static bool chance(struct world *w, int permille)
{
    return below(w, 1000) < permille;
}

static bool is_up(const struct world *w, int64_t at)
{
    const struct story *s = w->s;
    return s->down_ms == 0 || (at - START) % (s->up_ms + s->down_ms) < s->up_ms;
}

/* Whether it was up all the time from then to now. */
static bool was_up(const struct world *w, int64_t from)
{
    const struct story *s = w->s;
    return s->down_ms == 0 ||
           (is_up(w, from) && (w->now - START) / (s->up_ms + s->down_ms) == (from - START) / (s->up_ms + s->down_ms) &&
            is_up(w, w->now));
}

/* --- things ---------------------------------------------------------------------------------------------------------- */

static void come(struct world *w)
{
    struct thing *t = &w->thing[++w->come];
    *t = (struct thing){.at = w->now};
    t->crowd = chance(w, w->s->crowd_permille);
    for (int i = 0; i < NAMES && w->s->persons > 0; i++)
        t->name[i] = (int)below(w, 3) > 0 ? 1 + (int)below(w, w->s->persons) : 0;
    if (w->come < w->s->things / 10 * 9 && chance(w, w->s->poison_permille)) /* others come behind each */
        t->refused_with = w->s->poison_status;
}

/* As a stream of bodies is read into the window. */
static void read_window(struct world *w)
{
    while (w->read < w->come) {
        struct thing *t = &w->thing[w->read + 1];
        struct delivery_names n = {0};
        struct delivery_thing thing = {.seq = w->read + 1, .event = -1, .at = WALL + t->at - START, .names = &n};
        for (int i = 0; i < (t->crowd ? 2 * DELIVERY_NAMES_MAX : NAMES); i++) {
            char name[20];
            int k = t->crowd ? 100000 + i : t->name[i];
            if (k > 0)
                delivery_name(&n, (struct str){name, (size_t)snprintf(name, sizeof name, "name %d", k)});
        }
        if (!delivery_add(w->d, &thing))
            return;
        w->read++;
    }
}

static bool share_a_name(const struct thing *a, const struct thing *b)
{
    if (a->crowd || b->crowd)
        return true;
    for (int i = 0; i < NAMES; i++)
        for (int k = 0; k < NAMES; k++)
            if (a->name[i] != 0 && a->name[i] == b->name[k])
                return true;
    return false;
}

/* Those before it that share a name are over, or it was let past: the first of them, which failed so often, lets a few past,
 * and with it those that failed behind it. */
static void check_order(struct world *w, int seq)
{
    bool stuck = false, first = true;
    for (int k = (int)w->position + 1; k < seq; k++) {
        struct thing *t = &w->thing[k];
        if (t->end != LIVE)
            continue;
        stuck |= t->failures >= DELIVERY_SUSPECT;
        if (!share_a_name(t, &w->thing[seq]))
            continue;
        bool barrier_behind = stuck && t->crowd && t->failures == 0;
        t->passed += first && !barrier_behind;
        if (!stuck || t->passed > DELIVERY_SUSPECT || (t->failures == 0 && !barrier_behind))
            fail_msg("%s: %d was taken before %d, of the same name, which failed %d times", w->s->name, seq, k,
                     t->failures);
        first = false;
    }
}

static void note_end(struct world *w, int seq, enum end end)
{
    struct thing *t = &w->thing[seq];
    assert_int_equal(t->end, LIVE);
    t->end = end;
    t->ended = w->now;
    w->ended++;
    w->ends[end]++;
    if (end == TAKEN) {
        w->taken_at = w->now;
        check_order(w, seq);
    }
    if (end == REFUSED && t->refused_with == 0)
        fail_msg("%s: %d was given up, and the receiver would have taken it", w->s->name, seq);
    if (end == TAKEN && !t->received)
        fail_msg("%s: %d ended, and the receiver has not got it", w->s->name, seq);
}

/* --- the receiver ---------------------------------------------------------------------------------------------------- */

static void judge(struct world *w, struct flight *f, struct thing *t)
{
    const struct story *s = w->s;
    int64_t there = w->now + 1 + below(w, s->slow_ms);
    f->at = there + 1 + below(w, 20);
    f->retry_after = 0;
    if (!is_up(w, there)) {
        static const int ways[] = {0, 0, 502, 503, 404, 400, 500};
        f->status = ways[below(w, 7)];
        f->at += f->status == 0 && below(w, 2) == 0 ? 10 * SECOND : 0;
    } else if (chance(w, s->limit_permille)) {
        f->status = 429;
        f->retry_after = 2 * SECOND;
    } else if (t->refused_with != 0) {
        f->status = t->refused_with == -1 ? 0 : t->refused_with;
        f->at += f->status == 0 ? 10 * SECOND : 0;
    } else {
        t->received = true;
        f->status = chance(w, s->lost_permille) ? 0 : 200;
    }
}

static void hand_over(struct world *w, const struct delivery_thing *thing)
{
    struct thing *t = &w->thing[thing->seq];
    for (size_t i = 0; i < w->flights; i++)
        if (share_a_name(t, &w->thing[w->flight[i].thing->seq]))
            fail_msg("%s: %lld and %lld are on their way together", w->s->name, (long long)thing->seq,
                     (long long)w->flight[i].thing->seq);
    assert_int_equal(t->end, LIVE);
    if (w->distinct >= DELIVERY_DOWN_AFTER) {
        assert_int_equal(w->flights, 0);
        w->probes++;
    }
    w->attempts++;
    if (!t->failed)
        t->taken_before = w->ends[TAKEN];
    if (t->first_try == 0) {
        t->first_try = w->now;
        if (!t->poisoned && was_up(w, t->at) && w->now - t->at > w->longest)
            w->longest = w->now - t->at;
    }
    struct flight *f = &w->flight[w->flights++];
    f->thing = thing;
    judge(w, f, t);
    if (w->flights > w->most_open)
        w->most_open = w->flights;
    assert_true(w->flights <= w->s->parallel && w->flights == delivery_open(w->d));
}

static void note_failed(struct world *w, int seq)
{
    struct thing *t = &w->thing[seq];
    t->alone |= w->ends[TAKEN] > t->taken_before;
    t->taken_before = w->ends[TAKEN];
    t->failed = true;
    t->failures++;
    if (!w->failed[seq] && !t->alone)
        w->distinct++;
    w->failed[seq] = true;
}

static void answer(struct world *w, size_t i)
{
    struct flight f = w->flight[i];
    int seq = (int)f.thing->seq;
    w->flight[i] = w->flight[--w->flights];
    if (chance(w, w->s->untried_permille)) {
        delivery_untried(w->d, f.thing);
        return;
    }
    if (f.status == 200) {
        w->distinct = 0;
        memset(w->failed, 0, sizeof w->failed);
    } else {
        note_failed(w, seq);
    }
    switch (delivery_answered(w->d, f.thing, f.status, f.retry_after, w->now, WALL + w->now - START)) {
    case DELIVERY_TAKEN:
        note_end(w, seq, TAKEN);
        break;
    case DELIVERY_REFUSED:
        note_end(w, seq, REFUSED);
        break;
    case DELIVERY_EXPIRED:
        note_end(w, seq, EXPIRED);
        break;
    case DELIVERY_AGAIN:
        break;
    }
}

/* --- the world goes round -------------------------------------------------------------------------------------------- */

/* Who waits for a thing that is refused, or for one that waits for it, may wait long. */
static void mark_poisoned(struct world *w, int seq)
{
    struct thing *t = &w->thing[seq];
    t->poisoned = t->refused_with != 0;
    for (int k = seq - 1; !t->poisoned && k > w->position; k--)
        t->poisoned = w->thing[k].end == LIVE && w->thing[k].poisoned && share_a_name(t, &w->thing[k]);
}

static void check_position(struct world *w)
{
    int64_t position = delivery_position(w->d, w->read);
    assert_true(position >= w->position && position <= w->read);
    for (int64_t seq = w->position + 1; seq <= position; seq++)
        assert_int_not_equal(w->thing[seq].end, LIVE);
    w->position = position;
}

static int64_t next_answer(const struct world *w, size_t *ret)
{
    int64_t at = INT64_MAX;
    for (size_t i = 0; i < w->flights; i++)
        if (w->flight[i].at < at) {
            at = w->flight[i].at;
            *ret = i;
        }
    return at;
}

static int64_t step(struct world *w)
{
    int64_t wake;
    struct delivery_thing out;
    const struct delivery_thing *t;
    while (delivery_expire(w->d, w->now, WALL + w->now - START, &out))
        note_end(w, (int)out.seq, EXPIRED);
    read_window(w);
    while ((t = delivery_next(w->d, w->now, &wake)) != NULL)
        hand_over(w, t);
    w->idle++;
    w->woken_in_vain += wake <= w->now;
    check_position(w);
    return wake;
}

static struct world *begin(const struct story *s, uint64_t number)
{
    struct world *w = calloc(1, sizeof *w);
    struct delivery_terms terms = delivery_usual;
    assert_non_null(w);
    w->s = s;
    w->seed = first_seed() * 1000003 + number;
    w->now = w->coming = START;
    w->thing = calloc(THINGS_MAX + 1, sizeof *w->thing);
    assert_non_null(w->thing);
    terms.parallel = s->parallel;
    if (s->patience_ms > 0)
        terms.patience_ms = s->patience_ms;
    w->d = delivery_create(&terms);
    assert_non_null(w->d);
    return w;
}

/* Time goes on to what happens next. */
static void go_on(struct world *w, int64_t wake)
{
    size_t i = 0;
    int64_t at = next_answer(w, &i), new = w->come < w->s->things ? w->coming : INT64_MAX;
    int64_t next = wake < at ? wake : at;
    next = new < next ? new : next;
    if (next == INT64_MAX || next > START + 30 * 24 * HOUR)
        fail_msg("%s: everything stands still: %zu there, %d over, %d read, down since %lld", w->s->name,
                 delivery_count(w->d), w->ended, w->read, (long long)delivery_down(w->d));
    w->now = next > w->now ? next : w->now;
    if (at <= w->now) {
        answer(w, i);
    } else if (new <= w->now) {
        come(w);
        mark_poisoned(w, w->come);
        w->coming += 1 + below(w, 2 * w->s->each_ms);
    }
}

static void check_story(struct world *w)
{
    const struct story *s = w->s;
    assert_int_equal(w->position, s->things);
    assert_int_equal(delivery_count(w->d), 0);
    assert_int_equal(w->woken_in_vain, 0);
    if (s->over_ms > 0 && w->taken_at - w->coming > s->over_ms)
        fail_msg("%s: over after another %lld ms", s->name, (long long)(w->taken_at - w->coming));
    if (w->longest > s->held_up_ms)
        fail_msg("%s: somebody waited %lld ms for nothing", s->name, (long long)w->longest);
    for (int seq = 1; seq <= s->things; seq++) {
        const struct thing *t = &w->thing[seq];
        enum end should = t->refused_with == 0 ? TAKEN : REFUSED;
        bool nobody_else = t->refused_with != 0 && t->ended - w->taken_at > 6 * 24 * HOUR; /* nobody waits for it */
        if (t->end != should && (t->end != EXPIRED || (s->patience_ms == 0 && !nobody_else)))
            fail_msg("%s: %d ended as %d", s->name, seq, (int)t->end);
    }
}

static void run(const struct story *s, uint64_t number)
{
    struct world *w = begin(s, number);
    for (int64_t wake = step(w); w->ended < s->things; wake = step(w))
        go_on(w, wake);
    print_message("%-34s %6d things, %7zu attempts, %6zu taken, %5zu refused, %5zu expired, %5zu probes, at most %2zu "
                  "open, longest wait %lld ms, %zu times nobody\n",
                  s->name, s->things, w->attempts, w->ends[TAKEN], w->ends[REFUSED], w->ends[EXPIRED], w->probes,
                  w->most_open, (long long)w->longest, w->idle);
    check_story(w);
    delivery_free(w->d);
    free(w->thing);
    free(w);
}

/* Rates leave room: one each 20 ms, answered within 60, over 8 places. */
static const struct story stories[] = {
    {.name = "all well",
     .things = 20000,
     .each_ms = 20,
     .parallel = 8,
     .persons = 30000,
     .slow_ms = 60,
     .held_up_ms = 2 * SECOND},
    {.name = "one at a time",
     .things = 5000,
     .each_ms = 100,
     .parallel = 1,
     .persons = 30000,
     .slow_ms = 60,
     .held_up_ms = 5 * SECOND},
    {.name = "a hundredth refused",
     .things = 20000,
     .each_ms = 20,
     .parallel = 8,
     .persons = 30000,
     .poison_permille = 10,
     .poison_status = 400,
     .slow_ms = 60,
     .held_up_ms = 5 * SECOND},
    {.name = "the window full of who waits",
     .things = 20000,
     .each_ms = 20,
     .parallel = 8,
     .persons = 1500,
     .poison_permille = 10,
     .poison_status = 400,
     .slow_ms = 60,
     .over_ms = HOUR,
     .held_up_ms = 10 * MINUTE},
    {.name = "a tenth refused",
     .things = 8000,
     .each_ms = 50,
     .parallel = 8,
     .persons = 0,
     .poison_permille = 100,
     .poison_status = 422,
     .slow_ms = 60,
     .held_up_ms = 10 * SECOND},
    {.name = "some crash it (500)",
     .things = 20000,
     .each_ms = 100,
     .parallel = 8,
     .persons = 30000,
     .poison_permille = 2,
     .poison_status = 500,
     .slow_ms = 60,
     .held_up_ms = 10 * SECOND},
    {.name = "some hang it",
     .things = 20000,
     .each_ms = 100,
     .parallel = 8,
     .persons = 30000,
     .poison_permille = 2,
     .poison_status = -1,
     .slow_ms = 60,
     .held_up_ms = 30 * SECOND},
    {.name = "little comes, some refused",
     .things = 500,
     .each_ms = 2 * MINUTE,
     .parallel = 8,
     .persons = 50,
     .poison_permille = 50,
     .poison_status = 404,
     .slow_ms = 60,
     .held_up_ms = 5 * MINUTE + SECOND},
    {.name = "little comes, one person",
     .things = 300,
     .each_ms = 2 * MINUTE,
     .parallel = 8,
     .persons = 1,
     .poison_permille = 50,
     .poison_status = 400,
     .slow_ms = 60,
     .held_up_ms = 5 * MINUTE + SECOND},
    {.name = "answers lost",
     .things = 20000,
     .each_ms = 20,
     .parallel = 8,
     .persons = 30000,
     .lost_permille = 20,
     .slow_ms = 60,
     .held_up_ms = 10 * SECOND},
    {.name = "down for an hour of two",
     .things = 20000,
     .each_ms = SECOND,
     .parallel = 8,
     .persons = 30000,
     .slow_ms = 60,
     .up_ms = HOUR,
     .down_ms = HOUR,
     .held_up_ms = 10 * MINUTE},
    {.name = "down for seconds, often",
     .things = 20000,
     .each_ms = 50,
     .parallel = 8,
     .persons = 30000,
     .slow_ms = 60,
     .up_ms = 20 * SECOND,
     .down_ms = 5 * SECOND,
     .held_up_ms = 40 * SECOND},
    {.name = "down, refusing and losing",
     .things = 20000,
     .each_ms = 200,
     .parallel = 8,
     .persons = 30000,
     .poison_permille = 5,
     .poison_status = 400,
     .lost_permille = 10,
     .slow_ms = 60,
     .up_ms = 10 * MINUTE,
     .down_ms = 10 * MINUTE,
     .held_up_ms = 10 * MINUTE},
    {.name = "down beyond its patience",
     .things = 5000,
     .each_ms = 10 * SECOND,
     .parallel = 8,
     .persons = 30000,
     .slow_ms = 60,
     .up_ms = HOUR,
     .down_ms = 30 * HOUR,
     .patience_ms = 10 * HOUR,
     .held_up_ms = 10 * MINUTE},
    {.name = "slow",
     .things = 5000,
     .each_ms = 400,
     .parallel = 16,
     .persons = 30000,
     .slow_ms = 9 * SECOND,
     .held_up_ms = 5 * MINUTE},
    {.name = "limits its pace",
     .things = 5000,
     .each_ms = 100,
     .parallel = 8,
     .persons = 30000,
     .slow_ms = 60,
     .limit_permille = 10,
     .held_up_ms = 30 * SECOND},
    {.name = "bodies of a thousand among them",
     .things = 10000,
     .each_ms = 100,
     .parallel = 8,
     .persons = 30000,
     .crowd_permille = 20,
     .slow_ms = 60,
     .held_up_ms = 10 * SECOND},
    {.name = "a body of a thousand hangs it",
     .things = 1000,
     .each_ms = 2 * MINUTE,
     .parallel = 8,
     .persons = 30000,
     .poison_permille = 20,
     .poison_status = 502,
     .crowd_permille = 100,
     .slow_ms = 60,
     .over_ms = 4 * 24 * HOUR,
     .held_up_ms = 6 * MINUTE},
    {.name = "one name, some hang it",
     .things = 300,
     .each_ms = 2 * MINUTE,
     .parallel = 8,
     .persons = 1,
     .poison_permille = 20,
     .poison_status = -1,
     .slow_ms = 60,
     .over_ms = 4 * 24 * HOUR,
     .held_up_ms = 6 * MINUTE},
    {.name = "few people, a day of refusals",
     .things = 1000,
     .each_ms = 10 * MINUTE,
     .parallel = 8,
     .persons = 3,
     .slow_ms = 60,
     .up_ms = HOUR,
     .down_ms = 24 * HOUR,
     .held_up_ms = 10 * MINUTE},
    {.name = "we stop and go on",
     .things = 10000,
     .each_ms = 50,
     .parallel = 8,
     .persons = 100,
     .slow_ms = 60,
     .untried_permille = 50,
     .up_ms = MINUTE,
     .down_ms = MINUTE,
     .held_up_ms = 2 * MINUTE},
};

TEST(nothing_is_lost_and_nobody_waits_for_others)
{
    for (size_t i = 0; i < sizeof stories / sizeof stories[0]; i++)
        run(&stories[i], i);
}

TESTS(T(nothing_is_lost_and_nobody_waits_for_others))
