/* SPDX-License-Identifier: Apache-2.0
 * audience.c - an audience is filled, person by person, and answers about one of them.
 *
 * What a person is known by is taken apart here: the number gives country, kind of line, network and, where there is but one, the time
 * zone; the state of consent one word a category, as of the audience's `now` (what has ended by then is none); activity its class, its
 * score and its last times in seconds. Who is to be erased gets no ordinal, so that no question can reach them.
 *
 * Memory: blocks of 65,536 people from an arena, sets of words in growing buffers. Measured per person: docs/segments.md. */
#include "core/audience.h"

#include <string.h>

#include "core/audience_impl.h"
#include "core/phone_country.h"
#include "core/phone_place.h"

const char *const audience_words_fields[AUDIENCE_SETS + 1] = {
    [AUDIENCE_COUNTRY] = "country",
    [AUDIENCE_LINE] = "line",
    [AUDIENCE_NETWORK] = "network",
    [AUDIENCE_LANGUAGE] = "language",
    [AUDIENCE_ZONE] = "zone",
    [AUDIENCE_NAME] = "name",
    [AUDIENCE_ACTIVITY] = "activity",
    [AUDIENCE_MARKETING] = "consent.marketing",
    [AUDIENCE_UTILITY] = "consent.utility",
    [AUDIENCE_AUTHENTICATION] = "consent.authentication",
    [AUDIENCE_CALLS] = "consent.calls",
    [AUDIENCE_STOP] = "platform_stop",
    [AUDIENCE_UNDELIVERABLE] = "undeliverable",
    [AUDIENCE_NAMED] = "named",
    [AUDIENCE_TAG] = "tag",
    [AUDIENCE_IMPORT] = "import",
    [AUDIENCE_LIST] = "list",
    [AUDIENCE_CAMPAIGN] = "campaign",
};

#define BLOCK_BYTES ((size_t)AUDIENCE_BLOCK * 48)
#define MARKS_WAIT  ((size_t)32 << 20) /* bytes of what campaigns did, or of lists, before they are sorted in */

static int no_memory(struct err *e)
{
    return err_set(e, WL_ENOMEM, "out of memory for the audience");
}

struct audience *audience_create(const struct phone_data *phones, int64_t now)
{
    struct arena *arena = arena_create((AUDIENCE_PEOPLE_MAX / AUDIENCE_BLOCK + 1) * BLOCK_BYTES);
    struct audience *a = arena != NULL ? arena_new(arena, struct audience) : NULL;
    if (a == NULL) {
        arena_free(arena);
        return NULL;
    }
    a->phones = phones;
    a->arena = arena;
    a->now = now;
    a->last = INT64_MIN;
    for (size_t i = 0; i < AUDIENCE_SETS; i++)
        audience_set_init(&a->set[i]);
    audience_set_init(&a->attributes);
    buf_init(&a->list, (size_t)UINT32_MAX * sizeof(uint32_t));
    buf_init(&a->until, (size_t)AUDIENCE_PEOPLE_MAX * CATEGORY_COUNT * sizeof(struct audience_until));
    buf_init(&a->scratch, (size_t)UINT32_MAX * 16);
    return a;
}

void audience_free(struct audience *a)
{
    if (a == NULL)
        return;
    for (size_t i = 0; i < AUDIENCE_SETS; i++)
        audience_set_done(&a->set[i]);
    for (uint32_t i = 0; i < audience_set_count(&a->attributes); i++)
        if (a->attribute[i] != NULL)
            audience_set_done(a->attribute[i]);
    audience_set_done(&a->attributes);
    buf_done(&a->list);
    buf_done(&a->until);
    buf_done(&a->scratch);
    people_free(a->everybody);
    arena_free(a->arena);
}

/* --- one person ------------------------------------------------------------------------------------------------------- */

/* Sorts in what has come, of every set. */
static bool flush(struct audience *a)
{
    bool ok = audience_set_flush(&a->attributes, &a->scratch);
    for (size_t i = 0; ok && i < AUDIENCE_SETS; i++)
        ok = audience_set_flush(&a->set[i], &a->scratch);
    for (uint32_t i = 0; ok && i < audience_set_count(&a->attributes); i++)
        ok = audience_set_flush(a->attribute[i], &a->scratch);
    return ok;
}

