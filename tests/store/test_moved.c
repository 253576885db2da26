/* SPDX-License-Identifier: Apache-2.0
 * test_moved.c - what was deleted is nowhere in the file, also where it lay before rows were spread anew over pages.
 *
 * Rows come in a shuffled order, so that pages are split and balanced; then some are deleted and the log is emptied. Without
 * store/db_sqlite_file.c a few of them are found in most files. */
#include "store_fixture.h"

#include <sqlite3.h>

#include "store/db_sqlite_file.h"

#define ROWS   20000
#define THEIRS 199 /* each so-manyth row is deleted */
#define ROUNDS 4
#define SECRET "VERYSECRETNAME"

static uint32_t turn;

static uint32_t chance(uint32_t below)
{
    turn = turn * 1664525u + 1013904223u;
    return (turn >> 8) % below;
}

static void sql(sqlite3 *db, const char *text)
{
    char *why = NULL;
    if (sqlite3_exec(db, text, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", text, why);
}

static void fill(sqlite3 *db)
{
    static int key[ROWS];
    char text[400], padding[121];
    memset(padding, 'x', sizeof padding);
    for (int i = 0; i < ROWS; i++)
        key[i] = i;
    for (uint32_t i = ROWS - 1; i > 0; i--) {
        uint32_t j = chance(i + 1);
        int other = key[i];
        key[i] = key[j];
        key[j] = other;
    }
    sql(db, "BEGIN");
    for (int i = 0; i < ROWS; i++) {
        snprintf(text, sizeof text, "INSERT INTO t VALUES (%d, '%s%06d%.*s')", key[i],
                 key[i] % THEIRS == 0 ? SECRET : "somebodyelse", key[i], (int)chance(120), padding);
        sql(db, text);
    }
    sql(db, "COMMIT");
}

static size_t found(const char *path)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    size_t size = (size_t)ftell(f), n = 0;
    char *all = malloc(size + 1);
    assert_non_null(all);
    rewind(f);
    assert_int_equal(fread(all, 1, size, f), size);
    fclose(f);
    for (const char *p = all; (p = memmem(p, size - (size_t)(p - all), SECRET, strlen(SECRET))) != NULL; p++)
        n++;
    free(all);
    return n;
}

/* Leaves through one file system; how often a deleted text is still in the file. */
static size_t left_through(struct fx *f, const char *file_system, uint32_t seed)
{
    char path[128];
    sqlite3 *db = NULL;
    turn = seed;
    snprintf(path, sizeof path, "%s/%s-%u.db", f->dir, file_system != NULL ? "clean" : "plain", seed);
    assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, file_system), SQLITE_OK);
    sql(db, "PRAGMA journal_mode=WAL; PRAGMA secure_delete=ON; PRAGMA synchronous=OFF; "
            "CREATE TABLE t (a INT, b TEXT, PRIMARY KEY (a, b)) WITHOUT ROWID; CREATE INDEX ti ON t (b)");
    fill(db);
    for (int i = 0; i < ROWS; i += THEIRS) {
        char text[64];
        snprintf(text, sizeof text, "DELETE FROM t WHERE a = %d", i);
        sql(db, text);
    }
    sql(db, "PRAGMA wal_checkpoint(TRUNCATE)");
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    return found(path);
}

static void test_nothing_is_left_where_rows_were_moved_from(void **state)
{
    struct fx f;
    size_t plain = 0;
    (void)state;
    fx_place(&f);
    assert_non_null(clean_file_system());
    for (uint32_t seed = 1; seed <= ROUNDS; seed++) {
        assert_int_equal(left_through(&f, clean_file_system(), seed), 0);
        plain += left_through(&f, NULL, seed);
    }
    assert_true(plain > 0); /* else this test looks at nothing */
    fx_end(&f);
}

struct page_row {
    const char *what;
    int64_t offset;
    uint8_t type, cells, content_high, content_low;
    size_t size, at, n;
    int64_t file;        /* 0: it ends with this page */
    size_t cell, unused; /* where the last cell and free room begin; cell 0: where it may */
    uint8_t loose;
};

