/* SPDX-License-Identifier: Apache-2.0
 * decision_columns.c - decisions into columns and back, exactly.
 *
 * Writing goes over the rows once for each kind of column. A row whose facts are not what facts_pack() writes is kept
 * whole in a column of odd ones, so nothing is lost by not being understood. Reading rebuilds only what is asked for. */
#include "core/decision_columns.h"

#include <string.h>

#include "base/digest.h"
#include "core/varint.h"

#define TIME_BYTES    6 /* of a time of our days as a varint */
#define COLUMN_BUF    (DECISION_BLOCK_BYTES / 2)
#define FACTS_MAX_ALL (1 + 32 + 255 * VARINT_MAX)

/* ---- writing ---- */

struct writing {
    struct columns *c;
    const struct logged_decision *rows;
    size_t n;
    struct arena *a;
    int64_t *ts, *scratch;
    struct buf out; /* the column being made */
};

/* Moves what was written to the arena, as the next column. */
static int column_end(struct writing *w, int number)
{
    char *bytes = arena_memdup(w->a, buf_str(&w->out).p, w->out.len);
    if (w->out.failed || bytes == NULL)
        return WL_ENOMEM;
    w->c->column[w->c->n].number = number;
    w->c->column[w->c->n++].bytes = (struct str){bytes, w->out.len};
    buf_clear(&w->out);
    return 0;
}

static int numbers_write(struct writing *w, int number, const int64_t *v, const bool *known)
{
    int rc = int_column_write(&w->out, v, known, number == BLOCK_TS ? NULL : w->ts, w->n, w->a);
    return rc == 0 ? column_end(w, number) : rc;
}

static int64_t plain_number(const struct logged_decision *d, int number)
{
    switch (number) {
    case BLOCK_TS:
        return d->ts;
    case BLOCK_ID_MS:
        return d->id >> ID_COUNT_BITS;
    case BLOCK_ID_COUNT:
        return d->id & ((1 << ID_COUNT_BITS) - 1);
    case BLOCK_RULESET:
        return d->ruleset;
    case BLOCK_VERDICT:
        return d->verdict;
    case BLOCK_UNTIL:
        return d->until;
    case BLOCK_CONTACT:
        return d->contact;
    case BLOCK_SENDER:
        return d->sender;
    default:
        return d->campaign;
    }
}

static int plain_write(struct writing *w)
{
    int rc = 0;
    for (size_t i = 0; i < w->n; i++)
        w->ts[i] = w->rows[i].ts;
    for (int number = 0; rc == 0 && number < BLOCK_COVERS; number++) {
        for (size_t i = 0; i < w->n; i++)
            w->scratch[i] = plain_number(&w->rows[i], number);
        rc = numbers_write(w, number, w->scratch, NULL);
    }
    return rc;
}

/* ---- facts ---- */

struct fact_columns {
    int64_t *v[256]; /* NULL while no row knows the fact */
    bool *known[256];
    int64_t *covers;
    struct buf odd;
};

/* The values of packed facts in order of their ids; the number of facts covered, -1: these are no packed facts. */
static int facts_split(struct str packed, uint8_t ids[256], int64_t v[256], size_t *ret_n)
{
    const uint8_t *p = (const uint8_t *)packed.p, *at, *end = p + packed.n;
    size_t n = 0;
    if (packed.n == 0 || packed.n > FACTS_MAX_ALL)
        return -1;
    size_t covers = p[0], map = (covers + 7) / 8;
    if (packed.n < 1 + map || (covers % 8 != 0 && p[map] >> (covers % 8) != 0))
        return -1;
    at = p + 1 + map;
    for (size_t f = 0; f < covers; f++) {
        uint64_t raw;
        if (!(p[1 + f / 8] >> (f % 8) & 1))
            continue;
        if (!varint_get(&at, end, &raw))
            return -1;
        ids[n] = (uint8_t)f;
        v[n++] = unzigzag(raw);
    }
    *ret_n = n;
    return at == end ? (int)covers : -1;
}

