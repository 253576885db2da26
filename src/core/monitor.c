/* SPDX-License-Identifier: Apache-2.0
 * monitor.c - the tests behind monitor_look(): how unlikely what people did would be in a campaign that is as good as it has to be.
 *
 * Delay-free. After n people and k events against a tolerated rate q,
 *
 *     e(n,k) = mean over m of  m^k * ((1 - m*q) / (1 - q))^(n-k)
 *
 * with m = 1.5, 2, 3, 5, 8, 15 for what should be rare (m*q at most 0.95) and m = 0.9, 0.8, 0.7, 0.55, 0.4, 0.2 for readings, which should be frequent.
 * Each term is a bet on one alternative that wins on average nothing while the rate is on the good side of q; so does their mean, and it ever
 * reaches 1/a with probability a at most, however often one looks (Ville). Of bad events everybody sent to is in n at once: whose reaction is still
 * on its way counts as one without, which only lowers e. Of readings within h only people are in n whose whole minute is h old.
 *
 * Exposure-weighted, for opt-outs and complaints: e = mean over m of m^k * exp(-(m-1)*E) with E = q * sum of F(age), F the share of reactions that can be
 * here at that age in a campaign whose people are quick. It is fast, and right only as far as F is: so it holds and never stops.
 *
 * A hold lasts while waiting can tell more: for opt-outs, complaints and undeliverable messages until three quarters of what these people will do is
 * here by the usual curve; for readings until three quarters of the same people are counted at the next age (of the last age: of all who were sent
 * to). Then either it has become a stop, or only more people can tell, and the campaign goes on by as many more as bring the share back below three
 * quarters. So a hold ends by itself, and a campaign that stands at the edge grows slowly instead of standing still for ever.
 *
 * False stops: 0.4 % opt-outs, 0.2 % undeliverable, 0.1 % complaints, 0.1 % for each of the three reading ages: 1 % together, whatever they have to do with
 * each other. The 15-minute reading only holds.
 *
 * As shipped, the tolerated rates are for senders of whom nothing is known. The curve is 35 % of the reactions around 5 minutes and 65 % around two hours
 * (lognormal, sigma 1 and 1.3), assumed until a sender's own campaigns say otherwise (baseline.c); haste 3.6 is its 99.5 % quantile when the speed of
 * campaigns differs by a half.
 *
 * Whom Meta left out for reasons of its own counts nowhere: neither as somebody who did not complain nor as one who did not read.
 *
 * More events than people, as after corrections that came late, count as all of them. */
#include "core/monitor.h"

#include <math.h>

#include "core/monitor_impl.h"

#define MILLION      1e6
#define MINUTE_MS    60000
#define ALTERNATIVES 6
#define HIGHEST_RATE 0.95
#define LOG_HOLD     2.302585092994046 /* ln 10 */
#define SETTLED      0.75
#define BAD_SIGNALS  (SIGNAL_COMPLAINT + 1)
#define READ_AGES    (MONITOR_SIGNALS - BAD_SIGNALS)

static const struct signal {
    const char *name;
    double budget; /* of false stops */
    int minutes;   /* of readings: their age; of others: by when almost all of them are here, 0 by the curve */
    bool only_holds;
} signals[MONITOR_SIGNALS] = {
    [SIGNAL_OPT_OUT] = {"opt_out", 0.004, 0, false},      [SIGNAL_UNDELIVERABLE] = {"undeliverable", 0.002, 5, false},
    [SIGNAL_COMPLAINT] = {"complaint", 0.001, 0, false},  [SIGNAL_READ_15] = {"read_15m", 0.001, 15, true},
    [SIGNAL_READ_60] = {"read_1h", 0.001, 60, false},     [SIGNAL_READ_240] = {"read_4h", 0.001, 240, false},
    [SIGNAL_READ_1440] = {"read_24h", 0.001, 1440, false}};

const struct monitor_terms monitor_shipped = {{6000, 75000, 1100, 80000, 180000, 360000, 560000}, 0, 3600};

