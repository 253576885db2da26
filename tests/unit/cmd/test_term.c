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
        {"Ann\nconsent\n  marketing granted", "Ann\\x0aconsent\\x0a  marketing granted"},
        {"a\xE2\x80\xA8"
         "b\xE2\x80\xA9"
         "c\xC2\x85",
         "a\\u2028b\\u2029c\\x85"},
        {"\xE2\x80\xAEtnarg\xE2\x81\xA6", "\\u202etnarg\\u2066"},
        {"\xE2\x80\x9Cquoted\xE2\x80\x9D \xE2\x80", "\xE2\x80\x9Cquoted\xE2\x80\x9D \xE2\x80"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char *got = text_of(TONE_PLAIN, str_of(rows[i].text));
        assert_string_equal(got, rows[i].want);
        free(got);
    }
}

TEST(only_a_line_break_of_ours_breaks_a_line)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);
    term_printf(f, TONE_PLAIN, "name %s\n", "a\nb\n");
    term_cell(f, TONE_PLAIN, STR("c\nd"), 8);
    term_wrap(f, 0, STR("e\nf g"));
    fclose(f);
    assert_string_equal(text, "name a\\x0ab\\x0a\nc\\x0ad     e\\x0af g\n");
    free(text);
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

TESTS(T(control_characters_are_shown), T(only_a_line_break_of_ours_breaks_a_line), T(no_colour_without_a_terminal),
      T(wrapped_at_78), T(width_counts_characters))
