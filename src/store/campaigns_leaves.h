/* SPDX-License-Identifier: Apache-2.0
 * campaigns_leaves.h - the entries that approvals of campaigns have in the log.
 *
 * For who audits it, and for a log that begins anew (ledger.h). */
#ifndef WL_STORE_CAMPAIGNS_LEAVES_H
#define WL_STORE_CAMPAIGNS_LEAVES_H

#include "store/campaigns.h"

/* Events with a leaf from `leaf` on, in that order, at most max. */
int campaign_events_by_leaf(struct store *s, int64_t leaf, size_t max, struct arena *a, struct campaign_event_row **ret,
                            size_t *ret_n, struct err *e);
/* Events with a record and without a place in the log get one, oldest first, at most max. at: when they come into it. */
int campaign_events_adopt(struct store *s, size_t max, int64_t at, struct err *e);
/* How many have none, counted up to max. */
int campaign_events_left(struct store *s, int64_t max, int64_t *ret, struct err *e);
/* The log begins anew: none has a place. */
int campaign_events_unplace(struct store *s, struct err *e);

#endif
