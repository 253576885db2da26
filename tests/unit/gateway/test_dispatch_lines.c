/* SPDX-License-Identifier: Apache-2.0
 * test_dispatch_lines.c - lines of the outbox when something is in the way (dispatch_fixture.h).
 *
 * What would hurt: a line that is never read again, so that its messages wait for ever without a word; a set of ids that is
 * full and stops everybody; a number in trouble that delays another; a question about a number that was never heard of. */
#include "dispatch_fixture.h"

#define SEVERAL 300 /* more than are read ahead of one line */

static void wait_expired(struct house *h, uint64_t n)
{
    for (int i = 0; i < 3000 && h->g.metric[METRIC_EXPIRED] < n; i++)
        usleep(10000);
    assert_int_equal(h->g.metric[METRIC_EXPIRED], n);
}

TEST(a_line_goes_on_when_all_that_was_read_of_it_has_expired)
{
    struct house h;
    start(&h);
    no_token = true;
    go(&h);
    put(&h, (struct rows){.sender = SENDER,
                          .category = CATEGORY_UTILITY,
                          .due = 1000,
                          .expires = clock_now_ms() + 800,
                          .n = SEVERAL});
    int64_t last = put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 2000, .n = 1});
    wait_expired(&h, SEVERAL);
    no_token = false;
    refuse_until(&h, 1);
    assert_int_equal(door.id[0], last);
    finish(&h);
}

/* Those that never expire are fewer than would be read ahead: the others are found behind them. */
TEST(a_line_goes_on_when_most_of_what_was_read_has_expired)
{
    struct house h;
    start(&h);
    no_token = true;
    go(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .n = 20});
    put(&h, (struct rows){.sender = SENDER,
                          .category = CATEGORY_UTILITY,
                          .due = 2000,
                          .expires = clock_now_ms() + 800,
                          .n = 2 * SEVERAL});
    wait_expired(&h, 2 * SEVERAL);
    no_token = false;
    refuse_until(&h, 20);
    finish(&h);
}

TEST(a_line_goes_on_when_reading_has_failed)
{
    struct house h;
    start(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .n = SEVERAL});
    reads = 1; /* the first rows; that there are more is known */
    go(&h);
    refuse_until(&h, 64);
    usleep(300000);
    assert_int_equal(came(), 64);
    reads = -1;
    refuse_until(&h, SEVERAL);
    finish(&h);
}

TEST(a_first_read_that_fails_is_tried_again)
{
    struct house h;
    start(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .n = 3});
    reads = 0;
    go(&h);
    usleep(300000);
    assert_int_equal(came(), 0);
    reads = -1;
    refuse_until(&h, 3);
    finish(&h);
}

TEST(when_the_set_of_ids_is_full_rows_wait_and_nothing_stands_still)
{
    struct house h;
    struct dispatch_view v;
    start(&h);
    go(&h);
    struct dispatch *d = h.g.dispatch;
    pthread_mutex_lock(&d->lock);
    for (int64_t i = 1; i <= IDS_MAX - 2; i++)
        id_put(d->ids, -i);
    pthread_mutex_unlock(&d->lock);
    int64_t first = put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .n = SEVERAL});
    wait_for(came, 2);
    usleep(300000);
    assert_int_equal(came(), 2); /* the others have no room */
    assert_true(dispatch_look(d, SENDER, &v));
    refuse_until(&h, SEVERAL); /* two by two */
    for (int64_t i = 0; i < SEVERAL; i++)
        assert_int_equal(door.id[i], first + i);
    finish(&h);
}

TEST(when_the_set_is_quite_full_a_line_is_asked_for_again)
{
    struct house h;
    start(&h);
    go(&h);
    struct dispatch *d = h.g.dispatch;
    pthread_mutex_lock(&d->lock);
    for (int64_t i = 1; i <= IDS_MAX; i++)
        id_put(d->ids, -i);
    pthread_mutex_unlock(&d->lock);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .n = SEVERAL});
    usleep(300000);
    assert_int_equal(came(), 0);
    pthread_mutex_lock(&d->lock);
    for (int64_t i = 1; i <= IDS_MAX; i++)
        id_remove(d->ids, -i);
    pthread_mutex_unlock(&d->lock);
    refuse_until(&h, SEVERAL);
    finish(&h);
}

