/* SPDX-License-Identifier: Apache-2.0
 * welcomes.c - `wayleave welcomes start`, `list`, `show` and `cancel`.
 *
 * Clients of /wayleave/v1/welcomes. What an option does not say the gateway's configuration does. */
#include <stdio.h>
#include <string.h>

#include "cmd/rest_client.h"
#include "cmd/show.h"
#include "cmd/verbs.h"

#define BODY_MAX       65536
#define PATH_MAX_BYTES 1024

static const struct rest_word words[] = {{"who", "WHO"},
                                         {"from", "--from"},
                                         {"scope", "--scope"},
                                         {"template", "--template"},
                                         {"language", "--language"},
                                         {"text", "--text"},
                                         {"wording", "--wording"},
                                         {"reconfirm", "--reconfirm"},
                                         {"on_silence", "--on-silence"},
                                         {"reminders", "--reminders"},
                                         {"remind_after", "--remind-after"},
                                         {"expires_after", "--expires-after"},
                                         {"state", "--state"},
                                         {"kind", "--kind"},
                                         {"contact", "--contact"},
                                         {"limit", "--limit"},
                                         {NULL, NULL}};

static int call(struct rest *r, const char *method, const char *path, struct str body, struct json *ret)
{
    r->words = words;
    r->names = "wayleave welcomes list names them";
    int rc = rest_call(r, method, path, body, ret);
    return rc == CMD_OK ? rest_check(r, *ret) : rc;
}

static enum tone tone_of(struct str state)
{
    if (str_eq(state, STR("done")))
        return TONE_GOOD;
    return str_eq(state, STR("refused")) || str_eq(state, STR("failed")) ? TONE_BAD : TONE_PLAIN;
}

static void show_welcome(struct json v)
{
    static const char *const texts[] = {"why",  "kind",    "contact",  "from",  "scope", "template",
                                        "text", "wording", "language", "first", "reply", "on_silence"};
    static const char *const times[] = {"begun_at", "asked_at", "due_at", "expires_at", "answered_at"};
    struct str state = show_text(v, "state"), phase = show_text(v, "phase"), id = show_text(v, "id");
    term_printf(stdout, TONE_PLAIN, "%.*s ", (int)id.n, id.p);
    term_text(stdout, tone_of(state), phase.n > 0 ? phase : state);
    putchar('\n');
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        show_line(0, texts[i], show_text(v, texts[i]));
    for (size_t i = 0; i < sizeof times / sizeof times[0]; i++)
        show_time_line(0, times[i], json_get(v, times[i]));
    for (struct json_iter it = json_iter(json_get(v, "messages")); json_next(&it);)
        show_line(0, "message", json_str_or(it.value, STR("")));
}

static int print_one(const struct args *a, struct json answer)
{
    if (args_has(a, "json"))
        return rest_print(answer);
    if (!args_has(a, "quiet"))
        show_welcome(answer);
    return CMD_OK;
}

/* --- start ---------------------------------------------------------------------------------------------------------- */

static int put_reminders(struct json_out *o, const struct args *a)
{
    int64_t n;
    const char *value = args_get(a, "reminders");
    if (value == NULL)
        return CMD_OK;
    if (!str_i64(str_of(value), &n))
        return cmd_fail(CMD_USAGE, NULL, "--reminders is a number from 0 to 3");
    jo_kint(o, "reminders", n);
    return CMD_OK;
}

/* The consent it begins with: whoever names a method says that there was one. */
static void put_first(struct json_out *o, const struct args *a)
{
    if (!args_has(a, "first-method"))
        return;
    jo_key(o, "first");
    jo_object(o);
    jo_kcstr(o, "act", "grant");
    jo_kcstr(o, "scope", args_has(a, "first-scope") ? args_get(a, "first-scope") : "utility");
    jo_kcstr(o, "method", args_get(a, "first-method"));
    if (args_has(a, "first-source"))
        jo_kcstr(o, "source", args_get(a, "first-source"));
    jo_end(o);
}

