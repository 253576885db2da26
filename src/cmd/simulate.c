/* SPDX-License-Identifier: Apache-2.0
 * simulate.c - `wayleave simulate`: what a campaign would do, before anybody gets anything.
 *
 * One run is told as a timeline, many as what happened in half and in 95 of 100 of them. Beside it stands what the forecast
 * says, which knows of no holds. Nothing is sent, and no gateway is needed unless a campaign is named. */
#include "cmd/simulate.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cmd/progress.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

#define MINUTE INT64_C(60000)

const char *sim_end_name(enum sim_end e)
{
    static const char *const names[] = {"finished", "stopped", "deadline", "unfinished"};
    return names[e];
}

const char *sim_ramp_name(enum ramp_kind r)
{
    static const char *const names[] = {"standard", "careful", "fast"};
    return (unsigned)r <= RAMP_FAST ? names[r] : "";
}

const char *sim_span(int64_t ms, char out[32])
{
    int64_t minutes = (ms + MINUTE / 2) / MINUTE;
    if (ms < MINUTE)
        snprintf(out, 32, "%lld s", (long long)(ms / 1000));
    else if (minutes < 60)
        snprintf(out, 32, "%lld min", (long long)minutes);
    else if (minutes < 2880)
        snprintf(out, 32, "%lld h %02lld min", (long long)(minutes / 60), (long long)(minutes % 60));
    else
        snprintf(out, 32, "%lld d %lld h", (long long)(minutes / 1440), (long long)(minutes / 60 % 24));
    return out;
}

static int compare(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return (*x > *y) - (*x < *y);
}

int64_t sim_quantile(int64_t *v, size_t n, double q)
{
    if (n == 0)
        return -1;
    qsort(v, n, sizeof *v, compare);
    size_t at = (size_t)(q * (double)n);
    return v[at < n ? at : n - 1];
}

static void keep(struct sim_short *to, const struct sim_job *j, const struct sim_result *r)
{
    *to = (struct sim_short){.end = r->end,
                             .reached = r->reached,
                             .held_reached = r->held_reached,
                             .stopped_reached = r->stopped_reached,
                             .took = r->end_at - j->plan.now,
                             .opted_out = r->all.opted_out,
                             .undeliverable = r->all.undeliverable};
    for (size_t g = 0; g < SIM_STRATA; g++)
        to->isolated_reached[g] = r->isolated_at[g] != 0 ? r->isolated_reached[g] : -1;
}

static void play(struct sim_answer *v, const struct args *a)
{
    const struct sim_job *j = v->job;
    struct sim_result *r = malloc(sizeof *r);
    bool page = j->runs == 1 && !args_has(a, "json") && !args_has(a, "quiet") && isatty(STDOUT_FILENO);
    struct sim_live *live = page ? sim_live_begin(j) : NULL;
    struct progress bar;
    if (r == NULL)
        abort();
    progress_begin(&bar, "runs", args_has(a, "quiet"));
    sim_run(&j->plan, j->seed, &v->first, live != NULL ? sim_live_watch : NULL, live);
    keep(&v->run[0], j, &v->first);
    for (size_t i = 1; i < j->runs; i++) {
        progress_tell(&bar, i, j->runs, i);
        sim_run(&j->plan, j->seed + i, r, NULL, NULL);
        keep(&v->run[i], j, r);
    }
    progress_end(&bar);
    sim_live_end(live);
    free(r);
}

int simulate_run(const struct args *a)
{
    static struct sim_job j;
    static struct sim_answer v;
    int rc = sim_job_read(&j, a);
    if (rc == CMD_OK) {
        v.job = &j;
        v.n = j.runs;
        if ((v.run = calloc(j.runs, sizeof *v.run)) == NULL)
            abort();
        campaign_forecast(&j.plan.terms_of, j.plan.now, &v.forecast);
        play(&v, a);
        rc = args_has(a, "json") ? sim_show_json(&v) : CMD_OK;
        if (!args_has(a, "json"))
            sim_show(&v);
        rc = cmd_finish(rc);
        free(v.run);
    }
    sim_job_done(&j);
    return rc;
}
