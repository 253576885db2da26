/* SPDX-License-Identifier: Apache-2.0
 * admit.h - the one door. Every outgoing message, from any source, is judged here and nowhere else.
 *
 * A send arrives with what its face could read (intent, template and sender facts); admit adds what is known about
 * the person, decides, and writes decision, intent and counters in one transaction. Then decided() is called:
 * refused, or allowed and durable as SENDING under an epoch. Whoever carries an allowed send upstream must report
 * what happened through outcome_submit(); until then the message is in doubt, and stays so after a crash. */
#ifndef WL_GATEWAY_ADMIT_H
#define WL_GATEWAY_ADMIT_H

#include "core/decide.h"
#include "core/intent.h"
#include "gateway/writer.h"
#include "net/http_client.h"
#include "store/messages.h"

struct gateway;
struct admit;
struct rules_book;
struct rules_override;

struct send {
    struct job job; /* the writer's */
    struct gateway *g;

    /* --- given by the face --- */
    int64_t sender; /* phone number id */
    int64_t epoch;  /* right to send for it; filled by admit */
    const struct intent *intent;
    struct facts facts;               /* message.*, recipient.*, template.*, sender.* set by send_facts() */
    int64_t expires;                  /* 0: never */
    const struct rules_override *override; /* policy rules somebody sets aside, and why; NULL: none */
    int64_t hold_until_latest;        /* a HOLD that ends by then is waited out; 0: no waiting */
    void (*decided)(struct send *s);  /* when it is durable, or with job.rc < 0; on the writer's second thread */
    void (*recorded)(struct send *s); /* when the outcome is durable; same thread; may be NULL */
    void *user;

    /* --- filled by admit --- */
    struct decision decision;
    const struct ruleset *rules;   /* the book that decided */
    const struct rules_book *book; /* the same with its number and its shadow */
    enum verdict shadow;           /* what the shadow said, when the book has one */
    struct message message;      /* id, state, ... */

    /* --- filled by outcome_read() from Meta's answer --- */
    enum message_state outcome;
    int outcome_code;
    struct str wamid;               /* arena of the face */
    struct identity wa_id, user_id; /* other names of the person learned from the answer */
};

int admit_create(struct admit **ret, struct gateway *g, struct err *e);
void admit_free(struct admit *a);
/* Nothing more is let through: sends that come from now on and those not judged yet are refused with WL_EBUSY, and
 * nothing is recorded of them. Accepts NULL. */
void admit_close(struct admit *a);
/* After admit_close(), with the client stopped and the writer running: waits until the outcome of every send that was
 * let through is written. Accepts NULL. */
void admit_drain(struct admit *a);
/* Sends let in whose end is not written yet. */
size_t admit_open(const struct admit *a);

/* Fills the facts that come from the intent, the number and its templates. `waba_known` false: the template list was
 * never read, so template facts stay unknown. */
struct snapshot;
void send_facts(struct send *s, const struct snapshot *snap);

/* decided() will be called, unless an error is returned. */
int admit_submit(struct send *s, struct err *e);

/* What Meta's answer means for one message: status and JSON body of the answer, or none (fate). */
void outcome_read(struct send *s, enum http_fate fate, int status, struct str body, struct json_parser *parser,
                  struct arena *a);
/* Writes it; recorded() is called after the commit. Never refused for a full line: the message was accepted. */
void outcome_submit(struct send *s);

#endif
