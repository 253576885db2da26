/* SPDX-License-Identifier: Apache-2.0
 * contacts.c - `wayleave contacts import` and `contacts show`.
 *
 * An import reads the file once for its digest (every consent it brings is recorded with name and digest of the
 * file it came from) and once for its rows, in batches the gateway takes or refuses row by row. Every row ends in
 * exactly one count: created, updated, unchanged, failed, or not sent; warnings are about rows that were taken. Running it again changes nothing that is
 * already there, so the answer to an interrupted import is the same command. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/contact_row.h"
#include "cmd/import_file.h"
#include "cmd/rest_client.h"
#include "cmd/show.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

#define BATCH_ROWS   500
#define BATCH_BYTES  (900u << 10)
#define ERRORS_BYTES (64u << 20)
#define ERRORS_SHOWN 20

struct import {
    const struct args *args;
    struct import_file file;
    FILE *bad; /* --errors */
    struct rest rest;
    bool connected, stopped; /* stopped: the gateway went away; the rest is only counted */
    int stop_code;
    struct csv *csv;
    struct contact_columns columns;
    struct buf source;
    struct {
        struct buf contacts; /* the objects, comma-separated */
        struct buf rows;     /* the same rows as CSV, for --errors */
        int line[BATCH_ROWS];
        size_t row_at[BATCH_ROWS + 1];
        bool failed[BATCH_ROWS];
        size_t n;
    } batch;
    int64_t rows, created, updated, unchanged, consents, failed, warned, unsent;
    struct buf behind;           /* fields of a row that no column is for, each behind its delimiter */
    struct buf errors, warnings; /* JSON objects, comma-separated */
    bool errors_cut;
    bool progress;
    int64_t drawn_ns;
};

static size_t read_in(void *from, char *p, size_t n)
{
    return fread(p, 1, n, from);
}

static void draw(struct import *m, bool last)
{
    int64_t now = clock_mono_ns();
    if (!m->progress || (!last && now - m->drawn_ns < 100000000))
        return;
    m->drawn_ns = now;
    if (last)
        fputs("\r\033[K", stderr);
    else
        fprintf(stderr, "\r%s: %lld rows, %lld failed ", m->file.name, (long long)m->rows, (long long)m->failed);
}

/* The row for --errors: its fields without an older error column; why follows, and behind it what no column is for. */
static void keep_row(struct import *m, const struct csv_row *row, struct buf *out)
{
    char d = csv_delimiter(m->csv);
    for (size_t i = 0; i < m->columns.n; i++) {
        if ((int)i == m->columns.at[COLUMN_ERROR])
            continue;
        csv_put(out, i < row->n ? row->field[i] : (struct str){"", 0}, d);
        buf_putc(out, d);
    }
}

/* One more object of a list; what does not fit any more is only counted. */
static void list_note(struct import *m, struct buf *list, int line, const char *field, struct str message)
{
    struct json_out out;
    size_t before = list->len;
    if (before > 0)
        buf_putc(list, ',');
    json_out_init(&out, list);
    jo_object(&out);
    jo_kint(&out, "line", line);
    jo_kcstr(&out, "field", field);
    jo_kstr(&out, "message", message);
    jo_end(&out);
    if (list->failed) {
        list->len = before;
        list->failed = false;
        m->errors_cut = true;
    }
}

static void print_note(struct import *m, const char *kind, int line, const char *field, struct str message)
{
    if (args_has(m->args, "json"))
        return;
    draw(m, true);
    fprintf(stderr, "%s:%d: %s%s%s", m->file.name, line, kind, field ? field : "", field ? ": " : "");
    term_text(stderr, TONE_PLAIN, message);
    fputc('\n', stderr);
}

/* The row was taken all the same. */
static void note_warning(struct import *m, int line, const char *field, struct str message)
{
    m->warned++;
    list_note(m, &m->warnings, line, field, message);
    if (m->warned <= ERRORS_SHOWN && !args_has(m->args, "quiet"))
        print_note(m, "warning: ", line, field, message);
}

