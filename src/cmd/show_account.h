/* SPDX-License-Identifier: Apache-2.0
 * show_account.h - numbers, accounts, templates and notices laid out for a person.
 *
 * Each takes one answer of the REST API, or a list out of one, as in show.h. */
#ifndef WL_CMD_SHOW_ACCOUNT_H
#define WL_CMD_SHOW_ACCOUNT_H

#include "cmd/show.h"

void show_number_list(struct json numbers);   /* "numbers" of GET /numbers */
void show_our_number(struct json number);     /* GET /numbers/{id} */
void show_account_list(struct json accounts); /* "accounts" of GET /accounts */
void show_account(struct json account);       /* GET /accounts/{id} */
/* "notices" of GET /notices, "templates" of GET /templates, with a head when first; narrowed: not all were asked for. */
void show_notice_list(struct json notices, bool narrowed);
void show_template_list(struct json templates, bool first, bool narrowed);
void show_template(struct json template); /* GET /templates/{account}/{name}/{language} */

#endif
