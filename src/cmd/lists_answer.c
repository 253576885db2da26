/* SPDX-License-Identifier: Apache-2.0
 * lists_answer.c - counts for people and for programs, from the same calls.
 *
 * Figures stand under each other, with commas: people compare them. */
#include "cmd/lists_answer.h"

#include <string.h>

#include "cmd/term.h"

#define TEXT_MAX (4u << 20)
#define WIDTH    24

int lists_answer_begin(struct lists_answer *x, const struct args *a, const char *output, struct err *e)
{
    bool stdout_taken = output == NULL || strcmp(output, "-") == 0;
    *x = (struct lists_answer){.json = args_has(a, "json"), .quiet = args_has(a, "quiet")};
    x->to = stdout_taken ? stderr : stdout;
    buf_init(&x->text, TEXT_MAX);
    json_out_init(&x->out, &x->text);
    if (x->json && stdout_taken)
        return err_set(e, WL_EINVAL, "--json tells the counts on standard output: give the numbers a file with -o");
    jo_object(&x->out);
    return 0;
}

void lists_answer_count(struct lists_answer *x, const char *key, const char *words, uint64_t n)
{
    char text[PROGRESS_COUNT];
    jo_kint(&x->out, key, (int64_t)n);
    if (!x->json && !x->quiet)
        fprintf(x->to, "%-*s %16s\n", WIDTH, words, progress_count(n, text));
}

void lists_answer_text(struct lists_answer *x, const char *key, const char *words, struct str text)
{
    jo_kstr(&x->out, key, text);
    if (x->json || x->quiet)
        return;
    fprintf(x->to, "%-*s ", WIDTH, words);
    term_wrap(x->to, WIDTH + 1, text);
}

static void say_verdict(const struct lists_answer *x, enum verdict v)
{
    struct str said = str_of(verdict_sentence(v));
    said.n -= said.n > 0 && said.p[said.n - 1] == ':';
    fprintf(x->to, "%.*s; %s\n", (int)said.n, said.p, verdict_next(v));
}

void lists_answer_rows(struct lists_answer *x, const struct lists_reading *r)
{
    char text[PROGRESS_COUNT];
    if (r->rows == 0)
        return;
    lists_answer_count(x, "rows", "rows read", r->rows);
    jo_key(&x->out, "rows_by_outcome");
    jo_object(&x->out);
    for (int v = 0; v < VERDICTS; v++) {
        enum verdict_class class = verdict_class((enum verdict)v);
        if (v == VERDICT_OK || class == VERDICT_WRONG)
            jo_kint(&x->out, v == VERDICT_OK ? "taken" : verdict_word((enum verdict)v), (int64_t)r->verdict[v]);
        if (v == VERDICT_OK || r->verdict[v] == 0 || x->json || x->quiet)
            continue;
        fprintf(x->to, "  %-*s %16s  ", WIDTH - 2, verdict_word((enum verdict)v), progress_count(r->verdict[v], text));
        say_verdict(x, (enum verdict)v);
    }
    jo_end(&x->out);
}

int lists_answer_end(struct lists_answer *x, int code)
{
    bool told = code == CMD_OK || code == CMD_PARTIAL;
    if (told && x->json) {
        jo_end(&x->out);
        int rc = cmd_print_json(&x->text);
        code = rc != CMD_OK ? rc : code;
    }
    buf_done(&x->text);
    return code;
}

int lists_code(const struct lists_reading *r)
{
    return r->rows > r->verdict[VERDICT_OK] ? CMD_PARTIAL : CMD_OK;
}

int lists_fail(const struct err *e)
{
    bool usage = e->code == WL_EINVAL;
    const char *next =
        e->code == WL_ECORRUPT ? "make the list again from what it came from: wayleave lists make" : NULL;
    return cmd_fail(usage ? CMD_USAGE : CMD_FAILED, next, "%s", e->text);
}
