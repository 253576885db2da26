/* SPDX-License-Identifier: Apache-2.0
 * number_list.c - the codec of sorted lists: groups of 128 steps, bit-packed, exceptions beside them.
 *
 * A group is: bits a step, number of exceptions, the packed low bits, then for each exception its place and its
 * high bits. The number of bits is the one that makes the group smallest. At most PACKED_BITS are packed, so that
 * 128 steps cannot run past 64 bits and only exceptions have to be added with care. A block's first number stands
 * in the index alone. Unpacking reads eight bytes at any place: hence NUMBER_LIST_PADDING. It refuses bytes left
 * over, steps past NUMBER_LIST_LARGEST or the next block, and any sum that is not the index's. */
#include "core/number_list.h"

#include <stdbool.h>
#include <string.h>

#include "base/digest.h"
#include "core/varint.h"

#define MAGIC       "WLNL"
#define GROUP       128
#define PACKED_BITS 48
#define HEAD_CHECK  56 /* where the header's own checksum stands: of the bytes before it */

/* ---- little-endian fields */

static void put64(uint8_t *at, uint64_t v)
{
    for (int i = 0; i < 8; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}
static uint64_t get64(const uint8_t *at)
{
    uint64_t v = 0;
    for (int i = 0; i < 8; i++)
        v |= (uint64_t)at[i] << (8 * i);
    return v;
}
static void put32(uint8_t *at, uint32_t v)
{
    for (int i = 0; i < 4; i++)
        at[i] = (uint8_t)(v >> (8 * i));
}
static uint32_t get32(const uint8_t *at)
{
    return (uint32_t)(at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24);
}

/* ---- header and index */

void number_list_head_write(const struct number_list_head *h, uint8_t out[NUMBER_LIST_HEAD])
{
    memset(out, 0, NUMBER_LIST_HEAD);
    memcpy(out, MAGIC, 4);
    out[4] = NUMBER_LIST_VERSION;
    put32(out + 8, NUMBER_LIST_BLOCK);
    put32(out + 12, h->blocks);
    put64(out + 16, h->count);
    put64(out + 24, h->first);
    put64(out + 32, h->last);
    put64(out + 40, h->index_at);
    put64(out + 48, h->index_check);
    put64(out + HEAD_CHECK, hash64(out, HEAD_CHECK));
}

static bool head_holds(const struct number_list_head *h, uint64_t size)
{
    if (h->blocks > NUMBER_LIST_BLOCKS_MAX || h->index_at < NUMBER_LIST_HEAD || h->index_at > size)
        return false;
    if (size - h->index_at != (uint64_t)h->blocks * NUMBER_LIST_ENTRY)
        return false;
    if (h->blocks == 0)
        return h->count == 0 && h->first == 0 && h->last == 0 && h->index_at == NUMBER_LIST_HEAD;
    return h->first >= 1 && h->first <= h->last && h->last <= NUMBER_LIST_LARGEST && h->count >= h->blocks &&
           h->count <= (uint64_t)h->blocks * NUMBER_LIST_BLOCK;
}

int number_list_head_read(const uint8_t in[NUMBER_LIST_HEAD], uint64_t size, struct number_list_head *ret,
                          struct err *e)
{
    if (memcmp(in, MAGIC, 4) != 0)
        return err_set(e, WL_ECORRUPT, "this is no list of numbers (its first bytes are not " MAGIC ")");
    if (in[4] != NUMBER_LIST_VERSION || in[5] != 0)
        return err_set(e, WL_EINVAL, "the list is of version %d; this program reads version %d", in[4] | in[5] << 8,
                       NUMBER_LIST_VERSION);
    if (get64(in + HEAD_CHECK) != hash64(in, HEAD_CHECK))
        return err_set(e, WL_ECORRUPT, "the list's header is damaged: its checksum differs");
    *ret = (struct number_list_head){.blocks = get32(in + 12),
                                     .count = get64(in + 16),
                                     .first = get64(in + 24),
                                     .last = get64(in + 32),
                                     .index_at = get64(in + 40),
                                     .index_check = get64(in + 48)};
    if (get32(in + 8) != NUMBER_LIST_BLOCK || get32(in + 4) != NUMBER_LIST_VERSION || !head_holds(ret, size))
        return err_set(e, WL_ECORRUPT, "the list is cut off or damaged: its header does not fit its size");
    return 0;
}

void number_list_entry_write(const struct number_list_entry *b, uint8_t out[NUMBER_LIST_ENTRY])
{
    put64(out, b->first);
    put64(out + 8, b->at);
    put64(out + 16, b->check);
    put32(out + 24, b->bytes);
    put32(out + 28, b->count);
}

int number_list_index_read(const struct number_list_head *h, const uint8_t *in, struct number_list_entry *ret,
                           struct err *e)
{
    uint64_t at = NUMBER_LIST_HEAD, count = 0, before = 0;
    if (hash64(in, (size_t)h->blocks * NUMBER_LIST_ENTRY) != h->index_check)
        return err_set(e, WL_ECORRUPT, "the list's index is damaged: its checksum differs");
    for (uint32_t i = 0; i < h->blocks; i++) {
        const uint8_t *row = in + (size_t)i * NUMBER_LIST_ENTRY;
        struct number_list_entry b = {.first = get64(row),
                                      .at = get64(row + 8),
                                      .check = get64(row + 16),
                                      .bytes = get32(row + 24),
                                      .count = get32(row + 28)};
        bool fits = b.at == at && b.bytes <= NUMBER_LIST_BLOCK_BYTES && b.bytes <= h->index_at - at;
        bool rises = b.count >= 1 && b.count <= NUMBER_LIST_BLOCK && b.first > before && b.first <= h->last &&
                     h->last - b.first >= b.count - 1;
        if (!fits || !rises)
            return err_set(e, WL_ECORRUPT, "the list's index is damaged: row %u does not fit the others", i);
        ret[i] = b;
        at += b.bytes;
        count += b.count;
        before = b.first + b.count - 1;
    }
    if (at != h->index_at || count != h->count || (h->blocks > 0 && ret[0].first != h->first))
        return err_set(e, WL_ECORRUPT, "the list's index is damaged: it does not add up to what the header says");
    return 0;
}

uint32_t number_list_find(const struct number_list_entry *index, uint32_t blocks, uint64_t number)
{
    uint32_t low = 0, high = blocks; /* the first block that begins behind `number` */
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (index[mid].first <= number)
            low = mid + 1;
        else
            high = mid;
    }
    return low > 0 ? low - 1 : 0;
}

