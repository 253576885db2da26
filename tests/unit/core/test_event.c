/* SPDX-License-Identifier: Apache-2.0
 * test_event.c - webhook bodies flatten to the events they hold. Rows hold one change's value each; the case file
 * holds bodies from the tests of five SDKs, with a summary made apart from this code. */
#include "event_fixture.h"

TEST(inbound)
{
    static const struct {
        const char *field, *message, *phone, *user, *text;
        enum event_kind kind;
    } rows[] = {
        {"messages", "\"from\":\"15550001111\",\"type\":\"text\",\"text\":{\"body\":\"STOP\"}", "15550001111", "US.9",
         "STOP", EVENT_INBOUND},
        {"standby", "\"from\":\"15550001111\",\"type\":\"text\",\"text\":{\"body\":\"hi\"}", "15550001111", "US.9",
         "hi", EVENT_INBOUND},
        /* a person without a number */
        {"messages", "\"from_user_id\":\"US.9\",\"type\":\"image\",\"image\":{\"caption\":\"c\"}", "15550001111",
         "US.9", "c", EVENT_INBOUND},
        {"messages", "\"from_user_id\":\"BR.5\",\"type\":\"audio\"", "", "BR.5", "", EVENT_INBOUND},
        /* another person than the contact: not joined */
        {"messages", "\"from\":\"15550002222\",\"type\":\"text\",\"text\":{\"body\":\"x\"}", "15550002222", "", "x",
         EVENT_INBOUND},
        {"messages", "\"from\":\"15550001111\",\"from_user_id\":\"US.8\",\"type\":\"sticker\"", "15550001111", "US.8",
         "", EVENT_INBOUND},
        {"messages", "\"type\":\"text\",\"text\":{\"body\":\"x\"}", "15550001111", "US.9", "x", EVENT_INBOUND},
        {"messages",
         "\"from\":\"15550001111\",\"type\":\"button\",\"button\":{\"text\":\"Unsubscribe\",\"payload\":\"p\"}",
         "15550001111", "US.9", "Unsubscribe", EVENT_INBOUND},
        {"messages",
         "\"from\":\"15550001111\",\"type\":\"interactive\",\"interactive\":{\"type\":\"button_reply\",\"button_"
         "reply\":{\"title\":\"No more\"}}",
         "15550001111", "US.9", "No more", EVENT_INBOUND},
        {"messages",
         "\"from\":\"15550001111\",\"type\":\"interactive\",\"interactive\":{\"type\":\"list_reply\",\"list_reply\":{"
         "\"title\":\"Row\"}}",
         "15550001111", "US.9", "Row", EVENT_INBOUND},
        {"messages", "\"from\":\"15550001111\",\"type\":\"reaction\",\"reaction\":{\"emoji\":\"x\"}", "15550001111",
         "US.9", "", EVENT_INBOUND},
        {"messages",
         "\"from\":\"15550001111\",\"type\":\"edit\",\"edit\":{\"message\":{\"type\":\"text\",\"text\":{\"body\":"
         "\"stop\"}}}",
         "15550001111", "US.9", "stop", EVENT_INBOUND},
        {"messages", "\"from\":\"15550001111\",\"type\":\"unsupported\",\"errors\":[{\"code\":131051}]", "15550001111",
         "US.9", "", EVENT_INBOUND},
        {"messages", "\"from\":\"15550001111\",\"type\":\"hologram\"", "15550001111", "US.9", "", EVENT_INBOUND},
        {"messages", "\"from\":\"15550001111\",\"type\":\"system\",\"system\":{\"type\":\"customer_identity_changed\"}",
         "15550001111", "US.9", "", EVENT_OTHER},
        /* not from a person now */
        {"history", "\"from\":\"15550001111\",\"type\":\"text\",\"text\":{\"body\":\"old\"}", "", "", "", EVENT_OTHER},
        {"smb_message_echoes", "\"from\":\"15550001111\",\"type\":\"text\",\"text\":{\"body\":\"x\"}", "", "", "",
         EVENT_OTHER},
        {"a_new_field", "\"from\":\"15550001111\",\"type\":\"text\",\"text\":{\"body\":\"x\"}", "", "", "",
         EVENT_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char value[2000];
        struct fixture f;
        snprintf(value, sizeof value,
                 META "," ANA ",\"messages\":[{\"id\":\"wamid.1\",\"timestamp\":\"1790000001\",%s}]", rows[i].message);
        struct event *ev = read_change(&f, rows[i].field, value);
        if (f.n != 1 || ev->kind != rows[i].kind)
            fail_msg("row %zu: %zu events, %s", i, f.n, event_kind_name(ev->kind));
        assert_id(&ev->phone, rows[i].phone);
        assert_id(&ev->user_id, rows[i].user);
        assert_text(ev->text, rows[i].text);
        assert_text(ev->field, rows[i].field);
        assert_int_equal(ev->waba, 100200300);
        assert_int_equal(ev->phone_number_id, 700800900);
        assert_text(ev->display_phone, "15550009999");
        if (ev->kind == EVENT_INBOUND) {
            assert_int_equal(ev->at, 1790000001000);
            assert_text(ev->wamid, "wamid.1");
        }
        done(&f);
    }
}

/* A reply names what it answers; odd contexts name nothing. */
TEST(what_a_message_answers)
{
    static const char *const rows[][2] = {
        {"\"context\":{\"from\":\"15550009999\",\"id\":\"wamid.Q\"}", "wamid.Q"},
        {"\"context\":{\"forwarded\":true}", ""},
        {"\"context\":{\"id\":7}", ""},
        {"\"context\":\"wamid.Q\"", ""},
        {"\"id\":\"wamid.1\"", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char value[500];
        struct fixture f;
        snprintf(value, sizeof value,
                 META ",\"messages\":[{\"from\":\"15550001111\",\"type\":\"text\",\"text\":{\"body\":\"yes\"},%s}]",
                 rows[i][0]);
        struct event *ev = read_change(&f, "messages", value);
        assert_text(ev->reply_to, rows[i][1]);
        done(&f);
    }
}

TEST(contacts_join_the_right_message)
{
    struct fixture f;
    struct event *ev =
        read_change(&f, "messages",
                    META ",\"contacts\":[{\"profile\":{\"name\":\"B\"},\"wa_id\":\"15550002222\",\"user_id\":\"US.2\"},"
                         "{\"profile\":{\"name\":\"A\"},\"wa_id\":\"15550001111\",\"user_id\":\"US.1\",\"parent_user_"
                         "id\":\"US.ENT.1\"}],"
                         "\"messages\":[{\"from\":\"15550001111\",\"id\":\"a\",\"type\":\"text\"},{\"from\":"
                         "\"15550002222\",\"id\":\"b\","
                         "\"type\":\"text\"},{\"from\":\"15550003333\",\"id\":\"c\",\"type\":\"text\"},{\"id\":\"d\","
                         "\"type\":\"text\"},{\"from\":\"15550004444\",\"from_user_id\":\"US.1\",\"id\":\"e\"}]");
    static const char *const want[][3] = {{"US.1", "US.ENT.1", "A"},
                                          {"US.2", "", "B"},
                                          {"", "", ""},
                                          {"", "", ""},
                                          {"US.1", "", ""}}; /* the last contradicts the contact */
    assert_int_equal(f.n, 5);
    for (size_t i = 0; i < 5; i++) {
        assert_id(&ev[i].user_id, want[i][0]);
        assert_id(&ev[i].parent_id, want[i][1]);
        assert_text(ev[i].profile_name, want[i][2]);
    }
    assert_id(&ev[3].phone, "");
    done(&f);
}

TEST(statuses)
{
    static const struct {
        const char *status, *phone, *user, *parent, *group;
        uint32_t seen;
        int code;
    } rows[] = {
        {"\"status\":\"sent\",\"recipient_id\":\"15550001111\"", "15550001111", "US.9", "US.ENT.7", "", SEEN_SENT, 0},
        {"\"status\":\"delivered\",\"recipient_user_id\":\"US.9\"", "15550001111", "US.9", "US.ENT.7", "",
         SEEN_DELIVERED, 0},
        {"\"status\":\"read\",\"recipient_id\":\"15550002222\",\"recipient_user_id\":\"US.2\",\"recipient_parent_user_"
         "id\":\"US.ENT.2\"",
         "15550002222", "US.2", "US.ENT.2", "", SEEN_READ, 0},
        {"\"status\":\"read\",\"recipient_id\":\"15550002222\",\"parent_recipient_user_id\":\"US.ENT.2\"",
         "15550002222", "", "US.ENT.2", "", SEEN_READ, 0},
        {"\"status\":\"played\",\"recipient_id\":\"US.2\"", "", "US.2", "", "", SEEN_PLAYED, 0},
        {"\"status\":\"failed\",\"recipient_id\":\"15550001111\",\"errors\":[{\"code\":131049,\"title\":\"T\"},{"
         "\"code\":1}]",
         "15550001111", "US.9", "US.ENT.7", "", SEEN_FAILED, 131049},
        {"\"status\":\"deleted\",\"recipient_id\":\"15550001111\"", "15550001111", "US.9", "US.ENT.7", "", SEEN_DELETED,
         0},
        {"\"status\":\"teleported\",\"recipient_id\":\"15550001111\"", "15550001111", "US.9", "US.ENT.7", "", 0, 0},
        {"\"status\":\"delivered\",\"recipient_type\":\"group\",\"recipient_id\":\"G1\",\"recipient_participant_id\":"
         "\"15550002222\"",
         "15550002222", "", "", "G1", SEEN_DELIVERED, 0},
        {"\"status\":\"read\",\"recipient_type\":\"group\",\"recipient_id\":\"15550001111\",\"participant_recipient_"
         "id\":\"15550002222\","
         "\"recipient_participant_user_id\":\"US.2\"",
         "15550002222", "US.2", "", "15550001111", SEEN_READ, 0},
        {"\"type\":\"call\",\"status\":\"FAILED\",\"recipient_id\":\"15550001111\"", "15550001111", "US.9", "US.ENT.7",
         "", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char value[2000];
        struct fixture f;
        snprintf(value, sizeof value,
                 META
                 "," ANA
                 ",\"statuses\":[{\"id\":\"wamid.2\",\"timestamp\":1790000001,\"biz_opaque_callback_data\":\"o\",%s}]",
                 rows[i].status);
        struct event *ev = read_change(&f, "messages", value);
        if (f.n != 1 || ev->kind != EVENT_STATUS || ev->seen != rows[i].seen || ev->code != rows[i].code)
            fail_msg("row %zu: %zu %s %u %d", i, f.n, event_kind_name(ev->kind), ev->seen, ev->code);
        assert_id(&ev->phone, rows[i].phone);
        assert_id(&ev->user_id, rows[i].user);
        assert_id(&ev->parent_id, rows[i].parent);
        assert_text(ev->group_id, rows[i].group);
        assert_int_equal(ev->at, 1790000001000);
        assert_text(ev->opaque, "o");
        assert_text(ev->wamid, "wamid.2");
        done(&f);
    }
}

TEST(group_messages_say_so)
{
    struct fixture f;
    struct event *ev =
        read_change(&f, "messages",
                    META "," ANA ",\"messages\":[{\"from\":\"15550001111\",\"group_id\":\"G1\",\"id\":\"a\"}]");
    assert_int_equal(ev->kind, EVENT_INBOUND);
    assert_text(ev->group_id, "G1");
    assert_text(ev->type, "");
    done(&f);
}

TEST(number_changes)
{
    static const struct {
        const char *message, *phone, *user, *previous, *previous_user;
    } rows[] = {
        {"\"from\":\"15550001111\",\"system\":{\"type\":\"user_changed_number\",\"wa_id\":\"15550003333\"}",
         "15550003333", "", "15550001111", ""},
        {"\"from\":\"15550001111\",\"system\":{\"type\":\"user_changed_number\",\"new_wa_id\":\"15550003333\"}",
         "15550003333", "", "15550001111", ""},
        {"\"from\":\"15550001111\",\"from_user_id\":\"US.2\",\"system\":{\"type\":\"user_changed_number\",\"wa_id\":"
         "\"15550003333\","
         "\"previous_user_id\":\"US.1\"}",
         "15550003333", "US.2", "15550001111", "US.1"},
        {"\"from\":\"15550001111\",\"from_user_id\":\"US.1\",\"system\":{\"type\":\"user_changed_number\",\"wa_id\":"
         "\"15550003333\","
         "\"user_id\":\"US.2\",\"previous_user_id\":\"US.1\"}",
         "15550003333", "US.2", "15550001111", "US.1"},
        {"\"from_user_id\":\"US.2\",\"system\":{\"type\":\"user_changed_user_id\",\"previous_user_id\":\"US.1\"}", "",
         "US.2", "US.1", "US.1"},
        {"\"from\":\"15550001111\",\"from_user_id\":\"US.2\",\"system\":{\"type\":\"user_changed_user_id\",\"previous_"
         "user_id\":\"US.1\"}",
         "15550001111", "US.2", "US.1", "US.1"},
        {"\"from\":\"15550001111\",\"from_user_id\":\"US.1\",\"system\":{\"type\":\"user_changed_number\",\"wa_id\":"
         "\"15550003333\","
         "\"previous_user_id\":\"US.1\"}",
         "15550003333", "", "15550001111", "US.1"}, /* the old user id is not the new one */
        {"\"from\":\"15550003333\",\"system\":{\"type\":\"user_changed_number\",\"wa_id\":\"15550003333\",\"customer\":"
         "\"15550001111\"}",
         "15550003333", "", "15550001111", ""},
        {"\"from\":\"15550003333\",\"system\":{\"type\":\"user_changed_number\",\"wa_id\":\"15550003333\"}",
         "15550003333", "", "", ""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char value[2000];
        struct fixture f;
        snprintf(value, sizeof value,
                 META ",\"messages\":[{\"id\":\"w\",\"timestamp\":\"1790000001\",\"type\":\"system\",%s}]",
                 rows[i].message);
        struct event *ev = read_change(&f, "messages", value);
        if (f.n != 1 || ev->kind != EVENT_NUMBER_CHANGED)
            fail_msg("row %zu: %s", i, event_kind_name(ev->kind));
        assert_id(&ev->phone, rows[i].phone);
        assert_id(&ev->user_id, rows[i].user);
        assert_id(&ev->previous, rows[i].previous);
        assert_id(&ev->previous_user_id, rows[i].previous_user);
        assert_int_equal(ev->at, 1790000001000);
        done(&f);
    }
}

TEST(calls)
{
    struct fixture f;
    struct event *ev = read_change(
        &f, "calls",
        META "," ANA
             ",\"calls\":[{\"id\":\"wacid.1\",\"from\":\"15550001111\",\"to\":\"15550009999\",\"event\":\"connect\","
             "\"timestamp\":\"1790000001\",\"direction\":\"USER_INITIATED\"},"
             "{\"id\":\"wacid.1\",\"from\":\"15550001111\",\"to\":\"15550009999\",\"event\":\"terminate\","
             "\"timestamp\":\"1790003600\","
             "\"start_time\":\"1790000002\",\"direction\":\"USER_INITIATED\"},"
             "{\"id\":\"wacid.2\",\"from\":\"15550009999\",\"to\":\"15550001111\",\"event\":\"connect\","
             "\"timestamp\":\"1790000005\",\"direction\":\"BUSINESS_INITIATED\",\"errors\":[{\"code\":138006}]}]");
    assert_int_equal(f.n, 3);
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(ev[i].kind, EVENT_CALL);
        assert_id(&ev[i].phone, "15550001111");
        assert_int_equal(ev[i].user_initiated, i < 2);
    }
    assert_int_equal(ev[0].at, 1790000001000);
    assert_int_equal(ev[1].at, 1790000002000); /* hanging up an hour later opens nothing */
    assert_int_equal(ev[2].code, 138006);
    assert_text(ev[2].wamid, "wacid.2");
    done(&f);
}

TEST(preferences)
{
    static const struct {
        const char *preference;
        enum event_kind kind;
        enum consent_act act;
    } rows[] = {
        {"\"category\":\"marketing_messages\",\"value\":\"stop\"", EVENT_PREFERENCE, CONSENT_STOP},
        {"\"category\":\"marketing_messages\",\"value\":\"resume\"", EVENT_PREFERENCE, CONSENT_RESUME},
        {"\"category\":\"marketing_messages\",\"value\":\"signup\"", EVENT_PREFERENCE, CONSENT_GRANT},
        {"\"value\":\"STOP\"", EVENT_PREFERENCE, CONSENT_STOP},
        {"\"category\":\"everything\",\"value\":\"stop\"", EVENT_PREFERENCE, CONSENT_STOP},
        {"\"category\":\"newsletters\",\"value\":\"resume\"", EVENT_OTHER, 0},
        {"\"category\":\"marketing_messages\",\"value\":\"maybe\"", EVENT_OTHER, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char value[1000];
        struct fixture f;
        snprintf(value, sizeof value,
                 META "," ANA ",\"user_preferences\":[{\"wa_id\":\"15550001111\",\"timestamp\":1790000001,%s}]",
                 rows[i].preference);
        struct event *ev = read_change(&f, "user_preferences", value);
        if (f.n != 1 || ev->kind != rows[i].kind || ev->act != rows[i].act || ev->at != 1790000001000)
            fail_msg("row %zu: %s %s", i, event_kind_name(ev->kind), consent_act_name(ev->act));
        assert_id(&ev->phone, "15550001111");
        assert_id(&ev->user_id, "US.9");
        done(&f);
    }
    struct fixture f;
    struct event *ev =
        read_change(&f, "user_preferences",
                    META ",\"user_preferences\":[{\"user_id\":\"US.4\",\"parent_user_id\":\"US.ENT.4\","
                         "\"value\":\"stop\",\"category\":\"marketing_messages\",\"timestamp\":\"1790000001\"}]");
    assert_id(&ev->phone, "");
    assert_id(&ev->user_id, "US.4");
    assert_id(&ev->parent_id, "US.ENT.4");
    done(&f);
}

#define NAME                                                                                                           \
    "\"message_template_id\":1689000000000001,\"message_template_name\":\"promo\",\"message_template_language\":\"en-" \
    "US\","

TEST(templates)
{
    static const struct {
        const char *field, *value;
        enum event_kind kind;
        enum template_status status;
        const char *quality;
        enum category category;
    } rows[] = {
        {"message_template_status_update", "\"event\":\"PAUSED\"", EVENT_TEMPLATE_STATUS, TEMPLATE_PAUSED, "", 0},
        {"message_template_status_update", "\"event\":\"REINSTATED\"", EVENT_TEMPLATE_STATUS, TEMPLATE_APPROVED, "", 0},
        {"message_template_status_update", "\"event\":\"NEW_WORD\"", EVENT_TEMPLATE_STATUS, TEMPLATE_STATUS_UNKNOWN, "",
         0},
        /* Meta documents a quality update under this field */
        {"message_template_status_update", "\"new_quality_score\":\"RED\",\"previous_quality_score\":\"GREEN\"",
         EVENT_TEMPLATE_QUALITY, 0, "RED", 0},
        {"message_template_quality_update", "\"new_quality_score\":\"YELLOW\"", EVENT_TEMPLATE_QUALITY, 0, "YELLOW", 0},
        /* announced, completed, and the short form of completed */
        {"template_category_update", "\"correct_category\":\"MARKETING\",\"new_category\":\"UTILITY\"",
         EVENT_TEMPLATE_CATEGORY, 0, "", CATEGORY_UNKNOWN},
        {"template_category_update", "\"previous_category\":\"UTILITY\",\"new_category\":\"MARKETING\"",
         EVENT_TEMPLATE_CATEGORY, 0, "", CATEGORY_MARKETING},
        {"template_category_update",
         "\"previous_category\":\"UTILITY\",\"new_category\":\"MARKETING\",\"correct_category\":\"MARKETING\"",
         EVENT_TEMPLATE_CATEGORY, 0, "", CATEGORY_MARKETING},
        {"template_category_update", "\"new_category\":\"MARKETING\"", EVENT_TEMPLATE_CATEGORY, 0, "",
         CATEGORY_MARKETING},
        {"message_template_components_update", "\"message_template_element\":\"x\"", EVENT_TEMPLATE_COMPONENTS, 0, "",
         0},
        {"template_correct_category_detection", "\"category\":\"UTILITY\",\"correct_category\":\"MARKETING\"",
         EVENT_TEMPLATE_DETECTED, 0, "", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char value[1000];
        struct fixture f;
        snprintf(value, sizeof value, NAME "%s", rows[i].value);
        struct event *ev = read_change(&f, rows[i].field, value);
        if (f.n != 1 || ev->kind != rows[i].kind || ev->template_status != rows[i].status ||
            ev->new_category != rows[i].category)
            fail_msg("row %zu: %s, %s, %s", i, event_kind_name(ev->kind), template_status_name(ev->template_status),
                     category_name(ev->new_category));
        assert_text(ev->quality, rows[i].quality);
        assert_text(ev->template_name, "promo");
        assert_text(ev->template_language, "en_US");
        assert_int_equal(ev->template_id, 1689000000000001);
        assert_int_equal(ev->at, 1790000000000);
        done(&f);
    }
}

TEST(account_and_other)
{
    static const struct {
        const char *field, *value, *type;
        enum event_kind kind;
    } rows[] = {
        {"account_update", "\"event\":\"ACCOUNT_RESTRICTION\"", "ACCOUNT_RESTRICTION", EVENT_ACCOUNT},
        {"account_review_update", "\"decision\":\"APPROVED\"", "APPROVED", EVENT_ACCOUNT},
        {"phone_number_quality_update", "\"display_phone_number\":\"15550009999\",\"event\":\"FLAGGED\"", "FLAGGED",
         EVENT_ACCOUNT},
        {"business_capability_update", "\"max_daily_conversations_per_business\":\"TIER_1K\"", "", EVENT_ACCOUNT},
        {"account_alerts", "\"alert_info\":{\"alert_type\":\"OBA_APPROVED\"}", "OBA_APPROVED", EVENT_ACCOUNT},
        {"security", "\"event\":\"PIN_CHANGED\"", "PIN_CHANGED", EVENT_ACCOUNT},
        {"flows", "\"event\":\"FLOW_STATUS_CHANGE\"", "FLOW_STATUS_CHANGE", EVENT_FLOW},
        {"group_lifecycle_update", META ",\"groups\":[{\"type\":\"group_create\"}]", "group_create", EVENT_GROUP},
        {"messaging_handovers", "\"type\":\"control_passed\"", "control_passed", EVENT_HANDOVER},
        {"unknown_field_xyz", "", "", EVENT_OTHER},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        struct event *ev = read_change(&f, rows[i].field, rows[i].value);
        if (f.n != 1 || ev->kind != rows[i].kind)
            fail_msg("row %zu: %s", i, event_kind_name(ev->kind));
        assert_text(ev->type, rows[i].type);
        assert_int_equal(ev->at, 1790000000000);
        assert_int_equal(json_type(ev->value), JSON_OBJECT);
        done(&f);
    }
    struct fixture f;
    struct event *ev = read_change(&f, "messages", META ",\"errors\":[{\"code\":130429,\"title\":\"Rate limit hit\"}]");
    assert_int_equal(f.n, 1);
    assert_int_equal(ev->kind, EVENT_OTHER);
    assert_int_equal(ev->code, 130429);
    assert_text(ev->error_title, "Rate limit hit");
    done(&f);
    ev = read_change(&f, "standby",
                     META
                     ",\"standby\":{\"messages\":[{\"from\":\"15550001111\",\"id\":\"a\"}],\"message_echoes\":[{}]}");
    assert_int_equal(f.n, 2);
    assert_true(ev[0].kind == EVENT_INBOUND && ev[0].opens && ev[1].kind == EVENT_ECHO && !ev[1].opens);
    done(&f);
}

TEST(refused_and_odd_bodies)
{
    static const struct {
        const char *body;
        int rc;
        size_t n;
    } rows[] = {
        {"[]", WL_EINVAL, 0},
        {"{}", WL_EINVAL, 0},
        {"{\"entry\":{}}", WL_EINVAL, 0},
        {"{\"entry\":[]}", 0, 0},
        {"{\"entry\":[null,7,{},{\"changes\":null},{\"changes\":[]}]}", 0, 0},
        {"{\"entry\":[{\"changes\":[null,{}]}]}", 0, 1},
        {"{\"entry\":[{\"id\":\"x\",\"changes\":[{\"value\":7,\"field\":9}]}]}", 0, 1},
        {"{\"entry\":[{\"changes\":[{\"value\":{\"messages\":{},\"contacts\":7,\"statuses\":\"x\",\"errors\":7}}]}]}",
         0, 1},
        {"{\"entry\":[{\"changes\":[{\"value\":{\"messages\":[null,1,{\"timestamp\":\"soon\",\"from\":{}}]}}]}]}", 0,
         3},
    };
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct err e = {0};
        struct json v;
        struct event *ev = NULL;
        size_t n = 99;
        assert_ok(json_parse(p, str_of(rows[i].body), false, &v, &e), e);
        int rc = events_parse(v, a, &ev, &n, &e);
        if (rc != rows[i].rc || n != (rc == 0 ? rows[i].n : 99) || (rc != 0 && e.text[0] == '\0'))
            fail_msg("row %zu: rc %d, %zu events, \"%s\"", i, rc, n, e.text);
    }
    arena_free(a);
    json_parser_free(p);
}

/* What opens a window, what does not. */
TEST(what_opens_a_window)
{
    static const struct {
        const char *field, *value;
        bool opens;
    } rows[] = {
        {"messages", "\"messages\":[{\"from\":\"15550001111\",\"id\":\"a\",\"type\":\"text\"}]", true},
        {"messages", "\"messages\":[{\"from\":\"15550001111\",\"id\":\"a\",\"type\":\"unsupported\"}]", true},
        {"messages",
         "\"messages\":[{\"from\":\"15550001111\",\"type\":\"reaction\",\"reaction\":{\"message_id\":\"m\",\"emoji\":"
         "\"x\"}}]",
         true},
        {"messages",
         "\"messages\":[{\"from\":\"15550001111\",\"type\":\"reaction\",\"reaction\":{\"message_id\":\"m\"}}]", false},
        {"messages", "\"messages\":[{\"from\":\"15550001111\",\"type\":\"revoke\"}]", false},
        {"messages", "\"messages\":[{\"from\":\"15550001111\",\"type\":\"edit\"}]", false},
        {"messages", "\"messages\":[{\"from\":\"15550001111\",\"group_id\":\"G\",\"type\":\"text\"}]", false},
        {"standby", "\"messages\":[{\"from\":\"15550001111\",\"type\":\"text\"}]", true},
        {"standby", "\"standby\":{\"messages\":[{\"from\":\"15550001111\",\"type\":\"text\"}]}", true},
        {"standby", "\"standby\":{\"message_echoes\":[{\"id\":\"wamid.E\"}]}", false},
        {"calls", "\"calls\":[{\"from\":\"15550001111\",\"id\":\"c\",\"direction\":\"USER_INITIATED\"}]", true},
        {"standby", "\"standby\":{\"calls\":[{\"from\":\"1555000111\",\"direction\":\"USER_INITIATED\"}]}", true},
        {"calls", "\"calls\":[{\"to\":\"15550001111\",\"id\":\"c\",\"direction\":\"BUSINESS_INITIATED\"}]", false},
        {"message_echoes", "\"message_echoes\":[{\"from\":\"1\",\"to\":\"15550001111\",\"type\":\"text\"}]", false},
        {"history", "\"history\":[{\"threads\":[{\"messages\":[{\"from\":\"15550001111\"}]}]}]", false},
        {"smb_app_state_sync", "\"state_sync\":[{\"type\":\"contact\"}]", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        char value[2000];
        snprintf(value, sizeof value, META ",%s", rows[i].value);
        struct event *ev = read_change(&f, rows[i].field, value);
        if (f.n != 1 || ev->opens != rows[i].opens)
            fail_msg("row %zu: %zu events, %s", i, f.n, event_kind_name(ev->kind));
        done(&f);
    }
}

TEST(what_else_is_told)
{
    struct fixture f;
    struct event *ev = read_change(
        &f, "smb_message_echoes",
        META ",\"message_echoes\":[{\"from\":\"15550009999\",\"to\":\"15550001111\",\"to_user_id\":\"US.9\",\"id\":"
             "\"wamid.ECHO\",\"timestamp\":\"1790000001\",\"type\":\"text\",\"text\":{\"body\":\"Hi\"}}]");
    assert_true(f.n == 1 && ev->kind == EVENT_ECHO && ev->at == 1790000001000 && ev->phone_number_id == 700800900);
    assert_text(ev->wamid, "wamid.ECHO");
    assert_text(ev->type, "text");
    assert_id(&ev->phone, "15550001111");
    assert_id(&ev->user_id, "US.9");
    done(&f);
    ev = read_change(
        &f, "messaging_handovers",
        "\"type\":\"control_passed\",\"sender\":{\"phone_number\":\"15550001111\"},\"recipient\":{\"phone_"
        "number_id\":\"700800900\",\"display_phone_number\":\"15550009999\"},\"control_passed\":{\"previous_"
        "owner_app_role\":\"meta_business_agent\"}");
    assert_true(f.n == 1 && ev->kind == EVENT_HANDOVER && ev->phone_number_id == 700800900);
    assert_id(&ev->phone, "15550001111");
    assert_text(ev->text, "meta_business_agent");
    done(&f);
    ev = read_change(&f, "flows", "\"event\":\"FLOW_STATUS_CHANGE\",\"flow_id\":66,\"new_status\":\"THROTTLED\"");
    assert_true(f.n == 1 && ev->kind == EVENT_FLOW);
    assert_text(ev->flow_id, "66");
    assert_text(ev->notice, "{\"event\":\"FLOW_STATUS_CHANGE\",\"flow_id\":66,\"new_status\":\"THROTTLED\"}");
    done(&f);
    ev = read_change(&f, "group_participants_update",
                     META
                     ",\"groups\":[{\"timestamp\":\"1790000001\",\"group_id\":\"G1\",\"type\":\"group_participants_"
                     "add\"},{\"timestamp\":\"1790000002\",\"group_id\":\"G2\",\"type\":\"group_participants_remove\","
                     "\"errors\":[{\"code\":131214}]}]");
    assert_true(f.n == 2 && ev[1].kind == EVENT_GROUP && ev[1].at == 1790000002000 && ev[1].code == 131214);
    assert_text(ev[0].group_id, "G1");
    assert_text(ev[1].type, "group_participants_remove");
    assert_int_equal(ev[0].notice.n, 0); /* of people */
    assert_true(ev[0].key != 0 && ev[0].key != ev[1].key);
    done(&f);
}

/* Each code that is named, once, as far as they are read. */
TEST(all_errors_are_read)
{
    struct fixture f;
    struct event *ev = read_change(
        &f, "messages",
        "\"statuses\":[{\"id\":\"w\",\"status\":\"failed\",\"errors\":[{\"code\":131026,\"title\":\"a\"},{\"code\":"
        "131026},{},"
        "{\"code\":131050,\"title\":\"b\"},{\"code\":131050},{\"code\":6},{\"code\":7},{\"code\":8},{\"code\":9}]},"
        "{\"id\":\"w\",\"status\":\"failed\",\"errors\":[{\"code\":131026}]}]");
    assert_true(f.n == 2 && ev->code == 131026 && ev->n_further == 4 && ev[1].n_further == 0);
    assert_true(ev->further[0].code == 131050 && ev->further[3].code == 8);
    assert_text(ev->further[0].title, "b");
    assert_true(ev[0].key != ev[1].key);
    done(&f);
}

/* Both places of rejection_info, and what else comes with a status. */
TEST(template_details)
{
    static const char *const bodies[] = {
        "{\"entry\":[{\"id\":\"1\",\"time\":1790000000,\"changes\":[{\"field\":\"message_template_status_update\","
        "\"value\":"
        "{\"event\":\"REJECTED\",\"message_template_name\":\"cart\",\"message_template_language\":\"en\",\"reason\":"
        "\"INVALID_FORMAT\",\"rejection_info\":{\"reason\":\"Adjacent parameters.\"}}}]}]}",
        "{\"entry\":[{\"id\":\"1\",\"time\":1790000000,\"changes\":[{\"field\":\"message_template_status_update\","
        "\"value\":"
        "{\"event\":\"REJECTED\",\"message_template_name\":\"cart\",\"message_template_language\":\"en\",\"reason\":"
        "\"INVALID_FORMAT\"},\"rejection_info\":{\"reason\":\"Adjacent parameters.\"}}]}]}"};
    struct fixture f;
    for (size_t i = 0; i < 2; i++) {
        read_body(&f, bodies[i]);
        assert_text(f.ev->template_detail,
                    "{\"reason\":\"INVALID_FORMAT\",\"rejection_info\":{\"reason\":\"Adjacent parameters.\"}}");
        done(&f);
    }
    struct event *ev =
        read_change(&f, "message_template_status_update",
                    NAME "\"event\":\"PAUSED\",\"reason\":\"NONE\",\"other_info\":{\"title\":\"FIRST_PAUSE\"}");
    assert_text(ev->template_detail, "{\"other_info\":{\"title\":\"FIRST_PAUSE\"}}");
    done(&f);
    ev = read_change(&f, "message_template_status_update", NAME "\"event\":\"APPROVED\",\"reason\":null");
    assert_int_equal(ev->template_detail.n, 0);
    done(&f);
    ev = read_change(&f, "template_category_update",
                     NAME
                     "\"correct_category\":\"MARKETING\",\"new_category\":\"UTILITY\",\"category_update_timestamp\":"
                     "1790086400");
    assert_true(ev->new_category == CATEGORY_UNKNOWN && ev->next_category == CATEGORY_MARKETING &&
                ev->next_category_at == 1790086400000);
    done(&f);
}

TEST(contacts_that_contradict_each_other_join_nobody)
{
    struct fixture f;
    struct event *ev =
        read_change(&f, "messages",
                    META
                    ",\"contacts\":[{\"profile\":{\"name\":\"A\"},\"wa_id\":\"15550001111\",\"user_id\":\"US.1\"},"
                    "{\"profile\":{\"name\":\"B\"},\"wa_id\":\"15550001111\",\"user_id\":\"US.2\"},"
                    "{\"profile\":{\"name\":\"C\"},\"wa_id\":15550003333},{\"profile\":{\"name\":\"D\"},\"wa_id\":"
                    "\"15550003333\",\"user_id\":\"US.3\"}],"
                    "\"messages\":[{\"from\":\"15550001111\"},{\"from\":\"15550001111\",\"from_user_id\":\"US.2\"},"
                    "{\"from\":15550003333}]");
    assert_int_equal(f.n, 3);
    assert_id(&ev[0].user_id, "");
    assert_text(ev[0].profile_name, "");
    assert_text(ev[1].profile_name, "B");
    assert_id(&ev[2].user_id, "US.3");
    assert_text(ev[2].profile_name, ""); /* two names, one person: neither */
    done(&f);
}

TEST(fields_known_and_of_no_person)
{
    assert_true(event_field_known(STR("messages")) && event_field_known(STR("call_recording_available")));
    assert_false(event_field_known(STR("")) || event_field_known(STR("a_new_field")));
    assert_true(event_is_notice(STR("security")) && event_is_notice(STR("flows")));
    assert_false(event_is_notice(STR("messages")) || event_is_notice(STR("smb_app_state_sync")) ||
                 event_is_notice(STR("group_status_update")) || event_is_notice(STR("a_new_field")));
}

/* A full body must cost what its bytes cost, one more than the maximum is refused, and so is too little memory. */
TEST(limits)
{
    struct json_parser *p = json_parser_create();
    for (int extra = 0; extra < 2; extra++) {
        struct buf b;
        struct err e = {0};
        struct json v;
        struct event *ev;
        size_t n;
        buf_init(&b, 4 << 20);
        buf_puts(&b, "{\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":\"messages\",\"value\":{\"contacts\":[{}");
        for (int i = 0; i < EVENTS_MAX; i++)
            buf_printf(&b, ",{\"wa_id\":\"%d\"}", 15550000 + i);
        buf_puts(&b, "],\"messages\":[{\"from\":\"15559999\"}");
        for (int i = 1; i < EVENTS_MAX + extra; i++)
            buf_printf(&b, ",{\"from\":\"%d\"}", 25550000 + i); /* found in no contact: the worst case */
        buf_puts(&b, "]}}]}]}");
        assert_false(b.failed);
        assert_ok(json_parse(p, buf_str(&b), false, &v, &e), e);
        struct arena *a = arena_create(32 << 20), *small = arena_create(1 << 20);
        assert_int_equal(events_parse(v, a, &ev, &n, &e), extra ? WL_ETOOBIG : 0);
        assert_int_equal(events_parse(v, small, &ev, &n, &e), extra ? WL_ETOOBIG : WL_ENOMEM);
        if (!extra)
            assert_int_equal(n, EVENTS_MAX);
        arena_free(a);
        arena_free(small);
        buf_done(&b);
    }
    json_parser_free(p);
}

/* the case file */

static struct str word(struct json v, const char *key)
{
    return json_str_or(json_get(v, key), STR(""));
}

static void same_word(const char *id, const char *what, struct str got, struct str want)
{
    if (!str_eq(got, want))
        fail_msg("%s: %s is \"%.*s\", the summary says \"%.*s\"", id, what, (int)got.n, got.p ? got.p : "", (int)want.n,
                 want.p);
}

static void same_id(const char *id, const struct identity *got, struct str want)
{
    struct identity parsed;
    if (want.n > 0 && identity_parse(want, &parsed, NULL) == 0 && strcmp(got->value, parsed.value) != 0)
        fail_msg("%s: who is %s, the summary says %s", id, got->value, parsed.value);
}

static void same_time(const char *id, const struct event *ev, struct json object)
{
    int64_t want = 0;
    if (json_id(json_get(object, "timestamp"), &want) && ev->at != want * 1000)
        fail_msg("%s: at %lld", id, (long long)ev->at);
}

static void same_code(const char *id, const struct event *ev, struct json object)
{
    struct json_iter it = json_iter(json_get(object, "error_codes"));
    int64_t want = 0;
    if (json_next(&it))
        json_i64(it.value, &want);
    if (ev->code != want)
        fail_msg("%s: code %d, the summary says %lld", id, ev->code, (long long)want);
}

static size_t compare_messages(const char *id, const struct event *ev, struct json list)
{
    size_t n = 0;
    for (struct json_iter it = json_iter(list); json_next(&it); n++) {
        struct json m = it.value;
        bool system = str_eq(word(m, "type"), STR("system")), written = json_type(json_get(m, "text")) == JSON_STRING;
        if (system ? ev[n].kind != EVENT_NUMBER_CHANGED && ev[n].kind != EVENT_OTHER : ev[n].kind != EVENT_INBOUND)
            fail_msg("%s: message %zu is %s", id, n, event_kind_name(ev[n].kind));
        same_word(id, "id", ev[n].wamid, word(m, "id"));
        same_time(id, &ev[n], m);
        same_code(id, &ev[n], m);
        if (system)
            continue;
        same_word(id, "type", ev[n].type, word(m, "type"));
        same_id(id, &ev[n].phone, word(m, "from"));
        same_id(id, &ev[n].user_id, word(m, "from_user_id"));
        if (written)
            same_word(id, "text", ev[n].text, word(m, "text"));
    }
    return n;
}

static size_t compare_statuses(const char *id, const struct event *ev, struct json list)
{
    size_t n = 0;
    for (struct json_iter it = json_iter(list); json_next(&it); n++) {
        struct json s = it.value;
        if (ev[n].kind != EVENT_STATUS)
            fail_msg("%s: status %zu is %s", id, n, event_kind_name(ev[n].kind));
        same_word(id, "id", ev[n].wamid, word(s, "id"));
        same_word(id, "status", ev[n].type, word(s, "status"));
        same_word(id, "callback data", ev[n].opaque, word(s, "biz_opaque_callback_data"));
        same_time(id, &ev[n], s);
        same_code(id, &ev[n], s);
        if (ev[n].group_id.n == 0)
            same_id(id, &ev[n].phone, word(s, "recipient_id"));
        else
            same_word(id, "group", ev[n].group_id, word(s, "recipient_id"));
        same_id(id, &ev[n].user_id, word(s, "recipient_user_id"));
    }
    return n;
}

static size_t compare_preferences(const char *id, const struct event *ev, struct json list)
{
    size_t n = 0;
    for (struct json_iter it = json_iter(list); json_next(&it); n++) {
        const char *act = str_eq(word(it.value, "value"), STR("signup")) ? "grant" : consent_act_name(ev[n].act);
        if (ev[n].kind != EVENT_PREFERENCE)
            fail_msg("%s: preference %zu is %s", id, n, event_kind_name(ev[n].kind));
        same_id(id, &ev[n].phone, word(it.value, "wa_id"));
        if (!str_eq(word(it.value, "value"), STR("signup")))
            same_word(id, "value", str_of(act), word(it.value, "value"));
    }
    return n;
}

/* One change against its part of the summary; returns how many of the events were its. */
static size_t compare_change(const char *id, const struct event *ev, size_t left, struct json s)
{
    size_t n = 0;
    assert_true(left >= json_count(json_get(s, "messages")) + json_count(json_get(s, "statuses")));
    n += compare_messages(id, ev, json_get(s, "messages"));
    n += compare_statuses(id, ev + n, json_get(s, "statuses"));
    while (n < left && ev[n].kind == EVENT_CALL && str_eq(word(s, "field"), STR("calls")))
        n++; /* the summary does not list them */
    n += compare_preferences(id, ev + n, json_get(s, "user_preferences"));
    if (n == 0 || json_type(json_get(s, "error_codes")) == JSON_ARRAY) {
        const struct event *one = &ev[n++];
        int64_t template_id = 0;
        same_code(id, one, s);
        json_id(json_get(s, "message_template_id"), &template_id);
        assert_int_equal(one->template_id, template_id);
        same_word(id, "template", one->template_name, word(s, "message_template_name"));
        same_word(id, "quality", one->quality, word(s, "new_quality_score"));
        if (json_type(json_get(s, "event")) == JSON_STRING)
            same_word(id, "event", one->type, word(s, "event"));
    }
    for (size_t i = 0; i < n; i++) {
        int64_t waba = 0, phone = 0;
        json_id(json_get(s, "waba_id"), &waba);
        json_id(json_get(s, "phone_number_id"), &phone);
        same_word(id, "field", ev[i].field, word(s, "field"));
        assert_int_equal(ev[i].waba, waba);
        assert_int_equal(ev[i].phone_number_id, phone);
    }
    return n;
}

TEST(agrees_with_the_summaries)
{
    const char *path = case_file("webhooks/webhooks.jsonl");
    char *line = NULL;
    size_t cap = 0, rows = 0;
    if (path == NULL)
        skip_loudly("webhooks/webhooks.jsonl is not there");
    struct json_parser *p = json_parser_create();
    struct arena *a = arena_create(64 << 20);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    while (getline(&line, &cap, f) > 0) {
        struct err e = {0};
        struct json row;
        struct event *ev;
        size_t n, at = 0;
        char id[40];
        assert_ok(json_parse(p, str_of(line), false, &row, &e), e);
        snprintf(id, sizeof id, "%.*s", (int)word(row, "id").n, word(row, "id").p);
        if (json_type(json_get(row, "payload")) != JSON_OBJECT)
            continue; /* the source's file is no JSON */
        assert_ok(events_parse(json_get(row, "payload"), a, &ev, &n, &e), e);
        for (struct json_iter it = json_iter(json_get(row, "summary")); json_next(&it);)
            at += compare_change(id, ev + at, n - at, it.value);
        if (at != n)
            fail_msg("%s: %zu events, the summary has %zu", id, n, at);
        rows++;
    }
    fclose(f);
    free(line);
    arena_free(a);
    json_parser_free(p);
    assert_true(rows > 150);
}

TESTS(T(all_errors_are_read), T(inbound), T(what_a_message_answers), T(contacts_join_the_right_message), T(statuses),
      T(group_messages_say_so), T(number_changes), T(calls), T(preferences), T(templates), T(account_and_other),
      T(refused_and_odd_bodies), T(what_opens_a_window), T(what_else_is_told), T(template_details),
      T(contacts_that_contradict_each_other_join_nobody), T(fields_known_and_of_no_person), T(limits),
      T(agrees_with_the_summaries))
