/* SPDX-License-Identifier: Apache-2.0
 * audiences.h - the owner of the read model segments are answered over: built when somebody asks, kept while it is fresh.
 *
 * A build reads all people through a connection of its own, in short transactions. It is as old as its `at` says; an answer says so. Older than a
 * second and than twenty times what the last build took, it is built anew before it is used; whoever wants it fresh (a campaign's check) waits for a build that began after they
 * asked. */
#ifndef WL_GATEWAY_AUDIENCES_H
#define WL_GATEWAY_AUDIENCES_H

#include "core/audience.h"
#include "gateway/gateway_impl.h"

struct audiences;
int audiences_start(struct audiences **ret, struct gateway *g, struct err *e);
void audiences_stop(struct audiences *a); /* waiting borrowers get WL_EBUSY; accepts NULL */
void audiences_free(struct audiences *a);
/* Waits while it is built. audience_return() it. fresh: built after this call began. */
int audience_borrow(struct audiences *a, bool fresh, const struct audience **ret, struct err *e);
void audience_return(struct audiences *a, const struct audience *au);

#endif
