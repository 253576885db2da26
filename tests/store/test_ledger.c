/* SPDX-License-Identifier: Apache-2.0
 * test_ledger.c - consent events are kept once, whole and in order.
 *
 * What would hurt: an import run twice that doubles a history, a field lost that a court would ask for, a second
 * report with other evidence that is thrown away, a history that disappears when two persons become one, an entry of the log
 * that its record does not fit. */
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

static int64_t size(struct fx *f)
{
    int64_t n = -1;
    OK(f, log_size(f->s, &n, &f->e));
    return n;
}

/* The entry of a row as a stranger would check it: tag, salt and commitment, from the person's key and the record. */
static void check_entry(struct fx *f, const struct consent_row *r)
{
    uint8_t key[LEAF_KEY_BYTES], tag[SHA256_BYTES], salt[SHA256_BYTES], commit[SHA256_BYTES];
    struct log_entry entry;
    struct leaf leaf;
    struct buf record;
    size_t n = 0;
    buf_init(&record, CONSENT_RECORD_MAX);
    OK(f, ledger_record(r, &record, &f->e));
    OK(f, subject_key_get(f->s, r->bucket, r->contact, key, &f->e));
    leaf_tag(key, (uint64_t)r->n, tag);
    leaf_salt(key, (uint64_t)r->n, salt);
    leaf_commit(salt, buf_str(&record), commit);
    OK(f, log_read(f->s, r->leaf, 1, &entry, &n, &f->e));
    assert_true(n == 1 && entry.idx == r->leaf && !entry.gone);
    OK(f, leaf_read(entry.bytes, sizeof entry.bytes, &leaf, &f->e));
    assert_int_equal(leaf.kind, r->event.act);
    assert_true(leaf.at == r->recorded_at / 3600000 * 3600000 && leaf.count == 0);
    assert_memory_equal(leaf.tag, tag, sizeof tag);
    assert_memory_equal(leaf.commit, commit, sizeof commit);
    buf_done(&record);
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
    r.event.until = NOW + 77;
    r.subject = STR("user_id:US.77");
    r.business = STR("Beispiel GmbH");
    r.policy = STR("2026-01");
    r.jurisdiction = STR("DE-BY");
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
    assert_str(got->subject, "user_id:US.77");
    assert_str(got->business, "Beispiel GmbH");
    assert_str(got->policy, "2026-01");
    assert_str(got->jurisdiction, "DE-BY");
    uint8_t notice[SHA256_BYTES];
    sha256(r.wording.p, r.wording.n, notice);
    assert_memory_equal(got->notice, notice, sizeof notice);
    assert_true(got->event.until == NOW + 77 && got->leaf == 0 && got->event.rank == CONSENT_RANK_CAPTURED);
    check_entry(&f, got);
    fx_end(&f);
}

/* Nobody said under which name: the first one the person was known by. */
TEST(an_event_is_about_a_name)
{
    struct fx f;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001");
    struct identity later = fx_name(IDENTITY_USER_ID, "US.1");
    struct consent_row r = row(&f, p.id, CONSENT_GRANT, NOW - 5, "import"), *got = NULL;
    size_t n = 0;
    BEGIN(&f);
    OK(&f, people_add_identity(f.s, &p, &later, NOW + 1, &f.e));
    OK(&f, ledger_append(f.s, &r, 1, NULL, &f.e));
    r.id = store_id(f.s, NOW);
    r.contact = p.id + 7 * STORE_BUCKETS; /* nobody */
    OK(&f, ledger_append(f.s, &r, 1, NULL, &f.e));
    COMMIT(&f);
    OK(&f, ledger_by_leaf(f.s, 0, 0, 10, f.a, &got, &n, &f.e));
    assert_int_equal(n, 2);
    assert_str(got[0].subject, "phone:15550000001");
    assert_int_equal(got[1].subject.n, 0);
    assert_true(got[0].wording.n == 0 && got[0].event.rank == CONSENT_RANK_NONE + 1);
    check_entry(&f, &got[0]);
    check_entry(&f, &got[1]);
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
    assert_int_equal(size(&f), 6); /* nor do they get another entry */
    OK(&f, ledger_list(f.s, 0, p.id, f.a, 100, &got, &n, &f.e));
    assert_int_equal(n, 5);
    fx_end(&f);
}

