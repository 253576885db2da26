/* SPDX-License-Identifier: Apache-2.0
 * simulate_world.c - a whole campaign played in a moment.
 *
 * People stand in the order the plan of a campaign puts them in (core's keyed shuffle, strata spread evenly). Who is handed
 * to the door waits in the queue of their zone until their hours are open and the numbers and the limit of 24 hours allow it;
 * people of a source that is held wait aside, those of one that is isolated are left out. What somebody will do is drawn when
 * they are sent to, and laid into a calendar of five-second slots; a slot whose time has come is counted in the cohort of
 * their minute, as the gateway counts.
 *
 * A turn of the clock: count what came, look at the monitors (at most each five seconds while it sends, else each minute),
 * ask the scheduler, do what it says, send for a second. When nothing can be sent the clock jumps to the next question or
 * minute.
 *
 * What it leaves out: answers of the API that are lost, numbers that slow down, templates that are paused. Those are for
 * scenarios with a sandbox. */
#include "cmd/simulate_world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SECOND  INT64_C(1000)
#define MINUTE  (60 * SECOND)
#define DAY     (1440 * MINUTE)
#define SLOT    (5 * SECOND)
#define SLOTS   (3 * DAY / SLOT) /* reactions later than that are never seen */
#define CELL    (15 * MINUTE)
#define CELLS   97
#define ASIDE_S 600 /* the rule campaign.source: looked at again so much later */
#define NEVER   (-1)

enum happening { OPTS_OUT, COMPLAINS, FAILS, READS };

struct event {
    int32_t next; /* of its slot; -1 */
    uint32_t cohort;
    int64_t after; /* of a reading: ms since it was sent */
    uint8_t stratum, what;
};

struct entry {
    uint32_t place, due; /* due: the second at which somebody aside is looked at again */
};

struct queue { /* first in first out */
    struct entry *at;
    size_t head, tail, cap;
};

struct cohorts {
    struct monitor_cohort *v;
    size_t n, cap;
    bool isolated, held;
    struct queue aside; /* of all zones; who is there goes back to theirs */
};

struct world {
    const struct sim_plan *plan;
    struct sim_result *ret;
    struct campaign_progress p;
    struct campaign_step s;
    struct monitor_verdict verdict;
    uint64_t seed, dice;
    int64_t now, looked_at, counted_slot, gate_met_at;
    uint8_t *stratum, *zone; /* of each place */
    struct queue door[SIM_ZONES];
    struct cohorts source[SIM_STRATA];
    struct monitor_cohort *whole;
    size_t whole_cap;
    int32_t *slot;
    struct event *event;
    size_t n_events, cap_events;
    int64_t cell[CELLS], newest, in_cells;
    bool news; /* something was counted since the last look */
};

static void *must(void *p)
{
    if (p == NULL)
        abort();
    return p;
}

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* --- queues ------------------------------------------------------------------------------------------------------- */

static void push(struct queue *q, uint32_t place, uint32_t due)
{
    if (q->tail == q->cap) {
        size_t n = q->tail - q->head;
        if (q->head > q->cap / 2) {
            memmove(q->at, q->at + q->head, n * sizeof *q->at);
        } else {
            q->cap = q->cap ? q->cap * 2 : 1024;
            struct entry *more = must(calloc(q->cap, sizeof *more));
            if (n > 0)
                memcpy(more, q->at + q->head, n * sizeof *more);
            free(q->at);
            q->at = more;
        }
        q->head = 0;
        q->tail = n;
    }
    q->at[q->tail++] = (struct entry){place, due};
}

static size_t waiting(const struct queue *q)
{
    return q->tail - q->head;
}

/* --- who they are ------------------------------------------------------------------------------------------------- */

static uint64_t roll(struct world *w) /* splitmix64 */
{
    uint64_t x = w->dice += 0x9e3779b97f4a7c15u;
    x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9u;
    x = (x ^ x >> 27) * 0x94d049bb133111ebu;
    return x ^ x >> 31;
}

/* The strata in their sizes, in the order a campaign sends in. */
static void line_up(struct world *w)
{
    size_t n = (size_t)w->plan->terms_of.people, at = 0;
    const struct people_model *m = &w->plan->people;
    struct campaign_person *person = must(calloc(n + 1, sizeof *person));
    uint8_t key[CAMPAIGN_KEY_BYTES];
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (uint8_t)roll(w);
    for (size_t g = 1; g < m->n_groups; g++)
        for (size_t k = (size_t)((uint64_t)n * m->group[g].share / 1000000); k > 0 && at < n; k--, at++)
            person[at].stratum = (uint32_t)g;
    for (size_t i = 0; i < n; i++) {
        person[i].contact = (int64_t)i + 1;
        person[i].index = (uint32_t)i;
    }
    campaign_order(person, n, key);
    w->stratum = must(calloc(n + 1, 1));
    w->zone = must(calloc(n + 1, 1));
    for (size_t i = 0; i < n; i++)
        w->stratum[i] = (uint8_t)person[i].stratum;
    free(person);
}

