/* SPDX-License-Identifier: Apache-2.0
 * ledger_reopen.h - begins the ledger's log anew, for a database that was restored from a backup or a key that was lost.
 *
 * Records stay as they are; each gets a place in a new log, under the next generation, at the next start. The published directory
 * of the log that ended is kept beside the new one. */
#ifndef WL_GATEWAY_LEDGER_REOPEN_H
#define WL_GATEWAY_LEDGER_REOPEN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

struct ledger_reopened {
    int64_t leaves;     /* the last checkpoint of the log that ended was over */
    int64_t generation; /* of the new one */
    bool already;       /* it was done before, and no start was in between: nothing was changed */
};

/* store_url NULL: wayleave.db in state_dir. The gateway must not run (WL_ECONFLICT). Why goes into the directory that is kept. */
int ledger_reopen(const char *state_dir, const char *store_url, const char *why, struct ledger_reopened *ret,
                  struct err *e);

#endif
