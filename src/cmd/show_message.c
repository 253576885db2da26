/* SPDX-License-Identifier: Apache-2.0
 * show_message.c - messages as a person reads them: a table of many, the whole story of one.
 *
 * The story says what the state means, why a message that waits does so and until when, what happened in which order, and
 * what to do next. The gateway's own sentences are printed as they are; what is added here is what each end means. */
#include "cmd/show.h"

#include <stdio.h>
#include <string.h>

#include "core/graph_code.h"

/* What a state means, and what to do; NULL: nothing. */
static const struct {
    const char *state;
    enum tone tone;
    const char *means, *next;
} states[] = {
    {"waiting", TONE_WARN, "it is kept here and will be sent", "take it back with: wayleave messages cancel ID"},
    {"sending", TONE_WARN, "an attempt is on its way", NULL},
    {"ambiguous", TONE_WARN, "no answer came; it may have been accepted",
     "do not send it again yourself: what is said above is done about it"},
    {"accepted", TONE_GOOD, "Meta has it; nothing says yet that it was delivered", NULL},
    {"held", TONE_WARN, "Meta has it and holds it for a quality assessment",
     "nothing: Meta releases it by itself, or drops it and says so"},
    {"sent", TONE_GOOD, "Meta sent it to the person's phone", NULL},
    {"delivered", TONE_GOOD, "it is on the person's phone", NULL},
    {"read", TONE_GOOD, "the person has read it", NULL},
    {"played", TONE_GOOD, "the person has played it", NULL},
    {"failed", TONE_BAD, "Meta had it and reports that it did not arrive", NULL},
    {"rejected", TONE_BAD, "Meta refused it; nobody got it", NULL},
    {"refused", TONE_BAD, "a rule said no; it never left", "see every reason with: wayleave explain ID"},
    {"unsent", TONE_BAD, "it surely never reached Meta", "send it again"},
    {"expired", TONE_BAD, "it was worthless before it could be sent or delivered",
     "send a new one if it is still of use"},
    {"undetermined", TONE_BAD,
     "nobody knows whether it arrived: no answer came and no webhook; it is not sent again. A late webhook still "
     "corrects this",
     "ask the person, or look in WhatsApp Manager, before you send another"},
    {"cancelled", TONE_DIM, "it was taken back before it was sent", NULL},
};
#define STATES (sizeof states / sizeof states[0])

static size_t find_state(struct str word)
{
    size_t i = 0;
    while (i < STATES && !str_eq(word, str_of(states[i].state)))
        i++;
    return i;
}

void show_message_state(struct json m)
{
    struct str word = show_text(m, "state");
    size_t i = find_state(word);
    term_cell(stdout, TONE_DIM, STR("state"), SHOW_LABEL);
    putchar(' ');
    term_text(stdout, i < STATES ? states[i].tone : TONE_BOLD, word);
    putchar('\n');
    if (i < STATES)
        show_line(0, "", str_of(states[i].means));
    int64_t code = show_number(m, "code"), twice = show_number(m, "duplicates");
    struct str means = show_text(m, "code_means");
    char text[400];
    if (code != 0) {
        snprintf(text, sizeof text, "%lld%s%.*s", (long long)code, means.n ? ": " : "", (int)means.n, means.p);
        show_line(0, "code", str_of(text));
    }
    if (twice > 0) {
        snprintf(text, sizeof text, "the person got it %lld times: a second attempt followed a doubt, and both arrived",
                 (long long)twice + 1);
        show_line(0, "duplicated", str_of(text));
    }
}

void show_message_waiting(struct json m)
{
    char text[600];
    struct json w = json_get(m, "waiting");
    struct str why = show_text(w, "why"), rule = show_text(w, "rule");
    if (json_type(w) != JSON_OBJECT)
        return;
    snprintf(text, sizeof text, "%.*s%s%.*s%s", (int)why.n, why.p, rule.n ? " (" : "", (int)rule.n, rule.p,
             rule.n ? ")" : "");
    show_line(0, "why", str_of(text));
    show_time_line(0, "until", json_get(w, "until"));
    show_line(0, "then", show_text(w, "then"));
}

