/* SPDX-License-Identifier: Apache-2.0
 * clock.h - the only place that asks the system what time it is.
 *
 * Only cmd, gateway, net and sandbox call these; core and store take the time as a parameter. */
#ifndef WL_BASE_CLOCK_H
#define WL_BASE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

int64_t clock_now_ms(void);  /* milliseconds since the epoch, UTC; never goes back within the process */
int64_t clock_mono_ns(void); /* monotonic nanoseconds, for durations and deadlines */

/* "2026-11-22T01:43:07.123Z"; out holds at least 32 bytes. Pure. Returns out. */
#define TIME_TEXT 32
char *time_text(int64_t ms, char *out);
/* Parses RFC 3339 ("...Z" or "+02:00", fraction optional) or a date; false when it is neither. Pure. */
int time_parse(const char *s, size_t n, int64_t *ret_ms);

#endif
