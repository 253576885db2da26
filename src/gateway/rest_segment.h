/* SPDX-License-Identifier: Apache-2.0
 * rest_segment.h - what the calls about segments share: rest_segments*.c.
 *
 * Saved ones are rows, shown and changed like anything else. What a segment means today is asked of the read model (audiences.h), on a
 * thread of its own: a handler only finds the query and hands it over. */
#ifndef WL_GATEWAY_REST_SEGMENT_H
#define WL_GATEWAY_REST_SEGMENT_H

#include "core/segment.h"
#include "gateway/audiences.h"
#include "gateway/rest_impl.h"
#include "store/segments.h"

/* Reads a query; false: c->problem says what is wrong with it and where, as in "query.rules[2].value". */
bool rest_segment_read(struct rest_call *c, struct json query, struct arena *a, struct segment **ret);
/* "sentence": what it means. */
void rest_segment_sentence(struct json_out *o, const struct segment *g);
/* The saved one; else c->problem has the nearest there is. version 0: the last. */
int rest_segment_find(struct rest_call *c, struct store *s, struct arena *a, struct str name, int64_t version,
                      struct segment_row *ret, struct err *e);

/* --- asked of the read model (rest_segments_ask.c) --- */

struct segment_ask {
    struct audience_job job;
    struct rest_call *c;
    int (*answer)(struct segment_ask *q, struct err *e); /* into c->out, or c->problem */
    /* What is asked, in the request's arena. query absent: no segment is (the values of a field). */
    struct str query, name, field;
    int64_t version; /* of a saved one */
    size_t limit;
    int64_t seed, after;
    /* While it is answered. */
    const struct audience *au;
    struct store *s;
    struct arena *a;
    int64_t now, begun_ns;
    struct segment *g;
    roaring_bitmap_t *people;
    struct json rules; /* the query, parsed by the answering thread's parser */
};
/* A question in the request's arena; NULL: c->problem says why not. Sent off, it is answered after the reader's transaction. */
struct segment_ask *rest_segment_ask(struct rest_call *c, int (*answer)(struct segment_ask *q, struct err *e));
void rest_segment_send(struct segment_ask *q);
/* "as_of", "people", "segment" and "version" of a saved one. */
void rest_segment_head(struct segment_ask *q);
/* Each person of these ordinals as a row of the open array; masked: without the middle of their number. */
int rest_segment_rows(struct segment_ask *q, const uint32_t *ordinal, size_t n, bool masked, struct err *e);

void rest_segment_free(roaring_bitmap_t *people); /* accepts NULL, as the library of some releases does not */

#define SEGMENT_CATEGORIES 3 /* those a campaign may have */
extern const enum category segment_category[SEGMENT_CATEGORIES];

int rest_segments_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_segment_show(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_segment_put(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_segment_drop(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_segment_versions(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_segments_count(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_segments_explain(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_segments_sql(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_segments_sample(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_segments_export(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_segments_fields(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_segments_values(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_segments_model(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);

#endif
