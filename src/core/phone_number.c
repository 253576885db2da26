/* SPDX-License-Identifier: Apache-2.0
 * phone_number.c - what dialled digits mean.
 *
 * The order of questions is libphonenumber's, because its answers depend on it: an international prefix, the calling code, the default
 * region's own code written without a plus, then the national prefix, which is taken off only if what remains is possible and no worse.
 * Every "does it match" is a walk through the decision graph, every "is it long enough" a bit of a mask. With a calling code in the
 * number the rules of the code's main region hold; without one those of the default region.
 *
 * Most texts are digits with a few separators: those are gathered here, without looking at characters. Whatever else stands in a text
 * sends it to phone_number_text.c. Nothing here allocates, and nothing of the tables is doubted: phone_data_open() saw to that. */
#include "core/phone_number.h"

#include <string.h>

#include "core/phone_number_impl.h"
#include "core/phone_program.h"

#define SHORT_TEXT 40 /* bytes of a text read here */
#define NSN_LEAST  2
#define CODE_MOST  3
#define CHANGED    (PHONE_TEXT_MAX + 64) /* a number with its beginning rewritten */

static const char *const status_words[] = {"ok",           "unknown_country_code",
                                           "not_a_number", "too_short_after_prefix",
                                           "too_short",    "too_long",
                                           "input_too_big"};
static const char *const type_words[] = {"fixed_line",  "mobile", "fixed_line_or_mobile", "toll_free", "premium_rate",
                                         "shared_cost", "voip",   "personal_number",      "pager",     "uan",
                                         "voicemail",   "unknown"};
static const char *const possible_words[] = {"possible",  "local_only",     "unknown_country_code",
                                             "too_short", "invalid_length", "too_long"};

/* ---- the tables ---- */

/* The answer of a row of ROOT for n digits, n at most PHONE_NSN_MAX. */
static inline struct phone_payload answer(const struct phone_data *d, uint16_t row, const char *digits, size_t n)
{
    uint32_t leaves = d->head->leaves, ref = d->root[row][n];
    while (ref >= leaves)
        ref = d->node[ref - leaves].next[*digits++ - '0'];
    return d->payload[ref];
}

/* Whether the region's general pattern matches all of it, whatever lengths it allows. */
static bool general(const struct phone_data *d, const struct phone_region_row *r, struct str nsn)
{
    return nsn.n <= PHONE_NSN_MAX && answer(d, r->root, nsn.p, nsn.n).flags & PHONE_GENERAL;
}

static inline enum phone_possible measure(const struct phone_data *d, uint32_t lengths, unsigned kind, size_t n)
{
    const struct phone_lengths *l = &d->lengths[lengths];
    uint32_t possible = d->mask[l->possible[kind]], bit = n <= PHONE_NSN_MAX ? 1u << n : 0;
    if (d->mask[l->local_only[kind]] & bit && possible)
        return PHONE_IS_POSSIBLE_LOCAL_ONLY;
    if (possible & bit)
        return PHONE_IS_POSSIBLE;
    if (!possible)
        return PHONE_POSSIBLE_INVALID_LENGTH;
    if (bit && (possible & (bit - 1)) == 0)
        return PHONE_POSSIBLE_TOO_SHORT;
    return !bit || possible < bit ? PHONE_POSSIBLE_TOO_LONG : PHONE_POSSIBLE_INVALID_LENGTH;
}

/* Row of PLAN of the calling code that n digits begin with, and how many it has; 0 none. */
static inline uint32_t code_of(const struct phone_data *d, const char *digit, size_t n, size_t *ret_digits)
{
    unsigned first = (unsigned)(digit[0] - '0') * 100;
    if (n > 1)
        first += (unsigned)(digit[1] - '0') * 10;
    if (n > 2)
        first += (unsigned)(digit[2] - '0');
    *ret_digits = d->by_digits[first] % 4;
    return *ret_digits <= n ? d->by_digits[first] / 4 : 0;
}

/* ---- the national prefix ---- */

/* Room for a number whose beginning was rewritten. */
struct rewritten {
    char bytes[CHANGED + PHONE_SLACK];
};

