/* SPDX-License-Identifier: Apache-2.0
 * segments_ask.c - `wayleave segments count`, `explain`, `sql`, `sample`, `fields`, `values` and `model`: what a segment means today.
 *
 * Every answer says as of when it is. What was asked for and nobody has (a mistyped tag) is a warning: it is no mistake, and usually is. */
#include <stdio.h>

#include "cmd/segments_verbs.h"
#include "cmd/show.h"

#define PATH_MAX_BYTES 1024

const struct option segments_values_options[] = {
    {.name = "limit", .value = "N", .help = "how many, at most 1000 (default 50)"},
    {.name = "fresh", .help = "wait until everybody was read once more"},
    {0},
};

/* Asks and hands the answer to say(); with --json prints it. */
static int ask(const struct args *a, const char *verb, int (*more)(const struct args *a, struct json_out *o),
               int (*say)(const struct args *a, struct json answer))
{
    struct rest r;
    struct json answer;
    struct json_out o;
    struct buf body;
    buf_init(&body, SEGMENTS_BODY_MAX);
    json_out_init(&o, &body);
    int rc = rest_open(&r, a);
    jo_object(&o);
    if (rc == CMD_OK)
        rc = segments_put_question(a, &o);
    if (rc == CMD_OK && more != NULL)
        rc = more(a, &o);
    jo_end(&o);
    if (rc == CMD_OK)
        rc = segments_post(&r, verb, &body, &answer);
    if (rc == CMD_OK)
        rc = args_has(a, "json") ? rest_print(answer) : say(a, answer);
    rest_close(&r);
    buf_done(&body);
    return rc;
}

/* --- count and explain ------------------------------------------------------------------------------------------------ */

static void say_unheard(struct json answer)
{
    struct json names = json_get(answer, "unheard");
    bool first = true;
    if (json_count(names) == 0)
        return;
    show_label(2, "nobody has");
    for (struct json_iter it = json_iter(names); json_next(&it); first = false) {
        fputs(first ? "" : ", ", stdout);
        term_text(stdout, TONE_WARN, json_str_or(it.value, STR("")));
    }
    putchar('\n');
}

static void say_head(struct json answer)
{
    struct str sentence = show_text(answer, "sentence");
    term_wrap(stdout, 0, sentence);
    show_label(2, "matching");
    printf("%lld of %lld people\n", (long long)show_number(answer, "matching"),
           (long long)show_number(answer, "people"));
}

static int say_count(const struct args *a, struct json answer)
{
    (void)a;
    say_head(answer);
    bool first = true;
    show_label(2, "may be sent");
    for (struct json_iter it = json_iter(json_get(answer, "reachable")); json_next(&it); first = false) {
        int64_t n = 0;
        json_i64(it.value, &n);
        printf("%s%.*s to %lld", first ? "" : ", ", (int)it.key.n, it.key.p, (long long)n);
    }
    putchar('\n');
    say_unheard(answer);
    show_time_line(2, "as of", json_get(answer, "as_of"));
    return CMD_OK;
}

int segments_count_run(const struct args *a)
{
    return ask(a, "count", NULL, say_count);
}

static int say_explained(const struct args *a, struct json answer)
{
    (void)a;
    say_head(answer);
    for (struct json_iter it = json_iter(json_get(answer, "rules")); json_next(&it);) {
        struct str path = show_text(it.value, "path"), sentence = show_text(it.value, "sentence");
        char people[24];
        snprintf(people, sizeof people, "%lld", (long long)show_number(it.value, "people"));
        fputs("  ", stdout);
        term_cell(stdout, TONE_DIM, path, 20);
        term_cell(stdout, TONE_PLAIN, str_of(people), 11);
        term_text(stdout, TONE_PLAIN, sentence);
        putchar('\n');
    }
    if (show_flag(answer, "more"))
        term_printf(stdout, TONE_DIM, "  there are more rules than are shown\n");
    say_unheard(answer);
    show_time_line(2, "as of", json_get(answer, "as_of"));
    return CMD_OK;
}

int segments_explain_run(const struct args *a)
{
    return ask(a, "explain", NULL, say_explained);
}

/* --- sql ---------------------------------------------------------------------------------------------------------------- */

static int say_sql(const struct args *a, struct json answer)
{
    struct str sql = show_text(answer, "sql");
    (void)a;
    fwrite(sql.p, 1, sql.n, stdout);
    putchar('\n');
    return CMD_OK;
}

int segments_sql_run(const struct args *a)
{
    return ask(a, "sql", NULL, say_sql);
}

/* --- sample ------------------------------------------------------------------------------------------------------------- */