/* ---- packing */

static unsigned bits_of(uint64_t v)
{
    return v == 0 ? 0 : 64 - (unsigned)__builtin_clzll(v);
}

/* How many bits to pack so that the group is smallest: packed bytes, and an exception's place and high bits. */
static unsigned best_bits(const uint64_t *step, size_t n)
{
    unsigned of_width[65] = {0}, best = 0;
    uint64_t all = 0;
    size_t best_cost = SIZE_MAX;
    for (size_t i = 0; i < n; i++) {
        of_width[bits_of(step[i])]++;
        all |= step[i];
    }
    unsigned widest = bits_of(all);
    for (unsigned b = 0; b <= widest && b <= PACKED_BITS; b++) {
        size_t cost = (n * b + 7) / 8;
        for (unsigned w = b + 1; w <= widest; w++)
            cost += of_width[w] * (size_t)(1 + (w - b + 6) / 7);
        if (cost < best_cost) {
            best_cost = cost;
            best = b;
        }
    }
    return best;
}

static size_t pack_group(const uint64_t *step, size_t n, uint8_t *out)
{
    unsigned bits = best_bits(step, n);
    uint64_t mask = ((uint64_t)1 << bits) - 1, hold = 0;
    size_t at = 2, exceptions = 0;
    unsigned held = 0;
    for (size_t i = 0; i < n; i++) {
        hold |= (step[i] & mask) << held; /* held < 8: 56 bits fit */
        held += bits;
        for (; held >= 8; held -= 8, hold >>= 8)
            out[at++] = (uint8_t)hold;
    }
    if (held > 0)
        out[at++] = (uint8_t)hold;
    for (size_t i = 0; i < n; i++) {
        if (step[i] >> bits == 0)
            continue;
        out[at++] = (uint8_t)i;
        at += varint_put(out + at, step[i] >> bits);
        exceptions++;
    }
    out[0] = (uint8_t)bits;
    out[1] = (uint8_t)exceptions;
    return at;
}

