/* SPDX-License-Identifier: Apache-2.0
 * segment_sql.c - the twin of a segment in SQL, for SQLite and the tables of store/audience_file.h.
 *
 * It exists to look into a segment with other tools and to prove this engine's answers: both must name the same people. So it says in
 * SQL what segment_impl.h says in words: lower() for capitals (SQLite's knows A to Z alone, as we do), IS TRUE and IS NOT TRUE where a
 * column may be NULL, and ranges of seconds and millionths that were worked out here. Every text is a literal with its quotes
 * doubled; control characters were refused when the segment was read. */
#include "core/segment_impl.h"

static const char *const columns[] = {
    "a.country",
    "a.country",
    "a.line",
    "a.network",
    "a.language",
    "a.zone",
    "a.name",
    "t.tag",
    "t.name",
    "t.import",
    "t.value",
    "a.consent_marketing",
    "a.consent_utility",
    "a.consent_authentication",
    "a.consent_calls",
    "a.platform_stop",
    "a.undeliverable",
    "a.activity",
    "a.score",
    "a.last_sent",
    "a.last_delivered",
    "a.last_read",
    "a.last_replied",
    "a.last_clicked",
    "a.created",
    "t.mark",
};

static void put_text(struct buf *out, struct str s, bool lower)
{
    buf_putc(out, '\'');
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '\'')
            buf_putc(out, c);
        buf_putc(out, lower && c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c);
    }
    buf_putc(out, '\'');
}

static void put_one_of(const struct segment_rule *r, const char *column, bool lower, struct buf *out)
{
    buf_printf(out, lower ? "lower(%s) IN (" : "%s IN (", column);
    for (size_t i = 0; i < r->n; i++) {
        buf_puts(out, i > 0 ? ", " : "");
        put_text(out, r->text[i], lower);
    }
    buf_putc(out, ')');
}

static void put_part(const struct segment_rule *r, const char *column, struct buf *out)
{
    if (r->op == OP_CONTAINS)
        buf_printf(out, "instr(lower(%s), ", column);
    else
        buf_printf(out, "substr(lower(%s), %slength(", column, r->op == OP_BEGINS ? "1, " : "-");
    put_text(out, r->text[0], true);
    buf_puts(out, r->op == OP_CONTAINS ? ") > 0" : ")) = ");
    if (r->op != OP_CONTAINS)
        put_text(out, r->text[0], true);
}

static void put_texts(const struct segment_rule *r, const char *column, struct buf *out)
{
    bool free_text = r->about->kind == KIND_TEXT || r->about->kind == KIND_CAMPAIGN;
    if (r->op == OP_KNOWN)
        buf_printf(out, "%s IS NOT NULL", column);
    else if (r->op == OP_EQUAL)
        put_one_of(r, column, free_text, out);
    else
        put_part(r, column, out);
}

static void put_range(const struct segment_range *range, const char *column, struct buf *out)
{
    long long low = (long long)range->low, high = (long long)range->high;
    if (low == high)
        buf_printf(out, "%s = %lld", column, low);
    else if (range->low == INT64_MIN)
        buf_printf(out, "%s <= %lld", column, high);
    else if (range->high == INT64_MAX)
        buf_printf(out, "%s >= %lld", column, low);
    else
        buf_printf(out, "%s BETWEEN %lld AND %lld", column, low, high);
}

/* Numbers one by one are one IN: engines take no thousand terms of OR. */
static void put_ranges(const struct segment_range *range, size_t n, const char *column, struct buf *out)
{
    size_t single = 0;
    while (single < n && range[single].low == range[single].high)
        single++;
    bool in = n > 1 && single == n;
    if (n == 0)
        buf_puts(out, "FALSE");
    if (in)
        buf_printf(out, "%s IN (", column);
    for (size_t i = 0; i < n; i++) {
        buf_puts(out, i == 0 ? "" : in ? ", " : " OR ");
        if (in)
            buf_printf(out, "%lld", (long long)range[i].low);
        else
            put_range(&range[i], column, out);
    }
    buf_puts(out, in ? ")" : "");
}

