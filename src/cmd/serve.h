/* SPDX-License-Identifier: Apache-2.0
 * serve.h - what the long-running commands share: settings from the command line, warnings, waiting for a signal.
 *
 * Only serve.c, sandbox_cmd.c and check_config.c use it. */
#ifndef WL_CMD_SERVE_H
#define WL_CMD_SERVE_H

#include <stdbool.h>

#include "cmd/command.h"
#include "cmd/config.h"

/* The values of --set as a NULL-terminated list; returns how many. */
int config_settings(const struct args *a, const char *settings[ARGS_OPTIONS]);
/* Problems, and unless problems_only warnings, on standard error. */
void config_say(const struct config *c, bool problems_only);

/* SIGTERM, SIGINT and SIGHUP are kept for wait_for_stop(); call before any thread is started. */
void signals_hold(void);
/* Returns at SIGTERM or SIGINT and gives the signals their usual effect back, so that a second one ends the program at
 * once. SIGHUP: calls `hup`. */
void signals_wait(void (*hup)(void *ctx), void *ctx);
/* One datagram to the service manager that asked for it ($NOTIFY_SOCKET); does nothing without one. */
void notify_manager(const char *state);

#endif
