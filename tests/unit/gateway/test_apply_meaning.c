/* SPDX-License-Identifier: Apache-2.0
 * test_apply_meaning.c - what each kind of webhook changes, body by body: the rows say what comes and what the state says then.
 *
 * What would hurt: a window opened by what is no message, a name the business gave overwritten, a template taken for usable that
 * is not, a word of Meta's that nobody can read again. */
#include "order_world.h"

#define ENTRY(field, value)                                                                                            \
    "{\"entry\":[{\"id\":\"2000\",\"time\":1699990000,\"changes\":[{\"field\":\"" field "\",\"value\":{" value "}}]}]" \
    "}"
#define META     "\"metadata\":{\"display_phone_number\":\"15559990000\",\"phone_number_id\":\"1\"}"
#define ANA      "\"contacts\":[{\"profile\":{\"name\":\"Ana\"},\"wa_id\":\"15550000001\",\"user_id\":\"US.1\"}]"
#define ANNA     "\"contacts\":[{\"profile\":{\"name\":\"Anna\"},\"wa_id\":\"15550000001\",\"user_id\":\"US.1\"}]"
#define FROM     "\"from\":\"15550000001\",\"from_user_id\":\"US.1\""
#define AT(t)    "\"timestamp\":\"16999" t "\""
#define TEMPLATE "\"message_template_id\":7,\"message_template_name\":\"t\",\"message_template_language\":\"en-US\","
#define ROWS_MAX 6

