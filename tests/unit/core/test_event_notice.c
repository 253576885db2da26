/* SPDX-License-Identifier: Apache-2.0
 * test_event_notice.c - what is kept word for word of what Meta says of accounts, numbers and templates.
 *
 * What would hurt: a person in what is kept for a year; a value so large that its body is never applied. */
#include "event_fixture.h"

#define CUT    "{\"cut\":true}"
#define PERSON "{\"cut\":true,\"names_a_person\":true}"

/* Notices outlive the bodies: nobody is named in them, whatever the member is called. What is ours is kept. */
TEST(notices_name_nobody)
{
    static const struct {
        const char *value;
        bool person;
    } rows[] = {
        {"\"events\":[{\"wa_id\":\"15550001111\"}]", true},
        {"\"events\":[{\"from\":\"447700900123\"}]", true},
        {"\"a\":{\"buyer\":447700900123}", true},
        {"\"a\":[\"+55 11 91234-5678\"]", true},
        {"\"customer\":\"US.13491208655302741918\"", true},
        {"\"x\":\"US.ENT.11815799212886844830\"", true},
        {"\"display_phone_number\":\"15550009999\",\"event\":\"PIN_CHANGED\",\"requester\":\"61555822107539\"", false},
        {"\"timestamp\":\"1739321024\",\"seen_at\":1739321024,\"ms\":1739321024000", false},
        {"\"message_template_id\":1689556908129832,\"waba_id\":\"2001112223\",\"id\":33612345678", false},
        {"\"day\":\"2026-11-22\",\"limit\":100000,\"rate\":0.93,\"tier\":\"TIER_100K\",\"none\":null", false},
        {"\"partner\":\"106540352242922\",\"version\":\"v25.0\"", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fixture f;
        char whole[400];
        struct event *ev = read_change(&f, "automatic_events", rows[i].value);
        snprintf(whole, sizeof whole, "{%s}", rows[i].value);
        if (!str_eq(ev->notice, str_of(rows[i].person ? PERSON : whole)))
            fail_msg("row %zu: %.*s", i, (int)ev->notice.n, ev->notice.p);
        done(&f);
    }
}

/* A value that is longer than its place is no want of memory, for the body would be tried again for ever. 1e9 is written
 * with twelve digits. */
TEST(a_value_larger_than_its_place_is_cut)
{
    struct buf b;
    struct fixture f;
    buf_init(&b, 4 << 20);
    buf_puts(&b,
             "{\"entry\":[{\"id\":\"1\",\"time\":1790000000,\"changes\":[{\"field\":\"message_template_status_update\","
             "\"value\":{\"event\":\"REJECTED\",\"message_template_name\":\"n\",\"other_info\":[1e9");
    for (int i = 0; i < 900000; i++)
        buf_puts(&b, ",1e9");
    buf_puts(&b, "]}}]}]}");
    assert_false(b.failed);
    read_body(&f, buf_cstr(&b));
    assert_true(f.n == 1 && f.ev->kind == EVENT_TEMPLATE_STATUS && f.ev->key != 0);
    assert_text(f.ev->notice, CUT);
    assert_text(f.ev->template_detail, "");
    done(&f);
    buf_done(&b);
}

TESTS(T(notices_name_nobody), T(a_value_larger_than_its_place_is_cut))
