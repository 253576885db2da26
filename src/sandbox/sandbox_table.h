/* SPDX-License-Identifier: Apache-2.0
 * sandbox_table.h - a hash table from text to a record that carries its own key.
 *
 * Open addressing with linear probing; deleting moves the following entries back, so there are no tombstones and
 * a table that lives for days stays as fast as a new one. It owns neither keys nor values and does no locking. */
#ifndef WL_SANDBOX_TABLE_H
#define WL_SANDBOX_TABLE_H

#include "base/buf.h"

struct sbx_slot {
    uint64_t hash;
    void *value; /* NULL: free */
};

struct sbx_table {
    struct sbx_slot *slots;
    size_t n, cap; /* cap is a power of two, or 0 */
    struct str (*key)(const void *value);
};

void sbx_table_init(struct sbx_table *t, struct str (*key)(const void *value));
void sbx_table_done(struct sbx_table *t);
void *sbx_table_get(const struct sbx_table *t, struct str key);
/* The key must not be present yet. Aborts when memory runs out. */
void sbx_table_put(struct sbx_table *t, void *value);
/* Removes and returns the value, NULL when there was none. */
void *sbx_table_del(struct sbx_table *t, struct str key);
/* Walks all values: start with *pos = 0; NULL at the end. The table must not change meanwhile. */
void *sbx_table_next(const struct sbx_table *t, size_t *pos);

#endif
