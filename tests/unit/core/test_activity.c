/* SPDX-License-Identifier: Apache-2.0
 * test_activity.c - the same events lead to the same activity in any order and however often; the counters are what the sum
 * of the events is; classes at their horizons; the packed form is small, exact and refuses damage. */
#include "t.h"

#include <math.h>

#include "base/err.h"
#include "core/activity.h"

#define NOW      INT64_C(1795324495000)
#define DAY      INT64_C(86400000)
#define MONTH    (30 * DAY)
#define HALF_180 (180 * DAY)

static uint64_t below(uint64_t *seed, uint64_t n)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (*seed >> 33) % n;
}

static struct activity after(const struct activity_event *ev, size_t n)
{
    struct activity a = {0};
    for (size_t i = 0; i < n; i++)
        activity_add(&a, &ev[i]);
    return a;
}

static void assert_same(const struct activity *a, const struct activity *b)
{
    uint8_t one[ACTIVITY_PACKED_MAX], other[ACTIVITY_PACKED_MAX];
    size_t n = activity_pack(a, one);
    assert_int_equal(n, activity_pack(b, other));
    assert_memory_equal(one, other, n);
}

/* ---- order ---- */

/* What becomes of a message: some of these, in the order they happen. */
static size_t life_of(uint64_t *seed, int64_t sent, struct activity_event *out)
{
    size_t n = 0;
    int64_t at = sent + (int64_t)below(seed, 100) * 1000;
    out[n++] = (struct activity_event){ACTIVITY_SENT, sent, sent, true};
    if (below(seed, 5) == 0) {
        enum activity_kind why = ACTIVITY_HELD_BACK + (enum activity_kind)below(seed, 3);
        out[n++] = (struct activity_event){why, at, sent, true};
        return n;
    }
    out[n++] = (struct activity_event){ACTIVITY_DELIVERED, at, sent, true};
    if (below(seed, 2) != 0)
        out[n++] = (struct activity_event){ACTIVITY_READ, at + 5000, sent, true};
    if (below(seed, 6) == 0)
        out[n++] = (struct activity_event){ACTIVITY_CLICKED + (enum activity_kind)below(seed, 2), at + 9000, 0, false};
    return n;
}

static void shuffle(uint64_t *seed, struct activity_event *ev, size_t n)
{
    for (size_t i = n; i > 1; i--) {
        size_t j = below(seed, i);
        struct activity_event t = ev[i - 1];
        ev[i - 1] = ev[j];
        ev[j] = t;
    }
}

static size_t history(uint64_t *seed, size_t messages, struct activity_event *out)
{
    size_t n = 0;
    for (size_t i = 0; i < messages; i++)
        n += life_of(seed, NOW - (int64_t)(below(seed, 400) * 1000 + i) * 60000, out + n);
    return n;
}

/* Whose repeats cannot be told, up to as many as are kept one by one: every order, each event up to three times, gives the same bytes. */
TEST(shuffled_late_and_doubled_events_lead_to_the_same)
{
    uint64_t seed = 7;
    struct activity_event ev[64], again[192];
    for (int round = 0; round < 2000; round++) {
        size_t n = history(&seed, 1 + below(&seed, 4), ev), m = 0;
        for (size_t i = 0; i < n; i++)
            ev[i].sure = false;
        struct activity want = after(ev, n);
        for (size_t i = 0; i < n; i++)
            for (uint64_t k = 1 + below(&seed, 3); k > 0; k--)
                again[m++] = ev[i];
        shuffle(&seed, again, m);
        struct activity got = after(again, m);
        assert_same(&got, &want);
    }
}

static bool close_to(double got, double want, double part)
{
    return fabs(got - want) <= part * (want > 1 ? want : 1);
}

static bool counters_agree(const struct activity *a, const struct activity *b, double part)
{
    for (int i = 0; i < ACTIVITY_COUNTERS; i++)
        if (!close_to(activity_counter(a, i, NOW), activity_counter(b, i, NOW), part))
            return false;
    return true;
}

/* With more of them, all but the counters is the same, and those to a few hundredths. */
TEST(a_long_history_in_any_order)
{
    uint64_t seed = 8;
    static struct activity_event ev[512];
    for (int round = 0; round < 300; round++) {
        size_t n = history(&seed, 5 + below(&seed, 60), ev);
        for (size_t i = 0; i < n; i++)
            ev[i].sure = true;
        struct activity want = after(ev, n), got;
        shuffle(&seed, ev, n);
        got = after(ev, n);
        assert_true(counters_agree(&got, &want, 0.05));
        memcpy(got.good, want.good, sizeof got.good);
        memcpy(got.held, want.held, sizeof got.held);
        assert_same(&got, &want);
    }
}

