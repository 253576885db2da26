/* SPDX-License-Identifier: Apache-2.0
 * test_delivery.c - each rule of core/delivery.h by itself: order, waits, down, refused, let past, in the way, expired, held. */
#include "core/delivery.h"

#include "t.h"

#define SECOND INT64_C(1000)
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define START  (1000 * SECOND)
#define WALL   INT64_C(1790000000000)

struct bench {
    struct delivery *d;
    int64_t mono, seq;
};

static struct bench bench(unsigned parallel)
{
    struct delivery_terms t = delivery_usual;
    t.parallel = parallel;
    struct bench b = {.d = delivery_create(&t), .mono = START};
    assert_non_null(b.d);
    return b;
}

/* Adds a thing that speaks of these names, separated by spaces. */
static bool add(struct bench *b, const char *names)
{
    struct delivery_names n = {0};
    struct delivery_thing t = {.seq = ++b->seq, .event = -1, .at = WALL, .names = &n};
    struct str rest = str_of(names), name;
    while (rest.n > 0) {
        name = str_cut(rest, ' ', &rest);
        delivery_name(&n, name);
    }
    if (delivery_add(b->d, &t))
        return true;
    b->seq--;
    return false;
}

static void add_many(struct bench *b, int n)
{
    for (int i = 0; i < n; i++)
        assert_true(add(b, ""));
}

static const struct delivery_thing *begin(struct bench *b, int64_t seq)
{
    int64_t wake;
    const struct delivery_thing *t = delivery_next(b->d, b->mono, &wake);
    if (t == NULL || t->seq != seq)
        fail_msg("got %lld, want %lld", t != NULL ? (long long)t->seq : -1, (long long)seq);
    return t;
}

static const struct delivery_thing *begin_any(struct bench *b)
{
    int64_t wake;
    const struct delivery_thing *t = delivery_next(b->d, b->mono, &wake);
    assert_non_null(t);
    return t;
}

/* Nobody's turn; again in so many ms (-1: after an answer). */
static void assert_nobody(struct bench *b, int64_t in)
{
    int64_t wake;
    const struct delivery_thing *t = delivery_next(b->d, b->mono, &wake);
    if (t != NULL)
        fail_msg("got %lld, want nobody", (long long)t->seq);
    if (wake != (in < 0 ? INT64_MAX : b->mono + in))
        fail_msg("wake in %lld, want %lld", (long long)(wake - b->mono), (long long)in);
}

static enum delivery_end answer(struct bench *b, const struct delivery_thing *t, int status)
{
    return delivery_answered(b->d, t, status, 0, b->mono, WALL + b->mono - START);
}

/* One that is new is handed over and taken. */
static void take_one(struct bench *b)
{
    assert_true(add(b, ""));
    assert_int_equal(answer(b, begin(b, b->seq), 200), DELIVERY_TAKEN);
}

/* As long as nobody has a turn, time goes on. */
static const struct delivery_thing *wait_for(struct bench *b)
{
    for (;;) {
        int64_t wake;
        const struct delivery_thing *t = delivery_next(b->d, b->mono, &wake);
        if (t != NULL)
            return t;
        assert_true(wake > b->mono && wake < INT64_MAX);
        b->mono = wake;
    }
}

TEST(in_order_and_at_most_so_many)
{
    struct bench b = bench(3);
    add_many(&b, 5);
    const struct delivery_thing *one = begin(&b, 1), *two = begin(&b, 2);
    (void)begin(&b, 3);
    assert_nobody(&b, -1);
    assert_int_equal(delivery_open(b.d), 3);
    assert_int_equal(one->attempts, 1);
    assert_int_equal(answer(&b, two, 204), DELIVERY_TAKEN);
    (void)begin(&b, 4);
    assert_nobody(&b, -1);
    assert_int_equal(delivery_count(b.d), 4);
    delivery_free(b.d);
    delivery_free(NULL);
}

