/* SPDX-License-Identifier: Apache-2.0
 * sandbox_numbers.c - the phone number: its fields, registration, business profile and block list.
 *
 * Fields come from one table, so that `fields=` works the same everywhere and answers in the order asked for by
 * nobody in particular, as Graph does. Only people who wrote in the last day can be blocked, as Meta has it. */
#include "sandbox/sandbox_apps.h"
#include "sandbox/sandbox_handlers.h"

#include <stdlib.h>
#include <string.h>

#define WINDOW_MS 86400000
#define BLOCK_MAX 1000

/* --- fields ------------------------------------------------------------------------------------------- */

enum value { TEXT, TRUTH, LEVEL, HEALTH, ADDRESSES };

static const struct field {
    const char *name;
    bool by_default;
    enum value kind;
    const char *value; /* NULL: computed */
} fields[] = {
    {"verified_name", true, TEXT, NULL},
    {"code_verification_status", true, TEXT, "VERIFIED"},
    {"display_phone_number", true, TEXT, NULL},
    {"quality_rating", true, TEXT, NULL},
    {"platform_type", true, TEXT, "CLOUD_API"},
    {"throughput", true, LEVEL, NULL},
    {"webhook_configuration", true, ADDRESSES, NULL},
    {"status", false, TEXT, NULL},
    {"name_status", false, TEXT, NULL},
    {"new_name_status", false, TEXT, NULL},
    {"account_mode", false, TEXT, "SANDBOX"},
    {"messaging_limit_tier", false, TEXT, NULL},
    {"whatsapp_business_manager_messaging_limit", false, TEXT, NULL},
    {"is_official_business_account", false, TRUTH, NULL},
    {"is_pin_enabled", false, TRUTH, "true"},
    {"is_on_biz_app", false, TRUTH, NULL},
    {"search_visibility", false, TEXT, "VISIBLE"},
    {"host_platform", false, TEXT, "CLOUD_API"},
    {"country_dial_code", false, TEXT, "1"},
    {"eligibility_for_api_business_global_search", false, TEXT, "NON_ELIGIBLE_VERIFIED_LEVEL"},
    {"username", false, TEXT, NULL},
    {"health_status", false, HEALTH, NULL},
};

static const char *computed(const struct call *c, const struct sbx_number *n, const char *name)
{
    const struct {
        const char *name, *value;
    } all[] = {{"status", n->registered ? "CONNECTED" : "DISCONNECTED"},
               {"quality_rating", n->quality},
               {"throughput", n->throughput},
               {"is_on_biz_app", n->on_phone_app ? "true" : "false"},
               {"is_official_business_account", n->official ? "true" : "false"},
               {"display_phone_number", n->display},
               {"verified_name", n->name},
               {"name_status", n->name_status},
               {"new_name_status", n->new_name_status},
               {"username", n->username}};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (strcmp(name, all[i].name) == 0)
            return all[i].value;
    return c->sb->standing.limit;
}

static void write_level(struct json_out *o, const char *level)
{
    jo_object(o);
    jo_kcstr(o, "level", level);
    jo_end(o);
}

/* Where the caller's app hears of the number. */
static void write_addresses(const struct call *c, struct json_out *o, const struct sbx_number *n)
{
    const struct sbx_app *a = c->app;
    jo_object(o);
    if (a != NULL && a->number_urls[n - c->sb->numbers][0] != '\0')
        jo_kcstr(o, "phone_number", a->number_urls[n - c->sb->numbers]);
    if (a != NULL && a->account_url[0] != '\0')
        jo_kcstr(o, "whatsapp_business_account", a->account_url);
    if (a != NULL && a->url[0] != '\0')
        jo_kcstr(o, "application", a->url);
    jo_end(o);
}

static void write_field(struct call *c, const struct sbx_number *n, const struct field *f)
{
    struct json_out *o = &c->jo;
    const char *value = f->value ? f->value : computed(c, n, f->name);
    if (value == NULL) /* nothing to tell: no such member */
        return;
    jo_key(o, f->name);
    if (f->kind == TEXT)
        jo_cstr(o, value);
    else if (f->kind == LEVEL)
        write_level(o, value);
    else if (f->kind == HEALTH)
        sbx_health_write(c, o, n);
    else if (f->kind == ADDRESSES)
        write_addresses(c, o, n);
    else
        jo_raw(o, str_of(value));
}

