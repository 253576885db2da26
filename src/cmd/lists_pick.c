/* SPDX-License-Identifier: Apache-2.0
 * lists_pick.c - `wayleave lists select` and `sample`: parts of one list.
 *
 * select asks a filter (core/number_filter.h) of every number, and leaves out blocks in which none can be wanted.
 * sample is exact: each set of that size is as likely as any other. */
#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "cmd/filter_args.h"
#include "cmd/lists_answer.h"
#include "cmd/lists_verbs.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "core/number_sample.h"

#define FILTER_BYTES (16u << 20)

/* What both do in the same way: one input, a source made of it, one output. */
struct pick {
    const struct args *a;
    struct lists_reading reading;
    struct lists_answer answer;
    struct lists_in *in;
    struct number_source from;
    uint64_t number[NUMBER_LIST_BLOCK];
};

static int pick_begin(struct pick *p, const struct args *a, const char *output, struct err *e)
{
    int rc = lists_answer_begin(&p->answer, a, output, e);
    if (rc == 0)
        rc = lists_in_open(&p->reading, a->word[0], &p->in, e);
    if (rc == 0)
        p->from = lists_in_source(p->in);
    return rc;
}

static int pick_end(struct pick *p, int code)
{
    lists_in_close(p->in);
    lists_reading_end(&p->reading);
    code = lists_answer_end(&p->answer, code);
    free(p);
    return code;
}

/* Everything `from` has goes to -o. */
static int pick_write(struct pick *p, struct number_source from, struct err *e)
{
    struct lists_out *out = NULL;
    int rc = lists_out_open(args_get(p->a, "output"), &out, e);
    if (rc == 0)
        rc = lists_out_all(out, from, NULL, 0, e);
    progress_end(&p->reading.progress);
    uint64_t count = rc == 0 ? lists_out_count(out) : 0;
    if (rc == 0)
        rc = lists_out_close(out, e);
    else
        lists_out_drop(out);
    if (rc != 0)
        return rc;
    lists_answer_rows(&p->answer, &p->reading);
    lists_answer_count(&p->answer, "numbers", "numbers", count);
    return 0;
}

/* How many numbers there are: known, or by reading them once. */
static int pick_count(struct pick *p, uint64_t *ret, struct err *e)
{
    struct number_span s;
    int rc = 0;
    *ret = lists_in_count(p->in);
    if (*ret > 0)
        return 0;
    while ((rc = p->from.next(p->from.ctx, 0, &s, e)) == 0 && s.n > 0)
        *ret += s.n;
    p->from = lists_in_source(p->in);
    return rc;
}

/* ---- select */

struct selecting {
    struct pick *p;
    const struct number_filter *f;
    bool digits_only;
    uint64_t away[NUMBER_FILTER_WHYS], seen;
};

static enum number_filter_why ask(const struct selecting *s, uint64_t e164)
{
    struct phone_number n = {.e164 = e164, .type = PHONE_UNKNOWN_TYPE};
    if (!s->digits_only && !phone_number_of_e164(&s->p->reading.phones.data, e164, &n))
        n = (struct phone_number){.e164 = e164, .type = PHONE_UNKNOWN_TYPE, .status = PHONE_INVALID_COUNTRY_CODE};
    return number_filter_check(s->f, &n, NULL);
}

static int select_next(void *ctx, uint64_t floor, struct number_span *ret, struct err *e)
{
    struct selecting *s = ctx;
    struct pick *p = s->p;
    size_t kept = 0;
    (void)floor;
    while (kept == 0) {
        struct number_span in;
        int rc = p->from.next(p->from.ctx, 0, &in, e);
        if (rc != 0 || in.n == 0) {
            *ret = (struct number_span){NULL, 0};
            return rc;
        }
        for (size_t i = 0; i < in.n; i++) {
            enum number_filter_why why = ask(s, in.p[i]);
            p->number[kept] = in.p[i];
            kept += why == NUMBER_WANTED;
            s->away[why]++;
        }
        s->seen += in.n;
        progress_tell(&p->reading.progress, s->seen, lists_in_count(p->in), s->seen);
    }
    *ret = (struct number_span){p->number, kept};
    return 0;
}

static bool may(const void *ctx, uint64_t first, uint64_t last)
{
    return number_filter_may(ctx, first, last);
}