TEST(who_shares_a_name_waits)
{
    struct bench b = bench(8);
    assert_true(add(&b, "m1 ana"));
    assert_true(add(&b, "m2 ben"));
    assert_true(add(&b, "m3 ana ana"));
    assert_true(add(&b, "m2 m3"));
    assert_true(add(&b, ""));
    assert_true(add(&b, "ana"));
    const struct delivery_thing *one = begin(&b, 1), *two = begin(&b, 2), *three;
    (void)begin(&b, 5);
    assert_nobody(&b, -1);
    (void)answer(&b, one, 200);
    three = begin(&b, 3);
    assert_nobody(&b, -1);
    (void)answer(&b, two, 200);
    assert_nobody(&b, -1); /* the fourth waits for m3 as well */
    (void)answer(&b, three, 200);
    (void)begin(&b, 4);
    (void)begin(&b, 6);
    delivery_free(b.d);
}

/* One that failed is still before those that share its name. */
TEST(who_failed_keeps_its_place)
{
    struct bench b = bench(8);
    assert_true(add(&b, "ana"));
    assert_true(add(&b, "ana"));
    assert_int_equal(answer(&b, begin(&b, 1), 500), DELIVERY_AGAIN);
    assert_nobody(&b, SECOND);
    b.mono += SECOND;
    assert_int_equal(answer(&b, begin(&b, 1), 200), DELIVERY_TAKEN);
    (void)begin(&b, 2);
    delivery_free(b.d);
}

static void add_crowd(struct bench *b, int names)
{
    struct delivery_names n = {0};
    struct delivery_thing t = {.seq = ++b->seq, .event = -1, .at = WALL, .names = &n};
    for (int i = 0; i < names; i++) {
        char name[20];
        delivery_name(&n, (struct str){name, (size_t)snprintf(name, sizeof name, "crowd %d", i)});
    }
    assert_true(delivery_add(b->d, &t));
}

TEST(too_many_names_are_in_order_with_everybody)
{
    struct bench b = bench(8);
    assert_true(add(&b, "ana"));
    assert_true(add(&b, "ben"));
    add_crowd(&b, 1000);
    assert_true(add(&b, "carl"));
    add_crowd(&b, 1000);
    add_crowd(&b, 1000);
    assert_true(add(&b, "dora"));
    const struct delivery_thing *one = begin(&b, 1), *two = begin(&b, 2);
    (void)answer(&b, two, 200);
    assert_nobody(&b, -1);
    (void)answer(&b, one, 200);
    for (int64_t seq = 3; seq <= 6; seq++) {
        const struct delivery_thing *t = begin(&b, seq);
        assert_nobody(&b, -1);
        (void)answer(&b, t, 200);
    }
    (void)begin(&b, 7);
    delivery_free(b.d);
}

TEST(waits_are_doubled)
{
    static const int64_t waits[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300};
    struct bench b = bench(8);
    assert_true(add(&b, ""));
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++) {
        const struct delivery_thing *t = begin(&b, 1);
        assert_int_equal(t->attempts, i + 1);
        assert_int_equal(answer(&b, t, 0), DELIVERY_AGAIN);
        assert_nobody(&b, waits[i] * SECOND);
        b.mono += waits[i] * SECOND;
    }
    delivery_free(b.d);
}

/* --- down ------------------------------------------------------------------------------------------------------------ */

static void fail_first(struct bench *b, int n)
{
    for (int i = 0; i < n; i++)
        assert_int_equal(answer(b, begin_any(b), 502), DELIVERY_AGAIN);
}

TEST(down_one_probe_at_a_time)
{
    struct bench b = bench(8);
    add_many(&b, 20);
    assert_int_equal(delivery_down(b.d), 0);
    fail_first(&b, DELIVERY_DOWN_AFTER);
    assert_int_equal(delivery_down(b.d), START);
    for (int64_t wait = SECOND, seq = DELIVERY_DOWN_AFTER + 1; seq <= 20; seq++) {
        assert_nobody(&b, wait);
        b.mono += wait;
        const struct delivery_thing *t = begin(&b, seq); /* another one each time */
        assert_nobody(&b, -1);
        assert_int_equal(answer(&b, t, 0), DELIVERY_AGAIN);
        wait = wait * 2 < 300 * SECOND ? wait * 2 : 300 * SECOND;
    }
    /* all were tried: whoever was tried longest ago */
    b.mono += 300 * SECOND;
    const struct delivery_thing *t = begin_any(&b);
    assert_true(t->seq <= DELIVERY_DOWN_AFTER);
    assert_int_equal(answer(&b, t, 200), DELIVERY_TAKEN);
    assert_int_equal(delivery_down(b.d), 0);
    /* nothing is held against the others: at once, and in order */
    for (int64_t seq = 1; seq <= 9; seq++)
        if (seq != t->seq)
            (void)begin(&b, seq);
    assert_int_equal(delivery_open(b.d), 8);
    delivery_free(b.d);
}

