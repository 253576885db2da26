/* SPDX-License-Identifier: Apache-2.0
 * test_reach.c - who was counted when, and a portfolio's counts.
 *
 * What would hurt: a person who counts twice or not at all, two writers who both think they took the last place, a
 * count lost at a restart. Merges are in test_people.c. */
#include "store_fixture.h"

#include "store/reach.h"

TEST(a_person_is_counted_forward_only)
{
    struct fx f;
    fx_start(&f);
    struct reach r[3] = {{0, 5, 4096, NOW}, {0, 5, 8192, NOW}, {0, 6, 4096, NOW + 1}},
                 got[3] = {{0, 5, 4096, -1}, {0, 6, 4096, -1}, {0, 6, 8192, -1}};
    OK(&f, reach_get(f.s, got, 3, &f.e));
    assert_true(got[0].opened_at == 0 && got[1].opened_at == 0 && got[2].opened_at == 0);
    BEGIN(&f);
    OK(&f, reach_put(f.s, r, 3, &f.e));
    r[0].opened_at = NOW - 9;
    OK(&f, reach_put(f.s, r, 1, &f.e)); /* an older time changes nothing */
    r[2].opened_at = NOW + 9;
    OK(&f, reach_put(f.s, &r[2], 1, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    OK(&f, reach_get(f.s, got, 3, &f.e));
    assert_true(got[0].opened_at == NOW && got[1].opened_at == NOW + 9 && got[2].opened_at == 0);
    assert_int_equal(reach_put(f.s, r, 1, &f.e), WL_EBUG); /* outside a transaction */
    fx_end(&f);
}

TEST(a_row_is_forgotten_while_it_says_so)
{
    struct fx f;
    fx_start(&f);
    struct reach r[2] = {{0, 5, 4096, NOW}, {0, 6, 4096, NOW}}, moved = {0, 5, 4096, NOW + 1};
    bool gone = true;
    BEGIN(&f);
    OK(&f, reach_put(f.s, r, 2, &f.e));
    OK(&f, reach_put(f.s, &moved, 1, &f.e));
    OK(&f, reach_forget(f.s, &r[0], &gone, &f.e)); /* reached again since */
    assert_false(gone);
    OK(&f, reach_forget(f.s, &moved, &gone, &f.e));
    assert_true(gone);
    OK(&f, reach_forget(f.s, &moved, &gone, &f.e));
    assert_false(gone);
    COMMIT(&f);
    OK(&f, reach_get(f.s, r, 2, &f.e));
    assert_true(r[0].opened_at == 0 && r[1].opened_at == NOW);
    assert_int_equal(reach_forget(f.s, &r[1], &gone, &f.e), WL_EBUG);
    fx_end(&f);
}

TEST(one_portfolio_joins_another)
{
    struct fx f;
    struct portfolio p;
    fx_start(&f);
    BEGIN(&f);
    OK(&f, portfolio_add(f.s, 77, 5, &f.e)); /* nobody was counted there */
    OK(&f, portfolio_get(f.s, 77, &p, &f.e));
    assert_int_equal(p.ver, 0);
    OK(&f, portfolio_get(f.s, 5, &p, &f.e));
    budget_take(&p.budget, 0, NOW);
    OK(&f, portfolio_put(f.s, &p, &f.e));
    OK(&f, portfolio_add(f.s, 77, 5, &f.e));
    OK(&f, portfolio_add(f.s, 77, 5, &f.e));
    COMMIT(&f);
    OK(&f, portfolio_get(f.s, 77, &p, &f.e));
    assert_int_equal(budget_used(&p.budget, NOW), 2);
    fx_end(&f);
}

TEST(a_portfolio_has_one_writer_at_a_time)
{
    struct fx f;
    struct portfolio p, stale, fresh;
    fx_start(&f);
    OK(&f, portfolio_get(f.s, 77, &p, &f.e));
    assert_true(p.id == 77 && p.ver == 0 && budget_used(&p.budget, NOW) == 0);
    fresh = p;
    for (int i = 0; i < 300; i++)
        budget_take(&p.budget, 0, NOW + i * INT64_C(60000));
    BEGIN(&f);
    OK(&f, portfolio_put(f.s, &p, &f.e));
    COMMIT(&f);
    assert_int_equal(p.ver, 1);
    stale = p;
    budget_take(&p.budget, 0, NOW + 300 * INT64_C(60000));
    BEGIN(&f);
    OK(&f, portfolio_put(f.s, &p, &f.e));
    COMMIT(&f);

    struct portfolio *const late[] = {&stale, &fresh};
    for (size_t i = 0; i < 2; i++) {
        int64_t ver = late[i]->ver;
        BEGIN(&f);
        assert_int_equal(portfolio_put(f.s, late[i], &f.e), WL_ECONFLICT);
        assert_true(late[i]->ver == ver);
        assert_int_equal(store_commit(f.s, &f.e), WL_ECONFLICT);
    }
    fx_reopen(&f);
    OK(&f, portfolio_get(f.s, 77, &stale, &f.e));
    assert_int_equal(stale.ver, 2);
    assert_int_equal(budget_used(&stale.budget, NOW + 300 * INT64_C(60000)), 301);
    OK(&f, portfolio_get(f.s, 78, &stale, &f.e));
    assert_int_equal(stale.ver, 0);
    fx_end(&f);
}

TESTS(T(a_person_is_counted_forward_only), T(a_row_is_forgotten_while_it_says_so), T(one_portfolio_joins_another),
      T(a_portfolio_has_one_writer_at_a_time))
