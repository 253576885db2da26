/* SPDX-License-Identifier: Apache-2.0
 * config_packs.c - optout.packs: names of packs that came with the program, and files of one's own.
 *
 * The words stay in the value as they were written, so that what is printed is short; they become files when the value is read:
 * "all" every pack that came along, in order of name, "es" that one, "none" none at all. Files are read in the order they are
 * named in, and a later one may add to an earlier one or take an entry out of it. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/config.h"
#include "core/optout.h"

/* A word of small letters, as "pt" or "pt_BR": no path. */
static bool is_name(struct str s)
{
    bool name = s.n > 0 && s.n < 12;
    for (size_t i = 0; i < s.n; i++)
        name = name && ((s.p[i] >= 'a' && s.p[i] <= 'z') || (i > 1 && s.p[i] >= 'A' && s.p[i] <= 'Z') || s.p[i] == '_');
    return name;
}

const char *config_named_file(const struct config_key *key, struct arena *a, struct str one)
{
    if (key->type == CONFIG_LAWS)
        return config_law_file(a, one);
    return key->type == CONFIG_PACKS && is_name(one) ? arena_strndup(a, one.p, one.n) : NULL;
}

static const char *folder(struct arena *a)
{
    const char *rules = config_rules_file(a), *name = "rules/whatsapp-platform.yaml";
    return arena_printf(a, "%.*soptout", (int)(strlen(rules) - strlen(name)), rules);
}

static int by_name(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

static int add(struct path_list *l, char *path, struct err *e)
{
    if (path == NULL)
        return err_set(e, WL_ENOMEM, "is too long");
    if (l->n == OPTOUT_PACKS_MAX)
        return err_set(e, WL_EINVAL, "must be at most %d packs", OPTOUT_PACKS_MAX);
    l->path[l->n++] = path;
    return 0;
}

static int add_all(struct path_list *l, struct arena *a, struct err *e)
{
    const char *dir = folder(a);
    DIR *d = dir ? opendir(dir) : NULL;
    size_t first = l->n;
    struct dirent *entry;
    int rc = 0;
    if (d == NULL)
        return err_set(e, WL_ENOTFOUND, "means the packs in %s, which cannot be read", dir ? dir : "no folder");
    while (rc == 0 && (entry = readdir(d)) != NULL)
        if (str_ends(str_of(entry->d_name), STR(".yaml")))
            rc = add(l, arena_printf(a, "%s/%s", dir, entry->d_name), e);
    closedir(d);
    qsort(l->path + first, l->n - first, sizeof *l->path, by_name);
    return rc;
}

int config_packs_read(const struct config_key *key, const char *text, void *into, struct arena *a, struct err *e)
{
    struct path_list list = {arena_new_array(a, char *, OPTOUT_PACKS_MAX), 0};
    int rc = list.path ? 0 : err_set(e, WL_ENOMEM, "is too long");
    (void)key;
    for (struct str rest = str_of(text); rc == 0 && rest.n > 0;) {
        struct str one = str_trim(str_cut(rest, ',', &rest));
        if (one.n == 0 || str_eq(one, STR("none")))
            continue;
        if (str_eq(one, STR("all")))
            rc = add_all(&list, a, e);
        else if (is_name(one))
            rc = add(&list, arena_printf(a, "%s/%.*s.yaml", folder(a), (int)one.n, one.p), e);
        else
            rc = add(&list, arena_strndup(a, one.p, one.n), e);
    }
    if (rc == 0)
        memcpy(into, &list, sizeof list);
    return rc;
}
