/* SPDX-License-Identifier: Apache-2.0
 * lag.c - counts durations by steps of about a factor of two, from 5 ms to 5 min.
 *
 * Each duration is counted in the first step it fits; the cumulated counts that Prometheus wants are made when it asks. */
#include "gateway/lag.h"

static const int64_t step_ms[LAG_STEPS] = {5, 10, 25, 50, 100, 250, 500, 1000, 2000, 5000, 10000, 30000, 60000, 300000};

void lag_note(struct lag *l, int64_t ms)
{
    int i = 0;
    ms = ms > 0 ? ms : 0;
    while (i < LAG_STEPS && ms > step_ms[i])
        i++;
    if (i < LAG_STEPS)
        atomic_fetch_add_explicit(&l->within[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&l->all, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&l->sum_ms, (uint64_t)ms, memory_order_relaxed);
}

void lag_write(struct lag *l, struct buf *out, const char *name, const char *help)
{
    uint64_t so_far = 0;
    buf_printf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
    uint64_t all = atomic_load_explicit(&l->all, memory_order_relaxed);
    for (int i = 0; i < LAG_STEPS; i++) {
        so_far += atomic_load_explicit(&l->within[i], memory_order_relaxed);
        buf_printf(out, "%s_bucket{le=\"%lld.%03lld\"} %llu\n", name, (long long)(step_ms[i] / 1000),
                   (long long)(step_ms[i] % 1000), (unsigned long long)so_far);
    }
    uint64_t sum = atomic_load_explicit(&l->sum_ms, memory_order_relaxed);
    buf_printf(out, "%s_bucket{le=\"+Inf\"} %llu\n%s_sum %llu.%03llu\n%s_count %llu\n", name, (unsigned long long)all,
               name, (unsigned long long)(sum / 1000), (unsigned long long)(sum % 1000), name, (unsigned long long)all);
}
