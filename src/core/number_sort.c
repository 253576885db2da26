/* SPDX-License-Identifier: Apache-2.0
 * number_sort.c - radix sort from the lowest digit, eleven bits at a time.
 *
 * All six counts are made in one reading. A pass in which all numbers have the same digit moves nothing and is left
 * out: numbers of one country share their highest bits, numbers of E.164 have 50 bits at most. */
#include "core/number_sort.h"

#include <stdbool.h>
#include <string.h>

#define DIGIT_BITS 11
#define DIGITS     (1u << DIGIT_BITS)
#define PASSES     6

struct counts {
    size_t of[PASSES][DIGITS];
};

static size_t digit(uint64_t v, unsigned pass)
{
    return (v >> (DIGIT_BITS * pass)) & (DIGITS - 1);
}

static void move(const uint64_t *from, uint64_t *to, size_t n, unsigned pass, size_t *count)
{
    size_t at = 0;
    for (size_t d = 0; d < DIGITS; d++) {
        size_t k = count[d];
        count[d] = at;
        at += k;
    }
    for (size_t i = 0; i < n; i++)
        to[count[digit(from[i], pass)]++] = from[i];
}

uint64_t *number_sort(uint64_t *number, uint64_t *scratch, size_t n)
{
    struct counts c;
    memset(&c, 0, sizeof c);
    bool sorted = true;
    for (size_t i = 0; i < n; i++) {
        uint64_t v = number[i];
        sorted &= i == 0 || number[i - 1] <= v;
        for (unsigned pass = 0; pass < PASSES; pass++)
            c.of[pass][digit(v, pass)]++;
    }
    for (unsigned pass = 0; pass < PASSES && !sorted; pass++) {
        if (c.of[pass][digit(number[0], pass)] == n)
            continue;
        move(number, scratch, n, pass, c.of[pass]);
        uint64_t *other = number;
        number = scratch;
        scratch = other;
    }
    return number;
}

size_t number_unique(uint64_t *number, size_t n)
{
    size_t kept = n > 0;
    for (size_t i = 1; i < n; i++) {
        number[kept] = number[i];
        kept += number[i] != number[kept - 1];
    }
    return kept;
}