static struct audience_block *block_for(struct audience *a)
{
    size_t at = a->n / AUDIENCE_BLOCK;
    if (a->n % AUDIENCE_BLOCK != 0)
        return a->block[at];
    struct audience_block *b = flush(a) ? arena_new(a->arena, struct audience_block) : NULL;
    int64_t *id = b != NULL ? arena_new_array(a->arena, int64_t, AUDIENCE_BLOCK) : NULL;
    if (id == NULL)
        return NULL;
    b->id = id;
    a->block[at] = b;
    return b;
}

static bool put_number(struct audience *a, struct audience_block *b, enum audience_number which, int64_t v)
{
    if (v <= 0)
        return true;
    if (b->number[which] == NULL)
        b->number[which] = arena_new_array(a->arena, uint32_t, AUDIENCE_BLOCK);
    if (b->number[which] == NULL)
        return false;
    b->number[which][a->n % AUDIENCE_BLOCK] = v < UINT32_MAX ? (uint32_t)v : UINT32_MAX;
    return true;
}

static bool put_word(struct audience *a, enum audience_words_field f, struct str word)
{
    return word.n == 0 || audience_set_put(&a->set[f], word, (uint32_t)a->n);
}

static uint64_t digits(const char *z)
{
    uint64_t v = 0;
    for (; *z >= '0' && *z <= '9'; z++)
        v = v * 10 + (uint64_t)(*z - '0');
    return v;
}

static bool is_code(const char *text)
{
    return text[0] >= 'A' && text[0] <= 'Z' && text[1] >= 'A' && text[1] <= 'Z';
}

/* The country of a number, or of a user id ("US.1349"), as the door reads it. */
static void country_of(const struct audience *a, const struct identity *who, char ret[3])
{
    ret[0] = '\0';
    if (who->kind == IDENTITY_PHONE)
        phone_country(a->phones, digits(who->value), ret);
    else if (who->kind == IDENTITY_USER_ID && is_code(who->value))
        memcpy(ret, (char[3]){who->value[0], who->value[1], '\0'}, 3);
}

static bool put_country(struct audience *a, struct audience_block *b, const struct identity *who)
{
    char country[3];
    country_of(a, who, country);
    if (country[0] == '\0')
        return true;
    if (b->region == NULL && (b->region = arena_new_array(a->arena, uint16_t, AUDIENCE_BLOCK)) == NULL)
        return false;
    b->region[a->n % AUDIENCE_BLOCK] = (uint16_t)((country[0] - 'A') * 26 + country[1] - 'A' + 1);
    return put_word(a, AUDIENCE_COUNTRY, str_of(country));
}

static bool put_phone(struct audience *a, struct audience_block *b, const struct audience_person *p)
{
    struct str zone = p->zone;
    struct phone_number n;
    bool ok = put_country(a, b, &p->phone);
    if (p->phone.kind == IDENTITY_PHONE && phone_number_of_e164(a->phones, digits(p->phone.value), &n)) {
        const char *zones = phone_zones(a->phones, &n);
        bool one = strchr(zones, '&') == NULL && strcmp(zones, PHONE_ZONES_UNKNOWN) != 0;
        zone = zone.n == 0 && one ? str_of(zones) : zone;
        ok = ok && put_word(a, AUDIENCE_LINE, str_of(phone_type_word((enum phone_type)n.type))) &&
             put_word(a, AUDIENCE_NETWORK, str_of(phone_network(a->phones, &n, NULL)));
    }
    return ok && put_word(a, AUDIENCE_ZONE, zone);
}

static bool put_consent(struct audience *a, const struct consent_state *s)
{
    static const struct consent_state nothing;
    s = s != NULL ? s : &nothing;
    for (enum category c = CATEGORY_MARKETING; c <= CATEGORY_CALLS; c++) {
        const struct consent_word *w = &s->of[c];
        bool ends = w->status == CONSENT_GRANTED && w->until != 0, over = ends && w->until <= a->now;
        struct audience_until until = {w->until, (uint32_t)a->n, c};
        enum consent_status is = over ? CONSENT_NONE : (enum consent_status)w->status;
        if (!put_word(a, (enum audience_words_field)(AUDIENCE_MARKETING + (c - CATEGORY_MARKETING)),
                      str_of(consent_status_name(is))) ||
            (ends && !over && !buf_put(&a->until, &until, sizeof until)))
            return false;
    }
    return !s->platform_stop || put_word(a, AUDIENCE_STOP, STR("true"));
}

