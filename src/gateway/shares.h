/* SPDX-License-Identifier: Apache-2.0
 * shares.h - how many of each number wait, so that one number's crowd does not take the places of others.
 *
 * Any thread. A number that finds no room in the table is not counted: the whole has a limit of its own. */
#ifndef WL_GATEWAY_SHARES_H
#define WL_GATEWAY_SHARES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct shares;

struct shares *shares_create(void);
void shares_free(struct shares *s); /* accepts NULL */

/* A place among those of this number, if fewer than `most` are taken; whoever got one leaves once. */
bool shares_enter(struct shares *s, int64_t sender, size_t most);
void shares_leave(struct shares *s, int64_t sender);

#endif
