/* SPDX-License-Identifier: Apache-2.0
 * phone.c - the digits of an international number, as Meta reads them.
 *
 * Reads UTF-8 one code point at a time. A code point is a decimal digit of any script, punctuation people put
 * between digits, a plus sign before the first digit, or the reason to refuse. Letters are never skipped: a
 * skipped letter is how a business-scoped id or a typing mistake becomes somebody else's number. Whom a text reaches that is sent to Meta is
 * decided there, so it is read digit by digit and no numbering plan is asked. They are asked where people write numbers for us, with what is dialled inside
 * the country only in brackets, the zero of "+49 (0)170" and the 06 of "+36 (06) 1": one person is not two.
 *
 * Two countries added a digit to their mobile numbers and WhatsApp goes by either form, whatever was written: what Meta is sent as
 * 5541988887777 it may call 554188887777, and 525512345678 may be 5215512345678. phone_canonical() makes them one: with the ninth digit of
 * Brazil (Anatel, Resolution 553/2010), without the 1 of Mexico (IFT, since 2019-08-03). */
#include "core/phone.h"

#include <string.h>

#include "core/phone_number.h"

/* Longest text looked at: 15 digits with separators have no use for more, and padding must not cost time. */
#define TEXT_MAX 256
#define FEWEST   UINT64_C(1000000) /* of PHONE_MIN_DIGITS digits */
/* Trunk prefixes that are taken off one number: "+49(0)(0)170". */
#define TRUNKS_MAX 3

/* The zeros of the decimal digit blocks of Unicode 14 (general category Nd); each is followed by its 1 to 9. */
static const uint32_t zeros[] = {
    0x0030,  0x0660,  0x06f0,  0x07c0,  0x0966,  0x09e6,  0x0a66,  0x0ae6,  0x0b66,  0x0be6,  0x0c66,
    0x0ce6,  0x0d66,  0x0de6,  0x0e50,  0x0ed0,  0x0f20,  0x1040,  0x1090,  0x17e0,  0x1810,  0x1946,
    0x19d0,  0x1a80,  0x1a90,  0x1b50,  0x1bb0,  0x1c40,  0x1c50,  0xa620,  0xa8d0,  0xa900,  0xa9d0,
    0xa9f0,  0xaa50,  0xabf0,  0xff10,  0x104a0, 0x10d30, 0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0,
    0x11450, 0x114d0, 0x11650, 0x116c0, 0x11730, 0x118e0, 0x11950, 0x11c50, 0x11d50, 0x11da0, 0x16a60,
    0x16ac0, 0x16b50, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0, 0x1e950, 0x1fbf0,
};

/* What may stand between digits: punctuation, spaces, dashes, and the invisible marks that come along when a
 * number is copied from a web page or an address book. */
static const struct range {
    uint32_t first, last;
} separators[] = {
    {'\t', '\r'},     {' ', ' '},       {'(', ')'},       {'-', '/'},       {0x00a0, 0x00a0},
    {0x00ad, 0x00ad}, {0x061c, 0x061c}, {0x1680, 0x1680}, {0x180e, 0x180e}, {0x2000, 0x2015},
    {0x2028, 0x202f}, {0x205f, 0x2060}, {0x2066, 0x2069}, {0x2212, 0x2212}, {0x3000, 0x3000},
    {0xfe58, 0xfe58}, {0xfe63, 0xfe63}, {0xfeff, 0xfeff}, {0xff08, 0xff09}, {0xff0d, 0xff0f},
};

static int digit_of(uint32_t cp)
{
    if (cp < 0x80)
        return cp >= '0' && cp <= '9' ? (int)(cp - '0') : -1;
    for (size_t i = 1; i < sizeof zeros / sizeof zeros[0] && zeros[i] <= cp; i++)
        if (cp - zeros[i] < 10)
            return (int)(cp - zeros[i]);
    return -1;
}

static bool is_separator(uint32_t cp)
{
    for (size_t i = 0; i < sizeof separators / sizeof separators[0]; i++)
        if (cp >= separators[i].first && cp <= separators[i].last)
            return true;
    return false;
}

/* Takes one code point off the front of *s; false when the bytes are not UTF-8. */
static bool take(struct str *s, uint32_t *ret)
{
    const unsigned char *p = (const unsigned char *)s->p;
    size_t n = p[0] < 0x80 ? 1 : p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;
    if (n == 0 || n > s->n)
        return false;
    uint32_t cp = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
    for (size_t i = 1; i < n; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return false;
        cp = cp << 6 | (p[i] & 0x3fu);
    }
    *ret = cp;
    s->p += n;
    s->n -= n;
    return true;
}

static int starts_with_0(struct str rest, struct err *e)
{
    if (rest.n > 0 && *rest.p == '0')
        return err_set(e, WL_EINVAL,
                       "a phone number starts with its country code, not with 00: write +49 ... instead of 0049 ...");
    return err_set(e, WL_EINVAL, "a phone number starts with its country code, not with 0");
}

static int too_few(struct err *e)
{
    return err_set(e, WL_EINVAL, "a phone number with its country code has at least %d digits", PHONE_MIN_DIGITS);
}

