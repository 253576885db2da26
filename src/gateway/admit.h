/* SPDX-License-Identifier: Apache-2.0
 * admit.h - the one door. Every outgoing message, from any source, is judged here and nowhere else.
 *
 * A send arrives with what its face could read (intent, template and sender facts); admit adds what is known about
 * the person, decides, and writes decision, intent and counters in one transaction. Then decided() is called: the
 * message is refused, waits in the outbox, or is durable as SENDING under an epoch. Whoever carries it upstream must report
 * what happened through outcome_submit(); until then the message is in doubt, and stays so after a crash. */
#ifndef WL_GATEWAY_ADMIT_H
#define WL_GATEWAY_ADMIT_H

#include "core/caps.h"
#include "core/decide.h"
#include "core/intent.h"
#include "gateway/lives.h"
#include "gateway/writer.h"
#include "net/http_client.h"
#include "store/idempotency.h"
#include "store/messages.h"
#include "store/outbox.h"

struct gateway;
struct admit;
struct rules_book;
struct rules_override;

enum send_mode {
    SEND_NOW,    /* its caller waits for Meta's answer: judged, counted, attempted once */
    SEND_ACCEPT, /* judged without being counted; unless a rule denies it, taken into the outbox: we answer for it */
    SEND_QUEUED, /* of the outbox, its turn has come: judged again, counted, attempted */
    SEND_JUDGE /* judged like ACCEPT, by the same rules with the same facts, and that was all: nothing is written, nothing
                  * counted, nothing waits. `decision` says what it would be; `message` stays empty */
};

/* A caller's idempotency key; text.n 0: none. The same key is the same message: instead of a second one the caller gets
 * what became of the first. */
struct send_key {
    struct str text;     /* as given, at most IDEMPOTENCY_TEXT_MAX bytes */
    int64_t fingerprint; /* of the request: another one under the same key is a mistake of the caller's */
};

/* The key as it is kept. */
void key_hash(struct str text, uint8_t ret[IDEMPOTENCY_KEY_BYTES]);

struct send {
    struct job job; /* the writer's */
    struct gateway *g;
    enum send_mode mode;

    /* --- given by the face --- */
    int64_t sender; /* phone number id */
    int64_t epoch;  /* right to send for it; filled by admit */
    const struct intent *intent;
    enum category expected;                /* the category the caller counts on; see send_expects() */
    int64_t expires;                       /* 0: never */
    const struct rules_override *override; /* policy rules somebody sets aside, and why; NULL: none */
    int64_t hold_until_latest;             /* admit_patience(): a HOLD that ends by then is waited out; 0: no waiting */
    bool or_queue;         /* NOW: a hold that is too long for the caller is taken into the outbox instead of refused */
    bool our_id;           /* ACCEPT, or_queue: the caller will know the message by our id; see OUTBOX_OUR_ID */
    struct str body;       /* ACCEPT, or_queue: the Graph body to keep */
    int64_t not_before;    /* ACCEPT: ms; 0 at once */
    struct send_key key;   /* NOW, ACCEPT */
    struct outbox_key row; /* QUEUED: its row; message holds the message's */
    bool
        only_refuse; /* QUEUED: it has no turn and may not be due: it ends if a rule denies it now, else stays as it is, */
    bool sooner;     /* or is due sooner: what held it (its row says so) may hold it for less by now, or not at all */
    /* ACCEPT, of a campaign: its recipient at `place` gets it, and only if the campaign's cursor stands there under this epoch; it moves
     * in the same transaction, also for one that is refused by a rule. Else WL_ECONFLICT, and nothing is written of it. Whoever hands
     * a campaign's people on does so in the order of their places. JUDGE: asks for the campaign, nothing moves. QUEUED: filled by
     * admit from the message. */
    int64_t campaign, place; /* 0: of none */
    int stratum;
    int64_t campaign_epoch;
    void (*decided)(struct send *s);  /* when it is durable, or with job.rc < 0; on the writer's second thread */
    void (*recorded)(struct send *s); /* when the outcome is durable; same thread; may be NULL */
    void *user;

    /* --- filled by send_facts() --- */
    struct facts facts;          /* what the face can know; admit adds the rest */
    int64_t waba, portfolio;     /* 0 not known */
    int64_t ttl;                 /* for how long Meta tries to deliver it, ms */
    int64_t limit;               /* people the portfolio may reach; 0 without limit, -1 not known */
    int per_second;              /* of the number; 0 not known */
    struct content_sent content; /* skeleton 0: no marketing content to compare */

