/* SPDX-License-Identifier: Apache-2.0
 * command.h - what a subcommand is, and how the words typed after `wayleave` become one.
 *
 * There is one table of commands (commands.c). Parsing, `--help`, the manual page's list and the shell completions
 * are all read from it, so that they cannot disagree. Words may come in any order; `--` ends the options;
 * `--option=value` and `--option value` are the same; an option given twice is an error unless it may repeat.
 * Abbreviations are not accepted: a script must not change its meaning when an option is added. */
#ifndef WL_CMD_COMMAND_H
#define WL_CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/err.h"

/* What every command's exit status means; listed in wayleave(1). */
enum cmd_exit {
    CMD_OK = 0,
    CMD_FAILED = 1,
    CMD_USAGE = 2,
    CMD_REFUSED = 3,   /* a rule says no */
    CMD_PARTIAL = 4,   /* some rows or recipients failed */
    CMD_DOUBT = 5,     /* it may have been sent */
    CMD_TEMPORARY = 75 /* the same command may be given again later (EX_TEMPFAIL) */
};

/* Options many commands share; a command names those that mean something to it. */
enum common_option {
    COMMON_JSON = 1,
    COMMON_QUIET = 2,
    COMMON_CONFIG = 4,
    COMMON_SERVER = 8, /* --url and --key-file */
    COMMON_DRY_RUN = 16,
    COMMON_HELP = 32, /* every command has it */
    COMMON_PHONE = 64 /* --phone-data: it reads numbers here, not in the gateway */
};
#define COMMON_CLIENT (COMMON_JSON | COMMON_CONFIG | COMMON_SERVER)

struct option {
    const char *name;  /* without "--"; NULL ends a list */
    const char *value; /* what follows it ("FILE"); NULL: a flag */
    const char *help;
    bool repeat;
    unsigned common; /* which bit of a command's `common` allows it; 0 for a command's own */
    char letter;     /* short form, 0 when none */
};
extern const struct option common_options[];

struct args;
struct command {
    const char *name;    /* "contacts import"; NULL ends the table */
    const char *usage;   /* what follows, without options: "FILE|-" */
    const char *summary; /* one line, no full stop */
    const char *about;   /* paragraphs for `help` and the manual page */
    const struct option *options;
    unsigned common;
    size_t min_words, max_words; /* words after the name */
    int (*run)(const struct args *a);
};
extern const struct command commands[];

#define COMMAND_WORDS 3  /* of the longest name: "webhooks subscribers list" */
#define ARGS_WORDS    65 /* one rule's id and the files of a book */
#define ARGS_OPTIONS  96
struct args {
    const struct command *table;
    const struct command *command; /* NULL: none was named */
    const char *word[ARGS_WORDS];  /* words after the command's name */
    size_t n_words;
    struct {
        const struct option *option;
        const char *value; /* "" for a flag */
    } given[ARGS_OPTIONS];
    size_t n_given;
};

/* argv[0] is the program. WL_EINVAL with a sentence that names the word and the nearest right one; ret->command is
 * set when it was understood that far. The strings stay argv's. */
int args_parse(const struct command *table, int argc, char *const *argv, struct args *ret, struct err *e);
const char *args_get(const struct args *a, const char *option); /* NULL when not given */
bool args_has(const struct args *a, const char *option);
/* The i-th value of an option that may repeat; NULL after the last. */
const char *args_nth(const struct args *a, const char *option, size_t i);
const struct command *command_find(const struct command *table, const char *const *word, size_t n, size_t *ret_used);
/* WL_EINVAL: there is no command of these words, and which was meant. */
int command_unknown(const struct command *table, const char *const *word, size_t n, struct err *e);
/* Whether names begin with these words and go on: "contacts", "webhooks subscribers". */
bool is_command_group(const struct command *table, const char *words);

/* help.c. All write to `out`. */
void help_all(const struct command *table, FILE *out);
void help_command(const struct command *c, FILE *out);
void help_group(const struct command *table, const char *group, FILE *out);
void help_man(const struct command *table, FILE *out);  /* the OPTIONS and COMMANDS sections of wayleave(1) */
void help_bash(const struct command *table, FILE *out); /* completion script */

#endif
