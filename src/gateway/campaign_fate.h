/* SPDX-License-Identifier: Apache-2.0
 * campaign_fate.h - what became of one person of a campaign's audience, in the words a report and a list share.
 *
 * A figure of a report and the rows behind it come from the same function: who counts is who is listed. Some figures hold each other
 * (somebody who read it also got it); each person has exactly one outcome. */
#ifndef WL_GATEWAY_CAMPAIGN_FATE_H
#define WL_GATEWAY_CAMPAIGN_FATE_H

#include "store/campaigns.h"

enum campaign_figure {
    FIGURE_AUDIENCE, /* everybody the segment meant */
    FIGURE_SKIPPED,  /* outcome: the check found that they get nothing */
    FIGURE_CHOSEN,   /* they are to get a message */
    FIGURE_PENDING,  /* outcome: their turn has not come; of one that is over: it never did */
    FIGURE_GONE, /* outcome: their turn came and they were nobody any more: erased, or one person with another recipient */
    FIGURE_HANDED,    /* to the door */
    FIGURE_REFUSED,   /* outcome: by a rule, when their turn came */
    FIGURE_WAITING,   /* outcome: with the door; a rule or a limit holds it */
    FIGURE_SENDING,   /* outcome: on its way to Meta */
    FIGURE_IN_DOUBT,  /* outcome: no answer; whether Meta has it is being found out, or never was */
    FIGURE_SUBMITTED, /* Meta took it */
    FIGURE_AWAITING,  /* outcome: Meta has it and has not said that it arrived */
    FIGURE_DELIVERED, /* outcome, unless read */
    FIGURE_READ,      /* outcome */
    FIGURE_FAILED,    /* outcome: Meta refused it, or could not deliver it; `code` */
    FIGURE_EXPIRED,   /* outcome: not sent, or not delivered, while it was worth something */
    FIGURE_CANCELLED, /* outcome: taken back before it was sent */
    FIGURE_REPLIED,
    FIGURE_CLICKED,
    FIGURE_OPTED_OUT,
    FIGURE_COMPLAINED,
    CAMPAIGN_FIGURES
};
const char *campaign_figure_word(enum campaign_figure f);   /* "submitted": what ?status= takes */
const char *campaign_figure_label(enum campaign_figure f);  /* "Submitted to WhatsApp" */
const char *campaign_outcome_label(enum campaign_figure f); /* of an outcome: "Delivered, not read" */
bool campaign_figure_parse(struct str word, enum campaign_figure *ret);

/* Bits 1 << figure. cur: the campaign's cursor, 0 none. */
uint32_t campaign_figures(const struct recipient_fate *f, int64_t cur, int64_t now);
enum campaign_figure campaign_outcome_of(uint32_t figures);

/* Which rows are meant; what is not set asks nothing. */
struct fate_filter {
    uint32_t figures, outcomes; /* one of them is enough; 0 any */
    struct str
        rule; /* of one who was skipped; p NULL any. That of a message stands in its decision: the caller asks there */
    int skip; /* enum campaign_skip; 0 any */
    int code; /* of one that failed; 0 any */
    int source, variant; /* -1 any */
    int64_t number;      /* 0 any */
    struct str language; /* p NULL any */
};
bool campaign_fate_fits(const struct recipient_fate *f, uint32_t figures, const struct fate_filter *q);
/* The number it went out from, or is to. */
static inline int64_t campaign_fate_number(const struct recipient_fate *f)
{
    return f->m.id != 0 ? f->m.sender : f->r.sender;
}

#endif
