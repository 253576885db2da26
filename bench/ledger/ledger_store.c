/* SPDX-License-Identifier: Apache-2.0
 * ledger_store.c - what an entry of the log costs in the database, durable when its commit returns.
 *
 * In groups of 1, 10, 100 and 1000 a commit: an insert of an entry and nothing else, into a table of SQLite's (the
 * baseline); entries under the key of one of many people (log_append()); consent events with all that belongs to them, row, wording,
 * entry, key, person (ledger_append()); the same and what the person said folded into their state (people_say()). Each of people
 * one after the other, as in an import, and of people at random, where nearly every row is a page of its own; then the same events once more, which writes nothing. Then rows of before there was a log
 * are adopted, and entries are read back.
 * Usage: ledger_store [DIRECTORY [SECONDS [PART [GROUP]]]]. The directory decides which disk is measured. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/ledger.h"
#include "store/people.h"

#define PEOPLE 200000
#define CHUNK  1000
#define BEGUN  1700000000000

static const size_t groups[] = {1, 10, 100, 1000};
static int64_t duration_ns;
static double bare_cpu_us;
static const char *only; /* what has this in its name; NULL: all */
static size_t only_group;

static void must(int rc, const struct err *e)
{
    if (rc != 0) {
        fprintf(stderr, "ledger_store: %d: %s\n", rc, e->text);
        exit(1);
    }
}

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void report(const char *what, size_t group, size_t rows, int64_t ns, double cpu)
{
    printf("%-34s group %4zu  %8.0f a second  %6.2f us CPU each", what, group, (double)rows * 1e9 / (double)ns,
           cpu / (double)rows);
    if (bare_cpu_us > 0)
        printf("  = %.1f bare inserts", cpu / (double)rows / bare_cpu_us);
    putchar('\n');
    fflush(stdout);
}

/* A made-up person; numbers of the range that is never given out. */
static void person_name(struct identity *id, size_t i)
{
    id->kind = IDENTITY_PHONE;
    snprintf(id->value, sizeof id->value, "1555%07zu", i * 7919 % 10000000);
}

static void fill(struct store *s, struct person *p)
{
    static struct identity who[CHUNK];
    struct err e = {0};
    for (size_t i = 0; i < PEOPLE; i += CHUNK) {
        for (size_t k = 0; k < CHUNK; k++)
            person_name(&who[k], i + k);
        must(store_begin(s, &e), &e);
        must(people_ensure(s, who, CHUNK, BEGUN, p + i, &e), &e);
        must(store_commit(s, &e), &e);
    }
}

/* --- the baseline --------------------------------------------------------------------------------------------------- */

