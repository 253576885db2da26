/* SPDX-License-Identifier: Apache-2.0
 * sandbox_routes.c - which call goes where: the table of everything imitated, tokens, objects, and batches.
 *
 * A path is an object's id, perhaps followed by an edge. Graph tells objects apart by id alone, so the id is looked
 * up first and the route chosen by (method, kind of object, edge). The state's lock is held around every handler but
 * those marked free. It refuses without a token before saying anything about objects, as the real one does. */
#include "sandbox/sandbox_apps.h"
#include "sandbox/sandbox_handlers.h"

#include <string.h>

#define BATCH_MAX 50

enum { FREE = 1, NO_TOKEN = 2 }; /* FREE: takes the lock itself, if at all */

static const struct route {
    const char *method;
    enum sbx_object object;
    const char *edge;
    void (*handle)(struct call *c);
    int flags;
} routes[] = {
    {"POST", SBX_NUMBER, "messages", sbx_messages_post, 0},
    {"POST", SBX_NUMBER, "marketing_messages", sbx_marketing_messages_post, 0},
    {"POST", SBX_NUMBER, "media", sbx_media_post, 0},
    {"GET", SBX_NUMBER, "message_history", sbx_message_history_get, 0},
    {"GET", SBX_NUMBER, "whatsapp_business_profile", sbx_profile_get, 0},
    {"POST", SBX_NUMBER, "whatsapp_business_profile", sbx_profile_post, 0},
    {"GET", SBX_NUMBER, "block_users", sbx_block_users_get, 0},
    {"POST", SBX_NUMBER, "block_users", sbx_block_users_post, 0},
    {"DELETE", SBX_NUMBER, "block_users", sbx_block_users_delete, 0},
    {"POST", SBX_NUMBER, "register", sbx_register_post, 0},
    {"POST", SBX_NUMBER, "deregister", sbx_deregister_post, 0},
    {"POST", SBX_NUMBER, "request_code", sbx_success, 0},
    {"POST", SBX_NUMBER, "verify_code", sbx_success, 0},
    {"GET", SBX_NUMBER, "", sbx_number_get, 0},
    {"POST", SBX_NUMBER, "", sbx_number_post, FREE},
    {"GET", SBX_WABA, "", sbx_waba_get, 0},
    {"GET", SBX_WABA, "phone_numbers", sbx_phone_numbers_get, 0},
    {"GET", SBX_WABA, "message_templates", sbx_templates_get, 0},
    {"POST", SBX_WABA, "message_templates", sbx_templates_post, 0},
    {"DELETE", SBX_WABA, "message_templates", sbx_templates_delete, 0},
    {"GET", SBX_WABA, "subscribed_apps", sbx_subscribed_apps_get, 0},
    {"POST", SBX_WABA, "subscribed_apps", sbx_subscribed_apps_post, FREE},
    {"DELETE", SBX_WABA, "subscribed_apps", sbx_subscribed_apps_delete, 0},
    {"GET", SBX_TEMPLATE, "", sbx_template_get, 0},
    {"POST", SBX_TEMPLATE, "", sbx_template_post, 0},
    {"POST", SBX_TEMPLATE, "unpause", sbx_template_unpause, 0},
    {"GET", SBX_MEDIA, "", sbx_media_get, 0},
    {"DELETE", SBX_MEDIA, "", sbx_media_delete, 0},
    {"GET", SBX_WORD, "whatsapp_business", sbx_media_download, 0},
    {"GET", SBX_WORD, "debug_token", sbx_debug_token_get, 0},
    {"GET", SBX_WORD, "oauth", sbx_oauth_get, NO_TOKEN},
    {"POST", SBX_WORD, "oauth", sbx_oauth_get, NO_TOKEN},
    {"GET", SBX_APP, "subscriptions", sbx_subscriptions_get, 0},
    {"POST", SBX_APP, "subscriptions", sbx_subscriptions_post, FREE},
    {"DELETE", SBX_APP, "subscriptions", sbx_subscriptions_delete, 0},
    {"GET", SBX_APP, "", sbx_app_get, 0},
};

static const char *const words[] = {"debug_token", "oauth", "whatsapp_business"};

/* [lock] */
static void find_object(struct call *c)
{
    struct sandbox *sb = c->sb;
    struct str id = c->seg[0];
    c->object = SBX_UNKNOWN;
    if (c->n_seg == 0) {
        c->object = SBX_ROOT;
        return;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (str_eq(id, str_of(words[i])))
            c->object = SBX_WORD;
    if ((c->number = sbx_number_find(sb, id)) != NULL)
        c->object = SBX_NUMBER;
    else if (str_eq(id, str_of(sb->o.waba_id)))
        c->object = SBX_WABA;
    else if ((c->target = sbx_app_find(sb, id)) != NULL || str_eq(id, STR("app")))
        c->object = SBX_APP;
    else if ((c->target = sbx_table_get(&sb->template_ids, id)) != NULL)
        c->object = SBX_TEMPLATE;
    else if ((c->target = sbx_table_get(&sb->media, id)) != NULL)
        c->object = SBX_MEDIA;
}

static const struct route *find_route(const struct call *c)
{
    struct str edge = c->object == SBX_WORD ? c->seg[0] : c->n_seg > 1 ? c->seg[1] : STR("");
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++)
        if (routes[i].object == c->object && str_eq(str_of(routes[i].method), c->method) &&
            str_eq(str_of(routes[i].edge), edge))
            return &routes[i];
    return NULL;
}

