/* SPDX-License-Identifier: Apache-2.0
 * lag.h - how long something took, over all times it happened: a histogram for /metrics.
 *
 * Counting is a few atomic additions, so that whoever is measured is not slowed down by it. */
#ifndef WL_GATEWAY_LAG_H
#define WL_GATEWAY_LAG_H

#include <stdatomic.h>
#include <stdint.h>

#include "base/buf.h"

#define LAG_STEPS 14

/* All zero: nothing happened yet. Any thread. */
struct lag {
    _Atomic uint64_t within[LAG_STEPS], all, sum_ms;
};

void lag_note(struct lag *l, int64_t ms); /* below 0 counts as 0 */
/* In the text form of Prometheus, in seconds. */
void lag_write(struct lag *l, struct buf *out, const char *name, const char *help);

#endif