static bool put_activity(struct audience *a, struct audience_block *b, const struct activity *v)
{
    static const struct activity nothing;
    v = v != NULL ? v : &nothing;
    enum activity_class c = activity_class_of(v, &activity_usual, a->now);
    return put_word(a, AUDIENCE_ACTIVITY, str_of(activity_class_name(c))) &&
           put_number(a, b, AUDIENCE_LAST_SENT, v->sent) && put_number(a, b, AUDIENCE_LAST_DELIVERED, v->delivered) &&
           put_number(a, b, AUDIENCE_LAST_READ, v->read) && put_number(a, b, AUDIENCE_LAST_REPLIED, v->replied) &&
           put_number(a, b, AUDIENCE_LAST_CLICKED, v->clicked) &&
           put_number(a, b, AUDIENCE_SCORE, (int64_t)(activity_score(v, a->now) * 1000 + 0.5));
}

static int put_attributes(struct audience *a, const struct audience_person *p, struct err *e)
{
    for (size_t i = 0; i < p->n_attributes; i++) {
        uint32_t code;
        if (!audience_set_word(&a->attributes, p->attribute[i].name, &code))
            return no_memory(e);
        if (code >= AUDIENCE_ATTRIBUTES_MAX)
            return err_set(e, WL_ETOOBIG, "people have more than %d different attributes", AUDIENCE_ATTRIBUTES_MAX);
        if (a->attribute[code] == NULL) {
            a->attribute[code] = arena_new(a->arena, struct audience_set);
            if (a->attribute[code] == NULL)
                return no_memory(e);
            audience_set_init(a->attribute[code]);
        }
        if (p->attribute[i].value.n > 0 &&
            !(audience_set_put(a->attribute[code], p->attribute[i].value, (uint32_t)a->n) &&
              audience_set_add(&a->attributes, code, (uint32_t)a->n)))
            return no_memory(e);
    }
    return 0;
}

/* "123" of an import, its code */
static bool import_code(struct audience *a, int64_t id, uint32_t *ret)
{
    char text[24], *z = text + sizeof text;
    uint64_t v = (uint64_t)(id < 0 ? 0 : id);
    do
        *--z = (char)('0' + v % 10);
    while ((v /= 10) > 0);
    return audience_set_word(&a->set[AUDIENCE_IMPORT], (struct str){z, (size_t)(text + sizeof text - z)}, ret);
}

static bool put_sources(struct audience *a, struct audience_block *b, const struct audience_person *p)
{
    uint32_t code;
    for (size_t i = 0; i < p->n_sources; i++) {
        if (!import_code(a, p->source[i], &code) || !audience_set_add(&a->set[AUDIENCE_IMPORT], code, (uint32_t)a->n))
            return false;
        if (i > 0)
            continue;
        if (b->source == NULL && (b->source = arena_new_array(a->arena, uint32_t, AUDIENCE_BLOCK)) == NULL)
            return false;
        b->source[a->n % AUDIENCE_BLOCK] = code + 1;
    }
    return true;
}

struct str audience_language(struct str lang, char text[AUDIENCE_LANGUAGE_TEXT])
{
    if (lang.n > AUDIENCE_LANGUAGE_TEXT)
        return lang;
    for (size_t i = 0; i < lang.n; i++)
        text[i] = lang.p[i] == '_' ? '-' : lang.p[i];
    return (struct str){text, lang.n};
}

static bool put_language(struct audience *a, struct str lang)
{
    char text[AUDIENCE_LANGUAGE_TEXT];
    return put_word(a, AUDIENCE_LANGUAGE, audience_language(lang, text));
}

