/* SPDX-License-Identifier: Apache-2.0
 * test_people.c - finding, creating, saving and merging people, and their pair rows.
 *
 * What would hurt: one person twice, a consent lost in a merge, a stale write that wins, a window or a rate that
 * jumps back. */
#include "store_fixture.h"

TEST(finds_nobody_and_creates_once)
{
    struct fx f;
    fx_start(&f);
    struct identity who[4] = {fx_name(IDENTITY_PHONE, "15550000001"), fx_name(IDENTITY_USER_ID, "15550000001"),
                              fx_name(IDENTITY_PHONE, "15550000001"), fx_name(IDENTITY_PHONE, "15550000002")};
    struct person p[4], again[4];
    int64_t count = -1;
    memset(p, 0xff, sizeof p);
    OK(&f, people_find(f.s, who, 4, p, &f.e));
    for (int i = 0; i < 4; i++)
        assert_true(p[i].id == 0 && p[i].ver == 0 && p[i].name[0] == '\0');
    BEGIN(&f);
    OK(&f, people_ensure(f.s, who, 4, NOW, p, &f.e));
    COMMIT(&f);
    assert_true(p[0].id == p[2].id); /* twice in the batch: one person */
    assert_true(p[0].id != p[1].id); /* same text, other kind: somebody else */
    assert_int_equal(p[3].ver, 1);
    assert_true(p[3].created_at == NOW);
    fx_reopen(&f);
    OK(&f, people_find(f.s, who, 4, again, &f.e));
    for (int i = 0; i < 4; i++) {
        assert_true(again[i].id == p[i].id);
        assert_int_equal(again[i].id % STORE_BUCKETS, again[i].bucket);
        assert_true(again[i].id / STORE_BUCKETS >= 1 && again[i].id / STORE_BUCKETS <= 3); /* dense */
    }
    OK(&f, people_count(f.s, &count, &f.e));
    assert_int_equal(count, 3);
    BEGIN(&f);
    OK(&f, people_ensure(f.s, who, 4, NOW + 5, again, &f.e));
    COMMIT(&f);
    assert_true(again[3].id == p[3].id && again[3].created_at == NOW);
    OK(&f, people_count(f.s, &count, &f.e));
    assert_int_equal(count, 3);
    fx_end(&f);
}

TEST(rolled_back_people_leave_nothing)
{
    struct fx f;
    fx_start(&f);
    struct identity who = fx_name(IDENTITY_PHONE, "15550000001");
    struct person p;
    int64_t count = -1;
    BEGIN(&f);
    OK(&f, people_ensure(f.s, &who, 1, NOW, &p, &f.e));
    store_rollback(f.s);
    OK(&f, people_find(f.s, &who, 1, &p, &f.e));
    assert_true(p.id == 0);
    OK(&f, people_count(f.s, &count, &f.e));
    assert_int_equal(count, 0);
    who.kind = IDENTITY_NONE;
    BEGIN(&f);
    assert_int_equal(people_ensure(f.s, &who, 1, NOW, &p, &f.e), WL_EINVAL);
    store_rollback(f.s);
    fx_end(&f);
}

TEST(saves_with_the_version_it_read)
{
    struct fx f;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001"), stale = p, got;
    struct consent_event yes = {CONSENT_GRANT, CONSENT_SCOPE(CATEGORY_MARKETING), NOW};
    consent_apply(&p.consent, &yes);
    snprintf(p.name, sizeof p.name, "Zoë");
    snprintf(p.lang, sizeof p.lang, "pt_BR");
    p.undeliverable_at = NOW + 3;
    BEGIN(&f);
    OK(&f, people_save(f.s, &p, 1, &f.e));
    COMMIT(&f);
    assert_int_equal(p.ver, 2);
    fx_reopen(&f);
    OK(&f, people_get(f.s, 0, p.id, &got, &f.e));
    assert_int_equal(got.consent.of[CATEGORY_MARKETING].status, CONSENT_GRANTED);
    assert_true(got.consent.of[CATEGORY_MARKETING].at == NOW);
    assert_string_equal(got.name, "Zoë");
    assert_string_equal(got.lang, "pt_BR");
    assert_true(got.undeliverable_at == NOW + 3 && got.ver == 2);

    snprintf(stale.name, sizeof stale.name, "thief");
    BEGIN(&f);
    assert_int_equal(people_save(f.s, &stale, 1, &f.e), WL_ECONFLICT);
    assert_int_equal(stale.ver, 1); /* untouched */
    assert_int_equal(store_commit(f.s, &f.e), WL_ECONFLICT);
    OK(&f, people_get(f.s, 0, p.id, &got, &f.e));
    assert_string_equal(got.name, "Zoë");
    assert_int_equal(people_get(f.s, 0, p.id + STORE_BUCKETS, &got, &f.e), WL_ENOTFOUND);
    fx_end(&f);
}

