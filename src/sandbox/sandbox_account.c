/* SPDX-License-Identifier: Apache-2.0
 * sandbox_account.c - the business account and the app: fields, webhook subscriptions, tokens.
 *
 * Setting a webhook address (the app's subscriptions, or an override on the account) does the same handshake as the real
 * platform; it is the address of the app whose token the call carries. Tokens are judged by the same list the other calls
 * use; none is ever written into an answer but the one asked about. */
#include "sandbox/sandbox_apps.h"
#include "sandbox/sandbox_handlers.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"

void sbx_waba_get(struct call *c)
{
    static const struct {
        const char *name, *value;
        bool by_default;
    } fields[] = {
        {"name", "Sandbox Business", true},
        {"timezone_id", "1", true},
        {"message_template_namespace", "5a5d0b0c_0000_4000_8000_000000000000", true},
        {"business_verification_status", "verified", false},
        {"country", "US", false},
        {"currency", "USD", false},
        {"ownership_type", "SELF", false},
        {"marketing_messages_lite_api_status", "ONBOARDED", false},
    };
    struct json_out *o = &c->jo;
    bool all = sbx_param(c, "fields").n == 0;
    jo_object(o);
    jo_kcstr(o, "id", c->sb->o.waba_id);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (all ? fields[i].by_default : sbx_wants_exactly(c, fields[i].name))
            jo_kcstr(o, fields[i].name, fields[i].value);
    if (sbx_wants_exactly(c, "health_status")) {
        jo_key(o, "health_status");
        sbx_health_write(c, o, NULL);
    }
    if (sbx_wants_exactly(c, "status"))
        jo_kcstr(o, "status", c->sb->standing.status);
    if (sbx_wants_exactly(c, "account_review_status"))
        jo_kcstr(o, "account_review_status", c->sb->standing.review);
    if (sbx_wants_exactly(c, "whatsapp_business_manager_messaging_limit"))
        jo_kcstr(o, "whatsapp_business_manager_messaging_limit", c->sb->standing.limit);
    if (sbx_wants_exactly(c, "owner_business_info")) {
        jo_key(o, "owner_business_info");
        jo_object(o);
        jo_kcstr(o, "name", "Sandbox Business");
        jo_kcstr(o, "id", SBX_PORTFOLIO);
        jo_end(o);
    }
    jo_end(o);
}

void sbx_app_get(struct call *c)
{
    const struct sbx_app *a = c->target;
    jo_object(&c->jo);
    jo_kcstr(&c->jo, "name", a->name);
    jo_kcstr(&c->jo, "id", a->id);
    jo_end(&c->jo);
}

/* --- subscriptions ------------------------------------------------------------------------------------ */

static void write_subscribed(struct json_out *o, const struct sbx_app *a)
{
    jo_object(o);
    jo_key(o, "whatsapp_business_api_data");
    jo_object(o);
    jo_kcstr(o, "id", a->id);
    jo_kcstr(o, "name", a->name);
    jo_kcstr(o, "link", "https://www.facebook.com/games/");
    jo_end(o);
    if (a->account_url[0] != '\0')
        jo_kcstr(o, "override_callback_uri", a->account_url);
    jo_end(o);
}

void sbx_subscribed_apps_get(struct call *c)
{
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    for (size_t i = 0; i < c->sb->hooks.n_apps; i++)
        if (c->sb->hooks.apps[i]->subscribed)
            write_subscribed(o, c->sb->hooks.apps[i]);
    jo_end(o);
    jo_end(o);
}

void sbx_fail_callback(struct call *c)
{
    sbx_error(c, &(struct sbx_error){.http = 400,
                                     .code = 2200,
                                     .message = "(#2200) Callback verification failed: the address did not answer 200 "
                                                "with hub.challenge"});
}

/* The address that passed the handshake is in the call still: the params live until it is answered. */
static void take_override(struct call *c, bool ok)
{
    if (!ok) {
        sbx_fail_callback(c);
        return;
    }
    pthread_mutex_lock(&c->sb->lock);
    sbx_set_text(&c->app->account_url, sbx_param(c, "override_callback_uri"));
    c->app->subscribed = true;
    pthread_mutex_unlock(&c->sb->lock);
    sbx_success(c);
}

/* Without an address the override there was is taken back. */
void sbx_subscribed_apps_post(struct call *c)
{
    struct str url = sbx_param(c, "override_callback_uri");
    if (url.n > 200)
        sbx_fail_param(c, "Param override_callback_uri must be at most 200 characters long.");
    else if (url.n > 0)
        sbx_handshake(c, url, sbx_param(c, "verify_token"), take_override);
    else
        take_override(c, true);
}

