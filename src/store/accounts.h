/* SPDX-License-Identifier: Apache-2.0
 * accounts.h - what Meta says about our WhatsApp Business Accounts: portfolio, limit, restrictions, payment.
 *
 * A control table: small, not bucketed, read into the gateway's snapshot. Times are ms; ACCOUNT_FOREVER means until
 * Meta lifts it. Source: docs/platform.md §3.3, §6.7, §7. */
#ifndef WL_STORE_ACCOUNTS_H
#define WL_STORE_ACCOUNTS_H

#include "core/account_word.h"
#include "store/store.h"

struct account {
    int64_t waba;
    int64_t portfolio;          /* owner business; 0 not known: then the account stands for it */
    int64_t limit;              /* people outside windows in 24 h; 0 without limit, -1 not known */
    enum account_state state;   /* as bans say; account_standing() */
    int64_t no_templates_until; /* 0: no such restriction */
    int64_t no_messages_until;
    int64_t no_utility_until;
    int64_t no_direct_until; /* utility by Direct Send */
    int64_t payment_failed_at;
    int64_t misuse_at; /* last 131064; 0: none since a template was accepted */
    int64_t updated_at;
    struct { /* when each was said, ms, 0 never: an older word changes nothing */
        int64_t state, templates, messages, utility, limit, direct, portfolio;
    } said_at;
    char name[128];
    enum health health;
    struct str health_detail; /* why, Meta's entities as JSON; written: {NULL,0} keeps what is there */
    char violation[48];       /* the last violation_type; "" none */
    char review[24];          /* the last decision of a review */
    char disable_on[32];      /* the day on which Meta says it disables the account, as Meta writes it */
    int64_t numbers_max;      /* phone numbers it may have; 0 not known */
    struct {
        int64_t health, violation, review, disable, numbers_max;
    } told_at;
};
/* Whether it may send, by what was said last of bans and of reviews. No review lifts a ban, and of one moment the stricter
 * counts. */
static inline enum account_state account_standing(const struct account *v)
{
    if (v->state != ACCOUNT_DISABLED && v->told_at.review >= v->said_at.state && strcmp(v->review, "REJECTED") == 0)
        return ACCOUNT_LOCKED;
    if (v->state == ACCOUNT_LOCKED && v->told_at.review > v->said_at.state && strcmp(v->review, "APPROVED") == 0)
        return ACCOUNT_OK;
    return v->state;
}
/* For whose limit the account's people count. */
static inline int64_t account_portfolio(const struct account *v)
{
    return v->portfolio != 0 ? v->portfolio : v->waba;
}
/* Every column is replaced: read, change, write, in one transaction. */
int accounts_put(struct store *s, const struct account *v, size_t n, struct err *e);
/* Zeros and limit -1 when there is none; health_detail is {NULL,0}, accounts_list() has it. */
int accounts_get(struct store *s, int64_t waba, struct account *ret, struct err *e);
int accounts_list(struct store *s, struct arena *a, struct account **ret, size_t *ret_n, struct err *e);

#endif
