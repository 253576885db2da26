/* SPDX-License-Identifier: Apache-2.0
 * test_monitor_sim.c - campaigns by the thousand through the real campaign_step() and the real monitor_look(): how many people a bad one
 * reaches, and how many good ones are stopped.
 *
 * The people are monitor_world.h's. Time goes in minutes, 80 messages a second leave; a minute's opt-outs, complaints and undeliverable messages
 * arrive when they do, its readings count when it is old enough. Each minute in which anything can have changed is looked at; then the scheduler
 * is asked what the runner would ask it, with the verdict, and obeyed: holds end as they do in the product. What is told apart:
 *
 *   held      people reached when it was first told to wait, for whatever reason
 *   tripped   people reached when a test first passed its budget, the quick ones and the 15-minute reading among them (what the published
 *             tables count)
 *   stopped   people reached when it was stopped for good
 *
 * Without arguments a short run with a fixed seed, of the cells that carry a promise. WL_SIM_RUNS: so many good campaigns a cell and a
 * tenth as many bad ones, of all cells (tools/soak monitors); WL_SIM_SEED: another world; WL_SIM_TABLE: one table alone; WL_SIM_JOBS:
 * processes. */
#include <inttypes.h>
#include <math.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/campaign_run.h"
#include "monitor_world.h"
#include "t.h"

#define MINUTE     INT64_C(60000)
#define BEGIN      (INT64_C(29000000) * MINUTE)
#define TICKS      14400 /* ten days */
#define A_MINUTE   4800  /* 80 a second */
#define EVENTS_MAX 400000
#define PARTS      2
#define NEVER      (-1)

enum order { WHOLE, BAD_LAST, SHUFFLED };

struct cell {
    const char *table, *name;
    const struct population *from;
    enum ramp_kind ramp;
    int64_t people;
    const struct people *bad; /* 0: as drawn */
    enum order order;         /* of a bad tenth; `bad` is then about them */
    bool by_source, only_stops;
    int learned;    /* so many campaigns before it say what is tolerated; 0: the population's own quantiles */
    int short_runs; /* 0: only in the long run */
    /* Promises; 0: none. Of bad ones: people reached when held, and the share that is stopped. */
    int64_t median_most, p95_most;
    int stopped_least;   /* permille */
    const char *printed; /* what the published table says */
};

struct result {
    int64_t held, tripped, stopped; /* people reached; NEVER */
    int64_t sent, bad_sent, minutes, held_minutes;
    bool bad_found;
};

struct event {
    int32_t next;
    uint32_t cohort, count;
    uint8_t part, kind;
};

struct part {
    struct people people;
    double came[4]; /* share of readings within 15, 60, 240 and 1440 minutes */
    int64_t total, handed, sent;
    uint32_t waiting; /* handed, and kept back because it is quarantined */
    struct monitor_cohort *cohort;
    size_t n;
    bool quarantined;
};

struct world {
    const struct cell *cell;
    struct monitor_terms terms;
    struct dice dice;
    struct part part[PARTS];
    size_t n_parts;
    struct event *event;
    int32_t n_events, head[TICKS];
    uint32_t sent_at[TICKS];
    struct monitor_cohort *both;
    int tick;
    bool news;
    struct campaign_progress at;
    struct monitor_verdict verdict;
    struct result result;
};

static const int ages[4] = {15, 60, 240, 1440};

/* ---- people react ---- */

static void happens(struct world *w, int64_t tick, unsigned part, uint32_t cohort, enum monitor_signal kind,
                    int64_t count)
{
    if (tick >= TICKS || count == 0)
        return;
    assert_true(w->n_events < EVENTS_MAX);
    w->event[w->n_events] = (struct event){w->head[tick], cohort, (uint32_t)count, (uint8_t)part, (uint8_t)kind};
    w->head[tick] = w->n_events++;
}

static void react(struct world *w, unsigned part, uint32_t cohort, enum monitor_signal kind, int64_t n, double rate)
{
    for (int64_t k = binomial(&w->dice, n, rate); k > 0; k--)
        happens(w, w->tick + 1 + (int64_t)delay_draw(&w->dice, w->part[part].people.slow), part, cohort, kind, 1);
}

