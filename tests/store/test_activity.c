/* SPDX-License-Identifier: Apache-2.0
 * test_activity.c - rows about people's activity, attributes, tags and sources: written, merged, erased, listed; and a file of before.
 *
 * What would hurt: something of somebody who was erased, or written after they were; a merge that loses half; a list that shows
 * somebody twice or never. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "store/activities.h"
#include "store/attributes.h"
#include "store/erasures.h"
#include "store/people_list.h"

#define DAY INT64_C(86400000)

static int64_t raw_count(const struct fx *f, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_open(f->url, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(q), SQLITE_ROW);
    int64_t n = sqlite3_column_int64(q, 0);
    sqlite3_finalize(q);
    sqlite3_close(db);
    return n;
}

static void add(struct fx *f, int64_t contact, enum activity_kind kind, int64_t at)
{
    const struct activity_event ev = {kind, at, at - 2000, true};
    BEGIN(f);
    OK(f, activities_add(f->s, 0, contact, &ev, 1, &f->e));
    COMMIT(f);
}

static struct activity_row row_of(struct fx *f, int64_t contact)
{
    struct activity_row r = {.contact = contact};
    OK(f, activities_get(f->s, &r, 1, &f->e));
    return r;
}

static void give(struct fx *f, int64_t contact, const char *name, const char *value, const char *tag, int64_t at)
{
    const struct attribute v = {str_of(name), str_of(value), 0, at};
    const struct tag t = {str_of(tag), 0, at};
    bool changed = false;
    BEGIN(f);
    OK(f, attribute_put(f->s, 0, contact, &v, &changed, &f->e));
    OK(f, tag_put(f->s, 0, contact, &t, &changed, &f->e));
    COMMIT(f);
}

static void assert_attribute(struct fx *f, int64_t contact, const char *name, const char *value)
{
    struct str got;
    OK(f, attribute_value(f->s, 0, contact, str_of(name), f->a, &got, &f->e));
    assert_true((got.p == NULL) == (value == NULL));
    if (value != NULL)
        assert_str(got, value);
}

/* ---- activity ---- */

TEST(rows_are_written_under_their_version)
{
    struct fx f;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550001001");
    add(&f, p.id, ACTIVITY_READ, NOW);
    struct activity_row r = row_of(&f, p.id), old = r;
    assert_true(r.ver == 1 && r.a.read == NOW / 1000 && r.a.sent == NOW / 1000 - 2);
    add(&f, p.id, ACTIVITY_FAILED, NOW);
    add(&f, p.id, ACTIVITY_FAILED, NOW); /* nothing new: nothing written */
    assert_int_equal(row_of(&f, p.id).ver, 2);
    add(&f, p.id, ACTIVITY_REPLIED, NOW + DAY);
    r = row_of(&f, p.id);
    assert_true(r.ver == 3 && r.a.replied == (NOW + DAY) / 1000 && r.a.n_newest == 2);
    BEGIN(&f);
    assert_int_equal(activities_put(f.s, &old, 1, &f.e), WL_ECONFLICT);
    store_rollback(f.s);
    old.ver = 0;
    BEGIN(&f);
    assert_int_equal(activities_put(f.s, &old, 1, &f.e), WL_ECONFLICT);
    store_rollback(f.s);
    add(&f, 0, ACTIVITY_READ, NOW);      /* nobody */
    add(&f, 999424, ACTIVITY_READ, NOW); /* nobody any more */
    assert_int_equal(raw_count(&f, "SELECT COUNT(*) FROM activity"), 1);
    fx_end(&f);
}

