/* SPDX-License-Identifier: Apache-2.0
 * number_filter.c - a filter put together from words, and asked about numbers.
 *
 * Every word is resolved against the numbering plans when it is read: a country to its row, a group to many, a
 * network or zone to all the plans' texts it fits. So a word that fits nothing is a mistake that is told at once,
 * and asking is a look at a few bits. What a number's network and zones are is only found out for a filter that
 * asks for them. */
#include "core/number_filter.h"

#include <string.h>

#include "core/country.h"
#include "core/country_group.h"
#include "core/number_filter_impl.h"
#include "core/phone_place.h"

const char *const number_filter_keys[] = {"valid", "country", "region", "type", "network", "zone",
                                          "range", "pattern", "where",  "not",  NULL};

static const char *const why_words[NUMBER_FILTER_WHYS] = {"wanted",  "validity", "country", "type",
                                                          "network", "zone",     "range",   "value"};

const char *number_filter_why_word(enum number_filter_why w)
{
    return why_words[w];
}

struct number_filter *number_filter_new(struct arena *a, const struct phone_data *d)
{
    struct number_filter *f = arena_new(a, struct number_filter);
    if (f == NULL)
        return NULL;
    f->arena = a;
    f->d = d;
    f->valid = -1;
    f->where_tail = &f->where;
    for (int s = 0; s < FILTER_SIDES; s++)
        for (int k = 0; k < FILTER_KEYS; k++)
            f->side[s].words[k].tail = &f->side[s].words[k].first;
    return f;
}

static int no_memory(struct err *e)
{
    return err_set(e, WL_ENOMEM, "out of memory for a filter");
}

static int shown(struct str s)
{
    return s.n > 60 ? 60 : (int)s.n;
}

/* ---- words of each kind; `s` is the side they belong to */

static int add_valid(struct number_filter *f, struct filter_side *s, struct str word, struct err *e)
{
    bool yes = str_eq(word, STR("true")), no = str_eq(word, STR("false"));
    if (s == &f->side[UNWANTED])
        return err_set(e, WL_EINVAL, "not: write valid: false for numbers that are not valid");
    if (!yes && !no)
        return err_set(e, WL_EINVAL, "valid: \"%.*s\" is neither true nor false", shown(word), word.p);
    if (f->valid >= 0 && f->valid != yes)
        return err_set(e, WL_EINVAL, "valid: both true and false: no number is that");
    f->valid = yes;
    return 0;
}

static int add_row(struct number_filter *f, struct filter_side *s, int row, struct err *e)
{
    if (s->region == NULL)
        s->region = arena_alloc(f->arena, f->d->count[PHONE_SECTION_REGION]);
    if (s->region == NULL)
        return no_memory(e);
    s->region[row] = 1;
    return 0;
}

static int add_country(struct number_filter *f, struct filter_side *s, struct str word, struct err *e)
{
    int row = phone_region(f->d, word);
    if (row > 0)
        return add_row(f, s, row, e);
    if (country_group(word) != NULL)
        return err_set(e, WL_EINVAL, "country: %.*s is a group of countries; write region: %.*s", shown(word), word.p,
                       shown(word), word.p);
    if (country_check(word, PLACE_COUNTRY, e) != 0)
        return err_prefix(e, "country");
    return err_set(e, WL_EINVAL, "country: %.*s has no numbering plan of its own", shown(word), word.p);
}

static int no_group(struct str word, struct err *e)
{
    const char *words[64];
    size_t n = 0;
    for (const struct country_group *g = country_groups; g->word != NULL && n < 63; g++)
        words[n++] = g->word;
    words[n] = NULL;
    const char *near = nearest_word(word, words);
    return err_set(e, WL_EINVAL, "region: \"%.*s\" is no group of countries%s%s%s", shown(word), word.p,
                   near != NULL ? "; did you mean " : " (one country is country: DE)", near != NULL ? near : "",
                   near != NULL ? "?" : "");
}

