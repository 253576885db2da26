/* SPDX-License-Identifier: Apache-2.0
 * test_ledger.c - consent events are kept once, whole and in order.
 *
 * What would hurt: an import run twice that doubles a history, a field lost that a court would ask for, a
 * history that disappears when two persons become one. */
#include "store_fixture.h"

#include "store/ledger.h"

static struct consent_row row(struct fx *f, int64_t contact, enum consent_act act, int64_t at, const char *method)
{
    return (struct consent_row){.id = store_id(f->s, NOW),
                                .contact = contact,
                                .event = {act, CONSENT_ALL, at},
                                .recorded_at = NOW,
                                .method = str_of(method)};
}

TEST(keeps_every_field)
{
    struct fx f;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001");
    struct consent_row r = row(&f, p.id, CONSENT_WITHDRAW, NOW - 5, "web_form"), *got = NULL;
    size_t fresh = 9, n = 0;
    r.event.scope = CONSENT_SCOPE(CATEGORY_MARKETING);
    r.source = STR("list.csv#9f2c");
    r.wording = STR("Ja, \"gerne\" – 'x'");
    r.language = STR("de");
    r.evidence = STR("{\"ip\":\"192.0.2.1\"}");
    r.actor = STR("key:shop");
    r.sender = SENDER;
    BEGIN(&f);
    OK(&f, ledger_append(f.s, &r, 1, &fresh, &f.e));
    COMMIT(&f);
    assert_int_equal(fresh, 1);
    fx_reopen(&f);
    OK(&f, ledger_list(f.s, 0, p.id, f.a, 10, &got, &n, &f.e));
    assert_int_equal(n, 1);
    assert_true(got->id == r.id && got->contact == p.id && got->bucket == 0);
    assert_int_equal(got->event.act, CONSENT_WITHDRAW);
    assert_int_equal(got->event.scope, CONSENT_SCOPE(CATEGORY_MARKETING));
    assert_true(got->event.at == NOW - 5 && got->recorded_at == NOW && got->sender == SENDER);
    assert_str(got->method, "web_form");
    assert_str(got->source, "list.csv#9f2c");
    assert_str(got->wording, "Ja, \"gerne\" – 'x'");
    assert_str(got->language, "de");
    assert_str(got->evidence, "{\"ip\":\"192.0.2.1\"}");
    assert_str(got->actor, "key:shop");
    fx_end(&f);
}

TEST(the_same_event_is_written_once)
{
    struct fx f;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001"), q = fx_person(&f, IDENTITY_PHONE, "15550000002");
    struct consent_row rows[] = {
        row(&f, p.id, CONSENT_GRANT, 100, "import"),
        row(&f, p.id, CONSENT_GRANT, 100, "import"), /* the same */
        row(&f, p.id, CONSENT_GRANT, 101, "import"),
        row(&f, p.id, CONSENT_WITHDRAW, 100, "import"), /* other time, other act */
        row(&f, p.id, CONSENT_GRANT, 100, "sms"),
        row(&f, q.id, CONSENT_GRANT, 100, "import"), /* other method, other person */
        row(&f, p.id, CONSENT_GRANT, 100, "import"),
    };
    struct consent_row *got = NULL;
    size_t fresh = 0, n = 0;
    rows[6].event.scope = CONSENT_SCOPE(CATEGORY_UTILITY); /* other scope */
    BEGIN(&f);
    OK(&f, ledger_append(f.s, rows, 7, &fresh, &f.e));
    COMMIT(&f);
    assert_int_equal(fresh, 6);
    for (int i = 0; i < 7; i++)
        rows[i].id = store_id(f.s, NOW + 1000);
    BEGIN(&f);
    OK(&f, ledger_append(f.s, rows, 7, &fresh, &f.e)); /* the whole import again */
    COMMIT(&f);
    assert_int_equal(fresh, 0);
    OK(&f, ledger_list(f.s, 0, p.id, f.a, 100, &got, &n, &f.e));
    assert_int_equal(n, 5);
    fx_end(&f);
}

TEST(lists_oldest_first_and_at_most_max)
{
    struct fx f;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001");
    struct consent_row rows[40], *got = NULL;
    size_t n = 0;
    for (int i = 0; i < 40; i++)
        rows[i] = row(&f, p.id, i % 2 ? CONSENT_GRANT : CONSENT_WITHDRAW, 1000 + i * 17 % 40, "sms");
    BEGIN(&f);
    OK(&f, ledger_append(f.s, rows, 40, NULL, &f.e));
    COMMIT(&f);
    OK(&f, ledger_list(f.s, 0, p.id, f.a, 100, &got, &n, &f.e));
    assert_int_equal(n, 40);
    for (size_t i = 0; i < n; i++)
        assert_true(got[i].event.at == 1000 + (int64_t)i);
    OK(&f, ledger_list(f.s, 0, p.id, f.a, 3, &got, &n, &f.e));
    assert_int_equal(n, 3);
    assert_true(got[2].event.at == 1002);
    OK(&f, ledger_list(f.s, 0, p.id + STORE_BUCKETS, f.a, 3, &got, &n, &f.e)); /* nobody */
    assert_int_equal(n, 0);
    struct arena *small = arena_create(256);
    n = 77;
    assert_int_equal(ledger_list(f.s, 0, p.id, small, 100, &got, &n, &f.e), WL_ENOMEM);
    assert_int_equal(n, 77);
    arena_free(small);
    fx_end(&f);
}

TEST(a_merge_keeps_both_histories)
{
    struct fx f;
    fx_start(&f);
    struct identity name[3] = {fx_name(IDENTITY_PHONE, "15550000001"), fx_name(IDENTITY_USER_ID, "US.1"),
                               fx_name(IDENTITY_PHONE, "15550000002")};
    struct person p[3];
    struct consent_row rows[3], *got = NULL;
    int64_t id[3];
    size_t n = 0;
    for (int i = 0; i < 3; i++) {
        p[i] = fx_person(&f, name[i].kind, name[i].value);
        id[i] = p[i].id;
        rows[i] = row(&f, p[i].id, CONSENT_GRANT, 300 - i, "import");
    }
    BEGIN(&f);
    OK(&f, ledger_append(f.s, rows, 3, NULL, &f.e));
    OK(&f, people_add_identity(f.s, &p[1], &name[2], NOW, &f.e));
    OK(&f, people_add_identity(f.s, &p[0], &name[1], NOW, &f.e));
    COMMIT(&f);
    for (int i = 0; i < 3; i++) {
        OK(&f, ledger_list(f.s, 0, id[i], f.a, 100, &got, &n, &f.e));
        assert_int_equal(n, 3);
        assert_true(got[0].contact == id[2] && got[1].contact == id[1] && got[2].contact == id[0]);
    }
    fx_end(&f);
}

TESTS(T(keeps_every_field), T(the_same_event_is_written_once), T(lists_oldest_first_and_at_most_max),
      T(a_merge_keeps_both_histories))
