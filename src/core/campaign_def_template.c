/* SPDX-License-Identifier: Apache-2.0
 * campaign_def_template.c - the templates of a definition, and what is put into them.
 *
 * Each value becomes a slot, in the order in which it is written into the message. A value is the same for everybody, or an attribute of the
 * person with or without a default; of a header it may be a medium, of a body an amount or a date. What Meta would refuse for everybody
 * (a line break in a fixed text) is refused here; what it would refuse for some is found by the check. Whether a template takes these
 * values is asked when its listing is there. */
#include <string.h>

#include "core/campaign_def_impl.h"
#include "core/campaign_message_impl.h"

#define ATTRIBUTE_MAX 128
#define BUTTON_MOST   9

static const char *const template_keys[] = {"name", "weight", "languages", "parameters", NULL};
static const char *const parameter_keys[] = {"header",   "body", "buttons", "code", "limited_time_offer",
                                             "carousel", NULL};
static const char *const value_keys[] = {"attribute", "text",      "default", "type",     "name",
                                         "image",     "video",     "gif",     "document", "location",
                                         "currency",  "date_time", "product", NULL};
static const char *const button_keys[] = {"type", "index", "attribute", "text", "default", "data", "action", NULL};
static const char *const offer_keys[] = {"expires_at", NULL};

/* Objects that are written as they are given: what they must have, and where they may stand. */
static const struct object_kind {
    const char *word;
    const char *must[3];
    bool one_of; /* one of them is enough */
    bool header; /* else in a body */
} object_kinds[] = {
    {"image", {"link", "id", NULL}, true, true},
    {"video", {"link", "id", NULL}, true, true},
    {"gif", {"link", "id", NULL}, true, true},
    {"document", {"link", "id", NULL}, true, true},
    {"location", {"latitude", "longitude", NULL}, false, true},
    {"product", {"product_retailer_id", "catalog_id", NULL}, false, true},
    {"currency", {"fallback_value", "code", "amount_1000"}, false, false},
    {"date_time", {"fallback_value", NULL, NULL}, false, false},
};

static struct campaign_slot *new_slot(struct def_reader *r, struct def_at at, struct campaign_variant *v,
                                      const char *component, int *rc)
{
    if (v->n_slots == CAMPAIGN_SLOTS_MAX) {
        *rc = def_wrong(r, at, "is one value too many: a template takes at most %d here", CAMPAIGN_SLOTS_MAX);
        return NULL;
    }
    struct campaign_slot *s = &v->slot[v->n_slots++];
    s->component = str_of(component);
    s->type = STR("text");
    *rc = 0;
    return s;
}

static bool has_what_it_must(const struct object_kind *k, struct json v)
{
    size_t have = 0, n = 0;
    for (; n < 3 && k->must[n] != NULL; n++)
        have += json_type(json_get(v, k->must[n])) > JSON_NULL;
    return k->one_of ? have == 1 : have == n;
}

/* An image, an amount: given as an object. */
static int read_object(struct def_reader *r, struct def_at at, const struct object_kind *k, struct campaign_slot *s)
{
    bool header = str_eq(s->component, STR("header"));
    if (json_type(at.v) != JSON_OBJECT || !has_what_it_must(k, at.v))
        return def_wrong(r, at, "must be an object with %s%s%s%s%s", k->must[0],
                         k->must[1] == NULL ? ""
                         : k->one_of        ? " or "
                                            : " and ",
                         k->must[1] != NULL ? k->must[1] : "", k->must[2] != NULL ? " and " : "",
                         k->must[2] != NULL ? k->must[2] : "");
    if (k->header != header)
        return def_wrong(r, at, "cannot stand in a %s", header ? "header" : "body");
    s->type = str_of(k->word);
    s->media = at.v;
    return 0;
}

