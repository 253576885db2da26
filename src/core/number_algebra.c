/* SPDX-License-Identifier: Apache-2.0
 * number_algebra.c - merges of sorted numbers, in loops without branches that depend on the data.
 *
 * Each loop runs as many steps as are safe whatever the numbers are: a step takes at most one number from either side, so
 * the shorter rest is a number of steps that needs no look at the ends. Every step stores, and the place it stored
 * to moves on only where the number is wanted. One side's rest, after the other has ended, is copied or dropped. */
#include "core/number_algebra.h"

#include <stdbool.h>
#include <string.h>

#define BLOCK 2048

struct side {
    struct number_source in;
    struct number_span s; /* what is left of the span at hand */
    bool ended;
};

struct merge {
    struct side a, b;
    enum number_op op;
    uint64_t out[BLOCK];
};

/* Makes sure there is a number at hand, or that the side has ended. */
static int fill(struct side *x, uint64_t floor, struct err *e)
{
    while (x->s.n == 0 && !x->ended) {
        int rc = x->in.next(x->in.ctx, floor, &x->s, e);
        if (rc != 0)
            return rc;
        x->ended = x->s.n == 0;
    }
    return 0;
}

static void advance(struct side *x, size_t n)
{
    x->s.p += n;
    x->s.n -= n;
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* The loops: `steps` of them over p and q, kept numbers to out. One for each operation: the choice is made once a block. */
struct stepped {
    size_t p, q, out;
};
#define STEPS(name, value, wanted)                                                                                     \
    static struct stepped name(const uint64_t *p, const uint64_t *q, size_t steps, uint64_t *out)                      \
    {                                                                                                                  \
        size_t i = 0, j = 0, k = 0;                                                                                    \
        while (steps-- > 0) {                                                                                          \
            uint64_t x = p[i], y = q[j];                                                                               \
            out[k] = (value);                                                                                          \
            k += (wanted);                                                                                             \
            i += x <= y;                                                                                               \
            j += y <= x;                                                                                               \
        }                                                                                                              \
        return (struct stepped){i, j, k};                                                                              \
    }
STEPS(steps_union, x < y ? x : y, 1)
STEPS(steps_intersect, x, x == y)
STEPS(steps_subtract, x, x < y)

static const struct {
    struct stepped (*steps)(const uint64_t *p, const uint64_t *q, size_t steps, uint64_t *out);
    bool rest_a, rest_b; /* what one side has behind the other's end is wanted */
} ops[NUMBER_OPS] = {
    {steps_union, true, true},
    {steps_intersect, false, false},
    {steps_subtract, true, false},
};

/* Both sides have numbers: merges until the block is full or a span is used up. Returns numbers kept. */
static size_t merge_spans(struct merge *m, size_t at)
{
    size_t begin = at;
    for (;;) {
        size_t steps = least(least(m->a.s.n, m->b.s.n), BLOCK - at);
        if (steps == 0)
            return at - begin;
        struct stepped s = ops[m->op].steps(m->a.s.p, m->b.s.p, steps, m->out + at);
        advance(&m->a, s.p);
        advance(&m->b, s.q);
        at += s.out;
    }
}

/* One side has ended, the other's rest is wanted. */
static size_t copy_rest(struct merge *m, struct side *x, size_t at)
{
    size_t n = least(x->s.n, BLOCK - at);
    memcpy(m->out + at, x->s.p, n * sizeof *m->out);
    advance(x, n);
    return n;
}

/* The number at hand on the other side: smaller ones of this side matter only where the operation keeps them. */
static uint64_t floor_of(const struct side *other, bool kept, uint64_t floor)
{
    return kept || other->s.n == 0 || other->s.p[0] < floor ? floor : other->s.p[0];
}

/* Whether nothing more can come: a side has ended and the other's rest is not wanted. */
static bool over(const struct merge *m)
{
    bool a = m->a.ended && m->a.s.n == 0, b = m->b.ended && m->b.s.n == 0;
    return (a && b) || (a && !ops[m->op].rest_b) || (b && !ops[m->op].rest_a);
}

static int merge_next(void *ctx, uint64_t floor, struct number_span *ret, struct err *e)
{
    struct merge *m = ctx;
    size_t at = 0;
    while (at < BLOCK) {
        int rc = fill(&m->a, floor_of(&m->b, ops[m->op].rest_a, floor), e);
        if (rc == 0)
            rc = fill(&m->b, floor_of(&m->a, ops[m->op].rest_b, floor), e);
        if (rc != 0)
            return rc;
        if (over(m))
            break;
        if (m->a.s.n > 0 && m->b.s.n > 0)
            at += merge_spans(m, at);
        else
            at += copy_rest(m, m->a.s.n > 0 ? &m->a : &m->b, at);
    }
    *ret = (struct number_span){m->out, at};
    return 0;
}

static int merge_two(enum number_op op, struct number_source a, struct number_source b, struct arena *mem,
                     struct number_source *ret, struct err *e)
{
    struct merge *m = arena_new(mem, struct merge);
    if (m == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for merging lists");
    m->a.in = a;
    m->b.in = b;
    m->op = op;
    *ret = (struct number_source){merge_next, m};
    return 0;
}

/* Pairs, then pairs of pairs: each number passes through as few merges as can be. All operations here may be grouped so. */
static int merge_tree(enum number_op op, struct number_source *row, size_t n, struct arena *mem, struct err *e)
{
    for (; n > 1; n = (n + 1) / 2)
        for (size_t i = 0; i < (n + 1) / 2; i++) {
            row[i] = row[2 * i];
            int rc = 2 * i + 1 < n ? merge_two(op, row[2 * i], row[2 * i + 1], mem, &row[i], e) : 0;
            if (rc != 0)
                return rc;
        }
    return 0;
}

int number_merge(enum number_op op, const struct number_source *in, size_t n, struct arena *a,
                 struct number_source *ret, struct err *e)
{
    if (n > NUMBER_MERGE_INPUTS_MAX)
        return err_set(e, WL_ETOOBIG, "more than %d lists at once", NUMBER_MERGE_INPUTS_MAX);
    struct number_source *row = arena_memdup(a, in, n * sizeof *in);
    if (row == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for merging lists");
    /* A less B less C is A less (B or C). */
    bool subtract = op == NUMBER_SUBTRACT && n > 1;
    int rc = subtract ? merge_tree(NUMBER_UNION, row + 1, n - 1, a, e) : merge_tree(op, row, n, a, e);
    if (rc == 0 && subtract)
        rc = merge_two(op, row[0], row[1], a, &row[0], e);
    *ret = row[0];
    return rc;
}

/* ---- two lists taken apart */

struct apart {
    uint64_t a[BLOCK], b[BLOCK], both[BLOCK];
};
struct apart_steps {
    size_t p, q, a, b, both;
};

static struct apart_steps steps_apart(const uint64_t *p, const uint64_t *q, size_t steps, struct apart *out)
{
    struct apart_steps s = {0};
    while (steps-- > 0) {
        uint64_t x = p[s.p], y = q[s.q];
        out->a[s.a] = x;
        out->b[s.b] = y;
        out->both[s.both] = x;
        s.a += x < y;
        s.b += y < x;
        s.both += x == y;
        s.p += x <= y;
        s.q += y <= x;
    }
    return s;
}

/* The same where nobody asks which numbers they are. */
static struct apart_steps steps_counted(const uint64_t *p, const uint64_t *q, size_t steps)
{
    struct apart_steps s = {0};
    for (size_t k = 0; k < steps; k++) {
        uint64_t x = p[s.p], y = q[s.q];
        s.p += x <= y;
        s.q += y <= x;
    }
    s.both = s.p + s.q - steps;
    s.a = s.p - s.both;
    s.b = s.q - s.both;
    return s;
}

static int put_part(const struct number_parts *to, const uint64_t *p, size_t n, uint64_t *count, struct err *e)
{
    *count += n;
    return to != NULL && n > 0 ? to->put(to->ctx, (struct number_span){p, n}, e) : 0;
}

struct diff {
    struct side a, b;
    const struct number_parts *to_a, *to_b, *to_both;
    struct apart out;
};

static int diff_rest(struct diff *d, struct number_diff *ret, struct err *e)
{
    int rc = put_part(d->to_a, d->a.s.p, d->a.s.n, &ret->only_a, e);
    if (rc == 0)
        rc = put_part(d->to_b, d->b.s.p, d->b.s.n, &ret->only_b, e);
    d->a.s.n = d->b.s.n = 0;
    return rc;
}

static int diff_step(struct diff *d, struct number_diff *ret, struct err *e)
{
    size_t steps = least(least(d->a.s.n, d->b.s.n), BLOCK);
    if (steps == 0)
        return diff_rest(d, ret, e);
    bool counted = d->to_a == NULL && d->to_b == NULL && d->to_both == NULL;
    struct apart_steps s =
        counted ? steps_counted(d->a.s.p, d->b.s.p, steps) : steps_apart(d->a.s.p, d->b.s.p, steps, &d->out);
    advance(&d->a, s.p);
    advance(&d->b, s.q);
    int rc = put_part(d->to_a, d->out.a, s.a, &ret->only_a, e);
    if (rc == 0)
        rc = put_part(d->to_b, d->out.b, s.b, &ret->only_b, e);
    return rc != 0 ? rc : put_part(d->to_both, d->out.both, s.both, &ret->both, e);
}

int number_diff(struct number_source a, struct number_source b, const struct number_parts *only_a,
                const struct number_parts *only_b, const struct number_parts *both, struct arena *mem,
                struct number_diff *ret, struct err *e)
{
    struct diff *d = arena_new(mem, struct diff);
    *ret = (struct number_diff){0};
    if (d == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for comparing lists");
    d->a.in = a;
    d->b.in = b;
    d->to_a = only_a;
    d->to_b = only_b;
    d->to_both = both;
    for (;;) {
        int rc = fill(&d->a, 0, e);
        if (rc == 0)
            rc = fill(&d->b, 0, e);
        if (rc == 0 && d->a.s.n == 0 && d->b.s.n == 0)
            return 0;
        if (rc == 0)
            rc = diff_step(d, ret, e);
        if (rc != 0)
            return rc;
    }
}
