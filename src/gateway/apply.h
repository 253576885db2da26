/* SPDX-License-Identifier: Apache-2.0
 * apply.h - what events change: windows, consent, identity, message fate, templates, accounts and numbers.
 *
 * Runs inside the writer's transaction. Applying the same event twice, or events in another order, leads to the same
 * state: windows only move forward, status bits only rise, everything else counts by the time it was said. */
#ifndef WL_GATEWAY_APPLY_H
#define WL_GATEWAY_APPLY_H

#include "core/event.h"
#include "gateway/apply_activity.h"
#include "gateway/lives.h"
#include "store/notices.h"
#include "store/store.h"

struct apply;

/* Reads the newest messages to know their Meta ids again. */
int apply_create(struct apply **ret, struct store *s, struct err *e);
void apply_free(struct apply *a);
/* From now on statuses are found by this gateway's mark first. */
void apply_marks(struct apply *a, const struct gateway *g);

/* What was applied and what follows once it is on disk. Zeroed by the caller at the start of each run of its job. */
#define APPLIED_MAX        64
#define APPLIED_STALE_MAX  32
#define APPLIED_FIELDS_MAX 48
struct apply_result {
    size_t events, orphaned;
    bool control_changed; /* numbers or templates: the snapshot is stale */
    struct life_after after;
    struct applied {
        int64_t sender, begun_at; /* for dispatch_applied(); of more numbers than fit, the next statuses will tell */
    } applied[APPLIED_MAX];
    size_t n_applied;
    int64_t stale_waba[APPLIED_STALE_MAX]; /* accounts whose list of templates says something else by now; 0: any */
    size_t n_stale;
    struct field_heard field[APPLIED_FIELDS_MAX]; /* not written yet; names as in the events */
    size_t n_fields;
    struct refused {
        int bucket;
        int64_t contact;
        int64_t stored_at;  /* when its webhook came */
    } refused[APPLIED_MAX]; /* of more, messages that wait for them are refused when their turn comes */
    size_t n_refused;
    bool errands;               /* somebody is owed an answer */
    struct apply_active active; /* what persons did, not written yet; n 0 is empty */
};
/* Events of one body, all or some of them; stored_at: when it came. apply_end() after the last of a transaction. */
int apply_events(struct apply *a, struct store *s, struct arena *arena, const struct event *ev, size_t n,
                 int64_t stored_at, int64_t now, struct apply_result *ret, struct err *e);
/* Writes what is counted once a transaction: while the events are there. */
int apply_end(struct store *s, struct apply_result *r, struct err *e);

/* What an error code of Meta says, and when: about the person that they stopped marketing (131050), cannot be reached
 * (131026 ...), were held back (131049) or are in an experiment (130472); about the account that it cannot be billed
 * (131042) or misused categories (131064); about the number that it is taken for spam (131048). `*ret_control_changed` becomes true when the snapshot is stale, and is left alone otherwise. */
struct error_word {
    int bucket;
    int64_t contact; /* 0: nobody we know */
    int64_t sender, waba;
    int code;
    int64_t at;
};
int apply_error_code(struct store *s, const struct error_word *w, int64_t now, bool *ret_control_changed,
                     struct err *e);
/* A message that is billed to the account (waba 0: not known) was accepted from this number: nothing of the above stands
 * against them any more. */
int apply_taken(struct store *s, int64_t waba, int64_t sender, bool *ret_control_changed, struct err *e);

/* The message with this Meta id, if it is a recent one. Any thread. */
bool apply_find(const struct apply *a, struct str wamid, int *ret_bucket, int64_t *ret_id);

/* A message's Meta id became known: later statuses find it, and those that came too early are applied now. What follows
 * from them is added to `after`. */
int apply_adopt(struct apply *a, struct store *s, struct arena *arena, int bucket, int64_t msg, struct str wamid,
                int64_t now, bool *ret_control_changed, struct life_after *after, struct err *e);

#endif
