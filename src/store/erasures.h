/* SPDX-License-Identifier: Apache-2.0
 * erasures.h - people who asked to be erased: what was asked for, and the verbs that take them out of every table.
 *
 * A row of `erasure` is durable before anything else happens and says what remains to be done, so whoever finds it after a crash
 * goes on. The verbs below it are small: each reads a page, or takes out what a page found, and may be made again. What goes
 * is overwritten in the file; its log is emptied by store_empty_log() at the end. What webhooks left is core/webhook_redact.h's
 * and inbox.h's.
 *
 * A person's rows lie under several ids when they were merged: their lives. */
#ifndef WL_STORE_ERASURES_H
#define WL_STORE_ERASURES_H

#include "base/digest.h"
#include "core/identity.h"
#include "store/messages.h"
#include "store/people.h"

struct erasure {
    int64_t id; /* given by the caller: store_id() */
    int bucket;
    int64_t contact;              /* 0: nobody knew the name, or it is done */
    char name[IDENTITY_TEXT_MAX]; /* of somebody nobody knew: identity_text(); "" */
    int64_t asked_at;
    int64_t due;        /* when there is something to do next */
    int64_t until;      /* the proof is kept until then */
    int64_t cleaned_at; /* everything else was gone; 0 not yet */
    int64_t done_at;    /* 0 not yet */
    int64_t leaves;     /* entries of the log whose record went */
    int64_t leaf, n;    /* of the entry that says so; -1 none */
    char regime[64], reason[512], actor[128];
};
/* What the entry of the log commits to once it is done: one JSON text, always the same bytes for the same row. */
int erasure_record(const struct erasure *v, struct buf *out, struct err *e);
int erasure_add(struct store *s, const struct erasure *v, struct err *e);
/* Writes everything but id, bucket and asked_at. WL_ENOTFOUND. */
int erasure_save(struct store *s, const struct erasure *v, struct err *e);
int erasure_get(struct store *s, int64_t id, struct erasure *ret, struct err *e); /* WL_ENOTFOUND */
/* The open one of a person, or of a name nobody knows; WL_ENOTFOUND. */
int erasure_of(struct store *s, int bucket, int64_t contact, const char *name, struct erasure *ret, struct err *e);
/* The open one that is due longest; WL_ENOTFOUND. */
int erasure_due(struct store *s, int64_t now, struct erasure *ret, struct err *e);
/* Newest first, those older than `before` (0 all); in the arena. */
int erasures_list(struct store *s, int64_t before, size_t max, struct arena *a, struct erasure **ret, size_t *ret_n,
                  struct err *e);

/* --- whose -------------------------------------------------------------------------------------------------------- */

#define LIVES_MOST 256
struct lives {
    int bucket;
    size_t n;
    int64_t id[LIVES_MOST]; /* the person, then those who were merged into them */
};
/* WL_ENOTFOUND: there is no such person. WL_EBUG when they had more lives than anybody has. */
int lives_of(struct store *s, int bucket, int64_t contact, struct lives *ret, struct err *e);
bool lives_have(const struct lives *l, int64_t contact); /* never 0 */
/* When the last message to them was let go; 0 never. */
int person_last_out(struct store *s, const struct lives *l, int64_t *ret, struct err *e);
/* Nothing is to be sent to them of our own accord any more; 0: lifted. */
int person_restrict(struct store *s, int bucket, int64_t contact, int64_t until, struct err *e);

/* --- looking: a page each, for a reader ----------------------------------------------------------------------------- */

/* Messages after *at, which moves on, `look` rows of them: those of these lives, and those of nobody known that have an id of
 * Meta's or wait. */
int messages_after(struct store *s, const struct lives *l, int64_t *at, size_t look, struct arena *a,
                   struct message **ret, size_t *ret_n, bool *ret_end, struct err *e);
/* Events of messages with ids after `after` up to `to` that name somebody, at most max. */
int participants_between(struct store *s, int bucket, int64_t after, int64_t to, size_t max, struct arena *a,
                         struct message_event **ret, size_t *ret_n, struct err *e);
/* Callers' keys after *at, which moves on; those of these lives' messages. *ret_end: that was all. */
struct key_at {
    int64_t week;
    uint8_t key[16];
};
int keys_after(struct store *s, const struct lives *l, struct key_at *at, size_t look, struct arena *a,
               struct key_at **ret, size_t *ret_n, bool *ret_end, struct err *e);
/* Wordings these lives were shown, some at a time; those that others were shown, too, are taken out of them page by page along the
 * log, until what is left was theirs alone. Zeros: from the first. */
#define WORDINGS_MOST 64
struct wordings {
    size_t n;
    uint8_t hash[WORDINGS_MOST][SHA256_BYTES];
    int64_t at; /* looked at up to this place of the log */
    size_t life;
    uint8_t after[SHA256_BYTES]; /* the last one of that life */
};
/* The next ones; n 0: there are no more. */
int wordings_next(struct store *s, const struct lives *l, struct wordings *w, struct err *e);
int wordings_look(struct store *s, const struct lives *l, struct wordings *w, size_t look, bool *ret_end,
                  struct err *e);

/* --- taking out ----------------------------------------------------------------------------------------------------- */

/* Meta's id, the events and the client's own value go, the row stays: it is counted. `unlink`: it is nobody's any more. */
int message_strip(struct store *s, int bucket, int64_t id, bool unlink, struct err *e);
int participant_drop(struct store *s, const struct message_event *ev, struct err *e);
int key_drop(struct store *s, int bucket, const struct key_at *key, struct err *e);
/* Name, language, zone, what they got lately, activity, attributes, tags and sources, windows and paces, places in limits, and
 * errands. */
int person_strip(struct store *s, const struct lives *l, struct err *e);

/* Consent events, at most max; their entries are marked. *ret_left: there are more. *ret_leaves grows. */
int ledger_shred(struct store *s, const struct lives *l, size_t max, bool *ret_left, int64_t *ret_leaves,
                 struct err *e);
/* Those of the wordings that nobody was shown since they were looked at. The person's events may still be there. */
int wordings_drop(struct store *s, int bucket, const struct wordings *w, struct err *e);
/* The keys of their entries, their names, whose these were before, and themselves. */
int person_shred(struct store *s, const struct lives *l, const struct identity *name, size_t n, struct err *e);

#endif
