/* SPDX-License-Identifier: Apache-2.0
 * test_number_set.c - exactness of the set of numbers: against a plain sorted list, full, in shares, with long numbers. */
#include "core/number_set.h"

#include "t.h"

static struct number_set set;

static void *memory(size_t bytes)
{
    void *p = aligned_alloc(64, bytes);
    assert_non_null(p);
    memset(p, 0, bytes);
    return p;
}

static uint64_t next(uint64_t *at)
{
    *at += 0x9e3779b97f4a7c15u;
    uint64_t z = *at;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    return z ^ (z >> 27);
}

static int by_key(const void *a, const void *b)
{
    const struct number_seen *x = a, *y = b;
    if (x->key.digits != y->key.digits)
        return x->key.digits < y->key.digits ? -1 : 1;
    if (x->key.code != y->key.code)
        return x->key.code < y->key.code ? -1 : 1;
    return x->line < y->line ? -1 : 1;
}

/* What a set that knows every number would have answered. */
static void assert_exact(struct number_seen *seen, size_t n)
{
    qsort(seen, n, sizeof *seen, by_key);
    for (size_t i = 0; i < n;) {
        size_t j = i + 1;
        assert_int_equal(seen[i].first, 0);
        for (; j < n && seen[j].key.digits == seen[i].key.digits && seen[j].key.code == seen[i].key.code; j++)
            assert_int_equal(seen[j].first, seen[i].line);
        i = j;
    }
}

/* Dense ranges, as of one network, beside numbers spread over all lengths; many of them twice. */
static struct number_key some_key(uint64_t *random)
{
    uint64_t r = next(random);
    switch (r % 8) {
    case 0:
        return (struct number_key){1 + r / 8 % 1000000000000000u, 0};
    case 1:
        return (struct number_key){(uint64_t)1 << (r / 8 % 64), 0};
    case 2:
        return (struct number_key){10000000000000000u + r / 8 % 500, (uint32_t)(r / 4096 % 3)};
    default:
        return (struct number_key){491700000000u + r / 8 % 30000, 0};
    }
}

TEST(every_repetition_is_found_and_nothing_else)
{
    enum { N = 120000 };
    struct number_seen *seen = calloc(N, sizeof *seen);
    void *m = memory((2u << 20));
    uint64_t random = 1;
    for (unsigned shares = 1; shares <= 3; shares++) {
        memset(m, 0, (2u << 20));
        assert_true(number_set_init(&set, m, (2u << 20)));
        for (size_t i = 0; i < N; i++)
            seen[i] = (struct number_seen){some_key(&random), i + 1, 99};
        for (size_t from = 0; from < N; from += 1000)
            for (unsigned share = 0; share < shares; share++)
                assert_int_equal(number_set_add(&set, seen + from, 1000, share, shares), 0);
        size_t fresh = 0;
        for (size_t i = 0; i < N; i++)
            fresh += seen[i].first == 0;
        assert_int_equal(number_set_count(&set), fresh);
        assert_exact(seen, N);
    }
    free(seen);
    free(m);
}

TEST(a_full_set_says_so_and_holds_what_it_promises)
{
    void *m = memory(NUMBER_SET_LEAST);
    struct number_seen one;
    uint64_t n = 0;
    int rc = 0;
    assert_true(number_set_init(&set, m, NUMBER_SET_LEAST));
    while (rc == 0) {
        n++;
        one = (struct number_seen){{4915100000000u + n * 7, 0}, n, 0};
        rc = number_set_add(&set, &one, 1, 0, 1);
    }
    assert_int_equal(rc, WL_ETOOBIG);
    assert_true(n > NUMBER_SET_LEAST / 64); /* so small a set fills up unevenly */
    for (uint64_t i = 1; i < n; i++) {
        one = (struct number_seen){{4915100000000u + i * 7, 0}, n + i, 0};
        assert_int_equal(number_set_add(&set, &one, 1, 0, 1), 0);
        assert_int_equal(one.first, i);
    }
    one = (struct number_seen){{4915100000007u, 0}, (uint64_t)UINT32_MAX + 1, 0};
    assert_int_equal(number_set_add(&set, &one, 1, 0, 1), WL_ETOOBIG);
    assert_false(number_set_init(&set, m, NUMBER_SET_LEAST - 1));
    free(m);
}

/* 12 bytes a number, of sizes that are used. */
TEST(twelve_bytes_a_number)
{
    const size_t bytes = 64u << 20;
    void *m = memory(bytes);
    struct number_seen group[256];
    uint64_t n = 0, random = 7;
    int rc = 0;
    assert_true(number_set_init(&set, m, bytes));
    while (rc == 0) {
        for (size_t i = 0; i < 256; i++) {
            n++;
            group[i] =
                (struct number_seen){{n % 3 ? 447700000000u + n : 10000000000u + next(&random) % 900000000000000u, 0},
                                     n,
                                     0};
        }
        rc = number_set_add(&set, group, 256, 0, 1);
    }
    assert_true(number_set_count(&set) * 12 > bytes);
    free(m);
}

TEST(long_numbers_fill_their_own_part)
{
    void *m = memory(NUMBER_SET_LEAST);
    struct number_seen one;
    uint64_t n = 0;
    assert_true(number_set_init(&set, m, NUMBER_SET_LEAST));
    do {
        n++;
        one = (struct number_seen){{100000000000000000u + n, 999}, n, 0};
    } while (number_set_add(&set, &one, 1, 0, 1) == 0);
    assert_true(n > 200);
    one = (struct number_seen){{100000000000000001u, 999}, n, 0};
    assert_int_equal(number_set_add(&set, &one, 1, 0, 1), 0);
    assert_int_equal(one.first, 1);
    one = (struct number_seen){{100000000000000001u, 0}, n, 0};
    assert_int_equal(number_set_add(&set, &one, 1, 0, 1), WL_ETOOBIG);
    free(m);
}

TEST(keys)
{
    const struct {
        uint64_t e164;
        unsigned status, code;
        const char *nsn;
        uint64_t digits;
        uint32_t key_code;
    } row[] = {
        {491701234567u, PHONE_OK, 49, "1701234567", 491701234567u, 0},
        {0, PHONE_OK, 999, "00000000000000001", 100000000000000001u, 999},
        {0, PHONE_OK, 999, "0000000000000001", 10000000000000001u, 999},
        {0, PHONE_NOT_A_NUMBER, 0, "", 0, 0},
    };
    for (size_t i = 0; i < sizeof row / sizeof row[0]; i++) {
        struct phone_number n = {.e164 = row[i].e164, .status = (uint8_t)row[i].status, .code = (uint16_t)row[i].code};
        n.nsn_len = (uint8_t)strlen(row[i].nsn);
        memcpy(n.nsn, row[i].nsn, n.nsn_len + 1u);
        struct number_key k = number_key_of(&n);
        assert_int_equal(k.digits, row[i].digits);
        assert_int_equal(k.code, row[i].key_code);
    }
    unsigned count[64] = {0};
    for (uint64_t i = 0; i < 64000; i++)
        count[number_key_part((struct number_key){491700000000u + i, 0}, 64)]++;
    for (size_t i = 0; i < 64; i++)
        assert_in_range(count[i], 700, 1300);
}

TESTS(T(every_repetition_is_found_and_nothing_else), T(a_full_set_says_so_and_holds_what_it_promises),
      T(twelve_bytes_a_number), T(long_numbers_fill_their_own_part), T(keys))
