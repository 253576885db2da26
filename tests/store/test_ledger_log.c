/* SPDX-License-Identifier: Apache-2.0
 * test_ledger_log.c - the log is one row of entries without a gap, and every record of before gets into it.
 *
 * What would hurt: a gap after a rollback, a tag used twice, an entry lost that nobody notices, a row of an old file without
 * an entry, a person who counts as proven before their last word is, a new generation that forgets somebody. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "store/erasures.h"
#include "store/ledger.h"
#include "store/messages.h"
#include "store/rules_log.h"

#define MANY 10000

static void raw_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static int64_t raw_count(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return n;
}

static int64_t size(struct fx *f)
{
    int64_t n = -1;
    OK(f, log_size(f->s, &n, &f->e));
    return n;
}

static struct consent_row row(struct fx *f, int64_t contact, int64_t at)
{
    return (struct consent_row){.id = store_id(f->s, NOW),
                                .contact = contact,
                                .event = {.act = CONSENT_GRANT, .scope = CONSENT_ALL, .at = at},
                                .recorded_at = NOW,
                                .method = STR("import"),
                                .source = STR("list.csv")};
}

static int append(struct fx *f, int64_t contact, int64_t at)
{
    struct consent_row r = row(f, contact, at);
    return ledger_append(f->s, &r, 1, NULL, &f->e);
}

static struct leaf entry_at(struct fx *f, int64_t idx)
{
    struct log_entry entry;
    struct leaf leaf;
    size_t n = 0;
    OK(f, log_read(f->s, idx, 1, &entry, &n, &f->e));
    assert_true(n == 1 && entry.idx == idx);
    OK(f, leaf_read(entry.bytes, sizeof entry.bytes, &leaf, &f->e));
    return leaf;
}

/* The entry fits the record, made with that number and the person's key. */
static void check_commit(struct fx *f, int64_t contact, int64_t idx, int64_t n, struct str record)
{
    uint8_t key[LEAF_KEY_BYTES], tag[SHA256_BYTES], salt[SHA256_BYTES], commit[SHA256_BYTES];
    struct leaf leaf = entry_at(f, idx);
    OK(f, subject_key_get(f->s, 0, contact, key, &f->e));
    leaf_tag(key, (uint64_t)n, tag);
    leaf_salt(key, (uint64_t)n, salt);
    leaf_commit(salt, record, commit);
    assert_memory_equal(leaf.tag, tag, sizeof tag);
    assert_memory_equal(leaf.commit, commit, sizeof commit);
}

static void check_row(struct fx *f, const struct consent_row *r)
{
    struct buf record;
    buf_init(&record, CONSENT_RECORD_MAX);
    OK(f, ledger_record(r, &record, &f->e));
    check_commit(f, r->contact, r->leaf, r->n, buf_str(&record));
    buf_done(&record);
}

static void check_rules_event(struct fx *f, const struct rules_event *v)
{
    struct buf record;
    buf_init(&record, 65536);
    OK(f, rules_log_record(v, &record, &f->e));
    check_commit(f, 0, v->leaf, v->n, buf_str(&record));
    assert_int_equal(entry_at(f, v->leaf).kind, LEAF_RULES);
    buf_done(&record);
}

/* --- entries -------------------------------------------------------------------------------------------------------- */

TEST(a_rollback_leaves_no_gap)
{
    struct fx f;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001"), q = fx_person(&f, IDENTITY_PHONE, "15550000002");
    uint8_t key[LEAF_KEY_BYTES];
    BEGIN(&f);
    OK(&f, append(&f, p.id, 1));
    COMMIT(&f);
    BEGIN(&f);
    for (int at = 2; at < 7; at++)
        OK(&f, append(&f, q.id, at));
    store_rollback(f.s);
    assert_int_equal(size(&f), 1);
    assert_int_equal(subject_key_get(f.s, 0, q.id, key, &f.e), WL_ENOTFOUND);
    OK(&f, people_get(f.s, 0, q.id, &q, &f.e));
    assert_true(q.leaf == -1);
    BEGIN(&f);
    OK(&f, append(&f, q.id, 8));
    OK(&f, append(&f, p.id, 9));
    COMMIT(&f);
    assert_int_equal(size(&f), 3);
    struct consent_row *got = NULL;
    size_t n = 0;
    OK(&f, ledger_by_leaf(f.s, 0, 1, 10, f.a, &got, &n, &f.e));
    assert_true(n == 2 && got[0].leaf == 1 && got[0].contact == q.id && got[0].event.at == 8 && got[1].leaf == 2);
    check_row(&f, &got[0]);
    fx_end(&f);
}

