/* SPDX-License-Identifier: Apache-2.0
 * facts.c - `wayleave facts`: what a rule can ask about, and what a decision is made from.
 *
 * Told from facts.def and nowhere else: to people, as JSON, and as the table in docs/facts.md. A word on the command
 * line is the beginning of names; one that begins none is an error, so that a typing mistake is no empty answer. */
#include <stdio.h>
#include <string.h>

#include "base/yaml.h"
#include "cmd/facts.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "core/facts.h"

#define LABEL 28

static const char *type_name(enum fact_type t)
{
    static const char *const names[] = {[FACT_TYPE_BOOL] = "true or false",
                                        [FACT_TYPE_INT] = "number",
                                        [FACT_TYPE_TIME] = "time",
                                        [FACT_TYPE_WORD] = "word",
                                        [FACT_TYPE_CODE] = "code"};
    return names[t];
}

static bool asked_for(const char *name, const char *beginning)
{
    return beginning == NULL || strncmp(name, beginning, strlen(beginning)) == 0;
}

static void put_words(struct buf *b, const char *words, const char *between)
{
    for (const char *p = words; *p != '\0'; p++) {
        if (*p == ' ')
            buf_puts(b, between);
        else
            buf_putc(b, *p);
    }
}

static void fact_lines(const struct fact_info *f)
{
    struct buf b;
    buf_init(&b, 4096);
    term_cell(stdout, TONE_BOLD, str_of(f->name), LABEL);
    fputc(' ', stdout);
    term_text(stdout, TONE_DIM, str_of(type_name(f->type)));
    printf("\n    ");
    term_wrap(stdout, 4, str_of(f->doc));
    if (f->words[0] != '\0') {
        buf_puts(&b, "one of: ");
        put_words(&b, f->words, ", ");
        printf("    ");
        term_wrap(stdout, 4, buf_str(&b));
    }
    buf_done(&b);
}

static void fact_json(struct json_out *o, const struct fact_info *f)
{
    static const char *const types[] = {[FACT_TYPE_BOOL] = "bool",
                                        [FACT_TYPE_INT] = "int",
                                        [FACT_TYPE_TIME] = "time",
                                        [FACT_TYPE_WORD] = "word",
                                        [FACT_TYPE_CODE] = "code"};
    struct str rest = str_of(f->words);
    jo_object(o);
    jo_kcstr(o, "name", f->name);
    jo_kcstr(o, "type", types[f->type]);
    jo_key(o, "words");
    jo_array(o);
    while (rest.n > 0)
        jo_str(o, str_cut(rest, ' ', &rest));
    jo_end(o);
    jo_kcstr(o, "means", f->doc);
    jo_end(o);
}

static int all_json(const char *beginning)
{
    struct buf b;
    struct json_out o;
    buf_init(&b, 1u << 20);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_key(&o, "facts");
    jo_array(&o);
    for (int i = 0; i < FACT_COUNT; i++)
        if (asked_for(fact_info[i].name, beginning))
            fact_json(&o, &fact_info[i]);
    jo_end(&o);
    jo_end(&o);
    int rc = cmd_print_json(&b);
    buf_done(&b);
    return rc;
}

static int no_such_fact(const char *beginning)
{
    const char *names[FACT_COUNT + 1];
    for (int i = 0; i < FACT_COUNT; i++)
        names[i] = fact_info[i].name;
    names[FACT_COUNT] = NULL;
    const char *near = nearest_word(str_of(beginning), names);
    return cmd_fail(CMD_FAILED, "wayleave facts", "no fact begins with %s%s%s%s", beginning,
                    near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
}

int facts_run(const struct args *a)
{
    const char *beginning = a->n_words > 0 ? a->word[0] : NULL;
    bool json = args_has(a, "json"), any = false;
    for (int i = 0; i < FACT_COUNT; i++)
        any |= asked_for(fact_info[i].name, beginning);
    if (!any)
        return no_such_fact(beginning);
    if (json)
        return all_json(beginning);
    for (int i = 0; i < FACT_COUNT; i++)
        if (asked_for(fact_info[i].name, beginning))
            fact_lines(&fact_info[i]);
    return CMD_OK;
}

void facts_markdown(FILE *out)
{
    struct buf b;
    buf_init(&b, 4096);
    fputs("| Fact | Type | Means |\n|---|---|---|\n", out);
    for (int i = 0; i < FACT_COUNT; i++) {
        const struct fact_info *f = &fact_info[i];
        buf_clear(&b);
        if (f->words[0] != '\0') {
            buf_puts(&b, ": `");
            put_words(&b, f->words, "`, `");
            buf_putc(&b, '`');
        }
        fprintf(out, "| `%s` | %s%s | %s |\n", f->name, type_name(f->type), buf_cstr(&b), f->doc);
    }
    buf_done(&b);
}
