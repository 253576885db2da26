/* SPDX-License-Identifier: Apache-2.0
 * places.c - the offsets of zones, joined over a country and over the few a number may belong to.
 *
 * A country is looked up among its zones once and then holds until the first of them changes its clocks, at most a day:
 * by then a change that was too far off to be told has come into sight. Within that time an answer is a look into a
 * table of 26 x 26. Offsets that are no whole minutes (none is today) are rounded outwards. */
#include "gateway/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/zone.h"
#include "core/phone_country.h"

#define LETTERS   26
#define ZONES_MAX 64 /* of one country; the United States have 29 */
#define DAY_MS    INT64_C(86400000)
#define SIGHT_MS  ((CALENDAR_HORIZON_DAYS + 1) * DAY_MS) /* a day more, so that what is remembered for a day is right */
#define OWN_SLOTS 256

/* Whereabouts, good for [from, until). */
struct place {
    int64_t from, until;
    bool known;
    struct whereabouts at;
};

struct places {
    const struct phone_data *phones;
    struct zones *zones; /* NULL: there is no database */
    struct place country[LETTERS * LETTERS];
    struct {
        const struct zone *zone;
        struct place place;
    } own[OWN_SLOTS]; /* of zones contacts gave, by their address */
};

/* Countries of numbers and user ids that the database lists under another one's name. */
static const struct {
    char country[3], listed_as[3];
} elsewhere[] = {
    {"XK", "RS"}, /* Kosovo */
    {"AC", "SH"}, /* Ascension */
    {"TA", "SH"}, /* Tristan da Cunha */
};

/* People there count as being nowhere, or their zone is refused: that must not stay unseen. */
static void tell_damaged(const struct zones *z)
{
    size_t n = zones_damaged(z);
    struct buf names;
    if (n == 0)
        return;
    buf_init(&names, 1024);
    for (size_t i = 0; zones_damaged_name(z, i)[0] != '\0'; i++)
        buf_printf(&names, "%s%s", i > 0 ? ", " : "", zones_damaged_name(z, i));
    log_error(
        "places",
        "%zu time zones are missing or damaged (%s%s): where people's zones cannot be read, rules of local time do "
        "what they say for that; reinstall tzdata and restart",
        n, buf_cstr(&names), zones_damaged_name(z, n - 1)[0] == '\0' ? ", ..." : "");
    buf_done(&names);
}

void places_load(struct places **ret, const char *folder, const struct phone_data *phones, struct err *e)
{
    struct places *p = calloc(1, sizeof *p);
    if (p == NULL)
        abort();
    p->phones = phones;
    if (zones_load(&p->zones, folder, e) != 0)
        p->zones = NULL;
    else
        tell_damaged(p->zones);
    *ret = p;
}

void places_free(struct places *p)
{
    if (p == NULL)
        return;
    zones_free(p->zones);
    free(p);
}

bool places_known(const struct places *p)
{
    return p->zones != NULL;
}

size_t places_damaged(const struct places *p)
{
    return p->zones != NULL ? zones_damaged(p->zones) : 0;
}

bool places_has_zone(const struct places *p, struct str name)
{
    return p->zones != NULL && name.n < ZONE_NAME_MAX && zone_find(p->zones, name) != NULL;
}

static int32_t minutes_down(int32_t seconds)
{
    return (seconds >= 0 ? seconds : seconds - 59) / 60;
}

static int32_t minutes_up(int32_t seconds)
{
    return -minutes_down(-seconds);
}

/* What one zone says. */
static struct whereabouts zone_at(const struct zone *zone, int64_t now)
{
    int32_t seconds = zone_offset(zone, now);
    struct whereabouts w = {.min = minutes_down(seconds), .max = minutes_up(seconds)};
    w.min_after = w.min;
    w.max_after = w.max;
    w.change_at = zone_next_change(zone, now, now + SIGHT_MS);
    if (w.change_at != 0) {
        seconds = zone_offset(zone, w.change_at);
        w.min_after = minutes_down(seconds);
        w.max_after = minutes_up(seconds);
    }
    return w;
}

static int32_t lower(int32_t a, int32_t b)
{
    return a < b ? a : b;
}

static int32_t higher(int32_t a, int32_t b)
{
    return a > b ? a : b;
}

