/* SPDX-License-Identifier: Apache-2.0
 * audiences.h - the owner of the read model segments are answered over: built when somebody asks, kept while it is fresh.
 *
 * A build reads all people through a connection of its own, in short transactions. It is as old as its `at` says; an answer says so. As long
 * as nothing was written since it began, it is good, for ten minutes. With up to AUDIENCE_EXACT people it is good for nothing else: a small
 * business is always answered as of now. With more it is used until it is twenty times as old as its build took and two minutes at most. After
 * that a new one is built behind, while the old one is used until it is five minutes old; then everybody waits. (Of a build that takes a
 * minute or more: until it is twice, and five times, as old as that.) Whoever wants it fresh (a campaign's check) waits for a build that
 * began after they asked.
 *
 * While a new one is built both are in memory. */
#ifndef WL_GATEWAY_AUDIENCES_H
#define WL_GATEWAY_AUDIENCES_H

#include "core/audience.h"
#include "gateway/gateway_impl.h"

#define AUDIENCE_EXACT         10000             /* people, each counted once more for every campaign they were in */
#define AUDIENCE_CAMPAIGNS_MAX 200               /* what the newest so many campaigns did is known in segments */
#define AUDIENCE_MARKS_MAX     INT64_C(10000000) /* and of so many people in them, the newest campaigns first */
#define AUDIENCE_QUESTIONS_MAX 256               /* waiting at a time */
#define AUDIENCE_ARENA         (64u << 20)       /* of a question */

struct audiences;
int audiences_start(struct audiences **ret, struct gateway *g, struct err *e);
void audiences_hurry(struct audiences *a); /* from now on whoever waits, or asks, gets WL_EBUSY; accepts NULL */
void audiences_stop(struct audiences *a);  /* the same, and its threads have ended; accepts NULL */
void audiences_free(struct audiences *a);
/* Waits while it is built. audience_return() it. fresh: built after this call began. */
int audience_borrow(struct audiences *a, bool fresh, const struct audience **ret, struct err *e);
void audience_return(struct audiences *a, const struct audience *au);
/* As of when what it says is true: now, while nothing was written since it was built. */
int64_t audience_as_of(struct audiences *a, const struct audience *au);

/* A question about a segment. It may have to wait for a build, and takes a while with many people: neither the readers nor the writer do it,
 * but two threads of its own, each with a read-only connection. run() is called once, with the audience or with the reason why there is
 * none (au NULL, e set), and the job is its own again. */
struct audience_job {
    struct queue_link link;
    bool fresh;
    void (*run)(struct audience_job *job, const struct audience *au, struct store *s, struct arena *a,
                const struct err *why);
};
int audience_ask(struct audiences *a, struct audience_job *job, struct err *e); /* WL_EBUSY: the line is full */

struct audiences_look {
    int64_t at, took_ms, builds; /* of the last one; at 0: none was built yet */
    size_t people, bytes, campaigns;
    int64_t marks;
    bool building, current; /* current: nothing was written since */
};
void audiences_look(struct audiences *a, struct audiences_look *ret);

#endif
