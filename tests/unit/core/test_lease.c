/* SPDX-License-Identifier: Apache-2.0
 * test_lease.c - a holder stops before a challenger may begin, whatever their clocks and pauses do.
 *
 * The world of chance has one row, true time, and two machines whose clocks began anywhere and run up to a tenth too
 * fast or too slow. Renewals and challenges take their time on the way to the row and back; answers are lost; machines
 * stand still for seconds between any two of their steps. Nobody is ever told the true time. WL_SIM_SEED: another world. */
#include "core/lease.h"

#include "t.h"

#define MS     INT64_C(1000)
#define SECOND INT64_C(1000000)

TEST(a_holder_counts_from_when_it_began)
{
    struct lease_clock c = {0};
    assert_false(lease_good(&c, 0));
    assert_false(lease_good(&c, 1));
    assert_int_equal(lease_deadline(&c), 0);
    lease_renewed(&c, 100 * SECOND);
    assert_int_equal(lease_deadline(&c), 104 * SECOND);
    assert_true(lease_good(&c, 104 * SECOND - 1));
    assert_false(lease_good(&c, 104 * SECOND));
    lease_renewed(&c, 102 * SECOND);
    lease_renewed(&c, 101 * SECOND); /* told late */
    assert_int_equal(lease_deadline(&c), 106 * SECOND);
    lease_renewed(&c, INT64_MAX - 5);
    assert_int_equal(lease_deadline(&c), INT64_MAX);
}

TEST(a_challenger_waits_a_whole_term_of_the_same_beat)
{
    static const struct {
        int64_t epoch, beat, at;
        bool still;
    } rows[] = {
        {3, 7, 100 * SECOND, false}, {3, 7, 104 * SECOND, false}, {3, 7, 105 * SECOND - 1, false},
        {3, 7, 105 * SECOND, true},  {3, 7, 200 * SECOND, true},                              /* and stays so */
        {3, 8, 200 * SECOND, false}, {3, 8, 204 * SECOND, false},                             /* a beat */
        {4, 8, 204 * SECOND, false}, {4, 8, 208 * SECOND, false}, {4, 8, 209 * SECOND, true}, /* another life's */
        {3, 8, 209 * SECOND, false}, {0, 0, 210 * SECOND, false}, {0, 0, 215 * SECOND, true},
    };
    struct lease_watch w = {0};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(lease_stands_still(&w, rows[i].epoch, rows[i].beat, rows[i].at), rows[i].still);
    struct lease_watch at_zero = {0};
    assert_false(lease_stands_still(&at_zero, 0, 0, 0));
    assert_false(lease_stands_still(&at_zero, 0, 0, LEASE_TERM_US));
    assert_true(lease_stands_still(&at_zero, 0, 0, LEASE_TERM_US + 1));
}

/* ---- two machines ---- */

struct row {
    int64_t owner, epoch, beat;
};

enum step { READS, ASKS, HEARS }; /* what it does next: read the row, change it, learn whether that went through */

struct machine {
    int64_t id, epoch;
    int64_t rate;        /* its clock's microseconds in a true second */
    int64_t began, next; /* its clock at true time 0; true time of its next step */
    bool dead;
    enum step step;
    struct lease_clock clock; /* while it believes to hold */
    struct lease_watch watch;
    struct row seen;
    int64_t begun_us;
    bool asked_to_take, granted;
};

struct world {
    uint64_t seed;
    int64_t now;
    struct row row;
    struct machine m[2];
    bool pauses;
    size_t takeovers, lost;
};

static int64_t below(struct world *w, int64_t n)
{
    uint64_t z = w->seed += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return (int64_t)((z ^ (z >> 31)) % (uint64_t)n);
}

static int64_t clock_of(const struct machine *m, int64_t now)
{
    return m->began + now / SECOND * m->rate + now % SECOND * m->rate / SECOND;
}

/* True time after which its clock shows so much more. */
static int64_t true_time(const struct machine *m, int64_t us)
{
    return us * SECOND / m->rate + 1;
}

static bool may_act(const struct world *w, const struct machine *m)
{
    return !m->dead && lease_good(&m->clock, clock_of(m, w->now));
}

static void wait_for(struct world *w, struct machine *m, int64_t own_us)
{
    m->next = w->now + true_time(m, own_us);
    if (w->pauses && below(w, 40) == 0)
        m->next += below(w, 12 * SECOND);
}

/* The row changes as one statement, at one moment. */
static void ask(struct world *w, struct machine *m)
{
    struct row *r = &w->row;
    m->granted = m->asked_to_take ? r->epoch == m->seen.epoch && r->beat == m->seen.beat
                                  : r->owner == m->id && r->epoch == m->epoch;
    if (m->granted) {
        w->takeovers += m->asked_to_take;
        r->epoch += m->asked_to_take;
        r->owner = m->id;
        r->beat++;
        if (m->asked_to_take)
            m->epoch = r->epoch;
    }
    m->step = HEARS;
    wait_for(w, m, below(w, 300 * MS));
}

