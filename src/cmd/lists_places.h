/* SPDX-License-Identifier: Apache-2.0
 * lists_places.h - what a list command must not write over: what it reads, and what it writes itself.
 *
 * Asked before anything is opened, so that a command that is refused has changed nothing. */
#ifndef WL_CMD_LISTS_PLACES_H
#define WL_CMD_LISTS_PLACES_H

#include "cmd/command.h"

/* Every output beside every input and every other output. An exit status. */
int lists_places_check(const struct args *a);
/* The input that a file to be written would take the place of; NULL: none. */
const char *lists_places_input(const struct args *a, const char *output);

#endif
