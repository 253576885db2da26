/* SPDX-License-Identifier: Apache-2.0
 * test_segment.c - whom a query means, what it says and where it is wrong: a table each, over ten people. */
#include "segment_people.h"

#include <roaring/roaring.h>

/* The people: id, number, language, name, attributes, tags, imports, consent, read so many days ago. */
static const struct row people[] = {
    {1, "+4915112345678", "de", "Anna", "city=Berlin|age=30", "vip|new", "7", "granted", 3},
    {2, "+4917012345678", "de", "Bernd", "city=berlin|age=9", "vip", "7|8", "granted", 40},
    {3, "+436641234567", "de_AT", "Clara", "city=Wien", "", "8", "withdrawn", 5},
    {4, "+5511912345678", "pt-BR", "Davi", "age=41.5|birthday=1985-02-03", "new", "", "granted", -1},
    {5, "+351912345678", "pt", "Eva Maria", "city=O'Porto", "VIP", "9", "none", 0},
    {6, "", "", "", "", "", "", "granted", -1},
    {7, "+919812345678", "hi", "Farid", "age=old|birthday=2001-12-31", "", "9", "granted-1d", 200},
    {8, "+12125550100", "en", "Gwen", "city=New York, NY|age=-3", "", "", "stop", 29},
    {9, "+12125550101", "en", "Hal", "", "lost", "7", "granted+1d", 31},
};

static struct phone_data phones;

static struct audience *audience_of(void)
{
    struct err e = {0};
    phone_data_builtin(&phones);
    struct audience *a = audience_create(&phones, NOW);
    assert_non_null(a);
    for (size_t i = 0; i < sizeof people / sizeof *people; i++)
        add_row(a, &people[i]);
    struct audience_person gone = {.id = 10, .restricted = true, .named = true};
    assert_ok(audience_add(a, &gone, &e), e);
    assert_ok(audience_add_source(a, 7, STR("spring.csv"), &e), e);
    assert_ok(audience_add_source(a, 8, STR("Autumn fair.csv"), &e), e);
    assert_ok(audience_add_source(a, 9, STR("spring.csv"), &e), e);
    assert_ok(audience_add_mark(a, STR("k0dwt9b3c5e0g00"), 1, AUDIENCE_IN_CAMPAIGN | AUDIENCE_SENT | AUDIENCE_READ, &e),
              e);
    assert_ok(audience_add_mark(a, STR("k0dwt9b3c5e0g00"), 3, AUDIENCE_IN_CAMPAIGN | AUDIENCE_FAILED, &e), e);
    assert_ok(audience_add_mark(a, STR("k0dwt9b3c5e0g00"), 10, AUDIENCE_IN_CAMPAIGN | AUDIENCE_SENT, &e), e);
    assert_ok(audience_end(a, &e), e);
    return a;
}

static void ids_of(const struct audience *a, const roaring_bitmap_t *b, char *out)
{
    uint32_t ordinal[16];
    size_t n = roaring_bitmap_get_cardinality(b);
    assert_true(n <= 16);
    roaring_bitmap_to_uint32_array(b, ordinal);
    *out = '\0';
    for (size_t i = 0; i < n; i++)
        sprintf(out + strlen(out), "%s%d", i > 0 ? " " : "", (int)audience_contact(a, ordinal[i]));
}

struct rig {
    struct json_parser *parser;
    struct arena *arena;
};

static struct segment *read_query(struct rig *g, const char *text, struct err *e, const char **ret_path)
{
    struct segment *s = NULL;
    struct json v;
    arena_reset(g->arena);
    assert_ok(json_parse(g->parser, str_of(text), false, &v, e), *e);
    segment_read(v, g->arena, &s, ret_path, e);
    return s;
}

static struct rig rig_open(void)
{
    return (struct rig){json_parser_create(), arena_create(16 << 20)};
}

static void rig_close(struct rig *g)
{
    json_parser_free(g->parser);
    arena_free(g->arena);
}

