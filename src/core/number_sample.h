/* SPDX-License-Identifier: Apache-2.0
 * number_sample.h - so many of a list, each set of that size as likely as any other.
 *
 * One reading of the list, which may be of any length known beforehand. The same seed on the same list takes the
 * same numbers, on every machine and in every version. */
#ifndef WL_CORE_NUMBER_SAMPLE_H
#define WL_CORE_NUMBER_SAMPLE_H

#include <stddef.h>
#include <stdint.h>

struct number_sample {
    uint64_t state;        /* of the random numbers */
    uint64_t left, wanted; /* of the list; of the sample */
};

/* Takes `wanted` of `total` numbers; all of them where total is not larger. */
void number_sample_begin(struct number_sample *s, uint64_t seed, uint64_t total, uint64_t wanted);
/* The next n numbers of the list: those taken to ret, which has room for n. How many. */
size_t number_sample_take(struct number_sample *s, const uint64_t *number, size_t n, uint64_t *ret);

#endif
