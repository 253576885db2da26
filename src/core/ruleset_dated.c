/* SPDX-License-Identifier: Apache-2.0
 * ruleset_dated.c - what a rule file says by date: values that hold from a day on, and lists of holidays.
 *
 * A value is a number, a duration or weekly hours, and is the same kind at every date; hours go to a table of the book
 * and the value is their position there. Dates stand in order and never twice, so what was in force on a day can be
 * read off the file. A list of holidays says from when to when it speaks: outside nobody knows, and a rule that asks
 * gets "unknown" instead of a wrong "no holiday". It refuses names that come and go and values that change their kind. */
#include "core/ruleset_build.h"

#define DAY_MS 86400000LL

const char *value_kind_name(enum value_kind k)
{
    static const char *const names[] = {"number", "number", "duration", "week's hours"};
    return names[k];
}

struct yaml key_as_scalar(const struct yaml *n)
{
    struct yaml key = *n;
    key.kind = YAML_SCALAR;
    key.text = n->key;
    return key;
}

/* ---- dated values ---- */

static int value_name(const struct values *v, struct str key)
{
    for (uint16_t i = 0; i < v->n_names; i++)
        if (str_eq(key, str_of(v->name[i])))
            return i;
    return -1;
}

static int read_hours(struct builder *b, const struct yaml *n, struct str text, int64_t *ret, struct err *e)
{
    struct err why = {0};
    if (b->rs->n_hours == HOURS_MAX)
        return yaml_error(n, e, "the rules name more than %d weekly hours", HOURS_MAX);
    struct hours *h = &b->hours[b->rs->n_hours];
    if (hours_parse(text, h, &why) != 0)
        return yaml_error(n, e, "%s", why.text);
    *ret = b->rs->n_hours++;
    return 0;
}

/* 5, 24h, or "mon-fri 07:00-19:00": only hours have a colon, or a blank. */
static int read_value(struct builder *b, const struct yaml *n, int64_t *ret, uint8_t *ret_kind, struct err *e)
{
    struct str text;
    int rc = yaml_str(n, &text, e);
    if (rc != 0)
        return rc;
    if (str_i64(text, ret)) {
        *ret_kind = *ret == 0 ? VALUE_ANY : VALUE_INT;
        return 0;
    }
    if (text.n > 0 && (memchr(text.p, ':', text.n) != NULL || memchr(text.p, ' ', text.n) != NULL)) {
        *ret_kind = VALUE_HOURS;
        return read_hours(b, n, text, ret, e);
    }
    *ret_kind = VALUE_DURATION;
    if (yaml_duration(n, ret, NULL) != 0)
        return yaml_error(n, e, "must be a whole number, a duration such as 30s or 24h, or hours such as \"%s\"",
                          "mon-fri 07:00-19:00");
    return 0;
}

/* The first date gives the names; the others must give the same ones, of the same kind. */
static int read_names(struct builder *b, const struct yaml *first, struct values *v, struct err *e)
{
    if (first->children > NAMES_MAX)
        return yaml_error(first, e, "has more than %d values", NAMES_MAX);
    v->name = arena_new_array(b->rs->arena, const char *, (size_t)first->children + 1);
    v->kind = arena_new_array(b->rs->arena, uint8_t, (size_t)first->children + 1);
    if (v->name == NULL || v->kind == NULL)
        return text_no_memory(e);
    for (const struct yaml *c = first->child; c != NULL; c = c->next) {
        if (c->key.n == 0 || c->key.n > ID_MAX ||
            c->key.p[strspn(c->key.p, "abcdefghijklmnopqrstuvwxyz0123456789_")] != '\0')
            return yaml_error(c, e, "a value's name is lower-case letters, digits and '_'");
        if ((v->name[v->n_names++] = text_copy(b, c->key)) == NULL)
            return text_no_memory(e);
    }
    return 0;
}

static int set_kind(const struct yaml *n, struct values *v, int at, uint8_t kind, struct err *e)
{
    uint8_t before = v->kind[at];
    bool hours = kind == VALUE_HOURS || before == VALUE_HOURS; /* a bare 0 is no week */
    if (v->n_rows > 0 && kind != before && (hours || (kind != VALUE_ANY && before != VALUE_ANY)))
        return yaml_error(n, e, "is a %s at one date and a %s at another", value_kind_name((enum value_kind)before),
                          value_kind_name((enum value_kind)kind));
    if (kind != VALUE_ANY)
        v->kind[at] = kind;
    return 0;
}

/* `off`: from this day nothing is in force. */
static int read_off(const struct yaml *n, const struct values *v, struct err *e)
{
    struct str text = {NULL, 0};
    if (n->kind != YAML_SCALAR || yaml_str(n, &text, NULL) != 0 || !str_eq(text, STR("off")))
        return yaml_error(n, e, "must be a mapping of value names, {} when there are none, or off");
    if (v->n_rows == 0 || v->row[v->n_rows - 1].v == NULL)
        return yaml_error(n, e, "ends what is not in force");
    return 0;
}

