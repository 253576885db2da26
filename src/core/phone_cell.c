/* SPDX-License-Identifier: Apache-2.0
 * phone_cell.c - a cell as a number, or why not.
 *
 * Most numbers are right, and pass a few looks at single bytes before and after the engine reads them. What is not
 * valid is looked at again, slowly, for the reason a person can do something about: several numbers in one cell
 * before "too long", a formula before "not a number". */
#include "core/phone_cell.h"

#include <string.h>

#define PIECES_MAX    8
#define EXPONENT_MAX  17
#define EXTENSION_LEN 7 /* an extension of so many digits is another number */
#define FRACTION_MAX  2 /* digits of one; longer is another group of the number */
#define NEIGHBOUR_MAX 3 /* digits of "/12" behind a number */
#define WHOLE         8 /* digits before it, at least */

static const char *const repairs[PHONE_CELL_REPAIRS] = {
    "",
    "read from a formula that only holds text",
    "the .0 a program put behind it was left out",
    "read from scientific notation that holds every digit",
    "read with a + in front",
    "read without the words behind it",
};

const char *phone_cell_repair_sentence(enum phone_cell_repair r)
{
    return repairs[r];
}

/* ---- what spreadsheets do ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Of a word in any language; marks beyond ASCII (no-break spaces, dashes, full-width digits) are none. */
static bool is_letter(char c)
{
    unsigned char u = (unsigned char)c;
    return (((u | 32) >= 'a' && (u | 32) <= 'z') && u < 128) || (u >= 0xC3 && u != 0xE2 && u != 0xE3 && u != 0xEF);
}

static bool all_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!is_digit(s.p[i]))
            return false;
    return s.n > 0;
}

/* ="0170 1234567", =+491701234567, =491701234567: text that was kept from being computed. */
static bool unwrap(struct str *text)
{
    struct str in = {text->p + 1, text->n - 1};
    if (in.n >= 2 && in.p[0] == '"' && in.p[in.n - 1] == '"') {
        in = str_trim((struct str){in.p + 1, in.n - 2});
        if (memchr(in.p, '"', in.n) != NULL)
            return false;
    } else {
        struct str digits = in.n > 0 && in.p[0] == '+' ? (struct str){in.p + 1, in.n - 1} : in;
        if (!all_digits(digits))
            return false;
    }
    *text = in;
    return true;
}

/* "E+11" and the like, up to two digits; -1: it is not that. */
static int power_of(struct str s)
{
    int power = 0;
    if (s.n < 2 || (s.p[0] | 32) != 'e')
        return -1;
    s = (struct str){s.p + 1, s.n - 1};
    if (s.p[0] == '+')
        s = (struct str){s.p + 1, s.n - 1};
    if (s.n > 2 || !all_digits(s))
        return -1;
    for (size_t i = 0; i < s.n; i++)
        power = 10 * power + (s.p[i] - '0');
    return power;
}

/* D[.,]DDDEnn, with or without signs: 0 no such thing; 1: the digits are in out, with a + when there was one; -1: digits
 * are lost. */
static int exponent(struct str s, char out[EXPONENT_MAX + 3], size_t *ret_n)
{
    size_t at = s.p[0] == '+', n = at;
    int behind = 0;
    out[0] = '+';
    out[n++] = s.p[at++];
    if (s.p[at] == '.' || s.p[at] == ',')
        for (at++; at < s.n && is_digit(s.p[at]); behind++) {
            if (behind >= EXPONENT_MAX)
                return 0;
            out[n++] = s.p[at++];
        }
    int power = power_of((struct str){s.p + at, s.n - at});
    *ret_n = n;
    return power < 0 || power < behind ? 0 : power == behind ? 1 : -1;
}

/* 491701234567.0, and with a +: 0 no such thing; 1: the digits are in text; -1: it is no whole number. */
static int decimal(struct str *text)
{
    struct str s = *text;
    bool zeros = true;
    while (s.n > 0 && is_digit(s.p[s.n - 1]))
        zeros = s.p[--s.n] == '0' && zeros;
    if (s.n < 2 || s.n == text->n || text->n - s.n > FRACTION_MAX || (s.p[s.n - 1] != '.' && s.p[s.n - 1] != ','))
        return 0;
    s.n--;
    struct str digits = s.p[0] == '+' ? (struct str){s.p + 1, s.n - 1} : s;
    if (digits.n < 7 || !all_digits(digits))
        return 0;
    if (!zeros)
        return digits.p[0] == '0' ? 0 : -1; /* 0301234567.12: a point between two groups */
    *text = s;
    return 1;
}

