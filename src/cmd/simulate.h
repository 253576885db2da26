/* SPDX-License-Identifier: Apache-2.0
 * simulate.h - `wayleave simulate`: what its files share.
 *
 * simulate.c reads what is asked for and plays it; simulate_plan.c reads the plan, from options or from a campaign of a gateway;
 * simulate_show.c lays out the answer, simulate_live.c shows a run while it goes. */
#ifndef WL_CMD_SIMULATE_H
#define WL_CMD_SIMULATE_H

#include "cmd/command.h"
#include "cmd/simulate_world.h"

#define SIM_RUNS_MAX 10000

struct sim_job {
    struct sim_plan plan;
    uint64_t seed;
    size_t runs;
    char name[140]; /* of the campaign it is about; "": of options alone */
};

extern const struct option simulate_options[];
/* An exit status, after having said why. sim_job_done() it in either case. */
int sim_job_read(struct sim_job *j, const struct args *a);
void sim_job_done(struct sim_job *j);

/* What is kept of one run among many. */
struct sim_short {
    enum sim_end end;
    int64_t reached, held_reached, stopped_reached, took, opted_out, undeliverable;
    int64_t isolated_reached[SIM_STRATA]; /* -1: it was not */
};
struct sim_answer {
    const struct sim_job *job;
    struct forecast forecast;
    struct sim_result first; /* of the first seed: its timeline is told */
    struct sim_short *run;
    size_t n;
};
void sim_show(const struct sim_answer *v);      /* for a person */
int sim_show_json(const struct sim_answer *v);  /* an exit status */
const char *sim_end_name(enum sim_end e);       /* "finished", "stopped", "deadline", "unfinished" */
const char *sim_ramp_name(enum ramp_kind r);    /* "standard", ... */
const char *sim_span(int64_t ms, char out[32]); /* "5 h 54 min" */
/* The q-th (0..1) of n values, sorted in place. */
int64_t sim_quantile(int64_t *v, size_t n, double q);

/* simulate_live.c: a page that is drawn over itself while one run goes, in a few seconds of real time. */
struct sim_live;
struct sim_live *sim_live_begin(const struct sim_job *j); /* NULL: nobody looks */
void sim_live_watch(void *live, const struct sim_view *v);
void sim_live_end(struct sim_live *l); /* accepts NULL */

#endif
