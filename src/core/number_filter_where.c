/* SPDX-License-Identifier: Apache-2.0
 * number_filter_where.c - conditions on the columns of a table: read, and asked of a row.
 *
 * "plan = gold|silver": a name, a sign, a value. The sign that stands first counts, the longer of two at one place.
 * Comparing by size is for decimal numbers and for days; anything else on either side does not hold, so that a
 * price "n/a" is neither above nor below 10. */
#include "core/number_filter_impl.h"

#include <string.h>

#define WHOLES   18 /* digits before the point */
#define DECIMALS 9  /* behind the point; more are cut off */

const char *const filter_relation_sign[FILTER_RELATIONS] = {
    [IS] = "=", [IS_NOT] = "!=", [HAS] = "~", [BELOW] = "<", [AT_MOST] = "<=", [ABOVE] = ">", [AT_LEAST] = ">="};

/* ---- reading */

/* The sign at the beginning of s, the longest. FILTER_RELATIONS: none. */
static enum filter_relation sign_at(struct str s, size_t *ret_n)
{
    enum filter_relation best = FILTER_RELATIONS;
    *ret_n = 0;
    for (int r = 0; r < FILTER_RELATIONS; r++) {
        struct str sign = str_of(filter_relation_sign[r]);
        if (sign.n > *ret_n && str_starts(s, sign)) {
            best = (enum filter_relation)r;
            *ret_n = sign.n;
        }
    }
    return best;
}

static int column_of(struct number_filter *f, struct str name, size_t *ret, struct err *e)
{
    for (*ret = 0; *ret < f->columns; ++*ret)
        if (str_ieq(f->column[*ret], name))
            return 0;
    if (f->columns == NUMBER_FILTER_COLUMNS_MAX)
        return err_set(e, WL_ETOOBIG, "where: more than %d columns", NUMBER_FILTER_COLUMNS_MAX);
    f->column[f->columns++] = name;
    return 0;
}

static bool is_size(struct str s);

int filter_where_add(struct number_filter *f, struct str text, struct err *e)
{
    struct str s = str_trim(text);
    size_t at = 0, n = 0;
    enum filter_relation r = FILTER_RELATIONS;
    int show = s.n > 60 ? 60 : (int)s.n;
    for (; at < s.n && r == FILTER_RELATIONS; at++)
        r = sign_at((struct str){s.p + at, s.n - at}, &n);
    struct str name = str_trim((struct str){s.p, at > 0 ? at - 1 : 0});
    if (r == FILTER_RELATIONS || name.n == 0)
        return err_set(e, WL_EINVAL,
                       "where: \"%.*s\": a column, one of = != ~ < <= > >=, and a value are wanted, as in plan = gold",
                       show, show > 0 ? s.p : "");
    struct str value = str_trim((struct str){s.p + at - 1 + n, s.n - (at - 1) - n});
    if (r >= BELOW && !is_size(value))
        return err_set(e, WL_EINVAL, "where: \"%.*s\": behind %s a number or a day such as 2026-11-22 is wanted", show,
                       s.p, filter_relation_sign[r]);
    if (r == HAS && value.n == 0)
        return err_set(e, WL_EINVAL, "where: \"%.*s\": behind ~ a text is wanted", show, s.p);
    struct filter_where *w = arena_new(f->arena, struct filter_where);
    if (w == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for a filter");
    *w = (struct filter_where){.relation = r, .value = value};
    int rc = column_of(f, name, &w->column, e);
    if (rc != 0)
        return rc;
    *f->where_tail = w;
    f->where_tail = &w->next;
    return 0;
}

/* ---- asking */

static char low(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool has_part(struct str cell, struct str part)
{
    for (size_t i = 0; i + part.n <= cell.n; i++) {
        size_t k = 0;
        while (k < part.n && low(cell.p[i + k]) == low(part.p[k]))
            k++;
        if (k == part.n)
            return true;
    }
    return false;
}

static bool is_one_of(struct str cell, struct str values)
{
    do {
        struct str rest, one = str_trim(str_cut(values, '|', &rest));
        if (str_ieq(cell, one))
            return true;
        values = rest;
    } while (values.p != NULL);
    return false;
}

/* Something with a size: a decimal number with its billionths, or a day as yyyymmdd. */
struct size {
    enum { NO_SIZE, NUMBER, DAY } kind;
    int64_t whole, part;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool read_day(struct str s, struct size *ret)
{
    static const char shape[] = "dddd-dd-dd";
    if (s.n < sizeof shape - 1 || (s.n > sizeof shape - 1 && is_digit(s.p[sizeof shape - 1])))
        return false;
    ret->whole = 0;
    for (size_t i = 0; i < sizeof shape - 1; i++) {
        if (shape[i] == 'd' ? !is_digit(s.p[i]) : s.p[i] != shape[i])
            return false;
        if (shape[i] == 'd')
            ret->whole = ret->whole * 10 + (s.p[i] - '0');
    }
    ret->kind = DAY;
    return true;
}

/* The digits up to the first other byte; how many there are. The first `most` count. */
static size_t read_digits(struct str s, size_t most, int64_t *ret)
{
    size_t n = 0;
    for (*ret = 0; n < s.n && is_digit(s.p[n]); n++)
        if (n < most)
            *ret = *ret * 10 + (s.p[n] - '0');
    return n;
}

static bool read_number(struct str s, struct size *ret)
{
    bool minus = s.n > 0 && s.p[0] == '-';
    size_t sign = minus || (s.n > 0 && s.p[0] == '+') ? 1 : 0;
    size_t before = read_digits((struct str){s.p + sign, s.n - sign}, WHOLES, &ret->whole), at = sign + before,
           behind = 0;
    ret->part = 0;
    if (at < s.n && s.p[at] == '.') {
        at++;
        behind = read_digits((struct str){s.p + at, s.n - at}, DECIMALS, &ret->part);
        for (size_t i = behind; i < DECIMALS; i++)
            ret->part *= 10;
    }
    ret->whole = minus ? -ret->whole : ret->whole;
    ret->part = minus ? -ret->part : ret->part;
    ret->kind = NUMBER;
    return before <= WHOLES && before + behind > 0 && at + behind == s.n;
}

static struct size size_of(struct str s)
{
    struct size ret = {NO_SIZE, 0, 0};
    if (!read_day(s, &ret) && !read_number(s, &ret))
        ret.kind = NO_SIZE;
    return ret;
}

static bool is_size(struct str s)
{
    return size_of(s).kind != NO_SIZE;
}

static bool compares(struct str cell, enum filter_relation r, struct str value)
{
    struct size a = size_of(cell), b = size_of(value);
    if (a.kind == NO_SIZE || a.kind != b.kind)
        return false;
    int order = a.whole != b.whole ? (a.whole < b.whole ? -1 : 1) : a.part < b.part ? -1 : a.part > b.part;
    return r == BELOW ? order < 0 : r == AT_MOST ? order <= 0 : r == ABOVE ? order > 0 : order >= 0;
}

static bool holds(const struct filter_where *w, struct str cell)
{
    switch (w->relation) {
    case IS:
        return is_one_of(cell, w->value);
    case IS_NOT:
        return !is_one_of(cell, w->value);
    case HAS:
        return has_part(cell, w->value);
    default:
        return compares(cell, w->relation, w->value);
    }
}

bool filter_where_holds(const struct number_filter *f, const struct str *value)
{
    for (const struct filter_where *w = f->where; w != NULL; w = w->next)
        if (!holds(w, str_trim(value[w->column])))
            return false;
    return true;
}
