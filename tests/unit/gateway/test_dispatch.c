/* SPDX-License-Identifier: Apache-2.0
 * test_dispatch.c - turns, doubts, leases and callers, as the door sees them (dispatch_fixture.h).
 *
 * What would hurt: a row that is taken to the door twice at a time, or never again; a code that waits behind a campaign; a
 * number whose messages nobody judges that stops another; a caller who is never called; a backlog that fills the memory. */
#include "dispatch_fixture.h"

#include "gateway/campaigns.h"

#define HEAVY 7 /* a campaign of weight 3 */

static _Atomic bool held; /* all campaigns are */

bool __wrap_campaigns_now(struct campaigns *c, int64_t campaign, int stratum, struct campaign_now *ret);

bool __wrap_campaigns_now(struct campaigns *c, int64_t campaign, int stratum, struct campaign_now *ret)
{
    (void)c, (void)stratum;
    *ret = (struct campaign_now){.id = campaign,
                                 .state = held ? CAMPAIGN_HELD : CAMPAIGN_RUNNING,
                                 .weight = campaign == HEAVY ? 3 : 1};
    return true;
}

/* --- the outbox ---------------------------------------------------------------------------------------------------- */

TEST(a_backlog_is_found_at_start_and_goes_once)
{
    struct house h;
    start(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_MARKETING, .due = 1000, .n = 120});
    go(&h);
    refuse_until(&h, 120);
    for (int64_t i = 0; i < 120; i++)
        assert_int_equal(door.id[i], i + 1);
    usleep(300000);
    assert_int_equal(came(), 120);
    finish(&h);
}

TEST(what_nobody_judges_does_not_pile_up)
{
    struct house h;
    struct dispatch_view v;
    start(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_MARKETING, .due = 1000, .n = 600});
    go(&h);
    wait_for(came, AT_DOOR);
    put(&h, (struct rows){.sender = OTHER, .category = CATEGORY_MARKETING, .due = 1000, .n = 2});
    wait_for(came, AT_DOOR + 2); /* another number is not stopped by that */
    usleep(300000);
    assert_int_equal(came(), AT_DOOR + 2);
    assert_true(dispatch_look(h.g.dispatch, SENDER, &v));
    assert_int_equal(v.open, AT_DOOR);
    assert_in_range(v.read, 100, ROWS_LINE);
    assert_true(v.at_least);
    assert_non_null(v.why);
    refuse(&h);
    usleep(100000);
    assert_true(came() > AT_DOOR + 2);
    dispatch_hurry(h.g.dispatch);
    usleep(100000);
    refuse(&h);
    finish(&h);
}

TEST(a_code_does_not_wait_behind_a_campaign)
{
    struct house h;
    start(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_MARKETING, .campaign = 5, .due = 1000, .n = 60});
    go(&h);
    wait_for(came, AT_DOOR);
    int64_t code = put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_AUTHENTICATION, .due = 5000, .n = 1});
    usleep(100000);
    refuse_until(&h, 61);
    assert_int_equal(door.id[AT_DOOR], code);
    finish(&h);
}

TEST(many_numbers_share_the_door_and_codes_find_it_open)
{
    struct house h;
    size_t of[40] = {0};
    start(&h);
    h.g.o.max_queue = 4000;
    for (int i = 0; i < 40; i++)
        put(&h, (struct rows){.sender = SENDER + i, .category = CATEGORY_MARKETING, .due = 1000, .n = 20});
    go(&h);
    wait_until_still();
    assert_in_range(came(), DOOR_LEAST / 2, DOOR_LEAST);
    for (size_t i = 0; i < came(); i++)
        of[door.send[i]->sender - SENDER]++;
    for (int i = 0; i < 40; i++)
        assert_in_range(of[i], 1, AT_DOOR);
    size_t before = came();
    int64_t code = put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_AUTHENTICATION, .due = 5000, .n = 1});
    wait_for(came, before + 1);
    assert_int_equal(door.id[before], code);
    refuse_until(&h, 801);
    finish(&h);
}

