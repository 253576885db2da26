/* SPDX-License-Identifier: Apache-2.0
 * phone_compile_kind.c - whose a number is and of which kind, for every calling code and length: the compiler's first part.
 *
 * Each region's kinds are laid over each other in libphonenumber's order of asking, the last asked first, so that what is asked first has the last
 * word: premium rate before toll free ... before fixed, and fixed and mobile at once is its own kind; a number whose general pattern
 * does not match is of no kind. Regions that share a calling code are laid over each other the same way, the main one last; one that is
 * known by its leading digits takes all numbers that begin with them, valid or not. A region alone under its code takes everything.
 * A pattern counts only for the lengths stated with it, except where the general pattern is asked for without. */
#include "core/phone_compile_impl.h"
#include "core/phone_number.h"

struct kinds { /* of a region, by length */
    phone_ref general[PHONE_ROOTS], type[PHONE_ROOTS], leading[PHONE_ROOTS];
};

/* ---- leaves ---- */

struct rule { /* what becomes of the kind so far where a pattern matches, and where it does not */
    uint8_t match[PHONE_TYPES], other[PHONE_TYPES];
};

static phone_ref by_rule(const void *context, phone_ref matches, phone_ref type)
{
    const struct rule *r = context;
    return matches ? r->match[type] : r->other[type];
}

static phone_ref with_general(const void *context, phone_ref general, phone_ref kind)
{
    (void)context;
    return kind | (general ? PHONE_GENERAL : 0);
}

/* Kinds of one region, as its own. */
static phone_ref name_region(const void *context, phone_ref type, phone_ref unused)
{
    const uint16_t *region = context;
    (void)unused;
    return LEAF_KIND(*region, type, 0);
}

static phone_ref name_valid(const void *context, phone_ref type, phone_ref other)
{
    const uint16_t *region = context;
    return type != PHONE_UNKNOWN_TYPE ? LEAF_KIND(*region, type, 0) : other;
}

static phone_ref if_leading(const void *context, phone_ref leads, phone_ref kind)
{
    (void)context;
    return leads ? kind + 1 : 0;
}

static phone_ref or_other(const void *context, phone_ref kind, phone_ref other)
{
    (void)context;
    return kind != 0 ? kind - 1 : other;
}

/* ---- one region ---- */

/* The desc's graphs by length; 0 where nothing of that length matches. Lengths are asked only if `with_lengths`. */
static int desc_graphs(struct tables *t, const struct desc *d, bool with_lengths, phone_ref ret[PHONE_ROOTS],
                       struct err *e)
{
    memset(ret, 0, PHONE_ROOTS * sizeof *ret);
    if (d->line == 0 || d->pattern.n == 0)
        return 0;
    int rc = tables_pattern(t, d->pattern, d->line, PHONE_UNFOLD_WHOLE, NULL, NULL, e);
    for (unsigned n = 0; n < PHONE_ROOTS && rc == 0; n++)
        if (!with_lengths || d->any_length || (d->possible >> n & 1))
            ret[n] = phone_unfold(&t->unfold, n);
    return rc;
}

static int lay_over(struct tables *t, const struct desc *d, const struct rule *rule, phone_ref type[PHONE_ROOTS],
                    struct err *e)
{
    phone_ref match[PHONE_ROOTS];
    int rc = desc_graphs(t, d, true, match, e);
    for (unsigned n = 0; n < PHONE_ROOTS && rc == 0; n++)
        type[n] = phone_graph_join(&t->graph, match[n], type[n], by_rule, rule);
    return rc;
}