#define ALL                 "1 2 3 4 5 6 7 8 9"
#define R(x)                "{\"combinator\":\"and\",\"rules\":[" x "]}"
#define F(field, op, value) "{\"field\":\"" field "\",\"operator\":\"" op "\",\"value\":" value "}"

static const struct {
    const char *query, *ids, *says;
} meant[] = {
    {R(""), ALL, "Everybody."},
    {"{\"rules\":[]}", ALL, "Everybody."},
    {"{\"combinator\":\"or\",\"rules\":[]}", ALL, "Everybody."},
    {R(F("country", "=", "\"de\"")), "1 2", "People in Germany."},
    {R(F("country", "in", "\"DE, AT\"")), "1 2 3", "People in Germany or Austria."},
    {R(F("country", "!=", "\"DE\"")), "3 4 5 6 7 8 9", "People who are not in Germany, or in no known country."},
    {R(F("country", "null", "null")), "6", "People who are in no known country."},
    {R(F("country_group", "=", "\"EU\"")), "1 2 3 5", "People in European Union."},
    {R(F("tag", "=", "\"vip\"")), "1 2 5", "People who have the tag vip."},
    {R(F("tag", "in", "[\"vip\",\"lost\"]")), "1 2 5 9", "People who have any of the tags vip or lost."},
    {R(F("tag", "!=", "\"vip\"")), "3 4 6 7 8 9", "People who do not have the tag vip."},
    {R(F("tag", "null", "\"\"")), "3 6 7 8", "People who have no tag."},
    {R(F("tag", "contains", "\"O\"")), "9", "People who have a tag whose name contains O."},
    {R(F("list", "=", "\"Spring.CSV\"")), "1 2 5 7 9", "People who are in the imported list Spring.CSV."},
    {R(F("list", "beginsWith", "\"autumn\"")), "2 3",
     "People who are in an imported list whose name begins with autumn."},
    {R(F("import", "notIn", "[7, 8]")), "4 5 6 7 8", "People who are not in any of the imports 7 or 8."},
    {R(F("attribute.city", "=", "\"BERLIN\"")), "1 2", "People who have a city that is BERLIN."},
    {R(F("attribute.city", "=", "\"o'porto\"")), "5", "People who have a city that is o'porto."},
    {R(F("attribute.city", "in", "\"New York\\\\, NY,Wien\"")), "3 8",
     "People who have a city that is \"New York, NY\" or Wien."},
    {R(F("attribute.city", "doesNotEndWith", "\"n\"")), "4 5 6 7 8 9", "People who have no city that ends with n."},
    {R(F("attribute.age", ">=", "\"9\"")), "1 2 4", "People who have an age that is at least 9."},
    {R(F("attribute.age", "=", "30.0")), "1", "People who have an age that is 30.0."},
    {R(F("attribute.age", "in", "[9, 30, 31]")), "1 2", "People who have an age that is 9, 30 or 31."},
    {R(F("attribute.age", "notIn", "[9, 30]")), "3 4 5 6 7 8 9", "People who have no age that is 9 or 30."},
    {R(F("attribute.age", "between", "[50, -3]")), "1 2 4 8", "People who have an age that is between 50 and -3."},
    {R(F("attribute.age", "notBetween", "\"0,40\"")), "3 4 5 6 7 8 9", NULL},
    {R(F("attribute.birthday", "<", "\"1990-01-01\"")), "4",
     "People who have a birthday that is before 1 January 1990."},
    {R(F("attribute.birthday", "notNull", "null")), "4 7", "People who have a birthday."},
    {R(F("attribute.nothing", "!=", "\"x\"")), ALL, "People who have no nothing that is x."},
    {R(F("name", "contains", "\"MARIA\"")), "5", "People who have a name that contains MARIA."},
    {R(F("language", "beginsWith", "\"pt\"")), "4 5", "People who have a language that begins with pt."},
    {R(F("language", "in", "\"pt_BR,DE-at\"")), "3 4", "People who have a language that is pt-BR or DE-at."},
    {R(F("consent.marketing", "=", "\"granted\"")), "1 2 4 6 8 9", "People who consent to marketing messages."},
    {R(F("consent.marketing", "in", "\"none,withdrawn\"")), "3 5 7", NULL},
    {R(F("consent.calls", "=", "\"none\"")), ALL, "People who have no word on record about calls."},
    {R(F("platform_stop", "=", "true")), "8", "People who have stopped marketing in WhatsApp."},
    {R(F("platform_stop", "=", "\"false\"")), "1 2 3 4 5 6 7 9", "People who have not stopped marketing in WhatsApp."},
    {R(F("last_read", ">=", "\"now-30d\"")), "1 3 5 8", "People who read something in the last 30 days."},
    {R(F("last_read", "<", "\"now-30d\"")), "2 7 9", "People who last read something more than 30 days ago."},
    {R(F("last_read", "null", "null")), "4 6", "People who never read anything."},
    {R(F("last_read", "=", "\"2026-11-16\"")), "3", "People who last read something on 16 November 2026."},
    {R(F("last_read", "!=", "\"2026-11-16\"")), "1 2 4 5 6 7 8 9", NULL},
    {R(F("last_read", "between", "\"2026-10-23,2026-11-19\"")), "1 3 8",
     "People who last read something between 23 October 2026 and 19 November 2026."},
    {R(F("last_read", ">", "\"2026-11-16\"")), "1 5", "People who last read something after 16 November 2026."},
    {R(F("last_read", ">=", "\"2026-11-16\"")), "1 3 5", NULL},
    {R(F("last_read", "<", "\"2026-11-16\"")), "2 7 8 9", NULL},
    {R(F("last_read", "<=", "\"2026-11-16\"")), "2 3 7 8 9",
     "People who last read something not later than 16 November 2026."},
    {R(F("last_read", ">", "\"2026-11-16T18:00Z\"")), "1 5",
     "People who last read something after 16 November 2026 18:00 UTC."},
    {R(F("last_read", ">=", "\"2026-11-16 19:00:00.5+01:00\"")), "1 3 5", NULL},
    {R(F("score", ">", "0")), "1 2 3 5 7 8 9", "People who have a score above 0."},
    {R(F("score", "=", "0")), "4 6", "People who have a score of 0."},
    {R(F("activity", "=", "\"new\"")), "4 6", "People who are new."},
    {R(F("campaign", "=", "\"k0dwt9b3c5e0g00:sent\"")), "1", "People who were sent campaign k0dwt9b3c5e0g00."},
    {R(F("campaign", "=", "\"k0dwt9b3c5e0g00\"")), "1 3",
     "People who were in the audience of campaign k0dwt9b3c5e0g00."},
    {R(F("campaign", "notIn", "\"k0dwt9b3c5e0g00:in\"")), "2 4 5 6 7 8 9",
     "People who were not in the audience of campaign k0dwt9b3c5e0g00."},
    {R(F("country", "in", "\"DE,AT\"") "," F("tag", "=", "\"vip\"") "," F("last_read", ">", "\"now-30d\"")), "1",
     "People in Germany or Austria who have the tag vip and read something in the last 30 days."},
    {"{\"combinator\":\"and\",\"not\":true,\"rules\":[" F("country", "=", "\"DE\"") "," F("last_read", ">",
                                                                                          "\"now-30d\"") "]}",
     "2 3 4 5 6 7 8 9",
     "People of whom it is not true that they are in Germany and read something in the last 30 days."},
    {R(F("tag", "=", "\"vip\"") ",{\"combinator\":\"or\",\"rules\":[" F("country", "=", "\"PT\"") "," F(
         "last_read", "<", "\"now-30d\"") "]}"),
     "2 5", "People who have the tag vip and (are in Portugal or last read something more than 30 days ago)."},
    {R(F("tag", "=", "\"vip\"") ",{\"combinator\":\"and\",\"not\":true,\"rules\":[" F(
         "country", "=", "\"PT\"") "]},{\"combinator\":\"or\",\"rules\":[]}"),
     "1 2", "People who have the tag vip and are not people who (are in Portugal)."},
    {R(F("consent.marketing", "in", "\"none,withdrawn\"") "," F("tag", "=", "\"vip\"")), "5",
     "People who (have no word on record about marketing messages or have withdrawn consent to marketing messages) and "
     "have the tag vip."},
    {R(F("country", "=", "\"DE\"") "," F("campaign", "notIn", "\"k0:sent,k1:read\"")), "1 2",
     "People in Germany who were not sent campaign k0 and did not read campaign k1."},
    {R(F("country", "!=", "\"DE\"") "," F("last_read", "notBetween", "\"2026-01-01,2026-10-01\"")), "3 4 5 6 8 9",
     "People who (are not in Germany, or in no known country) and (never read anything, or not between 1 January 2026 "
     "and "
     "1 October 2026)."},
    {R(F("attribute.birthday", ">=", "\"now-3650d\"")), "",
     "People who have a birthday that is not earlier than 3650 days ago."},
    {R(F("last_read", ">=", "\"now\"")), "", "People who last read something not earlier than now."},
    {R(F("created", "<", "\"2026-11-22T00:00:00+02:00\"")), ALL,
     "People who were added before 21 November 2026 22:00 UTC."},
    /* combinators between the rules: `and` binds closer */
    {"{\"rules\":[" F("country", "=", "\"DE\"") ",\"or\"," F("country", "=", "\"PT\"") ",\"and\"," F("tag", "=",
                                                                                                     "\"new\"") "]}",
     "1 2", NULL},
    {"{\"rules\":[" F("country", "=", "\"DE\"") ",\"or\"," F("country", "=", "\"US\"") ",\"and\"," F("tag", "=",
                                                                                                     "\"lost\"") "]}",
     "1 2 9", "People who are in Germany or (are in United States and have the tag lost)."},
    {"{\"rules\":[" F("tag", "=", "\"vip\"") "],\"id\":\"x\",\"path\":[0],\"disabled\":true}", "1 2 5",
     "People who have the tag vip."},
    /* muted: as if it were not there */
    {R(F("tag", "=", "\"vip\"") ",{\"muted\":true,\"field\":\"no\",\"operator\":\"such\"}"), "1 2 5",
     "People who have the tag vip."},
    {"{\"rules\":[" F("tag", "=", "\"vip\"") ",\"and\",{\"muted\":true},\"or\"," F("country", "=", "\"AT\"") "]}",
     "1 2 3 5", NULL},
    {"{\"rules\":[" F("tag", "=", "\"vip\"") ",\"or\",{\"muted\":true},\"and\"," F("country", "=", "\"PT\"") "]}", "5",
     "People in Portugal who have the tag vip."},
    {"{\"rules\":[{\"muted\":true},\"and\"," F("tag", "=", "\"vip\"") ",\"or\"," F("country", "=", "\"AT\"") "]}",
     "1 2 3 5", NULL},
    {R(F("tag", "=", "\"vip\"") ",{\"combinator\":\"or\",\"not\":true,\"rules\":[{\"muted\":true}]}"), "1 2 5", NULL},
    /* a group of nothing is nothing, also beside `or` */
    {"{\"combinator\":\"or\",\"rules\":[" F("tag", "=", "\"vip\"") ",{\"combinator\":\"and\",\"rules\":[]}]}", "1 2 5",
     NULL},
    {R(F("tag", "in", "\"vip, lost ,\"")), "1 2 5 9", NULL},
};

