/* SPDX-License-Identifier: Apache-2.0
 * campaign.c - the states of a campaign and what may be done in each, as one table; and the words for all of it.
 *
 * A row is an act, with the state it leads to from each state; nothing there: it may not be done. What is refused is answered with what
 * may be done instead, taken from the same table. Who may do it, and whether a check is under way just then, is not known here. */
#include "core/campaign.h"

#include "core/campaign_say.h"

#define STATES (CAMPAIGN_CANCELLED + 1)
#define ACTS   (CAMPAIGN_ACT_REPEAT + 1)

static const char *const state_words[STATES] = {"",     "draft",    "checked", "approved", "running",
                                                "held", "finished", "stopped", "cancelled"};

static const char *const cause_words[] = {"",        "person", "monitor", "template", "number",
                                          "account", "gap",    "late",    "ramp"};

static const char *const skip_words[] = {"none",     "rule",   "hold_out", "parameter",
                                         "language", "number", "no_name",  "limit"};

#define DRAFT     CAMPAIGN_DRAFT
#define CHECKED   CAMPAIGN_CHECKED
#define APPROVED  CAMPAIGN_APPROVED
#define RUNNING   CAMPAIGN_RUNNING
#define HELD      CAMPAIGN_HELD
#define FINISHED  CAMPAIGN_FINISHED
#define STOPPED   CAMPAIGN_STOPPED
#define CANCELLED CAMPAIGN_CANCELLED

/* next[s]: the state after the act in state s. A check that is asked for takes the plan away, and with it the approval: what was
 * approved is not what will be found. A person may pause what holds itself: then only a person lets it go on. */
static const struct act_row {
    const char *word, *done; /* "approve", "approved" */
    bool person;             /* something a person may be told to do instead */
    uint8_t next[STATES];
} acts[ACTS] = {
    [CAMPAIGN_ACT_CREATE] = {"create", "created", false, {[0] = DRAFT}},
    [CAMPAIGN_ACT_CHANGE] = {"change", "changed", true, {[DRAFT] = DRAFT, [CHECKED] = DRAFT, [APPROVED] = DRAFT}},
    [CAMPAIGN_ACT_CHECK] = {"check", "checked", true, {[DRAFT] = DRAFT, [CHECKED] = DRAFT, [APPROVED] = DRAFT}},
    [CAMPAIGN_ACT_CHECKED] = {"checked", "said to be checked", false, {[DRAFT] = CHECKED}},
    [CAMPAIGN_ACT_UNCHECKED] = {"unchecked", "said to be unchecked", false, {[DRAFT] = DRAFT}},
    [CAMPAIGN_ACT_APPROVE] = {"approve", "approved", true, {[CHECKED] = APPROVED}},
    [CAMPAIGN_ACT_START] = {"start", "started", true, {[APPROVED] = RUNNING}},
    [CAMPAIGN_ACT_PAUSE] = {"pause", "paused", true, {[RUNNING] = HELD, [HELD] = HELD}},
    [CAMPAIGN_ACT_HOLD] = {"hold", "held", false, {[RUNNING] = HELD, [HELD] = HELD}},
    [CAMPAIGN_ACT_RESUME] = {"resume", "resumed", true, {[HELD] = RUNNING}},
    [CAMPAIGN_ACT_STOP] = {"stop", "stopped", true, {[RUNNING] = STOPPED, [HELD] = STOPPED}},
    [CAMPAIGN_ACT_CANCEL] = {"cancel",
                             "cancelled",
                             true,
                             {[DRAFT] = CANCELLED, [CHECKED] = CANCELLED, [APPROVED] = CANCELLED}},
    [CAMPAIGN_ACT_QUARANTINE] = {"quarantine", "quarantined", false, {[RUNNING] = RUNNING, [HELD] = HELD}},
    [CAMPAIGN_ACT_RELEASE] = {"release", "released", true, {[RUNNING] = RUNNING, [HELD] = HELD}},
    [CAMPAIGN_ACT_FINISH] = {"finish", "finished", false, {[RUNNING] = FINISHED, [HELD] = FINISHED}},
    [CAMPAIGN_ACT_REPEAT] = {"repeat", "repeated", false, {[APPROVED] = APPROVED, [RUNNING] = RUNNING}},
};

const char *campaign_state_name(enum campaign_state s)
{
    return (size_t)s < STATES ? state_words[s] : "";
}

enum campaign_state campaign_state_parse(struct str word)
{
    for (int s = CAMPAIGN_DRAFT; s < STATES; s++)
        if (str_eq(word, str_of(state_words[s])))
            return (enum campaign_state)s;
    return (enum campaign_state)0;
}

const char *campaign_cause_name(enum campaign_cause c)
{
    return (size_t)c < sizeof cause_words / sizeof cause_words[0] ? cause_words[c] : "";
}

const char *campaign_act_name(enum campaign_act a)
{
    return (size_t)a < ACTS && acts[a].word != NULL ? acts[a].word : "";
}

const char *campaign_skip_name(enum campaign_skip s)
{
    return (size_t)s < sizeof skip_words / sizeof skip_words[0] ? skip_words[s] : "";
}

/* "; it may be paused, stopped or released" */
static void say_instead(enum campaign_state s, char *out, size_t size)
{
    struct say text = say_in(out, size);
    int may[ACTS], n = 0;
    for (int a = 0; a < ACTS; a++)
        if (acts[a].person && acts[a].next[s] != 0)
            may[n++] = a;
    for (int i = 0; i < n; i++) {
        say(&text, i == 0 ? "; it may be " : i == n - 1 ? " or " : ", ");
        say(&text, acts[may[i]].done);
    }
}

int campaign_act_allowed(enum campaign_state s, enum campaign_act a, enum campaign_state *ret_next, struct err *e)
{
    char instead[160];
    if ((size_t)s >= STATES || (size_t)a >= ACTS || acts[a].word == NULL)
        return err_set(e, WL_EBUG, "no such state or act of a campaign: %d, %d", (int)s, (int)a);
    if (acts[a].next[s] != 0) {
        *ret_next = (enum campaign_state)acts[a].next[s];
        return 0;
    }
    say_instead(s, instead, sizeof instead);
    if (s == 0)
        return err_set(e, WL_EDENIED, "a campaign that was not created cannot be %s", acts[a].done);
    if (campaign_is_over(s))
        return err_set(e, WL_EDENIED, "the campaign is %s: that is for good; make a new one", state_words[s]);
    return err_set(e, WL_EDENIED, "the campaign is %s: it cannot be %s%s", state_words[s], acts[a].done, instead);
}
