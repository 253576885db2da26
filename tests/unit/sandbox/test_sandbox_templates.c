/* SPDX-License-Identifier: Apache-2.0
 * test_sandbox_templates.c - the life of a template: created, reviewed, listed in pages, sent, edited, paused, deleted.
 *
 * Paging is followed by the literal next address, as clients do. */
#include "rig.h"

static void create(const char *name, const char *extra)
{
    char body[1000];
    snprintf(
        body, sizeof body,
        "{\"name\":\"%s\",\"language\":\"en_US\",\"category\":\"utility\",\"components\":[{\"type\":\"body\",\"text\":"
        "\"Hello {{1}}, welcome.\"}]%s}",
        name, extra);
    post("/v23.0/2000/message_templates", body);
}

TEST(pages_are_followed_literally)
{
    char url[1000];
    ear.server = NULL;
    struct sandbox_options o = quick();
    o.template_review_ms = 0;
    up_with(&o);
    size_t preloaded;
    get("/v14.0/2000/message_templates?limit=500");
    preloaded = json_count(at("data"));
    for (int i = 0; i < 30; i++) {
        char name[32];
        snprintf(name, sizeof name, "t_%d", i);
        create(name, "");
        expect(200);
        assert_str(str_at("status"), "APPROVED"); /* no review time: at once */
    }
    size_t seen = 0, pages = 0;
    snprintf(url, sizeof url, "%s/v14.0/2000/message_templates?access_token=sandbox-token&limit=7", base);
    while (url[0] != '\0' && pages < 50) {
        fetch("GET", url, NULL, 0, STR("")); /* no header: the token travels in the address */
        expect(200);
        seen += json_count(at("data"));
        pages++;
        struct str next = json_str_or(at("paging.next"), STR(""));
        snprintf(url, sizeof url, "%.*s", (int)next.n, next.p);
    }
    assert_int_equal(seen, preloaded + 30);
    assert_int_equal(pages, (preloaded + 30 + 6) / 7);
    get("/v14.0/2000/message_templates?after=!!!");
    expect_error(400, 131059);
    down();
}

static const struct {
    const char *query;
    size_t n;
} filters[] = {
    {"name=hello_world", 1},
    {"name=order", 2},
    {"status=PAUSED", 1},
    {"status=%5B%22PAUSED%22%5D", 1},
    {"category=AUTHENTICATION", 1},
    {"language=de", 0},
    {"name=hello_world&language=en_US&status=APPROVED&category=UTILITY", 1},
};

TEST(filters_and_fields)
{
    char path[200];
    up();
    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++) {
        snprintf(path, sizeof path, "/v23.0/2000/message_templates?%s", filters[i].query);
        get(path);
        expect(200);
        assert_int_equal(json_count(at("data")), filters[i].n);
    }
    get("/v23.0/2000/message_templates?name=hello_world&fields=name,status");
    assert_str(str_at("data.0.name"), "hello_world");
    assert_int_equal(json_type(at("data.0.components")), JSON_ABSENT);
    snprintf(path, sizeof path, "/v23.0/%.*s", (int)str_at("data.0.id").n, str_at("data.0.id").p);
    get(path);
    assert_str(str_at("components.0.type"), "HEADER");
    down();
}

TEST(review_then_sends)
{
    const char *send =
        "{\"messaging_product\":\"whatsapp\",\"to\":\"15550001111\",\"type\":\"template\",\"template\":{\"name\":"
        "\"fresh\",\"language\":{\"code\":\"en_US\"},\"components\":[{\"type\":\"body\",\"parameters\":[{"
        "\"type\":\"text\",\"text\":\"Ana\"}]}]}}";
    up();
    create("fresh", "");
    expect(200);
    assert_str(str_at("status"), "PENDING");
    assert_str(str_at("category"), "UTILITY");
    post("/v23.0/111/messages", send);
    expect_error(404, 132001);
    ear_wait(1);
    assert_int_equal(ear_with("\"field\":\"message_template_status_update\""), 1);
    assert_int_equal(ear_with("\"event\":\"APPROVED\""), 1);
    post("/v23.0/111/messages", send);
    expect(200);
    post("/_sandbox/inbound", "{\"template\":{\"name\":\"fresh\",\"event\":\"PAUSED\",\"reason\":\"NONE\"}}");
    expect(200);
    post("/v23.0/111/messages", send);
    expect_error(400, 132015);
    post("/_sandbox/inbound", "{\"template\":{\"name\":\"fresh\",\"event\":\"DISABLED\"}}");
    post("/v23.0/111/messages", send);
    expect_error(400, 132016);
    down();
}

TEST(creation_refused_and_deletion)
{
    up();
    create("Bad-Name", "");
    expect_error(400, 100);
    create("hello_world", "");
    expect_error(400, 100);
    assert_int_equal(int_at("error.error_subcode"), 2388024);
    assert_true(json_str_or(at("error.error_user_msg"), STR("")).n > 0);
    post("/v23.0/2000/message_templates",
         "{\"name\":\"x\",\"language\":\"en\",\"category\":\"NEWS\",\"components\":[]}");
    expect_error(400, 100);
    post("/v23.0/2000/message_templates", "{\"name\":\"x\",\"language\":\"en\",\"category\":\"UTILITY\",\"components\":"
                                          "[{\"type\":\"BODY\",\"text\":\"{{1}} hi\"}]}");
    expect_error(400, 100);
    assert_int_equal(int_at("error.error_subcode"), 2388299);
    create("gone", "");
    expect(200);
    ask("DELETE", "/v23.0/2000/message_templates?name=gone", NULL);
    expect(200);
    ask("DELETE", "/v23.0/2000/message_templates?name=gone", NULL);
    expect_error(400, 100);
    usleep(100000); /* the review of a deleted template ends without harm */
    get("/v23.0/2000/message_templates?name=gone");
    assert_int_equal(json_count(at("data")), 0);
    down();
}

TEST(editing_changes_what_a_send_needs)
{
    char path[64];
    ear.server = NULL;
    struct sandbox_options o = quick();
    o.template_review_ms = 0;
    up_with(&o);
    create("edited", "");
    snprintf(path, sizeof path, "/v23.0/%.*s", (int)str_at("id").n, str_at("id").p);
    post(path, "{\"components\":[{\"type\":\"BODY\",\"text\":\"No variables now.\"}]}");
    expect(200);
    post("/v23.0/111/messages",
         "{\"messaging_product\":\"whatsapp\",\"to\":\"15550001111\",\"type\":\"template\",\"template\":{"
         "\"name\":\"edited\",\"language\":{\"code\":\"en_US\"}}}");
    expect(200);
    down();
}

TESTS(T(pages_are_followed_literally), T(filters_and_fields), T(review_then_sends), T(creation_refused_and_deletion),
      T(editing_changes_what_a_send_needs))
