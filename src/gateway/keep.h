/* SPDX-License-Identifier: Apache-2.0
 * keep.h - what the settle thread does with every beat of the leases, and what it counts between.
 *
 * All of it is that thread's, or is called where it does not run; without the dispatcher's lock. */
#ifndef WL_GATEWAY_KEEP_H
#define WL_GATEWAY_KEEP_H

#include "gateway/dispatch_impl.h"

struct keeper; /* writes with the leases what lanes have to know later, and takes back what was lost */
struct keeper *keeper_make(struct dispatch *d);
void keeper_free(struct keeper *k); /* accepts NULL */
/* One beat of all leases. */
void keeper_renew(struct keeper *k);
/* Numbers that others took over and let go, or left behind, are ours again. */
void keeper_take_back(struct keeper *k);
/* At start: what the earlier life knew. */
int keeper_recall(struct dispatch *d, struct err *e);
/* A renewal begun then succeeded. */
void settle_renewed(struct dispatch *d, int64_t begun_us);

/* stops.c: tells the log which numbers stopped and which go on, once. */
void stops_tell(struct dispatch *d);
/* census.c: counts what waits. */
void census_take(struct dispatch *d, struct store *reader, struct arena *scratch);

#endif
