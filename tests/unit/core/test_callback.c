/* SPDX-License-Identifier: Apache-2.0
 * test_callback.c - marks that are read as they were written and that nobody else can write; bodies marked in place, and
 * webhooks given back byte for byte. */
#include "core/callback.h"

#include "t.h"

#define FIELD "biz_opaque_callback_data"

static const struct callback_key key = {{1, 2, 3, 4, 5, 6, 7, 8, 9}};
static const struct callback usual = {.bucket = 0, .message = INT64_C(7423948230123456789), .attempt = 1};

static char text[1 << 16];

/* The value that is sent for c, with this value of the client's (NULL: none). */
static struct str mark(const struct callback *c, const char *own)
{
    static char out[4096];
    struct buf b;
    buf_init(&b, sizeof out);
    callback_write(&key, c, str_of(own), &b);
    assert_false(b.failed);
    memcpy(out, buf_cstr(&b), b.len + 1);
    struct str s = {out, b.len};
    buf_done(&b);
    return s;
}

static bool aside(void *ctx, int bucket, int64_t message, struct buf *out)
{
    assert_int_equal(bucket, usual.bucket);
    assert_int_equal(message, usual.message);
    return ctx != NULL && buf_puts(out, ctx);
}

static void our_id(void *ctx, int bucket, int64_t message, struct buf *out)
{
    (void)ctx;
    assert_int_equal(bucket, usual.bucket);
    assert_int_equal(message, usual.message);
    buf_puts(out, "m-our-id");
}

/* What a client sees of a body; NULL: it was left alone. */
static const char *restored(const char *body, const char *kept_aside)
{
    static char out[1 << 16];
    struct callback_restore r = {.key = &key, .aside = aside, .our_id = our_id, .ctx = (void *)(uintptr_t)kept_aside};
    struct buf b;
    buf_init(&b, sizeof out - 1);
    bool any = callback_restore(&r, str_of(body), &b);
    assert_false(b.failed);
    assert_true(any || b.len == 0);
    memcpy(out, buf_cstr(&b), b.len + 1);
    buf_done(&b);
    return any ? out : NULL;
}

/* The text with the mark wherever an '@' stands. */
static const char *with(const char *pattern, struct str m)
{
    size_t n = 0;
    for (; *pattern != '\0'; pattern++) {
        struct str piece = *pattern == '@' ? m : (struct str){pattern, 1};
        assert_true(n + piece.n < sizeof text);
        memcpy(text + n, piece.p, piece.n);
        n += piece.n;
    }
    text[n] = '\0';
    return text;
}

static void assert_restored(const char *pattern, const struct callback *c, const char *own, const char *want)
{
    const char *got = restored(with(pattern, mark(c, own)), NULL);
    assert_non_null(got);
    assert_string_equal(got, want);
}

static int put(const char *body, const char *value, char out[1 << 12])
{
    struct buf b;
    struct err e = {0};
    buf_init(&b, 1 << 12);
    int rc = callback_put(str_of(body), str_of(value), &b, &e);
    assert_true(rc == 0 || (b.len == 0 && e.text[0] != '\0'));
    memcpy(out, buf_cstr(&b), b.len + 1);
    buf_done(&b);
    return rc;
}

static void assert_put(const char *body, const char *value, const char *want)
{
    char out[1 << 12];
    assert_int_equal(put(body, value, out), 0);
    assert_string_equal(out, want);
}

/* --- the mark -------------------------------------------------------------------------------------------------------- */

TEST(a_mark_is_read_as_it_was_written)
{
    const int64_t messages[] = {1, 31, 32, 4194304, INT64_MAX - 1, INT64_MAX};
    const char *own[] = {NULL, "", "order-17", "a|b", "wl1.0.1.1.0.x", "caf\xc3\xa9 \xf0\x9f\x98\x80"};
    for (size_t i = 0; i < 6 * 6 * 2 * 3; i++) {
        const char *mine = own[i % 6];
        struct callback got, c = {.bucket = i % 5 ? (int)i : 4095,
                                  .message = messages[i / 6 % 6],
                                  .attempt = 1 + (int)(i % 31),
                                  .flags = i / 36 % 2 ? CALLBACK_OUR_ID : 0};
        struct str value = mark(&c, mine);
        assert_true(callback_read(&key, value, &got));
        assert_int_equal(got.bucket, c.bucket);
        assert_int_equal(got.message, c.message);
        assert_int_equal(got.attempt, c.attempt);
        assert_int_equal(got.flags, c.flags | (mine != NULL ? CALLBACK_OWN : 0));
        assert_int_equal(got.own.p != NULL, mine != NULL);
        assert_str(got.own, mine != NULL ? mine : "");
    }
}

