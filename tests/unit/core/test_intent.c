/* SPDX-License-Identifier: Apache-2.0
 * test_intent.c - what clients post is read as Meta would read it, and nothing can pass as something milder.
 * Rows hold a whole body; the case files hold bodies of real client libraries. */
#include "core/intent.h"

#include "t.h"

struct row {
    const char *body;
    enum intent_kind kind;
    const char *type;
    enum identity_kind to;
    const char *value; /* of the recipient; or what to_problem says when there is none */
};

static const struct row rows[] = {
    {"{\"to\":\"+5511912345678\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}", INTENT_FREEFORM, "text", IDENTITY_PHONE,
     "5511912345678"},
    /* recipients */
    {"{\"to\":5511912345678,\"type\":\"text\"}", INTENT_FREEFORM, "text", IDENTITY_PHONE, "5511912345678"},
    {"{\"to\":\"1 555 0001111\",\"type\":\"image\"}", INTENT_FREEFORM, "image", IDENTITY_PHONE, "15550001111"},
    {"{\"recipient\":\"US.1349\",\"type\":\"text\"}", INTENT_FREEFORM, "text", IDENTITY_USER_ID, "US.1349"},
    {"{\"recipient\":\"US.ENT.1349\",\"type\":\"text\"}", INTENT_FREEFORM, "text", IDENTITY_PARENT_ID, "US.ENT.1349"},
    {"{\"recipient\":\"US.1349\",\"to\":\"15550001111\"}", INTENT_FREEFORM, "", IDENTITY_PHONE, "15550001111"},
    {"{\"recipient\":\"US.1349\",\"to\":\"nobody\"}", INTENT_FREEFORM, "", IDENTITY_NONE, "to"},
    {"{\"recipient\":\"US.1349\",\"to\":null}", INTENT_FREEFORM, "", IDENTITY_USER_ID, "US.1349"},
    {"{\"recipient\":\"US.1349\",\"to\":\"\"}", INTENT_FREEFORM, "", IDENTITY_USER_ID, "US.1349"},
    {"{\"recipient\":\"15550001111\"}", INTENT_FREEFORM, "", IDENTITY_NONE, "user id"},
    {"{\"to\":\"US.13491208655302\"}", INTENT_FREEFORM, "", IDENTITY_NONE, "recipient"},
    {"{\"to\":\"{{Recipient-Phone-Number}}\"}", INTENT_FREEFORM, "", IDENTITY_NONE, "to: "},
    {"{\"to\":\"123\"}", INTENT_FREEFORM, "", IDENTITY_NONE, "at least"},
    {"{\"type\":\"text\"}", INTENT_FREEFORM, "text", IDENTITY_NONE, "neither"},
    {"{\"to\":\"120363025246125486\",\"recipient_type\":\"group\"}", INTENT_FREEFORM, "", IDENTITY_GROUP,
     "120363025246125486"},
    {"{\"to\":\"+5511912345678\",\"recipient_type\":\"group\"}", INTENT_FREEFORM, "", IDENTITY_NONE, "person"},
    {"{\"to\":\"US.1349\",\"recipient_type\":\"group\"}", INTENT_FREEFORM, "", IDENTITY_NONE, "person"},
    {"{\"to\":\"120363025246125486\",\"recipient_type\":\" Group \"}", INTENT_FREEFORM, "", IDENTITY_NONE,
     "recipient_type"},
    {"{\"to\":\"1555000111\xd9\xa1\"}", INTENT_FREEFORM, "", IDENTITY_NONE, "0 to 9"}, /* an Arabic one */
    {"{\"to\":\"Y2FwaV9n\",\"recipient_type\":\"GROUP\"}", INTENT_FREEFORM, "", IDENTITY_GROUP, "Y2FwaV9n"},
    {"{\"to\":\"a b\",\"recipient_type\":\"group\"}", INTENT_FREEFORM, "", IDENTITY_NONE, "group id"},
    {"{\"recipient\":\"US.1349\",\"recipient_type\":\"group\"}", INTENT_FREEFORM, "", IDENTITY_NONE, "group"},
    {"{\"to\":\"15550001111\",\"recipient_type\":\"individual\"}", INTENT_FREEFORM, "", IDENTITY_PHONE, "15550001111"},
    /* types */
    {"{\"to\":\"15550001111\",\"text\":{\"body\":\"x\"}}", INTENT_FREEFORM, "text", IDENTITY_PHONE, "15550001111"},
    {"{\"to\":\"15550001111\",\"type\":null,\"text\":\"x\"}", INTENT_FREEFORM, "text", IDENTITY_PHONE, "15550001111"},
    {"{\"to\":\"15550001111\",\"type\":\"reaction\",\"reaction\":{}}", INTENT_FREEFORM, "reaction", IDENTITY_PHONE,
     "15550001111"},
    {"{\"to\":\"15550001111\",\"type\":\"interactive\",\"interactive\":{\"type\":\"LIST\"}}", INTENT_FREEFORM,
     "interactive:list", IDENTITY_PHONE, "15550001111"},
    {"{\"to\":\"15550001111\",\"type\":\"Interactive\",\"interactive\":[]}", INTENT_FREEFORM, "interactive",
     IDENTITY_PHONE, "15550001111"},
    {"{\"to\":\"15550001111\",\"type\":\"new_thing\"}", INTENT_FREEFORM, "new_thing", IDENTITY_PHONE, "15550001111"},
    {"{\"to\":\"15550001111\",\"type\":\"Template\",\"template\":{\"name\":\"a\"}}", INTENT_TEMPLATE, "template",
     IDENTITY_PHONE, "15550001111"},
    {"{\"to\":\"15550001111\",\"type\":\" TEMPLATE\\n\",\"template\":{\"name\":\"a\"}}", INTENT_TEMPLATE, "template",
     IDENTITY_PHONE, "15550001111"},
    {"{\"to\":\"15550001111\",\"template\":{\"name\":\"a\"}}", INTENT_TEMPLATE, "template", IDENTITY_PHONE,
     "15550001111"},
    {"{\"to\":\"15550001111\",\"type\":\"text\",\"template\":{\"name\":7},\"text\":{}}", INTENT_FREEFORM, "text",
     IDENTITY_PHONE, "15550001111"},
    {"{\"to\":\"15550001111\",\"type\":\"template\",\"category\":\"utility\",\"template\":{\"name\":\"a\"}}",
     INTENT_TEMPLATE, "template", IDENTITY_PHONE, "15550001111"},
    {"{\"to\":\"15550001111\",\"type\":\"text\",\"category\":\"utility\"}", INTENT_DIRECT, "text", IDENTITY_PHONE,
     "15550001111"},
    {"{\"to\":\"15550001111\",\"type\":\"text\",\"category\":\"\"}", INTENT_DIRECT, "text", IDENTITY_PHONE,
     "15550001111"},
    {"{\"to\":\"15550001111\",\"type\":\"text\",\"category\":null}", INTENT_FREEFORM, "text", IDENTITY_PHONE,
     "15550001111"},
    /* receipts, and sends that dress as one */
    {"{\"status\":\"read\",\"message_id\":\"wamid.1\"}", INTENT_RECEIPT, "", IDENTITY_NONE, "neither"},
    {"{\"status\":\"read\",\"message_id\":\"w\",\"typing_indicator\":{\"type\":\"text\"}}", INTENT_RECEIPT, "",
     IDENTITY_NONE, "neither"},
    {"{\"message_id\":\"w\",\"typing_indicator\":{\"type\":\"text\"}}", INTENT_RECEIPT, "", IDENTITY_NONE, "neither"},
    {"{\"status\":\"read\",\"message_id\":\"w\",\"to\":\"15550001111\",\"recipient_type\":\"individual\"}",
     INTENT_RECEIPT, "", IDENTITY_PHONE, "15550001111"},
    {"{\"status\":\"read\",\"message_id\":\"w\",\"to\":\"15550001111\",\"type\":\"text\",\"text\":{\"body\":\"x\"}}",
     INTENT_FREEFORM, "text", IDENTITY_PHONE, "15550001111"},
    {"{\"status\":\"read\",\"message_id\":\"w\",\"to\":\"15550001111\",\"text\":{\"body\":\"x\"}}", INTENT_FREEFORM,
     "text", IDENTITY_PHONE, "15550001111"},
    {"{\"status\":\"read\",\"message_id\":\"w\",\"to\":\"15550001111\",\"type\":\"template\",\"template\":{\"name\":"
     "\"a\"}}",
     INTENT_TEMPLATE, "template", IDENTITY_PHONE, "15550001111"},
    {"{\"status\":\"read\",\"message_id\":\"w\",\"to\":\"15550001111\",\"type\":\"new_thing\",\"new_thing\":{}}",
     INTENT_FREEFORM, "new_thing", IDENTITY_PHONE, "15550001111"},
    {"{\"status\":\"read\",\"to\":\"15550001111\"}", INTENT_FREEFORM, "", IDENTITY_PHONE, "15550001111"},
    {"{\"status\":\"sent\",\"message_id\":\"w\"}", INTENT_FREEFORM, "", IDENTITY_NONE, "neither"},
};

