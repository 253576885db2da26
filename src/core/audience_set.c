/* SPDX-License-Identifier: Apache-2.0
 * audience_set.c - words taken in, and bitmaps and lists made of who has them.
 *
 * What is added waits as pairs of code and ordinal. A flush sorts them; a run of one code within one block becomes a part of its
 * bitmap when it has RUN_LEAST people, else it goes to the lists, whose pairs are sorted once more at the end. Memory while a set is
 * filled is that of the pairs of one block and of the lists.
 *
 * A word is found by a hash of it without capitals, so that all its spellings stand behind each other and equality without regard to
 * capitals is a look-up too. */
#include "core/audience_set.h"

#include <string.h>

#include "base/digest.h"
#include "core/number_sort.h"

#define RUN_LEAST  32u /* below, a container costs more than a list */
#define WORDS_MAX  (UINT32_MAX - 1)
#define HASHED_MAX 256 /* bytes of a word that its hash looks at */

static const size_t any_size = (size_t)UINT32_MAX * 16; /* of what grows with the people, whose number is limited */

void audience_set_init(struct audience_set *s)
{
    *s = (struct audience_set){0};
    buf_init(&s->words.text, UINT32_MAX);
    struct buf *const all[] = {&s->words.end, &s->words.slot, &s->fresh, &s->few,
                               &s->row,       &s->rows,       &s->from,  &s->list};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_init(all[i], any_size);
}

static roaring_bitmap_t **rows_of(const struct audience_set *s)
{
    return (roaring_bitmap_t **)(void *)s->rows.data;
}

void audience_set_done(struct audience_set *s)
{
    for (size_t i = 0; i < s->rows.len / sizeof(roaring_bitmap_t *); i++)
        people_free(rows_of(s)[i]);
    struct buf *const all[] = {&s->words.text, &s->words.end, &s->words.slot, &s->fresh, &s->few,
                               &s->row,        &s->rows,      &s->from,       &s->list};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        buf_done(all[i]);
}

/* --- words ------------------------------------------------------------------------------------------------------------ */

static const uint32_t *u32s(const struct buf *b)
{
    return (const uint32_t *)(const void *)b->data;
}

struct str audience_set_text(const struct audience_set *s, uint32_t code)
{
    const uint32_t *end = u32s(&s->words.end);
    uint32_t from = code > 0 ? end[code - 1] : 0;
    return (struct str){s->words.text.data + from, end[code] - from};
}

static uint64_t hash_of(struct str word)
{
    char folded[HASHED_MAX];
    size_t n = word.n < sizeof folded ? word.n : sizeof folded;
    for (size_t i = 0; i < n; i++)
        folded[i] = word.p[i] >= 'A' && word.p[i] <= 'Z' ? (char)(word.p[i] + ('a' - 'A')) : word.p[i];
    return hash64(folded, n) + word.n;
}

/* n zeros */
static bool fill(struct buf *b, size_t n)
{
    buf_clear(b);
    if (!buf_reserve(b, n))
        return false;
    memset(b->data, 0, n);
    b->len = n;
    return true;
}

/* Twice as many slots, at least 16. */
static bool widen(struct audience_set *s)
{
    struct buf *slot = &s->words.slot;
    size_t slots = slot->len == 0 ? 16 : slot->len / sizeof(uint32_t) * 2;
    if (!fill(slot, slots * sizeof(uint32_t)))
        return false;
    uint32_t *at = (uint32_t *)(void *)slot->data;
    for (uint32_t c = 0; c < audience_set_count(s); c++) {
        size_t i = hash_of(audience_set_text(s, c)) & (slots - 1);
        while (at[i] != 0)
            i = (i + 1) & (slots - 1);
        at[i] = c + 1;
    }
    return true;
}

uint32_t audience_set_find(const struct audience_set *s, struct str word, uint32_t *at)
{
    const uint32_t *slot = u32s(&s->words.slot);
    size_t slots = s->words.slot.len / sizeof(uint32_t);
    if (slots == 0)
        return UINT32_MAX;
    /* *at: how many slots from the word's own were looked at */
    for (size_t i = hash_of(word) + *at;; i++) {
        uint32_t held = slot[i & (slots - 1)];
        if (held == 0)
            return UINT32_MAX;
        ++*at;
        if (str_ieq(audience_set_text(s, held - 1), word))
            return held - 1;
    }
}

