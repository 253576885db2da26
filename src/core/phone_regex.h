/* SPDX-License-Identifier: Apache-2.0
 * phone_regex.h - patterns of numbering plans to programs of phone_file.h's steps.
 *
 * What a program matches, and which of several ways it prefers, is what Perl would say of the pattern. */
#ifndef WL_CORE_PHONE_REGEX_H
#define WL_CORE_PHONE_REGEX_H

#include "base/buf.h"
#include "base/err.h"
#include "core/phone_file.h"

#define PHONE_REGEX_STEPS_MAX 30000

/* Puts the pattern's steps (struct phone_step) in place of what out held, the last one PHONE_MATCH. WL_EINVAL: `e` says what is wrong and where in
 * the pattern; WL_ETOOBIG: it needs more than PHONE_REGEX_STEPS_MAX steps. */
int phone_regex_compile(struct str pattern, struct buf *out, uint16_t *ret_groups, struct err *e);

#endif
