/* SPDX-License-Identifier: Apache-2.0
 * consent_import.c - `wayleave consent import`: consent events out of a table or lines of JSON.
 *
 * The file is read once for its digest and once for its rows, which go to the gateway a thousand at a time; there
 * each is taken or refused by itself. Every row ends in exactly one count: recorded, known, failed, or not sent.
 * Those that failed go to the --errors file as they stood, each with its reason, in the form they came in: it is
 * repaired and imported in its turn. Rows that were taken are known the next time, so the answer to an interrupted
 * import is the same command. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/consent_row.h"
#include "cmd/contact_row.h"
#include "cmd/import_file.h"
#include "cmd/phone_tables.h"
#include "cmd/progress.h"
#include "cmd/rest_client.h"
#include "cmd/table_out.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

#define BATCH_ROWS   1000
#define BATCH_BYTES  (900u << 10)
#define ERRORS_BYTES (16u << 20)
#define ERRORS_SHOWN 20
#define LINE_BYTES   65536
#define KEPT_BYTES   (4 * TABLE_ROW_MAX) /* a row as CSV again, at worst */

struct import {
    const struct args *args;
    struct import_file file;
    FILE *bad;
    struct rest rest;
    bool connected, lines; /* lines: of JSON */
    bool stopped;          /* the gateway went away; the rest is only counted */
    int stop_code;
    struct import_table *table;
    struct phone_tables plans;
    struct json_parser *parser;
    struct consent_format format;
    struct {
        struct buf body, rows; /* what is sent; the same rows as they stood */
        int64_t line[BATCH_ROWS];
        size_t row_at[BATCH_ROWS + 1];
        size_t n;
    } batch;
    int64_t rows, recorded, known, failed, warned, unsent;
    struct buf behind; /* fields of a CSV row that no column is for, each behind its delimiter */
    struct buf errors; /* JSON objects, comma-separated */
    bool errors_cut;
    struct progress progress;
};

static void draw(struct import *m)
{
    long at = m->lines ? ftell(m->file.in) : 0;
    uint64_t total = (uint64_t)m->file.bytes;
    uint64_t done = m->lines ? (uint64_t)(at > 0 ? at : 0) : import_table_progress(m->table, &total);
    progress_tell(&m->progress, done, total, (uint64_t)m->rows);
}

/* --- what went wrong ---------------------------------------------------------------------------------------------------- */

static void list_error(struct import *m, int64_t line, struct str field, struct str message)
{
    struct json_out out;
    size_t before = m->errors.len;
    if (before > 0)
        buf_putc(&m->errors, ',');
    json_out_init(&out, &m->errors);
    jo_object(&out);
    jo_kint(&out, "line", line);
    if (field.n > 0)
        jo_kstr(&out, "field", field);
    jo_kstr(&out, "message", message);
    jo_end(&out);
    if (m->errors.failed) {
        m->errors.len = before;
        m->errors.failed = false;
        m->errors_cut = true;
    }
}

/* The field in front of the sentence, where the sentence does not begin with it. */
static struct str label(struct str field, struct str message)
{
    return str_starts(message, field) ? STR("") : field;
}

static void print_note(struct import *m, const char *kind, int64_t line, struct str field, struct str message)
{
    field = label(field, message);
    if (args_has(m->args, "json"))
        return;
    progress_clear(&m->progress);
    fprintf(stderr, "%s:%lld: %s%.*s%s", m->file.name, (long long)line, kind, (int)field.n, field.n ? field.p : "",
            field.n ? ": " : "");
    term_text(stderr, TONE_PLAIN, message);
    fputc('\n', stderr);
}

/* The members of a line that has a reason of before, without that. */
static void keep_members(struct json line, struct json_out *out)
{
    struct buf value;
    buf_init(&value, 8 * LINE_BYTES);
    for (struct json_iter it = json_iter(line); json_next(&it);) {
        if (str_eq(it.key, STR("error")))
            continue;
        buf_clear(&value);
        json_write_value(&value, it.value);
        jo_key_str(out, it.key);
        jo_raw(out, buf_str(&value));
    }
    buf_done(&value);
}

