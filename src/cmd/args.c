/* SPDX-License-Identifier: Apache-2.0
 * args.c - the words after `wayleave`, read with the tables of commands and options.
 *
 * One pass, left to right: options may stand before, between and after the other words. Before the command is
 * known only the common options are; afterwards its own as well. Nothing is converted here: a value is text
 * until the command that wanted it reads it. Strings are borrowed from argv and never changed. */
#include "cmd/command.h"

#include <string.h>

#include "base/yaml.h"

const struct option common_options[] = {
    {"help", NULL, "show what the command does and stop", false, COMMON_HELP, 'h'},
    {"json", NULL, "print JSON: one object, or one a line when streaming", false, COMMON_JSON, 0},
    {"quiet", NULL, "print errors only", false, COMMON_QUIET, 'q'},
    {"config", "FILE", "read this configuration (see wayleave.conf(5) for the default)", false, COMMON_CONFIG, 'c'},
    {"url", "URL", "the gateway to talk to (else $WAYLEAVE_URL, else `listen` of the configuration)", false,
     COMMON_SERVER, 0},
    {"key-file", "FILE",
     "file with the admin key (else $WAYLEAVE_KEY, else admin.key of state_dir, else of /var/lib/wayleave)", false,
     COMMON_SERVER, 0},
    {"phone-data", "FILE", "read numbers with these tables (see docs/phone.md for the default)", false, COMMON_PHONE,
     0},
    {"dry-run", NULL, "check everything, change and send nothing", false, COMMON_DRY_RUN, 'n'},
    {0},
};

static size_t words_in(const char *name)
{
    size_t n = 1;
    for (; *name; name++)
        n += *name == ' ';
    return n;
}

static bool name_is(const char *name, const char *const *word, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t len = strcspn(name, " ");
        if (strlen(word[i]) != len || memcmp(name, word[i], len) != 0)
            return false;
        name += len + (name[len] == ' ');
    }
    return *name == '\0';
}

const struct command *command_find(const struct command *table, const char *const *word, size_t n, size_t *ret_used)
{
    for (const struct command *c = table; c->name; c++) {
        size_t own = words_in(c->name);
        if (own <= n && name_is(c->name, word, own)) {
            *ret_used = own;
            return c;
        }
    }
    return NULL;
}

bool is_command_group(const struct command *table, const char *words)
{
    size_t n = strlen(words);
    for (const struct command *c = table; c->name; c++)
        if (n > 0 && strncmp(c->name, words, n) == 0 && c->name[n] == ' ')
            return true;
    return false;
}

static const struct option *option_in(const struct option *list, struct str name, char letter)
{
    for (const struct option *o = list; o && o->name; o++)
        if (letter ? o->letter == letter : str_eq(str_of(o->name), name))
            return o;
    return NULL;
}

static const struct option *option_find(const struct command *c, struct str name, char letter)
{
    const struct option *o = c ? option_in(c->options, name, letter) : NULL;
    return o ? o : option_in(common_options, name, letter);
}

static int unknown_option(const struct command *c, struct str name, struct err *e)
{
    const char *known[ARGS_OPTIONS];
    size_t n = 0;
    for (const struct option *o = c ? c->options : NULL; o && o->name && n < ARGS_OPTIONS - 1; o++)
        known[n++] = o->name;
    for (const struct option *o = common_options; o->name && n < ARGS_OPTIONS - 1; o++)
        if (c == NULL || (o->common & (c->common | COMMON_HELP)))
            known[n++] = o->name;
    known[n] = NULL;
    const char *near = nearest_word(name, known);
    if (near)
        return err_set(e, WL_EINVAL, "there is no option --%.*s; did you mean --%s?", (int)name.n, name.p, near);
    return err_set(e, WL_EINVAL, "there is no option --%.*s", (int)name.n, name.p);
}

static int take(struct args *a, const struct option *o, const char *value, struct err *e)
{
    if (!o->repeat && args_has(a, o->name))
        return err_set(e, WL_EINVAL, "--%s is given twice", o->name);
    if (a->n_given == ARGS_OPTIONS)
        return err_set(e, WL_EINVAL, "more than %d options", ARGS_OPTIONS);
    a->given[a->n_given].option = o;
    a->given[a->n_given++].value = value;
    return 0;
}

/* One word beginning with '-'; *i moves on when the next word is its value. */
static int read_option(struct args *a, const struct command *c, int argc, char *const *argv, int *i, struct err *e)
{
    const char *word = argv[*i];
    const struct option *o;
    const char *value = NULL;
    if (word[1] == '-') {
        struct str name = str_of(word + 2), rest = {NULL, 0};
        name = str_cut(name, '=', &rest);
        value = rest.p;
        o = option_find(c, name, 0);
        if (o == NULL)
            return unknown_option(c, name, e);
    } else {
        o = word[2] == '\0' ? option_find(c, STR(""), word[1]) : NULL;
        if (o == NULL)
            return err_set(e, WL_EINVAL, "there is no option %s", word);
    }
    if (o->value == NULL && value != NULL)
        return err_set(e, WL_EINVAL, "--%s takes no value", o->name);
    if (o->value != NULL && value == NULL) {
        if (*i + 1 >= argc)
            return err_set(e, WL_EINVAL, "--%s wants a value: --%s %s", o->name, o->name, o->value);
        value = argv[++*i];
    }
    return take(a, o, value ? value : "", e);
}

static void join(char *out, size_t size, const char *const *word, size_t n)
{
    size_t at = 0;
    out[0] = '\0';
    for (size_t i = 0; i < n && at < size; i++) {
        int put = snprintf(out + at, size - at, "%s%s", i > 0 ? " " : "", word[i]);
        at += put > 0 ? (size_t)put : 0;
    }
}

