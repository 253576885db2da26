/* SPDX-License-Identifier: Apache-2.0
 * test_people.c - finding, creating, saving and merging people, and their pair rows.
 *
 * What would hurt: one person twice, a consent lost in a merge, a stale write that wins, a window or a rate that
 * jumps back. */
#include "store_fixture.h"

#include "store/ledger.h"
#include "store/reach.h"

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
    struct consent_event yes = {CONSENT_GRANT, CONSENT_SCOPE(CATEGORY_MARKETING), NOW, CONSENT_RANK_CAPTURED, 0};
    consent_apply(&p.consent, &yes);
    snprintf(p.name, sizeof p.name, "Zoë");
    p.name_at = NOW - 7;
    snprintf(p.lang, sizeof p.lang, "pt_BR");
    snprintf(p.zone, sizeof p.zone, "America/Argentina/Buenos_Aires");
    p.undeliverable_at = NOW + 3;
    caps_sent(&p.caps, NOW, &(struct content_sent){.skeleton = 7, .values = 9, .share = 800, .at = NOW});
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
    assert_string_equal(got.zone, "America/Argentina/Buenos_Aires");
    assert_true(got.caps.n == 1 && got.caps.sent[0] == NOW);
    assert_true(got.caps.n_contents == 1 && got.caps.content[0].skeleton == 7 && got.caps.content[0].values == 9);
    assert_true(got.undeliverable_at == NOW + 3 && got.ver == 2 && got.name_at == NOW - 7);

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
    struct consent_event ev = {act, CONSENT_SCOPE(c), at, CONSENT_RANK_LISTED, 0};
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
    assert_string_equal(kept->zone, "Europe/Lisbon"); /* the older person's own */
    assert_true(kept->caps.n == 3 && kept->caps.sent[0] == NOW && kept->caps.sent[2] == NOW - 2000);
    struct reach r[2] = {{.contact = kept->id, .portfolio = 5}, {.contact = kept->id, .portfolio = 6}};
    OK(f, reach_get(f->s, r, 2, &f->e));
    assert_true(r[0].opened_at == 40 && r[1].opened_at == 41);
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
    snprintf(older.zone, sizeof older.zone, "Europe/Lisbon");
    snprintf(newer.zone, sizeof newer.zone, "America/Sao_Paulo");
    caps_sent(&older.caps, NOW - 1000, NULL);
    OK(&f, people_save(f.s, &older, 1, &f.e));
    caps_sent(&newer.caps, NOW - 2000, NULL);
    caps_sent(&newer.caps, NOW, NULL);
    say(&f, &newer, CONSENT_STOP, CATEGORY_MARKETING, 50);
    set_pair(&f, old_id, 1, 50, 20, 30);
    set_pair(&f, new_id, 1, 10, 60, 25);
    set_pair(&f, old_id, 2, 5, 6, 7);
    set_pair(&f, new_id, 3, 8, 9, 10);
    struct reach reached[3] = {{0, 5, old_id, 30}, {0, 5, new_id, 40}, {0, 6, new_id, 41}};
    OK(&f, reach_put(f.s, reached, 3, &f.e));
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
    struct reach nobody = {.contact = new_id, .portfolio = 6};
    OK(&f, reach_get(f.s, &nobody, 1, &f.e));
    assert_true(nobody.opened_at == 0);
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
                               fx_name(IDENTITY_PHONE, "15550000002")};
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

/* A person with a phone number, perhaps a user id, and perhaps a word about marketing. */
static struct person known(struct fx *f, const char *phone, const char *user, enum consent_act act, int64_t said)
{
    struct person p = fx_person(f, IDENTITY_PHONE, phone);
    BEGIN(f);
    if (user != NULL) {
        struct identity id = fx_name(IDENTITY_USER_ID, user);
        OK(f, people_add_identity(f->s, &p, &id, NOW, &f->e));
    }
    if (act != 0)
        say(f, &p, act, CATEGORY_MARKETING, said);
    COMMIT(f);
    return p;
}

static struct person by(struct fx *f, const struct identity *name)
{
    struct person p;
    OK(f, people_find(f->s, name, 1, &p, &f->e));
    return p;
}

static struct person hear(struct fx *f, struct person p, const struct identity *name, int64_t at)
{
    BEGIN(f);
    OK(f, people_add_identity(f->s, &p, name, at, &f->e));
    COMMIT(f);
    return p;
}

