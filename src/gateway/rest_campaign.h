/* SPDX-License-Identifier: Apache-2.0
 * rest_campaign.h - what the calls about campaigns share, for the rest_campaign*.c files only.
 *
 * A campaign by its id, what every answer says of it, the rule behind one of its messages. */
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

/* The rule that refused a message, or holds it; "" where no decision says so any more. */
#define REST_RULE_MAX 200
int rest_message_rule(struct rest_call *c, struct store *s, struct arena *a, const struct message *m,
                      char ret[REST_RULE_MAX], struct err *e);
/* Its definition, read anew; the thread's JSON parser keeps what it points to. WL_EINVAL: it cannot be read. */
int rest_campaign_definition(struct arena *a, const struct campaign_row *v, struct campaign_def **ret, struct err *e);

int rest_campaigns_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign_create(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign_change(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign_act(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign_report(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign_recipients(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign_events(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign_check(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign_preview(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign_live(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_campaign_verify(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);

#endif
