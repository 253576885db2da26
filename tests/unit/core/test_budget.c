/* SPDX-License-Identifier: Apache-2.0
 * test_budget.c - the ring never counts fewer people than were reached in the last 24 hours, at most those of a quarter
 * of an hour more, and says when places become free. The checker keeps a list of every message instead. */
#include "core/budget.h"

#include "rules_fixture.h"

#define DAY    (24 * HOUR)
#define PEOPLE 60
#define MOST   400

/* Every person's times by the gateway's clock. */
struct world {
    struct budget b;
    int64_t opened_at[PEOPLE]; /* the person's row */
    int64_t last[PEOPLE];      /* the truth: when they were last reached, 0 never */
    int64_t seen;              /* greatest time so far */
};

static void reach(struct world *w, size_t who, int64_t now)
{
    w->opened_at[who] = budget_take(&w->b, w->opened_at[who], now);
    w->last[who] = w->seen;
}

static uint32_t exact(const struct world *w, int64_t now, int64_t span)
{
    uint32_t n = 0;
    for (size_t i = 0; i < PEOPLE; i++)
        n += w->last[i] != 0 && w->last[i] > now - span;
    return n;
}

static void check(const struct world *w, int64_t now)
{
    uint32_t used = budget_used(&w->b, now), least = exact(w, w->seen, DAY),
             most = exact(w, w->seen, DAY + BUDGET_CELL_MS + 1);
    if (used < least || (now == w->seen && used > most))
        fail_msg("%u people counted, %u to %u were reached", used, least, most);
    for (size_t i = 0; i < PEOPLE; i++)
        if (w->last[i] != 0 && w->last[i] > w->seen - DAY)
            assert_true(budget_counted(&w->b, w->opened_at[i], now));
}

/* Nobody who was reached is missing, and everybody's row is believed. */
static void check_least(const struct world *w)
{
    assert_true(budget_used(&w->b, w->seen) >= exact(w, w->seen, DAY));
    for (size_t i = 0; i < PEOPLE; i++)
        if (w->last[i] != 0 && w->last[i] > w->seen - DAY)
            assert_true(budget_counted(&w->b, w->opened_at[i], w->seen));
}

static void check_when(const struct world *w, int64_t now)
{
    for (uint32_t below = 1; below <= PEOPLE; below += 7) {
        int64_t at = budget_when(&w->b, below, now);
        if (at <= now) {
            assert_true(budget_used(&w->b, now) < below);
            continue;
        }
        assert_true(budget_used(&w->b, at) < below);
        assert_true(budget_used(&w->b, at - 1) >= below);
    }
}

static void one_history(uint64_t *seed, bool steps)
{
    struct world w = {0};
    int64_t clock = NOW;
    uint64_t pace = 1 + next_random(seed) % 4 * (uint64_t)HOUR;
    for (int i = 0; i < MOST; i++) {
        clock += (int64_t)(next_random(seed) % pace);
        if (steps && next_random(seed) % 8 == 0)
            clock += (int64_t)(next_random(seed) % (uint64_t)(60 * HOUR)) - 30 * HOUR;
        w.seen = clock > w.seen ? clock : w.seen;
        reach(&w, next_random(seed) % PEOPLE, clock); /* the ring is given the clock as it is */
        check(&w, clock);
        check(&w, w.seen);
        check_when(&w, clock);
        uint8_t packed[BUDGET_PACKED_MAX];
        struct budget got;
        size_t n = budget_pack(&w.b, packed);
        assert_int_equal(budget_unpack(packed, n, &got), 0);
        assert_memory_equal(&got, &w.b, sizeof got);
    }
}

TEST(never_fewer_than_there_were)
{
    uint64_t seed = 9;
    for (int round = 0; round < 150; round++) {
        one_history(&seed, false);
        one_history(&seed, true);
    }
}

TEST(the_day_of_one_person)
{
    struct budget b = {0};
    int64_t at = budget_take(&b, 0, NOW), cell = NOW / BUDGET_CELL_MS, leaves = (cell + 97) * BUDGET_CELL_MS;
    assert_int_equal(at, NOW);
    assert_int_equal(budget_used(&b, NOW), 1);
    assert_true(leaves >= NOW + DAY && leaves <= NOW + DAY + BUDGET_CELL_MS);
    assert_int_equal(budget_used(&b, leaves - 1), 1);
    assert_true(budget_counted(&b, at, leaves - 1));
    assert_int_equal(budget_used(&b, leaves), 0);
    assert_false(budget_counted(&b, at, leaves));
    assert_int_equal(budget_when(&b, 1, NOW), leaves);
    assert_true(budget_when(&b, 2, NOW) <= NOW);
    at = budget_take(&b, at, NOW + 20 * HOUR); /* again: still one person, for longer */
    assert_int_equal(budget_used(&b, NOW + 20 * HOUR), 1);
    assert_int_equal(budget_used(&b, leaves), 1);
    at = budget_take(&b, at, NOW + 19 * HOUR); /* the clock went back: the newest cell */
    assert_int_equal(budget_used(&b, NOW + 19 * HOUR), 1);
    assert_int_equal(at / BUDGET_CELL_MS, (NOW + 20 * HOUR) / BUDGET_CELL_MS);
    budget_take(&b, at, NOW + 90 * DAY);
    assert_int_equal(budget_used(&b, NOW + 90 * DAY), 1);
}