/* Meta counts characters; in UTF-16 an emoji is two. */
TEST(a_value_never_passes_metas_limit_and_goes_aside_when_both_do_not_fit)
{
    const char *letter[] = {"x", "\xc3\xa9", "\xf0\x9f\x98\x80"};
    const struct callback longest = {.bucket = 4095, .message = INT64_MAX, .attempt = 31, .flags = CALLBACK_OUR_ID};
    for (size_t k = 0; k < 3; k++) {
        char own[4 * 600 + 1] = "";
        size_t most = 0;
        for (size_t n = 1; n <= 520; n++) {
            struct callback got;
            strcat(own, letter[k]);
            size_t wide = k == 2 ? 2 * n : n;
            struct str value = mark(&longest, own);
            assert_true(callback_read(&key, value, &got));
            assert_int_equal(callback_fits(str_of(own)), (got.flags & CALLBACK_ASIDE) == 0);
            assert_true(got.flags & CALLBACK_OWN);
            if (got.own.p == NULL)
                continue;
            most = wide;
            assert_str(got.own, own);
            assert_true(value.n - strlen(own) + wide <= CALLBACK_MAX);
        }
        assert_in_range(most, 460, CALLBACK_MAX);
    }
}

TEST(nothing_but_our_own_mark_is_read)
{
    struct callback got = {.message = 5};
    struct callback_key other = key;
    other.bytes[31] ^= 1;
    struct str value = mark(&usual, "own");
    assert_true(callback_read(&key, value, &got));
    assert_false(callback_read(&other, value, &got));
    char copy[256];
    for (size_t i = 0; i < value.n - 3; i++) { /* any other character at any place, but in the client's part */
        memcpy(copy, value.p, value.n);
        for (int c = 0; c < 256; c++) {
            copy[i] = (char)c;
            assert_int_equal(callback_read(&key, (struct str){copy, value.n}, &got), copy[i] == value.p[i]);
        }
    }
    for (size_t n = 0; n < value.n - 3; n++)
        assert_false(callback_read(&key, (struct str){value.p, n}, &got));
    const char *wrong[] = {"", "wl1.", "order-17", "wl1.0.1.1.0.0000000000000000", "wl1....", "wl1.0.1.1.0."};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(callback_read(&key, str_of(wrong[i]), &got));
    value = mark(&usual, NULL);
    memcpy(copy, value.p, value.n);
    memcpy(copy + value.n, "|x", 3);
    assert_true(callback_read(&key, (struct str){copy, value.n}, &got));
    assert_false(callback_read(&key, (struct str){copy, value.n + 1}, &got));
    assert_false(callback_read(&key, (struct str){copy, value.n + 2}, &got)); /* the flags say: nothing follows */
}

TEST(a_number_has_one_spelling)
{
    struct str value = mark(&usual, NULL);
    struct callback got;
    char copy[256];
    snprintf(copy, sizeof copy, "wl1.0%.*s", (int)value.n - 4, value.p + 4); /* bucket 00 */
    assert_false(callback_read(&key, str_of(copy), &got));
    snprintf(copy, sizeof copy, "%.*s", (int)value.n, value.p);
    for (char *p = copy + 4; *p; p++)
        *p = *p >= 'a' && *p <= 'z' ? (char)(*p - 32) : *p;
    assert_false(callback_read(&key, str_of(copy), &got));
}

/* --- putting it in --------------------------------------------------------------------------------------------------- */

TEST(a_body_without_the_member_gets_it_and_keeps_every_byte)
{
    assert_put("{}", "v", "{\"" FIELD "\":\"v\"}");
    assert_put(" { } ", "v", " {\"" FIELD "\":\"v\" } ");
    assert_put("{\"to\":\"1\"}", "v", "{\"" FIELD "\":\"v\",\"to\":\"1\"}");
    assert_put("{\n  \"to\" : \"1\"\n}\n", "v", "{\"" FIELD "\":\"v\",\n  \"to\" : \"1\"\n}\n");
    assert_put("{\"a\":-1.5e3,\"b\":[{},[],\"]\"],\"c\":null}", "v",
               "{\"" FIELD "\":\"v\",\"a\":-1.5e3,\"b\":[{},[],\"]\"],\"c\":null}");
    assert_put("\xef\xbb\xbf{\"to\":1}", "v", "\xef\xbb\xbf{\"" FIELD "\":\"v\",\"to\":1}");
}

