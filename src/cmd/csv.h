/* SPDX-License-Identifier: Apache-2.0
 * csv.h - rows out of the files that spreadsheets and CRMs export.
 *
 * RFC 4180 quoting, LF or CRLF, a byte order mark, and ',' ';' TAB or '|' between fields (found out from the first
 * line, or told by Excel's "sep=;" line). Rows are streamed, so a file may be larger than memory; a row may hold
 * newlines in quotes and is numbered by the line it starts on. A broken row is reported and reading goes on with
 * the next line: one stray quote must not swallow the rest of a file. */
#ifndef WL_CMD_CSV_H
#define WL_CMD_CSV_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/err.h"

#define CSV_ROW_BYTES 65536
#define CSV_FIELDS    128

struct csv;
struct csv_row {
    int line; /* 1-based, where the row starts */
    size_t n;
    struct str field[CSV_FIELDS]; /* unquoted, not trimmed; valid until the next call */
    struct str raw;               /* the row as it stood, without its line end */
};

/* Up to n bytes into p; 0 at the end. */
typedef size_t csv_read(void *from, char *p, size_t n);

struct csv *csv_open(csv_read *read, void *from); /* aborts when memory runs out; csv_free() it */
void csv_free(struct csv *c);                     /* accepts NULL */

/* 1: a row; 0: the end; WL_EINVAL: this row is broken (ret->line and ret->raw say which), go on calling.
 * Empty lines are skipped. */
int csv_next(struct csv *c, struct csv_row *ret, struct err *e);
char csv_delimiter(const struct csv *c);
/* Appends one field, quoted when it must be. */
void csv_put(struct buf *out, struct str field, char delimiter);

#endif
