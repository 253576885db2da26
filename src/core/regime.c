/* SPDX-License-Identifier: Apache-2.0
 * regime.c - a table of times from a file, and the one that counts for a person.
 *
 * The whole file is taken or refused: a key nobody knows, an area that is no place, a time that is no time are errors with their
 * line. Nothing is left out in silence, because a regime that is left out would have proof destroyed too early. */
#include "core/regime.h"

#include <stdlib.h>
#include <string.h>

#include "base/yaml.h"
#include "core/country.h"

#define SCRATCH_BYTES (16u << 20)
#define KEPT_BYTES    (4u << 20)
#define DAY_MS        INT64_C(86400000)
#define YEARS_MAX     100

struct regimes {
    struct arena *arena;
    struct regime *row;
    size_t n;
};

static const char *const confidences[] = {"low", "medium", "high", NULL};

const char *regime_confidence_name(enum regime_confidence c)
{
    return (size_t)c < 3 ? confidences[c] : confidences[0];
}

/* --- the file -------------------------------------------------------------------------------------------------------- */

static int keep_text(struct arena *a, const struct yaml *mapping, const char *key, const char **ret, struct err *e)
{
    struct str text;
    const struct yaml *n = yaml_get(mapping, key);
    if (n == NULL)
        return yaml_error(mapping, e, "%s is missing", key);
    int rc = yaml_str(n, &text, e);
    if (rc == 0 && text.n == 0)
        return yaml_error(n, e, "must not be empty");
    *ret = rc == 0 ? arena_strndup(a, text.p, text.n) : NULL;
    return rc == 0 && *ret == NULL ? err_set(e, WL_ENOMEM, "the regimes need too much memory") : rc;
}

/* One word of a list; its place in it. */
static int read_word(const struct yaml *mapping, const char *key, const char *const *words, int *ret, struct err *e)
{
    struct str text;
    const struct yaml *n = yaml_get(mapping, key);
    if (n == NULL)
        return yaml_error(mapping, e, "%s is missing", key);
    int rc = yaml_str(n, &text, e);
    for (int i = 0; rc == 0 && words[i] != NULL; i++)
        if (str_eq(text, str_of(words[i]))) {
            *ret = i;
            return 0;
        }
    return rc != 0 ? rc : yaml_error(n, e, "'%.*s' is no word for %s", (int)(text.n < 40 ? text.n : 40), text.p, key);
}

/* "5 years" */
static int read_keep(const struct yaml *mapping, int *ret, struct err *e)
{
    struct str text, rest;
    int64_t years = 0;
    const struct yaml *n = yaml_get(mapping, "keep");
    if (n == NULL)
        return yaml_error(mapping, e, "keep is missing");
    int rc = yaml_str(n, &text, e);
    if (rc != 0)
        return rc;
    struct str number = str_cut(text, ' ', &rest);
    bool unit = str_eq(rest, STR("years")) || str_eq(rest, STR("year"));
    if (!str_i64(number, &years) || !unit || years < 0 || years > YEARS_MAX)
        return yaml_error(n, e, "must be a number of years, as in '5 years'");
    *ret = (int)years;
    return 0;
}

static int read_areas(const struct yaml *mapping, struct regime *r, struct err *e)
{
    const struct yaml *n = yaml_get(mapping, "area");
    if (n == NULL)
        return yaml_error(mapping, e, "area is missing");
    if (n->kind != YAML_SEQUENCE || n->children < 1 || n->children > REGIME_AREAS)
        return yaml_error(n, e, "must be a list of 1 to %d areas", REGIME_AREAS);
    for (const struct yaml *c = n->child; c != NULL; c = c->next) {
        struct err why = {0};
        struct str text;
        int rc = yaml_str(c, &text, e);
        if (rc != 0)
            return rc;
        if (!str_eq(text, STR("*")) && country_check(text, PLACE_EITHER, &why) != 0)
            return yaml_error(c, e, "%s", why.text);
        if (text.n >= REGIME_AREA_BYTES)
            return yaml_error(c, e, "is too long");
        memcpy(r->area[r->n_areas], text.p, text.n);
        r->area[r->n_areas++][text.n] = '\0';
    }
    return 0;
}

