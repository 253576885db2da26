/* SPDX-License-Identifier: Apache-2.0
 * term.c - colour, safe text, wrapped paragraphs and errors with a next step.
 *
 * Bytes below 0x20, DEL and the C1 controls (U+0080 to U+009F, also in their UTF-8 form) are written as \xNN: a line
 * break too, or a name could write lines of its own. So are the characters that break a line or turn its direction
 * elsewhere in Unicode (\u2028, \u202e). All else is passed on as it is: the terminal knows its own alphabet. Nothing here
 * is used for --json, which has its own escaping. */
#include "cmd/term.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cmd/command.h"

static const char *const tone_start[] = {"", "\033[1m", "\033[2m", "\033[32m", "\033[31m", "\033[33m"};

bool term_colour(FILE *out)
{
    const char *no = getenv("NO_COLOR");
    const char *term = getenv("TERM");
    return (no == NULL || *no == '\0') && (term == NULL || strcmp(term, "dumb") != 0) && isatty(fileno(out));
}

/* A line or paragraph separator, or a mark that turns the direction of what follows: three bytes in UTF-8. */
static bool turns(const char *p, size_t n)
{
    const unsigned char *u = (const unsigned char *)p;
    if (n < 3 || u[0] != 0xE2)
        return false;
    return (u[1] == 0x80 && u[2] >= 0xA8 && u[2] <= 0xAE) || (u[1] == 0x81 && u[2] >= 0xA6 && u[2] <= 0xA9);
}

static void plain(FILE *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        unsigned char next = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;
        if (c == 0xC2 && next >= 0x80 && next <= 0x9F) {
            fprintf(out, "\\x%02x", next);
            i++;
        } else if (turns(s.p + i, s.n - i)) {
            fprintf(out, "\\u20%02x", ((next & 3) << 6) + ((unsigned char)s.p[i + 2] & 0x3F));
            i += 2;
        } else if (c < 0x20 || c == 0x7F) {
            fprintf(out, "\\x%02x", c);
        } else {
            fputc(c, out);
        }
    }
}

void term_text(FILE *out, enum tone tone, struct str s)
{
    bool paint = tone != TONE_PLAIN && term_colour(out);
    if (paint)
        fputs(tone_start[tone], out);
    plain(out, s);
    if (paint)
        fputs("\033[0m", out);
}

void term_printf(FILE *out, enum tone tone, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    const char *at = strrchr(fmt, '\n');
    bool ends = at != NULL && at[1] == '\0'; /* the one line break that is ours */
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    struct str whole = str_of(text);
    if (ends && whole.n > 0 && whole.p[whole.n - 1] == '\n')
        whole.n--;
    term_text(out, tone, whole);
    if (ends)
        fputc('\n', out);
}

size_t term_width(struct str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.n; i++)
        n += ((unsigned char)s.p[i] & 0xC0) != 0x80;
    return n;
}

void term_cell(FILE *out, enum tone tone, struct str s, int width)
{
    term_text(out, tone, s);
    for (size_t n = term_width(s); n < (size_t)width; n++)
        fputc(' ', out);
}

void term_wrap(FILE *out, int indent, struct str s)
{
    size_t column = (size_t)indent;
    bool first = true;
    while (s.n > 0) {
        struct str rest, word = str_cut(s, ' ', &rest);
        size_t width = term_width(word);
        if (!first && column + 1 + width > 78) {
            fprintf(out, "\n%*s", indent, "");
            column = (size_t)indent;
            first = true;
        }
        if (!first)
            fputc(' ', out);
        plain(out, word);
        column += width + !first;
        first = false;
        s = rest;
    }
    fputc('\n', out);
}

void term_paragraphs(FILE *out, int indent, struct str s)
{
    bool first = true;
    do {
        struct str rest, line = str_cut(s, '\n', &rest);
        if (!first && line.n > 0)
            fprintf(out, "%*s", indent, "");
        if (line.n > 0 && line.p[line.n - 1] == '\r')
            line.n--;
        term_wrap(out, indent, line);
        first = false;
        s = rest;
    } while (s.n > 0);
}

int cmd_fail(int code, const char *next, const char *fmt, ...)
{
    char text[1024];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    fflush(stdout);
    term_text(stderr, TONE_BAD, STR("wayleave:"));
    fputc(' ', stderr);
    plain(stderr, str_of(text));
    fputc('\n', stderr);
    if (next) {
        fputs("  next: ", stderr);
        plain(stderr, str_of(next));
        fputc('\n', stderr);
    }
    return code;
}

int cmd_print_json(const struct buf *b)
{
    if (b->failed)
        return cmd_fail(CMD_FAILED, NULL, "the answer is too large to print");
    fwrite(buf_cstr(b), 1, b->len, stdout);
    fputc('\n', stdout);
    return CMD_OK;
}

int cmd_finish(int code)
{
    bool told = code == CMD_OK || code == CMD_REFUSED || code == CMD_PARTIAL ||
                code == CMD_DOUBT; /* also a verdict of decide */
    if ((fflush(stdout) != 0 || ferror(stdout)) && told)
        return cmd_fail(CMD_FAILED, NULL, "standard output could not be written");
    return code;
}
