/* SPDX-License-Identifier: Apache-2.0
 * screen.c - verdicts of numbers.
 *
 * The verdict of a number is that of core/phone_cell.h; numbers for tests are found here. */
#include "core/screen.h"

#include "core/test_number.h"

/* ---- numbers for tests ---- */

static unsigned test_bit(uint64_t e164)
{
    return (unsigned)((e164 / 1000 * 0x9e3779b97f4a7c15u) >> 46);
}

void screen_init(struct screen *s, const struct phone_data *d, bool international)
{
    struct test_number_walk walk = {0};
    *s = (struct screen){.data = d, .international = international};
    for (uint64_t n; (n = test_number_next(d, &walk, 0, PHONE_UNKNOWN_TYPE)) != 0;)
        s->tests[test_bit(n) / 64] |= (uint64_t)1 << (test_bit(n) % 64);
}

static bool is_test(const struct screen *s, uint64_t e164)
{
    unsigned bit = test_bit(e164);
    return (s->tests[bit / 64] >> (bit % 64) & 1) != 0 && test_number(s->data, e164, NULL) != TEST_NUMBER_NOT;
}

void screen_number(const struct screen *s, struct str text, int region, struct phone_cell *ret)
{
    phone_cell_read(s->data, text, region, s->international, ret);
    bool whole =
        ret->verdict == VERDICT_OK || (ret->verdict >= VERDICT_TOO_SHORT && ret->verdict <= VERDICT_LOCAL_ONLY);
    if (whole && ret->number.status == PHONE_OK && is_test(s, ret->number.e164))
        ret->verdict = VERDICT_TEST_NUMBER; /* some of those for films lie in no range that is assigned */
}

/* ---- counting ---- */

struct screen_tally *screen_tally_new(struct arena *a, const struct phone_data *d)
{
    struct screen_tally *t = arena_new(a, struct screen_tally);
    if (t == NULL)
        return NULL;
    t->regions = d->count[PHONE_SECTION_REGION];
    t->region = arena_new_array(a, uint64_t, t->regions);
    return t->region != NULL ? t : NULL;
}

/* There are fewer networks in the tables than places here (phone_file.h allows more: those are not counted apart). */
void screen_count_network(struct screen_tally *t, const char *network, uint64_t n)
{
    size_t at = ((uint64_t)(uintptr_t)network * 0x9e3779b97f4a7c15u) >> 50;
    for (size_t tries = 0; tries < SCREEN_NETWORKS; tries++, at = (at + 1) % SCREEN_NETWORKS) {
        if (t->network[at].name == NULL)
            t->network[at].name = network;
        if (t->network[at].name == network) {
            t->network[at].n += n;
            return;
        }
    }
}

void screen_count(struct screen_tally *t, const struct phone_cell *row, const char *network, uint64_t line)
{
    uint64_t n = t->verdict[row->verdict]++;
    t->rows++;
    if (n < SCREEN_LINES)
        t->line[row->verdict][n] = line;
    if (row->verdict != VERDICT_OK)
        return;
    t->repair[row->repair]++;
    t->type[row->number.type]++;
    t->region[row->number.region]++;
    if (network != NULL && network[0] != '\0')
        screen_count_network(t, network, 1);
}

uint64_t screen_class_count(const struct screen_tally *t, enum verdict_class c)
{
    uint64_t n = 0;
    for (int i = 0; i < VERDICTS; i++)
        n += verdict_class((enum verdict)i) == c ? t->verdict[i] : 0;
    return n;
}