/* A line of JSON as it stood, its reason a member before the others; one that is no object as the text of a member "line". */
static void keep_line(struct import *m, struct str kept, struct str why)
{
    struct buf b;
    struct json_out out;
    struct json root;
    struct str rest = STR("");
    bool object = json_parse(m->parser, kept, false, &root, NULL) == 0 && json_type(root) == JSON_OBJECT;
    buf_init(&b, 16 * ERR_TEXT_MAX + 8 * LINE_BYTES);
    json_out_init(&out, &b);
    jo_object(&out);
    jo_kstr(&out, "error", why);
    if (!object) {
        jo_kstr(&out, "line", kept);
    } else if (json_type(json_get(root, "error")) != JSON_ABSENT) {
        keep_members(root, &out);
    } else {
        rest = str_trim(kept);
        rest = str_trim((struct str){rest.p + 1, rest.n - 2});
    }
    fprintf(m->bad, "%s%s%.*s}\n", buf_cstr(&b), rest.n > 0 ? "," : "", (int)rest.n, rest.p);
    buf_done(&b);
}

/* The row as it stood, with its reason. */
static void keep_bad(struct import *m, struct str kept, struct str why)
{
    struct buf b;
    if (m->lines) {
        keep_line(m, kept, why);
        return;
    }
    buf_init(&b, 16 * ERR_TEXT_MAX);
    table_put_cell(&b, why, import_table_delimiter(m->table));
    fwrite(kept.p, 1, kept.n, m->bad);
    fprintf(m->bad, "%s%s\n", buf_cstr(&b), buf_cstr(&m->behind));
    buf_done(&b);
}

static void note_error(struct import *m, int64_t line, struct str field, struct str message, struct str kept)
{
    struct buf why;
    m->failed++;
    list_error(m, line, field, message);
    if (m->failed <= ERRORS_SHOWN)
        print_note(m, "", line, field, message);
    if (m->bad == NULL)
        return;
    buf_init(&why, 8 * ERR_TEXT_MAX);
    field = label(field, message);
    buf_printf(&why, "%.*s%s%.*s", (int)field.n, field.n ? field.p : "", field.n ? ": " : "", (int)message.n,
               message.p);
    keep_bad(m, kept, buf_str(&why));
    buf_done(&why);
}

/* --- batches ------------------------------------------------------------------------------------------------------------ */

static struct str text(struct json v, const char *key)
{
    return json_str_or(json_get(v, key), STR(""));
}

static void one_result(struct import *m, size_t i, struct json v)
{
    struct str kept = {buf_cstr(&m->batch.rows) + m->batch.row_at[i], m->batch.row_at[i + 1] - m->batch.row_at[i]};
    struct str result = text(v, "result");
    for (struct json_iter it = json_iter(json_get(v, "warnings")); json_next(&it);) {
        m->warned++;
        if (m->warned <= ERRORS_SHOWN && !args_has(m->args, "quiet"))
            print_note(m, "warning: ", m->batch.line[i], text(it.value, "field"), text(it.value, "message"));
    }
    if (str_eq(result, STR("recorded")))
        m->recorded++;
    else if (str_eq(result, STR("known")))
        m->known++;
    else
        note_error(m, m->batch.line[i], text(v, "field"), json_str_or(json_get(v, "message"), STR("refused")), kept);
}

/* Results come in the order of the rows. */
static void batch_answer(struct import *m, struct json answer)
{
    size_t i = 0;
    for (struct json_iter it = json_iter(json_get(answer, "results")); json_next(&it) && i < m->batch.n; i++)
        one_result(m, i, it.value);
    if (i == m->batch.n)
        return;
    cmd_fail(CMD_FAILED, "run the import again: rows already taken are known then",
             "the gateway's answer leaves %zu rows open", m->batch.n - i);
    m->stopped = true;
    m->stop_code = CMD_FAILED;
    m->unsent += (int64_t)(m->batch.n - i);
}

static void batch_send(struct import *m)
{
    struct json answer;
    if (m->batch.n == 0)
        return;
    int rc = rest_call(&m->rest, "POST", "/consent/bulk", buf_str(&m->batch.body), &answer);
    if (rc == CMD_OK)
        rc = rest_check(&m->rest, answer);
    if (rc == CMD_OK) {
        batch_answer(m, answer);
    } else {
        m->stopped = true;
        m->stop_code = rc;
        m->unsent += (int64_t)m->batch.n;
    }
    buf_clear(&m->batch.body);
    buf_clear(&m->batch.rows);
    m->batch.n = 0;
}

