/* SPDX-License-Identifier: Apache-2.0
 * test_caps_sim.c - many people over many years, through the real decide(): no cap, no pair rate and no quiet hour is ever
 * broken, and nothing is held back without a reason.
 *
 * Each person has a small policy's caps for a day, a week and a month, Meta's rate for a pair, and hours in their own
 * zones, across every change of their clocks. Our clock is stepped back and forward by up to three days on the way. Half
 * of the people are judged by what the gateway passes, the greatest time seen so far; the others by the clock as it
 * comes, which may run backwards.
 *
 * What left is checked by other means than it was decided by: times are kept whole and sorted, the pair's messages are
 * counted, local times are taken zone by zone. Which clock a cap holds for: always the one passed (no stretch of its
 * readings holds too many); of real time, with the greatest reading passed, as much as that clock did not gain on it.
 *
 * WL_SIM_SENDS: how many messages must leave (1,000,000); WL_SIM_SEED: another world. tools/soak runs more. */
#include <time.h>

#include "base/zone.h"
#include "core/caps.h"
#include "core/pace.h"
#include "rules_fixture.h"

#define SECOND     1000LL
#define DAY        (24 * HOUR)
#define BEGIN      1767225600000 /* 2026-01-01 */
#define YEARS      20
#define KEPT_MAX   6000 /* marketing messages to one person */
#define PLACES_MAX 4
#define INTERVAL   (6 * SECOND)
#define TOLERANCE  (264 * SECOND)

#define RULE_END                                                                                                       \
    "    on_unknown: deny\n    code: 3\n    title: T\n    reason: R.\n    change: c\n    verdict: hold\n" TINY_CITE

#define CAP(name, sent, time)                                                                                          \
    "  - id: cap." name "\n    until: {fact: marketing.sent." sent                                                     \
    ", plus: $time}\n    values: {2020-01-01: {time: " time                                                            \
    "}}\n    applies: {fact: message.category, is: marketing}\n    when: {fact: marketing.sent." sent                  \
    ", newer_than: $time}\n" RULE_END "    tests:\n      - {given: {message.category: marketing, marketing.sent." sent \
    ": now}, expect: hold}\n      - {given: {message.category: marketing, marketing.sent." sent ": now-" time          \
    "}, expect: none}\n"

static const char policy[] = CAP("day", "2", "24h") CAP("week", "6", "7d")
    CAP("month", "16",
        "30d") "  - id: pair.rate\n"
               "    until: {fact: pair.tat, minus: $tolerance}\n"
               "    values: {2020-01-01: {tolerance: 264s}}\n"
               "    when: {fact: pair.tat, ahead_by: $tolerance}\n" RULE_END "    tests:\n"
               "      - {given: {pair.tat: now+270s}, expect: hold until now+6s}\n"
               "      - {given: {pair.tat: now+264s}, expect: none}\n"
               "  - id: quiet.hours\n"
               "    until: {open: $hours}\n"
               "    values: {2020-01-01: {hours: 'mon-fri 07:00-19:00, sat 08:00-15:00'}}\n"
               "    applies: {fact: message.category, is: marketing}\n"
               "    when: {outside: $hours}\n" RULE_END "    tests:\n"
               "      - {given: {message.category: marketing, recipient.utc_min: 0, recipient.utc_max: 0}, now: "
               "2026-11-23T06:59:59Z, expect: hold until 2026-11-23T07:00:00Z}\n"
               "      - {given: {message.category: marketing, recipient.utc_min: 0, recipient.utc_max: 0}, now: "
               "2026-11-23T07:00:00Z, expect: none}\n";

static const struct cap {
    const char *rule;
    size_t n;
    int64_t time;
} caps_set[] = {{"cap.day", 2, DAY}, {"cap.week", 6, 7 * DAY}, {"cap.month", 16, 30 * DAY}};
#define CAPS (sizeof caps_set / sizeof caps_set[0])

