/* SPDX-License-Identifier: Apache-2.0
 * test_json_out.c - the writer's text is JSON for any input, and a call that could not lead to JSON is
 * noticed instead of written. */
#include "base/json.h"

#include "t.h"

static struct buf b;
static struct json_out o;

static void start(void)
{
    buf_done(&b);
    buf_init(&b, 1 << 20);
    json_out_init(&o, &b);
}

TEST(commas_and_nesting)
{
    start();
    jo_object(&o);
    jo_kcstr(&o, "s", "x");
    jo_kcstr(&o, "absent", NULL);
    jo_kint(&o, "min", INT64_MIN);
    jo_kbool(&o, "yes", true);
    jo_key(&o, "list");
    jo_array(&o);
    jo_int(&o, 1);
    for (int i = 0; i < 2; i++) { /* siblings: the second starts without a comma too */
        jo_array(&o);
        jo_int(&o, i);
        jo_int(&o, i);
        jo_end(&o);
    }
    jo_object(&o);
    jo_end(&o);
    jo_raw(&o, STR("{\"r\":1}"));
    jo_null(&o);
    jo_end(&o);
    jo_kstr(&o, "", STR("last"));
    jo_end(&o);
    assert_false(b.failed);
    assert_string_equal(buf_cstr(&b), "{\"s\":\"x\",\"absent\":null,\"min\":-9223372036854775808,\"yes\":true,"
                                      "\"list\":[1,[0,0],[1,1],{},{\"r\":1},null],\"\":\"last\"}");
    buf_done(&b);
}

TEST(escapes)
{
    static const struct {
        struct str in;
        const char *out;
    } rows[] = {
        {STR_INIT(""), "\"\""},
        {STR_INIT("plain / <é> 😀 \x7f"), "\"plain / <é> 😀 \x7f\""},
        {STR_INIT("\"\\"), "\"\\\"\\\\\""},
        {STR_INIT("\b\t\n\f\r"), "\"\\b\\t\\n\\f\\r\""},
        {STR_INIT("a\0b\x1f"), "\"a\\u0000b\\u001f\""},
        {STR_INIT("\xff"), "\"\uFFFD\""},
        {STR_INIT("a\xc0\xaf z"), "\"a\uFFFD\uFFFD z\""},               /* overlong */
        {STR_INIT("\xed\xa0\x80"), "\"\uFFFD\uFFFD\uFFFD\""},           /* surrogate */
        {STR_INIT("\xf4\x90\x80\x80"), "\"\uFFFD\uFFFD\uFFFD\uFFFD\""}, /* past U+10FFFF */
        {STR_INIT("\xf0\x9f\x98"), "\"\uFFFD\""},                       /* cut at the end */
        {STR_INIT("\xf0\x9f\x98\""), "\"\uFFFD\\\"\""},                 /* cut before a quote */
        {STR_INIT("\xe2\x82x"), "\"\uFFFDx\""},
        {STR_INIT("\x80\xe2\x82\xac"), "\"\uFFFD€\""},
        {STR_INIT("\xf4\x8f\xbf\xbf"), "\"\xf4\x8f\xbf\xbf\""},
        {STR_INIT("\xc2"), "\"\uFFFD\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        /* An exact copy, so that looking past the end is seen. */
        char *copy = malloc(rows[i].in.n + 1);
        memcpy(copy, rows[i].in.p, rows[i].in.n);
        char *exact = realloc(copy, rows[i].in.n ? rows[i].in.n : 1);
        start();
        jo_str(&o, (struct str){exact, rows[i].in.n});
        assert_string_equal(buf_cstr(&b), rows[i].out);
        free(exact);
    }
    buf_done(&b);
}

TEST(every_pair_of_bytes_is_readable)
{
    struct json_parser *p = json_parser_create();
    for (unsigned i = 0; i < 65536; i += 1) {
        char in[2] = {(char)(i >> 8), (char)i};
        struct json v;
        struct str s;
        start();
        jo_str(&o, (struct str){in, 2});
        if (json_parse(p, buf_str(&b), true, &v, NULL) != WL_OK || !json_str(v, &s))
            fail_msg("%02x %02x became %s", (unsigned char)in[0], (unsigned char)in[1], buf_cstr(&b));
        if (i < 0x8000 && (i & 0x80) == 0)
            assert_true(s.n == 2 && memcmp(s.p, in, 2) == 0);
    }
    json_parser_free(p);
    buf_done(&b);
}

static void value_without_key(void)
{
    jo_object(&o);
    jo_int(&o, 1);
}
static void key_in_array(void)
{
    jo_array(&o);
    jo_key(&o, "k");
}
static void two_keys(void)
{
    jo_object(&o);
    jo_key(&o, "k");
    jo_key(&o, "k");
}
static void end_after_key(void)
{
    jo_object(&o);
    jo_key(&o, "k");
    jo_end(&o);
}
static void end_too_many(void)
{
    jo_array(&o);
    jo_end(&o);
    jo_end(&o);
}
static void two_roots(void)
{
    jo_int(&o, 1);
    jo_int(&o, 2);
}
static void root_after_root(void)
{
    jo_object(&o);
    jo_end(&o);
    jo_array(&o);
}
static void key_at_root(void)
{
    jo_key(&o, "k");
}
static void too_deep(void)
{
    for (int i = 0; i < JSON_MAX_DEPTH; i++)
        jo_array(&o);
    assert_false(b.failed);
    jo_array(&o);
}

TEST(misuse_is_noticed)
{
    static void (*const rows[])(void) = {value_without_key, key_in_array,    two_keys,    end_after_key, end_too_many,
                                         two_roots,         root_after_root, key_at_root, too_deep};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        start();
        rows[i]();
        if (!b.failed)
            fail_msg("row %zu wrote %s", i, buf_cstr(&b));
    }
    buf_done(&b);
}

TEST(deep_is_closed_right)
{
    start();
    for (int i = 0; i < JSON_MAX_DEPTH; i++) {
        if (i % 3 == 0) {
            jo_array(&o);
            jo_int(&o, i);
        } else {
            jo_object(&o);
            jo_key(&o, "k");
        }
    }
    jo_null(&o);
    for (int i = 0; i < JSON_MAX_DEPTH; i++)
        jo_end(&o);
    assert_false(b.failed);
    int depth = 0;
    char open[JSON_MAX_DEPTH];
    for (size_t i = 0; i < b.len; i++) {
        char c = b.data[i];
        if (c == '[' || c == '{')
            open[depth++] = c;
        else if (c == ']' || c == '}')
            assert_int_equal(c, open[--depth] + 2);
    }
    assert_int_equal(depth, 0);
    buf_done(&b);
}

TEST(a_full_buffer_is_noticed)
{
    for (size_t max = 0; max < 12; max++) {
        buf_init(&b, max);
        json_out_init(&o, &b);
        jo_object(&o);
        jo_kcstr(&o, "key", "abc");
        jo_end(&o);
        assert_true(b.failed); /* the text needs 13 */
        assert_true(b.len <= max);
        buf_done(&b);
    }
}

TESTS(T(commas_and_nesting), T(escapes), T(every_pair_of_bytes_is_readable), T(misuse_is_noticed),
      T(deep_is_closed_right), T(a_full_buffer_is_noticed))
