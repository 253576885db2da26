/* SPDX-License-Identifier: Apache-2.0
 * phone_number_text.c - the digits of a phone number in any text, as libphonenumber's C++ finds them.
 *
 * Works on characters, each classified once. The text is cut to what may be a number (from the first plus or digit to the last letter,
 * number or "#", without a second number behind "/x"), or put together out of a tel: link whose context names the country. What remains
 * must look like a number as a whole: three digits with punctuation between them, then letters too, then perhaps an extension. The
 * library says this with regular expressions; all of them read here from the end, where an extension's digits are, and from the
 * beginning, and never go back. Letters count as keys of a telephone once there are three.
 *
 * Its C++ refuses texts that are not clean UTF-8 (control characters and noncharacters included), except behind a ";phone-context=". */
#include <string.h>
#include <uchar.h>
#include <unicode/uchar.h>
#include <unicode/utf8.h>

#include "core/phone_number_impl.h"

#define VIABLE_DIGITS  3
#define LETTERS_ENOUGH 3 /* from here on letters are digits */
#define NO_DIGIT       0xff

enum { /* what a character may be */
       C_DIGIT = 1,
       C_BETWEEN = 2, /* punctuation of numbers, and the star */
       C_LETTER = 4,  /* a-z, and the two others that fold to them */
       C_PLUS = 8,
       C_SPACE = 16, /* of extensions: blank, no-break space, tab */
       C_ENDING = 32 /* may end a number: \p{N} \p{L} # */
};

struct character {
    uint32_t code;
    uint16_t at; /* byte of the text */
    uint8_t is;
    uint8_t digit; /* 0 to 9 or NO_DIGIT */
};

struct spelled {
    struct character c[PHONE_TEXT_MAX];
    size_t n;
};

/* ---- characters ---- */

static const struct range {
    uint32_t first, last;
} between[] = {
    /* beyond ASCII */
    {0x00a0, 0x00a0}, {0x00ad, 0x00ad}, {0x200b, 0x200b}, {0x2010, 0x2015}, {0x2053, 0x2053},
    {0x2060, 0x2060}, {0x2212, 0x2212}, {0x223c, 0x223c}, {0x3000, 0x3000}, {0x30fc, 0x30fc},
    {0xff08, 0xff09}, {0xff0d, 0xff0f}, {0xff3b, 0xff3b}, {0xff3d, 0xff3d},
};

static const uint8_t ascii_signs[128] = {
    [' '] = C_BETWEEN | C_SPACE,
    ['-'] = C_BETWEEN,
    ['('] = C_BETWEEN,
    [')'] = C_BETWEEN,
    ['.'] = C_BETWEEN,
    ['['] = C_BETWEEN,
    [']'] = C_BETWEEN,
    ['/'] = C_BETWEEN,
    ['~'] = C_BETWEEN,
    ['*'] = C_BETWEEN,
    ['\t'] = C_SPACE,
    ['+'] = C_PLUS,
    ['#'] = C_ENDING,
};

static uint8_t ascii_is(uint32_t c)
{
    uint32_t low = c | 0x20;
    if (c >= '0' && c <= '9')
        return C_DIGIT | C_ENDING;
    if (low < 'a' || low > 'z')
        return ascii_signs[c];
    return low == 'x' ? C_LETTER | C_ENDING | C_BETWEEN : C_LETTER | C_ENDING;
}

/* General category by the version of Unicode that the tables state: a newer library knows characters that were none then. */
static uint32_t category(const struct phone_data *d, uint32_t c)
{
    UVersionInfo age;
    u_charAge((UChar32)c, age);
    return age[0] > d->head->unicode ? U_MASK(U_UNASSIGNED) : U_MASK(u_charType((UChar32)c));
}

static uint8_t other_is(const struct phone_data *d, uint32_t c)
{
    uint32_t kind = category(d, c);
    unsigned is = kind & (U_GC_N_MASK | U_GC_L_MASK) ? C_ENDING : 0;
    if (kind & U_GC_ND_MASK)
        return C_DIGIT | C_ENDING;
    for (size_t i = 0; i < sizeof between / sizeof between[0]; i++)
        if (c >= between[i].first && c <= between[i].last)
            is |= C_BETWEEN;
    if (c == 0x017f || c == 0x212a) /* long s, Kelvin */
        is |= C_LETTER;
    return (uint8_t)(is | (c == 0xff0b ? C_PLUS : 0) | (c == 0x00a0 ? C_SPACE : 0));
}