static void note_error(struct import *m, int line, const char *field, struct str message, struct str kept)
{
    m->failed++;
    list_note(m, &m->errors, line, field, message);
    if (m->failed <= ERRORS_SHOWN)
        print_note(m, "", line, field, message);
    if (m->bad) {
        struct buf why;
        buf_init(&why, 2 * ERR_TEXT_MAX);
        if (field)
            buf_printf(&why, "%s: ", field);
        buf_putstr(&why, message);
        struct buf cell;
        buf_init(&cell, 8 * ERR_TEXT_MAX);
        csv_put(&cell, buf_str(&why), csv_delimiter(m->csv));
        fwrite(kept.p, 1, kept.n, m->bad);
        fprintf(m->bad, "%s%s\n", buf_cstr(&cell), buf_cstr(&m->behind));
        buf_done(&cell);
        buf_done(&why);
    }
}

/* ---------------------------------------------------------------- batches */

static struct str kept_row(const struct import *m, size_t i)
{
    return (struct str){buf_cstr(&m->batch.rows) + m->batch.row_at[i], m->batch.row_at[i + 1] - m->batch.row_at[i]};
}

static int64_t number(struct json answer, const char *key)
{
    int64_t n = 0;
    json_i64(json_get(answer, key), &n);
    return n;
}

/* Rows the gateway named; a number it does not know of is not ours to count. */
static size_t batch_errors(struct import *m, struct json errors)
{
    size_t n = 0;
    for (struct json_iter it = json_iter(errors); json_next(&it);) {
        int64_t line = number(it.value, "row");
        char field[64];
        struct str name = json_str_or(json_get(it.value, "field"), STR(""));
        snprintf(field, sizeof field, "%.*s", (int)name.n, name.p);
        for (size_t i = 0; i < m->batch.n; i++) {
            if (m->batch.line[i] != line || m->batch.failed[i])
                continue;
            m->batch.failed[i] = true;
            n++;
            note_error(m, (int)line, name.n ? field : NULL, json_str_or(json_get(it.value, "message"), STR("refused")),
                       kept_row(m, i));
            break;
        }
    }
    return n;
}

static void batch_warnings(struct import *m, struct json warnings)
{
    for (struct json_iter it = json_iter(warnings); json_next(&it);) {
        char field[64];
        struct str name = json_str_or(json_get(it.value, "field"), STR(""));
        snprintf(field, sizeof field, "%.*s", (int)name.n, name.p);
        note_warning(m, (int)number(it.value, "row"), name.n ? field : NULL,
                     json_str_or(json_get(it.value, "message"), STR("")));
    }
}

static void batch_answer(struct import *m, struct json answer)
{
    int64_t created = number(answer, "created"), updated = number(answer, "updated"),
            unchanged = number(answer, "unchanged");
    size_t failed = batch_errors(m, json_get(answer, "errors"));
    batch_warnings(m, json_get(answer, "warnings"));
    m->created += created;
    m->updated += updated;
    m->unchanged += unchanged;
    m->consents += number(answer, "consents");
    int64_t missing = (int64_t)m->batch.n - created - updated - unchanged - (int64_t)failed;
    if (missing != 0) {
        cmd_fail(CMD_FAILED, "run the import again: rows already taken stay unchanged",
                 "the gateway's counts leave %lld rows open", (long long)missing);
        m->stopped = true;
        m->stop_code = CMD_FAILED;
        m->unsent += missing > 0 ? missing : 0;
    }
}

