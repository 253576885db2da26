/* SPDX-License-Identifier: Apache-2.0
 * phone_compile_layout.c - how the numbers of a calling code are written: the compiler's second part.
 *
 * Formats of the main region are laid over each other so that the first that fits wins, for every length. Where a format fits, its answer is a
 * layout: how many digits each $1, $2 ... has there, and the text, the national one with the rule for the national prefix put around its
 * first group. Digits between groups become groups of their own that no text asks for, so groups always follow one another. It refuses
 * groups in groups, more than eight, and ones longer than 15 digits. */
#include "core/phone_compile_impl.h"

#define PIECES_MAX 8

struct pieces {       /* a number cut into groups */
    uint32_t lengths; /* as struct phone_layout.groups */
    unsigned n;
    uint8_t piece_of[PHONE_GROUPS_MAX + 1]; /* of group 1.. of the pattern; 0: it is empty */
};

struct layouts { /* what phone_unfold_leaf needs */
    struct tables *t;
    const struct form *form;
    unsigned digits;
    bool national, international; /* which texts are wanted */
    bool failed;
};

static bool add_piece(struct pieces *p, unsigned digits)
{
    if (p->n == PIECES_MAX || digits > 15)
        return false;
    p->lengths |= (uint32_t)digits << (4 * p->n++);
    return true;
}

static bool cut_pieces(const struct phone_unfold_groups *g, unsigned digits, struct pieces *ret)
{
    unsigned at = 0;
    memset(ret, 0, sizeof *ret);
    for (unsigned i = 1; i <= PHONE_GROUPS_MAX; i++) {
        if (g->start[i] == PHONE_UNFOLD_NOWHERE || g->start[i] == g->end[i])
            continue;
        if (g->start[i] < at || (g->start[i] > at && !add_piece(ret, g->start[i] - at)) ||
            !add_piece(ret, g->end[i] - g->start[i]))
            return false;
        ret->piece_of[i] = (uint8_t)ret->n;
        at = g->end[i];
    }
    return at == digits || add_piece(ret, digits - at);
}

/* Appends text, its $1 .. standing for the pieces of these groups. */
static void put_text(struct buf *out, struct str text, const struct pieces *p)
{
    for (size_t i = 0; i < text.n; i++) {
        bool group = text.p[i] == '$' && i + 1 < text.n && text.p[i + 1] >= '0' && text.p[i + 1] <= '9';
        if (!group) {
            buf_putc(out, text.p[i]);
            continue;
        }
        unsigned g = (unsigned)(text.p[++i] - '0'), piece = g <= PHONE_GROUPS_MAX ? p->piece_of[g] : 0;
        if (piece != 0)
            buf_printf(out, "$%u", piece);
    }
}

/* The format with the rule around its first group: "$2 15-$3" and "0$1" give "0$2 15-$3". */
static void put_with_rule(struct buf *out, struct str format, struct str rule)
{
    size_t at = 0;
    while (at < format.n &&
           !(format.p[at] == '$' && at + 1 < format.n && format.p[at + 1] >= '0' && format.p[at + 1] <= '9'))
        at++;
    if (rule.n == 0 || at == format.n) {
        buf_putstr(out, format);
        return;
    }
    buf_put(out, format.p, at);
    for (size_t i = 0; i < rule.n; i++) {
        bool first = rule.p[i] == '$' && i + 1 < rule.n && rule.p[i + 1] == '1';
        buf_put(out, first ? format.p + at : rule.p + i, first ? 2 : 1);
        i += first;
    }
    buf_put(out, format.p + at + 2, format.n - at - 2);
}

static uint32_t layout_text(struct tables *t, const struct form *f, struct str rule, const struct pieces *p)
{
    struct buf whole, text;
    buf_init(&whole, 1024);
    buf_init(&text, 1024);
    put_with_rule(&whole, f->format, rule);
    put_text(&text, buf_str(&whole), p);
    if (whole.failed || text.failed)
        t->layout.failed = true;
    uint32_t at = tables_text(t, buf_str(&text));
    buf_done(&whole);
    buf_done(&text);
    return at;
}