static int by_tag(const void *a, const void *b)
{
    return memcmp(((const struct leaf *)a)->tag, ((const struct leaf *)b)->tag, SHA256_BYTES);
}

TEST(ten_thousand_entries_lie_in_order_and_no_tag_comes_twice)
{
    struct fx f;
    fx_start(&f);
    struct person p[3];
    static struct consent_row rows[1000];
    static struct log_entry entry[700];
    static struct leaf leaf[MANY];
    size_t n = 0, all = 0;
    for (int i = 0; i < 3; i++)
        p[i] = fx_person(&f, IDENTITY_PHONE, (const char *[]){"15550000001", "15550000002", "15550000003"}[i]);
    for (int batch = 0; batch < MANY / 1000; batch++) {
        BEGIN(&f);
        for (int i = 0; i < 1000; i++)
            rows[i] = row(&f, p[i % 3].id, batch * 1000 + i + 1);
        OK(&f, ledger_append(f.s, rows, 1000, NULL, &f.e));
        COMMIT(&f);
    }
    fx_reopen(&f);
    assert_int_equal(size(&f), MANY);
    do {
        OK(&f, log_read(f.s, (int64_t)all, 700, entry, &n, &f.e));
        for (size_t i = 0; i < n; i++, all++) {
            assert_int_equal(entry[i].idx, all);
            OK(&f, leaf_read(entry[i].bytes, sizeof entry[i].bytes, &leaf[all], &f.e));
        }
    } while (n == 700);
    assert_int_equal(all, MANY);
    qsort(leaf, MANY, sizeof leaf[0], by_tag);
    for (size_t i = 1; i < MANY; i++)
        assert_true(by_tag(&leaf[i - 1], &leaf[i]) != 0);
    OK(&f, people_get(f.s, 0, p[1].id, &p[1], &f.e));
    assert_int_equal(p[1].leaf, MANY - 3); /* the last batch ends with p[1], p[2], p[0] */
    fx_end(&f);
}

TEST(a_missing_or_short_entry_is_named)
{
    struct fx f;
    fx_start(&f);
    if (!fx_is_file(&f)) {
        fx_end(&f);
        skip_loudly("entries are spoilt in SQLite's file");
    }
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001");
    struct log_entry entry[16];
    size_t n = 5;
    BEGIN(&f);
    for (int at = 1; at <= 12; at++)
        OK(&f, append(&f, p.id, at));
    COMMIT(&f);
    raw_sql(f.url, "DELETE FROM log_leaf WHERE idx = 7; UPDATE log_leaf SET entry = X'01' WHERE idx = 3");
    assert_int_equal(log_read(f.s, 0, 16, entry, &n, &f.e), WL_ECORRUPT);
    assert_non_null(strstr(f.e.text, "entry 3"));
    assert_int_equal(log_read(f.s, 4, 16, entry, &n, &f.e), WL_ECORRUPT);
    assert_non_null(strstr(f.e.text, "entry 7"));
    assert_int_equal(log_read(f.s, 7, 1, entry, &n, &f.e), WL_ECORRUPT);
    assert_int_equal(n, 5); /* untouched on failure */
    OK(&f, log_read(f.s, 8, 16, entry, &n, &f.e));
    assert_int_equal(n, 4);
    OK(&f, log_read(f.s, 12, 16, entry, &n, &f.e));
    assert_int_equal(n, 0);
    fx_end(&f);
}

