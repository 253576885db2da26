/* SPDX-License-Identifier: Apache-2.0
 * test_sandbox_events.c - events by name, the apps that hear of them, and the ways they are delivered.
 *
 * Whatever is told by webhook must be what is answered when asked; that is a table. Which app a POST was for is known by the
 * secret that signed it. */
#include "rig.h"

static size_t signed_with(const char *secret)
{
    size_t n = 0;
    for (size_t i = 0; i < ear_count(); i++) {
        uint8_t mac[SHA256_BYTES];
        char hex[SHA256_HEX];
        hmac_sha256(str_of(secret), (struct str){ear.posts[i].body, ear.posts[i].n}, mac);
        hex_encode(mac, sizeof mac, hex);
        n += strcmp(ear.posts[i].signature + 7, hex) == 0;
    }
    return n;
}

static void settings(const char *json)
{
    post("/_sandbox/webhook", json);
    expect(200);
}

static void event(const char *json)
{
    post("/_sandbox/event", json);
    expect(200);
}

/* Parses the i-th POST that was heard. */
static void heard(size_t i)
{
    assert_int_equal(json_parse(got.parser, (struct str){ear.posts[i].body, ear.posts[i].n}, false, &got.json, NULL),
                     0);
}

TEST(every_event_of_the_catalogue_is_told)
{
    static char asked[400][160];
    size_t n = 0;
    up();
    get("/_sandbox/event");
    for (struct json_iter it = json_iter(at("data")); json_next(&it) && n < 400; n++) {
        struct str field = json_str_or(json_get(it.value, "field"), STR("")),
                   name = json_str_or(json_get(it.value, "name"), STR(""));
        snprintf(asked[n], sizeof asked[n], "{\"field\":\"%.*s\",\"name\":\"%.*s\"}", (int)field.n, field.p,
                 (int)name.n, name.p);
    }
    assert_true(n > 120);
    for (size_t i = 0; i < n; i++) {
        post("/_sandbox/event", asked[i]);
        if (got.status != 200)
            fail_msg("%s: %d %s", asked[i], got.status, buf_cstr(&got.call.answer));
        assert_int_equal(json_type(at("change.value")), JSON_OBJECT);
    }
    ear_wait(n);
    for (size_t i = 0; i < n; i++) {
        heard(i);
        assert_int_equal(json_count(at("entry.0.changes")), 1);
        assert_null(memchr(ear.posts[i].body, '$', ear.posts[i].n)); /* every word was filled in */
        bool messages = str_eq(str_at("entry.0.changes.0.field"), STR("messages"));
        assert_int_equal(json_type(at("entry.0.time")), messages ? JSON_ABSENT : JSON_INT);
    }
    down();
}

