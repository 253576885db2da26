/* SPDX-License-Identifier: Apache-2.0
 * webhook_redact.c - leaving one person out of a webhook body.
 *
 * Most bodies speak of somebody else, so the text is looked through once for its strings and numbers before anything else
 * happens. Only then it is walked down to the lists, whatever the field is, and copied without the elements that have a
 * name in them. What stands between the levels is looked through as well, and the level that has a name is given up: a
 * byte is looked at three times at most. JSON inside of a string is not opened. */
#include "core/webhook_redact.h"

#include "base/json_walk.h"

#define NOTHING  "{\"entry\":[]}"
#define TEXT_MAX 256 /* as long as a name may be, and a phone number with what stands between its digits */

struct redact {
    struct json_walk w;
    const struct identity *names;
    size_t n;
    struct buf *out;
};

/* --- names ----------------------------------------------------------------------------------------------------------- */

static bool is_letter(char c)
{
    return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

static bool is_plain(struct str written)
{
    for (size_t i = 0; i < written.n; i++)
        if ((unsigned char)written.p[i] >= 0x80 || written.p[i] == '\\')
            return false;
    return true;
}

/* A phone number does not begin with a letter, and an id has its country there. Most strings are neither. */
static bool may_be_id(struct str s)
{
    return s.n > 3 && (!is_letter(s.p[0]) || s.p[2] == '.');
}

/* Whether what stands between quotes, or a number, is one of the names. */
static bool is_name(const struct redact *r, struct str written)
{
    char text[TEXT_MAX];
    struct identity id = {.kind = IDENTITY_NONE};
    struct str s = written;
    if (!is_plain(written)) {
        s.p = text;
        if (!json_walk_text(written, text, sizeof text, &s.n))
            return false;
    }
    if (s.n > TEXT_MAX || (may_be_id(s) && identity_parse(s, &id, NULL) != 0))
        id.kind = IDENTITY_NONE;
    for (size_t i = 0; i < r->n; i++) {
        const struct identity *name = &r->names[i];
        if (name->kind == IDENTITY_GROUP
                ? str_eq(str_of(name->value), s)
                : name->kind == id.kind && id.kind != IDENTITY_NONE && strcmp(name->value, id.value) == 0)
            return true;
    }
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Looks through everything in [from, to), on all levels. */
static bool has_name(const struct redact *r, size_t from, size_t to)
{
    struct json_walk w = {.text = {r->w.text.p, to}, .at = from};
    struct str s;
    while (w.at < to) {
        size_t at = w.at;
        if (w.text.p[at] == '"') {
            if (!json_walk_string(&w, &s))
                s = (struct str){w.text.p + at + 1, to - at - 1};
        } else if (is_digit(w.text.p[at])) {
            while (w.at < to && is_digit(w.text.p[w.at]))
                w.at++;
            s = (struct str){w.text.p + at, w.at - at};
        } else {
            w.at++;
            continue;
        }
        if (is_name(r, s))
            return true;
    }
    return false;
}

/* --- levels ---------------------------------------------------------------------------------------------------------- */

/* What becomes of a part of the body. */
enum what { KEEP, GONE, BROKEN };

static void put(struct redact *r, size_t from, size_t to)
{
    buf_put(r->out, r->w.text.p + from, to - from);
}

static enum what skip_value(struct redact *r)
{
    size_t from = r->w.at;
    if (!json_walk_skip(&r->w))
        return BROKEN;
    if (has_name(r, from, r->w.at))
        return GONE;
    put(r, from, r->w.at);
    return KEEP;
}

/* Forgets what was put, unless it failed. */
static void take_back(struct redact *r, size_t len)
{
    if (!r->out->failed)
        r->out->len = len;
}

static void put_space(struct redact *r)
{
    size_t from = r->w.at;
    json_walk_space(&r->w);
    put(r, from, r->w.at);
}

/* Copies the array at the cursor without the elements of which each() says that they are gone. */
static enum what copy_array(struct redact *r, enum what (*each)(struct redact *r))
{
    struct json_items in;
    struct json_item item;
    bool any = false;
    (void)json_walk_open(&r->w, '[', &in);
    buf_putc(r->out, '[');
    while (json_walk_next(&r->w, &in, &item)) {
        size_t before = r->out->len;
        if (any)
            buf_putc(r->out, ',');
        put(r, item.lead, item.value);
        enum what what = each(r);
        put_space(r);
        if (what == BROKEN)
            return BROKEN;
        if (what == GONE)
            take_back(r, before);
        any |= what == KEEP;
    }
    buf_putc(r->out, ']');
    return in.ok ? KEEP : BROKEN;
}

/* Copies the object at the cursor, each value as member() says. When one of them is gone the object is, but the cursor is
 * behind it all the same. */
static enum what copy_object(struct redact *r, enum what (*member)(struct redact *r, struct str name))
{
    struct json_items in;
    struct json_item item;
    enum what all = KEEP;
    bool any = false;
    (void)json_walk_open(&r->w, '{', &in);
    buf_putc(r->out, '{');
    while (json_walk_next(&r->w, &in, &item)) {
        if (any)
            buf_putc(r->out, ',');
        any = true;
        put(r, item.lead, item.value);
        enum what what = member(r, item.name);
        put_space(r);
        if (what == BROKEN)
            return BROKEN;
        if (what == GONE || is_name(r, item.name))
            all = GONE;
    }
    buf_putc(r->out, '}');
    return in.ok ? all : BROKEN;
}

static bool is_one_of(struct str name, const char *const *list)
{
    for (; *list != NULL; list++)
        if (json_walk_is(name, *list))
            return true;
    return false;
}

static enum what in_value(struct redact *r, struct str name)
{
    static const char *const lists[] = {"messages", "statuses", "calls", "user_preferences", "message_echoes", "groups",
                                        "errors",   "contacts", NULL};
    char now = json_walk_now(&r->w);
    if (now == '[' && is_one_of(name, lists))
        return copy_array(r, skip_value);
    return now == '{' && json_walk_is(name, "standby") ? copy_object(r, in_value) : skip_value(r);
}

static enum what in_change(struct redact *r, struct str name)
{
    size_t before = r->out->len;
    if (!json_walk_is(name, "value"))
        return skip_value(r);
    enum what w = json_walk_now(&r->w) == '{' ? copy_object(r, in_value) : skip_value(r);
    if (w != GONE)
        return w;
    take_back(r, before);
    buf_puts(r->out, "{}");
    return KEEP;
}

static enum what change(struct redact *r)
{
    return json_walk_now(&r->w) == '{' ? copy_object(r, in_change) : skip_value(r);
}

static enum what in_entry(struct redact *r, struct str name)
{
    bool changes = json_walk_now(&r->w) == '[' && json_walk_is(name, "changes");
    return changes ? copy_array(r, change) : skip_value(r);
}

static enum what entry(struct redact *r)
{
    return json_walk_now(&r->w) == '{' ? copy_object(r, in_entry) : skip_value(r);
}

static enum what in_body(struct redact *r, struct str name)
{
    bool entries = json_walk_now(&r->w) == '[' && json_walk_is(name, "entry");
    return entries ? copy_array(r, entry) : skip_value(r);
}

bool webhook_redact(struct str body, const struct identity *names, size_t n, struct buf *out)
{
    struct redact r = {.w = json_walk(body), .names = names, .n = n, .out = out};
    size_t before = out->len;
    if (!has_name(&r, 0, body.n))
        return false;
    bool whole = json_walk_now(&r.w) == '{' && copy_object(&r, in_body) == KEEP && json_walk_end(&r.w);
    if (!whole) {
        take_back(&r, before);
        buf_puts(out, NOTHING);
    }
    return true;
}
