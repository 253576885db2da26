/* SPDX-License-Identifier: Apache-2.0
 * ledger_reopen_cmd.c - `wayleave ledger reopen`: the way out when the database is not the one the ledger was signed over.
 *
 * It works on the state directory of the configuration, with the gateway stopped, and asks for the reason, because an auditor will. */
#include <stdio.h>

#include "cmd/config.h"
#include "cmd/serve.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "gateway/ledger_reopen.h"

extern char **environ;

static int reopen(const struct config *c, const char *why, bool quiet)
{
    struct ledger_reopened r = {0};
    struct err e = {0};
    const struct gateway_options *o = &c->gateway;
    if (ledger_reopen(o->state_dir, o->store_url, why, &r, &e) != 0)
        return cmd_fail(CMD_FAILED, e.code == WL_ECONFLICT ? "stop the gateway first" : NULL, "%s", e.text);
    if (!quiet && r.already)
        printf("the log was reopened already: generation %lld begins at the next start; nothing was changed\n",
               (long long)r.generation);
    else if (!quiet)
        printf("the log ended with %lld leaves; generation %lld begins at the next start, with every record there is\n",
               (long long)r.leaves, (long long)r.generation);
    return CMD_OK;
}

int ledger_reopen_run(const struct args *a)
{
    const char *settings[ARGS_OPTIONS], *why = args_get(a, "reason");
    struct config *c = NULL;
    struct err e = {0};
    if (why == NULL || str_trim(str_of(why)).n == 0)
        return cmd_fail(CMD_USAGE, NULL, "say why with --reason: it is kept beside the log that ends");
    config_settings(a, settings);
    const struct config_source from = {.file = args_get(a, "config"), .environ = environ, .set = settings};
    int rc = config_load(&c, &from, &e);
    if (c == NULL)
        return cmd_fail(CMD_FAILED, NULL, "%s", e.text);
    rc = rc != 0 ? cmd_fail(CMD_FAILED, NULL, "%s", e.text) : reopen(c, why, args_has(a, "quiet"));
    config_free(c);
    return rc;
}
