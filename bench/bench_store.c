/* SPDX-License-Identifier: Apache-2.0
 * bench_store.c - what one message costs in the database, from look-up to outcome.
 *
 * Runs the whole sequence of a send (find the person, read the pair, insert message and decision, write the pair,
 * later the outcome) in groups of 1, 16, 64 and 256 a commit, and beside it the baseline: a bare insert of the
 * same message row into one table of SQLite, at the same group. Then the way of a message we answer for, whose three
 * transactions (accepted: message and outbox row; begun: message saved and decision; ended: message saved and outbox
 * row deleted) go through a backlog, each commit accepting, beginning and ending a group. The same once more with every message
 * handed on for a recipient of a campaign: the cursor moves with it, and its end is counted; how much more that takes is said. All
 * wait for the disk at every commit; how much of the processor each takes is said in bare inserts, too.
 *
 * The mode "admit" measures what stands before a send with all rules on: person, pair, reach and portfolio are read, the
 * shipped rules decide, and person (under its version, with caps), pair, reach, portfolio, message and decision are
 * written, 100 a commit, synced by a second thread as the gateway's writer does it. Everyone gets one marketing message
 * a day of a clock of its own, so that rows are as full as they become in use; then the size of each row is shown.
 * Usage: bench_store [DIRECTORY [SECONDS]] or bench_store DIRECTORY SECONDS admit [RULES [PEOPLE]]. The directory
 * decides which disk is measured. */
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/decide.h"
#include "core/pace.h"
#include "store/campaigns.h"
#include "store/messages.h"
#include "store/outbox.h"
#include "store/people.h"
#include "store/reach.h"

#define PEOPLE    50000
#define SENDER    106540352242922
#define GROUP_MAX 256
#define ADMITTED  100 /* a group of the mode "admit" */
#define PORTFOLIO 77
#define DAY_MS    INT64_C(86400000)
#define AHEAD_MAX 3 /* commits that may wait for the disk */

static const size_t groups[] = {1, 16, 64, 256};
static int64_t duration_ns = 1500000000;
static double bare_cpu_us; /* of a row of the last baseline; 0: none yet */
static int64_t worst_ns;   /* the longest group of the running measurement; checkpoints show here */

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
    printf("%-22s group %3zu  %8.0f rows/s  %6.2f us CPU each  %6.2f ms a group, at worst %.1f ms", what, group,
           (double)rows * 1e9 / (double)ns, cpu / (double)rows, (double)ns / 1e6 / ((double)rows / (double)group),
           (double)worst_ns / 1e6);
    if (bare_cpu_us > 0)
        printf("  = %.1f bare inserts", cpu / (double)rows / bare_cpu_us);
    putchar('\n');
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
    struct message answered[GROUP_MAX]; /* of the group before, whose outcomes ride in this commit */
    size_t waiting;
};

/* The message as it is once Meta has answered. */
static void accept(struct message *next, const struct message *m, int64_t at)
{
    *next = *m;
    next->life.state = LIFE_ACCEPTED;
    next->life.accepted = 1;
    next->changed_at = at;
    snprintf(next->wamid, sizeof next->wamid, "wamid.HBgLMTU1NTAwMDAwMDAVAgARGBI%020llX==", (unsigned long long)m->id);
}