/* {"attribute": .., "default": ..} or {"text": ..}, and the same in a button. */
static int read_source(struct def_reader *r, struct def_at at, struct campaign_slot *s)
{
    struct def_at attribute = def_in(r, at, "attribute"), text = def_in(r, at, "text");
    struct def_at fallback = def_in(r, at, "default");
    if (def_given(text) && (def_given(attribute) || def_given(fallback)))
        return def_wrong(r, text, "is the same for everybody: `attribute` and `default` cannot stand beside it");
    if (!def_given(text) && !def_given(attribute))
        return def_wrong(r, at, "has neither `text`, for everybody the same, nor `attribute`, of the person");
    int rc = def_text(r, attribute, ATTRIBUTE_MAX, &s->attribute);
    struct def_at words = def_given(text) ? text : fallback;
    if (rc == 0)
        rc = def_text(r, words, CAMPAIGN_VALUE_MAX, &s->text);
    const char *wrong = rc == 0 && s->text.p != NULL ? campaign_value_wrong(s, s->text) : NULL;
    return wrong != NULL ? def_wrong(r, words, "%s", wrong) : rc;
}

static int read_value(struct def_reader *r, struct def_at at, struct campaign_slot *s)
{
    static const char *const types[] = {"text", "image", "video", "document", NULL};
    size_t type = 0;
    if (json_type(at.v) == JSON_STRING) {
        int rc = def_text(r, at, CAMPAIGN_VALUE_MAX, &s->text);
        const char *wrong = rc == 0 ? campaign_value_wrong(s, s->text) : NULL;
        return wrong != NULL ? def_wrong(r, at, "%s", wrong) : rc;
    }
    int rc = def_object(r, at, value_keys);
    if (rc == 0)
        rc = def_text(r, def_in(r, at, "name"), ATTRIBUTE_MAX, &s->name);
    for (size_t i = 0; rc == 0 && i < sizeof object_kinds / sizeof object_kinds[0]; i++) {
        struct def_at object = def_in(r, at, object_kinds[i].word);
        if (!def_given(object))
            continue;
        if (json_count(at.v) > 1u + (s->name.n > 0))
            return def_wrong(r, object, "is the whole value: nothing else can stand beside it");
        return read_object(r, object, &object_kinds[i], s);
    }
    if (rc == 0)
        rc = def_word(r, def_in(r, at, "type"), types, &type);
    if (rc == 0 && type > 0 && !str_eq(s->component, STR("header")))
        rc = def_wrong(r, def_in(r, at, "type"), "must be text: only a header has media");
    s->type = str_of(types[type]);
    return rc == 0 ? read_source(r, at, s) : rc;
}

static int read_header(struct def_reader *r, struct def_at at, struct campaign_variant *v)
{
    int rc = 0;
    if (json_type(at.v) == JSON_ARRAY) {
        if (json_count(at.v) != 1)
            return def_wrong(r, at, "must have one value: a header takes no more");
        struct json_iter it = json_iter(at.v);
        json_next(&it);
        at = def_nth(r, (struct def_at){it.value, at.path}, 0);
    }
    struct campaign_slot *s = new_slot(r, at, v, "header", &rc);
    return s != NULL ? read_value(r, at, s) : rc;
}

/* A list for {{1}}, {{2}}.., an object for {{first_name}}. */
static int read_body(struct def_reader *r, struct def_at at, struct campaign_variant *v)
{
    bool named = json_type(at.v) == JSON_OBJECT;
    size_t n = 0;
    int rc = 0;
    if (!named && json_type(at.v) != JSON_ARRAY)
        return def_wrong(r, at, "must be a list of values, or an object of values by their names");
    struct str twice = json_duplicate_key(at.v);
    if (named && twice.p != NULL)
        return def_wrong(r, at, "has \"%.*s\" twice", twice.n > 60 ? 60 : (int)twice.n, twice.p);
    for (struct json_iter it = json_iter(at.v); rc == 0 && json_next(&it); n++) {
        char *name = named ? arena_strndup(r->a, it.key.p, it.key.n) : NULL;
        struct def_at one = named ? def_in(r, at, name != NULL ? name : "") : def_nth(r, at, n);
        one.v = it.value;
        struct campaign_slot *s = new_slot(r, one, v, "body", &rc);
        if (s != NULL)
            rc = read_value(r, one, s);
        if (rc == 0 && named)
            s->name = (struct str){name, it.key.n};
    }
    return rc;
}