static void write_number(struct call *c, const struct sbx_number *n)
{
    struct json_out *o = &c->jo;
    bool all = sbx_param(c, "fields").n == 0;
    jo_object(o);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        const struct field *f = &fields[i];
        if (all ? !f->by_default : !sbx_wants_exactly(c, f->name))
            continue;
        write_field(c, n, f);
    }
    jo_kcstr(o, "id", n->id);
    jo_end(o);
}

void sbx_number_get(struct call *c)
{
    write_number(c, c->number);
}

void sbx_phone_numbers_get(struct call *c)
{
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    for (size_t i = 0; i < c->sb->n_numbers; i++)
        write_number(c, &c->sb->numbers[i]);
    jo_end(o);
    jo_key(o, "paging");
    jo_object(o);
    jo_key(o, "cursors");
    jo_object(o);
    jo_kcstr(o, "before", "QVFIUkxqdV");
    jo_kcstr(o, "after", "QVFIUmdIVl");
    jo_end(o);
    jo_end(o);
    jo_end(o);
}

static void take_address(struct call *c, bool ok)
{
    struct str url = json_str_or(json_at(c->params, "webhook_configuration", "override_callback_uri"), STR(""));
    if (!ok) {
        sbx_fail_callback(c);
        return;
    }
    pthread_mutex_lock(&c->sb->lock);
    sbx_set_text(&c->app->number_urls[c->number - c->sb->numbers], url);
    pthread_mutex_unlock(&c->sb->lock);
    sbx_success(c);
}

/* The one setting that is kept: where the app hears of this number's messages; an empty address takes it back. */
void sbx_number_post(struct call *c)
{
    struct json config = json_get(c->params, "webhook_configuration");
    struct str url = json_str_or(json_get(config, "override_callback_uri"), (struct str){NULL, 0});
    if (url.p == NULL)
        sbx_success(c);
    else if (url.n == 0)
        take_address(c, true);
    else
        sbx_handshake(c, url, json_str_or(json_get(config, "verify_token"), STR("")), take_address);
}

/* --- registration ------------------------------------------------------------------------------------- */

void sbx_register_post(struct call *c)
{
    struct str pin = sbx_param(c, "pin");
    int64_t digits;
    if (sbx_param(c, "messaging_product").n == 0) {
        sbx_fail_param(c, "The parameter messaging_product is required.");
        return;
    }
    if (pin.n != 6 || !str_i64(pin, &digits)) {
        sbx_fail_param(c, "The parameter pin is required and must be 6 digits.");
        return;
    }
    c->number->registered = true;
    if (c->number->next_name != NULL) {
        free(c->number->name);
        c->number->name = c->number->next_name;
        c->number->next_name = NULL;
    }
    sbx_success(c);
}

void sbx_deregister_post(struct call *c)
{
    c->number->registered = false;
    sbx_success(c);
}

/* --- profile ------------------------------------------------------------------------------------------ */

static const char *const profile_names[SBX_PROFILE_FIELDS] = {"about",    "address",  "description",           "email",
                                                              "vertical", "websites", "profile_picture_handle"};

void sbx_profile_get(struct call *c)
{
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    jo_object(o);
    for (int i = 0; i < SBX_PROFILE_FIELDS; i++) {
        const char *kept = c->number->profile[i];
        if (kept == NULL || i == SBX_PICTURE || !sbx_wants(c, profile_names[i]))
            continue;
        jo_key(o, profile_names[i]);
        jo_raw(o, str_of(kept));
    }
    if (c->number->profile[SBX_VERTICAL] == NULL && sbx_wants(c, "vertical"))
        jo_kcstr(o, "vertical", "UNDEFINED");
    jo_kcstr(o, "messaging_product", "whatsapp");
    jo_end(o);
    jo_end(o);
    jo_end(o);
}

void sbx_profile_post(struct call *c)
{
    if (sbx_param(c, "messaging_product").n == 0) {
        sbx_fail_param(c, "The parameter messaging_product is required.");
        return;
    }
    if (json_count(json_get(c->params, "websites")) > 2) {
        sbx_fail_param(c, "Param websites must have at most 2 entries.");
        return;
    }
    for (int i = 0; i < SBX_PROFILE_FIELDS; i++) {
        struct json v = json_get(c->params, profile_names[i]);
        if (json_type(v) == JSON_ABSENT)
            continue;
        struct buf text;
        buf_init(&text, 8192);
        json_write_value(&text, v);
        char *kept = text.failed ? NULL : buf_take(&text);
        buf_done(&text);
        if (kept == NULL)
            continue;
        free(c->number->profile[i]);
        c->number->profile[i] = kept;
    }
    sbx_success(c);
}

