/* SPDX-License-Identifier: Apache-2.0
 * json_stream.c - where one JSON object ends and the next begins.
 *
 * Counts braces outside strings. That is enough for valid documents; one with a brace too many or too few is refused
 * by the parser, and what follows on its line is not trusted. */
#include "cmd/json_stream.h"

#include <ctype.h>

void json_stream_init(struct json_stream *s, FILE *in)
{
    *s = (struct json_stream){.in = in, .at = 1};
    buf_init(&s->text, JSON_STREAM_DOCUMENT_MAX);
}

void json_stream_done(struct json_stream *s)
{
    buf_done(&s->text);
}

static int next_byte(struct json_stream *s)
{
    int c = getc_unlocked(s->in);
    s->at += c == '\n';
    return c;
}

static int skip_line(struct json_stream *s)
{
    int c;
    while ((c = next_byte(s)) != EOF && c != '\n')
        ;
    return c;
}

static int ended(struct json_stream *s, struct err *e)
{
    if (ferror(s->in))
        return err_set(e, WL_EIO, "line %zu: the input cannot be read", s->at);
    return err_set(e, WL_EINVAL, "line %zu: the object that begins here has no end", s->line);
}

int json_stream_next(struct json_stream *s, struct str *ret, struct err *e)
{
    int c, depth = 0;
    bool string = false, escaped = false;
    buf_clear(&s->text);
    while ((c = next_byte(s)) != EOF && (isspace(c) || c == 0x1e))
        ; /* white space, and the record separator of RFC 7464 */
    s->line = s->at;
    if (c == EOF && !ferror(s->in)) {
        *ret = (struct str){NULL, 0};
        return 0;
    }
    if (c != '{' && c != EOF) {
        skip_line(s);
        return err_set(e, WL_EINVAL, "line %zu: facts are a JSON object, which begins with {", s->line);
    }
    for (; c != EOF; c = next_byte(s)) {
        if (!buf_putc(&s->text, (char)c))
            return err_set(e, WL_ETOOBIG, "line %zu: the object is larger than %u bytes", s->line,
                           JSON_STREAM_DOCUMENT_MAX);
        if (string) {
            string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
        } else {
            string = c == '"';
            depth += (c == '{') - (c == '}');
        }
        if (depth == 0) {
            *ret = buf_str(&s->text);
            return 0;
        }
    }
    return ended(s, e);
}
