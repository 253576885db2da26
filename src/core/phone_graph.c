/* SPDX-License-Identifier: Apache-2.0
 * phone_graph.c - decision graphs with every node once, and their join.
 *
 * Nodes are found by their ten references in an open table, so equal sub-questions become one node by themselves. A join walks two graphs at once and
 * remembers each pair it met, so its work is the number of pairs, not of numbers. Pairs are forgotten with the next join by counting
 * rounds. Nothing is ever removed: what no root leads to in the end is left behind by the writer. */
#include "core/phone_graph.h"

#define NODES_BYTES ((size_t)PHONE_GRAPH_MAX * sizeof(struct phone_graph_node))
#define FIRST_SLOTS 4096u

struct memo {
    phone_ref a, b, result;
    uint32_t round;
};

void phone_graph_init(struct phone_graph *g)
{
    memset(g, 0, sizeof *g);
    buf_init(&g->node, NODES_BYTES + sizeof(struct phone_graph_node));
    buf_init(&g->slot, (size_t)PHONE_GRAPH_MAX * 4 * sizeof(uint32_t));
    buf_init(&g->memo, (size_t)PHONE_GRAPH_MAX * 4 * sizeof(struct memo));
}

void phone_graph_done(struct phone_graph *g)
{
    buf_done(&g->node);
    buf_done(&g->slot);
    buf_done(&g->memo);
}

static phone_ref fail(struct phone_graph *g)
{
    g->failed = true;
    return 0;
}

/* A table of `count` rows of zeroes in place of what the buffer held. */
static bool table(struct buf *b, uint32_t count, size_t each)
{
    buf_clear(b);
    if (!buf_reserve(b, count * each))
        return false;
    b->len = count * each;
    memset(b->data, 0, b->len);
    return true;
}

static uint32_t mix(uint64_t h)
{
    h ^= h >> 32;
    h *= 0x9e3779b97f4a7c15u;
    return (uint32_t)(h >> 32);
}

static uint32_t node_hash(const phone_ref next[10])
{
    uint64_t h = 0;
    for (int d = 0; d < 10; d += 2)
        h = (h ^ (next[d] | (uint64_t)next[d + 1] << 32)) * 0xd6e8feb86659fd93u + (h >> 29);
    return mix(h);
}

static uint32_t *slot_of(const struct phone_graph *g, const phone_ref next[10])
{
    uint32_t *slot = (uint32_t *)(void *)g->slot.data, at = node_hash(next) & (g->slots - 1);
    while (slot[at] != 0 && memcmp(phone_graph_at(g, slot[at])->next, next, sizeof(struct phone_graph_node)) != 0)
        at = (at + 1) & (g->slots - 1);
    return &slot[at];
}

static bool more_slots(struct phone_graph *g)
{
    uint32_t slots = g->slots ? g->slots * 2 : FIRST_SLOTS;
    if (!table(&g->slot, slots, sizeof(uint32_t)))
        return false;
    g->slots = slots;
    for (uint32_t i = 0; i < g->nodes; i++) {
        phone_ref r = PHONE_GRAPH_LEAVES + i;
        *slot_of(g, phone_graph_at(g, r)->next) = r;
    }
    return true;
}

phone_ref phone_graph_node(struct phone_graph *g, const phone_ref next[10])
{
    bool same = phone_graph_is_leaf(next[0]);
    for (int d = 1; d < 10 && same; d++)
        same = next[d] == next[0];
    if (same)
        return next[0];
    if (g->failed || (g->nodes >= g->slots / 2 && !more_slots(g)))
        return fail(g);
    uint32_t *slot = slot_of(g, next);
    if (*slot == 0) {
        if (g->nodes >= PHONE_GRAPH_MAX || !buf_put(&g->node, next, sizeof(struct phone_graph_node)))
            return fail(g);
        *slot = PHONE_GRAPH_LEAVES + g->nodes++;
    }
    return *slot;
}

static struct memo *memo_of(const struct phone_graph *g, phone_ref a, phone_ref b)
{
    struct memo *m = (struct memo *)(void *)g->memo.data;
    uint32_t at = mix((a | (uint64_t)b << 32) * 0xd6e8feb86659fd93u) & (g->memos - 1);
    while (m[at].round == g->round && (m[at].a != a || m[at].b != b))
        at = (at + 1) & (g->memos - 1);
    return &m[at];
}

/* Room for one pair more. A larger table forgets the pairs so far: they are only remembered to save work. */
static bool memo_room(struct phone_graph *g)
{
    if (g->memo_used < g->memos / 2)
        return true;
    uint32_t memos = g->memos ? g->memos * 2 : FIRST_SLOTS;
    if (!table(&g->memo, memos, sizeof(struct memo)))
        return false;
    g->memos = memos;
    g->memo_used = 0;
    return true;
}

static phone_ref join(struct phone_graph *g, phone_ref a, phone_ref b, phone_graph_leaf leaf, const void *context)
{
    if (phone_graph_is_leaf(a) && phone_graph_is_leaf(b))
        return leaf(context, a, b);
    if (!memo_room(g))
        return fail(g);
    const struct memo *known = memo_of(g, a, b);
    if (known->round == g->round)
        return known->result;
    phone_ref next[10];
    for (int d = 0; d < 10 && !g->failed; d++)
        next[d] = join(g, phone_graph_is_leaf(a) ? a : phone_graph_at(g, a)->next[d],
                       phone_graph_is_leaf(b) ? b : phone_graph_at(g, b)->next[d], leaf, context);
    if (g->failed || !memo_room(g))
        return fail(g);
    phone_ref result = phone_graph_node(g, next);
    struct memo *m = memo_of(g, a, b); /* the table may have moved */
    if (m->round != g->round)
        g->memo_used++;
    *m = (struct memo){a, b, result, g->round};
    return result;
}

phone_ref phone_graph_join(struct phone_graph *g, phone_ref a, phone_ref b, phone_graph_leaf leaf, const void *context)
{
    g->round++; /* rounds begin with 1: a table of zeroes remembers nothing */
    g->memo_used = 0;
    return g->failed ? 0 : join(g, a, b, leaf, context);
}