static phone_ref layout_leaf(void *context, const struct phone_unfold_groups *groups)
{
    struct layouts *l = context;
    struct pieces p;
    if (!cut_pieces(groups, l->digits, &p)) {
        l->failed = true;
        return 0;
    }
    struct phone_layout row = {.groups = p.lengths};
    if (l->national)
        row.national = layout_text(l->t, l->form, l->form->rule, &p);
    if (l->international)
        row.international = layout_text(l->t, l->form, (struct str){NULL, 0}, &p);
    size_t rows = l->t->layout.len / sizeof row;
    for (size_t i = 1; i < rows; i++)
        if (memcmp(l->t->layout.data + i * sizeof row, &row, sizeof row) == 0)
            return LEAF_LAYOUT + (phone_ref)i;
    if (rows >= LEAF_LAYOUT)
        l->t->layout.failed = true;
    buf_put(&l->t->layout, &row, sizeof row);
    return LEAF_LAYOUT + (phone_ref)rows;
}

static phone_ref only_if(const void *context, phone_ref leads, phone_ref layout)
{
    (void)context;
    return leads ? layout : 0;
}

static phone_ref first_of(const void *context, phone_ref layout, phone_ref other)
{
    (void)context;
    return layout != 0 ? layout : other;
}

/* The form's answers for every length, laid over `all`. */
static int lay_form(struct layouts *l, phone_ref all[PHONE_ROOTS], struct err *e)
{
    struct tables *t = l->t;
    const struct form *f = l->form;
    phone_ref fits[PHONE_ROOTS];
    int rc = tables_pattern(t, f->pattern, f->line, PHONE_UNFOLD_GROUPS, layout_leaf, l, e);
    for (unsigned n = 0; n < PHONE_ROOTS && rc == 0; n++) {
        l->digits = n;
        fits[n] = phone_unfold(&t->unfold, n);
    }
    if (rc == 0 && l->failed)
        return err_set(e, WL_EINVAL,
                       "%s:%u: the groups of the format's pattern lie in each other, are more than %d or too long",
                       t->file, f->line, PIECES_MAX);
    if (rc == 0 && f->leading.n > 0) {
        rc = tables_pattern(t, f->leading, f->line, PHONE_UNFOLD_BEGINS, NULL, NULL, e);
        for (unsigned n = 0; n < PHONE_ROOTS && rc == 0; n++)
            fits[n] = phone_graph_join(&t->graph, phone_unfold(&t->unfold, n), fits[n], only_if, NULL);
    }
    for (unsigned n = 0; n < PHONE_ROOTS && rc == 0; n++)
        all[n] = phone_graph_join(&t->graph, fits[n], all[n], first_of, NULL);
    return rc;
}

static int lay_forms(struct layouts *l, const struct form *first, uint16_t *ret_root, struct err *e)
{
    phone_ref all[PHONE_ROOTS];
    int rc = 0;
    for (unsigned n = 0; n < PHONE_ROOTS; n++)
        all[n] = LEAF_LAYOUT;
    /* The last format first, so that the first has the last word. */
    for (const struct form *done = NULL; rc == 0 && done != first;) {
        const struct form *f = first;
        while (f->next != done)
            f = f->next;
        l->form = done = f;
        rc = lay_form(l, all, e);
    }
    *ret_root = tables_root(l->t, all);
    return rc;
}

int phone_compile_layouts(struct tables *t, struct err *e)
{
    struct phone_plan *plan = (struct phone_plan *)(void *)t->plan.data;
    size_t plans = t->plan.len / sizeof *plan;
    struct phone_layout none = {0};
    int rc = 0;
    buf_put(&t->layout, &none, sizeof none);
    for (size_t i = 1; i < plans && rc == 0; i++) {
        const struct area *a = &t->plans->area[plan[i].main - 1];
        struct layouts l = {.t = t, .national = true, .international = a->intl == NULL};
        rc = lay_forms(&l, a->format, &plan[i].national_layout, e);
        plan[i].international_layout = plan[i].national_layout;
        if (rc != 0 || a->intl == NULL)
            continue;
        l = (struct layouts){.t = t, .international = true};
        rc = lay_forms(&l, a->intl, &plan[i].international_layout, e);
    }
    return rc == 0 ? tables_full(t, e) : rc;
}