static const double more[ALTERNATIVES] = {1.5, 2, 3, 5, 8, 15};
static const double fewer[ALTERNATIVES] = {0.9, 0.8, 0.7, 0.55, 0.4, 0.2};

const char *monitor_signal_name(enum monitor_signal s)
{
    return (unsigned)s < MONITOR_SIGNALS ? signals[s].name : "";
}

static bool is_read(enum monitor_signal s)
{
    return s >= SIGNAL_READ_15;
}

static bool is_watched(const struct monitor_terms *t, enum monitor_signal s)
{
    return (unsigned)s < MONITOR_SIGNALS && t->ppm[s] > 0 && t->ppm[s] < 1000000;
}

/* ln(1/a): where the test says that it is no accident. */
static double log_trip(enum monitor_signal s)
{
    return -log(signals[s].budget);
}

/* ---- one test ---- */

struct bets { /* ln of what each alternative makes of an event, and of a person without one */
    double event[ALTERNATIVES], none[ALTERNATIVES];
};

static void bets_for(enum monitor_signal s, double q, struct bets *ret)
{
    const double *m = is_read(s) ? fewer : more;
    for (int i = 0; i < ALTERNATIVES; i++) {
        double rate = fmin(m[i] * q, fmax(q, HIGHEST_RATE));
        ret->event[i] = log(rate / q);
        ret->none[i] = log1p(-rate) - log1p(-q);
    }
}

/* ln of the mean of exp(v). */
static double log_mean(const double v[ALTERNATIVES])
{
    double most = v[0], sum = 0;
    for (int i = 1; i < ALTERNATIVES; i++)
        most = fmax(most, v[i]);
    for (int i = 0; i < ALTERNATIVES; i++)
        sum += exp(v[i] - most);
    return most + log(sum / ALTERNATIVES);
}

static double log_e(const struct bets *b, int64_t n, int64_t k)
{
    double v[ALTERNATIVES], with = (double)k, without = (double)(n - k);
    for (int i = 0; i < ALTERNATIVES; i++)
        v[i] = with * b->event[i] + without * b->none[i];
    return log_mean(v);
}

static double log_exposed(double exposure, int64_t k)
{
    double v[ALTERNATIVES];
    for (int i = 0; i < ALTERNATIVES; i++)
        v[i] = (double)k * log(more[i]) - (more[i] - 1) * exposure;
    return log_mean(v);
}

static int64_t within(double v, int64_t n)
{
    return v <= 0 ? 0 : v >= (double)n ? n : (int64_t)v;
}

/* The least k in lo..hi for which it trips, when it trips from some k on (bad events); hi + 1: none. */
static int64_t least(const struct bets *b, int64_t n, double trip, int64_t lo, int64_t hi)
{
    while (lo <= hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (log_e(b, n, mid) >= trip)
            hi = mid - 1;
        else
            lo = mid + 1;
    }
    return lo;
}

/* The most k in lo..hi for which it trips, when it trips up to some k (readings); lo - 1: none. */
static int64_t greatest(const struct bets *b, int64_t n, double trip, int64_t lo, int64_t hi)
{
    while (lo <= hi) {
        int64_t mid = lo + (hi - lo) / 2;
        if (log_e(b, n, mid) >= trip)
            lo = mid + 1;
        else
            hi = mid - 1;
    }
    return hi;
}

/* e is monotone in k. The mean trips at the latest where one alternative alone carries it, and not before one of them does by itself: a few steps
 * are left between the two. */
