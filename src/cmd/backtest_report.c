/* SPDX-License-Identifier: Apache-2.0
 * backtest_report.c - the report of `wayleave rules backtest`, three ways.
 *
 * What the other book would have let through has no outcome, and the report says "unknown" there rather than guess.
 * Keys shown come from rule files and from numbers; no person is named, only messages by our ids. */
#include "cmd/backtest_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "cmd/table_out.h"
#include "cmd/term.h"
#include "core/intent.h"
#include "store/store.h"

#define SHOWN       15 /* groups of a dimension in the table */
#define ROW_BYTES   4096
#define NUMBER_TEXT 32
#define KEY_TEXT    64
#define HASH_SHOWN  12

static const char *const verdicts[3] = {"allow", "hold", "deny"};

int backtest_format_named(const char *word)
{
    static const char *const names[] = {"table", "json", "csv"};
    for (int i = 0; i < 3; i++)
        if (strcmp(word, names[i]) == 0)
            return i;
    return -1;
}

/* 1234567 as "1,234,567". */
static const char *grouped(uint64_t n, char out[NUMBER_TEXT])
{
    char digits[NUMBER_TEXT];
    int len = snprintf(digits, sizeof digits, "%" PRIu64, n), at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

/* Tenths of a percent, rounded down: 100 % means all. */
static uint64_t permille(uint64_t part, uint64_t whole)
{
    return whole != 0 ? part * 1000 / whole : 0;
}

static const char *key_text(const struct backtest_group *g, char out[KEY_TEXT])
{
    struct facts f = {0};
    struct buf text;
    if (g->by == BY_RULE)
        return g->rule;
    if (g->key == -1 || (g->by == BY_CAMPAIGN && g->key == 0))
        return g->by == BY_CAMPAIGN ? "none" : "unknown";
    buf_init(&text, KEY_TEXT - 1);
    if (g->by == BY_CAMPAIGN) {
        buf_printf(&text, "%" PRId64, g->key);
    } else {
        enum fact_id id = g->by == BY_CATEGORY ? FACT_MESSAGE_CATEGORY : FACT_RECIPIENT_COUNTRY;
        fact_set(&f, id, g->key);
        fact_text(&f, id, &text);
    }
    snprintf(out, KEY_TEXT, "%s", buf_cstr(&text));
    buf_done(&text);
    return out;
}

static const char *message_text(const struct backtest_about *about, int64_t id, char out[STORE_ID_TEXT])
{
    return store_id_text(about->bucket, id, out);
}

/* ---- rows for programs ---- */

struct rows {
    FILE *out;
    bool json;
    struct buf line;
};

struct row {
    const char *kind, *dimension, *key, *recorded, *other, *measure;
    uint64_t count;
};

static void put_json(struct rows *w, const struct row *r)
{
    struct json_out o;
    const struct {
        const char *name, *value;
    } texts[] = {{"kind", r->kind},         {"dimension", r->dimension}, {"key", r->key},
                 {"recorded", r->recorded}, {"other", r->other},         {"measure", r->measure}};
    json_out_init(&o, &w->line);
    jo_object(&o);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].value != NULL)
            jo_kcstr(&o, texts[i].name, texts[i].value);
    jo_kint(&o, "count", (int64_t)r->count);
    jo_end(&o);
}

static void put_row(struct rows *w, struct row r)
{
    const char *const texts[] = {r.kind, r.dimension, r.key, r.recorded, r.other, r.measure};
    buf_clear(&w->line);
    if (w->json) {
        put_json(w, &r);
    } else {
        for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
            table_put_cell(&w->line, str_of(texts[i] != NULL ? texts[i] : ""), ',');
            buf_putc(&w->line, ',');
        }
        buf_printf(&w->line, "%" PRIu64, r.count);
    }
    fprintf(w->out, "%s\n", buf_cstr(&w->line));
}

