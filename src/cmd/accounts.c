/* SPDX-License-Identifier: Apache-2.0
 * accounts.c - `wayleave accounts list`, `show` and `notices`: WhatsApp Business accounts, and what Meta told of them.
 *
 * Clients of the REST API, one call a page. */
#include <stdio.h>
#include <string.h>

#include "cmd/rest_client.h"
#include "cmd/show_account.h"
#include "cmd/verbs.h"

#define PATH_MAX_BYTES 1024

static const char *const filters[] = {"account", "number", "field", "before", "limit", NULL};
static const struct rest_word words[] = {{"account", "--account"}, {"number", "--number"}, {"field", "--field"},
                                         {"before", "--before"},   {"limit", "--limit"},   {NULL, NULL}};

int accounts_list_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_get(&r, "/accounts", "", &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print_rows(json_get(answer, "accounts"));
    else if (rc == CMD_OK)
        show_account_list(json_get(answer, "accounts"));
    rest_close(&r);
    return rc;
}

int accounts_show_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    r.names = "wayleave accounts list names them";
    if (rc == CMD_OK)
        rc = rest_get(&r, "/accounts/", a->word[0], &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK)
        show_account(answer);
    rest_close(&r);
    return rc;
}

static bool narrowed(const struct args *a)
{
    return args_has(a, "account") || args_has(a, "number") || args_has(a, "field") || args_has(a, "before");
}

int accounts_notices_run(const struct args *a)
{
    struct rest r;
    struct buf path;
    struct json answer;
    buf_init(&path, PATH_MAX_BYTES);
    buf_puts(&path, "/notices");
    for (size_t f = 0; filters[f] != NULL; f++) {
        const char *value = args_get(a, filters[f]);
        if (value == NULL)
            continue;
        buf_printf(&path, "%c%s=", memchr(path.data, '?', path.len) != NULL ? '&' : '?', filters[f]);
        rest_segment(&path, str_of(value));
    }
    int rc = rest_open(&r, a);
    r.words = words;
    r.names = "wayleave accounts list and wayleave numbers list name them";
    if (rc == CMD_OK)
        rc = path.failed ? cmd_fail(CMD_USAGE, NULL, "that is too much to ask for at once")
                         : rest_call(&r, "GET", buf_cstr(&path), (struct str){NULL, 0}, &answer);
    if (rc == CMD_OK)
        rc = rest_check(&r, answer);
    if (rc == CMD_OK && args_has(a, "json")) {
        rc = rest_print_rows(json_get(answer, "notices"));
    } else if (rc == CMD_OK) {
        struct str next = show_text(answer, "next");
        show_notice_list(json_get(answer, "notices"), narrowed(a));
        if (next.n > 0 && !args_has(a, "quiet"))
            term_printf(stdout, TONE_DIM, "older ones: the same command with --before %.*s\n", (int)next.n, next.p);
    }
    rest_close(&r);
    buf_done(&path);
    return rc;
}
