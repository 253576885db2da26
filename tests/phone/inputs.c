/* SPDX-License-Identifier: Apache-2.0
 * inputs.c - phone numbers good and bad.
 *
 * Valid ones are random walks through the decision graph; how they are spelt, dialled and damaged is chosen by shares that follow what
 * contact lists look like. The hard and hostile kinds put together what each rule of reading was once wrong about. */
#include "tests/phone/inputs.h"

#include <stdio.h>
#include <string.h>

#define ROWS(a) (sizeof(a) / sizeof(a)[0])

uint64_t inputs_random(struct inputs *g, uint64_t below)
{
    g->state ^= g->state << 13;
    g->state ^= g->state >> 7;
    g->state ^= g->state << 17;
    return (g->state >> 11) % below;
}

static void put(struct input *in, const char *p, size_t n)
{
    if (n > sizeof in->text - in->n)
        n = sizeof in->text - in->n;
    memcpy(in->text + in->n, p, n);
    in->n += n;
}

static void puts_(struct input *in, const char *z)
{
    put(in, z, strlen(z));
}

static void put_code(struct input *in, unsigned code)
{
    char digits[12];
    snprintf(digits, sizeof digits, "%u", code);
    puts_(in, digits);
}

static void put_random(struct inputs *g, struct input *in, size_t n)
{
    while (n-- > 0)
        put(in, &"0123456789"[inputs_random(g, 10)], 1);
}

#define PICK(g, table) (table)[inputs_random(g, ROWS(table))]

/* ---- digits of a plan ---- */

/* A random walk; true where it ends at a valid number. */
static bool walk(struct inputs *g, const struct phone_plan *plan, size_t n, char *ret)
{
    const struct phone_data *d = g->d;
    uint32_t ref = d->root[plan->root][n];
    size_t i = 0;
    while (ref >= d->head->leaves) {
        unsigned digit = (unsigned)inputs_random(g, 10);
        ref = d->node[ref - d->head->leaves].next[digit];
        ret[i++] = (char)('0' + digit);
    }
    while (i < n)
        ret[i++] = (char)('0' + inputs_random(g, 10));
    ret[n] = '\0';
    return d->payload[ref].type != PHONE_UNKNOWN_TYPE;
}

size_t inputs_cell(struct inputs *g, uint32_t plan, char ret[PHONE_NSN_MAX + 1])
{
    const struct phone_plan *p = &g->d->plan[plan];
    size_t n = 0;
    for (int tries = 0; tries < 200; tries++) {
        n = 4 + inputs_random(g, PHONE_NSN_MAX - 4);
        if (g->d->root[p->root][n] < g->d->head->leaves && tries < 150)
            continue;
        if (walk(g, p, n, ret))
            break;
    }
    ret[n] = '\0';
    return n;
}

struct cells {
    struct inputs *g;
    void (*cell)(void *, unsigned, struct str);
    void *arg;
    unsigned code;
    size_t n;
    char digits[PHONE_NSN_MAX + 1];
};

static void descend(struct cells *c, uint32_t ref, size_t at)
{
    const struct phone_data *d = c->g->d;
    if (ref < d->head->leaves) {
        for (size_t i = at; i < c->n; i++)
            c->digits[i] = (char)('0' + inputs_random(c->g, 10));
        c->cell(c->arg, c->code, (struct str){c->digits, c->n});
        return;
    }
    for (unsigned k = 0; k < 10; k++) {
        c->digits[at] = (char)('0' + k);
        descend(c, d->node[ref - d->head->leaves].next[k], at + 1);
    }
}

void inputs_cells(struct inputs *g, void (*cell)(void *, unsigned code, struct str nsn), void *arg)
{
    struct cells c = {.g = g, .cell = cell, .arg = arg};
    for (uint32_t i = 1; i < g->d->count[PHONE_SECTION_PLAN]; i++)
        for (c.n = 2; c.n <= PHONE_NSN_MAX; c.n++) {
            c.code = g->d->plan[i].code;
            descend(&c, g->d->root[g->d->plan[i].root][c.n], 0);
        }
}

/* ---- as lists hold them ---- */

static const struct share {
    char region[3];
    unsigned percent;
} shares[] = {{"US", 27}, {"GB", 9}, {"IN", 7}, {"DE", 5}, {"FR", 4}, {"BR", 4}, {"AU", 3}, {"CA", 3}, {"IT", 3},
              {"ES", 3},  {"MX", 3}, {"NL", 2}, {"ID", 2}, {"AR", 1}, {"CN", 1}, {"JP", 1}, {"KR", 1}, {"ZA", 1}};

static int any_region(struct inputs *g)
{
    int row;
    do
        row = 1 + (int)inputs_random(g, g->d->count[PHONE_SECTION_REGION] - 1);
    while (g->d->region[row].flags & PHONE_REGION_NOBODYS);
    return row;
}

