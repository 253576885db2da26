/* SPDX-License-Identifier: Apache-2.0
 * test_log.c - a log line is one line whatever it is given, obeys the level, keeps errno, and a masked number
 * can't be dialled. Standard error is replaced by a pipe while a line is written. */
#include "base/log.h"

#include <errno.h>
#include <unistd.h>

#include "t.h"

static char line[8192];

/* Writes one line through a pipe and leaves it in `line`; returns its length. */
static size_t capture(enum log_level level, const char *text)
{
    int ends[2], kept = dup(STDERR_FILENO);
    assert_int_equal(pipe(ends), 0);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    errno = ENOTTY;
    log_write(level, "test", "%s", text);
    int after = errno;
    dup2(kept, STDERR_FILENO);
    close(kept);
    ssize_t n = read(ends[0], line, sizeof line - 1);
    close(ends[0]);
    assert_true(n >= 0);
    assert_int_equal(after, ENOTTY);
    line[n] = '\0';
    return (size_t)n;
}

TEST(a_line_is_a_line)
{
    capture(LOG_WARN_LEVEL, "hello é");
    assert_non_null(strstr(line, "Z WARN test: hello é\n"));
    capture(LOG_ERROR_LEVEL, "a\nERROR test: forged\r\033[2J\x7f");
    assert_non_null(strstr(line, "a?ERROR test: forged??[2J?\n"));
    assert_ptr_equal(strchr(line, '\n'), line + strlen(line) - 1);
}

TEST(a_long_line_is_cut)
{
    static char text[20000];
    memset(text, 'x', sizeof text - 1);
    size_t n = capture(LOG_ERROR_LEVEL, text);
    assert_true(n > 3900 && n <= 4096);
    assert_int_equal(line[n - 1], '\n');
}

TEST(the_level_is_obeyed)
{
    assert_int_equal(capture(LOG_DEBUG_LEVEL, "quiet"), 0);
    log_set_level(LOG_DEBUG_LEVEL);
    assert_true(capture(LOG_DEBUG_LEVEL, "loud") > 0);
    log_set_level(LOG_ERROR_LEVEL);
    assert_int_equal(capture(LOG_WARN_LEVEL, "quiet"), 0);
    log_set_level(LOG_INFO_LEVEL);
}

TEST(masks)
{
    static const struct {
        const char *number, *want;
    } rows[] = {
        {"+5511987654377", "+55…77"},
        {"5511987654377", "55…77"},
        {"12345678", "12…78"},
        {"1234567", "…"},
        {"+1234567", "+…"},
        {"", "…"},
        {"+", "+…"},
        {"\n\xC3\xA9 4567890\n", "??…0?"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char out[LOG_MASK];
        assert_string_equal(log_mask(str_of(rows[i].number), out), rows[i].want);
    }
    char out[LOG_MASK];
    assert_string_equal(log_mask((struct str){NULL, 0}, out), "…");
}

TESTS(T(a_line_is_a_line), T(a_long_line_is_cut), T(the_level_is_obeyed), T(masks))