TEST(damage_is_said)
{
    struct fx f;
    struct listed_person *got;
    size_t n;
    int64_t next;
    const struct people_filter any = {.horizons = activity_usual};
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550001001");
    add(&f, p.id, ACTIVITY_READ, NOW);
    if (fx_is_file(&f)) {
        sqlite3 *db = NULL;
        struct activity_row r = {.contact = p.id};
        assert_int_equal(sqlite3_open(f.url, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "UPDATE activity SET state = X'0101'", NULL, NULL, NULL), SQLITE_OK);
        sqlite3_close(db);
        assert_int_equal(activities_get(f.s, &r, 1, &f.e), WL_EIO);
        assert_int_equal(people_list(f.s, 0, &any, 0, NOW, f.a, 10, &got, &n, &next, &f.e), WL_EIO);
    }
    fx_end(&f);
}

/* ---- merging ---- */

static struct person merged(struct fx *f)
{
    struct identity phone = fx_name(IDENTITY_PHONE, "15550001001"), user = fx_name(IDENTITY_USER_ID, "US.1");
    const struct heard both = {&phone, &user, NULL};
    struct person p;
    BEGIN(f);
    OK(f, people_hear(f->s, &both, NOW, NOW, &p, &f->e));
    COMMIT(f);
    return p;
}

TEST(two_become_one_with_all_that_was_theirs)
{
    static const uint8_t one_file[SHA256_BYTES] = {1}, other_file[SHA256_BYTES] = {2};
    struct fx f;
    struct attribute *v;
    struct tag *t;
    struct import_source *src;
    size_t n = 0;
    int64_t one, other;
    bool cut;
    fx_start(&f);
    struct person a = fx_person(&f, IDENTITY_PHONE, "15550001001"), b = fx_person(&f, IDENTITY_USER_ID, "US.1");
    add(&f, a.id, ACTIVITY_READ, NOW);
    add(&f, b.id, ACTIVITY_REPLIED, NOW + DAY);
    give(&f, a.id, "city", "Berlin", "vip", NOW);
    give(&f, b.id, "city", "Bern", "new", NOW + 1);
    give(&f, a.id, "shoe", "43", "both", NOW + 5);
    give(&f, b.id, "shoe", "44", "both", NOW + 2);
    give(&f, b.id, "same", "x", "new", NOW);
    BEGIN(&f);
    OK(&f, import_source_put(f.s, STR("a.csv"), one_file, NOW, &one, &f.e));
    OK(&f, import_source_put(f.s, STR("b.csv"), other_file, NOW, &other, &f.e));
    OK(&f, contact_source_put(f.s, 0, a.id, one, NOW + 9, NULL, &f.e));
    OK(&f, contact_source_put(f.s, 0, b.id, one, NOW + 3, NULL, &f.e));
    OK(&f, contact_source_put(f.s, 0, b.id, other, NOW + 5, NULL, &f.e));
    COMMIT(&f);
    struct person p = merged(&f);
    assert_true(p.id == a.id);
    struct activity_row r = row_of(&f, p.id);
    assert_true(r.a.read == NOW / 1000 && r.a.replied == (NOW + DAY) / 1000 && r.a.n_newest == 2);
    assert_int_equal(row_of(&f, b.id).ver, 0);
    assert_attribute(&f, p.id, "city", "Bern");
    assert_attribute(&f, p.id, "shoe", "43");
    assert_attribute(&f, p.id, "same", "x");
    OK(&f, attributes_get(f.s, 0, p.id, f.a, &v, &n, &f.e));
    assert_true(n == 3 && str_eq(v[0].name, STR("city")) && v[0].at == NOW + 1);
    OK(&f, tags_get(f.s, 0, p.id, f.a, &t, &n, &f.e));
    assert_true(n == 3 && str_eq(t[0].tag, STR("both")) && t[0].at == NOW + 2);
    OK(&f, contact_sources(f.s, 0, p.id, f.a, &src, &n, &cut, &f.e));
    assert_true(n == 2 && !cut && src[0].id == one && src[0].first_at == NOW + 3 && src[1].id == other);
    assert_str(src[1].name, "b.csv");
    assert_memory_equal(src[1].sha256, other_file, SHA256_BYTES);
    assert_int_equal(raw_count(&f, "SELECT (SELECT COUNT(*) FROM attribute) + (SELECT COUNT(*) FROM tag)"), 6);
    add(&f, b.id, ACTIVITY_READ, NOW + 2 * DAY); /* a message to whom it was then */
    assert_int_equal(row_of(&f, p.id).a.n_newest, 3);
    assert_int_equal(raw_count(&f, "SELECT COUNT(*) FROM activity"), 1);
    fx_end(&f);
}