TEST(what_is_told_is_what_is_answered)
{
    static const struct {
        const char *event, *path, *member, *value;
    } rows[] = {
        {"\"field\":\"message_template_status_update\",\"name\":\"PAUSED\"",
         "/v23.0/2000/message_templates?name=spring_sale&fields=status", "data.0.status", "PAUSED"},
        {"\"field\":\"message_template_status_update\",\"name\":\"REJECTED\"",
         "/v23.0/2000/message_templates?name=spring_sale&fields=rejected_reason", "data.0.rejected_reason",
         "INVALID_FORMAT"},
        {"\"field\":\"message_template_status_update\",\"name\":\"APPROVED\"",
         "/v23.0/2000/message_templates?name=spring_sale&fields=rejected_reason", "data.0.rejected_reason", "NONE"},
        {"\"field\":\"message_template_status_update\",\"name\":\"quality\"",
         "/v23.0/2000/message_templates?name=spring_sale&fields=quality_score", "data.0.quality_score.score", "YELLOW"},
        {"\"field\":\"message_template_quality_update\",\"name\":\"RED\"",
         "/v23.0/2000/message_templates?name=spring_sale&fields=quality_score", "data.0.quality_score.score", "RED"},
        {"\"field\":\"template_category_update\",\"template\":\"order_ready\",\"value\":{\"message_template_language\":"
         "\"en-US\"}",
         "/v23.0/2000/message_templates?name=order_ready&fields=category,correct_category", "data.0.correct_category",
         "MARKETING"},
        {"\"field\":\"template_category_update\",\"template\":\"order_ready\"",
         "/v23.0/2000/message_templates?name=order_ready&fields=category", "data.0.category", "UTILITY"},
        {"\"field\":\"template_category_update\",\"name\":\"changed\",\"template\":\"order_ready\"",
         "/v23.0/2000/message_templates?name=order_ready&fields=category", "data.0.category", "MARKETING"},
        {"\"field\":\"message_template_components_update\"",
         "/v23.0/2000/message_templates?name=spring_sale&fields=components", "data.0.components.0.text",
         "Hello {{1}}, our sale starts tomorrow."},
        {"\"field\":\"message_template_status_update\",\"name\":\"DELETED\",\"template\":\"spring_sale_image\"",
         "/v23.0/2000/message_templates?name=spring_sale_image", "data.0.name", "(absent)"},
        {"\"field\":\"phone_number_quality_update\",\"name\":\"FLAGGED\",\"phone_number_id\":\"112\"",
         "/v23.0/112?fields=quality_rating", "quality_rating", "RED"},
        {"\"field\":\"phone_number_quality_update\",\"name\":\"DOWNGRADE\"",
         "/v23.0/111?fields=whatsapp_business_manager_messaging_limit", "whatsapp_business_manager_messaging_limit",
         "TIER_10K"},
        {"\"field\":\"business_capability_update\"", "/v23.0/111?fields=whatsapp_business_manager_messaging_limit",
         "whatsapp_business_manager_messaging_limit", "TIER_2K"},
        {"\"field\":\"business_capability_update\",\"name\":\"TIER_100K\"",
         "/v23.0/2000?fields=whatsapp_business_manager_messaging_limit", "whatsapp_business_manager_messaging_limit",
         "TIER_100K"},
        {"\"field\":\"phone_number_name_update\",\"name\":\"APPROVED\"", "/v23.0/111?fields=verified_name",
         "verified_name", "Sandbox"},
        {"\"field\":\"phone_number_name_update\",\"name\":\"REJECTED\"", "/v23.0/111?fields=name_status", "name_status",
         "DECLINED"},
        {"\"field\":\"business_username_updates\",\"value\":{\"username\":\"shop.two\"}", "/v23.0/111?fields=username",
         "username", "shop.two"},
        {"\"field\":\"business_username_updates\",\"name\":\"deleted\"", "/v23.0/111?fields=username", "username",
         "(absent)"},
        {"\"field\":\"account_review_update\",\"name\":\"REJECTED\"", "/v23.0/2000?fields=account_review_status",
         "account_review_status", "REJECTED"},
        {"\"field\":\"account_update\",\"name\":\"ACCOUNT_RESTRICTION\"", "/v23.0/2000?fields=health_status",
         "health_status.can_send_message", "LIMITED"},
        {"\"field\":\"account_update\",\"name\":\"RESTRICTED_CUSTOMER_INITIATED_MESSAGING\"",
         "/v23.0/111?fields=health_status", "health_status.can_send_message", "BLOCKED"},
        {"\"field\":\"account_update\",\"name\":\"REINSTATE\"", "/v23.0/111?fields=health_status",
         "health_status.can_send_message", "AVAILABLE"},
        {"\"field\":\"account_update\",\"name\":\"DISABLE\"", "/v23.0/2000?fields=status", "status", "DISABLED"},
    };
    char body[400];
    up();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(body, sizeof body, "{%s}", rows[i].event);
        event(body);
        get(rows[i].path);
        expect(200);
        if (!str_eq(str_at(rows[i].member), str_of(rows[i].value)))
            fail_msg("%s: %s", rows[i].event, buf_cstr(&got.call.answer));
    }
    post("/v23.0/111/register", "{\"messaging_product\":\"whatsapp\",\"pin\":\"123456\"}");
    get("/v23.0/111?fields=verified_name"); /* the name that was approved is taken with the next registration */
    assert_str(str_at("verified_name"), "Example");
    post("/_sandbox/reset", "{}");
    get("/v23.0/2000?fields=status,health_status");
    assert_str(str_at("status"), "ACTIVE");
    down();
}

