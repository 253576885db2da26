/* SPDX-License-Identifier: Apache-2.0
 * relay.h - what of a request goes on to Meta, and what of Meta's answer goes back.
 *
 * Bytes of bodies are never touched here. Headers that belong to one connection only are left out on either side, and
 * so is Accept-Encoding: answers that must be read have to arrive readable. */
#ifndef WL_GATEWAY_RELAY_H
#define WL_GATEWAY_RELAY_H

#include "gateway/gateway_impl.h"
#include "store/messages.h"

/* Fills method, url, headers and time-out of a call that carries rq to the upstream; body is the caller's to set.
 * Everything lives in rq's arena. WL_ETOOBIG. */
int relay_request(struct gateway *g, struct http_req *rq, struct http_call *call, struct err *e);

/* The token of the Authorization header ("Bearer x", "OAuth x"), {NULL,0} when absent. */
struct str relay_token(const struct http_req *rq);

/* The answer's headers without those of the connection, plus `extra` when its name is not NULL. In the arena. */
struct http_header *relay_answer_headers(struct arena *a, const struct http_call *call, struct http_header extra,
                                         size_t *ret_n);

/* Gives the finished call's answer to the client, or says what became of the call when there is none. message_id NULL:
 * not a send. Frees the call's results. */
void relay_answer(struct http_req *rq, struct http_call *call, const char *message_id);
/* The same for a send with this outcome: an ambiguous one whose answer explains nothing is explained by us. */
void relay_send_answer(struct http_req *rq, struct http_call *call, enum life_state outcome, const char *message_id);
/* The error body for a message whose call got no answer; returns the HTTP status that goes with it. */
int relay_no_answer_body(struct buf *out, const struct http_call *call, const char *message_id);

#endif
