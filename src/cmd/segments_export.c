/* SPDX-License-Identifier: Apache-2.0
 * segments_export.c - `wayleave segments export`: everybody of a segment as CSV, or as lines of JSON, a page at a time.
 *
 * Neither side holds more than a page. A saved segment is exported in the version it has when the export begins. Contacts come by their
 * ids, so nobody comes twice; who is saved meanwhile may be in it or not. What was printed stays printed: an export that
 * breaks off says so and ends with the exit status for "partly". */
#include <stdio.h>

#include "cmd/json_rows.h"
#include "cmd/segments_verbs.h"
#include "cmd/table_out.h"
#include "cmd/term.h"

#define PAGE    1000
#define ROW_MAX (256u << 10)

static const char *const columns[] = {"phone",        "user_id",   "id",      "name",      "lang",      "country",
                                      "class",        "score",     "stopped", "last_sent", "last_read", "last_replied",
                                      "last_clicked", "reachable", "tags",    "created_at"};
#define COLUMNS (sizeof columns / sizeof *columns)

struct exporting {
    const struct args *a;
    bool json;
    int64_t most, rows; /* most 0: all */
    char cursor[64];
};

static void put_cell(struct buf *line, struct str text)
{
    if (line->len > 0)
        buf_putc(line, ',');
    table_put_cell(line, text, ',');
}

static void put_line(struct buf *line)
{
    fwrite(buf_cstr(line), 1, line->len, stdout);
    putchar('\n');
    buf_clear(line);
}

static void put_head(const struct args *a, struct buf *line)
{
    const char *name;
    for (size_t i = 0; i < COLUMNS; i++)
        put_cell(line, str_of(columns[i]));
    for (size_t i = 0; (name = args_nth(a, "attribute", i)) != NULL; i++)
        put_cell(line, str_of(name));
    put_line(line);
}

static void put_row(const struct args *a, struct json contact, struct buf *line, struct buf *cell)
{
    const char *name;
    for (size_t i = 0; i < COLUMNS; i++) {
        json_cell(json_get(contact, columns[i]), cell);
        if (i > 0)
            buf_putc(line, ',');
        table_put_cell(line, buf_str(cell), ',');
    }
    for (size_t i = 0; (name = args_nth(a, "attribute", i)) != NULL; i++) {
        json_cell(json_at(contact, "attributes", name), cell);
        buf_putc(line, ',');
        table_put_cell(line, buf_str(cell), ',');
    }
    put_line(line);
}

static int put_page(struct exporting *x, struct json contacts)
{
    struct buf line, cell;
    int rc = CMD_OK;
    buf_init(&line, ROW_MAX);
    buf_init(&cell, ROW_MAX);
    if (x->rows == 0 && !x->json && *x->cursor == '\0')
        put_head(x->a, &line);
    for (struct json_iter it = json_iter(contacts); rc == CMD_OK && json_next(&it); x->rows++) {
        if (x->json)
            rc = rest_print(it.value);
        else
            put_row(x->a, it.value, &line, &cell);
    }
    buf_done(&cell);
    buf_done(&line);
    if (rc == CMD_OK && (fflush(stdout) != 0 || ferror(stdout)))
        rc = cmd_fail(CMD_FAILED, NULL, "standard output could not be written");
    return rc;
}

/* The question, which is read once, with this page's limit and place behind it. */
static int page_body(const struct exporting *x, struct str question, struct buf *body)
{
    int64_t left = x->most == 0 || x->most - x->rows > PAGE ? PAGE : x->most - x->rows;
    buf_clear(body);
    buf_put(body, question.p, question.n - 1);
    buf_printf(body, ",\"limit\":%lld", (long long)left);
    if (*x->cursor != '\0')
        buf_printf(body, ",\"cursor\":\"%s\"", x->cursor);
    buf_putc(body, '}');
    return body->failed ? cmd_fail(CMD_USAGE, NULL, "that is too much to ask for at once") : CMD_OK;
}

static int read_question(const struct args *a, struct buf *out)
{
    struct json_out o;
    json_out_init(&o, out);
    jo_object(&o);
    int rc = segments_put_question(a, &o);
    jo_end(&o);
    return rc;
}

static int export_page(struct rest *r, struct exporting *x, struct str question, struct buf *body)
{
    struct json answer;
    int rc = page_body(x, question, body);
    if (rc == CMD_OK)
        rc = segments_post(r, "export", body, &answer);
    if (rc == CMD_OK)
        rc = put_page(x, json_get(answer, "contacts"));
    struct str next = rc == CMD_OK ? json_str_or(json_get(answer, "next"), STR("")) : STR("");
    if (rc == CMD_OK)
        snprintf(x->cursor, sizeof x->cursor, "%.*s", (int)next.n, next.p);
    return rc;
}

static int export_all(struct rest *r, struct exporting *x)
{
    struct buf question, body;
    buf_init(&question, SEGMENTS_BODY_MAX);
    buf_init(&body, SEGMENTS_BODY_MAX);
    int rc = read_question(x->a, &question);
    do {
        rc = rc == CMD_OK ? export_page(r, x, buf_str(&question), &body) : rc;
    } while (rc == CMD_OK && *x->cursor != '\0' && (x->most == 0 || x->rows < x->most));
    buf_done(&body);
    buf_done(&question);
    return rc;
}

int segments_export_run(const struct args *a)
{
    struct exporting x = {.a = a, .json = args_has(a, "json")};
    const char *limit = args_get(a, "limit");
    struct rest r;
    if (limit != NULL && (!str_i64(str_of(limit), &x.most) || x.most < 1))
        return cmd_fail(CMD_USAGE, NULL, "--limit is a number, 1 or more");
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = export_all(&r, &x);
    rest_close(&r);
    if (rc != CMD_OK && x.rows > 0 && !ferror(stdout))
        return cmd_fail(CMD_PARTIAL, "give the command again", "the export is not complete: %lld people were printed",
                        (long long)x.rows);
    return rc;
}
