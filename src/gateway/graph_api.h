/* SPDX-License-Identifier: Apache-2.0
 * graph_api.h - the drop-in face: what graph_api.c shares with batch and pass-through.
 *
 * A request whose path names a send edge or may carry a batch is collected and judged; every other request goes on as it
 * came. Each of these functions answers its request exactly once, at once or later. */
#ifndef WL_GATEWAY_GRAPH_API_H
#define WL_GATEWAY_GRAPH_API_H

#include "gateway/gateway_impl.h"
#include "gateway/graph_path.h"

/* Says which category the caller counts on, so that a template Meta moved to a dearer one is not sent unseen. */
#define CATEGORY_HEADER "Wayleave-Category"

/* Makes sure that the token may speak for the number and that templates are known where the intent needs them, then
 * calls ready() on any thread: ok, or the answer to give. `relist`: read the template list again. WL_EBUSY. */
struct greeting {
    void (*ready)(struct greeting *gr, bool ok, int status, struct str body);
    void *user;
    void *internal;
};
int graph_greet(struct gateway *g, struct greeting *gr, int64_t sender, struct str token, struct str version,
                bool relist, struct err *e);
/* The answer to a caller whose token was not accepted: Meta's own words where there are some. */
void graph_not_introduced(struct http_req *rq, int status, struct str body);

/* Where a message of ours is posted, with the version of the API we write for; NULL: no room. */
char *graph_send_url(struct arena *a, const struct gateway *g, int64_t sender, enum intent_path path);

/* A compressed body cannot be judged: WL_EINVAL when the request has one. */
int graph_refuse_encoded(const struct http_req *rq, struct err *e);

void graph_batch_begin(struct gateway *g, struct http_req *rq, const struct graph_path *path); /* graph_batch.c */
void passthrough_begin(struct gateway *g, struct http_req *rq, const struct graph_path *path); /* passthrough.c */
/* The collected body goes on as it is. */
void passthrough_collected(struct gateway *g, struct http_req *rq, const struct graph_path *path);

#endif
