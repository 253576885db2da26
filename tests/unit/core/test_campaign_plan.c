/* SPDX-License-Identifier: Apache-2.0
 * test_campaign_plan.c - the order, the shares and the messages of a plan.
 *
 * What would hurt: a bad import that is sent to last, where no monitor can help; a person who changes variant from one check to the next; words
 * of one person in another's message. */
#include "t.h"

#include "core/campaign.h"

static const uint8_t key[CAMPAIGN_KEY_BYTES] = {1, 2, 3};

static size_t strata_of(uint32_t s)
{
    static const size_t size[] = {1, 7, 100, 1900, 8000};
    return size[s];
}
#define STRATA 5
#define PEOPLE 10008

static struct campaign_person *crowd(int64_t first)
{
    struct campaign_person *p = calloc(PEOPLE, sizeof *p);
    size_t n = 0;
    for (uint32_t s = 0; s < STRATA; s++)
        for (size_t i = 0; i < strata_of(s); i++, n++)
            p[n] = (struct campaign_person){.contact = first + (int64_t)n * 3, .stratum = s, .index = (uint32_t)n};
    return p;
}

TEST(every_stretch_has_its_share)
{
    struct campaign_person *p = crowd(INT64_C(1) << 50);
    size_t seen[STRATA] = {0};
    campaign_order(p, PEOPLE, key);
    for (size_t i = 0; i < PEOPLE; i++) {
        seen[p[i].stratum]++;
        for (uint32_t s = 0; s < STRATA; s++) {
            double due = (double)strata_of(s) * (double)(i + 1) / PEOPLE, off = (double)seen[s] - due;
            if (off > 3 || off < -3) /* one person of each stratum, rounded */
                fail_msg("after %zu: %zu of stratum %u, %.1f are its share", i + 1, seen[s], s, due);
        }
    }
    for (uint32_t s = 0; s < STRATA; s++)
        assert_int_equal(seen[s], strata_of(s));
    free(p);
}

TEST(the_order_is_shuffled_and_repeats)
{
    struct campaign_person *p = crowd(1000), *q = crowd(1000);
    uint8_t other[CAMPAIGN_KEY_BYTES] = {9};
    size_t same = 0, rising = 0;
    struct campaign_person swap = q[0];
    q[0] = q[PEOPLE - 1]; /* whatever the order they are given in */
    q[PEOPLE - 1] = swap;
    campaign_order(p, PEOPLE, key);
    campaign_order(q, PEOPLE, key);
    for (size_t i = 0; i < PEOPLE; i++)
        assert_true(p[i].contact == q[i].contact && p[i].index == q[i].index);
    campaign_order(q, PEOPLE, other);
    for (size_t i = 0; i < PEOPLE; i++) {
        same += p[i].contact == q[i].contact;
        rising += i > 0 && p[i].contact > p[i - 1].contact;
    }
    assert_true(same < 20);
    assert_true(rising > PEOPLE * 45 / 100 && rising < PEOPLE * 55 / 100);
    free(p);
    free(q);
}

TEST(shares_are_those_asked_for)
{
    struct campaign_def *d = calloc(1, sizeof *d);
    size_t n[3] = {0}, held = 0, both = 0;
    d->n_variants = 3;
    d->variant[0].weight = 1, d->variant[1].weight = 2, d->variant[2].weight = 7;
    d->hold_out = 50;
    for (int64_t c = 0; c < 100000; c++) {
        size_t v = campaign_variant_of(d, key, c << 22);
        bool h = campaign_held_out(d, key, c << 22);
        n[v]++;
        held += h;
        both += h && v == 0;
    }
    assert_true(n[0] > 9600 && n[0] < 10400 && n[1] > 19500 && n[1] < 20500);
    assert_true(held > 4700 && held < 5300);
    assert_true(both > 420 && both < 580); /* the two are independent */
    const uint32_t weight[] = {0, 5, 0};
    for (int64_t c = 0; c < 100; c++)
        assert_int_equal(campaign_share_of(weight, 3, key, c), 1);
    free(d);
}