TEST(a_value_that_is_there_is_replaced_whatever_it_is)
{
    const char *was[] = {"\"own\"", "\"\"", "\"a\\\"b\\\\\"",        "null",         "17",
                         "-0.5",    "true", "{\"" FIELD "\":\"x\"}", "[1,\"]\",{}]", "\"\\ud83d\\ude00\""};
    for (size_t i = 0; i < sizeof was / sizeof was[0]; i++) {
        char body[256], want[256];
        snprintf(body, sizeof body, "{\"to\": \"1\", \"%s\" : %s , \"type\":\"text\"}", FIELD, was[i]);
        snprintf(want, sizeof want, "{\"to\": \"1\", \"%s\" : \"v\" , \"type\":\"text\"}", FIELD);
        assert_put(body, "v", want);
        snprintf(body, sizeof body, "{\"%s\":%s}", FIELD, was[i]);
        assert_put(body, "v", "{\"" FIELD "\":\"v\"}");
    }
}

/* Meta reads a name with its escapes undone: a second member beside such a one would be a guess. */
TEST(a_name_in_escapes_is_the_same_name)
{
    assert_put("{\"biz\\u005fopaque\\u005Fcallback_dat\\u0061\":\"own\"}", "v",
               "{\"biz\\u005fopaque\\u005Fcallback_dat\\u0061\":\"v\"}");
    assert_put("{\"" FIELD "\":1,\"\\u0062iz_opaque_callback_data\":2}", "v",
               "{\"" FIELD "\":\"v\",\"\\u0062iz_opaque_callback_data\":\"v\"}");
    const char *other[] = {"biz\\u015fopaque_callback_data",
                           FIELD "\\u0000",
                           FIELD "x",
                           "biz_opaque_callback_dat",
                           "BIZ_OPAQUE_CALLBACK_DATA",
                           "\\\\u0062iz_opaque_callback_data",
                           "biz\\/opaque_callback_data"};
    for (size_t i = 0; i < sizeof other / sizeof other[0]; i++) {
        char body[256], want[256];
        snprintf(body, sizeof body, "{\"%s\":1}", other[i]);
        snprintf(want, sizeof want, "{\"" FIELD "\":\"v\",\"%s\":1}", other[i]);
        assert_put(body, "v", want);
    }
}

TEST(what_only_looks_like_the_member_is_left_alone)
{
    assert_put("{\"text\":{\"" FIELD "\":\"inner\"}}", "v", "{\"" FIELD "\":\"v\",\"text\":{\"" FIELD "\":\"inner\"}}");
    assert_put("{\"a\":[{\"" FIELD "\":1}]}", "v", "{\"" FIELD "\":\"v\",\"a\":[{\"" FIELD "\":1}]}");
    assert_put("{\"body\":\"\\\"" FIELD "\\\":\\\"x\\\"\"}", "v",
               "{\"" FIELD "\":\"v\",\"body\":\"\\\"" FIELD "\\\":\\\"x\\\"\"}");
    assert_put("{\"a\":\"" FIELD "\"}", "v", "{\"" FIELD "\":\"v\",\"a\":\"" FIELD "\"}");
    assert_put("{\"a\":\"\\\\\",\"" FIELD "\":\"x\"}", "v", "{\"a\":\"\\\\\",\"" FIELD "\":\"v\"}");
}

TEST(a_value_is_written_as_a_json_string)
{
    assert_put("{}", "a\"b\\c\n\xc3\xa9", "{\"" FIELD "\":\"a\\\"b\\\\c\\n\xc3\xa9\"}");
}

