/* SPDX-License-Identifier: Apache-2.0
 * optout_fold.c - a text as words without case, accents and ornament, each with its place in the text.
 *
 * Everything Unicode knows about a character is asked once, when packs are compiled, and kept in a table: what it folds to
 * (NFKC_Casefold, accents taken off Latin, Greek, Cyrillic, Arabic and Hebrew letters, variants of Arabic letters made one) and what it
 * does to words. Cutting a text then needs no library. Letters of scripts without spaces, and Korean syllables, are words
 * by themselves, so that "수신 거부" and "수신거부" are the same. Links and addresses are one unknown word each. Emoji end a
 * sentence; they are words only in a text that has no others. Bytes that are no UTF-8 part words. */
#include <string.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utf16.h>

#include "core/optout_impl.h"

#define BMP        0x10000
#define EXPANDED   0xE000 /* the private use area, whose characters mean nothing here, numbers the expansions */
#define EXPANSIONS 0x1900
#define STYLED     0x1D400
#define STYLED_END 0x1D800
#define FOLDED     64
#define LINK_CHAR  0xFFFC
#define HORN       0x031B /* of Vietnamese letters, which are others without it, as their d is without its bar */

/* ---- the table ---- */

static const struct {
    uint16_t from, to;
} variants[] = {
    {0x0131, 'i'},    {0x00F8, 'o'},    {0x0142, 'l'},    {0x0649, 0x064A}, {0x06CC, 0x064A},
    {0x06D2, 0x064A}, {0x0629, 0x0647}, {0x06C1, 0x0647}, {0x06BE, 0x0647}, {0x06C3, 0x0647},
    {0x06A9, 0x0643}, {0x0901, 0x0902}, {0x03C2, 0x03C3},
};

/* Marks that may be left out in writing: accents, Hebrew points, Arabic vowels and the stretching line, Hindi's dot. */
static bool optional_mark(uint32_t c)
{
    return (c >= 0x0300 && c <= 0x036F && c != HORN) || (c >= 0x0591 && c <= 0x05C7) || (c >= 0x064B && c <= 0x065F) ||
           c == 0x0670 || c == 0x0640 || c == 0x093C;
}

static bool has_accents(uint32_t c)
{
    return (c >= 0xC0 && c < 0x0700) || (c >= 0x1E00 && c < 0x2000);
}

static uint32_t plain(uint32_t c)
{
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++)
        if (variants[i].from == c)
            return variants[i].to;
    if (c >= 0x0660 && c <= 0x0669)
        return '0' + (c - 0x0660);
    if (c >= 0x06F0 && c <= 0x06F9)
        return '0' + (c - 0x06F0);
    return c;
}

/* Folds one code point; returns how many it becomes, none when it is not seen or not needed. */
static size_t fold_char(uint32_t c, uint32_t ret[FOLDED])
{
    UErrorCode status = U_ZERO_ERROR;
    UChar one[2], folded[FOLDED], parts[FOLDED];
    int32_t n = 0, got, len = 0;
    size_t out = 0;
    U16_APPEND_UNSAFE(one, len, (UChar32)c);
    got = unorm2_normalize(unorm2_getNFKCCasefoldInstance(&status), one, len, folded, FOLDED, &status);
    if (U_FAILURE(status) || got > FOLDED)
        return 0;
    bool split = false;
    for (int32_t i = 0; i < got; i++)
        split = split || has_accents(folded[i]);
    if (split) {
        n = unorm2_normalize(unorm2_getNFDInstance(&status), folded, got, parts, FOLDED, &status);
        if (U_FAILURE(status) || n > FOLDED)
            return 0;
    } else {
        memcpy(parts, folded, sizeof parts);
        n = got;
    }
    for (int32_t i = 0; i < n;) {
        UChar32 p;
        U16_NEXT(parts, i, n, p);
        if (!optional_mark((uint32_t)p))
            ret[out++] = plain((uint32_t)p);
    }
    return out;
}

/* Thai and Lao, Myanmar, Khmer, kana, Han, Hangul, Han for compatibility, rare Han. */
static bool word_by_itself(uint32_t c)
{
    static const struct {
        uint32_t from, to;
    } ranges[] = {{0x0E00, 0x0EFF}, {0x1000, 0x109F}, {0x1780, 0x17FF}, {0x3040, 0x30FF},
                  {0x3400, 0x9FFF}, {0xAC00, 0xD7A3}, {0xF900, 0xFAFF}, {0x20000, 0x3FFFF}};
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++)
        if (c >= ranges[i].from && c <= ranges[i].to)
            return true;
    return false;
}

