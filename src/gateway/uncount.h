/* SPDX-License-Identifier: Apache-2.0
 * uncount.h - a message that reached nobody counts no more.
 *
 * Sends are counted when they are let through, so that those judged next to them see them. When it turns out that one
 * surely never left, that Meta refused it, or that it was not delivered, the person may be written to again as if it had
 * not been: the answer that invites to that is true. A message in doubt stays counted. In the writer's thread, in the
 * transaction that writes what became of the message. */
#ifndef WL_GATEWAY_UNCOUNT_H
#define WL_GATEWAY_UNCOUNT_H

#include "gateway/admit.h"

/* Once, when its row moved out of SENDING: UNSENT and REJECTED are given back, anything else is not. */
int uncount_send(struct store *s, const struct send *send, struct err *e);
/* A status that is new for this message; `before` is the message as it was until then, `seen` what the status says. */
int uncount_status(struct store *s, struct arena *a, const struct message *before, uint32_t seen, struct err *e);

#endif