TEST(a_row_the_ring_does_not_know)
{
    struct budget b = {0};
    assert_false(budget_counted(&b, NOW, NOW)); /* the portfolio's row was lost */
    budget_take(&b, NOW, NOW);
    assert_int_equal(budget_used(&b, NOW), 1);
    assert_false(budget_counted(&b, NOW + BUDGET_CELLS * BUDGET_CELL_MS, NOW)); /* from the ring's future */
    assert_false(budget_counted(&b, NOW + DAY, NOW));
    assert_false(budget_counted(&b, NOW - HOUR, NOW)); /* of a cell that counts nobody */
    assert_false(budget_counted(&b, 0, NOW));
    budget_take(&b, NOW - HOUR, NOW);
    assert_int_equal(budget_used(&b, NOW), 2);
    int64_t at = budget_take(&b, INT64_MIN, INT64_MAX); /* absurd clocks */
    assert_int_equal(budget_used(&b, INT64_MAX), 1);
    at = budget_take(&b, at, INT64_MIN);
    assert_int_equal(budget_used(&b, INT64_MIN), 1);
    assert_true(budget_counted(&b, at, INT64_MIN));
}

/* Some messages reach nobody, and we learn it later: whose place one opened is free again where nobody wrote to them
 * since. Whoever did get a message stays counted. */
static size_t one_history_with_losses(uint64_t *seed)
{
    struct world w = {.seen = NOW};
    int64_t lost[PEOPLE] = {0}; /* what the lost message that opened their place was told */
    size_t given_back = 0;
    for (int i = 0; i < MOST; i++) {
        size_t who = next_random(seed) % PEOPLE;
        w.seen +=
            next_random(seed) % 2 ? 0 : (int64_t)(next_random(seed) % (uint64_t)HOUR); /* time stands still, too */
        if (lost[who] != 0 && next_random(seed) % 3) {
            bool own = lost[who] == w.opened_at[who];
            lost[who] = 0;
            if (own && budget_give_back(&w.b, w.opened_at[who])) {
                w.opened_at[who] = 0;
                given_back++;
            }
        } else {
            bool opens = !budget_counted(&w.b, w.opened_at[who], w.seen), arrives = next_random(seed) % 2;
            int64_t before = w.last[who];
            reach(&w, who, w.seen);
            w.last[who] = arrives ? w.seen : before;
            if (opens)
                lost[who] = arrives ? 0 : w.opened_at[who];
        }
        check_least(&w);
    }
    return given_back;
}

TEST(a_place_given_back_is_nobody_elses)
{
    uint64_t seed = 12;
    size_t given_back = 0;
    for (int round = 0; round < 300; round++)
        given_back += one_history_with_losses(&seed);
    assert_true(given_back > 5000);
}

TEST(who_was_reached_again_keeps_the_place)
{
    struct budget b = {0};
    int64_t first = budget_take(&b, 0, NOW), again = budget_take(&b, first, NOW), third = budget_take(&b, again, NOW);
    assert_true(first == NOW && again > first && third > again); /* in one millisecond: three different traces */
    assert_int_equal(budget_used(&b, NOW), 1);
    assert_true(budget_give_back(&b, third));
    assert_int_equal(budget_used(&b, NOW), 0);
    assert_false(budget_give_back(&b, first)); /* the cell counts nobody */
    int64_t last = NOW / BUDGET_CELL_MS * BUDGET_CELL_MS + BUDGET_CELL_MS - 1;
    first = budget_take(&b, 0, last);
    assert_int_equal(budget_take(&b, first, last), last); /* no later moment is left in the cell */
    assert_false(budget_give_back(&b, first));
    assert_int_equal(budget_used(&b, last), 1);
    budget_take(&b, 0, last + DAY + BUDGET_CELL_MS);
    assert_false(budget_give_back(&b, NOW)); /* left long ago */
}

TEST(two_rings_become_one)
{
    uint64_t seed = 13;
    for (int round = 0; round < 500; round++) {
        struct budget a = {0}, b = {0}, both;
        int64_t now[2] = {NOW, NOW + (int64_t)(next_random(&seed) % (uint64_t)(50 * HOUR))};
        for (int i = 0; i < 40; i++) {
            int k = (int)(next_random(&seed) % 2);
            now[k] += (int64_t)(next_random(&seed) % (uint64_t)HOUR);
            budget_take(k ? &b : &a, 0, now[k]);
        }
        both = a;
        budget_merge(&both, &b);
        int64_t from = now[0] > now[1] ? now[0] : now[1];
        for (int64_t at = from; at < from + DAY + HOUR; at += 10 * INT64_C(60000))
            assert_int_equal(budget_used(&both, at), budget_used(&a, at) + budget_used(&b, at));
        budget_merge(&b, &a);
        assert_memory_equal(&b, &both, sizeof b);
    }
    struct budget full = {0}, more = {0};
    budget_take(&full, 0, NOW);
    budget_take(&more, 0, NOW);
    full.cell[full.newest % BUDGET_CELLS] = UINT32_MAX;
    budget_merge(&full, &more);
    assert_int_equal(budget_used(&full, NOW), UINT32_MAX);
}