/* The number with what was matched replaced by the region's transform. */
static struct str transform(const struct phone_data *d, const struct phone_region_row *r, struct str nsn,
                            const struct phone_found *f, struct rewritten *room)
{
    size_t n = 0, rest = nsn.n - f->end;
    for (const char *t = d->text + r->transform; *t; t++) {
        struct str piece = {t, 1};
        if (*t == '$')
            piece = phone_found_group(f, (unsigned)(*++t - '0'), nsn.p);
        if (piece.n + rest > CHANGED - n)
            return nsn; /* no rule repeats what it caught until it is longer than a text can be */
        memcpy(room->bytes + n, piece.p, piece.n);
        n += piece.n;
    }
    memcpy(room->bytes + n, nsn.p + f->end, rest);
    return (struct str){room->bytes, n + rest};
}

/* What the rule of the region makes of the number, and the carrier it names. */
static struct str by_program(const struct phone_data *d, const struct phone_region_row *r, struct str nsn,
                             struct rewritten *room, struct str *ret_carrier)
{
    struct phone_found f;
    if (!phone_program_run(d, r->prefix_program, nsn.p, nsn.n, &f))
        return nsn;
    if (r->prefix_groups > 0)
        *ret_carrier = phone_found_group(&f, 1, nsn.p);
    if (r->transform && r->prefix_groups > 0 && phone_found_group(&f, r->prefix_groups > 1 ? 2 : 1, nsn.p).n > 0)
        return transform(d, r, nsn, &f, room);
    return (struct str){nsn.p + f.end, nsn.n - f.end};
}

/* The number without its national prefix; the same where it has none, or would stop matching by losing it. */
static struct str without_prefix(const struct phone_data *d, const struct phone_region_row *r, struct str nsn,
                                 struct rewritten *room, struct str *ret_carrier)
{
    struct str rest = nsn, carrier = {NULL, 0};
    if (nsn.n == 0 || !(r->prefix_first >> (nsn.p[0] - '0') & 1))
        return nsn;
    if (r->prefix_single)
        rest = (struct str){nsn.p + 1, nsn.n - 1};
    else if (r->prefix_program)
        rest = by_program(d, r, nsn, room, &carrier);
    if (general(d, r, nsn) && !general(d, r, rest))
        return nsn;
    *ret_carrier = carrier;
    return rest;
}

/* ---- the calling code ---- */

struct found_code {
    enum phone_status status;
    enum phone_code_source source;
    uint32_t plan;   /* 0: the number has none */
    struct str rest; /* what follows */
};

static void after_prefix(const struct phone_data *d, struct str digits, struct found_code *ret)
{
    size_t n = 0;
    ret->status = digits.n <= NSN_LEAST ? PHONE_TOO_SHORT_AFTER_IDD : PHONE_OK;
    if (ret->status != PHONE_OK)
        return;
    ret->plan = code_of(d, digits.p, digits.n, &n);
    ret->rest = (struct str){digits.p + n, digits.n - n};
    if (!ret->plan)
        ret->status = PHONE_INVALID_COUNTRY_CODE;
}

/* Whether the number begins with the region's international prefix, which no 0 can follow. */
static bool dialled_abroad(const struct phone_data *d, const struct phone_region_row *r, struct str digits,
                           struct str *ret_rest)
{
    struct phone_found f;
    if (!r->idd_program || !phone_program_run(d, r->idd_program, digits.p, digits.n, &f) ||
        (f.end < digits.n && digits.p[f.end] == '0'))
        return false;
    *ret_rest = (struct str){digits.p + f.end, digits.n - f.end};
    return true;
}

/* The region's own calling code with nothing before it: believed if the number is better without it. */
static bool own_code(const struct phone_data *d, const struct phone_region_row *r, struct str digits,
                     struct rewritten *room, struct str *ret_rest)
{
    size_t n = 0;
    if (digits.n == 0 || code_of(d, digits.p, digits.n, &n) != r->plan)
        return false;
    struct str carrier, rest = {digits.p + n, digits.n - n};
    rest = without_prefix(d, r, rest, room, &carrier);
    if ((general(d, r, digits) || !general(d, r, rest)) &&
        measure(d, r->lengths, 0, digits.n) != PHONE_POSSIBLE_TOO_LONG)
        return false;
    *ret_rest = rest;
    return true;
}

