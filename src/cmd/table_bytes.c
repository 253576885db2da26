/* SPDX-License-Identifier: Apache-2.0
 * table_bytes.c - read(2), zlib and libzstd behind one function.
 *
 * The name says nothing: people rename files. Several gzip members or zstd frames one after the other are one text,
 * as gzip(1) and zstd(1) have it. A file that ends in the middle of its compressed data is an error, after everything
 * in it was delivered. Memory is bounded by the formats' windows: 32 KiB of gzip, 128 MiB of zstd (larger ones, of
 * `zstd --long=31`, are refused). */
#include "cmd/table_bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "base/buf.h"

#define INPUT_BYTES (256u << 10)

struct table_bytes {
    int fd;
    bool own, eof;
    enum table_packing packing;
    uint64_t got, total;
    size_t at, end; /* unused bytes of in */
    bool inside;    /* a member or frame has begun and not ended */
    z_stream gzip;
    ZSTD_DStream *zstd;
    char in[INPUT_BYTES];
};

static int read_fd(struct table_bytes *b, char *p, size_t n, size_t *ret, struct err *e)
{
    ssize_t k;
    do
        k = read(b->fd, p, n);
    while (k < 0 && errno == EINTR);
    if (k < 0)
        return err_set(e, WL_EIO, "it cannot be read on: %s", strerror(errno));
    b->eof = k == 0;
    b->got += (uint64_t)k;
    *ret = (size_t)k;
    return 0;
}

/* Brings bytes in when there are none; none is the end. */
static int fill(struct table_bytes *b, struct err *e)
{
    if (b->at < b->end || b->eof)
        return 0;
    b->at = b->end = 0;
    return read_fd(b, b->in, sizeof b->in, &b->end, e);
}

static enum table_packing packing_of(struct str s)
{
    static const struct {
        struct str magic;
        enum table_packing packing;
    } kinds[] = {
        {STR_INIT("\x1F\x8B"), PACKING_GZIP},
        {STR_INIT("\x28\xB5\x2F\xFD"), PACKING_ZSTD},
        {STR_INIT("PK\x03\x04"), PACKING_ZIP},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (str_starts(s, kinds[i].magic))
            return kinds[i].packing;
    return PACKING_NONE;
}

/* The first bytes, as many as it takes to know what they are: a pipe may hand them over one by one. */
static int first_bytes(struct table_bytes *b, struct err *e)
{
    size_t n = 1;
    int rc = 0;
    while (rc == 0 && b->end < 4 && n > 0) {
        rc = read_fd(b, b->in + b->end, sizeof b->in - b->end, &n, e);
        b->end += rc == 0 ? n : 0;
    }
    if (rc != 0)
        return rc;
    b->packing = packing_of((struct str){b->in, b->end});
    if (b->packing == PACKING_GZIP && inflateInit2(&b->gzip, 15 + 16) != Z_OK)
        return err_set(e, WL_ENOMEM, "no memory to unpack it");
    if (b->packing == PACKING_ZSTD && (b->zstd = ZSTD_createDStream()) == NULL)
        return err_set(e, WL_ENOMEM, "no memory to unpack it");
    return 0;
}

int table_bytes_open(const char *path, int fd, struct table_bytes **ret, struct err *e)
{
    struct stat st;
    struct table_bytes *b = calloc(1, sizeof *b);
    if (b == NULL)
        abort();
    *ret = b;
    b->own = fd <= 0 && strcmp(path, "-") != 0;
    b->fd = fd > 0 ? fd : b->own ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
    if (b->fd < 0)
        return err_set(e, errno == ENOENT ? WL_ENOTFOUND : WL_EIO, "it cannot be read: %s", strerror(errno));
    if (fstat(b->fd, &st) == 0 && S_ISREG(st.st_mode))
        b->total = (uint64_t)st.st_size;
    return first_bytes(b, e);
}

void table_bytes_close(struct table_bytes *b)
{
    if (b == NULL)
        return;
    if (b->packing == PACKING_GZIP)
        inflateEnd(&b->gzip);
    ZSTD_freeDStream(b->zstd);
    if (b->own && b->fd >= 0)
        close(b->fd);
    free(b);
}

static int read_gzip(struct table_bytes *b, char *p, size_t n, size_t *ret, struct err *e)
{
    z_stream *z = &b->gzip;
    z->next_in = (Bytef *)b->in + b->at;
    z->avail_in = (uInt)(b->end - b->at);
    z->next_out = (Bytef *)p;
    z->avail_out = (uInt)n;
    int rc = inflate(z, Z_NO_FLUSH);
    *ret = n - z->avail_out;
    b->inside = rc != Z_STREAM_END;
    b->at = b->end - z->avail_in;
    if (rc == Z_STREAM_END)
        rc = inflateReset(z);
    if (rc != Z_OK && rc != Z_BUF_ERROR)
        return err_set(e, WL_ECORRUPT, "the gzip data is damaged: %s", z->msg != NULL ? z->msg : "no such stream");
    return 0;
}

static int read_zstd(struct table_bytes *b, char *p, size_t n, size_t *ret, struct err *e)
{
    ZSTD_inBuffer in = {b->in, b->end, b->at};
    ZSTD_outBuffer out = {p, n, 0};
    size_t rc = ZSTD_decompressStream(b->zstd, &out, &in);
    *ret = out.pos;
    b->at = in.pos;
    if (ZSTD_isError(rc))
        return err_set(e, WL_ECORRUPT, "the zstd data is damaged or its window too large: %s", ZSTD_getErrorName(rc));
    b->inside = rc != 0;
    return 0;
}

static int read_packed(struct table_bytes *b, char *p, size_t n, size_t *ret, struct err *e)
{
    *ret = 0;
    while (*ret == 0) {
        int rc = fill(b, e);
        if (rc != 0)
            return rc;
        bool none = b->at == b->end;
        if (none && !b->inside)
            return 0;
        rc = b->packing == PACKING_GZIP ? read_gzip(b, p, n, ret, e) : read_zstd(b, p, n, ret, e);
        if (rc != 0)
            return rc;
        if (none && *ret == 0 && b->inside)
            return err_set(e, WL_ECORRUPT, "the file ends before its compressed data does: it was cut off");
    }
    return 0;
}

int table_bytes_read(struct table_bytes *b, char *p, size_t n, size_t *ret, struct err *e)
{
    *ret = 0;
    if (n == 0)
        return 0;
    if (n > UINT32_MAX / 2)
        n = UINT32_MAX / 2;
    if (b->packing == PACKING_GZIP || b->packing == PACKING_ZSTD)
        return read_packed(b, p, n, ret, e);
    if (b->at < b->end) {
        *ret = b->end - b->at < n ? b->end - b->at : n;
        memcpy(p, b->in + b->at, *ret);
        b->at += *ret;
        return 0;
    }
    return b->eof ? 0 : read_fd(b, p, n, ret, e);
}

bool table_bytes_seek(struct table_bytes *b, uint64_t at)
{
    if (b->packing != PACKING_NONE || b->total == 0 || at > b->total || lseek(b->fd, (off_t)at, SEEK_SET) < 0)
        return false;
    b->at = b->end = 0;
    b->eof = false;
    b->got = at;
    return true;
}

enum table_packing table_bytes_packing(const struct table_bytes *b)
{
    return b->packing;
}

int table_bytes_fd(const struct table_bytes *b)
{
    return b->fd;
}

uint64_t table_bytes_progress(const struct table_bytes *b, uint64_t *ret_total)
{
    *ret_total = b->total;
    return b->got - (b->packing == PACKING_NONE ? b->end - b->at : 0);
}
