/* SPDX-License-Identifier: Apache-2.0
 * test_lane.c - turns: who has the next one and when, what a refusal does to the pace, what a circuit lets through.
 *
 * test_lane_sim.c runs the same lanes for hours against an imitation of Meta. */
#include "core/lane.h"

#include "t.h"

#define MS     INT64_C(1000)
#define SECOND INT64_C(1000000)
#define START  (1000 * SECOND)

static struct lane lane_at(int64_t per_second, int64_t burst_ms)
{
    struct lane l;
    lane_init(&l, pace_of(per_second, burst_ms), START);
    return l;
}

static void join(struct lane *l, enum lane_class c, int64_t campaign, uint32_t weight, int n)
{
    for (int i = 0; i < n; i++)
        assert_true(lane_join(l, c, campaign, weight));
}

/* The next turn, whenever it is; *now is moved there. The campaign is added to a thousand times the class. */
static int64_t turn(struct lane *l, int64_t *now)
{
    enum lane_class c;
    int64_t campaign, when;
    for (;;) {
        enum lane_says says = lane_next(l, *now, &c, &campaign, &when);
        if (says == LANE_GO)
            return campaign == LANE_CALLERS ? -1 - (int64_t)c : (int64_t)c * 1000 + campaign;
        if (says == LANE_IDLE)
            return INT64_MIN;
        assert_true(when > *now);
        *now = when;
    }
}

static enum lane_says look(struct lane *l, int64_t now, int64_t *ret_when)
{
    enum lane_class c;
    int64_t campaign;
    return lane_next(l, now, &c, &campaign, ret_when);
}

/* ---- names ---- */

TEST(every_category_has_a_class)
{
    static const struct {
        enum category category;
        enum lane_class class;
        const char *name;
    } rows[] = {{CATEGORY_AUTHENTICATION, LANE_AUTHENTICATION, "authentication"},
                {CATEGORY_UTILITY, LANE_UTILITY, "utility"},
                {CATEGORY_SERVICE, LANE_SERVICE, "service"},
                {CATEGORY_CALLS, LANE_SERVICE, "service"},
                {CATEGORY_MARKETING, LANE_MARKETING, "marketing"},
                {CATEGORY_UNKNOWN, LANE_MARKETING, "marketing"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(lane_class(rows[i].category), rows[i].class);
        assert_string_equal(lane_class_name(rows[i].class), rows[i].name);
    }
    assert_string_equal(lane_class_name(LANE_CLASSES), "unknown");
}

/* ---- the pace ---- */

TEST(a_pace_is_never_faster_than_it_says)
{
    static const struct {
        int64_t per_second, burst_ms, interval, tolerance;
    } rows[] = {{80, 0, 12500, 0},        {80, 100, 12500, 87500},
                {1000, 100, 1000, 99000}, {300, 0, 3334, 0},
                {7, 0, 142858, 0},        {20, 10, 50000, 0},
                {0, 0, SECOND, 0},        {-5, -5, SECOND, 0},
                {INT64_MAX, 0, 1, 0},     {1, INT64_MAX, SECOND, 3599 * SECOND}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pace p = pace_of(rows[i].per_second, rows[i].burst_ms);
        assert_int_equal(p.interval_us, rows[i].interval);
        assert_int_equal(p.tolerance_us, rows[i].tolerance);
    }
}

TEST(a_lane_starts_without_credit_and_saves_up_a_burst)
{
    struct lane l = lane_at(80, 1000);
    int64_t now = START;
    join(&l, LANE_UTILITY, 0, 1, 500);
    turn(&l, &now);
    assert_int_equal(now, START);
    for (int i = 1; i <= 100; i++) {
        turn(&l, &now);
        assert_int_equal(now, START + i * 12500);
    }
    now += 3600 * SECOND;
    int64_t rested = now, n = 0;
    for (; turn(&l, &now) != INT64_MIN && now == rested; n++)
        ;
    assert_int_equal(n, 80);
    assert_int_equal(now, rested + 12500);
}

TEST(a_clock_that_stands_still_gives_nothing_away)
{
    struct lane l = lane_at(80, 1000);
    int64_t when, last = 0;
    join(&l, LANE_UTILITY, 0, 1, 500);
    assert_int_equal(look(&l, START, &when), LANE_GO);
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(look(&l, START, &when), LANE_LATER);
        assert_int_equal(when, START + 12500);
    }
    for (int i = 0; i < 80; i++) /* a rest of a burst's length, all at one moment */
        assert_int_equal(look(&l, START + SECOND, &last), LANE_GO);
    assert_int_equal(look(&l, START + SECOND, &when), LANE_LATER);
}

