/* SPDX-License-Identifier: Apache-2.0
 * lists.c - `wayleave lists make`, `show`, `info` and `regions`: lists of numbers from tables, and what is on them.
 *
 * A list is numbers in order, each once, and nothing else: whose they are and what they agreed to stays in the
 * table it was made from and in the gateway. */
#include <stdlib.h>
#include <string.h>

#include "cmd/lists_answer.h"
#include "cmd/lists_verbs.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "core/country_group.h"
#include "core/test_number.h"

#define REGIONS_SHOWN 20

/* ---- make */

static int open_rejects(const struct args *a, struct lists_reading *r, struct err *e)
{
    const char *path = args_get(a, "rejects");
    return path == NULL ? 0 : table_out_open(&(struct table_out_options){.path = path}, NULL, &r->rejects, e);
}

static int close_rejects(struct lists_reading *r, struct err *e)
{
    struct table_out *o = r->rejects;
    r->rejects = NULL;
    return o != NULL ? table_out_close(o, e) : 0;
}

static int make(const struct args *a, struct lists_reading *r, struct lists_answer *x, struct err *e)
{
    struct lists_in *in = NULL;
    struct lists_out *out = NULL;
    int rc = open_rejects(a, r, e);
    if (rc == 0)
        rc = lists_in_open_all(r, a->word, a->n_words, &in, e);
    if (rc == 0)
        rc = lists_out_open(args_get(a, "output"), &out, e);
    if (rc == 0)
        rc = lists_out_all(out, lists_in_source(in), &r->progress, 0, e);
    if (rc == 0)
        rc = close_rejects(r, e);
    progress_end(&r->progress);
    uint64_t count = out != NULL ? lists_out_count(out) : 0;
    if (rc == 0) {
        rc = lists_out_close(out, e);
        out = NULL;
    }
    lists_out_drop(out);
    lists_in_close(in);
    if (rc != 0)
        return rc;
    lists_answer_rows(x, r);
    lists_answer_count(x, "doubles", "doubles", r->added - count);
    lists_answer_count(x, "numbers", "numbers on the list", count);
    return 0;
}

int lists_make_run(const struct args *a)
{
    struct lists_reading r;
    struct lists_answer x;
    struct err e = {0};
    int code = lists_reading_begin(a, &r);
    int rc = lists_answer_begin(&x, a, args_get(a, "output"), &e);
    if (code == CMD_OK && rc == 0)
        rc = make(a, &r, &x, &e);
    if (code == CMD_OK)
        code = rc == 0 ? lists_code(&r) : lists_fail(&e);
    lists_reading_end(&r);
    return lists_answer_end(&x, code);
}

/* ---- show */

/* At most this many numbers of a source. */
struct limited {
    struct number_source from;
    uint64_t left;
};
static int limited_next(void *ctx, uint64_t floor, struct number_span *ret, struct err *e)
{
    struct limited *l = ctx;
    *ret = (struct number_span){NULL, 0};
    int rc = l->left > 0 ? l->from.next(l->from.ctx, floor, ret, e) : 0;
    ret->n = ret->n > l->left ? (size_t)l->left : ret->n;
    l->left -= ret->n;
    return rc;
}

int lists_number_option(const struct args *a, const char *name, int64_t least, int64_t otherwise, int64_t *ret)
{
    const char *text = args_get(a, name);
    *ret = otherwise;
    if (text == NULL || (str_i64(str_of(text), ret) && *ret >= least))
        return CMD_OK;
    return cmd_fail(CMD_USAGE, NULL, "--%s wants a whole number from %lld on, not \"%s\"", name, (long long)least,
                    text);
}

static int show(const struct args *a, struct lists_reading *r, int64_t limit, struct err *e)
{
    struct lists_in *in = NULL;
    struct lists_out *out = NULL;
    int rc = lists_in_open(r, a->word[0], &in, e);
    if (rc == 0)
        rc = lists_out_open(args_get(a, "output"), &out, e);
    if (rc == 0) {
        struct limited l = {lists_in_source(in), (uint64_t)limit};
        rc = lists_out_all(out, (struct number_source){limited_next, &l}, &r->progress, lists_in_count(in), e);
    }
    progress_end(&r->progress);
    if (rc == 0) {
        rc = lists_out_close(out, e);
        out = NULL;
    }
    lists_out_drop(out);
    lists_in_close(in);
    return rc;
}

int lists_show_run(const struct args *a)
{
    struct lists_reading r;
    struct err e = {0};
    int64_t limit;
    int code = lists_reading_begin(a, &r);
    if (code == CMD_OK)
        code = lists_number_option(a, "limit", 0, INT64_MAX, &limit);
    if (code == CMD_OK)
        code = show(a, &r, limit, &e) == 0 ? lists_code(&r) : lists_fail(&e);
    lists_reading_end(&r);
    return code;
}

/* ---- info */

struct tally {
    const struct phone_data *d;
    uint64_t *region; /* by row of REGION; 0: of none */
    uint64_t type[PHONE_TYPES], count, first, last, tests;
};

