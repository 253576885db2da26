/* SPDX-License-Identifier: Apache-2.0
 * number_set.h - numbers seen before, and the line each was seen on first; exact, in at most 12 bytes a number.
 *
 * An E.164 number of up to 15 digits is mixed one-to-one into 50 bits. The first ten choose one of 1,024 regions and are not stored: a
 * region never runs over into the next. The other 40 choose a bucket of the region, the bucket behind it when that is full, and so on, and stand
 * there in five bytes, beside four for the line. A bucket is one cache line with room for seven. Longer numbers, and those that are no 64-bit integer at
 * all, are rare; they have slots of 16 bytes in a sixty-fourth of the memory.
 *
 * The memory is the caller's and never grows: when a region is full the answer is WL_ETOOBIG, and the caller goes on with
 * partitions on the disk. Regions share nothing: several threads may add at once, each the regions of its own share.
 * Pure. */
#ifndef WL_CORE_NUMBER_SET_H
#define WL_CORE_NUMBER_SET_H

#include "core/phone_number.h"

#define NUMBER_SET_REGIONS 1024
#define NUMBER_SET_LEAST   (256u << 10) /* bytes; less is no set */
#define NUMBER_SET_LINES   UINT32_MAX   /* no later line can be kept */

/* What makes a number the same. code 0: `digits` is its E.164 number; else it has more than 19 digits, and `digits` are its national
 * ones behind a 1, so that leading zeros count. digits 0: none. */
struct number_key {
    uint64_t digits;
    uint32_t code;
};
struct number_key number_key_of(const struct phone_number *n);
/* Evenly spread over 0 .. parts - 1, the same for the same number. */
unsigned number_key_part(struct number_key k, unsigned parts);

struct number_bucket { /* 64 bytes */
    uint32_t low[7];
    uint8_t high[7];
    uint8_t n;
    uint32_t line[7];
};
struct number_long {
    uint64_t digits;
    uint32_t code, line; /* line 0: free */
};

struct number_set {
    struct number_bucket *bucket; /* NUMBER_SET_REGIONS times `buckets` */
    struct number_long *longer;
    uint64_t buckets, region_max; /* of each region: buckets, and numbers after which it is full */
    uint64_t longs, longs_n;
    uint32_t n[NUMBER_SET_REGIONS];
};

/* memory: zeroed, aligned to 64, at least NUMBER_SET_LEAST. False: too little. */
bool number_set_init(struct number_set *s, void *memory, size_t bytes);
uint64_t number_set_count(const struct number_set *s);

struct number_seen {
    struct number_key key; /* digits 0: passed over */
    uint64_t line;         /* where it stands */
    uint64_t first;        /* filled in: 0 it is new, else the line it was first seen on */
};
/* Adds those of `seen` that belong to this share (0 .. shares - 1), in their order. WL_ETOOBIG: there is no room; some may have
 * been added and others not, the set is of no more use. */
int number_set_add(struct number_set *s, struct number_seen *seen, size_t n, unsigned share, unsigned shares);

#endif
