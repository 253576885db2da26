/* SPDX-License-Identifier: Apache-2.0
 * queued.h - one message of the outbox between its turn and the end of that turn.
 *
 * A turn ends in one of these ways: the row is no longer what it was (nothing happens), the number or its templates have
 * to be introduced first or the door is full (the row is the line's again), the door lets it wait or ends it, or it is
 * carried to Meta and its outcome is on disk. Turns that were not used are given back. */
#ifndef WL_GATEWAY_QUEUED_H
#define WL_GATEWAY_QUEUED_H

#include "gateway/dispatch_impl.h"

struct queued {
    struct queue_link link; /* among those that had their turn */
    struct queued *next_idle;
    struct dispatch *d;
    struct line *line;
    struct waiting row;
    int64_t turn_us;
    bool at_door;
    size_t bytes; /* counted of its body */

    struct send send;
    struct intent intent;
    struct arena *arena; /* of all below */
    struct str body, token;
    struct http_call call;
    struct http_header headers[2];
};

#endif