static int read_citation(struct arena *a, const struct yaml *mapping, struct regime *r, struct err *e)
{
    static const char *const known[] = {"title", "url", "read", NULL};
    const struct yaml *cite = yaml_get(mapping, "cite");
    int64_t day;
    if (cite == NULL || cite->kind != YAML_MAPPING)
        return yaml_error(cite != NULL ? cite : mapping, e, "a regime needs the text it follows from: cite");
    int rc = yaml_known_keys(cite, known, "citation", e);
    if (rc == 0)
        rc = keep_text(a, cite, "title", &r->title, e);
    if (rc == 0)
        rc = keep_text(a, cite, "url", &r->url, e);
    if (rc == 0)
        rc = keep_text(a, cite, "read", &r->read, e);
    return rc == 0 ? yaml_date(yaml_get(cite, "read"), &day, e) : rc;
}

static int read_regime(struct regimes *all, const struct yaml *n, struct err *e)
{
    static const char *const known[] = {"id", "area", "keep", "from", "duty", "confidence", "why", "cite", NULL};
    static const char *const from[] = {"last_use", "year_end", NULL}, *const duty[] = {"may", "must", NULL};
    struct regime *r = &all->row[all->n];
    int from_word = 0, duty_word = 0, confidence = 0;
    int rc = n->kind == YAML_MAPPING ? yaml_known_keys(n, known, "regime", e) : yaml_error(n, e, "must be a regime");
    if (rc == 0)
        rc = keep_text(all->arena, n, "id", &r->id, e);
    if (rc == 0 && regimes_find(all, r->id) != NULL)
        rc = yaml_error(n, e, "two regimes are called %s", r->id);
    if (rc == 0)
        rc = read_areas(n, r, e);
    if (rc == 0)
        rc = read_keep(n, &r->years, e);
    if (rc == 0)
        rc = read_word(n, "from", from, &from_word, e);
    if (rc == 0)
        rc = read_word(n, "duty", duty, &duty_word, e);
    if (rc == 0)
        rc = read_word(n, "confidence", confidences, &confidence, e);
    if (rc == 0)
        rc = keep_text(all->arena, n, "why", &r->why, e);
    if (rc == 0)
        rc = read_citation(all->arena, n, r, e);
    r->from_year_end = from_word == 1;
    r->must = duty_word == 1;
    r->confidence = (enum regime_confidence)confidence;
    all->n += rc == 0;
    return rc;
}

static int read_all(struct regimes *all, const struct yaml *root, struct err *e)
{
    static const char *const known[] = {"schema", "regimes", NULL};
    const struct yaml *list = yaml_get(root, "regimes"), *schema = yaml_get(root, "schema");
    int64_t version;
    if (root->kind != YAML_MAPPING || list == NULL || schema == NULL)
        return yaml_error(root, e, "a file of regimes has schema and regimes");
    int rc = yaml_known_keys(root, known, "file of regimes", e);
    if (rc == 0)
        rc = yaml_i64(schema, 1, 1, &version, e);
    if (rc == 0 && (list->kind != YAML_SEQUENCE || list->children < 1 || list->children > REGIMES_MAX))
        rc = yaml_error(list, e, "must be a list of 1 to %d regimes", REGIMES_MAX);
    if (rc != 0)
        return rc;
    all->row = arena_new_array(all->arena, struct regime, (size_t)list->children);
    if (all->row == NULL)
        return err_set(e, WL_ENOMEM, "the regimes need too much memory");
    for (const struct yaml *c = list->child; rc == 0 && c != NULL; c = c->next)
        rc = read_regime(all, c, e);
    return rc;
}

