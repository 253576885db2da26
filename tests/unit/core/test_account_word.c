/* SPDX-License-Identifier: Apache-2.0
 * test_account_word.c - what each kind of account webhook says, and what it does not.
 *
 * What would hurt: a restriction overlooked, one that ends too soon, one taken from words that restrict nothing. */
#include "core/event.h"

#include "t.h"

#define ENVELOPE                                                                                                       \
    "{\"object\":\"whatsapp_business_account\",\"entry\":[{\"id\":\"2000\",\"time\":1790000000,\"changes\":[{"         \
    "\"field\":\"%s\",\"value\":{%s}}]}]}"
#define RESTRICTION(list) "\"event\":\"ACCOUNT_RESTRICTION\",\"restriction_info\":[" list "]"
#define UNTIL(type, at)   "{\"restriction_type\":\"RESTRICTED_" type "\",\"expiration\":" at "}"
#define BAN(state)                                                                                                     \
    "\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":\"" state                                          \
    "\",\"waba_ban_date\":\"November 3, 2026\"}"
#define OWNER(event) "\"event\":\"" event "\",\"waba_info\":{\"waba_id\":\"555\",\"owner_business_id\":\"77\"}"
#define REINSTATED   (SAID_STATE | SAID_TEMPLATES | SAID_MESSAGES | SAID_UTILITY | SAID_DIRECT | SAID_DISABLE_ON)
#define T1           INT64_C(1790600000000)
#define T2           INT64_C(1790700000000)

