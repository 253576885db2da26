/* SPDX-License-Identifier: Apache-2.0
 * campaign_check.h - the check of a campaign: everybody it would reach and everybody it would not, with the reason, before anything is sent.
 *
 * Run on a thread of its own, in pieces, so that the writer is never held for long. It selects the audience (a fresh one), orders it, chooses for each person number,
 * variant, language and words, asks the door's own rules about each (SEND_JUDGE: nothing is counted and nothing written), writes the
 * recipients, and a report: who will not be sent to and why, by rule, with a sample; how long it takes; what it costs by class; what is wrong
 * with the templates; the stop lines. The hash of all of it is the campaign's plan. The report, and what is beside it, names nobody but by their
 * contact's id, so that it may stay when somebody is erased. */
#ifndef WL_GATEWAY_CAMPAIGN_CHECK_H
#define WL_GATEWAY_CAMPAIGN_CHECK_H

#include "gateway/campaigns.h"

/* Blocks until it is done. A campaign that cannot be checked (unknown segment, no template, nobody in it) is no error of this call: that is
 * written as CAMPAIGN_ACT_UNCHECKED with every reason there is, and the campaign is a draft again, with the report beside it. stop: asked now and then;
 * true ends it with WL_EBUSY, and the check is to be done anew. Nor is a campaign that was cancelled or changed meanwhile an error. */
int campaign_check_run(struct gateway *g, struct store *reader, int64_t campaign, bool (*stop)(void *ctx), void *ctx,
                       struct err *e);

/* What campaign_check.terms says: with what its monitors look, and how it begins. */
int campaign_terms_read(struct str terms, struct monitor_terms *ret, enum ramp_kind *ret_ramp, struct err *e);

/* The plan's hash once more, from what is stored now. *ret_erased: so many people of it were erased since; with any of them it cannot be what it
 * was. Reads all recipients: 1 s for a few hundred thousand. */
int campaign_plan_hash(struct store *reader, const struct campaign_row *c, uint8_t ret[SHA256_BYTES],
                       int64_t *ret_erased, struct err *e);

/* The messages of n recipients from this place on, who get one, as an array: as they would read it and as it is sent, their number masked. */
#define CAMPAIGN_PREVIEWS_MAX 100
int campaign_preview_write(struct gateway *g, struct store *reader, const struct campaign_row *c, int64_t place,
                           size_t n, struct json_out *o, struct err *e);

#endif
