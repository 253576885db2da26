/* SPDX-License-Identifier: Apache-2.0
 * errands.h - does what the gateway owes people: store/errands.h has the rows, core/welcome.h says what to do when.
 *
 * One thread looks at what is due, builds the message, and has it judged and taken by the one door under the key
 * "errand:<id>:<step>", so that the same step is one message however often the program dies over it. What became of it is
 * written into the errand: sent, refused by which rule, too late. */
#ifndef WL_GATEWAY_ERRANDS_H
#define WL_GATEWAY_ERRANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct gateway;
struct errands;

#define ERRAND_ONCE_MS     INT64_C(300000)   /* for so long an opt-out may be confirmed (47 CFR 64.1200(a)(12)) */
#define ERRAND_AGAIN_MS    INT64_C(86400000) /* the same is not said again within this */
#define ERRAND_ANSWERS_MAX 3 /* of a number to a person within this: two machines do not talk for ever */

enum errand_count {
    ERRANDS_SENT,
    ERRANDS_REFUSED,
    ERRANDS_LATE,
    WELCOMES_STARTED,
    WELCOMES_CONFIRMED,
    WELCOMES_DECLINED,
    WELCOMES_EXPIRED,
    ERRAND_COUNTS
};

int errands_start(struct errands **ret, struct gateway *g, struct err *e);
void errands_stop(struct errands *r); /* ends the thread, before the writer ends; accepts NULL */
void errands_free(
    struct errands *r); /* after the client has ended: messages may be on their way to the door; accepts NULL */
/* Something was added or answered. Any thread; accepts NULL. */
void errands_bell(struct errands *r);
/* Accepts NULL. */
void errands_count(struct errands *r, enum errand_count what, uint64_t n);
uint64_t errands_counted(const struct errands *r, enum errand_count what);

#endif
