/* SPDX-License-Identifier: Apache-2.0
 * json_rows.c - see json_rows.h.
 *
 * A row is put together before it is written, so that a member is never half of one. Whether standard output took what was
 * written is for the caller to ask, once a page: here nothing fails. */
#include "cmd/json_rows.h"

#include <stdio.h>

#include "cmd/table_out.h"

void json_cell(struct json v, struct buf *out)
{
    struct str text;
    buf_clear(out);
    if (json_str(v, &text)) {
        buf_putstr(out, text);
    } else if (json_type(v) == JSON_ARRAY) {
        for (struct json_iter it = json_iter(v); json_next(&it);) {
            buf_puts(out, out->len > 0 ? "," : "");
            buf_putstr(out, json_str_or(it.value, STR("")));
        }
    } else if (json_type(v) > JSON_NULL) {
        json_write_value(out, v);
    }
}

void json_rows_head(const char *const *columns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        printf("%s%s", i > 0 ? "," : "", columns[i]);
    putchar('\n');
}

void json_rows_put(const char *const *columns, size_t n, struct json object)
{
    struct buf line, cell;
    buf_init(&line, JSON_ROW_MAX);
    buf_init(&cell, JSON_ROW_MAX);
    for (size_t i = 0; i < n; i++) {
        struct json member = json_get(object, columns[i]);
        struct str text = {"", 0};
        buf_clear(&cell);
        if (json_type(member) > JSON_NULL && !json_str(member, &text)) {
            json_write_value(&cell, member);
            text = buf_str(&cell);
        }
        if (i > 0)
            buf_putc(&line, ',');
        table_put_cell(&line, text, ',');
    }
    fwrite(buf_cstr(&line), 1, line.len, stdout);
    putchar('\n');
    buf_done(&cell);
    buf_done(&line);
}