static int weighted_region(struct inputs *g)
{
    unsigned at = (unsigned)inputs_random(g, 100);
    for (size_t i = 0; i < ROWS(shares); i++) {
        if (at < shares[i].percent)
            return phone_region(g->d, str_of(shares[i].region));
        at -= shares[i].percent;
    }
    return any_region(g);
}

/* A valid number of the region itself, where a few hundred tries find one: three mobile to one of the others. */
static size_t number_of_region(struct inputs *g, int region, char ret[PHONE_NSN_MAX + 1])
{
    bool mobile = inputs_random(g, 4) != 0;
    size_t n = 0;
    for (int tries = 0; tries < 400; tries++) {
        struct phone_number number;
        n = inputs_cell(g, g->d->region[region].plan, ret);
        phone_number_of(g->d, g->d->region[region].code, (struct str){ret, n}, &number);
        bool is_mobile = number.type == PHONE_MOBILE || number.type == PHONE_FIXED_LINE_OR_MOBILE;
        if ((int)number.region == region && (is_mobile == mobile || tries > 100))
            break;
    }
    return n;
}

/* Digits in groups with something between them. */
static void put_grouped(struct inputs *g, struct input *in, const char *digits, size_t n)
{
    static const char *const between[] = {" ", " ", "-", ".", " ", "-"};
    const char *sign = PICK(g, between);
    size_t first = 2 + inputs_random(g, 2);
    bool brackets = inputs_random(g, 4) == 0 && n > first;
    for (size_t i = 0; i < n; i++) {
        bool edge = i >= first && (i - first) % 3 == 0 && n - i > 1;
        if (brackets && i == 0)
            puts_(in, "(");
        if (brackets && i == first)
            puts_(in, ")");
        if (edge)
            puts_(in, brackets && i == first ? " " : sign);
        put(in, digits + i, 1);
    }
}

static void put_national(struct inputs *g, struct input *in, int region, const char *nsn, size_t n)
{
    const char *prefix = g->d->text + g->d->region[region].prefix_text;
    char all[64];
    if (strcmp(prefix, "1") == 0 && inputs_random(g, 3) != 0)
        prefix = "";
    size_t len = (size_t)snprintf(all, sizeof all, "%s%.*s", prefix, (int)n, nsn);
    if (inputs_random(g, 2))
        put_grouped(g, in, all, len);
    else
        put(in, all, len);
}

static void damage(struct inputs *g, struct input *in)
{
    static const char *const odd[] = {"?", "x", "  ", "..", "0", ",", "#", "*", "+", ";"};
    struct input was = *in;
    size_t at = inputs_random(g, was.n + 1), gone = inputs_random(g, 3);
    in->n = at;
    puts_(in, PICK(g, odd));
    if (at + gone < was.n)
        put(in, was.text + at + gone, was.n - at - gone);
}

static const char *const words[] = {"FLOWERS", "CALLNOW", "TAXI", "HELP", "abc", "PIZZA"};
static const char *const junk[] = {"",  "n/a", "unknown", "-",       "info@example.com",
                                   "0", "999", "tbd",     "see CRM", "2026-11-22"};
static const char *const extensions[] = {" ext. 12", " x345", "ext 7", ";ext=99", " #4", ",,12", " anexo 3"};

static void mixed(struct inputs *g, struct input *in)
{
    char nsn[PHONE_NSN_MAX + 1];
    unsigned style = (unsigned)inputs_random(g, 1000);
    in->region = weighted_region(g);
    const struct phone_region_row *r = &g->d->region[in->region];
    size_t n = number_of_region(g, in->region, nsn);
    if (style < 5) {
        puts_(in, PICK(g, junk));
        return;
    }
    if (style < 355 || style >= 985) { /* +4915112345678 */
        puts_(in, "+");
        put_code(in, r->code);
        put(in, nsn, n);
    } else if (style < 555) { /* +49 151 123 456 78 */
        puts_(in, "+");
        put_code(in, r->code);
        puts_(in, " ");
        put_grouped(g, in, nsn, n);
    } else if (style < 905) { /* 0151 12345678 */
        put_national(g, in, in->region, nsn, n);
    } else if (style < 945) { /* 0049151... */
        puts_(in, r->code == 1 ? "011" : "00");
        put_code(in, r->code);
        put(in, nsn, n);
    } else if (style < 965) { /* +44 (0)20 */
        puts_(in, "+");
        put_code(in, r->code);
        puts_(in, " (0)");
        put_grouped(g, in, nsn, n);
    } else { /* damaged */
        put_national(g, in, in->region, nsn, n);
        damage(g, in);
    }
    if (style >= 985 && style < 995)
        puts_(in, PICK(g, extensions));
    if (style >= 995) {
        in->n = in->n > 7 ? in->n - 7 : in->n;
        puts_(in, PICK(g, words));
    }
}

