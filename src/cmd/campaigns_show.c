/* SPDX-License-Identifier: Apache-2.0
 * campaigns_show.c - campaigns laid out for a person: the list, one, its history, what a check found, its report, its verification.
 *
 * The words are those of the API, which are those WhatsApp's own tools use: "Submitted to WhatsApp" is no delivery. Every figure of a report
 * has, dimmed beside it, what lists its rows: wayleave campaigns export ID --rows THAT. */
#include <stdio.h>
#include <string.h>

#include "cmd/campaigns_verbs.h"
#include "cmd/progress.h"
#include "cmd/show.h"

#define WIDE 26

const char *show_people(int64_t n, char *out)
{
    return progress_count(n > 0 ? (uint64_t)n : 0, out);
}

const char *show_share(int64_t ppm, char *out)
{
    int len = snprintf(out, 24, "%lld.%04lld", (long long)(ppm / 10000), (long long)(ppm % 10000));
    while (len > 0 && out[len - 1] == '0')
        len--;
    if (len > 0 && out[len - 1] == '.')
        len--;
    snprintf(out + len, 24 - (size_t)len, " %%");
    return out;
}

static enum tone state_tone(struct str state)
{
    if (str_eq(state, STR("running")) || str_eq(state, STR("finished")) || str_eq(state, STR("goes_on")))
        return TONE_GOOD;
    if (str_eq(state, STR("held")) || str_eq(state, STR("quarantined")))
        return TONE_WARN;
    return str_eq(state, STR("stopped")) || str_eq(state, STR("cancelled")) ? TONE_BAD : TONE_PLAIN;
}

void show_campaign_list(struct json campaigns)
{
    static const struct show_column columns[] = {
        {"ID", "id", 18, NULL},         {"STATE", "state", 11, state_tone},  {"PEOPLE", "people", 11, NULL},
        {"HANDED", "handed", 11, NULL}, {"CREATED", "created_at", 22, NULL}, {"NAME", "name", 0, NULL},
        {NULL, NULL, 0, NULL}};
    show_table(campaigns, columns, "no campaigns");
}

static void people_line(const char *word, int64_t n)
{
    char text[PROGRESS_COUNT];
    show_line(2, word, str_of(show_people(n, text)));
}

static void by_line(struct json v, const char *word, const char *at, const char *by)
{
    char when[SHOW_TIME], line[160];
    struct str who = show_text(v, by), time = show_time(json_get(v, at), when);
    if (time.n == 0 || str_eq(time, STR("-")))
        return;
    snprintf(line, sizeof line, "%.*s%s%.*s", (int)time.n, time.p, who.n > 0 ? " by " : "", (int)who.n, who.p);
    show_line(2, word, str_of(line));
}

/* "held (monitor)", and why. */
static void state_lines(struct json v)
{
    struct str state = show_text(v, "state"), cause = show_text(v, "cause");
    show_label(2, "state");
    term_text(stdout, state_tone(state), state);
    if (cause.n > 0)
        term_printf(stdout, TONE_PLAIN, " (%.*s)", (int)cause.n, cause.p);
    if (show_flag(v, "busy"))
        term_printf(stdout, TONE_DIM, ", a check is under way");
    putchar('\n');
    show_line(2, "why", show_text(v, "why"));
    if (str_eq(state, STR("held")) && str_eq(cause, STR("monitor")) && json_type(json_get(v, "resume_at")) == JSON_NULL)
        show_line(2, "", STR("stopped by its monitor: only a person can let it go on"));
    show_time_line(2, "goes on at", json_get(v, "resume_at"));
}

static void head(struct json v)
{
    struct str name = show_text(v, "name"), id = show_text(v, "id");
    term_printf(stdout, TONE_BOLD, "%.*s", (int)name.n, name.p);
    term_printf(stdout, TONE_DIM, "  %.*s\n", (int)id.n, id.p);
    state_lines(v);
}

static void show_sources(struct json sources)
{
    static const struct show_column columns[] = {{"SOURCE", "source", 8, NULL},
                                                 {"PEOPLE", "people", 11, NULL},
                                                 {"STATE", "state", 13, state_tone},
                                                 {"NAME", "name", 0, NULL},
                                                 {NULL, NULL, 0, NULL}};
    if (json_count(sources) == 0)
        return;
    putchar('\n');
    show_table(sources, columns, "");
}