TEST(keys_are_each_campaigns_own)
{
    uint8_t a[CAMPAIGN_KEY_BYTES], b[CAMPAIGN_KEY_BYTES], again[CAMPAIGN_KEY_BYTES];
    campaign_key(1, key, a);
    campaign_key(2, key, b);
    campaign_key(1, key, again);
    assert_memory_equal(a, again, sizeof a);
    assert_memory_not_equal(a, b, sizeof a);
}

/* --- messages ------------------------------------------------------------------------------------------------------- */

static struct json_parser *parser, *listings;
static struct arena *arena;

static const struct campaign_variant *variant(const char *category, const char *parameters)
{
    struct campaign_def *d;
    struct json root;
    struct err e;
    const char *field = "";
    if (parser == NULL) {
        parser = json_parser_create();
        listings = json_parser_create();
        arena = arena_create(4u << 20);
    }
    arena_reset(arena);
    d = arena_new(arena, struct campaign_def);
    char *text = arena_printf(arena,
                              "{\"name\":\"x\",\"category\":\"%s\",\"segment\":\"s\",\"numbers\":[1],\"templates\":"
                              "[{\"name\":\"t\",\"parameters\":%s}]}",
                              category, parameters);
    assert_ok(json_parse(parser, str_of(text), false, &root, &e), e);
    assert_ok(campaign_def_read(root, arena, d, &field, &e), e);
    return &d->variant[0];
}

static const struct campaign_value person[] = {
    {STR_INIT("name"), STR_INIT(" Ana \"B\" ")},
    {STR_INIT("code"), STR_INIT("77")},
    {STR_INIT("photo"), STR_INIT("https://x/p.png")},
    {STR_INIT("media"), STR_INIT("900100")},
    {STR_INIT("bad"), STR_INIT("a\nb")},
    {STR_INIT("empty"), STR_INIT("  ")},
};

