/* SPDX-License-Identifier: Apache-2.0
 * number_range.h - parts of the numbers there are: from one number to another, or all that look like a pattern.
 *
 * A range is "+491700000000..+491709999999" (or one "-" between bare digits): both ends belong to it, and they have
 * the same number of digits. A pattern is digits, ? for any one digit, * at the end for any digits or none:
 * "+4917*", "49-170-???????". Blanks, - . ( ) / and a + in front mean nothing. Country code first: a national
 * "0170*" is refused, for it means another number in each country.
 *
 * Both become intervals; only a ? with a digit behind it stays a pattern to be compared. Pure. */
#ifndef WL_CORE_NUMBER_RANGE_H
#define WL_CORE_NUMBER_RANGE_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define NUMBER_DIGITS_MAX 19 /* of a number that is kept as an integer */

struct number_interval {
    uint64_t first, last;
};

struct number_mask {
    char digit[NUMBER_DIGITS_MAX + 1]; /* '?' any */
    bool open;                         /* any digits may follow */
};

/* A set of numbers being put together; all of it in the arena. */
struct number_ranges {
    struct number_interval *interval; /* after seal: rising, apart */
    struct number_interval *cover;    /* after seal: the intervals, and all that masks may match */
    struct number_mask *mask;
    size_t intervals, covers, masks;
};

/* Each adds to `to`. WL_EINVAL with a sentence on the word; WL_ENOMEM. */
int number_ranges_range(struct number_ranges *to, struct str word, struct arena *a, struct err *e);
int number_ranges_pattern(struct number_ranges *to, struct str word, struct arena *a, struct err *e);
int number_ranges_interval(struct number_ranges *to, struct number_interval i, struct arena *a, struct err *e);
/* All numbers of up to NUMBER_DIGITS_MAX digits that begin with `prefix`, which has as many digits as it needs. */
int number_ranges_prefix(struct number_ranges *to, uint64_t prefix, struct arena *a, struct err *e);
int number_ranges_seal(struct number_ranges *r, struct arena *a, struct err *e);

bool number_ranges_has(const struct number_ranges *r, uint64_t number);
/* False: none from first to last is in it. */
bool number_ranges_may(const struct number_ranges *r, uint64_t first, uint64_t last);

#endif