static const struct {
    uint8_t kind;
    const uint16_t *chars;
} signs[] = {
    {CHAR_APOSTROPHE,
     (const uint16_t[]){'\'', '`', 0xB4, 0x2018, 0x2019, 0x201B, 0x2BC, 0x2B9, 0x2032, 0xFF07, 0x5F3, 0}},
    {CHAR_END, (const uint16_t[]){'.',    '!',    '?',    ';',    '\n',   '\r',   0x2026, 0x3002, 0xFF01,
                                  0xFF1F, 0xFF0E, 0xFF1B, 0x61F,  0x61B,  0x6D4,  0x964,  0x965,  0x203C,
                                  0x2047, 0x2048, 0x2049, 0x203D, 0x2028, 0x2029, 0x37E,  0}},
    {CHAR_STAR, (const uint16_t[]){'*', 0}},
    {CHAR_COMMA, (const uint16_t[]){',', ':', '(', ')', '"', 0x2013, 0x2014, 0x201C, 0x201D, 0x201E, 0xAB, 0xBB, 0x3001,
                                    0x60C, 0xFF0C, 0xFF1A, 0x300C, 0x300D, 0}},
};

/* CHAR_GAP: it is none of the signs. */
static enum char_kind sign_kind(uint32_t c)
{
    for (size_t i = 0; i < sizeof signs / sizeof signs[0]; i++)
        for (const uint16_t *s = signs[i].chars; *s; s++)
            if (*s == c)
                return signs[i].kind;
    return CHAR_GAP;
}

static enum char_kind kind_of(uint32_t c)
{
    uint32_t type = U_MASK(u_charType((UChar32)c));
    enum char_kind sign = sign_kind(c);
    if (sign != CHAR_GAP)
        return sign;
    if (type & (U_GC_L_MASK | U_GC_MN_MASK | U_GC_MC_MASK | U_GC_ND_MASK))
        return word_by_itself(c) ? CHAR_ALONE : CHAR_LETTER;
    return type & U_GC_SO_MASK ? CHAR_SYMBOL : CHAR_GAP;
}

/* What c folds to: nothing, one character, or an expansion. */
static void table_folded(struct char_table *t, uint32_t c, const uint32_t *folded, size_t n)
{
    enum char_kind kind = n == 0 ? CHAR_NOTHING : folded[0] < BMP ? kind_of(folded[0]) : CHAR_GAP;
    t->kind[c] = (uint8_t)kind;
    t->to[c] = (uint16_t)(n == 0 ? 0 : folded[0]);
    if (n < 2 || n > EXPAND_MAX || kind != CHAR_LETTER || t->n_more == EXPANSIONS)
        return;
    for (size_t i = 0; i < n; i++)
        t->more[t->n_more][i] = folded[i];
    t->to[c] = (uint16_t)(EXPANDED + t->n_more++);
}

static void table_char(struct char_table *t, uint32_t c)
{
    uint32_t folded[FOLDED];
    bool private = c >= EXPANDED && c < EXPANDED + EXPANSIONS;
    t->to[c] = (uint16_t)c;
    t->kind[c] = (uint8_t)(private ? CHAR_GAP : kind_of(c));
    if (private || sign_kind(c) != CHAR_GAP)
        return;
    size_t n = fold_char(c, folded);
    if (n != 1 || folded[0] != c)
        table_folded(t, c, folded, n);
}

