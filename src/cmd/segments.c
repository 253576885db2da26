/* SPDX-License-Identifier: Apache-2.0
 * segments.c - `wayleave segments list`, `show`, `save` and `drop`: segments that have a name.
 *
 * Clients of /wayleave/v1/segments. Saving says what it saved in a sentence, because JSON that looks right may mean somebody else. */
#include <stdio.h>
#include <stdlib.h>

#include "cmd/segments_verbs.h"
#include "cmd/show.h"

#define PATH_MAX_BYTES 1024
#define PAGE           "100"

const struct option segments_list_options[] = {{0}};
const struct option segments_show_options[] = {
    {.name = "version", .value = "N", .help = "as it was then"},
    {.name = "versions", .help = "all that were saved, the newest first"},
    {0},
};

static const struct str no_body = {NULL, 0};

static int call(struct rest *r, const char *method, const char *name, const char *more, struct str body,
                struct json *ret)
{
    struct buf path;
    buf_init(&path, PATH_MAX_BYTES);
    buf_puts(&path, "/segments");
    if (name != NULL) {
        buf_putc(&path, '/');
        rest_segment(&path, str_of(name));
    }
    buf_puts(&path, more);
    r->words = segments_words;
    r->names = segments_names;
    int rc = CMD_OK;
    if (name != NULL && *name == '\0')
        rc = cmd_fail(CMD_USAGE, "wayleave segments list names them", "a segment has a name of 1 to 128 bytes");
    else if (path.failed)
        rc = cmd_fail(CMD_USAGE, NULL, "\"%.40s...\" is too long for a name", name);
    else
        rc = rest_call(r, method, buf_cstr(&path), body, ret);
    buf_done(&path);
    return rc == CMD_OK ? rest_check(r, *ret) : rc;
}

/* --- list and show ---------------------------------------------------------------------------------------------------- */

static const struct show_column list_columns[] = {{"name", "name", 24, NULL},
                                                  {"version", "version", 9, NULL},
                                                  {"saved", "saved_at", 22, NULL},
                                                  {"who is meant", "sentence", 0, NULL},
                                                  {0}};
static const struct show_column version_columns[] = {{"version", "version", 9, NULL},
                                                     {"saved", "saved_at", 22, NULL},
                                                     {"by", "actor", 16, NULL},
                                                     {"who is meant", "sentence", 0, NULL},
                                                     {0}};

static int print_rows(const struct args *a, struct json rows, const struct show_column *columns, const char *empty)
{
    if (segments_as_json(a))
        return rest_print_rows(rows);
    show_table(rows, columns, empty);
    return CMD_OK;
}

/* `next` of a page as the query of the one after it; "": that was the last. */
static bool next_page(struct json answer, const char *key, struct buf *more)
{
    struct json next = json_get(answer, "next");
    struct str name;
    int64_t n;
    buf_clear(more);
    buf_printf(more, "?limit=" PAGE "&%s=", key);
    if (json_str(next, &name))
        rest_segment(more, name);
    else if (json_i64(next, &n))
        buf_printf(more, "%lld", (long long)n);
    else
        return false;
    return !more->failed;
}

int segments_list_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    struct buf more;
    bool first = true, on = true;
    int rc = rest_open(&r, a);
    buf_init(&more, PATH_MAX_BYTES / 2);
    buf_puts(&more, "?limit=" PAGE);
    while (rc == CMD_OK && on) {
        rc = call(&r, "GET", NULL, buf_cstr(&more), no_body, &answer);
        struct json rows = rc == CMD_OK ? json_get(answer, "segments") : (struct json){NULL, 0};
        if (rc == CMD_OK && (first || json_count(rows) > 0))
            rc = print_rows(a, rows, list_columns, "no segment was saved");
        first = false;
        on = rc == CMD_OK && next_page(answer, "after", &more);
    }
    rest_close(&r);
    buf_done(&more);
    return rc;
}

