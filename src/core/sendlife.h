/* SPDX-License-Identifier: Apache-2.0
 * sendlife.h - the life of one message from accepted to its end, as a pure step function.
 *
 * Meta's API has no idempotency key, so an attempt without an answer leaves a doubt, and "never twice" and "never
 * lost" cannot both hold for it. What is done about a doubt depends on the category: a marketing message is never
 * attempted again; a utility or authentication message once, after its wait, and only when webhooks of messages sent
 * later from the same number have been applied (so that a status of this one would have been seen). While nobody listened
 * that proves nothing: Meta repeats what it could not deliver, but not at once, and newer words overtake it. Everything else
 * is definite. A definite refusal that is about the number or the pair (too fast, stopped) says nothing about the message: it
 * costs no attempt, and only the message's own end of time ends it. The category is the one an attempt is made under: a
 * template may have become another one while the message waited, and once there was an attempt it only becomes
 * stricter. A message whose caller waits for the outcome (`once`) is attempted once: what follows is for the caller
 * to say. State changes here and nowhere else; whoever runs it makes the new state durable before acting on the
 * effects, and feeds what happens back as events. Source: methods topic 6; scale §3.5. */
#ifndef WL_CORE_SENDLIFE_H
#define WL_CORE_SENDLIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/intent.h"

/* Stored: a number never changes its meaning. */
enum life_state {
    LIFE_REFUSED = 1,   /* a rule said no; nothing is on its way and nothing will be */
    LIFE_SENDING = 2,   /* an attempt is durable; its bytes may be on their way */
    LIFE_ACCEPTED = 3,  /* Meta has it */
    LIFE_REJECTED = 4,  /* Meta refused it in so many words; `code` */
    LIFE_AMBIGUOUS = 5, /* nobody knows whether the attempt was accepted; `at` says until when to wait for a webhook */
    LIFE_UNSENT = 6,    /* surely never reached Meta; the caller was told and may send it again */
    LIFE_WAITING = 7,   /* accepted from the caller; no attempt is open; `at` says when the next may be */
    LIFE_FAILED = 8,    /* Meta had it and reports that it did not arrive; `code` */
    LIFE_EXPIRED = 9,   /* never accepted and worthless now */
    LIFE_UNDETERMINED = 10, /* given up in doubt; a late webhook still corrects it */
    LIFE_CANCELLED = 11     /* taken back by its caller before an attempt */
};
const char *life_state_name(enum life_state s);    /* "refused", "sending", ...; "unknown" for any other number */
enum life_state life_state_parse(struct str word); /* 0 for any other word */

#define LIFE_ATTEMPTS_MAX 6 /* definite refusals of the message that may be repeated, and the one resend, included */
#define LIFE_TURNED_MAX   15

struct life {
    uint8_t state;    /* enum life_state */
    uint8_t category; /* enum category */
    uint8_t attempts; /* begun so far; the open one has this number */
    uint8_t accepted; /* bit n-1: attempt n is known to have been accepted */
    uint8_t failed;   /* bit n-1: a webhook said that attempt n, accepted, did not arrive */
    uint8_t
        turned;  /* times it was turned away for what is not its own, up to LIFE_TURNED_MAX: the wait grows with it */
    bool anew;   /* the last attempt was turned away so: the next one has its number */
    bool once;   /* its caller waits for the outcome of one attempt: whatever it is, we make no other */
    bool resent; /* the one resend after a doubt has been granted */
    bool held;   /* accepted, and held by Meta for a quality assessment: never sent again */
    bool delivered;   /* delivered or read: a later failure does not undo it */
    bool doubled;     /* Meta has one more message of it than its attempts tell of */
    int code;         /* Graph error of REJECTED or FAILED, or the last one met */
    int64_t at;       /* ms; WAITING: not before; SENDING: as it was; AMBIGUOUS: look again then */
    int64_t begun_at; /* ms; when the last attempt began; 0 none */
    int64_t expires;  /* ms; 0 never */
};

