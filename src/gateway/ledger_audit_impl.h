/* SPDX-License-Identifier: Apache-2.0
 * ledger_audit_impl.h - what the files of the ledger's audit share.
 *
 * ledger_audit.c looks at leaves, what lies behind them, and checkpoints; ledger_audit_people.c at people, ledger_audit_erased.c
 * at erasures. */
#ifndef WL_GATEWAY_LEDGER_AUDIT_IMPL_H
#define WL_GATEWAY_LEDGER_AUDIT_IMPL_H

#include "core/leaf.h"
#include "gateway/ledger_audit.h"
#include "store/people.h"

#define LEDGER_BUCKET 0 /* one holds everything while the spread is 1 */

/* Something does not fit. */
void ledger_audit_say(struct ledger_audit *au, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* ledger_audit_erased.c: the erasure behind an entry that says so; */
int ledger_audit_erasure(struct ledger_audit *au, int64_t at, const struct leaf *l, struct err *e);
/* people of open erasures; */
int ledger_audit_open_erasures(struct ledger_audit *au, struct err *e);
/* somebody who is restricted. */
int ledger_audit_restricted(struct ledger_audit *au, const struct person *p, struct err *e);

#endif
