/* SPDX-License-Identifier: Apache-2.0
 * test_template.c - a send that Meta takes fits, and the four ways of not fitting are told apart. A row holds
 * the listed components, the components sent, and the verdict; the case files hold listings of real accounts. */
#include "core/template.h"

#include "t.h"

#define BODY(text)       "{\"type\":\"BODY\",\"text\":\"" text "\"}"
#define HEADER(format)   "{\"type\":\"HEADER\",\"format\":\"" format "\"}"
#define TITLE(text)      "{\"type\":\"HEADER\",\"format\":\"TEXT\",\"text\":\"" text "\"}"
#define BUTTONS(list)    "{\"type\":\"BUTTONS\",\"buttons\":[" list "]}"
#define URL(url)         "{\"type\":\"URL\",\"text\":\"x\",\"url\":\"" url "\"}"
#define REPLY            "{\"type\":\"QUICK_REPLY\",\"text\":\"x\"}"
#define OTP              "{\"type\":\"OTP\",\"otp_type\":\"COPY_CODE\",\"text\":\"x\"}"
#define COUPON           "{\"type\":\"COPY_CODE\",\"example\":\"x\"}"
#define SENDB(params)    "{\"type\":\"body\",\"parameters\":[" params "]}"
#define SENDH(params)    "{\"type\":\"header\",\"parameters\":[" params "]}"
#define SENDU(i, params) "{\"type\":\"button\",\"sub_type\":\"url\",\"index\":" i ",\"parameters\":[" params "]}"
#define TXT(t)           "{\"type\":\"text\",\"text\":\"" t "\"}"
#define NAMED(name, t)   "{\"type\":\"text\",\"parameter_name\":\"" name "\",\"text\":\"" t "\"}"
#define IMG              "{\"type\":\"image\",\"image\":{\"id\":\"1\"}}"
#define CAROUSEL(cards)  "{\"type\":\"CAROUSEL\",\"cards\":[" cards "]}"
#define CARD(list)       "{\"components\":[" list "]}"
#define SENDC(i, list)   "{\"card_index\":" i ",\"components\":[" list "]}"

