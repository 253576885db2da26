/* SPDX-License-Identifier: Apache-2.0
 * messages.h - every message anyone asked to send, what became of it, and the decision about it.
 *
 * A message row is written with its decision before anything goes upstream. State moves only forward and only
 * under the epoch that wrote it; status events are all kept, the view (`seen`) only gains bits.
 *
 * No index on wamid (docs/decisions/0005-store.md, law 2): the gateway maps Meta's ids of recent messages in memory
 * and refills that map with messages_recent() at start. */
#ifndef WL_STORE_MESSAGES_H
#define WL_STORE_MESSAGES_H

#include "core/event.h"
#include "store/store.h"

enum message_state {
    MESSAGE_REFUSED = 1,   /* a rule denied or held it; never sent */
    MESSAGE_SENDING = 2,   /* intent durable; the call may be on its way */
    MESSAGE_ACCEPTED = 3,  /* Meta answered with an id */
    MESSAGE_REJECTED = 4,  /* Meta answered with an error: definite */
    MESSAGE_AMBIGUOUS = 5, /* no answer: may or may not have been accepted; never sent again by itself */
    MESSAGE_UNSENT = 6     /* surely never reached Meta */
};
const char *message_state_name(enum message_state s); /* "refused", "sending", ... */

#define WAMID_MAX 160

struct message {
    int bucket;
    int64_t id;
    int64_t contact;  /* 0: a person we do not know (only refused messages) */
    int64_t sender;   /* phone number id */
    int64_t campaign; /* 0 */
    enum message_state state;
    int attempt;
    int64_t epoch;
    int64_t ts;         /* admitted at */
    int kind, category; /* enum intent_kind, enum category */
    uint32_t seen;      /* message_seen bits */
    int code;           /* Graph error of the refusal, rejection or failure; 0 */
    int64_t ts_outcome;
    char type[40];
    char wamid[WAMID_MAX];
};

struct decision_row {
    int bucket;
    int64_t id; /* the message's id */
    int64_t ts;
    int64_t ruleset; /* number from rulesets_put() */
    int verdict;
    int64_t until;
    struct str facts, findings; /* packed by core */
};

int messages_insert(struct store *s, const struct message *m, const struct decision_row *d, size_t n, struct err *e);

struct outcome {
    int bucket;
    int64_t id, epoch;
    enum message_state state;
    int code;
    int64_t at;
    struct str wamid; /* may be empty */
};
/* Only messages still SENDING under that epoch move; others are left alone (ret_moved, may be NULL, counts). */
int messages_outcome(struct store *s, const struct outcome *o, size_t n, size_t *ret_moved, struct err *e);

/* A status event: kept once (same message, status, time, participant), the view gains its bits; a first failure code
 * is kept. msg 0: an event whose message we do not know, kept with its wamid for later. An AMBIGUOUS or SENDING
 * message that gets sent/delivered/read becomes ACCEPTED and learns its wamid. */
struct message_event {
    int bucket;
    int64_t msg;
    int64_t at, recorded_at;
    uint32_t seen;
    int code;
    struct str status, wamid, detail, participant;
};
int message_events_append(struct store *s, const struct message_event *ev, size_t n, size_t *ret_new, struct err *e);

int messages_get(struct store *s, int bucket, int64_t id, struct message *ret, struct err *e);
int messages_of(struct store *s, int bucket, int64_t contact, struct arena *a, size_t max, struct message **ret,
                size_t *ret_n, struct err *e); /* newest first; scans recent ids, at most the last 100,000 */
int message_events_list(struct store *s, int bucket, int64_t msg, struct arena *a, size_t max,
                        struct message_event **ret, size_t *ret_n, struct err *e);
/* Newest first, at most max; calls each(). For the in-memory wamid map. */
int messages_recent(struct store *s, size_t max, void (*each)(void *ctx, const struct message *m), void *ctx,
                    struct err *e);
/* After a restart: what an earlier epoch left SENDING becomes AMBIGUOUS. ret_n counts. */
int messages_settle(struct store *s, int bucket, int64_t epoch, int64_t now, size_t *ret_n, struct err *e);

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
