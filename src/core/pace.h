/* SPDX-License-Identifier: Apache-2.0
 * pace.h - rate limits as one number: GCRA, the generic cell rate algorithm.
 *
 * The state is the theoretical arrival time (tat): the moment at which all that was sent would have been sent at
 * the sustained rate. A message conforms when tat <= now + tolerance; sending moves tat to max(tat, now) +
 * interval. With interval 6 s and tolerance 264 s: one per 6 s, bursts of 45 (docs/platform.md §3.2). The functions do
 * not mind the unit, as long as it is one. */
#ifndef WL_CORE_PACE_H
#define WL_CORE_PACE_H

#include <stdint.h>

/* One every interval, or up to tolerance ahead of that after a rest; microseconds. */
struct pace {
    int64_t interval_us, tolerance_us;
};

/* burst_ms: as many at once, after a rest, as go in that time; at least one. What does not go into microseconds evenly is a
 * little slower than it might be, never faster. */
static inline struct pace pace_of(int64_t per_second, int64_t burst_ms)
{
    const int64_t second = 1000000, longest_ms = 3600000;
    int64_t n = per_second < 1 ? 1 : per_second > second ? second : per_second;
    int64_t burst = (burst_ms < 0 ? 0 : burst_ms > longest_ms ? longest_ms : burst_ms) * 1000;
    int64_t interval = (second + n - 1) / n;
    return (struct pace){interval, burst > interval ? burst - interval : 0};
}

/* The state after one more message at `now`. */
static inline int64_t pace_take(int64_t tat, int64_t now, int64_t interval)
{
    return (tat > now ? tat : now) + interval;
}
/* The first moment at which a message conforms; <= now means at once. */
static inline int64_t pace_when(int64_t tat, int64_t tolerance)
{
    return tat - tolerance;
}

#endif
