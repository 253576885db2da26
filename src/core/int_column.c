/* SPDX-License-Identifier: Apache-2.0
 * int_column.c - columns of integers: differences, bitmaps, dictionaries, planes of bytes.
 *
 * A column is: one byte of form; the bitmap of known values, when some are unknown; the bitmap of values that are not
 * zero, when zeros are taken out (a time of 0 is "never", not a moment near 1970); and the values left, all in one of
 * three ways. Differences wrap around, so no value overflows. Which way is taken is an estimate (the entropy of each
 * plane); a wrong guess costs bytes, never a value. */
#include "core/int_column.h"

#include <string.h>

#include "base/err.h"
#include "core/varint.h"

/* The byte of form: one of each group. */
enum form {
    AS_CONSTANT = 0,
    AS_DICTIONARY = 1,
    AS_PLANES = 2,
    AS_MASK = 3,
    FROM_NOTHING = 0,
    FROM_BASE = 4,
    FROM_BEFORE = 8,
    FROM_MASK = 12,
    SOME_UNKNOWN = 16,
    ZEROS_APART = 32,
    FORM_MASK = 63
};

#define DICTIONARY_MAX   256
#define DICTIONARY_SLOTS 1024

/* ---- writing ---- */

/* The values that are left after bitmaps, as differences, and how they would be written. */
struct layout {
    uint8_t form;
    uint64_t *left; /* differences */
    size_t n;
    uint64_t least, step;
    unsigned width; /* planes */
    uint64_t dictionary[DICTIONARY_MAX];
    uint8_t *index;
    size_t n_dictionary;
    uint64_t cost; /* in 1/16 bits */
};

/* 16 log2(x), about: linear between powers of two. */
static uint64_t log16(uint64_t x)
{
    unsigned e = 63 - (unsigned)__builtin_clzll(x);
    uint64_t fraction = e >= 4 ? (x >> (e - 4)) & 15 : (x << (4 - e)) & 15;
    return 16 * e + fraction;
}

/* What n bytes with these counts carry. */
static uint64_t entropy(const uint32_t count[256], size_t n)
{
    uint64_t sum = 0, whole = log16(n);
    for (size_t i = 0; i < 256; i++)
        if (count[i] != 0)
            sum += count[i] * (whole - log16(count[i]));
    return sum;
}

static uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static void bitmap_put(struct buf *out, const bool *set, size_t n)
{
    for (size_t i = 0; i < n; i += 8) {
        unsigned bits = 0;
        for (size_t k = 0; k < 8 && i + k < n; k++)
            bits |= (unsigned)set[i + k] << k;
        buf_putc(out, (char)bits);
    }
}

static void number_put(struct buf *out, uint64_t v)
{
    uint8_t bytes[VARINT_MAX];
    buf_put(out, bytes, varint_put(bytes, v));
}

/* The differences of the values that neither bitmap takes away. */
static void take_left(struct layout *l, const int64_t *v, const bool *stays, const int64_t *base, size_t n)
{
    uint64_t before = 0;
    l->n = 0;
    for (size_t i = 0; i < n; i++) {
        if (stays != NULL && !stays[i])
            continue;
        uint64_t value = (uint64_t)v[i], from = 0;
        if ((l->form & FROM_MASK) == FROM_BASE)
            from = (uint64_t)base[i];
        else if ((l->form & FROM_MASK) == FROM_BEFORE)
            from = before;
        before = value;
        l->left[l->n++] = value - from;
    }
}

static void measure_planes(struct layout *l)
{
    uint64_t least = l->left[0], most = 0, step = 0;
    for (size_t i = 1; i < l->n; i++)
        least = (int64_t)l->left[i] < (int64_t)least ? l->left[i] : least;
    for (size_t i = 0; i < l->n; i++) {
        uint64_t above = l->left[i] - least;
        most = above > most ? above : most;
        if (step != 1 && above != 0)
            step = gcd(step, above);
    }
    l->least = least;
    l->step = step != 0 ? step : 1;
    most /= l->step;
    for (l->width = 1; l->width < 8 && most >> (8 * l->width) != 0;)
        l->width++;
    l->form |= most == 0 ? AS_CONSTANT : AS_PLANES;
    l->cost = most == 0 ? 0 : 16 * 8 * 8;
    for (unsigned p = 0; most != 0 && p < l->width; p++) {
        uint32_t count[256] = {0};
        for (size_t i = 0; i < l->n; i++)
            count[(l->left[i] - least) / l->step >> (8 * p) & 255]++;
        l->cost += entropy(count, l->n);
    }
}