static void send(struct world *w, unsigned i, uint32_t n)
{
    struct part *p = &w->part[i];
    uint32_t at = (uint32_t)p->n;
    if (n == 0)
        return;
    struct monitor_cohort *c = &p->cohort[p->n++];
    *c = (struct monitor_cohort){.minute = BEGIN / MINUTE + w->tick, .sent = n};
    p->sent += n;
    w->sent_at[w->tick] += n;
    happens(w, w->tick + 1, i, at, SIGNAL_UNDELIVERABLE, binomial(&w->dice, n, p->people.undeliverable));
    int64_t readers = binomial(&w->dice, n, p->people.read), read[4];
    for (int j = 3; j >= 0; j--) {
        read[j] = binomial(&w->dice, readers, j == 3 ? p->came[3] : p->came[j] / p->came[j + 1]);
        readers = read[j];
    }
    c->read_15 = (uint32_t)read[0], c->read_60 = (uint32_t)read[1];
    c->read_240 = (uint32_t)read[2], c->read_1440 = (uint32_t)read[3];
    react(w, i, at, SIGNAL_OPT_OUT, n, p->people.opt_out);
    react(w, i, at, SIGNAL_COMPLAINT, n, p->people.complaint);
}

static void minute_passes(struct world *w)
{
    for (int32_t i = w->head[w->tick]; i >= 0; i = w->event[i].next) {
        const struct event *e = &w->event[i];
        struct monitor_cohort *c = &w->part[e->part].cohort[e->cohort];
        uint32_t *count[] = {&c->opted_out, &c->undeliverable, &c->complained};
        *count[e->kind] += e->count;
        w->news = true;
    }
    for (int j = 0; j < 4; j++)
        w->news |= w->tick > ages[j] && w->sent_at[w->tick - 1 - ages[j]] > 0;
    w->news |= w->tick > 0 && w->sent_at[w->tick - 1] > 0;
}

/* ---- the monitors look ---- */

static int64_t now_of(const struct world *w)
{
    return BEGIN + w->tick * MINUTE + 1;
}

static int64_t reached(const struct world *w)
{
    int64_t n = 0;
    for (size_t i = 0; i < w->n_parts; i++)
        n += w->part[i].sent;
    return n;
}

static bool trips(const struct monitor_verdict *v)
{
    static const double budget[MONITOR_SIGNALS] = {0.004, 0.002, 0.001, 0.001, 0.001, 0.001, 0.001};
    for (unsigned i = 0; i < MONITOR_SIGNALS; i++)
        if (fmax(v->reading[i].log_e, v->reading[i].log_fast) >= -log(budget[i]))
            return true;
    return false;
}

/* One that trips is quarantined. Unusual is not enough: that holds the campaign, if it weighs as much. */
static void look_at_sources(struct world *w)
{
    for (size_t i = 0; i < w->n_parts; i++) {
        struct part *p = &w->part[i];
        struct monitor_verdict v;
        if (p->quarantined)
            continue;
        monitor_look(&w->terms, p->cohort, p->n, now_of(w), &v);
        p->quarantined = v.tripped;
    }
}

/* The whole is everybody whose source is not stopped. */
static void look(struct world *w)
{
    const struct monitor_cohort *all = w->part[0].cohort;
    size_t n = w->part[0].n;
    struct result *r = &w->result;
    if (!w->news && w->verdict.word == MONITOR_GO)
        return;
    w->news = false;
    if (w->cell->by_source)
        look_at_sources(w);
    if (w->n_parts > 1) {
        n = 0;
        for (size_t i = 0; i < w->n_parts; i++) {
            if (w->part[i].quarantined)
                continue;
            memcpy(w->both + n, w->part[i].cohort, w->part[i].n * sizeof w->both[0]);
            n += w->part[i].n;
        }
        all = w->both;
    }
    monitor_look(&w->terms, all, n, now_of(w), &w->verdict);
    if (w->cell->only_stops && w->verdict.word == MONITOR_HOLD)
        w->verdict.word = MONITOR_GO;
    if (r->held == NEVER && w->verdict.word != MONITOR_GO)
        r->held = reached(w);
    if (r->tripped == NEVER && trips(&w->verdict))
        r->tripped = reached(w);
    if (w->verdict.word == MONITOR_STOP)
        r->stopped = reached(w);
}

/* ---- the scheduler is asked ---- */

/* Who is handed next, by source: good ones first, or each stretch with its share of both. */
static void hand(struct world *w, int64_t n, uint32_t out[PARTS])
{
    struct part *p = w->part;
    int64_t good = p[0].total - p[0].handed;
    int64_t first = n;
    if (w->cell->order == SHUFFLED)
        first = (w->at.handed + n) * p[0].total / w->cell->people - p[0].handed;
    first = first > good ? good : first;
    const int64_t share[PARTS] = {first, n - first};
    for (size_t i = 0; i < w->n_parts; i++) {
        p[i].handed += share[i];
        if (p[i].quarantined)
            p[i].waiting += (uint32_t)share[i];
        else
            out[i] += (uint32_t)share[i];
    }
    w->at.handed += n;
}