static const struct row {
    const char *body[ROWS_MAX];
    const char *says[ROWS_MAX], *says_not; /* parts of the dump (order_world.h) */
} rows[] = {
    /* windows */
    {{ENTRY("messages", META "," ANA ",\"messages\":[{" FROM "," AT("80000") ",\"id\":\"a\",\"type\":\"text\"}]")},
     {"15550000001 US.1: name \"Ana\" 1699980000000", "window 0 1699980000000"},
     NULL},
    {{ENTRY("messages",
            META ",\"messages\":[{" FROM "," AT("80000") ",\"id\":\"a\",\"type\":\"reaction\",\"reaction\":{}}]")},
     {"15550000001 US.1"},
     "window"},
    {{ENTRY("messages",
            META ",\"messages\":[{" FROM "," AT("80000") ",\"id\":\"a\",\"group_id\":\"G\",\"type\":\"text\"}]")},
     {"15550000001 US.1"},
     "window"},
    {{ENTRY("standby", META ",\"standby\":{\"messages\":[{" FROM "," AT("80000") ",\"id\":\"a\",\"type\":\"text\"}]}")},
     {"window 0 1699980000000"},
     NULL},
    {{ENTRY("calls",
            META ",\"calls\":[{" FROM ",\"start_time\":\"1699970000\"," AT("80000") ",\"id\":\"c\",\"direction\":"
                                                                                    "\"USER_INITIATED\"}]")},
     {"window 0 1699970000000"},
     NULL},
    {{ENTRY("calls", META ",\"calls\":[{\"to\":\"15550000001\"," AT("80000") ",\"id\":\"c\",\"direction\":\"BUSINESS_"
                                                                             "INITIATED\"}]")},
     {"people 0"},
     "window"},
    {{ENTRY("smb_message_echoes",
            META ",\"message_echoes\":[{\"from\":\"15559990000\",\"to\":\"15550000001\"," AT("80000") "}]"),
      ENTRY("history", "\"history\":[{\"threads\":[{\"messages\":[{\"from\":\"15550000001\"}]}]}]")},
     {"people 0"},
     "window"},
    /* names */
    {{ENTRY("messages", META "," ANNA ",\"messages\":[{" FROM "," AT("80000") ",\"id\":\"b\",\"type\":\"text\"}]"),
      ENTRY("messages", META "," ANA ",\"messages\":[{" FROM "," AT("70000") ",\"id\":\"a\",\"type\":\"text\"}]")},
     {"name \"Anna\" 1699980000000"},
     NULL},
    {{ENTRY("messages", META "," ANA ",\"messages\":[{" FROM "," AT("60000") ",\"id\":\"a\",\"type\":\"text\"}]"),
      ENTRY("messages", META "," ANA ",\"messages\":[{" FROM "," AT("80000") ",\"id\":\"c\",\"type\":\"text\"}]"),
      ENTRY("messages", META "," ANNA ",\"messages\":[{" FROM "," AT("70000") ",\"id\":\"b\",\"type\":\"text\"}]")},
     {"name \"Ana\" 1699980000000"},
     NULL},
    /* consent */
    {{ENTRY("user_preferences",
            META ",\"user_preferences\":[{\"user_id\":\"US.1\",\"value\":\"stop\"," AT("80000") "}]")},
     {"US.1: name \"\" 0", "platform 1 1699980000000"},
     NULL},
    {{ENTRY("user_preferences",
            META ",\"user_preferences\":[{\"user_id\":\"US.1\",\"value\":\"stop\"," AT("80000") "}]"),
      ENTRY("messages", META
            ",\"messages\":[{\"type\":\"system\"," AT("85000") ",\"from\":\"15550000001\",\"system\":{\"type\":\"user_"
                                                               "changed_number\",\"wa_id\":\"15550000002\",\"user_id\":"
                                                               "\"US.2\",\"previous_user_id\":\"US.1\"}}]")},
     {"15550000001 15550000002 US.1 US.2", "platform 1 1699980000000", "people 1"},
     NULL},
    {{ENTRY("messages", META ",\"messages\":[{\"type\":\"system\"," AT(
                            "85000") ",\"from_user_id\":\"US.2\",\"system\":{\"type\":"
                                     "\"user_changed_user_id\",\"previous_user_id\":\"US.1\"}}]"),
      ENTRY("user_preferences",
            META ",\"user_preferences\":[{\"user_id\":\"US.1\",\"value\":\"stop\"," AT("80000") "}]"),
      ENTRY("user_preferences",
            META ",\"user_preferences\":[{\"user_id\":\"US.2\",\"value\":\"resume\"," AT("90000") "}]")},
     {"US.1 US.2", "platform 0 1699990000000"},
     NULL},
    /* templates */
    {{ENTRY("message_template_status_update", TEMPLATE "\"event\":\"REJECTED\",\"reason\":\"INVALID_FORMAT\"")},
     {"template 2000 t en_US: id 7, rejected {\"reason\":\"INVALID_FORMAT\"}",
      "notice 1699990000000 message_template_status_update 2000 0 t/en_US REJECTED"},
     NULL},
    {{ENTRY("message_template_status_update", TEMPLATE "\"event\":\"PAUSED\""),
      ENTRY("message_template_status_update", TEMPLATE "\"event\":\"APPROVED\"")}, /* of one second */
     {"id 7, paused"},
     NULL},
    {{ENTRY("template_category_update", TEMPLATE "\"correct_category\":\"MARKETING\",\"new_category\":\"UTILITY\","
                                                 "\"category_update_timestamp\":1790086400")},
     {"next marketing 1790086400000", "t/en_US marketing"},
     "category marketing"},
    {{ENTRY("message_template_status_update", TEMPLATE "\"new_quality_score\":\"RED\"")}, {"quality RED"}, NULL},
    {{ENTRY("message_template_components_update", TEMPLATE "\"message_template_element\":\"b\"")},
     {"contents 1699990000000"},
     NULL},
    /* accounts and numbers */
    {{ENTRY("account_update", "\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":\"DISABLE\"}"),
      ENTRY("account_review_update", "\"decision\":\"APPROVED\"")},
     {"review APPROVED", "standing 2"}, /* no review lifts a ban */
     NULL},
    {{ENTRY("account_review_update", "\"decision\":\"REJECTED\"")}, {"state 0", "review REJECTED", "standing 1"}, NULL},
    {{ENTRY("account_update",
            "\"event\":\"DISABLED_UPDATE\",\"ban_info\":{\"waba_ban_state\":\"SCHEDULE_FOR_DISABLE\",\"waba_"
            "ban_date\":\"November 3, 2026\"}"),
      ENTRY("account_update", "\"event\":\"ACCOUNT_VIOLATION\",\"violation_info\":{\"violation_type\":\"SCAM\"}")},
     {"violation SCAM", "disable November 3, 2026", "standing 0"},
     NULL},
    {{ENTRY("business_capability_update",
            "\"max_daily_conversations_per_business\":\"TIER_2K\",\"max_phone_numbers_per_waba\":25")},
     {"limit 2000", "numbers 25"},
     NULL},
    {{ENTRY("phone_number_name_update", "\"display_phone_number\":\"15559990000\",\"decision\":\"REJECTED\""),
      ENTRY("business_username_updates", "\"display_phone_number\":\"+1 555 999 0000\",\"username\":\"jaspers\"")},
     {"number 1: quality GREEN, pace 80, name DECLINED, username jaspers",
      "notice 1699990000000 phone_number_name_update 2000 1 15559990000 REJECTED"},
     NULL},
    {{ENTRY("security", "\"display_phone_number\":\"15559990000\",\"event\":\"PIN_CHANGED\""),
      ENTRY("flows", "\"event\":\"FLOW_STATUS_CHANGE\",\"flow_id\":\"66\"")},
     {"security 2000 1 15559990000 PIN_CHANGED", "flows 2000 0 66 FLOW_STATUS_CHANGE"},
     NULL},
    {{ENTRY("tracking_events", "\"events\":[{\"wa_id\":\"15550000001\"}]"), ENTRY("a_new_field", "\"x\":1"),
      ENTRY("group_lifecycle_update", "\"groups\":[{\"group_id\":\"G\",\"type\":\"group_create\"}]")},
     {"field \"tracking_events\" known", "field \"a_new_field\" unknown", "field \"group_lifecycle_update\" known"},
     "15550000001"}, /* no notice names a person */
};