/* What was on its way when it went down comes back first; an answer of 2xx among it ends it. */
TEST(down_waits_for_what_is_on_its_way)
{
    struct bench b = bench(16);
    const struct delivery_thing *t[16];
    add_many(&b, 30);
    for (int i = 0; i < 16; i++)
        t[i] = begin(&b, i + 1);
    for (int i = 0; i < 14; i++)
        (void)answer(&b, t[i], 500);
    b.mono += 10 * SECOND;
    assert_nobody(&b, -1);
    (void)answer(&b, t[14], 500);
    assert_nobody(&b, -1);
    (void)answer(&b, t[15], 200);
    (void)begin(&b, 1);
    delivery_free(b.d);
}

/* What fails behind it lengthens no wait: that is for probes. */
TEST(down_is_lengthened_by_probes_alone)
{
    struct bench b = bench(16);
    const struct delivery_thing *t[16];
    add_many(&b, 30);
    for (int i = 0; i < 16; i++)
        t[i] = begin(&b, i + 1);
    for (int i = 0; i < 16; i++)
        (void)answer(&b, t[i], 500);
    assert_nobody(&b, SECOND);
    b.mono += SECOND;
    (void)answer(&b, begin(&b, 17), 500);
    assert_nobody(&b, 2 * SECOND);
    b.mono += 2 * SECOND;
    delivery_untried(b.d, begin(&b, 18)); /* not even tried */
    (void)answer(&b, begin(&b, 18), 500);
    assert_nobody(&b, 4 * SECOND);
    delivery_free(b.d);
}

/* One that had failed for itself waits for that alone when others are taken again, not for the time when nobody was. */
TEST(only_its_own_failures_make_it_wait)
{
    struct bench b = bench(8);
    add_many(&b, 1);
    (void)answer(&b, begin(&b, 1), 503);
    take_one(&b);
    (void)answer(&b, begin(&b, 1), 503);
    for (int i = 0; i < 9; i++)
        (void)answer(&b, wait_for(&b), 503);
    assert_nobody(&b, 300 * SECOND);
    take_one(&b);
    assert_nobody(&b, SECOND);
    delivery_free(b.d);
}

TEST(a_few_that_fail_are_not_the_receiver)
{
    struct bench b = bench(8);
    add_many(&b, DELIVERY_DOWN_AFTER - 1);
    fail_first(&b, DELIVERY_DOWN_AFTER - 1);
    add_many(&b, 1);
    (void)begin(&b, b.seq); /* not one at a time */
    delivery_free(b.d);
}

TEST(three_failures_in_a_row_are_shown)
{
    struct bench b = bench(8);
    add_many(&b, 1);
    for (int i = 1; i <= DELIVERY_SUSPECT; i++) {
        assert_int_equal(delivery_down(b.d), 0);
        (void)answer(&b, wait_for(&b), 400);
    }
    add_many(&b, 1);
    assert_int_equal(delivery_down(b.d), START);
    (void)answer(&b, begin(&b, 2), 200);
    assert_int_equal(delivery_down(b.d), 0);
    delivery_free(b.d);
}

/* A few refused ones alone look like a receiver that is down. What is new is asked for first. */
TEST(refused_ones_do_not_hide_a_new_one)
{
    struct bench b = bench(8);
    add_many(&b, 12);
    for (int i = 0; i < 60; i++)
        (void)answer(&b, wait_for(&b), 404);
    int64_t before = b.mono;
    assert_true(add(&b, ""));
    const struct delivery_thing *t = wait_for(&b);
    assert_int_equal(t->seq, 13);
    assert_true(b.mono - before <= delivery_usual.wait_most_ms);
    (void)answer(&b, t, 200);
    assert_int_equal(delivery_count(b.d), 12);
    delivery_free(b.d);
}

