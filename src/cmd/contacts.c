/* SPDX-License-Identifier: Apache-2.0
 * contacts.c - `wayleave contacts import` and `contacts show`.
 *
 * An import reads the file once for its digest (every consent it brings is recorded with name and digest of the file
 * it came from) and once for its rows, in batches the gateway takes or refuses row by row. Every row ends in exactly
 * one count: created, updated, unchanged, failed, or not sent; warnings are about rows that were taken. Running it
 * again changes nothing that is already there, so the answer to an interrupted import is the same command. The rows
 * read first show what the columns hold; what was made of them is said, and can be kept for the next file. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/columns_args.h"
#include "cmd/contact_row.h"
#include "cmd/import_file.h"
#include "cmd/phone_tables.h"
#include "cmd/progress.h"
#include "cmd/rest_client.h"
#include "cmd/show.h"
#include "cmd/table_out.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

#define BATCH_ROWS   500
#define BATCH_BYTES  (900u << 10)
#define ERRORS_BYTES (64u << 20)
#define ERRORS_SHOWN 20
#define KEPT_BYTES   (4 * TABLE_ROW_MAX) /* a row as CSV again, at worst */
#define HEADER_BYTES (32u << 20)         /* what is known of columns */

struct import {
    const struct args *args;
    struct import_file file;
    FILE *bad; /* --errors */
    struct rest rest;
    bool connected, stopped; /* stopped: the gateway went away; the rest is only counted */
    int stop_code;
    struct import_table *table;
    struct phone_tables plans;
    struct arena *arena;
    struct contact_format format;
    struct buf ignored; /* columns nobody uses */
    struct buf source;
    struct {
        struct buf contacts; /* the objects, comma-separated */
        struct buf rows;     /* the same rows as CSV, for --errors */
        int64_t line[BATCH_ROWS];
        size_t row_at[BATCH_ROWS + 1];
        bool failed[BATCH_ROWS];
        size_t n;
    } batch;
    int64_t rows, created, updated, unchanged, consents, withdrawals, refused, failed, warned, unsent, left,
        other_channel, held;
    struct buf behind;           /* fields of a row that no column is for, each behind its delimiter */
    struct buf errors, warnings; /* JSON objects, comma-separated */
    bool errors_cut;
    struct progress progress;
};

static void draw(struct import *m)
{
    uint64_t total, done = import_table_progress(m->table, &total);
    progress_tell(&m->progress, done, total, (uint64_t)m->rows);
}

/* The row for --errors: its fields without an older error column; why follows, and behind it what no column is for. */
static void keep_row(struct import *m, const struct import_row *row, struct buf *out)
{
    char d = import_table_delimiter(m->table);
    for (size_t i = 0; i < m->format.columns.n; i++) {
        if (m->format.columns.column[i].role == COLUMN_ERROR)
            continue;
        table_put_cell(out, i < row->n ? row->field[i] : (struct str){"", 0}, d);
        buf_putc(out, d);
    }
}

/* One more object of a list; what does not fit any more is only counted. */
static void list_note(struct import *m, struct buf *list, int64_t line, const char *field, struct str message)
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

static void print_note(struct import *m, const char *kind, int64_t line, const char *field, struct str message)
{
    if (args_has(m->args, "json"))
        return;
    progress_clear(&m->progress);
    fprintf(stderr, "%s:%lld: %s%s%s", m->file.name, (long long)line, kind, field ? field : "", field ? ": " : "");
    term_text(stderr, TONE_PLAIN, message);
    fputc('\n', stderr);
}

/* The row was taken all the same. */
static void note_warning(struct import *m, int64_t line, const char *field, struct str message)
{
    m->warned++;
    list_note(m, &m->warnings, line, field, message);
    if (m->warned <= ERRORS_SHOWN && !args_has(m->args, "quiet"))
        print_note(m, "warning: ", line, field, message);
}

