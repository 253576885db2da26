/* SPDX-License-Identifier: Apache-2.0
 * campaign_def.c - a definition as a whole: whom it is for, from which numbers, how carefully.
 *
 * Strict: a key nobody knows may be the one somebody counts on ("deadlin"), so it is an error, with what was probably meant. The same for a
 * key that is there twice, and for two ways to say one thing. Shares are texts with a per cent sign, times have their offset from UTC:
 * 0.5 and 09:00 could mean two things. Whether templates, numbers and segments exist is not asked here. */
#include <string.h>

#include "base/yaml.h"
#include "core/campaign_def_impl.h"
#include "core/country.h"

static const char *const root_keys[] = {"name",      "comment", "category", "segment",  "query",
                                        "templates", "numbers", "routes",   "ramp",     "hold_out",
                                        "weight",    "most",    "start_at", "deadline", "max_lateness",
                                        "hours",     "repeat",  "tolerate", NULL};
static const char *const route_keys[] = {"number", "countries", "languages", NULL};
static const char *const tolerate_keys[] = {"opt_out", "undeliverable", "complaint", NULL};

static int read_category(struct def_reader *r, struct def_at root)
{
    static const char *const words[] = {"marketing", "utility", "authentication", NULL};
    static const enum category of[] = {CATEGORY_MARKETING, CATEGORY_UTILITY, CATEGORY_AUTHENTICATION};
    size_t i = 0;
    struct def_at at = def_in(r, root, "category");
    if (!def_given(at))
        return def_wrong(r, at, "is missing: marketing, utility or authentication");
    int rc = def_word(r, at, words, &i);
    if (rc == 0)
        r->d->category = of[i];
    return rc;
}

/* Exactly one of a saved segment's name and a query. */
static int read_people(struct def_reader *r, struct def_at root)
{
    struct def_at segment = def_in(r, root, "segment"), query = def_in(r, root, "query");
    if (def_given(segment) && def_given(query))
        return def_wrong(r, query, "and segment are both given: one of them says who is meant");
    if (!def_given(segment) && !def_given(query))
        return def_wrong(r, segment, "is missing: the name of a saved segment, or a query of its own in `query`");
    if (def_given(segment))
        return def_text(r, segment, CAMPAIGN_NAME_MAX, &r->d->segment);
    if (json_type(query.v) != JSON_OBJECT)
        return def_wrong(r, query, "must be an object: {\"combinator\": \"and\", \"rules\": [..]}");
    r->d->query = query.v;
    return 0;
}

static bool has_number(const struct campaign_def *d, int64_t id)
{
    for (size_t i = 0; i < d->n_numbers; i++)
        if (d->number[i] == id)
            return true;
    return false;
}

static int read_numbers(struct def_reader *r, struct def_at root)
{
    struct def_at at = def_in(r, root, "numbers");
    struct campaign_def *d = r->d;
    if (json_type(at.v) != JSON_ARRAY || json_count(at.v) == 0)
        return def_wrong(r, at, "%s",
                         def_given(at) ? "must be a list of phone number ids, with at least one"
                                       : "is missing: the ids of the phone numbers it is sent from");
    if (json_count(at.v) > CAMPAIGN_NUMBERS_MAX)
        return def_wrong(r, at, "has more than %d numbers", CAMPAIGN_NUMBERS_MAX);
    for (struct json_iter it = json_iter(at.v); json_next(&it);) {
        struct def_at one = def_nth(r, (struct def_at){it.value, at.path}, d->n_numbers);
        int64_t id = 0;
        int rc = def_number(r, one, &id);
        if (rc != 0)
            return rc;
        if (has_number(d, id))
            return def_wrong(r, one, "is there twice");
        d->number[d->n_numbers++] = id;
    }
    return 0;
}

static int read_countries(struct def_reader *r, struct def_at at, struct campaign_route *ret)
{
    struct err e;
    int rc = def_texts(r, at, sizeof ret->country / sizeof ret->country[0], 2, ret->country, &ret->n_countries);
    for (size_t i = 0; rc == 0 && i < ret->n_countries; i++)
        if (country_check(ret->country[i], PLACE_COUNTRY, &e) != 0)
            rc = def_wrong(r, def_nth(r, at, i), "%s", e.text);
    return rc;
}

static int read_route(struct def_reader *r, struct def_at at, struct campaign_route *ret)
{
    struct def_at number = def_in(r, at, "number");
    int rc = def_object(r, at, route_keys);
    if (rc == 0)
        rc = def_number(r, number, &ret->number);
    if (rc == 0 && !has_number(r->d, ret->number))
        rc = def_wrong(r, number, "is none of the campaign's numbers");
    if (rc == 0)
        rc = read_countries(r, def_in(r, at, "countries"), ret);
    if (rc == 0)
        rc = def_languages(r, def_in(r, at, "languages"), sizeof ret->language / sizeof ret->language[0], ret->language,
                           &ret->n_languages);
    return rc;
}