/* --- given up -------------------------------------------------------------------------------------------------------- */

/* Tries the first thing until it is over, another one being taken before each try or not. Returns the attempts. */
static unsigned try_until_over(struct bench *b, int status, bool others, enum delivery_end *ret)
{
    for (unsigned tries = 1; tries < 10000; tries++) {
        if (others)
            take_one(b);
        const struct delivery_thing *t = wait_for(b);
        assert_int_equal(t->seq, 1);
        *ret = answer(b, t, status);
        if (*ret != DELIVERY_AGAIN)
            return tries;
    }
    return 0;
}

TEST(refused_while_others_are_taken)
{
    static const struct {
        int status;
        unsigned tries;
    } rows[] = {{400, 10}, {403, 10}, {404, 10}, {422, 10}, {408, 50},
                {429, 50}, {500, 50}, {503, 50}, {0, 50},   {302, 50}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bench b = bench(8);
        enum delivery_end end;
        assert_true(add(&b, ""));
        /* the first failure of the first thing is before anything is taken: it says nothing yet */
        (void)answer(&b, begin(&b, 1), rows[i].status);
        assert_int_equal(try_until_over(&b, rows[i].status, true, &end), rows[i].tries);
        assert_int_equal(end, DELIVERY_REFUSED);
        assert_int_equal(delivery_count(b.d), 0);
        int64_t took = b.mono - START;
        assert_true(rows[i].tries == 10 ? took <= 512 * SECOND : took <= 4 * HOUR);
        delivery_free(b.d);
    }
}

TEST(nothing_is_held_against_it_while_nothing_is_taken)
{
    struct bench b = bench(8);
    enum delivery_end end;
    add_many(&b, 1);
    assert_int_equal(try_until_over(&b, 404, false, &end) > 100, true);
    assert_int_equal(end, DELIVERY_EXPIRED);
    assert_true(b.mono - START >= delivery_usual.patience_ms);
    delivery_free(b.d);
}

/* A receiver that comes and goes: one failure each time it goes, but not those of the time when it is gone. */
TEST(a_receiver_that_was_down_is_not_held_against_things)
{
    struct bench b = bench(1);
    add_many(&b, 1);
    for (int k = 0; k < DELIVERY_SUSPECT; k++) {
        for (int i = 0; i < 20; i++)
            assert_int_equal(answer(&b, wait_for(&b), 401), DELIVERY_AGAIN);
        take_one(&b);
    }
    delivery_free(b.d);
}

/* A bad deploy, and a handful of conversations: each answer is refused, whatever it is. */
TEST(a_receiver_that_refuses_everything_loses_nothing)
{
    static const int statuses[] = {400, 409, 422, 500, 401, 404, 429, 502, 0};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        for (int people = 1; people <= 9; people++) {
            struct bench b = bench(8);
            for (int k = 0; k < 50; k++) {
                char name[20];
                (void)snprintf(name, sizeof name, "person%d", k % people);
                assert_true(add(&b, name));
            }
            while (b.mono < START + 24 * HOUR)
                assert_int_equal(answer(&b, wait_for(&b), statuses[i]), DELIVERY_AGAIN);
            assert_int_equal(delivery_down(b.d), START);
            assert_int_equal(delivery_count(b.d), 50);
            delivery_free(b.d);
        }
}

/* The first of the bench always fails, the others are taken. Returns when it was over. */
static int64_t try_while_first_fails(struct bench *b, int status, int64_t retry_after, int64_t *ret_before)
{
    *ret_before = 0;
    for (;;) {
        const struct delivery_thing *t = wait_for(b);
        if (t->seq != 1) {
            *ret_before += t->seq > 1;
            assert_int_equal(answer(b, t, 200), DELIVERY_TAKEN);
        } else {
            enum delivery_end end = delivery_answered(b->d, t, status, retry_after, b->mono, WALL + b->mono - START);
            if (end != DELIVERY_AGAIN) {
                assert_int_equal(end, DELIVERY_REFUSED);
                return b->mono - START;
            }
        }
    }
}

