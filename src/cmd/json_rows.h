/* SPDX-License-Identifier: Apache-2.0
 * json_rows.h - objects of an answer as rows of CSV on standard output: one column for each of the named members.
 *
 * Texts are written as they are, everything else as JSON, null as nothing; cells as table_put_cell() makes them, so that no
 * program reads a formula out of them. At most JSON_ROW_MAX bytes a row. */
#ifndef WL_CMD_JSON_ROWS_H
#define WL_CMD_JSON_ROWS_H

#include <stddef.h>

#include "base/json.h"

#define JSON_ROW_MAX 65536

/* In the place of what `out` has: a text as it is, a list of texts with commas between, null as nothing, anything else as JSON. For
 * tables whose lists are names; rows below keep a list as JSON, because there it is read back. */
void json_cell(struct json v, struct buf *out);

void json_rows_head(const char *const *columns, size_t n);
void json_rows_put(const char *const *columns, size_t n, struct json object);

#endif