/* When it may go out, as its definition has it. */
static void show_terms(struct json definition)
{
    struct json repeat = json_get(definition, "repeat");
    struct buf text;
    show_time_line(2, "begins", json_get(definition, "start_at"));
    show_time_line(2, "not after", json_get(definition, "deadline"));
    show_line(2, "hours", show_text(definition, "hours"));
    if (json_type(repeat) != JSON_OBJECT)
        return;
    buf_init(&text, 4096);
    buf_printf(&text, "every %.*s", (int)show_text(repeat, "every").n, show_text(repeat, "every").p);
    for (struct json_iter it = json_iter(json_get(repeat, "on")); json_next(&it);)
        buf_printf(&text, " %.*s", (int)json_str_or(it.value, STR("")).n, json_str_or(it.value, STR("")).p);
    if (show_number(repeat, "day") > 0)
        buf_printf(&text, " on day %lld", (long long)show_number(repeat, "day"));
    buf_printf(&text, " at %.*s (%.*s)", (int)show_text(repeat, "at").n, show_text(repeat, "at").p,
               (int)show_text(repeat, "zone").n, show_text(repeat, "zone").p);
    show_line(2, "repeats", buf_str(&text));
    buf_done(&text);
}

void show_campaign(struct json v)
{
    head(v);
    people_line("audience", show_number(v, "audience"));
    people_line("people", show_number(v, "people"));
    people_line("handed on", show_number(v, "handed"));
    show_line(2, "plan", show_text(v, "plan"));
    by_line(v, "created", "created_at", "created_by");
    show_time_line(2, "checked", json_get(v, "checked_at"));
    by_line(v, "approved", "approved_at", "approved_by");
    show_time_line(2, "started", json_get(v, "started_at"));
    show_time_line(2, "ended", json_get(v, "ended_at"));
    show_line(2, "series", show_text(v, "series"));
    show_terms(json_get(v, "definition"));
    show_sources(json_get(v, "sources"));
}

void show_campaign_waits(struct json live)
{
    struct str why = show_text(live, "waits_because");
    if (why.n == 0)
        return;
    putchar('\n');
    show_line(2, "waits", why);
    show_time_line(2, "not before", json_get(live, "next_stage_at"));
    show_time_line(2, "looked at again", json_get(live, "asked_again_at"));
}

void show_campaign_events(struct json answer)
{
    static const struct show_column columns[] = {{"AT", "at", 22, NULL},
                                                 {"ACT", "act", 12, NULL},
                                                 {"BY", "actor", 16, NULL},
                                                 {"DETAIL", "detail", 0, NULL},
                                                 {NULL, NULL, 0, NULL}};
    show_table(json_get(answer, "events"), columns, "nothing happened yet");
}

/* --- what a check found ------------------------------------------------------------------------------------------------------- */

static void section(const char *title)
{
    putchar('\n');
    term_printf(stdout, TONE_BOLD, "%s\n", title);
}

static void count_cell(int64_t n)
{
    char text[PROGRESS_COUNT];
    printf("  %11s  ", show_people(n, text));
}

static void show_problems(struct json problems)
{
    char people[PROGRESS_COUNT];
    for (struct json_iter it = json_iter(problems); json_next(&it);) {
        bool error = str_eq(show_text(it.value, "level"), STR("error"));
        struct str field = show_text(it.value, "field");
        term_text(stdout, error ? TONE_BAD : TONE_WARN, error ? STR("  error    ") : STR("  warning  "));
        if (field.n > 0)
            term_printf(stdout, TONE_DIM, "%.*s: ", (int)field.n, field.p);
        term_text(stdout, TONE_PLAIN, show_text(it.value, "text"));
        if (show_number(it.value, "people") > 0)
            term_printf(stdout, TONE_DIM, " (%s people)", show_people(show_number(it.value, "people"), people));
        putchar('\n');
    }
}