static const struct row {
    const char *field, *value;
    struct account_word want;
} rows[] = {
    {"account_update",
     RESTRICTION(UNTIL("BIZ_INITIATED_MESSAGING", "1790600000")),
     {.said = SAID_TEMPLATES, .no_templates_until = T1}},
    {"account_update",
     RESTRICTION(UNTIL("BIZ_INITIATED_MESSAGING", "\"1790600000\"")),
     {.said = SAID_TEMPLATES, .no_templates_until = T1}},
    {"account_update",
     RESTRICTION(UNTIL("BIZ_INITIATED_MESSAGING", "1790600000000")),
     {.said = SAID_TEMPLATES, .no_templates_until = T1}},
    {"account_update",
     RESTRICTION(UNTIL("BIZ_INITIATED_MESSAGING", "1790600000") "," UNTIL(
         "CUSTOMER_INITIATED_MESSAGING", "1790700000") "," UNTIL("UTILITY_TEMPLATES", "1790600000")),
     {.said = SAID_TEMPLATES | SAID_MESSAGES | SAID_UTILITY,
      .no_templates_until = T1,
      .no_messages_until = T2,
      .no_utility_until = T1}},
    {"account_update",
     RESTRICTION(UNTIL("BIZ_INITIATED_MESSAGING", "1790700000") "," UNTIL("BIZ_INITIATED_MESSAGING", "1790600000")),
     {.said = SAID_TEMPLATES, .no_templates_until = T2}},
    {"account_update",
     RESTRICTION("{\"restriction_type\":\"RESTRICTED_BIZ_INITIATED_MESSAGING\"}"),
     {.said = SAID_TEMPLATES, .no_templates_until = ACCOUNT_FOREVER}},
    {"account_update",
     RESTRICTION(UNTIL("UTILITY_TEMPLATES", "\"<TIMESTAMP>\"")),
     {.said = SAID_UTILITY, .no_utility_until = ACCOUNT_FOREVER}},
    {"account_update",
     RESTRICTION(UNTIL("UTILITY_TEMPLATES", "9223372036854775807")),
     {.said = SAID_UTILITY, .no_utility_until = ACCOUNT_FOREVER}},
    {"account_update",
     RESTRICTION(UNTIL("ADD_PHONE_NUMBER_ACTION", "1790600000") "," UNTIL(
         "USER_INITIATED_CALLING", "1790600000") "," UNTIL("SOMETHING_NEW", "1790600000")),
     {0}},
    {"account_update",
     RESTRICTION(UNTIL("DIRECT_SEND_UTILITY_TEMPLATES", "1790600000")),
     {.said = SAID_DIRECT, .no_direct_until = T1}},
    {"account_update", "\"event\":\"ACCOUNT_RESTRICTION\",\"restriction_info\":\"none\"", {0}},
    {"account_update", "\"event\":\"ACCOUNT_RESTRICTION\"", {0}},
    {"account_update",
     BAN("DISABLE"),
     {.said = SAID_STATE | SAID_DISABLE_ON, .state = ACCOUNT_DISABLED, .disable_on = "November 3, 2026"}},
    {"account_update", BAN("SCHEDULE_FOR_DISABLE"), {.said = SAID_DISABLE_ON, .disable_on = "November 3, 2026"}},
    {"account_update", BAN("REINSTATE"), {.said = REINSTATED}},
    {"account_update", BAN("SOMETHING_NEW"), {0}},
    {"account_update", "\"event\":\"ACCOUNT_DELETED\"", {.said = SAID_STATE, .state = ACCOUNT_DISABLED}},
    {"account_update",
     "\"event\":\"ACCOUNT_VIOLATION\",\"violation_info\":{\"violation_type\":\"SCAM\"}",
     {.said = SAID_VIOLATION, .violation = "SCAM"}},
    {"account_update", "\"event\":\"ACCOUNT_VIOLATION\",\"violation_info\":{\"violation_type\":7}", {0}},
    {"account_update", "\"event\":\"ACCOUNT_OFFBOARDED\"", {.said = SAID_STATE, .state = ACCOUNT_LOCKED}},
    {"account_update", "\"event\":\"ACCOUNT_RECONNECTED\"", {.said = SAID_STATE}},
    {"account_update",
     "\"event\":\"PARTNER_REMOVED\",\"disconnection_info\":{\"reason\":\"CHANGE_NUMBER\",\"initiated_by\":\"USER\"}",
     {0}},
    {"account_update", OWNER("PARTNER_ADDED"), {.said = SAID_PORTFOLIO, .waba = 555, .portfolio = 77}},
    {"account_update", "\"event\":\"AD_ACCOUNT_LINKED\",\"waba_info\":{\"waba_id\":\"555\"}", {0}},
    {"account_review_update", "\"decision\":\"APPROVED\"", {.said = SAID_REVIEW, .review = "APPROVED"}},
    {"account_review_update", "\"decision\":\"rejected\"", {.said = SAID_REVIEW, .review = "REJECTED"}},
    {"account_review_update", "\"decision\":\"PENDING\"", {.said = SAID_REVIEW, .review = "PENDING"}},
    {"account_review_update", "\"decision\":\"DEFERRED\"", {.said = SAID_REVIEW, .review = "DEFERRED"}},
    {"account_review_update", "\"decision\":\"MAYBE\"", {0}},
    {"business_capability_update",
     "\"max_daily_conversations_per_business\":2000,\"max_phone_numbers_per_waba\":25",
     {.said = SAID_LIMIT | SAID_NUMBERS_MAX, .limit = 2000, .numbers_max = 25}},
    {"business_capability_update",
     "\"max_daily_conversation_per_phone\":\"TIER_10K\",\"max_phone_numbers_per_business\":\"2\"",
     {.said = SAID_LIMIT | SAID_NUMBERS_MAX, .limit = 10000, .numbers_max = 2}},
    {"business_capability_update", "\"max_phone_numbers_per_waba\":-1", {0}},
    {"business_capability_update", "\"max_daily_conversations_per_business\":-1", {.said = SAID_LIMIT, .limit = 0}},
    {"business_capability_update",
     "\"max_daily_conversations_per_business\":\"TIER_100K\"",
     {.said = SAID_LIMIT, .limit = 100000}},
    {"business_capability_update",
     "\"max_daily_conversation_per_phone\":\"TIER_250\"",
     {.said = SAID_LIMIT, .limit = 250}},
    {"business_capability_update", "\"max_daily_conversations_per_business\":\"TIER_UNLIMITED\"", {.said = SAID_LIMIT}},
    {"business_capability_update", "\"max_daily_conversations_per_business\":\"TIER_NOT_SET\"", {0}},
    {"business_capability_update", "\"max_daily_conversations_per_business\":0", {0}},
    {"business_capability_update", "\"max_daily_conversations_per_business\":-7", {0}},
    {"phone_number_quality_update",
     "\"display_phone_number\":\"1\",\"event\":\"THROUGHPUT_UPGRADE\",\"max_daily_conversations_per_business\":\"TIER_"
     "UNLIMITED\"",
     {.said = SAID_THROUGHPUT | SAID_LIMIT, .per_second = 1000}},
    {"phone_number_quality_update",
     "\"event\":\"ONBOARDING\",\"current_limit\":\"TIER_2K\"",
     {.said = SAID_LIMIT, .limit = 2000}},
    {"phone_number_quality_update",
     "\"event\":\"FLAGGED\",\"current_limit\":\"TIER_10K\",\"old_limit\":\"TIER_100K\"",
     {.said = SAID_QUALITY | SAID_LIMIT, .limit = 10000, .quality = "RED"}},
    {"account_alerts", "\"alert_info\":{\"alert_type\":\"INCREASED_CAPABILITIES_ELIGIBILITY_FAILED\"}", {0}},
    {"phone_number_name_update",
     "\"display_phone_number\":\"1\",\"decision\":\"REJECTED\",\"rejection_reason\":\"NAME_NOT_CONSISTENT\"",
     {.said = SAID_NAME_STATUS, .name_status = "DECLINED"}},
    {"phone_number_name_update", "\"decision\":\"APPROVED\"", {.said = SAID_NAME_STATUS, .name_status = "APPROVED"}},
    {"phone_number_name_update",
     "\"decision\":\"PENDING\"",
     {.said = SAID_NAME_STATUS, .name_status = "PENDING_REVIEW"}},
    {"phone_number_name_update", "\"decision\":\"DEFERRED\"", {.said = SAID_NAME_STATUS, .name_status = "DEFERRED"}},
    {"phone_number_name_update", "\"decision\":7", {0}},
    {"business_username_updates",
     "\"username\":\"jaspers.market\",\"status\":\"approved\"",
     {.said = SAID_USERNAME, .username = "jaspers.market"}},
    {"phone_number_username_update",
     "\"username\":\"jaspers.market\"",
     {.said = SAID_USERNAME, .username = "jaspers.market"}},
    {"business_username_updates", "\"username\":\"jaspers.market\",\"status\":\"reserved\"", {0}},
    {"business_username_updates", "\"username\":\"jaspers.market\",\"status\":\"deleted\"", {.said = SAID_USERNAME}},
    {"business_username_updates", "\"username\":7", {0}},
    {"security", "\"event\":\"PIN_CHANGED\"", {0}},
};