static void batch_send(struct import *m)
{
    struct buf body;
    struct json_out out;
    struct json answer;
    if (m->batch.n == 0)
        return;
    buf_init(&body, BATCH_BYTES + 4096);
    json_out_init(&out, &body);
    jo_object(&out);
    jo_kstr(&out, "source", buf_str(&m->source));
    jo_key(&out, "contacts");
    buf_putc(&body, '[');
    buf_putstr(&body, buf_str(&m->batch.contacts));
    buf_puts(&body, "]}");
    int rc = rest_call(&m->rest, "POST", "/contacts/import", buf_str(&body), &answer);
    if (rc == CMD_OK)
        rc = rest_check(&m->rest, answer);
    if (rc == CMD_OK) {
        batch_answer(m, answer);
    } else {
        m->stopped = true;
        m->stop_code = rc;
        m->unsent += (int64_t)m->batch.n;
    }
    buf_done(&body);
    buf_clear(&m->batch.contacts);
    buf_clear(&m->batch.rows);
    memset(m->batch.failed, 0, sizeof m->batch.failed);
    m->batch.n = 0;
}

static void batch_add(struct import *m, const struct csv_row *row, struct str contact)
{
    if (m->batch.n == BATCH_ROWS || m->batch.contacts.len + contact.n + 1 > BATCH_BYTES)
        batch_send(m);
    if (m->stopped) {
        m->unsent++;
        return;
    }
    if (m->batch.n > 0)
        buf_putc(&m->batch.contacts, ',');
    buf_putstr(&m->batch.contacts, contact);
    m->batch.line[m->batch.n] = row->line;
    m->batch.row_at[m->batch.n++] = m->batch.rows.len;
    keep_row(m, row, &m->batch.rows);
    m->batch.row_at[m->batch.n] = m->batch.rows.len;
}

/* ---------------------------------------------------------------- rows */

/* In the --errors file a row that is not sent stands behind those before it, whose answer is asked for now. */
static void send_before(struct import *m)
{
    if (m->bad != NULL && m->connected && !m->stopped)
        batch_send(m);
}

static void bad_row(struct import *m, const struct csv_row *row, const char *field, const struct err *why)
{
    struct buf kept;
    char d = csv_delimiter(m->csv);
    send_before(m);
    buf_init(&kept, 3 * CSV_ROW_BYTES);
    keep_row(m, row, &kept);
    for (size_t i = m->columns.n; i < row->n; i++) {
        buf_putc(&m->behind, d);
        csv_put(&m->behind, row->field[i], d);
    }
    note_error(m, row->line, field, str_of(why->text), buf_str(&kept));
    buf_clear(&m->behind);
    buf_done(&kept);
}

static void broken_row(struct import *m, const struct csv_row *row, const struct err *why)
{
    struct buf kept;
    buf_init(&kept, 3 * CSV_ROW_BYTES);
    csv_put(&kept, row->raw, csv_delimiter(m->csv)); /* in the first field: as it stood, for a person to repair */
    size_t n = m->columns.n - (m->columns.at[COLUMN_ERROR] >= 0);
    for (size_t i = 0; i < n; i++)
        buf_putc(&kept, csv_delimiter(m->csv));
    send_before(m);
    note_error(m, row->line, NULL, str_of(why->text), buf_str(&kept));
    buf_done(&kept);
}

static void good_row(struct import *m, const struct csv_row *row)
{
    struct buf contact;
    struct json_out out;
    struct err e = {0};
    enum contact_column at = COLUMN_PHONE;
    buf_init(&contact, 8 * CSV_ROW_BYTES);
    json_out_init(&out, &contact);
    int rc = contact_row_json(&m->columns, row, &out, &at, &e);
    if (rc >= 0 && contact.failed)
        rc = err_set(&e, WL_ETOOBIG, "the row is too long");
    if (rc == 1)
        note_warning(m, row->line, contact_column_name(at), str_of(e.text));
    if (rc < 0) {
        bad_row(m, row, contact_column_name(at), &e);
    } else if (m->connected) {
        batch_add(m, row, buf_str(&contact));
    } else {
        m->unsent++;
    }
    buf_done(&contact);
}

