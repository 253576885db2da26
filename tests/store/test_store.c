/* SPDX-License-Identifier: Apache-2.0
 * test_store.c - opening, migrating, refusing, transactions, ids and cursors.
 *
 * What would hurt: a schema half made, a newer file damaged by an older program, an id given twice, a batch
 * committed by halves. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "store/accounts.h"
#include "store/db.h"
#include "store/inbox.h"
#include "store/rules_log.h"
#include "store/senders.h"

static void raw_sql(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

TEST(opens_and_reopens)
{
    struct fx f;
    int64_t at = -1;
    fx_start(&f);
    OK(&f, store_verify_statements(f.s, &f.e));
    OK(&f, cursor_get(f.s, "projector", &at, &f.e));
    assert_int_equal(at, 0);
    BEGIN(&f);
    OK(&f, cursor_set(f.s, "projector", 7, &f.e));
    OK(&f, cursor_set(f.s, "projector", INT64_MAX, &f.e));
    OK(&f, cursor_set(f.s, "router", 9, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    OK(&f, store_verify_statements(f.s, &f.e));
    OK(&f, cursor_get(f.s, "projector", &at, &f.e));
    assert_true(at == INT64_MAX);
    OK(&f, cursor_get(f.s, "router", &at, &f.e));
    assert_int_equal(at, 9);
    fx_end(&f);
}

/* The file of an earlier program, of which the last migrations are taken back where an even older one is meant. */
static bool write_old_file(const struct fx *f, const char *file, const char *back)
{
    char path[600];
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT");
    static char sql[64 << 10];
    snprintf(path, sizeof path, "%s/tests/store/%s", root ? root : ".", file);
    FILE *t = fopen(path, "r");
    if (t == NULL)
        return false;
    size_t n = fread(sql, 1, sizeof sql - 1, t);
    sql[n] = '\0';
    fclose(t);
    raw_sql(f->url, sql);
    raw_sql(f->url, back);
    return true;
}

/* Messages of before version 5: whole, at an end where they were at one, and never attempted again. */
static void check_old_messages(struct fx *f)
{
    static const struct {
        int64_t id;
        enum life_state at;
        bool delivered;
    } rows[] = {{7530136711687307264, LIFE_ACCEPTED, false},
                {7530136711750221824, LIFE_REFUSED, false},
                {7530136711754416128, LIFE_FAILED, false},
                {7530136711758610432, LIFE_ACCEPTED, true},
                {7530136711762804736, LIFE_AMBIGUOUS, false}};
    const struct life_event late = {.kind = STEP_TIMER, .watermark = INT64_MAX},
                            fails = {.kind = STEP_STATUS, .attempt = 1, .failed = true, .code = 131026};
    struct life_effects fx;
    struct message m, *left = NULL;
    size_t n = 0;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        OK(f, messages_get(f->s, 0, rows[i].id, &m, &f->e));
        assert_int_equal(m.life.state, rows[i].at);
        assert_true(m.life.once && m.life.delivered == rows[i].delivered && m.ver == 0 && m.decision == 0);
        life_step(&m.life, &late, NOW, &fx);
        assert_true(life_ended(&m.life) && !fx.send);
        if (m.life.delivered)
            life_step(&m.life, &fails, NOW, &fx);
        assert_true(!rows[i].delivered || m.life.state == LIFE_ACCEPTED);
    }
    OK(f, messages_in_doubt(f->s, 0, NOW, f->a, 10, &left, &n, &f->e));
    assert_true(n == 1 && left[0].id == rows[4].id);
}

