/* SPDX-License-Identifier: Apache-2.0
 * doctor.h - looks at everything between Meta and this gateway, and says what is wrong and what to do about it.
 *
 * Works from the configuration alone, whether the gateway runs or not, and changes nothing: it reads files, asks Meta and
 * the gateway, and does Meta's handshake with the webhook's address. What it posts to the gateway is an empty webhook that
 * the gateway does not keep. No line holds a secret or a token. Every step is bounded in time; what is slow is done side by side.
 *
 * The names of checks are for scripts and stay as they are; what is found is for people. */
#ifndef WL_GATEWAY_DOCTOR_H
#define WL_GATEWAY_DOCTOR_H

#include "gateway/gateway.h"

enum doctor_result { DOCTOR_OK, DOCTOR_WARN, DOCTOR_FAIL, DOCTOR_SKIP };
const char *doctor_result_name(enum doctor_result r); /* "ok", "warn", "fail", "skip" */

struct doctor_line {
    const char *name; /* "webhook.fields"; static */
    int64_t id;       /* of which number, account or app; 0: of the gateway */
    enum doctor_result result;
    char found[400];
    char advice[400]; /* what to do, one sentence; "" when there is nothing to do */
};

struct doctor_report {
    struct doctor_line *line;
    size_t n;
};

/* Looks at everything. `version`: of this program. doctor_report_done() it. */
void doctor_run(const struct gateway_options *o, const char *version, struct doctor_report *ret);
void doctor_report_done(struct doctor_report *r);

#endif
