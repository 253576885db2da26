/* SPDX-License-Identifier: Apache-2.0
 * list_file.c - lists read through a window, by the blocks of their index.
 *
 * The index is read whole: 32 bytes for 2,048 numbers. A floor or a filter moves on to the first block that may
 * matter; the window is read from there. What is read is checked by the codec, so a file that changes under us
 * gives an error and no wrong numbers. */
#include "cmd/list_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW (256u << 10)

struct list_file {
    int fd;
    bool own;
    uint64_t base, size;
    struct number_list_head head;
    struct number_list_entry *index;
    uint32_t at; /* block to be read next */
    uint64_t done;
    bool (*may)(const void *ctx, uint64_t first, uint64_t last);
    const void *may_ctx;
    uint64_t window_at; /* of the file */
    size_t window_n;
    uint64_t number[NUMBER_LIST_BLOCK];
    uint8_t window[WINDOW + NUMBER_LIST_PADDING];
};

static int read_at(int fd, void *to, size_t n, uint64_t at, struct err *e)
{
    for (size_t got = 0; got < n;) {
        ssize_t k = pread(fd, (char *)to + got, n - got, (off_t)(at + got));
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return err_set(e, WL_EIO, "cannot be read: %s", strerror(errno));
        if (k == 0)
            return err_set(e, WL_ECORRUPT, "the list is cut off");
        got += (size_t)k;
    }
    return 0;
}

bool list_file_is(int fd)
{
    char magic[4];
    return pread(fd, magic, sizeof magic, 0) == sizeof magic && memcmp(magic, "WLNL", 4) == 0;
}

static int read_index(struct list_file *f, struct err *e)
{
    uint8_t head[NUMBER_LIST_HEAD];
    if (f->size < NUMBER_LIST_HEAD)
        return err_set(e, WL_ECORRUPT, "this is no list of numbers: it is too short");
    int rc = read_at(f->fd, head, sizeof head, f->base, e);
    if (rc == 0)
        rc = number_list_head_read(head, f->size, &f->head, e);
    if (rc != 0)
        return rc;
    size_t bytes = (size_t)f->head.blocks * NUMBER_LIST_ENTRY;
    uint8_t *raw = malloc(bytes + 1);
    f->index = calloc((size_t)f->head.blocks + 1, sizeof *f->index);
    if (raw == NULL || f->index == NULL)
        rc = err_set(e, WL_ENOMEM, "out of memory for an index of %u blocks", f->head.blocks);
    if (rc == 0)
        rc = read_at(f->fd, raw, bytes, f->base + f->head.index_at, e);
    if (rc == 0)
        rc = number_list_index_read(&f->head, raw, f->index, e);
    free(raw);
    if (rc == 0)
        f->index[f->head.blocks].first = f->head.last + 1; /* what lies behind the last block */
    return rc;
}

static int open_within(int fd, bool own, uint64_t base, uint64_t size, struct list_file **ret, struct err *e)
{
    struct list_file *f = calloc(1, sizeof *f);
    int rc = 0;
    if (f == NULL)
        rc = err_set(e, WL_ENOMEM, "out of memory for a list");
    if (f == NULL && own)
        close(fd);
    if (f == NULL)
        return rc;
    f->fd = fd;
    f->own = own;
    f->base = base;
    f->size = size;
    rc = read_index(f, e);
    if (rc != 0) {
        list_file_close(f);
        f = NULL;
    }
    *ret = f;
    return rc;
}

int list_file_within(int fd, uint64_t base, uint64_t size, struct list_file **ret, struct err *e)
{
    return open_within(fd, false, base, size, ret, e);
}

int list_file_open(const char *path, int fd, struct list_file **ret, struct err *e)
{
    struct stat st;
    *ret = NULL;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return err_set(e, WL_EINVAL, "%s: a list of numbers must be a file", path);
    }
    return open_within(fd, true, 0, (uint64_t)st.st_size, ret, e) == 0 ? 0 : err_prefix(e, "%s", path);
}

void list_file_close(struct list_file *f)
{
    if (f == NULL)
        return;
    if (f->own)
        close(f->fd);
    free(f->index);
    free(f);
}

const struct number_list_head *list_file_head(const struct list_file *f)
{
    return &f->head;
}

uint64_t list_file_bytes(const struct list_file *f)
{
    return f->size;
}

void list_file_only(struct list_file *f, bool (*may)(const void *ctx, uint64_t first, uint64_t last), const void *ctx)
{
    f->may = may;
    f->may_ctx = ctx;
}

uint64_t list_file_done(const struct list_file *f)
{
    return f->done;
}

/* The block's bytes, with what follows it as far as the window goes. */
static int bytes_of(struct list_file *f, const struct number_list_entry *b, const uint8_t **ret, struct err *e)
{
    if (b->at < f->window_at || b->at + b->bytes > f->window_at + f->window_n) {
        uint64_t rest = f->head.index_at - b->at;
        f->window_n = 0;
        size_t n = rest < WINDOW ? (size_t)rest : WINDOW;
        int rc = read_at(f->fd, f->window, n, f->base + b->at, e);
        if (rc != 0)
            return rc;
        f->window_at = b->at;
        f->window_n = n;
    }
    *ret = f->window + (b->at - f->window_at);
    return 0;
}

static bool is_wanted(const struct list_file *f, uint32_t block, uint64_t floor)
{
    const struct number_list_entry *b = &f->index[block];
    uint64_t next = f->index[block + 1].first;
    return next > floor && (f->may == NULL || f->may(f->may_ctx, b->first, next - 1));
}

static int next_block(void *ctx, uint64_t floor, struct number_span *ret, struct err *e)
{
    struct list_file *f = ctx;
    const uint8_t *bytes;
    *ret = (struct number_span){NULL, 0};
    while (f->at < f->head.blocks && !is_wanted(f, f->at, floor))
        f->done += f->index[f->at++].count;
    if (f->at >= f->head.blocks)
        return 0;
    const struct number_list_entry *b = &f->index[f->at];
    int rc = bytes_of(f, b, &bytes, e);
    if (rc == 0)
        rc = number_list_unpack(b, bytes, f->index[f->at + 1].first, f->number, e);
    if (rc != 0)
        return rc;
    f->at++;
    f->done += b->count;
    *ret = (struct number_span){f->number, b->count};
    return 0;
}

struct number_source list_file_source(struct list_file *f)
{
    f->at = 0;
    f->done = 0;
    return (struct number_source){next_block, f};
}