static void settle(struct world *w)
{
    const struct sim_plan *p = w->plan;
    int64_t all = 0;
    for (size_t z = 0; z < p->n_zones; z++)
        all += p->zone[z].n;
    for (int64_t i = 0; i < p->terms_of.people && p->n_zones > 1; i++) {
        int64_t at = (int64_t)(roll(w) % (uint64_t)all);
        size_t z = 0;
        while (at >= p->zone[z].n)
            at -= p->zone[z++].n;
        w->zone[i] = (uint8_t)z;
    }
}

/* --- what they do ------------------------------------------------------------------------------------------------- */

static void lay(struct world *w, enum happening what, size_t stratum, uint32_t cohort, int64_t after)
{
    int64_t at = (w->now + after) / SLOT;
    if (after < 0 || at >= w->counted_slot + SLOTS)
        return;
    if (w->n_events == w->cap_events) {
        w->cap_events = w->cap_events ? w->cap_events * 2 : 4096;
        w->event = must(reallocarray(w->event, w->cap_events, sizeof *w->event));
    }
    int32_t *slot = &w->slot[at % SLOTS];
    w->event[w->n_events] = (struct event){*slot, cohort, after, (uint8_t)stratum, (uint8_t)what};
    *slot = (int32_t)w->n_events++;
}

static uint32_t cohort_now(struct world *w, struct cohorts *c)
{
    int64_t minute = w->now / MINUTE;
    if (c->n == 0 || c->v[c->n - 1].minute != minute) {
        if (c->n == c->cap) {
            c->cap = c->cap ? c->cap * 2 : 64;
            c->v = must(reallocarray(c->v, c->cap, sizeof *c->v));
        }
        c->v[c->n++] = (struct monitor_cohort){.minute = minute};
    }
    return (uint32_t)(c->n - 1);
}

static void count_ends(struct sim_counts *c, const struct people_reaction *r)
{
    c->sent++;
    c->read += r->read_ms >= 0 && r->told;
    c->opted_out += r->opt_out_ms >= 0;
    c->complained += r->complains;
    c->undeliverable += r->fail_code == 131026;
    c->held_back += r->fail_code == 131049;
    c->replied += r->reply_ms >= 0;
}

static void send_to(struct world *w, uint32_t place)
{
    size_t g = w->stratum[place];
    struct cohorts *c = &w->source[g];
    struct people_reaction r;
    uint32_t cohort = cohort_now(w, c);
    people_react(&w->plan->people, g, w->seed * 0x9e3779b97f4a7c15u + place, w->seed, true, &r);
    c->v[cohort].sent++;
    count_ends(&w->ret->all, &r);
    count_ends(&w->ret->stratum[g], &r);
    lay(w, FAILS, g, cohort, r.fail_code == 131026 ? r.fail_ms : NEVER);
    lay(w, OPTS_OUT, g, cohort, r.opt_out_ms);
    lay(w, COMPLAINS, g, cohort, r.complains ? r.opt_out_ms : NEVER);
    lay(w, READS, g, cohort, r.told ? r.read_ms : NEVER);
    w->p.sent++;
    w->p.open--;
    w->p.last_sent_at = w->now;
    w->cell[w->newest % CELLS]++;
    w->in_cells++;
    if (w->gate_met_at == 0 && w->p.sent >= ramp_terms[w->p.ramp].gate_people)
        w->gate_met_at = w->now;
    w->news = true;
}

static void happens(struct monitor_cohort *c, const struct event *v)
{
    switch ((enum happening)v->what) {
    case OPTS_OUT:
        c->opted_out++;
        return;
    case COMPLAINS:
        c->complained++;
        return;
    case FAILS:
        c->undeliverable++;
        return;
    case READS:
        break;
    }
    c->read_15 += v->after <= 15 * MINUTE;
    c->read_60 += v->after <= 60 * MINUTE;
    c->read_240 += v->after <= 240 * MINUTE;
    c->read_1440 += v->after <= DAY;
}

static void count_what_came(struct world *w)
{
    for (; w->counted_slot < w->now / SLOT; w->counted_slot++) {
        int32_t *slot = &w->slot[w->counted_slot % SLOTS];
        for (int32_t i = *slot; i >= 0; i = w->event[i].next) {
            happens(&w->source[w->event[i].stratum].v[w->event[i].cohort], &w->event[i]);
            w->news = true;
        }
        *slot = -1;
    }
}

