/* SPDX-License-Identifier: Apache-2.0
 * subscribers.h - who behind us hears of webhooks, how far they are, and what they did not take.
 *
 * Control tables: small, not bucketed. A subscriber's queue is the inbox and a position in it, so that a thousand waiting
 * events cost nothing and a slow subscriber holds nobody up. What is not over yet of what lies before the position stands
 * beside it, so that what was taken is not handed over again. Secrets are sealed before they come here (base/seal.h). */
#ifndef WL_STORE_SUBSCRIBERS_H
#define WL_STORE_SUBSCRIBERS_H

#include "store/store.h"

#define SUBSCRIBERS_MAX         64
#define SUBSCRIBER_NAME_MAX     64 /* with the NUL; letters, digits, '.', '_' and '-' */
#define SUBSCRIBER_PARALLEL_MAX 64

enum subscriber_form {
    SUBSCRIBER_EVENTS = 0, /* one event a POST, in an envelope of its own */
    SUBSCRIBER_BODIES = 1  /* each body as it came, when any of its events is wanted */
};
enum subscriber_origin { SUBSCRIBER_BY_API = 0, SUBSCRIBER_BY_CONFIGURATION = 1 };

struct subscriber {
    int64_t id;
    int64_t ver; /* 0: no row yet */
    char name[SUBSCRIBER_NAME_MAX];
    struct str url;
    int64_t app;       /* Meta's id of the app it belongs to; 0: the first one that is configured */
    struct str secret; /* sealed; empty: signed with the secret of its app, whichever app a body came from */
    enum subscriber_form form;
    int parallel; /* POSTs at a time, 1 to SUBSCRIBER_PARALLEL_MAX */
    enum subscriber_origin origin;
    bool paused;
    struct str filter; /* core/webhook_filter.h, as text; empty: everything */
    int64_t created_at, changed_at;
    int64_t position;                /* the last body that was taken up */
    struct str pending;              /* what is not over yet: subscriber_pending_read() */
    int64_t again_next, again_until; /* 0: nothing is handed over again */
};
/* Inserts (ver 0; with position, pending and again_*) or replaces all but those, by version: WL_ECONFLICT when it moved, or
 * when another has the name; WL_ETOOBIG when there are SUBSCRIBERS_MAX. ver is raised. Inserted with position 0 it begins
 * after the newest body there is, and has that position from then on. */
int subscriber_put(struct store *s, struct subscriber *v, struct err *e);
int subscriber_get(struct store *s, struct str name, struct arena *a, struct subscriber *ret,
                   struct err *e); /* WL_ENOTFOUND */
int subscribers_list(struct store *s, struct arena *a, struct subscriber **ret, size_t *ret_n,
                     struct err *e); /* by id */
/* With its dead letters; of very many, the rest go with dead_letters_expire(). WL_ENOTFOUND. */
int subscriber_drop(struct store *s, int64_t id, struct err *e);
/* How far it is, and what is not over yet. A position never goes back. Does nothing when it is gone. */
int subscriber_position(struct store *s, int64_t id, int64_t position, struct str pending, struct err *e);

/* What was taken up and is not over: things of bodies up to the position, and of the one after it when that was taken up
 * in part. */
struct subscriber_thing {
    int64_t seq;
    int event; /* -1: the whole body */
    unsigned attempts;
};
struct subscriber_pending {
    int64_t part_seq;               /* the body that was taken up in part, 0: none */
    size_t part_next;               /* its first event that was not */
    struct subscriber_thing *thing; /* by (seq, event) */
    size_t n;
};
#define SUBSCRIBER_PENDING_MAX 2048 /* things: a window of them twice over */
/* Into a buffer; no thing and no part: nothing is written. */
void subscriber_pending_write(const struct subscriber_pending *v, struct buf *out);
/* WL_EINVAL: damaged. */
int subscriber_pending_read(struct str packed, struct arena *a, struct subscriber_pending *ret, struct err *e);
/* Whether a body is over for it: taken, given up or not wanted, all of it. */
bool subscriber_passed(const struct subscriber *v, const struct subscriber_pending *p, int64_t seq);
/* Bodies that are not over for it, of those up to `until`, counted up to about `most`. */
int subscriber_waiting(struct store *s, const struct subscriber *v, int64_t until, int64_t most, int64_t *ret,
                       struct err *e);
/* What is to be handed over again: bodies after `next` up to `until`; 0, 0: no more. Moves on as it is done. */
int subscriber_again(struct store *s, int64_t id, int64_t next, int64_t until, struct err *e);

struct dead_letter {
    int64_t subscriber, seq;
    int event; /* -1: the whole body */
    int64_t died_at;
    int attempts;
    int status;     /* the last answer's; 0: there was none */
    struct str why; /* one sentence */
    bool again;     /* it is to be tried once more */
};
int dead_letters_put(struct store *s, const struct dead_letter *v, size_t n, struct err *e); /* upsert */
/* Oldest first, after (seq, event); only_again: those that are to be tried again. */
int dead_letters_list(struct store *s, int64_t subscriber, int64_t after_seq, int after_event, bool only_again,
                      size_t max, struct arena *a, struct dead_letter **ret, size_t *ret_n, struct err *e);
/* Marks those that are not marked yet to be tried again: with seq 0 the oldest of all, at most DEAD_LETTERS_AT_ONCE.
 * *ret_n: how many; while it is as many, there may be more. */
#define DEAD_LETTERS_AT_ONCE 10000
int dead_letters_again(struct store *s, int64_t subscriber, int64_t seq, size_t *ret_n, struct err *e);
int dead_letter_drop(struct store *s, int64_t subscriber, int64_t seq, int event, struct err *e);
/* Drops at most max whose bodies are gone (those of seq before this one) or whose subscriber is. */
int dead_letters_expire(struct store *s, int64_t before_seq, size_t max, size_t *ret_n, struct err *e);
int dead_letters_count(struct store *s, int64_t subscriber, int64_t *ret, struct err *e);

#endif