/* One thing that holds everybody: a barrier, or by the name of all of them, or with a barrier behind it. */
TEST(where_the_rest_waits_for_it_something_is_let_past)
{
    static const struct {
        int status, retry_after, barrier, other; /* s; given up within so many minutes */
    } rows[] = {{400, 0, 10, 20},    {403, 0, 10, 20},   {404, 0, 10, 20}, {500, 0, 220, 230}, {429, 0, 220, 230},
                {503, 20, 220, 230}, {502, 0, 220, 230}, {0, 0, 220, 230}, {301, 0, 220, 230}};
    enum { BARRIER, CROWDS, NAME, BEHIND, WAYS };
    for (size_t i = 0; i < WAYS * sizeof rows / sizeof rows[0]; i++) {
        int64_t before, way = i % WAYS, row = (int64_t)i / WAYS;
        struct bench b = bench(8);
        if (way <= CROWDS || (add(&b, "all") && way == BEHIND))
            add_crowd(&b, 1000);
        for (int k = 0; k < 40; k++)
            way == CROWDS ? add_crowd(&b, 1000) : (void)add(&b, way == NAME ? "all" : "");
        int64_t took = try_while_first_fails(&b, rows[row].status, rows[row].retry_after * SECOND, &before);
        if (took > (way <= CROWDS ? rows[row].barrier : rows[row].other) * MINUTE || before != DELIVERY_SUSPECT)
            fail_msg("%d, %d: %lld ms, %lld before it", (int)way, rows[row].status, (long long)took, (long long)before);
        delivery_free(b.d);
    }
}

/* Right behind a failure and alone; not before it failed three times, and what failed goes on in its place. */
TEST(let_past_right_behind_a_failure)
{
    struct bench b = bench(8);
    const struct delivery_thing *t, *past;
    add_crowd(&b, 1000);
    assert_true(add(&b, "ana"));
    assert_true(add(&b, "ana"));
    assert_true(add(&b, "ben"));
    for (int i = 1; i <= DELIVERY_SUSPECT; i++) {
        t = wait_for(&b);
        assert_int_equal(t->seq, 1);
        (void)answer(&b, t, 503);
    }
    past = begin(&b, 2);
    assert_nobody(&b, -1); /* until it is back */
    b.mono += 10 * SECOND;
    (void)answer(&b, past, 503);
    t = begin(&b, 1); /* due meanwhile */
    (void)answer(&b, t, 503);
    past = begin(&b, 4); /* one that has not failed */
    delivery_untried(b.d, past);
    assert_nobody(&b, 8 * SECOND);
    b.mono += 8 * SECOND;
    assert_int_equal(answer(&b, begin(&b, 1), 200), DELIVERY_TAKEN);
    (void)begin(&b, 2);
    (void)begin(&b, 4);
    assert_nobody(&b, -1);
    delivery_free(b.d);
}

/* Nobody is let past where others may start, nor one that waits for somebody else as well. */
TEST(not_let_past)
{
    struct bench b = bench(8);
    assert_true(add(&b, "ana"));
    assert_true(add(&b, "ben"));
    assert_true(add(&b, "ana ben"));
    for (int i = 0; i < 40; i++)
        assert_int_equal(answer(&b, wait_for(&b), 500), DELIVERY_AGAIN);
    struct delivery_thing out;
    for (int i = 0; i < 3; i++)
        assert_true(delivery_take_out(b.d, &out));
    assert_int_equal(out.attempts, 0);
    assert_true(add(&b, "carl"));
    (void)begin(&b, 4);
    delivery_free(b.d);
}

/* Those that failed behind it are passed as well; what is passed is not taken out meanwhile. */
TEST(let_past_those_that_failed_too)
{
    struct bench b = bench(8);
    const struct delivery_thing *t;
    struct delivery_thing out;
    for (int i = 0; i < 4; i++)
        assert_true(add(&b, "ana"));
    while ((t = wait_for(&b))->seq < 3)
        (void)answer(&b, t, 502);
    assert_int_equal(t->seq, 3);
    assert_true(delivery_take_out(b.d, &out));
    assert_int_equal(out.seq, 2);
    (void)answer(&b, t, 200);
    assert_true(delivery_take_out(b.d, &out));
    assert_int_equal(out.seq, 1);
    (void)begin(&b, 4);
    delivery_free(b.d);
}