static void batch_add(struct import *m, int64_t line, struct str event, struct str kept)
{
    if (m->batch.n == BATCH_ROWS || m->batch.body.len + event.n + 1 > BATCH_BYTES || m->batch.rows.len > KEPT_BYTES)
        batch_send(m);
    if (!m->connected || m->stopped) {
        m->unsent++;
        return;
    }
    buf_putstr(&m->batch.body, event);
    buf_putc(&m->batch.body, '\n');
    m->batch.line[m->batch.n] = line;
    m->batch.row_at[m->batch.n++] = m->batch.rows.len;
    buf_putstr(&m->batch.rows, kept);
    m->batch.row_at[m->batch.n] = m->batch.rows.len;
}

/* --- rows
 * ---------------------------------------------------------------------------------------------------------------- */

static struct str str_or_none(const char *z)
{
    return z != NULL ? str_of(z) : STR("");
}

/* In the --errors file a row that is not sent stands behind those before it, whose answer is asked for now. */
static void send_before(struct import *m)
{
    if (m->bad != NULL && m->connected && !m->stopped)
        batch_send(m);
}

/* The row for --errors: its fields without an older error column; the reason follows, and behind it what no column is for. */
static void keep_row(struct import *m, const struct import_row *row, struct buf *out)
{
    char d = import_table_delimiter(m->table);
    for (size_t i = 0; i < m->format.n; i++) {
        if ((int)i == m->format.error_at)
            continue;
        table_put_cell(out, i < row->n ? row->field[i] : STR(""), d);
        buf_putc(out, d);
    }
}

static void bad_row(struct import *m, const struct import_row *row, const char *field, const struct err *why,
                    const struct buf *kept)
{
    char d = import_table_delimiter(m->table);
    send_before(m);
    for (size_t i = m->format.n; i < row->n; i++) {
        buf_putc(&m->behind, d);
        table_put_cell(&m->behind, row->field[i], d);
    }
    note_error(m, (int64_t)row->line, str_or_none(field), str_of(why->text), buf_str(kept));
    buf_clear(&m->behind);
}

/* A row that could not be cut into fields stands in the first one, for a person to repair. */
static void broken_row(struct import *m, const struct import_row *row, struct buf *kept)
{
    struct err e = {0};
    err_set(&e, WL_EINVAL, "%s", table_problem_sentence(row->problem));
    if (row->problem >= TABLE_BROKEN) {
        buf_clear(kept);
        table_put_cell(kept, row->raw, import_table_delimiter(m->table));
        for (size_t i = 0; i < m->format.n - (m->format.error_at >= 0); i++)
            buf_putc(kept, import_table_delimiter(m->table));
    }
    bad_row(m, row, NULL, &e, kept);
}

static void take_row(struct import *m, const struct import_row *row, struct buf *event, struct buf *kept)
{
    struct json_out out;
    struct err e = {0};
    const char *field = NULL;
    buf_clear(event);
    buf_clear(kept);
    json_out_init(&out, event);
    keep_row(m, row, kept);
    if (row->problem != TABLE_RIGHT) {
        broken_row(m, row, kept);
        return;
    }
    int rc = consent_row_table(&m->format, row, &out, &field, &e);
    if (rc == 0 && event->failed)
        rc = err_set(&e, WL_ETOOBIG, "the row is too long");
    if (rc == 0)
        batch_add(m, (int64_t)row->line, buf_str(event), buf_str(kept));
    else
        bad_row(m, row, field, &e, kept);
}

static void read_table(struct import *m, struct buf *event, struct buf *kept)
{
    struct import_row row;
    struct err e = {0};
    int rc;
    while ((rc = import_table_next(m->table, &row, &e)) == 1) {
        m->rows++;
        take_row(m, &row, event, kept);
        draw(m);
    }
    if (rc == 0 || m->stopped)
        return;
    progress_end(&m->progress);
    m->stopped = true;
    m->stop_code = cmd_fail(CMD_FAILED, NULL, "%s: behind row %lld %s", m->file.name, (long long)m->rows, e.text);
}

/* The next line, without what is too much of it; false at the end. *ret_cut: there was too much. */
static bool next_line(FILE *in, struct buf *line, bool *ret_cut)
{
    int c;
    buf_clear(line);
    *ret_cut = false;
    while ((c = getc(in)) != EOF && c != '\n') {
        if (line->len < LINE_BYTES)
            buf_putc(line, (char)c);
        else
            *ret_cut = true;
    }
    return c != EOF || line->len > 0;
}