static void assert_text(struct str got, const char *want)
{
    if (!str_eq(got, str_of(want)))
        fail_msg("got \"%.*s\", want \"%s\"", (int)got.n, got.p ? got.p : "", want);
}

static struct json parsed(struct json_parser *p, struct str text)
{
    struct err e = {0};
    struct json v;
    assert_ok(json_parse(p, text, false, &v, &e), e);
    return v;
}

TEST(bodies)
{
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *r = &rows[i];
        struct err e = {0};
        struct intent it;
        int rc = intent_parse(parsed(p, str_of(r->body)), PATH_MESSAGES, a, &it, &e);
        if (rc != 0 || it.kind != r->kind || strcmp(it.type, r->type) != 0 || it.to.kind != r->to)
            fail_msg("row %zu: rc %d (%s), kind %d, type \"%s\", to %s", i, rc, e.text, it.kind, it.type,
                     identity_kind_name(it.to.kind));
        if (r->to == IDENTITY_NONE ? strstr(it.to_problem.text, r->value) == NULL || it.to.value[0] != '\0'
                                   : strcmp(it.to.value, r->value) != 0 || it.to_problem.text[0] != '\0')
            fail_msg("row %zu: to \"%s\", problem \"%s\"", i, it.to.value, it.to_problem.text);
    }
    arena_free(a);
    json_parser_free(p);
}

