/* SPDX-License-Identifier: Apache-2.0
 * screen.c - `wayleave screen`: a list of numbers in, the same list with a verdict for every row out.
 *
 * One pass as long as the numbers fit into memory. When they do not, or the last row of a number is to be kept, the rows from there on
 * are read twice: once for the survey, once to be written. Nothing is asked of anybody but, with --activity, the user's own gateway. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/columns_args.h"
#include "cmd/filter_args.h"
#include "cmd/screen_job.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

const struct option screen_options[] = {
    {.name = "output", .value = "FILE|-", .help = "rows that are kept; .csv or .tsv, also .gz or .zst", .letter = 'o'},
    {.name = "rejected",
     .value = "FILE|-",
     .help = "the other rows, each with its reason (default: OUT with .rejected in its name)"},
    {.name = "together", .help = "write all rows into OUT, verdicts beside them"},
    {.name = "report", .value = "FILE", .help = "counts as .html, .json or text, by the name"},
    {.name = "region", .value = "DE", .help = "the region of numbers without country code"},
    {.name = "international", .help = "numbers without + begin with their country code"},
    COLUMNS_OPTIONS,
    FILTER_OPTIONS,
    {.name = "where",
     .value = "CONDITION",
     .help = "what another column must hold, as in \"plan = gold|silver\" or \"score >= 0.5\"",
     .repeat = true},
    {.name = "activity",
     .value = "CLASSES",
     .help =
         "ask the gateway what it knows of each number, and keep these: interactive, active, dormant, undeliverable, "
         "new, unknown, or all"},
    {.name = "keep", .value = "first|last", .help = "which row of a number is kept (default first)"},
    {.name = "memory", .value = "SIZE", .help = "for the numbers seen (default 256M); beyond it the disk is used"},
    {.name = "threads", .value = "N", .help = "processors to use (default: all)"},
    {.name = "resume", .help = "go on where an interrupted run stopped"},
    {.name = "checkpoint", .value = "SIZE", .help = "how much is read between two checkpoints (default 64M)"},
    {.name = "delimiter", .value = "CHAR", .help = "comma, semicolon, tab, pipe or one character (default: found out)"},
    {.name = "encoding", .value = "NAME", .help = "of the file, as in WINDOWS-1252 (default: found out)"},
    {.name = "sheet", .value = "NAME", .help = "of a workbook (default: the first)"},
    {.name = "bom", .help = "begin OUT with a byte order mark, for older spreadsheets"},
    {0},
};

enum pass { PASS_STREAM, PASS_SURVEY, PASS_ANSWER };

static bool next_batch(struct screen_job *j, int *ret_rc, struct err *e)
{
    *ret_rc = j->sampled ? 1 : table_next(j->in, &j->batch, e);
    j->sampled = false;
    return *ret_rc == 1;
}

static void tell(struct screen_job *j, uint64_t rows)
{
    uint64_t total = 0, done = table_progress(j->in, &total);
    progress_tell(&j->progress, j->passes_done * total + done, total * j->passes, rows);
}

/* Numbers and lines of the rows that are right, for the search for repetitions. */
static void collect(struct screen_job *j)
{
    for (size_t i = 0; i < j->batch.rows; i++) {
        struct number_seen *x = &j->seen[i];
        *x = (struct number_seen){.line = j->batch.row[i].line};
        if (j->work[i].s.verdict == VERDICT_OK)
            x->key = number_key_of(&j->work[i].s.number);
    }
}

static void mark_repeated(struct screen_job *j)
{
    for (size_t i = 0; i < j->batch.rows; i++)
        if (j->seen[i].first != 0)
            j->work[i].s.verdict = VERDICT_DUPLICATE;
}

static int one_batch(struct screen_job *j, enum pass pass, struct err *e)
{
    int rc = 0;
    screen_room_for(j, j->batch.rows);
    screen_work(j);
    if (j->activity != NULL)
        rc = screen_activity_ask(j, e);
    if (rc != 0)
        return rc;
    collect(j);
    if (pass == PASS_SURVEY)
        return seen_survey(j->numbers, j->seen, j->batch.rows, e);
    rc = (pass == PASS_STREAM ? seen_add : seen_answer)(j->numbers, j->seen, j->batch.rows, e);
    j->full = rc == WL_ETOOBIG;
    if (rc != 0)
        return rc;
    mark_repeated(j);
    return screen_write(j, e);
}

/* One reading of the file. When memory gets full (j->full), the batch at hand is not written. */
static int one_pass(struct screen_job *j, enum pass pass, struct err *e)
{
    uint64_t rows = pass == PASS_SURVEY ? 0 : j->tally->rows;
    int rc;
    while (next_batch(j, &rc, e)) {
        rc = one_batch(j, pass, e);
        if (rc != 0)
            return rc;
        rows += j->batch.rows;
        tell(j, rows);
    }
    j->passes_done++;
    return rc;
}

