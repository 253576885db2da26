/* SPDX-License-Identifier: Apache-2.0
 * graph_path.h - what a request to the Graph API is about, read from its line alone.
 *
 * The Graph API is forgiving about how a path is written, so this reading is too: percent escapes, doubled and
 * trailing slashes, dot segments, letter case, a `method` override in the query, with and without version. A send
 * must be recognised however it is spelled, or the gateway is bypassed. The raw bytes are what is forwarded. */
#ifndef WL_GATEWAY_GRAPH_PATH_H
#define WL_GATEWAY_GRAPH_PATH_H

#include "base/arena.h"
#include "core/intent.h"
#include "net/form.h"

#define GRAPH_SEGMENTS_MAX 16

enum graph_kind {
    GRAPH_OTHER, /* passed through */
    GRAPH_SEND,  /* /{number}/messages and its kin: judged */
    GRAPH_ROOT,  /* "/" or "/v23.0": may carry a batch */
};

struct graph_path {
    struct str method;                      /* in force: the override of the query where given, upper case */
    struct str version;                     /* "v23.0", {NULL,0} when absent */
    struct str segment[GRAPH_SEGMENTS_MAX]; /* decoded, without the version */
    size_t n;
    struct form query; /* decoded */
    enum graph_kind kind;
    enum intent_path send_path; /* GRAPH_SEND */
    int64_t node;               /* of /{node}/{edge} as a number, 0 otherwise */
};

/* WL_EINVAL names a broken escape or a path too deep to be one of Meta's. */
int graph_path_parse(struct arena *a, struct str method, struct str path, struct str query, struct graph_path *ret,
                     struct err *e);

#endif
