/* SPDX-License-Identifier: Apache-2.0
 * campaign_plan.c - the chances of a campaign: who gets which variant, who is kept back, and in which order people are sent to.
 *
 * All of it comes from keyed hashes, so the same campaign gives the same plan whenever and wherever it is made, and nobody who does not know
 * the key can arrange a list so that somebody is first. Variant and hold-out depend on the person alone, not on who else is there.
 *
 * The order: within a stratum people are sorted by their hash; then the k-th of m people of a stratum stands at (k + u) / m of the way, with
 * u between 0 and 1 of the stratum's own. So in every stretch from the beginning each stratum has its share of it, to within one
 * person, whatever the sizes are. Time n log n, and no memory beside the array. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "core/campaign.h"

enum use { USE_ORDER = 1, USE_STRATUM, USE_VARIANT, USE_HOLD_OUT, USE_SHARE };

void campaign_key(int64_t campaign, const uint8_t secret[CAMPAIGN_KEY_BYTES], uint8_t ret[CAMPAIGN_KEY_BYTES])
{
    char text[8 + sizeof campaign] = {'c', 'a', 'm', 'p', 'a', 'i', 'g', 'n'};
    for (size_t i = 0; i < sizeof campaign; i++)
        text[8 + i] = (char)((uint64_t)campaign >> (8 * i) & 0xff);
    hmac_sha256((struct str){(const char *)secret, CAMPAIGN_KEY_BYTES}, (struct str){text, sizeof text}, ret);
}

/* Keyed, because the key is the first thing that goes in, and is a secret. */
static uint64_t chance(const uint8_t key[CAMPAIGN_KEY_BYTES], enum use use, int64_t id)
{
    uint8_t text[CAMPAIGN_KEY_BYTES + 1 + sizeof id];
    memcpy(text, key, CAMPAIGN_KEY_BYTES);
    text[CAMPAIGN_KEY_BYTES] = (uint8_t)use;
    for (size_t i = 0; i < sizeof id; i++)
        text[CAMPAIGN_KEY_BYTES + 1 + i] = (uint8_t)((uint64_t)id >> (8 * i) & 0xff);
    return hash64(text, sizeof text);
}

/* 0..n-1, as even as 64 bits allow. */
static uint64_t below(uint64_t h, uint64_t n)
{
    return (h >> 32) * n >> 32;
}

static size_t pick(const uint32_t *weight, size_t n, uint64_t h)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += weight[i];
    uint64_t at = below(h, sum);
    for (size_t i = 0; i < n; i++) {
        if (at < weight[i])
            return i;
        at -= weight[i];
    }
    return 0;
}

size_t campaign_variant_of(const struct campaign_def *d, const uint8_t key[CAMPAIGN_KEY_BYTES], int64_t contact)
{
    uint32_t weight[CAMPAIGN_VARIANTS_MAX];
    for (size_t i = 0; i < d->n_variants; i++)
        weight[i] = d->variant[i].weight;
    return pick(weight, d->n_variants, chance(key, USE_VARIANT, contact));
}

size_t campaign_share_of(const uint32_t *weight, size_t n, const uint8_t key[CAMPAIGN_KEY_BYTES], int64_t contact)
{
    return pick(weight, n, chance(key, USE_SHARE, contact));
}

bool campaign_held_out(const struct campaign_def *d, const uint8_t key[CAMPAIGN_KEY_BYTES], int64_t contact)
{
    return below(chance(key, USE_HOLD_OUT, contact), 1000) < (uint64_t)d->hold_out;
}

static int by_contact(const struct campaign_person *x, const struct campaign_person *y)
{
    return x->contact < y->contact ? -1 : x->contact > y->contact;
}

static int by_stratum(const void *a, const void *b)
{
    const struct campaign_person *x = a, *y = b;
    if (x->stratum != y->stratum)
        return x->stratum < y->stratum ? -1 : 1;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return by_contact(x, y);
}

static int by_place(const void *a, const void *b)
{
    const struct campaign_person *x = a, *y = b;
    if (x->at != y->at)
        return x->at < y->at ? -1 : 1;
    return by_contact(x, y);
}

void campaign_order(struct campaign_person *p, size_t n, const uint8_t key[CAMPAIGN_KEY_BYTES])
{
    for (size_t i = 0; i < n; i++)
        p[i].at = chance(key, USE_ORDER, p[i].contact);
    qsort(p, n, sizeof *p, by_stratum);
    for (size_t from = 0, to; from < n; from = to) {
        for (to = from; to < n && p[to].stratum == p[from].stratum;)
            to++;
        uint64_t u = chance(key, USE_STRATUM, p[from].stratum) >> 32;
        for (size_t i = from; i < to; i++)
            p[i].at =
                (((uint64_t)(i - from) << 32 | u) << 6) / (uint64_t)(to - from); /* at most 2^25 people: 63 bits */
    }
    qsort(p, n, sizeof *p, by_place);
}