static void json_line(struct import *m, int number, struct str line, bool cut, struct buf *event)
{
    struct json_out out;
    struct err e = {0};
    const char *field = NULL;
    buf_clear(event);
    json_out_init(&out, event);
    int rc = cut ? err_set(&e, WL_ETOOBIG, "the line has more than %d bytes", LINE_BYTES)
                 : consent_row_json(&m->format, m->parser, line, number, &out, &field, &e);
    if (rc == 0 && event->failed)
        rc = err_set(&e, WL_ETOOBIG, "the row is too long");
    if (rc == 0) {
        batch_add(m, number, buf_str(event), line);
        return;
    }
    send_before(m);
    note_error(m, number, str_or_none(field), str_of(e.text), line);
}

static void read_lines(struct import *m, struct buf *event, struct buf *line)
{
    bool cut;
    for (int number = 1; next_line(m->file.in, line, &cut); number++) {
        struct str s = str_trim(buf_str(line));
        if (s.n == 0)
            continue;
        m->rows++;
        json_line(m, number, s, cut, event);
        draw(m);
    }
}

static void read_rows(struct import *m)
{
    struct buf event, kept;
    buf_init(&event, CONSENT_ROW_BYTES);
    buf_init(&kept, KEPT_BYTES);
    if (m->lines)
        read_lines(m, &event, &kept);
    else
        read_table(m, &event, &kept);
    if (m->connected && !m->stopped)
        batch_send(m);
    progress_end(&m->progress);
    buf_done(&event);
    buf_done(&kept);
}

/* --- the whole import
 * ------------------------------------------------------------------------------------------------------ */

/* What the command line says for rows that say nothing. */
static int read_options(struct import *m)
{
    static const struct {
        const char *option;
        enum consent_field field;
    } fallbacks[] = {
        {"act", FIELD_ACT},
        {"scope", FIELD_SCOPE},
        {"at", FIELD_AT},
        {"expires", FIELD_EXPIRES},
        {"method", FIELD_METHOD},
        {"source", FIELD_SOURCE},
        {"wording", FIELD_WORDING},
        {"language", FIELD_LANGUAGE},
        {"business", FIELD_BUSINESS},
        {"policy", FIELD_POLICY},
        {"jurisdiction", FIELD_JURISDICTION},
    };
    struct err e = {0};
    const char *map;
    for (size_t i = 0; i < sizeof fallbacks / sizeof fallbacks[0]; i++)
        m->format.fallback[fallbacks[i].field] = args_get(m->args, fallbacks[i].option);
    if (m->format.fallback[FIELD_METHOD] == NULL)
        m->format.fallback[FIELD_METHOD] = "import";
    m->format.numbers.international = args_has(m->args, "international");
    m->format.numbers.plans = &m->plans.data;
    for (size_t i = 0; (map = args_nth(m->args, "map", i)) != NULL; i++)
        if (consent_format_map(&m->format, map, &e) != 0)
            return cmd_fail(CMD_USAGE, NULL, "%s", e.text);
    return CMD_OK;
}

/* Lines of JSON begin with a brace; --format says it where that is not enough. */
static int read_form(struct import *m)
{
    const char *format = args_get(m->args, "format");
    int c;
    if (format != NULL && strcmp(format, "csv") != 0 && strcmp(format, "ndjson") != 0)
        return cmd_fail(CMD_USAGE, NULL, "--format is csv or ndjson, not \"%s\"", format);
    while ((c = getc(m->file.in)) == ' ' || c == '\n' || c == '\r' || c == '\t')
        ;
    m->lines = format != NULL ? strcmp(format, "ndjson") == 0 : c == '{';
    if (c == EOF)
        return cmd_fail(CMD_FAILED, NULL, "%s is empty", m->file.name);
    rewind(m->file.in);
    return CMD_OK;
}

static int read_header(struct import *m)
{
    struct import_row row;
    struct err e = {0};
    import_table_header(m->table, &row);
    int rc = row.problem == TABLE_RIGHT ? consent_format_header(&m->format, &row, &e)
                                        : err_set(&e, WL_EINVAL, "%s", table_problem_sentence(row.problem));
    if (rc < 0)
        return cmd_fail(CMD_FAILED, "see the columns in: wayleave help consent import", "%s:%llu: %s", m->file.name,
                        (unsigned long long)row.line, e.text);
    if (m->format.ignored.len > 0 && !args_has(m->args, "quiet")) {
        fprintf(stderr, "%s: columns not used: ", m->file.name);
        term_text(stderr, TONE_PLAIN, buf_str(&m->format.ignored));
        fputc('\n', stderr);
    }
    if (m->bad) {
        struct buf head;
        buf_init(&head, KEPT_BYTES);
        keep_row(m, &row, &head);
        fprintf(m->bad, "%serror\n", buf_cstr(&head));
        buf_done(&head);
    }
    return CMD_OK;
}

