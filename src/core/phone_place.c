/* SPDX-License-Identifier: Apache-2.0
 * phone_place.c - prefixes to time zones and networks, and the examples of the plans.
 *
 * Both prefix tables are graphs over the digits of the international number; the longest prefix that ends on the way wins. A number
 * that is bound to no place has the zones of its whole country code, hence it is looked up by that alone. */
#include "core/phone_place.h"

#include <string.h>

struct prefixes {
    const struct phone_prefix_node *node;
    const uint32_t *name;
    uint32_t root, leaves;
};

/* What is written at the longest prefix of the digits; "" if nothing is. */
static const char *longest(const struct phone_data *d, struct prefixes p, const char *digits)
{
    uint32_t best = 0, at = p.root;
    for (; at >= p.leaves; at = p.node[at - p.leaves].next[*digits++ - '0']) {
        uint32_t ends = p.node[at - p.leaves].next[PHONE_PREFIX_ENDS];
        best = ends != 0 ? ends : best;
        if (*digits == '\0')
            break;
    }
    if (at < p.leaves && at != 0)
        best = at;
    return best != 0 ? d->text + p.name[best] : "";
}

/* Country code and, if wanted, national digits. */
static void international(const struct phone_number *n, bool whole, char ret[PHONE_E164_MAX])
{
    char code[8];
    size_t at = sizeof code;
    for (unsigned c = n->code; c != 0; c /= 10)
        code[--at] = (char)('0' + c % 10);
    memcpy(ret, code + at, sizeof code - at);
    at = sizeof code - at;
    if (whole) {
        memcpy(ret + at, n->nsn, n->nsn_len);
        at += n->nsn_len;
    }
    ret[at] = '\0';
}

bool phone_geographical(const struct phone_data *d, const struct phone_number *n)
{
    return n->type == PHONE_FIXED_LINE || n->type == PHONE_FIXED_LINE_OR_MOBILE ||
           (n->type == PHONE_MOBILE && (d->plan[d->code[n->code]].flags & PHONE_PLAN_GEOGRAPHIC_MOBILE) != 0);
}

const char *phone_zones(const struct phone_data *d, const struct phone_number *n)
{
    char digits[PHONE_E164_MAX];
    if (!phone_number_valid(n) || d->count[PHONE_SECTION_ZONE_NAME] == 0)
        return PHONE_ZONES_UNKNOWN;
    international(n, phone_geographical(d, n), digits);
    const char *zones =
        longest(d, (struct prefixes){d->zone, d->zone_name, d->head->zone_root, d->head->zone_leaves}, digits);
    return zones[0] != '\0' ? zones : PHONE_ZONES_UNKNOWN;
}

const char *phone_network(const struct phone_data *d, const struct phone_number *n, bool *ret_portable)
{
    char digits[PHONE_E164_MAX];
    bool mobile = n->type == PHONE_MOBILE || n->type == PHONE_FIXED_LINE_OR_MOBILE || n->type == PHONE_PAGER;
    if (ret_portable != NULL)
        *ret_portable = (d->region[n->region].flags & PHONE_REGION_PORTABLE) != 0;
    if (!phone_number_valid(n) || !mobile || d->count[PHONE_SECTION_CARRIER_NAME] == 0)
        return "";
    international(n, true, digits);
    return longest(d, (struct prefixes){d->carrier, d->carrier_name, d->head->carrier_root, d->head->carrier_leaves},
                   digits);
}

static bool is_text_of(const struct phone_data *d, const struct phone_example *x, const char *nsn)
{
    return strcmp(d->text + x->text, nsn) == 0;
}

/* The first example of a region, or of one behind it. */
static uint32_t first_of(const struct phone_data *d, unsigned region)
{
    uint32_t low = 0, high = d->count[PHONE_SECTION_EXAMPLE];
    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        if (d->example[mid].region < region)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

uint64_t phone_example(const struct phone_data *d, int region, enum phone_type type)
{
    if (region <= 0 || (uint32_t)region >= d->count[PHONE_SECTION_REGION])
        return 0;
    for (uint32_t i = first_of(d, (unsigned)region); i < d->count[PHONE_SECTION_EXAMPLE]; i++) {
        const struct phone_example *x = &d->example[i];
        if (x->region != (unsigned)region)
            break;
        if (x->type != type && type != PHONE_UNKNOWN_TYPE)
            continue;
        uint64_t e164 = d->region[region].code;
        for (const char *c = d->text + x->text; *c != '\0'; c++)
            e164 = e164 * 10 + (uint64_t)(*c - '0');
        return e164;
    }
    return 0;
}

/* An example of a shared code may be one that libphonenumber gives to another region: then all are looked through. */
bool phone_is_example(const struct phone_data *d, uint64_t e164)
{
    struct phone_number n;
    if (!phone_number_of_e164(d, e164, &n))
        return false;
    bool shared = d->plan[d->code[n.code]].regions > 1;
    uint32_t i = shared ? 0 : first_of(d, d->plan[d->code[n.code]].main);
    for (; i < d->count[PHONE_SECTION_EXAMPLE]; i++) {
        const struct phone_example *x = &d->example[i];
        if (d->region[x->region].code == n.code && is_text_of(d, x, n.nsn))
            return true;
        if (!shared && d->region[x->region].code != n.code)
            return false;
    }
    return false;
}
