/* SPDX-License-Identifier: Apache-2.0
 * campaign_run.h - what a campaign does now, or when it is to be asked again: a pure scheduler.
 *
 * Asked with how far it is, what its monitors say and what the time is, it answers "hand so many more people to the door", "wait until then,
 * because", "hold", "go on", "stop" or "finished". The runner and the simulator drive the same function. It reads no clock and does no
 * I/O. Source of the ramps: methods topic 3.
 *
 * STANDARD: 200 people, three times as many 30 min after the last of a stage was sent; not beyond clamp(2 % of all, 500, 5,000) before 150 are
 * 4 h old. CAREFUL: the same with 60 min and 24 h. FAST: 500, four times, 20 min, no gate. */
#ifndef WL_CORE_CAMPAIGN_RUN_H
#define WL_CORE_CAMPAIGN_RUN_H

#include "core/campaign.h"
#include "core/monitor.h"

struct ramp_terms {
    int64_t first, times, pause_ms;
    int64_t gate_age_ms, gate_people; /* 0: no gate */
    int64_t gate_permille, gate_least, gate_most;
};
extern const struct ramp_terms ramp_terms[RAMP_FAST + 1];

/* How far it is. Filled by whoever asks, before each question. */
struct campaign_progress {
    enum campaign_state state; /* RUNNING or HELD */
    enum campaign_cause cause;
    enum ramp_kind ramp;
    int64_t people;            /* that are to get a message */
    int64_t handed;            /* to the door so far */
    int64_t open;              /* of them, whose message has not come to its end */
    int64_t sent;              /* of them, that Meta took */
    int64_t old_enough;        /* of those, sent at least gate_age_ms ago */
    int64_t last_sent_at;      /* ms; 0 never */
    int64_t target, target_at; /* of the stage */
    int64_t start_at, deadline, max_lateness, started_at;
    int64_t beat_at;                       /* when it was last asked, in this life or another */
    int64_t resume_at;                     /* of a hold of its own */
    int64_t per_second;                    /* messages its numbers may send together; 0 not known */
    const struct monitor_verdict *monitor; /* of the whole; NULL: none yet */
};

enum campaign_step_kind { RUN_HAND, RUN_WAIT, RUN_HOLD, RUN_GO_ON, RUN_STOP, RUN_FINISH };
struct campaign_step {
    enum campaign_step_kind kind;
    int64_t n;                 /* HAND: people */
    int64_t at;                /* WAIT, and after HAND: when to ask again, ms */
    int64_t target, target_at; /* as they are from now on */
    enum campaign_cause cause; /* HOLD, STOP */
    int64_t resume_at;         /* HOLD: when it goes on by itself if nothing else says no; 0: somebody has to */
    char why[200];             /* for people: why waiting, holding or stopped */
};
#define CAMPAIGN_GAP_MS 3600000 /* the runner was away for longer: somebody has to look (CAUSE_GAP) */
#define CAMPAIGN_AHEAD_MS                                                                                              \
    4000 /* at the door at once: what the numbers send in this time, at least CAMPAIGN_AHEAD_LEAST */
#define CAMPAIGN_AHEAD_LEAST 64
void campaign_step(const struct campaign_progress *p, int64_t now, struct campaign_step *ret);

/* --- how long it will take (core/campaign_forecast.c) --------------------------------------------------------------- */

struct forecast_people { /* people with the same hours */
    struct whereabouts where;
    int64_t n;
};
struct forecast_terms {
    enum ramp_kind ramp;
    int64_t people, start_at, deadline;
    const struct forecast_people *group;
    size_t n_groups;
    const struct hours *hours; /* the campaign's own and the rules' together, most strict; NULL: none */
    const struct hours *quiet; /* open hours by the rules; NULL: none */
    int64_t per_second;        /* of all its numbers; what others need is taken off */
    int64_t a_day, used;       /* people the portfolio may reach in 24 h (0 without limit), used by now */
};
struct forecast {
    int64_t first_at, done_at;  /* ms; done_at 0: not within the horizon of 30 days */
    int64_t by_deadline;        /* people that can have it by then; all, when there is none */
    int64_t each_hour[24 * 30]; /* people sent to, from start_at on */
    char why[3][160];           /* what makes it take so long, most weighty first; "" after the last */
};
void campaign_forecast(const struct forecast_terms *t, int64_t now, struct forecast *ret);

#endif