TEST(campaigns_take_turns)
{
    struct house h;
    size_t second = 0;
    start(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_MARKETING, .campaign = 5, .due = 1000, .n = 60});
    int64_t first =
        put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_MARKETING, .campaign = 6, .due = 9000, .n = 60});
    go(&h);
    refuse_until(&h, 120);
    for (size_t i = 0; i < 60; i++)
        second += door.id[i] >= first;
    assert_in_range(second, 20, 40);
    finish(&h);
}

/* How many of the first 60 turns messages with ids from `first` on had. */
static size_t turns_of(struct house *h, int64_t first, int n)
{
    size_t had = 0;
    go(h);
    refuse_until(h, n);
    for (size_t i = 0; i < 60; i++)
        had += door.id[i] >= first;
    return had;
}

TEST(campaigns_take_turns_by_their_weight_and_messages_of_none_more_often)
{
    struct house h;
    struct rows other = {.sender = SENDER, .category = CATEGORY_MARKETING, .campaign = 5, .due = 1000, .n = 60},
                heavy = {.sender = SENDER, .category = CATEGORY_MARKETING, .campaign = HEAVY, .due = 9000, .n = 60},
                single = {.sender = SENDER, .category = CATEGORY_MARKETING, .due = 9000, .n = 60};
    start(&h);
    put(&h, other);
    assert_in_range(turns_of(&h, put(&h, heavy), 120), 40, 50); /* three of four */
    finish(&h);
    start(&h);
    put(&h, heavy);
    assert_in_range(turns_of(&h, put(&h, single), 120), 42, 52); /* ten of thirteen */
    finish(&h);
}

TEST(nothing_of_a_held_campaign_has_a_turn_until_it_goes_on)
{
    struct house h;
    start(&h);
    held = true;
    int64_t first =
        put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_MARKETING, .campaign = 5, .due = 1000, .n = 300});
    go(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_MARKETING, .due = 9000, .n = 5});
    refuse_until(&h, 5);
    for (size_t i = 0; i < 5; i++)
        assert_true(door.id[i] >= first + 300);
    assert_int_equal(came(), 5);
    struct dispatch_view v = {.why = NULL};
    for (int i = 0; i < 3000 && v.why == NULL; i++) {
        assert_true(dispatch_look(h.g.dispatch, SENDER, &v));
        usleep(1000);
    }
    assert_non_null(v.why);
    assert_non_null(strstr(v.why, "campaigns"));
    held = false;
    refuse_until(&h, 305);
    finish(&h);
}

TEST(rows_come_when_they_are_due)
{
    struct house h;
    start(&h);
    go(&h);
    int64_t due = clock_now_ms() + 400;
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = due, .n = 1});
    usleep(250000);
    assert_int_equal(came(), 0);
    wait_for(came, 1);
    assert_in_range(clock_now_ms(), due, due + 500);
    refuse(&h);
    finish(&h);
}

TEST(a_row_behind_the_position_is_found)
{
    struct house h;
    start(&h);
    go(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 50000, .n = 1});
    wait_for(came, 1);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 40000, .n = 1});
    wait_for(came, 2);
    for (int i = 0; i < 50; i++)
        dispatch_bell(h.g.dispatch, SENDER); /* nobody comes twice for it */
    usleep(100000);
    assert_int_equal(came(), 2);
    refuse(&h);
    finish(&h);
}

TEST(a_door_that_is_busy_is_tried_again)
{
    struct house h;
    start(&h);
    busy = 3;
    go(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .n = 5});
    refuse_until(&h, 5);
    assert_int_equal(busy, 0);
    finish(&h);
}

TEST(without_a_token_the_line_waits_and_says_so)
{
    struct house h;
    struct dispatch_view v;
    start(&h);
    no_token = true;
    go(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .n = 3});
    usleep(200000);
    assert_int_equal(came(), 0);
    assert_true(dispatch_look(h.g.dispatch, SENDER, &v));
    assert_string_equal(v.why, "no token is kept for this number");
    assert_int_equal(v.waiting[LANE_UTILITY], 3);
    no_token = false;
    refuse_until(&h, 3);
    finish(&h);
}

