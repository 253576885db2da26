/* SPDX-License-Identifier: Apache-2.0
 * poll.h - when numbers and accounts are read again of Meta, which does not push everything: a pure scheduler.
 *
 * It does no I/O and reads no clock: time is the caller's, monotonic, in ms. What it goes by:
 *
 * - Each thing is read once an interval, a little before it is over; after the first time somewhere in the interval, so that
 *   what was begun together does not stay together. Never more than `together` at a time, nor two begun within `gap_ms`.
 * - What fails is asked again after wait_first_ms, then after twice as long each time, up to wait_most_ms, each time give or
 *   take a fifth. One success ends that.
 * - What speaks of more than one thing holds up all it speaks of: a limit of the app everything read with that token, a
 *   limit or a failure of an account its numbers and its templates. Afterwards one goes first, and the others follow when it
 *   was answered. Meta's own word of how long to wait counts where it is longer.
 * - A token that was refused is not shown again for long: nothing but a new one makes it good.
 * - From 80 % of what Meta allows to be used on, there is a pause after each reading, from 90 % on a longer one.
 *
 * What Meta said changed is read soon, once, however often it is said; while that goes on, after twice as long each time. The numbers are ours. */
#ifndef WL_CORE_POLL_H
#define WL_CORE_POLL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct poll_terms {
    int64_t interval_ms;
    unsigned together;
    int64_t gap_ms;
    int64_t wait_first_ms, wait_most_ms, wait_token_ms; /* the last: the first wait after a token was refused */
    int64_t soon_ms, soon_apart_ms;  /* after being told of a change; between two readings because of that */
    int64_t pause_ms, long_pause_ms; /* from 80 % and from 90 % on */
};
extern const struct poll_terms poll_usual; /* 15 min, 2, 250 ms, 1 min .. 6 h, 15 min, 2 s, 5 s, 30 s, 5 min */

enum poll_kind { POLL_ACCOUNT, POLL_NUMBER };

struct poll_target {
    enum poll_kind kind;
    int64_t id;
    int64_t account; /* its account, of an account itself; 0 not known */
    uint64_t app;    /* stands for the token it is read with */
};

enum poll_end {
    POLL_READ,
    POLL_DENIED,       /* Meta says no to this one */
    POLL_TOKEN,        /* to the token (190) */
    POLL_FAILED,       /* it answered that it could not: 5xx, or something that cannot be read */
    POLL_SILENT,       /* no answer */
    POLL_FULL_ACCOUNT, /* too many calls about the account (80007, 80008, 130429) */
    POLL_FULL_APP      /* by the app or its user (4, 17, 429) */
};

struct poll_answer {
    enum poll_end end;
    int64_t wait_ms;                  /* Meta's own word of when it may be asked again; 0: none */
    int app_percent, account_percent; /* of what may be used, -1 not said */
};
/* What an answer that is no success means: HTTP status, 0 none; code, 0 none. */
enum poll_end poll_end_of(int status, int code);

struct poll;
/* For at most `max` targets. NULL when memory runs out. */
struct poll *poll_create(const struct poll_terms *t, size_t max, uint64_t seed);
void poll_free(struct poll *p); /* accepts NULL */

/* What is to be read from now on. New ones are due at once, and so are those that got another token; the others keep what is
 * known of them. More than max: the last ones are left out. */
void poll_set(struct poll *p, const struct poll_target *all, size_t n, int64_t mono);
/* The next to be read, which is being read from then on. False: none; *ret_wake says when to ask again (INT64_MAX: after the
 * next change). */
bool poll_next(struct poll *p, int64_t mono, struct poll_target *ret, int64_t *ret_wake);
void poll_ended(struct poll *p, enum poll_kind kind, int64_t id, const struct poll_answer *answer, int64_t mono);

/* It changed. False: nothing of that name is read. */
bool poll_soon(struct poll *p, enum poll_kind kind, int64_t id, int64_t mono);
/* Somebody wants it now, whatever failed before; only where Meta said that it is too much, that stands. */
bool poll_now(struct poll *p, enum poll_kind kind, int64_t id, int64_t mono);

struct poll_state {
    int64_t due;        /* when it is read next, mono; as far as is known now */
    unsigned failures;  /* one after the other, its own or those of its account or token */
    bool reading, full; /* full: Meta said that it is too much */
    bool refused;       /* its token was */
};
bool poll_look(const struct poll *p, enum poll_kind kind, int64_t id, int64_t mono, struct poll_state *ret);
/* Whether this token was refused, and not tried again since. */
bool poll_refused(const struct poll *p, uint64_t app);

#endif
