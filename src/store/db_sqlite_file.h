/* SPDX-License-Identifier: Apache-2.0
 * db_sqlite_file.h - the database file with nothing in it that was moved away.
 *
 * Private to db_sqlite.c and its test. */
#ifndef WL_STORE_DB_SQLITE_FILE_H
#define WL_STORE_DB_SQLITE_FILE_H

#include <stddef.h>
#include <stdint.h>

/* The name sqlite3_open_v2() is given; NULL: there was no memory for it. What it opens lies on whatever file system is
 * SQLite's default at that moment. */
const char *clean_file_system(void);

/* Where the room between the cells' places and the cells lies in this page of a file of so many bytes (-1: nobody knows); *ret_n 0: it
 * has none, or may be no page of a tree. */
void page_gap(const uint8_t *page, size_t size, int64_t offset, int64_t file, size_t *ret_at, size_t *ret_n);

#endif
