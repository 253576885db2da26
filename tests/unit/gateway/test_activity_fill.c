/* SPDX-License-Identifier: Apache-2.0
 * test_activity_fill.c - what a file of before says of its people is counted once, whatever is heard meanwhile.
 *
 * The file is tests/store/version7.sql: somebody who was two people, one who cannot be reached, one who got nothing yet, one who
 * was erased. */
#include "t.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "gateway/activity_fill.h"
#include "gateway/apply_activity.h"
#include "gateway/writer.h"
#include "store/activities.h"

#define T0      INT64_C(1795324495000)
#define DAY     INT64_C(86400000)
#define WAIT_MS 20000

struct bed {
    char dir[64], path[96];
    struct store *s; /* a reader */
    struct writer *writer;
    struct activity_fill *fill;
    struct err e;
};

static bool write_old_file(const char *path)
{
    static char sql[64 << 10];
    char from[600];
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT");
    snprintf(from, sizeof from, "%s/tests/store/version7.sql", root ? root : ".");
    FILE *t = fopen(from, "r");
    if (t == NULL)
        return false;
    sql[fread(sql, 1, sizeof sql - 1, t)] = '\0';
    fclose(t);
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    return true;
}

static bool bed_open(struct bed *b)
{
    *b = (struct bed){.dir = "/tmp/wl_fill_XXXXXX"};
    assert_non_null(mkdtemp(b->dir));
    snprintf(b->path, sizeof b->path, "%s/db", b->dir);
    return write_old_file(b->path);
}

static void bed_begin(struct bed *b, int64_t now)
{
    struct store *s = NULL;
    assert_ok(store_open(&s, b->path, NULL, &b->e), b->e);
    assert_ok(activity_fill_begin(s, now, &b->e), b->e);
    assert_ok(writer_start(&b->writer, s, 100, &b->e), b->e);
    assert_ok(store_open(&b->s, b->path, &(struct store_options){.read_only = true}, &b->e), b->e);
}

static void bed_end(struct bed *b)
{
    activity_fill_stop(b->fill);
    activity_fill_free(b->fill);
    b->fill = NULL;
    store_free(b->s);
    b->s = NULL;
    writer_stop(b->writer);
    b->writer = NULL;
}

static void bed_close(struct bed *b)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    bed_end(b);
    for (int i = 0; i < 3; i++) {
        char path[128];
        snprintf(path, sizeof path, "%s%s", b->path, ends[i]);
        unlink(path);
    }
    rmdir(b->dir);
}

static void fill(struct bed *b)
{
    int64_t at = 0, until = clock_now_ms() + WAIT_MS;
    assert_ok(activity_fill_start(&b->fill, b->writer, b->path, 1, &b->e), b->e);
    while (at != -1 && clock_now_ms() < until) {
        assert_ok(cursor_get(b->s, "activity.pairs", &at, &b->e), b->e);
        usleep(1000);
    }
    assert_int_equal(at, -1);
}

static struct activity_row row_of(struct bed *b, int64_t contact)
{
    struct activity_row r = {.contact = contact};
    assert_ok(activities_get(b->s, &r, 1, &b->e), b->e);
    return r;
}

static void check(struct bed *b)
{
    struct activity a = row_of(b, 4096).a;
    assert_true(a.since == (T0 - 30 * DAY) / 1000 && a.sent == (T0 - 20 * DAY) / 1000);
    assert_true(a.delivered == (T0 - 20 * DAY) / 1000 + 9 && a.read == (T0 - 30 * DAY) / 1000 + 60);
    assert_true(a.replied == (T0 - 5 * DAY) / 1000 && a.n_newest == 2);
    assert_true(activity_last_delay(&a) == 9 && activity_typical_delay(&a) == 4);
    assert_int_equal(activity_class_of(&a, &activity_usual, T0), ACTIVITY_INTERACTIVE);
    a = row_of(b, 12288).a;
    assert_true(activity_unreachable(&a) == 3 && a.failed == (T0 - 13 * DAY) / 1000 + 2);
    assert_int_equal(activity_class_of(&a, &activity_usual, T0), ACTIVITY_UNDELIVERABLE);
    a = row_of(b, 16384).a;
    assert_true(a.sent == (T0 - 10 * DAY) / 1000 && activity_alive(&a) == 0);
    assert_true(row_of(b, 8192).ver == 0 && row_of(b, 20480).ver == 0); /* merged; erased */
}

