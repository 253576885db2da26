/* SPDX-License-Identifier: Apache-2.0
 * phone_data.h - the tables of phone_file.h, checked and ready to be read.
 *
 * phone_data_open() trusts nothing in the file and checks every reference once, so that the readers of the tables check none. What it fills in is
 * immutable and points into the bytes it was given: any number of threads may read it, no function here allocates or locks. */
#ifndef WL_CORE_PHONE_DATA_H
#define WL_CORE_PHONE_DATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "core/phone_file.h"

#define PHONE_REGIONS (26 * 26 + PHONE_CODES) /* rows REGION can have */

struct phone_data {
    const struct phone_file_header *head;
    const struct phone_node *node;
    const uint16_t (*root)[PHONE_ROOTS];
    const struct phone_payload *payload;
    const uint16_t *code; /* [PHONE_CODES] */
    const struct phone_plan *plan;
    const struct phone_region_row *region;
    const struct phone_lengths *lengths;
    const uint32_t *mask;
    const struct phone_step *program;
    const struct phone_layout *layout;
    const char *text;
    const struct phone_example *example;
    const struct phone_prefix_node *zone, *carrier;
    const uint32_t *zone_name, *carrier_name, *source;
    uint32_t count
        [PHONE_SECTIONS]; /* elements of each section; 0 where it is missing (zones, carriers and examples may be) */
    uint16_t idd_first[PHONE_REGIONS][2]; /* by row of REGION: bits of what its international prefix may begin with */
    int16_t by_letters[26 * 26];          /* row of REGION of "AA".."ZZ"; 0 none */
    uint16_t by_digits
        [1000]; /* of the first three digits of an international number: 4 * row of PLAN + digits of its code; 0 none */
};

/* bytes: the whole file, aligned to 8 and kept by the caller for as long as ret is used. WL_EINVAL: it is none or broken, `e` says where;
 * WL_ENOTSUP-like errors do not exist: another version is WL_EINVAL too, saying so. */
int phone_data_open(struct phone_data *ret, const void *bytes, size_t n, struct err *e);

/* The tables the program was built with. Always opens. */
void phone_data_builtin(struct phone_data *ret);
/* Whether a calling code of theirs begins these digits. For readers that must tell a number from an id and were given no tables. */
bool phone_code_builtin(uint64_t e164);

/* Row of REGION of "DE" (either case); 0: nobody's, "001" and "ZZ" included. */
int phone_region(const struct phone_data *d, struct str iso2);
/* "DE", "001", "ZZ". */
const char *phone_region_id(const struct phone_data *d, int region);
/* Row of REGION of the main region of a calling code; 0 none. */
int phone_region_of_code(const struct phone_data *d, unsigned code);

const char *phone_data_name(const struct phone_data *d);          /* "google-libphonenumber 3.2.47" */
int phone_data_age_days(const struct phone_data *d, int64_t now); /* since its release; 0 when that is not yet */
#define PHONE_DATA_STALE_DAYS 183                                 /* plans change every two weeks; half a year is old */

#endif