static bool same_times(const struct account_word *a, const struct account_word *b)
{
    return a->no_templates_until == b->no_templates_until && a->no_messages_until == b->no_messages_until &&
           a->no_utility_until == b->no_utility_until && a->no_direct_until == b->no_direct_until;
}

static bool same_words(const struct account_word *a, const struct account_word *b)
{
    return str_eq(str_of(a->quality), str_of(b->quality)) && str_eq(str_of(a->review), str_of(b->review)) &&
           str_eq(str_of(a->name_status), str_of(b->name_status)) && strcmp(a->violation, b->violation) == 0 &&
           strcmp(a->disable_on, b->disable_on) == 0 && strcmp(a->username, b->username) == 0;
}

static void check(const struct account_word *got, const struct account_word *want, const char *what)
{
    static const struct account_word nothing = {0};
    if (got == NULL)
        got = &nothing;
    bool same = got->said == want->said && got->waba == want->waba && got->state == want->state &&
                got->limit == want->limit && got->portfolio == want->portfolio && got->per_second == want->per_second &&
                got->numbers_max == want->numbers_max && same_times(got, want) && same_words(got, want);
    if (!same && !(got->said == 0 && want->said == 0))
        fail_msg("%s: said %u, state %d, until %lld %lld %lld, limit %lld", what, got->said, (int)got->state,
                 (long long)got->no_templates_until, (long long)got->no_messages_until,
                 (long long)got->no_utility_until, (long long)got->limit);
}

TEST(each_webhook_says_what_it_says)
{
    struct json_parser *parser = json_parser_create();
    struct arena *a = arena_create(1 << 20);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char body[2048];
        struct json v;
        struct event *ev;
        size_t n;
        struct err e = {0};
        snprintf(body, sizeof body, ENVELOPE, rows[i].field, rows[i].value);
        assert_ok(json_parse(parser, str_of(body), false, &v, &e), e);
        assert_ok(events_parse(v, a, &ev, &n, &e), e);
        assert_int_equal(n, 1);
        assert_int_equal(ev->kind, EVENT_ACCOUNT);
        assert_int_equal(ev->waba, 2000);
        check(ev->account, &rows[i].want, rows[i].value);
        assert_true((ev->account == NULL) == (rows[i].want.said == 0));
    }
    arena_free(a);
    json_parser_free(parser);
}

