/* SPDX-License-Identifier: Apache-2.0
 * audience_set.h - who has which of many words: the columns of an audience that are no numbers. For core/audience*.c and
 * core/segment*.c alone.
 *
 * A set has a dictionary of the words that occur and, for each, the ordinals of who has it; nobody, or several, may be one's. Where
 * many of a block of 65,536 people have a word, they are a container of its Roaring bitmap; where few, they stand in a list. So a
 * country costs two bytes a person or less, and a name that nobody shares does not cost a bitmap.
 *
 * Filled block after block, ended, then only read. */
#ifndef WL_CORE_AUDIENCE_SET_H
#define WL_CORE_AUDIENCE_SET_H

#include <roaring/roaring.h>

#include "base/buf.h"
#include "base/err.h"

#define AUDIENCE_BLOCK 65536u /* people whose ordinals have the same upper half */

/* The library's own does not accept NULL. */
static inline void people_free(const roaring_bitmap_t *people)
{
    if (people != NULL)
        roaring_bitmap_free(people);
}

struct audience_words {
    struct buf text; /* one behind the other */
    struct buf end;  /* uint32_t: where each ends */
    struct buf slot; /* uint32_t: code + 1, by a hash that knows no capitals; 0 free */
};

struct audience_set {
    struct audience_words words;
    uint32_t last;    /* code of the word asked for last: neighbours are often alike */
    struct buf fresh; /* uint64_t, code and ordinal: not sorted in yet */
    struct buf few;   /* the same, of who stands in lists; only while it is filled */
    struct buf row;   /* uint32_t a code: its bitmap + 1; 0 none */
    struct buf rows;  /* roaring_bitmap_t * */
    struct buf from;  /* uint32_t a code and one: where its list begins; once it is ended */
    struct buf list;  /* uint32_t: ordinals */
};

void audience_set_init(struct audience_set *s);
void audience_set_done(struct audience_set *s);
/* The code of a word, taken in if it is new. False: no memory, or more words than a set can have. */
bool audience_set_word(struct audience_set *s, struct str word, uint32_t *ret);
bool audience_set_add(struct audience_set *s, uint32_t code, uint32_t ordinal);
bool audience_set_put(struct audience_set *s, struct str word, uint32_t ordinal); /* both */
/* What was added becomes part of bitmaps and lists: after each block, or when much has come. scratch: anybody's. */
bool audience_set_flush(struct audience_set *s, struct buf *scratch);
bool audience_set_end(struct audience_set *s, struct buf *scratch);

static inline uint32_t audience_set_count(const struct audience_set *s)
{
    return (uint32_t)(s->words.end.len / sizeof(uint32_t));
}
struct str audience_set_text(const struct audience_set *s, uint32_t code);
uint64_t audience_set_people(const struct audience_set *s, uint32_t code);
/* The bitmap of a word, NULL: none; and its list beside it. */
const roaring_bitmap_t *audience_set_rows(const struct audience_set *s, uint32_t code);
const uint32_t *audience_set_list(const struct audience_set *s, uint32_t code, size_t *ret_n);
/* The words that differ in capitals (A to Z) alone, one after the other: *at begins with 0, UINT32_MAX ends. */
uint32_t audience_set_find(const struct audience_set *s, struct str word, uint32_t *at);
/* Calls each() for every word with the ordinals of who has it, some thousand at a time; what it returns but 0 ends it and is returned. */
int audience_set_each(const struct audience_set *s,
                      int (*each)(void *ctx, uint32_t code, const uint32_t *ordinal, size_t n), void *ctx);
size_t audience_set_bytes(const struct audience_set *s);

#endif
