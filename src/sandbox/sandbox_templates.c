/* SPDX-License-Identifier: Apache-2.0
 * sandbox_templates.c - the store of templates: by (name, language), by id, and in order for the list.
 *
 * Components are kept as the JSON text they came as, together with what a send has to provide, counted once. Review
 * is a timer that holds the id, not the template, so a deleted template is simply not found. It refuses nothing by
 * itself; the API in sandbox_templates_api.c does the checking. */
#include "sandbox/sandbox_templates.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const sbx_header_names[8] = {"", "TEXT", "IMAGE", "VIDEO", "DOCUMENT", "GIF", "LOCATION", "PRODUCT"};
static const char *const categories[] = {"AUTHENTICATION", "MARKETING", "UTILITY"};
static const char *const statuses[] = {"APPROVED",         "PENDING",        "REJECTED",   "PAUSED",  "DISABLED",
                                       "IN_APPEAL",        "LIMIT_EXCEEDED", "ARCHIVED",   "DELETED", "UNARCHIVED",
                                       "PENDING_DELETION", "FLAGGED",        "REINSTATED", "LOCKED"};

static struct str name_key(const void *t)
{
    return ((const struct sbx_template *)t)->key;
}

static struct str id_key(const void *t)
{
    return str_of(((const struct sbx_template *)t)->id);
}

const char *sbx_template_category(struct str word)
{
    for (size_t i = 0; i < sizeof categories / sizeof *categories; i++)
        if (str_ieq(word, str_of(categories[i])))
            return categories[i];
    return NULL;
}

const char *sbx_template_status(struct str word)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (str_ieq(word, str_of(statuses[i])))
            return statuses[i];
    return NULL;
}

/* --- what a send must bring --------------------------------------------------------------------------- */

static void add_name(struct sbx_variables *v, struct str name)
{
    for (size_t i = 0; i < v->n; i++)
        if (str_eq(v->names[i], name))
            return;
    if (v->n < SBX_TEMPLATE_NAMES)
        v->names[v->n++] = name;
}

/* {{1}}: the highest number counts; {{name}}: every different name. */
static void count_variables(struct str text, bool named, struct sbx_variables *v)
{
    *v = (struct sbx_variables){0};
    for (size_t i = 0; i + 4 < text.n; i++) {
        if (text.p[i] != '{' || text.p[i + 1] != '{')
            continue;
        const char *end = memmem(text.p + i, text.n - i, "}}", 2);
        if (end == NULL)
            return;
        struct str inner = str_trim((struct str){text.p + i + 2, (size_t)(end - text.p) - i - 2});
        int64_t number;
        if (named)
            add_name(v, inner);
        else if (str_i64(inner, &number) && number > (int64_t)v->n && number < 1000)
            v->n = (size_t)number;
        i = (size_t)(end - text.p) + 1;
    }
}

static enum sbx_header header_format(struct json component)
{
    struct str format = json_str_or(json_get(component, "format"), STR("TEXT"));
    for (int i = SBX_HEADER_TEXT; i <= SBX_HEADER_PRODUCT; i++)
        if (str_ieq(format, str_of(sbx_header_names[i])))
            return (enum sbx_header)i;
    return SBX_HEADER_TEXT;
}

static const char *button_needs(struct json button)
{
    struct str type = json_str_or(json_get(button, "type"), STR(""));
    struct str url = json_str_or(json_get(button, "url"), STR(""));
    if (str_ieq(type, STR("URL")))
        return url.n > 0 && memmem(url.p, url.n, "{{", 2) != NULL ? "Url" : NULL;
    if (str_ieq(type, STR("OTP")))
        return "Url";
    return str_ieq(type, STR("COPY_CODE")) ? "Copy code" : NULL;
}

/* Names point into the parsed text, so they are copied into the one allocation behind `components`. */
static void keep_names(struct sbx_variables *v, char **at)
{
    for (size_t i = 0; i < v->n; i++) {
        memcpy(*at, v->names[i].p, v->names[i].n);
        v->names[i].p = *at;
        *at += v->names[i].n;
    }
}

static size_t names_size(const struct sbx_variables *v)
{
    size_t n = 0;
    for (size_t i = 0; i < v->n; i++)
        n += v->names[i].n;
    return n;
}

static void read_component(struct sbx_template *t, struct json component)
{
    struct str type = json_str_or(json_get(component, "type"), STR(""));
    struct str text = json_str_or(json_get(component, "text"), STR(""));
    if (str_ieq(type, STR("HEADER"))) {
        t->header = header_format(component);
        if (t->header == SBX_HEADER_TEXT)
            count_variables(text, t->named, &t->header_vars);
    } else if (str_ieq(type, STR("BODY"))) {
        count_variables(text, t->named, &t->body_vars);
        if (text.n == 0) /* authentication: the preset text has the code */
            t->body_vars.n = 1;
    } else if (str_ieq(type, STR("BUTTONS"))) {
        for (struct json_iter it = json_iter(json_get(component, "buttons")); json_next(&it);)
            if (t->n_buttons < SBX_TEMPLATE_BUTTONS)
                t->button_needs[t->n_buttons++] = button_needs(it.value);
    }
}

