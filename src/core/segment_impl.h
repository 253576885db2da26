/* SPDX-License-Identifier: Apache-2.0
 * segment_impl.h - a segment read: a tree of groups and rules, for core/segment*.c alone.
 *
 * Every rule is true or false of every person, never unknown: who has no value is not equal to anything, contains nothing, and is not
 * before, after or between anything. A negative operator (!=, notIn, doesNotContain, notBetween, null, ...) is exactly the opposite
 * of its positive one, so it means people without a value too; `not` before a group is the opposite of the group. The
 * twin in SQL says IS TRUE and IS NOT TRUE around each comparison for that reason. */
#ifndef WL_CORE_SEGMENT_IMPL_H
#define WL_CORE_SEGMENT_IMPL_H

#include "core/segment.h"
#include "core/segment_value.h"

/* Where the answer to a rule of a field lies. */
enum segment_place {
    PLACE_SET,       /* core/audience_impl.h's enum audience_words_field */
    PLACE_COUNTRIES, /* the set of countries, by groups */
    PLACE_NUMBER,    /* enum audience_number */
    PLACE_ATTRIBUTE
};
/* What may be asked for. */
enum segment_kind {
    KIND_TEXT,
    KIND_COUNTRY,
    KIND_GROUP,
    KIND_CHOICE,
    KIND_FLAG,
    KIND_ID,
    KIND_CAMPAIGN,
    KIND_NUMBER,
    KIND_DATE
};

struct segment_about {
    uint8_t place, index, kind;
    bool many; /* somebody may have several */
};
extern const struct segment_about segment_abouts[]; /* beside segment_fields */

enum segment_op {
    OP_EQUAL,
    OP_LESS,
    OP_AT_MOST,
    OP_MORE,
    OP_AT_LEAST,
    OP_BETWEEN,
    OP_CONTAINS,
    OP_BEGINS,
    OP_ENDS,
    OP_KNOWN
};

struct segment_operator {
    const char *name;
    enum segment_op op;
    bool negated;
    bool list; /* any number of values; else as many as the operator wants */
};
extern const struct segment_operator segment_operators[]; /* name NULL ends */

enum segment_as { AS_TEXT, AS_NUMBER, AS_TIME };

struct segment_rule {
    const struct segment_field *field;
    const struct segment_about *about;
    struct str name, attribute; /* "attribute.city", "city" */
    enum segment_op op;
    bool negated;
    enum segment_as as;
    size_t n;
    struct str *text;          /* n: as asked for; countries in capitals. Of a flag one, "true" */
    int64_t *number;           /* n: AS_NUMBER */
    struct segment_time *time; /* n: AS_TIME */
    struct str *label;         /* n: "tag vip", of what may be unheard of; NULL: none */
};

struct segment_node {
    bool is_rule, any, negated; /* of a group: any of its children, or all of them */
    struct segment_rule *rule;
    struct segment_node *child, *next;
};

struct segment {
    struct segment_node *root; /* a group; without children: everybody */
};

/* The values of a rule whose field and operator are read. WL_EINVAL, WL_ETOOBIG. */
int segment_read_values(struct arena *a, struct json value, const struct segment_operator *o, struct segment_rule *rule,
                        struct err *e);
/* Numbers and times a rule wants, as ranges in their order that share nothing; of text there are none. At most rule->n, and one. */
struct segment_range {
    int64_t low, high;
};
size_t segment_ranges(const struct segment_rule *r, int64_t now, struct segment_range *ret);
bool segment_in_ranges(const struct segment_range *range, size_t n, int64_t v);
/* The same in the unit of a column of numbers: thousandths of a score, seconds; 0 is never, and no time. What cannot be is left out. */
size_t segment_column_ranges(const struct segment_rule *r, int64_t now, struct segment_range *ret);
/* Whether a text is what a rule of texts wants, capitals apart; negation is the caller's. */
bool segment_text_fits(const struct segment_rule *r, struct str text);
/* The countries of a rule by groups, one after the other; *at begins with {NULL, 0} and *i with 0. False: that was the last. */
bool segment_next_country(const struct segment_rule *r, size_t *i, struct str *rest, struct str *ret);

#endif