static void rows_run(struct rows *w, const struct backtest_report *r, const struct backtest_about *about)
{
    char hash[SHA256_HEX], first[TIME_TEXT], last[TIME_TEXT];
    const struct {
        const char *name;
        uint64_t count;
    } counts[] = {{"decisions", r->decisions},      {"unreadable", r->unreadable}, {"damaged_blocks", about->damaged},
                  {"overridden", r->overridden},    {"no_book", r->no_book},       {"no_history", r->no_history},
                  {"no_person", r->no_person},      {"ungrouped", r->ungrouped},   {"held_longer", r->held_longer},
                  {"held_shorter", r->held_shorter}};
    hex_encode(ruleset_hash(about->rules), SHA256_BYTES, hash);
    put_row(w, (struct row){.kind = "run", .dimension = "mode", .key = about->stateful ? "stateful" : "static"});
    put_row(w, (struct row){.kind = "run", .dimension = "book", .key = ruleset_id(about->rules)});
    put_row(w, (struct row){.kind = "run", .dimension = "hash", .key = hash});
    if (r->decisions > 0) {
        put_row(w, (struct row){.kind = "run", .dimension = "first", .key = time_text(r->first_ts, first)});
        put_row(w, (struct row){.kind = "run", .dimension = "last", .key = time_text(r->last_ts, last)});
    }
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++)
        put_row(w, (struct row){.kind = "run", .measure = counts[i].name, .count = counts[i].count});
}

static void rows_matrix(struct rows *w, const char *dimension, const char *key, const uint64_t count[3][3])
{
    for (int was = 0; was < 3; was++)
        for (int is = 0; is < 3; is++)
            if (count[was][is] != 0)
                put_row(w, (struct row){"transition", dimension, key, verdicts[was], verdicts[is], "decisions",
                                        count[was][is]});
}

static void rows_fates(struct rows *w, const char *dimension, const char *key, const struct backtest_fates *f)
{
    struct row r = {.kind = "outcome", .dimension = dimension, .key = key, .recorded = "allow", .other = "stopped"};
    char name[KEY_TEXT];
    r.measure = name;
    for (int i = 0; i < FATE_COUNT; i++) {
        snprintf(name, sizeof name, "%s", backtest_fate_name((enum backtest_fate)i));
        r.count = f->fate[i];
        if (r.count != 0)
            put_row(w, r);
    }
    for (int i = 0; i < 2 * ANSWER_COUNT; i++) {
        enum backtest_answer a = (enum backtest_answer)(i % ANSWER_COUNT);
        snprintf(name, sizeof name, "%s_%s", i < ANSWER_COUNT ? "replied_24h" : "opted_out_7d",
                 backtest_answer_name(a));
        r.count = i < ANSWER_COUNT ? f->replied[a] : f->opted_out[a];
        if (r.count != 0)
            put_row(w, r);
    }
}

static void rows_examples(struct rows *w, const struct backtest_report *r, const struct backtest_about *about)
{
    char id[STORE_ID_TEXT];
    for (int was = 0; was < 3; was++)
        for (int is = 0; is < 3; is++)
            for (size_t i = 0; i < r->n_examples[was][is]; i++)
                put_row(w, (struct row){"example", NULL, message_text(about, r->example[was][is][i], id), verdicts[was],
                                        verdicts[is], "message", 1});
}

static void print_rows(FILE *out, bool json, const struct backtest_report *r, const struct backtest_about *about)
{
    struct rows w = {.out = out, .json = json};
    char key[KEY_TEXT];
    buf_init(&w.line, ROW_BYTES);
    if (!json)
        fputs("kind,dimension,key,recorded,other,measure,count\n", out);
    rows_run(&w, r, about);
    rows_matrix(&w, "all", NULL, r->count);
    for (size_t i = 0; i < r->n_groups; i++)
        rows_matrix(&w, backtest_dimension_name(r->group[i]->by), key_text(r->group[i], key), r->group[i]->count);
    rows_fates(&w, "all", NULL, &r->fates);
    for (size_t i = 0; i < r->n_groups; i++)
        if (r->group[i]->by == BY_RULE)
            rows_fates(&w, "rule", r->group[i]->rule, &r->group[i]->fates);
    for (size_t i = 0; i < r->n_codes; i++) {
        snprintf(key, sizeof key, "%d", r->code[i].code);
        put_row(&w, (struct row){"failure", "code", r->code[i].code != 0 ? key : "other", "allow", "stopped", "failed",
                                 r->code[i].n});
    }
    rows_examples(&w, r, about);
    buf_done(&w.line);
}

/* ---- the table ---- */

static uint64_t changes(const uint64_t count[3][3])
{
    uint64_t n = 0;
    for (int i = 0; i < 9; i++)
        n += i % 4 != 0 ? count[i / 3][i % 3] : 0;
    return n;
}

static uint64_t all_of(const uint64_t count[3][3])
{
    return changes(count) + count[0][0] + count[1][1] + count[2][2];
}

