/* SPDX-License-Identifier: Apache-2.0
 * consent.c - `wayleave consent grant`, `withdraw` and `show`.
 *
 * Consent is recorded with what makes it provable: when, how, in which words, where the evidence lies. The gateway
 * appends the event and keeps it; nothing here or there can delete one. Giving the same command twice records
 * nothing new. */
#include <string.h>

#include "base/clock.h"
#include "cmd/rest_client.h"
#include "cmd/show.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

/* --at as RFC 3339; CMD_USAGE when it is no time. */
static int read_at(const struct args *a, char out[TIME_TEXT])
{
    const char *at = args_get(a, "at");
    int64_t ms;
    *out = '\0';
    if (at == NULL)
        return CMD_OK;
    if (!time_parse(at, strlen(at), &ms))
        return cmd_fail(CMD_USAGE, NULL,
                        "--at wants a date such as 2026-01-31 or a time such as 2026-01-31T09:30:00Z, not \"%s\"", at);
    time_text(ms, out);
    return CMD_OK;
}

static void write_body(struct buf *b, const struct args *a, const char *act, const char *at)
{
    static const char *const texts[] = {"method", "source", "wording", "language", "evidence", NULL};
    struct json_out out;
    json_out_init(&out, b);
    jo_object(&out);
    jo_kcstr(&out, "who", a->word[0]);
    jo_kcstr(&out, "act", act);
    jo_kcstr(&out, "scope", args_get(a, "scope"));
    if (*at)
        jo_kcstr(&out, "at", at);
    for (const char *const *t = texts; *t; t++)
        if (args_has(a, *t))
            jo_kcstr(&out, *t, args_get(a, *t));
    if (!args_has(a, "method"))
        jo_kcstr(&out, "method", "operator");
    jo_end(&out);
}

static int post(const struct args *a, struct str body)
{
    struct rest r;
    struct json answer;
    bool new = true, in_force = true;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_call(&r, "POST", "/consent", body, &answer);
    if (rc == CMD_OK)
        rc = rest_check(&r, answer);
    if (rc == CMD_OK && args_has(a, "json")) {
        rc = rest_print(answer);
    } else if (rc == CMD_OK && !args_has(a, "quiet")) {
        json_bool(json_get(answer, "new"), &new);
        json_bool(json_get(answer, "in_force"), &in_force);
        puts(!new       ? "already recorded, nothing changed"
             : in_force ? "recorded"
                        : "recorded, but not in force: the person said otherwise at a later time (see consent show)");
        show_consent(answer);
    }
    rest_close(&r);
    return rc;
}

static int record(const struct args *a, const char *act)
{
    char at[TIME_TEXT];
    struct buf b;
    if (!args_has(a, "scope"))
        return cmd_fail(CMD_USAGE, "--scope all, or a list of marketing, utility, authentication, calls",
                        "say what the person agreed to or withdrew with --scope");
    int rc = read_at(a, at);
    if (rc != CMD_OK)
        return rc;
    buf_init(&b, 65536);
    write_body(&b, a, act, at);
    if (b.failed)
        rc = cmd_fail(CMD_USAGE, NULL, "that is too much text for one consent");
    else if (args_has(a, "dry-run"))
        rc = cmd_print_json(&b);
    else
        rc = post(a, buf_str(&b));
    buf_done(&b);
    return rc;
}

int consent_grant(const struct args *a)
{
    return record(a, "grant");
}

int consent_withdraw(const struct args *a)
{
    return record(a, "withdraw");
}

int consent_show(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_get(&r, "/consent/", a->word[0], &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK)
        show_consent(answer);
    rest_close(&r);
    return rc;
}
