/* SPDX-License-Identifier: Apache-2.0
 * own_message.h - a message the gateway sends by itself, through the one door like any other.
 *
 * It is judged, taken into the outbox, and sent with the token kept for its number. The key makes it one message however often
 * it is submitted. */
#ifndef WL_GATEWAY_OWN_MESSAGE_H
#define WL_GATEWAY_OWN_MESSAGE_H

#include "core/decide.h"
#include "core/identity.h"
#include "store/messages.h"

struct gateway;

struct own_message {
    int64_t sender;  /* phone number id */
    struct str body; /* Graph body; copied */
    struct str key;  /* idempotency key; copied */
    int64_t expires; /* ms; 0 never */
};
/* What became of it: rc 0 and taken: its message waits in the outbox (or did before). rc 0 and not taken: `rule` refused it, and
 * `until`, where it is not 0, is when it may be tried again. rc < 0: nothing is known, try again later; WL_EINVAL: never. */
struct own_message_fate {
    int rc;
    bool taken;
    int bucket;
    int64_t msg;
    char rule[64];
    int64_t until;
    struct err err;
};
typedef void own_message_told(void *ctx, const struct own_message_fate *fate);
/* told() is called once, on any thread and perhaps before this returns, unless an error is returned. */
int own_message_submit(struct gateway *g, const struct own_message *m, own_message_told *told, void *ctx,
                       struct err *e);

#endif