/* Something that is no consent event; of a person, and of the business. */
TEST(other_entries_have_a_key_and_a_place)
{
    struct fx f;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001");
    const struct leaf gone = {.kind = LEAF_ERASURE, .at = NOW, .count = 3},
                      campaign = {.kind = LEAF_CAMPAIGN, .at = NOW};
    int64_t at[3], n[3];
    BEGIN(&f);
    OK(&f, log_append(f.s, 0, 0, &gone, STR("one"), &at[0], &n[0], &f.e));
    OK(&f, log_append(f.s, 0, p.id, &campaign, STR("two"), &at[1], &n[1], &f.e));
    OK(&f, log_append(f.s, 0, 0, &campaign, STR("two"), &at[2], &n[2], &f.e));
    COMMIT(&f);
    assert_true(at[0] == 0 && at[1] == 1 && at[2] == 2 && n[0] != n[2]);
    check_commit(&f, 0, 0, n[0], STR("one"));
    check_commit(&f, p.id, 1, n[1], STR("two"));
    check_commit(&f, 0, 2, n[2], STR("two"));
    struct leaf l = entry_at(&f, 0);
    assert_true(l.kind == LEAF_ERASURE && l.count == 3);
    OK(&f, people_get(f.s, 0, p.id, &p, &f.e));
    assert_int_equal(p.leaf, 1);
    BEGIN(&f);
    OK(&f, log_mark_gone(f.s, (const int64_t[]){0, 2, 99}, 3, &f.e));
    COMMIT(&f);
    struct log_entry entry[4];
    size_t got = 0;
    OK(&f, log_read(f.s, 0, 4, entry, &got, &f.e));
    assert_true(got == 3 && entry[0].gone && !entry[1].gone && entry[2].gone);
    fx_end(&f);
}

/* Who was merged into somebody else, and what is said under the old row's id, count for the one who stayed. (Who is to be erased
 * is merged with nobody: tests/scenarios/test_erasure.py.) */
TEST(a_merged_person_has_the_highest_entry)
{
    struct fx f;
    fx_start(&f);
    if (!fx_is_file(&f)) {
        fx_end(&f);
        skip_loudly("a restriction is written into SQLite's file");
    }
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550000001"), q = fx_person(&f, IDENTITY_USER_ID, "US.1"), now;
    struct identity name = fx_name(IDENTITY_USER_ID, "US.1"), nobody = fx_name(IDENTITY_PHONE, "15550000009");
    assert_true(p.leaf == -1 && p.restricted_until == 0);
    OK(&f, people_find(f.s, &nobody, 1, &now, &f.e));
    assert_true(now.id == 0 && now.leaf == 0);
    BEGIN(&f);
    OK(&f, append(&f, p.id, 1));
    OK(&f, append(&f, q.id, 2));
    COMMIT(&f);
    BEGIN(&f);
    OK(&f, people_get(f.s, 0, p.id, &p, &f.e));
    OK(&f, people_add_identity(f.s, &p, &name, NOW, &f.e));
    COMMIT(&f);
    raw_sql(f.url, "UPDATE person SET restricted_until = 1234 WHERE leaf = 1");
    OK(&f, people_get(f.s, 0, p.id, &p, &f.e));
    OK(&f, people_get(f.s, 0, q.id, &now, &f.e));
    assert_true(now.id == p.id && now.leaf == 1 && now.restricted_until == 1234);
    assert_true(p.leaf == 1 && p.restricted_until == 1234);
    BEGIN(&f);
    OK(&f, append(&f, q.id, 3));
    COMMIT(&f);
    OK(&f, people_get(f.s, 0, p.id, &now, &f.e));
    assert_int_equal(now.leaf, 2);
    now.lang[0] = 'x'; /* a save leaves both alone */
    now.leaf = now.restricted_until = 99;
    BEGIN(&f);
    OK(&f, people_save(f.s, &now, 1, &f.e));
    COMMIT(&f);
    OK(&f, people_get(f.s, 0, p.id, &now, &f.e));
    assert_true(now.leaf == 2 && now.restricted_until == 1234 && now.lang[0] == 'x');
    fx_end(&f);
}

