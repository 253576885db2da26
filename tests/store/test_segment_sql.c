/* SPDX-License-Identifier: Apache-2.0
 * test_segment_sql.c - segments over bitmaps against the same segments as SQL: random people, random queries, the same ids.
 *
 * People are drawn from few values, so that queries mean many and nobody alike, among them what trips comparisons: capitals, quotes,
 * per cent signs, texts that are nearly numbers or days. Queries use every field and operator there is, nested, negated, with
 * combinators in both places and muted parts. WL_SIM_SENDS: how many queries; WL_SIM_SEED: of which seed (tools/soak segments). */
#include <roaring/roaring.h>
#include <unistd.h>

#include "core/segment.h"
#include "store/audience_file.h"
#include "t.h"

#define NOW    ((int64_t)1795305600000) /* 2026-11-22 00:00 UTC */
#define DAY_MS ((int64_t)86400000)

static uint64_t seed;

static uint32_t roll(uint32_t n) /* 0..n-1 */
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % n;
}

#define PICK(list) (list)[roll(sizeof(list) / sizeof *(list))]

static uint64_t env_or(const char *name, uint64_t fallback)
{
    const char *v = getenv(name);
    return v != NULL ? strtoull(v, NULL, 10) : fallback;
}

/* --- people ----------------------------------------------------------------------------------------------------------- */

static const char *const numbers[] = {"4915112345", "49170123456", "43664123456", "5511912345",
                                      "351912345",  "91981234567", "1212555010",  "44791112345"};
static const char *const texts[] = {"Berlin",     "berlin",     "BERLINER", "O'Hara",     "100%",
                                    "a_b",        "München",    "x,y",      "12",         "012",
                                    "12.5",       "-3",         "1e3",      "2026-11-01", "2026-11-01T12:00Z",
                                    "1999-12-31", "2026-13-01", "gold",     "Gold",       "9"};
static const char *const tags[] = {"vip", "VIP", "new", "lost", "a,b", "50% off", "o'clock"};
static const char *const names[] = {"Anna", "Bernd O'Neil", "anna maria", "", "José", "100%", "Zoe", "zoe"};
static const char *const languages[] = {"de", "de_AT", "pt-BR", "pt_BR", "pt", "en", "fr"};
static const char *const zones[] = {"", "", "Europe/Berlin", "America/Sao_Paulo"};
static const char *const attributes[] = {"city", "age", "birthday", "it's", "plan"};
static const int64_t imports[] = {7, 8, 9, 70, 71}; /* the last without a name */
static const char *const lists[] = {"spring.csv", "Autumn fair.csv", "spring.csv", "it's.csv"};
static const char *const campaigns[] = {"k0a", "k0b"};
static const char *const marks[] = {"in", "sent", "delivered", "read", "replied", "failed", "opted_out"};

static void draw_consent(struct consent_state *s)
{
    *s = (struct consent_state){0};
    for (enum category c = CATEGORY_MARKETING; c <= CATEGORY_CALLS; c++) {
        struct consent_event ev = {.scope = CONSENT_SCOPE(c), .at = NOW - 50 * DAY_MS, .rank = CONSENT_RANK_WRITTEN};
        ev.act = roll(3) == 0 ? CONSENT_WITHDRAW : CONSENT_GRANT;
        ev.until = ev.act == CONSENT_GRANT && roll(8) == 0 ? NOW + ((int64_t)roll(3) - 1) * DAY_MS : 0;
        if (roll(4) > 0)
            consent_apply(s, &ev);
    }
    if (roll(10) == 0)
        consent_apply(s, &(struct consent_event){.act = CONSENT_STOP,
                                                 .scope = CONSENT_SCOPE(CATEGORY_MARKETING),
                                                 .at = NOW - DAY_MS});
}

static void draw_activity(struct activity *a)
{
    *a = (struct activity){0};
    for (uint32_t n = roll(5); n > 0; n--) {
        int64_t at = NOW - (int64_t)roll(120 * 24) * 3600000;
        activity_add(a, &(struct activity_event){.kind = (enum activity_kind)(ACTIVITY_SENT + roll(5)),
                                                 .at = at,
                                                 .sent = at - 5000,
                                                 .sure = true});
    }
}

