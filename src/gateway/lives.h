/* SPDX-License-Identifier: Apache-2.0
 * lives.h - news about a message: its life stepped, saved, and what follows from it done, in one transaction.
 *
 * Answers, webhooks, timers and restarts all come through here, so that what a message's state means for its outbox row
 * and for the health page is done in one place. The writer's thread only; what has to wait for the commit is collected in
 * a struct life_after and done by whoever ran the transaction. */
#ifndef WL_GATEWAY_LIVES_H
#define WL_GATEWAY_LIVES_H

#include "store/messages.h"
#include "store/outbox.h"

struct gateway;

struct life_news {
    struct life_event event;
    uint32_t seen;    /* message_seen bits a status adds */
    int64_t at;       /* ms; when that was, as the status says */
    struct str wamid; /* of the attempt that was accepted; may be empty */
    /* STEP_PUT_OFF: what holds it now, its key aside; NULL: no rule does. */
    const struct outbox_row *held;
    /* STEP_BEGIN, STEP_REFUSED: what the message has from now on, if the step is taken; 0: as it was. */
    int64_t epoch, decision, valid_until;
};

/* What follows from news once they are durable. Zeroed at the start of each run of a job (a transaction may run twice),
 * filled by life_hear(), done by life_follow() in the job's done(). */
#define LIFE_BELLS 8
struct life_after {
    uint32_t became[LIFE_CANCELLED + 1]; /* messages that came into this state */
    uint32_t duplicates;                 /* times Meta turned out to have a message once more */
    int64_t bell[LIFE_BELLS];            /* numbers with a message that waits anew; of more the sweep finds the rows */
    size_t n_bells;
};
void life_follow(struct gateway *g, const struct life_after *after);

/* Steps the message and saves it; a row that somebody changed in between is read again and stepped from there. *m is the
 * row as saved. Of a message we answer for the outbox row is moved or deleted with it. `after` may be NULL. */
int life_hear(struct store *s, struct message *m, const struct life_news *news, int64_t now, struct life_after *after,
              struct err *e);

/* Where the outbox row of this message lies; false: it has none. */
bool life_row(const struct message *m, struct outbox_key *ret);

#endif
