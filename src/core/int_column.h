/* SPDX-License-Identifier: Apache-2.0
 * int_column.h - a column of integers in few bytes, laid out so that a general compressor finds the rest.
 *
 * The values of one fact over many decisions are much alike: always the same, one of a few, or times close to the
 * decision's own. A column is written as differences (from nothing, from another column, from the value before),
 * whichever takes least by its entropy; zeros and unknowns as bitmaps; what is left as one constant, as numbers of a
 * dictionary, or as a multiple of a common step split into planes of bytes of equal weight. Any 64-bit values come
 * back exactly. Reading refuses whatever is not such a column, of exactly the length given. */
#ifndef WL_CORE_INT_COLUMN_H
#define WL_CORE_INT_COLUMN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"

/* No column of n values is longer. */
static inline size_t int_column_max(size_t n)
{
    return 8 * n + 2 * ((n + 7) / 8) + 256 * 10 + 32;
}

/* Appends the column to out. known: a byte for each value, NULL when all are. base: other values to tell the difference
 * from, NULL for none; the reader needs the same. WL_ENOMEM when arena or buffer end. */
int int_column_write(struct buf *out, const int64_t *v, const bool *known, const int64_t *base, size_t n,
                     struct arena *a);

struct int_column {
    const int64_t *v;  /* n values; 0 where unknown */
    const bool *known; /* NULL: all */
    bool constant;     /* all known and all the same */
};
/* WL_EINVAL: no such column; WL_ENOMEM. */
int int_column_read(struct str bytes, const int64_t *base, size_t n, struct arena *a, struct int_column *ret);
/* The form of a column says whether it can be read without its base. */
bool int_column_needs_base(struct str bytes);

#endif
