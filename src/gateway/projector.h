/* SPDX-License-Identifier: Apache-2.0
 * projector.h - reads stored webhook bodies in order and has their events applied.
 *
 * One thread with a cursor of its own. The bell wakes it; what was stored while it slept is found by the cursor, so a
 * missed bell delays and never loses. */
#ifndef WL_GATEWAY_PROJECTOR_H
#define WL_GATEWAY_PROJECTOR_H

#include <stdint.h>

#include "base/err.h"

#define PROJECTOR_CURSOR "projector" /* in the store: all bodies up to it are applied */

struct gateway;
struct projector;

int projector_start(struct projector **ret, struct gateway *g, struct err *e);
void projector_bell(struct projector *p); /* something was appended to the inbox */
/* When the newest body that speaks of this number of ours was stored, ms; 0: none lately. Any thread. */
int64_t projector_heard(struct projector *p, int64_t sender);
/* Ends the thread; the bell may still be rung. */
void projector_stop(struct projector *p); /* accepts NULL */
void projector_free(struct projector *p); /* accepts NULL */

#endif