static size_t rows_left(struct house *h)
{
    struct store *s;
    struct outbox_key line = {.sender = SENDER, .class = LANE_UTILITY};
    int64_t n = 0;
    assert_ok(store_open(&s, h->f.url, &(struct store_options){.read_only = true}, &h->f.e), h->f.e);
    assert_ok(outbox_count(s, &line, 1000, &n, &h->f.e), h->f.e);
    store_free(s);
    return (size_t)n;
}

TEST(what_waits_too_long_ends_although_the_number_is_stuck)
{
    struct house h;
    start(&h);
    no_token = true;
    go(&h);
    put(&h, (struct rows){
                .sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .expires = clock_now_ms() + 500, .n = 3});
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .n = 1});
    usleep(200000);
    assert_int_equal(rows_left(&h), 4);
    for (int i = 0; i < 500 && h.g.metric[METRIC_EXPIRED] < 3; i++)
        usleep(10000);
    assert_int_equal(rows_left(&h), 1);
    assert_int_equal(h.g.metric[METRIC_EXPIRED], 3);
    assert_int_equal(came(), 0);
    finish(&h);
}

static enum life_state state_of(struct house *h, int64_t id)
{
    struct store *s;
    struct message m;
    assert_ok(store_open(&s, h->f.url, &(struct store_options){.read_only = true}, &h->f.e), h->f.e);
    assert_ok(messages_get(s, OUTBOX_SPREAD, id, &m, &h->f.e), h->f.e);
    store_free(s);
    return (enum life_state)m.life.state;
}

/* An earlier life had applied statuses up to now, and kept that with its lease. */
static int earlier_lease(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct watermark w = {SENDER, now};
    int64_t epoch;
    (void)ctx, (void)a;
    int rc = lease_take(s, SENDER, 5, now, &epoch, e);
    return rc == 0 ? leases_renew(s, 5, &w, 1, e) : rc;
}

TEST(a_doubt_is_settled_in_time_and_only_what_may_be_is_sent_again)
{
    struct house h;
    start(&h);
    int64_t order = put(
        &h,
        (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .n = 1, .state = LIFE_AMBIGUOUS});
    int64_t sale = put(
        &h,
        (struct rows){.sender = SENDER, .category = CATEGORY_MARKETING, .due = 1000, .n = 1, .state = LIFE_AMBIGUOUS});
    int64_t unheard =
        put(&h,
            (struct rows){.sender = OTHER, .category = CATEGORY_UTILITY, .due = 1000, .n = 1, .state = LIFE_AMBIGUOUS});
    assert_ok(writer_call(h.g.writer, 2, earlier_lease, NULL, &h.f.e), h.f.e);
    go(&h);
    wait_for(came, 1);
    assert_int_equal(door.id[0], order); /* a status of the first attempt would have been seen */
    assert_int_equal(state_of(&h, sale), LIFE_UNDETERMINED);
    assert_int_equal(state_of(&h, unheard), LIFE_AMBIGUOUS); /* nothing is known of that number's statuses */
    refuse(&h);
    finish(&h);
}

TEST(what_an_earlier_life_was_sending_is_in_doubt)
{
    struct house h;
    start(&h);
    int64_t left =
        put(&h,
            (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = 1000, .n = 3, .state = LIFE_SENDING});
    go(&h);
    for (int64_t i = 0; i < 3; i++)
        assert_int_equal(state_of(&h, left + i), LIFE_AMBIGUOUS);
    usleep(300000);
    assert_int_equal(came(), 0);
    assert_int_equal(rows_left(&h), 3);
    finish(&h);
}

