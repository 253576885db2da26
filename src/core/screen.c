/* SPDX-License-Identifier: Apache-2.0
 * screen.c - verdicts of numbers.
 *
 * Most numbers are right, and pass three looks at single bytes before the engine reads them. What is not valid is looked at again,
 * slowly, for the reason a person can do something about: several numbers in one cell before "too long", a formula
 * before "not a number". */
#include "core/screen.h"

#include "core/table_split.h"
#include "core/test_number.h"

#define PIECES_MAX    8
#define EXPONENT_MAX  17
#define EXTENSION_LEN 7 /* an extension of so many digits is another number */

static const struct {
    const char *word, *sentence, *next;
    enum verdict_class class;
} verdicts[VERDICTS] = {
#define VERDICT(name, word, class, sentence, next) {word, sentence, next, VERDICT_##class},
#include "core/verdict.def"
#undef VERDICT
};

static const char *const repairs[SCREEN_REPAIRS] = {
    "",
    "read from a formula that only holds text",
    "the .0 a program put behind it was left out",
    "read from scientific notation that holds every digit",
    "read with a + in front",
};

const char *verdict_word(enum verdict v)
{
    return verdicts[v].word;
}

enum verdict_class verdict_class(enum verdict v)
{
    return verdicts[v].class;
}

const char *verdict_sentence(enum verdict v)
{
    return verdicts[v].sentence;
}

const char *verdict_next(enum verdict v)
{
    return verdicts[v].next;
}

int verdict_of_word(struct str word)
{
    for (int i = 0; i < VERDICTS; i++)
        if (str_eq(word, str_of(verdicts[i].word)))
            return i;
    return -1;
}

enum verdict verdict_of_filter(enum number_filter_why why)
{
    static const uint8_t of[NUMBER_FILTER_WHYS] = {
        [NUMBER_WANTED] = VERDICT_OK,
        [NUMBER_OTHER_VALIDITY] = VERDICT_OTHER_VALIDITY,
        [NUMBER_OTHER_COUNTRY] = VERDICT_OTHER_COUNTRY,
        [NUMBER_OTHER_TYPE] = VERDICT_OTHER_TYPE,
        [NUMBER_OTHER_NETWORK] = VERDICT_OTHER_NETWORK,
        [NUMBER_OTHER_ZONE] = VERDICT_OTHER_ZONE,
        [NUMBER_OTHER_RANGE] = VERDICT_OTHER_RANGE,
        [NUMBER_OTHER_VALUE] = VERDICT_OTHER_VALUE,
    };
    return (enum verdict)of[why];
}

enum verdict verdict_of_problem(int problem)
{
    static const uint8_t of[TABLE_PROBLEMS] = {
        [TABLE_RIGHT] = VERDICT_OK,
        [TABLE_LONG_CELL] = VERDICT_LONG_CELL,
        [TABLE_NUL] = VERDICT_NUL_BYTE,
        [TABLE_ENCODING] = VERDICT_BAD_ENCODING,
        [TABLE_UNCLOSED] = VERDICT_BROKEN_ROW,
        [TABLE_BEHIND_QUOTE] = VERDICT_BROKEN_ROW,
        [TABLE_LONG_ROW] = VERDICT_BROKEN_ROW,
        [TABLE_MANY_CELLS] = VERDICT_BROKEN_ROW,
    };
    return (enum verdict)of[problem];
}

const char *screen_repair_sentence(enum screen_repair r)
{
    return repairs[r];
}

/* ---- numbers for tests ---- */

static unsigned test_bit(uint64_t e164)
{
    return (unsigned)((e164 / 1000 * 0x9e3779b97f4a7c15u) >> 46);
}

void screen_init(struct screen *s, const struct phone_data *d, bool international)
{
    struct test_number_walk walk = {0};
    *s = (struct screen){.data = d, .international = international};
    for (uint64_t n; (n = test_number_next(d, &walk, 0, PHONE_UNKNOWN_TYPE)) != 0;)
        s->tests[test_bit(n) / 64] |= (uint64_t)1 << (test_bit(n) % 64);
}