/* Many, mostly several in a second, newest first and oldest first. */
static size_t crowded(uint64_t *seed, bool sure, struct activity_event *out)
{
    static const enum activity_kind kinds[] = {ACTIVITY_READ, ACTIVITY_CLICKED, ACTIVITY_REPLIED, ACTIVITY_HELD_BACK,
                                               ACTIVITY_UNREACHABLE};
    size_t n = 2 + below(seed, 60);
    int64_t at = NOW;
    for (size_t i = 0; i < n; i++) {
        at -= below(seed, 3) == 0 ? (int64_t)below(seed, 5) * DAY : 0;
        out[i] = (struct activity_event){kinds[below(seed, sure ? 5 : 3)], at, 0, sure};
    }
    return n;
}

static void turn(struct activity_event *ev, size_t n)
{
    for (size_t i = 0; i < n / 2; i++) {
        struct activity_event t = ev[i];
        ev[i] = ev[n - 1 - i];
        ev[n - 1 - i] = t;
    }
}

/* What is no repeat counts every time, in either order. */
TEST(newest_first_is_worth_what_oldest_first_is)
{
    uint64_t seed = 9;
    struct activity_event ev[64];
    for (int round = 0; round < 2000; round++) {
        size_t n = crowded(&seed, true, ev);
        struct activity newest_first = after(ev, n);
        turn(ev, n);
        struct activity oldest_first = after(ev, n);
        assert_true(counters_agree(&newest_first, &oldest_first, 0.05));
        memcpy(newest_first.good, oldest_first.good, sizeof newest_first.good);
        memcpy(newest_first.held, oldest_first.held, sizeof newest_first.held);
        assert_same(&newest_first, &oldest_first);
    }
    for (int i = 0; i < 10; i++) /* eight readings, and before them two in one second */
        ev[i] = (struct activity_event){ACTIVITY_READ, NOW - (i < 8 ? i : 8) * 1000, NOW - DAY, true};
    struct activity a = after(ev, 10);
    assert_true(close_to(activity_score(&a, NOW), 10, 0.01));
    turn(ev, 10);
    a = after(ev, 10);
    assert_true(close_to(activity_score(&a, NOW), 10, 0.01));
}

static double sum_of(const struct activity_event *ev, size_t n, double half_life)
{
    static const double weight[] = {[ACTIVITY_READ] = 1, [ACTIVITY_CLICKED] = 2, [ACTIVITY_REPLIED] = 3};
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += weight[ev[i].kind] * exp2((double)(ev[i].at - NOW) / half_life);
    return sum;
}

/* What may be a repeat: in any order no more than all of it, and no less than the newest. */
TEST(what_may_be_a_repeat_counts_between_the_newest_and_all)
{
    uint64_t seed = 10;
    struct activity_event ev[64];
    for (int round = 0; round < 2000; round++) {
        size_t n = 1 + below(&seed, 60);
        for (size_t i = 0; i < n; i++)
            ev[i] = (struct activity_event){ACTIVITY_READ + (enum activity_kind)below(&seed, 3),
                                            NOW - (int64_t)i * (3600000 + (int64_t)below(&seed, 9) * 1000), 0, false};
        double least = sum_of(ev, n < ACTIVITY_NEWEST ? n : ACTIVITY_NEWEST, (double)MONTH),
               most = sum_of(ev, n, (double)MONTH);
        struct activity newest_first = after(ev, n);
        assert_true(close_to(activity_counter(&newest_first, 0, NOW), least, 1e-6));
        shuffle(&seed, ev, n);
        struct activity any = after(ev, n);
        double got = activity_counter(&any, 0, NOW);
        assert_true(got >= least * 0.95 && got <= most * 1.05);
    }
    for (int i = 0; i < 28; i++)
        ev[i] = (struct activity_event){ACTIVITY_REPLIED, NOW - i * 1000, 0, false};
    struct activity a = after(ev, 28);
    assert_true(close_to(activity_score(&a, NOW), 24, 0.001));
    turn(ev, 28);
    a = after(ev, 28);
    assert_true(close_to(activity_score(&a, NOW), 84, 0.03));
}

