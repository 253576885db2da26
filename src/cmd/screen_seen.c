/* SPDX-License-Identifier: Apache-2.0
 * screen_seen.c - the set of numbers, its notes, and the survey.
 *
 * A record holds a number and the line it stands on (16 bytes). To keep the last row, partitions are read from their end: what
 * is met first there is the last. Of the survey's findings there is one record for each row that is a repetition, in a window of lines;
 * a window is opened as an array by line. */
#include "cmd/screen_seen.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/spill.h"

#define PARTS      256
#define WINDOWS    256
#define LINE_BITS  48
#define LINE_MASK  (((uint64_t)1 << LINE_BITS) - 1)
#define NOTES      4096 /* written at once */
#define WINDOW_MIN 65536
#define SET_BYTES  28 /* a number of a partition, with room to spare: small sets fill unevenly */

struct seen {
    struct seen_options o;
    struct pool *pool;
    void *memory;
    struct number_set set;
    int notes_fd;
    struct spill_record note[NOTES];
    size_t note_n;
    uint64_t notes_n; /* in the file */
    struct spill *parts, *found;
    uint64_t line_max, window; /* of the survey: the last line; lines of a window */
    int64_t opened;            /* the window in memory, -1 none */
    struct number_seen group[SPILL_BLOCK];
    int share_rc[POOL_WORKERS_MAX];
    struct number_seen *rows; /* of seen_add() under way */
    size_t n;
};

/* ---- records ---- */

static struct spill_record pack(struct number_key k, uint64_t line)
{
    return (struct spill_record){k.digits, line | (uint64_t)k.code << LINE_BITS};
}

static struct number_seen unpack(struct spill_record r)
{
    return (struct number_seen){{r.a, (uint32_t)(r.b >> LINE_BITS)}, r.b & LINE_MASK, 0};
}

