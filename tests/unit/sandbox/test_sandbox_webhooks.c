/* SPDX-License-Identifier: Apache-2.0
 * test_sandbox_webhooks.c - what is delivered to the application behind: signed, complete, again when it failed.
 *
 * A listener hears every POST; the signature is checked over the bytes heard. Windows and opt-outs are tested by the
 * codes messages fail with, which is the only way the real platform tells. */
#include "rig.h"

#define WITH_CALLBACK                                                                                                  \
    "{\"messaging_product\":\"whatsapp\",\"to\":\"15550001111\",\"type\":\"template\",\"template\":{\"name\":"         \
    "\"hello_world\",\"language\":{\"code\":\"en_US\"}},\"biz_opaque_callback_data\":\"caf\xc3\xa9/"                   \
    "\xf0\x9f\x98\x80\"}"

TEST(statuses_arrive_signed)
{
    up();
    post("/v23.0/111/messages", WITH_CALLBACK);
    expect(200);
    ear_wait(3);
    for (size_t i = 0; i < 3; i++) {
        ear_check_signature(i, "sandbox-secret");
        assert_null(memchr(ear.posts[i].body, 0xc3, ear.posts[i].n)); /* non-ASCII is escaped */
        assert_non_null(memmem(ear.posts[i].body, ear.posts[i].n, "caf\\u00e9\\/\\ud83d\\ude00", 23));
    }
    struct json body;
    assert_int_equal(json_parse(got.parser, (struct str){ear.posts[0].body, ear.posts[0].n}, false, &got.json, NULL),
                     0);
    body = at("entry.0.changes.0.value");
    assert_str(str_at("object"), "whatsapp_business_account");
    assert_str(str_at("entry.0.id"), "2000");
    assert_str(str_at("entry.0.changes.0.field"), "messages");
    assert_str(json_str_or(json_at(body, "metadata", "phone_number_id"), STR("")), "111");
    assert_str(str_at("entry.0.changes.0.value.statuses.0.status"), "sent");
    assert_str(str_at("entry.0.changes.0.value.statuses.0.recipient_id"), "15550001111");
    assert_str(str_at("entry.0.changes.0.value.statuses.0.biz_opaque_callback_data"), "caf\xc3\xa9/\xf0\x9f\x98\x80");
    assert_str(str_at("entry.0.changes.0.value.statuses.0.pricing.category"), "utility");
    assert_int_equal(json_type(at("entry.0.changes.0.value.statuses.0.timestamp")), JSON_STRING);
    down();
}

TEST(the_history_knows_what_was_delivered)
{
    char path[300];
    up();
    post("/v23.0/111/messages", HELLO("15550001111"));
    struct str id = str_at("messages.0.id");
    snprintf(path, sizeof path, "/v23.0/111/message_history?message_id=%.*s", (int)id.n, id.p);
    ear_wait(3);
    for (int i = 0; i < 500; i++) { /* the mark follows the answer */
        get(path);
        if (str_eq(str_at("data.0.events.data.2.webhook_update_state"), STR("DELIVERED")))
            break;
        usleep(2000);
    }
    assert_str(str_at("data.0.events.data.0.delivery_status"), "SENT");
    assert_str(str_at("data.0.events.data.2.delivery_status"), "READ");
    assert_str(str_at("data.0.events.data.2.webhook_update_state"), "DELIVERED");
    get("/v23.0/111/message_history?message_id=wamid.none");
    expect_error(422, 100);
    down();
}

/* Free-form outside the window is accepted and fails by webhook; a user's message opens the window. */
TEST(windows)
{
    up();
    post("/v23.0/111/messages", TEXT_TO("15550001111"));
    expect(200);
    ear_wait(1);
    assert_int_equal(ear_with("131047"), 1);
    assert_int_equal(ear_with("\"status\":\"failed\""), 1);
    post("/_sandbox/inbound",
         "{\"from\":\"+1 555 000 1111\",\"phone_number_id\":\"111\",\"text\":\"hi \xc3\xa9\",\"name\":\"Ana\"}");
    expect(200);
    assert_true(str_starts(str_at("id"), STR("wamid.")));
    ear_wait(2);
    assert_int_equal(ear_with("\"body\":\"hi \\u00e9\""), 1);
    assert_int_equal(ear_with("\"from\":\"15550001111\""), 1);
    post("/v23.0/111/messages", TEXT_TO("+15550001111"));
    post("/v23.0/112/messages", TEXT_TO("+15550001111")); /* the window is with the other number */
    ear_wait(2 + 3 + 1);
    assert_int_equal(ear_with("131047"), 2);
    assert_int_equal(ear_with("free_customer_service"), 2);
    post("/_sandbox/inbound",
         "{\"from\":\"15550003333\",\"phone_number_id\":\"111\",\"text\":\"old\",\"timestamp\":1600000000}");
    post("/v23.0/111/messages", TEXT_TO("15550003333")); /* a message of long ago opens nothing */
    ear_wait(2 + 3 + 1 + 2);
    assert_int_equal(ear_with("131047"), 3);
    down();
}

