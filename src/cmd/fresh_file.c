/* SPDX-License-Identifier: Apache-2.0
 * fresh_file.c - O_TMPFILE, linked to a name nobody has, renamed to the one that was asked for.
 *
 * A link cannot take the place of a file, so there is a moment with two names; it is short, and before it everything
 * is on the disk. */
#include "cmd/fresh_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/digest.h"

#define TRIES 16

/* "lists/crm.wll": "lists". */
static int open_unnamed(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash == NULL ? strdup(".") : slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
    int fd = folder != NULL ? open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600) : -1;
    free(folder);
    return fd;
}

static bool name_part(struct fresh_file *f)
{
    uint64_t dice;
    random_bytes(&dice, sizeof dice);
    free(f->part);
    if (asprintf(&f->part, "%s.%06llx.part", f->path, (unsigned long long)(dice & 0xFFFFFF)) < 0)
        f->part = NULL;
    return f->part != NULL;
}

static void open_named(struct fresh_file *f)
{
    for (int i = 0; i < TRIES && f->fd < 0 && name_part(f); i++) {
        f->fd = open(f->part, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (f->fd < 0 && errno != EEXIST)
            return;
    }
}

int fresh_file_open(const char *path, struct fresh_file *ret, struct err *e)
{
    *ret = (struct fresh_file){.fd = -1, .path = strdup(path)};
    if (ret->path == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for a file");
    if (access("/proc/self/fd", X_OK) == 0) /* needed to give it a name */
        ret->fd = open_unnamed(path);
    if (ret->fd < 0)
        open_named(ret);
    if (ret->fd >= 0)
        return 0;
    int why = errno;
    fresh_file_drop(ret);
    return err_set(e, WL_EIO, "%s cannot be written: %s", path, strerror(why));
}

static bool link_part(struct fresh_file *f)
{
    char from[64];
    snprintf(from, sizeof from, "/proc/self/fd/%d", f->fd);
    for (int i = 0; i < TRIES && name_part(f); i++) {
        if (linkat(AT_FDCWD, from, AT_FDCWD, f->part, AT_SYMLINK_FOLLOW) == 0)
            return true;
        if (errno != EEXIST)
            break;
    }
    free(f->part);
    f->part = NULL;
    return false;
}

int fresh_file_publish(struct fresh_file *f, struct err *e)
{
    bool good = fsync(f->fd) == 0 && (f->part != NULL || link_part(f)) && rename(f->part, f->path) == 0;
    if (!good)
        return err_set(e, WL_EIO, "%s cannot be written: %s", f->path, strerror(errno));
    free(f->part);
    f->part = NULL;
    return 0;
}

void fresh_file_drop(struct fresh_file *f)
{
    if (f->part != NULL && f->fd >= 0)
        unlink(f->part);
    if (f->fd >= 0)
        close(f->fd);
    free(f->path);
    free(f->part);
    *f = (struct fresh_file){.fd = -1};
}