/* ---- what the business says ---- */

TEST(a_value_is_written_once_and_an_older_one_undoes_no_newer_one)
{
    static const struct {
        const char *value;
        int64_t at;
        bool changed;
        const char *then;
    } rows[] = {{"Berlin", 10, true, "Berlin"},
                {"Berlin", 20, false, "Berlin"},
                {"Bonn", 5, false, "Berlin"},
                {"Bonn", 30, true, "Bonn"},
                {"Köln", 30, true, "Köln"}};
    struct fx f;
    bool changed;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550001001");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct attribute v = {STR("city"), str_of(rows[i].value), 0, rows[i].at};
        BEGIN(&f);
        OK(&f, attribute_put(f.s, 0, p.id, &v, &changed, &f.e));
        COMMIT(&f);
        assert_true(changed == rows[i].changed);
        assert_attribute(&f, p.id, "city", rows[i].then);
    }
    BEGIN(&f);
    OK(&f, tag_put(f.s, 0, p.id, &(struct tag){STR("vip"), 0, 1}, &changed, &f.e));
    assert_true(changed);
    OK(&f, tag_put(f.s, 0, p.id, &(struct tag){STR("vip"), 0, 2}, &changed, &f.e));
    assert_false(changed);
    OK(&f, tag_drop(f.s, 0, p.id, STR("vip"), &changed, &f.e));
    assert_true(changed);
    OK(&f, tag_drop(f.s, 0, p.id, STR("vip"), &changed, &f.e));
    assert_false(changed);
    OK(&f, attribute_drop(f.s, 0, p.id, STR("city"), &changed, &f.e));
    assert_true(changed);
    COMMIT(&f);
    assert_attribute(&f, p.id, "city", NULL);
    fx_end(&f);
}

TEST(one_file_is_one_source)
{
    static const uint8_t hash[SHA256_BYTES] = {7};
    struct fx f;
    int64_t id, again, renamed, first = 0;
    bool new = true;
    fx_start(&f);
    struct person p = fx_person(&f, IDENTITY_PHONE, "15550001001");
    BEGIN(&f);
    OK(&f, import_source_put(f.s, STR("crm.csv"), hash, NOW, &id, &f.e));
    OK(&f, import_source_put(f.s, STR("crm.csv"), hash, NOW + DAY, &again, &f.e));
    OK(&f, import_source_put(f.s, STR("other.csv"), hash, NOW, &renamed, &f.e));
    OK(&f, import_source_put(f.s, STR("later.csv"), hash, NOW + DAY, &renamed, &f.e));
    OK(&f, import_source_first(f.s, renamed--, &first, &f.e));
    assert_int_equal(first, NOW);
    OK(&f, contact_source_put(f.s, 0, p.id, id, NOW, &new, &f.e));
    assert_true(new);
    OK(&f, contact_source_put(f.s, 0, p.id, id, NOW + DAY, &new, &f.e));
    COMMIT(&f);
    assert_true(!new &&id == again &&renamed == id + 1);
    assert_int_equal(raw_count(&f, "SELECT last_at - first_at FROM import_source WHERE id = 1"), DAY);
    fx_end(&f);
}