TEST(a_number_given_to_somebody_new_moves_and_merges_nobody)
{
    struct fx f;
    fx_start(&f);
    struct identity one = fx_name(IDENTITY_PHONE, "15550000001"), a_id = fx_name(IDENTITY_USER_ID, "US.1"),
                    b_id = fx_name(IDENTITY_USER_ID, "US.2");
    struct person a = known(&f, one.value, "US.1", CONSENT_GRANT, 200),
                  b = known(&f, "15550000002", "US.2", CONSENT_WITHDRAW, 100);
    hear(&f, known(&f, "15550000003", "US.3", 0, 0), &one, NOW - 5000); /* old news, heard late: it is A's since NOW */
    assert_true(by(&f, &one).id == a.id);
    struct person got = hear(&f, b, &one, NOW + 5000);
    assert_true(got.id == b.id && by(&f, &one).id == b.id && by(&f, &a_id).id == a.id && by(&f, &b_id).id == b.id);
    assert_int_equal(by(&f, &one).consent.of[CATEGORY_MARKETING].status, CONSENT_WITHDRAWN);
    assert_int_equal(by(&f, &a_id).consent.of[CATEGORY_MARKETING].status, CONSENT_GRANTED);
    hear(&f, a, &one, NOW); /* A's last message from it, delivered again */
    assert_true(by(&f, &one).id == b.id);
    hear(&f, a, &b_id, NOW + 9000); /* a user id is nobody else's, ever */
    assert_true(by(&f, &b_id).id == b.id && by(&f, &a_id).id == a.id);
    fx_end(&f);
}

TEST(a_moved_number_keeps_the_refusals_said_under_it_and_no_grant)
{
    struct fx f;
    struct consent_row *rows;
    size_t n = 0;
    fx_start(&f);
    struct identity one = fx_name(IDENTITY_PHONE, "15550000001"), two = fx_name(IDENTITY_PHONE, "15550000002");
    known(&f, one.value, "US.1", CONSENT_WITHDRAW, 200);
    known(&f, two.value, "US.2", CONSENT_GRANT, 200);
    struct person b = fx_person(&f, IDENTITY_USER_ID, "US.3");
    b = hear(&f, b, &two, NOW + 1);
    assert_int_equal(b.consent.of[CATEGORY_MARKETING].status, CONSENT_NONE);
    b = hear(&f, b, &one, NOW + 1);
    assert_int_equal(b.consent.of[CATEGORY_MARKETING].status, CONSENT_WITHDRAWN);
    assert_true(b.consent.of[CATEGORY_MARKETING].at == 200); /* their own grant, given later, counts */
    OK(&f, ledger_list(f.s, 0, b.id, f.a, 9, &rows, &n, &f.e));
    assert_true(n == 1 && rows[0].event.act == CONSENT_WITHDRAW && rows[0].event.at == 200);
    assert_str(rows[0].method, "number_moved");
    fx_end(&f);
}

TEST(who_has_a_user_id_gets_no_second_one)
{
    struct fx f;
    fx_start(&f);
    struct identity other = fx_name(IDENTITY_USER_ID, "US.2");
    struct person a = known(&f, "15550000001", "US.1", 0, 0);
    hear(&f, a, &other, NOW + 1);
    assert_true(by(&f, &other).id == 0);
    fx_end(&f);
}

TEST(a_shared_parent_id_makes_nobody_one)
{
    struct fx f;
    fx_start(&f);
    struct identity parent = fx_name(IDENTITY_PARENT_ID, "US.ENT.9");
    struct person a = known(&f, "15550000001", NULL, CONSENT_WITHDRAW, 100),
                  b = known(&f, "15550000002", NULL, CONSENT_GRANT, 200);
    hear(&f, a, &parent, NOW);
    struct person got = hear(&f, b, &parent, NOW + 1);
    assert_true(got.id == b.id && by(&f, &parent).id == a.id);
    fx_end(&f);
}

