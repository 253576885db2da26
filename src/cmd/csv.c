/* SPDX-License-Identifier: Apache-2.0
 * csv.c - a streaming reader of comma-separated rows that recovers from broken ones.
 *
 * The buffer always holds the current row from its first byte, so that a row found to be broken (a quote that is
 * never closed, text after a closing quote, too long) can be given up and reading can go on at the line after the
 * one it started on. Fields are unquoted in place in a second buffer of the same size; nothing else is copied. Bytes
 * that are not UTF-8 and NULs make a row broken: they would turn into other people's names. */
#include "cmd/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WINDOW (CSV_ROW_BYTES + 4096)

struct csv {
    csv_read *read;
    void *from;
    size_t at, end; /* unread bytes of window */
    bool eof, started;
    char delimiter;
    int line; /* of window[at] */
    char window[WINDOW];
    char text[CSV_ROW_BYTES + CSV_FIELDS];
};

struct csv *csv_open(csv_read *read, void *from)
{
    struct csv *c = calloc(1, sizeof *c);
    if (c == NULL)
        abort();
    c->read = read;
    c->from = from;
    c->delimiter = ',';
    c->line = 1;
    return c;
}

void csv_free(struct csv *c)
{
    free(c);
}

char csv_delimiter(const struct csv *c)
{
    return c->delimiter;
}

/* Brings in more bytes behind those that are there; false when there are none or no room. */
static bool fill(struct csv *c)
{
    if (c->at > 0) {
        memmove(c->window, c->window + c->at, c->end - c->at);
        c->end -= c->at;
        c->at = 0;
    }
    if (c->eof || c->end == WINDOW)
        return false;
    size_t n = c->read(c->from, c->window + c->end, WINDOW - c->end);
    c->eof = n == 0;
    c->end += n;
    return n > 0;
}

/* The i-th unread byte, or -1 at the end of the file or of the window. */
static int peek(struct csv *c, size_t i)
{
    while (c->at + i >= c->end)
        if (!fill(c))
            return -1;
    return (unsigned char)c->window[c->at + i];
}

static void consume(struct csv *c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        c->line += c->window[c->at + i] == '\n';
    c->at += n;
}

/* The most frequent of the candidates outside quotes on the first line; a comma when none occurs. */
static void sniff(struct csv *c)
{
    static const char candidates[] = ",;\t|";
    size_t count[4] = {0}, best = 0;
    bool quoted = false;
    for (size_t i = 0; i < CSV_ROW_BYTES; i++) {
        int b = peek(c, i);
        if (b < 0 || (b == '\n' && !quoted))
            break;
        quoted ^= b == '"';
        const char *found = b != 0 && !quoted ? strchr(candidates, b) : NULL;
        if (found)
            count[found - candidates]++;
    }
    for (size_t k = 1; k < 4; k++)
        if (count[k] > count[best])
            best = k;
    c->delimiter = candidates[best];
}

static int start(struct csv *c, struct csv_row *ret, struct err *e)
{
    c->started = true;
    int a = peek(c, 0), b = peek(c, 1), d = peek(c, 2);
    if (a == 0xEF && b == 0xBB && d == 0xBF)
        c->at += 3;
    if ((a == 0xFF && b == 0xFE) || (a == 0xFE && b == 0xFF)) {
        ret->line = 1;
        c->at = c->end;
        c->eof = true;
        return err_set(e, WL_EINVAL, "the file is UTF-16; save it as \"CSV UTF-8\"");
    }
    if (peek(c, 0) == 's' && peek(c, 1) == 'e' && peek(c, 2) == 'p' && peek(c, 3) == '=' && peek(c, 4) > 0) {
        size_t after = peek(c, 5) == '\r' ? 6 : 5;
        if (peek(c, after) == '\n') {
            c->delimiter = (char)peek(c, 4);
            consume(c, after + 1);
            return 0;
        }
    }
    sniff(c);
    return 0;
}

static size_t sequence_length(unsigned char first)
{
    if (first < 0x80)
        return 1;
    return first < 0xC2 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 0;
}

/* Bytes of the UTF-8 sequence at p, 0 when it is none: `least` is the smallest code point written with that many bytes,
 * smaller ones are disguises. */
static size_t sequence(const unsigned char *p, size_t left)
{
    static const unsigned least[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t n = sequence_length(p[0]);
    if (n == 0 || n > left || p[0] == 0)
        return 0;
    unsigned code = n == 1 ? p[0] : p[0] & (0x7Fu >> n);
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xC0) != 0x80)
            return 0;
        code = code << 6 | (p[i] & 0x3Fu);
    }
    return code < least[n] || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF) ? 0 : n;
}

