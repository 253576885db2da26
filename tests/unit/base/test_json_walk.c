/* SPDX-License-Identifier: Apache-2.0
 * test_json_walk.c - where things stand in JSON text, what is written between quotes, and bytes that are no JSON, each
 * text in memory that ends where it ends. */
#include "base/json_walk.h"

#include "base/json.h"

#include "t.h"

/* The text in a piece of memory of its size, so that one byte too far is seen. */
static struct str exact(const char *text, size_t n)
{
    static char *kept;
    free(kept);
    kept = malloc(n + (n == 0));
    assert_non_null(kept);
    memcpy(kept, text, n);
    return (struct str){kept, n};
}

/* Writes what is met, level by level: the bytes of names and values, and < > for brackets. */
static bool outline(struct json_walk *w, struct buf *out)
{
    struct json_items in;
    struct json_item item;
    char c = json_walk_now(w);
    size_t from = w->at;
    if (c != '{' && c != '[') {
        bool ok = json_walk_skip(w);
        buf_put(out, w->text.p + from, w->at - from);
        return ok;
    }
    assert_true(json_walk_open(w, c, &in));
    buf_putc(out, '<');
    while (json_walk_next(w, &in, &item)) {
        assert_true(item.lead <= item.from && item.from <= item.value && w->at == item.value);
        buf_putstr(out, item.name);
        buf_putc(out, ' ');
        if (!outline(w, out))
            return false;
        buf_putc(out, ';');
    }
    buf_putc(out, '>');
    return in.ok;
}

