/* SPDX-License-Identifier: Apache-2.0
 * test_send_terms.c - keys, holds and times as callers write them, and those that are refused.
 *
 * A key that is read as another one sends a message twice or swallows one, so the rows below are as much about what is
 * refused as about what is taken. */
#include "t.h"

#include "gateway/send_terms.h"

#define NOW INT64_C(1795312800000) /* 2026-11-22T02:00:00Z */

static struct arena *a;

static int setup(void **state)
{
    (void)state;
    a = arena_create(1u << 20);
    return a == NULL;
}

static int teardown(void **state)
{
    (void)state;
    arena_free(a);
    return 0;
}

TEST(a_key_is_taken_as_it_is_or_out_of_its_quotes)
{
    static const struct {
        const char *text, *key; /* NULL: refused */
    } rows[] = {
        {"8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"},
        {"\"8e03978e\"", "8e03978e"},
        {"  \"8e03978e\"  ", "8e03978e"},
        {"\"a\\\\b\\\"c\"", "a\\b\"c"},
        {"\"\\\\a\"", "\\a"},
        {"a\"b", "a\"b"},
        {"a\\b", "a\\b"},
        {"~!#", "~!#"},
        {"", NULL},
        {"   ", NULL},
        {"\"\"", NULL},
        {"\"", NULL},
        {"\"a", NULL},
        {"\"a\\\"", NULL},
        {"\"a\"b\"", NULL},
        {"\"a\\b\"", NULL},
        {"\"a\";p=1", NULL},
        {"two words", NULL},
        {"\"two words\"", NULL},
        {"tab\there", NULL},
        {"caf\xc3\xa9", NULL},
        {"del\x7f", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct str key = {NULL, 0};
        struct err e = {0};
        int rc = terms_key(str_of(rows[i].text), "Idempotency-Key", a, &key, &e);
        if (rows[i].key == NULL) {
            if (rc != WL_EINVAL)
                fail_msg("'%s' was taken as '%.*s'", rows[i].text, (int)key.n, key.p);
            assert_true(str_starts(str_of(e.text), STR("Idempotency-Key")));
        } else {
            assert_ok(rc, e);
            assert_str(key, rows[i].key);
        }
    }
}

TEST(a_key_has_at_most_255_characters)
{
    char text[700];
    struct str key;
    struct err e = {0};
    memset(text, 'k', sizeof text);
    assert_ok(terms_key((struct str){text, 255}, "idempotency_key", a, &key, &e), e);
    assert_int_equal(key.n, 255);
    assert_int_equal(terms_key((struct str){text, 256}, "idempotency_key", a, &key, &e), WL_EINVAL);
    assert_int_equal(terms_key((struct str){text, 700}, "idempotency_key", a, &key, &e), WL_EINVAL);
    text[0] = text[256] = '"';
    assert_ok(terms_key((struct str){text, 257}, "idempotency_key", a, &key, &e), e);
    assert_int_equal(key.n, 255);
}

static int64_t print_of(int64_t sender, enum intent_path path, const char *text)
{
    struct json_parser *p = json_parser_create();
    struct json v;
    struct err e = {0};
    assert_ok(json_parse(p, str_of(text), false, &v, &e), e);
    int64_t h = terms_fingerprint(sender, path, v);
    json_parser_free(p);
    return h;
}

TEST(the_same_request_has_the_same_fingerprint)
{
    int64_t h = print_of(111, PATH_MESSAGES, "{\"to\":\"1\",\"type\":\"text\",\"text\":{\"body\":\"a\"}}");
    assert_true(
        h == print_of(111, PATH_MESSAGES, "{ \"to\": \"1\", \"type\":\"text\",\n\"text\" : {\"body\":\"\\u0061\"} }"));
    assert_true(h == print_of(111, PATH_MESSAGES,
                              "{\"access_token\":\"x\",\"to\":\"1\",\"type\":\"text\",\"text\":{\"body\":\"a\"}}"));
    assert_true(h == print_of(111, PATH_MESSAGES,
                              "{\"to\":\"1\",\"type\":\"text\",\"text\":{\"body\":\"a\"},\"idempotency_key\":\"k\"}"));
    assert_false(h == print_of(112, PATH_MESSAGES, "{\"to\":\"1\",\"type\":\"text\",\"text\":{\"body\":\"a\"}}"));
    assert_false(h ==
                 print_of(111, PATH_MARKETING_MESSAGES, "{\"to\":\"1\",\"type\":\"text\",\"text\":{\"body\":\"a\"}}"));
    assert_false(h == print_of(111, PATH_MESSAGES, "{\"to\":\"1\",\"type\":\"text\",\"text\":{\"body\":\"b\"}}"));
    assert_false(h == print_of(111, PATH_MESSAGES, "{\"to\":\"12\",\"type\":\"text\",\"text\":{\"body\":\"a\"}}"));
}

TEST(the_order_of_members_says_nothing)
{
    int64_t h = print_of(1, PATH_MESSAGES,
                         "{\"to\":\"1\",\"text\":{\"body\":\"a\",\"preview_url\":true},\"x\":[1,{\"b\":2,\"a\":3}]}");
    assert_true(h ==
                print_of(1, PATH_MESSAGES,
                         "{\"x\":[1,{\"a\":3,\"b\":2}],\"text\":{\"preview_url\":true,\"body\":\"a\"},\"to\":\"1\"}"));
    assert_false(h ==
                 print_of(1, PATH_MESSAGES,
                          "{\"to\":\"1\",\"text\":{\"body\":\"a\",\"preview_url\":true},\"x\":[{\"b\":2,\"a\":3},1]}"));
    assert_false(print_of(1, PATH_MESSAGES, "{\"a\":{\"b\":1},\"c\":2}") ==
                 print_of(1, PATH_MESSAGES, "{\"a\":{\"b\":1,\"c\":2}}"));
    assert_false(print_of(1, PATH_MESSAGES, "{\"a\":[[1],2]}") == print_of(1, PATH_MESSAGES, "{\"a\":[[1,2]]}"));
    assert_false(print_of(1, PATH_MESSAGES, "{\"a\":{}}") == print_of(1, PATH_MESSAGES, "{\"a\":[]}"));
    assert_false(print_of(1, PATH_MESSAGES, "{\"a\":{\"access_token\":1}}") ==
                 print_of(1, PATH_MESSAGES, "{\"a\":{}}"));
}

static int keys_of(const char *text, bool queue, struct err *e)
{
    struct json_parser *p = json_parser_create();
    struct json v;
    assert_ok(json_parse(p, str_of(text), false, &v, e), *e);
    int rc = terms_keys(v, queue, e);
    json_parser_free(p);
    return rc;
}

TEST(a_key_of_ours_that_is_misspelt_is_refused)
{
    static const struct {
        const char *text, *near; /* NULL: refused with `queue` only; "": taken */
    } rows[] = {
        {"{\"not_befor\":1}", "not_before"},
        {"{\"notBefore\":1}", "not_before"},
        {"{\"Queue\":true}", "queue"},
        {"{\"expire\":1}", "expires"},
        {"{\"idempotency-key\":1}", "idempotency_key"},
        {"{\"overrides\":1}", "override"},
        {"{\"expected_categry\":1}", "expected_category"},
        {"{\"send_at\":1}", NULL},
        {"{\"form\":1}", NULL},
        {"{\"from\":1,\"to\":1,\"type\":\"text\",\"text\":{},\"context\":{},\"recipient_type\":1,\"biz_opaque_callback_"
         "data\":1}",
         ""},
        {"{\"type\":\"queued_thing\",\"queued_thing\":{}}", ""},
        {"{\"queue\":true,\"not_before\":1,\"expires\":1,\"override\":1,\"idempotency_key\":1,\"expected_category\":1}",
         ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        int now = keys_of(rows[i].text, false, &e),
            want = rows[i].near != NULL && rows[i].near[0] != '\0' ? WL_EINVAL : 0;
        if (now != want || (want != 0 && strstr(e.text, rows[i].near) == NULL))
            fail_msg("%s: %d, %s", rows[i].text, now, e.text);
        want = rows[i].near != NULL && rows[i].near[0] == '\0' ? 0 : WL_EINVAL;
        if (keys_of(rows[i].text, true, &e) != want)
            fail_msg("%s with queue: not %d", rows[i].text, want);
    }
}

TEST(a_header_says_one_thing)
{
    const struct http_header h[] = {{STR("Idempotency-Key"), STR("a")},
                                    {STR("Accept"), STR("b")},
                                    {STR("idempotency-key"), STR(" a ")},
                                    {STR("IDEMPOTENCY-KEY"), STR("c")}};
    struct str v = {NULL, 0};
    struct err e = {0};
    assert_ok(terms_header(h, 3, KEY_HEADER, &v, &e), e);
    assert_str(str_trim(v), "a");
    assert_int_equal(terms_header(h, 4, KEY_HEADER, &v, &e), WL_EINVAL);
    assert_non_null(strstr(e.text, KEY_HEADER));
    assert_ok(terms_header(h, 4, HOLD_HEADER, &v, &e), e);
    assert_null(v.p);
}

TEST(members_do_not_run_into_each_other)
{
    assert_false(print_of(1, PATH_MESSAGES, "{\"a\":\"b\",\"c\":\"d\"}") ==
                 print_of(1, PATH_MESSAGES, "{\"a\":\"bc\",\"\":\"d\"}"));
    assert_false(print_of(1, PATH_MESSAGES, "{\"a\":1}") == print_of(1, PATH_MESSAGES, "{\"a\":\"1\"}"));
    assert_false(print_of(11, PATH_MESSAGES, "{}") == print_of(1, PATH_MESSAGES, "{\"1\":1}"));
}

TEST(a_hold_is_refused_or_queued)
{
    enum hold_word w = HOLD_QUEUE;
    struct err e = {0};
    assert_ok(terms_hold((struct str){NULL, 0}, &w, &e), e);
    assert_int_equal(w, HOLD_AS_SET);
    assert_ok(terms_hold(STR(" Queue "), &w, &e), e);
    assert_int_equal(w, HOLD_QUEUE);
    assert_ok(terms_hold(STR("refuse"), &w, &e), e);
    assert_int_equal(w, HOLD_REFUSE);
    assert_int_equal(terms_hold(STR("queue, refuse"), &w, &e), WL_EINVAL);
    assert_int_equal(w, HOLD_REFUSE);
}

struct times {
    int rc;
    int64_t from, until;
    const char *field;
};

static struct times read(const char *text)
{
    struct json_parser *p = json_parser_create();
    struct json v;
    struct err e = {0};
    struct times t = {.from = -1, .until = -1};
    assert_ok(json_parse(p, str_of(text), false, &v, &e), e);
    t.rc = terms_times(json_get(v, "not_before"), json_get(v, "expires"), NOW, &t.from, &t.until, &t.field, &e);
    assert_null(strstr(e.text, "never")); /* what is refused is not recommended */
    json_parser_free(p);
    return t;
}

TEST(times_a_message_may_wait_for)
{
    static const struct {
        const char *text;
        int64_t from, until; /* from now; from INT64_MIN: 0, at once */
    } rows[] = {
        {"{}", INT64_MIN, 7 * TERMS_DAY_MS},
        {"{\"not_before\":null,\"expires\":null}", INT64_MIN, 7 * TERMS_DAY_MS},
        {"{\"not_before\":\"now+2h\"}", 7200000, 7200000 + 7 * TERMS_DAY_MS},
        {"{\"not_before\":\"2026-11-22T04:00:00Z\",\"expires\":\"2026-11-22T05:00:00Z\"}", 7200000, 10800000},
        {"{\"expires\":1795312801000}", INT64_MIN, 1000},
        {"{\"not_before\":\"now-1h\"}", -3600000, 7 * TERMS_DAY_MS},
        {"{\"not_before\":\"now+365d\"}", 365 * TERMS_DAY_MS, 372 * TERMS_DAY_MS},
        {"{\"expires\":\"now+373d\"}", INT64_MIN, 373 * TERMS_DAY_MS},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct times t = read(rows[i].text);
        if (t.rc != 0 || t.until != NOW + rows[i].until ||
            t.from != (rows[i].from == INT64_MIN ? 0 : NOW + rows[i].from))
            fail_msg("%s: %d, %lld, %lld", rows[i].text, t.rc, (long long)t.from, (long long)t.until);
    }
}

TEST(times_that_are_refused_are_named)
{
    static const struct {
        const char *text, *field;
    } rows[] = {
        {"{\"not_before\":\"tomorrow\"}", "not_before"},
        {"{\"not_before\":\"never\"}", "not_before"},
        {"{\"not_before\":true}", "not_before"},
        {"{\"not_before\":1795312800}", "not_before"}, /* seconds */
        {"{\"not_before\":\"now+366d\"}", "not_before"},
        {"{\"expires\":\"now\"}", "expires"},
        {"{\"expires\":\"now-1s\"}", "expires"},
        {"{\"expires\":\"never\"}", "expires"},
        {"{\"not_before\":\"now+2h\",\"expires\":\"now+1h\"}", "expires"},
        {"{\"expires\":\"now+374d\"}", "expires"},
        {"{\"expires\":\"now+999999999d\"}", "expires"},
        {"{\"expires\":[]}", "expires"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct times t = read(rows[i].text);
        if (t.rc != WL_EINVAL || strcmp(t.field, rows[i].field) != 0 || t.from != -1 || t.until != -1)
            fail_msg("%s: %d, field %s", rows[i].text, t.rc, t.field);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_key_is_taken_as_it_is_or_out_of_its_quotes),
        T(a_key_has_at_most_255_characters),
        T(the_same_request_has_the_same_fingerprint),
        T(the_order_of_members_says_nothing),
        T(a_key_of_ours_that_is_misspelt_is_refused),
        T(a_header_says_one_thing),
        T(members_do_not_run_into_each_other),
        T(a_hold_is_refused_or_queued),
        T(times_a_message_may_wait_for),
        T(times_that_are_refused_are_named),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