/* Files 0 to n - 1, a day apart. */
static void come_with(struct fx *f, int64_t contact, int n)
{
    for (int i = 0; i < n; i++) {
        const uint8_t hash[SHA256_BYTES] = {(uint8_t)i, 9};
        int64_t id;
        BEGIN(f);
        OK(f, import_source_put(f->s, STR("daily.csv"), hash, NOW + i * DAY, &id, &f->e));
        OK(f, contact_source_put(f->s, 0, contact, id, NOW + i * DAY, NULL, &f->e));
        COMMIT(f);
    }
}

TEST(somebody_in_many_files_keeps_the_earliest_and_the_newest)
{
    static const int counts[] = {1, SOURCES_MAX - 1, SOURCES_MAX, SOURCES_MAX + 1, SOURCES_MAX + 2, 60};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        struct fx f;
        struct import_source *src;
        size_t n = 0;
        bool cut;
        int last = counts[i] - 1;
        fx_start(&f);
        struct person p = fx_person(&f, IDENTITY_PHONE, "15550001001");
        come_with(&f, p.id, counts[i]);
        OK(&f, contact_sources(f.s, 0, p.id, f.a, &src, &n, &cut, &f.e));
        assert_true(cut == (counts[i] > SOURCES_MAX) && n == (size_t)(cut ? SOURCES_MAX : counts[i]));
        assert_true(src[0].first_at == NOW && src[0].sha256[0] == 0);
        for (size_t k = 1; k < n; k++)
            assert_true(src[k].sha256[0] == last + 1 - (int)(n - k) && src[k].first_at == NOW + src[k].sha256[0] * DAY);
        assert_true(raw_count(&f, "SELECT COUNT(*) FROM contact_source") <= SOURCES_MAX + 1);
        fx_end(&f);
    }
}

TEST(two_in_many_files_become_one_in_as_many_as_are_kept)
{
    struct fx f;
    struct import_source *src;
    size_t n = 0;
    bool cut;
    fx_start(&f);
    struct person a = fx_person(&f, IDENTITY_PHONE, "15550001001"), b = fx_person(&f, IDENTITY_USER_ID, "US.1");
    come_with(&f, a.id, 30);
    come_with(&f, b.id, 12);
    OK(&f, contact_sources(f.s, 0, merged(&f).id, f.a, &src, &n, &cut, &f.e));
    assert_true(cut && n == SOURCES_MAX && src[0].sha256[0] == 0 && src[1].sha256[0] == 15 && src[15].sha256[0] == 29);
    assert_int_equal(raw_count(&f, "SELECT COUNT(*) FROM contact_source"), SOURCES_MAX + 1);
    fx_end(&f);
}

/* ---- erasing ---- */

TEST(nothing_is_left_of_somebody_who_is_erased_and_nothing_comes_again)
{
    static const char all[] = "SELECT (SELECT COUNT(*) FROM activity) + (SELECT COUNT(*) FROM attribute) + "
                              "(SELECT COUNT(*) FROM tag) + (SELECT COUNT(*) FROM contact_source)";
    struct fx f;
    struct lives l;
    for (int shred = 0; shred < 2; shred++) {
        fx_start(&f);
        struct person p = fx_person(&f, IDENTITY_PHONE, "15550001001"),
                      q = fx_person(&f, IDENTITY_PHONE, "15550001002");
        add(&f, p.id, ACTIVITY_READ, NOW);
        give(&f, p.id, "city", "Berlin", "vip", NOW);
        add(&f, q.id, ACTIVITY_READ, NOW);
        give(&f, q.id, "city", "Berlin", "vip", NOW);
        BEGIN(&f);
        OK(&f, contact_source_put(f.s, 0, p.id, 1, NOW, NULL, &f.e));
        OK(&f, person_restrict(f.s, 0, p.id, NOW + DAY, &f.e));
        OK(&f, lives_of(f.s, 0, p.id, &l, &f.e));
        OK(&f, shred ? person_shred(f.s, &l, NULL, 0, &f.e) : person_strip(f.s, &l, &f.e));
        COMMIT(&f);
        assert_int_equal(raw_count(&f, all), 3); /* the other one's */
        add(&f, p.id, ACTIVITY_DELIVERED, NOW + 5000);
        assert_int_equal(raw_count(&f, all), 3);
        fx_end(&f);
    }
}

