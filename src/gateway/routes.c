/* SPDX-License-Identifier: Apache-2.0
 * routes.c - which face answers a request: one table, first match wins.
 *
 * Our own paths come first; everything else belongs to the Graph API, whatever it is called. Matching is by prefix on
 * the raw path: our own clients write our paths as documented. */
#include "gateway/gateway_impl.h"
#include "gateway/graph_error.h"
#include "gateway/links.h"
#include "gateway/preference_link.h"

#define OURS "/wayleave/v1/"

struct route {
    const char *prefix;
    bool exact;
    void (*begin)(struct gateway *g, struct http_req *rq);
};

static const struct route routes[] = {
    {MEDIA_LINK_PREFIX, false, media_link_begin},
    {OURS, false, rest_api_begin},
    {PREFERENCE_PREFIX, false, preference_page_begin},
    {"/ledger/", false, ledger_public_begin},
    {"/healthz", true, metrics_begin},
    {"/readyz", true, metrics_begin},
    {"/metrics", true, metrics_begin},
};

void routes_begin(void *ctx, struct http_req *rq)
{
    struct gateway *g = ctx;
    struct str path = http_path(rq);
    metric_add(g, METRIC_REQUESTS, 1);
    if (str_eq(path, str_of(g->o.webhook_path))) {
        webhook_begin(g, rq);
        return;
    }
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        struct str prefix = str_of(routes[i].prefix);
        if (routes[i].exact ? str_eq(path, prefix) : str_starts(path, prefix)) {
            routes[i].begin(g, rq);
            return;
        }
    }
    graph_api_begin(g, rq);
}

void routes_refuse(void *ctx, struct http_req *rq, int status, const char *why)
{
    struct gateway *g = ctx;
    metric_add(g, METRIC_BAD_REQUESTS, 1);
    if (str_starts(http_path(rq), STR(OURS))) {
        rest_refuse(rq, status, why);
        return;
    }
    graph_error_reply(rq, &(struct graph_error){.status = status, .code = status == 429 ? 4 : 100, .message = why});
}