/* One event, reported with other evidence: a court reads both. What is no evidence makes no difference. */
TEST(reports_with_other_evidence_are_both_kept)
{
    struct fx f;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001");
    struct consent_row base = row(&f, p.id, CONSENT_GRANT, 100, "web_form"), rows[14], *got = NULL;
    size_t fresh = 0, n = 0;
    base.wording = STR("Yes");
    base.language = STR("en");
    base.source = STR("https://shop.example/join");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        rows[i] = base;
        rows[i].id = store_id(f.s, NOW);
    }
    rows[1].wording = STR("Yes.");
    rows[2].wording = STR("");
    rows[3].language = STR("de");
    rows[4].source = STR("https://shop.example/join2");
    rows[5].evidence = STR("{}");
    rows[6].business = STR("Shop");
    rows[7].policy = STR("2");
    rows[8].jurisdiction = STR("DE");
    rows[9].sender = SENDER;
    rows[10].event.until = 5000; /* to here each is another one */
    rows[11].actor = STR("key:other");
    rows[12].recorded_at = NOW + 5;
    rows[13].subject = STR("user_id:US.1");
    BEGIN(&f);
    OK(&f, ledger_append(f.s, rows, 14, &fresh, &f.e));
    COMMIT(&f);
    assert_int_equal(fresh, 11);
    assert_int_equal(size(&f), 11);
    OK(&f, ledger_list(f.s, 0, p.id, f.a, 100, &got, &n, &f.e));
    assert_int_equal(n, 11);
    for (size_t i = 0; i < n; i++)
        check_entry(&f, &got[i]);
    fx_end(&f);
}

/* A move of text from one field to the next is other evidence, too. */
TEST(fields_do_not_run_into_each_other)
{
    struct fx f;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001");
    struct consent_row rows[3];
    size_t fresh = 0;
    for (size_t i = 0; i < 3; i++)
        rows[i] = row(&f, p.id, CONSENT_GRANT, 100, "api");
    rows[0].source = STR("ab");
    rows[1].evidence = STR("ab");
    rows[2].source = STR("a");
    rows[2].evidence = STR("b");
    BEGIN(&f);
    OK(&f, ledger_append(f.s, rows, 3, &fresh, &f.e));
    COMMIT(&f);
    assert_int_equal(fresh, 3);
    fx_end(&f);
}

/* The record has a size that is checked where it is written; then nothing of the transaction stays. */
TEST(a_record_that_is_too_large_is_refused)
{
    struct fx f;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001");
    struct consent_row rows[2] = {row(&f, p.id, CONSENT_GRANT, 100, "api"), row(&f, p.id, CONSENT_GRANT, 101, "api")};
    char *large = arena_alloc(f.a, 70000);
    size_t fresh = 9;
    memset(large, 'x', 70000);
    rows[1].evidence = (struct str){large, 70000};
    BEGIN(&f);
    assert_int_equal(ledger_append(f.s, rows, 2, &fresh, &f.e), WL_ETOOBIG);
    assert_int_equal(fresh, 9);
    assert_int_equal(store_commit(f.s, &f.e), WL_ECONFLICT);
    assert_int_equal(size(&f), 0);
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
    OK(&f, people_get(f.s, 0, id[2], &p[2], &f.e));
    assert_true(p[2].id == id[0] && p[2].leaf == 2); /* the highest of what became one */
    for (int i = 0; i < 3; i++) {
        OK(&f, ledger_list(f.s, 0, id[i], f.a, 100, &got, &n, &f.e));
        assert_int_equal(n, 3);
        assert_true(got[0].contact == id[2] && got[1].contact == id[1] && got[2].contact == id[0]);
    }
    assert_str(got[0].subject, "phone:15550000002");
    for (size_t i = 0; i < n; i++)
        check_entry(&f, &got[i]);
    fx_end(&f);
}

TESTS(T(keeps_every_field), T(an_event_is_about_a_name), T(the_same_event_is_written_once),
      T(reports_with_other_evidence_are_both_kept), T(fields_do_not_run_into_each_other),
      T(a_record_that_is_too_large_is_refused), T(lists_oldest_first_and_at_most_max), T(a_merge_keeps_both_histories))
