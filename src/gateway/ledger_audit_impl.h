/* SPDX-License-Identifier: Apache-2.0
 * ledger_audit_impl.h - what the files of the ledger's audit share.
 *
 * ledger_audit.c looks at leaves, what lies behind them, and checkpoints; ledger_audit_people.c at people. */
#ifndef WL_GATEWAY_LEDGER_AUDIT_IMPL_H
#define WL_GATEWAY_LEDGER_AUDIT_IMPL_H

#include "gateway/ledger_audit.h"

#define LEDGER_BUCKET 0 /* one holds everything while the spread is 1 */

/* Something does not fit. */
void ledger_audit_say(struct ledger_audit *au, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
