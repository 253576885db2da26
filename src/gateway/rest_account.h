/* SPDX-License-Identifier: Apache-2.0
 * rest_account.h - what the calls about numbers, accounts and templates share, for the rest_*.c files only.
 *
 * Mostly ways to write one member into the open object of the answer. */
#ifndef WL_GATEWAY_REST_ACCOUNT_H
#define WL_GATEWAY_REST_ACCOUNT_H

#include "core/meta_word.h"
#include "gateway/rest_impl.h"
#include "store/accounts.h"
#include "store/notices.h"
#include "store/senders.h"

void rest_id(struct json_out *o, const char *key, int64_t id);         /* as text; null for 0 */
void rest_text(struct json_out *o, const char *key, const char *text); /* null for "" */
/* "<key>": word, and where we have words for it "<key>_means" and "<key>_next". Null for an empty one. */
void rest_word(struct json_out *o, const char *key, enum meta_subject subject, struct str word);
void rest_json(struct json_out *o, const char *key, struct str json_text); /* null when there is none or it is none */
const char *rest_health(enum health h);                                    /* NULL: not known */
const char *rest_account_state(enum account_state s);
/* "limit": {people, used, left} of the portfolio; people null: without limit. Null as a whole: not known. */
int rest_limit(struct rest_call *c, struct store *s, const struct account *v, int64_t now, struct err *e);
/* "restrictions": [{what, until, means, next}] in force now. */
void rest_restrictions(struct json_out *o, const struct account *v, int64_t now);
/* What every list says of an account, into the open object. */
int rest_account_members(struct rest_call *c, struct store *s, const struct account *v, int64_t now, struct err *e);
/* "notices": the newest of them. */
int rest_notices(struct rest_call *c, struct store *s, struct arena *a, const struct notice_filter *f, size_t most,
                 struct err *e);

int rest_numbers_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_number(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_accounts_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_account(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_notices_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_templates_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_template(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_templates_sync(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);

#endif
