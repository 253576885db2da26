/* SPDX-License-Identifier: Apache-2.0
 * sandbox_template_check.c - whether the components of a send fit the template, with Meta's words when they do not.
 *
 * Counts are compared first (132000), then formats (132012), then what buttons need (131008), then the text of each
 * value. It looks at header, body and buttons; cards of a carousel are taken as they come. */
#include "sandbox/sandbox_templates.h"

#include <string.h>

static struct json find_component(struct json components, const char *type)
{
    for (struct json_iter it = json_iter(components); json_next(&it);)
        if (str_ieq(json_str_or(json_get(it.value, "type"), STR("")), str_of(type)))
            return it.value;
    return (struct json){0};
}

/* New lines, tabs and runs of more than four spaces are not allowed in a value. */
static bool text_allowed(struct str text)
{
    size_t spaces = 0;
    for (size_t i = 0; i < text.n; i++) {
        spaces = text.p[i] == ' ' ? spaces + 1 : 0;
        if (text.p[i] == '\n' || text.p[i] == '\r' || text.p[i] == '\t' || spaces > 4)
            return false;
    }
    return true;
}

static bool check_text(struct call *c, struct json parameter)
{
    struct str type = json_str_or(json_get(parameter, "type"), STR(""));
    struct str text;
    if (!str_ieq(type, STR("text")))
        return true;
    if (!json_str(json_get(parameter, "text"), &text)) {
        sbx_fail(c, 131008, "Parameter of type text is missing text value");
        return false;
    }
    if (!text_allowed(text)) {
        sbx_fail(c, 100, "Param text cannot have new-line/tab characters or more than 4 consecutive spaces");
        return false;
    }
    return true;
}

static bool check_name(struct call *c, const struct sbx_variables *want, struct json parameter)
{
    struct str name = json_str_or(json_get(parameter, "parameter_name"), STR(""));
    for (size_t i = 0; i < want->n; i++)
        if (str_eq(want->names[i], name))
            return true;
    sbx_fail(c, 100, "Parameter name is missing or empty");
    return false;
}

static bool check_variables(struct call *c, const struct sbx_template *t, const struct sbx_variables *want,
                            struct json component, const char *place)
{
    struct json parameters = json_get(component, "parameters");
    size_t given = json_count(parameters);
    if (given != want->n) {
        sbx_fail(c, 132000, "%s: number of localizable_params (%zu) does not match the expected number of params (%zu)",
                 place, given, want->n);
        return false;
    }
    for (struct json_iter it = json_iter(parameters); json_next(&it);)
        if ((t->named && !check_name(c, want, it.value)) || !check_text(c, it.value))
            return false;
    return true;
}

static bool check_header(struct call *c, const struct sbx_template *t, struct json component)
{
    if (t->header == SBX_HEADER_NONE || t->header == SBX_HEADER_TEXT)
        return check_variables(c, t, &t->header_vars, component, "header");
    struct json_iter it = json_iter(json_get(component, "parameters"));
    struct str type = STR("UNKNOWN");
    if (json_next(&it))
        type = json_str_or(json_get(it.value, "type"), type);
    if (str_ieq(type, str_of(sbx_header_names[t->header])))
        return true;
    sbx_fail(c, 132012, "header: Format mismatch, expected %s, received %.*s", sbx_header_names[t->header],
             (int)(type.n < 30 ? type.n : 30), type.p);
    return false;
}

static bool index_is(struct json v, size_t want)
{
    int64_t index;
    return json_id(v, &index) && index == (int64_t)want;
}

static bool check_button(struct call *c, struct json components, size_t index, const char *kind)
{
    for (struct json_iter it = json_iter(components); json_next(&it);) {
        if (!str_ieq(json_str_or(json_get(it.value, "type"), STR("")), STR("button")) ||
            !index_is(json_get(it.value, "index"), index))
            continue;
        struct json_iter first = json_iter(json_get(it.value, "parameters"));
        if (json_next(&first))
            return check_text(c, first.value);
    }
    sbx_fail(c, 131008, "buttons: Button at index %zu of type %s requires a parameter", index, kind);
    return false;
}

bool sbx_template_check(struct call *c, const struct sbx_template *t, struct json components)
{
    if (!check_header(c, t, find_component(components, "header")) ||
        !check_variables(c, t, &t->body_vars, find_component(components, "body"), "body"))
        return false;
    for (size_t i = 0; i < t->n_buttons; i++)
        if (t->button_needs[i] != NULL && !check_button(c, components, i, t->button_needs[i]))
            return false;
    return true;
}