static void draw_person(struct audience *au, int64_t id)
{
    struct consent_state consent;
    struct activity activity;
    struct audience_pair pair[8];
    struct str tag[3];
    int64_t source[5];
    struct err e = {0};
    struct audience_person p = {.id = id,
                                .created_at = roll(20) ? NOW - (int64_t)roll(400) * DAY_MS : 0,
                                .lang = str_of(PICK(languages)),
                                .zone = str_of(PICK(zones)),
                                .name = str_of(PICK(names)),
                                .consent = &consent,
                                .attribute = pair,
                                .tag = tag,
                                .source = source,
                                .undeliverable_at = roll(6) == 0 ? NOW : 0,
                                .restricted = roll(30) == 0,
                                .named = roll(20) != 0};
    draw_consent(&consent);
    draw_activity(&activity);
    p.activity = roll(3) > 0 ? &activity : NULL;
    if (roll(12) > 0) {
        p.phone.kind = IDENTITY_PHONE;
        snprintf(p.phone.value, sizeof p.phone.value, "%s%u", PICK(numbers), roll(10));
    }
    for (size_t i = 0; i < sizeof attributes / sizeof *attributes; i++)
        if (roll(3) > 0)
            pair[p.n_attributes++] = (struct audience_pair){str_of(attributes[i]), str_of(PICK(texts))};
    while (p.n_tags < 3 && roll(2))
        tag[p.n_tags++] = str_of(PICK(tags));
    for (size_t i = 0; i < 5; i++)
        if (roll(4) == 0)
            source[p.n_sources++] = imports[i];
    assert_ok(audience_add(au, &p, &e), e);
}

static struct phone_data phones;

static struct audience *draw_audience(size_t people)
{
    struct err e = {0};
    phone_data_builtin(&phones);
    struct audience *au = audience_create(&phones, NOW);
    assert_non_null(au);
    int64_t id = 100;
    for (size_t i = 0; i < people; i++)
        draw_person(au, id += 1 + roll(3));
    for (size_t i = 0; i < 4; i++)
        assert_ok(audience_add_source(au, imports[i], str_of(lists[i]), &e), e);
    for (size_t i = 0; i < people; i++)
        assert_ok(audience_add_mark(au, str_of(PICK(campaigns)), 100 + roll((uint32_t)(id - 90)), roll(128), &e), e);
    assert_ok(audience_end(au, &e), e);
    return au;
}

/* --- queries ---------------------------------------------------------------------------------------------------------- */

/* list: a comma of the value is marked as such. */
static void put_escaped(struct buf *out, const char *text, bool list)
{
    for (; *text != '\0'; text++)
        buf_printf(out, *text == ',' && list ? "\\\\%c" : "%c", *text);
}

static const char *date_value(char *out, size_t size)
{
    static const char units[] = "smhdw";
    if (roll(3) == 0)
        snprintf(out, size, "2026-%02u-%02u", 8 + roll(5), 1 + roll(28));
    else if (roll(3) == 0)
        snprintf(out, size, "2026-%02u-%02uT%02u:%02u:00Z", 8 + roll(5), 1 + roll(28), roll(24), roll(60));
    else
        snprintf(out, size, "now%c%u%c", roll(5) ? '-' : '+', roll(70), units[2 + roll(3)]);
    return out;
}

static const char *number_value(char *out, size_t size)
{
    snprintf(out, size, roll(2) ? "%d" : "%d.5", (int)roll(20) - 5);
    return out;
}

static bool is(const char *a, const char *b)
{
    return strcmp(a, b) == 0;
}

enum wanted { ANY_VALUE, NUMBERS, TIMES };

/* A value that the field could have. */
static const char *one_value(const struct segment_field *f, enum wanted w, char *out, size_t size)
{
    static const char *const countries[] = {"DE", "at", "BR", "PT", "US", "GB", "FR"};
    static const char *const groups[] = {"EU", "DACH", "LATIN_AMERICA", "asia"};
    if (w != ANY_VALUE)
        return w == NUMBERS ? number_value(out, size) : date_value(out, size);
    if (is(f->name, "country"))
        return PICK(countries);
    if (is(f->name, "country_group"))
        return PICK(groups);
    if (is(f->name, "campaign")) {
        snprintf(out, size, "%s:%s", PICK(campaigns), PICK(marks));
        return out;
    }
    if (is(f->name, "import")) {
        snprintf(out, size, "%d", (int)PICK(imports));
        return out;
    }
    if (f->values != NULL) {
        struct str word = {NULL, 0}, rest = str_of(f->values);
        for (uint32_t n = 1 + roll(6); n > 0 && rest.n > 0; n--)
            word = str_cut(rest, ' ', &rest);
        snprintf(out, size, "%.*s", (int)word.n, word.p);
        return out;
    }
    if (is(f->name, "name"))
        return roll(3) ? "AN" : "zoe";
    return is(f->name, "tag")        ? PICK(tags)
           : is(f->name, "list")     ? PICK(lists)
           : is(f->name, "language") ? PICK(languages)
                                     : PICK(texts);
}

