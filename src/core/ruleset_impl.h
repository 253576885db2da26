/* SPDX-License-Identifier: Apache-2.0
 * ruleset_impl.h - the compiled form of a rule set, shared by the files that build it and those that run it.
 *
 * Predicates are nodes in one flat array in reading order: a node's subtree is the range [itself, end). A leaf
 * compares one fact with a constant, a set of words (a bit mask), a list, or dated values of its rule.
 * Everything lives in the set's own arena and is immutable once loaded. Outside core this header is not
 * included: ruleset.h is the face. */
#ifndef WL_CORE_RULESET_IMPL_H
#define WL_CORE_RULESET_IMPL_H

#include "base/arena.h"
#include "base/yaml.h"
#include "core/decide.h"
#include "core/facts.h"
#include "core/ruleset.h"

#define RULE_FACTS_MAX  8 /* facts one rule may mention: a finding packs them as one byte of bits */
#define NODES_MAX       8192
#define LIST_VALUES_MAX 8192
#define EXPR_DEPTH_MAX  16
#define ROWS_MAX        64
#define NAMES_MAX       32
#define TIME_LAST       253402300799999 /* 9999-12-31T23:59:59.999Z: no hold ends later */

enum tri { TRI_FALSE = 0, TRI_UNKNOWN = 1, TRI_TRUE = 2 }; /* all = least, any = greatest, not = 2 - x */

enum node_op {
    OP_ALL,
    OP_ANY,
    OP_NOT,
    OP_WORDS,
    OP_LIST,
    OP_LT,
    OP_LE,
    OP_GT,
    OP_GE,
    OP_OLDER,
    OP_NEWER,
    OP_AHEAD,
    OP_BEFORE,
    OP_KNOWN
};

/* A constant or the sum or difference of two terms, each a constant or a dated value. */
struct operand {
    int64_t constant[2];
    int16_t value[2]; /* index of a dated value, -1: the constant */
    int8_t sign;      /* 0: only the first term */
};

struct node {
    uint8_t op;
    uint8_t fact;              /* leaves: enum fact_id */
    uint8_t slot;              /* leaves: position in the owner's list of facts */
    bool negate;               /* leaves: is_not, not_in, known: false */
    uint8_t other, other_slot; /* OP_BEFORE: the fact it is compared with */
    uint32_t end;              /* one past the subtree */
    uint64_t words;            /* OP_WORDS: bit per word (or false, true) */
    uint32_t list, n_list;     /* OP_LIST: range of ruleset.lists */
    struct operand arg;        /* comparisons */
};

enum value_kind { VALUE_ANY = 0 /* a bare 0 */, VALUE_INT, VALUE_DURATION };

struct value_row {
    int64_t since; /* in force from then until the next row */
    const int64_t *v;
};

struct values {
    uint16_t n_names, n_rows;
    const char **name;
    uint8_t *kind;         /* enum value_kind, by name */
    struct value_row *row; /* ascending by since; none: always in force, without values */
};

struct cite {
    struct citation face;
    const char *source; /* what the reader read, when it is not the page itself; NULL when absent */
};

struct fact_list {
    uint8_t n;
    uint8_t fact[RULE_FACTS_MAX];
};

enum unknown_act { UNKNOWN_DENY, UNKNOWN_HOLD, UNKNOWN_IGNORE };
enum until_kind { UNTIL_NONE, UNTIL_NOW_PLUS, UNTIL_FACT };
enum builtin { BUILTIN_NONE = 0, BUILTIN_BASIS, BUILTIN_EXPIRY };

#define NO_NODE UINT32_MAX

struct rule {
    const char *id, *title, *reason, *change;
    int code;
    uint16_t index; /* position in the file: precedence */
    uint16_t rank;  /* position by id: order of findings */
    uint8_t mode, verdict, builtin;
    uint8_t on_unknown;
    int64_t unknown_hold; /* ms */
    struct {
        uint8_t kind, fact, slot;
        int8_t sign; /* UNTIL_FACT: fact, fact + arg, fact - arg */
        struct operand arg;
    } until;
    uint32_t applies, when; /* roots; NO_NODE when absent */
    struct values values;
    struct fact_list facts;
    const struct cite *cite;
    size_t n_cite;
};

struct basis {
    const char *id;
    uint32_t when;
    struct values values;
    const struct cite *cite;
    size_t n_cite;
};

struct ruleset {
    struct arena *arena;
    const char *id, *title;
    uint8_t hash[SHA256_BYTES];
    struct str canonical;
    size_t n_rules, n_basis;
    struct rule *rule;
    struct basis *basis;
    uint16_t by_rank[RULES_MAX]; /* rank -> index */
    uint16_t basis_rule, expiry_rule;
    const struct node *node;
    const int64_t *list;
    uint32_t n_nodes, n_lists;
};

/* ---- running (ruleset_eval.c, decide.c) ---- */

/* What a predicate is judged against. `row` may be NULL only when the predicate uses no dated value. */
struct view {
    const struct ruleset *rs;
    const struct facts *facts;
    int64_t now;
    const int64_t *row;
};

/* Values in force at `now`; false when the first row is later than that. */
bool values_at(const struct values *v, int64_t now, const int64_t **ret_row);
int64_t operand_at(const struct operand *o, const int64_t *row);
enum tri predicate_eval(const struct view *v, uint32_t root);
/* Adds to `slots` the facts that made the predicate what it is. */
void predicate_why(const struct view *v, uint32_t root, uint8_t *slots);
/* The rule's own truth: applies and when. FALSE when it is not in force. */
enum tri rule_truth(const struct ruleset *rs, const struct rule *r, const struct facts *f, int64_t now);
/* Judges one rule of the file (not a builtin); false when it has nothing to say. */
bool rule_judge(const struct ruleset *rs, const struct rule *r, const struct facts *f, int64_t now,
                struct finding *ret);
void finding_facts(struct finding *fi, const struct rule *r, uint8_t slots);
int64_t add_ms(int64_t a, int64_t b); /* saturating */
/* decide() with the rules judged in this order, repetitions allowed. */
void decide_in_order(const struct ruleset *rs, const struct facts *f, int64_t now, int64_t expires,
                     const uint16_t *order, size_t n, struct decision *ret);

/* ---- building (ruleset_load.c, ruleset_expr.c, ruleset_check.c, ruleset_canon.c) ---- */

struct builder {
    struct ruleset *rs;
    struct arena *tmp; /* the file's tree and scratch; gone after loading */
    struct node *node;
    int64_t *list;
    const char **fact_names; /* NULL-terminated, for "did you mean" */
};

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
/* A value of this fact as written in a file; times are not handled here. */
int expr_fact_value(struct builder *b, uint8_t fact, const struct yaml *n, int64_t *ret, struct err *e);
const char **words_of(struct arena *a, const char *spaced); /* NULL-terminated list, NULL without memory */

/* Runs the rule's own tests and proves that it can fire and can be silent. */
int rule_check(struct builder *b, const struct rule *r, const struct yaml *rule, struct err *e);
int ruleset_canonicalise(struct ruleset *rs, struct err *e);

#endif
