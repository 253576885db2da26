/* SPDX-License-Identifier: Apache-2.0
 * phone_diff.h - what other numbering plans change.
 *
 * Every range of numbers whose validity, region or type is another; all numbers there can be count, none is sampled. */
#ifndef WL_CORE_PHONE_DIFF_H
#define WL_CORE_PHONE_DIFF_H

#include "core/phone_number.h"

struct phone_kind {
    char region[4]; /* "DE", "001"; "" where the number is not valid */
    uint8_t type;   /* enum phone_type */
};

struct phone_range_change {
    unsigned code;
    unsigned digits; /* of the national number */
    char first[PHONE_NSN_MAX + 1],
        last[PHONE_NSN_MAX + 1]; /* their beginnings: equal but for the last digit; "": all */
    uint64_t numbers;
    struct phone_kind before, after;
};

/* Calls each for every range, by country code, length, digits; a range is as long as its neighbours of the last digit are alike. `each`
 * returns false to end it. WL_ETOOBIG: a file of more cells than the world's plans could ever have. */
int phone_diff(const struct phone_data *a, const struct phone_data *b,
               bool (*each)(void *ctx, const struct phone_range_change *c), void *ctx, struct err *e);

#endif