TEST(an_event_older_than_all_that_is_kept_counts_when_it_is_no_repeat)
{
    struct activity a = {0};
    for (int i = 0; i < ACTIVITY_NEWEST; i++)
        activity_add(&a, &(struct activity_event){ACTIVITY_REPLIED, NOW - i * 1000, 0, false});
    struct activity before = a;
    assert_false(activity_add(&a, &(struct activity_event){ACTIVITY_REPLIED, NOW - DAY, 0, false}) && a.good[0] != 0);
    assert_true(a.since == (NOW - DAY) / 1000); /* when it began is known all the same */
    assert_true(activity_add(&a, &(struct activity_event){ACTIVITY_READ, NOW - DAY, NOW - 2 * DAY, true}));
    assert_true(activity_counter(&a, 1, NOW) > activity_counter(&before, 1, NOW) + 0.9);
}

/* ---- counters ---- */

/* Against the sum of all events, in years of history: rounding is right on average and does not stand still. */
TEST(counters_are_the_sum_of_what_happened)
{
    static const double half_life[ACTIVITY_COUNTERS] = {(double)MONTH, (double)HALF_180};
    static const double weight[] = {[ACTIVITY_READ] = 1, [ACTIVITY_CLICKED] = 2, [ACTIVITY_REPLIED] = 3};
    static const struct {
        int days;
        int64_t apart;
        double part; /* chance takes more of a very large sum */
    } rows[] = {{30, DAY, 0.04}, {3000, DAY, 0.04}, {400, 3600000, 0.12}, {60, 300000, 0.12}, {3000, 40 * DAY, 0.02}};
    for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
        uint64_t seed = r;
        struct activity a = {0};
        double want[ACTIVITY_COUNTERS] = {0};
        for (int64_t at = NOW - rows[r].days * DAY; at <= NOW; at += rows[r].apart) {
            enum activity_kind kind = ACTIVITY_READ + (enum activity_kind)below(&seed, 3);
            activity_add(&a, &(struct activity_event){kind, at, 0, true});
            for (int i = 0; i < ACTIVITY_COUNTERS; i++)
                want[i] += weight[kind] * exp2((double)(at - NOW) / half_life[i]);
        }
        for (int i = 0; i < ACTIVITY_COUNTERS; i++)
            if (!close_to(activity_counter(&a, i, NOW), want[i], rows[r].part))
                fail_msg("row %zu, counter %d: %g, and the sum is %g", r, i, activity_counter(&a, i, NOW), want[i]);
    }
}

TEST(what_events_weigh_and_how_it_fades)
{
    static const struct {
        enum activity_kind kind;
        double at_once, after_a_month, after_half_a_year;
    } rows[] = {{ACTIVITY_READ, 1, 0.695, 0.2578},    {ACTIVITY_CLICKED, 2, 1.391, 0.5156},
                {ACTIVITY_REPLIED, 3, 2.086, 0.7734}, {ACTIVITY_HELD_BACK, 0, 0, 0},
                {ACTIVITY_DELIVERED, 0, 0, 0},        {ACTIVITY_SENT, 0, 0, 0},
                {ACTIVITY_UNREACHABLE, 0, 0, 0},      {ACTIVITY_FAILED, 0, 0, 0}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct activity a = after(&(struct activity_event){rows[i].kind, NOW, NOW, true}, 1);
        assert_true(close_to(activity_score(&a, NOW), rows[i].at_once, 1e-9));
        assert_true(close_to(activity_score(&a, NOW + MONTH), rows[i].after_a_month, 1e-3));
        assert_true(close_to(activity_score(&a, NOW + HALF_180), rows[i].after_half_a_year, 1e-3));
    }
    const struct activity_event ev[] = {{ACTIVITY_READ, NOW, 0, true}, {ACTIVITY_HELD_BACK, NOW, 0, true}};
    struct activity a = after(ev, 2);
    assert_true(close_to(activity_score(&a, NOW), 0.5, 0.005));
    assert_true(close_to(activity_score(&a, NOW - DAY), 0.5, 0.02)); /* what lies ahead is not worth more */
}

/* ---- times and deliveries ---- */

