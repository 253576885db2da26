/* SPDX-License-Identifier: Apache-2.0
 * phone_compile_layout.c - how the numbers of a calling code are written: the compiler's second part.
 *
 * Formats of the main region are laid over each other so that the first that fits wins, for every length. Where a format fits, its answer is a
 * layout: where the number is cut, and a text that puts the pieces into place, the national one with the rule for the national prefix put
 * around its first group. Where numbers are written otherwise abroad, both answers are laid over each other and cut at the places of both. Groups of a
 * pattern may lie in each other or leave digits out: a group is all pieces it covers. The last piece is "what is left", so that numbers of different
 * length share their layout. It refuses more than eight pieces, and ones of more than 14 digits. */
#include "core/phone_compile_impl.h"

#define PIECES_MAX 8
#define PIECE_MAX  14
#define TEXT_MAX   512

/* What $1 .. of a text stand for: digits start to end of the number. */
struct spans {
    uint8_t start[PIECES_MAX + 1], end[PIECES_MAX + 1];
};

struct layouts { /* of one calling code */
    struct tables *t;
    const struct form *form;
    unsigned digits;
    bool national; /* the texts in hand are */
    bool failed;
};

/* ---- cutting; a cut is a bit: so many digits lie before it ---- */

static uint32_t cuts_of(const struct spans *s, unsigned digits)
{
    uint32_t cuts = 0;
    for (unsigned i = 1; i <= PIECES_MAX; i++)
        if (s->start[i] < s->end[i])
            cuts |= 1u << s->start[i] | 1u << s->end[i];
    return cuts & ~1u & ~(1u << digits);
}

/* The piece that begins with digit `at`, from 1. */
static unsigned piece_at(uint32_t cuts, unsigned at)
{
    return 1 + (unsigned)__builtin_popcount(cuts & ((2u << at) - 1));
}

static bool pieces_of(uint32_t cuts, uint32_t *ret_groups)
{
    unsigned at = 0, n = 0;
    *ret_groups = 0;
    for (unsigned i = 1; cuts >> i != 0; i++) {
        if (!(cuts >> i & 1))
            continue;
        if (n == PIECES_MAX - 1 || i - at > PIECE_MAX)
            return false;
        *ret_groups |= (i - at) << (4 * n++);
        at = i;
    }
    *ret_groups |= (uint32_t)PHONE_LAYOUT_REST << (4 * n);
    return true;
}

static uint32_t spans_of(uint32_t groups, unsigned digits, struct spans *ret)
{
    unsigned at = 0;
    memset(ret, 0, sizeof *ret);
    for (unsigned i = 1; i <= PIECES_MAX && groups != 0; i++, groups >>= 4) {
        ret->start[i] = (uint8_t)at;
        at += (groups & 15) == PHONE_LAYOUT_REST ? digits - at : groups & 15;
        ret->end[i] = (uint8_t)at;
    }
    return cuts_of(ret, digits);
}

/* ---- texts ---- */

static bool is_group(struct str text, size_t at)
{
    return text.p[at] == '$' && at + 1 < text.n && text.p[at + 1] >= '0' && text.p[at + 1] <= '9';
}

/* The text with all it asks for named by pieces. A group that took no part is nothing. */
static uint32_t cut_text(struct layouts *l, struct str text, const struct spans *s, uint32_t cuts)
{
    struct buf out;
    buf_init(&out, TEXT_MAX);
    for (size_t i = 0; i < text.n; i++) {
        if (!is_group(text, i)) {
            buf_putc(&out, text.p[i]);
            continue;
        }
        unsigned g = (unsigned)(text.p[++i] - '0');
        for (unsigned at = g <= PIECES_MAX ? s->start[g] : 0; g <= PIECES_MAX && at < s->end[g]; at++)
            if (at == s->start[g] || (cuts >> at & 1))
                buf_printf(&out, "$%u", piece_at(cuts, at));
    }
    l->failed = l->failed || out.failed;
    uint32_t at = tables_text(l->t, buf_str(&out));
    buf_done(&out);
    return at;
}

/* The format with the rule around its first group: "$2 15-$3" and "0$1" give "0$2 15-$3". */
static void put_with_rule(struct buf *out, struct str format, struct str rule)
{
    size_t at = 0;
    while (at < format.n && !is_group(format, at))
        at++;
    if (rule.n == 0 || at == format.n) {
        buf_putstr(out, format);
        return;
    }
    buf_put(out, format.p, at);
    for (size_t i = 0; i < rule.n; i++) {
        bool first = is_group(rule, i) && rule.p[i + 1] == '1';
        buf_put(out, first ? format.p + at : rule.p + i, first ? 2 : 1);
        i += first;
    }
    buf_put(out, format.p + at + 2, format.n - at - 2);
}

/* ---- layouts ---- */

