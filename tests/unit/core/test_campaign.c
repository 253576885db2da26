/* SPDX-License-Identifier: Apache-2.0
 * test_campaign.c - definitions as people write them, wrong and right, and what may be done to a campaign when.
 *
 * What would hurt: a key that is mistyped and silently without effect, a mistake that is found while it sends, an act that brings back what is
 * over. */
#include "t.h"

#include "core/campaign.h"

static struct json_parser *parser;
static struct arena *arena;

/* A definition with one line in the place of `%s`; NULL: without. */
#define WITH(line)                                                                                                     \
    "{\"name\":\"Spring\",\"category\":\"marketing\",\"segment\":\"vip\",\"numbers\":[\"111\",222]," line              \
    "\"templates\":[{\"name\":\"spring_sale\"}]}"
#define TEMPLATE(rest)                                                                                                 \
    "{\"name\":\"Spring\",\"category\":\"marketing\",\"segment\":\"vip\",\"numbers\":[\"111\"],"                       \
    "\"templates\":[{\"name\":\"spring_sale\"," rest "}]}"
#define PARAMETERS(rest) TEMPLATE("\"parameters\":{" rest "}")

static int read_def(const char *text, struct campaign_def *d, const char **field, struct err *e)
{
    struct json root;
    if (parser == NULL) {
        parser = json_parser_create();
        arena = arena_create(4u << 20);
    }
    arena_reset(arena);
    *field = "";
    e->text[0] = '\0';
    assert_ok(json_parse(parser, str_of(text), false, &root, e), *e);
    return campaign_def_read(root, arena, d, field, e);
}

