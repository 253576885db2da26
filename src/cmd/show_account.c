/* SPDX-License-Identifier: Apache-2.0
 * show_account.c - numbers, accounts, templates and notices as a person reads them.
 *
 * Behind each word of Meta's stands since when it holds, below it what it means and what to do: the gateway's own sentences,
 * printed as they are. */
#include "cmd/show_account.h"

#include <stdio.h>
#include <string.h>

#define LINE_MAX_BYTES 4096

static enum tone word_tone(struct str word)
{
    static const struct {
        const char *word;
        enum tone tone;
    } tones[] = {{"connected", TONE_GOOD},  {"available", TONE_GOOD}, {"ok", TONE_GOOD},      {"approved", TONE_GOOD},
                 {"green", TONE_GOOD},      {"yellow", TONE_WARN},    {"limited", TONE_WARN}, {"pending", TONE_WARN},
                 {"paused", TONE_WARN},     {"red", TONE_BAD},        {"blocked", TONE_BAD},  {"banned", TONE_BAD},
                 {"restricted", TONE_BAD},  {"rejected", TONE_BAD},   {"disabled", TONE_BAD}, {"locked", TONE_BAD},
                 {"rate_limited", TONE_BAD}};
    for (size_t i = 0; i < sizeof tones / sizeof tones[0]; i++)
        if (str_ieq(word, str_of(tones[i].word)))
            return tones[i].tone;
    return TONE_PLAIN;
}

/* The word, since when, what it means and what to do. */
static void show_word(const char *label, struct json v, const char *key, struct json since)
{
    char name[64], when[SHOW_TIME];
    struct str word = show_text(v, key), at = show_time(since, when);
    if (word.n == 0)
        return;
    show_label(0, label);
    term_text(stdout, word_tone(word), word);
    if (at.n > 0)
        term_printf(stdout, TONE_DIM, "  said %.*s", (int)at.n, at.p);
    putchar('\n');
    snprintf(name, sizeof name, "%s_means", key);
    show_line(0, "", show_text(v, name));
    snprintf(name, sizeof name, "%s_next", key);
    struct str next = show_text(v, name);
    if (next.n > 0) {
        show_label(0, "  next");
        term_wrap(stdout, SHOW_LABEL + 1, next);
    }
}

static void json_line(const char *label, struct json v)
{
    struct buf b;
    if (json_type(v) <= JSON_NULL)
        return;
    buf_init(&b, 64u << 10);
    json_write_value(&b, v);
    show_line(0, label, buf_str(&b));
    buf_done(&b);
}

static void limit_text(struct json limit, char *out, size_t size)
{
    int64_t people;
    if (json_type(limit) != JSON_OBJECT)
        snprintf(out, size, "-");
    else if (json_i64(json_get(limit, "people"), &people))
        snprintf(out, size, "%lld of %lld", (long long)show_number(limit, "used"), (long long)people);
    else
        snprintf(out, size, "%lld, no limit", (long long)show_number(limit, "used"));
}

static void show_limit(struct json v)
{
    char text[200];
    struct json limit = json_get(v, "limit");
    long long used = (long long)show_number(limit, "used"), people = (long long)show_number(limit, "people");
    if (json_type(limit) != JSON_OBJECT)
        return;
    if (people > 0)
        snprintf(text, sizeof text, "%lld of %lld people reached outside windows in the last 24 hours", used, people);
    else
        snprintf(text, sizeof text, "none; %lld people reached outside windows in the last 24 hours", used);
    show_line(0, "limit", str_of(text));
    snprintf(text, sizeof text, "%lld left; all numbers of the portfolio share it",
             (long long)show_number(limit, "left"));
    if (people > 0)
        show_line(0, "", str_of(text));
}