/* --- checkpoints ---------------------------------------------------------------------------------------------------- */

#define DAY INT64_C(86400000)

static struct log_head head(int64_t generation, int64_t entries, int64_t at, const char *note)
{
    struct log_head h = {.generation = generation, .size = entries, .at = at, .note = str_of(note)};
    memset(h.root, (int)entries, sizeof h.root);
    return h;
}

TEST(a_checkpoint_is_put_once_and_signed_later)
{
    struct fx f;
    fx_start(&f);
    struct log_head h = head(1, 10, NOW, ""), got;
    assert_int_equal(log_head_last(f.s, f.a, &got, &f.e), WL_ENOTFOUND);
    BEGIN(&f);
    OK(&f, log_head_put(f.s, &h, &f.e));
    COMMIT(&f);
    OK(&f, log_head_last(f.s, f.a, &got, &f.e));
    assert_true(got.generation == 1 && got.size == 10 && got.at == NOW && got.note.n == 0);
    h.note = STR("signed");
    BEGIN(&f);
    OK(&f, log_head_put(f.s, &h, &f.e));
    COMMIT(&f);
    OK(&f, log_head_last(f.s, f.a, &got, &f.e));
    assert_str(got.note, "signed");
    assert_memory_equal(got.root, h.root, sizeof h.root);
    h.root[5] ^= 1;
    BEGIN(&f);
    assert_int_equal(log_head_put(f.s, &h, &f.e), WL_ECORRUPT);
    store_rollback(f.s);
    h = head(2, 0, NOW + 1, "");
    BEGIN(&f);
    OK(&f, log_head_put(f.s, &h, &f.e));
    COMMIT(&f);
    OK(&f, log_head_last(f.s, f.a, &got, &f.e));
    assert_true(got.generation == 2 && got.size == 0); /* a new generation is the newest, however small */
    fx_end(&f);
}

TEST(of_old_checkpoints_the_last_of_each_day_stays)
{
    struct fx f;
    fx_start(&f);
    if (!fx_is_file(&f)) {
        fx_end(&f);
        skip_loudly("rows are counted in SQLite's file");
    }
    const struct log_head heads[] = {head(1, 1, DAY, "a"),         head(1, 2, DAY + 5, "a"),
                                     head(1, 3, 2 * DAY - 1, "a"), head(1, 4, 2 * DAY, "a"),
                                     head(2, 0, 2 * DAY + 1, "a"), head(2, 9, 2 * DAY + 2, "a"),
                                     head(2, 11, 4 * DAY, "a"),    head(2, 12, 4 * DAY + 1, "a"),
                                     head(2, 13, 4 * DAY + 2, "a")};
    BEGIN(&f);
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        OK(&f, log_head_put(f.s, &heads[i], &f.e));
    OK(&f, log_heads_thin(f.s, 4 * DAY + 1, &f.e));
    COMMIT(&f);
    assert_int_equal(raw_count(f.url, "SELECT COUNT(*) FROM log_head"), 5);
    assert_int_equal(raw_count(f.url, "SELECT SUM(size) FROM log_head"), 3 + 4 + 9 + 12 + 13);
    fx_end(&f);
}

/* --- what happened to the rules ------------------------------------------------------------------------------------- */