TEST(marketing_opt_out)
{
    const char *sale =
        "{\"messaging_product\":\"whatsapp\",\"to\":\"15550001111\",\"type\":\"template\",\"template\":{\"name\":"
        "\"spring_sale\",\"language\":{\"code\":\"en_US\"},\"components\":[{\"type\":\"body\",\"parameters\":[{"
        "\"type\":\"text\",\"text\":\"Ana\"}]}]}}";
    up();
    post("/_sandbox/inbound", "{\"from\":\"15550001111\",\"phone_number_id\":\"111\",\"user_preferences\":\"stop\"}");
    expect(200);
    ear_wait(1);
    assert_int_equal(ear_with("\"field\":\"user_preferences\""), 1);
    post("/v23.0/111/messages", sale);
    expect(200);
    ear_wait(2);
    assert_int_equal(ear_with("131050"), 1);
    post("/v23.0/111/messages", HELLO("15550001111")); /* utility is not affected */
    ear_wait(2 + 3);
    post("/_sandbox/inbound", "{\"from\":\"15550001111\",\"phone_number_id\":\"111\",\"user_preferences\":\"resume\"}");
    post("/v23.0/111/messages", sale);
    ear_wait(2 + 3 + 1 + 3);
    assert_int_equal(ear_with("131050"), 1);
    post("/v23.0/111/marketing_messages", sale);
    expect(200);
    ear_wait(2 + 3 + 1 + 3 + 3);
    assert_int_equal(ear_with("marketing_lite"), 2);
    down();
}

/* What is announced and what is only told when asked for. */
TEST(standing)
{
    static const char fields[] =
        "/v23.0/111?fields=quality_rating,throughput,whatsapp_business_manager_messaging_limit,is_on_biz_app";
    up();
    get(fields);
    assert_str(str_at("quality_rating"), "GREEN");
    assert_str(str_at("throughput.level"), "HIGH");
    assert_str(str_at("whatsapp_business_manager_messaging_limit"), "TIER_UNLIMITED");
    post("/_sandbox/standing", "{\"quality_rating\":\"red\",\"throughput\":\"STANDARD\",\"is_on_biz_app\":true}");
    expect(200);
    get(fields);
    bool on_app = false;
    assert_str(str_at("quality_rating"), "RED");
    assert_str(str_at("throughput.level"), "STANDARD");
    assert_true(json_bool(at("is_on_biz_app"), &on_app) && on_app);
    post("/_sandbox/standing", "{\"phone_number_id\":\"112\",\"limit\":\"TIER_2K\"}");
    post("/_sandbox/standing", "{\"phone_number_id\":\"112\",\"limit\":\"TIER_2K\"}"); /* nothing new */
    post("/_sandbox/standing", "{\"phone_number_id\":\"111\",\"throughput\":\"HIGH\"}");
    ear_wait(2);
    assert_int_equal(ear_with("\"field\":\"business_capability_update\",\"value\":{"
                              "\"max_daily_conversations_per_business\":\"TIER_2K\""),
                     1);
    assert_int_equal(ear_with("\"display_phone_number\":\"15550001000\",\"event\":\"THROUGHPUT_UPGRADE\""), 1);
    get("/v23.0/2000?fields=owner_business_info,whatsapp_business_manager_messaging_limit");
    assert_str(str_at("owner_business_info.id"), "3000");
    assert_str(str_at("whatsapp_business_manager_messaging_limit"), "TIER_2K");
    static const char *const wrong[] = {"{\"limit\":\"TIER_3K\"}", "{\"quality_rating\":\"BLUE\"}",
                                        "{\"throughput\":\"FAST\"}", "{\"phone_number_id\":\"999\"}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        post("/_sandbox/standing", wrong[i]);
        expect_error(400, 100);
    }
    post("/_sandbox/reset", "{}");
    get(fields);
    assert_str(str_at("whatsapp_business_manager_messaging_limit"), "TIER_UNLIMITED");
    down();
}

TEST(a_failed_post_comes_back_unchanged)
{
    up();
    ear_fail(2);
    post("/_sandbox/inbound", "{\"from\":\"15550001111\",\"phone_number_id\":\"111\",\"text\":\"again\"}");
    ear_wait(3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ear.posts[i].n, ear.posts[0].n);
        assert_memory_equal(ear.posts[i].body, ear.posts[0].body, ear.posts[0].n);
        ear_check_signature(i, "sandbox-secret");
    }
    usleep(200000);
    assert_int_equal(ear_count(), 3); /* and no more once it was taken */
    down();
}

static void set_mode(const char *json)
{
    post("/_sandbox/webhook", json);
    expect(200);
}

