/* SPDX-License-Identifier: Apache-2.0
 * screen_write.c - rows into one file or the other, in the order they came in, and counted.
 *
 * The cells of the file stay as they stood, except that none is written as a live formula (table_out.h). Behind them stand ours, and behind
 * those what a row has beyond its header. A row that could not be cut into cells stands in the first one. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/screen_job.h"
#include "cmd/term.h"
#include "core/phone_place.h"

#define REASON_MAX 1024

static int open_one(struct screen_job *j, const char *path, uint64_t resume, struct table_out **ret)
{
    struct err e = {0};
    const struct table_out_options o = {.path = path,
                                        .delimiter = j->out_delimiter,
                                        .bom = args_has(j->args, "bom"),
                                        .resumable = j->resume != NULL,
                                        .resume = resume};
    if (table_out_open(&o, j->piped ? NULL : j->args->word[0], ret, &e) != 0)
        return cmd_fail(e.code == WL_ECONFLICT ? CMD_USAGE : CMD_FAILED, NULL, "%s", e.text);
    j->out_delimiter = table_out_delimiter(*ret);
    return CMD_OK;
}

/* A column of ours that the file has already gets another name. */
static void own_header(const struct screen_job *j, struct table_out *o)
{
    char name[64];
    for (size_t i = 0; i < j->own; i++) {
        bool taken = false;
        for (size_t c = 0; c < j->width; c++)
            taken |= str_ieq(j->columns.column[c].name, str_of(screen_column_name[i]));
        snprintf(name, sizeof name, "%s%s", taken ? "screen_" : "", screen_column_name[i]);
        table_out_cell(o, str_of(name));
    }
}

static void write_header(const struct screen_job *j, struct table_out *o)
{
    const struct table_cell *cells;
    table_header(j->in, &cells);
    if (j->columns.headless)
        for (size_t c = 0; c < j->width; c++)
            table_out_cell(o, j->columns.column[c].name);
    else
        table_out_cells(o, cells, j->width, j->delimiter);
    own_header(j, o);
    table_out_end(o);
}

/* ---- why ---- */

static void ragged(const struct screen_job *j, size_t i, struct buf *out)
{
    const struct table_row *row = &j->batch.row[i];
    columns_ragged(&j->columns, j->data, row, j->batch.cell, j->default_region, out);
}

static void country_text(const struct screen_job *j, size_t i, struct buf *out)
{
    const struct table_row *row = &j->batch.row[i];
    int c = j->columns.at[COLUMN_COUNTRY];
    if (c >= 0 && (uint32_t)c < row->cells) {
        const struct table_cell *cell = &j->batch.cell[row->cell + (uint32_t)c];
        buf_putstr(out, str_clip((struct str){cell->p, cell->n}, 60));
    }
}

static void own_country(const struct screen_job *j, size_t i, struct buf *out)
{
    buf_puts(out, phone_region_id(j->data, j->work[i].s.number.region));
}

static void own_type(const struct screen_job *j, size_t i, struct buf *out)
{
    buf_puts(out, phone_type_word((enum phone_type)j->work[i].s.number.type));
}

static void own_network(const struct screen_job *j, size_t i, struct buf *out)
{
    const char *name = j->work[i].network;
    buf_puts(out, name[0] != '\0' ? name : "none known");
}

static void own_zone(const struct screen_job *j, size_t i, struct buf *out)
{
    buf_puts(out, phone_zones(j->data, &j->work[i].s.number));
}

static void own_activity(const struct screen_job *j, size_t i, struct buf *out)
{
    buf_puts(out, j->known != NULL && j->known[i].class != NULL ? j->known[i].class : "");
}

static void problem(const struct screen_job *j, size_t i, struct buf *out)
{
    buf_puts(out, table_problem_sentence(j->batch.row[i].problem));
}

/* What of this row makes its verdict, where the sentence alone does not say it. */
static void (*const particulars[VERDICTS])(const struct screen_job *j, size_t i, struct buf *out) = {
    [VERDICT_OTHER_COUNTRY] = own_country,
    [VERDICT_OTHER_TYPE] = own_type,
    [VERDICT_OTHER_NETWORK] = own_network,
    [VERDICT_OTHER_ZONE] = own_zone,
    [VERDICT_OTHER_ACTIVITY] = own_activity,
    [VERDICT_UNKNOWN_COUNTRY] = country_text,
    [VERDICT_RAGGED] = ragged,
    [VERDICT_BROKEN_ROW] = problem,
};

/* Verdict and reason of a row, where they are not j->said. */
static void put_particular(const struct screen_job *j, size_t i, struct table_out *o)
{
    enum verdict v = (enum verdict)j->work[i].s.verdict;
    struct buf text;
    buf_init(&text, REASON_MAX);
    buf_puts(&text, verdict_sentence(v));
    buf_putc(&text, ' ');
    particulars[v](j, i, &text);
    table_out_cell(o, str_of(verdict_word(v)));
    table_out_cell(o, buf_str(&text));
    buf_done(&text);
}

