/* SPDX-License-Identifier: Apache-2.0
 * check_config.c - `wayleave check-config`: what would be in force, where it came from, whether it would start.
 *
 * Reads what serve would read, including secret files, the rule set and the opt-out packs, and reports every mistake at once. Nothing is
 * opened for writing and no port is bound, so it can be run beside a gateway that is serving. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "cmd/config.h"
#include "cmd/serve.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "gateway/packs.h"
#include "gateway/rules.h"

extern char **environ;

static void say_lines(const struct buf *lines, enum tone tone, const char *word)
{
    struct str rest = buf_str(lines);
    while (rest.n > 0) {
        struct str text = str_cut(rest, '\n', &rest);
        if (text.n == 0)
            continue;
        term_printf(stderr, tone, "%s:", word);
        fputc(' ', stderr);
        term_text(stderr, TONE_PLAIN, text);
        fputc('\n', stderr);
    }
}

void config_say(const struct config *c, bool problems_only)
{
    say_lines(&c->problems, TONE_BAD, "wayleave");
    if (!problems_only)
        say_lines(&c->warnings, TONE_WARN, "warning");
}

int config_settings(const struct args *a, const char *settings[ARGS_OPTIONS])
{
    size_t n = 0;
    const char *s;
    while (n < ARGS_OPTIONS - 1 && (s = args_nth(a, "set", n)) != NULL)
        settings[n++] = s;
    settings[n] = NULL;
    return (int)n;
}

/* A rule set that does not load is as much a reason not to start as a wrong key. */
static void check_rules(struct config *c, bool quiet)
{
    struct ruleset *rs = NULL, *shadow = NULL;
    struct err e = {0};
    char hex[SHA256_HEX];
    if (c->gateway.rules_file == NULL)
        return;
    if (rules_load(&c->gateway, &rs, &shadow, &e) != 0) {
        buf_printf(&c->problems, "%s\n", e.text);
        return;
    }
    hex_encode(ruleset_hash(rs), SHA256_BYTES, hex);
    if (!quiet)
        printf("\nrule set %s, %zu rules, sha256 %s\n", ruleset_id(rs), ruleset_count(rs), hex);
    if (!quiet && shadow != NULL)
        printf("in the shadow %s, %zu rules\n", ruleset_id(shadow), ruleset_count(shadow));
    ruleset_free(rs);
    ruleset_free(shadow);
}

/* Packs are compiled as the start does it; those that are good by themselves can still be wrong together. */
static void check_packs(struct config *c)
{
    struct optout_packs *packs = NULL;
    struct err e = {0};
    if (packs_load(&packs, &c->gateway, &e) != 0)
        buf_printf(&c->problems, "%s\n", e.text);
    optout_packs_free(packs);
}

int check_config_run(const struct args *a)
{
    const char *settings[ARGS_OPTIONS];
    struct config *c = NULL;
    struct err e = {0};
    if (args_has(a, "new-config")) {
        config_sample(stdout);
        return CMD_OK;
    }
    config_settings(a, settings);
    const struct config_source from = {.file = args_get(a, "config"),
                                       .environ = environ,
                                       .set = settings,
                                       .secrets = true};
    int rc = config_load(&c, &from, &e);
    if (c == NULL)
        return cmd_fail(CMD_FAILED, NULL, "%s", e.text);
    bool json = args_has(a, "json"), quiet = json || args_has(a, "quiet");
    if (!quiet)
        config_print(c, stdout);
    if (rc == 0)
        check_rules(c, quiet);
    if (rc == 0)
        check_packs(c);
    if (json) {
        struct buf b;
        struct json_out out;
        buf_init(&b, 4u << 20);
        json_out_init(&out, &b);
        config_json(c, &out);
        cmd_print_json(&b);
        buf_done(&b);
    } else {
        fflush(stdout);
        config_say(c, args_has(a, "quiet"));
    }
    rc = c->problems.len == 0 ? CMD_OK : CMD_FAILED;
    config_free(c);
    return rc;
}