/* ---- the others ---- */

static void maybe_region(struct inputs *g, struct input *in)
{
    in->region = inputs_random(g, 12) ? any_region(g) : 0;
}

static void random_digits(struct inputs *g, struct input *in)
{
    maybe_region(g, in);
    unsigned style = (unsigned)inputs_random(g, 4);
    if (style == 0)
        puts_(in, "+");
    if (style == 1) {
        puts_(in, "+");
        put_code(in, g->d->plan[1 + inputs_random(g, g->d->count[PHONE_SECTION_PLAN] - 1)].code);
    }
    put_random(g, in, 1 + inputs_random(g, inputs_random(g, 8) ? 14 : 24));
}

static const char *const idds[] = {"00",  "011",  "0011", "001",  "010", "810", "8~10", "119",
                                   "009", "0014", "0021", "0041", "990", "09",  "1230", "00700"};
static const char *const prefixes[] = {"0",   "1",    "8",   "9",    "06",  "01",  "02",   "044",   "045",
                                       "015", "0015", "041", "0xx",  "80",  "82",  "0180", "17951", "95",
                                       "11",  "911",  "00",  "0015", "549", "549", "5415", "900"};

static void put_dialled(struct inputs *g, struct input *in, const struct phone_region_row *r, const char *nsn, size_t n)
{
    switch (inputs_random(g, 7)) {
    case 0:
        puts_(in, "+");
        put_code(in, r->code);
        break;
    case 1:
        puts_(in, PICK(g, idds));
        put_code(in, r->code);
        break;
    case 2:
        put_code(in, r->code);
        break;
    case 3:
        puts_(in, "+");
        put_code(in, r->code);
        puts_(in, PICK(g, prefixes));
        break;
    case 4:
        puts_(in, g->d->text + r->prefix_text);
        break;
    case 5:
        puts_(in, PICK(g, prefixes));
        break;
    default:
        break;
    }
    put(in, nsn, n);
}

static void near(struct inputs *g, struct input *in)
{
    char nsn[PHONE_NSN_MAX + 1];
    int region = any_region(g);
    const struct phone_region_row *r = &g->d->region[region];
    size_t n = inputs_cell(g, r->plan, nsn), at = inputs_random(g, n);
    in->region = inputs_random(g, 3) ? region : any_region(g);
    unsigned what = (unsigned)inputs_random(g, 4);
    char digit = (char)('0' + inputs_random(g, 10)), changed[PHONE_NSN_MAX + 2];
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        if (what == 0 && i == at)
            changed[len++] = digit;
        if (what == 1 && i == at)
            continue;
        changed[len++] = what == 2 && i == at ? digit : nsn[i];
    }
    put_dialled(g, in, r, changed, len);
}

static const char hard_regions[][3] = {"AR", "BR", "MX", "CN", "KR", "CO", "JP", "GA", "AG", "BB", "KZ",
                                       "RU", "IT", "SM", "VA", "GG", "JE", "IM", "NF", "AU", "CC", "CX",
                                       "MG", "UZ", "HU", "LT", "NI", "CR", "SG", "CL", "BY", "US"};

static void hard(struct inputs *g, struct input *in)
{
    char nsn[PHONE_NSN_MAX + 1];
    in->region = phone_region(g->d, str_of(PICK(g, hard_regions)));
    const struct phone_region_row *r = &g->d->region[in->region];
    size_t n = inputs_random(g, 3) ? inputs_cell(g, r->plan, nsn) : 0;
    if (n == 0) {
        struct input digits = {.n = 0};
        n = 5 + inputs_random(g, 9);
        put_random(g, &digits, n);
        memcpy(nsn, digits.text, n);
    }
    if (inputs_random(g, 5) == 0) /* what is dialled behind a prefix of a prefix */
        puts_(in, PICK(g, prefixes));
    put_dialled(g, in, r, nsn, n);
}

