/* SPDX-License-Identifier: Apache-2.0
 * sandbox_people_live.h - the model of people in a running sandbox: switched on, asked, told of.
 *
 * Its state is part of the sandbox's (sandbox_state.h) and under its lock. */
#ifndef WL_SANDBOX_PEOPLE_LIVE_H
#define WL_SANDBOX_PEOPLE_LIVE_H

#include "sandbox/sandbox_call.h"

void sbx_people_init(struct sandbox *sb, const struct people_model *given); /* NULL: off */
void sbx_people_done(struct sandbox *sb);
/* [lock] Plans what becomes of an accepted message; false: the model has no say in it. */
bool sbx_people_plan(struct sandbox *sb, struct sbx_message *m);
void sbx_people_forget_planned(struct sandbox *sb); /* what people are yet to write; without the lock */
void sbx_people_get(struct call *c);                /* [lock] */
void sbx_people_post(struct call *c);               /* [lock] */

#endif