TEST(refused_with_the_field_named)
{
    static const struct {
        const char *body, *says;
    } bad[] = {
        {"[]", "object"},
        {"{\"to\":[\"15550001111\"]}", "to must"},
        {"{\"to\":1.5e10}", "to must"},
        {"{\"to\":true}", "to must"},
        {"{\"to\":{}}", "to must"},
        {"{\"recipient\":15550001111}", "recipient must"},
        {"{\"to\":\"1\",\"recipient_type\":1}", "recipient_type must"},
        {"{\"to\":\"1\",\"type\":[\"text\"]}", "type must"},
        {"{\"to\":\"1\",\"type\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}", "type has more"},
        {"{\"to\":\"1\",\"type\":\"template\"}", "template is missing"},
        {"{\"to\":\"1\",\"type\":\"template\",\"template\":\"{}\"}", "template must"},
        {"{\"to\":\"1\",\"type\":\"template\",\"template\":[]}", "template must"},
        {"{\"to\":\"1\",\"type\":\"template\",\"template\":{}}", "template.name is missing"},
        {"{\"to\":\"1\",\"type\":\"template\",\"template\":{\"name\":7}}", "template.name must"},
        {"{\"to\":\"1\",\"type\":\"template\",\"template\":{\"name\":\"a\",\"language\":7}}", "template.language must"},
        {"{\"to\":\"1\",\"type\":\"template\",\"template\":{\"name\":\"a\",\"language\":{\"code\":7}}}",
         "template.language.code"},
        {"{\"to\":\"1\",\"type\":\"text\",\"category\":1}", "category must"},
        /* duplicates, however they are written */
        {"{\"to\":\"1\",\"to\":\"2\"}", "\"to\""},
        {"{\"to\":\"1\",\"t\\u006f\":\"2\"}", "\"to\""},
        {"{\"to\":\"1\",\"anything\":1,\"type\":\"text\",\"anything\":2}", "\"anything\""},
        {"{\"to\":\"1\",\"type\":\"template\",\"template\":{\"name\":\"a\",\"name\":\"b\"}}", "\"name\""},
        {"{\"to\":\"1\",\"type\":\"template\",\"template\":{\"name\":\"a\",\"components\":[],\"components\":[]}}",
         "\"components\""},
        {"{\"to\":\"1\",\"type\":\"template\",\"template\":{\"name\":\"a\",\"language\":{\"code\":\"a\",\"code\":\"b\"}"
         "}}",
         "\"code\""},
        {"{\"status\":\"read\",\"message_id\":\"w\",\"status\":\"read\"}", "\"status\""},
    };
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(1 << 20);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = {0};
        struct intent it = {.to_text = {"kept", 4}};
        int rc = intent_parse(parsed(p, str_of(bad[i].body)), PATH_MESSAGES, a, &it, &e);
        if (rc != WL_EINVAL || strstr(e.text, bad[i].says) == NULL || strcmp(it.to_text.p, "kept") != 0)
            fail_msg("row %zu: rc %d, \"%s\"", i, rc, e.text);
    }
    arena_free(a);
    json_parser_free(p);
}

