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
                           .said_at = {NOW - 3, NOW - 2, NOW - 1},
                           .name_status = "APPROVED",
                           .username = "shop",
                           .health = HEALTH_LIMITED,
                           .health_detail = STR("{\"additional_info\":[]}"),
                           .told_at = {4, 5, 6}},
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
    v[0].health_detail = (struct str){NULL, 0}; /* what is there stays */
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
    assert_string_equal(got[1].name_status, "APPROVED");
    assert_string_equal(got[1].username, "shop");
    assert_str(got[1].health_detail, "{\"additional_info\":[]}");
    assert_true(got[1].health == HEALTH_LIMITED && got[1].told_at.name_status == 4 && got[1].told_at.username == 5 &&
                got[1].told_at.health == 6);
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
        {TEMPLATE_APPROVED, NOW, NOW + 12, TEMPLATE_PAUSED},               /* the same moment: the stricter word */
        {TEMPLATE_PENDING, 0, NOW + 5900, TEMPLATE_PENDING},               /* a list counts as read when it was read */
        {TEMPLATE_APPROVED, NOW + 5000, NOW + 6000, TEMPLATE_PENDING},
        {TEMPLATE_APPROVED, NOW + 5900, NOW + 6000, TEMPLATE_APPROVED}, /* at once */
        {TEMPLATE_PENDING, NOW + 5900, NOW + 6000, TEMPLATE_APPROVED},
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
        {CATEGORY_UTILITY, "RED", NOW + 5000, CATEGORY_UTILITY, "RED"}, /* the same moment: by the order of values */
        {CATEGORY_MARKETING, "GREEN", NOW + 5000, CATEGORY_UTILITY, "RED"},
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

/* Says these rows in the order given, of a template nobody spoke of yet, and tells what is there then. */
static struct template_row tell(struct fx *f, const struct template_row *rows, const size_t *order, size_t n)
{
    static int64_t account = 100;
    struct template_row *got = NULL;
    size_t got_n = 0;
    account++;
    BEGIN(f);
    for (size_t i = 0; i < n; i++) {
        struct template_row row = rows[order[i]];
        row.waba = account;
        OK(f, templates_put(f->s, &row, 1, &f->e));
    }
    OK(f, templates_list(f->s, account, f->a, &got, &got_n, &f->e));
    store_rollback(f->s);
    assert_int_equal(got_n, 1);
    return got[0];
}

static bool same_row(const struct template_row *a, const struct template_row *b)
{
    return a->id == b->id && a->status == b->status && a->category == b->category && str_eq(a->quality, b->quality) &&
           str_eq(a->listing, b->listing) && a->updated_at == b->updated_at && a->status_at == b->status_at &&
           str_eq(a->detail, b->detail) && a->next_category == b->next_category &&
           a->next_category_at == b->next_category_at && a->next_said_at == b->next_said_at &&
           a->components_at == b->components_at && a->listed_at == b->listed_at;
}

/* The next order of the numbers below n; false after the last. */
static bool next_order(size_t *v, size_t n)
{
    size_t i = n - 1, j = n - 1;
    while (i > 0 && v[i - 1] >= v[i])
        i--;
    if (i == 0)
        return false;
    while (v[j] <= v[i - 1])
        j--;
    size_t held = v[i - 1];
    v[i - 1] = v[j];
    v[j] = held;
    for (j = n - 1; i < j; i++, j--) {
        held = v[i];
        v[i] = v[j];
        v[j] = held;
    }
    return true;
}

static struct template_row word(int64_t at)
{
    return (struct template_row){
        .waba = 1, .name = STR("promo"), .language = STR("en"), .status_at = at, .updated_at = at + 500};
}

/* Every order of six rows must leave what the first order left, which is returned. */
static struct template_row every_order(struct fx *f, const struct template_row *rows)
{
    size_t order[6] = {0, 1, 2, 3, 4, 5}, orders = 0;
    struct template_row want = tell(f, rows, order, 6);
    while (next_order(order, 6)) {
        struct template_row got = tell(f, rows, order, 6);
        if (!same_row(&got, &want))
            fail_msg("%zu %zu %zu %zu %zu %zu", order[0], order[1], order[2], order[3], order[4], order[5]);
        orders++;
    }
    assert_int_equal(orders, 719);
    return want;
}

