/* SPDX-License-Identifier: Apache-2.0
 * activity.h - what one person did with the messages they got, in some fifty bytes: score, class, last times.
 *
 * Everything here comes from what the business's own messages led to: statuses, replies, taps. Nobody's account is looked up
 * anywhere. It is two decayed counters of weighted events (methods topic 7), the newest events one by one, the last time
 * of each kind, and how long the newest messages took to the phone.
 *
 * Order. The same events lead to the same state in whatever order they come, but for two things. Last times are maxima; the newest
 * events and the newest deliveries are sets, cut to the newest: these are exactly the same.
 *
 * - What is not in the set of newest events (what left it, what came too late for it, a second one of its kind in its second, what
 *   was held back) is added to the counters, whose two bytes each are rounded, by chance that is fixed by the event: counters of
 *   different orders differ by some steps, a few hundredths of their value.
 * - An event whose caller is not sure that it is no repeat (struct activity_event) is counted once a kind and second; and not at
 *   all when it comes while ACTIVITY_NEWEST newer ones are known: it cannot be told from a repeat of one that was
 *   counted. Then the counter lies between the sum of the newest ones and the sum of all. */
#ifndef WL_CORE_ACTIVITY_H
#define WL_CORE_ACTIVITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACTIVITY_NEWEST     8 /* events kept one by one: readings, taps, replies, undeliverable ones */
#define ACTIVITY_DELAYS     5 /* messages whose way to the phone is kept */
#define ACTIVITY_COUNTERS   2 /* half-lives of 30 and 180 days */
#define ACTIVITY_PACKED_MAX 192

/* Stored: a number never changes its meaning. */
enum activity_kind {
    ACTIVITY_SENT = 1,        /* no event of its own: a message was on its way at `sent` */
    ACTIVITY_DELIVERED = 2,   /* needs `sent` */
    ACTIVITY_READ = 3,        /* weight 1 */
    ACTIVITY_CLICKED = 4,     /* a button or a list's row was tapped: 2 */
    ACTIVITY_REPLIED = 5,     /* wrote or called: 3 */
    ACTIVITY_HELD_BACK = 6,   /* 131049: -0.5 */
    ACTIVITY_UNREACHABLE = 7, /* cannot be delivered to them: 0 */
    ACTIVITY_FAILED = 8       /* any other failure: 0 */
};

struct activity_event {
    enum activity_kind kind;
    int64_t at;   /* ms */
    int64_t sent; /* ms, of SENT, DELIVERED, READ and failures: when the message was; 0 not known */
    bool sure;    /* it is no repeat, whatever its time: it counts each time it is given */
};

struct activity {
    /* seconds, 0: never */
    int64_t since, sent, delivered, read, clicked, replied, failed;
    /* Of the events that are not among the newest: quantised logarithms, 0: none. */
    uint16_t good[ACTIVITY_COUNTERS], held[ACTIVITY_COUNTERS];
    struct activity_newest {
        int64_t at; /* s */
        uint8_t kind;
    } newest[ACTIVITY_NEWEST]; /* the newest first */
    struct activity_delay {
        int64_t sent;         /* s */
        int64_t needed;       /* s, to the phone */
    } delay[ACTIVITY_DELAYS]; /* of the newest messages, the newest first */
    uint8_t n_newest, n_delays;
};

/* False: it changed nothing. */
bool activity_add(struct activity *a, const struct activity_event *ev);
/* Two persons turn out to be one. */
void activity_merge(struct activity *a, const struct activity *other);

size_t activity_pack(const struct activity *a, uint8_t out[ACTIVITY_PACKED_MAX]);
int activity_unpack(const void *p, size_t n, struct activity *ret); /* WL_ECORRUPT */

/* --- what it means ---------------------------------------------------------------------------------------------------- */

/* Decayed to `now` (ms); never below 0. 1.0: one message read a moment ago. */
double activity_counter(const struct activity *a, int which, int64_t now);
/* The mean of both: what lists are ordered by. It is no probability. */
double activity_score(const struct activity *a, int64_t now);
/* The last time, ms, their phone or they gave a sign of life: delivered, read, tapped, wrote; 0 never. */
int64_t activity_alive(const struct activity *a);
/* How many of the newest messages could not be delivered, one after the other, since the last sign of life; at most ACTIVITY_NEWEST. */
int activity_unreachable(const struct activity *a);
/* Seconds the newest message that arrived needed, and the median of the newest ones; -1 none arrived. */
int64_t activity_last_delay(const struct activity *a);
int64_t activity_typical_delay(const struct activity *a);

enum activity_class {
    ACTIVITY_UNKNOWN = 0,   /* nobody by that name is known here */
    ACTIVITY_NEW,           /* known, and nothing happened yet */
    ACTIVITY_INTERACTIVE,   /* replied or tapped lately */
    ACTIVITY_ACTIVE,        /* got, read or wrote something lately */
    ACTIVITY_DORMANT,       /* no sign of life lately */
    ACTIVITY_UNDELIVERABLE, /* so many messages one after the other could not be delivered */
    ACTIVITY_CLASSES
};
const char *activity_class_name(enum activity_class c);
enum activity_class activity_class_parse(const char *word, size_t n); /* ACTIVITY_CLASSES for any other word */

struct activity_horizons {
    int idle_days;           /* a sign of life within: active; else dormant */
    int interactive_days;    /* a reply or tap within: interactive */
    int new_days;            /* without a sign of life: new for so long after the first message, then dormant */
    int undeliverable_after; /* messages one after the other; at most ACTIVITY_NEWEST */
};
extern const struct activity_horizons activity_usual; /* 90, 90, 7, 3 */
enum activity_class activity_class_of(const struct activity *a, const struct activity_horizons *h, int64_t now);

#endif
