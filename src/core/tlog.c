/* SPDX-License-Identifier: Apache-2.0
 * tlog.c - the tree of RFC 6962 (and 9162), over tiles.
 *
 * A node is named by its level and its index in it: (0, i) is the hash of leaf i, (h, i) stands for the leaves from i * 2^h on.
 * Every hash anybody asks for is the root of a range of leaves that begins where such a subtree does; a range is a few whole
 * nodes, the largest first, folded from the right. So a proof is planned first (which nodes), then all nodes are taken
 * from the tiles, each tile read once, and then the plan is folded. At most one range of a proof is at the right edge of the tree and
 * is more than one node, so a plan has no more than 62 + 62 of them.
 *
 * A tile is eight levels: its own hashes and, by hashing, the seven above them. Node (h, i) lies in a tile of level h / 8.
 * Whether what the reader gives is true is not asked here: a proof of wrong hashes does not check. */
#include "core/tlog.h"

#define PLAN_MAX (2 * TLOG_EDGE_MAX + 4)

static const int64_t size_max = (INT64_C(1) << TLOG_EDGE_MAX) - 1;

struct node {
    int level;
    int64_t index;
    bool known; /* its hash */
};

struct plan {
    int n_nodes, n_ranges;
    int end[TLOG_PROOF_MAX]; /* of each range, in nodes */
    struct node node[PLAN_MAX];
    struct tlog_hash hash[PLAN_MAX];
};

void tlog_leaf_hash(const void *entry, size_t n, struct tlog_hash *ret)
{
    uint8_t whole[1024];
    whole[0] = 0;
    if (n < sizeof whole) {
        memcpy(whole + 1, n > 0 ? entry : "", n);
        sha256(whole, n + 1, ret->b);
        return;
    }
    struct sha256_state *s = sha256_begin();
    sha256_add(s, whole, 1);
    sha256_add(s, entry, n);
    sha256_end(s, ret->b);
}

void tlog_node_hash(const struct tlog_hash *left, const struct tlog_hash *right, struct tlog_hash *ret)
{
    uint8_t both[1 + 2 * SHA256_BYTES];
    both[0] = 1;
    memcpy(both + 1, left->b, SHA256_BYTES);
    memcpy(both + 1 + SHA256_BYTES, right->b, SHA256_BYTES);
    sha256(both, sizeof both, ret->b);
}

/* --- a tree that grows --------------------------------------------------------------------------------------------- */

void tlog_append(struct tlog_tree *t, const struct tlog_hash *leaf)
{
    struct tlog_hash h = *leaf;
    for (int64_t full = t->size; full & 1; full >>= 1)
        tlog_node_hash(&t->edge[--t->n_edge], &h, &h);
    t->edge[t->n_edge++] = h;
    t->size++;
}

/* The root over whole nodes, the largest first; n > 0. */
static void fold(const struct tlog_hash *h, int n, struct tlog_hash *ret)
{
    struct tlog_hash root = h[n - 1];
    for (int i = n - 2; i >= 0; i--)
        tlog_node_hash(&h[i], &root, &root);
    *ret = root;
}

void tlog_root(const struct tlog_tree *t, struct tlog_hash *ret)
{
    if (t->n_edge == 0)
        sha256("", 0, ret->b);
    else
        fold(t->edge, t->n_edge, ret);
}

/* --- tiles --------------------------------------------------------------------------------------------------------- */

static char *put(char *at, const char *z)
{
    size_t n = strlen(z);
    memcpy(at, z, n + 1);
    return at + n;
}

static char *put_number(char *at, int64_t v, int digits)
{
    int64_t unit = 1;
    for (int i = 1; i < digits || v / unit >= 10; i++)
        unit *= 10;
    for (; unit > 0; unit /= 10)
        *at++ = (char)('0' + v / unit % 10);
    *at = '\0';
    return at;
}

void tlog_tile_path(const struct tlog_tile *t, bool entries, char ret[TLOG_PATH_MAX])
{
    char *at = put(ret, entries ? "tile/entries" : "tile/");
    if (!entries)
        at = put_number(at, t->level, 1);
    int64_t unit = 1;
    while (t->n / unit >= 1000)
        unit *= 1000;
    for (; unit > 1; unit /= 1000)
        at = put_number(put(at, "/x"), t->n / unit % 1000, 3);
    at = put_number(put(at, "/"), t->n % 1000, 3);
    if (t->width < TLOG_TILE)
        put_number(put(at, ".p/"), t->width, 1);
}

static int tile_level(const struct node *n)
{
    return n->level / 8;
}