static void table_head(FILE *out, const struct backtest_report *r, const struct backtest_about *about)
{
    char n[NUMBER_TEXT], first[TIME_TEXT], last[TIME_TEXT], hash[SHA256_HEX];
    hex_encode(ruleset_hash(about->rules), SHA256_BYTES, hash);
    term_printf(out, TONE_BOLD, "Backtest of %s decisions", grouped(r->decisions, n));
    if (r->decisions > 0)
        fprintf(out, ", %.10s %.5s to %.10s %.5s UTC", time_text(r->first_ts, first), first + 11,
                time_text(r->last_ts, last), last + 11);
    fprintf(out, "\nBook: %s %.*s\n", ruleset_id(about->rules), HASH_SHOWN, hash);
    fprintf(out, "Mode: %s\n\n",
            about->stateful ? "stateful, caps and rates follow what this book would have decided"
                            : "static, this book on the facts as they were recorded");
}

static void table_matrix(FILE *out, const uint64_t count[3][3])
{
    char n[NUMBER_TEXT];
    fprintf(out, "%-10s", "recorded");
    for (int is = 0; is < 3; is++)
        fprintf(out, "%14s", verdicts[is]);
    fputs("   <- with this book\n", out);
    for (int was = 0; was < 3; was++) {
        fprintf(out, "%-10s", verdicts[was]);
        for (int is = 0; is < 3; is++)
            term_printf(out, was != is && count[was][is] != 0 ? is > was ? TONE_WARN : TONE_GOOD : TONE_PLAIN, "%14s",
                        grouped(count[was][is], n));
        fputc('\n', out);
    }
}

static void table_summary(FILE *out, const struct backtest_report *r)
{
    uint64_t all = all_of(r->count), same = all - changes(r->count), share = permille(same, all);
    uint64_t stopped = r->count[0][1] + r->count[0][2], freed = r->count[1][0] + r->count[2][0];
    char a[NUMBER_TEXT], b[NUMBER_TEXT], c[NUMBER_TEXT];
    fprintf(out, "\n%" PRIu64 ".%" PRIu64 " %% stay as they were. %s would have been stopped, %s let through.\n",
            share / 10, share % 10, grouped(stopped, a), grouped(freed, b));
    if (r->held_longer + r->held_shorter > 0)
        fprintf(out, "Of those held both times %s would be held longer, %s shorter.\n", grouped(r->held_longer, b),
                grouped(r->held_shorter, c));
    if (freed > 0)
        fputs("What would have become of the messages let through is unknown.\n", out);
}

static void table_answers(FILE *out, const char *what, const uint64_t answer[ANSWER_COUNT])
{
    char yes[NUMBER_TEXT], no[NUMBER_TEXT], unknown[NUMBER_TEXT];
    fprintf(out, "  %s: %s yes, %s no, %s not known\n", what, grouped(answer[ANSWER_YES], yes),
            grouped(answer[ANSWER_NO], no), grouped(answer[ANSWER_UNKNOWN], unknown));
}

static void table_fates(FILE *out, const struct backtest_report *r)
{
    static const char *const words[FATE_COUNT] = {"no longer kept",
                                                  "never left",
                                                  "rejected by Meta",
                                                  "not answered by Meta",
                                                  "accepted, nothing heard since",
                                                  "sent, not delivered",
                                                  "delivered, not read",
                                                  "read",
                                                  "failed later"};
    uint64_t all = 0;
    char n[NUMBER_TEXT];
    for (int i = 0; i < FATE_COUNT; i++)
        all += r->fates.fate[i];
    if (all == 0)
        return;
    fprintf(out, "\nWhat became of the %s that went out and would have been stopped\n", grouped(all, n));
    for (int i = FATE_COUNT; i-- > 0;) {
        uint64_t share = permille(r->fates.fate[i], all);
        if (r->fates.fate[i] != 0)
            fprintf(out, "  %12s  %3" PRIu64 ".%" PRIu64 " %%  %s\n", grouped(r->fates.fate[i], n), share / 10,
                    share % 10, words[i]);
    }
    table_answers(out, "replied within 24 hours", r->fates.replied);
    table_answers(out, "opted out within 7 days", r->fates.opted_out);
    for (size_t i = 0; i < r->n_codes; i++)
        if (r->code[i].code != 0)
            fprintf(out, "  error %d: %s\n", r->code[i].code, grouped(r->code[i].n, n));
        else
            fprintf(out, "  other errors: %s\n", grouped(r->code[i].n, n));
}

static int by_changes(const void *a, const void *b)
{
    const struct backtest_group *x = *(struct backtest_group *const *)a, *y = *(struct backtest_group *const *)b;
    uint64_t p = changes(x->count), q = changes(y->count);
    if (p != q)
        return p > q ? -1 : 1;
    if (x->by == BY_RULE)
        return strcmp(x->rule, y->rule);
    return x->key < y->key ? -1 : x->key > y->key;
}

