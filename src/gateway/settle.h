/* SPDX-License-Identifier: Apache-2.0
 * settle.h - what time alone brings about: doubts settled, messages expired, leases renewed, old keys forgotten.
 *
 * The functions that run inside a transaction, for the settle thread and for tests. */
#ifndef WL_GATEWAY_SETTLE_H
#define WL_GATEWAY_SETTLE_H

#include "gateway/lives.h"

struct dispatch;

#define SETTLE_STEP 500 /* messages of one transaction: sends wait for it */

/* Of those that there are, so many behind so many. */
struct settle_step {
    size_t skip, most;
};
/* Messages that an earlier life left SENDING: nothing of this life is on its way yet. *ret_n: how many there were. */
int settle_left_sending(struct store *s, struct arena *a, int64_t now, struct settle_step step,
                        struct life_after *after, size_t *ret_n, struct err *e);
/* Messages in doubt whose time has come. *ret_n: how many. */
int settle_doubts(struct dispatch *d, struct store *s, struct arena *a, int64_t now, struct settle_step step,
                  struct life_after *after, size_t *ret_n, struct err *e);

#endif
