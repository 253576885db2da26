/* SPDX-License-Identifier: Apache-2.0
 * packs.c - reads opt-out packs from their files.
 *
 * The core compiles text; files are opened here. One that cannot be read stops the start: words that ought to be heard and are
 * not would be found out by people who asked us to stop. */
#include "gateway/packs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/yaml.h"

static int read_pack(const char *path, struct buf *out, struct err *e)
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
    return out->failed ? err_set(e, WL_ETOOBIG, "%s: more than %u MiB", path, YAML_MAX_BYTES >> 20) : 0;
}

int packs_load(struct optout_packs **ret, const struct path_list *files, struct err *e)
{
    const char *texts[OPTOUT_PACKS_MAX];
    struct buf *bytes;
    int rc = 0;
    if (files->n == 0) {
        *ret = NULL;
        return 0;
    }
    if (files->n > OPTOUT_PACKS_MAX)
        return err_set(e, WL_EINVAL, "optout.packs names more than %d files", OPTOUT_PACKS_MAX);
    bytes = calloc(files->n, sizeof *bytes);
    if (bytes == NULL)
        return err_set(e, WL_ENOMEM, "no memory for opt-out packs");
    for (size_t i = 0; i < files->n; i++)
        buf_init(&bytes[i], YAML_MAX_BYTES);
    for (size_t i = 0; rc == 0 && i < files->n; i++) {
        rc = read_pack(files->path[i], &bytes[i], e);
        texts[i] = buf_cstr(&bytes[i]);
    }
    if (rc == 0)
        rc = optout_packs_compile(ret, (const char *const *)files->path, texts, files->n, e);
    for (size_t i = 0; i < files->n; i++)
        buf_done(&bytes[i]);
    free(bytes);
    return rc;
}