TEST(levels)
{
    static const struct {
        const char *text, *outline;
    } rows[] = {
        {"{}", "<>"},
        {" \t\r\n[ ] ", "<>"},
        {"\xef\xbb\xbf[1]", "< 1;>"},
        {"{\"a\":1,\"b\" : [ true , null ] }", "<a 1;b < true; null;>;>"},
        {"{\"a\":{\"b\":{}},\"c\":\"]}\\\"\"}", "<a <b <>;>;c \"]}\\\"\";>"},
        {"[\"\",\"\\\\\",\"\\\\\\\"\",-1.5e+3]", "< \"\"; \"\\\\\"; \"\\\\\\\"\"; -1.5e+3;>"},
        {"{\"a\\\"b\":1}", "<a\\\"b 1;>"},
        {"[\"0123456\\\"0123456\\\\\",\"01234567\"]", "< \"0123456\\\"0123456\\\\\"; \"01234567\";>"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        struct json_walk w = json_walk(exact(rows[i].text, strlen(rows[i].text)));
        buf_init(&b, 1000);
        if (!outline(&w, &b) || !json_walk_end(&w) || strcmp(buf_cstr(&b), rows[i].outline) != 0)
            fail_msg("row %zu: %s", i, buf_cstr(&b));
        buf_done(&b);
    }
}

TEST(where_a_member_stands)
{
    struct json_walk w = json_walk(STR("{ \"a\" : 1 , \"b\":[2]}"));
    struct json_items in;
    struct json_item item;
    assert_false(json_walk_open(&w, '[', &in));
    assert_true(json_walk_open(&w, '{', &in));
    assert_true(json_walk_next(&w, &in, &item));
    assert_int_equal(item.lead, 1);
    assert_int_equal(item.from, 2);
    assert_int_equal(item.value, 8);
    assert_true(json_walk_skip(&w));
    assert_int_equal(w.at, 9);
    assert_true(json_walk_next(&w, &in, &item));
    assert_int_equal(item.lead, 11);
    assert_int_equal(item.from, 12);
    assert_str(item.name, "b");
    assert_true(json_walk_skip(&w));
    assert_false(json_walk_next(&w, &in, &item));
    assert_true(in.ok && json_walk_end(&w));
}

TEST(broken_texts_end)
{
    static const char *const rows[] = {
        "",
        "{",
        "[",
        "{\"",
        "{\"a",
        "{\"a\"",
        "{\"a\":",
        "{\"a\":1",
        "{\"a\":1,",
        "{\"a\":1,}",
        "{,}",
        "[,]",
        "[1,]",
        "[1 2]",
        "{\"a\" 1}",
        "{1:2}",
        "[\"\\",
        "[\"\\\"",
        "[[[",
        "[{]",
        "{\"a\":[}",
        "\"",
        "\"\\",
        "\"\\\"",
        "\xef\xbb",
        "\xef\xbb\xbf",
        "[1}",
        "{\"a\"]",
        "\"0123456\\",
        "\"01234567",
        "[\"01234567\\\"",
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct buf b;
        struct json_walk w = json_walk(exact(rows[i], strlen(rows[i])));
        buf_init(&b, 1000);
        if (outline(&w, &b) && json_walk_end(&w) && strcmp(rows[i], "\xef\xbb") != 0)
            fail_msg("row %zu: %s", i, rows[i]);
        assert_true(w.at <= w.text.n);
        buf_done(&b);
    }
}

/* However deep, a value is skipped without a stack. */
TEST(deep)
{
    size_t n = 4 << 20;
    char *text = malloc(n);
    assert_non_null(text);
    memset(text, '[', n / 2);
    memset(text + n / 2, ']', n / 2);
    struct json_walk w = json_walk((struct str){text, n});
    assert_true(json_walk_skip(&w) && json_walk_end(&w));
    w = json_walk((struct str){text, n - 1});
    assert_false(json_walk_skip(&w));
    assert_int_equal(w.at, n - 1);
    free(text);
}

TEST(characters)
{
    static const struct {
        const char *written;
        int first;        /* of ASCII */
        const char *text; /* NULL: broken */
    } rows[] = {
        {"abc", 'a', "abc"},
        {"\\u0061bc", 'a', "abc"},
        {"\\u002B1", '+', "+1"},
        {"\\/\\\\\\\"", '/', "/\\\""},
        {"\\b\\f\\n\\r\\t", '\b', "\b\f\n\r\t"},
        {"\xc3\xa9", -1, "\xc3\xa9"},
        {"\\u00e9", -1, "\xc3\xa9"},
        {"\\u20ac", -1, "\xe2\x82\xac"},
        {"\\ud83d\\ude00", -1, "\xf0\x9f\x98\x80"},
        {"\\ud83d", -1, NULL},
        {"\\ud83d\\u0041", -1, NULL},
        {"\\ude00\\ud83d", -1, NULL},
        {"\\x", -1, NULL},
        {"\\u00g0", -1, NULL},
        {"\\u006", -1, NULL},
        {"\\", -1, NULL},
        {"", -1, ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[20];
        size_t n = 99;
        struct str s = exact(rows[i].written, strlen(rows[i].written)), rest = s;
        if (json_walk_ascii(&rest) != rows[i].first)
            fail_msg("row %zu: another character", i);
        assert_true(rows[i].first >= 0 ? rest.n < s.n : rest.n == s.n);
        bool ok = json_walk_text(s, text, sizeof text, &n);
        if (ok != (rows[i].text != NULL) || (ok && !str_eq((struct str){text, n}, str_of(rows[i].text))))
            fail_msg("row %zu: another text", i);
        if (ok && n > 0)
            assert_false(json_walk_text(s, text, n - 1, &n));
    }
    assert_true(json_walk_is(STR("\\u0061b"), "ab"));
    assert_false(json_walk_is(STR("ab"), "abc"));
    assert_false(json_walk_is(STR("abc"), "ab"));
    assert_false(json_walk_is(STR("\\u0000"), ""));
    assert_true(json_walk_is(STR(""), ""));
}

/* Quotes and backslashes at every place of a string, beside the bytes that differ from them by one bit. */
TEST(strings_of_all_lengths)
{
    for (size_t length = 0; length < 40; length++) {
        for (size_t mark = 0; mark <= length; mark++) {
            static const char others[] = "#\xa2!]\xdc\x01\x7f\xff";
            char text[64] = "\"";
            struct str got;
            for (size_t i = 0; i < length; i++)
                text[1 + i] = others[(i + length) % 8];
            if (mark < length)
                text[1 + mark] = '\\';
            text[1 + length] = mark + 1 == length ? 'x' : '"'; /* the last one escapes what follows */
            text[2 + length] = '"';
            size_t end = mark + 1 == length ? length + 1 : length;
            struct json_walk w = {.text = exact(text, length + 3)};
            if (!json_walk_string(&w, &got) || got.n != end || w.at != end + 2)
                fail_msg("%zu, %zu: %zu", length, mark, got.n);
        }
    }
}

TESTS(T(levels), T(where_a_member_stands), T(broken_texts_end), T(deep), T(characters), T(strings_of_all_lengths))