static const struct message_row {
    const char *category, *parameters, *values, *components;
} rows[] = {
    {"marketing", "{}", "[]", ""},
    {"marketing", "{\"body\":[\"20 %\",{\"attribute\":\"name\"}]}", "[null,\"Ana \\\"B\\\"\"]",
     "{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"20 %\"},{\"type\":\"text\",\"text\":\"Ana "
     "\\\"B\\\"\"}]}"},
    {"marketing",
     "{\"body\":[{\"attribute\":\"empty\",\"default\":\"you\"},{\"attribute\":\"nothing\",\"default\":\"all\"}]}",
     "[\"you\",\"all\"]",
     "{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"you\"},{\"type\":\"text\",\"text\":\"all\"}]}"},
    {"marketing", "{\"body\":{\"first\":{\"attribute\":\"code\"}}}", "[\"77\"]",
     "{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"parameter_name\":\"first\",\"text\":\"77\"}]}"},
    {"marketing",
     "{\"header\":\"Hi\",\"body\":[{\"currency\":{\"fallback_value\":\"$1\",\"code\":\"USD\",\"amount_1000\":1000}}]}",
     "[null,null]",
     "{\"type\":\"header\",\"parameters\":[{\"type\":\"text\",\"text\":\"Hi\"}]},{\"type\":\"body\",\"parameters\":[{"
     "\"type\":\"currency\","
     "\"currency\":{\"fallback_value\":\"$1\",\"code\":\"USD\",\"amount_1000\":1000}}]}"},
    {"marketing", "{\"header\":{\"document\":{\"link\":\"https://x/a.pdf\",\"filename\":\"a.pdf\"}}}", "[null]",
     "{\"type\":\"header\",\"parameters\":[{\"type\":\"document\",\"document\":{\"link\":\"https://x/"
     "a.pdf\",\"filename\":\"a.pdf\"}}]}"},
    {"marketing", "{\"header\":{\"attribute\":\"photo\",\"type\":\"image\"}}", "[\"https://x/p.png\"]",
     "{\"type\":\"header\",\"parameters\":[{\"type\":\"image\",\"image\":{\"link\":\"https://x/p.png\"}}]}"},
    {"marketing", "{\"header\":{\"attribute\":\"media\",\"type\":\"video\"}}", "[\"900100\"]",
     "{\"type\":\"header\",\"parameters\":[{\"type\":\"video\",\"video\":{\"id\":\"900100\"}}]}"},
    {"marketing",
     "{\"buttons\":[{\"type\":\"url\",\"attribute\":\"code\"},{\"type\":\"quick_reply\",\"text\":\"STOP\"},{\"type\":"
     "\"copy_code\","
     "\"text\":\"SAVE\"},{\"type\":\"flow\",\"data\":{\"a\":1}}]}",
     "[\"77\",null,null,null]",
     "{\"type\":\"button\",\"sub_type\":\"url\",\"index\":\"0\",\"parameters\":[{\"type\":\"text\",\"text\":\"77\"}]},"
     "{\"type\":\"button\",\"sub_type\":\"quick_reply\",\"index\":\"1\",\"parameters\":[{\"type\":\"payload\","
     "\"payload\":\"STOP\"}]},"
     "{\"type\":\"button\",\"sub_type\":\"copy_code\",\"index\":\"2\",\"parameters\":[{\"type\":\"coupon_code\","
     "\"coupon_code\":\"SAVE\"}]},"
     "{\"type\":\"button\",\"sub_type\":\"flow\",\"index\":\"3\",\"parameters\":[{\"type\":\"action\",\"action\":{"
     "\"flow_token\":\"unused\","
     "\"flow_action_data\":{\"a\":1}}}]}"},
    {"authentication", "{\"code\":{\"attribute\":\"code\"}}", "[\"77\",\"77\"]",
     "{\"type\":\"body\",\"parameters\":[{\"type\":\"text\",\"text\":\"77\"}]},"
     "{\"type\":\"button\",\"sub_type\":\"url\",\"index\":\"0\",\"parameters\":[{\"type\":\"text\",\"text\":\"77\"}]}"},
    {"marketing",
     "{\"limited_time_offer\":{\"expires_at\":\"2026-12-01T00:00:00Z\"},\"carousel\":[{\"card_index\":0}]}",
     "[null,null]",
     "{\"type\":\"limited_time_offer\",\"parameters\":[{\"type\":\"limited_time_offer\",\"limited_time_offer\":"
     "{\"expiration_time_ms\":1796083200000}}]},{\"type\":\"carousel\",\"cards\":[{\"card_index\":0}]}"},
};

TEST(messages)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct campaign_variant *v = variant(rows[i].category, rows[i].parameters);
        struct buf values, body, want;
        struct json root;
        size_t missing;
        struct err e;
        buf_init(&values, 4096), buf_init(&body, 65536), buf_init(&want, 65536);
        assert_ok(campaign_values(v, person, sizeof person / sizeof person[0], &values, &missing, &e), e);
        assert_str(buf_str(&values), rows[i].values);
        assert_ok(campaign_body(v, STR("pt_BR"), STR("4917012345"), false, buf_str(&values), &body, &e), e);
        buf_printf(
            &want,
            "{\"messaging_product\":\"whatsapp\",\"recipient_type\":\"individual\",\"to\":\"4917012345\",\"type\":"
            "\"template\",\"template\":{\"name\":\"t\",\"language\":{\"code\":\"pt_BR\"}%s%s%s}}",
            rows[i].components[0] ? ",\"components\":[" : "", rows[i].components, rows[i].components[0] ? "]" : "");
        assert_string_equal(buf_cstr(&body), buf_cstr(&want));
        assert_ok(json_parse(listings, buf_str(&body), false, &root, &e), e);
        buf_done(&values), buf_done(&body), buf_done(&want);
    }
}

TEST(a_user_id_is_no_number)
{
    const struct campaign_variant *v = variant("utility", "{}");
    struct buf body;
    struct err e;
    buf_init(&body, 65536);
    assert_ok(campaign_body(v, STR("de"), STR("BR.123"), true, STR("[]"), &body, &e), e);
    assert_non_null(strstr(buf_cstr(&body), "\"recipient\":\"BR.123\""));
    assert_null(strstr(buf_cstr(&body), "\"to\""));
    buf_done(&body);
}

