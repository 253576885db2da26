/* SPDX-License-Identifier: Apache-2.0
 * retention.h - drops webhook bodies that were kept long enough, the dead letters that meant them, and what was kept of them
 * elsewhere: statuses of messages that are not ours, and notices.
 *
 * A body that was not applied yet is never dropped, however old it is. A subscriber that did not take it by then does not
 * get it any more: that is told once for each subscriber that falls so far behind, and counted. */
#ifndef WL_GATEWAY_RETENTION_H
#define WL_GATEWAY_RETENTION_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct gateway;
struct retention;

struct retention_options {
    int64_t keep_ms; /* 0: thirty days */
    int64_t rest_ms; /* between looks when nothing was old enough */
    size_t rows;     /* dropped in one transaction */
};
extern const struct retention_options retention_usual;

/* Uses the gateway's writer, store_url and counters. */
int retention_start(struct retention **ret, struct gateway *g, const struct retention_options *o, struct err *e);
void retention_stop(struct retention *r); /* ends the thread, before the writer ends; accepts NULL */
void retention_free(struct retention *r); /* accepts NULL */

#endif