static void fill(struct world *w)
{
    struct campaign_progress *p = &w->at;
    int64_t wait = ramp_terms[p->ramp].gate_age_ms / MINUTE;
    p->waiting = 0;
    for (size_t i = 0; i < w->n_parts; i++)
        p->waiting += w->part[i].waiting;
    p->open = p->waiting;
    p->sent = p->handed - p->open;
    if (w->tick - 1 - wait >= 0)
        p->old_enough += w->sent_at[w->tick - 1 - wait];
}

/* One minute of the runner's. False: it is over. */
static bool ask(struct world *w)
{
    struct campaign_progress *p = &w->at;
    struct campaign_step s = {.kind = RUN_HAND};
    uint32_t now[PARTS] = {0};
    int64_t left = A_MINUTE;
    fill(w);
    while ((s.kind == RUN_HAND || s.kind == RUN_GO_ON) && left > 0 && p->handed < p->people) {
        campaign_step(p, now_of(w), &s);
        p->beat_at = now_of(w);
        p->target = s.target, p->target_at = s.target_at, p->lenient = s.lenient;
        if (s.kind == RUN_GO_ON)
            p->state = CAMPAIGN_RUNNING, p->cause = CAUSE_NONE;
        if (s.kind == RUN_HOLD)
            p->state = CAMPAIGN_HELD, p->cause = s.cause, p->resume_at = s.resume_at;
        if (s.kind == RUN_STOP || s.kind == RUN_FINISH || (s.kind == RUN_HOLD && s.resume_at == 0))
            return false;
        if (s.kind != RUN_HAND)
            continue;
        int64_t n = s.n < left ? s.n : left;
        left -= n;
        hand(w, n, now);
        p->sent += n;
        p->last_sent_at = now_of(w);
    }
    w->result.held_minutes += p->state == CAMPAIGN_HELD;
    for (unsigned i = 0; i < w->n_parts; i++)
        send(w, i, now[i]);
    return p->handed < p->people;
}

/* ---- one campaign ---- */

static void replace(double *at, double with)
{
    if (with > 0)
        *at = with;
}

static void draw(struct world *w)
{
    const struct cell *c = w->cell;
    w->n_parts = c->order == WHOLE ? 1 : 2;
    struct people drawn = people_draw(&w->dice, c->from);
    for (size_t i = 0; i < w->n_parts; i++) {
        struct part *p = &w->part[i];
        struct monitor_cohort *room = p->cohort;
        *p = (struct part){.people = drawn, .cohort = room};
        p->total = c->order == WHOLE ? c->people : i == 1 ? c->people / 10 : c->people - c->people / 10;
        if (i + 1 == w->n_parts) {
            replace(&p->people.opt_out, c->bad->opt_out);
            replace(&p->people.undeliverable, c->bad->undeliverable);
            replace(&p->people.complaint, c->bad->complaint);
            replace(&p->people.read, c->bad->read);
            replace(&p->people.slow, c->bad->slow);
        }
        for (int j = 0; j < 4; j++)
            p->came[j] = came_within(ages[j] + 1, p->people.slow);
    }
}

/* What campaigns of 5,000 to 50,000 people before this one showed. */
static void learn(struct world *w)
{
    struct baseline_outcome o[300];
    w->terms = w->cell->from->terms;
    for (int i = 0; i < w->cell->learned; i++) {
        struct people p = people_draw(&w->dice, w->cell->from);
        int64_t n = (int64_t)(5000 * pow(10, dice_unit(&w->dice)));
        o[i] = (struct baseline_outcome){.sent = n, .n = {n, n, n}};
        o[i].opted_out = binomial(&w->dice, n, p.opt_out);
        o[i].undeliverable = binomial(&w->dice, n, p.undeliverable);
        o[i].complained = binomial(&w->dice, n, p.complaint);
        for (int j = 0; j < 3; j++)
            o[i].read[j] = binomial(&w->dice, n, p.read * came_within(ages[j + 1], p.slow));
    }
    if (w->cell->learned > 0)
        baseline_learn(o, (size_t)w->cell->learned, &monitor_shipped, NULL, &w->terms);
}