TEST(a_query_means_these_people_and_says_so)
{
    struct rig g = rig_open();
    struct audience *a = audience_of();
    struct buf says;
    char ids[200];
    int wrong = 0;
    buf_init(&says, 4096);
    for (size_t i = 0; i < sizeof meant / sizeof *meant; i++) {
        struct err e = {0};
        roaring_bitmap_t *b = NULL;
        struct segment *s = read_query(&g, meant[i].query, &e, NULL);
        if (s == NULL)
            fail_msg("%s: %s", meant[i].query, e.text);
        assert_ok(segment_select(s, a, NOW, &b, &e), e);
        ids_of(a, b, ids);
        if (strcmp(ids, meant[i].ids) != 0)
            print_error("%s: means %s, not %s\n", meant[i].query, ids, meant[i].ids), wrong++;
        roaring_bitmap_free(b);
        buf_clear(&says);
        segment_say(s, &says);
        if (meant[i].says != NULL && strcmp(buf_cstr(&says), meant[i].says) != 0)
            print_error("says \"%s\", not \"%s\"\n", buf_cstr(&says), meant[i].says), wrong++;
    }
    assert_int_equal(wrong, 0);
    buf_done(&says);
    audience_free(a);
    rig_close(&g);
}

static const struct {
    const char *query, *path, *part; /* where, and what the sentence has in it */
} refused[] = {
    {"[]", "", "object with rules"},
    {"{\"combinator\":\"and\"}", "rules", "must be a list"},
    {"{\"combinator\":\"xor\",\"rules\":[]}", "combinator", "xor"},
    {R("5"), "rules[0]", "object"},
    {R(F("contry", "=", "\"DE\"")), "rules[0].field", "did you mean country, or attribute.contry?"},
    {R(F("~", "=", "\"DE\"")), "rules[0].field", "to be chosen"},
    {R(F("attribute.", "=", "\"DE\"")), "rules[0].field", "attribute's name"},
    {R(F("country", "<", "\"DE\"")), "rules[0].operator", "it has = !="},
    {R(F("country", "=", "\"usa\"")), "rules[0].value", "US"},
    {R(F("country", "=", "\"EU\"")), "rules[0].value", "country_group"},
    {R(F("country_group", "=", "\"EUU\"")), "rules[0].value", "did you mean EU?"},
    {R(F("tag", "=", "\" \"")), "rules[0].value", "missing"},
    {R(F("tag", "in", "[]")), "rules[0].value", "missing"},
    {R(F("tag", "in", "\", ,\"")), "rules[0].value", "missing"},
    {R(F("tag", "=", "[\"a\",\"b\"]")), "rules[0].value", "one value"},
    {R(F("tag", "=", "{}")), "rules[0].value", "a text, a number"},
    {R(F("last_read", "between", "\"2026-01-01\"")), "rules[0].value", "two values"},
    {R(F("last_read", ">", "\"yesterday\"")), "rules[0].value", "is no time"},
    {R(F("last_read", ">", "\"2026-02-29\"")), "rules[0].value", "is no time"},
    {R(F("last_read", ">", "\"now-30y\"")), "rules[0].value", "is no time"},
    {R(F("attribute.age", "<", "\"old\"")), "rules[0].value", "neither a number"},
    {R(F("attribute.age", "in", "[1,\"2\"]")), "rules[0].value", "all numbers"},
    {R(F("score", ">", "\"1e3\"")), "rules[0].value", "is no number"},
    {R(F("consent.marketing", "=", "\"yes\"")), "rules[0].value", "granted withdrawn none"},
    {R(F("platform_stop", "=", "\"yes\"")), "rules[0].value", "true or false"},
    {R(F("campaign", "=", "\"K0:in\"")), "rules[0].value", "a colon"},
    {R(F("campaign", "=", "\"k0dwt9b3c5e0g00:seen\"")), "rules[0].value", "opted_out"},
    {R(F("import", "=", "\"spring.csv\"")), "rules[0].value", "digits"},
    {R("{\"field\":\"name\",\"operator\":\"=\",\"value\":\"tag\",\"valueSource\":\"field\"}"), "rules[0].valueSource",
     "values only"},
    {R("{\"field\":\"tag\",\"operator\":\"=\",\"value\":\"a\",\"match\":{\"mode\":\"all\"}}"), "rules[0].match",
     "match"},
    {R("{\"field\":\"tag\",\"field\":\"name\",\"operator\":\"=\",\"value\":\"a\"}"), "rules[0]", "twice"},
    {R("{\"combinator\":\"and\",\"rules\":[" F("tag", "=", "\"a\"") "," F("tag", "is", "\"a\"") "]}"),
     "rules[0].rules[1].operator", "\"is\""},
    {"{\"rules\":[" F("tag", "=", "\"a\"") ",\"and\"]}", "rules[1]", "between two rules"},
    {"{\"rules\":[\"and\"," F("tag", "=", "\"a\"") "]}", "rules[0]", "between two rules"},
    {"{\"rules\":[" F("tag", "=", "\"a\"") ",\"nor\"," F("tag", "=", "\"a\"") "]}", "rules[1]", "nor"},
    {"{\"combinator\":\"and\",\"muted\":true,\"rules\":[" F("tag", "=", "\"a\"") "]}", "muted", "everybody"},
    {R("{\"muted\":true}"), "rules", "everybody"},
    {"{\"combinator\":\"and\",\"not\":true,\"rules\":[]}", "not", "nobody"},
    {R(F("tag", "=", "\"a\"") ",{\"combinator\":\"and\",\"not\":true,\"rules\":[]}"), "rules[1].not", "nobody"},
    {R("{\"combinator\":\"and\",\"rules\":[]}"), "rules", "everybody"},
    {"{\"combinator\":\"and\",\"not\":\"yes\",\"rules\":[]}", "not", "true or false"},
};