static const struct row {
    const char *listed, *sent;
    enum template_fit want;
    const char *says;
} rows[] = {
    /* numbered */
    {BODY("Hi"), "", FIT_OK, ""},
    {BODY("Hi"), SENDB(""), FIT_OK, ""},
    {BODY("Hi"), SENDB(TXT("a")), FIT_COUNT, "body: 1 parameters given, 0 expected"},
    {BODY("Hi {{1}}, {{2}}"), SENDB(TXT("a") "," TXT("b")), FIT_OK, ""},
    {BODY("Hi {{1}}, {{2}}"), SENDB(TXT("a")), FIT_COUNT, "body: 1 parameters given, 2 expected"},
    {BODY("Hi {{1}}, {{2}}"), SENDB(TXT("a") "," TXT("b") "," TXT("c")), FIT_COUNT, "body"},
    {BODY("Hi {{1}}, {{2}}"), "", FIT_COUNT, "body: 0 parameters given, 2 expected"},
    {BODY("{{1}} and {{ 1 }} again"), SENDB(TXT("a")), FIT_OK, ""},
    {BODY("{{2}} {{1}} {{10}} {{3}} {{4}} {{5}} {{6}} {{7}} {{8}} {{9}}"),
     SENDB(TXT("a") "," TXT("a") "," TXT("a") "," TXT("a") "," TXT("a") "," TXT("a") "," TXT("a") "," TXT("a") "," TXT(
         "a") "," TXT("a")),
     FIT_OK, ""},
    {BODY("{{1}} {{3}}"), SENDB(TXT("a") "," TXT("b")), FIT_OK, ""}, /* a gap: both readings pass */
    {BODY("{{1}} {{3}}"), SENDB(TXT("a") "," TXT("b") "," TXT("c")), FIT_OK, ""},
    {BODY("{{1}} {{3}}"), SENDB(TXT("a")), FIT_COUNT, "body"},
    {BODY("{1} {{ } }} {{1"), "", FIT_OK, ""},
    {BODY("{{1}}"), "{\"type\":\"BODY\",\"parameters\":[{\"type\":\"TEXT\",\"text\":\"a\"}]}", FIT_OK, ""},
    {BODY("{{1}} {{2}}"), SENDB("{\"type\":\"currency\",\"currency\":{}},{\"type\":\"date_time\",\"date_time\":{}}"),
     FIT_OK, ""},
    {BODY("{{1}}"), SENDB("{\"type\":\"some_new_kind\"}"), FIT_OK, ""},
    {BODY("{{1}}"), SENDB("{\"text\":\"untyped\"}"), FIT_OK, ""},
    {BODY("{{1}}"), SENDB(IMG), FIT_TYPE, "parameter 1"},
    {BODY("{{1}}"), "{\"type\":\"body\",\"parameters\":{\"odd\":1}}", FIT_OK, ""},
    /* named */
    {BODY("Hi {{name}}, {{order_id}}"), SENDB(NAMED("order_id", "a") "," NAMED("name", "b")), FIT_OK, ""},
    {BODY("Hi {{name}}, {{order_id}}"), SENDB(TXT("a") "," TXT("b")), FIT_FORMAT, "parameter 1 has no parameter_name"},
    {BODY("Hi {{name}}"), SENDB(NAMED("nmae", "a")), FIT_FORMAT, "\"nmae\""},
    {BODY("Hi {{a}} {{b}}"), SENDB(NAMED("a", "x") "," NAMED("a", "y")), FIT_FORMAT, "twice"},
    {BODY("Hi {{a}} {{b}}"), SENDB(NAMED("a", "x")), FIT_COUNT, "body"},
    {BODY("Hi {{1}}"), SENDB(NAMED("name", "a")), FIT_FORMAT, "numbered"},
    {BODY("Hi {{1}}"), SENDB(NAMED("1", "a")), FIT_OK, ""},
    {BODY("Hi {{1}}"), SENDB(NAMED("", "a")), FIT_OK, ""},
    {BODY("Hi {{name}} {{1}}"), SENDB(TXT("a")), FIT_OK, ""}, /* a mixture: not understood */
    {BODY("Hi {{Name}}"), "", FIT_OK, ""},                    /* no variable of Meta's */
    /* values */
    {BODY("{{1}}"), SENDB(TXT("a\\nb")), FIT_TEXT, "body: parameter 1"},
    {BODY("{{1}}"), SENDB(TXT("a\\tb")), FIT_TEXT, "body"},
    {BODY("{{1}}"), SENDB(TXT("a     b")), FIT_TEXT, "4 spaces"},
    {BODY("{{1}}"), SENDB(TXT("a    b    c")), FIT_OK, ""},
    {BODY("{{1}} {{2}}"), SENDB(TXT("a") "," TXT("b\\n")), FIT_TEXT, "parameter 2"},
    {BODY("{{1}}"), SENDB("{\"type\":\"text\",\"text\":true}"), FIT_OK, ""},
    {TITLE("{{1}}") "," BODY("x"), SENDH(TXT("a\\nb")), FIT_TEXT, "header"},
    {BODY("{{a}}"), SENDB(NAMED("a", "x\\ty")), FIT_TEXT, "body"},
    /* headers */
    {TITLE("Sale {{1}}") "," BODY("x"), SENDH(TXT("a")), FIT_OK, ""},
    {TITLE("Sale {{1}}") "," BODY("x"), "", FIT_COUNT, "header: 0 parameters given, 1 expected"},
    {TITLE("Sale {{1}}") "," BODY("x"), SENDH(IMG), FIT_TYPE, "header"},
    {TITLE("Sale") "," BODY("x"), SENDH(TXT("a")), FIT_COUNT, "header"},
    {TITLE("Sale") "," BODY("x"), SENDH(""), FIT_OK, ""},
    {TITLE("{{who}}") "," BODY("x"), SENDH(NAMED("who", "a")), FIT_OK, ""},
    {"{\"type\":\"HEADER\",\"text\":\"no format\"}," BODY("x"), "", FIT_OK, ""},
    {BODY("x"), SENDH(TXT("a")), FIT_COUNT, "header"},
    {HEADER("IMAGE") "," BODY("x"), SENDH(IMG), FIT_OK, ""},
    {HEADER("image") "," BODY("x"), "{\"type\":\"HEADER\",\"parameters\":[{\"type\":\"IMAGE\",\"image\":{}}]}", FIT_OK,
     ""},
    {HEADER("IMAGE") "," BODY("x"), SENDH(TXT("a")), FIT_TYPE, "image"},
    {HEADER("IMAGE") "," BODY("x"), "", FIT_TYPE, "image"}, /* Meta: expected IMAGE, received UNKNOWN */
    {HEADER("IMAGE") "," BODY("x"), SENDH(IMG "," IMG), FIT_COUNT, "header"},
    {HEADER("VIDEO") "," BODY("x"), SENDH(IMG), FIT_TYPE, "video"},
    {HEADER("DOCUMENT") "," BODY("x"), SENDH("{\"type\":\"document\",\"document\":{}}"), FIT_OK, ""},
    {HEADER("LOCATION") "," BODY("x"), SENDH("{\"type\":\"location\",\"location\":{}}"), FIT_OK, ""},
    {HEADER("LOCATION") "," BODY("x"), "", FIT_TYPE, "location"},
    {HEADER("PRODUCT") "," BODY("x"), SENDH("{\"type\":\"product\",\"product\":{}}"), FIT_OK, ""},
    {HEADER("GIF") "," BODY("x"), SENDH("{\"type\":\"gif\",\"gif\":{}}"), FIT_OK, ""},
    {HEADER("HOLOGRAM") "," BODY("x"), "", FIT_OK, ""},
    /* buttons */
    {BODY("x") "," BUTTONS(URL("https://e.com/{{1}}")), SENDU("0", TXT("a")), FIT_OK, ""},
    {BODY("x") "," BUTTONS(URL("https://e.com/{{1}}")), SENDU("\"0\"", TXT("a")), FIT_OK, ""},
    {BODY("x") "," BUTTONS(URL("https://e.com/{{1}}")), "", FIT_COUNT,
     "button 0: link: 0 parameters given, 1 expected"},
    {BODY("x") "," BUTTONS(URL("https://e.com/{{1}}")), SENDU("0", ""), FIT_COUNT, "button 0"},
    {BODY("x") "," BUTTONS(URL("https://e.com/{{1}}")), SENDU("0", TXT("a") "," TXT("b")), FIT_COUNT, "button 0"},
    {BODY("x") "," BUTTONS(REPLY "," URL("https://e.com/{{1}}")), SENDU("0", TXT("a")), FIT_COUNT, "button 1"},
    {BODY("x") "," BUTTONS(REPLY "," URL("https://e.com/{{1}}")), SENDU("1", TXT("a")), FIT_OK, ""},
    {BODY("x") "," BUTTONS(URL("https://e.com/{{1}}")),
     "{\"type\":\"button\",\"sub_type\":\"url\",\"parameters\":[" TXT("a") "]}", FIT_OK,
     ""}, /* no index: we can't say which */
    {BODY("x") "," BUTTONS(URL("https://e.com/")), "", FIT_OK, ""},
    {BODY("x") "," BUTTONS(URL("https://e.com/")), SENDU("0", TXT("a")), FIT_COUNT, "link without a variable"},
    {BODY("x") "," BUTTONS(URL("https://e.com/{{code}}")), SENDU("0", TXT("a")), FIT_OK, ""},
    {BODY("x") "," BUTTONS(REPLY "," REPLY), "", FIT_OK, ""},
    {BODY("x") "," BUTTONS(REPLY),
     "{\"type\":\"button\",\"sub_type\":\"quick_reply\",\"index\":\"0\",\"parameters\":[{\"type\":\"payload\","
     "\"payload\":\"p\"}]}",
     FIT_OK, ""},
    {BODY("x") "," BUTTONS(COUPON),
     "{\"type\":\"button\",\"sub_type\":\"COPY_CODE\",\"index\":0,\"parameters\":[{\"type\":\"coupon_code\",\"coupon_"
     "code\":\"c\"}]}",
     FIT_OK, ""},
    {BODY("x") "," BUTTONS(COUPON), "", FIT_COUNT, "button 0: coupon"},
    {BODY("x") "," BUTTONS("{\"type\":\"PHONE_NUMBER\",\"phone_number\":\"1\"}"), "", FIT_OK, ""},
    {BODY("x") "," BUTTONS("{\"type\":\"FLOW\"}"), "", FIT_OK, ""},
    {BODY("x") "," BUTTONS("{\"type\":\"FLOW\"}"),
     "{\"type\":\"button\",\"sub_type\":\"flow\",\"index\":0,\"parameters\":{\"type\":\"payload\"}}", FIT_OK, ""},
    {BODY("x") "," BUTTONS("{\"type\":\"CATALOG\"}"),
     "{\"type\":\"button\",\"sub_type\":\"CATALOG\",\"index\":0,\"parameters\":[{\"type\":\"action\",\"action\":{}}]}",
     FIT_OK, ""},
    {BODY("x") "," BUTTONS("{\"type\":\"MPM\"}"),
     "{\"type\":\"button\",\"sub_type\":\"mpm\",\"index\":0,\"parameters\":[{\"type\":\"action\",\"action\":{}}]}",
     FIT_OK, ""},
    {BODY("x") "," BUTTONS(REPLY), SENDU("9", TXT("a")), FIT_OK, ""},
    /* authentication: with the preset text listed or not, with the button listed as OTP or as its link */
    {"{\"type\":\"BODY\",\"add_security_recommendation\":true}," BUTTONS(OTP),
     SENDB(TXT("123")) "," SENDU("0", TXT("123")), FIT_OK, ""},
    {"{\"type\":\"BODY\",\"add_security_recommendation\":true}," BUTTONS(OTP), SENDB(TXT("123")), FIT_COUNT,
     "button 0: code"},
    {"{\"type\":\"BODY\",\"add_security_recommendation\":true}," BUTTONS(OTP), SENDU("0", TXT("123")), FIT_COUNT,
     "body"},
    {BODY("*{{1}}* is your verification code.") "," BUTTONS(URL("https://www.whatsapp.com/otp/code/?code=otp{{1}}")),
     SENDB(TXT("123")) "," SENDU("0", TXT("123")), FIT_OK, ""},
    {"{\"type\":\"BODY\"}", SENDB(TXT("a")), FIT_OK, ""},
    /* offers, carousels and what is new */
    {HEADER("IMAGE") ",{\"type\":\"LIMITED_TIME_OFFER\",\"limited_time_offer\":{}}," BODY("{{1}}"),
     SENDH(IMG) "," SENDB(
         TXT("a")) ",{\"type\":\"limited_time_offer\",\"parameters\":[{\"type\":\"limited_time_offer\"}]}",
     FIT_OK, ""},
    {BODY("x") ",{\"type\":\"CALL_PERMISSION_REQUEST\"}", "", FIT_OK, ""},
    {BODY("x"), "{\"type\":\"tap_target_configuration\",\"parameters\":[{}]}", FIT_OK, ""},
    {BODY("{{1}}") "," CAROUSEL(CARD(HEADER("IMAGE") "," BODY("{{1}}")) "," CARD(HEADER("IMAGE") "," BODY("{{1}}"))),
     SENDB(TXT("a")) "," CAROUSEL(
         SENDC("0", SENDH(IMG) "," SENDB(TXT("a"))) "," SENDC("1", SENDH(IMG) "," SENDB(TXT("a")))),
     FIT_OK, ""},
    {BODY("x") "," CAROUSEL(CARD(HEADER("IMAGE") "," BODY("{{1}}"))), CAROUSEL(SENDC("0", SENDH(TXT("a")))), FIT_TYPE,
     "card 0: header"},
    {BODY("x") "," CAROUSEL(CARD(HEADER("IMAGE") "," BODY("{{1}}"))),
     CAROUSEL(SENDC("0", SENDB(TXT("a") "," TXT("b")))), FIT_COUNT, "card 0: body"},
    {BODY("x") "," CAROUSEL(CARD(HEADER("IMAGE") "," BODY("{{1}}"))), "", FIT_OK, ""},
    {BODY("x") "," CAROUSEL(CARD(HEADER("PRODUCT")) "," CARD(HEADER("PRODUCT"))),
     CAROUSEL(SENDC("7", SENDH("{\"type\":\"product\",\"product\":{}}"))), FIT_OK, ""},
    {BODY("x") "," CAROUSEL(CARD(HEADER("IMAGE")) "," CARD(HEADER("VIDEO"))),
     CAROUSEL(SENDC("7", SENDH("{\"type\":\"video\",\"video\":{}}"))), FIT_OK, ""}, /* beyond the last: as the last */
};

