/* SPDX-License-Identifier: Apache-2.0
 * country_names.c - a hash table from folded names to regions.
 *
 * Where two countries share a name in some language, the first keeps it. */
#include "core/country_names.h"

#include <unicode/uloc.h>
#include <unicode/ustring.h>

#include "core/header_words.h"

#define SLOTS 16384 /* some 4,000 names */

struct country_names {
    struct {
        const char *name; /* folded */
        int region;
    } slot[SLOTS];
};

static const char *const languages[] = {"en", "de", "fr", "es", "pt", "it", "nl", "tr", "id", "pl",
                                        "ru", "ar", "zh", "ja", "hi", "vi", "sv", "da", "cs", "ms"};

static const struct {
    const char *name, *region; /* folded */
} said[] = {
    {"uk", "GB"},
    {"greatbritain", "GB"},
    {"england", "GB"},
    {"scotland", "GB"},
    {"wales", "GB"},
    {"usa", "US"},
    {"america", "US"},
    {"eeuu", "US"},
    {"eua", "US"},
    {"holland", "NL"},
    {"uae", "AE"},
    {"korea", "KR"},
    {"southkorea", "KR"},
    {"russianfederation", "RU"},
    {"czechrepublic", "CZ"},
    {"ivorycoast", "CI"},
    {"turkey", "TR"},
    {"brasil", "BR"},
    {"vietnam", "VN"},
    {"macedonia", "MK"},
    {"swaziland", "SZ"},
    {"burma", "MM"},
    {"capeverde", "CV"},
    {"hongkong", "HK"},
    {"macau", "MO"},
    {"palestine", "PS"},
    {"bosnia", "BA"},
    {"drc", "CD"},
    {"congo", "CG"},
    {"unitedstatesofamerica", "US"},
    {"grossbritannien", "GB"},
    {"niederlande", "NL"},
    {"paysbas", "NL"},
    {"suisse", "CH"},
    {"schweiz", "CH"},
    {"tschechien", "CZ"},
    {"republikindonesia", "ID"},
    {"iran", "IR"},
    {"syria", "SY"},
    {"laos", "LA"},
    {"moldova", "MD"},
    {"tanzania", "TZ"},
    {"bolivia", "BO"},
    {"venezuela", "VE"},
};

static size_t hash_of(const char *name)
{
    uint32_t h = 2166136261u;
    for (; *name != '\0'; name++)
        h = (h ^ (unsigned char)*name) * 16777619u;
    return h % SLOTS;
}

static int find(const struct country_names *n, const char *name)
{
    for (size_t i = hash_of(name); n->slot[i].name != NULL; i = (i + 1) % SLOTS)
        if (strcmp(n->slot[i].name, name) == 0)
            return n->slot[i].region;
    return -1;
}

static bool put(struct country_names *n, struct arena *a, struct str name, int region)
{
    struct header_words h;
    if (!header_fold(name, &h) || find(n, h.whole) >= 0)
        return true;
    size_t i = hash_of(h.whole);
    while (n->slot[i].name != NULL)
        i = (i + 1) % SLOTS;
    n->slot[i].name = arena_strndup(a, h.whole, h.n);
    n->slot[i].region = region;
    return n->slot[i].name != NULL;
}

static bool put_region(struct country_names *n, struct arena *a, const char *id, int region)
{
    char locale[16] = "und_", name[256];
    UChar wide[128];
    memcpy(locale + 4, id, 3);
    bool right = put(n, a, str_of(uloc_getISO3Country(locale)), region);
    for (size_t i = 0; right && i < sizeof languages / sizeof languages[0]; i++) {
        UErrorCode status = U_ZERO_ERROR;
        int32_t bytes = 0;
        int32_t len = uloc_getDisplayCountry(locale, languages[i], wide, 128, &status);
        u_strToUTF8(name, sizeof name, &bytes, wide, len, &status);
        if (U_SUCCESS(status) && bytes > 2)
            right = put(n, a, (struct str){name, (size_t)bytes}, region);
    }
    return right;
}

struct country_names *country_names_new(struct arena *a, const struct phone_data *d)
{
    struct country_names *n = arena_new(a, struct country_names);
    bool right = n != NULL;
    for (size_t i = 0; right && i < sizeof said / sizeof said[0]; i++)
        right = put(n, a, str_of(said[i].name), phone_region(d, str_of(said[i].region)));
    for (int region = 1; right && region < (int)d->count[PHONE_SECTION_REGION]; region++) {
        const char *id = phone_region_id(d, region);
        if (id[0] >= 'A' && id[0] <= 'Z')
            right = put_region(n, a, id, region);
    }
    return right ? n : NULL;
}

/* "49", "+49", "0049": the calling code; 0 none. */
static unsigned calling_code(struct str s)
{
    unsigned code = 0;
    size_t i = s.p[0] == '+' ? 1 : s.n > 2 && s.p[0] == '0' && s.p[1] == '0' ? 2 : 0;
    if (s.n - i > 4 || s.n == i)
        return 0;
    for (; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
        code = code * 10 + (unsigned)(s.p[i] - '0');
    }
    return code;
}

int country_named(const struct country_names *names, const struct phone_data *d, struct str text)
{
    struct header_words h;
    text = str_trim(text);
    if (text.n == 0)
        return 0;
    int region = text.n == 2 ? phone_region(d, text) : 0;
    if (region > 0)
        return region;
    unsigned code = calling_code(text);
    if (code > 0)
        return (region = phone_region_of_code(d, code)) > 0 ? region : -1;
    return names != NULL && header_fold(text, &h) ? find(names, h.whole) : -1;
}
