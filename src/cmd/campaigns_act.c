/* SPDX-License-Identifier: Apache-2.0
 * campaigns_act.c - `wayleave campaigns approve`, `start`, `pause`, `resume`, `stop`, `cancel`, `quarantine` and `release`.
 *
 * What cannot be taken back is asked for again: the campaign's name at the terminal, or --yes. An approval names the plan it stands for, so
 * that nobody approves what was checked anew in between: who is asked may type the beginning of its hash as well. */
#include "cmd/campaigns_verbs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/progress.h"
#include "cmd/show.h"
#include "cmd/term.h"

#define BODY_MAX 8192
#define HASH_MIN 8 /* digits of a plan's hash that are enough for a person */
#define HASH_HEX 65
#define LOOK_NS  250000000
#define LOOKS    6

#define YES_OPTION                                                                                                     \
    {                                                                                                                  \
        .name = "yes", .help = "do not ask"                                                                            \
    }

const struct option campaigns_approve_options[] = {
    CAMPAIGN_ACTOR_OPTIONS,
    {.name = "plan", .value = "HASH", .help = "the plan that is approved, whole; nothing is asked then"},
    YES_OPTION,
    {0},
};

const struct option campaigns_resume_options[] = {
    CAMPAIGN_ACTOR_OPTIONS,
    {.name = "after-gap",
     .help = "it stood still for long, or the database was put back: you have looked, and it may go on"},
    {0},
};

const struct option campaigns_end_options[] = {
    CAMPAIGN_ACTOR_OPTIONS,
    YES_OPTION,
    {0},
};

const struct option campaigns_source_options[] = {
    CAMPAIGN_ACTOR_OPTIONS,
    {.name = "source", .value = "N", .help = "which; wayleave campaigns show numbers them"},
    {0},
};

/* --- asking ------------------------------------------------------------------------------------------------------------------ */

/* What is typed, without white space at its ends. False: there is nobody to ask, and that was said. */
static bool ask(const char *question, char *answer, int size)
{
    if (!isatty(STDIN_FILENO)) {
        cmd_fail(CMD_USAGE, "say --yes where nobody can be asked", "this needs a confirmation");
        return false;
    }
    term_printf(stderr, TONE_WARN, "%s ", question);
    fflush(stderr);
    if (fgets(answer, size, stdin) == NULL)
        answer[0] = '\0';
    return true;
}

/* CMD_OK: they typed the name, or the beginning of the plan's hash where there is one. */
static int confirm(const struct campaign_call *c, const char *question, const char *plan)
{
    char typed[256];
    if (!ask(question, typed, sizeof typed))
        return CMD_USAGE;
    struct str s = str_trim(str_of(typed));
    if (str_eq(s, str_of(c->name)) || str_eq(s, str_of(c->id)))
        return CMD_OK;
    if (plan != NULL && s.n >= HASH_MIN && str_starts(str_of(plan), s))
        return CMD_OK;
    return cmd_fail(CMD_USAGE, NULL, "that is not it: nothing was done");
}

/* --- doing ----------------------------------------------------------------------------------------------------------------------- */

static int say(const struct args *a, struct campaign_call *c, struct json answer, const char *did)
{
    if (args_has(a, "json"))
        return rest_print(answer);
    if (args_has(a, "quiet"))
        return CMD_OK;
    term_text(stdout, TONE_GOOD, str_of(did));
    term_printf(stdout, TONE_PLAIN, " %s  %s\n", c->id, c->name);
    return CMD_OK;
}

/* The body with who and why; `more` adds to it. */
static int act(const struct args *a, struct campaign_call *c, const char *verb, const char *did, const char *plan)
{
    struct json_out o;
    struct json answer;
    struct buf body;
    int64_t source = 0;
    buf_init(&body, BODY_MAX);
    json_out_init(&o, &body);
    jo_object(&o);
    campaign_put_actor(&o, a);
    if (plan != NULL)
        jo_kcstr(&o, "plan", plan);
    if (strcmp(verb, "resume") == 0 && args_has(a, "after-gap"))
        jo_kbool(&o, "after_gap", true);
    if (args_get(a, "source") != NULL && str_i64(str_of(args_get(a, "source")), &source))
        jo_kint(&o, "source", source);
    jo_end(&o);
    int rc = campaign_call_post(c, verb, buf_str(&body), &answer);
    if (rc == CMD_OK)
        rc = say(a, c, answer, did);
    buf_done(&body);
    return rc;
}

static int act_plainly(const struct args *a, const char *verb, const char *did)
{
    struct campaign_call c;
    int rc = campaign_call_open(&c, a);
    if (rc == CMD_OK)
        rc = act(a, &c, verb, did, NULL);
    campaign_call_close(&c);
    return rc;
}