/* [lock] */
static bool authorised(struct call *c)
{
    if (c->token.n == 0) {
        sbx_error(c, &(struct sbx_error){.http = 400,
                                         .code = 2500,
                                         .message = "An active access token must be used to query information about "
                                                    "the current user."});
        return false;
    }
    if ((c->app = sbx_app_of_token(c->sb, c->token)) != NULL)
        return true;
    sbx_error(c, &(struct sbx_error){.http = 401,
                                     .code = 190,
                                     .message = "Invalid OAuth access token - Cannot parse access token"});
    return false;
}

static bool authorised_alone(struct call *c)
{
    pthread_mutex_lock(&c->sb->lock);
    bool ok = authorised(c);
    pthread_mutex_unlock(&c->sb->lock);
    return ok;
}

static void handle_object(struct call *c)
{
    struct sandbox *sb = c->sb;
    pthread_mutex_lock(&sb->lock);
    sb->calls++;
    find_object(c);
    const struct route *r = find_route(c);
    bool allowed = (r != NULL && (r->flags & NO_TOKEN)) || authorised(c);
    bool free_of_lock = r != NULL && (r->flags & FREE);
    if (c->object == SBX_APP && c->target == NULL)
        c->target = c->app; /* "app": the token's own */
    if (free_of_lock)
        pthread_mutex_unlock(&sb->lock);
    if (!allowed) {
        /* answered */
    } else if (r != NULL) {
        if (free_of_lock || sbx_readable(c))
            r->handle(c);
    } else if (c->object == SBX_UNKNOWN || c->object == SBX_ROOT) {
        sbx_fail_unsupported(c);
    } else if (c->n_seg > 2) {
        sbx_fail_path(c, (struct str){c->seg[2].p - 1, c->seg[2].n + 1});
    } else {
        sbx_fail_field(c);
    }
    if (free_of_lock)
        pthread_mutex_lock(&sb->lock);
    sb->refused += c->is_error;
    pthread_mutex_unlock(&sb->lock);
}

/* --- batches ------------------------------------------------------------------------------------------ */

static void write_part_answer(struct call *whole, struct call *part, bool headers)
{
    struct json_out *o = &whole->jo;
    jo_object(o);
    jo_kint(o, "code", part->status);
    if (headers) {
        jo_key(o, "headers");
        jo_array(o);
        jo_object(o);
        jo_kcstr(o, "name", "Content-Type");
        jo_kcstr(o, "value", "application/json; charset=UTF-8");
        jo_end(o);
        jo_end(o);
    }
    jo_kstr(o, "body", buf_str(&part->out));
    jo_end(o);
}

static void run_part(struct call *whole, struct json spec, bool headers)
{
    struct call part = {0};
    struct err e;
    struct str method = json_str_or(json_get(spec, "method"), STR("GET"));
    struct str url = json_str_or(json_get(spec, "relative_url"), STR(""));
    struct str body = json_str_or(json_get(spec, "body"), (struct str){NULL, 0});
    bool ok = sbx_call_init_part(&part, whole, method, url, body);
    if (sbx_fault_pick(&part, &e) == 0 && part.fault.code != 0)
        sbx_fail(&part, part.fault.code, NULL);
    else if (part.fault.status != 0)
        sbx_fail_status(&part, part.fault.status);
    else if (ok)
        sbx_dispatch(&part);
    write_part_answer(whole, &part, headers);
    sbx_call_done(&part);
}

/* `batch` is an array, or text that holds one (a JSON body with the array written as a string). */
static void run_batch(struct call *c)
{
    struct json batch = json_get(c->params, "batch"), inner;
    struct json_parser *second = NULL;
    struct str text;
    if (json_str(batch, &text)) {
        second = sbx_parser_take(c->sb);
        batch = json_parse(second, text, false, &inner, NULL) == 0 ? inner : (struct json){0};
    }
    if (json_type(batch) != JSON_ARRAY) {
        sbx_fail_param(c, "batch parameter must be a JSON array");
    } else if (json_count(batch) > BATCH_MAX) {
        sbx_fail_param(c, "Too many requests in batch message. Maximum batch size is %d", BATCH_MAX);
    } else if (authorised_alone(c)) {
        bool headers = !str_eq(sbx_param(c, "include_headers"), STR("false"));
        jo_array(&c->jo);
        for (struct json_iter it = json_iter(batch); json_next(&it);)
            run_part(c, it.value, headers);
        jo_end(&c->jo);
    }
    sbx_parser_give(c->sb, second);
}

void sbx_dispatch(struct call *c)
{
    bool root_post = c->n_seg == 0 && str_eq(c->method, STR("POST"));
    if (c->n_seg > 0 && str_eq(c->seg[0], STR("_sandbox")) && !c->part)
        sbx_admin(c);
    else if (root_post && !c->part && json_type(json_get(c->params, "batch")) != JSON_ABSENT)
        run_batch(c);
    else
        handle_object(c);
}