static int write_all(int fd, const void *p, size_t n, struct err *e)
{
    for (const char *from = p; n > 0;) {
        ssize_t done = write(fd, from, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return err_set(e, WL_EIO, "the file of numbers seen cannot be written: %s", strerror(errno));
        from += done;
        n -= (size_t)done;
    }
    return 0;
}

/* Notes from..from+n of the file. */
static int read_notes(struct seen *s, uint64_t from, size_t n, struct number_seen *ret, struct err *e)
{
    struct spill_record r[SPILL_BLOCK];
    size_t want = n * sizeof r[0], got = 0;
    while (got < want) {
        ssize_t done = pread(s->notes_fd, (char *)r + got, want - got, (off_t)(from * sizeof r[0] + got));
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return err_set(e, WL_EIO, "the file of numbers seen cannot be read: %s",
                           done < 0 ? strerror(errno) : "it is shorter than it was");
        got += (size_t)done;
    }
    for (size_t i = 0; i < n; i++)
        ret[i] = unpack(r[i]);
    return 0;
}

static int each_note(struct seen *s, int (*take)(struct seen *s, struct number_seen *rows, size_t n, struct err *e),
                     struct err *e)
{
    int rc = 0;
    for (uint64_t at = 0; rc == 0 && at < s->notes_n; at += SPILL_BLOCK) {
        size_t n = s->notes_n - at < SPILL_BLOCK ? (size_t)(s->notes_n - at) : SPILL_BLOCK;
        rc = read_notes(s, at, n, s->group, e);
        if (rc == 0)
            rc = take(s, s->group, n, e);
    }
    return rc;
}

/* ---- opening and closing ---- */

static int open_notes(struct seen *s, struct err *e)
{
    const struct seen_options *o = &s->o;
    if (o->notes == NULL)
        s->notes_fd = spill_unnamed(o->folder);
    else
        s->notes_fd = open(o->notes, O_RDWR | O_CREAT | O_CLOEXEC | (o->resume ? 0 : O_TRUNC), 0600);
    if (s->notes_fd < 0)
        return err_set(e, WL_EIO, "%s: %s", o->notes != NULL ? o->notes : o->folder, strerror(errno));
    if (!o->resume)
        return 0;
    off_t bytes = (off_t)(o->notes_n * sizeof(struct spill_record));
    struct stat st;
    if (fstat(s->notes_fd, &st) != 0 || st.st_size < bytes || ftruncate(s->notes_fd, bytes) != 0 ||
        lseek(s->notes_fd, bytes, SEEK_SET) < 0)
        return err_set(e, WL_EINVAL, "%s is not what the interrupted run left; start again", o->notes);
    s->notes_n = o->notes_n;
    return 0;
}

int seen_open(const struct seen_options *o, struct pool *pool, struct seen **ret, struct err *e)
{
    struct seen *s = calloc(1, sizeof *s);
    if (s == NULL)
        abort();
    *ret = s;
    s->o = *o;
    s->pool = pool;
    s->notes_fd = -1;
    s->opened = -1;
    s->memory = mmap(NULL, o->memory, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (s->memory == MAP_FAILED) {
        s->memory = NULL;
        return err_set(e, WL_ENOMEM, "the machine has no %zu MiB of memory for --memory", o->memory >> 20);
    }
    madvise(s->memory, o->memory, MADV_HUGEPAGE); /* only a wish */
    if (!number_set_init(&s->set, s->memory, o->expected))
        return err_set(e, WL_EINVAL, "--memory must be at least %u KiB", NUMBER_SET_LEAST >> 10);
    return open_notes(s, e);
}

void seen_close(struct seen *s, bool keep)
{
    if (s == NULL)
        return;
    if (s->memory != NULL)
        munmap(s->memory, s->o.memory);
    if (s->notes_fd >= 0)
        close(s->notes_fd);
    if (s->o.notes != NULL && !keep)
        unlink(s->o.notes);
    spill_close(s->parts);
    spill_close(s->found);
    free(s);
}

/* ---- as long as they fit ---- */

static void add_share(void *ctx, unsigned share, unsigned shares)
{
    struct seen *s = ctx;
    s->share_rc[share] = number_set_add(&s->set, s->rows, s->n, share, shares);
}

int seen_add(struct seen *s, struct number_seen *rows, size_t n, struct err *e)
{
    s->rows = rows;
    s->n = n;
    pool_run(s->pool, add_share, s);
    for (unsigned i = 0; i < pool_workers(s->pool); i++)
        if (s->share_rc[i] != 0)
            return err_set(e, WL_ETOOBIG, "the numbers do not fit into --memory");
    return 0;
}

static int write_notes(struct seen *s, struct err *e)
{
    int rc = write_all(s->notes_fd, s->note, s->note_n * sizeof s->note[0], e);
    s->notes_n += s->note_n;
    s->note_n = 0;
    return rc;
}

int seen_note(struct seen *s, const struct number_seen *row, struct err *e)
{
    s->note[s->note_n++] = pack(row->key, row->line);
    return s->note_n < NOTES ? 0 : write_notes(s, e);
}

int seen_flush(struct seen *s, bool sync, uint64_t *ret_n, struct err *e)
{
    int rc = write_notes(s, e);
    if (rc == 0 && sync && fdatasync(s->notes_fd) != 0)
        rc = err_set(e, WL_EIO, "the file of numbers seen cannot be written: %s", strerror(errno));
    *ret_n = s->notes_n;
    return rc;
}

/* Few at a time: not worth waking anybody. */
static int add_alone(struct seen *s, struct number_seen *rows, size_t n, struct err *e)
{
    int rc = number_set_add(&s->set, rows, n, 0, 1);
    return rc == 0 ? 0 : err_set(e, rc, "the numbers do not fit into --memory");
}

int seen_recall(struct seen *s, struct err *e)
{
    return each_note(s, add_alone, e);
}

/* ---- survey ---- */

static int survey_rows(struct seen *s, struct number_seen *rows, size_t n, struct err *e)
{
    return seen_survey(s, rows, n, e);
}

int seen_survey_begin(struct seen *s, struct err *e)
{
    int rc = write_notes(s, e);
    if (rc == 0)
        rc = spill_open(s->o.folder, PARTS, &s->parts, e);
    return rc == 0 ? each_note(s, survey_rows, e) : rc;
}

int seen_survey(struct seen *s, const struct number_seen *rows, size_t n, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        s->line_max = rows[i].line > s->line_max ? rows[i].line : s->line_max;
        if (rows[i].key.digits != 0)
            rc = spill_put(s->parts, number_key_part(rows[i].key, PARTS), pack(rows[i].key, rows[i].line), e);
    }
    return rc;
}

/* One block of a partition, in the order in which the first one met is the one kept. */
static int look_block(struct seen *s, unsigned part, uint64_t block, struct err *e)
{
    struct spill_record r[SPILL_BLOCK];
    size_t n = 0;
    int rc = spill_read(s->parts, part, block, r, &n, e);
    for (size_t i = 0; i < n; i++)
        s->group[s->o.last ? n - 1 - i : i] = unpack(r[i]);
    if (rc == 0)
        rc = add_alone(s, s->group, n, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (s->group[i].first != 0)
            rc = spill_put(s->found, (unsigned)(s->group[i].line / s->window),
                           (struct spill_record){s->group[i].line, s->group[i].first}, e);
    return rc;
}

static int look_with(struct seen *s, unsigned part, uint64_t bytes, struct err *e)
{
    uint64_t blocks = spill_blocks(s->parts, part);
    int rc = 0;
    memset(s->memory, 0, bytes);
    number_set_init(&s->set, s->memory, bytes);
    for (uint64_t i = 0; rc == 0 && i < blocks; i++)
        rc = look_block(s, part, s->o.last ? blocks - 1 - i : i, e);
    return rc;
}

/* The set is made no larger than the partition asks for: it has to be empty at its beginning. When its numbers lie unevenly or are long
 * ones, it is looked through again in more memory; what was found before is then found twice, which changes nothing. */
static int look_part(struct seen *s, unsigned part, struct err *e)
{
    uint64_t blocks = spill_blocks(s->parts, part), bytes = blocks * SPILL_BLOCK * SET_BYTES, most = s->o.memory;
    int rc = WL_ETOOBIG;
    if (blocks == 0)
        return 0;
    bytes = bytes < NUMBER_SET_LEAST ? NUMBER_SET_LEAST : bytes > most ? most : bytes;
    for (; rc == WL_ETOOBIG && bytes < 2 * most; bytes *= 2)
        rc = look_with(s, part, bytes < most ? bytes : most, e);
    return rc;
}

int seen_survey_end(struct seen *s, struct err *e)
{
    int rc = spill_end(s->parts, e);
    s->window = s->line_max / WINDOWS + 1;
    s->window = s->window < WINDOW_MIN ? WINDOW_MIN : s->window;
    if (rc == 0 && s->line_max > NUMBER_SET_LINES)
        return err_set(e, WL_ETOOBIG, "the file has more than %u lines; split it", NUMBER_SET_LINES);
    if (rc == 0 && s->window * sizeof(uint32_t) > s->o.memory)
        return err_set(e, WL_ETOOBIG, "so many lines need --memory %zuM",
                       (size_t)(s->window * sizeof(uint32_t) >> 20) + 1);
    if (rc == 0)
        rc = spill_open(s->o.folder, WINDOWS, &s->found, e);
    for (unsigned i = 0; rc == 0 && i < PARTS; i++)
        rc = look_part(s, i, e);
    spill_close(s->parts);
    s->parts = NULL;
    if (rc == WL_ETOOBIG)
        return err_set(e, WL_ETOOBIG, "the list needs more memory, even in %d parts; try --memory %zuM", PARTS,
                       (s->o.memory >> 18) + 1);
    return rc == 0 ? spill_end(s->found, e) : rc;
}

/* first[line of the window]; 0: that row repeats nothing. */
static int open_window(struct seen *s, uint64_t window, struct err *e)
{
    uint32_t *first = s->memory;
    struct spill_record r[SPILL_BLOCK];
    size_t n = 0;
    int rc = 0;
    memset(first, 0, s->window * sizeof *first);
    for (uint64_t i = 0; rc == 0 && i < spill_blocks(s->found, (unsigned)window); i++) {
        rc = spill_read(s->found, (unsigned)window, i, r, &n, e);
        for (size_t k = 0; rc == 0 && k < n; k++)
            first[r[k].a - window * s->window] = (uint32_t)r[k].b;
    }
    s->opened = (int64_t)window;
    return rc;
}

int seen_answer(struct seen *s, struct number_seen *rows, size_t n, struct err *e)
{
    const uint32_t *first = s->memory;
    int rc = 0;
    for (size_t i = 0; i < n; i++) {
        uint64_t window = rows[i].line / s->window;
        rows[i].first = 0;
        if (rows[i].key.digits == 0)
            continue;
        if (rows[i].line > s->line_max)
            return err_set(e, WL_EINVAL, "the file changed while it was read");
        if ((int64_t)window != s->opened && (rc = open_window(s, window, e)) != 0)
            return rc;
        rows[i].first = first[rows[i].line - window * s->window];
    }
    return 0;
}
