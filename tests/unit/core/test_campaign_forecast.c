/* SPDX-License-Identifier: Apache-2.0
 * test_campaign_forecast.c - what a forecast says is what then happens, within a tenth.
 *
 * What happens is played by another program: every person is drawn from a shuffled list, a door keeps each in the queue of
 * their place, the limit of 24 hours is a list of every person reached, and seconds are seconds. It asks the same
 * campaign_step(); what is compared is the forecast's arithmetic of groups, ticks, hours and limits. */
#include "core/campaign_run.h"

#include "t.h"

#define NOW    1795600000000 /* Wed 2026-11-25 09:46:40 UTC */
#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)
#define PLACES 4

static uint64_t seed = 20261122;
static uint64_t dice(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    return seed ^= seed << 17;
}

struct play {
    const struct forecast_terms *t;
    struct campaign_progress p;
    uint8_t *place_of; /* of each person, in the order of handing */
    int64_t *reached;  /* when each was sent to, rising */
    int64_t queue[PLACES], now, counted;
    int64_t done_at, by_deadline, gate_at;
};

static void shuffle(struct play *y)
{
    size_t n = 0;
    for (size_t g = 0; g < y->t->n_groups; g++)
        for (int64_t i = 0; i < y->t->group[g].n; i++)
            y->place_of[n++] = (uint8_t)g;
    for (size_t i = n; i > 1; i--) {
        size_t j = dice() % i;
        uint8_t x = y->place_of[i - 1];
        y->place_of[i - 1] = y->place_of[j];
        y->place_of[j] = x;
    }
}

static bool is_open(const struct play *y, size_t place)
{
    const struct whereabouts *w = &y->t->group[place].where;
    return (y->t->hours == NULL || hours_open(y->t->hours, w, y->now)) &&
           (y->t->quiet == NULL || hours_open(y->t->quiet, w, y->now));
}

/* People of before leave one by one over the day, the campaign's a day and at most a quarter of an hour later. */
static bool has_room(struct play *y)
{
    int64_t age = y->now - NOW, before = age >= DAY ? 0 : y->t->used * (DAY - age) / DAY;
    if (y->t->a_day == 0)
        return true;
    while (y->counted < y->p.sent && (y->reached[y->counted] / (15 * MINUTE) + 97) * 15 * MINUTE <= y->now)
        y->counted++;
    return y->p.sent - y->counted + before < y->t->a_day;
}

/* One second at the door. False: nobody could be sent to. */
static bool one_second(struct play *y)
{
    int64_t left = y->p.per_second;
    bool open[PLACES], room = true;
    y->p.waiting = 0;
    for (size_t g = 0; g < y->t->n_groups; g++) {
        open[g] = is_open(y, g);
        for (; open[g] && left > 0 && y->queue[g] > 0 && (room = has_room(y)); left--) {
            y->reached[y->p.sent++] = y->now;
            y->queue[g]--;
            y->p.open--;
            y->p.last_sent_at = y->now;
            y->by_deadline += y->now < y->t->deadline;
        }
    }
    for (size_t g = 0; g < y->t->n_groups; g++)
        y->p.waiting += room && open[g] ? 0 : y->queue[g];
    if (y->gate_at == 0 && y->p.sent >= ramp_terms[y->p.ramp].gate_people)
        y->gate_at = y->now + ramp_terms[y->p.ramp].gate_age_ms;
    return left < y->p.per_second;
}

static void play(struct play *y, const struct forecast_terms *t)
{
    *y = (struct play){.t = t, .now = NOW > t->start_at ? NOW : t->start_at};
    y->place_of = malloc((size_t)t->people);
    y->reached = malloc((size_t)t->people * sizeof *y->reached);
    y->p = (struct campaign_progress){.state = CAMPAIGN_RUNNING,
                                      .ramp = t->ramp,
                                      .people = t->people,
                                      .per_second = t->per_second};
    shuffle(y);
    for (struct campaign_step s; y->now < NOW + 30 * DAY;) {
        y->p.old_enough = y->gate_at != 0 && y->now >= y->gate_at ? ramp_terms[t->ramp].gate_people : 0;
        campaign_step(&y->p, y->now, &s);
        y->p.target = s.target;
        y->p.target_at = s.target_at;
        if (s.kind == RUN_FINISH)
            break;
        for (int64_t i = 0; s.kind == RUN_HAND && i < s.n; i++, y->p.open++)
            y->queue[y->place_of[y->p.handed++]]++;
        y->now += one_second(y) || s.kind == RUN_HAND ? SECOND : MINUTE - y->now % MINUTE;
    }
    y->done_at = y->p.sent == t->people ? y->p.last_sent_at : 0;
    free(y->place_of);
    free(y->reached);
}

