/* SPDX-License-Identifier: Apache-2.0
 * graph_path.h - what a request to the Graph API is about, read from its line alone.
 *
 * The Graph API is forgiving about how a path is written, so this reading is too: percent escapes, doubled and
 * trailing slashes, dot segments, letter case, a `method` override in the query, with and without version. A send
 * must be recognised however it is spelled, or the gateway is bypassed; what could be read as a send and as something
 * else is refused. What cannot be a send is never refused here. The raw bytes are what is forwarded. */
#ifndef WL_GATEWAY_GRAPH_PATH_H
#define WL_GATEWAY_GRAPH_PATH_H

#include "base/arena.h"
#include "core/intent.h"
#include "net/form.h"

#define GRAPH_SEGMENTS_MAX 16

enum graph_kind {
    GRAPH_OTHER, /* passed through */
    GRAPH_SEND,  /* /{number}/messages and its kin: judged */
    GRAPH_EDGE,  /* the same path, only read (GET, HEAD, DELETE): passed through, but never with a body */
    GRAPH_ROOT,  /* "/" or "/v23.0", written to or with a batch in the query */
};

struct graph_path {
    struct str version;                     /* "v23.0", {NULL,0} when absent */
    struct str segment[GRAPH_SEGMENTS_MAX]; /* decoded, without the version */
    size_t n;
    bool writes;       /* the method, or an override of it in the query, is none of GET, HEAD, DELETE */
    struct form query; /* decoded */
    enum graph_kind kind;
    enum intent_path send_path; /* GRAPH_SEND, GRAPH_EDGE */
    int64_t node;               /* of /{node}/{edge} as a number, 0 otherwise */
};

/* WL_EINVAL: it may be a send, and may be read in more than one way; the sentence says how. */
int graph_path_parse(struct arena *a, struct str method, struct str path, struct str query, struct graph_path *ret,
                     struct err *e);

/* A field that decides about a message or about the call itself ("to", "batch", "method" ...). */
bool graph_deciding_field(struct str name);
/* False for a spelling that some servers fold into a deciding field: " to", "recipient.type", "batch[0]", "to\0x". */
bool graph_plain_name(struct str name);

#endif