TEST(template_members)
{
    static const struct {
        const char *language, *want;
    } langs[] = {{"{\"code\":\"pt_BR\"}", "pt_BR"},
                 {"{\"code\":\"en-US\",\"policy\":\"deterministic\"}", "en_US"},
                 {"\"zh-HK\"", "zh_HK"},
                 {"null", ""},
                 {"{}", ""},
                 {"{\"code\":null}", ""},
                 {"\"language-and-locale-code\"", "language_and_lo"}};
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(1 << 20);
    for (size_t i = 0; i < sizeof langs / sizeof langs[0]; i++) {
        char text[400];
        struct err e = {0};
        struct intent it;
        snprintf(text, sizeof text,
                 "{\"to\":\"15550001111\",\"type\":\"template\",\"biz_opaque_callback_data\":\"o\","
                 "\"template\":{\"name\":\"order_ready\",\"language\":%s,\"components\":[{\"type\":\"body\"}]}}",
                 langs[i].language);
        assert_ok(intent_parse(parsed(p, str_of(text)), PATH_MARKETING_MESSAGES, a, &it, &e), e);
        assert_string_equal(it.language, langs[i].want);
        assert_text(it.template_name, "order_ready");
        assert_text(it.opaque, "o");
        assert_text(it.to_text, "15550001111");
        assert_int_equal(json_count(it.components), 1);
        assert_int_equal(it.path, PATH_MARKETING_MESSAGES);
        assert_int_equal(it.category, CATEGORY_UNKNOWN);
    }
    arena_free(a);
    json_parser_free(p);
}

TEST(name_length)
{
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(1 << 20);
    for (size_t n = 511; n <= 514; n++) {
        char text[700] = "{\"to\":\"15550001111\",\"type\":\"template\",\"template\":{\"name\":\"";
        size_t at = strlen(text);
        memset(text + at, 'a', n);
        memcpy(text + at + n, "\"}}", 4);
        struct intent it;
        assert_int_equal(intent_parse(parsed(p, str_of(text)), PATH_MESSAGES, a, &it, NULL), n <= 512 ? 0 : WL_EINVAL);
    }
    arena_free(a);
    json_parser_free(p);
}

TEST(encrypted_is_never_a_receipt)
{
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(1 << 20);
    struct err e = {0};
    struct intent it;
    struct json body = parsed(p, STR("{\"status\":\"read\",\"message_id\":\"w\",\"to\":\"15550001111\"}"));
    assert_ok(intent_parse(body, PATH_ENCRYPTED, a, &it, &e), e);
    assert_int_equal(it.kind, INTENT_ENCRYPTED);
    assert_string_equal(it.to.value, "15550001111");
    arena_free(a);
    json_parser_free(p);
}

TEST(strings_outlive_the_document)
{
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(1 << 20);
    struct err e = {0};
    struct intent it;
    struct json body = parsed(p, STR("{\"to\":\"15550001111\",\"type\":\"template\",\"template\":{\"name\":\"abc\"},"
                                     "\"biz_opaque_callback_data\":\"xyz\"}"));
    assert_ok(intent_parse(body, PATH_MESSAGES, a, &it, &e), e);
    parsed(p, STR("{\"zzzz\":\"zzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzzz\"}"));
    json_parser_free(p);
    assert_text(it.template_name, "abc");
    assert_text(it.opaque, "xyz");
    assert_text(it.to_text, "15550001111");
    arena_free(a);
}

TEST(out_of_memory_is_told)
{
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(64);
    struct err e = {0};
    struct intent it;
    char text[1200] = "{\"to\":\"";
    size_t at = strlen(text);
    memset(text + at, '7', 1000);
    memcpy(text + at + 1000, "\"}", 3);
    assert_int_equal(intent_parse(parsed(p, str_of(text)), PATH_MESSAGES, a, &it, &e), WL_ENOMEM);
    arena_free(a);
    json_parser_free(p);
}

