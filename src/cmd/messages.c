/* SPDX-License-Identifier: Apache-2.0
 * messages.c - `wayleave messages list`, `show`, `export` and `cancel`: what became of what was sent.
 *
 * Clients of GET and DELETE /wayleave/v1/messages. A list is one page; an export goes from page to page by the gateway's
 * cursor, so that neither side ever holds more than a page of it. A row that was printed stays printed: an export that
 * breaks off says so and ends with the exit status for "partly". */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/json_rows.h"
#include "cmd/rest_client.h"
#include "cmd/show.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

#define PATH_MAX_BYTES 1800
#define PAGE           "1000"
#define PROGRESS_NS    100000000

/* Options that stand in the query under the same name. */
static const char *const filters[] = {"state", "sender", "contact", "campaign", "category",
                                      "code",  "key",    "from",    "to",       NULL};

/* Options under other names in the API; those of the same name are options too. */
static const struct rest_word words[] = {{"cursor", "--before"},
                                         {"limit", "--limit"},
                                         {"state", "--state"},
                                         {"sender", "--sender"},
                                         {"contact", "--contact"},
                                         {"campaign", "--campaign"},
                                         {"category", "--category"},
                                         {"code", "--code"},
                                         {"key", "--key"},
                                         {"from", "--from"},
                                         {"to", "--to"},
                                         {"who", "--contact"},
                                         {"duplicated", "--duplicated"},
                                         {NULL, NULL}};

static void add_parameter(struct buf *path, const char *name, const char *value)
{
    buf_printf(path, "%c%s=", memchr(path->data, '?', path->len) != NULL ? '&' : '?', name);
    rest_segment(path, str_of(value));
}

/* The path of one page. False after having said what is wrong. */
static bool page_path(const struct args *a, const char *limit, const char *cursor, struct buf *path)
{
    const char *value;
    buf_clear(path);
    buf_puts(path, "/messages");
    for (size_t f = 0; filters[f] != NULL; f++)
        for (size_t i = 0; (value = args_nth(a, filters[f], i)) != NULL; i++)
            add_parameter(path, filters[f], value);
    if (args_has(a, "duplicated"))
        add_parameter(path, "duplicated", "true");
    if (limit != NULL)
        add_parameter(path, "limit", limit);
    if (cursor != NULL)
        add_parameter(path, "cursor", cursor);
    if (path->failed)
        cmd_fail(CMD_USAGE, NULL, "that is too much to ask for at once");
    return !path->failed;
}

static int get(struct rest *r, const char *path, struct json *ret)
{
    r->words = words;
    int rc = rest_call(r, "GET", path, (struct str){NULL, 0}, ret);
    return rc == CMD_OK ? rest_check(r, *ret) : rc;
}

int messages_list_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    struct buf path;
    buf_init(&path, PATH_MAX_BYTES);
    if (!page_path(a, args_get(a, "limit"), args_get(a, "before"), &path)) {
        buf_done(&path);
        return CMD_USAGE;
    }
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = get(&r, buf_cstr(&path), &answer);
    if (rc == CMD_OK && args_has(a, "json")) {
        rc = rest_print_rows(json_get(answer, "messages"));
    } else if (rc == CMD_OK) {
        struct str next = json_str_or(json_get(answer, "next"), STR(""));
        show_message_list(json_get(answer, "messages"));
        if (next.n > 0 && !args_has(a, "quiet"))
            term_printf(stdout, TONE_DIM, "older ones: the same command with --before %.*s\n", (int)next.n, next.p);
    }
    rest_close(&r);
    buf_done(&path);
    return rc;
}

int messages_show_run(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_get(&r, "/messages/", a->word[0], &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK)
        show_message_story(answer);
    rest_close(&r);
    return rc;
}

/* --- export --------------------------------------------------------------------------------------------------------- */

static const char *const columns[] = {"id",         "at",     "changed_at", "state",    "category",
                                      "type",       "sender", "contact",    "campaign", "attempts",
                                      "duplicates", "code",   "code_means", "wamid",    "queued"};
#define COLUMNS (sizeof columns / sizeof columns[0])

struct export
{
    bool csv, progress;
    int64_t rows, drawn_ns;
};

static void draw(struct export *x, bool last)
{
    int64_t now = clock_mono_ns();
    if (!x->progress || (!last && now - x->drawn_ns < PROGRESS_NS))
        return;
    x->drawn_ns = now;
    fprintf(stderr, "\r%lld messages%s", (long long)x->rows, last ? "\n" : "");
    fflush(stderr);
}