TEST(what_comes_in_counts_for_a_second_at_most)
{
    struct lane l = lane_at(80, 0);
    int64_t when;
    join(&l, LANE_UTILITY, 0, 1, 5);
    lane_inbound(&l, 0, START);
    assert_int_equal(lane_when(&l, LANE_UTILITY, START), START);
    lane_inbound(&l, 40, START);
    assert_int_equal(look(&l, START, &when), LANE_LATER);
    assert_int_equal(when, START + 40 * 12500);
    for (int i = 0; i < 5; i++) {
        lane_inbound(&l, UINT32_MAX, START);
        assert_int_equal(look(&l, START, &when), LANE_LATER);
        assert_int_equal(when, START + SECOND);
    }
    struct lane burst = lane_at(80, 1000);
    join(&burst, LANE_UTILITY, 0, 1, 1);
    lane_inbound(&burst, UINT32_MAX, START + 60 * SECOND);
    assert_int_equal(look(&burst, START + 60 * SECOND, &when), LANE_LATER);
    assert_in_range(when, START + 61 * SECOND - 12500, START + 61 * SECOND);
}

TEST(a_turn_given_back_is_there_again_and_makes_no_credit)
{
    struct lane l = lane_at(80, 100);
    int64_t now = START, when;
    join(&l, LANE_UTILITY, 0, 1, 100);
    turn(&l, &now);
    lane_give_back(&l, START, START);
    assert_int_equal(look(&l, START, &when), LANE_GO);
    for (int i = 0; i < 50; i++) /* more than were taken */
        lane_give_back(&l, START, START + 10 * MS);
    int at_once = 0;
    while (look(&l, START + 10 * MS, &when) == LANE_GO)
        at_once++;
    assert_int_equal(at_once, 8); /* what a burst holds after a rest */

    struct lane slow = lane_at(80, 0); /* a turn that cost a fast interval does not give back a slow one */
    for (int i = 0; i < 4; i++)
        lane_take(&slow, LANE_UTILITY, START + i);
    lane_heard(&slow, START, LIFE_REJECTED, 130429, START + 10);
    lane_give_back(&slow, START + 3, START + 20);
    assert_int_equal(lane_when(&slow, LANE_UTILITY, START + 20), START + 3 * 12500);
    lane_take(&slow, LANE_UTILITY, START + SECOND);
    lane_give_back(&slow, START + SECOND, START + SECOND);
    assert_int_equal(lane_when(&slow, LANE_UTILITY, START + SECOND), START + SECOND);
}

TEST(a_line_nobody_keeps_does_not_grow_for_ever)
{
    struct lane l = lane_at(20, 1000);
    for (int i = 0; i < 100000; i++)
        lane_take(&l, LANE_MARKETING, START);
    assert_int_equal(lane_when(&l, LANE_MARKETING, START), START + LANE_LINE_MOST);
}

TEST(what_is_permitted_may_change)
{
    struct lane l = lane_at(80, 0);
    assert_int_equal(lane_pace_permille(&l), 80000);
    lane_permit(&l, pace_of(1000, 0));
    assert_int_equal(lane_pace_permille(&l), 1000000);
    lane_permit(&l, pace_of(20, 0));
    assert_int_equal(lane_pace_permille(&l), 20000);
    lane_heard(&l, START, LIFE_REJECTED, 130429, START);
    assert_int_equal(lane_pace_permille(&l), 14000);
    lane_permit(&l, pace_of(80, 0)); /* one that was slowed down finds its way itself */
    assert_int_equal(lane_pace_permille(&l), 14000);
    lane_permit(&l, pace_of(10, 0));
    assert_int_equal(lane_pace_permille(&l), 10000);
}

/* ---- who is next ---- */

TEST(classes_have_strict_priority_and_marketing_its_floor)
{
    struct lane l = lane_at(1000, 0);
    int64_t now = START;
    int got[LANE_CLASSES] = {0};
    for (int c = 0; c < LANE_CLASSES; c++)
        join(&l, (enum lane_class)c, 0, 1, 95);
    for (int i = 1; i <= 380; i++) {
        int64_t c = turn(&l, &now) / 1000;
        got[c]++;
        if (got[LANE_SERVICE] < 95)
            assert_int_equal(got[LANE_MARKETING], i / 20);
        for (int64_t higher = 0; higher < c && c != LANE_MARKETING; higher++)
            assert_int_equal(got[higher], 95);
    }
    assert_int_equal(turn(&l, &now), INT64_MIN);
    for (int c = 0; c < LANE_CLASSES; c++)
        assert_int_equal(got[c], 95);
}

TEST(a_floor_that_was_not_needed_is_not_saved_up)
{
    struct lane l = lane_at(1000, 0);
    int64_t now = START;
    join(&l, LANE_AUTHENTICATION, 0, 1, 1000);
    for (int i = 0; i < 500; i++)
        assert_int_equal(turn(&l, &now), 0);
    join(&l, LANE_MARKETING, 7, 1, 100);
    assert_int_equal(turn(&l, &now), 3007);
    for (int i = 0; i < 19; i++)
        assert_int_equal(turn(&l, &now), 0);
    assert_int_equal(turn(&l, &now), 3007);
    for (int i = 0; i < 19; i++) /* those that did not wait in the lane count as well */
        lane_take(&l, LANE_SERVICE, now);
    assert_int_equal(turn(&l, &now), 3007);
}

