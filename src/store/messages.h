/* SPDX-License-Identifier: Apache-2.0
 * messages.h - every message anyone asked to send, what became of it, and the decision about it.
 *
 * A message row is written before anything goes upstream. What may become of it is core/sendlife.h's matter: whoever has
 * news reads the row, steps its life and saves it under the version that was read. Status events are all kept beside
 * it.
 *
 * No index on wamid (docs/decisions/0005-store.md, law 2): statuses carry our own id (core/callback.h); for those that do
 * not, the gateway maps Meta's ids of recent messages in memory and refills that map with messages_recent() at start. */
#ifndef WL_STORE_MESSAGES_H
#define WL_STORE_MESSAGES_H

#include <string.h>

#include "core/event.h"
#include "core/sendlife.h"
#include "store/store.h"

#define WAMID_MAX 160

struct message {
    int bucket;
    int64_t id;
    int64_t ver;         /* of the row that was read; a save writes the next */
    int64_t contact;     /* 0: a person we do not know */
    int64_t sender;      /* phone number id */
    int64_t campaign;    /* 0: of none */
    int64_t place;       /* its recipient's in the campaign (campaigns.h); never changes, like: */
    int stratum;         /* where they came from (struct campaign_source) */
    struct life life;    /* state, attempts, category, code, ... */
    int64_t epoch;       /* the open or last attempt was made under */
    int64_t ts;          /* accepted from its caller at */
    int64_t changed_at;  /* when its state last changed; 0: never since */
    int64_t decision;    /* id of the decision that let it go or refused it; 0: the message's own id */
    int64_t valid_until; /* until when Meta tries to deliver what it accepted; 0 not known */
    int kind;            /* enum intent_kind */
    uint32_t seen;       /* message_seen bits */
    char type[40];
    char wamid[WAMID_MAX]; /* of the attempt accepted last */
};

/* In the place of Meta's id, which names the person: they were erased, and nothing that names them is kept with it any more. */
#define MESSAGE_ERASED "-"
static inline bool message_is_erased(const struct message *m)
{
    return strcmp(m->wamid, MESSAGE_ERASED) == 0;
}

static inline int64_t message_decision(const struct message *m)
{
    return m->decision != 0 ? m->decision : m->id;
}

struct decision_row {
    int bucket;
    int64_t id; /* the message's id; or one of its own, when the message was judged later than it was accepted */
    int64_t ts;
    int64_t ruleset; /* number from rulesets_put() */
    int verdict;
    int64_t until;
    struct str facts, findings; /* packed by core */
};

/* d may be NULL; a decision with id 0 is not written. */
int messages_insert(struct store *s, const struct message *m, const struct decision_row *d, size_t n, struct err *e);
/* Decisions about messages that are there already; each under an id of its own. */
int decisions_insert(struct store *s, const struct decision_row *d, size_t n, struct err *e);

/* Writes what can change in a message: contact (somebody we know by now), life, epoch, changed_at, decision, valid_until, seen, wamid; ver moves on, in *m too.
 * WL_ECONFLICT: the row has another version than the one read; nothing was written of that row. */
int message_save(struct store *s, struct message *m, struct err *e);

/* A status event, kept once (same message, status, time, participant, code). msg 0: an event whose message we do not know, kept
 * with its wamid for later. What it means for the message is the caller's to save. */
struct message_event {
    int bucket;
    int64_t msg;
    int64_t at, recorded_at;
    uint32_t seen;
    int code;
    struct str status, wamid, detail, participant;
};
int message_events_append(struct store *s, const struct message_event *ev, size_t n, size_t *ret_new, struct err *e);
/* Events of messages we do not know, those of `from` and later up to the end of the moment in which about `about` are full.
 * *ret_next: the moment to go on with; 0: that was all. And taking one away; one that is gone already is no error. */
int message_orphans(struct store *s, int bucket, int64_t from, size_t about, struct arena *a,
                    struct message_event **ret, size_t *ret_n, int64_t *ret_next, struct err *e);
int message_orphan_drop(struct store *s, const struct message_event *ev, struct err *e);
/* Drops at most max of the oldest of them, those that happened and were heard before `before`. */
int message_orphans_expire(struct store *s, int bucket, int64_t before, size_t max, struct arena *a, size_t *ret_n,
                           struct err *e);

int messages_get(struct store *s, int bucket, int64_t id, struct message *ret, struct err *e);
int messages_of(struct store *s, int bucket, int64_t contact, struct arena *a, size_t max, struct message **ret,
                size_t *ret_n, struct err *e); /* newest first; scans recent ids, at most the last 100,000 */
/* When it was read, as far as was kept; a reading at `at` that was just kept is left out: of several the earliest, 0 none. */
int message_read_before(struct store *s, int bucket, int64_t msg, int64_t at, int64_t *ret_known, struct err *e);
int message_events_list(struct store *s, int bucket, int64_t msg, struct arena *a, size_t max,
                        struct message_event **ret, size_t *ret_n, struct err *e);
/* Newest first, at most max; calls each(). For the in-memory wamid map. */
int messages_recent(struct store *s, size_t max, void (*each)(void *ctx, const struct message *m), void *ctx,
                    struct err *e);
/* SENDING under an epoch below this one: an earlier life of the program, or an owner that was fenced off, opened their
 * attempt. Oldest first. */
int messages_left_sending(struct store *s, int bucket, int64_t epoch, struct arena *a, size_t max, struct message **ret,
                          size_t *ret_n, struct err *e);
/* AMBIGUOUS and due at `now` or before; the longest due first. */
int messages_in_doubt(struct store *s, int bucket, int64_t now, struct arena *a, size_t max, struct message **ret,
                      size_t *ret_n, struct err *e);
/* The message a decision with an id of its own is about; WL_ENOTFOUND. */
int messages_decided(struct store *s, int bucket, int64_t decision, struct message *ret, struct err *e);

/* Newest first, those before `before` (an id; 0: from the newest), at most max that fit. Looks at most at SCAN rows;
 * *ret_next: where to go on, 0: nothing more. */
#define MESSAGES_SCAN_MAX 100000
struct message_filter {
    int64_t sender, contact, campaign; /* 0: any */
    uint32_t states;                   /* bit 1 << enum life_state; 0: any */
    int category;                      /* enum category; 0 any */
    uint32_t seen, not_seen;           /* message_seen bits that must be there, that must not */
    int code;                          /* 0 any */
    int64_t from, to;                  /* accepted at; ms, to exclusive; 0 open */
    int64_t past_valid;                /* valid_until set and not after this; 0 any */
    bool duplicated;                   /* accepted more than once */
};
int messages_list(struct store *s, int bucket, const struct message_filter *f, int64_t before, struct arena *a,
                  size_t max, struct message **ret, size_t *ret_n, int64_t *ret_next, struct err *e);

int decisions_get(struct store *s, int bucket, int64_t id, struct arena *a, struct decision_row *ret, struct err *e);

/* Rule sets ever used, so that old decisions can be explained. Same hash: same number. */
int rulesets_put(struct store *s, const uint8_t hash[32], const char *id, struct str source, int64_t now,
                 int64_t *ret_number, struct err *e);
int rulesets_get(struct store *s, int64_t number, struct arena *a, uint8_t ret_hash[32], struct str *ret_source,
                 struct err *e);
/* Those whose hash lies between these two, at most max, by hash. */
struct ruleset_name {
    int64_t number;
    struct str id, hash;
};
int rulesets_between(struct store *s, const uint8_t from[32], const uint8_t to[32], struct arena *a, size_t max,
                     struct ruleset_name *ret, size_t *ret_n, struct err *e);

#endif