TEST(in_the_way_it_is_given_up_sooner)
{
    struct bench b = bench(8);
    enum delivery_end end;
    add_many(&b, 1);
    (void)answer(&b, begin(&b, 1), 500);
    for (int i = 0; i < DELIVERY_AHEAD; i++) {
        add_many(&b, 1);
        const struct delivery_thing *t = begin_any(&b);
        (void)answer(&b, t, t->seq == 1 ? 500 : 200);
    }
    while (delivery_count(b.d) > 1)
        (void)answer(&b, begin_any(&b), 200);
    assert_int_equal(delivery_position(b.d, b.seq), 0);
    assert_int_equal(try_until_over(&b, 500, true, &end), 9);
    assert_int_equal(end, DELIVERY_REFUSED);
    assert_int_equal(delivery_position(b.d, b.seq), b.seq);
    delivery_free(b.d);
    /* the window full of those that wait for it */
    b = bench(8);
    for (int i = 0; i < DELIVERY_WINDOW_MAX; i++)
        assert_true(add(&b, "ana"));
    assert_false(add(&b, ""));
    unsigned tries = 0;
    for (bool over = false; !over;) {
        const struct delivery_thing *t = wait_for(&b);
        bool first = t->seq == 1;
        tries += first;
        over = answer(&b, t, first ? 503 : 200) == DELIVERY_REFUSED;
        while (!over && add(&b, "ana"))
            continue;
    }
    assert_int_equal(tries, 13);
    assert_true(b.mono - START <= MINUTE);
    delivery_free(b.d);
}

/* --- expired --------------------------------------------------------------------------------------------------------- */

TEST(expired_after_patience_and_an_hour_in_vain)
{
    struct bench b = bench(8);
    struct delivery_thing out;
    int64_t old = WALL + delivery_usual.patience_ms + 1;
    add_many(&b, 3);
    /* old as they are, nobody tried them yet */
    assert_false(delivery_expire(b.d, b.mono, old, &out));
    const struct delivery_thing *t = begin(&b, 1);
    assert_int_equal(delivery_answered(b.d, t, 0, 0, b.mono, old), DELIVERY_AGAIN);
    assert_false(delivery_expire(b.d, b.mono + HOUR - 1, old, &out));
    b.mono += HOUR;
    t = begin_any(&b);
    assert_int_equal(t->seq, 2);
    assert_true(delivery_expire(b.d, b.mono, old, &out)); /* not the one on its way */
    assert_int_equal(out.seq, 1);
    assert_true(delivery_expire(b.d, b.mono, old, &out)); /* nor because it was tried itself */
    assert_int_equal(out.seq, 3);
    assert_false(delivery_expire(b.d, b.mono, old, &out));
    assert_int_equal(delivery_answered(b.d, t, 0, 0, b.mono, old), DELIVERY_EXPIRED);
    assert_int_equal(delivery_count(b.d), 0);
    /* young ones stay */
    add_many(&b, 1);
    assert_int_equal(delivery_answered(b.d, begin_any(&b), 0, 0, b.mono, WALL), DELIVERY_AGAIN);
    assert_false(delivery_expire(b.d, b.mono + 10 * HOUR, WALL + 10 * HOUR, &out));
    delivery_free(b.d);
}

/* --- the rest -------------------------------------------------------------------------------------------------------- */

TEST(retry_after_is_for_all)
{
    struct bench b = bench(8);
    add_many(&b, 3);
    const struct delivery_thing *one = begin(&b, 1);
    (void)delivery_answered(b.d, one, 429, 30 * SECOND, b.mono, WALL);
    assert_nobody(&b, 30 * SECOND);
    b.mono += 30 * SECOND;
    (void)begin(&b, 2);
    (void)delivery_answered(b.d, begin(&b, 1), 503, 7000 * SECOND, b.mono, WALL);
    assert_nobody(&b, 300 * SECOND); /* within reason */
    b.mono += 300 * SECOND;
    (void)delivery_answered(b.d, begin_any(&b), 500, 50 * SECOND, b.mono, WALL);
    (void)begin_any(&b); /* others do not mean it */
    delivery_free(b.d);
}

