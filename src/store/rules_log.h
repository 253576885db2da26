/* SPDX-License-Identifier: Apache-2.0
 * rules_log.h - what happened to the rules: activated, overridden. Append-only, each with its entry in the log (ledger.h).
 *
 * "Effective from" is in the rules; "adopted at" is here: when this gateway began to decide by a book, and which
 * person took the responsibility for setting a policy rule aside. */
#ifndef WL_STORE_RULES_LOG_H
#define WL_STORE_RULES_LOG_H

#include "store/store.h"

enum rules_act { RULES_ACTIVATED = 1, RULES_OVERRIDDEN = 2, RULES_SHADOWED = 3 };
const char *rules_act_name(enum rules_act a); /* "activated", "overridden", "shadowed" */

struct rules_event {
    int64_t id; /* store_id() */
    int64_t at;
    enum rules_act act;
    int64_t ruleset;   /* number from rulesets_put() */
    struct str actor;  /* "start", "api", "signal"; overriding: who took it upon themselves */
    struct str reason; /* overriding: why, in words */
    struct str detail; /* overriding: rule ids and message id */
    /* --- filled by reading --- */
    struct str book, hash; /* the ruleset's id and its SHA-256; empty when there is none */
    int64_t leaf;          /* its place in the log, -1 until it has one */
    int64_t n;             /* salt and tag follow from it and the key of the business (core/leaf.h) */
};
int rules_log_append(struct store *s, const struct rules_event *v, size_t n, struct err *e);
/* The record its entry commits to: one JSON text, always the same bytes for the same event as it is read. */
int rules_log_record(const struct rules_event *v, struct buf *out, struct err *e);
/* Newest first. acts: bits 1u << enum rules_act, 0 all; before: only events older than the one with this id, 0 all. */
int rules_log_list(struct store *s, struct arena *a, unsigned acts, int64_t before, size_t max,
                   struct rules_event **ret, size_t *ret_n, struct err *e);
/* Those with a leaf from `leaf` on, in that order. */
int rules_log_by_leaf(struct store *s, int64_t leaf, size_t max, struct arena *a, struct rules_event **ret,
                      size_t *ret_n, struct err *e);
int rules_log_last(struct store *s, enum rules_act act, struct arena *a, struct rules_event *ret,
                   struct err *e); /* the newest of its kind; WL_ENOTFOUND */
/* Who set rules aside for this message; WL_ENOTFOUND when nobody did. */
int rules_log_overridden(struct store *s, int bucket, int64_t message, struct arena *a, struct rules_event *ret,
                         struct err *e);

#endif
