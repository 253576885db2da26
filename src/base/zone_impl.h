/* SPDX-License-Identifier: Apache-2.0
 * zone_impl.h - a zone as it is kept, shared by the file that reads its bytes, the one that keeps the database, and
 * their tests.
 *
 * Up to the last entry of the table the table speaks, from then on the rule. Times are seconds since the epoch. Outside
 * base/zone*.c and their tests this header is not included: zone.h is the face. */
#ifndef WL_BASE_ZONE_IMPL_H
#define WL_BASE_ZONE_IMPL_H

#include "base/arena.h"
#include "base/zone.h"

#define ZONE_FILE_MAX (64u << 10) /* the largest real one has 4 KB */

enum rule_day_kind { DAY_JULIAN /* 1..365, never February 29 */, DAY_ZERO /* 0..365 */, DAY_WEEK };

/* A day of the year and a time of that day, by the clock in use until then. */
struct rule_day {
    uint8_t kind;
    uint8_t month, week, weekday; /* DAY_WEEK: week 5 is the last, weekday 0 Sunday */
    uint16_t day;
    int32_t time; /* seconds, may be negative or beyond 24 hours */
};

struct zone {
    const char *name;
    size_t n;              /* table: from at[i] on, offset[i] */
    const int64_t *at;     /* ascending */
    const int32_t *offset; /* seconds east of UTC */
    int32_t first_offset;  /* before the table */
    bool has_rule, has_summer;
    int32_t standard, summer; /* the rule's offsets */
    struct rule_day begins, ends;
};

/* The bytes of one compiled zone file (TZif), in the arena; name stays NULL. WL_EINVAL when damaged, WL_ENOMEM. */
int zone_read(struct str bytes, struct arena *a, struct zone *ret, struct err *e);

/* When summer time begins and ends in a year by the zone's rule (has_summer). */
int64_t zone_summer_begins(const struct zone *zone, int64_t year);
int64_t zone_summer_ends(const struct zone *zone, int64_t year);

#endif
