/* SPDX-License-Identifier: Apache-2.0
 * monitor_world.h - people who get a campaign, as assumed: how many read it, leave, complain or cannot be reached, and when.
 *
 * Readings come as a mixture of 35 % lognormal(5 min, sigma 1) and 65 % lognormal(120 min, sigma 1.3); opt-outs and complaints follow readings;
 * what cannot be delivered comes back within a minute. Each campaign draws its own rates and its own speed from a population. B is what a sender
 * with a calibrated baseline has; A is a sender of whom nothing is known. Where the source gives no spread (undeliverable and complaints in A) it is the one
 * that leads to its tolerated rates.
 *
 * Random numbers are splitmix64 by seed; binomials are Hörmann's BTRS, and counted out where they are small. */
#ifndef WL_TESTS_MONITOR_WORLD_H
#define WL_TESTS_MONITOR_WORLD_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/monitor.h"

struct dice {
    uint64_t state;
};

static inline uint64_t dice_u64(struct dice *d)
{
    uint64_t z = d->state += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static inline double dice_unit(struct dice *d) /* in (0, 1) */
{
    return ((double)(dice_u64(d) >> 12) + 0.5) * 0x1p-52;
}

static inline double dice_normal(struct dice *d)
{
    double u = dice_unit(d), v = dice_unit(d);
    return sqrt(-2 * log(u)) * cos(6.283185307179586 * v);
}

static inline double stirling_rest(double k)
{
    static const double small[] = {0.0810614667953272,  0.0413406959554092, 0.0276779256849983, 0.02079067210376509,
                                   0.0166446911898211,  0.0138761288230707, 0.0118967099458917, 0.0104112652619720,
                                   0.00925546218271273, 0.00833056343336287};
    if (k < 10)
        return small[(int)k];
    double next = k + 1, square = next * next;
    return (1.0 / 12 - (1.0 / 360 - 1.0 / 1260 / square) / square) / next;
}

/* n * p >= 10, p <= 0.5 */
static inline int64_t binomial_large(struct dice *d, double n, double p)
{
    double sd = sqrt(n * p * (1 - p)), b = 1.15 + 2.53 * sd, a = -0.0873 + 0.0248 * b + 0.01 * p, c = n * p + 0.5;
    double vr = 0.92 - 4.2 / b, r = p / (1 - p), alpha = (2.83 + 5.1 / b) * sd, m = floor((n + 1) * p);
    for (;;) {
        double u = dice_unit(d) - 0.5, v = dice_unit(d), us = 0.5 - fabs(u), k = floor((2 * a / us + b) * u + c);
        if (k < 0 || k > n)
            continue;
        if (us >= 0.07 && v <= vr)
            return (int64_t)k;
        double bound = (m + 0.5) * log((m + 1) / (r * (n - m + 1))) + (n + 1) * log((n - m + 1) / (n - k + 1)) +
                       (k + 0.5) * log(r * (n - k + 1) / (k + 1)) + stirling_rest(m) + stirling_rest(n - m) -
                       stirling_rest(k) - stirling_rest(n - k);
        if (log(v * alpha / (a / (us * us) + b)) <= bound)
            return (int64_t)k;
    }
}

static inline int64_t binomial(struct dice *d, int64_t n, double p)
{
    if (n <= 0 || p <= 0)
        return 0;
    if (p >= 1)
        return n;
    if (p > 0.5)
        return n - binomial(d, n, 1 - p);
    if ((double)n * p >= 10)
        return binomial_large(d, (double)n, p);
    int64_t k = 0;
    double none = log1p(-p), at = 0;
    for (;; k++) { /* from one event to the next */
        at += floor(log(dice_unit(d)) / none) + 1;
        if (at > (double)n)
            return k;
    }
}

/* ---- one campaign's people ---- */

struct people {
    double opt_out, undeliverable, complaint, read;
    double slow; /* all delays are multiplied by this */
};

struct population {
    const char *name;
    double opt_out, opt_out_cv, undeliverable, undeliverable_cv, complaint, complaint_cv, read, read_sd, speed_sigma;
    struct monitor_terms terms;
};

/* The tolerated rates are the 99.5 % and 0.5 % quantiles of these; the reading at 4 h of B is the one behind the printed stop lines (72 of 200, 251 of
 * 600). A's are as shipped. */
static __attribute__((unused))
const struct population population_b = {"B",
                                        0.0020,
                                        0.35,
                                        0.03,
                                        0.30,
                                        0.0003,
                                        0.50,
                                        0.75,
                                        0.03,
                                        0.2,
                                        {{4500, 61000, 900, 196000, 331000, 505000, 659000}, 100, 1700}};
static __attribute__((unused))
const struct population population_a = {"A",
                                        0.0020,
                                        0.50,
                                        0.03,
                                        0.40,
                                        0.0003,
                                        0.60,
                                        0.75,
                                        0.06,
                                        0.5,
                                        {{6000, 75000, 1100, 80000, 180000, 360000, 560000}, 0, 3600}};

static inline double lognormal(struct dice *d, double mean, double cv)
{
    double sigma = sqrt(log1p(cv * cv));
    return fmin(0.999, mean * exp(sigma * dice_normal(d) - sigma * sigma / 2));
}

static inline struct people people_draw(struct dice *d, const struct population *p)
{
    struct people w;
    w.opt_out = lognormal(d, p->opt_out, p->opt_out_cv);
    w.undeliverable = lognormal(d, p->undeliverable, p->undeliverable_cv);
    w.complaint = lognormal(d, p->complaint, p->complaint_cv);
    w.read = fmin(0.999, fmax(0.001, p->read + p->read_sd * dice_normal(d)));
    w.slow = exp(p->speed_sigma * dice_normal(d));
    return w;
}

/* ---- when ---- */

static inline double normal_below(double z)
{
    return 0.5 * erfc(-z * M_SQRT1_2);
}

static inline double came_within(double minutes, double slow)
{
    double t = minutes / slow;
    return 0.35 * normal_below(log(t / 5)) + 0.65 * normal_below(log(t / 120) / 1.3);
}

static inline double delay_draw(struct dice *d, double slow) /* minutes */
{
    bool soon = dice_unit(d) < 0.35;
    return slow * (soon ? 5 * exp(dice_normal(d)) : 120 * exp(1.3 * dice_normal(d)));
}

#endif