/* What one window was told holds the others of its receiver. */
TEST(held_by_another_window)
{
    struct bench b = bench(8), other = bench(8);
    add_many(&b, 1);
    add_many(&other, 10);
    (void)delivery_answered(b.d, begin(&b, 1), 429, 30 * SECOND, b.mono, WALL);
    assert_int_equal(delivery_held(b.d), START + 30 * SECOND);
    delivery_hold(other.d, delivery_held(b.d));
    assert_nobody(&other, 30 * SECOND);
    delivery_hold(other.d, START + SECOND); /* it is never shortened */
    assert_nobody(&other, 30 * SECOND);
    other.mono += 30 * SECOND;
    fail_first(&other, DELIVERY_DOWN_AFTER);
    delivery_hold(other.d, other.mono + 40 * SECOND);
    assert_nobody(&other, 40 * SECOND);
    delivery_free(b.d);
    delivery_free(other.d);
}

/* Those tried again leave half of the places to others. */
TEST(half_of_the_places_are_for_new_ones)
{
    struct bench b = bench(4);
    for (int i = 0; i < 4; i++) {
        add_many(&b, 1);
        (void)answer(&b, begin(&b, b.seq), 400);
        take_one(&b);
        (void)answer(&b, begin(&b, b.seq - 1), 400);
    }
    add_many(&b, 10);
    b.mono += 100 * SECOND;
    int old = 0;
    for (int i = 0; i < 4; i++)
        old += begin_any(&b)->attempts == 3;
    assert_int_equal(old, 2);
    delivery_free(b.d);
}

TEST(untried_is_as_it_was)
{
    struct bench b = bench(8);
    assert_true(add(&b, "ana"));
    assert_true(add(&b, "ana"));
    assert_true(add(&b, ""));
    const struct delivery_thing *t = begin(&b, 1), *three = begin(&b, 3);
    delivery_untried(b.d, t);
    delivery_untried(b.d, three);
    t = begin(&b, 1);
    assert_int_equal(t->attempts, 1);
    (void)answer(&b, t, 500);
    b.mono += SECOND;
    (void)begin(&b, 3);
    delivery_untried(b.d, begin(&b, 1));
    assert_int_equal(begin(&b, 1)->attempts, 2);
    delivery_free(b.d);
}

TEST(taken_out_oldest_first)
{
    struct bench b = bench(8);
    struct delivery_thing out;
    int user;
    assert_true(add(&b, "ana"));
    assert_true(add(&b, "ana ben"));
    add_crowd(&b, 1000);
    struct delivery_thing mine = {.seq = ++b.seq, .user = &user};
    assert_true(delivery_add(b.d, &mine));
    const struct delivery_thing *t = begin(&b, 1);
    for (int64_t seq = 2; seq <= 4; seq++) {
        assert_true(delivery_take_out(b.d, &out));
        assert_int_equal(out.seq, seq);
    }
    assert_ptr_equal(out.user, &user);
    assert_false(delivery_take_out(b.d, &out));
    assert_true(add(&b, "ana"));
    assert_true(add(&b, "ben"));
    (void)begin(&b, 6);
    assert_nobody(&b, -1);
    (void)answer(&b, t, 200);
    (void)begin(&b, 5);
    delivery_free(b.d);
}

/* A barrier taken out from behind another one that is on its way: what is behind both waits for the first. */
TEST(taken_out_between_two_that_wait_for_all)
{
    struct bench b = bench(8);
    struct delivery_thing out;
    add_crowd(&b, 1000);
    add_crowd(&b, 1000);
    assert_true(add(&b, ""));
    const struct delivery_thing *t = begin(&b, 1);
    assert_true(delivery_take_out(b.d, &out));
    assert_int_equal(out.seq, 2);
    assert_nobody(&b, -1);
    (void)answer(&b, t, 200);
    (void)begin(&b, 3);
    delivery_free(b.d);
}

