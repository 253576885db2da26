/* SPDX-License-Identifier: Apache-2.0
 * table_out.c - cells put together in a block, packed block by block, written to a file that has no name yet.
 *
 * Cells as they were read are copied with what stands between them in one piece, up to the first that a spreadsheet
 * would compute. A flush ends the gzip member or zstd frame, so that a file cut off there is a right file, and so is
 * one that goes on behind it. What is no regular file (a pipe, /dev/null) is written as it comes. */
#include "cmd/table_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "cmd/fresh_file.h"
#include "cmd/table_bytes.h"

#define BLOCK_BYTES (256u << 10)
#define GZIP_LEVEL  4
#define ZSTD_LEVEL  3

struct table_out {
    int fd;
    char *path, *part;      /* part: NULL where there is none */
    struct fresh_file file; /* or this, whose descriptor fd is then */
    char delimiter;
    bool begun; /* a cell of this row is written */
    enum table_packing packing;
    z_stream gzip;
    ZSTD_CStream *zstd;
    uint64_t at; /* bytes in the file */
    int failed;
    struct err why;
    size_t n;
    char block[BLOCK_BYTES];
    char packed[BLOCK_BYTES];
};

/* --- bytes ------------------------------------------------------------------------------------------------------------ */

static void fail(struct table_out *o, const char *what)
{
    if (o->failed == 0)
        o->failed = err_set(&o->why, WL_EIO, "%s: %s", what, strerror(errno));
}

static void write_fd(struct table_out *o, const char *p, size_t n)
{
    while (n > 0 && o->failed == 0) {
        ssize_t k = write(o->fd, p, n);
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0) {
            fail(o, "it cannot be written");
            return;
        }
        o->at += (uint64_t)k;
        p += k;
        n -= (size_t)k;
    }
}

static void pack_gzip(struct table_out *o, const char *p, size_t n, bool end)
{
    z_stream *z = &o->gzip;
    int rc = Z_OK;
    z->next_in = (Bytef *)p;
    z->avail_in = (uInt)n;
    do {
        z->next_out = (Bytef *)o->packed;
        z->avail_out = sizeof o->packed;
        rc = deflate(z, end ? Z_FINISH : Z_NO_FLUSH);
        write_fd(o, o->packed, sizeof o->packed - z->avail_out);
    } while (rc == Z_OK && o->failed == 0 && (z->avail_in > 0 || z->avail_out == 0 || end));
    if (end)
        deflateReset(z);
}

static void pack_zstd(struct table_out *o, const char *p, size_t n, bool end)
{
    ZSTD_inBuffer in = {p, n, 0};
    size_t left;
    do {
        ZSTD_outBuffer out = {o->packed, sizeof o->packed, 0};
        left = ZSTD_compressStream2(o->zstd, &out, &in, end ? ZSTD_e_end : ZSTD_e_continue);
        write_fd(o, o->packed, out.pos);
    } while (!ZSTD_isError(left) && o->failed == 0 && (in.pos < in.size || (end && left > 0)));
    if (ZSTD_isError(left) && o->failed == 0)
        o->failed = err_set(&o->why, WL_EIO, "it cannot be packed: %s", ZSTD_getErrorName(left));
}

static void pack(struct table_out *o, const char *p, size_t n, bool end)
{
    if (o->packing == PACKING_GZIP)
        pack_gzip(o, p, n, end);
    else if (o->packing == PACKING_ZSTD)
        pack_zstd(o, p, n, end);
    else
        write_fd(o, p, n);
}

static void write_block(struct table_out *o)
{
    if (o->n > 0)
        pack(o, o->block, o->n, false);
    o->n = 0;
}

static void put_slow(struct table_out *o, const char *p, size_t n)
{
    write_block(o);
    if (n > sizeof o->block) {
        for (size_t i = 0; i < n; i += sizeof o->block)
            pack(o, p + i, n - i < sizeof o->block ? n - i : sizeof o->block, false);
        return;
    }
    memcpy(o->block, p, n);
    o->n = n;
}

