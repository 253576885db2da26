/* SPDX-License-Identifier: Apache-2.0
 * heard.c - a small open-addressing table behind a lock.
 *
 * Twice as large as it may become full, so a search ends soon. Numbers are never taken out: a business has few. */
#include "gateway/heard.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>

#define SLOTS ((size_t)2 * HEARD_MAX)

struct heard {
    pthread_mutex_t lock;
    size_t n;
    struct {
        int64_t sender, at;
    } slot[SLOTS];
};

struct heard *heard_create(void)
{
    struct heard *h = calloc(1, sizeof *h);
    if (h == NULL)
        abort();
    pthread_mutex_init(&h->lock, NULL);
    return h;
}

void heard_free(struct heard *h)
{
    if (h == NULL)
        return;
    pthread_mutex_destroy(&h->lock);
    free(h);
}

/* The number's slot, or the free one where it would stand. */
static size_t slot_of(const struct heard *h, int64_t sender)
{
    size_t i = (size_t)((uint64_t)sender * 0x9E3779B97F4A7C15u >> 40) % SLOTS;
    while (h->slot[i].sender != 0 && h->slot[i].sender != sender)
        i = (i + 1) % SLOTS;
    return i;
}

void heard_note(struct heard *h, int64_t sender, int64_t at)
{
    pthread_mutex_lock(&h->lock);
    size_t i = slot_of(h, sender);
    bool new = h->slot[i].sender == 0;
    if (!new || h->n < HEARD_MAX) {
        h->n += new;
        h->slot[i].sender = sender;
        h->slot[i].at = at > h->slot[i].at ? at : h->slot[i].at;
    }
    pthread_mutex_unlock(&h->lock);
}

int64_t heard_at(struct heard *h, int64_t sender)
{
    pthread_mutex_lock(&h->lock);
    int64_t at = h->slot[slot_of(h, sender)].at;
    pthread_mutex_unlock(&h->lock);
    return at;
}
