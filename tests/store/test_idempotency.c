/* SPDX-License-Identifier: Apache-2.0
 * test_idempotency.c - the same key is the same message, for a week at least.
 *
 * What would hurt: a caller who asks again after a time-out and sends twice; one key answered with another's message; a
 * table that grows for ever. */
#include "store_fixture.h"

#include "store/idempotency.h"

#define DAY_MS  INT64_C(86400000)
#define WEEK_MS (7 * DAY_MS)

static struct idempotency of(uint8_t key, int64_t msg)
{
    struct idempotency v = {.msg = msg, .fingerprint = msg * 10};
    memset(v.key, key, sizeof v.key);
    return v;
}

static void put(struct fx *f, uint8_t key, int64_t msg, int64_t now)
{
    struct idempotency v = of(key, msg);
    BEGIN(f);
    OK(f, idempotency_put(f->s, &v, now, &f->e));
    COMMIT(f);
}

static int64_t msg_of(struct fx *f, uint8_t key, int64_t now)
{
    struct idempotency v = of(key, 0), got = of(99, 99);
    OK(f, idempotency_get(f->s, 0, v.key, now, &got, &f->e));
    assert_memory_equal(got.key, v.key, sizeof v.key);
    assert_true(got.bucket == 0 && got.fingerprint == got.msg * 10);
    return got.msg;
}

TEST(a_key_stands_for_its_message)
{
    struct fx f;
    struct idempotency got, almost = of(1, 0);
    fx_start(&f);
    assert_int_equal(msg_of(&f, 1, NOW), 0);
    put(&f, 1, 501, NOW);
    put(&f, 2, INT64_MAX / 10, NOW);
    fx_reopen(&f);
    assert_int_equal(msg_of(&f, 1, NOW), 501);
    assert_true(msg_of(&f, 2, NOW) == INT64_MAX / 10);
    almost.key[IDEMPOTENCY_KEY_BYTES - 1] ^= 1; /* the last bit counts, and zero bytes are bytes */
    OK(&f, idempotency_get(f.s, 0, almost.key, NOW, &got, &f.e));
    assert_int_equal(got.msg, 0);
    memset(almost.key, 0, sizeof almost.key);
    almost.msg = 7;
    BEGIN(&f);
    OK(&f, idempotency_put(f.s, &almost, NOW, &f.e));
    COMMIT(&f);
    OK(&f, idempotency_get(f.s, 0, almost.key, NOW, &got, &f.e));
    assert_int_equal(got.msg, 7);
    OK(&f, idempotency_get(f.s, 1, almost.key, NOW, &got, &f.e)); /* another bucket */
    assert_true(got.msg == 0 && got.bucket == 1);
    assert_int_equal(idempotency_put(f.s, &almost, NOW, &f.e), WL_EBUG); /* outside a transaction */
    fx_end(&f);
}

TEST(a_key_is_known_for_a_week_and_not_for_three)
{
    struct fx f;
    fx_start(&f);
    for (uint8_t hour = 0; hour < 168; hour += 3) {
        int64_t then = NOW + hour * INT64_C(3600000);
        put(&f, hour, 1000 + hour, then);
        assert_int_equal(msg_of(&f, hour, then), 1000 + hour);
        assert_int_equal(msg_of(&f, hour, then + WEEK_MS), 1000 + hour);
        assert_int_equal(msg_of(&f, hour, then + 2 * WEEK_MS), 0);
    }
    fx_end(&f);
}

/* The clock was set back over the end of a week, at which keys are told apart. */
TEST(a_clock_set_back_forgets_no_key)
{
    struct fx f;
    int64_t monday = NOW / WEEK_MS * WEEK_MS;
    fx_start(&f);
    put(&f, 1, 501, monday + 5);
    assert_int_equal(msg_of(&f, 1, monday - 5), 501);
    put(&f, 1, 502, monday - 4);
    assert_int_equal(msg_of(&f, 1, monday - 4), 502);
    assert_int_equal(msg_of(&f, 1, monday + 6), 502);
    fx_end(&f);
}

TEST(a_key_that_stands_for_another_message_has_forgotten_the_first)
{
    struct fx f;
    fx_start(&f);
    put(&f, 1, 501, NOW);
    put(&f, 1, 502, NOW + 1); /* the same week */
    assert_int_equal(msg_of(&f, 1, NOW + 2), 502);
    put(&f, 1, 503, NOW + WEEK_MS); /* the next */
    assert_int_equal(msg_of(&f, 1, NOW + WEEK_MS), 503);
    assert_int_equal(msg_of(&f, 1, NOW), 503);
    fx_end(&f);
}

static int rows_left(struct fx *f, const struct idempotency *v, int n, int64_t now)
{
    int left = 0;
    for (int i = 0; i < n; i++) {
        struct idempotency got;
        OK(f, idempotency_get(f->s, 0, v[i].key, now, &got, &f->e));
        left += got.msg != 0;
    }
    return left;
}

