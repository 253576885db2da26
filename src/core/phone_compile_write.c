/* SPDX-License-Identifier: Apache-2.0
 * phone_compile_write.c - the compiler's last part: what was gathered, as the bytes of phone_file.h.
 *
 * Of the graph only what a root leads to is written. Nodes keep their order, in which each stands behind what it refers to; answers get the
 * lowest references: rows of payloads, sorted, and rows of layouts. The digest is that of the file with the digest's bytes zero. */
#include "base/digest.h"
#include "core/phone_compile_impl.h"

_Static_assert(sizeof(struct phone_file_header) == 64 && sizeof(struct phone_section_row) == 16, "the file's layout");
_Static_assert(sizeof(struct phone_node) == 20 && sizeof(struct phone_prefix_node) == 22, "the file's layout");
_Static_assert(sizeof(struct phone_payload) == 4 && sizeof(struct phone_plan) == 16, "the file's layout");
_Static_assert(sizeof(struct phone_region_row) == 44 && sizeof(struct phone_lengths) == 24, "the file's layout");
_Static_assert(sizeof(struct phone_layout) == 12 && sizeof(struct phone_example) == 8, "the file's layout");
_Static_assert(sizeof(struct phone_step) == 4, "the file's layout");

struct writer {
    struct tables *t;
    struct buf *out;
    uint32_t *of_node; /* 1 + the row of a node; 0 where no root leads to it */
    uint32_t *of_leaf; /* the same of rows of payloads and layouts */
    struct buf node, root, payload, layout, code;
    uint32_t leaves, nodes;
};

/* Marks what `r` leads to; the depth is a number's length. */
static void mark(struct writer *w, phone_ref r)
{
    if (phone_graph_is_leaf(r)) {
        w->of_leaf[r] = 1;
        return;
    }
    if (w->of_node[r - PHONE_GRAPH_LEAVES] != 0)
        return;
    w->of_node[r - PHONE_GRAPH_LEAVES] = 1;
    for (int d = 0; d < 10; d++)
        mark(w, phone_graph_at(&w->t->graph, r)->next[d]);
}

static uint16_t final_ref(const struct writer *w, phone_ref r)
{
    if (!phone_graph_is_leaf(r))
        return (uint16_t)(w->leaves + w->of_node[r - PHONE_GRAPH_LEAVES] - 1);
    return (uint16_t)(w->of_leaf[r] - 1);
}

static void put_payload(struct writer *w, uint32_t leaf)
{
    struct phone_payload p = {LEAF_REGION(leaf), LEAF_TYPE(leaf), leaf & PHONE_GENERAL};
    buf_put(&w->payload, &p, sizeof p);
    w->of_leaf[leaf] = (uint32_t)(w->payload.len / sizeof p);
}

/* Row 0 of each is nobody's. */
static void write_answers(struct writer *w)
{
    const uint32_t nobody = LEAF_KIND(0, 11, 0);
    put_payload(w, nobody);
    for (uint32_t leaf = 0; leaf < LEAF_LAYOUT; leaf++)
        if (leaf != nobody && w->of_leaf[leaf] != 0)
            put_payload(w, leaf);
    const struct buf *layout = &w->t->layout;
    size_t each = sizeof(struct phone_layout);
    for (size_t i = 0; i < layout->len / each; i++) {
        if (i != 0 && w->of_leaf[LEAF_LAYOUT + i] == 0)
            continue;
        buf_put(&w->layout, layout->data + i * each, each);
        w->of_leaf[LEAF_LAYOUT + i] = (uint32_t)(w->layout.len / each);
    }
    uint32_t payloads = (uint32_t)(w->payload.len / sizeof(struct phone_payload)),
             layouts = (uint32_t)(w->layout.len / each);
    w->leaves = payloads > layouts ? payloads : layouts;
}

static int write_graph(struct writer *w, struct err *e)
{
    const struct phone_graph *g = &w->t->graph;
    const phone_ref *root = (const phone_ref *)(const void *)w->t->root.data;
    size_t roots = w->t->root.len / sizeof *root;
    for (size_t i = 0; i < roots; i++)
        mark(w, root[i]);
    write_answers(w);
    for (uint32_t i = 0; i < g->nodes; i++)
        if (w->of_node[i] != 0)
            w->of_node[i] = ++w->nodes;
    if (w->leaves + w->nodes > 0x10000)
        return err_set(e, WL_ETOOBIG, "%s: %u questions and %u answers are more than a table can hold", w->t->file,
                       w->nodes, w->leaves);
    for (uint32_t i = 0; i < g->nodes; i++) {
        struct phone_node n;
        if (w->of_node[i] == 0)
            continue;
        for (int d = 0; d < 10; d++)
            n.next[d] = final_ref(w, phone_graph_at(g, PHONE_GRAPH_LEAVES + i)->next[d]);
        buf_put(&w->node, &n, sizeof n);
    }
    for (size_t i = 0; i < roots; i++) {
        uint16_t r = final_ref(w, root[i]);
        buf_put(&w->root, &r, sizeof r);
    }
    return 0;
}

static void write_codes(struct writer *w)
{
    uint16_t code[PHONE_CODES] = {0};
    const struct phone_plan *plan = (const struct phone_plan *)(const void *)w->t->plan.data;
    for (size_t i = 1; i < w->t->plan.len / sizeof *plan; i++)
        code[plan[i].code] = (uint16_t)i;
    buf_put(&w->code, code, sizeof code);
}