/* 5.4E+11, 5E11, +4.9E+11 by their first bytes. */
static bool looks_exponential(struct str s)
{
    size_t first = s.p[0] == '+';
    return s.n > first + 2 && is_digit(s.p[first]) && memchr(".,Ee", s.p[first + 1], 4) != NULL;
}

/* Two digits from `at` on, within limits. */
static bool two(struct str s, size_t at, int least, int most)
{
    int n = is_digit(s.p[at]) && is_digit(s.p[at + 1]) ? 10 * (s.p[at] - '0') + s.p[at + 1] - '0' : -1;
    return n >= least && n <= most;
}

/* 2023-03-15, 15.03.2023, 3/15/2023 with two digits each, with or without a time of day behind it. */
static bool is_date(struct str s)
{
    if (s.n < 10 || (s.n > 10 && (s.n < 16 || s.p[13] != ':')))
        return false;
    bool first = memchr("-./", s.p[4], 3) != NULL && s.p[7] == s.p[4];
    bool last = memchr("-./", s.p[2], 3) != NULL && s.p[5] == s.p[2];
    if (first)
        return two(s, 0, 19, 20) && two(s, 2, 0, 99) && two(s, 5, 1, 12) && two(s, 8, 1, 31);
    return last && two(s, 6, 19, 20) && two(s, 8, 0, 99) && two(s, 0, 1, 31) && two(s, 3, 1, 31);
}

static enum verdict undo_formula(struct str *text, uint8_t *ret_repair)
{
    if (text->p[0] == '@' || !unwrap(text))
        return VERDICT_FORMULA;
    *ret_repair = PHONE_CELL_UNWRAPPED;
    return VERDICT_OK;
}

static enum verdict undo_exponent(struct str *text, char room[EXPONENT_MAX + 3], uint8_t *ret_repair)
{
    size_t n = 0;
    int rc = exponent(*text, room, &n);
    if (rc > 0) {
        *text = (struct str){room, n};
        *ret_repair = PHONE_CELL_EXPONENT;
    }
    return rc < 0 ? VERDICT_DIGITS_LOST : VERDICT_OK;
}

static enum verdict undo_quantity(struct str *text, char room[EXPONENT_MAX + 3], uint8_t *ret_repair)
{
    int rc = text->n > 8 ? decimal(text) : 0;
    if (rc > 0)
        *ret_repair = PHONE_CELL_DECIMAL;
    if (rc != 0)
        return rc > 0 ? VERDICT_OK : VERDICT_DIGITS_LOST;
    return looks_exponential(*text) ? undo_exponent(text, room, ret_repair) : VERDICT_OK;
}

/* Rewrites text where it is certain what was meant. The verdict that needs no reading, or VERDICT_OK. */
static enum verdict undo_sheet(struct str *text, char room[EXPONENT_MAX + 3], uint8_t *ret_repair)
{
    if (text->p[0] == '\'' && text->n > 1) /* "this is text", where its quote was kept */
        *text = str_trim((struct str){text->p + 1, text->n - 1});
    const char *p = text->p;
    size_t n = text->n;
    if (n == 0 || is_date(*text))
        return VERDICT_NOT_A_NUMBER;
    if (memchr(p, '\0', n) != NULL)
        return VERDICT_NUL_BYTE;
    if (p[0] == '=' || p[0] == '@')
        return undo_formula(text, ret_repair);
    if (p[0] == '#' && n > 1 && !is_digit(p[1]))
        return VERDICT_SHEET_ERROR; /* #REF!, #N/A, ########### */
    return undo_quantity(text, room, ret_repair);
}

/* ---- why it is no number ---- */