static bool is_test(const struct screen *s, uint64_t e164)
{
    unsigned bit = test_bit(e164);
    return (s->tests[bit / 64] >> (bit % 64) & 1) != 0 && test_number(s->data, e164, NULL) != TEST_NUMBER_NOT;
}

/* ---- what spreadsheets do ---- */

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
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

/* 491701234567.0, and with a + */
static bool decimal(struct str *text)
{
    struct str s = {text->p, text->n - 2};
    struct str digits = s.n > 0 && s.p[0] == '+' ? (struct str){s.p + 1, s.n - 1} : s;
    if (digits.n < 7 || !all_digits(digits))
        return false;
    *text = s;
    return true;
}

/* 5.4E+11, 5E11, +4.9E+11 by their first bytes. */
static bool looks_exponential(struct str s)
{
    size_t first = s.p[0] == '+';
    return s.n > first + 2 && is_digit(s.p[first]) && memchr(".,Ee", s.p[first + 1], 4) != NULL;
}

static enum verdict undo_formula(struct str *text, uint8_t *ret_repair)
{
    if (text->p[0] == '@' || !unwrap(text))
        return VERDICT_FORMULA;
    *ret_repair = SCREEN_UNWRAPPED;
    return VERDICT_OK;
}

static enum verdict undo_exponent(struct str *text, char room[EXPONENT_MAX + 3], uint8_t *ret_repair)
{
    size_t n = 0;
    int rc = exponent(*text, room, &n);
    if (rc > 0) {
        *text = (struct str){room, n};
        *ret_repair = SCREEN_EXPONENT;
    }
    return rc < 0 ? VERDICT_DIGITS_LOST : VERDICT_OK;
}

