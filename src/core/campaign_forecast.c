/* SPDX-License-Identifier: Apache-2.0
 * campaign_forecast.c - how long a campaign will take, and what makes it take so long.
 *
 * It is played through: the same campaign_step() that will run it is asked again and again on a clock that jumps, and a door
 * without people stands for the real one. What is handed to that door falls to the groups in the proportion of their sizes,
 * as a shuffled order would have it. A group is sent to while its hours are open, all together as fast as the numbers send,
 * and nobody once the portfolio has reached the people it may in 24 hours; places taken before now come free evenly over the
 * day to come, because when they were taken is not said. One tick is a second, and longer for what takes days: about a
 * four-thousandth of the time the sending alone takes.
 *
 * Every tick has one cause: it sends as fast as it can, or waits for the limit, for people's hours, or for the ramp. What
 * took most is told first.
 *
 * Left out on purpose: holds (a forecast is for a campaign that goes well), refusals, and what else the numbers have to do. */
#include "core/campaign_run.h"

#include <string.h>

#include "core/campaign_say.h"

#define SECOND    INT64_C(1000)
#define MINUTE    (60 * SECOND)
#define HOUR      (60 * MINUTE)
#define DAY       (24 * HOUR)
#define HORIZON   (FORECAST_DAYS * DAY)
#define CELL      (15 * MINUTE)
#define CELLS     97
#define TICKS     4000
#define TICK_MOST MINUTE

enum delay { DELAY_RATE, DELAY_LIMIT, DELAY_HOURS, DELAY_RAMP, DELAYS };

struct group {
    const struct forecast_people *who;
    int64_t n, share, pending,
        slept; /* share: carried over in dealing; slept: people times ms their hours were closed */
    bool open;
};

