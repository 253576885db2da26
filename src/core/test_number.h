/* SPDX-License-Identifier: Apache-2.0
 * test_number.h - numbers that are for tests and fiction.
 *
 * Two kinds, and no others: ranges that a regulator has set aside for films, books and examples, and the published
 * examples of the numbering plans, for each kind of number. No message goes to any of them: nobody would read it, and
 * every failed message counts against the sender. Pure. */
#ifndef WL_CORE_TEST_NUMBER_H
#define WL_CORE_TEST_NUMBER_H

#include "core/phone_number.h"

enum test_number { TEST_NUMBER_NOT, TEST_NUMBER_FICTION, TEST_NUMBER_EXAMPLE };

struct test_number_about {
    const char *source; /* who says so, one line; "" where it is none */
    int region;         /* row of REGION; 0 where nobody says */
    enum phone_type type;
};

/* ret may be NULL. Some ranges of fiction are valid numbers of the plans and some are not: region and type are then
 * those of the range. */
enum test_number test_number(const struct phone_data *d, uint64_t e164, struct test_number_about *ret);
const char *test_number_word(enum test_number t); /* "fiction", "example"; "" for neither */

/* The next test number of a region, or of any where region is 0; type PHONE_UNKNOWN_TYPE: any. Fiction first, then the
 * examples. 0: there are no more. Keep `walk`, zero at the beginning, between the calls. */
struct test_number_walk {
    size_t range;
    uint64_t next;
    int region, type;
};
uint64_t test_number_next(const struct phone_data *d, struct test_number_walk *walk, int region, enum phone_type type);

#endif
