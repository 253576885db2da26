/* SPDX-License-Identifier: Apache-2.0
 * json_walk.c - skipping over JSON text.
 *
 * A value in brackets is skipped by counting brackets outside of strings: whoever has to do with what is between them
 * opens it himself, level by level, and so sets his own limit on how deep he goes. Of a string only the end is looked for;
 * its escapes are undone for whoever compares it. */
#include "base/json_walk.h"

void json_walk_space(struct json_walk *w)
{
    for (char c = json_walk_now(w); c == ' ' || c == '\t' || c == '\n' || c == '\r'; c = json_walk_now(w))
        w->at++;
}

struct json_walk json_walk(struct str text)
{
    struct json_walk w = {.text = text};
    if (str_starts(text, STR("\xef\xbb\xbf")))
        w.at = 3;
    json_walk_space(&w);
    return w;
}

bool json_walk_take(struct json_walk *w, char c)
{
    if (w->at >= w->text.n || w->text.p[w->at] != c)
        return false;
    w->at++;
    return true;
}

/* A bit is set in every byte of eight that is c, and perhaps in one above such a byte. */
static uint64_t bytes_that_are(uint64_t eight, char c)
{
    const uint64_t ones = UINT64_C(0x0101010101010101);
    uint64_t other = eight ^ ones * (unsigned char)c;
    return (other - ones) & ~other & ones << 7;
}

/* The next quote or backslash, eight bytes at a time. */
static size_t next_mark(struct str s, size_t at)
{
    for (uint64_t eight; s.n - at >= sizeof eight; at += sizeof eight) {
        memcpy(&eight, s.p + at, sizeof eight);
        if ((bytes_that_are(eight, '"') | bytes_that_are(eight, '\\')) != 0)
            break;
    }
    while (at < s.n && s.p[at] != '"' && s.p[at] != '\\')
        at++;
    return at;
}

bool json_walk_string(struct json_walk *w, struct str *ret)
{
    size_t n = w->text.n, at = w->at + 1;
    if (json_walk_now(w) != '"')
        return false;
    for (at = next_mark(w->text, at); at < n && w->text.p[at] != '"'; at = next_mark(w->text, at)) {
        at += 2;
        if (at > n)
            at = n;
    }
    if (at >= n) {
        w->at = n;
        return false;
    }
    *ret = (struct str){w->text.p + w->at + 1, at - w->at - 1};
    w->at = at + 1;
    return true;
}

/* From an opening bracket over its closing one. */
static bool skip_brackets(struct json_walk *w)
{
    struct str string;
    size_t open = 0;
    do {
        switch (json_walk_now(w)) {
        case '"':
            if (!json_walk_string(w, &string))
                return false;
            continue;
        case '{':
        case '[':
            open++;
            break;
        case '}':
        case ']':
            open--;
            break;
        default:
            break;
        }
        w->at++;
    } while (open > 0 && w->at < w->text.n);
    return open == 0;
}

static bool ends_scalar(char c)
{
    return c == ',' || c == ':' || c == ']' || c == '}' || c == '"' || c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool json_walk_skip(struct json_walk *w)
{
    struct str string;
    size_t from = w->at;
    char c = json_walk_now(w);
    if (c == '"')
        return json_walk_string(w, &string);
    if (c == '{' || c == '[')
        return skip_brackets(w);
    while (w->at < w->text.n && !ends_scalar(w->text.p[w->at]))
        w->at++;
    return w->at > from;
}

bool json_walk_end(struct json_walk *w)
{
    json_walk_space(w);
    return w->at == w->text.n;
}

bool json_walk_open(struct json_walk *w, char bracket, struct json_items *ret)
{
    *ret = (struct json_items){.object = bracket == '{'};
    return json_walk_take(w, bracket);
}

static bool take_name(struct json_walk *w, struct json_item *item)
{
    if (!json_walk_string(w, &item->name))
        return false;
    json_walk_space(w);
    if (!json_walk_take(w, ':'))
        return false;
    json_walk_space(w);
    return true;
}

bool json_walk_next(struct json_walk *w, struct json_items *in, struct json_item *ret)
{
    *ret = (struct json_item){.lead = w->at};
    json_walk_space(w);
    if (json_walk_take(w, in->object ? '}' : ']')) {
        in->ok = true;
        return false;
    }
    if (in->any) {
        if (!json_walk_take(w, ','))
            return false;
        ret->lead = w->at;
        json_walk_space(w);
    }
    in->any = true;
    ret->from = w->at;
    if (in->object && !take_name(w, ret))
        return false;
    ret->value = w->at;
    return w->at < w->text.n;
}

/* --- what stands between quotes -------------------------------------------------------------------------------------- */

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The UTF-16 unit of a \uXXXX at the front; -1: there is none. */
static int unit_at(struct str s)
{
    int unit = 0;
    if (s.n < 6 || s.p[0] != '\\' || s.p[1] != 'u')
        return -1;
    for (size_t i = 2; i < 6; i++) {
        int digit = hex_value(s.p[i]);
        if (digit < 0)
            return -1;
        unit = unit * 16 + digit;
    }
    return unit;
}

/* The character of an escape of two bytes. */
static int short_escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return -1;
    }
}

/* The code point of the escape at the front of *s, which moves over it. -1: it is broken. */
static int take_escape(struct str *s)
{
    int c = s->n > 1 ? short_escape(s->p[1]) : -1, low;
    size_t n = 2;
    if (c < 0) {
        c = unit_at(*s);
        n = 6;
    }
    if (c >= 0xd800 && c < 0xe000) {
        low = s->n > 6 ? unit_at((struct str){s->p + 6, s->n - 6}) : -1;
        c = c < 0xdc00 && low >= 0xdc00 && low < 0xe000 ? 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00) : -1;
        n = 12;
    }
    if (c >= 0)
        *s = (struct str){s->p + n, s->n - n};
    return c;
}

int json_walk_ascii(struct str *s)
{
    if (s->n == 0 || (unsigned char)s->p[0] >= 0x80)
        return -1;
    struct str rest = {s->p + 1, s->n - 1};
    int c = s->p[0];
    if (c == '\\') {
        rest = *s;
        c = take_escape(&rest);
        if (c >= 0x80)
            return -1;
    }
    if (c >= 0)
        *s = rest;
    return c;
}

bool json_walk_is(struct str written, const char *word)
{
    for (; *word != '\0'; word++)
        if (json_walk_ascii(&written) != *word)
            return false;
    return written.n == 0;
}

static size_t put_utf8(int c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | c >> 18);
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

bool json_walk_text(struct str written, char *out, size_t max, size_t *ret_n)
{
    char utf8[4];
    size_t n = 0;
    while (written.n > 0) {
        size_t more = 1;
        utf8[0] = written.p[0];
        if (utf8[0] == '\\') {
            int c = take_escape(&written);
            if (c < 0)
                return false;
            more = put_utf8(c, utf8);
        } else {
            written = (struct str){written.p + 1, written.n - 1};
        }
        if (more > max - n)
            return false;
        memcpy(out + n, utf8, more);
        n += more;
    }
    *ret_n = n;
    return true;
}
