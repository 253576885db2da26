/* SPDX-License-Identifier: Apache-2.0
 * sandbox_apps.c - the list of apps: whose token a call carries, which fields an app wants, where it hears of what.
 *
 * An app hears of an update when it is subscribed to the account, wants the field, and has an address for it. The nearest
 * address wins: the number's, the account's, the app's own; the first two are for `messages` alone, as on the real
 * platform. It refuses a ninth app, and an id that is another object's. */
#include "sandbox/sandbox_apps.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "sandbox/sandbox_events.h"
#include "sandbox/sandbox_handlers.h"

struct sbx_app *sbx_app_find(const struct sandbox *sb, struct str id)
{
    for (size_t i = 0; i < sb->hooks.n_apps; i++)
        if (str_eq(id, str_of(sb->hooks.apps[i]->id)))
            return sb->hooks.apps[i];
    return NULL;
}

struct sbx_app *sbx_app_add(struct sandbox *sb, struct str id, struct str secret, struct str verify_token)
{
    struct sbx_hooks *h = &sb->hooks;
    if (h->n_apps == SBX_APPS)
        return NULL;
    struct sbx_app *a = calloc(1, sizeof *a);
    if (a == NULL || (a->number_urls = calloc(sb->n_numbers, sizeof *a->number_urls)) == NULL)
        abort();
    a->index = h->n_apps;
    sbx_set_text(&a->id, id);
    sbx_set_text(&a->name, a->index == 0 ? STR("Sandbox App") : STR("Another Sandbox App"));
    sbx_set_text(&a->secret, secret);
    sbx_set_text(&a->verify_token, verify_token);
    char **empty[] = {&a->token, &a->url, &a->account_url, &a->fields};
    for (size_t i = 0; i < sizeof empty / sizeof *empty; i++)
        sbx_set_text(empty[i], STR(""));
    for (size_t i = 0; i < sb->n_numbers; i++)
        sbx_set_text(&a->number_urls[i], STR(""));
    a->subscribed = true;
    a->ready_tail = &a->ready;
    a->held_tail = &a->held;
    a->again_tail = &a->again;
    h->apps[h->n_apps++] = a;
    return a;
}

void sbx_apps_free(struct sandbox *sb)
{
    for (size_t i = 0; i < sb->hooks.n_apps; i++) {
        struct sbx_app *a = sb->hooks.apps[i];
        for (size_t n = 0; n < sb->n_numbers; n++)
            free(a->number_urls[n]);
        char *own[] = {a->id, a->name, a->secret, a->verify_token, a->token, a->url, a->account_url, a->fields};
        for (size_t n = 0; n < sizeof own / sizeof *own; n++)
            free(own[n]);
        free(a->number_urls);
        free(a);
    }
    sb->hooks.n_apps = 0;
}

/* --- tokens ------------------------------------------------------------------------------------------- */

static bool equal(struct str given, const char *want)
{
    return given.n == strlen(want) && digest_equal(given.p, want, given.n);
}

struct sbx_app *sbx_app_of_token(struct sandbox *sb, struct str token)
{
    struct sbx_app *whose = NULL;
    struct str secret; /* an app's own token is "id|secret" */
    struct str id = str_cut(token, '|', &secret);
    for (size_t i = 0; i < sb->o.n_tokens; i++)
        whose = equal(token, sb->o.tokens[i]) ? sb->hooks.apps[0] : whose;
    for (size_t i = 0; i < sb->hooks.n_apps; i++) {
        struct sbx_app *a = sb->hooks.apps[i];
        bool by_secret = secret.p != NULL && str_eq(id, str_of(a->id)) && equal(secret, a->secret);
        if (by_secret || (a->token[0] != '\0' && equal(token, a->token)))
            whose = a;
    }
    return whose;
}

/* --- fields and addresses ----------------------------------------------------------------------------- */

bool sbx_app_has_field(const struct sbx_app *a, struct str field)
{
    const char *at = a->fields;
    if (*at == '\0')
        return true;
    for (struct str rest = {at + 1, strlen(at + 1)}; rest.n > 0;)
        if (str_eq(str_cut(rest, ',', &rest), field))
            return true;
    return false;
}

static void put_field(struct buf *b, struct str field)
{
    field = str_trim(field);
    if (field.n == 0)
        return;
    if (b->len == 0)
        buf_putc(b, ',');
    buf_putstr(b, field);
    buf_putc(b, ',');
}

char *sbx_app_fields(struct call *c)
{
    struct json list = json_get(c->params, "fields");
    struct str text = sbx_param(c, "fields");
    struct buf b;
    buf_init(&b, 8192);
    if (json_type(list) == JSON_ARRAY)
        for (struct json_iter it = json_iter(list); json_next(&it);)
            put_field(&b, json_str_or(it.value, STR("")));
    else
        while (text.n > 0)
            put_field(&b, str_cut(text, ',', &text));
    char *fields = NULL;
    sbx_set_text(&fields, buf_str(&b));
    buf_done(&b);
    return fields;
}

static void write_field(struct json_out *o, struct str field, bool versions)
{
    if (!versions) {
        jo_str(o, field);
        return;
    }
    jo_object(o);
    jo_kstr(o, "name", field);
    jo_kcstr(o, "version", "v26.0");
    jo_end(o);
}

