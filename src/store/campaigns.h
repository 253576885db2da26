/* SPDX-License-Identifier: Apache-2.0
 * campaigns.h - campaigns, whom they are for, how far they are, and what became of each of their people.
 *
 * A recipient whose contact is 0 is nobody any more: erased, or the same person as one at an earlier place; their place stays.
 *
 * A recipient's row is written by the check, and changed by the transaction that puts their message through the door, together with the
 * cursor and the message itself: so nobody is skipped and nobody is met twice, whenever the program dies. What became of them is their
 * message's row (messages.h); a state of the whole is counted from these rows and never kept as a flag. */
#ifndef WL_STORE_CAMPAIGNS_H
#define WL_STORE_CAMPAIGNS_H

#include "base/digest.h"
#include "core/campaign.h"
#include "core/monitor.h"
#include "store/messages.h"
#include "store/store.h"

struct campaign_row {
    int64_t id, ver;
    int state, cause; /* enum campaign_state, campaign_cause */
    bool busy;        /* a check is asked for or under way */
    struct str name, why, definition, created_by, approved_by;
    int64_t series, occurrence;
    int64_t audience, people;
    bool planned;
    uint8_t plan[SHA256_BYTES];
    int64_t created_at, checked_at, approved_at, started_at, ended_at, resume_at;
    int64_t generation; /* of the ledger, when it was approved */
    int64_t target, target_at, beat_at, due;
};
int campaign_insert(struct store *s, struct campaign_row *c, struct err *e); /* id and created_at are given */
int campaign_get(struct store *s, int64_t id, struct arena *a, struct campaign_row *ret,
                 struct err *e); /* WL_ENOTFOUND */
/* Writes everything that can change, under the version that was read; WL_ECONFLICT. */
int campaign_save(struct store *s, struct campaign_row *c, struct err *e);
/* Newest first, before this id (0: from the newest); states: bits 1 << state, 0 any. */
int campaigns_list(struct store *s, int64_t before, unsigned states, struct arena *a, size_t max,
                   struct campaign_row **ret, size_t *ret_n, struct err *e);
/* Those the runner has something to do with: `due` is not 0. By id. */
int campaigns_open(struct store *s, struct arena *a, size_t max, struct campaign_row **ret, size_t *ret_n,
                   struct err *e);
int campaigns_of_series(struct store *s, int64_t series, struct arena *a, size_t max, struct campaign_row **ret,
                        size_t *ret_n, struct err *e);

/* --- what was checked ----------------------------------------------------------------------------------------------- */

struct campaign_check_row {
    int64_t campaign, at;
    struct str report, terms; /* JSON */
    struct str audience;      /* Roaring bitmap, portable format; campaign_audience_get() reads it */
    uint8_t audience_hash[SHA256_BYTES];
};
int campaign_check_put(struct store *s, const struct campaign_check_row *c,
                       struct err *e); /* in the place of an earlier one */
/* Without the audience. WL_ENOTFOUND: it was not checked yet, here and below. */
int campaign_check_get(struct store *s, int64_t campaign, struct arena *a, struct campaign_check_row *ret,
                       struct err *e);
int campaign_audience_get(struct store *s, int64_t campaign, struct arena *a, struct str *ret, struct err *e);

enum { CAMPAIGN_SOURCE_GOES_ON = 1, CAMPAIGN_SOURCE_QUARANTINED = 2 };
struct campaign_source {
    int64_t campaign;
    int stratum;
    int64_t source; /* import_source.id; 0: the API */
    struct str name;
    int64_t people;
    int state;
    int64_t state_at;
    struct str why;
};
int campaign_sources_put(struct store *s, const struct campaign_source *v, size_t n, struct err *e);
int campaign_sources_get(struct store *s, int64_t campaign, struct arena *a, struct campaign_source **ret,
                         size_t *ret_n, struct err *e);
int campaign_source_set(struct store *s, const struct campaign_source *v, struct err *e); /* state, state_at, why */

/* --- recipients ----------------------------------------------------------------------------------------------------- */

enum recipient_told { TOLD_REPLIED = 1, TOLD_OPTED_OUT = 2, TOLD_COMPLAINED = 4, TOLD_CLICKED = 8 };

struct campaign_recipient {
    int bucket;
    int64_t campaign, place, contact, sender;
    int stratum, variant;
    int skip; /* enum campaign_skip */
    int told;
    int64_t msg; /* 0: not with the door yet, or never */
    struct str language, rule, params;
};
/* What an earlier check wrote is taken away, at most max rows at a time; *ret_left: there is more. Never of one that began. */
int recipients_clear(struct store *s, int64_t campaign, size_t max, bool *ret_left, struct err *e);
int recipients_put(struct store *s, const struct campaign_recipient *r, size_t n, struct err *e); /* by place, rising */
/* The same people's rows the other way round; by contact, rising. */
int recipients_index(struct store *s, int bucket, int64_t campaign, const int64_t (*contact_place)[2], size_t n,
                     struct err *e);
