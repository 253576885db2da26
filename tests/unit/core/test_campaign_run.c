/* SPDX-License-Identifier: Apache-2.0
 * test_campaign_run.c - a campaign goes up its ramp at the pace that is written down, stops for what it has to stop for, and
 * never gets ahead of itself.
 *
 * Stages are those of the documented ramps, told by a small world that sends what it is handed at so many a second. Single
 * answers stand in rows. Nights are played by chance: whatever the hours of people are, a morning never lets go more than a
 * stage. */
#include "core/campaign_run.h"
#include "core/campaign_say.h"

#include "t.h"

#define NOW    1795600000000 /* 2026-11-25 */
#define SECOND 1000LL
#define MINUTE (60 * SECOND)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* ---- a world that sends what it is given ---- */

#define BATCHES 65536
struct world {
    struct campaign_progress p;
    int64_t now, batch_at[BATCHES], batch_n[BATCHES]; /* who was sent to when */
    size_t n_batches;
    int64_t stage[16]; /* targets, as they came */
    size_t n_stages;
    int64_t refused_permille;
};

static struct world world_of(enum ramp_kind ramp, int64_t people)
{
    struct world w = {.now = NOW};
    w.p = (struct campaign_progress){.state = CAMPAIGN_RUNNING, .ramp = ramp, .people = people, .per_second = 80};
    return w;
}

static void send_some(struct world *w, int64_t n)
{
    if (n <= 0)
        return;
    int64_t refused = n * w->refused_permille / 1000;
    w->p.open -= n;
    w->p.sent += n - refused;
    w->p.last_sent_at = w->now;
    assert_true(w->n_batches < BATCHES);
    w->batch_at[w->n_batches] = w->now;
    w->batch_n[w->n_batches++] = n - refused;
}

static void look(struct world *w)
{
    int64_t age = ramp_terms[w->p.ramp].gate_age_ms, old = 0;
    for (size_t i = 0; age != 0 && i < w->n_batches && w->batch_at[i] + age <= w->now; i++)
        old += w->batch_n[i];
    w->p.old_enough = old;
}

static struct campaign_step step(struct world *w)
{
    struct campaign_step s;
    look(w);
    campaign_step(&w->p, w->now, &s);
    assert_true(strlen(s.why) > 0);
    assert_true(s.target >= w->p.target || w->p.target == 0);
    if (s.target != w->p.target && w->n_stages < 16)
        w->stage[w->n_stages++] = s.target;
    w->p.target = s.target;
    w->p.target_at = s.target_at;
    w->p.lenient = s.lenient;
    w->p.beat_at = w->now;
    if (s.kind == RUN_HAND) {
        assert_true(s.n > 0 && w->p.handed + s.n <= w->p.people &&
                    (w->p.handed + s.n <= s.target || w->p.handed + s.n <= s.lenient));
        w->p.handed += s.n;
        w->p.open += s.n;
    }
    return s;
}

/* Until it is finished or `until`; how long it took. */
static int64_t run_until(struct world *w, int64_t until)
{
    while (w->now < until) {
        struct campaign_step s = step(w);
        if (s.kind == RUN_FINISH)
            return w->now - NOW;
        assert_true(s.kind == RUN_HAND || s.kind == RUN_WAIT);
        assert_true(s.at > w->now && s.at <= w->now + CAMPAIGN_LOOK_MS);
        int64_t second = w->p.open > 0 ? w->now + SECOND : s.at;
        w->now = second < s.at ? second : s.at;
        send_some(w, w->p.open < w->p.per_second ? w->p.open : w->p.per_second);
    }
    return -1;
}

