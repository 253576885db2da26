/* SPDX-License-Identifier: Apache-2.0
 * erasures.h - the chore that erases people, and what it is doing right now.
 *
 * Whoever asks for an erasure writes its row (store/erasures.h) and rings. What remains to be done follows from the row, so a
 * start goes on where a crash left it. */
#ifndef WL_GATEWAY_ERASURES_H
#define WL_GATEWAY_ERASURES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct gateway;
struct erasures;

int erasures_start(struct erasures **ret, struct gateway *g, struct err *e);
void erasures_ring(struct erasures *x); /* any thread, until erasures_free() */
void erasures_stop(struct erasures *x); /* ends the thread, before the writer ends; accepts NULL */
void erasures_free(struct erasures *x); /* accepts NULL */

/* Any thread. False: it is not at this one now. */
struct erasure_view {
    const char *doing;                   /* a few words */
    int64_t messages, webhooks, changed; /* looked at; webhooks changed */
    bool waits;                          /* for a message that is on its way */
};
bool erasures_look(struct erasures *x, int64_t id, struct erasure_view *ret);

#endif
