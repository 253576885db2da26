/* SPDX-License-Identifier: Apache-2.0
 * lists_in.h - any file as a sorted list: a list (.wll) as it is, a table by its column of numbers.
 *
 * Tables are CSV, TSV, text with a number a line, workbooks; plain or compressed: what cmd/table_in.h reads.
 * Numbers are read by the engine, sorted in memory and, beyond LISTS_RUN of them, in runs on disk that are merged
 * while they are read: memory stays the same however long a table is. Every row is counted under exactly one verdict.
 * */
#ifndef WL_CMD_LISTS_IN_H
#define WL_CMD_LISTS_IN_H

#include "cmd/command.h"
#include "cmd/list_file.h"
#include "cmd/phone_tables.h"
#include "cmd/progress.h"
#include "cmd/table_out.h"
#include "core/verdict.h"

#define LISTS_RUN (8u << 20) /* numbers sorted at once: 128 MiB */

struct lists_reading {
    struct phone_tables phones;
    int region;                /* of numbers without country code; 0 none */
    bool international;        /* a number without + begins with its country code */
    bool keep_invalid;         /* numbers of no assigned range are taken too */
    size_t run;                /* numbers of a run; LISTS_RUN */
    bool all_phones;           /* every number of a row, not the first of its columns that is filled */
    bool empty_too;            /* a file of nothing is a list of nothing */
    struct table_out *rejects; /* rows that are not taken, with reason; NULL: they are only counted */
    uint64_t rejects_like;     /* digest of the first line of the table whose columns it has; 0: none yet */
    uint64_t added;            /* numbers given to lists, doubles included */
    struct progress progress;
    bool quiet;
    uint64_t verdict[VERDICTS], rows; /* of all tables read */
};

/* Plans, --region, --international, --keep-invalid, --all-phones, --quiet; refuses places that would be written over. An exit status. */
int lists_reading_begin(const struct args *a, struct lists_reading *ret);
void lists_reading_end(struct lists_reading *r);
/* For the command table. */
#define LISTS_READING_OPTIONS                                                                                          \
    {.name = "region", .value = "COUNTRY", .help = "of numbers in tables that have no country code, as in DE"},        \
        {.name = "international", .help = "numbers in tables that have no + begin with their country code"},           \
        {.name = "all-phones", .help = "every number of a row, where a table has several columns of them"},            \
    {                                                                                                                  \
        .name = "keep-invalid", .help = "take numbers of tables whose range is assigned to nobody, too"                \
    }

struct lists_in;

/* "-": a table from standard input. */
int lists_in_open(struct lists_reading *r, const char *path, struct lists_in **ret, struct err *e);
/* Several tables as one list: their numbers are sorted together. */
int lists_in_open_all(struct lists_reading *r, const char *const *path, size_t n, struct lists_in **ret, struct err *e);
void lists_in_close(struct lists_in *in); /* accepts NULL */

/* From the beginning; one at a time. Its spans have at most NUMBER_LIST_BLOCK numbers. */
struct number_source lists_in_source(struct lists_in *in);
/* The list itself where all of it is one (.wll); NULL: it came from tables. */
struct list_file *lists_in_file(struct lists_in *in);
/* Numbers in it; 0 where only reading tells (tables of several runs). */
uint64_t lists_in_count(const struct lists_in *in);

#endif
