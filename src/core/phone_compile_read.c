/* SPDX-License-Identifier: Apache-2.0
 * phone_compile_read.c - numbers.tsv to plans in memory.
 *
 * One fact a line: the region, its calling code, what the fact is about, and its values; docs/phone.md describes them. Facts of a region may stand
 * anywhere, each once, formats in their order. Patterns are kept as text and read where they are used. Texts are borrowed from the file. It refuses
 * what it does not know, what is said twice or out of range, a region without its general description, and two main regions for
 * one calling code; where none is the main one, it is the first in the alphabet. */
#include "core/phone_compile_impl.h"

#include <stdlib.h>

#define CELLS_MAX 10
#define DAY_MAX   60000 /* in the year 2134 */

struct reader {
    struct plans *plans;
    const char *file;
    uint32_t line;
    struct area *area; /* the one of the line */
    struct str word;   /* what follows "type." */
    struct err *e;
};

static int wrong(const struct reader *r, const char *what)
{
    return err_set(r->e, WL_EINVAL, "%s:%u: %s", r->file, r->line, what);
}

int phone_compile_line(const struct phone_text *t, struct str *rest, uint32_t *line, struct str *cell, int max,
                       struct err *e)
{
    while (rest->p != NULL && rest->n > 0) {
        struct str text = str_cut(*rest, '\n', rest);
        int n = 0;
        (*line)++;
        if (text.n == 0 || text.p[0] == '#')
            continue;
        if (memchr(text.p, '\0', text.n) != NULL || memchr(text.p, '\r', text.n) != NULL)
            return err_set(e, WL_EINVAL, "%s:%u: a NUL or carriage return does not belong here", t->name, *line);
        for (struct str more = text; more.p != NULL; n++) {
            if (n == max)
                return err_set(e, WL_EINVAL, "%s:%u: more than %d columns", t->name, *line, max);
            cell[n] = str_cut(more, '\t', &more);
        }
        return n;
    }
    return 0;
}

/* ---- values ---- */

static bool digits_only(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

/* The number at the beginning of *s, which is taken off. */
static bool cut_number(struct str *s, unsigned max, unsigned *ret)
{
    unsigned n = 0;
    size_t i = 0;
    for (; i < s->n && s->p[i] >= '0' && s->p[i] <= '9' && n <= max; i++)
        n = n * 10 + (unsigned)(s->p[i] - '0');
    *s = (struct str){s->p + i, s->n - i};
    *ret = n;
    return i > 0 && n <= max;
}

static bool cut_sign(struct str *s, char c)
{
    if (s->n == 0 || s->p[0] != c)
        return false;
    s->p++;
    s->n--;
    return true;
}

/* "7,9-11", "" or "-1" (none). */
static int read_lengths(const struct reader *r, struct str s, uint32_t *ret)
{
    unsigned from, to;
    *ret = 0;
    if (s.n == 0 || str_eq(s, STR("-1")))
        return 0;
    do {
        if (!cut_number(&s, PHONE_NSN_MAX, &from))
            return wrong(r, "lengths look like \"7,9-11\", none beyond 17");
        to = from;
        if (cut_sign(&s, '-') && (!cut_number(&s, PHONE_NSN_MAX, &to) || to < from))
            return wrong(r, "a range of lengths looks like 9-11");
        for (unsigned n = from; n <= to; n++)
            *ret |= 1u << n;
    } while (cut_sign(&s, ','));
    return s.n > 0 ? wrong(r, "lengths look like \"7,9-11\", none beyond 17") : 0;
}

/* "2026-09-02" as days since 1970. */
static int read_date(const struct reader *r, struct str s, uint32_t *ret)
{
    unsigned y, m, d;
    if (!cut_number(&s, 9999, &y) || !cut_sign(&s, '-') || !cut_number(&s, 12, &m) || !cut_sign(&s, '-') ||
        !cut_number(&s, 31, &d) || s.n > 0 || y < 1970 || m == 0 || d == 0)
        return wrong(r, "a date looks like 2026-09-02");
    unsigned years = m > 2 ? y : y - 1, months = m > 2 ? m - 3 : m + 9; /* of years that begin in March */
    unsigned days = years * 365 + years / 4 - years / 100 + years / 400 + (153 * months + 2) / 5 + d - 1;
    if (days < 719468 || days - 719468 > DAY_MAX)
        return wrong(r, "the date is out of range");
    *ret = days - 719468;
    return 0;
}

/* ---- fields ---- */

static int set_text(const struct reader *r, struct str *into, struct str value, uint32_t *line)
{
    if (into->p != NULL)
        return wrong(r, "said before");
    *into = value;
    if (line != NULL)
        *line = r->line;
    return 0;
}

static int set_flag(const struct reader *r, bool *into, struct str value)
{
    if (*into || !str_eq(value, STR("1")))
        return wrong(r, *into ? "said before" : "must be 1");
    *into = true;
    return 0;
}

static int take_main(struct reader *r, const struct str *v)
{
    return set_flag(r, &r->area->main, v[0]);
}

static int take_portable(struct reader *r, const struct str *v)
{
    return set_flag(r, &r->area->portable, v[0]);
}

static int take_leading(struct reader *r, const struct str *v)
{
    return set_text(r, &r->area->leading, v[0], &r->area->leading_line);
}

static int take_idd(struct reader *r, const struct str *v)
{
    return set_text(r, &r->area->idd, v[0], &r->area->idd_line);
}

static int take_idd_preferred(struct reader *r, const struct str *v)
{
    return set_text(r, &r->area->idd_preferred, v[0], NULL);
}

static int take_prefix(struct reader *r, const struct str *v)
{
    return set_text(r, &r->area->prefix, v[0], NULL);
}

static int take_prefix_parse(struct reader *r, const struct str *v)
{
    return set_text(r, &r->area->prefix_parse, v[0], &r->area->prefix_line);
}

static int take_transform(struct reader *r, const struct str *v)
{
    return set_text(r, &r->area->transform, v[0], NULL);
}

static int take_extension(struct reader *r, const struct str *v)
{
    return set_text(r, &r->area->extension, v[0], NULL);
}

/* type.mobile  pattern  lengths  local-only lengths  example */
static int take_type(struct reader *r, const struct str *v)
{
    static const struct {
        const char *word;
        int desc;
    } kinds[] = {
        {"general", DESC_GENERAL}, {"fixed_line", 1}, {"mobile", 2},          {"toll_free", 4}, {"premium_rate", 5},
        {"shared_cost", 6},        {"voip", 7},       {"personal_number", 8}, {"pager", 9},     {"uan", 10},
        {"voicemail", 11}};
    struct desc *d = NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_eq(r->word, str_of(kinds[i].word)))
            d = &r->area->desc[kinds[i].desc];
    if (d == NULL)
        return wrong(r, "no such type of number");
    if (d->line != 0)
        return wrong(r, "said before");
    if (!digits_only(v[3]) || v[3].n > PHONE_NSN_MAX)
        return wrong(r, "an example is up to 17 digits");
    *d = (struct desc){.pattern = v[0], .example = v[3], .line = r->line, .any_length = v[1].n == 0};
    int rc = read_lengths(r, v[1], &d->possible);
    return rc == 0 ? read_lengths(r, v[2], &d->local) : rc;
}

