/* SPDX-License-Identifier: Apache-2.0
 * number_list.h - a sorted list of distinct numbers as a file (".wll"): the codec, from bytes and to bytes.
 *
 * Header, blocks, index; little-endian. A block holds up to NUMBER_LIST_BLOCK numbers in groups of 128: the steps
 * from one number to the next, less one, in as many bits as most of the group need, and the few that need more as
 * exceptions; a run of consecutive numbers costs nothing. The index names each block's first number, place, size
 * and checksum, so that what lies between two numbers is found without reading the rest. A list holds numbers and
 * nothing else: no names, no columns.
 *
 * Nothing in a file is trusted: the index is proven once (number_list_index_read), a block when it is unpacked.
 * Pure; who reads and writes files is cmd/list_file.h. */
#ifndef WL_CORE_NUMBER_LIST_H
#define WL_CORE_NUMBER_LIST_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define NUMBER_LIST_VERSION     1
#define NUMBER_LIST_HEAD        64
#define NUMBER_LIST_BLOCK       2048                   /* numbers */
#define NUMBER_LIST_ENTRY       32                     /* bytes of the index for a block */
#define NUMBER_LIST_BLOCK_BYTES 24576                  /* no block takes more */
#define NUMBER_LIST_PADDING     8                      /* readable bytes behind a block that is unpacked */
#define NUMBER_LIST_BLOCKS_MAX  (1u << 27)             /* 274,877,906,944 numbers */
#define NUMBER_LIST_LARGEST     9999999999999999999ull /* 19 digits */

struct number_list_head {
    uint64_t count, first, last; /* all 0 of an empty list */
    uint64_t index_at;
    uint64_t index_check; /* hash64 of the index */
    uint32_t blocks;
};

struct number_list_entry {
    uint64_t first, at, check; /* check: hash64 of the block's bytes */
    uint32_t bytes, count;
};

void number_list_head_write(const struct number_list_head *h, uint8_t out[NUMBER_LIST_HEAD]);
/* size: of the whole file. WL_ECORRUPT: it is none, broken or cut off; WL_EINVAL: of a version this program does not know. */
int number_list_head_read(const uint8_t in[NUMBER_LIST_HEAD], uint64_t size, struct number_list_head *ret,
                          struct err *e);

void number_list_entry_write(const struct number_list_entry *b, uint8_t out[NUMBER_LIST_ENTRY]);
/* in: h->blocks * NUMBER_LIST_ENTRY bytes; ret has h->blocks rows. Proves that the blocks lie one behind the other, rising. */
int number_list_index_read(const struct number_list_head *h, const uint8_t *in, struct number_list_entry *ret,
                           struct err *e);
/* The first row whose block may hold `number` or a larger one; `blocks` when there is none. */
uint32_t number_list_find(const struct number_list_entry *index, uint32_t blocks, uint64_t number);

/* n (1 to NUMBER_LIST_BLOCK) rising distinct numbers from 1 to NUMBER_LIST_LARGEST; fills in ret but for ret->at.
 * Returns the bytes written. */
size_t number_list_pack(const uint64_t *number, size_t n, uint8_t out[NUMBER_LIST_BLOCK_BYTES],
                        struct number_list_entry *ret);
/* in: b->bytes bytes with NUMBER_LIST_PADDING readable behind them; ret gets b->count numbers. next: the following
 * block's first number, of the last block one more than the header's last. WL_ECORRUPT. */
int number_list_unpack(const struct number_list_entry *b, const uint8_t *in, uint64_t next,
                       uint64_t ret[NUMBER_LIST_BLOCK], struct err *e);

#endif
