/* SPDX-License-Identifier: Apache-2.0
 * test_term.c - text from strangers cannot command a terminal; colour and wrapping. */
#include "t.h"

#include "cmd/term.h"

static char *text_of(enum tone tone, struct str s)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    term_text(f, tone, s);
    fclose(f);
    return text;
}

TEST(control_characters_are_shown)
{
    static const struct {
        const char *text, *want;
    } rows[] = {
        {"Ana", "Ana"},
        {"\033]0;title\007", "\\x1b]0;title\\x07"},
        {"a\rb\tc\bd", "a\\x0db\\x09c\\x08d"},
        {"\xC2\x9B"
         "31m",
         "\\x9b31m"},
        {"\x7F", "\\x7f"},
        {"Jörg Ação 你好", "Jörg Ação 你好"},
        {"\xC2", "\xC2"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *got = text_of(TONE_PLAIN, str_of(rows[i].text));
        assert_string_equal(got, rows[i].want);
        free(got);
    }
}

TEST(no_colour_without_a_terminal)
{
    char *got = text_of(TONE_BAD, STR("x"));
    assert_string_equal(got, "x");
    free(got);
}

TEST(wrapped_at_78)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    term_wrap(f, 4, STR("the quick brown fox jumps over the lazy dog and the quick brown fox jumps over the lazy dog"));
    fclose(f);
    char *end = strchr(text, '\n');
    assert_true(end - text <= 74);
    assert_true(strncmp(end + 1, "    ", 4) == 0 && end[5] != ' ');
    free(text);
}

TEST(width_counts_characters)
{
    assert_int_equal(term_width(STR("Ação")), 4);
    assert_int_equal(term_width(STR("")), 0);
}

TESTS(T(control_characters_are_shown), T(no_colour_without_a_terminal), T(wrapped_at_78), T(width_counts_characters))