/* ---- listing ---- */

#define MANY 12

/* Person i was alive i * 10 days before NOW; even ones have a tag, every third a city. */
static void fill(struct fx *f, int64_t *ret_id)
{
    for (int i = 0; i < MANY; i++) {
        char phone[IDENTITY_MAX];
        snprintf(phone, sizeof phone, "155500020%02d", i);
        ret_id[i] = fx_person(f, IDENTITY_PHONE, phone).id;
        add(f, ret_id[i], i % 4 == 0 ? ACTIVITY_REPLIED : ACTIVITY_DELIVERED, NOW - i * 10 * DAY);
        give(f, ret_id[i], "n", i % 3 == 0 ? "three" : "x", i % 2 == 0 ? "even" : "odd", NOW);
    }
}

/* The people a filter lets through, as bits; found in pages of so many. */
static uint32_t listed(struct fx *f, const int64_t *id, const struct people_filter *filter, size_t page)
{
    uint32_t found = 0;
    int64_t after = 0;
    do {
        struct listed_person *got = NULL;
        size_t n = 0;
        OK(f, people_list(f->s, 0, filter, after, NOW, f->a, page, &got, &n, &after, &f->e));
        for (size_t i = 0; i < n; i++)
            for (int k = 0; k < MANY; k++)
                if (got[i].id == id[k]) {
                    assert_false(found >> k & 1);
                    found |= 1u << k;
                }
    } while (after != 0);
    return found;
}

TEST(lists_are_what_the_filter_says_whatever_the_page)
{
    static const struct {
        struct people_filter f;
        uint32_t want;
    } rows[] = {
        {{.horizons = {90, 90, 7, 3}}, 0xfff},
        {{.classes = 1 << ACTIVITY_INTERACTIVE, .horizons = {90, 90, 7, 3}}, 0x111},
        {{.classes = 1 << ACTIVITY_DORMANT, .horizons = {90, 90, 7, 3}}, 0xe00},
        {{.classes = 1 << ACTIVITY_DORMANT | 1 << ACTIVITY_ACTIVE, .horizons = {90, 90, 7, 3}}, 0xeee},
        {{.classes = 1 << ACTIVITY_UNDELIVERABLE, .horizons = {90, 90, 7, 3}}, 0},
        {{.idle_since = NOW - 100 * DAY, .horizons = {90, 90, 7, 3}}, 0xc00},
        {{.alive_since = NOW - 20 * DAY, .horizons = {90, 90, 7, 3}}, 0x007},
        {{.tag = STR_INIT("even"), .horizons = {90, 90, 7, 3}}, 0x555},
        {{.tag = STR_INIT("none"), .horizons = {90, 90, 7, 3}}, 0},
        {{.tag = STR_INIT("odd"), .classes = 1 << ACTIVITY_DORMANT, .horizons = {90, 90, 7, 3}}, 0xa00},
        {{.attribute = {{STR_INIT("n"), STR_INIT("three")}}, .n_attributes = 1, .horizons = {90, 90, 7, 3}}, 0x249},
        {{.attribute = {{STR_INIT("n"), {NULL, 0}}}, .n_attributes = 1, .horizons = {90, 90, 7, 3}}, 0xfff},
        {{.attribute = {{STR_INIT("m"), {NULL, 0}}}, .n_attributes = 1, .horizons = {90, 90, 7, 3}}, 0},
        {{.attribute = {{STR_INIT("n"), STR_INIT("three")}},
          .n_attributes = 1,
          .tag = STR_INIT("even"),
          .horizons = {90, 90, 7, 3}},
         0x041},
    };
    struct fx f;
    int64_t id[MANY];
    fx_start(&f);
    fill(&f, id);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        for (size_t page = 1; page <= 7; page += 3)
            if (listed(&f, id, &rows[i].f, page) != rows[i].want)
                fail_msg("row %zu, pages of %zu: %x", i, page, listed(&f, id, &rows[i].f, page));
    fx_end(&f);
}

