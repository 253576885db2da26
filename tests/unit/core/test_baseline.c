/* SPDX-License-Identifier: Apache-2.0
 * test_baseline.c - what good campaigns teach the monitors: near the true tolerance, never far on the wrong side, and nothing from too few.
 *
 * The campaigns are drawn from the populations of monitor_world.h, whose tolerances are known. */
#include "monitor_world.h"
#include "t.h"

#define MOST 1000

static struct baseline_outcome outcomes[MOST];

static void draw(const struct population *from, uint64_t seed, size_t n, int64_t people)
{
    static const double ages[3] = {60, 240, 1440};
    struct dice d = {seed};
    for (size_t i = 0; i < n; i++) {
        struct people p = people_draw(&d, from);
        struct baseline_outcome *o = &outcomes[i];
        *o = (struct baseline_outcome){.sent = people, .n = {people, people, people}};
        o->opted_out = binomial(&d, people, p.opt_out);
        o->undeliverable = binomial(&d, people, p.undeliverable);
        o->complained = binomial(&d, people, p.complaint);
        for (int j = 0; j < 3; j++)
            o->read[j] = binomial(&d, people, p.read * came_within(ages[j], p.slow));
    }
}

static struct monitor_terms learn(size_t n, const struct monitor_terms *prior, const struct monitor_terms *most)
{
    struct monitor_terms t;
    baseline_learn(outcomes, n, prior, most, &t);
    return t;
}

static void assert_same_rates(const struct monitor_terms *a, const struct monitor_terms *b)
{
    assert_memory_equal(a->ppm, b->ppm, sizeof a->ppm);
    assert_int_equal(a->haste, b->haste);
}

TEST(too_few_teach_nothing)
{
    draw(&population_b, 1, 60, 10000);
    struct monitor_terms t = learn(29, &monitor_shipped, NULL);
    assert_same_rates(&t, &monitor_shipped);
    assert_int_equal(t.learned_from, 0);
    t = learn(30, &monitor_shipped, NULL);
    assert_int_equal(t.learned_from, 30);
    draw(&population_b, 1, 60, 199); /* sixty, but each too small to show a rate */
    t = learn(60, &monitor_shipped, NULL);
    assert_same_rates(&t, &monitor_shipped);
    t = learn(0, &monitor_shipped, NULL);
    assert_same_rates(&t, &monitor_shipped);
}

/* Ratio of what was learned to the truth, over many senders: on the tolerant side mostly, and never beyond it by much. */
static void check_near(const struct population *from, size_t n, double least, double most)
{
    for (uint64_t seed = 1; seed <= 40; seed++) {
        draw(from, seed, n, 20000);
        struct monitor_terms t = learn(n, &monitor_shipped, NULL);
        for (unsigned s = 0; s < MONITOR_SIGNALS; s++) {
            double ratio = (double)t.ppm[s] / from->terms.ppm[s];
            ratio = s >= SIGNAL_READ_15 ? 1 / ratio : ratio; /* above 1 is more tolerant */
            if (s != SIGNAL_READ_15 && (ratio < least || ratio > most))
                fail_msg("%s from %zu campaigns, seed %d: %s is %u ppm, the truth %u", from->name, n, (int)seed,
                         monitor_signal_name((enum monitor_signal)s), t.ppm[s], from->terms.ppm[s]);
        }
        assert_in_range(t.haste, from->terms.haste * least, from->terms.haste * (n == MOST ? 1.1 : 1.7));
    }
}

TEST(what_is_learned_is_near_the_truth)
{
    check_near(&population_b, 30, 0.8, 1.9);
    check_near(&population_b, MOST, 0.9, 1.2);
}

TEST(a_mean_is_never_what_is_tolerated)
{
    for (size_t i = 0; i < 100; i++) /* all alike, to the last person: the spread is still not believed to be nothing */
        outcomes[i] = (struct baseline_outcome){100000, 300, 4000, 40, {100000, 100000, 100000}, {40000, 60000, 70000}};
    struct monitor_terms t = learn(100, &monitor_shipped, NULL);
    assert_true(t.ppm[SIGNAL_OPT_OUT] > 5000 && t.ppm[SIGNAL_UNDELIVERABLE] > 60000 && t.ppm[SIGNAL_COMPLAINT] > 600);
    assert_true(t.ppm[SIGNAL_READ_60] < 330000 && t.ppm[SIGNAL_READ_240] < 540000 && t.ppm[SIGNAL_READ_1440] < 640000);
}

