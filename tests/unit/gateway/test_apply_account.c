/* SPDX-License-Identifier: Apache-2.0
 * test_apply_account.c - words about accounts on a real store: to whom they go, and which of two counts.
 *
 * What would hurt: a restriction undone by an old word that came late, or a limit that only one of a portfolio's
 * accounts learns of. */
#include "../../store/store_fixture.h"

#include "gateway/apply.h"
#include "gateway/apply_account.h"
#include "store/accounts.h"
#include "store/reach.h"
#include "store/senders.h"

#define WABA  2000
#define OTHER 2001

struct ax {
    struct fx f;
    struct apply *apply;
};

static void start(struct ax *x)
{
    fx_start(&x->f);
    OK(&x->f, apply_create(&x->apply, x->f.s, &x->f.e));
}

static void end(struct ax *x)
{
    apply_free(x->apply);
    fx_end(&x->f);
}

static void hear_late(struct ax *x, int64_t waba, const char *display, int64_t at, int64_t stored_at,
                      struct account_word w)
{
    struct event ev = {.kind = EVENT_ACCOUNT, .waba = waba, .at = at, .display_phone = str_of(display), .account = &w};
    struct apply_result result = {0};
    BEGIN(&x->f);
    OK(&x->f, apply_events(x->apply, x->f.s, x->f.a, &ev, 1, stored_at, NOW, &result, &x->f.e));
    COMMIT(&x->f);
    assert_true(result.control_changed);
}

static void hear_about(struct ax *x, int64_t waba, const char *display, int64_t at, struct account_word w)
{
    hear_late(x, waba, display, at, NOW, w);
}

static void hear(struct ax *x, int64_t at, struct account_word w)
{
    hear_about(x, WABA, NULL, at, w);
}

static struct account account(struct ax *x, int64_t waba)
{
    struct account v;
    OK(&x->f, accounts_get(x->f.s, waba, &v, &x->f.e));
    return v;
}

static struct account_word templates(int64_t until)
{
    return (struct account_word){.said = SAID_TEMPLATES, .no_templates_until = until};
}

static struct account_word limit(int64_t people)
{
    return (struct account_word){.said = SAID_LIMIT, .limit = people};
}

static struct account_word owner(int64_t portfolio)
{
    return (struct account_word){.said = SAID_PORTFOLIO, .portfolio = portfolio};
}

TEST(an_older_word_changes_nothing_a_newer_one_said)
{
    struct ax x;
    start(&x);
    hear(&x, NOW - 60000, templates(NOW + 1000000));
    hear(&x, NOW - 90000, templates(NOW + 5000));
    assert_int_equal(account(&x, WABA).no_templates_until, NOW + 1000000);
    hear(&x, NOW - 30000, templates(NOW + 5000)); /* shortened on appeal */
    assert_int_equal(account(&x, WABA).no_templates_until, NOW + 5000);
    hear(&x, NOW - 90000,
         (struct account_word){.said = SAID_STATE, .state = ACCOUNT_DISABLED}); /* about another thing */
    assert_int_equal(account(&x, WABA).state, ACCOUNT_DISABLED);
    hear(&x, NOW - 95000, (struct account_word){.said = SAID_STATE | SAID_TEMPLATES | SAID_MESSAGES | SAID_UTILITY});
    assert_int_equal(account(&x, WABA).state, ACCOUNT_DISABLED);
    assert_int_equal(account(&x, WABA).no_templates_until, NOW + 5000);
    hear(&x, NOW - 20000, (struct account_word){.said = SAID_STATE | SAID_TEMPLATES | SAID_MESSAGES | SAID_UTILITY});
    assert_int_equal(account(&x, WABA).state, ACCOUNT_OK);
    assert_int_equal(account(&x, WABA).no_templates_until, 0);
    assert_int_equal(account(&x, WABA).limit, -1);                   /* nothing was said of it */
    hear_late(&x, WABA, NULL, NOW + 900000, NOW - 1000, limit(250)); /* a clock ahead of ours is not the future */
    hear(&x, NOW, limit(2000));
    assert_int_equal(account(&x, WABA).limit, 2000);
    end(&x);
}