TEST(delays_are_those_of_the_newest_messages)
{
    struct activity a = {0};
    static const int64_t needed[] = {900, 4, 2, 8, 3, 5};
    assert_true(activity_last_delay(&a) == -1 && activity_typical_delay(&a) == -1);
    for (int i = 0; i < 6; i++) {
        int64_t sent = NOW + i * DAY;
        activity_add(&a, &(struct activity_event){ACTIVITY_DELIVERED, sent + needed[i] * 1000, sent, true});
    }
    assert_true(activity_last_delay(&a) == 5 && activity_typical_delay(&a) == 4);
    activity_add(&a, &(struct activity_event){ACTIVITY_DELIVERED, NOW + 5 * DAY + 1000, NOW + 5 * DAY, true});
    assert_int_equal(activity_last_delay(&a), 1); /* it was there earlier, as it turns out */
    activity_add(&a, &(struct activity_event){ACTIVITY_DELIVERED, NOW, NOW - DAY, true});
    assert_int_equal(activity_typical_delay(&a), 3);
    assert_true(a.delivered == (NOW + 5 * DAY + 5000) / 1000 && a.sent == (NOW + 5 * DAY) / 1000);
    activity_add(&a, &(struct activity_event){ACTIVITY_DELIVERED, NOW + 6 * DAY, NOW + 6 * DAY + 400, true});
    assert_int_equal(activity_last_delay(&a), 0); /* their clock is in whole seconds */
}

TEST(undeliverable_ones_are_counted_from_the_last_sign_of_life)
{
    struct activity a = {0};
    for (int i = 0; i < 12; i++)
        activity_add(&a, &(struct activity_event){ACTIVITY_UNREACHABLE, NOW + i * DAY, NOW + i * DAY, true});
    assert_int_equal(activity_unreachable(&a), ACTIVITY_NEWEST);
    activity_add(&a, &(struct activity_event){ACTIVITY_DELIVERED, NOW + 9 * DAY + 1000, NOW + 9 * DAY, true});
    assert_int_equal(activity_unreachable(&a), 2); /* late news */
    activity_add(&a, &(struct activity_event){ACTIVITY_FAILED, NOW + 13 * DAY, NOW + 13 * DAY, true});
    assert_int_equal(activity_unreachable(&a), 2); /* of another reason */
    activity_add(&a, &(struct activity_event){ACTIVITY_REPLIED, NOW + 14 * DAY, 0, false});
    assert_int_equal(activity_unreachable(&a), 0);
}

/* Marketing that is held back says nothing of whether they can be reached. */
TEST(what_is_held_back_pushes_no_undeliverable_one_out)
{
    struct activity a = {0};
    for (int i = 0; i < 3; i++)
        activity_add(&a, &(struct activity_event){ACTIVITY_UNREACHABLE, NOW + i * 1000, NOW, true});
    for (int i = 0; i < 20; i++)
        activity_add(&a, &(struct activity_event){ACTIVITY_HELD_BACK, NOW + DAY + i * 1000, NOW + DAY, true});
    assert_int_equal(activity_unreachable(&a), 3);
    assert_int_equal(activity_class_of(&a, &activity_usual, NOW + 2 * DAY), ACTIVITY_UNDELIVERABLE);
    for (int i = 0; i < 20; i++)
        activity_add(&a, &(struct activity_event){ACTIVITY_REPLIED, NOW + 3 * DAY + i * 1000, 0, false});
    assert_true(close_to(activity_counter(&a, 1, NOW + 3 * DAY), 50, 0.03)); /* and counts all the same */
}

/* ---- classes ---- */

static struct activity at_times(const int64_t *days, enum activity_kind kind, int n)
{
    struct activity a = {0};
    for (int i = 0; i < n; i++)
        activity_add(&a, &(struct activity_event){kind, NOW - days[i] * DAY, NOW - days[i] * DAY, true});
    return a;
}