static void read_rows(struct import *m)
{
    struct csv_row row;
    struct err e = {0};
    int rc;
    while ((rc = csv_next(m->csv, &row, &e)) != 0) {
        if (rc == 1 && contact_row_blank(&row))
            continue;
        m->rows++;
        if (rc == 1)
            good_row(m, &row);
        else
            broken_row(m, &row, &e);
        draw(m, false);
    }
    if (m->connected && !m->stopped)
        batch_send(m);
    draw(m, true);
}

/* ---------------------------------------------------------------- the whole import */

static int read_header(struct import *m)
{
    struct csv_row row;
    struct err e = {0};
    int rc = csv_next(m->csv, &row, &e);
    if (rc == 0)
        return cmd_fail(CMD_FAILED, NULL, "%s is empty", m->file.name);
    if (rc == 1)
        rc = contact_columns_read(&m->columns, &row, &e);
    if (rc < 0)
        return cmd_fail(CMD_FAILED, "see the columns in: wayleave help contacts import", "%s:%d: %s", m->file.name,
                        row.line, e.text);
    m->columns.international = args_has(m->args, "international");
    m->columns.fallback[COLUMN_CONSENT] = args_get(m->args, "consent");
    m->columns.fallback[COLUMN_AT] = args_get(m->args, "consent-at");
    m->columns.fallback[COLUMN_METHOD] = args_get(m->args, "consent-method");
    m->columns.fallback[COLUMN_WORDING] = args_get(m->args, "consent-wording");
    m->columns.fallback[COLUMN_EVIDENCE] = args_get(m->args, "consent-evidence");
    m->columns.fallback[COLUMN_BUSINESS] = args_get(m->args, "business");
    m->columns.fallback[COLUMN_POLICY] = args_get(m->args, "policy");
    m->columns.fallback[COLUMN_JURISDICTION] = args_get(m->args, "jurisdiction");
    m->columns.fallback[COLUMN_EXPIRES] = args_get(m->args, "consent-expires");
    if (m->columns.ignored.len > 0 && !args_has(m->args, "quiet")) {
        fprintf(stderr, "%s: columns not used: ", m->file.name);
        term_text(stderr, TONE_PLAIN, buf_str(&m->columns.ignored));
        fputc('\n', stderr);
    }
    const char *bad = args_get(m->args, "errors");
    rc = bad ? import_errors_open(&m->file, bad, &m->bad) : CMD_OK;
    if (m->bad) {
        struct buf head;
        buf_init(&head, 3 * CSV_ROW_BYTES);
        keep_row(m, &row, &head);
        fprintf(m->bad, "%serror\n", buf_cstr(&head));
        buf_done(&head);
    }
    return rc;
}

