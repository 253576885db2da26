/* SPDX-License-Identifier: Apache-2.0
 * pace.h - rate limits as one number: GCRA, the generic cell rate algorithm.
 *
 * The state is the theoretical arrival time (tat): the moment at which all that was sent would have been sent at
 * the sustained rate. A message conforms when tat <= now + tolerance; sending moves tat to max(tat, now) +
 * interval. With interval 6 s and tolerance 264 s: one per 6 s, bursts of 45 (docs/platform.md §3.2). */
#ifndef WL_CORE_PACE_H
#define WL_CORE_PACE_H

#include <stdint.h>

/* The state after one more message at `now`. */
static inline int64_t pace_take(int64_t tat, int64_t now, int64_t interval_ms)
{
    return (tat > now ? tat : now) + interval_ms;
}
/* The first moment at which a message conforms; <= now means at once. */
static inline int64_t pace_when(int64_t tat, int64_t tolerance_ms)
{
    return tat - tolerance_ms;
}

#endif
