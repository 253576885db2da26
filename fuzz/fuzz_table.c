/* SPDX-License-Identifier: Apache-2.0
 * fuzz_table.c - any bytes as a table: the same rows in whatever blocks they come, and names of columns are read.
 *
 * The first byte says how large blocks are, the second the delimiter. The same bytes in one piece must give the same
 * rows. What table_cell_text() makes of a cell is within the cell's length. The first row is read as a header, the
 * others for what columns hold. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/columns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct table_row row[2][64];
static struct table_cell cell[2][TABLE_CELLS_MAX];
static char room[1u << 16];

/* A sum over all that rows say. */
static uint64_t mix(uint64_t h, uint64_t v)
{
    return (h ^ v) * 0x100000001B3ull;
}

static uint64_t sum_row(uint64_t h, const struct table_row *r, const struct table_cell *c)
{
    h = mix(mix(mix(h, r->line), r->at), r->n);
    h = mix(mix(h, r->cells), (uint64_t)r->problem);
    for (size_t i = 0; i < r->cells; i++) {
        const struct table_cell *w = &c[r->cell + i];
        struct str s = table_cell_text(w, room);
        if (w->p < r->p || w->p + w->n > r->p + r->n || s.n > w->n)
            abort();
        h = mix(mix(h, (uint64_t)(w->p - r->p)), mix(w->n, w->flags));
    }
    return h;
}

static uint64_t split_all(const char *p, size_t n, char delimiter, size_t step, int which)
{
    struct table_split s = {.delimiter = delimiter};
    struct table_rows r = {.row = row[which],
                           .cell = cell[which],
                           .rows_max = 1 + step % 64,
                           .cells_max = TABLE_CELLS_MAX};
    size_t at = 0, end = 0, covered = 0;
    uint64_t h = 0;
    for (;;) {
        size_t used = table_split(&s, p + at, end - at, end == n, true, &r);
        for (size_t i = 0; i < r.rows; i++) {
            if (row[which][i].at < covered)
                abort();
            covered = row[which][i].at + row[which][i].n;
            h = sum_row(h, &row[which][i], cell[which]);
        }
        at += used;
        if (at == n && end == n)
            return h;
        if (used == 0 && end == n)
            abort();
        if (used == 0)
            end = n - end < step ? n : end + step;
    }
}

static void read_header(const char *p, size_t n, char delimiter)
{
    static struct phone_data plans;
    struct table_split s = {.delimiter = delimiter};
    struct table_rows r = {.row = row[0], .cell = cell[0], .rows_max = 64, .cells_max = TABLE_CELLS_MAX};
    struct arena *a = arena_create(4u << 20);
    struct columns c;
    struct buf b;
    if (plans.head == NULL)
        phone_data_builtin(&plans);
    buf_init(&b, 1u << 16);
    table_split(&s, p, n, true, true, &r);
    struct table_batch rest = {row[0] + 1, cell[0], r.rows > 0 ? r.rows - 1 : 0};
    if (a != NULL && r.rows > 0 && columns_read(a, row[0], cell[0], &c, NULL) == 0) {
        columns_look(&c, &plans, 0, &rest);
        columns_say(&c, &b);
        for (size_t i = 0; i < rest.rows; i++)
            columns_ragged(&c, &plans, &rest.row[i], rest.cell, 0, &b);
    }
    buf_done(&b);
    arena_free(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char delimiters[] = ",;\t|";
    if (size < 2 || size > sizeof room - 4)
        return 0;
    size_t n = size - 2;
    char *p = calloc(1, n + TABLE_PADDING), delimiter = delimiters[data[1] % 4];
    if (p == NULL)
        abort();
    memcpy(p, data + 2, n);
    if (split_all(p, n, delimiter, (size_t)data[0] + 1, 0) != split_all(p, n, delimiter, n + 1, 1))
        abort();
    table_sniff(p, n);
    table_live((struct str){p, n});
    read_header(p, n, delimiter);
    free(p);
    return 0;
}