/* A step; true: the walk is at its end. */
static bool forget(struct fx *f, int bucket, int64_t now, struct idempotency_at *at)
{
    static const struct idempotency_at end;
    BEGIN(f);
    OK(f, idempotency_forget(f->s, bucket, now, at, &f->e));
    COMMIT(f);
    return memcmp(at, &end, sizeof end) == 0;
}

static void walk(struct fx *f, int64_t now)
{
    struct idempotency_at at = {0};
    while (!forget(f, 0, now, &at))
        ;
}

TEST(old_keys_go_in_steps_and_promised_ones_stay)
{
    enum { OLD = 4500 };
    static struct idempotency v[OLD];
    struct idempotency_at at = {0};
    struct fx f;
    fx_start(&f);
    BEGIN(&f);
    for (int i = 0; i < OLD; i++) {
        v[i] = of((uint8_t)i, 1 + i);
        v[i].key[0] = (uint8_t)(i >> 8);
        OK(&f, idempotency_put(f.s, &v[i], i < OLD / 2 ? NOW : NOW + WEEK_MS, &f.e)); /* the first half a week before */
    }
    COMMIT(&f);
    walk(&f, NOW + WEEK_MS); /* nothing is old enough */
    assert_int_equal(rows_left(&f, v, OLD, NOW + WEEK_MS), OLD);
    assert_true(forget(&f, 1, NOW + 9 * WEEK_MS, &at)); /* another bucket's */
    assert_false(forget(&f, 0, NOW + 2 * WEEK_MS, &at));
    assert_int_equal(rows_left(&f, v, OLD, NOW + WEEK_MS), OLD - 500);
    walk(&f, NOW + 2 * WEEK_MS);
    assert_int_equal(rows_left(&f, v, OLD, NOW + WEEK_MS), OLD / 2);
    assert_int_equal(rows_left(&f, v, OLD / 2, NOW + WEEK_MS), 0);
    fx_end(&f);
}

/* A message may wait for a year; asked for again under its key it must not become a second one. */
TEST(a_key_stands_until_its_message_has_ended)
{
    struct fx f;
    fx_start(&f);
    struct message waits = fx_message(&f, 4096), ended = fx_message(&f, 4096);
    waits.life.state = LIFE_WAITING;
    ended.life.state = LIFE_ACCEPTED;
    BEGIN(&f);
    OK(&f, messages_insert(f.s, &waits, NULL, 1, &f.e));
    OK(&f, messages_insert(f.s, &ended, NULL, 1, &f.e));
    struct idempotency key = of(1, 0), other = of(2, 0), got;
    key.msg = waits.id;
    other.msg = ended.id;
    OK(&f, idempotency_put(f.s, &key, NOW, &f.e));
    OK(&f, idempotency_put(f.s, &other, NOW, &f.e));
    COMMIT(&f);
    for (int week = 1; week <= 52; week++) {
        walk(&f, NOW + week * WEEK_MS);
        walk(&f, NOW + week * WEEK_MS + 1);
        OK(&f, idempotency_get(f.s, 0, key.key, NOW + week * WEEK_MS, &got, &f.e));
        assert_true(got.msg == waits.id && got.fingerprint == key.fingerprint);
        OK(&f, idempotency_get(f.s, 0, other.key, NOW + week * WEEK_MS, &got, &f.e));
        assert_int_equal(got.msg != 0, week == 1);
    }
    waits.life.state = LIFE_CANCELLED;
    BEGIN(&f);
    OK(&f, message_save(f.s, &waits, &f.e));
    COMMIT(&f);
    for (int week = 53; week <= 54; week++) {
        walk(&f, NOW + week * WEEK_MS);
        OK(&f, idempotency_get(f.s, 0, key.key, NOW + week * WEEK_MS, &got, &f.e));
        assert_int_equal(got.msg != 0, week == 53);
    }
    fx_end(&f);
}

/* The program did not run for a month. */
TEST(a_key_that_stands_anew_does_not_undo_a_later_one)
{
    struct fx f;
    fx_start(&f);
    struct message waits = fx_message(&f, 4096);
    waits.life.state = LIFE_WAITING;
    BEGIN(&f);
    OK(&f, messages_insert(f.s, &waits, NULL, 1, &f.e));
    struct idempotency key = of(1, 0), got;
    key.msg = waits.id;
    OK(&f, idempotency_put(f.s, &key, NOW, &f.e));
    COMMIT(&f);
    put(&f, 1, 503, NOW + 4 * WEEK_MS);
    walk(&f, NOW + 4 * WEEK_MS);
    OK(&f, idempotency_get(f.s, 0, key.key, NOW + 4 * WEEK_MS, &got, &f.e));
    assert_int_equal(got.msg, 503);
    fx_end(&f);
}

TESTS(T(a_key_stands_for_its_message), T(a_key_is_known_for_a_week_and_not_for_three),
      T(a_clock_set_back_forgets_no_key), T(a_key_that_stands_for_another_message_has_forgotten_the_first),
      T(old_keys_go_in_steps_and_promised_ones_stay), T(a_key_stands_until_its_message_has_ended),
      T(a_key_that_stands_anew_does_not_undo_a_later_one))
