/* SPDX-License-Identifier: Apache-2.0
 * ruleset_impl.h - the compiled form of a rule set, shared by the files that build it (ruleset_build.h) and those
 * that run it.
 *
 * Predicates are nodes in one flat array in reading order: a node's subtree is the range [itself, end). A leaf
 * compares one fact with a constant, a set of words (a bit mask), a list, or dated values of its rule; or asks the
 * calendar about the person's local time. Weekly hours are kept in a table of the book, and a dated value that is hours
 * is a position in it. Everything lives in the book's own arena and is immutable once loaded. Outside core this header
 * is not included: ruleset.h is the face. */
#ifndef WL_CORE_RULESET_IMPL_H
#define WL_CORE_RULESET_IMPL_H

#include "base/arena.h"
#include "core/calendar.h"
#include "core/decide.h"
#include "core/facts.h"
#include "core/ruleset.h"

#define RULE_FACTS_MAX   8 /* facts one rule may mention: a finding packs them as one byte of bits */
#define NODES_MAX        8192
#define LIST_VALUES_MAX  8192
#define EXPR_DEPTH_MAX   16
#define ROWS_MAX         64
#define NAMES_MAX        32
#define HOURS_MAX        512             /* weekly hours in a book */
#define HOLIDAYS_MAX     64              /* lists of holidays in a book */
#define HOLIDAY_DAYS_MAX 1024            /* days of one list */
#define TIME_LAST        253402300799999 /* 9999-12-31T23:59:59.999Z: no hold ends later */

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
    OP_KNOWN,
    OP_OUTSIDE, /* calendar: fact is recipient.utc_min, other is recipient.utc_max */
    OP_HOLIDAY
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
    uint8_t other, other_slot; /* OP_BEFORE, OP_OUTSIDE, OP_HOLIDAY: the second fact */
    uint32_t end;              /* one past the subtree */
    uint64_t words;            /* OP_WORDS: bit per word (or false, true) */
    uint32_t list, n_list;     /* OP_LIST: range of ruleset.list; OP_HOLIDAY: position in ruleset.holidays */
    struct operand arg;        /* comparisons; OP_OUTSIDE: its first value is the dated value that is hours */
};

enum value_kind { VALUE_ANY = 0 /* a bare 0 */, VALUE_INT, VALUE_DURATION, VALUE_HOURS };

struct value_row {
    int64_t since;    /* in force from then until the next row */
    const int64_t *v; /* NULL: ended then */
};

struct values {
    uint16_t n_names, n_rows;
    const char **name;
    uint8_t *kind;         /* enum value_kind, by name */
    struct value_row *row; /* ascending by since; none: always in force, without values */
    int64_t *since;        /* the dates of the rows alone */
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
enum until_kind { UNTIL_NONE, UNTIL_NOW_PLUS, UNTIL_FACT, UNTIL_OPEN, UNTIL_AFTER_HOLIDAY };
enum builtin { BUILTIN_NONE = 0, BUILTIN_BASIS, BUILTIN_EXPIRY };

#define NO_NODE UINT32_MAX
#define NO_LIST UINT32_MAX

struct rule {
    const char *id, *title, *reason, *change, *confidence;
    int code;
    uint16_t index;  /* position in the book: precedence */
    uint16_t rank;   /* position by id: order of findings */
    uint16_t source; /* position of its set */
    uint8_t mode, verdict, builtin;
    uint8_t on_unknown;
    int64_t unknown_hold; /* ms */
    struct {
        uint8_t kind, fact, slot;
        int8_t sign; /* UNTIL_FACT: fact, fact + arg, fact - arg */
        uint32_t
            list; /* UNTIL_OPEN, UNTIL_AFTER_HOLIDAY: position in ruleset.holidays; NO_LIST: holidays do not count */
        struct operand arg; /* UNTIL_OPEN: its first value is the dated value that is hours */
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

struct holiday_list {
    const char *area;
    struct holidays days;
    const struct cite *cite;
    size_t n_cite;
};

/* One file of the book. Its holidays are its own: no other set can name them. */
struct set {
    struct ruleset_source face;
    struct str canonical;
    uint32_t first_list, n_lists; /* its range of ruleset.holidays */
};

#define RULE_WORDS OVERRIDE_WORDS
struct rule_bits {
    uint64_t word[RULE_WORDS]; /* a bit per rank */
};

/* A fact that excludes rules by its value (ruleset_index.c). */
struct selector {
    uint8_t fact, type;
    uint16_t n;           /* values with a cell of their own */
    const int64_t *value; /* codes, ascending */
    struct rule_bits *cell;
    size_t excludes; /* thousandths of rules, on average over its cells */
};

struct ruleset {
    struct arena *arena;
    const char *id;
    uint8_t hash[SHA256_BYTES];
    struct str canonical;
    size_t n_sets, n_rules, n_basis;
    struct set *set;
    struct rule *rule;
    struct basis *basis;
    bool decides;                /* there is a platform set; else basis_rule and expiry_rule are not set */
    uint16_t by_rank[RULES_MAX]; /* rank -> index */
    uint16_t basis_rule, expiry_rule;
    const struct node *node;
    const int64_t *list;
    const struct hours *hours;
    struct holiday_list *holidays;
    uint32_t n_nodes, n_lists, n_hours, n_holidays;
    struct rule_bits judged; /* all that can have findings: no rule of the engine, none that is off */
    struct selector *selector;
    size_t n_selectors;
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
                     const uint16_t *order, size_t n, const struct override *o, struct decision *ret);

/* The rules that might speak about these facts, in order of rank: all others certainly do not. */
size_t ruleset_candidates(const struct ruleset *rs, const struct facts *f, uint16_t order[RULES_MAX]);
/* Where the person may be, as the facts say; false when they do not, or say what cannot be. */
bool whereabouts_of(const struct facts *f, struct whereabouts *ret);
int64_t within_time(int64_t t); /* 0 to TIME_LAST */

#endif
