/* SPDX-License-Identifier: Apache-2.0
 * segment_value.h - what counts as a number and as a time, in a segment's JSON and in an attribute of somebody alike.
 *
 * A number is written with digits, "-12.50": integers of millionths, so that every engine finds the same ones equal; what stands behind
 * the sixth decimal is left out. Of more than twelve digits before the point it is none, and neither is "1e3", "1,5" or "12 EUR".
 *
 * A time is a day, "2026-11-22", all of it, in UTC; a second, "2026-11-22T10:00", also with seconds, a blank for the T, and a zone, "Z" or
 * "+02:00" (else it is UTC); in a segment also "now", "now-30d", "now+2h" with s, m, h, d, w for seconds to weeks. */
#ifndef WL_CORE_SEGMENT_VALUE_H
#define WL_CORE_SEGMENT_VALUE_H

#include "base/buf.h"

#define SEGMENT_ONE 1000000 /* 1 as a number */

struct segment_time {
    int64_t from, until; /* seconds since 1970, the last one included; relative: seconds from now on, both the same */
    bool relative, day;
};

bool segment_number(struct str text, int64_t *ret_millionths);
bool segment_day_or_second(struct str text, struct segment_time *ret);
bool segment_time(struct str text, struct segment_time *ret); /* relative ones too */
/* "22 November 2026", and " 10:00:05 UTC" behind it where it is no whole day. */
void segment_time_say(const struct segment_time *t, struct buf *out);

#endif
