/* SPDX-License-Identifier: Apache-2.0
 * wamid_map.h - Meta's ids of recent messages to our rows, in memory.
 *
 * An index on Meta's random ids would cost more than everything else that is written per message (architecture.md,
 * SQLite law 2). Statuses arrive minutes after their message, so the newest half to whole million is enough; it is
 * refilled from the newest rows at start. Any thread. */
#ifndef WL_GATEWAY_WAMID_MAP_H
#define WL_GATEWAY_WAMID_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

struct wamid_map;

struct wamid_map *wamid_map_create(size_t max_each); /* entries per generation */
void wamid_map_free(struct wamid_map *m);
void wamid_map_put(struct wamid_map *m, struct str wamid, int bucket, int64_t id);
bool wamid_map_get(struct wamid_map *m, struct str wamid, int *ret_bucket, int64_t *ret_id);

#endif
