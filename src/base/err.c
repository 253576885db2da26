/* SPDX-License-Identifier: Apache-2.0
 * err.c - filling in a struct err.
 *
 * Owns the words for the result codes and the two ways a sentence is made: set, and prefixed with the file
 * or field it is about. Text that does not fit is cut at a whole UTF-8 character. Nothing here allocates,
 * logs or looks at errno; a NULL err is a caller who only wants the code. */
#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Ends text at n bytes or before, never in the middle of a UTF-8 character. */
static void cut_at_character(char *text, size_t n)
{
    size_t start = n;
    while (start > 0 && n - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
        start--;
    if (start > 0) {
        unsigned char lead = (unsigned char)text[start - 1];
        size_t want = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1;
        if (want > 1 && n - start + 1 < want)
            n = start - 1;
    }
    text[n] = '\0';
}

__attribute__((format(printf, 3, 0))) static void put_text(char *text, size_t room, const char *fmt, va_list ap)
{
    int n = vsnprintf(text, room, fmt, ap);
    if (n < 0)
        text[0] = '\0';
    else if ((size_t)n >= room)
        cut_at_character(text, room - 1);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
    if (e == NULL)
        return code;
    /* The arguments may point into e itself ("%s", e->text), so the new sentence is made aside. */
    char text[ERR_TEXT_MAX];
    va_list ap;
    va_start(ap, fmt);
    put_text(text, sizeof text, fmt, ap);
    va_end(ap);
    memcpy(e->text, text, strlen(text) + 1);
    e->code = code;
    return code;
}

int err_prefix(struct err *e, const char *fmt, ...)
{
    if (e == NULL)
        return WL_OK;
    char text[2 * ERR_TEXT_MAX + 2];
    va_list ap;
    va_start(ap, fmt);
    put_text(text, ERR_TEXT_MAX, fmt, ap);
    va_end(ap);
    size_t n = strlen(text);
    memcpy(text + n, ": ", 2);
    memcpy(text + n + 2, e->text, strlen(e->text) + 1);
    if (strlen(text) >= sizeof e->text)
        cut_at_character(text, sizeof e->text - 1);
    memcpy(e->text, text, strlen(text) + 1);
    return e->code;
}

const char *err_name(int code)
{
    static const char *const names[] = {
        "ok",       "out of memory",        "invalid input", "too big", "not found",
        "conflict", "input/output failure", "busy",          "denied",  "internal error",
    };
    if (code > 0 || code < WL_EBUG)
        return "unknown result";
    return names[-code];
}