static enum wanted wanted_of(const struct segment_field *f, bool ordered)
{
    if (is(f->type, "date"))
        return TIMES;
    if (is(f->type, "number") || (is(f->name, "attribute.") && roll(ordered ? 2 : 4) == 0))
        return NUMBERS;
    return ordered ? TIMES : ANY_VALUE;
}

static void put_values(struct buf *out, const struct segment_field *f, enum wanted w, uint32_t n)
{
    char value[64];
    bool bare = w == NUMBERS && (n == 1 || roll(2)), text = n > 1 && !bare && roll(2);
    buf_puts(out, n == 1 ? "" : text ? "\"" : "[");
    for (uint32_t i = 0; i < n; i++) {
        buf_puts(out, i > 0 ? "," : "");
        buf_puts(out, bare || text ? "" : "\"");
        put_escaped(out, one_value(f, w, value, sizeof value), text);
        buf_puts(out, bare || text ? "" : "\"");
    }
    buf_puts(out, n == 1 ? "" : text ? "\"" : "]");
}

static void put_rule(struct buf *out)
{
    size_t fields = 0, ops = 1;
    while (segment_fields[fields].name != NULL)
        fields++;
    const struct segment_field *f = &segment_fields[roll((uint32_t)fields)];
    struct str op = {NULL, 0}, rest = str_of(f->operators);
    for (const char *p = f->operators; *p != '\0'; p++)
        ops += *p == ' ';
    for (uint32_t n = 1 + roll((uint32_t)ops); n > 0; n--)
        op = str_cut(rest, ' ', &rest);
    bool between = str_ends(op, STR("etween")), ordered = between || op.p[0] == '<' || op.p[0] == '>';
    uint32_t n = between ? 2 : str_eq(op, STR("in")) || str_eq(op, STR("notIn")) ? 1 + roll(roll(8) ? 4 : 40) : 1;
    buf_printf(out, "{\"field\":\"%s%s\",\"operator\":\"%.*s\",\"value\":", f->name,
               is(f->name, "attribute.") ? PICK(attributes) : "", (int)op.n, op.p);
    put_values(out, f, wanted_of(f, ordered), n);
    buf_puts(out, roll(15) == 0 ? ",\"muted\":true}" : "}");
}

static void put_group(struct buf *out, int depth)
{
    bool between = roll(4) == 0;
    uint32_t n = 1 + roll(4);
    buf_puts(out, "{");
    if (!between)
        buf_puts(out, roll(2) ? "\"combinator\":\"and\"," : "\"combinator\":\"or\",");
    buf_puts(out, roll(4) == 0 ? "\"not\":true," : "");
    buf_puts(out, "\"rules\":[");
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0)
            buf_puts(out, !between ? "," : roll(2) ? ",\"and\"," : ",\"or\",");
        if (depth < 4 && roll(3) == 0)
            put_group(out, depth + 1);
        else
            put_rule(out);
    }
    buf_puts(out, "]}");
}

/* --- both ------------------------------------------------------------------------------------------------------------- */

struct found {
    int64_t *id;
    size_t n, max;
};

static int take_id(void *ctx, int64_t id, struct err *e)
{
    struct found *f = ctx;
    (void)e;
    assert_true(f->n < f->max);
    f->id[f->n++] = id;
    return 0;
}

static void compare(const struct audience *au, const roaring_bitmap_t *b, const struct found *sql, const char *query,
                    const char *text)
{
    roaring_uint32_iterator_t it;
    size_t n = 0;
    bool same = roaring_bitmap_get_cardinality(b) == sql->n;
    roaring_init_iterator(b, &it);
    for (; same && it.has_value; roaring_advance_uint32_iterator(&it))
        same = audience_contact(au, it.current_value) == sql->id[n++];
    if (!same)
        fail_msg("%s\nmeans %zu people, and %zu as\n%s", query, (size_t)roaring_bitmap_get_cardinality(b), sql->n,
                 text);
}

struct rig {
    struct audience *au;
    struct audience_file *file;
    char path[64];
    struct json_parser *parser;
    struct arena *arena;
    struct found found;
    struct buf query, sql, says;
};

static void rig_open(struct rig *g, size_t people)
{
    struct err e = {0};
    *g = (struct rig){.au = draw_audience(people), .parser = json_parser_create(), .arena = arena_create(16 << 20)};
    snprintf(g->path, sizeof g->path, "/tmp/wl-segment-%d.db", (int)getpid());
    unlink(g->path);
    assert_ok(audience_file_write(g->path, g->au, &e), e);
    assert_int_equal(audience_file_write(g->path, g->au, &e), WL_ECONFLICT);
    assert_ok(audience_file_open(&g->file, g->path, &e), e);
    g->found.max = audience_people(g->au);
    g->found.id = calloc(g->found.max + 1, sizeof *g->found.id);
    buf_init(&g->query, 1 << 20);
    buf_init(&g->sql, 1 << 20);
    buf_init(&g->says, 1 << 20);
}