/* ---- rows ---- */

#define NOBODY                                                                                                         \
    {                                                                                                                  \
        {0}, 0, NULL                                                                                                   \
    }
#define PLACE(minutes, people, word)                                                                                   \
    {                                                                                                                  \
        {minutes, minutes, 0, 0, 0}, people, word                                                                      \
    }
static const struct row {
    const char *name;
    enum ramp_kind ramp;
    int64_t per_second, a_day, used, start_in, deadline_in;
    const char *hours, *quiet;
    struct forecast_people group[PLACES];
    const char *why, *lack; /* parts; NULL: everybody can be sent to */
} rows[] = {
    {"standard", RAMP_STANDARD, 80, 0, 0, 0, 0, NULL, NULL, {PLACE(0, 100000, NULL)}, "the ramp: 200 people", NULL},
    {"careful", RAMP_CAREFUL, 80, 0, 0, 0, 0, NULL, NULL, {PLACE(0, 100000, NULL)}, "the ramp: 200 people", NULL},
    {"fast", RAMP_FAST, 80, 0, 0, 0, 0, NULL, NULL, {PLACE(0, 30000, NULL)}, "4 times as many each 20 min", NULL},
    {"slow numbers", RAMP_FAST, 5, 0, 0, 0, 0, NULL, NULL, {PLACE(0, 100000, NULL)}, "5 messages a second", NULL},
    {"a tier", RAMP_STANDARD, 80, 10000, 0, 0, 0, NULL, NULL, {PLACE(0, 35000, NULL)}, "10,000 people in 24 h", NULL},
    {"a tier in use",
     RAMP_FAST,
     80,
     2000,
     1900,
     0,
     0,
     NULL,
     NULL,
     {PLACE(0, 5000, NULL)},
     "2,000 people in 24 h",
     NULL},
    {"a tier too small",
     RAMP_FAST,
     80,
     250,
     0,
     0,
     0,
     NULL,
     NULL,
     {PLACE(0, 10000, NULL)},
     "250 people",
     "2,500 of 10,000 people cannot be sent to within 30 d"},
    {"nights", RAMP_STANDARD, 80, 0, 0, 0, 0, NULL, "daily 08:00-21:00", {PLACE(-180, 60000, "BR")}, "the ramp", NULL},
    {"starts in the evening",
     RAMP_STANDARD,
     80,
     0,
     0,
     9 * HOUR,
     0,
     NULL,
     "daily 08:00-21:00",
     {PLACE(60, 60000, "DE")},
     "hours of people in DE",
     NULL},
    {"a short window",
     RAMP_STANDARD,
     20,
     0,
     0,
     0,
     0,
     "mon-fri 10:00-12:00",
     "daily 08:00-21:00",
     {PLACE(60, 60000, "DE")},
     "hours of people in DE",
     NULL},
    {"the world",
     RAMP_STANDARD,
     80,
     0,
     0,
     0,
     0,
     NULL,
     "daily 08:00-20:00",
     {PLACE(-480, 20000, "US"), PLACE(-180, 20000, "BR"), PLACE(60, 30000, "DE"), PLACE(330, 30000, "IN")},
     "hours of people in",
     NULL},
    {"the world, tier and numbers",
     RAMP_CAREFUL,
     3,
     50000,
     20000,
     HOUR,
     0,
     "daily 09:00-19:00",
     "daily 08:00-20:00",
     {PLACE(-300, 40000, "US"), PLACE(60, 40000, "DE"), PLACE(480, 40000, "SG")},
     "",
     NULL},
    {"a deadline",
     RAMP_STANDARD,
     80,
     10000,
     0,
     0,
     4 * DAY,
     NULL,
     "daily 08:00-21:00",
     {PLACE(-180, 40000, "BR"), PLACE(60, 40000, "DE")},
     "10,000 people in 24 h",
     "of 80,000 people cannot be sent to before Sun 29 Nov 09:46 UTC because of the limit of 10,000 people in 24 h"},
    {"a deadline that will do", RAMP_FAST, 80, 0, 0, 0, 3 * HOUR, NULL, NULL, {PLACE(0, 80000, NULL)}, "", NULL},
    {"a deadline tonight",
     RAMP_STANDARD,
     80,
     0,
     0,
     0,
     6 * HOUR,
     NULL,
     "daily 08:00-20:00",
     {PLACE(-480, 10000, "US"), PLACE(60, 70000, "DE")},
     "",
     "because of the ramp"},
    {"a few", RAMP_STANDARD, 80, 0, 0, 0, 0, NULL, NULL, {PLACE(0, 150, NULL)}, "", NULL},
    {"more reached today than may be",
     RAMP_FAST,
     80,
     700,
     1400,
     0,
     DAY / 2,
     NULL,
     NULL,
     {PLACE(0, 300, NULL)},
     "700 people in 24 h",
     "300 of 300 people cannot be sent to before"},
};

