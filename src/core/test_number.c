/* SPDX-License-Identifier: Apache-2.0
 * test_number.c - the ranges set aside for fiction, each with who set it aside.
 *
 * Only what a regulator publishes, whole ranges as published; no guesses at unassigned numbers, for they are
 * assigned one day. The ranges of +1 are one for each area code that is a place: 555-0100 to 555-0199 of them.
 *
 * What the list was checked against, in November 2026. No regulator's own page could be reached; these say what stands there:
 * Ofcom: all twenty ranges, in a copy of its table as of 2023-05-11. Bundesnetzagentur: teltarif.de on Mitteilung 148/2021, which has the five
 * towns and counts twelve mobile numbers and ranges, Sueddeutsche Zeitung (0152 28817386), and two programs' tables with the same twelve.
 * ACMA: a copy of its table of mobile numbers, a second one with 1800 and 1300, and an encyclopedia's copy of its page of 2009, from where the
 * towns are, too. Arcep: the six ranges as several programs cite them from decision 2018-0881; its text has not been read. PTS: two copies of
 * its page, one of 2024-05-14, and a newspaper (mobile). ComReg: a newspaper (02091), and a work of art that counts 100,000 of them. NANPA:
 * several articles on 555-0100 to 555-0199 of places, and an encyclopedia that of toll-free numbers 800-555-0199 alone is reserved: others
 * of codes that are no places may be given to somebody, and are left out.
 * Left out: 1900 654 321, which ACMA had in 2009 and newer copies have not. */
#include "core/test_number.h"

#include "core/phone_place.h"

struct source {
    const char *region, *text;
};
static const struct source nanpa = {
    "", "NANPA: 555-0100 to 555-0199 of area codes of places, and 800-555-0199, are for fictional use (ATIS-0300115)"};
static const struct source ofcom = {"GB", "Ofcom: telephone numbers for use in TV and radio drama programmes"};
static const struct source bnetza = {"DE",
                                     "Bundesnetzagentur: Rufnummern fuer Medienproduktionen, Mitteilung 148/2021"};
static const struct source arcep = {
    "FR", "Arcep: numeros pour les oeuvres audiovisuelles, plan de numerotation, decision 2018-0881"};
static const struct source acma = {"AU", "ACMA: phone numbers for use in TV shows, films and creative works"};
static const struct source comreg = {"IE", "ComReg: 020 91 numbers are for use in film and drama"};
static const struct source pts = {"SE", "PTS: telefonnummer till boecker och filmer"};

enum {
    FIXED = PHONE_FIXED_LINE,
    MOBILE = PHONE_MOBILE,
    FREE = PHONE_TOLL_FREE,
    PREMIUM = PHONE_PREMIUM_RATE,
    SHARED = PHONE_SHARED_COST,
    UAN = PHONE_UAN
};