TEST(what_is_restricted_is_refused)
{
    const char *direct = "{\"messaging_product\":\"whatsapp\",\"to\":\"15550001111\",\"type\":\"text\",\"category\":"
                         "\"utility\",\"text\":{\"body\":\"Your parcel is here\"}}";
    up();
    event("{\"field\":\"messages\"}"); /* opens the window */
    event("{\"field\":\"account_update\",\"name\":\"RESTRICTED_DIRECT_SEND_UTILITY_TEMPLATES\"}");
    post("/v23.0/111/messages", direct);
    expect_error(400, 139200);
    post("/v23.0/111/messages", HELLO("15550001111"));
    expect(200);
    event("{\"field\":\"account_update\",\"name\":\"RESTRICTED_UTILITY_TEMPLATES\"}");
    post("/v23.0/111/messages", HELLO("15550001111"));
    expect_error(403, 368);
    post("/v23.0/111/messages", TEXT_TO("15550001111"));
    expect(200);
    event("{\"field\":\"account_update\",\"name\":\"RESTRICTED_CUSTOMER_INITIATED_MESSAGING\"}");
    post("/v23.0/111/messages", TEXT_TO("15550001111"));
    expect_error(403, 368);
    event("{\"field\":\"account_update\",\"name\":\"REINSTATE\"}");
    event(
        "{\"field\":\"account_update\",\"name\":\"RESTRICTED_BIZ_INITIATED_MESSAGING\",\"value\":{\"restriction_info\":"
        "[{\"restriction_type\":\"RESTRICTED_BIZ_INITIATED_MESSAGING\",\"expiration\":1600000000}]}}");
    post("/v23.0/111/messages", HELLO("15550001111")); /* it is over */
    expect(200);
    event("{\"field\":\"account_update\",\"name\":\"DISABLE\"}");
    post("/v23.0/111/messages", HELLO("15550001111"));
    expect_error(403, 131031);
    down();
}

TEST(the_callers_value_is_laid_over_the_default)
{
    up();
    event("{\"field\":\"message_template_status_update\",\"name\":\"PAUSED\",\"at\":1790000000,\"value\":{\"reason\":"
          "null,"
          "\"other_info\":{\"title\":\"SECOND_PAUSE\"},\"new\":[1]}}");
    ear_wait(1);
    heard(0);
    assert_int_equal(int_at("entry.0.time"), 1790000000);
    assert_int_equal(json_type(at("entry.0.changes.0.value.reason")), JSON_ABSENT);
    assert_str(str_at("entry.0.changes.0.value.other_info.title"), "SECOND_PAUSE");
    assert_true(str_starts(str_at("entry.0.changes.0.value.other_info.description"), STR("Your WhatsApp")));
    assert_int_equal(int_at("entry.0.changes.0.value.new.0"), 1);
    event("{\"field\":\"of_next_year\",\"value\":{\"say\":\"\\u00e9 \\\"x\\\"\"}}"); /* nobody knows it: as given */
    ear_wait(2);
    heard(1);
    assert_str(str_at("entry.0.changes.0.field"), "of_next_year");
    assert_str(str_at("entry.0.changes.0.value.say"), "\xc3\xa9 \"x\"");
    event("{\"field\":\"message_template_status_update\",\"name\":\"REJECTED_beside\"}");
    ear_wait(3);
    heard(2);
    assert_str(str_at("entry.0.changes.0.rejection_info.reason"), "Adjacent parameters.");
    post("/_sandbox/event", "{\"field\":\"flows\",\"name\":\"SLEEPS\"}");
    expect_error(400, 100);
    post("/_sandbox/event", "{\"name\":\"PAUSED\"}");
    expect_error(400, 100);
    post("/_sandbox/event", "{\"field\":\"flows\",\"at\":\"tomorrow\"}");
    expect_error(400, 100);
    down();
}

