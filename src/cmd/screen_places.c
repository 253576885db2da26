/* SPDX-License-Identifier: Apache-2.0
 * screen_places.c - where a list comes from and what is written where.
 *
 * Everything that is written has a name of its own, and none is that of a file that is read: a list must not end as its own report. That
 * goes for the files beside the output, too, which are there only until it is complete. Names are the same when they lead to the same
 * file, or would. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/screen_job.h"
#include "cmd/term.h"

#define PLACES_MAX 16

struct place {
    const char *said, *path, *name; /* name: in its folder */
    bool written, there;
    dev_t device;
    ino_t node; /* of the file when it is there, else of the folder */
};
struct places {
    struct place place[PLACES_MAX];
    size_t n;
};

static bool is_stdout(const char *path)
{
    return path != NULL && strcmp(path, "-") == 0;
}

/* "clean.csv.gz" to "clean.rejected.csv.gz". */
static const char *rejected_path(struct arena *a, const char *out)
{
    const char *slash = strrchr(out, '/'), *name = slash != NULL ? slash + 1 : out;
    const char *dot = name[0] != '\0' ? strchr(name + 1, '.') : NULL;
    size_t n = dot != NULL ? (size_t)(dot - out) : strlen(out);
    return arena_printf(a, "%.*s.rejected%s", (int)n, out, out + n);
}

/* ---- no name twice ---- */

static bool find_folder(struct arena *a, const char *path, struct stat *ret)
{
    const char *slash = strrchr(path, '/');
    const char *folder = slash == NULL ? "." : arena_strndup(a, path, (size_t)(slash - path) + 1);
    return folder != NULL && stat(folder, ret) == 0;
}

/* What is no regular file (a pipe, /dev/null) may be named as often as one likes. */
static void add(const struct screen_job *j, struct places *p, const char *said, const char *path, bool written)
{
    struct stat st;
    if (path == NULL || (written && is_stdout(path)) || p->n == PLACES_MAX)
        return;
    const char *slash = strrchr(path, '/');
    bool there = (is_stdout(path) ? fstat(STDIN_FILENO, &st) : stat(path, &st)) == 0;
    if (there ? !S_ISREG(st.st_mode) : !find_folder(j->arena, path, &st))
        return;
    p->place[p->n++] = (struct place){.said = said,
                                      .path = path,
                                      .name = slash != NULL ? slash + 1 : path,
                                      .written = written,
                                      .there = there,
                                      .device = st.st_dev,
                                      .node = st.st_ino};
}

static void add_written(const struct screen_job *j, struct places *p, const char *said, const char *path)
{
    struct stat st;
    add(j, p, said, path, true);
    if (path != NULL && (stat(path, &st) != 0 || S_ISREG(st.st_mode)))
        add(j, p, "a file that is there until all is written", arena_printf(j->arena, "%s.part", path), true);
}

static void add_beside(const struct screen_job *j, struct places *p)
{
    static const char *const ends[] = {"checkpoint", "checkpoint.part", "seen.part"};
    for (size_t i = 0; j->out_path != NULL && i < sizeof ends / sizeof ends[0]; i++)
        add(j, p, "a file that is there until all is written", arena_printf(j->arena, "%s.%s", j->out_path, ends[i]),
            true);
}

/* A mapping may be kept where it came from. */
static bool may_be_same(const struct place *a, const struct place *b)
{
    return strcmp(a->said, "--mapping") == 0 && strcmp(b->said, "--save-mapping") == 0;
}

static bool is_same(const struct place *a, const struct place *b)
{
    return a->there == b->there && a->device == b->device && a->node == b->node &&
           (a->there || strcmp(a->name, b->name) == 0);
}

static int no_name_twice(const struct screen_job *j)
{
    static const char *const reads[] = {"filter", "mapping", "key-file", "config", "phone-data"};
    static const char *const said[] = {"--filter", "--mapping", "--key-file", "--config", "--phone-data"};
    struct places p = {.n = 0};
    add(j, &p, "the list", j->args->word[0], false);
    for (size_t i = 0; i < sizeof reads / sizeof reads[0]; i++)
        add(j, &p, said[i], args_get(j->args, reads[i]), false);
    add_written(j, &p, "-o", j->out_path);
    add_written(j, &p, "--rejected", j->bad_path);
    add_beside(j, &p);
    add(j, &p, "--report", args_get(j->args, "report"), true);
    add(j, &p, "--save-mapping", args_get(j->args, "save-mapping"), true);
    for (size_t i = 0; i < p.n; i++)
        for (size_t k = i + 1; k < p.n; k++)
            if (p.place[k].written && is_same(&p.place[i], &p.place[k]) && !may_be_same(&p.place[i], &p.place[k]))
                return cmd_fail(CMD_USAGE, "name another one", "%s: %s and %s are the same file", p.place[k].path,
                                p.place[i].said, p.place[k].said);
    return CMD_OK;
}

/* ---- words ---- */

static int check_stdout(const struct screen_job *j)
{
    if (is_stdout(j->out_path) && is_stdout(j->bad_path))
        return cmd_fail(CMD_USAGE, "--together writes all rows into one",
                        "-o and --rejected cannot both be standard output");
    if ((is_stdout(j->out_path) || is_stdout(j->bad_path)) && args_has(j->args, "json"))
        return cmd_fail(CMD_USAGE, "write the report to a file with --report FILE.json",
                        "standard output takes the rows or --json, not both");
    if (is_stdout(args_get(j->args, "report")))
        return cmd_fail(CMD_USAGE, "without --report, it is shown there",
                        "--report is for a file, not for standard output");
    return CMD_OK;
}

/* Words that exclude each other. */
static int check_words(const struct screen_job *j)
{
    const struct args *a = j->args;
    const char *keep = args_get(a, "keep");
    if (!j->dry && j->out_path == NULL)
        return cmd_fail(CMD_USAGE, "wayleave screen IN.csv -o OUT.csv", "say with -o where the rows go, or --dry-run");
    if (keep != NULL && strcmp(keep, "first") != 0 && !j->last)
        return cmd_fail(CMD_USAGE, NULL, "--keep must be first or last, not %s", keep);
    if (j->piped && args_has(a, "resume"))
        return cmd_fail(CMD_USAGE, NULL, "--resume needs a file to read and files to write");
    if (j->bad_path != NULL && args_has(a, "together"))
        return cmd_fail(CMD_USAGE, NULL, "--together and --rejected exclude each other");
    return check_stdout(j);
}

/* A named pipe, or what a shell makes of <(...), can be read once, as standard input can. */
static bool read_once(const char *path)
{
    struct stat st;
    return strcmp(path, "-") == 0 || (stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode));
}

int screen_places(struct screen_job *j)
{
    const struct args *a = j->args;
    const char *keep = args_get(a, "keep"), *slash = strrchr(a->word[0], '/');
    j->piped = read_once(a->word[0]);
    j->in_name = strcmp(a->word[0], "-") == 0 ? "standard input" : slash != NULL ? slash + 1 : a->word[0];
    j->dry = args_has(a, "dry-run");
    j->out_path = j->dry ? NULL : args_get(a, "output");
    j->bad_path = j->dry ? NULL : args_get(a, "rejected");
    j->last = keep != NULL && strcmp(keep, "last") == 0;
    int rc = check_words(j);
    j->together = args_has(a, "together") || (is_stdout(j->out_path) && j->bad_path == NULL);
    if (rc == CMD_OK && !j->dry && !j->together && j->bad_path == NULL)
        j->bad_path = rejected_path(j->arena, j->out_path);
    return rc == CMD_OK ? no_name_twice(j) : rc;
}