static int add_region(struct number_filter *f, struct filter_side *s, struct str word, struct err *e)
{
    const struct country_group *g = country_group(word);
    int rc = 0;
    if (g == NULL)
        return no_group(word, e);
    for (struct str rest = str_of(g->countries); rc == 0 && rest.n > 0;) {
        int row = phone_region(f->d, str_cut(rest, ' ', &rest));
        if (row > 0) /* a place without numbers of its own adds none */
            rc = add_row(f, s, row, e);
    }
    return rc;
}

static int add_type(struct number_filter *f, struct filter_side *s, struct str word, struct err *e)
{
    static const char maybe[] = "can_be_mobile";
    const char *words[PHONE_TYPES + 2];
    int type = phone_type_of_word(word);
    (void)f;
    if (type >= 0 || str_eq(word, str_of(maybe))) {
        s->types |= (uint16_t)(type >= 0 ? 1u << type : 1u << PHONE_MOBILE | 1u << PHONE_FIXED_LINE_OR_MOBILE);
        return 0;
    }
    for (int t = 0; t < PHONE_TYPES; t++)
        words[t] = phone_type_word((enum phone_type)t);
    words[PHONE_TYPES] = maybe;
    words[PHONE_TYPES + 1] = NULL;
    const char *near = nearest_word(word, words);
    return err_set(e, WL_EINVAL, "type: \"%.*s\" is no type of number; did you mean %s?", shown(word), word.p,
                   near != NULL ? near : "mobile, fixed_line, toll_free or can_be_mobile");
}

/* "*" stands for any text; capitals do not matter. */
static bool fits(struct str word, struct str text)
{
    const char *star = word.n > 0 ? memchr(word.p, '*', word.n) : NULL;
    size_t head = star != NULL ? (size_t)(star - word.p) : word.n;
    if (text.n < head || !str_ieq((struct str){word.p, head}, (struct str){text.p, head}))
        return false;
    if (star == NULL)
        return text.n == head;
    struct str rest = {star + 1, word.n - head - 1};
    for (size_t i = head; i <= text.n; i++)
        if (fits(rest, (struct str){text.p + i, text.n - i}))
            return true;
    return false;
}

/* Whether the word fits the text, or one of those with & between them. */
static bool fits_any(struct str word, struct str texts)
{
    for (struct str rest = texts; rest.p != NULL;)
        if (fits(word, str_cut(rest, '&', &rest)))
            return true;
    return false;
}

/* Marks every text of a section that the word fits; how many. SIZE_MAX: memory. */
static size_t mark_texts(struct number_filter *f, struct filter_texts *t, const uint32_t *name, size_t names, bool many,
                         struct str word)
{
    size_t found = 0;
    if (t->bit == NULL)
        t->bit = arena_alloc(f->arena, f->d->count[PHONE_SECTION_TEXT] / 8 + 1);
    if (t->bit == NULL)
        return SIZE_MAX;
    for (size_t i = 0; i < names; i++) {
        struct str text = str_of(f->d->text + name[i]);
        if (text.n == 0 || !(many ? fits_any(word, text) : fits(word, text)))
            continue;
        t->bit[name[i] / 8] |= (uint8_t)(1u << name[i] % 8);
        found++;
    }
    return found;
}

#define STARS_MAX 3 /* each may be tried at every place */

static int add_text(struct number_filter *f, struct filter_texts *t, enum filter_key key, struct str word,
                    struct err *e)
{
    bool zone = key == KEY_ZONE;
    const uint32_t *name = zone ? f->d->zone_name : f->d->carrier_name;
    size_t names = f->d->count[zone ? PHONE_SECTION_ZONE_NAME : PHONE_SECTION_CARRIER_NAME], stars = 0;
    const char *what = number_filter_keys[key];
    bool unknown = str_ieq(word, zone ? STR(PHONE_ZONES_UNKNOWN) : STR("unknown"));
    for (size_t i = 0; i < word.n; i++)
        stars += word.p[i] == '*';
    if (stars > STARS_MAX)
        return err_set(e, WL_EINVAL, "%s: \"%.*s\": at most %d times *", what, shown(word), word.p, STARS_MAX);
    if (names == 0)
        return err_set(e, WL_EINVAL, "%s: the numbering plans in use (%s) have no %ss", what, phone_data_name(f->d),
                       what);
    size_t found = mark_texts(f, t, name, names, zone, word);
    if (found == SIZE_MAX)
        return no_memory(e);
    t->unknown |= unknown;
    if (found == 0 && !unknown)
        return err_set(e, WL_EINVAL, "%s: no %s of the numbering plans is called \"%.*s\"%s", what, what, shown(word),
                       word.p, zone ? "; as in Europe/Berlin" : "; a * stands for any text, as in Vodafone*");
    return 0;
}

