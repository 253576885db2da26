/* SPDX-License-Identifier: Apache-2.0
 * table_bytes.h - the bytes of a file, plain or out of gzip or zstd, whichever its first bytes say it is.
 *
 * A ZIP archive is only recognised: what is in a workbook, table_sheet.h reads. */
#ifndef WL_CMD_TABLE_BYTES_H
#define WL_CMD_TABLE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct table_bytes;

enum table_packing { PACKING_NONE, PACKING_GZIP, PACKING_ZSTD, PACKING_ZIP };

/* "-" is standard input; fd > 0: that one is read and not closed. */
int table_bytes_open(const char *path, int fd, struct table_bytes **ret, struct err *e);
void table_bytes_close(struct table_bytes *b); /* accepts NULL */

/* Up to n bytes; *ret 0 at the end. WL_EIO, WL_ECORRUPT: what came before stands. PACKING_ZIP is not unpacked here. */
int table_bytes_read(struct table_bytes *b, char *p, size_t n, size_t *ret, struct err *e);
/* A plain file that can be sought: goes on at this byte. False: it cannot. */
bool table_bytes_seek(struct table_bytes *b, uint64_t at);

enum table_packing table_bytes_packing(const struct table_bytes *b);
int table_bytes_fd(const struct table_bytes *b);
/* Bytes of the file read, packed as they are; *ret_total 0: not known. */
uint64_t table_bytes_progress(const struct table_bytes *b, uint64_t *ret_total);

#endif
