/* SPDX-License-Identifier: Apache-2.0
 * campaigns.h - campaigns that are under way: the runner, and what everybody else asks of it.
 *
 * One thread owns the clocks of all campaigns. It asks core/campaign_run.h what each does now, hands its next people to the one door, and
 * writes what changes. What the door, the dispatcher and the projector have to know is a small immutable table swapped by pointer,
 * published before the transaction that a person waits for is answered: a campaign that was paused or stopped hands nothing on, and what of it
 * waits in the outbox is held or refused by the rule campaign.monitor in its turn. */
#ifndef WL_GATEWAY_CAMPAIGNS_H
#define WL_GATEWAY_CAMPAIGNS_H

#include "core/campaign.h"
#include "gateway/gateway_impl.h"
#include "store/campaigns.h"

struct campaigns;

int campaigns_start(struct campaigns **ret, struct gateway *g, struct err *e); /* reads the table, then runs */
void campaigns_stop(struct campaigns *c); /* no step is under way afterwards; accepts NULL, like the rest */
void campaigns_free(struct campaigns *c);
/* Something about campaigns (or a template, number or account they use) was committed: the table is read again and each is asked at
 * once. Any thread. */
void campaigns_ring(struct campaigns *c);

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
/* False: it is over for long, or not known. */
bool campaigns_now(struct campaigns *c, int64_t campaign, int stratum, struct campaign_now *ret);

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
