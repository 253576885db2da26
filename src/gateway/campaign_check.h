/* SPDX-License-Identifier: Apache-2.0
 * campaign_check.h - the check of a campaign: everybody it would reach and everybody it would not, with the reason, before anything is sent.
 *
 * Run on the runner's thread, in pieces, so that the writer is never held for long. It selects the audience (a fresh one), orders it, chooses for each person number,
 * variant, language and words, asks the door's own rules about each (SEND_JUDGE: nothing is counted and nothing written), writes the
 * recipients, and a report: who will not be sent to and why, by rule, with a sample; how long it takes; what it costs by class; what is wrong
 * with the templates; the stop lines. The hash of all of it is the campaign's plan. */
#ifndef WL_GATEWAY_CAMPAIGN_CHECK_H
#define WL_GATEWAY_CAMPAIGN_CHECK_H

#include "gateway/campaigns.h"

/* Blocks until it is done. A campaign that cannot be checked (unknown segment, no template, nobody in it) is no error of this call: that is
 * written as CAMPAIGN_ACT_UNCHECKED with every reason there is, and the campaign is a draft again. stop: asked now and then; true ends it, and the check is to be done anew. */
int campaign_check_run(struct gateway *g, struct store *reader, int64_t campaign, bool (*stop)(void *ctx), void *ctx,
                       struct err *e);

#endif
