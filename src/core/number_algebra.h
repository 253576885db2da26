/* SPDX-License-Identifier: Apache-2.0
 * number_algebra.h - union, intersection, difference of sorted lists of any length, a block at a time.
 *
 * A source gives spans of rising distinct numbers. A merge of two sources is a source again, so lists are put
 * together in trees of any depth: runs of a sort, or the lists of one command. Memory is one block for each merge,
 * whatever the lists hold. What a source is asked for carries a floor: numbers below it will not be looked at, and
 * a source that can skip them should.
 *
 * Pure. The loops inside choose with arithmetic, not with branches: which list is ahead cannot be foretold. */
#ifndef WL_CORE_NUMBER_ALGEBRA_H
#define WL_CORE_NUMBER_ALGEBRA_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct number_span {
    const uint64_t *p;
    size_t n;
};

struct number_source {
    /* The next span, valid until the next call; n 0 at the end. Numbers below `floor` may be left out. 0 or WL_E*. */
    int (*next)(void *ctx, uint64_t floor, struct number_span *ret, struct err *e);
    void *ctx;
};

enum number_op {
    NUMBER_UNION,
    NUMBER_INTERSECT,
    NUMBER_SUBTRACT, /* in the first and in none of the others */
    NUMBER_OPS
};

#define NUMBER_MERGE_INPUTS_MAX 4096

/* The n (1 or more) sources under one operation, in the order given; *ret lives in the arena. WL_ENOMEM, WL_ETOOBIG. */
int number_merge(enum number_op op, const struct number_source *in, size_t n, struct arena *a,
                 struct number_source *ret, struct err *e);

/* Two sources taken apart in one reading: what only the first has, only the second, both. NULL: the part is only counted. */
struct number_parts {
    int (*put)(void *ctx, struct number_span part, struct err *e);
    void *ctx;
};
struct number_diff {
    uint64_t only_a, only_b, both;
};
int number_diff(struct number_source a, struct number_source b, const struct number_parts *only_a,
                const struct number_parts *only_b, const struct number_parts *both, struct arena *mem,
                struct number_diff *ret, struct err *e);

#endif
