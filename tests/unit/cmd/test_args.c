/* SPDX-License-Identifier: Apache-2.0
 * test_args.c - words typed after the program's name, understood or refused with the nearest right one. */
#include "t.h"

#include "cmd/command.h"

static int nothing(const struct args *a)
{
    (void)a;
    return 0;
}

static const struct option own[] = {
    {.name = "errors", .value = "FILE", .help = "h"},
    {.name = "param", .value = "TEXT", .help = "h", .repeat = true},
    {.name = "fast", .help = "h"},
    {0},
};
static const struct command table[] = {
    {"serve", "", "serves", NULL, NULL, COMMON_CONFIG, 0, 0, nothing},
    {"contacts import", "FILE", "imports", NULL, own, COMMON_CLIENT | COMMON_DRY_RUN, 1, 1, nothing},
    {"contacts show", "WHO", "shows", NULL, NULL, COMMON_CLIENT, 1, 1, nothing},
    {"hooks subscribers add", "NAME", "adds", NULL, own, COMMON_CLIENT, 1, 1, nothing},
    {"hooks subscribers list", "", "lists", NULL, NULL, COMMON_CLIENT, 0, 0, nothing},
    {0},
};

static int parse(const char *line, struct args *a, struct err *e)
{
    static char text[512];
    static char *argv[32];
    int argc = 0;
    snprintf(text, sizeof text, "%s", line);
    for (char *p = text; p && argc < 31;) {
        argv[argc++] = p;
        p = strchr(p, ' ');
        if (p)
            *p++ = '\0';
    }
    argv[argc] = NULL;
    *e = (struct err){0};
    return args_parse(table, argc, argv, a, e);
}

TEST(understood_in_any_order)
{
    static const char *const lines[] = {
        "wayleave contacts import people.csv --errors bad.csv --json",
        "wayleave contacts import --errors=bad.csv people.csv --json",
        "wayleave --json contacts import --errors bad.csv people.csv",
        "wayleave --json contacts import --errors bad.csv -- people.csv",
        "wayleave --config x.yaml contacts import --json --errors bad.csv people.csv",
        "wayleave -c x.yaml contacts import --json --errors bad.csv people.csv",
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct args a;
        struct err e;
        assert_ok(parse(lines[i], &a, &e), e);
        assert_string_equal(a.command->name, "contacts import");
        assert_int_equal(a.n_words, 1);
        assert_string_equal(a.word[0], "people.csv");
        assert_string_equal(args_get(&a, "errors"), "bad.csv");
        assert_true(args_has(&a, "json"));
        assert_false(args_has(&a, "fast"));
    }
}

TEST(a_name_may_have_three_words)
{
    struct args a;
    struct err e;
    assert_ok(parse("wayleave hooks subscribers add crm --fast", &a, &e), e);
    assert_string_equal(a.command->name, "hooks subscribers add");
    assert_int_equal(a.n_words, 1);
    assert_string_equal(a.word[0], "crm");
    assert_true(is_command_group(table, "hooks"));
    assert_true(is_command_group(table, "hooks subscribers"));
    assert_false(is_command_group(table, "hooks subscribers add"));
    assert_false(is_command_group(table, "hook"));
    assert_false(is_command_group(table, ""));
}

TEST(values_may_look_like_options_and_repeat)
{
    struct args a;
    struct err e;
    assert_ok(parse("wayleave contacts import f --param --fast --param=a=b --param=", &a, &e), e);
    assert_string_equal(args_nth(&a, "param", 0), "--fast");
    assert_string_equal(args_nth(&a, "param", 1), "a=b");
    assert_string_equal(args_nth(&a, "param", 2), "");
    assert_null(args_nth(&a, "param", 3));
    assert_false(args_has(&a, "fast"));
    assert_ok(parse("wayleave contacts import -- --json", &a, &e), e);
    assert_string_equal(a.word[0], "--json");
    assert_false(args_has(&a, "json"));
    assert_ok(parse("wayleave contacts import -", &a, &e), e);
    assert_string_equal(a.word[0], "-");
}

TEST(refused_with_the_nearest_word)
{
    static const struct {
        const char *line, *says;
    } rows[] = {
        {"wayleave srve", "did you mean \"serve\"?"},
        {"wayleave contacts imprt f", "did you mean \"contacts import\"?"},
        {"wayleave hooks subscribers ad", "did you mean \"hooks subscribers add\"?"},
        {"wayleave hooks subscribers qqqqqqqqqq", "there is no command \"hooks subscribers"},
        {"wayleave qqqqqqqqqq", "there is no command \"qqqqqqqqqq\""},
        {"wayleave contacts import f --erors x", "there is no option --erors; did you mean --errors?"},
        {"wayleave contacts import f --jsn", "did you mean --json?"},
        {"wayleave contacts import f --fas", "did you mean --fast?"},
        {"wayleave contacts import f -z", "there is no option -z"},
        {"wayleave contacts import f --fast=1", "--fast takes no value"},
        {"wayleave contacts import f --errors", "--errors wants a value: --errors FILE"},
        {"wayleave contacts import f --errors a --errors b", "--errors is given twice"},
        {"wayleave contacts import", "wants FILE"},
        {"wayleave contacts import a b", "\"b\" is one word too many"},
        {"wayleave serve --json", "--json means nothing to \"wayleave serve\""},
        {"wayleave contacts show --dry-run x", "--dry-run means nothing"},
        {"wayleave serve --errors x", "there is no option --errors"},
        {"wayleave serve a b c d e f g h i j", "one word too many"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct args a;
        struct err e;
        if (parse(rows[i].line, &a, &e) != WL_EINVAL || strstr(e.text, rows[i].says) == NULL)
            fail_msg("%s: \"%s\", want \"%s\"", rows[i].line, e.text, rows[i].says);
    }
}

TEST(help_needs_nothing_else)
{
    struct args a;
    struct err e;
    assert_ok(parse("wayleave contacts import --help", &a, &e), e);
    assert_true(args_has(&a, "help"));
    assert_ok(parse("wayleave -h", &a, &e), e);
    assert_null(a.command);
    assert_ok(parse("wayleave", &a, &e), e);
    assert_null(a.command);
}

TESTS(T(understood_in_any_order), T(a_name_may_have_three_words), T(values_may_look_like_options_and_repeat),
      T(refused_with_the_nearest_word), T(help_needs_nothing_else))
