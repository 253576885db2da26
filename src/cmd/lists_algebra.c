/* SPDX-License-Identifier: Apache-2.0
 * lists_algebra.c - `wayleave lists diff`, `union`, `intersect`, `subtract`: lists against each other.
 *
 * Inputs are lists or tables, in any mixture; nothing is held but a block of each. */
#include "cmd/lists_answer.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

#define MERGE_BYTES (64u << 20)

struct inputs {
    struct lists_reading reading;
    struct lists_in *in[ARGS_WORDS];
    struct number_source source[ARGS_WORDS];
    size_t n;
    struct arena *mem;
};

static int open_inputs(const struct args *a, struct inputs *i, struct err *e)
{
    int rc = 0;
    i->reading.empty_too = true;
    i->mem = arena_create(MERGE_BYTES);
    if (i->mem == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for lists");
    for (; i->n < a->n_words && rc == 0; i->n += rc == 0) {
        rc = lists_in_open(&i->reading, a->word[i->n], &i->in[i->n], e);
        if (rc == 0)
            i->source[i->n] = lists_in_source(i->in[i->n]);
    }
    return rc;
}

static void close_inputs(struct inputs *i)
{
    for (size_t k = 0; k < i->n; k++)
        lists_in_close(i->in[k]);
    arena_free(i->mem);
    lists_reading_end(&i->reading);
}

/* ---- diff */

static const struct {
    const char *option, *key, *words;
} parts[] = {
    {"only-a", "only_a", "only in A"},
    {"only-b", "only_b", "only in B"},
    {"both", "both", "in both"},
};
#define PARTS (sizeof parts / sizeof parts[0])

static int put_part(void *ctx, struct number_span s, struct err *e)
{
    return lists_out_put(ctx, s, e);
}

static int diff(const struct args *a, struct inputs *i, struct lists_answer *x, struct err *e)
{
    struct lists_out *out[PARTS] = {NULL};
    struct number_parts to[PARTS];
    struct number_diff d = {0};
    int rc = open_inputs(a, i, e);
    for (size_t k = 0; k < PARTS && rc == 0; k++) {
        const char *path = args_get(a, parts[k].option);
        if (path == NULL)
            continue;
        rc = lists_out_open(path, &out[k], e);
        to[k] = (struct number_parts){put_part, out[k]};
    }
    if (rc == 0)
        rc = number_diff(i->source[0], i->source[1], out[0] != NULL ? &to[0] : NULL, out[1] != NULL ? &to[1] : NULL,
                         out[2] != NULL ? &to[2] : NULL, i->mem, &d, e);
    for (size_t k = 0; k < PARTS; k++) {
        if (rc == 0 && out[k] != NULL)
            rc = lists_out_close(out[k], e);
        else
            lists_out_drop(out[k]);
    }
    if (rc != 0)
        return rc;
    const uint64_t count[PARTS] = {d.only_a, d.only_b, d.both};
    lists_answer_rows(x, &i->reading);
    lists_answer_count(x, "a", "numbers of A", d.only_a + d.both);
    lists_answer_count(x, "b", "numbers of B", d.only_b + d.both);
    for (size_t k = 0; k < PARTS; k++)
        lists_answer_count(x, parts[k].key, parts[k].words, count[k]);
    return 0;
}

int lists_diff_run(const struct args *a)
{
    struct inputs i = {.n = 0};
    struct lists_answer x;
    struct err e = {0};
    int code = lists_reading_begin(a, &i.reading);
    int rc = lists_answer_begin(&x, a, "", &e);
    if (code == CMD_OK && rc == 0)
        rc = diff(a, &i, &x, &e);
    if (code == CMD_OK)
        code = rc == 0 ? lists_code(&i.reading) : lists_fail(&e);
    close_inputs(&i);
    return lists_answer_end(&x, code);
}

/* ---- union, intersect, subtract */

static int merge(const struct args *a, enum number_op op, struct inputs *i, struct lists_answer *x, struct err *e)
{
    struct number_source all;
    struct lists_out *out = NULL;
    int rc = open_inputs(a, i, e);
    if (rc == 0)
        rc = number_merge(op, i->source, i->n, i->mem, &all, e);
    if (rc == 0)
        rc = lists_out_open(args_get(a, "output"), &out, e);
    if (rc == 0)
        rc = lists_out_all(out, all, &i->reading.progress, 0, e);
    progress_end(&i->reading.progress);
    uint64_t count = rc == 0 ? lists_out_count(out) : 0;
    if (rc == 0) {
        rc = lists_out_close(out, e);
        out = NULL;
    }
    lists_out_drop(out);
    if (rc != 0)
        return rc;
    lists_answer_rows(x, &i->reading);
    lists_answer_count(x, "numbers", "numbers", count);
    return 0;
}

static int merge_run(const struct args *a, enum number_op op)
{
    struct inputs i = {.n = 0};
    struct lists_answer x;
    struct err e = {0};
    int code = lists_reading_begin(a, &i.reading);
    int rc = lists_answer_begin(&x, a, args_get(a, "output"), &e);
    if (code == CMD_OK && rc == 0)
        rc = merge(a, op, &i, &x, &e);
    if (code == CMD_OK)
        code = rc == 0 ? lists_code(&i.reading) : lists_fail(&e);
    close_inputs(&i);
    return lists_answer_end(&x, code);
}

int lists_union_run(const struct args *a)
{
    return merge_run(a, NUMBER_UNION);
}
int lists_intersect_run(const struct args *a)
{
    return merge_run(a, NUMBER_INTERSECT);
}
int lists_subtract_run(const struct args *a)
{
    return merge_run(a, NUMBER_SUBTRACT);
}