static int type_graphs(struct tables *t, const struct area *a, phone_ref type[PHONE_ROOTS], struct err *e)
{
    static const uint8_t order[] = {PHONE_MOBILE,    PHONE_FIXED_LINE,      PHONE_VOICEMAIL, PHONE_UAN,
                                    PHONE_PAGER,     PHONE_PERSONAL_NUMBER, PHONE_VOIP,      PHONE_SHARED_COST,
                                    PHONE_TOLL_FREE, PHONE_PREMIUM_RATE};
    const struct desc *fixed = &a->desc[1 + PHONE_FIXED_LINE], *mobile = &a->desc[1 + PHONE_MOBILE];
    bool same = str_eq(fixed->pattern, mobile->pattern);
    struct rule rule;
    int rc = 0;
    for (unsigned n = 0; n < PHONE_ROOTS; n++)
        type[n] = PHONE_UNKNOWN_TYPE;
    for (uint8_t i = 0; i < PHONE_TYPES; i++)
        rule.other[i] = i;
    for (size_t i = 0; i < sizeof order && rc == 0; i++) {
        if (order[i] == PHONE_MOBILE && same)
            continue;
        memset(rule.match, order[i], sizeof rule.match);
        if (order[i] == PHONE_FIXED_LINE && same)
            memset(rule.match, PHONE_FIXED_LINE_OR_MOBILE, sizeof rule.match);
        if (order[i] == PHONE_FIXED_LINE)
            rule.match[PHONE_MOBILE] = PHONE_FIXED_LINE_OR_MOBILE;
        rc = lay_over(t, &a->desc[1 + order[i]], &rule, type, e);
    }
    memcpy(rule.match, rule.other, sizeof rule.match);
    memset(rule.other, PHONE_UNKNOWN_TYPE, sizeof rule.other);
    return rc == 0 ? lay_over(t, &a->desc[DESC_GENERAL], &rule, type, e) : rc;
}

static int region_graphs(struct tables *t, const struct area *a, struct kinds *k, struct err *e)
{
    int rc = desc_graphs(t, &a->desc[DESC_GENERAL], false, k->general, e);
    if (rc == 0)
        rc = type_graphs(t, a, k->type, e);
    if (rc == 0 && a->leading.p != NULL)
        rc = tables_pattern(t, a->leading, a->leading_line, PHONE_UNFOLD_BEGINS, NULL, NULL, e);
    for (unsigned n = 0; n < PHONE_ROOTS && rc == 0 && a->leading.p != NULL; n++)
        k->leading[n] = phone_unfold(&t->unfold, n);
    return rc == 0 ? tables_full(t, e) : rc;
}

/* ---- prefixes, lengths, examples of a region ---- */

static int prefix_rule(struct tables *t, const struct area *a, struct phone_region_row *row, struct err *e)
{
    if (a->prefix_parse.n == 0)
        return 0;
    int rc = tables_pattern(t, a->prefix_parse, a->prefix_line, PHONE_UNFOLD_WHOLE, NULL, NULL, e);
    if (rc == 0)
        rc = phone_regex_compile(a->prefix_parse, &t->steps, &row->prefix_groups, e); /* again, for the groups */
    if (rc != 0)
        return rc;
    const struct phone_step *s = (const struct phone_step *)(const void *)t->steps.data;
    row->prefix_program = tables_program(t, &t->steps);
    row->prefix_first = phone_unfold_first(&t->unfold);
    if (s[0].op == PHONE_DIGIT && s[1].op == PHONE_MATCH && a->transform.n == 0)
        row->prefix_single = s[0].arg;
    return 0;
}

static int idd_rule(struct tables *t, const struct area *a, struct phone_region_row *row, struct err *e)
{
    uint16_t groups;
    bool single = a->idd.n > 0;
    if (a->nobodys && a->idd.n == 0)
        return 0;
    int rc = phone_regex_compile(a->idd, &t->steps, &groups, e);
    if (rc != 0)
        return err_prefix(e, "%s:%u", t->file, a->idd_line);
    row->idd_program = tables_program(t, &t->steps);
    for (size_t i = 0; i < a->idd.n; i++)
        single =
            single && ((a->idd.p[i] >= '0' && a->idd.p[i] <= '9') || (a->idd.p[i] == '~' && i > 0 && i + 1 < a->idd.n));
    row->idd_text = tables_text(t, a->idd_preferred.n > 0 ? a->idd_preferred : single ? a->idd : (struct str){NULL, 0});
    return 0;
}

/* The row of a section that equals `row`, an old one if there is one. */
static uint32_t row_of(struct buf *section, const void *row, size_t each)
{
    size_t rows = section->len / each;
    for (size_t i = 0; i < rows; i++)
        if (memcmp(section->data + i * each, row, each) == 0)
            return (uint32_t)i;
    buf_put(section, row, each);
    return (uint32_t)rows;
}

