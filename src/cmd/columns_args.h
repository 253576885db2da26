/* SPDX-License-Identifier: Apache-2.0
 * columns_args.h - what a person says about columns: --map, and a mapping kept in a file.
 *
 * The file is YAML and holds every role with its column, so that the next export of the same program is read the same way:
 *     columns:
 *       phone: ["Mobile", "Phone"]
 *       country: ["Country"]
 * With a file nothing is found out by names or content: a column it does not name has no role. Of columns with the same
 * name the second is "Phone#2"; one without a name is "#3", the third of all. */
#ifndef WL_CMD_COLUMNS_ARGS_H
#define WL_CMD_COLUMNS_ARGS_H

#include "cmd/command.h"
#include "core/columns.h"

#define COLUMNS_OPTIONS                                                                                                \
    {.name = "map",                                                                                                    \
     .value = "ROLE=COLUMN",                                                                                           \
     .help = "what a column is, as in phone=Mobile; #3 is the third",                                                  \
     .repeat = true},                                                                                                  \
        {.name = "mapping", .value = "FILE", .help = "what columns are, as kept by --save-mapping"},                   \
    {                                                                                                                  \
        .name = "save-mapping", .value = "FILE", .help = "keep there what columns are, for the next file"              \
    }

/* Behind columns_read() or columns_headless(): the file of --mapping, then --map. An exit status, after having said why. */
int columns_args_apply(const struct args *a, struct columns *c);
/* Behind columns_look(): writes the file of --save-mapping, whole or not at all. Never over the file that is read, nor
 * where --errors goes. */
int columns_args_save(const struct args *a, const struct columns *c);

/* --delimiter: comma, semicolon, tab, pipe, or one character; 0 when it is not given. An exit status. */
int columns_args_delimiter(const struct args *a, char *ret);

#endif
