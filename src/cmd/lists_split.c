/* SPDX-License-Identifier: Apache-2.0
 * lists_split.c - `wayleave lists split`: batches of a list.
 *
 * Number i of n batches gets numbers i, i + n, i + 2n, ... of the list: each is a fair cut through it, with the
 * same countries and networks as all. Batches are as large as each other, to one number. With --in-order they are
 * pieces of the list, one behind the other, and any number of them; dealt out they are all open at once, so there
 * are DEALT_MAX at most. The same list gives the same batches. Nothing is
 * written where batches of another split would stand among them: whoever sends BATCH-*.wll would send those, too. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/lists_answer.h"
#include "cmd/lists_places.h"
#include "cmd/lists_verbs.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

#define DEALT_MAX 256
#define PARTS_MAX 100000
#define PART_NAME 4096

struct splitting {
    const struct args *a;
    struct lists_in *in;
    uint64_t total, parts;
    bool in_order;
    struct lists_out *out[DEALT_MAX];
    uint64_t *held[DEALT_MAX];
    size_t n[DEALT_MAX];
};

/* "lists/batch.csv.gz" */
struct part_names {
    struct str folder, stem; /* "lists/", "batch" */
    const char *end;         /* ".csv.gz" */
    int digits;
};

static struct part_names names_of(const struct splitting *s)
{
    const char *output = args_get(s->a, "output"), *slash = strrchr(output, '/');
    const char *name = slash != NULL ? slash + 1 : output, *dot = strchr(name, '.');
    struct part_names n = {{output, (size_t)(name - output)}, str_of(name), dot != NULL ? dot : "", 1};
    if (dot != NULL)
        n.stem.n = (size_t)(dot - name);
    for (uint64_t p = s->parts; p >= 10; p /= 10)
        n.digits++;
    return n;
}

/* 7 of 120: "lists/batch-007.csv.gz". */
static void part_name(const struct splitting *s, uint64_t part, char ret[PART_NAME])
{
    struct part_names n = names_of(s);
    snprintf(ret, PART_NAME, "%.*s%.*s-%0*llu%s", (int)n.folder.n, n.folder.p, (int)n.stem.n, n.stem.p, n.digits,
             (unsigned long long)(part + 1), n.end);
}

/* Whether a file of the folder is called as a batch, and is none of these. */
static bool is_of_another(const struct part_names *n, uint64_t parts, const char *name)
{
    struct str number = str_of(name), end = str_of(n->end);
    int64_t part;
    if (number.n <= n->stem.n + 1 + end.n || !str_starts(number, n->stem) || name[n->stem.n] != '-' ||
        !str_ends(number, end))
        return false;
    number = (struct str){name + n->stem.n + 1, number.n - n->stem.n - 1 - end.n};
    if (number.p[0] == '-' || number.p[0] == '+' || !str_i64(number, &part) || part < 1)
        return false;
    return number.n != (size_t)n->digits || (uint64_t)part > parts;
}

static int check_folder(const struct splitting *s, struct err *e)
{
    char path[PART_NAME];
    struct part_names n = names_of(s);
    const struct dirent *d;
    int rc = 0;
    snprintf(path, sizeof path, "%.*s", n.folder.n > 0 ? (int)n.folder.n : 1, n.folder.n > 0 ? n.folder.p : ".");
    DIR *folder = opendir(path);
    while (rc == 0 && folder != NULL && (d = readdir(folder)) != NULL)
        if (is_of_another(&n, s->parts, d->d_name))
            rc = err_set(e, WL_EINVAL,
                         "%s is there already, a batch of another split: remove those first, or choose another NAME",
                         d->d_name);
    if (folder != NULL)
        closedir(folder); /* one that cannot be read is told when the first batch is opened */
    return rc;
}

static int check_names(const struct splitting *s, struct err *e)
{
    char name[PART_NAME];
    for (uint64_t part = 0; part < s->parts; part++) {
        part_name(s, part, name);
        if (lists_places_input(s->a, name) != NULL)
            return err_set(e, WL_EINVAL, "%s is read, and would be a batch, too; choose another NAME", name);
    }
    return check_folder(s, e);
}

static int open_part(struct splitting *s, uint64_t part, struct lists_out **ret, struct err *e)
{
    char name[PART_NAME];
    part_name(s, part, name);
    return lists_out_open(name, ret, e);
}

/* ---- dealt out */

static int flush_part(struct splitting *s, size_t k, struct err *e)
{
    size_t n = s->n[k];
    s->n[k] = 0;
    return lists_out_put(s->out[k], (struct number_span){s->held[k], n}, e);
}

static int deal(struct splitting *s, struct number_source from, struct progress *progress, struct err *e)
{
    struct number_span span;
    uint64_t at = 0;
    int rc;
    while ((rc = from.next(from.ctx, 0, &span, e)) == 0 && span.n > 0) {
        for (size_t i = 0; i < span.n && rc == 0; i++) {
            size_t k = (size_t)((at + i) % s->parts);
            s->held[k][s->n[k]++] = span.p[i];
            rc = s->n[k] == NUMBER_LIST_BLOCK ? flush_part(s, k, e) : 0;
        }
        at += span.n;
        progress_tell(progress, at, s->total, at);
        if (rc != 0)
            return rc;
    }
    return rc;
}

