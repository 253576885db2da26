/* SPDX-License-Identifier: Apache-2.0
 * campaign_run.c - what a campaign does now: campaign_run.h says by which rules.
 *
 * A question goes down a list and the first that has an answer gives it: is it over; is it too late; was nobody looking; does
 * the monitor stop or hold it; is it held and by whom; has its time not come. What is left is the ramp: how many may be with
 * the door by now, and whether the stage is far enough for the next.
 *
 * The stage's target counts people handed to the door. The next target is so many times those whose message left the door,
 * sent or refused, so whoever still waits in there for their morning does not make it grow. It is looked at when the stage
 * has come to rest, which is when nothing is open, or nothing was sent for a minute; the pause of the ramp is counted from
 * the end of that minute: the monitors count people by the minute, and a minute is judged when its last second is old enough.
 * The gate counts people Meta took: whom the door refused makes room for another.
 *
 * Nothing is refused: figures that contradict each other (more sent than handed) are taken as none. */
#include "core/campaign_run.h"

#include "core/campaign_say.h"

#define MINUTE      INT64_C(60000)
#define HOUR        (60 * MINUTE)
#define REST_MS     MINUTE /* without a message sent: what is still open waits for something */
#define AGAIN_MS    1000   /* while it sends */
#define WEBHOOKS_MS 5000   /* on their way when a pause ends */

const struct ramp_terms ramp_terms[RAMP_FAST + 1] = {
    [RAMP_STANDARD] = {200, 3, 30 * MINUTE, 4 * HOUR, 150, 20, 500, 5000},
    [RAMP_CAREFUL] = {200, 3, 60 * MINUTE, 24 * HOUR, 150, 20, 500, 5000},
    [RAMP_FAST] = {500, 4, 20 * MINUTE, 0, 0, 0, 0, 0},
};