TEST(any_order_of_the_same_words_leaves_the_same_template)
{
    struct template_row r[6], then;
    struct fx f;
    fx_start(&f);
    for (int i = 0; i < 6; i++)
        r[i] = word(NOW);
    r[0].status = TEMPLATE_PAUSED, r[0].detail = STR("{\"reason\":\"b\"}"), r[0].id = 7;
    r[1].status = TEMPLATE_PAUSED, r[1].detail = STR("{\"reason\":\"a\"}"), r[1].id = 9;
    r[2].status = TEMPLATE_PENDING, r[2].category = CATEGORY_MARKETING, r[2].quality = STR("RED");
    r[3].status = TEMPLATE_APPROVED, r[3].listing = STR("{1}"), r[3].category = CATEGORY_UTILITY;
    r[4].quality = STR("YELLOW"), r[4].listing = STR("{2}"), r[4].listed_at = NOW - 7;
    r[5].components_at = NOW + 1000, r[5].quality = STR("UNKNOWN"), r[5].updated_at = NOW - 9;
    then = every_order(&f, r);
    assert_true(then.status == TEMPLATE_PAUSED && then.id == 9 && then.category == CATEGORY_UTILITY);
    assert_str(then.quality, "RED");
    assert_str(then.listing, "{1}");
    assert_true(then.components_at == NOW + 1000 && then.listed_at == NOW && then.updated_at == NOW + 500);
    fx_end(&f);
}

TEST(any_order_of_announcements_and_changes_leaves_the_same_template)
{
    struct template_row r[6], then;
    struct fx f;
    fx_start(&f);
    for (int i = 0; i < 6; i++)
        r[i] = word(NOW + i * 1000);
    for (int i = 0; i < 4; i++)
        r[i].next_said_at = r[i].status_at;
    r[0].next_category = CATEGORY_MARKETING, r[0].next_category_at = NOW + 86400000; /* announced */
    r[1].category = CATEGORY_MARKETING;                                              /* and done */
    r[2].next_category = CATEGORY_UTILITY, r[2].next_category_at = NOW + 90000000;
    r[3].next_category = CATEGORY_AUTHENTICATION, r[3].next_category_at = NOW + 99000000; /* a later word wins */
    r[4].status = TEMPLATE_PAUSED, r[4].category = CATEGORY_MARKETING; /* says what it is, not that a change is done */
    r[5].category = CATEGORY_MARKETING, r[5].listing = STR("{}");      /* neither does a listing */
    then = every_order(&f, r);
    assert_true(then.next_category == CATEGORY_AUTHENTICATION && then.next_category_at == NOW + 99000000 &&
                then.next_said_at == NOW + 3000 && then.category == CATEGORY_MARKETING);
    r[1].next_said_at = NOW + 3000; /* in the moment of the last announcement */
    then = every_order(&f, r);
    assert_true(then.next_category == CATEGORY_UNKNOWN && then.next_category_at == 0 && then.next_said_at == 0);
    r[1].next_said_at = NOW + 1000, r[5].category = CATEGORY_AUTHENTICATION; /* seen to be in force */
    then = every_order(&f, r);
    assert_true(then.next_category == CATEGORY_UNKNOWN && then.category == CATEGORY_AUTHENTICATION);
    fx_end(&f);
}

TEST(a_detail_belongs_to_the_status_it_was_said_with)
{
    struct template_row rejected = word(NOW), listed = word(NOW + 5000), approved = word(NOW + 9000), got;
    struct fx f;
    fx_start(&f);
    const size_t order[3] = {0, 1, 2};
    rejected.status = TEMPLATE_REJECTED;
    rejected.detail = STR("{\"reason\":\"INVALID_FORMAT\"}");
    listed.status = TEMPLATE_REJECTED;
    listed.listing = STR("{}");
    approved.status = TEMPLATE_APPROVED;
    got = tell(&f, (struct template_row[]){rejected, listed}, order, 2);
    assert_str(got.detail, "{\"reason\":\"INVALID_FORMAT\"}"); /* the listing says the same status, and not why */
    assert_true(got.status_at == NOW + 5000);
    got = tell(&f, (struct template_row[]){rejected, listed, approved}, order, 3);
    assert_true(got.detail.n == 0 && got.status == TEMPLATE_APPROVED);
    approved.listing = STR("{1}"); /* the webhook of it was lost */
    got = tell(&f, (struct template_row[]){rejected, approved}, order, 2);
    assert_true(got.detail.n == 0 && got.status == TEMPLATE_APPROVED);
    fx_end(&f);
}

TESTS(T(senders_are_replaced_whole), T(templates_keep_what_only_the_other_source_knows),
      T(a_template_status_counts_by_its_own_time), T(category_and_quality_count_by_their_own_time),
      T(any_order_of_the_same_words_leaves_the_same_template),
      T(any_order_of_announcements_and_changes_leaves_the_same_template),
      T(a_detail_belongs_to_the_status_it_was_said_with))
