/* SPDX-License-Identifier: Apache-2.0
 * contact_row.h - a spreadsheet's row as a contact of the REST API.
 *
 * Which column is which, core/columns.h says. A row is checked here with the functions the gateway uses, so that
 * --dry-run and an import agree; the gateway checks again.
 *
 * Nothing is guessed about consent: a "yes" without saying to what, an agreement without its date, or a word that is
 * no yes where one is asked for (consent_word.h), is an error of that row. A yes to marketing by SMS or e-mail is none to WhatsApp; --consent-from says which column's yes is, with
 * the words people saw. A column that says somebody wants nothing more wins over everything else in the row, whatever
 * channel it speaks of.
 *
 * Nor about numbers: one without '+' is read in the row's country or the region of --region, and is an error where
 * there is neither, unless the whole file was said to be international. A withdrawal is the exception: whatever can
 * be told who it is about is taken, in the stricter reading. */
#ifndef WL_CMD_CONTACT_ROW_H
#define WL_CMD_CONTACT_ROW_H

#include "base/err.h"
#include "base/json.h"
#include "cmd/import_table.h"
#include "core/columns.h"
#include "core/phone_cell.h"

/* How numbers of a file are read. */
struct contact_numbers {
    const struct phone_data *plans;
    int region;            /* of numbers without '+'; 0 none */
    bool international;    /* every number begins with its country code, '+' or not */
    bool allow_unassigned; /* also of ranges that are assigned to nobody */
};

#define CONTACT_ATTRIBUTES 32

struct contact_format {
    struct columns columns;
    const char *fallback[COLUMN_ROLES]; /* --consent and its like: for rows whose own cell is empty */
    struct contact_numbers numbers;
    int consent_from;          /* the column whose yes is the agreement of --consent; -1: every row's */
    bool whole_rows;           /* a workbook's: what is missing at a row's end is an empty cell */
    const char *file, *sha256; /* for the evidence */
    struct {
        struct str name;
        int column;
    } attribute[CONTACT_ATTRIBUTES]; /* --attribute */
    size_t attributes;
};

/* What a row brings, beside its object. */
struct contact_found {
    enum column_role field; /* at fault; COLUMN_NONE: the row as a whole */
    bool withdraws;         /* a column said that this person wants nothing more */
    bool other_channel;     /* a yes to SMS or e-mail, which is none to WhatsApp */
    bool held;              /* would have agreed, had no column of the row said otherwise */
};

/* "city=Town": the column Town is the attribute city. WL_EINVAL: there is none, or too many. */
int contact_attribute(struct contact_format *f, const char *assignment, struct err *e);
/* Columns nobody uses, comma-separated. */
void contact_ignored(const struct contact_format *f, struct buf *out);
/* Of those the ones that seem to say who agreed or left, and that nobody said to ignore. */
void contact_unread(const struct contact_format *f, struct buf *out);

/* Appends the contact's object. WL_EINVAL with a sentence; `out` must be thrown away. 1: a withdrawal was taken
 * without the column at fault or from a word nobody knows, or an agreement was not taken; `e` says why. */
int contact_row_json(const struct contact_format *f, const struct import_row *row, struct json_out *out,
                     struct contact_found *ret, struct err *e);

/* A number as it may stand in a file: "+491701234567" of it into ret. region: of the row, 0 none. WL_EINVAL says what
 * to do. */
int contact_number(const struct contact_numbers *n, struct str phone, int region, char ret[PHONE_E164_MAX],
                   struct err *e);
/* "Marketing; Utility" -> "marketing,utility". WL_EINVAL: no scope people consent to, or a "yes" that does not say to
 * what. */
int contact_scope_text(struct str s, char *out, size_t size, struct err *e);
/* "url" of an address, as a form's evidence has it, else "text". */
const char *contact_evidence_key(struct str evidence);
/* RFC 3339, a date, or "2026-01-31 09:30[:00]" as programs export it, in UTC. */
bool contact_time(struct str s, int64_t *ret_ms);

#endif