static const struct range {
    uint64_t first, last;
    const struct source *source;
    int type;
} ranges[] = {
    /* clang-format off */
    {18005550199, 18005550199, &nanpa, FREE},
    {33199000000, 33199009999, &arcep, FIXED}, {33261910000, 33261919999, &arcep, FIXED},
    {33353010000, 33353019999, &arcep, FIXED}, {33465710000, 33465719999, &arcep, FIXED},
    {33536490000, 33536499999, &arcep, FIXED}, {33639980000, 33639989999, &arcep, MOBILE},
    {353209100000, 353209199999, &comreg, FIXED}, {441134960000, 441134960999, &ofcom, FIXED},
    {441144960000, 441144960999, &ofcom, FIXED}, {441154960000, 441154960999, &ofcom, FIXED},
    {441164960000, 441164960999, &ofcom, FIXED}, {441174960000, 441174960999, &ofcom, FIXED},
    {441184960000, 441184960999, &ofcom, FIXED}, {441214960000, 441214960999, &ofcom, FIXED},
    {441314960000, 441314960999, &ofcom, FIXED}, {441414960000, 441414960999, &ofcom, FIXED},
    {441514960000, 441514960999, &ofcom, FIXED}, {441614960000, 441614960999, &ofcom, FIXED},
    {441632960000, 441632960999, &ofcom, FIXED}, {441914980000, 441914980999, &ofcom, FIXED},
    {442079460000, 442079460999, &ofcom, FIXED}, {442896496000, 442896496999, &ofcom, FIXED},
    {442920180000, 442920180999, &ofcom, FIXED}, {443069990000, 443069990999, &ofcom, UAN},
    {447700900000, 447700900999, &ofcom, MOBILE}, {448081570000, 448081570999, &ofcom, FREE},
    {449098790000, 449098790999, &ofcom, PREMIUM}, {46313900600, 46313900699, &pts, FIXED},
    {46406280400, 46406280499, &pts, FIXED}, {46701740605, 46701740699, &pts, MOBILE},
    {46846500400, 46846500499, &pts, FIXED}, {46980319200, 46980319299, &pts, FIXED},
    {4915228817386, 4915228817386, &bnetza, MOBILE}, {4915228895456, 4915228895456, &bnetza, MOBILE},
    {4915254599371, 4915254599371, &bnetza, MOBILE}, {491713920000, 491713920099, &bnetza, MOBILE},
    {491729925904, 491729925904, &bnetza, MOBILE}, {491729968532, 491729968532, &bnetza, MOBILE},
    {491729973185, 491729973186, &bnetza, MOBILE}, {491729980752, 491729980752, &bnetza, MOBILE},
    {491749091317, 491749091317, &bnetza, MOBILE}, {491749464308, 491749464308, &bnetza, MOBILE},
    {4917604069000, 4917604069099, &bnetza, MOBILE}, {492214710000, 492214710999, &bnetza, FIXED},
    {493023125000, 493023125999, &bnetza, FIXED}, {494066969000, 494066969999, &bnetza, FIXED},
    {496990009000, 496990009999, &bnetza, FIXED}, {498999998000, 498999998999, &bnetza, FIXED},
    {611300975707, 611300975711, &acma, SHARED}, {611800160401, 611800160401, &acma, FREE},
    {611800975707, 611800975711, &acma, FREE}, {61255500000, 61255509999, &acma, FIXED},
    {61270100000, 61270109999, &acma, FIXED}, {61355500000, 61355509999, &acma, FIXED},
    {61370100000, 61370109999, &acma, FIXED}, {61491570006, 61491570006, &acma, MOBILE},
    {61491570110, 61491570110, &acma, MOBILE}, {61491570156, 61491570159, &acma, MOBILE},
    {61491570313, 61491570313, &acma, MOBILE}, {61491570737, 61491570737, &acma, MOBILE},
    {61491571266, 61491571266, &acma, MOBILE}, {61491571491, 61491571491, &acma, MOBILE},
    {61491571804, 61491571804, &acma, MOBILE}, {61491572549, 61491572549, &acma, MOBILE},
    {61491572665, 61491572665, &acma, MOBILE}, {61491572983, 61491572983, &acma, MOBILE},
    {61491573087, 61491573087, &acma, MOBILE}, {61491573770, 61491573770, &acma, MOBILE},
    {61491574118, 61491574118, &acma, MOBILE}, {61491574632, 61491574632, &acma, MOBILE},
    {61491575254, 61491575254, &acma, MOBILE}, {61491575789, 61491575789, &acma, MOBILE},
    {61491576398, 61491576398, &acma, MOBILE}, {61491576801, 61491576801, &acma, MOBILE},
    {61491577426, 61491577426, &acma, MOBILE}, {61491577644, 61491577644, &acma, MOBILE},
    {61491578148, 61491578148, &acma, MOBILE}, {61491578888, 61491578888, &acma, MOBILE},
    {61491578957, 61491578957, &acma, MOBILE}, {61491579212, 61491579212, &acma, MOBILE},
    {61491579455, 61491579455, &acma, MOBILE}, {61491579760, 61491579760, &acma, MOBILE},
    {61755500000, 61755509999, &acma, FIXED}, {61770100000, 61770109999, &acma, FIXED},
    {61855500000, 61855509999, &acma, FIXED}, {61870100000, 61870109999, &acma, FIXED},
    /* clang-format on */
};
#define RANGES (sizeof ranges / sizeof ranges[0])

/* +1 NXX 555-01xx: behind the ranges of the table stands one for each area code from 200 to 999 that may be a place. */
#define AREA_FIRST 200u
#define AREAS      800u

/* Personal numbers, machines, Canada's own, carriers, toll-free, premium. */
static const uint16_t no_places[] = {500, 521, 522, 523, 524, 525, 526, 527, 528, 529, 533,
                                     544, 566, 577, 588, 600, 622, 633, 644, 655, 677, 688,
                                     700, 710, 800, 822, 833, 844, 855, 866, 877, 888, 900};

static bool is_place(size_t area)
{
    for (size_t i = 0; i < sizeof no_places / sizeof no_places[0]; i++)
        if (no_places[i] == AREA_FIRST + area)
            return false;
    return area < AREAS;
}

