/* SPDX-License-Identifier: Apache-2.0
 * country_group.h - names for groups of countries, as people choose their markets by them.
 *
 * Continents and parts of the world are those of UN M.49; unions and treaties as their members stand on the day the
 * table names. Groups are a help for choosing numbers and no statement on anybody's law: whose law a message is
 * under is regime.h's. */
#ifndef WL_CORE_COUNTRY_GROUP_H
#define WL_CORE_COUNTRY_GROUP_H

#include "base/buf.h"

struct country_group {
    const char *word, *name;
    const char *countries; /* "AT BE BG": codes with one blank between them */
};
extern const struct country_group country_groups[]; /* word NULL ends it */

/* Capitals do not matter. NULL: no such group. */
const struct country_group *country_group(struct str word);

#endif