static void show_restrictions(struct json list)
{
    char when[SHOW_TIME];
    struct buf b;
    buf_init(&b, LINE_MAX_BYTES);
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct str what = show_text(it.value, "what"), until = show_time(json_get(it.value, "until"), when);
        buf_clear(&b);
        buf_printf(&b, "%.*s %s%.*s", (int)what.n, what.p, until.n > 0 ? "until " : "until Meta lifts it", (int)until.n,
                   until.p);
        show_line(0, "restricted", buf_str(&b));
        show_line(0, "", show_text(it.value, "means"));
        struct str next = show_text(it.value, "next");
        show_line(0, "  next", next);
    }
    buf_done(&b);
}

/* --- notices ---------------------------------------------------------------------------------------------------------- */

static void show_notice(int indent, struct json n)
{
    char when[SHOW_TIME];
    struct buf b;
    struct str subject = show_text(n, "subject"), number = show_text(n, "number"), word = show_text(n, "word");
    buf_init(&b, LINE_MAX_BYTES);
    printf("%*s", indent, "");
    term_cell(stdout, TONE_DIM, show_time(json_get(n, "at"), when), 22);
    term_cell(stdout, TONE_PLAIN, show_text(n, "field"), 34);
    buf_printf(&b, " %.*s", (int)word.n, word.p);
    if (number.n > 0)
        buf_printf(&b, " of number %.*s", (int)number.n, number.p);
    if (subject.n > 0)
        buf_printf(&b, " %.*s", (int)subject.n, subject.p);
    term_text(stdout, TONE_PLAIN, buf_str(&b));
    putchar('\n');
    buf_done(&b);
}

void show_notice_list(struct json notices, bool narrowed)
{
    if (json_count(notices) == 0)
        puts(narrowed ? "no notice is like that" : "nothing was said by webhook yet");
    for (struct json_iter it = json_iter(notices); json_next(&it);)
        show_notice(0, it.value);
}

static void last_notices(struct json v)
{
    struct json notices = json_get(v, "notices");
    if (json_count(notices) > 0)
        puts("last notices");
    for (struct json_iter it = json_iter(notices); json_next(&it);)
        show_notice(2, it.value);
}

/* --- numbers ---------------------------------------------------------------------------------------------------------- */

void show_number_list(struct json numbers)
{
    static const char head[] =
        "number            phone             name                status       quality  health     "
        "msg/s  people       waiting  last webhook          ";
    char limit[64], text[48], when[SHOW_TIME];
    if (json_count(numbers) == 0) {
        puts("no number is known; see wayleave doctor");
        return;
    }
    term_text(stdout, TONE_DIM, str_of(head));
    putchar('\n');
    for (struct json_iter it = json_iter(numbers); json_next(&it);) {
        struct json v = it.value;
        struct str stopped = show_text(v, "stopped"), heard = show_time(json_get(v, "last_webhook_at"), when);
        term_cell(stdout, TONE_PLAIN, show_text(v, "id"), 18);
        term_cell(stdout, TONE_PLAIN, show_text(v, "phone"), 18);
        term_cell(stdout, TONE_PLAIN, show_text(v, "name"), 20);
        term_cell(stdout, word_tone(show_text(v, "status")), show_text(v, "status"), 13);
        term_cell(stdout, word_tone(show_text(v, "quality")), show_text(v, "quality"), 9);
        term_cell(stdout, word_tone(show_text(v, "health")), show_text(v, "health"), 11);
        snprintf(text, sizeof text, "%lld", (long long)show_number(v, "per_second"));
        term_cell(stdout, TONE_PLAIN, show_number(v, "per_second") > 0 ? str_of(text) : STR("-"), 7);
        limit_text(json_get(v, "limit"), limit, sizeof limit);
        term_cell(stdout, TONE_PLAIN, str_of(limit), 13);
        snprintf(text, sizeof text, "%lld", (long long)show_number(v, "waiting"));
        term_cell(stdout, TONE_PLAIN, str_of(text), 9);
        term_cell(stdout, TONE_PLAIN, heard.n > 0 ? heard : STR("-"), 22);
        if (stopped.n > 0)
            term_printf(stdout, TONE_BAD, "stopped: %.*s", (int)stopped.n, stopped.p);
        else if (!show_flag(v, "token"))
            term_printf(stdout, TONE_DIM, "no token kept");
        putchar('\n');
    }
}

