/* SPDX-License-Identifier: Apache-2.0
 * ledger_reopen.c - a new generation of the ledger's log.
 *
 * The new generation is above that of the database, of the published directory and of every directory kept aside, so that
 * no name a log ever had is used twice. The database first, in one transaction: when the power goes after it the next start finds
 * a directory of an earlier generation and takes it aside by itself. */
#include "gateway/ledger_reopen.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/checkpoints_impl.h"

#define MEMORY (1u << 20)

/* The highest generation that a directory beside the database tells of; the first where there is none. *ret_size: what the
 * published checkpoint is over, -1 where there is none. */
static int64_t published(const char *state_dir, struct arena *a, int64_t *ret_size)
{
    struct ledger_dir d;
    struct str note, rest;
    char path[4200];
    int64_t most = 0, v;
    *ret_size = -1;
    snprintf(path, sizeof path, "%s/ledger", state_dir);
    if (ledger_dir_open(&d, path, false, NULL) == 0 && ledger_dir_checkpoint(&d, a, &note, NULL) == 0) {
        most = ledger_origin_generation(str_cut(note, '\n', &rest));
        if (!str_i64(str_cut(rest, '\n', &rest), ret_size))
            *ret_size = -1;
    }
    most = most > 0 ? most : 1;
    ledger_dir_done(&d);
    DIR *all = opendir(state_dir);
    for (const struct dirent *f; all != NULL && (f = readdir(all)) != NULL;)
        if (str_starts(str_of(f->d_name), STR("ledger.")) && str_i64(str_cut(str_of(f->d_name + 7), '.', &rest), &v) &&
            v > most)
            most = v;
    if (all != NULL)
        closedir(all);
    return most;
}

/* What the database says of the log that ends, before anything is published of it or where that is lost; whether it has ended
 * already: nothing is in the next one, and nothing of it was published. */
static int look(struct store *s, struct arena *a, int64_t above, struct ledger_reopened *ret, struct err *e)
{
    struct log_head h = {.generation = 0};
    int64_t size = 0;
    int rc = log_size(s, &size, e);
    if (rc != 0)
        return rc;
    rc = log_head_last(s, a, &h, e);
    if (rc != 0 && rc != WL_ENOTFOUND)
        return rc;
    ret->already = h.generation > 1 && h.generation > above && h.size == 0 && size == 0;
    ret->generation = h.generation;
    if (ret->leaves < 0)
        ret->leaves = rc == 0 ? h.size : size;
    return 0;
}

/* In a transaction: one log ends, another begins. */
static int restart(struct store *s, struct arena *a, int64_t above, struct ledger_reopened *ret, struct err *e)
{
    int64_t now = clock_now_ms();
    struct log_head h;
    int rc = look(s, a, above, ret, e);
    if (rc != 0 || ret->already)
        return rc;
    do {
        rc = log_restart(s, now, e);
        if (rc == 0)
            rc = log_head_last(s, a, &h, e);
    } while (rc == 0 && h.generation <= above);
    if (rc == 0)
        ret->generation = h.generation;
    return rc;
}

static int in_database(const char *store_url, int64_t above, struct arena *a, struct ledger_reopened *ret,
                       struct err *e)
{
    struct store *s = NULL;
    int rc = store_open(&s, store_url, NULL, e);
    if (rc == 0)
        rc = store_begin(s, e);
    if (rc == 0)
        rc = restart(s, a, above, ret, e);
    if (rc == 0)
        rc = store_commit(s, e);
    store_free(s);
    return rc;
}

/* Says in the directory that it ended, when and why. Nothing relies on it. */
static void leave_word(const char *directory, const char *why, const struct ledger_reopened *r)
{
    char path[4300], at[TIME_TEXT];
    struct buf text;
    snprintf(path, sizeof path, "%s/ended.txt", directory);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0)
        return;
    buf_init(&text, 65536);
    buf_printf(&text, "ended %s\nleaves in its last checkpoint %lld\nfollowed by generation %lld\nwhy %s\n",
               time_text(clock_now_ms(), at), (long long)r->leaves, (long long)r->generation, why);
    ssize_t n = write(fd, buf_cstr(&text), text.len);
    (void)n;
    close(fd);
    buf_done(&text);
}

int ledger_reopen(const char *state_dir, const char *store_url, const char *why, struct ledger_reopened *ret,
                  struct err *e)
{
    char url[4200], directory[4200];
    int lock = -1;
    struct arena *a = arena_create(MEMORY);
    if (a == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    snprintf(url, sizeof url, "%s/wayleave.db", state_dir);
    snprintf(directory, sizeof directory, "%s/ledger", state_dir);
    store_url = store_url != NULL ? store_url : url;
    int rc = gateway_lock(state_dir, &lock, e);
    if (rc == 0 && store_url == url && access(url, F_OK) != 0)
        rc = err_set(e, WL_ENOTFOUND, "%s: %s", url, strerror(errno));
    if (rc == 0) {
        int64_t above = published(state_dir, a, &ret->leaves);
        rc = in_database(store_url, above, a, ret, e);
        if (rc == 0 && access(directory, F_OK) == 0) {
            ret->already = false; /* the power went between the two */
            leave_word(directory, why, ret);
            rc = ledger_set_aside(directory, above, e);
        }
    }
    if (lock >= 0)
        close(lock);
    arena_free(a);
    return rc;
}
