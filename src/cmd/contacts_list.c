/* SPDX-License-Identifier: Apache-2.0
 * contacts_list.c - `wayleave contacts list`: contacts by what they did lately, by tag, by attribute.
 *
 * A client of GET /wayleave/v1/contacts, page by page, so that neither side ever holds more than a page. For people it ends after
 * --limit contacts; for programs, as JSON or CSV, it goes to the end. A row that was printed stays printed: a list that breaks off says
 * so and ends with the exit status for "partly". */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd/json_rows.h"
#include "cmd/rest_client.h"
#include "cmd/show.h"
#include "cmd/table_out.h"
#include "cmd/verbs.h"

#define PATH_MAX_BYTES 3000
#define PAGE           500
#define SHOWN          "100"
#define ROW_MAX        65536

const struct option contacts_list_options[] = {
    {.name = "activity",
     .value = "CLASS",
     .help = "new, interactive, active, dormant or undeliverable, or several with commas"},
    {.name = "idle-days", .value = "N", .help = "no sign of life for so many days"},
    {.name = "seen-days", .value = "N", .help = "a sign of life within so many days: their phone is on"},
    {.name = "horizon-days", .value = "N", .help = "what counts as lately (default 90)"},
    {.name = "tag", .value = "TAG", .help = "who has this tag"},
    {.name = "attribute",
     .value = "NAME=VALUE",
     .help = "who has this value; NAME alone: any. May be given several times",
     .repeat = true},
    {.name = "limit", .value = "N", .help = "at most this many (default " SHOWN "; of --json and --csv: all)"},
    {.name = "csv", .help = "as a table for other programs"},
    {0},
};

static const struct rest_word words[] = {{"activity", "--activity"},
                                         {"idle_days", "--idle-days"},
                                         {"seen_days", "--seen-days"},
                                         {"horizon_days", "--horizon-days"},
                                         {"tag", "--tag"},
                                         {"attribute.", "--attribute"},
                                         {"limit", "--limit"},
                                         {NULL, NULL}};

static const char *const columns[] = {"phone",         "user_id",      "id",           "name",        "lang",
                                      "class",         "score",        "stopped",      "last_sent",   "last_delivered",
                                      "last_read",     "last_replied", "last_clicked", "last_failed", "undeliverable",
                                      "delay_typical", "tags",         "created_at"};
#define COLUMNS (sizeof columns / sizeof *columns)

struct listing {
    const struct args *a;
    enum { AS_TABLE, AS_JSON, AS_CSV } form;
    int64_t most, rows; /* most 0: all */
};

static void add_parameter(struct buf *path, const char *name, struct str value)
{
    buf_printf(path, "%c%s=", memchr(path->data, '?', path->len) != NULL ? '&' : '?', name);
    rest_segment(path, value);
}

static void add_attributes(const struct args *a, struct buf *path)
{
    const char *given;
    for (size_t i = 0; (given = args_nth(a, "attribute", i)) != NULL; i++) {
        struct str value, name = str_cut(str_of(given), '=', &value);
        buf_printf(path, "%cattribute.", memchr(path->data, '?', path->len) != NULL ? '&' : '?');
        rest_segment(path, name);
        buf_putc(path, '=');
        rest_segment(path, value.p != NULL ? value : (struct str){"", 0});
    }
}

static bool page_path(const struct listing *l, const char *cursor, struct buf *path)
{
    char limit[24];
    int64_t left = l->most == 0 || l->most - l->rows > PAGE ? PAGE : l->most - l->rows;
    buf_clear(path);
    buf_puts(path, "/contacts");
    for (size_t i = 0; words[i].field != NULL; i++) {
        const char *option = words[i].option + 2, *value = args_get(l->a, option);
        if (value != NULL && strcmp(option, "limit") != 0 && strcmp(option, "attribute") != 0)
            add_parameter(path, words[i].field, str_of(value));
    }
    add_attributes(l->a, path);
    snprintf(limit, sizeof limit, "%lld", (long long)left);
    add_parameter(path, "limit", str_of(limit));
    if (*cursor != '\0')
        add_parameter(path, "cursor", str_of(cursor));
    if (path->failed)
        cmd_fail(CMD_USAGE, NULL, "that is too much to ask for at once");
    return !path->failed;
}

/* --- rows ------------------------------------------------------------------------------------------------------------- */

static void put_csv_head(void)
{
    for (size_t i = 0; i < COLUMNS; i++)
        printf("%s%s", i > 0 ? "," : "", columns[i]);
    putchar('\n');
}

static void put_csv_row(struct json contact)
{
    struct buf line, cell;
    buf_init(&line, ROW_MAX);
    buf_init(&cell, ROW_MAX);
    for (size_t i = 0; i < COLUMNS; i++) {
        json_cell(json_get(contact, columns[i]), &cell);
        if (i > 0)
            buf_putc(&line, ',');
        table_put_cell(&line, buf_str(&cell), ',');
    }
    fwrite(buf_cstr(&line), 1, line.len, stdout);
    putchar('\n');
    buf_done(&cell);
    buf_done(&line);
}

