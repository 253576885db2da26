/* SPDX-License-Identifier: Apache-2.0
 * test_graph_path.c - a send is a send however its path is written.
 *
 * Rows of method, path and query against the reading the gateway must come to. Every spelling that Meta would take as a
 * send and that we do not recognise is a way around all rules. */
#include "t.h"

#include "gateway/graph_path.h"

static const struct {
    const char *method, *path, *query;
    enum graph_kind kind;
    int64_t node;
    const char *version;
} rows[] = {
    {"POST", "/v23.0/111/messages", NULL, GRAPH_SEND, 111, "v23.0"},
    {"POST", "/111/messages", NULL, GRAPH_SEND, 111, ""},
    {"POST", "/v25.0/111/marketing_messages", NULL, GRAPH_SEND, 111, "v25.0"},
    {"POST", "/v25.0/111/messages_encrypted", NULL, GRAPH_SEND, 111, "v25.0"},
    {"POST", "//v23.0//111//messages//", NULL, GRAPH_SEND, 111, "v23.0"},
    {"POST", "/v23.0/111/%6Dessages", NULL, GRAPH_SEND, 111, "v23.0"},
    {"POST", "/v23.0/%31%31%31/messages", NULL, GRAPH_SEND, 111, "v23.0"},
    {"POST", "/v23.0/111/./Messages", NULL, GRAPH_SEND, 111, "v23.0"},
    {"POST", "/v23.0/999/x/../../111/messages", NULL, GRAPH_SEND, 111, "v23.0"},
    {"POST", "/V23.0/111/MESSAGES", NULL, GRAPH_SEND, 111, "V23.0"},
    {"GET", "/v23.0/111/messages", "method=post&to=1", GRAPH_SEND, 111, "v23.0"},
    {"GET", "/v23.0/111/messages", "%6dethod=POST", GRAPH_SEND, 111, "v23.0"},
    {"PUT", "/v23.0/111/messages", NULL, GRAPH_SEND, 111, "v23.0"},
    {"POST", "/messages", "ids=111,112", GRAPH_SEND, 0, ""},
    {"POST", "/v23.0/me/messages", NULL, GRAPH_SEND, 0, "v23.0"},
    {"POST", "/v23.0/-5/messages", NULL, GRAPH_SEND, 0, "v23.0"},
    {"GET", "/v23.0/111/messages", NULL, GRAPH_EDGE, 111, "v23.0"},
    {"DELETE", "/v23.0/111/messages", NULL, GRAPH_EDGE, 111, "v23.0"},
    {"POST", "/v23.0/111/messages", "method=GET", GRAPH_SEND, 111, "v23.0"},
    {"POST", "/v23.0/111/messages", "method=DELETE", GRAPH_SEND, 111, "v23.0"},
    {"POST", "/", "method=GET", GRAPH_ROOT, 0, ""},
    {"GET", "/", "batch=[]", GRAPH_ROOT, 0, ""},
    {"GET", "/v23.0/", "batch[0]=x", GRAPH_ROOT, 0, "v23.0"},
    {"GET", "/v23.0/", "%20batch=x", GRAPH_ROOT, 0, "v23.0"},
    {"GET", "/v23.0/a%2Fb/c;d", "x=%zz", GRAPH_OTHER, 0, "v23.0"},
    {"POST", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r", NULL, GRAPH_OTHER, 0, ""},
    {"POST", "/v23.0/111/media", NULL, GRAPH_OTHER, 111, "v23.0"},
    {"GET", "/v23.0/2000/message_templates", "access_token=x", GRAPH_OTHER, 2000, "v23.0"},
    {"DELETE", "/v23.0/2000/message_templates", NULL, GRAPH_OTHER, 2000, "v23.0"},
    {"POST", "/", NULL, GRAPH_ROOT, 0, ""},
    {"POST", "/v23.0/", NULL, GRAPH_ROOT, 0, "v23.0"},
    {"POST", "", NULL, GRAPH_ROOT, 0, ""},
    {"GET", "/", "batch=[]&method=post", GRAPH_ROOT, 0, ""},
    {"GET", "/v23.0/", NULL, GRAPH_OTHER, 0, "v23.0"},
    {"POST", "/vendor/111/messages", NULL, GRAPH_SEND, 0, ""},
};

TEST(reads_every_spelling)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct arena *a = arena_create(1 << 20);
        struct graph_path g;
        struct err e = {0};
        assert_ok(graph_path_parse(a, str_of(rows[i].method), str_of(rows[i].path), str_of(rows[i].query), &g, &e), e);
        if (g.kind != rows[i].kind || g.node != rows[i].node)
            fail_msg("%s %s?%s: kind %d node %lld", rows[i].method, rows[i].path, rows[i].query ? rows[i].query : "",
                     (int)g.kind, (long long)g.node);
        assert_str(g.version, rows[i].version);
        arena_free(a);
    }
}

TEST(refuses_what_reads_in_two_ways)
{
    static const struct {
        const char *path, *query;
    } bad[] = {
        {"/v23.0/111/%zzmessages", NULL},
        {"/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/messages", NULL},
        {"/v23.0/111%2Fmessages", NULL},
        {"/v23.0/111%5Cmessages", NULL},
        {"/v23.0/111/messages%00", NULL},
        {"/v23.0/111/messages%23x", NULL},
        {"/v23.0/111/messages;a=b", NULL},
        {"/v23.0/111/messages.json", NULL},
        {"/v23.0/111/messages%3Fx", NULL},
        {"/v23.0/111/%256Dessages", NULL},
        {"/v23.0/111/messages", "method=GET&method=POST"},
        {"/v23.0/111/messages", "%20method=GET"},
        {"/v23.0/111/messages", "to=%zz"},
        {"/v23.0/111/messages", "method[]=GET"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct arena *a = arena_create(1 << 20);
        struct graph_path g;
        struct err e = {0};
        assert_int_equal(graph_path_parse(a, STR("POST"), str_of(bad[i].path), str_of(bad[i].query), &g, &e),
                         WL_EINVAL);
        assert_true(strlen(e.text) > 10);
        arena_free(a);
    }
}

TESTS(T(reads_every_spelling), T(refuses_what_reads_in_two_ways))