TEST(classes_at_their_horizons)
{
    static const struct {
        enum activity_kind kind;
        int n;
        int64_t days[4];
        enum activity_class usual, strict;
    } rows[] = {
        {ACTIVITY_SENT, 0, {0}, ACTIVITY_NEW, ACTIVITY_NEW},
        {ACTIVITY_SENT, 1, {6}, ACTIVITY_NEW, ACTIVITY_DORMANT},
        {ACTIVITY_SENT, 1, {7}, ACTIVITY_DORMANT, ACTIVITY_DORMANT},
        {ACTIVITY_SENT,
         2,
         {8, 1},
         ACTIVITY_DORMANT,
         ACTIVITY_DORMANT}, /* new does not last as long as one writes to them */
        {ACTIVITY_DELIVERED, 1, {0}, ACTIVITY_ACTIVE, ACTIVITY_ACTIVE},
        {ACTIVITY_DELIVERED, 1, {89}, ACTIVITY_ACTIVE, ACTIVITY_DORMANT},
        {ACTIVITY_DELIVERED, 1, {90}, ACTIVITY_DORMANT, ACTIVITY_DORMANT},
        {ACTIVITY_READ, 1, {29}, ACTIVITY_ACTIVE, ACTIVITY_ACTIVE},
        {ACTIVITY_CLICKED, 1, {5}, ACTIVITY_INTERACTIVE, ACTIVITY_INTERACTIVE},
        {ACTIVITY_REPLIED, 1, {20}, ACTIVITY_INTERACTIVE, ACTIVITY_ACTIVE},
        {ACTIVITY_REPLIED, 1, {90}, ACTIVITY_DORMANT, ACTIVITY_DORMANT},
        {ACTIVITY_UNREACHABLE, 2, {2, 1}, ACTIVITY_NEW, ACTIVITY_UNDELIVERABLE},
        {ACTIVITY_UNREACHABLE, 3, {3, 2, 1}, ACTIVITY_UNDELIVERABLE, ACTIVITY_UNDELIVERABLE},
        {ACTIVITY_FAILED, 4, {4, 3, 2, 1}, ACTIVITY_NEW, ACTIVITY_DORMANT},
    };
    static const struct activity_horizons strict = {30, 10, 1, 2};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct activity a = at_times(rows[i].days, rows[i].kind, rows[i].n);
        if (activity_class_of(&a, &activity_usual, NOW) != rows[i].usual ||
            activity_class_of(&a, &strict, NOW) != rows[i].strict)
            fail_msg("row %zu: %s and %s", i, activity_class_name(activity_class_of(&a, &activity_usual, NOW)),
                     activity_class_name(activity_class_of(&a, &strict, NOW)));
    }
    for (int c = 0; c < ACTIVITY_CLASSES; c++) {
        const char *name = activity_class_name((enum activity_class)c);
        assert_int_equal(activity_class_parse(name, strlen(name)), c);
    }
    assert_int_equal(activity_class_parse("activ", 5), ACTIVITY_CLASSES);
    assert_string_equal(activity_class_name((enum activity_class)77), "unknown");
}

/* ---- two become one ---- */

TEST(a_merge_is_as_if_they_had_been_one)
{
    uint64_t seed = 21;
    static struct activity_event ev[512];
    for (int round = 0; round < 500; round++) {
        struct activity one = {0}, other = {0}, both = {0};
        size_t n = history(&seed, 1 + below(&seed, 30), ev);
        for (size_t i = 0; i < n; i++) {
            ev[i].sure = true;
            activity_add(below(&seed, 2) != 0 ? &one : &other, &ev[i]);
            activity_add(&both, &ev[i]);
        }
        struct activity turned = other;
        activity_merge(&turned, &one);
        activity_merge(&one, &other);
        assert_true(counters_agree(&one, &both, 0.05) && counters_agree(&turned, &both, 0.05));
        memcpy(one.good, both.good, sizeof one.good);
        memcpy(one.held, both.held, sizeof one.held);
        assert_same(&one, &both);
    }
}

/* ---- packed ---- */

TEST(packed_is_small_and_comes_back)
{
    uint64_t seed = 31;
    static struct activity_event ev[512];
    size_t most = 0, sum = 0;
    for (int round = 0; round < 1000; round++) {
        uint8_t bytes[ACTIVITY_PACKED_MAX];
        struct activity a = after(ev, history(&seed, below(&seed, 40), ev)), back;
        size_t n = activity_pack(&a, bytes);
        assert_int_equal(activity_unpack(bytes, n, &back), 0);
        assert_same(&a, &back);
        most = n > most ? n : most;
        sum += n;
    }
    printf("an activity takes %zu bytes, at most %zu\n", sum / 1000, most);
    assert_true(most <= 100);
}