static const char *const pieces[] = {
    "\xef\xbc\x91\xef\xbc\x92",
    "\xef\xbc\x8b",
    "+",
    "++",
    "\xc2\xa0",
    "\xd9\xa1\xd9\xa2\xd9\xa3",
    "\xe0\xa5\xa7\xe0\xa5\xa8",
    "\xf0\x9d\x9f\x8f\xf0\x9d\x9f\x90",
    "\xe2\x80\x8b",
    "\xe2\x81\xa0",
    "\xc2\xad",
    "\xe2\x80\x93",
    "\xe2\x80\x95",
    "\xe2\x88\x92",
    "\xe3\x83\xbc",
    "\xef\xbc\x8d",
    "\xef\xbc\x8f",
    "\xe3\x80\x80",
    "\xef\xbc\x88",
    "\xef\xbc\x89",
    "\xef\xbc\xbb",
    "\xef\xbc\xbd",
    "\xe2\x81\x93",
    "\xe2\x88\xbc",
    "~",
    "*",
    "#",
    "[",
    "]",
    "(",
    ")",
    ".",
    "-",
    "/",
    "\\",
    " ",
    "  ",
    "\t",
    "\n",
    "\r",
    "\f",
    "\v",
    "\xe2\x80\xa8",
    "\xe2\x80\xa9",
    "\xc2\x85",
    ",",
    ",,",
    ";",
    ":",
    "x",
    "X",
    "/x",
    "/ x",
    "\\x",
    "/X",
    "/x12/x34",
    " x",
    "ext",
    "EXT",
    "Ext.",
    " ext: ",
    "xt",
    "extn",
    "extension ",
    "extensi\xc3\xb3n",
    "EXTENSI\xc3\x93N",
    "extensio\xcc\x81n",
    "exten\xc5\xbfion",
    "e",
    "n",
    "int",
    "INT ",
    "\xc4\xb0nt",
    "anexo",
    " Anexo ",
    "\xd0\xb4\xd0\xbe\xd0\xb1",
    "\xd0\x94\xd0\x9e\xd0\x91. ",
    "\xe1\xb2\x81\xe1\xb2\x82\xd0\xb1",
    "\xef\xbd\x98",
    "\xef\xbc\xb8",
    "\xef\xbd\x85\xef\xbd\x98\xef\xbd\x94\xef\xbd\x8e",
    "\xef\xbc\xa5\xef\xbc\xb8\xef\xbc\xb4",
    "\xef\xbd\x98\xef\xbd\x94",
    "\xef\xbd\x89\xef\xbd\x8e\xef\xbd\x94",
    "\xef\xbc\x83",
    "\xef\xbd\x9e",
    "\xef\xbc\x8e",
    ";ext=",
    ";EXT=",
    ";ext=123#",
    ";isub=",
    ";isub=12345",
    "tel:",
    "TEL:",
    ";phone-context=",
    ";phone-context=+1",
    ";phone-context=+44-20",
    ";phone-context=example.com",
    ";phone-context=a.1b.",
    ";phone-context=1.2",
    ";phone-context=",
    ";phone-context=+",
    ";phone-context=+1;x=y",
    ";phone-context=+\xd9\xa1",
    ";phone-context=-a",
    ";phone-context=a-b.c-d",
    ";phone-context=+(1).2-3",
    "\xff",
    "\xc0\x80",
    "\xed\xa0\x80",
    "\xef\xbf\xbe",
    "\xef\xb7\x90",
    "\xef\xbf\xbd",
    "\xf4\x90\x80\x80",
    "\xe2\x82",
    "\x01",
    "\x7f",
    "\xc2\x9f",
    "A",
    "z",
    "abc",
    "ABCDEFG",
    "\xc5\xbf",
    "\xe2\x84\xaa",
    "\xc3\xa9",
    "\xcc\x81",
    "\xe2\x85\xa7",
    "\xc2\xb2",
    "\xe2\x91\xa0",
    "\xe4\xb8\x80",
    "\xf0\x9f\x98\x80",
    "#1",
    "12#",
    "- 503#",
    " - 7#",
    "?",
    "&",
    "p",
    "w",
    "0",
    "00",
    "011",
    "1",
    "(0)",
    "+1",
    "+44",
    "+49",
    "+800",
    "+999",
    "\xe2\x80\x8e",
    "\xe2\x80\xac",
};

static void hostile(struct inputs *g, struct input *in)
{
    char nsn[PHONE_NSN_MAX + 1];
    size_t rounds = 1 + inputs_random(g, 5);
    maybe_region(g, in);
    for (size_t i = 0; i < rounds; i++) {
        if (inputs_random(g, 3) != 0)
            puts_(in, PICK(g, pieces));
        if (inputs_random(g, 4) == 0) {
            put_random(g, in, 1 + inputs_random(g, 22));
            continue;
        }
        const struct phone_region_row *r = &g->d->region[in->region ? in->region : any_region(g)];
        size_t n = inputs_cell(g, r->plan, nsn), cut = inputs_random(g, n + 1);
        put(in, nsn, cut);
        if (inputs_random(g, 2))
            puts_(in, PICK(g, pieces));
        if (inputs_random(g, 2))
            put(in, nsn + cut, n - cut);
    }
    if (inputs_random(g, 3) == 0)
        puts_(in, PICK(g, pieces));
}

static void (*const makers[INPUT_KINDS])(struct inputs *, struct input *) = {mixed, random_digits, near, hard, hostile};

void inputs_next(struct inputs *g, enum input_kind kind, struct input *ret)
{
    ret->n = 0;
    ret->region = 0;
    makers[kind](g, ret);
}
