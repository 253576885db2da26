/* SPDX-License-Identifier: Apache-2.0
 * test_meta_read.c - what is taken out of Meta's answers: health with its reasons, and the time it thinks it is.
 *
 * What would hurt: a blocked number that looks well, an endless explanation, a clock that is called wrong because a header was
 * written in another way. */
#include "gateway/meta_read.h"

#include "t.h"

static const struct {
    const char *status;
    enum health health;
    const char *detail;
} healths[] = {
    {"{\"can_send_message\":\"AVAILABLE\",\"entities\":[]}", HEALTH_AVAILABLE, ""},
    {"{\"can_send_message\":\"AVAILABLE\",\"entities\":[{\"entity_type\":\"WABA\",\"id\":\"1\",\"can_send_message\":"
     "\"AVAILABLE\"}]}",
     HEALTH_AVAILABLE, ""},
    {"{\"can_send_message\":\"blocked\",\"entities\":[{\"entity_type\":\"WABA\",\"can_send_message\":\"BLOCKED\","
     "\"errors\":[{"
     "\"error_code\":141010,\"error_description\":\"d\",\"possible_solution\":\"s\"}]},{\"entity_type\":\"APP\","
     "\"can_send_message\":\"AVAILABLE\"}]}",
     HEALTH_BLOCKED,
     "[{\"entity_type\":\"WABA\",\"can_send_message\":\"BLOCKED\",\"errors\":[{\"error_code\":141010,"
     "\"error_description\":\"d\",\"possible_solution\":\"s\"}]}]"},
    {"{\"can_send_message\":\"LIMITED\",\"entities\":[{\"entity_type\":\"BUSINESS\",\"can_send_message\":\"AVAILABLE\","
     "\"additional_info\":[\"verify\"]}]}",
     HEALTH_LIMITED,
     "[{\"entity_type\":\"BUSINESS\",\"can_send_message\":\"AVAILABLE\",\"additional_info\":[\"verify\"]}]"},
    {"{\"can_send_message\":\"SOMETHING_NEW\",\"entities\":\"none\"}", HEALTH_UNKNOWN, ""},
    {"{}", HEALTH_UNKNOWN, ""},
};

TEST(health_is_a_word_and_its_reasons)
{
    struct json_parser *jp = json_parser_create();
    struct arena *a = arena_create(1u << 20);
    for (size_t i = 0; i < sizeof healths / sizeof healths[0]; i++) {
        struct json v;
        struct str detail;
        assert_int_equal(json_parse(jp, str_of(healths[i].status), false, &v, NULL), 0);
        assert_int_equal(meta_health(a, v, &detail), healths[i].health);
        assert_str(detail, healths[i].detail);
        assert_non_null(detail.p); /* said: nothing is wrong */
    }
    arena_free(a);
    json_parser_free(jp);
}

TEST(reasons_have_a_maximum_and_stay_whole)
{
    struct json_parser *jp = json_parser_create();
    struct arena *a = arena_create(4u << 20);
    struct buf b;
    struct json v, again;
    struct str detail;
    buf_init(&b, 1u << 20);
    buf_puts(&b, "{\"can_send_message\":\"BLOCKED\",\"entities\":[");
    for (int i = 0; i < 100; i++)
        buf_printf(&b, "%s{\"can_send_message\":\"BLOCKED\",\"errors\":[{\"error_description\":\"%0*d\"}]}",
                   i > 0 ? "," : "", i == 3 ? 9000 : 200, i);
    buf_puts(&b, "]}");
    assert_int_equal(json_parse(jp, buf_str(&b), false, &v, NULL), 0);
    assert_int_equal(meta_health(a, v, &detail), HEALTH_BLOCKED);
    assert_in_range(detail.n, META_HEALTH_MAX / 2, META_HEALTH_MAX);
    assert_int_equal(json_parse(jp, detail, false, &again, NULL), 0);
    buf_done(&b);
    arena_free(a);
    json_parser_free(jp);
}

TEST(dates_of_http)
{
    static const struct {
        const char *date;
        int64_t ms;
    } rows[] = {
        {"Thu, 01 Jan 1970 00:00:01 GMT", 1000},
        {"Sun, 22 Nov 2026 11:19:00 GMT", INT64_C(1795346340000)},
        {"Sun, 22 Xov 2026 11:19:00 GMT", 0},
        {"Sun, 22 anF 2026 11:19:00 GMT", 0},
        {"Sunday, 22-Nov-26 11:19:00 GMT", 0},
        {"Sun, 32 Nov 2026 11:19:00 GMT", 0},
        {"Sun, 22 Nov 2026 11:19", 0},
        {"", 0},
        {"Sun, 22 Nov 2026 11:19:00 GMT and a long tail that no clock ever wrote", 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (meta_date(str_of(rows[i].date)) != rows[i].ms)
            fail_msg("%s: %lld", rows[i].date, (long long)meta_date(str_of(rows[i].date)));
}

TESTS(T(health_is_a_word_and_its_reasons), T(reasons_have_a_maximum_and_stay_whole), T(dates_of_http))
