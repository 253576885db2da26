/* SPDX-License-Identifier: Apache-2.0
 * template.h - what a template expects, and whether a send's parameters fit it.
 *
 * A spec is compiled once from the components Meta lists and is then immutable; checking a send against it
 * allocates nothing. Unknown component or parameter kinds pass: Meta adds them before we hear of it.
 * Source: docs/platform.md §1.4, §5.8, codes 132000, 132012, 132018. */
#ifndef WL_CORE_TEMPLATE_H
#define WL_CORE_TEMPLATE_H

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "core/intent.h"

enum template_status {
    TEMPLATE_STATUS_UNKNOWN = 0,
    TEMPLATE_APPROVED,
    TEMPLATE_PENDING,
    TEMPLATE_REJECTED,
    TEMPLATE_PAUSED,
    TEMPLATE_DISABLED,
    TEMPLATE_IN_APPEAL,
    TEMPLATE_LIMIT_EXCEEDED,
    TEMPLATE_ARCHIVED,
    TEMPLATE_DELETED,
    TEMPLATE_PENDING_DELETION,
    TEMPLATE_FLAGGED,
    TEMPLATE_LOCKED
};
const char *template_status_name(enum template_status s); /* "approved" */
/* A status or webhook event word in any case; REINSTATED and UNARCHIVED are approved. UNKNOWN when never seen. */
enum template_status template_status_parse(struct str s);

enum template_fit { FIT_OK = 0, FIT_COUNT, FIT_TYPE, FIT_FORMAT, FIT_TEXT };
const char *template_fit_name(enum template_fit f); /* "ok", "count", "type", "format", "text" */

struct template_spec;

/* Compiles the listing object ({name, language, components, parameter_format, ...}) into the arena. */
int template_compile(struct arena *a, struct json listing, struct template_spec **ret, struct err *e);

/* For how long Meta tries to deliver it, in seconds, where the listing says so: 0 it does not, -1 as long as anything else. */
int64_t template_ttl(const struct template_spec *spec);

/* FIT_COUNT: number of parameters differs (132000). FIT_TYPE: e.g. text for an image header (132012). FIT_FORMAT:
 * named parameters against positional or an unknown name. FIT_TEXT: newline, tab or more than 4 spaces in a value
 * (132018). `why` gets one sentence naming component and parameter when not FIT_OK. */
enum template_fit template_check(const struct template_spec *spec, struct json components, struct err *why);

#endif