TEST(what_is_no_object_is_refused)
{
    char out[1 << 12];
    const char *bad[] = {"",
                         " ",
                         "[]",
                         "\"x\"",
                         "1",
                         "null",
                         "{",
                         "{\"a\"",
                         "{\"a\":",
                         "{\"a\":1",
                         "{\"a\":1,",
                         "{\"a\":1,}",
                         "{\"a\":[1}",
                         "{\"a\":\"x}",
                         "{a:1}",
                         "{} x",
                         "{}{}",
                         "{\"a\" 1}",
                         "{\"a\":}",
                         "{\"" FIELD "\":\"x\"",
                         "{\"a\":\"x\\"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_int_equal(put(bad[i], "v", out), WL_EINVAL);
    struct buf small;
    struct err e = {0};
    buf_init(&small, 16);
    assert_int_equal(callback_put(STR("{\"to\":\"1\"}"), STR("value"), &small, &e), WL_ETOOBIG);
    buf_done(&small);
}

TEST(the_member_is_found_as_it_is_written)
{
    assert_str(callback_member(STR("{\"a\":1, \"" FIELD "\" : \"o\\n\" }")), "\"o\\n\"");
    assert_str(callback_member(STR("{\"biz\\u005fopaque_callback_data\":-17}")), "-17");
    assert_null(callback_member(STR("{\"a\":{\"" FIELD "\":1}}")).p);
    assert_null(callback_member(STR("{\"" FIELD "\":1")).p);
}

/* --- taking it out --------------------------------------------------------------------------------------------------- */

TEST(a_client_sees_its_own_value_again)
{
    assert_restored("{\"id\":\"w\",\"" FIELD "\":\"@\",\"s\":1}", &usual, "order-17",
                    "{\"id\":\"w\",\"" FIELD "\":\"order-17\",\"s\":1}");
    assert_restored("{\"" FIELD "\" : \"@\"}", &usual, "", "{\"" FIELD "\" : \"\"}");
    assert_restored("{\"" FIELD "\":\"@\\u00e9\\/\\\"\"}", &usual, "a|", "{\"" FIELD "\":\"a|\\u00e9\\/\\\"\"}");
    assert_restored("[[{\"calls\":[{\"" FIELD "\":\"@\"},{}]}]]", &usual, "c",
                    "[[{\"calls\":[{\"" FIELD "\":\"c\"},{}]}]]");
}

TEST(a_member_the_client_never_gave_vanishes_with_its_comma)
{
    const char *cases[][2] = {
        {"{\"" FIELD "\":\"@\"}", "{}"},
        {"{ \"" FIELD "\" : \"@\" }", "{  }"},
        {"{\"" FIELD "\":\"@\",\"a\":1}", "{\"a\":1}"},
        {"{\"a\":1,\"" FIELD "\":\"@\"}", "{\"a\":1}"},
        {"{\"a\":1,\"" FIELD "\":\"@\",\"b\":2}", "{\"a\":1,\"b\":2}"},
        {"{\n \"a\" : 1 ,\n \"" FIELD "\" : \"@\" ,\n \"b\" : 2\n}", "{\n \"a\" : 1 ,\n \"b\" : 2\n}"},
        {"{\"" FIELD "\":\"@\",\"" FIELD "\":\"@\"}", "{}"},
        {"{\"" FIELD "\":\"@\",\"" FIELD "\":\"@\",\"a\":1}", "{\"a\":1}"},
        {"{\"a\":1,\"" FIELD "\":\"@\",\"" FIELD "\":\"@\"}", "{\"a\":1}"},
        {"{\"" FIELD "\":\"@\",\"a\":1,\"" FIELD "\":\"@\"}", "{\"a\":1}"},
        {"[{\"" FIELD "\":\"@\"},{\"b\":{\"" FIELD "\":\"@\"}}]", "[{},{\"b\":{}}]"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_restored(cases[i][0], &usual, NULL, cases[i][1]);
}

TEST(a_value_kept_aside_comes_back_and_one_that_is_gone_leaves_nothing)
{
    char own[CALLBACK_MAX + 1];
    memset(own, 'x', CALLBACK_MAX);
    own[CALLBACK_MAX] = '\0';
    const char *body = with("{\"a\":1,\"" FIELD "\":\"@\"}", mark(&usual, own));
    assert_string_equal(restored(body, "x\"y"), "{\"a\":1,\"" FIELD "\":\"x\\\"y\"}");
    assert_string_equal(restored(body, NULL), "{\"a\":1}");
}

TEST(a_client_that_knows_our_id_sees_our_id)
{
    struct callback c = usual;
    c.flags = CALLBACK_OUR_ID;
    assert_restored("{\"id\":\"wamid.1\",\"x\":{\"id\":\"2\"},\"" FIELD "\":\"@\"}", &c, NULL,
                    "{\"id\":\"m-our-id\",\"x\":{\"id\":\"2\"}}");
    assert_restored("{\"" FIELD "\":\"@\",\"\\u0069d\":\"wamid.1\",\"id\":7}", &c, "own",
                    "{\"" FIELD "\":\"own\",\"\\u0069d\":\"m-our-id\",\"id\":7}");
    assert_restored("{\"id\":\"1\",\"a\":[{\"id\":\"2\",\"" FIELD "\":\"@\"}],\"id\":\"3\"}", &c, "own",
                    "{\"id\":\"1\",\"a\":[{\"id\":\"m-our-id\",\"" FIELD "\":\"own\"}],\"id\":\"3\"}");
}

TEST(nothing_of_ours_is_left_alone)
{
    const char *bodies[] = {"{}",
                            "[]",
                            "1",
                            "",
                            "{\"" FIELD "\":\"order-17\"}",
                            "{\"" FIELD "\":null,\"id\":\"1\"}",
                            "{\"" FIELD "\":\"wl1.0.1.1.0.0000000000000000\",\"id\":\"x\"}",
                            "{\"" FIELD "\":{\"a\":[1]},\"id\":\"x\"}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        assert_null(restored(bodies[i], NULL));
    const char *around[] = {"{\"body\":\"@\"}",
                            "{\"" FIELD "\":[\"@\"]}",
                            "{\"" FIELD "\":\"x@\"}",
                            "{\"a\":\"{\\\"" FIELD "\\\":\\\"@\\\"}\"}",
                            "{\"@\":1}",
                            "{\"" FIELD "\":\"@|\"}",
                            "{\"" FIELD "\":\"@\xc3\xa9\"}"};
    for (size_t i = 0; i < sizeof around / sizeof around[0]; i++)
        assert_null(restored(with(around[i], mark(&usual, NULL)), NULL));
}

TEST(a_text_that_is_no_json_is_left_alone)
{
    const char *broken[] = {"{\"" FIELD "\":\"@\"",
                            "{\"" FIELD "\":\"@\",}",
                            "{\"" FIELD "\":\"@\" x}",
                            "{\"" FIELD "\":\"@\"}}",
                            "[{\"" FIELD "\":\"@\"}",
                            "{\"" FIELD "\":\"@\"},",
                            "{\"" FIELD "\":\"@\",\"a\":\"x}",
                            "{\"" FIELD "\":\"@\",\"a\":[}"};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        assert_null(restored(with(broken[i], mark(&usual, NULL)), NULL));
    char deep[2048] = "";
    for (int i = 0; i < JSON_MAX_DEPTH; i++)
        strcat(deep, "[");
    strcat(deep, "{\"" FIELD "\":\"@\"}");
    assert_null(restored(with(deep, mark(&usual, NULL)), NULL));
}

/* Many names "id" and many marks: one look each. */
TEST(a_large_body_of_ids_takes_no_longer_than_it_is)
{
    struct callback_restore r = {.key = &key, .aside = aside, .our_id = our_id};
    struct buf body, out;
    buf_init(&body, 16u << 20);
    buf_init(&out, 16u << 20);
    buf_putc(&body, '{');
    for (int i = 0; i < 300000; i++)
        buf_puts(&body, "\"id\":\"x\",");
    buf_puts(&body, "\"a\":1}");
    assert_false(callback_restore(&r, buf_str(&body), &out));
    assert_int_equal(out.len, 0);
    buf_done(&body);
    buf_done(&out);
}

TESTS(T(a_mark_is_read_as_it_was_written), T(a_value_never_passes_metas_limit_and_goes_aside_when_both_do_not_fit),
      T(nothing_but_our_own_mark_is_read), T(a_number_has_one_spelling),
      T(a_body_without_the_member_gets_it_and_keeps_every_byte), T(a_value_that_is_there_is_replaced_whatever_it_is),
      T(a_name_in_escapes_is_the_same_name), T(what_only_looks_like_the_member_is_left_alone),
      T(a_value_is_written_as_a_json_string), T(what_is_no_object_is_refused), T(the_member_is_found_as_it_is_written),
      T(a_client_sees_its_own_value_again), T(a_member_the_client_never_gave_vanishes_with_its_comma),
      T(a_value_kept_aside_comes_back_and_one_that_is_gone_leaves_nothing), T(a_client_that_knows_our_id_sees_our_id),
      T(nothing_of_ours_is_left_alone), T(a_text_that_is_no_json_is_left_alone),
      T(a_large_body_of_ids_takes_no_longer_than_it_is))
