/* SPDX-License-Identifier: Apache-2.0
 * header_words.c - folds names for comparison.
 *
 * Two tables: the Latin letters U+00C0 to U+017F, and the ranges of those of Vietnamese. */
#include "core/header_words.h"

/* ASCII for U+00C0 to U+017F, one letter each; '.' where there is none. */
static const char latin[] = "aaaaaaaceeeeiiiidnooooo.ouuuuypsaaaaaaaceeeeiiiidnooooo.ouuuuypy"
                            "aaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiiiiijjkkklllllll"
                            "lllnnnnnnnnnoooooooorrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzs";
_Static_assert(sizeof latin == 0x180 - 0xC0 + 1, "one letter for each");

static const struct {
    unsigned from, to;
    char letter;
} vietnamese[] = {{0x1EA0, 0x1EB7, 'a'}, {0x1EB8, 0x1EC7, 'e'}, {0x1EC8, 0x1ECB, 'i'}, {0x1ECC, 0x1EE3, 'o'},
                  {0x1EE4, 0x1EF1, 'u'}, {0x1EF2, 0x1EF9, 'y'}, {0x01A0, 0x01A1, 'o'}, {0x01AF, 0x01B0, 'u'}};

/* The character at p of at most n bytes; *ret_n is how long it is. Broken UTF-8 is a character that is none. */
static unsigned code_at(const char *p, size_t n, size_t *ret_n)
{
    unsigned char b = (unsigned char)p[0];
    size_t len = b < 0xC0 ? 1 : b < 0xE0 ? 2 : b < 0xF0 ? 3 : 4;
    unsigned code = len == 1 ? b : b & (0x7Fu >> len);
    *ret_n = 1;
    if (len > n || (b >= 0x80 && b < 0xC0))
        return 0;
    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)p[i] & 0x3Fu);
    *ret_n = len;
    return code;
}

static char latin_letter(unsigned code)
{
    if (code >= 0xC0 && code < 0x180)
        return latin[code - 0xC0];
    for (size_t i = 0; i < sizeof vietnamese / sizeof vietnamese[0]; i++)
        if (code >= vietnamese[i].from && code <= vietnamese[i].to)
            return vietnamese[i].letter;
    return '\0';
}

enum kind { GAP, LOWER, UPPER, DIGIT, OTHER, MARK };

static enum kind kind_of(unsigned code)
{
    if (code >= '0' && code <= '9')
        return DIGIT;
    if (code >= 'A' && code <= 'Z')
        return UPPER;
    if (code >= 'a' && code <= 'z')
        return LOWER;
    if (code >= 0x300 && code < 0x370)
        return MARK; /* an accent behind its letter */
    if (code < 0xC0 || code == 0xD7 || code == 0xF7 || (code >= 0x2000 && code < 0x2070) || code == 0x3000)
        return GAP;
    return OTHER;
}

struct folding {
    struct header_words *h;
    size_t room;
    enum kind before;
    bool in_word;
};

static bool put_byte(struct folding *f, char b, bool begins)
{
    struct header_words *h = f->h;
    if (!f->in_word || begins) {
        if (h->words == HEADER_WORDS)
            return false;
        if (h->words > 0)
            h->room[f->room++] = '\0';
        h->word[h->words++] = h->room + f->room;
        f->in_word = true;
    }
    if (h->n + 1 >= HEADER_BYTES)
        return false;
    h->whole[h->n++] = b;
    h->room[f->room++] = b;
    return true;
}

static bool put_other(struct folding *f, const char *p, size_t n, unsigned code)
{
    char letter = latin_letter(code), cyrillic[2];
    if (letter != '\0')
        return letter == '.' || put_byte(f, letter, false);
    if (code >= 0x410 && code < 0x430) { /* in lower case */
        code += 0x20;
        cyrillic[0] = (char)(0xC0 | code >> 6);
        cyrillic[1] = (char)(0x80 | (code & 0x3F));
        p = cyrillic;
    }
    for (size_t i = 0; i < n; i++)
        if (!put_byte(f, p[i], false))
            return false;
    return true;
}

static bool put(struct folding *f, const char *p, size_t n, unsigned code)
{
    enum kind kind = kind_of(code), before = f->before;
    if (kind == MARK)
        return true;
    f->before = kind;
    if (kind == GAP) {
        f->in_word = false;
        return true;
    }
    if (kind == DIGIT)
        return before == DIGIT || put_byte(f, '#', true);
    if (kind == OTHER)
        return put_other(f, p, n, code);
    char letter = kind == UPPER ? (char)(code + ('a' - 'A')) : (char)code;
    return put_byte(f, letter, before == DIGIT || (kind == UPPER && before == LOWER));
}

bool header_fold(struct str name, struct header_words *ret)
{
    struct folding f = {.h = ret, .before = GAP};
    memset(ret, 0, sizeof *ret);
    for (size_t i = 0, n; i < name.n; i += n) {
        unsigned code = code_at(name.p + i, name.n - i, &n);
        if (!put(&f, name.p + i, n, code))
            return false;
    }
    return ret->n > 0;
}

bool header_has(const struct header_words *h, const char *word)
{
    for (size_t i = 0; i < h->words; i++)
        if (strcmp(h->word[i], word) == 0)
            return true;
    return false;
}
