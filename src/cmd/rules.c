/* SPDX-License-Identifier: Apache-2.0
 * rules.c - `wayleave rules list` and `rules show`: what the rules are, for people and for programs.
 *
 * The table's columns are as wide as their longest entry; the title, which is last, may be as long as it likes. Values are
 * shown by date, because "what was the rule on that day" is the question a file of rules is kept for. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/yaml.h"
#include "cmd/rules_load.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "core/decide.h"

#define JSON_MAX   (4u << 20)
#define PATHS_MAX  (1u << 20)
#define COLUMNS    8
#define CELL_BYTES 112
#define LABEL      12

static const char *confidence_of(const struct rule *r)
{
    return *rule_confidence(r) ? rule_confidence(r) : "-";
}

/* The date of the values in force at `at`, or the first there are. */
static bool since_of(const struct rule *r, int64_t at, int64_t *ret)
{
    const int64_t *dates;
    size_t n = rule_dates(r, &dates);
    if (n == 0)
        return false;
    *ret = dates[0];
    for (size_t i = 1; i < n && dates[i] <= at; i++)
        *ret = dates[i];
    return true;
}

static const char *verdict_of(const struct rule *r)
{
    return verdict_name((enum verdict)rule_verdict(r));
}

/* ---- list ---- */

static void fill_row(const struct ruleset *rs, const struct rule *r, int64_t at, char row[COLUMNS][CELL_BYTES])
{
    int64_t since;
    char day[DAY_TEXT];
    const char *const text[COLUMNS] = {rule_id(r),
                                       verdict_of(r),
                                       rule_mode_name(rule_mode_of(r)),
                                       ruleset_kind_name(rule_source(rs, r)->kind),
                                       confidence_of(r),
                                       NULL,
                                       since_of(r, at, &since) ? rules_day(since, day) : "always",
                                       rule_title(r)};
    for (size_t i = 0; i < COLUMNS; i++)
        snprintf(row[i], CELL_BYTES, "%s", text[i] ? text[i] : "");
    snprintf(row[5], CELL_BYTES, "%d", rule_code(r));
}

static void print_table(const struct ruleset *rs, int64_t at)
{
    static const char *const heads[COLUMNS] = {"ID", "VERDICT", "MODE", "KIND", "CONFIDENCE", "CODE", "SINCE", "TITLE"};
    char row[COLUMNS][CELL_BYTES];
    int width[COLUMNS];
    for (size_t k = 0; k < COLUMNS; k++)
        width[k] = (int)strlen(heads[k]);
    for (size_t i = 0; i < ruleset_count(rs); i++) {
        fill_row(rs, ruleset_rule(rs, i), at, row);
        for (size_t k = 0; k + 1 < COLUMNS; k++)
            width[k] = (int)strlen(row[k]) > width[k] ? (int)strlen(row[k]) : width[k];
    }
    for (size_t i = 0; i <= ruleset_count(rs); i++) {
        if (i > 0)
            fill_row(rs, ruleset_rule(rs, i - 1), at, row);
        for (size_t k = 0; k < COLUMNS; k++)
            term_cell(stdout,
                      i == 0   ? TONE_DIM
                      : k == 0 ? TONE_BOLD
                               : TONE_PLAIN,
                      str_of(i == 0 ? heads[k] : row[k]), k + 1 < COLUMNS ? width[k] + 2 : 0);
        putchar('\n');
    }
}

static void json_head(struct json_out *o, const struct ruleset *rs)
{
    char hash[SHA256_HEX];
    hex_encode(ruleset_hash(rs), SHA256_BYTES, hash);
    jo_kcstr(o, "id", ruleset_id(rs));
    jo_kcstr(o, "hash", hash);
}

static void json_rule(struct json_out *o, const struct ruleset *rs, const struct rule *r, int64_t at)
{
    int64_t since;
    char day[DAY_TEXT];
    jo_kcstr(o, "id", rule_id(r));
    jo_kcstr(o, "title", rule_title(r));
    jo_kcstr(o, "verdict", verdict_of(r));
    jo_kcstr(o, "mode", rule_mode_name(rule_mode_of(r)));
    jo_kcstr(o, "kind", ruleset_kind_name(rule_source(rs, r)->kind));
    jo_kcstr(o, "set", rule_source(rs, r)->id);
    jo_kcstr(o, "confidence", *rule_confidence(r) ? rule_confidence(r) : NULL);
    jo_kint(o, "code", rule_code(r));
    jo_kcstr(o, "since", since_of(r, at, &since) ? rules_day(since, day) : NULL);
}

