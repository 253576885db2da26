/* SPDX-License-Identifier: Apache-2.0
 * json_walk.h - a cursor over JSON text, for those who must leave the bytes as they are.
 *
 * Nothing is parsed into values: the cursor skips over strings, numbers and brackets and says where they stand, and the
 * caller copies or leaves out what he likes. Made for text that is valid JSON; any other bytes are harmless: the cursor
 * never leaves the text, recurses nowhere, and either stops with false or finds something that is of no meaning. */
#ifndef WL_BASE_JSON_WALK_H
#define WL_BASE_JSON_WALK_H

#include "base/buf.h"

struct json_walk {
    struct str text;
    size_t at; /* never past the end */
};

/* At the first value, behind a byte order mark and white space. */
struct json_walk json_walk(struct str text);
/* The byte at the cursor; NUL at the end. */
static inline char json_walk_now(const struct json_walk *w)
{
    return w->at < w->text.n ? w->text.p[w->at] : '\0';
}
void json_walk_space(struct json_walk *w);
bool json_walk_take(struct json_walk *w, char c);
/* What stands between the quotes, as written. */
bool json_walk_string(struct json_walk *w, struct str *ret);
/* Over one value, whatever it is. Brackets in it are only counted. */
bool json_walk_skip(struct json_walk *w);
/* Whether nothing but white space follows. */
bool json_walk_end(struct json_walk *w);

/* The members of an object, or the elements of an array:
 *     if (json_walk_open(w, '{', &in))
 *         while (json_walk_next(w, &in, &item))
 *             ... exactly over the value: json_walk_skip(w), or another level ...
 * `in.ok` then says that the closing bracket was there, and the cursor is behind it. */
struct json_items {
    bool object, any, ok;
};
struct json_item {
    size_t lead;     /* behind the bracket or comma before it */
    size_t from;     /* its first byte: of the name, in an object */
    struct str name; /* as written; {NULL, 0} in an array */
    size_t value;
};
/* False: this bracket is not there. */
bool json_walk_open(struct json_walk *w, char bracket, struct json_items *ret);
bool json_walk_next(struct json_walk *w, struct json_items *in, struct json_item *ret);

/* The character at the front of what stands between quotes, when it is one of ASCII, escaped or not; *s moves over it. -1:
 * another, or none. */
int json_walk_ascii(struct str *s);
/* Whether what stands between quotes is this word of ASCII. */
bool json_walk_is(struct str written, const char *word);
/* Undoes the escapes, into UTF-8. False: they are broken, or there are more than `max` bytes. */
bool json_walk_text(struct str written, char *out, size_t max, size_t *ret_n);

#endif