TEST(callers_are_first_within_their_class)
{
    struct lane l = lane_at(1000, 0);
    int64_t now = START;
    join(&l, LANE_UTILITY, 5, 1, 2);
    join(&l, LANE_UTILITY, LANE_CALLERS, 1, 2);
    join(&l, LANE_MARKETING, LANE_CALLERS, 1, 1);
    join(&l, LANE_AUTHENTICATION, 6, 1, 1);
    static const int64_t want[] = {6, -2, -2, 1005, 1005, -4, INT64_MIN};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_int_equal(turn(&l, &now), want[i]);
}

TEST(those_who_leave_are_not_called)
{
    struct lane l = lane_at(1000, 0);
    int64_t now = START;
    join(&l, LANE_UTILITY, 5, 1, 2);
    join(&l, LANE_UTILITY, LANE_CALLERS, 1, 1);
    lane_leave(&l, LANE_UTILITY, LANE_CALLERS);
    lane_leave(&l, LANE_UTILITY, LANE_CALLERS); /* nobody is left */
    lane_leave(&l, LANE_UTILITY, 5);
    lane_leave(&l, LANE_UTILITY, 99);
    lane_leave(&l, LANE_SERVICE, 5);
    assert_int_equal(turn(&l, &now), 1005);
    assert_int_equal(turn(&l, &now), INT64_MIN);
    lane_leave(&l, LANE_UTILITY, 5);
    assert_int_equal(turn(&l, &now), INT64_MIN);
    join(&l, LANE_UTILITY, 5, 1, 1); /* one that ends does not cost the next its turn */
    join(&l, LANE_UTILITY, 6, 1, 2);
    join(&l, LANE_UTILITY, 7, 1, 2);
    static const int64_t want[] = {1005, 1006, 1007, 1006, 1007, INT64_MIN};
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++)
        assert_int_equal(turn(&l, &now), want[i]);
}

TEST(a_full_row_takes_no_more_campaigns)
{
    struct lane l = lane_at(1000, 0);
    int64_t now = START;
    for (int i = 0; i < LANE_FLOWS_MAX; i++)
        join(&l, LANE_MARKETING, i + 1, 1, 1);
    assert_false(lane_join(&l, LANE_MARKETING, 1000, 1));
    join(&l, LANE_MARKETING, 1, 1, 1);            /* one that is in it already */
    join(&l, LANE_MARKETING, LANE_CALLERS, 1, 1); /* callers need no place */
    join(&l, LANE_SERVICE, 1000, 1, 1);
    for (int i = 0; i < LANE_FLOWS_MAX + 2; i++)
        turn(&l, &now);
    assert_true(lane_join(&l, LANE_MARKETING, 1000, 1));
    assert_int_equal(turn(&l, &now), 3001);
    assert_int_equal(turn(&l, &now), 4000);
    assert_int_equal(turn(&l, &now), INT64_MIN);
}

