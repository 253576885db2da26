/* SPDX-License-Identifier: Apache-2.0
 * lives.h - news about a message: its life stepped, saved, and what follows from it done, in one transaction.
 *
 * Answers, webhooks, timers and restarts all come through here, so that what a message's state means for its outbox row,
 * for what was counted for it and for the health page is done in one place. The writer's thread only. */
#ifndef WL_GATEWAY_LIVES_H
#define WL_GATEWAY_LIVES_H

#include "store/messages.h"

struct gateway;

struct life_news {
    struct life_event event;
    uint32_t seen;    /* message_seen bits a status adds */
    struct str wamid; /* of the attempt that was accepted; may be empty */
};

/* Steps the message and saves it; a row that somebody changed in between is read again and stepped from there. *m is the
 * row as saved. ret_effects may be NULL. */
int life_hear(struct store *s, struct message *m, const struct life_news *news, int64_t now,
              struct life_effects *ret_effects, struct err *e);

#endif
