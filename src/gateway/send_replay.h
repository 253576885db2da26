/* SPDX-License-Identifier: Apache-2.0
 * send_replay.h - answers in the Graph API's shape that Meta did not give: a message taken into the outbox, and a message
 * asked for again under its key.
 *
 * Clients behind the drop-in face read what they read from Meta; what is ours stands in headers. */
#ifndef WL_GATEWAY_SEND_REPLAY_H
#define WL_GATEWAY_SEND_REPLAY_H

#include "core/intent.h"
#include "net/http_server.h"
#include "store/messages.h"

/* Taken into the outbox: answered like Meta's own pacing, with our id. */
void replay_held(struct http_req *rq, const struct intent *it, const struct message *m);
/* What became of the message that was sent under this key first. */
void replay_reply(struct http_req *rq, const struct intent *it, const struct message *m);
/* The key stands for another message, this one: 422. */
void replay_conflict(struct http_req *rq, const struct message *m);

#endif
