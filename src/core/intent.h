/* SPDX-License-Identifier: Apache-2.0
 * intent.h - what a client asks for when it posts to /messages, read from its JSON and nothing else.
 *
 * Parsing is liberal where Meta is (unknown fields pass, upper-case interactive kinds, index as string or
 * number) and strict where a decision depends on it: duplicate keys at the top level or in `template` and wrong
 * types of the fields below are refused with the field's name. The original bytes are kept by the caller and
 * forwarded; an intent is only a reading. Source: docs/platform.md §1, §7.1. */
#ifndef WL_CORE_INTENT_H
#define WL_CORE_INTENT_H

#include <stdbool.h>

#include "base/arena.h"
#include "base/json.h"
#include "core/identity.h"

enum intent_kind {
    INTENT_RECEIPT, /* read receipt or typing indicator: not a send, never counted or blocked */
    INTENT_FREEFORM,
    INTENT_TEMPLATE,
    INTENT_DIRECT,   /* Direct Send: free-form with "category" */
    INTENT_ENCRYPTED /* messages_encrypted: not readable */
};

enum intent_path { PATH_MESSAGES, PATH_MARKETING_MESSAGES, PATH_ENCRYPTED };

enum category {
    CATEGORY_UNKNOWN = 0,
    CATEGORY_SERVICE = 1,
    CATEGORY_MARKETING = 2,
    CATEGORY_UTILITY = 3,
    CATEGORY_AUTHENTICATION = 4,
    CATEGORY_CALLS = 5
};
#define CATEGORY_COUNT 6
const char *category_name(enum category c); /* "marketing", ... "unknown" */
enum category category_parse(struct str s); /* any case; also TRANSACTIONAL -> utility, OTP -> authentication */

#define INTENT_TYPE_MAX   40
#define TEMPLATE_NAME_MAX 513
#define LANGUAGE_MAX      16

struct intent {
    enum intent_kind kind;
    enum intent_path path;
    struct identity to; /* NONE when it is no possible recipient: to_problem says why */
    struct err to_problem;
    struct str to_text;          /* as the client wrote it */
    char type[INTENT_TYPE_MAX];  /* "text", "template", "interactive:list", ... lower case; "" when absent */
    enum category category;      /* Direct Send's; for templates CATEGORY_UNKNOWN until looked up */
    struct str template_name;    /* "" unless TEMPLATE */
    char language[LANGUAGE_MAX]; /* '-' folded to '_' */
    struct json components;      /* template.components, absent when none; valid while the parser is */
    struct str opaque;           /* biz_opaque_callback_data, {NULL,0} when absent */
};

/* Reads a parsed body. WL_EINVAL names the field ("template.name must be a string"). A recipient that is
 * missing or impossible is not an error here but to.kind NONE: a rule says so with its citation. Strings are
 * copied to the arena except `components`. */
int intent_parse(struct json body, enum intent_path path, struct arena *a, struct intent *ret, struct err *e);

#endif
