/* SPDX-License-Identifier: Apache-2.0
 * apply_impl.h - what the files that apply events share.
 *
 * One context for a run of events of one body. Each kind of event has a function; apply.c has the table. Private to
 * gateway/apply*.c. */
#ifndef WL_GATEWAY_APPLY_IMPL_H
#define WL_GATEWAY_APPLY_IMPL_H

#include "gateway/apply.h"
#include "gateway/campaign_counts.h"
#include "store/people.h"

struct apply_context {
    struct apply *a;
    struct store *s;
    struct arena *arena;
    int64_t stored_at; /* when the body came */
    int64_t now;
    struct apply_result *result;
};

/* When it happened: as the event says, else when its body came. A clock ahead of ours must not reach into the future. */
static inline int64_t apply_time(const struct apply_context *c, const struct event *ev)
{
    return ev->at > 0 && ev->at < c->stored_at ? ev->at : c->stored_at;
}

int apply_inbound(struct apply_context *c, const struct event *ev, struct err *e); /* messages and calls */
int apply_preference(struct apply_context *c, const struct event *ev, struct err *e);
int apply_number_changed(struct apply_context *c, const struct event *ev, struct err *e);
int apply_status(struct apply_context *c, const struct event *ev, struct err *e);
int apply_template(struct apply_context *c, const struct event *ev, struct err *e);
int apply_account(struct apply_context *c, const struct event *ev, struct err *e);
/* Keeps what was said of accounts, numbers, templates and flows word for word. */
int apply_notice(struct apply_context *c, const struct event *ev, struct err *e);
/* Counts the event's field in the result. */
int apply_field(struct apply_context *c, const struct event *ev, struct err *e);

/* What a message of theirs asks for: to stop, to start again, for help (apply_asked.c). */
int apply_asked(struct apply_context *c, const struct event *ev, struct person *p, struct err *e);

/* Records what the person said, or Meta for them, under one of their names (NULL: all). *ret_new (may be NULL): it was not
 * there yet. */
struct said {
    enum consent_act act;
    int64_t at, sender;
    consent_scope scope; /* 0: marketing */
    struct str method;   /* absent: "platform" */
    struct str source, evidence, language;
    const struct identity *under;
};
int apply_consent(struct store *s, struct person *p, const struct said *said, int64_t now, bool *ret_new,
                  struct err *e);
/* The name what an event says counts for: the user id it came with, else the number. */
static inline const struct identity *said_under(const struct event *ev)
{
    return ev->user_id.kind != IDENTITY_NONE ? &ev->user_id
           : ev->phone.kind != IDENTITY_NONE ? &ev->phone
                                             : &ev->parent_id;
}
/* What they did about a campaign (enum recipient_told): about the message that the event answers, else about the newest they got lately. */
int apply_told(struct apply_context *c, const struct event *ev, const struct person *p, int bits, struct err *e);
/* The person refused something by a webhook: told when it is on disk. */
void apply_refused(struct apply_context *c, const struct person *p);

struct apply_statuses; /* Meta's ids of recent messages, and statuses that came before theirs was known */
struct apply {
    const struct gateway *g; /* its mark; NULL: statuses are found by Meta's id alone */
    struct apply_statuses *statuses;
};
int apply_statuses_create(struct apply_statuses **ret, struct store *s, struct err *e);
void apply_statuses_free(struct apply_statuses *t);

#endif
