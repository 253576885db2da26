/* SPDX-License-Identifier: Apache-2.0
 * case_rows.h - lines of the shared cases: columns between TABs, bytes as \xHH. For the tests that run them. */
#ifndef WL_TESTS_PHONE_CASE_ROWS_H
#define WL_TESTS_PHONE_CASE_ROWS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"

#define CASE_LINE_BYTES 8192
#define CASE_FIELDS     16

struct case_row {
    char said[CASE_LINE_BYTES]; /* the line as it was */
    char line[CASE_LINE_BYTES];
    char *f[CASE_FIELDS]; /* "" behind the last */
    unsigned fields;
};

/* The next line that is no comment; false at the end. */
bool case_row_next(FILE *f, struct case_row *ret);
/* Undoes \xHH, in place. */
struct str case_bytes(char *field);

/* Calls of libphonenumber by name, with the rows that hold them: metadata in column 2, the name in column 3. */
struct case_call {
    const char *name;
    bool (*run)(void *context, char **fields); /* NULL: another test runs it */
};
struct case_count {
    unsigned rows, ran, wrong; /* of that metadata; a row of a call that nobody runs is wrong */
};
struct case_count case_run(const char *path, const char *metadata, const struct case_call *calls, size_t n,
                           void *context);

#endif