void sbx_template_set(struct sbx_template *t, struct json components)
{
    struct buf text;
    buf_init(&text, 1u << 20);
    json_write_value(&text, components);
    t->header = SBX_HEADER_NONE;
    t->header_vars = t->body_vars = (struct sbx_variables){0};
    t->n_buttons = 0;
    memset(t->button_needs, 0, sizeof t->button_needs);
    for (struct json_iter it = json_iter(components); json_next(&it);)
        read_component(t, it.value);
    size_t names = t->named ? names_size(&t->header_vars) + names_size(&t->body_vars) : 0;
    char *kept = malloc(text.len + 1 + names);
    if (kept == NULL)
        abort();
    memcpy(kept, buf_cstr(&text), text.len + 1);
    if (t->named) {
        char *at = kept + text.len + 1;
        keep_names(&t->header_vars, &at);
        keep_names(&t->body_vars, &at);
    }
    buf_done(&text);
    free(t->components);
    t->components = kept;
}

/* --- the store ---------------------------------------------------------------------------------------- */

struct sbx_template *sbx_template_find(const struct sandbox *sb, struct str name, struct str language)
{
    char key[600];
    if (name.n + 1 + language.n > sizeof key)
        return NULL;
    memcpy(key, name.p ? name.p : "", name.n);
    key[name.n] = '|';
    memcpy(key + name.n + 1, language.p ? language.p : "", language.n);
    return sbx_table_get(&sb->template_names, (struct str){key, name.n + 1 + language.n});
}

struct sbx_template *sbx_template_add(struct sandbox *sb, struct str name, struct str language, const char *category,
                                      bool named, struct json components)
{
    struct sbx_template *t = calloc(1, sizeof *t + name.n + 1 + language.n);
    if (t == NULL)
        abort();
    char *key = (char *)(t + 1);
    memcpy(key, name.p, name.n);
    key[name.n] = '|';
    memcpy(key + name.n + 1, language.p, language.n);
    t->key = (struct str){key, name.n + 1 + language.n};
    t->name = (struct str){key, name.n};
    t->language = (struct str){key + name.n + 1, language.n};
    t->category = category;
    t->status = "APPROVED";
    t->named = named;
    memcpy(t->quality, "UNKNOWN", sizeof "UNKNOWN");
    memcpy(t->reason, "NONE", sizeof "NONE");
    sbx_new_id(sb, t->id);
    sbx_template_set(t, components);
    if (sb->n_templates == sb->cap_templates) {
        sb->cap_templates = sb->cap_templates ? sb->cap_templates * 2 : 32;
        sb->templates = reallocarray(sb->templates, sb->cap_templates, sizeof(struct sbx_template *));
        if (sb->templates == NULL)
            abort();
    }
    t->index = sb->n_templates;
    sb->templates[sb->n_templates++] = t;
    sbx_table_put(&sb->template_names, t);
    sbx_table_put(&sb->template_ids, t);
    return t;
}

void sbx_template_remove(struct sandbox *sb, struct sbx_template *t)
{
    sbx_table_del(&sb->template_names, t->key);
    sbx_table_del(&sb->template_ids, str_of(t->id));
    sb->templates[t->index] = NULL;
    free(t->components);
    free(t);
}

void sbx_templates_clear(struct sandbox *sb)
{
    for (size_t i = 0; i < sb->n_templates; i++)
        if (sb->templates[i] != NULL)
            sbx_template_remove(sb, sb->templates[i]);
    free(sb->templates);
    sb->templates = NULL;
    sb->n_templates = sb->cap_templates = 0;
    sbx_table_done(&sb->template_names);
    sbx_table_done(&sb->template_ids);
}

/* --- review and events -------------------------------------------------------------------------------- */

void sbx_template_became(struct sandbox *sb, struct sbx_template *t, struct str event, struct str reason)
{
    const char *status = sbx_template_status(event);
    if (status == NULL || strcmp(status, "FLAGGED") == 0)
        return;
    if (strcmp(status, "DELETED") == 0) {
        sbx_template_remove(sb, t);
        return;
    }
    bool back = strcmp(status, "REINSTATED") == 0 || strcmp(status, "UNARCHIVED") == 0;
    t->status = back ? "APPROVED" : status;
    snprintf(t->reason, sizeof t->reason, "%.*s", (int)(reason.n > 0 ? reason.n : 4), reason.n > 0 ? reason.p : "NONE");
}

void sbx_template_event(struct sandbox *sb, struct sbx_template *t, struct str event, struct str reason)
{
    struct buf text;
    struct json_out o;
    int64_t id = 0;
    str_i64(str_of(t->id), &id);
    buf_init(&text, 8192);
    json_out_init(&o, &text);
    jo_object(&o);
    jo_key(&o, "value");
    jo_object(&o);
    jo_kstr(&o, "event", event);
    jo_kint(&o, "message_template_id", id);
    jo_kstr(&o, "message_template_name", t->name);
    jo_kstr(&o, "message_template_language", t->language);
    jo_kcstr(&o, "message_template_category", t->category);
    jo_kstr(&o, "reason", reason.n > 0 ? reason : STR("NONE"));
    jo_end(&o);
    jo_kcstr(&o, "field", "message_template_status_update");
    jo_end(&o);
    const struct sbx_about about = {.field = STR("message_template_status_update")};
    sbx_template_became(sb, t, event, reason);
    sbx_hooks_change(sb, &about, buf_str(&text));
    buf_done(&text);
}

