/* SPDX-License-Identifier: Apache-2.0
 * screen_report.c - what became of a list: counts that add up, as text and as JSON; and where a report goes.
 *
 * Every row is in exactly one verdict, and the verdicts' counts sum to the rows. Countries, types and networks are counted among the rows that were
 * kept. No number stands in a report, only lines where to look. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "cmd/screen_job.h"
#include "cmd/term.h"
#include "core/phone_place.h"

#define SHOWN      12 /* countries and networks on a terminal */
#define TEXT_MAX   (16u << 20)
#define WORD_WIDTH 20
#define COUNT_TEXT 32

static const char *const class_words[] = {[VERDICT_KEPT] = "kept",
                                          [VERDICT_REPEATED] = "repeated",
                                          [VERDICT_UNWANTED] = "unwanted",
                                          [VERDICT_WRONG] = "wrong"};

struct str screen_sentence(enum verdict v)
{
    struct str s = str_of(verdict_sentence(v));
    return str_ends(s, STR(":")) ? (struct str){s.p, s.n - 1} : s;
}

static int by_count(const void *a, const void *b)
{
    const struct screen_line *x = a, *y = b;
    if (x->n != y->n)
        return x->n > y->n ? -1 : 1;
    return strcmp(x->name, y->name);
}

static int by_name(const void *a, const void *b)
{
    const struct screen_line *x = a, *y = b;
    return strcmp(x->name, y->name);
}

static struct screen_line *lines_for(const struct screen_job *j, size_t n)
{
    struct screen_line *l = arena_new_array(j->arena, struct screen_line, n + 1);
    if (l == NULL)
        abort();
    return l;
}

size_t screen_countries(const struct screen_job *j, struct screen_line **ret)
{
    struct screen_line *l = *ret = lines_for(j, j->tally->regions);
    size_t n = 0;
    for (size_t i = 0; i < j->tally->regions; i++)
        if (j->tally->region[i] > 0)
            l[n++] = (struct screen_line){phone_region_id(j->data, (int)i), j->tally->region[i]};
    qsort(l, n, sizeof *l, by_count);
    return n;
}

size_t screen_types(const struct screen_job *j, struct screen_line **ret)
{
    struct screen_line *l = *ret = lines_for(j, PHONE_TYPES);
    size_t n = 0;
    for (int i = 0; i < PHONE_TYPES; i++)
        if (j->tally->type[i] > 0)
            l[n++] = (struct screen_line){phone_type_word((enum phone_type)i), j->tally->type[i]};
    qsort(l, n, sizeof *l, by_count);
    return n;
}

/* A name may have been counted in several places. */
size_t screen_networks(const struct screen_job *j, struct screen_line **ret)
{
    struct screen_line *l = *ret = lines_for(j, SCREEN_NETWORKS);
    size_t all = 0, n = 0;
    for (size_t i = 0; i < SCREEN_NETWORKS; i++)
        if (j->tally->network[i].name != NULL)
            l[all++] = (struct screen_line){j->tally->network[i].name, j->tally->network[i].n};
    qsort(l, all, sizeof *l, by_name);
    for (size_t i = 0; i < all; i++) {
        if (n > 0 && strcmp(l[n - 1].name, l[i].name) == 0)
            l[n - 1].n += l[i].n;
        else
            l[n++] = l[i];
    }
    qsort(l, n, sizeof *l, by_count);
    return n;
}

/* ---- text ---- */

static void share_text(uint64_t n, uint64_t of, char out[COUNT_TEXT])
{
    uint64_t permille = of > 0 ? n * 1000 / of : 0;
    snprintf(out, COUNT_TEXT, "%" PRIu64 ".%" PRIu64 " %%", permille / 10, permille % 10);
}

static void text_line(FILE *out, enum tone tone, const char *name, uint64_t n, uint64_t of)
{
    char count[PROGRESS_COUNT], share[COUNT_TEXT];
    share_text(n, of, share);
    fputs("  ", out);
    term_cell(out, TONE_PLAIN, str_of(name), WORD_WIDTH);
    term_printf(out, n > 0 ? tone : TONE_DIM, "%14s", progress_count(n, count));
    term_printf(out, TONE_DIM, "%9s", share);
}

static void text_table(FILE *out, const char *title, const struct screen_line *l, size_t n, uint64_t of)
{
    char count[PROGRESS_COUNT];
    if (n == 0)
        return;
    fputc('\n', out);
    term_printf(out, TONE_BOLD, "%s\n", title);
    for (size_t i = 0; i < n && i < SHOWN; i++) {
        text_line(out, TONE_PLAIN, l[i].name, l[i].n, of);
        fputc('\n', out);
    }
    if (n > SHOWN)
        term_printf(out, TONE_DIM, "  and %s more; --json or --report FILE lists them all\n",
                    progress_count(n - SHOWN, count));
}

