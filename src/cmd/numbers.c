/* SPDX-License-Identifier: Apache-2.0
 * numbers.c - `wayleave numbers list`, `show` and `resume`: our numbers, what Meta says of them, and one that goes on.
 *
 * One call to the REST API each. Of a number that goes on it is said what had stopped it; that nothing had is a failure, so
 * that a mistyped id is not taken for success. */
#include <stdio.h>

#include "cmd/rest_client.h"
#include "cmd/show_account.h"
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
    r.names = "wayleave numbers list names them";
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

int numbers_list_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_get(&r, "/numbers", "", &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print_rows(json_get(answer, "numbers"));
    else if (rc == CMD_OK)
        show_number_list(json_get(answer, "numbers"));
    rest_close(&r);
    return rc;
}

int numbers_show_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    r.names = "wayleave numbers list names them";
    if (rc == CMD_OK)
        rc = rest_get(&r, "/numbers/", a->word[0], &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK)
        show_our_number(answer);
    rest_close(&r);
    return rc;
}
