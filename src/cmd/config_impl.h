/* SPDX-License-Identifier: Apache-2.0
 * config_impl.h - what reading a configuration and looking at it as a whole share.
 *
 * For config*.c only: mistakes and warnings, and values by their key. */
#ifndef WL_CMD_CONFIG_IMPL_H
#define WL_CMD_CONFIG_IMPL_H

#include "cmd/config.h"

/* Why it is refused; origin NULL: nobody set it. */
void config_problem(struct config *c, const char *origin, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* Legal, but probably not meant. */
void config_warning(struct config *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
const struct config_key *config_key_find(struct str path); /* NULL: there is none */
/* Of this entry of a list, 0 for a key that is there once. make: where there is none it is made; NULL: no memory. */
struct config_value *config_value_of(struct config *c, const struct config_key *key, int64_t entry, bool make);
/* A file of secrets that everybody may read. */
void config_warn_if_public(struct config *c, const char *path, int fd);

/* config_check.c: settings against each other, and the files they name where secrets are read. */
void config_check(struct config *c, bool secrets);

#endif