/* Nobody who is to be erased; and nobody is idle for longer than they are known. */
TEST(lists_leave_out_who_is_to_be_erased_and_who_is_new_is_not_idle)
{
    struct people_filter any = {.horizons = activity_usual};
    struct fx f;
    int64_t id[MANY] = {0};
    fx_start(&f);
    id[0] = fx_person(&f, IDENTITY_PHONE, "15550001001").id; /* nothing happened, known since NOW */
    id[1] = fx_person(&f, IDENTITY_PHONE, "15550001002").id; /* alive long ago, and known since NOW */
    id[2] = fx_person(&f, IDENTITY_PHONE, "15550001003").id;
    add(&f, id[1], ACTIVITY_DELIVERED, NOW - 200 * DAY);
    give(&f, id[2], "city", "Bern", "vip", NOW);
    assert_int_equal(listed(&f, id, &any, 2), 7);
    any.idle_since = NOW - 180 * DAY;
    assert_int_equal(listed(&f, id, &any, 2), 2);
    any.idle_since = NOW + DAY; /* as asked a day and more later */
    assert_int_equal(listed(&f, id, &any, 2), 7);
    BEGIN(&f);
    OK(&f, person_restrict(f.s, 0, id[2], NOW + DAY, &f.e));
    COMMIT(&f);
    any.idle_since = 0;
    assert_int_equal(listed(&f, id, &any, 2), 3);
    any.tag = STR("vip");
    assert_int_equal(listed(&f, id, &any, 2), 0);
    fx_end(&f);
}

/* ---- a file of before ---- */

TEST(a_file_with_seven_migrations_is_brought_up_to_date)
{
    struct fx f;
    static char sql[64 << 10];
    char path[600];
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT");
    snprintf(path, sizeof path, "%s/tests/store/version7.sql", root ? root : ".");
    fx_place(&f);
    FILE *t = fopen(path, "r");
    if (!fx_is_file(&f) || t == NULL) {
        fx_end(&f);
        skip_loudly("not a file, or the sources are not here");
    }
    sql[fread(sql, 1, sizeof sql - 1, t)] = '\0';
    fclose(t);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(f.url, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    OK(&f, store_open(&f.s, f.url, NULL, &f.e));
    OK(&f, store_verify_statements(f.s, &f.e));
    assert_int_equal(raw_count(&f, "SELECT COUNT(*) FROM person"), 5);
    assert_int_equal(raw_count(&f, "SELECT COUNT(*) FROM msg_event"), 9);
    assert_int_equal(raw_count(&f, "SELECT COUNT(*) FROM activity"), 0);
    add(&f, 8192, ACTIVITY_READ, NOW); /* who was merged */
    assert_int_equal(row_of(&f, 4096).a.read, NOW / 1000);
    give(&f, 12288, "city", "Berlin", "vip", NOW);
    assert_attribute(&f, 12288, "city", "Berlin");
    fx_end(&f);
}

TESTS(T(rows_are_written_under_their_version), T(damage_is_said), T(two_become_one_with_all_that_was_theirs),
      T(a_value_is_written_once_and_an_older_one_undoes_no_newer_one), T(one_file_is_one_source),
      T(nothing_is_left_of_somebody_who_is_erased_and_nothing_comes_again),
      T(somebody_in_many_files_keeps_the_earliest_and_the_newest),
      T(two_in_many_files_become_one_in_as_many_as_are_kept),
      T(lists_leave_out_who_is_to_be_erased_and_who_is_new_is_not_idle),
      T(lists_are_what_the_filter_says_whatever_the_page), T(a_file_with_seven_migrations_is_brought_up_to_date))
