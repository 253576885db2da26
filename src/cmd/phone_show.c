/* SPDX-License-Identifier: Apache-2.0
 * phone_show.c - `wayleave phone show`: everything the numbering plans tell about a number.
 *
 * Nobody is asked: what is shown follows from the digits and the tables. A number that is not valid gets a sentence that says why, with
 * the lengths numbers of that country have. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "cmd/phone_tables.h"
#include "cmd/show.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "core/phone_format.h"
#include "core/phone_place.h"
#include "core/test_number.h"

const struct option phone_show_options[] = {
    {.name = "region", .value = "XX", .help = "where a number without country code is from, as in DE"},
    {0},
};

#define ANSWER_MAX   (1u << 20)
#define LENGTHS_TEXT 128
#define WHY_TEXT     256
#define LINE_BYTES   1024

struct answer {
    const struct phone_data *d;
    struct phone_number n;
    struct str input, ext;
    char national[PHONE_FORMAT_MAX], international[PHONE_FORMAT_MAX], rfc3966[PHONE_FORMAT_MAX], e164[PHONE_FORMAT_MAX];
    char why[WHY_TEXT]; /* "" when it is valid */
    const char *zones, *network;
    bool portable;
    enum test_number test;
    struct test_number_about about;
};

/* ---- why it is not valid ---- */

/* Bits 5, 7, 8, 9: "5, 7 to 9". */
static void lengths_text(uint32_t lengths, char out[LENGTHS_TEXT])
{
    size_t at = 0;
    out[0] = '\0';
    for (unsigned n = 0; n < PHONE_ROOTS && at < LENGTHS_TEXT; n++) {
        unsigned last = n;
        if ((lengths >> n & 1) == 0)
            continue;
        while ((lengths >> (last + 1) & 1) != 0)
            last++;
        int put = snprintf(out + at, LENGTHS_TEXT - at,
                           last > n + 1 ? "%s%u to %u"
                           : last > n   ? "%s%u, %u"
                                        : "%s%u",
                           at > 0 ? ", " : "", n, last);
        at += put > 0 ? (size_t)put : 0;
        n = last;
    }
}

static const char *const unread[] = {
    [PHONE_INVALID_COUNTRY_CODE] =
        "no country code: it does not begin with one that exists, and no --region says where it is from",
    [PHONE_NOT_A_NUMBER] = "it is no phone number",
    [PHONE_TOO_SHORT_AFTER_IDD] = "too little follows the prefix for calls abroad",
    [PHONE_TOO_SHORT_NSN] = "it has fewer than 2 digits",
    [PHONE_TOO_LONG_NSN] = "it has more than 17 digits",
    [PHONE_INPUT_TOO_BIG] = "it is longer than 250 bytes",
};

static void say_why(struct answer *x)
{
    const struct phone_number *n = &x->n;
    const struct phone_region_row *main = &x->d->region[x->d->plan[x->d->code[n->code]].main];
    char lengths[LENGTHS_TEXT];
    x->why[0] = '\0';
    if (n->status != PHONE_OK) {
        snprintf(x->why, sizeof x->why, "%s", unread[n->status]);
    } else if (!phone_number_valid(n) && n->possible == PHONE_IS_POSSIBLE) {
        snprintf(x->why, sizeof x->why, "its length is right, but it is in no range that is assigned");
    } else if (!phone_number_valid(n) && n->possible == PHONE_IS_POSSIBLE_LOCAL_ONLY) {
        snprintf(x->why, sizeof x->why,
                 "its area code is missing: with %u digits it can be dialled in its own area only", n->nsn_len);
    } else if (!phone_number_valid(n)) {
        lengths_text(x->d->mask[x->d->lengths[main->lengths].possible[0]], lengths);
        snprintf(x->why, sizeof x->why, "%u digits behind +%u: numbers there have %s", n->nsn_len, n->code, lengths);
    }
}

/* ---- the answer ---- */

static void ask(const struct phone_data *d, struct str input, int region, struct answer *x)
{
    *x = (struct answer){.d = d, .input = input, .zones = "", .network = ""};
    phone_number_read(d, input, region, &x->n);
    say_why(x);
    if (x->n.status != PHONE_OK)
        return;
    x->ext = (struct str){input.p + x->n.ext_at, x->n.ext_len};
    phone_format(d, &x->n, x->ext, PHONE_NATIONAL, x->national);
    phone_format(d, &x->n, x->ext, PHONE_INTERNATIONAL, x->international);
    phone_format(d, &x->n, x->ext, PHONE_RFC3966, x->rfc3966);
    phone_format(d, &x->n, x->ext, PHONE_E164, x->e164);
    x->zones = phone_zones(d, &x->n);
    x->network = phone_network(d, &x->n, &x->portable);
    x->test = test_number(d, x->n.e164, &x->about);
}

static const char *region_of(const struct answer *x)
{
    return x->n.region != 0 ? phone_region_id(x->d, x->n.region) : NULL;
}

static void put_zones(struct json_out *o, const char *zones)
{
    struct str rest = str_of(strcmp(zones, PHONE_ZONES_UNKNOWN) == 0 ? "" : zones);
    jo_key(o, "zones");
    jo_array(o);
    while (rest.n > 0)
        jo_str(o, str_cut(rest, '&', &rest));
    jo_end(o);
}

/* Every region the number would be valid in: of a shared country code there may be several. */
static void put_regions(struct json_out *o, const struct answer *x)
{
    jo_key(o, "regions");
    jo_array(o);
    for (uint32_t r = 1; r < x->d->count[PHONE_SECTION_REGION]; r++)
        if (x->d->region[r].code == x->n.code && phone_number_valid_for(x->d, &x->n, (int)r))
            jo_cstr(o, phone_region_id(x->d, (int)r));
    jo_end(o);
}