static struct json parsed(struct json_parser *p, const char *text)
{
    struct err e = {0};
    struct json v;
    assert_ok(json_parse(p, str_of(text), false, &v, &e), e);
    return v;
}

TEST(fits)
{
    struct json_parser *p = json_parser_create(), *q = json_parser_create();
    struct arena *a = arena_create(1 << 22);
    static char text[4000];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0}, why = {0};
        struct template_spec *spec;
        snprintf(text, sizeof text, "{\"name\":\"t\",\"components\":[%s]}", rows[i].listed);
        if (template_compile(a, parsed(p, text), &spec, &e) != 0)
            fail_msg("row %zu does not compile: %s", i, e.text);
        snprintf(text, sizeof text, "[%s]", rows[i].sent);
        parsed(p, "{}"); /* the spec must not need the listing any more */
        enum template_fit got = template_check(spec, parsed(q, text), &why);
        if (got != rows[i].want || strstr(why.text, rows[i].says) == NULL || (got == FIT_OK && why.text[0] != '\0'))
            fail_msg("row %zu: %s, \"%s\"; want %s, \"%s\"", i, template_fit_name(got), why.text,
                     template_fit_name(rows[i].want), rows[i].says);
        assert_int_equal(template_check(spec, parsed(q, text), NULL), got);
    }
    arena_free(a);
    json_parser_free(p);
    json_parser_free(q);
}

