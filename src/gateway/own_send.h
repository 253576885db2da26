/* SPDX-License-Identifier: Apache-2.0
 * own_send.h - a message that leaves with the token the gateway keeps for its number: from its Graph body to the door.
 *
 * What our own API and the gateway itself do alike: the token is fetched, the body read, facts gathered, the number and
 * its templates introduced where that is due, and the send submitted. */
#ifndef WL_GATEWAY_OWN_SEND_H
#define WL_GATEWAY_OWN_SEND_H

#include "gateway/admit.h"
#include "gateway/graph_api.h"

struct own_send {
    /* --- given; of `send` all that a face gives, but for intent --- */
    struct send send; /* mode ACCEPT: a Graph API that cannot be reached is no reason to refuse */
    struct arena *arena;
    struct str body; /* Graph body */
    /* Instead of send.decided(), when it did not come so far. Any thread. */
    void (*failed)(struct own_send *o, const struct err *why);

    /* --- its own --- */
    struct intent intent;
    char *token;
    unsigned asked; /* see greet_next() */
    struct greeting greeting;
};

/* Fetches the token kept for the number; WL_EINVAL: there is none. */
int own_send_token(struct own_send *o, struct gateway *g, int64_t sender, struct err *e);
/* send.decided() or failed() is called once, now or later. */
void own_send_submit(struct own_send *o);
/* Wipes the token. */
void own_send_done(struct own_send *o);

#endif