static int facts_collect(struct writing *w, struct fact_columns *fc)
{
    uint8_t ids[256], length[VARINT_MAX];
    int64_t v[256];
    for (size_t i = 0; i < w->n; i++) {
        size_t n = 0;
        struct str packed = w->rows[i].facts;
        fc->covers[i] = facts_split(packed, ids, v, &n);
        if (fc->covers[i] < 0) {
            buf_put(&fc->odd, length, varint_put(length, packed.n));
            buf_put(&fc->odd, packed.p, packed.n);
            continue;
        }
        for (size_t k = 0; k < n; k++) {
            if (fc->v[ids[k]] == NULL) {
                fc->v[ids[k]] = arena_new_array(w->a, int64_t, w->n);
                fc->known[ids[k]] = arena_new_array(w->a, bool, w->n);
                if (fc->v[ids[k]] == NULL || fc->known[ids[k]] == NULL)
                    return WL_ENOMEM;
            }
            fc->v[ids[k]][i] = v[k];
            fc->known[ids[k]][i] = true;
        }
    }
    return fc->odd.failed ? WL_ENOMEM : 0;
}

/* ---- findings ---- */

/* Is there a time at p, as varint_put() writes one of our days? */
static bool time_at(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i + 1 < TIME_BYTES; i++)
        if (i >= n || p[i] < 0x80)
            return false;
    return n >= TIME_BYTES && p[TIME_BYTES - 1] < 0x80 && p[TIME_BYTES - 1] != 0;
}

/* The text of findings: how many times were taken out, where each stood after the one before, and the bytes left. */
static void findings_split(struct str findings, struct buf *text, struct buf *left, struct buf *places, int64_t *times,
                           size_t *ret_n)
{
    const uint8_t *p = (const uint8_t *)findings.p;
    uint8_t number[VARINT_MAX];
    size_t n = 0, before = 0;
    buf_clear(text);
    buf_clear(left);
    buf_clear(places);
    for (size_t i = 0; i < findings.n;) {
        if (!time_at(p + i, findings.n - i)) {
            buf_putc(left, (char)p[i++]);
            continue;
        }
        const uint8_t *at = p + i;
        uint64_t v = 0;
        varint_get(&at, at + TIME_BYTES, &v);
        times[n++] = (int64_t)v;
        buf_put(places, number, varint_put(number, left->len - before));
        before = left->len;
        i += TIME_BYTES;
    }
    buf_put(text, number, varint_put(number, n));
    buf_putstr(text, buf_str(places));
    buf_putstr(text, buf_str(left));
    *ret_n = n;
}

struct text_table {
    struct str *text;
    uint32_t *slot; /* number + 1, 0 free */
    size_t n, slots;
};

static bool table_alloc(struct text_table *t, size_t n, struct arena *a)
{
    t->slots = 64;
    while (t->slots < 2 * n)
        t->slots *= 2;
    t->n = 0;
    t->text = arena_new_array(a, struct str, n);
    t->slot = arena_new_array(a, uint32_t, t->slots);
    return t->text != NULL && t->slot != NULL;
}

/* The text's number, given one if it is new; -1 without memory. */
static int64_t table_number(struct text_table *t, struct str text, struct arena *a)
{
    size_t at = hash64(text.p, text.n) & (t->slots - 1);
    for (; t->slot[at] != 0; at = (at + 1) & (t->slots - 1))
        if (str_eq(t->text[t->slot[at] - 1], text))
            return t->slot[at] - 1;
    char *copy = arena_memdup(a, text.p, text.n);
    if (copy == NULL)
        return -1;
    t->text[t->n] = (struct str){copy, text.n};
    t->slot[at] = (uint32_t)++t->n;
    return (int64_t)t->n - 1;
}

struct times_taken {
    int64_t *v, *base;
    size_t n, cap;
};

/* Room for the times of one more row. */
static bool times_room(struct times_taken *t, size_t more, struct arena *a)
{
    if (t->v != NULL && t->n + more <= t->cap)
        return true;
    size_t cap = 2 * (t->n + more) + 1024;
    int64_t *v = arena_new_array(a, int64_t, cap), *base = arena_new_array(a, int64_t, cap);
    if (v == NULL || base == NULL)
        return false;
    memcpy(v, t->n != 0 ? t->v : v, t->n * sizeof *v);
    memcpy(base, t->n != 0 ? t->base : base, t->n * sizeof *base);
    *t = (struct times_taken){v, base, t->n, cap};
    return true;
}

static int64_t time_base(int64_t until, int64_t ts)
{
    return until != 0 ? until : ts;
}