TEST(ramps_are_those_that_are_written_down)
{
    static const struct {
        enum ramp_kind ramp;
        int64_t people, stage[10], least_min, most_min;
    } rows[] = {
        {RAMP_STANDARD, 100000, {200, 600, 1800, 2000, 6000, 18000, 54000, 100000}, 345, 365},  /* 5.9 h */
        {RAMP_CAREFUL, 100000, {200, 600, 1800, 2000, 6000, 18000, 54000, 100000}, 1610, 1660}, /* 27 h */
        {RAMP_FAST, 100000, {500, 2000, 8000, 32000, 100000}, 95, 110},
        {RAMP_STANDARD, 10000, {200, 500, 1500, 4500, 10000}, 300, 340},
        {RAMP_STANDARD, 1000000, {200, 600, 1800, 5000, 15000, 45000, 135000, 405000, 1000000}, 555, 585},
        {RAMP_STANDARD, 150, {150}, 0, 1},
        {RAMP_STANDARD, 400, {200, 400}, 30, 32},
        {RAMP_CAREFUL, 1, {1}, 0, 1},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct world *w = malloc(sizeof *w);
        *w = world_of(rows[i].ramp, rows[i].people);
        int64_t took = run_until(w, NOW + 10 * DAY);
        size_t n = 0;
        while (n < 10 && rows[i].stage[n] != 0)
            n++;
        if (w->n_stages != n || memcmp(w->stage, rows[i].stage, n * sizeof w->stage[0]) != 0)
            fail_msg("row %zu: other stages, the third is %lld of %zu", i, (long long)w->stage[2], w->n_stages);
        if (took < rows[i].least_min * MINUTE || took > rows[i].most_min * MINUTE)
            fail_msg("row %zu took %lld min", i, (long long)(took / MINUTE));
        assert_int_equal(w->p.sent, rows[i].people);
        free(w);
    }
}

/* The gate counts who was sent to: refusals neither open it nor lock it. */
TEST(a_gate_opens_although_the_door_refuses_most)
{
    struct world *w = malloc(sizeof *w);
    *w = world_of(RAMP_STANDARD, 20000);
    w->refused_permille = 800;
    int64_t took = run_until(w, NOW + 10 * DAY);
    assert_true(took > 4 * HOUR && took < 12 * HOUR);
    *w = world_of(RAMP_STANDARD, 20000);
    w->refused_permille = 1000;
    assert_true(run_until(w, NOW + 10 * DAY) > 0);
    assert_int_equal(w->p.sent, 0);
    free(w);
}

/* ---- single answers ---- */

static const struct monitor_verdict goes = {.word = MONITOR_GO}, holds = {.word = MONITOR_HOLD},
                                    stops = {.word = MONITOR_STOP, .signal = SIGNAL_COMPLAINT};

#define WORKING                                                                                                        \
    .people = 80000, .handed = 65800, .sent = 65000, .open = 0, .target = 80000, .last_sent_at = NOW - SECOND,         \
    .old_enough = 60000, .per_second = 80
#define UNDER_WAY WORKING, .beat_at = NOW - SECOND