static void without_plus(const struct phone_data *d, int region, struct str digits, struct rewritten *room,
                         struct found_code *ret)
{
    const struct phone_region_row *r = &d->region[region];
    *ret = (struct found_code){PHONE_OK, PHONE_CODE_FROM_DEFAULT, 0, digits};
    if (region == 0)
        return;
    if (dialled_abroad(d, r, digits, &ret->rest)) {
        ret->source = PHONE_CODE_FROM_IDD;
        after_prefix(d, ret->rest, ret);
    } else if (own_code(d, r, digits, room, &ret->rest)) {
        ret->source = PHONE_CODE_WITHOUT_PLUS;
        ret->plan = r->plan;
    }
}

/* A plus with an unknown code behind it is taken for a mistake, and the rest read as if dialled. */
static void with_plus(const struct phone_data *d, int region, struct str digits, struct rewritten *room,
                      struct found_code *ret)
{
    *ret = (struct found_code){PHONE_OK, PHONE_CODE_FROM_PLUS, 0, digits};
    after_prefix(d, digits, ret);
    if (ret->status != PHONE_INVALID_COUNTRY_CODE)
        return;
    without_plus(d, region, digits, room, ret);
    ret->status = ret->plan ? PHONE_OK : PHONE_INVALID_COUNTRY_CODE;
}

/* ---- the whole ---- */

/* The n digits at p, eight at most, as a number; eight bytes are readable there. Two, four, then all are put together at once. */
static inline uint64_t eight(const char *p, size_t n)
{
    uint64_t x;
    memcpy(&x, p, 8);
    x = (x << 8 * (8 - n)) - (UINT64_C(0x3030303030303030) << 8 * (8 - n));
    x = x * 10 + (x >> 8);
    return ((x & 0x000000ff000000ff) * 0x000f424000000064 + (x >> 16 & 0x000000ff000000ff) * 0x0000271000000001) >> 32;
}

static const uint64_t tens[] = {1,
                                10,
                                100,
                                1000,
                                10000,
                                100000,
                                1000000,
                                10000000,
                                100000000,
                                1000000000,
                                10000000000,
                                100000000000,
                                1000000000000,
                                10000000000000,
                                100000000000000,
                                1000000000000000,
                                10000000000000000,
                                100000000000000000};

/* All digits, code included, as one number; 0 beyond 19 of them. */
static inline uint64_t joined(unsigned code, const char *nsn, size_t n)
{
    uint64_t value = 0;
    if (n + (code > 9) + (code > 99) > 18)
        return 0;
    if (n <= 8)
        return code * tens[n] + (n ? eight(nsn, n) : 0);
    if (n > 16)
        value = (uint64_t)(nsn[0] - '0') * tens[16];
    value += eight(nsn + (n > 16), n > 16 ? 8 : n - 8) * tens[8];
    value += eight(nsn + n - 8, 8);
    return code * tens[n] + value;
}

/* Copies n digits and makes the rest of the field zero, without asking how many there are. */
static inline void keep(struct phone_number *ret, const char *nsn, size_t n)
{
    static const uint8_t mask[2 * PHONE_NSN_MAX + 2] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
                                                        0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    uint64_t a, b, c, d;
    memcpy(&a, nsn, 8);
    memcpy(&b, mask + PHONE_NSN_MAX + 1 - n, 8);
    memcpy(&c, nsn + 8, 8);
    memcpy(&d, mask + PHONE_NSN_MAX + 9 - n, 8);
    a &= b;
    c &= d;
    memcpy(ret->nsn, &a, 8);
    memcpy(ret->nsn + 8, &c, 8);
    ret->nsn[16] = n > 16 ? nsn[16] : '\0';
    ret->nsn[17] = '\0';
    ret->nsn_len = (uint8_t)n;
}

/* n digits of a plan; readable around. The walk comes last: where it ends is a guess of the processor's, and a wrong one throws away
 * what was begun behind it. */
