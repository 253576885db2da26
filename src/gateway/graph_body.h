/* SPDX-License-Identifier: Apache-2.0
 * graph_body.h - one JSON object from whatever way a client put its fields on the wire.
 *
 * The Graph API takes parameters from the query, from JSON, urlencoded and multipart bodies alike. A decision must see
 * what Meta will see: fields of the query join those of the body, and a field that stands in both is refused, because
 * which of the two counts is Meta's secret. The bytes themselves are forwarded untouched. */
#ifndef WL_GATEWAY_GRAPH_BODY_H
#define WL_GATEWAY_GRAPH_BODY_H

#include "base/arena.h"
#include "base/json.h"
#include "net/form.h"

struct graph_body {
    struct json root; /* an object; valid while the parser is */
    struct str token; /* access_token of body or query, {NULL,0} when absent */
    bool files;       /* a multipart body that holds files */
    bool form;        /* the body is no JSON */
    bool merged;      /* root is put together from several places; else the body is its text */
};

/* `padded`: BUF_PADDING bytes follow the body. WL_EINVAL with the field. */
int graph_body_parse(struct arena *a, struct json_parser *parser, struct str content_type, struct str body, bool padded,
                     const struct form *query, struct graph_body *ret, struct err *e);

/* Parameters that speak about the call ("access_token", "fields"), not about what it does. */
bool graph_call_parameter(struct str name);

#endif