int chars_build(struct char_table *t, struct arena *a, struct err *e)
{
    t->to = arena_new_array(a, uint16_t, BMP);
    t->kind = arena_new_array(a, uint8_t, BMP);
    t->more = arena_array(a, EXPANSIONS, sizeof *t->more);
    t->styled = arena_new_array(a, uint8_t, STYLED_END - STYLED);
    if (t->to == NULL || t->kind == NULL || t->more == NULL || t->styled == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    for (uint32_t c = 0; c < BMP; c++)
        if (c < 0xD800 || c > 0xDFFF)
            table_char(t, c);
    for (uint32_t c = STYLED; c < STYLED_END; c++) {
        uint32_t folded[FOLDED];
        if (fold_char(c, folded) == 1 && folded[0] < 0x80)
            t->styled[c - STYLED] = (uint8_t)folded[0];
    }
    return 0;
}

/* Beyond the table: styled and boxed letters, emoji, rare scripts. */
static enum char_kind far_char(const struct char_table *t, uint32_t c, uint32_t *ret)
{
    *ret = c;
    if (c >= STYLED && c < STYLED_END && t->styled[c - STYLED] != 0)
        *ret = t->styled[c - STYLED];
    else if (c >= 0x1F130 && c <= 0x1F189 && (c - 0x1F130) % 0x20 < 26)
        *ret = 'a' + (c - 0x1F130) % 0x20;
    else if (c >= 0x20000 && c <= 0x3FFFF)
        return CHAR_ALONE;
    else if ((c >= 0x1F3FB && c <= 0x1F3FF) || c >= 0xE0000)
        return CHAR_NOTHING;
    else if (c >= 0x1D000)
        return CHAR_SYMBOL;
    return CHAR_LETTER;
}

/* ---- cutting ---- */

struct cutter {
    const struct char_table *table;
    struct str text;
    size_t i;    /* next byte */
    bool open;   /* the last token may still grow */
    bool starts; /* the next token begins a sentence */
    bool comma;  /* one stands before it */
    bool links;  /* there may be some */
    bool words;  /* there is a token that is no symbol */
    struct tokens *t;
};

/* The code point of n bytes at p; U+FFFD when they are none. */
static uint32_t decode(const unsigned char *p, size_t n)
{
    static const uint8_t lead[] = {0, 0, 0x1F, 0x0F, 0x07};
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t c = p[0] & lead[n];
    for (size_t k = 1; k < n; k++) {
        if ((p[k] & 0xC0) != 0x80)
            return 0xFFFD;
        c = c << 6 | (p[k] & 0x3Fu);
    }
    return c < least[n] || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF) ? 0xFFFD : c;
}

/* The code point at *i, which moves behind it; U+FFFD for a byte that is no UTF-8. */
static uint32_t next_char(struct str s, size_t *i)
{
    const unsigned char *p = (const unsigned char *)s.p + *i;
    size_t n = p[0] >= 0xF0 ? 4 : p[0] >= 0xE0 ? 3 : p[0] >= 0xC0 ? 2 : 1;
    uint32_t c = p[0] < 0x80 ? p[0] : 0xFFFD;
    if (n > 1 && n <= s.n - *i && p[0] < 0xF8)
        c = decode(p, n);
    *i += c == 0xFFFD ? 1 : n;
    return c;
}

