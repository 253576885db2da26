/* SPDX-License-Identifier: Apache-2.0
 * welcomes.h - asks people for consent, or to confirm it, and takes their answers.
 *
 * core/welcome.h has the states; the row is an errand of kind WELCOME. The functions here run inside a transaction of the
 * writer and change nothing but the database. */
#ifndef WL_GATEWAY_WELCOMES_H
#define WL_GATEWAY_WELCOMES_H

#include "core/optout.h"
#include "core/welcome.h"
#include "store/errands.h"
#include "store/people.h"

struct gateway;

/* What somebody wrote to one of our numbers, or tapped there. */
struct welcome_said {
    struct str text, payload, wamid;
    struct str reply_to; /* wamid of the message it answers; empty: of none in particular */
    int64_t at, sender;
    const struct identity *under;       /* the name they said it under; NULL: all of theirs */
    const struct optout_finding *found; /* what optout_judge() says of it; NULL: nothing */
};
/* For each message of one person to one of our numbers. An answer to a question of ours changes its state and is recorded
 * with *p (whose row is saved and read anew): a grant with the method double_opt_in, or a withdrawal; of STOP only the state
 * changes here, what it withdraws is recorded by who read it. The same message again changes nothing. *ret_refused (may be
 * NULL): a withdrawal was recorded. */
int welcome_hear(struct store *s, struct arena *a, const struct gateway *g, struct person *p,
                 const struct welcome_said *said, int64_t now, bool *ret_refused, struct err *e);

/* What a welcome is to do; everything but `to` may be left out, the configuration says the rest. */
struct welcome_wish {
    int64_t sender;
    consent_scope scope;
    struct str language;      /* of the question, "pt_BR" */
    struct str template_name; /* empty: `text` is all there is */
    struct str components;    /* JSON array for the template; empty: none */
    bool buttons;             /* the template has two quick replies: yes, then no */
    struct str text;          /* asked inside an open window; empty: the template is used there, too */
    struct str wording;       /* what the person is shown, kept with their consent; empty: text */
    struct str first;         /* id of the consent event that began it; empty: none did */
    struct str actor;
    bool reconfirm;                      /* they had consented long ago */
    bool silence_withdraws;              /* no answer by the end takes the consent away */
    int reminders;                       /* at most; -1: as configured */
    int64_t remind_after, expires_after; /* ms; 0: as configured */
};
#define WELCOME_REMINDERS_MAX 3
#define WELCOME_TEXT_MAX      1024 /* bytes; what a message with buttons may say */
#define WELCOME_MOST_MS       (INT64_C(90) * 86400000)
/* Fills in what the configuration says, in the arena. WL_EINVAL: *ret_field names what is wrong or missing. */
int welcome_check(const struct gateway *g, struct welcome_wish *w, struct arena *a, const char **ret_field,
                  struct err *e);
/* The open one of this person and this number: who is asked twice at once does not know what a yes means. WL_ENOTFOUND. */
int welcome_open(struct store *s, struct arena *a, const struct person *p, int64_t sender, struct errand *ret,
                 struct err *e);
/* Adds it, checked, when none is open. */
int welcome_add(struct store *s, struct arena *a, const struct person *p, const struct welcome_wish *w, int64_t now,
                struct errand *ret, struct err *e);
/* Ends an open one. WL_ECONFLICT: it has ended. */
int welcome_cancel(struct store *s, struct arena *a, struct errand *v, struct str why, int64_t now, struct err *e);

/* "w" and what store_id_text() says behind its "m". */
char *welcome_id_text(int bucket, int64_t id, char *out);
int welcome_id_parse(struct str text, int *ret_bucket, int64_t *ret_id);

/* What is tapped in answer: the payload of a button. */
#define WELCOME_BUTTON (16 + STORE_ID_TEXT)
char *welcome_button(const struct errand *v, bool yes, char out[WELCOME_BUTTON]);

/* Records what a question came to as a consent event, with its evidence, and in the person's state. */
struct welcome_row;
struct welcome_word {
    enum consent_act act;
    int64_t at;
    struct str method;
    const struct identity *under;
};
int welcome_record(struct store *s, struct arena *a, const struct errand *v, const struct welcome_row *row,
                   struct person *p, const struct welcome_word *word, int64_t now, struct err *e);

#endif
