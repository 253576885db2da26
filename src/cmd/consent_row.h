/* SPDX-License-Identifier: Apache-2.0
 * consent_row.h - a row of a file as a consent event of the REST API.
 *
 * A row is one of a table or a JSON object on a line of its own. Fields are named as the API names them; --map says which
 * column or member holds one that is called otherwise. What the file or the command line does not say is left to the gateway,
 * which checks every row and names what is wrong. The file's name, its SHA-256 and the row's line become part of the row's
 * evidence, so a record leads back to the line it came from. */
#ifndef WL_CMD_CONSENT_ROW_H
#define WL_CMD_CONSENT_ROW_H

#include "base/err.h"
#include "base/json.h"
#include "cmd/contact_row.h"

enum consent_field {
    FIELD_WHO,
    FIELD_ACT,
    FIELD_SCOPE,
    FIELD_AT,
    FIELD_EXPIRES,
    FIELD_METHOD,
    FIELD_SOURCE,
    FIELD_WORDING,
    FIELD_WORDING_HASH,
    FIELD_LANGUAGE,
    FIELD_EVIDENCE,
    FIELD_BUSINESS,
    FIELD_POLICY,
    FIELD_JURISDICTION,
    FIELD_COUNT
};
const char *consent_field_name(enum consent_field f);

#define CONSENT_ROW_BYTES (256u << 10) /* of an event */

struct consent_format {
    const char *mapped[FIELD_COUNT];   /* --map: what the file calls it; NULL: as the API does */
    const char *fallback[FIELD_COUNT]; /* for rows that say nothing */
    struct contact_numbers numbers;
    const char *file, *sha256;
    /* --- of a table --- */
    int at[FIELD_COUNT]; /* position, -1: no such column */
    int error_at;        /* of an earlier --errors file: left out */
    size_t n;
    struct buf ignored; /* names of the columns nobody knows, comma-separated */
};

/* "who=Mobile number". WL_EINVAL names the field and what was meant. */
int consent_format_map(struct consent_format *f, const char *assignment, struct err *e);
/* WL_EINVAL: nobody is named, a column twice, or --map names one that is not there. */
int consent_format_header(struct consent_format *f, const struct import_row *header, struct err *e);
void consent_format_done(struct consent_format *f);

/* Writes the row's object. WL_EINVAL with a sentence, *ret_field the field at fault (NULL: the row); `out` is thrown
 * away then. */
int consent_row_table(const struct consent_format *f, const struct import_row *row, struct json_out *out,
                      const char **ret_field, struct err *e);
int consent_row_json(const struct consent_format *f, struct json_parser *parser, struct str line, int number,
                     struct json_out *out, const char **ret_field, struct err *e);

#endif