static void bare_exec(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "ledger_store: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

static void run_bare(sqlite3 *db, size_t n, int64_t *id)
{
    static const uint8_t entry[LEAF_BYTES];
    sqlite3_stmt *q = NULL;
    size_t rows = 0;
    sqlite3_prepare_v2(db, "INSERT INTO bare VALUES ($1, 0, $2)", -1, &q, NULL);
    int64_t start = clock_mono_ns(), now = start;
    double cpu = cpu_us();
    for (; now - start < duration_ns; now = clock_mono_ns(), rows += n) {
        bare_exec(db, "BEGIN IMMEDIATE");
        for (size_t i = 0; i < n; i++) {
            sqlite3_bind_int64(q, 1, ++*id);
            sqlite3_bind_blob(q, 2, entry, sizeof entry, SQLITE_STATIC);
            sqlite3_step(q);
            sqlite3_reset(q);
        }
        bare_exec(db, "COMMIT");
    }
    cpu = cpu_us() - cpu;
    bare_cpu_us = 0;
    report("baseline: bare insert of an entry", n, rows, now - start, cpu);
    bare_cpu_us = cpu / (double)rows;
    sqlite3_finalize(q);
}

/* --- ours ----------------------------------------------------------------------------------------------------------- */

struct bench {
    struct store *s;
    struct person *people;
    size_t turn, stride; /* whose turn it is; 1: one after the other, as in an import */
    struct consent_row rows[CHUNK];
    char source[CHUNK][64], evidence[CHUNK][96], subject[CHUNK][IDENTITY_TEXT_MAX];
};

static void group_of_entries(struct bench *b, size_t n, bool fold)
{
    static const char record[600] = "{\"schema_version\":";
    struct err e = {0};
    const struct leaf l = {.kind = LEAF_GRANT, .at = BEGUN};
    (void)fold;
    for (size_t i = 0; i < n; i++) {
        const struct person *p = &b->people[(b->turn += b->stride) % PEOPLE];
        int64_t idx, k;
        must(log_append(b->s, p->bucket, p->id, &l, (struct str){record, sizeof record}, &idx, &k, &e), &e);
    }
}

static void make_rows(struct bench *b, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        const struct person *p = &b->people[(b->turn += b->stride) % PEOPLE];
        struct consent_row *r = &b->rows[i];
        struct identity name;
        person_name(&name, b->turn % PEOPLE);
        snprintf(b->source[i], sizeof b->source[i], "https://shop.example/join#%zu", b->turn);
        snprintf(b->evidence[i], sizeof b->evidence[i], "{\"ip\":\"192.0.2.%zu\",\"form\":\"join\",\"form_id\":%zu}",
                 b->turn % 250, b->turn);
        *r =
            (struct consent_row){.bucket = p->bucket,
                                 .id = store_id(b->s, BEGUN),
                                 .contact = p->id,
                                 .event = {.act = CONSENT_GRANT,
                                           .scope = CONSENT_SCOPE(CATEGORY_MARKETING),
                                           .at = BEGUN + (int64_t)b->turn,
                                           .rank = CONSENT_RANK_CAPTURED},
                                 .recorded_at = BEGUN + (int64_t)b->turn,
                                 .method = STR("web_form"),
                                 .source = str_of(b->source[i]),
                                 .wording = STR("Yes, send me offers of Example Shop by WhatsApp. I can stop it at any "
                                                "time."),
                                 .language = STR("en"),
                                 .evidence = str_of(b->evidence[i]),
                                 .actor = STR("key:shop"),
                                 .business = STR("Example Shop"),
                                 .policy = STR("2026-01"),
                                 .jurisdiction = STR("DE")};
    }
}

static void group_of_rows(struct bench *b, size_t n, bool fold)
{
    struct err e = {0};
    make_rows(b, n);
    must(ledger_append(b->s, b->rows, n, NULL, &e), &e);
    for (size_t i = 0; fold && i < n; i++) {
        struct person p;
        must(people_get(b->s, b->rows[i].bucket, b->rows[i].contact, &p, &e), &e);
        must(people_say(b->s, &p, NULL, &b->rows[i].event, BEGUN, &e), &e);
    }
}

typedef void group_fn(struct bench *b, size_t n, bool fold);

static void run(struct bench *b, const char *what, group_fn *group, size_t stride, size_t n, bool fold)
{
    struct err e = {0};
    size_t rows = 0;
    if ((only != NULL && strstr(what, only) == NULL) || (only_group != 0 && n != only_group))
        return;
    b->stride = stride;
    int64_t start = clock_mono_ns(), now = start;
    double cpu = cpu_us();
    for (; now - start < duration_ns; now = clock_mono_ns(), rows += n) {
        must(store_begin(b->s, &e), &e);
        group(b, n, fold);
        must(store_commit(b->s, &e), &e);
    }
    report(what, n, rows, now - start, cpu_us() - cpu);
}

static void run_again(struct bench *b)
{
    struct err e = {0};
    size_t rows = 0, fresh = 0;
    int64_t start = clock_mono_ns(), now = start;
    double cpu = cpu_us();
    make_rows(b, CHUNK);
    for (; now - start < duration_ns; now = clock_mono_ns(), rows += CHUNK) {
        must(store_begin(b->s, &e), &e);
        must(ledger_append(b->s, b->rows, CHUNK, &fresh, &e), &e);
        must(store_commit(b->s, &e), &e);
    }
    report("the same events again", CHUNK, rows, now - start, cpu_us() - cpu);
}

