/* SPDX-License-Identifier: Apache-2.0
 * bench_store.c - what one message costs in the database, from look-up to outcome.
 *
 * Runs the whole sequence of a send (find the person, read the pair, insert message and decision, write the pair,
 * later the outcome) in groups of 1, 16, 64 and 256 a commit, and beside it the baseline: a bare insert of the
 * same message row into one table of SQLite, at the same group. Both wait for the disk at every commit.
 * Usage: bench_store [DIRECTORY [SECONDS]]. The directory decides which disk is measured. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/messages.h"
#include "store/people.h"

#define PEOPLE    50000
#define SENDER    106540352242922
#define GROUP_MAX 256

static const size_t groups[] = {1, 16, 64, 256};
static int64_t duration_ns = 1500000000;
static int64_t worst_ns; /* the longest group of the running measurement; checkpoints show here */

static void must(int rc, const struct err *e)
{
    if (rc != 0) {
        fprintf(stderr, "bench_store: %d: %s\n", rc, e->text);
        exit(1);
    }
}

/* Called after every group with the time the last call left. */
static int64_t lap(int64_t before)
{
    int64_t now = clock_mono_ns();
    if (now - before > worst_ns)
        worst_ns = now - before;
    return now;
}

static double cpu_us(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 + (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void report(const char *what, size_t group, size_t rows, int64_t ns, double cpu)
{
    printf("%-22s group %3zu  %8.0f rows/s  %6.2f us CPU each  %6.2f ms a group, at worst %.1f ms\n", what, group,
           (double)rows * 1e9 / (double)ns, cpu / (double)rows, (double)ns / 1e6 / ((double)rows / (double)group),
           (double)worst_ns / 1e6);
    worst_ns = 0;
    fflush(stdout);
}

/* A made-up person; numbers of the range that is never given out. */
static void person_name(struct identity *id, size_t i)
{
    id->kind = IDENTITY_PHONE;
    snprintf(id->value, sizeof id->value, "1555%07zu", i * 7919 % 10000000);
}

static void fill(struct store *s)
{
    static struct identity who[500];
    static struct person p[500];
    struct err e = {0};
    int64_t start = clock_mono_ns(), now = start;
    double cpu = cpu_us();
    for (size_t i = 0; i < PEOPLE; i += 500, now = lap(now)) {
        for (size_t k = 0; k < 500; k++)
            person_name(&who[k], i + k);
        must(store_begin(s, &e), &e);
        must(people_ensure(s, who, 500, 1700000000000, p, &e), &e);
        must(store_commit(s, &e), &e);
    }
    report("new people", 500, PEOPLE, now - start, cpu_us() - cpu);
}

struct group {
    struct identity who[GROUP_MAX];
    struct person people[GROUP_MAX];
    struct pair pairs[GROUP_MAX];
    struct message messages[GROUP_MAX];
    struct decision_row decisions[GROUP_MAX];
    struct outcome outcomes[GROUP_MAX];
    char wamids[GROUP_MAX][64];
    size_t waiting; /* outcomes of the group before, which ride in this commit */
};

static void one_group(struct store *s, struct group *g, size_t n, size_t *turn, int64_t now)
{
    static const char facts[120] = "facts", findings[40] = "findings";
    struct err e = {0};
    for (size_t i = 0; i < n; i++)
        person_name(&g->who[i], (*turn += 613) % PEOPLE);
    must(store_begin(s, &e), &e);
    must(messages_outcome(s, g->outcomes, g->waiting, NULL, &e), &e);
    must(people_find(s, g->who, n, g->people, &e), &e);
    for (size_t i = 0; i < n; i++)
        g->pairs[i] = (struct pair){.bucket = g->people[i].bucket, .contact = g->people[i].id, .sender = SENDER};
    must(pairs_get(s, g->pairs, n, &e), &e);
    for (size_t i = 0; i < n; i++) {
        int64_t id = store_id(s, now);
        g->messages[i] = (struct message){.id = id,
                                          .contact = g->people[i].id,
                                          .sender = SENDER,
                                          .state = MESSAGE_SENDING,
                                          .attempt = 1,
                                          .epoch = 3,
                                          .ts = now,
                                          .kind = 2,
                                          .category = 2,
                                          .type = "template"};
        g->decisions[i] = (struct decision_row){.id = id,
                                                .ts = now,
                                                .ruleset = 1,
                                                .verdict = 1,
                                                .facts = {facts, sizeof facts},
                                                .findings = {findings, sizeof findings}};
        g->pairs[i].last_out = now;
        g->pairs[i].tat = now + 6000;
        g->outcomes[i] = (struct outcome){.id = id, .epoch = 3, .state = MESSAGE_ACCEPTED, .at = now + 60};
        snprintf(g->wamids[i], sizeof g->wamids[i],
                 "wamid.HBgLMTU1NTAwMDAwMDAVAgARGBI%020llX==", (unsigned long long)id);
        g->outcomes[i].wamid = str_of(g->wamids[i]);
    }
    must(messages_insert(s, g->messages, g->decisions, n, &e), &e);
    must(pairs_put(s, g->pairs, n, &e), &e);
    must(store_commit(s, &e), &e);
    g->waiting = n;
}

static void run_sends(struct store *s, size_t n)
{
    struct group *g = calloc(1, sizeof *g);
    size_t rows = 0, turn = 0;
    if (g == NULL)
        return;
    int64_t start = clock_mono_ns(), now = start;
    double cpu = cpu_us();
    for (; now - start < duration_ns; now = lap(now), rows += n)
        one_group(s, g, n, &turn, clock_now_ms());
    report("whole send", n, rows, now - start, cpu_us() - cpu);
    free(g);
}

static void baseline_exec(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "bench_store: %s\n", sqlite3_errmsg(db));
        exit(1);
    }
}