static uint64_t area_first(size_t area)
{
    return 10000000000 + (AREA_FIRST + area) * 10000000 + 5550100;
}

static const struct range *fiction_of(uint64_t e164)
{
    static const struct range area = {0, 0, &nanpa, PHONE_FIXED_LINE_OR_MOBILE};
    uint64_t code = e164 / 10000000;
    if (code >= 1000 + AREA_FIRST && e164 / 100 % 100000 == 55501 && is_place(code - 1000 - AREA_FIRST))
        return &area;
    for (size_t i = 0; i < RANGES; i++)
        if (e164 >= ranges[i].first && e164 <= ranges[i].last)
            return &ranges[i];
    return NULL;
}

enum test_number test_number(const struct phone_data *d, uint64_t e164, struct test_number_about *ret)
{
    const struct range *fiction = fiction_of(e164);
    struct phone_number n;
    bool example = fiction == NULL && phone_is_example(d, e164);
    if (ret != NULL) {
        bool valid = phone_number_of_e164(d, e164, &n) && phone_number_valid(&n);
        *ret =
            (struct test_number_about){"", valid ? n.region : 0, valid ? (enum phone_type)n.type : PHONE_UNKNOWN_TYPE};
        if (example)
            ret->source = "libphonenumber: example numbers of its metadata";
        if (fiction != NULL)
            ret->source = fiction->source->text;
        if (fiction != NULL && !valid && *fiction->source->region != '\0') {
            ret->region = phone_region(d, str_of(fiction->source->region));
            ret->type = (enum phone_type)fiction->type;
        }
    }
    return fiction != NULL ? TEST_NUMBER_FICTION : example ? TEST_NUMBER_EXAMPLE : TEST_NUMBER_NOT;
}

const char *test_number_word(enum test_number t)
{
    static const char *const words[] = {"", "fiction", "example"};
    return words[t];
}

/* ---- one after the other */

/* Of an area code of +1 that nobody has, nothing is known: such a number is given to nobody who asks. */
static bool is_asked(const struct phone_data *d, uint64_t e164, int region, enum phone_type type)
{
    struct test_number_about n;
    test_number(d, e164, &n);
    return (region == 0 ? n.region != 0 : n.region == region) && (type == PHONE_UNKNOWN_TYPE || n.type == type);
}

/* The next number of the ranges, asked for or not; 0: they are over. */
static uint64_t next_fiction(struct test_number_walk *w)
{
    uint64_t first, last;
    while (w->range >= RANGES && w->range < RANGES + AREAS && !is_place(w->range - RANGES))
        w->range++;
    if (w->range >= RANGES + AREAS)
        return 0;
    first = w->range < RANGES ? ranges[w->range].first : area_first(w->range - RANGES);
    last = w->range < RANGES ? ranges[w->range].last : first + 99;
    uint64_t e164 = w->next != 0 ? w->next : first;
    w->next = e164 < last ? e164 + 1 : 0;
    w->range += e164 == last;
    return e164;
}

/* Plans give the same example for several types, and for several regions of one calling code. */
static bool was_example(const struct phone_data *d, uint64_t e164, int region, int type)
{
    for (int r = 1; r <= region; r++) {
        if (d->region[r].code != d->region[region].code)
            continue;
        for (int t = 0; t < (r < region ? (int)PHONE_UNKNOWN_TYPE : type); t++)
            if (phone_example(d, r, (enum phone_type)t) == e164)
                return true;
    }
    return false;
}

static uint64_t next_example(const struct phone_data *d, struct test_number_walk *w)
{
    for (; (uint32_t)w->region < d->count[PHONE_SECTION_REGION]; w->region++, w->type = 0)
        while (w->type < PHONE_UNKNOWN_TYPE) {
            uint64_t e164 = phone_example(d, w->region, (enum phone_type)w->type);
            bool fresh = e164 != 0 && fiction_of(e164) == NULL && !was_example(d, e164, w->region, w->type);
            w->type++;
            if (fresh)
                return e164;
        }
    return 0;
}

uint64_t test_number_next(const struct phone_data *d, struct test_number_walk *walk, int region, enum phone_type type)
{
    uint64_t e164;
    while ((e164 = next_fiction(walk)) != 0)
        if (is_asked(d, e164, region, type))
            return e164;
    while ((e164 = next_example(d, walk)) != 0)
        if (is_asked(d, e164, region, type))
            return e164;
    return 0;
}