/* Rows count as written once they are out of our hands. */
static int export_page(struct export *x, struct json messages)
{
    int64_t rows = 0;
    for (struct json_iter it = json_iter(messages); json_next(&it); rows++) {
        if (x->csv)
            json_rows_put(columns, COLUMNS, it.value);
        else if (rest_print(it.value) != CMD_OK)
            return CMD_FAILED;
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        return cmd_fail(CMD_FAILED, NULL, "standard output could not be written");
    x->rows += rows;
    draw(x, false);
    return CMD_OK;
}

static int export_all(struct rest *r, const struct args *a, struct export *x, struct buf *path)
{
    char cursor[40] = "";
    int rc = CMD_OK;
    do {
        struct json answer;
        if (!page_path(a, PAGE, *cursor ? cursor : NULL, path))
            return CMD_USAGE;
        rc = get(r, buf_cstr(path), &answer);
        if (rc != CMD_OK)
            break;
        struct str next = json_str_or(json_get(answer, "next"), STR(""));
        snprintf(cursor, sizeof cursor, "%.*s", (int)next.n, next.p);
        rc = export_page(x, json_get(answer, "messages"));
    } while (rc == CMD_OK && *cursor);
    draw(x, true);
    if (rc != CMD_OK && x->rows > 0 && !ferror(stdout))
        return cmd_fail(CMD_PARTIAL, "give the command again", "the export is not complete: %lld messages were written",
                        (long long)x->rows);
    return rc;
}

int messages_export_run(const struct args *a)
{
    struct rest r;
    struct buf path;
    struct export x = {.csv = args_has(a, "csv"), .progress = isatty(STDERR_FILENO) && !args_has(a, "quiet")};
    int rc = rest_open(&r, a);
    buf_init(&path, PATH_MAX_BYTES);
    if (rc == CMD_OK && x.csv)
        json_rows_head(columns, COLUMNS);
    if (rc == CMD_OK)
        rc = export_all(&r, a, &x, &path);
    rest_close(&r);
    buf_done(&path);
    return rc;
}

/* --- cancel --------------------------------------------------------------------------------------------------------- */

static int cancel_one(struct rest *r, const struct args *a, const char *id)
{
    struct json answer;
    struct buf path;
    buf_init(&path, PATH_MAX_BYTES);
    buf_puts(&path, "/messages/");
    r->about = id;
    rest_segment(&path, str_of(id));
    int rc = path.failed ? cmd_fail(CMD_USAGE, NULL, "\"%.40s...\" is no message id", id)
                         : rest_call(r, "DELETE", buf_cstr(&path), (struct str){NULL, 0}, &answer);
    buf_done(&path);
    if (rc == CMD_OK)
        rc = rest_check(r, answer);
    if (rc == CMD_OK && args_has(a, "json"))
        return rest_print(answer);
    if (rc == CMD_OK && !args_has(a, "quiet")) {
        struct str state = json_str_or(json_get(answer, "state"), STR(""));
        bool gone = str_eq(state, STR("cancelled"));
        term_text(stdout, gone ? TONE_GOOD : TONE_WARN, state);
        term_printf(stdout, TONE_PLAIN, " %s%s\n", id, gone ? "" : ": an attempt of it may have arrived");
    }
    return rc;
}

/* The message that has this key, taken back. */
static int cancel_keyed(struct rest *r, const struct args *a)
{
    struct json answer;
    struct buf path;
    char id[64];
    buf_init(&path, PATH_MAX_BYTES);
    buf_puts(&path, "/messages");
    add_parameter(&path, "key", args_get(a, "key"));
    int rc = path.failed ? cmd_fail(CMD_USAGE, NULL, "--key is too long") : get(r, buf_cstr(&path), &answer);
    buf_done(&path);
    if (rc != CMD_OK)
        return rc;
    struct json_iter it = json_iter(json_get(answer, "messages"));
    if (!json_next(&it))
        return cmd_fail(CMD_FAILED, "keys are kept for a week or two", "no message has the key \"%s\"",
                        args_get(a, "key"));
    struct str found = json_str_or(json_get(it.value, "id"), STR(""));
    snprintf(id, sizeof id, "%.*s", (int)found.n, found.p);
    return cancel_one(r, a, id);
}

int messages_cancel_run(const struct args *a)
{
    struct rest r;
    size_t failed = 0;
    if (args_has(a, "key") == (a->n_words > 0))
        return cmd_fail(CMD_USAGE, NULL, "say which to take back: ids, or --key KEY");
    int last = CMD_OK, rc = rest_open(&r, a);
    if (rc == CMD_OK && args_has(a, "key"))
        rc = cancel_keyed(&r, a);
    for (size_t i = 0; rc == CMD_OK && i < a->n_words; i++) {
        int one = cancel_one(&r, a, a->word[i]);
        failed += one != CMD_OK;
        last = one != CMD_OK ? one : last;
    }
    rest_close(&r);
    if (rc != CMD_OK || failed == 0)
        return rc;
    return failed == a->n_words ? last : CMD_PARTIAL;
}