static int read_row(struct builder *b, const struct yaml *n, struct values *v, struct value_row *ret, struct err *e)
{
    struct yaml date = key_as_scalar(n);
    int rc = yaml_date(&date, &ret->since, e);
    if (rc != 0 || n->kind != YAML_MAPPING)
        return rc != 0 ? rc : read_off(n, v, e);
    int64_t *row = arena_new_array(b->rs->arena, int64_t, (size_t)v->n_names + 1);
    if (row == NULL)
        return text_no_memory(e);
    for (const struct yaml *c = n->child; c != NULL; c = c->next) {
        uint8_t kind;
        int at = value_name(v, c->key);
        if (at < 0)
            return yaml_error(c, e, "is not among the values of the first date; every date names the same values");
        if ((rc = read_value(b, c, &row[at], &kind, e)) != 0 || (rc = set_kind(c, v, at, kind, e)) != 0)
            return rc;
    }
    if (n->children != v->n_names)
        return yaml_error(n, e, "every date names the same values: %d here, %d at the first date", n->children,
                          v->n_names);
    ret->v = row;
    return 0;
}

int dated_values(struct builder *b, const struct yaml *n, struct values *v, struct err *e)
{
    int rc;
    if (n->kind != YAML_MAPPING || n->child == NULL || n->children > ROWS_MAX)
        return yaml_error(n, e, "must map 1 to %d dates to the values in force from then on", ROWS_MAX);
    v->row = arena_new_array(b->rs->arena, struct value_row, (size_t)n->children);
    v->since = arena_new_array(b->rs->arena, int64_t, (size_t)n->children);
    if (v->row == NULL || v->since == NULL)
        return text_no_memory(e);
    for (const struct yaml *c = n->child; c != NULL; c = c->next) {
        struct value_row row = {0};
        if (c == n->child && c->kind == YAML_MAPPING && (rc = read_names(b, c, v, e)) != 0)
            return rc;
        if ((rc = read_row(b, c, v, &row, e)) != 0)
            return rc;
        if (v->n_rows > 0 && row.since <= v->since[v->n_rows - 1])
            return yaml_error(c, e, "dates stand in order, each later than the one before");
        v->since[v->n_rows] = row.since;
        v->row[v->n_rows++] = row;
    }
    return 0;
}

/* ---- holidays ---- */

static int read_day(const struct yaml *n, int32_t *ret, struct err *e)
{
    int64_t ms;
    int rc = yaml_date(n, &ms, e);
    if (rc == 0)
        *ret = (int32_t)(ms / DAY_MS);
    return rc;
}

static int read_days(struct builder *b, const struct yaml *n, struct holiday_list *l, struct err *e)
{
    if (n->kind != YAML_SEQUENCE || n->child == NULL || n->children > HOLIDAY_DAYS_MAX)
        return yaml_error(n, e, "must be a list of 1 to %d dates", HOLIDAY_DAYS_MAX);
    int32_t *day = arena_new_array(b->rs->arena, int32_t, (size_t)n->children);
    if (day == NULL)
        return text_no_memory(e);
    for (const struct yaml *c = n->child; c != NULL; c = c->next) {
        int32_t *at = &day[l->days.n];
        int rc = read_day(c, at, e);
        if (rc != 0)
            return rc;
        if (*at < l->days.first || *at > l->days.last)
            return yaml_error(c, e, "%.10s lies outside of `from` to `to`", c->text.p);
        if (l->days.n > 0 && *at <= at[-1])
            return yaml_error(c, e, "%.10s: days stand in order, each later than the one before", c->text.p);
        l->days.n++;
    }
    l->days.day = day;
    return 0;
}

static int read_list(struct builder *b, const struct yaml *n, struct holiday_list *l, struct err *e)
{
    static const char *const keys[] = {"from", "to", "cite", "days", NULL};
    int rc = yaml_known_keys(n, keys, "list of holidays", e);
    for (size_t i = 0; keys[i] != NULL && rc == 0; i++)
        if (yaml_get(n, keys[i]) == NULL)
            rc = yaml_error(n, e, "a list of holidays needs `%s`", keys[i]);
    if (rc != 0 || (rc = text_area(b, n, n->key, &l->area, e)) != 0 ||
        (rc = read_day(yaml_get(n, "from"), &l->days.first, e)) != 0 ||
        (rc = read_day(yaml_get(n, "to"), &l->days.last, e)) != 0 ||
        (rc = text_citations(b, yaml_get(n, "cite"), &l->cite, &l->n_cite, e)) != 0)
        return rc;
    if (l->days.last < l->days.first)
        return yaml_error(yaml_get(n, "to"), e, "must not be before `from`");
    return read_days(b, yaml_get(n, "days"), l, e);
}

int dated_holidays(struct builder *b, const struct yaml *n, struct err *e)
{
    struct ruleset *rs = b->rs;
    if (n->kind != YAML_MAPPING || n->child == NULL)
        return yaml_error(n, e, "must map countries or regions to their lists of holidays");
    for (const struct yaml *c = n->child; c != NULL; c = c->next) {
        if (rs->n_holidays == HOLIDAYS_MAX)
            return yaml_error(c, e, "the rules have more than %d lists of holidays", HOLIDAYS_MAX);
        int rc = read_list(b, c, &rs->holidays[rs->n_holidays], e);
        if (rc != 0)
            return rc;
        rs->n_holidays++;
        b->set->n_lists++;
    }
    return 0;
}

int dated_list(struct builder *b, const struct yaml *n, uint32_t *ret, struct err *e)
{
    struct str text;
    int rc = yaml_str(n, &text, e);
    if (rc != 0)
        return rc;
    for (uint32_t i = b->set->first_list; i < b->set->first_list + b->set->n_lists; i++) {
        if (str_eq(text, str_of(b->rs->holidays[i].area))) {
            *ret = i;
            return 0;
        }
    }
    return yaml_error(n, e, "%.*s is not among the set's `holidays`", (int)(text.n > 60 ? 60 : text.n), text.p);
}
