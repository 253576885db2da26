/* SPDX-License-Identifier: Apache-2.0
 * recent_keys.h - 64-bit keys of what was seen lately, each with what it belongs to, in bounded memory.
 *
 * For questions that an index on random keys would answer at the price of everything else that is written
 * (architecture.md, SQLite law 2): which message has this id of Meta's, did this event come before. The newest half to whole of
 * twice max_each are known; two generations: when the young one is full the old one is forgotten. One thread at a time. */
#ifndef WL_GATEWAY_RECENT_KEYS_H
#define WL_GATEWAY_RECENT_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct recent_keys;

struct recent {
    int64_t id;
    int32_t bucket;
};

struct recent_keys *recent_keys_create(size_t max_each); /* entries per generation */
void recent_keys_free(struct recent_keys *r);            /* accepts NULL */
/* In the place of what was known under this key. */
void recent_keys_put(struct recent_keys *r, uint64_t key, struct recent of);
/* One that was seen before all that are known: takes the place of nothing but its own later one. false: there is no room for
 * older ones. */
bool recent_keys_put_older(struct recent_keys *r, uint64_t key, struct recent of);
bool recent_keys_get(const struct recent_keys *r, uint64_t key, struct recent *ret);

#endif
