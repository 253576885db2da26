/* SPDX-License-Identifier: Apache-2.0
 * rules_live.c - `wayleave rules running`, `rules history`, `rules activate`: the rules of a running gateway.
 *
 * Clients of the REST API like every command that asks a gateway. The files are read by the gateway, as its own
 * configuration names them; these commands send none. */
#include <stdio.h>
#include <string.h>

#include "cmd/rest_client.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

#define LABEL      12
#define HASH_SHOWN 12

static struct str text_at(struct json object, const char *key)
{
    return json_str_or(json_get(object, key), STR(""));
}

/* "2026-11-22T01:43:07.123Z" as "2026-11-22 01:43:07Z". */
static struct str time_at(struct json object, const char *key, char out[40])
{
    struct str s = text_at(object, key);
    if (s.n < 20 || s.n > 30)
        return s;
    snprintf(out, 40, "%.10s %.8sZ", s.p, s.p + 11);
    return str_of(out);
}

static void line(const char *word, struct str value)
{
    term_cell(stdout, TONE_DIM, str_of(word), LABEL);
    putchar(' ');
    term_wrap(stdout, LABEL + 1, value);
}

static int64_t number_at(struct json object, const char *key)
{
    int64_t n = 0;
    json_i64(json_get(object, key), &n);
    return n;
}

/* "18 rules, 1 judged only, 2 off" */
static void count_text(struct json rules, char *out, size_t n)
{
    int64_t enforced = number_at(rules, "enforce"), shadow = number_at(rules, "shadow"), off = number_at(rules, "off");
    int at = snprintf(out, n, "%lld rules", (long long)enforced);
    if (shadow > 0)
        at += snprintf(out + at, n - (size_t)at, ", %lld judged only", (long long)shadow);
    if (off > 0)
        snprintf(out + at, n - (size_t)at, ", %lld off", (long long)off);
}

static void show_book(struct json book, const char *since)
{
    char when[40], count[96], text[800];
    line("book", text_at(book, "id"));
    line("hash", text_at(book, "hash"));
    line("since", time_at(book, since, when));
    for (struct json_iter it = json_iter(json_get(book, "sources")); json_next(&it);) {
        struct str id = text_at(it.value, "id"), file = text_at(it.value, "file"), kind = text_at(it.value, "kind");
        char word[16];
        count_text(json_get(it.value, "rules"), count, sizeof count);
        snprintf(word, sizeof word, "%.*s", (int)(kind.n < 15 ? kind.n : 15), kind.p);
        snprintf(text, sizeof text, "%.*s, %s, %.*s", (int)(id.n < 64 ? id.n : 64), id.p, count,
                 (int)(file.n < 512 ? file.n : 512), file.p);
        line(word, str_of(text));
    }
}

static void show_running(struct json answer)
{
    struct json shadow = json_get(answer, "shadow");
    show_book(answer, "activated_at");
    if (json_type(shadow) != JSON_OBJECT)
        return;
    puts("\nin the shadow");
    show_book(shadow, "since");
}

static void show_history(struct json answer)
{
    struct str next = text_at(answer, "next");
    for (struct json_iter it = json_iter(json_get(answer, "events")); json_next(&it);) {
        struct str id = text_at(it.value, "id"), hash = text_at(it.value, "hash"), detail = text_at(it.value, "detail");
        char when[40], text[200];
        struct str at = time_at(it.value, "at", when);
        snprintf(text, sizeof text, "%.*s %.*s", (int)(id.n < 120 ? id.n : 120), id.n ? id.p : "",
                 (int)(hash.n < HASH_SHOWN ? hash.n : HASH_SHOWN), hash.n ? hash.p : "");
        term_cell(stdout, TONE_PLAIN, at, 21);
        putchar(' ');
        term_cell(stdout, TONE_PLAIN, text_at(it.value, "act"), 10);
        putchar(' ');
        term_cell(stdout, TONE_DIM, text_at(it.value, "actor"), 6);
        printf(" %s\n", id.n > 0 ? text : "none");
        if (detail.n > 0) {
            printf("%*s", 40, "");
            term_wrap(stdout, 40, detail);
            printf("%*s", 40, "");
            term_wrap(stdout, 40, text_at(it.value, "reason"));
        }
    }
    if (next.n > 0)
        printf("older ones: the same command with --before %.*s\n", (int)next.n, next.p);
}

static void show_activated(struct json answer)
{
    bool changed = false;
    json_bool(json_get(answer, "changed"), &changed);
    puts(changed ? "activated" : "nothing changed: the files say what they said");
    show_running(json_get(answer, "running"));
}

static int call(const struct args *a, const char *method, const char *path, void (*show)(struct json answer))
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_call(&r, method, path, (struct str){NULL, 0}, &answer);
    if (rc == CMD_OK)
        rc = rest_check(&r, answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK && !args_has(a, "quiet"))
        show(answer);
    rest_close(&r);
    return rc;
}

int rules_running(const struct args *a)
{
    return call(a, "GET", "/rules", show_running);
}

int rules_history(const struct args *a)
{
    char path[96];
    int64_t before = INT64_MAX;
    const char *given = args_get(a, "before");
    if (given != NULL && (!str_i64(str_of(given), &before) || before <= 0))
        return cmd_fail(CMD_USAGE, "give what the last line of a page says", "\"%.40s\" is no event", given);
    snprintf(path, sizeof path, "/rules/history?act=%s&before=%lld",
             args_has(a, "overrides") ? "overridden" : "activated,shadowed", (long long)before);
    return call(a, "GET", path, show_history);
}

int rules_activate_run(const struct args *a)
{
    return call(a, "POST", "/rules/activate", show_activated);
}
