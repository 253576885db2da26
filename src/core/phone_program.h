/* SPDX-License-Identifier: Apache-2.0
 * phone_program.h - running the rules of the tables that are more than a digit: trunk and international prefixes.
 *
 * A rule is matched at the beginning of the digits, as a backtracking regular expression is: of alternatives the first that leads to
 * a match wins, not the longest. phone_data_open() has seen to it that a program ends, stays in its section and never has more than
 * PHONE_PENDING_MAX choices open, so nothing of that is asked here. */
#ifndef WL_CORE_PHONE_PROGRAM_H
#define WL_CORE_PHONE_PROGRAM_H

#include "core/phone_data.h"

#define PHONE_PENDING_MAX 64 /* choices and marks open on one path */
#define PHONE_WORK_MAX                                                                                                 \
    8192 /* steps of one run, all choices tried: what a hostile one may cost. The world's plans need 1476 */
#define PHONE_STEPS_MAX 8192

#define PHONE_MARK_NONE 0xffff

struct phone_found {
    uint16_t end;                            /* digits matched */
    uint16_t mark[2 * PHONE_GROUPS_MAX + 2]; /* [2g] where group g begins, [2g + 1] where it ends; PHONE_MARK_NONE */
};

/* Whether the program at that step matches a beginning of the n digits. */
bool phone_program_run(const struct phone_data *d, uint32_t program, const char *digits, size_t n,
                       struct phone_found *ret);

/* What group g caught, empty if nothing. */
struct str phone_found_group(const struct phone_found *f, unsigned g, const char *digits);

#endif
