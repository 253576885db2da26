/* SPDX-License-Identifier: Apache-2.0
 * lists_verbs.h - what the list commands share beyond reading, writing and telling.
 *
 * Only for src/cmd/lists*.c. */
#ifndef WL_CMD_LISTS_VERBS_H
#define WL_CMD_LISTS_VERBS_H

#include "cmd/command.h"

/* A whole number given to an option, from `least` on; `otherwise` where it is not given. An exit status. */
int lists_number_option(const struct args *a, const char *name, int64_t least, int64_t otherwise, int64_t *ret);

/* lists_options.c */
extern const struct option lists_make_options[], lists_out_options[], lists_show_options[], lists_in_options[],
    lists_diff_options[], lists_select_options[], lists_sample_options[], lists_split_options[],
    lists_generate_options[];

#endif
