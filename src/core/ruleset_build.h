/* SPDX-License-Identifier: Apache-2.0
 * ruleset_build.h - what the files that turn rule files into a book share.
 *
 * ruleset_load.c drives: text, dated values, rules and their conditions are read by the files named below, each from the
 * tree of the file and into the builder's arrays, which are as large as a book may be. A rule is proven as soon as it is
 * read. Nothing here is used once a book is loaded. */
#ifndef WL_CORE_RULESET_BUILD_H
#define WL_CORE_RULESET_BUILD_H

#include "base/yaml.h"
#include "core/ruleset_impl.h"

struct builder {
    struct ruleset *rs;
    struct arena *tmp; /* the files' trees and scratch; gone after loading */
    struct node *node;
    int64_t *list;
    struct hours *hours;
    const char **fact_names; /* NULL-terminated, for "did you mean" */
    struct set *set;         /* the one being read */
    bool proven;             /* its rules were proven before: they come without tests */
};

/* ruleset_text.c: texts, ids and citations */
int text_no_memory(struct err *e);
const char *text_copy(struct builder *b, struct str s);
/* A text shown to people: not empty, at most max bytes, one line, no control characters. */
int text_line(struct builder *b, const struct yaml *n, size_t max, const char **ret, struct err *e);
int text_id(struct builder *b, const struct yaml *n, const char **ret, struct err *e);
int text_area(struct builder *b, const struct yaml *n, struct str text, const char **ret, struct err *e);
int text_word(const struct yaml *n, const char *const *words, uint8_t *ret, struct err *e); /* its position */
int text_citations(struct builder *b, const struct yaml *n, const struct cite **ret, size_t *ret_n, struct err *e);
#define ID_MAX    40
#define TITLE_MAX 100

/* ruleset_dated.c: dated values and holidays */
int dated_values(struct builder *b, const struct yaml *n, struct values *v, struct err *e);
int dated_holidays(struct builder *b, const struct yaml *n, struct err *e); /* of the set being read */
/* The set's list of this name, as a position in ruleset.holidays. */
int dated_list(struct builder *b, const struct yaml *n, uint32_t *ret, struct err *e);
const char *value_kind_name(enum value_kind k);
struct yaml key_as_scalar(const struct yaml *n); /* the key of a mapping's value, to be read like a value */

/* ruleset_rule.c: one rule, one basis */
int rule_read(struct builder *b, const struct yaml *n, struct rule *r, struct err *e);
int rule_read_basis(struct builder *b, const struct yaml *n, struct basis *basis, struct fact_list *facts,
                    struct err *e);

/* What names a predicate may use. */
struct scope {
    const struct values *values;
    struct fact_list *facts;
};

int expr_compile(struct builder *b, const struct scope *s, const struct yaml *n, uint32_t *ret_root, struct err *e);
/* A duration, "$value", or a sum or difference of two. */
int expr_operand(struct builder *b, const struct scope *s, const struct yaml *n, enum value_kind kind,
                 struct operand *ret, struct err *e);
int expr_fact(struct builder *b, const struct yaml *n, uint8_t *ret, struct err *e);
int expr_slot(const struct scope *s, const struct yaml *n, uint8_t fact, uint8_t *ret, struct err *e);
/* The "$name" of a dated value that is weekly hours. */
int expr_hours(const struct scope *s, const struct yaml *n, struct operand *ret, struct err *e);
/* Gives the rule the facts that say where the person is. */
int expr_whereabouts(const struct scope *s, const struct yaml *n, uint8_t *ret_min, uint8_t *ret_max, struct err *e);
/* A value of this fact as written in a file; times are not handled here. */
int expr_fact_value(struct builder *b, uint8_t fact, const struct yaml *n, int64_t *ret, struct err *e);
const char **words_of(struct arena *a, const char *spaced); /* NULL-terminated list, NULL without memory */

/* ruleset_check.c: runs the rule's own tests and proves that it can fire and can be silent. */
int rule_check(struct builder *b, const struct rule *r, const struct yaml *rule, struct err *e);
/* ruleset_index.c: after the rules have their ranks */
int ruleset_index(struct builder *b, struct err *e);
/* ruleset_canon.c: the canonical text of one set, appended. */
void ruleset_canonicalise(const struct ruleset *rs, const struct set *set, struct buf *out);

#endif
