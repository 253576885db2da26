/* SPDX-License-Identifier: Apache-2.0
 * json_stream.h - JSON documents one after the other from a file or a pipe, however they are laid out.
 *
 * A document is an object, on one line or on many; the next begins after its closing brace. Only one of them is held
 * in memory. Whether a document is valid JSON is for the parser to say; here only its end is found. */
#ifndef WL_CMD_JSON_STREAM_H
#define WL_CMD_JSON_STREAM_H

#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

#define JSON_STREAM_DOCUMENT_MAX (1u << 20)

struct json_stream {
    FILE *in;
    struct buf text; /* of the document at hand */
    size_t line;     /* in which it begins, from 1 */
    size_t at;       /* line reached */
};

void json_stream_init(struct json_stream *s, FILE *in);
void json_stream_done(struct json_stream *s);
/* The next document, valid until the next call; {NULL, 0} at the end. WL_EINVAL for what is no object (the rest of that
 * line is passed over, so that one may go on), WL_ETOOBIG and WL_EIO end the stream. */
int json_stream_next(struct json_stream *s, struct str *ret, struct err *e);

#endif
