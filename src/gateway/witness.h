/* SPDX-License-Identifier: Apache-2.0
 * witness.h - has others confirm our checkpoints: C2SP tlog-witness, and RFC 3161 time-stamps once a day.
 *
 * Both are against ourselves: a witness signs only what continues the log it signed before, so that we cannot show two
 * people two logs; a time-stamp says that the log was there by then, whatever our clock says. Neither learns more than a
 * size and a hash, and sending waits for neither. */
#ifndef WL_GATEWAY_WITNESS_H
#define WL_GATEWAY_WITNESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct gateway;
struct witnesses;

#define WITNESSES_MAX 8

/* After the checkpoints. WL_EINVAL names file and line. *ret NULL: nobody is asked. */
int witnesses_start(struct witnesses **ret, struct gateway *g, struct err *e);
void witnesses_stop(struct witnesses *w); /* after the client ended, before the checkpoints do; accepts NULL */
void witnesses_free(struct witnesses *w); /* accepts NULL */

struct witness_view {
    const char *name; /* of its key; the time-stamping authority: its address */
    int64_t size;     /* of the last checkpoint it confirmed; 0: none in this life */
    int64_t at;       /* when, ms by our clock */
};
size_t witnesses_look(struct witnesses *w, struct witness_view ret[WITNESSES_MAX + 1]); /* accepts NULL */

#endif
