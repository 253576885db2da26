/* SPDX-License-Identifier: Apache-2.0
 * templates.c - `wayleave templates list`, `show` and `sync`: templates as Meta keeps them.
 *
 * A list goes from page to page by the gateway's own mark. A template is named by its name; account and language are needed
 * only where there are several of that name. */
#include <stdio.h>
#include <string.h>

#include "cmd/rest_client.h"
#include "cmd/show_account.h"
#include "cmd/verbs.h"

#define PATH_MAX_BYTES 2000
#define PLACE_MAX      700
#define PAGE           "1000"

static const struct rest_word words[] = {{"account", "--account"},
                                         {"status", "--status"},
                                         {"name", "--name"},
                                         {NULL, NULL}};

static void add_parameter(struct buf *path, const char *name, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    buf_printf(path, "&%s=", name);
    rest_segment(path, str_of(value));
}

static int get(struct rest *r, const struct buf *path, struct json *ret)
{
    r->words = words;
    r->names = "wayleave templates list and wayleave accounts list name them";
    int rc = path->failed ? cmd_fail(CMD_USAGE, NULL, "that is too much to ask for at once")
                          : rest_call(r, "GET", buf_cstr(path), (struct str){NULL, 0}, ret);
    return rc == CMD_OK ? rest_check(r, *ret) : rc;
}

/* One page of what is asked for; next is where the one after it begins, "" at the end. */
static int page(struct rest *r, const struct args *a, const char *name, char next[PLACE_MAX], struct json *ret)
{
    struct buf path;
    buf_init(&path, PATH_MAX_BYTES);
    buf_puts(&path, "/templates?limit=" PAGE);
    add_parameter(&path, "account", args_get(a, "account"));
    add_parameter(&path, "status", args_get(a, "status"));
    add_parameter(&path, "name", name);
    add_parameter(&path, "after", next);
    int rc = get(r, &path, ret);
    buf_done(&path);
    if (rc == CMD_OK) {
        struct str more = show_text(*ret, "next");
        snprintf(next, PLACE_MAX, "%.*s", (int)more.n, more.p);
    }
    return rc;
}

int templates_list_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    char next[PLACE_MAX] = "";
    int rc = rest_open(&r, a);
    do {
        bool first = *next == '\0';
        rc = rc == CMD_OK ? page(&r, a, args_get(a, "name"), next, &answer) : rc;
        if (rc == CMD_OK && args_has(a, "json"))
            rc = rest_print_rows(json_get(answer, "templates"));
        else if (rc == CMD_OK)
            show_template_list(json_get(answer, "templates"), first,
                               args_has(a, "name") || args_has(a, "status") || args_has(a, "account"));
    } while (rc == CMD_OK && *next);
    rest_close(&r);
    return rc;
}

/* --- show ------------------------------------------------------------------------------------------------------------- */

/* The path of the one template that is meant; of several they are named. */
static int find_one(struct rest *r, const struct args *a, struct buf *path)
{
    struct json answer;
    struct buf names;
    char next[PLACE_MAX] = "";
    const char *language = args_get(a, "language");
    size_t found = 0;
    int rc = CMD_OK;
    buf_init(&names, 900);
    do {
        rc = page(r, a, a->word[0], next, &answer);
        for (struct json_iter it = json_iter(json_get(answer, "templates")); rc == CMD_OK && json_next(&it);) {
            struct str name = show_text(it.value, "name"), lang = show_text(it.value, "language");
            struct str account = show_text(it.value, "account");
            if (!str_eq(name, str_of(a->word[0])) || (language != NULL && !str_eq(lang, str_of(language))))
                continue;
            found++;
            buf_printf(&names, "%s%.*s of %.*s", found > 1 ? ", " : "", (int)lang.n, lang.p, (int)account.n, account.p);
            buf_clear(path);
            buf_puts(path, "/templates/");
            rest_segment(path, account);
            buf_putc(path, '/');
            rest_segment(path, name);
            buf_putc(path, '/');
            rest_segment(path, lang);
        }
    } while (rc == CMD_OK && *next);
    if (rc == CMD_OK && found == 0)
        rc = cmd_fail(CMD_FAILED, "wayleave templates list names them; wayleave templates sync reads them again",
                      "there is no template \"%s\"%s%s", a->word[0], language ? " in " : "", language ? language : "");
    else if (rc == CMD_OK && found > 1)
        rc = cmd_fail(CMD_USAGE, "say which with --language and --account", "there are several of that name: %s",
                      buf_cstr(&names));
    buf_done(&names);
    return rc;
}

int templates_show_run(const struct args *a)
{
    struct rest r;
    struct buf path;
    struct json answer;
    buf_init(&path, PATH_MAX_BYTES);
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = find_one(&r, a, &path);
    if (rc == CMD_OK)
        rc = get(&r, &path, &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK)
        show_template(answer);
    rest_close(&r);
    buf_done(&path);
    return rc;
}

int templates_sync_run(const struct args *a)
{
    struct rest r;
    struct buf body;
    struct json_out o;
    struct json answer;
    buf_init(&body, PATH_MAX_BYTES);
    json_out_init(&o, &body);
    jo_object(&o);
    if (a->n_words > 0)
        jo_kcstr(&o, "account", a->word[0]);
    jo_end(&o);
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_call(&r, "POST", "/templates/sync", buf_str(&body), &answer);
    if (rc == CMD_OK)
        rc = rest_check(&r, answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK && !args_has(a, "quiet"))
        printf(
            "%lld account%s read again now: templates, numbers and limits; wayleave templates list says when each was "
            "listed\n",
            (long long)show_number(answer, "accounts"), show_number(answer, "accounts") == 1 ? " is" : "s are");
    rest_close(&r);
    buf_done(&body);
    return rc;
}
