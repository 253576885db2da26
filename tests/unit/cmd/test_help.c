/* SPDX-License-Identifier: Apache-2.0
 * test_help.c - what is printed about commands comes from the table, whole. */
#include "t.h"

#include "cmd/command.h"

static int nothing(const struct args *a)
{
    (void)a;
    return 0;
}

static const struct option own[] = {{.name = "errors", .value = "FILE", .help = "write the bad rows there"}, {0}};
static const struct command table[] = {
    {"serve", "", "run the gateway", "Runs.\n\n    wayleave serve", NULL, COMMON_CONFIG, 0, 0, nothing},
    {"contacts import", "FILE|-", "take in people", ".dot and back\\slash", own, COMMON_JSON, 1, 1, nothing},
    {"contacts show", "WHO", "show one person", NULL, NULL, COMMON_JSON, 1, 1, nothing},
    {"hooks list", "", "list hooks", NULL, NULL, 0, 0, 0, nothing},
    {"hooks subscribers add", "", "add one", NULL, own, 0, 0, 0, nothing},
    {"hooks subscribers remove", "", "remove one", NULL, NULL, 0, 0, 0, nothing},
    {0},
};

static void print_all(FILE *f)
{
    help_all(table, f);
}
static void print_command(FILE *f)
{
    help_command(&table[1], f);
}
static void print_group(FILE *f)
{
    help_group(table, "contacts", f);
}
static void print_man(FILE *f)
{
    help_man(table, f);
}
static void print_bash(FILE *f)
{
    help_bash(table, f);
}

TEST(printed)
{
    static const struct {
        void (*print)(FILE *);
        const char *has, *has_not;
    } rows[] = {
        {print_all, "contacts import    take in people", "--errors"},
        {print_all, "75 try again later", NULL},
        {print_command, "wayleave contacts import FILE|- [OPTIONS]", NULL},
        {print_command, "--errors FILE           write the bad rows there", "--config"},
        {print_command, "-h, --help", NULL},
        {print_group, "contacts show      show one person", "serve"},
        {print_man, ".SS \"wayleave contacts import FILE|\\-\"", NULL},
        {print_man, "\\&.dot and back\\eslash", NULL},
        {print_man, ".nf\n.RS\n    wayleave serve", NULL},
        {print_man, "\\fB\\-\\-errors\\fR \\fIFILE\\fR", NULL},
        {print_bash, "words=\"serve contacts hooks\"", NULL},
        {print_bash, "hooks) words=\"list subscribers\"", NULL},
        {print_bash, "\"hooks subscribers\") words=\"add remove\"", NULL},
        {print_bash, "\"hooks subscribers\") name=\"$name $three\"", NULL},
        {print_bash, "\"hooks subscribers add\") options=\"--errors --help", NULL},
        {print_all, "  hooks subscribers remove\n                     remove one", NULL},
        {print_bash, "contacts) words=\"import show\"", NULL},
        {print_bash, "\"contacts import\") options=\"--errors --help --json", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *text = NULL;
        size_t n;
        FILE *f = open_memstream(&text, &n);
        rows[i].print(f);
        fclose(f);
        if (strstr(text, rows[i].has) == NULL || (rows[i].has_not && strstr(text, rows[i].has_not)))
            fail_msg("want \"%s\", not \"%s\" in:\n%s", rows[i].has, rows[i].has_not ? rows[i].has_not : "", text);
        free(text);
    }
}

TESTS(T(printed))
