/* SPDX-License-Identifier: Apache-2.0
 * show_consent.c - consent as a person reads it: what stands for each category and why, then every event with its evidence.
 *
 * An event is named by its number in the list, so that "why" can point at it on paper, too; with --json it has its id. */
#include <stdio.h>

#include "cmd/show.h"

void show_scopes(struct json consent)
{
    char when[SHOW_TIME];
    for (struct json_iter it = json_iter(consent); json_next(&it);) {
        struct str status = show_text(it.value, "status"), rank = show_text(it.value, "rank"),
                   needs = show_text(it.value, "needs");
        bool granted = str_eq(status, STR("granted")), withdrawn = str_eq(status, STR("withdrawn"));
        struct str at = show_time(json_get(it.value, "at"), when);
        fputs("  ", stdout);
        term_cell(stdout, TONE_PLAIN, it.key, SHOW_LABEL + 2);
        term_cell(stdout, granted ? TONE_GOOD : withdrawn ? TONE_BAD : TONE_DIM, status, 10);
        term_printf(stdout, TONE_PLAIN, " %.*s", (int)at.n, at.p);
        if (granted && rank.n > 0)
            term_printf(stdout, TONE_DIM, "  %.*s", (int)rank.n, rank.p);
        if (needs.n > 0)
            term_printf(stdout, TONE_DIM, "  until a later grant that is %.*s or better", (int)needs.n, needs.p);
        struct str ends = show_time(json_get(it.value, "expires"), when);
        if (ends.n > 0)
            term_printf(stdout, TONE_WARN, "  expires %.*s", (int)ends.n, ends.p);
        putchar('\n');
    }
}

void show_stop(struct json stop)
{
    char when[SHOW_TIME];
    bool stopped = false;
    if (!json_bool(json_get(stop, "stopped"), &stopped) || !stopped)
        return;
    struct str at = show_time(json_get(stop, "at"), when);
    term_printf(stdout, TONE_BAD, "  stopped marketing in WhatsApp itself %.*s", (int)at.n, at.p);
    putchar('\n');
}

/* Which of the events has this id, counted from 1; 0: none of them. */
static int number_of(struct json events, struct str id)
{
    int at = 0;
    for (struct json_iter it = json_iter(events); json_next(&it);) {
        at++;
        if (id.n > 0 && str_eq(show_text(it.value, "id"), id))
            return at;
    }
    return 0;
}

static void show_standing(struct json standing, struct json events)
{
    struct buf b;
    buf_init(&b, 1024);
    for (struct json_iter it = json_iter(standing); json_next(&it);) {
        struct str why = show_text(it.value, "why"), category = show_text(it.value, "category");
        int by = number_of(events, show_text(it.value, "decided_by"));
        buf_clear(&b);
        buf_printf(&b, "%.*s%s", (int)why.n, why.p, by > 0 ? "; decided by event " : "");
        if (by > 0)
            buf_printf(&b, "%d", by);
        fputs("  ", stdout);
        term_cell(stdout, TONE_PLAIN, category, SHOW_LABEL + 2);
        term_text(stdout, show_flag(it.value, "granted") ? TONE_GOOD : TONE_PLAIN, buf_str(&b));
        putchar('\n');
        for (struct json_iter on = json_iter(json_get(it.value, "against")); json_next(&on);) {
            struct str says = show_text(on.value, "why");
            printf("      event %d does not decide: ", number_of(events, show_text(on.value, "event")));
            term_text(stdout, TONE_DIM, says);
            putchar('\n');
        }
    }
    buf_done(&b);
}

static void show_place(struct json event)
{
    int64_t leaf;
    char text[64];
    if (!json_i64(json_get(event, "leaf"), &leaf))
        return;
    snprintf(text, sizeof text, "leaf %lld, %s", (long long)leaf,
             show_flag(event, "sealed") ? "inside a signed checkpoint" : "not in a checkpoint yet");
    show_line(4, "ledger", str_of(text));
}

static void show_words(struct str wording)
{
    if (wording.n == 0)
        return;
    show_label(4, "wording");
    term_paragraphs(stdout, SHOW_LABEL + 1, wording);
}

static void show_event(struct json event, int number)
{
    static const struct {
        const char *label, *key;
    } lines[] = {{"rank", "rank"},           {"missing", "lacks"},     {"sha256", "wording_sha256"},
                 {"language", "language"},   {"business", "business"}, {"policy", "policy"},
                 {"law of", "jurisdiction"}, {"evidence", "evidence"}, {"said under", "subject"},
                 {"actor", "actor"}};
    char when[SHOW_TIME];
    struct str act = show_text(event, "act"), at = show_time(json_get(event, "at"), when),
               scope = show_text(event, "scope"), method = show_text(event, "method"),
               source = show_text(event, "source");
    printf("%3d ", number);
    term_printf(stdout, TONE_PLAIN, "%.*s  ", (int)at.n, at.p);
    term_cell(stdout, str_eq(act, STR("grant")) || str_eq(act, STR("resume")) ? TONE_GOOD : TONE_BAD, act, 9);
    term_printf(stdout, TONE_PLAIN, "%.*s%s%.*s%s%.*s", (int)scope.n, scope.p, method.n ? ", by " : "", (int)method.n,
                method.p, source.n ? ", from " : "", (int)source.n, source.p);
    putchar('\n');
    show_words(show_text(event, "wording"));
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        show_line(4, lines[i].label, show_text(event, lines[i].key));
    show_time_line(4, "expires", json_get(event, "expires"));
    if (show_flag(event, "back_dated"))
        show_time_line(4, "recorded late", json_get(event, "recorded_at"));
    show_place(event);
}

void show_consent(struct json answer)
{
    struct json events = json_get(answer, "events");
    int number = 0;
    show_line(0, "contact", show_text(answer, "contact"));
    show_time_line(0, "to be erased", json_get(answer, "restricted_until"));
    puts("consent");
    show_scopes(json_get(answer, "consent"));
    show_stop(json_get(answer, "platform_stop"));
    if (json_count(json_get(answer, "standing")) > 0)
        puts("why");
    show_standing(json_get(answer, "standing"), events);
    if (json_count(events) > 0)
        puts("history");
    for (struct json_iter it = json_iter(events); json_next(&it);)
        show_event(it.value, ++number);
}

static void show_wording(struct json w)
{
    char when[SHOW_TIME];
    struct str at = show_time(json_get(w, "first_at"), when), hash = show_text(w, "sha256");
    term_text(stdout, TONE_BOLD, hash);
    putchar('\n');
    fputs("  ", stdout);
    if (json_type(json_get(w, "events")) != JSON_ABSENT)
        printf("%lld events, ", (long long)show_number(w, "events"));
    term_printf(stdout, TONE_PLAIN, "first %.*s", (int)at.n, at.p);
    putchar('\n');
    show_line(2, "language", show_text(w, "language"));
    show_line(2, "text", show_text(w, "text"));
}

void show_wordings(struct json answer)
{
    struct json list = json_get(answer, "wordings");
    if (json_type(list) == JSON_ABSENT) {
        show_wording(answer);
        return;
    }
    if (json_count(list) == 0)
        puts("no wording is recorded");
    for (struct json_iter it = json_iter(list); json_next(&it);)
        show_wording(it.value);
    if (json_count(list) > 0 && !show_flag(answer, "counted_all"))
        puts("there is more in the ledger than was counted in the time there was: the counts are of its beginning");
}