static int print_list_json(const struct ruleset *rs, int64_t at)
{
    struct buf b;
    struct json_out o;
    buf_init(&b, JSON_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    json_head(&o, rs);
    jo_key(&o, "rules");
    jo_array(&o);
    for (size_t i = 0; i < ruleset_count(rs); i++) {
        jo_object(&o);
        json_rule(&o, rs, ruleset_rule(rs, i), at);
        jo_end(&o);
    }
    jo_end(&o);
    jo_end(&o);
    int rc = cmd_print_json(&b);
    buf_done(&b);
    return rc;
}

int rules_list(const struct args *a)
{
    struct rule_paths paths;
    struct ruleset *rs = NULL;
    int64_t at = 0;
    struct arena *mem = arena_create(PATHS_MAX);
    int rc = mem == NULL ? CMD_FAILED : rules_at(a, &at);
    if (rc == CMD_OK)
        rc = rules_paths(a, 0, mem, &paths);
    if (rc == CMD_OK)
        rc = rules_book(&paths, &rs);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = print_list_json(rs, at);
    else if (rc == CMD_OK)
        print_table(rs, at);
    ruleset_free(rs);
    arena_free(mem);
    return rc;
}

/* ---- show ---- */

static void label(const char *word)
{
    fputs("  ", stdout);
    term_cell(stdout, TONE_DIM, str_of(word), LABEL);
}

static void line(const char *word, const char *text)
{
    if (*text == '\0')
        return;
    label(word);
    term_wrap(stdout, LABEL + 2, str_of(text));
}

/* The values of one date: "window 24h, margin 60s". */
static void values_text(const struct ruleset *rs, const struct rule *r, size_t date, struct buf *out)
{
    const char *const *names;
    size_t n = rule_values(r, &names);
    if (rule_ends(r, date)) {
        buf_puts(out, "off");
        return;
    }
    for (size_t v = 0; v < n; v++) {
        buf_printf(out, "%s%s ", v > 0 ? ", " : "", names[v]);
        rule_value_text(rs, r, date, v, out);
    }
    if (n == 0)
        buf_puts(out, "in force");
}

static void print_time_line(const struct ruleset *rs, const struct rule *r, int64_t at)
{
    const int64_t *dates;
    size_t n = rule_dates(r, &dates);
    char day[DAY_TEXT];
    struct buf b;
    buf_init(&b, 8192);
    for (size_t i = 0; i < n; i++) {
        bool now = dates[i] <= at && (i + 1 == n || dates[i + 1] > at);
        buf_clear(&b);
        buf_printf(&b, "%s  ", rules_day(dates[i], day));
        values_text(rs, r, i, &b);
        buf_puts(&b, now ? "  <- now" : dates[i] > at ? "  (to come)" : "");
        line(i == 0 ? "values" : "", buf_cstr(&b));
    }
    buf_done(&b);
}

/* What the file says beside texts and values. */
static const struct {
    const char *label, *key;
    int part; /* enum rule_part; -1: the lists of holidays */
} parts[] = {
    {"applies", "applies", RULE_APPLIES},          {"when", "when", RULE_WHEN},  {"until", "until", RULE_UNTIL},
    {"if unknown", "on_unknown", RULE_ON_UNKNOWN}, {"holidays", "holidays", -1},
};
#define PARTS (sizeof parts / sizeof parts[0])

static void part_text(const struct ruleset *rs, const struct rule *r, size_t i, struct buf *out)
{
    if (parts[i].part < 0)
        rule_holidays_text(rs, r, out);
    else
        rule_part_text(rs, r, (enum rule_part)parts[i].part, out);
}

static void print_rule(const struct ruleset *rs, const struct rule *r, int64_t at, int tests)
{
    const struct ruleset_source *set = rule_source(rs, r);
    struct buf b;
    buf_init(&b, 64u << 10);
    term_text(stdout, TONE_BOLD, str_of(rule_id(r)));
    printf("  %s\n", rule_title(r));
    buf_printf(&b, "%s, %s, code %d", verdict_of(r), rule_mode_name(rule_mode_of(r)), rule_code(r));
    line("verdict", buf_cstr(&b));
    buf_clear(&b);
    buf_printf(&b, "%s (%s)", set->id, ruleset_kind_name(set->kind));
    line("set", buf_cstr(&b));
    line("confidence", rule_confidence(r));
    line("reason", rule_reason(r));
    for (size_t i = 0; i < PARTS; i++) {
        buf_clear(&b);
        part_text(rs, r, i, &b);
        line(parts[i].label, buf_cstr(&b));
    }
    print_time_line(rs, r, at);
    line("needs", rule_change(r));
    for (size_t i = 0; i < rule_citations(r); i++) {
        const struct citation *c = rule_citation(r, i);
        buf_clear(&b);
        buf_printf(&b, "%s, %s (read %s)", c->title, c->url, c->read);
        line(i == 0 ? "source" : "", buf_cstr(&b));
    }
    buf_clear(&b);
    buf_printf(&b, "%d in %s", tests, set->file);
    line("tests", tests >= 0 ? buf_cstr(&b) : "");
    buf_done(&b);
}

static void json_values(struct json_out *o, const struct ruleset *rs, const struct rule *r)
{
    const int64_t *dates;
    const char *const *names;
    size_t n = rule_dates(r, &dates), n_names = rule_values(r, &names);
    char day[DAY_TEXT];
    struct buf text;
    buf_init(&text, 4096);
    jo_key(o, "values");
    jo_object(o);
    for (size_t i = 0; i < n; i++) {
        jo_key(o, rules_day(dates[i], day));
        jo_object(o);
        for (size_t v = 0; v < n_names; v++) {
            buf_clear(&text);
            rule_value_text(rs, r, i, v, &text);
            jo_kstr(o, names[v], buf_str(&text));
        }
        jo_end(o);
    }
    jo_end(o);
    buf_done(&text);
}

static int print_rule_json(const struct ruleset *rs, const struct rule *r, int64_t at, int tests)
{
    struct buf b, text;
    struct json_out o;
    buf_init(&b, JSON_MAX);
    buf_init(&text, 64u << 10);
    json_out_init(&o, &b);
    jo_object(&o);
    json_rule(&o, rs, r, at);
    jo_kcstr(&o, "reason", rule_reason(r));
    jo_kcstr(&o, "change", rule_change(r));
    for (size_t i = 0; i < PARTS; i++) {
        buf_clear(&text);
        part_text(rs, r, i, &text);
        jo_key(&o, parts[i].key);
        if (text.len > 0)
            jo_str(&o, buf_str(&text));
        else
            jo_null(&o);
    }
    json_values(&o, rs, r);
    jo_key(&o, "citations");
    jo_array(&o);
    for (size_t i = 0; i < rule_citations(r); i++) {
        const struct citation *c = rule_citation(r, i);
        jo_object(&o);
        jo_kcstr(&o, "title", c->title);
        jo_kcstr(&o, "url", c->url);
        jo_kcstr(&o, "read", c->read);
        jo_end(&o);
    }
    jo_end(&o);
    jo_kint(&o, "tests", tests);
    jo_kcstr(&o, "file", rule_source(rs, r)->file);
    jo_end(&o);
    int rc = cmd_print_json(&b);
    buf_done(&b);
    buf_done(&text);
    return rc;
}

static int no_rule(const struct ruleset *rs, const char *id)
{
    const char *ids[RULES_MAX + 1], *near;
    size_t n = 0;
    for (; n < ruleset_count(rs) && n < RULES_MAX; n++)
        ids[n] = rule_id(ruleset_rule(rs, n));
    ids[n] = NULL;
    near = nearest_word(str_of(id), ids);
    return cmd_fail(CMD_FAILED, "wayleave rules list", "no rule is called \"%s\"%s%s%s", id,
                    near ? "; did you mean " : "", near ? near : "", near ? "?" : "");
}

int rules_show(const struct args *a)
{
    struct rule_paths paths;
    struct ruleset *rs = NULL;
    int64_t at = 0;
    struct arena *mem = arena_create(PATHS_MAX);
    int rc = mem == NULL ? CMD_FAILED : rules_at(a, &at);
    if (rc == CMD_OK)
        rc = rules_paths(a, 1, mem, &paths);
    if (rc == CMD_OK)
        rc = rules_book(&paths, &rs);
    const struct rule *r = rc == CMD_OK ? ruleset_find(rs, a->word[0]) : NULL;
    if (rc == CMD_OK && r == NULL)
        rc = no_rule(rs, a->word[0]);
    if (rc == CMD_OK) {
        int tests = rules_tests(rule_source(rs, r)->file, rule_id(r));
        if (args_has(a, "json"))
            rc = print_rule_json(rs, r, at, tests);
        else
            print_rule(rs, r, at, tests);
    }
    ruleset_free(rs);
    arena_free(mem);
    return rc;
}
