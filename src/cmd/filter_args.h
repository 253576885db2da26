/* SPDX-License-Identifier: Apache-2.0
 * filter_args.h - a filter of numbers (core/number_filter.h) from options and a file.
 *
 * --filter FILE is read first; options add to it. The same options mean the same in every command that has them. */
#ifndef WL_CMD_FILTER_ARGS_H
#define WL_CMD_FILTER_ARGS_H

#include "cmd/command.h"
#include "core/number_filter.h"

/* For the command table. */
#define FILTER_OPTIONS                                                                                                 \
    {.name = "country", .value = "DE,AT", .help = "numbers of these countries", .repeat = true},                       \
        {.name = "in-region",                                                                                          \
         .value = "EU",                                                                                                \
         .help = "numbers of these groups of countries; help names them: wayleave lists regions",                      \
         .repeat = true},                                                                                              \
        {.name = "type",                                                                                               \
         .value = "mobile",                                                                                            \
         .help = "numbers of these types; can_be_mobile is mobile and fixed_line_or_mobile (all of +1)",               \
         .repeat = true},                                                                                              \
        {.name = "network", .value = "Vodafone*", .help = "whose original network is called so", .repeat = true},      \
        {.name = "zone", .value = "Europe/Berlin", .help = "that may be in this time zone", .repeat = true},           \
        {.name = "range", .value = "FIRST..LAST", .help = "numbers from FIRST to LAST", .repeat = true},               \
        {.name = "pattern",                                                                                            \
         .value = "+4917*",                                                                                            \
         .help = "numbers that look so: ? is one digit, * at the end any",                                             \
         .repeat = true},                                                                                              \
        {.name = "not",                                                                                                \
         .value = "KIND=WORDS",                                                                                        \
         .help = "leave out, as in --not country=DE or --not type=fixed_line",                                         \
         .repeat = true},                                                                                              \
        {.name = "valid", .help = "only numbers of assigned ranges"},                                                  \
    {                                                                                                                  \
        .name = "filter", .value = "FILE", .help = "a saved filter (YAML; docs/lists.md)"                              \
    }

/* Makes and seals it, in `mem`; where: the command has --where too. CMD_OK, or an exit status after having said why. */
int filter_from_args(const struct args *a, struct arena *mem, const struct phone_data *d, struct number_filter **ret);

#endif