static phone_ref layout_row(struct tables *t, const struct phone_layout *row)
{
    size_t rows = t->layout.len / sizeof *row;
    for (size_t i = 1; i < rows; i++)
        if (memcmp(t->layout.data + i * sizeof *row, row, sizeof *row) == 0)
            return LEAF_LAYOUT + (phone_ref)i;
    if (rows >= LEAF_LAYOUT)
        t->layout.failed = true;
    buf_put(&t->layout, row, sizeof *row);
    return LEAF_LAYOUT + (phone_ref)rows;
}

/* phone_unfold_leaf: the layout of the form in hand for groups that lie so. */
static phone_ref layout_leaf(void *context, const struct phone_unfold_groups *groups)
{
    struct layouts *l = context;
    struct phone_layout row = {0};
    struct spans s = {{0}, {0}};
    struct buf text;
    for (unsigned i = 1; i <= PHONE_GROUPS_MAX; i++)
        if (groups->start[i] != PHONE_UNFOLD_NOWHERE) {
            s.start[i] = groups->start[i];
            s.end[i] = groups->end[i];
        }
    uint32_t cuts = cuts_of(&s, l->digits);
    buf_init(&text, TEXT_MAX);
    put_with_rule(&text, l->form->format, l->national ? l->form->rule : (struct str){NULL, 0});
    uint32_t at = cut_text(l, buf_str(&text), &s, cuts);
    *(l->national ? &row.national : &row.international) = at;
    l->failed = l->failed || text.failed || !pieces_of(cuts, &row.groups);
    buf_done(&text);
    return layout_row(l->t, &row);
}

/* One layout of a national and an international one. */
static phone_ref both(const void *context, phone_ref national, phone_ref international)
{
    struct layouts *l = *(struct layouts *const *)context;
    struct phone_layout n, i, row = {0};
    struct spans sn, si;
    memcpy(&n, l->t->layout.data + (national - LEAF_LAYOUT) * sizeof n, sizeof n);
    memcpy(&i, l->t->layout.data + (international - LEAF_LAYOUT) * sizeof i, sizeof i);
    if (national == LEAF_LAYOUT || international == LEAF_LAYOUT)
        return national == LEAF_LAYOUT ? international : national;
    uint32_t cuts = spans_of(n.groups, l->digits, &sn) | spans_of(i.groups, l->digits, &si);
    l->failed = l->failed || !pieces_of(cuts, &row.groups);
    row.national = cut_text(l, str_of(l->t->pool.text.data + n.national), &sn, cuts);
    row.international = cut_text(l, str_of(l->t->pool.text.data + i.international), &si, cuts);
    return layout_row(l->t, &row);
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
    for (l->digits = 0; l->digits < PHONE_ROOTS && rc == 0; l->digits++)
        fits[l->digits] = phone_unfold(&t->unfold, l->digits);
    if (rc == 0 && f->leading.n > 0)
        rc = tables_pattern(t, f->leading, f->line, PHONE_UNFOLD_BEGINS, NULL, NULL, e);
    for (unsigned n = 0; n < PHONE_ROOTS && rc == 0; n++) {
        if (f->leading.n > 0)
            fits[n] = phone_graph_join(&t->graph, phone_unfold(&t->unfold, n), fits[n], only_if, NULL);
        all[n] = phone_graph_join(&t->graph, fits[n], all[n], first_of, NULL);
    }
    if (rc == 0 && l->failed)
        rc = err_set(e, WL_EINVAL, "%s:%u: the format cuts numbers into more than %d pieces, or one is too long",
                     t->file, f->line, PIECES_MAX);
    return rc;
}

static int lay_forms(struct layouts *l, const struct form *first, phone_ref all[PHONE_ROOTS], struct err *e)
{
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
    return rc;
}

static int code_layouts(struct tables *t, const struct area *a, uint16_t *ret_root, struct err *e)
{
    struct layouts l = {.t = t, .national = true}, *context = &l;
    phone_ref national[PHONE_ROOTS], international[PHONE_ROOTS];
    int rc = lay_forms(&l, a->format, national, e);
    l.national = false;
    if (rc == 0)
        rc = lay_forms(&l, a->intl != NULL ? a->intl : a->format, international, e);
    for (l.digits = 0; l.digits < PHONE_ROOTS && rc == 0; l.digits++)
        national[l.digits] = phone_graph_join(&t->graph, national[l.digits], international[l.digits], both, &context);
    if (rc == 0 && l.failed)
        rc = err_set(e, WL_EINVAL,
                     "%s:%u: national and international formats together cut numbers into more than %d pieces", t->file,
                     a->line, PIECES_MAX);
    *ret_root = rc == 0 ? tables_root(t, national) : 0;
    return rc;
}

int phone_compile_layouts(struct tables *t, struct err *e)
{
    struct phone_plan *plan = (struct phone_plan *)(void *)t->plan.data;
    size_t plans = t->plan.len / sizeof *plan;
    struct phone_layout none = {0};
    int rc = 0;
    buf_put(&t->layout, &none, sizeof none);
    for (size_t i = 1; i < plans && rc == 0; i++)
        rc = code_layouts(t, &t->plans->area[plan[i].main - 1], &plan[i].layout, e);
    return rc == 0 ? tables_full(t, e) : rc;
}