static int add_network(struct number_filter *f, struct filter_side *s, struct str word, struct err *e)
{
    return add_text(f, &s->network, KEY_NETWORK, word, e);
}

static int add_zone(struct number_filter *f, struct filter_side *s, struct str word, struct err *e)
{
    return add_text(f, &s->zone, KEY_ZONE, word, e);
}

static int add_range(struct number_filter *f, struct filter_side *s, struct str word, struct err *e)
{
    return number_ranges_range(&s->ranges, word, f->arena, e) != 0 ? err_prefix(e, "range") : 0;
}

static int add_pattern(struct number_filter *f, struct filter_side *s, struct str word, struct err *e)
{
    return number_ranges_pattern(&s->ranges, word, f->arena, e) != 0 ? err_prefix(e, "pattern") : 0;
}

static int add_where(struct number_filter *f, struct filter_side *s, struct str word, struct err *e)
{
    if (s == &f->side[UNWANTED])
        return err_set(e, WL_EINVAL, "not: where has signs of its own: != turns = round");
    return filter_where_add(f, word, e);
}

static const struct {
    int (*add)(struct number_filter *f, struct filter_side *s, struct str word, struct err *e);
    bool one; /* the whole value is one word */
} kinds[FILTER_KEYS] = {
    [KEY_VALID] = {add_valid, true},  [KEY_COUNTRY] = {add_country, false}, [KEY_REGION] = {add_region, false},
    [KEY_TYPE] = {add_type, false},   [KEY_NETWORK] = {add_network, false}, [KEY_ZONE] = {add_zone, false},
    [KEY_RANGE] = {add_range, false}, [KEY_PATTERN] = {add_pattern, false}, [KEY_WHERE] = {add_where, true},
    [KEY_NOT] = {NULL, true},
};

static int add_word(struct number_filter *f, struct filter_side *s, int key, struct str word, struct err *e)
{
    struct filter_words *all = &s->words[key];
    struct filter_word *w = arena_new(f->arena, struct filter_word);
    char *copy = arena_strndup(f->arena, word.n > 0 ? word.p : "", word.n);
    if (w == NULL || copy == NULL)
        return no_memory(e);
    if (all->n == NUMBER_FILTER_WORDS_MAX)
        return err_set(e, WL_ETOOBIG, "%s: more than %d words", number_filter_keys[key], NUMBER_FILTER_WORDS_MAX);
    if (word.n == 0)
        return err_set(e, WL_EINVAL, "%s: a word is missing", number_filter_keys[key]);
    w->text = (struct str){copy, word.n};
    int rc = kinds[key].add(f, s, w->text, e);
    if (rc != 0)
        return rc;
    *all->tail = w;
    all->tail = &w->next;
    all->n++;
    return 0;
}

static int add_value(struct number_filter *f, struct filter_side *s, int key, struct str value, struct err *e)
{
    int rc = 0;
    if (kinds[key].one)
        return add_word(f, s, key, str_trim(value), e);
    do {
        struct str word = str_trim(str_cut(value, ',', &value));
        rc = add_word(f, s, key, word, e);
    } while (rc == 0 && value.p != NULL);
    return rc;
}

static int key_of(struct str word, struct err *e)
{
    for (int k = 0; k < FILTER_KEYS; k++)
        if (str_eq(word, str_of(number_filter_keys[k])))
            return k;
    const char *near = nearest_word(word, number_filter_keys);
    err_set(e, WL_EINVAL, "\"%.*s\" is nothing a filter asks for; did you mean %s?", shown(word), word.p,
            near != NULL ? near : "country, region, type, network, zone, range, pattern, where, valid or not");
    return -1;
}

