/* SPDX-License-Identifier: Apache-2.0
 * text_file.c - open, read to the end, close.
 *
 * The buffer's maximum is the file's: what is longer is refused, not cut. */
#include "gateway/text_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

int text_file_read(const char *path, struct buf *out, struct err *e)
{
    char piece[16384];
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, errno == ENOENT ? WL_ENOTFOUND : WL_EIO, "%s: %s", path, strerror(errno));
    while ((n = read(fd, piece, sizeof piece)) > 0 && !out->failed)
        buf_put(out, piece, (size_t)n);
    int why = errno;
    close(fd);
    if (n < 0)
        return err_set(e, WL_EIO, "%s: %s", path, strerror(why));
    return out->failed ? err_set(e, WL_ETOOBIG, "%s is too large", path) : 0;
}