static bool new_word(struct audience_set *s, struct str word, uint32_t *ret)
{
    static const uint32_t none = 0;
    uint32_t code = audience_set_count(s);
    size_t slots = s->words.slot.len / sizeof(uint32_t);
    if (code == WORDS_MAX || (code + 1 > slots / 4 * 3 && !widen(s)))
        return false;
    uint32_t end = (uint32_t)(s->words.text.len + word.n);
    if (!buf_putstr(&s->words.text, word) || !buf_put(&s->words.end, &end, sizeof end) ||
        !buf_put(&s->row, &none, sizeof none))
        return false;
    uint32_t *slot = (uint32_t *)(void *)s->words.slot.data;
    slots = s->words.slot.len / sizeof(uint32_t);
    size_t i = hash_of(word) & (slots - 1);
    while (slot[i] != 0)
        i = (i + 1) & (slots - 1);
    slot[i] = code + 1;
    *ret = code;
    return true;
}

/* The code of exactly this word; UINT32_MAX: it is new. */
static uint32_t exact_word(const struct audience_set *s, struct str word)
{
    const uint32_t *slot = u32s(&s->words.slot);
    size_t slots = s->words.slot.len / sizeof(uint32_t);
    for (size_t i = hash_of(word); slots > 0; i++) {
        uint32_t held = slot[i & (slots - 1)];
        if (held == 0 || str_eq(audience_set_text(s, held - 1), word))
            return held - 1; /* UINT32_MAX where there is none */
    }
    return UINT32_MAX;
}

bool audience_set_word(struct audience_set *s, struct str word, uint32_t *ret)
{
    if (s->last < audience_set_count(s) && str_eq(audience_set_text(s, s->last), word)) {
        *ret = s->last;
        return true;
    }
    uint32_t code = exact_word(s, word);
    if (code == UINT32_MAX && !new_word(s, word, &code))
        return false;
    *ret = s->last = code;
    return true;
}

/* --- who has them ----------------------------------------------------------------------------------------------------- */

bool audience_set_add(struct audience_set *s, uint32_t code, uint32_t ordinal)
{
    uint64_t pair = (uint64_t)code << 32 | ordinal;
    return buf_put(&s->fresh, &pair, sizeof pair);
}

bool audience_set_put(struct audience_set *s, struct str word, uint32_t ordinal)
{
    uint32_t code;
    return audience_set_word(s, word, &code) && audience_set_add(s, code, ordinal);
}

/* The pairs in order, each once, left in *pairs; *ret_n of them. */
static bool sort_pairs(struct buf *pairs, struct buf *scratch, const uint64_t **ret, size_t *ret_n)
{
    size_t n = pairs->len / sizeof(uint64_t);
    buf_clear(scratch);
    if (n == 0 || !buf_reserve(scratch, pairs->len)) {
        *ret_n = 0;
        return n == 0;
    }
    uint64_t *sorted = number_sort((uint64_t *)(void *)pairs->data, (uint64_t *)(void *)scratch->data, n);
    *ret_n = number_unique(sorted, n);
    *ret = sorted;
    return true;
}

static roaring_bitmap_t *row_for(struct audience_set *s, uint32_t code)
{
    uint32_t *row = (uint32_t *)(void *)s->row.data;
    if (row[code] != 0)
        return rows_of(s)[row[code] - 1];
    roaring_bitmap_t *made = roaring_bitmap_create();
    if (made == NULL || !buf_put(&s->rows, &made, sizeof made)) {
        people_free(made);
        return NULL;
    }
    row[code] = (uint32_t)(s->rows.len / sizeof made);
    return made;
}

static bool put_run(struct audience_set *s, const uint64_t *pair, size_t n)
{
    uint32_t some[512];
    if (n < RUN_LEAST)
        return buf_put(&s->few, pair, n * sizeof *pair);
    roaring_bitmap_t *row = row_for(s, (uint32_t)(pair[0] >> 32));
    if (row == NULL)
        return false;
    for (size_t i = 0; i < n;) {
        size_t k = 0;
        while (k < sizeof some / sizeof *some && i < n)
            some[k++] = (uint32_t)pair[i++];
        roaring_bitmap_add_many(row, k, some);
    }
    return true;
}