static void rig_close(struct rig *g)
{
    audience_file_free(g->file);
    unlink(g->path);
    audience_free(g->au);
    json_parser_free(g->parser);
    arena_free(g->arena);
    free(g->found.id);
    buf_done(&g->query);
    buf_done(&g->sql);
    buf_done(&g->says);
}

/* False: the query was refused (everything in it is muted, a text that is no number). */
static bool one_query(struct rig *g, int64_t now)
{
    struct err e = {0};
    struct json v;
    struct segment *s = NULL;
    roaring_bitmap_t *b = NULL, *may = NULL;
    buf_clear(&g->query);
    buf_clear(&g->sql);
    buf_clear(&g->says);
    arena_reset(g->arena);
    put_group(&g->query, 1);
    assert_ok(json_parse(g->parser, buf_str(&g->query), false, &v, &e), e);
    if (segment_read(v, g->arena, &s, NULL, &e) != 0)
        return false;
    assert_ok(segment_select(s, g->au, now, &b, &e), e);
    assert_ok(segment_sql(s, now, &g->sql, &e), e);
    segment_say(s, &g->says);
    assert_true(g->says.len > 9 && !g->says.failed && g->says.data[g->says.len - 1] == '.');
    g->found.n = 0;
    if (audience_file_ids(g->file, buf_cstr(&g->sql), take_id, &g->found, &e) != 0)
        fail_msg("%s\n%s\n%s", e.text, buf_cstr(&g->query), buf_cstr(&g->sql));
    compare(g->au, b, &g->found, buf_cstr(&g->query), buf_cstr(&g->sql));
    assert_ok(segment_reachable(b, g->au, CATEGORY_MARKETING, now, &may, &e), e);
    assert_true(roaring_bitmap_is_subset(may, b));
    roaring_bitmap_free(b);
    roaring_bitmap_free(may);
    return true;
}

static void many_queries(size_t people, uint64_t queries)
{
    struct rig g;
    uint64_t asked = 0, some = 0, refused = 0;
    rig_open(&g, people);
    for (; asked < queries; asked++) {
        refused += !one_query(&g, NOW + (int64_t)roll(100) * 3600000);
        some += g.found.n > 0 && g.found.n < audience_people(g.au);
    }
    print_message("%llu queries over %zu people: %llu meant some and not all, %llu refused\n",
                  (unsigned long long)asked, audience_people(g.au), (unsigned long long)some,
                  (unsigned long long)refused);
    assert_true(some > queries / 3 && refused < queries / 5);
    rig_close(&g);
}

TEST(bitmaps_and_sql_name_the_same_people)
{
    seed = env_or("WL_SIM_SEED", 20261122) * 2 + 1;
    many_queries(700, env_or("WL_SIM_SENDS", 2500));
}

TEST(also_of_more_than_a_block)
{
    seed = env_or("WL_SIM_SEED", 20261122) * 2 + 3;
    many_queries(70000, env_or("WL_SIM_SENDS", 2500) / 200);
}

TEST(sql_of_the_longest_list_is_answered)
{
    struct err e = {0};
    struct json v;
    struct segment *s = NULL;
    struct rig g;
    roaring_bitmap_t *b = NULL;
    seed = 7;
    rig_open(&g, 200);
    buf_puts(&g.query, "{\"rules\":[{\"field\":\"attribute.age\",\"operator\":\"in\",\"value\":[9");
    for (int i = 1; i < SEGMENT_VALUES_MAX; i++)
        buf_printf(&g.query, ",%d", 9 + i);
    buf_puts(&g.query, "]}]}");
    assert_ok(json_parse(g.parser, buf_str(&g.query), false, &v, &e), e);
    assert_ok(segment_read(v, g.arena, &s, NULL, &e), e);
    assert_ok(segment_select(s, g.au, NOW, &b, &e), e);
    assert_ok(segment_sql(s, NOW, &g.sql, &e), e);
    assert_ok(audience_file_ids(g.file, buf_cstr(&g.sql), take_id, &g.found, &e), e);
    assert_true(g.found.n > 0);
    compare(g.au, b, &g.found, "the longest list", "SQL");
    roaring_bitmap_free(b);
    rig_close(&g);
}

TESTS(T(bitmaps_and_sql_name_the_same_people), T(also_of_more_than_a_block), T(sql_of_the_longest_list_is_answered))