static int findings_collect(struct writing *w, struct text_table *table, struct times_taken *taken)
{
    struct buf text, left, places;
    int rc = 0;
    buf_init(&text, COLUMN_BUF);
    buf_init(&left, COLUMN_BUF);
    buf_init(&places, COLUMN_BUF);
    for (size_t i = 0; rc == 0 && i < w->n; i++) {
        const struct logged_decision *d = &w->rows[i];
        size_t n = 0;
        if (!times_room(taken, d->findings.n / TIME_BYTES, w->a)) {
            rc = WL_ENOMEM;
            break;
        }
        findings_split(d->findings, &text, &left, &places, taken->v + taken->n, &n);
        for (size_t k = 0; k < n; k++)
            taken->base[taken->n + k] = time_base(d->until, d->ts);
        taken->n += n;
        w->scratch[i] = table_number(table, buf_str(&text), w->a);
        if (w->scratch[i] < 0 || text.failed || left.failed || places.failed)
            rc = WL_ENOMEM;
    }
    buf_done(&text);
    buf_done(&left);
    buf_done(&places);
    return rc;
}

static int findings_write(struct writing *w)
{
    struct text_table table;
    struct times_taken taken = {.n = 0};
    uint8_t number[VARINT_MAX];
    int rc = table_alloc(&table, w->n, w->a) ? findings_collect(w, &table, &taken) : WL_ENOMEM;
    if (rc == 0)
        rc = numbers_write(w, BLOCK_FINDINGS, w->scratch, NULL);
    if (rc == 0 && taken.n > 0) {
        buf_put(&w->out, number, varint_put(number, taken.n));
        rc = int_column_write(&w->out, taken.v, NULL, taken.base, taken.n, w->a);
        if (rc == 0)
            rc = column_end(w, BLOCK_TIMES);
    }
    for (size_t i = 0; rc == 0 && i < table.n; i++) {
        buf_put(&w->out, number, varint_put(number, table.text[i].n));
        buf_putstr(&w->out, table.text[i]);
    }
    return rc == 0 ? column_end(w, BLOCK_TEXTS) : rc;
}

static int facts_write(struct writing *w, struct fact_columns *fc)
{
    int rc = 0;
    if (fc->odd.len > 0) {
        buf_putstr(&w->out, buf_str(&fc->odd));
        rc = column_end(w, BLOCK_ODD);
    }
    for (int f = 0; rc == 0 && f < 256; f++)
        if (fc->v[f] != NULL)
            rc = numbers_write(w, BLOCK_FACTS + f, fc->v[f], fc->known[f]);
    return rc;
}

int columns_write(struct columns *ret, const struct logged_decision *rows, size_t n, struct arena *a)
{
    struct writing w = {.c = ret, .rows = rows, .n = n, .a = a};
    struct fact_columns *fc = arena_new(a, struct fact_columns);
    ret->n = 0;
    w.ts = arena_new_array(a, int64_t, n);
    w.scratch = arena_new_array(a, int64_t, n);
    if (fc == NULL || w.ts == NULL || w.scratch == NULL || (fc->covers = arena_new_array(a, int64_t, n)) == NULL)
        return WL_ENOMEM;
    buf_init(&w.out, COLUMN_BUF);
    buf_init(&fc->odd, COLUMN_BUF);
    int rc = plain_write(&w);
    if (rc == 0)
        rc = facts_collect(&w, fc);
    if (rc == 0)
        rc = numbers_write(&w, BLOCK_COVERS, fc->covers, NULL);
    if (rc == 0)
        rc = findings_write(&w);
    if (rc == 0)
        rc = facts_write(&w, fc);
    buf_done(&w.out);
    buf_done(&fc->odd);
    return rc;
}

/* ---- reading ---- */

/* Every list is a row of lengths and bytes: the next one, false at damage. */
static bool next_bytes(const uint8_t **at, const uint8_t *end, struct str *ret)
{
    uint64_t n;
    if (!varint_get(at, end, &n) || n > (uint64_t)(end - *at))
        return false;
    *ret = (struct str){(const char *)*at, n};
    *at += n;
    return true;
}

static int text_read(struct str bytes, struct arena *a, struct block_text *ret)
{
    const uint8_t *at = (const uint8_t *)bytes.p, *end = at + bytes.n;
    uint64_t n, place, sum = 0;
    if (!varint_get(&at, end, &n) || n > bytes.n)
        return WL_EINVAL;
    uint32_t *position = arena_new_array(a, uint32_t, n + 1);
    if (position == NULL)
        return WL_ENOMEM;
    for (uint64_t i = 0; i < n; i++) {
        if (!varint_get(&at, end, &place) || place > bytes.n)
            return WL_EINVAL;
        sum += place;
        if (sum > bytes.n)
            return WL_EINVAL;
        position[i] = (uint32_t)sum;
    }
    if (sum > (uint64_t)(end - at))
        return WL_EINVAL;
    *ret = (struct block_text){{(const char *)at, (size_t)(end - at)}, (uint32_t)n, position};
    return 0;
}