/* --- the timeline ------------------------------------------------------------------------------------------------- */

static struct sim_moment *note(struct world *w, enum sim_what what, const char *why)
{
    static struct sim_moment beyond;
    struct sim_result *r = w->ret;
    bool fits = r->n_moments < SIM_MOMENTS;
    struct sim_moment *m = fits ? &r->moment[r->n_moments++] : &beyond;
    r->more_moments += !fits;
    *m = (struct sim_moment){.at = w->now, .what = what, .reached = w->p.sent, .target = w->p.target};
    snprintf(m->why, sizeof m->why, "%s", why);
    return m;
}

static void say_verdict(const struct world *w, const struct monitor_verdict *v, char *out, size_t size)
{
    struct buf b;
    buf_init(&b, size);
    monitor_say(&w->plan->terms, v, &b);
    snprintf(out, size, "%s", buf_cstr(&b));
    buf_done(&b);
}

/* --- monitors: sources first, then the whole of those that go on -------------------------------------------------- */

static void free_aside(struct world *w, struct cohorts *c)
{
    for (; waiting(&c->aside) > 0; c->aside.head++) {
        uint32_t place = c->aside.at[c->aside.head].place;
        push(&w->door[w->zone[place]], place, 0);
    }
}

static uint32_t seconds(const struct world *w)
{
    return (uint32_t)((w->now - w->plan->now) / SECOND);
}

/* Who waits aside is looked at again as the rule campaign.source says, each at their own time. */
static void look_aside(struct world *w)
{
    for (size_t g = 0; g < w->plan->people.n_groups; g++) {
        struct queue *q = &w->source[g].aside;
        for (; waiting(q) > 0 && q->at[q->head].due <= seconds(w); q->head++) {
            uint32_t place = q->at[q->head].place;
            if (w->source[g].held)
                push(q, place, seconds(w) + ASIDE_S);
            else
                push(&w->door[w->zone[place]], place, 0);
        }
    }
}

static void isolate(struct world *w, size_t g, const struct monitor_verdict *v)
{
    struct cohorts *c = &w->source[g];
    char why[200];
    say_verdict(w, v, why, sizeof why);
    struct sim_moment *m = note(w, SIM_QUARANTINE, why);
    m->stratum = g;
    m->stratum_reached = w->ret->stratum[g].sent;
    w->ret->isolated_at[g] = w->now;
    w->ret->isolated_reached[g] = m->stratum_reached;
    c->isolated = true;
    c->held = false;
    free_aside(w, c);
}

static void look_at_source(struct world *w, size_t g)
{
    struct cohorts *c = &w->source[g];
    struct monitor_verdict v;
    char why[200];
    monitor_look(&w->plan->terms, c->v, c->n, w->now, &v);
    if (v.word == MONITOR_STOP) {
        isolate(w, g, &v);
        return;
    }
    bool held = v.word == MONITOR_HOLD;
    if (held == c->held)
        return;
    say_verdict(w, &v, why, sizeof why);
    struct sim_moment *m = note(w, held ? SIM_SOURCE_HELD : SIM_SOURCE_FREED, held ? why : "");
    m->stratum = g;
    m->stratum_reached = w->ret->stratum[g].sent;
    c->held = held;
}

static size_t gather(struct world *w, bool whole, int64_t *ret_people)
{
    size_t n = 0;
    *ret_people = 0;
    for (size_t g = 0; g < w->plan->people.n_groups; g++) {
        const struct cohorts *c = &w->source[g];
        if (c->isolated || (c->held && !whole))
            continue;
        for (size_t i = 0; i < c->n; i++) {
            if (n == w->whole_cap) {
                w->whole_cap = w->whole_cap ? w->whole_cap * 2 : 256;
                w->whole = must(reallocarray(w->whole, w->whole_cap, sizeof *w->whole));
            }
            w->whole[n++] = c->v[i];
            *ret_people += c->v[i].sent;
        }
    }
    return n;
}

static void look(struct world *w)
{
    int64_t each = w->p.open > w->p.waiting ? SLOT : MINUTE, all = 0, some = 0;
    if (w->plan->unwatched || w->p.sent == 0 || w->now < w->looked_at + each ||
        (!w->news && w->now / MINUTE == w->looked_at / MINUTE))
        return;
    w->looked_at = w->now;
    w->news = false;
    for (size_t g = 0; g < w->plan->people.n_groups && w->plan->people.n_groups > 1; g++)
        if (!w->source[g].isolated && w->source[g].n > 0)
            look_at_source(w, g);
    gather(w, true, &all);
    size_t n = gather(w, false, &some);
    if (some * 2 < all)
        n = gather(w, true, &all);
    monitor_look(&w->plan->terms, w->whole, n, w->now, &w->verdict);
    w->p.monitor = &w->verdict;
}

