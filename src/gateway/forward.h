/* SPDX-License-Identifier: Apache-2.0
 * forward.h - hands every webhook body on, re-signed and untouched but for our mark, to one address behind us.
 *
 * At least once, in order, from the inbox and with a position of its own: a slow receiver delays nobody else. */
#ifndef WL_GATEWAY_FORWARD_H
#define WL_GATEWAY_FORWARD_H

#include "base/err.h"

struct gateway;
struct forwarder;

int forwarder_start(struct forwarder **ret, struct gateway *g, struct err *e);
void forwarder_bell(struct forwarder *f);
/* Ends the thread; the bell may still be rung. */
void forwarder_stop(struct forwarder *f); /* accepts NULL */
void forwarder_free(struct forwarder *f); /* accepts NULL */

#endif
