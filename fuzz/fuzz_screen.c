/* SPDX-License-Identifier: Apache-2.0
 * fuzz_screen.c - any cell gets one verdict, a right one is a valid number, and written as E.164 it is right again.
 *
 * The first byte chooses the region and whether a + may be missing; the others are the cell. */
#include "core/screen.h"

#include <stdio.h>
#include <stdlib.h>

static struct phone_data data;
static struct screen plain, international;

static void again(const struct phone_cell *r)
{
    char text[PHONE_E164_MAX];
    struct phone_cell got;
    int n = snprintf(text, sizeof text, "+%llu", (unsigned long long)r->number.e164);
    screen_number(&plain, (struct str){text, (size_t)n}, 0, &got);
    if (got.verdict != VERDICT_OK || got.number.e164 != r->number.e164 || got.repair != PHONE_CELL_AS_WRITTEN)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    static const char *const regions[] = {"", "DE", "US", "BR", "IT", "AR", "GB", "MX"};
    struct phone_cell r;
    if (data.head == NULL) {
        phone_data_builtin(&data);
        screen_init(&plain, &data, false);
        screen_init(&international, &data, true);
    }
    if (n == 0)
        return 0;
    int region = (bytes[0] & 16) != 0 ? -1 : phone_region(&data, str_of(regions[bytes[0] & 7]));
    screen_number((bytes[0] & 8) != 0 ? &international : &plain, str_trim((struct str){(const char *)bytes + 1, n - 1}),
                  region, &r);
    if (r.verdict >= VERDICTS || r.repair >= PHONE_CELL_REPAIRS)
        abort();
    if (r.verdict == VERDICT_OK && !phone_number_valid(&r.number))
        abort();
    if (r.verdict == VERDICT_OK && r.number.e164 != 0)
        again(&r);
    return 0;
}