static inline void classify(const struct phone_data *d, const struct phone_plan *plan, struct str nsn,
                            struct phone_number *ret)
{
    ret->code = plan->code;
    ret->possible = (uint8_t)measure(d, d->region[plan->main].lengths, 0, nsn.n);
    ret->e164 = joined(plan->code, nsn.p, nsn.n);
    keep(ret, nsn.p, nsn.n);
    struct phone_payload a = answer(d, plan->root, nsn.p, nsn.n);
    ret->region = a.region;
    ret->type = a.type;
}

static void nothing(struct phone_number *ret, enum phone_status status)
{
    *ret = (struct phone_number){.status = (uint8_t)status,
                                 .type = PHONE_UNKNOWN_TYPE,
                                 .possible = PHONE_POSSIBLE_INVALID_COUNTRY_CODE};
}

/* Takes the national prefix off, if what remains may be a number of that many digits. */
static struct str national(const struct phone_data *d, const struct phone_region_row *r, struct str nsn,
                           struct rewritten *room, struct phone_raw *raw)
{
    struct str carrier = {NULL, 0}, rest = without_prefix(d, r, nsn, room, &carrier);
    if (rest.p == nsn.p && rest.n == nsn.n && carrier.n == 0)
        return nsn;
    enum phone_possible p = measure(d, r->lengths, 0, rest.n);
    if (p != PHONE_IS_POSSIBLE && p != PHONE_POSSIBLE_TOO_LONG)
        return nsn;
    if (raw) {
        size_t n = carrier.n < sizeof raw->carrier ? carrier.n : sizeof raw->carrier - 1;
        memcpy(raw->carrier, carrier.n ? carrier.p : "", n);
        raw->carrier[n] = '\0';
    }
    return rest;
}

/* A national number of that row of PLAN, by the rules of that region. */
static void finish(const struct phone_data *d, uint32_t plan, const struct phone_region_row *r, struct str nsn,
                   struct phone_raw *raw, struct phone_number *ret)
{
    struct rewritten room;
    if (nsn.n < NSN_LEAST) {
        nothing(ret, PHONE_TOO_SHORT_NSN);
        return;
    }
    if (r->prefix_first >> (nsn.p[0] - '0') & 1)
        nsn = national(d, r, nsn, &room, raw);
    if (nsn.n < NSN_LEAST || nsn.n > PHONE_NSN_MAX) {
        nothing(ret, nsn.n < NSN_LEAST ? PHONE_TOO_SHORT_NSN : PHONE_TOO_LONG_NSN);
        return;
    }
    ret->status = PHONE_OK;
    ret->ext_at = ret->ext_len = 0;
    classify(d, &d->plan[plan], nsn, ret);
}

/* Digits that belong to no plan, kept as they are. */
static void planless(unsigned code, struct str nsn, struct phone_number *ret)
{
    nothing(ret, PHONE_OK);
    ret->code = (uint16_t)code;
    ret->e164 = code ? joined(code, nsn.p, nsn.n) : 0;
    keep(ret, nsn.p, nsn.n);
}

void phone_dialled_read(const struct phone_data *d, const struct phone_dialled *in, struct phone_number *ret)
{
    struct str digits = {in->digit, in->n};
    struct found_code c;
    struct rewritten room;
    if (!in->plus && in->region == 0 && !in->bare) {
        nothing(ret, PHONE_INVALID_COUNTRY_CODE);
        return;
    }
    (in->plus ? with_plus : without_plus)(d, in->region, digits, &room, &c);
    if (in->raw)
        in->raw->source = c.source;
    if (c.status != PHONE_OK)
        nothing(ret, c.status);
    else if (c.plan)
        finish(d, c.plan, &d->region[d->plan[c.plan].main], c.rest, in->raw, ret);
    else if (in->region)
        finish(d, d->region[in->region].plan, &d->region[in->region], c.rest, in->raw, ret);
    else if (c.rest.n < NSN_LEAST || c.rest.n > PHONE_NSN_MAX)
        nothing(ret, c.rest.n < NSN_LEAST ? PHONE_TOO_SHORT_NSN : PHONE_TOO_LONG_NSN);
    else
        planless(0, c.rest, ret);
}

