/* SPDX-License-Identifier: Apache-2.0
 * test_decisions.c - decisions as rows, packed, read one by one and in order, and blocks that are damaged. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "core/facts.h"
#include "store/decisions.h"

#define ROWS 700

/* Decisions ids[0..n), a few of the same millisecond, with facts that tell them apart. */
static void put_rows(struct fx *f, int64_t *ids, size_t n, size_t from)
{
    static const char findings[] = "\x01\x02\x03 what was found";
    BEGIN(f);
    for (size_t i = 0; i < n; i++) {
        struct facts facts = {0};
        uint8_t packed[FACTS_PACKED_MAX];
        struct message m = fx_message(f, 4096 * (int64_t)(1 + (from + i) % 50));
        m.ts = NOW + (int64_t)(from + i) / 3;
        m.id = ids[i] = store_id(f->s, m.ts);
        m.campaign = (int64_t)(from + i) % 2;
        fact_set(&facts, FACT_PAIR_TAT, (int64_t)(from + i));
        struct decision_row d = {.id = m.id,
                                 .ts = m.ts,
                                 .ruleset = 1,
                                 .verdict = (int)(from + i) % 3,
                                 .until = m.ts + 5,
                                 .facts = {(char *)packed, facts_pack(&facts, packed)},
                                 .findings = STR(findings)};
        OK(f, messages_insert(f->s, &m, &d, 1, &f->e));
    }
    COMMIT(f);
}

static void assert_row(struct fx *f, const int64_t *ids, size_t i)
{
    struct decision_row d;
    struct facts facts;
    OK(f, decisions_get(f->s, 0, ids[i], f->a, &d, &f->e));
    assert_true(d.id == ids[i] && d.ts == NOW + (int64_t)i / 3 && d.until == d.ts + 5 && d.ruleset == 1);
    assert_int_equal(d.verdict, i % 3);
    assert_int_equal(facts_unpack(d.facts.p, d.facts.n, &facts), 0);
    assert_true(facts.value[FACT_PAIR_TAT] == (int64_t)i);
    assert_str(d.findings, "\x01\x02\x03 what was found");
}

/* Packs and writes one block of n; false when there were not so many rows. */
static bool compact(struct fx *f, size_t n, int64_t before)
{
    struct packed_decisions p;
    OK(f, decisions_pack(f->s, 0, before, n, f->a, &p, &f->e));
    if (p.n == 0)
        return false;
    BEGIN(f);
    OK(f, decisions_compact(f->s, &p, &f->e));
    COMMIT(f);
    return true;
}

static int64_t count(struct fx *f, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_open(f->url, &db), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    int64_t n = sqlite3_step(q) == SQLITE_ROW ? sqlite3_column_int64(q, 0) : -1;
    sqlite3_finalize(q);
    sqlite3_close(db);
    return n;
}

TEST(packed_decisions_are_found_as_before)
{
    struct fx f;
    static int64_t ids[ROWS];
    struct decision_row d;
    fx_start(&f);
    put_rows(&f, ids, ROWS, 0);
    assert_true(compact(&f, 300, INT64_MAX));
    assert_true(compact(&f, 300, INT64_MAX));
    assert_false(compact(&f, 300, INT64_MAX)); /* a hundred stay rows */
    for (size_t i = 0; i < ROWS; i++)
        assert_row(&f, ids, i * 37 % ROWS);
    if (fx_is_file(&f)) {
        assert_int_equal(count(&f, "SELECT count(*) FROM decision"), 100);
        assert_int_equal(count(&f, "SELECT sum(n) FROM decision_block"), 600);
    }
    assert_int_equal(decisions_get(f.s, 0, ids[0] - 1, f.a, &d, &f.e), WL_ENOTFOUND);
    assert_int_equal(decisions_get(f.s, 0, ids[299] + 1000, f.a, &d, &f.e), WL_ENOTFOUND);
    assert_int_equal(decisions_get(f.s, 0, ids[ROWS - 1] + 1, f.a, &d, &f.e), WL_ENOTFOUND);
    fx_reopen(&f);
    for (size_t i = 0; i < ROWS; i += 13)
        assert_row(&f, ids, i);
    fx_end(&f);
}