static void report_json(const struct import *m)
{
    struct buf b;
    struct json_out out;
    buf_init(&b, ERRORS_BYTES + 4096);
    json_out_init(&out, &b);
    jo_object(&out);
    jo_kcstr(&out, "file", m->file.name);
    jo_kcstr(&out, "sha256", m->file.sha256);
    jo_kbool(&out, "dry_run", args_has(m->args, "dry-run"));
    const struct {
        const char *name;
        int64_t n;
    } counts[] = {{"rows", m->rows},     {"recorded", m->recorded}, {"known", m->known},
                  {"failed", m->failed}, {"warned", m->warned},     {"not_sent", m->unsent}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        jo_kint(&out, counts[i].name, counts[i].n);
    jo_kbool(&out, "errors_complete", !m->errors_cut);
    jo_key(&out, "errors");
    buf_putc(&b, '[');
    buf_putstr(&b, buf_str(&m->errors));
    buf_puts(&b, "]}");
    cmd_print_json(&b);
    buf_done(&b);
}

static void report_text(const struct import *m)
{
    bool dry = args_has(m->args, "dry-run");
    printf("%s: %lld rows%s\n", m->file.name, (long long)m->rows, dry ? ", nothing was sent (dry run)" : "");
    const struct {
        const char *what;
        int64_t n;
        enum tone tone;
        bool shown;
    } lines[] = {{"recorded", m->recorded, TONE_GOOD, !dry},
                 {"known", m->known, TONE_PLAIN, !dry},
                 {dry ? "to be sent" : "not sent", m->unsent, dry ? TONE_GOOD : TONE_BAD, dry || m->unsent > 0},
                 {"failed", m->failed, TONE_BAD, true},
                 {"warnings", m->warned, TONE_WARN, m->warned > 0}};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (!lines[i].shown)
            continue;
        fputs("  ", stdout);
        term_cell(stdout, TONE_PLAIN, str_of(lines[i].what), 12);
        term_printf(stdout, lines[i].n > 0 ? lines[i].tone : TONE_PLAIN, "%9lld", (long long)lines[i].n);
        fputc('\n', stdout);
    }
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

static int begin(struct import *m)
{
    const char *bad = args_get(m->args, "errors");
    int rc = read_options(m);
    if (rc == CMD_OK)
        rc = phone_tables_open(m->args, &m->plans);
    if (rc == CMD_OK)
        rc = phone_tables_region(m->args, &m->plans, &m->format.numbers.region);
    if (rc == CMD_OK)
        rc = import_file_open(m->args->word[0], &m->file);
    m->format.file = m->file.name;
    m->format.sha256 = m->file.sha256;
    if (rc == CMD_OK)
        rc = read_form(m);
    if (rc == CMD_OK && bad != NULL)
        rc = import_errors_open(&m->file, bad, &m->bad);
    if (rc == CMD_OK && !args_has(m->args, "dry-run")) {
        rc = rest_open(&m->rest, m->args);
        m->connected = true;
    }
    if (rc == CMD_OK && !m->lines)
        rc = import_table_open(&m->file, m->args, &m->table);
    return rc == CMD_OK && !m->lines ? read_header(m) : rc;
}

int consent_import(const struct args *a)
{
    struct import *m = calloc(1, sizeof *m);
    if (m == NULL)
        abort();
    m->args = a;
    progress_begin(&m->progress, "rows", args_has(a, "quiet"));
    m->parser = json_parser_create();
    buf_init(&m->errors, ERRORS_BYTES);
    buf_init(&m->behind, KEPT_BYTES);
    buf_init(&m->batch.body, BATCH_BYTES + CONSENT_ROW_BYTES);
    buf_init(&m->batch.rows, 2 * KEPT_BYTES);
    int rc = begin(m);
    if (rc == CMD_OK) {
        read_rows(m);
        rc = report(m);
    }
    if (m->bad)
        fclose(m->bad);
    import_file_close(&m->file);
    if (m->connected)
        rest_close(&m->rest);
    import_table_close(m->table);
    phone_tables_close(&m->plans);
    json_parser_free(m->parser);
    consent_format_done(&m->format);
    buf_done(&m->batch.body);
    buf_done(&m->batch.rows);
    buf_done(&m->errors);
    buf_done(&m->behind);
    free(m);
    return rc;
}