static struct character character(const struct phone_data *d, uint32_t code, size_t at)
{
    uint8_t is = code < 0x80 ? ascii_is(code) : other_is(d, code), digit = NO_DIGIT;
    if (is & C_DIGIT)
        digit = (uint8_t)(code < 0x80 ? code - '0' : (uint32_t)u_charDigitValue((UChar32)code));
    return (struct character){code, (uint16_t)at, is, digit};
}

/* Whether programs may hand the character to one another. */
static bool clean(uint32_t c)
{
    if (c < 0x20)
        return c == '\t' || c == '\n' || c == '\f' || c == '\r';
    return !(c >= 0x7f && c <= 0x9f) && !(c >= 0xfdd0 && c <= 0xfdef) && (c & 0xfffe) != 0xfffe;
}

/* Appends the text's bytes from..to; false where they are no clean UTF-8. */
static bool spell(const struct phone_data *d, struct str text, size_t from, size_t to, struct spelled *s)
{
    const uint8_t *p = (const uint8_t *)text.p;
    for (size_t i = from; i < to;) {
        size_t at = i;
        UChar32 c;
        U8_NEXT(p, i, to, c);
        if (c < 0 || !clean((uint32_t)c))
            return false;
        s->c[s->n++] = character(d, (uint32_t)c, at);
    }
    return true;
}

/* ---- cutting the number out ---- */

static bool ends_line(uint32_t c)
{
    return (c >= '\n' && c <= '\r') || c == 0x85 || c == 0x2028 || c == 0x2029;
}

/* Whether a second number is announced at i: "/x", "\ x". */
static bool announces(const struct spelled *s, size_t i)
{
    if (s->c[i].code != '/' && s->c[i].code != '\\')
        return false;
    do
        i++;
    while (i < s->n && s->c[i].code == ' ');
    return i < s->n && s->c[i].code == 'x';
}

static void slice(struct spelled *s, size_t from, size_t to)
{
    memmove(s->c, s->c + from, (to - from) * sizeof s->c[0]);
    s->n = to - from;
}

/* Of the first line that announces a second number, what is before the last announcement. */
static void cut_second_number(struct spelled *s)
{
    size_t line = 0, cut = s->n;
    for (size_t i = 0; i < s->n; i++) {
        if (announces(s, i))
            cut = i;
        if (!ends_line(s->c[i].code))
            continue;
        if (cut < s->n)
            break;
        line = i + 1;
    }
    if (cut < s->n)
        slice(s, line, cut);
}

static void cut_out(struct spelled *s)
{
    size_t from = 0, to = s->n;
    while (from < to && !(s->c[from].is & (C_PLUS | C_DIGIT)))
        from++;
    while (to > from && !(s->c[to - 1].is & C_ENDING))
        to--;
    slice(s, from, to);
    cut_second_number(s);
}

static size_t find(struct str text, const char *word)
{
    const char *p = text.n ? memmem(text.p, text.n, word, strlen(word)) : NULL;
    return p ? (size_t)(p - text.p) : text.n;
}

static bool is_word_at(const struct spelled *s, size_t at, const char *word)
{
    for (; *word; word++, at++)
        if (at >= s->n || s->c[at].code != (uint32_t)*word)
            return false;
    return true;
}

static void cut_subaddress(struct spelled *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (is_word_at(s, i, ";isub="))
            s->n = i;
}

/* ---- tel: links with a context ---- */

static bool letter_or_digit(const struct character *c)
{
    return c->is & C_DIGIT || (c->code < 0x80 && c->is & C_LETTER);
}

