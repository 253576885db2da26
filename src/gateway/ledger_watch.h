/* SPDX-License-Identifier: Apache-2.0
 * ledger_watch.h - the chore that audits the ledger while the gateway runs, over and over.
 *
 * What does not fit is told to the log, counted for /metrics, and stands in the status until a later round finds nothing. */
#ifndef WL_GATEWAY_LEDGER_WATCH_H
#define WL_GATEWAY_LEDGER_WATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct gateway;
struct ledger_watch;

struct ledger_watch_options {
    int64_t rest_ms;  /* between rounds */
    int64_t pause_ms; /* between the pages of a round */
};
extern const struct ledger_watch_options ledger_watch_usual;

struct ledger_watched {
    int64_t done_at;          /* end of the last whole round, ms; 0: there was none yet */
    int64_t leaves, people;   /* of that round */
    int64_t problems;         /* of that round, or of this one if it has found more */
    char first[ERR_TEXT_MAX]; /* the first of them; "" */
};

/* After checkpoints. Uses the gateway's store_url. */
int ledger_watch_start(struct ledger_watch **ret, struct gateway *g, const struct ledger_watch_options *o,
                       struct err *e);
void ledger_watch_look(struct ledger_watch *w, struct ledger_watched *ret); /* any thread; accepts NULL */
void ledger_watch_stop(struct ledger_watch *w); /* ends the thread, before the writer ends; accepts NULL */
void ledger_watch_free(struct ledger_watch *w); /* accepts NULL */

#endif