/* How long what stands here between two numbers is; 0: nothing does. */
static size_t between(struct str s)
{
    static const char *const words[] = {" or ", " and ", " oder ", " und ", " ou ", " et ", " y ", " o ", " e ", ":::"};
    if (memchr(";,|/\n\r&", s.p[0], 7) != NULL)
        return 1;
    if (s.p[0] != ' ' && s.p[0] != ':')
        return 0;
    for (size_t w = 0; w < sizeof words / sizeof words[0]; w++)
        if (str_starts(s, str_of(words[w])))
            return strlen(words[w]);
    return 0;
}

static bool begins_another(struct str text, size_t from, size_t at)
{
    if (text.p[at] == '+')
        return at > from + 5;
    return text.p[at] == '0' && at > from + WHOLE && text.p[at - 1] == ' ';
}

/* Cuts at what people write between two numbers, and before a second plus or 0. */
static size_t pieces(struct str text, struct str out[PIECES_MAX])
{
    size_t n = 0, from = 0;
    for (size_t at = 0; at <= text.n && n < PIECES_MAX; at++) {
        bool plus = at < text.n && begins_another(text, from, at);
        size_t skip = at < text.n && !plus ? between((struct str){text.p + at, text.n - at}) : 0;
        if (skip == 0 && !plus && at < text.n)
            continue;
        struct str piece = str_trim((struct str){text.p + from, at - from});
        if (piece.n > 0)
            out[n++] = piece;
        from = at + skip;
        at = skip > 0 ? from - 1 : at;
    }
    return n;
}

static bool several(const struct phone_data *d, struct str text, int region)
{
    struct str piece[PIECES_MAX];
    struct phone_number n;
    size_t found = 0, count = pieces(text, piece);
    for (size_t i = 0; count > 1 && i < count; i++) {
        phone_number_read(d, piece[i], region, &n);
        found += phone_number_valid(&n) && n.nsn_len >= 6;
    }
    return found > 1;
}

/* "+44 20 7946 1234/5": a number, and the last digits of its neighbour. */
static bool neighbour(const struct phone_data *d, struct str text, int region)
{
    struct phone_number n;
    size_t at = text.n, digits = 0;
    while (at > 0 && is_digit(text.p[at - 1]))
        at--;
    if (at == text.n || text.n - at > NEIGHBOUR_MAX || at == 0)
        return false;
    struct str head = str_trim((struct str){text.p, at});
    if (head.n == 0 || head.p[head.n - 1] != '/')
        return false;
    head = str_trim((struct str){head.p, head.n - 1});
    for (size_t i = 0; i < head.n; i++)
        digits += is_digit(head.p[i]);
    if (digits < WHOLE)
        return false;
    phone_number_read(d, head, region, &n);
    return phone_number_valid(&n);
}

static bool computed(struct str text)
{
    static const char marks[] = "|!()*\"";
    if (text.p[0] != '-' && text.p[0] != '+')
        return false;
    for (const char *m = marks; *m != '\0'; m++)
        if (memchr(text.p, *m, text.n) != NULL)
            for (size_t i = 0; i < text.n; i++)
                if ((text.p[i] | 32) >= 'a' && (text.p[i] | 32) <= 'z')
                    return true;
    return false;
}

static enum verdict verdict_of_length(const struct phone_number *n)
{
    static const uint8_t of[] = {
        [PHONE_IS_POSSIBLE] = VERDICT_NOT_ASSIGNED,
        [PHONE_POSSIBLE_INVALID_COUNTRY_CODE] = VERDICT_NO_SUCH_CODE,
        [PHONE_POSSIBLE_TOO_SHORT] = VERDICT_TOO_SHORT,
        [PHONE_POSSIBLE_TOO_LONG] = VERDICT_TOO_LONG,
        [PHONE_IS_POSSIBLE_LOCAL_ONLY] = VERDICT_LOCAL_ONLY,
        [PHONE_POSSIBLE_INVALID_LENGTH] = VERDICT_WRONG_LENGTH,
    };
    return (enum verdict)of[n->possible];
}

