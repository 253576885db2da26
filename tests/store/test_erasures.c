/* SPDX-License-Identifier: Apache-2.0
 * test_erasures.c - the verbs that take a person out, and the hashes that remain of them. */
#include "store_fixture.h"

#include "store/erasures.h"
#include "store/ledger.h"
#include "store/suppressed.h"

#define ANA "15550001111"
#define BO  "15550002222"

static const uint8_t key[SUPPRESS_KEY_BYTES] = "a key that is not in the databas";

static struct person person(struct fx *f, const char *phone)
{
    struct identity who = fx_name(IDENTITY_PHONE, phone);
    struct person p;
    OK(f, people_ensure(f->s, &who, 1, NOW, &p, &f->e));
    return p;
}

static void say(struct fx *f, struct person *p, enum consent_act act, int64_t at, const char *method,
                const char *wording)
{
    struct consent_event ev = {.act = act, .scope = CONSENT_ALL, .at = at};
    const struct consent_ground g = {.act = act,
                                     .method = str_of(method),
                                     .source = STR("https://example.com"),
                                     .has_wording = *wording != '\0'};
    ev.rank = (int)consent_rank(&g, NULL);
    struct consent_row row = {.bucket = p->bucket,
                              .id = store_id(f->s, NOW),
                              .contact = p->id,
                              .event = ev,
                              .recorded_at = NOW,
                              .method = g.method,
                              .source = g.source,
                              .wording = str_of(wording)};
    OK(f, ledger_append(f->s, &row, 1, NULL, &f->e));
    OK(f, people_get(f->s, p->bucket, p->id, p, &f->e));
    OK(f, people_say(f->s, p, NULL, &ev, NOW, &f->e));
}

static void put_message(struct fx *f, const struct person *p, const char *wamid)
{
    struct message m = {
        .bucket = 0, .id = store_id(f->s, NOW), .contact = p->id, .sender = SENDER, .ts = NOW, .type = "text"};
    m.life.state = LIFE_ACCEPTED;
    m.life.once = true;
    snprintf(m.wamid, sizeof m.wamid, "%s", wamid);
    OK(f, messages_insert(f->s, &m, NULL, 1, &f->e));
}

static size_t theirs(struct fx *f, const struct lives *l, int64_t *at, size_t look, bool *end, struct message **ret)
{
    size_t n = 0;
    OK(f, messages_after(f->s, l, at, look, f->a, ret, &n, end, &f->e));
    return n;
}

