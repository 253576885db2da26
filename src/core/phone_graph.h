/* SPDX-License-Identifier: Apache-2.0
 * phone_graph.h - decision graphs over digits while they are made: every distinct question once, and graphs joined to one.
 *
 * A reference below PHONE_GRAPH_LEAVES is an answer, any other a node of ten references, one for each next digit. All paths below a node have the same
 * length or end early in an answer, so graphs for numbers of the same length can be laid over each other. */
#ifndef WL_CORE_PHONE_GRAPH_H
#define WL_CORE_PHONE_GRAPH_H

#include "base/buf.h"

#define PHONE_GRAPH_LEAVES 0x10000u
#define PHONE_GRAPH_MAX    (1u << 20) /* nodes */

typedef uint32_t phone_ref;

struct phone_graph_node {
    phone_ref next[10];
};

struct phone_graph {
    struct buf node, slot, memo; /* nodes; where each is found; joins of the round */
    uint32_t nodes, slots, memos, memo_used, round;
    bool failed; /* sticky: PHONE_GRAPH_MAX or memory was exceeded, and every answer since is 0 */
};

void phone_graph_init(struct phone_graph *g);
void phone_graph_done(struct phone_graph *g);

static inline bool phone_graph_is_leaf(phone_ref r)
{
    return r < PHONE_GRAPH_LEAVES;
}
static inline const struct phone_graph_node *phone_graph_at(const struct phone_graph *g, phone_ref r)
{
    return (const struct phone_graph_node *)(const void *)g->node.data + (r - PHONE_GRAPH_LEAVES);
}

/* The node with these references; their own answer where all ten have the same. Always above what it refers to. */
phone_ref phone_graph_node(struct phone_graph *g, const phone_ref next[10]);

/* The graph that answers leaf(a's answer, b's answer) for every number. */
typedef phone_ref (*phone_graph_leaf)(const void *context, phone_ref a, phone_ref b);
phone_ref phone_graph_join(struct phone_graph *g, phone_ref a, phone_ref b, phone_graph_leaf leaf, const void *context);

#endif