static const struct row {
    const char *name;
    struct campaign_progress p;
    enum campaign_step_kind kind;
    enum campaign_cause cause;
    const char *why; /* a part of it */
} answers[] = {
    {"in full swing", {.state = CAMPAIGN_RUNNING, UNDER_WAY, .monitor = &goes}, RUN_HAND, CAUSE_NONE, "80,000"},
    {"its deadline passed",
     {.state = CAMPAIGN_RUNNING, UNDER_WAY, .deadline = NOW},
     RUN_STOP,
     CAUSE_LATE,
     "14,200 of 80,000 people have no message"},
    {"its deadline passed while it was held",
     {.state = CAMPAIGN_HELD, .cause = CAUSE_PERSON, UNDER_WAY, .deadline = NOW},
     RUN_STOP,
     CAUSE_LATE,
     "Wed 25 Nov 09:46 UTC"},
    {"the deadline comes", {.state = CAMPAIGN_RUNNING, UNDER_WAY, .deadline = NOW + 1}, RUN_HAND, CAUSE_NONE, ""},
    {"its time has not come",
     {.state = CAMPAIGN_RUNNING, .people = 10, .start_at = NOW + 1, .beat_at = NOW - DAY},
     RUN_WAIT,
     CAUSE_NONE,
     "begins at"},
    {"its time is gone",
     {.state = CAMPAIGN_RUNNING, .people = 10, .start_at = NOW - HOUR - 1, .max_lateness = HOUR},
     RUN_STOP,
     CAUSE_LATE,
     "did not within 1 h"},
    {"as late as it may be",
     {.state = CAMPAIGN_RUNNING, .people = 10, .start_at = NOW - HOUR, .max_lateness = HOUR},
     RUN_HAND,
     CAUSE_NONE,
     ""},
    {"late, but it had begun",
     {.state = CAMPAIGN_RUNNING, .people = 10, .handed = 1, .open = 1, .start_at = NOW - DAY, .max_lateness = HOUR},
     RUN_HAND,
     CAUSE_NONE,
     ""},
    {"nobody looked after it",
     {.state = CAMPAIGN_RUNNING, WORKING, .beat_at = NOW - CAMPAIGN_GAP_MS - 1},
     RUN_HOLD,
     CAUSE_GAP,
     "1 h"},
    {"nobody looked after it, and it had not begun",
     {.state = CAMPAIGN_RUNNING, .people = 10, .beat_at = NOW - DAY},
     RUN_HOLD,
     CAUSE_GAP,
     "1 d"},
    {"nobody looked, and it was not its time yet",
     {.state = CAMPAIGN_RUNNING, .people = 10, .start_at = NOW - MINUTE, .beat_at = NOW - DAY},
     RUN_HAND,
     CAUSE_NONE,
     ""},
    {"the monitor stops it",
     {.state = CAMPAIGN_RUNNING, UNDER_WAY, .monitor = &stops},
     RUN_HOLD,
     CAUSE_MONITOR,
     "only a person"},
    {"the monitor stops what it held",
     {.state = CAMPAIGN_HELD, .cause = CAUSE_MONITOR, UNDER_WAY, .resume_at = NOW + 1, .monitor = &stops},
     RUN_HOLD,
     CAUSE_MONITOR,
     "only a person"},
    {"what it stopped stays so",
     {.state = CAMPAIGN_HELD, .cause = CAUSE_MONITOR, UNDER_WAY, .monitor = &stops},
     RUN_WAIT,
     CAUSE_NONE,
     "somebody has to"},
    {"what it stopped stays so, whatever it says",
     {.state = CAMPAIGN_HELD, .cause = CAUSE_MONITOR, UNDER_WAY, .monitor = &goes},
     RUN_WAIT,
     CAUSE_NONE,
     "somebody has to"},
    {"stopped while a person holds it",
     {.state = CAMPAIGN_HELD, .cause = CAUSE_PERSON, UNDER_WAY, .monitor = &stops},
     RUN_WAIT,
     CAUSE_NONE,
     "somebody paused it"},
    {"the monitor holds it", {.state = CAMPAIGN_RUNNING, UNDER_WAY, .monitor = &holds}, RUN_HOLD, CAUSE_MONITOR, ""},
    {"somebody paused it",
     {.state = CAMPAIGN_HELD, .cause = CAUSE_PERSON, UNDER_WAY, .monitor = &goes},
     RUN_WAIT,
     CAUSE_NONE,
     "somebody has to let it go on"},
    {"a hold with an end",
     {.state = CAMPAIGN_HELD, .cause = CAUSE_RAMP, UNDER_WAY, .resume_at = NOW + 1},
     RUN_WAIT,
     CAUSE_NONE,
     "quality assessment"},
    {"that is over",
     {.state = CAMPAIGN_HELD, .cause = CAUSE_RAMP, UNDER_WAY, .resume_at = NOW},
     RUN_GO_ON,
     CAUSE_NONE,
     ""},
    {"everybody has it",
     {.state = CAMPAIGN_RUNNING, .people = 10, .handed = 10, .sent = 9},
     RUN_FINISH,
     CAUSE_NONE,
     ""},
    {"nobody is to have it", {.state = CAMPAIGN_RUNNING}, RUN_FINISH, CAUSE_NONE, ""},
    {"all but one message",
     {.state = CAMPAIGN_RUNNING, .people = 10, .handed = 10, .open = 1, .sent = 9},
     RUN_WAIT,
     CAUSE_NONE,
     "1 of its messages"},
    {"the door is full",
     {.state = CAMPAIGN_RUNNING,
      .people = 9000,
      .handed = 400,
      .open = 320,
      .sent = 80,
      .target = 9000,
      .per_second = 80,
      .old_enough = 150},
     RUN_WAIT,
     CAUSE_NONE,
     "busy"},
    {"full of people who sleep",
     {.state = CAMPAIGN_RUNNING,
      .people = 9000,
      .handed = 400,
      .open = 320,
      .waiting = 320,
      .sent = 80,
      .target = 9000,
      .per_second = 80,
      .old_enough = 150},
     RUN_HAND,
     CAUSE_NONE,
     ""},
    {"too many who sleep",
     {.state = CAMPAIGN_RUNNING,
      .people = 9000000,
      .handed = 4000000,
      .open = 1000000,
      .waiting = 1000000,
      .sent = 3000000,
      .target = 9000000,
      .old_enough = 150},
     RUN_WAIT,
     CAUSE_NONE,
     "too many people wait"},
};

