/* SPDX-License-Identifier: Apache-2.0
 * backtest.c - a log of generated decisions: its size, and how fast another book is tried on it.
 *
 *     backtest RULES[,RULES...] [folder [decisions]]
 *
 * The traffic is invented but lives: 300,000 people of ten countries and their time zones, who agreed at some second (an
 * import) or millisecond (a form); some write back. First half, campaigns: a marketing template goes down a list of
 * 60,000 people in a stable order, 80 a second, the next one two days later to the next list, and round again; every
 * person's ring of marketing times, pair rate and the portfolio's count are kept as the gateway keeps them. Second half,
 * API traffic: at random moments to random people, 45 % utility templates, 20 % authentication, 30 % answers within an open
 * window, 5 % of the wrong kind (no opt-in, template unknown, window closed). All is decided by the book given and logged
 * with facts and findings, as rows, then packed.
 *
 * Baseline in the same run: the table of rows, one row at a time, every fact unpacked, the plain decide(). The counts of
 * both must agree or the benchmark fails. Figures are of one thread and CPU time. */
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/backtest.h"
#include "core/caps.h"
#include "core/consent.h"
#include "core/identity.h"
#include "core/intent.h"
#include "core/pace.h"
#include "core/template.h"
#include "store/decisions.h"

#define PEOPLE 300000
#define LIST   60000
#define BATCH  500
#define START  INT64_C(1790000000000) /* 2026-09-21 */
#define DAY    INT64_C(86400000)

struct person {
    struct caps caps;
    int64_t consent_at, last_inbound, tat;
    uint8_t country, consent;
};

static const struct {
    const char *code;
    int16_t utc_min, utc_max, share; /* percent */
} countries[] = {{"BR", -300, -120, 30}, {"IN", 330, 330, 25}, {"MX", -480, -300, 10}, {"ID", 420, 540, 9},
                 {"DE", 60, 60, 7},      {"ES", 0, 60, 6},     {"CO", -300, -300, 5},  {"ZA", 120, 120, 4},
                 {"GB", 0, 0, 3},        {"AR", -180, -180, 1}};

static struct person *people;
static uint64_t seed = 20260921;
static struct ruleset *book;

static uint64_t rnd(uint64_t below)
{
    uint64_t z = seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (z ^ (z >> 31)) % below;
}

static void must(int rc, const struct err *e)
{
    if (rc == 0)
        return;
    fprintf(stderr, "backtest: %s\n", e->text);
    exit(1);
}