static uint8_t mask_row(struct tables *t, uint32_t mask)
{
    uint32_t row = row_of(&t->mask, &mask, sizeof mask);
    if (row > UINT8_MAX)
        t->mask.failed = true;
    return (uint8_t)row;
}

static uint16_t lengths_row(struct tables *t, const struct area *a)
{
    const struct desc *general = &a->desc[DESC_GENERAL];
    const int both = 1 + PHONE_FIXED_LINE_OR_MOBILE, fixed = 1 + PHONE_FIXED_LINE, mobile = 1 + PHONE_MOBILE;
    uint32_t possible[DESCS], local[DESCS];
    struct phone_lengths l;
    for (int i = 0; i < DESCS; i++) {
        const struct desc *d = &a->desc[i];
        possible[i] = d->line != 0 && d->any_length ? general->possible : d->possible;
        local[i] = d->local;
    }
    possible[both] = possible[fixed] | possible[mobile];
    local[both] = local[fixed] | local[mobile];
    for (int i = 0; i < DESCS; i++) {
        l.possible[i] = mask_row(t, possible[i]);
        l.local_only[i] = mask_row(t, local[i]);
    }
    return (uint16_t)row_of(&t->lengths, &l, sizeof l);
}

static void put_examples(struct tables *t, const struct area *a, uint16_t region)
{
    for (uint8_t type = 0; type < PHONE_UNKNOWN_TYPE; type++) {
        const struct desc *d = &a->desc[1 + type];
        struct phone_example x = {.region = region, .type = type, .text = tables_text(t, d->example)};
        if (x.text != 0)
            buf_put(&t->example, &x, sizeof x);
    }
}

static int put_region(struct tables *t, const struct area *a, uint16_t plan, uint16_t root, struct err *e)
{
    struct phone_region_row row = {.code = a->code, .plan = plan, .root = root};
    memcpy(row.id, a->id, sizeof row.id);
    row.lengths = lengths_row(t, a);
    row.prefix_text = tables_text(t, a->prefix);
    row.transform = tables_text(t, a->transform);
    row.extension_text = tables_text(t, a->extension);
    row.flags = (uint16_t)((a->main ? PHONE_REGION_MAIN : 0) | (a->portable ? PHONE_REGION_PORTABLE : 0) |
                           (a->nobodys ? PHONE_REGION_NOBODYS : 0) | (a->leading.p ? PHONE_REGION_LEADING : 0));
    int rc = prefix_rule(t, a, &row, e);
    if (rc == 0)
        rc = idd_rule(t, a, &row, e);
    put_examples(t, a, (uint16_t)(t->region.len / sizeof row));
    buf_put(&t->region, &row, sizeof row);
    return rc;
}

/* ---- calling codes ---- */

/* The numbers of one region laid over those of others. */
static phone_ref lay_region(struct tables *t, const struct kinds *k, uint16_t region, phone_ref all, unsigned n)
{
    if (t->plans->area[region - 1].leading.p == NULL)
        return phone_graph_join(&t->graph, k->type[n], all, name_valid, &region);
    phone_ref own = phone_graph_join(&t->graph, k->type[n], 0, name_region, &region);
    own = phone_graph_join(&t->graph, k->leading[n], own, if_leading, NULL);
    return phone_graph_join(&t->graph, own, all, or_other, NULL);
}

/* All numbers of a code with n digits: the main region has the last word, of the others the first in the alphabet. */
static phone_ref code_graph(struct tables *t, const struct kinds *kinds, const struct phone_plan *plan, unsigned n)
{
    const struct kinds *main = &kinds[plan->main - 1];
    phone_ref all = LEAF_KIND(0, PHONE_UNKNOWN_TYPE, 0);
    if (plan->regions == 1)
        all = phone_graph_join(&t->graph, main->type[n], 0, name_region, &plan->main);
    for (uint32_t region = t->plans->areas; region > 0 && plan->regions > 1; region--)
        if (t->plans->area[region - 1].code == plan->code && region != plan->main)
            all = lay_region(t, &kinds[region - 1], (uint16_t)region, all, n);
    if (plan->regions > 1)
        all = lay_region(t, main, plan->main, all, n);
    return phone_graph_join(&t->graph, main->general[n], all, with_general, NULL);
}