static int put_measured(const struct segment_rule *r, int64_t now, struct buf *out, struct err *e)
{
    struct buf ranges;
    bool attribute = r->about->place == PLACE_ATTRIBUTE;
    buf_init(&ranges, (SEGMENT_VALUES_MAX + 1) * sizeof(struct segment_range));
    if (!buf_reserve(&ranges, (r->n + 1) * sizeof(struct segment_range)))
        return err_set(e, WL_ENOMEM, "out of memory for SQL");
    struct segment_range *range = (struct segment_range *)(void *)ranges.data;
    if (attribute)
        put_ranges(range, segment_ranges(r, now, range), r->as == AS_NUMBER ? "t.number" : "t.time", out);
    else
        put_ranges(range, segment_column_ranges(r, now, range), columns[r->about - segment_abouts], out);
    buf_done(&ranges);
    return 0;
}

static void put_countries(const struct segment_rule *r, struct buf *out)
{
    struct str rest = {NULL, 0}, country;
    const char *comma = "";
    buf_puts(out, "a.country IN (");
    for (size_t i = 0; segment_next_country(r, &i, &rest, &country); comma = ", ") {
        buf_puts(out, comma);
        put_text(out, country, false);
    }
    buf_putc(out, ')');
}

static int put_comparison(const struct segment_rule *r, int64_t now, struct buf *out, struct err *e)
{
    if (r->as != AS_TEXT || r->about->place == PLACE_NUMBER)
        return put_measured(r, now, out, e);
    if (r->about->place == PLACE_COUNTRIES)
        put_countries(r, out);
    else
        put_texts(r, columns[r->about - segment_abouts], out);
    return 0;
}

/* Of what somebody may have several: a table of its own. */
static const char *table_of(const struct segment_rule *r)
{
    static const struct {
        const char *field, *table;
    } tables[] = {{"tag", "audience_tag"},
                  {"list", "audience_list"},
                  {"import", "audience_import"},
                  {"attribute.", "audience_attribute"},
                  {"campaign", "audience_campaign"}};
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (str_eq(str_of(r->field->name), str_of(tables[i].field)))
            return tables[i].table;
    return NULL;
}

static int put_rule(const struct segment_rule *r, int64_t now, struct buf *out, struct err *e)
{
    const char *table = table_of(r);
    if (r->about->kind == KIND_FLAG) {
        buf_printf(out, "%s = %d", columns[r->about - segment_abouts], r->negated ? 0 : 1);
        return 0;
    }
    if (table != NULL)
        buf_printf(out, "%sEXISTS (SELECT 1 FROM %s t WHERE t.id = a.id", r->negated ? "NOT " : "", table);
    if (r->about->place == PLACE_ATTRIBUTE) {
        buf_puts(out, " AND t.name = ");
        put_text(out, r->attribute, false);
    }
    buf_puts(out, table != NULL ? " AND (" : "(");
    int rc = put_comparison(r, now, out, e);
    buf_puts(out, table != NULL ? "))" : r->negated ? ") IS NOT TRUE" : ") IS TRUE");
    return rc;
}

static int put_node(const struct segment_node *n, int64_t now, struct buf *out, struct err *e)
{
    int rc = 0;
    if (n->is_rule)
        return put_rule(n->rule, now, out, e);
    buf_puts(out, n->negated ? "NOT (" : "(");
    buf_puts(out, n->child == NULL ? "TRUE" : "");
    for (const struct segment_node *c = n->child; rc == 0 && c != NULL; c = c->next) {
        rc = put_node(c, now, out, e);
        buf_puts(out, c->next == NULL ? "" : n->any ? " OR " : " AND ");
    }
    buf_putc(out, ')');
    return rc;
}

int segment_sql(const struct segment *g, int64_t now, struct buf *out, struct err *e)
{
    buf_puts(out, "SELECT a.id FROM audience a WHERE ");
    int rc = put_node(g->root, now, out, e);
    buf_puts(out, " ORDER BY a.id");
    if (rc == 0 && out->failed)
        return err_set(e, WL_ETOOBIG, "the SQL is longer than there is room for");
    return rc;
}
