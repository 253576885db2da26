/* SPDX-License-Identifier: Apache-2.0
 * sandbox_account.c - the business account and the app: fields, webhook subscriptions, tokens.
 *
 * Setting a webhook address the official way (the app's subscriptions, or an override on the account) does the same
 * handshake as the real platform and then takes the place of the one address this imitation delivers to. Tokens are
 * judged by the same list the other calls use; none is ever written into an answer but the one asked about. */
#include "sandbox/sandbox_handlers.h"

#include <string.h>

#include "base/digest.h"

#define SANDBOX_PORTFOLIO "3000"

void sbx_waba_get(struct call *c)
{
    static const struct {
        const char *name, *value;
        bool by_default;
    } fields[] = {
        {"name", "Sandbox Business", true},
        {"timezone_id", "1", true},
        {"message_template_namespace", "5a5d0b0c_0000_4000_8000_000000000000", true},
        {"account_review_status", "APPROVED", false},
        {"business_verification_status", "verified", false},
        {"country", "US", false},
        {"currency", "USD", false},
        {"ownership_type", "SELF", false},
        {"status", "ACTIVE", false},
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
        jo_raw(o, STR("{\"can_send_message\":\"AVAILABLE\",\"entities\":[]}"));
    }
    if (sbx_wants_exactly(c, "whatsapp_business_manager_messaging_limit"))
        jo_kcstr(o, "whatsapp_business_manager_messaging_limit", c->sb->limit);
    if (sbx_wants_exactly(c, "owner_business_info")) {
        jo_key(o, "owner_business_info");
        jo_object(o);
        jo_kcstr(o, "name", "Sandbox Business");
        jo_kcstr(o, "id", SANDBOX_PORTFOLIO);
        jo_end(o);
    }
    jo_end(o);
}

void sbx_app_get(struct call *c)
{
    jo_object(&c->jo);
    jo_kcstr(&c->jo, "name", "Sandbox App");
    jo_kcstr(&c->jo, "id", c->sb->o.app_id);
    jo_end(&c->jo);
}

/* --- subscriptions ------------------------------------------------------------------------------------ */

void sbx_subscribed_apps_get(struct call *c)
{
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    if (c->sb->subscribed) {
        jo_object(o);
        jo_key(o, "whatsapp_business_api_data");
        jo_object(o);
        jo_kcstr(o, "id", c->sb->o.app_id);
        jo_kcstr(o, "name", "Sandbox App");
        jo_kcstr(o, "link", "https://www.facebook.com/games/");
        jo_end(o);
        if (c->sb->hooks.url[0] != '\0')
            jo_kcstr(o, "override_callback_uri", c->sb->hooks.url);
        jo_end(o);
    }
    jo_end(o);
    jo_end(o);
}

/* The address that passed the handshake is in the call still: the params live until it is answered. */
static void take_address(struct call *c, bool ok, const char *field)
{
    if (!ok) {
        sbx_error(c, &(struct sbx_error){.http = 400,
                                         .code = 2200,
                                         .message = "(#2200) Callback verification failed: the address did not answer "
                                                    "200 with hub.challenge"});
        return;
    }
    pthread_mutex_lock(&c->sb->lock);
    sbx_hooks_set_url(c->sb, sbx_param(c, field));
    c->sb->subscribed = true;
    pthread_mutex_unlock(&c->sb->lock);
    sbx_success(c);
}

static void take_override(struct call *c, bool ok)
{
    take_address(c, ok, "override_callback_uri");
}

static void take_callback(struct call *c, bool ok)
{
    take_address(c, ok, "callback_url");
}

void sbx_subscribed_apps_post(struct call *c)
{
    struct str url = sbx_param(c, "override_callback_uri");
    if (url.n > 0) {
        sbx_handshake(c, url, sbx_param(c, "verify_token"), take_override);
        return;
    }
    pthread_mutex_lock(&c->sb->lock);
    c->sb->subscribed = true;
    pthread_mutex_unlock(&c->sb->lock);
    sbx_success(c);
}

void sbx_subscribed_apps_delete(struct call *c)
{
    c->sb->subscribed = false;
    sbx_success(c);
}

void sbx_subscriptions_get(struct call *c)
{
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    if (c->sb->hooks.url[0] != '\0') {
        jo_object(o);
        jo_kcstr(o, "object", "whatsapp_business_account");
        jo_kcstr(o, "callback_url", c->sb->hooks.url);
        jo_kbool(o, "active", true);
        jo_key(o, "fields");
        jo_raw(o, STR("[{\"name\":\"messages\",\"version\":\"v26.0\"}]"));
        jo_end(o);
    }
    jo_end(o);
    jo_end(o);
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
    sbx_hooks_set_url(c->sb, STR(""));
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
    bool valid = sbx_token_ok(c->sb, asked);
    jo_object(o);
    jo_key(o, "data");
    jo_object(o);
    if (valid) {
        jo_kcstr(o, "app_id", c->sb->o.app_id);
        jo_kcstr(o, "type", "SYSTEM_USER");
        jo_kcstr(o, "application", "Sandbox App");
        jo_kint(o, "data_access_expires_at", 0);
        jo_kint(o, "expires_at", 0);
    } else {
        jo_key(o, "error");
        jo_object(o);
        jo_kint(o, "code", 190);
        jo_kcstr(o, "message", "Invalid OAuth access token - Cannot parse access token");
        jo_end(o);
    }
    jo_kbool(o, "is_valid", valid);
    jo_key(o, "scopes");
    jo_raw(o, valid ? STR("[\"whatsapp_business_management\",\"whatsapp_business_messaging\",\"public_profile\"]")
                    : STR("[]"));
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
    const char *want = c->sb->o.app_secret;
    if (!str_eq(sbx_param(c, "client_id"), str_of(c->sb->o.app_id)) || secret.n != strlen(want) ||
        !digest_equal(secret.p, want, secret.n)) {
        sbx_error(c, &(struct sbx_error){.http = 400, .code = 1, .message = "Error validating client secret."});
        return;
    }
    jo_object(&c->jo);
    jo_kcstr(&c->jo, "access_token", c->sb->o.tokens[0]);
    jo_kcstr(&c->jo, "token_type", "bearer");
    jo_end(&c->jo);
}