TEST(single_answers)
{
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        const struct row *r = &answers[i];
        struct campaign_step s;
        campaign_step(&r->p, NOW, &s);
        if (s.kind != r->kind || s.cause != r->cause || strstr(s.why, r->why) == NULL)
            fail_msg("%s: answer %d, cause %d, \"%s\"", r->name, (int)s.kind, (int)s.cause, s.why);
        if (s.kind == RUN_HAND)
            assert_true(s.n > 0);
        if (s.kind == RUN_WAIT)
            assert_true(s.at > NOW && s.at <= NOW + CAMPAIGN_LOOK_MS);
    }
}

/* ---- a hold ---- */

/* One hold from its beginning: waits out its pause, then its reactions, then tries another 200; then it is the monitor's word. */
TEST(a_hold_ends_by_itself_and_is_careful_about_it)
{
    struct world *w = malloc(sizeof *w);
    *w = world_of(RAMP_STANDARD, 100000);
    run_until(w, NOW + 70 * MINUTE);
    int64_t held_at = w->now, reached = w->p.sent;
    assert_int_equal(reached, 1800);
    w->p.monitor = &holds;
    struct campaign_step s = step(w);
    assert_int_equal(s.kind, RUN_HOLD);
    assert_int_equal(s.resume_at, held_at + 30 * MINUTE);
    w->p.state = CAMPAIGN_HELD;
    w->p.cause = CAUSE_MONITOR;
    w->p.resume_at = s.resume_at;
    w->now = held_at + 30 * MINUTE - 1; /* the monitor would let it go on, but the pause is not over */
    w->p.monitor = &goes;
    assert_int_equal(step(w).kind, RUN_WAIT);
    w->p.monitor = &holds;
    for (w->now = held_at + 30 * MINUTE; w->now < w->p.last_sent_at + 4 * HOUR; w->now += MINUTE)
        assert_int_equal(step(w).kind, RUN_WAIT);
    assert_int_equal(step(w).kind, RUN_GO_ON);
    w->p.state = CAMPAIGN_RUNNING;
    w->p.cause = CAUSE_NONE;
    for (int i = 0; i < 1000 && (s = step(w)).kind != RUN_HOLD; i++) {
        w->now += SECOND;
        send_some(w, w->p.open);
    }
    assert_int_equal(s.kind, RUN_HOLD);
    assert_int_equal(w->p.sent, reached + 200);
    w->p.monitor = &goes; /* what those did speaks for it */
    w->p.lenient = 0;
    assert_true(run_until(w, NOW + DAY) > 0);
    free(w);
}

