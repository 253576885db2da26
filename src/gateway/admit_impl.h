/* SPDX-License-Identifier: Apache-2.0
 * admit_impl.h - what the files of the door share: its own state, and one batch.
 *
 * admit.c lets sends in and judges a batch; admit_batch.c reads and writes the rows it is about; admit_facts.c says what the
 * rules ask; admit_pace.c has to do with turns; admit_lease.c with the right to send; admit_key.c with callers' keys;
 * admit_record.c writes what became of a new message, admit_queued.c of one from the outbox; admit_outcome.c what Meta
 * answered.
 *
 * Rows are read once for every distinct person, pair and portfolio of a batch and written once; between, every send is
 * judged against what its predecessors left. All of it is the writer thread's. */
#ifndef WL_GATEWAY_ADMIT_IMPL_H
#define WL_GATEWAY_ADMIT_IMPL_H

#include "gateway/admit.h"
#include "gateway/dispatch.h"
#include "gateway/gateway_impl.h"
#include "gateway/places.h"
#include "gateway/shares.h"
#include "store/people.h"
#include "store/reach.h"

#define LEASES_MAX 256 /* numbers beyond this take their lease at every batch */

/* Values the door itself reads from the rules, by name. Without their rule they have the values of docs/platform.md. */
struct rule_values {
    const struct rules_book *book; /* whose they are, NULL: nothing was read yet */
    int64_t second;                /* when they were read: a value's date may come */
    int64_t pair_interval, window;
    int64_t standard, high, coexistence; /* messages a second */
    int64_t burst;                       /* ms */
    int64_t reserve;                     /* permille */
    int same, near;                      /* permille */
    int64_t proof_soon;                  /* ms; 0: no rule holds for a proof */
};

enum { PROOF_NONE, PROOF_PENDING, PROOF_SEALED }; /* the words of consent.proof in their order */

struct admit {
    struct gateway *g;
    struct job_type admit_type, outcome_type, outcome_again_type;
    struct places *places;
    struct shares *shares; /* places of each number among those that wait for a decision */
    struct rule_values values;
    _Atomic size_t open; /* sends admitted or waiting, whose outcome is not written yet */
    atomic_bool closed;
    struct {
        int64_t sender, epoch;
    } lease[LEASES_MAX]; /* durable leases of this life: added when done, read when run */
    size_t n_leases;     /* under the lock, like the leases */
    pthread_mutex_t lock;
};

/* A person's row as it is after the sends judged so far. */
struct known_person {
    struct person p;
    bool changed;
};

struct known_pair {
    struct pair p;
    bool changed;
};

struct known_reach {
    struct reach r;
    bool changed;
};

struct known_portfolio {
    struct portfolio p;
    bool changed;
};

/* Whom and what one send is about; NULL: nobody we know, or nothing that is counted. */
struct about {
    struct known_person *person;
    struct known_pair *pair;
    struct known_reach *reach; /* the message may count for the portfolio */
    struct known_portfolio *portfolio;
    bool in_window;
};

/* To send for a number; epoch 0: somebody else has it. */
struct right {
    int64_t sender, epoch;
};

struct batch {
    struct admit *ad;
    const struct rules_book *book;
    const struct rule_values *values;
    struct snapshot *snap; /* borrowed */
    int64_t now, mono_us;
    struct arena *a;
    size_t n;
    struct send **send;
    struct identity *who;
    struct about *about;
    struct known_person *person;
    struct known_pair *pair;
    struct known_reach *reach;
    struct known_portfolio *portfolio;
    size_t n_persons, n_pairs, n_reach, n_portfolios;
    struct message *message; /* new ones, each with its decision; id 0: without one */
    struct decision_row *row;
    size_t n_rows;
    struct decision_row *judged; /* decisions about messages that were there already */
    size_t n_judged;
    struct right *right; /* to send for the numbers met so far */
    size_t n_rights;
    struct decision shadow; /* room for what nobody is told */
};

/* admit_facts.c: what the snapshot says by now of the number, its account and the template of a send that was held. What
 * was made of the message's own words stays: they are no longer at hand. */
void send_facts_again(struct send *s, const struct snapshot *snap);
/* What the rules ask about the person, their place, the number's pace and the portfolio. */
void person_facts(const struct batch *b, struct send *s, const struct about *about);
struct pace send_pace(const struct batch *b, const struct send *s);
/* Of a number of this speed, 0 not known. */
struct pace speed_pace(const struct rule_values *v, int64_t per_second);
enum category send_category(const struct send *s); /* by its facts */
/* Reads the values again where the book or the second changed. */
void rule_values_read(struct rule_values *v, const struct rules_book *book, int64_t now);

/* admit_batch.c: reading what a batch is about, and writing what it changed. */
int batch_read(struct batch *b, struct store *s, struct job *const *jobs, struct err *e);
/* Where the i-th send's message lies: with the person, or where they will be. */
int bucket_of(const struct batch *b, const struct store *s, size_t i);
/* What an allowed send changes for those judged after it; the send remembers what can be taken back. */
void batch_effects(struct batch *b, struct send *s, const struct about *about);
int batch_write(struct batch *b, struct store *s, struct err *e);

/* admit.c: what the book says about the send, with the facts it has. */
void decide_send(struct batch *b, struct send *s);

/* admit_pace.c: first moment (monotonic us) at which the send may leave; -1 nobody knows. */
int64_t pace_free_at(const struct batch *b, const struct send *s);
/* It leaves: it has a turn afterwards if it had none. */
void pace_leave(const struct batch *b, struct send *s);
/* A turn that was not used. */
void pace_give_back(struct admit *ad, struct send *s);
/* Whether the hold it got is waited out; then it comes back later. */
bool put_off(const struct batch *b, struct send *s);
/* Nobody waits for it any more: it is held, whatever would be said now. */
bool too_late(const struct batch *b, const struct send *s);

/* admit_lease.c: the epoch it may be sent under; 0: somebody else sends for this number. */
int right_to_send(struct batch *b, struct store *s, int64_t sender, int64_t *ret_epoch, struct err *e);
void right_remember(struct admit *ad, int64_t sender, int64_t epoch); /* once its transaction is on disk */
void right_refuse(struct send *s);                                    /* its epoch is 0 */

/* admit_key.c: *ret_settled: the send's key stood for an earlier message, or was misused; it is over. */
int key_find(struct batch *b, struct store *s, size_t i, bool *ret_settled, struct err *e);
/* From now on it stands for this one. */
int key_keep(const struct batch *b, struct store *s, const struct send *send, struct err *e);

/* admit_record.c: writes what became of a new message. */
int record_new(struct batch *b, struct store *s, size_t i, struct err *e);
/* The decision about the send as a row. */
int decision_pack_row(const struct batch *b, const struct send *s, int bucket, int64_t id, struct decision_row *ret,
                      struct err *e);

/* admit_queued.c: judges one that has its turn. */
int judge_queued(struct batch *b, struct store *s, size_t i, struct err *e);

/* admit_outcome.c */
int outcome_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                struct err *e);
void outcome_done(void *ctx, struct job *job);
void outcome_done_again(void *ctx, struct job *job);

#endif