static bool utf8(struct str s)
{
    for (size_t i = 0, n; i < s.n; i += n)
        if ((n = sequence((const unsigned char *)s.p + i, s.n - i)) == 0)
            return false;
    return true;
}

/* Where one row is being read to. */
struct scan {
    size_t i;        /* bytes of the window looked at */
    size_t out;      /* bytes of text written */
    const char *why; /* what is wrong with the row */
};

static bool line_end(int b)
{
    return b < 0 || b == '\n';
}

/* Inside quotes, from the byte after the opening one. */
static void scan_quoted(struct csv *c, struct scan *s)
{
    for (;;) {
        int b = peek(c, s->i);
        if (b < 0 || s->i >= CSV_ROW_BYTES) {
            s->why = "a quote is opened and never closed";
            return;
        }
        s->i++;
        if (b == '"' && peek(c, s->i) != '"')
            break;
        s->i += b == '"';
        c->text[s->out++] = (char)b;
    }
    int b = peek(c, s->i);
    bool cr = b == '\r' && line_end(peek(c, s->i + 1));
    if (!line_end(b) && b != c->delimiter && !cr)
        s->why = "there is text after a closing quote";
}

static void scan_plain(struct csv *c, struct scan *s)
{
    for (;;) {
        int b = peek(c, s->i);
        if (line_end(b) || b == c->delimiter || (b == '\r' && line_end(peek(c, s->i + 1))))
            return;
        if (s->i >= CSV_ROW_BYTES) {
            s->why = "the row is too long";
            return;
        }
        s->i++;
        c->text[s->out++] = (char)b;
    }
}

static void scan_row(struct csv *c, struct scan *s, struct csv_row *ret)
{
    for (;;) {
        size_t from = s->out;
        if (ret->n == CSV_FIELDS) {
            s->why = "the row has too many fields";
            return;
        }
        if (peek(c, s->i) == '"') {
            s->i++;
            scan_quoted(c, s);
        } else {
            scan_plain(c, s);
        }
        if (s->why)
            return;
        ret->field[ret->n++] = (struct str){c->text + from, s->out - from};
        if (peek(c, s->i) != c->delimiter)
            return;
        s->i++;
    }
}

/* Gives the row up: takes its first line only, however long that is. */
static void skip_line(struct csv *c, struct csv_row *ret)
{
    size_t n = 0;
    while (n < CSV_ROW_BYTES && !line_end(peek(c, n)))
        n++;
    size_t shown = n > 0 && c->window[c->at + n - 1] == '\r' ? n - 1 : n;
    memcpy(c->text, c->window + c->at, shown);
    ret->raw = (struct str){c->text, shown};
    ret->n = 0;
    consume(c, n);
    while (!line_end(peek(c, 0)))
        consume(c, 1);
    if (peek(c, 0) == '\n')
        consume(c, 1);
}

int csv_next(struct csv *c, struct csv_row *ret, struct err *e)
{
    ret->n = 0;
    ret->raw = (struct str){"", 0};
    if (!c->started) {
        int rc = start(c, ret, e);
        if (rc != 0)
            return rc;
    }
    while (peek(c, 0) == '\n' || (peek(c, 0) == '\r' && peek(c, 1) == '\n'))
        consume(c, 1);
    if (peek(c, 0) < 0)
        return 0;
    struct scan s = {0};
    ret->line = c->line;
    scan_row(c, &s, ret);
    if (s.why) {
        skip_line(c, ret);
        return err_set(e, WL_EINVAL, "%s", s.why);
    }
    size_t n = s.i;
    while (peek(c, s.i) == '\r' || peek(c, s.i) == '\n')
        if (peek(c, s.i++) == '\n')
            break;
    ret->raw = (struct str){c->window + c->at, n};
    consume(c, s.i);
    if (utf8(ret->raw))
        return 1;
    ret->n = 0;
    return err_set(e, WL_EINVAL, "the row is not UTF-8 text; save the file as \"CSV UTF-8\"");
}

void csv_put(struct buf *out, struct str field, char delimiter)
{
    bool quote = field.n > 0 && (field.p[0] == ' ' || field.p[field.n - 1] == ' ');
    for (size_t i = 0; i < field.n && !quote; i++)
        quote = field.p[i] == '"' || field.p[i] == '\n' || field.p[i] == '\r' || field.p[i] == delimiter;
    if (!quote) {
        buf_putstr(out, field);
        return;
    }
    buf_putc(out, '"');
    for (size_t i = 0; i < field.n; i++) {
        if (field.p[i] == '"')
            buf_putc(out, '"');
        buf_putc(out, field.p[i]);
    }
    buf_putc(out, '"');
}