TEST(nobody_left_yet_does_not_mean_that_nobody_may)
{
    for (size_t i = 0; i < 30; i++)
        outcomes[i] = (struct baseline_outcome){1000, 0, 0, 0, {1000, 1000, 1000}, {0, 0, 0}};
    struct monitor_terms t = learn(30, &monitor_shipped, NULL);
    assert_true(t.ppm[SIGNAL_OPT_OUT] >= 1500 && t.ppm[SIGNAL_OPT_OUT] < 6000);
    assert_true(t.ppm[SIGNAL_COMPLAINT] >= 250 && t.ppm[SIGNAL_COMPLAINT] < 1100);
    for (size_t i = 0; i < 30; i++)
        outcomes[i].sent = 200; /* of 6,000 in all even fewer is known */
    assert_true(learn(30, &monitor_shipped, NULL).ppm[SIGNAL_COMPLAINT] > 700);
    assert_int_equal(t.ppm[SIGNAL_READ_240], 180000); /* nobody ever read one: half of what is shipped, and no less */
}

TEST(bad_habits_cannot_be_taught)
{
    for (size_t i = 0; i < 1000; i++)
        outcomes[i] = (struct baseline_outcome){10000, 900, 6000, 400, {10000, 10000, 10000}, {100, 200, 300}};
    struct monitor_terms t = learn(1000, &monitor_shipped, NULL);
    assert_int_equal(t.ppm[SIGNAL_OPT_OUT], 12000);
    assert_int_equal(t.ppm[SIGNAL_UNDELIVERABLE], 150000);
    assert_int_equal(t.ppm[SIGNAL_COMPLAINT], 2200);
    assert_int_equal(t.ppm[SIGNAL_READ_1440], 280000);
    struct monitor_terms most = {.ppm = {[SIGNAL_OPT_OUT] = 3000, [SIGNAL_READ_240] = 500000}};
    t = learn(1000, &monitor_shipped, &most);
    assert_int_equal(t.ppm[SIGNAL_OPT_OUT], 3000);
    assert_int_equal(t.ppm[SIGNAL_READ_240], 500000);
    assert_int_equal(t.ppm[SIGNAL_COMPLAINT], 2200); /* the policy says nothing of it */
    t = learn(0, &monitor_shipped, &most);
    assert_int_equal(t.ppm[SIGNAL_OPT_OUT], 3000);
}

TEST(what_is_not_watched_is_not_learned)
{
    struct monitor_terms blind = monitor_shipped;
    memset(&blind.ppm[SIGNAL_READ_15], 0, 4 * sizeof blind.ppm[0]);
    draw(&population_b, 3, 100, 10000);
    struct monitor_terms t = learn(100, &blind, &monitor_shipped);
    for (unsigned s = SIGNAL_READ_15; s < MONITOR_SIGNALS; s++)
        assert_int_equal(t.ppm[s], 0);
    assert_true(t.ppm[SIGNAL_OPT_OUT] < 6000);
}

TEST(outcomes_that_cannot_be_do_no_harm)
{
    for (size_t i = 0; i < 40; i++)
        outcomes[i] =
            (struct baseline_outcome){1000, i % 2 ? 5000 : -7, INT64_MAX, INT64_MIN, {1000, -5, 1000}, {9000, 3, -1}};
    struct monitor_terms t = learn(40, &monitor_shipped, NULL);
    for (unsigned s = 0; s < MONITOR_SIGNALS; s++)
        assert_in_range(t.ppm[s], 1, 999999);
}

TESTS(T(too_few_teach_nothing), T(what_is_learned_is_near_the_truth), T(a_mean_is_never_what_is_tolerated),
      T(nobody_left_yet_does_not_mean_that_nobody_may), T(bad_habits_cannot_be_taught),
      T(what_is_not_watched_is_not_learned), T(outcomes_that_cannot_be_do_no_harm))
