/* SPDX-License-Identifier: Apache-2.0
 * test_senders.c - our numbers and templates.
 *
 * What would hurt: a webhook that wipes what the listing said. */
#include "store_fixture.h"

#include "store/senders.h"

TEST(senders_are_replaced_whole)
{
    struct fx f;
    struct sender v[2] = {{.id = SENDER,
                           .waba = 1,
                           .status = 2,
                           .display_phone = "+1 555-000-0001",
                           .verified_name = "Shop",
                           .quality = "GREEN",
                           .per_second = 80,
                           .updated_at = NOW,
                           .said_at = {NOW - 3, NOW - 2, NOW - 1}},
                          {.id = 7, .updated_at = NOW}},
                  *got = NULL;
    size_t n = 9;
    fx_start(&f);
    OK(&f, senders_list(f.s, f.a, &got, &n, &f.e));
    assert_int_equal(n, 0);
    BEGIN(&f);
    OK(&f, senders_put(f.s, v, 2, &f.e));
    OK(&f, senders_spam(f.s, SENDER, NOW + 7, &f.e)); /* stays when the number is read anew */
    OK(&f, senders_spam(f.s, 4711, NOW + 7, &f.e));   /* nobody's */
    memcpy(v[0].quality, "RED", 4);
    v[0].status = 3;
    v[0].per_second = 1000;
    v[0].said_at.quality = NOW + 5;
    OK(&f, senders_put(f.s, v, 1, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    OK(&f, senders_list(f.s, f.a, &got, &n, &f.e));
    assert_int_equal(n, 2);
    assert_true(got[0].id == 7 && got[1].id == SENDER && got[1].waba == 1 && got[1].status == 3 &&
                got[1].updated_at == NOW);
    assert_string_equal(got[1].display_phone, "+1 555-000-0001");
    assert_string_equal(got[1].verified_name, "Shop");
    assert_string_equal(got[1].quality, "RED");
    assert_int_equal(got[1].per_second, 1000);
    assert_true(got[1].said_at.number == NOW - 3 && got[1].said_at.quality == NOW + 5 &&
                got[1].said_at.per_second == NOW - 1);
    assert_true(got[0].spam_at == 0 && got[1].spam_at == NOW + 7);
    int64_t at = -1;
    OK(&f, senders_spam_at(f.s, SENDER, &at, &f.e));
    assert_int_equal(at, NOW + 7);
    OK(&f, senders_spam_at(f.s, 4711, &at, &f.e));
    assert_int_equal(at, 0);
    fx_end(&f);
}

TEST(templates_keep_what_only_the_other_source_knows)
{
    struct fx f;
    struct template_row listed = {.waba = 1,
                                  .name = STR("order"),
                                  .language = STR("pt_BR"),
                                  .id = 99,
                                  .status = TEMPLATE_APPROVED,
                                  .category = CATEGORY_UTILITY,
                                  .quality = STR("GREEN"),
                                  .listing = STR("{\"name\":\"order\"}"),
                                  .updated_at = NOW};
    struct template_row webhook = {
        .waba = 1, .name = STR("order"), .language = STR("pt_BR"), .status = TEMPLATE_PAUSED, .updated_at = NOW + 1};
    struct template_row empty = {.waba = 1, .name = STR("order"), .language = STR("pt_BR"), .updated_at = NOW + 2};
    struct template_row others[2] = {{.waba = 1, .name = STR("order"), .language = STR("en")},
                                     {.waba = 2, .name = STR("order"), .language = STR("en")}};
    struct template_row *got = NULL;
    size_t n = 0;
    fx_start(&f);
    BEGIN(&f);
    OK(&f, templates_put(f.s, &listed, 1, &f.e));
    OK(&f, templates_put(f.s, &webhook, 1, &f.e));
    OK(&f, templates_put(f.s, &empty, 1, &f.e));
    OK(&f, templates_put(f.s, others, 2, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    OK(&f, templates_list(f.s, 1, f.a, &got, &n, &f.e));
    assert_int_equal(n, 2);
    assert_str(got[0].language, "en");
    assert_str(got[1].name, "order");
    assert_str(got[1].quality, "GREEN");
    assert_str(got[1].listing, "{\"name\":\"order\"}");
    assert_true(got[1].id == 99 && got[1].status == TEMPLATE_PAUSED && got[1].category == CATEGORY_UTILITY &&
                got[1].updated_at == NOW + 2);
    OK(&f, templates_list(f.s, 0, f.a, &got, &n, &f.e));
    assert_int_equal(n, 3);
    OK(&f, templates_list(f.s, 3, f.a, &got, &n, &f.e));
    assert_int_equal(n, 0);
    fx_end(&f);
}

/* Says a status at a time and tells the one that is in force then. */
static enum template_status say(struct fx *f, enum template_status status, int64_t at, int64_t updated_at)
{
    struct template_row row = {.waba = 1,
                               .name = STR("promo"),
                               .language = STR("en"),
                               .status = status,
                               .updated_at = updated_at,
                               .status_at = at};
    struct template_row *got = NULL;
    size_t n = 0;
    BEGIN(f);
    OK(f, templates_put(f->s, &row, 1, &f->e));
    COMMIT(f);
    OK(f, templates_list(f->s, 1, f->a, &got, &n, &f->e));
    assert_int_equal(n, 1);
    return got[0].status;
}

TEST(a_template_status_counts_by_its_own_time)
{
    static const struct {
        enum template_status said;
        int64_t at, updated_at;
        enum template_status then;
    } rows[] = {
        {TEMPLATE_PAUSED, NOW, NOW + 9, TEMPLATE_PAUSED},
        {TEMPLATE_APPROVED, NOW - 3600000, NOW + 10, TEMPLATE_PAUSED},     /* delivered again, an hour late */
        {TEMPLATE_STATUS_UNKNOWN, NOW + 90000, NOW + 11, TEMPLATE_PAUSED}, /* news of something else date no status */
        {TEMPLATE_APPROVED, NOW, NOW + 12, TEMPLATE_APPROVED},             /* the same second: the last one heard */
        {TEMPLATE_PAUSED, 0, NOW + 5900, TEMPLATE_PAUSED},                 /* a list counts as read when it was read */
        {TEMPLATE_APPROVED, NOW + 4000, NOW + 6000, TEMPLATE_PAUSED},
        {TEMPLATE_APPROVED, NOW + 5000, NOW + 6000, TEMPLATE_APPROVED}, /* webhooks know whole seconds only */
    };
    struct fx f;
    fx_start(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (say(&f, rows[i].said, rows[i].at, rows[i].updated_at) != rows[i].then)
            fail_msg("row %zu", i);
    fx_end(&f);
}

/* Category and quality have times of their own: a listing that was on its way does not undo a webhook. */
TEST(category_and_quality_count_by_their_own_time)
{
    static const struct {
        enum category category;
        const char *quality;
        int64_t at;
        enum category then;
        const char *quality_then;
    } rows[] = {
        {CATEGORY_UTILITY, "", NOW, CATEGORY_UTILITY, ""},
        {CATEGORY_UNKNOWN, "GREEN", NOW - 9000, CATEGORY_UTILITY, "GREEN"}, /* first word about its quality */
        {CATEGORY_MARKETING, "", NOW + 5000, CATEGORY_MARKETING, "GREEN"},
        {CATEGORY_UTILITY, "YELLOW", NOW + 4000, CATEGORY_MARKETING, "YELLOW"},
        {CATEGORY_UNKNOWN, "RED", NOW + 3000, CATEGORY_MARKETING, "YELLOW"},
        {CATEGORY_UTILITY, "RED", NOW + 5000, CATEGORY_UTILITY, "RED"}, /* the same second: the last one heard */
    };
    struct fx f;
    struct template_row *got = NULL;
    size_t n = 0;
    fx_start(&f);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct template_row row = {.waba = 1,
                                   .name = STR("promo"),
                                   .language = STR("en"),
                                   .category = rows[i].category,
                                   .quality = str_of(rows[i].quality),
                                   .updated_at = NOW + 90000,
                                   .status_at = rows[i].at};
        BEGIN(&f);
        OK(&f, templates_put(f.s, &row, 1, &f.e));
        COMMIT(&f);
        OK(&f, templates_list(f.s, 1, f.a, &got, &n, &f.e));
        if (n != 1 || got[0].category != rows[i].then || !str_eq(got[0].quality, str_of(rows[i].quality_then)))
            fail_msg("row %zu", i);
    }
    assert_int_equal(got[0].status_at, 0); /* nobody said */
    assert_int_equal(say(&f, TEMPLATE_PAUSED, NOW - 1000000, NOW), TEMPLATE_PAUSED);
    fx_end(&f);
}

TESTS(T(senders_are_replaced_whole), T(templates_keep_what_only_the_other_source_knows),
      T(a_template_status_counts_by_its_own_time), T(category_and_quality_count_by_their_own_time))
