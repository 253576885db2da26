/* SPDX-License-Identifier: Apache-2.0
 * json.h - reading JSON that strangers wrote, and writing JSON that is always valid.
 *
 * Reading: simdjson's DOM behind a thin C face (json.cc). Strict: UTF-8 is validated, trailing bytes and
 * depth beyond JSON_MAX_DEPTH are refused. A parser is reused from call to call by one thread at a time; the
 * values it returned die at the next json_parse() on it. Object keys are compared byte for byte after
 * unescaping. Duplicate keys are legal JSON but a way around a policy; ask json_duplicate_key() wherever a
 * decision depends on the object.
 *
 * Writing: struct json_out appends to a struct buf and keeps track of commas and nesting. What would not be
 * JSON (a value without its key, a second root, deeper than JSON_MAX_DEPTH) sets the buffer's failure. */
#ifndef WL_BASE_JSON_H
#define WL_BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define JSON_MAX_DEPTH 64         /* levels of arrays and objects; the last of them can only be an empty one */
#define JSON_MAX_BYTES (8u << 20) /* larger texts are refused with WL_ETOOBIG */

enum json_type {
    JSON_ABSENT = 0,
    JSON_NULL,
    JSON_BOOL,
    JSON_INT,
    JSON_UINT,
    JSON_DOUBLE,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT
};

struct json_parser;

/* A value inside a parsed document; copy freely. {NULL} is "absent", and every function accepts it. */
struct json {
    const void *doc;
    size_t at;
};

struct json_parser *json_parser_create(void); /* aborts when memory runs out; json_parser_free() it */
struct json_parser *json_parser_try(void);    /* the same for a library, which may not abort: NULL then */
void json_parser_free(struct json_parser *p);

/* Parses text[0..len). The text is copied unless `padded` says BUF_PADDING readable bytes follow it.
 * WL_EINVAL with simdjson's reason, WL_ETOOBIG. Values stay valid until the next parse on p. */
int json_parse(struct json_parser *p, struct str text, bool padded, struct json *ret, struct err *e);

enum json_type json_type(struct json v);
struct json json_get(struct json object, const char *key);          /* absent when not an object or no key */
struct json json_at(struct json v, const char *k1, const char *k2); /* get(get(v,k1),k2) */
/* Strings are unescaped UTF-8 (they may contain NUL: compare by length), owned by the parser. */
bool json_str(struct json v, struct str *ret);
struct str json_str_or(struct json v, struct str fallback);
bool json_i64(struct json v, int64_t *ret); /* integers that fit; not strings */
bool json_bool(struct json v, bool *ret);
/* An id: a string of digits or an integer, as Meta writes both. False otherwise or past 63 bits. */
bool json_id(struct json v, int64_t *ret);
size_t json_count(struct json v); /* members or elements, 0 for anything else */

/* for (struct json_iter it = json_iter(v); json_next(&it);) use it.key (objects), it.value. */
struct json_iter {
    struct json owner;
    struct str key;
    struct json value;
    size_t pos, end;
    bool object;
};
struct json_iter json_iter(struct json array_or_object);
bool json_next(struct json_iter *it);

/* A key that occurs twice in this object (not deeper), or {NULL,0}. O(n log n) at worst. */
struct str json_duplicate_key(struct json object);

/* Appends the value as compact JSON. */
bool json_write_value(struct buf *out, struct json v);

struct json_out {
    struct buf *buf;
    uint64_t object_bits; /* one bit a level: object or array */
    uint64_t comma_bits;
    int depth;
    bool after_key, complete; /* complete: the one root value was begun */
};
void json_out_init(struct json_out *o, struct buf *buf);
void jo_object(struct json_out *o);
void jo_array(struct json_out *o);
void jo_end(struct json_out *o); /* closes whichever is open */
void jo_key(struct json_out *o, const char *key);
void jo_key_str(struct json_out *o, struct str key);
void jo_str(struct json_out *o, struct str s);   /* invalid UTF-8 is replaced by U+FFFD */
void jo_cstr(struct json_out *o, const char *z); /* NULL writes null */
void jo_int(struct json_out *o, int64_t v);
void jo_bool(struct json_out *o, bool v);
void jo_null(struct json_out *o);
void jo_raw(struct json_out *o, struct str json_text); /* already valid JSON */
/* key and value in one go */
void jo_kstr(struct json_out *o, const char *key, struct str s);
void jo_kcstr(struct json_out *o, const char *key, const char *z);
void jo_kint(struct json_out *o, const char *key, int64_t v);
void jo_kbool(struct json_out *o, const char *key, bool v);

#endif
