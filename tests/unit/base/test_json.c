/* SPDX-License-Identifier: Apache-2.0
 * test_json.c - what a policy rests on: strictness of the reader, exact integers and ids, duplicate keys, keys
 * compared after unescaping, and iteration that meets everything once and stays linear. */
#include "base/json.h"

#include <sys/mman.h>
#include <unistd.h>

#include "base/clock.h"
#include "t.h"

static struct json_parser *parser;

static struct json parse(const char *text)
{
    struct json v = {NULL, 0};
    struct err e = {0};
    if (parser == NULL)
        parser = json_parser_create();
    assert_ok(json_parse(parser, str_of(text), false, &v, &e), e);
    return v;
}

static int parse_code(struct str text)
{
    struct json v = {&v, 77};
    struct err e = {0};
    if (parser == NULL)
        parser = json_parser_create();
    int rc = json_parse(parser, text, false, &v, &e);
    assert_int_equal(rc, e.code);
    if (rc != WL_OK) {
        assert_true(v.doc == &v && v.at == 77); /* untouched */
        assert_true(strlen(e.text) > 10);
    }
    return rc;
}

TEST(types_and_members)
{
    struct json v =
        parse("{\"n\":null,\"t\":true,\"f\":false,\"i\":-3,\"u\":18446744073709551615,\"d\":1.5,\"s\":\"x\","
              "\"a\":[1,[2],3],\"o\":{\"k\":{\"z\":5}},\"e\":{}}");
    static const struct {
        const char *key;
        enum json_type type;
        size_t count;
    } rows[] = {{"n", JSON_NULL, 0},   {"t", JSON_BOOL, 0},   {"f", JSON_BOOL, 0},   {"i", JSON_INT, 0},
                {"u", JSON_UINT, 0},   {"d", JSON_DOUBLE, 0}, {"s", JSON_STRING, 0}, {"a", JSON_ARRAY, 3},
                {"o", JSON_OBJECT, 1}, {"e", JSON_OBJECT, 0}, {"x", JSON_ABSENT, 0}, {"", JSON_ABSENT, 0}};
    assert_int_equal(json_type(v), JSON_OBJECT);
    assert_int_equal(json_count(v), 10);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json m = json_get(v, rows[i].key);
        if (json_type(m) != rows[i].type || json_count(m) != rows[i].count)
            fail_msg("\"%s\": type %d, count %zu", rows[i].key, json_type(m), json_count(m));
    }
    bool b = false;
    assert_true(json_bool(json_get(v, "t"), &b) && b);
    assert_true(json_bool(json_get(v, "f"), &b) && !b);
    assert_false(json_bool(json_get(v, "n"), &b));
    int64_t i = 0;
    assert_true(json_i64(json_get(json_at(v, "o", "k"), "z"), &i));
    assert_int_equal(i, 5);
    assert_int_equal(json_type(json_at(v, "a", "k")), JSON_ABSENT);
    assert_str(json_str_or(json_get(v, "s"), STR("no")), "x");
    assert_str(json_str_or(json_get(v, "i"), STR("no")), "no");
}

TEST(absent_is_accepted_everywhere)
{
    struct json none = {NULL, 0};
    struct str s = STR("kept");
    int64_t i = 7;
    bool b = true;
    assert_int_equal(json_type(json_get(none, "a")), JSON_ABSENT);
    assert_int_equal(json_count(none), 0);
    assert_false(json_str(none, &s) || json_i64(none, &i) || json_bool(none, &b) || json_id(none, &i));
    assert_str(s, "kept");
    assert_int_equal(i, 7);
    struct json_iter it = json_iter(none);
    assert_false(json_next(&it));
    assert_null(json_duplicate_key(none).p);
}

