/* SPDX-License-Identifier: Apache-2.0
 * test_webhook_filter.c - which events a filter lets through, what it refuses to be, and that its text is one for each
 * filter. */
#include "core/webhook_filter.h"

#include "t.h"

static struct json_parser *parser;
static struct arena *arena;

static int read_text(const char *text, struct webhook_filter **ret, struct err *e)
{
    struct json v = {0};
    if (parser == NULL) {
        parser = json_parser_create();
        arena = arena_create(16 << 20);
    }
    if (text[0] != '\0')
        assert_int_equal(json_parse(parser, str_of(text), false, &v, NULL), 0);
    return webhook_filter_read(v, arena, ret, e);
}

static struct webhook_filter *filter(const char *text)
{
    struct err e = {0};
    struct webhook_filter *f = NULL;
    assert_ok(read_text(text, &f, &e), e);
    return f;
}

static const char *written(const struct webhook_filter *f)
{
    static char text[FILTER_TEXT_MAX + 1];
    struct buf b;
    buf_init(&b, FILTER_TEXT_MAX);
    webhook_filter_write(f, &b);
    assert_false(b.failed);
    memcpy(text, buf_cstr(&b), b.len + 1);
    buf_done(&b);
    return text;
}

TEST(lets_through)
{
    static const struct event failed = {.kind = EVENT_STATUS,
                                        .field = STR_INIT("messages"),
                                        .type = STR_INIT("failed"),
                                        .waba = 100200300,
                                        .phone_number_id = 700800900,
                                        .display_phone = STR_INIT("+1 555-000-9999")},
                              inbound = {.kind = EVENT_INBOUND,
                                         .field = STR_INIT("messages"),
                                         .type = STR_INIT("text"),
                                         .waba = 100200300,
                                         .phone_number_id = 700800900},
                              ringing = {.kind = EVENT_STATUS, .field = STR_INIT("calls"), .type = STR_INIT("RINGING")},
                              quality = {.kind = EVENT_ACCOUNT,
                                         .field = STR_INIT("phone_number_quality_update"),
                                         .waba = 100200300,
                                         .display_phone = STR_INIT("15550009999")},
                              strange = {.field = STR_INIT("a_new_field"), .waba = 5};
    static const struct {
        const char *text;
        bool failed, inbound, ringing, quality, strange;
    } rows[] = {
        {"", true, true, true, true, true},
        {"{}", true, true, true, true, true},
        {"null", true, true, true, true, true},
        {"{\"fields\":[],\"kinds\":null}", true, true, true, true, true},
        {"{\"fields\":[\"messages\"]}", true, true, false, false, false},
        {"{\"fields\":[\"Messages\",\"calls\"]}", true, true, true, false, false},
        {"{\"fields\":[\"a_new_field\"]}", false, false, false, false, true},
        {"{\"numbers\":[\"700800900\"]}", true, true, false, false, false},
        {"{\"numbers\":[700800900]}", true, true, false, false, false},
        {"{\"numbers\":[\"15550009999\"]}", true, false, false, true, false},
        {"{\"numbers\":[\"700800900\",\"15550009999\"]}", true, true, false, true, false},
        {"{\"accounts\":[\"100200300\"]}", true, true, false, true, false},
        {"{\"kinds\":[\"inbound\"]}", false, true, false, false, false},
        {"{\"kinds\":[\"other\",\"account\"]}", false, false, false, true, true},
        {"{\"kinds\":[\"inbound\",\"status\"],\"statuses\":[\"failed\"]}", true, true, false, false, false},
        {"{\"statuses\":[\"read\"]}", false, false, false, false, false},
        {"{\"statuses\":[\"Failed\"]}", true, false, false, false, false},
        {"{\"statuses\":[\"ringing\"]}", false, false, true, false, false},
        {"{\"statuses\":[\"failed\",\"ringing\"],\"kinds\":[]}", true, false, true, false, false},
        {"{\"kinds\":[\"inbound\",\"account\"],\"statuses\":[\"failed\"]}", false, true, false, true, false},
        {"{\"fields\":[\"messages\"],\"accounts\":[\"5\"]}", false, false, false, false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct webhook_filter *f = filter(rows[i].text);
        if (webhook_wanted(f, &failed) != rows[i].failed || webhook_wanted(f, &inbound) != rows[i].inbound ||
            webhook_wanted(f, &ringing) != rows[i].ringing || webhook_wanted(f, &quality) != rows[i].quality ||
            webhook_wanted(f, &strange) != rows[i].strange)
            fail_msg("row %zu: %s", i, rows[i].text);
    }
}

/* Every kind has a name of its own that a filter knows. */
TEST(every_kind_can_be_asked_for)
{
    for (int k = 0; k <= EVENT_HANDOVER; k++) {
        char text[100];
        snprintf(text, sizeof text, "{\"kinds\":[\"%s\"]}", event_kind_name((enum event_kind)k));
        const struct webhook_filter *f = filter(text);
        for (int other = 0; other <= EVENT_HANDOVER; other++) {
            const struct event ev = {.kind = (enum event_kind)other};
            assert_int_equal(webhook_wanted(f, &ev), other == k);
        }
        assert_string_equal(written(f), text);
    }
}

TEST(one_text_for_each_filter)
{
    static const struct {
        const char *text, *canonical;
    } rows[] = {
        {"{}", ""},
        {"{\"fields\":[]}", ""},
        {"{\"statuses\":[\"READ\",\"failed\",\"read\"],\"fields\":[\"messages\",\"calls\",\"messages\"]}",
         "{\"fields\":[\"calls\",\"messages\"],\"statuses\":[\"failed\",\"read\"]}"},
        {"{\"accounts\":[9223372036854775807,\"5\",5],\"numbers\":[\"007\",\"10\"]}",
         "{\"numbers\":[\"7\",\"10\"],\"accounts\":[\"5\",\"9223372036854775807\"]}"},
        {"{\"kinds\":[\"status\",\"inbound\",\"status\"]}", "{\"kinds\":[\"inbound\",\"status\"]}"},
        {"{\"fields\":[\"ab\",\"a\",\"abc\"]}", "{\"fields\":[\"a\",\"ab\",\"abc\"]}"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_string_equal(written(filter(rows[i].text)), rows[i].canonical);
        assert_string_equal(written(filter(rows[i].canonical)), rows[i].canonical);
    }
}

TEST(refuses)
{
    static const struct {
        const char *text, *says;
    } rows[] = {
        {"[]", "object"},
        {"{\"field\":[\"messages\"]}", "did you mean \"fields\"?"},
        {"{\"kinds\":[\"inbond\"]}", "did you mean \"inbound\"?"},
        {"{\"kinds\":[\"zzzzzzzzzzzzzzzzz\"]}", "no kind of that name"},
        {"{\"kinds\":[\"zzzzzzzzzzzzzzzzz\"]}", "inbound, call, status,"},
        {"{\"kinds\":[7]}", "kinds"},
        {"{\"statuses\":[\"fialed\"]}", "statuses: there is no status of that name; did you mean \"failed\"?"},
        {"{\"statuses\":[\"zzzzzzzzzzzzzzzzz\"]}", "there are sent, delivered, read,"},
        {"{\"fields\":\"messages\"}", "fields: must be a list"},
        {"{\"fields\":[\"\"]}", "fields: each must be a word"},
        {"{\"fields\":[{}]}", "fields: each must be a word"},
        {"{\"fields\":[\"two words\"]}", "fields: a word has neither"},
        {"{\"statuses\":[\"r\\u00e9ad\"]}", "statuses: a word has neither"},
        {"{\"numbers\":[\"+15550001111\"]}", "numbers: each must be an id"},
        {"{\"accounts\":[-5]}", "accounts: each must be an id"},
        {"{\"numbers\":[\"99999999999999999999\"]}", "numbers: each must be an id"},
        {"{\"fields\":[\"a\"],\"fields\":[\"b\"]}", "twice"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        struct webhook_filter *f = NULL;
        if (read_text(rows[i].text, &f, &e) != WL_EINVAL || strstr(e.text, rows[i].says) == NULL || f != NULL)
            fail_msg("row %zu: %s: %s", i, rows[i].text, e.text);
    }
}

/* A list of so many words of so many characters. */
static int read_long(const char *member, int n, int length, struct err *e)
{
    struct webhook_filter *f;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_printf(&b, "{\"%s\":[", member);
    for (int i = 0; i < n; i++)
        buf_printf(&b, "%s\"%0*d\"", i > 0 ? "," : "", length, i + 1);
    buf_puts(&b, "]}");
    int rc = read_text(buf_cstr(&b), &f, e);
    buf_done(&b);
    return rc;
}

TEST(limits)
{
    struct err e = {0};
    struct webhook_filter *f;
    assert_ok(read_long("fields", FILTER_LIST_MAX, FILTER_WORD_MAX, &e), e);
    assert_ok(read_long("numbers", FILTER_LIST_MAX, 18, &e), e);
    assert_int_equal(read_long("fields", FILTER_LIST_MAX + 1, 3, &e), WL_EINVAL);
    assert_int_equal(read_long("fields", 1, FILTER_WORD_MAX + 1, &e), WL_EINVAL);
    /* all lists full fit the text */
    struct buf b;
    buf_init(&b, 1 << 20);
    for (int k = 0; k < 3; k++) {
        static const char *const lists[] = {"fields", "numbers", "accounts"};
        buf_printf(&b, "%s\"%s\":[", k > 0 ? "," : "{", lists[k]);
        for (int i = 0; i < FILTER_LIST_MAX; i++)
            buf_printf(&b, k == 0 ? "%s\"%064d\"" : "%s\"92233720368547758%02d\"", i > 0 ? "," : "", i % 8);
        buf_puts(&b, "]");
    }
    buf_puts(&b, ",\"kinds\":[");
    for (int k = 0; k <= EVENT_HANDOVER; k++)
        buf_printf(&b, "%s\"%s\"", k > 0 ? "," : "", event_kind_name((enum event_kind)k));
    buf_puts(&b, "],\"statuses\":[\"held_for_quality_assessment\",\"delivered\"]}");
    assert_ok(read_text(buf_cstr(&b), &f, &e), e);
    buf_done(&b);
    arena_free(arena);
    json_parser_free(parser);
    parser = NULL;
}

TESTS(T(lets_through), T(every_kind_can_be_asked_for), T(one_text_for_each_filter), T(refuses), T(limits))