TEST(more_lines_than_may_be_read_far_ahead_all_go)
{
    struct house h;
    start(&h);
    h.g.o.max_queue = 4000;
    for (int i = 0; i < 300; i++)
        put(&h, (struct rows){.sender = SENDER + i, .category = CATEGORY_UTILITY, .due = 1000, .n = 10});
    go(&h);
    struct dispatch *d = h.g.dispatch;
    pthread_mutex_lock(&d->lock);
    d->n_rows += ROWS_MAX; /* as if others had so many */
    pthread_mutex_unlock(&d->lock);
    refuse_until(&h, 3000);
    pthread_mutex_lock(&d->lock);
    assert_int_equal(d->n_rows, ROWS_MAX);
    pthread_mutex_unlock(&d->lock);
    finish(&h);
}

TEST(who_asks_about_a_number_before_its_pace_is_known_is_told)
{
    struct house h;
    struct dispatch_view v;
    start(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .n = 3});
    token_held = true;
    go(&h);
    struct dispatch *d = h.g.dispatch;
    for (int i = 0; i < 5000 && !token_asked; i++)
        usleep(1000);
    assert_true(token_asked); /* it has a line, and no lane yet */
    assert_true(dispatch_look(d, SENDER, &v));
    assert_int_equal(v.permitted_per_s, 0);
    assert_int_equal(v.stop, STOP_NONE);
    assert_null(v.circuit_why);
    dispatch_inbound(d, SENDER, 1);
    dispatch_bell(d, SENDER);
    assert_int_equal(dispatch_let_go(d, SENDER), STOP_NONE);
    token_held = false;
    refuse_until(&h, 3);
    assert_true(dispatch_look(d, SENDER, &v));
    assert_int_equal(v.permitted_per_s, 80);
    finish(&h);
}

TEST(a_new_token_lets_a_number_go_on_that_was_stopped_for_the_old_one)
{
    struct house h;
    start(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .n = 1});
    go(&h);
    struct dispatch *d = h.g.dispatch;
    refuse_until(&h, 1);
    int64_t turn = dispatch_take(d, SENDER, LANE_UTILITY, pace_of(80, 0), mono_us());
    usleep(1000);
    dispatch_heard(d, SENDER, turn, LIFE_REJECTED, 190);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .n = 3});
    usleep(1500000); /* its file was read, and says the same */
    assert_int_equal(came(), 1);
    token_kept = "newer";
    refuse_until(&h, 4); /* minutes before the circuit's time */
    finish(&h);
}

/* Of four numbers one has no token, one expires, one gets no word from the door. */
TEST(numbers_in_trouble_delay_no_other)
{
    struct house h;
    size_t good = 0, quiet = 0;
    start(&h);
    silent = SENDER + 1;
    poor = SENDER + 2;
    put(&h, (struct rows){.sender = SENDER + 1, .category = CATEGORY_UTILITY, .due = 1000, .n = SEVERAL});
    put(&h, (struct rows){.sender = SENDER + 2, .category = CATEGORY_AUTHENTICATION, .due = 1000, .n = SEVERAL});
    put(&h, (struct rows){.sender = SENDER + 3,
                          .category = CATEGORY_UTILITY,
                          .due = 1000,
                          .expires = clock_now_ms() + 800,
                          .n = SEVERAL});
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_MARKETING, .due = 5000, .n = SEVERAL});
    int64_t began_us = mono_us();
    go(&h);
    refuse_until(&h, SEVERAL + AT_DOOR);
    assert_in_range(mono_us() - began_us, 0, 10 * SECOND_US); /* 3.75 at its own pace, on a busy machine */
    wait_expired(&h, SEVERAL);
    for (size_t i = 0; i < came(); i++) {
        good += door.id[i] > 3 * SEVERAL;
        quiet += door.id[i] <= SEVERAL;
    }
    assert_int_equal(good, SEVERAL);
    assert_int_equal(quiet, AT_DOOR);
    silent = 0;
    for (size_t i = 0, n = came(); i < n; i++)
        if (door.id[i] <= SEVERAL)
            refuse_one(&h, door.send[i]);
    finish(&h);
}

TESTS(T(a_line_goes_on_when_all_that_was_read_of_it_has_expired),
      T(a_line_goes_on_when_most_of_what_was_read_has_expired), T(a_line_goes_on_when_reading_has_failed),
      T(a_first_read_that_fails_is_tried_again), T(when_the_set_of_ids_is_full_rows_wait_and_nothing_stands_still),
      T(when_the_set_is_quite_full_a_line_is_asked_for_again), T(more_lines_than_may_be_read_far_ahead_all_go),
      T(who_asks_about_a_number_before_its_pace_is_known_is_told),
      T(a_new_token_lets_a_number_go_on_that_was_stopped_for_the_old_one), T(numbers_in_trouble_delay_no_other))
