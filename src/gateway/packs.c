/* SPDX-License-Identifier: Apache-2.0
 * packs.c - reads opt-out packs from their files.
 *
 * The core compiles text; files are opened here. One that cannot be read stops the start: words that ought to be heard and are
 * not would be found out by people who asked us to stop. */
#include "gateway/packs.h"

#include <stdlib.h>

#include "base/yaml.h"
#include "gateway/text_file.h"

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
        rc = text_file_read(files->path[i], &bytes[i], e);
        texts[i] = buf_cstr(&bytes[i]);
    }
    if (rc == 0)
        rc = optout_packs_compile(ret, (const char *const *)files->path, texts, files->n, e);
    for (size_t i = 0; i < files->n; i++)
        buf_done(&bytes[i]);
    free(bytes);
    return rc;
}