static void put_head(void)
{
    term_cell(stdout, TONE_DIM, STR("contact"), 24);
    term_cell(stdout, TONE_DIM, STR("activity"), 15);
    term_cell(stdout, TONE_DIM, STR("score"), 8);
    term_cell(stdout, TONE_DIM, STR("delivered"), 21);
    term_cell(stdout, TONE_DIM, STR("replied or tapped"), 21);
    term_text(stdout, TONE_DIM, STR("name"));
    putchar('\n');
}

static enum tone tone_of(struct str class)
{
    return str_eq(class, STR("undeliverable")) ? TONE_BAD : str_eq(class, STR("dormant")) ? TONE_WARN : TONE_PLAIN;
}

static void put_row(struct json contact)
{
    char delivered[SHOW_TIME], replied[SHOW_TIME];
    struct str who = show_text(contact, "phone"), class = show_text(contact, "class");
    struct str reply = show_text(contact, "last_replied"), click = show_text(contact, "last_clicked");
    struct buf score;
    bool tapped = click.n > 0 && (reply.n == 0 || memcmp(click.p, reply.p, click.n < reply.n ? click.n : reply.n) > 0);
    buf_init(&score, 64);
    json_cell(json_get(contact, "score"), &score);
    who = who.n > 0 ? who : show_text(contact, "user_id");
    term_cell(stdout, TONE_PLAIN, who.n > 0 ? who : show_text(contact, "id"), 24);
    term_cell(stdout, tone_of(class), class, 15);
    term_cell(stdout, TONE_PLAIN, buf_str(&score), 8);
    term_cell(stdout, TONE_PLAIN, show_time(json_get(contact, "last_delivered"), delivered), 21);
    term_cell(stdout, TONE_PLAIN, show_time(json_get(contact, tapped ? "last_clicked" : "last_replied"), replied), 21);
    term_text(stdout, TONE_PLAIN, show_text(contact, "name"));
    putchar('\n');
    buf_done(&score);
}

static int put_page(struct listing *l, struct json contacts)
{
    for (struct json_iter it = json_iter(contacts); json_next(&it); l->rows++) {
        if (l->rows == 0 && l->form == AS_TABLE)
            put_head();
        if (l->form == AS_CSV)
            put_csv_row(it.value);
        else if (l->form == AS_TABLE)
            put_row(it.value);
        else if (rest_print(it.value) != CMD_OK)
            return CMD_FAILED;
    }
    if (fflush(stdout) != 0 || ferror(stdout))
        return cmd_fail(CMD_FAILED, NULL, "standard output could not be written");
    return CMD_OK;
}

/* --- pages ------------------------------------------------------------------------------------------------------------ */

static int list_page(struct rest *r, struct listing *l, struct buf *path, char cursor[40])
{
    struct json answer;
    if (!page_path(l, cursor, path))
        return CMD_USAGE;
    int rc = rest_call(r, "GET", buf_cstr(path), (struct str){NULL, 0}, &answer);
    if (rc == CMD_OK)
        rc = rest_check(r, answer);
    if (rc != CMD_OK)
        return rc;
    struct str next = json_str_or(json_get(answer, "next"), STR(""));
    snprintf(cursor, 40, "%.*s", (int)next.n, next.p);
    return put_page(l, json_get(answer, "contacts"));
}

static void say_end(const struct listing *l, bool more)
{
    if (l->form != AS_TABLE)
        return;
    if (l->rows == 0)
        puts("no contact");
    else if (more && !args_has(l->a, "quiet"))
        term_printf(stdout, TONE_DIM, "there are more: --limit N, or --csv for all\n");
}

static int list_all(struct rest *r, struct listing *l, struct buf *path)
{
    char cursor[40] = "";
    int rc;
    do {
        rc = list_page(r, l, path, cursor);
    } while (rc == CMD_OK && *cursor != '\0' && (l->most == 0 || l->rows < l->most));
    if (rc != CMD_OK && l->rows > 0 && !ferror(stdout))
        return cmd_fail(CMD_PARTIAL, "give the command again", "the list is not complete: %lld contacts were printed",
                        (long long)l->rows);
    if (rc == CMD_OK)
        say_end(l, *cursor != '\0');
    return rc;
}

int contacts_list(const struct args *a)
{
    struct listing l = {.a = a, .form = args_has(a, "csv") ? AS_CSV : args_has(a, "json") ? AS_JSON : AS_TABLE};
    const char *limit = args_get(a, "limit") != NULL ? args_get(a, "limit") : l.form == AS_TABLE ? SHOWN : NULL;
    struct rest r;
    struct buf path;
    if (limit != NULL && (!str_i64(str_of(limit), &l.most) || l.most < 1))
        return cmd_fail(CMD_USAGE, NULL, "--limit is a number, 1 or more");
    int rc = rest_open(&r, a);
    r.words = words;
    buf_init(&path, PATH_MAX_BYTES);
    if (rc == CMD_OK && l.form == AS_CSV)
        put_csv_head();
    if (rc == CMD_OK)
        rc = list_all(&r, &l, &path);
    rest_close(&r);
    buf_done(&path);
    return rc;
}