/* Which of its level's tiles the node lies in: 256 hashes are 2^(8 - level % 8) nodes. */
static int64_t tile_of(const struct node *n)
{
    return n->index >> (8 - n->level % 8);
}

/* The node from its tile: 2^(level % 8) neighbouring hashes, paired until one is left. */
static void take(const struct tlog_hash tile[TLOG_TILE], struct node *n, struct tlog_hash *ret)
{
    struct tlog_hash h[TLOG_TILE / 2];
    int up = n->level % 8, at = (int)((n->index << up) & (TLOG_TILE - 1));
    memcpy(h, tile + at, sizeof h[0] << up);
    for (int count = 1 << up; count > 1; count /= 2)
        for (int i = 0; i < count / 2; i++)
            tlog_node_hash(&h[2 * i], &h[2 * i + 1], &h[i]);
    *ret = h[0];
    n->known = true;
}

/* Takes all nodes of the plan from the tiles of a tree of `size`. */
static int gather(struct plan *p, int64_t size, tlog_reader *read, void *ctx, struct err *e)
{
    struct tlog_hash hash[TLOG_TILE];
    for (int i = 0; i < p->n_nodes; i++) {
        const struct node *first = &p->node[i];
        if (first->known)
            continue;
        struct tlog_tile tile = {.level = tile_level(first), .n = tile_of(first), .width = TLOG_TILE};
        int64_t there = (size >> (8 * tile.level)) - tile.n * TLOG_TILE;
        if (there < TLOG_TILE)
            tile.width = (int)there;
        int rc = read(ctx, &tile, hash, e);
        if (rc != 0)
            return rc;
        for (int k = i; k < p->n_nodes; k++)
            if (tile_level(&p->node[k]) == tile.level && tile_of(&p->node[k]) == tile.n)
                take(hash, &p->node[k], &p->hash[k]);
    }
    return 0;
}

/* --- plans --------------------------------------------------------------------------------------------------------- */

/* The level of the largest whole subtree that begins at 0 and has at most n leaves; n > 0. */
static int level_in(int64_t n)
{
    return 63 - __builtin_clzll((unsigned long long)n);
}

/* RFC 6962's k: the largest power of two smaller than n; n > 1. */
static int64_t split(int64_t n)
{
    return INT64_C(1) << level_in(n - 1);
}

/* Leaves lo..hi-1, where lo is a multiple of a power of two that is not less than hi - lo, or the right part of such a range. */
static void plan_range(struct plan *p, int64_t lo, int64_t hi)
{
    while (lo < hi) {
        int level = level_in(hi - lo);
        p->node[p->n_nodes++] = (struct node){.level = level, .index = lo >> level};
        lo += INT64_C(1) << level;
    }
    p->end[p->n_ranges++] = p->n_nodes;
}

static void plan_inclusion(struct plan *p, int64_t index, int64_t size)
{
    int64_t lo = 0, hi = size, other[TLOG_PROOF_MAX][2];
    int n = 0;
    while (hi - lo > 1) {
        int64_t mid = lo + split(hi - lo);
        bool left = index < mid;
        other[n][0] = left ? mid : lo;
        other[n++][1] = left ? hi : mid;
        *(left ? &hi : &lo) = mid;
    }
    while (n-- > 0) /* the leaf's sibling comes first */
        plan_range(p, other[n][0], other[n][1]);
}

/* 0 < old < size. */
static void plan_consistency(struct plan *p, int64_t old, int64_t size)
{
    int64_t lo = 0, hi = size, other[TLOG_PROOF_MAX][2];
    int n = 0;
    while (old < hi) {
        int64_t mid = lo + split(hi - lo);
        bool left = old <= mid;
        other[n][0] = left ? mid : lo;
        other[n++][1] = left ? hi : mid;
        *(left ? &hi : &lo) = mid;
    }
    if (lo > 0) /* a part of the old tree that is not all of it */
        plan_range(p, lo, hi);
    while (n-- > 0)
        plan_range(p, other[n][0], other[n][1]);
}

static int carry_out(struct plan *p, int64_t size, tlog_reader *read, void *ctx, struct tlog_hash *ret, size_t *ret_n,
                     struct err *e)
{
    int rc = gather(p, size, read, ctx, e);
    if (rc != 0)
        return rc;
    for (int i = 0, from = 0; i < p->n_ranges; from = p->end[i++])
        fold(&p->hash[from], p->end[i] - from, &ret[i]);
    *ret_n = (size_t)p->n_ranges;
    return 0;
}