TEST(what_is_wrong_is_said_with_its_place)
{
    struct rig g = rig_open();
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        struct err e = {0};
        const char *path = NULL;
        struct segment *s = read_query(&g, refused[i].query, &e, &path);
        if (s != NULL || strcmp(path, refused[i].path) != 0 || strstr(e.text, refused[i].part) == NULL)
            fail_msg("%s: at \"%s\": %s", refused[i].query, path ? path : "(nowhere)", e.text);
    }
    rig_close(&g);
}

TEST(limits_are_refused_and_what_is_within_them_is_not)
{
    struct rig g = rig_open();
    struct buf q;
    buf_init(&q, 1 << 20);
    for (int over = 0; over < 2; over++) {
        struct err e = {0};
        buf_clear(&q);
        buf_puts(&q, "{\"combinator\":\"or\",\"rules\":[");
        for (int i = 0; i < SEGMENT_RULES_MAX + over; i++)
            buf_printf(&q, "%s" F("tag", "=", "\"a\""), i > 0 ? "," : "");
        buf_puts(&q, "]}");
        assert_int_equal(read_query(&g, buf_cstr(&q), &e, NULL) == NULL, over);
        assert_int_equal(e.code, over ? WL_ETOOBIG : 0);
        buf_clear(&q);
        for (int i = 0; i < SEGMENT_DEPTH_MAX + over; i++)
            buf_puts(&q, "{\"combinator\":\"and\",\"rules\":[");
        buf_puts(&q, F("tag", "=", "\"a\""));
        for (int i = 0; i < SEGMENT_DEPTH_MAX + over; i++)
            buf_puts(&q, "]}");
        e = (struct err){0};
        assert_int_equal(read_query(&g, buf_cstr(&q), &e, NULL) == NULL, over);
        assert_int_equal(e.code, over ? WL_ETOOBIG : 0);
    }
    buf_done(&q);
    rig_close(&g);
}

