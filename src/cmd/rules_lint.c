/* SPDX-License-Identifier: Apache-2.0
 * rules_lint.c - `wayleave rules test` and `rules lint`: is a file accepted, and would a reviewer ask about it?
 *
 * Testing is loading: every proof and every test of the files is run, first each file by itself, so that all that are
 * wrong are named, then all together as the book they are to be. Linting adds what the loader allows and a reader would
 * stumble over. Warnings never change what is decided. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "cmd/rules_load.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "core/decide.h"
#include "core/ruleset_diff.h"

#define PATHS_MAX    (1u << 20)
#define REPORT_MAX   (1u << 20)
#define YEAR         (366 * INT64_C(86400000))
#define TITLE_LONG   60  /* bytes: longer ones break tables */
#define CHANGE_LONG  100 /* shown after "Needs:" in one line with the rest */
#define DETAILS_LONG 700 /* of the 900 bytes an API error has room for; facts need the rest */

/* ---- test ---- */

struct tested {
    int tests;
    size_t rules;
    struct ruleset *rs; /* the book; NULL when something was refused */
};

static int test_each(const struct rule_paths *p)
{
    int rc = CMD_OK;
    for (size_t i = 0; i < p->n; i++) {
        struct ruleset *one = NULL;
        struct err e = {0};
        if (ruleset_load(&one, p->path[i], &e) != 0)
            rc = cmd_fail(CMD_FAILED, NULL, "%s", e.text);
        ruleset_free(one);
    }
    return rc;
}

static int test_all(const struct rule_paths *p, struct tested *ret)
{
    int rc = test_each(p);
    *ret = (struct tested){0};
    if (rc == CMD_OK)
        rc = rules_book(p, &ret->rs);
    for (size_t i = 0; i < p->n && rc == CMD_OK; i++)
        ret->tests += rules_tests(p->path[i], NULL);
    ret->rules = rc == CMD_OK ? ruleset_count(ret->rs) : 0;
    return rc;
}

static void json_tested(struct json_out *o, const struct tested *t)
{
    char hash[SHA256_HEX];
    hex_encode(ruleset_hash(t->rs), SHA256_BYTES, hash);
    jo_kcstr(o, "id", ruleset_id(t->rs));
    jo_kcstr(o, "hash", hash);
    jo_kint(o, "sets", (int64_t)ruleset_sources(t->rs));
    jo_kint(o, "rules", (int64_t)t->rules);
    jo_kint(o, "tests", t->tests);
    jo_kbool(o, "decides", ruleset_decides(t->rs));
}

static void say_tested(const struct tested *t)
{
    char hash[SHA256_HEX];
    hex_encode(ruleset_hash(t->rs), SHA256_BYTES, hash);
    term_text(stdout, TONE_GOOD, STR("ok"));
    printf(": %zu rules in %zu set%s, %d tests passed\n", t->rules, ruleset_sources(t->rs),
           ruleset_sources(t->rs) == 1 ? "" : "s", t->tests);
    printf("    %s, sha256 %s\n", ruleset_id(t->rs), hash);
    if (!ruleset_decides(t->rs))
        puts("    a part: without the platform's set it decides nothing");
}

int rules_test(const struct args *a)
{
    struct rule_paths p;
    struct tested t = {0};
    struct arena *mem = arena_create(PATHS_MAX);
    int rc = mem == NULL ? CMD_FAILED : rules_paths(a, 0, mem, &p);
    if (rc == CMD_OK)
        rc = test_all(&p, &t);
    if (rc == CMD_OK && args_has(a, "json")) {
        struct buf b;
        struct json_out o;
        buf_init(&b, REPORT_MAX);
        json_out_init(&o, &b);
        jo_object(&o);
        json_tested(&o, &t);
        jo_end(&o);
        rc = cmd_print_json(&b);
        buf_done(&b);
    } else if (rc == CMD_OK && !args_has(a, "quiet")) {
        say_tested(&t);
    }
    ruleset_free(t.rs);
    arena_free(mem);
    return rc;
}

/* ---- lint ---- */

struct lint {
    const struct ruleset *rs;
    int64_t at;
    struct json_out *json; /* NULL: said to a person */
    bool quiet;
    int warnings;
};

__attribute__((format(printf, 3, 4))) static void warn(struct lint *l, const struct rule *r, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    l->warnings++;
    if (l->json != NULL) {
        jo_object(l->json);
        jo_kcstr(l->json, "rule", rule_id(r));
        jo_kcstr(l->json, "file", rule_source(l->rs, r)->file);
        jo_kcstr(l->json, "warning", text);
        jo_end(l->json);
    } else if (!l->quiet) {
        term_text(stdout, TONE_WARN, STR("warning"));
        printf(": %s: %s: %s\n", rule_source(l->rs, r)->file, rule_id(r), text);
    }
}

static void lint_citations(struct lint *l, const struct rule *r)
{
    for (size_t i = 0; i < rule_citations(r); i++) {
        const struct citation *c = rule_citation(r, i);
        int64_t read;
        if (!time_parse(c->read, strlen(c->read), &read))
            continue;
        if (read > l->at)
            warn(l, r, "its source was read on %s, which is in the future", c->read);
        else if (l->at - read > YEAR)
            warn(l, r, "its source was read on %s, more than a year ago: %s", c->read, c->url);
        for (size_t k = 0; k < i; k++)
            if (strcmp(rule_citation(r, k)->url, c->url) == 0)
                warn(l, r, "it cites %s twice", c->url);
    }
}

