/* SPDX-License-Identifier: Apache-2.0
 * phone.c - a phone number in any spelling to its E.164 digits.
 *
 * Reads UTF-8 one code point at a time. A code point is a decimal digit of any script, punctuation people put
 * between digits, a plus sign before the first digit, or the reason to refuse. Letters are never skipped: a
 * skipped letter is how a business-scoped id or a typing mistake becomes somebody else's number. Numbering plans are
 * not known here, so a national number without its country code can only be refused when it starts with 0. The "(0)" of
 * "+49 (0)170" is dialled inside the country only: where people write numbers for us it is left out, so that one person is not
 * two. What is sent to Meta is read as it stands there, because Meta decides whom that reaches.
 *
 * Which countries a number may belong to is told by its calling code and, where countries share one, by the digits
 * after it as far as those are dependable; what is not goes to all of them. The first is the main one: where most numbers
 * of the code are, and whose rules are asked. Of the others only the clocks count, because a rule that waited to be sure
 * would never speak to a number of the United States. */
#include "core/phone.h"

#include <string.h>

/* Longest text looked at: 15 digits with separators have no use for more, and padding must not cost time. */
#define PHONE_TEXT_MAX 256

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

/* Whether a "(0)" behind these digits is one to leave out: they are a country's code, and its numbers have no zero there. */
static bool drops_zero(uint64_t code);

static int starts_with_0(struct str rest, struct err *e)
{
    if (rest.n > 0 && *rest.p == '0')
        return err_set(e, WL_EINVAL,
                       "a phone number starts with its country code, not with 00: write +49 ... instead of 0049 ...");
    return err_set(e, WL_EINVAL, "a phone number starts with its country code, not with 0");
}

struct reading {
    struct str text; /* what is left of it */
    uint64_t value;
    int digits;
    bool plus, written;
};

/* What is no digit and may stand in a number. */
static bool pass_over(struct reading *r, uint32_t cp)
{
    if ((cp == '+' || cp == 0xff0b) && r->digits == 0 && !r->plus) {
        r->plus = true;
        return true;
    }
    if (r->written && cp == '(' && str_starts(r->text, STR("0)")) && drops_zero(r->value))
        r->text = (struct str){r->text.p + 2, r->text.n - 2};
    return is_separator(cp);
}

static int parse(struct reading r, uint64_t *ret_e164, struct err *e)
{
    if (r.text.n > PHONE_TEXT_MAX)
        return err_set(e, WL_EINVAL, "the text is too long for a phone number");
    while (r.text.n > 0) {
        uint32_t cp;
        if (!take(&r.text, &cp))
            return err_set(e, WL_EINVAL, "the phone number is not valid UTF-8");
        int d = digit_of(cp);
        if (d < 0) {
            if (!pass_over(&r, cp))
                return err_set(e, WL_EINVAL, "a phone number has digits, spaces and + - . ( ) / only");
            continue;
        }
        if (r.digits == 0 && d == 0)
            return starts_with_0(r.text, e);
        if (++r.digits > PHONE_MAX_DIGITS)
            return err_set(e, WL_EINVAL, "a phone number has at most %d digits", PHONE_MAX_DIGITS);
        r.value = r.value * 10 + (unsigned)d;
    }
    if (r.digits < PHONE_MIN_DIGITS)
        return err_set(e, WL_EINVAL, "a phone number with its country code has at least %d digits", PHONE_MIN_DIGITS);
    *ret_e164 = r.value;
    return 0;
}

int phone_parse(struct str text, uint64_t *ret_e164, struct err *e)
{
    return parse((struct reading){.text = text}, ret_e164, e);
}

