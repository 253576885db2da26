/* SPDX-License-Identifier: Apache-2.0
 * zone.h - local time from the system's time zone database, and the zones of each country.
 *
 * Reads compiled zone files (TZif, RFC 8536; the footer's rule for times beyond the table) and the list of zones by
 * country (zone.tab) below a folder, normally /usr/share/zoneinfo. Never touches TZ or the C library's idea of
 * local time. Immutable once loaded and shared freely; reloading is loading again. */
#ifndef WL_BASE_ZONE_H
#define WL_BASE_ZONE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

#define ZONE_NAME_MAX 48 /* "America/Argentina/ComodRivadavia" and a NUL; longer names are refused */

struct zones; /* the database */
struct zone;

/* folder NULL: /usr/share/zoneinfo. WL_ENOTFOUND when there is none; a damaged zone file is skipped and counted.
 * zones_free() it. */
int zones_load(struct zones **ret, const char *folder, struct err *e);
void zones_free(struct zones *z);                 /* accepts NULL */
const char *zones_version(const struct zones *z); /* "2025b", or "" when the folder does not say */
/* Zones that are not there: files left out, and names of zone.tab without one. Of the first few the names, "" beyond. */
size_t zones_damaged(const struct zones *z);
const char *zones_damaged_name(const struct zones *z, size_t i);

const struct zone *zone_find(const struct zones *z, struct str name); /* NULL when unknown; names are exact */
const char *zone_name(const struct zone *zone);
/* The zones of an ISO country ("BR"), at most max (none has more than 29); 0 when the country is unknown or one of its
 * zones is missing. */
size_t zones_of_country(const struct zones *z, const char *country, const struct zone **ret, size_t max);

/* Offset from UTC at t (ms), in seconds east. */
int32_t zone_offset(const struct zone *zone, int64_t t);
/* First moment after t (ms, from 1970 on) at which the offset changes, 0 when there is none before `until`. */
int64_t zone_next_change(const struct zone *zone, int64_t t, int64_t until);

#endif
