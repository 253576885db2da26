/* SPDX-License-Identifier: Apache-2.0
 * json_stream.h - JSON documents one after the other from a file or a pipe, however they are laid out.
 *
 * A document is an object, on one line or on many; the next begins after its closing brace. Only one of them is held
 * in memory. Whether a document is valid JSON is for the parser to say; here only its end is found. After one that is
 * broken, reading goes on at the next line that begins with a brace. */
#ifndef WL_CMD_JSON_STREAM_H
#define WL_CMD_JSON_STREAM_H

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

#define JSON_STREAM_DOCUMENT_MAX (1u << 20)

struct json_stream {
    FILE *in;
    struct buf text;  /* of the document at hand */
    struct buf again; /* read too far: to be read before the file */
    size_t again_at;
    size_t line;     /* in which it begins, from 1 */
    size_t at;       /* line reached */
    bool line_start; /* the next byte is the first of its line */
    bool by_lines;   /* a document had no end: from then on none reaches into a line that begins with a brace */
};

void json_stream_init(struct json_stream *s, FILE *in);
void json_stream_done(struct json_stream *s);
/* The next document, valid until the next call; {NULL, 0} at the end. WL_EINVAL for what is no object or has no end,
 * WL_ETOOBIG for one that is too large: the next call goes on after it. WL_EIO ends the stream. */
int json_stream_next(struct json_stream *s, struct str *ret, struct err *e);
/* The document at hand turned out to be no JSON: the next call goes on at the next line that begins with a brace. */
void json_stream_broken(struct json_stream *s);

#endif