/* One question: what is asked about, and the answer that is being written. */
struct asked {
    const struct campaign_progress *p;
    const struct ramp_terms *ramp;
    int64_t now;
    struct campaign_step *ret;
    struct say why;
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static bool answer(struct asked *a, enum campaign_step_kind kind, enum campaign_cause cause)
{
    a->ret->kind = kind;
    a->ret->cause = cause;
    a->ret->at = a->now;
    return true;
}

/* Until then, or until the next look. */
static bool answer_wait(struct asked *a, int64_t until)
{
    answer(a, RUN_WAIT, CAUSE_NONE);
    a->ret->at = most(a->now + 1, least(until, a->now + CAMPAIGN_LOOK_MS));
    return true;
}

static int64_t room_taken(const struct campaign_progress *p)
{
    return most(0, p->open - most(0, p->waiting));
}

/* --- whether it goes on at all ------------------------------------------------------------------------------------ */

static bool is_over(struct asked *a)
{
    const struct campaign_progress *p = a->p;
    if (p->handed < p->people || p->open > 0)
        return false;
    say(&a->why, "everybody's message has come to its end");
    return answer(a, RUN_FINISH, CAUSE_NONE);
}

static bool begun(const struct campaign_progress *p)
{
    return p->handed > 0 || p->sent > 0;
}

static bool is_late(struct asked *a)
{
    const struct campaign_progress *p = a->p;
    if (p->deadline != 0 && a->now >= p->deadline && p->handed < p->people) {
        say(&a->why, "its deadline, ");
        say_time(&a->why, p->deadline);
        say(&a->why, ", is over; ");
        say_of(&a->why, p->people - p->handed + most(0, p->open), p->people);
        say(&a->why, " have no message");
        return answer(a, RUN_STOP, CAUSE_LATE);
    }
    if (p->start_at == 0 || p->max_lateness <= 0 || begun(p) || a->now - p->start_at <= p->max_lateness)
        return false;
    say(&a->why, "it was to begin at ");
    say_time(&a->why, p->start_at);
    say(&a->why, " and did not within ");
    say_span(&a->why, p->max_lateness);
    return answer(a, RUN_STOP, CAUSE_LATE);
}

/* Nobody asked for a long time although it was to send: it may have gone on elsewhere. */
static bool was_alone(struct asked *a)
{
    const struct campaign_progress *p = a->p;
    if (p->state != CAMPAIGN_RUNNING || p->beat_at == 0 || p->beat_at < p->start_at ||
        a->now - p->beat_at <= CAMPAIGN_GAP_MS)
        return false;
    say(&a->why, "nobody looked after it for ");
    say_span(&a->why, a->now - p->beat_at);
    say(&a->why, ": somebody has to see whether it went on elsewhere meanwhile");
    return answer(a, RUN_HOLD, CAUSE_GAP);
}

static enum monitor_word monitor_word(const struct campaign_progress *p)
{
    return p->monitor == NULL ? MONITOR_GO : p->monitor->word;
}

/* The signal and its counts; monitor_say() has the whole sentence. */
static void say_signal(struct asked *a)
{
    const struct monitor_verdict *v = a->p->monitor;
    const struct monitor_reading *r = &v->reading[v->signal];
    say(&a->why, monitor_signal_name(v->signal));
    say(&a->why, ": ");
    say_of(&a->why, r->k, r->n);
}

static int64_t ripe_ms(const struct ramp_terms *r)
{
    return r->gate_age_ms != 0 ? r->gate_age_ms : CAMPAIGN_RIPE_MS;
}

/* Nothing of it moves: all is sent, or what is not waits for something. */
static bool at_rest(const struct asked *a)
{
    const struct campaign_progress *p = a->p;
    return room_taken(p) == 0 || (p->last_sent_at != 0 && a->now - p->last_sent_at >= REST_MS);
}

/* Held until somebody lets it go on. In a hold of another cause it is only said once that hold is over. */
static bool is_stopped(struct asked *a)
{
    const struct campaign_progress *p = a->p;
    bool holds = p->state == CAMPAIGN_RUNNING || (p->cause == CAUSE_MONITOR && p->resume_at != 0);
    if (monitor_word(p) != MONITOR_STOP || !holds)
        return false;
    say_signal(a);
    say(&a->why, ": stopped by its monitor, only a person can let it go on");
    a->ret->lenient = 0;
    return answer(a, RUN_HOLD, CAUSE_MONITOR);
}

static bool is_warned(struct asked *a)
{
    const struct campaign_progress *p = a->p;
    if (p->state != CAMPAIGN_RUNNING || monitor_word(p) != MONITOR_HOLD || p->handed < p->lenient ||
        (p->lenient > 0 && !at_rest(a)))
        return false;
    say_signal(a);
    say(&a->why, "; held until it is clear whether that is chance");
    a->ret->lenient = 0;
    a->ret->resume_at = a->now + a->ramp->pause_ms;
    return answer(a, RUN_HOLD, CAUSE_MONITOR);
}

/* --- held --------------------------------------------------------------------------------------------------------- */

static const char *const cause_says[] = {
    [CAUSE_PERSON] = "somebody paused it",
    [CAUSE_TEMPLATE] = "a template of it may not be used",
    [CAUSE_NUMBER] = "a number of it may not send",
    [CAUSE_ACCOUNT] = "Meta acts against the number or the account",
    [CAUSE_GAP] = "nobody looked after it for too long",
    [CAUSE_LATE] = "its time is over",
    [CAUSE_RAMP] = "Meta holds its messages for a quality assessment",
};

static bool held_by_monitor(struct asked *a)
{
    const struct campaign_progress *p = a->p;
    if (monitor_word(p) == MONITOR_GO) {
        say(&a->why, "the monitors have nothing against it any more");
        return answer(a, RUN_GO_ON, CAUSE_NONE);
    }
    int64_t ripe_at = p->last_sent_at + ripe_ms(a->ramp);
    say_signal(a);
    if (a->now < ripe_at) {
        say(&a->why, "; held until more of those who have it reacted");
        return answer_wait(a, ripe_at);
    }
    say(&a->why, "; too little to stop it, so another ");
    say_count(&a->why, a->ramp->first);
    say(&a->why, " people are to show");
    a->ret->lenient = p->handed + a->ramp->first;
    return answer(a, RUN_GO_ON, CAUSE_NONE);
}

static bool is_held(struct asked *a)
{
    const struct campaign_progress *p = a->p;
    if (p->state != CAMPAIGN_HELD)
        return false;
    bool waits = p->resume_at == 0 || a->now < p->resume_at;
    if (!waits && p->cause == CAUSE_MONITOR)
        return held_by_monitor(a);
    bool known = (size_t)p->cause < sizeof cause_says / sizeof cause_says[0] && cause_says[p->cause] != NULL;
    if (p->cause == CAUSE_MONITOR && monitor_word(p) != MONITOR_GO)
        say_signal(a);
    else
        say(&a->why, known ? cause_says[p->cause] : "it is held");
    if (!waits)
        return answer(a, RUN_GO_ON, CAUSE_NONE);
    say(&a->why, p->resume_at == 0 ? "; somebody has to let it go on" : "; it goes on by itself");
    return answer_wait(a, p->resume_at == 0 ? INT64_MAX : p->resume_at);
}

static bool is_early(struct asked *a)
{
    if (a->p->start_at <= a->now)
        return false;
    say(&a->why, "begins at ");
    say_time(&a->why, a->p->start_at);
    return answer_wait(a, a->p->start_at);
}

/* --- the ramp ----------------------------------------------------------------------------------------------------- */

/* How many may be handed before the gate is open; all where there is none. */
static int64_t gate_limit(const struct asked *a)
{
    const struct campaign_progress *p = a->p;
    const struct ramp_terms *r = a->ramp;
    if (r->gate_age_ms == 0 || p->old_enough >= r->gate_people)
        return p->people;
    int64_t refused = most(0, p->handed - p->base - p->open - (p->sent - p->base_sent));
    int64_t share = p->people * r->gate_permille / 1000;
    return least(p->people, p->base + most(r->gate_least, least(share, r->gate_most)) + refused);
}

/* The stage's people are handed: waits for the next, or says its target. False: it waits, and `why` is said. */
static bool next_stage(struct asked *a, int64_t gate)
{
    const struct campaign_progress *p = a->p;
    struct campaign_step *r = a->ret;
    if (!at_rest(a)) {
        say_of(&a->why, p->handed, p->people);
        say(&a->why, " are with the door and being sent to");
        return !answer_wait(a, a->now + AGAIN_MS);
    }
    int64_t next = least(p->people, p->base + a->ramp->times * most(0, p->handed - p->open - p->base));
    if (next <= r->target) {
        say_count(&a->why, p->open);
        say(&a->why, " people of this stage wait for their turn, their hours or a limit");
        return !answer_wait(a, a->now + (room_taken(p) > 0 ? AGAIN_MS : CAMPAIGN_LOOK_MS));
    }
    if (r->target_at == 0)
        r->target_at = p->open > 0 || p->last_sent_at == 0 ? a->now : p->last_sent_at;
    int64_t ready_at = (r->target_at / MINUTE + 1) * MINUTE + a->ramp->pause_ms + WEBHOOKS_MS;
    if (a->now < ready_at) {
        say_of(&a->why, p->handed, p->people);
        say(&a->why, " have it; the next stage waits ");
        say_span(&a->why, a->ramp->pause_ms);
        say(&a->why, " for what they do");
        return !answer_wait(a, ready_at);
    }
    if (least(next, gate) <= p->handed) {
        say(&a->why, "more than ");
        say_count(&a->why, gate);
        say(&a->why, " people only when ");
        say_count(&a->why, a->ramp->gate_people);
        say(&a->why, " have it for ");
        say_span(&a->why, a->ramp->gate_age_ms);
        return !answer_wait(a, a->now + CAMPAIGN_LOOK_MS);
    }
    r->target = least(next, gate);
    r->target_at = 0;
    return true;
}

/* Up to so many people may be with the door: as many of them as it has room for now. */
static void hand(struct asked *a, int64_t limit)
{
    const struct campaign_progress *p = a->p;
    int64_t ahead = most(CAMPAIGN_AHEAD_LEAST, p->per_second * CAMPAIGN_AHEAD_MS / 1000);
    int64_t room = p->waiting >= CAMPAIGN_WAITING_MOST ? 0 : ahead - room_taken(p), left = limit - p->handed;
    if (room < left && room < ahead / 8) { /* a handful at a time costs a transaction each */
        say(&a->why, p->waiting >= CAMPAIGN_WAITING_MOST ? "too many people wait for their hours or for a limit"
                                                         : "the door is busy with those it has");
        answer_wait(a, a->now + AGAIN_MS);
        return;
    }
    say(&a->why, "sends to ");
    say_of(&a->why, limit, p->people);
    answer(a, RUN_HAND, CAUSE_NONE);
    a->ret->n = least(room, left);
    a->ret->at = a->now + AGAIN_MS;
}

static void go(struct asked *a)
{
    const struct campaign_progress *p = a->p;
    struct campaign_step *r = a->ret;
    int64_t gate = gate_limit(a);
    if (p->handed >= p->people) {
        say_count(&a->why, p->open);
        say(&a->why, " of its messages are still with the door");
        answer_wait(a, a->now + AGAIN_MS);
        return;
    }
    if (r->target <= 0) {
        r->target = least(p->people, p->base + a->ramp->first);
        r->target_at = 0;
    }
    if (p->lenient > p->handed && monitor_word(p) == MONITOR_HOLD) {
        hand(a, least(p->lenient, p->people));
        return;
    }
    r->lenient = 0;
    if (p->handed >= least(r->target, gate) && !next_stage(a, gate))
        return;
    hand(a, least(r->target, gate));
}

void campaign_step(const struct campaign_progress *p, int64_t now, struct campaign_step *ret)
{
    bool known = (unsigned)p->ramp <= RAMP_FAST;
    struct asked a = {.p = p, .ramp = &ramp_terms[known ? p->ramp : RAMP_CAREFUL], .now = now, .ret = ret};
    *ret = (struct campaign_step){.target = p->target, .target_at = p->target_at, .lenient = p->lenient};
    a.why = say_in(ret->why, sizeof ret->why);
    if (!is_over(&a) && !is_late(&a) && !was_alone(&a) && !is_stopped(&a) && !is_warned(&a) && !is_held(&a) &&
        !is_early(&a))
        go(&a);
}
