/* SPDX-License-Identifier: Apache-2.0
 * backtest.h - what another book would have said to the messages of the log.
 *
 * Static: the recorded facts, decided by the other book as of the recorded time; exact, but that nobody knows how long a
 * message could have waited unless it was denied for that. Stateful: the same, but caps,
 * cooldowns, pair rate and the portfolio's people see the other book's own decisions instead of the recorded ones.
 * Only where the two differ is anything simulated, so a book that decides like the recorded ones changes nothing. What no
 * log can tell is not guessed: whether a message that was newly allowed would have been read, what Meta would have
 * answered to it, when a held one would have been tried again.
 *
 * The caller feeds the blocks of the log in order of time and says what became of the messages that the other book would
 * have stopped. The report is the same for the same log and book, on every machine. */
#ifndef WL_CORE_BACKTEST_H
#define WL_CORE_BACKTEST_H

#include "core/decide.h"
#include "core/decision_block.h"

#define BACKTEST_EXAMPLES 20
#define BACKTEST_CODES    32
#define BACKTEST_GROUPS   65536 /* of all dimensions; decisions of more are counted as one of no group */

enum backtest_dimension { BY_CATEGORY, BY_COUNTRY, BY_CAMPAIGN, BY_RULE, BACKTEST_DIMENSIONS };
const char *backtest_dimension_name(enum backtest_dimension d); /* "category", ... */

/* What became of a message that was sent. */
enum backtest_fate {
    FATE_LOST, /* no row of it is kept any more */
    FATE_UNSENT,
    FATE_REJECTED,  /* Meta's answer was an error */
    FATE_AMBIGUOUS, /* no answer came */
    FATE_ACCEPTED,  /* and nothing was heard of it since */
    FATE_SENT,
    FATE_DELIVERED,
    FATE_READ,
    FATE_FAILED, /* accepted, and reported failed later */
    FATE_COUNT
};
const char *backtest_fate_name(enum backtest_fate f);
enum backtest_answer { ANSWER_UNKNOWN, ANSWER_NO, ANSWER_YES, ANSWER_COUNT };
const char *backtest_answer_name(enum backtest_answer a);

struct backtest_fates {
    uint64_t fate[FATE_COUNT];
    uint64_t replied[ANSWER_COUNT];   /* within 24 hours */
    uint64_t opted_out[ANSWER_COUNT]; /* within 7 days */
};

struct backtest_group {
    enum backtest_dimension by;
    int64_t key;      /* category, country as a packed code, campaign; -1: not known */
    const char *rule; /* BY_RULE: the rule that speaks for the stricter of the two decisions */
    uint64_t count[3][3];
    struct backtest_fates fates; /* BY_RULE: of messages it would have stopped */
};

struct backtest_report {
    uint64_t decisions, unreadable; /* of damaged facts; not in any count below */
    int64_t first_ts, last_ts;
    uint64_t count[3][3]; /* enum verdict recorded, other */
    uint64_t held_longer, held_shorter;
    uint64_t overridden; /* rules were set aside by a person, and so for the other book where it has them */
    uint64_t no_book;    /* the recorded book is not kept: its findings are not understood */
    uint64_t no_history; /* stateful: people of whom nothing was recorded before */
    uint64_t no_person;  /* stateful: decisions about nobody we knew, facts as recorded */
    uint64_t ungrouped;
    int64_t example[3][3][BACKTEST_EXAMPLES]; /* ids */
    uint8_t n_examples[3][3];
    struct backtest_fates fates;
    struct {
        int code;
        uint64_t n;
    } code
        [BACKTEST_CODES]; /* of FATE_FAILED and FATE_REJECTED, most frequent first; the last one is all others (code 0) */
    size_t n_codes;
    const struct backtest_group *const *group; /* by dimension, then key */
    size_t n_groups;
};

/* A message that went out and would not have. */
struct backtest_stopped {
    int64_t id, ts, contact, sender;
    int category;
    uint32_t group; /* of the rule, for backtest_became() */
};

struct backtest_options {
    const struct ruleset *rules; /* must decide */
    bool stateful;
    /* The book with this number, as it was recorded; NULL when it is not kept. May be NULL. */
    const struct ruleset *(*book)(void *ctx, int64_t number);
    /* The portfolio of a sending number; NULL: all have one. */
    int64_t (*portfolio)(void *ctx, int64_t sender);
    void *ctx;
};

struct backtest;
/* Everything lives in the arena. NULL when it is too small. */
struct backtest *backtest_create(const struct backtest_options *o, struct arena *a);
/* The decisions [from, to) of a block. The stopped ones stay until the next call. */
int backtest_block(struct backtest *bt, struct decision_block *b, size_t from, size_t to,
                   const struct backtest_stopped **ret_stopped, size_t *ret_n, struct err *e);
void backtest_became(struct backtest *bt, const struct backtest_stopped *s, enum backtest_fate fate, int code,
                     enum backtest_answer replied, enum backtest_answer opted_out);
/* WL_ENOMEM. What it points to lives as long as the backtest. */
int backtest_report(struct backtest *bt, struct backtest_report *ret, struct err *e);

/* Which facts a book looks at, anywhere. */
void backtest_facts_of(const struct ruleset *rs, bool ret_wanted[FACT_COUNT]);

#endif