TEST(refused_texts)
{
    static const struct str rows[] = {
        STR_INIT(""),
        STR_INIT(" "),
        STR_INIT("{"),
        STR_INIT("[1,]"),
        STR_INIT("{\"a\":1,}"),
        STR_INIT("{'a':1}"),
        STR_INIT("{a:1}"),
        STR_INIT("[01]"),
        STR_INIT("[+1]"),
        STR_INIT("[.5]"),
        STR_INIT("[5.]"),
        STR_INIT("NaN"),
        STR_INIT("[1] x"),
        STR_INIT("{}{}"),
        STR_INIT("{}\0"),
        STR_INIT("[\"a\nb\"]"),
        STR_INIT("[\"\\x41\"]"),
        STR_INIT("\"abc"),
        STR_INIT("[\"\xff\"]"),
        STR_INIT("[\"\xc0\xaf\"]"),
        STR_INIT("[\"\xed\xa0\x80\"]"),
        STR_INIT("[\"\xf4\x90\x80\x80\"]"),
        STR_INIT("[\"\\ud83d\"]"),
        STR_INIT("[\"\\ude00\"]"),
        STR_INIT("[18446744073709551616]"),
        STR_INIT("[1e999]"),
        STR_INIT("\xef\xbb\xbf{}"),
        STR_INIT("{\"a\":1 /* c */}"),
        STR_INIT("{\"a\" 1}"),
        STR_INIT("{1:2}"),
        STR_INIT("[1}"),
        STR_INIT("tru"),
        STR_INIT("{\"\x80\":1}"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        if (parse_code(rows[i]) != WL_EINVAL)
            fail_msg("row %zu was accepted: %s", i, rows[i].p);
}

static int nested(size_t levels, const char *innermost)
{
    static char text[1000];
    size_t n = 0;
    memset(text, '[', levels);
    n = levels + (size_t)sprintf(text + levels, "%s", innermost);
    memset(text + n, ']', levels);
    return parse_code((struct str){text, n + levels});
}

TEST(depth_and_size_are_bounded)
{
    assert_int_equal(nested(JSON_MAX_DEPTH - 1, "1"), WL_OK);
    assert_int_equal(nested(JSON_MAX_DEPTH - 1, "{\"a\":1}"), WL_EINVAL);
    assert_int_equal(nested(JSON_MAX_DEPTH - 1, "[]"), WL_OK);
    assert_int_equal(nested(JSON_MAX_DEPTH, "[]"), WL_EINVAL);
    assert_int_equal(nested(JSON_MAX_DEPTH, "1"), WL_EINVAL);
    assert_int_equal(nested(400, ""), WL_EINVAL);

    char *big = malloc(JSON_MAX_BYTES + 1);
    memset(big, ' ', JSON_MAX_BYTES + 1);
    big[0] = '1';
    assert_int_equal(parse_code((struct str){big, JSON_MAX_BYTES + 1}), WL_ETOOBIG);
    assert_int_equal(parse_code((struct str){big, JSON_MAX_BYTES}), WL_OK);
    free(big);
    assert_int_equal(json_count(parse("[1,2]")), 2); /* small again after large */
}

TEST(exact_length_and_padding)
{
    /* Without padding the bytes are copied: each text ends where readable memory ends. */
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(map != MAP_FAILED);
    assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
    memset(map, '1', page);
    map[page - 1] = '"';
    for (size_t n = 2; n < 200; n++) {
        char *text = map + page - n;
        text[0] = '"';
        assert_int_equal(parse_code((struct str){text, n}), WL_OK);
        assert_int_equal(parse_code((struct str){text, n - 1}), WL_EINVAL);
        text[0] = '1';
    }
    munmap(map, 2 * page);
    struct buf b;
    struct json v;
    struct str s;
    buf_init(&b, 1000);
    buf_puts(&b, "{\"a\":\"b\"}");
    assert_int_equal(json_parse(parser, buf_str(&b), true, &v, NULL), WL_OK);
    memset(b.data, 'x', b.len); /* the values are the parser's own */
    assert_true(json_str(json_get(v, "a"), &s));
    assert_str(s, "b");
    buf_clear(&b);
    assert_int_equal(json_parse(parser, buf_str(&b), true, &v, NULL), WL_EINVAL);
    buf_done(&b);
}

TEST(strings_are_unescaped_and_may_hold_nul)
{
    struct str s;
    struct json v = parse("{\"t\\u006f\":\"1\",\"a\\u0000b\":\"x\\u0000y\",\"e\":\"\\ud83d\\ude00\\n\\/\"}");
    assert_true(json_str(json_get(v, "to"), &s)); /* a spelling must not hide a key */
    assert_str(s, "1");
    assert_int_equal(json_type(json_get(v, "a")), JSON_ABSENT);
    struct json_iter it = json_iter(v);
    assert_true(json_next(&it) && json_next(&it));
    assert_true(str_eq(it.key, STR("a\0b")));
    assert_true(json_str(it.value, &s) && str_eq(s, STR("x\0y")));
    assert_true(json_str(json_get(v, "e"), &s));
    assert_str(s, "😀\n/");
}

TEST(integers_and_ids)
{
    static const struct {
        const char *text;
        bool is_int, is_id;
        int64_t value;
    } rows[] = {
        {"0", true, true, 0},
        {"12", true, true, 12},
        {"-12", true, false, -12},
        {"9223372036854775807", true, true, INT64_MAX},
        {"-9223372036854775808", true, false, INT64_MIN},
        {"9223372036854775808", false, false, 0},
        {"1.0", false, false, 0},
        {"1e3", false, false, 0},
        {"true", false, false, 0},
        {"null", false, false, 0},
        {"[1]", false, false, 0},
        {"\"106540352242922\"", false, true, 106540352242922},
        {"\"007\"", false, true, 7},
        {"\"9223372036854775807\"", false, true, INT64_MAX},
        {"\"9223372036854775808\"", false, false, 0},
        {"\"\"", false, false, 0},
        {"\"-1\"", false, false, 0},
        {"\"-0\"", false, false, 0},
        {"\"+1\"", false, false, 0},
        {"\"1 \"", false, false, 0},
        {"\"1\\u0000\"", false, false, 0},
        {"\"1.0\"", false, false, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct json v = parse(rows[i].text);
        int64_t n = -77, id = -77;
        bool is_int = json_i64(v, &n), is_id = json_id(v, &id);
        if (is_int != rows[i].is_int || is_id != rows[i].is_id || n != (is_int ? rows[i].value : -77) ||
            id != (is_id ? rows[i].value : -77))
            fail_msg("%s: int %d %lld, id %d %lld", rows[i].text, is_int, (long long)n, is_id, (long long)id);
    }
}

TEST(duplicates)
{
    assert_str(json_duplicate_key(parse("{\"to\":1,\"x\":2,\"to\":3}")), "to");
    assert_str(json_duplicate_key(parse("{\"to\":1,\"t\\u006f\":3}")), "to");
    assert_non_null(json_duplicate_key(parse("{\"\":1,\"\":3}")).p);
    assert_null(json_duplicate_key(parse("{\"to\":1,\"To\":2,\"t\":3,\"to \":4,\"to\\u0000\":5}")).p);
    assert_null(json_duplicate_key(parse("{\"a\":{\"b\":1},\"b\":{\"a\":1}}")).p);
    assert_null(json_duplicate_key(parse("[1,1]")).p);
    assert_null(json_duplicate_key(parse("{}")).p);
    int64_t first = 0;
    json_i64(json_get(parse("{\"to\":1,\"to\":3}"), "to"), &first);
    assert_int_equal(first, 1);
    /* More keys than fit beside the stack, the double at either end. */
    for (int same = 0; same < 3; same++) {
        struct buf b;
        buf_init(&b, 100000);
        for (int i = 0; i < 500; i++)
            buf_printf(&b, "%s\"k%d\":1", i ? "," : "{", same == 1 && i == 499 ? 0 : same == 2 && i == 1 ? 0 : i);
        buf_puts(&b, "}");
        struct str twice = json_duplicate_key(parse(buf_cstr(&b)));
        assert_int_equal(twice.p != NULL, same > 0);
        buf_done(&b);
    }
}

TEST(iteration_meets_all_once_and_is_linear)
{
    struct buf b;
    buf_init(&b, JSON_MAX_BYTES);
    const int n = 200000;
    for (int i = 0; i < n; i++)
        buf_printf(&b, "%s{\"a\":[%d,[]],\"b\":{}}", i ? "," : "[", i);
    buf_puts(&b, "]");
    struct json v;
    struct err e = {0};
    assert_ok(json_parse(parser, buf_str(&b), true, &v, &e), e);
    int64_t began = clock_mono_ns(), seen = 0;
    for (struct json_iter it = json_iter(v); json_next(&it); seen++) {
        int64_t i = -1;
        assert_false(it.object);
        struct json_iter members = json_iter(it.value);
        assert_true(json_next(&members));
        struct json_iter elements = json_iter(members.value);
        assert_true(json_next(&elements) && json_i64(elements.value, &i) && i == seen);
        assert_true(json_next(&elements) && !json_next(&elements) && !json_next(&elements));
        assert_true(json_next(&members) && members.key.p[0] == 'b' && !json_next(&members));
    }
    assert_int_equal(seen, n);
    assert_true(clock_mono_ns() - began < 5000000000); /* quadratic would take minutes */
    buf_done(&b);
}

TEST(values_are_written_back)
{
    static const char *const rows[] = {
        "null",
        "true",
        "false",
        "0",
        "-1",
        "18446744073709551615",
        "-9223372036854775808",
        "1.5",
        "1.0",
        "-0.0",
        "1e+300",
        "\"\"",
        "\"a\\u0000\\n\\\"\\\\é😀\"",
        "[]",
        "{}",
        "[1,[2,{\"a\":[]}],\"x\"]",
        "{\"a\":1,\"a\":2,\"b\":{\"c\":null}}",
        "[0.1,3.141592653589793,5e-324,1.7976931348623157e+308]",
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct buf b;
        buf_init(&b, 1000);
        assert_true(json_write_value(&b, parse(rows[i])));
        assert_string_equal(buf_cstr(&b), rows[i]);
        buf_done(&b);
        buf_init(&b, strlen(rows[i]) - 1);
        assert_false(json_write_value(&b, parse(rows[i])));
        buf_done(&b);
    }
}

TEST(two_parsers_do_not_mix)
{
    struct json_parser *other = json_parser_create();
    struct json a = parse("{\"k\":\"one\"}"), b;
    struct str s;
    assert_int_equal(json_parse(other, STR("{\"k\":\"two\"}"), false, &b, NULL), WL_OK);
    assert_true(json_str(json_get(a, "k"), &s));
    assert_str(s, "one");
    assert_true(json_str(json_get(b, "k"), &s));
    assert_str(s, "two");
    json_parser_free(other);
    json_parser_free(NULL);
    json_parser_free(parser);
    parser = NULL;
}

TESTS(T(types_and_members), T(absent_is_accepted_everywhere), T(refused_texts), T(depth_and_size_are_bounded),
      T(exact_length_and_padding), T(strings_are_unescaped_and_may_hold_nul), T(integers_and_ids), T(duplicates),
      T(iteration_meets_all_once_and_is_linear), T(values_are_written_back), T(two_parsers_do_not_mix))