static void run(struct world *w, const struct cell *c, uint64_t seed, struct result *ret)
{
    w->cell = c;
    w->dice.state = seed;
    w->n_events = 0;
    w->news = false;
    memset(w->head, 0xff, sizeof w->head);
    memset(w->sent_at, 0, sizeof w->sent_at);
    w->verdict = (struct monitor_verdict){.word = MONITOR_GO};
    w->result = (struct result){.held = NEVER, .tripped = NEVER, .stopped = NEVER};
    w->at = (struct campaign_progress){.state = CAMPAIGN_RUNNING,
                                       .ramp = c->ramp,
                                       .people = c->people,
                                       .start_at = BEGIN,
                                       .started_at = BEGIN,
                                       .per_second = 80,
                                       .monitor = &w->verdict};
    learn(w);
    draw(w);
    for (w->tick = 0; w->tick < TICKS; w->tick++) {
        minute_passes(w);
        look(w);
        if (!ask(w) || w->verdict.word == MONITOR_STOP)
            break;
    }
    w->result.minutes = w->tick;
    w->result.sent = reached(w);
    w->result.bad_sent = w->n_parts > 1 ? w->part[1].sent : 0;
    w->result.bad_found = w->n_parts > 1 && w->part[1].quarantined;
    *ret = w->result;
}

static struct world *world_create(void)
{
    struct world *w = calloc(1, sizeof *w);
    w->event = calloc(EVENTS_MAX, sizeof w->event[0]);
    w->both = calloc(PARTS * TICKS, sizeof w->both[0]);
    for (size_t i = 0; i < PARTS; i++)
        w->part[i].cohort = calloc(TICKS, sizeof w->both[0]);
    return w;
}

static void world_free(struct world *w)
{
    for (size_t i = 0; i < PARTS; i++)
        free(w->part[i].cohort);
    free(w->both);
    free(w->event);
    free(w);
}

/* ---- the tables ---- */

#define CELL(...)
#define PEOPLE(name, a, b, c, d, e)                                                                                    \
    static const struct people people_##name = {.opt_out = a, .undeliverable = b, .complaint = c, .read = d, .slow = e};
#include "monitor_cells.def"
#undef PEOPLE
#undef CELL