/* 01  pattern  format  leading digits; behind the last blank of these is what counts */
static int take_form(struct reader *r, const struct str *v, struct str rule, struct form **list)
{
    struct form *f = arena_new(r->plans->arena, struct form);
    struct str order = v[0];
    if (f == NULL)
        return err_set(r->e, WL_ENOMEM, "out of memory");
    *f = (struct form){.pattern = v[1], .format = v[2], .leading = v[3], .rule = rule, .line = r->line};
    if (!cut_number(&order, 9999, &f->order) || order.n > 0)
        return wrong(r, "a format begins with its number");
    for (size_t i = 0; i < v[3].n; i++)
        if (v[3].p[i] == ' ')
            f->leading = (struct str){v[3].p + i + 1, v[3].n - i - 1};
    while (*list != NULL && (*list)->order < f->order)
        list = &(*list)->next;
    if (*list != NULL && (*list)->order == f->order)
        return wrong(r, "said before");
    f->next = *list;
    *list = f;
    return 0;
}

static int take_format(struct reader *r, const struct str *v)
{
    return take_form(r, v, v[4], &r->area->format);
}

static int take_intl(struct reader *r, const struct str *v)
{
    return take_form(r, v, (struct str){NULL, 0}, &r->area->intl);
}

static const struct field {
    const char *word;
    int values;
    int (*take)(struct reader *r, const struct str *v);
} fields[] = {
    {"main", 1, take_main},
    {"portable", 1, take_portable},
    {"leading", 1, take_leading},
    {"idd", 1, take_idd},
    {"idd.preferred", 1, take_idd_preferred},
    {"prefix", 1, take_prefix},
    {"prefix.parse", 1, take_prefix_parse},
    {"prefix.transform", 1, take_transform},
    {"extension", 1, take_extension},
    {"format", 7, take_format},
    {"intl", 4, take_intl},
};

static int take_field(struct reader *r, const struct str *cell, int cells)
{
    static const struct field type = {"type", 4, take_type};
    const struct field *f = NULL;
    r->word = (struct str){cell[2].p + 5, cell[2].n - 5};
    if (str_starts(cell[2], STR("type.")))
        f = &type;
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (str_eq(cell[2], str_of(fields[i].word)))
            f = &fields[i];
    if (f == NULL)
        return wrong(r, "no such field");
    if (cells != 3 + f->values)
        return err_set(r->e, WL_EINVAL, "%s:%u: %d columns, %s has %d", r->file, r->line, cells, f->word,
                       3 + f->values);
    return f->take(r, cell + 3);
}

/* ---- regions ---- */

static bool is_letter(char c)
{
    return c >= 'A' && c <= 'Z';
}

static bool is_id(struct str id)
{
    return str_eq(id, STR("001")) || (id.n == 2 && is_letter(id.p[0]) && is_letter(id.p[1]) && !str_eq(id, STR("ZZ")));
}

