/* SPDX-License-Identifier: Apache-2.0
 * lane.h - whose turn it is among the messages of one of our numbers, and when: a pure scheduler.
 *
 * A lane knows how many messages a second its number may send, who waits (by class and campaign, as counts: the messages
 * themselves are the caller's), and what Meta said lately. Asked, it answers "this one, now" or "nobody before then". It
 * does no I/O and reads no clock: time is the caller's, monotonic, in microseconds (a thousand messages a second is one a
 * millisecond). What it goes by:
 *
 * - Pace: GCRA (core/pace.h). What comes in counts as well (platform §3.1, §11.24), but holds the number up for a second
 *   at most, which is our choice: a flood of webhooks must not stop what answers it. A new lane has no credit: one message
 *   at once, then the pace, because an earlier life may just have sent a burst.
 * - Classes: strict priority authentication, utility, service, marketing; one of LANE_FLOOR turns is marketing's while
 *   marketing waits (methods topic 4). Within its class whoever's caller waits is first, which is our choice: callers wait
 *   seconds, the outbox hours. So callers who keep a number busy all the time keep the outbox of their class waiting.
 * - Campaigns of a class: deficit round robin (Shreedhar and Varghese 1995) in proportion to their weights. Ours differs in
 *   two things: a turn costs the greatest possible weight, not one, so that nobody has two turns in a row while another
 *   of the same weight waits; and rounds in which nobody can pay are skipped. A turn costs a look at each flow for that.
 *   Who comes begins with nothing saved up, so coming and going gains nothing.
 * - 130429: seven tenths of the pace, and one message a second more for every second of success, never below one a second,
 *   never above what is permitted (methods topic 4; AIMD, Chiu and Jain 1989). That alone swings between seven tenths of a
 *   limit and the limit and uses 85 % of it. So a lane remembers where it met the limit, which is our own addition, its
 *   numbers chosen with tests/unit/core/test_lane_sim.c: a shelf at 95 % of the pace that was refused. From below, half
 *   of the way to it is made up every second; it is kept for LANE_HOLD_LEAST, then the pace feels its way up, by a
 *   hundredth of the shelf every second, one message at most. Refused on the way: seven tenths for a moment again, and the shelf
 *   rises by a hundredth; where a hundredth more would be too near to what was refused, it stays and is kept for twice as
 *   long, up to LANE_HOLD_MOST. Refused on the shelf: it comes down to 99 % if it was kept for its time before, else to
 *   95 %, as it does when the refused pace was far below it. A quarter above it, or a minute at what is permitted, without
 *   a refusal: it is forgotten. One refusal counts once: what was sent before its answer, or within as long after it as
 *   the answer took, is not held against the new pace. A limiter with less burst than the network has jitter stays unused
 *   to a tenth or two: it refuses at random, and the shelf moves below that.
 * - Circuit: a code that speaks about the number (reactions.def, CIRCUIT; platform §2.10) stops the outbox for the wait of
 *   that code, and LANE_SILENT_MAX attempts in a row without a readable answer for LANE_SILENT_US. Then one message of
 *   the outbox tries. A failure doubles the time, up to LANE_CIRCUIT_MOST after a code. Silence ends with whatever was
 *   broken, so it is asked after sooner: an attempt that never left costs nothing, and the next one waits for
 *   LANE_UNSENT_MOST at most; one that left and got no answer may be a message in doubt, and the next one waits for
 *   LANE_SILENT_MOST at most. An acceptance ends it; so does a refusal that is about the message, but then the time is
 *   remembered, and the next failure doubles it all the same. Numbers and doubling are ours. Callers are let through: they
 *   get Meta's own word and decide for themselves. Their acceptance ends it, too; their failures lengthen nothing unless the
 *   code asks for longer.
 *
 * Answers come late. A turn is known by the time it was taken, so that an attempt begun before the pace was cut or the
 * circuit opened is not taken for what came of it. */
#ifndef WL_CORE_LANE_H
#define WL_CORE_LANE_H

#include <stddef.h>

#include "core/pace.h"
#include "core/sendlife.h"

enum lane_class { LANE_AUTHENTICATION, LANE_UTILITY, LANE_SERVICE, LANE_MARKETING, LANE_CLASSES };
enum lane_class lane_class(enum category c); /* unknown ones are marketing, calls are service */
const char *lane_class_name(enum lane_class c);

#define LANE_FLOOR         20   /* one turn of these is marketing's: 5 % */
#define LANE_FLOWS_MAX     64   /* campaigns of one class in memory at a time; others join when one is empty */
#define LANE_WEIGHT_MAX    1000 /* of a campaign */
#define LANE_SLOWED_PERMIL 700
#define LANE_HOLD_LEAST    INT64_C(10000000)
#define LANE_HOLD_MOST     INT64_C(600000000)
#define LANE_SILENT_MAX    5 /* attempts without a readable answer in a row that open the circuit */
#define LANE_SILENT_US     INT64_C(5000000)
#define LANE_CIRCUIT_MOST  INT64_C(3600000000) /* after a code */
#define LANE_SILENT_MOST   INT64_C(300000000)  /* after an attempt that may have been accepted */
#define LANE_UNSENT_MOST   INT64_C(30000000)   /* after one that never left */
#define LANE_PROBE_MOST    INT64_C(600000000)  /* nobody tells what became of the one that tries: another may */
#define LANE_LINE_MOST     INT64_C(60000000) /* turns taken without asking when do not reach further ahead than this */

