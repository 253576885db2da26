/* SPDX-License-Identifier: Apache-2.0
 * lease.h - for how long the right to send may be acted upon: the clock side of store/leases.h, without a clock.
 *
 * A holder may act until 0.8 of the term after it BEGAN its last renewal that succeeded, on its own monotonic clock. A
 * challenger may take over after it has itself seen the same beat and epoch for a whole term. No two clocks are ever
 * compared; only their rates may differ, by less than the margin: a holder's clock that runs a tenth slow makes its 0.8
 * terms 0.89, a challenger's that runs a tenth fast its term 0.91. Source: scale §3.2.
 *
 * What this cannot do: stop bytes that a holder hands over after it asked and was frozen in between. That is what the
 * epoch beside the data is for (store/leases.h). */
#ifndef WL_CORE_LEASE_H
#define WL_CORE_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#define LEASE_TERM_US  INT64_C(5000000)
#define LEASE_RENEW_US (LEASE_TERM_US / 5)

/* Of a holder: one for all its leases, because one statement renews them all. */
struct lease_clock {
    int64_t begun_us; /* when the last renewal that succeeded was begun; 0 none yet */
};
/* Taking it counts as a renewal. The order in which renewals are reported does not matter. */
void lease_renewed(struct lease_clock *c, int64_t begun_us);
/* Until when bytes may leave. */
int64_t lease_deadline(const struct lease_clock *c);
static inline bool lease_good(const struct lease_clock *c, int64_t now_us)
{
    return now_us < lease_deadline(c);
}

/* Of a challenger, for one number held by somebody else. */
struct lease_watch {
    int64_t epoch, beat;
    int64_t since_us; /* seen like this since; 0: not seen yet */
};
/* What was seen; now_us is read after the row was, never before. True: it stood still for a whole term, a challenge may be
 * made (lease_challenge() of store/leases.h, with this epoch and beat). */
bool lease_stands_still(struct lease_watch *w, int64_t epoch, int64_t beat, int64_t now_us);

#endif
