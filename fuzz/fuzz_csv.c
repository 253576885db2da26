/* SPDX-License-Identifier: Apache-2.0
 * fuzz_csv.c - any bytes as a CSV file: every row ends, lines rise, and a field written is the field read.
 *
 * The first byte says how many bytes a read gives, so that boundaries fall everywhere. What was read is written with
 * csv_put() and read again: the same fields must come back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/csv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct text {
    struct str s;
    size_t step;
};

static size_t read_text(void *from, char *p, size_t n)
{
    struct text *t = from;
    n = n < t->step ? n : t->step;
    n = n < t->s.n ? n : t->s.n;
    if (n > 0)
        memcpy(p, t->s.p, n);
    t->s.p += n;
    t->s.n -= n;
    return n;
}

static void read_again(struct csv *c, const struct csv_row *row)
{
    struct buf b;
    struct csv_row again;
    struct err e = {0};
    buf_init(&b, 4 * CSV_ROW_BYTES);
    /* The delimiter first, so that the reader finds it out; then a line of its own for the row. */
    buf_printf(&b, "h%ch\n\"\"%c", csv_delimiter(c), csv_delimiter(c));
    for (size_t i = 0; i < row->n; i++) {
        csv_put(&b, row->field[i], csv_delimiter(c));
        if (i + 1 < row->n)
            buf_putc(&b, csv_delimiter(c));
    }
    buf_putc(&b, '\n');
    struct text t = {buf_str(&b), 4096};
    struct csv *second = csv_open(read_text, &t);
    int ok = csv_next(second, &again, &e) == 1 && csv_next(second, &again, &e) == 1 && again.n == row->n + 1;
    for (size_t i = 0; ok && i < row->n; i++)
        ok = str_eq(row->field[i], again.field[i + 1]);
    if (!ok)
        abort();
    csv_free(second);
    buf_done(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct text t = {{(const char *)data + 1, size - 1}, (size_t)data[0] + 1};
    struct csv *c = csv_open(read_text, &t);
    struct csv_row row;
    struct err e = {0};
    int rc, line = 0;
    size_t rows = 0;
    while ((rc = csv_next(c, &row, &e)) != 0) {
        if (row.line <= line)
            abort(); /* a row begins where an earlier one did: reading would never end */
        line = row.line;
        bool plain =
            csv_delimiter(c) == ',' || csv_delimiter(c) == ';' || csv_delimiter(c) == '\t' || csv_delimiter(c) == '|';
        if (rc == 1 && plain && row.n < CSV_FIELDS && row.raw.n < CSV_ROW_BYTES / 4 && rows++ < 16)
            read_again(c, &row);
    }
    csv_free(c);
    return 0;
}
