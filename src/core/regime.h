/* SPDX-License-Identifier: Apache-2.0
 * regime.h - how long proof of consent is kept after a person asked to be erased.
 *
 * Read from a file (data/regimes.yaml): a time for each area, with the text it follows from. Where several apply the one that
 * ends last counts; a regime of everywhere ("*") counts only where no other does. Times are calendar years. */
#ifndef WL_CORE_REGIME_H
#define WL_CORE_REGIME_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

#define REGIMES_MAX       256
#define REGIME_AREAS      64
#define REGIME_AREA_BYTES 8 /* "US-TX", with room for ISO's three letters */

enum regime_confidence { REGIME_LOW, REGIME_MEDIUM, REGIME_HIGH };

struct regime {
    const char *id, *why, *title, *url, *read; /* read: a date */
    int years;
    bool from_year_end; /* counted from the end of the year of the last use, else from the last use */
    bool must;          /* a law orders it; else it allows it */
    enum regime_confidence confidence;
    size_t n_areas;
    char area[REGIME_AREAS][REGIME_AREA_BYTES];
};

struct regimes;
/* WL_EINVAL names file, line and key; WL_ENOTFOUND without the file. regimes_free() it. */
int regimes_load(struct regimes **ret, const char *path, struct err *e);
void regimes_free(struct regimes *r); /* accepts NULL */
size_t regimes_count(const struct regimes *r);
const struct regime *regimes_at(const struct regimes *r, size_t i);
const struct regime *regimes_find(const struct regimes *r, const char *id); /* or NULL */
const char *regime_confidence_name(enum regime_confidence c);               /* "low", "medium", "high" */

/* Until when this one has it kept, of what was last used then (ms). The 29th of February becomes the 1st of March. */
int64_t regime_until(const struct regime *r, int64_t last_use);
/* The one that keeps longest what belongs to these places ("DE", "US-CA", any case; others are passed over); NULL: none says
 * anything, and *ret_until is untouched. */
const struct regime *regimes_longest(const struct regimes *r, const char *const *place, size_t n, int64_t last_use,
                                     int64_t *ret_until);

#endif