    /* --- filled by admit --- */
    bool turn; /* it has a turn among its number's messages. QUEUED: given; else granted by the dispatcher or taken */
    int64_t
        turn_us; /* when that was taken, monotonic; 0: not known. Stays when the turn is used: its outcome is told by it */
    bool joined;   /* NOW: counted in its number's lane, about to be parked there */
    bool parked;   /* NOW: it was in that line, and came back with a turn or without */
    bool held;     /* put off before */
    uint8_t looks; /* NOW: how often it was looked whether its proof is sealed by now */
    bool leaves;   /* its attempt is written: see send_leaves() */
    bool replayed; /* its key stands for `message`, an earlier one, as it is by now; nothing else was done */
    struct decision decision;
    const struct ruleset *rules;   /* the book that decided */
    const struct rules_book *book; /* the same with its number and its shadow */
    enum verdict shadow;           /* what the shadow said, when the book has one */
    /* WL_ECONFLICT for its key: the message that has it. Else: */
    struct message message; /* id, state, ...; after its outcome still as it was when it was let through */
    int64_t opened_at;      /* what it made the person's reach row say by opening a place; 0: it opened none */
    int64_t interval;       /* by how much it moved the pace with the person, ms */

    /* --- filled by outcome_read() from Meta's answer --- */
    enum life_state outcome;
    int outcome_code;
    bool outcome_held;              /* accepted, but held by Meta for a quality assessment */
    struct str wamid;               /* arena of the face */
    struct identity wa_id, user_id; /* other names of the person learned from the answer */
    bool control_changed;           /* the outcome changed what the snapshot shows */
    struct life_after after;        /* what follows once it is on disk */
    struct life life;               /* of the message, when the outcome was recorded */
};

/* In decided(): its attempt is durable, so whoever asked carries it now and reports with outcome_submit(). Of any other
 * `message` says how it stands: refused, waiting in the outbox, or what became of an earlier one (replayed). */
static inline bool send_leaves(const struct send *s)
{
    return s->job.rc == 0 && s->leaves;
}

int admit_create(struct admit **ret, struct gateway *g, struct err *e);
void admit_free(struct admit *a);
/* Nothing more is let through: sends that come from now on and those not judged yet are refused with WL_EBUSY, and
 * nothing is recorded of them. Accepts NULL. */
void admit_close(struct admit *a);
/* After admit_close(), with the client stopped and the writer running: waits until the outcome of every send that was
 * let through is written. Accepts NULL. */
void admit_drain(struct admit *a);
/* The epoch of this life's lease of a number; 0: it has none. And: it has another one by now. Both accept NULL. */
int64_t admit_lease_epoch(struct admit *a, int64_t sender);
void admit_lease_taken(struct admit *a, int64_t sender, int64_t epoch);
/* Sends let in whose end is not written yet. */
size_t admit_open(const struct admit *a);

/* Reads an outbox row's body into the send (QUEUED) and its intent, both in the arena: row, intent, expected, our_id, and what
 * send_facts() fills. WL_EINVAL: it is no message. */
int send_from_row(struct send *s, const struct outbox_row *row, struct arena *a, struct intent *intent, struct err *e);

/* Fills what comes from the intent, the number, its account and its templates; anew, whatever was there. */
struct snapshot;
void send_facts(struct send *s, const struct snapshot *snap);
/* The category the caller counted on when the message was planned, in a word; empty: on none. WL_EINVAL names the field. */
int send_expects(struct send *s, struct str word, const char *field, struct err *e);

/* How long a caller who asks now may be kept waiting, for send.hold_until_latest: microseconds of the monotonic clock. */
int64_t admit_patience(const struct gateway *g);

/* Whether there is a time zone database; without one nobody's local time is known. */
bool admit_places_known(const struct admit *a);
size_t admit_places_damaged(const struct admit *a);            /* time zones missing or damaged there */
bool admit_zone_known(const struct admit *a, struct str name); /* "Europe/Berlin" */

/* decided() will be called, unless an error is returned; then a turn that was given is still the caller's. */
int admit_submit(struct send *s, struct err *e);
/* The dispatcher's: one that was parked goes on, with s->turn set or at its deadline without. */
void admit_resume(struct send *s);

/* What Meta's answer means for one message: status and JSON body of the answer, or none (fate). */
void outcome_read(struct send *s, enum http_fate fate, int status, struct str body, struct json_parser *parser,
                  struct arena *a);
/* Writes it; recorded() is called after the commit. Never refused for a full line: the message was accepted. */
void outcome_submit(struct send *s);

#endif
