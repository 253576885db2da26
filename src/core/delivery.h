/* SPDX-License-Identifier: Apache-2.0
 * delivery.h - which webhook a subscriber is handed next, when it is tried again, and when it is given up: a pure scheduler.
 *
 * A window of things to hand over, in the order they came. Several are on their way at a time, but never two that speak of the
 * same message or the same person: what is told of one message is told in order. It does no I/O and reads no clock: time is
 * the caller's, monotonic, in ms. What it goes by:
 *
 * - A thing that is answered with anything but 2xx is tried again, waiting twice as long each time (wait_first .. wait_most).
 *   What was not refused yet goes first: those tried again have half of the places at most, at least one.
 * - A failure of any kind is held against a thing when others were taken since it failed last (the first time: while it was on
 *   its way). With `refusals` answers of 4xx (but 408 and 429) held against it, or `failures` failures of any kind, it is
 *   given up (DELIVERY_REFUSED). With the usual terms that is 8.5 minutes or 3.5 hours; only those that share a name with it
 *   wait for that. Once it failed DELIVERY_SUSPECT times while others were taken, every failure is held against it, unless
 *   the receiver is down. While nothing is taken nothing else is held against anything, whatever the answers say and
 *   however few there are: an application that refuses everything loses nothing before `patience` ends.
 * - Where one that fails is all there is to try, because the rest waits for it, nothing else could be taken. So right behind
 *   its failure (or at the end of the Retry-After it came with) one of those is let past, another one each time, until
 *   DELIVERY_SUSPECT were taken: of a barrier from its third failure on (DELIVERY_SUSPECT), of others, or of a barrier that
 *   waits behind one, from the `refusals`th on, after 8.5 minutes. Then it is given up as above: a barrier after 8.5 minutes
 *   or 3.5 hours, others 8.5 minutes later. What passes goes alone: not while what it passes is on its way.
 * - So the order is: of two that share a name the earlier one is over before the later one is handed over, but for those let
 *   past: at most DELIVERY_SUSPECT are taken before one that holds up everything, and with it before what waits behind it
 *   and failed when it was let past itself, or is a barrier (of which it is not known what it shares).
 * - The window is jammed when it is full and fewer than `parallel` can be handed over: the rest waits for things that fail. Until
 *   it is free those are tried again after DELIVERY_SOON times wait_first at most, one failure while others were taken
 *   makes a suspect, something is let past from the third failure on, and `refusals` failures of any kind are enough:
 *   half a minute. They are enough, too, for one that keeps the position DELIVERY_AHEAD things back.
 * - DELIVERY_DOWN_AFTER things that did not fail before while others were taken fail with none taken: the receiver is down.
 *   One probe at a time, with those same waits, until one is taken; a thing that did not fail yet is asked for first, so
 *   one that comes while a few refused ones make the receiver look down is tried within wait_most. Nothing is held
 *   against the things then. delivery_down() says so sooner: when DELIVERY_SUSPECT answers in a row were failures.
 * - Older than `patience`, and tried in vain for an hour (DELIVERY_GRACE_MS), itself or others while nothing was taken: given up
 *   (DELIVERY_EXPIRED); Meta's own patience is seven days (platform §6.1).
 *
 * Retry-After of a 429 or 503 is obeyed, within wait_most, for all, and by the receiver's other windows when they are told
 * (delivery_hold()). When one is taken after others failed, those against
 * which nothing is held are tried at once, in their order. The numbers are ours. A step costs O(log n) of the window. */
#ifndef WL_CORE_DELIVERY_H
#define WL_CORE_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

#define DELIVERY_WINDOW_MAX 1024
#define DELIVERY_DOWN_AFTER 8
#define DELIVERY_SUSPECT    3
#define DELIVERY_SOON       4
#define DELIVERY_AHEAD      4096
#define DELIVERY_GRACE_MS   INT64_C(3600000)
#define DELIVERY_NAMES_MAX  256 /* of one thing; one with more is a barrier, in order with everybody */

