/* SPDX-License-Identifier: Apache-2.0
 * version.c - `wayleave version`.
 *
 * The version of the program itself; the running gateway's is in `wayleave status`. */
#include <stdio.h>

#include "base/json.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

int version_run(const struct args *a)
{
    if (!args_has(a, "json")) {
        puts("wayleave " WAYLEAVE_VERSION);
        return CMD_OK;
    }
    struct buf b;
    struct json_out out;
    buf_init(&b, 256);
    json_out_init(&out, &b);
    jo_object(&out);
    jo_kcstr(&out, "version", WAYLEAVE_VERSION);
    jo_end(&out);
    int rc = cmd_print_json(&b);
    buf_done(&b);
    return rc;
}