TEST(absent_and_odd_components)
{
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(1 << 20);
    struct template_spec *one, *unlisted;
    struct err e = {0};
    assert_ok(template_compile(a, parsed(p, "{\"components\":[" BODY("{{1}}") "]}"), &one, &e), e);
    assert_ok(template_compile(a, parsed(p, "{\"name\":\"t\",\"status\":\"APPROVED\"}"), &unlisted, &e), e);
    assert_int_equal(template_check(one, (struct json){0}, NULL), FIT_COUNT);
    assert_int_equal(template_check(one, parsed(p, "null"), NULL), FIT_COUNT);
    assert_int_equal(template_check(one, parsed(p, "\"x\""), NULL), FIT_OK);
    assert_int_equal(template_check(one, parsed(p, "[1,null,{\"type\":5},{\"type\":\"body\",\"parameters\":[7]}]"),
                                    NULL),
                     FIT_OK);
    assert_int_equal(template_check(unlisted, parsed(p, "[" SENDB(TXT("a")) "]"), NULL), FIT_OK);
    assert_int_equal(template_compile(a, parsed(p, "[]"), &one, &e), WL_EINVAL);
    assert_int_equal(template_compile(a, parsed(p, "{\"components\":\"x\"}"), &one, &e), WL_EINVAL);
    arena_free(a);
    json_parser_free(p);
}

