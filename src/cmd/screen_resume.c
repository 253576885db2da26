/* SPDX-License-Identifier: Apache-2.0
 * screen_resume.c - checkpoints, from which `wayleave screen --resume` goes on after a crash with the same result to the byte.
 *
 * Whenever so many bytes of the list are done, what was written is flushed, always at the same rows, because a compressed file ends a frame there. A
 * checkpoint beside the output then says which row is next, how long the files are, and what was counted; before it counts, everything it
 * speaks of is on the disk. It belongs to one task: the same list, options, filter and numbering plans. Another is not gone on with.
 *
 * There are none for a pipe, in or out. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "cmd/screen_job.h"
#include "cmd/term.h"

#define FORMAT   1
#define EVERY    (64u << 20) /* bytes of the list */
#define PAUSE_NS 2000000000  /* between two checkpoints */
#define FILE_MAX (4u << 20)

struct screen_resume {
    const char *path, *fresh, *seen; /* the checkpoint, being written, the notes of numbers */
    char task[SHA256_HEX];
    uint64_t every, done; /* bytes; how many times so many are done */
    bool often;           /* at every such place */
    int64_t saved_ns;
    struct screen_point point;
};

/* ---- the task ---- */

static void add_text(struct sha256_state *s, const char *text)
{
    sha256_add(s, text, strlen(text) + 1);
}

static int add_file(struct sha256_state *s, const char *path)
{
    char bytes[16384];
    size_t n;
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be read: %s", path, strerror(errno));
    while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
        sha256_add(s, bytes, n);
    fclose(f);
    return CMD_OK;
}

/* Options that change nothing of what is written. */
static bool changes_nothing(const char *option)
{
    static const char *const names[] = {"resume", "quiet",   "json", "report",   "save-mapping",
                                        "memory", "threads", "url",  "key-file", "config"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(option, names[i]) == 0)
            return true;
    return false;
}

static int task_digest(const struct screen_job *j, char ret[SHA256_HEX])
{
    uint8_t digest[SHA256_BYTES];
    char text[128];
    struct stat st;
    const char *filter = args_get(j->args, "filter"), *mapping = args_get(j->args, "mapping");
    if (stat(j->args->word[0], &st) != 0)
        return cmd_fail(CMD_FAILED, NULL, "%s: %s", j->in_name, strerror(errno));
    struct sha256_state *s = sha256_begin();
    snprintf(text, sizeof text, "%d %lld %lld.%09ld", FORMAT, (long long)st.st_size, (long long)st.st_mtim.tv_sec,
             st.st_mtim.tv_nsec);
    add_text(s, text);
    sha256_add(s, j->data->head->digest, sizeof j->data->head->digest);
    add_text(s, j->args->word[0]);
    for (size_t i = 0; i < j->args->n_given; i++)
        if (!changes_nothing(j->args->given[i].option->name)) {
            add_text(s, j->args->given[i].option->name);
            add_text(s, j->args->given[i].value);
        }
    int rc = filter != NULL ? add_file(s, filter) : CMD_OK;
    if (rc == CMD_OK && mapping != NULL)
        rc = add_file(s, mapping);
    sha256_end(s, digest);
    hex_encode(digest, sizeof digest, ret);
    return rc;
}

/* ---- writing ---- */

static void put_counts(struct json_out *o, const char *key, const uint64_t *n, size_t count)
{
    jo_key(o, key);
    jo_array(o);
    for (size_t i = 0; i < count; i++)
        jo_int(o, (int64_t)n[i]);
    jo_end(o);
}

static void put_networks(struct json_out *o, const struct screen_tally *t)
{
    jo_key(o, "networks");
    jo_array(o);
    for (size_t i = 0; i < SCREEN_NETWORKS; i++)
        if (t->network[i].name != NULL) {
            jo_cstr(o, t->network[i].name);
            jo_int(o, (int64_t)t->network[i].n);
        }
    jo_end(o);
}

static void put_point(struct json_out *o, const struct screen_point *p)
{
    const uint64_t n[] = {p->at, p->line, p->good, p->bad, p->seen, p->survey_at, p->survey_line};
    put_counts(o, "point", n, sizeof n / sizeof n[0]);
}

static void checkpoint_text(const struct screen_job *j, struct buf *b)
{
    const struct screen_tally *t = j->tally;
    struct json_out o;
    json_out_init(&o, b);
    jo_object(&o);
    jo_kcstr(&o, "task", j->resume->task);
    put_point(&o, &j->resume->point);
    jo_kint(&o, "rows", (int64_t)t->rows);
    put_counts(&o, "verdicts", t->verdict, VERDICTS);
    put_counts(&o, "lines", &t->line[0][0], (size_t)VERDICTS * SCREEN_LINES);
    put_counts(&o, "repairs", t->repair, PHONE_CELL_REPAIRS);
    put_counts(&o, "types", t->type, PHONE_TYPES);
    put_counts(&o, "regions", t->region, t->regions);
    put_networks(&o, t);
    jo_end(&o);
    buf_putc(b, '\n');
}