/* Five words in every order: what counts is when they were said. */
TEST(the_order_of_arrival_does_not_matter)
{
    static const struct {
        int64_t at;
        struct account_word w;
    } words[] = {
        {NOW - 50000,
         {.said = SAID_TEMPLATES | SAID_UTILITY | SAID_DIRECT,
          .no_templates_until = NOW + 50,
          .no_utility_until = NOW + 70,
          .no_direct_until = NOW + 80}},
        {NOW - 40000,
         {.said = SAID_TEMPLATES | SAID_MESSAGES | SAID_DIRECT,
          .no_templates_until = NOW + 40,
          .no_messages_until = NOW + 60,
          .no_direct_until = NOW + 90}},
        {NOW - 30000, {.said = SAID_STATE, .state = ACCOUNT_DISABLED}},
        {NOW - 20000, {.said = SAID_LIMIT, .limit = 10000}},
        {NOW - 10000, {.said = SAID_STATE | SAID_LIMIT, .state = ACCOUNT_LOCKED, .limit = 0}},
    };
    for (int order = 0; order < 120; order++) {
        struct ax x;
        size_t left[] = {0, 1, 2, 3, 4}, n = 5;
        start(&x);
        for (int rest = order; n > 0; n--) {
            size_t k = (size_t)rest % n;
            rest /= (int)n;
            hear(&x, words[left[k]].at, words[left[k]].w);
            memmove(left + k, left + k + 1, (n - 1 - k) * sizeof *left);
        }
        struct account v = account(&x, WABA);
        assert_true(v.no_templates_until == NOW + 40 && v.no_messages_until == NOW + 60 &&
                    v.no_utility_until == NOW + 70 && v.no_direct_until == NOW + 90);
        assert_true(v.state == ACCOUNT_LOCKED && v.limit == 0);
        end(&x);
    }
}

TEST(a_limit_is_the_portfolios)
{
    struct ax x;
    start(&x);
    hear(&x, NOW - 5000, owner(77));
    hear_about(&x, OTHER, NULL, NOW - 5000, owner(77));
    hear_about(&x, 9, NULL, NOW - 5000, owner(78));
    hear(&x, NOW - 4000, limit(2000));
    assert_int_equal(account(&x, OTHER).limit, 2000);
    assert_int_equal(account(&x, 9).limit, -1);
    hear_about(&x, 77, NULL, NOW - 3000, limit(10000)); /* said of the portfolio itself */
    assert_int_equal(account(&x, WABA).limit, 10000);
    assert_int_equal(account(&x, OTHER).limit, 10000);
    hear_about(&x, OTHER, NULL, NOW - 3500, limit(250));
    assert_int_equal(account(&x, WABA).limit, 10000);
    hear(&x, NOW - 2000, templates(NOW + 1000)); /* not so a restriction */
    assert_int_equal(account(&x, OTHER).no_templates_until, 0);
    struct account_word elsewhere = owner(79);
    elsewhere.waba = OTHER;
    hear(&x, NOW, elsewhere);
    assert_int_equal(account(&x, OTHER).portfolio, 79);
    assert_int_equal(account(&x, WABA).portfolio, 77);
    end(&x);
}

static uint32_t people(struct ax *x, int64_t portfolio)
{
    struct portfolio p;
    OK(&x->f, portfolio_get(x->f.s, portfolio, &p, &x->f.e));
    return budget_used(&p.budget, NOW);
}

static void reach(struct ax *x, int64_t portfolio, int n, int64_t at)
{
    struct portfolio p;
    BEGIN(&x->f);
    OK(&x->f, portfolio_get(x->f.s, portfolio, &p, &x->f.e));
    for (int i = 0; i < n; i++)
        budget_take(&p.budget, 0, at);
    OK(&x->f, portfolio_put(x->f.s, &p, &x->f.e));
    COMMIT(&x->f);
}

/* Else a portfolio begins with nobody reached, and a whole limit too many are. */
TEST(who_was_reached_before_the_owner_was_known_counts_for_it)
{
    struct ax x;
    start(&x);
    hear(&x, NOW - 9000, limit(2000));
    reach(&x, WABA, 7, NOW - 5 * INT64_C(3600000));
    reach(&x, OTHER, 5, NOW);
    reach(&x, 77, 100, NOW - 3600000);
    hear(&x, NOW - 5000, owner(77));
    assert_int_equal(people(&x, 77), 107);
    hear(&x, NOW - 4000, owner(77)); /* told at every reading: once is enough */
    hear(&x, NOW - 4000, limit(250));
    assert_int_equal(people(&x, 77), 107);
    hear_about(&x, OTHER, NULL, NOW - 5000, owner(77));
    assert_int_equal(people(&x, 77), 112);
    hear(&x, NOW - 3000, owner(78)); /* it changed hands: nobody is missing on either side */
    assert_int_equal(people(&x, 78), 112);
    assert_int_equal(people(&x, 77), 112);
    end(&x);
}