/* Where people live: one zone, or as many as their number leaves open. */
static const char *const homes[][PLACES_MAX] = {
    {"America/New_York"},
    {"Europe/Dublin"},
    {"Africa/Casablanca"},
    {"Australia/Lord_Howe"},
    {"America/Bogota"},
    {"Asia/Kathmandu"},
    {"Pacific/Apia"},
    {"America/Nuuk"},
    {"Africa/Cairo"},
    {"America/Noronha", "America/Sao_Paulo", "America/Manaus", "America/Rio_Branco"},
    {"America/New_York", "America/Denver", "America/Phoenix", "Pacific/Honolulu"},
    {"Australia/Sydney", "Australia/Brisbane", "Australia/Adelaide", "Australia/Perth"},
    {"Europe/Lisbon", "Atlantic/Azores"},
};
#define HOMES (sizeof homes / sizeof homes[0])

/* ---- the world ---- */

struct moment {
    int64_t now;    /* what was passed to decide() */
    int64_t truth;  /* real time */
    int64_t gained; /* what the clock passed had gained on real time in all its jumps ahead */
};

struct person {
    const struct zone *zone[PLACES_MAX];
    size_t n_zones;
    bool steady; /* judged by the greatest time seen */
    int64_t truth, reading, seen, gained;
    struct caps caps;
    int64_t tat;
    int64_t where_from, where_until; /* how long `where` is good for */
    struct facts where;              /* recipient.utc_* */
    struct moment got[KEPT_MAX];     /* marketing, in the order they left */
    size_t n_got;
    int64_t messages, slack, least; /* the pair: how many left, and the least of 6 s * i - time */
    struct moment last;
};

struct run {
    const struct ruleset *rules;
    struct zones *zones;
    uint64_t seed, first_seed;
    int64_t sends, marketing, decisions, held, changes, steps;
};

static int64_t below(struct run *r, int64_t n)
{
    return (int64_t)(next_random(&r->seed) % (uint64_t)n);
}

static int64_t now_of(struct person *p)
{
    p->seen = p->reading > p->seen ? p->reading : p->seen;
    return p->steady ? p->seen : p->reading;
}

static void pass(struct person *p, int64_t ms)
{
    p->truth += ms;
    p->reading += ms;
    now_of(p);
}

static void step(struct run *r, struct person *p)
{
    static const int64_t most[] = {2 * SECOND, HOUR, 2 * HOUR, 3 * DAY};
    int64_t by = most[below(r, 4)], before = now_of(p);
    p->reading += below(r, 2 * by + 1) - by;
    int64_t jump = now_of(p) - before;
    p->gained += jump > 0 ? jump : 0;
    r->steps++;
}

/* When the first clock of their places changes, 0 when none does for 18 days. */
static int64_t first_change(const struct person *p, int64_t now)
{
    int64_t first = 0;
    for (size_t i = 0; i < p->n_zones; i++) {
        int64_t next = zone_next_change(p->zone[i], now, now + 18 * DAY);
        if (next != 0 && (first == 0 || next < first))
            first = next;
    }
    return first;
}

static void set_offsets(struct person *p, int64_t t, enum fact_id least, enum fact_id most)
{
    int32_t min = INT32_MAX, max = INT32_MIN;
    for (size_t i = 0; i < p->n_zones; i++) {
        int32_t minutes = zone_offset(p->zone[i], t) / 60;
        min = minutes < min ? minutes : min;
        max = minutes > max ? minutes : max;
    }
    fact_set(&p->where, least, min);
    fact_set(&p->where, most, max);
}

/* The facts about where they are, kept until a clock there changes or two days have passed. */
static void look_where(struct run *r, struct person *p, int64_t now)
{
    if (now >= p->where_from && now < p->where_until)
        return;
    int64_t change = first_change(p, now);
    set_offsets(p, now, FACT_RECIPIENT_UTC_MIN, FACT_RECIPIENT_UTC_MAX);
    set_offsets(p, change ? change : now, FACT_RECIPIENT_UTC_MIN_AFTER, FACT_RECIPIENT_UTC_MAX_AFTER);
    fact_set(&p->where, FACT_RECIPIENT_UTC_CHANGE_AT, change);
    p->where_from = now;
    p->where_until = change != 0 && change < now + 2 * DAY ? change : now + 2 * DAY;
    r->changes += change != 0 && change < now + 2 * DAY;
}

/* ---- the checks ---- */

#define complain(r, p, ...)                                                                                            \
    do {                                                                                                               \
        print_error("seed %llu, %s, at %lld: ", (unsigned long long)(r)->first_seed, zone_name((p)->zone[0]),          \
                    (long long)(p)->last.now);                                                                         \
        fail_msg(__VA_ARGS__);                                                                                         \
    } while (0)