static void note_error(struct import *m, int64_t line, const char *field, struct str message, struct str kept)
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
        table_put_cell(&cell, buf_str(&why), import_table_delimiter(m->table));
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
            note_error(m, line, name.n ? field : NULL, json_str_or(json_get(it.value, "message"), STR("refused")),
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
        note_warning(m, number(it.value, "row"), name.n ? field : NULL,
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
    m->withdrawals += number(answer, "withdrawals");
    m->refused += number(answer, "refused");
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
    jo_key(&out, "import");
    jo_object(&out);
    jo_kcstr(&out, "name", m->file.name);
    jo_kcstr(&out, "sha256", m->file.sha256);
    jo_end(&out);
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

static void batch_add(struct import *m, const struct import_row *row, struct str contact)
{
    if (m->batch.n == BATCH_ROWS || m->batch.contacts.len + contact.n + 1 > BATCH_BYTES ||
        m->batch.rows.len > KEPT_BYTES)
        batch_send(m);
    if (m->stopped) {
        m->unsent++;
        return;
    }
    if (m->batch.n > 0)
        buf_putc(&m->batch.contacts, ',');
    buf_putstr(&m->batch.contacts, contact);
    m->batch.line[m->batch.n] = (int64_t)row->line;
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

static void bad_row(struct import *m, const struct import_row *row, enum column_role at, const struct err *why)
{
    struct buf kept;
    char d = import_table_delimiter(m->table);
    send_before(m);
    buf_init(&kept, KEPT_BYTES);
    if (row->problem >= TABLE_BROKEN) { /* in the first cell: as it stood, for a person to repair */
        table_put_cell(&kept, row->raw, d);
        for (size_t i = m->format.columns.at[COLUMN_ERROR] >= 0; i < m->format.columns.n; i++)
            buf_putc(&kept, d);
    } else {
        keep_row(m, row, &kept);
    }
    for (size_t i = m->format.columns.n; i < row->n; i++) {
        buf_putc(&m->behind, d);
        table_put_cell(&m->behind, row->field[i], d);
    }
    note_error(m, (int64_t)row->line, at != COLUMN_NONE ? column_role_word(at) : NULL, str_of(why->text),
               buf_str(&kept));
    buf_clear(&m->behind);
    buf_done(&kept);
}

static void take_row(struct import *m, const struct import_row *row)
{
    struct buf contact;
    struct json_out out;
    struct err e = {0};
    struct contact_found found = {.field = COLUMN_NONE};
    if (row->problem != TABLE_RIGHT) {
        err_set(&e, WL_EINVAL, "%s", table_problem_sentence(row->problem));
        bad_row(m, row, COLUMN_NONE, &e);
        return;
    }
    buf_init(&contact, BATCH_BYTES);
    json_out_init(&out, &contact);
    int rc = contact_row_json(&m->format, row, &out, &found, &e);
    if (rc >= 0 && contact.failed)
        rc = err_set(&e, WL_ETOOBIG, "the row is too long");
    if (rc == 1)
        note_warning(m, (int64_t)row->line, found.field != COLUMN_NONE ? column_role_word(found.field) : NULL,
                     str_of(e.text));
    m->left += rc >= 0 && found.withdraws;
    m->other_channel += rc >= 0 && found.other_channel;
    m->held += rc >= 0 && found.held;
    if (rc < 0)
        bad_row(m, row, found.field, &e);
    else if (m->connected)
        batch_add(m, row, buf_str(&contact));
    else
        m->unsent++;
    buf_done(&contact);
}

static void read_rows(struct import *m)
{
    struct import_row row;
    struct err e = {0};
    int rc;
    while ((rc = import_table_next(m->table, &row, &e)) == 1) {
        m->rows++;
        take_row(m, &row);
        draw(m);
    }
    if (m->connected && !m->stopped)
        batch_send(m);
    progress_end(&m->progress);
    if (rc < 0 && !m->stopped) {
        m->stopped = true;
        m->stop_code = cmd_fail(CMD_FAILED, NULL, "%s: behind row %lld %s", m->file.name, (long long)m->rows, e.text);
    }
}

/* ---------------------------------------------------------------- the whole import */

/* Numbers of cells are a workbook's own affair: rows end at their last cell that is not empty. */
static bool is_workbook(FILE *in)
{
    char mark[4];
    return pread(fileno(in), mark, sizeof mark, 0) == sizeof mark && memcmp(mark, "PK\x03\x04", sizeof mark) == 0;
}

/* What the command line says for rows that say nothing. */
static int read_fallbacks(struct import *m)
{
    static const struct {
        const char *option;
        enum column_role role;
    } fallbacks[] = {
        {"consent", COLUMN_CONSENT},           {"consent-at", COLUMN_AT},
        {"consent-method", COLUMN_METHOD},     {"consent-wording", COLUMN_WORDING},
        {"consent-evidence", COLUMN_EVIDENCE}, {"consent-expires", COLUMN_EXPIRES},
        {"business", COLUMN_BUSINESS},         {"policy", COLUMN_POLICY},
        {"jurisdiction", COLUMN_JURISDICTION},
    };
    for (size_t i = 0; i < sizeof fallbacks / sizeof fallbacks[0]; i++)
        m->format.fallback[fallbacks[i].role] = args_get(m->args, fallbacks[i].option);
    m->format.numbers.international = args_has(m->args, "international");
    m->format.numbers.allow_unassigned = args_has(m->args, "allow-unassigned");
    m->format.file = m->file.name;
    m->format.sha256 = m->file.sha256;
    char scope[128];
    struct err e = {0};
    const char *given = m->format.fallback[COLUMN_CONSENT];
    if (given == NULL || contact_scope_text(str_of(given), scope, sizeof scope, &e) == 0)
        return CMD_OK;
    return cmd_fail(CMD_USAGE, "all, or a list of marketing, utility, authentication, calls", "--consent %s: %s", given,
                    e.text);
}

/* Nobody is taken for agreed while a column that may say otherwise is not read. */
static int check_unread(struct import *m)
{
    struct buf b;
    int rc = CMD_OK;
    buf_init(&b, 65536);
    if (m->format.fallback[COLUMN_CONSENT] != NULL)
        contact_unread(&m->format, &b);
    if (b.len > 0)
        rc = cmd_fail(CMD_USAGE,
                      "say what it is with --map whatsapp_consent=COLUMN (or unsubscribed, status, ...), or that it is "
                      "about something else with --ignore-column COLUMN",
                      "with --consent, %s may say who agreed or left, and would not be read", buf_cstr(&b));
    buf_done(&b);
    return rc;
}

static int read_ignored(struct import *m)
{
    struct err e = {0};
    const char *name;
    for (size_t i = 0; (name = args_nth(m->args, "ignore-column", i)) != NULL; i++)
        if (columns_order(&m->format.columns, COLUMN_NONE, str_of(name), &e) != 0)
            return cmd_fail(CMD_USAGE, NULL, "--ignore-column: %s", e.text);
    return CMD_OK;
}

/* --consent-from: whose yes is the agreement. One about another channel wants the words that made it one to WhatsApp. */
static int read_consent_from(struct import *m)
{
    const char *name = args_get(m->args, "consent-from");
    const struct columns *c = &m->format.columns;
    m->format.consent_from = -1;
    if (name == NULL)
        return CMD_OK;
    for (size_t i = 0; i < c->n && m->format.consent_from < 0; i++)
        if (str_ieq(c->column[i].name, str_of(name)))
            m->format.consent_from = (int)i;
    if (m->format.consent_from < 0)
        return cmd_fail(CMD_USAGE, NULL, "%s has no column \"%s\"", m->file.name, name);
    if (m->format.fallback[COLUMN_CONSENT] == NULL)
        return cmd_fail(CMD_USAGE, NULL, "--consent-from wants --consent: what does a yes in \"%s\" agree to?", name);
    if (c->column[m->format.consent_from].role == COLUMN_WHATSAPP_CONSENT ||
        m->format.fallback[COLUMN_WORDING] != NULL || c->at[COLUMN_WORDING] >= 0)
        return CMD_OK;
    return cmd_fail(CMD_USAGE, "--consent-wording TEXT, with the words people saw",
                    "\"%s\" is not about WhatsApp by its name: a yes there counts with the words that named it", name);
}

static int read_attributes(struct import *m)
{
    struct err e = {0};
    const char *word;
    for (size_t i = 0; (word = args_nth(m->args, "attribute", i)) != NULL; i++)
        if (contact_attribute(&m->format, word, &e) != 0)
            return cmd_fail(CMD_USAGE, NULL, "%s", e.text);
    return CMD_OK;
}

static void say_columns(struct import *m)
{
    struct buf b;
    contact_ignored(&m->format, &m->ignored);
    if (args_has(m->args, "quiet") || args_has(m->args, "json"))
        return;
    buf_init(&b, 4096);
    columns_say(&m->format.columns, &b);
    fprintf(stderr, "%s: ", m->file.name);
    term_text(stderr, TONE_PLAIN, buf_str(&b));
    fputc('\n', stderr);
    if (m->ignored.len > 0) {
        fprintf(stderr, "%s: columns not used: ", m->file.name);
        term_text(stderr, TONE_PLAIN, buf_str(&m->ignored));
        fputc('\n', stderr);
    }
    buf_done(&b);
}

/* The first row as names of columns; or as people, where it holds a number and names nothing. */
static int read_names(struct import *m, const struct import_row *head, struct err *e)
{
    struct columns *c = &m->format.columns;
    if (head->problem != TABLE_RIGHT)
        return err_set(e, WL_EINVAL, "%s", table_problem_sentence(head->problem));
    if (!columns_is_data(&m->plans.data, m->format.numbers.region, head->row, head->cells))
        return columns_read(m->arena, head->row, head->cells, c, e);
    import_table_no_header(m->table);
    return columns_headless(m->arena, head->n, c, e);
}

static int read_header(struct import *m)
{
    struct import_row row;
    struct err e = {0};
    struct columns *c = &m->format.columns;
    import_table_header(m->table, &row);
    int rc = read_names(m, &row, &e) != 0
                 ? cmd_fail(CMD_FAILED, NULL, "%s:%llu: %s", m->file.name, (unsigned long long)row.line, e.text)
                 : columns_args_apply(m->args, c);
    if (rc == CMD_OK)
        rc = read_ignored(m);
    if (rc != CMD_OK)
        return rc;
    m->format.whole_rows = is_workbook(m->file.in);
    m->format.numbers.international = m->format.numbers.international || c->international;
    columns_look(c, &m->plans.data, m->format.numbers.region, import_table_sample(m->table));
    if (c->phones == 0 && c->at[COLUMN_USER_ID] < 0)
        return cmd_fail(CMD_FAILED, "say --map phone=COLUMN, or see: wayleave help contacts import",
                        "%s:%llu: no column holds phone numbers (or user ids), by its name or by what is in it",
                        m->file.name, (unsigned long long)row.line);
    rc = read_consent_from(m);
    if (rc == CMD_OK)
        rc = check_unread(m);
    if (rc == CMD_OK)
        rc = read_attributes(m);
    if (rc == CMD_OK)
        rc = columns_args_save(m->args, c);
    if (rc == CMD_OK)
        say_columns(m);
    return rc;
}

/* The head of --errors: the names of columns, as they stood. */
static int open_errors(struct import *m)
{
    struct buf head;
    const struct columns *c = &m->format.columns;
    const char *bad = args_get(m->args, "errors");
    int rc = bad != NULL ? import_errors_open(&m->file, bad, &m->bad) : CMD_OK;
    if (m->bad == NULL)
        return rc;
    buf_init(&head, KEPT_BYTES);
    for (size_t i = 0; i < c->n; i++) {
        if (c->column[i].role == COLUMN_ERROR)
            continue;
        table_put_cell(&head, c->column[i].name, import_table_delimiter(m->table));
        buf_putc(&head, import_table_delimiter(m->table));
    }
    fprintf(m->bad, "%serror\n", buf_cstr(&head));
    buf_done(&head);
    return CMD_OK;
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
                  {"unchanged", m->unchanged}, {"consents", m->consents}, {"withdrawals", m->withdrawals},
                  {"refused", m->refused},     {"failed", m->failed},     {"warned", m->warned},
                  {"not_sent", m->unsent},     {"unsubscribed", m->left}, {"other_channel", m->other_channel},
                  {"not_agreed", m->held}};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        jo_kint(&out, counts[i].name, counts[i].n);
    if (m->format.columns.preset != NULL)
        jo_kcstr(&out, "export_of", m->format.columns.preset);
    jo_kstr(&out, "ignored_columns", buf_str(&m->ignored));
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
    if (m->withdrawals > 0)
        report_line("withdrawals", m->withdrawals, TONE_WARN);
    if (m->left > 0)
        report_line("unsubscribed", m->left, TONE_WARN);
    if (m->held > 0)
        report_line("not agreed", m->held, TONE_WARN);
    if (m->refused > 0)
        printf(
            "%lld rows are about people who had refused, and stay so: only newer and stronger evidence changes that\n",
            (long long)m->refused);
    if (m->other_channel > 0)
        printf("%lld rows say yes to e-mail or SMS. That is no consent to WhatsApp and was not recorded as one; if the "
               "words "
               "people saw named WhatsApp, say --consent-from COLUMN --consent SCOPE --consent-wording TEXT\n",
               (long long)m->other_channel);
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

/* Everything that can be wrong before the first row is taken. */
static int begin(struct import *m)
{
    int rc = import_file_open(m->args->word[0], &m->file);
    if (rc == CMD_OK)
        rc = phone_tables_open(m->args, &m->plans);
    m->format.numbers.plans = &m->plans.data;
    if (rc == CMD_OK)
        rc = phone_tables_region(m->args, &m->plans, &m->format.numbers.region);
    if (rc == CMD_OK)
        rc = import_table_open(&m->file, m->args, &m->table);
    buf_printf(&m->source, "%s sha256:%s", m->file.name, m->file.sha256);
    if (rc == CMD_OK)
        rc = read_fallbacks(m);
    if (rc == CMD_OK && !args_has(m->args, "dry-run")) {
        rc = rest_open(&m->rest, m->args);
        m->connected = true;
    }
    if (rc == CMD_OK)
        rc = read_header(m);
    return rc == CMD_OK ? open_errors(m) : rc;
}

static void release(struct import *m)
{
    if (m->bad)
        fclose(m->bad);
    import_table_close(m->table);
    import_file_close(&m->file);
    if (m->connected)
        rest_close(&m->rest);
    phone_tables_close(&m->plans);
    arena_free(m->arena);
    buf_done(&m->batch.contacts);
    buf_done(&m->batch.rows);
    buf_done(&m->errors);
    buf_done(&m->behind);
    buf_done(&m->warnings);
    buf_done(&m->ignored);
    buf_done(&m->source);
    free(m);
}

int contacts_import(const struct args *a)
{
    struct import *m = calloc(1, sizeof *m);
    if (m == NULL || (m->arena = arena_create(HEADER_BYTES)) == NULL)
        abort();
    m->args = a;
    progress_begin(&m->progress, "rows", args_has(a, "quiet"));
    buf_init(&m->source, 1024);
    buf_init(&m->ignored, 65536);
    buf_init(&m->errors, ERRORS_BYTES);
    buf_init(&m->behind, KEPT_BYTES);
    buf_init(&m->warnings, ERRORS_BYTES);
    buf_init(&m->batch.contacts, 2 * BATCH_BYTES);
    buf_init(&m->batch.rows, 2 * KEPT_BYTES);
    int rc = begin(m);
    if (rc == CMD_OK) {
        read_rows(m);
        rc = report(m);
    }
    release(m);
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
