/* SPDX-License-Identifier: Apache-2.0
 * test_err.c - the sentence a person reads: set, prefixed, cut at whole characters, and safe to build from
 * itself. */
#include "base/err.h"

#include "base/buf.h"
#include "t.h"

TEST(set_and_prefix)
{
    struct err e = {0};
    assert_int_equal(err_set(&e, WL_EINVAL, "line %d: %s", 3, "bad"), WL_EINVAL);
    assert_int_equal(e.code, WL_EINVAL);
    assert_string_equal(e.text, "line 3: bad");
    assert_int_equal(err_prefix(&e, "file %s", "x.yaml"), WL_EINVAL);
    assert_string_equal(e.text, "file x.yaml: line 3: bad");
    assert_int_equal(err_set(&e, WL_EIO, "again: %s", e.text), WL_EIO);
    assert_string_equal(e.text, "again: file x.yaml: line 3: bad");
    assert_int_equal(err_set(NULL, WL_EBUSY, "nobody listens"), WL_EBUSY);
    err_prefix(NULL, "nobody");
}

TEST(long_text_is_cut_at_a_character)
{
    struct err e = {0};
    char text[1000];
    /* "é" is two bytes: whichever way the limit falls, no half of one remains. */
    for (int lead = 0; lead < 4; lead++) {
        size_t n = 0;
        for (int i = 0; i < lead; i++)
            text[n++] = 'x';
        while (n < sizeof text - 5)
            n += (size_t)sprintf(text + n, "%s", lead % 2 ? "é" : "😀");
        err_set(&e, WL_EINVAL, "%s", text);
        size_t kept = strlen(e.text), width = lead % 2 ? 2 : 4;
        assert_true(kept < ERR_TEXT_MAX && kept + width >= ERR_TEXT_MAX);
        assert_int_equal((kept - (size_t)lead) % width, 0);
        err_prefix(&e, "%s", text);
        assert_true(strlen(e.text) < ERR_TEXT_MAX);
        err_set(&e, WL_EINVAL, "short");
        err_prefix(&e, "%s", "pre");
        assert_string_equal(e.text, "pre: short");
    }
}

TEST(every_code_has_a_name)
{
    for (int code = WL_OK; code >= WL_EBUG; code--) {
        assert_non_null(err_name(code));
        assert_string_not_equal(err_name(code), "unknown result");
        for (int other = code + 1; other <= WL_OK; other++)
            assert_string_not_equal(err_name(code), err_name(other));
    }
    assert_string_equal(err_name(WL_ENOTFOUND), "not found");
    assert_string_equal(err_name(1), "unknown result");
    assert_string_equal(err_name(-1000), "unknown result");
}

TESTS(T(set_and_prefix), T(long_text_is_cut_at_a_character), T(every_code_has_a_name))