size_t number_list_pack(const uint64_t *number, size_t n, uint8_t out[NUMBER_LIST_BLOCK_BYTES],
                        struct number_list_entry *ret)
{
    uint64_t step[GROUP];
    size_t at = 0;
    for (size_t i = 1; i < n;) {
        size_t k = 0;
        for (; k < GROUP && i < n; i++)
            step[k++] = number[i] - number[i - 1] - 1;
        at += pack_group(step, k, out + at);
    }
    ret->first = number[0];
    ret->bytes = (uint32_t)at;
    ret->count = (uint32_t)n;
    ret->check = hash64(out, at);
    return at;
}

/* ---- unpacking */

/* The low bits of n steps. The last may lie in NUMBER_LIST_PADDING. */
static void unpack_bits(const uint8_t *in, unsigned bits, size_t n, uint64_t *step)
{
    uint64_t mask = ((uint64_t)1 << bits) - 1;
    for (size_t i = 0, at = 0; i < n; i++, at += bits) {
        uint64_t v;
        memcpy(&v, in + (at >> 3), sizeof v); /* little-endian machines only, as the whole program */
        step[i] = (v >> (at & 7)) & mask;
    }
}

/* Adds the high bits; *ret_sum: of what was added. False when they are none or run past 64 bits. */
static bool add_exceptions(const uint8_t **p, const uint8_t *end, unsigned bits, size_t n, size_t exceptions,
                           uint64_t *step, uint64_t *ret_sum)
{
    size_t from = 0;
    *ret_sum = 0;
    for (size_t k = 0; k < exceptions; k++) {
        uint64_t high;
        if (*p >= end || **p < from || **p >= n)
            return false;
        size_t i = *(*p)++;
        if (!varint_get(p, end, &high) || high == 0 || high > NUMBER_LIST_LARGEST >> bits)
            return false;
        high <<= bits;
        step[i] += high;
        if (__builtin_add_overflow(*ret_sum, high, ret_sum))
            return false;
        from = i + 1;
    }
    return true;
}

/* One group of n steps at *p, which moves past it; ret[-1] is the number before. */
static bool unpack_group(const uint8_t **p, const uint8_t *end, size_t n, uint64_t *ret)
{
    uint64_t step[GROUP], sum, last;
    if (end - *p < 2)
        return false;
    unsigned bits = (*p)[0];
    size_t exceptions = (*p)[1], packed = (n * bits + 7) / 8;
    if (bits > PACKED_BITS || exceptions > n || (size_t)(end - *p) - 2 < packed)
        return false;
    unpack_bits(*p + 2, bits, n, step);
    *p += 2 + packed;
    if (!add_exceptions(p, end, bits, n, exceptions, step, &sum))
        return false;
    uint64_t number = ret[-1];
    for (size_t i = 0; i < n; i++) {
        number += step[i] + 1;
        ret[i] = number;
    }
    /* What was packed adds at most 2^55 + 128: with the exceptions' sum it is seen whether the numbers ran over. */
    if (__builtin_add_overflow(ret[-1], sum, &last) || last > NUMBER_LIST_LARGEST)
        return false;
    return number >= last && number <= NUMBER_LIST_LARGEST;
}

int number_list_unpack(const struct number_list_entry *b, const uint8_t *in, uint64_t next,
                       uint64_t ret[NUMBER_LIST_BLOCK], struct err *e)
{
    const uint8_t *p = in, *end = in + b->bytes;
    bool good = hash64(in, b->bytes) == b->check;
    ret[0] = b->first;
    for (size_t i = 1; good && i < b->count;) {
        size_t n = b->count - i < GROUP ? b->count - i : GROUP;
        good = unpack_group(&p, end, n, ret + i);
        i += n;
    }
    if (!good || p != end || ret[b->count - 1] >= next)
        return err_set(e, WL_ECORRUPT, "the list is damaged: a block of %u numbers cannot be read", b->count);
    return 0;
}
