/* SPDX-License-Identifier: Apache-2.0
 * audience_look.c - what an audience has: the values of a field, who has each, and a set of people as ids or as bits.
 *
 * What is asked in bits (a scan of numbers, a
 * union of many lists) becomes a bitmap by writing Roaring's portable format and reading it, which costs a copy and needs nothing of
 * the library's inside. */
#include <string.h>

#include "core/audience_impl.h"

#define CHUNK 4096

static int no_memory(struct err *e)
{
    return err_set(e, WL_ENOMEM, "out of memory for people of the audience");
}

const struct audience_set *audience_set_of(const struct audience *a, struct str field)
{
    static const struct str attribute = STR_INIT("attribute.");
    for (size_t i = 0; i < AUDIENCE_SETS; i++)
        if (str_eq(field, str_of(audience_words_fields[i])))
            return &a->set[i];
    if (str_eq(field, STR("attribute")))
        return &a->attributes;
    if (!str_starts(field, attribute))
        return NULL;
    struct str name = {field.p + attribute.n, field.n - attribute.n};
    uint32_t at = 0;
    for (uint32_t c; (c = audience_set_find(&a->attributes, name, &at)) != UINT32_MAX;)
        if (str_eq(audience_set_text(&a->attributes, c), name))
            return a->attribute[c];
    return NULL;
}

static int field_of(const struct audience *a, struct str field, const struct audience_set **ret, struct err *e)
{
    *ret = audience_set_of(a, field);
    if (*ret == NULL && !str_starts(field, STR("attribute.")))
        return err_set(e, WL_EINVAL, "\"%.*s\" is no field that has a list of values",
                       (int)(field.n < 60 ? field.n : 60), field.p);
    return 0;
}

/* --- values ----------------------------------------------------------------------------------------------------------- */

/* The `max` largest so far are a heap whose root is the least of them: more people, and of as many the lesser text, is larger. */
struct most {
    struct audience_value *value;
    size_t n, max;
};

static bool less(const struct audience_value *a, const struct audience_value *b)
{
    size_t n = a->value.n < b->value.n ? a->value.n : b->value.n;
    int order = n > 0 ? memcmp(a->value.p, b->value.p, n) : 0;
    if (a->people != b->people)
        return a->people < b->people;
    return order != 0 ? order > 0 : a->value.n > b->value.n;
}

static void swap(struct audience_value *a, struct audience_value *b)
{
    struct audience_value v = *a;
    *a = *b;
    *b = v;
}

static void sink(struct audience_value *v, size_t n, size_t i)
{
    for (size_t child; (child = 2 * i + 1) < n; i = child) {
        child += child + 1 < n && less(&v[child + 1], &v[child]);
        if (!less(&v[child], &v[i]))
            return;
        swap(&v[child], &v[i]);
    }
}

static void offer(struct most *m, struct audience_value v)
{
    if (v.people == 0 || m->max == 0)
        return;
    if (m->n == m->max) {
        if (!less(&m->value[0], &v))
            return;
        m->value[0] = v;
        sink(m->value, m->n, 0);
        return;
    }
    size_t i = m->n++;
    for (m->value[i] = v; i > 0 && less(&m->value[i], &m->value[(i - 1) / 2]); i = (i - 1) / 2)
        swap(&m->value[i], &m->value[(i - 1) / 2]);
}

int audience_values(const struct audience *a, struct str field, size_t max, struct arena *arena,
                    struct audience_value **ret, size_t *ret_n, struct err *e)
{
    const struct audience_set *s = NULL;
    int rc = field_of(a, field, &s, e);
    if (rc != 0)
        return rc;
    uint32_t codes = s != NULL ? audience_set_count(s) : 0;
    struct most m = {.max = max < codes ? max : codes};
    m.value = arena_new_array(arena, struct audience_value, m.max + 1);
    if (m.value == NULL)
        return no_memory(e);
    for (uint32_t c = 0; c < codes; c++)
        offer(&m, (struct audience_value){audience_set_text(s, c), audience_set_people(s, c)});
    *ret_n = m.n;
    for (size_t n = m.n; n > 1; sink(m.value, n, 0)) /* the least to the end, one after the other */
        swap(&m.value[0], &m.value[--n]);
    *ret = m.value;
    return 0;
}

struct each_value {
    const struct audience_set *set;
    audience_holders *each;
    void *ctx;
    struct err *e;
};

static int with_text(void *ctx, uint32_t code, const uint32_t *ordinal, size_t n)
{
    const struct each_value *v = ctx;
    return v->each(v->ctx, audience_set_text(v->set, code), ordinal, n, v->e);
}

