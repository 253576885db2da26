/* SPDX-License-Identifier: Apache-2.0
 * campaigns.h - campaigns that are under way: the runner, and what everybody else asks of it.
 *
 * One thread owns the clocks of all campaigns. It asks core/campaign_run.h what each does now, hands its next people to the one door, and
 * writes what changes. What the door, the dispatcher and the projector have to know is a small immutable table swapped by pointer,
 * published before the transaction that a person waits for is answered: a campaign that was paused or stopped hands nothing on, and what of it
 * waits in the outbox is held or refused by the rule campaign.monitor in its turn. */
#ifndef WL_GATEWAY_CAMPAIGNS_H
#define WL_GATEWAY_CAMPAIGNS_H

#include "core/campaign_run.h"
#include "gateway/gateway_impl.h"
#include "store/campaigns.h"

struct campaigns;

/* Reads the table; before anything is judged. */
int campaigns_start(struct campaigns **ret, struct gateway *g, struct err *e);
int campaigns_run(struct campaigns *c,
                  struct err *e);         /* the threads begin; when the door and the dispatcher are there */
void campaigns_stop(struct campaigns *c); /* no step is under way afterwards; accepts NULL, like the rest */
void campaigns_free(struct campaigns *c);
/* Something about campaigns was committed: the table is read again before this returns, and each is asked at once. Any thread but the
 * writer's two, never inside a transaction; accepts NULL. */
void campaigns_ring(struct campaigns *c);
/* What the runner found when it looked at a campaign last. Any thread. */
struct campaign_look {
    int64_t at;
    enum campaign_step_kind kind;
    int64_t next_at;       /* when it looks again at the latest */
    char why[200];         /* as struct campaign_step has it */
    int64_t per_second;    /* messages its numbers may send together */
    int64_t open, waiting; /* messages with the door, and of those that wait for a later time */
    struct monitor_terms terms;
    struct monitor_verdict verdict; /* of the sources that go on */
    int64_t since;                  /* monitors count people sent to from then on; 0 all */
};
/* False: it is not followed, or was not looked at in this life. c may be NULL. */
bool campaigns_look(struct campaigns *c, int64_t campaign, struct campaign_look *ret);
/* For /metrics. */
void campaigns_metrics(struct campaigns *c, struct buf *out);

/* --- for the door and the dispatcher; any thread -------------------------------------------------------------------- */

struct campaign_now {
    int64_t id;
    enum campaign_state state;
    int64_t latest; /* ms; 0 never */
    bool has_hours;
    struct hours hours;
    uint32_t weight;  /* 1 for one that is not in the table */
    bool quarantined; /* the stratum that was asked for */
};
/* False: it is over for long, or not known. c may be NULL. */
bool campaigns_now(struct campaigns *c, int64_t campaign, int stratum, struct campaign_now *ret);

/* When the database was last found to be an older copy that was put back, or another machine's (campaign_beat.c); 0 never. What was approved
 * before then and has not begun may have been sent since: it has to be approved anew. */
int campaigns_copied_at(struct store *s, int64_t *ret, struct err *e);

/* --- acts (campaign_acts.c): in the writer's transaction ------------------------------------------------------------- */

struct campaign_order {
    enum campaign_act act;
    struct str actor; /* who; "runner" for itself */
    struct str detail;
    enum campaign_cause cause; /* HOLD, STOP */
    int64_t resume_at;         /* HOLD */
    int stratum;               /* QUARANTINE, RELEASE */
    bool after_gap;            /* RESUME: whoever asks knows that it was away (CAUSE_GAP) */
    struct str plan; /* APPROVE: hash of the plan that is approved, hexadecimal; must be the one that was checked */
};
/* Does it to the campaign: state, event, leaf; *c is the row as saved. WL_EDENIED with a sentence: it may not be done now, or needs a second
 * person; nothing was written. The caller rings the runner after the commit. */
int campaign_do(struct gateway *g, struct store *s, struct campaign_row *c, const struct campaign_order *o, int64_t now,
                struct err *e);

#endif