TEST(no_segment_reaches_who_may_not_be_sent_to)
{
    static const struct {
        enum category category;
        int64_t now;
        const char *ids;
    } rows[] = {
        {CATEGORY_MARKETING, NOW, "1 2 4 9"}, /* not 6: no name to send to; 7: has ended; 8: stopped in WhatsApp */
        {CATEGORY_MARKETING, NOW + 2 * DAY_MS, "1 2 4"}, /* 9's has ended since */
        {CATEGORY_UTILITY, NOW, ""},
    };
    struct rig g = rig_open();
    struct audience *a = audience_of();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = {0};
        roaring_bitmap_t *all = NULL, *may = NULL;
        char ids[200];
        assert_ok(segment_select(read_query(&g, R(""), &e, NULL), a, rows[i].now, &all, &e), e);
        assert_ok(segment_reachable(all, a, rows[i].category, rows[i].now, &may, &e), e);
        ids_of(a, may, ids);
        assert_string_equal(ids, rows[i].ids);
        roaring_bitmap_free(all);
        roaring_bitmap_free(may);
    }
    struct err e = {0};
    roaring_bitmap_t *all = roaring_bitmap_create(), *may = NULL;
    assert_int_equal(segment_reachable(all, a, CATEGORY_SERVICE, NOW, &may, &e), WL_EINVAL);
    roaring_bitmap_free(all);
    audience_free(a);
    rig_close(&g);
}

