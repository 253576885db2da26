/* SPDX-License-Identifier: Apache-2.0
 * campaign_counts.h - what becomes of a campaign's messages and what its people do, counted in one place.
 *
 * Monitors look at these numbers (core/monitor.h), so each person counts once, whatever is repeated, overtaken, tried again or corrected
 * days later. Inside the writer's transaction that makes it so. */
#ifndef WL_GATEWAY_CAMPAIGN_COUNTS_H
#define WL_GATEWAY_CAMPAIGN_COUNTS_H

#include "gateway/lives.h"
#include "store/campaigns.h"

/* A message as it was and as it is now, and the news that made it so; both alike: the news changed nothing of the row. */
int campaign_count(struct store *s, const struct message *before, const struct message *after,
                   const struct life_news *news, struct err *e);

/* The person did this (enum recipient_told) about this message; nothing where it belongs to no campaign. */
int campaign_told(struct store *s, const struct message *m, int bits, struct err *e);
/* The same at this time (ms), about no message in particular: about the newest of a campaign that they got in the CAMPAIGN_TOLD_MS
 * before; of the newest CAMPAIGN_TOLD_MOST campaigns they are in. */
#define CAMPAIGN_TOLD_MS   INT64_C(259200000) /* 72 h */
#define CAMPAIGN_TOLD_MOST 8
int campaign_told_lately(struct store *s, struct arena *a, int bucket, int64_t contact, int64_t at, int bits,
                         struct err *e);
/* Whether somebody who asks to stop complains, too: they call it spam or harassment, or say that they report it. Whole words and phrases in the
 * languages in which they can hardly mean anything else; what is not in the list is no complaint, and capitals count as small letters in
 * ASCII alone. Nobody tells us of blocks and reports in the app itself. */
#define CAMPAIGN_COMPLAINT_MAX 200 /* bytes: of a longer message only the words that stop are read */
bool campaign_complaint(struct str text);

#endif
