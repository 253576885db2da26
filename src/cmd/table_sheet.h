/* SPDX-License-Identifier: Apache-2.0
 * table_sheet.h - a sheet of an XLSX workbook, as CSV text: what the cells hold, not how they are shown.
 *
 * Numbers keep all their digits (a cell shown as 4.9E+11 holds 491701234567), dates become 2026-01-31 or
 * 2026-01-31T09:30:00, formulas the value they had when the file was saved. One row of the sheet is one line. */
#ifndef WL_CMD_TABLE_SHEET_H
#define WL_CMD_TABLE_SHEET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct table_sheet;

/* fd: a file that can be sought; not closed. sheet: its name; NULL: the first one that is not hidden. WL_EINVAL: no workbook, no such sheet. */
int table_sheet_open(int fd, const char *sheet, struct table_sheet **ret, struct err *e);
void table_sheet_close(struct table_sheet *s); /* accepts NULL */
/* Up to n bytes of CSV text; *ret 0 at the end. What came before an error is handed out before it. */
int table_sheet_read(struct table_sheet *s, char *p, size_t n, size_t *ret, struct err *e);
/* Whether this row (of those read) has cells out of order, or a cell whose text is not in the workbook. */
bool table_sheet_bad(const struct table_sheet *s, uint64_t row);
/* For people: "People", "Notes" (hidden). */
const char *table_sheet_names(const struct table_sheet *s);

#endif