void sbx_app_write_fields(struct json_out *o, const struct sbx_app *a, bool versions)
{
    jo_array(o);
    if (a->fields[0] == '\0')
        for (size_t i = 0; i < sbx_n_events; i++)
            if (i == 0 || strcmp(sbx_events[i].field, sbx_events[i - 1].field) != 0)
                write_field(o, str_of(sbx_events[i].field), versions);
    for (struct str rest = str_of(a->fields[0] == ',' ? a->fields + 1 : ""); rest.n > 0;)
        write_field(o, str_cut(rest, ',', &rest), versions);
    jo_end(o);
}

const char *sbx_app_url(const struct sandbox *sb, const struct sbx_app *a, struct str field, struct str number_id)
{
    if (!a->subscribed)
        return "";
    if (field.n == 0) /* a raw body */
        return a->url[0] != '\0' ? a->url : a->account_url;
    if (!sbx_app_has_field(a, field))
        return "";
    if (!str_eq(field, STR("messages")))
        return a->url;
    for (size_t i = 0; i < sb->n_numbers; i++)
        if (a->number_urls[i][0] != '\0' && str_eq(number_id, str_of(sb->numbers[i].id)))
            return a->number_urls[i];
    return a->account_url[0] != '\0' ? a->account_url : a->url;
}

/* --- the calls under /_sandbox/apps ------------------------------------------------------------------- */

static void write_app(struct json_out *o, const struct sbx_app *a)
{
    jo_object(o);
    jo_kcstr(o, "id", a->id);
    jo_kcstr(o, "name", a->name);
    jo_kcstr(o, "url", a->url);
    jo_kbool(o, "subscribed", a->subscribed);
    jo_key(o, "fields");
    sbx_app_write_fields(o, a, false);
    jo_kint(o, "in_flight", a->in_flight);
    jo_kint(o, "delivered", (int64_t)a->delivered);
    jo_kint(o, "failed_attempts", (int64_t)a->failed);
    jo_kint(o, "dropped", (int64_t)a->dropped);
    jo_end(o);
}

void sbx_apps_get(struct call *c)
{
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    for (size_t i = 0; i < c->sb->hooks.n_apps; i++)
        write_app(o, c->sb->hooks.apps[i]);
    jo_end(o);
    jo_end(o);
}

static struct sbx_app *take_app(struct call *c)
{
    struct str id = sbx_param(c, "id"), secret = sbx_param(c, "secret");
    struct sbx_app *a = sbx_app_find(c->sb, id);
    if (a == NULL && (id.n == 0 || secret.n == 0)) {
        sbx_fail_param(c, "A new app needs an id and a secret.");
        return NULL;
    }
    if (a == NULL && (sbx_number_find(c->sb, id) != NULL || str_eq(id, str_of(c->sb->o.waba_id)))) {
        sbx_fail_param(c, "The id is another object's.");
        return NULL;
    }
    if (a == NULL && (a = sbx_app_add(c->sb, id, secret, str_of(c->sb->o.verify_token))) == NULL)
        sbx_fail_param(c, "There can be %d apps.", SBX_APPS);
    return a;
}

/* [lock] Everything but the address. */
static void take_settings(struct call *c, struct sbx_app *a)
{
    struct {
        const char *name;
        char **field;
    } texts[] = {{"secret", &a->secret}, {"verify_token", &a->verify_token}, {"name", &a->name}, {"token", &a->token}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (sbx_param(c, texts[i].name).p != NULL)
            sbx_set_text(texts[i].field, sbx_param(c, texts[i].name));
    if (json_type(json_get(c->params, "fields")) != JSON_ABSENT) {
        free(a->fields);
        a->fields = sbx_app_fields(c);
    }
    if (sbx_param(c, "subscribed").n > 0)
        a->subscribed = str_eq(sbx_param(c, "subscribed"), STR("true"));
}

static void take_url(struct call *c, bool ok)
{
    if (!ok) {
        sbx_fail_param(
            c, "The address did not answer 200 with hub.challenge; add \"verify\":false to set it all the same.");
        return;
    }
    pthread_mutex_lock(&c->sb->lock);
    struct sbx_app *a = sbx_app_find(c->sb, sbx_param(c, "id"));
    sbx_set_text(&a->url, sbx_param(c, "url"));
    write_app(&c->jo, a);
    pthread_mutex_unlock(&c->sb->lock);
}

void sbx_apps_post(struct call *c)
{
    struct str url = sbx_param(c, "url"), verify_token = {NULL, 0};
    bool verify = url.n > 0 && !str_eq(sbx_param(c, "verify"), STR("false"));
    pthread_mutex_lock(&c->sb->lock);
    struct sbx_app *a = take_app(c);
    if (a != NULL) {
        take_settings(c, a);
        verify_token = str_of(arena_strdup(c->a, a->verify_token));
    }
    if (a != NULL && !verify) {
        if (url.p != NULL)
            sbx_set_text(&a->url, url);
        write_app(&c->jo, a);
    }
    pthread_mutex_unlock(&c->sb->lock);
    if (a != NULL && verify)
        sbx_handshake(c, url, verify_token, take_url);
}