/* "such as c4096-0, c8192-0": a sample is texts. */
static void show_sample(struct json sample)
{
    bool first = true;
    for (struct json_iter it = json_iter(sample); json_next(&it); first = false) {
        struct str to = show_text(it.value, "to");
        to = to.n > 0 ? to : json_str_or(it.value, show_text(it.value, "contact"));
        term_printf(stdout, TONE_DIM, "%s%.*s", first ? "  such as " : ", ", (int)to.n, to.p);
    }
}

static void show_skips(struct json skipped)
{
    for (struct json_iter it = json_iter(skipped); json_next(&it);) {
        struct str reason = show_text(it.value, "reason"), rule = show_text(it.value, "rule");
        count_cell(show_number(it.value, "people"));
        term_printf(stdout, TONE_PLAIN, "%.*s%s%.*s", (int)reason.n, reason.p, rule.n > 0 ? " " : "", (int)rule.n,
                    rule.p);
        show_sample(json_get(it.value, "sample"));
        putchar('\n');
    }
}

static void show_holds(struct json held)
{
    char when[SHOW_TIME];
    if (json_count(held) == 0)
        return;
    section("Will wait");
    for (struct json_iter it = json_iter(held); json_next(&it);) {
        struct str rule = show_text(it.value, "rule"), until = show_time(json_get(it.value, "last_until"), when);
        count_cell(show_number(it.value, "people"));
        term_printf(stdout, TONE_PLAIN, "%.*s", (int)rule.n, rule.p);
        term_printf(stdout, TONE_DIM, until.n > 1 ? "  until %.*s at the latest\n" : "\n", (int)until.n, until.p);
    }
}

static void show_funnel(struct json report)
{
    struct json f = json_get(report, "funnel");
    char people[PROGRESS_COUNT], of[PROGRESS_COUNT];
    int64_t segment = show_number(f, "segment"), get = show_number(f, "people");
    section("People");
    count_cell(segment);
    printf("in the audience\n");
    count_cell(get);
    printf("get a message\n");
    if (segment > get)
        putchar('\n');
    if (segment > get)
        term_printf(stdout, TONE_WARN, "%s of %s will not be sent to, because of\n", show_people(segment - get, people),
                    show_people(segment, of));
    show_skips(json_get(f, "skipped"));
    show_holds(json_get(f, "held"));
}

/* Whose language is spelled as no template's gets the first there is: it shows here. */
static void show_words(struct json report)
{
    static const struct show_column columns[] = {{"TEMPLATE", "template", 32, NULL},
                                                 {"LANGUAGE", "language", 10, NULL},
                                                 {"PEOPLE", "people", 0, NULL},
                                                 {NULL, NULL, 0, NULL}};
    struct json languages = json_get(report, "languages");
    if (json_count(languages) == 0)
        return;
    section("What they get");
    show_table(languages, columns, "");
}

static void show_time_and_cost(struct json report)
{
    static const struct show_column cost[] = {{"CATEGORY", "category", 16, NULL},
                                              {"COUNTRY", "country", 10, NULL},
                                              {"PEOPLE", "people", 0, NULL},
                                              {NULL, NULL, 0, NULL}};
    struct json f = json_get(report, "forecast"), ramp = json_get(report, "ramp");
    struct str kind = show_text(ramp, "kind"), why = show_text(ramp, "why");
    section("Time");
    show_time_line(2, "begins", json_get(f, "first_at"));
    show_time_line(2, "done", json_get(f, "done_at"));
    show_label(2, "ramp");
    term_printf(stdout, TONE_PLAIN, "%.*s%s%.*s\n", (int)kind.n, kind.p, why.n > 0 ? ": " : "", (int)why.n, why.p);
    for (struct json_iter it = json_iter(json_get(f, "why")); json_next(&it);)
        show_line(2, "", json_str_or(it.value, STR("")));
    section("Messages that cost, by class");
    show_table(json_get(report, "cost"), cost, "  none");
}