static inline void put(struct table_out *o, const char *p, size_t n)
{
    if (n > sizeof o->block - o->n) {
        put_slow(o, p, n);
        return;
    }
    if (n > 0)
        memcpy(o->block + o->n, p, n);
    o->n += n;
}

/* --- cells ------------------------------------------------------------------------------------------------------------ */

/* First bytes of cells that table_live() has to look at. */
static const bool suspicious[256] = {['='] = true,  ['@'] = true,  ['+'] = true, ['-'] = true, ['\t'] = true,
                                     ['\r'] = true, ['\n'] = true, [' '] = true, [0xEF] = true};

static inline bool is_live(const char *p, size_t n)
{
    return n > 0 && suspicious[(unsigned char)p[0]] && table_live((struct str){p, n});
}

static bool needs_quotes(struct str s, char delimiter)
{
    if (s.n > 0 && (s.p[0] == ' ' || s.p[s.n - 1] == ' '))
        return true;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '"' || s.p[i] == '\n' || s.p[i] == '\r' || s.p[i] == delimiter)
            return true;
    return false;
}

/* One text as a cell, through whatever takes bytes. */
static void write_cell(struct str s, char delimiter, void (*to)(void *, const char *, size_t), void *of)
{
    bool live = is_live(s.p, s.n);
    if (!live && !needs_quotes(s, delimiter)) {
        to(of, s.p, s.n);
        return;
    }
    to(of, live ? "\"'" : "\"", live ? 2 : 1);
    while (s.n > 0) {
        const char *quote = memchr(s.p, '"', s.n);
        size_t n = quote != NULL ? (size_t)(quote - s.p) + 1 : s.n;
        to(of, s.p, n);
        if (quote != NULL)
            to(of, "\"", 1);
        s = (struct str){s.p + n, s.n - n};
    }
    to(of, "\"", 1);
}

static void to_file(void *of, const char *p, size_t n)
{
    put(of, p, n);
}

static void to_buf(void *of, const char *p, size_t n)
{
    buf_put(of, p, n);
}

void table_put_cell(struct buf *b, struct str text, char delimiter)
{
    write_cell(text, delimiter, to_buf, b);
}

static inline void next_cell(struct table_out *o)
{
    if (o->begun)
        put(o, &o->delimiter, 1);
    o->begun = true;
}

void table_out_cell(struct table_out *o, struct str text)
{
    next_cell(o);
    write_cell(text, o->delimiter, to_file, o);
}

void table_out_number(struct table_out *o, int64_t n)
{
    char text[24];
    next_cell(o);
    put(o, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)n));
}

void table_out_phone(struct table_out *o, uint64_t e164)
{
    char text[24];
    size_t at = sizeof text;
    next_cell(o);
    if (e164 == 0)
        return;
    for (; e164 > 0; e164 /= 10)
        text[--at] = (char)('0' + e164 % 10);
    text[--at] = '+';
    put(o, text + at, sizeof text - at);
}

/* Whether the bytes of a cell as they stand, its quotes included, are a right cell of ours. */
static inline bool as_it_stands(const struct table_out *o, const struct table_cell *c, char from)
{
    if (is_live(c->p, c->n))
        return false;
    return from == o->delimiter || (c->flags & CELL_QUOTED) != 0 || memchr(c->p, o->delimiter, c->n) == NULL;
}

void table_out_as_read(struct table_out *o, const struct table_cell *c, char from)
{
    next_cell(o);
    size_t quote = (c->flags & CELL_QUOTED) != 0;
    if (c->n == 0 || as_it_stands(o, c, from)) {
        put(o, c->p - quote, c->n + 2 * quote);
    } else if ((c->flags & CELL_ESCAPED) == 0) {
        write_cell((struct str){c->p, c->n}, o->delimiter, to_file, o);
    } else { /* "" stays "", so that nothing has to be copied: live, and in quotes already */
        put(o, "\"'", 2);
        put(o, c->p, (size_t)c->n + 1);
    }
}