struct delivery_terms {
    unsigned parallel; /* 1 .. 64 */
    int64_t wait_first_ms, wait_most_ms;
    int64_t patience_ms; /* from `at` of the thing, by the wall clock */
    unsigned refusals, failures;
};
extern const struct delivery_terms delivery_usual; /* parallel 8, 1 s .. 5 min, 7 days, 10, 50 */

/* Names a thing speaks of, as hashes: two that share one are kept in order. */
struct delivery_names {
    uint32_t n; /* past DELIVERY_NAMES_MAX: too many */
    uint32_t name[DELIVERY_NAMES_MAX];
};
void delivery_name(struct delivery_names *n, struct str name); /* an empty one is none */

struct delivery;                                                  /* a window */
struct delivery *delivery_create(const struct delivery_terms *t); /* NULL when memory runs out */
void delivery_free(struct delivery *d);                           /* accepts NULL; the users are the caller's to free */
void delivery_set(struct delivery *d, const struct delivery_terms *t); /* other terms from now on */

struct delivery_thing {
    int64_t seq;                        /* of its body */
    int event;                          /* which one of it; -1: the whole */
    int64_t at;                         /* when it was stored, wall clock, ms */
    const struct delivery_names *names; /* NULL: none; read by delivery_add() alone */
    void *user;
    unsigned attempts;
    int status; /* the last answer's, 0 none */
};
/* Takes a copy. seq (and event) must rise. False: the window is full. */
bool delivery_add(struct delivery *d, const struct delivery_thing *thing);
size_t delivery_count(const struct delivery *d); /* not ended */
size_t delivery_open(const struct delivery *d);  /* on their way */

/* The next to be handed over now, which is on its way from then on; NULL: none, *ret_wake says when to ask again (mono ms,
 * INT64_MAX: after the next answer). Valid until its delivery_answered(). */
const struct delivery_thing *delivery_next(struct delivery *d, int64_t mono, int64_t *ret_wake);

enum delivery_end { DELIVERY_TAKEN, DELIVERY_AGAIN, DELIVERY_REFUSED, DELIVERY_EXPIRED };
/* Its answer: HTTP status, 0 none; retry_after_ms 0: not said. Unless AGAIN the thing is over, and its pointer invalid. */
enum delivery_end delivery_answered(struct delivery *d, const struct delivery_thing *thing, int status,
                                    int64_t retry_after_ms, int64_t mono, int64_t now);
/* Nothing is handed over before `until` (mono ms), nor before what was said earlier; until when that is. */
void delivery_hold(struct delivery *d, int64_t until);
int64_t delivery_held(const struct delivery *d);
/* It was never tried (we are stopping, or were paused): it is back in its place, and no attempt is counted. */
void delivery_untried(struct delivery *d, const struct delivery_thing *thing);
/* Takes the first thing that is not on its way out if it is DELIVERY_EXPIRED, tried itself or not; false: it is not. To be
 * asked, until false, before things are read into the window: what waits behind a receiver that is down for days is not tried
 * one by one. `ret` gets a copy. */
bool delivery_expire(struct delivery *d, int64_t mono, int64_t now, struct delivery_thing *ret);
/* Takes a thing out that is not on its way, whatever its state, oldest first; false: none. For when the window is
 * given up. `ret` gets a copy. */
bool delivery_take_out(struct delivery *d, struct delivery_thing *ret);

/* Everything of bodies up to this seq is over; `read` is the seq of the last body that was read into the window (all of its
 * things were added, or none was wanted). Never more than `read`. */
int64_t delivery_position(const struct delivery *d, int64_t read);
/* Since when everything fails, mono ms, once the receiver is down or the last DELIVERY_SUSPECT answers were failures; else 0. */
int64_t delivery_down(const struct delivery *d);

#endif
