/* SPDX-License-Identifier: Apache-2.0
 * rest_welcomes.h - the calls of our own API about what the gateway asks and says by itself.
 *
 * Handlers of rest_api.c's routes: started, listed, shown, taken back. */
#ifndef WL_GATEWAY_REST_WELCOMES_H
#define WL_GATEWAY_REST_WELCOMES_H

#include "gateway/rest_impl.h"

int rest_welcome_start(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_welcomes_list(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_welcome(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);
int rest_welcome_cancel(struct rest_call *c, struct store *s, struct arena *a, int64_t now, struct err *e);

#endif