/* A body with hundreds of thousands of members must cost what its bytes cost. */
TEST(wide_bodies_are_linear)
{
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(1 << 20);
    struct buf b;
    struct err e = {0};
    struct intent it;
    buf_init(&b, 8 << 20);
    buf_puts(&b, "{\"to\":\"15550001111\",\"type\":\"text\"");
    for (int i = 0; i < 300000; i++)
        buf_printf(&b, ",\"k%d\":%d", i, i);
    buf_puts(&b, "}");
    assert_false(b.failed);
    assert_ok(intent_parse(parsed(p, buf_str(&b)), PATH_MESSAGES, a, &it, &e), e);
    buf_done(&b);
    arena_free(a);
    json_parser_free(p);
}

TEST(categories)
{
    static const struct {
        const char *word;
        enum category want;
    } words[] = {{"MARKETING", CATEGORY_MARKETING},
                 {"utility", CATEGORY_UTILITY},
                 {"Authentication", CATEGORY_AUTHENTICATION},
                 {"TRANSACTIONAL", CATEGORY_UTILITY},
                 {"OTP", CATEGORY_AUTHENTICATION},
                 {"service", CATEGORY_SERVICE},
                 {"calls", CATEGORY_CALLS},
                 {"", CATEGORY_UNKNOWN},
                 {"promo", CATEGORY_UNKNOWN}};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        assert_int_equal(category_parse(str_of(words[i].word)), words[i].want);
    for (int c = 1; c < CATEGORY_COUNT; c++)
        assert_int_equal(category_parse(str_of(category_name((enum category)c))), c);
    assert_string_equal(category_name(CATEGORY_UNKNOWN), "unknown");
    assert_string_equal(category_name((enum category)77), "unknown");
}

/* What the file's row says its type is, in our words. */
static bool agrees(const struct intent *it, struct str type)
{
    if (str_starts(type, STR("mark_read")))
        return it->kind == INTENT_RECEIPT;
    if (type.p == NULL) /* one row has no type and is no text */
        return it->kind == INTENT_FREEFORM && it->type[0] == '\0';
    return str_ieq(type, str_of(it->type)) &&
           it->kind == (str_eq(type, STR("template")) ? INTENT_TEMPLATE : INTENT_FREEFORM);
}

static void read_sends(const char *name, bool typed, size_t at_least)
{
    const char *path = case_file(name);
    char *line = NULL;
    size_t cap = 0, n = 0;
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(16 << 20);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (getline(&line, &cap, f) > 0) {
        struct err e = {0};
        struct intent it;
        struct json row = parsed(p, str_of(line)), body = json_get(row, "request");
        struct str url = json_str_or(json_get(row, "url"), STR("/messages"));
        if (!str_ends(url, STR("/messages")) || json_type(body) != JSON_OBJECT)
            continue;
        if (intent_parse(body, PATH_MESSAGES, a, &it, &e) != 0)
            fail_msg("%s: %.70s", e.text, line);
        struct str to = json_str_or(json_get(body, "to"), STR(""));
        if (to.n > 0 && to.p[0] == '{' && (it.to.kind != IDENTITY_NONE || it.to_problem.text[0] == '\0'))
            fail_msg("a placeholder was taken for a recipient: %.70s", line);
        if (typed ? !agrees(&it, json_str_or(json_get(row, "type"), (struct str){NULL, 0}))
                  : (json_type(json_get(body, "template")) == JSON_OBJECT) != (it.kind == INTENT_TEMPLATE))
            fail_msg("read as \"%s\": %.70s", it.type, line);
        n++;
    }
    fclose(f);
    free(line);
    arena_free(a);
    json_parser_free(p);
    assert_true(n >= at_least);
}

TEST(bodies_of_real_clients)
{
    if (case_file("sends/sends.jsonl") == NULL || case_file("sends/postman.jsonl") == NULL)
        skip_loudly("sends/*.jsonl are not there");
    read_sends("sends/sends.jsonl", true, 70);
    read_sends("sends/postman.jsonl", false, 15);
}

TESTS(T(bodies), T(refused_with_the_field_named), T(template_members), T(name_length), T(encrypted_is_never_a_receipt),
      T(strings_outlive_the_document), T(out_of_memory_is_told), T(wide_bodies_are_linear), T(categories),
      T(bodies_of_real_clients))
