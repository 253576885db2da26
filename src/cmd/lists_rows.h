/* SPDX-License-Identifier: Apache-2.0
 * lists_rows.h - the rows of a table put on a list: for lists_in.c.
 *
 * Between them: lists_rows.c reads a table and judges each row, lists_in.c keeps the numbers. */
#ifndef WL_CMD_LISTS_ROWS_H
#define WL_CMD_LISTS_ROWS_H

#include "cmd/lists_in.h"

/* Reads the table and adds its numbers. fd: the open file, which stays the caller's; 0: standard input. */
int lists_rows_read(struct lists_reading *r, const char *path, int fd, struct lists_in *to, struct err *e);
int lists_in_add(struct lists_in *in, uint64_t number, struct err *e); /* lists_in.c */

#endif