enum life_step_kind {
    STEP_BEGIN,    /* the dispatcher has a place: open an attempt, as of this `category` */
    STEP_ACCEPTED, /* answer of `attempt`: 2xx with an id; `held` as message_status says */
    STEP_REJECTED, /* answer of `attempt`: a definite error `code` */
    STEP_UNSENT,   /* `attempt` surely never reached Meta; `at`, 0 at once: not again before then */
    STEP_SILENT,   /* `attempt` got no answer that says anything (time-out, reset, 5xx, garbage) */
    STEP_RESTART,  /* the process that opened the attempt is gone */
    STEP_STATUS,   /* webhook about `attempt`: `failed` with its `code` (0: it has none), `delivered`, else sent */
    STEP_TIMER,    /* time passed; `watermark`: statuses of messages this number sent by then have been applied */
    STEP_PUT_OFF,  /* while it waits: a rule holds it until `at` */
    STEP_REFUSED,  /* while it waits: a rule says no; `code` */
    STEP_CANCEL,   /* while it waits: its caller takes it back */
    STEP_DOUBLED,  /* webhook about a message of Meta's that no attempt tells of */
    STEP_FORGET    /* nothing of it may be kept: one that waits is taken back, a doubt is given up */
};

struct life_event {
    enum life_step_kind kind;
    int attempt; /* 1 .. LIFE_ATTEMPTS_MAX */
    int code;
    bool held, delivered, failed;
    int64_t watermark;      /* ms; 0 none */
    int64_t at;             /* ms */
    enum category category; /* BEGIN: what it is judged as by now; 0: as it was */
    int64_t listening;      /* TIMER: ms; webhooks have been taken since then without a break; 0 always */
};

/* What is to be done once the new state is durable. */
struct life_effects {
    bool send;      /* put attempt `attempts` on the wire */
    bool duplicate; /* Meta turned out to have it once more: report it */
    bool ended;     /* reached an end it was not in before */
};

/* How long a doubt of this category is waited out before anything is done, and after how long it is given up. */
int64_t life_doubt_wait(enum category c);
int64_t life_doubt_most(enum category c);
#define LIFE_WATERMARK_MARGIN_MS 3000   /* statuses of messages sent this much later must have been applied */
#define LIFE_REPEATED_MS         300000 /* after a break, what Meta could not deliver in it is here by then */

bool life_ended(const struct life *l);
/* A new message that waits. One that is attempted at once is stepped with STEP_BEGIN next. */
void life_init(struct life *l, enum category c, int64_t now, int64_t expires);
/* One step. An event that does not fit the state (late, doubled, of an attempt that was never begun) changes nothing. */
void life_step(struct life *l, const struct life_event *ev, int64_t now, struct life_effects *ret);

/* accepted, failed, once, resent, held, delivered, doubled, anew and turned as one number, for a column. */
int64_t life_bits(const struct life *l);
void life_set_bits(struct life *l, int64_t bits);
/* How many attempts are known to have been accepted beyond the first, and one more for what no attempt tells of: messages
 * the person got too often. */
int life_duplicates(const struct life *l);

/* One word for a person who asks what became of a message: the state's name, and for an accepted one what statuses said of
 * it (seen: enum message_seen): "held", "sent", "delivered", "read", "played"; "expired" once the time Meta tries to
 * deliver it, valid_until (ms, 0: not known), has passed without a delivery: no webhook says that. A late one corrects it. */
const char *life_word(const struct life *l, uint32_t seen, int64_t valid_until, int64_t now);

/* What a definite error code asks for. */
enum reaction {
    REACT_REJECT, /* the caller must change something: never again as it is */
    REACT_RETRY,  /* the same again, after growing waits, a few times */
    /* Those that spare the message: */
    REACT_RATE,    /* the number sends too fast: after growing waits */
    REACT_PAIR,    /* too fast for this person: after growing waits */
    REACT_WAIT,    /* after a fixed wait */
    REACT_CIRCUIT, /* after a fixed wait; until then nothing from this number */
};
struct reaction_to {
    enum reaction reaction;
    int64_t wait_ms; /* before attempt 2; see reaction_wait() for later ones */
    const char *why; /* NULL: code is not in the table */
};
struct reaction_to reaction_to(int code);
/* Whether it is about the number or the pair, and so costs the message no attempt. */
bool reaction_spares(enum reaction r);
/* Wait before the attempt after `attempts` failed ones. */
int64_t reaction_wait(const struct reaction_to *r, int attempts);

#endif