/* After any number of turns each campaign had its part to within one turn for each of the others. */
TEST(campaigns_share_by_their_weights)
{
    static const uint32_t rows[][4] = {{1, 1, 0, 0},       {1, 3, 0, 0},        {300, 300, 0, 0},
                                       {1000, 1000, 1, 0}, {1000, 1, 0, 0},     {5, 3, 2, 1},
                                       {7, 7, 7, 7},       {999, 1000, 998, 1}, {0, UINT32_MAX, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lane l = lane_at(1000, 0);
        int64_t now = START, got[4] = {0}, sum = 0, weight[4];
        for (int k = 0; k < 4; k++) {
            weight[k] = rows[i][k] > 1000 ? 1000 : rows[i][k];
            weight[k] += i == 8 && k == 0; /* a weight of 0 is one of 1 */
            sum += weight[k];
            if (weight[k] != 0)
                join(&l, LANE_MARKETING, k, rows[i][k], 5000);
        }
        for (int n = 1; n <= 4000; n++) {
            got[turn(&l, &now) - 3000]++;
            for (int k = 0; k < 4; k++)
                assert_in_range(got[k] * sum + 4 * sum - n * weight[k], 0, 8 * sum);
        }
    }
}

TEST(a_campaign_that_comes_and_goes_gains_nothing)
{
    struct lane l = lane_at(1000, 0);
    int64_t now = START;
    int got[3] = {0};
    join(&l, LANE_MARKETING, 0, 1, 5000);
    join(&l, LANE_MARKETING, 2, 1000, 1); /* while it is here, turns are dear and weights are saved up */
    for (int i = 0; i < 300; i++) {
        if (i % 3 == 0)
            join(&l, LANE_MARKETING, 1, 1, 1); /* never more than one */
        got[turn(&l, &now) - 3000]++;
        lane_leave(&l, LANE_MARKETING, i == 150 ? 1 : 77);
    }
    assert_int_equal(got[2], 1);
    assert_in_range(got[1], 97, 100);
    assert_in_range(got[0], 199, 202);
    got[0] = got[1] = 0;
    for (int i = 0; i < 2000; i++) { /* its part, as if many of it waited */
        if (l.row[LANE_MARKETING].n < 2)
            join(&l, LANE_MARKETING, 1, 3, 1);
        got[turn(&l, &now) - 3000]++;
    }
    assert_in_range(got[1], 1490, 1510);
}

/* ---- when ---- */

/* lane_when() of somebody who then joins is when they have their turn, if nobody comes later. */
TEST(the_estimate_is_true_while_nobody_comes)
{
    uint64_t x = 20261122;
    for (int round = 0; round < 2000; round++) {
        struct lane l = lane_at(80, round % 2 ? 100 : 0);
        int64_t now = START, n[LANE_CLASSES], callers[LANE_CLASSES];
        for (int c = 0; c < LANE_CLASSES; c++) {
            x = x * 6364136223846793005u + 1442695040888963407u;
            n[c] = (int64_t)(x >> 33) % 60 * (int64_t)(x >> 60 & 1);
            callers[c] = (int64_t)(x >> 40) % 30 * (int64_t)(x >> 61 & 1);
            join(&l, (enum lane_class)c, 3, 1, (int)n[c]);
            join(&l, (enum lane_class)c, LANE_CALLERS, 1, (int)callers[c]);
        }
        for (int i = (int)(x >> 50) % 30; i > 0; i--)
            turn(&l, &now);
        now += (int64_t)(x >> 45) % 30000;
        enum lane_class mine = (enum lane_class)(x >> 62);
        int64_t before = (int64_t)l.row[mine].callers, when = lane_when(&l, mine, now), from = now;
        join(&l, mine, LANE_CALLERS, 1, 1);
        for (int64_t mine_left = before + 1; mine_left > 0;)
            mine_left -= turn(&l, &now) == -1 - (int64_t)mine;
        assert_int_equal(now, when > from ? when : from);
    }
}

TEST(an_estimate_does_not_wait_for_what_the_circuit_stops)
{
    struct lane l = lane_at(80, 0);
    join(&l, LANE_AUTHENTICATION, 0, 1, 800);
    join(&l, LANE_AUTHENTICATION, LANE_CALLERS, 1, 2);
    join(&l, LANE_UTILITY, 0, 1, 800);
    assert_int_equal(lane_when(&l, LANE_AUTHENTICATION, START), START + 2 * 12500);
    assert_in_range(lane_when(&l, LANE_UTILITY, START), START + 10 * SECOND, START + 11 * SECOND);
    lane_heard(&l, START, LIFE_REJECTED, 131031, START);
    assert_int_equal(lane_when(&l, LANE_UTILITY, START), START + 2 * 12500);
    l.row[LANE_AUTHENTICATION].callers = SIZE_MAX / 64; /* more than there are moments */
    assert_true(lane_when(&l, LANE_SERVICE, START) > START + INT64_MAX / 64);
}

/* ---- too fast ---- */

static void rate(struct lane *l, int64_t turn_us, int64_t now)
{
    lane_heard(l, turn_us, LIFE_REJECTED, 130429, now);
}

TEST(a_refusal_for_its_pace_slows_down_once)
{
    struct lane l = lane_at(1000, 0);
    int64_t now = START + 10 * SECOND;
    rate(&l, now - 100 * MS, now);
    assert_int_equal(lane_pace_permille(&l), 700000);
    for (int i = 99; i > 0; i--) /* what was under way with it */
        rate(&l, now - i * MS, now + 50 * MS);
    rate(&l, now + 60 * MS, now + 160 * MS); /* what left while messages still overtook each other */
    rate(&l, 0, now + 160 * MS);
    assert_int_equal(lane_pace_permille(&l), 700000);
    rate(&l, now + 110 * MS, now + 200 * MS);
    assert_int_equal(lane_pace_permille(&l), 490000);
    assert_int_equal(l.slowed, 103);
    struct lane fresh = lane_at(1000, 0); /* the first one counts, whenever its turn was */
    rate(&fresh, 0, START + 1);
    assert_int_equal(lane_pace_permille(&fresh), 700000);
    for (int i = 1; i < 30; i++)
        rate(&l, now + i * SECOND, now + i * SECOND + 50 * MS);
    assert_int_equal(lane_pace_permille(&l), 1000); /* the floor */
    lane_take(&l, LANE_UTILITY, now + 60 * SECOND);
    assert_int_equal(lane_when(&l, LANE_UTILITY, now + 60 * SECOND), now + 61 * SECOND);
}

TEST(seconds_of_success_speed_up)
{
    struct lane l = lane_at(80, 0);
    int64_t now = START + 10 * SECOND;
    rate(&l, now, now);
    assert_int_equal(lane_pace_permille(&l), 56000);
    l.shelf_permille = 0;                                    /* without what it remembers */
    lane_heard(&l, now - 1, LIFE_ACCEPTED, 0, now + SECOND); /* of before */
    lane_heard(&l, now, LIFE_ACCEPTED, 0, now + SECOND - 1);
    assert_int_equal(lane_pace_permille(&l), 56000);
    for (int i = 1; i <= 30; i++) {
        for (int k = 0; k < 5; k++)
            lane_heard(&l, now + i * SECOND, LIFE_ACCEPTED, 0, now + i * SECOND);
        int64_t want = 56000 + i * 1000;
        assert_int_equal(lane_pace_permille(&l), want < 80000 ? want : 80000);
    }
    rate(&l, now + 40 * SECOND, now + 40 * SECOND);
    int64_t slowed = lane_pace_permille(&l); /* neither silence nor other refusals are success */
    for (int i = 0; i < 100; i++)
        lane_heard(&l, now + (50 + i) * SECOND, i % 2 ? LIFE_REJECTED : LIFE_AMBIGUOUS, 131026,
                   now + (50 + i) * SECOND);
    assert_int_equal(lane_pace_permille(&l), slowed);
}

/* One accepted message a second for so long. */
static int64_t succeed(struct lane *l, int64_t now, int64_t seconds)
{
    for (int64_t i = 0; i < seconds; i++, now += SECOND)
        lane_heard(l, now, LIFE_ACCEPTED, 0, now);
    return now;
}

TEST(a_limit_that_is_not_met_again_is_forgotten)
{
    struct lane l = lane_at(100, 0);
    int64_t now = START + 10 * SECOND;
    rate(&l, now, now);
    now = succeed(&l, now + SECOND, 40);
    assert_int_equal(lane_pace_permille(&l), 100000);
    assert_int_equal(l.shelf_permille, 95000); /* it may still be near */
    succeed(&l, now, 60);
    assert_int_equal(l.shelf_permille, 0);
}

TEST(where_the_limit_was_met_is_remembered)
{
    struct lane l = lane_at(100, 0);
    int64_t now = START + 10 * SECOND;
    rate(&l, now, now);
    assert_int_equal(l.shelf_permille, 95000);
    now = succeed(&l, now + SECOND, 12);
    assert_int_equal(lane_pace_permille(&l), 95000);
    rate(&l, now, now); /* not kept for its time: a good deal lower */
    assert_int_equal(l.shelf_permille, 90250);
    for (int i = 0; lane_pace_permille(&l) <= l.shelf_permille; i++) {
        assert_in_range(i, 0, 25);
        now = succeed(&l, now + SECOND, 1);
    }
    assert_true(l.shelf_held);
    rate(&l, now, now); /* on the way up, right above it: it was right, and is kept for longer */
    assert_in_range(l.shelf_permille, 90250, 90300);
    assert_int_equal(l.hold_us, 2 * LANE_HOLD_LEAST);
    now = succeed(&l, now + SECOND, 12);
    assert_int_equal(lane_pace_permille(&l), l.shelf_permille);
    int64_t shelf = l.shelf_permille;
    rate(&l, now, now); /* it was kept before: a little lower */
    assert_int_equal(l.shelf_permille, shelf * 99 / 100);
    now = succeed(&l, now + SECOND, 3);
    l.pace_permille = 40000;
    rate(&l, now, now); /* the limit is another one now */
    assert_int_equal(l.shelf_permille, 38000);
    now = succeed(&l, now + SECOND, 10 * 60); /* and is gone */
    assert_int_equal(l.shelf_permille, 0);
    assert_int_equal(lane_pace_permille(&l), 100000);
}

/* ---- the circuit ---- */

#define SPAM 131048 /* an hour */
#define PERM 10     /* five minutes */
#define MINS (60 * SECOND)

static void failed(struct lane *l, int code, int64_t turn_us, int64_t now)
{
    lane_heard(l, turn_us, LIFE_REJECTED, code, now);
}

TEST(a_code_about_the_number_stops_the_outbox_for_its_wait)
{
    struct lane l = lane_at(80, 0);
    int64_t now = START, when;
    join(&l, LANE_UTILITY, 0, 1, 10);
    turn(&l, &now);
    failed(&l, PERM, now, now + 100 * MS);
    assert_int_equal(look(&l, now + 200 * MS, &when), LANE_LATER);
    assert_int_equal(when, now + 100 * MS + 5 * MINS);
    assert_int_equal(l.circuit_code, PERM);
    join(&l, LANE_MARKETING, LANE_CALLERS, 1, 1); /* callers go, whatever waits above them */
    int64_t soon = now + 200 * MS;
    assert_int_equal(turn(&l, &soon), -4);
    assert_int_equal(soon, now + 200 * MS);
    struct lane other = lane_at(80, 0); /* codes that are not about the number */
    join(&other, LANE_UTILITY, 0, 1, 10);
    static const int codes[] = {1, 100, 130429, 131026, 131049, 131056, 132001, 0x7fffffff, -1};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
        failed(&other, codes[i], START, START + 60 * SECOND);
    assert_int_equal(look(&other, START + 70 * SECOND, &when), LANE_GO);
}

TEST(one_message_tries_and_a_failure_doubles_up_to_an_hour)
{
    struct lane l = lane_at(80, 1000);
    int64_t now = START, when, want = 5 * MINS;
    join(&l, LANE_UTILITY, 0, 1, 100);
    failed(&l, PERM, now, now);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(look(&l, now + want - 1, &when), LANE_LATER);
        assert_int_equal(when, now + want);
        now += want;
        assert_int_equal(look(&l, now, &when), LANE_GO);
        for (int k = 0; k < 10; k++)
            assert_int_equal(look(&l, now + k * SECOND, &when), LANE_LATER); /* one is enough */
        now += 20 * SECOND;
        failed(&l, PERM, now - 20 * SECOND, now);
        want = 2 * want < 60 * MINS ? 2 * want : 60 * MINS;
    }
    now += want;
    assert_int_equal(look(&l, now, &when), LANE_GO);
    lane_heard(&l, now, LIFE_ACCEPTED, 0, now + SECOND);
    for (int i = 0; i < 70; i++)
        assert_int_equal(look(&l, now + SECOND, &when), LANE_GO);
    failed(&l, PERM, now + SECOND, now + 2 * SECOND); /* a new one begins anew */
    assert_int_equal(look(&l, now + 3 * SECOND, &when), LANE_LATER);
    assert_int_equal(when, now + 2 * SECOND + 5 * MINS);
}