static int act_asked(const struct args *a, const char *verb, const char *did, const char *consequence)
{
    struct campaign_call c;
    char question[400];
    int rc = campaign_call_open(&c, a);
    snprintf(question, sizeof question, "%s Type the campaign's name, %s, to %s it:", consequence, c.name, verb);
    if (rc == CMD_OK && !args_has(a, "yes"))
        rc = confirm(&c, question, NULL);
    if (rc == CMD_OK)
        rc = act(a, &c, verb, did, NULL);
    campaign_call_close(&c);
    return rc;
}

int campaigns_start_run(const struct args *a)
{
    return act_plainly(a, "start", "started");
}

int campaigns_pause_run(const struct args *a)
{
    return act_plainly(a, "pause", "paused");
}

/* What Meta says of its template, number or account holds it whatever a person says: that shows within a second. */
static int held_again(struct campaign_call *c)
{
    const struct timespec while_it_looks = {.tv_nsec = LOOK_NS};
    struct json v;
    int rc = CMD_OK;
    for (int i = 0; i < LOOKS && rc == CMD_OK; i++) {
        nanosleep(&while_it_looks, NULL);
        rc = campaign_call_get(c, "", &v);
        if (rc == CMD_OK && str_eq(show_text(v, "state"), STR("held")))
            return cmd_fail(CMD_FAILED, "mend that first; it is looked at each second", "it is held again: %.*s",
                            (int)show_text(v, "why").n, show_text(v, "why").p);
    }
    return rc;
}

int campaigns_resume_run(const struct args *a)
{
    struct campaign_call c;
    int rc = campaign_call_open(&c, a);
    if (rc == CMD_OK)
        rc = act(a, &c, "resume", "resumed", NULL);
    if (rc == CMD_OK)
        rc = held_again(&c);
    campaign_call_close(&c);
    return rc;
}

int campaigns_stop_run(const struct args *a)
{
    return act_asked(a, "stop", "stopped", "A campaign that was stopped never goes on.");
}

int campaigns_cancel_run(const struct args *a)
{
    return act_asked(a, "cancel", "cancelled", "A campaign that was cancelled never begins.");
}

static int act_on_source(const struct args *a, const char *verb, const char *did)
{
    int64_t n;
    const char *source = args_get(a, "source");
    if (source == NULL || !str_i64(str_of(source), &n) || n < 0)
        return cmd_fail(CMD_USAGE, "wayleave campaigns show numbers them", "--source is the number of one");
    return act_plainly(a, verb, did);
}

int campaigns_quarantine_run(const struct args *a)
{
    return act_on_source(a, "quarantine", "quarantined a source of");
}

int campaigns_release_run(const struct args *a)
{
    return act_on_source(a, "release", "released a source of");
}

/* --- approve ---------------------------------------------------------------------------------------------------------------------- */

/* What is about to be stood for, in two lines; the plan's hash is copied. */
static int read_plan(struct campaign_call *c, const struct args *a, char plan[HASH_HEX])
{
    struct json v;
    char people[PROGRESS_COUNT], audience[PROGRESS_COUNT];
    int rc = campaign_call_get(c, "", &v);
    if (rc != CMD_OK)
        return rc;
    struct str hash = show_text(v, "plan");
    if (hash.n == 0)
        return cmd_fail(CMD_FAILED, "wayleave campaigns check", "%s has no plan that could be approved", c->name);
    snprintf(plan, HASH_HEX, "%.*s", (int)hash.n, hash.p);
    if (args_has(a, "quiet") || args_has(a, "json") || args_has(a, "yes"))
        return CMD_OK;
    term_printf(stderr, TONE_BOLD, "%s: %s of %s people get a message; plan %s\n", c->name,
                show_people(show_number(v, "people"), people), show_people(show_number(v, "audience"), audience), plan);
    return CMD_OK;
}

int campaigns_approve_run(const struct args *a)
{
    struct campaign_call c;
    char plan[HASH_HEX] = "";
    const char *given = args_get(a, "plan");
    int rc = campaign_call_open(&c, a);
    if (rc == CMD_OK && given == NULL)
        rc = read_plan(&c, a, plan);
    if (rc == CMD_OK && given == NULL && !args_has(a, "yes"))
        rc = confirm(&c, "Type the beginning of the plan's hash, or the campaign's name, to stand for it:", plan);
    if (rc == CMD_OK)
        rc = act(a, &c, "approve", "approved", given != NULL ? given : plan);
    campaign_call_close(&c);
    return rc;
}
