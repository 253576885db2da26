/* SPDX-License-Identifier: Apache-2.0
 * table_in.h - rows out of the files that spreadsheets and CRMs export, in batches, in constant memory.
 *
 * CSV with , ; TAB or | between cells (found out, said by Excel's "sep=;" line, or by the caller), plain, gzip or
 * zstd (found out from the first bytes, whatever the name), in UTF-8, UTF-16 or whatever iconv reads; XLSX workbooks.
 * Everything arrives as UTF-8, cut by core/table_split.h. Memory: a window that grows to hold the longest row,
 * TABLE_ROW_MAX at most. A row that is wrong has its reason in row.problem and is delivered like the others; an error
 * of table_next() is one of the file. */
#ifndef WL_CMD_TABLE_IN_H
#define WL_CMD_TABLE_IN_H

#include "base/err.h"
#include "core/table_split.h"

struct table;

struct table_options {
    const char *path;     /* "-": standard input */
    int fd;               /* > 0: read from here, path is only what it is called; not closed by us */
    char delimiter;       /* 0: found out */
    const char *encoding; /* iconv's name; NULL: found out */
    const char *sheet;    /* of a workbook; NULL: the first one that is not hidden */
    size_t rows_max;      /* of one batch; 0: what one window holds (some thousand) */
};

/* Opens and reads the first row, which is taken for a header until table_no_header() says otherwise. A file of
 * nothing is WL_ENOTFOUND. */
int table_open(const struct table_options *o, struct table **ret, struct err *e);
void table_close(struct table *t); /* accepts NULL */

/* The first row. Its cells are valid until table_close(). problem may be set: then it is no header. */
const struct table_row *table_header(const struct table *t, const struct table_cell **ret_cells);
/* The first row is data: it will be the first of the first batch. Before the first table_next(). */
void table_no_header(struct table *t);

/* 1: rows; 0: the end; WL_E*: the file cannot be read on (a damaged archive, a disk error): what came before stands, and
 * what was left behind the last whole row was given as a row that is TABLE_CUT. The batch is valid until the next
 * call. The first batch is a good sample for finding out what the columns hold: look, then use it. */
int table_next(struct table *t, struct table_batch *ret, struct err *e);
/* Before the first table_next(): goes on at the row that began at this byte and line (of struct table_row) in an
 * earlier run on the same file. */
int table_seek(struct table *t, uint64_t at, uint64_t line, struct err *e);

char table_delimiter(const struct table *t);
const char *table_encoding(const struct table *t);    /* "UTF-8", "UTF-16LE", "WINDOWS-1252"; found out up to now */
const char *table_compression(const struct table *t); /* "", "gzip", "zstd", "xlsx" */
const char *table_sheets(const struct table *t);      /* of a workbook, for people: "People", "Notes" (hidden); "" */
/* Bytes of the file read up to now, and of it all; *ret_total 0: not known (a pipe). */
uint64_t table_progress(const struct table *t, uint64_t *ret_total);

#endif