/* The field that is named, and a word of the sentence. */
static const struct wrong {
    const char *text, *field, *says;
} wrongs[] = {
    {"[]", "", "JSON object"},
    {"{}", "name", "missing"},
    {"{\"name\":\"\"}", "name", "1 to 128"},
    {"{\"name\":\"a\\nb\"}", "name", "control character"},
    {"{\"name\":\" a\"}", "name", "begin or end"},
    {"{\"name\":\"x\",\"name\":\"y\"}", "", "twice"},
    {WITH("\"deadlin\":\"2026-12-01T09:00:00Z\","), "", "did you mean deadline?"},
    {"{\"name\":\"x\"}", "category", "marketing, utility"},
    {"{\"name\":\"x\",\"category\":\"service\"}", "category", "must be marketing"},
    {"{\"name\":\"x\",\"category\":\"utility\"}", "segment", "query"},
    {WITH("\"query\":{},"), "query", "both given"},
    {"{\"name\":\"x\",\"category\":\"utility\",\"query\":[]}", "query", "object"},
    {"{\"name\":\"x\",\"category\":\"utility\",\"segment\":\"a\"}", "numbers", "missing"},
    {"{\"name\":\"x\",\"category\":\"utility\",\"segment\":\"a\",\"numbers\":[]}", "numbers", "at least one"},
    {"{\"name\":\"x\",\"category\":\"utility\",\"segment\":\"a\",\"numbers\":[1,\"1\"]}", "numbers[1]", "twice"},
    {"{\"name\":\"x\",\"category\":\"utility\",\"segment\":\"a\",\"numbers\":[\"+49\"]}", "numbers[0]",
     "id of a phone"},
    {WITH("\"routes\":[{\"number\":333}],"), "routes[0].number", "none of the campaign's"},
    {WITH("\"routes\":[{\"number\":111,\"countries\":[\"UK\"]}],"), "routes[0].countries[0]", "GB"},
    {WITH("\"routes\":[{\"number\":111,\"languages\":[\"english\",\"d!\"]}],"), "routes[0].languages[1]", "pt_BR"},
    {WITH("\"ramp\":\"slow\","), "ramp", "standard, careful, fast or auto"},
    {WITH("\"hold_out\":5,"), "hold_out", "per cent"},
    {WITH("\"hold_out\":\"0.25%\","), "hold_out", "one digit"},
    {WITH("\"hold_out\":\"60%\","), "hold_out", "at most 50%"},
    {WITH("\"weight\":0,"), "weight", "1 to 100"},
    {WITH("\"most\":1.5,"), "most", "whole number"},
    {WITH("\"start_at\":\"2026-12-01\","), "start_at", "offset"},
    {WITH("\"start_at\":\"2026-12-01T09:00:00\","), "start_at", "offset"},
    {WITH("\"start_at\":\"2026-12-01T09:00:00Z\",\"deadline\":\"2026-12-01T10:00:00+01:00\","), "deadline",
     "not after"},
    {WITH("\"max_lateness\":\"1 day\","), "max_lateness", "24h"},
    {WITH("\"hours\":\"mon-fri\","), "hours", "not understood"},
    {WITH("\"repeat\":{\"every\":\"day\"},"), "repeat.every", "week or month"},
    {WITH("\"repeat\":{\"every\":\"week\",\"at\":\"09:00\",\"zone\":\"UTC\"},"), "repeat.on", "which days"},
    {WITH("\"repeat\":{\"every\":\"week\",\"on\":[\"mo\"],\"at\":\"09:00\",\"zone\":\"UTC\"},"), "repeat.on",
     "mon, tue"},
    {WITH("\"repeat\":{\"every\":\"week\",\"on\":[\"mon\"],\"day\":3},"), "repeat.day", "every month"},
    {WITH("\"repeat\":{\"every\":\"month\",\"day\":32},"), "repeat.day", "1 to 31"},
    {WITH("\"repeat\":{\"every\":\"month\",\"day\":1,\"at\":\"24:00\"},"), "repeat.at", "09:30"},
    {WITH("\"repeat\":{\"every\":\"month\",\"day\":1,\"at\":\"23:59\"},"), "repeat.zone", "Europe/Berlin"},
    {WITH("\"tolerate\":{\"optout\":\"1%\"},"), "tolerate", "opt_out"},
    {WITH("\"tolerate\":{\"opt_out\":\"0%\"},"), "tolerate.opt_out", "per cent"},
    {"{\"name\":\"x\",\"category\":\"utility\",\"segment\":\"a\",\"numbers\":[1]}", "templates", "missing"},
    {TEMPLATE("\"languages\":[]"), "templates[0].languages", "1 to 32"},
    {TEMPLATE("\"languages\":[\"de\",\"de\"]"), "templates[0].languages[1]", "twice"},
    {TEMPLATE("\"weight\":1001"), "templates[0].weight", "1000"},
    {TEMPLATE("\"parameter\":{}"), "templates[0]", "did you mean parameters?"},
    {PARAMETERS("\"body\":\"x\""), "templates[0].parameters.body", "list"},
    {PARAMETERS("\"body\":[\"a\",\"b\\nc\"]"), "templates[0].parameters.body[1]", "line break"},
    {PARAMETERS("\"body\":[\"a     b\"]"), "templates[0].parameters.body[0]", "four spaces"},
    {PARAMETERS("\"body\":[\"  \"]"), "templates[0].parameters.body[0]", "empty"},
    {PARAMETERS("\"body\":[{}]"), "templates[0].parameters.body[0]", "neither"},
    {PARAMETERS("\"body\":[{\"attribute\":\"a\",\"text\":\"b\"}]"), "templates[0].parameters.body[0].text",
     "everybody"},
    {PARAMETERS("\"body\":[{\"attribute\":\"a\",\"default\":\"\\t\"}]"), "templates[0].parameters.body[0].default",
     "tab"},
    {PARAMETERS("\"body\":[{\"attribut\":\"a\"}]"), "templates[0].parameters.body[0]", "did you mean attribute?"},
    {PARAMETERS("\"body\":{\"first\":{\"default\":\"x\"}}"), "templates[0].parameters.body.first", "neither"},
    {PARAMETERS("\"body\":[{\"image\":{\"id\":\"1\"}}]"), "templates[0].parameters.body[0].image", "body"},
    {PARAMETERS("\"header\":{\"image\":{}}"), "templates[0].parameters.header.image", "link or id"},
    {PARAMETERS("\"header\":{\"image\":{\"id\":\"1\"},\"text\":\"x\"}"), "templates[0].parameters.header.image",
     "whole value"},
    {PARAMETERS("\"header\":[\"a\",\"b\"]"), "templates[0].parameters.header", "one value"},
    {PARAMETERS("\"header\":{\"attribute\":\"x\",\"type\":\"image\",\"default\":\"cat\"}"),
     "templates[0].parameters.header.default", "neither a link"},
    {PARAMETERS("\"buttons\":[{\"text\":\"x\"}]"), "templates[0].parameters.buttons[0].type", "missing"},
    {PARAMETERS("\"buttons\":[{\"type\":\"url\",\"index\":10,\"text\":\"x\"}]"),
     "templates[0].parameters.buttons[0].index", "0 to 9"},
    {PARAMETERS("\"buttons\":[{\"type\":\"url\",\"text\":\"x\"},{\"type\":\"url\",\"index\":0,\"text\":\"y\"}]"),
     "templates[0].parameters.buttons[1].index", "another button"},
    {PARAMETERS("\"buttons\":[{\"type\":\"copy_code\",\"text\":\"123456789012345678901\"}]"),
     "templates[0].parameters.buttons[0].text", "too long"},
    {PARAMETERS("\"buttons\":[{\"type\":\"catalog\"}]"), "templates[0].parameters.buttons[0].action", "object"},
    {PARAMETERS("\"code\":\"123\""), "templates[0].parameters.code", "authentication"},
    {PARAMETERS("\"limited_time_offer\":{}"), "templates[0].parameters.limited_time_offer.expires_at", "missing"},
};

