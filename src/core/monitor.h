/* SPDX-License-Identifier: Apache-2.0
 * monitor.h - whether a campaign is going wrong: tests that may be looked at as often as one likes.
 *
 * Each signal has an e-process (methods topic 3): e(n,k) is a mean over several alternatives, each a test supermartingale under every rate
 * on the good side of the tolerated one, so P(ever >= 1/a) <= a whenever and however often it is looked at. Counting what has not
 * come yet as "did not happen" only lowers it: no assumption about delays.
 *
 * Two speeds. HOLD, which ends by itself, on any e >= 10 or on the test that weighs people by how much of their reaction can be here by now,
 * while waiting can still tell (monitor.c); STOP, which only a person ends, on the delay-free test alone. The budget of false stops, 1 %, is split
 * over the signals (Bonferroni). Who goes on after a person ended a stop looks at the people sent to since then, and no others: what tripped stays tripped.
 *
 * Pure: counts in, verdict out. Doubles in log space; the same on every machine to the last few bits, and no verdict rests on those. */
#ifndef WL_CORE_MONITOR_H
#define WL_CORE_MONITOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/json.h"

enum monitor_signal {
    SIGNAL_OPT_OUT,
    SIGNAL_UNDELIVERABLE,
    SIGNAL_COMPLAINT,
    SIGNAL_READ_15, /* holds only */
    SIGNAL_READ_60,
    SIGNAL_READ_240,
    SIGNAL_READ_1440,
    MONITOR_SIGNALS
};
const char *
monitor_signal_name(enum monitor_signal s); /* "opt_out", "undeliverable", "complaint", "read_15m", "read_1h", ... */

/* Tolerated rates, in millionths: at most q of bad events, at least p of readings; 0 or from a million on: this signal is not watched. */
struct monitor_terms {
    uint32_t ppm[MONITOR_SIGNALS];
    uint32_t learned_from; /* campaigns; 0: as shipped */
    uint32_t haste; /* thousandths: so much sooner than usual do the quickest campaigns' people react; 0: as shipped */
};
extern const struct monitor_terms
    monitor_shipped; /* 0.6 %, 7.5 %, 0.11 %; reads 8/18/36/56 % at 15 min/1/4/24 h; haste 3.6 */
/* {"ppm":{"opt_out":6000,...},"learned_from":0,"haste":3600}, and back. What is not in the text is as shipped; WL_EINVAL: no object, or a number that
 * cannot be one. */
void monitor_terms_write(const struct monitor_terms *t, struct json_out *out);
int monitor_terms_read(struct json v, struct monitor_terms *ret, struct err *e);

/* People whose message was sent in one minute. */
struct monitor_cohort {
    int64_t minute; /* since the epoch */
    uint32_t sent;
    uint32_t opted_out, undeliverable, complained;
    uint32_t read_15, read_60, read_240, read_1440; /* within so many minutes of being sent */
    uint32_t
        left_out; /* of `sent`: Meta took it and did not deliver it, for reasons of its own (131049, 130472, ...): they say nothing */
};

enum monitor_word { MONITOR_GO, MONITOR_HOLD, MONITOR_STOP };
struct monitor_reading { /* of one signal */
    int64_t n, k;        /* people that count by now, and what they did */
    double log_e;        /* of the delay-free test, natural logarithm */
    double log_fast;     /* of the one that weighs exposure; -INFINITY where there is none */
    int64_t stop_line;   /* k at which it would stop with this n (readings: at or below); -1: none can */
};
struct monitor_verdict {
    enum monitor_word word;
    enum monitor_signal signal; /* that says so; of several the strongest */
    struct monitor_reading reading[MONITOR_SIGNALS];
    bool
        tripped; /* a test passed its budget: one that stops, or one that weighs exposure. A source of which this is said is quarantined */
};
/* Cohorts in any order; a minute that is there twice counts as the sum. A minute that is yet to come is of people sent to just now. now: ms.
 * 1.5 us and 12 ns a cohort (bench/monitor). */
void monitor_look(const struct monitor_terms *t, const struct monitor_cohort *c, size_t n, int64_t now,
                  struct monitor_verdict *ret);
/* The least k (of readings: the most) that stops with n people; -1: none. The whole algorithm, for people. */
int64_t monitor_stop_line(const struct monitor_terms *t, enum monitor_signal s, int64_t n);
/* "7 of 200 opted out; 0.6 % are tolerated, and 7 stop it": what the verdict's signal says. */
void monitor_say(const struct monitor_terms *t, const struct monitor_verdict *v, struct buf *out);

/* Rates of one campaign of our own that ended well. */
struct baseline_outcome {
    int64_t sent, opted_out, undeliverable, complained;
    int64_t n[3], read[3]; /* at 60, 240 and 1440 minutes */
};
/* Tolerance quantiles (99.5 % of bad events, 0.5 % of readings) over these, shrunk to `prior` by how few they are: below 30 the prior
 * alone. `most` (may be NULL): never more tolerant than this. Never a plain mean. */
void baseline_learn(const struct baseline_outcome *o, size_t n, const struct monitor_terms *prior,
                    const struct monitor_terms *most, struct monitor_terms *ret);

#endif
