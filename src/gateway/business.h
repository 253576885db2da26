/* SPDX-License-Identifier: Apache-2.0
 * business.h - the name under which the business is known to the people it writes to.
 *
 * An opt-in has to name it (docs/platform.md §4.2), and so does everything the gateway says by itself. */
#ifndef WL_GATEWAY_BUSINESS_H
#define WL_GATEWAY_BUSINESS_H

#include "base/arena.h"
#include "base/buf.h"

struct gateway;

/* As configured (`business`), else the name Meta verified for this number, 0: for the first that has one. Empty: nobody
 * knows. Borrowed, or in the arena. */
struct str business_name(const struct gateway *g, int64_t sender, struct arena *a);

#endif
