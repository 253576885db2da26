/* SPDX-License-Identifier: Apache-2.0
 * phone_compile_impl.h - what the parts of the compiler hand each other: plans as they were read, and the tables as they grow.
 *
 * The parts run in the order in which they stand here; all of them add to one struct tables, and the last one writes it out. */
#ifndef WL_CORE_PHONE_COMPILE_IMPL_H
#define WL_CORE_PHONE_COMPILE_IMPL_H

#include "base/arena.h"
#include "core/phone_compile.h"
#include "core/phone_graph.h"
#include "core/phone_regex.h"
#include "core/phone_unfold.h"

#define AREAS_MAX   1000
#define SOURCES_MAX 32

enum { DESC_GENERAL = 0, DESCS = PHONE_LENGTH_KINDS }; /* as PHONE_LENGTH_KINDS: a type is at 1 + type */

struct desc {                 /* one kind of number of a region */
    struct str pattern;       /* "": matches nothing */
    uint32_t possible, local; /* lengths, a bit each */
    bool any_length;          /* its lengths are not stated, so they are not asked */
    struct str example;
    uint32_t line; /* 0: the region has none of the kind */
};

struct form { /* a way to write numbers */
    struct form *next;
    struct str pattern, format, leading, rule;
    unsigned order;
    uint32_t line;
};

struct area { /* a region, or a non-geographic entity */
    char id[4];
    uint16_t code;
    bool main, portable, nobodys;
    uint32_t line; /* its first */
    struct str leading, idd, idd_preferred, prefix, prefix_parse, transform, extension;
    uint32_t leading_line, idd_line, prefix_line;
    struct desc desc[DESCS];
    struct form *format, *intl; /* in order */
};

struct plans {
    struct arena *arena;
    struct area *area; /* sorted: by id, "001" last, by code */
    uint32_t areas;
    struct str name, source[SOURCES_MAX];
    uint32_t sources, unicode, released; /* days */
};

/* Strings of the file, each once. */
struct text_pool {
    struct buf text, slot;
    uint32_t strings, slots;
    bool failed;
};

struct tables {
    const struct plans *plans;
    const char *file; /* for complaints about patterns */
    struct phone_graph graph;
    struct phone_unfold unfold;
    struct text_pool pool;
    struct buf steps; /* of the pattern in hand */
    /* What becomes sections. Rows of roots hold references of graph, 18 each. */
    struct buf root, plan, region, lengths, mask, program, layout, example;
    struct buf zone_node, zone_name, carrier_node, carrier_name, source;
    uint32_t zone_root, carrier_root;
};

/* Leaves of the graph: answers about kind and region, and answers about layout. Never in one graph. */
#define LEAF_KIND(region, type, flags) ((uint32_t)(region) << 5 | (uint32_t)(type) << 1 | (uint32_t)(flags))
#define LEAF_REGION(leaf)              ((uint16_t)((leaf) >> 5))
#define LEAF_TYPE(leaf)                ((uint8_t)((leaf) >> 1 & 15))
#define LEAF_LAYOUT                    0x8000u /* and the row of layout */

/* phone_compile_read.c */
int phone_compile_read(struct plans *p, const struct phone_text *numbers, struct err *e);
/* The "meta source" lines of another file, behind what p has. */
int phone_compile_read_sources(struct plans *p, const struct phone_text *t, struct err *e);
/* The next line that says something, cut into its columns; 0 at the end. *line counts. WL_EINVAL: more than `max` columns. */
int phone_compile_line(const struct phone_text *t, struct str *rest, uint32_t *line, struct str *cell, int max,
                       struct err *e);

/* phone_compile_kind.c: PLAN, REGION, and the roots of both for kinds */
int phone_compile_kinds(struct tables *t, struct err *e);
/* phone_compile_layout.c: LAYOUT, and the roots of plans for layouts */
int phone_compile_layouts(struct tables *t, struct err *e);
/* phone_compile_prefix.c: a table of prefixes and its strings */
int phone_compile_prefixes(struct tables *t, const struct phone_text *text, struct buf *nodes, struct buf *names,
                           uint32_t *ret_root, struct err *e);
/* phone_compile_write.c */
int phone_compile_write(struct tables *t, struct buf *out, struct err *e);

/* Shared by them. A pattern's graphs, and complaints that name file and line. */
int tables_pattern(struct tables *t, struct str pattern, uint32_t line, enum phone_unfold_how how,
                   phone_unfold_leaf leaf, void *context, struct err *e);
int tables_full(const struct tables *t, struct err *e);
uint32_t tables_text(struct tables *t, struct str s); /* offset in TEXT */
/* The row of root with these references, an old one if there is one. */
uint16_t tables_root(struct tables *t, const phone_ref root[PHONE_ROOTS]);
uint32_t tables_program(struct tables *t, const struct buf *steps); /* the same */

void text_pool_init(struct text_pool *p);
void text_pool_done(struct text_pool *p);

#endif
