/* SPDX-License-Identifier: Apache-2.0
 * errand_sow.h - consents that are to be confirmed, found in the ledger as they come.
 *
 * Nobody who records a consent has to know of it; welcome.on says which methods are meant. */
#ifndef WL_GATEWAY_ERRAND_SOW_H
#define WL_GATEWAY_ERRAND_SOW_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct gateway;
struct store;

/* Of one run of passes; zeroed at first. */
struct sow {
    int64_t from; /* place of the next leaf to look at, plus one; 0: not known yet */
};
/* Starts a welcome for each new consent whose method welcome.on names. *ret_n: how many. */
int errand_sow(struct sow *w, struct gateway *g, struct store *reader, struct arena *a, size_t *ret_n, struct err *e);

#endif