static void check_old_rows(struct fx *f, bool dated)
{
    struct identity who[2] = {fx_name(IDENTITY_PHONE, "447700900201"), fx_name(IDENTITY_PHONE, "447700900204")};
    struct template_row *templates = NULL;
    struct sender *senders = NULL;
    struct decision_row d;
    struct person p[2];
    size_t n = 0;
    OK(f, store_verify_statements(f->s, &f->e));
    OK(f, people_find(f->s, who, 2, p, &f->e));
    assert_int_equal(p[0].consent.of[CATEGORY_MARKETING].status, CONSENT_GRANTED);
    assert_int_equal(p[1].consent.of[CATEGORY_MARKETING].status, CONSENT_WITHDRAWN);
    assert_true(strcmp(p[0].name, "Ana") == 0 && p[0].zone[0] == '\0' && p[0].caps.n == 0);
    OK(f, decisions_get(f->s, 0, 7530136711750221824, f->a, &d, &f->e));
    assert_int_equal(d.verdict, 2);
    check_old_messages(f);
    OK(f, templates_list(f->s, 0, f->a, &templates, &n, &f->e));
    assert_true(n == 1 && templates[0].status == TEMPLATE_APPROVED);
    assert_true(templates[0].status_at == (dated ? 1795324000000 : 0));
    OK(f, senders_list(f->s, f->a, &senders, &n, &f->e));
    assert_true(n == 1 && senders[0].id == 111 && senders[0].per_second == 0);
    BEGIN(f);
    snprintf(p[0].zone, sizeof p[0].zone, "Europe/London");
    caps_sent(&p[0].caps, NOW, NULL);
    OK(f, people_save(f->s, p, 1, &f->e));
    COMMIT(f);
    fx_reopen(f);
    OK(f, people_find(f->s, who, 1, p, &f->e));
    assert_true(strcmp(p[0].zone, "Europe/London") == 0 && p[0].caps.n == 1);
}