static void tally_number(struct tally *t, uint64_t e164)
{
    struct phone_number n;
    bool known = phone_number_of_e164(t->d, e164, &n);
    t->region[known ? n.region : 0]++;
    t->type[known ? n.type : PHONE_UNKNOWN_TYPE]++;
    t->tests += test_number(t->d, e164, NULL) != TEST_NUMBER_NOT;
    t->first = t->count++ == 0 ? e164 : t->first;
    t->last = e164;
}

static int tally_all(struct tally *t, struct lists_reading *r, struct lists_in *in, struct err *e)
{
    struct number_source s = lists_in_source(in);
    struct number_span span;
    int rc;
    t->d = &r->phones.data;
    t->region = calloc(t->d->count[PHONE_SECTION_REGION] + 1, sizeof *t->region);
    if (t->region == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for counting");
    while ((rc = s.next(s.ctx, 0, &span, e)) == 0 && span.n > 0) {
        for (size_t i = 0; i < span.n; i++)
            tally_number(t, span.p[i]);
        progress_tell(&r->progress, t->count, lists_in_count(in), t->count);
    }
    return rc;
}

static void tell_number(struct lists_answer *x, const char *key, const char *words, uint64_t e164)
{
    char text[PHONE_E164_MAX + 1];
    int n = snprintf(text, sizeof text, "+%llu", (unsigned long long)e164);
    lists_answer_text(x, key, words, (struct str){text, e164 != 0 && n > 0 ? (size_t)n : 0});
}

static void tell_types(struct lists_answer *x, const struct tally *t)
{
    jo_key(&x->out, "types");
    jo_object(&x->out);
    for (int i = 0; i < PHONE_TYPES; i++)
        if (t->type[i] > 0)
            lists_answer_count(x, phone_type_word((enum phone_type)i), phone_type_word((enum phone_type)i), t->type[i]);
    jo_end(&x->out);
}

/* The countries by how many numbers they have; the text shows the first ones. */
static void tell_regions(struct lists_answer *x, struct tally *t)
{
    char text[PROGRESS_COUNT];
    uint32_t regions = t->d->count[PHONE_SECTION_REGION];
    jo_key(&x->out, "countries");
    jo_object(&x->out);
    for (uint32_t told = 0;; told++) {
        uint32_t best = 0;
        for (uint32_t i = 0; i < regions; i++)
            best = t->region[i] > t->region[best] ? i : best;
        if (t->region[best] == 0)
            break;
        const char *id = phone_region_id(t->d, (int)best);
        jo_kint(&x->out, id, (int64_t)t->region[best]);
        if (told < REGIONS_SHOWN && !x->json && !x->quiet)
            fprintf(x->to, "  %-22s %16s  %5.1f %%\n", id, progress_count(t->region[best], text),
                    100.0 * (double)t->region[best] / (double)t->count);
        t->region[best] = 0;
    }
    jo_end(&x->out);
}

static int info(const struct args *a, struct lists_reading *r, struct lists_answer *x, struct err *e)
{
    struct lists_in *in = NULL;
    struct tally t = {0};
    int rc = lists_in_open(r, a->word[0], &in, e);
    if (rc == 0)
        rc = tally_all(&t, r, in, e);
    progress_end(&r->progress);
    if (rc == 0) {
        const struct list_file *f = lists_in_file(in);
        lists_answer_rows(x, r);
        lists_answer_count(x, "numbers", "numbers", t.count);
        if (f != NULL)
            lists_answer_count(x, "bytes", "bytes of the file", list_file_bytes(f));
        tell_number(x, "first", "first", t.first);
        tell_number(x, "last", "last", t.last);
        lists_answer_count(x, "test_numbers", "test numbers among them", t.tests);
        tell_types(x, &t);
        tell_regions(x, &t);
    }
    free(t.region);
    lists_in_close(in);
    return rc;
}

int lists_info_run(const struct args *a)
{
    struct lists_reading r;
    struct lists_answer x;
    struct err e = {0};
    int code = lists_reading_begin(a, &r);
    int rc = lists_answer_begin(&x, a, "", &e);
    if (code == CMD_OK && rc == 0)
        rc = info(a, &r, &x, &e);
    if (code == CMD_OK)
        code = rc == 0 ? lists_code(&r) : lists_fail(&e);
    lists_reading_end(&r);
    return lists_answer_end(&x, code);
}

/* ---- regions */

int lists_regions_run(const struct args *a)
{
    struct lists_answer x;
    int rc = lists_answer_begin(&x, a, "", NULL);
    for (const struct country_group *g = country_groups; rc == 0 && g->word != NULL; g++) {
        struct str countries = str_of(g->countries);
        jo_key(&x.out, g->word);
        jo_object(&x.out);
        jo_kcstr(&x.out, "name", g->name);
        jo_kstr(&x.out, "countries", countries);
        jo_end(&x.out);
        if (!x.json) {
            printf("%-17s ", g->word);
            term_printf(stdout, TONE_BOLD, "%s\n", g->name);
            printf("%-17s ", "");
            term_wrap(stdout, 18, countries);
        }
    }
    return lists_answer_end(&x, CMD_OK);
}