/* "+1-650": a plus, digits of any script, separators. */
static bool global_digits(const struct spelled *s)
{
    bool any = false;
    for (size_t i = 1; i < s->n; i++) {
        if (s->c[i].is & C_DIGIT)
            any = true;
        else if (s->c[i].code == 0 || s->c[i].code > 0x7f || !strchr("-.()", (int)s->c[i].code))
            return false;
    }
    return any && s->c[0].code == '+';
}

/* "example.com.": labels begin and end with a letter or digit, the last one begins with a letter. */
static bool domain_name(const struct spelled *s)
{
    size_t n = s->n > 0 && s->c[s->n - 1].code == '.' ? s->n - 1 : s->n, label = 0;
    for (size_t i = 0; i <= n; i++) {
        if (i < n && s->c[i].code != '.') {
            if (!letter_or_digit(&s->c[i]) && s->c[i].code != '-')
                return false;
            continue;
        }
        if (i == label || !letter_or_digit(&s->c[label]) || !letter_or_digit(&s->c[i - 1]))
            return false;
        if (i == n && s->c[label].is & C_DIGIT)
            return false;
        label = i + 1;
    }
    return n > 0;
}

/* The number of a link, behind its context where that begins with a plus. `context` is where ";phone-context=" stands. */
static bool put_together(const struct phone_data *d, struct str text, size_t context, struct spelled *s)
{
    size_t from = context + strlen(";phone-context="), to = from;
    while (to < text.n && text.p[to] != ';')
        to++;
    s->n = 0;
    if (!spell(d, text, from, to, s) || s->n == 0 || !(global_digits(s) || domain_name(s)))
        return false;
    if (s->c[0].code != '+')
        s->n = 0;
    size_t tel = find(text, "tel:"), start = tel < text.n ? tel + 4 : 0, end = start <= context ? context : text.n;
    struct str number = {text.p + start, end - start};
    return spell(d, text, start, start + find(number, ";isub="), s);
}

/* ---- extensions ---- */

static uint32_t folded(const struct spelled *s, size_t at, size_t n)
{
    uint32_t c = at < n ? s->c[at].code : 0;
    if (c < 0x80)
        return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
    return (uint32_t)u_foldCase((UChar32)c, U_FOLD_CASE_DEFAULT);
}

/* The place behind the word, or `at` where it does not stand there. */
static size_t past(const struct spelled *s, size_t at, size_t n, const char16_t *word)
{
    size_t i = at;
    for (; *word; word++, i++)
        if (folded(s, i, n) != *word)
            return at;
    return i;
}

/* "ext", "xtn", "extensión": e?xt(ensi(o|ó))?n? with ó in one character or two. */
static size_t past_extension(const struct spelled *s, size_t at, size_t n)
{
    size_t i = past(s, at, n, u"e"), x = past(s, i, n, u"xt");
    if (x == i)
        return at;
    size_t ensi = past(s, x, n, u"ensi"), o = past(s, ensi, n, u"o");
    if (ensi > x && o > ensi)
        x = past(s, o, n, u"\u0301");
    else if (ensi > x)
        x = past(s, ensi, n, u"\u00f3") > ensi ? ensi + 1 : x;
    return past(s, x, n, u"n");
}

static size_t past_wide_extension(const struct spelled *s, size_t at, size_t n)
{
    size_t i = past(s, at, n, u"\uff45"), x = past(s, i, n, u"\uff58\uff54");
    return x > i ? past(s, x, n, u"\uff4e") : at;
}

/* Words that can mean nothing but an extension. */
static size_t past_label(const struct spelled *s, size_t at, size_t n)
{
    size_t i = past_extension(s, at, n);
    if (i == at)
        i = past_wide_extension(s, at, n);
    if (i == at)
        i = past(s, at, n, u"\u0434\u043e\u0431");
    return i > at ? i : past(s, at, n, u"anexo");
}

/* Words and signs that often do. */
static size_t past_sign(const struct spelled *s, size_t at, size_t n)
{
    static const char16_t *const signs[] = {u"x", u"\uff58", u"#",   u"\uff03",
                                            u"~", u"\uff5e", u"int", u"\uff49\uff4e\uff54"};
    size_t i = at;
    for (size_t k = 0; i == at && k < sizeof signs / sizeof signs[0]; k++)
        i = past(s, at, n, signs[k]);
    return i;
}

