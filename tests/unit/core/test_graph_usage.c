/* SPDX-License-Identifier: Apache-2.0
 * test_graph_usage.c - the two headers, as Meta writes them and as it should not. */
#include "core/graph_usage.h"

#include "t.h"

static const struct {
    const char *header;
    int percent;
    int64_t wait_ms;
} rows[] = {
    {"{\"call_count\":28,\"total_time\":85,\"total_cputime\":25}", 85, 0},
    {"{\"call_count\":100,\"total_time\":0,\"total_cputime\":0}", 100, 0},
    {"{\"2000\":[{\"type\":\"whatsapp\",\"call_count\":91,\"total_cputime\":1,\"total_time\":2,"
     "\"estimated_time_to_regain_access\":0}]}",
     91, 0},
    {"{\"2000\":[{\"type\":\"messages\",\"call_count\":3},{\"type\":\"whatsapp\",\"call_count\":101,"
     "\"estimated_time_to_regain_access\":19}],\"2001\":[{\"call_count\":5}]}",
     101, 19 * 60000},
    {"{\"call_count\":99999999999}", 1000, 0},
    {"{\"x\":[{\"estimated_time_to_regain_access\":9223372036854775807}]}", -1, 1440 * 60000},
    {"{\"call_count\":-5,\"total_time\":\"90\"}", -1, 0},
    {"{\"2000\":{\"call_count\":50}}", -1, 0},
    {"{\"2000\":[50,null,[{}]]}", -1, 0},
    {"[]", -1, 0},
    {"{}", -1, 0},
};

TEST(what_a_header_says)
{
    struct json_parser *jp = json_parser_create();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct graph_usage u = {.percent = -1};
        struct json v;
        assert_int_equal(json_parse(jp, str_of(rows[i].header), false, &v, NULL), 0);
        graph_usage_add(&u, v);
        if (u.percent != rows[i].percent || u.wait_ms != rows[i].wait_ms)
            fail_msg("%s: %d %lld", rows[i].header, u.percent, (long long)u.wait_ms);
    }
    json_parser_free(jp);
}

TEST(several_headers_say_the_worst)
{
    struct json_parser *jp = json_parser_create();
    struct graph_usage u = {.percent = -1};
    static const char *const said[] = {"{\"call_count\":85}", "{\"call_count\":12}"};
    for (size_t i = 0; i < 2; i++) {
        struct json v;
        assert_int_equal(json_parse(jp, str_of(said[i]), false, &v, NULL), 0);
        graph_usage_add(&u, v);
    }
    assert_int_equal(u.percent, 85);
    json_parser_free(jp);
}

TESTS(T(what_a_header_says), T(several_headers_say_the_worst))