/* Position of the value among those seen, which may become one more; -1 when there are too many. */
static int dictionary_at(struct layout *l, int16_t slots[DICTIONARY_SLOTS], uint64_t v)
{
    size_t at = (v * 0x9e3779b97f4a7c15u) >> 54;
    for (; slots[at] >= 0; at = (at + 1) % DICTIONARY_SLOTS)
        if (l->dictionary[slots[at]] == v)
            return slots[at];
    if (l->n_dictionary == DICTIONARY_MAX)
        return -1;
    slots[at] = (int16_t)l->n_dictionary;
    l->dictionary[l->n_dictionary] = v;
    return (int)l->n_dictionary++;
}

/* Numbers of a dictionary instead of planes, where that takes less. */
static void measure_dictionary(struct layout *l)
{
    int16_t slots[DICTIONARY_SLOTS];
    uint32_t count[256] = {0};
    memset(slots, -1, sizeof slots);
    l->n_dictionary = 0;
    for (size_t i = 0; i < l->n; i++) {
        int at = dictionary_at(l, slots, l->left[i]);
        if (at < 0)
            return;
        l->index[i] = (uint8_t)at;
        count[at]++;
    }
    uint64_t cost = entropy(count, l->n) + l->n_dictionary * 16 * 8 * 6;
    if (cost < l->cost) {
        l->cost = cost;
        l->form = (uint8_t)((l->form & ~AS_MASK) | AS_DICTIONARY);
    }
}

static void layout_write(struct buf *out, const struct layout *l)
{
    switch (l->form & AS_MASK) {
    case AS_CONSTANT:
        number_put(out, zigzag((int64_t)(l->n > 0 ? l->left[0] : 0)));
        break;
    case AS_DICTIONARY:
        buf_putc(out, (char)(l->n_dictionary - 1));
        for (size_t i = 0; i < l->n_dictionary; i++)
            number_put(out, zigzag((int64_t)l->dictionary[i]));
        buf_put(out, l->index, l->n);
        break;
    default:
        number_put(out, zigzag((int64_t)l->least));
        number_put(out, l->step);
        buf_putc(out, (char)l->width);
        for (unsigned p = 0; p < l->width; p++)
            for (size_t i = 0; i < l->n; i++)
                buf_putc(out, (char)((l->left[i] - l->least) / l->step >> (8 * p) & 255));
    }
}

static bool layout_alloc(struct layout *l, size_t n, struct arena *a)
{
    l->left = arena_new_array(a, uint64_t, n);
    l->index = arena_alloc(a, n);
    return l->left != NULL && l->index != NULL;
}

/* Tries every kind of difference; the cheapest stays in `best`. */
static void layout_choose(struct layout *best, struct layout *trial, const int64_t *v, const bool *stays,
                          const int64_t *base, size_t n)
{
    static const uint8_t from[] = {FROM_NOTHING, FROM_BASE, FROM_BEFORE};
    best->cost = UINT64_MAX;
    for (size_t i = 0; i < sizeof from; i++) {
        if (from[i] == FROM_BASE && base == NULL)
            continue;
        trial->form = from[i];
        take_left(trial, v, stays, base, n);
        if (trial->n == 0) { /* nothing is left to differ */
            best->form = AS_CONSTANT | FROM_NOTHING;
            best->n = 0;
            return;
        }
        measure_planes(trial);
        measure_dictionary(trial);
        if (trial->cost < best->cost) {
            struct layout swap = *best;
            *best = *trial;
            *trial = swap;
        }
    }
}

/* What the bitmaps are about. */
struct presence {
    bool *apart; /* known and not zero */
    size_t zeros, unknown;
};

