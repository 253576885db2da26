/* SPDX-License-Identifier: Apache-2.0
 * campaign_text.c - a message as somebody reads it, for looking at before it is sent.
 *
 * The listing's texts with the values in the place of {{1}} and {{first_name}}; what has no value stays as it stands there, so that it is seen.
 * Media, cards and buttons are named in brackets. Nothing is sent from this text: the body is campaign_body()'s. */
#include <string.h>

#include "base/json_walk.h"
#include "core/campaign.h"

struct reader {
    const struct campaign_variant *v;
    struct str value[CAMPAIGN_SLOTS_MAX]; /* as JSON; p NULL: the definition's */
};

/* The n-th value of a component (from 1), or the one of this name. NULL: none. */
static const struct campaign_slot *slot_of(const struct reader *r, const char *component, struct str name,
                                           size_t *ret_i)
{
    int64_t number = 0, seen = 0;
    bool by_place = str_i64(name, &number);
    for (size_t i = 0; i < r->v->n_slots; i++) {
        const struct campaign_slot *s = &r->v->slot[i];
        if (!str_eq(s->component, str_of(component)))
            continue;
        seen++;
        if (by_place && s->name.n == 0 ? seen == number : str_eq(s->name, name)) {
            *ret_i = i;
            return s;
        }
    }
    return NULL;
}

static void put_value(const struct reader *r, const struct campaign_slot *s, size_t i, struct buf *out)
{
    char text[4096];
    size_t n;
    struct str raw = r->value[i], shown;
    if (raw.p == NULL) {
        if (json_str(json_get(s->media, "fallback_value"), &shown))
            buf_putstr(out, shown);
        else
            buf_putstr(out, s->text);
    } else if (raw.n >= 2 && json_walk_text((struct str){raw.p + 1, raw.n - 2}, text, sizeof text, &n)) {
        buf_put(out, text, n);
    }
}

/* {{..}} at the front of s: its inside, and its length. */
static size_t braces(struct str s, struct str *ret_inside)
{
    if (s.n < 5 || s.p[0] != '{' || s.p[1] != '{')
        return 0;
    for (size_t i = 2; i + 1 < s.n && s.p[i] != '\n'; i++)
        if (s.p[i] == '}' && s.p[i + 1] == '}') {
            *ret_inside = str_trim((struct str){s.p + 2, i - 2});
            return i + 2;
        }
    return 0;
}

static void put_text(const struct reader *r, const char *component, struct str text, struct buf *out)
{
    for (size_t i = 0; i < text.n;) {
        struct str inside = {NULL, 0};
        size_t n = braces((struct str){text.p + i, text.n - i}, &inside), at;
        const struct campaign_slot *s = n > 0 ? slot_of(r, component, inside, &at) : NULL;
        if (s != NULL)
            put_value(r, s, at, out);
        else
            buf_put(out, text.p + i, n > 0 ? n : 1);
        i += n > 0 ? n : 1;
    }
}

static struct str word_of(struct json v, const char *key)
{
    return json_str_or(json_get(v, key), STR(""));
}

static void put_button(const struct reader *r, struct json b, int index, struct buf *out)
{
    struct str url = word_of(b, "url");
    buf_puts(out, "[");
    buf_putstr(out, word_of(b, "text").n > 0 ? word_of(b, "text") : word_of(b, "type"));
    for (size_t i = 0; i < r->v->n_slots; i++) {
        const struct campaign_slot *s = &r->v->slot[i];
        if (!str_eq(s->component, STR("button")) || s->index != index || s->text.n + r->value[i].n == 0)
            continue;
        size_t fixed = 0;
        while (fixed + 1 < url.n && !(url.p[fixed] == '{' && url.p[fixed + 1] == '{'))
            fixed++;
        buf_puts(out, ": ");
        if (url.n > 0)
            buf_put(out, url.p, fixed + 1 < url.n ? fixed : url.n);
        put_value(r, s, i, out);
    }
    buf_puts(out, "]\n");
}

static void put_component(const struct reader *r, struct json c, struct buf *out)
{
    struct str type = word_of(c, "type"), text = word_of(c, "text");
    int index = 0;
    if (str_ieq(type, STR("buttons"))) {
        for (struct json_iter it = json_iter(json_get(c, "buttons")); json_next(&it); index++)
            put_button(r, it.value, index, out);
        return;
    }
    bool header = str_ieq(type, STR("header"));
    if (text.n == 0 && header)
        buf_printf(out, "[%.*s]\n", (int)str_clip(word_of(c, "format"), 40).n, word_of(c, "format").p);
    else if (text.n == 0)
        buf_printf(out, "[%.*s]\n", (int)str_clip(type, 40).n, type.p);
    if (text.n == 0)
        return;
    put_text(r, header ? "header" : "body", text, out);
    buf_putc(out, '\n');
}

static void read_values(struct reader *r, struct str values)
{
    struct json_walk w = json_walk(values);
    struct json_items in;
    struct json_item item;
    size_t n = 0;
    if (!json_walk_open(&w, '[', &in))
        return;
    while (n < r->v->n_slots && json_walk_next(&w, &in, &item) && json_walk_skip(&w)) {
        struct str raw = str_trim((struct str){values.p + item.value, w.at - item.value});
        r->value[n++] = str_eq(raw, STR("null")) ? (struct str){NULL, 0} : raw;
    }
}

size_t campaign_text_length(const struct campaign_variant *v, const char *component, struct str text, struct str values,
                            struct buf *scratch)
{
    struct reader r = {.v = v};
    size_t n = 0;
    read_values(&r, values);
    buf_clear(scratch);
    put_text(&r, component, text, scratch);
    for (size_t i = 0; i < scratch->len; i++)
        n += ((unsigned char)scratch->data[i] & 0xc0) != 0x80;
    return n;
}

void campaign_text(const struct campaign_variant *v, struct json listing, struct str values, struct buf *out)
{
    struct reader r = {.v = v};
    read_values(&r, values);
    for (struct json_iter it = json_iter(json_get(listing, "components")); json_next(&it);)
        put_component(&r, it.value, out);
}