static void happened(const char **word, struct str at, struct str what)
{
    if (at.n == 0)
        return;
    term_cell(stdout, TONE_DIM, str_of(*word), SHOW_LABEL);
    fputc(' ', stdout);
    term_text(stdout, TONE_PLAIN, at);
    fputs("  ", stdout);
    term_wrap(stdout, SHOW_LABEL + 24, what);
    *word = "";
}

/* What is said of an attempt by how it ended. */
static void show_try(const char **word, struct json t, struct str code_means)
{
    static const struct {
        const char *met, *says;
    } words[] = {{"under way", "under way"},
                 {"no answer", "no answer came; it may have arrived"},
                 {"turned away", "turned away, and made again"},
                 {"not left", "it did not leave the machine"},
                 {"refused", "refused by Meta"},
                 {"accepted", "accepted by Meta"},
                 {"failed", "accepted by Meta, and then failed"}};
    char when[SHOW_TIME], text[600];
    struct str met = show_text(t, "met"), at = show_time(json_get(t, "at"), when);
    const char *says = "it ended without an acceptance";
    int64_t code = show_number(t, "code");
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (str_eq(met, str_of(words[i].met)))
            says = words[i].says;
    int n = snprintf(text, sizeof text, "attempt %lld: %s", (long long)show_number(t, "attempt"), says);
    if (code != 0)
        snprintf(text + n, sizeof text - (size_t)n, " with %lld%s%.*s", (long long)code, code_means.n ? ": " : "",
                 (int)code_means.n, code_means.p);
    happened(word, at.n > 0 ? at : STR("                    "), str_of(text));
}

/* How often Meta turned it away for what is not its own: such refusals are no attempts. */
static void show_turned(const char **word, struct json t)
{
    int64_t times = show_number(t, "times"), code = show_number(t, "code");
    const struct graph_code *words = code != 0 ? graph_code((int)code) : NULL;
    char text[400];
    if (times == 0)
        return;
    int n = snprintf(text, sizeof text, "turned away by Meta %lld time%s", (long long)times, times == 1 ? "" : "s");
    if (code != 0)
        snprintf(text + n, sizeof text - (size_t)n, ", last with %lld%s%s", (long long)code, words ? ": " : "",
                 words ? words->means : "");
    happened(word, STR("                    "), str_of(text));
}

static void show_tries(const char **word, struct json m)
{
    show_turned(word, json_get(m, "turned_away"));
    for (struct json_iter it = json_iter(json_get(m, "tries")); json_next(&it);) {
        const struct graph_code *words = graph_code((int)show_number(it.value, "code"));
        show_try(word, it.value, str_of(words != NULL && show_number(it.value, "code") != 0 ? words->means : NULL));
    }
}

static void show_events(const char **word, struct json m)
{
    char when[SHOW_TIME], text[400];
    for (struct json_iter it = json_iter(json_get(m, "events")); json_next(&it);) {
        struct str status = show_text(it.value, "status"), detail = show_text(it.value, "detail");
        int64_t code = show_number(it.value, "code");
        int at = snprintf(text, sizeof text, "Meta: %.*s", (int)status.n, status.p);
        if (code != 0 && (size_t)at < sizeof text)
            at += snprintf(text + at, sizeof text - (size_t)at, " %lld", (long long)code);
        if (detail.n > 0 && (size_t)at < sizeof text)
            snprintf(text + at, sizeof text - (size_t)at, " %.*s", (int)detail.n, detail.p);
        happened(word, show_time(json_get(it.value, "at"), when), str_of(text));
    }
}

/* How it ended, where neither an attempt nor a status of Meta's says so. */
static void show_end(const char **word, struct json m)
{
    static const struct {
        const char *state, *says;
    } ends[] = {{"cancelled", "taken back by its caller"},
                {"refused", "refused by a rule"},
                {"expired", "worthless: it was not sent in time"},
                {"undetermined", "given up: nobody knows whether it arrived"}};
    char when[SHOW_TIME];
    bool delivered_late = show_text(m, "wamid").n > 0; /* Meta had it: its time to deliver it is over */
    struct str state = show_text(m, "state");
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        if (!str_eq(state, str_of(ends[i].state)))
            continue;
        bool metas = delivered_late && str_eq(state, STR("expired"));
        happened(word, show_time(json_get(m, metas ? "valid_until" : "changed_at"), when),
                 str_of(metas ? "Meta no longer tries to deliver it" : ends[i].says));
    }
}

