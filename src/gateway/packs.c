/* SPDX-License-Identifier: Apache-2.0
 * packs.c - reads opt-out packs from their files.
 *
 * The core compiles text; files are opened here. One that cannot be read stops the start: words that ought to be heard and are
 * not would be found out by people who asked us to stop. */
#include "gateway/packs.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"
#include "gateway/text_file.h"

struct files {
    char *path[OPTOUT_PACKS_MAX];
    struct buf text[OPTOUT_PACKS_MAX];
    size_t n;
};

static int add(struct files *f, char *path, struct err *e)
{
    if (path == NULL)
        abort();
    if (f->n == OPTOUT_PACKS_MAX) {
        free(path);
        return err_set(e, WL_EINVAL, "more than %d opt-out packs", OPTOUT_PACKS_MAX);
    }
    buf_init(&f->text[f->n], YAML_MAX_BYTES);
    f->path[f->n++] = path;
    return text_file_read(path, &f->text[f->n - 1], e);
}

static int is_pack(const struct dirent *entry)
{
    return entry->d_name[0] != '.' && str_ends(str_of(entry->d_name), STR(".yaml"));
}

static int add_shipped(struct files *f, const char *dir, struct err *e)
{
    struct dirent **entry;
    char *path;
    int rc = 0, n = dir != NULL ? scandir(dir, &entry, is_pack, alphasort) : 0;
    if (n < 0)
        return err_set(e, WL_EIO, "optout.shipped: %s: %s", dir, strerror(errno));
    for (int i = 0; i < n; i++) {
        if (rc == 0 && asprintf(&path, "%s/%s", dir, entry[i]->d_name) < 0)
            abort();
        if (rc == 0)
            rc = add(f, path, e);
        free(entry[i]);
    }
    if (n > 0)
        free(entry);
    return rc;
}

static int compile(struct optout_packs **ret, struct files *f, struct err *e)
{
    const char *names[OPTOUT_PACKS_MAX], *texts[OPTOUT_PACKS_MAX];
    if (f->n == 0) {
        *ret = NULL;
        return 0;
    }
    for (size_t i = 0; i < f->n; i++) {
        names[i] = f->path[i];
        texts[i] = buf_cstr(&f->text[i]);
    }
    return optout_packs_compile(ret, names, texts, f->n, e);
}

int packs_load(struct optout_packs **ret, const struct gateway_options *o, struct err *e)
{
    struct files *f = calloc(1, sizeof *f);
    if (f == NULL)
        abort();
    int rc = o->optout_listen ? add_shipped(f, o->optout_dir, e) : 0;
    for (size_t i = 0; rc == 0 && o->optout_listen && i < o->optout_packs.n; i++)
        rc = add(f, strdup(o->optout_packs.path[i]), e);
    if (rc == 0)
        rc = compile(ret, f, e);
    for (size_t i = 0; i < f->n; i++) {
        buf_done(&f->text[i]);
        free(f->path[i]);
    }
    free(f);
    return rc;
}
