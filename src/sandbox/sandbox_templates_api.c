/* SPDX-License-Identifier: Apache-2.0
 * sandbox_templates_api.c - the calls about templates: list with filters and pages, create, edit, delete.
 *
 * Pages are cut by position in the list; the cursor is that position in base64url. The next address is complete and
 * points to wherever the client found us, and carries the token only if the client had put it in the address itself.
 * Creation checks names, categories, bodies and examples of what Meta refuses at once; review is a matter of time. */
#include "sandbox/sandbox_handlers.h"
#include "sandbox/sandbox_templates.h"

#include <stdio.h>
#include <string.h>

#include "base/digest.h"

#define PAGE      25
#define PAGE_MAX  1000
#define COUNT_MAX 6000

/* --- reading ------------------------------------------------------------------------------------------ */

static void write_template(struct call *c, const struct sbx_template *t)
{
    struct json_out *o = &c->jo;
    jo_object(o);
    if (sbx_wants(c, "name"))
        jo_kstr(o, "name", t->name);
    if (sbx_wants(c, "parameter_format"))
        jo_kcstr(o, "parameter_format", t->named ? "NAMED" : "POSITIONAL");
    if (sbx_wants(c, "components")) {
        jo_key(o, "components");
        jo_raw(o, str_of(t->components));
    }
    if (sbx_wants(c, "language"))
        jo_kstr(o, "language", t->language);
    if (sbx_wants(c, "status"))
        jo_kcstr(o, "status", t->status);
    if (sbx_wants(c, "category"))
        jo_kcstr(o, "category", t->category);
    if (t->ttl != 0 && sbx_wants(c, "message_send_ttl_seconds"))
        jo_kint(o, "message_send_ttl_seconds", t->ttl);
    if (sbx_wants_exactly(c, "quality_score")) {
        jo_key(o, "quality_score");
        jo_object(o);
        jo_kcstr(o, "score", t->quality);
        jo_end(o);
    }
    if (sbx_wants_exactly(c, "rejected_reason"))
        jo_kcstr(o, "rejected_reason", t->reason);
    if (t->correct_category != NULL && sbx_wants_exactly(c, "correct_category"))
        jo_kcstr(o, "correct_category", t->correct_category);
    jo_kcstr(o, "id", t->id);
    jo_end(o);
}

void sbx_template_get(struct call *c)
{
    write_template(c, c->target);
}

/* Some clients send one status, some a JSON array of them. */
static bool among(struct str list, const char *word)
{
    if (list.n == 0)
        return true;
    size_t n = strlen(word);
    for (size_t i = 0; i + n <= list.n; i++)
        if (str_ieq((struct str){list.p + i, n}, str_of(word)))
            return true;
    return false;
}

static bool wanted(struct call *c, const struct sbx_template *t)
{
    struct str name = sbx_param(c, "name"), language = sbx_param(c, "language");
    struct str text = sbx_param(c, "name_or_content");
    if (name.n > 0 && memmem(t->name.p, t->name.n, name.p, name.n) == NULL)
        return false;
    if (text.n > 0 && memmem(t->name.p, t->name.n, text.p, text.n) == NULL &&
        memmem(t->components, strlen(t->components), text.p, text.n) == NULL)
        return false;
    if (language.n > 0 && !str_ieq(language, t->language))
        return false;
    return among(sbx_param(c, "status"), t->status) && among(sbx_param(c, "category"), t->category) &&
           among(sbx_param(c, "quality_score"), t->quality);
}

static void write_cursor(struct buf *b, size_t position)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%zu", position);
    base64url_encode(b, text, (size_t)n);
}

static bool read_cursor(struct str cursor, size_t *ret)
{
    struct buf b;
    int64_t v = 0;
    buf_init(&b, 64);
    bool ok = base64url_decode(cursor, &b) && str_i64(buf_str(&b), &v) && v >= 0 && v <= INT32_MAX;
    buf_done(&b);
    *ret = (size_t)v;
    return ok;
}

