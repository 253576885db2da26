/* SPDX-License-Identifier: Apache-2.0
 * sandbox_validate.c - what the messages endpoint checks before it accepts, and in whose words it refuses.
 *
 * A table of message types, each with the check of its own object. Limits are those published; where Meta accepts and
 * fails later by webhook (unknown media, numbers that cannot exist), so does this. It does not fetch links and does
 * not look at policies: that is the business of whoever sits in front of it. */
#include "sandbox/sandbox_send.h"
#include "sandbox/sandbox_templates.h"

#include <string.h>

#define CALLBACK_MAX 512

static struct str text_at(struct json object, const char *key)
{
    return json_str_or(json_get(object, key), (struct str){NULL, 0});
}

static bool missing(struct call *c, const char *what)
{
    sbx_fail(c, 131008, "The parameter %s is required.", what);
    return false;
}

static bool invalid(struct call *c, const char *what)
{
    sbx_fail(c, 131009, "%s", what);
    return false;
}

/* Characters, not bytes. */
static size_t length(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* --- one check per type ------------------------------------------------------------------------------- */

static bool check_text(struct call *c, struct sbx_send *s, struct json object)
{
    (void)s;
    struct str body = text_at(object, "body");
    if (body.n == 0)
        return missing(c, "text['body']");
    return length(body) <= 4096 || invalid(c, "Text body must be at most 4096 characters long.");
}

static bool check_media(struct call *c, struct sbx_send *s, struct json object)
{
    struct json id_value = json_get(object, "id");
    struct str id = json_str_or(id_value, (struct str){NULL, 0}), link = text_at(object, "link");
    bool has_id = json_type(id_value) != JSON_ABSENT && json_type(id_value) != JSON_NULL;
    int64_t number;
    if (!has_id && link.n == 0)
        return missing(c, "id or link");
    if (has_id && link.n > 0)
        return invalid(c, "Exactly one of id and link must be given.");
    if (length(text_at(object, "caption")) > 1024)
        return invalid(c, "The caption must be at most 1024 characters long.");
    if (id.n == 0 && json_i64(id_value, &number))
        id = str_of(arena_printf(c->a, "%lld", (long long)number));
    if (has_id && !sbx_media_known(c->sb, id))
        s->fail_code = 131053;
    return true;
}

static bool is_number(struct json v)
{
    enum json_type t = json_type(v);
    return t == JSON_INT || t == JSON_UINT || t == JSON_DOUBLE || (t == JSON_STRING && json_str_or(v, STR("")).n > 0);
}

static bool check_location(struct call *c, struct sbx_send *s, struct json object)
{
    (void)s;
    if (!is_number(json_get(object, "latitude")))
        return missing(c, "location['latitude']");
    return is_number(json_get(object, "longitude")) || missing(c, "location['longitude']");
}

static bool check_contacts(struct call *c, struct sbx_send *s, struct json object)
{
    (void)s;
    if (json_type(object) != JSON_ARRAY || json_count(object) == 0)
        return missing(c, "contacts");
    for (struct json_iter it = json_iter(object); json_next(&it);)
        if (json_type(json_get(it.value, "name")) != JSON_OBJECT)
            return missing(c, "contacts['name']");
    return true;
}

static bool check_reaction(struct call *c, struct sbx_send *s, struct json object)
{
    (void)s;
    if (text_at(object, "message_id").n == 0)
        return missing(c, "reaction['message_id']");
    return json_type(json_get(object, "emoji")) == JSON_STRING || missing(c, "reaction['emoji']");
}

static bool check_pin(struct call *c, struct sbx_send *s, struct json object)
{
    (void)s;
    return text_at(object, "message_id").n > 0 || missing(c, "pin['message_id']");
}

/* --- interactive -------------------------------------------------------------------------------------- */

static bool check_buttons(struct call *c, struct json action)
{
    struct json buttons = json_get(action, "buttons");
    size_t n = json_count(buttons);
    if (n < 1 || n > 3)
        return invalid(c, "Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3");
    for (struct json_iter it = json_iter(buttons); json_next(&it);) {
        struct json reply = json_get(it.value, "reply");
        struct str id = text_at(reply, "id"), title = text_at(reply, "title");
        if (id.n == 0 || title.n == 0)
            return missing(c, "interactive['action']['buttons']['reply']");
        if (length(title) > 20)
            return invalid(c, "Button title length invalid. Min length: 1, Max length: 20");
        if (length(id) > 256)
            return invalid(c, "Button id length invalid. Min length: 1, Max length: 256");
    }
    return true;
}

static bool check_list(struct call *c, struct json action)
{
    struct json sections = json_get(action, "sections");
    size_t rows = 0;
    if (text_at(action, "button").n == 0)
        return missing(c, "interactive['action']['button']");
    if (json_count(sections) < 1 || json_count(sections) > 10)
        return invalid(c, "Invalid sections count. Min allowed: 1, Max allowed: 10");
    for (struct json_iter it = json_iter(sections); json_next(&it);) {
        for (struct json_iter row = json_iter(json_get(it.value, "rows")); json_next(&row); rows++) {
            struct str title = text_at(row.value, "title");
            if (text_at(row.value, "id").n == 0 || title.n == 0)
                return missing(c, "interactive['action']['sections']['rows']");
            if (length(title) > 24)
                return invalid(c, "Row title is too long. Max length is 24");
        }
    }
    return (rows >= 1 && rows <= 10) || invalid(c, "Total row count exceed max allowed count: 10");
}

static bool check_cta_url(struct call *c, struct json action)
{
    struct json parameters = json_get(action, "parameters");
    return (text_at(parameters, "url").n > 0 && text_at(parameters, "display_text").n > 0) ||
           missing(c, "interactive['action']['parameters']");
}

static bool check_any(struct call *c, struct json action)
{
    (void)c;
    (void)action;
    return true;
}

static const struct interactive {
    const char *name;
    bool body;
    size_t body_max;
    bool (*check)(struct call *c, struct json action);
} interactives[] = {
    {"button", true, 1024, check_buttons},
    {"list", true, 4096, check_list},
    {"cta_url", true, 1024, check_cta_url},
    {"flow", true, 1024, check_any},
    {"product", false, 1024, check_any},
    {"product_list", true, 1024, check_any},
    {"catalog_message", true, 1024, check_any},
    {"location_request_message", true, 1024, check_any},
    {"address_message", true, 1024, check_any},
    {"carousel", true, 1024, check_any},
    {"voice_call", false, 1024, check_any},
    {"call_permission_request", false, 1024, check_any},
    {"request_contact_info", false, 1024, check_any},
    {"contact_request", false, 1024, check_any},
    {"order_details", true, 1024, check_any},
    {"order_status", true, 1024, check_any},
};

static bool check_interactive(struct call *c, struct sbx_send *s, struct json object)
{
    (void)s;
    struct str type = text_at(object, "type"), body = text_at(json_get(object, "body"), "text");
    struct json action = json_get(object, "action");
    if (type.n == 0)
        return missing(c, "interactive['type']");
    if (json_type(action) != JSON_OBJECT)
        return missing(c, "interactive['action']");
    for (size_t i = 0; i < sizeof interactives / sizeof *interactives; i++) {
        const struct interactive *k = &interactives[i];
        if (!str_ieq(type, str_of(k->name)))
            continue;
        if (k->body && body.n == 0)
            return missing(c, "interactive['body']['text']");
        if (length(body) > k->body_max)
            return invalid(c, "The body text is too long.");
        return k->check(c, action);
    }
    return invalid(c, "Invalid interactive message type.");
}

/* --- templates ---------------------------------------------------------------------------------------- */

static bool check_status(struct call *c, const struct sbx_template *t, struct str name, struct str language)
{
    int code = t == NULL                            ? 132001
               : strcmp(t->status, "APPROVED") == 0 ? 0
               : strcmp(t->status, "PAUSED") == 0   ? 132015
               : strcmp(t->status, "DISABLED") == 0 ? 132016
                                                    : 132001;
    if (code == 0)
        return true;
    if (code == 132001)
        sbx_fail(c, code, "template name (%.*s) does not exist in %.*s", (int)(name.n < 200 ? name.n : 200), name.p,
                 (int)(language.n < 20 ? language.n : 20), language.p);
    else
        sbx_fail(c, code, NULL);
    return false;
}

static bool check_template(struct call *c, struct sbx_send *s, struct json object)
{
    struct str name = text_at(object, "name"), language = text_at(json_get(object, "language"), "code");
    if (name.n == 0)
        return missing(c, "template['name']");
    if (language.n == 0)
        return missing(c, "template['language']['code']");
    const struct sbx_template *t = sbx_template_find(c->sb, name, language);
    if (!check_status(c, t, name, language) || !sbx_template_check(c, t, json_get(object, "components")))
        return false;
    if (s->bsuid && strcmp(t->category, "AUTHENTICATION") == 0) {
        sbx_fail(c, 131062, NULL);
        return false;
    }
    if (s->lite && strcmp(t->category, "MARKETING") != 0) {
        sbx_fail(c, 134100, NULL);
        return false;
    }
    s->template = t;
    return true;
}

static const struct type {
    const char *name;
    bool array;
    bool (*check)(struct call *c, struct sbx_send *s, struct json object);
} types[] = {
    {"text", false, check_text},
    {"template", false, check_template},
    {"image", false, check_media},
    {"video", false, check_media},
    {"audio", false, check_media},
    {"document", false, check_media},
    {"sticker", false, check_media},
    {"location", false, check_location},
    {"contacts", true, check_contacts},
    {"reaction", false, check_reaction},
    {"interactive", false, check_interactive},
    {"pin", false, check_pin},
};

/* --- the envelope ------------------------------------------------------------------------------------- */

static bool alphanumeric(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= '0' && s.p[i] <= '9') || (s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= 'A' && s.p[i] <= 'Z')))
            return false;
    return s.n > 0;
}