static void show_own(struct json v)
{
    char text[96];
    snprintf(text, sizeof text, "%lld messages", (long long)show_number(v, "waiting"));
    show_line(0, "waiting", str_of(text));
    show_word("stopped", v, "stopped", (struct json){NULL, 0});
    show_time_line(0, "until", json_get(v, "stopped_until"));
    show_line(0, "token",
              show_flag(v, "token_refused") ? STR("kept, and Meta refused it")
              : show_flag(v, "token")       ? STR("kept")
                                            : STR("none is kept: clients bring their own"));
    show_time_line(0, "last webhook", json_get(v, "last_webhook_at"));
    show_time_line(0, "last asked", json_get(v, "polled_at"));
    show_time_line(0, "asked again", json_get(v, "next_poll_at"));
    show_line(0, "asking failed", show_text(v, "poll_error"));
}

static void show_of_account(struct json account)
{
    struct buf b;
    struct str id = show_text(account, "id"), name = show_text(account, "name");
    if (id.n == 0)
        return;
    buf_init(&b, LINE_MAX_BYTES);
    buf_printf(&b, "%.*s%s%.*s", (int)id.n, id.p, name.n > 0 ? ", " : "", (int)name.n, name.p);
    show_line(0, "account", buf_str(&b));
    show_word("its state", account, "state", (struct json){NULL, 0});
    show_restrictions(json_get(account, "restrictions"));
    buf_done(&b);
}

void show_our_number(struct json v)
{
    char text[64];
    struct json since = json_get(v, "said_at");
    show_line(0, "number", show_text(v, "id"));
    show_line(0, "phone", show_text(v, "phone"));
    show_line(0, "name", show_text(v, "name"));
    show_word("name status", v, "name_status", json_get(since, "name_status"));
    show_line(0, "username", show_text(v, "username"));
    show_word("status", v, "status", json_get(since, "status"));
    show_word("quality", v, "quality", json_get(since, "quality"));
    show_word("health", v, "health", json_get(since, "health"));
    json_line("  why", json_get(v, "health_why"));
    snprintf(text, sizeof text, "%lld in and out", (long long)show_number(v, "per_second"));
    if (show_number(v, "per_second") > 0)
        show_line(0, "a second", str_of(text));
    show_limit(v);
    show_time_line(0, "spam since", json_get(v, "spam_at"));
    show_own(v);
    show_of_account(json_get(v, "of_account"));
    last_notices(v);
}

/* --- accounts --------------------------------------------------------------------------------------------------------- */

void show_account_list(struct json accounts)
{
    char text[64];
    if (json_count(accounts) == 0) {
        puts("no account is known; see wayleave doctor");
        return;
    }
    term_text(stdout, TONE_DIM,
              STR("account           name                     state     health     people       "
                  "numbers  templates  restrictions"));
    putchar('\n');
    for (struct json_iter it = json_iter(accounts); json_next(&it);) {
        struct json v = it.value;
        const char *gap = "";
        term_cell(stdout, TONE_PLAIN, show_text(v, "id"), 18);
        term_cell(stdout, TONE_PLAIN, show_text(v, "name"), 25);
        term_cell(stdout, word_tone(show_text(v, "state")), show_text(v, "state"), 10);
        term_cell(stdout, word_tone(show_text(v, "health")), show_text(v, "health"), 11);
        limit_text(json_get(v, "limit"), text, sizeof text);
        term_cell(stdout, TONE_PLAIN, str_of(text), 13);
        snprintf(text, sizeof text, "%lld", (long long)show_number(v, "numbers"));
        term_cell(stdout, TONE_PLAIN, str_of(text), 9);
        snprintf(text, sizeof text, "%lld", (long long)show_number(v, "templates"));
        term_cell(stdout, TONE_PLAIN, str_of(text), 11);
        for (struct json_iter at = json_iter(json_get(v, "restrictions")); json_next(&at); gap = ", ") {
            struct str what = show_text(at.value, "what");
            term_printf(stdout, TONE_BAD, "%s%.*s", gap, (int)what.n, what.p);
        }
        putchar('\n');
    }
}

