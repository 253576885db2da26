/* SPDX-License-Identifier: Apache-2.0
 * import_table.c - batches of table_in.h handed out one row at a time.
 *
 * An import reads each cell's text and sends a row over the network: what it costs to copy a row's cells does not
 * count beside that. */
#include "cmd/import_table.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/columns_args.h"
#include "cmd/term.h"

struct import_table {
    struct table *table;
    struct table_batch batch;
    size_t at;  /* in the batch */
    int result; /* of the last table_next() */
    bool begun;
    struct err why;
    struct str *field;
    size_t fields;
    char *room;
    size_t room_size;
};

int import_table_open(const struct import_file *f, const struct args *a, struct import_table **ret)
{
    struct import_table *t = calloc(1, sizeof *t);
    char delimiter;
    struct err e = {0};
    if (t == NULL)
        abort();
    *ret = t;
    int rc = columns_args_delimiter(a, &delimiter);
    if (rc != CMD_OK)
        return rc;
    struct table_options o = {.path = f->name, .fd = fileno(f->in), .delimiter = delimiter};
    o.encoding = args_get(a, "encoding");
    o.sheet = args_get(a, "sheet");
    if (lseek(o.fd, 0, SEEK_SET) != 0)
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be read again", f->name);
    if (table_open(&o, &t->table, &e) != 0)
        return cmd_fail(CMD_FAILED, NULL, "%s: %s", f->name, e.text);
    return CMD_OK;
}

void import_table_close(struct import_table *t)
{
    if (t == NULL)
        return;
    table_close(t->table);
    free(t->field);
    free(t->room);
    free(t);
}

/* The texts of a row's cells, side by side in room. */
static void take(struct import_table *t, const struct table_row *row, const struct table_cell *cells,
                 struct import_row *ret)
{
    if (t->room_size < (size_t)row->n + 1) {
        t->room_size = 2 * (size_t)row->n + 1;
        free(t->room);
        t->room = malloc(t->room_size);
    }
    if (t->fields < row->cells) {
        t->fields = 2 * (size_t)row->cells;
        free(t->field);
        t->field = calloc(t->fields, sizeof *t->field);
    }
    if (t->room == NULL || (t->field == NULL && t->fields > 0))
        abort();
    char *room = t->room;
    for (size_t i = 0; i < row->cells; i++) {
        t->field[i] = table_cell_text(&cells[row->cell + i], room);
        room += cells[row->cell + i].n;
    }
    *ret = (struct import_row){.line = row->line, .n = row->cells, .field = t->field, .raw = {row->p, row->n}};
    ret->problem = row->problem;
    ret->row = row;
    ret->cells = cells;
}

void import_table_header(struct import_table *t, struct import_row *ret)
{
    const struct table_cell *cells;
    const struct table_row *row = table_header(t->table, &cells);
    take(t, row, cells, ret);
}

void import_table_no_header(struct import_table *t)
{
    table_no_header(t->table);
}

const struct table_batch *import_table_sample(struct import_table *t)
{
    if (!t->begun)
        t->result = table_next(t->table, &t->batch, &t->why);
    t->begun = true;
    return &t->batch;
}

static bool blank(const struct import_row *row)
{
    for (size_t i = 0; i < row->n; i++)
        if (row->field[i].n > 0)
            return false;
    return row->problem < TABLE_BROKEN;
}

int import_table_next(struct import_table *t, struct import_row *ret, struct err *e)
{
    import_table_sample(t);
    for (;;) {
        while (t->at < t->batch.rows) {
            take(t, &t->batch.row[t->at++], t->batch.cell, ret);
            if (!blank(ret))
                return 1;
        }
        if (t->result != 1)
            break;
        t->at = 0;
        t->result = table_next(t->table, &t->batch, &t->why);
        if (t->result != 1)
            break;
    }
    t->batch.rows = t->at = 0;
    return t->result == 0 ? 0 : err_set(e, t->result, "%s", t->why.text);
}

char import_table_delimiter(const struct import_table *t)
{
    return table_delimiter(t->table);
}

uint64_t import_table_progress(const struct import_table *t, uint64_t *ret_total)
{
    return table_progress(t->table, ret_total);
}