static bool put_plain(struct audience *a, struct audience_block *b, const struct audience_person *p)
{
    bool ok =
        put_number(a, b, AUDIENCE_CREATED, p->created_at / 1000) && put_language(a, p->lang) &&
        put_word(a, AUDIENCE_NAME, p->name) &&
        (p->undeliverable_at == 0 || put_word(a, AUDIENCE_UNDELIVERABLE, STR("true"))) &&
        (!p->named || put_word(a, AUDIENCE_NAMED, p->phone.kind == IDENTITY_PHONE ? STR("phone") : STR("user_id")));
    for (size_t i = 0; ok && i < p->n_tags; i++)
        ok = put_word(a, AUDIENCE_TAG, p->tag[i]);
    return ok;
}

int audience_add(struct audience *a, const struct audience_person *p, struct err *e)
{
    if (a->ended || p->id <= a->last)
        return err_set(e, WL_EBUG, "an audience is filled in the order of ids, once");
    if (p->restricted)
        return 0;
    if (a->n == AUDIENCE_PEOPLE_MAX)
        return err_set(e, WL_ETOOBIG, "an audience has at most %u people", AUDIENCE_PEOPLE_MAX);
    struct audience_block *b = block_for(a);
    if (b == NULL)
        return no_memory(e);
    b->id[a->n % AUDIENCE_BLOCK] = p->id;
    bool ok = put_phone(a, b, p) && put_plain(a, b, p) && put_consent(a, p->consent) &&
              put_activity(a, b, p->activity) && put_sources(a, b, p);
    int rc = ok ? put_attributes(a, p, e) : no_memory(e);
    if (rc != 0)
        return rc;
    a->last = p->id;
    a->n++;
    return 0;
}

/* --- after the people ------------------------------------------------------------------------------------------------- */

int audience_add_source(struct audience *a, int64_t id, struct str name, struct err *e)
{
    static const uint32_t unnamed;
    uint32_t code, list = UINT32_MAX;
    if (a->ended)
        return err_set(e, WL_EBUG, "an audience that was ended is not filled");
    if (!import_code(a, id, &code) || (name.n > 0 && !audience_set_word(&a->set[AUDIENCE_LIST], name, &list)))
        return no_memory(e);
    while (a->list.len <= code * sizeof list)
        if (!buf_put(&a->list, &unnamed, sizeof unnamed))
            return no_memory(e);
    ((uint32_t *)(void *)a->list.data)[code] = list + 1; /* 0 without a name */
    return 0;
}

