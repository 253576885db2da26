/* SPDX-License-Identifier: Apache-2.0
 * monitor.c - what a look at a campaign costs: all seven tests and their stop lines, by the number of minutes it has sent in, beside the plain way.
 *
 * The plain way is the formula as printed: each test by itself goes through the minutes, the curve is computed with erfc, and the stop line is
 * found by trying one number after the other. Its answers are compared. The best of five turns counts.
 *
 *     build/bench/monitor */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "core/monitor.h"

#define TURNS  5
#define MINUTE INT64_C(60000)
#define NOW    (INT64_C(29000000) * MINUTE)
#define MOST   4320

static double seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static void fill(struct monitor_cohort *c, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        uint32_t sent = 60;
        c[i] = (struct monitor_cohort){.minute = NOW / MINUTE - (int64_t)(n - i), .sent = sent};
        c[i].opted_out = i % 9 == 0;
        c[i].undeliverable = 2;
        c[i].complained = i % 60 == 0;
        c[i].read_15 = 15, c[i].read_60 = 24, c[i].read_240 = 36, c[i].read_1440 = 44;
    }
}

/* ---- the plain way ---- */

static double plain_e(bool reads, double q, int64_t n, int64_t k)
{
    static const double more[6] = {1.5, 2, 3, 5, 8, 15}, fewer[6] = {0.9, 0.8, 0.7, 0.55, 0.4, 0.2};
    double v[6], most = -INFINITY, sum = 0;
    for (int i = 0; i < 6; i++) {
        double rate = fmin((reads ? fewer : more)[i] * q, 0.95);
        v[i] = (double)k * log(rate / q) + (double)(n - k) * log((1 - rate) / (1 - q));
        most = fmax(most, v[i]);
    }
    for (int i = 0; i < 6; i++)
        sum += exp(v[i] - most);
    return most + log(sum / 6);
}

static double plain_curve(double minutes)
{
    return minutes <= 0 ? 0
                        : 0.175 * erfc(-log(minutes / 5) / sqrt(2)) + 0.325 * erfc(-log(minutes / 120) / 1.3 / sqrt(2));
}

static int64_t plain_line(const struct monitor_terms *t, enum monitor_signal s, const struct monitor_cohort *c,
                          size_t n, double *exposed)
{
    static const int64_t ages[MONITOR_SIGNALS] = {-1, -1, -1, 15, 60, 240, 1440};
    static const double budget[MONITOR_SIGNALS] = {0.004, 0.002, 0.001, 0.001, 0.001, 0.001, 0.001};
    bool reads = s >= SIGNAL_READ_15;
    int64_t people = 0, k = 0;
    for (size_t i = 0; i < n; i++) {
        int64_t age = NOW / MINUTE - c[i].minute - 1;
        people += age >= ages[s] ? c[i].sent : 0;
        *exposed += reads ? 0 : c[i].sent * plain_curve((double)age);
    }
    if (s == SIGNAL_READ_15 || people == 0)
        return -1;
    double q = t->ppm[s] / 1e6, trip = -log(budget[s]);
    if (reads) {
        while (plain_e(true, q, people, k) >= trip)
            k++;
        return k - 1;
    }
    while (k <= people && plain_e(false, q, people, k) < trip)
        k++;
    return k <= people ? k : -1;
}

static double time_of(bool plain, const struct monitor_cohort *c, size_t n, int64_t line[MONITOR_SIGNALS])
{
    double best = INFINITY, exposed = 0;
    int rounds = plain ? 4 : 2000;
    for (int turn = 0; turn < TURNS; turn++) {
        double begun = seconds();
        for (int i = 0; i < rounds; i++) {
            struct monitor_verdict v;
            if (!plain)
                monitor_look(&monitor_shipped, c, n, NOW + i, &v);
            for (unsigned s = 0; s < MONITOR_SIGNALS; s++)
                line[s] = plain ? plain_line(&monitor_shipped, (enum monitor_signal)s, c, n, &exposed)
                                : v.reading[s].stop_line;
        }
        best = fmin(best, (seconds() - begun) / rounds);
    }
    return exposed < 0 ? 0 : best;
}

int main(void)
{
    static const size_t sizes[] = {1, 10, 60, 300, 1440, MOST};
    static struct monitor_cohort c[MOST];
    printf("minutes     look us   plain us   times\n");
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        int64_t ours[MONITOR_SIGNALS], plain[MONITOR_SIGNALS];
        fill(c, sizes[i]);
        double a = time_of(false, c, sizes[i], ours), b = time_of(true, c, sizes[i], plain);
        printf("%7zu %11.2f %10.1f %7.0f\n", sizes[i], a * 1e6, b * 1e6, b / a);
        for (unsigned s = 0; s < MONITOR_SIGNALS; s++)
            if (ours[s] != plain[s]) {
                printf("%s: the stop line is %lld, the plain way says %lld\n",
                       monitor_signal_name((enum monitor_signal)s), (long long)ours[s], (long long)plain[s]);
                return 1;
            }
    }
    return 0;
}