/* From this place on, at most max. */
int recipients_read(struct store *s, int bucket, int64_t campaign, int64_t place, struct arena *a, size_t max,
                    struct campaign_recipient **ret, size_t *ret_n, struct err *e);
int recipient_get(struct store *s, int bucket, int64_t campaign, int64_t place, struct arena *a,
                  struct campaign_recipient *ret, struct err *e); /* WL_ENOTFOUND */
/* The campaigns this person is in, newest first: campaign and place only. */
int recipients_of(struct store *s, int bucket, int64_t contact, struct arena *a, size_t max,
                  struct campaign_recipient **ret, size_t *ret_n, struct err *e);
/* With what became of their messages; message.id 0: none. */
struct recipient_fate {
    struct campaign_recipient r;
    struct message m;
};
int recipients_fates(struct store *s, int bucket, int64_t campaign, int64_t place, struct arena *a, size_t max,
                     struct recipient_fate **ret, size_t *ret_n, struct err *e);
/* The first place from `from` on, below the cursor, whose message has not come to its end; the cursor where there is none. Looks at max rows at
 * most and returns where it stopped then: it was found when the answer is `from` itself, and there is none when it is the cursor. */
int recipients_first_open(struct store *s, int bucket, int64_t campaign, int64_t from, size_t max, int64_t *ret_place,
                          struct err *e);

struct campaign_cursor {
    int bucket;
    int64_t campaign, cur, epoch; /* cur: the next place, from 1 on */
};
int campaign_cursor_get(struct store *s, struct campaign_cursor *c, struct err *e); /* cur 0: there is none */
/* It is run under this epoch from now on; makes it at place 1 where there is none. Nobody else's verbs work any more. */
int campaign_cursor_take(struct store *s, int bucket, int64_t campaign, int64_t epoch, struct err *e);
/* The recipient at the cursor has their message (0: none was made), and the cursor moves on. WL_ECONFLICT: it is not at this place, or
 * under another epoch, or the recipient of a message is nobody any more: nothing was written, and nothing may be of this message. */
int campaign_cursor_move(struct store *s, const struct campaign_cursor *c, int64_t place, int64_t msg, struct err *e);

/* Two persons turn out to be one: what was the one's is the other's. In the caller's transaction. */
int recipients_merge(struct store *s, int bucket, int64_t kept, int64_t gone, struct err *e);

/* Sets bits of told; *ret_new: those that were not set before. */
int recipient_told(struct store *s, int bucket, int64_t campaign, int64_t place, int bits, int *ret_new, struct err *e);

/* --- counts --------------------------------------------------------------------------------------------------------- */

struct cohort_change { /* added to the row of (campaign, stratum, minute) */
    int bucket;
    int64_t campaign;
    int stratum;
    int64_t minute;
    int sent, delivered, read_any, read_15, read_60, read_240, read_1440;
    int undeliverable, held_back, failed, opted_out, complained, replied;
};
int campaign_cohort_add(struct store *s, const struct cohort_change *c, size_t n, struct err *e);
/* By (stratum, minute). */
int campaign_cohorts(struct store *s, int bucket, int64_t campaign, struct arena *a, struct cohort_change **ret,
                     size_t *ret_n, struct err *e);

/* --- what happened ---------------------------------------------------------------------------------------------------- */

struct campaign_event_row {
    int64_t id, campaign, at;
    int act; /* enum campaign_act */
    struct str actor, detail;
    struct str record; /* what its leaf commits to; empty: it has none */
    int64_t leaf, n;
};
/* With a leaf of the ledger (LEAF_CAMPAIGN) where `record` is not empty. */
int campaign_event_append(struct store *s, struct campaign_event_row *ev, struct err *e);
int campaign_events(struct store *s, int64_t campaign, struct arena *a, size_t max, struct campaign_event_row **ret,
                    size_t *ret_n, struct err *e); /* oldest first */

/* Of all campaigns those after this id, oldest first: id, campaign and act only. */
int campaign_events_after(struct store *s, int64_t id, struct arena *a, size_t max, struct campaign_event_row **ret,
                          size_t *ret_n, struct err *e);
/* 0: nothing ever happened to any. */
int campaign_events_newest(struct store *s, int64_t *ret_id, struct err *e);

struct campaign_outcome {
    int64_t campaign, ended_at;
    char country[8];
    int category, hour;
    struct baseline_outcome o;
};
int campaign_outcome_put(struct store *s, const struct campaign_outcome *o, struct err *e);
/* The newest at most max of this country (empty: any), category and six-hour block of the day (-1: any). */
int campaign_outcomes(struct store *s, struct str country, int category, int block, struct arena *a, size_t max,
                      struct campaign_outcome **ret, size_t *ret_n, struct err *e);

#endif
