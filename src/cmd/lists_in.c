/* SPDX-License-Identifier: Apache-2.0
 * lists_in.c - tables become sorted runs, runs become a source.
 *
 * One array is filled, sorted, cleared of doubles; if more comes it is written behind the others into one file that
 * has no name, so that nothing of it is left whatever ends the command. The last array stays in memory: a table of
 * up to LISTS_RUN numbers never touches the disk. Lists among the inputs are merged in as they are. */
#include "cmd/lists_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/lists_rows.h"
#include "cmd/term.h"
#include "core/number_sort.h"

#define RUNS_MAX   NUMBER_MERGE_INPUTS_MAX
#define MERGE_MAX  ((size_t)RUNS_MAX * 32768)
#define FIRST_ROOM 65536

struct spill {
    uint64_t base, size;
};

struct lists_in {
    struct arena *arena;
    struct list_file **list; /* inputs that are lists, then runs */
    size_t lists, inputs;    /* how many, how many of them inputs */
    uint64_t *number, *scratch, *sorted;
    size_t n, room, run;
    int fd; /* runs; -1: none */
    uint64_t written;
    struct spill *spill;
    size_t spills;
    struct number_span memory; /* what the source has still to give of `sorted` */
};

/* ---- runs */

static int grow(struct lists_in *in, struct err *e)
{
    size_t room = in->room == 0 ? FIRST_ROOM : in->room * 2;
    room = room > in->run ? in->run : room;
    uint64_t *more = reallocarray(in->number, room, sizeof *more);
    if (more != NULL)
        in->number = more;
    uint64_t *other = more == NULL ? NULL : reallocarray(in->scratch, room, sizeof *more);
    if (other == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for sorting numbers");
    in->scratch = other;
    in->room = room;
    return 0;
}

static void sort_run(struct lists_in *in)
{
    in->sorted = number_sort(in->number, in->scratch, in->n);
    in->n = number_unique(in->sorted, in->n);
}

/* A file without a name, where temporary files belong. */
static int open_spill(struct lists_in *in, struct err *e)
{
    const char *dir = getenv("TMPDIR");
    dir = dir != NULL && *dir != '\0' ? dir : "/var/tmp";
    in->fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (in->fd < 0)
        return err_set(e, WL_EIO, "%s: no temporary file can be made there: %s (TMPDIR names another place)", dir,
                       strerror(errno));
    return 0;
}

static int spill(struct lists_in *in, struct err *e)
{
    struct list_writer *w = NULL;
    if (in->spills == RUNS_MAX)
        return err_set(e, WL_ETOOBIG, "more numbers than can be sorted at once; make lists of parts first");
    int rc = in->fd < 0 ? open_spill(in, e) : 0;
    struct spill *more = rc == 0 ? reallocarray(in->spill, in->spills + 1, sizeof *more) : NULL;
    if (rc == 0 && more == NULL)
        rc = err_set(e, WL_ENOMEM, "out of memory for sorting numbers");
    if (rc != 0)
        return rc;
    in->spill = more;
    sort_run(in);
    struct spill *s = &in->spill[in->spills];
    s->base = in->written;
    rc = list_writer_within(in->fd, s->base, &w, e);
    if (rc == 0 && list_writer_put(w, (struct number_span){in->sorted, in->n}, e) == 0)
        rc = list_writer_close(w, &s->size, e);
    else if (w != NULL) {
        list_writer_drop(w);
        rc = rc != 0 ? rc : WL_EIO;
    }
    if (rc != 0)
        return err_prefix(e, "temporary file");
    in->written += s->size;
    in->spills++;
    in->n = 0;
    return 0;
}

int lists_in_add(struct lists_in *in, uint64_t number, struct err *e)
{
    if (in->n == in->room) {
        int rc = in->room == in->run ? spill(in, e) : grow(in, e);
        if (rc != 0)
            return rc;
    }
    in->number[in->n++] = number;
    return 0;
}

/* All rows are read: the runs become lists. */
static int settle(struct lists_in *in, struct err *e)
{
    if (in->n > 0)
        sort_run(in);
    struct list_file **all = reallocarray(in->list, in->inputs + in->spills + 1, sizeof *all);
    if (all == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for sorting numbers");
    in->list = all;
    for (size_t i = 0; i < in->spills; i++) {
        int rc = list_file_within(in->fd, in->spill[i].base, in->spill[i].size, &in->list[in->lists], e);
        if (rc != 0)
            return err_prefix(e, "temporary file");
        in->lists++;
    }
    if (in->n > 0 && in->sorted == in->number) { /* the other array is not needed any more */
        free(in->scratch);
        in->scratch = NULL;
    } else if (in->n > 0) {
        free(in->number);
        in->number = NULL;
    }
    return 0;
}

/* ---- the face */

static int add_list(struct lists_reading *r, struct lists_in *in, const char *path, int fd, struct err *e)
{
    struct list_file **more = reallocarray(in->list, in->lists + 1, sizeof *more);
    if (more == NULL) {
        close(fd);
        return err_set(e, WL_ENOMEM, "out of memory for lists");
    }
    in->list = more;
    int rc = list_file_open(path, fd, &in->list[in->lists], e);
    if (rc != 0)
        return rc;
    r->added += list_file_head(in->list[in->lists])->count;
    in->inputs = ++in->lists;
    return 0;
}

/* Opened once: what is a pipe cannot be opened again. */
static int add_input(struct lists_reading *r, struct lists_in *in, const char *path, struct err *e)
{
    if (strcmp(path, "-") == 0)
        return lists_rows_read(r, path, 0, in, e);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return err_set(e, errno == ENOENT ? WL_ENOTFOUND : WL_EIO, "%s: it cannot be read: %s", path, strerror(errno));
    if (list_file_is(fd))
        return add_list(r, in, path, fd, e);
    int rc = lists_rows_read(r, path, fd, in, e);
    close(fd);
    return rc;
}

int lists_in_open_all(struct lists_reading *r, const char *const *path, size_t n, struct lists_in **ret, struct err *e)
{
    struct lists_in *in = calloc(1, sizeof *in);
    int rc = 0;
    *ret = NULL;
    if (in == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for lists");
    in->fd = -1;
    in->run = r->run;
    in->arena = arena_create(MERGE_MAX);
    if (in->arena == NULL)
        rc = err_set(e, WL_ENOMEM, "out of memory for lists");
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = add_input(r, in, path[i], e);
    if (rc == 0)
        rc = settle(in, e);
    if (rc != 0)
        lists_in_close(in);
    else
        *ret = in;
    return rc;
}

int lists_in_open(struct lists_reading *r, const char *path, struct lists_in **ret, struct err *e)
{
    return lists_in_open_all(r, &path, 1, ret, e);
}

void lists_in_close(struct lists_in *in)
{
    if (in == NULL)
        return;
    for (size_t i = 0; i < in->lists; i++)
        list_file_close(in->list[i]);
    free(in->list);
    free(in->number);
    free(in->scratch);
    free(in->spill);
    if (in->fd >= 0)
        close(in->fd);
    arena_free(in->arena);
    free(in);
}

struct list_file *lists_in_file(struct lists_in *in)
{
    return in->lists == 1 && in->inputs == 1 && in->n == 0 ? in->list[0] : NULL;
}

uint64_t lists_in_count(const struct lists_in *in)
{
    if (in->lists == 0)
        return in->n;
    return in->lists == 1 && in->n == 0 ? list_file_head(in->list[0])->count : 0;
}

static int memory_next(void *ctx, uint64_t floor, struct number_span *ret, struct err *e)
{
    struct lists_in *in = ctx;
    (void)floor;
    (void)e;
    size_t n = in->memory.n < NUMBER_LIST_BLOCK ? in->memory.n : NUMBER_LIST_BLOCK;
    *ret = (struct number_span){in->memory.p, n};
    in->memory = (struct number_span){n > 0 ? in->memory.p + n : NULL, in->memory.n - n};
    return 0;
}

struct broken {
    struct err why;
};
static int broken_next(void *ctx, uint64_t floor, struct number_span *ret, struct err *e)
{
    const struct broken *b = ctx;
    (void)floor;
    *ret = (struct number_span){NULL, 0};
    return err_set(e, b->why.code, "%s", b->why.text);
}

struct number_source lists_in_source(struct lists_in *in)
{
    static struct broken no_memory = {{WL_ENOMEM, "out of memory for merging lists"}};
    struct number_source ret;
    arena_reset(in->arena);
    in->memory = (struct number_span){in->sorted, in->n};
    struct number_source memory = {memory_next, in};
    if (in->lists == 0)
        return memory;
    if (in->lists == 1 && in->n == 0)
        return list_file_source(in->list[0]);
    struct number_source *row = arena_new_array(in->arena, struct number_source, in->lists + 1);
    for (size_t i = 0; row != NULL && i < in->lists; i++)
        row[i] = list_file_source(in->list[i]);
    if (row != NULL)
        row[in->lists] = memory;
    if (row == NULL || number_merge(NUMBER_UNION, row, in->lists + 1, in->arena, &ret, NULL) != 0)
        return (struct number_source){broken_next, &no_memory};
    return ret;
}
