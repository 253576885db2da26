/* SPDX-License-Identifier: Apache-2.0
 * screen_seen.h - which rows of a list repeat a number, in bounded memory, however long the list is.
 *
 * As long as they fit, numbers are kept in memory and every row is answered at once (seen_add). Each new one is also noted in a
 * file (seen_note), because of which an interrupted run can go on. When memory is full, or the last row of a number is to be kept
 * and not the first, a survey of the rest decides: its numbers go to the disk by partition, each partition is looked through in
 * memory, and what it finds goes to the disk by line. The rows are then read a second time and answered from there
 * (seen_answer). Both ways give the same answers. */
#ifndef WL_CMD_SCREEN_SEEN_H
#define WL_CMD_SCREEN_SEEN_H

#include "base/err.h"
#include "cmd/pool.h"
#include "core/number_set.h"

#define SEEN_MEMORY_LEAST NUMBER_SET_LEAST

struct seen;
struct seen_options {
    size_t memory;      /* for numbers, at most */
    size_t expected;    /* memory that the list will probably need; beyond it a survey begins. At most `memory` */
    const char *folder; /* for temporary files */
    const char *notes;  /* file of seen_note(); NULL: one without a name */
    bool resume;        /* the notes are there, of an earlier run */
    uint64_t notes_n;   /* and so many of them count */
    bool last;          /* keep the last row of a number */
};

int seen_open(const struct seen_options *o, struct pool *pool, struct seen **ret, struct err *e);
/* Accepts NULL. keep: the notes stay, for another run. */
void seen_close(struct seen *s, bool keep);

/* What the notes of an earlier run hold is known again. As seen_add(). */
int seen_recall(struct seen *s, struct err *e);
/* Fills in `first` of each. WL_ETOOBIG: memory is full; none of these rows counts, a survey must begin at the first of them. */
int seen_add(struct seen *s, struct number_seen *rows, size_t n, struct err *e);
/* A number that was new, in the order of rows. */
int seen_note(struct seen *s, const struct number_seen *row, struct err *e);
/* The notes are in their file; how many there are. */
int seen_flush(struct seen *s, bool sync, uint64_t *ret_n, struct err *e);

/* The rest of the rows is looked through: what was noted goes first. */
int seen_survey_begin(struct seen *s, struct err *e);
int seen_survey(struct seen *s, const struct number_seen *rows, size_t n, struct err *e);
/* All rows were shown. WL_ETOOBIG: the list needs more memory; the sentence says how much. */
int seen_survey_end(struct seen *s, struct err *e);
/* As seen_add(), for rows of the survey, by lines that only rise. */
int seen_answer(struct seen *s, struct number_seen *rows, size_t n, struct err *e);

#endif