void table_out_cells(struct table_out *o, const struct table_cell *c, size_t n, char from)
{
    size_t i = 0;
    while (i < n && from == o->delimiter) {
        size_t first = i;
        while (i < n && !is_live(c[i].p, c[i].n))
            i++;
        if (i > first) {
            const char *begin = c[first].p - ((c[first].flags & CELL_QUOTED) != 0);
            const char *end = c[i - 1].p + c[i - 1].n + ((c[i - 1].flags & CELL_QUOTED) != 0);
            next_cell(o);
            put(o, begin, (size_t)(end - begin));
        }
        if (i < n)
            table_out_as_read(o, &c[i++], from);
    }
    for (; i < n; i++)
        table_out_as_read(o, &c[i], from);
}

void table_out_ready(struct table_out *o, struct str cells)
{
    next_cell(o);
    put(o, cells.p, cells.n);
}

char table_out_delimiter(const struct table_out *o)
{
    return o->delimiter;
}

void table_out_end(struct table_out *o)
{
    put(o, "\n", 1);
    o->begun = false;
}

/* --- the file ----------------------------------------------------------------------------------------------------------- */

/* In capitals, too. */
static bool ends(struct str name, struct str end)
{
    return name.n >= end.n && str_ieq((struct str){name.p + name.n - end.n, end.n}, end);
}

static void read_name(struct table_out *o, const char *path, char delimiter)
{
    struct str name = str_of(path);
    if (ends(name, STR(".gz"))) {
        o->packing = PACKING_GZIP;
        name.n -= 3;
    } else if (ends(name, STR(".zst"))) {
        o->packing = PACKING_ZSTD;
        name.n -= 4;
    }
    o->delimiter = delimiter != '\0' ? delimiter : ends(name, STR(".tsv")) || ends(name, STR(".tab")) ? '\t' : ',';
}

static int check_place(const char *path, const char *not_path, bool *ret_regular, struct err *e)
{
    struct stat to, from;
    struct str name = str_of(path);
    *ret_regular = true;
    if (ends(name, STR(".xlsx")) || ends(name, STR(".xls")))
        return err_set(e, WL_EINVAL, "workbooks are read and not written; name it .csv, every spreadsheet opens that");
    if (stat(path, &to) != 0)
        return 0;
    if (S_ISDIR(to.st_mode))
        return err_set(e, WL_ECONFLICT, "it is a folder");
    *ret_regular = S_ISREG(to.st_mode);
    if (not_path != NULL && *ret_regular && stat(not_path, &from) == 0 && from.st_dev == to.st_dev &&
        from.st_ino == to.st_ino)
        return err_set(e, WL_ECONFLICT, "it is the file that is read; name another one");
    return 0;
}

static int open_part(struct table_out *o, const char *path, uint64_t resume, struct err *e)
{
    size_t n = strlen(path);
    o->part = malloc(n + sizeof ".part");
    if (o->part == NULL)
        abort();
    memcpy(o->part, path, n);
    memcpy(o->part + n, ".part", sizeof ".part");
    int fd = open(o->part, O_WRONLY | O_CLOEXEC | O_NOFOLLOW | (resume > 0 ? 0 : O_CREAT), 0600);
    if (fd < 0)
        return err_set(e, WL_EIO, "%s cannot be written: %s", o->part, strerror(errno));
    struct stat st, named;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || fstat(fd, &st) != 0 || stat(o->part, &named) != 0 ||
        st.st_ino != named.st_ino || st.st_dev != named.st_dev) { /* its own run renamed it in between */
        close(fd);
        return err_set(e, WL_ECONFLICT, "another run is writing %s", o->part);
    }
    o->fd = fd;
    if ((uint64_t)st.st_size < resume)
        return err_set(e, WL_EINVAL, "%s is shorter than it was", o->part);
    if (ftruncate(o->fd, (off_t)resume) != 0 || lseek(o->fd, 0, SEEK_END) < 0)
        return err_set(e, WL_EIO, "%s cannot be gone on with: %s", o->part, strerror(errno));
    o->at = resume;
    return 0;
}

