/* SPDX-License-Identifier: Apache-2.0
 * chore.h - a thread that keeps house: one short step after another, with a rest between.
 *
 * It has a read-only connection and an arena of its own; what it changes goes to the writer, behind everything anybody waits
 * for. A step that fails is told to the log and made again after the rest. */
#ifndef WL_GATEWAY_CHORE_H
#define WL_GATEWAY_CHORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"

struct chore;
struct store;

#define CHORE_RANK 9 /* of its jobs: after everything anybody waits for */

struct chore_options {
    const char *name;   /* of the thread and in the log */
    const char *failed; /* what the log says when a step fails, before the reason */
    size_t memory;      /* of the arena, which is empty when a step begins */
    int64_t rest_ms;    /* between steps when there was nothing more to do */
    int64_t backlog_ms; /* when there was; not above rest_ms */
    int (*step)(void *ctx, struct store *reader, struct arena *a, bool *ret_more, struct err *e);
    void *ctx;
};

/* The name and what failed are kept, not copied. */
int chore_start(struct chore **ret, const char *store_url, const struct chore_options *o, struct err *e);
/* Ends the rest: there is something to do. Any thread, until chore_free(); accepts NULL. */
void chore_ring(struct chore *c);
void chore_stop(struct chore *c); /* ends the thread, before the writer ends; accepts NULL */
void chore_free(struct chore *c); /* accepts NULL */

#endif