struct reading {
    struct str text; /* what is left of it */
    uint64_t value;
    int digits;
    bool plus;
    bool inside;  /* of brackets that were opened behind a digit */
    bool bracket; /* there are such */
    bool trunk;   /* and a zero alone stands in some */
    int before;   /* digits that were there when they were opened */
};

/* What is no digit and may stand in a number. */
static bool pass_over(struct reading *r, uint32_t cp)
{
    if ((cp == '+' || cp == 0xff0b) && r->digits == 0 && !r->plus) {
        r->plus = true;
        return true;
    }
    if ((cp == '(' || cp == 0xff08) && r->digits > 0) {
        r->inside = r->bracket = true;
        r->before = r->digits;
    } else if ((cp == ')' || cp == 0xff09) && r->inside) {
        r->inside = false;
        r->trunk = r->trunk || (r->digits == r->before + 1 && r->value % 10 == 0);
    }
    return is_separator(cp);
}

/* Every digit of the text, and where brackets were. */
static int parse(struct reading *r, struct err *e)
{
    if (r->text.n > TEXT_MAX)
        return err_set(e, WL_EINVAL, "the text is too long for a phone number");
    while (r->text.n > 0) {
        uint32_t cp;
        if (!take(&r->text, &cp))
            return err_set(e, WL_EINVAL, "the phone number is not valid UTF-8");
        int d = digit_of(cp);
        if (d < 0) {
            if (!pass_over(r, cp))
                return err_set(e, WL_EINVAL, "a phone number has digits, spaces and + - . ( ) / only");
            continue;
        }
        if (r->digits == 0 && d == 0)
            return starts_with_0(r->text, e);
        if (++r->digits > PHONE_MAX_DIGITS)
            return err_set(e, WL_EINVAL, "a phone number has at most %d digits", PHONE_MAX_DIGITS);
        r->value = r->value * 10 + (unsigned)d;
    }
    return r->digits < PHONE_MIN_DIGITS ? too_few(e) : 0;
}

int phone_parse(struct str text, uint64_t *ret_e164, struct err *e)
{
    struct reading r = {.text = text};
    int rc = parse(&r, e);
    if (rc == 0)
        *ret_e164 = r.value;
    return rc;
}

/* "+491701234567", at the end of room. */
static struct str international(uint64_t e164, char room[PHONE_E164_MAX])
{
    size_t at = PHONE_E164_MAX;
    for (; e164 > 0; e164 /= 10)
        room[--at] = (char)('0' + e164 % 10);
    room[--at] = '+';
    return (struct str){room + at, PHONE_E164_MAX - at};
}

/* What Mexicans dialled before their numbers until 2019, and the plans know no more: 01, 044, 045. */
static uint64_t mexico(uint64_t e164)
{
    uint64_t before = e164 / 10000000000;
    return before == 5201 || before == 52044 || before == 52045 ? 520000000000 + e164 % 10000000000 : e164;
}

/* A number with brackets behind its country code. It stays as it is where it is valid so; otherwise the digits that are dialled inside the
 * country only are left out, if that makes it valid or was certainly meant. Never does it get longer. */
static uint64_t from_abroad(const struct phone_data *d, uint64_t e164, bool certain)
{
    struct phone_number n;
    uint64_t shorter = mexico(e164);
    if (phone_number_of_e164(d, e164, &n) && phone_number_valid(&n))
        return e164;
    for (int left = TRUNKS_MAX; left > 0; left--) {
        char text[PHONE_E164_MAX];
        phone_number_read(d, international(shorter, text), 0, &n);
        if (n.status != PHONE_OK || n.e164 == 0 || n.e164 > shorter)
            break;
        if (phone_number_valid(&n))
            return n.e164;
        shorter = n.e164;
    }
    return certain ? shorter : e164;
}

int phone_parse_written(const struct phone_data *d, struct str text, uint64_t *ret_e164, struct err *e)
{
    struct reading r = {.text = text};
    int rc = parse(&r, e);
    if (rc != 0)
        return rc;
    uint64_t digits = r.bracket ? from_abroad(d, r.value, r.trunk) : r.value;
    if (digits < FEWEST)
        return too_few(e);
    *ret_e164 = digits;
    return 0;
}

static uint64_t brazil(uint64_t e164)
{
    uint64_t area = e164 / 100000000, subscriber = e164 % 100000000;
    return subscriber >= 60000000 ? area * 1000000000 + 900000000 + subscriber : e164;
}

uint64_t phone_canonical(uint64_t e164)
{
    if (e164 / 10000000000 == 55) /* 55, area, eight digits */
        return brazil(e164);
    if (e164 / 10000000000 == 521) /* 52, 1, ten digits */
        return UINT64_C(520000000000) + e164 % 10000000000;
    return e164;
}

static char next_digit(struct str *s)
{
    while (s->n > 0) {
        char c = *s->p++;
        s->n--;
        if (c >= '0' && c <= '9')
            return c;
    }
    return '\0';
}

bool phone_same_digits(struct str a, struct str b)
{
    bool any = false;
    for (;;) {
        char x = next_digit(&a), y = next_digit(&b);
        if (x != y || x == '\0')
            return x == y && any;
        any = true;
    }
}