TEST(what_happens_to_the_rules_is_in_the_log)
{
    struct fx f;
    fx_start(&f);
    uint8_t hash[SHA256_BYTES];
    int64_t number = 0;
    struct rules_event *v = NULL;
    size_t n = 0;
    sha256("book", 4, hash);
    BEGIN(&f);
    OK(&f, rulesets_put(f.s, hash, "example-1", STR("rules: []\n"), NOW, &number, &f.e));
    const struct rules_event events[] = {
        {.id = store_id(f.s, NOW), .at = NOW, .act = RULES_ACTIVATED, .ruleset = number, .actor = STR("start")},
        {.id = store_id(f.s, NOW),
         .at = NOW + 1,
         .act = RULES_OVERRIDDEN,
         .ruleset = number,
         .actor = STR("ana"),
         .reason = STR("she asked \"for it\""),
         .detail = STR("a.b m0d1a55b4kc000g0")},
        {.id = store_id(f.s, NOW), .at = NOW + 2, .act = RULES_SHADOWED, .ruleset = 0, .actor = STR("api")}};
    OK(&f, rules_log_append(f.s, events, 3, &f.e));
    COMMIT(&f);
    OK(&f, rules_log_list(f.s, f.a, 0, 0, 10, &v, &n, &f.e));
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++) {
        assert_int_equal(v[i].leaf, 2 - i);
        check_rules_event(&f, &v[i]);
    }
    struct buf record;
    buf_init(&record, 4096);
    v[1].id = 7530136710932332544;
    OK(&f, rules_log_record(&v[1], &record, &f.e));
    assert_str(
        buf_str(&record),
        "{\"schema_version\":\"wayleave-rules-1\",\"record_id\":\"mt40ddrkag000000\",\"ruleset\":{\"id\":\"example-1\","
        "\"sha256\":\"92719fe0cf8cd51592af31ee8a5736d79f7273777fa3f7b70bfe993a4cd32180\"},\"event\":{"
        "\"event_type\":\"overridden\",\"event_time\":\"2023-11-14T22:13:20.001Z\",\"entity_id\":\"ana\","
        "\"reason\":\"she asked \\\"for it\\\"\",\"detail\":\"a.b m0d1a55b4kc000g0\"}}");
    buf_done(&record);
    fx_end(&f);
}

/* --- rows of before there was a log --------------------------------------------------------------------------------- */

static bool write_old_file(const struct fx *f)
{
    char path[600];
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT");
    static char sql[64 << 10];
    snprintf(path, sizeof path, "%s/tests/store/version6.sql", root ? root : ".");
    FILE *t = fopen(path, "r");
    if (t == NULL)
        return false;
    size_t n = fread(sql, 1, sizeof sql - 1, t);
    sql[n] = '\0';
    fclose(t);
    raw_sql(f->url, sql);
    return true;
}

/* Everything a row of the old file said, and what it gets. In the order they were learned of. */
static const struct old_row {
    int64_t contact, at;
    enum consent_act act;
    const char *method, *subject, *wording, *evidence;
} old_rows[] = {
#define T0 INT64_C(1795324495000)
    {4096, T0 - 90000, CONSENT_GRANT, "web_form", "phone:15550001001",
     "Yes, send me offers of Example Shop on WhatsApp. I can stop at any time.", "{\"ip\":\"192.0.2.7\"}"},
    {12288, T0 - 80000, CONSENT_GRANT, "import", "phone:15550001002",
     "Yes, send me offers of Example Shop on WhatsApp. I can stop at any time.", ""},
    {8192, T0 - 70000, CONSENT_STOP, "platform", "phone:15550001001", "", ""},
    {8192, T0 - 60000, CONSENT_RESUME, "platform", "phone:15550001001", "", ""},
    {16384, T0 - 50000, CONSENT_WITHDRAW, "conversation", "phone:15550001003", "",
     "she wrote: no more offers – \"never\""},
    {4096, T0 - 40000, CONSENT_WITHDRAW, "web_form", "phone:15550001001", "No more messages about orders.", ""},
};
#define OLD_ROWS (sizeof old_rows / sizeof *old_rows)

