/* SPDX-License-Identifier: Apache-2.0
 * test_arena.c - what a handler relies on: pieces are aligned, zeroed, apart from each other, bounded by the
 * maximum, and gone after a reset. Overruns themselves are caught by the sanitizer build, not here. */
#include "base/arena.h"

#include <stdbool.h>

#include "base/buf.h"
#include "t.h"

static bool all_zero(const unsigned char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] != 0)
            return false;
    return true;
}

TEST(pieces_are_aligned_zeroed_and_apart)
{
    static const size_t sizes[] = {1, 15, 16, 17, 100, 4095, 4096, 4097, 70000, 3, 300000, 8};
    enum { N = sizeof sizes / sizeof *sizes };
    unsigned char *at[3 * N];
    struct arena *a = arena_create(8 << 20);
    for (int i = 0; i < 3 * N; i++) {
        size_t n = sizes[i % N];
        at[i] = arena_alloc(a, n);
        assert_non_null(at[i]);
        assert_int_equal((uintptr_t)at[i] % 16, 0);
        assert_true(all_zero(at[i], n));
        memset(at[i], i + 1, n);
    }
    for (int i = 0; i < 3 * N; i++)
        for (size_t k = 0; k < sizes[i % N]; k++)
            assert_int_equal(at[i][k], i + 1);
    arena_free(a);
}

TEST(the_maximum_holds)
{
    struct arena *a = arena_create(1000);
    assert_null(arena_alloc(a, 1001 + 15));
    assert_null(arena_alloc(a, SIZE_MAX));
    assert_null(arena_alloc(a, SIZE_MAX - 8));
    assert_int_equal(arena_used(a), 0);
    size_t pieces = 0;
    while (arena_alloc(a, 100) != NULL)
        assert_true(++pieces <= 10);
    assert_true(pieces >= 8);
    assert_true(arena_used(a) <= 1008);
    assert_null(arena_strndup(a, "x", SIZE_MAX));
    arena_free(a);
}

TEST(empty_pieces_meet_the_maximum_too)
{
    struct arena *a = arena_create(1024);
    size_t pieces = 0;
    while (arena_alloc(a, 0) != NULL)
        assert_true(++pieces <= 64);
    assert_int_equal(pieces, 64);
    arena_free(a);
    a = arena_create(0);
    assert_null(arena_alloc(a, 1));
    arena_free(a);
}

TEST(array_sizes_do_not_wrap)
{
    struct arena *a = arena_create(SIZE_MAX);
    assert_null(arena_array(a, SIZE_MAX / 2, 4));
    assert_null(arena_array(a, (size_t)1 << 33, (size_t)1 << 33));
    assert_non_null(arena_array(a, 10, 4));
    arena_free(a);
}

TEST(reset_forgets_and_zeroes_again)
{
    struct arena *a = arena_create(1 << 20);
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 50; i++) {
            unsigned char *p = arena_alloc(a, 3000);
            assert_non_null(p);
            assert_true(all_zero(p, 3000));
            memset(p, 0xAA, 3000);
        }
        arena_reset(a);
        assert_int_equal(arena_used(a), 0);
    }
    arena_free(a);
    arena_free(NULL);
    a = arena_create(10);
    arena_reset(a); /* before the first piece */
    arena_free(a);
}

TEST(copies_end_in_nul)
{
    struct arena *a = arena_create(100000);
    char *s = arena_strndup(a, "abcdef", 3);
    assert_string_equal(s, "abc");
    assert_string_equal(arena_strdup(a, ""), "");
    assert_string_equal(arena_strndup(a, NULL, 0), "");
    assert_memory_equal(arena_memdup(a, "a\0b", 3), "a\0b", 3);
    assert_string_equal(arena_printf(a, "%d-%s", 42, "x"), "42-x");
    char *longer = arena_printf(a, "%9000d", 7);
    assert_int_equal(strlen(longer), 9000);
    assert_null(arena_printf(a, "%200000d", 7));
    arena_free(a);
}

TESTS(T(pieces_are_aligned_zeroed_and_apart), T(the_maximum_holds), T(empty_pieces_meet_the_maximum_too),
      T(array_sizes_do_not_wrap), T(reset_forgets_and_zeroes_again), T(copies_end_in_nul))
