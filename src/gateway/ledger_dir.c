/* SPDX-License-Identifier: Apache-2.0
 * ledger_dir.c - files of the published log: written beside their place, synced, renamed, and their folders synced.
 *
 * A few files are synced one by one. Many, after an import, are put on the disk by one sync of the file system: that is
 * hundreds of waits less. A narrow tile is found by looking into its folder, because which widths there are depends on when
 * checkpoints were made. */
#include "gateway/ledger_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/note.h"

#define FEW        8
#define CHECKPOINT "checkpoint"
#define BESIDE     ".new"

static int io_error(const struct ledger_dir *d, const char *name, struct err *e)
{
    return err_set(e, errno == ENOENT ? WL_ENOTFOUND : WL_EIO, "%s/%s: %s", d->path, name, strerror(errno));
}

int ledger_dir_open(struct ledger_dir *d, const char *path, bool make, struct err *e)
{
    d->fd = -1;
    snprintf(d->path, sizeof d->path, "%s", path);
    if (make && mkdir(path, 0755) != 0 && errno != EEXIST)
        return err_set(e, WL_EIO, "%s: %s", path, strerror(errno));
    d->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return d->fd >= 0 ? 0 : err_set(e, errno == ENOENT ? WL_ENOTFOUND : WL_EIO, "%s: %s", path, strerror(errno));
}

void ledger_dir_done(struct ledger_dir *d)
{
    if (d->fd >= 0)
        close(d->fd);
    d->fd = -1;
}

/* --- reading ------------------------------------------------------------------------------------------------------- */

/* Up to max bytes; -1 with errno. */
static ssize_t read_all(int fd, uint8_t *out, size_t max)
{
    size_t n = 0;
    while (n < max) {
        ssize_t got = read(fd, out + n, max - n);
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            return -1;
        if (got == 0)
            break;
        n += (size_t)got;
    }
    return (ssize_t)n;
}

int ledger_dir_read(const struct ledger_dir *d, const char *name, void *out, size_t max, size_t *ret_n, struct err *e)
{
    uint8_t more;
    int fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return io_error(d, name, e);
    ssize_t n = read_all(fd, out, max);
    bool longer = n == (ssize_t)max && read(fd, &more, 1) == 1;
    int rc = n < 0 ? io_error(d, name, e) : 0;
    close(fd);
    if (rc == 0 && longer)
        return err_set(e, WL_ECORRUPT, "%s/%s is longer than it can be", d->path, name);
    if (rc == 0)
        *ret_n = (size_t)n;
    return rc;
}

int ledger_dir_checkpoint(const struct ledger_dir *d, struct arena *a, struct str *ret, struct err *e)
{
    char *text = arena_alloc(a, NOTE_MAX);
    if (text == NULL)
        return err_set(e, WL_ENOMEM, "a checkpoint does not fit its memory");
    *ret = (struct str){text, 0};
    return ledger_dir_read(d, CHECKPOINT, text, NOTE_MAX, &ret->n, e);
}

static size_t length_of(const struct tlog_tile *t, bool entries)
{
    return (size_t)t->width * (entries ? LEDGER_BUNDLE_ENTRY : sizeof(struct tlog_hash));
}

int ledger_dir_exact(const struct ledger_dir *d, const struct tlog_tile *tile, bool entries, void *out, size_t *ret_n,
                     struct err *e)
{
    char name[TLOG_PATH_MAX];
    tlog_tile_path(tile, entries, name);
    int rc = ledger_dir_read(d, name, out, length_of(tile, entries), ret_n, e);
    if (rc == 0 && *ret_n != length_of(tile, entries))
        return err_set(e, WL_ECORRUPT, "%s/%s has %zu bytes instead of %zu", d->path, name, *ret_n,
                       length_of(tile, entries));
    return rc;
}

/* "17", as in tile/0/001.p/17; 0: it is none. */
static int width_of(const char *name)
{
    int64_t v;
    return str_i64(str_of(name), &v) && v > 0 && v < TLOG_TILE ? (int)v : 0;
}

