/* SPDX-License-Identifier: Apache-2.0
 * campaigns_report.h - everybody of a campaign's audience with what became of them, one after the other.
 *
 * What reports count. Nothing is kept of a row once it was looked at. */
#ifndef WL_STORE_CAMPAIGNS_REPORT_H
#define WL_STORE_CAMPAIGNS_REPORT_H

#include "store/campaigns.h"

/* Calls each() for every recipient by place, with what a report looks at: of a message its id, sender, campaign, state, attempts, what statuses
 * said, code, times and category are there and nothing else. Texts are borrowed until each() returns; its error ends it. */
int recipients_each(struct store *s, int bucket, int64_t campaign,
                    int (*each)(void *ctx, const struct recipient_fate *f, struct err *e), void *ctx, struct err *e);

#endif