/* From this row on everything is read twice. to: where writing goes on, the same row or a later one. */
static int survey(struct screen_job *j, uint64_t at, uint64_t line, const struct screen_point *to, struct err *e)
{
    screen_resume_survey(j, at, line);
    j->surveyed = true;
    j->passes = j->passes_done + 2;
    int rc = seen_survey_begin(j->numbers, e);
    if (rc == 0)
        rc = screen_reopen(j, at, line, e);
    if (rc == 0)
        rc = one_pass(j, PASS_SURVEY, e);
    if (rc == 0)
        rc = seen_survey_end(j->numbers, e);
    if (rc == 0)
        rc = screen_reopen(j, to->at, to->line, e);
    return rc == 0 ? one_pass(j, PASS_ANSWER, e) : rc;
}

/* As long as the numbers fit. j->full: they do not, from *ret on. */
static int stream(struct screen_job *j, const struct screen_point *from, struct screen_point *ret, struct err *e)
{
    int rc = 0;
    *ret = *from;
    if (from->line != 0) {
        rc = screen_reopen(j, from->at, from->line, e);
        if (rc == 0)
            rc = seen_recall(j->numbers, e);
        j->full = rc == WL_ETOOBIG;
    }
    if (rc == 0) {
        rc = one_pass(j, PASS_STREAM, e);
        if (j->full)
            *ret = (struct screen_point){.at = j->batch.row[0].at, .line = j->batch.row[0].line};
    }
    return j->full ? 0 : rc;
}

static int all_rows(struct screen_job *j, const struct screen_point *from, struct err *e)
{
    struct screen_point to = *from;
    if (from->survey_line != 0)
        return survey(j, from->survey_at, from->survey_line, from, e);
    if (j->last) {
        to = (struct screen_point){.at = j->first_at, .line = j->first_line};
    } else {
        int rc = stream(j, from, &to, e);
        if (rc != 0 || !j->full)
            return rc;
    }
    return survey(j, to.at, to.line, &to, e);
}

static int open_numbers(struct screen_job *j, const struct screen_point *from, struct err *e)
{
    const char *slash = j->out_path != NULL ? strrchr(j->out_path, '/') : NULL, *tmp = getenv("TMPDIR");
    const char *folder = tmp != NULL && *tmp != '\0' ? tmp : "/tmp";
    if (slash != NULL)
        folder = slash == j->out_path ? "/" : arena_strndup(j->arena, j->out_path, (size_t)(slash - j->out_path));
    else if (j->out_path != NULL && strcmp(j->out_path, "-") != 0)
        folder = ".";
    const struct seen_options o = {.memory = j->memory,
                                   .expected = j->expected,
                                   .folder = folder,
                                   .notes = screen_resume_seen_path(j),
                                   .resume = from->line != 0,
                                   .notes_n = from->seen,
                                   .last = j->last};
    return seen_open(&o, j->pool, &j->numbers, e);
}

static int whole_job(struct screen_job *j)
{
    struct screen_point from = {0};
    struct err e = {0};
    int rc = screen_resume_open(j, &from);
    if (rc != CMD_OK)
        return rc;
    rc = screen_write_open(j, &from);
    if (rc != CMD_OK) {
        screen_write_drop(j, from.line != 0);
        return rc;
    }
    progress_begin(&j->progress, "rows", args_has(j->args, "quiet"));
    rc = open_numbers(j, &from, &e);
    if (rc == 0)
        rc = all_rows(j, &from, &e);
    progress_end(&j->progress);
    bool again = rc == WL_EIO && screen_resume_there(j);
    if (rc == 0)
        rc = screen_unchanged(j, &e);
    if (rc == 0)
        rc = screen_write_close(j, &e);
    else
        screen_write_drop(j, again);
    seen_close(j->numbers, again);
    screen_resume_close(j, !again);
    if (rc != 0)
        return cmd_fail(CMD_FAILED, again ? "the same command with --resume goes on where it stopped" : NULL, "%s: %s",
                        j->in_name, e.text);
    rc = screen_report(j);
    return rc == CMD_OK && screen_class_count(j->tally, VERDICT_WRONG) > 0 ? CMD_PARTIAL : rc;
}

int screen_run(const struct args *a)
{
    struct screen_job *j = calloc(1, sizeof *j);
    if (j == NULL)
        abort();
    j->args = a;
    j->passes = 1;
    int rc = screen_open(j);
    if (rc == CMD_OK)
        rc = whole_job(j);
    screen_close(j);
    free(j);
    return cmd_finish(rc);
}
