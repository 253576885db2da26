/* SPDX-License-Identifier: Apache-2.0
 * admit_impl.h - what the files of the door share: its own state, and one batch.
 *
 * Rows are read once for every distinct person, pair and portfolio of a batch and written once; between, every send is
 * judged against what its predecessors left. All of it is the writer thread's. */
#ifndef WL_GATEWAY_ADMIT_IMPL_H
#define WL_GATEWAY_ADMIT_IMPL_H

#include "gateway/admit.h"
#include "gateway/gateway_impl.h"
#include "gateway/pacer.h"
#include "gateway/places.h"
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
};

struct admit {
    struct gateway *g;
    struct job_type admit_type, outcome_type;
    struct places *places;
    struct pacer *pacer;
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
    struct message *message;
    struct decision_row *row;
    size_t n_rows;
    struct decision shadow; /* room for what nobody is told */
};

/* admit_facts.c: what the snapshot says by now of the number, its account and the template of a send that was held. What
 * was made of the message's own words stays: they are no longer at hand. */
void send_facts_again(struct send *s, const struct snapshot *snap);
/* What the rules ask about the person, their place, the number's pace and the portfolio. */
void person_facts(const struct batch *b, struct send *s, const struct about *about);
struct pace send_pace(const struct batch *b, const struct send *s);
/* Reads the values again where the book or the second changed. */
void rule_values_read(struct rule_values *v, const struct rules_book *book, int64_t now);

/* admit_batch.c: reading what a batch is about, and writing what it changed. */
int batch_read(struct batch *b, struct store *s, struct job *const *jobs, struct err *e);
/* What an allowed send changes for those judged after it; the send remembers what can be taken back. */
void batch_effects(struct batch *b, struct send *s, const struct about *about);
int batch_write(struct batch *b, struct store *s, struct err *e);

#endif
