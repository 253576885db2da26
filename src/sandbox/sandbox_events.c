/* SPDX-License-Identifier: Apache-2.0
 * sandbox_events.c - POST /_sandbox/event: a documented event by name, with what the caller wants different in it.
 *
 * The row's value is filled in, and the caller's `value` is laid over it as a merge patch (RFC 7396): members replace
 * members, null takes one out, arrays are replaced whole. What it says is done to the state first, so that whoever hears
 * of it and asks is told the same. A name that is none of the field's is refused; a field nobody knows is told as given. */
#include "sandbox/sandbox_events.h"

#include <stdio.h>
#include <string.h>

#include "sandbox/sandbox_handlers.h"
#include "sandbox/sandbox_templates.h"

#define EVENT_MAX (1u << 20)
#define WEEK_S    (7 * 86400)

struct asked {
    const struct sbx_event *row; /* NULL: a field nobody knows */
    struct str field, name;
    int64_t at_s;
};

/* --- the catalogue ------------------------------------------------------------------------------------ */

static bool among(const char *names, struct str name)
{
    for (struct str rest = str_of(names); rest.n > 0;)
        if (str_eq(str_cut(rest, ' ', &rest), name))
            return true;
    return false;
}

void sbx_event_get(struct call *c)
{
    struct json_out *o = &c->jo;
    jo_object(o);
    jo_key(o, "data");
    jo_array(o);
    for (size_t i = 0; i < sbx_n_events; i++)
        for (struct str rest = str_of(sbx_events[i].names); rest.n > 0;) {
            jo_object(o);
            jo_kcstr(o, "field", sbx_events[i].field);
            jo_kstr(o, "name", str_cut(rest, ' ', &rest));
            jo_end(o);
        }
    jo_end(o);
    jo_end(o);
}

/* The row, or why there is none. */
static bool find_row(struct call *c, struct asked *e)
{
    bool known = false;
    struct buf names;
    for (size_t i = 0; i < sbx_n_events; i++) {
        const struct sbx_event *row = &sbx_events[i];
        if (!str_eq(e->field, str_of(row->field)))
            continue;
        known = true;
        struct str rest, first = str_cut(str_of(row->names), ' ', &rest);
        if (e->name.n > 0 && !among(row->names, e->name))
            continue;
        e->row = row;
        e->name = e->name.n > 0 ? e->name : first;
        return true;
    }
    if (!known)
        return true;
    buf_init(&names, 4096);
    for (size_t i = 0; i < sbx_n_events; i++)
        if (str_eq(e->field, str_of(sbx_events[i].field)))
            buf_printf(&names, " %s", sbx_events[i].names);
    sbx_fail_param(c, "The events of this field are:%.160s", buf_cstr(&names));
    buf_done(&names);
    return false;
}

/* --- filling in --------------------------------------------------------------------------------------- */

struct word {
    const char *name;
    struct str text;
};

static struct str number_text(struct call *c, int64_t v)
{
    return str_of(arena_printf(c->a, "%lld", (long long)v));
}

static struct str or_else(struct str given, const char *otherwise)
{
    return given.n > 0 ? given : str_of(otherwise);
}

/* A member of the caller's value, for what the defaults depend on. */
static struct str in_value(struct call *c, const char *name)
{
    return json_str_or(json_get(json_get(c->params, "value"), name), (struct str){NULL, 0});
}

static struct str either(struct str a, struct str b)
{
    return a.n > 0 ? a : b;
}

static const struct sbx_number *the_number(struct call *c)
{
    struct str id = sbx_param(c, "phone_number_id");
    const struct sbx_number *n =
        id.n > 0 ? sbx_number_find(c->sb, id) : sbx_event_number(c->sb, json_get(c->params, "value"));
    return n != NULL ? n : &c->sb->numbers[0];
}

#define WORDS 18

static void fill_words(struct call *c, const struct asked *e, struct word *w)
{
    struct str name = or_else(either(sbx_param(c, "template"), in_value(c, "message_template_name")), "spring_sale");
    struct str language = or_else(either(sbx_param(c, "language"), in_value(c, "message_template_language")), "en_US");
    const struct sbx_template *t = sbx_event_template(c->sb, name, language);
    const struct sbx_number *n = the_number(c);
    struct str from = or_else(sbx_digits(c, sbx_param(c, "from")), "15550001111");
    struct str user_id = sbx_param(c, "user_id");
    if (user_id.n == 0)
        user_id = str_of(arena_printf(c->a, "US.%.*s", (int)from.n, from.p));
    char id[24], *wamid = arena_alloc(c->a, SBX_WAMID);
    const struct word all[WORDS] = {
        {"name", e->name},
        {"number", str_of(n->id)},
        {"display", str_of(n->digits)},
        {"waba", str_of(c->sb->o.waba_id)},
        {"app", str_of(c->sb->o.app_id)},
        {"portfolio", STR(SBX_PORTFOLIO)},
        {"from", from},
        {"user_id", user_id},
        {"wamid", str_of(wamid ? sbx_new_wamid(c->sb, from, wamid) : "")},
        {"call", str_of(arena_printf(c->a, "wacid.%s", sbx_new_id(c->sb, id)))},
        {"template_id", str_of(t ? t->id : "1689000000000001")},
        {"template", name},
        {"language", language},
        {"category", str_of(t ? t->category : "MARKETING")},
        {"now", number_text(c, e->at_s)},
        {"later", number_text(c, e->at_s + WEEK_S)},
    };
    memcpy(w, all, sizeof all);
}

/* The text as it stands inside a JSON string. */
static void put_escaped(struct buf *out, struct str text)
{
    struct json_out o;
    struct buf b;
    buf_init(&b, EVENT_MAX);
    json_out_init(&o, &b);
    jo_str(&o, text);
    if (b.len >= 2)
        buf_put(out, buf_cstr(&b) + 1, b.len - 2);
    buf_done(&b);
}