int audience_each(const struct audience *a, struct str field, audience_holders *each, void *ctx, struct err *e)
{
    struct each_value v = {NULL, each, ctx, e};
    int rc = field_of(a, field, &v.set, e);
    return rc == 0 && v.set != NULL ? audience_set_each(v.set, with_text, &v) : rc;
}

/* --- bits ------------------------------------------------------------------------------------------------------------- */

#define BLOCK_WORDS (AUDIENCE_BLOCK / 64)
#define ARRAY_MAX   4096 /* values of a container that is an array, as the format has it */

int audience_bits_init(struct audience_bits *b, const struct audience *a, struct err *e)
{
    b->blocks = (a->n + AUDIENCE_BLOCK - 1) / AUDIENCE_BLOCK;
    size_t words = b->blocks * BLOCK_WORDS * sizeof(uint64_t), bytes = words + b->blocks * sizeof(uint32_t);
    buf_init(&b->own, bytes + 1);
    if (!buf_reserve(&b->own, bytes + 1))
        return no_memory(e);
    memset(b->own.data, 0, bytes);
    b->word = (uint64_t *)(void *)b->own.data;
    b->count = (uint32_t *)(void *)(b->own.data + words);
    return 0;
}

void audience_bits_done(struct audience_bits *b)
{
    buf_done(&b->own);
}

void audience_bits_add(struct audience_bits *b, const struct audience_set *s, uint32_t code)
{
    uint32_t some[CHUNK];
    const roaring_bitmap_t *rows = audience_set_rows(s, code);
    size_t n;
    const uint32_t *few = audience_set_list(s, code, &n);
    roaring_uint32_iterator_t it;
    audience_bits_set(b, few, n);
    if (rows == NULL)
        return;
    roaring_init_iterator(rows, &it);
    for (uint32_t k; (k = roaring_read_uint32_iterator(&it, some, CHUNK)) > 0;)
        audience_bits_set(b, some, k);
}

static uint32_t block_count(const uint64_t *word)
{
    unsigned n = 0;
    for (size_t i = 0; i < BLOCK_WORDS; i++)
        n += (unsigned)__builtin_popcountll(word[i]);
    return n;
}

static void put_array(struct buf *out, const uint64_t *word)
{
    uint16_t low[ARRAY_MAX];
    size_t n = 0;
    for (size_t i = 0; i < BLOCK_WORDS; i++)
        for (uint64_t w = word[i]; w != 0; w &= w - 1)
            low[n++] = (uint16_t)(i * 64 + (unsigned)__builtin_ctzll(w));
    buf_put(out, low, n * sizeof *low);
}

#define COOKIE_NO_RUNS 12346 /* of Roaring's portable format: keys and counts, offsets, containers */

/* Keys and counts, then where each container begins. */
static void put_head(struct buf *out, const struct audience_bits *b)
{
    uint32_t head[2] = {COOKIE_NO_RUNS, 0};
    for (size_t k = 0; k < b->blocks; k++)
        head[1] += b->count[k] > 0;
    buf_put(out, head, sizeof head);
    for (size_t k = 0; k < b->blocks; k++) {
        uint16_t key[2] = {(uint16_t)k, (uint16_t)(b->count[k] - 1)};
        if (b->count[k] > 0)
            buf_put(out, key, sizeof key);
    }
    uint32_t offset = (uint32_t)sizeof head + head[1] * 8;
    for (size_t k = 0; k < b->blocks; k++) {
        if (b->count[k] > 0)
            buf_put(out, &offset, sizeof offset);
        offset += b->count[k] > ARRAY_MAX ? BLOCK_WORDS * 8 : b->count[k] * 2;
    }
}

int audience_bits_take(const struct audience_bits *b, roaring_bitmap_t **ret, struct err *e)
{
    struct buf out;
    buf_init(&out, b->blocks * (BLOCK_WORDS * 8 + 8) + 64);
    for (size_t k = 0; k < b->blocks; k++)
        b->count[k] = block_count(b->word + k * BLOCK_WORDS);
    put_head(&out, b);
    for (size_t k = 0; k < b->blocks; k++) {
        if (b->count[k] > ARRAY_MAX)
            buf_put(&out, b->word + k * BLOCK_WORDS, BLOCK_WORDS * 8);
        else if (b->count[k] > 0)
            put_array(&out, b->word + k * BLOCK_WORDS);
    }
    roaring_bitmap_t *made = out.failed ? NULL : roaring_bitmap_portable_deserialize_safe(out.data, out.len);
    buf_done(&out);
    if (made == NULL)
        return no_memory(e);
    *ret = made;
    return 0;
}
