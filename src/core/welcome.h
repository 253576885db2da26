/* SPDX-License-Identifier: Apache-2.0
 * welcome.h - the question a person is asked before a consent counts as confirmed, as a pure step function.
 *
 * A welcome asks once, reminds a few times at most, and ends: confirmed, declined, or expired without an answer. The same
 * machine runs messages that ask nothing (an opt-out was heard): for those, sent is done. Whoever runs it makes a new state
 * durable before acting on it and feeds back what happened; every event may come twice and in any order.
 *
 * Which answer counts. The first word of the person after the question was sent, by its own time, while it is open: also when
 * it is heard late. A yes in words may be said to something else we wrote, so it counts only as a reply to our question, or
 * when nothing else was sent to them between the question and WELCOME_WORD_MS after it; a no in words counts any time. A tap
 * on the question's own button says which question it answers, so it counts after that, too, the
 * last one winning: a yes after the end is a consent given in WhatsApp, but confirms nothing any more, and changes no state.
 * A no always withdraws. Of one moment the no counts. */
#ifndef WL_CORE_WELCOME_H
#define WL_CORE_WELCOME_H

#include <stdbool.h>
#include <stdint.h>

/* Stored: a number never changes its meaning. */
enum welcome_state {
    WELCOME_NEW = 1,     /* nothing was sent yet */
    WELCOME_SENDING = 2, /* a message of it was taken; whether it is sent is not known yet */
    WELCOME_WAITING = 3, /* the question was sent; nobody answered yet */
    WELCOME_DONE = 4,    /* confirmed; of what asks nothing: sent */
    WELCOME_DECLINED = 5,
    WELCOME_EXPIRED = 6,
    WELCOME_REFUSED = 7, /* a rule did not let the question pass */
    WELCOME_FAILED = 8,  /* Meta did not */
    WELCOME_CANCELLED = 9
};
#define WELCOME_STATES 9
const char *welcome_state_name(enum welcome_state s);
static inline bool welcome_is_open(enum welcome_state s)
{
    return s <= WELCOME_WAITING;
}

struct welcome {
    enum welcome_state state;
    bool asks;              /* an answer is waited for */
    bool silence_withdraws; /* no answer by the end takes away what was consented to */
    int taken;              /* messages taken so far; the next one has this number */
    int reminders;          /* at most so many after the first */
    int64_t remind_after;   /* ms after the question */
    int64_t expires;        /* ms */
    int64_t asked_at;       /* when the question was sent, 0 never */
    int64_t sent_at;        /* when the last message was */
    int64_t answered_at;    /* 0 never */
    int64_t due;            /* when to look again; of no meaning after an end */
};

enum welcome_event_kind {
    WELCOME_TICK,    /* its time has come */
    WELCOME_TAKEN,   /* message number `step` was taken */
    WELCOME_PUT_OFF, /* it was not, or is not sent yet: look again at `at` */
    WELCOME_SENT,    /* message number `step` was accepted by Meta at `at` */
    WELCOME_DENIED,  /* a rule refused message number `step` */
    WELCOME_LOST,    /* Meta refused it, or nobody knows */
    WELCOME_LATE,    /* it was not sent in time */
    WELCOME_YES,     /* said at `at`, linked to the question as `link` says */
    WELCOME_NO,      /* the same */
    WELCOME_CANCEL
};
#define WELCOME_EVENTS 10

#define WELCOME_WORD_MS INT64_C(86400000) /* for so long a yes that is no reply may be meant for the last question */

/* What an answer has to do with the question. */
enum welcome_link {
    WELCOME_LOOSE,   /* words among others */
    WELCOME_TAPPED,  /* on a button of this question */
    WELCOME_REPLIED, /* words in reply to a message of this question */
    WELCOME_NEXT     /* words; nothing else of ours was sent to them since the last message of this question */
};
struct welcome_event {
    enum welcome_event_kind kind;
    int step;
    int64_t at;
    enum welcome_link link;
};

enum welcome_grant {
    WELCOME_GRANTS_NOTHING,
    WELCOME_GRANTS_WHATSAPP, /* said in WhatsApp */
    WELCOME_GRANTS_CONFIRMED /* asked for and confirmed */
};
struct welcome_effects {
    bool changed;             /* anything of *w but due */
    bool send;                /* message number `taken` is to be sent */
    bool look;                /* look what became of the last message */
    bool withdraw;            /* they said no, or nothing where silence is a no */
    enum welcome_grant grant; /* they said yes */
};
/* One step at `now`. An event that does not fit the state changes nothing. */
void welcome_step(struct welcome *w, const struct welcome_event *ev, int64_t now, struct welcome_effects *ret);

#endif
