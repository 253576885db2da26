/* SPDX-License-Identifier: Apache-2.0
 * status.c - `wayleave status`: is the gateway up, and what does it know.
 *
 * One call to the REST API; exit status 75 when nothing answers, so that a script can wait for a start. */
#include "cmd/rest_client.h"
#include "cmd/show.h"
#include "cmd/verbs.h"

int status_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_call(&r, "GET", "/status", (struct str){NULL, 0}, &answer);
    if (rc == CMD_OK)
        rc = rest_check(&r, answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK && !args_has(a, "quiet"))
        show_status(answer);
    rest_close(&r);
    return rc;
}
