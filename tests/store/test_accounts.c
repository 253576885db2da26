/* SPDX-License-Identifier: Apache-2.0
 * test_accounts.c - what Meta says about our accounts, the fixed texts, and the log of the rules.
 *
 * What would hurt: a restriction forgotten at a restart, a text exchanged under a decision that names it, an
 * activation or an override nobody can find again. */
#include "store_fixture.h"

#include "base/digest.h"
#include "store/accounts.h"
#include "store/rules_log.h"
#include "store/skeletons.h"

TEST(accounts_are_replaced_whole)
{
    struct fx f;
    struct account v[2] = {{.waba = 2000,
                            .portfolio = 77,
                            .limit = 2000,
                            .state = ACCOUNT_LOCKED,
                            .no_templates_until = NOW + 1,
                            .no_messages_until = ACCOUNT_FOREVER,
                            .no_utility_until = NOW + 3,
                            .no_direct_until = NOW + 5,
                            .payment_failed_at = NOW + 4,
                            .misuse_at = NOW + 6,
                            .said_at = {1, 2, 3, 4, 5, 6, 12},
                            .updated_at = NOW,
                            .name = "Shop",
                            .health = HEALTH_BLOCKED,
                            .health_detail = STR("{\"errors\":[]}"),
                            .violation = "SCAM",
                            .review = "APPROVED",
                            .disable_on = "November 3, 2026",
                            .numbers_max = 25,
                            .told_at = {7, 8, 9, 10, 11}},
                           {.waba = 9, .limit = 0, .updated_at = NOW}},
                   got, *all = NULL;
    size_t n = 9;
    fx_start(&f);
    OK(&f, accounts_get(f.s, 2000, &got, &f.e));
    assert_true(got.waba == 2000 && got.limit == -1 && got.portfolio == 0 && got.state == ACCOUNT_OK &&
                got.updated_at == 0);
    OK(&f, accounts_list(f.s, f.a, &all, &n, &f.e));
    assert_int_equal(n, 0);
    BEGIN(&f);
    OK(&f, accounts_put(f.s, v, 2, &f.e));
    v[0].limit = 100000;
    v[0].no_templates_until = 0;
    v[0].health_detail = (struct str){NULL, 0}; /* as it was got */
    OK(&f, accounts_put(f.s, v, 1, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    OK(&f, accounts_get(f.s, 2000, &got, &f.e));
    assert_memory_equal(&got, &v[0], sizeof got);
    OK(&f, accounts_list(f.s, f.a, &all, &n, &f.e));
    assert_int_equal(n, 2);
    assert_str(all[0].health_detail, "");
    assert_str(all[1].health_detail, "{\"errors\":[]}");
    all[0].health_detail = all[1].health_detail = (struct str){NULL, 0};
    assert_memory_equal(&all[0], &v[1], sizeof got);
    assert_memory_equal(&all[1], &v[0], sizeof got);
    assert_int_equal(accounts_put(f.s, v, 1, &f.e), WL_EBUG); /* outside a transaction */
    v[0].health_detail = STR("");                             /* nothing is wrong any more */
    BEGIN(&f);
    OK(&f, accounts_put(f.s, v, 1, &f.e));
    COMMIT(&f);
    OK(&f, accounts_list(f.s, f.a, &all, &n, &f.e));
    assert_str(all[1].health_detail, "");
    fx_end(&f);
}

TEST(a_fixed_text_stays_what_it_was)
{
    struct fx f;
    struct skeleton v[2] = {{UINT32_MAX, STR("Sale: {{1}} off. Reply STOP to end."), NOW}, {3, STR("Olá {{1}}"), NOW}},
                    later = {3, STR("something else"), NOW + 1}, none = {0, STR("x"), NOW}, got, *all = NULL;
    size_t n = 0;
    fx_start(&f);
    BEGIN(&f);
    OK(&f, skeletons_put(f.s, v, 2, &f.e));
    OK(&f, skeletons_put(f.s, &later, 1, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    OK(&f, skeletons_get(f.s, 3, f.a, &got, &f.e));
    assert_str(got.text, "Olá {{1}}");
    assert_true(got.first_seen == NOW && got.number == 3);
    OK(&f, skeletons_get(f.s, UINT32_MAX, f.a, &got, &f.e));
    assert_str(got.text, "Sale: {{1}} off. Reply STOP to end.");
    assert_int_equal(skeletons_get(f.s, 4, f.a, &got, &f.e), WL_ENOTFOUND);
    OK(&f, skeletons_list(f.s, f.a, 9, &all, &n, &f.e));
    assert_true(n == 2 && all[0].number == 3 && all[1].number == UINT32_MAX);
    struct skeleton newer[3] = {{2000, STR("b"), NOW + 2}, {4000000000, STR("d"), NOW + 3}, {1000, STR("a"), NOW + 1}};
    BEGIN(&f);
    OK(&f, skeletons_put(f.s, newer, 3, &f.e));
    COMMIT(&f);
    OK(&f, skeletons_list(f.s, f.a, 4, &all, &n, &f.e)); /* the newest stay, whatever their numbers are */
    assert_true(n == 4 && all[0].number == 4000000000 && all[1].number == 2000 && all[2].number == 1000 &&
                all[3].number == 3);
    BEGIN(&f);
    assert_int_equal(skeletons_put(f.s, &none, 1, &f.e), WL_EINVAL);
    store_rollback(f.s);
    fx_end(&f);
}

TEST(the_log_of_the_rules_is_read_newest_first)
{
    struct fx f;
    struct rules_event v[3] =
        {
            {.at = NOW, .act = RULES_ACTIVATED, .ruleset = 1, .actor = STR("start")},
            {.at = NOW + 1, .act = RULES_ACTIVATED, .ruleset = 2, .actor = STR("api")},
            {.at = NOW + 2,
             .act = RULES_OVERRIDDEN,
             .ruleset = 2,
             .actor = STR("api"),
             .reason = STR("recall of a dangerous product"),
             .detail = STR("")},
        },
                       *all = NULL, got;
    size_t n = 9;
    char detail[64], text[STORE_ID_TEXT];
    fx_start(&f);
    assert_int_equal(rules_log_last(f.s, RULES_ACTIVATED, f.a, &got, &f.e), WL_ENOTFOUND);
    OK(&f, rules_log_list(f.s, f.a, 0, 0, 9, &all, &n, &f.e));
    assert_int_equal(n, 0);
    const uint8_t hash[SHA256_BYTES] = {7, 8, 9};
    BEGIN(&f);
    OK(&f, rulesets_put(f.s, hash, "whatsapp-platform+policy", STR("{}"), NOW, &v[0].ruleset, &f.e));
    v[1].ruleset = v[2].ruleset = v[0].ruleset + 1; /* one that is not kept */
    for (size_t i = 0; i < 2; i++)
        v[i].id = store_id(f.s, v[i].at);
    int64_t other = store_id(f.s, NOW + 2), message = store_id(f.s, NOW + 2);
    snprintf(detail, sizeof detail, "policy.quiet %s", store_id_text(0, message, text));
    v[2].id = store_id(f.s, NOW + 2);
    v[2].detail = str_of(detail);
    OK(&f, rules_log_append(f.s, v, 3, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    OK(&f, rules_log_list(f.s, f.a, 0, 0, 2, &all, &n, &f.e));
    assert_int_equal(n, 2);
    assert_true(all[0].id == v[2].id && all[0].at == NOW + 2 && all[0].act == RULES_OVERRIDDEN);
    assert_true(all[0].ruleset == v[2].ruleset && all[0].book.n == 0 && all[0].hash.n == 0);
    assert_str(all[0].actor, "api");
    assert_str(all[0].reason, "recall of a dangerous product");
    assert_str(all[0].detail, detail);
    assert_true(all[1].id == v[1].id);
    OK(&f, rules_log_overridden(f.s, 0, message, f.a, &got, &f.e));
    assert_true(got.id == v[2].id);
    assert_str(got.reason, "recall of a dangerous product");
    assert_int_equal(rules_log_overridden(f.s, 0, other, f.a, &got, &f.e), WL_ENOTFOUND);
    assert_int_equal(rules_log_overridden(f.s, 1, message, f.a, &got, &f.e), WL_ENOTFOUND);
    assert_int_equal(rules_log_overridden(f.s, 0, v[2].id + 9, f.a, &got, &f.e), WL_ENOTFOUND);
    OK(&f, rules_log_last(f.s, RULES_ACTIVATED, f.a, &got, &f.e)); /* whatever came after it */
    assert_true(got.id == v[1].id && got.ruleset == v[1].ruleset);
    OK(&f, rules_log_list(f.s, f.a, 0, 0, 3, &all, &n, &f.e));
    assert_true(n == 3 && all[2].hash.n == sizeof hash && memcmp(all[2].hash.p, hash, sizeof hash) == 0);
    assert_str(all[2].book, "whatsapp-platform+policy");
    BEGIN(&f);
    assert_int_equal(rules_log_append(f.s, v, 1, &f.e), WL_ECONFLICT); /* nothing is written over */
    store_rollback(f.s);
    assert_string_equal(rules_act_name(RULES_ACTIVATED), "activated");
    assert_string_equal(rules_act_name(RULES_OVERRIDDEN), "overridden");
    assert_string_equal(rules_act_name(RULES_SHADOWED), "shadowed");
    fx_end(&f);
}

static size_t log_page(struct fx *f, unsigned acts, int64_t before, size_t max, int64_t *ret_last)
{
    struct rules_event *v;
    size_t n = 0;
    OK(f, rules_log_list(f->s, f->a, acts, before, max, &v, &n, &f->e));
    for (size_t i = 0; i < n; i++)
        assert_true((acts == 0 || (acts & 1u << v[i].act)) && (before == 0 || v[i].id < before) &&
                    (i == 0 || v[i].id < v[i - 1].id));
    *ret_last = n > 0 ? v[n - 1].id : 0;
    return n;
}

/* However many overrides lie between, activations are found. */
TEST(the_log_is_read_by_act_and_in_pages)
{
    struct fx f;
    int64_t last;
    fx_start(&f);
    BEGIN(&f);
    for (int i = 0; i < 1000; i++) {
        struct rules_event v = {.id = store_id(f.s, NOW + i),
                                .at = NOW + i,
                                .act = i % 500 == 0   ? RULES_ACTIVATED
                                       : i % 500 == 1 ? RULES_SHADOWED
                                                      : RULES_OVERRIDDEN};
        OK(&f, rules_log_append(f.s, &v, 1, &f.e));
    }
    COMMIT(&f);
    assert_int_equal(log_page(&f, 1u << RULES_ACTIVATED, 0, 200, &last), 2);
    assert_int_equal(log_page(&f, 1u << RULES_ACTIVATED | 1u << RULES_SHADOWED, 0, 200, &last), 4);
    assert_int_equal(log_page(&f, 1u << RULES_ACTIVATED | 1u << RULES_SHADOWED, last, 200, &last), 0);
    size_t seen = 0, n;
    last = 0;
    do {
        n = log_page(&f, 1u << RULES_OVERRIDDEN, last, 200, &last);
        seen += n;
    } while (n == 200);
    assert_int_equal(seen, 996);
    assert_int_equal(log_page(&f, 0, 0, 2000, &last), 1000);
    assert_int_equal(log_page(&f, 0, last, 2000, &last), 0);
    fx_end(&f);
}

TESTS(T(accounts_are_replaced_whole), T(a_fixed_text_stays_what_it_was), T(the_log_of_the_rules_is_read_newest_first),
      T(the_log_is_read_by_act_and_in_pages))