/* The longest word that stands here; $template_id is no $template. */
static const struct word *word_at(const struct word *w, const char *text)
{
    const struct word *found = NULL;
    for (size_t i = 0; i < WORDS && w[i].name != NULL; i++)
        if (strncmp(text, w[i].name, strlen(w[i].name)) == 0 && (!found || strlen(w[i].name) > strlen(found->name)))
            found = &w[i];
    return found;
}

static void fill_in(struct buf *out, const char *text, const struct word *w)
{
    for (; *text; text++) {
        const struct word *word = *text == '$' ? word_at(w, text + 1) : NULL;
        if (word != NULL) {
            put_escaped(out, word->text);
            text += strlen(word->name);
        } else {
            buf_putc(out, *text == '\'' ? '"' : *text);
        }
    }
}

/* --- the caller's own --------------------------------------------------------------------------------- */

static struct json member(struct json object, struct str key)
{
    if (json_type(object) == JSON_OBJECT)
        for (struct json_iter it = json_iter(object); json_next(&it);)
            if (str_eq(it.key, key))
                return it.value;
    return (struct json){0};
}

static void write_value(struct json_out *o, struct json v)
{
    struct buf b;
    buf_init(&b, EVENT_MAX);
    json_write_value(&b, v);
    jo_raw(o, buf_str(&b));
    buf_done(&b);
}

/* base with the patch laid over it. Depth is bounded by the parser's. */
static void merge(struct json_out *o, struct json base, struct json patch)
{
    if (json_type(patch) != JSON_OBJECT) {
        write_value(o, json_type(patch) == JSON_ABSENT ? base : patch);
        return;
    }
    jo_object(o);
    if (json_type(base) == JSON_OBJECT)
        for (struct json_iter it = json_iter(base); json_next(&it);) {
            struct json over = member(patch, it.key);
            if (json_type(over) == JSON_NULL)
                continue;
            jo_key_str(o, it.key);
            merge(o, it.value, over);
        }
    for (struct json_iter it = json_iter(patch); json_next(&it);) {
        if (json_type(it.value) == JSON_NULL || json_type(member(base, it.key)) != JSON_ABSENT)
            continue;
        jo_key_str(o, it.key);
        merge(o, (struct json){0}, it.value);
    }
    jo_end(o);
}

static void write_beside(struct json_out *o, struct json beside)
{
    if (json_type(beside) == JSON_OBJECT)
        for (struct json_iter it = json_iter(beside); json_next(&it);) {
            jo_key_str(o, it.key);
            write_value(o, it.value);
        }
}

/* The whole change into `ret`; false when it could not be built. */
static bool write_event(struct call *c, const struct asked *e, struct json_parser *p, struct buf *ret)
{
    struct word words[WORDS] = {0};
    struct json row;
    struct json_out o;
    struct buf filled;
    buf_init(&filled, EVENT_MAX);
    fill_words(c, e, words);
    buf_puts(&filled, "{\"value\":");
    fill_in(&filled, e->row ? e->row->value : "{}", words);
    if (e->row != NULL && e->row->beside != NULL) {
        buf_puts(&filled, ",\"beside\":");
        fill_in(&filled, e->row->beside, words);
    }
    buf_puts(&filled, "}");
    bool ok = json_parse(p, buf_str(&filled), false, &row, NULL) == 0;
    buf_done(&filled);
    if (!ok)
        return false;
    json_out_init(&o, ret);
    jo_object(&o);
    jo_key(&o, "value");
    merge(&o, json_get(row, "value"), json_get(c->params, "value"));
    jo_kstr(&o, "field", e->field);
    write_beside(&o, json_get(row, "beside"));
    jo_end(&o);
    return !ret->failed;
}

/* --- the call ----------------------------------------------------------------------------------------- */

static bool read_asked(struct call *c, struct asked *e)
{
    *e = (struct asked){.field = sbx_param(c, "field"), .name = sbx_param(c, "name"), .at_s = c->now_ms / 1000};
    if (e->field.n == 0) {
        sbx_fail_param(c, "The parameter field is required, for example \"account_update\".");
        return false;
    }
    if (sbx_param(c, "at").n > 0 && (!str_i64(sbx_param(c, "at"), &e->at_s) || e->at_s <= 0)) {
        sbx_fail_param(c, "Param at must be seconds since 1970.");
        return false;
    }
    return find_row(c, e);
}

static void happen(struct call *c, const struct asked *e, struct json change, struct str text)
{
    struct json value = json_get(change, "value");
    struct sbx_about about = {e->field,
                              json_str_or(json_at(value, "metadata", "phone_number_id"), (struct str){NULL, 0}),
                              e->at_s * 1000};
    sbx_event_effect(c->sb, e->field, value, e->at_s * 1000);
    sbx_hooks_change(c->sb, &about, text);
    jo_object(&c->jo);
    jo_kbool(&c->jo, "success", true);
    jo_kstr(&c->jo, "name", e->name);
    jo_key(&c->jo, "change");
    jo_raw(&c->jo, text);
    jo_end(&c->jo);
}

void sbx_event_post(struct call *c)
{
    struct asked e;
    struct json change;
    struct buf text;
    if (!read_asked(c, &e))
        return;
    struct json_parser *p = sbx_parser_take(c->sb);
    buf_init(&text, EVENT_MAX);
    if (write_event(c, &e, p, &text) && json_parse(p, buf_str(&text), false, &change, NULL) == 0)
        happen(c, &e, change, buf_str(&text));
    else
        sbx_fail_param(c, "The event could not be written.");
    buf_done(&text);
    sbx_parser_give(c->sb, p);
}
