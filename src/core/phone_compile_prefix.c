/* SPDX-License-Identifier: Apache-2.0
 * phone_compile_prefix.c - prefixes of international numbers and what each stands for, to a table of prefixes: the compiler's third part.
 *
 * Lines become a tree over digits; from its deepest nodes up, equal ones become one. Where nothing goes on behind a prefix, the reference is the
 * string itself. An empty string is one too: it hides what shorter prefixes say. It refuses prefixes said twice, without digits
 * or with more than an international number has. */
#include "base/digest.h"
#include "core/phone_compile_impl.h"

#define PREFIX_MAX 15
#define NODES_MAX  (1u << 20)
#define REFS       0x10000u /* strings have lower references while nodes are numbered from here */

struct branch {
    uint32_t next[11]; /* while the tree grows: branch + 1; then references. The last: of the string */
};

struct prefixes {
    struct tables *t;
    const char *file;
    struct buf tree, node, slot, *names;
    uint32_t nodes, slots;
};

static struct branch *branch_at(const struct prefixes *p, uint32_t i)
{
    return (struct branch *)(void *)p->tree.data + i;
}

static uint32_t grow_branch(struct prefixes *p)
{
    struct branch b = {0};
    buf_put(&p->tree, &b, sizeof b);
    return (uint32_t)(p->tree.len / sizeof b) - 1;
}

/* The string as a reference: its row, from 1. */
static uint32_t name_ref(struct prefixes *p, struct str name)
{
    uint32_t at = tables_text(p->t, name), rows = (uint32_t)(p->names->len / sizeof at);
    const uint32_t *row = (const uint32_t *)(const void *)p->names->data;
    for (uint32_t i = rows; i-- > 1;)
        if (row[i] == at)
            return i;
    buf_put(p->names, &at, sizeof at);
    return rows;
}

static int add_prefix(struct prefixes *p, struct str digits, struct str name, uint32_t line, struct err *e)
{
    uint32_t at = 0;
    if (digits.n == 0 || digits.n > PREFIX_MAX)
        return err_set(e, WL_EINVAL, "%s:%u: a prefix has 1 to %d digits", p->file, line, PREFIX_MAX);
    for (size_t i = 0; i < digits.n; i++) {
        int d = digits.p[i] - '0';
        if (d < 0 || d > 9)
            return err_set(e, WL_EINVAL, "%s:%u: a prefix has digits only", p->file, line);
        uint32_t next = branch_at(p, at)->next[d];
        if (next == 0) {
            next = grow_branch(p) + 1;
            if (p->tree.failed)
                return err_set(e, WL_ETOOBIG, "%s:%u: more prefixes than there can be", p->file, line);
            branch_at(p, at)->next[d] = next;
        }
        at = next - 1;
    }
    if (branch_at(p, at)->next[10] != 0)
        return err_set(e, WL_EINVAL, "%s:%u: said before", p->file, line);
    branch_at(p, at)->next[10] = name_ref(p, name);
    return 0;
}

static uint32_t *slot_of(const struct prefixes *p, const uint32_t next[11])
{
    uint32_t *slot = (uint32_t *)(void *)p->slot.data;
    const char *nodes = p->node.data;
    uint32_t at = (uint32_t)hash64(next, 11 * sizeof *next) & (p->slots - 1);
    while (slot[at] != 0 && memcmp(nodes + (slot[at] - REFS) * 11 * sizeof *next, next, 11 * sizeof *next) != 0)
        at = (at + 1) & (p->slots - 1);
    return &slot[at];
}

/* The reference of a branch whose own references are final. */
static uint32_t fold_branch(struct prefixes *p, const struct branch *b)
{
    bool goes_on = false;
    for (int d = 0; d < 10; d++)
        goes_on = goes_on || b->next[d] != 0;
    if (!goes_on)
        return b->next[10];
    uint32_t *slot = slot_of(p, b->next);
    if (*slot == 0) {
        buf_put(&p->node, b->next, sizeof b->next);
        *slot = REFS + p->nodes++;
    }
    return *slot;
}

/* Branches were made after those they hang on, so from the last on each finds its references final. */
static uint32_t fold(struct prefixes *p)
{
    uint32_t n = (uint32_t)(p->tree.len / sizeof(struct branch)), *ref;
    p->slots = 1024;
    while (p->slots < n * 2)
        p->slots *= 2;
    if (!buf_reserve(&p->slot, p->slots * sizeof(uint32_t)))
        return 0;
    memset(p->slot.data, 0, p->slots * sizeof(uint32_t));
    struct buf refs;
    buf_init(&refs, NODES_MAX * sizeof *ref);
    uint32_t root = 0;
    if (buf_reserve(&refs, n * sizeof *ref)) {
        ref = (uint32_t *)(void *)refs.data;
        for (uint32_t i = n; i-- > 0;) {
            struct branch *b = branch_at(p, i);
            for (int d = 0; d < 10; d++)
                b->next[d] = b->next[d] ? ref[b->next[d] - 1] : 0;
            ref[i] = fold_branch(p, b);
        }
        root = ref[0];
    }
    p->tree.failed = p->tree.failed || refs.failed;
    buf_done(&refs);
    return root;
}

static int write_nodes(struct prefixes *p, struct buf *nodes, uint32_t root, uint32_t *ret_root, struct err *e)
{
    uint32_t leaves = (uint32_t)(p->names->len / sizeof(uint32_t));
    const uint32_t *next = (const uint32_t *)(const void *)p->node.data;
    if (p->tree.failed || p->node.failed || p->slot.failed || leaves + p->nodes > 0x10000)
        return err_set(e, WL_ETOOBIG, "%s: more prefixes than a table can hold", p->file);
    for (uint32_t i = 0; i < p->nodes; i++) {
        struct phone_prefix_node n;
        for (int d = 0; d < 11; d++, next++)
            n.next[d] = (uint16_t)(*next < REFS ? *next : *next - REFS + leaves);
        buf_put(nodes, &n, sizeof n);
    }
    *ret_root = root < REFS ? root : root - REFS + leaves;
    return 0;
}

int phone_compile_prefixes(struct tables *t, const struct phone_text *text, struct buf *nodes, struct buf *names,
                           uint32_t *ret_root, struct err *e)
{
    struct prefixes p = {.t = t, .file = text->name, .names = names};
    struct str rest = text->text, cell[3];
    uint32_t line = 0, none = 0;
    int n, rc = 0;
    buf_init(&p.tree, NODES_MAX * sizeof(struct branch));
    buf_init(&p.node, NODES_MAX * sizeof(struct branch));
    buf_init(&p.slot, NODES_MAX * 4 * sizeof(uint32_t));
    buf_put(names, &none, sizeof none);
    grow_branch(&p);
    while (rc == 0 && (n = phone_compile_line(text, &rest, &line, cell, 3, e)) != 0) {
        if (n < 0)
            rc = n;
        else if (n == 2)
            rc = add_prefix(&p, cell[0], cell[1], line, e);
        else if (n != 3 || !str_eq(cell[0], STR("meta")))
            rc = err_set(e, WL_EINVAL, "%s:%u: a line is a prefix and its name", p.file, line);
    }
    if (rc == 0)
        rc = write_nodes(&p, nodes, fold(&p), ret_root, e);
    buf_done(&p.tree);
    buf_done(&p.node);
    buf_done(&p.slot);
    return rc;
}