TEST(mistakes_are_named)
{
    struct campaign_def d;
    for (size_t i = 0; i < sizeof wrongs / sizeof wrongs[0]; i++) {
        struct err e = {0};
        const char *field;
        int rc = read_def(wrongs[i].text, &d, &field, &e);
        if (rc != WL_EINVAL || strcmp(field, wrongs[i].field) != 0 || strstr(e.text, wrongs[i].says) == NULL)
            fail_msg("%s: %d, field \"%s\", \"%s\"; wanted field \"%s\" and \"%s\"", wrongs[i].text, rc, field, e.text,
                     wrongs[i].field, wrongs[i].says);
    }
}

TEST(everything_is_read)
{
    struct campaign_def d;
    struct err e;
    const char *field;
    assert_ok(
        read_def(
            "{\"name\":\"Autumn\",\"comment\":\"for the shop\",\"category\":\"marketing\",\"query\":{\"rules\":[]},"
            "\"templates\":[{\"name\":\"a_1\",\"weight\":3,\"languages\":[\"de\",\"PT-br\"],\"parameters\":{"
            "\"header\":{\"image\":{\"link\":\"https://x/y.png\"}},"
            "\"body\":{\"first\":{\"attribute\":\"name\",\"default\":\"friend\"},\"off\":\"20 %\"},"
            "\"buttons\":[{\"type\":\"url\",\"attribute\":\"code\"},{\"type\":\"flow\",\"index\":2,\"data\":{\"a\":1}}]"
            "}},"
            "{\"name\":\"b\"}],"
            "\"numbers\":[\"111\",222],\"routes\":[{\"number\":222,\"countries\":[\"BR\"],\"languages\":\"pt\"}],"
            "\"ramp\":\"careful\",\"hold_out\":\"2.5%\",\"weight\":7,\"most\":5000,"
            "\"start_at\":\"2026-12-01T09:00:00+01:00\",\"deadline\":\"2026-12-02T09:00:00Z\",\"max_lateness\":\"90m\","
            "\"hours\":\"daily 09:00-20:00\",\"tolerate\":{\"opt_out\":\"0.4%\",\"complaint\":\"0.05%\"}}",
            &d, &field, &e),
        e);
    assert_str(d.name, "Autumn");
    assert_int_equal(d.segment.n, 0);
    assert_int_equal(json_type(d.query), JSON_OBJECT);
    assert_int_equal(d.n_variants, 2);
    assert_int_equal(d.variant[0].weight, 3);
    assert_int_equal(d.variant[1].weight, 1);
    assert_str(d.variant[0].language[1], "pt_BR");
    assert_int_equal(d.variant[0].n_slots, 5);
    assert_str(d.variant[0].slot[1].name, "first");
    assert_str(d.variant[0].slot[1].text, "friend");
    assert_str(d.variant[0].slot[3].attribute, "code");
    assert_null(d.variant[0].slot[3].text.p);
    assert_int_equal(d.variant[0].slot[4].index, 2);
    assert_int_equal(d.number[1], 222);
    assert_int_equal(d.route[0].n_languages, 1);
    assert_int_equal(d.ramp, RAMP_CAREFUL);
    assert_int_equal(d.hold_out, 25);
    assert_int_equal(d.start_at, INT64_C(1796112000000));
    assert_int_equal(d.max_lateness, 5400000);
    assert_true(d.has_hours && d.ramp_given);
    assert_int_equal(d.opt_out_most, 4000);
    assert_int_equal(d.complaint_most, 500);
    assert_int_equal(d.undeliverable_most, 0);
    assert_ok(read_def(WITH(""), &d, &field, &e), e);
    assert_int_equal(d.max_lateness, 86400000);
    assert_true(!d.ramp_given && d.weight == 1 && d.repeat.every == REPEAT_NEVER);
    assert_ok(
        read_def(
            WITH(
                "\"max_lateness\":\"0h\",\"ramp\":\"auto\",\"repeat\":{\"every\":\"month\",\"day\":31,\"at\":\"07:05\","
                "\"zone\":\"Europe/Berlin\",\"times\":3},"),
            &d, &field, &e),
        e);
    assert_true(d.max_lateness == 0 && !d.ramp_given && d.repeat.month_day == 31 && d.repeat.minute == 425 &&
                d.repeat.times == 3);
}