/* Flow: the token is a value like any other, and may be missing; what a catalog or a list of products shows is given as it is sent. */
static int read_action(struct def_reader *r, struct def_at at, struct campaign_slot *s)
{
    bool flow = str_eq(s->sub_type, STR("flow"));
    struct def_at object = def_in(r, at, flow ? "data" : "action"), other = def_in(r, at, flow ? "action" : "data");
    if (def_given(other))
        return def_wrong(r, other, "is nothing for a button of type %s", s->sub_type.p);
    if (def_given(object) ? json_type(object.v) != JSON_OBJECT : !flow)
        return def_wrong(r, object, "must be an object, as it is to be sent");
    s->type = STR("action");
    s->media = object.v;
    if (flow && (def_given(def_in(r, at, "text")) || def_given(def_in(r, at, "attribute"))))
        return read_source(r, at, s);
    s->text = STR("unused"); /* what Meta puts itself where no token is given */
    return 0;
}

static int read_button(struct def_reader *r, struct def_at at, struct campaign_variant *v, size_t position)
{
    static const char *const kinds[] = {"url", "quick_reply", "copy_code", "flow", "catalog", "mpm", NULL};
    static const char *const types[] = {"text", "payload", "coupon_code"};
    struct def_at type = def_in(r, at, "type"), index = def_in(r, at, "index");
    int64_t place = (int64_t)position;
    size_t kind = 0;
    int rc = def_object(r, at, button_keys);
    if (rc == 0 && !def_given(type))
        rc = def_wrong(r, type, "is missing: url, quick_reply, copy_code, flow, catalog or mpm");
    if (rc == 0)
        rc = def_word(r, type, kinds, &kind);
    if (rc == 0)
        rc = def_int(r, index, 0, BUTTON_MOST, &place);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < v->n_slots; i++)
        if (str_eq(v->slot[i].component, STR("button")) && v->slot[i].index == (int)place)
            return def_wrong(r, index, "is that of another button, too");
    struct campaign_slot *s = new_slot(r, at, v, "button", &rc);
    if (s == NULL)
        return rc;
    s->sub_type = str_of(kinds[kind]);
    s->index = (int)place;
    if (kind >= 3)
        return read_action(r, at, s);
    s->type = str_of(types[kind]);
    if (def_given(def_in(r, at, "data")) || def_given(def_in(r, at, "action")))
        return def_wrong(r, at, "is a button of type %s: it has neither data nor action", kinds[kind]);
    return read_source(r, at, s);
}

static int read_buttons(struct def_reader *r, struct def_at at, struct campaign_variant *v)
{
    size_t n = 0;
    int rc = 0;
    if (json_type(at.v) != JSON_ARRAY)
        return def_wrong(r, at, "must be a list of {\"type\": .., \"index\": .., \"text\": ..}");
    for (struct json_iter it = json_iter(at.v); rc == 0 && json_next(&it); n++)
        rc = read_button(r, def_nth(r, (struct def_at){it.value, at.path}, n), v, n);
    return rc;
}

/* A code goes into the body and into the template's button, which is a link for Meta whatever it is for people. */
static int read_code(struct def_reader *r, struct def_at at, struct campaign_variant *v)
{
    int rc = 0;
    if (r->d->category != CATEGORY_AUTHENTICATION)
        return def_wrong(r, at, "is for templates of the category authentication");
    if (v->n_slots > 0)
        return def_wrong(r, at, "is all such a template takes: nothing else can stand beside it");
    struct campaign_slot *body = new_slot(r, at, v, "body", &rc);
    if (body == NULL)
        return rc;
    body->sub_type = STR("code");
    rc = read_value(r, at, body);
    if (rc == 0 && json_type(body->media) > JSON_NULL)
        rc = def_wrong(r, at, "must be a text");
    struct campaign_slot *button = rc == 0 ? new_slot(r, at, v, "button", &rc) : NULL;
    if (button != NULL) {
        *button = *body;
        button->component = STR("button");
        button->sub_type = STR("url");
        button->name = (struct str){NULL, 0};
    }
    return rc;
}