static int write_body(struct buf *b, const struct args *a)
{
    static const struct {
        const char *option, *key;
    } texts[] = {{"from", "from"},
                 {"scope", "scope"},
                 {"template", "template"},
                 {"language", "language"},
                 {"text", "text"},
                 {"wording", "wording"},
                 {"on-silence", "on_silence"},
                 {"remind-after", "remind_after"},
                 {"expires-after", "expires_after"}};
    struct json_out o;
    json_out_init(&o, b);
    jo_object(&o);
    jo_kcstr(&o, "who", a->word[0]);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (args_has(a, texts[i].option))
            jo_kcstr(&o, texts[i].key, args_get(a, texts[i].option));
    if (args_has(a, "buttons"))
        jo_kbool(&o, "buttons", true);
    if (args_has(a, "reconfirm"))
        jo_kbool(&o, "reconfirm", true);
    put_first(&o, a);
    int rc = put_reminders(&o, a);
    jo_end(&o);
    return rc == CMD_OK && b->failed ? cmd_fail(CMD_USAGE, NULL, "that is too much text for one question") : rc;
}

int welcomes_start_run(const struct args *a)
{
    struct rest r;
    struct buf b;
    struct json answer;
    buf_init(&b, BODY_MAX);
    int rc = write_body(&b, a);
    if (rc == CMD_OK) {
        rc = rest_open(&r, a);
        if (rc == CMD_OK)
            rc = call(&r, "POST", "/welcomes", buf_str(&b), &answer);
        if (rc == CMD_OK)
            rc = print_one(a, answer);
        rest_close(&r);
    }
    buf_done(&b);
    return rc;
}

/* --- list, show, cancel --------------------------------------------------------------------------------------------- */

static const struct show_column columns[] = {{"ID", "id", 22, NULL},
                                             {"STATE", "state", 10, tone_of},
                                             {"KIND", "kind", 8, NULL},
                                             {"BEGUN", "begun_at", 22, NULL},
                                             {"CONTACT", "contact", 24, NULL},
                                             {"WHY", "why", 0, NULL},
                                             {NULL, NULL, 0, NULL}};

static void list_path(struct buf *path, const struct args *a)
{
    static const char *const options[] = {"state", "kind", "contact", "limit", "before"};
    char mark = '?';
    buf_puts(path, "/welcomes");
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        if (!args_has(a, options[i]))
            continue;
        buf_printf(path, "%c%s=", mark, options[i]);
        rest_segment(path, str_of(args_get(a, options[i])));
        mark = '&';
    }
}

int welcomes_list_run(const struct args *a)
{
    struct rest r;
    struct buf path;
    struct json answer;
    buf_init(&path, PATH_MAX_BYTES);
    list_path(&path, a);
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = call(&r, "GET", buf_cstr(&path), (struct str){NULL, 0}, &answer);
    struct json rows = rc == CMD_OK ? json_get(answer, "welcomes") : (struct json){NULL, 0};
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print_rows(rows);
    else if (rc == CMD_OK)
        show_table(rows, columns, "nobody is or was asked");
    if (rc == CMD_OK && show_text(answer, "next").n > 0 && !args_has(a, "json"))
        printf("more: --before %.*s\n", (int)show_text(answer, "next").n, show_text(answer, "next").p);
    rest_close(&r);
    buf_done(&path);
    return rc;
}

static int do_one(const struct args *a, const char *method)
{
    struct rest r;
    struct buf path;
    struct json answer;
    buf_init(&path, PATH_MAX_BYTES);
    buf_puts(&path, "/welcomes/");
    rest_segment(&path, str_of(a->word[0]));
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = call(&r, method, buf_cstr(&path), (struct str){NULL, 0}, &answer);
    if (rc == CMD_OK)
        rc = print_one(a, answer);
    rest_close(&r);
    buf_done(&path);
    return rc;
}

int welcomes_show_run(const struct args *a)
{
    return do_one(a, "GET");
}

int welcomes_cancel_run(const struct args *a)
{
    return do_one(a, "DELETE");
}
