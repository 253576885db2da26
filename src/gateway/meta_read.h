/* SPDX-License-Identifier: Apache-2.0
 * meta_read.h - the few things the gateway reads from the Graph API for itself.
 *
 * Blocking, for the accounts threads and the doctor only: one number, one account, the accounts behind a token, an account's
 * templates (all pages, bounded). Results go to the store as rows.
 *
 * A whole call is refused for one field that an old API version or a token of few rights does not get. Then the field goes,
 * and the others are read without it. */
#ifndef WL_GATEWAY_META_READ_H
#define WL_GATEWAY_META_READ_H

#include <stdatomic.h>

#include "base/arena.h"
#include "core/graph_usage.h"
#include "store/accounts.h"
#include "store/senders.h"

struct meta {
    const char *origin; /* upstream, no trailing slash */
    const char *ca_file;
    const char *version; /* "v23.0" or "" */
    const char *token;
    int64_t timeout_ms;      /* of one call */
    int64_t deadline;        /* of all of them */
    bool brief;              /* somebody waits: a refusal is not looked into field by field */
    const atomic_bool *stop; /* becomes true: nothing more is asked; NULL: never */
    struct json_parser *parser;
    struct arena *arena; /* results */
    /* --- what the calls told beside their answers --- */
    int status, code;                /* of the last one; status 0: no answer; code 0: none */
    struct graph_usage app, account; /* the worst of all of them; percent -1: not said. Made ready by meta_begin() */
    int64_t date;                    /* its Date header, ms; 0: none that could be read */
};
void meta_begin(struct meta *m);

/* Meta's answer when it was not a success, for the caller to hand on. */
struct meta_refusal {
    int status;
    struct str body;
};
/* One GET whose answer is JSON. `what` is named in e ("reading <what>: ..."). WL_EDENIED: it answered something else than
 * 200; `refusal` may be NULL. WL_EIO: no answer. */
int meta_get(struct meta *m, const char *what, const char *path_and_query, struct json *ret,
             struct meta_refusal *refusal, struct err *e);

/* Fields that were refused, as bits: they are not asked for. Raised by what is refused. */
struct meta_skip {
    unsigned fields;
};

/* 0; WL_EDENIED with `refusal` filled; WL_EIO when Meta could not be reached. A word that was not said is 0, UNKNOWN or "". */
struct meta_number {
    struct sender sender; /* with id; without waba and times */
    int64_t people;       /* as account.limit: 0 without limit, -1 not known */
};
int meta_number(struct meta *m, int64_t id, struct meta_skip *skip, struct meta_number *ret,
                struct meta_refusal *refusal, struct err *e);

/* Name, owner, health and limit; of the limit -1 when it was not said. */
int meta_account(struct meta *m, int64_t waba, struct meta_skip *skip, struct account *ret, struct err *e);

/* Health: the word, and of what is not available or has something to say the entities, word for word, in the arena. */
#define META_HEALTH_MAX 8192
enum health meta_health(struct arena *a, struct json health_status, struct str *ret_detail);

/* Accounts the token may act for, from debug_token's granular scopes. */
int meta_accounts(struct meta *m, int64_t *ret, size_t max, size_t *ret_n, struct err *e);
int meta_has_number(struct meta *m, int64_t waba, int64_t number, bool *ret, struct err *e);
/* All templates of the account: at most META_TEMPLATES_MAX. *ret_all: the list is complete. */
#define META_TEMPLATES_MAX 6500
int meta_templates(struct meta *m, int64_t waba, int64_t now, struct template_row **ret, size_t *ret_n, bool *ret_all,
                   struct err *e);

/* "Sun, 22 Nov 2026 11:19:00 GMT" as ms; 0 when it is something else. */
int64_t meta_date(struct str http_date);

#endif