static int show_versions(struct rest *r, const struct args *a)
{
    struct json answer;
    struct buf more;
    bool on = true;
    int rc = CMD_OK;
    buf_init(&more, PATH_MAX_BYTES / 2);
    buf_puts(&more, "/versions?limit=" PAGE);
    while (rc == CMD_OK && on) {
        rc = call(r, "GET", a->word[0], buf_cstr(&more), no_body, &answer);
        if (rc == CMD_OK)
            rc = print_rows(a, json_get(answer, "versions"), version_columns, "no version");
        struct buf next;
        buf_init(&next, PATH_MAX_BYTES / 2);
        on = rc == CMD_OK && next_page(answer, "before", &next);
        buf_clear(&more);
        buf_puts(&more, "/versions");
        buf_putstr(&more, buf_str(&next));
        buf_done(&next);
    }
    buf_done(&more);
    return rc;
}

static void show_one(struct json v)
{
    struct buf query;
    buf_init(&query, SEGMENTS_BODY_MAX);
    json_write_value(&query, json_get(v, "query"));
    term_text(stdout, TONE_BOLD, show_text(v, "name"));
    term_printf(stdout, TONE_PLAIN, " version %lld\n", (long long)show_number(v, "version"));
    show_line(2, "means", show_text(v, "sentence"));
    show_line(2, "problem", show_text(v, "problem"));
    show_time_line(2, "saved", json_get(v, "saved_at"));
    show_line(2, "by", show_text(v, "actor"));
    show_line(2, "note", show_text(v, "note"));
    show_line(2, "query", buf_str(&query));
    buf_done(&query);
}

int segments_show_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    char more[48] = "";
    const char *version = args_get(a, "version");
    int64_t n = 0;
    if (version != NULL && (args_has(a, "versions") || !str_i64(str_of(version), &n) || n < 1))
        return cmd_fail(CMD_USAGE, NULL, "--version is a number, 1 or more, and goes without --versions");
    int rc = rest_open(&r, a);
    if (n > 0)
        snprintf(more, sizeof more, "?version=%lld", (long long)n);
    if (rc == CMD_OK && args_has(a, "versions")) {
        rc = show_versions(&r, a);
    } else if (rc == CMD_OK) {
        rc = call(&r, "GET", a->word[0], more, no_body, &answer);
        if (rc == CMD_OK && args_has(a, "json"))
            rc = rest_print(answer);
        else if (rc == CMD_OK)
            show_one(answer);
    }
    rest_close(&r);
    return rc;
}

/* --- save and drop ---------------------------------------------------------------------------------------------------- */

static int put_body(const struct args *a, struct json_out *o)
{
    const char *actor = args_get(a, "actor") != NULL ? args_get(a, "actor") : getenv("USER");
    if (!segments_has_query(a))
        return cmd_fail(CMD_USAGE, "wayleave help segments save", "say who is meant: --query or --where");
    jo_object(o);
    if (actor != NULL)
        jo_kcstr(o, "actor", actor);
    if (args_has(a, "note"))
        jo_kcstr(o, "note", args_get(a, "note"));
    int rc = segments_put_number(a, o, "version", "version", INT64_MAX);
    if (rc == CMD_OK)
        rc = segments_put_query(a, o);
    jo_end(o);
    return rc;
}

static void say_saved(struct json answer)
{
    struct str name = show_text(answer, "name");
    bool saved = show_flag(answer, "saved");
    term_text(stdout, TONE_GOOD, saved ? STR("saved") : STR("unchanged"));
    term_printf(stdout, TONE_PLAIN, " %.*s version %lld\n", (int)name.n, name.p,
                (long long)show_number(answer, "version"));
    show_line(2, "means", show_text(answer, "sentence"));
}

int segments_save_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    struct json_out o;
    struct buf body;
    buf_init(&body, SEGMENTS_BODY_MAX);
    json_out_init(&o, &body);
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = put_body(a, &o);
    if (rc == CMD_OK)
        rc = call(&r, "PUT", a->word[0], "", buf_str(&body), &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK && !args_has(a, "quiet"))
        say_saved(answer);
    rest_close(&r);
    buf_done(&body);
    return rc;
}

int segments_drop_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = call(&r, "DELETE", a->word[0], "", no_body, &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK && !args_has(a, "quiet"))
        term_printf(stdout, TONE_PLAIN, "removed %s; its versions stay for the campaigns that used them\n", a->word[0]);
    rest_close(&r);
    return rc;
}