TEST(silence_opens_it_for_seconds_and_any_word_ends_that)
{
    struct lane l = lane_at(80, 0);
    int64_t now = START + SECOND, when;
    join(&l, LANE_UTILITY, 0, 1, 100);
    for (int i = 0; i < 20; i++) { /* never so many in a row */
        lane_heard(&l, now, i % 2 ? LIFE_UNSENT : LIFE_AMBIGUOUS, 0, now);
        assert_int_equal(l.open_until_us, 0);
        if (i % 4 == 3)
            lane_heard(&l, now, i % 8 == 3 ? LIFE_ACCEPTED : LIFE_REJECTED, 131026, now);
    }
    for (int i = 0; i < LANE_SILENT_MAX; i++)
        lane_heard(&l, now, i % 2 ? LIFE_UNSENT : LIFE_AMBIGUOUS, 0, now);
    assert_int_equal(look(&l, now, &when), LANE_LATER);
    assert_int_equal(when, now + LANE_SILENT_US);
    assert_int_equal(l.circuit_code, 0);
    now = when;
    assert_int_equal(look(&l, now, &when), LANE_GO);
    lane_heard(&l, now, LIFE_AMBIGUOUS, 0, now + 30 * SECOND);
    now += 30 * SECOND;
    assert_int_equal(look(&l, now, &when), LANE_LATER);
    assert_int_equal(when, now + 2 * LANE_SILENT_US);
    failed(&l, 131026, now + 1, now + 2); /* a caller's call was answered: Meta is there */
    assert_int_equal(look(&l, now + SECOND, &when), LANE_GO);
}