/* CC.1234 or CC.ENT.1234 */
static bool is_bsuid(struct str s)
{
    if (s.n < 4 || s.p[0] < 'A' || s.p[0] > 'Z' || s.p[1] < 'A' || s.p[1] > 'Z' || s.p[2] != '.')
        return false;
    struct str id = {s.p + 3, s.n - 3};
    if (str_starts(id, STR("ENT.")))
        id = (struct str){id.p + 4, id.n - 4};
    return alphanumeric(id) && id.n <= 128;
}

/* `to` wins over `recipient`. Whatever is in `to` is stripped to its digits, as Meta does. */
static bool find_recipient(struct call *c, struct sbx_send *s)
{
    struct str recipient = text_at(c->params, "recipient");
    s->to = sbx_param(c, "to");
    s->group = str_ieq(text_at(c->params, "recipient_type"), STR("group"));
    if (s->to.n == 0 && recipient.n == 0) {
        sbx_fail_param(c, "The parameter to is required.");
        return false;
    }
    if (s->to.n == 0) {
        if (!is_bsuid(recipient))
            return invalid(c, "The recipient must be a business-scoped user id.");
        s->to = s->user = recipient;
        s->bsuid = true;
        return true;
    }
    s->user = s->group ? s->to : sbx_digits(c, s->to);
    if (s->user.n == 0 || s->user.n > 128)
        return invalid(c, "The recipient phone number is not valid.");
    if (!s->group && str_eq(s->user, str_of(c->number->digits))) {
        sbx_fail(c, 131021, NULL);
        return false;
    }
    if (!s->group && (s->user.n < 7 || s->user.n > 15 || is_bsuid(s->to)))
        s->fail_code = 131026;
    return true;
}

