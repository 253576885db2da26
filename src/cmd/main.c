/* SPDX-License-Identifier: Apache-2.0
 * main.c - the program: reads its words, finds the command, runs it, answers with an exit status.
 *
 * What the commands are stands in commands.c; what they do in a file each. Here is only what has no file of its own:
 * help, completions, and what to say to words that mean nothing. */
#include <string.h>

#include "cmd/command.h"
#include "cmd/config.h"
#include "cmd/facts.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

/* The words as one text, cut where they are too long to be a name. */
static const char *joined(const struct args *a, char out[192])
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < a->n_words && at < 192; i++) {
        int n = snprintf(out + at, 192 - at, "%s%s", i > 0 ? " " : "", a->word[i]);
        at += n > 0 ? (size_t)n : 0;
    }
    return out;
}

static int no_such_command(const struct args *a)
{
    struct err e = {0};
    command_unknown(a->table, a->word, a->n_words, &e);
    return cmd_fail(CMD_USAGE, "wayleave help lists the commands", "%s", e.text);
}

int help_run(const struct args *a)
{
    size_t used = 0;
    char words[192];
    const struct command *c = command_find(a->table, a->word, a->n_words, &used);
    if (args_has(a, "man"))
        help_man(a->table, stdout);
    else if (args_has(a, "man-config"))
        config_man(stdout);
    else if (args_has(a, "markdown-config"))
        config_markdown(stdout);
    else if (args_has(a, "markdown-facts"))
        facts_markdown(stdout);
    else if (a->n_words == 0)
        help_all(a->table, stdout);
    else if (c && used == a->n_words)
        help_command(c, stdout);
    else if (is_command_group(a->table, joined(a, words)))
        help_group(a->table, words, stdout);
    else
        return no_such_command(a);
    return CMD_OK;
}

int completions_run(const struct args *a)
{
    if (strcmp(a->word[0], "bash") != 0)
        return cmd_fail(CMD_USAGE, NULL, "there are completions for bash, not for \"%s\"", a->word[0]);
    help_bash(a->table, stdout);
    return CMD_OK;
}

static int wrong_words(const struct args *a, const struct err *e)
{
    char next[128] = "wayleave help lists the commands";
    if (a->command)
        snprintf(next, sizeof next, "wayleave help %s", a->command->name);
    return cmd_fail(CMD_USAGE, next, "%s", e->text);
}

/* No command: all of them, or those that begin with the word. */
static int no_command(const struct args *a, bool asked)
{
    FILE *out = asked ? stdout : stderr;
    char words[192];
    if (a->n_words > 0)
        help_group(a->table, joined(a, words), out);
    else
        help_all(a->table, out);
    return asked ? CMD_OK : CMD_USAGE;
}

int main(int argc, char **argv)
{
    struct args a;
    struct err e = {0};
    static char version[] = "version";
    if (argc == 2 && strcmp(argv[1], "--version") == 0)
        argv[1] = version;
    char words[192];
    int rc = args_parse(commands, argc, argv, &a, &e);
    if (a.command == NULL && is_command_group(commands, joined(&a, words)))
        return cmd_finish(no_command(&a, args_has(&a, "help")));
    if (rc != 0)
        return wrong_words(&a, &e);
    if (a.command == NULL)
        return cmd_finish(no_command(&a, args_has(&a, "help")));
    if (args_has(&a, "help")) {
        help_command(a.command, stdout);
        return cmd_finish(CMD_OK);
    }
    return cmd_finish(a.command->run(&a));
}
