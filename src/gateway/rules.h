/* SPDX-License-Identifier: Apache-2.0
 * rules.h - the book of rules in force: loaded, recorded, exchanged while the gateway runs, and one in the shadow.
 *
 * A book is read from the configured files, stored whole with its hash, and logged as activated when it differs from
 * the last one that was (store/rules_log.h). What decides is one immutable snapshot, swapped by pointer. Superseded
 * books are kept until the gateway ends, because answers still speak of them; so a life has RULES_ACTIVATIONS_MAX of
 * them and then refuses. Files that do not load change nothing: the book that runs goes on.
 *
 * A shadow is a second book, made of the same files with those of `rules.shadow` in the place of sets of the same id. It
 * judges the live traffic too, decides nothing, and is counted. */
#ifndef WL_GATEWAY_RULES_H
#define WL_GATEWAY_RULES_H

#include "core/decide.h"
#include "core/ruleset.h"
#include "store/store.h"

struct gateway;
struct rules;
struct send;

#define RULES_ACTIVATIONS_MAX 100

/* What decides at this moment. Immutable, valid until the gateway ends: take it once a batch and keep to it. */
struct rules_book {
    const struct ruleset *ruleset;
    int64_t number;               /* its number in the store, for decision_row.ruleset */
    const struct ruleset *shadow; /* NULL: none */
    int64_t shadow_number;
    int64_t activated_at, shadow_since; /* ms */
};
const struct rules_book *rules_current(const struct gateway *g); /* any thread */
/* The rules with this number of the store's, if they decided or were in the shadow since the gateway started; NULL. Any
 * thread; valid until the gateway ends. */
const struct ruleset *rules_published(const struct gateway *g, int64_t number);

/* The shadow judged a message too. Once a message, when it is on disk (a transaction may run twice). */
void rules_shadow_count(struct gateway *g, const struct rules_book *book, int bucket, int64_t message,
                        enum verdict live, enum verdict shadow);

/* Breaking the glass: policy rules a person sets aside for one message, and why. Ids, not bits: which bits they are
 * depends on the book that decides. */
#define RULES_OVERRIDE_MAX   16
#define RULES_OVERRIDE_WHY   500
#define RULES_OVERRIDE_LEAST 3
#define RULES_OVERRIDE_BY    100
struct rules_override {
    size_t n;
    struct str rule[RULES_OVERRIDE_MAX]; /* borrowed from the caller of the send */
    struct str reason;
    struct str by; /* who; empty: not told */
};
/* Checked against a book: WL_EINVAL or WL_ENOTFOUND naming the rule that cannot be set aside. */
int rules_override_check(const struct rules_override *o, const struct ruleset *rs, struct err *e);
/* The bits for decide_overridden(): `into`, or NULL when o is NULL. A rule the book does not have sets nothing aside. */
const struct override *rules_override_bits(const struct rules_override *o, const struct ruleset *rs,
                                           struct override *into);
/* Logs, in the transaction that records the decision of `s` (whose message and decision are filled), which rules were set
 * aside, by whom and why. Nothing when the verdict is what it would have been anyway: then the override changed nothing. */
int rules_override_log(struct store *st, const struct rules_book *book, const struct send *s, int64_t now,
                       struct err *e);

/* What a configuration would decide by, and its shadow (NULL: none). Both are the caller's; the error names file, line
 * and key. */
struct gateway_options;
int rules_load(const struct gateway_options *o, struct ruleset **ret, struct ruleset **ret_shadow, struct err *e);

/* --- for the gateway's own files --- */

/* Loads the configured files. rules_free() it after everything else. */
int rules_open(struct rules **ret, struct gateway *g, struct err *e);
/* Before the writer runs, in an open transaction: stores the book and logs it as activated by "start". */
int rules_register(struct rules *r, struct store *st, int64_t now, struct err *e);
/* Starts the thread that activates; the writer runs. */
int rules_start(struct rules *r, struct err *e);
void rules_stop(struct rules *r); /* what is queued is answered; accepts NULL */
void rules_free(struct rules *r); /* accepts NULL */

/* What an activation did, told on the rules' own thread. */
struct rules_activation {
    const char *actor; /* "api", "signal"; static */
    void (*done)(struct rules_activation *v);
    void *user;
    /* --- filled --- */
    int rc; /* 0, or the book that ran goes on and err says why, with file and line */
    struct err err;
    bool changed; /* false: the files say what they said */
    const struct rules_book *book;
};
/* Reads the files again. done() is called, on the rules' own thread, unless an error is returned. */
int rules_activate(struct rules *r, struct rules_activation *v, struct err *e);
/* The same for a signal: what comes of it is in the log only. */
void rules_reload(struct rules *r);

/* verdicts of the live book by those of the shadow, since this pair of books is in force */
#define SHADOW_EXAMPLES 20
struct shadow_tally {
    uint64_t count[3][3]; /* [live][shadow] */
    size_t n;             /* messages that differ, newest first */
    struct shadow_example {
        int bucket;
        int64_t message;
        enum verdict live, shadow;
    } example[SHADOW_EXAMPLES];
};
void rules_shadow_tally(const struct rules_book *book, struct shadow_tally *ret);
/* Since the gateway started, whatever was activated meanwhile: counters never go back. */
void rules_shadow_totals(const struct gateway *g, uint64_t ret[3][3]);

#endif