/* The most frequent reason, put together in place. */
static void put_repeated(const struct screen_job *j, size_t i, struct table_out *o)
{
    char text[128];
    size_t at = sizeof text;
    struct str before = j->said[VERDICT_DUPLICATE];
    for (uint64_t n = j->seen[i].first; n > 0; n /= 10)
        text[--at] = (char)('0' + n % 10);
    at -= before.n;
    memcpy(text + at, before.p, before.n);
    table_out_ready(o, (struct str){text + at, sizeof text - at});
}

static void put_verdict(const struct screen_job *j, size_t i, struct table_out *o)
{
    const struct phone_cell *s = &j->work[i].s;
    if (s->verdict == VERDICT_DUPLICATE) {
        put_repeated(j, i, o);
    } else if (s->verdict == VERDICT_OK && s->repair != PHONE_CELL_AS_WRITTEN) {
        table_out_cell(o, str_of(verdict_word(VERDICT_OK)));
        table_out_cell(o, str_of(phone_cell_repair_sentence((enum phone_cell_repair)s->repair)));
    } else if (particulars[s->verdict] != NULL) {
        put_particular(j, i, o);
    } else {
        table_out_ready(o, j->said[s->verdict]);
    }
}

/* Both cells of every verdict that needs no particulars. */
static void prepare_verdicts(struct screen_job *j)
{
    struct buf b;
    buf_init(&b, REASON_MAX);
    for (int v = 0; v < VERDICTS; v++) {
        buf_clear(&b);
        buf_printf(&b, "%s%c", verdict_word((enum verdict)v), j->out_delimiter);
        if (v == VERDICT_DUPLICATE)
            buf_printf(&b, "%s line ", verdict_sentence(VERDICT_DUPLICATE));
        else
            table_put_cell(&b, str_of(verdict_sentence((enum verdict)v)), j->out_delimiter);
        j->said[v] = (struct str){arena_memdup(j->arena, buf_cstr(&b), b.len), b.len};
        if (j->said[v].p == NULL)
            abort();
    }
    buf_done(&b);
}

/* ---- rows ---- */

static void put_own(const struct screen_job *j, size_t i, struct table_out *o)
{
    const struct screen_work *w = &j->work[i];
    table_out_ready(o, (struct str){buf_cstr(&j->room[w->share].own) + w->at, w->n});
    put_verdict(j, i, o);
    if (j->known == NULL)
        return;
    table_out_cell(o, str_of(j->known[i].class != NULL ? j->known[i].class : ""));
    table_out_cell(o, str_of(j->known[i].score));
    table_out_cell(o, str_of(j->known[i].last_seen));
}

static void put_row(const struct screen_job *j, size_t i, struct table_out *o)
{
    const struct table_row *row = &j->batch.row[i];
    const struct table_cell *cells = &j->batch.cell[row->cell];
    size_t there = row->cells < j->width ? row->cells : j->width;
    if (row->problem >= TABLE_BROKEN) {
        table_out_cell(o, (struct str){row->p, row->n});
        there = 1;
    } else {
        table_out_cells(o, cells, there, j->delimiter);
    }
    for (size_t c = there; c < j->width; c++)
        table_out_cell(o, (struct str){"", 0});
    put_own(j, i, o);
    if (row->problem < TABLE_BROKEN && row->cells > j->header)
        table_out_cells(o, cells + j->header, row->cells - j->header, j->delimiter);
    table_out_end(o);
}

int screen_write(struct screen_job *j, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < j->batch.rows; i++) {
        const struct screen_work *w = &j->work[i];
        const struct table_row *row = &j->batch.row[i];
        rc = screen_resume_pass(j, row, e);
        if (rc != 0)
            return rc;
        struct table_out *o = w->s.verdict == VERDICT_OK || j->together ? j->good : j->bad;
        if (o != NULL)
            put_row(j, i, o);
        if (w->s.verdict == VERDICT_OK && !j->surveyed)
            rc = seen_note(j->numbers, &j->seen[i], e);
        screen_count(j->tally, &w->s, w->network, row->line);
    }
    return rc;
}

int screen_write_open(struct screen_job *j, const struct screen_point *from)
{
    bool fresh = from->line == 0;
    int rc = CMD_OK;
    j->out_delimiter = j->out_path != NULL && strcmp(j->out_path, "-") == 0 ? j->delimiter : '\0';
    if (j->out_path != NULL)
        rc = open_one(j, j->out_path, from->good, &j->good);
    if (rc == CMD_OK && j->bad_path != NULL)
        rc = open_one(j, j->bad_path, from->bad, &j->bad);
    if (rc == CMD_OK && fresh && j->good != NULL)
        write_header(j, j->good);
    if (rc == CMD_OK && fresh && j->bad != NULL)
        write_header(j, j->bad);
    if (j->out_path == NULL)
        j->out_delimiter = ',';
    prepare_verdicts(j);
    return rc;
}

/* Complete: both take their names. */
int screen_write_close(struct screen_job *j, struct err *e)
{
    int rc = j->bad != NULL ? table_out_close(j->bad, e) : 0;
    j->bad = NULL;
    if (rc == 0 && j->good != NULL) {
        rc = table_out_close(j->good, e);
        j->good = NULL;
    }
    return rc;
}

void screen_write_drop(struct screen_job *j, bool keep)
{
    if (j->good != NULL)
        table_out_drop(j->good, keep);
    if (j->bad != NULL)
        table_out_drop(j->bad, keep);
    j->good = j->bad = NULL;
}