static int open_place(struct table_out *o, const struct table_out_options *of, const char *not_path, struct err *e)
{
    bool regular;
    if (strcmp(of->path, "-") == 0) {
        o->fd = dup(STDOUT_FILENO);
        return o->fd < 0 ? err_set(e, WL_EIO, "standard output is closed") : 0;
    }
    int rc = check_place(of->path, not_path, &regular, e);
    if (rc != 0)
        return rc;
    if (regular && of->resumable)
        return open_part(o, of->path, of->resume, e);
    if (regular) {
        rc = fresh_file_open(of->path, &o->file, e);
        o->fd = o->file.fd;
        return rc;
    }
    o->fd = open(of->path, O_WRONLY | O_CLOEXEC);
    return o->fd < 0 ? err_set(e, WL_EIO, "it cannot be written: %s", strerror(errno)) : 0;
}

int table_out_open(const struct table_out_options *of, const char *not_path, struct table_out **ret, struct err *e)
{
    struct table_out *o = calloc(1, sizeof *o);
    if (o == NULL)
        abort();
    o->fd = o->file.fd = -1;
    read_name(o, of->path, of->delimiter);
    o->path = strdup(of->path);
    int rc = o->path == NULL ? err_set(e, WL_ENOMEM, "no memory") : open_place(o, of, not_path, e);
    if (rc == 0 && o->packing == PACKING_GZIP &&
        deflateInit2(&o->gzip, GZIP_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        rc = err_set(e, WL_ENOMEM, "no memory to pack it");
    if (rc == 0 && o->packing == PACKING_ZSTD) {
        o->zstd = ZSTD_createCStream();
        if (o->zstd == NULL || ZSTD_isError(ZSTD_CCtx_setParameter(o->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) ||
            ZSTD_isError(ZSTD_CCtx_setParameter(o->zstd, ZSTD_c_checksumFlag, 1)))
            rc = err_set(e, WL_ENOMEM, "no memory to pack it");
    }
    if (rc != 0) {
        table_out_drop(o, true);
        return rc;
    }
    if (of->bom && of->resume == 0)
        put(o, "\xEF\xBB\xBF", 3);
    *ret = o;
    return 0;
}

static void finish_block(struct table_out *o)
{
    bool some = o->n > 0 || o->at == 0 || (o->packing == PACKING_GZIP && o->gzip.total_in > 0);
    if (o->packing == PACKING_NONE)
        write_block(o);
    else if (some || o->packing == PACKING_ZSTD)
        pack(o, o->block, o->n, true);
    o->n = 0;
}

int table_out_flush(struct table_out *o, uint64_t *ret_at, struct err *e)
{
    finish_block(o);
    *ret_at = o->at;
    return o->failed != 0 ? err_set(e, o->failed, "%s", o->why.text) : 0;
}

static void release(struct table_out *o)
{
    if (o->packing == PACKING_GZIP)
        deflateEnd(&o->gzip);
    ZSTD_freeCStream(o->zstd);
    if (o->fd >= 0 && o->fd != o->file.fd)
        close(o->fd);
    fresh_file_drop(&o->file);
    free(o->path);
    free(o->part);
    free(o);
}

int table_out_close(struct table_out *o, struct err *e)
{
    finish_block(o);
    if (o->failed == 0 && o->file.fd >= 0)
        o->failed = fresh_file_publish(&o->file, &o->why);
    if (o->failed == 0 && o->part != NULL && fsync(o->fd) != 0)
        fail(o, "it cannot be written to its end");
    if (o->failed == 0 && o->part != NULL && rename(o->part, o->path) != 0)
        fail(o, "it cannot take its name");
    int rc = o->failed != 0 ? err_set(e, o->failed, "%s", o->why.text) : 0;
    release(o);
    return rc;
}

void table_out_drop(struct table_out *o, bool keep)
{
    if (o == NULL)
        return;
    if (!keep && o->part != NULL && o->fd >= 0)
        unlink(o->part);
    release(o);
}
