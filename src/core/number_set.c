/* SPDX-License-Identifier: Apache-2.0
 * number_set.c - the buckets of number_set.h.
 *
 * A look at a bucket is a cache miss. number_set_add() therefore asks for the buckets of numbers ahead before it looks at that
 * of the one it is at: the misses of a group overlap. */
#include "core/number_set.h"

#include "base/err.h"

#define KEY_BITS    50
#define KEY_MASK    (((uint64_t)1 << KEY_BITS) - 1)
#define REST_BITS   40
#define REST_MASK   (((uint64_t)1 << REST_BITS) - 1)
#define BUCKET_ROOM 7
#define AHEAD       16
#define LONG_PART   64 /* of the memory: one part is for long numbers */

_Static_assert(sizeof(struct number_bucket) == 64, "a bucket is a cache line");
_Static_assert(KEY_BITS - REST_BITS == 10 && NUMBER_SET_REGIONS == 1 << 10, "the bits not stored choose the region");

struct number_key number_key_of(const struct phone_number *n)
{
    if (n->status != PHONE_OK)
        return (struct number_key){0, 0};
    if (n->e164 != 0)
        return (struct number_key){n->e164, 0};
    uint64_t digits = 1;
    for (unsigned i = 0; i < n->nsn_len; i++)
        digits = digits * 10 + (uint64_t)(n->nsn[i] - '0');
    return (struct number_key){digits, n->code};
}

/* One-to-one on 50 bits: odd factors and shifts that can be taken back. */
static uint64_t mix(uint64_t x)
{
    x ^= x >> 25;
    x = (x * 0x2545f4914f6cdd1du) & KEY_MASK;
    x ^= x >> 23;
    x = (x * 0x9e3779b97f4a7c15u) & KEY_MASK;
    return x ^ (x >> 26);
}

static bool is_long(struct number_key k)
{
    return k.code != 0 || k.digits > KEY_MASK;
}

static uint64_t mix_long(struct number_key k)
{
    uint64_t x = (k.digits ^ (k.digits >> 32)) * 0x9e3779b97f4a7c15u + k.code;
    return (x ^ (x >> 29)) * 0xbf58476d1ce4e5b9u >> 8;
}

/* From the low bits: the high ones choose the region. */
unsigned number_key_part(struct number_key k, unsigned parts)
{
    uint64_t x = is_long(k) ? mix_long(k) : mix(k.digits);
    return (unsigned)(((x & 0xffffffffu) * parts) >> 32);
}

bool number_set_init(struct number_set *s, void *memory, size_t bytes)
{
    size_t longer = bytes / LONG_PART;
    *s = (struct number_set){0};
    if (bytes < NUMBER_SET_LEAST)
        return false;
    s->longs = longer / sizeof(struct number_long);
    s->buckets = (bytes - longer) / sizeof(struct number_bucket) / NUMBER_SET_REGIONS;
    s->region_max = s->buckets * BUCKET_ROOM * 15 / 16;
    s->bucket = memory;
    s->longer = (struct number_long *)(void *)(s->bucket + s->buckets * NUMBER_SET_REGIONS);
    return true;
}

uint64_t number_set_count(const struct number_set *s)
{
    uint64_t n = s->longs_n;
    for (size_t i = 0; i < NUMBER_SET_REGIONS; i++)
        n += s->n[i];
    return n;
}

static int add_long(struct number_set *s, struct number_seen *x)
{
    uint64_t at = mix_long(x->key) % s->longs;
    for (; s->longer[at].line != 0; at = at + 1 < s->longs ? at + 1 : 0)
        if (s->longer[at].digits == x->key.digits && s->longer[at].code == x->key.code) {
            x->first = s->longer[at].line;
            return 0;
        }
    if (s->longs_n >= s->longs * 15 / 16)
        return WL_ETOOBIG;
    s->longer[at] = (struct number_long){x->key.digits, x->key.code, (uint32_t)x->line};
    s->longs_n++;
    x->first = 0;
    return 0;
}

/* Where it is in the bucket; BUCKET_ROOM or more: it is not. Without branches: which of the seven it is, nobody can foretell. */
static unsigned place_in(const struct number_bucket *b, uint32_t low, uint8_t high)
{
    unsigned hits = 0;
    for (unsigned i = 0; i < BUCKET_ROOM; i++)
        hits |= (unsigned)(b->low[i] == low && b->high[i] == high) << i;
    hits &= (1u << b->n) - 1;
    return hits != 0 ? (unsigned)__builtin_ctz(hits) : BUCKET_ROOM;
}

static uint64_t home(const struct number_set *s, uint64_t mixed)
{
    return (mixed >> REST_BITS) * s->buckets + (((mixed & REST_MASK) * s->buckets) >> REST_BITS);
}

static int add_mixed(struct number_set *s, struct number_seen *x, uint64_t mixed)
{
    uint64_t region = mixed >> REST_BITS, end = (region + 1) * s->buckets;
    uint32_t low = (uint32_t)mixed;
    uint8_t high = (uint8_t)(mixed >> 32);
    struct number_bucket *b;
    for (uint64_t at = home(s, mixed);; at = at + 1 < end ? at + 1 : end - s->buckets) {
        b = &s->bucket[at];
        unsigned i = place_in(b, low, high);
        if (i < BUCKET_ROOM) {
            x->first = b->line[i];
            return 0;
        }
        if (b->n < BUCKET_ROOM)
            break;
    }
    if (s->n[region] >= s->region_max)
        return WL_ETOOBIG;
    s->n[region]++;
    b->low[b->n] = low;
    b->high[b->n] = high;
    b->line[b->n++] = (uint32_t)x->line;
    x->first = 0;
    return 0;
}

/* The share a number belongs to. Long ones have no region: they are all of the first. */
static bool is_ours(struct number_key k, uint64_t mixed, unsigned share, unsigned shares)
{
    return (is_long(k) ? 0 : (unsigned)(mixed >> REST_BITS) % shares) == share;
}

int number_set_add(struct number_set *s, struct number_seen *seen, size_t n, unsigned share, unsigned shares)
{
    uint64_t mixed[AHEAD];
    struct number_seen *ours[AHEAD];
    for (size_t at = 0; at < n;) {
        size_t group = 0;
        for (; at < n && group < AHEAD; at++) {
            uint64_t m = mix(seen[at].key.digits & KEY_MASK);
            if (seen[at].key.digits == 0 || !is_ours(seen[at].key, m, share, shares))
                continue;
            __builtin_prefetch(&s->bucket[home(s, m)], 1);
            mixed[group] = m;
            ours[group++] = &seen[at];
        }
        for (size_t i = 0; i < group; i++) {
            if (ours[i]->line > NUMBER_SET_LINES)
                return WL_ETOOBIG;
            int rc = is_long(ours[i]->key) ? add_long(s, ours[i]) : add_mixed(s, ours[i], mixed[i]);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}