static void text_lines(FILE *out, const uint64_t line[SCREEN_LINES])
{
    for (size_t i = 0; i < SCREEN_LINES && line[i] != 0; i++)
        term_printf(out, TONE_DIM, "%s%" PRIu64, i == 0 ? "in line " : ", ", line[i]);
}

static void text_verdicts(const struct screen_job *j, FILE *out)
{
    static const enum tone tones[] = {[VERDICT_KEPT] = TONE_GOOD,
                                      [VERDICT_REPEATED] = TONE_PLAIN,
                                      [VERDICT_UNWANTED] = TONE_PLAIN,
                                      [VERDICT_WRONG] = TONE_WARN};
    const struct screen_tally *t = j->tally;
    if (t->verdict[VERDICT_OK] == t->rows)
        return;
    fputc('\n', out);
    term_printf(out, TONE_BOLD, "why rows were not kept\n");
    for (int v = 1; v < VERDICTS; v++) {
        if (t->verdict[v] == 0)
            continue;
        text_line(out, tones[verdict_class((enum verdict)v)], verdict_word((enum verdict)v), t->verdict[v], t->rows);
        fputs("  ", out);
        text_lines(out, t->line[v]);
        fputc('\n', out);
        if (verdict_class((enum verdict)v) != VERDICT_WRONG)
            continue;
        fputs("      ", out);
        term_wrap(out, 6, screen_sentence((enum verdict)v));
        fputs("      next: ", out);
        term_wrap(out, 12, str_of(verdict_next((enum verdict)v)));
    }
}

static void text_repairs(const struct screen_job *j, FILE *out)
{
    char count[PROGRESS_COUNT];
    for (int i = 1; i < PHONE_CELL_REPAIRS; i++)
        if (j->tally->repair[i] > 0)
            fprintf(out, "%s of the rows kept: %s\n", progress_count(j->tally->repair[i], count),
                    phone_cell_repair_sentence((enum phone_cell_repair)i));
}

void screen_report_text(const struct screen_job *j, FILE *out)
{
    const struct screen_tally *t = j->tally;
    char count[PROGRESS_COUNT];
    struct screen_line *l;
    uint64_t kept = t->verdict[VERDICT_OK];
    fprintf(out, "%s: %s rows%s\n", j->in_name, progress_count(t->rows, count),
            j->dry ? ", nothing was written (dry run)" : "");
    text_line(out, TONE_GOOD, "kept", kept, t->rows);
    fprintf(out, "  %s\n", j->out_path != NULL ? j->out_path : "");
    for (int c = VERDICT_REPEATED; c <= VERDICT_WRONG; c++) {
        uint64_t n = screen_class_count(t, (enum verdict_class)c);
        text_line(out, c == VERDICT_WRONG ? TONE_WARN : TONE_PLAIN, class_words[c], n, t->rows);
        fprintf(out, "  %s\n", n > 0 && j->bad_path != NULL ? j->bad_path : "");
    }
    text_repairs(j, out);
    text_verdicts(j, out);
    size_t n = screen_countries(j, &l);
    text_table(out, "countries of the rows kept", l, n, kept);
    n = screen_types(j, &l);
    text_table(out, "types", l, n, kept);
    n = screen_networks(j, &l);
    text_table(out, "original networks, where known", l, n, kept);
}

/* ---- JSON ---- */

static void json_table(struct json_out *o, const char *key, const char *name, const struct screen_line *l, size_t n)
{
    jo_key(o, key);
    jo_array(o);
    for (size_t i = 0; i < n; i++) {
        jo_object(o);
        jo_kcstr(o, name, l[i].name);
        jo_kint(o, "rows", (int64_t)l[i].n);
        jo_end(o);
    }
    jo_end(o);
}

static void json_verdicts(const struct screen_job *j, struct json_out *o)
{
    const struct screen_tally *t = j->tally;
    jo_key(o, "verdicts");
    jo_array(o);
    for (int v = 0; v < VERDICTS; v++) {
        if (t->verdict[v] == 0)
            continue;
        jo_object(o);
        jo_kcstr(o, "verdict", verdict_word((enum verdict)v));
        jo_kcstr(o, "class", class_words[verdict_class((enum verdict)v)]);
        jo_kint(o, "rows", (int64_t)t->verdict[v]);
        jo_kstr(o, "sentence", screen_sentence((enum verdict)v));
        jo_kcstr(o, "next", verdict_next((enum verdict)v));
        jo_key(o, "lines");
        jo_array(o);
        for (size_t i = 0; i < SCREEN_LINES && t->line[v][i] != 0; i++)
            jo_int(o, (int64_t)t->line[v][i]);
        jo_end(o);
        jo_end(o);
    }
    jo_end(o);
}

