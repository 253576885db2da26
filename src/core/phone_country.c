/* SPDX-License-Identifier: Apache-2.0
 * phone_country.c - asks the numbering plans where a number is, and makes the best of one that nobody has.
 *
 * A number of an assigned range is where the plan of that range says; of the few regions that share some codes and give out the same
 * ranges (61: Australia, Christmas Island, Cocos Islands) it may be in any. A number nobody has is taken to be where most numbers with its calling
 * code are, because a rule that waited to be sure would never speak; its clocks are those of all who share the code, when
 * they are few. Of the twenty-five that share 1 the first alone is named: the range of all their clocks would be half a day. */
#include "core/phone_country.h"

#include "core/phone_number.h"

/* A country, and no entity without a place ("001"). */
static bool add(const struct phone_data *d, int region, const char *ret[], size_t *n, size_t max)
{
    if (region == 0 || (d->region[region].flags & PHONE_REGION_NOBODYS) || *n == max)
        return false;
    ret[(*n)++] = phone_region_id(d, region);
    return true;
}

size_t phone_countries(const struct phone_data *d, uint64_t e164, const char *ret[], size_t max)
{
    struct phone_number number;
    size_t n = 0;
    if (!phone_number_of_e164(d, e164, &number))
        return 0;
    uint16_t at = d->code[number.code];
    const struct phone_plan *plan = &d->plan[at];
    int first = number.region != 0 ? number.region : plan->main;
    bool alone = plan->regions == 1 || plan->regions > PHONE_COUNTRIES_MAX;
    if (at == 0 || !add(d, first, ret, &n, max) || alone || n == max)
        return n;
    for (int i = 1; i < (int)d->count[PHONE_SECTION_REGION]; i++)
        if (d->region[i].plan == at && i != first && (number.region == 0 || phone_number_valid_for(d, &number, i)))
            add(d, i, ret, &n, max);
    return n;
}

void phone_country(const struct phone_data *d, uint64_t e164, char ret[3])
{
    const char *first;
    memcpy(ret, phone_countries(d, e164, &first, 1) == 1 ? first : "\0\0", 3);
}