/* Rewrites text where it is certain what was meant. The verdict that needs no reading, or VERDICT_OK. */
static enum verdict undo_sheet(struct str *text, char room[EXPONENT_MAX + 3], uint8_t *ret_repair)
{
    const char *p = text->p;
    size_t n = text->n;
    if (p[0] == '=' || p[0] == '@')
        return undo_formula(text, ret_repair);
    if (p[0] == '#' && n > 1 && !is_digit(p[1]))
        return VERDICT_SHEET_ERROR; /* #REF!, #N/A, ########### */
    if (n > 2 && p[n - 1] == '0' && p[n - 2] == '.' && decimal(text))
        *ret_repair = SCREEN_DECIMAL;
    else if (looks_exponential(*text))
        return undo_exponent(text, room, ret_repair);
    return VERDICT_OK;
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

/* Cuts at what people write between two numbers, and before a second plus. */
static size_t pieces(struct str text, struct str out[PIECES_MAX])
{
    size_t n = 0, from = 0;
    for (size_t at = 0; at <= text.n && n < PIECES_MAX; at++) {
        bool plus = at < text.n && text.p[at] == '+' && at > from + 5;
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

static bool several(const struct screen *s, struct str text, int region)
{
    struct str piece[PIECES_MAX];
    struct phone_number n;
    size_t found = 0, count = pieces(text, piece);
    for (size_t i = 0; count > 1 && i < count; i++) {
        phone_number_read(s->data, piece[i], region, &n);
        found += phone_number_valid(&n) && n.nsn_len >= 6;
    }
    return found > 1;
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

static enum verdict why_wrong(const struct screen *s, struct str text, int region, const struct phone_number *n)
{
    if (n->status == PHONE_INPUT_TOO_BIG)
        return VERDICT_LONG_CELL;
    if (several(s, text, region > 0 ? region : 0))
        return VERDICT_TWO_NUMBERS;
    if (computed(text))
        return VERDICT_FORMULA;
    return verdict_of_status(n, text, region);
}

/* ---- the number ---- */

/* "491701234567": the digits are taken to begin with their country code. False: that makes no valid number. */
static bool read_with_plus(const struct screen *s, struct str text, struct phone_number *ret)
{
    char room[PHONE_TEXT_MAX + 1];
    if (text.n >= PHONE_TEXT_MAX || memchr(text.p, '+', text.n) != NULL)
        return false;
    room[0] = '+';
    memcpy(room + 1, text.p, text.n);
    phone_number_read(s->data, (struct str){room, text.n + 1}, 0, ret);
    ret->ext_at = (uint16_t)(ret->ext_at - (ret->ext_len > 0));
    return phone_number_valid(ret);
}

/* Digits that are somebody's number within their country, begin with its code, and are somebody's number with it, too:
 * 4915112345678 in Germany. The prefix of calls within the country in front decides: with a + that is no number. */
static bool both_ways(const struct screen *s, struct str text, const struct phone_number *n)
{
    struct phone_number other;
    size_t at = n->code > 99 ? 3 : n->code > 9 ? 2 : 1;
    for (unsigned code = n->code; at > 0; code /= 10)
        if (n->nsn[--at] != (char)('0' + code % 10))
            return false;
    return read_with_plus(s, text, &other) && other.code == n->code && other.e164 != n->e164;
}

/* Of what the engine read: wrong, a test number, or right. */
static enum verdict verdict_of(const struct screen *s, struct str text, int region, const struct screened *r)
{
    const struct phone_number *n = &r->number;
    bool valid = phone_number_valid(n);
    if (n->status == PHONE_OK && is_test(s, n->e164))
        return VERDICT_TEST_NUMBER; /* some of those for films lie in no range that is assigned */
    if (!valid || n->ext_len >= EXTENSION_LEN) {
        enum verdict v = why_wrong(s, text, region, n);
        if (v == VERDICT_TWO_NUMBERS || !valid)
            return v;
    }
    if (r->repair != SCREEN_PLUS && region > 0 && both_ways(s, text, n))
        return VERDICT_BOTH_WAYS;
    return VERDICT_OK;
}

void screen_number(const struct screen *s, struct str text, int region, struct screened *ret)
{
    char room[EXPONENT_MAX + 3];
    struct phone_number *n = &ret->number;
    ret->repair = SCREEN_AS_WRITTEN;
    *n = (struct phone_number){.status = PHONE_NOT_A_NUMBER, .type = PHONE_UNKNOWN_TYPE};
    ret->verdict = VERDICT_EMPTY;
    if (text.n == 0)
        return;
    ret->verdict = (uint8_t)undo_sheet(&text, room, &ret->repair);
    if (ret->verdict != VERDICT_OK)
        return;
    if (s->international && read_with_plus(s, text, n))
        ret->repair = SCREEN_PLUS;
    else
        phone_number_read(s->data, text, region > 0 ? region : 0, n);
    ret->verdict = (uint8_t)verdict_of(s, text, region, ret);
}

/* ---- counting ---- */

struct screen_tally *screen_tally_new(struct arena *a, const struct phone_data *d)
{
    struct screen_tally *t = arena_new(a, struct screen_tally);
    if (t == NULL)
        return NULL;
    t->regions = d->count[PHONE_SECTION_REGION];
    t->region = arena_new_array(a, uint64_t, t->regions);
    return t->region != NULL ? t : NULL;
}

/* There are fewer networks in the tables than places here (phone_file.h allows more: those are not counted apart). */
void screen_count_network(struct screen_tally *t, const char *network, uint64_t n)
{
    size_t at = ((uint64_t)(uintptr_t)network * 0x9e3779b97f4a7c15u) >> 50;
    for (size_t tries = 0; tries < SCREEN_NETWORKS; tries++, at = (at + 1) % SCREEN_NETWORKS) {
        if (t->network[at].name == NULL)
            t->network[at].name = network;
        if (t->network[at].name == network) {
            t->network[at].n += n;
            return;
        }
    }
}

void screen_count(struct screen_tally *t, const struct screened *row, const char *network, uint64_t line)
{
    uint64_t n = t->verdict[row->verdict]++;
    t->rows++;
    if (n < SCREEN_LINES)
        t->line[row->verdict][n] = line;
    if (row->verdict != VERDICT_OK)
        return;
    t->repair[row->repair]++;
    t->type[row->number.type]++;
    t->region[row->number.region]++;
    if (network != NULL && network[0] != '\0')
        screen_count_network(t, network, 1);
}

uint64_t screen_class_count(const struct screen_tally *t, enum verdict_class c)
{
    uint64_t n = 0;
    for (int i = 0; i < VERDICTS; i++)
        n += verdicts[i].class == c ? t->verdict[i] : 0;
    return n;
}