/* When what was broken is whole again it is noticed soon: a try that never leaves costs nothing, one without an answer may
 * cost a message in doubt. */
TEST(silence_is_asked_after_sooner_than_a_code)
{
    static const struct {
        enum life_state state;
        int code;
        int64_t most;
    } rows[] = {{LIFE_UNSENT, 0, 30 * SECOND},
                {LIFE_AMBIGUOUS, 0, 5 * MINS},
                {LIFE_AMBIGUOUS, 131000, 5 * MINS}, /* a 5xx that names one */
                {LIFE_REJECTED, PERM, 60 * MINS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct lane l = lane_at(80, 0);
        int64_t now = START + SECOND, when, longest = 0;
        join(&l, LANE_UTILITY, 0, 1, 100);
        for (int k = 0; k < LANE_SILENT_MAX; k++)
            lane_heard(&l, now, rows[i].state, rows[i].code, now);
        for (int k = 0; k < 30; k++) {
            assert_int_equal(look(&l, now, &when), LANE_LATER);
            assert_true(when - now >= longest && when - now <= rows[i].most);
            longest = when - now;
            now = when;
            assert_int_equal(look(&l, now, &when), LANE_GO);
            lane_heard(&l, now, rows[i].state, rows[i].code, now + MS);
            now += MS;
        }
        assert_int_equal(longest, rows[i].most);
    }
    struct lane l = lane_at(80, 0); /* the way to Meta broke while a code stood */
    int64_t now = START + SECOND, when;
    join(&l, LANE_UTILITY, 0, 1, 100);
    failed(&l, SPAM, now, now);
    now += 60 * MINS;
    assert_int_equal(look(&l, now, &when), LANE_GO);
    lane_heard(&l, now, LIFE_UNSENT, 0, now);
    assert_int_equal(look(&l, now, &when), LANE_LATER);
    assert_int_equal(when, now + 30 * SECOND);
    assert_int_equal(l.circuit_code, SPAM);
}

TEST(answers_of_before_say_nothing_about_a_circuit)
{
    struct lane l = lane_at(80, 0);
    int64_t now = START + 60 * SECOND, when;
    join(&l, LANE_UTILITY, 0, 1, 100);
    failed(&l, SPAM, now - 2 * SECOND, now);
    for (int i = 1; i < 50; i++) { /* sent before it, answered after it, whatever they say */
        failed(&l, SPAM, now - i * MS, now + i * SECOND);
        lane_heard(&l, now - i * MS, LIFE_AMBIGUOUS, 0, now + i * SECOND);
        lane_heard(&l, now - i * MS, LIFE_ACCEPTED, 0, now + i * SECOND);
        lane_heard(&l, 0, LIFE_ACCEPTED, 0, now + i * SECOND);
    }
    assert_int_equal(l.open_until_us, now + 60 * MINS);
    assert_int_equal(look(&l, now + 60 * MINS, &when), LANE_GO);
    int64_t tried = now + 60 * MINS;
    failed(&l, SPAM, now - 1, tried + 1);
    lane_heard(&l, now - 1, LIFE_ACCEPTED, 0, tried + 1);
    assert_true(l.probing);
    lane_heard(&l, tried, LIFE_ACCEPTED, 0, tried + SECOND);
    failed(&l, SPAM, now - 1, tried + 2 * SECOND); /* very late */
    for (int i = 0; i < 10; i++)
        lane_heard(&l, now - 1, LIFE_UNSENT, 0, tried + 2 * SECOND);
    assert_int_equal(l.open_until_us, 0);
}

TEST(callers_failures_lengthen_nothing_but_what_asks_for_longer)
{
    struct lane l = lane_at(80, 0);
    int64_t now = START + 60 * SECOND;
    failed(&l, PERM, now, now);
    for (int i = 1; i < 100; i++) {
        failed(&l, PERM, now + i * SECOND, now + i * SECOND);
        lane_heard(&l, now + i * SECOND, LIFE_AMBIGUOUS, 0, now + i * SECOND);
        failed(&l, 131026, now + i * SECOND, now + i * SECOND); /* does not say that the permission is back */
    }
    assert_int_equal(l.open_until_us, now + 5 * MINS);
    failed(&l, SPAM, now + 200 * SECOND, now + 201 * SECOND);
    assert_int_equal(l.open_until_us, now + 201 * SECOND + 60 * MINS);
    assert_int_equal(l.circuit_code, SPAM);
    lane_heard(&l, now + 300 * SECOND, LIFE_ACCEPTED, 0, now + 301 * SECOND);
    assert_int_equal(l.open_until_us, 0);
    assert_int_equal(l.circuit_us, 0);

    failed(&l, PERM, now + 400 * SECOND, now + 400 * SECOND);
    now += 400 * SECOND + 5 * MINS; /* its time is over and a caller was the first to try */
    failed(&l, PERM, now, now);
    assert_int_equal(l.open_until_us, now + 10 * MINS);
}

TEST(one_that_was_to_try_and_did_not_makes_way)
{
    struct lane l = lane_at(80, 0);
    int64_t now = START + 60 * SECOND, when;
    join(&l, LANE_UTILITY, 0, 1, 100);
    failed(&l, PERM, now, now);
    now += 5 * MINS;
    assert_int_equal(look(&l, now, &when), LANE_GO);
    lane_give_back(&l, now + 1, now + SECOND); /* somebody else's turn */
    failed(&l, PERM, now + 1, now + SECOND);   /* or somebody else's failure */
    assert_int_equal(l.open_until_us, now);
    assert_int_equal(look(&l, now + SECOND, &when), LANE_LATER);
    lane_give_back(&l, now, now + SECOND); /* refused by a rule */
    assert_int_equal(look(&l, now + SECOND, &when), LANE_GO);
    failed(&l, 132001, now + SECOND, now + 2 * SECOND); /* its template is unknown: the number may be well */
    assert_int_equal(look(&l, now + 2 * SECOND, &when), LANE_GO);
    failed(&l, PERM, now + 2 * SECOND, now + 3 * SECOND); /* it is not */
    assert_int_equal(l.open_until_us, now + 3 * SECOND + 10 * MINS);
    now += 3 * SECOND + 10 * MINS;
    assert_int_equal(look(&l, now, &when), LANE_GO);
    assert_int_equal(look(&l, now + 1, &when), LANE_LATER); /* nobody ever says what became of it */
    assert_int_equal(when, now + LANE_PROBE_MOST);
    assert_int_equal(look(&l, when, &when), LANE_GO);
    int64_t second = now + LANE_PROBE_MOST;
    lane_heard(&l, second, LIFE_ACCEPTED, 0, second + SECOND);
    assert_int_equal(l.open_until_us, 0);
}

/* Who tries has a turn of its own, so that it is not mistaken for a caller's of the same microsecond. */
TEST(the_one_that_tries_has_its_moment_to_itself)
{
    struct lane l = lane_at(80, 1000);
    int64_t now = START + 60 * SECOND, when;
    join(&l, LANE_UTILITY, 0, 1, 2);
    join(&l, LANE_UTILITY, LANE_CALLERS, 1, 1);
    failed(&l, PERM, now, now);
    now += 5 * MINS;
    assert_int_equal(turn(&l, &now), -2);
    assert_int_equal(look(&l, now, &when), LANE_LATER);
    assert_int_equal(when, now + 1);
    assert_int_equal(look(&l, now + 1, &when), LANE_GO);
    assert_int_equal(l.probe_us, now + 1);
    join(&l, LANE_UTILITY, LANE_CALLERS, 1, 1);
    assert_int_equal(look(&l, now + 1, &when), LANE_LATER);
    assert_int_equal(look(&l, now + 2, &when), LANE_GO);
}

/* ---- long lives ---- */

TEST(no_time_and_no_pace_is_too_large)
{
    static const int64_t times[] = {
        0, 1, SECOND, INT64_C(100) * 365 * 86400 * SECOND, INT64_MAX / 2, INT64_MAX - 1, INT64_MAX};
    static const struct pace paces[] = {{0, 0},         {-7, -7},       {INT64_MAX, INT64_MAX},
                                        {1, INT64_MAX}, {INT64_MAX, 0}, {12500, 0}};
    for (size_t i = 0; i < sizeof times / sizeof times[0] * (sizeof paces / sizeof paces[0]); i++) {
        int64_t now = times[i / 6], when;
        struct lane l;
        lane_init(&l, paces[i % 6], now);
        for (int k = 0; k < 200; k++) {
            enum lane_class c = (enum lane_class)(k % 4);
            join(&l, c, k % 3 - 1, (uint32_t)k, 1);
            lane_inbound(&l, UINT32_MAX, now);
            lane_when(&l, c, now);
            lane_take(&l, c, now);
            lane_give_back(&l, k % 2 ? now : 0, now);
            look(&l, now, &when);
            lane_heard(&l, k % 2 ? now : 0, (enum life_state)(k % 5 + 2), k % 7 ? 130429 : 131031, now);
            lane_permit(&l, paces[(i + (size_t)k) % 6]);
            now = times[(i / 6 + (size_t)k) % 7] > now ? times[(i / 6 + (size_t)k) % 7] : now;
            assert_in_range(l.interval_us, 1, 3600 * SECOND);
            assert_true(lane_pace_permille(&l) >= 1);
        }
    }
}

TESTS(T(every_category_has_a_class), T(a_pace_is_never_faster_than_it_says),
      T(a_lane_starts_without_credit_and_saves_up_a_burst), T(a_clock_that_stands_still_gives_nothing_away),
      T(what_comes_in_counts_for_a_second_at_most), T(a_turn_given_back_is_there_again_and_makes_no_credit),
      T(a_line_nobody_keeps_does_not_grow_for_ever), T(what_is_permitted_may_change),
      T(classes_have_strict_priority_and_marketing_its_floor), T(a_floor_that_was_not_needed_is_not_saved_up),
      T(callers_are_first_within_their_class), T(those_who_leave_are_not_called), T(a_full_row_takes_no_more_campaigns),
      T(campaigns_share_by_their_weights), T(a_campaign_that_comes_and_goes_gains_nothing),
      T(the_estimate_is_true_while_nobody_comes), T(an_estimate_does_not_wait_for_what_the_circuit_stops),
      T(a_refusal_for_its_pace_slows_down_once), T(seconds_of_success_speed_up),
      T(a_limit_that_is_not_met_again_is_forgotten), T(where_the_limit_was_met_is_remembered),
      T(a_code_about_the_number_stops_the_outbox_for_its_wait),
      T(one_message_tries_and_a_failure_doubles_up_to_an_hour), T(silence_opens_it_for_seconds_and_any_word_ends_that),
      T(silence_is_asked_after_sooner_than_a_code), T(answers_of_before_say_nothing_about_a_circuit),
      T(callers_failures_lengthen_nothing_but_what_asks_for_longer), T(one_that_was_to_try_and_did_not_makes_way),
      T(the_one_that_tries_has_its_moment_to_itself), T(no_time_and_no_pace_is_too_large))