/* Who is in the imports of a name, once these are ended. */
static int put_list(void *ctx, uint32_t import, const uint32_t *ordinal, size_t n)
{
    struct audience *a = ctx;
    struct audience_set *lists = &a->set[AUDIENCE_LIST];
    const uint32_t *list = (const uint32_t *)(const void *)a->list.data;
    if (import >= a->list.len / sizeof *list || list[import] == 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        if (!audience_set_add(lists, list[import] - 1, ordinal[i]))
            return WL_ENOMEM;
    return lists->fresh.len < MARKS_WAIT || audience_set_flush(lists, &a->scratch) ? 0 : WL_ENOMEM;
}

static const struct {
    enum audience_mark mark;
    const char *word;
} marks[] = {
    {AUDIENCE_IN_CAMPAIGN, ":in"},      {AUDIENCE_SENT, ":sent"},       {AUDIENCE_DELIVERED, ":delivered"},
    {AUDIENCE_READ, ":read"},           {AUDIENCE_REPLIED, ":replied"}, {AUDIENCE_FAILED, ":failed"},
    {AUDIENCE_OPTED_OUT, ":opted_out"},
};

static bool put_mark(struct audience *a, struct str campaign, const char *word, uint32_t ordinal)
{
    char text[AUDIENCE_CAMPAIGN_MAX + 16];
    size_t n = strlen(word);
    memcpy(text, campaign.p, campaign.n);
    memcpy(text + campaign.n, word, n);
    return audience_set_put(&a->set[AUDIENCE_CAMPAIGN], (struct str){text, campaign.n + n}, ordinal);
}

int audience_add_mark(struct audience *a, struct str campaign, int64_t contact, unsigned bits, struct err *e)
{
    struct audience_set *s = &a->set[AUDIENCE_CAMPAIGN];
    uint32_t ordinal;
    if (a->ended || campaign.n == 0 || campaign.n > AUDIENCE_CAMPAIGN_MAX)
        return err_set(e, WL_EBUG, "a campaign's id has 1 to %d letters, and an audience that was ended is not filled",
                       AUDIENCE_CAMPAIGN_MAX);
    if (!audience_ordinal(a, contact, &ordinal))
        return 0;
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if ((bits & marks[i].mark) != 0 && !put_mark(a, campaign, marks[i].word, ordinal))
            return no_memory(e);
    return s->fresh.len < MARKS_WAIT || audience_set_flush(s, &a->scratch) ? 0 : no_memory(e);
}

int audience_end(struct audience *a, struct err *e)
{
    bool ok = audience_set_end(&a->attributes, &a->scratch);
    for (size_t i = 0; ok && i < AUDIENCE_SETS; i++) {
        if (i == AUDIENCE_LIST) /* imports are ended by now */
            ok = audience_set_each(&a->set[AUDIENCE_IMPORT], put_list, a) == 0;
        ok = ok && audience_set_end(&a->set[i], &a->scratch);
    }
    for (uint32_t i = 0; ok && i < audience_set_count(&a->attributes); i++)
        ok = audience_set_end(a->attribute[i], &a->scratch);
    buf_done(&a->scratch);
    a->everybody = roaring_bitmap_from_range(0, a->n, 1);
    if (a->everybody == NULL) /* of nobody */
        a->everybody = roaring_bitmap_create();
    a->ended = true;
    return ok && a->everybody != NULL ? 0 : no_memory(e);
}

/* --- questions about one ---------------------------------------------------------------------------------------------- */

size_t audience_people(const struct audience *a)
{
    return a->n;
}

int64_t audience_at(const struct audience *a)
{
    return a->now;
}

int64_t audience_contact(const struct audience *a, uint32_t ordinal)
{
    return a->block[ordinal / AUDIENCE_BLOCK]->id[ordinal % AUDIENCE_BLOCK];
}

bool audience_ordinal(const struct audience *a, int64_t contact, uint32_t *ret)
{
    size_t from = 0, to = a->n;
    while (from < to) {
        size_t mid = from + (to - from) / 2;
        int64_t id = audience_contact(a, (uint32_t)mid);
        if (id == contact) {
            *ret = (uint32_t)mid;
            return true;
        }
        from = id < contact ? mid + 1 : from;
        to = id < contact ? to : mid;
    }
    return false;
}

int64_t audience_source(const struct audience *a, uint32_t ordinal)
{
    const uint32_t *source = a->block[ordinal / AUDIENCE_BLOCK]->source;
    uint32_t code = source != NULL ? source[ordinal % AUDIENCE_BLOCK] : 0;
    int64_t id = 0;
    if (code == 0 || !str_i64(audience_set_text(&a->set[AUDIENCE_IMPORT], code - 1), &id))
        return 0;
    return id;
}

const char *audience_country(const struct audience *a, uint32_t ordinal)
{
    const uint16_t *region = a->block[ordinal / AUDIENCE_BLOCK]->region;
    uint16_t letters = region != NULL ? region[ordinal % AUDIENCE_BLOCK] : 0;
    char text[2] = {(char)('A' + (letters - 1) / 26), (char)('A' + (letters - 1) % 26)};
    int row = letters != 0 ? phone_region(a->phones, (struct str){text, 2}) : 0;
    return row > 0 ? phone_region_id(a->phones, row) : "";
}

uint32_t audience_number(const struct audience *a, uint32_t ordinal, enum audience_number which)
{
    const uint32_t *number = a->block[ordinal / AUDIENCE_BLOCK]->number[which];
    return number != NULL ? number[ordinal % AUDIENCE_BLOCK] : 0;
}

size_t audience_bytes(const struct audience *a)
{
    size_t bytes = arena_used(a->arena) + a->list.cap + a->until.cap + audience_set_bytes(&a->attributes);
    for (size_t i = 0; i < AUDIENCE_SETS; i++)
        bytes += audience_set_bytes(&a->set[i]);
    for (uint32_t i = 0; i < audience_set_count(&a->attributes); i++)
        bytes += audience_set_bytes(a->attribute[i]);
    return bytes;
}
