/* SPDX-License-Identifier: Apache-2.0
 * backtest_state.h - who got what, had the other book decided: the state of a stateful backtest.
 *
 * People and their pairs with our numbers are followed from the first message the two books treated differently. From
 * then on marketing.sent.*, pair.tat and portfolio.* are those of the simulation. The duplicate that a message would
 * have been of is gone when that one was stopped; a duplicate of one newly allowed cannot be seen, since the log keeps no
 * values. The portfolio's count is the recorded one and the difference of two rings: of those reached in fact and of
 * those who would have been. Private to backtest.c. */
#ifndef WL_CORE_BACKTEST_STATE_H
#define WL_CORE_BACKTEST_STATE_H

#include "core/backtest.h"

struct backtest_state;
struct backtest_state *state_create(const struct backtest_options *o, struct arena *a);

struct state_message {
    int64_t ts, contact, sender;
    struct person_state *person; /* filled by state_facts() */
    struct pair_state *pair;
    struct portfolio_state *portfolio;
    const struct facts *recorded; /* given, until state_decided() */
};
/* The facts as they would have been: *ret is m->recorded itself, or `room` filled in, where the two lives differ. */
int state_facts(struct backtest_state *s, struct state_message *m, struct facts *room, const struct facts **ret);
/* Both books have spoken. */
int state_decided(struct backtest_state *s, struct state_message *m, bool recorded_allows, bool other_allows);
uint64_t state_without_history(const struct backtest_state *s);
/* The facts the simulation reads, besides those of the book. */
void state_wants(bool wanted[FACT_COUNT]);

#endif
