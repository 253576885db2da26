/* SPDX-License-Identifier: Apache-2.0
 * rest_campaign.h - what the calls about campaigns share, for the rest_campaign*.c files only. */
#ifndef WL_GATEWAY_REST_CAMPAIGN_H
#define WL_GATEWAY_REST_CAMPAIGN_H

#include "gateway/campaigns.h"
#include "gateway/rest_impl.h"

#define CAMPAIGN_BUCKET 0 /* one holds everybody while the spread is 1 */

/* The campaign c->param names; else c->problem says that there is none. */
int rest_find_campaign(struct rest_call *c, struct store *s, struct arena *a, struct campaign_row *ret, struct err *e);
/* What every list says of a campaign, into the open object. */
int rest_campaign_members(struct rest_call *c, struct store *s, const struct campaign_row *v, struct err *e);
/* How many of its people were handed to the door. */
int rest_campaign_handed(struct store *s, const struct campaign_row *v, int64_t *ret, struct err *e);

int rest_campaigns_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign_create(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign_change(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign_act(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);

#endif
