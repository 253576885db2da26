/* SPDX-License-Identifier: Apache-2.0
 * import_table.h - a table that is imported, row by row, with the text of every cell.
 *
 * For what is read once and sent on. What has to be fast takes the batches of table_in.h. */
#ifndef WL_CMD_IMPORT_TABLE_H
#define WL_CMD_IMPORT_TABLE_H

#include "cmd/command.h"
#include "cmd/import_file.h"
#include "cmd/table_in.h"

struct import_row {
    uint64_t line;
    size_t n;
    const struct str *field; /* as table_cell_text() has them; valid until the next row */
    struct str raw;          /* the row as it stood */
    int problem;             /* enum table_problem */
    const struct table_row *row;
    const struct table_cell *cells;
};

/* How the file is written down, for the tables of commands. */
#define IMPORT_TABLE_OPTIONS                                                                                           \
    {.name = "delimiter",                                                                                              \
     .value = "CHAR",                                                                                                  \
     .help = "comma, semicolon, tab, pipe or one character (default: found out)"},                                     \
        {.name = "encoding", .value = "NAME", .help = "as iconv names it (default: found out)"},                       \
    {                                                                                                                  \
        .name = "sheet", .value = "NAME", .help = "of an XLSX workbook (default: the first one)"                       \
    }

struct import_table;

/* The file's rows; its digest was taken before. An exit status, after having said why. */
int import_table_open(const struct import_file *f, const struct args *a, struct import_table **ret);
void import_table_close(struct import_table *t); /* accepts NULL */

void import_table_header(struct import_table *t, struct import_row *ret);
/* The first row is data. Before the first import_table_next(). */
void import_table_no_header(struct import_table *t);
/* The rows that come next, to be looked at before they are taken. No rows: the file ends, or cannot be read. */
const struct table_batch *import_table_sample(struct import_table *t);
/* 1: a row that is not blank; 0: the end; WL_E*: the file cannot be read on. */
int import_table_next(struct import_table *t, struct import_row *ret, struct err *e);

char import_table_delimiter(const struct import_table *t);
uint64_t import_table_progress(const struct import_table *t, uint64_t *ret_total);

#endif