static int read_it(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct activity_event ev = {ACTIVITY_READ, T0 - 30 * DAY + 60000, T0 - 30 * DAY, true};
    (void)ctx, (void)a, (void)now;
    return activities_add(s, 0, 8192, &ev, 1, e);
}

TEST(what_was_stored_is_counted_once)
{
    struct bed b;
    if (!bed_open(&b)) {
        rmdir(b.dir);
        skip_loudly("the sources are not here");
    }
    bed_begin(&b, T0);
    assert_ok(writer_call(b.writer, 1, read_it, NULL, &b.e), b.e); /* heard meanwhile */
    fill(&b);
    check(&b);
    int64_t ver = row_of(&b, 4096).ver;
    bed_end(&b);
    bed_begin(&b, T0 + DAY); /* the next start has nothing to do */
    fill(&b);
    assert_int_equal(row_of(&b, 4096).ver, ver);
    check(&b);
    bed_close(&b);
}

/* Statuses that were recorded after it began were counted as they came. */
TEST(what_came_since_is_not_counted_again)
{
    struct bed b;
    if (!bed_open(&b)) {
        rmdir(b.dir);
        skip_loudly("the sources are not here");
    }
    bed_begin(&b, T0 - 25 * DAY);
    fill(&b);
    struct activity a = row_of(&b, 4096).a;
    assert_true(a.read == (T0 - 30 * DAY) / 1000 + 60 && a.delivered == (T0 - 30 * DAY) / 1000 + 4);
    assert_true(a.replied == 0 && a.n_newest == 1); /* they wrote after it: that was counted when it came */
    assert_int_equal(row_of(&b, 12288).ver, 0);
    bed_close(&b);
}

#define WROTE (T0 - 5 * DAY)

static int tapped_before(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct activity_event *ev = ctx;
    (void)a, (void)now;
    return activities_add(s, 0, 8192, ev, 1, e);
}

/* A webhook is told late: it speaks of a time before it began, and was counted when it came. A tap looks like a message to a window. */
TEST(what_was_told_late_is_not_counted_again)
{
    static const struct {
        struct activity_event heard;
        int64_t replied;
        uint8_t n_newest;
    } rows[] = {
        {{ACTIVITY_CLICKED, WROTE, 0, false}, 0, 2},                   /* that one, as a tap */
        {{ACTIVITY_REPLIED, WROTE, 0, false}, WROTE / 1000, 2},        /* that one */
        {{ACTIVITY_CLICKED, WROTE - 1000, 0, false}, WROTE / 1000, 3}, /* an earlier one */
        {{ACTIVITY_CLICKED, WROTE + 1000, 0, false}, WROTE / 1000, 3}, /* a later one, to another number */
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct bed b;
        struct activity_event heard = rows[i].heard;
        if (!bed_open(&b)) {
            rmdir(b.dir);
            skip_loudly("the sources are not here");
        }
        bed_begin(&b, T0);
        assert_ok(writer_call(b.writer, 1, tapped_before, &heard, &b.e), b.e);
        fill(&b);
        struct activity a = row_of(&b, 4096).a;
        if (a.replied != rows[i].replied || a.n_newest != rows[i].n_newest)
            fail_msg("row %zu: replied %lld, %u events", i, (long long)a.replied, a.n_newest);
        bed_close(&b);
    }
}

TESTS(T(what_was_stored_is_counted_once), T(what_came_since_is_not_counted_again),
      T(what_was_told_late_is_not_counted_again))