/* The folder of a tile's narrow forms; false: there is none. */
static bool open_narrow(const struct ledger_dir *d, const struct tlog_tile *tile, bool entries, DIR **ret)
{
    char name[TLOG_PATH_MAX];
    struct tlog_tile one = {tile->level, tile->n, 1};
    tlog_tile_path(&one, entries, name);
    *strrchr(name, '/') = '\0';
    int fd = openat(d->fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    *ret = fd >= 0 ? fdopendir(fd) : NULL;
    if (fd >= 0 && *ret == NULL)
        close(fd);
    return *ret != NULL;
}

/* The widest of its narrow forms; 0: there is none. */
static int widest(const struct ledger_dir *d, const struct tlog_tile *tile)
{
    int most = 0;
    DIR *folder;
    if (!open_narrow(d, tile, false, &folder))
        return 0;
    for (const struct dirent *f; (f = readdir(folder)) != NULL;)
        most = width_of(f->d_name) > most ? width_of(f->d_name) : most;
    closedir(folder);
    return most;
}

int ledger_dir_tile(void *ctx, const struct tlog_tile *tile, struct tlog_hash ret[TLOG_TILE], struct err *e)
{
    const struct ledger_dir *d = ctx;
    struct tlog_tile t = *tile;
    size_t n;
    int rc = ledger_dir_exact(d, &t, false, ret, &n, e);
    if (rc != WL_ENOTFOUND || t.width == TLOG_TILE)
        return rc;
    t.width = TLOG_TILE;
    rc = ledger_dir_exact(d, &t, false, ret, &n, NULL);
    if (rc != WL_ENOTFOUND)
        return rc;
    t.width = widest(d, tile);
    return t.width > tile->width ? ledger_dir_exact(d, &t, false, ret, &n, e) : WL_ENOTFOUND;
}

/* --- paths from outside ---------------------------------------------------------------------------------------------- */

/* The number in "x001/x234/067"; where x and '/' stand is looked at by whoever writes it anew. */
static bool read_number(struct str s, int64_t *ret)
{
    int64_t v = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == 'x' || c == '/')
            continue;
        if (c < '0' || c > '9' || v > (INT64_MAX - 9) / 10)
            return false;
        v = v * 10 + (c - '0');
    }
    *ret = v;
    return s.n > 0;
}

/* Cuts ".p/17" off; false: it has no width it may have. */
static bool cut_width(struct str *s, int *ret)
{
    *ret = TLOG_TILE;
    for (size_t i = 0; i + 3 <= s->n; i++) {
        int64_t v;
        if (memcmp(s->p + i, ".p/", 3) != 0)
            continue;
        if (!str_i64((struct str){s->p + i + 3, s->n - i - 3}, &v) || v < 1 || v >= TLOG_TILE)
            return false;
        *ret = (int)v;
        s->n = i;
        return true;
    }
    return true;
}

/* Read loosely, then written anew: only the one spelling is what was read. */
bool ledger_path_parse(struct str path, struct tlog_tile *ret, bool *ret_entries)
{
    char same[TLOG_PATH_MAX];
    struct str rest, level;
    struct tlog_tile t = {0};
    int64_t v = 0;
    if (path.n >= sizeof same || !str_eq(str_cut(path, '/', &rest), STR("tile")))
        return false;
    level = str_cut(rest, '/', &rest);
    bool entries = str_eq(level, STR("entries"));
    if (!entries && (!str_i64(level, &v) || v < 0 || v > 7))
        return false;
    t.level = (int)v;
    if (!cut_width(&rest, &t.width) || !read_number(rest, &t.n))
        return false;
    tlog_tile_path(&t, entries, same);
    if (!str_eq(path, str_of(same)))
        return false;
    *ret = t;
    *ret_entries = entries;
    return true;
}

/* --- writing ------------------------------------------------------------------------------------------------------- */