static void write_sources(struct writer *w)
{
    const struct plans *p = w->t->plans;
    for (uint32_t i = 0; i < p->sources; i++) {
        uint32_t at = tables_text(w->t, p->source[i]);
        buf_put(&w->t->source, &at, sizeof at);
    }
}

static void align(struct buf *out)
{
    static const char zeroes[8];
    buf_put(out, zeroes, (8 - out->len % 8) % 8);
}

static struct phone_file_header header_of(struct writer *w)
{
    struct tables *t = w->t;
    struct phone_file_header h = {.version = PHONE_FILE_VERSION, .leaves = w->leaves};
    memcpy(h.magic, PHONE_FILE_MAGIC, sizeof h.magic);
    h.zone_root = t->zone_root;
    h.zone_leaves = (uint32_t)(t->zone_name.len / sizeof(uint32_t));
    h.carrier_root = t->carrier_root;
    h.carrier_leaves = (uint32_t)(t->carrier_name.len / sizeof(uint32_t));
    h.released = t->plans->released;
    h.unicode = t->plans->unicode;
    h.name = tables_text(t, t->plans->name);
    return h;
}

/* The sections, behind room for a header and a directory, which comes back in `row`. */
static uint16_t put_sections(struct writer *w, struct phone_section_row row[PHONE_SECTIONS])
{
    const struct tables *t = w->t;
    const struct {
        const struct buf *from;
        uint32_t id, size;
    } sections[] = {
        {&w->node, PHONE_SECTION_NODE, sizeof(struct phone_node)},
        {&w->root, PHONE_SECTION_ROOT, PHONE_ROOTS * sizeof(uint16_t)},
        {&w->payload, PHONE_SECTION_PAYLOAD, sizeof(struct phone_payload)},
        {&w->code, PHONE_SECTION_CODE, sizeof(uint16_t)},
        {&t->plan, PHONE_SECTION_PLAN, sizeof(struct phone_plan)},
        {&t->region, PHONE_SECTION_REGION, sizeof(struct phone_region_row)},
        {&t->lengths, PHONE_SECTION_LENGTH, sizeof(struct phone_lengths)},
        {&t->program, PHONE_SECTION_PROGRAM, sizeof(struct phone_step)},
        {&w->layout, PHONE_SECTION_LAYOUT, sizeof(struct phone_layout)},
        {&t->pool.text, PHONE_SECTION_TEXT, 1},
        {&t->example, PHONE_SECTION_EXAMPLE, sizeof(struct phone_example)},
        {&t->zone_node, PHONE_SECTION_ZONE_NODE, sizeof(struct phone_prefix_node)},
        {&t->zone_name, PHONE_SECTION_ZONE_NAME, sizeof(uint32_t)},
        {&t->carrier_node, PHONE_SECTION_CARRIER_NODE, sizeof(struct phone_prefix_node)},
        {&t->carrier_name, PHONE_SECTION_CARRIER_NAME, sizeof(uint32_t)},
        {&t->source, PHONE_SECTION_SOURCE, sizeof(uint32_t)},
        {&t->mask, PHONE_SECTION_MASK, sizeof(uint32_t)},
    };
    uint16_t rows = 0;
    for (size_t i = 0; i < sizeof sections / sizeof sections[0]; i++) {
        const struct buf *from = sections[i].from;
        uint32_t size = sections[i].size;
        if (from->len == 0)
            continue;
        align(w->out);
        row[rows++] =
            (struct phone_section_row){sections[i].id, (uint32_t)w->out->len, (uint32_t)(from->len / size), size};
        buf_putstr(w->out, buf_str(from));
    }
    return rows;
}

static int write_file(struct writer *w, struct err *e)
{
    struct phone_section_row row[PHONE_SECTIONS] = {{0}};
    struct phone_file_header h = header_of(w);
    uint8_t digest[SHA256_BYTES];
    int rc = tables_full(w->t, e);
    if (rc != 0)
        return rc;
    buf_put(w->out, &h, sizeof h);
    buf_put(w->out, row, sizeof row);
    h.sections = put_sections(w, row);
    align(w->out);
    if (w->out->failed || w->node.failed || w->root.failed || w->payload.failed || w->layout.failed || w->code.failed)
        return err_set(e, WL_ETOOBIG, "%s: the tables are larger than %u bytes", w->t->file, PHONE_FILE_MAX);
    h.size = (uint32_t)w->out->len;
    memcpy(w->out->data, &h, sizeof h);
    memcpy(w->out->data + sizeof h, row, sizeof row);
    sha256(w->out->data, w->out->len, digest);
    memcpy(h.digest, digest, sizeof h.digest);
    memcpy(w->out->data, &h, sizeof h);
    return 0;
}

int phone_compile_write(struct tables *t, struct buf *out, struct err *e)
{
    struct writer w = {.t = t, .out = out};
    struct buf *own[] = {&w.node, &w.root, &w.payload, &w.layout, &w.code};
    w.of_node = arena_new_array(t->plans->arena, uint32_t, t->graph.nodes + 1);
    w.of_leaf = arena_new_array(t->plans->arena, uint32_t, PHONE_GRAPH_LEAVES);
    if (w.of_node == NULL || w.of_leaf == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        buf_init(own[i], PHONE_FILE_MAX);
    buf_clear(out);
    int rc = write_graph(&w, e);
    if (rc == 0) {
        write_codes(&w);
        write_sources(&w);
        rc = write_file(&w, e);
    }
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        buf_done(own[i]);
    return rc;
}
