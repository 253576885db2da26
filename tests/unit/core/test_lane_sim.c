/* SPDX-License-Identifier: Apache-2.0
 * test_lane_sim.c - a lane against an imitation of Meta, for hours of its time, in a world of chance.
 *
 * Messages leave in their turns, are on their way for some ten milliseconds each way, overtake each other, and are
 * accepted or refused with 130429 by a limiter of its own (GCRA as well, with a rate and a burst the lane is not told). What
 * is checked is counted outside of the lane: how much of the limit was used and how much was refused once it had time to
 * find it, how long authentication waits beside a campaign that never ends, who got how many turns, and that a circuit
 * lets one message try at a time whatever comes late, comes never or comes from callers.
 *
 * The seed is printed; WL_SIM_SEED runs the same again. */
#include "core/lane.h"

#include "t.h"

#define MS     INT64_C(1000)
#define SECOND INT64_C(1000000)
#define MINUTE (60 * SECOND)
#define START  (1000 * SECOND)

/* ---- the world ---- */

struct event {
    int64_t at, turn;
    bool arrives; /* at Meta, else its answer is back */
    bool outbox;
    size_t span; /* of the circuit in which it tries; 0: it does not */
    enum life_state state;
    int code;
};

#define EVENTS_MAX 65536

struct world {
    struct lane lane;
    uint64_t seed;
    int64_t now;
    struct event heap[EVENTS_MAX];
    size_t n;
    int64_t meta_tat, meta_interval, meta_tolerance; /* the limiter */
    uint64_t accepted, refused;
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

/* Another one for each story, so that they do not depend on each other. */
static struct world *world_of(struct pace permitted, int64_t meta_per_second, int64_t meta_burst_ms, uint64_t story)
{
    struct world *w = calloc(1, sizeof *w);
    assert_non_null(w);
    w->seed = first_seed() * 1000003 + story;
    w->now = START;
    w->meta_interval = SECOND / meta_per_second;
    w->meta_tolerance = meta_burst_ms * MS;
    lane_init(&w->lane, permitted, w->now);
    return w;
}

static int64_t below(struct world *w, int64_t n)
{
    uint64_t z = w->seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (int64_t)((z ^ (z >> 31)) % (uint64_t)n);
}

static void plan(struct world *w, struct event e)
{
    assert_true(w->n < EVENTS_MAX);
    size_t i = w->n++;
    for (; i > 0 && w->heap[(i - 1) / 2].at > e.at; i = (i - 1) / 2)
        w->heap[i] = w->heap[(i - 1) / 2];
    w->heap[i] = e;
}

static struct event pop(struct world *w)
{
    struct event top = w->heap[0], last = w->heap[--w->n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < w->n; i = child) {
        if (child + 1 < w->n && w->heap[child + 1].at < w->heap[child].at)
            child++;
        if (last.at <= w->heap[child].at)
            break;
        w->heap[i] = w->heap[child];
    }
    w->heap[i] = last;
    return top;
}

static int64_t one_way(struct world *w)
{
    return 15 * MS + below(w, 30 * MS);
}

static void judge(struct world *w, struct event *e)
{
    bool takes = w->meta_tat <= w->now + w->meta_tolerance;
    if (takes)
        w->meta_tat = pace_take(w->meta_tat, w->now, w->meta_interval);
    w->accepted += takes;
    w->refused += !takes;
    e->state = takes ? LIFE_ACCEPTED : LIFE_REJECTED;
    e->code = takes ? 0 : 130429;
}

/* Everything up to now. */
static void happen(struct world *w)
{
    while (w->n > 0 && w->heap[0].at <= w->now) {
        struct event e = pop(w);
        if (!e.arrives) {
            lane_heard(&w->lane, e.turn, e.state, e.code, w->now);
            continue;
        }
        judge(w, &e);
        e.arrives = false;
        e.at = w->now + one_way(w);
        plan(w, e);
    }
}

/* A campaign without end, until then. */
static void run_until(struct world *w, int64_t until)
{
    enum lane_class c;
    int64_t campaign, when;
    while (w->now < until) {
        if (w->lane.row[LANE_MARKETING].waiting == 0)
            assert_true(lane_join(&w->lane, LANE_MARKETING, 1, 1));
        if (lane_next(&w->lane, w->now, &c, &campaign, &when) == LANE_GO) {
            plan(w, (struct event){.at = w->now + one_way(w), .turn = w->now, .arrives = true});
            continue;
        }
        assert_true(when > w->now);
        when = w->n > 0 && w->heap[0].at < when ? w->heap[0].at : when;
        w->now = when < until ? when : until;
        happen(w);
    }
}

/* ---- the limit is found, and used ---- */

/* What an hour brought: of the limit, and of what was sent, in parts of a million. */
static void check_hour(struct world *w, int64_t limit, int64_t used_least, int64_t refused_most)
{
    int64_t accepted = (int64_t)w->accepted, refused = (int64_t)w->refused;
    run_until(w, w->now + 60 * MINUTE);
    accepted = (int64_t)w->accepted - accepted;
    refused = (int64_t)w->refused - refused;
    int64_t used = accepted * 1000000 / (3600 * limit), bad = refused * 1000000 / (accepted + refused);
    print_message("  %4lld/s: used %.2f %%, refused %.4f %%\n", (long long)limit, (double)used / 1e4,
                  (double)bad / 1e4);
    assert_in_range(used, used_least, 1001000);
    assert_in_range(bad, 0, refused_most);
}

TEST(a_limit_is_found_and_used)
{
    static const struct {
        int64_t permitted, limit, burst_ms;
    } rows[] = {
        {20, 20, 1000}, {80, 80, 1000},    {1000, 1000, 1000}, /* as permitted */
        {20, 20, 100},  {80, 80, 100},     {1000, 1000, 100},  /* with no more burst than ours */
        {20, 10, 1000}, {80, 40, 1000},    {1000, 500, 1000},  /* a limit nobody told us of */
        {20, 10, 100},  {80, 40, 100},     {1000, 500, 100},   {80, 79, 300},
        {80, 20, 300},  {1000, 100, 1000}, {1000, 500, 3000},  {1000, 990, 1000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = world_of(pace_of(rows[i].permitted, 100), rows[i].limit, rows[i].burst_ms, i);
        run_until(w, START + 10 * MINUTE); /* it may look for it for that long */
        check_hour(w, rows[i].limit, 980000, 1000);
        free(w);
    }
}

/* Meta slows down for a while and is its old self again. */
TEST(a_limit_that_comes_and_goes_is_followed)
{
    struct world *w = world_of(pace_of(1000, 100), 1000, 1000, 100);
    run_until(w, START + 2 * MINUTE);
    assert_int_equal(w->refused, 0);
    for (int i = 0; i < 2; i++) {
        w->meta_interval = SECOND / (i ? 100 : 400);
        run_until(w, w->now + 5 * MINUTE);
        assert_in_range(lane_pace_permille(&w->lane), 1, i ? 110000 : 440000);
        w->meta_interval = SECOND / 1000;
        run_until(w, w->now + 40 * MINUTE);
        assert_int_equal(lane_pace_permille(&w->lane), 1000000);
    }
    free(w);
}

/* What comes in takes its part of the limit; together they stay within it. */
TEST(what_comes_in_leaves_room)
{
    struct world *w = world_of(pace_of(80, 100), 80, 1000, 101);
    int64_t end = START + 20 * MINUTE;
    while (w->now < end) {
        run_until(w, w->now + 40 * MS + below(w, 20 * MS)); /* some 20 a second */
        w->meta_tat = pace_take(w->meta_tat, w->now, w->meta_interval);
        lane_inbound(&w->lane, 1, w->now);
    }
    assert_int_equal(w->refused, 0);
    assert_in_range(w->accepted, 60 * 1200 * 98 / 100, 61 * 1200);
    free(w);
}

/* ---- who waits how long ---- */

static int compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

/* One in twenty is for authentication, at times of chance, beside a campaign that never ends. */
TEST(authentication_hardly_waits)
{
    static int64_t waited[30000], came[4096];
    struct world *w = world_of(pace_of(80, 100), 80, 1000, 102);
    size_t n = 0, first = 0, last = 0, marketing = 0;
    int64_t next = w->now, when, campaign;
    enum lane_class c;
    while (n < sizeof waited / sizeof waited[0]) {
        for (; next <= w->now; next += 1 + below(w, 2 * 20 * 12500)) {
            assert_true(lane_join(&w->lane, LANE_AUTHENTICATION, 0, 1));
            came[last++ % 4096] = next;
        }
        if (w->lane.row[LANE_MARKETING].waiting == 0)
            assert_true(lane_join(&w->lane, LANE_MARKETING, 1, 1));
        if (lane_next(&w->lane, w->now, &c, &campaign, &when) == LANE_LATER) {
            w->now = when < next ? when : next;
        } else if (c == LANE_AUTHENTICATION) {
            assert_true(last - first <= 4096);
            waited[n++] = w->now - came[first++ % 4096];
        } else {
            marketing++;
        }
    }
    qsort(waited, n, sizeof waited[0], compare);
    print_message("  authentication waits: p50 %lld us, p99 %lld us, most %lld us\n", (long long)waited[n / 2],
                  (long long)waited[n * 99 / 100], (long long)waited[n - 1]);
    assert_in_range(waited[n * 99 / 100], 0, 250 * MS);
    assert_in_range(marketing, n * 18, n * 20); /* and what it leaves is used */
    free(w);
}

/* ---- who has how many turns ---- */

#define FLOWS 8

/* Campaigns come and go, with few messages or many: in any stretch through which all of them waited, each had its part. */
TEST(turns_are_shared_by_weight_whoever_comes_and_goes)
{
    struct world *w = world_of(pace_of(1000, 0), 1000, 0, 103);
    for (int round = 0; round < 400; round++) {
        int64_t weight[FLOWS], got[FLOWS] = {0}, sum = 0, campaign, when, turns = 1000;
        enum lane_class c;
        for (int i = 0; i < FLOWS; i++) {
            weight[i] = round % 4 == 0 ? 1 : 1 + below(w, 9) * below(w, 40);
            sum += weight[i];
            for (int k = 0; k < 1001; k++)
                assert_true(lane_join(&w->lane, LANE_SERVICE, i + 1, (uint32_t)weight[i]));
        }
        for (int64_t i = 0; i < turns; w->now += MS) {
            if (below(w, 4) == 0) /* a visitor */
                lane_join(&w->lane, LANE_SERVICE, 100 + below(w, 30), (uint32_t)below(w, 400));
            assert_int_equal(lane_next(&w->lane, w->now, &c, &campaign, &when), LANE_GO);
            if (campaign > FLOWS)
                continue;
            got[campaign - 1]++;
            i++;
        }
        for (int i = 0; i < FLOWS; i++) { /* to 2 % of the turns and one for each of the others */
            int64_t want = turns * weight[i] / sum;
            assert_in_range(got[i] + turns, want + turns - turns / 50 - FLOWS, want + turns + turns / 50 + FLOWS);
        }
        while (lane_next(&w->lane, w->now, &c, &campaign, &when) != LANE_IDLE)
            w->now += MS;
    }
    free(w);
}

TEST(two_equal_campaigns_get_the_same_and_marketing_its_floor)
{
    for (uint32_t weight = 1; weight <= 1000; weight *= 10) {
        struct world *w = world_of(pace_of(1000, 0), 1000, 0, 104);
        int64_t got[4] = {0}, campaign, when;
        enum lane_class c;
        for (int i = 0; i < 3000; i++) {
            assert_true(lane_join(&w->lane, LANE_MARKETING, 1, weight));
            assert_true(lane_join(&w->lane, LANE_MARKETING, 2, weight));
        }
        for (int i = 0; i < 1000; i++, w->now += MS) {
            assert_int_equal(lane_next(&w->lane, w->now, &c, &campaign, &when), LANE_GO);
            got[campaign]++;
        }
        assert_in_range(got[1], 490, 510);
        for (int i = 0; i < 20000; i++)
            assert_true(lane_join(&w->lane, LANE_UTILITY, 3, 1));
        got[3] = 0;
        for (int i = 0; i < 20000; i++, w->now += MS) {
            assert_int_equal(lane_next(&w->lane, w->now, &c, &campaign, &when), LANE_GO);
            got[3] += c == LANE_UTILITY;
        }
        assert_in_range(got[3], 18999, 19001); /* 95 % */
        free(w);
    }
}

/* ---- one tries ---- */

struct half_open {
    size_t span;   /* from one opening to the next closing */
    size_t trying; /* of the outbox, sent in this span, without an answer */
    size_t tried, openings, late, callers;
};

/* What Meta says and when. For ten minutes it is well but for one in two hundred, for ten it is not. */
static struct event chance(struct world *w, bool outbox)
{
    static const struct {
        enum life_state state;
        int code;
    } words[] = {{LIFE_ACCEPTED, 0},      {LIFE_ACCEPTED, 0},  {LIFE_ACCEPTED, 0},      {LIFE_REJECTED, 131026},
                 {LIFE_REJECTED, 131057}, {LIFE_REJECTED, 10}, {LIFE_REJECTED, 130429}, {LIFE_AMBIGUOUS, 0},
                 {LIFE_UNSENT, 0},        {LIFE_AMBIGUOUS, 0}};
    bool well = w->now / (10 * MINUTE) % 2 == 0 && below(w, 200) != 0;
    size_t i = well ? 0 : (size_t)below(w, sizeof words / sizeof words[0]);
    int64_t takes = below(w, 20) == 0 ? below(w, 40 * SECOND) : below(w, 300 * MS); /* some are very late */
    return (struct event){
        .at = w->now + takes, .turn = w->now, .outbox = outbox, .state = words[i].state, .code = words[i].code};
}

/* An answer, or the turn is given back. */
static void answer(struct world *w, struct half_open *h, struct event e)
{
    struct lane *l = &w->lane;
    int64_t until = l->open_until_us;
    bool of_before = e.turn < l->heed_us;
    if (e.span == h->span)
        h->trying--;
    if (below(w, 10) == 0)
        lane_give_back(l, e.turn, w->now);
    else
        lane_heard(l, e.turn, e.state, e.code, w->now);
    h->late += of_before;
    if (of_before)
        assert_int_equal(l->open_until_us, until);
    if (until == 0 && l->open_until_us != 0) {
        h->openings++;
        h->span++;
        h->trying = 0;
    }
}

/* The outbox always has some; for half of the time callers come as well. */
static void somebody_joins(struct world *w)
{
    enum lane_class theirs = (enum lane_class)below(w, 4);
    bool calls = w->now / (35 * MINUTE) % 2 == 0 && below(w, 20) == 0;
    if (w->lane.row[LANE_UTILITY].waiting < 5)
        assert_true(lane_join(&w->lane, LANE_UTILITY, below(w, 3), 1));
    if (calls && w->lane.row[theirs].callers == 0)
        assert_true(lane_join(&w->lane, theirs, LANE_CALLERS, 1));
}

static void leaves(struct world *w, struct half_open *h, int64_t until, bool outbox)
{
    struct event e = chance(w, outbox);
    h->callers += until != 0 && !outbox;
    if (until != 0 && outbox) {
        assert_true(w->now >= until);
        assert_int_equal(h->trying++, 0);
        h->tried++;
        e.span = h->span;
    }
    plan(w, e);
}

TEST(one_message_tries_whatever_comes_late)
{
    struct world *w = world_of(pace_of(20, 1000), 20, 1000, 105);
    struct half_open h = {.span = 1};
    int64_t campaign, when, open_us = 0;
    enum lane_class c;
    while (w->now < START + 24 * 60 * MINUTE) {
        int64_t until = w->lane.open_until_us, from = w->now;
        somebody_joins(w);
        if (lane_next(&w->lane, w->now, &c, &campaign, &when) == LANE_GO) {
            leaves(w, &h, until, campaign != LANE_CALLERS);
        } else {
            when = when < w->now + SECOND ? when : w->now + SECOND; /* somebody may call */
            w->now = w->n > 0 && w->heap[0].at < when ? w->heap[0].at : when;
        }
        open_us += until != 0 ? w->now - from : 0;
        while (w->n > 0 && w->heap[0].at <= w->now)
            answer(w, &h, pop(w));
    }
    print_message(
        "  circuit: opened %zu times, %lld minutes in all, %zu tried, %zu callers beside, %zu answers of before\n",
        h.openings, (long long)(open_us / MINUTE), h.tried, h.callers, h.late);
    assert_true(h.openings > 200 && h.tried > 100 && h.callers > 500 && h.late > 2000);
    assert_in_range(open_us, 60 * MINUTE, 23 * 60 * MINUTE); /* it closes again */
    free(w);
}

TESTS(T(a_limit_is_found_and_used), T(a_limit_that_comes_and_goes_is_followed), T(what_comes_in_leaves_room),
      T(authentication_hardly_waits), T(turns_are_shared_by_weight_whoever_comes_and_goes),
      T(two_equal_campaigns_get_the_same_and_marketing_its_floor), T(one_message_tries_whatever_comes_late))
