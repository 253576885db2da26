/* SPDX-License-Identifier: Apache-2.0
 * webhook_redact.c - leaving one person out of a webhook body, and what was left out of what is handed on.
 *
 * Most bodies speak of somebody else, so the text is looked through once for its strings and numbers before anything else
 * happens. Only then it is walked down to the lists, whatever the field is, and copied; an element that has a name in it
 * becomes null, so that the n-th of a list is the n-th still, and with it the n-th piece of core/webhook_split.h. What
 * stands between the levels is looked through as well, and of a level that has a name nothing is kept but its places. A
 * byte is looked at a handful of times at most. JSON inside of a string is not opened.
 *
 * The way down is the same when the nulls are taken out again; a level of which that leaves no event goes, too. */
#include "core/webhook_redact.h"

#include "base/json_walk.h"

#define TEXT_MAX       256 /* as long as a name may be, and a phone number with what stands between its digits */
#define RUN_MIN        8   /* digits of a phone number that is looked for inside of a text */
#define SEPARATORS_MAX 3   /* between two digits of it */

struct counts {
    size_t kept, gone;
};

struct redact {
    struct json_walk w;
    const struct identity *names;
    size_t n;
    struct buf *out;
    bool closing; /* nulls are taken out, and nobody is looked for */
    bool closed;  /* there was one */

    /* of the value at hand */
    struct counts events, contacts;
    size_t others;
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

/* The next character of what stands between quotes; one that is not of ASCII is 0x80. */
static int take_char(struct str *s)
{
    int c = json_walk_ascii(s);
    if (c >= 0)
        return c;
    size_t n = 1;
    if (s->p[0] == '\\')
        n = s->n >= 6 && s->p[1] == 'u' ? 6 : 1;
    else
        while (n < s->n && (s->p[n] & 0xc0) == 0x80)
            n++;
    *s = (struct str){s->p + n, s->n - n};
    return 0x80;
}

static bool separates(int c)
{
    return c == 0x80 || c == ' ' || c == '-' || c == '.' || c == '(' || c == ')' || c == '/';
}

/* Whether these digits stand at the front, with little between them and no digit behind. */
static bool begins_with(struct str s, const char *digits)
{
    unsigned between = 0;
    while (*digits != '\0' && s.n > 0) {
        int c = take_char(&s);
        if (c == *digits) {
            digits++;
            between = 0;
        } else if (!separates(c) || ++between > SEPARATORS_MAX) {
            return false;
        }
    }
    int behind = s.n > 0 ? json_walk_ascii(&s) : -1;
    return *digits == '\0' && !(behind >= '0' && behind <= '9');
}

static bool begins_with_a_number(const struct redact *r, struct str s)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->names[i].kind == IDENTITY_PHONE && strlen(r->names[i].value) >= RUN_MIN &&
            begins_with(s, r->names[i].value))
            return true;
    return false;
}

/* Whether one of the phone numbers stands somewhere in a text. */
static bool has_number(const struct redact *r, struct str s)
{
    for (int c, before = 0; s.n >= RUN_MIN; before = c) {
        struct str here = s;
        c = take_char(&s);
        if (c >= '0' && c <= '9' && !(before >= '0' && before <= '9') && begins_with_a_number(r, here))
            return true;
    }
    return false;
}

static bool names_them(const struct redact *r, struct str written)
{
    return is_name(r, written) || has_number(r, written);
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
        if (names_them(r, s))
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
    if (!r->closing && has_name(r, from, r->w.at))
        return GONE;
    put(r, from, r->w.at);
    return KEEP;
}

static bool is_null(const struct redact *r)
{
    return json_walk_now(&r->w) == 'n';
}