/* The same address with another cursor. */
static void write_page_url(struct call *c, const char *name, const char *cursor)
{
    struct buf b;
    buf_init(&b, 16384);
    buf_puts(&b, sbx_origin(c));
    buf_printf(&b, "/v%d.0%.*s?", c->version_major, (int)c->rest.n, c->rest.p);
    for (size_t i = 0; i < c->query.n; i++) {
        const struct form_field *f = &c->query.fields[i];
        if (str_eq(f->name, STR("after")) || str_eq(f->name, STR("before")))
            continue;
        percent_encode(&b, f->name);
        buf_putc(&b, '=');
        percent_encode(&b, f->value);
        buf_putc(&b, '&');
    }
    buf_printf(&b, "%s=%s", strcmp(name, "next") == 0 ? "after" : "before", cursor);
    jo_kstr(&c->jo, name, buf_str(&b));
    buf_done(&b);
}

static void write_paging(struct call *c, size_t first, size_t after, bool more)
{
    struct json_out *o = &c->jo;
    struct buf from, to;
    buf_init(&from, 64);
    buf_init(&to, 64);
    write_cursor(&from, first);
    write_cursor(&to, after);
    jo_key(o, "paging");
    jo_object(o);
    jo_key(o, "cursors");
    jo_object(o);
    jo_kstr(o, "before", buf_str(&from));
    jo_kstr(o, "after", buf_str(&to));
    jo_end(o);
    if (more)
        write_page_url(c, "next", buf_cstr(&to));
    jo_end(o);
    buf_done(&from);
    buf_done(&to);
}

void sbx_templates_get(struct call *c)
{
    struct sandbox *sb = c->sb;
    struct str after = sbx_param(c, "after");
    int64_t limit = PAGE;
    size_t at = 0, n = 0, first = 0, last = 0;
    bool more = false;
    if (after.n > 0 && !read_cursor(after, &at)) {
        sbx_fail(c, 131059, NULL);
        return;
    }
    if (sbx_param(c, "limit").n > 0 && (!str_i64(sbx_param(c, "limit"), &limit) || limit < 1))
        limit = PAGE;
    limit = limit > PAGE_MAX ? PAGE_MAX : limit;
    jo_object(&c->jo);
    jo_key(&c->jo, "data");
    jo_array(&c->jo);
    for (size_t i = at; i < sb->n_templates; i++) {
        if (sb->templates[i] == NULL || !wanted(c, sb->templates[i]))
            continue;
        if (n == (size_t)limit) {
            more = true;
            break;
        }
        first = n++ == 0 ? i : first;
        last = i + 1;
        write_template(c, sb->templates[i]);
    }
    jo_end(&c->jo);
    if (n > 0)
        write_paging(c, first, last, more);
    jo_end(&c->jo);
}

/* --- writing ------------------------------------------------------------------------------------------ */

static void fail_user(struct call *c, int subcode, const char *title, const char *message)
{
    sbx_error(c, &(struct sbx_error){.http = 400,
                                     .code = 100,
                                     .subcode = subcode,
                                     .message = "Invalid parameter",
                                     .user_title = title,
                                     .user_msg = message});
}

static bool name_allowed(struct str name)
{
    for (size_t i = 0; i < name.n; i++)
        if (!((name.p[i] >= 'a' && name.p[i] <= 'z') || (name.p[i] >= '0' && name.p[i] <= '9') || name.p[i] == '_'))
            return false;
    return name.n > 0 && name.n <= 512;
}

static bool check_body(struct call *c, struct json component, const char *category)
{
    struct str text = json_str_or(json_get(component, "text"), (struct str){NULL, 0});
    if (text.n == 0 && strcmp(category, "AUTHENTICATION") == 0)
        return true;
    if (text.n == 0)
        fail_user(c, 2388072, "Message template body is missing", "The body component needs a text.");
    else if (text.n > 4096)
        fail_user(c, 2388040, "Character limit exceeded", "The body is limited to 1024 characters.");
    else if (str_starts(text, STR("{{")) || str_ends(text, STR("}}")))
        fail_user(c, 2388299, "Variables can't be at the start or end of the template",
                  "Move the variable so that it is not at the start or end of the text.");
    else
        return true;
    return false;
}

