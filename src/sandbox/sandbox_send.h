/* SPDX-License-Identifier: Apache-2.0
 * sandbox_send.h - a message that passed the checks of the messages endpoint, before it is accepted.
 *
 * What the checks in sandbox_validate.c found out, borrowed from the call; it holds nothing of its own and lives only
 * until the message is written to the ledger. */
#ifndef WL_SANDBOX_SEND_H
#define WL_SANDBOX_SEND_H

#include "sandbox/sandbox_templates.h"

struct sbx_send {
    struct str to;   /* as the client wrote it */
    struct str user; /* digits, business-scoped id or group id */
    struct str type; /* the table's spelling */
    bool bsuid, group, lite;
    const struct sbx_template *template;
    struct str callback;
    const char *direct; /* "utility" or "authentication": Direct Send */
    int fail_code;      /* known to fail after acceptance */
};

/* sandbox_limits.c: counts it; answers 130429 or 131056 and returns false when it is one too many. [lock] */
bool sbx_limits_take(struct call *c, const struct sbx_send *s);

/* sandbox_standing.c: whether the account may send that; answers the error and returns false. [lock] */
bool sbx_standing_allows(struct call *c, const struct sbx_send *s);

/* sandbox_validate.c: fills s from the call's params; answers the error and returns false. [lock] */
bool sbx_validate(struct call *c, struct sbx_send *s);

#endif