TEST(one_stale_person_spoils_the_batch)
{
    struct fx f;
    fx_start(&f);
    struct person p[2] = {fx_person(&f, IDENTITY_PHONE, "15550000001"), fx_person(&f, IDENTITY_PHONE, "15550000002")},
                  got;
    p[1].ver = 9;
    snprintf(p[0].name, sizeof p[0].name, "first");
    BEGIN(&f);
    assert_int_equal(people_save(f.s, p, 2, &f.e), WL_ECONFLICT);
    assert_int_equal(p[0].ver, 1);
    store_rollback(f.s);
    OK(&f, people_get(f.s, 0, p[0].id, &got, &f.e));
    assert_string_equal(got.name, "");
    fx_end(&f);
}

TEST(adds_a_name)
{
    struct fx f;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001"), got;
    struct identity also = fx_name(IDENTITY_USER_ID, "US.1349"), names[4];
    size_t n = 0;
    BEGIN(&f);
    OK(&f, people_add_identity(f.s, &p, &also, NOW + 1, &f.e));
    OK(&f, people_add_identity(f.s, &p, &also, NOW + 2, &f.e)); /* again: nothing happens */
    COMMIT(&f);
    OK(&f, people_find(f.s, &also, 1, &got, &f.e));
    assert_true(got.id == p.id);
    OK(&f, people_identities(f.s, 0, p.id, names, 4, &n, &f.e));
    assert_int_equal(n, 2);
    assert_int_equal(names[0].kind, IDENTITY_PHONE);
    assert_string_equal(names[1].value, "US.1349");
    OK(&f, people_identities(f.s, 0, p.id, names, 1, &n, &f.e));
    assert_int_equal(n, 1);
    fx_end(&f);
}

static void set_pair(struct fx *f, int64_t contact, int64_t sender, int64_t inbound, int64_t tat, int64_t out)
{
    struct pair p = {.contact = contact, .sender = sender, .last_inbound = inbound, .tat = tat, .last_out = out};
    OK(f, pairs_put(f->s, &p, 1, &f->e));
}

static void say(struct fx *f, struct person *p, enum consent_act act, enum category c, int64_t at)
{
    struct consent_event ev = {act, CONSENT_SCOPE(c), at};
    consent_apply(&p->consent, &ev);
    OK(f, people_save(f->s, p, 1, &f->e));
}

/* The facts of both persons, whichever of the two the caller holds. */
static void check_merged(struct fx *f, const struct person *kept)
{
    struct pair pairs[3] = {{.contact = kept->id, .sender = 1},
                            {.contact = kept->id, .sender = 2},
                            {.contact = kept->id, .sender = 3}};
    assert_int_equal(kept->consent.of[CATEGORY_MARKETING].status, CONSENT_WITHDRAWN); /* same instant: stricter */
    assert_int_equal(kept->consent.of[CATEGORY_UTILITY].status, CONSENT_GRANTED);
    assert_int_equal(kept->consent.of[CATEGORY_AUTHENTICATION].status, CONSENT_WITHDRAWN); /* the later word */
    assert_true(kept->consent.platform_stop);
    assert_string_equal(kept->name, "Newer");
    assert_true(kept->undeliverable_at == 77);
    OK(f, pairs_get(f->s, pairs, 3, &f->e));
    assert_true(pairs[0].last_inbound == 50 && pairs[0].tat == 60 && pairs[0].last_out == 30);
    assert_true(pairs[1].last_inbound == 5 && pairs[1].tat == 6 && pairs[1].last_out == 7);
    assert_true(pairs[2].last_inbound == 8 && pairs[2].tat == 9 && pairs[2].last_out == 10);
}

static void merge_from(bool newer_asks)
{
    struct fx f;
    int64_t count = 0;
    size_t n = 0;
    struct identity names[8];
    fx_start(&f);
    struct identity phone = fx_name(IDENTITY_PHONE, "15550000001"), user = fx_name(IDENTITY_USER_ID, "US.1349");
    struct person older = fx_person(&f, IDENTITY_PHONE, phone.value),
                  newer = fx_person(&f, IDENTITY_USER_ID, user.value), got;
    int64_t old_id = older.id, new_id = newer.id;
    BEGIN(&f);
    say(&f, &older, CONSENT_GRANT, CATEGORY_MARKETING, 100);
    say(&f, &newer, CONSENT_WITHDRAW, CATEGORY_MARKETING, 100);
    say(&f, &newer, CONSENT_GRANT, CATEGORY_UTILITY, 5);
    say(&f, &older, CONSENT_GRANT, CATEGORY_AUTHENTICATION, 100);
    say(&f, &newer, CONSENT_WITHDRAW, CATEGORY_AUTHENTICATION, 101);
    snprintf(newer.name, sizeof newer.name, "Newer");
    newer.undeliverable_at = 77;
    say(&f, &newer, CONSENT_STOP, CATEGORY_MARKETING, 50);
    set_pair(&f, old_id, 1, 50, 20, 30);
    set_pair(&f, new_id, 1, 10, 60, 25);
    set_pair(&f, old_id, 2, 5, 6, 7);
    set_pair(&f, new_id, 3, 8, 9, 10);
    COMMIT(&f);

    struct person seen_before = newer, p = newer_asks ? newer : older;
    BEGIN(&f);
    OK(&f, people_add_identity(f.s, &p, newer_asks ? &phone : &user, NOW + 9, &f.e));
    COMMIT(&f);
    assert_true(p.id == old_id); /* the older one stays */
    check_merged(&f, &p);
    fx_reopen(&f);
    OK(&f, people_find(f.s, &user, 1, &got, &f.e));
    assert_true(got.id == old_id);
    check_merged(&f, &got);
    OK(&f, people_find(f.s, &phone, 1, &got, &f.e));
    assert_true(got.id == old_id);
    OK(&f, people_get(f.s, 0, new_id, &got, &f.e)); /* follows */
    assert_true(got.id == old_id);
    OK(&f, people_identities(f.s, 0, new_id, names, 8, &n, &f.e));
    assert_int_equal(n, 2);
    struct pair left = {.contact = new_id, .sender = 3};
    OK(&f, pairs_get(f.s, &left, 1, &f.e));
    assert_int_equal(left.ver, 0);
    OK(&f, people_count(f.s, &count, &f.e));
    assert_int_equal(count, 1);
    /* who read the newer person before the merge cannot save it any more */
    BEGIN(&f);
    assert_int_equal(people_save(f.s, &seen_before, 1, &f.e), WL_ECONFLICT);
    store_rollback(f.s);
    fx_end(&f);
}