/* All there is of a signal is one line: "8 of 200, 13 of 600, 28 of 2,000 stop it". */
static void show_stop_lines(struct json monitors)
{
    char people[PROGRESS_COUNT], share[24], last[32] = "";
    section("Stop lines");
    for (struct json_iter it = json_iter(json_get(monitors, "stop_lines")); json_next(&it);) {
        struct str signal = show_text(it.value, "signal");
        bool first = !str_eq(signal, str_of(last)), reads = str_starts(signal, STR("read"));
        if (first && last[0] != '\0')
            putchar('\n');
        if (first) {
            snprintf(last, sizeof last, "%.*s", (int)signal.n, signal.p);
            printf("  ");
            term_cell(stdout, TONE_PLAIN, signal, 15);
            term_printf(stdout, TONE_DIM, "%s %-7s ", reads ? "expected " : "tolerated",
                        show_share(show_number(it.value, "tolerated_ppm"), share));
        }
        if (json_type(json_get(it.value, "stops_at")) <= JSON_NULL || show_number(it.value, "stops_at") < 0)
            continue;
        printf("%s%lld%s of %s", first ? "stops at " : ", ", (long long)show_number(it.value, "stops_at"),
               reads ? " or fewer" : "", show_people(show_number(it.value, "people"), people));
    }
    putchar('\n');
}

void show_campaign_check(struct json answer)
{
    struct json report = json_get(answer, "report");
    struct str says = show_text(json_get(report, "segment"), "says");
    head(answer);
    show_line(2, "for", says);
    show_time_line(2, "people as of", json_get(report, "as_of"));
    if (json_count(json_get(report, "problems")) > 0) {
        putchar('\n');
        show_problems(json_get(report, "problems"));
    }
    bool errors = show_number(report, "errors") > 0; /* nobody was chosen then, and nothing is known of time and cost */
    if (errors && json_count(json_get(json_get(report, "funnel"), "skipped")) == 0)
        return;
    show_funnel(report);
    if (errors)
        return;
    show_words(report);
    show_time_and_cost(report);
    show_stop_lines(json_get(report, "monitors"));
    if (show_text(answer, "plan").n == 0)
        return;
    putchar('\n');
    show_line(0, "plan", show_text(answer, "plan"));
    if (show_flag(answer, "second_person"))
        show_line(0, "approval", STR("by an approver with a key of their own, who neither wrote nor checked it"));
}

/* --- the report ------------------------------------------------------------------------------------------------------------------ */

static void figure_line(struct json v, struct str label, int64_t of)
{
    char people[PROGRESS_COUNT];
    int64_t n = show_number(v, "people");
    struct str rows = show_text(v, "rows");
    printf("  ");
    term_cell(stdout, TONE_PLAIN, label, WIDE);
    printf("%11s", show_people(n, people));
    if (of > 0)
        printf("  %5.1f %%", 100.0 * (double)n / (double)of);
    else
        printf("  %7s", "");
    term_printf(stdout, TONE_DIM, "  %.*s\n", (int)rows.n, rows.p);
}

static void show_figures(const char *title, struct json figures, int64_t of, bool all)
{
    section(title);
    for (struct json_iter it = json_iter(figures); json_next(&it);)
        if (all || show_number(it.value, "people") > 0)
            figure_line(it.value, show_text(it.value, "label"), of);
}

static void show_reasons(const char *title, struct json list, const char *first, const char *second)
{
    if (json_count(list) == 0)
        return;
    section(title);
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        char label[120];
        struct str a = show_text(it.value, first), b = second != NULL ? show_text(it.value, second) : STR("");
        snprintf(label, sizeof label, "%.*s%s%.*s", (int)a.n, a.p, b.n > 0 ? " " : "", (int)b.n, b.p);
        figure_line(it.value, str_of(*label != '\0' ? label : "not known any more"), 0);
    }
}

static void show_codes(struct json failed)
{
    if (json_count(failed) == 0)
        return;
    section("Failed, by code");
    for (struct json_iter it = json_iter(failed); json_next(&it);) {
        char code[24];
        snprintf(code, sizeof code, "%lld", (long long)show_number(it.value, "code"));
        figure_line(it.value, str_of(code), 0);
        show_line(4, "means", show_text(it.value, "means"));
        show_line(4, "next", show_text(it.value, "next"));
    }
}