/* "country=DE,AT" */
static int add_not(struct number_filter *f, struct str value, struct err *e)
{
    struct str rest, word = str_trim(str_cut(value, '=', &rest));
    int key = rest.p != NULL ? key_of(word, e) : -1;
    if (rest.p == NULL)
        return err_set(e, WL_EINVAL, "not: \"%.*s\": a kind, = and words are wanted, as in country=DE,AT", shown(value),
                       value.p);
    if (key == KEY_NOT)
        return err_set(e, WL_EINVAL, "not: not in itself");
    if (key < 0 || add_value(f, &f->side[UNWANTED], key, rest, e) != 0)
        return str_starts(str_of(e->text), STR("not")) ? e->code : err_prefix(e, "not");
    return 0;
}

int number_filter_add(struct number_filter *f, const char *key, struct str value, struct err *e)
{
    struct err own;
    e = e != NULL ? e : &own;
    int k = key_of(str_of(key), e);
    if (k < 0)
        return WL_EINVAL;
    return k == KEY_NOT ? add_not(f, value, e) : add_value(f, &f->side[WANTED], k, value, e);
}

/* ---- files */

static int read_side(struct number_filter *f, const struct yaml *map, int side, struct err *e);

static int read_word(struct number_filter *f, const struct yaml *n, int key, int side, struct err *e)
{
    struct err inner = {0};
    struct str word = {NULL, 0};
    int rc = yaml_str(n, &word, e);
    if (rc != 0)
        return rc;
    rc = add_value(f, &f->side[side], key, word, &inner);
    return rc == 0 ? 0 : err_set(e, rc, "%s:%d: %s", n->file, n->line, inner.text);
}

static int read_key(struct number_filter *f, const struct yaml *n, int side, struct err *e)
{
    int key = key_of(n->key, e), rc = 0;
    if (key == KEY_NOT)
        return side == WANTED ? read_side(f, n, UNWANTED, e) : yaml_error(n, e, "not in itself");
    if (n->kind == YAML_MAPPING)
        return yaml_error(n, e, "one word or a list of words is wanted");
    if (n->kind == YAML_SCALAR)
        return read_word(f, n, key, side, e);
    for (const struct yaml *c = n->child; rc == 0 && c != NULL; c = c->next)
        rc = read_word(f, c, key, side, e);
    return rc;
}

static int read_side(struct number_filter *f, const struct yaml *map, int side, struct err *e)
{
    int rc = yaml_known_keys(map, number_filter_keys, "filter", e);
    for (const struct yaml *n = map->child; rc == 0 && n != NULL; n = n->next)
        rc = read_key(f, n, side, e);
    return rc;
}

int number_filter_read(struct number_filter *f, const struct yaml *root, struct err *e)
{
    return read_side(f, root, WANTED, e);
}

/* ---- sealing and asking */

int number_filter_seal(struct number_filter *f, struct err *e)
{
    const struct filter_side *w = &f->side[WANTED];
    int rc = 0;
    for (int s = 0; rc == 0 && s < FILTER_SIDES; s++)
        rc = number_ranges_seal(&f->side[s].ranges, f->arena, e);
    for (uint32_t r = 1; rc == 0 && w->region != NULL && r < f->d->count[PHONE_SECTION_REGION]; r++)
        if (w->region[r])
            rc = number_ranges_prefix(&f->places, f->d->region[r].code, f->arena, e);
    if (rc == 0)
        rc = number_ranges_seal(&f->places, f->arena, e);
    f->sealed = rc == 0;
    return rc;
}

static bool has_ranges(const struct filter_side *s)
{
    return s->ranges.covers > 0;
}

static bool text_in(const struct number_filter *f, const struct filter_texts *t, const char *text, const char *nobody)
{
    if (*text == '\0' || strcmp(text, nobody) == 0)
        return t->unknown;
    size_t at = (size_t)(text - f->d->text);
    return (t->bit[at / 8] >> (at % 8) & 1) != 0;
}

