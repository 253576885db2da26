/* SPDX-License-Identifier: Apache-2.0
 * test_number_algebra.c - set operations beside a naive set: thousands of random lists, cut into spans in every way.
 *
 * The naive set is a table of flags over a small range of numbers: nothing of it resembles a merge. Sources give
 * their numbers in spans of random length and leave out what lies below the floor, or do not, at random. */
#include "core/number_algebra.h"

#include "base/buf.h"

#include "t.h"

#define RANGE 6000
#define LISTS 6

static uint64_t seed = 7;
static uint64_t next_random(void)
{
    seed += 0x9E3779B97F4A7C15u;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

struct list {
    bool has[RANGE];
    uint64_t number[RANGE];
    size_t n, at, longest;
    bool skips;
    uint64_t span[RANGE]; /* what was given last, spoilt at the next call */
};

static int list_next(void *ctx, uint64_t floor, struct number_span *ret, struct err *e)
{
    struct list *l = ctx;
    (void)e;
    memset(l->span, 0xFF, sizeof l->span);
    while (l->skips && l->at < l->n && l->number[l->at] < floor)
        l->at++;
    size_t n = l->n - l->at, most = 1 + next_random() % l->longest;
    n = n < most ? n : most;
    memcpy(l->span, l->number + l->at, n * sizeof *l->span);
    l->at += n;
    *ret = (struct number_span){l->span, n};
    return 0;
}

static void make_list(struct list *l)
{
    uint64_t from = next_random() % RANGE, to = from + next_random() % (RANGE - from + 1);
    unsigned every = 1 + (unsigned)(next_random() % 40);
    memset(l, 0, sizeof *l);
    l->longest = next_random() % 2 == 0 ? RANGE : 1 + next_random() % 50;
    l->skips = next_random() % 2 == 0;
    for (uint64_t v = from; v < to; v++)
        if (next_random() % every == 0) {
            l->has[v] = true;
            l->number[l->n++] = v;
        }
}

static struct list lists[LISTS];

static bool wanted(enum number_op op, size_t n, size_t v)
{
    size_t in = 0;
    for (size_t i = 0; i < n; i++)
        in += lists[i].has[v];
    switch (op) {
    case NUMBER_UNION:
        return in > 0;
    case NUMBER_INTERSECT:
        return in == n;
    default:
        return lists[0].has[v] && in == 1;
    }
}

static void check_merge(enum number_op op, size_t n, struct arena *mem)
{
    struct number_source in[LISTS], all;
    struct number_span s;
    struct err e = {0};
    size_t v = 0;
    for (size_t i = 0; i < n; i++) {
        make_list(&lists[i]);
        in[i] = (struct number_source){list_next, &lists[i]};
    }
    assert_ok(number_merge(op, in, n, mem, &all, &e), e);
    do {
        assert_ok(all.next(all.ctx, 0, &s, &e), e);
        for (size_t i = 0; i < s.n; i++, v++) {
            while (v < RANGE && !wanted(op, n, v))
                v++;
            if (v >= RANGE || s.p[i] != v)
                fail_msg("operation %d of %zu lists: %llu where %zu is next", op, n, (unsigned long long)s.p[i], v);
        }
    } while (s.n > 0);
    while (v < RANGE)
        if (wanted(op, n, v++))
            fail_msg("operation %d of %zu lists ends before %zu", op, n, v - 1);
}

TEST(merges_are_the_sets_they_name)
{
    struct arena *mem = arena_create(16u << 20);
    for (int turn = 0; turn < 1000; turn++) {
        check_merge((enum number_op)(turn % NUMBER_OPS), 1 + next_random() % LISTS, mem);
        arena_reset(mem);
    }
    arena_free(mem);
}

struct part {
    uint64_t number[RANGE];
    size_t n;
};
static int put(void *ctx, struct number_span s, struct err *e)
{
    struct part *p = ctx;
    (void)e;
    memcpy(p->number + p->n, s.p, s.n * sizeof *s.p);
    p->n += s.n;
    return 0;
}

TEST(a_difference_has_three_parts)
{
    static struct part part[3];
    struct arena *mem = arena_create(16u << 20);
    struct err e = {0};
    for (int turn = 0; turn < 500; turn++) {
        struct number_parts to[3];
        struct number_diff d;
        make_list(&lists[0]);
        make_list(&lists[1]);
        unsigned asked = (unsigned)(turn % 8);
        for (size_t k = 0; k < 3; k++) {
            part[k].n = 0;
            to[k] = (struct number_parts){put, &part[k]};
        }
        assert_ok(number_diff((struct number_source){list_next, &lists[0]},
                              (struct number_source){list_next, &lists[1]}, asked & 1 ? &to[0] : NULL,
                              asked & 2 ? &to[1] : NULL, asked & 4 ? &to[2] : NULL, mem, &d, &e),
                  e);
        size_t at[3] = {0};
        uint64_t counted[3] = {d.only_a, d.only_b, d.both};
        for (size_t v = 0; v < RANGE; v++) {
            bool a = lists[0].has[v], b = lists[1].has[v];
            if (!a && !b)
                continue;
            size_t k = a && b ? 2 : b ? 1 : 0;
            if (asked & (1u << k))
                assert_int_equal(part[k].number[at[k]], v);
            at[k]++;
        }
        for (size_t k = 0; k < 3; k++) {
            assert_int_equal(at[k], counted[k]);
            assert_int_equal(part[k].n, asked & (1u << k) ? at[k] : 0);
        }
        arena_reset(mem);
    }
    arena_free(mem);
}

static int fails(void *ctx, uint64_t floor, struct number_span *ret, struct err *e)
{
    int *left = ctx;
    static const uint64_t one[] = {1, 2, 3};
    (void)floor;
    if ((*left)-- <= 0)
        return err_set(e, WL_EIO, "the disk is gone");
    *ret = (struct number_span){one, 3};
    return 0;
}

TEST(a_source_that_fails_fails_the_whole)
{
    struct arena *mem = arena_create(1u << 20);
    struct err e = {0};
    struct number_diff d;
    for (int op = 0; op < NUMBER_OPS; op++) {
        int left = 1;
        struct number_span s;
        struct number_source all, in[2] = {{list_next, &lists[0]}, {fails, &left}};
        make_list(&lists[0]);
        lists[0].at = 0;
        lists[0].n = 3;
        for (uint64_t i = 0; i < 3; i++)
            lists[0].number[i] = i + 5;
        assert_ok(number_merge((enum number_op)op, in, 2, mem, &all, &e), e);
        assert_int_equal(all.next(all.ctx, 0, &s, &e), WL_EIO);
    }
    int left = 0;
    assert_int_equal(number_diff((struct number_source){fails, &left}, (struct number_source){list_next, &lists[0]},
                                 NULL, NULL, NULL, mem, &d, &e),
                     WL_EIO);
    struct arena *small = arena_create(100);
    assert_int_equal(number_diff((struct number_source){0}, (struct number_source){0}, NULL, NULL, NULL, small, &d, &e),
                     WL_ENOMEM);
    arena_free(small);
    arena_free(mem);
}

TESTS(T(merges_are_the_sets_they_name), T(a_difference_has_three_parts), T(a_source_that_fails_fails_the_whole))