struct forecaster {
    const struct forecast_terms *t;
    struct forecast *ret;
    struct campaign_progress p;
    struct campaign_step s;
    int64_t now, asked, began, tick, left_over; /* left_over: of the rate, thousandths of a person */
    struct group group[FORECAST_GROUPS_MAX];
    size_t n_groups;
    int64_t all, hours_read;                       /* all: sizes of the groups together; hours_read: the minute */
    int64_t cell[CELLS], newest, in_cells, before; /* people reached, by quarters of an hour; before: those of `used` */
    int64_t gate_met_at;                           /* when as many had it as the gate asks for */
    int64_t spent[DELAYS];
    bool limited; /* in this tick */
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* --- people and their hours --------------------------------------------------------------------------------------- */

static void take_groups(struct forecaster *f)
{
    const struct forecast_terms *t = f->t;
    for (size_t i = 0; i < t->n_groups; i++) {
        size_t at = i < FORECAST_GROUPS_MAX ? i : FORECAST_GROUPS_MAX - 1;
        if (at == i)
            f->group[at] = (struct group){.who = &t->group[i]};
        f->group[at].n += most(0, t->group[i].n);
        f->all += most(0, t->group[i].n);
        f->n_groups = at + 1;
    }
    if (f->all > 0)
        return;
    f->group[0] = (struct group){.n = 1};
    f->n_groups = 1;
    f->all = 1;
}

static void read_hours(struct forecaster *f)
{
    const struct forecast_terms *t = f->t;
    if (f->hours_read == f->now / MINUTE)
        return;
    f->hours_read = f->now / MINUTE;
    for (size_t i = 0; i < f->n_groups; i++) {
        struct group *g = &f->group[i];
        g->open = g->who == NULL || ((t->hours == NULL || hours_open(t->hours, &g->who->where, f->now)) &&
                                     (t->quiet == NULL || hours_open(t->quiet, &g->who->where, f->now)));
    }
}

/* n more people are with the door: each group gets its share, and who is nearest to the next person what is left over. */
static void deal(struct forecaster *f, int64_t n)
{
    int64_t rest = n;
    for (size_t i = 0; i < f->n_groups; i++) {
        struct group *g = &f->group[i];
        g->share += n * g->n;
        int64_t whole = g->share / f->all;
        g->share -= whole * f->all;
        g->pending += whole;
        rest -= whole;
    }
    for (; rest > 0; rest--) {
        struct group *next = &f->group[0];
        for (size_t i = 1; i < f->n_groups; i++)
            if (f->group[i].share > next->share)
                next = &f->group[i];
        next->share -= f->all;
        next->pending++;
    }
}

/* --- the limit of 24 hours ---------------------------------------------------------------------------------------- */

static void move_cells(struct forecaster *f)
{
    for (int64_t cell = f->now / CELL; f->newest < cell; f->newest++) {
        int64_t *oldest = &f->cell[(f->newest + 1) % CELLS];
        f->in_cells -= *oldest;
        *oldest = 0;
    }
}

static int64_t room_today(struct forecaster *f)
{
    if (f->t->a_day <= 0)
        return INT64_MAX;
    move_cells(f);
    int64_t age = f->now - f->asked, old = age >= DAY ? 0 : f->before - f->before * age / DAY;
    return most(0, f->t->a_day - f->in_cells - old);
}

/* --- a tick at the door ------------------------------------------------------------------------------------------- */

static void count_sent(struct forecaster *f, int64_t n)
{
    struct forecast *r = f->ret;
    int64_t hour = (f->now - f->began) / HOUR;
    if (n <= 0)
        return;
    if (r->first_at == 0)
        r->first_at = f->now;
    if (f->t->deadline == 0 || f->now < f->t->deadline)
        r->by_deadline += n;
    if (hour >= 0 && hour < 24 * FORECAST_DAYS)
        r->each_hour[hour] += n;
    f->p.sent += n;
    f->p.open -= n;
    f->p.last_sent_at = f->now;
    f->cell[f->newest % CELLS] += n;
    f->in_cells += n;
    if (f->gate_met_at == 0 && f->p.sent >= ramp_terms[f->p.ramp].gate_people)
        f->gate_met_at = f->now;
}

/* Sends what may be sent in a tick; how many it might have sent. */
static int64_t send(struct forecaster *f)
{
    int64_t rate = f->t->per_second > 0 ? f->t->per_second : CAMPAIGN_AHEAD_LEAST, ready = 0, sent = 0;
    int64_t able = rate * f->tick + f->left_over, room = room_today(f);
    f->left_over = able % SECOND;
    able /= SECOND;
    read_hours(f);
    for (size_t i = 0; i < f->n_groups; i++)
        ready += f->group[i].open ? f->group[i].pending : 0;
    f->limited = room < least(able, ready);
    int64_t n = least(room, least(able, ready));
    for (size_t i = 0; i < f->n_groups && n > 0; i++) {
        struct group *g = &f->group[i];
        int64_t part = g->open ? least(g->pending, n - sent) : 0;
        g->pending -= part;
        sent += part;
    }
    count_sent(f, sent);
    f->p.waiting = f->limited ? f->p.open : most(0, f->p.open - (ready - sent));
    return able;
}

/* --- what it waited for ------------------------------------------------------------------------------------------- */

static enum delay cause_of(const struct forecaster *f, int64_t able, int64_t sent)
{
    const struct campaign_progress *p = &f->p;
    if (f->limited)
        return DELAY_LIMIT;
    if (sent > 0 && sent >= able / 2)
        return DELAY_RATE;
    bool stuck = p->handed >= p->people || p->waiting >= CAMPAIGN_WAITING_MOST ||
                 ramp_terms[p->ramp].times * (p->handed - p->open) <= p->target;
    return p->waiting > 0 && stuck ? DELAY_HOURS : DELAY_RAMP;
}

static void blame(struct forecaster *f, int64_t able, int64_t sent, int64_t ms)
{
    if (f->t->deadline != 0 && f->now >= f->t->deadline)
        return; /* what comes later did not cost it */
    enum delay d = cause_of(f, able, sent);
    f->spent[d] += ms;
    for (size_t i = 0; d == DELAY_HOURS && i < f->n_groups; i++)
        f->group[i].slept += f->group[i].open ? 0 : f->group[i].pending * (ms / SECOND + 1);
}

/* The group most of whose people waited for their hours; NULL: it has no name. */
static const char *sleepers(const struct forecaster *f)
{
    const struct group *longest = NULL;
    for (size_t i = 0; i < f->n_groups; i++)
        if (f->group[i].slept > 0 && (longest == NULL || f->group[i].slept > longest->slept))
            longest = &f->group[i];
    return longest == NULL || longest->who == NULL ? NULL : longest->who->name;
}

static void say_cause(const struct forecaster *f, enum delay d, struct say *s)
{
    const struct ramp_terms *r = &ramp_terms[f->p.ramp];
    switch (d) {
    case DELAY_RATE:
        say(s, "the rate of ");
        say_count(s, f->t->per_second > 0 ? f->t->per_second : CAMPAIGN_AHEAD_LEAST);
        say(s, " messages a second");
        return;
    case DELAY_LIMIT:
        say(s, "the limit of ");
        say_count(s, f->t->a_day);
        say(s, " people in 24 h");
        return;
    case DELAY_HOURS:
        say(s, "the hours ");
        say(s, sleepers(f) != NULL ? "of people in " : "in which people may be sent to");
        say(s, sleepers(f) != NULL ? sleepers(f) : "");
        return;
    case DELAY_RAMP:
    case DELAYS:
        break;
    }
    say(s, "the ramp: ");
    say_count(s, r->first);
    say(s, " people, ");
    say_count(s, r->times);
    say(s, " times as many each ");
    say_span(s, r->pause_ms);
    if (r->gate_age_ms == 0)
        return;
    int64_t share = f->p.people * r->gate_permille / 1000;
    say(s, ", at most ");
    say_count(s, most(r->gate_least, least(share, r->gate_most)));
    say(s, " before ");
    say_count(s, r->gate_people);
    say(s, " have it for ");
    say_span(s, r->gate_age_ms);
}

/* Weightiest first; what took less than a twentieth is not told. */
static void say_causes(struct forecaster *f)
{
    int64_t all = 0;
    for (size_t d = 0; d < DELAYS; d++)
        all += f->spent[d];
    for (size_t i = 0; i < sizeof f->ret->why / sizeof f->ret->why[0]; i++) {
        struct say s = say_in(f->ret->why[i], sizeof f->ret->why[i]);
        size_t top = 0;
        for (size_t d = 1; d < DELAYS; d++)
            if (f->spent[d] > f->spent[top])
                top = d;
        if (f->spent[top] <= 0 || f->spent[top] < all / 20)
            continue;
        say_cause(f, (enum delay)top, &s);
        f->spent[top] = 0;
    }
}

/* --- playing it --------------------------------------------------------------------------------------------------- */

/* Asks, and does what is answered; false: it is done. */
static bool ask(struct forecaster *f)
{
    const struct ramp_terms *r = &ramp_terms[f->p.ramp];
    f->p.beat_at = f->now;
    f->p.old_enough = f->gate_met_at != 0 && f->now >= f->gate_met_at + r->gate_age_ms ? r->gate_people : 0;
    campaign_step(&f->p, f->now, &f->s);
    f->p.target = f->s.target;
    f->p.target_at = f->s.target_at;
    if (f->s.kind == RUN_HAND) {
        f->p.handed += f->s.n;
        f->p.open += f->s.n;
        deal(f, f->s.n);
    }
    return f->s.kind == RUN_HAND || f->s.kind == RUN_WAIT;
}

static void play(struct forecaster *f)
{
    while (f->now < f->began + HORIZON) {
        if (!ask(f))
            break;
        int64_t before = f->p.sent, able = send(f), sent = f->p.sent - before;
        bool moves = sent > 0 || f->s.kind == RUN_HAND;
        int64_t to = moves ? f->now + f->tick : most(f->now + f->tick, f->s.at);
        blame(f, able, sent, to - f->now);
        f->now = to;
    }
    if (f->s.kind == RUN_FINISH)
        f->ret->done_at = f->p.last_sent_at != 0 ? f->p.last_sent_at + f->tick : f->now;
}

void campaign_forecast(const struct forecast_terms *t, int64_t now, struct forecast *ret)
{
    int64_t rate = t->per_second > 0 ? t->per_second : CAMPAIGN_AHEAD_LEAST;
    struct forecaster f = {
        .t = t, .ret = ret, .asked = now, .began = most(now, t->start_at), .before = most(0, t->used)};
    *ret = (struct forecast){0};
    f.now = f.began;
    f.newest = f.now / CELL;
    f.hours_read = -1;
    f.tick = least(TICK_MOST, most(SECOND, t->people * SECOND / rate / TICKS / SECOND * SECOND));
    f.p = (struct campaign_progress){.state = CAMPAIGN_RUNNING,
                                     .ramp = (unsigned)t->ramp <= RAMP_FAST ? t->ramp : RAMP_CAREFUL,
                                     .people = t->people,
                                     .per_second = rate * f.tick / SECOND};
    take_groups(&f);
    play(&f);
    say_causes(&f);
}

bool campaign_forecast_lack(const struct forecast_terms *t, const struct forecast *f, char *out, size_t size)
{
    struct say s = say_in(out, size);
    if (f->by_deadline >= t->people)
        return false;
    say_of(&s, t->people - f->by_deadline, t->people);
    say(&s, " cannot be sent to ");
    if (t->deadline != 0) {
        say(&s, "before ");
        say_time(&s, t->deadline);
    } else {
        say(&s, "within ");
        say_span(&s, HORIZON);
    }
    for (size_t i = 0; i < sizeof f->why / sizeof f->why[0] && f->why[i][0] != '\0'; i++) {
        say(&s, i == 0 ? " because of " : "; ");
        say(&s, f->why[i]);
    }
    return true;
}