static void lint_dates(struct lint *l, const struct rule *r)
{
    const int64_t *dates;
    size_t n = rule_dates(r, &dates);
    char day[DAY_TEXT];
    for (size_t i = 0; i < n; i++)
        if (dates[i] > l->at)
            warn(l, r, i == 0 ? "it is not in force before %s" : "its values change on %s", rules_day(dates[i], day));
}

static void lint_texts(struct lint *l, const struct rule *r)
{
    const char *const texts[] = {rule_title(r), rule_reason(r), rule_change(r)};
    const struct citation *c = rule_citation(r, 0);
    size_t line = strlen(rule_reason(r)) + strlen(rule_change(r));
    if (c != NULL)
        line += strlen(c->title) + strlen(c->url);
    if (strlen(rule_title(r)) > TITLE_LONG)
        warn(l, r, "its title has %zu bytes; tables have room for %d", strlen(rule_title(r)), TITLE_LONG);
    if (strlen(rule_change(r)) > CHANGE_LONG)
        warn(l, r, "`change` has %zu bytes; more than %d are not read to the end", strlen(rule_change(r)), CHANGE_LONG);
    if (line > DETAILS_LONG)
        warn(l, r, "reason, change and source have %zu bytes: facts will be left out of error messages", line);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (strstr(texts[i], "http://") != NULL)
            warn(l, r, "a text has an http link; the reader deserves https");
}

/* Codes of the Graph API stand in these ranges; a client knows no others. */
static void lint_code(struct lint *l, const struct rule *r)
{
    static const int ranges[][2] = {{1, 4},           {10, 10},           {33, 33},          {80007, 80007}, {100, 104},
                                    {190, 190},       {200, 299},         {368, 368},        {613, 613},     {803, 803},
                                    {130000, 139999}, {1752041, 1752041}, {2388000, 2494999}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (rule_code(r) >= ranges[i][0] && rule_code(r) <= ranges[i][1])
            return;
    warn(l, r, "code %d is none of Meta's: clients know 131047 and its like", rule_code(r));
}

static void lint_mode(struct lint *l, const struct rule *r)
{
    enum ruleset_kind kind = rule_source(l->rs, r)->kind;
    if (rule_mode_of(r) == MODE_ENFORCE && strcmp(rule_confidence(r), "low") == 0)
        warn(l, r, "it is enforced though its confidence is low");
    if (rule_mode_of(r) == MODE_OFF && kind == RULESET_POLICY)
        warn(l, r, "it is off: nobody sees what it would do; shadow shows it");
}

/* A law or a policy that says nothing the platform does not always say first. */
static void lint_covered(struct lint *l, const struct rule *r)
{
    const int64_t *dates;
    int64_t at = rule_dates(r, &dates) > 0 && dates[0] > l->at ? dates[0] : l->at;
    if (rule_source(l->rs, r)->kind == RULESET_PLATFORM || rule_mode_of(r) != MODE_ENFORCE)
        return;
    for (size_t i = 0; i < ruleset_count(l->rs); i++) {
        const struct rule *p = ruleset_rule(l->rs, i);
        if (p == r || rule_source(l->rs, p)->kind >= rule_source(l->rs, r)->kind || rule_mode_of(p) != MODE_ENFORCE)
            continue;
        struct arena *mem = arena_create(REPORT_MAX * 16);
        bool covered = mem != NULL && rule_is_covered(l->rs, r, p, at, mem);
        arena_free(mem);
        if (covered) {
            warn(l, r, "it can never speak: whenever it would, %s says at least as much", rule_id(p));
            return;
        }
    }
}

static void lint_book(struct lint *l)
{
    for (size_t i = 0; i < ruleset_count(l->rs); i++) {
        const struct rule *r = ruleset_rule(l->rs, i);
        lint_citations(l, r);
        lint_dates(l, r);
        lint_texts(l, r);
        lint_code(l, r);
        lint_mode(l, r);
        lint_covered(l, r);
    }
}

static int print_lint(const struct args *a, const struct tested *t, int64_t at)
{
    struct buf b;
    struct json_out o;
    struct lint l = {.rs = t->rs, .at = at, .quiet = args_has(a, "quiet")};
    int rc = CMD_OK;
    if (args_has(a, "json")) {
        buf_init(&b, REPORT_MAX);
        json_out_init(&o, &b);
        l.json = &o;
        jo_object(&o);
        json_tested(&o, t);
        jo_key(&o, "warnings");
        jo_array(&o);
        lint_book(&l);
        jo_end(&o);
        jo_end(&o);
        rc = cmd_print_json(&b);
        buf_done(&b);
    } else {
        lint_book(&l);
        if (!l.quiet) {
            say_tested(t);
            printf("    %d warning%s\n", l.warnings, l.warnings == 1 ? "" : "s");
        }
    }
    return rc == CMD_OK && l.warnings > 0 && args_has(a, "strict") ? CMD_FAILED : rc;
}

int rules_lint(const struct args *a)
{
    struct rule_paths p;
    struct tested t = {0};
    int64_t at = 0;
    struct arena *mem = arena_create(PATHS_MAX);
    int rc = mem == NULL ? CMD_FAILED : rules_at(a, &at);
    if (rc == CMD_OK)
        rc = rules_paths(a, 0, mem, &p);
    if (rc == CMD_OK)
        rc = test_all(&p, &t);
    if (rc == CMD_OK)
        rc = print_lint(a, &t, at);
    ruleset_free(t.rs);
    arena_free(mem);
    return rc;
}
