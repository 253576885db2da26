/* SPDX-License-Identifier: Apache-2.0
 * accounts.h - which token may speak for which number, and what Meta says about number and templates.
 *
 * A refusal tells something about a person, so it is given only to a caller whose token Meta itself accepts for the
 * sending number. The first send with a token is an introduction: the number is read with that token, its account is
 * found (configuration, or the token's own granular scopes) and the account's templates are listed. What was learned is
 * stored and published as a new snapshot; the token itself is remembered only as a keyed hash, for a while.
 *
 * Numbers whose tokens are kept by the configuration, their accounts and their templates are read again from time to time,
 * because Meta does not push everything: core/poll.h says when. What a webhook said later stands.
 *
 * Introductions and polling run on threads of their own that may block; nothing else waits for them. */
#ifndef WL_GATEWAY_ACCOUNTS_H
#define WL_GATEWAY_ACCOUNTS_H

#include "base/buf.h"
#include "base/err.h"
#include "base/thread.h"

struct accounts;
struct gateway;

int accounts_start(struct accounts **ret, struct gateway *g, struct err *e);
/* From now on nobody is introduced any more: who is in line is refused. Accepts NULL. */
void accounts_hurry(struct accounts *a);
/* Ends the threads. Everything else may still be called. Accepts NULL. */
void accounts_stop(struct accounts *a);
void accounts_free(struct accounts *a); /* accepts NULL */

/* Was this token accepted for this number lately, and is its template list fresh enough? */
bool accounts_trusts(struct accounts *a, int64_t sender, struct str token);
bool accounts_templates_fresh(struct accounts *a, int64_t sender);

struct introduction {
    struct queue_link link;
    int64_t sender;
    char *token;      /* malloc'ed by the caller, freed by accounts */
    char version[16]; /* the client's API version, "" none */
    bool relist;      /* read the template list again although there is one */
    /* In an accounts thread. ok: the token speaks for the number. Otherwise status and body are Meta's own answer (or
     * ours when Meta could not be reached), to be given to the client. */
    void (*done)(struct introduction *in, bool ok, int status, struct str body);
    void *user;
    uint8_t key[16]; /* accounts' own: stands for (token, number) */
};
/* WL_EBUSY: too many are waiting; done() will not be called. */
int accounts_introduce(struct accounts *a, struct introduction *in, struct err *e);

/* The template list of this account changed (creation, deletion, webhook): read it again soon, once, however often this is
 * called, and in any case before the next refusal. Anybody can cause this call for any number; accounts without a number
 * here are not remembered. waba 0: all of them. */
void accounts_stale(struct accounts *a, int64_t waba);
/* Numbers or templates in the store changed: publish a new snapshot soon. */
void accounts_publish(struct accounts *a);

/* How the reading of one number goes. */
struct accounts_view {
    bool token;           /* one is kept by the configuration, and its file could be read */
    bool refused;         /* Meta refused it, and it was not tried again since */
    int64_t polled_at;    /* last good reading, ms; 0: none in this life */
    int64_t next_poll_at; /* 0: it is not polled */
    int64_t failed_at;    /* the last that failed, 0: none since a good one */
    int status, code;     /* of that one: HTTP status, 0 no answer; Meta's code, 0 none */
    char error[160];      /* one sentence, no secrets */
};
/* False: a number that is not polled, for it has no token here. Any thread; no file is read. */
bool accounts_look(struct accounts *a, int64_t sender, struct accounts_view *ret);
/* The same of an account: its own fields and its templates. */
bool accounts_look_account(struct accounts *a, int64_t waba, struct accounts_view *ret, size_t *ret_templates);
/* When the templates of an account were listed last, and when that failed since; false: they are not polled. */
bool accounts_listed(struct accounts *a, int64_t waba, int64_t *ret_at, int64_t *ret_failed_at, char error[160]);
/* Reads this account, its numbers and its templates now, due or not; waba 0: all. Does not wait for them: accounts_listed()
 * tells. *ret_n: how many accounts. What Meta said is too much is asked for when it said. WL_ENOTFOUND: no such account here;
 * WL_ECONFLICT: no token is kept for any of its numbers. */
int accounts_sync(struct accounts *a, int64_t waba, size_t *ret_n, struct err *e);

/* The token kept for a number by configuration, read from its file; NULL when there is none. free() it. */
char *accounts_token(struct accounts *a, int64_t sender);

#endif