/* Makes the folders on the way to a file; each is on the disk before what lies in it. */
static int make_folders(const struct ledger_dir *d, const char *name, struct err *e)
{
    char path[TLOG_PATH_MAX + sizeof BESIDE];
    int above = dup(d->fd);
    if (above < 0)
        return io_error(d, name, e);
    snprintf(path, sizeof path, "%s", name);
    for (char *at = path, *slash; (slash = strchr(at, '/')) != NULL; at = slash + 1) {
        *slash = '\0';
        bool made = mkdirat(above, at, 0755) == 0;
        int inside = made || errno == EEXIST ? openat(above, at, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
        if (inside < 0 || (made && fsync(above) != 0)) {
            int rc = io_error(d, name, e);
            close(above);
            return rc == WL_ENOTFOUND ? WL_EIO : rc;
        }
        close(above);
        above = inside;
    }
    close(above);
    return 0;
}

static int write_bytes(const struct ledger_dir *d, int fd, const char *name, const uint8_t *p, size_t n, struct err *e)
{
    while (n > 0) {
        ssize_t wrote = write(fd, p, n);
        if (wrote < 0 && errno == EINTR)
            continue;
        if (wrote < 0)
            return io_error(d, name, e);
        p += wrote;
        n -= (size_t)wrote;
    }
    return 0;
}

static int write_beside(const struct ledger_dir *d, const char *name, const void *bytes, size_t n, struct err *e)
{
    char beside[TLOG_PATH_MAX + sizeof BESIDE];
    snprintf(beside, sizeof beside, "%s%s", name, BESIDE);
    int fd = openat(d->fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0 && errno == ENOENT) {
        int rc = make_folders(d, name, e);
        if (rc != 0)
            return rc;
        fd = openat(d->fd, beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    }
    if (fd < 0)
        return io_error(d, beside, e);
    int rc = write_bytes(d, fd, beside, bytes, n, e);
    if (close(fd) != 0 && rc == 0)
        rc = io_error(d, beside, e);
    return rc;
}

/* Whether the file, or the folder, is on the disk afterwards. */
static int sync_one(const struct ledger_dir *d, const char *name, struct err *e)
{
    int fd = openat(d->fd, name, O_RDONLY | O_CLOEXEC);
    int rc = fd >= 0 && fsync(fd) == 0 ? 0 : io_error(d, name, e);
    if (fd >= 0)
        close(fd);
    return rc;
}

static int sync_beside(const struct ledger_dir *d, const char *name, struct err *e)
{
    char beside[TLOG_PATH_MAX + sizeof BESIDE];
    snprintf(beside, sizeof beside, "%s%s", name, BESIDE);
    return sync_one(d, beside, e);
}

static int sync_folder(const struct ledger_dir *d, const char *name, struct err *e)
{
    char folder[TLOG_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", name);
    char *slash = strrchr(folder, '/');
    if (slash == NULL)
        return fsync(d->fd) == 0 ? 0 : io_error(d, ".", e);
    *slash = '\0';
    return sync_one(d, folder, e);
}

static int move_in(const struct ledger_dir *d, const char *name, struct err *e)
{
    char beside[TLOG_PATH_MAX + sizeof BESIDE];
    snprintf(beside, sizeof beside, "%s%s", name, BESIDE);
    return renameat(d->fd, beside, d->fd, name) == 0 ? 0 : io_error(d, name, e);
}

int ledger_dir_put(const struct ledger_dir *d, const char *name, struct str bytes, struct err *e)
{
    int rc = write_beside(d, name, bytes.p, bytes.n, e);
    if (rc == 0)
        rc = sync_beside(d, name, e);
    if (rc == 0)
        rc = move_in(d, name, e);
    return rc == 0 ? sync_folder(d, name, e) : rc;
}

int ledger_dir_put_checkpoint(const struct ledger_dir *d, struct str note, struct err *e)
{
    return ledger_dir_put(d, CHECKPOINT, note, e);
}

int ledger_dir_begin(const struct ledger_dir *d, const struct ledger_file *f, const void *bytes, size_t n,
                     struct err *e)
{
    char name[TLOG_PATH_MAX];
    tlog_tile_path(&f->tile, f->entries, name);
    return write_beside(d, name, bytes, n, e);
}

typedef int of_name(const struct ledger_dir *d, const char *name, struct err *e);

static int each(const struct ledger_dir *d, const struct ledger_file *f, size_t n, of_name *act, struct err *e)
{
    char name[TLOG_PATH_MAX];
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++) {
        tlog_tile_path(&f[i].tile, f[i].entries, name);
        rc = act(d, name, e);
    }
    return rc;
}

/* What is left of a tile's narrow forms is in nobody's way: nothing here fails. */
static void drop_narrow(const struct ledger_dir *d, const struct ledger_file *f)
{
    char name[TLOG_PATH_MAX];
    struct tlog_tile one = {f->tile.level, f->tile.n, 1};
    DIR *folder;
    if (f->tile.width < TLOG_TILE || !open_narrow(d, &f->tile, f->entries, &folder))
        return;
    for (const struct dirent *file; (file = readdir(folder)) != NULL;)
        if (file->d_name[0] != '.')
            (void)unlinkat(dirfd(folder), file->d_name, 0);
    closedir(folder);
    tlog_tile_path(&one, f->entries, name);
    *strrchr(name, '/') = '\0';
    (void)unlinkat(d->fd, name, AT_REMOVEDIR);
}

int ledger_dir_finish(const struct ledger_dir *d, const struct ledger_file *f, size_t n, struct err *e)
{
    bool few = n <= FEW;
    int rc = few ? each(d, f, n, sync_beside, e) : syncfs(d->fd) == 0 ? 0 : io_error(d, ".", e);
    if (rc == 0)
        rc = each(d, f, n, move_in, e);
    if (rc == 0)
        rc = few ? each(d, f, n, sync_folder, e) : syncfs(d->fd) == 0 ? 0 : io_error(d, ".", e);
    for (size_t i = 0; i < n && rc == 0; i++)
        drop_narrow(d, &f[i]);
    return rc;
}