TEST(leases_are_held_and_given_back)
{
    struct house h;
    struct lease *lease;
    size_t n;
    start(&h);
    put(&h, (struct rows){.sender = SENDER, .category = CATEGORY_UTILITY, .due = OUTBOX_PARKED, .n = 1});
    go(&h);
    assert_true(dispatch_may_send(h.g.dispatch));
    dispatch_applied(h.g.dispatch, SENDER, 12345);
    dispatch_applied(h.g.dispatch, SENDER, 12000); /* it never falls */
    assert_int_equal(dispatch_watermark(h.g.dispatch, SENDER), 12345);
    usleep(1200000);
    dispatch_stop(h.g.dispatch);
    struct store *s;
    assert_ok(store_open(&s, h.f.url, &(struct store_options){.read_only = true}, &h.f.e), h.f.e);
    assert_ok(leases_list(s, h.f.a, &lease, &n, &h.f.e), h.f.e);
    assert_int_equal(n, 1);
    assert_int_equal(lease[0].watermark, 12345);
    assert_int_equal(lease[0].owner, 0);
    store_free(s);
    finish(&h);
}

/* --- callers ------------------------------------------------------------------------------------------------------- */

static struct pace slow(void)
{
    return pace_of(20, 0);
}

static void caller(struct send *s, enum category c, int64_t latest_us)
{
    memset(s, 0, sizeof *s);
    s->sender = SENDER;
    s->hold_until_latest = latest_us;
    fact_set(&s->facts, FACT_MESSAGE_CATEGORY, c);
}

TEST(callers_come_back_in_their_turn)
{
    struct house h;
    static struct send s[6];
    start(&h);
    go(&h);
    struct dispatch *d = h.g.dispatch;
    int64_t now = mono_us(), began = now;
    int64_t own = dispatch_take(d, SENDER, LANE_MARKETING, slow(), now);
    for (int i = 0; i < 6; i++) {
        caller(&s[i], i == 5 ? CATEGORY_AUTHENTICATION : CATEGORY_MARKETING, now + 5 * SECOND_US);
        assert_true(dispatch_when(d, SENDER, LANE_MARKETING, slow(), now) > now + i * 49000);
        dispatch_join(d, &s[i]);
    }
    for (int i = 0; i < 6; i++)
        dispatch_park(d, &s[i]);
    wait_for(resumed, 6);
    assert_in_range(mono_us() - began, 290000, 900000); /* six turns of a twentieth of a second */
    assert_ptr_equal(door.resumed[0], &s[5]);
    for (int i = 1; i < 6; i++)
        assert_ptr_equal(door.resumed[i], &s[i - 1]);
    for (int i = 0; i < 6; i++)
        assert_true(s[i].turn && s[i].turn_us > own);
    dispatch_heard(d, SENDER, own, LIFE_ACCEPTED, 0);
    finish(&h);
}

TEST(a_caller_who_joined_and_is_not_parked_yet_keeps_its_turn)
{
    struct house h;
    static struct send s;
    start(&h);
    go(&h);
    struct dispatch *d = h.g.dispatch;
    int64_t now = mono_us(), own = dispatch_take(d, SENDER, LANE_MARKETING, slow(), now);
    caller(&s, CATEGORY_MARKETING, now + 5 * SECOND_US);
    dispatch_join(d, &s);
    dispatch_heard(d, SENDER, own, LIFE_ACCEPTED, 0); /* it is looked at */
    usleep(150000);
    assert_int_equal(resumed(), 0);
    dispatch_park(d, &s);
    assert_int_equal(resumed(), 1);
    assert_true(s.turn);
    finish(&h);
}

TEST(patience_ends_and_so_does_the_gateway)
{
    struct house h;
    static struct send s[2];
    start(&h);
    go(&h);
    struct dispatch *d = h.g.dispatch;
    int64_t now = mono_us();
    int64_t own[60];
    for (int i = 0; i < 60; i++)
        own[i] = dispatch_take(d, SENDER, LANE_MARKETING, slow(), now);
    caller(&s[0], CATEGORY_MARKETING, now + SECOND_US / 5);
    caller(&s[1], CATEGORY_MARKETING, now + 60 * SECOND_US);
    for (int i = 0; i < 2; i++) {
        dispatch_join(d, &s[i]);
        dispatch_park(d, &s[i]);
    }
    wait_for(resumed, 1);
    assert_ptr_equal(door.resumed[0], &s[0]);
    assert_false(s[0].turn);
    assert_in_range(mono_us() - now, SECOND_US / 5, SECOND_US);
    dispatch_hurry(d);
    wait_for(resumed, 2);
    assert_false(s[1].turn);
    for (int i = 0; i < 60; i++)
        dispatch_heard(d, SENDER, own[i], LIFE_UNSENT, 0);
    finish(&h);
}