static bool check_direct(struct call *c, struct sbx_send *s)
{
    struct str category = text_at(c->params, "category");
    if (category.n == 0)
        return true;
    s->direct = str_ieq(category, STR("utility"))          ? "utility"
                : str_ieq(category, STR("authentication")) ? "authentication"
                                                           : NULL;
    if (s->direct == NULL)
        sbx_fail(c, 100, "category must be utility or authentication");
    return s->direct != NULL;
}

static bool check_envelope(struct call *c, struct sbx_send *s)
{
    struct str product = text_at(c->params, "messaging_product"), kind = text_at(c->params, "recipient_type");
    if (product.n == 0) {
        sbx_fail_param(c, "The parameter messaging_product is required.");
        return false;
    }
    if (!str_ieq(product, STR("whatsapp"))) {
        sbx_fail_param(c, "Param messaging_product must be one of {WHATSAPP} - got \"%.*s\".",
                       (int)(product.n < 40 ? product.n : 40), product.p);
        return false;
    }
    if (kind.n > 0 && !str_ieq(kind, STR("individual")) && !str_ieq(kind, STR("group")))
        return invalid(c, "recipient_type must be individual or group.");
    s->callback = text_at(c->params, "biz_opaque_callback_data");
    if (length(s->callback) > CALLBACK_MAX)
        return invalid(c, "biz_opaque_callback_data must be at most 512 characters long.");
    return find_recipient(c, s) && check_direct(c, s);
}

bool sbx_validate(struct call *c, struct sbx_send *s)
{
    struct str type = text_at(c->params, "type");
    if (!check_envelope(c, s))
        return false;
    if (type.p == NULL)
        type = STR("text");
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        if (!str_ieq(type, str_of(types[i].name)))
            continue;
        struct json object = json_get(c->params, types[i].name);
        s->type = str_of(types[i].name);
        if (json_type(object) == JSON_ABSENT)
            return missing(c, types[i].name);
        if (json_type(object) != (types[i].array ? JSON_ARRAY : JSON_OBJECT)) {
            sbx_fail_param(c, "Param %s must be %s.", types[i].name, types[i].array ? "an array" : "a JSON object");
            return false;
        }
        if (s->lite && types[i].check != check_template) {
            sbx_fail(c, 100, "Only template messages can be sent to this endpoint");
            return false;
        }
        return types[i].check(c, s, object);
    }
    sbx_fail_param(c,
                   "Param type must be one of {AUDIO, CONTACTS, DOCUMENT, IMAGE, INTERACTIVE, LOCATION, PIN, REACTION, "
                   "STICKER, TEMPLATE, TEXT, VIDEO} - got \"%.*s\".",
                   (int)(type.n < 40 ? type.n : 40), type.p);
    return false;
}
