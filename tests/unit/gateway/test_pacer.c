/* SPDX-License-Identifier: Apache-2.0
 * test_pacer.c - messages a second of a number: never more than the rate in any second, and none lost to waiting. */
#include "gateway/pacer.h"

#include <stdbool.h>

#include "t.h"

#define SECOND INT64_C(1000000)
#define START  (1000 * SECOND)

/* Everything the rate allows from START on, asked without pause; returns how many left by `until`. */
static int64_t drain(struct pacer *p, int64_t sender, struct pace rate, int64_t *now, int64_t until)
{
    int64_t n = 0;
    while (*now < until) {
        int64_t when = pacer_when(p, sender, rate, *now);
        if (when > *now) {
            *now = when;
            continue;
        }
        assert_true(pacer_take(p, sender, rate, *now) <= *now);
        n++;
    }
    return n;
}

TEST(the_rate_is_kept_and_used)
{
    static const struct {
        int64_t per_second, burst_ms;
    } rows[] = {{80, 0}, {80, 1000}, {1000, 1}, {1000, 1000}, {20, 250}, {1, 0}, {7, 400}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pacer *p = pacer_create(START);
        struct pace rate = pace_of(rows[i].per_second, rows[i].burst_ms);
        int64_t now = START, n = drain(p, 111, rate, &now, START + 10 * SECOND);
        assert_in_range(n, rows[i].per_second * 10 - 1, rows[i].per_second * 10 + 1);
        pacer_free(p);
    }
}

TEST(it_starts_without_credit_and_saves_up)
{
    struct pacer *p = pacer_create(START);
    struct pace rate = pace_of(80, 1000);
    int64_t now = START;
    assert_int_equal(drain(p, 111, rate, &now, START + 1000), 1); /* not a burst: an earlier life may have sent one */
    now = START + 60 * SECOND;
    assert_in_range(drain(p, 111, rate, &now, now + 1000), 80, 81);
    now = START + 60 * SECOND; /* a number that was silent so far */
    assert_in_range(drain(p, 112, rate, &now, now + 1000), 80, 81);
    pacer_free(p);
}

TEST(turns_are_given_one_after_the_other)
{
    struct pacer *p = pacer_create(START);
    struct pace rate = pace_of(20, 0);
    for (int i = 0; i < 40; i++)
        assert_int_equal(pacer_take(p, 111, rate, START), START + i * 50000);
    assert_int_equal(pacer_when(p, 111, rate, START), START + 2 * SECOND);
    assert_int_equal(pacer_when(p, 112, rate, START), START); /* another number waits for nobody */
    pacer_free(p);
}

TEST(what_comes_in_counts)
{
    struct pacer *p = pacer_create(START);
    struct pace rate = pace_of(80, 0);
    pacer_inbound(p, 111, 40);
    int64_t now = START;
    assert_in_range(drain(p, 111, rate, &now, START + SECOND), 39, 41);
    pacer_inbound(p, 111, UINT32_MAX); /* a flood holds up for a second, not for ever */
    now = START + SECOND;
    int64_t when = pacer_when(p, 111, rate, now);
    assert_in_range(when, now + SECOND - 13000, now + SECOND);
    pacer_inbound(p, 111, UINT32_MAX);
    assert_int_equal(pacer_when(p, 111, rate, now), when);
    pacer_inbound(p, 0, 1); /* no number, no lane */
    assert_int_equal(pacer_when(p, 0, rate, now), -1);
    pacer_free(p);
}

/* While no rule holds anybody to the pace, turns are taken all the same; a rule that comes later finds a line it can serve. */
TEST(a_line_nobody_keeps_does_not_grow_for_ever)
{
    struct pacer *p = pacer_create(START);
    struct pace rate = pace_of(20, 1000);
    for (int i = 0; i < 100000; i++)
        pacer_take(p, 111, rate, START);
    assert_in_range(pacer_when(p, 111, rate, START), START + 59 * SECOND, START + 60 * SECOND);
    pacer_free(p);
}

TEST(more_numbers_than_places_are_not_paced)
{
    struct pacer *p = pacer_create(START);
    struct pace rate = pace_of(80, 0);
    bool full = false;
    for (int64_t i = 1; i <= 5000; i++) {
        int64_t when = pacer_when(p, i * 7919, rate, START);
        assert_true(when == START || (full = when == -1));
    }
    assert_true(full);
    assert_int_equal(pacer_take(p, 5000 * 7919, rate, START), START);
    assert_int_equal(pacer_when(p, 7919, rate, START), START);
    pacer_free(p);
}

TEST(places_are_a_number_s_own)
{
    struct pacer *p = pacer_create(START);
    for (int i = 0; i < 3; i++)
        assert_true(pacer_enter(p, 111, 3));
    assert_false(pacer_enter(p, 111, 3));
    assert_true(pacer_enter(p, 111, 4)); /* somebody who may have one more */
    assert_true(pacer_enter(p, 112, 1));
    assert_true(pacer_enter(p, 0, 0)); /* no number, nothing to count */
    pacer_leave(p, 0);
    pacer_leave(p, 111);
    pacer_leave(p, 111);
    assert_true(pacer_enter(p, 111, 3));
    assert_false(pacer_enter(p, 111, 3));
    pacer_free(p);
}

TEST(odd_rates_are_rates)
{
    assert_int_equal(pace_of(0, 0).interval_us, SECOND);
    assert_int_equal(pace_of(-5, -5).tolerance_us, 0);
    assert_int_equal(pace_of(INT64_MAX, 0).interval_us, 1);
    assert_true(pace_of(1, INT64_MAX).tolerance_us > 0);
}

TESTS(T(the_rate_is_kept_and_used), T(it_starts_without_credit_and_saves_up), T(turns_are_given_one_after_the_other),
      T(what_comes_in_counts), T(a_line_nobody_keeps_does_not_grow_for_ever), T(more_numbers_than_places_are_not_paced),
      T(places_are_a_number_s_own), T(odd_rates_are_rates))