/* --- the door ----------------------------------------------------------------------------------------------------- */

static int64_t room_today(struct world *w)
{
    const struct forecast_terms *t = &w->plan->terms_of;
    for (; w->newest < w->now / CELL; w->newest++) {
        int64_t *oldest = &w->cell[(w->newest + 1) % CELLS];
        w->in_cells -= *oldest;
        *oldest = 0;
    }
    int64_t age = w->now - w->plan->now, before = age >= DAY ? 0 : t->used - t->used * age / DAY;
    return t->a_day <= 0 ? INT64_MAX : most(0, t->a_day - w->in_cells - before);
}

/* The next of a zone who may be sent to; false: nobody of it. */
static bool next_of(struct world *w, struct queue *q, uint32_t *ret)
{
    for (; waiting(q) > 0; q->head++) {
        uint32_t place = q->at[q->head].place;
        struct cohorts *c = &w->source[w->stratum[place]];
        if (!c->isolated && !c->held) {
            *ret = place;
            return true;
        }
        if (c->held) {
            push(&c->aside, place, seconds(w) + ASIDE_S);
            continue;
        }
        w->p.open--;
        w->ret->left_out++;
    }
    return false;
}

static bool is_open(const struct world *w, size_t z)
{
    return !w->plan->has_hours || hours_open(&w->plan->hours, &w->plan->zone[z].where, w->now);
}

/* What the rule campaign.late does: whoever still waits gets nothing. */
static void refuse_the_late(struct world *w)
{
    if (w->p.open <= 0)
        return;
    w->ret->too_late += w->p.open;
    w->p.open = w->p.waiting = 0;
    for (size_t z = 0; z < w->plan->n_zones; z++)
        w->door[z].head = w->door[z].tail;
    for (size_t g = 0; g < w->plan->people.n_groups; g++)
        w->source[g].aside.head = w->source[g].aside.tail;
    note(w, SIM_LATE, "the deadline is over; whoever waited at the door gets nothing");
}

/* For one second; true when somebody was sent to. */
static bool send_some(struct world *w)
{
    int64_t room = room_today(w), left = least(w->p.per_second, room), ready = 0;
    uint32_t place;
    look_aside(w);
    if (w->plan->terms_of.deadline != 0 && w->now >= w->plan->terms_of.deadline)
        refuse_the_late(w);
    if (w->p.state != CAMPAIGN_RUNNING)
        return false;
    for (size_t z = 0; z < w->plan->n_zones; z++) {
        if (!is_open(w, z))
            continue;
        for (; left > 0 && next_of(w, &w->door[z], &place); left--) {
            w->door[z].head++;
            send_to(w, place);
        }
        ready += (int64_t)waiting(&w->door[z]);
    }
    bool full = room < w->p.per_second;
    w->p.waiting = full ? w->p.open : w->p.open - ready;
    return w->news && w->p.last_sent_at == w->now;
}

/* --- the scheduler ------------------------------------------------------------------------------------------------ */

static void hold(struct world *w)
{
    struct sim_result *r = w->ret;
    char why[240];
    snprintf(why, sizeof why, "%s", w->s.why);
    if (w->s.cause == CAUSE_MONITOR && w->p.monitor != NULL)
        say_verdict(w, w->p.monitor, why, sizeof why);
    bool stops = w->s.resume_at == 0;
    w->p.state = CAMPAIGN_HELD;
    w->p.cause = w->s.cause;
    w->p.resume_at = w->s.resume_at;
    struct sim_moment *m = note(w, stops ? SIM_STOP : SIM_HOLD, why);
    m->until = w->s.resume_at;
    r->holds++;
    if (r->held_reached == NEVER)
        r->held_reached = w->p.sent;
    if (stops)
        r->stopped_reached = w->p.sent;
}

