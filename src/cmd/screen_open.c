/* SPDX-License-Identifier: Apache-2.0
 * screen_open.c - from the words of the command to a list that is open and understood.
 *
 * What can be read once only, a pipe, is first kept in an unnamed file: its rows may have to be read twice. Which column holds the number
 * is found out by the header and by what the first rows hold, or said by the person; what was found is told. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/columns_args.h"
#include "cmd/filter_args.h"
#include "cmd/screen_job.h"
#include "cmd/spill.h"
#include "cmd/term.h"

#define OWN_MAX        ((size_t)1 << 30) /* cells of ours of one batch */
#define ARENA_MAX      (64u << 20)
#define MEMORY_DEFAULT "256M"
#define PACKED         10 /* few lists are packed tighter */
#define SET_BYTES      16 /* a row: 11 are needed */
#define SAID_MAX       4096

const char *const screen_column_name[SCREEN_COLUMNS] = {
    "e164", "country", "type", "network", "zone", "verdict", "reason", "activity", "score", "last_seen",
};

/* ---- words ---- */

bool screen_bytes(const char *word, size_t *ret)
{
    static const char units[] = "KMG";
    size_t n = strspn(word, "0123456789");
    int64_t value;
    if (n == 0 || n > 9 || !str_i64((struct str){word, n}, &value))
        return false;
    char big = (char)(word[n] & ~32);
    const char *unit = big != '\0' ? strchr(units, big) : NULL;
    if (unit != NULL)
        n++;
    if (strcmp(word + n, "") != 0 && strcmp(word + n, "B") != 0 && strcmp(word + n, "iB") != 0)
        return false;
    *ret = (size_t)value << (unit != NULL ? 10 * (unit - units + 1) : 0);
    return true;
}

static int read_memory(struct screen_job *j)
{
    const char *word = args_get(j->args, "memory");
    if (!screen_bytes(word != NULL ? word : MEMORY_DEFAULT, &j->memory))
        return cmd_fail(CMD_USAGE, NULL, "--memory %s is no size: as in 256M or 2G", word);
    if (j->memory < SEEN_MEMORY_LEAST)
        return cmd_fail(CMD_USAGE, NULL, "--memory must be at least %uK", SEEN_MEMORY_LEAST >> 10);
    return CMD_OK;
}

static int read_delimiter(struct screen_job *j)
{
    return columns_args_delimiter(j->args, &j->source.delimiter);
}

static int read_threads(struct screen_job *j)
{
    const char *word = args_get(j->args, "threads");
    int64_t n = 0;
    if (word != NULL && (!str_i64(str_of(word), &n) || n < 1 || n > POOL_WORKERS_MAX))
        return cmd_fail(CMD_USAGE, NULL, "--threads must be from 1 to %d", POOL_WORKERS_MAX);
    j->pool = pool_create((unsigned)n);
    return CMD_OK;
}

/* ---- the file ---- */

/* What comes through a pipe, kept where it can be read again. */
static int keep_pipe(struct screen_job *j)
{
    const char *folder = getenv("TMPDIR");
    char bytes[65536];
    ssize_t n;
    int from = strcmp(j->source.path, "-") == 0 ? dup(STDIN_FILENO) : open(j->source.path, O_RDONLY | O_CLOEXEC);
    if (from < 0 || lseek(from, 0, SEEK_CUR) >= 0) {
        j->source.fd = from;
        return from >= 0 ? CMD_OK : cmd_fail(CMD_FAILED, NULL, "%s cannot be read: %s", j->in_name, strerror(errno));
    }
    int fd = spill_unnamed(folder != NULL && *folder != '\0' ? folder : "/tmp");
    const char *why = fd < 0 ? "no temporary file for what comes in" : NULL;
    j->source.fd = fd;
    while (why == NULL && (n = read(from, bytes, sizeof bytes)) != 0) {
        if (n < 0)
            why = "it cannot be read";
        for (ssize_t at = 0, done; why == NULL && at < n; at += done)
            if ((done = write(fd, bytes + at, (size_t)(n - at))) <= 0)
                why = "what comes in cannot be kept; name another folder in TMPDIR";
    }
    int number = errno;
    close(from);
    return why == NULL ? CMD_OK : cmd_fail(CMD_FAILED, NULL, "%s: %s: %s", j->in_name, why, strerror(number));
}

static int open_table(struct screen_job *j, struct err *e)
{
    if (j->source.fd > 0 && lseek(j->source.fd, 0, SEEK_SET) < 0)
        return err_set(e, WL_EIO, "it cannot be read again: %s", strerror(errno));
    return table_open(&j->source, &j->in, e);
}

static int look_at(const struct screen_job *j, struct stat *ret)
{
    return j->source.fd > 0 ? fstat(j->source.fd, ret) : stat(j->source.path, ret);
}