static void second_app(const char *more)
{
    char body[600];
    snprintf(body, sizeof body, "{\"id\":\"1001\",\"secret\":\"second-secret\",\"url\":\"%s\"%s}", ear.url, more);
    post("/_sandbox/apps", body);
    expect(200);
}

TEST(every_app_hears_signed_with_its_secret)
{
    up();
    post("/_sandbox/apps", "{\"id\":\"111\",\"secret\":\"s\"}"); /* a number's id */
    expect_error(400, 100);
    post("/_sandbox/apps", "{\"id\":\"1001\"}");
    expect_error(400, 100);
    second_app(",\"token\":\"second-token\"");
    event("{\"field\":\"messages\"}");
    post("/v23.0/111/messages", HELLO("15550001111"));
    ear_wait(8);
    assert_int_equal(signed_with("sandbox-secret"), 4);
    assert_int_equal(signed_with("second-secret"), 4);
    post("/_sandbox/apps", "{\"id\":\"1001\",\"fields\":[\"account_update\"]}");
    expect(200);
    event("{\"field\":\"messages\"}");
    event("{\"field\":\"account_update\"}");
    ear_wait(8 + 3);
    assert_int_equal(signed_with("second-secret"), 5);
    get("/v23.0/1001/subscriptions");
    assert_str(str_at("data.0.fields.0.name"), "account_update");
    assert_int_equal(json_count(at("data.0.fields")), 1);
    get("/v23.0/2000/subscribed_apps");
    assert_str(str_at("data.1.whatsapp_business_api_data.id"), "1001");
    get("/v23.0/debug_token?input_token=second-token");
    assert_str(str_at("data.app_id"), "1001");
    get("/v23.0/debug_token?input_token=1001%7Csecond-secret");
    assert_str(str_at("data.app_id"), "1001");
    ask("DELETE", "/v23.0/2000/subscribed_apps", NULL); /* the token's app: the first */
    event("{\"field\":\"account_update\"}");
    ear_wait(8 + 4);
    usleep(100000);
    assert_int_equal(ear_count(), 8 + 4);
    assert_int_equal(signed_with("second-secret"), 6);
    down();
}

TEST(a_retry_comes_to_every_app_when_so_told)
{
    up();
    second_app("");
    settings("{\"retry_all\":true}");
    ear_fail(1);
    event("{\"field\":\"account_update\"}");
    ear_wait(4); /* one of the two failed: that one again, and the other's once more */
    usleep(150000);
    assert_int_equal(ear_count(), 4);
    assert_int_equal(signed_with("sandbox-secret"), 2);
    assert_int_equal(signed_with("second-secret"), 2);
    settings("{\"retry_all\":false}");
    ear_fail(1);
    event("{\"field\":\"account_update\"}");
    ear_wait(4 + 3);
    usleep(150000);
    assert_int_equal(ear_count(), 4 + 3);
    down();
}

TEST(an_override_is_for_messages_alone)
{
    char body[300];
    ear_start();
    struct sandbox_options o = quick();
    o.webhook_url = NULL;
    up_with(&o);
    snprintf(body, sizeof body, "{\"override_callback_uri\":\"%s\",\"verify_token\":\"sandbox-verify\"}", ear.url);
    post("/v23.0/2000/subscribed_apps", body);
    expect(200);
    get("/v23.0/2000/subscribed_apps");
    assert_str(str_at("data.0.override_callback_uri"), ear.url);
    event("{\"field\":\"account_update\"}");
    event("{\"field\":\"messages\"}");
    ear_wait(1);
    usleep(100000);
    assert_int_equal(ear_with("\"field\":\"messages\""), 1);
    assert_int_equal(ear_count(), 1);
    post("/v23.0/2000/subscribed_apps", "{}"); /* taken back */
    expect(200);
    event("{\"field\":\"messages\"}");
    snprintf(body, sizeof body,
             "{\"webhook_configuration\":{\"override_callback_uri\":\"%s\",\"verify_token\":\"sandbox-verify\"}}",
             ear.url);
    post("/v23.0/112", body);
    expect(200);
    get("/v23.0/112?fields=webhook_configuration");
    assert_str(str_at("webhook_configuration.phone_number"), ear.url);
    event("{\"field\":\"messages\"}");
    event("{\"field\":\"messages\",\"phone_number_id\":\"112\"}");
    ear_wait(2);
    usleep(100000);
    assert_int_equal(ear_count(), 2);
    snprintf(body, sizeof body,
             "{\"webhook_configuration\":{\"override_callback_uri\":\"%s\",\"verify_token\":\"wrong\"}}", ear.url);
    post("/v23.0/111", body);
    expect_error(400, 2200);
    down();
}

