/* SPDX-License-Identifier: Apache-2.0
 * mark.h - our mark in what leaves, and out of what clients get to see (core/callback.h with this gateway's key).
 *
 * Whatever way a send came (JSON, a form, a part of a batch), its body leaves with the mark of the attempt in
 * biz_opaque_callback_data and is otherwise untouched, byte for byte. */
#ifndef WL_GATEWAY_MARK_H
#define WL_GATEWAY_MARK_H

#include "core/callback.h"
#include "gateway/admit.h"

/* The JSON body of an allowed send (s->message says which attempt), in the arena. */
int mark_body(const struct send *s, struct str body, struct arena *a, struct str *ret, struct err *e);
/* The same for a body of another content type: urlencoded forms are marked, multipart ones too; what cannot be marked is
 * returned as it is (its statuses are found by Meta's id then). */
int mark_form(const struct send *s, struct str content_type, struct str body, struct arena *a, struct str *ret,
              struct err *e);
/* Which attempt a status is about; false: its value is not our mark. */
bool mark_read(const struct gateway *g, struct str value, struct callback *ret);
/* A webhook body for somebody behind us; false: nothing of ours is in it and *ret is untouched. `s` is for reading. */
bool mark_restore(const struct gateway *g, struct store *s, struct str body, struct buf *out);

#endif