static int read_routes(struct def_reader *r, struct def_at root)
{
    struct def_at at = def_in(r, root, "routes");
    int rc = 0;
    if (!def_given(at))
        return 0;
    if (json_type(at.v) != JSON_ARRAY)
        return def_wrong(r, at, "must be a list of {\"number\": .., \"countries\": [..], \"languages\": [..]}");
    if (json_count(at.v) > CAMPAIGN_ROUTES_MAX)
        return def_wrong(r, at, "has more than %d entries", CAMPAIGN_ROUTES_MAX);
    for (struct json_iter it = json_iter(at.v); rc == 0 && json_next(&it);) {
        struct def_at one = def_nth(r, (struct def_at){it.value, at.path}, r->d->n_routes);
        rc = read_route(r, one, &r->d->route[r->d->n_routes++]);
    }
    return rc;
}

static int read_care(struct def_reader *r, struct def_at root)
{
    static const char *const ramps[] = {"standard", "careful", "fast", "auto", NULL};
    struct campaign_def *d = r->d;
    size_t ramp = 3;
    int64_t hold_out = 0, weight = 1;
    struct def_at at = def_in(r, root, "hold_out");
    int rc = def_word(r, def_in(r, root, "ramp"), ramps, &ramp);
    if (rc == 0)
        rc = def_share(r, at, 0, 500000, &hold_out);
    if (rc == 0 && hold_out % 1000 != 0)
        rc = def_wrong(r, at, "has more than one digit behind the point");
    if (rc == 0)
        rc = def_int(r, def_in(r, root, "weight"), 1, 100, &weight);
    if (rc == 0)
        rc = def_int(r, def_in(r, root, "most"), 1, CAMPAIGN_PEOPLE_MAX, &d->most);
    d->ramp_given = ramp < 3;
    d->ramp = ramp < 3 ? (enum ramp_kind)ramp : RAMP_STANDARD;
    d->hold_out = (int)(hold_out / 1000);
    d->weight = (uint32_t)weight;
    return rc;
}

static int read_tolerate(struct def_reader *r, struct def_at root)
{
    struct def_at at = def_in(r, root, "tolerate");
    uint32_t *const to[] = {&r->d->opt_out_most, &r->d->undeliverable_most, &r->d->complaint_most};
    int rc = def_given(at) ? def_object(r, at, tolerate_keys) : 0;
    for (size_t i = 0; rc == 0 && def_given(at) && tolerate_keys[i] != NULL; i++) {
        int64_t ppm = 0;
        rc = def_share(r, def_in(r, at, tolerate_keys[i]), 1, 500000, &ppm);
        *to[i] = (uint32_t)ppm;
    }
    return rc;
}

/* Somebody has to type it to stop the campaign. */
static int read_name(struct def_reader *r, struct def_at root)
{
    struct def_at at = def_in(r, root, "name");
    if (!def_given(at))
        return def_wrong(r, at, "is missing: what people call this campaign");
    int rc = def_text(r, at, CAMPAIGN_NAME_MAX, &r->d->name);
    for (size_t i = 0; rc == 0 && i < r->d->name.n; i++)
        if ((unsigned char)r->d->name.p[i] < 0x20 || r->d->name.p[i] == 0x7f)
            rc = def_wrong(r, at, "has a line break, a tab or another control character");
    if (rc == 0 && str_trim(r->d->name).n != r->d->name.n)
        rc = def_wrong(r, at, "must not begin or end with a space");
    return rc;
}

int campaign_def_read(struct json root, struct arena *a, struct campaign_def *ret, const char **ret_field,
                      struct err *e)
{
    struct campaign_def *d = arena_new(a, struct campaign_def);
    struct def_reader r = {.a = a, .d = d, .field = "", .e = e};
    struct def_at at = {root, ""};
    struct str comment = {NULL, 0};
    if (d == NULL)
        return def_no_memory(&r);
    int rc = def_object(&r, at, root_keys);
    if (rc == 0)
        rc = read_name(&r, at);
    if (rc == 0)
        rc = def_text(&r, def_in(&r, at, "comment"), 2000, &comment);
    int (*const parts[])(struct def_reader *, struct def_at) = {read_category, read_people,  read_numbers,
                                                                read_routes,   read_care,    def_when,
                                                                read_tolerate, def_templates};
    for (size_t i = 0; rc == 0 && i < sizeof parts / sizeof parts[0]; i++)
        rc = parts[i](&r, at);
    if (rc == 0)
        *ret = *d;
    else if (ret_field != NULL)
        *ret_field = r.field;
    return rc;
}
