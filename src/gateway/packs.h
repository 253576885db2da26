/* SPDX-License-Identifier: Apache-2.0
 * packs.h - the opt-out packs of the configuration, read and compiled at the start.
 *
 * They do not change while the gateway runs: who changes a pack starts it anew. */
#ifndef WL_GATEWAY_PACKS_H
#define WL_GATEWAY_PACKS_H

#include "core/optout.h"
#include "gateway/gateway.h"

/* The shipped ones by name, then those the configuration adds; NULL when nobody's words are to be read or there are none. The
 * error names file and line. optout_packs_free() it. */
int packs_load(struct optout_packs **ret, const struct gateway_options *o, struct err *e);

#endif