static void put_known(struct json_out *o, const struct answer *x)
{
    jo_kcstr(o, "possible", phone_possible_word((enum phone_possible)x->n.possible));
    jo_kcstr(o, "e164", x->e164);
    jo_kint(o, "code", x->n.code);
    jo_kcstr(o, "national_digits", x->n.nsn);
    jo_kstr(o, "extension", x->ext);
    jo_kcstr(o, "region", region_of(x));
    put_regions(o, x);
    jo_kcstr(o, "type", phone_type_word((enum phone_type)x->n.type));
    jo_kcstr(o, "national", x->national);
    jo_kcstr(o, "international", x->international);
    jo_kcstr(o, "rfc3966", x->rfc3966);
    jo_kbool(o, "geographical", phone_geographical(x->d, &x->n));
    put_zones(o, x->zones);
    jo_kcstr(o, "network", x->network[0] != '\0' ? x->network : NULL);
    jo_kbool(o, "portable", x->portable);
    jo_kcstr(o, "test_number", x->test != TEST_NUMBER_NOT ? test_number_word(x->test) : NULL);
}

static int print_json(const struct answer *x)
{
    struct buf b;
    struct json_out o;
    buf_init(&b, ANSWER_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kstr(&o, "input", x->input);
    jo_kbool(&o, "valid", x->why[0] == '\0');
    jo_kcstr(&o, "why", x->why[0] != '\0' ? x->why : NULL);
    jo_kcstr(&o, "status", phone_status_word((enum phone_status)x->n.status));
    if (x->n.status == PHONE_OK)
        put_known(&o, x);
    jo_kcstr(&o, "data", phone_data_name(x->d));
    jo_end(&o);
    int rc = cmd_print_json(&b);
    buf_done(&b);
    return rc;
}

/* "Europe/Berlin&Europe/Busingen" with commas, in lines. */
static void show_zones(const char *zones)
{
    struct buf b;
    buf_init(&b, ANSWER_MAX);
    for (const char *c = zones; *c != '\0'; c++)
        buf_puts(&b, *c == '&' ? ", " : (const char[]){*c, '\0'});
    show_line(2, "time zones", buf_str(&b));
    buf_done(&b);
}

static void show_known(const struct answer *x)
{
    char text[LENGTHS_TEXT];
    show_line(2, "E.164", str_of(x->e164));
    show_line(2, "at home", str_of(x->national));
    show_line(2, "abroad", str_of(x->international));
    show_line(2, "link", str_of(x->rfc3966));
    snprintf(text, sizeof text, "%s (+%u)", x->n.region != 0 ? region_of(x) : "not known", x->n.code);
    show_line(2, "region", str_of(text));
    if (x->why[0] == '\0')
        show_line(2, "type", str_of(phone_type_word((enum phone_type)x->n.type)));
    if (strcmp(x->zones, PHONE_ZONES_UNKNOWN) != 0)
        show_zones(x->zones);
    snprintf(text, sizeof text, "%s%s", x->network, x->portable ? ", unless the number has moved" : "");
    show_line(2, "network", str_of(x->network[0] != '\0' ? text : ""));
    if (x->test != TEST_NUMBER_NOT)
        show_line(2, "nobody's", str_of(x->about.source));
}

static void show(const struct answer *x)
{
    term_text(stdout, TONE_BOLD, x->input);
    fputs("  ", stdout);
    term_text(stdout, x->why[0] == '\0' ? TONE_GOOD : TONE_BAD, str_of(x->why[0] == '\0' ? "valid" : "not valid"));
    putchar('\n');
    show_line(2, "why", str_of(x->why));
    if (x->n.status == PHONE_OK)
        show_known(x);
}

static int answer(const struct args *a, const struct phone_data *d, struct str input, int region, bool *bad)
{
    struct answer x;
    ask(d, input, region, &x);
    *bad = *bad || x.why[0] != '\0';
    if (args_has(a, "json"))
        return print_json(&x);
    show(&x);
    return CMD_OK;
}

/* The next line, with every byte in it; its length, or -1 at the end. What is more than room holds is passed over. */
static ssize_t next_line(char room[LINE_BYTES])
{
    size_t n = 0;
    int c = getc_unlocked(stdin);
    if (c == EOF)
        return -1;
    for (; c != '\n' && c != EOF; c = getc_unlocked(stdin))
        if (n < LINE_BYTES)
            room[n++] = (char)c;
    return (ssize_t)n;
}

/* A number on each line of standard input; empty lines are none. Of a line that is too long for any number the beginning is enough. */
static int answer_lines(const struct args *a, const struct phone_data *d, int region, bool *bad)
{
    char line[LINE_BYTES];
    ssize_t n;
    int rc = CMD_OK;
    while (rc == CMD_OK && (n = next_line(line)) >= 0) {
        struct str text = str_trim((struct str){line, (size_t)n});
        if (text.n > 0)
            rc = answer(a, d, text, region, bad);
    }
    return rc;
}

int phone_show_run(const struct args *a)
{
    struct phone_tables t;
    int region = 0, rc = phone_tables_open(a, &t);
    if (rc == CMD_OK)
        rc = phone_tables_region(a, &t, &region);
    bool bad = false;
    for (size_t i = 0; i < a->n_words && rc == CMD_OK; i++)
        rc = strcmp(a->word[i], "-") == 0 ? answer_lines(a, &t.data, region, &bad)
                                          : answer(a, &t.data, str_of(a->word[i]), region, &bad);
    phone_tables_close(&t);
    return rc == CMD_OK && bad ? CMD_PARTIAL : rc;
}
