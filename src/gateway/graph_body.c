/* SPDX-License-Identifier: Apache-2.0
 * graph_body.c - JSON, urlencoded, multipart and query fields read as one object.
 *
 * The usual case, a JSON body and a query without message fields, is parsed in place. Every other case builds the text
 * of an equivalent object and parses that: a form value that is itself JSON (an object or an array, as the Graph API
 * expects for structured parameters) goes in as it is, anything else as a string. */
#include "gateway/graph_body.h"

#include "gateway/graph_path.h"

#define MERGED_MAX (4u << 20)

static const char *const call_parameters[] = {
    "access_token", "appsecret_proof", "appsecret_time",     "method",   "fields",      "format",          "locale",
    "pretty",       "debug",           "suppress_http_code", "callback", "date_format", "include_headers", NULL};

bool graph_call_parameter(struct str name)
{
    for (size_t i = 0; call_parameters[i] != NULL; i++)
        if (str_eq(name, str_of(call_parameters[i])))
            return true;
    return false;
}

static bool has_message_fields(const struct form *query)
{
    for (size_t i = 0; i < query->n; i++)
        if (!graph_call_parameter(query->fields[i].name))
            return true;
    return false;
}

/* A structured parameter goes in as JSON when it is JSON, else as text. */
static void put_value(struct json_out *o, struct json_parser *scratch, struct str value)
{
    struct str t = str_trim(value);
    struct json v;
    if (t.n > 1 && (t.p[0] == '{' || t.p[0] == '[') && json_parse(scratch, t, false, &v, NULL) == 0)
        jo_raw(o, t);
    else
        jo_str(o, value);
}

static bool in_form(const struct form *f, size_t before, struct str name)
{
    for (size_t i = 0; i < before; i++)
        if (str_eq(f->fields[i].name, name))
            return true;
    return false;
}

static int put_form(struct json_out *o, struct json_parser *scratch, const struct form *f, const struct form *other,
                    struct err *e)
{
    for (size_t i = 0; i < f->n; i++) {
        const struct form_field *field = &f->fields[i];
        if (!graph_plain_name(field->name) || (field->filename.p != NULL && graph_deciding_field(field->name)))
            return err_set(e, WL_EINVAL, "the parameter '%.64s' can be read in more than one way", field->name.p);
        if (in_form(f, i, field->name) ||
            (other != NULL && !graph_call_parameter(field->name) && in_form(other, other->n, field->name)))
            return err_set(e, WL_EINVAL, "the parameter '%.64s' is given twice", field->name.p);
        if (field->filename.p != NULL)
            continue;
        jo_key_str(o, field->name);
        put_value(o, scratch, field->value);
    }
    return 0;
}

/* The members of a JSON body, which must not stand in the query too. */
static int put_members(struct json_out *o, struct json body, const struct form *query, struct buf *out, struct err *e)
{
    struct str twice = json_duplicate_key(body);
    if (twice.p != NULL)
        return err_set(e, WL_EINVAL, "the key '%.*s' is given twice", (int)(twice.n < 64 ? twice.n : 64), twice.p);
    for (struct json_iter it = json_iter(body); json_next(&it);) {
        if (in_form(query, query->n, it.key) && !graph_call_parameter(it.key))
            return err_set(e, WL_EINVAL, "the parameter '%.*s' is given in the query and in the body",
                           (int)(it.key.n < 64 ? it.key.n : 64), it.key.p);
        struct buf one;
        buf_init(&one, out->max);
        json_write_value(&one, it.value);
        jo_key_str(o, it.key);
        jo_raw(o, buf_str(&one));
        buf_done(&one);
    }
    return 0;
}

static int merge(struct arena *a, struct json_parser *parser, const struct form *form, struct json body,
                 const struct form *query, struct json *ret, struct err *e)
{
    struct buf out;
    struct json_out o;
    buf_init(&out, MERGED_MAX);
    json_out_init(&o, &out);
    struct json_parser *scratch = json_parser_create(); /* the body may still live in `parser` */
    jo_object(&o);
    int rc = form != NULL ? put_form(&o, scratch, form, query, e) : put_members(&o, body, query, &out, e);
    struct form extra = {.fields = arena_new_array(a, struct form_field, query->n + 1)};
    for (size_t i = 0; extra.fields != NULL && i < query->n; i++)
        if (!graph_call_parameter(query->fields[i].name))
            extra.fields[extra.n++] = query->fields[i];
    if (rc == 0)
        rc = put_form(&o, scratch, &extra, NULL, e);
    jo_end(&o);
    json_parser_free(scratch);
    char *text = rc == 0 && !out.failed ? arena_strndup(a, buf_cstr(&out), out.len) : NULL;
    if (rc == 0 && text == NULL)
        rc = err_set(e, WL_ETOOBIG, "the parameters are too large");
    if (rc == 0)
        rc = json_parse(parser, (struct str){text, out.len}, false, ret, e);
    buf_done(&out);
    return rc;
}

static struct str find_token(const struct form *form, const struct form *query, struct json root)
{
    const struct form_field *f = form_get(query, "access_token");
    if (f == NULL && form != NULL)
        f = form_get(form, "access_token");
    return f != NULL ? f->value : json_str_or(json_get(root, "access_token"), (struct str){NULL, 0});
}

int graph_body_parse(struct arena *a, struct json_parser *parser, struct str content_type, struct str body, bool padded,
                     const struct form *query, struct graph_body *ret, struct err *e)
{
    struct graph_body b = {0};
    struct form form = {0}, *as_form = NULL;
    int rc = 0;
    if (media_type_is(content_type, "multipart/form-data")) {
        rc = form_multipart(a, content_type, body, &form, e);
        as_form = &form;
        for (size_t i = 0; i < form.n; i++)
            b.files |= form.fields[i].filename.p != NULL;
    } else if (media_type_is(content_type, "application/x-www-form-urlencoded") || str_trim(body).n == 0) {
        rc = form_urlencoded(a, str_trim(body), &form, e);
        as_form = &form;
    } else {
        rc = json_parse(parser, body, padded, &b.root, e);
        if (rc != 0) {
            err_prefix(e, "the body");
            return rc;
        }
        if (json_type(b.root) != JSON_OBJECT)
            return err_set(e, WL_EINVAL, "the body must be a JSON object");
    }
    if (rc != 0)
        return rc;
    b.form = as_form != NULL;
    b.merged = as_form != NULL || has_message_fields(query);
    if (b.merged)
        rc = merge(a, parser, as_form, b.root, query, &b.root, e);
    if (rc != 0)
        return rc;
    b.token = find_token(as_form, query, b.root);
    *ret = b;
    return 0;
}