TEST(a_grant_of_one_never_lifts_a_refusal_of_the_other)
{
    static const struct {
        enum consent_act phone, user;
        int64_t phone_at, user_at;
        int status; /* of marketing, or -1: stopped by the platform */
        int64_t at;
    } rows[] = {
        {CONSENT_WITHDRAW, CONSENT_GRANT, 100, 200, CONSENT_WITHDRAWN, 200},
        {CONSENT_GRANT, CONSENT_WITHDRAW, 200, 100, CONSENT_WITHDRAWN, 200},
        {CONSENT_GRANT, CONSENT_WITHDRAW, 100, 200, CONSENT_WITHDRAWN, 200},
        {CONSENT_GRANT, CONSENT_GRANT, 100, 200, CONSENT_GRANTED, 200},
        {CONSENT_GRANT, 0, 100, 0, CONSENT_GRANTED, 100},
        {0, CONSENT_GRANT, 0, 100, CONSENT_GRANTED, 100},
        {CONSENT_STOP, CONSENT_RESUME, 100, 200, -1, 200},
        {CONSENT_RESUME, CONSENT_STOP, 200, 100, -1, 200},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fx f;
        struct consent_state again = {0};
        struct consent_row *said;
        size_t n = 0;
        fx_start(&f);
        struct identity user = fx_name(IDENTITY_USER_ID, "US.1");
        struct person p = known(&f, "15550000001", NULL, rows[i].phone, rows[i].phone_at),
                      u = fx_person(&f, IDENTITY_USER_ID, user.value);
        BEGIN(&f);
        if (rows[i].user != 0)
            say(&f, &u, rows[i].user, CATEGORY_MARKETING, rows[i].user_at);
        COMMIT(&f);
        p = hear(&f, p, &user, NOW);
        assert_true(by(&f, &user).id == p.id);
        if (rows[i].status < 0 ? !p.consent.platform_stop || p.consent.platform_at != rows[i].at
                               : p.consent.of[CATEGORY_MARKETING].status != rows[i].status ||
                                     p.consent.of[CATEGORY_MARKETING].at != rows[i].at)
            fail_msg("row %zu", i);
        /* What the merge itself decided stands in the ledger. */
        OK(&f, ledger_list(f.s, 0, p.id, f.a, 9, &said, &n, &f.e));
        consent_apply(&again,
                      &(struct consent_event){rows[i].phone, CONSENT_ALL, rows[i].phone_at, CONSENT_RANK_LISTED, 0});
        consent_apply(&again,
                      &(struct consent_event){rows[i].user, CONSENT_ALL, rows[i].user_at, CONSENT_RANK_LISTED, 0});
        for (size_t j = 0; j < n; j++)
            consent_apply(&again, &said[j].event);
        assert_int_equal(again.of[CATEGORY_MARKETING].status, p.consent.of[CATEGORY_MARKETING].status);
        assert_int_equal(again.platform_stop, p.consent.platform_stop);
        fx_end(&f);
    }
}

/* A person changes the number: `other` has the new one, before or after that, with or without a user id. */
static void renamed(const char *other_user, int64_t change, bool merges)
{
    struct fx f;
    fx_start(&f);
    struct identity old = fx_name(IDENTITY_PHONE, "15550000001"), id = fx_name(IDENTITY_USER_ID, "US.1"),
                    new_phone = fx_name(IDENTITY_PHONE, "15550000002"), new_id = fx_name(IDENTITY_USER_ID, "US.9"),
                    none = {0};
    struct person a = known(&f, old.value, id.value, CONSENT_WITHDRAW, 100),
                  other = known(&f, new_phone.value, other_user, CONSENT_GRANT, 200);
    const struct heard before = {&none, &id, &none}, after = {&new_phone, &none, NULL};
    BEGIN(&f);
    OK(&f, people_rename(f.s, &before, &after, change, NOW, &a, &f.e));
    OK(&f, people_rename(f.s, &before, &after, change, NOW, &a, &f.e)); /* told twice */
    COMMIT(&f);
    assert_true(by(&f, &new_phone).id == a.id && by(&f, &old).id == a.id && by(&f, &id).id == a.id);
    assert_int_equal(by(&f, &new_phone).consent.of[CATEGORY_MARKETING].status, CONSENT_WITHDRAWN);
    if (other_user != NULL) {
        struct identity theirs = fx_name(IDENTITY_USER_ID, other_user);
        struct person got = by(&f, &theirs);
        assert_true(merges == (got.id == a.id));
        assert_true(merges || (got.id == other.id && got.consent.of[CATEGORY_MARKETING].status == CONSENT_GRANTED));
    }
    if (other_user == NULL || !merges) { /* the user id goes with the number: a new one is the same person's */
        hear(&f, by(&f, &new_phone), &new_id, change + 1000);
        assert_true(by(&f, &new_id).id == a.id);
    }
    fx_end(&f);
}

TEST(a_change_of_number_joins_who_came_after_it_and_not_who_was_there_before)
{
    renamed(NULL, NOW + 1000, true);
    renamed("US.9", NOW - 1000, true);  /* the message from the new number was faster than the news */
    renamed("US.5", NOW + 1000, false); /* somebody else's number until then */
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
      T(merges_when_the_newer_learns_a_name), T(merges_of_merges_lead_to_one),
      T(a_number_given_to_somebody_new_moves_and_merges_nobody),
      T(a_moved_number_keeps_the_refusals_said_under_it_and_no_grant), T(who_has_a_user_id_gets_no_second_one),
      T(a_shared_parent_id_makes_nobody_one), T(a_grant_of_one_never_lifts_a_refusal_of_the_other),
      T(a_change_of_number_joins_who_came_after_it_and_not_who_was_there_before),
      T(pairs_start_empty_and_keep_versions))