static void number_before(struct world *w)
{
    const struct sender number = {
        .id = 1, .waba = 2000, .display_phone = "+1 555-999-0000", .quality = "GREEN", .per_second = 80};
    world_start(w);
    BEGIN(&w->f);
    OK(&w->f, senders_put(w->f.s, &number, 1, &w->f.e));
    COMMIT(&w->f);
}

TEST(each_webhook_changes_what_it_says)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world w;
        number_before(&w);
        for (size_t j = 0; j < ROWS_MAX && rows[i].body[j] != NULL; j++)
            world_hear(&w, &(struct told){str_of(rows[i].body[j]), NOW}, 1);
        char *dump = world_dump(&w);
        for (size_t j = 0; j < ROWS_MAX && rows[i].says[j] != NULL; j++)
            if (strstr(dump, rows[i].says[j]) == NULL)
                fail_msg("row %zu does not say \"%s\":\n%s", i, rows[i].says[j], dump);
        if (rows[i].says_not != NULL && strstr(dump, rows[i].says_not) != NULL)
            fail_msg("row %zu says \"%s\":\n%s", i, rows[i].says_not, dump);
        free(dump);
        world_end(&w);
    }
}

TEST(a_name_the_business_gave_stays)
{
    struct world w;
    number_before(&w);
    BEGIN(&w.f);
    struct person ana = world_person(&w, IDENTITY_PHONE, "15550000001");
    world_called(&w, &ana, "Ana of the shop");
    COMMIT(&w.f);
    world_hear(&w, &(struct told){str_of(rows[0].body[0]), NOW}, 1);
    char *dump = world_dump(&w);
    assert_non_null(strstr(dump, "15550000001 US.1: name \"Ana of the shop\" 0"));
    free(dump);
    world_end(&w);
}

/* Which lists of templates are to be read again, and how often each field was heard. */
TEST(what_follows_is_told)
{
    struct world w;
    struct apply_result r = {.events = 0};
    struct field_heard *f;
    struct arena *a = arena_create(1 << 20);
    size_t n;
    const char *const bodies[] = {ENTRY("message_template_components_update",
                                        TEMPLATE "\"message_template_element\":\"b\""),
                                  ENTRY("message_template_components_update",
                                        TEMPLATE "\"message_template_element\":\"b\""),
                                  ENTRY("message_template_quality_update", TEMPLATE "\"new_quality_score\":\"RED\"")};
    number_before(&w);
    BEGIN(&w.f);
    world_hear_one(&w, a, &(struct told){str_of(bodies[2]), NOW - 5}, &r);
    assert_true(r.n_stale == 0 && r.control_changed);
    world_hear_one(&w, a, &(struct told){str_of(bodies[0]), NOW - 7}, &r);
    world_hear_one(&w, a, &(struct told){str_of(bodies[1]), NOW}, &r);
    COMMIT(&w.f);
    assert_true(r.n_stale == 1 && r.stale_waba[0] == 2000);
    OK(&w.f, fields_list(w.f.s, w.f.a, &f, &n, &w.f.e));
    assert_int_equal(n, 2);
    assert_str(f[0].field, "message_template_components_update");
    assert_true(f[0].known && f[0].events == 2 && f[0].first_at == NOW - 7 && f[0].last_at == NOW);
    arena_free(a);
    world_end(&w);
}

/* An event that has no time of its own counts as of when its body came, not of when it is applied. */
TEST(what_has_no_time_counts_as_of_when_it_came)
{
    struct world w;
    number_before(&w);
    world_hear(&w,
               &(struct told){STR("{\"entry\":[{\"changes\":[{\"field\":\"messages\",\"value\":{" META
                                  ",\"messages\":[{\"from\":\"15550000001\",\"type\":\"text\"}]}}]}]}"),
                              NOW - 12345},
               1);
    struct identity id = fx_name(IDENTITY_PHONE, "15550000001");
    struct person p;
    OK(&w.f, people_find(w.f.s, &id, 1, &p, &w.f.e));
    struct pair pair = {.contact = p.id, .sender = 1};
    OK(&w.f, pairs_get(w.f.s, &pair, 1, &w.f.e));
    assert_true(pair.last_inbound == NOW - 12345);
    world_end(&w);
}

TESTS(T(each_webhook_changes_what_it_says), T(a_name_the_business_gave_stays), T(what_follows_is_told),
      T(what_has_no_time_counts_as_of_when_it_came))