/* The time of its turn says of an answer whether it is of before. */
TEST(an_acceptance_of_after_it_closes_a_circuit_and_one_of_before_does_not)
{
    struct house h;
    struct dispatch_view v;
    start(&h);
    go(&h);
    struct dispatch *d = h.g.dispatch;
    int64_t first = dispatch_take(d, SENDER, LANE_UTILITY, slow(), mono_us()),
            second = dispatch_take(d, SENDER, LANE_UTILITY, slow(), mono_us());
    usleep(1000);
    dispatch_heard(d, SENDER, first, LIFE_REJECTED, 190);
    assert_true(dispatch_look(d, SENDER, &v) && v.circuit_code == 190);
    dispatch_heard(d, SENDER, second, LIFE_ACCEPTED, 0);
    assert_true(dispatch_look(d, SENDER, &v) && v.circuit_code == 190);
    usleep(1000);
    int64_t third = dispatch_take(d, SENDER, LANE_UTILITY, slow(), mono_us());
    dispatch_heard(d, SENDER, third, LIFE_ACCEPTED, 0);
    assert_true(dispatch_look(d, SENDER, &v) && v.circuit_why == NULL);
    finish(&h);
}

TEST(more_numbers_than_there_is_room_for_are_not_paced)
{
    struct house h;
    bool full = false;
    start(&h);
    go(&h);
    for (int64_t i = 1; i <= 5000; i++)
        full = dispatch_when(h.g.dispatch, i * 7919, LANE_UTILITY, slow(), mono_us()) == -1;
    assert_true(full);
    assert_true(dispatch_when(h.g.dispatch, 7919, LANE_UTILITY, slow(), mono_us()) != -1);
    assert_int_equal(dispatch_when(h.g.dispatch, 0, LANE_UTILITY, slow(), mono_us()), -1);
    finish(&h);
}

TEST(what_comes_in_counts_also_before_anything_leaves)
{
    struct house h;
    start(&h);
    go(&h);
    dispatch_inbound(h.g.dispatch, SENDER, 10);
    int64_t now = mono_us(), when = dispatch_when(h.g.dispatch, SENDER, LANE_UTILITY, slow(), now);
    assert_in_range(when - now, 400000, 1100000);
    dispatch_inbound(NULL, SENDER, 1); /* nobody there */
    finish(&h);
}

TESTS(T(a_backlog_is_found_at_start_and_goes_once), T(what_nobody_judges_does_not_pile_up),
      T(a_code_does_not_wait_behind_a_campaign), T(many_numbers_share_the_door_and_codes_find_it_open),
      T(campaigns_take_turns), T(nothing_of_a_held_campaign_has_a_turn_until_it_goes_on),
      T(campaigns_take_turns_by_their_weight_and_messages_of_none_more_often), T(rows_come_when_they_are_due),
      T(a_row_behind_the_position_is_found), T(a_door_that_is_busy_is_tried_again),
      T(without_a_token_the_line_waits_and_says_so), T(what_waits_too_long_ends_although_the_number_is_stuck),
      T(a_doubt_is_settled_in_time_and_only_what_may_be_is_sent_again), T(what_an_earlier_life_was_sending_is_in_doubt),
      T(leases_are_held_and_given_back), T(callers_come_back_in_their_turn),
      T(a_caller_who_joined_and_is_not_parked_yet_keeps_its_turn), T(patience_ends_and_so_does_the_gateway),
      T(an_acceptance_of_after_it_closes_a_circuit_and_one_of_before_does_not),
      T(more_numbers_than_there_is_room_for_are_not_paced), T(what_comes_in_counts_also_before_anything_leaves))
