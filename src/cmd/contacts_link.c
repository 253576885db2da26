/* SPDX-License-Identifier: Apache-2.0
 * contacts_link.c - `wayleave contacts link`: the address of a person's own preference page, to be sent to them.
 *
 * The gateway works it out; what is printed is the address and nothing else, so that it can be put into a message. */
#include <stdio.h>

#include "cmd/rest_client.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

static void write_body(struct buf *b, int64_t days)
{
    struct json_out out;
    json_out_init(&out, b);
    jo_object(&out);
    if (days > 0)
        jo_kint(&out, "days", days);
    jo_end(&out);
}

int contacts_link(const struct args *a)
{
    struct rest r;
    struct json answer;
    struct buf path, body;
    int64_t days = 0;
    struct str url;
    if (args_has(a, "days") && (!str_i64(str_of(args_get(a, "days")), &days) || days < 1))
        return cmd_fail(CMD_USAGE, NULL, "--days wants a number of days, not \"%s\"", args_get(a, "days"));
    buf_init(&path, 4096);
    buf_init(&body, 256);
    buf_puts(&path, "/contacts/");
    rest_segment(&path, str_of(a->word[0]));
    buf_puts(&path, "/preferences");
    write_body(&body, days);
    int rc = path.failed ? cmd_fail(CMD_USAGE, NULL, "that is no name of a person") : rest_open(&r, a);
    if (rc == CMD_OK) {
        rc = rest_call(&r, "POST", buf_cstr(&path), buf_str(&body), &answer);
        if (rc == CMD_OK)
            rc = rest_check(&r, answer);
        if (rc == CMD_OK && args_has(a, "json"))
            rc = rest_print(answer);
        else if (rc == CMD_OK && json_str(json_get(answer, "url"), &url))
            printf("%.*s\n", (int)url.n, url.p);
        rest_close(&r);
    }
    buf_done(&path);
    buf_done(&body);
    return rc;
}