static int64_t stop_line(const struct bets *b, enum monitor_signal s, int64_t n)
{
    double trip = log_trip(s), alone = trip + log(ALTERNATIVES), near = is_read(s) ? 0 : (double)n,
           far = is_read(s) ? 0 : (double)n;
    int64_t k;
    for (int i = 0; i < ALTERNATIVES; i++) {
        double step = b->event[i] - b->none[i], rest = (double)n * b->none[i];
        if (is_read(s)) { /* -step > 0 */
            near = fmax(near, (trip - rest) / step);
            far = fmax(far, (alone - rest) / step);
        } else if (step > 0) {
            near = fmin(near, (trip - rest) / step);
            far = fmin(far, (alone - rest) / step);
        }
    }
    if (is_read(s)) {
        k = greatest(b, n, trip, within(far - 1, n), within(near + 1, n));
        return k >= 0 && log_e(b, n, k) >= trip ? k : -1;
    }
    k = least(b, n, trip, within(near - 1, n), within(far + 1, n));
    return k <= n && log_e(b, n, k) >= trip ? k : -1;
}

int64_t monitor_stop_line(const struct monitor_terms *t, enum monitor_signal s, int64_t n)
{
    struct bets b;
    if (!is_watched(t, s) || signals[s].only_holds || n <= 0)
        return -1;
    bets_for(s, t->ppm[s] / MILLION, &b);
    return stop_line(&b, s, n);
}

/* ---- the curve ---- */

#define KNOTS      32
#define KNOT_FIRST 16 /* seconds; then half as much more, and twice as much: 16, 24, 32, 48, ... */

/* Share of all reactions that came by then: 0.35 * Phi(ln(t / 5 min)) + 0.65 * Phi(ln(t / 120 min) / 1.3). */
static const double curve[KNOTS] = {0.00059, 0.00202, 0.00442, 0.01174, 0.02151, 0.04483, 0.06964, 0.11642,
                                    0.15628, 0.21697, 0.25988, 0.31691, 0.35498, 0.40835, 0.44881, 0.51301,
                                    0.56435, 0.64300, 0.70054, 0.77866, 0.82869, 0.88788, 0.92078, 0.95465,
                                    0.97096, 0.98559, 0.99168, 0.99644, 0.99815, 0.99932, 0.99968, 0.99990};

static int64_t knot(int i)
{
    int64_t octave = (int64_t)KNOT_FIRST << (i / 2);
    return i % 2 ? octave + octave / 2 : octave;
}

double monitor_came_by(int64_t seconds)
{
    if (seconds <= 0)
        return 0;
    if (seconds <= KNOT_FIRST)
        return curve[0] * (double)seconds / KNOT_FIRST;
    if (seconds >= knot(KNOTS - 1))
        return 1;
    int i = 2 * (59 - __builtin_clzll((uint64_t)seconds)); /* 16 is the bit 4 */
    i += seconds >= knot(i + 1);
    double share = (double)(seconds - knot(i)) / (double)(knot(i + 1) - knot(i));
    return curve[i] + share * (curve[i + 1] - curve[i]);
}

/* ---- all of them ---- */

struct sums {
    int64_t n[MONITOR_SIGNALS], k[MONITOR_SIGNALS];
    double quick, usual; /* people, each by the share of their reaction that can be here, and that usually is */
    int64_t arrived;     /* people whose message had time to come back as undeliverable */
};

static void add_up(const struct monitor_cohort *c, size_t n, int64_t now, uint32_t haste, struct sums *ret)
{
    struct sums s = {0};
    int64_t minute = now / MINUTE_MS;
    for (size_t i = 0; i < n; i++) {
        int64_t sent = c[i].sent > c[i].left_out ? c[i].sent - c[i].left_out : 0, from = c[i].minute < 0 ? 0
                                                                                         : c[i].minute > minute
                                                                                             ? minute
                                                                                             : c[i].minute;
        int64_t age = minute - from - 1; /* whole minutes that have passed for all of them */
        int64_t seconds = (now - from * MINUTE_MS) / 1000;
        const uint32_t read[READ_AGES] = {c[i].read_15, c[i].read_60, c[i].read_240, c[i].read_1440};
        s.n[SIGNAL_OPT_OUT] += sent;
        s.k[SIGNAL_OPT_OUT] += c[i].opted_out;
        s.k[SIGNAL_UNDELIVERABLE] += c[i].undeliverable;
        s.k[SIGNAL_COMPLAINT] += c[i].complained;
        s.quick += (double)sent * monitor_came_by(seconds * haste / 1000);
        s.usual += (double)sent * monitor_came_by(age * 60);
        s.arrived += age >= signals[SIGNAL_UNDELIVERABLE].minutes ? sent : 0;
        for (int j = 0; j < READ_AGES && age >= signals[BAD_SIGNALS + j].minutes; j++) {
            s.n[BAD_SIGNALS + j] += sent;
            s.k[BAD_SIGNALS + j] += read[j];
        }
    }
    s.n[SIGNAL_UNDELIVERABLE] = s.n[SIGNAL_COMPLAINT] = s.n[SIGNAL_OPT_OUT];
    for (int i = 0; i < MONITOR_SIGNALS; i++)
        if (s.k[i] > s.n[i])
            s.k[i] = s.n[i];
    *ret = s;
}

