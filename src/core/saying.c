/* SPDX-License-Identifier: Apache-2.0
 * saying.c - the placeholders of texts that the gateway says by itself.
 *
 * One that nobody fills would be read by a customer as it stands, so a text with one is refused where it is read. What looks
 * like a placeholder is a word in braces; other braces are the text's own. */
#include "core/saying.h"

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
           c == '.' || c == ' ';
}

/* "{name}" at the front; 0 bytes when there is none. */
static size_t placeholder(struct str s)
{
    size_t n = 1;
    while (n < s.n && is_name(s.p[n]))
        n++;
    return s.p[0] == '{' && n > 1 && n < s.n && s.p[n] == '}' ? n + 1 : 0;
}

int saying_check(struct str text, struct err *e)
{
    for (size_t i = 0; i < text.n; i++) {
        size_t n = placeholder((struct str){text.p + i, text.n - i});
        if (n == 0 || str_eq((struct str){text.p + i, n}, STR(SAYING_BUSINESS)))
            continue;
        return err_set(e, WL_EINVAL, "must not have %.*s: the only placeholder is " SAYING_BUSINESS,
                       n > 40 ? 40 : (int)n, text.p + i);
    }
    return 0;
}
