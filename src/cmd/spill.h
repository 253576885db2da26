/* SPDX-License-Identifier: Apache-2.0
 * spill.h - records that do not fit into memory, put on the disk by partition: one pass writes, one reads.
 *
 * All partitions share one unnamed file, which is gone with the program however it ends. Each has a buffer of one block; a full one
 * goes to the end of the file, and its place is remembered. A partition is read block by block, from the first or from the
 * last: within it the order of writing is kept. */
#ifndef WL_CMD_SPILL_H
#define WL_CMD_SPILL_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#define SPILL_BLOCK 1024 /* records */

struct spill_record {
    uint64_t a, b;
};
struct spill;

/* A file without a name in this folder. -1: errno. */
int spill_unnamed(const char *folder);

/* WL_EIO: there can be no file in this folder. */
int spill_open(const char *folder, unsigned parts, struct spill **ret, struct err *e);
void spill_close(struct spill *s); /* accepts NULL */

int spill_put(struct spill *s, unsigned part, struct spill_record r, struct err *e);
/* Nothing is put any more. */
int spill_end(struct spill *s, struct err *e);
/* After spill_end(): */
uint64_t spill_blocks(const struct spill *s, unsigned part);
int spill_read(struct spill *s, unsigned part, uint64_t block, struct spill_record ret[SPILL_BLOCK], size_t *ret_n,
               struct err *e);

#endif
