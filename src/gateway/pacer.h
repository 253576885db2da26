/* SPDX-License-Identifier: Apache-2.0
 * pacer.h - messages a second of each of our numbers: a line of its own for every number, in memory.
 *
 * One process owns a number, so this needs no database (docs/decisions/0005-store.md). What an earlier life sent a moment ago is not known:
 * every number starts without credit. Incoming messages count as well. Time here is the monotonic clock's, in
 * microseconds, because a thousand a second is one a millisecond and because a wall clock that is set must neither stop
 * a number nor let it race. */
#ifndef WL_GATEWAY_PACER_H
#define WL_GATEWAY_PACER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/pace.h"

struct pacer;

struct pacer *pacer_create(int64_t now_us);
void pacer_free(struct pacer *p); /* accepts NULL */

/* Any thread: n messages came in for this number. */
void pacer_inbound(struct pacer *p, int64_t sender, uint32_t n);

/* Any thread: a place among those of this number that wait, if fewer than `most` are taken; whoever got one leaves once. A
 * number that finds no room here is not counted. */
bool pacer_enter(struct pacer *p, int64_t sender, size_t most);
void pacer_leave(struct pacer *p, int64_t sender);

/* The rest: the door's thread only. First moment at which the number may send one more; -1: too many numbers to tell. */
int64_t pacer_when(struct pacer *p, int64_t sender, struct pace rate, int64_t now_us);
/* Takes that moment: the next one to ask gets a later one. */
int64_t pacer_take(struct pacer *p, int64_t sender, struct pace rate, int64_t now_us);

#endif
