/* SPDX-License-Identifier: Apache-2.0
 * test_inbox.c - webhook bodies come back byte for byte and in order.
 *
 * What would hurt: a body lost between two reads, one that blocks the reader for ever, a batch that eats the
 * memory. */
#include "store_fixture.h"

#include "store/inbox.h"

static void fill(struct fx *f, struct inbox_row *rows, size_t n, struct str body)
{
    for (size_t i = 0; i < n; i++)
        rows[i] = (struct inbox_row){.seq = store_id(f->s, NOW), .at = NOW + (int64_t)i, .body = body};
    BEGIN(f);
    OK(f, inbox_append(f->s, rows, n, &f->e));
    COMMIT(f);
}

TEST(bodies_come_back_as_they_came)
{
    struct fx f;
    struct inbox_row rows[3], *got = NULL;
    size_t n = 9;
    static char big[300000];
    for (size_t i = 0; i < sizeof big; i++)
        big[i] = (char)(i * 31);
    fx_start(&f);
    OK(&f, inbox_read(f.s, 0, 10, 1000, f.a, &got, &n, &f.e));
    assert_int_equal(n, 0);
    fill(&f, rows, 3, (struct str){big, sizeof big});
    fx_reopen(&f);
    OK(&f, inbox_read(f.s, 0, 10, 10u << 20, f.a, &got, &n, &f.e));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_true(got[i].seq == rows[i].seq && got[i].at == rows[i].at && got[i].problem.p == NULL);
        assert_int_equal(got[i].body.n, sizeof big);
        assert_memory_equal(got[i].body.p, big, sizeof big);
    }
    assert_true(store_id(f.s, 0) > rows[2].seq); /* ids go on after the newest body */
    fx_end(&f);
}

TEST(readers_move_on_in_bounded_steps)
{
    struct fx f;
    struct inbox_row rows[50], *got = NULL;
    int64_t at = 0;
    size_t n = 0, seen = 0;
    fx_start(&f);
    fill(&f, rows, 50, STR("{\"object\":\"whatsapp_business_account\"}"));
    for (;;) {
        OK(&f, inbox_read(f.s, at, 7, 1u << 20, f.a, &got, &n, &f.e));
        if (n == 0)
            break;
        assert_true(n <= 7);
        for (size_t i = 0; i < n; i++)
            assert_true(got[i].seq == rows[seen++].seq);
        at = got[n - 1].seq;
    }
    assert_int_equal(seen, 50);
    OK(&f, inbox_read(f.s, 0, 50, 100, f.a, &got, &n, &f.e)); /* about 100 bytes */
    assert_int_equal(n, 3);
    OK(&f, inbox_read(f.s, 0, 50, 1, f.a, &got, &n, &f.e)); /* never nothing */
    assert_int_equal(n, 1);
    fx_end(&f);
}

TEST(a_small_arena_gets_what_fits)
{
    struct fx f;
    static char body[40000];
    struct inbox_row rows[20], *got = NULL;
    size_t n = 0;
    fx_start(&f);
    fill(&f, rows, 20, (struct str){body, sizeof body});
    struct arena *small = arena_create(256 << 10);
    OK(&f, inbox_read(f.s, 0, 20, 10u << 20, small, &got, &n, &f.e));
    assert_true(n >= 1 && n < 20);
    arena_free(small);
    small = arena_create(20000);
    assert_int_equal(inbox_read(f.s, 0, 20, 10u << 20, small, &got, &n, &f.e), WL_ENOMEM); /* not even one */
    arena_free(small);
    fx_end(&f);
}

TEST(problems_stay_with_their_reason)
{
    struct fx f;
    struct inbox_row rows[5], *got = NULL;
    int64_t all = 0, bad = 9;
    size_t n = 0;
    fx_start(&f);
    OK(&f, inbox_counts(f.s, &all, &bad, &f.e));
    assert_true(all == 0 && bad == 0);
    fill(&f, rows, 5, STR("not json"));
    BEGIN(&f);
    OK(&f, inbox_problem(f.s, rows[1].seq, STR("no entry"), &f.e));
    OK(&f, inbox_problem(f.s, rows[1].seq, STR("not JSON"), &f.e));
    COMMIT(&f);
    OK(&f, inbox_counts(f.s, &all, &bad, &f.e));
    assert_true(all == 5 && bad == 1);
    OK(&f, inbox_read(f.s, rows[0].seq, 1, 100, f.a, &got, &n, &f.e));
    assert_str(got[0].problem, "not JSON");
    assert_str(got[0].body, "not json");
    BEGIN(&f);
    assert_int_equal(inbox_problem(f.s, 1, STR("x"), &f.e), WL_ENOTFOUND);
    store_rollback(f.s);
    BEGIN(&f);
    assert_int_equal(inbox_append(f.s, rows, 1, &f.e), WL_ECONFLICT);
    store_rollback(f.s);
    OK(&f, inbox_counts(f.s, &all, &bad, &f.e));
    assert_int_equal(all, 5);
    fx_end(&f);
}

TESTS(T(bodies_come_back_as_they_came), T(readers_move_on_in_bounded_steps), T(a_small_arena_gets_what_fits),
      T(problems_stay_with_their_reason))