static int texts_read(struct str bytes, struct arena *a, struct findings_column *ret)
{
    const uint8_t *at = (const uint8_t *)bytes.p, *end = at + bytes.n;
    struct str one;
    size_t n = 0;
    while (at < end && next_bytes(&at, end, &one))
        n++;
    struct block_text *text = arena_new_array(a, struct block_text, n + 1);
    if (at != end || text == NULL)
        return at != end ? WL_EINVAL : WL_ENOMEM;
    at = (const uint8_t *)bytes.p;
    for (size_t i = 0; i < n; i++) {
        next_bytes(&at, end, &one);
        int rc = text_read(one, a, &text[i]);
        if (rc != 0)
            return rc;
    }
    ret->text = text;
    ret->n_texts = n;
    return 0;
}

int findings_read(struct findings_column *ret, struct str texts, struct str times, const int64_t *index,
                  const int64_t *ts, const int64_t *until, size_t n, struct arena *a)
{
    int rc = texts_read(texts, a, ret);
    uint32_t *first = arena_new_array(a, uint32_t, n);
    uint64_t all = 0, said = 0;
    if (rc != 0 || first == NULL)
        return rc != 0 ? rc : WL_ENOMEM;
    for (size_t i = 0; i < n; i++) {
        if (index[i] < 0 || (uint64_t)index[i] >= ret->n_texts)
            return WL_EINVAL;
        first[i] = (uint32_t)all;
        all += ret->text[index[i]].n_times;
        if (all > COLUMN_BUF)
            return WL_EINVAL;
    }
    const uint8_t *at = (const uint8_t *)times.p, *end = at + times.n;
    if (times.n > 0 && !varint_get(&at, end, &said))
        return WL_EINVAL;
    if (said != all)
        return WL_EINVAL;
    int64_t *base = arena_new_array(a, int64_t, all + 1);
    if (base == NULL)
        return WL_ENOMEM;
    for (size_t i = 0; i < n; i++)
        for (uint32_t k = 0; k < ret->text[index[i]].n_times; k++)
            base[first[i] + k] = time_base(until[i], ts[i]);
    ret->first_time = first;
    ret->times = (struct int_column){.v = base};
    return all == 0 ? 0
                    : int_column_read((struct str){(const char *)at, (size_t)(end - at)}, base, all, a, &ret->times);
}

int finding_text(const struct block_text *t, const int64_t *times, struct arena *a, struct str *ret)
{
    char *out = arena_alloc(a, t->bytes.n + (size_t)t->n_times * VARINT_MAX + 1);
    size_t n = 0, from = 0;
    if (out == NULL)
        return WL_ENOMEM;
    for (uint32_t i = 0; i < t->n_times; i++) {
        memcpy(out + n, t->bytes.p + from, t->position[i] - from);
        n += t->position[i] - from;
        from = t->position[i];
        n += varint_put((uint8_t *)out + n, (uint64_t)times[i]);
    }
    memcpy(out + n, t->bytes.p + from, t->bytes.n - from);
    *ret = (struct str){out, n + t->bytes.n - from};
    return 0;
}

int odd_read(struct str bytes, const int64_t *covers, size_t n, struct arena *a, const struct str **ret)
{
    const uint8_t *at = (const uint8_t *)bytes.p, *end = at + bytes.n;
    struct str *odd = arena_new_array(a, struct str, n);
    if (odd == NULL)
        return WL_ENOMEM;
    for (size_t i = 0; i < n; i++)
        if ((covers[i] < 0 || covers[i] > 255) && !next_bytes(&at, end, &odd[i]))
            return WL_EINVAL;
    if (at != end)
        return WL_EINVAL;
    *ret = odd;
    return 0;
}

int facts_row(const struct int_column facts[256], size_t covers, size_t i, struct arena *a, struct str *ret)
{
    uint8_t *out = arena_alloc(a, FACTS_MAX_ALL);
    size_t n = 1 + (covers + 7) / 8;
    if (out == NULL)
        return WL_ENOMEM;
    out[0] = (uint8_t)covers;
    for (size_t f = 0; f < 256; f++) {
        if (facts[f].v == NULL || (facts[f].known != NULL && !facts[f].known[i]))
            continue;
        if (f >= covers)
            return WL_EINVAL;
        out[1 + f / 8] |= (uint8_t)(1u << (f % 8));
        n += varint_put(out + n, zigzag(facts[f].v[i]));
    }
    *ret = (struct str){(const char *)out, n};
    return 0;
}
