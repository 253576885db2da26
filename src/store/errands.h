/* SPDX-License-Identifier: Apache-2.0
 * errands.h - messages the gateway owes a person: written with what causes them, done later.
 *
 * That somebody is to be told their opt-out was heard, or to be asked to confirm an opt-in, is durable in the same transaction
 * as the opt-out or the opt-in itself. gateway/errands.c runs them; core/welcome.h says what an opt-in does when. */
#ifndef WL_STORE_ERRANDS_H
#define WL_STORE_ERRANDS_H

#include "core/consent.h"
#include "store/store.h"

#define ERRAND_DETAIL_MAX 8192

enum errand_kind {
    ERRAND_STOPPED = 1, /* one message: your opt-out was heard */
    ERRAND_STARTED = 2, /* one message: you get messages again */
    ERRAND_HELP = 3,    /* one message: who we are and how to stop */
    ERRAND_WELCOME = 4  /* asks for consent, or to confirm it; reminds; expires */
};
const char *errand_kind_name(enum errand_kind k);

enum errand_state {
    ERRAND_OPEN = 1,
    ERRAND_DONE = 2,     /* sent; WELCOME: confirmed */
    ERRAND_DECLINED = 3, /* WELCOME: they said no */
    ERRAND_EXPIRED = 4,  /* nobody answered, or it could not be sent in time */
    ERRAND_REFUSED = 5,  /* a rule refused the message; why has the rule */
    ERRAND_FAILED = 6,   /* Meta did */
    ERRAND_CANCELLED = 7
};
const char *errand_state_name(enum errand_state s);
int errand_state_parse(struct str word, enum errand_state *ret, struct err *e); /* WL_EINVAL */

struct errand {
    int bucket;
    int64_t id; /* given by the caller: store_id() */
    enum errand_kind kind;
    enum errand_state state;
    int64_t due; /* of an open one: when to look at it */
    int64_t contact, sender;
    consent_scope scope;
    int64_t begun_at, expires; /* ms */
    int step;                  /* messages sent so far */
    int64_t msg;               /* the last of them; 0 none */
    struct str why;            /* of an end, in words */
    struct str detail;         /* JSON: text, template, language, evidence to be kept with a confirmation */
};

int errands_add(struct store *s, const struct errand *v, size_t n, struct err *e);
/* Writes state, due, step, msg, why, detail. WL_ENOTFOUND. */
int errand_put(struct store *s, const struct errand *v, struct err *e);
int errand_get(struct store *s, int bucket, int64_t id, struct arena *a, struct errand *ret, struct err *e);
/* Open ones whose time has come, the longest due first. */
int errands_due(struct store *s, int bucket, int64_t now, size_t max, struct arena *a, struct errand **ret,
                size_t *ret_n, struct err *e);
/* Open ones of a person, newest first, also those written before somebody turned out to be them; kind 0: any. */
int errands_of(struct store *s, int bucket, int64_t contact, enum errand_kind kind, struct arena *a,
               struct errand **ret, size_t *ret_n, struct err *e);
/* All, newest first, of ids below `before` (0 all); state 0: any, contact 0: anybody. */
int errands_list(struct store *s, int bucket, int64_t contact, enum errand_state state, int64_t before, size_t max,
                 struct arena *a, struct errand **ret, size_t *ret_n, struct err *e);
/* Forgets at most max of those that ended and have ids below `before`; an erasure takes its own (erasures.h). */
int errands_forget(struct store *s, int bucket, int64_t before, size_t max, size_t *ret_gone, struct err *e);

#endif
