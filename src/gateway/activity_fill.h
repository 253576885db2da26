/* SPDX-License-Identifier: Apache-2.0
 * activity_fill.h - people's activity from what was stored before there was any.
 *
 * Once after an update, beside everything else. A gateway that began with activity finds nothing to count. */
#ifndef WL_GATEWAY_ACTIVITY_FILL_H
#define WL_GATEWAY_ACTIVITY_FILL_H

#include <stdint.h>

#include "store/store.h"

struct activity_fill;
struct writer;

/* Notes since when statuses are counted as they come. Before the first one is applied. */
int activity_fill_begin(struct store *s, int64_t now, struct err *e);
/* rest_ms: between steps; when all is filled it only sleeps. */
int activity_fill_start(struct activity_fill **ret, struct writer *w, const char *store_url, int64_t rest_ms,
                        struct err *e);
void activity_fill_stop(struct activity_fill *f); /* ends the thread, before the writer ends; accepts NULL */
void activity_fill_free(struct activity_fill *f); /* accepts NULL */

#define ACTIVITY_FILL_REST_MS 100

#endif
