/* SPDX-License-Identifier: Apache-2.0
 * test_notices.c - what Meta said of accounts, numbers and templates, and which fields were heard.
 *
 * What would hurt: a word kept twice or lost because it came twice, a history that differs with the order of delivery, a
 * page that leaves some out. */
#include "store_fixture.h"

#include "store/notices.h"

static struct notice of(int64_t at, uint64_t key)
{
    return (struct notice){.at = at,
                           .key = key,
                           .recorded_at = NOW,
                           .waba = 2000,
                           .sender = SENDER,
                           .field = STR("account_update"),
                           .subject = STR("promo/en"),
                           .word = STR("ACCOUNT_RESTRICTION"),
                           .detail = STR("{\"a\":1}")};
}

static size_t put(struct fx *f, const struct notice *v, size_t n)
{
    size_t fresh = 99;
    BEGIN(f);
    OK(f, notices_put(f->s, v, n, &fresh, &f->e));
    COMMIT(f);
    return fresh;
}

static size_t list(struct fx *f, struct notice_filter filter, size_t max, struct notice **ret)
{
    size_t n = 99;
    OK(f, notices_list(f->s, &filter, max, f->a, ret, &n, &f->e));
    return n;
}

TEST(a_notice_is_kept_once_and_word_for_word)
{
    struct fx f;
    struct notice v = of(NOW, UINT64_MAX), *got = NULL;
    static char big[NOTICE_DETAIL_MAX + 1];
    fx_start(&f);
    assert_int_equal(list(&f, (struct notice_filter){0}, 9, &got), 0);
    assert_int_equal(put(&f, &v, 1), 1);
    assert_int_equal(put(&f, (struct notice[]){v, v}, 2), 0);
    fx_reopen(&f);
    assert_int_equal(list(&f, (struct notice_filter){0}, 9, &got), 1);
    assert_true(got->at == NOW && got->key == UINT64_MAX && got->recorded_at == NOW && got->waba == 2000 &&
                got->sender == SENDER);
    assert_str(got->field, "account_update");
    assert_str(got->subject, "promo/en");
    assert_str(got->word, "ACCOUNT_RESTRICTION");
    assert_str(got->detail, "{\"a\":1}");
    memset(big, 'x', sizeof big);
    v.key = 5, v.detail = (struct str){big, sizeof big - 1};
    put(&f, &v, 1);
    v.key = 6, v.detail.n++;
    put(&f, &v, 1);
    assert_int_equal(list(&f, (struct notice_filter){0}, 9, &got), 3);
    assert_int_equal(got[1].detail.n, NOTICE_DETAIL_MAX);
    assert_str(got[0].detail, "{\"cut\":true}");
    fx_end(&f);
}

TEST(the_same_words_in_any_order_leave_the_same_rows)
{
    struct notice v[4];
    for (int i = 0; i < 4; i++)
        v[i] = of(NOW, 7);
    v[0].recorded_at = NOW + 5;
    v[1].word = STR("B");
    v[2].word = STR("B"), v[2].detail = STR("{}");
    v[3].word = STR("C"), v[3].recorded_at = NOW + 1;
    for (int first = 0; first < 4; first++)
        for (int step = 1; step < 4; step += 2) {
            struct fx f;
            struct notice *got = NULL;
            fx_start(&f);
            for (int i = 0; i < 4; i++)
                assert_int_equal(put(&f, &v[(first + i * step) % 4], 1), i == 0);
            assert_int_equal(list(&f, (struct notice_filter){0}, 9, &got), 1);
            assert_str(got->word, "B");
            assert_str(got->detail, "{\"a\":1}");
            assert_true(got->recorded_at == NOW);
            fx_end(&f);
        }
}

TEST(pages_go_back_in_time_and_leave_none_out)
{
    struct fx f;
    struct notice *got = NULL;
    struct notice_filter filter = {0};
    size_t n, seen = 0;
    fx_start(&f);
    for (int i = 0; i < 50; i++) {
        struct notice v = of(NOW + i / 10, (uint64_t)i * UINT64_C(0x9e3779b97f4a7c15) + 1);
        v.waba = i % 2 ? 2000 : 3000;
        v.sender = i % 5 ? 0 : SENDER;
        v.field = i % 10 ? STR("account_update") : STR("security");
        assert_int_equal(put(&f, &v, 1), 1);
    }
    do {
        n = list(&f, filter, 7, &got);
        for (size_t i = 0; i < n; i++) {
            assert_true(seen + i == 0 || got[i].at <= filter.before || filter.before == 0);
            filter.before = got[i].at, filter.before_key = got[i].key;
        }
        seen += n;
    } while (n == 7);
    assert_int_equal(seen, 50);
    assert_int_equal(list(&f, (struct notice_filter){.waba = 3000}, 99, &got), 25);
    assert_int_equal(list(&f, (struct notice_filter){.sender = SENDER}, 99, &got), 10);
    assert_int_equal(list(&f, (struct notice_filter){.field = STR("security")}, 99, &got), 5);
    assert_int_equal(list(&f, (struct notice_filter){.field = STR("security"), .waba = 2000}, 99, &got), 0);
    assert_int_equal(list(&f, (struct notice_filter){.before = NOW + 2}, 99, &got), 20); /* all before that moment */
    fx_end(&f);
}

TEST(fields_are_counted)
{
    struct fx f;
    struct field_heard v[2] = {{STR("messages"), true, 5, NOW, NOW + 9}, {STR("brand_new"), false, 1, NOW, NOW}},
                       more = {STR("messages"), true, 3, NOW - 4, NOW + 2}, *got = NULL;
    size_t n = 9;
    fx_start(&f);
    OK(&f, fields_list(f.s, f.a, &got, &n, &f.e));
    assert_int_equal(n, 0);
    BEGIN(&f);
    OK(&f, fields_add(f.s, v, 2, &f.e));
    OK(&f, fields_add(f.s, &more, 1, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    OK(&f, fields_list(f.s, f.a, &got, &n, &f.e));
    assert_int_equal(n, 2);
    assert_str(got[0].field, "brand_new");
    assert_true(!got[0].known && got[0].events == 1);
    assert_str(got[1].field, "messages");
    assert_true(got[1].known && got[1].events == 8 && got[1].first_at == NOW - 4 && got[1].last_at == NOW + 9);
    v[1].known = true; /* a newer program knows it */
    BEGIN(&f);
    OK(&f, fields_add(f.s, &v[1], 1, &f.e));
    COMMIT(&f);
    OK(&f, fields_list(f.s, f.a, &got, &n, &f.e));
    assert_true(got[0].known && got[0].events == 2);
    assert_int_equal(fields_add(f.s, v, 1, &f.e), WL_EBUG);
    assert_int_equal(notices_put(f.s, NULL, 0, NULL, &f.e), WL_EBUG);
    fx_end(&f);
}

TESTS(T(a_notice_is_kept_once_and_word_for_word), T(the_same_words_in_any_order_leave_the_same_rows),
      T(pages_go_back_in_time_and_leave_none_out), T(fields_are_counted))
