/* SPDX-License-Identifier: Apache-2.0
 * test_errands.c - messages the gateway owes a person.
 *
 * What would hurt: one that is due and not found, or found before its time and said twice; one that ended and is done again; one
 * whose person turned out to be somebody else and that nobody finds any more. */
#include "store_fixture.h"

#include "store/errands.h"

static struct errand make(struct fx *f, enum errand_kind kind, int64_t contact, int64_t due)
{
    return (struct errand){.id = store_id(f->s, NOW),
                           .kind = kind,
                           .state = ERRAND_OPEN,
                           .due = due,
                           .contact = contact,
                           .sender = SENDER,
                           .scope = CONSENT_ALL,
                           .begun_at = NOW,
                           .expires = NOW + 300000,
                           .step = 1,
                           .msg = 77,
                           .why = STR("because"),
                           .detail = STR("{\"language\":\"pt_BR\"}")};
}

static void add(struct fx *f, const struct errand *v, size_t n)
{
    BEGIN(f);
    OK(f, errands_add(f->s, v, n, &f->e));
    COMMIT(f);
}

static size_t due_at(struct fx *f, int64_t now, size_t max, struct errand **ret)
{
    size_t n = 99;
    OK(f, errands_due(f->s, 0, now, max, f->a, ret, &n, &f->e));
    return n;
}

TEST(an_errand_comes_back_as_it_was_written)
{
    struct fx f;
    struct errand got;
    fx_start(&f);
    struct errand v = make(&f, ERRAND_WELCOME, 5, NOW + 9);
    add(&f, &v, 1);
    fx_reopen(&f);
    OK(&f, errand_get(f.s, 0, v.id, f.a, &got, &f.e));
    assert_true(got.id == v.id && got.kind == ERRAND_WELCOME && got.state == ERRAND_OPEN && got.due == NOW + 9);
    assert_true(got.contact == 5 && got.sender == SENDER && got.scope == CONSENT_ALL && got.begun_at == NOW);
    assert_true(got.expires == NOW + 300000 && got.step == 1 && got.msg == 77);
    assert_str(got.why, "because");
    assert_str(got.detail, "{\"language\":\"pt_BR\"}");
    assert_int_equal(errand_get(f.s, 0, v.id + 1, f.a, &got, &f.e), WL_ENOTFOUND);
    assert_true(store_id(f.s, NOW - 1000) > v.id); /* its id is not given out again */
    fx_end(&f);
}

TEST(those_that_are_due_come_in_their_order_and_only_while_they_are_open)
{
    struct fx f;
    struct errand *got = NULL;
    fx_start(&f);
    struct errand v[] = {make(&f, ERRAND_HELP, 1, NOW + 30), make(&f, ERRAND_STOPPED, 2, NOW + 10),
                         make(&f, ERRAND_STARTED, 3, NOW + 20), make(&f, ERRAND_WELCOME, 4, NOW + 10)};
    add(&f, v, 4);
    assert_int_equal(due_at(&f, NOW + 9, 10, &got), 0);
    assert_int_equal(due_at(&f, NOW + 20, 10, &got), 3);
    assert_true(got[0].id == v[1].id && got[1].id == v[3].id && got[2].id == v[2].id);
    assert_int_equal(due_at(&f, NOW + 99, 2, &got), 2);
    v[1].state = ERRAND_DONE, v[1].step = 2, v[1].msg = 4711, v[1].why = STR("sent"), v[1].detail = STR("{}");
    v[3].due = NOW + 500;
    BEGIN(&f);
    OK(&f, errand_put(f.s, &v[1], &f.e));
    OK(&f, errand_put(f.s, &v[3], &f.e));
    COMMIT(&f);
    assert_int_equal(due_at(&f, NOW + 20, 10, &got), 1);
    assert_true(got[0].id == v[2].id);
    OK(&f, errand_get(f.s, 0, v[1].id, f.a, got, &f.e));
    assert_true(got->state == ERRAND_DONE && got->step == 2 && got->msg == 4711);
    assert_str(got->why, "sent");
    fx_end(&f);
}

TEST(what_cannot_be_kept_is_refused)
{
    struct fx f;
    static char large[ERRAND_DETAIL_MAX + 1];
    fx_start(&f);
    struct errand v = make(&f, ERRAND_HELP, 1, NOW);
    memset(large, 'x', sizeof large);
    v.detail = (struct str){large, sizeof large};
    BEGIN(&f);
    assert_int_equal(errands_add(f.s, &v, 1, &f.e), WL_ETOOBIG);
    store_rollback(f.s);
    v.detail.n--;
    add(&f, &v, 1);
    v.detail.n++;
    BEGIN(&f);
    assert_int_equal(errand_put(f.s, &v, &f.e), WL_ETOOBIG);
    store_rollback(f.s);
    v.detail.n = 2, v.id++;
    BEGIN(&f);
    assert_int_equal(errand_put(f.s, &v, &f.e), WL_ENOTFOUND);
    store_rollback(f.s);
    fx_end(&f);
}