static bool ascii_alnum(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static struct token *open_token(struct cutter *k, size_t from)
{
    struct tokens *t = k->t;
    if (k->open)
        return &t->token[t->n - 1];
    if (t->n == TOKENS_MAX || t->n_chars + WORD_CHARS > sizeof t->chars / sizeof t->chars[0])
        return NULL;
    t->token[t->n] =
        (struct token){.chars = (uint32_t)t->n_chars, .from = (uint16_t)from, .starts = k->starts, .comma = k->comma};
    k->starts = k->comma = false;
    k->open = true;
    return &t->token[t->n++];
}

static void close_token(struct cutter *k)
{
    if (!k->open)
        return;
    struct tokens *t = k->t;
    struct token *w = &t->token[t->n - 1];
    size_t letters = 0;
    for (size_t i = 0; i < w->n; i++)
        letters += t->chars[w->chars + i] != '*';
    while (letters > 2 && t->chars[w->chars + w->n - 1] == '*')
        w->n--;
    t->n_chars = w->chars + w->n;
    k->open = false;
}

static void add(struct cutter *k, size_t from, uint32_t c)
{
    struct token *w = open_token(k, from);
    if (w == NULL)
        return;
    if (w->n < WORD_CHARS)
        k->t->chars[k->t->n_chars++] = c, w->n++;
    w->to = (uint16_t)k->i;
    k->words = true;
}

static void add_alone(struct cutter *k, size_t from, uint32_t c, bool symbol)
{
    bool words = k->words;
    close_token(k);
    add(k, from, c);
    if (k->open) {
        k->t->token[k->t->n - 1].alone = true;
        k->t->token[k->t->n - 1].symbol = symbol;
    }
    k->words = words || !symbol;
    close_token(k);
}

/* A run without spaces: where the first dot, slash and @ are that a link or an address would have; 0: nowhere. */
struct run {
    size_t end, dot, slash, at;
};

static void look_at(const char *p, size_t i, const struct str *s, struct run *r)
{
    bool inside = i + 1 < s->n && ascii_alnum(p[i + 1]);
    if (p[i] == '.' && inside && r->dot == 0)
        r->dot = i;
    if (p[i] == '@' && inside && r->at == 0)
        r->at = i;
    if (p[i] == '/' && i + 1 < s->n && (p[i + 1] == '/' || r->dot != 0))
        r->slash = i;
}

/* At the beginning of a run without spaces: whether it is a link or an address, which is taken then. */
static bool take_link(struct cutter *k)
{
    struct str s = k->text;
    struct run r = {.end = k->i};
    for (; r.end < s.n && (unsigned char)s.p[r.end] > ' '; r.end++)
        if (r.end > k->i)
            look_at(s.p, r.end, &s, &r);
    bool www = r.end - k->i > 4 && str_ieq((struct str){s.p + k->i, 4}, STR("www."));
    if (!r.slash && !www && !(r.at && r.dot > r.at))
        return false;
    size_t from = k->i;
    k->i = r.end;
    add_alone(k, from, LINK_CHAR, false);
    return true;
}

/* A full stop in "S.T.O.P" or "3.50" ends nothing. */
static bool inner_dot(const struct cutter *k)
{
    const struct tokens *t = k->t;
    if (!k->open || k->i >= k->text.n || !ascii_alnum(k->text.p[k->i]))
        return false;
    const struct token *w = &t->token[t->n - 1];
    uint32_t last = t->chars[w->chars + w->n - 1];
    return w->n == 1 || (last >= '0' && last <= '9' && k->text.p[k->i] <= '9');
}

/* "stop - thanks" */
static bool dash_between(const struct cutter *k, size_t at)
{
    return at > 0 && k->text.p[at - 1] == ' ' && k->i < k->text.n && k->text.p[k->i] == ' ';
}

static void take_star(struct cutter *k, size_t from)
{
    char next = k->i < k->text.n ? k->text.p[k->i] : ' ';
    const struct tokens *t = k->t;
    bool inside = k->open && (next == '*' || ascii_alnum(next) || t->chars[t->n_chars - 1] == '*');
    if (inside)
        add(k, from, '*');
    else
        close_token(k);
}

static void take_letter(struct cutter *k, size_t from, uint32_t folded)
{
    if (folded < EXPANDED || folded >= EXPANDED + k->table->n_more) {
        add(k, from, folded);
        return;
    }
    const uint32_t *more = k->table->more[folded - EXPANDED];
    for (size_t i = 0; i < EXPAND_MAX && more[i] != 0; i++)
        add(k, from, more[i]);
}

static void take_char(struct cutter *k)
{
    size_t from = k->i;
    uint32_t c = next_char(k->text, &k->i), folded = c;
    enum char_kind kind = c < BMP ? (folded = k->table->to[c], k->table->kind[c]) : far_char(k->table, c, &folded);
    switch (kind) {
    case CHAR_LETTER:
        take_letter(k, from, folded);
        break;
    case CHAR_ALONE:
        add_alone(k, from, folded, false);
        break;
    case CHAR_SYMBOL:
        k->starts = true;
        add_alone(k, from, folded, true);
        k->starts = true;
        break;
    case CHAR_STAR:
        take_star(k, from);
        break;
    case CHAR_END:
        k->starts = k->starts || !(c == '.' && inner_dot(k));
        close_token(k);
        break;
    case CHAR_COMMA:
        k->comma = true;
        close_token(k);
        break;
    case CHAR_GAP:
        k->comma = k->comma || (c == '-' && dash_between(k, from));
        close_token(k);
        break;
    case CHAR_NOTHING:
    case CHAR_APOSTROPHE:
        break;
    }
}

/* Emoji go where there are words; sentences are what begins with `starts`. */
static void make_sentences(struct cutter *k)
{
    struct tokens *t = k->t;
    size_t n = 0;
    bool starts = true;
    for (size_t i = 0; i < t->n; i++) {
        starts = starts || t->token[i].starts;
        if (t->token[i].symbol && k->words)
            continue;
        t->token[n] = t->token[i];
        if (starts)
            t->sentence[t->n_sentences++].first = (uint16_t)n;
        starts = false;
        t->sentence[t->n_sentences - 1].end = (uint16_t)++n;
    }
    t->n = n;
}

void tokens_cut(const struct char_table *table, struct str text, struct tokens *ret)
{
    struct cutter k = {.table = table, .text = text, .t = ret, .starts = true};
    ret->n = ret->n_chars = ret->n_sentences = 0;
    if (k.text.n > OPTOUT_TEXT_MAX)
        k.text.n = OPTOUT_TEXT_MAX;
    k.links = k.text.n > 0 &&
              (memchr(k.text.p, '/', k.text.n) || memchr(k.text.p, '@', k.text.n) || memchr(k.text.p, '.', k.text.n));
    while (k.i < k.text.n) {
        bool begins = k.i == 0 || (unsigned char)k.text.p[k.i - 1] <= ' ';
        if (!(k.links && begins && ascii_alnum(k.text.p[k.i]) && take_link(&k)))
            take_char(&k);
    }
    close_token(&k);
    make_sentences(&k);
}
