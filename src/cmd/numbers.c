/* SPDX-License-Identifier: Apache-2.0
 * numbers.c - `wayleave numbers resume`: a number of ours that was stopped goes on.
 *
 * One call to the REST API. What had stopped it is said; that nothing had is a failure, so that a mistyped id is not taken
 * for success. */
#include <stdio.h>

#include "cmd/rest_client.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

#define PATH_MAX_BYTES 512
#define BODY_MAX_BYTES 1024

static const struct {
    const char *stop, *why;
} stops[] = {
    {"circuit", "Meta had refused it with a code that speaks about the number"},
    {"silence", "several attempts in a row had got no readable answer"},
    {"no_token", "no token had been kept for it"},
    {"token_refused", "Meta had not accepted its token"},
    {"unreachable", "the Graph API could not be reached to check its token"},
};

static void say(const char *id, struct json answer)
{
    struct str stop = json_str_or(json_get(answer, "stopped"), STR(""));
    const char *why = "";
    for (size_t i = 0; i < sizeof stops / sizeof stops[0]; i++)
        if (str_eq(stop, str_of(stops[i].stop)))
            why = stops[i].why;
    term_text(stdout, TONE_GOOD, STR("goes on"));
    printf(" %s%s%s\n", id, *why != '\0' ? ": " : "", why);
}

static void write_body(struct buf *body, const char *by)
{
    struct json_out o;
    json_out_init(&o, body);
    jo_object(&o);
    if (by != NULL)
        jo_kcstr(&o, "by", by);
    jo_end(&o);
}

int numbers_resume_run(const struct args *a)
{
    struct rest r;
    struct buf path, body;
    struct json answer;
    const char *id = a->word[0];
    buf_init(&path, PATH_MAX_BYTES);
    buf_init(&body, BODY_MAX_BYTES);
    buf_puts(&path, "/numbers/");
    rest_segment(&path, str_of(id));
    buf_puts(&path, "/resume");
    write_body(&body, args_get(a, "by"));
    int rc = rest_open(&r, a);
    if (rc == CMD_OK && (path.failed || body.failed))
        rc = cmd_fail(CMD_USAGE, NULL, "the id or the name is too long");
    if (rc == CMD_OK)
        rc = rest_call(&r, "POST", buf_cstr(&path), buf_str(&body), &answer);
    if (rc == CMD_OK)
        rc = rest_check(&r, answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK && !args_has(a, "quiet"))
        say(id, answer);
    rest_close(&r);
    buf_done(&path);
    buf_done(&body);
    return rc;
}