static bool presence_of(struct presence *p, const int64_t *v, const bool *known, size_t n, struct arena *a)
{
    p->apart = arena_new_array(a, bool, n);
    p->zeros = p->unknown = 0;
    for (size_t i = 0; p->apart != NULL && i < n; i++) {
        bool is_known = known == NULL || known[i];
        p->apart[i] = is_known && v[i] != 0;
        p->unknown += !is_known;
        p->zeros += is_known && v[i] == 0;
    }
    return p->apart != NULL;
}

/* The best of all ways; NULL without memory. */
static const struct layout *layout_best(const struct presence *p, const int64_t *v, const bool *known,
                                        const int64_t *base, size_t n, struct arena *a)
{
    struct layout *l = arena_new_array(a, struct layout, 3);
    for (size_t i = 0; i < 3; i++)
        if (l == NULL || !layout_alloc(&l[i], n + 1, a))
            return NULL;
    struct layout *best = &l[0], *other = &l[1], *trial = &l[2];
    layout_choose(best, trial, v, known, base, n);
    if (p->zeros > 0 && p->zeros + p->unknown < n && (best->form & AS_MASK) == AS_PLANES) {
        uint32_t share[256] = {(uint32_t)p->zeros, (uint32_t)(n - p->zeros)};
        layout_choose(other, trial, v, p->apart, base, n);
        other->cost += entropy(share, n);
        other->form |= ZEROS_APART;
        best = other->cost < best->cost ? other : best;
    }
    best->form |= p->unknown > 0 ? SOME_UNKNOWN : 0;
    return best;
}

int int_column_write(struct buf *out, const int64_t *v, const bool *known, const int64_t *base, size_t n,
                     struct arena *a)
{
    struct presence p;
    const struct layout *l = presence_of(&p, v, known, n, a) ? layout_best(&p, v, known, base, n, a) : NULL;
    if (l == NULL)
        return WL_ENOMEM;
    buf_putc(out, (char)l->form);
    if (l->form & SOME_UNKNOWN)
        bitmap_put(out, known, n);
    if (l->form & ZEROS_APART)
        bitmap_put(out, p.apart, n);
    layout_write(out, l);
    return out->failed ? WL_ENOMEM : 0;
}

/* ---- reading ---- */

struct reading {
    const uint8_t *at, *end;
    uint8_t form;
    const bool *known, *apart; /* NULL: all */
    uint64_t constant;
    const uint8_t *planes;
    uint64_t least, step;
    unsigned width;
    uint64_t dictionary[DICTIONARY_MAX];
    size_t n_dictionary;
};

static const bool *bitmap_read(struct reading *r, size_t n, struct arena *a, int *rc)
{
    bool *set = arena_new_array(a, bool, n);
    size_t bytes = (n + 7) / 8;
    if (set == NULL)
        *rc = WL_ENOMEM;
    else if ((size_t)(r->end - r->at) < bytes || (n % 8 != 0 && r->at[bytes - 1] >> (n % 8) != 0))
        *rc = WL_EINVAL;
    if (*rc != 0)
        return NULL;
    for (size_t i = 0; i < n; i++)
        set[i] = r->at[i / 8] >> (i % 8) & 1;
    r->at += bytes;
    return set;
}

static bool signed_read(struct reading *r, uint64_t *ret)
{
    uint64_t v;
    if (!varint_get(&r->at, r->end, &v))
        return false;
    *ret = (uint64_t)unzigzag(v);
    return true;
}

static bool dictionary_read(struct reading *r, size_t left)
{
    if (r->at == r->end)
        return false;
    r->n_dictionary = (size_t)*r->at++ + 1;
    for (size_t i = 0; i < r->n_dictionary; i++)
        if (!signed_read(r, &r->dictionary[i]))
            return false;
    r->planes = r->at;
    if ((size_t)(r->end - r->at) != left)
        return false;
    for (size_t i = 0; i < left; i++)
        if (r->planes[i] >= r->n_dictionary)
            return false;
    return true;
}

static bool planes_read(struct reading *r, size_t left)
{
    if (!signed_read(r, &r->least) || !varint_get(&r->at, r->end, &r->step) || r->at == r->end)
        return false;
    r->width = *r->at++;
    r->planes = r->at;
    return r->width >= 1 && r->width <= 8 && (size_t)(r->end - r->at) == left * r->width;
}

