/* SPDX-License-Identifier: Apache-2.0
 * campaign_listings.h - whether Meta's templates still say what a campaign's check read.
 *
 * A template is edited at Meta under the same name. What was approved is what it said then. */
#ifndef WL_GATEWAY_CAMPAIGN_LISTINGS_H
#define WL_GATEWAY_CAMPAIGN_LISTINGS_H

#include "base/digest.h"
#include "base/json.h"
#include "store/senders.h"

/* What people would read of this listing, and what may be put into it: components and the form of the parameters, without status, quality and
 * examples, which change while nothing is said otherwise. p: nothing else may be in use of it. */
int campaign_listing_hash(struct json_parser *p, struct str listing, uint8_t ret[SHA256_BYTES], struct err *e);

/* Holds the templates a check's report names beside the database's. *ret_same false: `which` says in a sentence what is otherwise. */
#define LISTING_WHICH 300
int campaign_listings_same(struct store *s, struct str report, bool *ret_same, char which[LISTING_WHICH],
                           struct err *e);

#endif