static enum verdict verdict_of_status(const struct phone_number *n, struct str text, int region)
{
    static const uint8_t of[] = {
        [PHONE_OK] = VERDICT_OK,
        [PHONE_INVALID_COUNTRY_CODE] = VERDICT_NO_SUCH_CODE,
        [PHONE_NOT_A_NUMBER] = VERDICT_NOT_A_NUMBER,
        [PHONE_TOO_SHORT_AFTER_IDD] = VERDICT_SHORT_AFTER_PREFIX,
        [PHONE_TOO_SHORT_NSN] = VERDICT_TOO_SHORT,
        [PHONE_TOO_LONG_NSN] = VERDICT_TOO_LONG,
        [PHONE_INPUT_TOO_BIG] = VERDICT_LONG_CELL,
    };
    if (n->status == PHONE_OK)
        return verdict_of_length(n);
    if (n->status != PHONE_INVALID_COUNTRY_CODE || region > 0 || memchr(text.p, '+', text.n) != NULL)
        return (enum verdict)of[n->status];
    return region < 0 ? VERDICT_UNKNOWN_COUNTRY : VERDICT_NEEDS_REGION;
}

static enum verdict why_wrong(const struct phone_data *d, struct str text, int region, const struct phone_number *n)
{
    if (n->status == PHONE_INPUT_TOO_BIG)
        return VERDICT_LONG_CELL;
    if (several(d, text, region > 0 ? region : 0))
        return VERDICT_TWO_NUMBERS;
    if (computed(text))
        return VERDICT_FORMULA;
    return verdict_of_status(n, text, region);
}

/* ---- the number ---- */

/* "491701234567": the digits are taken to begin with their country code. False: that makes no valid number. */
static bool read_with_plus(const struct phone_data *d, struct str text, struct phone_number *ret)
{
    char room[PHONE_TEXT_MAX + 1];
    size_t from = 0;
    *ret = (struct phone_number){.status = PHONE_NOT_A_NUMBER, .type = PHONE_UNKNOWN_TYPE};
    while (from < text.n && is_letter(text.p[from]))
        from++; /* "Tel. 49..." */
    while (from > 0 && from < text.n && (text.p[from] == '.' || text.p[from] == ':' || text.p[from] == ' '))
        from++;
    if (text.n - from >= PHONE_TEXT_MAX || from == text.n || memchr(text.p, '+', text.n) != NULL)
        return false;
    room[0] = '+';
    memcpy(room + 1, text.p + from, text.n - from);
    phone_number_read(d, (struct str){room, text.n - from + 1}, 0, ret);
    if (ret->ext_len > 0)
        ret->ext_at = (uint16_t)(ret->ext_at + from - 1);
    return phone_number_valid(ret);
}

/* Whether people in a region dial 0 before numbers of their country, so that one without + and 0 is unusual. */
static bool dials_zero(const struct phone_data *d, int region)
{
    return strcmp(d->text + d->region[region].prefix_text, "0") == 0;
}

static bool begins_with_code(const struct phone_number *n)
{
    size_t at = n->code > 99 ? 3 : n->code > 9 ? 2 : 1;
    for (unsigned code = n->code; at > 0; code /= 10)
        if (n->nsn[--at] != (char)('0' + code % 10))
            return false;
    return true;
}

/* Digits that are somebody's number with their country code in front, and may be somebody else's within the country:
 * 4915112345678 or 33612345678 in Germany. The prefix of calls within the country in front decides: with a + that is no number. Where
 * nobody dials such a prefix, a number of the country is taken for one: 2024561111 is Washington, not Cairo. */
static bool both_ways(const struct phone_data *d, struct str text, int region, const struct phone_number *n)
{
    struct phone_number other;
    size_t at = 0;
    bool valid = phone_number_valid(n);
    while (at < text.n && !is_digit(text.p[at]))
        at++;
    if ((at < text.n && text.p[at] == '0') || (valid && !begins_with_code(n) && !dials_zero(d, region)))
        return false;
    return read_with_plus(d, text, &other) && other.e164 != n->e164;
}

/* With or without a + in front. */
static void read_number(const struct phone_data *d, struct str text, int region, bool international,
                        struct phone_cell *ret)
{
    struct phone_number plus;
    bool whole = international && read_with_plus(d, text, &plus);
    if (!whole)
        phone_number_read(d, text, region > 0 ? region : 0, &ret->number);
    if (!whole && (!international || plus.status != PHONE_OK || phone_number_valid(&ret->number)))
        return;
    ret->number = plus; /* right, or wrong for a better reason */
    ret->repair = PHONE_CELL_PLUS;
}