TEST(throughput)
{
    assert_int_equal(account_throughput_parse(STR("STANDARD"), false), 80);
    assert_int_equal(account_throughput_parse(STR("HIGH"), false), 1000);
    assert_int_equal(account_throughput_parse(STR("HIGH"), true), 20);
    assert_int_equal(account_throughput_parse(STR("NOT_APPLICABLE"), false), 0);
}

/* The account webhooks of public SDKs: all of them, and what each says. */
TEST(public_webhooks)
{
    static const struct {
        const char *id;
        struct account_word want;
    } known[] = {
        {"wd-0017", {.said = SAID_STATE, .state = ACCOUNT_DISABLED}},
        {"wd-0018", {.said = SAID_TEMPLATES, .no_templates_until = INT64_C(1641330498000)}},
        {"wd-0019", {.said = SAID_VIOLATION, .violation = "ADULT"}},
        {"wd-0020", {.said = SAID_PORTFOLIO, .waba = 980198427658004, .portfolio = 2329417887457253}},
        {"wd-0022", {.said = REINSTATED}},
        {"wd-0023", {.said = SAID_PORTFOLIO, .waba = 980198427658004, .portfolio = 2329417887457253}},
        {"wd-0024", {.said = SAID_PORTFOLIO, .waba = 980198427658004, .portfolio = 2329417887457253}},
        {"wd-0025", {.said = SAID_PORTFOLIO, .waba = 1191624265890717, .portfolio = 2329417887457253}},
        {"wd-0026", {.said = SAID_PORTFOLIO, .waba = 184943124712545, .portfolio = 1284923862322270}},
        {"wd-0028", {.said = SAID_PORTFOLIO, .waba = 980198427658004, .portfolio = 2329417887457253}},
        {"wd-0029", {.said = SAID_PORTFOLIO, .waba = 980198427658004, .portfolio = 2329417887457253}},
        {"wd-0032", {.said = SAID_STATE, .state = ACCOUNT_LOCKED}},
        {"wd-0033", {.said = SAID_STATE}},
        {"wd-0089", {.said = SAID_DISABLE_ON, .disable_on = "January 31, 2021"}},
        {"wd-0090",
         {.said = SAID_TEMPLATES | SAID_MESSAGES,
          .no_templates_until = ACCOUNT_FOREVER,
          .no_messages_until = ACCOUNT_FOREVER}},
        {"wd-0091", {.said = SAID_REVIEW, .review = "APPROVED"}},
        {"wd-0100", {.said = SAID_NAME_STATUS, .name_status = "APPROVED"}},
        {"wd-0101", {.said = SAID_QUALITY | SAID_LIMIT, .limit = 10000, .quality = "RED"}},
    };
    static const struct account_word nothing = {0};
    static char line[1 << 20];
    const char *path = case_file("webhooks/webhooks.jsonl");
    if (path == NULL)
        skip_loudly("no ../shared/cases/webhooks");
    struct json_parser *parser = json_parser_create();
    struct arena *a = arena_create(8 << 20);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    size_t seen = 0, found = 0;
    while (fgets(line, sizeof line, f)) {
        struct json v;
        struct event *ev;
        size_t n;
        assert_int_equal(json_parse(parser, str_of(line), false, &v, NULL), 0);
        struct json payload = json_get(v, "payload");
        if (json_type(payload) != JSON_OBJECT)
            continue;
        arena_reset(a);
        assert_int_equal(events_parse(payload, a, &ev, &n, NULL), 0);
        for (size_t i = 0; i < n; i++) {
            if (ev[i].kind != EVENT_ACCOUNT)
                continue;
            seen++;
            const struct account_word *want = &nothing;
            struct str id = json_str_or(json_get(v, "id"), STR(""));
            for (size_t k = 0; k < sizeof known / sizeof known[0]; k++)
                if (str_eq(id, str_of(known[k].id)))
                    want = &known[k].want;
            found += want != &nothing;
            check(ev[i].account, want, arena_strndup(a, id.p, id.n));
        }
    }
    fclose(f);
    assert_int_equal(seen, 24);
    assert_int_equal(found, sizeof known / sizeof known[0]);
    arena_free(a);
    json_parser_free(parser);
}

TESTS(T(each_webhook_says_what_it_says), T(throughput), T(public_webhooks))
