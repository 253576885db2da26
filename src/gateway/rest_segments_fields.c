/* SPDX-License-Identifier: Apache-2.0
 * rest_segments_fields.c - what a query can ask about, for a console's menus: fields with their operators, and the values each has.
 *
 * The fields are those the core reads queries by, so that the list cannot be another one; the attributes the business gives its
 * contacts follow, the most used first. How the read model stands is here, too. */
#include <stdio.h>

#include "base/yaml.h"
#include "gateway/campaign_id.h"
#include "gateway/rest_segment.h"

#define ATTRIBUTES_SHOWN 500
#define VALUES_DEFAULT   50
#define VALUES_MOST      1000
#define NEAR_MAX         64

/* "a b c" as an array of texts. */
static void put_words(struct json_out *o, const char *key, const char *words)
{
    jo_key(o, key);
    if (words == NULL) {
        jo_null(o);
        return;
    }
    jo_array(o);
    for (struct str rest = str_of(words); rest.p != NULL;) {
        struct str word = str_cut(rest, ' ', &rest);
        if (word.n > 0)
            jo_str(o, word);
    }
    jo_end(o);
}

static void put_field(struct json_out *o, const struct segment_field *f, struct str name, struct str label,
                      int64_t people)
{
    jo_object(o);
    jo_kstr(o, "name", name);
    jo_kstr(o, "label", label);
    jo_kcstr(o, "type", f->type);
    put_words(o, "operators", f->operators);
    put_words(o, "values", f->values);
    jo_kcstr(o, "doc", f->doc);
    if (people >= 0)
        jo_kint(o, "people", people);
    jo_end(o);
}

/* "attribute." stands for any: each that somebody has, by name. */
static int put_attributes(struct segment_ask *q, const struct segment_field *f, struct err *e)
{
    struct audience_value *v = NULL;
    size_t n = 0;
    int rc = audience_values(q->au, STR("attribute"), ATTRIBUTES_SHOWN, q->a, &v, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const char *name = arena_printf(q->a, "attribute.%.*s", (int)v[i].value.n, v[i].value.p);
        if (name == NULL)
            return err_set(e, WL_ENOMEM, "the answer is larger than its memory limit");
        put_field(&q->c->out, f, str_of(name), v[i].value, (int64_t)v[i].people);
    }
    return rc;
}

static bool is_family(const struct segment_field *f)
{
    size_t n = strlen(f->name);
    return f->name[n - 1] == '.';
}

static int answer_fields(struct segment_ask *q, struct err *e)
{
    struct json_out *o = &q->c->out;
    int rc = 0;
    jo_object(o);
    rest_segment_head(q);
    jo_key(o, "fields");
    jo_array(o);
    for (const struct segment_field *f = segment_fields; f->name != NULL && rc == 0; f++) {
        put_field(o, f, str_of(f->name), str_of(f->label), -1);
        if (is_family(f))
            rc = put_attributes(q, f, e);
    }
    jo_end(o);
    jo_end(o);
    return rc;
}

/* --- values ----------------------------------------------------------------------------------------------------------- */

static const struct segment_field *field_of(struct str name)
{
    const struct segment_field *f = segment_fields;
    while (f->name != NULL && !str_eq(name, str_of(f->name)) &&
           !(is_family(f) && str_starts(name, str_of(f->name)) && name.n > strlen(f->name)))
        f++;
    return f->name != NULL ? f : NULL;
}

static int no_field(struct rest_call *c)
{
    const char *names[NEAR_MAX + 1] = {NULL};
    for (size_t i = 0; i < NEAR_MAX && segment_fields[i].name != NULL; i++)
        names[i] = segment_fields[i].name;
    const char *near = nearest_word(c->param, names);
    struct str shown = str_clip(c->param, 64);
    return rest_wrong(c, WL_ENOTFOUND, "field", "there is no field '%.*s'%s%s%s", (int)shown.n, shown.p,
                      near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
}

static int answer_values(struct segment_ask *q, struct err *e)
{
    struct json_out *o = &q->c->out;
    struct audience_value *v = NULL;
    struct err why = {0};
    size_t n = 0;
    int rc = audience_values(q->au, q->field, q->limit + 1, q->a, &v, &n, &why);
    if (rc == WL_EINVAL)
        return rest_wrong(q->c, WL_EINVAL, "field", "%s", why.text);
    if (rc != 0)
        return err_set(e, rc, "%s", why.text);
    jo_object(o);
    rest_segment_head(q);
    jo_kstr(o, "field", q->field);
    jo_key(o, "values");
    jo_array(o);
    for (size_t i = 0; i < n && i < q->limit; i++) {
        jo_object(o);
        jo_kstr(o, "value", v[i].value);
        jo_kint(o, "people", (int64_t)v[i].people);
        jo_end(o);
    }
    jo_end(o);
    jo_kbool(o, "more", n > q->limit);
    jo_end(o);
    return 0;
}

/* --- asked ------------------------------------------------------------------------------------------------------------ */

static bool read_limit(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_size(v, VALUES_MOST, &((struct segment_ask *)to)->limit);
}

static bool read_fresh(void *to, struct str v, int64_t now)
{
    (void)now;
    return rest_read_flag(v, &((struct segment_ask *)to)->job.fresh);
}

static const struct rest_parameter fields_parameters[] = {
    {"fresh", read_fresh, "fresh is true or false", false},
    {0},
};

static const struct rest_parameter values_parameters[] = {
    {"limit", read_limit, "limit is a number from 1 to 1000", false},
    {"fresh", read_fresh, "fresh is true or false", false},
    {0},
};

int rest_segments_fields(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct segment_ask *q = rest_segment_ask(c, answer_fields);
    (void)s, (void)e;
    if (q != NULL && rest_query(c, a, fields_parameters, q, now))
        rest_segment_send(q);
    return 0;
}

int rest_segments_values(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct segment_ask *q = rest_segment_ask(c, answer_values);
    (void)s, (void)e;
    if (q == NULL)
        return 0;
    q->limit = VALUES_DEFAULT;
    q->field = c->param;
    if (!rest_query(c, a, values_parameters, q, now))
        return 0;
    if (field_of(c->param) == NULL)
        return no_field(c);
    rest_segment_send(q);
    return 0;
}

int rest_segments_model(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct audiences_look l;
    struct json_out *o = &c->out;
    (void)s, (void)a, (void)e, (void)now;
    audiences_look(c->g->audiences, &l);
    jo_object(o);
    rest_time(o, "built_at", l.at);
    jo_kint(o, "took_ms", l.took_ms);
    jo_kint(o, "builds", l.builds);
    jo_kbool(o, "building", l.building);
    jo_kbool(o, "current", l.current);
    jo_kint(o, "people", (int64_t)l.people);
    jo_kint(o, "bytes", (int64_t)l.bytes);
    jo_kint(o, "campaigns", (int64_t)l.campaigns);
    jo_kint(o, "marks", l.marks);
    jo_end(o);
    return 0;
}
