/* SPDX-License-Identifier: Apache-2.0
 * test_graph_body.c - fields are seen wherever a client puts them, and never twice.
 *
 * The decision must see the message Meta will see; a field that stands in two places is refused, because nobody outside
 * knows which of the two counts. */
#include "t.h"

#include "gateway/graph_body.h"

static struct json_parser *parser;

static int parse(struct arena *a, const char *type, const char *body, const char *query, struct graph_body *ret,
                 struct err *e)
{
    struct form q;
    assert_ok(form_urlencoded(a, str_of(query), &q, e), *e);
    return graph_body_parse(a, parser, str_of(type), str_of(body), false, &q, ret, e);
}

static const struct {
    const char *type, *body, *query, *to, *text, *token;
} good[] = {
    {"application/json", "{\"to\":\"1\",\"text\":{\"body\":\"hi\"}}", NULL, "1", "hi", ""},
    {"application/json; charset=utf-8", " {\"to\":\"1\",\"text\":{\"body\":\"hi\"},\"access_token\":\"T\"} ", NULL, "1",
     "hi", "T"},
    {NULL, "{\"to\":\"1\",\"text\":{\"body\":\"hi\"}}", "access_token=Q", "1", "hi", "Q"},
    {"application/json", "{\"to\":\"1\"}", "text=%7B%22body%22%3A%22hi%22%7D", "1", "hi", ""},
    {"application/json", "", "to=1&text=%7B%22body%22%3A%22hi%22%7D&access_token=Q", "1", "hi", "Q"},
    {"application/x-www-form-urlencoded", "to=%2B1+2&text=%7B%22body%22%3A%22hi%22%7D&access_token=F", NULL, "+1 2",
     "hi", "F"},
    {"multipart/form-data; boundary=b",
     "--b\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\n1\r\n--b\r\nContent-Disposition: "
     "form-data; name=\"text\"\r\n\r\n{\"body\":\"hi\"}\r\n--b--\r\n",
     NULL, "1", "hi", ""},
};

TEST(sees_fields_in_every_place)
{
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        struct arena *a = arena_create(1 << 20);
        struct graph_body b;
        struct err e = {0};
        assert_ok(parse(a, good[i].type, good[i].body, good[i].query, &b, &e), e);
        assert_str(json_str_or(json_get(b.root, "to"), STR("")), good[i].to);
        assert_str(json_str_or(json_at(b.root, "text", "body"), STR("")), good[i].text);
        assert_str(b.token, good[i].token);
        arena_free(a);
    }
}

static const struct {
    const char *type, *body, *query, *names;
} bad[] = {
    {"application/json", "{\"to\":\"1\"}", "to=2", "to"},
    {"application/json", "{\"to\":\"1\",\"to\":\"2\"}", "type=text", "to"},
    {"application/x-www-form-urlencoded", "to=1&to=2", NULL, "to"},
    {"application/x-www-form-urlencoded", "to=1", "to=2", "to"},
    {"application/json", "", "to=1&to=2", "to"},
    {"application/json", "[1]", NULL, "object"},
    {"application/json", "{\"to\":", NULL, "JSON"},
    {"application/json", "{\"to\":\"\xff\"}", NULL, "JSON"},
    {"multipart/form-data; boundary=b", "--b\r\nContent-Disposition: form-data; name=\"to\"\r\n\r\n1", NULL, ""},
    {"application/x-www-form-urlencoded", "to=1&%20to=2", NULL, "to"},
    {"application/x-www-form-urlencoded", "recipient=US.1&recipient.type=group", NULL, "recipient"},
    {"application/x-www-form-urlencoded", "batch[0][method]=POST", NULL, "batch"},
    {"application/x-www-form-urlencoded", "to%00x=2", NULL, "to"},
    {"application/json", "{\"to\":\"1\"}", "%20to=2", "to"},
    {"multipart/form-data; boundary=b",
     "--b\r\nContent-Disposition: form-data; name=\"to\"; filename=\"x\"\r\n\r\n1\r\n--b--\r\n", NULL, "to"},
};

TEST(refuses_doubled_and_broken_fields)
{
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct arena *a = arena_create(1 << 20);
        struct graph_body b;
        struct err e = {0};
        if (parse(a, bad[i].type, bad[i].body, bad[i].query, &b, &e) != WL_EINVAL)
            fail_msg("row %zu was taken", i);
        assert_non_null(strstr(e.text, bad[i].names));
        arena_free(a);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {T(sees_fields_in_every_place), T(refuses_doubled_and_broken_fields)};
    parser = json_parser_create();
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    json_parser_free(parser);
    return failed;
}
