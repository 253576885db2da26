/* SPDX-License-Identifier: Apache-2.0
 * campaign_say.h - sentences about campaigns, put together in a fixed place.
 *
 * What does not fit is cut off at the end of a piece; the text is always terminated. Counts have thousands separators, times are
 * UTC: whoever shows them in somebody's own zone has the number beside the sentence. */
#ifndef WL_CORE_CAMPAIGN_SAY_H
#define WL_CORE_CAMPAIGN_SAY_H

#include <stddef.h>
#include <stdint.h>

struct say {
    char *p;
    size_t n, size;
};

struct say say_in(char *p, size_t size); /* size > 0; begins with "" */
void say(struct say *s, const char *text);
void say_count(struct say *s, int64_t n);           /* "14,200" */
void say_span(struct say *s, int64_t ms);           /* "45 s", "30 min", "4 h", "2 d 6 h" */
void say_time(struct say *s, int64_t ms);           /* "Tue 24 Nov 14:10 UTC" */
void say_of(struct say *s, int64_t n, int64_t all); /* "600 of 100,000 people" */
/* Day of the month and month, 1..12, of a day since 1970 (or before, negative). */
void say_date(int64_t days, int *ret_day, int *ret_month);

#endif
