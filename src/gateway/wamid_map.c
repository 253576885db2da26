/* SPDX-License-Identifier: Apache-2.0
 * wamid_map.c - recent keys (recent_keys.h) behind a lock, keyed by the hash of Meta's id.
 *
 * One thread writes, and whoever explains a message reads. Ids are compared by their 64-bit hash only: they come from
 * signed webhooks. */
#include "gateway/wamid_map.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/digest.h"
#include "gateway/recent_keys.h"

struct wamid_map {
    pthread_mutex_t lock;
    struct recent_keys *keys;
};

struct wamid_map *wamid_map_create(size_t max_each)
{
    struct wamid_map *m = calloc(1, sizeof *m);
    if (m == NULL)
        abort();
    m->keys = recent_keys_create(max_each);
    pthread_mutex_init(&m->lock, NULL);
    return m;
}

void wamid_map_free(struct wamid_map *m)
{
    if (m == NULL)
        return;
    pthread_mutex_destroy(&m->lock);
    recent_keys_free(m->keys);
    free(m);
}

void wamid_map_put(struct wamid_map *m, struct str wamid, int bucket, int64_t id)
{
    uint64_t key = hash64(wamid.p, wamid.n);
    pthread_mutex_lock(&m->lock);
    recent_keys_put(m->keys, key, (struct recent){id, bucket});
    pthread_mutex_unlock(&m->lock);
}

bool wamid_map_get(struct wamid_map *m, struct str wamid, int *ret_bucket, int64_t *ret_id)
{
    uint64_t key = hash64(wamid.p, wamid.n);
    struct recent found = {0};
    pthread_mutex_lock(&m->lock);
    bool known = recent_keys_get(m->keys, key, &found);
    pthread_mutex_unlock(&m->lock);
    if (known) {
        *ret_bucket = found.bucket;
        *ret_id = found.id;
    }
    return known;
}
