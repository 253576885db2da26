/* SPDX-License-Identifier: Apache-2.0
 * test_census.c - counts of what waits: right by kind and number, and never more than is asked for. */
#include "store_fixture.h"

#include "store/census.h"
#include "store/messages.h"
#include "store/outbox.h"

/* Rows of one number and campaign; `held`: by a rule. */
static void put(struct fx *f, int64_t first, int n, int64_t sender, int64_t due, bool held)
{
    BEGIN(f);
    for (int i = 0; i < n; i++) {
        struct outbox_row r = {.key = {.sender = sender, .campaign = first, .due = due, .id = first + i},
                               .body = STR("{}"),
                               .ruleset = held ? 1 : 0};
        OK(f, outbox_put(f->s, &r, 1, &f->e));
    }
    COMMIT(f);
}

TEST(rows_are_counted_by_number_and_by_what_they_wait_for)
{
    struct fx f;
    struct census_row *row;
    size_t n = 9;
    int64_t held = 9;
    fx_start(&f);
    OK(&f, census_outbox(f.s, 0, NOW, 100, f.a, &row, &n, &f.e));
    OK(&f, census_held(f.s, 0, NOW, 100, &held, &f.e));
    assert_true(n == 0 && held == 0);
    put(&f, 100, 3, 7, NOW, false);
    put(&f, 200, 2, 7, NOW + 1, true);
    put(&f, 300, 4, 8, NOW + 1, false);
    put(&f, 400, 5, 8, OUTBOX_PARKED, true); /* in doubt: no rule holds it */
    put(&f, 500, 1, 8, NOW - 1, true);       /* its time has come */
    OK(&f, census_outbox(f.s, 0, NOW, 100, f.a, &row, &n, &f.e));
    assert_true(n == 2 && row[0].sender == 7 && row[1].sender == 8);
    assert_true(row[0].due == 3 && row[0].later == 2 && row[0].parked == 0);
    assert_true(row[1].due == 1 && row[1].later == 4 && row[1].parked == 5);
    OK(&f, census_held(f.s, 0, NOW, 100, &held, &f.e));
    assert_true(held == 2);
    OK(&f, census_outbox(f.s, 0, NOW, 6, f.a, &row, &n, &f.e)); /* no more than six are looked at */
    assert_true(n == 2 && row[0].due + row[0].later == 5);
    assert_true(row[1].due + row[1].later + row[1].parked == 1);
    OK(&f, census_held(f.s, 0, NOW, 1, &held, &f.e));
    assert_true(held == 1);
    OK(&f, census_outbox(f.s, 1, NOW, 100, f.a, &row, &n, &f.e)); /* another bucket */
    assert_true(n == 0);
    fx_end(&f);
}

TEST(what_rules_hold_is_counted_by_number)
{
    struct fx f;
    struct census_row *row;
    size_t n = 9;
    fx_start(&f);
    put(&f, 200, 2, 7, NOW + 1, true);
    put(&f, 300, 4, 8, NOW + 1, false);
    put(&f, 400, 5, 8, OUTBOX_PARKED, true);
    OK(&f, census_held_of(f.s, 0, NOW, 100, f.a, &row, &n, &f.e));
    assert_true(n == 1 && row[0].sender == 7 && row[0].later == 2 && row[0].due == 0 && row[0].parked == 0);
    put(&f, 600, 3, 8, NOW + 9, true);
    OK(&f, census_held_of(f.s, 0, NOW, 100, f.a, &row, &n, &f.e));
    assert_true(n == 2 && row[1].sender == 8 && row[1].later == 3);
    OK(&f, census_held_of(f.s, 0, NOW, 1, f.a, &row, &n, &f.e));
    assert_true(n == 1 && row[0].later == 1);
    fx_end(&f);
}

TEST(messages_in_doubt_are_counted_whoever_answers_for_them)
{
    struct fx f;
    int64_t n = 9;
    fx_start(&f);
    BEGIN(&f);
    for (int i = 1; i <= 6; i++) {
        struct message m = {.id = i, .sender = SENDER, .ts = NOW, .type = "text"};
        life_init(&m.life, CATEGORY_UTILITY, NOW, 0);
        m.life.state = i % 2 ? LIFE_AMBIGUOUS : LIFE_ACCEPTED;
        m.life.once = i == 1;
        OK(&f, messages_insert(f.s, &m, NULL, 1, &f.e));
    }
    COMMIT(&f);
    OK(&f, census_in_doubt(f.s, 0, 100, &n, &f.e));
    assert_true(n == 3);
    OK(&f, census_in_doubt(f.s, 0, 2, &n, &f.e));
    assert_true(n == 2);
    fx_end(&f);
}

TESTS(T(rows_are_counted_by_number_and_by_what_they_wait_for), T(what_rules_hold_is_counted_by_number),
      T(messages_in_doubt_are_counted_whoever_answers_for_them))
