/* SPDX-License-Identifier: Apache-2.0
 * campaign_hand.h - handing people to the one door, in order, a bounded number at a time.
 *
 * Of one campaign at most HAND_WINDOW sends wait for the door's word. The door takes them in the order they were submitted, and each moves
 * the campaign's cursor in the transaction that writes its message, or is refused when the cursor is not at its place. So whatever
 * goes wrong with one, those behind it are refused too and nothing is written of them: the window is drained, the cursor is read
 * again, and it goes on there. Nothing is remembered here that the cursor does not say. */
#ifndef WL_GATEWAY_CAMPAIGN_HAND_H
#define WL_GATEWAY_CAMPAIGN_HAND_H

#include "gateway/campaigns_impl.h"

#define HAND_WINDOW    128
#define HAND_PILE_MOST 20000 /* people of one stuck number in the outbox while others go on */

struct run;
struct campaign_hands; /* places for sends under way, of all campaigns */

struct campaign_hands *campaign_hands_create(struct campaigns *c, void (*bell)(void *ctx), void *ctx);
/* When the writer has ended: until then sends may be under way. Accepts NULL. */
void campaign_hands_free(struct campaign_hands *all);

/* One campaign's; zeroed at first, the runner thread's alone but for what campaign_hand.c says. */
struct campaign_hand {
    int64_t campaign, epoch;
    int64_t next;    /* place of the next person to be submitted; 0: the cursor has to be read */
    int64_t merged;  /* the last place that was looked at because its person is another one by now */
    size_t out;      /* under way */
    size_t window;   /* at most so many may be: few at first, and after trouble */
    bool broken;     /* one went wrong: nothing more before all are back */
    int64_t rest_ms; /* monotonic: nothing before then */
    struct err why;  /* of the last that went wrong; code 0: none since one went well */
    uint64_t handed; /* in this life */
};

/* What the campaign's numbers have room for. */
struct hand_number {
    int64_t sender;
    int64_t most;                    /* rows of the outbox that are due, at which the number has enough */
    int64_t waiting;                 /* of those, now; of one that is stuck all rows it has */
    bool stuck;                      /* nothing of it leaves, for a reason of its own */
    char *token;                     /* kept for it; NULL: none */
    int64_t all;                     /* rows of the outbox, due or not, as counted last: */
    int64_t count_ms, count_took_ms; /* monotonic */
};

struct hand_terms {
    const struct campaign_def *def;
    struct hand_number *number;
    size_t n_numbers;
    int64_t most; /* people to be handed now */
    int64_t last; /* the last place of somebody who is to get a message */
    void (*use)(struct run *ctx, const struct campaign_recipient *who); /* before theirs is handed on */
    struct run *ctx;
};

/* Takes back what the door has said. Then, while nothing is broken, hands on. *ret_handed: submitted now. An error is one of the database, not of a
 * message. */
int campaign_hand(struct campaign_hands *all, struct campaign_hand *h, const struct hand_terms *t, struct store *reader,
                  struct arena *a, size_t *ret_handed, struct err *e);
/* Takes back only. */
void campaign_hand_collect(struct campaign_hands *all, struct campaign_hand *h);

#endif
