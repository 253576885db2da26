/* SPDX-License-Identifier: Apache-2.0
 * lists_rows.c - which number a row has, or why none.
 *
 * The columns are found as screening finds them (core/columns.h). A row ends in exactly one bucket; with --rejects
 * those that are not taken are written as they stood, with line and reason, to be repaired and read again. */
#include "cmd/lists_rows.h"

#include <stdlib.h>
#include <string.h>

#include "cmd/table_in.h"
#include "cmd/term.h"
#include "core/columns.h"

#define COLUMNS_BYTES (8u << 20)

static const struct {
    const char *word, *sentence;
} buckets[LISTS_BUCKETS] = {
    [LISTS_TAKEN] = {"taken", "on the list"},
    [LISTS_EMPTY] = {"empty", "there is no number in the row"},
    [LISTS_NO_NUMBER] = {"no_number", "what stands there is no phone number"},
    [LISTS_INVALID] = {"invalid", "no such range of numbers is assigned"},
    [LISTS_NO_COUNTRY] = {"no_country", "the row names a country nobody knows"},
    [LISTS_BROKEN] = {"broken", "the row itself cannot be read"},
};

const char *lists_bucket_word(enum lists_bucket b)
{
    return buckets[b].word;
}
const char *lists_bucket_sentence(enum lists_bucket b)
{
    return buckets[b].sentence;
}

struct rows {
    struct lists_reading *r;
    struct lists_in *to;
    struct columns columns;
    char *room;
    size_t room_n;
    bool rejects_begun;
};

static int judge(struct rows *x, const struct table_row *row, const struct table_cell *cells, uint64_t *ret)
{
    const struct phone_data *d = &x->r->phones.data;
    struct phone_number n;
    int column;
    if (row->problem >= TABLE_BROKEN)
        return LISTS_BROKEN;
    struct str text = columns_phone(&x->columns, row, cells, x->room, &column);
    if (text.n == 0)
        return LISTS_EMPTY;
    int region = columns_region(&x->columns, d, row, cells, x->r->region);
    phone_number_read(d, text, region < 0 ? 0 : region, &n);
    if (n.status != PHONE_OK || n.e164 == 0)
        return region < 0 ? LISTS_NO_COUNTRY : LISTS_NO_NUMBER;
    *ret = n.e164;
    return phone_number_valid(&n) || x->r->keep_invalid ? LISTS_TAKEN : LISTS_INVALID;
}

static void reject(struct rows *x, const struct table_row *row, int bucket)
{
    struct table_out *o = x->r->rejects;
    if (o == NULL)
        return;
    table_out_number(o, (int64_t)row->line);
    table_out_cell(o, str_of(bucket == LISTS_BROKEN ? table_problem_word(row->problem) : buckets[bucket].word));
    table_out_cell(o, (struct str){row->p, row->n});
    table_out_end(o);
}

static int one_row(struct rows *x, const struct table_row *row, const struct table_cell *cells, struct err *e)
{
    uint64_t number = 0;
    if (row->n > x->room_n) {
        char *more = realloc(x->room, row->n);
        if (more == NULL)
            return err_set(e, WL_ENOMEM, "out of memory for a row of %u bytes", row->n);
        x->room = more;
        x->room_n = row->n;
    }
    int bucket = judge(x, row, cells, &number);
    x->r->rows++;
    x->r->bucket[bucket]++;
    if (bucket == LISTS_TAKEN)
        return lists_in_add(x->to, number, e);
    reject(x, row, bucket);
    return 0;
}

/* What the columns are: from the header, or from the first row being people. */
static int find_columns(struct rows *x, struct table *t, struct arena *a, struct err *e)
{
    const struct table_cell *cells;
    const struct phone_data *d = &x->r->phones.data;
    const struct table_row *header = table_header(t, &cells);
    if (!columns_is_data(d, x->r->region, header, cells))
        return columns_read(a, header, cells, &x->columns, e);
    table_no_header(t);
    return columns_headless(a, header->cells, &x->columns, e);
}

static void tell(struct rows *x, struct table *t)
{
    uint64_t total, done = table_progress(t, &total);
    progress_tell(&x->r->progress, done, total, x->r->rows);
}

static int no_column(struct err *e)
{
    return err_set(e, WL_EINVAL, "no column holds phone numbers (--region says which country those without + are of)");
}

static int read_rows(struct rows *x, struct table *t, struct err *e)
{
    struct table_batch b;
    int rc = 0;
    bool looked = false;
    while (rc == 0 && (rc = table_next(t, &b, e)) == 1) {
        if (!looked)
            columns_look(&x->columns, &x->r->phones.data, x->r->region, &b);
        if (!looked && x->columns.phones == 0)
            return no_column(e);
        looked = true;
        rc = 0;
        for (size_t i = 0; i < b.rows && rc == 0; i++)
            rc = one_row(x, &b.row[i], b.cell, e);
        tell(x, t);
    }
    return rc == 0 && x->columns.phones == 0 ? no_column(e) : rc;
}

int lists_rows_read(struct lists_reading *r, const char *path, struct lists_in *to, struct err *e)
{
    struct rows x = {.r = r, .to = to};
    struct table *t = NULL;
    struct arena *a = arena_create(COLUMNS_BYTES);
    int rc = a == NULL ? err_set(e, WL_ENOMEM, "out of memory for a table") : 0;
    if (rc == 0)
        rc = table_open(&(struct table_options){.path = path}, &t, e);
    if (rc == 0)
        rc = find_columns(&x, t, a, e);
    if (rc == 0)
        rc = read_rows(&x, t, e);
    free(x.room);
    table_close(t);
    arena_free(a);
    return rc == 0 || str_starts(str_of(e->text), str_of(path)) ? rc : err_prefix(e, "%s", path);
}

/* ---- how tables are read */

int lists_reading_begin(const struct args *a, struct lists_reading *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->run = LISTS_RUN;
    ret->quiet = args_has(a, "quiet");
    ret->keep_invalid = args_has(a, "keep-invalid");
    int rc = phone_tables_open(a, &ret->phones);
    if (rc == CMD_OK)
        rc = phone_tables_region(a, &ret->phones, &ret->region);
    progress_begin(&ret->progress, "rows", ret->quiet);
    return rc;
}

void lists_reading_end(struct lists_reading *r)
{
    progress_end(&r->progress);
    table_out_drop(r->rejects, false);
    phone_tables_close(&r->phones);
}