TEST(young_rows_stay)
{
    struct fx f;
    int64_t ids[60];
    fx_start(&f);
    put_rows(&f, ids, 60, 0);
    assert_false(compact(&f, 30, ids[29])); /* below the id: 29 of them */
    assert_true(compact(&f, 30, ids[29] + 1));
    for (size_t i = 0; i < 60; i++)
        assert_row(&f, ids, i);
    fx_end(&f);
}

TEST(the_log_reads_as_one_sequence_while_it_is_packed)
{
    struct fx f;
    static int64_t ids[ROWS];
    struct store *reader = NULL;
    struct err e = {0};
    fx_start(&f);
    put_rows(&f, ids, ROWS, 0);
    OK(&f, store_open(&reader, f.url, &(struct store_options){.read_only = true}, &e));
    for (size_t begin = 0; begin < ROWS; begin += 97) {
        size_t at = begin;
        int64_t after = ids[begin] - 1;
        struct decision_block *b;
        size_t from = 0;
        int rc;
        while ((rc = decisions_page(reader, 0, after, &b, &from, NULL, &e)) == 0) {
            for (size_t i = from; i < b->n; i++, at++) {
                struct logged_decision d;
                assert_ok(decision_block_row(b, i, f.a, &d, &e), e);
                assert_true(d.id == ids[at]);
                assert_true(d.contact == 4096 * (int64_t)(1 + at % 50) && d.campaign == (int64_t)at % 2);
                assert_true(d.sender == SENDER);
                after = d.id;
            }
            compact(&f, 70, INT64_MAX);
        }
        assert_int_equal(rc, WL_ENOTFOUND);
        assert_int_equal(at, ROWS);
    }
    store_free(reader);
    fx_end(&f);
}

TEST(rows_that_changed_are_not_packed)
{
    struct fx f;
    int64_t ids[40];
    struct packed_decisions p;
    fx_start(&f);
    put_rows(&f, ids, 40, 0);
    OK(&f, decisions_pack(f.s, 0, INT64_MAX, 20, f.a, &p, &f.e));
    assert_true(compact(&f, 10, INT64_MAX)); /* somebody else was faster */
    BEGIN(&f);
    assert_int_equal(decisions_compact(f.s, &p, &f.e), WL_ECONFLICT);
    assert_int_equal(store_commit(f.s, &f.e), WL_ECONFLICT);
    for (size_t i = 0; i < 40; i++)
        assert_row(&f, ids, i);
    fx_end(&f);
}

TEST(a_damaged_block_is_named_and_passed_over)
{
    struct fx f;
    int64_t ids[90], skip = 0;
    struct decision_block *b;
    struct decision_row d;
    size_t from = 0;
    sqlite3 *db = NULL;
    char name[32];
    fx_start(&f);
    if (!fx_is_file(&f)) {
        fx_end(&f);
        skip_loudly("the damage is done to SQLite's file");
    }
    put_rows(&f, ids, 90, 0);
    assert_true(compact(&f, 30, INT64_MAX) && compact(&f, 30, INT64_MAX));
    assert_int_equal(sqlite3_open(f.url, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "UPDATE decision_block SET bytes = CAST(substr(bytes, 1, length(bytes) - 9) || "
                                  "x'00' || substr(bytes, -8) AS BLOB) WHERE first_id = (SELECT min(first_id) FROM "
                                  "decision_block)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    sqlite3_close(db);
    snprintf(name, sizeof name, "%lld", (long long)ids[29]);
    assert_int_equal(decisions_get(f.s, 0, ids[3], f.a, &d, &f.e), WL_EINVAL);
    assert_non_null(strstr(f.e.text, name));
    assert_row(&f, ids, 31);
    assert_int_equal(decisions_page(f.s, 0, 0, &b, &from, &skip, &f.e), WL_EINVAL);
    assert_true(skip == ids[29]);
    OK(&f, decisions_page(f.s, 0, skip, &b, &from, &skip, &f.e));
    assert_true(decision_block_id(b, from) == ids[30]);
    fx_end(&f);
}

TESTS(T(packed_decisions_are_found_as_before), T(young_rows_stay), T(the_log_reads_as_one_sequence_while_it_is_packed),
      T(rows_that_changed_are_not_packed), T(a_damaged_block_is_named_and_passed_over))
