/* SPDX-License-Identifier: Apache-2.0
 * saying.h - the placeholders of texts that the gateway says by itself.
 *
 * For whoever reads such a text, from a pack or the configuration, and for whoever fills it. */
#ifndef WL_CORE_SAYING_H
#define WL_CORE_SAYING_H

#include "base/buf.h"
#include "base/err.h"

#define SAYING_BUSINESS "{business}" /* stands for the name of the business */

/* A text that is to be said: WL_EINVAL ("must ...") names the first placeholder that nobody fills. */
int saying_check(struct str text, struct err *e);

#endif
