/* SPDX-License-Identifier: Apache-2.0
 * leases.h - who may send for which number, and the epoch that proves it.
 *
 * An owner is one life of a process (an incarnation id, never used twice). It takes all its numbers under one epoch,
 * higher than every epoch before it, so that "an earlier epoch" means the same for every row whoever wrote it; the epoch is
 * checked beside the data by whoever opens an attempt (lease_fence), because a lease alone never stops an owner that was
 * frozen. No clock decides anything here: how long a lease may be acted upon is core/lease.h's matter. */
#ifndef WL_STORE_LEASES_H
#define WL_STORE_LEASES_H

#include "core/lane.h"
#include "store/store.h"

struct lease {
    int64_t sender, epoch;
    int64_t owner;     /* 0: nobody */
    int64_t beat;      /* rises with every renewal: whoever sees it stand still may take the lease over */
    int64_t watermark; /* ms: statuses of messages sent by then have been applied */
    struct lane_memory memory;
};

/* A number nobody holds, or whose holder is known to be gone (the same machine's state directory is ours): takes it, or
 * keeps it with its epoch when it is the owner's already. */
int lease_take(struct store *s, int64_t sender, int64_t owner, int64_t now, int64_t *ret_epoch, struct err *e);
/* A number whose holder was seen standing still: takes it only if epoch and beat are still those of `seen`.
 * WL_ECONFLICT: somebody was faster, or the holder lives; nothing was written. A number that was released (owner 0) may be
 * challenged at once: of several who see it one gets it. */
int lease_challenge(struct store *s, const struct lease *seen, int64_t owner, int64_t now, int64_t *ret_epoch,
                    struct err *e);
/* One more beat of every lease of this owner, with the watermarks given (they only rise; those of other numbers stay).
 * What the owner has lost meanwhile is left alone, and 0 returned: whether a number is still its own lease_fence() says. */
struct watermark {
    int64_t sender, at;
};
int leases_renew(struct store *s, int64_t owner, const struct watermark *w, size_t n, struct err *e);
/* What the lane of a number has to know in the next life; of a number that is somebody else's nothing is written. */
int lease_remember(struct store *s, int64_t sender, int64_t owner, const struct lane_memory *m, struct err *e);
/* 0 when the owner still holds the number under this epoch; WL_ECONFLICT when not: nothing may be sent. */
int lease_fence(struct store *s, int64_t sender, int64_t owner, int64_t epoch, struct err *e);
/* At an end in order: others need not wait. Afterwards the owner holds nothing. */
int leases_release(struct store *s, int64_t owner, struct err *e);
int leases_list(struct store *s, struct arena *a, struct lease **ret, size_t *ret_n, struct err *e);

#endif