TEST(facts_of_a_portfolio)
{
    struct budget b = {0};
    for (int i = 0; i < 9; i++)
        budget_take(&b, 0, NOW + i * HOUR);
    int64_t now = NOW + 8 * HOUR, first = (NOW / BUDGET_CELL_MS + 97) * BUDGET_CELL_MS;
    static const struct {
        int64_t limit;
        int reserve;
        int64_t used;
        int free_in, reserve_in; /* hours after the first place becomes free; -1 never: there is one */
    } rows[] = {
        {0, 100, 0, -1, -1},   {10, 0, 900, -1, -1},        {10, 100, 900, -1, 0},  {9, 0, 1000, 0, 0},
        {9, 500, 1000, 0, 5},  {8, 0, 1125, 1, 1},          {1000, 100, 9, -1, -1}, {1500, 100, 6, -1, -1},
        {10, -5, 900, -1, -1}, {INT64_MAX, 100, 1, -1, -1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct facts f = {0};
        budget_facts(&b, rows[i].limit, rows[i].reserve, i % 2, now, &f);
        int64_t free_at = rows[i].free_in < 0 ? 0 : first + rows[i].free_in * HOUR;
        int64_t reserve_at = rows[i].reserve_in < 0 ? 0 : first + rows[i].reserve_in * HOUR;
        if (f.value[FACT_PORTFOLIO_LIMIT] != rows[i].limit || f.value[FACT_PORTFOLIO_USED] != rows[i].used ||
            f.value[FACT_PORTFOLIO_FREE_AT] != free_at || f.value[FACT_PORTFOLIO_RESERVE_AT] != reserve_at ||
            f.value[FACT_PORTFOLIO_COUNTED] != (int64_t)(i % 2) || !f.known[FACT_PORTFOLIO_RESERVE_AT])
            fail_msg("row %zu: used %lld, free %+lld ms, reserve %+lld ms", i, (long long)f.value[FACT_PORTFOLIO_USED],
                     (long long)(f.value[FACT_PORTFOLIO_FREE_AT] - first),
                     (long long)(f.value[FACT_PORTFOLIO_RESERVE_AT] - first));
    }
    struct facts f = {0};
    budget_facts(&b, -1, 100, true, now, &f);
    assert_true(f.known[FACT_PORTFOLIO_COUNTED]);
    assert_false(f.known[FACT_PORTFOLIO_LIMIT] || f.known[FACT_PORTFOLIO_USED] || f.known[FACT_PORTFOLIO_FREE_AT]);
    static const int64_t small[] = {1, 2, 9};
    for (size_t i = 0; i < 3; i++) { /* 900 permille of each round to no place: one stays */
        budget_facts(&b, small[i], 900, false, now, &f);
        assert_int_equal(f.value[FACT_PORTFOLIO_RESERVE_AT], first + 8 * HOUR);
        struct budget none = {0};
        budget_facts(&none, small[i], 1000, false, now, &f);
        assert_int_equal(f.value[FACT_PORTFOLIO_RESERVE_AT], 0);
    }
}

TEST(packing_refuses_damage)
{
    uint64_t seed = 31;
    uint8_t packed[BUDGET_PACKED_MAX + 1], again[BUDGET_PACKED_MAX];
    struct budget b = {0}, got;
    assert_int_equal(budget_pack(&b, packed), 0);
    assert_int_equal(budget_unpack(packed, 0, &got), 0);
    assert_memory_equal(&got, &b, sizeof b);
    b.newest = NOW / BUDGET_CELL_MS;
    for (int i = 0; i < BUDGET_CELLS; i++)
        b.cell[i] = UINT32_MAX;
    size_t n = budget_pack(&b, packed);
    assert_true(n <= BUDGET_PACKED_MAX);
    assert_int_equal(budget_used(&b, NOW), UINT32_MAX);
    for (size_t cut = 1; cut < n; cut++)
        assert_int_equal(budget_unpack(packed, cut, &got), WL_EINVAL);
    packed[n] = 0;
    assert_int_equal(budget_unpack(packed, n + 1, &got), WL_EINVAL);
    for (int round = 0; round < 200000; round++) {
        n = next_random(&seed) % 24;
        for (size_t i = 0; i < n; i++)
            packed[i] = (uint8_t)(next_random(&seed) % 3 ? next_random(&seed) % 8 : next_random(&seed));
        if (n > 0)
            packed[0] = 1;
        if (budget_unpack(packed, n, &got) != 0)
            continue;
        assert_int_equal(budget_pack(&got, again), n);
        assert_memory_equal(again, packed, n);
    }
}

TESTS(T(never_fewer_than_there_were), T(the_day_of_one_person), T(a_row_the_ring_does_not_know),
      T(a_place_given_back_is_nobody_elses), T(who_was_reached_again_keeps_the_place), T(two_rings_become_one),
      T(facts_of_a_portfolio), T(packing_refuses_damage))