/* Rows: acts; columns: the states from draft on. "": it may not be. */
static const struct {
    enum campaign_act act;
    const char *next[8];
} acts[] = {
    {CAMPAIGN_ACT_CHANGE, {"draft", "draft", "draft", "", "", "", "", ""}},
    {CAMPAIGN_ACT_CHECK, {"draft", "draft", "draft", "", "", "", "", ""}},
    {CAMPAIGN_ACT_CHECKED, {"checked", "", "", "", "", "", "", ""}},
    {CAMPAIGN_ACT_UNCHECKED, {"draft", "", "", "", "", "", "", ""}},
    {CAMPAIGN_ACT_APPROVE, {"", "approved", "", "", "", "", "", ""}},
    {CAMPAIGN_ACT_START, {"", "", "running", "", "", "", "", ""}},
    {CAMPAIGN_ACT_PAUSE, {"", "", "", "held", "held", "", "", ""}},
    {CAMPAIGN_ACT_HOLD, {"", "", "", "held", "held", "", "", ""}},
    {CAMPAIGN_ACT_RESUME, {"", "", "", "", "running", "", "", ""}},
    {CAMPAIGN_ACT_STOP, {"", "", "", "stopped", "stopped", "", "", ""}},
    {CAMPAIGN_ACT_CANCEL, {"cancelled", "cancelled", "cancelled", "", "", "", "", ""}},
    {CAMPAIGN_ACT_QUARANTINE, {"", "", "", "running", "held", "", "", ""}},
    {CAMPAIGN_ACT_RELEASE, {"", "", "", "running", "held", "", "", ""}},
    {CAMPAIGN_ACT_FINISH, {"", "", "", "finished", "finished", "", "", ""}},
    {CAMPAIGN_ACT_REPEAT, {"", "", "approved", "running", "", "", "", ""}},
};

TEST(acts_by_state)
{
    for (size_t i = 0; i < sizeof acts / sizeof acts[0]; i++)
        for (int s = CAMPAIGN_DRAFT; s <= CAMPAIGN_CANCELLED; s++) {
            enum campaign_state next = (enum campaign_state)0;
            struct err e = {0};
            int rc = campaign_act_allowed((enum campaign_state)s, acts[i].act, &next, &e);
            const char *want = acts[i].next[s - CAMPAIGN_DRAFT], *got = rc == 0 ? campaign_state_name(next) : "";
            if (strcmp(want, got) != 0 || rc != (want[0] != '\0' ? 0 : WL_EDENIED))
                fail_msg("%s in %s: \"%s\" (%s), wanted \"%s\"", campaign_act_name(acts[i].act),
                         campaign_state_name((enum campaign_state)s), got, e.text, want);
        }
}

TEST(refusals_say_what_may_be_done)
{
    enum campaign_state next;
    struct err e;
    campaign_act_allowed(CAMPAIGN_DRAFT, CAMPAIGN_ACT_START, &next, &e);
    assert_string_equal(e.text, "the campaign is draft: it cannot be started; it may be changed, checked or cancelled");
    campaign_act_allowed(CAMPAIGN_STOPPED, CAMPAIGN_ACT_RESUME, &next, &e);
    assert_non_null(strstr(e.text, "for good"));
    for (int s = CAMPAIGN_DRAFT; s <= CAMPAIGN_CANCELLED; s++)
        assert_int_equal(campaign_state_parse(str_of(campaign_state_name((enum campaign_state)s))), s);
    assert_int_equal(campaign_state_parse(STR("paused")), 0);
}

TESTS(T(mistakes_are_named), T(everything_is_read), T(acts_by_state), T(refusals_say_what_may_be_done))