static void put_two(uint8_t *p, size_t v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void test_the_gap_of_a_page(void **state)
{
    static const struct page_row rows[] = {
        {"a leaf", 4096, 13, 2, 1, 0, 4096, 12, 244, 0, 0, 0, 0},
        {"an inner page", 4096, 5, 2, 1, 0, 4096, 16, 240, 0, 0, 0, 0},
        {"a leaf of an index", 8192, 10, 0, 16, 0, 4096, 8, 4088, 0, 0, 0, 0},
        {"an inner page of an index", 8192, 2, 0, 16, 0, 4096, 12, 4084, 0, 0, 0, 0},
        {"the first page", 0, 13, 1, 2, 0, 4096, 110, 402, 0, 0, 0, 0},
        {"a full page", 4096, 13, 2, 0, 12, 4096, 0, 0, 0, 0, 0, 0},
        {"content before its places", 4096, 13, 200, 0, 12, 4096, 0, 0, 0, 0, 0, 0},
        {"content behind the page", 4096, 13, 2, 17, 0, 4096, 0, 0, 0, 0, 0, 0},
        {"0 stands for 65536", 65536, 13, 0, 0, 0, 65536, 8, 65528, 0, 0, 0, 0},
        {"0 in a smaller page", 4096, 13, 0, 0, 0, 4096, 0, 0, 0, 0, 0, 0},
        {"an overflow page", 4096, 0, 2, 1, 0, 4096, 0, 0, 0, 0, 0, 0},
        {"in the largest file it is sure of", (INT64_C(4096) << 24) - 8192, 13, 2, 1, 0, 4096, 12, 244, 0, 0, 0, 0},
        {"a page too far behind to be sure", INT64_C(4096) << 24, 13, 2, 1, 0, 4096, 0, 0, 0, 0, 0, 0},
        {"a file too large to be sure", 4096, 13, 2, 1, 0, 4096, 0, 0, INT64_C(4096) << 24, 0, 0, 0},
        {"a file of unknown size", 4096, 13, 2, 1, 0, 4096, 0, 0, -1, 0, 0, 0},
        {"a cell before the content", 4096, 13, 2, 1, 0, 4096, 0, 0, 0, 255, 0, 0},
        {"a cell where the content begins", 4096, 13, 2, 1, 0, 4096, 12, 244, 0, 256, 0, 0},
        {"a cell behind the page", 4096, 13, 2, 1, 0, 4096, 0, 0, 0, 4093, 0, 0},
        {"free room before the content", 4096, 13, 2, 1, 0, 4096, 0, 0, 0, 0, 200, 0},
        {"free room behind the page", 4096, 13, 2, 1, 0, 4096, 0, 0, 0, 0, 4093, 0},
        {"free room among the cells", 4096, 13, 2, 1, 0, 4096, 12, 244, 0, 0, 300, 0},
        {"more loose bytes than there may be", 4096, 13, 2, 1, 0, 4096, 0, 0, 0, 0, 0, 61},
        {"a piece of a page", 4096, 13, 2, 1, 0, 256, 0, 0, 0, 0, 0, 0},
    };
    static uint8_t page[65536];
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const struct page_row *r = &rows[i];
        uint8_t *head = page + (r->offset == 0 ? 100 : 0);
        size_t at = 7, n = 7;
        memset(page, 0, sizeof page);
        head[0] = r->type;
        head[4] = r->cells;
        head[5] = r->content_high;
        head[6] = r->content_low;
        put_two(head + 1, r->unused);
        head[7] = r->loose;
        for (size_t k = 0; k < r->cells; k++) /* the last one is where the row says */
            put_two(head + (r->type < 10 ? 12 : 8) + 2 * k, r->cell != 0 && k + 1 == r->cells ? r->cell : r->size - 16);
        page_gap(page, r->size, r->offset, r->file != 0 ? r->file : r->offset + (int64_t)r->size, &at, &n);
        if (at != r->at || n != r->n)
            fail_msg("%s: %zu+%zu, not %zu+%zu", r->what, at, n, r->at, r->n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_nothing_is_left_where_rows_were_moved_from),
                                       cmocka_unit_test(test_the_gap_of_a_page)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