static int read_rest(struct def_reader *r, struct def_at offer, struct def_at carousel, struct campaign_variant *v)
{
    int64_t ends = 0;
    int rc = 0;
    if (def_given(offer)) {
        struct def_at at = def_in(r, offer, "expires_at");
        struct campaign_slot *s = new_slot(r, offer, v, "limited_time_offer", &rc);
        rc = s == NULL ? rc : def_object(r, offer, offer_keys);
        if (rc == 0 && !def_given(at))
            rc = def_wrong(r, at, "is missing: when the offer ends");
        if (rc == 0)
            rc = def_time(r, at, &ends);
        if (rc != 0)
            return rc;
        const char *text = arena_printf(r->a, "%lld", (long long)ends);
        if (text == NULL)
            return def_no_memory(r);
        s->type = STR("limited_time_offer");
        s->text = str_of(text);
    }
    if (def_given(carousel)) {
        struct campaign_slot *s = new_slot(r, carousel, v, "carousel", &rc);
        if (s == NULL)
            return rc;
        if (json_type(carousel.v) != JSON_ARRAY || json_count(carousel.v) == 0 || json_count(carousel.v) > 10)
            return def_wrong(r, carousel, "must be a list of 1 to 10 cards, as they are sent");
        s->type = STR("cards");
        s->media = carousel.v;
        s->text = STR("cards");
    }
    return 0;
}

static int read_parameters(struct def_reader *r, struct def_at at, struct campaign_variant *v)
{
    struct def_at header = def_in(r, at, "header"), body = def_in(r, at, "body");
    struct def_at buttons = def_in(r, at, "buttons"), code = def_in(r, at, "code");
    int rc = def_object(r, at, parameter_keys);
    if (rc == 0 && def_given(header))
        rc = read_header(r, header, v);
    if (rc == 0 && def_given(body))
        rc = read_body(r, body, v);
    if (rc == 0 && def_given(buttons))
        rc = read_buttons(r, buttons, v);
    if (rc == 0 && def_given(code))
        rc = read_code(r, code, v);
    if (rc == 0)
        rc = read_rest(r, def_in(r, at, "limited_time_offer"), def_in(r, at, "carousel"), v);
    return rc;
}

/* Lower case letters, digits and underscores: as Meta names templates. */
static bool is_template_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_'))
            return false;
    return s.n > 0;
}

static int read_template(struct def_reader *r, struct def_at at, struct campaign_variant *v)
{
    struct def_at name = def_in(r, at, "name"), parameters = def_in(r, at, "parameters");
    int64_t weight = 1;
    int rc = def_object(r, at, template_keys);
    if (rc == 0 && !def_given(name))
        rc = def_wrong(r, name, "is missing");
    if (rc == 0)
        rc = def_text(r, name, TEMPLATE_NAME_MAX - 1, &v->name);
    if (rc == 0 && !is_template_name(v->name))
        rc = def_wrong(r, name, "must be of lower case letters, digits and underscores");
    if (rc == 0)
        rc = def_int(r, def_in(r, at, "weight"), 1, 1000, &weight);
    v->weight = (uint32_t)weight;
    if (rc == 0)
        rc = def_languages(r, def_in(r, at, "languages"), CAMPAIGN_LANGUAGES_MAX, v->language, &v->n_languages);
    if (rc == 0 && def_given(parameters))
        rc = read_parameters(r, parameters, v);
    return rc;
}

int def_templates(struct def_reader *r, struct def_at root)
{
    struct def_at at = def_in(r, root, "templates");
    struct campaign_def *d = r->d;
    int rc = 0;
    if (json_type(at.v) != JSON_ARRAY || json_count(at.v) == 0)
        return def_wrong(r, at, "%s",
                         def_given(at) ? "must be a list with at least one template" : "is missing: what is sent");
    if (json_count(at.v) > CAMPAIGN_VARIANTS_MAX)
        return def_wrong(r, at, "has more than %d templates", CAMPAIGN_VARIANTS_MAX);
    for (struct json_iter it = json_iter(at.v); rc == 0 && json_next(&it);) {
        struct def_at one = def_nth(r, (struct def_at){it.value, at.path}, d->n_variants);
        rc = read_template(r, one, &d->variant[d->n_variants++]);
    }
    return rc;
}
