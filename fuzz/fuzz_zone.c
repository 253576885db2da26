/* SPDX-License-Identifier: Apache-2.0
 * fuzz_zone.c - any bytes as a compiled time zone file.
 *
 * What is refused leaves the output alone and says why. What is accepted is a zone whose offsets are offsets at every
 * time there is, and whose next change is one: the offset differs before and after, and is the same all the way there at
 * the times tried. Asking again gives the same answers. Changes are asked for from 1970 on: 0 is "none". */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/zone_impl.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
    if (!ok)
        abort();
}

static int32_t offset(const struct zone *zone, int64_t t)
{
    int32_t seconds = zone_offset(zone, t);
    must(seconds > -2 * 86400 && seconds < 2 * 86400);
    return seconds;
}

static void ask(const struct zone *zone, int64_t t)
{
    int64_t until = t < INT64_MAX / 2 ? t + INT64_C(40000000000) : INT64_MAX;
    int64_t next = zone_next_change(zone, t, until);
    int32_t now = offset(zone, t);
    must(next == zone_next_change(zone, t, until));
    if (next != 0) {
        must(next > t && next < until && next % 1000 == 0);
        must(offset(zone, next) != offset(zone, next - 1));
    }
    int64_t end = next != 0 ? next : until;
    for (int64_t i = 0; i < 64; i++)
        must(offset(zone, t + (end - 1 - t) / 64 * i) == now);
    must(offset(zone, end - 1) == now);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const int64_t times[] = {0, 1795600000123, 2200000000000, 253402300799999, INT64_MAX};
    struct arena *a = arena_create(1 << 20);
    struct zone zone;
    struct err e = {0};
    memset(&zone, 0x5a, sizeof zone);
    int rc = zone_read((struct str){(const char *)data, size}, a, &zone, &e);
    must(rc == e.code);
    if (rc != 0) {
        must(zone.n == (size_t)0x5a5a5a5a5a5a5a5a && e.text[0] != '\0');
        arena_free(a);
        return 0;
    }
    offset(&zone, INT64_MIN);
    offset(&zone, -1);
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        ask(&zone, times[i]);
    for (size_t i = 0; i < zone.n && i < 16; i++)
        if (zone.at[i] > 0 && zone.at[i] < 9000000000000000)
            ask(&zone, zone.at[i] * 1000 - 1);
    arena_free(a);
    return 0;
}