int screen_unchanged(const struct screen_job *j, struct err *e)
{
    const struct stat *was = &j->opened;
    struct stat is;
    bool same = look_at(j, &is) == 0 && is.st_dev == was->st_dev && is.st_ino == was->st_ino &&
                is.st_size == was->st_size && is.st_mtim.tv_sec == was->st_mtim.tv_sec &&
                is.st_mtim.tv_nsec == was->st_mtim.tv_nsec;
    return same || !S_ISREG(was->st_mode) ? 0 : err_set(e, WL_ECONFLICT, "it changed while it was read; start again");
}

int screen_reopen(struct screen_job *j, uint64_t at, uint64_t line, struct err *e)
{
    if (j->head == NULL)
        j->head = j->in; /* names of columns stand in it */
    else
        table_close(j->in);
    j->in = NULL;
    j->sampled = false;
    int rc = open_table(j, e);
    return rc == 0 ? table_seek(j->in, at, line, e) : rc;
}

/* No more memory for numbers than the file probably has, by the length of its first rows: memory that is never used has to be
 * made empty, too. When there are more of them after all, the disk is used, with all of the memory. */
static void expect_rows(struct screen_job *j)
{
    uint64_t total = 0;
    j->expected = j->memory;
    table_progress(j->in, &total);
    if (total == 0 || j->batch.rows == 0)
        return;
    const struct table_row *last = &j->batch.row[j->batch.rows - 1];
    uint64_t sample = last->at + last->n + 1 - j->first_at,
             of = total * (table_compression(j->in)[0] != '\0' ? PACKED : 1);
    double rows = (double)of / (double)sample * (double)j->batch.rows;
    uint64_t bytes = (uint64_t)(rows * SET_BYTES) + SEEN_MEMORY_LEAST;
    j->expected = bytes < j->memory ? (size_t)bytes : j->memory;
}

/* ---- columns ---- */

static int read_header(struct screen_job *j, struct err *e)
{
    const struct table_cell *cells;
    const struct table_row *header = table_header(j->in, &cells);
    if (header->problem >= TABLE_BROKEN)
        return err_set(e, WL_EINVAL, "the first line cannot be read: %s", table_problem_sentence(header->problem));
    j->header = header->cells;
    if (!columns_is_data(j->data, j->default_region, header, cells))
        return columns_read(j->arena, header, cells, &j->columns, e);
    table_no_header(j->in);
    return columns_headless(j->arena, header->cells, &j->columns, e);
}

/* The last columns are those of an earlier run: they are written anew. */
static void find_own(struct screen_job *j)
{
    j->width = j->header;
    for (size_t n = SCREEN_COLUMNS; n > SCREEN_REASON; n--) {
        bool same = j->header > n && (n == SCREEN_COLUMNS || n == SCREEN_ACTIVITY);
        for (size_t i = 0; same && i < n; i++)
            same = str_eq(j->columns.column[j->header - n + i].name, str_of(screen_column_name[i]));
        if (same) {
            j->width = j->header - n;
            return;
        }
    }
}

static void say_columns(struct screen_job *j)
{
    struct buf said;
    buf_init(&said, SAID_MAX);
    columns_say(&j->columns, &said);
    if (said.len > 0 && !args_has(j->args, "quiet")) {
        fprintf(stderr, "%s: ", j->in_name);
        term_text(stderr, TONE_PLAIN, buf_str(&said));
        fputc('\n', stderr);
    }
    buf_done(&said);
}

static int open_columns(struct screen_job *j)
{
    struct err e = {0};
    int rc = read_header(j, &e);
    if (rc == 0)
        rc = table_next(j->in, &j->batch, &e);
    if (rc < 0)
        return cmd_fail(CMD_FAILED, NULL, "%s: %s", j->in_name, e.text);
    j->sampled = rc == 1;
    if (j->sampled) {
        j->first_at = j->batch.row[0].at;
        j->first_line = j->batch.row[0].line;
    }
    rc = columns_args_apply(j->args, &j->columns);
    if (rc != CMD_OK)
        return rc;
    if (j->sampled)
        columns_look(&j->columns, j->data, j->default_region, &j->batch);
    rc = columns_args_save(j->args, &j->columns);
    if (rc != CMD_OK)
        return rc;
    say_columns(j);
    if (j->columns.phones == 0)
        return cmd_fail(CMD_FAILED, "name it: --map phone=NAME, or --map 'phone=#3' for the third",
                        "%s: no column of phone numbers was found", j->in_name);
    find_own(j);
    screen_init(&j->screen, j->data, args_has(j->args, "international") || j->columns.international);
    return CMD_OK;
}

/* ---- the filter ---- */

