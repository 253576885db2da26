/* SPDX-License-Identifier: Apache-2.0
 * split_row.h - a line as the row of a table that is imported: row 7 of its file. */
#ifndef WL_TESTS_SPLIT_ROW_H
#define WL_TESTS_SPLIT_ROW_H

#include "t.h"

#include "cmd/import_table.h"

static inline void split(const char *line, struct import_row *ret)
{
    static char text[4096 + TABLE_PADDING], room[4096];
    static struct table_row row;
    static struct table_cell cell[TABLE_CELLS_MAX];
    static struct str field[64];
    struct table_split s = {.delimiter = ',', .lines = 6};
    struct table_rows r = {.row = &row, .cell = cell, .rows_max = 1, .cells_max = TABLE_CELLS_MAX};
    size_t n = strlen(line), at = 0;
    assert_true(n < 4096);
    memset(text, 0, sizeof text);
    memcpy(text, line, n);
    table_split(&s, text, n, true, true, &r);
    assert_int_equal(r.rows, 1);
    assert_true(row.cells <= 64);
    for (size_t i = 0; i < row.cells; i++) {
        field[i] = table_cell_text(&cell[i], room + at);
        at += cell[i].n;
    }
    *ret = (struct import_row){row.line, row.cells, field, {row.p, row.n}, row.problem, &row, cell};
}

#endif
