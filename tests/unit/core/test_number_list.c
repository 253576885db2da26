/* SPDX-License-Identifier: Apache-2.0
 * test_number_list.c - sorted lists as files: what is packed is unpacked, what is damaged is refused, nothing is
 * read past its end. */
#include "core/number_list.h"

#include "base/digest.h"
#include "core/number_sort.h"

#include "t.h"

static uint64_t seed = 1;
static uint64_t next_random(void)
{
    seed += 0x9E3779B97F4A7C15u;
    uint64_t z = seed;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

/* Unpacks from a copy of exactly the size allowed, so that the sanitizer sees a byte too many. */
static int unpack(const struct number_list_entry *b, const uint8_t *bytes, uint64_t next, uint64_t *ret, struct err *e)
{
    uint8_t *copy = malloc(b->bytes + NUMBER_LIST_PADDING);
    memcpy(copy, bytes, b->bytes);
    memset(copy + b->bytes, 0xEE, NUMBER_LIST_PADDING);
    int rc = number_list_unpack(b, copy, next, ret, e);
    free(copy);
    return rc;
}

static uint64_t number[NUMBER_LIST_BLOCK], back[NUMBER_LIST_BLOCK];
static uint8_t bytes[NUMBER_LIST_BLOCK_BYTES];

static size_t round_trip(size_t n)
{
    struct number_list_entry b = {0};
    struct err e = {0};
    size_t size = number_list_pack(number, n, bytes, &b);
    assert_true(size <= NUMBER_LIST_BLOCK_BYTES && b.bytes == size && b.count == n && b.first == number[0]);
    assert_ok(unpack(&b, bytes, number[n - 1] + 1, back, &e), e);
    assert_memory_equal(number, back, n * sizeof *number);
    assert_int_equal(unpack(&b, bytes, number[n - 1], back, &e), WL_ECORRUPT); /* runs into the next block */
    return size;
}

/* Steps of any width, mixed, and every length around the edges of groups. */
TEST(what_is_packed_is_unpacked)
{
    static const size_t counts[] = {1, 2, 3, 127, 128, 129, 130, 256, 257, 2047, 2048};
    for (int turn = 0; turn < 400; turn++) {
        size_t n = counts[(size_t)turn % (sizeof counts / sizeof counts[0])];
        unsigned widest = (unsigned)(next_random() % 54);
        uint64_t v = 1 + next_random() % 1000;
        for (size_t i = 0; i < n; i++) {
            number[i] = v;
            v += 1 + (next_random() & (((uint64_t)1 << (next_random() % (widest + 1))) - 1));
        }
        round_trip(n);
    }
}

TEST(a_run_costs_next_to_nothing_and_a_leap_little)
{
    for (size_t i = 0; i < NUMBER_LIST_BLOCK; i++)
        number[i] = 4917000000000 + i;
    assert_int_equal(round_trip(NUMBER_LIST_BLOCK), 32); /* 16 groups: their two bytes */
    for (size_t i = NUMBER_LIST_BLOCK / 2; i < NUMBER_LIST_BLOCK; i++)
        number[i] += 380000000000;
    assert_true(round_trip(NUMBER_LIST_BLOCK) < 45);
}

TEST(the_largest_numbers)
{
    number[0] = 1;
    number[1] = NUMBER_LIST_LARGEST - 1;
    number[2] = NUMBER_LIST_LARGEST;
    round_trip(3);
}

/* Each byte of a block wrong, with a checksum that fits: refused, or rising numbers within bounds. */
TEST(damage_is_found_or_harmless)
{
    struct number_list_entry b = {0};
    struct err e = {0};
    uint64_t v = 491700000000;
    for (size_t i = 0; i < 300; i++) {
        number[i] = v;
        v += 1 + next_random() % 300 + (i % 50 == 0 ? next_random() % 1000000000000 : 0);
    }
    size_t size = number_list_pack(number, 300, bytes, &b);
    for (size_t at = 0; at < size * 4; at++) {
        uint8_t kept = bytes[at / 4];
        bytes[at / 4] ^= (uint8_t)(1 + next_random() % 255);
        assert_int_equal(unpack(&b, bytes, v, back, &e), WL_ECORRUPT);
        struct number_list_entry forged = b;
        forged.check = hash64(bytes, size);
        if (unpack(&forged, bytes, v, back, &e) == 0)
            for (size_t i = 1; i < 300; i++)
                assert_true(back[i] > back[i - 1] && back[i] < v);
        bytes[at / 4] = kept;
    }
    for (uint32_t cut = 0; cut < size; cut++) {
        struct number_list_entry shorter = b;
        shorter.bytes = cut;
        shorter.check = hash64(bytes, cut);
        assert_int_equal(unpack(&shorter, bytes, v, back, &e), WL_ECORRUPT);
    }
}

#define ROWS 5
static void make_index(struct number_list_head *h, uint8_t *out)
{
    *h = (struct number_list_head){.blocks = ROWS, .first = 100, .last = 100 + ROWS * 1000};
    uint64_t at = NUMBER_LIST_HEAD;
    for (uint32_t i = 0; i < ROWS; i++) {
        struct number_list_entry b = {.first = 100 + i * 1000, .at = at, .bytes = 10 + i, .count = 7, .check = i};
        number_list_entry_write(&b, out + (size_t)i * NUMBER_LIST_ENTRY);
        at += b.bytes;
        h->count += b.count;
    }
    h->index_at = at;
    h->index_check = hash64(out, (size_t)ROWS * NUMBER_LIST_ENTRY);
}

TEST(header_and_index)
{
    struct number_list_head h, back_h;
    struct number_list_entry rows[ROWS];
    uint8_t index[ROWS * NUMBER_LIST_ENTRY], head[NUMBER_LIST_HEAD];
    struct err e = {0};
    make_index(&h, index);
    number_list_head_write(&h, head);
    uint64_t size = h.index_at + sizeof index;
    assert_ok(number_list_head_read(head, size, &back_h, &e), e);
    assert_true(back_h.count == h.count && back_h.first == h.first && back_h.last == h.last &&
                back_h.blocks == h.blocks && back_h.index_at == h.index_at && back_h.index_check == h.index_check);
    assert_int_equal(number_list_head_read(head, size - 1, &back_h, &e), WL_ECORRUPT);
    assert_int_equal(number_list_head_read(head, size + 1, &back_h, &e), WL_ECORRUPT);
    assert_ok(number_list_index_read(&h, index, rows, &e), e);
    static const uint64_t asked[][2] = {{1, 0}, {100, 0}, {1099, 0}, {1100, 1}, {4100, 4}, {NUMBER_LIST_LARGEST, 4}};
    for (size_t i = 0; i < sizeof asked / sizeof asked[0]; i++)
        assert_int_equal(number_list_find(rows, ROWS, asked[i][0]), asked[i][1]);
    for (size_t at = 0; at < NUMBER_LIST_HEAD; at++) {
        head[at] ^= 1;
        assert_int_not_equal(number_list_head_read(head, size, &back_h, &e), 0);
        head[at] ^= 1;
    }
    head[4] = 2;
    assert_int_equal(number_list_head_read(head, size, &back_h, &e), WL_EINVAL);
    assert_non_null(strstr(e.text, "version 2"));
}

/* Forged with checksums that fit: only an index that is one passes. */
TEST(an_index_must_add_up)
{
    static const struct {
        size_t at;
        uint8_t to;
    } wrong[] = {{0, 0}, {32, 50}, {8, 65}, {40, 73}, {24, 9}, {28, 0}, {28, 8}, {29, 9}, {129, 255}, {135, 1}};
    struct number_list_head h;
    struct number_list_entry rows[ROWS];
    uint8_t index[ROWS * NUMBER_LIST_ENTRY];
    struct err e = {0};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        make_index(&h, index);
        index[wrong[i].at] = wrong[i].to;
        if (wrong[i].at == 32)
            index[33] = 0;
        assert_int_equal(number_list_index_read(&h, index, rows, &e), WL_ECORRUPT);
        h.index_check = hash64(index, sizeof index);
        if (number_list_index_read(&h, index, rows, &e) == 0)
            fail_msg("row %zu of the table passed", i);
    }
}

static int by_value(const void *a, const void *b)
{
    uint64_t x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return x < y ? -1 : x > y;
}

TEST(sorted_and_each_once)
{
    static uint64_t a[3000], scratch[3000], want[3000];
    for (int turn = 0; turn < 300; turn++) {
        size_t n = next_random() % 3000;
        unsigned shift = (unsigned)(next_random() % 64);
        for (size_t i = 0; i < n; i++)
            a[i] = want[i] = next_random() >> shift;
        if (n > 0)
            qsort(want, n, sizeof *want, by_value);
        uint64_t *got = number_sort(a, scratch, n);
        assert_memory_equal(got, want, n * sizeof *want);
        size_t k = 0;
        for (size_t i = 0; i < n; i++)
            if (i == 0 || want[i] != want[i - 1])
                want[k++] = want[i];
        assert_int_equal(number_unique(got, n), k);
        assert_memory_equal(got, want, k * sizeof *want);
    }
}

TESTS(T(what_is_packed_is_unpacked), T(a_run_costs_next_to_nothing_and_a_leap_little), T(the_largest_numbers),
      T(damage_is_found_or_harmless), T(header_and_index), T(an_index_must_add_up), T(sorted_and_each_once))