static int place_filter(struct screen_job *j)
{
    for (size_t i = 0; i < number_filter_columns(j->filter); i++) {
        struct str name = number_filter_column(j->filter, i);
        struct screen_cell *x = &j->asks[i];
        *x = (struct screen_cell){-1, -1};
        for (size_t c = 0; x->column < 0 && c < j->width; c++)
            if (str_ieq(j->columns.column[c].name, name))
                x->column = (int)c;
        for (int c = SCREEN_ACTIVITY; x->column < 0 && j->activity != NULL && c < SCREEN_COLUMNS; c++)
            if (str_ieq(str_of(screen_column_name[c]), name))
                x->own = c;
        if (x->column < 0 && x->own < 0)
            return cmd_fail(CMD_USAGE, NULL, "the filter asks for a column \"%.*s\", which %s does not have",
                            (int)name.n, name.p, j->in_name);
    }
    return CMD_OK;
}

static int open_filter(struct screen_job *j)
{
    int rc = filter_from_args(j->args, j->arena, j->data, &j->filter);
    if (rc != CMD_OK)
        return rc;
    if (number_filter_any(j->filter))
        j->filter = NULL;
    return j->filter != NULL ? place_filter(j) : CMD_OK;
}

/* ---- all of it ---- */

static int open_words(struct screen_job *j)
{
    static int (*const reads[])(struct screen_job * j) = {screen_places, read_memory, read_delimiter, read_threads};
    int rc = CMD_OK;
    for (size_t i = 0; rc == CMD_OK && i < sizeof reads / sizeof reads[0]; i++)
        rc = reads[i](j);
    return rc;
}

static int open_plans(struct screen_job *j)
{
    int rc = phone_tables_open(j->args, &j->tables);
    if (rc == CMD_OK) {
        j->data = &j->tables.data;
        rc = phone_tables_region(j->args, &j->tables, &j->default_region);
    }
    if (rc != CMD_OK)
        return rc;
    j->tally = screen_tally_new(j->arena, j->data);
    return j->tally != NULL ? CMD_OK : cmd_fail(CMD_FAILED, NULL, "out of memory");
}

static int open_list(struct screen_job *j)
{
    struct err e = {0};
    if (look_at(j, &j->opened) != 0)
        return cmd_fail(CMD_FAILED, NULL, "%s: %s", j->in_name, strerror(errno));
    return open_table(j, &e) == 0 ? CMD_OK : cmd_fail(CMD_FAILED, NULL, "%s: %s", j->in_name, e.text);
}

int screen_open(struct screen_job *j)
{
    j->arena = arena_create(ARENA_MAX);
    if (j->arena == NULL)
        abort();
    for (size_t i = 0; i < POOL_WORKERS_MAX; i++) {
        buf_init(&j->room[i].bytes, 4 * (size_t)TABLE_ROW_MAX);
        buf_init(&j->room[i].own, OWN_MAX);
    }
    j->source = (struct table_options){.path = j->args->word[0],
                                       .encoding = args_get(j->args, "encoding"),
                                       .sheet = args_get(j->args, "sheet")};
    int rc = open_words(j);
    if (rc == CMD_OK)
        rc = open_plans(j);
    if (rc == CMD_OK && j->piped)
        rc = keep_pipe(j);
    if (rc == CMD_OK)
        rc = open_list(j);
    if (rc != CMD_OK)
        return rc;
    rc = open_columns(j);
    if (rc == CMD_OK)
        expect_rows(j);
    if (rc == CMD_OK && args_has(j->args, "activity"))
        rc = screen_activity_open(j);
    j->own = j->activity != NULL ? SCREEN_COLUMNS : SCREEN_ACTIVITY;
    j->delimiter = table_delimiter(j->in);
    return rc == CMD_OK ? open_filter(j) : rc;
}

void screen_room_for(struct screen_job *j, size_t rows)
{
    if (rows <= j->rows_max)
        return;
    free(j->work);
    free(j->seen);
    free(j->known);
    j->rows_max = rows;
    j->work = calloc(rows, sizeof *j->work);
    j->seen = calloc(rows, sizeof *j->seen);
    j->known = j->activity != NULL ? calloc(rows, sizeof *j->known) : NULL;
    if (j->work == NULL || j->seen == NULL || (j->activity != NULL && j->known == NULL))
        abort();
}

void screen_close(struct screen_job *j)
{
    screen_activity_close(j);
    table_close(j->in);
    table_close(j->head);
    pool_free(j->pool);
    phone_tables_close(&j->tables);
    for (size_t i = 0; i < POOL_WORKERS_MAX; i++) {
        buf_done(&j->room[i].bytes);
        buf_done(&j->room[i].own);
    }
    if (j->source.fd > 0)
        close(j->source.fd);
    free(j->work);
    free(j->seen);
    free(j->known);
    arena_free(j->arena);
}
