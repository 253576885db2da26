/* SPDX-License-Identifier: Apache-2.0
 * optout.c - `wayleave optout test|list`: what the packs make of a text, and what they look for.
 *
 * Both read the packs of the configuration themselves, by the code the gateway judges with, and ask no gateway: a pack can
 * be tried before it is used. Nothing is recorded. */
#include "core/optout.h"

#include <string.h>

#include "cmd/config.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "gateway/packs.h"

extern char **environ;

#define JSON_MAX (16u << 20)

/* The packs of the configuration, also where the gateway would not read what people write. */
static int open_packs(const struct args *a, struct config **ret_config, struct optout_packs **ret)
{
    const struct config_source from = {.file = args_get(a, "config"), .environ = environ};
    struct err e = {0};
    int rc = config_load(ret_config, &from, &e);
    if (rc != 0)
        return cmd_fail(CMD_FAILED, "wayleave check-config", "%s", e.text);
    (*ret_config)->gateway.optout_listen = true;
    if (packs_load(ret, &(*ret_config)->gateway, &e) != 0)
        return cmd_fail(CMD_FAILED, NULL, "%s", e.text);
    return *ret != NULL ? CMD_OK : cmd_fail(CMD_FAILED, NULL, "the configuration names no opt-out packs");
}

static void scope_text(consent_scope scope, struct buf *out)
{
    buf_init(out, 128);
    if (scope != 0)
        consent_scope_text(scope, out);
}

static void line(const char *label, struct str value)
{
    if (value.n == 0)
        return;
    term_cell(stdout, TONE_DIM, str_of(label), 12);
    term_text(stdout, TONE_PLAIN, value);
    fputc('\n', stdout);
}

static void show_finding(const struct optout_finding *f, enum optout_answer answer)
{
    static const char *const answers[] = {"", "yes", "no"};
    struct buf scope;
    scope_text(f->scope, &scope);
    term_printf(stdout, f->verdict == OPTOUT_STOP ? TONE_WARN : TONE_BOLD, "%s\n", optout_verdict_name(f->verdict));
    line("for", buf_str(&scope));
    line("language", str_of(f->language));
    line("entry", str_of(f->rule));
    line("words", f->matched);
    line("taken back", str_of(f->taken_back));
    line("answers", str_of(answers[answer]));
    buf_done(&scope);
}

static void json_finding(const struct optout_finding *f, enum optout_answer answer)
{
    static const char *const answers[] = {"neither", "yes", "no"};
    struct json_out o;
    struct buf b, scope;
    buf_init(&b, JSON_MAX);
    scope_text(f->scope, &scope);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kcstr(&o, "verdict", optout_verdict_name(f->verdict));
    jo_kstr(&o, "scope", buf_str(&scope));
    jo_kcstr(&o, "language", f->language);
    jo_kcstr(&o, "rule", f->rule);
    jo_kstr(&o, "matched", f->matched.p ? f->matched : STR(""));
    jo_kcstr(&o, "taken_back", f->taken_back);
    jo_kcstr(&o, "answer", answers[answer]);
    jo_end(&o);
    cmd_print_json(&b);
    buf_done(&scope);
    buf_done(&b);
}

int optout_test(const struct args *a)
{
    struct config *c = NULL;
    struct optout_packs *p = NULL;
    struct optout_finding f;
    const char *hint = args_get(a, "lang");
    struct str text = str_of(a->word[0]), language = str_of(hint ? hint : "");
    int rc = open_packs(a, &c, &p);
    if (rc == CMD_OK) {
        optout_judge(p, text, language, &f);
        enum optout_answer answer = optout_answer(p, text, language);
        if (args_has(a, "json"))
            json_finding(&f, answer);
        else
            show_finding(&f, answer);
    }
    optout_packs_free(p);
    config_free(c);
    return rc;
}

static void json_pattern(struct json_out *o, const struct optout_pattern *x)
{
    struct buf scope;
    scope_text(x->scope, &scope);
    jo_object(o);
    jo_kcstr(o, "id", x->id);
    jo_kcstr(o, "language", x->language);
    jo_kcstr(o, "does", x->does);
    jo_kbool(o, "whole", x->whole);
    jo_kstr(o, "scope", buf_str(&scope));
    jo_kstr(o, "text", x->text);
    jo_end(o);
    buf_done(&scope);
}

static void show_pattern(const struct optout_pattern *x)
{
    term_cell(stdout, TONE_PLAIN, str_of(x->id), 36);
    fputc(' ', stdout);
    term_cell(stdout, strcmp(x->does, "stop") == 0 ? TONE_WARN : TONE_DIM, str_of(x->does), 7);
    term_text(stdout, TONE_PLAIN, x->text);
    fputs(x->whole ? "  (alone)\n" : "\n", stdout);
}

static void list_all(const struct optout_packs *p, const char *language, struct json_out *o)
{
    struct optout_pattern x;
    for (size_t i = 0; optout_pattern_at(p, i, &x); i++) {
        if (x.gone || (language != NULL && strcmp(language, x.language) != 0))
            continue;
        if (o != NULL)
            json_pattern(o, &x);
        else
            show_pattern(&x);
    }
}

int optout_list(const struct args *a)
{
    struct config *c = NULL;
    struct optout_packs *p = NULL;
    struct json_out o;
    struct buf b;
    int rc = open_packs(a, &c, &p);
    buf_init(&b, JSON_MAX);
    json_out_init(&o, &b);
    if (rc == CMD_OK && args_has(a, "json")) {
        jo_array(&o);
        list_all(p, args_get(a, "lang"), &o);
        jo_end(&o);
        cmd_print_json(&b);
    } else if (rc == CMD_OK) {
        list_all(p, args_get(a, "lang"), NULL);
    }
    buf_done(&b);
    optout_packs_free(p);
    config_free(c);
    return rc;
}
