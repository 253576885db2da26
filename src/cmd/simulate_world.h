/* SPDX-License-Identifier: Apache-2.0
 * simulate_world.h - a whole campaign played in a moment: the real scheduler and monitors, people who are made up.
 *
 * The clock jumps from one thing that happens to the next. What is asked is what the runner asks (core/campaign_run.h,
 * core/monitor.h), by the same rules for sources (gateway/campaign_monitors.c); who answers is the sandbox's model of people
 * (sandbox/sandbox_people.h). One seed is one world: the same plan and seed end the same way, on every machine. */
#ifndef WL_CMD_SIMULATE_WORLD_H
#define WL_CMD_SIMULATE_WORLD_H

#include "core/campaign_run.h"
#include "sandbox/sandbox_people.h"

#define SIM_PEOPLE_MAX 2000000
#define SIM_ZONES      16
#define SIM_STRATA     PEOPLE_GROUPS
#define SIM_DAYS       FORECAST_DAYS /* it is given up then */
#define SIM_MOMENTS    400           /* of the timeline; later ones are counted */

struct sim_plan {
    struct people_model people; /* its groups are sources of people, with their shares */
    struct monitor_terms terms;
    bool unwatched; /* nothing holds or stops it: for comparison */
    struct forecast_people zone[SIM_ZONES];
    char zone_name[SIM_ZONES][48];
    size_t n_zones;
    bool has_hours;
    struct hours hours;
    /* people, ramp, per_second, a_day, used, start_at, deadline; its groups and hours are set by sim_plan_ready() */
    struct forecast_terms terms_of;
    int64_t now; /* when it is started */
};
void sim_plan_ready(struct sim_plan *p); /* once, after everything else is set; p stays where it is */

enum sim_what {
    SIM_STAGE,
    SIM_HOLD,
    SIM_GO_ON,
    SIM_STOP,
    SIM_QUARANTINE,
    SIM_SOURCE_HELD,
    SIM_SOURCE_FREED,
    SIM_FINISH,
    SIM_LATE,
    SIM_GIVEN_UP
};
struct sim_moment {
    int64_t at;
    enum sim_what what;
    int64_t reached, target; /* people sent to; of the stage */
    int64_t until;           /* of a hold; 0: somebody has to */
    size_t stratum;          /* of a source */
    int64_t stratum_reached;
    char why[240];
};

enum sim_end { SIM_FINISHED, SIM_STOPPED, SIM_DEADLINE, SIM_UNFINISHED };
struct sim_counts {
    int64_t sent, read, opted_out, complained, undeliverable, held_back, replied;
};
struct sim_result {
    uint64_t seed;
    enum sim_end end;
    int64_t end_at;
    int64_t reached;         /* people sent to */
    int64_t held_reached;    /* at the first hold of the whole; -1: there was none */
    int64_t stopped_reached; /* -1: not stopped */
    int64_t too_late;        /* people at the door when the deadline came: they get nothing */
    int64_t left_out;        /* people of sources that were isolated */
    size_t holds;
    struct sim_counts all, stratum[SIM_STRATA]; /* what all those reached do in the end, seen or not */
    int64_t isolated_at[SIM_STRATA], isolated_reached[SIM_STRATA]; /* 0: it was not */
    struct sim_moment moment[SIM_MOMENTS];
    size_t n_moments, more_moments;
};

/* How it stands, about once a simulated minute, for whoever watches. */
struct sim_view {
    int64_t now;
    const struct campaign_progress *p;
    const struct monitor_verdict *v;
    const struct sim_result *so_far;
    const char *why; /* of the last answer */
};
typedef void (*sim_watch_fn)(void *ctx, const struct sim_view *v);

/* One run. Aborts without memory, like the sandbox. watch may be NULL. */
void sim_run(const struct sim_plan *p, uint64_t seed, struct sim_result *ret, sim_watch_fn watch, void *ctx);

#endif
