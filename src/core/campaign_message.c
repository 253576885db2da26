/* SPDX-License-Identifier: Apache-2.0
 * campaign_message.c - what is said to one person: in which language, with which values, and as which body.
 *
 * The values are frozen when the campaign is checked: a text for each slot that is the person's own, null for what the definition says for
 * everybody. The body is made from them when the message goes to the door, without asking anybody anything. Values are copied as
 * they stand in that array, so what was frozen is what is sent, byte for byte. */
#include <string.h>

#include "base/json_walk.h"
#include "core/campaign_message_impl.h"

#define CODE_MAX   15 /* characters, docs/platform.md §5.3 */
#define COUPON_MAX 20
#define OBJECT_MAX (64u << 10)

/* --- language ------------------------------------------------------------------------------------------------------- */

static char folded(char c)
{
    return c == '-' ? '_' : c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_language(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (folded(a.p[i]) != folded(b.p[i]))
            return false;
    return true;
}

/* "pt" of "pt_BR" */
static struct str base_of(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] != '_' && s.p[n] != '-')
        n++;
    return (struct str){s.p, n};
}

static int find(struct str want, const struct str *have, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (same_language(want, have[i]))
            return (int)i;
    return -1;
}

/* Locales as machines write them: "zh-Hant-HK", "sr_Latn_RS", "en_US.UTF-8". Meta's languages have no scripts: Chinese that is written in
 * Hant alone is Taiwan's, in Hans China's. */
static struct str plain(struct str lang, char out[LANGUAGE_MAX])
{
    struct str all = {out, 0}, rest = {NULL, 0}, place = {NULL, 0};
    for (; all.n < lang.n && all.n < LANGUAGE_MAX - 1 && lang.p[all.n] != '.' && lang.p[all.n] != '@'; all.n++)
        out[all.n] = lang.p[all.n] == '-' ? '_' : lang.p[all.n];
    struct str base = str_cut(all, '_', &rest), script = rest.p != NULL ? str_cut(rest, '_', &place) : rest;
    if (script.n != 4)
        return all;
    if (str_ieq(base, STR("zh")) && (place.n == 0 || str_ieq(script, STR("Hans"))))
        return str_ieq(script, STR("Hant")) ? STR("zh_TW") : STR("zh_CN");
    if (place.n == 0)
        return base;
    memmove(out + base.n + 1, place.p, place.n);
    return (struct str){out, base.n + 1 + place.n};
}

static bool is_traditional(struct str s)
{
    return same_language(s, STR("zh_TW")) || same_language(s, STR("zh_HK")) || same_language(s, STR("zh_MO"));
}

/* 0: another language, 1: theirs in another script, 2: theirs elsewhere, 3: theirs without a place, 4: their own. */
static int nearness(struct str have, struct str lang)
{
    struct str base = base_of(lang);
    if (base.n == 0 || !same_language(base_of(have), base))
        return 0;
    if (same_language(have, lang))
        return 4;
    if (same_language(have, base))
        return 3;
    return lang.n == base.n || is_traditional(have) == is_traditional(lang) ? 2 : 1;
}

int campaign_language(const struct campaign_variant *v, struct str lang, const struct str *have, size_t n)
{
    const struct str *order = v->n_languages > 0 ? v->language : have;
    size_t n_order = v->n_languages > 0 ? v->n_languages : n;
    char spelled[LANGUAGE_MAX];
    int best = -1, nearest = -1;
    lang = plain(lang, spelled);
    for (size_t i = 0; i < n_order; i++) {
        int at = find(order[i], have, n);
        if (at < 0)
            continue;
        int near = nearness(order[i], lang);
        if (near > nearest) {
            nearest = near;
            best = at;
        }
    }
    return best;
}

/* --- values --------------------------------------------------------------------------------------------------------- */

