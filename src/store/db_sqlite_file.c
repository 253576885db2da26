/* SPDX-License-Identifier: Apache-2.0
 * db_sqlite_file.c - pages are written to the database file without what was moved away from them.
 *
 * SQLite overwrites what is deleted (secure_delete), but not what it copied elsewhere: when rows are spread anew over pages, the
 * room a page is left with between the places of its cells and the cells keeps their old bytes. A row that is deleted later
 * is deleted where it is by then, and the old copy stays; of two hundred rows deleted at random between twenty thousand others some
 * were found so each time. So every page of a tree has that room filled with zeros on its way to the file. SQLite never
 * reads it.
 *
 * A wrong guess would destroy what it overwrites. Overflow and free pages begin with a page number, and one that begins like a
 * page of a tree is 2^25 or greater. So nothing is cleaned in a file of half as many pages or more (64 GiB): a checkpoint
 * writes pages before the file has grown as far as they point. And a page is touched only if its header is consistent and all its cells
 * lie where they may. The log is not touched, because its
 * frames have checksums: it is emptied after an erasure, and the pages in memory are dropped with it.
 *
 * Only the main file is written so. The file stays the one the system's file system opened; its table of methods is a copy with
 * two others. */
#include "store/db_sqlite_file.h"

#include <pthread.h>
#include <stdbool.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_MAX   65536
#define PAGES_MAX  (INT64_C(1) << 24)
#define LOOSE_MAX  60   /* bytes between cells that are in no list; SQLite's limit */
#define MORE_BYTES 1024 /* of another file system's idea of a file, should it become the default later */

struct methods {
    sqlite3_io_methods mine; /* first: what a file points to */
    const sqlite3_io_methods *real;
};

static const sqlite3_io_methods *real_methods(sqlite3_file *f)
{
    return ((const struct methods *)(const void *)f->pMethods)->real;
}

static size_t two_bytes(const uint8_t *p)
{
    return (size_t)p[0] << 8 | p[1];
}

/* Whether the list of free room and all cells begin in the part where cells lie. */
static bool all_within(const uint8_t *page, size_t size, size_t head, size_t places, size_t cells, size_t content)
{
    size_t unused = two_bytes(page + head + 1);
    if ((unused != 0 && (unused < content || unused > size - 4)) || page[head + 7] > LOOSE_MAX)
        return false;
    for (size_t i = 0; i < cells; i++) {
        size_t at = two_bytes(page + places + 2 * i);
        if (at < content || at > size - 4)
            return false;
    }
    return true;
}

static bool may_tell(size_t size, int64_t offset, int64_t file)
{
    return size >= 512 && size <= PAGE_MAX && file >= 0 && (file > offset ? file : offset) / (int64_t)size < PAGES_MAX;
}

void page_gap(const uint8_t *page, size_t size, int64_t offset, int64_t file, size_t *ret_at, size_t *ret_n)
{
    size_t head = offset == 0 ? 100 : 0; /* the file's own header */
    *ret_at = *ret_n = 0;
    if (!may_tell(size, offset, file))
        return;
    uint8_t type = page[head];
    if (type != 2 && type != 5 && type != 10 && type != 13)
        return;
    size_t cells = two_bytes(page + head + 3), content = two_bytes(page + head + 5);
    size_t places = head + (type < 10 ? 12 : 8);
    size_t from = places + 2 * cells, to = content == 0 ? PAGE_MAX : content;
    if (from >= to || to > size || !all_within(page, size, head, places, cells, to))
        return;
    *ret_at = from;
    *ret_n = to - from;
}

static int write_clean(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    uint8_t page[PAGE_MAX];
    size_t gap, length;
    sqlite3_int64 file = -1;
    if (real_methods(f)->xFileSize(f, &file) != SQLITE_OK)
        file = -1;
    page_gap(p, (size_t)n, at, file, &gap, &length);
    if (length == 0)
        return real_methods(f)->xWrite(f, p, n, at);
    memcpy(page, p, (size_t)n);
    memset(page + gap, 0, length);
    return real_methods(f)->xWrite(f, page, n, at);
}

static int close_clean(sqlite3_file *f)
{
    struct methods *m = (struct methods *)(void *)(uintptr_t)f->pMethods;
    f->pMethods = m->real;
    int rc = f->pMethods->xClose(f);
    free(m);
    return rc;
}

static int open_clean(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *ret_flags)
{
    sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    if (real == NULL || real->szOsFile > v->szOsFile)
        return SQLITE_CANTOPEN;
    int rc = real->xOpen(real, name, f, flags, ret_flags);
    if (rc != SQLITE_OK || !(flags & SQLITE_OPEN_MAIN_DB) || f->pMethods == NULL)
        return rc;
    struct methods *m = malloc(sizeof *m);
    if (m == NULL) {
        f->pMethods->xClose(f);
        f->pMethods = NULL;
        return SQLITE_NOMEM;
    }
    m->mine = *f->pMethods;
    m->real = f->pMethods;
    m->mine.xWrite = write_clean;
    m->mine.xClose = close_clean;
    f->pMethods = &m->mine;
    return SQLITE_OK;
}

static sqlite3_vfs clean;

static void once(void)
{
    sqlite3_initialize();
    const sqlite3_vfs *real = sqlite3_vfs_find(NULL);
    if (real == NULL)
        return;
    clean = *real;
    clean.pNext = NULL;
    clean.zName = "wayleave";
    clean.szOsFile += MORE_BYTES;
    clean.xOpen = open_clean;
    if (sqlite3_vfs_register(&clean, 0) != SQLITE_OK)
        clean.zName = NULL;
}

const char *clean_file_system(void)
{
    static pthread_once_t first = PTHREAD_ONCE_INIT;
    pthread_once(&first, once);
    return clean.zName;
}