static bool values_read(struct reading *r, size_t left)
{
    switch (r->form & AS_MASK) {
    case AS_CONSTANT:
        return signed_read(r, &r->constant) && r->at == r->end;
    case AS_DICTIONARY:
        return dictionary_read(r, left);
    case AS_PLANES:
        return planes_read(r, left);
    default:
        return false;
    }
}

/* The differences, one after the other, into `out`. */
static void differences(const struct reading *r, uint64_t *out, size_t left)
{
    if ((r->form & AS_MASK) == AS_CONSTANT) {
        for (size_t i = 0; i < left; i++)
            out[i] = r->constant;
    } else if ((r->form & AS_MASK) == AS_DICTIONARY) {
        for (size_t i = 0; i < left; i++)
            out[i] = r->dictionary[r->planes[i]];
    } else {
        memset(out, 0, left * sizeof *out);
        for (unsigned p = 0; p < r->width; p++)
            for (size_t i = 0; i < left; i++)
                out[i] |= (uint64_t)r->planes[p * left + i] << (8 * p);
        for (size_t i = 0; i < left; i++)
            out[i] = r->least + out[i] * r->step;
    }
}

/* Differences to values, each at its place; what a bitmap took away is 0. Runs backwards, so that both may lie in one array. */
static void place(const struct reading *r, uint64_t *v, size_t left, const int64_t *base, size_t n)
{
    const bool *stays = r->apart != NULL ? r->apart : r->known;
    if ((r->form & FROM_MASK) == FROM_BEFORE)
        for (size_t i = 1; i < left; i++)
            v[i] += v[i - 1];
    for (size_t i = n; stays != NULL && i-- > 0;)
        v[i] = stays[i] ? v[--left] : 0;
    if ((r->form & FROM_MASK) == FROM_BASE)
        for (size_t i = 0; i < n; i++)
            v[i] += stays == NULL || stays[i] ? (uint64_t)base[i] : 0;
}

bool int_column_needs_base(struct str bytes)
{
    return bytes.n > 0 && ((uint8_t)bytes.p[0] & FROM_MASK) == FROM_BASE;
}

/* The byte of form and the bitmaps. */
static int head_read(struct reading *r, const int64_t *base, size_t n, struct arena *a)
{
    int rc = 0;
    uint8_t form = r->at < r->end ? *r->at++ : FORM_MASK;
    if ((form & ~FORM_MASK) != 0 || (form & FROM_MASK) == FROM_MASK ||
        ((form & FROM_MASK) == FROM_BASE && base == NULL))
        return WL_EINVAL;
    r->form = form;
    if (form & SOME_UNKNOWN)
        r->known = bitmap_read(r, n, a, &rc);
    if (rc == 0 && (form & ZEROS_APART))
        r->apart = bitmap_read(r, n, a, &rc);
    return rc;
}

/* How many values follow; false when one is not zero, and unknown. */
static bool count_left(const struct reading *r, size_t n, size_t *ret)
{
    const bool *stays = r->apart != NULL ? r->apart : r->known;
    size_t left = stays != NULL ? 0 : n;
    for (size_t i = 0; stays != NULL && i < n; i++) {
        if (stays[i] && r->known != NULL && !r->known[i])
            return false;
        left += stays[i];
    }
    *ret = left;
    return true;
}

int int_column_read(struct str bytes, const int64_t *base, size_t n, struct arena *a, struct int_column *ret)
{
    struct reading r = {.at = (const uint8_t *)bytes.p, .end = (const uint8_t *)bytes.p + bytes.n};
    size_t left = 0;
    int rc = head_read(&r, base, n, a);
    if (rc != 0)
        return rc;
    if (!count_left(&r, n, &left) || !values_read(&r, left))
        return WL_EINVAL;
    uint64_t *v = arena_new_array(a, uint64_t, n + 1);
    if (v == NULL)
        return WL_ENOMEM;
    differences(&r, v, left);
    place(&r, v, left, base, n);
    *ret = (struct int_column){.v = (const int64_t *)v,
                               .known = r.known,
                               .constant = r.form == (AS_CONSTANT | FROM_NOTHING)};
    return 0;
}