/* The longest there can be. */
TEST(packed_at_most)
{
    struct activity a = {.good = {1, 1}, .held = {1, 1}, .n_newest = ACTIVITY_NEWEST, .n_delays = ACTIVITY_DELAYS},
                    back;
    uint8_t bytes[ACTIVITY_PACKED_MAX];
    a.since = a.sent = a.delivered = a.read = a.clicked = a.replied = INT64_C(1577836800);
    a.failed = INT64_C(3786825600);
    for (int i = 0; i < ACTIVITY_NEWEST; i++)
        a.newest[i] = (struct activity_newest){INT64_C(3786825600) - INT64_C(276000000) * (i + 1), ACTIVITY_REPLIED};
    for (int i = 0; i < ACTIVITY_DELAYS; i++)
        a.delay[i] = (struct activity_delay){INT64_C(3786825600) - INT64_C(400000000) * (i + 1), INT64_C(3786825600)};
    size_t n = activity_pack(&a, bytes);
    assert_true(n <= ACTIVITY_PACKED_MAX);
    assert_int_equal(activity_unpack(bytes, n, &back), 0);
    assert_same(&a, &back);
}

TEST(damage_is_refused)
{
    uint64_t seed = 41;
    static struct activity_event ev[512];
    struct activity a = after(ev, history(&seed, 20, ev)), back;
    uint8_t bytes[ACTIVITY_PACKED_MAX], other[ACTIVITY_PACKED_MAX];
    size_t n = activity_pack(&a, bytes), taken = 0;
    for (size_t cut = 0; cut < n; cut++)
        assert_int_equal(activity_unpack(bytes, cut, &back), WL_ECORRUPT);
    bytes[n] = 0;
    assert_int_equal(activity_unpack(bytes, n + 1, &back), WL_ECORRUPT);
    for (int round = 0; round < 20000; round++) { /* whatever is taken packs to the same bytes again */
        uint8_t hurt[ACTIVITY_PACKED_MAX];
        memcpy(hurt, bytes, n);
        hurt[below(&seed, n)] ^= (uint8_t)(1 + below(&seed, 255));
        if (activity_unpack(hurt, n, &back) != 0)
            continue;
        taken++;
        assert_int_equal(activity_pack(&back, other), n);
    }
    assert_true(taken > 0 && taken < 20000);
}

/* Whatever is taken can be used, and is written so that it is read again: a row that is taken once is no row that is lost. */
TEST(any_bytes_are_refused_or_of_use)
{
    static const uint8_t small[] = {0, 0, 0, 1, 1, 2, 3, 4, 5, 7, 8, 16, 0x20, 0x41, 0x7f, 0x80};
    uint64_t seed = 43;
    static struct activity_event ev[512];
    size_t taken = 0;
    for (int round = 0; round < 60000; round++) {
        uint8_t bytes[ACTIVITY_PACKED_MAX], again[ACTIVITY_PACKED_MAX];
        struct activity a = after(ev, history(&seed, 1 + below(&seed, 8), ev)), back = {.n_newest = 77};
        size_t n = activity_pack(&a, bytes);
        for (uint64_t k = 1 + below(&seed, 3); k > 0; k--)
            bytes[below(&seed, n)] =
                below(&seed, 2) != 0 ? small[below(&seed, sizeof small)] : (uint8_t)below(&seed, 256);
        if (activity_unpack(bytes, n, &back) != 0) {
            assert_int_equal(back.n_newest, 77);
            continue;
        }
        taken++;
        assert_true(isfinite(activity_score(&back, NOW)) && activity_score(&back, NOW) >= 0);
        assert_true(activity_unreachable(&back) <= ACTIVITY_NEWEST && activity_typical_delay(&back) >= -1);
        assert_int_equal(activity_unpack(again, activity_pack(&back, again), &a), 0);
        activity_merge(&back, &a);
        activity_add(&back, &(struct activity_event){ACTIVITY_READ, NOW, NOW, true});
        assert_int_equal(activity_unpack(again, activity_pack(&back, again), &a), 0);
        assert_same(&back, &a);
    }
    assert_true(taken > 1000);
}

TESTS(T(shuffled_late_and_doubled_events_lead_to_the_same), T(a_long_history_in_any_order),
      T(an_event_older_than_all_that_is_kept_counts_when_it_is_no_repeat), T(counters_are_the_sum_of_what_happened),
      T(what_events_weigh_and_how_it_fades), T(delays_are_those_of_the_newest_messages),
      T(undeliverable_ones_are_counted_from_the_last_sign_of_life), T(classes_at_their_horizons),
      T(a_merge_is_as_if_they_had_been_one), T(packed_is_small_and_comes_back), T(packed_at_most), T(damage_is_refused),
      T(any_bytes_are_refused_or_of_use), T(newest_first_is_worth_what_oldest_first_is),
      T(what_may_be_a_repeat_counts_between_the_newest_and_all), T(what_is_held_back_pushes_no_undeliverable_one_out))
