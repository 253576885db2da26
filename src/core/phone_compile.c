/* SPDX-License-Identifier: Apache-2.0
 * phone_compile.c - the compiler from plans as text to tables: its order of work, and the tables all parts of it add to.
 *
 * Reading (phone_compile_read.c), then regions and kinds of numbers (_kind.c), then how numbers are written (_layout.c), then time zones and networks
 * (_prefix.c), all into one graph and a handful of buffers; at last the file (_write.c). Strings, programs and rows of roots are
 * kept once each, found again by what they hold. Every buffer has a maximum that the whole world's plans are far from. Nothing depends on
 * an address or a clock, so the same texts give the same bytes. */
#include "core/phone_compile_impl.h"

#include "base/digest.h"

#define ARENA_MAX   (64u << 20)
#define SECTION_MAX PHONE_FILE_MAX
#define FIRST_SLOTS 4096u

/* ---- strings ---- */

void text_pool_init(struct text_pool *p)
{
    memset(p, 0, sizeof *p);
    buf_init(&p->text, SECTION_MAX);
    buf_init(&p->slot, SECTION_MAX);
    buf_putc(&p->text, '\0');
}

void text_pool_done(struct text_pool *p)
{
    buf_done(&p->text);
    buf_done(&p->slot);
}

/* The place of s among the slots: 0 in it, or the offset of s. */
static uint32_t *pool_slot(const struct text_pool *p, struct str s)
{
    uint32_t *slot = (uint32_t *)(void *)p->slot.data, at = (uint32_t)hash64(s.p, s.n) & (p->slots - 1);
    while (slot[at] != 0 && !str_eq(s, str_of(p->text.data + slot[at])))
        at = (at + 1) & (p->slots - 1);
    return &slot[at];
}

static bool pool_grow(struct text_pool *p)
{
    uint32_t slots = p->slots ? p->slots * 2 : FIRST_SLOTS;
    buf_clear(&p->slot);
    if (!buf_reserve(&p->slot, slots * sizeof(uint32_t)))
        return false;
    p->slot.len = slots * sizeof(uint32_t);
    memset(p->slot.data, 0, p->slot.len);
    p->slots = slots;
    for (size_t at = 1; at < p->text.len; at += strlen(p->text.data + at) + 1)
        *pool_slot(p, str_of(p->text.data + at)) = (uint32_t)at;
    return true;
}

uint32_t tables_text(struct tables *t, struct str s)
{
    struct text_pool *p = &t->pool;
    if (s.n == 0)
        return 0;
    if (p->failed || (p->strings >= p->slots / 2 && !pool_grow(p))) {
        p->failed = true;
        return 0;
    }
    uint32_t *slot = pool_slot(p, s);
    if (*slot == 0) {
        *slot = (uint32_t)p->text.len;
        p->strings++;
        p->failed = !buf_putstr(&p->text, s) || !buf_putc(&p->text, '\0');
    }
    return p->failed ? 0 : *slot;
}

/* ---- roots and programs ---- */

uint16_t tables_root(struct tables *t, const phone_ref root[PHONE_ROOTS])
{
    size_t each = PHONE_ROOTS * sizeof(phone_ref), rows = t->root.len / each;
    for (size_t i = 0; i < rows; i++)
        if (memcmp(t->root.data + i * each, root, each) == 0)
            return (uint16_t)i;
    if (rows > UINT16_MAX)
        t->root.failed = true;
    buf_put(&t->root, root, each);
    return (uint16_t)rows;
}

uint32_t tables_program(struct tables *t, const struct buf *steps)
{
    size_t each = sizeof(struct phone_step);
    for (size_t at = each; at + steps->len <= t->program.len; at += each)
        if (memcmp(t->program.data + at, steps->data, steps->len) == 0)
            return (uint32_t)(at / each);
    uint32_t at = (uint32_t)(t->program.len / each);
    buf_put(&t->program, steps->data, steps->len);
    return at;
}

