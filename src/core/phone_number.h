/* SPDX-License-Identifier: Apache-2.0
 * phone_number.h - a phone number as people and systems write it, read as libphonenumber's C++ reads it.
 *
 * Bit for bit: the same error, country code, national number, extension, region, type and validity for the same bytes on the same
 * metadata (tests/phone proves it against the library itself). Two departures: inputs longer than PHONE_TEXT_MAX are refused with a
 * status of their own, and an extension whose digits stand on both sides of a ";phone-context=" is not told. Validity means "in a
 * range that is assigned", not "in service". */
#ifndef WL_CORE_PHONE_NUMBER_H
#define WL_CORE_PHONE_NUMBER_H

#include "core/phone_data.h"

#define PHONE_TEXT_MAX 250 /* bytes; as libphonenumber's Java, its C++ has no limit */
#define PHONE_E164_MAX 24  /* "+", digits, NUL */

enum phone_status { /* libphonenumber's ErrorType */
                    PHONE_OK,
                    PHONE_INVALID_COUNTRY_CODE,
                    PHONE_NOT_A_NUMBER,
                    PHONE_TOO_SHORT_AFTER_IDD,
                    PHONE_TOO_SHORT_NSN,
                    PHONE_TOO_LONG_NSN,
                    PHONE_INPUT_TOO_BIG /* ours */
};

enum phone_type { /* libphonenumber's PhoneNumberType */
                  PHONE_FIXED_LINE,
                  PHONE_MOBILE,
                  PHONE_FIXED_LINE_OR_MOBILE,
                  PHONE_TOLL_FREE,
                  PHONE_PREMIUM_RATE,
                  PHONE_SHARED_COST,
                  PHONE_VOIP,
                  PHONE_PERSONAL_NUMBER,
                  PHONE_PAGER,
                  PHONE_UAN,
                  PHONE_VOICEMAIL,
                  PHONE_UNKNOWN_TYPE /* not valid */
};

enum phone_possible { /* libphonenumber's ValidationResult */
                      PHONE_IS_POSSIBLE,
                      PHONE_IS_POSSIBLE_LOCAL_ONLY,
                      PHONE_POSSIBLE_INVALID_COUNTRY_CODE,
                      PHONE_POSSIBLE_TOO_SHORT,
                      PHONE_POSSIBLE_INVALID_LENGTH,
                      PHONE_POSSIBLE_TOO_LONG
};

struct phone_number {
    uint64_t
        e164; /* country code and national digits as one number; 0 if status is not PHONE_OK, or beyond 19 digits */
    uint16_t code;            /* 0 if status is not PHONE_OK */
    uint16_t region;          /* row of REGION of the number itself; 0 "ZZ" */
    uint16_t ext_at, ext_len; /* the extension, in the input */
    uint8_t status;           /* enum phone_status */
    uint8_t type;             /* enum phone_type */
    uint8_t possible;         /* enum phone_possible */
    uint8_t nsn_len;
    char nsn[PHONE_NSN_MAX + 1]; /* national digits, leading zeros kept, NUL */
};

/* Never fails otherwise than in ret->status. default_region: row of REGION a number without country code belongs to, 0 none. */
void phone_number_read(const struct phone_data *d, struct str text, int default_region, struct phone_number *ret);

static inline bool phone_number_valid(const struct phone_number *n)
{
    return n->status == PHONE_OK && n->type != PHONE_UNKNOWN_TYPE;
}

/* The same where no region is known and none is needed: a national number is read as it stands, with code 0. For comparing. */
void phone_number_read_bare(const struct phone_data *d, struct str text, struct phone_number *ret);

/* A number that is known by country code and national digits, as out of a database: region, type, possible are worked out. Of a
 * code that no plan has, digits are kept as they are: region 0, unknown type, PHONE_POSSIBLE_INVALID_COUNTRY_CODE. */
void phone_number_of(const struct phone_data *d, unsigned code, struct str nsn, struct phone_number *ret);
/* The same for digits of an international number, 491701234567. False where no country code begins it. */
bool phone_number_of_e164(const struct phone_data *d, uint64_t e164, struct phone_number *ret);

/* As IsValidNumberForRegion and IsPossibleNumberForTypeWithReason. */
bool phone_number_valid_for(const struct phone_data *d, const struct phone_number *n, int region);
enum phone_possible phone_number_possible_for(const struct phone_data *d, const struct phone_number *n,
                                              enum phone_type type);

/* What ParseAndKeepRawInput tells beyond that: where the country code came from, and the carrier selected. */
enum phone_code_source {
    PHONE_CODE_UNSPECIFIED,
    PHONE_CODE_FROM_PLUS = 1,
    PHONE_CODE_FROM_IDD = 5,
    PHONE_CODE_WITHOUT_PLUS = 10,
    PHONE_CODE_FROM_DEFAULT = 20
};
struct phone_raw {
    enum phone_code_source source;
    char carrier[PHONE_NSN_MAX + 1];
};
void phone_number_read_raw(const struct phone_data *d, struct str text, int default_region, struct phone_number *ret,
                           struct phone_raw *ret_raw);

const char *phone_status_word(enum phone_status s);     /* "too_short" */
const char *phone_type_word(enum phone_type t);         /* "mobile", "fixed_line_or_mobile", "unknown" */
const char *phone_possible_word(enum phone_possible p); /* "possible", "too_long", "local_only" */
int phone_type_of_word(struct str word);                /* -1: none */

#endif