int tlog_open(int64_t size, tlog_reader *read, void *ctx, struct tlog_tree *ret, struct err *e)
{
    if (size < 0 || size > size_max)
        return err_set(e, WL_EINVAL, "no tree has %lld leaves", (long long)size);
    struct plan p = {.n_nodes = 0};
    plan_range(&p, 0, size);
    int rc = gather(&p, size, read, ctx, e);
    if (rc != 0)
        return rc;
    memset(ret, 0, sizeof *ret);
    ret->size = size;
    ret->n_edge = p.n_nodes;
    memcpy(ret->edge, p.hash, sizeof p.hash[0] * (size_t)p.n_nodes);
    return 0;
}

int tlog_prove_inclusion(int64_t index, int64_t size, tlog_reader *read, void *ctx,
                         struct tlog_hash ret[TLOG_PROOF_MAX], size_t *ret_n, struct err *e)
{
    if (index < 0 || index >= size || size > size_max)
        return err_set(e, WL_EINVAL, "there is no leaf %lld in a tree of %lld", (long long)index, (long long)size);
    struct plan p = {.n_nodes = 0};
    plan_inclusion(&p, index, size);
    return carry_out(&p, size, read, ctx, ret, ret_n, e);
}

int tlog_prove_consistency(int64_t old, int64_t size, tlog_reader *read, void *ctx,
                           struct tlog_hash ret[TLOG_PROOF_MAX], size_t *ret_n, struct err *e)
{
    if (old < 0 || old > size || size > size_max)
        return err_set(e, WL_EINVAL, "a tree of %lld does not grow to one of %lld", (long long)old, (long long)size);
    struct plan p = {.n_nodes = 0};
    if (old > 0 && old < size)
        plan_consistency(&p, old, size);
    return carry_out(&p, size, read, ctx, ret, ret_n, e);
}

/* --- checking (RFC 9162, 2.1.3.2 and 2.1.4.2) ---------------------------------------------------------------------- */

static bool same(const struct tlog_hash *a, const struct tlog_hash *b)
{
    return memcmp(a->b, b->b, sizeof a->b) == 0;
}

bool tlog_check_inclusion(int64_t index, int64_t size, const struct tlog_hash *leaf, const struct tlog_hash *proof,
                          size_t n, const struct tlog_hash *root)
{
    if (index < 0 || index >= size || size > size_max)
        return false;
    int64_t at = index, last = size - 1;
    struct tlog_hash h = *leaf;
    for (size_t i = 0; i < n; i++) {
        if (last == 0)
            return false;
        if ((at & 1) != 0 || at == last) {
            tlog_node_hash(&proof[i], &h, &h);
            for (; (at & 1) == 0 && at != 0; last >>= 1)
                at >>= 1; /* at the right edge, levels where there is nobody to pair with */
        } else {
            tlog_node_hash(&h, &proof[i], &h);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && same(&h, root);
}

/* 0 < old < size: works out both roots from the proof. */
static bool grows(int64_t old, int64_t size, const struct tlog_hash *old_root, const struct tlog_hash *root,
                  const struct tlog_hash *proof, size_t n)
{
    int64_t at = old - 1, last = size - 1;
    for (; at & 1; at >>= 1)
        last >>= 1;
    /* An old tree of a power of two leaves is itself the first node, and is not repeated. */
    size_t i = at == 0 ? 0 : 1;
    if (n < i)
        return false;
    struct tlog_hash was = i == 0 ? *old_root : proof[0], is = was;
    for (; i < n; i++) {
        if (last == 0)
            return false;
        if ((at & 1) != 0 || at == last) {
            tlog_node_hash(&proof[i], &was, &was);
            tlog_node_hash(&proof[i], &is, &is);
            for (; (at & 1) == 0 && at != 0; last >>= 1)
                at >>= 1;
        } else {
            tlog_node_hash(&is, &proof[i], &is);
        }
        at >>= 1;
        last >>= 1;
    }
    return last == 0 && same(&was, old_root) && same(&is, root);
}

bool tlog_check_consistency(int64_t old, int64_t size, const struct tlog_hash *old_root, const struct tlog_hash *root,
                            const struct tlog_hash *proof, size_t n)
{
    static const struct tlog_tree empty;
    struct tlog_hash none;
    if (old < 0 || old > size || size > size_max)
        return false;
    tlog_root(&empty, &none);
    if (old == 0)
        return n == 0 && same(old_root, &none) && (size > 0 || same(root, &none));
    if (old == size)
        return n == 0 && same(old_root, root);
    return grows(old, size, old_root, root, proof, n);
}
