/* SPDX-License-Identifier: Apache-2.0
 * packs.h - the opt-out packs of the configuration, read and compiled at the start. */
#ifndef WL_GATEWAY_PACKS_H
#define WL_GATEWAY_PACKS_H

#include "core/optout.h"
#include "gateway/gateway.h"

/* NULL when no file is named. The error names file and line. optout_packs_free() it. */
int packs_load(struct optout_packs **ret, const struct path_list *files, struct err *e);

#endif
