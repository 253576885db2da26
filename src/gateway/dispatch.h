/* SPDX-License-Identifier: Apache-2.0
 * dispatch.h - what leaves, when: the one owner of our numbers' turns, and the reader of the outbox.
 *
 * Each number has a lane (core/lane.h). Two kinds of sends meet there. Those whose caller waits (SEND_NOW) are judged at
 * once; when the number has no turn for them yet they are parked here and come back to the door in their turn. Those
 * we answer for (the outbox) are read a little ahead of their turns, a bounded number of rows per line, and come to the
 * door when they have one: whatever their backlog, memory stays flat, and a person's word of a second ago is obeyed.
 *
 * A number that is stuck (slow, refused, in a circuit) delays nobody but itself. Nothing leaves after the lease's deadline.
 *
 * The thread also keeps time for what waits: doubts that are due are settled, leases renewed, keys forgotten. */
#ifndef WL_GATEWAY_DISPATCH_H
#define WL_GATEWAY_DISPATCH_H

#include "core/lane.h"
#include "gateway/admit.h"

struct dispatch;

/* Takes the leases of every number that has a line, settles what an earlier life left SENDING, and starts the thread. After
 * admit_create(). */
int dispatch_start(struct dispatch **ret, struct gateway *g, struct err *e);
/* Who is parked is answered (busy), nothing new is begun. Then dispatch_stop() waits for the thread. */
void dispatch_hurry(struct dispatch *d); /* accepts NULL */
void dispatch_stop(struct dispatch *d);  /* accepts NULL */
void dispatch_free(struct dispatch *d);  /* accepts NULL */

/* --- the door's side; any thread ------------------------------------------------------------------------------------ */

/* First moment (monotonic us) at which one more of this class may leave from this number; -1: too many numbers to tell. */
int64_t dispatch_when(struct dispatch *d, int64_t sender, enum lane_class c, struct pace permitted, int64_t now_us);
/* Takes a turn for a send that leaves now, and says when: what the turn is known by. 0: too many numbers, none was taken.
 * Every turn, taken or granted, comes to an end in dispatch_give_back() or dispatch_heard(), once. */
int64_t dispatch_take(struct dispatch *d, int64_t sender, enum lane_class c, struct pace permitted, int64_t now_us);
/* It was not used. */
void dispatch_give_back(struct dispatch *d, int64_t sender, int64_t turn_us);
/* A send will wait for its turn: counted from now on, and in line from dispatch_park() on. */
void dispatch_join(struct dispatch *d, struct send *s);
/* It stands in line now: writer_submit_always(&s->job) with s->turn and turn_us set when its turn comes, or at its deadline
 * (s->hold_until_latest) without. */
void dispatch_park(struct dispatch *d, struct send *s);
/* n messages came in for this number. Here and below a dispatcher that is not there (NULL) is told in vain. */
void dispatch_inbound(struct dispatch *d, int64_t sender, size_t n);

/* The outbox has something new (or nearer) for this number. */
void dispatch_bell(struct dispatch *d, int64_t sender);
/* What became of the attempt of that turn. */
void dispatch_heard(struct dispatch *d, int64_t sender, int64_t turn_us, enum life_state state, int code);
/* The outcome of this message's open attempt could not be written: it is in doubt as soon as that can be. */
void dispatch_lost(struct dispatch *d, const struct message *m);
/* A status was applied of a message whose attempt began then: the watermark of its number rises. */
void dispatch_applied(struct dispatch *d, int64_t sender, int64_t begun_at);
int64_t dispatch_watermark(struct dispatch *d, int64_t sender); /* ms; 0 unknown */
/* Whether bytes may leave now: the lease's deadline has not passed. */
bool dispatch_may_send(const struct dispatch *d);
/* The same for http_call.may_leave, with the dispatcher as its leave_ctx. */
bool dispatch_may_leave(const void *dispatch);

/* What keeps a number from sending, other than its turns, its rules and a machine that is slow. */
enum number_stop {
    STOP_NONE,
    STOP_CODE,     /* Meta said something about the number (core/lane.h) */
    STOP_SILENCE,  /* several attempts had no readable answer */
    STOP_NO_TOKEN, /* none is kept for it */
    STOP_TOKEN,    /* Meta does not accept the one that is */
    STOP_UPSTREAM, /* Meta could not be asked whether it does */
    STOP_TAKEN,    /* another gateway sends for it */
    STOPS
};
const char *number_stop_name(enum number_stop s); /* a word, for labels and programs */

/* Why a message of this number and class that is due does not leave, for people. */
struct dispatch_view {
    int64_t sender;
    enum number_stop stop;
    int64_t permitted_per_s, pace_permille; /* messages a second Meta allows; messages a thousand seconds we do */
    size_t parked;                          /* callers that wait */
    size_t read;                            /* rows of the outbox in memory, that are due */
    size_t waiting[LANE_CLASSES];           /* the same by class */
    bool at_least;                          /* there may be more that are due */
    size_t open;                            /* turns of the outbox that have not come to their end */
    const char *why;                        /* what else than its turn keeps the outbox waiting; NULL: nothing */
    int circuit_code;
    int64_t circuit_until;   /* ms, wall clock, to come; 0: closed, or the time is over and one message tries */
    const char *circuit_why; /* NULL: closed */
    int64_t watermark;
};
/* False: nothing was ever sent from it in this life. */
bool dispatch_look(struct dispatch *d, int64_t sender, struct dispatch_view *ret);
size_t dispatch_numbers(struct dispatch *d, int64_t *ret_sender, size_t max);

/* A person says that the number may go on: its token is read again, what stopped it is forgotten. What that was; NONE:
 * nothing did; TAKEN: it is not ours, and nothing was done. */
enum number_stop dispatch_let_go(struct dispatch *d, int64_t sender);

/* Messages we answer for, by what they wait for, as they were counted a moment ago. */
struct dispatch_census {
    int64_t at; /* ms; 0: never */
    int64_t due, no_token, scheduled, held, in_doubt;
    int64_t all_in_doubt; /* callers' own among them */
    bool at_least;        /* there are more than are counted */
};
void dispatch_count(struct dispatch *d, struct dispatch_census *ret);

#endif
