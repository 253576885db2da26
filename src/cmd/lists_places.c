/* SPDX-License-Identifier: Apache-2.0
 * lists_places.c - outputs beside inputs, before anything is opened.
 *
 * Files are the same when they are one file of the disk, whatever they are called; files that are not there yet, when
 * they have the same name in the same folder. */
#include "cmd/lists_places.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/term.h"

static const char *const outputs[] = {"output", "rejects", "only-a", "only-b", "both"};
#define OUTPUTS (sizeof outputs / sizeof outputs[0])

static bool look(const char *path, struct stat *ret)
{
    return (strcmp(path, "-") == 0 ? fstat(STDIN_FILENO, ret) : stat(path, ret)) == 0;
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;
    return look(a, &x) && look(b, &y) && S_ISREG(x.st_mode) && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

static bool folder_of(const char *path, struct stat *ret)
{
    const char *slash = strrchr(path, '/');
    char *folder = slash != NULL ? strndup(path, (size_t)(slash - path) + 1) : strdup(".");
    bool is = folder != NULL && stat(folder, ret) == 0;
    free(folder);
    return is;
}

static bool same_name(const char *a, const char *b)
{
    struct stat x, y;
    const char *name_a = strrchr(a, '/'), *name_b = strrchr(b, '/');
    name_a = name_a != NULL ? name_a + 1 : a;
    name_b = name_b != NULL ? name_b + 1 : b;
    return strcmp(name_a, name_b) == 0 && folder_of(a, &x) && folder_of(b, &y) && x.st_dev == y.st_dev &&
           x.st_ino == y.st_ino;
}

const char *lists_places_input(const struct args *a, const char *output)
{
    static const char *const read_too[] = {"filter", "phone-data"};
    if (strcmp(output, "-") == 0)
        return NULL;
    for (size_t i = 0; i < a->n_words; i++)
        if (same_file(a->word[i], output))
            return a->word[i];
    for (size_t i = 0; i < sizeof read_too / sizeof read_too[0]; i++) {
        const char *path = args_get(a, read_too[i]);
        if (path != NULL && same_file(path, output))
            return path;
    }
    return NULL;
}

static int check_one(const struct args *a, size_t k)
{
    const char *path = args_get(a, outputs[k]), *input;
    if (path == NULL)
        return CMD_OK;
    if (k > 0 && strcmp(path, "-") == 0)
        return cmd_fail(CMD_USAGE, NULL, "--%s wants a file", outputs[k]);
    if ((input = lists_places_input(a, path)) != NULL)
        return cmd_fail(CMD_USAGE, NULL, "--%s %s: that is %s, which is read; name another file", outputs[k], path,
                        input);
    for (size_t i = 0; i < k; i++) {
        const char *other = args_get(a, outputs[i]);
        if (other != NULL && (same_file(other, path) || same_name(other, path)))
            return cmd_fail(CMD_USAGE, NULL, "--%s and --%s are the same file; name another one", outputs[i],
                            outputs[k]);
    }
    return CMD_OK;
}

int lists_places_check(const struct args *a)
{
    bool batches = args_has(a, "parts") || args_has(a, "size"); /* no file is called as their -o says */
    int rc = CMD_OK;
    for (size_t k = batches ? 1 : 0; k < OUTPUTS && rc == CMD_OK; k++)
        rc = check_one(a, k);
    return rc;
}