static int select_all(struct pick *p, const struct number_filter *f, struct err *e)
{
    struct selecting s = {.p = p, .f = f, .digits_only = number_filter_digits_only(f)};
    struct buf text;
    int rc = pick_begin(p, p->a, args_get(p->a, "output"), e);
    if (rc == 0 && number_filter_columns(f) > 0)
        rc = err_set(e, WL_EINVAL,
                     "the filter asks for columns (where), and a list has none; filter the table with wayleave screen");
    if (rc != 0)
        return rc;
    buf_init(&text, 1u << 16);
    number_filter_explain(f, &text);
    lists_answer_text(&p->answer, "filter", "selected", buf_str(&text));
    buf_done(&text);
    if (lists_in_file(p->in) != NULL)
        list_file_only(lists_in_file(p->in), may, f);
    return pick_write(p, (struct number_source){select_next, &s}, e);
}

int lists_select_run(const struct args *a)
{
    struct pick *p = calloc(1, sizeof *p);
    struct arena *mem = arena_create(FILTER_BYTES);
    struct number_filter *f = NULL;
    struct err e = {0};
    if (p == NULL || mem == NULL) {
        free(p);
        arena_free(mem);
        return cmd_fail(CMD_FAILED, NULL, "out of memory");
    }
    p->a = a;
    int code = lists_reading_begin(a, &p->reading);
    if (code == CMD_OK)
        code = filter_from_args(a, mem, &p->reading.phones.data, &f);
    if (code == CMD_OK && number_filter_any(f))
        code = cmd_fail(CMD_USAGE, "wayleave help lists select", "nothing says which numbers are wanted");
    if (code == CMD_OK)
        code = select_all(p, f, &e) == 0 ? lists_code(&p->reading) : lists_fail(&e);
    code = pick_end(p, code);
    arena_free(mem);
    return code;
}

/* ---- sample */

struct sampling {
    struct pick *p;
    struct number_sample s;
};

static int sample_next(void *ctx, uint64_t floor, struct number_span *ret, struct err *e)
{
    struct sampling *x = ctx;
    struct number_span in;
    size_t kept = 0;
    (void)floor;
    *ret = (struct number_span){NULL, 0};
    while (kept == 0) {
        int rc = x->p->from.next(x->p->from.ctx, 0, &in, e);
        if (rc != 0 || in.n == 0)
            return rc;
        kept = number_sample_take(&x->s, in.p, in.n, x->p->number);
    }
    *ret = (struct number_span){x->p->number, kept};
    return 0;
}

static int sample(struct pick *p, uint64_t wanted, struct err *e)
{
    const char *given = args_get(p->a, "seed");
    struct sampling x = {.p = p};
    int64_t seed = 0;
    uint64_t total = 0;
    char text[24];
    if (given == NULL) {
        random_bytes(&seed, sizeof seed);
        seed &= INT64_C(0x1FFFFFFFFFFFFF); /* a JSON number of any reader */
    } else if (!str_i64(str_of(given), &seed)) {
        return err_set(e, WL_EINVAL, "--seed wants a whole number, not \"%s\"", given);
    }
    int rc = pick_begin(p, p->a, args_get(p->a, "output"), e);
    if (rc == 0)
        rc = pick_count(p, &total, e);
    if (rc != 0)
        return rc;
    int n = snprintf(text, sizeof text, "%lld", (long long)seed);
    number_sample_begin(&x.s, (uint64_t)seed, total, wanted);
    lists_answer_text(&p->answer, "seed", "seed", (struct str){text, (size_t)n});
    lists_answer_count(&p->answer, "of", "of", total);
    return pick_write(p, (struct number_source){sample_next, &x}, e);
}

int lists_sample_run(const struct args *a)
{
    struct pick *p = calloc(1, sizeof *p);
    struct err e = {0};
    int64_t wanted = 0;
    if (p == NULL)
        return cmd_fail(CMD_FAILED, NULL, "out of memory");
    p->a = a;
    int code = lists_reading_begin(a, &p->reading);
    if (code == CMD_OK && (!str_i64(str_of(a->word[1]), &wanted) || wanted < 0))
        code = cmd_fail(CMD_USAGE, NULL, "how many? \"%s\" is no whole number", a->word[1]);
    if (code == CMD_OK)
        code = sample(p, (uint64_t)wanted, &e) == 0 ? lists_code(&p->reading) : lists_fail(&e);
    return pick_end(p, code);
}
