/* SPDX-License-Identifier: Apache-2.0
 * lease.c - a holder's deadline and a challenger's patience; see lease.h for why the two never overlap. Neither reads a
 * clock or the lease itself: both are told what was seen and when. */
#include "core/lease.h"

#define HOLDS_US (LEASE_TERM_US / 5 * 4)

void lease_renewed(struct lease_clock *c, int64_t begun_us)
{
    if (begun_us > c->begun_us)
        c->begun_us = begun_us;
}

int64_t lease_deadline(const struct lease_clock *c)
{
    if (c->begun_us == 0)
        return 0;
    return c->begun_us > INT64_MAX - HOLDS_US ? INT64_MAX : c->begun_us + HOLDS_US;
}

bool lease_stands_still(struct lease_watch *w, int64_t epoch, int64_t beat, int64_t now_us)
{
    if (w->since_us != 0 && w->epoch == epoch && w->beat == beat)
        return now_us - LEASE_TERM_US >= w->since_us;
    *w = (struct lease_watch){epoch, beat, now_us > 0 ? now_us : 1};
    return false;
}
