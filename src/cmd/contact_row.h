/* SPDX-License-Identifier: Apache-2.0
 * contact_row.h - a spreadsheet's row as a contact of the REST API.
 *
 * Which column is which is found by name, with the names CRMs and spreadsheets in several languages use. A row is
 * checked here with the same functions the gateway uses, so that --dry-run and an import agree; the gateway checks
 * again. Nothing is guessed about consent: a "yes" without saying to what, or an agreement without its date, is an
 * error of that row. Nor about numbers: one without '+' is an error unless the whole file was said to be
 * international. A withdrawal is the exception: whatever can be told who it is about is taken, in the stricter reading. */
#ifndef WL_CMD_CONTACT_ROW_H
#define WL_CMD_CONTACT_ROW_H

#include "base/err.h"
#include "base/json.h"
#include "cmd/csv.h"

enum contact_column {
    COLUMN_PHONE,
    COLUMN_USER_ID,
    COLUMN_NAME,
    COLUMN_LANG,
    COLUMN_ZONE,
    COLUMN_CONSENT,
    COLUMN_ACT,
    COLUMN_AT,
    COLUMN_METHOD,
    COLUMN_WORDING,
    COLUMN_LANGUAGE,
    COLUMN_EVIDENCE,
    COLUMN_WORDING_HASH,
    COLUMN_EXPIRES,
    COLUMN_BUSINESS,
    COLUMN_POLICY,
    COLUMN_JURISDICTION,
    COLUMN_ERROR, /* ours, of an earlier --errors file: left out */
    COLUMN_COUNT
};

struct contact_columns {
    int at[COLUMN_COUNT];               /* position in the row, -1: no such column */
    size_t n;                           /* columns in the header */
    const char *fallback[COLUMN_COUNT]; /* --consent and its like: for rows whose own field is empty */
    bool international;                 /* every number begins with its country code, '+' or not */
    struct buf ignored;                 /* names of the columns nobody knows, comma-separated */
};

const char *contact_column_name(enum contact_column c);
/* Reads the header row. WL_EINVAL: neither phone nor user id, or a column twice. contact_columns_done() it. */
int contact_columns_read(struct contact_columns *c, const struct csv_row *header, struct err *e);
void contact_columns_done(struct contact_columns *c);

/* Appends the contact's object. WL_EINVAL with a sentence; *ret_field is the column at fault, and `out` must be thrown away.
 * 1: a withdrawal was taken without the column at fault, `e` says why. */
int contact_row_json(const struct contact_columns *c, const struct csv_row *row, struct json_out *out,
                     enum contact_column *ret_field, struct err *e);
bool contact_row_blank(const struct csv_row *row);

/* A phone number as it may stand in a file: with '+' unless all of them are international, and not mangled by a spreadsheet. */
int contact_phone_check(struct str phone, bool international, struct err *e);
/* "Marketing; Utility" -> "marketing,utility". WL_EINVAL: no scope people consent to, or a "yes" that does not say to what. */
int contact_scope_text(struct str s, char *out, size_t size, struct err *e);

#endif
