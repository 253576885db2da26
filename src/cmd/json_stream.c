/* SPDX-License-Identifier: Apache-2.0
 * json_stream.c - where one JSON object ends and the next begins.
 *
 * Counts braces outside strings. That is enough for valid documents. One with a brace too many or too few, or with a
 * string that reaches over the end of its line, must not take its neighbours with it: what was read of it is looked
 * through for a line that begins with a brace, and read again from there. A document without an end is noticed only at
 * the end of the file; from then on a line that begins with a brace is taken for a new document at once, or a file
 * full of them would be read as often as it has lines. */
#include "cmd/json_stream.h"

#include <ctype.h>
#include <string.h>

void json_stream_init(struct json_stream *s, FILE *in)
{
    *s = (struct json_stream){.in = in, .at = 1, .line_start = true};
    buf_init(&s->text, JSON_STREAM_DOCUMENT_MAX);
    buf_init(&s->again, JSON_STREAM_DOCUMENT_MAX);
}

void json_stream_done(struct json_stream *s)
{
    buf_done(&s->text);
    buf_done(&s->again);
}

static int next_byte(struct json_stream *s)
{
    int c;
    if (s->again_at < s->again.len) {
        c = (unsigned char)s->again.data[s->again_at++];
    } else {
        c = getc_unlocked(s->in);
        buf_clear(&s->again);
        s->again_at = 0;
    }
    s->at += c == '\n';
    s->line_start = c == '\n';
    return c;
}

/* The byte just read is read again next. */
static void put_back(struct json_stream *s, int c, bool line_start)
{
    if (s->again_at > 0)
        s->again_at--;
    else if (c != EOF)
        ungetc(c, s->in);
    s->at -= c == '\n';
    s->line_start = line_start;
}

/* To the first byte of the next line that begins with a brace, or the end. */
static void skip_lines(struct json_stream *s)
{
    int c = 0;
    while (c != EOF) {
        bool first = s->line_start;
        c = next_byte(s);
        if (first && c == '{') {
            put_back(s, c, true);
            return;
        }
    }
}

/* A line within the text that begins with a brace; NULL: none. */
static const char *line_in_text(const struct json_stream *s)
{
    const char *p = s->text.data, *end = p + s->text.len;
    while (s->text.len > 0 && (p = memchr(p, '\n', (size_t)(end - p))) != NULL)
        if (++p < end && *p == '{')
            return p;
    return NULL;
}

void json_stream_broken(struct json_stream *s)
{
    const char *from = line_in_text(s);
    if (from == NULL) {
        skip_lines(s);
        return;
    }
    size_t n = s->text.len - (size_t)(from - s->text.data), rest = s->again.len - s->again_at;
    struct buf again;
    buf_init(&again, n + rest + 1);
    buf_put(&again, from, n);
    if (rest > 0)
        buf_put(&again, s->again.data + s->again_at, rest);
    buf_done(&s->again);
    s->again = again;
    s->again_at = 0;
    s->at = s->line;
    for (const char *p = s->text.data; p < from; p++)
        s->at += *p == '\n';
    s->line_start = true;
}

/* Why the document ended before its last brace. */
static int ended(struct json_stream *s, int c, struct err *e)
{
    if (c == EOF && ferror(s->in))
        return err_set(e, WL_EIO, "line %zu: the input cannot be read", s->at);
    if (c != EOF && s->text.len == JSON_STREAM_DOCUMENT_MAX)
        err_set(e, WL_ETOOBIG, "line %zu: the object is larger than %u bytes", s->line, JSON_STREAM_DOCUMENT_MAX);
    else if (c == '\n' && s->at == s->line + 1)
        err_set(e, WL_EINVAL, "line %zu: a text in the object that begins here has no closing quote", s->line);
    else
        err_set(e, WL_EINVAL, "line %zu: the object that begins here has no end", s->line);
    s->by_lines = true;
    json_stream_broken(s);
    return e->code;
}

/* Where the bytes read so far leave us. */
struct scan {
    int depth;
    bool string, escaped;
};

static void look_at(struct scan *x, int c)
{
    if (x->string) {
        x->string = x->escaped || c != '"';
        x->escaped = c == '\\' && !x->escaped;
    } else {
        x->string = c == '"';
        x->depth += (c == '{') - (c == '}');
    }
}

/* One more byte of the object into the text; false when it ended too soon: *ret_c is why. */
static bool take_byte(struct json_stream *s, struct scan *x, int *ret_c)
{
    bool line_start = s->line_start;
    int c = *ret_c = next_byte(s);
    bool next_one = line_start && c == '{' && s->by_lines, full = s->text.len == JSON_STREAM_DOCUMENT_MAX;
    if (c == EOF)
        return false;
    if (next_one || full) {
        put_back(s, c, line_start);
        *ret_c = next_one ? 0 : c;
        return false;
    }
    bool open_text = x->string && c == '\n'; /* which JSON does not allow */
    buf_putc(&s->text, (char)c);
    look_at(x, c);
    return !open_text;
}

/* From the first brace, which was read, to the last. */
static int read_object(struct json_stream *s, struct str *ret, struct err *e)
{
    struct scan x = {.depth = 1};
    int c;
    buf_putc(&s->text, '{');
    while (x.depth > 0)
        if (!take_byte(s, &x, &c))
            return ended(s, c, e);
    *ret = buf_str(&s->text);
    return 0;
}

int json_stream_next(struct json_stream *s, struct str *ret, struct err *e)
{
    int c;
    buf_clear(&s->text);
    while ((c = next_byte(s)) != EOF && (isspace(c) || c == 0x1e))
        ; /* white space, and the record separator of RFC 7464 */
    s->line = s->at;
    if (c == '{')
        return read_object(s, ret, e);
    if (c != EOF) {
        skip_lines(s);
        return err_set(e, WL_EINVAL, "line %zu: facts are a JSON object, which begins with {", s->line);
    }
    if (ferror(s->in))
        return err_set(e, WL_EIO, "line %zu: the input cannot be read", s->at);
    *ret = (struct str){NULL, 0};
    return 0;
}