/* A number is asked; then it is heard with a user id that is somebody older. */
TEST(a_merged_person_keeps_the_errands_of_both)
{
    struct fx f;
    struct errand *got = NULL;
    size_t n = 0;
    fx_start(&f);
    struct person older = fx_person(&f, IDENTITY_USER_ID, "US.900"),
                  newer = fx_person(&f, IDENTITY_PHONE, "15550001111");
    struct errand v[] = {make(&f, ERRAND_WELCOME, older.id, NOW), make(&f, ERRAND_WELCOME, newer.id, NOW),
                         make(&f, ERRAND_STOPPED, newer.id, NOW), make(&f, ERRAND_WELCOME, 999, NOW)};
    add(&f, v, 4);
    struct identity phone = fx_name(IDENTITY_PHONE, "15550001111"), user = fx_name(IDENTITY_USER_ID, "US.900");
    struct person one;
    BEGIN(&f);
    OK(&f, people_hear(f.s, &(struct heard){.phone = &phone, .user_id = &user}, NOW, NOW, &one, &f.e));
    COMMIT(&f);
    assert_true(one.id == older.id);
    OK(&f, errands_of(f.s, 0, one.id, ERRAND_WELCOME, f.a, &got, &n, &f.e));
    assert_true(n == 2 && got[0].id == v[1].id && got[1].id == v[0].id);
    OK(&f, errands_of(f.s, 0, one.id, 0, f.a, &got, &n, &f.e));
    assert_int_equal(n, 3);
    OK(&f, errands_list(f.s, 0, one.id, 0, 0, 10, f.a, &got, &n, &f.e));
    assert_true(n == 3 && got[0].id == v[2].id && got[2].id == v[0].id);
    fx_end(&f);
}

TEST(lists_come_in_pages_and_what_ended_is_forgotten_first)
{
    struct fx f;
    struct errand v[6], *got = NULL;
    size_t n = 0, gone = 0;
    fx_start(&f);
    for (size_t i = 0; i < 6; i++) {
        v[i] = make(&f, ERRAND_WELCOME, 1 + (int64_t)(i % 2), NOW);
        v[i].state = i < 4 ? ERRAND_EXPIRED : ERRAND_OPEN;
    }
    add(&f, v, 6);
    OK(&f, errands_list(f.s, 0, 0, 0, 0, 4, f.a, &got, &n, &f.e));
    assert_true(n == 4 && got[0].id == v[5].id && got[3].id == v[2].id);
    OK(&f, errands_list(f.s, 0, 0, 0, v[2].id, 4, f.a, &got, &n, &f.e));
    assert_true(n == 2 && got[0].id == v[1].id);
    OK(&f, errands_list(f.s, 0, 1, ERRAND_EXPIRED, 0, 9, f.a, &got, &n, &f.e));
    assert_true(n == 2 && got[0].id == v[2].id && got[1].id == v[0].id);
    BEGIN(&f);
    OK(&f, errands_forget(f.s, 0, v[5].id + 1, 3, &gone, &f.e));
    COMMIT(&f);
    assert_int_equal(gone, 3);
    BEGIN(&f);
    OK(&f, errands_forget(f.s, 0, v[3].id, 3, &gone, &f.e));
    COMMIT(&f);
    assert_int_equal(gone, 0); /* the fourth is too young */
    OK(&f, errands_list(f.s, 0, 0, 0, 0, 9, f.a, &got, &n, &f.e));
    assert_true(n == 3 && got[2].id == v[3].id);
    fx_end(&f);
}

TEST(every_word_is_its_own)
{
    struct err e = {0};
    enum errand_state back;
    for (enum errand_state s = ERRAND_OPEN; s <= ERRAND_CANCELLED; s++) {
        assert_int_equal(errand_state_parse(str_of(errand_state_name(s)), &back, &e), 0);
        assert_int_equal(back, s);
    }
    assert_int_equal(errand_state_parse(STR("unknown"), &back, &e), WL_EINVAL);
    assert_string_equal(errand_kind_name(ERRAND_HELP), "help");
    assert_string_equal(errand_kind_name((enum errand_kind)9), "unknown");
}

TESTS(T(an_errand_comes_back_as_it_was_written), T(those_that_are_due_come_in_their_order_and_only_while_they_are_open),
      T(what_cannot_be_kept_is_refused), T(a_merged_person_keeps_the_errands_of_both),
      T(lists_come_in_pages_and_what_ended_is_forgotten_first), T(every_word_is_its_own))
