/* SPDX-License-Identifier: Apache-2.0
 * sandbox_people_text.c - the model of people as it is written: words of the command line, and JSON.
 *
 * Both go the same way: a member is a name and a text. Rates are shares, "3%" or "0.03"; underscores and hyphens are alike.
 * What is not understood is refused with its name, and nothing of the whole is taken then. */
#include "sandbox/sandbox_people.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MILLION 1000000

static const char *const way_names[] = {"any", "text", "button", "preference"};

static bool same_word(struct str a, const char *b)
{
    if (a.n != strlen(b))
        return false;
    for (size_t i = 0; i < a.n; i++)
        if ((a.p[i] == '-' ? '_' : a.p[i]) != b[i])
            return false;
    return true;
}

static int wrong(struct err *e, struct str name, const char *wants, struct str value)
{
    return err_set(e, WL_EINVAL, "\"%.*s\" wants %s, not \"%.*s\"", (int)(name.n < 40 ? name.n : 40),
                   name.n ? name.p : "", wants, (int)(value.n < 40 ? value.n : 40), value.n ? value.p : "");
}

/* A decimal without sign, at most six digits behind the point, in millionths. */
static bool read_decimal(struct str s, int64_t most, int64_t *ret)
{
    int64_t v = 0, unit = 0;
    size_t digits = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '.' && unit == 0) {
            unit = MILLION;
            continue;
        }
        if (s.p[i] < '0' || s.p[i] > '9' || unit == 1 || v > INT64_MAX / 20)
            return false;
        v = v * 10 + (s.p[i] - '0');
        unit /= 10;
        digits++;
    }
    v *= unit == 0 && memchr(s.n ? s.p : "", '.', s.n) == NULL ? MILLION : unit;
    *ret = v;
    return digits > 0 && v <= most;
}

static bool read_share(struct str s, uint32_t *ret)
{
    int64_t v = 0;
    bool percent = s.n > 0 && s.p[s.n - 1] == '%';
    if (!read_decimal((struct str){s.p, s.n - percent}, percent ? 100LL * MILLION : MILLION, &v))
        return false;
    *ret = (uint32_t)(percent ? v / 100 : v);
    return true;
}

/* --- one member --------------------------------------------------------------------------------------------------- */

static int set_rate(struct people_group *g, struct str name, struct str value, struct err *e)
{
    for (size_t r = 0; r < PEOPLE_RATES; r++) {
        if (!same_word(name, people_rate_names[r]))
            continue;
        if (!read_share(value, &g->ppm[r]))
            return wrong(e, name, "a share, as in 3% or 0.03", value);
        g->set[r] = true;
        return 0;
    }
    return err_set(
        e, WL_EINVAL,
        "\"%.*s\" is nothing people have: read, opt_out, complaint, undeliverable, held_back, receipts_off, reply",
        (int)(name.n < 40 ? name.n : 40), name.n ? name.p : "");
}

static int set_times(double *field, struct str name, struct str value, struct err *e)
{
    int64_t v = 0;
    if (!read_decimal(value, INT64_C(1000000) * MILLION, &v) || v < MILLION / 1000)
        return wrong(e, name, "a number from 0.001 to 1000000", value);
    *field = (double)v / MILLION;
    return 0;
}

/* Of the whole. */
static int set_member(struct people_model *m, struct str name, struct str value, struct err *e)
{
    int64_t v = 0;
    if (same_word(name, "seed")) {
        if (!str_i64(value, &v) || v < 0)
            return wrong(e, name, "a number from 0 on", value);
        m->seed = (uint64_t)v;
        return 0;
    }
    if (same_word(name, "speed"))
        return set_times(&m->speed, name, value, e);
    if (same_word(name, "factor"))
        return set_times(&m->factor, name, value, e);
    if (!same_word(name, "way"))
        return set_rate(&m->group[0], name, value, e);
    for (size_t i = 0; i < sizeof way_names / sizeof *way_names; i++)
        if (same_word(value, way_names[i])) {
            m->way = (enum people_way)i;
            return 0;
        }
    return wrong(e, name, "any, text, button or preference", value);
}

