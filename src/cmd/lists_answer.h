/* SPDX-License-Identifier: Apache-2.0
 * lists_answer.h - what a list command tells when it is done: lines of counts, or one JSON object.
 *
 * The numbers themselves may be on standard output; then the counts go to standard error, and --json needs -o. */
#ifndef WL_CMD_LISTS_ANSWER_H
#define WL_CMD_LISTS_ANSWER_H

#include <stdio.h>

#include "base/json.h"
#include "cmd/lists_in.h"
#include "cmd/lists_out.h"

struct lists_answer {
    bool json, quiet;
    FILE *to;
    struct buf text;
    struct json_out out; /* an object is open; more may be written into it */
};

/* output: where the numbers go, NULL standard output, "" nowhere. WL_EINVAL: both cannot be on standard output. */
int lists_answer_begin(struct lists_answer *x, const struct args *a, const char *output, struct err *e);
/* key for programs, words for people ("only in A"). */
void lists_answer_count(struct lists_answer *x, const char *key, const char *words, uint64_t n);
void lists_answer_text(struct lists_answer *x, const char *key, const char *words, struct str text);
/* What became of rows of tables: nothing where none were read. */
void lists_answer_rows(struct lists_answer *x, const struct lists_reading *r);
/* Prints; code is the exit status, given back or made worse. */
int lists_answer_end(struct lists_answer *x, int code);

/* CMD_PARTIAL when rows of tables were not taken. */
int lists_code(const struct lists_reading *r);
/* "wayleave: ..." and the exit status for it. */
int lists_fail(const struct err *e);

#endif