/* A region's own numbers: what its code's root says of a main region, else a root of their own, which names nobody, so that regions share what is
 * the same in them. */
static uint16_t own_root(struct tables *t, const struct kinds *kinds, uint16_t region, const struct phone_plan *plan)
{
    const uint16_t nobody = 0;
    const struct kinds *k = &kinds[region - 1];
    phone_ref root[PHONE_ROOTS];
    if (plan->regions == 1 || (region == plan->main && t->plans->area[region - 1].leading.p == NULL))
        return plan->root;
    for (unsigned n = 0; n < PHONE_ROOTS; n++) {
        root[n] = phone_graph_join(&t->graph, k->type[n], LEAF_KIND(0, PHONE_UNKNOWN_TYPE, 0), name_valid, &nobody);
        root[n] = phone_graph_join(&t->graph, k->general[n], root[n], with_general, NULL);
    }
    return tables_root(t, root);
}

static const uint16_t mobile_has_place[] = {52, 54, 55, 62, 86};

static struct phone_plan plan_of(const struct plans *p, uint16_t code)
{
    struct phone_plan plan = {.code = code};
    for (uint32_t i = 0; i < p->areas; i++) {
        const struct area *a = &p->area[i];
        if (a->code != code)
            continue;
        plan.regions++;
        if (plan.main == 0 || a->main)
            plan.main = (uint16_t)(i + 1);
        if (a->nobodys)
            plan.flags |= PHONE_PLAN_NOBODYS;
    }
    for (size_t i = 0; i < sizeof mobile_has_place / sizeof mobile_has_place[0]; i++)
        if (mobile_has_place[i] == code)
            plan.flags |= PHONE_PLAN_GEOGRAPHIC_MOBILE;
    return plan;
}

static void put_plans(struct tables *t, const struct kinds *kinds, uint16_t *row_of_code)
{
    phone_ref root[PHONE_ROOTS];
    struct phone_plan plan = {0};
    buf_put(&t->plan, &plan, sizeof plan);
    for (uint16_t code = 1; code < PHONE_CODES; code++) {
        plan = plan_of(t->plans, code);
        if (plan.regions == 0)
            continue;
        for (unsigned n = 0; n < PHONE_ROOTS; n++)
            root[n] = code_graph(t, kinds, &plan, n);
        plan.root = tables_root(t, root);
        row_of_code[code] = (uint16_t)(t->plan.len / sizeof plan);
        buf_put(&t->plan, &plan, sizeof plan);
    }
}

int phone_compile_kinds(struct tables *t, struct err *e)
{
    const struct plans *p = t->plans;
    struct kinds *kinds = arena_new_array(p->arena, struct kinds, p->areas);
    uint16_t *row_of_code = arena_new_array(p->arena, uint16_t, PHONE_CODES);
    phone_ref root[PHONE_ROOTS];
    struct phone_step none = {PHONE_FAIL, 0};
    struct phone_region_row zz = {.id = "ZZ"};
    struct phone_lengths no_lengths = {{0}, {0}};
    int rc = 0;
    if (kinds == NULL || row_of_code == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    for (unsigned n = 0; n < PHONE_ROOTS; n++)
        root[n] = LEAF_KIND(0, PHONE_UNKNOWN_TYPE, 0);
    tables_root(t, root);
    buf_put(&t->program, &none, sizeof none);
    buf_put(&t->region, &zz, sizeof zz);
    mask_row(t, 0);
    buf_put(&t->lengths, &no_lengths, sizeof no_lengths);
    for (uint32_t i = 0; i < p->areas && rc == 0; i++)
        rc = region_graphs(t, &p->area[i], &kinds[i], e);
    if (rc == 0)
        put_plans(t, kinds, row_of_code);
    for (uint32_t i = 0; i < p->areas && rc == 0; i++) {
        uint16_t row = row_of_code[p->area[i].code];
        const struct phone_plan *plan = (const struct phone_plan *)(const void *)t->plan.data + row;
        rc = put_region(t, &p->area[i], row, own_root(t, kinds, (uint16_t)(i + 1), plan), e);
    }
    return rc == 0 ? tables_full(t, e) : rc;
}