static int add_prefixes(struct people_group *g, struct str list, struct err *e)
{
    while (list.n > 0) {
        struct str rest, word = str_trim(str_cut(list, ' ', &rest));
        size_t skip = word.n > 0 && word.p[0] == '+';
        list = rest;
        if (word.n == 0)
            continue;
        if (g->n_prefixes == PEOPLE_PREFIXES)
            return err_set(e, WL_EINVAL, "at most %d prefixes in a group", PEOPLE_PREFIXES);
        if (word.n - skip == 0 || word.n - skip >= sizeof g->prefix[0])
            return wrong(e, STR("prefix"), "1 to 15 digits", word);
        snprintf(g->prefix[g->n_prefixes++], sizeof g->prefix[0], "%.*s", (int)(word.n - skip), word.p + skip);
    }
    return 0;
}

static int set_group_member(struct people_group *g, struct str name, struct str value, struct err *e)
{
    if (same_word(name, "prefix"))
        return add_prefixes(g, value, e);
    if (same_word(name, "name")) {
        snprintf(g->name, sizeof g->name, "%.*s", (int)(value.n < 31 ? value.n : 31), value.n ? value.p : "");
        return 0;
    }
    if (!same_word(name, "share"))
        return set_rate(g, name, value, e);
    return read_share(value, &g->share) ? 0 : wrong(e, name, "a share, as in 10% or 0.1", value);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

typedef int (*member_fn)(void *into, struct str name, struct str value, struct err *e);

static int model_member(void *into, struct str name, struct str value, struct err *e)
{
    return set_member(into, name, value, e);
}

static int group_member(void *into, struct str name, struct str value, struct err *e)
{
    return set_group_member(into, name, value, e);
}

static int read_members(struct str text, member_fn set, void *into, struct err *e)
{
    for (struct str rest = text; rest.n > 0;) {
        struct str value, name = str_trim(str_cut(str_cut(rest, ',', &rest), '=', &value));
        if (name.n == 0 && value.p == NULL)
            continue;
        if (value.p == NULL)
            return err_set(e, WL_EINVAL, "\"%.*s\" has no value: write it as name=value",
                           (int)(name.n < 40 ? name.n : 40), name.p);
        int rc = set(into, name, str_trim(value), e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int people_read(struct people_model *m, struct str text, struct err *e)
{
    struct people_model copy = *m;
    int rc = read_members(text, model_member, &copy, e);
    if (rc == 0)
        *m = copy;
    return rc;
}

static int check_group(const struct people_group *g, struct err *e)
{
    if (g->share == 0 && g->n_prefixes == 0 && g->n_listed == 0)
        return err_set(e, WL_EINVAL, "a group of people needs a share, a prefix or numbers: nobody would be in it");
    return 0;
}

static int new_group(struct people_model *m, struct people_group *ret, struct err *e)
{
    if (m->n_groups == PEOPLE_GROUPS)
        return err_set(e, WL_EINVAL, "at most %d groups of people", PEOPLE_GROUPS - 1);
    *ret = (struct people_group){0};
    snprintf(ret->name, sizeof ret->name, "group %zu", m->n_groups);
    return 0;
}

int people_read_group(struct people_model *m, struct str text, struct err *e)
{
    struct people_group g;
    struct str members, name = str_cut(text, ':', &members);
    int rc = new_group(m, &g, e);
    if (rc == 0 && members.p != NULL)
        rc = set_group_member(&g, STR("name"), str_trim(name), e);
    if (rc == 0)
        rc = read_members(members.p != NULL ? members : text, group_member, &g, e);
    if (rc == 0)
        rc = check_group(&g, e);
    if (rc == 0)
        m->group[m->n_groups++] = g;
    return rc;
}

/* --- JSON --------------------------------------------------------------------------------------------------------- */

/* A string as it is, a number as it is written. */
static struct str text_of(struct json v, struct buf *scratch)
{
    struct str s;
    if (json_str(v, &s))
        return s;
    buf_clear(scratch);
    json_write_value(scratch, v);
    return buf_str(scratch);
}

static int compare(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

static int read_numbers(struct people_group *g, struct json list, struct err *e)
{
    size_t n = json_count(list);
    struct buf scratch;
    if (json_type(list) != JSON_ARRAY || n > PEOPLE_LISTED)
        return err_set(e, WL_EINVAL, "\"numbers\" wants a list of at most %d numbers", PEOPLE_LISTED);
    free(g->listed);
    g->n_listed = 0;
    if ((g->listed = calloc(n + 1, sizeof *g->listed)) == NULL)
        abort();
    buf_init(&scratch, 4096);
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct str s = text_of(it.value, &scratch);
        if (s.n > 0 && s.p[0] == '+')
            s = (struct str){s.p + 1, s.n - 1};
        g->listed[g->n_listed++] = people_key(s);
    }
    buf_done(&scratch);
    qsort(g->listed, g->n_listed, sizeof *g->listed, compare);
    return 0;
}

static int read_prefix(struct people_group *g, struct json v, struct buf *scratch, struct err *e)
{
    int rc = 0;
    if (json_type(v) != JSON_ARRAY)
        return add_prefixes(g, text_of(v, scratch), e);
    for (struct json_iter it = json_iter(v); rc == 0 && json_next(&it);)
        rc = add_prefixes(g, text_of(it.value, scratch), e);
    return rc;
}

static int read_json_group(struct people_model *m, struct json object, struct buf *scratch, struct err *e)
{
    struct people_group g;
    int rc = new_group(m, &g, e);
    if (rc == 0 && json_type(object) != JSON_OBJECT)
        rc = err_set(e, WL_EINVAL, "\"groups\" wants a list of objects");
    for (struct json_iter it = json_iter(object); rc == 0 && json_next(&it);) {
        if (str_eq(it.key, STR("numbers")))
            rc = read_numbers(&g, it.value, e);
        else if (str_eq(it.key, STR("prefix")))
            rc = read_prefix(&g, it.value, scratch, e);
        else
            rc = set_group_member(&g, it.key, text_of(it.value, scratch), e);
    }
    if (rc == 0)
        rc = check_group(&g, e);
    if (rc == 0)
        m->group[m->n_groups++] = g;
    else
        free(g.listed);
    return rc;
}

static int read_json_groups(struct people_model *m, struct json list, struct buf *scratch, struct err *e)
{
    int rc = json_type(list) == JSON_ARRAY ? 0 : err_set(e, WL_EINVAL, "\"groups\" wants a list of objects");
    if (rc != 0)
        return rc;
    for (size_t i = 1; i < m->n_groups; i++)
        free(m->group[i].listed);
    m->n_groups = 1;
    for (struct json_iter it = json_iter(list); rc == 0 && json_next(&it);)
        rc = read_json_group(m, it.value, scratch, e);
    return rc;
}

int people_read_json(struct people_model *m, struct json object, struct err *e)
{
    struct people_model copy;
    struct buf scratch;
    int rc = 0;
    people_copy(&copy, m);
    buf_init(&scratch, 4096);
    for (struct json_iter it = json_iter(object); rc == 0 && json_next(&it);) {
        if (str_eq(it.key, STR("on")))
            continue;
        rc = str_eq(it.key, STR("groups")) ? read_json_groups(&copy, it.value, &scratch, e)
                                           : set_member(&copy, it.key, text_of(it.value, &scratch), e);
    }
    buf_done(&scratch);
    people_done(rc == 0 ? m : &copy);
    if (rc == 0)
        *m = copy;
    return rc;
}

static void write_share(struct json_out *o, const char *name, uint32_t ppm)
{
    char text[32];
    snprintf(text, sizeof text, "%g%%", (double)ppm / 10000);
    jo_kcstr(o, name, text);
}

static void write_group(const struct people_group *g, bool all, struct json_out *o)
{
    for (size_t r = 0; r < PEOPLE_RATES; r++)
        if (all || g->set[r])
            write_share(o, people_rate_names[r], g->ppm[r]);
}

void people_write_json(const struct people_model *m, struct json_out *o)
{
    char text[32];
    jo_kint(o, "seed", (int64_t)m->seed);
    snprintf(text, sizeof text, "%g", m->speed);
    jo_kcstr(o, "speed", text);
    snprintf(text, sizeof text, "%g", m->factor);
    jo_kcstr(o, "factor", text);
    jo_kcstr(o, "way", way_names[m->way]);
    write_group(&m->group[0], true, o);
    jo_key(o, "groups");
    jo_array(o);
    for (size_t i = 1; i < m->n_groups; i++) {
        const struct people_group *g = &m->group[i];
        jo_object(o);
        jo_kcstr(o, "name", g->name);
        if (g->share > 0)
            write_share(o, "share", g->share);
        jo_key(o, "prefix");
        jo_array(o);
        for (size_t k = 0; k < g->n_prefixes; k++)
            jo_cstr(o, g->prefix[k]);
        jo_end(o);
        jo_kint(o, "numbers", (int64_t)g->n_listed);
        write_group(g, false, o);
        jo_end(o);
    }
    jo_end(o);
}