static bool near_enough(int64_t said, int64_t was, int64_t slack)
{
    int64_t off = said > was ? said - was : was - said;
    return off <= was / 10 || off <= slack;
}

struct terms {
    struct forecast_terms t;
    struct hours hours, quiet;
};

static void read_row(const struct row *r, struct terms *ret)
{
    struct err e = {0};
    struct forecast_terms *t = &ret->t;
    *t = (struct forecast_terms){.ramp = r->ramp, .per_second = r->per_second, .a_day = r->a_day, .used = r->used};
    t->group = r->group;
    t->start_at = r->start_in != 0 ? NOW + r->start_in : 0;
    t->deadline = r->deadline_in != 0 ? NOW + r->deadline_in : 0;
    for (; t->n_groups < PLACES && r->group[t->n_groups].n > 0; t->n_groups++)
        t->people += r->group[t->n_groups].n;
    if (r->hours != NULL)
        assert_ok(hours_parse(str_of(r->hours), &ret->hours, &e), e);
    if (r->quiet != NULL)
        assert_ok(hours_parse(str_of(r->quiet), &ret->quiet, &e), e);
    t->hours = r->hours != NULL ? &ret->hours : NULL;
    t->quiet = r->quiet != NULL ? &ret->quiet : NULL;
}

static void compare(const struct row *r, const struct forecast_terms *t, const struct forecast *f, const struct play *y)
{
    int64_t began = NOW + r->start_in, said = f->done_at - began, took = y->done_at - began, sum = 0;
    if ((f->done_at == 0) != (y->done_at == 0) || (f->done_at != 0 && !near_enough(said, took, 30 * SECOND)))
        fail_msg("%s: said %lld min, took %lld", r->name, (long long)(said / MINUTE), (long long)(took / MINUTE));
    if (t->deadline != 0 && !near_enough(f->by_deadline, y->by_deadline, 30))
        fail_msg("%s: said %lld by the deadline, %lld were", r->name, (long long)f->by_deadline,
                 (long long)y->by_deadline);
    if (strstr(f->why[0], r->why) == NULL)
        fail_msg("%s: because of \"%s\"", r->name, f->why[0]);
    for (size_t h = 0; h < 24 * FORECAST_DAYS; h++)
        sum += f->each_hour[h];
    if (f->done_at != 0)
        assert_int_equal(sum, t->people);
}

static void one_row(const struct row *r)
{
    struct terms terms;
    struct forecast f;
    struct play y;
    char lack[600] = "";
    read_row(r, &terms);
    campaign_forecast(&terms.t, NOW, &f);
    play(&y, &terms.t);
    compare(r, &terms.t, &f, &y);
    bool lacks = campaign_forecast_lack(&terms.t, &f, lack, sizeof lack);
    if (lacks != (r->lack != NULL) || (r->lack != NULL && strstr(lack, r->lack) == NULL))
        fail_msg("%s: \"%s\"", r->name, lack);
}

TEST(what_is_said_is_what_happens)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        one_row(&rows[i]);
}

/* Nobody, more places than are kept apart, and terms without any figure. */
TEST(odd_terms)
{
    struct forecast *f = malloc(sizeof *f);
    struct forecast_people many[200];
    for (size_t i = 0; i < 200; i++)
        many[i] = (struct forecast_people){.where = {(int32_t)i, (int32_t)i, 0, 0, 0}, .n = (int64_t)i};
    struct forecast_terms t = {.people = 0};
    campaign_forecast(&t, NOW, f);
    assert_int_equal(f->done_at, NOW);
    t = (struct forecast_terms){.people = 199 * 100, .group = many, .n_groups = 200};
    campaign_forecast(&t, NOW, f);
    assert_true(f->done_at > NOW + 4 * HOUR && f->done_at < NOW + 7 * HOUR);
    t = (struct forecast_terms){.people = CAMPAIGN_PEOPLE_MAX, .per_second = 1000};
    campaign_forecast(&t, NOW, f);
    assert_true(f->done_at > NOW + 10 * HOUR && f->done_at < NOW + 24 * HOUR);
    assert_int_equal(f->by_deadline, CAMPAIGN_PEOPLE_MAX);
    free(f);
}

TESTS(T(what_is_said_is_what_happens), T(odd_terms))
