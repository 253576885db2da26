/* SPDX-License-Identifier: Apache-2.0
 * columns.h - which column of somebody's export is what.
 *
 * By name first: the headers of the usual programs (HubSpot, Shopify, Google Contacts, Mailchimp, Brevo, ...), then
 * words of many languages, without case, accents, blanks and punctuation. Where names say nothing, the content of the
 * first rows decides, and it is said so. What a person says with --map wins over both. Where several columns hold a
 * number (mobile, work, home) they are asked in an order of preference.
 *
 * Consent is not guessed: a column about e-mail or SMS marketing gets a role of its own, because it says nothing
 * about WhatsApp by itself; only a column that says somebody wants nothing more counts for every channel. */
#ifndef WL_CORE_COLUMNS_H
#define WL_CORE_COLUMNS_H

#include "base/arena.h"
#include "core/country_names.h"
#include "core/phone_number.h"
#include "core/table_split.h"

enum column_role {
    COLUMN_NONE, /* nobody knows, or it is not needed */
    COLUMN_PHONE,
    COLUMN_COUNTRY,      /* "DE", "DEU", "Germany", "Allemagne"; a calling code "49" where the cells are digits */
    COLUMN_CALLING_CODE, /* "+49", of a number that stands without it */
    COLUMN_USER_ID,
    COLUMN_NAME,
    COLUMN_FIRST_NAME,
    COLUMN_LAST_NAME,
    COLUMN_EMAIL,
    COLUMN_LANG,
    COLUMN_ZONE,
    COLUMN_TAGS,
    COLUMN_CREATED_AT,
    COLUMN_STATUS,           /* "subscribed", "unsubscribed", "bounced" */
    COLUMN_UNSUBSCRIBED,     /* yes, or a time: of e-mail or everything */
    COLUMN_SMS_UNSUBSCRIBED, /* yes, or a time: of SMS */
    COLUMN_EMAIL_CONSENT,    /* "Accepts Email Marketing", "Subscribed": no word of WhatsApp */
    COLUMN_SMS_CONSENT,      /* "Accepts SMS Marketing" */
    COLUMN_WHATSAPP_CONSENT, /* "WhatsApp opt-in" */
    COLUMN_CONSENT,          /* from here on: as the API names them */
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
    COLUMN_ERROR, /* ours, of an earlier file of failures: left out */
    COLUMN_ROLES
};
const char *column_role_word(enum column_role r); /* "phone", "first_name"; COLUMN_NONE: "ignore" */
int column_role_of_word(struct str word);         /* -1: none */

#define COLUMNS_PHONES 8

enum column_reason { /* why a column has its role */
                     COLUMN_BY_NOTHING,
                     COLUMN_BY_WORDS,   /* words in its name */
                     COLUMN_BY_NAME,    /* its whole name */
                     COLUMN_BY_PRESET,  /* the program it comes from */
                     COLUMN_BY_CONTENT, /* what it holds */
                     COLUMN_BY_ORDER    /* --map or a saved mapping */
};

struct column {
    struct str name;      /* trimmed */
    uint8_t role, reason; /* enum column_role, enum column_reason */
    uint8_t rank;         /* among columns of the same role the highest is asked first */
    /* Of the sample: cells that hold something, and how many of them are ... */
    uint32_t filled, phones, emails, countries, international; /* ... written with +, right or not */
};

struct columns {
    struct column *column;
    size_t n;
    const char *preset;        /* "Shopify"; NULL: no program's layout known */
    int at[COLUMN_ROLES];      /* the column asked first; -1 none */
    int phone[COLUMNS_PHONES]; /* columns with numbers, in the order they are asked */
    size_t phones;
    bool international; /* this program writes numbers with their country code, '+' or not */
    bool said;          /* somebody said what all columns are: nothing is found out */
    bool headless;      /* there is no header: columns are called 1, 2, 3 */
    struct arena *arena;
    const struct country_names *names; /* once a column of countries was looked at */
};

/* By names. Never fails for what it does not find. WL_EINVAL: two columns mean the same thing of ours (consent, act,
 * ...); WL_ENOMEM. */
int columns_read(struct arena *a, const struct table_row *header, const struct table_cell *cells, struct columns *ret,
                 struct err *e);
/* Whether the first row is people and no header: a cell is a number or an e-mail address, or only tries to be a number
 * and no cell is a name we know. columns_headless() then instead of columns_read(). */
bool columns_is_data(const struct phone_data *d, int region, const struct table_row *row,
                     const struct table_cell *cells);
int columns_headless(struct arena *a, size_t n, struct columns *ret, struct err *e);

/* Nothing that was found out stands, and nothing will be: a mapping says everything. */
void columns_forget(struct columns *c);
/* --map ROLE=COLUMN: the column of this name has this role, alone. "Name#2" is the second of this name, "#3" the third
 * column. WL_EINVAL: no such column. */
int columns_order(struct columns *c, enum column_role role, struct str column, struct err *e);

/* Looks at rows, counts what columns hold, and gives the role of phone to a column of numbers where names gave it to
 * none. region: default one, 0 none. */
void columns_look(struct columns *c, const struct phone_data *d, int region, const struct table_batch *sample);
/* What a person should be told about the choice: "phone is column "Mobile" (2 more: ...)", or why there is none.
 * Empty: nothing. */
void columns_say(const struct columns *c, struct buf *out);

/* A row's cell of a role: trimmed, may use room (as many bytes as the row has); empty when it has none. */
struct str columns_cell(const struct columns *c, const struct table_row *row, const struct table_cell *cells,
                        enum column_role role, char *room);
/* The row's number: the first column of numbers that is not empty. *ret_column is which; -1 none. */
struct str columns_phone(const struct columns *c, const struct table_row *row, const struct table_cell *cells,
                         char *room, int *ret_column);
/* The region a number without country code belongs to: what the row's country says, else `region`. -1: the row names
 * a country nobody knows. */
int columns_region(const struct columns *c, const struct phone_data *d, const struct table_row *row,
                   const struct table_cell *cells, int region);

/* A row with more or fewer cells than the header. Not an error of every row: short rows whose missing cells are
 * nobody's are right. True: it is ragged in a way that matters, and `why` (may be NULL) says what was probably meant:
 * that its number stands one column to the left, under "document_number". */
bool columns_ragged(const struct columns *c, const struct phone_data *d, const struct table_row *row,
                    const struct table_cell *cells, int region, struct buf *why);

#endif