static bool check_components(struct call *c, struct json components, const char *category)
{
    bool body = false;
    if (json_type(components) != JSON_ARRAY) {
        sbx_fail_param(c, "Param components must be an array.");
        return false;
    }
    for (struct json_iter it = json_iter(components); json_next(&it);) {
        if (!str_ieq(json_str_or(json_get(it.value, "type"), STR("")), STR("BODY")))
            continue;
        body = true;
        /* An authentication text is Meta's own and begins with its variable. */
        if (strcmp(category, "AUTHENTICATION") != 0 && !check_body(c, it.value, category))
            return false;
    }
    if (!body)
        fail_user(c, 2388072, "Message template body is missing", "A template needs a BODY component.");
    return body;
}

static bool check_new(struct call *c, struct str name, struct str language, const char *category)
{
    if (!name_allowed(name)) {
        fail_user(c, 2388023, "Message template name is not valid",
                  "Names have lower-case letters, digits and underscores only.");
        return false;
    }
    if (language.n < 2 || language.n > 16) {
        sbx_fail_param(c, "The parameter language is required.");
        return false;
    }
    if (category == NULL) {
        sbx_fail_param(c, "Param category must be one of {AUTHENTICATION, MARKETING, UTILITY}");
        return false;
    }
    if (sbx_template_find(c->sb, name, language) != NULL) {
        fail_user(c, 2388024, "Content in This Language Already Exists",
                  "There is already content for this template in this language. You can create a new template.");
        return false;
    }
    if (c->sb->template_ids.n >= COUNT_MAX) {
        fail_user(c, 2388019, "Message Template Limit Exceeded", "Delete templates you no longer use.");
        return false;
    }
    return true;
}

void sbx_templates_post(struct call *c)
{
    struct str name = sbx_param(c, "name"), language = sbx_param(c, "language");
    const char *category = sbx_template_category(sbx_param(c, "category"));
    struct json components = json_get(c->params, "components");
    if (!check_new(c, name, language, category) || !check_components(c, components, category))
        return;
    bool named = str_ieq(sbx_param(c, "parameter_format"), STR("NAMED"));
    struct sbx_template *t = sbx_template_add(c->sb, name, language, category, named, components);
    json_i64(json_get(c->params, "message_send_ttl_seconds"), &t->ttl);
    sbx_template_review(c->sb, t);
    jo_object(&c->jo);
    jo_kcstr(&c->jo, "id", t->id);
    jo_kcstr(&c->jo, "status", t->status);
    jo_kcstr(&c->jo, "category", t->category);
    jo_end(&c->jo);
}

void sbx_template_post(struct call *c)
{
    struct sbx_template *t = c->target;
    struct json components = json_get(c->params, "components");
    struct str category = sbx_param(c, "category");
    const char *known = sbx_template_category(category);
    if (category.n > 0 && known == NULL) {
        sbx_fail_param(c, "Param category must be one of {AUTHENTICATION, MARKETING, UTILITY}");
        return;
    }
    if (json_type(components) != JSON_ABSENT && !check_components(c, components, known ? known : t->category))
        return;
    t->category = known ? known : t->category;
    json_i64(json_get(c->params, "message_send_ttl_seconds"), &t->ttl);
    if (json_type(components) != JSON_ABSENT) {
        sbx_template_set(t, components);
        sbx_template_review(c->sb, t);
    }
    sbx_success(c);
}

void sbx_template_unpause(struct call *c)
{
    struct sbx_template *t = c->target;
    if (strcmp(t->status, "PAUSED") == 0)
        sbx_template_event(c->sb, t, STR("APPROVED"), STR("NONE"));
    sbx_success(c);
}

void sbx_templates_delete(struct call *c)
{
    struct sandbox *sb = c->sb;
    struct str name = sbx_param(c, "name"), id = sbx_param(c, "hsm_id");
    size_t removed = 0;
    if (name.n == 0) {
        sbx_fail_param(c, "The parameter name is required.");
        return;
    }
    for (size_t i = 0; i < sb->n_templates; i++) {
        struct sbx_template *t = sb->templates[i];
        if (t == NULL || !str_eq(t->name, name) || (id.n > 0 && !str_eq(str_of(t->id), id)))
            continue;
        sbx_template_remove(sb, t);
        removed++;
    }
    if (removed > 0)
        sbx_success(c);
    else
        fail_user(c, 2593002, "Message Template Not Found", "The template does not exist.");
}
