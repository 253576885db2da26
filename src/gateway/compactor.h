/* SPDX-License-Identifier: Apache-2.0
 * compactor.h - keeps the log of decisions small while the gateway runs.
 *
 * One thread. It reads and packs on a connection of its own; the writer only writes the block and deletes the rows it
 * stands for, which takes a few milliseconds. Decisions stay rows for some minutes, and the last ones until a block is
 * full. */
#ifndef WL_GATEWAY_COMPACTOR_H
#define WL_GATEWAY_COMPACTOR_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct compactor;
struct writer;

struct compactor_options {
    int64_t young_ms; /* younger decisions are left alone: people look at them */
    int64_t rest_ms;  /* between looks at the log when there was nothing to do */
    size_t rows;      /* of a block */
};
extern const struct compactor_options compactor_usual;

int compactor_start(struct compactor **ret, struct writer *w, const char *store_url, const struct compactor_options *o,
                    struct err *e);
void compactor_stop(struct compactor *c); /* ends the thread, before the writer ends; accepts NULL */
void compactor_free(struct compactor *c); /* accepts NULL */

#endif
