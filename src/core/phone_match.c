/* SPDX-License-Identifier: Apache-2.0
 * phone_match.c - two texts, one number?
 *
 * Both are read without a country first. One that has no country code is read again as if it came from the other's country; two without
 * are compared by their digits alone. The oddities are libphonenumber's and kept: an extension only one has is no obstacle to a
 * short match, and a text that cannot be read in the other's country counts as the number 0. */
#include "core/phone_match.h"

#include <string.h>

struct side {
    struct phone_number number;
    struct str text;
};

static enum phone_status read_as(const struct phone_data *d, struct str text, int region, struct side *ret)
{
    ret->text = text;
    phone_number_read(d, text, region, &ret->number);
    return (enum phone_status)ret->number.status;
}

static enum phone_status read_bare(const struct phone_data *d, struct str text, struct side *ret)
{
    ret->text = text;
    phone_number_read_bare(d, text, &ret->number);
    return (enum phone_status)ret->number.status;
}

static bool readable(const struct side *s)
{
    return s->number.status == PHONE_OK;
}

static struct str extension(const struct side *s)
{
    return readable(s) ? (struct str){s->text.p + s->number.ext_at, s->number.ext_len} : (struct str){NULL, 0};
}

/* The digits, an unreadable text's being "0". */
static struct str digits(const struct side *s)
{
    return readable(s) ? (struct str){s->number.nsn, s->number.nsn_len} : STR("0");
}

/* The same as a number: without leading zeros, but for the last digit. */
static struct str value(const struct side *s)
{
    struct str v = digits(s);
    for (; v.n > 1 && v.p[0] == '0'; v.n--)
        v.p++;
    return v;
}

static bool one_ends_the_other(const struct side *a, const struct side *b)
{
    return str_ends(value(a), value(b)) || str_ends(value(b), value(a));
}

static enum phone_match compare(const struct side *a, const struct side *b)
{
    struct str ext_a = extension(a), ext_b = extension(b);
    unsigned code_a = readable(a) ? a->number.code : 0, code_b = readable(b) ? b->number.code : 0;
    if (ext_a.n != 0 && ext_b.n != 0 && !str_eq(ext_a, ext_b))
        return PHONE_NO_MATCH;
    if (code_a != 0 && code_b != 0 && code_a != code_b)
        return PHONE_NO_MATCH;
    if (str_eq(digits(a), digits(b)) && str_eq(ext_a, ext_b))
        return code_a != 0 && code_b != 0 ? PHONE_EXACT_MATCH : PHONE_NSN_MATCH;
    return one_ends_the_other(a, b) ? PHONE_SHORT_NSN_MATCH : PHONE_NO_MATCH;
}

/* Where a text without country code is from, if it is from where this number is: nobody's codes are no places. */
static int home_of(const struct phone_data *d, const struct side *s)
{
    int region = phone_region_of_code(d, s->number.code);
    return (d->region[region].flags & PHONE_REGION_NOBODYS) == 0 ? region : 0;
}

/* b has no country code of its own: it may be a's. */
static enum phone_match with_one(const struct phone_data *d, const struct side *a, struct str text_of_b)
{
    struct side b;
    switch (read_as(d, text_of_b, 0, &b)) {
    case PHONE_OK:
        return compare(a, &b);
    case PHONE_INVALID_COUNTRY_CODE:
        break;
    default:
        return PHONE_MATCH_INVALID;
    }
    read_as(d, text_of_b, home_of(d, a), &b);
    enum phone_match m = compare(a, &b);
    return m == PHONE_EXACT_MATCH ? PHONE_NSN_MATCH : m;
}

enum phone_match phone_match(const struct phone_data *d, struct str text_of_a, struct str text_of_b)
{
    struct side a, b;
    enum phone_status status_a = read_as(d, text_of_a, 0, &a);
    if (status_a == PHONE_OK)
        return with_one(d, &a, text_of_b);
    if (status_a != PHONE_INVALID_COUNTRY_CODE)
        return PHONE_MATCH_INVALID;
    enum phone_status status_b = read_as(d, text_of_b, 0, &b);
    if (status_b == PHONE_OK)
        return with_one(d, &b, text_of_a);
    if (status_b != PHONE_INVALID_COUNTRY_CODE || read_bare(d, text_of_a, &a) != PHONE_OK ||
        read_bare(d, text_of_b, &b) != PHONE_OK)
        return PHONE_MATCH_INVALID;
    return compare(&a, &b);
}