void show_account(struct json v)
{
    struct json since = json_get(v, "said_at");
    char text[64];
    show_line(0, "account", show_text(v, "id"));
    show_line(0, "name", show_text(v, "name"));
    show_line(0, "portfolio", show_text(v, "portfolio"));
    show_word("state", v, "state", json_get(since, "state"));
    show_word("health", v, "health", json_get(since, "health"));
    json_line("  why", json_get(v, "health_why"));
    show_restrictions(json_get(v, "restrictions"));
    show_line(0, "disabled on", show_text(v, "disable_on"));
    show_line(0, "violation", show_text(v, "violation"));
    show_time_line(0, "", json_get(since, "violation"));
    show_word("review", v, "review", json_get(since, "review"));
    show_limit(v);
    snprintf(text, sizeof text, "%lld", (long long)show_number(v, "numbers"));
    show_line(0, "numbers", str_of(text));
    json_line("", json_get(v, "number_ids"));
    json_line("templates", json_get(v, "templates_by_status"));
    show_time_line(0, "  read", json_get(v, "templates_read_at"));
    show_line(0, "  failed", show_text(v, "templates_error"));
    show_time_line(0, "known as of", json_get(v, "updated_at"));
    last_notices(v);
}

/* --- templates -------------------------------------------------------------------------------------------------------- */

void show_template_list(struct json templates, bool first, bool narrowed)
{
    char when[SHOW_TIME];
    if (first && json_count(templates) == 0) {
        puts(narrowed ? "no template is like that; without options the list has all"
                      : "no template; wayleave templates sync reads them again");
        return;
    }
    if (first) {
        term_text(stdout, TONE_DIM,
                  STR("name                            language  status            category        quality  why"));
        putchar('\n');
    }
    for (struct json_iter it = json_iter(templates); json_next(&it);) {
        struct json v = it.value;
        struct str next = show_text(v, "next_category"), at = show_time(json_get(v, "next_category_at"), when);
        struct str name = show_text(v, "name");
        term_cell(stdout, TONE_PLAIN, name, 32);
        if (term_width(name) >= 32)
            putchar(' ');
        term_cell(stdout, TONE_PLAIN, show_text(v, "language"), 10);
        term_cell(stdout, word_tone(show_text(v, "status")), show_text(v, "status"), 18);
        term_cell(stdout, TONE_PLAIN, show_text(v, "category"), 16);
        term_cell(stdout, word_tone(show_text(v, "quality")), show_text(v, "quality"), 9);
        term_text(stdout, TONE_PLAIN, show_text(v, "reason"));
        if (next.n > 0)
            term_printf(stdout, TONE_WARN, " becomes %.*s %.*s", (int)next.n, next.p, at.n > 11 ? 10 : (int)at.n, at.p);
        putchar('\n');
    }
}

void show_template(struct json v)
{
    char when[SHOW_TIME], text[128];
    struct json none = {NULL, 0};
    struct str next = show_text(v, "next_category"), at = show_time(json_get(v, "next_category_at"), when);
    show_line(0, "template", show_text(v, "name"));
    show_line(0, "language", show_text(v, "language"));
    show_line(0, "account", show_text(v, "account"));
    show_line(0, "id", show_text(v, "id"));
    show_word("status", v, "status", json_get(v, "status_at"));
    show_word("reason", v, "reason", none);
    show_line(0, "why", show_text(v, "why"));
    show_line(0, "Meta's advice", show_text(v, "recommendation"));
    show_line(0, "category", show_text(v, "category"));
    snprintf(text, sizeof text, "%.*s%s%.*s", (int)next.n, next.p, at.n > 0 ? " from " : "", (int)at.n, at.p);
    show_line(0, "becomes", str_of(text));
    show_word("quality", v, "quality", none);
    show_time_line(0, "listed", json_get(v, "listed_at"));
    if (show_flag(v, "stale"))
        show_line(0, "", STR("Meta said since that its contents changed: what follows is the old text"));
    json_line("components", json_get(v, "components"));
}