static void check_hours(struct run *r, struct person *p, int64_t now)
{
    for (size_t i = 0; i < p->n_zones; i++) {
        int64_t minute = now / 60000 + zone_offset(p->zone[i], now) / 60;
        int64_t weekday = (minute / 1440 + 3) % 7, of_day = minute % 1440; /* 0 Monday */
        bool open =
            weekday < 5 ? of_day >= 7 * 60 && of_day < 19 * 60 : weekday == 5 && of_day >= 8 * 60 && of_day < 15 * 60;
        if (!open)
            complain(r, p, "sent at %02d:%02d on weekday %d in %s", (int)of_day / 60, (int)of_day % 60, (int)weekday,
                     zone_name(p->zone[i]));
    }
}

/* At most 1 + (264 s + d) / 6 s messages within any d: 6 s * j - t(j) never exceeds an earlier one's by more than 264 s. */
static void check_pair(struct run *r, struct person *p, int64_t now)
{
    int64_t value = INTERVAL * p->messages - now;
    if (p->messages > 0 && value - p->least > TOLERANCE)
        complain(r, p, "one too many to this person in a short time");
    p->least = p->messages == 0 || value < p->least ? value : p->least;
    p->messages++;
}

/* Any n + 1 in the order they left took as long in real time as the cap says, less what the clock gained. */
static void check_truth(struct run *r, struct person *p, const struct cap *c)
{
    if (!p->steady || p->n_got <= c->n)
        return;
    const struct moment *last = &p->got[p->n_got - 1], *first = last - c->n;
    if (last->truth - first->truth + last->gained - first->gained < c->time)
        complain(r, p, "%s: %zu in %lld ms of real time", c->rule, c->n + 1, (long long)(last->truth - first->truth));
}

static int by_now(const void *a, const void *b)
{
    int64_t x = ((const struct moment *)a)->now, y = ((const struct moment *)b)->now;
    return (x > y) - (x < y);
}

/* No stretch of the clock's readings holds more than a cap allows, in whatever order they came. */
static void check_readings(struct run *r, struct person *p)
{
    qsort(p->got, p->n_got, sizeof p->got[0], by_now);
    for (size_t k = 0; k < CAPS; k++)
        for (size_t i = caps_set[k].n; i < p->n_got; i++)
            if (p->got[i].now - p->got[i - caps_set[k].n].now < caps_set[k].time)
                complain(r, p, "%s: %zu within %lld ms of the clock", caps_set[k].rule, caps_set[k].n + 1,
                         (long long)(p->got[i].now - p->got[i - caps_set[k].n].now));
}

/* A cap that holds has its n messages; they are kept to the second, rounded up. */
static void check_reason(struct run *r, struct person *p, const struct decision *d, int64_t now)
{
    for (size_t i = 0; i < d->n; i++)
        for (size_t k = 0; k < CAPS; k++) {
            if (strcmp(rule_id(d->finding[i].rule), caps_set[k].rule) != 0)
                continue;
            size_t n = 0;
            for (size_t m = p->n_got; m-- > 0 && n < caps_set[k].n && p->n_got - m < 400;)
                n += p->got[m].now > now - caps_set[k].time - SECOND;
            if (n < caps_set[k].n)
                complain(r, p, "%s holds with %zu messages", caps_set[k].rule, n);
        }
}

/* ---- what happens ---- */

static void left(struct run *r, struct person *p, int64_t now, bool marketing)
{
    uint8_t packed[CAPS_PACKED_MAX];
    r->sends++;
    p->tat = pace_take(p->tat, now, INTERVAL);
    p->last = (struct moment){now, p->truth, p->gained};
    if (p->steady)
        check_pair(r, p, now);
    if (!marketing)
        return;
    r->marketing++;
    caps_sent(&p->caps, now, NULL);
    size_t size = caps_pack(&p->caps, packed); /* as it lies in the person's row */
    assert_int_equal(caps_unpack(packed, size, &p->caps), 0);
    p->got[p->n_got++] = p->last;
    check_hours(r, p, now);
    for (size_t k = 0; k < CAPS; k++)
        check_truth(r, p, &caps_set[k]);
}