static size_t past_two_commas(const struct spelled *s, size_t at, size_t n)
{
    size_t i = past(s, at, n, u",,");
    return i > at ? i : past(s, at, n, u";");
}

static size_t past_commas(const struct spelled *s, size_t at, size_t n)
{
    while (at < n && s->c[at].code == ',')
        at++;
    return at;
}

/* How an extension may be announced; the digits behind it, and whether a "#" may end it. */
static const struct announcement {
    size_t (*past)(const struct spelled *, size_t, size_t);
    bool commas; /* may stand before it too */
    size_t digits;
} announcements[] = {
    {past_label, true, 20},
    {past_sign, true, 9},
    {past_two_commas, false, 15},
    {past_commas, false, 9},
};

/* The characters of a number that are looked at as an extension. */
struct tail {
    const struct spelled *s;
    size_t n;           /* characters */
    size_t digits, len; /* where the last run of digits begins, how many there are */
    bool hash;          /* "#" behind them */
};

/* False where the text does not end with digits. */
static bool tail_of(const struct spelled *s, size_t n, struct tail *ret)
{
    ret->s = s;
    ret->n = n;
    ret->hash = n > 0 && s->c[n - 1].code == '#';
    size_t end = n - ret->hash, i = end;
    while (i > 0 && s->c[i - 1].is & C_DIGIT)
        i--;
    ret->digits = i;
    ret->len = end - i;
    return ret->len > 0;
}

static bool announced(const struct tail *t, size_t at, const struct announcement *a)
{
    const struct character *c = t->s->c;
    while (at < t->digits && (c[at].is & C_SPACE || (a->commas && c[at].code == ',')))
        at++;
    size_t i = a->past(t->s, at, t->digits);
    if (i == at || t->len > a->digits)
        return false;
    if (i < t->digits && (c[i].code == ':' || c[i].code == '.' || c[i].code == 0xff0e))
        i++;
    while (i < t->digits && (c[i].is & C_SPACE || c[i].code == ',' || c[i].code == '-'))
        i++;
    return i == t->digits;
}

/* "- 503#" */
static bool american(const struct tail *t, size_t at)
{
    size_t i = at;
    while (i < t->digits && (t->s->c[i].code == ' ' || t->s->c[i].code == '-'))
        i++;
    return t->hash && t->len <= 6 && i == t->digits && i > at;
}

/* Whether all from `at` on is an extension. */
static bool extension_at(const struct tail *t, size_t at)
{
    if (!t->hash && t->len <= 20 && past(t->s, at, t->digits, u";ext=") == t->digits && at < t->digits)
        return true;
    for (size_t k = 0; k < sizeof announcements / sizeof announcements[0]; k++)
        if (announced(t, at, &announcements[k]))
            return true;
    return american(t, at);
}

/* Where an extension can begin at the earliest: behind the last digit before its own. */
static size_t earliest(const struct tail *t)
{
    size_t i = t->digits;
    while (i > 0 && !(t->s->c[i - 1].is & C_DIGIT))
        i--;
    return i;
}

/* ---- does it look like a number ---- */

/* How far from i on characters are of those kinds; with a limit, behind that many digits at the latest. *ret_digits: how many were met. */
static size_t past_kinds(const struct spelled *s, size_t i, size_t n, unsigned kinds, size_t limit, size_t *ret_digits)
{
    for (*ret_digits = 0; i < n && s->c[i].is & kinds && *ret_digits < limit; i++)
        *ret_digits += s->c[i].is & C_DIGIT;
    return i;
}

/* Whether one of the places from..to begins an extension that reaches to the end. */
static bool ends_with_extension(const struct spelled *s, size_t n, size_t from, size_t to)
{
    struct tail t;
    if (!tail_of(s, n, &t))
        return false;
    size_t first = earliest(&t);
    for (size_t at = first > from ? first : from; at <= to && at < t.digits; at++)
        if (extension_at(&t, at))
            return true;
    return false;
}