/* The region of a line, made where it is new. */
static int find_area(struct reader *r, struct str id, struct str code)
{
    struct plans *p = r->plans;
    unsigned n;
    bool nobodys = str_eq(id, STR("001"));
    if (!is_id(id))
        return wrong(r, "a line begins with a region of two capital letters, or 001");
    if (!cut_number(&code, PHONE_CODES - 1, &n) || code.n > 0 || n == 0)
        return wrong(r, "a calling code is a number from 1 to 999");
    for (uint32_t i = p->areas; i-- > 0;) { /* lines of a region mostly follow each other */
        r->area = &p->area[i];
        if (str_eq(id, str_of(r->area->id)) && (!nobodys || r->area->code == n))
            return r->area->code == n ? 0 : wrong(r, "a region has one calling code");
    }
    if (p->areas == AREAS_MAX)
        return wrong(r, "too many regions");
    r->area = &p->area[p->areas++];
    *r->area = (struct area){.code = (uint16_t)n, .nobodys = nobodys, .line = r->line};
    memcpy(r->area->id, id.p, id.n);
    return 0;
}

static int by_id(const void *a, const void *b)
{
    const struct area *x = a, *y = b;
    if (x->nobodys || y->nobodys)
        return x->nobodys != y->nobodys ? x->nobodys - y->nobodys : x->code - y->code;
    return memcmp(x->id, y->id, 2);
}

/* Together: what no line alone shows. */
static int check_areas(struct reader *r)
{
    const struct plans *p = r->plans;
    for (uint32_t i = 0; i < p->areas; i++) {
        const struct area *a = &p->area[i];
        int mains = 0;
        for (uint32_t j = 0; j < p->areas; j++)
            mains += p->area[j].code == a->code && p->area[j].main;
        r->line = a->line;
        if (a->desc[DESC_GENERAL].line == 0)
            return wrong(r, "the region has no type.general");
        if (mains > 1)
            return wrong(r, "two main regions share its calling code");
    }
    return p->areas == 0 ? err_set(r->e, WL_EINVAL, "%s: no region at all", r->file) : 0;
}

/* ---- files ---- */

static int add_source(struct reader *r, struct str text)
{
    struct plans *p = r->plans;
    for (uint32_t i = 0; i < p->sources; i++)
        if (str_eq(p->source[i], text))
            return 0;
    if (p->sources == SOURCES_MAX)
        return wrong(r, "too many sources");
    p->source[p->sources++] = text;
    return 0;
}

static int take_meta(struct reader *r, const struct str *cell, int cells)
{
    struct plans *p = r->plans;
    struct str number;
    if (cells != 3)
        return wrong(r, "a meta line has three columns");
    if (str_eq(cell[1], STR("source")))
        return add_source(r, cell[2]);
    if (str_eq(cell[1], STR("name")))
        return set_text(r, &p->name, cell[2], NULL);
    if (str_eq(cell[1], STR("released")))
        return read_date(r, cell[2], &p->released);
    number = cell[2];
    if (str_eq(cell[1], STR("unicode")))
        return cut_number(&number, 1000, &p->unicode) && number.n == 0 ? 0 : wrong(r, "a version is a number");
    return wrong(r, "no such meta line");
}

int phone_compile_read(struct plans *p, const struct phone_text *numbers, struct err *e)
{
    struct reader r = {.plans = p, .file = numbers->name, .e = e};
    struct str rest = numbers->text, cell[CELLS_MAX];
    int n, rc = 0;
    p->area = arena_new_array(p->arena, struct area, AREAS_MAX);
    if (p->area == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    while (rc == 0 && (n = phone_compile_line(numbers, &rest, &r.line, cell, CELLS_MAX, e)) != 0) {
        if (n < 0)
            return n;
        if (str_eq(cell[0], STR("meta"))) {
            rc = take_meta(&r, cell, n);
            continue;
        }
        rc = n < 4 ? wrong(&r, "fewer than 4 columns") : find_area(&r, cell[0], cell[1]);
        if (rc == 0)
            rc = take_field(&r, cell, n);
    }
    if (rc == 0 && (p->name.n == 0 || p->released == 0 || p->unicode == 0))
        rc = err_set(e, WL_EINVAL, "%s: the lines meta name, meta released and meta unicode are needed", r.file);
    if (rc == 0)
        rc = check_areas(&r);
    if (rc == 0)
        qsort(p->area, p->areas, sizeof p->area[0], by_id);
    return rc;
}

int phone_compile_read_sources(struct plans *p, const struct phone_text *t, struct err *e)
{
    struct reader r = {.plans = p, .file = t->name, .e = e};
    struct str rest = t->text, cell[CELLS_MAX];
    int n, rc = 0;
    while (rc == 0 && (n = phone_compile_line(t, &rest, &r.line, cell, CELLS_MAX, e)) > 0)
        if (n == 3 && str_eq(cell[0], STR("meta")) && str_eq(cell[1], STR("source")))
            rc = add_source(&r, cell[2]);
    return n < 0 ? n : rc;
}