void sbx_subscribed_apps_delete(struct call *c)
{
    c->app->subscribed = false;
    sbx_success(c);
}

void sbx_subscriptions_get(struct call *c)
{
    const struct sbx_app *a = c->target;
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    if (a->url[0] != '\0') {
        jo_object(o);
        jo_kcstr(o, "object", "whatsapp_business_account");
        jo_kcstr(o, "callback_url", a->url);
        jo_kbool(o, "active", true);
        jo_key(o, "fields");
        sbx_app_write_fields(o, a, true);
        jo_end(o);
    }
    jo_end(o);
    jo_end(o);
}

static void take_callback(struct call *c, bool ok)
{
    struct sbx_app *a = c->target;
    if (!ok) {
        sbx_fail_callback(c);
        return;
    }
    char *fields = sbx_app_fields(c);
    pthread_mutex_lock(&c->sb->lock);
    sbx_set_text(&a->url, sbx_param(c, "callback_url"));
    if (fields[0] != '\0')
        sbx_set_text(&a->fields, str_of(fields));
    pthread_mutex_unlock(&c->sb->lock);
    free(fields);
    sbx_success(c);
}

void sbx_subscriptions_post(struct call *c)
{
    struct str url = sbx_param(c, "callback_url");
    if (!str_eq(sbx_param(c, "object"), STR("whatsapp_business_account")))
        sbx_fail_param(c, "Param object must be whatsapp_business_account.");
    else if (url.n == 0)
        sbx_fail_param(c, "The parameter callback_url is required.");
    else
        sbx_handshake(c, url, sbx_param(c, "verify_token"), take_callback);
}

void sbx_subscriptions_delete(struct call *c)
{
    sbx_set_text(&((struct sbx_app *)c->target)->url, STR(""));
    sbx_success(c);
}

/* --- tokens ------------------------------------------------------------------------------------------- */

static void write_scope(struct json_out *o, const char *scope, const char *target)
{
    jo_object(o);
    jo_kcstr(o, "scope", scope);
    jo_key(o, "target_ids");
    jo_array(o);
    jo_cstr(o, target);
    jo_end(o);
    jo_end(o);
}

void sbx_debug_token_get(struct call *c)
{
    struct str asked = sbx_param(c, "input_token");
    struct json_out *o = &c->jo;
    if (asked.n == 0) {
        sbx_fail_param(c, "The parameter input_token is required");
        return;
    }
    const struct sbx_app *a = sbx_app_of_token(c->sb, asked);
    bool valid = a != NULL;
    jo_object(o);
    jo_key(o, "data");
    jo_object(o);
    if (valid) {
        jo_kcstr(o, "app_id", a->id);
        jo_kcstr(o, "type", "SYSTEM_USER");
        jo_kcstr(o, "application", a->name);
        jo_kint(o, "data_access_expires_at", 0);
        sbx_token_answers(c);
    } else {
        jo_key(o, "error");
        jo_object(o);
        jo_kint(o, "code", 190);
        jo_kcstr(o, "message", "Invalid OAuth access token - Cannot parse access token");
        jo_end(o);
    }
    jo_kbool(o, "is_valid", valid);
    if (!valid) {
        jo_key(o, "scopes");
        jo_raw(o, STR("[]"));
    }
    if (valid) {
        jo_key(o, "granular_scopes");
        jo_array(o);
        write_scope(o, "whatsapp_business_management", c->sb->o.waba_id);
        write_scope(o, "whatsapp_business_messaging", c->sb->o.waba_id);
        jo_end(o);
        jo_kcstr(o, "user_id", "122100000000000001");
    }
    jo_end(o);
    jo_end(o);
}

/* GET /oauth/access_token: the app's secret, a code or an old token for a token. */
void sbx_oauth_get(struct call *c)
{
    struct str secret = sbx_param(c, "client_secret");
    if (c->n_seg != 2 || !str_eq(c->seg[1], STR("access_token"))) {
        sbx_fail_path(c, c->rest);
        return;
    }
    const struct sbx_app *a = sbx_app_find(c->sb, sbx_param(c, "client_id"));
    if (a == NULL || secret.n != strlen(a->secret) || !digest_equal(secret.p, a->secret, secret.n)) {
        sbx_error(c, &(struct sbx_error){.http = 400, .code = 1, .message = "Error validating client secret."});
        return;
    }
    jo_object(&c->jo);
    jo_kcstr(&c->jo, "access_token", a->token[0] != '\0' ? a->token : c->sb->o.tokens[0]);
    jo_kcstr(&c->jo, "token_type", "bearer");
    jo_end(&c->jo);
}
