/* SPDX-License-Identifier: Apache-2.0
 * campaign_check_people.c - everybody a campaign means: their number, variant, language and words.
 *
 * People are read in the order of their ids, in pages of neighbours, beside their history with our numbers. Number: the one of the campaign's they
 * last wrote to or were last written to from; else the first route for their country and language; else a number of their
 * country; else one by its share of the speed. It is frozen with the plan and never chosen again. Numbers that are mentioned in
 * routes are for whom those say, and for nobody else by chance. Their words go into a file without a name, so that memory does not grow with
 * them. Who has no name to be written to, no language or no value is left out, and counted with the reason. */
#include <fcntl.h>
#include <roaring/roaring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/yaml.h"
#include "gateway/audiences.h"
#include "gateway/campaign_check_impl.h"
#include "store/audience_rows.h"
#include "store/people.h"
#include "store/segments.h"

#define RUN_PEOPLE  400 /* of a page */
#define RUN_GAP     16  /* people nobody asked for between two of a page */
#define PAIRS_PAGE  4000
#define NAMES_MAX   16
#define VALUES_MAX  64 /* attributes of one person that are looked at */
#define UNHEARD_MAX 20
#define WORDS_MAX   (128u << 10)

/* --- who is meant --------------------------------------------------------------------------------------------------- */

static int read_query(struct check *c, struct json query, const char *field)
{
    const char *path = "";
    struct err why = {0};
    int rc = segment_read(query, c->a, &c->segment, &path, &why);
    if (rc == WL_EINVAL)
        check_problem(c, true, "segment", field, "the segment cannot be read: %s%s%s%s", why.text,
                      path != NULL && path[0] ? " (" : "", path != NULL ? path : "",
                      path != NULL && path[0] ? ")" : "");
    return rc == WL_EINVAL ? 0 : rc;
}

/* A saved segment's JSON stays with a parser of its own, until the check ends. */
static int saved_segment(struct check *c, struct err *e)
{
    struct segment_row row;
    struct json query;
    struct err why = {0};
    int rc = segment_get(c->reader, c->def->segment, 0, c->a, &row, e);
    if (rc == WL_ENOTFOUND) {
        check_problem(c, true, "segment_unknown", "segment",
                      "there is no segment \"%.*s\": `wayleave segments list` shows those there are",
                      (int)c->def->segment.n, c->def->segment.p);
        return 0;
    }
    if (rc != 0)
        return rc;
    c->segment_version = row.version;
    if (json_parse(c->query_json, row.query, false, &query, &why) != 0) {
        check_problem(c, true, "segment", "segment", "the segment \"%.*s\" is no JSON: %s", (int)c->def->segment.n,
                      c->def->segment.p, why.text);
        return 0;
    }
    return read_query(c, query, "segment");
}

/* Fields nobody has anything of are mistyped more often than meant. */
static void tell_unheard(struct check *c)
{
    struct str name[UNHEARD_MAX];
    size_t n = segment_unheard(c->segment, c->au, name, UNHEARD_MAX);
    for (size_t i = 0; i < n && i < UNHEARD_MAX; i++)
        check_problem(c, false, "segment_unheard", c->def->segment.n > 0 ? "segment" : "query",
                      "nobody has anything that is called \"%.*s\": is it written right?",
                      (int)str_clip(name[i], 100).n, name[i].p);
}