static void test_a_person_is_shredded_and_the_other_is_whole(void **state)
{
    struct fx f;
    struct lives l;
    struct wordings w;
    struct message *m = NULL;
    bool left = true, end = false;
    int64_t leaves = 0, at = 0, people = 0;
    uint8_t secret[LEAF_KEY_BYTES];
    struct log_entry entry[8];
    size_t n = 0;
    (void)state;
    fx_start(&f);
    BEGIN(&f);
    struct person ana = person(&f, ANA), bo = person(&f, BO);
    say(&f, &ana, CONSENT_GRANT, NOW - 5000, "web_form", "shown to both");
    say(&f, &bo, CONSENT_GRANT, NOW - 5000, "web_form", "shown to both");
    say(&f, &ana, CONSENT_GRANT, NOW - 4000, "web_form", "shown to Ana alone");
    put_message(&f, &ana, "wamid.a");
    put_message(&f, &bo, "wamid.b");
    put_message(&f, &ana, "wamid.c");
    COMMIT(&f);

    OK(&f, lives_of(f.s, 0, ana.id, &l, &f.e));
    assert_int_equal(l.n, 1);
    assert_int_equal(theirs(&f, &l, &at, 2, &end, &m), 1);
    assert_false(end);
    assert_int_equal(theirs(&f, &l, &at, 2, &end, &m), 1);
    assert_true(end);
    assert_string_equal(m[0].wamid, "wamid.c");
    w = (struct wordings){.n = 0};
    OK(&f, wordings_next(f.s, &l, &w, &f.e));
    assert_int_equal(w.n, 2);
    for (end = false; !end;)
        OK(&f, wordings_look(f.s, &l, &w, 1, &end, &f.e));
    assert_int_equal(w.n, 1); /* Bo was shown the other */

    BEGIN(&f);
    OK(&f, message_strip(f.s, 0, m[0].id, true, &f.e));
    OK(&f, ledger_shred(f.s, &l, 1, &left, &leaves, &f.e));
    assert_true(left);
    OK(&f, ledger_shred(f.s, &l, 10, &left, &leaves, &f.e));
    assert_false(left);
    assert_int_equal(leaves, 2);
    OK(&f, wordings_drop(f.s, 0, &w, &f.e));
    struct identity name = fx_name(IDENTITY_PHONE, ANA);
    OK(&f, person_shred(f.s, &l, &name, 1, &f.e));
    OK(&f, person_shred(f.s, &l, &name, 1, &f.e)); /* made again it changes nothing */
    COMMIT(&f);

    struct person p;
    OK(&f, people_find(f.s, &name, 1, &p, &f.e));
    assert_int_equal(p.id, 0);
    OK(&f, people_count(f.s, &people, &f.e));
    assert_int_equal(people, 1);
    assert_int_equal(subject_key_get(f.s, 0, ana.id, secret, NULL), WL_ENOTFOUND);
    OK(&f, subject_key_get(f.s, 0, bo.id, secret, &f.e));
    OK(&f, log_read(f.s, 0, 8, entry, &n, &f.e));
    assert_int_equal(n, 3);
    assert_true(entry[0].gone && !entry[1].gone && entry[2].gone);
    struct message one;
    OK(&f, messages_get(f.s, 0, m[0].id, &one, &f.e));
    assert_true(message_is_erased(&one) && one.contact == 0 && one.life.state == LIFE_ACCEPTED);
    struct consent_row *rows = NULL;
    OK(&f, ledger_list(f.s, 0, bo.id, f.a, 10, &rows, &n, &f.e));
    assert_int_equal(n, 1);
    assert_true(str_eq(rows[0].wording, STR("shown to both")));
    fx_end(&f);
}

static void test_a_hashed_name_brings_its_refusal_along(void **state)
{
    struct fx f;
    struct identity name = fx_name(IDENTITY_PHONE, ANA);
    const struct suppressed v = {.scope = CONSENT_ALL, .at = NOW, .platform_at = NOW - 1};
    const struct suppressed older = {.scope = CONSENT_SCOPE(CATEGORY_MARKETING), .at = NOW - 9};
    struct suppressed *all = NULL;
    uint8_t hash[SHA256_BYTES], other[SUPPRESS_KEY_BYTES] = {1}, hash_of_other[SHA256_BYTES];
    size_t n = 0;
    (void)state;
    fx_start(&f);
    BEGIN(&f);
    assert_int_equal(suppress_names(f.s, 0, &name, 1, &v, NULL), WL_EBUG); /* without a key nothing is hashed */
    store_rollback(f.s);
    store_pepper(f.s, key);
    BEGIN(&f);
    OK(&f, suppress_names(f.s, 0, &name, 1, &v, &f.e));
    OK(&f, suppress_names(f.s, 0, &name, 1, &older, &f.e));
    COMMIT(&f);
    OK(&f, suppressed_list(f.s, 0, NULL, 10, f.a, &all, &n, &f.e));
    assert_int_equal(n, 1);
    assert_int_equal(all[0].at, NOW); /* the later one counts */
    suppress_hash(key, &name, hash);
    suppress_hash(other, &name, hash_of_other);
    assert_memory_equal(all[0].hash, hash, sizeof hash);
    assert_memory_not_equal(hash, hash_of_other, sizeof hash);

    BEGIN(&f);
    struct person ana = person(&f, ANA), bo = person(&f, BO);
    assert_int_equal(ana.consent.of[CATEGORY_MARKETING].status, CONSENT_WITHDRAWN);
    assert_true(ana.consent.platform_stop);
    assert_int_equal(bo.consent.of[CATEGORY_MARKETING].status, CONSENT_NONE);
    say(&f, &ana, CONSENT_GRANT, NOW - 1, "web_form", "an old grant");
    assert_int_equal(ana.consent.of[CATEGORY_MARKETING].status, CONSENT_WITHDRAWN);
    say(&f, &ana, CONSENT_GRANT, NOW + 1, "import", "");
    assert_int_equal(ana.consent.of[CATEGORY_MARKETING].status, CONSENT_WITHDRAWN); /* a list is too little */
    say(&f, &ana, CONSENT_GRANT, NOW + 2, "web_form", "a new grant");
    assert_int_equal(ana.consent.of[CATEGORY_MARKETING].status, CONSENT_GRANTED);
    struct identity id = fx_name(IDENTITY_USER_ID, "US.1"), again = fx_name(IDENTITY_USER_ID, "US.2");
    OK(&f, suppress_names(f.s, 0, &again, 1, &v, &f.e));
    const struct heard heard = {.user_id = &again};
    struct person late;
    OK(&f, people_hear(f.s, &heard, NOW, NOW, &late, &f.e));
    assert_int_equal(late.consent.of[CATEGORY_UTILITY].status, CONSENT_WITHDRAWN);
    OK(&f, suppress_names(f.s, 0, &id, 1, &v, &f.e));
    OK(&f, people_add_identity(f.s, &bo, &id, NOW, &f.e)); /* somebody known gets a name that is hashed */
    assert_int_equal(bo.consent.of[CATEGORY_MARKETING].status, CONSENT_WITHDRAWN);
    COMMIT(&f);
    struct consent_row *rows = NULL;
    OK(&f, ledger_list(f.s, 0, ana.id, f.a, 10, &rows, &n, &f.e));
    size_t said = 0;
    for (size_t i = 0; i < n; i++)
        said += str_eq(rows[i].method, STR("suppression"));
    assert_int_equal(said, 2);
    fx_end(&f);
}