int phone_parse_written(struct str text, uint64_t *ret_e164, struct err *e)
{
    return parse((struct reading){.text = text, .written = true}, ret_e164, e);
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

/* ITU-T E.164 calling codes that belong to one country alone, as of 2026. Left out because shared: 1 7 39 44 47
 * 61 212 262 290 358 500 590 599 672; and the non-geographic 8xx and 979. No code is the beginning of another. */
static const struct calling_code {
    uint16_t code;
    char country[3];
} calling_codes[] = {
    {20, "EG"},  {27, "ZA"},  {30, "GR"},  {31, "NL"},  {32, "BE"},  {33, "FR"},  {34, "ES"},  {36, "HU"},  {40, "RO"},
    {41, "CH"},  {43, "AT"},  {45, "DK"},  {46, "SE"},  {48, "PL"},  {49, "DE"},  {51, "PE"},  {52, "MX"},  {53, "CU"},
    {54, "AR"},  {55, "BR"},  {56, "CL"},  {57, "CO"},  {58, "VE"},  {60, "MY"},  {62, "ID"},  {63, "PH"},  {64, "NZ"},
    {65, "SG"},  {66, "TH"},  {81, "JP"},  {82, "KR"},  {84, "VN"},  {86, "CN"},  {90, "TR"},  {91, "IN"},  {92, "PK"},
    {93, "AF"},  {94, "LK"},  {95, "MM"},  {98, "IR"},  {211, "SS"}, {213, "DZ"}, {216, "TN"}, {218, "LY"}, {220, "GM"},
    {221, "SN"}, {222, "MR"}, {223, "ML"}, {224, "GN"}, {225, "CI"}, {226, "BF"}, {227, "NE"}, {228, "TG"}, {229, "BJ"},
    {230, "MU"}, {231, "LR"}, {232, "SL"}, {233, "GH"}, {234, "NG"}, {235, "TD"}, {236, "CF"}, {237, "CM"}, {238, "CV"},
    {239, "ST"}, {240, "GQ"}, {241, "GA"}, {242, "CG"}, {243, "CD"}, {244, "AO"}, {245, "GW"}, {246, "IO"}, {247, "AC"},
    {248, "SC"}, {249, "SD"}, {250, "RW"}, {251, "ET"}, {252, "SO"}, {253, "DJ"}, {254, "KE"}, {255, "TZ"}, {256, "UG"},
    {257, "BI"}, {258, "MZ"}, {260, "ZM"}, {261, "MG"}, {263, "ZW"}, {264, "NA"}, {265, "MW"}, {266, "LS"}, {267, "BW"},
    {268, "SZ"}, {269, "KM"}, {291, "ER"}, {297, "AW"}, {298, "FO"}, {299, "GL"}, {350, "GI"}, {351, "PT"}, {352, "LU"},
    {353, "IE"}, {354, "IS"}, {355, "AL"}, {356, "MT"}, {357, "CY"}, {359, "BG"}, {370, "LT"}, {371, "LV"}, {372, "EE"},
    {373, "MD"}, {374, "AM"}, {375, "BY"}, {376, "AD"}, {377, "MC"}, {378, "SM"}, {380, "UA"}, {381, "RS"}, {382, "ME"},
    {383, "XK"}, {385, "HR"}, {386, "SI"}, {387, "BA"}, {389, "MK"}, {420, "CZ"}, {421, "SK"}, {423, "LI"}, {501, "BZ"},
    {502, "GT"}, {503, "SV"}, {504, "HN"}, {505, "NI"}, {506, "CR"}, {507, "PA"}, {508, "PM"}, {509, "HT"}, {591, "BO"},
    {592, "GY"}, {593, "EC"}, {594, "GF"}, {595, "PY"}, {596, "MQ"}, {597, "SR"}, {598, "UY"}, {670, "TL"}, {673, "BN"},
    {674, "NR"}, {675, "PG"}, {676, "TO"}, {677, "SB"}, {678, "VU"}, {679, "FJ"}, {680, "PW"}, {681, "WF"}, {682, "CK"},
    {683, "NU"}, {685, "WS"}, {686, "KI"}, {687, "NC"}, {688, "TV"}, {689, "PF"}, {690, "TK"}, {691, "FM"}, {692, "MH"},
    {850, "KP"}, {852, "HK"}, {853, "MO"}, {855, "KH"}, {856, "LA"}, {880, "BD"}, {886, "TW"}, {960, "MV"}, {961, "LB"},
    {962, "JO"}, {963, "SY"}, {964, "IQ"}, {965, "KW"}, {966, "SA"}, {967, "YE"}, {968, "OM"}, {970, "PS"}, {971, "AE"},
    {972, "IL"}, {973, "BH"}, {974, "QA"}, {975, "BT"}, {976, "MN"}, {977, "NP"}, {992, "TJ"}, {993, "TM"}, {994, "AZ"},
    {995, "GE"}, {996, "KG"}, {998, "UZ"},
};

/* Codes that several countries share, longest beginnings first; of several countries the main one stands first. Sources:
 * ITU-T, List of Recommendation E.164 assigned country codes (annex to Operational Bulletin 1114, 2016, with its
 * amendments); the Russian and Kazakh plans for 7; the beginnings of islands and area codes as in the metadata of
 * libphonenumber-js 1.13.16, read 2026-11-22 (Ofcom's for 44, ACMA's for 61, NANPA's for 1). The mobile numbers of Jersey,
 * Guernsey and the Isle of Man that Ofcom gave in smaller pieces stay Britain's. A number under 1 with any other area code
 * is from the United States, also one without a place: toll-free (800, 833, 844, 855, 866, 877, 888), personal (500, 52x,
 * 533, 544, 566, 577, 588), 700, 710, 900. Nobody outside can tell where such a number is answered, and an offer too few
 * is the smaller mistake where Meta delivers none. An area code younger than these lists is most likely the United
 * States', too. */
#define SHARED_MAX 4
static const struct shared_code {
    uint32_t code;
    const char *country[SHARED_MAX];
} shared_codes[] = {
    {6189162, {"CC"}},
    {6189164, {"CX"}},
    {3906698, {"VA"}},
    {441481, {"GG"}},
    {441534, {"JE"}},
    {441624, {"IM"}},
    {447624, {"IM"}},
    {447781, {"GG"}},
    {447797, {"JE"}},
    {447839, {"GG"}},
    {447937, {"JE"}},
    {262269, {"YT"}},
    {262639, {"YT"}},
    {35818, {"AX"}},
    {6721, {"AQ"}},
    {6723, {"NF"}},
    {5993, {"BQ"}},
    {5994, {"BQ"}},
    {5997, {"BQ"}},
    {5999, {"CW"}},
    {4779, {"SJ"}},
    {2908, {"TA"}},
    {1242, {"BS"}},
    {1246, {"BB"}},
    {1264, {"AI"}},
    {1268, {"AG"}},
    {1284, {"VG"}},
    {1340, {"VI"}},
    {1345, {"KY"}},
    {1441, {"BM"}},
    {1473, {"GD"}},
    {1649, {"TC"}},
    {1658, {"JM"}},
    {1664, {"MS"}},
    {1670, {"MP"}},
    {1671, {"GU"}},
    {1684, {"AS"}},
    {1721, {"SX"}},
    {1758, {"LC"}},
    {1767, {"DM"}},
    {1784, {"VC"}},
    {1787, {"PR"}},
    {1809, {"DO"}},
    {1829, {"DO"}},
    {1849, {"DO"}},
    {1868, {"TT"}},
    {1869, {"KN"}},
    {1876, {"JM"}},
    {1939, {"PR"}},
    {212, {"MA", "EH"}},
    {262, {"RE", "YT", "TF"}},
    {290, {"SH", "TA"}},
    {358, {"FI", "AX"}},
    {500, {"FK", "GS"}},
    {590, {"GP", "BL", "MF"}},
    {599, {"CW", "BQ"}},
    {672, {"NF", "AQ"}},
    {39, {"IT", "VA"}},
    {44, {"GB", "GG", "JE", "IM"}},
    {47, {"NO", "SJ"}},
    {61, {"AU", "CX", "CC"}},
    {73, {"RU"}},
    {74, {"RU"}},
    {76, {"KZ"}},
    {77, {"KZ"}},
    {78, {"RU"}},
    {79, {"RU"}},
    {1, {"US", "CA"}},
    {7, {"RU", "KZ"}},
};

/* Canadian area codes: those in service (same source), those the CRTC has set aside for relief (387, 460, 537, 568), and
 * the non-geographic ones (Telecom Decision CRTC 2015-4: 600, 622, 633, 644, 655, 677, 688). None is in use elsewhere. */
static const uint16_t canadian[] = {
    204, 226, 236, 249, 250, 257, 263, 273, 289, 306, 343, 354, 365, 367, 368, 382, 387, 403, 416, 418, 428, 431, 437,
    438, 450, 460, 468, 474, 506, 514, 519, 537, 548, 568, 579, 581, 584, 587, 600, 604, 613, 622, 633, 639, 644, 647,
    655, 672, 677, 683, 688, 705, 709, 742, 753, 778, 780, 782, 807, 819, 825, 867, 873, 879, 902, 905, 942,
};

static bool is_canadian(uint64_t e164)
{
    while (e164 > 9999)
        e164 /= 10;
    for (size_t i = 0; i < sizeof canadian / sizeof canadian[0]; i++)
        if (e164 == 1000u + canadian[i])
            return true;
    return false;
}

static bool drops_zero(uint64_t code)
{
    static const uint16_t kept[] = {39, 225, 242,
                                    378}; /* the zero belongs to the number also when it is dialled from abroad */
    for (size_t i = 0; i < sizeof kept / sizeof kept[0]; i++)
        if (code == kept[i])
            return false;
    for (size_t i = 0; i < sizeof calling_codes / sizeof calling_codes[0]; i++)
        if (code == calling_codes[i].code)
            return true;
    for (size_t i = 0; i < sizeof shared_codes / sizeof shared_codes[0]; i++)
        if (code < 1000 && code == shared_codes[i].code)
            return true;
    return false;
}

/* Whether the number begins with those digits. */
static bool begins(uint64_t e164, uint64_t code)
{
    while (e164 > code)
        e164 /= 10;
    return e164 == code;
}

static const struct calling_code *calling_code(uint64_t e164)
{
    if (e164 < 1000)
        return NULL;
    while (e164 > 999)
        e164 /= 10;
    unsigned head[2] = {(unsigned)e164 / 10, (unsigned)e164}; /* a code has two or three digits here */
    for (size_t i = 0; i < sizeof calling_codes / sizeof calling_codes[0]; i++)
        if (calling_codes[i].code == head[0] || calling_codes[i].code == head[1])
            return &calling_codes[i];
    return NULL;
}

size_t phone_countries(uint64_t e164, const char *ret[], size_t max)
{
    const struct calling_code *own = calling_code(e164);
    size_t n = 0;
    if (own != NULL || is_canadian(e164)) {
        if (max > 0)
            ret[n++] = own != NULL ? own->country : "CA";
        return n;
    }
    for (size_t i = 0; i < sizeof shared_codes / sizeof shared_codes[0]; i++) {
        const struct shared_code *c = &shared_codes[i];
        if (!begins(e164, c->code))
            continue;
        for (; n < max && n < SHARED_MAX && c->country[n] != NULL; n++)
            ret[n] = c->country[n];
        break;
    }
    return n;
}

void phone_country(uint64_t e164, char ret[3])
{
    const char *main_one;
    memcpy(ret, phone_countries(e164, &main_one, 1) == 1 ? main_one : "\0\0", 3);
}
