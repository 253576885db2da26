/* SPDX-License-Identifier: Apache-2.0
 * test_event_key.c - when two reports are of one event.
 *
 * What would hurt: an event taken for a repeat of another is never handed on; a repeat that is not seen is handed on twice. */
#include "event_fixture.h"

/* The same event has the same key however it comes; another has another. */
TEST(keys)
{
#define AT(t)   "\"timestamp\":\"" t "\""
#define TEXT1   "{\"from\":\"15550001111\",\"id\":\"wamid.1\"," AT("1790000001") ",\"type\":\"text\"}"
#define SENT    "{\"id\":\"wamid.2\",\"status\":\"sent\"," AT("1790000001") ",\"recipient_id\":\"15550001111\"}"
#define FAIL(c) "{\"id\":\"wamid.2\",\"status\":\"failed\"," AT("1790000001") ",\"errors\":[{\"code\":" c "}]}"
#define IN_GROUP(who, id)                                                                                              \
    "{\"id\":\"wamid.2\",\"status\":\"read\",\"recipient_type\":\"group\",\"recipient_id\":\"G\",\"" who "\":\"" id    \
    "\"}"
#define STOP(v, t) "{\"wa_id\":\"15550001111\",\"category\":\"marketing_messages\",\"value\":\"" v "\"," AT(t) "}"
#define NOBODYS    "{\"category\":\"marketing_messages\",\"value\":\"stop\"," AT("1790000001") "}"
#define BEN        "\"contacts\":[{\"wa_id\":\"15550002222\"}]"
#define PAID(id, t)                                                                                                    \
    "{\"id\":\"wamid.2\",\"status\":\"failed\",\"type\":\"payment\",\"recipient_id\":\"15550001111\"," AT(             \
        t) ",\"payment\":{\"transaction\":{\"id\":\"" id "\"}}}"
    static const struct {
        const char *field, *a, *field_b, *b;
        bool same;
    } rows[] = {
        {"messages", "\"messages\":[" TEXT1 "]", "messages", ANA ",\"messages\":[" TEXT1 ",{}]", true},
        {"messages", "\"messages\":[" TEXT1 "]", "standby", "\"messages\":[" TEXT1 "]", false},
        {"messages", "\"statuses\":[" SENT "]", "messages", ANA ",\"statuses\":[" SENT "]", true},
        {"messages", "\"statuses\":[" SENT "]", "messages", "\"statuses\":[" FAIL("1") "]", false},
        {"messages", "\"statuses\":[" FAIL("2") "]", "messages", "\"statuses\":[" FAIL("1") "]", false},
        {"messages", "\"statuses\":[" IN_GROUP("recipient_participant_id", "15550001111") "]", "messages",
         "\"statuses\":[" IN_GROUP("participant_recipient_id", "15550001111") "]", true},
        {"messages", "\"statuses\":[" IN_GROUP("recipient_participant_id", "15550001111") "]", "messages",
         "\"statuses\":[" IN_GROUP("recipient_participant_id", "15550002222") "]", false},
        {"calls", "\"calls\":[{\"id\":\"c\",\"event\":\"connect\"}]", "calls",
         "\"calls\":[{\"id\":\"c\",\"event\":\"terminate\"}]", false},
        {"user_preferences", "\"user_preferences\":[" STOP("stop", "1790000001") "]", "user_preferences",
         ANA ",\"user_preferences\":[" STOP("stop", "1790000001") "]", true},
        {"user_preferences", "\"user_preferences\":[" STOP("stop", "1790000001") "]", "user_preferences",
         "\"user_preferences\":[" STOP("stop", "1790000002") "]", false},
        {"user_preferences", "\"user_preferences\":[" STOP("stop", "1790000001") "]", "user_preferences",
         "\"user_preferences\":[" STOP("resume", "1790000001") "]", false},
        {"user_preferences", ANA ",\"user_preferences\":[" NOBODYS "]", "user_preferences",
         BEN ",\"user_preferences\":[" NOBODYS "]", false},
        {"messages", "\"statuses\":[" PAID("T1", "1790000001") "]", "messages",
         "\"statuses\":[" PAID("T2", "1790000001") "]", false},
        {"messages", "\"statuses\":[" PAID("T1", "1790000001") "]", "messages",
         "\"statuses\":[" PAID("T1", "1790000009") "]", false},
        {"messages", "\"statuses\":[" PAID("T1", "1790000001") "]", "messages",
         ANA ",\"statuses\":[" PAID("T1", "1790000001") "]", true},
        {"account_update", "\"event\":\"A\",\"n\":{\"x\":1,\"y\":[1,2]}", "account_update",
         "\"n\":{\"y\":[1, 2],\"x\":1},\"event\":\"\\u0041\"", true},
        {"account_update", "\"event\":\"A\",\"n\":[1,2]", "account_update", "\"event\":\"A\",\"n\":[2,1]", false},
        {"account_update", "\"event\":\"A\"", "account_alerts", "\"event\":\"A\"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        uint64_t key = read_change(&f, rows[i].field, rows[i].a)->key;
        done(&f);
        uint64_t other = read_change(&f, rows[i].field_b, rows[i].b)->key;
        done(&f);
        if (key == 0 || (key == other) != rows[i].same)
            fail_msg("row %zu", i);
    }
    /* neither an id nor a time: nothing tells it from another */
    static const char *const timeless[] = {
        "{\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":\"account_update\",\"value\":{\"event\":\"A\"}}]}]}",
        "{\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":\"messages\",\"value\":{\"messages\":[{\"type\":\"text\"}]}}"
        "]}]}",
        "{\"entry\":[{\"changes\":[{\"field\":\"messages\",\"value\":{\"errors\":[{\"code\":130429}]}}]}]}"};
    for (size_t i = 0; i < sizeof timeless / sizeof timeless[0]; i++) {
        struct fixture f;
        read_body(&f, timeless[i]);
        assert_true(f.n == 1 && f.ev->key == 0);
        done(&f);
    }
    struct fixture f; /* the time may stand inside */
    read_body(&f,
              "{\"entry\":[{\"id\":\"1\",\"changes\":[{\"field\":\"smb_app_state_sync\",\"value\":{\"state_sync\":[{"
              "\"metadata\":{\"timestamp\":\"1790000000\"}}]}}]}]}");
    assert_true(f.ev->key != 0);
    done(&f);
}

/* Keys are kept in the database: they must stay what they are. */
TEST(keys_never_change)
{
    struct fixture f;
    read_change(&f, "messages", META ",\"messages\":[" TEXT1 "],\"statuses\":[" SENT "]");
    assert_true(f.ev[0].key == UINT64_C(2638408343099114790) && f.ev[1].key == UINT64_C(7298298222475495484));
    done(&f);
    uint64_t key = read_change(&f, "account_update", "\"event\":\"A\",\"n\":{\"x\":1,\"y\":[1.5,null,true]}")->key;
    assert_true(key == UINT64_C(17431540733497613877));
    done(&f);
}

TESTS(T(keys), T(keys_never_change))
