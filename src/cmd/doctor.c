/* SPDX-License-Identifier: Apache-2.0
 * doctor.c - `wayleave doctor`: what is wrong between Meta and this gateway, and what to do about it.
 *
 * The configuration is judged here, everything else by gateway/doctor.h. What is not in order stands out and comes with one
 * sentence of advice; --quiet leaves out the rest. Exit status 1 when something fails, 0 otherwise, also with warnings. */
#include "gateway/doctor.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cmd/config.h"
#include "cmd/phone_tables.h"
#include "cmd/serve.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "gateway/rules.h"

#define CHECK_WIDTH 26

extern char **environ;

static const struct doctor_line *first_failed(const struct doctor_report *r)
{
    for (size_t i = 0; i < r->n; i++)
        if (r->line[i].result == DOCTOR_FAIL)
            return &r->line[i];
    return NULL;
}

static void add(struct doctor_report *r, const char *name, enum doctor_result result, struct str found,
                const char *advice)
{
    struct doctor_line *all = realloc(r->line, (r->n + 1) * sizeof *all);
    if (all == NULL)
        abort();
    r->line = all;
    struct doctor_line *l = &all[r->n++];
    *l = (struct doctor_line){.name = name, .result = result};
    snprintf(l->found, sizeof l->found, "%.*s", (int)found.n, found.p ? found.p : "");
    snprintf(l->advice, sizeof l->advice, "%s", advice);
}

static void add_lines(struct doctor_report *r, enum doctor_result result, const struct buf *lines, const char *advice)
{
    struct str rest = buf_str(lines);
    while (rest.n > 0) {
        struct str text = str_cut(rest, '\n', &rest);
        if (text.n > 0)
            add(r, "configuration", result, text, advice);
    }
}

static void check_rules(struct doctor_report *r, const struct config *c)
{
    struct ruleset *rs = NULL, *shadow = NULL;
    struct err e = {0};
    char found[120];
    if (c->gateway.rules_file == NULL)
        return;
    if (rules_load(&c->gateway, &rs, &shadow, &e) != 0) {
        add(r, "rules", DOCTOR_FAIL, str_of(e.text), "mend that file: wayleave rules test FILE shows where");
        return;
    }
    snprintf(found, sizeof found, "%.60s, %zu rules", ruleset_id(rs), ruleset_count(rs));
    add(r, "rules", DOCTOR_OK, str_of(found), "");
    ruleset_free(rs);
    ruleset_free(shadow);
}

static void check_gateway(struct doctor_report *ret, const struct config *c, struct doctor_report *rest)
{
    struct gateway_options o = c->gateway;
    struct phone_tables plans;
    struct err e = {0};
    bool good = phone_tables_choose(o.phone_data_file, &plans, &e) == 0;
    if (good)
        o.phones = &plans.data;
    else
        add(ret, "phone_data", DOCTOR_FAIL, str_of(e.text), "make such a file with: wayleave phone compile");
    doctor_run(&o, WAYLEAVE_VERSION, rest);
    if (good)
        phone_tables_close(&plans);
}

/* The configuration's lines first, then the others. */
static void examine(const struct config *c, struct doctor_report *ret)
{
    struct doctor_report rest;
    char found[200];
    add_lines(ret, DOCTOR_FAIL, &c->problems, "correct it; wayleave check-config shows all that is in force");
    add_lines(ret, DOCTOR_WARN, &c->warnings, "change it if it is not meant so");
    if (ret->n == 0) {
        snprintf(found, sizeof found, "%.150s is in order", c->file ? c->file : "the built-in configuration");
        add(ret, "configuration", DOCTOR_OK, str_of(found), "");
    }
    check_rules(ret, c);
    check_gateway(ret, c, &rest);
    struct doctor_line *all = realloc(ret->line, (ret->n + rest.n + 1) * sizeof *all);
    if (all == NULL)
        abort();
    memcpy(all + ret->n, rest.line, rest.n * sizeof *all);
    ret->line = all;
    ret->n += rest.n;
    doctor_report_done(&rest);
}

/* --- shown --------------------------------------------------------------------------------------------------------- */

static void show_line(const struct doctor_line *l)
{
    static const enum tone tones[] = {TONE_GOOD, TONE_WARN, TONE_BAD, TONE_DIM};
    char name[64];
    if (l->id != 0)
        snprintf(name, sizeof name, "%s %lld", l->name, (long long)l->id);
    else
        snprintf(name, sizeof name, "%s", l->name);
    term_printf(stdout, tones[l->result], "%-5s", doctor_result_name(l->result));
    fputc(' ', stdout);
    term_cell(stdout, TONE_PLAIN, str_of(name), CHECK_WIDTH);
    fputc(' ', stdout);
    term_text(stdout, TONE_PLAIN, str_of(l->found));
    fputc('\n', stdout);
    if (l->advice[0] != '\0') {
        fputs("      -> ", stdout);
        term_text(stdout, l->result == DOCTOR_SKIP ? TONE_DIM : TONE_BOLD, str_of(l->advice));
        fputc('\n', stdout);
    }
}

static void show(const struct doctor_report *r, bool quiet)
{
    size_t count[4] = {0};
    for (size_t i = 0; i < r->n; i++) {
        count[r->line[i].result]++;
        if (!quiet || r->line[i].result == DOCTOR_WARN || r->line[i].result == DOCTOR_FAIL)
            show_line(&r->line[i]);
    }
    if (!quiet)
        printf("\n%zu ok, %zu to look at, %zu wrong, %zu not looked at\n", count[DOCTOR_OK], count[DOCTOR_WARN],
               count[DOCTOR_FAIL], count[DOCTOR_SKIP]);
}

static int show_json(const struct doctor_report *r)
{
    struct buf b;
    struct json_out o;
    char id[24];
    buf_init(&b, 8u << 20);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kbool(&o, "ok", first_failed(r) == NULL);
    jo_key(&o, "checks");
    jo_array(&o);
    for (size_t i = 0; i < r->n; i++) {
        const struct doctor_line *l = &r->line[i];
        snprintf(id, sizeof id, "%lld", (long long)l->id);
        jo_object(&o);
        jo_kcstr(&o, "name", l->name);
        jo_kcstr(&o, "id", l->id != 0 ? id : NULL);
        jo_kcstr(&o, "result", doctor_result_name(l->result));
        jo_kcstr(&o, "found", l->found);
        jo_kcstr(&o, "do", l->advice[0] != '\0' ? l->advice : NULL);
        jo_end(&o);
    }
    jo_end(&o);
    jo_end(&o);
    int rc = cmd_print_json(&b);
    buf_done(&b);
    return rc;
}

int doctor_cmd_run(const struct args *a)
{
    struct config *c = NULL;
    struct err e = {0};
    struct doctor_report r = {NULL, 0};
    const struct config_source from = {.file = args_get(a, "config"), .environ = environ, .secrets = true};
    config_load(&c, &from, &e);
    if (c != NULL)
        examine(c, &r);
    else
        add(&r, "configuration", DOCTOR_FAIL, str_of(e.text),
            "name the file with --config, or run this as a user who may read it");
    int rc = CMD_OK;
    if (args_has(a, "json"))
        rc = show_json(&r);
    else
        show(&r, args_has(a, "quiet"));
    if (rc == CMD_OK && first_failed(&r) != NULL)
        rc = CMD_FAILED;
    doctor_report_done(&r);
    config_free(c);
    return rc;
}
