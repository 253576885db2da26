/* SPDX-License-Identifier: Apache-2.0
 * segment.h - who is meant: conditions as react-querybuilder writes them, said in words, as SQL, and answered over an audience.
 *
 * The stored form is the JSON of react-querybuilder 7 and 8 ({combinator, not, rules: [{field, operator, value, valueSource}]}, also with
 * combinators between the rules). Read against the list of fields below, it is a tree; the tree is planned (what excludes most first,
 * numbers last) and answered with Roaring bitmaps and scans over the columns of core/audience.h.
 *
 * Every rule is true or false of everybody. Who has no value is not equal to anything, contains nothing, and is not before, after or between
 * anything; a negative operator is exactly the opposite of its positive one, so it means people without a value too. Score, activity
 * and consent are as of the audience's time; `now` is what "now-30d" is reckoned from, and when a consent has ended.
 *
 * Consent, suppression and erasure are no matter of the expression: segment_reachable() ANDs them to whatever was asked. They are asked
 * again of every single message, at the door. */
#ifndef WL_CORE_SEGMENT_H
#define WL_CORE_SEGMENT_H

#include "base/arena.h"
#include "base/json.h"
#include "core/audience.h"

#define SEGMENT_QUERY_MAX  (64u << 10) /* bytes of JSON */
#define SEGMENT_DEPTH_MAX  16
#define SEGMENT_RULES_MAX  500
#define SEGMENT_VALUES_MAX 10000 /* of one `in` */

struct segment;

/* The fields there are, for help, the console's rows and errors with a suggestion; "attribute." stands for any. */
struct segment_field {
    const char *name;      /* "country" */
    const char *label;     /* "Country" */
    const char *type;      /* "word", "set", "number", "date", "flag", "text" */
    const char *operators; /* react-querybuilder's names, separated by spaces */
    const char *values;    /* of words: those there are; NULL: any */
    const char *doc;
};
extern const struct segment_field segment_fields[]; /* ends with name NULL */

/* WL_EINVAL: `e` says what is wrong, *ret_path (may be NULL, arena) where: "rules[2].rules[0].value". now: for what is said relative to it
 * ("now-30d" is kept as it is: the segment means it at each answer). */
int segment_read(struct json query, struct arena *a, struct segment **ret, const char **ret_path, struct err *e);
/* Names of fields this audience has nothing of (a mistyped attribute, a tag nobody has): for a warning, not an error. */
size_t segment_unheard(const struct segment *g, const struct audience *a, struct str *ret, size_t max);
/* One plain sentence: "People in Germany or Austria who have the tag vip and read something in the last 30 days." */
void segment_say(const struct segment *g, struct buf *out);
/* SELECT over the tables of store/audience_file.h that gives the same people's ids; `now` as a literal. For debugging. */
int segment_sql(const struct segment *g, int64_t now, struct buf *out, struct err *e);

typedef struct roaring_bitmap_s roaring_bitmap_t;
/* Ordinals of the people meant; roaring_bitmap_free() it. */
int segment_select(const struct segment *g, const struct audience *a, int64_t now, roaring_bitmap_t **ret,
                   struct err *e);
/* Of those, who may be sent to in this category as far as consent, opt-outs, suppression and erasure go: one-time codes
 * to numbers alone. */
int segment_reachable(const roaring_bitmap_t *people, const struct audience *a, enum category c, int64_t now,
                      roaring_bitmap_t **ret, struct err *e);

#endif
