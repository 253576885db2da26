/* SPDX-License-Identifier: Apache-2.0
 * rest_impl.h - one call of our own API, for the rest_*.c files only.
 *
 * A call is a job of the writer, or of the readers when it changes nothing: its handler runs inside a transaction, fills the
 * answer, and the answer leaves after the commit. What the caller did wrong is no failure of the transaction and is kept
 * apart. */
#ifndef WL_GATEWAY_REST_IMPL_H
#define WL_GATEWAY_REST_IMPL_H

#include "base/json.h"
#include "gateway/gateway_impl.h"
#include "gateway/lives.h"
#include "store/people.h"

#define REST_BODY_MAX   (1u << 20)
#define REST_ANSWER_MAX (8u << 20)

struct rest_call {
    struct job job;
    struct gateway *g;
    struct http_req *rq;
    const struct rest_route *route;
    struct str param; /* the decoded last part of the path, {NULL,0} when the route has none */
    struct str body;
    bool replayed;        /* asked for by rest_show_message(): the answer to a key that was used before */
    const char *approver; /* who asks, with a key of their own; NULL: somebody with the admin key */

    /* --- filled by the handler, in the transaction --- */
    struct buf answer;
    struct json_out out;
    struct err problem; /* the caller's mistake: nothing was written */
    const char *field;  /* the field concerned, or NULL */
    int status;         /* HTTP status of an answer that is no problem; 0: 200 */
    struct life_after after;
    struct rest_refused {
        int bucket;
        int64_t contact;
    } * refused; /* who refused something: what waits for them is judged again after the commit */
    size_t n_refused;
    void (*follow)(struct fanout *f); /* after the commit; NULL: nothing */
    void (*later)(
        struct rest_call *c); /* answers in the place of rest_done(), outside the transaction; NULL: it does */
    void *work;               /* of later() */
};

/* Handlers return an error only when the store failed; a caller's mistake goes into c->problem before anything is
 * written, so that the other jobs of the transaction are not disturbed. */
typedef int (*rest_handler)(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);

/* Records the caller's mistake; returns 0. */
int rest_wrong(struct rest_call *c, int code, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* This person refused something in this call. */
void rest_refused(struct rest_call *c, const struct person *p);

/* Every key of the object must be in the NULL-terminated list: a mistyped one would otherwise be lost in silence. */
bool rest_known_keys(struct rest_call *c, struct json object, const char *const *known);

/* --- queries (rest_query.c) */
struct rest_parameter {
    const char *name; /* NULL ends a table; "attribute." is all that begin so, read() gets "city=Berlin" */
    bool (*read)(void *to, struct str value, int64_t now);
    const char *wants; /* the sentence when read() says false */
    bool several;      /* it may be given more than once */
};
/* Reads the request's query into *to; false: c->problem says what is wrong. */
bool rest_query(struct rest_call *c, struct arena *a, const struct rest_parameter *parameters, void *to, int64_t now);
bool rest_read_size(struct str v, size_t most, size_t *ret); /* 1 to most */
bool rest_read_flag(struct str v, bool *ret);
bool rest_read_id(struct str v, int64_t *ret);                /* digits, above 0 */
bool rest_read_time(struct str v, int64_t now, int64_t *ret); /* never 0 */
#define REST_TIME_FORMS                                                                                                \
    "2026-11-01, 2026-11-01T10:00:00Z or now-2h (units are s, m, h and d; a time of day has its T and its zone)"
/* Whether a list may go from there to there, in ms; 0: not said. False: c->problem says what is wrong. */
bool rest_read_span(struct rest_call *c, int64_t from, int64_t to, int64_t now);

/* Finds the person a caller names: phone, user id, or contact id "c<number>-<bucket>". id 0 when unknown. */
int rest_find_person(struct rest_call *c, struct store *s, struct str who, struct person *ret, struct err *e);
void rest_contact_id(const struct person *p, char out[48]);
/* "consent": {...}, "platform_stop": {...} into the open object. */
void rest_consent_members(struct json_out *o, const struct person *p);
void rest_time(struct json_out *o, const char *key, int64_t ms); /* null for 0 */
void rest_seen(struct json_out *o, uint32_t seen);               /* "seen": ["sent", ...] */

/* --- messages (rest_messages.c, rest_message.c) --- */
struct decision;
struct ruleset;
struct facts;
struct decision_row;
/* The message a caller names: our id, Meta's id of a recent one, or the id of a decision about it. *ret_decision: that
 * decision's id, 0 when a message was named. */
int rest_find_message(struct rest_call *c, struct store *s, struct message *ret, int64_t *ret_decision, struct err *e);
/* What every list says of a message, into the open object. */
void rest_message_members(struct json_out *o, const struct message *m, int64_t now);
/* The code its state rests on; 0: none, whatever was met on the way. */
int rest_message_code(const struct message *m);
/* "waiting": {...} into the open object; nothing of a message that is at its end. */
int rest_message_waiting(struct rest_call *c, struct store *s, struct arena *a, const struct message *m, int64_t now,
                         struct err *e);
int rest_message_events(struct json_out *o, struct store *s, struct arena *a, const struct message *m, struct err *e);
/* What holds a message that waits, else the decision that let it go or refused it. WL_ENOTFOUND: nothing was decided yet. */
int rest_message_decision(struct store *s, struct arena *a, const struct message *m, struct decision_row *ret,
                          struct err *e);
/* Calls each() with the decision as it was made, and the rules it was made with. */
int rest_decision_read(struct rest_call *c, struct store *s, struct arena *a, const struct decision_row *row,
                       int (*each)(void *ctx, const struct decision *d, const struct ruleset *rs, const struct facts *f,
                                   struct err *e),
                       void *ctx, struct err *e);
/* Answers the request with this message, as GET /messages/{id} does, and says that it is a replay. */
void rest_show_message(struct gateway *g, struct http_req *rq, int bucket, int64_t id);

int rest_contacts_import(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_contacts_show(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_consent_add(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_consent_show(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_decision(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_rules_show(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_rules_book(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_rules_history(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_rules_shadow(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_messages_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_message(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_message_cancel(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_number_resume(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_webhooks_erase(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_ledger(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_ledger_proofs(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_ledger_audit(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
/* "origin", "key", "checkpoint", "size" and "proof" of an entry by the last checkpoint, into the open object; checked before they are given
 * away. *ret_sealed false: it lies in none yet. */
struct log_entry;
int rest_ledger_proof(struct rest_call *c, struct arena *a, const struct log_entry *entry, bool *ret_sealed,
                      struct err *e);
/* How the ledger stands, into the open object. */
void rest_ledger_members(struct gateway *g, struct json_out *o);
int rest_status(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);

/* Answers with what stands in c->answer, or with c->problem. For later(), once. */
void rest_reply(struct rest_call *c);

/* These run in no transaction. */
void rest_send(struct gateway *g, struct http_req *rq);
int rest_preferences_link(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
void rest_rules_activate(struct gateway *g, struct http_req *rq);
/* {"error":{...}} with the status that fits. */
void rest_problem(struct http_req *rq, const struct err *e, const char *field);
void rest_error(struct http_req *rq, int status, const char *code, const char *message, const char *field);

#endif
