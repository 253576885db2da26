/* SPDX-License-Identifier: Apache-2.0
 * phone_tables.c - finds, reads and checks the tables of numbering plans.
 *
 * A file somebody named must be good. One that was merely found in the data directory is passed over with a warning when it is not:
 * it may be of another version of the program. */
#include "cmd/phone_tables.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/yaml.h"
#include "cmd/config.h"
#include "cmd/term.h"

extern char **environ;

#define SHIPPED   "phone.pnd"
#define PATHS_MAX (64u << 10)
#define ALIGN     8

static int read_whole(const char *path, void **ret, size_t *ret_n, struct err *e)
{
    FILE *f = fopen(path, "re");
    char *bytes = f != NULL ? aligned_alloc(ALIGN, PHONE_FILE_MAX + ALIGN) : NULL;
    if (f == NULL)
        return err_set(e, errno == ENOENT ? WL_ENOTFOUND : WL_EIO, "it cannot be read: %s", strerror(errno));
    size_t n = bytes != NULL ? fread(bytes, 1, PHONE_FILE_MAX + 1, f) : 0;
    int why = ferror(f) ? errno : 0;
    fclose(f);
    if (bytes == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    if (why != 0 || n > PHONE_FILE_MAX) {
        free(bytes);
        return why != 0 ? err_set(e, WL_EIO, "it cannot be read: %s", strerror(why))
                        : err_set(e, WL_ETOOBIG, "it is larger than %u bytes", PHONE_FILE_MAX);
    }
    *ret = bytes;
    *ret_n = n;
    return 0;
}

int phone_tables_read(const char *path, struct phone_tables *ret, struct err *e)
{
    size_t n = 0;
    *ret = (struct phone_tables){0};
    if (path == NULL) {
        phone_data_builtin(&ret->data);
        return 0;
    }
    int rc = read_whole(path, &ret->bytes, &n, e);
    if (rc == 0)
        rc = phone_data_open(&ret->data, ret->bytes, n, e);
    if (rc == 0 && (ret->from = strdup(path)) == NULL)
        rc = err_set(e, WL_ENOMEM, "out of memory");
    if (rc == 0)
        return 0;
    phone_tables_close(ret);
    return err_prefix(e, "%s", path);
}

void phone_tables_close(struct phone_tables *t)
{
    free(t->bytes);
    free(t->from);
    *t = (struct phone_tables){0};
}

/* phone.data of the configuration; NULL where it says nothing. */
static int configured(const struct args *a, struct arena *mem, const char **ret)
{
    const struct config_source from = {.file = args_get(a, "config"), .environ = environ};
    struct config *c = NULL;
    struct err e = {0};
    int rc = CMD_OK;
    if (config_load(&c, &from, &e) != 0)
        rc = cmd_fail(CMD_FAILED, c ? "see all of it with: wayleave check-config" : NULL, "%s", e.text);
    else if (c->gateway.phone_data_file != NULL)
        *ret = arena_strdup(mem, c->gateway.phone_data_file);
    config_free(c);
    return rc;
}

/* Those built in, or the file in the data directory that is newer. */
static void shipped(struct arena *mem, struct phone_tables *ret)
{
    struct phone_tables found;
    struct err e = {0};
    const char *path = config_shipped(mem, SHIPPED);
    phone_tables_read(NULL, ret, &e);
    if (path == NULL || access(path, F_OK) != 0)
        return;
    if (phone_tables_read(path, &found, &e) != 0)
        cmd_fail(CMD_OK, NULL, "the numbering plans built in are used: %s", e.text);
    else if (found.data.head->released > ret->data.head->released)
        *ret = found;
    else
        phone_tables_close(&found);
}

int phone_tables_choose(const char *path, struct phone_tables *ret, struct err *e)
{
    if (path != NULL)
        return phone_tables_read(path, ret, e);
    struct arena *mem = arena_create(PATHS_MAX);
    if (mem == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    shipped(mem, ret);
    arena_free(mem);
    return 0;
}

static int find(const struct args *a, struct arena *mem, struct phone_tables *ret)
{
    struct err e = {0};
    const char *path = args_get(a, "phone-data");
    int rc = path == NULL ? configured(a, mem, &path) : CMD_OK;
    if (rc != CMD_OK)
        return rc;
    if (phone_tables_choose(path, ret, &e) != 0)
        return cmd_fail(CMD_FAILED, "make such a file with: wayleave phone compile", "%s", e.text);
    return CMD_OK;
}

int phone_tables_open(const struct args *a, struct phone_tables *ret)
{
    struct arena *mem = arena_create(PATHS_MAX);
    *ret = (struct phone_tables){0};
    if (mem == NULL)
        return cmd_fail(CMD_FAILED, NULL, "out of memory");
    int rc = find(a, mem, ret);
    arena_free(mem);
    if (rc != CMD_OK)
        return rc;
    int days = phone_data_age_days(&ret->data, clock_now_ms());
    if (days > PHONE_DATA_STALE_DAYS && !args_has(a, "quiet"))
        cmd_fail(CMD_OK, "docs/phone.md says how to renew them",
                 "the numbering plans are %d days old (%s): numbers of newer ranges count as invalid", days,
                 phone_data_name(&ret->data));
    return CMD_OK;
}

int phone_tables_region(const struct args *a, const struct phone_tables *t, int *ret)
{
    const char *word = args_get(a, "region");
    *ret = word != NULL ? phone_region(&t->data, str_of(word)) : 0;
    if (word == NULL || *ret != 0)
        return CMD_OK;
    return cmd_fail(CMD_USAGE, NULL, "--region %s is no region with a numbering plan: two letters, as in DE", word);
}
