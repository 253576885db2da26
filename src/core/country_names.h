/* SPDX-License-Identifier: Apache-2.0
 * country_names.h - countries as people write them: "DE", "DEU", "Germany", "Deutschland", "Allemagne", "+49", "49".
 *
 * Names come from ICU in twenty languages and from a short list of what people say instead ("UK", "Holland"). The
 * table is made once, then read only. */
#ifndef WL_CORE_COUNTRY_NAMES_H
#define WL_CORE_COUNTRY_NAMES_H

#include "base/arena.h"
#include "core/phone_data.h"

struct country_names;

/* NULL: no memory. Takes some 20 ms and 300 KiB. */
struct country_names *country_names_new(struct arena *a, const struct phone_data *d);
/* Row of REGION; 0: empty; -1: nobody knows it. names may be NULL: two letters and calling codes only. */
int country_named(const struct country_names *names, const struct phone_data *d, struct str text);

#endif