static int split_dealt(struct splitting *s, struct progress *progress, struct err *e)
{
    int rc = 0;
    for (size_t k = 0; k < s->parts && rc == 0; k++) {
        s->held[k] = calloc(NUMBER_LIST_BLOCK, sizeof **s->held);
        rc = s->held[k] == NULL ? err_set(e, WL_ENOMEM, "out of memory for batches") : open_part(s, k, &s->out[k], e);
    }
    if (rc == 0)
        rc = deal(s, lists_in_source(s->in), progress, e);
    for (size_t k = 0; k < s->parts; k++) {
        if (rc == 0)
            rc = flush_part(s, k, e);
        if (rc == 0)
            rc = lists_out_close(s->out[k], e);
        else
            lists_out_drop(s->out[k]);
        free(s->held[k]);
    }
    return rc;
}

/* ---- in order */

/* Numbers of a part: the first ones get one more where they cannot be equal. */
static uint64_t size_of(const struct splitting *s, uint64_t part)
{
    return s->total / s->parts + (part < s->total % s->parts);
}

static int split_in_order(struct splitting *s, struct progress *progress, struct err *e)
{
    struct number_source from = lists_in_source(s->in);
    struct number_span span = {NULL, 0};
    uint64_t done = 0;
    int rc = 0;
    for (uint64_t part = 0; part < s->parts && rc == 0; part++) {
        struct lists_out *out = NULL;
        rc = open_part(s, part, &out, e);
        for (uint64_t left = size_of(s, part); left > 0 && rc == 0;) {
            if (span.n == 0)
                rc = from.next(from.ctx, 0, &span, e);
            size_t n = span.n < left ? span.n : (size_t)left;
            if (rc == 0)
                rc = lists_out_put(out, (struct number_span){span.p, n}, e);
            span = (struct number_span){span.p + n, span.n - n};
            left -= n;
            done += n;
            progress_tell(progress, done, s->total, done);
        }
        if (rc == 0)
            rc = lists_out_close(out, e);
        else
            lists_out_drop(out);
    }
    return rc;
}

/* ---- */

static int count_all(struct splitting *s, struct err *e)
{
    struct number_source from = lists_in_source(s->in);
    struct number_span span;
    int rc = 0;
    s->total = lists_in_count(s->in);
    if (s->total > 0)
        return 0;
    while ((rc = from.next(from.ctx, 0, &span, e)) == 0 && span.n > 0)
        s->total += span.n;
    return rc;
}

static int check_parts(struct splitting *s, int64_t parts, int64_t size, struct err *e)
{
    s->parts = parts > 0 ? (uint64_t)parts : (s->total + (uint64_t)size - 1) / (uint64_t)size;
    s->parts = s->parts > 0 ? s->parts : 1;
    if (s->parts > PARTS_MAX)
        return err_set(e, WL_EINVAL, "that would be %llu batches; at most %d", (unsigned long long)s->parts, PARTS_MAX);
    if (!s->in_order && s->parts > DEALT_MAX)
        return err_set(e, WL_EINVAL, "that would be %llu batches; more than %d are only made with --in-order",
                       (unsigned long long)s->parts, DEALT_MAX);
    return 0;
}

static int split(struct splitting *s, struct lists_reading *r, int64_t parts, int64_t size, struct lists_answer *x,
                 struct err *e)
{
    int rc = lists_in_open(r, s->a->word[0], &s->in, e);
    if (rc == 0)
        rc = count_all(s, e);
    if (rc == 0)
        rc = check_parts(s, parts, size, e);
    if (rc == 0)
        rc = check_names(s, e);
    if (rc == 0)
        rc = s->in_order ? split_in_order(s, &r->progress, e) : split_dealt(s, &r->progress, e);
    progress_end(&r->progress);
    lists_in_close(s->in);
    if (rc != 0)
        return rc;
    lists_answer_rows(x, r);
    lists_answer_count(x, "numbers", "numbers", s->total);
    lists_answer_count(x, "parts", "batches", s->parts);
    lists_answer_count(x, "largest", "numbers of the largest", size_of(s, 0));
    return 0;
}

int lists_split_run(const struct args *a)
{
    struct splitting *s = calloc(1, sizeof *s);
    struct lists_reading r;
    struct lists_answer x;
    struct err e = {0};
    int64_t parts = 0, size = 0;
    if (s == NULL)
        return cmd_fail(CMD_FAILED, NULL, "out of memory");
    s->a = a;
    s->in_order = args_has(a, "in-order");
    int code = lists_reading_begin(a, &r);
    int rc = lists_answer_begin(&x, a, "", &e);
    if (code == CMD_OK)
        code = lists_number_option(a, "parts", 1, 0, &parts);
    if (code == CMD_OK)
        code = lists_number_option(a, "size", 1, 0, &size);
    if (code == CMD_OK && (parts > 0) == (size > 0))
        code = cmd_fail(CMD_USAGE, NULL, "--parts N or --size N says how the list is split");
    if (code == CMD_OK && (args_get(a, "output") == NULL || strcmp(args_get(a, "output"), "-") == 0))
        code = cmd_fail(CMD_USAGE, NULL, "-o NAME.wll says what the batches are called: NAME-1.wll and so on");
    if (code == CMD_OK && rc == 0)
        rc = split(s, &r, parts, size, &x, &e);
    if (code == CMD_OK)
        code = rc == 0 ? lists_code(&r) : lists_fail(&e);
    free(s);
    lists_reading_end(&r);
    return lists_answer_end(&x, code);
}