/* ---- complaints ---- */

int tables_full(const struct tables *t, struct err *e)
{
    bool full = t->graph.failed || t->unfold.failed || t->pool.failed;
    const struct buf *all[] = {&t->root,         &t->plan,         &t->region,  &t->lengths,   &t->mask,
                               &t->program,      &t->layout,       &t->example, &t->zone_node, &t->zone_name,
                               &t->carrier_node, &t->carrier_name, &t->source};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        full = full || all[i]->failed;
    return full ? err_set(e, WL_ETOOBIG, "%s: the plans are larger than the world's, or memory ran out", t->file) : 0;
}

int tables_pattern(struct tables *t, struct str pattern, uint32_t line, enum phone_unfold_how how,
                   phone_unfold_leaf leaf, void *context, struct err *e)
{
    uint16_t groups;
    int rc = phone_regex_compile(pattern, &t->steps, &groups, e);
    if (rc != 0) {
        err_prefix(e, "%s:%u", t->file, line);
        return rc;
    }
    phone_unfold_begin(&t->unfold, (const struct phone_step *)(const void *)t->steps.data,
                       (uint32_t)(t->steps.len / sizeof(struct phone_step)), how, leaf, context);
    return 0;
}

/* ---- the whole ---- */

static void tables_init(struct tables *t, const struct plans *p, const char *file)
{
    memset(t, 0, sizeof *t);
    t->plans = p;
    t->file = file;
    phone_graph_init(&t->graph);
    phone_unfold_init(&t->unfold, &t->graph);
    text_pool_init(&t->pool);
    struct buf *all[] = {&t->steps,     &t->root,         &t->plan,         &t->region,  &t->lengths,
                         &t->mask,      &t->program,      &t->layout,       &t->example, &t->zone_node,
                         &t->zone_name, &t->carrier_node, &t->carrier_name, &t->source};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        buf_init(all[i], SECTION_MAX);
}

static void tables_done(struct tables *t)
{
    struct buf *all[] = {&t->steps,     &t->root,         &t->plan,         &t->region,  &t->lengths,
                         &t->mask,      &t->program,      &t->layout,       &t->example, &t->zone_node,
                         &t->zone_name, &t->carrier_node, &t->carrier_name, &t->source};
    phone_graph_done(&t->graph);
    phone_unfold_done(&t->unfold);
    text_pool_done(&t->pool);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        buf_done(all[i]);
}

static int compile(struct tables *t, struct plans *p, const struct phone_text *zones, const struct phone_text *carriers,
                   struct buf *out, struct err *e)
{
    int rc = phone_compile_kinds(t, e);
    if (rc == 0)
        rc = phone_compile_layouts(t, e);
    if (rc == 0 && zones != NULL)
        rc = phone_compile_read_sources(p, zones, e);
    if (rc == 0 && zones != NULL)
        rc = phone_compile_prefixes(t, zones, &t->zone_node, &t->zone_name, &t->zone_root, e);
    if (rc == 0 && carriers != NULL)
        rc = phone_compile_read_sources(p, carriers, e);
    if (rc == 0 && carriers != NULL)
        rc = phone_compile_prefixes(t, carriers, &t->carrier_node, &t->carrier_name, &t->carrier_root, e);
    return rc == 0 ? phone_compile_write(t, out, e) : rc;
}

int phone_compile(const struct phone_text *numbers, const struct phone_text *zones, const struct phone_text *carriers,
                  struct buf *out, struct err *e)
{
    struct plans p = {.arena = arena_create(ARENA_MAX)};
    struct tables t;
    if (p.arena == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    tables_init(&t, &p, numbers->name);
    int rc = phone_compile_read(&p, numbers, e);
    if (rc == 0)
        rc = compile(&t, &p, zones, carriers, out, e);
    tables_done(&t);
    arena_free(p.arena);
    return rc;
}
