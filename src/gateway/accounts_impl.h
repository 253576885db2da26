/* SPDX-License-Identifier: Apache-2.0
 * accounts_impl.h - what accounts.c (who may speak for a number) and accounts_poll.c (what is read by itself) share.
 *
 * For these two files only. Each field says who may touch it; where nothing is said, whoever holds `lock`. */
#ifndef WL_GATEWAY_ACCOUNTS_IMPL_H
#define WL_GATEWAY_ACCOUNTS_IMPL_H

#include <stdatomic.h>

#include "gateway/accounts.h"
#include "gateway/gateway_impl.h"
#include "gateway/meta_read.h"

#define INTRODUCERS         8
#define NODE_SHARE          4 /* introducers one number may keep busy */
#define SILENCES            64
#define TRUST_SLOTS         4096 /* direct-mapped: a collision only costs another introduction */
#define STAMPS_MAX          256
#define ACCOUNTS_CALL_MS    4000
#define ACCOUNTS_LISTING_MS 20000 /* for all pages of a template list; only tokens that were accepted get here */
#define ACCOUNTS_ARENA_MAX  (128u << 20)

struct trust {
    uint8_t key[16];
    int64_t since;
};

/* When something was last read, by id. */
struct stamps {
    struct {
        int64_t id, at; /* at 0: stale */
    } of[STAMPS_MAX];
    size_t n;
};

struct poller;

struct accounts {
    struct gateway *g;
    struct {
        pthread_mutex_t lock;
        pthread_cond_t wake;
        struct queue_link *first, **last;
        size_t n;
        const struct introduction *running[INTRODUCERS]; /* NULL: that one is idle */
        size_t started;                                  /* introducers that have a place in it */
        bool closed;
        struct {
            uint8_t key[16];
            int64_t at;
        } silence[SILENCES]; /* a ring */
        size_t next_silence;
    } line;
    pthread_t introducer[INTRODUCERS], keeper;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop, stopped, publish;
    uint8_t secret[32];
    struct trust trust[TRUST_SLOTS];
    struct stamps listed;   /* account -> when its templates were listed */
    struct stamps unlisted; /* account -> when that could not be done for somebody who waited */
    struct stamps learned;  /* number -> when it was read */
    struct store *reader;   /* keeper thread only */
    struct poller *poller;
};

/* --- accounts.c; any thread --- */
void accounts_trust(struct accounts *a, int64_t sender, struct str token, int64_t since); /* 0: not any more */
int64_t accounts_stamp(struct accounts *a, const struct stamps *s, int64_t id);
void accounts_stamp_set(struct accounts *a, struct stamps *s, int64_t id, int64_t at);
int64_t accounts_waba(struct accounts *a, int64_t sender); /* as known; 0 not */
/* The account of a number: configured, known already, or found through the token. 0 when it stays unknown. */
int64_t accounts_find_waba(struct accounts *a, struct meta *m, int64_t sender);

/* --- accounts_poll.c --- */
int accounts_poll_start(struct accounts *a);
void accounts_poll_hurry(struct accounts *a); /* no new reading, and the ones that run give up at their next call */
void accounts_poll_stop(struct accounts *a);
void accounts_poll_free(struct accounts *a);
void accounts_poll_soon(struct accounts *a, int64_t waba); /* 0: all */
bool accounts_poll_full(struct accounts *a, int64_t waba); /* Meta said that we ask too much about it */

#endif
