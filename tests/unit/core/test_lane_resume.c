/* SPDX-License-Identifier: Apache-2.0
 * test_lane_resume.c - what a lane knows in the next life of the program, and what a person may end.
 *
 * What would hurt: a number that Meta stopped for an hour and that sends again after a restart, or one that stands still
 * for days because a clock was set. */
#include "core/lane.h"

#include "t.h"

#define SECOND INT64_C(1000000)
#define START  (1000 * SECOND)
#define SPAM   131048 /* an hour */
#define PERM   10     /* five minutes */
#define MINS   (60 * SECOND)

static struct lane lane_at(int64_t per_second, int64_t burst_ms)
{
    struct lane l;
    lane_init(&l, pace_of(per_second, burst_ms), START);
    return l;
}

static void join(struct lane *l, int n)
{
    for (int i = 0; i < n; i++)
        assert_true(lane_join(l, LANE_UTILITY, 0, 1));
}

static enum lane_says look(struct lane *l, int64_t now, int64_t *ret_when)
{
    enum lane_class c;
    int64_t campaign;
    return lane_next(l, now, &c, &campaign, ret_when);
}

static void failed(struct lane *l, int code, int64_t turn_us, int64_t now)
{
    lane_heard(l, turn_us, LIFE_REJECTED, code, now);
}

/* ---- the next life ---- */

#define WALL INT64_C(1795324495241)
#define HOUR (60 * MINS)

/* The lane of the next life, so long after the other one was remembered; the wall's clock was set by `set_ms` meanwhile. */
static struct lane next_life(const struct lane *l, int64_t now, int64_t down_ms, int64_t set_ms)
{
    struct lane_memory m;
    struct lane next = lane_at(80, 0);
    lane_remember(l, now, WALL, &m);
    lane_resume(&next, &m, START, WALL + down_ms + set_ms);
    join(&next, 10);
    return next;
}

TEST(a_stop_outlives_the_program)
{
    struct lane l = lane_at(80, 0), next;
    int64_t now = START + 100 * SECOND, when;
    failed(&l, SPAM, now, now);
    now += 10 * MINS;
    next = next_life(&l, now, 60000, 0);
    assert_int_equal(look(&next, START + SECOND, &when), LANE_LATER);
    assert_int_equal(when, START + 49 * MINS);
    assert_int_equal(next.circuit_code, SPAM);
    assert_int_equal(look(&next, when, &when), LANE_GO); /* one tries */
    assert_int_equal(look(&next, START + 50 * MINS, &when), LANE_LATER);
    next = next_life(&l, now, 0, -24 * HOUR / 1000); /* set back: no longer than it was opened for */
    assert_int_equal(look(&next, START + SECOND, &when), LANE_LATER);
    assert_int_equal(when, START + HOUR);
    next = next_life(&l, now, 0, 24 * HOUR / 1000); /* set forward, or long down: one tries, and not all at once */
    assert_int_equal(look(&next, START + SECOND, &when), LANE_GO);
    assert_int_equal(look(&next, START + 2 * SECOND, &when), LANE_LATER);
    lane_heard(&next, START + SECOND, LIFE_ACCEPTED, 0, START + 2 * SECOND);
    assert_int_equal(look(&next, START + 3 * SECOND, &when), LANE_GO);
}

TEST(the_next_life_goes_on_doubling)
{
    struct lane l = lane_at(80, 0), next;
    int64_t now = START + 100 * SECOND, when;
    failed(&l, PERM, now, now);
    next = next_life(&l, now, 5 * 60000, 0);
    assert_int_equal(look(&next, START, &when), LANE_GO);
    failed(&next, PERM, START, START + SECOND);
    assert_int_equal(next.open_until_us, START + SECOND + 10 * MINS);
    now += 5 * MINS; /* one that tried and told nothing of the number: closed, and not forgotten */
    join(&l, 10);
    assert_int_equal(look(&l, now, &when), LANE_GO);
    failed(&l, 132001, now, now + SECOND);
    next = next_life(&l, now + SECOND, 1000, 0);
    assert_int_equal(next.open_until_us, 0);
    assert_int_equal(look(&next, START + SECOND, &when), LANE_GO);
    failed(&next, PERM, START + SECOND, START + 2 * SECOND);
    assert_int_equal(next.open_until_us, START + 2 * SECOND + 10 * MINS);
}

TEST(a_slowed_pace_outlives_the_program_and_one_that_is_not_leaves_nothing)
{
    struct lane l = lane_at(80, 0), next = next_life(&l, START, 0, 0), fresh = lane_at(80, 0);
    join(&fresh, 10);
    assert_memory_equal(&next, &fresh, sizeof next);
    failed(&l, 130429, START + SECOND, START + SECOND);
    next = next_life(&l, START + SECOND, 5000, 0);
    assert_int_equal(lane_pace_permille(&next), lane_pace_permille(&l));
    assert_int_equal(next.shelf_permille, l.shelf_permille);
    assert_int_equal(next.hold_us, LANE_HOLD_LEAST);
    assert_int_equal(next.open_until_us, 0);
    struct lane_memory m;
    lane_remember(&l, START + SECOND, WALL, &m);
    next = lane_at(20, 0); /* Meta allows less by now */
    lane_resume(&next, &m, START, WALL);
    assert_int_equal(lane_pace_permille(&next), 20000);
    static const struct lane_memory mad = {INT64_MAX, INT64_MAX, 1, INT64_MAX, INT64_MAX, INT64_MAX};
    static const struct lane_memory bad = {INT64_MIN, INT64_MIN, 1, INT64_MIN, INT64_MIN, INT64_MIN};
    next = lane_at(80, 0);
    lane_resume(&next, &mad, START, WALL);
    assert_int_equal(next.open_until_us, START + LANE_CIRCUIT_MOST);
    assert_int_equal(lane_pace_permille(&next), 80000);
    next = lane_at(80, 0);
    lane_resume(&next, &bad, START, WALL);
    assert_int_equal(next.open_until_us, 0);
    assert_int_equal(lane_pace_permille(&next), 80000);
}

TEST(a_person_lets_it_go_on)
{
    struct lane l = lane_at(80, 0);
    int64_t when;
    join(&l, 10);
    assert_false(lane_let_go(&l, START));
    failed(&l, SPAM, START + SECOND, START + SECOND);
    assert_true(lane_let_go(&l, START + 2 * SECOND));
    assert_int_equal(look(&l, START + 3 * SECOND, &when), LANE_GO);
    failed(&l, PERM, START + 3 * SECOND, START + 4 * SECOND); /* and the time is forgotten */
    assert_int_equal(l.open_until_us, START + 4 * SECOND + 5 * MINS);
}

TESTS(T(a_stop_outlives_the_program), T(the_next_life_goes_on_doubling),
      T(a_slowed_pace_outlives_the_program_and_one_that_is_not_leaves_nothing), T(a_person_lets_it_go_on))