#define PEOPLE(...)
#define A &population_a
#define B &population_b
#define CELL(table, name, from, ramp, people, bad, ...)                                                                \
    {table, name, from, RAMP_##ramp, people, &people_##bad, __VA_ARGS__},
static const struct cell cells[] = {
#include "monitor_cells.def"
};
#define CELLS (sizeof cells / sizeof cells[0])

static bool is_good(const struct cell *c)
{
    return c->order == WHOLE && c->bad->opt_out == 0 && c->bad->undeliverable == 0 && c->bad->complaint == 0 &&
           c->bad->read == 0 && c->bad->slow == 0;
}

static int by_size(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

struct spread {
    int64_t median, p95;
    double share; /* of runs in which it happened, percent */
};

/* Over all runs; where it did not happen everybody was reached. */
static struct spread spread_of(const struct result *r, size_t n, size_t offset, int64_t all)
{
    int64_t *v = calloc(n, sizeof *v);
    size_t happened = 0;
    for (size_t i = 0; i < n; i++) {
        memcpy(&v[i], (const char *)&r[i] + offset, sizeof v[i]);
        happened += v[i] != NEVER;
        v[i] = v[i] == NEVER ? all : v[i];
    }
    qsort(v, n, sizeof *v, by_size);
    struct spread s = {v[n / 2], v[(n * 95 + 99) / 100 - 1], 100.0 * (double)happened / (double)n};
    free(v);
    return s;
}
#define SPREAD(r, n, member, all) spread_of(r, n, offsetof(struct result, member), all)

static void say(struct spread s, const char *what)
{
    char text[40];
    snprintf(text, sizeof text, "%" PRId64 " / %" PRId64, s.median, s.p95);
    printf("%s %-15s %6.2f %% | ", what, text, s.share);
}

static void report(const struct cell *c, const struct result *r, size_t n)
{
    static const char *const ramps[] = {"STANDARD", "CAREFUL", "FAST"};
    struct spread held = SPREAD(r, n, held, c->people), stopped = SPREAD(r, n, stopped, c->people);
    struct spread tripped = SPREAD(r, n, tripped, c->people), time = SPREAD(r, n, minutes, 0);
    printf("%s %s %7" PRId64 " %-8s%s %-27s %5zu | ", c->table, c->from->name, c->people, ramps[c->ramp],
           c->only_stops ? " (stops only)" : "", c->name, n);
    if (c->order == WHOLE) {
        say(held, "held");
        say(tripped, "tripped");
        say(stopped, "stopped");
    } else {
        struct spread bad = SPREAD(r, n, bad_sent, c->people);
        size_t found = 0, done = 0;
        for (size_t i = 0; i < n; i++) {
            found += r[i].bad_found;
            done += r[i].stopped == NEVER && r[i].sent - r[i].bad_sent == c->people - c->people / 10;
        }
        printf("source stopped %.2f %%, campaign stopped %.2f %%, %" PRId64 " / %" PRId64
               " bad reached, all the others reached %.2f %% | ",
               100.0 * (double)found / (double)n, stopped.share, bad.median, bad.p95, 100.0 * (double)done / (double)n);
    }
    if (is_good(c))
        printf("%.1f h, p95 %.1f h | ", (double)time.median / 60, (double)time.p95 / 60);
    printf("printed %s\n", c->printed);
    fflush(stdout);
    if (is_good(c) && stopped.share > 1)
        fail_msg("%s %s: %.2f %% of good campaigns were stopped, 1 %% is promised", c->from->name, ramps[c->ramp],
                 stopped.share);
    if (c->median_most > 0 && held.median > c->median_most)
        fail_msg("%s: median %" PRId64 " people", c->name, held.median);
    if (c->p95_most > 0 && held.p95 > c->p95_most)
        fail_msg("%s: 95 of 100 reach %" PRId64 " people", c->name, held.p95);
    if (stopped.share * 10 < c->stopped_least)
        fail_msg("%s: %.2f %% were stopped", c->name, stopped.share);
}

/* A bad source is found after at most 200 of its people, at the 95th percentile, and the campaign goes on without it. */
static void check_sources(const struct result *r, size_t n)
{
    size_t found = 0, went_on = 0;
    struct spread bad = SPREAD(r, n, bad_sent, 0);
    for (size_t i = 0; i < n; i++) {
        found += r[i].bad_found;
        went_on += r[i].stopped == NEVER && r[i].sent - r[i].bad_sent == 90000;
    }
    assert_true(found * 1000 >= n * 999);
    assert_in_range(bad.p95, 0, 200);
    assert_true(went_on * 100 >= n * 99);
}

static uint64_t seed_of(uint64_t seed, size_t cell, size_t i)
{
    struct dice d = {seed + cell * 1000003 + i * 7919};
    return dice_u64(&d) ^ i;
}

static void run_share(const struct cell *c, uint64_t seed, size_t first, size_t step, size_t n, struct result *r)
{
    struct world *w = world_create();
    for (size_t i = first; i < n; i += step)
        run(w, c, seed_of(seed, (size_t)(c - cells), i), &r[i]);
    world_free(w);
}

static uint64_t number_in(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text != NULL && *text != '\0' ? strtoull(text, NULL, 10) : otherwise;
}

static size_t runs_of(const struct cell *c, size_t many)
{
    const char *only = getenv("WL_SIM_TABLE");
    if (only != NULL && strcmp(only, c->table) != 0)
        return 0;
    if (many == 0)
        return (size_t)c->short_runs;
    return !is_good(c) ? (many + 9) / 10 : c->people > 100000 ? (many + 3) / 4 : many;
}

static void run_cell(const struct cell *c, uint64_t seed, size_t jobs, size_t n, struct result *r)
{
    for (size_t j = 1; j < jobs; j++)
        if (fork() == 0) {
            run_share(c, seed, j, jobs, n, r);
            _exit(0);
        }
    run_share(c, seed, 0, jobs, n, r);
    for (int status = 0; jobs > 1 && wait(&status) > 0;)
        assert_int_equal(status, 0);
    report(c, r, n);
    if (c->order == SHUFFLED && c->by_source)
        check_sources(r, n);
}

TEST(campaigns)
{
    size_t many = (size_t)number_in("WL_SIM_RUNS", 0), jobs = (size_t)number_in("WL_SIM_JOBS", 1);
    size_t most = many > 1000 ? many : 1000;
    uint64_t seed = number_in("WL_SIM_SEED", 20261122);
    struct result *r = mmap(NULL, most * sizeof *r, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(r != MAP_FAILED);
    for (size_t i = 0; i < CELLS; i++) {
        size_t n = runs_of(&cells[i], many);
        if (n > 0)
            run_cell(&cells[i], seed, jobs, n, r);
    }
    munmap(r, most * sizeof *r);
}

TESTS(T(campaigns))
