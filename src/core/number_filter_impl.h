/* SPDX-License-Identifier: Apache-2.0
 * number_filter_impl.h - what a filter is made of; for number_filter*.c alone.
 *
 * Words are kept as they were written, for the explanation; beside them stands what they mean in the numbering
 * plans at hand: rows of regions, bits of types, and the texts of the plans that a name fits. */
#ifndef WL_CORE_NUMBER_FILTER_IMPL_H
#define WL_CORE_NUMBER_FILTER_IMPL_H

#include "core/number_filter.h"
#include "core/number_range.h"

enum filter_key {
    KEY_VALID,
    KEY_COUNTRY,
    KEY_REGION,
    KEY_TYPE,
    KEY_NETWORK,
    KEY_ZONE,
    KEY_RANGE,
    KEY_PATTERN,
    KEY_WHERE,
    KEY_NOT,
    FILTER_KEYS
};

struct filter_word {
    struct str text;
    struct filter_word *next;
};
struct filter_words {
    struct filter_word *first, **tail;
    size_t n;
};

/* Texts of the plans: one bit for each offset in phone_data.text; and the text that stands for "nobody knows". */
struct filter_texts {
    uint8_t *bit; /* NULL: no word was given */
    bool unknown;
};

/* What is wanted, or what is not. */
struct filter_side {
    struct filter_words words[FILTER_KEYS];
    uint8_t *region; /* a byte for each row of REGION; NULL: no word */
    uint16_t types;  /* bits; 0: no word */
    struct filter_texts network, zone;
    struct number_ranges ranges;
};

enum filter_relation { IS, IS_NOT, HAS, BELOW, AT_MOST, ABOVE, AT_LEAST, FILTER_RELATIONS };

struct filter_where {
    size_t column;
    enum filter_relation relation;
    struct str value;
    struct filter_where *next;
};

enum { WANTED, UNWANTED, FILTER_SIDES };

struct number_filter {
    struct arena *arena;
    const struct phone_data *d;
    struct filter_side side[FILTER_SIDES];
    int valid; /* -1: not asked */
    struct filter_where *where, **where_tail;
    struct str column[NUMBER_FILTER_COLUMNS_MAX];
    size_t columns;
    struct number_ranges places; /* numbers the wanted countries can have; for number_filter_may() */
    bool sealed;
};

extern const char *const filter_relation_sign[FILTER_RELATIONS];

/* number_filter_where.c */
int filter_where_add(struct number_filter *f, struct str text, struct err *e);
bool filter_where_holds(const struct number_filter *f, const struct str *value);

#endif