static void check_adopted(struct fx *f)
{
    struct consent_row *got = NULL;
    struct rules_event *v = NULL;
    size_t n = 0;
    OK(f, ledger_by_leaf(f->s, 0, 0, 100, f->a, &got, &n, &f->e));
    assert_int_equal(n, OLD_ROWS);
    for (size_t i = 0; i < n; i++) {
        const struct old_row *old = &old_rows[i];
        assert_true(got[i].leaf == (int64_t)i && got[i].contact == old->contact && got[i].event.at == old->at);
        assert_true(got[i].event.act == old->act && got[i].recorded_at == T0 + (int64_t)i && got[i].event.until == 0);
        assert_str(got[i].method, old->method);
        assert_str(got[i].subject, old->subject);
        assert_str(got[i].wording, old->wording);
        assert_str(got[i].evidence, old->evidence);
        check_row(f, &got[i]);
        assert_true(entry_at(f, (int64_t)i).at == NOW / 3600000 * 3600000); /* not as if it had been proven then */
    }
    OK(f, rules_log_list(f->s, f->a, 0, 0, 10, &v, &n, &f->e));
    assert_true(n == 2 && v[1].leaf == OLD_ROWS && v[0].leaf == OLD_ROWS + 1);
    check_rules_event(f, &v[0]);
    check_rules_event(f, &v[1]);
    assert_int_equal(size(f), OLD_ROWS + 2);
}

static void check_reach(struct fx *f)
{
    static const struct {
        int64_t id, leaf;
    } rows[] = {{4096, 5}, {8192, 5}, {12288, 1}, {16384, 4}};
    struct person p;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        OK(f, people_get(f->s, 0, rows[i].id, &p, &f->e));
        assert_int_equal(p.leaf, rows[i].leaf);
    }
}

/* In steps of two, which is how a start does it; what is left is told, and a second round finds nothing. */
static void adopt_all(struct fx *f)
{
    static const int64_t left[] = {6, 4, 2, 0, 0};
    for (size_t i = 0; i < sizeof left / sizeof *left; i++) {
        int64_t now_left = -1;
        BEGIN(f);
        OK(f, ledger_adopt(f->s, 0, 2, NOW, &now_left, &f->e));
        COMMIT(f);
        assert_int_equal(now_left, left[i]);
        if (i == 1)
            fx_reopen(f);
    }
}

TEST(rows_of_before_get_their_entries)
{
    struct fx f;
    fx_place(&f);
    if (!fx_is_file(&f) || !write_old_file(&f)) {
        fx_end(&f);
        skip_loudly("not a file, or the sources are not here");
    }
    OK(&f, store_open(&f.s, f.url, NULL, &f.e));
    assert_int_equal(size(&f), 0);
    adopt_all(&f);
    check_adopted(&f);
    check_reach(&f);
    assert_int_equal(raw_count(f.url, "SELECT COUNT(*) FROM wording"), 2);
    assert_int_equal(raw_count(f.url, "SELECT COUNT(*) FROM ledger WHERE wording <> '' OR fingerprint = 0"), 0);
    struct consent_row again = {.id = store_id(f.s, NOW),
                                .contact = 4096,
                                .event = {.act = CONSENT_GRANT, .scope = CONSENT_ALL, .at = T0 - 90000},
                                .recorded_at = NOW,
                                .method = STR("web_form"),
                                .source = STR("https://shop.example/join"),
                                .wording = str_of(old_rows[0].wording),
                                .language = STR("en"),
                                .evidence = STR("{\"ip\":\"192.0.2.7\"}"),
                                .actor = STR("key:other")};
    size_t fresh = 9;
    BEGIN(&f);
    OK(&f, ledger_append(f.s, &again, 1, &fresh, &f.e));
    COMMIT(&f);
    assert_int_equal(fresh, 0); /* the same report once more is known */
    fx_end(&f);
}