static void json_about(const struct screen_job *j, struct json_out *o)
{
    struct buf text;
    jo_kcstr(o, "file", j->in_name);
    jo_kcstr(o, "out", j->out_path);
    jo_kcstr(o, "rejected", j->bad_path);
    jo_kbool(o, "dry_run", j->dry);
    jo_kcstr(o, "encoding", table_encoding(j->in));
    jo_kcstr(o, "phone_data", phone_data_name(j->data));
    jo_kint(o, "phone_data_age_days", phone_data_age_days(j->data, clock_now_ms()));
    jo_kcstr(o, "keep", j->last ? "last" : "first");
    buf_init(&text, TEXT_MAX);
    if (j->filter != NULL)
        number_filter_explain(j->filter, &text);
    jo_kstr(o, "wanted", buf_str(&text));
    buf_clear(&text);
    columns_say(&j->columns, &text);
    jo_kstr(o, "columns", buf_str(&text));
    buf_done(&text);
}

void screen_report_json(const struct screen_job *j, struct buf *out)
{
    const struct screen_tally *t = j->tally;
    struct screen_line *l;
    struct json_out o;
    json_out_init(&o, out);
    jo_object(&o);
    json_about(j, &o);
    jo_kint(&o, "rows", (int64_t)t->rows);
    for (int c = VERDICT_KEPT; c <= VERDICT_WRONG; c++)
        jo_kint(&o, class_words[c], (int64_t)screen_class_count(t, (enum verdict_class)c));
    json_verdicts(j, &o);
    size_t n = screen_countries(j, &l);
    json_table(&o, "countries", "country", l, n);
    n = screen_types(j, &l);
    json_table(&o, "types", "type", l, n);
    n = screen_networks(j, &l);
    json_table(&o, "networks", "network", l, n);
    jo_key(&o, "repairs");
    jo_array(&o);
    for (int i = 1; i < PHONE_CELL_REPAIRS; i++) {
        if (t->repair[i] == 0)
            continue;
        jo_object(&o);
        jo_kcstr(&o, "repair", phone_cell_repair_sentence((enum phone_cell_repair)i));
        jo_kint(&o, "rows", (int64_t)t->repair[i]);
        jo_end(&o);
    }
    jo_end(&o);
    jo_end(&o);
}

/* ---- where it goes ---- */

static void (*writer_of(const char *path))(const struct screen_job *j, struct buf *out)
{
    struct str p = str_of(path);
    if (str_ends(p, STR(".json")))
        return screen_report_json;
    return str_ends(p, STR(".html")) || str_ends(p, STR(".htm")) ? screen_report_html : NULL;
}

static int write_file(const struct screen_job *j, const char *path)
{
    void (*write)(const struct screen_job *j, struct buf *out) = writer_of(path);
    FILE *f = fopen(path, "we");
    if (f == NULL)
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be written: %s", path, strerror(errno));
    bool good = true;
    if (write != NULL) {
        struct buf b;
        buf_init(&b, TEXT_MAX);
        write(j, &b);
        buf_putc(&b, '\n');
        good = !b.failed && fwrite(buf_cstr(&b), 1, b.len, f) == b.len;
        buf_done(&b);
    } else {
        screen_report_text(j, f);
    }
    good = !ferror(f) && good;
    return fclose(f) == 0 && good ? CMD_OK
                                  : cmd_fail(CMD_FAILED, NULL, "%s cannot be written: %s", path, strerror(errno));
}

int screen_report(const struct screen_job *j)
{
    const char *path = args_get(j->args, "report");
    bool rows_there = (j->out_path != NULL && strcmp(j->out_path, "-") == 0) ||
                      (j->bad_path != NULL && strcmp(j->bad_path, "-") == 0);
    int rc = path != NULL ? write_file(j, path) : CMD_OK;
    if (rc != CMD_OK)
        return rc;
    if (args_has(j->args, "json")) {
        struct buf b;
        buf_init(&b, TEXT_MAX);
        screen_report_json(j, &b);
        rc = cmd_print_json(&b);
        buf_done(&b);
    } else if (!args_has(j->args, "quiet")) {
        screen_report_text(j, rows_there ? stderr : stdout);
    }
    return rc;
}
