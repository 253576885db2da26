/* SPDX-License-Identifier: Apache-2.0
 * segments.h - saved segments and all their versions.
 *
 * The query is kept as the JSON that was given; whether it can be read is the caller's to see before. A version is never changed, and
 * stays when its segment is taken away: a campaign may refer to it. */
#ifndef WL_STORE_SEGMENTS_H
#define WL_STORE_SEGMENTS_H

#include "store/store.h"

#define SEGMENT_NAME_MAX 128 /* bytes; no control characters */
#define SEGMENT_NOTE_MAX 500
#define SEGMENT_TEXT_MAX (64u << 10) /* bytes of a query */
#define SEGMENTS_MAX     10000       /* names at one time */
#define SEGMENT_IS_NEW   (-1)        /* segment_put(): there must be none of this name */

struct segment_row {
    int64_t id, version, at; /* at: of this version */
    struct str name, query, actor, note;
};
/* Makes it, or gives it its next version where the query is another one; *ret as it is now, its texts those given. was: the version the
 * caller knows, 0 any, SEGMENT_IS_NEW none: anything else is WL_ECONFLICT. WL_ETOOBIG: there are SEGMENTS_MAX. */
int segment_put(struct store *s, const struct segment_row *given, int64_t was, int64_t now, struct segment_row *ret,
                struct err *e);
int segment_get(struct store *s, struct str name, int64_t version /* 0: the last */, struct arena *a,
                struct segment_row *ret, struct err *e); /* WL_ENOTFOUND */
/* By name, those after this one (empty: from the first), each as its last version is. */
int segments_list(struct store *s, struct str after, struct arena *a, size_t max, struct segment_row **ret,
                  size_t *ret_n, struct err *e);
/* Newest first, before this version (0: from the newest). WL_ENOTFOUND. */
int segment_versions(struct store *s, struct str name, int64_t before, struct arena *a, size_t max,
                     struct segment_row **ret, size_t *ret_n, struct err *e);
int segment_drop(struct store *s, struct str name, int64_t now, struct err *e); /* WL_ENOTFOUND */

#endif