/* What happened, oldest first; of earlier attempts the time is not kept. */
static void show_story(struct json m)
{
    char when[SHOW_TIME];
    const char *word = "what happened";
    bool queued = show_flag(m, "queued");
    happened(&word, show_time(json_get(m, "at"), when),
             queued ? STR("taken from its caller into the outbox") : STR("asked for by its caller"));
    show_tries(&word, m);
    show_events(&word, m);
    show_end(&word, m);
}

static void show_decision_line(struct json d)
{
    char text[600];
    struct str verdict = show_text(d, "verdict"), rule = show_text(d, "rule"), reason = show_text(d, "reason");
    if (verdict.n == 0)
        return;
    snprintf(text, sizeof text, "%.*s%s%.*s%s%.*s", (int)verdict.n, verdict.p, rule.n ? " by " : "", (int)rule.n,
             rule.p, reason.n ? ": " : "", (int)reason.n, reason.p);
    show_line(0, "decision", str_of(text));
}

static void show_next(struct json m)
{
    size_t i = find_state(show_text(m, "state"));
    const char *next = i < STATES ? states[i].next : NULL;
    struct str code_next = show_text(m, "code_next"), id = show_text(m, "id");
    struct str taken_back = show_text(json_get(m, "waiting"), "cancelled_as");
    char text[300];
    if (next == NULL) {
        show_line(0, "next", code_next);
        return;
    }
    const char *at = strstr(next, " ID");
    snprintf(text, sizeof text, "%.*s%s%.*s%s", at ? (int)(at - next) : (int)strlen(next), next, at ? " " : "",
             at ? (int)id.n : 0, id.p,
             str_eq(taken_back, STR("undetermined"))
                 ? "; it ends as undetermined then, because an attempt of it may have arrived"
                 : "");
    show_line(0, "next", str_of(text));
}

void show_message_story(struct json m)
{
    char text[200];
    struct str type = show_text(m, "type"), category = show_text(m, "category");
    show_line(0, "message", show_text(m, "id"));
    show_message_state(m);
    show_message_waiting(m);
    snprintf(text, sizeof text, "%.*s%s%.*s", (int)type.n, type.p, category.n ? ", " : "", (int)category.n, category.p);
    show_line(0, "what", str_of(text));
    show_line(0, "sender", show_text(m, "sender"));
    show_line(0, "contact", show_text(m, "contact"));
    show_line(0, "campaign", show_text(m, "campaign"));
    show_line(0, "wamid", show_text(m, "wamid"));
    show_time_line(0, "expires", json_get(m, "expires"));
    show_time_line(0, "delivery until", json_get(m, "valid_until"));
    show_decision_line(json_get(m, "decision"));
    show_story(m);
    show_next(m);
}

void show_message_list(struct json messages)
{
    static const struct {
        const char *name, *key;
        int width;
    } columns[] = {{"message", "id", 19},        {"asked for", "at", 21}, {"state", "state", 13},
                   {"category", "category", 15}, {"type", "type", 20},    {"sender", "sender", 17},
                   {"contact", "contact", 24}};
    char when[SHOW_TIME];
    if (json_count(messages) == 0) {
        puts("no message");
        return;
    }
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++)
        term_cell(stdout, TONE_DIM, str_of(columns[i].name), columns[i].width);
    term_text(stdout, TONE_DIM, STR("code"));
    putchar('\n');
    for (struct json_iter it = json_iter(messages); json_next(&it);) {
        size_t state = find_state(show_text(it.value, "state"));
        for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
            struct json v = json_get(it.value, columns[i].key);
            bool time = strcmp(columns[i].key, "at") == 0, is_state = strcmp(columns[i].key, "state") == 0;
            struct str text = time ? show_time(v, when) : json_str_or(v, STR(""));
            term_cell(stdout, is_state && state < STATES ? states[state].tone : TONE_PLAIN, text, columns[i].width);
            if (term_width(text) >= (size_t)columns[i].width)
                putchar(' ');
            if (i + 1 == sizeof columns / sizeof columns[0] && show_number(it.value, "code") != 0)
                printf("%lld", (long long)show_number(it.value, "code"));
        }
        putchar('\n');
    }
}