/* One message; the time to try again, 0 when it left. */
static int64_t attempt(struct run *r, struct person *p, bool marketing)
{
    static struct decision d;
    int64_t now = now_of(p);
    struct facts f = p->where;
    if (marketing) {
        look_where(r, p, now);
        f = p->where;
    }
    fact_set(&f, FACT_MESSAGE_KIND, INTENT_TEMPLATE);
    fact_set(&f, FACT_MESSAGE_CATEGORY, marketing ? CATEGORY_MARKETING : CATEGORY_UTILITY);
    fact_set(&f, FACT_PAIR_TAT, p->tat);
    caps_facts(&p->caps, &f);
    decide(r->rules, &f, now, 0, &d);
    r->decisions++;
    if (d.verdict == VERDICT_ALLOW) {
        left(r, p, now, marketing);
        return 0;
    }
    if (d.verdict != VERDICT_HOLD || d.until <= now)
        complain(r, p, "denied, or held until now");
    r->held++;
    check_reason(r, p, &d, now);
    return d.until;
}

/* Tries again when it was told to. A cap's end may lie in the night; after the night nothing can hold it. */
static void insist(struct run *r, struct person *p)
{
    for (int tries = 0; p->n_got < KEPT_MAX; tries++) {
        int64_t until = attempt(r, p, true);
        if (until == 0)
            return;
        if (tries == 2)
            complain(r, p, "held a third time, until %lld", (long long)until);
        while (now_of(p) < until)
            pass(p, until - now_of(p));
    }
}

static void burst(struct run *r, struct person *p)
{
    int64_t n = 1 + below(r, 30), apart = below(r, 9 * SECOND);
    for (int64_t i = 0; i < n; i++) {
        attempt(r, p, false);
        pass(p, apart);
    }
}

static void live(struct run *r, struct person *p, int64_t sends)
{
    static const int64_t pauses[] = {3 * SECOND, 10 * 60 * SECOND, 8 * HOUR, 2 * DAY};
    while (p->n_got < KEPT_MAX && p->truth < BEGIN + YEARS * 365 * DAY && r->sends < sends) {
        int64_t what = below(r, 20);
        if (what < 9)
            insist(r, p);
        else if (what < 14)
            attempt(r, p, true);
        else if (what < 15)
            burst(r, p);
        else if (what < 16)
            step(r, p);
        else
            pass(p, below(r, pauses[below(r, 4)]));
    }
    check_readings(r, p);
}

static void settle(struct run *r, struct person *p, size_t number)
{
    memset(p, 0, sizeof *p);
    const char *const *names = homes[number % HOMES];
    for (; p->n_zones < PLACES_MAX && names[p->n_zones] != NULL; p->n_zones++) {
        p->zone[p->n_zones] = zone_find(r->zones, str_of(names[p->n_zones]));
        assert_non_null(p->zone[p->n_zones]);
    }
    p->steady = number / HOMES % 2 == 0;
    p->truth = p->reading = BEGIN + below(r, 365 * DAY);
}

static int64_t setting(const char *name, int64_t otherwise)
{
    const char *text = getenv(name);
    int64_t v = otherwise;
    if (text != NULL && !str_i64(str_of(text), &v))
        fail_msg("%s is no number: %s", name, text);
    return v;
}

static int64_t cpu_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

TEST(nothing_is_exceeded_in_years)
{
    static struct person p;
    struct run r = {.seed = (uint64_t)setting("WL_SIM_SEED", 20261122)};
    struct err e = {0};
    int64_t sends = setting("WL_SIM_SENDS", 1000000), started = cpu_ms();
    size_t people = 0;
    r.first_seed = r.seed;
    if (zones_load(&r.zones, NULL, &e) != 0)
        skip_loudly(e.text);
    struct ruleset *rules = tiny_set(policy);
    r.rules = rules;
    for (; r.sends < sends; people++) {
        settle(&r, &p, people);
        live(&r, &p, sends);
    }
    printf(
        "%lld messages left (%lld marketing) of %lld decisions, %lld held; %zu people, %lld changes of their clocks, "
        "%lld steps of ours; 0 violations; %lld ms\n",
        (long long)r.sends, (long long)r.marketing, (long long)r.decisions, (long long)r.held, people,
        (long long)r.changes, (long long)r.steps, (long long)(cpu_ms() - started));
    assert_true(r.held > r.sends / 10 && r.marketing > r.sends / 10);
    ruleset_free(rules);
    zones_free(r.zones);
}

TESTS(T(nothing_is_exceeded_in_years))
