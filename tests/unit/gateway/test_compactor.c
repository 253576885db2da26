/* SPDX-License-Identifier: Apache-2.0
 * test_compactor.c - rows become blocks by themselves while others write, and everything is still there. */
#include "t.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "gateway/compactor.h"
#include "gateway/writer.h"
#include "store/decisions.h"

#define ROWS    500
#define OF_ONE  40
#define WAIT_MS 20000

struct bed {
    char dir[64], path[96];
    struct writer *writer;
    struct err e;
};

static void bed_open(struct bed *b)
{
    struct store *s = NULL;
    *b = (struct bed){.dir = "/tmp/wl_compact_XXXXXX"};
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->path, sizeof b->path, "%s/db", b->dir);
    assert_ok(store_open(&s, b->path, NULL, &b->e), b->e);
    assert_ok(writer_start(&b->writer, s, 100, &b->e), b->e);
}

static void bed_close(struct bed *b)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    writer_stop(b->writer);
    for (int i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", b->path, ends[i]);
        unlink(path);
    }
    rmdir(b->dir);
}

struct rows {
    size_t n;
    int64_t at, *ids;
};

static int write_rows(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct rows *r = ctx;
    (void)a, (void)now;
    for (size_t i = 0; i < r->n; i++) {
        struct message m = {.id = store_id(s, r->at), .life.state = LIFE_REFUSED, .ts = r->at, .type = "text"};
        struct decision_row d = {.id = m.id, .ts = r->at, .ruleset = 1, .verdict = 2, .facts = STR("\x01\x01\x04")};
        int rc = messages_insert(s, &m, &d, 1, e);
        if (rc != 0)
            return rc;
        r->ids[i] = m.id;
    }
    return 0;
}

static int64_t count(struct bed *b, const char *sql)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    assert_int_equal(sqlite3_open_v2(b->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &q, NULL), SQLITE_OK);
    int64_t n = sqlite3_step(q) == SQLITE_ROW ? sqlite3_column_int64(q, 0) : -1;
    sqlite3_finalize(q);
    sqlite3_close(db);
    return n;
}

static void until_rows(struct bed *b, int64_t left)
{
    int64_t end = clock_mono_ns() + WAIT_MS * 1000000LL;
    while (count(b, "SELECT count(*) FROM decision") != left) {
        assert_true(clock_mono_ns() < end);
        usleep(5000);
    }
}

TEST(rows_become_blocks_while_others_write)
{
    struct bed b;
    struct compactor *c = NULL;
    static int64_t ids[ROWS];
    const struct compactor_options o = {.young_ms = 3600000, .rest_ms = 5, .rows = OF_ONE};
    struct store *s = NULL;
    bed_open(&b);
    assert_ok(compactor_start(&c, b.writer, b.path, &o, &b.e), b.e);
    for (size_t i = 0; i < ROWS; i += 25) {
        struct rows r = {25, clock_now_ms() - 2 * 3600000, ids + i};
        assert_ok(writer_call(b.writer, 5, write_rows, &r, &b.e), b.e);
    }
    until_rows(&b, ROWS % OF_ONE);
    int64_t young[OF_ONE * 2];
    struct rows now = {OF_ONE * 2, clock_now_ms(), young};
    assert_ok(writer_call(b.writer, 5, write_rows, &now, &b.e), b.e);
    usleep(100000);
    until_rows(&b, ROWS % OF_ONE + OF_ONE * 2); /* too young */
    assert_int_equal(count(&b, "SELECT sum(n) FROM decision_block"), ROWS - ROWS % OF_ONE);
    compactor_stop(c);
    struct arena *a = arena_create(64u << 20);
    assert_ok(store_open(&s, b.path, &(struct store_options){.read_only = true}, &b.e), b.e);
    for (size_t i = 0; i < ROWS; i++) {
        struct decision_row d;
        assert_ok(decisions_get(s, 0, ids[i], a, &d, &b.e), b.e);
        assert_true(d.id == ids[i] && d.verdict == 2);
        assert_str(d.facts, "\x01\x01\x04");
    }
    store_free(s);
    arena_free(a);
    compactor_free(c);
    bed_close(&b);
}

TEST(it_stops_at_once_when_there_is_nothing)
{
    struct bed b;
    struct compactor *c = NULL;
    bed_open(&b);
    assert_ok(compactor_start(&c, b.writer, b.path, &compactor_usual, &b.e), b.e);
    int64_t begin = clock_mono_ns();
    compactor_free(c); /* stops it */
    assert_true(clock_mono_ns() - begin < 5000000000);
    compactor_free(NULL);
    bed_close(&b);
}

TESTS(T(rows_become_blocks_while_others_write), T(it_stops_at_once_when_there_is_nothing))