bool audience_set_flush(struct audience_set *s, struct buf *scratch)
{
    const uint64_t *pair = NULL;
    size_t n;
    bool ok = sort_pairs(&s->fresh, scratch, &pair, &n);
    for (size_t i = 0, run; ok && i < n; i += run) {
        for (run = 1; i + run < n && pair[i + run] / AUDIENCE_BLOCK == pair[i] / AUDIENCE_BLOCK;)
            run++;
        ok = put_run(s, pair + i, run);
    }
    buf_clear(&s->fresh);
    return ok;
}

bool audience_set_end(struct audience_set *s, struct buf *scratch)
{
    const uint64_t *pair = NULL;
    size_t n = 0, i = 0;
    bool ok = audience_set_flush(s, scratch) && sort_pairs(&s->few, scratch, &pair, &n) &&
              buf_reserve(&s->list, n * sizeof(uint32_t)) &&
              buf_reserve(&s->from, (audience_set_count(s) + (size_t)1) * sizeof(uint32_t));
    for (uint32_t c = 0; ok && c <= audience_set_count(s); c++) {
        uint32_t from = (uint32_t)i;
        ok = buf_put(&s->from, &from, sizeof from);
        for (; ok && i < n && pair[i] >> 32 == c; i++) {
            uint32_t ordinal = (uint32_t)pair[i];
            ok = buf_put(&s->list, &ordinal, sizeof ordinal);
        }
    }
    for (size_t r = 0; ok && r < s->rows.len / sizeof(roaring_bitmap_t *); r++) {
        roaring_bitmap_run_optimize(rows_of(s)[r]);
        roaring_bitmap_shrink_to_fit(rows_of(s)[r]);
    }
    buf_done(&s->fresh);
    buf_done(&s->few);
    return ok;
}

const roaring_bitmap_t *audience_set_rows(const struct audience_set *s, uint32_t code)
{
    uint32_t row = u32s(&s->row)[code];
    return row != 0 ? rows_of(s)[row - 1] : NULL;
}

const uint32_t *audience_set_list(const struct audience_set *s, uint32_t code, size_t *ret_n)
{
    const uint32_t *from = u32s(&s->from);
    *ret_n = from[code + 1] - from[code];
    return *ret_n > 0 ? u32s(&s->list) + from[code] : NULL;
}

uint64_t audience_set_people(const struct audience_set *s, uint32_t code)
{
    const roaring_bitmap_t *rows = audience_set_rows(s, code);
    size_t n;
    audience_set_list(s, code, &n);
    return n + (rows != NULL ? roaring_bitmap_get_cardinality(rows) : 0);
}

#define CHUNK 4096

int audience_set_each(const struct audience_set *s,
                      int (*each)(void *ctx, uint32_t code, const uint32_t *ordinal, size_t n), void *ctx)
{
    uint32_t some[CHUNK];
    int rc = 0;
    for (uint32_t c = 0; rc == 0 && c < audience_set_count(s); c++) {
        const roaring_bitmap_t *rows = audience_set_rows(s, c);
        roaring_uint32_iterator_t it;
        size_t n;
        const uint32_t *few = audience_set_list(s, c, &n);
        if (n > 0)
            rc = each(ctx, c, few, n);
        if (rows == NULL)
            continue;
        roaring_init_iterator(rows, &it);
        for (uint32_t k; rc == 0 && (k = roaring_read_uint32_iterator(&it, some, CHUNK)) > 0;)
            rc = each(ctx, c, some, k);
    }
    return rc;
}

size_t audience_set_bytes(const struct audience_set *s)
{
    const struct buf *const all[] = {&s->words.text, &s->words.end, &s->words.slot, &s->row,
                                     &s->rows,       &s->from,      &s->list};
    size_t bytes = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        bytes += all[i]->cap;
    for (size_t i = 0; i < s->rows.len / sizeof(roaring_bitmap_t *); i++) {
        roaring_statistics_t is;
        roaring_bitmap_statistics(rows_of(s)[i], &is);
        /* what a container costs beside its values: its key, type, address, and a head of 16 bytes of its own and of the heap's */
        bytes += sizeof(roaring_bitmap_t) + (size_t)is.n_containers * (2 + 1 + 8 + 16 + 16) +
                 is.n_bytes_array_containers + is.n_bytes_bitset_containers + is.n_bytes_run_containers;
    }
    return bytes;
}
