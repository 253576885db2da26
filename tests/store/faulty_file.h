/* SPDX-License-Identifier: Apache-2.0
 * faulty_file.h - a thin file system under SQLite that fails the Nth write, after writing half of it, or the Nth sync.
 *
 * install_faults() puts it in the place of the real one for the whole program; arm() says what fails next, once. One file of a program may
 * include it. */
#ifndef WL_TESTS_FAULTY_FILE_H
#define WL_TESTS_FAULTY_FILE_H

#include "t.h"

#include <sqlite3.h>
#include <stdbool.h>

enum fault { NO_FAULT, FAULT_WRITE, FAULT_SYNC };

static struct {
    enum fault kind;
    int countdown;
    bool fired;
} armed;

struct faulty_file {
    sqlite3_file base;
    sqlite3_file *real; /* behind this structure */
};

static sqlite3_vfs *real_vfs;
static sqlite3_vfs faulty_vfs;
static sqlite3_io_methods faulty_methods;

static bool fails_now(enum fault kind)
{
    if (armed.kind != kind || armed.fired || --armed.countdown > 0)
        return false;
    armed.fired = true;
    return true;
}

static sqlite3_file *real_of(sqlite3_file *f)
{
    return ((struct faulty_file *)f)->real;
}

#define PASS(f, method, ...) real_of(f)->pMethods->method(real_of(f) __VA_OPT__(, ) __VA_ARGS__)

static int f_close(sqlite3_file *f)
{
    return PASS(f, xClose);
}
static int f_read(sqlite3_file *f, void *p, int n, sqlite3_int64 at)
{
    return PASS(f, xRead, p, n, at);
}
static int f_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 at)
{
    if (!fails_now(FAULT_WRITE))
        return PASS(f, xWrite, p, n, at);
    PASS(f, xWrite, p, n / 2, at);
    return SQLITE_IOERR_WRITE;
}
static int f_truncate(sqlite3_file *f, sqlite3_int64 n)
{
    return PASS(f, xTruncate, n);
}
static int f_sync(sqlite3_file *f, int flags)
{
    return fails_now(FAULT_SYNC) ? SQLITE_IOERR_FSYNC : PASS(f, xSync, flags);
}
static int f_size(sqlite3_file *f, sqlite3_int64 *n)
{
    return PASS(f, xFileSize, n);
}
static int f_lock(sqlite3_file *f, int how)
{
    return PASS(f, xLock, how);
}
static int f_unlock(sqlite3_file *f, int how)
{
    return PASS(f, xUnlock, how);
}
static int f_reserved(sqlite3_file *f, int *out)
{
    return PASS(f, xCheckReservedLock, out);
}
static int f_control(sqlite3_file *f, int op, void *arg)
{
    return PASS(f, xFileControl, op, arg);
}
static int f_sector(sqlite3_file *f)
{
    return PASS(f, xSectorSize);
}
static int f_device(sqlite3_file *f)
{
    return PASS(f, xDeviceCharacteristics);
}
static int f_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
    return PASS(f, xShmMap, page, size, extend, out);
}
static int f_shm_lock(sqlite3_file *f, int at, int n, int flags)
{
    return PASS(f, xShmLock, at, n, flags);
}
static void f_shm_barrier(sqlite3_file *f)
{
    PASS(f, xShmBarrier);
}
static int f_shm_unmap(sqlite3_file *f, int del)
{
    return PASS(f, xShmUnmap, del);
}

static int v_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
    struct faulty_file *file = (struct faulty_file *)f;
    (void)v;
    file->real = (sqlite3_file *)(file + 1);
    int rc = real_vfs->xOpen(real_vfs, name, file->real, flags, out);
    f->pMethods = file->real->pMethods ? &faulty_methods : NULL;
    return rc;
}

static inline void install_faults(void)
{
    if (real_vfs != NULL)
        return;
    real_vfs = sqlite3_vfs_find(NULL);
    faulty_vfs = *real_vfs;
    faulty_vfs.szOsFile = (int)sizeof(struct faulty_file) + real_vfs->szOsFile;
    faulty_vfs.zName = "faulty";
    faulty_vfs.pNext = NULL;
    faulty_vfs.xOpen = v_open;
    faulty_methods =
        (sqlite3_io_methods){2,          f_close,       f_read,      f_write,   f_truncate, f_sync,   f_size,
                             f_lock,     f_unlock,      f_reserved,  f_control, f_sector,   f_device, f_shm_map,
                             f_shm_lock, f_shm_barrier, f_shm_unmap, NULL,      NULL};
    assert_int_equal(sqlite3_vfs_register(&faulty_vfs, 1), SQLITE_OK);
}

static inline void arm(enum fault kind, int n)
{
    armed.kind = kind;
    armed.countdown = n;
    armed.fired = false;
}

#endif