TEST(who_has_only_a_user_id_gets_no_one_time_code)
{
    static const char *const numbers[] = {"+4915112345678", "US.13491208655302741918"};
    struct consent_state all = {0};
    struct err e = {0};
    consent_apply(&all, &(struct consent_event){.act = CONSENT_GRANT, .scope = CONSENT_ALL, .at = NOW - DAY_MS});
    phone_data_builtin(&phones);
    struct audience *a = audience_create(&phones, NOW);
    assert_non_null(a);
    for (size_t i = 0; i < 2; i++) {
        struct audience_person p = {.id = 1 + (int64_t)i, .named = true, .consent = &all};
        assert_ok(i == 0 ? identity_phone(str_of(numbers[i]), &p.phone, &e)
                         : identity_user_id(str_of(numbers[i]), &p.phone, &e),
                  e);
        assert_ok(audience_add(a, &p, &e), e);
    }
    assert_ok(audience_end(a, &e), e);
    for (enum category c = CATEGORY_MARKETING; c <= CATEGORY_CALLS; c++) {
        roaring_bitmap_t *both = roaring_bitmap_from_range(0, 2, 1), *may = NULL;
        char ids[200];
        assert_ok(segment_reachable(both, a, c, NOW, &may, &e), e);
        ids_of(a, may, ids);
        assert_string_equal(ids, c == CATEGORY_AUTHENTICATION ? "1" : "1 2");
        roaring_bitmap_free(both);
        roaring_bitmap_free(may);
    }
    audience_free(a);
}