static void show_group(const char *title, struct json groups, const char *key, const char *name)
{
    if (json_count(groups) < 2) /* of one there is nothing to compare */
        return;
    section(title);
    term_printf(stdout, TONE_DIM, "  %-26s%11s%11s%11s%11s%11s%11s\n", "", "submitted", "delivered", "read", "failed",
                "replied", "opted out");
    for (struct json_iter it = json_iter(groups); json_next(&it);) {
        struct json p = json_get(it.value, "people");
        struct str label = show_text(it.value, name);
        char number[32];
        snprintf(number, sizeof number, "%lld", (long long)show_number(it.value, key));
        printf("  ");
        bool api = label.n == 0 && strcmp(key, "source") == 0 && show_number(it.value, key) == 0;
        term_cell(stdout, TONE_PLAIN, api ? STR("the API") : label.n > 0 ? label : str_of(number), WIDE);
        printf("%11lld%11lld%11lld%11lld%11lld%11lld\n", (long long)show_number(p, "submitted"),
               (long long)show_number(p, "delivered"), (long long)show_number(p, "read"),
               (long long)show_number(p, "failed"), (long long)show_number(p, "replied"),
               (long long)show_number(p, "opted_out"));
    }
}

static void show_waits(struct json report)
{
    char from[SHOW_TIME], until[SHOW_TIME];
    struct str first = show_time(json_get(report, "waiting_from"), from);
    struct str last = show_time(json_get(report, "waiting_until"), until);
    show_reasons("Waiting, by rule", json_get(report, "waiting"), "rule", NULL);
    if (last.n > 1)
        term_printf(stdout, TONE_DIM, "  looked at again from %.*s to %.*s\n", (int)first.n, first.p, (int)last.n,
                    last.p);
}

void show_campaign_report(struct json v)
{
    struct json by = json_get(v, "by");
    struct json_iter first = json_iter(json_get(v, "funnel"));
    int64_t audience = json_next(&first) ? show_number(first.value, "people") : 0;
    head(v);
    show_time_line(2, "as of", json_get(v, "as_of"));
    show_figures("Funnel", json_get(v, "funnel"), audience, true);
    show_figures("Where everybody is", json_get(v, "outcomes"), audience, false);
    show_figures("What people did", json_get(v, "reactions"), 0, true);
    show_reasons("Skipped, by reason", json_get(v, "skipped"), "reason", "rule");
    show_reasons("Refused, by rule", json_get(v, "refused"), "rule", NULL);
    show_waits(v);
    show_codes(json_get(v, "failed"));
    show_group("By source", json_get(by, "source"), "source", "name");
    show_group("By number", json_get(by, "number"), "number", "number");
    show_group("By template", json_get(by, "variant"), "variant", "template");
    show_group("By language", json_get(by, "language"), "language", "language");
}

/* --- verified ---------------------------------------------------------------------------------------------------------------------- */

void show_campaign_verify(struct json v)
{
    struct json approval = json_get(v, "approval");
    struct str name = show_text(v, "name"), id = show_text(v, "id");
    bool sound = show_flag(v, "sound"), untellable = json_type(json_get(v, "sound")) == JSON_NULL;
    term_printf(stdout, TONE_BOLD, "%.*s", (int)name.n, name.p);
    term_printf(stdout, TONE_DIM, "  %.*s\n", (int)id.n, id.p);
    show_line(2, "plan", show_text(v, "plan"));
    show_line(2, "worked out", show_text(v, "recomputed"));
    if (show_number(v, "erased") > 0)
        people_line("erased since", show_number(v, "erased"));
    if (json_type(approval) == JSON_OBJECT) {
        by_line(approval, "approved", "at", "actor");
        people_line("ledger entry", show_number(approval, "leaf"));
        show_line(2, "sealed",
                  show_flag(approval, "sealed") ? STR("yes, and its proof leads to the signed checkpoint")
                                                : STR("not yet: it lies in no checkpoint"));
    }
    for (struct json_iter it = json_iter(json_get(v, "problems")); json_next(&it);) {
        struct str text = json_str_or(it.value, STR(""));
        term_text(stdout, TONE_BAD, STR("  wrong: "));
        term_text(stdout, TONE_PLAIN, text);
        putchar('\n');
    }
    if (untellable)
        term_printf(stdout, TONE_WARN,
                    "whether it is what was approved cannot be worked out any more: people were erased since\n");
    else
        term_printf(stdout, sound ? TONE_GOOD : TONE_BAD,
                    sound ? "it is what was approved\n" : "it is not what was approved, or nobody approved it\n");
}