static void test_what_was_asked_for_is_found_again(void **state)
{
    struct fx f;
    struct erasure v = {.id = 7, .contact = 4096, .asked_at = NOW, .due = NOW, .until = NOW + 9, .leaf = -1}, got;
    struct erasure *list = NULL;
    struct buf a, b;
    size_t n = 0;
    (void)state;
    fx_start(&f);
    snprintf(v.reason, sizeof v.reason, "letter");
    BEGIN(&f);
    OK(&f, erasure_add(f.s, &v, &f.e));
    OK(&f, erasure_add(f.s, &(struct erasure){.id = 8, .name = "phone:" ANA, .asked_at = NOW, .due = NOW + 1}, &f.e));
    COMMIT(&f);
    OK(&f, erasure_of(f.s, 0, 4096, "", &got, &f.e));
    assert_true(got.id == 7 && got.until == NOW + 9 && got.leaf == -1 && strcmp(got.reason, "letter") == 0);
    OK(&f, erasure_of(f.s, 0, 0, "phone:" ANA, &got, &f.e));
    assert_int_equal(got.id, 8);
    assert_int_equal(erasure_of(f.s, 0, 0, "phone:" BO, &got, NULL), WL_ENOTFOUND);
    assert_int_equal(erasure_due(f.s, NOW - 1, &got, NULL), WL_ENOTFOUND);
    OK(&f, erasure_due(f.s, NOW + 5, &got, &f.e));
    assert_int_equal(got.id, 7);
    got.done_at = NOW + 1;
    got.contact = 0;
    got.leaves = 3;
    BEGIN(&f);
    OK(&f, erasure_save(f.s, &got, &f.e));
    COMMIT(&f);
    assert_int_equal(erasure_of(f.s, 0, 4096, "", &got, NULL), WL_ENOTFOUND);
    OK(&f, erasure_due(f.s, NOW + 5, &got, &f.e));
    assert_int_equal(got.id, 8);
    OK(&f, erasures_list(f.s, 0, 10, f.a, &list, &n, &f.e));
    assert_true(n == 2 && list[0].id == 8 && list[1].leaves == 3);
    OK(&f, erasure_get(f.s, 7, &got, &f.e));
    buf_init(&a, 4096);
    buf_init(&b, 4096);
    OK(&f, erasure_record(&got, &a, &f.e));
    OK(&f, erasure_record(&list[1], &b, &f.e));
    assert_string_equal(buf_cstr(&a), buf_cstr(&b));
    assert_non_null(strstr(buf_cstr(&a), "\"leaves\":3"));
    buf_done(&a);
    buf_done(&b);
    fx_end(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_a_person_is_shredded_and_the_other_is_whole),
                                       cmocka_unit_test(test_a_hashed_name_brings_its_refusal_along),
                                       cmocka_unit_test(test_what_was_asked_for_is_found_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