/* Where words begin behind what may be a number: "0170 1234567 (privat)". text.n: nowhere. */
static size_t words_at(struct str text)
{
    size_t digits = 0;
    for (size_t i = 0; i < text.n; i++) {
        digits += is_digit(text.p[i]);
        if (digits >= 6 && is_letter(text.p[i]))
            return memchr(" ([,;:-/\t\n", text.p[i - 1], 10) != NULL ? i : text.n;
    }
    return text.n;
}

static enum verdict verdict_of_words(const struct phone_data *d, struct str words, int region)
{
    struct phone_number second;
    bool digits = false;
    for (size_t i = 0; i < words.n; i++)
        digits = digits || is_digit(words.p[i]);
    phone_number_read(d, words, region > 0 ? region : 0, &second);
    return !digits ? VERDICT_OK : phone_number_valid(&second) ? VERDICT_TWO_NUMBERS : VERDICT_TEXT_BEHIND;
}

/* Words behind a number that is whole without them: letters would be read as the keys of a telephone. False: there are
 * none, or they are part of it. */
static bool leave_words_out(const struct phone_data *d, struct str text, int region, bool international,
                            struct phone_cell *ret)
{
    struct phone_cell whole = {.repair = PHONE_CELL_AS_WRITTEN};
    size_t at = words_at(text), end = at;
    struct str rest = {text.p + at, text.n - at};
    while (end > 0 && at < text.n && memchr(" ([,;:-/\t\n", text.p[end - 1], 10) != NULL)
        end--;
    if (at == text.n || ret->number.ext_len > 0)
        return false;
    read_number(d, (struct str){text.p, end}, region, international, &whole);
    if (!phone_number_valid(&whole.number))
        return false;
    ret->number = whole.number;
    ret->verdict = (uint8_t)verdict_of_words(d, rest, region);
    if (ret->verdict == VERDICT_OK && whole.repair != PHONE_CELL_PLUS && region > 0 &&
        both_ways(d, (struct str){text.p, end}, region, &whole.number))
        ret->verdict = VERDICT_BOTH_WAYS;
    if (ret->verdict == VERDICT_OK)
        ret->repair = PHONE_CELL_WORDS;
    return true;
}

/* Of what the engine read. */
static enum verdict verdict_of(const struct phone_data *d, struct str text, int region, const struct phone_cell *r)
{
    const struct phone_number *n = &r->number;
    bool valid = phone_number_valid(n);
    if (!valid || n->ext_len >= EXTENSION_LEN) {
        enum verdict v = why_wrong(d, text, region, n);
        if (v == VERDICT_TWO_NUMBERS || v == VERDICT_FORMULA || v == VERDICT_LONG_CELL)
            return v;
    }
    if (text.p[text.n - 1] >= '0' && neighbour(d, text, region > 0 ? region : 0))
        return VERDICT_TWO_NUMBERS;
    if (r->repair != PHONE_CELL_PLUS && region > 0 && both_ways(d, text, region, n))
        return VERDICT_BOTH_WAYS;
    return valid ? VERDICT_OK : why_wrong(d, text, region, n);
}

void phone_cell_read(const struct phone_data *d, struct str text, int region, bool international,
                     struct phone_cell *ret)
{
    char room[EXPONENT_MAX + 3];
    *ret = (struct phone_cell){.number = {.status = PHONE_NOT_A_NUMBER, .type = PHONE_UNKNOWN_TYPE},
                               .verdict = VERDICT_EMPTY,
                               .repair = PHONE_CELL_AS_WRITTEN};
    if (text.n == 0)
        return;
    ret->verdict = (uint8_t)undo_sheet(&text, room, &ret->repair);
    if (ret->verdict != VERDICT_OK)
        return;
    read_number(d, text, region, international, ret);
    if (!leave_words_out(d, text, region, international, ret))
        ret->verdict = (uint8_t)verdict_of(d, text, region, ret);
}
