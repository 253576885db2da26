/* SPDX-License-Identifier: Apache-2.0
 * json_out.c - writing JSON that is always valid.
 *
 * One bit a level says object or array, one says whether a comma is due. Strings are escaped where JSON
 * demands it and nowhere else; bytes that are not UTF-8 become U+FFFD, one for each maximal broken piece, so
 * that a stranger's bytes can be shown without breaking the reader. A call that could not lead to JSON (a
 * value in an object without its key, a second root value, too deep, an end too many) marks the buffer as
 * failed, and the caller finds out where it looks anyway: at the end. jo_raw() trusts its caller. */
#include "base/json.h"

#include <inttypes.h>

void json_out_init(struct json_out *o, struct buf *buf)
{
    *o = (struct json_out){.buf = buf};
}

static uint64_t bit(const struct json_out *o)
{
    return (uint64_t)1 << (o->depth - 1);
}

static bool in_object(const struct json_out *o)
{
    return o->depth > 0 && (o->object_bits & bit(o)) != 0;
}

static void comma(struct json_out *o)
{
    if (o->comma_bits & bit(o))
        buf_putc(o->buf, ',');
    o->comma_bits |= bit(o);
}

/* Whatever must stand before a value; false when a value can't stand here. */
static bool before_value(struct json_out *o)
{
    bool allowed = o->depth == 0 ? !o->complete : !in_object(o) || o->after_key;
    if (!allowed) {
        o->buf->failed = true;
        return false;
    }
    if (o->depth > 0 && !o->after_key)
        comma(o);
    o->complete = true;
    o->after_key = false;
    return true;
}

static void open_level(struct json_out *o, bool object)
{
    if (o->depth == JSON_MAX_DEPTH) {
        o->buf->failed = true;
        return;
    }
    if (!before_value(o))
        return;
    o->depth++;
    o->object_bits = object ? o->object_bits | bit(o) : o->object_bits & ~bit(o);
    o->comma_bits &= ~bit(o);
    buf_putc(o->buf, object ? '{' : '[');
}

void jo_object(struct json_out *o)
{
    open_level(o, true);
}

void jo_array(struct json_out *o)
{
    open_level(o, false);
}

void jo_end(struct json_out *o)
{
    if (o->depth == 0 || o->after_key) {
        o->buf->failed = true;
        return;
    }
    buf_putc(o->buf, in_object(o) ? '}' : ']');
    o->depth--;
}

/* Length of the UTF-8 character at p, 0 when it is broken; *ret_bad is then the length of the broken piece. */
static size_t utf8_length(const unsigned char *p, size_t room, size_t *ret_bad)
{
    static const struct {
        unsigned char first, last, low, high; /* lead bytes, and what their second byte may be */
        unsigned char length;
    } forms[] = {
        {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
        {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
        {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    *ret_bad = 1;
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        if (p[0] < forms[f].first || p[0] > forms[f].last)
            continue;
        if (room < 2 || p[1] < forms[f].low || p[1] > forms[f].high)
            return 0;
        size_t n = 2;
        while (n < forms[f].length && n < room && (p[n] & 0xC0) == 0x80)
            n++;
        *ret_bad = n;
        return n == forms[f].length ? n : 0;
    }
    return 0;
}

static void put_escape(struct buf *b, unsigned char c)
{
    static const char letters[32] = {[8] = 'b', [9] = 't', [10] = 'n', [12] = 'f', [13] = 'r'};
    if (c >= 0x20)
        buf_put(b, (const char[]){'\\', (char)c}, 2);
    else if (letters[c] != 0)
        buf_put(b, (const char[]){'\\', letters[c]}, 2);
    else
        buf_printf(b, "\\u%04x", c);
}

static void put_string(struct buf *b, struct str s)
{
    const unsigned char *p = (const unsigned char *)s.p;
    size_t i = 0, plain = 0; /* [plain, i) is copied as it is */
    buf_putc(b, '"');
    while (i < s.n) {
        size_t bad = 0;
        if (p[i] < 0x80) {
            if (p[i] >= 0x20 && p[i] != '"' && p[i] != '\\') {
                i++;
                continue;
            }
        } else {
            size_t n = utf8_length(p + i, s.n - i, &bad);
            if (n > 0) {
                i += n;
                continue;
            }
        }
        buf_put(b, p + plain, i - plain);
        if (bad > 0)
            buf_puts(b, "\xEF\xBF\xBD");
        else
            put_escape(b, p[i]);
        i += bad > 0 ? bad : 1;
        plain = i;
    }
    if (s.n > plain)
        buf_put(b, p + plain, s.n - plain);
    buf_putc(b, '"');
}

void jo_key_str(struct json_out *o, struct str key)
{
    if (!in_object(o) || o->after_key) {
        o->buf->failed = true;
        return;
    }
    comma(o);
    put_string(o->buf, key);
    buf_putc(o->buf, ':');
    o->after_key = true;
}

void jo_key(struct json_out *o, const char *key)
{
    jo_key_str(o, str_of(key));
}

void jo_str(struct json_out *o, struct str s)
{
    if (before_value(o))
        put_string(o->buf, s);
}

void jo_raw(struct json_out *o, struct str json_text)
{
    if (before_value(o))
        buf_putstr(o->buf, json_text);
}

void jo_cstr(struct json_out *o, const char *z)
{
    if (z != NULL)
        jo_str(o, str_of(z));
    else
        jo_null(o);
}

void jo_int(struct json_out *o, int64_t v)
{
    if (before_value(o))
        buf_printf(o->buf, "%" PRId64, v);
}

void jo_bool(struct json_out *o, bool v)
{
    jo_raw(o, v ? STR("true") : STR("false"));
}

void jo_null(struct json_out *o)
{
    jo_raw(o, STR("null"));
}

void jo_kstr(struct json_out *o, const char *key, struct str s)
{
    jo_key(o, key);
    jo_str(o, s);
}

void jo_kcstr(struct json_out *o, const char *key, const char *z)
{
    jo_key(o, key);
    jo_cstr(o, z);
}

void jo_kint(struct json_out *o, const char *key, int64_t v)
{
    jo_key(o, key);
    jo_int(o, v);
}

void jo_kbool(struct json_out *o, const char *key, bool v)
{
    jo_key(o, key);
    jo_bool(o, v);
}