int check_segment(struct check *c, struct err *e)
{
    roaring_bitmap_t *reachable = NULL;
    int rc = c->def->segment.n > 0 ? saved_segment(c, e) : read_query(c, c->def->query, "query");
    if (rc == 0)
        rc = audience_borrow(c->g->audiences, true, &c->au, e);
    if (rc != 0 || c->segment == NULL)
        return rc;
    tell_unheard(c);
    rc = segment_select(c->segment, c->au, audience_at(c->au), &c->people, e);
    if (rc == 0)
        rc = segment_reachable(c->people, c->au, c->def->category, audience_at(c->au), &reachable, e);
    if (rc != 0)
        return rc;
    c->n_segment = (int64_t)roaring_bitmap_get_cardinality(c->people);
    c->n_reachable = (int64_t)roaring_bitmap_get_cardinality(reachable);
    roaring_bitmap_free(reachable);
    if (c->n_segment == 0)
        check_problem(c, true, "audience_empty", c->def->segment.n > 0 ? "segment" : "query",
                      "the segment means nobody of the %zu people there are", audience_people(c->au));
    else if (c->n_segment > CAMPAIGN_PEOPLE_MAX)
        check_problem(c, true, "audience_large", c->def->segment.n > 0 ? "segment" : "query",
                      "the segment means %lld people, and a campaign may have at most %d: split it",
                      (long long)c->n_segment, CAMPAIGN_PEOPLE_MAX);
    return 0;
}

/* --- sources -------------------------------------------------------------------------------------------------------- */

struct source_list {
    struct check *c;
    size_t cap;
};