static void hold_a_few(void)
{
    settings("{\"mode\":\"hold\",\"read_ms\":-1,\"batch\":100}");
    for (int i = 0; i < 10; i++)
        post("/v23.0/111/messages", HELLO("15550001111"));
    for (int i = 0; i < 10; i++)
        event("{\"field\":\"messages\"}");
    event("{\"field\":\"message_template_status_update\",\"name\":\"PAUSED\",\"at\":1790000000}");
    event("{\"field\":\"message_template_status_update\",\"name\":\"APPROVED\",\"at\":1790000001}");
    for (int i = 0; i < 500; i++) {
        get("/_sandbox/webhook");
        if (int_at("waiting") == 20 + 10 + 2)
            return;
        usleep(2000);
    }
    fail_msg("only %lld are held", (long long)int_at("waiting"));
}

TEST(merged_as_many_as_fit)
{
    up();
    hold_a_few();
    settings("{\"mode\":\"merge\"}");
    ear_wait(1);
    usleep(100000);
    assert_int_equal(ear_count(), 1);
    heard(0);
    size_t changes = 0, statuses = 0, times = 0, most = 0;
    for (struct json_iter e = json_iter(at("entry")); json_next(&e);) {
        int64_t time = 0;
        times += json_i64(json_get(e.value, "time"), &time) && time >= 1790000000;
        for (struct json_iter it = json_iter(json_get(e.value, "changes")); json_next(&it); changes++) {
            size_t n = json_count(json_at(it.value, "value", "statuses"));
            statuses += n;
            most = n > most ? n : most;
        }
    }
    assert_int_equal(statuses, 20);
    assert_true(most > 1);
    assert_int_equal(times, 2); /* each time has an entry of its own */
    assert_true(json_count(at("entry")) >= 4);
    assert_true(changes < 20 + 10 + 2);
    down();
}

TEST(split_and_shuffled)
{
    up();
    hold_a_few();
    settings("{\"mode\":\"shuffle, split\"}");
    ear_wait(32);
    get("/_sandbox/webhook");
    assert_str(str_at("mode"), "shuffle, split");
    bool in_order = true, seen = false;
    for (size_t i = 0; i < 32; i++) {
        heard(i);
        assert_int_equal(json_count(at("entry.0.changes")), 1);
        bool status = json_type(at("entry.0.changes.0.value.statuses")) == JSON_ARRAY;
        in_order = in_order && !(seen && status); /* statuses were all before the rest */
        seen = seen || !status;
    }
    assert_false(in_order);
    static const char *const wrong[] = {"split, merge", "hold,drop", "normal, sideways"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char body[80];
        snprintf(body, sizeof body, "{\"mode\":\"%s\"}", wrong[i]);
        post("/_sandbox/webhook", body);
        expect(400);
    }
    down();
}

TESTS(T(every_event_of_the_catalogue_is_told), T(what_is_told_is_what_is_answered), T(what_is_restricted_is_refused),
      T(the_callers_value_is_laid_over_the_default), T(every_app_hears_signed_with_its_secret),
      T(a_retry_comes_to_every_app_when_so_told), T(an_override_is_for_messages_alone), T(merged_as_many_as_fit),
      T(split_and_shuffled))