/* ---- the short way ---- */

enum { IS_OTHER, IS_BETWEEN, IS_DIGIT };

static const uint8_t byte_kind[256] = {
    ['0'] = IS_DIGIT,   ['1'] = IS_DIGIT,   ['2'] = IS_DIGIT,   ['3'] = IS_DIGIT,   ['4'] = IS_DIGIT,
    ['5'] = IS_DIGIT,   ['6'] = IS_DIGIT,   ['7'] = IS_DIGIT,   ['8'] = IS_DIGIT,   ['9'] = IS_DIGIT,
    [' '] = IS_BETWEEN, ['-'] = IS_BETWEEN, ['.'] = IS_BETWEEN, ['('] = IS_BETWEEN, [')'] = IS_BETWEEN,
    ['/'] = IS_BETWEEN, ['['] = IS_BETWEEN, [']'] = IS_BETWEEN,
};

/* Whether eight bytes are all digits. */
static inline bool all_digits(uint64_t x)
{
    return (x & (x + 0x0606060606060606) & 0xf0f0f0f0f0f0f0f0) == 0x3030303030303030;
}

/* Eight to sixteen bytes that are all digits. */
static inline bool gather_run(const char *p, size_t n, char *out)
{
    uint64_t a, b;
    if (n < 8 || n > 16)
        return false;
    memcpy(&a, p, 8);
    memcpy(&b, p + n - 8, 8);
    if (!all_digits(a) || !all_digits(b))
        return false;
    memcpy(out, &a, 8);
    memcpy(out + n - 8, &b, 8);
    return true;
}

/* Digits and separators, one plus before all of them or none: true, and the digits in out[]. Anything else needs a closer look. */
static inline bool gather(struct str text, char *out, struct phone_dialled *in)
{
    const uint8_t *p = (const uint8_t *)text.p, *end = p + text.n;
    size_t n = 0;
    if (text.n > SHORT_TEXT)
        return false;
    while (p < end && byte_kind[*p] == IS_BETWEEN)
        p++;
    in->plus = p < end && *p == '+';
    p += in->plus;
    in->digit = out;
    in->n = (size_t)(end - p);
    if (gather_run((const char *)p, in->n, out))
        return true;
    for (; p < end; p++) {
        size_t kind = byte_kind[*p];
        if (kind == IS_OTHER)
            return false;
        out[n] = (char)*p;
        n += kind - IS_BETWEEN;
    }
    in->n = n;
    return n > NSN_LEAST;
}

/* The usual case, where no rule needs more than a look at digits: a known code behind a plus, or a national number that cannot begin with
 * an international prefix or its own code, and no national prefix or one of a single digit. False: nothing was done. */
static inline bool plain(const struct phone_data *d, const struct phone_dialled *in, struct phone_number *ret)
{
    size_t code = 0;
    uint32_t own = code_of(d, in->digit, in->n, &code), region = (uint32_t)in->region, plan = d->region[region].plan;
    if (in->plus) {
        plan = own;
        region = d->plan[plan].main;
    } else if (own == plan || (d->idd_first[region][0] >> (in->digit[0] - '0') &
                               d->idd_first[region][1] >> (in->digit[1] - '0') & 1)) {
        return false;
    }
    const struct phone_region_row *r = &d->region[region];
    struct str nsn = in->plus ? (struct str){in->digit + code, in->n - code} : (struct str){in->digit, in->n};
    if (plan == 0 || nsn.n < NSN_LEAST || nsn.n > PHONE_NSN_MAX)
        return false;
    if (r->prefix_first >> (nsn.p[0] - '0') & 1) {
        if (!r->prefix_single)
            return false;
        nsn = national(d, r, nsn, NULL, NULL);
    }
    if (nsn.n < NSN_LEAST)
        return false;
    ret->status = PHONE_OK;
    ret->ext_at = ret->ext_len = 0;
    classify(d, &d->plan[plan], nsn, ret);
    return true;
}

