/* SPDX-License-Identifier: Apache-2.0
 * optout_words.c - the number of a word in the packs' vocabulary, also when it was not typed quite so.
 *
 * A word no pack knows is tried again as it would be with letters repeated less ("stoooop"), with letters of another script
 * or digits as the letters they look like ("ЅТОР", "st0p"), and, when it is long and a pack allows it, with one mistake taken
 * out ("unsuscribe"). A try counts only when the packs know its result, so an ordinary word stays what it is. */
#include <string.h>

#include "core/optout_impl.h"

#define TYPO_LEAST 7 /* letters of a word in which one mistake is forgiven */

uint64_t word_hash(const uint32_t *p, size_t n)
{
    uint64_t h = 0x9E3779B97F4A7C15u ^ n;
    for (size_t i = 0; i < n; i++) {
        h = (h ^ p[i]) * 0x9E3779B97F4A7C15u;
        h ^= h >> 29;
    }
    return h;
}

uint32_t word_exact(const struct optout_packs *k, const uint32_t *p, size_t n)
{
    for (size_t s = word_hash(p, n) % SLOTS; k->slot[s] != 0; s = (s + 1) % SLOTS) {
        const struct word *w = &k->word[k->slot[s]];
        if (w->n == n && memcmp(k->chars + w->chars, p, n * sizeof *p) == 0)
            return w->means ? w->means : k->slot[s];
    }
    return 0;
}

/* Runs of three and more become `keep` letters. */
static size_t squeeze(const uint32_t *p, size_t n, size_t keep, uint32_t *out)
{
    size_t m = 0;
    for (size_t i = 0; i < n;) {
        size_t run = 1;
        while (i + run < n && p[i + run] == p[i])
            run++;
        size_t left = run >= 3 && run > keep ? keep : run;
        for (size_t j = 0; j < left; j++)
            out[m++] = p[i];
        i += run;
    }
    return m;
}

static uint32_t find_squeezed(const struct optout_packs *k, const uint32_t *p, size_t n)
{
    uint32_t out[WORD_CHARS];
    uint32_t found = 0;
    bool runs = false;
    for (size_t i = 2; i < n && !runs; i++)
        runs = p[i] == p[i - 1] && p[i] == p[i - 2];
    for (size_t keep = 1; runs && keep <= 2 && found == 0; keep++)
        found = word_exact(k, out, squeeze(p, n, keep, out));
    return found;
}

/* Small letters that are drawn alike, capital or small: Latin, Cyrillic, Greek. */
static const uint16_t alike[][3] = {
    {'a', 0x0430, 0x03B1}, {'b', 0x0432, 0x03B2}, {'c', 0x0441, 0},      {'e', 0x0435, 0x03B5}, {'h', 0x043D, 0x03B7},
    {'i', 0x0456, 0x03B9}, {'j', 0x0458, 0},      {'k', 0x043A, 0x03BA}, {'m', 0x043C, 0x03BC}, {'n', 0x043F, 0x03BD},
    {'o', 0x043E, 0x03BF}, {'p', 0x0440, 0x03C1}, {'s', 0x0455, 0},      {'t', 0x0442, 0x03C4}, {'u', 0x0446, 0x03C5},
    {'x', 0x0445, 0x03C7}, {'y', 0x0443, 0x03B3}, {'r', 0x0433, 0},
};

static uint32_t look_alike(uint32_t c, size_t to)
{
    for (size_t i = 0; i < sizeof alike / sizeof alike[0]; i++)
        for (size_t j = 0; j < 3; j++)
            if (alike[i][j] == c && alike[i][to] != 0)
                return alike[i][to];
    return c;
}

static uint32_t digit_alike(uint32_t c)
{
    static const char letters[] = "oi.eas.t.."; /* 0123456789 */
    return c >= '0' && c <= '9' && letters[c - '0'] != '.' ? (uint32_t)letters[c - '0'] : c;
}

static uint32_t find_drawn(const struct optout_packs *k, const uint32_t *p, size_t n)
{
    uint32_t out[WORD_CHARS];
    bool other = false, digits = false, letters = false;
    for (size_t i = 0; i < n; i++) {
        digits = digits || (p[i] >= '0' && p[i] <= '9');
        letters = letters || p[i] > '9';
        other = other || (p[i] >= 0x0370 && p[i] < 0x0530);
    }
    uint32_t found = 0;
    for (size_t to = 0; other && to < 2 && found == 0; to++) { /* to Latin, to Cyrillic */
        for (size_t i = 0; i < n; i++)
            out[i] = look_alike(p[i], to);
        found = word_exact(k, out, n);
    }
    if (found == 0 && digits && letters) {
        for (size_t i = 0; i < n; i++)
            out[i] = digit_alike(p[i]);
        found = word_exact(k, out, n);
    }
    return found;
}

/* The same but for one letter more, less or other, or two neighbours swapped. */
bool typo_apart(const uint32_t *a, size_t n, const uint32_t *b, size_t m)
{
    size_t i = 0, j = 0;
    while (i < n && i < m && a[i] == b[i])
        i++;
    while (j < n - i && j < m - i && a[n - 1 - j] == b[m - 1 - j])
        j++;
    size_t x = n - i - j, y = m - i - j; /* what differs in the middle */
    return (x <= 1 && y <= 1) || (x == 2 && y == 2 && a[i] == b[i + 1] && a[i + 1] == b[i]);
}

static uint32_t find_less(const struct optout_packs *k, const uint32_t *less, size_t n, const uint32_t *p, size_t whole)
{
    for (size_t s = word_hash(less, n) % SLOTS; k->typo_slot[s] != 0; s = (s + 1) % SLOTS) {
        const struct word *w = &k->word[k->typo_slot[s]];
        if (typo_apart(k->chars + w->chars, w->n, p, whole))
            return k->typo_slot[s];
    }
    return 0;
}

static uint32_t find_typo(const struct optout_packs *k, const uint32_t *p, size_t n)
{
    uint32_t less[WORD_CHARS];
    if (n < TYPO_LEAST || n >= WORD_CHARS)
        return 0;
    uint32_t found = find_less(k, p, n, p, n);
    memcpy(less, p + 1, (n - 1) * sizeof *p);
    for (size_t i = 0; i < n && found == 0; i++) { /* without letter i */
        if (i > 0)
            less[i - 1] = p[i - 1];
        found = find_less(k, less, n - 1, p, n);
    }
    return found;
}

uint32_t word_find(const struct optout_packs *k, const uint32_t *p, size_t n)
{
    uint32_t found = word_exact(k, p, n);
    if (found == 0 && n >= 3) {
        found = find_squeezed(k, p, n);
        if (found == 0)
            found = find_drawn(k, p, n);
        if (found == 0)
            found = find_typo(k, p, n);
    }
    return found;
}
