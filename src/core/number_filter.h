/* SPDX-License-Identifier: Apache-2.0
 * number_filter.h - which numbers somebody wants: the one language of screening, lists and saved filters.
 *
 * A filter has conditions of nine kinds. Within a kind one of its words must hold, all kinds must. "not" turns a kind
 * round: none of its words may hold. As a file:
 *
 *     valid: true                       (only: a number of an assigned range; false: only those that are not)
 *     country: [DE, AT]
 *     region: [EU]                      (a group of countries: core/country_group.h)
 *     type: [mobile, fixed_line_or_mobile]
 *     network: ["Vodafone*"]            (original network; * stands for any text, capitals do not matter)
 *     zone: [Europe/Berlin]             (a number that may be in several is in each of them)
 *     range: ["+491700000000..+491709999999"]
 *     pattern: ["+4917*", "49-170-???????"]   (? one digit, * any digits at the end; blanks, - . ( ) / and + are nothing)
 *     where: ["plan = gold|silver", "city != Berlin", "score >= 0.5", "note ~ text", "name ="]
 *     not: {country: [DE], type: [fixed_line], pattern: ["+4915*"]}
 *
 * country and region are one kind: a number of DE or of the EU. where speaks of a table's columns, each line must
 * hold, and a column is found by its name without regard to capitals; = and != compare whole cells without regard
 * to capitals, | between values means or, nothing behind = means an empty cell; ~ looks for a part; < <= > >=
 * compare decimal numbers, or days (2026-11-22). A cell that is neither does not hold.
 *
 * Pure. A sealed filter never changes: any number of threads may ask it. It points into the phone_data and the arena. */
#ifndef WL_CORE_NUMBER_FILTER_H
#define WL_CORE_NUMBER_FILTER_H

#include "base/arena.h"
#include "base/yaml.h"
#include "core/phone_number.h"

#define NUMBER_FILTER_WORDS_MAX   1000 /* of one kind */
#define NUMBER_FILTER_COLUMNS_MAX 64

struct number_filter;

/* The kind that turned a number away, in the order they are asked. */
enum number_filter_why {
    NUMBER_WANTED,
    NUMBER_OTHER_VALIDITY,
    NUMBER_OTHER_COUNTRY, /* region too */
    NUMBER_OTHER_TYPE,
    NUMBER_OTHER_NETWORK,
    NUMBER_OTHER_ZONE,
    NUMBER_OTHER_RANGE, /* pattern too */
    NUMBER_OTHER_VALUE, /* where */
    NUMBER_FILTER_WHYS
};
const char *number_filter_why_word(enum number_filter_why w); /* "wanted", "validity", "country", ... */

/* --- making one: new, any number of add and read, seal */
struct number_filter *number_filter_new(struct arena *a, const struct phone_data *d); /* NULL: memory */
/* key: a key of the file, or "not". value: one word, words with commas between them ("DE,AT"; where takes no list), of "not"
 * "country=DE,AT". WL_EINVAL names key and word, with what was probably meant. */
int number_filter_add(struct number_filter *f, const char *key, struct str value, struct err *e);
/* The mapping of a file. WL_EINVAL: "saved.yaml:3: ...". */
int number_filter_read(struct number_filter *f, const struct yaml *root, struct err *e);
int number_filter_seal(struct number_filter *f, struct err *e);
extern const char *const number_filter_keys[]; /* "valid", "country", ... "not", NULL */

/* --- asking */
/* value[i]: the cell of number_filter_column(f, i), undone of quotes; NULL where the filter names none. */
enum number_filter_why number_filter_check(const struct number_filter *f, const struct phone_number *n,
                                           const struct str *value);
size_t number_filter_columns(const struct number_filter *f); /* columns it speaks of, each once */
struct str number_filter_column(const struct number_filter *f, size_t i);
bool number_filter_any(const struct number_filter *f); /* it wants every number: no condition was given */
/* It asks for nothing but e164: a phone_number with that alone will do. */
bool number_filter_digits_only(const struct number_filter *f);
/* False: no number from first to last can be wanted, so that blocks of a sorted list need not be read. */
bool number_filter_may(const struct number_filter *f, uint64_t first, uint64_t last);

/* "valid mobile numbers of DE or AT whose network is Vodafone*, that begin with +4917": without capital or full stop. */
void number_filter_explain(const struct number_filter *f, struct buf *out);

#endif
