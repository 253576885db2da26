/* SPDX-License-Identifier: Apache-2.0
 * varint.h - integers in as few bytes as they need, for the packed forms of facts and decisions.
 *
 * Base 128, low group first; signed values are folded first so that small negatives stay small (zigzag). A value
 * has exactly one encoding: reading refuses more than ten bytes, bits beyond 64 and needless zero groups, so two
 * packed forms are equal exactly when they mean the same. Knows nothing about what it packs. */
#ifndef WL_CORE_VARINT_H
#define WL_CORE_VARINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define VARINT_MAX 10

/* Writes v at out (which has room for VARINT_MAX) and returns how many bytes that took. */
static inline size_t varint_put(uint8_t *out, uint64_t v)
{
    size_t n = 0;
    while (v >= 0x80) {
        out[n++] = (uint8_t)(v | 0x80);
        v >>= 7;
    }
    out[n++] = (uint8_t)v;
    return n;
}

/* Reads one value at *p, which moves past it; false when it is damaged or crosses `end`. */
static inline bool varint_get(const uint8_t **p, const uint8_t *end, uint64_t *ret)
{
    uint64_t v = 0;
    for (unsigned shift = 0; shift < 70 && *p < end; shift += 7) {
        uint8_t byte = *(*p)++;
        if (shift == 63 && byte > 1)
            return false;
        v |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80) {
            *ret = v;
            return byte != 0 || shift == 0;
        }
    }
    return false;
}

static inline uint64_t zigzag(int64_t v)
{
    return ((uint64_t)v << 1) ^ (v < 0 ? UINT64_MAX : 0);
}
static inline int64_t unzigzag(uint64_t v)
{
    return (int64_t)((v >> 1) ^ (~(v & 1) + 1));
}

#endif
