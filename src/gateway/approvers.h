/* SPDX-License-Identifier: Apache-2.0
 * approvers.h - people with a key of their own, who stand for campaigns that are large.
 *
 * Whoever has the admin key may do everything and says who they are; that is a name and no proof. An approver shows a key that is only
 * theirs (`approvers` of the configuration), and what they do over the API is recorded under their name. Nobody else may use
 * that name, so a name in a campaign's history that is an approver's was theirs. */
#ifndef WL_GATEWAY_APPROVERS_H
#define WL_GATEWAY_APPROVERS_H

#include "gateway/gateway_impl.h"

/* The approver who has this key, NULL: none. Compares with all of them, each in constant time. */
const struct approver_option *approver_by_key(const struct gateway *g, struct str key);
/* Whether this is an approver's name, in whatever case. */
bool approver_is(const struct gateway *g, struct str name);

#endif