/* --- block list --------------------------------------------------------------------------------------- */

static void write_user(struct json_out *o, struct str input, struct str user, bool failed)
{
    jo_object(o);
    jo_kstr(o, "input", input);
    jo_kstr(o, "wa_id", user);
    if (failed) {
        jo_key(o, "errors");
        jo_array(o);
        jo_object(o);
        jo_kcstr(o, "message", "Re-engagement required");
        jo_kint(o, "code", 131047);
        jo_key(o, "error_data");
        jo_object(o);
        jo_kcstr(o, "details", "User has not messaged in the last 24 hours");
        jo_end(o);
        jo_end(o);
        jo_end(o);
    }
    jo_end(o);
}

static bool set_blocked(struct call *c, struct str user, bool block)
{
    struct sbx_pair *p = sbx_pair(c->sb, str_of(c->number->id), user, false);
    if (p == NULL || (block && c->now_ms - p->inbound_ms >= WINDOW_MS))
        return !block;
    p->blocked = block;
    return true;
}

struct blocking {
    struct str input, user;
    bool ok;
};

static void write_users(struct json_out *o, const char *key, const struct blocking *all, size_t n, bool ok)
{
    jo_key(o, key);
    jo_array(o);
    for (size_t i = 0; i < n; i++)
        if (all[i].ok == ok)
            write_user(o, all[i].input, all[i].user, !ok);
    jo_end(o);
}

static void write_blocking(struct call *c, const struct blocking *all, size_t n, size_t failures, bool block)
{
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_kcstr(o, "messaging_product", "whatsapp");
    jo_key(o, "block_users");
    jo_object(o);
    write_users(o, block ? "added_users" : "removed_users", all, n, true);
    if (failures > 0)
        write_users(o, "failed_users", all, n, false);
    jo_end(o);
    if (failures > 0) {
        c->status = 400;
        jo_key(o, "error");
        jo_object(o);
        jo_kcstr(o, "message", "(#139100) Failed to block/unblock users");
        jo_kcstr(o, "type", "OAuthException");
        jo_kint(o, "code", 139100);
        jo_kcstr(o, "fbtrace_id", c->trace);
        jo_end(o);
    }
    jo_end(o);
}

static void block_users(struct call *c, bool block)
{
    struct json users = json_get(c->params, "block_users");
    size_t n = json_count(users), failures = 0, i = 0;
    struct blocking *all = n <= BLOCK_MAX ? arena_new_array(c->a, struct blocking, n + 1) : NULL;
    if (json_type(users) != JSON_ARRAY || n == 0 || all == NULL) {
        sbx_fail_param(c, "Param block_users must be an array of 1 to %d users.", BLOCK_MAX);
        return;
    }
    for (struct json_iter it = json_iter(users); json_next(&it) && i < n; i++) {
        struct str input = json_str_or(json_get(it.value, "user"), STR(""));
        struct str user = sbx_digits(c, input);
        all[i] = (struct blocking){input, user, user.n > 0 && set_blocked(c, user, block)};
        failures += !all[i].ok;
    }
    write_blocking(c, all, n, failures, block);
}

void sbx_block_users_post(struct call *c)
{
    block_users(c, true);
}

void sbx_block_users_delete(struct call *c)
{
    block_users(c, false);
}

void sbx_block_users_get(struct call *c)
{
    struct json_out *o = &c->jo;
    struct str mine = str_of(c->number->id);
    const struct sbx_pair *p;
    size_t pos = 0;
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    while ((p = sbx_table_next(&c->sb->pairs, &pos)) != NULL) {
        if (!p->blocked || !str_starts(p->key, mine) || p->key.p[mine.n] != '|')
            continue;
        jo_object(o);
        jo_kcstr(o, "messaging_product", "whatsapp");
        jo_kstr(o, "wa_id", p->user);
        jo_end(o);
    }
    jo_end(o);
    jo_end(o);
}
