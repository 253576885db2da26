/* SPDX-License-Identifier: Apache-2.0
 * scrub.h - a person's names looked for in everything that webhooks left here, and taken out of it.
 *
 * Who scrubs looks with a reader, as often as it takes, hands what each look found to the writer, and ends when there is nothing
 * more. rest_erase.c does it for webhooks alone, erasures.c as one part of an erasure. */
#ifndef WL_GATEWAY_SCRUB_H
#define WL_GATEWAY_SCRUB_H

#include "store/messages.h"
#include "store/notices.h"

#define SCRUB_NAMES 256
#define SCRUB_FOUND 256         /* bodies in one look, and so in one transaction */
#define SCRUB_PAGES (64u << 20) /* of the arena a look reads pages into */

struct gateway;

struct scrub {
    struct identity name[SCRUB_NAMES];
    size_t n_names;

    /* --- where it is: bodies after `at` up to `until`, then orphans from `at`, then notices after (at, key) --- */
    enum scrub_phase { SCRUB_BODIES, SCRUB_ORPHANS, SCRUB_NOTICES, SCRUB_OVER } phase;
    int64_t at, key, until;

    /* --- what the last look found --- */
    int64_t found[SCRUB_FOUND];
    size_t n_found, found_bytes;
    struct message_event *orphans;
    struct notice *notices;
    size_t n_orphans, n_notices;
    size_t scanned, erased;
    bool waits; /* for the projector: bodies that are not applied yet are waited for, a withdrawal in them counts */
};

/* Names are given. From the first body there is to the newest. */
int scrub_begin(struct scrub *x, struct store *reader, struct err *e);
bool scrub_over(const struct scrub *x);
/* Looks for about as long as a moment. Pages are read into one arena, what is found into the other, which outlives the look. */
int scrub_look(struct scrub *x, struct store *reader, struct arena *pages, struct arena *kept, struct err *e);
bool scrub_found(const struct scrub *x);
/* Takes out what was found. In the writer's transaction, which may run a second time. */
int scrub_take_out(struct scrub *x, struct store *s, struct err *e);
/* In the writer's transaction: what was applied since the last look, at most `most` bodies. *ret_all: there is nothing more. */
int scrub_rest(struct scrub *x, struct store *s, size_t most, bool *ret_all, struct err *e);
/* After the transaction that took out the last of it, in which store_empty_log() was called: copies that were prepared are
 * forgotten, and the database's log is emptied; *ret_emptied false: somebody reads for long, and a later commit does it. Not on
 * the writer's threads. */
int scrub_end(struct gateway *g, bool *ret_emptied, struct err *e);

#endif
