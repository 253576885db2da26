/* SPDX-License-Identifier: Apache-2.0
 * ids.h - a bounded set of the ids of rows in memory: read ahead, or out.
 *
 * It is a table with open addressing that never grows and is never more than three quarters full: looking for an id that
 * is not there always comes to a free place, and soon. Who finds no room leaves the row in the database and asks later. It
 * has no lock of its own. */
#ifndef WL_GATEWAY_IDS_H
#define WL_GATEWAY_IDS_H

#include <stddef.h>
#include <stdint.h>

#define ID_SLOTS 262144 /* a power of two */
#define IDS_MAX  (ID_SLOTS / 4 * 3)

struct id_set {
    int64_t slot[ID_SLOTS]; /* 0: free */
    size_t n;
};

enum id_put { ID_NEW, ID_KNOWN, ID_NO_ROOM };
/* id: not 0. Only ID_NEW changes the set. */
enum id_put id_put(struct id_set *s, int64_t id);
/* Nothing when it is not there. */
void id_remove(struct id_set *s, int64_t id);

#endif