/* A report that came again between the update and the adoption: both rows stay, each with an entry. */
TEST(a_row_of_before_that_was_reported_again_keeps_its_own_entry)
{
    struct fx f;
    fx_place(&f);
    if (!fx_is_file(&f) || !write_old_file(&f)) {
        fx_end(&f);
        skip_loudly("not a file, or the sources are not here");
    }
    OK(&f, store_open(&f.s, f.url, NULL, &f.e));
    struct consent_row again = {.id = store_id(f.s, NOW),
                                .contact = 12288,
                                .event = {.act = CONSENT_GRANT,
                                          .scope = CONSENT_SCOPE(CATEGORY_MARKETING),
                                          .at = T0 - 80000},
                                .recorded_at = NOW,
                                .method = STR("import"),
                                .source = STR("list.csv#3"),
                                .wording = str_of(old_rows[1].wording),
                                .language = STR("en")},
                       *got = NULL;
    int64_t left = 9;
    size_t n = 0;
    BEGIN(&f);
    OK(&f, ledger_append(f.s, &again, 1, &n, &f.e));
    assert_int_equal(n, 1);
    OK(&f, ledger_adopt(f.s, 0, 100, NOW, &left, &f.e));
    COMMIT(&f);
    assert_int_equal(left, 0);
    OK(&f, ledger_list(f.s, 0, 12288, f.a, 10, &got, &n, &f.e));
    assert_int_equal(n, 2);
    check_row(&f, &got[0]);
    check_row(&f, &got[1]);
    assert_true(got[0].leaf != got[1].leaf);
    fx_end(&f);
}

/* --- a new generation ----------------------------------------------------------------------------------------------- */

/* A database from a backup: all records come into a new log, and no tag of the old one is made again. */
TEST(a_new_generation_has_every_record)
{
    struct fx f;
    fx_place(&f);
    if (!fx_is_file(&f) || !write_old_file(&f)) {
        fx_end(&f);
        skip_loudly("not a file, or the sources are not here");
    }
    struct leaf before[OLD_ROWS];
    struct log_head last;
    struct person p;
    OK(&f, store_open(&f.s, f.url, NULL, &f.e));
    adopt_all(&f);
    for (size_t i = 0; i < OLD_ROWS; i++)
        before[i] = entry_at(&f, (int64_t)i);
    struct erasure was = {.id = store_id(f.s, NOW), .asked_at = NOW, .done_at = NOW, .leaves = 3, .leaf = 2, .n = 7};
    BEGIN(&f);
    OK(&f, erasure_add(f.s, &was, &f.e));
    COMMIT(&f);
    for (int64_t generation = 2; generation < 4; generation++) {
        BEGIN(&f);
        OK(&f, log_restart(f.s, NOW, &f.e));
        COMMIT(&f);
        assert_int_equal(size(&f), 0);
        OK(&f, erasure_get(f.s, was.id, &was, &f.e));
        assert_true(was.leaf == -1 && was.leaves == 3); /* it is in the log before */
        OK(&f, log_head_last(f.s, f.a, &last, &f.e));
        assert_true(last.generation == generation && last.size == 0 && last.note.n == 0);
        OK(&f, people_get(f.s, 0, 4096, &p, &f.e));
        assert_true(p.leaf == -1);
        adopt_all(&f);
        check_adopted(&f);
        check_reach(&f);
        for (size_t i = 0; i < OLD_ROWS; i++) {
            struct leaf now = entry_at(&f, (int64_t)i);
            assert_memory_not_equal(now.tag, before[i].tag, sizeof now.tag);
            assert_memory_not_equal(now.commit, before[i].commit, sizeof now.commit);
            before[i] = now;
        }
    }
    fx_end(&f);
}

TESTS(T(a_rollback_leaves_no_gap), T(ten_thousand_entries_lie_in_order_and_no_tag_comes_twice),
      T(a_missing_or_short_entry_is_named), T(other_entries_have_a_key_and_a_place),
      T(a_merged_person_has_the_highest_entry), T(a_checkpoint_is_put_once_and_signed_later),
      T(of_old_checkpoints_the_last_of_each_day_stays), T(what_happens_to_the_rules_is_in_the_log),
      T(rows_of_before_get_their_entries), T(a_row_of_before_that_was_reported_again_keeps_its_own_entry),
      T(a_new_generation_has_every_record))