TEST(many_variables_and_little_memory)
{
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(1 << 20);
    struct template_spec *spec;
    struct err e = {0};
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_puts(&b, "{\"components\":[{\"type\":\"BODY\",\"text\":\"");
    for (int i = 1; i <= 300; i++)
        buf_printf(&b, "{{%d}} ", i);
    buf_puts(&b, "\"}]}");
    assert_ok(template_compile(a, parsed(p, buf_cstr(&b)), &spec, &e), e);
    assert_int_equal(template_check(spec, (struct json){0}, NULL), FIT_OK); /* more than we count */
    struct arena *tiny = arena_create(16);
    assert_int_equal(template_compile(tiny, parsed(p, buf_cstr(&b)), &spec, &e), WL_ENOMEM);
    arena_free(tiny);
    buf_done(&b);
    arena_free(a);
    json_parser_free(p);
}

TEST(status_words)
{
    static const struct {
        const char *word;
        enum template_status want;
    } words[] = {{"APPROVED", TEMPLATE_APPROVED},
                 {"Rejected", TEMPLATE_REJECTED},
                 {"REINSTATED", TEMPLATE_APPROVED},
                 {"UNARCHIVED", TEMPLATE_APPROVED},
                 {"PENDING_DELETION", TEMPLATE_PENDING_DELETION},
                 {"FLAGGED", TEMPLATE_FLAGGED},
                 {"in_appeal", TEMPLATE_IN_APPEAL},
                 {"", TEMPLATE_STATUS_UNKNOWN},
                 {"SOMETHING_NEW", TEMPLATE_STATUS_UNKNOWN}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_int_equal(template_status_parse(str_of(words[i].word)), words[i].want);
    for (int s = 0; s <= TEMPLATE_LOCKED; s++)
        assert_int_equal(template_status_parse(str_of(template_status_name((enum template_status)s))), s);
    assert_string_equal(template_status_name(TEMPLATE_APPROVED), "approved");
    assert_string_equal(template_fit_name(FIT_TEXT), "text");
}

/* Every line of a case file whose `member` holds a template compiles; a body without variables fits without
 * components, and one with variables does not. */
TEST(listings_of_real_accounts)
{
    const char *path = case_file("templates/templates.jsonl");
    char *line = NULL;
    size_t cap = 0, n = 0;
    if (path == NULL)
        skip_loudly("templates/templates.jsonl is not there");
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(16 << 20);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (getline(&line, &cap, f) > 0) {
        struct err e = {0};
        struct template_spec *spec;
        struct json t = json_get(parsed(p, line), "template");
        if (template_compile(a, t, &spec, &e) != 0)
            fail_msg("%s: %.60s", e.text, line);
        bool variables = false, media = false;
        for (struct json_iter it = json_iter(json_get(t, "components")); json_next(&it);) {
            struct str text = json_str_or(json_get(it.value, "text"), STR(""));
            struct str format = json_str_or(json_get(it.value, "format"), STR("TEXT"));
            variables = variables || memmem(text.p, text.n, "{{", 2) != NULL;
            media = media || !(str_ieq(format, STR("TEXT")) || str_ieq(format, STR("PRODUCT")));
        }
        enum template_fit fit = template_check(spec, (struct json){0}, NULL);
        if ((variables || media) == (fit == FIT_OK) && json_type(json_get(t, "id")) != JSON_ABSENT)
            fail_msg("%s: %.60s", template_fit_name(fit), line);
        n++;
    }
    fclose(f);
    free(line);
    arena_free(a);
    json_parser_free(p);
    assert_true(n > 30);
}

/* The template a send of the case files was written for, rebuilt from what it sends: such a send must fit. */
TEST(sends_of_real_clients_fit_their_own_template)
{
    const char *path = case_file("sends/template_objects.jsonl");
    char *line = NULL;
    size_t cap = 0, n = 0;
    if (path == NULL)
        skip_loudly("sends/template_objects.jsonl is not there");
    struct json_parser *p = json_parser_create(), *q = json_parser_create();
    struct arena *a = arena_create(16 << 20);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (getline(&line, &cap, f) > 0) {
        struct json row = parsed(p, line), sent = json_get(json_at(row, "request", "template"), "components");
        struct template_spec *spec;
        struct err e = {0}, why = {0};
        struct buf b;
        bool valid = false;
        if (!json_bool(json_get(row, "valid"), &valid) || !valid)
            continue;
        buf_init(&b, 1 << 16);
        buf_puts(&b, "{\"components\":[{\"type\":\"FOOTER\",\"text\":\"f\"}");
        for (struct json_iter it = json_iter(sent); json_next(&it);) {
            struct str type = json_str_or(json_get(it.value, "type"), STR(""));
            struct json_iter first = json_iter(json_get(it.value, "parameters"));
            bool any = json_next(&first);
            struct str kind = any ? json_str_or(json_get(first.value, "type"), STR("TEXT")) : STR("TEXT");
            if (str_ieq(type, STR("header")))
                buf_printf(&b, ",{\"type\":\"HEADER\",\"format\":\"%.*s\",\"text\":\"{{1}}\"}", (int)kind.n, kind.p);
            if (!str_ieq(type, STR("body")))
                continue;
            buf_puts(&b, ",{\"type\":\"BODY\",\"text\":\"");
            struct json_iter v = json_iter(json_get(it.value, "parameters"));
            for (int i = 1; json_next(&v); i++) {
                struct str name = json_str_or(json_get(v.value, "parameter_name"), STR(""));
                if (name.n > 0)
                    buf_printf(&b, "{{%.*s}} ", (int)name.n, name.p);
                else
                    buf_printf(&b, "{{%d}} ", i);
            }
            buf_puts(&b, "\"}");
        }
        buf_puts(&b, "]}");
        assert_ok(template_compile(a, parsed(q, buf_cstr(&b)), &spec, &e), e);
        if (template_check(spec, sent, &why) != FIT_OK)
            fail_msg("%s: %.60s", why.text, line);
        buf_done(&b);
        n++;
    }
    fclose(f);
    free(line);
    arena_free(a);
    json_parser_free(p);
    json_parser_free(q);
    assert_true(n > 15);
}

/* For how long Meta tries to deliver: only what is a time in the range there is; anything else was not told. */
TEST(time_to_deliver)
{
    static const struct {
        const char *listed;
        int64_t ttl;
    } told[] = {
        {"600", 600}, {"\"43200\"", 43200}, {"-1", -1},   {"2592000", 2592000}, {"2592001", 0}, {"0", 0},   {"-2", 0},
        {"null", 0},  {"\"soon\"", 0},      {"[600]", 0}, {"{\"a\":600}", 0},   {"1e30", 0},    {"\"\"", 0}};
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(1 << 20);
    struct template_spec *spec;
    struct err e = {0};
    char listing[200];
    for (size_t i = 0; i < sizeof told / sizeof told[0]; i++) {
        snprintf(listing, sizeof listing, "{\"components\":[],\"message_send_ttl_seconds\":%s}", told[i].listed);
        assert_ok(template_compile(a, parsed(p, listing), &spec, &e), e);
        assert_int_equal(template_ttl(spec), told[i].ttl);
    }
    assert_ok(template_compile(a, parsed(p, "{\"components\":[]}"), &spec, &e), e);
    assert_int_equal(template_ttl(spec), 0);
    arena_free(a);
    json_parser_free(p);
}

TESTS(T(fits), T(time_to_deliver), T(absent_and_odd_components), T(many_variables_and_little_memory), T(status_words),
      T(listings_of_real_accounts), T(sends_of_real_clients_fit_their_own_template))