TEST(values_that_cannot_be)
{
    static const struct {
        const char *parameters;
        int rc;
        size_t missing;
        const char *says;
    } bad[] = {
        {"{\"body\":[\"x\",{\"attribute\":\"nothing\"}]}", WL_ENOTFOUND, 1, "no \"nothing\""},
        {"{\"body\":[{\"attribute\":\"empty\"}]}", WL_ENOTFOUND, 0, "no default"},
        {"{\"body\":[{\"attribute\":\"bad\",\"default\":\"fine\"}]}", WL_EINVAL, 0, "line break"},
        {"{\"header\":{\"attribute\":\"name\",\"type\":\"image\"}}", WL_EINVAL, 0, "neither a link"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        const struct campaign_variant *v = variant("marketing", bad[i].parameters);
        struct buf values;
        size_t missing = 99;
        struct err e;
        buf_init(&values, 4096);
        assert_int_equal(campaign_values(v, person, sizeof person / sizeof person[0], &values, &missing, &e),
                         bad[i].rc);
        assert_int_equal(missing, bad[i].missing);
        assert_non_null(strstr(e.text, bad[i].says));
        buf_done(&values);
    }
}

/* Values that are not those of the template are never put into another's place. */
TEST(damaged_values_make_no_message)
{
    static const char *const bad[] = {"",      "{}",         "[]", "[null]", "[\"a\"]", "[\"a\",\"b\"]", "[null,null]",
                                      "[1,2]", "[null,\"a\""};
    const struct campaign_variant *v = variant("marketing", "{\"body\":[\"x\",{\"attribute\":\"name\"}]}");
    for (size_t i = 0; i + 1 < sizeof bad / sizeof bad[0]; i++) {
        struct buf body;
        struct err e;
        buf_init(&body, 65536);
        assert_int_equal(campaign_body(v, STR("de"), STR("1"), false, str_of(bad[i]), &body, &e), WL_ECORRUPT);
        buf_done(&body);
    }
}

TEST(languages)
{
    static const struct {
        const char *order[3], *have[4], *lang, *got;
    } cases[] = {
        {{NULL}, {"de", "en_US", "pt_BR", NULL}, "pt_BR", "pt_BR"},
        {{NULL}, {"de", "en_US", "pt_BR", NULL}, "pt-br", "pt_BR"},
        {{NULL}, {"de", "en_US", "pt_BR", NULL}, "pt_PT", "pt_BR"},
        {{NULL}, {"pt_BR", "pt", "pt_PT", NULL}, "pt_AO", "pt"},
        {{NULL}, {"de", "en_US", NULL}, "fr", "de"},
        {{NULL}, {"de", "en_US", NULL}, "", "de"},
        {{"en_US", "de", NULL}, {"de", "en_US", "fr", NULL}, "fr", "en_US"},
        {{"en_US", "de", NULL}, {"de", "en_US", NULL}, "de_AT", "de"},
        {{"es", "de", NULL}, {"de", "en_US", NULL}, "en", "de"},
        {{"es", NULL}, {"de", "en_US", NULL}, "es", NULL},
        {{NULL}, {NULL}, "de", NULL},
        {{NULL}, {"fil", "fi", NULL}, "fi", "fi"},
        {{"zh_CN", "zh_TW", NULL}, {"zh_CN", "zh_TW", "zh_HK", NULL}, "zh-Hant", "zh_TW"},
        {{"zh_CN", "zh_TW", "zh_HK"}, {"zh_CN", "zh_TW", "zh_HK", NULL}, "zh_Hant_HK", "zh_HK"},
        {{"zh_TW", "zh_CN", NULL}, {"zh_CN", "zh_TW", NULL}, "zh-Hans-SG", "zh_CN"},
        {{"zh_CN", "zh_TW", NULL}, {"zh_CN", "zh_TW", NULL}, "zh_HK", "zh_TW"},
        {{"zh_TW", "zh_CN", NULL}, {"zh_CN", "zh_TW", NULL}, "zh", "zh_TW"},
        {{"en_US", "zh_CN", NULL}, {"en_US", "zh_CN", NULL}, "zh-Hant-TW", "zh_CN"},
        {{NULL}, {"en", "en_US", NULL}, "en_US.UTF-8", "en_US"},
        {{NULL}, {"sr", "sr_RS", NULL}, "sr-Latn-RS", "sr_RS"},
        {{NULL}, {"en_US", "de", NULL}, "de@euro", "de"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct campaign_variant v = {.weight = 1};
        struct str have[4];
        size_t n = 0;
        for (; v.n_languages < 3 && cases[i].order[v.n_languages] != NULL; v.n_languages++)
            v.language[v.n_languages] = str_of(cases[i].order[v.n_languages]);
        for (; cases[i].have[n] != NULL; n++)
            have[n] = str_of(cases[i].have[n]);
        int at = campaign_language(&v, str_of(cases[i].lang), have, n);
        const char *got = at >= 0 ? have[at].p : NULL;
        if ((got == NULL) != (cases[i].got == NULL) || (got != NULL && strcmp(got, cases[i].got) != 0))
            fail_msg("case %zu, \"%s\": %s, wanted %s", i, cases[i].lang, got, cases[i].got);
    }
}

TEST(a_preview_reads_like_the_message)
{
    static const char listing[] =
        "{\"components\":[{\"type\":\"HEADER\",\"format\":\"TEXT\",\"text\":\"Hi "
        "{{1}}\"},{\"type\":\"BODY\",\"text\":\"{{first}}, {{ off "
        "}} today, "
        "{{not_given}}\"},{\"type\":\"FOOTER\",\"text\":\"bye\"},{\"type\":\"BUTTONS\",\"buttons\":[{\"type\":\"URL\","
        "\"text\":"
        "\"Shop\",\"url\":\"https://s/{{1}}\"},{\"type\":\"QUICK_REPLY\",\"text\":\"Stop\"}]}]}";
    const struct campaign_variant *v =
        variant("marketing", "{\"header\":\"you\",\"body\":{\"first\":{\"attribute\":\"name\"},\"off\":\"20 "
                             "%\"},\"buttons\":[{\"type\":\"url\","
                             "\"attribute\":\"code\"}]}");
    struct json root;
    struct buf out;
    struct err e;
    assert_ok(json_parse(listings, STR(listing), false, &root, &e), e);
    buf_init(&out, 4096);
    campaign_text(v, root, STR("[null,\"Ana \\\"B\\\"\",null,\"77\"]"), &out);
    assert_string_equal(buf_cstr(&out),
                        "Hi you\nAna \"B\", 20 % today, {{not_given}}\nbye\n[Shop: https://s/77]\n[Stop]\n");
    buf_done(&out);
}

/* Characters and not bytes, with what is put in, of the component that is asked for. */
TEST(the_whole_text_is_measured)
{
    const struct campaign_variant *v =
        variant("marketing", "{\"header\":{\"attribute\":\"a\"},\"body\":[{\"attribute\":\"b\"},\"20 %\"]}");
    struct buf scratch;
    buf_init(&scratch, 4096);
    struct str values = STR("[\"\u00fc\u00fc\",\"x\\n\\\"y\",null]");
    assert_int_equal(campaign_text_length(v, "header", STR("Hi {{1}}!"), values, &scratch), 6);
    assert_int_equal(campaign_text_length(v, "body", STR("{{1}} and {{2}}"), values, &scratch), 4 + 5 + 4);
    assert_int_equal(campaign_text_length(v, "body", STR("\u00fcber"), values, &scratch), 4);
    buf_done(&scratch);
}

TESTS(T(every_stretch_has_its_share), T(the_order_is_shuffled_and_repeats), T(shares_are_those_asked_for),
      T(keys_are_each_campaigns_own), T(messages), T(a_user_id_is_no_number), T(values_that_cannot_be),
      T(damaged_values_make_no_message), T(languages), T(the_whole_text_is_measured),
      T(a_preview_reads_like_the_message))
