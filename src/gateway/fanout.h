/* SPDX-License-Identifier: Apache-2.0
 * fanout.h - hands webhooks on to every subscriber, each at its own pace.
 *
 * What is handed on has been applied: an app that answers an inbound message at once finds its window open. At least once;
 * in order for each message and each person; re-signed with the secret the app expects; without our mark. A subscriber's
 * queue is the inbox and a position, so a week of one that is down costs no memory and holds nobody else up. */
#ifndef WL_GATEWAY_FANOUT_H
#define WL_GATEWAY_FANOUT_H

#include "base/arena.h"
#include "base/err.h"
#include "store/subscribers.h"

struct gateway;
struct fanout;

/* Makes the subscriber of the configuration (webhook.forward_url, named "forward") what the configuration says. */
int fanout_start(struct fanout **ret, struct gateway *g, struct err *e);
void fanout_bell(struct fanout *f);    /* more was applied */
void fanout_changed(struct fanout *f); /* subscribers or what they are to get again changed in the store */
/* Forgets all copies of bodies that are not on their way, for somebody was erased from the inbox: they are read again from
 * there. What is on its way is not tried again from its copy. Returns when it is done. Any thread but its own. */
void fanout_forget(struct fanout *f);
/* Ends the thread; the bells may still be rung. */
void fanout_stop(struct fanout *f); /* accepts NULL */
void fanout_free(struct fanout *f); /* accepts NULL */

#define FANOUT_STUCK 3

/* What is known of one right now. Any thread. */
struct fanout_view {
    int64_t id;
    char name[SUBSCRIBER_NAME_MAX];
    bool paused;
    unsigned on_their_way;
    int64_t position;   /* the last body that was taken up, perhaps not on disk yet */
    int64_t waiting_at; /* ms, when the oldest that it was not handed yet was stored; 0: there is none */
    int64_t down_since; /* ms, 0: it takes what it is given, or was given nothing yet */
    int64_t next_at;    /* ms, when it is tried again while it is down; 0 */
    int last_status;    /* 0: no answer */
    int64_t last_at;    /* of that answer; 0: none yet in this life */
    char last_error[200];
    bool broken;        /* nothing is handed to it: last_error says why and what to do */
    bool secret_lost;   /* that is why: its secret cannot be unsealed */
    bool app_unknown;   /* its app is not configured any more: signed with the secret of the first one */
    unsigned pending;   /* things that were taken up and are not over */
    int64_t oldest_seq; /* the body of the oldest of them; 0: there is none */
    unsigned oldest_attempts;
    unsigned stuck;    /* of them: failed FANOUT_STUCK times at least while others were taken */
    int64_t stuck_seq; /* the oldest such one, 0: there is none */
    int stuck_event;   /* -1: the whole body */
    unsigned stuck_attempts;
    int stuck_status;                 /* its last answer; 0: none */
    uint64_t delivered, failed, dead; /* POSTs taken, attempts that failed, things given up; in this life */
};
bool fanout_look(struct fanout *f, int64_t id, struct fanout_view *ret); /* false: it does not know this one (yet) */
size_t fanout_list(struct fanout *f, struct fanout_view *ret, size_t max);

/* One POST apart from the queue, as an event of its own would be made (by the secret of its app when it has none), with
 * `Wayleave-Event-Id: test`. Nothing is counted. The strings and the struct are borrowed until done(), which is called once, in another
 * thread, also when we stop. WL_EBUSY: it was not taken and done() will not be called. */
struct fanout_test {
    struct str url, secret; /* secret: sealed, as in the row */
    int64_t app;            /* as in the row */
    bool by_configuration;
    struct str body;
    void (*done)(struct fanout_test *t);
    int status; /* 0: no answer, error says why */
    int64_t took_ms;
    char error[160];
    struct fanout_test_call *call; /* ours */
};
int fanout_test(struct fanout *f, struct fanout_test *t, struct err *e);

/* Whether subscribers may be made at this address: WL_EINVAL with a sentence. Addresses are looked at again when a
 * connection is made. */
int fanout_check_url(const struct gateway *g, struct str url, struct err *e);

#endif
