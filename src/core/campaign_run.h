/* SPDX-License-Identifier: Apache-2.0
 * campaign_run.h - what a campaign does now, or when it is to be asked again: a pure scheduler.
 *
 * Asked with how far it is, what its monitors say and what the time is, it answers "hand so many more people to the door",
 * "wait until then, because", "hold", "go on", "stop" or "finished". The runner and the simulator drive the same function. It
 * reads no clock and does no I/O. Source of the ramps: methods topic 3.
 *
 * STANDARD: 200 people, three times as many 30 min after the last of a stage was sent; not beyond clamp(2 % of all, 500,
 * 5,000) before 150 are 4 h old. CAREFUL: the same with 60 min and 24 h. FAST: 500, four times, 20 min, no gate. People whose
 * hours are closed are with the door but not sent to: a stage allows three times as many as were sent to, so what a morning
 * lets go at once is no more than a stage.
 *
 * A hold of the monitor lasts at least the pause of the ramp and ends when the monitor says so. If it still says "hold" once
 * nearly all reactions are there (gate_age_ms after the last was sent), nothing more can be learned by waiting: a first stage
 * more is sent, after which it is held again, goes on or is stopped. What the monitor stops is held without an end: only a
 * person lets it go on, and then ramp and monitors begin anew. RUN_STOP is for what is over for good. */
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
    int64_t people; /* that are to get a message */
    int64_t handed; /* to the door so far */
    int64_t open;   /* of them, whose message was neither taken by Meta nor given up */
    /* Of the open ones, that the door holds until a later time: quiet hours, limits. They take no place at the door.
     * 0 where nobody counts them: then the rest waits behind them. */
    int64_t waiting;
    int64_t sent;         /* of those handed, that Meta took */
    int64_t old_enough;   /* of those, sent at least gate_age_ms ago, and since the ramp began (anew) */
    int64_t last_sent_at; /* ms; 0 never */
    /* Handed and sent when a person let it go on after its monitor had held it: there the ramp begins anew, with target 0. */
    int64_t base, base_sent;
    int64_t target, target_at; /* as the last step said; 0 before the first */
    int64_t lenient;           /* as the last step said; where that is forgotten 0: then it is held once more */
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
    int64_t target;            /* of the stage: people that may be handed to the door, from now on */
    int64_t target_at;         /* since when enough of the stage is sent for the next one, ms; 0: it is not */
    int64_t lenient;           /* people that may be handed although the monitor would hold: a hold was slept over */
    enum campaign_cause cause; /* HOLD, STOP */
    int64_t resume_at; /* HOLD: when it goes on by itself if nothing else says no; 0: only a person can let it */
    char why[200];     /* for people: why waiting, holding or stopped */
};
#define CAMPAIGN_GAP_MS 3600000 /* the runner was away for longer: somebody has to look (CAUSE_GAP) */
/* At the door at once: what the numbers send in this time, at least so many; and beside them who waits for a later hour. */
#define CAMPAIGN_AHEAD_MS     4000
#define CAMPAIGN_AHEAD_LEAST  64
#define CAMPAIGN_WAITING_MOST 1000000  /* less makes a campaign over several zones wait for its sleepers */
#define CAMPAIGN_LOOK_MS      60000    /* it is asked at least this often, whatever it waits for: it beats meanwhile */
#define CAMPAIGN_RIPE_MS      14400000 /* of a ramp without gate: most reactions are there after so long */
void campaign_step(const struct campaign_progress *p, int64_t now, struct campaign_step *ret);

/* --- how long it will take (core/campaign_forecast.c) ------------------------------------------------------------- */

struct forecast_people { /* people with the same hours */
    struct whereabouts where;
    int64_t n;
    const char *name; /* "BR", for the reasons; NULL: no name */
};
struct forecast_terms {
    enum ramp_kind ramp;
    int64_t people, start_at, deadline;
    const struct forecast_people *group;
    size_t n_groups;
    const struct hours *hours; /* the campaign's own; NULL: none */
    const struct hours *quiet; /* by the rules; NULL: none. Open is when both are */
    int64_t per_second;        /* of all its numbers; what others need is taken off */
    int64_t a_day;             /* people the portfolio may reach in 24 h, what is reserved taken off; 0 without limit */
    int64_t used;              /* of these, by now */
};
#define FORECAST_GROUPS_MAX 64 /* people of more are counted with the last */
#define FORECAST_DAYS       30
struct forecast {
    int64_t first_at, done_at; /* ms, from now on; done_at 0: not within 30 days */
    int64_t by_deadline;       /* people that can have it by then; all, when there is none and it gets done */
    int64_t each_hour[24 * FORECAST_DAYS]; /* people sent to, from start_at on */
    char why[3][160];                      /* what makes it take so long, most weighty first; "" after the last */
};
void campaign_forecast(const struct forecast_terms *t, int64_t now, struct forecast *ret);
/* "14,200 of 80,000 people cannot be sent to before Tue 24 Nov 14:10 UTC because of the limit of 10,000 people in 24 h;
 * the hours of people in BR"; false: everybody can, nothing is said. */
bool campaign_forecast_lack(const struct forecast_terms *t, const struct forecast *f, char *out, size_t size);

#endif