static int sync_part(const struct screen_job *j, const char *path, struct err *e)
{
    const char *part = arena_printf(j->arena, "%s.part", path);
    int fd = part != NULL ? open(part, O_RDONLY | O_CLOEXEC) : -1, rc = fd >= 0 ? fdatasync(fd) : -1;
    if (rc != 0)
        rc = err_set(e, WL_EIO, "%s cannot be written: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    return rc;
}

static int write_checkpoint(const struct screen_job *j, struct err *e)
{
    const struct screen_resume *r = j->resume;
    struct buf b;
    buf_init(&b, FILE_MAX);
    checkpoint_text(j, &b);
    FILE *f = fopen(r->fresh, "we");
    bool good = f != NULL && !b.failed && fwrite(buf_cstr(&b), 1, b.len, f) == b.len && fflush(f) == 0 &&
                fdatasync(fileno(f)) == 0;
    good = (f == NULL || fclose(f) == 0) && good && rename(r->fresh, r->path) == 0;
    buf_done(&b);
    return good ? 0 : err_set(e, WL_EIO, "%s cannot be written: %s", r->path, strerror(errno));
}

static int save(struct screen_job *j, const struct table_row *row, struct err *e)
{
    struct screen_resume *r = j->resume;
    int64_t now = clock_mono_ns();
    bool due = r->often || now - r->saved_ns >= PAUSE_NS;
    int rc = table_out_flush(j->good, &r->point.good, e);
    if (rc == 0 && j->bad != NULL)
        rc = table_out_flush(j->bad, &r->point.bad, e);
    if (rc != 0 || !due)
        return rc;
    r->saved_ns = now;
    r->point.at = row->at;
    r->point.line = row->line;
    rc = seen_flush(j->numbers, true, &r->point.seen, e);
    if (rc == 0)
        rc = sync_part(j, j->out_path, e);
    if (rc == 0 && j->bad != NULL)
        rc = sync_part(j, j->bad_path, e);
    return rc == 0 ? write_checkpoint(j, e) : rc;
}

int screen_resume_pass(struct screen_job *j, const struct table_row *row, struct err *e)
{
    struct screen_resume *r = j->resume;
    if (r == NULL || row->at / r->every == r->done)
        return 0;
    r->done = row->at / r->every;
    return save(j, row, e);
}

void screen_resume_survey(struct screen_job *j, uint64_t at, uint64_t line)
{
    if (j->resume != NULL) {
        j->resume->point.survey_at = at;
        j->resume->point.survey_line = line;
    }
}

/* ---- reading ---- */

static bool get_counts(struct json root, const char *key, uint64_t *ret, size_t count)
{
    size_t n = 0;
    int64_t value;
    for (struct json_iter it = json_iter(json_get(root, key)); json_next(&it);) {
        if (n == count || !json_i64(it.value, &value))
            return false;
        ret[n++] = (uint64_t)value;
    }
    return n == count;
}

static bool get_networks(struct screen_job *j, struct json root)
{
    const char *name = NULL;
    struct str text;
    int64_t n;
    for (struct json_iter it = json_iter(json_get(root, "networks")); json_next(&it);) {
        if (json_str(it.value, &text)) {
            name = arena_strndup(j->arena, text.p, text.n);
        } else if (name != NULL && json_i64(it.value, &n)) {
            screen_count_network(j->tally, name, (uint64_t)n);
            name = NULL;
        } else {
            return false;
        }
    }
    return true;
}

static bool get_checkpoint(struct screen_job *j, struct json root)
{
    struct screen_tally *t = j->tally;
    uint64_t n[7];
    int64_t rows;
    bool good = get_counts(root, "point", n, 7) && json_i64(json_get(root, "rows"), &rows) &&
                get_counts(root, "verdicts", t->verdict, VERDICTS) &&
                get_counts(root, "lines", &t->line[0][0], (size_t)VERDICTS * SCREEN_LINES) &&
                get_counts(root, "repairs", t->repair, PHONE_CELL_REPAIRS) &&
                get_counts(root, "types", t->type, PHONE_TYPES) && get_counts(root, "regions", t->region, t->regions) &&
                get_networks(j, root);
    if (!good)
        return false;
    t->rows = (uint64_t)rows;
    j->resume->point = (struct screen_point){n[0], n[1], n[2], n[3], n[4], n[5], n[6]};
    return n[1] != 0;
}

static int read_checkpoint(struct screen_job *j, FILE *f)
{
    struct screen_resume *r = j->resume;
    struct json_parser *parser = json_parser_create();
    struct json root = {0};
    struct err e = {0};
    struct buf b;
    size_t n;
    char bytes[16384];
    buf_init(&b, FILE_MAX);
    while ((n = fread(bytes, 1, sizeof bytes, f)) > 0)
        buf_put(&b, bytes, n);
    int rc = b.failed ? WL_ETOOBIG : json_parse(parser, buf_str(&b), true, &root, &e);
    bool same = rc == 0 && str_eq(json_str_or(json_get(root, "task"), STR("")), str_of(r->task));
    int exit = CMD_OK;
    if (rc == 0 && !same)
        exit = cmd_fail(CMD_FAILED, "start again without --resume",
                        "%s is of another task: the list, the options, the filter or the "
                        "numbering plans have changed since",
                        r->path);
    else if (rc != 0 || !get_checkpoint(j, root))
        exit = cmd_fail(CMD_FAILED, "start again without --resume", "%s is damaged", r->path);
    buf_done(&b);
    json_parser_free(parser);
    return exit;
}

/* The run ended while its files took their names. */
static bool took_its_name(const struct screen_job *j, const char *path)
{
    const char *part = path != NULL ? arena_printf(j->arena, "%s.part", path) : NULL;
    return part != NULL && access(part, F_OK) != 0 && access(path, F_OK) == 0;
}

static int find_checkpoint(struct screen_job *j, struct screen_point *ret)
{
    struct screen_resume *r = j->resume;
    bool wanted = args_has(j->args, "resume"), quiet = args_has(j->args, "quiet");
    FILE *f = fopen(r->path, "re");
    int rc = CMD_OK;
    if (f != NULL && wanted && (took_its_name(j, j->bad_path) || took_its_name(j, j->out_path))) {
        fclose(f);
        f = NULL;
        unlink(r->path);
    }
    if (f != NULL && wanted) {
        rc = read_checkpoint(j, f);
        *ret = r->point;
        r->done = r->point.at / r->every;
    } else if (f != NULL) {
        if (!quiet)
            fprintf(stderr, "%s: an earlier run was interrupted; this one begins anew (--resume would have gone on)\n",
                    j->in_name);
        unlink(r->path);
    } else if (wanted && !quiet) {
        fprintf(stderr, "%s: nothing to go on with; this run begins anew\n", j->in_name);
    }
    if (f != NULL)
        fclose(f);
    return rc;
}

/* A pipe or /dev/null cannot be gone on with. */
static bool is_file(const char *path)
{
    struct stat st;
    return strcmp(path, "-") != 0 && (stat(path, &st) != 0 || S_ISREG(st.st_mode));
}

int screen_resume_open(struct screen_job *j, struct screen_point *ret)
{
    const char *every = args_get(j->args, "checkpoint");
    size_t bytes = EVERY;
    if (j->piped || j->out_path == NULL || !is_file(j->out_path) || (j->bad_path != NULL && !is_file(j->bad_path))) {
        if (args_has(j->args, "resume"))
            return cmd_fail(CMD_USAGE, NULL, "--resume needs a file to read and files to write");
        return CMD_OK;
    }
    if (every != NULL && (!screen_bytes(every, &bytes) || bytes == 0))
        return cmd_fail(CMD_USAGE, NULL, "--checkpoint %s is no size: as in 64M", every);
    struct screen_resume *r = arena_new(j->arena, struct screen_resume);
    if (r == NULL)
        abort();
    *r = (struct screen_resume){.path = arena_printf(j->arena, "%s.checkpoint", j->out_path),
                                .fresh = arena_printf(j->arena, "%s.checkpoint.part", j->out_path),
                                .seen = arena_printf(j->arena, "%s.seen.part", j->out_path),
                                .every = bytes,
                                .often = every != NULL,
                                .saved_ns = clock_mono_ns()};
    j->resume = r;
    int rc = task_digest(j, r->task);
    return rc == CMD_OK ? find_checkpoint(j, ret) : rc;
}

const char *screen_resume_seen_path(const struct screen_job *j)
{
    return j->resume != NULL ? j->resume->seen : NULL;
}

bool screen_resume_there(const struct screen_job *j)
{
    return j->resume != NULL && access(j->resume->path, F_OK) == 0;
}

void screen_resume_close(struct screen_job *j, bool complete)
{
    if (j->resume != NULL && complete)
        unlink(j->resume->path);
}
