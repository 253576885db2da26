/* SPDX-License-Identifier: Apache-2.0
 * baseline.c - what a sender's good campaigns say about what has to be tolerated.
 *
 * A tolerated rate is the one that 99.5 % of good campaigns stay below (of readings: above), and never a mean: half of all good campaigns are worse
 * than the mean. Of 30 campaigns nobody can count off the worst one of 200, so the spread is fitted: lognormal for what is rare, normal for
 * readings, by the mean and the variance between campaigns. What chance adds to a rate counted on n people is taken off the variance again; one
 * standard error of that is left in, because a difference of two noisy numbers may come out as nothing. The quantile is taken with the tolerance factor that
 * is too small in one of four cases only, and the spread is never believed to be smaller than 25 % of the rate (readings: two points).
 *
 * Then it is shrunk: of n campaigns n/(n+30) of its logarithm count, the rest is the prior's. Below 30 with 200 people each the prior stands alone,
 * for each signal by itself. Limits that nothing learned passes: twice what is shipped (readings: half of it), a tenth of it, and the caller's. So a sender
 * whose lists go bad slowly cannot teach the monitors to look away.
 *
 * How quick people are is learned alike: from the share of a day's readings that came in the first hour, by the curve of monitor.c.
 * The reading at 15 minutes, of which no outcome is kept, follows the one at an hour in proportion. */
#include "core/monitor.h"

#include <math.h>

#include "core/monitor_impl.h"

#define MILLION      1e6
#define LEAST        30  /* campaigns */
#define LEAST_PEOPLE 200 /* of each */
#define SHRINK       30.0
#define Z_QUANTILE   2.5758 /* 99.5 % */
#define Z_CONFIDENCE 0.6745 /* 75 % */
#define LEAST_CV     0.25
#define LEAST_SPREAD 0.02
#define NONE_SEEN    2.3 /* events that may stand behind none: 90 % */
#define HASTE_MOST   10.0
#define DAY_S        86400
#define HOUR_S       3600

struct sample { /* of one rate, over campaigns */
    double n, sum, squares, noise, people;
};

static void sample_add(struct sample *s, double x, double noise, double people)
{
    s->n++;
    s->sum += x;
    s->squares += x * x;
    s->noise += noise;
    s->people += people;
}

static double sample_mean(const struct sample *s)
{
    return s->sum / s->n;
}

static double sample_variance(const struct sample *s)
{
    return fmax(0, (s->squares - s->sum * s->sum / s->n) / (s->n - 1));
}

/* How many standard deviations from the mean of n the quantile lies, at most, in three of four samples. */
static double tolerance_factor(double n)
{
    double a = 1 - Z_CONFIDENCE * Z_CONFIDENCE / (2 * (n - 1)),
           b = Z_QUANTILE * Z_QUANTILE - Z_CONFIDENCE * Z_CONFIDENCE / n;
    return (Z_QUANTILE + sqrt(Z_QUANTILE * Z_QUANTILE - a * b)) / a;
}

/* Between campaigns, without what chance adds. */
static double spread(const struct sample *s, double least)
{
    double noise = s->noise / s->n;
    double between = sample_variance(s) - noise + noise * sqrt(2 / (s->n - 1));
    return fmax(least, between > 0 ? sqrt(between) : 0);
}

static double highest_of(const struct sample *s)
{
    double mean = fmax(sample_mean(s), NONE_SEEN / s->people);
    double cv = spread(s, LEAST_CV * mean) / mean, sigma = sqrt(log1p(cv * cv));
    double upper = mean + Z_CONFIDENCE * sqrt(sample_variance(s) / s->n);
    return upper * exp(tolerance_factor(s->n) * sigma - sigma * sigma / 2);
}

static double lowest_of(const struct sample *s)
{
    double lower = sample_mean(s) - Z_CONFIDENCE * sqrt(sample_variance(s) / s->n);
    return lower - tolerance_factor(s->n) * spread(s, LEAST_SPREAD);
}

static double shrunk(double learned, double prior, double n)
{
    double w = n / (n + SHRINK);
    return exp(w * log(learned) + (1 - w) * log(prior));
}

static uint32_t ppm_of(double rate)
{
    return (uint32_t)lrint(fmin(fmax(rate * MILLION, 1), MILLION - 1));
}

static void rate_add(struct sample *s, int64_t n, int64_t k)
{
    if (n < LEAST_PEOPLE)
        return;
    double people = (double)n, x = (double)(k < 0 ? 0 : k > n ? n : k) / people;
    sample_add(s, x, x * (1 - x) / people, people);
}

