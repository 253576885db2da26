/* SPDX-License-Identifier: Apache-2.0
 * attributes.h - what the business says of its contacts: attributes, tags, and the files they came from.
 *
 * None of it is found out here or anywhere else: a value is there because the business gave it, and says when and with which import. */
#ifndef WL_STORE_ATTRIBUTES_H
#define WL_STORE_ATTRIBUTES_H

#include "base/digest.h"
#include "store/store.h"

#define ATTRIBUTE_NAME_MAX  64  /* bytes: a-z 0-9 _ . - */
#define ATTRIBUTE_VALUE_MAX 512 /* bytes */
#define ATTRIBUTES_MAX      64  /* of one contact */
#define TAG_MAX             64  /* bytes: no comma, no control character */
#define TAGS_MAX            100 /* of one contact */
#define SOURCE_NAME_MAX     200 /* bytes */
#define SOURCES_MAX         16  /* files of one contact: the earliest, and the newest of the others */

struct attribute {
    struct str name, value;
    int64_t source; /* import_source.id; 0: the API */
    int64_t at;
};
/* By name, at most ATTRIBUTES_MAX. */
int attributes_get(struct store *s, int bucket, int64_t contact, struct arena *a, struct attribute **ret, size_t *ret_n,
                   struct err *e);
/* The value of one; {NULL, 0}: they have none. */
int attribute_value(struct store *s, int bucket, int64_t contact, struct str name, struct arena *a, struct str *ret,
                    struct err *e);
/* An older one undoes no newer one. *ret_changed: the contact has another value now. */
int attribute_put(struct store *s, int bucket, int64_t contact, const struct attribute *v, bool *ret_changed,
                  struct err *e);
int attribute_drop(struct store *s, int bucket, int64_t contact, struct str name, bool *ret_changed, struct err *e);

struct tag {
    struct str tag;
    int64_t source, at;
};
int tags_get(struct store *s, int bucket, int64_t contact, struct arena *a, struct tag **ret, size_t *ret_n,
             struct err *e);
int tag_put(struct store *s, int bucket, int64_t contact, const struct tag *v, bool *ret_changed, struct err *e);
int tag_drop(struct store *s, int bucket, int64_t contact, struct str tag, bool *ret_changed, struct err *e);

/* A file that contacts were imported from. The same bytes under the same name are one source. */
struct import_source {
    int64_t id, first_at, last_at;
    struct str name;
    uint8_t sha256[SHA256_BYTES];
};
int import_source_put(struct store *s, struct str name, const uint8_t sha256[SHA256_BYTES], int64_t now,
                      int64_t *ret_id, struct err *e);
/* When these bytes came first, under whatever name. */
int import_source_first(struct store *s, int64_t id, int64_t *ret_at, struct err *e);
/* A contact was in it. *ret_new may be NULL. Of more than SOURCES_MAX those between the earliest and the newest are forgotten. */
int contact_source_put(struct store *s, int bucket, int64_t contact, int64_t source, int64_t at, bool *ret_new,
                       struct err *e);
/* The earliest first: that is where they came from. first_at is when the contact came with it. *ret_cut: there were more than
 * SOURCES_MAX. */
int contact_sources(struct store *s, int bucket, int64_t contact, struct arena *a, struct import_source **ret,
                    size_t *ret_n, bool *ret_cut, struct err *e);

#endif