/* Whether a kind lets a number pass: wanted, if anything is, and not unwanted. */
static bool region_passes(const struct number_filter *f, const struct phone_number *n)
{
    const struct filter_side *w = &f->side[WANTED], *u = &f->side[UNWANTED];
    return (w->region == NULL || w->region[n->region]) && (u->region == NULL || !u->region[n->region]);
}

static bool type_passes(const struct number_filter *f, const struct phone_number *n)
{
    unsigned bit = 1u << n->type, wanted = f->side[WANTED].types;
    return (wanted == 0 || (wanted & bit) != 0) && (f->side[UNWANTED].types & bit) == 0;
}

static bool network_passes(const struct number_filter *f, const struct phone_number *n)
{
    const struct filter_texts *w = &f->side[WANTED].network, *u = &f->side[UNWANTED].network;
    if (w->bit == NULL && u->bit == NULL)
        return true;
    const char *network = phone_network(f->d, n, NULL);
    return (w->bit == NULL || text_in(f, w, network, "")) && (u->bit == NULL || !text_in(f, u, network, ""));
}

static bool zone_passes(const struct number_filter *f, const struct phone_number *n)
{
    const struct filter_texts *w = &f->side[WANTED].zone, *u = &f->side[UNWANTED].zone;
    if (w->bit == NULL && u->bit == NULL)
        return true;
    const char *zones = phone_zones(f->d, n);
    return (w->bit == NULL || text_in(f, w, zones, PHONE_ZONES_UNKNOWN)) &&
           (u->bit == NULL || !text_in(f, u, zones, PHONE_ZONES_UNKNOWN));
}

static bool range_passes(const struct number_filter *f, const struct phone_number *n)
{
    const struct filter_side *w = &f->side[WANTED], *u = &f->side[UNWANTED];
    return (!has_ranges(w) || number_ranges_has(&w->ranges, n->e164)) &&
           (!has_ranges(u) || !number_ranges_has(&u->ranges, n->e164));
}

enum number_filter_why number_filter_check(const struct number_filter *f, const struct phone_number *n,
                                           const struct str *value)
{
    if (f->valid >= 0 && phone_number_valid(n) != (f->valid == 1))
        return NUMBER_OTHER_VALIDITY;
    if (!region_passes(f, n))
        return NUMBER_OTHER_COUNTRY;
    if (!type_passes(f, n))
        return NUMBER_OTHER_TYPE;
    if (!network_passes(f, n))
        return NUMBER_OTHER_NETWORK;
    if (!zone_passes(f, n))
        return NUMBER_OTHER_ZONE;
    if (!range_passes(f, n))
        return NUMBER_OTHER_RANGE;
    return f->where != NULL && !filter_where_holds(f, value) ? NUMBER_OTHER_VALUE : NUMBER_WANTED;
}

size_t number_filter_columns(const struct number_filter *f)
{
    return f->columns;
}

struct str number_filter_column(const struct number_filter *f, size_t i)
{
    return f->column[i];
}

bool number_filter_any(const struct number_filter *f)
{
    size_t words = 0;
    for (int s = 0; s < FILTER_SIDES; s++)
        for (int k = 0; k < FILTER_KEYS; k++)
            words += f->side[s].words[k].n;
    return words == 0;
}

bool number_filter_digits_only(const struct number_filter *f)
{
    size_t others = 0;
    for (int s = 0; s < FILTER_SIDES; s++)
        for (int k = 0; k < FILTER_KEYS; k++)
            others += k == KEY_RANGE || k == KEY_PATTERN ? 0 : f->side[s].words[k].n;
    return others == 0;
}

bool number_filter_may(const struct number_filter *f, uint64_t first, uint64_t last)
{
    const struct filter_side *w = &f->side[WANTED];
    return (!has_ranges(w) || number_ranges_may(&w->ranges, first, last)) &&
           (w->region == NULL || number_ranges_may(&f->places, first, last));
}