static int add_source(void *ctx, int64_t id, struct str name, struct err *e)
{
    struct source_list *l = ctx;
    struct check *c = l->c;
    if (c->n_sources == CAMPAIGN_STRATA_MAX)
        return 0;
    char *copy = arena_strndup(c->a, name.p, name.n);
    if (copy == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    c->source[c->n_sources++] = (struct check_source){.id = id, .name = {copy, name.n}};
    return 0;
}

/* Stratum 0 is the API, the others imports in the order of their ids; what comes from more than there are strata is the last. */
static int read_sources(struct check *c, struct err *e)
{
    struct source_list l = {.c = c};
    c->source = arena_new_array(c->a, struct check_source, CAMPAIGN_STRATA_MAX);
    if (c->source == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    c->source[c->n_sources++] = (struct check_source){.id = 0, .name = STR("api")};
    int rc = store_begin_reading(c->reader, e);
    if (rc != 0)
        return rc;
    rc = audience_row_sources(c->reader, c->page, add_source, &l, e);
    store_rollback(c->reader);
    arena_reset(c->page);
    return rc;
}

static uint16_t stratum_of(const struct check *c, int64_t source)
{
    size_t low = 1, high = c->n_sources;
    if (source == 0)
        return 0;
    while (low < high) {
        size_t middle = (low + high) / 2;
        if (c->source[middle].id < source)
            low = middle + 1;
        else
            high = middle;
    }
    return (uint16_t)(low < c->n_sources && c->source[low].id == source ? low : c->n_sources - 1);
}

/* --- their history with our numbers --------------------------------------------------------------------------------- */

struct pages {
    struct check *c;
    struct arena *pair_memory;
    struct pair *pair;
    size_t n_pairs, at;
    bool last_page;
    const int64_t *want; /* contacts of this run, rising */
    const uint32_t *ordinal;
    size_t n_want, seen;
    struct buf values, text;
    uint32_t share[CAMPAIGN_NUMBERS_MAX];
    struct str has[CAMPAIGN_VARIANTS_MAX][CAMPAIGN_NUMBERS_MAX][CAMPAIGN_LANGUAGES_MAX];
    const struct check_listing *listing[CAMPAIGN_VARIANTS_MAX][CAMPAIGN_NUMBERS_MAX][CAMPAIGN_LANGUAGES_MAX];
    size_t n_has[CAMPAIGN_VARIANTS_MAX][CAMPAIGN_NUMBERS_MAX];
};

static int number_of(const struct campaign_def *d, int64_t sender)
{
    for (size_t i = 0; i < d->n_numbers; i++)
        if (d->number[i] == sender)
            return (int)i;
    return -1;
}

/* Pairs from this contact on. */
static int read_pairs(struct pages *g, int64_t contact, struct err *e)
{
    arena_reset(g->pair_memory);
    g->at = 0;
    int rc = pairs_after(g->c->reader, CHECK_BUCKET, contact - 1, PAIRS_PAGE, g->pair_memory, &g->pair, &g->n_pairs, e);
    g->last_page = g->n_pairs == 0;
    return rc;
}

/* The campaign's number they last had to do with; -1: none. */
static int sticky(struct pages *g, int64_t contact, int *ret, struct err *e)
{
    int64_t latest = 0;
    int rc = 0;
    *ret = -1;
    while (g->at < g->n_pairs && g->pair[g->at].contact < contact)
        g->at++;
    if (g->at == g->n_pairs && !g->last_page)
        rc = read_pairs(g, contact, e);
    for (; rc == 0 && g->at < g->n_pairs && g->pair[g->at].contact == contact; g->at++) {
        const struct pair *p = &g->pair[g->at];
        int64_t at = p->last_inbound > p->last_out ? p->last_inbound : p->last_out;
        int number = number_of(g->c->def, p->sender);
        if (number >= 0 && g->c->number[number].usable && at > latest) {
            latest = at;
            *ret = number;
        }
    }
    return rc;
}

/* --- the number ----------------------------------------------------------------------------------------------------- */

static bool is_among(struct str word, const struct str *list, size_t n)
{
    struct str base;
    for (size_t i = 0; i < n; i++) {
        struct str rest, own = str_cut(word, '_', &rest);
        base = str_cut(list[i], '_', &rest);
        if (str_ieq(list[i], word) || (rest.p == NULL && str_ieq(base, own)))
            return true;
    }
    return n == 0;
}

static int by_route(const struct check *c, const char *country, struct str lang)
{
    for (size_t i = 0; i < c->def->n_routes; i++) {
        const struct campaign_route *r = &c->def->route[i];
        int number = number_of(c->def, r->number);
        if (number >= 0 && c->number[number].usable && is_among(str_of(country), r->country, r->n_countries) &&
            is_among(lang, r->language, r->n_languages))
            return number;
    }
    return -1;
}

static bool has_route(const struct campaign_def *d, int64_t number)
{
    for (size_t i = 0; i < d->n_routes; i++)
        if (d->route[i].number == number)
            return true;
    return false;
}

/* Of the numbers without a route those of this country, "" any; shared out by their speed. -1: none. */
static int by_share(struct pages *g, int64_t contact, const char *country)
{
    const struct check *c = g->c;
    uint32_t sum = 0;
    for (size_t i = 0; i < c->def->n_numbers; i++) {
        bool fits = c->number[i].usable && !has_route(c->def, c->def->number[i]) &&
                    (country[0] == '\0' || strcmp(c->number[i].country, country) == 0);
        g->share[i] = fits ? c->number[i].per_second : 0;
        sum += g->share[i];
    }
    return sum > 0 ? (int)campaign_share_of(g->share, c->def->n_numbers, c->key, contact) : -1;
}

/* False: none of the numbers is for them. */
static int choose_number(struct pages *g, struct check_person *p, const char *country, struct str lang, bool *ret,
                         struct err *e)
{
    int number = -1, way = BY_STICKY;
    int rc = g->c->def->n_numbers > 1 || g->c->def->n_routes > 0 ? sticky(g, p->contact, &number, e) : 0;
    if (rc != 0)
        return rc;
    if (number < 0) {
        way = BY_ROUTE;
        number = by_route(g->c, country, lang);
    }
    if (number < 0 && country[0] != '\0') {
        way = BY_COUNTRY;
        number = by_share(g, p->contact, country);
    }
    if (number < 0) {
        way = BY_SHARE;
        number = by_share(g, p->contact, "");
    }
    *ret = number >= 0;
    if (number >= 0) {
        p->number = (uint8_t)number;
        p->way = (uint8_t)way;
    }
    return 0;
}

/* --- the words ------------------------------------------------------------------------------------------------------ */

/* Some of a person's attributes: those a slot asks for. */
static size_t values_of(const struct campaign_variant *v, const struct audience_person *who, const struct identity *to,
                        struct campaign_value ret[VALUES_MAX], char phone[IDENTITY_MAX + 1])
{
    size_t n = 0;
    snprintf(phone, IDENTITY_MAX + 1, "+%s", who->phone.value);
    for (size_t i = 0; i < v->n_slots && n < VALUES_MAX; i++) {
        struct str want = v->slot[i].attribute;
        if (str_eq(want, STR("name")))
            ret[n++] = (struct campaign_value){want, who->name};
        else if (str_eq(want, STR("phone")))
            ret[n++] = (struct campaign_value){want, to->kind == IDENTITY_PHONE ? str_of(phone) : STR("")};
        else
            for (size_t k = 0; k < who->n_attributes && want.n > 0; k++)
                if (str_eq(who->attribute[k].name, want)) {
                    ret[n++] = (struct campaign_value){want, who->attribute[k].value};
                    break;
                }
    }
    return n;
}

static void mark_defaults(const struct campaign_variant *v, struct check_person *p, const struct campaign_value *has,
                          size_t n)
{
    for (size_t i = 0; i < v->n_slots; i++) {
        bool own = v->slot[i].attribute.n == 0;
        for (size_t k = 0; k < n && !own; k++)
            own = str_eq(has[k].name, v->slot[i].attribute) && str_trim(has[k].value).n > 0;
        p->defaulted |= (uint64_t)!own << i;
    }
}

/* True: they have their words in g->values. */
static int make_words(struct pages *g, struct check_person *p, const struct audience_person *who,
                      const struct identity *to, const struct check_listing *l, bool *ret, struct err *e)
{
    struct check *c = g->c;
    const struct campaign_variant *v = &c->def->variant[p->variant];
    struct campaign_value has[VALUES_MAX];
    char phone[IDENTITY_MAX + 1];
    size_t missing = 0, n = values_of(v, who, to, has, phone);
    buf_clear(&g->values);
    int rc = campaign_values(v, has, n, &g->values, &missing, e);
    int too_long = rc == 0 ? check_length(c, l, buf_str(&g->values), &g->text) : -1;
    if (too_long >= 0) {
        missing = (size_t)too_long;
        rc = WL_EINVAL;
    }
    *ret = rc == 0;
    if (rc == 0)
        mark_defaults(v, p, has, n);
    if (rc != WL_ENOTFOUND && rc != WL_EINVAL)
        return rc;
    struct check_slot *s = &c->slot[p->variant][missing];
    s->missing += rc == WL_ENOTFOUND;
    s->refused += rc == WL_EINVAL;
    check_sample(&s->sample, p->contact);
    check_skip(c, p, SKIP_PARAMETER, v->slot[missing].attribute);
    return 0;
}

/* Words that are the person's own go to the file. */
static int keep_words(struct check *c, struct check_person *p, struct str words, struct err *e)
{
    const struct campaign_variant *v = &c->def->variant[p->variant];
    bool own = false;
    for (size_t i = 0; i < v->n_slots; i++)
        own = own || v->slot[i].attribute.n > 0;
    if (!own)
        return 0;
    if (words.n >= (1u << 24) || c->words_n >= (UINT64_C(1) << 40))
        return err_set(e, WL_ETOOBIG, "the words of this campaign do not fit their file");
    for (size_t done = 0; done < words.n;) {
        ssize_t k = pwrite(c->words, words.p + done, words.n - done, (off_t)(c->words_n + done));
        if (k <= 0)
            return err_set(e, WL_EIO,
                           "the words of the campaign cannot be kept beside the database: is the disk full?");
        done += (size_t)k;
    }
    p->words = c->words_n & 0xffffffffffu;
    p->words_n = (unsigned)words.n & 0xffffffu;
    c->words_n += words.n;
    return 0;
}

/* --- one person ----------------------------------------------------------------------------------------------------- */

static int find_name(struct check *c, const struct audience_person *who, struct identity *ret, struct err *e)
{
    struct identity names[NAMES_MAX];
    size_t n = 0;
    *ret = who->phone;
    if (ret->kind == IDENTITY_PHONE || ret->kind == IDENTITY_USER_ID || !who->named)
        return 0;
    int rc = people_identities(c->reader, CHECK_BUCKET, who->id, names, NAMES_MAX, &n, e);
    for (size_t i = 0; i < n && rc == 0; i++)
        if (names[i].kind == IDENTITY_USER_ID)
            *ret = names[i];
    return rc;
}

/* People with the same clocks, for the forecast. */
static uint16_t group_of(struct check *c, const struct audience_person *who, const struct identity *to,
                         const char *country)
{
    struct whereabouts w;
    if (!places_find(c->places, who->zone.n > 0 ? who->zone.p : "", to, c->now, &w))
        w = (struct whereabouts){.min = -720, .max = 840}; /* somewhere */
    for (size_t i = 0; i < c->n_groups; i++) {
        const struct whereabouts *g = &c->group[i].where;
        if (g->min == w.min && g->max == w.max && g->change_at == w.change_at && g->min_after == w.min_after &&
            g->max_after == w.max_after)
            return (uint16_t)i;
    }
    if (c->n_groups == CHECK_GROUPS)
        return CHECK_GROUPS - 1;
    c->group[c->n_groups] =
        (struct check_group){.where = w, .country = country[0] != '\0' ? arena_strdup(c->a, country) : NULL};
    return (uint16_t)c->n_groups++;
}

/* Meta's spelling of the person's locale. */
static struct str language_of(const struct audience_person *who, char out[LANGUAGE_MAX])
{
    size_t n = who->lang.n < LANGUAGE_MAX - 1 ? who->lang.n : LANGUAGE_MAX - 1;
    for (size_t i = 0; i < n; i++)
        out[i] = who->lang.p[i] == '-' ? '_' : who->lang.p[i];
    return (struct str){out, n};
}

static int choose(struct pages *g, struct check_person *p, const struct audience_person *who, uint32_t ordinal,
                  struct err *e)
{
    struct check *c = g->c;
    struct identity to;
    char spelled[LANGUAGE_MAX];
    bool fits = false;
    const char *country = audience_country(c->au, ordinal);
    struct str lang = language_of(who, spelled);
    p->stratum = stratum_of(c, audience_source(c->au, ordinal));
    p->variant = (uint8_t)campaign_variant_of(c->def, c->key, p->contact);
    int rc = find_name(c, who, &to, e);
    if (rc != 0)
        return rc;
    if (to.kind != IDENTITY_PHONE && to.kind != IDENTITY_USER_ID) {
        check_skip(c, p, SKIP_NO_NAME, STR(""));
        return 0;
    }
    rc = choose_number(g, p, country, lang, &fits, e);
    if (rc == 0 && !fits)
        check_skip(c, p, SKIP_NUMBER, STR(""));
    if (rc != 0 || !fits)
        return rc;
    int at = campaign_language(&c->def->variant[p->variant], lang, g->has[p->variant][p->number],
                               g->n_has[p->variant][p->number]);
    if (at < 0) {
        check_skip(c, p, SKIP_LANGUAGE, lang);
        return 0;
    }
    const struct check_listing *l = g->listing[p->variant][p->number][at];
    p->language = l->language;
    rc = make_words(g, p, who, &to, l, &fits, e);
    if (rc != 0 || !fits)
        return rc;
    rc = keep_words(c, p, buf_str(&g->values), e);
    p->group = group_of(c, who, &to, country);
    return rc == 0 ? judge_ask(c, p, &to, l, buf_str(&g->values), e) : rc;
}

/* Somebody of the page. Who is wanted and not there has gone since the audience was made. */
static int each(void *ctx, const struct audience_person *who, struct err *e)
{
    struct pages *g = ctx;
    struct check *c = g->c;
    while (g->seen < g->n_want && g->want[g->seen] < who->id) {
        struct check_person *p = &c->person[c->n_people++];
        *p = (struct check_person){.contact = g->want[g->seen++]};
        check_skip(c, p, SKIP_NO_NAME, STR(""));
    }
    if (g->seen == g->n_want || g->want[g->seen] != who->id)
        return 0;
    struct check_person *p = &c->person[c->n_people++];
    *p = (struct check_person){.contact = who->id};
    uint32_t ordinal = g->ordinal[g->seen++];
    if (who->restricted) {
        check_skip(c, p, SKIP_NO_NAME, STR(""));
        return 0;
    }
    return choose(g, p, who, ordinal, e);
}

/* --- everybody ------------------------------------------------------------------------------------------------------ */

/* One run of neighbours: read until all of them were met or are surely gone. */
static int read_run(struct pages *g, const int64_t *want, const uint32_t *ordinal, size_t n, struct err *e)
{
    struct check *c = g->c;
    int64_t after = want[0] - 1;
    g->want = want;
    g->ordinal = ordinal;
    g->n_want = n;
    g->seen = 0;
    while (g->seen < n) {
        size_t most = (size_t)(ordinal[n - 1] - ordinal[g->seen]) + 1, got = 0;
        int rc = store_begin_reading(c->reader, e);
        if (rc != 0)
            return rc;
        arena_reset(c->page);
        rc = audience_rows(c->reader, CHECK_BUCKET, after, most, c->page, each, g, &after, &got, e);
        store_rollback(c->reader);
        if (rc != 0)
            return rc;
        if (got < most)
            break;
    }
    while (g->seen < n) {
        struct check_person *p = &c->person[c->n_people++];
        *p = (struct check_person){.contact = want[g->seen++]};
        check_skip(c, p, SKIP_NO_NAME, STR(""));
    }
    return check_go_on(c, e);
}

static int go_through(struct pages *g, struct err *e)
{
    struct check *c = g->c;
    int64_t want[RUN_PEOPLE];
    uint32_t ordinal[RUN_PEOPLE];
    size_t n = 0;
    int rc = 0;
    roaring_uint32_iterator_t *it = roaring_create_iterator(c->people);
    for (; it->has_value && rc == 0; roaring_advance_uint32_iterator(it)) {
        uint32_t at = it->current_value;
        if (n == RUN_PEOPLE || (n > 0 && at - ordinal[n - 1] > RUN_GAP)) {
            rc = read_run(g, want, ordinal, n, e);
            n = 0;
        }
        ordinal[n] = at;
        want[n++] = audience_contact(c->au, at);
    }
    if (rc == 0 && n > 0)
        rc = read_run(g, want, ordinal, n, e);
    roaring_free_uint32_iterator(it);
    return rc;
}

/* A file beside the database that has no name: gone with the process, whatever happens. */
static int open_words(struct check *c, struct err *e)
{
    c->words = open(c->g->o.state_dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (c->words < 0) {
        FILE *f = tmpfile();
        c->words = f != NULL ? fcntl(fileno(f), F_DUPFD_CLOEXEC, 3) : -1;
        if (f != NULL)
            fclose(f);
    }
    return c->words >= 0 ? 0 : err_set(e, WL_EIO, "there is no place for a temporary file beside the database");
}

static struct pages *pages_new(struct check *c)
{
    struct pages *g = arena_new(c->a, struct pages);
    if (g == NULL || (g->pair_memory = arena_create(8u << 20)) == NULL)
        return NULL;
    g->c = c;
    buf_init(&g->values, WORDS_MAX);
    buf_init(&g->text, WORDS_MAX);
    for (size_t v = 0; v < c->def->n_variants; v++)
        for (size_t n = 0; n < c->def->n_numbers; n++)
            if (c->number[n].usable)
                g->n_has[v][n] = check_languages(c, v, n, g->has[v][n], g->listing[v][n]);
    return g;
}

int check_people(struct check *c, struct err *e)
{
    struct pages *g = pages_new(c);
    c->person = calloc((size_t)c->n_segment + 1, sizeof *c->person);
    if (g == NULL || c->person == NULL)
        return err_set(e, WL_ENOMEM, "out of memory for %lld people", (long long)c->n_segment);
    int rc = open_words(c, e);
    if (rc == 0)
        rc = read_sources(c, e);
    if (rc == 0)
        rc = judge_open(c, e);
    if (rc == 0)
        rc = go_through(g, e);
    if (rc == 0)
        rc = judge_wait(c, e);
    judge_close(c);
    buf_done(&g->values);
    buf_done(&g->text);
    arena_free(g->pair_memory);
    return rc;
}
