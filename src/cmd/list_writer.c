/* SPDX-License-Identifier: Apache-2.0
 * list_writer.c - a sorted list written block by block; header last.
 *
 * Until the header stands the file is no list: its first bytes are zero. A file of its own is a fresh_file.h. Numbers
 * that do not rise are refused: a list that is out of order would give wrong answers long after. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/digest.h"
#include "cmd/fresh_file.h"
#include "cmd/list_file.h"

#define BUFFER    (256u << 10)
#define INDEX_MAX ((size_t)NUMBER_LIST_BLOCKS_MAX * NUMBER_LIST_ENTRY)

struct list_writer {
    int fd;
    bool own; /* file; else within a file of the caller's */
    struct fresh_file file;
    uint64_t base, at; /* at: bytes of the list written or in the buffer */
    struct number_list_head head;
    struct buf index;
    uint64_t number[NUMBER_LIST_BLOCK];
    size_t held, buffered;
    uint8_t buffer[BUFFER + NUMBER_LIST_BLOCK_BYTES];
};

static int write_at(int fd, const void *from, size_t n, uint64_t at, struct err *e)
{
    for (size_t done = 0; done < n;) {
        ssize_t k = pwrite(fd, (const char *)from + done, n - done, (off_t)(at + done));
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return err_set(e, WL_EIO, "cannot be written: %s", strerror(errno));
        done += (size_t)k;
    }
    return 0;
}

int list_writer_within(int fd, uint64_t base, struct list_writer **ret, struct err *e)
{
    struct list_writer *w = calloc(1, sizeof *w);
    *ret = w;
    if (w == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for writing a list");
    w->fd = fd;
    w->base = base;
    w->at = NUMBER_LIST_HEAD;
    buf_init(&w->index, INDEX_MAX);
    return 0;
}

int list_writer_open(const char *path, struct list_writer **ret, struct err *e)
{
    int rc = list_writer_within(-1, 0, ret, e);
    struct list_writer *w = *ret;
    if (rc != 0)
        return rc;
    rc = fresh_file_open(path, &w->file, e);
    w->own = rc == 0;
    w->fd = w->file.fd;
    if (rc != 0) {
        list_writer_drop(w);
        *ret = NULL;
    }
    return rc;
}

void list_writer_drop(struct list_writer *w)
{
    if (w == NULL)
        return;
    if (w->own)
        fresh_file_drop(&w->file);
    buf_done(&w->index);
    free(w);
}

static int flush(struct list_writer *w, struct err *e)
{
    size_t n = w->buffered;
    w->buffered = 0;
    return write_at(w->fd, w->buffer, n, w->base + w->at - n, e);
}

static int put_block(struct list_writer *w, struct err *e)
{
    struct number_list_entry b = {.at = w->at};
    uint8_t row[NUMBER_LIST_ENTRY];
    if (w->head.blocks == NUMBER_LIST_BLOCKS_MAX)
        return err_set(e, WL_ETOOBIG, "more than %llu numbers",
                       (unsigned long long)NUMBER_LIST_BLOCKS_MAX * NUMBER_LIST_BLOCK);
    size_t n = number_list_pack(w->number, w->held, w->buffer + w->buffered, &b);
    number_list_entry_write(&b, row);
    if (!buf_put(&w->index, row, sizeof row))
        return err_set(e, WL_ENOMEM, "out of memory for the index of a list");
    w->buffered += n;
    w->at += n;
    w->head.blocks++;
    w->held = 0;
    return w->buffered >= BUFFER ? flush(w, e) : 0;
}

int list_writer_put(struct list_writer *w, struct number_span s, struct err *e)
{
    int rc = 0;
    uint64_t last = w->head.last;
    bool rises = true;
    for (size_t i = 0; i < s.n; i++) {
        rises &= s.p[i] > last;
        last = s.p[i];
    }
    if (!rises || last > NUMBER_LIST_LARGEST)
        return err_set(e, WL_EINVAL, "numbers of a list must rise, and have at most 19 digits");
    if (w->head.count == 0 && s.n > 0)
        w->head.first = s.p[0];
    w->head.last = last;
    w->head.count += s.n;
    while (s.n > 0 && rc == 0) {
        size_t n = NUMBER_LIST_BLOCK - w->held < s.n ? NUMBER_LIST_BLOCK - w->held : s.n;
        memcpy(w->number + w->held, s.p, n * sizeof *s.p);
        w->held += n;
        s.p += n;
        s.n -= n;
        rc = w->held == NUMBER_LIST_BLOCK ? put_block(w, e) : 0;
    }
    return rc;
}

static int finish(struct list_writer *w, struct err *e)
{
    uint8_t head[NUMBER_LIST_HEAD];
    int rc = w->held > 0 ? put_block(w, e) : 0;
    if (rc == 0)
        rc = flush(w, e);
    if (rc != 0)
        return rc;
    w->head.index_at = w->at;
    w->head.index_check = hash64(buf_cstr(&w->index), w->index.len);
    number_list_head_write(&w->head, head);
    rc = write_at(w->fd, buf_cstr(&w->index), w->index.len, w->base + w->at, e);
    w->at += w->index.len;
    if (rc == 0)
        rc = write_at(w->fd, head, sizeof head, w->base, e);
    return rc == 0 && w->own ? fresh_file_publish(&w->file, e) : rc;
}

int list_writer_close(struct list_writer *w, uint64_t *ret_size, struct err *e)
{
    int rc = finish(w, e);
    if (ret_size != NULL)
        *ret_size = w->at;
    list_writer_drop(w);
    return rc;
}