static void one_group(struct store *s, struct group *g, size_t n, size_t *turn, int64_t now)
{
    static const char facts[120] = "facts", findings[40] = "findings";
    struct err e = {0};
    for (size_t i = 0; i < n; i++)
        person_name(&g->who[i], (*turn += 613) % PEOPLE);
    must(store_begin(s, &e), &e);
    for (size_t i = 0; i < g->waiting; i++)
        must(message_save(s, &g->answered[i], &e), &e);
    must(people_find(s, g->who, n, g->people, &e), &e);
    for (size_t i = 0; i < n; i++)
        g->pairs[i] = (struct pair){.bucket = g->people[i].bucket, .contact = g->people[i].id, .sender = SENDER};
    must(pairs_get(s, g->pairs, n, &e), &e);
    for (size_t i = 0; i < n; i++) {
        int64_t id = store_id(s, now);
        g->messages[i] =
            (struct message){.id = id,
                             .contact = g->people[i].id,
                             .sender = SENDER,
                             .life = {.state = LIFE_SENDING, .category = 2, .attempts = 1, .begun_at = now},
                             .epoch = 3,
                             .ts = now,
                             .kind = 2,
                             .type = "template"};
        g->decisions[i] = (struct decision_row){.id = id,
                                                .ts = now,
                                                .ruleset = 1,
                                                .verdict = 1,
                                                .facts = {facts, sizeof facts},
                                                .findings = {findings, sizeof findings}};
        g->pairs[i].last_out = now;
        g->pairs[i].tat = now + 6000;
        accept(&g->answered[i], &g->messages[i], now + 60);
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

/* --- the outbox ---------------------------------------------------------------------------------------------------- */

#define BACKLOG 4 /* groups that wait between being accepted and being begun */

#define RECIPIENTS 200000

/* The campaign whose people are handed on; id 0: messages of no campaign. */
struct handed {
    int64_t id, place;
};

/* A group of messages on its way; they are used in turn. */
struct queued {
    struct message messages[GROUP_MAX];
    struct outbox_row rows[GROUP_MAX];
    struct decision_row decisions[GROUP_MAX];
};

static void fill_campaign(struct store *s, const struct handed *h)
{
    struct err e = {0};
    must(store_begin(s, &e), &e);
    for (int64_t i = 1; i <= RECIPIENTS && h->id != 0; i++) {
        const struct campaign_recipient r = {.campaign = h->id,
                                             .place = i,
                                             .contact = 4096 * (1 + i % PEOPLE),
                                             .sender = SENDER,
                                             .stratum = (int)(i % 5),
                                             .language = STR("en_US"),
                                             .params = STR("[\"Anastasia\",\"a code of ten\"]")};
        must(recipients_put(s, &r, 1, &e), &e);
    }
    if (h->id != 0)
        must(campaign_cursor_take(s, 0, h->id, 1, &e), &e);
    must(store_commit(s, &e), &e);
}

static void queue_accept(struct store *s, struct queued *q, size_t n, size_t *turn, struct handed *h, int64_t now)
{
    static const char body[400] = "{\"messaging_product\":\"whatsapp\"";
    struct err e = {0};
    for (size_t i = 0; i < n; i++) {
        int64_t id = store_id(s, now);
        q->messages[i] = (struct message){.id = id,
                                          .contact = 4096 * (int64_t)(1 + (*turn += 613) % PEOPLE),
                                          .sender = SENDER,
                                          .campaign = h->id,
                                          .place = h->id != 0 ? ++h->place : 0,
                                          .stratum = (int)(i % 5),
                                          .life = {.state = LIFE_WAITING, .category = CATEGORY_UTILITY, .at = now},
                                          .ts = now,
                                          .kind = 2,
                                          .type = "template"};
        q->rows[i] = (struct outbox_row){.key = {.sender = SENDER, .class = 1, .campaign = h->id, .due = now, .id = id},
                                         .body = {body, sizeof body}};
    }
    const struct campaign_cursor c = {.campaign = h->id, .epoch = 1};
    for (size_t i = 0; i < n && h->id != 0; i++)
        must(campaign_cursor_move(s, &c, q->messages[i].place, q->messages[i].id, &e), &e);
    must(messages_insert(s, q->messages, NULL, n, &e), &e);
    must(outbox_put(s, q->rows, n, &e), &e);
}

static void queue_begin(struct store *s, struct queued *q, size_t n, int64_t now)
{
    static const char facts[120] = "facts", findings[40] = "findings";
    struct err e = {0};
    for (size_t i = 0; i < n; i++) {
        struct message *m = &q->messages[i];
        q->decisions[i] = (struct decision_row){.id = store_id(s, now),
                                                .ts = now,
                                                .ruleset = 1,
                                                .verdict = 1,
                                                .facts = {facts, sizeof facts},
                                                .findings = {findings, sizeof findings}};
        m->life.state = LIFE_SENDING;
        m->life.attempts = 1;
        m->life.begun_at = m->changed_at = now;
        m->epoch = 3;
        m->decision = q->decisions[i].id;
        must(message_save(s, m, &e), &e);
    }
    must(decisions_insert(s, q->decisions, n, &e), &e);
}

static void queue_end(struct store *s, struct queued *q, size_t n, int64_t now)
{
    struct err e = {0};
    for (size_t i = 0; i < n; i++) {
        struct message next;
        accept(&next, &q->messages[i], now);
        must(message_save(s, &next, &e), &e);
        const struct cohort_change sent = {.campaign = next.campaign,
                                           .stratum = next.stratum,
                                           .minute = now / 60000,
                                           .sent = 1};
        if (next.campaign != 0)
            must(campaign_cohort_add(s, &sent, 1, &e), &e);
    }
    for (size_t i = 0; i < n; i++)
        must(outbox_delete(s, &q->rows[i].key, &e), &e);
}

/* Microseconds of the processor a message. */
static double run_queued(struct store *s, size_t n, struct handed h)
{
    struct queued *w = calloc(BACKLOG + 2, sizeof *w);
    struct err e = {0};
    size_t groups_in = 0, turn = 0;
    if (w == NULL)
        return 0;
    fill_campaign(s, &h);
    int64_t start = clock_mono_ns(), now = start;
    double cpu = cpu_us();
    for (; now - start < duration_ns && h.place + (int64_t)n <= RECIPIENTS; now = lap(now), groups_in++) {
        int64_t ms = clock_now_ms();
        must(store_begin(s, &e), &e);
        if (groups_in > BACKLOG)
            queue_end(s, &w[(groups_in - BACKLOG - 1) % (BACKLOG + 2)], n, ms);
        if (groups_in >= BACKLOG)
            queue_begin(s, &w[(groups_in - BACKLOG) % (BACKLOG + 2)], n, ms);
        queue_accept(s, &w[groups_in % (BACKLOG + 2)], n, &turn, &h, ms);
        must(store_commit(s, &e), &e);
    }
    cpu = cpu_us() - cpu;
    report(h.id != 0 ? "handed: the same" : "queued: in, begun, out", n, groups_in * n, now - start, cpu);
    free(w);
    return groups_in > 0 ? cpu / (double)(groups_in * n) : 0;
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
    cpu = cpu_us() - cpu;
    bare_cpu_us = 0;
    report("baseline: bare insert", n, rows, now - start, cpu);
    bare_cpu_us = cpu / (double)rows;
    sqlite3_finalize(q);
}

/* --- admission: everything between a request and its first byte upstream, in the database and the rules ------------ */

/* The second stage of the gateway's writer: commits are counted in, and come out when they are on disk. */
struct syncing {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    struct store_sync *sync;
    uint64_t committed, durable;
    bool end;
};

static void *sync_loop(void *arg)
{
    struct syncing *y = arg;
    struct err e = {0};
    pthread_mutex_lock(&y->lock);
    for (;;) {
        while (y->committed == y->durable && !y->end)
            pthread_cond_wait(&y->changed, &y->lock);
        uint64_t upto = y->committed;
        if (upto == y->durable)
            break;
        pthread_mutex_unlock(&y->lock);
        must(store_sync_wait(y->sync, &e), &e);
        pthread_mutex_lock(&y->lock);
        y->durable = upto;
        pthread_cond_broadcast(&y->changed);
    }
    pthread_mutex_unlock(&y->lock);
    return NULL;
}

/* Counts a commit in and waits until at most `ahead` are not on disk. */
static void sync_after(struct syncing *y, uint64_t commits, uint64_t ahead)
{
    pthread_mutex_lock(&y->lock);
    y->committed += commits;
    pthread_cond_broadcast(&y->changed);
    while (y->committed - y->durable > ahead)
        pthread_cond_wait(&y->changed, &y->lock);
    pthread_mutex_unlock(&y->lock);
}

struct admission {
    struct store *s;
    struct ruleset *rules;
    size_t people, turn, stride, refused;
    int64_t now, step; /* a clock on which everyone is written to once a day */
    struct identity who[ADMITTED];
    struct person person[ADMITTED];
    struct pair pair[ADMITTED];
    struct reach reach[ADMITTED];
    struct portfolio portfolio;
    struct message message[ADMITTED];
    struct decision_row row[ADMITTED];
    uint8_t facts[ADMITTED][FACTS_PACKED_MAX], findings[ADMITTED][DECISION_PACKED_MAX];
};

static void admission_facts(const struct admission *b, size_t i, struct facts *f)
{
    const struct person *p = &b->person[i];
    memset(f, 0, sizeof *f);
    fact_set(f, FACT_MESSAGE_KIND, fact_word(FACT_MESSAGE_KIND, STR("template")));
    fact_set(f, FACT_MESSAGE_CATEGORY, CATEGORY_MARKETING);
    fact_set(f, FACT_MESSAGE_PATH, 0);
    fact_set(f, FACT_MESSAGE_TYPE_REACTION, false);
    fact_set(f, FACT_RECIPIENT_FORM, IDENTITY_PHONE);
    fact_set(f, FACT_RECIPIENT_VALID, true);
    fact_set(f, FACT_RECIPIENT_IS_SENDER, false);
    fact_set_code(f, FACT_RECIPIENT_COUNTRY, "BR");
    fact_set(f, FACT_RECIPIENT_UNDELIVERABLE_AT, p->undeliverable_at);
    fact_set(f, FACT_CONSENT_STATUS, p->consent.of[CATEGORY_MARKETING].status);
    fact_set(f, FACT_CONSENT_AT, p->consent.of[CATEGORY_MARKETING].at);
    fact_set(f, FACT_CONSENT_PLATFORM_STOP, p->consent.platform_stop);
    fact_set(f, FACT_CONSENT_PLATFORM_AT, p->consent.platform_at);
    fact_set(f, FACT_WINDOW_LAST_INBOUND, b->pair[i].last_inbound);
    fact_set(f, FACT_PAIR_TAT, b->pair[i].tat);
    fact_set(f, FACT_TEMPLATE_KNOWN, true);
    fact_set(f, FACT_TEMPLATE_STATUS, TEMPLATE_APPROVED);
    fact_set(f, FACT_TEMPLATE_FIT, 0);
    fact_set(f, FACT_TEMPLATE_QUALITY, fact_word(FACT_TEMPLATE_QUALITY, STR("green")));
    fact_set(f, FACT_SENDER_STATUS, fact_word(FACT_SENDER_STATUS, STR("connected")));
    fact_set(f, FACT_SENDER_QUALITY, fact_word(FACT_SENDER_QUALITY, STR("green")));
    fact_set(f, FACT_SENDER_FREE_AT, 0);
    fact_set(f, FACT_ACCOUNT_STATE, 0);
    for (int id = FACT_ACCOUNT_TEMPLATES_UNTIL; id <= FACT_ACCOUNT_PAYMENT_AT; id++)
        fact_set(f, (enum fact_id)id, 0);
    for (int id = FACT_RECIPIENT_UTC_MIN; id <= FACT_RECIPIENT_UTC_MAX; id++)
        fact_set(f, (enum fact_id)id, -180);
    fact_set(f, FACT_RECIPIENT_UTC_CHANGE_AT, 0);
    fact_set(f, FACT_DUPLICATE_SAME_AT, 0);
    fact_set(f, FACT_DUPLICATE_NEAR_AT, 0);
    caps_facts(&p->caps, f);
    budget_facts(&b->portfolio.budget, 0, 0, budget_counted(&b->portfolio.budget, b->reach[i].opened_at, b->now),
                 b->now, f);
}

/* Judges one message and fills its rows; what is let through is counted at once, as the next one must see it. */
static void admit_one(struct admission *b, size_t i)
{
    struct facts f;
    struct decision d;
    int64_t id = store_id(b->s, b->now);
    admission_facts(b, i, &f);
    decide(b->rules, &f, b->now, 0, &d);
    bool allowed = d.verdict == VERDICT_ALLOW;
    b->message[i] = (struct message){.id = id,
                                     .contact = b->person[i].id,
                                     .sender = SENDER,
                                     .life = {.state = allowed ? LIFE_SENDING : LIFE_REFUSED,
                                              .category = CATEGORY_MARKETING,
                                              .attempts = allowed,
                                              .begun_at = allowed ? b->now : 0},
                                     .epoch = 3,
                                     .ts = b->now,
                                     .kind = 2,
                                     .type = "template"};
    b->row[i] = (struct decision_row){.id = id,
                                      .ts = b->now,
                                      .ruleset = 1,
                                      .verdict = (int)d.verdict,
                                      .until = d.until,
                                      .facts = {(char *)b->facts[i], facts_pack(&f, b->facts[i])},
                                      .findings = {(char *)b->findings[i], decision_pack(&d, b->findings[i])}};
    b->refused += !allowed;
    if (!allowed)
        return;
    struct content_sent content = {(uint32_t)(b->now / DAY_MS) * 2654435761u | 1, (uint32_t)b->person[i].id, 700,
                                   b->now};
    caps_sent(&b->person[i].caps, b->now, &content);
    b->pair[i].tat = pace_take(b->pair[i].tat, b->now, 6000);
    b->pair[i].last_out = b->now;
    b->reach[i].opened_at = budget_take(&b->portfolio.budget, b->reach[i].opened_at, b->now);
}

static void admit_group(struct admission *b)
{
    struct err e = {0};
    b->now += b->step;
    for (size_t i = 0; i < ADMITTED; i++)
        person_name(&b->who[i], b->turn++ * b->stride % b->people);
    must(store_begin(b->s, &e), &e);
    must(people_find(b->s, b->who, ADMITTED, b->person, &e), &e);
    for (size_t i = 0; i < ADMITTED; i++) {
        const struct person *p = &b->person[i];
        b->pair[i] = (struct pair){.bucket = p->bucket, .contact = p->id, .sender = SENDER};
        b->reach[i] = (struct reach){.bucket = p->bucket, .contact = p->id, .portfolio = PORTFOLIO};
    }
    must(pairs_get(b->s, b->pair, ADMITTED, &e), &e);
    must(reach_get(b->s, b->reach, ADMITTED, &e), &e);
    must(portfolio_get(b->s, PORTFOLIO, &b->portfolio, &e), &e);
    for (size_t i = 0; i < ADMITTED; i++)
        admit_one(b, i);
    must(people_save(b->s, b->person, ADMITTED, &e), &e);
    must(pairs_put(b->s, b->pair, ADMITTED, &e), &e);
    must(reach_put(b->s, b->reach, ADMITTED, &e), &e);
    must(portfolio_put(b->s, &b->portfolio, &e), &e);
    must(messages_insert(b->s, b->message, b->row, ADMITTED, &e), &e);
    must(store_commit(b->s, &e), &e);
}

/* People as they come from an import: a consent, a name, a language, some with a time zone of their own. */
static void admission_people(struct admission *b)
{
    struct consent_event yes = {CONSENT_GRANT, CONSENT_ALL, b->now - 90 * DAY_MS, CONSENT_RANK_CAPTURED};
    struct err e = {0};
    for (size_t i = 0; i < b->people; i += ADMITTED) {
        for (size_t k = 0; k < ADMITTED; k++)
            person_name(&b->who[k], i + k);
        must(store_begin(b->s, &e), &e);
        must(people_ensure(b->s, b->who, ADMITTED, b->now - 90 * DAY_MS, b->person, &e), &e);
        for (size_t k = 0; k < ADMITTED; k++) {
            struct person *p = &b->person[k];
            consent_apply(&p->consent, &yes);
            snprintf(p->name, sizeof p->name, "Person %zu", i + k);
            snprintf(p->lang, sizeof p->lang, "pt_BR");
            if (k % 10 == 0)
                snprintf(p->zone, sizeof p->zone, "America/Sao_Paulo");
        }
        must(people_save(b->s, b->person, ADMITTED, &e), &e);
        must(store_commit(b->s, &e), &e);
    }
}

/* Bytes a row, as it lies in its table and with the table's pages. */
static void show_sizes(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *q = NULL;
    sqlite3_open(path, &db);
    if (sqlite3_prepare_v2(db,
                           "SELECT name, sum(ncell), sum(payload), sum(pgsize) FROM dbstat WHERE name IN ('person', "
                           "'pair', 'reach', 'msg', 'decision', 'person_identity') AND pagetype <> 'internal' GROUP BY "
                           "name",
                           -1, &q, NULL) != SQLITE_OK)
        printf("row sizes: this SQLite does not tell\n");
    while (q != NULL && sqlite3_step(q) == SQLITE_ROW) {
        double n = sqlite3_column_double(q, 1);
        if (n > 0)
            printf("  %-16s %9.0f rows  %6.1f bytes a row, %6.1f with the pages\n",
                   (const char *)sqlite3_column_text(q, 0), n, sqlite3_column_double(q, 2) / n,
                   sqlite3_column_double(q, 3) / n);
    }
    sqlite3_finalize(q);
    sqlite3_close(db);
}

/* Days of it first, so that rows are as full as in use. A stride of 1 is a campaign, which goes through people in the
 * order in which they came; another one meets everybody on a page of their own. */
static void measure_admission(struct admission *b, struct syncing *y, size_t stride, size_t days, const char *what)
{
    size_t rows = 0;
    b->stride = stride;
    for (size_t i = 0; i < days * b->people / ADMITTED; i++)
        admit_group(b);
    sync_after(y, 1, 0);
    b->refused = 0;
    worst_ns = 0;
    int64_t start = clock_mono_ns(), now = start;
    double cpu = cpu_us();
    for (; now - start < duration_ns; now = lap(now), rows += ADMITTED) {
        admit_group(b);
        sync_after(y, 1, AHEAD_MAX);
    }
    sync_after(y, 0, 0);
    report(what, ADMITTED, rows, clock_mono_ns() - start, cpu_us() - cpu);
    printf("  %zu people, %zu rules, %zu of %zu refused\n", b->people, ruleset_count(b->rules), b->refused, rows);
}

static void run_admit(const char *path, const char *rules, size_t people)
{
    struct admission *b = calloc(1, sizeof *b);
    struct syncing y = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct err e = {0};
    if (b == NULL)
        return;
    b->people = people / ADMITTED * ADMITTED;
    b->now = INT64_C(1790000000000);
    b->step = DAY_MS / (int64_t)(b->people / ADMITTED);
    must(ruleset_load(&b->rules, rules, &e), &e);
    must(store_open(&b->s, path, NULL, &e), &e);
    must(store_sync_open(&y.sync, b->s, &e), &e);
    admission_people(b);
    if (pthread_create(&y.thread, NULL, sync_loop, &y) != 0)
        return;
    measure_admission(b, &y, 1, 5, "admitted, as they came");
    measure_admission(b, &y, 613, 1, "admitted, in any order");
    pthread_mutex_lock(&y.lock);
    y.end = true;
    pthread_cond_broadcast(&y.changed);
    pthread_mutex_unlock(&y.lock);
    pthread_join(y.thread, NULL);
    store_sync_free(y.sync);
    store_free(b->s);
    ruleset_free(b->rules);
    free(b);
    show_sizes(path);
}

static sqlite3 *open_baseline(const char *path)
{
    sqlite3 *db = NULL;
    sqlite3_open(path, &db);
    baseline_exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=20000;"
                      "CREATE TABLE bare (id INTEGER PRIMARY KEY, contact BIGINT, sender BIGINT, campaign BIGINT, "
                      "state INT, attempt INT, "
                      "epoch BIGINT, ts BIGINT, kind INT, category INT, seen BIGINT, code BIGINT, ts_outcome BIGINT, "
                      "type TEXT, wamid TEXT)");
    return db;
}

static void run_whole_sends(const char *path, sqlite3 *db, int64_t *id)
{
    struct store *s = NULL;
    struct err e = {0};
    must(store_open(&s, path, NULL, &e), &e);
    fill(s);
    for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
        run_baseline(db, groups[i], id);
        run_sends(s, groups[i]);
        double queued = run_queued(s, groups[i], (struct handed){.id = 0});
        double handed = run_queued(s, groups[i], (struct handed){.id = (int64_t)i + 1});
        printf("handed for a campaign: %.2f times the processor of the same message without one\n", handed / queued);
    }
    store_free(s);
}

int main(int argc, char **argv)
{
    char dir[200], store[240], bare[240];
    int64_t id = (int64_t)1700000000000 << 22;
    snprintf(dir, sizeof dir, "%s/bench_store_XXXXXX", argc > 1 ? argv[1] : "/tmp");
    if (argc > 2)
        duration_ns = strtoll(argv[2], NULL, 10) * 1000000000;
    if (mkdtemp(dir) == NULL)
        return 1;
    snprintf(store, sizeof store, "%s/store.db", dir);
    snprintf(bare, sizeof bare, "%s/bare.db", dir);
    sqlite3 *db = open_baseline(bare);
    if (argc > 3 && strcmp(argv[3], "admit") == 0) {
        run_baseline(db, ADMITTED, &id);
        run_admit(store, argc > 4 ? argv[4] : "data/rules/whatsapp-platform.yaml",
                  argc > 5 ? strtoul(argv[5], NULL, 10) : PEOPLE);
    } else {
        run_whole_sends(store, db, &id);
    }
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("memory at most %ld MiB\n", u.ru_maxrss / 1024);
    sqlite3_close(db);
    unlink(store);
    unlink(bare);
    rmdir(dir);
    return 0;
}