static void run_baseline(sqlite3 *db, size_t n, int64_t *id)
{
    sqlite3_stmt *q = NULL;
    size_t rows = 0;
    sqlite3_prepare_v2(db, "INSERT INTO bare VALUES ($1,$2,$3,0,2,1,3,$4,2,2,0,0,0,'template','')", -1, &q, NULL);
    int64_t start = clock_mono_ns(), now = start;
    double cpu = cpu_us();
    for (; now - start < duration_ns; now = lap(now), rows += n) {
        baseline_exec(db, "BEGIN IMMEDIATE");
        for (size_t i = 0; i < n; i++) {
            sqlite3_bind_int64(q, 1, ++*id);
            sqlite3_bind_int64(q, 2, 4096 * (*id % PEOPLE));
            sqlite3_bind_int64(q, 3, SENDER);
            sqlite3_bind_int64(q, 4, now);
            sqlite3_step(q);
            sqlite3_reset(q);
        }
        baseline_exec(db, "COMMIT");
    }
    report("baseline: bare insert", n, rows, now - start, cpu_us() - cpu);
    sqlite3_finalize(q);
}

int main(int argc, char **argv)
{
    char dir[200], path[240];
    struct err e = {0};
    struct store *s = NULL;
    sqlite3 *db = NULL;
    int64_t id = (int64_t)1700000000000 << 22;
    snprintf(dir, sizeof dir, "%s/bench_store_XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (argc > 2)
        duration_ns = strtoll(argv[2], NULL, 10) * 1000000000;
    if (mkdtemp(dir) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/store.db", dir);
    must(store_open(&s, path, NULL, &e), &e);
    fill(s);
    snprintf(path, sizeof path, "%s/bare.db", dir);
    sqlite3_open(path, &db);
    baseline_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=20000;"
                      "CREATE TABLE bare (id INTEGER PRIMARY KEY, contact BIGINT, sender BIGINT, campaign BIGINT, "
                      "state INT, attempt INT, "
                      "epoch BIGINT, ts BIGINT, kind INT, category INT, seen BIGINT, code BIGINT, ts_outcome BIGINT, "
                      "type TEXT, wamid TEXT)");
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        run_baseline(db, groups[i], &id);
        run_sends(s, groups[i]);
    }
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("memory at most %ld MiB\n", u.ru_maxrss / 1024);
    store_free(s);
    sqlite3_close(db);
    static const char *const files[] = {"store.db", "bare.db"};
    for (size_t i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, files[i]);
        unlink(path);
    }
    rmdir(dir);
    return 0;
}