/* Asks, and does what is answered; false: it is over. */
static bool ask(struct world *w)
{
    const struct ramp_terms *t = &ramp_terms[w->p.ramp];
    w->p.beat_at = w->now;
    w->p.old_enough = w->gate_met_at != 0 && w->now >= w->gate_met_at + t->gate_age_ms ? t->gate_people : 0;
    campaign_step(&w->p, w->now, &w->s);
    bool stage = w->s.target != w->p.target;
    w->p.target = w->s.target;
    w->p.target_at = w->s.target_at;
    w->p.lenient = w->s.lenient;
    if (stage)
        note(w, SIM_STAGE, "");
    switch (w->s.kind) {
    case RUN_HAND:
        for (int64_t i = 0; i < w->s.n; i++, w->p.handed++, w->p.open++)
            push(&w->door[w->zone[w->p.handed]], (uint32_t)w->p.handed, 0);
        return true;
    case RUN_WAIT:
        return true;
    case RUN_HOLD:
        hold(w);
        return w->s.resume_at != 0;
    case RUN_GO_ON:
        note(w, SIM_GO_ON, w->s.why);
        w->p.state = CAMPAIGN_RUNNING;
        w->p.cause = CAUSE_NONE;
        w->p.resume_at = 0;
        return true;
    case RUN_STOP:
        note(w, SIM_LATE, w->s.why);
        return false;
    case RUN_FINISH:
        break;
    }
    if (w->ret->too_late == 0)
        note(w, SIM_FINISH, "");
    return false;
}

static void tell(struct world *w, sim_watch_fn watch, void *ctx, int64_t *told)
{
    if (watch == NULL || *told == w->now / MINUTE)
        return;
    *told = w->now / MINUTE;
    watch(ctx, &(struct sim_view){w->now, &w->p, w->p.monitor, w->ret, w->s.why});
}

static void end(struct world *w, bool goes)
{
    bool late = w->s.cause == CAUSE_LATE || w->ret->too_late > 0;
    w->ret->end = goes                          ? SIM_UNFINISHED
                  : w->s.cause == CAUSE_MONITOR ? SIM_STOPPED
                  : late                        ? SIM_DEADLINE
                                                : SIM_FINISHED;
    if (goes)
        note(w, SIM_GIVEN_UP, "");
    bool at_once = w->ret->end == SIM_FINISHED && w->ret->left_out == 0 && w->p.last_sent_at != 0;
    w->ret->end_at = at_once ? w->p.last_sent_at + SECOND : w->now;
    w->ret->reached = w->p.sent;
}

static void play(struct world *w, sim_watch_fn watch, void *ctx)
{
    int64_t until = w->now + SIM_DAYS * DAY, told = 0;
    bool goes = true;
    while (goes && w->now < until) {
        count_what_came(w);
        look(w);
        goes = ask(w);
        tell(w, watch, ctx, &told);
        bool sent = goes && send_some(w), hurry = sent || w->s.kind == RUN_HAND || w->s.kind == RUN_GO_ON;
        int64_t minute = (w->now / MINUTE + 1) * MINUTE;
        if (goes)
            w->now = hurry ? w->now + SECOND : most(w->now + SECOND, least(minute, w->s.at));
    }
    end(w, goes);
}

/* --- begin and end ------------------------------------------------------------------------------------------------ */

void sim_plan_ready(struct sim_plan *p)
{
    if (p->n_zones == 0)
        p->zone[p->n_zones++].n = 1;
    p->terms_of.group = p->zone;
    p->terms_of.n_groups = p->n_zones;
    p->terms_of.hours = p->has_hours ? &p->hours : NULL;
}

static void clear(struct world *w)
{
    for (size_t i = 0; i < SIM_ZONES; i++)
        free(w->door[i].at);
    for (size_t i = 0; i < SIM_STRATA; i++) {
        free(w->source[i].v);
        free(w->source[i].aside.at);
    }
    free(w->whole);
    free(w->slot);
    free(w->event);
    free(w->stratum);
    free(w->zone);
    free(w);
}

void sim_run(const struct sim_plan *p, uint64_t seed, struct sim_result *ret, sim_watch_fn watch, void *ctx)
{
    const struct forecast_terms *t = &p->terms_of;
    struct world *w = must(calloc(1, sizeof *w));
    *ret = (struct sim_result){.seed = seed, .held_reached = NEVER, .stopped_reached = NEVER};
    w->plan = p;
    w->ret = ret;
    w->seed = w->dice = seed;
    w->now = most(p->now, t->start_at);
    w->newest = w->now / CELL;
    w->counted_slot = w->now / SLOT;
    w->slot = must(malloc(SLOTS * sizeof *w->slot));
    memset(w->slot, 0xff, SLOTS * sizeof *w->slot);
    w->p = (struct campaign_progress){.state = CAMPAIGN_RUNNING,
                                      .ramp = t->ramp,
                                      .people = t->people,
                                      .per_second = t->per_second,
                                      .start_at = t->start_at,
                                      .deadline = t->deadline};
    line_up(w);
    settle(w);
    play(w, watch, ctx);
    clear(w);
}
