/* SPDX-License-Identifier: Apache-2.0
 * graph_error.h - refusals in Meta's own words and shape.
 *
 * Clients know {"error":{"message","type","code","error_data":{"details"},"fbtrace_id"}} and nothing else: some call
 * string functions on `message`, one returns `error` as if it were the result (docs/platform.md §7.4). What is ours goes into
 * error_data beside `details`, where unknown keys hurt nobody. */
#ifndef WL_GATEWAY_GRAPH_ERROR_H
#define WL_GATEWAY_GRAPH_ERROR_H

#include "core/decide.h"
#include "net/http_server.h"

struct graph_error {
    int status;          /* HTTP */
    int code;            /* Graph */
    const char *type;    /* NULL: OAuthException */
    const char *message; /* without "(#code) ", which is added */
    const char *details; /* NULL: message */
    bool transient;
    const char *message_id; /* our id, NULL when nothing was recorded */
};

/* The body alone, for batch parts. `decision` may be NULL. */
void graph_error_body(struct buf *out, const struct graph_error *err, const struct decision *d,
                      const struct ruleset *rs, const struct facts *f);
void graph_error_reply(struct http_req *rq, const struct graph_error *err);
/* A refusal by rule: 400, the main finding's code, every finding in error_data.wayleave; Retry-After when held. */
void graph_refusal_reply(struct http_req *rq, const struct decision *d, const struct ruleset *rs, const struct facts *f,
                         const char *message_id, int64_t now);
/* Seconds, at least one, after which a held message may be tried again. */
int64_t graph_retry_after(const struct decision *d, int64_t now);
void graph_refusal_body(struct buf *out, const struct decision *d, const struct ruleset *rs, const struct facts *f,
                        const char *message_id);
/* 400/413/429/503 for what went wrong on our side of the wire, from a WL_E* code and its sentence. */
void graph_problem_reply(struct http_req *rq, const struct err *e);

#endif
