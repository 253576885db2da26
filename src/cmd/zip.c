/* SPDX-License-Identifier: Apache-2.0
 * zip.c - the format of PKWARE's APPNOTE, 4.3: a header before each file, and a directory of them at the end.
 *
 * Names are UTF-8 (general purpose bit 11). Times are UTC, with the two seconds' grain the format has. Sizes are known before a
 * file is written, so no descriptor follows it. */
#include "cmd/zip.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"

#define FILES_MOST     65535
#define BYTES_MOST     (UINT32_C(1) << 31)
#define LOCAL_BYTES    30
#define ENTRY_BYTES    46
#define END_BYTES      22
#define DIRECTORY_MOST (32u << 20)
#define VERSION        20 /* of the format a reader must know: folders */
#define UTF8_NAMES     0x0800
#define UNIX_FILE      (UINT32_C(0100600) << 16)

struct zip {
    FILE *f;
    char *path;
    uint32_t at, crc_of[256];
    uint16_t date, time;
    unsigned n;
    struct buf directory;
};

static void put_le(uint8_t *out, uint32_t v, int n)
{
    for (int i = 0; i < n; i++, v >>= 8)
        out[i] = (uint8_t)v;
}

static void crc_table(uint32_t of[256])
{
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t v = i;
        for (int bit = 0; bit < 8; bit++)
            v = v & 1 ? v >> 1 ^ UINT32_C(0xedb88320) : v >> 1;
        of[i] = v;
    }
}

static uint32_t crc(const struct zip *z, struct str s)
{
    uint32_t v = UINT32_MAX;
    for (size_t i = 0; i < s.n; i++)
        v = z->crc_of[(v ^ (uint8_t)s.p[i]) & 0xff] ^ v >> 8;
    return ~v;
}

/* Two digits of "2026-11-22T01:43:07.123Z". */
static int two(const char *p)
{
    return (p[0] - '0') * 10 + (p[1] - '0');
}

static void set_time(struct zip *z, int64_t ms)
{
    char text[TIME_TEXT];
    time_text(ms, text);
    int year = two(text) * 100 + two(text + 2);
    if (year < 1980 || year > 2107) { /* the format has no other */
        z->date = 1 << 5 | 1;
        return;
    }
    z->date = (uint16_t)((year - 1980) << 9 | two(text + 5) << 5 | two(text + 8));
    z->time = (uint16_t)(two(text + 11) << 11 | two(text + 14) << 5 | two(text + 17) / 2);
}

int zip_open(struct zip **ret, const char *path, int64_t at, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *f = fd >= 0 ? fdopen(fd, "wb") : NULL;
    if (f == NULL)
        return err_set(e, errno == EEXIST ? WL_ECONFLICT : WL_EIO, "%s: %s", path, strerror(errno));
    struct zip *z = calloc(1, sizeof *z);
    if (z == NULL || (z->path = strdup(path)) == NULL)
        abort();
    z->f = f;
    crc_table(z->crc_of);
    set_time(z, at);
    buf_init(&z->directory, DIRECTORY_MOST);
    *ret = z;
    return 0;
}

static int write_all(struct zip *z, const void *p, size_t n, struct err *e)
{
    if (n > 0 && fwrite(p, 1, n, z->f) != n)
        return err_set(e, WL_EIO, "%s: %s", z->path, strerror(errno));
    z->at += (uint32_t)n;
    return 0;
}

int zip_put(struct zip *z, const char *name, struct str bytes, struct err *e)
{
    size_t n = strlen(name);
    uint8_t h[ENTRY_BYTES] = {0};
    if (z->n >= FILES_MOST || n > UINT16_MAX || bytes.n > BYTES_MOST || z->at > BYTES_MOST - (uint32_t)bytes.n)
        return err_set(e, WL_ETOOBIG, "%s would be larger than an archive can be; export to a directory instead",
                       z->path);
    /* The entry of the directory; the header before the file is a part of it. */
    put_le(h, UINT32_C(0x02014b50), 4);
    put_le(h + 4, 3 << 8 | VERSION, 2);
    put_le(h + 6, VERSION, 2);
    put_le(h + 8, UTF8_NAMES, 2);
    put_le(h + 12, z->time, 2);
    put_le(h + 14, z->date, 2);
    put_le(h + 16, crc(z, bytes), 4);
    put_le(h + 20, (uint32_t)bytes.n, 4);
    put_le(h + 24, (uint32_t)bytes.n, 4);
    put_le(h + 28, (uint32_t)n, 2);
    put_le(h + 38, UNIX_FILE, 4);
    put_le(h + 42, z->at, 4);
    buf_put(&z->directory, h, sizeof h);
    buf_put(&z->directory, name, n);
    uint8_t local[LOCAL_BYTES] = {0};
    put_le(local, UINT32_C(0x04034b50), 4);
    memcpy(local + 4, h + 6, 26);
    z->n++;
    int rc = z->directory.failed ? err_set(e, WL_ETOOBIG, "%s has too many files", z->path)
                                 : write_all(z, local, sizeof local, e);
    if (rc == 0)
        rc = write_all(z, name, n, e);
    return rc == 0 ? write_all(z, bytes.p, bytes.n, e) : rc;
}

static void release(struct zip *z)
{
    buf_done(&z->directory);
    free(z->path);
    free(z);
}

int zip_close(struct zip *z, struct err *e)
{
    uint8_t end[END_BYTES] = {0};
    put_le(end, UINT32_C(0x06054b50), 4);
    put_le(end + 8, z->n, 2);
    put_le(end + 10, z->n, 2);
    put_le(end + 12, (uint32_t)z->directory.len, 4);
    put_le(end + 16, z->at, 4);
    int rc = write_all(z, z->directory.data, z->directory.len, e);
    if (rc == 0)
        rc = write_all(z, end, sizeof end, e);
    bool good = rc == 0 && fflush(z->f) == 0 && fsync(fileno(z->f)) == 0;
    if (rc == 0 && !good)
        rc = err_set(e, WL_EIO, "%s: %s", z->path, strerror(errno));
    fclose(z->f);
    if (rc != 0)
        unlink(z->path);
    release(z);
    return rc;
}

void zip_drop(struct zip *z)
{
    if (z == NULL)
        return;
    fclose(z->f);
    unlink(z->path);
    release(z);
}