static size_t characters(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

static bool is_medium(const struct campaign_slot *s)
{
    return str_eq(s->type, STR("image")) || str_eq(s->type, STR("video")) || str_eq(s->type, STR("document"));
}

static bool is_link(struct str s)
{
    return str_starts(s, STR("https://")) || str_starts(s, STR("http://"));
}

static bool is_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

static size_t most_characters(const struct campaign_slot *s)
{
    if (str_eq(s->sub_type, STR("copy_code")))
        return COUPON_MAX;
    return str_eq(s->sub_type, STR("url")) || is_medium(s) ? CAMPAIGN_VALUE_MAX : CAMPAIGN_TEXT_MAX;
}

const char *campaign_value_wrong(const struct campaign_slot *s, struct str value)
{
    size_t spaces = 0;
    for (size_t i = 0; i < value.n; i++) {
        spaces = value.p[i] == ' ' ? spaces + 1 : 0;
        if ((unsigned char)value.p[i] < 0x20 || value.p[i] == 0x7f)
            return "has a line break, a tab or another control character: a template takes none";
        if (spaces > 4)
            return "has more than four spaces in a row: a template takes no more";
    }
    if (str_trim(value).n == 0)
        return "is empty: a template takes no empty value";
    if (str_eq(s->sub_type, STR("code")) && characters(value) > CODE_MAX)
        return "has more than 15 characters, the most of a code";
    if (is_medium(s) && !is_link(value) && !is_digits(value))
        return "is neither a link nor the id of a medium";
    return value.n > CAMPAIGN_VALUE_MAX || characters(value) > most_characters(s) ? "is too long" : NULL;
}

static struct str own_value(const struct campaign_slot *s, const struct campaign_value *has, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (str_eq(has[i].name, s->attribute))
            return str_trim(has[i].value);
    return (struct str){NULL, 0};
}

int campaign_values(const struct campaign_variant *v, const struct campaign_value *has, size_t n_has, struct buf *out,
                    size_t *ret_missing, struct err *e)
{
    struct json_out o;
    json_out_init(&o, out);
    jo_array(&o);
    for (size_t i = 0; i < v->n_slots; i++) {
        const struct campaign_slot *s = &v->slot[i];
        if (s->attribute.n == 0) {
            jo_null(&o);
            continue;
        }
        struct str value = own_value(s, has, n_has);
        if (value.n == 0)
            value = s->text;
        *ret_missing = i;
        if (value.n == 0)
            return err_set(e, WL_ENOTFOUND, "there is no \"%.*s\", and no default for it",
                           (int)str_clip(s->attribute, 60).n, s->attribute.p);
        const char *wrong = campaign_value_wrong(s, value);
        if (wrong != NULL)
            return err_set(e, WL_EINVAL, "\"%.*s\" %s", (int)str_clip(s->attribute, 60).n, s->attribute.p, wrong);
        jo_str(&o, value);
    }
    jo_end(&o);
    return out->failed ? err_set(e, WL_ETOOBIG, "the values are too large") : 0;
}

/* --- the body ------------------------------------------------------------------------------------------------------- */

/* A message as it is written. value: of this slot, as JSON; p NULL: the definition's. */
struct letter {
    struct json_out o;
    struct buf object;
    const struct campaign_variant *v;
};

static void put_object(struct letter *l, const char *key, struct json object)
{
    buf_clear(&l->object);
    if (!json_write_value(&l->object, object) || l->object.failed) {
        l->o.buf->failed = true; /* json_out has no other word for it */
        return;
    }
    jo_key(&l->o, key);
    jo_raw(&l->o, buf_str(&l->object));
}

static void put_value(struct letter *l, const char *key, const struct campaign_slot *s, struct str value)
{
    jo_key(&l->o, key);
    if (value.p != NULL)
        jo_raw(&l->o, value);
    else
        jo_str(&l->o, s->text);
}

static void put_action(struct letter *l, const struct campaign_slot *s, struct str value)
{
    bool flow = str_eq(s->sub_type, STR("flow"));
    if (!flow) {
        put_object(l, "action", s->media);
        return;
    }
    jo_key(&l->o, "action");
    jo_object(&l->o);
    put_value(l, "flow_token", s, value);
    if (json_type(s->media) == JSON_OBJECT)
        put_object(l, "flow_action_data", s->media);
    jo_end(&l->o);
}

static void put_medium(struct letter *l, const struct campaign_slot *s, struct str value)
{
    struct str text = value.p != NULL ? (struct str){value.p + 1, value.n - 1} : s->text;
    jo_key_str(&l->o, s->type);
    jo_object(&l->o);
    put_value(l, is_link(text) || str_starts(text, STR("http")) ? "link" : "id", s, value);
    jo_end(&l->o);
}

static void put_offer(struct letter *l, const struct campaign_slot *s)
{
    jo_key(&l->o, "limited_time_offer");
    jo_object(&l->o);
    jo_key(&l->o, "expiration_time_ms");
    jo_raw(&l->o, s->text);
    jo_end(&l->o);
}

static void put_parameter(struct letter *l, const struct campaign_slot *s, struct str value)
{
    struct json_out *o = &l->o;
    jo_object(o);
    jo_kstr(o, "type", s->type);
    if (s->name.n > 0)
        jo_kstr(o, "parameter_name", s->name);
    if (str_eq(s->type, STR("action")))
        put_action(l, s, value);
    else if (str_eq(s->type, STR("limited_time_offer")))
        put_offer(l, s);
    else if (json_type(s->media) > JSON_NULL)
        put_object(l, s->type.p, s->media);
    else if (is_medium(s))
        put_medium(l, s, value);
    else
        put_value(l, s->type.p, s, value);
    jo_end(o);
}

/* What a component begins with, up to its parameters. */
static void begin_component(struct letter *l, const struct campaign_slot *s)
{
    jo_object(&l->o);
    jo_kstr(&l->o, "type", s->component);
    if (str_eq(s->component, STR("button"))) {
        char index[12] = {(char)('0' + s->index % 10)};
        jo_kstr(&l->o, "sub_type", s->sub_type);
        jo_kcstr(&l->o, "index", index);
    }
    jo_key(&l->o, "parameters");
    jo_array(&l->o);
}

/* The slots from i on that stand in one component. */
static size_t together(const struct campaign_variant *v, size_t i)
{
    size_t n = 1;
    if (!str_eq(v->slot[i].component, STR("body")))
        return n;
    while (i + n < v->n_slots && str_eq(v->slot[i + n].component, STR("body")))
        n++;
    return n;
}

static void put_cards(struct letter *l, const struct campaign_slot *s)
{
    jo_object(&l->o);
    jo_kcstr(&l->o, "type", "carousel");
    put_object(l, "cards", s->media);
    jo_end(&l->o);
}

/* The next value of the array, as JSON; p NULL: null, or there is none. */
static bool next_value(struct json_walk *w, struct json_items *in, struct str *ret)
{
    struct json_item item;
    if (!json_walk_next(w, in, &item) || !json_walk_skip(w))
        return false;
    *ret = str_trim((struct str){w->text.p + item.value, w->at - item.value});
    if (str_eq(*ret, STR("null")))
        *ret = (struct str){NULL, 0};
    return ret->p == NULL || ret->p[0] == '"';
}

static int put_components(struct letter *l, struct str values, struct err *e)
{
    const struct campaign_variant *v = l->v;
    struct json_walk w = json_walk(values);
    struct json_items in;
    if (!json_walk_open(&w, '[', &in))
        return err_set(e, WL_ECORRUPT, "the values of this recipient are no list");
    jo_key(&l->o, "components");
    jo_array(&l->o);
    for (size_t i = 0, n; i < v->n_slots; i += n) {
        n = together(v, i);
        bool cards = str_eq(v->slot[i].component, STR("carousel"));
        if (!cards)
            begin_component(l, &v->slot[i]);
        for (size_t k = i; k < i + n; k++) {
            struct str value = {NULL, 0};
            if (!next_value(&w, &in, &value))
                return err_set(e, WL_ECORRUPT, "the values of this recipient are not those of its template");
            if (value.p != NULL && v->slot[k].attribute.n == 0)
                return err_set(e, WL_ECORRUPT, "this recipient has a value of their own for what is said to everybody");
            if (value.p == NULL && v->slot[k].attribute.n > 0)
                return err_set(e, WL_ECORRUPT, "this recipient lacks a value of their own");
            if (cards)
                put_cards(l, &v->slot[k]);
            else
                put_parameter(l, &v->slot[k], value);
        }
        if (!cards) {
            jo_end(&l->o);
            jo_end(&l->o);
        }
    }
    jo_end(&l->o);
    return 0;
}

int campaign_body(const struct campaign_variant *v, struct str language, struct str to, bool is_user_id,
                  struct str values, struct buf *out, struct err *e)
{
    struct letter l = {.v = v};
    struct json_out *o = &l.o;
    int rc = 0;
    json_out_init(o, out);
    buf_init(&l.object, OBJECT_MAX);
    jo_object(o);
    jo_kcstr(o, "messaging_product", "whatsapp");
    jo_kcstr(o, "recipient_type", "individual");
    jo_kstr(o, is_user_id ? "recipient" : "to", to);
    jo_kcstr(o, "type", "template");
    jo_key(o, "template");
    jo_object(o);
    jo_kstr(o, "name", v->name);
    jo_key(o, "language");
    jo_object(o);
    jo_kstr(o, "code", language);
    jo_end(o);
    if (v->n_slots > 0)
        rc = put_components(&l, values, e);
    jo_end(o);
    jo_end(o);
    buf_done(&l.object);
    if (rc == 0 && out->failed)
        rc = err_set(e, WL_ETOOBIG, "the message is too large");
    return rc;
}