TEST(modes)
{
    up();
    set_mode("{\"mode\":\"duplicate\"}");
    post("/v23.0/111/messages", HELLO("15550001111"));
    ear_wait(6);
    assert_int_equal(ear_with("\"status\":\"sent\""), 2);
    set_mode("{\"mode\":\"hold\"}");
    post("/v23.0/111/messages", HELLO("15550001111"));
    usleep(200000);
    assert_int_equal(ear_count(), 6);
    set_mode("{\"mode\":\"out_of_order\"}"); /* releases what was held */
    ear_wait(9);
    post("/v23.0/111/messages", HELLO("15550001111"));
    ear_wait(12);
    assert_non_null(memmem(ear.posts[9].body, ear.posts[9].n, "\"status\":\"read\"", 15));
    assert_non_null(memmem(ear.posts[11].body, ear.posts[11].n, "\"status\":\"sent\"", 15));
    set_mode("{\"mode\":\"drop\"}");
    post("/v23.0/111/messages", HELLO("15550001111"));
    usleep(200000);
    assert_int_equal(ear_count(), 12);
    get("/_sandbox/webhook");
    assert_int_equal(int_at("dropped"), 3);
    post("/_sandbox/webhook", "{\"mode\":\"sideways\"}");
    expect(400);
    down();
}

TEST(batches)
{
    up();
    set_mode("{\"batch\":100,\"mode\":\"hold\",\"read_ms\":-1}");
    for (int i = 0; i < 20; i++)
        post("/v23.0/111/messages", HELLO("15550001111"));
    usleep(200000);
    set_mode("{\"mode\":\"normal\"}");
    ear_wait(1);
    usleep(100000);
    assert_true(ear_count() <= 2);
    size_t n = 0;
    for (size_t i = 0; i < ear_count(); i++) {
        assert_int_equal(json_parse(got.parser, (struct str){ear.posts[i].body, ear.posts[i].n}, false, &got.json,
                                    NULL),
                         0);
        n += json_count(at("entry.0.changes"));
    }
    assert_int_equal(n, 40); /* sent and delivered; never read */
    down();
}

TEST(handshakes)
{
    char body[300];
    ear_start();
    struct sandbox_options o = quick();
    o.webhook_url = NULL;
    up_with(&o);
    snprintf(body, sizeof body, "{\"url\":\"%s\"}", ear.url);
    ear_refuse_handshakes(true);
    post("/_sandbox/webhook", body);
    expect(400);
    get("/_sandbox/webhook");
    assert_str(str_at("url"), "");
    ear_refuse_handshakes(false);
    snprintf(body, sizeof body, "{\"url\":\"%s\",\"secret\":\"other-secret\"}", ear.url);
    post("/_sandbox/webhook", body);
    expect(200);
    assert_str(str_at("url"), ear.url);
    post("/_sandbox/inbound", "{\"raw\":\"{\\\"exactly\\\" : \\\"this \xc3\xa9\\\"}\"}");
    ear_wait(1);
    assert_str(((struct str){ear.posts[0].body, ear.posts[0].n}), "{\"exactly\" : \"this \xc3\xa9\"}");
    ear_check_signature(0, "other-secret");
    /* the official ways */
    snprintf(body, sizeof body,
             "{\"object\":\"whatsapp_business_account\",\"callback_url\":\"%s?x=1\",\"verify_token\":"
             "\"sandbox-verify\",\"fields\":\"messages\"}",
             ear.url);
    post("/v23.0/1000/subscriptions", body);
    expect(200);
    get("/_sandbox/webhook");
    assert_true(str_ends(str_at("url"), STR("?x=1")));
    snprintf(body, sizeof body, "{\"override_callback_uri\":\"%s\",\"verify_token\":\"wrong\"}", ear.url);
    post("/v23.0/2000/subscribed_apps", body);
    expect_error(400, 2200);
    down();
}

/* Reset and stop while webhooks wait, are held, and are being refused. */
TEST(reset_and_stop_with_webhooks_waiting)
{
    up();
    ear_fail(1000);
    for (int i = 0; i < 20; i++)
        post("/v23.0/111/messages", HELLO("15550001111"));
    ear_wait(20);
    post("/_sandbox/reset", "{}");
    expect(200);
    ear_fail(0);
    usleep(150000);
    size_t quiet = ear_count();
    usleep(150000);
    assert_int_equal(ear_count(), quiet); /* nothing of before comes any more */
    ear_fail(1000);
    for (int i = 0; i < 20; i++)
        post("/v23.0/111/messages", HELLO("15550001111"));
    usleep(20000);
    down();
}

TESTS(T(statuses_arrive_signed), T(the_history_knows_what_was_delivered), T(windows), T(marketing_opt_out), T(standing),
      T(a_failed_post_comes_back_unchanged), T(modes), T(batches), T(handshakes),
      T(reset_and_stop_with_webhooks_waiting))
