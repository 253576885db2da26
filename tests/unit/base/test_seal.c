/* SPDX-License-Identifier: Apache-2.0
 * test_seal.c - secrets at rest.
 *
 * What would hurt: a secret readable in a copy of the database, one that cannot be had back, a changed one taken for
 * good. */
#include "t.h"

#include "base/seal.h"

static const uint8_t key[SEAL_KEY_BYTES] = {1, 2, 3}, other_key[SEAL_KEY_BYTES] = {1, 2, 4};

TEST(what_is_sealed_comes_back)
{
    static char big[65537];
    const struct str texts[] = {STR("0123456789abcdef0123456789abcdef"), STR(""), {big, 65536}};
    struct arena *a = arena_create(1u << 20);
    struct err e = {0};
    memset(big, 'x', sizeof big);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct str got;
        struct buf out;
        buf_init(&out, 1u << 20);
        buf_puts(&out, "before");
        assert_ok(seal(key, texts[i], &out, &e), e);
        assert_int_equal(out.len, 6 + texts[i].n + SEAL_MORE);
        assert_memory_equal(out.data, "before", 6);
        if (texts[i].n > 0)
            assert_null(memmem(out.data, out.len, texts[i].p, texts[i].n < 16 ? texts[i].n : 16));
        struct str sealed = {out.data + 6, out.len - 6};
        assert_ok(unseal(key, sealed, a, &got, &e), e);
        assert_true(str_eq(got, texts[i]) && got.p[got.n] == '\0');
        assert_int_equal(unseal(other_key, sealed, a, &got, &e), WL_EDENIED);
        buf_done(&out);
    }
    struct buf out;
    buf_init(&out, 1u << 20);
    assert_int_equal(seal(key, (struct str){big, sizeof big}, &out, &e), WL_ETOOBIG);
    assert_int_equal(out.len, 0);
    buf_done(&out);
    arena_free(a);
}

TEST(two_seals_of_one_text_differ)
{
    struct err e = {0};
    struct buf a, b;
    buf_init(&a, 1000);
    buf_init(&b, 1000);
    assert_ok(seal(key, STR("secret"), &a, &e), e);
    assert_ok(seal(key, STR("secret"), &b, &e), e);
    assert_true(a.len == b.len && memcmp(a.data, b.data, a.len) != 0);
    buf_done(&a);
    buf_done(&b);
}

/* Every byte counts, and so does the length. */
TEST(what_was_changed_is_refused)
{
    struct arena *a = arena_create(1u << 20);
    struct err e = {0};
    struct str got = STR("untouched");
    struct buf out;
    buf_init(&out, 1000);
    assert_ok(seal(key, STR("the secret of an app"), &out, &e), e);
    for (size_t i = 0; i < out.len; i++) {
        out.data[i] = (char)(out.data[i] ^ 1);
        assert_int_equal(unseal(key, buf_str(&out), a, &got, &e), WL_EDENIED);
        out.data[i] = (char)(out.data[i] ^ 1);
    }
    for (size_t n = 0; n < out.len; n++)
        assert_int_equal(unseal(key, (struct str){out.data, n}, a, &got, &e), WL_EDENIED);
    assert_str(got, "untouched");
    assert_null(strstr(e.text, "the secret of an app"));
    assert_ok(unseal(key, buf_str(&out), a, &got, &e), e);
    assert_str(got, "the secret of an app");
    struct arena *small = arena_create(8);
    assert_int_equal(unseal(key, buf_str(&out), small, &got, &e), WL_ENOMEM);
    arena_free(small);
    struct buf narrow;
    buf_init(&narrow, 20);
    assert_int_equal(seal(key, STR("x"), &narrow, &e), WL_ENOMEM);
    buf_done(&narrow);
    buf_done(&out);
    arena_free(a);
}

TESTS(T(what_is_sealed_comes_back), T(two_seals_of_one_text_differ), T(what_was_changed_is_refused))