/* How many of the words were meant as a name: "webhooks subscribers lst", "contacts lst". */
static size_t meant_words(const struct command *table, const char *const *word, size_t n)
{
    char group[192];
    if (n <= 2)
        return n;
    join(group, sizeof group, word, 2);
    return is_command_group(table, group) ? n : 2;
}

/* "subscribers list" is the end of "webhooks subscribers list". */
static const char *with_that_end(const struct command *table, const char *typed)
{
    size_t n = strlen(typed);
    for (const struct command *c = table; c->name; c++) {
        size_t len = strlen(c->name);
        if (len > n + 1 && c->name[len - n - 1] == ' ' && strcmp(c->name + len - n, typed) == 0)
            return c->name;
    }
    return NULL;
}

/* The command or the group ("webhooks") that is nearest to these words, or to the first of them. */
static const char *nearest_command(const struct command *table, const char *const *word, size_t n)
{
    static const char *const groups[] = {"webhooks",  "webhooks subscribers",
                                         "contacts",  "messages",
                                         "numbers",   "accounts",
                                         "templates", "rules",
                                         "consent",   "phone",
                                         "lists",     NULL};
    const char *known[160], *near = NULL;
    size_t k = 0;
    char typed[192] = "";
    for (const struct command *c = table; c->name && k < 140; c++)
        known[k++] = c->name;
    for (size_t g = 0; groups[g] != NULL; g++)
        if (is_command_group(table, groups[g]))
            known[k++] = groups[g];
    known[k] = NULL;
    for (size_t words = n; words > 0 && near == NULL; words--) {
        join(typed, sizeof typed, word, words);
        near = words > 1 ? with_that_end(table, typed) : NULL;
        near = near != NULL ? near : nearest_word(str_of(typed), known);
    }
    return near;
}

int command_unknown(const struct command *table, const char *const *word, size_t n, struct err *e)
{
    char typed[192] = "";
    const char *near = nearest_command(table, word, n);
    join(typed, sizeof typed, word, meant_words(table, word, n));
    if (near)
        return err_set(e, WL_EINVAL, "there is no command \"%s\"; did you mean \"%s\"?", typed, near);
    return err_set(e, WL_EINVAL, "there is no command \"%s\"", typed);
}

/* Common options a command has no use for are errors: silence would look like obedience. */
static int check_given(const struct args *a, struct err *e)
{
    const struct command *c = a->command;
    for (size_t i = 0; i < a->n_given; i++) {
        const struct option *o = a->given[i].option;
        if (o->common && !(o->common & (c->common | COMMON_HELP)))
            return err_set(e, WL_EINVAL, "--%s means nothing to \"wayleave %s\"", o->name, c->name);
    }
    if (args_has(a, "help"))
        return 0;
    if (a->n_words < c->min_words)
        return err_set(e, WL_EINVAL, "\"wayleave %s\" wants %s", c->name, c->usage);
    if (a->n_words > c->max_words)
        return err_set(e, WL_EINVAL, "\"%s\" is one word too many for \"wayleave %s\"", a->word[c->max_words], c->name);
    return 0;
}

/* Where the command's name stands: the first words that are neither options nor their values. */
static size_t leading_words(int argc, char *const *argv, const char *word[COMMAND_WORDS])
{
    size_t n = 0;
    for (int i = 1; i < argc && n < COMMAND_WORDS; i++) {
        if (argv[i][0] == '-' && argv[i][1] != '\0') {
            struct str rest, name = str_cut(str_of(argv[i] + (argv[i][1] == '-' ? 2 : 1)), '=', &rest);
            const struct option *o = option_in(common_options, name, argv[i][1] == '-' ? 0 : argv[i][1]);
            if (n > 0)
                break; /* "contacts --json import" is not a name */
            if (o && o->value && rest.p == NULL)
                i++;
        } else {
            word[n++] = argv[i];
        }
    }
    return n;
}

int args_parse(const struct command *table, int argc, char *const *argv, struct args *ret, struct err *e)
{
    const char *name[COMMAND_WORDS];
    size_t n_name = leading_words(argc, argv, name), used = 0;
    memset(ret, 0, sizeof *ret);
    ret->table = table;
    ret->command = n_name > 0 ? command_find(table, name, n_name, &used) : NULL;
    bool options_end = false;
    for (int i = 1; i < argc; i++) {
        if (!options_end && strcmp(argv[i], "--") == 0) {
            options_end = true;
        } else if (!options_end && argv[i][0] == '-' && argv[i][1] != '\0') {
            int rc = read_option(ret, ret->command, argc, argv, &i, e);
            if (rc != 0)
                return rc;
        } else if (used > 0) {
            used--;
        } else if (ret->n_words == ARGS_WORDS) {
            return err_set(e, WL_EINVAL, "\"%s\" is one word too many", argv[i]);
        } else {
            ret->word[ret->n_words++] = argv[i];
        }
    }
    if (ret->command)
        return check_given(ret, e);
    if (n_name > 0 && !args_has(ret, "help"))
        return command_unknown(table, name, n_name, e);
    return 0;
}

const char *args_nth(const struct args *a, const char *option, size_t i)
{
    for (size_t k = 0; k < a->n_given; k++)
        if (strcmp(a->given[k].option->name, option) == 0 && i-- == 0)
            return a->given[k].value;
    return NULL;
}

const char *args_get(const struct args *a, const char *option)
{
    return args_nth(a, option, 0);
}

bool args_has(const struct args *a, const char *option)
{
    return args_get(a, option) != NULL;
}
