/* SPDX-License-Identifier: Apache-2.0
 * form.h - the ways clients put fields on the wire besides JSON: query strings, urlencoded and multipart bodies.
 *
 * Pure: text in, fields out, all in the given arena, nothing decoded twice. Limits: FORM_MAX_FIELDS fields. */
#ifndef WL_NET_FORM_H
#define WL_NET_FORM_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#define FORM_MAX_FIELDS 1000

struct form_field {
    struct str name, value;            /* decoded; NUL-terminated */
    struct str filename, content_type; /* multipart only; {NULL,0} when not given */
    size_t value_at;                   /* multipart: offset of the raw value in the body */
};

struct form {
    struct form_field *fields;
    size_t n;
};

/* a=1&b=2 with %XX and '+'. WL_EINVAL on a broken escape, WL_ETOOBIG on too many fields. Empty text: no fields. */
int form_urlencoded(struct arena *a, struct str text, struct form *ret, struct err *e);
/* multipart/form-data; the boundary is taken from the content-type. Truncated or malformed: WL_EINVAL. */
int form_multipart(struct arena *a, struct str content_type, struct str body, struct form *ret, struct err *e);
/* First field of that name or NULL. */
const struct form_field *form_get(const struct form *f, const char *name);
/* Percent-decodes (without '+' as space), into the arena; false on a broken escape. */
bool percent_decode(struct arena *a, struct str s, struct str *ret);
/* Appends percent-encoded (everything but unreserved characters). */
void percent_encode(struct buf *b, struct str s);
/* Media type without parameters, compared ignoring case: "application/json; charset=utf-8" is application/json. */
bool media_type_is(struct str content_type, const char *type);

#endif