/* All entries as an audit reads them, then all rows into a new generation. */
static void run_whole(struct bench *b)
{
    static struct log_entry entry[4096];
    struct err e = {0};
    int64_t size = 0, left = 1, rows = 0, start = clock_mono_ns();
    double cpu = cpu_us();
    must(log_size(b->s, &size, &e), &e);
    for (int64_t at = 0; at < size;) {
        size_t n = 0;
        must(log_read(b->s, at, sizeof entry / sizeof *entry, entry, &n, &e), &e);
        at += (int64_t)n;
    }
    report("entries read back", 4096, (size_t)size, clock_mono_ns() - start, cpu_us() - cpu);
    must(store_begin(b->s, &e), &e);
    must(log_restart(b->s, BEGUN, &e), &e);
    must(store_commit(b->s, &e), &e);
    start = clock_mono_ns();
    cpu = cpu_us();
    while (left > 0 && clock_mono_ns() - start < 4 * duration_ns) {
        must(store_begin(b->s, &e), &e);
        must(ledger_adopt(b->s, 0, 10 * CHUNK, BEGUN, &left, &e), &e);
        must(store_commit(b->s, &e), &e);
    }
    must(log_size(b->s, &rows, &e), &e);
    report("rows adopted by a new generation", 10 * CHUNK, (size_t)rows, clock_mono_ns() - start, cpu_us() - cpu);
}

static void run_baseline(const char *dir)
{
    sqlite3 *bare = NULL;
    int64_t id = 0;
    char path[4096];
    snprintf(path, sizeof path, "%s/bare.db", dir);
    if (sqlite3_open(path, &bare) != SQLITE_OK)
        exit(1);
    bare_exec(bare, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE bare (idx INTEGER PRIMARY KEY, "
                    "gone INT NOT NULL, entry BLOB NOT NULL)");
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        run_bare(bare, groups[g], &id);
    sqlite3_close(bare);
}

static void clean(const char *dir)
{
    static const char *const files[] = {"store.db", "store.db-wal", "store.db-shm",
                                        "bare.db",  "bare.db-wal",  "bare.db-shm"};
    char path[4096];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
}

/* 0, or 2 after telling how it is called. */
static int read_arguments(int argc, char **argv)
{
    int64_t seconds = 2, group = 0;
    bool sound = (argc <= 2 || str_i64(str_of(argv[2]), &seconds)) && (argc <= 4 || str_i64(str_of(argv[4]), &group));
    if (!sound || seconds < 1 || seconds > 3600 || group < 0) {
        fputs("usage: ledger_store [DIRECTORY [SECONDS [PART [GROUP]]]]\n", stderr);
        return 2;
    }
    duration_ns = seconds * 1000000000;
    only = argc > 3 ? argv[3] : NULL;
    only_group = (size_t)group;
    return 0;
}

static void run_all(struct bench *b, const char *dir)
{
    fill(b->s, b->people);
    if (only == NULL)
        run_baseline(dir);
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        run(b, "entries (log_append)", group_of_entries, 1, groups[g], false);
    run(b, "entries, people at random", group_of_entries, 613, CHUNK, false);
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        run(b, "consent events (ledger_append)", group_of_rows, 1, groups[g], false);
    run(b, "consent events, at random", group_of_rows, 613, CHUNK, false);
    for (size_t g = 0; g < sizeof groups / sizeof *groups; g++)
        run(b, "events and state (people_say)", group_of_rows, 1, groups[g], true);
    run(b, "events and state, at random", group_of_rows, 613, CHUNK, true);
    if (only != NULL)
        return;
    run_again(b);
    run_whole(b);
}

int main(int argc, char **argv)
{
    struct bench *b = calloc(1, sizeof *b);
    struct err e = {0};
    char dir[3000], path[4096];
    if (read_arguments(argc, argv) != 0)
        return 2;
    snprintf(dir, sizeof dir, "%s/ledger_store_XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (b == NULL || mkdtemp(dir) == NULL || (b->people = calloc(PEOPLE, sizeof *b->people)) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/store.db", dir);
    must(store_open(&b->s, path, NULL, &e), &e);
    run_all(b, dir);
    store_free(b->s);
    clean(dir);
    free(b->people);
    free(b);
    return 0;
}