TEST(position)
{
    struct bench b = bench(8);
    assert_int_equal(delivery_position(b.d, 77), 77);
    for (int event = 0; event < 3; event++) {
        const struct delivery_thing t = {.seq = 10, .event = event, .at = WALL};
        assert_true(delivery_add(b.d, &t));
    }
    const struct delivery_thing last = {.seq = 20, .event = -1, .at = WALL};
    assert_true(delivery_add(b.d, &last));
    assert_int_equal(delivery_position(b.d, 5), 5); /* body 10 is not read to its end */
    assert_int_equal(delivery_position(b.d, 20), 9);
    const struct delivery_thing *t[4];
    for (int i = 0; i < 4; i++)
        t[i] = begin_any(&b);
    (void)answer(&b, t[3], 200);
    (void)answer(&b, t[0], 200);
    (void)answer(&b, t[2], 200);
    assert_int_equal(delivery_position(b.d, 25), 9);
    (void)answer(&b, t[1], 200);
    assert_int_equal(delivery_position(b.d, 25), 25);
    delivery_free(b.d);
}

TEST(the_window_has_an_end)
{
    struct bench b = bench(64);
    add_many(&b, DELIVERY_WINDOW_MAX);
    assert_false(add(&b, ""));
    (void)answer(&b, begin(&b, 1), 200);
    assert_true(add(&b, ""));
    assert_false(add(&b, ""));
    delivery_free(b.d);
    /* of names, too: so many each fill it sooner */
    b = bench(64);
    size_t n = 0;
    for (struct delivery_thing t = {.seq = 1}; n < DELIVERY_WINDOW_MAX; n++, t.seq++) {
        struct delivery_names names = {0};
        t.names = &names;
        for (int i = 0; names.n < DELIVERY_NAMES_MAX; i++) {
            char name[40];
            delivery_name(&names, (struct str){name, (size_t)snprintf(name, sizeof name, "%zu %d", n, i)});
        }
        if (!delivery_add(b.d, &t))
            break;
    }
    assert_in_range(n, 60, DELIVERY_WINDOW_MAX - 1);
    delivery_free(b.d);
}

TEST(other_terms)
{
    struct bench b = bench(8);
    struct delivery_terms t = {.parallel = 2, .wait_first_ms = 10, .wait_most_ms = 20, .patience_ms = HOUR};
    add_many(&b, 5);
    (void)begin(&b, 1);
    (void)begin(&b, 2);
    delivery_set(b.d, &t);
    assert_nobody(&b, -1);
    t.parallel = 3;
    delivery_set(b.d, &t);
    (void)answer(&b, begin(&b, 3), 500);
    (void)begin(&b, 4);
    assert_nobody(&b, -1);
    const struct delivery_terms none = {0};
    delivery_set(b.d, &none);
    delivery_free(b.d);
}

TESTS(T(in_order_and_at_most_so_many), T(who_shares_a_name_waits), T(who_failed_keeps_its_place),
      T(too_many_names_are_in_order_with_everybody), T(waits_are_doubled), T(down_one_probe_at_a_time),
      T(down_waits_for_what_is_on_its_way), T(down_is_lengthened_by_probes_alone),
      T(only_its_own_failures_make_it_wait), T(a_few_that_fail_are_not_the_receiver),
      T(three_failures_in_a_row_are_shown), T(refused_ones_do_not_hide_a_new_one), T(refused_while_others_are_taken),
      T(nothing_is_held_against_it_while_nothing_is_taken), T(a_receiver_that_was_down_is_not_held_against_things),
      T(a_receiver_that_refuses_everything_loses_nothing), T(where_the_rest_waits_for_it_something_is_let_past),
      T(let_past_right_behind_a_failure), T(not_let_past), T(let_past_those_that_failed_too),
      T(in_the_way_it_is_given_up_sooner), T(expired_after_patience_and_an_hour_in_vain), T(retry_after_is_for_all),
      T(held_by_another_window), T(half_of_the_places_are_for_new_ones), T(untried_is_as_it_was),
      T(taken_out_oldest_first), T(taken_out_between_two_that_wait_for_all), T(position), T(the_window_has_an_end),
      T(other_terms))