static const struct show_column sample_columns[] = {{"contact", "id", 14, NULL},
                                                    {"phone", "phone", 18, NULL},
                                                    {"country", "country", 9, NULL},
                                                    {"activity", "class", 15, NULL},
                                                    {"last read", "last_read", 21, NULL},
                                                    {"name", "name", 0, NULL},
                                                    {0}};

static int put_sample(const struct args *a, struct json_out *o)
{
    int rc = segments_put_number(a, o, "limit", "limit", 100);
    return rc == CMD_OK ? segments_put_number(a, o, "seed", "seed", INT64_MAX) : rc;
}

static int say_sample(const struct args *a, struct json answer)
{
    if (segments_as_json(a))
        return rest_print_rows(json_get(answer, "contacts"));
    show_table(json_get(answer, "contacts"), sample_columns, "nobody");
    if (!args_has(a, "quiet"))
        term_printf(stdout, TONE_DIM, "%lld people; the same again with --seed %lld\n",
                    (long long)show_number(answer, "matching"), (long long)show_number(answer, "seed"));
    return CMD_OK;
}

int segments_sample_run(const struct args *a)
{
    return ask(a, "sample", put_sample, say_sample);
}

/* --- fields and values -------------------------------------------------------------------------------------------------- */

static int get(const struct args *a, const char *path, int (*say)(const struct args *a, struct json answer))
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    r.words = segments_words;
    r.names = "wayleave segments fields lists them";
    r.timeout_ms = SEGMENTS_WAIT_MS;
    if (rc == CMD_OK)
        rc = rest_call(&r, "GET", path, (struct str){NULL, 0}, &answer);
    if (rc == CMD_OK)
        rc = rest_check(&r, answer);
    if (rc == CMD_OK)
        rc = say(a, answer);
    rest_close(&r);
    return rc;
}

static const struct show_column field_columns[] = {{"field", "name", 26, NULL},
                                                   {"type", "type", 8, NULL},
                                                   {"what it is", "doc", 0, NULL},
                                                   {0}};
static const struct show_column value_columns[] = {{"people", "people", 12, NULL}, {"value", "value", 0, NULL}, {0}};

static int say_fields(const struct args *a, struct json answer)
{
    if (segments_as_json(a))
        return rest_print_rows(json_get(answer, "fields"));
    show_table(json_get(answer, "fields"), field_columns, "no field");
    return CMD_OK;
}

int segments_fields_run(const struct args *a)
{
    return get(a, "/segments/fields", say_fields);
}

static int say_values(const struct args *a, struct json answer)
{
    if (segments_as_json(a))
        return rest_print_rows(json_get(answer, "values"));
    show_table(json_get(answer, "values"), value_columns, "nobody has a value");
    if (show_flag(answer, "more") && !args_has(a, "quiet"))
        term_printf(stdout, TONE_DIM, "there are more: --limit N\n");
    return CMD_OK;
}

int segments_values_run(const struct args *a)
{
    struct buf path;
    const char *limit = args_get(a, "limit");
    buf_init(&path, PATH_MAX_BYTES);
    buf_puts(&path, "/segments/fields/");
    rest_segment(&path, str_of(a->word[0]));
    buf_printf(&path, "/values?fresh=%s", args_has(a, "fresh") ? "true" : "false");
    if (limit != NULL) {
        buf_puts(&path, "&limit=");
        rest_segment(&path, str_of(limit));
    }
    int rc = path.failed ? cmd_fail(CMD_USAGE, NULL, "\"%.40s...\" is too long for a field", a->word[0])
                         : get(a, buf_cstr(&path), say_values);
    buf_done(&path);
    return rc;
}

static int say_model(const struct args *a, struct json answer)
{
    if (args_has(a, "json"))
        return rest_print(answer);
    if (json_type(json_get(answer, "built_at")) <= JSON_NULL) {
        puts("nobody asked for a segment since the gateway began");
        return CMD_OK;
    }
    show_time_line(0, "built", json_get(answer, "built_at"));
    show_label(0, "people");
    printf("%lld\n", (long long)show_number(answer, "people"));
    show_label(0, "memory");
    printf("%.1f MB\n", (double)show_number(answer, "bytes") / 1e6);
    show_label(0, "build took");
    printf("%lld ms\n", (long long)show_number(answer, "took_ms"));
    show_label(0, "campaigns");
    printf("%lld, %lld people in them\n", (long long)show_number(answer, "campaigns"),
           (long long)show_number(answer, "marks"));
    show_label(0, "current");
    puts(show_flag(answer, "current") ? "yes: nothing was written since" : "no: it is built anew when it is asked for");
    return CMD_OK;
}

int segments_model_run(const struct args *a)
{
    return get(a, "/segments/model", say_model);
}