/* The first n characters: plus signs, three digits with punctuation, then anything a number may hold, then perhaps an extension. */
static bool viable(const struct spelled *s, size_t n)
{
    size_t digits, more;
    if (n == 2 && s->c[0].is & s->c[1].is & C_DIGIT)
        return true;
    size_t i = past_kinds(s, 0, n, C_PLUS, n, &digits);
    size_t body = past_kinds(s, i, n, C_BETWEEN | C_DIGIT, VIABLE_DIGITS, &digits);
    if (digits < VIABLE_DIGITS)
        return false;
    size_t end = past_kinds(s, body, n, C_BETWEEN | C_DIGIT | C_LETTER, n, &more);
    return end == n || ends_with_extension(s, n, body, end);
}

/* Takes the extension off the end, if what is before it looks like a number by itself. */
static void take_extension(struct spelled *s, struct phone_number *ret)
{
    struct tail t;
    if (!tail_of(s, s->n, &t))
        return;
    size_t at = earliest(&t);
    while (at < t.digits && !extension_at(&t, at))
        at++;
    if (at == t.digits || !viable(s, at))
        return;
    const struct character *first = &s->c[t.digits];
    size_t bytes = 0;
    for (size_t i = 0; i < t.len && first[i].at == first->at + bytes; i++)
        bytes += (size_t)U8_LENGTH(first[i].code);
    if (first[t.len - 1].at + (size_t)U8_LENGTH(first[t.len - 1].code) == first->at + bytes) {
        ret->ext_at = first->at;
        ret->ext_len = (uint16_t)bytes;
    } /* else its digits stand on both sides of the context */
    s->n = at;
}

/* ---- digits ---- */

static char key_of(uint32_t c)
{
    static const char keys[] = "22233344455566677778889999";
    uint32_t low = c | 0x20;
    if (c >= '0' && c <= '9')
        return (char)c;
    return low >= 'a' && low <= 'z' && c < 0x80 ? keys[low - 'a'] : '\0';
}

/* With letters enough they are keys, and digits of other scripts are nothing; with fewer it is the other way round. */
static size_t dial(const struct spelled *s, char *out)
{
    size_t letters = 0, n = 0;
    for (size_t i = 0; i < s->n; i++)
        letters += (s->c[i].is & C_LETTER) != 0;
    for (size_t i = 0; i < s->n; i++) {
        char key = s->c[i].digit != NO_DIGIT ? (char)('0' + s->c[i].digit) : '\0';
        if (letters >= LETTERS_ENOUGH)
            key = key_of(s->c[i].code);
        out[n] = key;
        n += key != '\0';
    }
    return n;
}

static bool read_spelled(const struct phone_data *d, struct str text, struct spelled *s)
{
    size_t context = find(text, ";phone-context=");
    s->n = 0;
    if (context < text.n)
        return put_together(d, text, context, s);
    if (!spell(d, text, 0, text.n, s))
        return false;
    cut_out(s);
    cut_subaddress(s);
    return true;
}

static void refuse(struct phone_number *ret, enum phone_status status)
{
    *ret = (struct phone_number){.status = (uint8_t)status,
                                 .type = PHONE_UNKNOWN_TYPE,
                                 .possible = PHONE_POSSIBLE_INVALID_COUNTRY_CODE};
}

void phone_text_read(const struct phone_data *d, struct str text, struct phone_dialled *in, struct phone_number *ret)
{
    char digits[PHONE_TEXT_MAX + PHONE_SLACK];
    struct spelled s;
    struct phone_number ext = {.status = PHONE_OK};
    if (text.n > PHONE_TEXT_MAX) {
        refuse(ret, PHONE_INPUT_TOO_BIG);
        return;
    }
    if (!read_spelled(d, text, &s) || !viable(&s, s.n)) {
        refuse(ret, PHONE_NOT_A_NUMBER);
        return;
    }
    take_extension(&s, &ext);
    in->plus = s.n > 0 && s.c[0].is & C_PLUS;
    in->digit = digits;
    in->n = dial(&s, digits);
    phone_dialled_read(d, in, ret);
    if (ret->status == PHONE_OK) {
        ret->ext_at = ext.ext_at;
        ret->ext_len = ext.ext_len;
    }
}
