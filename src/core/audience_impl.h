/* SPDX-License-Identifier: Apache-2.0
 * audience_impl.h - how an audience lies in memory, for core/audience*.c and core/segment*.c alone.
 *
 * Numbers and times are arrays of 65,536 people each, made when the first of the block has one; all else are sets of words. */
#ifndef WL_CORE_AUDIENCE_IMPL_H
#define WL_CORE_AUDIENCE_IMPL_H

#include "core/audience.h"
#include "core/audience_set.h"

enum audience_words_field {
    AUDIENCE_COUNTRY,
    AUDIENCE_LINE,
    AUDIENCE_NETWORK,
    AUDIENCE_LANGUAGE,
    AUDIENCE_ZONE,
    AUDIENCE_NAME,
    AUDIENCE_ACTIVITY,
    AUDIENCE_MARKETING, /* in the order of enum category */
    AUDIENCE_UTILITY,
    AUDIENCE_AUTHENTICATION,
    AUDIENCE_CALLS,
    AUDIENCE_STOP,          /* "true" alone */
    AUDIENCE_UNDELIVERABLE, /* "true" alone */
    AUDIENCE_NAMED,         /* what they are written to by: "phone", else "user_id" */
    AUDIENCE_TAG,
    AUDIENCE_IMPORT,
    AUDIENCE_LIST,     /* names of imports: of a name's imports together */
    AUDIENCE_CAMPAIGN, /* "123:read" */
    AUDIENCE_SETS
};

#define AUDIENCE_ATTRIBUTES_MAX 4096 /* names of attributes */

/* A language as it is kept and asked for: pt_BR, as WhatsApp writes it, is pt-BR. In `text`; one that is longer stays as it is. */
#define AUDIENCE_LANGUAGE_TEXT 64
struct str audience_language(struct str lang, char text[AUDIENCE_LANGUAGE_TEXT]);

struct audience_block {
    int64_t *id;
    uint32_t *number[AUDIENCE_NUMBERS]; /* NULL: all 0 */
    uint32_t *source;                   /* code of the earliest import + 1; NULL: all 0 */
    uint16_t *region;                   /* letters of the country + 1; NULL: all 0 */
};

/* A consent that ends: until then it is granted. */
struct audience_until {
    int64_t at;
    uint32_t ordinal;
    enum category category;
};

struct audience {
    const struct phone_data *phones;
    struct arena *arena;
    int64_t now, last;
    size_t n;
    bool ended;
    struct audience_block *block[AUDIENCE_PEOPLE_MAX / AUDIENCE_BLOCK + 1];
    struct audience_set set[AUDIENCE_SETS];
    struct audience_set *attribute[AUDIENCE_ATTRIBUTES_MAX]; /* by code of attributes */
    struct audience_set attributes;                          /* their names and who has each */
    struct buf list;  /* uint32_t a code of AUDIENCE_IMPORT: the code of its list + 1; 0: nobody told its name */
    struct buf until; /* struct audience_until */
    struct buf scratch;
    roaring_bitmap_t *everybody;
};

extern const char *const audience_words_fields[AUDIENCE_SETS + 1]; /* names of the sets; NULL ends */
/* A set by name: of audience_words_fields, or "attribute.NAME". NULL: none, or an attribute nobody has. */
const struct audience_set *audience_set_of(const struct audience *a, struct str field);

/* A set of people as bits, one of every ordinal, made into a bitmap. */
struct audience_bits {
    uint64_t *word;
    size_t blocks;
    struct buf own;
    uint32_t *count; /* of each block, while it is made into a bitmap */
};
int audience_bits_init(struct audience_bits *b, const struct audience *a, struct err *e); /* all 0 */
void audience_bits_done(struct audience_bits *b);
static inline void audience_bits_set(struct audience_bits *b, const uint32_t *ordinal, size_t n)
{
    for (size_t i = 0; i < n; i++)
        b->word[ordinal[i] / 64] |= (uint64_t)1 << ordinal[i] % 64;
}
void audience_bits_add(struct audience_bits *b, const struct audience_set *s, uint32_t code);
int audience_bits_take(const struct audience_bits *b, roaring_bitmap_t **ret, struct err *e);

#endif