static enum what element(struct redact *r)
{
    bool gap = r->closing && is_null(r);
    enum what what = skip_value(r);
    return gap && what == KEEP ? GONE : what;
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

/* Copies the array at the cursor; what each() says is gone leaves its place, or not even that. */
static enum what copy_array(struct redact *r, enum what (*each)(struct redact *r), struct counts *ret)
{
    struct json_items in;
    struct json_item item;
    bool any = false;
    (void)json_walk_open(&r->w, '[', &in);
    buf_putc(r->out, '[');
    while (json_walk_next(&r->w, &in, &item)) {
        size_t before = r->out->len, place;
        if (any)
            buf_putc(r->out, ',');
        put(r, item.lead, item.value);
        place = r->out->len;
        enum what what = each(r);
        if (what == GONE)
            take_back(r, place);
        if (what == GONE && !r->closing)
            buf_puts(r->out, "null");
        put_space(r);
        if (what == BROKEN)
            return BROKEN;
        if (what == GONE && r->closing)
            take_back(r, before);
        ret->kept += what == KEEP;
        ret->gone += what == GONE;
        r->closed |= what == GONE;
        any |= what == KEEP || !r->closing;
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
        if (what == GONE || (!r->closing && names_them(r, item.name)))
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

static const char *const events[] = {"messages",       "statuses", "calls",  "user_preferences",
                                     "message_echoes", "groups",   "errors", NULL};
static const char *const beside_events[] = {"metadata", "messaging_product", NULL};

static enum what in_list(struct redact *r, struct str name)
{
    if (json_walk_now(&r->w) == '[' && is_one_of(name, events))
        return copy_array(r, element, &r->events);
    if (json_walk_now(&r->w) == '[' && json_walk_is(name, "contacts"))
        return copy_array(r, element, &r->contacts);
    r->others += !is_one_of(name, beside_events);
    return skip_value(r);
}

static enum what in_value(struct redact *r, struct str name)
{
    bool nested = json_walk_now(&r->w) == '{' && json_walk_is(name, "standby");
    return nested ? copy_object(r, in_list) : in_list(r, name);
}

/* Whether an erasure took all the events of the value at hand. */
static bool left_nothing(const struct redact *r)
{
    if (!r->closing || r->events.kept > 0)
        return false;
    return r->events.gone > 0 || (r->contacts.gone > 0 && r->contacts.kept == 0 && r->others == 0);
}

static bool blank_value(struct redact *r);

/* A value that has a name beside its lists keeps their places and nothing else. */
static enum what copy_value(struct redact *r)
{
    size_t from = r->w.at, before = r->out->len;
    r->events = r->contacts = (struct counts){0, 0};
    r->others = 0;
    if (json_walk_now(&r->w) != '{' && r->closing)
        return element(r);
    enum what what = json_walk_now(&r->w) == '{' ? copy_object(r, in_value) : skip_value(r);
    if (r->closing && what == KEEP)
        return left_nothing(r) ? GONE : KEEP;
    if (what != GONE)
        return what;
    take_back(r, before);
    r->w.at = from;
    return blank_value(r) ? KEEP : BROKEN;
}

static enum what in_change(struct redact *r, struct str name)
{
    return json_walk_is(name, "value") ? copy_value(r) : skip_value(r);
}

/* The object at the cursor; when it has a name of its own, what blank() leaves of it. Anything else is an element. */
static enum what copy_level(struct redact *r, enum what (*member)(struct redact *r, struct str name),
                            bool (*blank)(struct redact *r))
{
    size_t from = r->w.at, before = r->out->len;
    if (json_walk_now(&r->w) != '{')
        return element(r);
    enum what what = copy_object(r, member);
    if (what != GONE || r->closing)
        return what;
    take_back(r, before);
    r->w.at = from;
    return blank(r) ? KEEP : BROKEN;
}

static bool blank_change(struct redact *r);
static bool blank_entry(struct redact *r);
static bool blank_body(struct redact *r);

static enum what change(struct redact *r)
{
    return copy_level(r, in_change, blank_change);
}

/* A list of levels: gone when it was and nothing of it is left. */
static enum what copy_levels(struct redact *r, enum what (*each)(struct redact *r))
{
    struct counts n = {0, 0};
    enum what what = copy_array(r, each, &n);
    return what == KEEP && r->closing && n.gone > 0 && n.kept == 0 ? GONE : what;
}

static enum what in_entry(struct redact *r, struct str name)
{
    bool changes = json_walk_now(&r->w) == '[' && json_walk_is(name, "changes");
    return changes ? copy_levels(r, change) : skip_value(r);
}

static enum what entry(struct redact *r)
{
    return copy_level(r, in_entry, blank_entry);
}

static enum what in_body(struct redact *r, struct str name)
{
    bool entries = json_walk_now(&r->w) == '[' && json_walk_is(name, "entry");
    return entries ? copy_levels(r, entry) : skip_value(r);
}

/* --- places alone ---------------------------------------------------------------------------------------------------- */

static bool blank(struct redact *r)
{
    buf_puts(r->out, "null");
    return json_walk_skip(&r->w);
}

/* As many as there are; null when there are none. */
static bool blank_array(struct redact *r, bool (*each)(struct redact *r))
{
    struct json_items in;
    struct json_item item;
    bool any = false;
    if (!json_walk_open(&r->w, '[', &in))
        return blank(r);
    while (json_walk_next(&r->w, &in, &item)) {
        buf_putc(r->out, any ? ',' : '[');
        any = true;
        if (!each(r))
            return false;
        json_walk_space(&r->w);
    }
    buf_puts(r->out, any ? "]" : "null");
    return in.ok;
}

/* The members of these names; null when there are none. */
static bool blank_object(struct redact *r, const char *const *kept, bool (*each)(struct redact *r, struct str name))
{
    struct json_items in;
    struct json_item item;
    bool any = false;
    if (!json_walk_open(&r->w, '{', &in))
        return blank(r);
    while (json_walk_next(&r->w, &in, &item)) {
        bool keep = is_one_of(item.name, kept);
        if (keep) {
            buf_putc(r->out, any ? ',' : '{');
            put(r, item.from, item.value);
            any = true;
        }
        if (!(keep ? each(r, item.name) : json_walk_skip(&r->w)))
            return false;
        json_walk_space(&r->w);
    }
    buf_puts(r->out, any ? "}" : "null");
    return in.ok;
}

/* Errors are one event, and may be a single object. */
static bool blank_errors(struct redact *r)
{
    struct json_walk w = r->w;
    struct json_items in;
    struct json_item item;
    if (!json_walk_open(&w, '{', &in) || !json_walk_next(&w, &in, &item))
        return blank_array(r, blank);
    buf_puts(r->out, "[null]");
    return json_walk_skip(&r->w);
}

static bool blank_list(struct redact *r, struct str name)
{
    if (json_walk_is(name, "errors"))
        return blank_errors(r);
    return json_walk_is(name, "contacts") ? blank(r) : blank_array(r, blank);
}

static bool blank_member(struct redact *r, struct str name)
{
    return json_walk_is(name, "standby") ? blank_object(r, events, blank_list) : blank_list(r, name);
}

static bool blank_value(struct redact *r)
{
    static const char *const kept[] = {"messages", "statuses", "calls",    "user_preferences", "message_echoes",
                                       "groups",   "errors",   "contacts", "standby",          NULL};
    return blank_object(r, kept, blank_member);
}

/* What the lists mean depends on the field. */
static bool blank_in_change(struct redact *r, struct str name)
{
    if (json_walk_is(name, "value"))
        return blank_value(r);
    enum what what = skip_value(r);
    if (what == GONE)
        buf_puts(r->out, "\"erased\"");
    return what != BROKEN;
}

static bool blank_change(struct redact *r)
{
    static const char *const kept[] = {"value", "field", NULL};
    return blank_object(r, kept, blank_in_change);
}

static bool blank_changes(struct redact *r, struct str name)
{
    (void)name;
    return blank_array(r, blank_change);
}

static bool blank_entry(struct redact *r)
{
    static const char *const kept[] = {"changes", NULL};
    return blank_object(r, kept, blank_changes);
}

static bool blank_entries(struct redact *r, struct str name)
{
    (void)name;
    return blank_array(r, blank_entry);
}

static bool blank_body(struct redact *r)
{
    static const char *const kept[] = {"entry", NULL};
    return blank_object(r, kept, blank_entries);
}

/* --- the body -------------------------------------------------------------------------------------------------------- */

bool webhook_redact(struct str body, const struct identity *names, size_t n, struct buf *out)
{
    struct redact r = {.w = json_walk(body), .names = names, .n = n, .out = out};
    size_t before = out->len;
    if (!has_name(&r, 0, body.n))
        return false;
    bool whole = json_walk_now(&r.w) == '{' && copy_level(&r, in_body, blank_body) == KEEP && json_walk_end(&r.w);
    bool no_entry = whole && !out->failed && out->data[before] != '{';
    if (!whole || no_entry || out->len - before > body.n + 16) {
        take_back(&r, before);
        buf_puts(out, WEBHOOK_OF_NOTHING);
    }
    return true;
}

bool webhook_names(struct str text, const struct identity *names, size_t n)
{
    struct redact r = {.w = json_walk(text), .names = names, .n = n};
    return names_them(&r, text) || has_name(&r, 0, text.n);
}

enum webhook_left webhook_without_gaps(struct str body, struct buf *out)
{
    struct redact r = {.w = json_walk(body), .out = out, .closing = true};
    size_t before = out->len;
    if (body.n == 0 || memmem(body.p, body.n, "null", 4) == NULL)
        return WEBHOOK_AS_IT_WAS;
    enum what what = json_walk_now(&r.w) == '{' ? copy_object(&r, in_body) : BROKEN;
    bool less = what == KEEP && r.closed && json_walk_end(&r.w);
    if (!less)
        take_back(&r, before);
    if (what == GONE)
        return WEBHOOK_NOTHING;
    return less ? WEBHOOK_LESS : WEBHOOK_AS_IT_WAS;
}
