/* SPDX-License-Identifier: Apache-2.0
 * spill.c - the blocks of spill.h.
 *
 * Every block but a partition's last is full, so its place in the file is all there is to remember: eight bytes for sixteen thousand. */
#include "cmd/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct part {
    struct spill_record *record; /* the block being filled, SPILL_BLOCK of them */
    size_t n, last;              /* in it; in the last block, once ended */
    uint64_t *at;
    size_t blocks, room;
};
struct spill {
    int fd;
    uint64_t size;
    unsigned parts;
    struct part part[];
};

int spill_unnamed(const char *folder)
{
    char path[PATH_MAX];
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL))
        return fd;
    if ((size_t)snprintf(path, sizeof path, "%s/.wayleave-XXXXXX", folder) >= sizeof path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    fd = mkostemp(path, O_CLOEXEC);
    if (fd >= 0)
        unlink(path);
    return fd;
}

int spill_open(const char *folder, unsigned parts, struct spill **ret, struct err *e)
{
    struct spill *s = calloc(1, sizeof *s + parts * sizeof s->part[0]);
    if (s == NULL)
        abort();
    s->parts = parts;
    s->fd = spill_unnamed(folder);
    if (s->fd < 0) {
        free(s);
        return err_set(e, WL_EIO, "no temporary file in %s: %s", folder, strerror(errno));
    }
    *ret = s;
    return 0;
}

void spill_close(struct spill *s)
{
    if (s == NULL)
        return;
    for (unsigned i = 0; i < s->parts; i++) {
        free(s->part[i].record);
        free(s->part[i].at);
    }
    close(s->fd);
    free(s);
}

static int write_block(struct spill *s, struct part *p, struct err *e)
{
    const char *from = (const char *)p->record;
    size_t left = p->n * sizeof *p->record;
    if (p->blocks == p->room) {
        p->room = p->room ? 2 * p->room : 64;
        p->at = realloc(p->at, p->room * sizeof *p->at);
        if (p->at == NULL)
            abort();
    }
    p->at[p->blocks++] = s->size;
    while (left > 0) {
        ssize_t n = pwrite(s->fd, from, left, (off_t)s->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(e, WL_EIO, "a temporary file cannot be written: %s", strerror(errno));
        s->size += (uint64_t)n;
        from += n;
        left -= (size_t)n;
    }
    p->last = p->n;
    p->n = 0;
    return 0;
}

int spill_put(struct spill *s, unsigned part, struct spill_record r, struct err *e)
{
    struct part *p = &s->part[part];
    if (p->record == NULL && (p->record = malloc(SPILL_BLOCK * sizeof *p->record)) == NULL)
        abort();
    p->record[p->n++] = r;
    return p->n < SPILL_BLOCK ? 0 : write_block(s, p, e);
}

int spill_end(struct spill *s, struct err *e)
{
    int rc = 0;
    for (unsigned i = 0; rc == 0 && i < s->parts; i++) {
        struct part *p = &s->part[i];
        if (p->n > 0)
            rc = write_block(s, p, e);
        free(p->record);
        p->record = NULL;
    }
    return rc;
}

uint64_t spill_blocks(const struct spill *s, unsigned part)
{
    return s->part[part].blocks;
}

int spill_read(struct spill *s, unsigned part, uint64_t block, struct spill_record ret[SPILL_BLOCK], size_t *ret_n,
               struct err *e)
{
    const struct part *p = &s->part[part];
    size_t want = (block + 1 < p->blocks ? SPILL_BLOCK : p->last) * sizeof *ret, got = 0;
    while (got < want) {
        ssize_t n = pread(s->fd, (char *)ret + got, want - got, (off_t)(p->at[block] + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(e, WL_EIO, "a temporary file cannot be read: %s", n < 0 ? strerror(errno) : "it is cut off");
        got += (size_t)n;
    }
    *ret_n = want / sizeof *ret;
    return 0;
}