static inline void read(const struct phone_data *d, struct str text, struct phone_dialled *in, struct phone_number *ret)
{
    char room[SHORT_TEXT + PHONE_SLACK];
    if (!gather(text, room, in))
        phone_text_read(d, text, in, ret);
    else if (in->raw || !plain(d, in, ret))
        phone_dialled_read(d, in, ret);
}

void phone_number_read(const struct phone_data *d, struct str text, int default_region, struct phone_number *ret)
{
    struct phone_dialled in = {.region = default_region};
    read(d, text, &in, ret);
}

void phone_number_read_raw(const struct phone_data *d, struct str text, int default_region, struct phone_number *ret,
                           struct phone_raw *ret_raw)
{
    struct phone_dialled in = {.region = default_region, .raw = ret_raw};
    *ret_raw = (struct phone_raw){PHONE_CODE_UNSPECIFIED, ""};
    read(d, text, &in, ret);
}

void phone_number_read_bare(const struct phone_data *d, struct str text, struct phone_number *ret)
{
    struct phone_dialled in = {.bare = true};
    read(d, text, &in, ret);
}

/* ---- numbers that are known ---- */

void phone_number_of(const struct phone_data *d, unsigned code, struct str nsn, struct phone_number *ret)
{
    char room[PHONE_NSN_MAX + PHONE_SLACK];
    uint32_t plan = code < PHONE_CODES ? d->code[code] : 0;
    if (nsn.n > PHONE_NSN_MAX) {
        nothing(ret, PHONE_TOO_LONG_NSN);
        return;
    }
    for (size_t i = 0; i < nsn.n; i++)
        if (byte_kind[(uint8_t)nsn.p[i]] != IS_DIGIT) {
            nothing(ret, PHONE_NOT_A_NUMBER);
            return;
        }
    memset(room, '0', sizeof room);
    if (nsn.n)
        memcpy(room, nsn.p, nsn.n);
    nsn.p = room;
    planless(code, nsn, ret);
    if (plan)
        classify(d, &d->plan[plan], nsn, ret);
}

bool phone_number_of_e164(const struct phone_data *d, uint64_t e164, struct phone_number *ret)
{
    char digits[20];
    size_t at = sizeof digits, code = 0;
    for (; e164; e164 /= 10)
        digits[--at] = (char)('0' + e164 % 10);
    size_t n = sizeof digits - at;
    uint32_t plan = n > 0 ? code_of(d, digits + at, n, &code) : 0;
    nothing(ret, PHONE_INVALID_COUNTRY_CODE);
    if (!plan)
        return false;
    phone_number_of(d, d->plan[plan].code, (struct str){digits + at + code, n - code}, ret);
    return ret->status == PHONE_OK;
}

bool phone_number_valid_for(const struct phone_data *d, const struct phone_number *n, int region)
{
    const struct phone_region_row *r = &d->region[region];
    if (n->status != PHONE_OK || region == 0 || n->code != r->code)
        return false;
    struct phone_payload own = answer(d, r->root, n->nsn, n->nsn_len);
    return own.type != PHONE_UNKNOWN_TYPE && (own.region == region || own.region == 0);
}

enum phone_possible phone_number_possible_for(const struct phone_data *d, const struct phone_number *n,
                                              enum phone_type type)
{
    uint32_t plan = n->code < PHONE_CODES ? d->code[n->code] : 0;
    if (n->status != PHONE_OK || !plan)
        return PHONE_POSSIBLE_INVALID_COUNTRY_CODE;
    return measure(d, d->region[d->plan[plan].main].lengths, type < PHONE_UNKNOWN_TYPE ? 1u + type : 0, n->nsn_len);
}

/* ---- words ---- */

const char *phone_status_word(enum phone_status s)
{
    return status_words[s];
}

const char *phone_type_word(enum phone_type t)
{
    return type_words[t];
}

const char *phone_possible_word(enum phone_possible p)
{
    return possible_words[p];
}

int phone_type_of_word(struct str word)
{
    for (size_t i = 0; i < sizeof type_words / sizeof type_words[0]; i++)
        if (str_eq(word, str_of(type_words[i])))
            return (int)i;
    return -1;
}