/* A person lets it go on: from there the ramp is what it is at the beginning. */
TEST(after_a_person_said_so_the_ramp_begins_anew)
{
    struct world *w = malloc(sizeof *w);
    *w = world_of(RAMP_STANDARD, 100000);
    run_until(w, NOW + 5 * HOUR);
    int64_t base = w->p.handed, began = w->now;
    assert_int_equal(base, w->p.sent);
    assert_true(base >= 6000);
    *w = world_of(RAMP_STANDARD, 100000);
    w->now = began;
    w->p.handed = w->p.sent = w->p.base = w->p.base_sent = base;
    w->p.last_sent_at = began - HOUR;
    assert_true(run_until(w, began + 5 * DAY) > 0);
    static const int64_t stages[] = {200, 600, 1800, 2000, 6000, 18000, 54000};
    for (size_t i = 0; i < 7; i++)
        assert_int_equal(w->stage[i], base + stages[i]);
    free(w);
}

/* ---- nights ---- */

static uint64_t dice(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    return *seed ^= *seed << 17;
}

/* A share of those at the door sleeps. However it falls: whenever all of them wake at once, the people reached are at most
 * three times those who had been reached when the stage came to rest. */
static void one_night(uint64_t *seed)
{
    struct world *w = malloc(sizeof *w);
    *w = world_of(RAMP_STANDARD, 50000);
    uint64_t asleep = dice(seed) % 1000;
    int64_t rested = 0;
    for (int i = 0; i < 4000 && w->p.handed < w->p.people; i++) {
        int64_t target = w->p.target;
        struct campaign_step s = step(w);
        if (s.target != target && target != 0) {
            assert_true(s.target <= 3 * rested);
            if (dice(seed) % 4 == 0) { /* morning */
                send_some(w, w->p.waiting);
                w->p.waiting = 0;
            }
        }
        if (s.kind == RUN_HAND)
            for (int64_t k = 0; k < s.n; k++)
                w->p.waiting += dice(seed) % 1000 < asleep;
        send_some(w, w->p.open - w->p.waiting);
        rested = w->p.sent;
        w->now = s.at;
    }
    free(w);
}

TEST(a_morning_lets_go_no_more_than_a_stage)
{
    uint64_t seed = 20261122;
    for (int i = 0; i < 60; i++)
        one_night(&seed);
}

TEST(sentences_have_their_figures)
{
    static const struct {
        int64_t ms;
        const char *text;
    } spans[] = {{0, "0 s"},
                 {1, "1 s"},
                 {59999, "1 min"},
                 {90 * SECOND, "1 min"},
                 {45 * SECOND, "45 s"},
                 {HOUR + MINUTE, "1 h 1 min"},
                 {54 * HOUR, "2 d 6 h"},
                 {-5, "0 s"}};
    char text[200];
    for (size_t i = 0; i < sizeof spans / sizeof spans[0]; i++) {
        struct say s = say_in(text, sizeof text);
        say_span(&s, spans[i].ms);
        assert_string_equal(text, spans[i].text);
    }
    struct say s = say_in(text, sizeof text);
    say_time(&s, 1772323200000); /* the day after a February of 28 days */
    say(&s, ", ");
    say_time(&s, 1709251140000); /* the last minute of a 29th */
    say(&s, ", ");
    say_count(&s, 1234567);
    assert_string_equal(text, "Sun 1 Mar 00:00 UTC, Thu 29 Feb 23:59 UTC, 1,234,567");
    char small[8];
    s = say_in(small, sizeof small);
    say(&s, "1234567");
    say(&s, "8");
    assert_string_equal(small, "1234567");
}

TESTS(T(ramps_are_those_that_are_written_down), T(a_gate_opens_although_the_door_refuses_most), T(single_answers),
      T(a_hold_ends_by_itself_and_is_careful_about_it), T(after_a_person_said_so_the_ramp_begins_anew),
      T(a_morning_lets_go_no_more_than_a_stage), T(sentences_have_their_figures))
