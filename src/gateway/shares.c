/* SPDX-License-Identifier: Apache-2.0
 * shares.c - a table of numbers with a count beside each, all atomics.
 *
 * It never forgets a number and has room for more than one process will ever own. */
#include "gateway/shares.h"

#include <stdatomic.h>
#include <stdlib.h>

#define SLOTS 4096 /* a power of two */
#define FULL  (SLOTS - SLOTS / 8)

struct share {
    _Atomic int64_t sender; /* 0: free */
    _Atomic size_t taken;
};

struct shares {
    struct share share[SLOTS];
    _Atomic size_t n;
};

struct shares *shares_create(void)
{
    struct shares *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    return s;
}

void shares_free(struct shares *s)
{
    free(s);
}

/* The number's place, made now if it has none; NULL: there is none left. */
static struct share *share_of(struct shares *s, int64_t sender)
{
    size_t at = (size_t)((uint64_t)sender * 0x9e3779b97f4a7c15u >> 40) % SLOTS;
    for (;; at = (at + 1) % SLOTS) {
        struct share *one = &s->share[at];
        int64_t who = one->sender;
        if (who == sender)
            return one;
        if (who != 0)
            continue;
        if (s->n >= FULL)
            return NULL;
        if (atomic_compare_exchange_strong(&one->sender, &who, sender)) {
            s->n++;
            return one;
        }
        if (who == sender) /* another thread was faster */
            return one;
    }
}

bool shares_enter(struct shares *s, int64_t sender, size_t most)
{
    struct share *one = sender != 0 ? share_of(s, sender) : NULL;
    if (one == NULL || one->taken++ < most)
        return true;
    one->taken--;
    return false;
}

void shares_leave(struct shares *s, int64_t sender)
{
    struct share *one = sender != 0 ? share_of(s, sender) : NULL;
    if (one != NULL)
        one->taken--;
}
