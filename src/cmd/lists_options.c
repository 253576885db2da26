/* SPDX-License-Identifier: Apache-2.0
 * lists_options.c - the options of the list commands, for the table of commands.
 *
 * What means the same in several of them is written once: where the numbers go, how tables are read, what a filter asks. */
#include "cmd/filter_args.h"
#include "cmd/lists_in.h"
#include "cmd/lists_verbs.h"

#define LISTS_OUTPUT                                                                                                   \
    {                                                                                                                  \
        .name = "output", .value = "FILE",                                                                             \
        .help = "NAME.wll is a list, .csv and .tsv tables, others text; none: text on standard output", .letter = 'o'  \
    }
const struct option lists_make_options[] = {
    LISTS_OUTPUT,
    LISTS_READING_OPTIONS,
    {.name = "rejects", .value = "FILE", .help = "write the rows without a number there, each with its reason"},
    {0},
};
const struct option lists_out_options[] = {
    LISTS_OUTPUT,
    LISTS_READING_OPTIONS,
    {0},
};
const struct option lists_show_options[] = {
    LISTS_OUTPUT,
    LISTS_READING_OPTIONS,
    {.name = "limit", .value = "N", .help = "the first N numbers alone"},
    {0},
};
const struct option lists_in_options[] = {
    LISTS_READING_OPTIONS,
    {0},
};
const struct option lists_diff_options[] = {
    LISTS_READING_OPTIONS,
    {.name = "only-a", .value = "FILE", .help = "write what only A has there (.wll, .csv, .txt)"},
    {.name = "only-b", .value = "FILE", .help = "write what only B has there"},
    {.name = "both", .value = "FILE", .help = "write what both have there"},
    {0},
};
const struct option lists_select_options[] = {
    LISTS_OUTPUT,
    LISTS_READING_OPTIONS,
    FILTER_OPTIONS,
    {0},
};
const struct option lists_sample_options[] = {
    LISTS_OUTPUT,
    LISTS_READING_OPTIONS,
    {.name = "seed", .value = "N", .help = "the same seed takes the same numbers of the same list"},
    {0},
};
const struct option lists_split_options[] = {
    {.name = "output", .value = "FILE", .help = "NAME.wll: batches are NAME-1.wll, NAME-2.wll, ...", .letter = 'o'},
    LISTS_READING_OPTIONS,
    {.name = "parts", .value = "N", .help = "so many batches"},
    {.name = "size", .value = "N", .help = "batches of at most so many numbers"},
    {.name = "in-order", .help = "cut the list into pieces, instead of dealing its numbers out"},
    {0},
};
const struct option lists_generate_options[] = {
    {.name = "output", .value = "FILE", .help = "a table; none: standard output", .letter = 'o'},
    {.name = "country", .value = "DE", .help = "of this country; without it of any"},
    {.name = "type", .value = "mobile", .help = "of this type; without it of any"},
    {.name = "count", .value = "N", .help = "so many, if there are (default 10)", .letter = 'n'},
    {.name = "range", .value = "FIRST..LAST", .help = "refused: numbers of people are not made up"},
    {.name = "pattern", .value = "PATTERN", .help = "refused"},
    {.name = "network", .value = "NAME", .help = "refused"},
    {.name = "random", .help = "refused"},
    {0},
};
