/* SPDX-License-Identifier: Apache-2.0
 * segments.h - saved segments and all their versions.
 *
 * The query is kept as the JSON that was given; whether it can be read is the caller's to see before. A version is never changed. */
#ifndef WL_STORE_SEGMENTS_H
#define WL_STORE_SEGMENTS_H

#include "store/store.h"

#define SEGMENT_NAME_MAX 128 /* bytes; no control characters */
#define SEGMENT_NOTE_MAX 500

struct segment_row {
    int64_t id, version, at; /* at: of this version */
    struct str name, query, actor, note;
};
/* Makes it, or gives it its next version where the query is another one; *ret as it is now. was: the version the caller knows, 0 any: another one
 * is WL_ECONFLICT. */
int segment_put(struct store *s, const struct segment_row *given, int64_t was, int64_t now, struct segment_row *ret,
                struct err *e);
int segment_get(struct store *s, struct str name, int64_t version /* 0: the last */, struct arena *a,
                struct segment_row *ret, struct err *e); /* WL_ENOTFOUND */
int segments_list(struct store *s, struct arena *a, size_t max, struct segment_row **ret, size_t *ret_n, struct err *e);
int segment_versions(struct store *s, struct str name, struct arena *a, size_t max, struct segment_row **ret,
                     size_t *ret_n, struct err *e);
int segment_drop(struct store *s, struct str name, int64_t now, struct err *e); /* WL_ENOTFOUND */

#endif