/* Somewhere in a or in b: of two changes the nearer one counts, and who changes later is then still as now. */
static struct whereabouts either(const struct whereabouts *a, const struct whereabouts *b)
{
    struct whereabouts w = {.min = lower(a->min, b->min), .max = higher(a->max, b->max)};
    int64_t ca = a->change_at, cb = b->change_at;
    w.change_at = ca == 0 || (cb != 0 && cb < ca) ? cb : ca;
    bool a_changed = ca != 0 && ca == w.change_at, b_changed = cb != 0 && cb == w.change_at;
    w.min_after = lower(a_changed ? a->min_after : a->min, b_changed ? b->min_after : b->min);
    w.max_after = higher(a_changed ? a->max_after : a->max, b_changed ? b->max_after : b->max);
    return w;
}

static bool good(const struct place *c, int64_t now)
{
    return c->from <= now && now < c->until;
}

static void remember(struct place *c, int64_t now, bool known, struct whereabouts w)
{
    *c = (struct place){.from = now, .until = now + DAY_MS, .known = known, .at = w};
    if (known && w.change_at != 0 && w.change_at < c->until)
        c->until = w.change_at;
}

static void look_up_country(struct places *p, const char *country, struct place *c, int64_t now)
{
    const struct zone *zone[ZONES_MAX];
    struct whereabouts w = {0};
    for (size_t i = 0; i < sizeof elsewhere / sizeof elsewhere[0]; i++)
        if (strcmp(country, elsewhere[i].country) == 0)
            country = elsewhere[i].listed_as;
    size_t n = zones_of_country(p->zones, country, zone, ZONES_MAX);
    for (size_t i = 0; i < n; i++) {
        struct whereabouts one = zone_at(zone[i], now);
        w = i == 0 ? one : either(&w, &one);
    }
    remember(c, now, n > 0, w);
}

/* NULL: no country, or one without zones. */
static const struct place *country_at(struct places *p, const char *country, int64_t now)
{
    unsigned a = (unsigned char)country[0] - 'A', b = a < LETTERS ? (unsigned char)country[1] - 'A' : LETTERS;
    if (a >= LETTERS || b >= LETTERS)
        return NULL;
    struct place *c = &p->country[a * LETTERS + b];
    char name[3] = {country[0], country[1], '\0'};
    if (!good(c, now))
        look_up_country(p, name, c, now);
    return c->known ? c : NULL;
}

static bool by_zone(struct places *p, const char *name, int64_t now, struct whereabouts *ret)
{
    const struct zone *zone = name[0] != '\0' ? zone_find(p->zones, str_of(name)) : NULL;
    if (zone == NULL)
        return false;
    size_t slot = (size_t)(((uintptr_t)zone >> 4) * 0x9e3779b1u >> 8) % OWN_SLOTS;
    struct place *c = &p->own[slot].place;
    if (p->own[slot].zone != zone || !good(c, now)) {
        p->own[slot].zone = zone;
        remember(c, now, true, zone_at(zone, now));
    }
    *ret = c->at;
    return true;
}

/* One country nobody knows the clocks of, and the whole answer is unknown: a range that leaves it out would be wrong. */
static bool by_number(struct places *p, uint64_t e164, int64_t now, struct whereabouts *ret)
{
    const char *country[PHONE_COUNTRIES_MAX];
    size_t n = phone_countries(p->phones, e164, country, PHONE_COUNTRIES_MAX);
    struct whereabouts w = {0};
    for (size_t i = 0; i < n; i++) {
        const struct place *c = country_at(p, country[i], now);
        if (c == NULL)
            return false;
        w = i == 0 ? c->at : either(&w, &c->at);
    }
    if (n > 0)
        *ret = w;
    return n > 0;
}

bool places_find(struct places *p, const char *zone, const struct identity *who, int64_t now, struct whereabouts *ret)
{
    if (p->zones == NULL || who->kind == IDENTITY_NONE || who->kind == IDENTITY_GROUP)
        return false;
    if (by_zone(p, zone, now, ret))
        return true;
    if (who->kind == IDENTITY_PHONE)
        return by_number(p, strtoull(who->value, NULL, 10), now, ret);
    const struct place *c = country_at(p, who->value, now); /* "BR.1349120865530274" */
    if (c != NULL)
        *ret = c->at;
    return c != NULL;
}
