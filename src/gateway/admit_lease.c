/* SPDX-License-Identifier: Apache-2.0
 * admit_lease.c - the right to send for a number: taken once, remembered, and asked for again wherever attempts are opened.
 *
 * A lease is durable when its transaction is; only then is it remembered, so that a transaction that was rolled back leaves
 * nothing behind. Every transaction that opens attempts looks once for each of its numbers whether the lease is still ours
 * (store/leases.h): a process that was frozen while somebody else took over writes no attempt, and so sends nothing. Who
 * lost a number does not take it back here: keep.c does, and tells us the new epoch. */
#include "base/clock.h"
#include "gateway/admit_impl.h"
#include "store/leases.h"

static int64_t lease_held(struct admit *ad, int64_t sender)
{
    int64_t epoch = 0;
    pthread_mutex_lock(&ad->lock);
    for (size_t i = 0; i < ad->n_leases && epoch == 0; i++)
        if (ad->lease[i].sender == sender)
            epoch = ad->lease[i].epoch;
    pthread_mutex_unlock(&ad->lock);
    return epoch;
}

void right_remember(struct admit *ad, int64_t sender, int64_t epoch)
{
    if (epoch == 0 || lease_held(ad, sender) != 0)
        return;
    pthread_mutex_lock(&ad->lock);
    if (ad->n_leases < LEASES_MAX) {
        ad->lease[ad->n_leases].sender = sender;
        ad->lease[ad->n_leases++].epoch = epoch;
    }
    pthread_mutex_unlock(&ad->lock);
}

/* The lease this life has, or takes now; epoch 0: it had one and lost it. */
static int look(struct batch *b, struct store *s, struct right *r, struct err *e)
{
    int64_t owner = b->ad->g->incarnation, held = lease_held(b->ad, r->sender);
    if (held == 0)
        return lease_take(s, r->sender, owner, b->now, &r->epoch, e);
    int rc = lease_fence(s, r->sender, owner, held, e);
    if (rc == 0)
        r->epoch = held;
    return rc == WL_ECONFLICT ? 0 : rc;
}

int right_to_send(struct batch *b, struct store *s, int64_t sender, int64_t *ret_epoch, struct err *e)
{
    size_t i = 0;
    while (i < b->n_rights && b->right[i].sender != sender)
        i++;
    if (i == b->n_rights) {
        struct right r = {.sender = sender};
        int rc = look(b, s, &r, e);
        if (rc != 0)
            return rc;
        b->right[b->n_rights++] = r;
    }
    *ret_epoch = b->right[i].epoch;
    return 0;
}

void right_refuse(struct send *s)
{
    struct err why = {0};
    err_set(&why, WL_ECONFLICT, "another gateway has taken this number over; nothing is sent for it from here");
    writer_refuse(&s->job, &why);
}

int64_t admit_lease_epoch(struct admit *ad, int64_t sender)
{
    return ad != NULL ? lease_held(ad, sender) : 0;
}

void admit_lease_taken(struct admit *ad, int64_t sender, int64_t epoch)
{
    if (ad == NULL)
        return;
    pthread_mutex_lock(&ad->lock);
    for (size_t i = 0; i < ad->n_leases; i++)
        if (ad->lease[i].sender == sender)
            ad->lease[i].epoch = epoch;
    pthread_mutex_unlock(&ad->lock);
}