/* The campaign of those whose callers wait. */
#define LANE_CALLERS INT64_C(-1)

/* A campaign (0: single messages of the outbox) within a class, while any of its messages wait. */
struct lane_flow {
    int64_t campaign;
    uint32_t weight;  /* 1 .. LANE_WEIGHT_MAX */
    uint32_t deficit; /* weight saved up for a turn */
    size_t waiting;
};

struct lane_row {
    struct lane_flow flow[LANE_FLOWS_MAX];
    size_t n, at;   /* flows in use; who is next in this round */
    size_t callers; /* of those that wait, they have callers that wait, too */
    size_t waiting; /* callers included */
};

struct lane {
    struct pace permitted; /* what Meta allows */
    int64_t tat_us;        /* theoretical arrival time */
    int64_t turn_us;       /* the last one taken */

    int64_t interval_us;    /* what we do: permitted, or slower after a 130429 */
    int64_t pace_permille;  /* the same, in messages a thousand seconds */
    int64_t cut_us;         /* a 130429 was heeded last; turns before then were at another pace */
    int64_t raised_us;      /* the pace was raised last */
    int64_t shelf_permille; /* where no limit was met lately; 0: none was met anywhere */
    int64_t shelf_us;       /* on the shelf since; 0: below it */
    int64_t hold_us;        /* how long to keep to it */
    bool shelf_held;        /* it was kept that long once */
    uint64_t slowed;        /* times a 130429 was met */

    struct lane_row row[LANE_CLASSES];
    uint32_t since_marketing; /* turns others took since marketing had one, up to LANE_FLOOR - 1 */

    int64_t open_until_us; /* circuit: nothing of the outbox before then; 0: closed */
    int64_t circuit_us;    /* for how long it was opened last; 0: a message was accepted since */
    int64_t heed_us;       /* turns before then tell nothing about the circuit */
    int64_t probe_us;      /* the turn of the one that tries */
    bool probing;          /* the time is over and one message tries */
    int circuit_code;      /* Graph code that opened it; 0: no readable answers */
    int silent;            /* attempts without a readable answer in a row */
};

void lane_init(struct lane *l, struct pace permitted, int64_t now_us);
/* What Meta allows from now on. */
void lane_permit(struct lane *l, struct pace permitted);
/* n messages came in. */
void lane_inbound(struct lane *l, uint32_t n, int64_t now_us);

/* First moment at which one more message of this class would have its turn, behind those that wait before it, as far as is
 * known now: who comes later in a higher class goes first all the same. At or before now_us: at once. For one whose caller
 * waits: the circuit is not asked, nor are those whom it stops waited for. */
int64_t lane_when(const struct lane *l, enum lane_class c, int64_t now_us);
/* Takes a turn, now_us, for a message that does not wait in the lane. */
void lane_take(struct lane *l, enum lane_class c, int64_t now_us);
/* The turn taken at turn_us (0: not known) was not used: the message was refused, held or gone. The next one may go sooner
 * for it, never sooner than after a rest. */
void lane_give_back(struct lane *l, int64_t turn_us, int64_t now_us);

/* One more message waits. False: LANE_FLOWS_MAX campaigns wait in this class already. The weight counts for all of the
 * campaign's that wait. */
bool lane_join(struct lane *l, enum lane_class c, int64_t campaign, uint32_t weight);
/* One left without a turn. */
void lane_leave(struct lane *l, enum lane_class c, int64_t campaign);

enum lane_says { LANE_GO, LANE_LATER, LANE_IDLE };
/* GO: a message of *ret_class and *ret_campaign has its turn, now_us, which is taken, and waits no more. LATER: nobody before
 * *ret_when_us, unless somebody joins, a turn is given back or an answer comes. IDLE: nobody waits. */
enum lane_says lane_next(struct lane *l, int64_t now_us, enum lane_class *ret_class, int64_t *ret_campaign,
                         int64_t *ret_when_us);
/* What became of the attempt of the turn taken at turn_us (0: not known; it may be the one that tries), whoever sent it.
 * `state`: ACCEPTED, REJECTED (with its code), AMBIGUOUS or UNSENT. Every turn comes here or to lane_give_back(). */
void lane_heard(struct lane *l, int64_t turn_us, enum life_state state, int code, int64_t now_us);

/* Messages a thousand seconds, as it paces now. */
int64_t lane_pace_permille(const struct lane *l);

/* A person says that the number may go on: the circuit is closed and forgotten. False: it was not open. */
bool lane_let_go(struct lane *l, int64_t now_us);

/* What a lane has to know in the next life of the program, by the wall's clock: a monotonic one does not outlive it. */
struct lane_memory {
    int64_t until_ms;       /* the circuit: nothing of the outbox before then; 0: closed */
    int64_t circuit_ms;     /* for how long it was opened last; 0: a message was accepted since */
    int64_t code;           /* that opened it */
    int64_t pace_permille;  /* 0: as permitted */
    int64_t shelf_permille; /* 0: no limit was met */
    int64_t hold_ms;        /* how long to keep to the shelf */
};
void lane_remember(const struct lane *l, int64_t now_us, int64_t now_ms, struct lane_memory *ret);
/* Into a lane of which nobody has heard yet. The wall's clock may have been set meanwhile: a circuit never stays open for
 * longer than it was opened for, and one that is over by then is tried by one message, as if it had been awake. */
void lane_resume(struct lane *l, const struct lane_memory *m, int64_t now_us, int64_t now_ms);

#endif
