/* SPDX-License-Identifier: Apache-2.0
 * zone_dump.c - what we make of every zone of zone.tab, for compare_zones.py.
 *
 * One line a zone: its name, its offset at the first of two times (seconds since the epoch), then every change before
 * the second as time:offset. The countries follow, each with its zones. */
#include "base/zone.h"

#include <stdio.h>
#include <stdlib.h>

static void dump(const struct zone *zone, int64_t from, int64_t until)
{
    printf("zone %s %d", zone_name(zone), zone_offset(zone, from * 1000));
    for (int64_t t = from * 1000; (t = zone_next_change(zone, t, until * 1000)) != 0;)
        printf(" %lld:%d", (long long)(t / 1000), zone_offset(zone, t));
    printf("\n");
}

int main(int argc, char **argv)
{
    struct zones *z = NULL;
    struct err e = {0};
    const struct zone *of[64];
    if (argc != 4 || zones_load(&z, argv[1], &e) != 0) {
        fprintf(stderr, "usage: zone_dump FOLDER FROM UNTIL\n%s\n", e.text);
        return 1;
    }
    printf("version %s\ndamaged %zu\n", zones_version(z), zones_damaged(z));
    for (char c[3] = "AA"; c[0] <= 'Z'; c[1] == 'Z' ? c[0]++, c[1] = 'A' : c[1]++) {
        size_t n = zones_of_country(z, c, of, 64);
        for (size_t i = 0; i < n; i++) {
            printf("country %s %s\n", c, zone_name(of[i]));
            dump(of[i], strtoll(argv[2], NULL, 10), strtoll(argv[3], NULL, 10));
        }
    }
    zones_free(z);
    return 0;
}
