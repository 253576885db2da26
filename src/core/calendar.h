/* SPDX-License-Identifier: Apache-2.0
 * calendar.h - weekly hours and holidays in somebody's local time, when we may not know which zone they are in.
 *
 * A person is known to be somewhere between two offsets from UTC (equal when the zone is known). Something is open
 * when it is open in every zone between them: the local times of all of them must lie in one and the same opening.
 * Offsets change at most once within the horizon; a later change is seen when the question is asked again.
 * Integers only; local minutes are counted from Monday 00:00. */
#ifndef WL_CORE_CALENDAR_H
#define WL_CORE_CALENDAR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define HOURS_SPANS_MAX       28 /* openings a week */
#define CALENDAR_HORIZON_DAYS 15 /* how far ahead an opening is looked for */
#define MINUTES_A_WEEK        10080

/* Openings [from, to) in minutes since Monday 00:00, ascending, touching ones joined (also over the end of the week). */
struct hours {
    uint8_t n;
    uint16_t from[HOURS_SPANS_MAX], to[HOURS_SPANS_MAX]; /* to may exceed MINUTES_A_WEEK for one that wraps */
};

/* "mon-fri 07:00-19:00, sat 08:00-15:00": days mon..sun, ranges of days (may wrap), "daily"; several times a day as
 * "mon-fri 10:00-13:00 14:00-20:00"; 24:00 ends a day, and 21:00-07:00 reaches into the next. WL_EINVAL says what is wrong.
 * An empty week and a week without a closed minute are refused. */
int hours_parse(struct str text, struct hours *ret, struct err *e);
void hours_text(const struct hours *h, struct buf *out); /* canonical: same hours, same text */

/* Where a person may be. Minutes east of UTC, min <= max. change_at 0: no change within the horizon. */
struct whereabouts {
    int32_t min, max;
    int64_t change_at; /* ms */
    int32_t min_after, max_after;
};

/* Holidays: local dates as days since 1970-01-01, ascending, and the last day (inclusive) the list speaks for. */
struct holidays {
    const int32_t *day;
    size_t n;
    int32_t first, last; /* outside: nobody knows */
};

bool hours_open(const struct hours *h, const struct whereabouts *w, int64_t now);
/* 1: a holiday in at least one of the places, 0: none, -1: the list does not speak for that day. */
int holiday_at(const struct holidays *l, const struct whereabouts *w, int64_t now);
/* First moment >= now at which `h` is open and, with `l` not NULL, no holiday; 0 when there is none within the horizon. Days
 * the list does not speak for count as working days. h NULL: open at all hours (then `l` decides). */
int64_t next_opening(const struct hours *h, const struct holidays *l, const struct whereabouts *w, int64_t now);

#endif