static void sql_must(sqlite3 *db, int rc)
{
    if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
        return;
    fprintf(stderr, "backtest: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static int64_t cpu_ns(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000000 +
           ((int64_t)u.ru_utime.tv_usec + u.ru_stime.tv_usec) * 1000;
}

static void populate(void)
{
    people = calloc(PEOPLE, sizeof *people);
    if (people == NULL)
        abort();
    for (size_t i = 0; i < PEOPLE; i++) {
        struct person *p = &people[i];
        int64_t at = (int64_t)rnd(100), c = 0;
        while (at >= countries[c].share)
            at -= countries[c++].share;
        p->country = (uint8_t)c;
        p->consent = rnd(100) < 93 ? CONSENT_GRANTED : rnd(3) ? CONSENT_NONE : CONSENT_WITHDRAWN;
        p->consent_at = p->consent == CONSENT_NONE ? 0 : START - (int64_t)rnd(400 * DAY);
        if (i % 5 != 0)
            p->consent_at = p->consent_at / 1000 * 1000;
        p->last_inbound = rnd(100) < 20 ? (START - (int64_t)rnd(30 * DAY)) / 1000 * 1000 : 0;
    }
}

/* ---- facts as the gateway sets them ---- */

static void usual_facts(struct facts *f, const struct person *p, int64_t now)
{
    const int16_t min = countries[p->country].utc_min, max = countries[p->country].utc_max;
    memset(f, 0, sizeof *f);
    fact_set(f, FACT_MESSAGE_PATH, PATH_MESSAGES);
    fact_set(f, FACT_MESSAGE_TYPE_REACTION, false);
    fact_set(f, FACT_RECIPIENT_FORM, IDENTITY_PHONE);
    fact_set(f, FACT_RECIPIENT_VALID, true);
    fact_set(f, FACT_RECIPIENT_IS_SENDER, false);
    fact_set_code(f, FACT_RECIPIENT_COUNTRY, countries[p->country].code);
    fact_set(f, FACT_RECIPIENT_UNDELIVERABLE_AT, 0);
    fact_set(f, FACT_CONSENT_STATUS, p->consent);
    fact_set(f, FACT_CONSENT_AT, p->consent_at);
    fact_set(f, FACT_CONSENT_RANK, p->consent == CONSENT_GRANTED ? p->consent_at % 4 + 1 : 0);
    fact_set(f, FACT_CONSENT_PLATFORM_STOP, false);
    fact_set(f, FACT_CONSENT_PLATFORM_AT, 0);
    fact_set(f, FACT_WINDOW_LAST_INBOUND, p->last_inbound);
    fact_set(f, FACT_PAIR_TAT, p->tat);
    fact_set(f, FACT_SENDER_STATUS, 1);
    fact_set(f, FACT_SENDER_QUALITY, 1);
    fact_set_code(f, FACT_SENDER_COUNTRY, "BR");
    fact_set(f, FACT_SENDER_FREE_AT, 0);
    fact_set(f, FACT_ACCOUNT_STATE, 0);
    for (int i = FACT_ACCOUNT_TEMPLATES_UNTIL; i <= FACT_ACCOUNT_PAYMENT_AT; i++)
        fact_set(f, (enum fact_id)i, 0);
    fact_set(f, FACT_RECIPIENT_UTC_MIN, min);
    fact_set(f, FACT_RECIPIENT_UTC_MAX, max);
    bool summer = countries[p->country].code[0] == 'D' || countries[p->country].code[0] == 'E';
    fact_set(f, FACT_RECIPIENT_UTC_CHANGE_AT, summer && now > START + 20 * DAY ? START + 34 * DAY : 0);
    fact_set(f, FACT_RECIPIENT_UTC_MIN_AFTER, min);
    fact_set(f, FACT_RECIPIENT_UTC_MAX_AFTER, max);
    caps_facts(&p->caps, f);
}

static void template_facts(struct facts *f, int category, int64_t skeleton)
{
    fact_set(f, FACT_MESSAGE_KIND, INTENT_TEMPLATE);
    fact_set(f, FACT_MESSAGE_CATEGORY, category);
    fact_set(f, FACT_MESSAGE_EXPECTED, 0);
    fact_set(f, FACT_TEMPLATE_KNOWN, true);
    fact_set(f, FACT_TEMPLATE_STATUS, TEMPLATE_APPROVED);
    fact_set(f, FACT_TEMPLATE_STATUS_AT, START - skeleton % 50 * DAY);
    fact_set(f, FACT_TEMPLATE_QUALITY, 1);
    fact_set(f, FACT_TEMPLATE_FIT, FIT_OK);
    if (category != CATEGORY_MARKETING)
        return;
    fact_set(f, FACT_MESSAGE_SKELETON, skeleton);
    fact_set(f, FACT_DUPLICATE_SAME_AT, 0);
    fact_set(f, FACT_DUPLICATE_NEAR_AT, 0);
}

static void portfolio_facts(struct facts *f, int64_t permille, bool counted)
{
    fact_set(f, FACT_PORTFOLIO_LIMIT, 100000);
    fact_set(f, FACT_PORTFOLIO_USED, permille);
    fact_set(f, FACT_PORTFOLIO_COUNTED, counted);
    fact_set(f, FACT_PORTFOLIO_FREE_AT, 0);
    fact_set(f, FACT_PORTFOLIO_RESERVE_AT, 0);
}

static struct person *campaign_message(size_t i, struct facts *f, int64_t *now, int64_t *ret_campaign)
{
    static int64_t at = START;
    size_t campaign = i / LIST, place = i % LIST;
    if (i > 0 && place == 0)
        at += 2 * DAY;
    if (place % 8 == 0)
        at += 100; /* what came during one commit has one time */
    struct person *p = &people[(campaign % (PEOPLE / LIST) * LIST + place) % PEOPLE];
    *now = at;
    *ret_campaign = (int64_t)campaign + 1;
    if (rnd(100) == 0)
        p->last_inbound = (at - (int64_t)rnd(3 * DAY)) / 1000 * 1000;
    usual_facts(f, p, at);
    template_facts(f, CATEGORY_MARKETING, (int64_t)(campaign * 2654435761u % 4000000000u));
    portfolio_facts(f, (int64_t)(place / 100), rnd(50) == 0);
    return p;
}

static struct person *api_message(struct facts *f, int64_t *now, int64_t *ret_campaign)
{
    static int64_t at;
    static int64_t used = 200;
    uint64_t kind = rnd(100);
    if (at == 0)
        at = START + 40 * DAY;
    at += (int64_t)rnd(150);
    used += rnd(3) == 0 ? (int64_t)rnd(3) - 1 : 0;
    struct person *p = &people[rnd(PEOPLE)];
    *now = at;
    *ret_campaign = 0;
    if (kind >= 65 && kind < 95)
        p->last_inbound = (at - (int64_t)rnd(2 * 3600000)) / 1000 * 1000;
    usual_facts(f, p, at);
    if (kind < 65) {
        template_facts(f, kind < 45 ? CATEGORY_UTILITY : CATEGORY_AUTHENTICATION, (int64_t)kind % 9);
    } else if (kind < 97) {
        fact_set(f, FACT_MESSAGE_KIND, INTENT_FREEFORM);
        fact_set(f, FACT_MESSAGE_CATEGORY, CATEGORY_SERVICE);
    } else {
        fact_set(f, FACT_MESSAGE_KIND, INTENT_TEMPLATE);
        fact_set(f, FACT_TEMPLATE_KNOWN, false);
    }
    portfolio_facts(f, used < 0 ? 0 : used, rnd(4) == 0);
    return p;
}

/* ---- the log ---- */

struct row_memory {
    struct message m[BATCH];
    struct decision_row d[BATCH];
    uint8_t facts[BATCH][FACTS_PACKED_MAX], findings[BATCH][DECISION_PACKED_MAX];
};

static void one_row(struct store *s, struct row_memory *r, size_t k, size_t i, size_t n)
{
    static struct decision d;
    struct facts f;
    int64_t now = 0, campaign = 0, interval = 0;
    struct person *p = i < n / 2 ? campaign_message(i, &f, &now, &campaign) : api_message(&f, &now, &campaign);
    decide(book, &f, now, 0, &d);
    r->m[k] = (struct message){.id = store_id(s, now),
                               .contact = 4096 * (1 + (p - people)),
                               .sender = 100200300400500,
                               .campaign = campaign,
                               .life.state = d.verdict == VERDICT_ALLOW ? LIFE_ACCEPTED : LIFE_REFUSED,
                               .ts = now,
                               .type = "template"};
    r->d[k] = (struct decision_row){.id = r->m[k].id,
                                    .ts = now,
                                    .ruleset = 1,
                                    .verdict = (int)d.verdict,
                                    .until = d.until,
                                    .facts = {(char *)r->facts[k], facts_pack(&f, r->facts[k])},
                                    .findings = {(char *)r->findings[k], decision_pack(&d, r->findings[k])}};
    if (d.verdict != VERDICT_ALLOW)
        return;
    if (i < n / 2)
        caps_sent(&p->caps, now, NULL);
    if (ruleset_value(book, "pair.rate", "interval", now, &interval) == 0)
        p->tat = pace_take(p->tat, now, interval);
}

static void generate(struct store *s, size_t n)
{
    struct row_memory *r = calloc(1, sizeof *r);
    struct err e = {0};
    if (r == NULL)
        abort();
    for (size_t i = 0; i < n; i += BATCH) {
        size_t many = n - i < BATCH ? n - i : BATCH;
        for (size_t k = 0; k < many; k++)
            one_row(s, r, k, i + k, n);
        must(store_begin(s, &e), &e);
        must(messages_insert(s, r->m, r->d, many, &e), &e);
        must(store_commit(s, &e), &e);
    }
    free(r);
}

static int64_t number(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *q = NULL;
    sql_must(db, sqlite3_prepare_v2(db, sql, -1, &q, NULL));
    int rc = sqlite3_step(q);
    sql_must(db, rc);
    int64_t v = rc == SQLITE_ROW ? sqlite3_column_int64(q, 0) : 0;
    sqlite3_finalize(q);
    return v;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void pack_all(struct store *s, size_t n)
{
    struct arena *a = arena_create(1u << 30);
    struct packed_decisions p;
    struct err e = {0};
    size_t blocks = 0, cap = n / DECISION_BLOCK_ROWS + 1;
    int64_t *held = calloc(cap, sizeof *held), packing = 0;
    if (a == NULL || held == NULL)
        abort();
    for (; blocks < cap; blocks++, arena_reset(a)) {
        int64_t start = clock_mono_ns();
        must(decisions_pack(s, 0, INT64_MAX, DECISION_BLOCK_ROWS, a, &p, &e), &e);
        if (p.n == 0)
            break;
        int64_t ready = clock_mono_ns();
        must(store_begin(s, &e), &e);
        must(decisions_compact(s, &p, &e), &e);
        held[blocks] = clock_mono_ns() - ready;
        must(store_commit(s, &e), &e);
        packing += ready - start;
    }
    if (blocks == 0)
        return;
    qsort(held, blocks, sizeof *held, by_size);
    printf("packing        %6.2f us a decision beside the writer, which a block holds for %.1f ms (median), %.1f ms "
           "(p99)\n",
           (double)packing / 1000 / (double)(blocks * DECISION_BLOCK_ROWS), (double)held[blocks / 2] / 1e6,
           (double)held[blocks * 99 / 100] / 1e6);
    free(held);
    arena_free(a);
}

/* ---- trying a book ---- */

static double naive(sqlite3 *db, const struct ruleset *rs, size_t max, uint64_t count[3][3])
{
    static struct decision d;
    sqlite3_stmt *q = NULL;
    size_t n = 0;
    sql_must(db, sqlite3_prepare_v2(db,
                                    "SELECT id, ts, ruleset, verdict, until_at, facts, findings FROM decision WHERE "
                                    "bucket = 0 ORDER BY id",
                                    -1, &q, NULL));
    int64_t start = cpu_ns();
    for (; n < max && sqlite3_step(q) == SQLITE_ROW; n++) {
        struct facts f;
        if (facts_unpack(sqlite3_column_blob(q, 5), (size_t)sqlite3_column_bytes(q, 5), &f) != 0)
            exit(1);
        decide(rs, &f, sqlite3_column_int64(q, 1), 0, &d);
        count[sqlite3_column_int64(q, 3)][d.verdict]++;
    }
    int64_t spent = cpu_ns() - start;
    sqlite3_finalize(q);
    return (double)n * 1e9 / (double)spent;
}

/* Decisions a second; the counts are those of the first `max`. */
static double from_blocks(struct store *s, const struct ruleset *rs, bool stateful, size_t max, uint64_t count[3][3])
{
    struct arena *a = arena_create((size_t)4 << 30);
    struct backtest_options o = {.rules = rs, .stateful = stateful};
    struct backtest *bt = a != NULL ? backtest_create(&o, a) : NULL;
    struct backtest_report report;
    struct decision_block *b;
    const struct backtest_stopped *stopped;
    struct err e = {0};
    size_t from = 0, n = 0, n_stopped = 0;
    int64_t after = INT64_MIN, start = cpu_ns();
    if (bt == NULL)
        exit(1);
    while (decisions_page(s, 0, after, &b, &from, NULL, &e) == 0) {
        must(backtest_block(bt, b, from, b->n, &stopped, &n_stopped, &e), &e);
        n += b->n - from;
        after = decision_block_id(b, b->n - 1);
        if (n == max) {
            must(backtest_report(bt, &report, &e), &e);
            memcpy(count, report.count, sizeof report.count);
        }
    }
    int64_t spent = cpu_ns() - start;
    arena_free(a);
    return (double)n * 1e9 / (double)spent;
}

static void sizes(sqlite3 *db, size_t n, int64_t rows_bytes)
{
    static const char *const names[] = {"campaigns", "API traffic"};
    int64_t half = (START + 40 * DAY) << 22;
    char sql[200];
    int64_t stored = number(db, "SELECT sum(pgsize) FROM dbstat WHERE name LIKE '%decision_block%'");
    int64_t packed = number(db, "SELECT sum(n) FROM decision_block");
    printf("as rows        %6.1f bytes a decision, SQLite's pages included\n", (double)rows_bytes / (double)n);
    printf("as blocks      %6.1f bytes a decision, SQLite's pages included: 1/%.1f\n", (double)stored / (double)packed,
           ((double)rows_bytes / (double)n) / ((double)stored / (double)packed));
    for (int i = 0; i < 2; i++) {
        snprintf(sql, sizeof sql, "SELECT 100 * sum(length(bytes)) / sum(n) FROM decision_block WHERE %s_id %s %lld",
                 i ? "first" : "last", i ? ">=" : "<", (long long)half);
        printf("  %-12s %6.2f\n", names[i], (double)number(db, sql) / 100);
    }
}

static struct ruleset *load(const char *list)
{
    char path[RULESET_FILES_MAX][1024];
    const char *paths[RULESET_FILES_MAX];
    struct ruleset *rs = NULL;
    struct err e = {0};
    struct str rest = str_of(list);
    size_t n = 0;
    while (rest.n > 0 && n < RULESET_FILES_MAX) {
        struct str one = str_cut(rest, ',', &rest);
        snprintf(path[n], sizeof path[n], "%.*s", (int)one.n, one.p);
        paths[n] = path[n];
        n += one.n > 0;
    }
    must(ruleset_load_all(&rs, paths, n, &e), &e);
    return rs;
}

static void measure(struct store *s, sqlite3 *db, size_t n)
{
    uint64_t plain[3][3] = {0}, packed[3][3] = {0};
    size_t some = n / 4 / DECISION_BLOCK_ROWS * DECISION_BLOCK_ROWS;
    int64_t rows = number(db, "SELECT sum(pgsize) FROM dbstat WHERE name = 'decision'");
    double base = naive(db, book, some, plain);
    pack_all(s, n);
    sizes(db, n, rows);
    printf("row by row     %6.2f M decisions/s/core (baseline)\n", base / 1e6);
    double fast = from_blocks(s, book, false, some, packed);
    printf("static         %6.2f M decisions/s/core: %.1f x\n", fast / 1e6, fast / base);
    if (memcmp(plain, packed, sizeof plain) != 0) {
        fprintf(stderr, "backtest: blocks and rows are decided differently\n");
        exit(1);
    }
    fast = from_blocks(s, book, true, some, packed);
    printf("stateful       %6.2f M decisions/s/core: %.1f x\n", fast / 1e6, fast / base);
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("%zu decisions, %zu rules; memory at most %ld MiB\n", n, ruleset_count(book), u.ru_maxrss / 1024);
}

int main(int argc, char **argv)
{
    char dir[200], path[240];
    struct err e = {0};
    struct store *s = NULL;
    sqlite3 *db = NULL;
    size_t n = argc > 3 ? strtoull(argv[3], NULL, 10) : 2097152;
    if (argc < 2) {
        fprintf(stderr, "usage: backtest RULES[,RULES...] [folder [decisions]]\n");
        return 2;
    }
    book = load(argv[1]);
    snprintf(dir, sizeof dir, "%s/bench_backtest_XXXXXX", argc > 2 ? argv[2] : "/tmp");
    if (mkdtemp(dir) == NULL)
        return 1;
    snprintf(path, sizeof path, "%s/store.db", dir);
    must(store_open(&s, path, NULL, &e), &e);
    populate();
    generate(s, n);
    sql_must(db, sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL));
    measure(s, db, n);
    sqlite3_close(db);
    store_free(s);
    ruleset_free(book);
    free(people);
    for (int i = 0; i < 3; i++) {
        static const char *const ends[] = {"", "-wal", "-shm"};
        snprintf(path, sizeof path, "%s/store.db%s", dir, ends[i]);
        unlink(path);
    }
    return rmdir(dir) == 0 ? 0 : 1;
}
