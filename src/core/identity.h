/* SPDX-License-Identifier: Apache-2.0
 * identity.h - the names one person goes by: phone number, business-scoped user id, parent id; and groups.
 *
 * A key is canonical: two spellings of one name give the same bytes. Person-bound state is never keyed by a
 * key but by the person it resolves to (store/people). Source of the forms: docs/platform.md §1.1, §6.9. */
#ifndef WL_CORE_IDENTITY_H
#define WL_CORE_IDENTITY_H

#include "base/buf.h"
#include "base/err.h"
#include "core/phone_data.h"

enum identity_kind {
    IDENTITY_NONE = 0,
    IDENTITY_PHONE = 1,
    IDENTITY_USER_ID = 2,
    IDENTITY_PARENT_ID = 3,
    IDENTITY_GROUP = 4
};

#define IDENTITY_MAX 136 /* "CC.ENT." and 128 alphanumerics, and a NUL */

struct identity {
    enum identity_kind kind;
    char value[IDENTITY_MAX]; /* phone: E.164 digits without '+' (phone_canonical()); ids as sent; NUL-terminated */
};

/* "+55 11 91234-5678" -> PHONE 5511912345678, digit by digit, as Meta reads `to`. WL_EINVAL when it is no phone number. */
int identity_phone(struct str text, struct identity *ret, struct err *e);
/* The same where people write it for us: "+49 (0)170 1234567" -> PHONE 491701234567 (phone_parse_written()). */
int identity_phone_written(const struct phone_data *d, struct str text, struct identity *ret, struct err *e);
/* "US.1349..." -> USER_ID, "US.ENT.118..." -> PARENT_ID. WL_EINVAL otherwise. */
int identity_user_id(struct str text, struct identity *ret, struct err *e);
int identity_group(struct str text, struct identity *ret, struct err *e); /* 1..128 printable ASCII, no spaces */
/* A user id by its form, else a phone number, as Meta writes them; and as people do. */
int identity_parse(struct str text, struct identity *ret, struct err *e);
int identity_written(const struct phone_data *d, struct str text, struct identity *ret, struct err *e);
/* "phone:15550001111", "user_id:US.1349": for records that must be read without a table. Empty for NONE. */
#define IDENTITY_TEXT_MAX (IDENTITY_MAX + 16)
struct str identity_text(const struct identity *who, char out[IDENTITY_TEXT_MAX]);
const char *identity_kind_name(enum identity_kind k); /* "phone", "user_id", "parent_user_id", "group", "none" */

#endif
