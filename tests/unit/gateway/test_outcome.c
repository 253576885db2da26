/* SPDX-License-Identifier: Apache-2.0
 * test_outcome.c - what an answer of Meta's means for the message.
 *
 * What would hurt: a doubt taken for a refusal is sent twice; a refusal taken for a doubt is never sent again, or an hour
 * later; an id that is not there. */
#include "base/arena.h"
#include "gateway/admit.h"

#include "t.h"

#define OK_BODY  "{\"contacts\":[{\"wa_id\":\"447700900001\"}],\"messages\":[{\"id\":\"wamid.A\"}]}"
#define ERROR(c) "{\"error\":{\"message\":\"no\",\"code\":" c "}}"

TEST(an_answer_is_read_as_what_it_is)
{
    static const struct {
        enum http_fate fate;
        int status;
        const char *body;
        enum life_state outcome;
        int code;
    } rows[] = {
        {HTTP_ANSWERED, 200, OK_BODY, LIFE_ACCEPTED, 0},
        {HTTP_ANSWERED, 200, "{\"messages\":[{}]}", LIFE_AMBIGUOUS, 0},
        {HTTP_ANSWERED, 200, "<html>", LIFE_AMBIGUOUS, 0},
        {HTTP_ANSWERED, 302, "{}", LIFE_AMBIGUOUS, 0},
        {HTTP_UNSENT, 0, "", LIFE_UNSENT, 0},
        {HTTP_AMBIGUOUS, 0, "", LIFE_AMBIGUOUS, 0},
        {HTTP_AMBIGUOUS, 400, ERROR("100"), LIFE_AMBIGUOUS, 0}, /* cut off */
        /* below 500 in so many words */
        {HTTP_ANSWERED, 400, ERROR("131026"), LIFE_REJECTED, 131026},
        {HTTP_ANSWERED, 400, ERROR("131000"), LIFE_REJECTED, 131000},
        {HTTP_ANSWERED, 401, ERROR("0"), LIFE_REJECTED, 0},
        {HTTP_ANSWERED, 429, ERROR("130429"), LIFE_REJECTED, 130429},
        {HTTP_ANSWERED, 400, "{\"error\":{}}", LIFE_AMBIGUOUS, 0},
        /* 500 and more may hide a message that was accepted */
        {HTTP_ANSWERED, 500, ERROR("1"), LIFE_AMBIGUOUS, 1},
        {HTTP_ANSWERED, 503, ERROR("2"), LIFE_AMBIGUOUS, 2},
        {HTTP_ANSWERED, 500, ERROR("131000"), LIFE_AMBIGUOUS, 131000},
        {HTTP_ANSWERED, 500, ERROR("131016"), LIFE_AMBIGUOUS, 131016},
        {HTTP_ANSWERED, 503, ERROR("133004"), LIFE_AMBIGUOUS, 133004},
        {HTTP_ANSWERED, 500, ERROR("131026"), LIFE_AMBIGUOUS, 131026},
        {HTTP_ANSWERED, 500, ERROR("130429"), LIFE_AMBIGUOUS, 130429},
        {HTTP_ANSWERED, 500, ERROR("0"), LIFE_AMBIGUOUS, 0},
        {HTTP_ANSWERED, 502, "<html>", LIFE_AMBIGUOUS, 0},
        {HTTP_ANSWERED, 500, OK_BODY, LIFE_AMBIGUOUS, 0},
        /* but not from a number that may not send */
        {HTTP_ANSWERED, 500, ERROR("3"), LIFE_REJECTED, 3},
        {HTTP_ANSWERED, 500, ERROR("131045"), LIFE_REJECTED, 131045},
        {HTTP_ANSWERED, 500, ERROR("131057"), LIFE_REJECTED, 131057},
        {HTTP_ANSWERED, 500, ERROR("133010"), LIFE_REJECTED, 133010},
        {HTTP_ANSWERED, 503, ERROR("190"), LIFE_REJECTED, 190},
        {HTTP_ANSWERED, 500, ERROR("200"), LIFE_REJECTED, 200}, /* the permissions, all alike */
    };
    struct json_parser *parser = json_parser_create();
    struct arena *a = arena_create(1u << 16);
    struct intent in = {.to = {.kind = IDENTITY_PHONE}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct send s = {.intent = &in, .outcome_code = 77, .outcome_held = true, .wamid = STR("wamid.old")};
        outcome_read(&s, rows[i].fate, rows[i].status, str_of(rows[i].body), parser, a);
        assert_int_equal(s.outcome, rows[i].outcome);
        assert_int_equal(s.outcome_code, rows[i].code);
        assert_false(s.outcome_held);
        assert_str(s.wamid, rows[i].outcome == LIFE_ACCEPTED ? "wamid.A" : "");
    }
    arena_free(a);
    json_parser_free(parser);
}

TESTS(T(an_answer_is_read_as_what_it_is))
