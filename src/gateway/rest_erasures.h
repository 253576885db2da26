/* SPDX-License-Identifier: Apache-2.0
 * rest_erasures.h - the calls about erasures, for the table of routes.
 *
 * What they promise their callers stands in docs/openapi.yaml, what an erasure does in docs/erasure.md. */
#ifndef WL_GATEWAY_REST_ERASURES_H
#define WL_GATEWAY_REST_ERASURES_H

#include "gateway/rest_impl.h"

int rest_erasure_preview(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_contact_erase(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_erasures_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_erasure(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);

#endif