int regimes_load(struct regimes **ret, const char *path, struct err *e)
{
    struct arena *scratch = arena_create(SCRATCH_BYTES), *kept = arena_create(KEPT_BYTES);
    struct regimes *all = kept != NULL ? arena_new(kept, struct regimes) : NULL;
    struct yaml *root = NULL;
    int rc = scratch == NULL || all == NULL ? err_set(e, WL_ENOMEM, "out of memory") : 0;
    if (rc == 0)
        rc = yaml_parse_file(scratch, path, &root, e);
    if (rc == 0) {
        all->arena = kept;
        rc = read_all(all, root, e);
    }
    arena_free(scratch);
    if (rc != 0) {
        arena_free(kept);
        return rc;
    }
    *ret = all;
    return 0;
}

void regimes_free(struct regimes *r)
{
    if (r != NULL)
        arena_free(r->arena);
}

size_t regimes_count(const struct regimes *r)
{
    return r->n;
}

const struct regime *regimes_at(const struct regimes *r, size_t i)
{
    return &r->row[i];
}

const struct regime *regimes_find(const struct regimes *r, const char *id)
{
    for (size_t i = 0; i < r->n; i++)
        if (strcmp(r->row[i].id, id) == 0)
            return &r->row[i];
    return NULL;
}

/* --- the calendar ---------------------------------------------------------------------------------------------------- */

/* Days before the first of March of this year, counted from the first of March of the year 0. */
static int64_t days_before(int64_t year)
{
    return year * 365 + year / 4 - year / 100 + year / 400;
}

#define EPOCH_DAYS 719468 /* from the first of March of the year 0 to 1970-01-01 */

/* The year that begins in March, and the day in it. */
static int64_t march_year(int64_t day, int64_t *ret_rest)
{
    int64_t year = day / 365;
    while (days_before(year) > day)
        year--;
    *ret_rest = day - days_before(year);
    return year;
}

#define JANUARY 306 /* days from the first of March to the first of January */

int64_t regime_until(const struct regime *r, int64_t last_use)
{
    int64_t rest, ms = last_use > 0 ? last_use : 0, year = march_year(ms / DAY_MS + EPOCH_DAYS, &rest);
    if (r->from_year_end) {
        int64_t calendar = year + (rest >= JANUARY);
        return (days_before(calendar + r->years) + JANUARY - EPOCH_DAYS) * DAY_MS; /* the first of January after it */
    }
    int64_t last_day = days_before(year + r->years + 1) - days_before(year + r->years);
    rest = rest < last_day ? rest : last_day;
    return (days_before(year + r->years) + rest - EPOCH_DAYS) * DAY_MS + ms % DAY_MS;
}

/* --- the one that counts --------------------------------------------------------------------------------------------- */

/* "US" is the place of whoever is in "US-CA". */
static bool lies_in(const char *place, const char *area)
{
    size_t n = strlen(area);
    return strncasecmp(place, area, n) == 0 && (place[n] == '\0' || place[n] == '-');
}

static bool applies(const struct regime *r, const char *const *place, size_t n)
{
    for (size_t a = 0; a < r->n_areas; a++)
        for (size_t i = 0; i < n; i++)
            if (place[i][0] != '\0' && lies_in(place[i], r->area[a]))
                return true;
    return false;
}

static bool is_everywhere(const struct regime *r)
{
    for (size_t a = 0; a < r->n_areas; a++)
        if (strcmp(r->area[a], "*") == 0)
            return true;
    return false;
}

static const struct regime *later(const struct regime *r, const struct regime *best, int64_t last_use, int64_t *until)
{
    int64_t its = regime_until(r, last_use);
    if (best != NULL && its <= *until)
        return best;
    *until = its;
    return r;
}

const struct regime *regimes_longest(const struct regimes *r, const char *const *place, size_t n, int64_t last_use,
                                     int64_t *ret_until)
{
    const struct regime *best = NULL;
    int64_t until = 0;
    for (size_t i = 0; i < r->n; i++)
        if (applies(&r->row[i], place, n))
            best = later(&r->row[i], best, last_use, &until);
    for (size_t i = 0; best == NULL && i < r->n; i++)
        if (is_everywhere(&r->row[i]))
            best = later(&r->row[i], best, last_use, &until);
    if (best != NULL)
        *ret_until = until;
    return best;
}
