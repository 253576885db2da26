/* SPDX-License-Identifier: Apache-2.0
 * test_buf.c - buffers keep their maximum, their NUL and their padding; borrowed bytes are cut and read
 * exactly. Limits are tried at the limit, one below and one above. */
#include "base/buf.h"

#include "t.h"

TEST(the_maximum_is_exact_and_failure_sticks)
{
    struct buf b;
    buf_init(&b, 10);
    assert_true(buf_puts(&b, "12345"));
    assert_true(buf_puts(&b, "67890"));
    assert_str(buf_str(&b), "1234567890");
    assert_true(buf_put(&b, "", 0));
    assert_false(buf_putc(&b, 'x'));
    assert_true(b.failed);
    assert_str(buf_str(&b), "1234567890"); /* unchanged */
    assert_false(buf_put(&b, "", 0));      /* sticky */
    buf_clear(&b);
    assert_true(buf_printf(&b, "%s", "1234567890"));
    buf_clear(&b);
    assert_false(buf_printf(&b, "%s", "12345678901"));
    assert_str(buf_str(&b), "");
    assert_false(buf_reserve(&b, SIZE_MAX));
    buf_done(&b);
    buf_done(NULL);
}

TEST(failed_printf_leaves_no_half)
{
    struct buf b;
    buf_init(&b, 100);
    buf_puts(&b, "kept");
    assert_false(buf_printf(&b, "%200d", 1));
    assert_str(buf_str(&b), "kept");
    assert_string_equal(buf_cstr(&b), "kept");
    buf_done(&b);
}

TEST(data_is_terminated_and_padded_while_growing)
{
    struct buf b;
    buf_init(&b, 100000);
    assert_string_equal(buf_cstr(&b), "");
    unsigned sum = 0;
    for (size_t n = 1; n <= 5000; n++) {
        assert_true(buf_putc(&b, (char)('a' + n % 26)));
        assert_int_equal(b.data[n], '\0');
        b.data[n + BUF_PADDING - 1] = 1; /* ours: the sanitizer build complains if it is not */
        sum += (unsigned char)b.data[n - 1];
    }
    unsigned again = 0;
    for (size_t i = 0; i < b.len; i++)
        again += (unsigned char)b.data[i];
    assert_int_equal(sum, again);
    buf_done(&b);
}

TEST(printf_of_every_length_round_growth)
{
    struct buf b;
    buf_init(&b, 100000);
    for (int n = 0; n < 300; n++) {
        size_t before = b.len;
        assert_true(buf_printf(&b, "%0*d", n, 0));
        assert_int_equal(b.len - before, n == 0 ? 1 : n);
        assert_int_equal(strlen(b.data), b.len);
    }
    buf_done(&b);
}

TEST(take_hands_over_and_never_a_half)
{
    struct buf b;
    buf_init(&b, 5);
    char *p = buf_take(&b);
    assert_string_equal(p, "");
    free(p);
    buf_puts(&b, "abc");
    p = buf_take(&b);
    assert_string_equal(p, "abc");
    free(p);
    assert_int_equal(b.len, 0);
    buf_puts(&b, "abc");
    buf_puts(&b, "def");
    assert_null(buf_take(&b));
    assert_true(buf_puts(&b, "works"));
    buf_done(&b);
}

TEST(integers)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t value;
    } rows[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"007", true, 7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"-9223372036854775809", false, 0},
        {"92233720368547758070", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"--1", false, 0},
        {"+1", false, 0},
        {" 1", false, 0},
        {"1 ", false, 0},
        {"1.0", false, 0},
        {"0x10", false, 0},
        {"1e3", false, 0},
        {"\xD9\xA1", false, 0}, /* an Arabic digit one */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int64_t v = -77;
        if (str_i64(str_of(rows[i].text), &v) != rows[i].ok || v != (rows[i].ok ? rows[i].value : -77))
            fail_msg("\"%s\" gave %lld", rows[i].text, (long long)v);
    }
}

TEST(cutting_and_comparing)
{
    struct str rest = STR("x");
    assert_str(str_cut(STR("a=b=c"), '=', &rest), "a");
    assert_str(rest, "b=c");
    assert_str(str_cut(STR("a="), '=', &rest), "a");
    assert_non_null(rest.p); /* empty, not absent */
    assert_int_equal(rest.n, 0);
    assert_str(str_cut(STR("abc"), '=', &rest), "abc");
    assert_null(rest.p);
    str_cut((struct str){NULL, 0}, '=', &rest);
    assert_null(rest.p);

    assert_str(str_trim(STR(" \t a b \r\n")), "a b");
    assert_str(str_trim(STR("  ")), "");
    assert_str(str_clip(STR("abc"), 5), "abc");
    assert_str(str_clip(STR("abc"), 2), "ab");
    assert_str(str_clip(STR("a\xc3\xa9z"), 2), "a"); /* not half of it */
    assert_str(str_clip(STR("a\xc3\xa9z"), 3), "a\xc3\xa9");
    assert_str(str_clip(STR("\xf0\x9f\x91\x8d"), 3), "");
    assert_str(str_clip((struct str){NULL, 0}, 3), "");
    assert_true(str_ieq(STR("Content-TYPE"), STR("content-type")));
    assert_false(str_ieq(STR("@"), STR("`"))); /* 0x40 and 0x60 differ by the case bit alone */
    assert_false(str_ieq(STR("ab"), STR("abc")));
    assert_true(str_starts(STR("abc"), STR("ab")));
    assert_false(str_starts(STR("a"), STR("ab")));
    assert_true(str_ends(STR("abc"), STR("bc")));
    assert_false(str_ends(STR("c"), STR("bc")));
    assert_true(str_starts((struct str){NULL, 0}, (struct str){NULL, 0}));
    assert_true(str_eq((struct str){NULL, 0}, STR("")));
}

TESTS(T(the_maximum_is_exact_and_failure_sticks), T(failed_printf_leaves_no_half),
      T(data_is_terminated_and_padded_while_growing), T(printf_of_every_length_round_growth),
      T(take_hands_over_and_never_a_half), T(integers), T(cutting_and_comparing))