static void table_group(FILE *out, const struct backtest_group *g)
{
    char key[KEY_TEXT], n[NUMBER_TEXT];
    term_cell(out, TONE_PLAIN, str_of(key_text(g, key)), 26);
    for (int i = 0; i < 9; i++)
        if (i % 4 != 0)
            fprintf(out, " %10s", g->count[i / 3][i % 3] != 0 ? grouped(g->count[i / 3][i % 3], n) : "-");
    fprintf(out, " %12s\n", grouped(g->count[0][0] + g->count[1][1] + g->count[2][2], n));
}

/* The groups of one dimension that change, most changes first. */
static void table_dimension(FILE *out, const struct backtest_report *r, enum backtest_dimension by,
                            const struct backtest_group **room)
{
    size_t n = 0, all = 0;
    for (size_t i = 0; i < r->n_groups; i++) {
        if (r->group[i]->by != by)
            continue;
        all++;
        if (changes(r->group[i]->count) > 0)
            room[n++] = r->group[i];
    }
    if (n == 0 || (all == 1 && by != BY_RULE))
        return; /* nothing changed, or the whole is the one group */
    qsort(room, n, sizeof *room, by_changes);
    fprintf(out, "\n%-26s", by == BY_RULE ? "by rule (of the stricter)" : backtest_dimension_name(by));
    for (int i = 0; i < 9; i++) {
        char head[16];
        snprintf(head, sizeof head, "%s>%s", verdicts[i / 3], verdicts[i % 3]);
        if (i % 4 != 0)
            fprintf(out, " %10s", head);
    }
    fprintf(out, " %12s\n", "same");
    for (size_t i = 0; i < n && i < SHOWN; i++)
        table_group(out, room[i]);
    if (n > SHOWN)
        fprintf(out, "and %zu more: --format csv shows all\n", n - SHOWN);
}

static void table_examples(FILE *out, const struct backtest_report *r, const struct backtest_about *about)
{
    char id[STORE_ID_TEXT];
    for (int i = 0; i < 9; i++) {
        int was = i / 3, is = i % 3;
        if (r->n_examples[was][is] == 0)
            continue;
        fprintf(out, "\n%s > %s, for example:", verdicts[was], verdicts[is]);
        for (size_t k = 0; k < r->n_examples[was][is]; k++)
            fprintf(out, "%s%s", k % 4 == 0 ? "\n  " : "  ", message_text(about, r->example[was][is][k], id));
        fputc('\n', out);
    }
}

static void table_limits(FILE *out, const struct backtest_report *r, const struct backtest_about *about)
{
    const struct {
        uint64_t n;
        const char *what;
    } limits[] = {
        {about->damaged, "blocks of decisions could not be read and are not in here"},
        {r->unreadable, "decisions could not be read and are not in here"},
        {r->no_book, "were decided by a book that is not kept any more: which of its rules spoke is not known"},
        {r->overridden, "had rules set aside by a person; here they are set aside as well"},
        {r->no_history, "people came from an older release: what they got before the log began is not known"},
        {r->no_person, "were about nobody we know: decided on the recorded facts"},
        {r->ungrouped, "fell into groups beyond the most a report holds"},
    };
    char n[NUMBER_TEXT];
    bool any = false;
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        if (limits[i].n == 0)
            continue;
        fprintf(out, "%s%s %s\n", any ? "" : "\n", grouped(limits[i].n, n), limits[i].what);
        any = true;
    }
    if (r->decisions > 0 && changes(r->count) > 0)
        fputs("\nwayleave explain MESSAGE says why a message was decided as it was.\n", out);
}

static void print_table(FILE *out, const struct backtest_report *r, const struct backtest_about *about)
{
    const struct backtest_group **room = calloc(r->n_groups + 1, sizeof *room);
    if (room == NULL)
        abort();
    table_head(out, r, about);
    table_matrix(out, r->count);
    table_summary(out, r);
    table_fates(out, r);
    for (int by = BACKTEST_DIMENSIONS; by-- > 0;)
        table_dimension(out, r, (enum backtest_dimension)by, room);
    table_examples(out, r, about);
    table_limits(out, r, about);
    free(room);
}

void backtest_print(FILE *out, enum backtest_format format, const struct backtest_report *r,
                    const struct backtest_about *about)
{
    if (format == BACKTEST_TABLE)
        print_table(out, r, about);
    else
        print_rows(out, format == BACKTEST_JSON, r, about);
}
