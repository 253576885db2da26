/* SPDX-License-Identifier: Apache-2.0
 * welcome.c - one function an event; a table says which.
 *
 * What is sent has a number, and what is heard of a message has the number of that message: news that come twice, or late, are
 * known by it and change nothing. A reminder that cannot be sent ends nothing: the question stands and may be answered. */
#include "core/welcome.h"

#include <stddef.h>

#define SLACK_MS 5000 /* Meta tells times in whole seconds, of a clock that is not ours */

const char *welcome_state_name(enum welcome_state s)
{
    static const char *const names[] = {"unknown",  "new",     "sending", "waiting", "done",
                                        "declined", "expired", "refused", "failed",  "cancelled"};
    return (size_t)s < sizeof names / sizeof names[0] ? names[s] : names[0];
}

/* When a question that waits is looked at again. */
static int64_t next_look(const struct welcome *w)
{
    bool reminds = w->taken < 1 + w->reminders && w->remind_after > 0;
    if (!reminds || w->expires - w->sent_at <= w->remind_after)
        return w->expires;
    return w->sent_at + w->remind_after;
}

static void enter(struct welcome *w, enum welcome_state s, struct welcome_effects *ret)
{
    w->state = s;
    ret->changed = true;
}

static void tick(struct welcome *w, const struct welcome_event *ev, int64_t now, struct welcome_effects *ret)
{
    (void)ev;
    if (w->state == WELCOME_SENDING) {
        ret->look = true;
    } else if (w->state == WELCOME_NEW || w->state == WELCOME_WAITING) {
        if (now >= w->expires) {
            ret->withdraw = w->silence_withdraws && w->state == WELCOME_WAITING;
            enter(w, WELCOME_EXPIRED, ret);
        } else if (w->state == WELCOME_NEW || now >= next_look(w)) {
            ret->send = true;
        } else {
            w->due = next_look(w);
        }
    }
}

static void taken(struct welcome *w, const struct welcome_event *ev, int64_t now, struct welcome_effects *ret)
{
    if (ev->step != w->taken)
        return;
    w->taken++;
    w->due = now;
    enter(w, w->state == WELCOME_NEW || w->state == WELCOME_WAITING ? WELCOME_SENDING : w->state, ret);
}

/* Whether the news is about the message that is on its way, or that is to be. */
static bool is_current(const struct welcome *w, const struct welcome_event *ev)
{
    return w->state == WELCOME_SENDING ? ev->step == w->taken - 1 : welcome_is_open(w->state) && ev->step == w->taken;
}

static void put_off(struct welcome *w, const struct welcome_event *ev, int64_t now, struct welcome_effects *ret)
{
    (void)ret;
    if (!is_current(w, ev))
        return;
    w->due = ev->at > now ? ev->at : now;
    if (w->state != WELCOME_SENDING && w->due > w->expires)
        w->due = w->expires;
}

static void sent(struct welcome *w, const struct welcome_event *ev, int64_t now, struct welcome_effects *ret)
{
    (void)now;
    if (ev->step == 0 && w->asked_at == 0 && w->taken > 0) {
        w->asked_at = ev->at;
        ret->changed = true;
    }
    if (w->state != WELCOME_SENDING || ev->step != w->taken - 1)
        return;
    w->sent_at = ev->at;
    enter(w, w->asks ? WELCOME_WAITING : WELCOME_DONE, ret);
    w->due = next_look(w);
}

static void not_sent(struct welcome *w, const struct welcome_event *ev, int64_t now, struct welcome_effects *ret)
{
    (void)now;
    if (!is_current(w, ev))
        return;
    if (ev->step > 0) { /* a reminder: the question stands, and nobody is reminded any more */
        w->reminders = 0;
        w->due = w->expires;
        enter(w, WELCOME_WAITING, ret);
        return;
    }
    enter(w,
          ev->kind == WELCOME_DENIED ? WELCOME_REFUSED
          : ev->kind == WELCOME_LOST ? WELCOME_FAILED
                                     : WELCOME_EXPIRED,
          ret);
}

static void cancel(struct welcome *w, const struct welcome_event *ev, int64_t now, struct welcome_effects *ret)
{
    (void)ev, (void)now;
    if (welcome_is_open(w->state))
        enter(w, WELCOME_CANCELLED, ret);
}

/* --- answers ------------------------------------------------------------------------------------------------------- */

/* Whether the words are meant for this question. A no is believed anyway. */
static bool is_meant(const struct welcome *w, const struct welcome_event *ev)
{
    if (ev->kind == WELCOME_NO || ev->link == WELCOME_REPLIED)
        return true;
    return ev->link == WELCOME_NEXT && ev->at >= w->sent_at - SLACK_MS && ev->at <= w->sent_at + WELCOME_WORD_MS;
}

/* Whether this answers the question at all. */
static bool is_answer(const struct welcome *w, const struct welcome_event *ev)
{
    bool no = ev->kind == WELCOME_NO;
    if (!w->asks || w->taken == 0)
        return false;
    if (w->answered_at != 0 && (ev->at < w->answered_at || (ev->at == w->answered_at && !no)))
        return false; /* a later word was heard already, or this one was */
    if (ev->link == WELCOME_TAPPED)
        return true;
    return is_meant(w, ev) && w->answered_at == 0 && w->asked_at != 0 &&
           (welcome_is_open(w->state) || w->state == WELCOME_EXPIRED) && ev->at < w->expires &&
           ev->at >= w->asked_at - SLACK_MS;
}

/* In time, and of a question that was not taken back. */
static bool decides(const struct welcome *w, const struct welcome_event *ev)
{
    return ev->at < w->expires && (welcome_is_open(w->state) || w->state == WELCOME_DONE ||
                                   w->state == WELCOME_DECLINED || w->state == WELCOME_EXPIRED);
}

static void yes(struct welcome *w, const struct welcome_event *ev, int64_t now, struct welcome_effects *ret)
{
    (void)now;
    if (!is_answer(w, ev) || w->state == WELCOME_DONE)
        return;
    ret->grant = decides(w, ev) ? WELCOME_GRANTS_CONFIRMED : WELCOME_GRANTS_WHATSAPP;
    w->answered_at = ev->at;
    enter(w, decides(w, ev) ? WELCOME_DONE : w->state, ret);
}

static void no(struct welcome *w, const struct welcome_event *ev, int64_t now, struct welcome_effects *ret)
{
    (void)now;
    if (!is_answer(w, ev) || (w->state == WELCOME_DECLINED && ev->at == w->answered_at))
        return;
    ret->withdraw = true;
    w->answered_at = ev->at;
    enter(w, decides(w, ev) ? WELCOME_DECLINED : w->state, ret);
}

void welcome_step(struct welcome *w, const struct welcome_event *ev, int64_t now, struct welcome_effects *ret)
{
    static void (*const of[WELCOME_EVENTS])(struct welcome *, const struct welcome_event *, int64_t,
                                            struct welcome_effects *) = {
        [WELCOME_TICK] = tick,       [WELCOME_TAKEN] = taken,   [WELCOME_PUT_OFF] = put_off, [WELCOME_SENT] = sent,
        [WELCOME_DENIED] = not_sent, [WELCOME_LOST] = not_sent, [WELCOME_LATE] = not_sent,   [WELCOME_YES] = yes,
        [WELCOME_NO] = no,           [WELCOME_CANCEL] = cancel,
    };
    *ret = (struct welcome_effects){.grant = WELCOME_GRANTS_NOTHING};
    if ((size_t)ev->kind < WELCOME_EVENTS)
        of[ev->kind](w, ev, now, ret);
}
