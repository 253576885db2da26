/* SPDX-License-Identifier: Apache-2.0
 * sandbox_handlers.h - the handlers the route table names, by the file that owns them.
 *
 * Each is called with the state's lock held unless its route says otherwise, finds its object in the call, and leaves
 * an answer there. None of them blocks. */
#ifndef WL_SANDBOX_HANDLERS_H
#define WL_SANDBOX_HANDLERS_H

#include "sandbox/sandbox_call.h"

/* sandbox_messages.c */
void sbx_messages_post(struct call *c);
void sbx_marketing_messages_post(struct call *c);
void sbx_message_history_get(struct call *c);
void sbx_message_write(struct json_out *o, const struct sbx_message *m); /* a line of the ledger */

/* sandbox_numbers.c */
void sbx_number_get(struct call *c);
void sbx_number_post(struct call *c);
void sbx_phone_numbers_get(struct call *c);
void sbx_register_post(struct call *c);
void sbx_deregister_post(struct call *c);
void sbx_profile_get(struct call *c);
void sbx_profile_post(struct call *c);
void sbx_block_users_get(struct call *c);
void sbx_block_users_post(struct call *c);
void sbx_block_users_delete(struct call *c);

/* sandbox_limits.c */
void sbx_limits_inbound(struct sandbox *sb, struct sbx_number *n); /* a person wrote to the number */
void sbx_limits_write(struct call *c);

/* sandbox_answers.c */
void sbx_answers_post(struct call *c);

/* sandbox_standing.c */
void sbx_standing_post(struct call *c);
void sbx_standing_limit(struct sandbox *sb, struct json told); /* a number or a word; others change nothing */
/* The object of health_status; n may be NULL: of the account. */
void sbx_health_write(const struct call *c, struct json_out *o, const struct sbx_number *n);
#define SBX_PORTFOLIO "3000" /* who owns the account */

/* sandbox_account.c */
void sbx_waba_get(struct call *c);
void sbx_app_get(struct call *c);
void sbx_fail_callback(struct call *c); /* (#2200) the address did not answer the handshake */
void sbx_subscribed_apps_get(struct call *c);
void sbx_subscribed_apps_post(struct call *c);
void sbx_subscribed_apps_delete(struct call *c);
void sbx_subscriptions_get(struct call *c);
void sbx_subscriptions_post(struct call *c);
void sbx_subscriptions_delete(struct call *c);
void sbx_debug_token_get(struct call *c);
void sbx_oauth_get(struct call *c);

/* sandbox_templates_api.c */
void sbx_templates_get(struct call *c);
void sbx_templates_post(struct call *c);
void sbx_templates_delete(struct call *c);
void sbx_template_get(struct call *c);
void sbx_template_post(struct call *c);
void sbx_template_unpause(struct call *c);

/* sandbox_media.c */
void sbx_media_post(struct call *c);
void sbx_media_get(struct call *c);
void sbx_media_delete(struct call *c);
void sbx_media_download(struct call *c);

/* sandbox_admin.c: everything under /_sandbox/; takes the lock itself */
void sbx_admin(struct call *c);

#endif