static void drop_review(void *sandbox, void *id)
{
    (void)sandbox;
    free(id);
}

static void end_review(void *sandbox, void *id)
{
    struct sandbox *sb = sandbox;
    pthread_mutex_lock(&sb->lock);
    struct sbx_template *t = sbx_table_get(&sb->template_ids, str_of(id));
    if (t != NULL && strcmp(t->status, "PENDING") == 0)
        sbx_template_event(sb, t, STR("APPROVED"), (struct str){NULL, 0});
    pthread_mutex_unlock(&sb->lock);
    free(id);
}

void sbx_template_review(struct sandbox *sb, struct sbx_template *t)
{
    t->status = "APPROVED";
    if (sb->o.template_review_ms <= 0)
        return;
    t->status = "PENDING";
    char *id = strdup(t->id);
    if (id == NULL)
        abort();
    sbx_timer_add(&sb->timer, sb->o.template_review_ms, end_review, drop_review, id);
}

/* --- the templates every account starts with ---------------------------------------------------------- */

static const struct seed {
    const char *name, *language, *category, *status;
    bool named;
    const char *components;
} seeds[] = {
    {"hello_world", "en_US", "UTILITY", "APPROVED", false,
     "[{\"type\":\"HEADER\",\"format\":\"TEXT\",\"text\":\"Hello World\"},{\"type\":\"BODY\",\"text\":\"Welcome and "
     "congratulations!! This message demonstrates your ability to send a message notification from WhatsApp Business "
     "Platform's Cloud API. Thank you for taking the time to test with us.\"},{\"type\":\"FOOTER\",\"text\":\"WhatsApp "
     "Business API Team\"}]"},
    {"order_ready", "en_US", "UTILITY", "APPROVED", false,
     "[{\"type\":\"BODY\",\"text\":\"Your order {{1}} is ready for "
     "collection.\",\"example\":{\"body_text\":[[\"A-17\"]]"
     "}}]"},
    {"order_update", "en_US", "UTILITY", "APPROVED", true,
     "[{\"type\":\"BODY\",\"text\":\"Hello {{first_name}}, your order {{order}} has left our store.\",\"example\":{"
     "\"body_text_named_params\":[{\"param_name\":\"first_name\",\"example\":\"Ana\"},{\"param_name\":\"order\","
     "\"example\":\"A-17\"}]}}]"},
    {"spring_sale", "en_US", "MARKETING", "APPROVED", false,
     "[{\"type\":\"BODY\",\"text\":\"Hello {{1}}, our spring sale starts "
     "today.\",\"example\":{\"body_text\":[[\"Ana\"]]"
     "}},{\"type\":\"BUTTONS\",\"buttons\":[{\"type\":\"QUICK_REPLY\",\"text\":\"Stop promotions\"}]}]"},
    {"spring_sale_image", "en_US", "MARKETING", "APPROVED", false,
     "[{\"type\":\"HEADER\",\"format\":\"IMAGE\"},{\"type\":\"BODY\",\"text\":\"Hello {{1}}, our spring sale starts "
     "today.\",\"example\":{\"body_text\":[[\"Ana\"]]}}]"},
    {"login_code", "en_US", "AUTHENTICATION", "APPROVED", false,
     "[{\"type\":\"BODY\",\"text\":\"{{1}} is your verification "
     "code.\",\"add_security_recommendation\":true},{\"type\":"
     "\"FOOTER\",\"text\":\"This code expires in 10 minutes.\",\"code_expiration_minutes\":10},{\"type\":\"BUTTONS\","
     "\"buttons\":[{\"type\":\"OTP\",\"otp_type\":\"COPY_CODE\",\"text\":\"Copy code\"}]}]"},
    {"paused_promo", "en_US", "MARKETING", "PAUSED", false,
     "[{\"type\":\"BODY\",\"text\":\"Everything must go, today only.\"}]"},
};

void sbx_templates_seed(struct sandbox *sb)
{
    sbx_table_init(&sb->template_names, name_key);
    sbx_table_init(&sb->template_ids, id_key);
    struct json_parser *p = sbx_parser_take(sb);
    for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
        const struct seed *s = &seeds[i];
        struct json components;
        if (json_parse(p, str_of(s->components), false, &components, NULL) != 0)
            abort();
        struct sbx_template *t =
            sbx_template_add(sb, str_of(s->name), str_of(s->language), s->category, s->named, components);
        t->status = s->status;
        memcpy(t->quality, "GREEN", sizeof "GREEN");
    }
    sbx_parser_give(sb, p);
}
