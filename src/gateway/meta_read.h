/* SPDX-License-Identifier: Apache-2.0
 * meta_read.h - the few things the gateway reads from the Graph API for itself.
 *
 * Blocking, for the accounts threads only: one number, the accounts behind a token, an account's numbers and
 * templates (all pages, bounded). Results go to the store as rows. */
#ifndef WL_GATEWAY_META_READ_H
#define WL_GATEWAY_META_READ_H

#include "base/arena.h"
#include "store/senders.h"

struct meta {
    const char *origin; /* upstream, no trailing slash */
    const char *ca_file;
    const char *version; /* "v23.0" or "" */
    const char *token;
    int64_t timeout_ms; /* of one call */
    int64_t deadline;   /* of all of them */
    struct json_parser *parser;
    struct arena *arena; /* results */
};

/* Meta's answer when it was not a success, for the caller to hand on. */
struct meta_refusal {
    int status;
    struct str body;
};

/* 0; WL_EDENIED with `refusal` filled; WL_EIO when Meta could not be reached. */
int meta_number(struct meta *m, int64_t id, struct sender *ret, struct meta_refusal *refusal, struct err *e);
/* What the number may send, and who owns its account. Asked for apart from meta_number(), because an old API version or a
 * token of few rights refuses a whole call for one field: what cannot be read stays unknown. */
struct meta_limits {
    int per_second;    /* 0 not known */
    int64_t people;    /* as account.limit: 0 without limit, -1 not known */
    int64_t portfolio; /* 0 not known */
};
struct meta_limits meta_limits(struct meta *m, int64_t number, int64_t waba);
/* Accounts the token may act for, from debug_token's granular scopes. */
int meta_accounts(struct meta *m, int64_t *ret, size_t max, size_t *ret_n, struct err *e);
int meta_has_number(struct meta *m, int64_t waba, int64_t number, bool *ret, struct err *e);
/* All templates of the account: at most META_TEMPLATES_MAX. */
#define META_TEMPLATES_MAX 6500
int meta_templates(struct meta *m, int64_t waba, int64_t now, struct template_row **ret, size_t *ret_n, struct err *e);

#endif