TEST(names_nobody_has_are_told)
{
    struct rig g = rig_open();
    struct audience *a = audience_of();
    struct err e = {0};
    struct str name[8];
    struct segment *s =
        read_query(&g,
                   R(F("attribute.town", "=", "\"x\"") "," F("tag", "in", "\"VIP,vipp\"") "," F(
                       "list", "=",
                       "\"winter.csv\"") "," F("campaign", "!=",
                                               "\"k0dwt9b3c5e0g01:sent\"") "," F("attribute.city", "=",
                                                                                 "\"Rom\"") "," F("language", "in",
                                                                                                  "\"pt_BR,xx\"")),
                   &e, NULL);
    assert_non_null(s);
    assert_int_equal(segment_unheard(s, a, name, 8), 5);
    assert_str(name[0], "attribute.town");
    assert_str(name[1], "tag vipp");
    assert_str(name[2], "list winter.csv");
    assert_str(name[3], "campaign k0dwt9b3c5e0g01:sent");
    assert_str(name[4], "language xx");
    assert_int_equal(segment_unheard(s, a, name, 2), 2);
    audience_free(a);
    rig_close(&g);
}

TESTS(T(a_query_means_these_people_and_says_so), T(what_is_wrong_is_said_with_its_place),
      T(limits_are_refused_and_what_is_within_them_is_not), T(no_segment_reaches_who_may_not_be_sent_to),
      T(who_has_only_a_user_id_gets_no_one_time_code), T(names_nobody_has_are_told))