static void report_json(const struct import *m)
{
    struct buf b;
    struct json_out out;
    buf_init(&b, 2 * ERRORS_BYTES + 4096);
    json_out_init(&out, &b);
    jo_object(&out);
    jo_kcstr(&out, "file", m->file.name);
    jo_kbool(&out, "dry_run", args_has(m->args, "dry-run"));
    const struct {
        const char *name;
        int64_t n;
    } counts[] = {{"rows", m->rows},           {"created", m->created},   {"updated", m->updated},
                  {"unchanged", m->unchanged}, {"consents", m->consents}, {"failed", m->failed},
                  {"warned", m->warned},       {"not_sent", m->unsent}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        jo_kint(&out, counts[i].name, counts[i].n);
    jo_kstr(&out, "ignored_columns", buf_str(&m->columns.ignored));
    jo_kbool(&out, "errors_complete", !m->errors_cut);
    jo_key(&out, "errors");
    buf_putc(&b, '[');
    buf_putstr(&b, buf_str(&m->errors));
    buf_puts(&b, "],\"warnings\":[");
    buf_putstr(&b, buf_str(&m->warnings));
    buf_puts(&b, "]}");
    cmd_print_json(&b);
    buf_done(&b);
}

static void report_line(const char *what, int64_t n, enum tone tone)
{
    fputs("  ", stdout);
    term_cell(stdout, TONE_PLAIN, str_of(what), 12);
    term_printf(stdout, n > 0 ? tone : TONE_PLAIN, "%9lld", (long long)n);
    fputc('\n', stdout);
}

static void report_text(const struct import *m)
{
    bool dry = args_has(m->args, "dry-run");
    printf("%s: %lld rows%s\n", m->file.name, (long long)m->rows, dry ? ", nothing was sent (dry run)" : "");
    if (dry) {
        report_line("right", m->unsent, TONE_GOOD);
    } else {
        report_line("created", m->created, TONE_GOOD);
        report_line("updated", m->updated, TONE_GOOD);
        report_line("unchanged", m->unchanged, TONE_PLAIN);
        if (m->unsent > 0)
            report_line("not sent", m->unsent, TONE_BAD);
    }
    report_line(dry ? "wrong" : "failed", m->failed, TONE_BAD);
    if (m->warned > 0)
        report_line("warnings", m->warned, TONE_WARN);
    if (!dry)
        report_line("consents", m->consents, TONE_GOOD);
    if (m->warned > ERRORS_SHOWN)
        printf("only the first %d warnings are shown; --json lists all of them\n", ERRORS_SHOWN);
    if (m->failed > ERRORS_SHOWN && m->bad == NULL)
        printf("only the first %d failures are shown; --errors FILE writes all of them, to be repaired and imported\n",
               ERRORS_SHOWN);
}

static int report(struct import *m)
{
    if (args_has(m->args, "json"))
        report_json(m);
    else if (!args_has(m->args, "quiet"))
        report_text(m);
    if (m->bad && (fflush(m->bad) != 0 || ferror(m->bad)))
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be written: %s", args_get(m->args, "errors"), strerror(errno));
    if (m->stopped)
        return m->stop_code;
    return m->failed > 0 ? CMD_PARTIAL : CMD_OK;
}

int contacts_import(const struct args *a)
{
    struct import *m = calloc(1, sizeof *m);
    if (m == NULL)
        abort();
    m->args = a;
    m->progress = isatty(STDERR_FILENO) && !args_has(a, "quiet");
    buf_init(&m->source, 1024);
    buf_init(&m->errors, ERRORS_BYTES);
    buf_init(&m->behind, 3 * CSV_ROW_BYTES);
    buf_init(&m->warnings, ERRORS_BYTES);
    buf_init(&m->batch.contacts, BATCH_BYTES + 8 * CSV_ROW_BYTES);
    buf_init(&m->batch.rows, BATCH_ROWS * 3 * CSV_ROW_BYTES);
    int rc = import_file_open(a->word[0], &m->file);
    buf_printf(&m->source, "%s sha256:%s", m->file.name, m->file.sha256);
    m->csv = csv_open(read_in, m->file.in);
    if (rc == CMD_OK && !args_has(a, "dry-run")) {
        rc = rest_open(&m->rest, a);
        m->connected = true;
    }
    if (rc == CMD_OK)
        rc = read_header(m);
    if (rc == CMD_OK) {
        read_rows(m);
        rc = report(m);
    }
    if (m->bad)
        fclose(m->bad);
    import_file_close(&m->file);
    if (m->connected)
        rest_close(&m->rest);
    csv_free(m->csv);
    contact_columns_done(&m->columns);
    buf_done(&m->batch.contacts);
    buf_done(&m->batch.rows);
    buf_done(&m->errors);
    buf_done(&m->behind);
    buf_done(&m->warnings);
    buf_done(&m->source);
    free(m);
    return rc;
}

int contacts_show(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_get(&r, "/contacts/", a->word[0], &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK)
        show_contact(answer);
    rest_close(&r);
    return rc;
}