static void learn_rate(const struct sample *s, enum monitor_signal i, const struct monitor_terms *prior,
                       struct monitor_terms *t)
{
    bool reads = i >= SIGNAL_READ_15;
    double before = prior->ppm[i] / MILLION, shipped = monitor_shipped.ppm[i] / MILLION;
    if (s->n < LEAST || prior->ppm[i] == 0)
        return;
    double learned = reads ? fmax(lowest_of(s), shipped / 10) : fmax(highest_of(s), shipped / 10);
    double rate = shrunk(learned, before, s->n);
    t->ppm[i] = ppm_of(reads ? fmax(rate, shipped / 2) : fmin(rate, shipped * 2));
    if (t->learned_from == 0 || s->n < t->learned_from)
        t->learned_from = (uint32_t)s->n;
}

/* How much sooner than usual people reacted of whose readings within a day this share came within an hour. */
static double haste_of(double share)
{
    double low = 1 / HASTE_MOST, high = HASTE_MOST;
    for (int i = 0; i < 40; i++) {
        double mid = sqrt(low * high);
        if (monitor_came_by((int64_t)(HOUR_S * mid)) / monitor_came_by((int64_t)(DAY_S * mid)) < share)
            low = mid;
        else
            high = mid;
    }
    return low;
}

static void learn_haste(const struct baseline_outcome *o, size_t n, const struct monitor_terms *prior,
                        struct monitor_terms *t)
{
    struct sample s = {0};
    for (size_t i = 0; i < n; i++) {
        if (o[i].n[0] < LEAST_PEOPLE || o[i].n[2] < LEAST_PEOPLE || o[i].read[0] <= 0 || o[i].read[2] <= 0)
            continue;
        double share = (double)o[i].read[0] / (double)o[i].n[0] * (double)o[i].n[2] / (double)o[i].read[2];
        sample_add(&s, log(haste_of(share)), 0, 0);
    }
    if (s.n < LEAST)
        return;
    double before = prior->haste > 0 ? prior->haste / 1000.0 : monitor_shipped.haste / 1000.0;
    double quickest = exp(sample_mean(&s) + tolerance_factor(s.n) * sqrt(sample_variance(&s)));
    t->haste = (uint32_t)lrint(1000 * fmin(fmax(shrunk(quickest, before, s.n), 1), HASTE_MOST));
}

static void keep_to(const struct monitor_terms *most, struct monitor_terms *t)
{
    for (unsigned i = 0; i < MONITOR_SIGNALS; i++) {
        bool stricter = i >= SIGNAL_READ_15 ? most->ppm[i] > t->ppm[i] : most->ppm[i] < t->ppm[i];
        if (most->ppm[i] > 0 && t->ppm[i] > 0 && stricter)
            t->ppm[i] = most->ppm[i];
    }
}

void baseline_learn(const struct baseline_outcome *o, size_t n, const struct monitor_terms *prior,
                    const struct monitor_terms *most, struct monitor_terms *ret)
{
    struct monitor_terms t = *prior;
    struct sample rate[MONITOR_SIGNALS] = {0};
    t.learned_from = 0;
    for (size_t i = 0; i < n; i++) {
        rate_add(&rate[SIGNAL_OPT_OUT], o[i].sent, o[i].opted_out);
        rate_add(&rate[SIGNAL_UNDELIVERABLE], o[i].sent, o[i].undeliverable);
        rate_add(&rate[SIGNAL_COMPLAINT], o[i].sent, o[i].complained);
        for (unsigned j = 0; j < 3; j++)
            rate_add(&rate[SIGNAL_READ_60 + j], o[i].n[j], o[i].read[j]);
    }
    for (unsigned i = 0; i < MONITOR_SIGNALS; i++)
        learn_rate(&rate[i], (enum monitor_signal)i, prior, &t);
    if (prior->ppm[SIGNAL_READ_60] > 0)
        t.ppm[SIGNAL_READ_15] =
            ppm_of(prior->ppm[SIGNAL_READ_15] / MILLION * t.ppm[SIGNAL_READ_60] / prior->ppm[SIGNAL_READ_60]);
    if (prior->ppm[SIGNAL_READ_15] == 0)
        t.ppm[SIGNAL_READ_15] = 0;
    learn_haste(o, n, prior, &t);
    if (most != NULL)
        keep_to(most, &t);
    *ret = t;
}