static void hear(struct world *w, struct machine *m)
{
    if (w->pauses && below(w, 20) == 0) {
        w->lost++; /* whether it went through is not known: as if it had not */
    } else if (m->granted) {
        if (m->asked_to_take)
            m->clock = (struct lease_clock){0};
        lease_renewed(&m->clock, m->begun_us);
    }
    m->step = READS;
    int64_t since = clock_of(m, w->now) - m->begun_us;
    wait_for(w, m, since < LEASE_RENEW_US ? LEASE_RENEW_US - since : 1);
}

static void read_row(struct world *w, struct machine *m)
{
    int64_t now_us = clock_of(m, w->now);
    m->seen = w->row;
    m->begun_us = now_us;
    m->asked_to_take = m->seen.owner != m->id || m->seen.epoch != m->epoch;
    if (!m->asked_to_take || lease_stands_still(&m->watch, m->seen.epoch, m->seen.beat, now_us)) {
        m->step = ASKS;
        wait_for(w, m, below(w, 200 * MS));
        return;
    }
    int64_t left = m->watch.since_us + LEASE_TERM_US - now_us;
    wait_for(w, m, left < LEASE_RENEW_US ? left : LEASE_RENEW_US);
}

static void step(struct world *w)
{
    struct machine *a = &w->m[0], *b = &w->m[1];
    struct machine *m = b->dead || (!a->dead && a->next <= b->next) ? a : b;
    w->now = m->next;
    if (m->step == READS)
        read_row(w, m);
    else if (m->step == ASKS)
        ask(w, m);
    else
        hear(w, m);
}

static struct world *world_of(uint64_t story, bool pauses)
{
    static struct world w;
    const char *text = getenv("WL_SIM_SEED");
    w = (struct world){.seed = (text != NULL ? strtoull(text, NULL, 0) : 20261122) * 1000003 + story, .pauses = pauses};
    if (story == 0)
        print_message("WL_SIM_SEED=%s\n", text != NULL ? text : "20261122");
    for (int i = 0; i < 2; i++) {
        w.m[i].id = i + 1;
        w.m[i].began = 1 + below(&w, 1000000 * SECOND);
        w.m[i].rate =
            story % 4 == 0 ? SECOND + (i ? SECOND / 10 : -SECOND / 10) : SECOND * 9 / 10 + below(&w, SECOND / 5);
    }
    w.row = (struct row){.owner = 1, .epoch = 1};
    w.m[0].epoch = 1;
    w.m[1].next = below(&w, SECOND);
    return &w;
}

/* Deadlines fall between steps: who may act just after a step is who might until the next one. */
TEST(two_never_act_at_once)
{
    size_t takeovers = 0, alone = 0, lost = 0;
    for (uint64_t story = 0; story < 400; story++) {
        struct world *w = world_of(story, true);
        while (w->now < 600 * SECOND) {
            step(w);
            bool first = may_act(w, &w->m[0]), second = may_act(w, &w->m[1]);
            if (first && second)
                fail_msg("story %llu: both may act at %lld us", (unsigned long long)story, (long long)w->now);
            alone += first || second;
        }
        takeovers += w->takeovers;
        lost += w->lost;
    }
    print_message("  %zu takeovers, %zu steps with one who may act, %zu answers lost\n", takeovers, alone, lost);
    assert_true(takeovers > 2000 && alone > 100000 && lost > 1000);
}

TEST(a_dead_holder_is_followed_within_a_term_and_a_fifth)
{
    int64_t longest = 0;
    for (uint64_t story = 0; story < 400; story++) {
        struct world *w = world_of(story, false);
        int64_t until = 20 * SECOND + below(w, 5 * SECOND);
        while (w->now < until)
            step(w);
        assert_int_equal(w->takeovers, 0); /* nobody is challenged who lives */
        w->m[0].dead = true;
        int64_t died = w->now;
        while (w->takeovers == 0)
            step(w);
        longest = w->now - died > longest ? w->now - died : longest;
    }
    print_message("  longest %lld ms\n", (long long)(longest / MS));
    assert_in_range(longest, 0,
                    LEASE_TERM_US * 6 / 5 + LEASE_RENEW_US * 10 / 9 + 250 * MS); /* and the way to the row */
}

TESTS(T(a_holder_counts_from_when_it_began), T(a_challenger_waits_a_whole_term_of_the_same_beat),
      T(two_never_act_at_once), T(a_dead_holder_is_followed_within_a_term_and_a_fifth))