static struct sender number(struct ax *x, int64_t id)
{
    struct sender *all, none = {0};
    size_t n;
    OK(&x->f, senders_list(x->f.s, x->f.a, &all, &n, &x->f.e));
    for (size_t i = 0; i < n; i++)
        if (all[i].id == id)
            return all[i];
    return none;
}

TEST(a_number_is_found_by_its_digits)
{
    struct ax x;
    struct sender v[] = {
        {.id = 1,
         .waba = WABA,
         .display_phone = "+1 555-000-1000",
         .quality = "GREEN",
         .per_second = 80,
         .updated_at = NOW - 9000,
         .said_at = {NOW - 9000, NOW - 9000, NOW - 9000}},
        {.id = 2, .waba = WABA, .display_phone = "+1 555-000-10001", .quality = "GREEN", .per_second = 80},
        {.id = 3, .waba = OTHER, .display_phone = "15550001000", .quality = "GREEN", .per_second = 80},
        {.id = 4, .waba = WABA, .quality = "GREEN", .per_second = 80},
    };
    struct account_word upgrade = {.said = SAID_THROUGHPUT, .per_second = 1000},
                        red = {.said = SAID_QUALITY, .quality = "RED"};
    start(&x);
    BEGIN(&x.f);
    OK(&x.f, senders_put(x.f.s, v, 4, &x.f.e));
    COMMIT(&x.f);
    hear_about(&x, WABA, "15550001000", NOW - 20000, upgrade); /* older than what was read */
    assert_int_equal(number(&x, 1).per_second, 80);
    hear_about(&x, WABA, "15550001000", NOW - 8000, upgrade);
    hear_about(&x, WABA, "15550001000", NOW - 7000, red);
    hear_about(&x, WABA, "", NOW - 7000, red);
    assert_int_equal(number(&x, 1).per_second, 1000);
    assert_string_equal(number(&x, 1).quality, "RED");
    for (int64_t id = 2; id <= 4; id++) {
        assert_int_equal(number(&x, id).per_second, 80);
        assert_string_equal(number(&x, id).quality, "GREEN");
    }
    end(&x);
}

static void read_number(struct ax *x, int64_t begun, struct sender v)
{
    v.id = 1;
    v.updated_at = begun;
    BEGIN(&x->f);
    OK(&x->f, apply_number_read(x->f.s, x->f.a, &v, &x->f.e));
    COMMIT(&x->f);
}

/* A reading that was on its way while a webhook came is the older word, and what it does not tell stays. */
TEST(a_reading_is_as_old_as_its_request)
{
    const struct account_word slow = {.said = SAID_THROUGHPUT, .per_second = 20},
                              red = {.said = SAID_QUALITY, .quality = "RED"};
    const struct sender read = {
        .waba = WABA, .status = 2, .display_phone = "+1 555-000-1000", .quality = "GREEN", .per_second = 80};
    struct ax x;
    start(&x);
    read_number(&x, NOW - 60000, read);
    assert_true(number(&x, 1).per_second == 80 && number(&x, 1).status == 2);
    hear_about(&x, WABA, "15550001000", NOW - 20000, red);
    read_number(&x, NOW - 20001, read); /* begun before the word, told after it */
    assert_string_equal(number(&x, 1).quality, "RED");
    hear_about(&x, WABA, "15550001000", NOW - 30000, slow); /* older than the reading, which told 80 */
    assert_int_equal(number(&x, 1).per_second, 80);
    hear_about(&x, WABA, "15550001000", NOW - 19000, slow);
    read_number(&x, NOW - 19000 + 999, read); /* of one second: the webhook may have been said at its end */
    assert_int_equal(number(&x, 1).per_second, 20);
    assert_string_equal(number(&x, 1).quality, "GREEN"); /* said a second before */
    struct sender less = read;
    less.status = 3;
    less.per_second = 0;
    less.quality[0] = '\0';
    less.waba = 0;
    read_number(&x, NOW - 10000, less);
    read_number(&x, NOW - 15000, read); /* a slow reading of before */
    struct sender v = number(&x, 1);
    assert_true(v.per_second == 80 && v.status == 3 && v.waba == WABA && v.updated_at > 0);
    assert_string_equal(v.quality, "GREEN");
    end(&x);
}

TESTS(T(an_older_word_changes_nothing_a_newer_one_said), T(the_order_of_arrival_does_not_matter),
      T(a_limit_is_the_portfolios), T(who_was_reached_before_the_owner_was_known_counts_for_it),
      T(a_number_is_found_by_its_digits), T(a_reading_is_as_old_as_its_request))