TEST(an_older_file_is_brought_up_to_date)
{
    static const struct {
        const char *back;
        bool dated; /* does it know when a template got its status? */
    } rows[] = {
        {"", true},
        {"ALTER TABLE template DROP COLUMN status_at; ALTER TABLE person_identity DROP COLUMN replaced_at; "
         "UPDATE meta SET value = 1 WHERE name = 'schema'",
         false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fx f;
        fx_place(&f);
        if (!fx_is_file(&f) || !write_old_file(&f, "version2.sql", rows[i].back)) {
            fx_end(&f);
            skip_loudly("not a file, or the sources are not here");
        }
        OK(&f, store_open(&f.s, f.url, NULL, &f.e));
        check_old_rows(&f, rows[i].dated);
        fx_end(&f);
    }
}

/* Bodies of before version 6 lie as they came; they are read, marked and rewritten like those that come now. */
static void check_old_bodies(struct fx *f)
{
    struct inbox_row *got = NULL,
                     fresh = {.at = NOW, .app = 5, .body = STR("{\"object\":\"whatsapp_business_account\"}")};
    const uint64_t key = 9;
    int64_t all = 0, bad = 0;
    size_t n = 0;
    OK(f, inbox_read(f->s, 0, 9, 1u << 20, f->a, &got, &n, &f->e));
    assert_int_equal(n, 2);
    assert_true(got[0].at == 1795324501300 && got[0].app == 0 && got[0].problem.p == NULL && got[0].repeats.n == 0);
    assert_true(str_starts(got[0].body, STR("{\"object\":\"whatsapp_business_account\",\"entry\":[")));
    assert_true(str_ends(got[0].body, STR("\"field\":\"messages\"}]}]}")));
    assert_str(got[1].body, "not json");
    assert_str(got[1].problem, "the body is not JSON");
    fresh.seq = store_id(f->s, 0);
    assert_true(fresh.seq > got[1].seq);
    BEGIN(f);
    OK(f, inbox_append(f->s, &fresh, 1, &f->e));
    OK(f, inbox_repeats(f->s, got[0].seq, &key, 1, &f->e));
    OK(f, inbox_drop(f->s, got[1].seq + 1, 1, &n, &f->e));
    OK(f, inbox_rewrite(f->s, got[1].seq, STR("{}"), &f->e));
    COMMIT(f);
    OK(f, inbox_counts(f->s, &all, &bad, &f->e));
    assert_true(all == 2 && bad == 1);
    OK(f, inbox_read(f->s, 0, 9, 1u << 20, f->a, &got, &n, &f->e));
    assert_int_equal(n, 2);
    assert_str(got[0].body, "{}");
    assert_true(str_eq(got[1].body, fresh.body) && got[1].app == 5);
}

static void check_old_controls(struct fx *f)
{
    struct account account;
    struct template_row *t = NULL;
    struct sender *sender = NULL;
    size_t n = 0;
    OK(f, accounts_get(f->s, 2000, &account, &f->e));
    assert_true(account.no_templates_until == 1795400000000 && account.said_at.templates == 1795324000000);
    assert_true(account.said_at.portfolio == 0 && account.name[0] == '\0' && account.health == HEALTH_UNKNOWN);
    OK(f, templates_list(f->s, 0, f->a, &t, &n, &f->e));
    assert_true(n == 1 && t->status == TEMPLATE_APPROVED && t->status_at == 1795324000000 && t->detail.n == 0);
    assert_true(t->next_category == CATEGORY_UNKNOWN && t->components_at == 0 && t->listed_at == 0);
    assert_str(t->quality, "GREEN");
    OK(f, senders_list(f->s, f->a, &sender, &n, &f->e));
    assert_true(n == 1 && sender->per_second == 80 && sender->name_status[0] == '\0' &&
                sender->health == HEALTH_UNKNOWN && sender->told_at.health == 0);
}

TEST(a_file_of_version_5_is_brought_up_to_date)
{
    struct identity who = fx_name(IDENTITY_PHONE, "447700900201");
    struct person p;
    int64_t at = 0;
    struct fx f;
    fx_place(&f);
    if (!fx_is_file(&f) || !write_old_file(&f, "version5.sql", "")) {
        fx_end(&f);
        skip_loudly("not a file, or the sources are not here");
    }
    OK(&f, store_open(&f.s, f.url, NULL, &f.e));
    OK(&f, store_verify_statements(f.s, &f.e));
    check_old_bodies(&f);
    OK(&f, cursor_get(f.s, "projector", &at, &f.e));
    assert_true(at == 7530136711800000001);
    OK(&f, people_find(f.s, &who, 1, &p, &f.e));
    assert_true(strcmp(p.name, "Ana") == 0 && p.name_at == 0);
    check_old_controls(&f);
    fx_end(&f);
}

TEST(accepts_the_long_form_of_a_path)
{
    struct fx f;
    char url[600];
    fx_place(&f);
    snprintf(url, sizeof url, "sqlite:%s/long.db", f.dir);
    OK(&f, store_open(&f.s, url, NULL, &f.e));
    snprintf(url, sizeof url, "%s/long.db", f.dir);
    assert_int_equal(access(url, R_OK), 0);
    fx_end(&f);
}

TEST(file_is_for_its_owner_only)
{
    struct fx f;
    struct stat st;
    char wal[600];
    fx_start(&f);
    if (!fx_is_file(&f)) {
        fx_end(&f);
        skip_loudly("not a file");
    }
    fx_person(&f, IDENTITY_PHONE, "15550000001");
    assert_int_equal(stat(f.url, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    snprintf(wal, sizeof wal, "%s-wal", f.url);
    assert_int_equal(stat(wal, &st), 0);
    assert_int_equal(st.st_mode & 0077, 0);
    fx_end(&f);
}

TEST(refuses_what_it_cannot_read)
{
    struct fx f;
    struct store *s = (struct store *)&f;
    char path[600];
    fx_start(&f);
    if (!fx_is_file(&f)) {
        fx_end(&f);
        skip_loudly("not a file");
    }
    store_free(f.s);
    f.s = NULL;
    raw_sql(f.url, "UPDATE meta SET value = value + 900 WHERE name = 'schema'");
    assert_int_equal(store_open(&s, f.url, NULL, &f.e), WL_EINVAL);
    assert_non_null(strstr(f.e.text, "newer"));
    assert_ptr_equal(s, &f); /* untouched */

    raw_sql(
        f.url,
        "UPDATE meta SET value = value - 900 WHERE name = 'schema'; UPDATE meta SET value = 2 WHERE name = 'spread'");
    assert_int_equal(store_open(&s, f.url, NULL, &f.e), WL_EINVAL);

    snprintf(path, sizeof path, "%s/other.db", f.dir);
    raw_sql(path, "CREATE TABLE shopping (item TEXT)");
    assert_int_equal(store_open(&s, path, NULL, &f.e), WL_EINVAL);
    assert_non_null(strstr(f.e.text, "another program"));

    snprintf(path, sizeof path, "%s/text.db", f.dir);
    FILE *t = fopen(path, "w");
    for (int i = 0; i < 500; i++)
        fputs("this is no database\n", t);
    fclose(t);
    assert_int_equal(store_open(&s, path, NULL, &f.e), WL_EIO);

    snprintf(path, sizeof path, "%s/no/such/folder.db", f.dir);
    assert_int_equal(store_open(&s, path, NULL, &f.e), WL_EIO);
    assert_int_equal(store_open(&s, "", NULL, &f.e), WL_EINVAL);
    assert_int_equal(store_open(&s, "postgresql://localhost/x", NULL, NULL), WL_EINVAL);
    fx_end(&f);
}

TEST(read_only_reads_and_never_writes)
{
    struct fx f;
    struct store *reader = NULL;
    struct store_options o = {.read_only = true};
    struct person p;
    struct identity who = fx_name(IDENTITY_PHONE, "15550000001");
    char path[600];
    fx_start(&f);
    snprintf(path, sizeof path, "%s/absent.db", f.dir);
    assert_int_equal(store_open(&reader, path, &o, &f.e), WL_EIO);
    assert_int_equal(access(path, F_OK), -1); /* and does not create it */
    OK(&f, store_open(&reader, f.url, &o, &f.e));
    struct person made = fx_person(&f, IDENTITY_PHONE, "15550000001");
    OK(&f, people_find(reader, &who, 1, &p, &f.e));
    assert_true(p.id == made.id);
    assert_int_equal(store_begin(reader, &f.e), WL_EBUG);
    assert_int_equal(cursor_set(reader, "x", 1, &f.e), WL_EBUG);
    /* a reader does not see what is not committed */
    BEGIN(&f);
    who = fx_name(IDENTITY_PHONE, "15550000002");
    OK(&f, people_ensure(f.s, &who, 1, NOW, &p, &f.e));
    OK(&f, people_find(reader, &who, 1, &p, &f.e));
    assert_true(p.id == 0);
    COMMIT(&f);
    OK(&f, people_find(reader, &who, 1, &p, &f.e));
    assert_true(p.id != 0);
    store_free(reader);
    fx_end(&f);
}

TEST(a_transaction_is_whole_or_nothing)
{
    struct fx f;
    int64_t at = 0;
    fx_start(&f);
    assert_int_equal(cursor_set(f.s, "x", 1, &f.e), WL_EBUG); /* outside */
    assert_int_equal(store_commit(f.s, &f.e), WL_EBUG);
    BEGIN(&f);
    assert_int_equal(store_begin(f.s, &f.e), WL_EBUG);
    OK(&f, cursor_set(f.s, "x", 1, &f.e));
    store_rollback(f.s);
    OK(&f, cursor_get(f.s, "x", &at, &f.e));
    assert_int_equal(at, 0);

    /* a verb that failed half-way takes the whole transaction with it, even when the caller forgets */
    struct message m[2] = {fx_message(&f, 0), fx_message(&f, 0)}, got;
    m[1].id = m[0].id;
    BEGIN(&f);
    OK(&f, cursor_set(f.s, "x", 2, &f.e));
    assert_int_equal(messages_insert(f.s, m, NULL, 2, &f.e), WL_ECONFLICT);
    assert_int_equal(cursor_set(f.s, "y", 2, &f.e), WL_ECONFLICT);
    assert_int_equal(store_commit(f.s, &f.e), WL_ECONFLICT);
    OK(&f, cursor_get(f.s, "x", &at, &f.e));
    assert_int_equal(at, 0);
    assert_int_equal(messages_get(f.s, 0, m[0].id, &got, &f.e), WL_ENOTFOUND);
    BEGIN(&f);
    OK(&f, cursor_set(f.s, "x", 3, &f.e));
    store_free(f.s); /* closing rolls back */
    f.s = NULL;
    OK(&f, store_open(&f.s, f.url, NULL, &f.e));
    OK(&f, cursor_get(f.s, "x", &at, &f.e));
    assert_int_equal(at, 0);
    fx_end(&f);
}

TEST(ids_rise_whatever_the_clock_does)
{
    struct fx f;
    static const int64_t clock[] = {NOW, NOW, NOW + 1, NOW - 60000, 0, -5, NOW, INT64_MAX, NOW, NOW};
    int64_t last = 0;
    fx_start(&f);
    assert_int_equal(store_id_ms(store_id(f.s, NOW - 1)), NOW - 1);
    for (size_t i = 0; i < sizeof clock / sizeof *clock; i++) {
        int64_t id = store_id(f.s, clock[i]);
        assert_true(id > last);
        last = id;
    }
    fx_end(&f);
}

TEST(ids_go_on_after_a_restart_with_an_earlier_clock)
{
    struct fx f;
    fx_start(&f);
    struct message m = fx_message(&f, 0);
    BEGIN(&f);
    OK(&f, messages_insert(f.s, &m, NULL, 1, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    assert_true(store_id(f.s, NOW - 86400000) > m.id);
    struct rules_event event = {.id = store_id(f.s, NOW + 7), .act = RULES_ACTIVATED};
    BEGIN(&f);
    OK(&f, rules_log_append(f.s, &event, 1, &f.e));
    COMMIT(&f);
    fx_reopen(&f);
    assert_true(store_id(f.s, NOW) > event.id);
    fx_end(&f);
}

TEST(id_text_comes_back)
{
    static const struct {
        int bucket;
        int64_t id;
    } rows[] = {{0, 0},   {0, 1}, {4095, INT64_MAX}, {17, (int64_t)NOW << 22}, {1, ((int64_t)NOW << 22) + 8191},
                {2, 8192}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[STORE_ID_TEXT], loud[STORE_ID_TEXT];
        int bucket = -1;
        int64_t id = -1;
        assert_ptr_equal(store_id_text(rows[i].bucket, rows[i].id, text), text);
        assert_int_equal(store_id_parse(str_of(text), &bucket, &id), 0);
        assert_int_equal(bucket, rows[i].bucket);
        assert_true(id == rows[i].id);
        for (size_t k = 0; k <= strlen(text); k++) /* as a person types it */
            loud[k] = text[k] == '0' ? 'O' : text[k] == '1' ? 'l' : text[k] >= 'a' ? (char)(text[k] - 32) : text[k];
        bucket = -1;
        assert_int_equal(store_id_parse(str_of(loud), &bucket, &id), 0);
        assert_true(id == rows[i].id && bucket == rows[i].bucket);
    }
    char earlier[STORE_ID_TEXT], later[STORE_ID_TEXT];
    store_id_text(9, (int64_t)NOW << 22, earlier);
    store_id_text(0, (int64_t)(NOW + 1) << 22, later);
    assert_true(strcmp(earlier, later) < 0);
    static const char *const wrong[] = {
        "", "m", "m00000000000000", "m0000000000000000", "x000000000000000", "m00000000000000u", "m0000000-0000000"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int bucket = 5;
        int64_t id = 6;
        assert_int_equal(store_id_parse(str_of(wrong[i]), &bucket, &id), WL_EINVAL);
        assert_true(bucket == 5 && id == 6);
    }
}

/* Reads of a whole bucket that are meant: the newest rows, or the first, in the order of the key, cut by LIMIT; a new generation
 * of the log, which is about everybody. */
static bool bucket_read_allowed(const char *name)
{
    static const char *const allowed[] = {"msg_recent",     "msg_of",          "newest_message", "newest_consent",
                                          "head_get",       "head_people",     "head_one_less",  "census_lines",
                                          "people_unplace", "people_one_less", "newest_errand"};
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        if (strcmp(name, allowed[i]) == 0)
            return true;
    return false;
}

/* A bucket may hold everything, so a search by bucket alone is a scan of everything. */
TEST(no_statement_walks_a_bucket)
{
    struct fx f;
    sqlite3 *db = NULL;
    int plans = 0;
    fx_start(&f);
    if (!fx_is_file(&f)) {
        fx_end(&f);
        skip_loudly("plans are read from SQLite");
    }
    assert_int_equal(sqlite3_open(f.url, &db), SQLITE_OK);
    for (const struct statement *st = __start_wl_statements; st < __stop_wl_statements; st++) {
        char sql[4000];
        sqlite3_stmt *q = NULL;
        snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", st->sql);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
        while (sqlite3_step(q) == SQLITE_ROW) {
            const char *plan = (const char *)sqlite3_column_text(q, 3);
            plans++;
            if (strstr(plan, "(bucket=?)") != NULL && !bucket_read_allowed(st->name))
                fail_msg("%s: %s", st->name, plan);
        }
        sqlite3_finalize(q);
    }
    sqlite3_close(db);
    assert_true(plans > 30);
    fx_end(&f);
}

/* One of the tables that hold what consent is proven with, without an index; the end of the log is its last row. */
static bool scans_the_ledger(const char *name, const char *plan)
{
    static const char *const tables[] = {"ledger", "l", "log_leaf", "log_head", "subject_key", "rules_event", "v"};
    if (strncmp(plan, "SCAN ", 5) != 0 || strcmp(name, "log_end") == 0 || strcmp(name, "newest_rules_event") == 0 ||
        strcmp(name, "wording_list") == 0) /* counts who rests on each, for people */
        return false;
    for (size_t i = 0; i < sizeof tables / sizeof *tables; i++)
        if (strcmp(plan + 5, tables[i]) == 0)
            return true;
    return false;
}

TEST(no_statement_walks_the_ledger)
{
    struct fx f;
    sqlite3 *db = NULL;
    int plans = 0;
    fx_start(&f);
    if (!fx_is_file(&f)) {
        fx_end(&f);
        skip_loudly("plans are read from SQLite");
    }
    assert_int_equal(sqlite3_open(f.url, &db), SQLITE_OK);
    for (const struct statement *st = __start_wl_statements; st < __stop_wl_statements; st++) {
        char sql[4000];
        sqlite3_stmt *q = NULL;
        snprintf(sql, sizeof sql, "EXPLAIN QUERY PLAN %s", st->sql);
        assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
        for (; sqlite3_step(q) == SQLITE_ROW; plans++)
            if (scans_the_ledger(st->name, (const char *)sqlite3_column_text(q, 3)))
                fail_msg("%s: %s", st->name, (const char *)sqlite3_column_text(q, 3));
        sqlite3_finalize(q);
    }
    sqlite3_close(db);
    assert_true(plans > 30);
    fx_end(&f);
}

/* Whether the word stands anywhere in the file or its log. */
static bool is_left(const struct fx *f, const char *ending, const char *word)
{
    char path[600];
    static char bytes[8 << 20];
    snprintf(path, sizeof path, "%s%s", f->url, ending);
    FILE *file = fopen(path, "rb");
    size_t n = file != NULL ? fread(bytes, 1, sizeof bytes, file) : 0;
    if (file != NULL)
        fclose(file);
    assert_true(n < sizeof bytes);
    return memmem(bytes, n, word, strlen(word)) != NULL;
}

TEST(what_is_deleted_is_left_nowhere)
{
    struct fx f;
    struct store *reader = NULL;
    static char body[600000];
    struct inbox_row r[2] = {{.at = NOW, .body = STR("a secret\x01thing")}, {.at = NOW, .body = {body, sizeof body}}};
    uint64_t noise = 1;
    fx_start(&f);
    if (!fx_is_file(&f)) {
        fx_end(&f);
        skip_loudly("not a file");
    }
    for (size_t i = 0; i < sizeof body; i++) { /* it takes pages of its own, as it came */
        noise = noise * UINT64_C(6364136223846793005) + 1442695040888963407;
        body[i] = (char)(noise >> 56);
    }
    memcpy(body + 500000, "another one", 11);
    r[0].seq = store_id(f.s, NOW), r[1].seq = store_id(f.s, NOW);
    assert_int_equal(store_empty_log(f.s, &f.e), WL_EBUG); /* outside a transaction */
    BEGIN(&f);
    OK(&f, inbox_append(f.s, r, 2, &f.e));
    OK(&f, store_empty_log(f.s, &f.e));
    COMMIT(&f);
    assert_true(store_log_emptied(f.s) && is_left(&f, "", "a secret\x01thing") && is_left(&f, "", "another one"));
    OK(&f, store_open(&reader, f.url, &(struct store_options){.read_only = true}, &f.e));
    int64_t n = 0, bad = 0;
    OK(&f, store_begin_reading(reader, &f.e));
    OK(&f, inbox_counts(reader, &n, &bad, &f.e)); /* reads at this moment */
    BEGIN(&f);
    OK(&f, inbox_rewrite(f.s, r[0].seq, STR("{}"), &f.e));
    OK(&f, inbox_rewrite(f.s, r[1].seq, STR("{}"), &f.e));
    OK(&f, store_empty_log(f.s, &f.e));
    COMMIT(&f);
    assert_false(store_log_emptied(f.s)); /* somebody reads */
    store_rollback(reader);
    BEGIN(&f);
    OK(&f, store_empty_log(f.s, &f.e));
    COMMIT(&f);
    assert_true(store_log_emptied(f.s));
    static const char *const ends[] = {"", "-wal"};
    for (int i = 0; i < 2; i++)
        assert_false(is_left(&f, ends[i], "a secret\x01thing") || is_left(&f, ends[i], "another one"));
    store_free(reader);
    fx_end(&f);
}

TESTS(T(opens_and_reopens), T(an_older_file_is_brought_up_to_date), T(a_file_of_version_5_is_brought_up_to_date),
      T(no_statement_walks_a_bucket), T(no_statement_walks_the_ledger), T(accepts_the_long_form_of_a_path),
      T(file_is_for_its_owner_only), T(refuses_what_it_cannot_read), T(read_only_reads_and_never_writes),
      T(a_transaction_is_whole_or_nothing), T(ids_rise_whatever_the_clock_does),
      T(ids_go_on_after_a_restart_with_an_earlier_clock), T(id_text_comes_back), T(what_is_deleted_is_left_nowhere))