TEST(merges_when_the_older_learns_a_name)
{
    merge_from(false);
}

TEST(merges_when_the_newer_learns_a_name)
{
    merge_from(true);
}

TEST(merges_of_merges_lead_to_one)
{
    struct fx f;
    fx_start(&f);
    struct identity name[3] = {fx_name(IDENTITY_PHONE, "15550000001"), fx_name(IDENTITY_USER_ID, "US.1"),
                               fx_name(IDENTITY_PARENT_ID, "US.ENT.1")};
    struct person p[3], got;
    int64_t id[3], count = 0;
    for (int i = 0; i < 3; i++) {
        p[i] = fx_person(&f, name[i].kind, name[i].value);
        id[i] = p[i].id;
    }
    BEGIN(&f);
    OK(&f, people_add_identity(f.s, &p[1], &name[2], NOW, &f.e)); /* 2 into 1 */
    OK(&f, people_add_identity(f.s, &p[0], &name[1], NOW, &f.e)); /* 1 into 0 */
    COMMIT(&f);
    for (int i = 0; i < 3; i++) {
        OK(&f, people_get(f.s, 0, id[i], &got, &f.e));
        assert_true(got.id == id[0]);
        OK(&f, people_find(f.s, &name[i], 1, &got, &f.e));
        assert_true(got.id == id[0]);
    }
    OK(&f, people_count(f.s, &count, &f.e));
    assert_int_equal(count, 1);
    fx_end(&f);
}

TEST(pairs_start_empty_and_keep_versions)
{
    struct fx f;
    fx_start(&f);
    struct pair p[2] = {{.contact = 4096, .sender = SENDER, .ver = 99, .tat = 99}, {.contact = 8192, .sender = SENDER}},
                stale;
    OK(&f, pairs_get(f.s, p, 2, &f.e));
    assert_true(p[0].ver == 0 && p[0].tat == 0);
    stale = p[0];
    p[0].last_inbound = 11;
    p[1].tat = 22;
    BEGIN(&f);
    OK(&f, pairs_put(f.s, p, 2, &f.e));
    COMMIT(&f);
    assert_int_equal(p[0].ver, 1);
    BEGIN(&f);
    assert_int_equal(pairs_put(f.s, &stale, 1, &f.e), WL_ECONFLICT); /* believed there was none */
    store_rollback(f.s);
    stale = p[0];
    p[0].last_out = 33;
    BEGIN(&f);
    OK(&f, pairs_put(f.s, p, 1, &f.e));
    COMMIT(&f);
    assert_int_equal(p[0].ver, 2);
    stale.last_out = 1;
    BEGIN(&f);
    assert_int_equal(pairs_put(f.s, &stale, 1, &f.e), WL_ECONFLICT); /* read before */
    store_rollback(f.s);
    struct pair got[2] = {{.contact = 4096, .sender = SENDER}, {.contact = 8192, .sender = SENDER}};
    OK(&f, pairs_get(f.s, got, 2, &f.e));
    assert_true(got[0].last_inbound == 11 && got[0].last_out == 33 && got[0].ver == 2);
    assert_true(got[1].tat == 22 && got[1].ver == 1);
    fx_end(&f);
}

TESTS(T(finds_nobody_and_creates_once), T(rolled_back_people_leave_nothing), T(saves_with_the_version_it_read),
      T(one_stale_person_spoils_the_batch), T(adds_a_name), T(merges_when_the_older_learns_a_name),
      T(merges_when_the_newer_learns_a_name), T(merges_of_merges_lead_to_one), T(pairs_start_empty_and_keep_versions))