/* Whether waiting tells no more about those who were sent to. */
static bool is_settled(const struct monitor_terms *t, const struct sums *s, enum monitor_signal i)
{
    double all = (double)s->n[SIGNAL_OPT_OUT];
    if (i == SIGNAL_UNDELIVERABLE)
        return (double)s->arrived >= SETTLED * all;
    if (!is_read(i))
        return s->usual >= SETTLED * all;
    for (unsigned next = i + 1; next < MONITOR_SIGNALS; next++)
        if (is_watched(t, (enum monitor_signal)next))
            return (double)s->n[next] >= SETTLED * (double)s->n[i];
    return (double)s->n[i] >= SETTLED * all;
}

static void read_one(const struct monitor_terms *t, const struct sums *s, enum monitor_signal i,
                     struct monitor_reading *ret)
{
    struct bets b;
    *ret = (struct monitor_reading){.n = s->n[i], .k = s->k[i], .log_e = 0, .log_fast = -INFINITY, .stop_line = -1};
    if (!is_watched(t, i) || ret->n == 0)
        return;
    double q = t->ppm[i] / MILLION;
    bets_for(i, q, &b);
    ret->log_e = log_e(&b, ret->n, ret->k);
    if (i == SIGNAL_OPT_OUT || i == SIGNAL_COMPLAINT)
        ret->log_fast = log_exposed(q * s->quick, ret->k);
    if (!signals[i].only_holds)
        ret->stop_line = stop_line(&b, i, ret->n);
}

static enum monitor_word word_of(const struct monitor_terms *t, const struct sums *s, enum monitor_signal i,
                                 const struct monitor_reading *r)
{
    double trip = log_trip(i);
    if (!signals[i].only_holds && r->log_e >= trip)
        return MONITOR_STOP;
    if ((r->log_e >= LOG_HOLD || r->log_fast >= trip) && !is_settled(t, s, i))
        return MONITOR_HOLD;
    return MONITOR_GO;
}

void monitor_look(const struct monitor_terms *t, const struct monitor_cohort *c, size_t n, int64_t now,
                  struct monitor_verdict *ret)
{
    struct sums s;
    double strongest = -INFINITY;
    add_up(c, n, now < 0 ? 0 : now, t->haste > 0 ? t->haste : monitor_shipped.haste, &s);
    ret->word = MONITOR_GO;
    ret->signal = SIGNAL_OPT_OUT;
    ret->tripped = false;
    for (unsigned i = 0; i < MONITOR_SIGNALS; i++) {
        enum monitor_signal signal = (enum monitor_signal)i;
        struct monitor_reading *r = &ret->reading[i];
        read_one(t, &s, signal, r);
        enum monitor_word word = word_of(t, &s, signal, r);
        ret->tripped |= !signals[i].only_holds && fmax(r->log_e, r->log_fast) >= log_trip(signal);
        double strength = fmax(r->log_e, word == MONITOR_STOP ? -INFINITY : r->log_fast) - log_trip(signal);
        if (!is_watched(t, signal) || word < ret->word || (word == ret->word && strength <= strongest))
            continue;
        ret->word = word;
        ret->signal = signal;
        strongest = strength;
    }
}
