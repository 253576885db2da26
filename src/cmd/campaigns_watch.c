/* SPDX-License-Identifier: Apache-2.0
 * campaigns_watch.c - `wayleave campaigns watch`: how a campaign goes, until it is over.
 *
 * At a terminal a page that is drawn over itself each second: how far, how fast, why it waits and until when, each monitor beside its stop
 * line, and the sources. Into a pipe a line when something changed; with --json the gateway's answer, an object a line. Watching changes
 * nothing, and whoever stops watching stops nothing else. A gateway that does not answer for a moment is asked again. The exit status says
 * how it ended: 4 when somebody who was to get a message did not. */
#include "cmd/campaigns_verbs.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cmd/progress.h"
#include "cmd/show.h"
#include "cmd/term.h"

#define BAR        30
#define EACH_LEAST 1
#define EACH_MOST  3600
#define ASKED_MOST 60 /* times a gateway that does not answer is asked again */
#define SOURCES    8  /* shown; those in quarantine first */

const struct option campaigns_watch_options[] = {
    {.name = "every", .value = "SECONDS", .help = "how often it is looked at (default 1)"},
    {.name = "once", .help = "look once and end"},
    {0},
};

struct watch {
    struct campaign_call c;
    const struct args *a;
    bool page; /* drawn over itself */
    int drawn; /* lines of it */
    char last[400];
    int64_t every;
};

/* --- a page ------------------------------------------------------------------------------------------------------------------ */

static void line_end(struct watch *w)
{
    fputs(w->page ? "\033[K\n" : "\n", stdout);
    w->drawn++;
}

static void draw_head(struct watch *w, struct json v)
{
    struct str state = show_text(v, "state"), cause = show_text(v, "cause");
    term_printf(stdout, TONE_BOLD, "%s", w->c.name);
    term_printf(stdout, TONE_DIM, "  %s  ", w->c.id);
    bool good = str_eq(state, STR("running")) || str_eq(state, STR("finished"));
    term_text(stdout, good ? TONE_GOOD : TONE_WARN, state);
    if (cause.n > 0)
        term_printf(stdout, TONE_WARN, " (%.*s)", (int)cause.n, cause.p);
    line_end(w);
}

static void draw_bar(struct watch *w, struct json v)
{
    int64_t people = show_number(v, "people"), handed = show_number(v, "handed");
    char a[PROGRESS_COUNT], b[PROGRESS_COUNT], until[SHOW_TIME];
    double share = people > 0 ? (double)handed / (double)people : 0;
    int full = (int)(share * BAR);
    printf("[%.*s%*s] %3d %%  %s of %s handed on", full, "##############################", BAR - full, "",
           (int)(share * 100), show_people(handed, a), show_people(people, b));
    line_end(w);
    int64_t rate = show_number(v, "per_minute");
    struct str at = show_time(json_get(v, "at_this_rate_until"), until);
    printf("%s a minute", show_people(rate, a));
    if (at.n > 1)
        printf(", at this rate until %.*s", (int)at.n, at.p);
    at = show_time(json_get(v, "planned_until"), until);
    if (at.n > 1)
        term_printf(stdout, TONE_DIM, " (planned: %.*s)", (int)at.n, at.p);
    line_end(w);
}

/* What a monitor stopped is held with no time at which it would go on. */
static bool stopped_by_monitor(struct json v)
{
    return str_eq(show_text(v, "state"), STR("held")) && str_eq(show_text(v, "cause"), STR("monitor")) &&
           json_type(json_get(v, "resume_at")) != JSON_STRING;
}

/* When something else happens: the hold ends, the next stage may begin, it is looked at again. */
static void draw_until(struct json v)
{
    char until[SHOW_TIME];
    bool runs = str_eq(show_text(v, "state"), STR("running"));
    bool stage = runs && json_type(json_get(v, "next_stage_at")) == JSON_STRING;
    struct str at = show_time(json_get(v, !runs ? "resume_at" : stage ? "next_stage_at" : "asked_again_at"), until);
    if (stopped_by_monitor(v))
        term_printf(stdout, TONE_WARN, "  only a person can let it go on");
    else if (at.n > 1)
        term_printf(stdout, TONE_DIM,
                    !runs   ? "  until %.*s"
                    : stage ? "  not before %.*s"
                            : "  looked at again %.*s",
                    (int)at.n, at.p);
    else if (str_eq(show_text(v, "state"), STR("held")))
        term_printf(stdout, TONE_WARN, "  until somebody resumes it");
}

static void draw_why(struct watch *w, struct json v)
{
    bool runs = str_eq(show_text(v, "state"), STR("running"));
    struct str text = show_text(v, runs ? "waits_because" : "why");
    if (text.n == 0)
        return;
    term_printf(stdout, runs ? TONE_PLAIN : TONE_WARN, "%s: %.*s",
                stopped_by_monitor(v) ? "stopped by its monitor"
                : runs                ? "waits"
                                      : "why",
                (int)text.n, text.p);
    draw_until(v);
    line_end(w);
}

static void draw_counts(struct watch *w, struct json counts)
{
    static const struct {
        const char *key, *label;
    } words[] = {{"sent", "submitted"},
                 {"delivered", "delivered"},
                 {"read", "read"},
                 {"replied", "replied"},
                 {"opted_out", "opted out"},
                 {"complained", "complained"},
                 {"undeliverable", "undeliverable"},
                 {"failed", "failed"}};
    char text[PROGRESS_COUNT];
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        printf("%s%s ", i > 0 ? "   " : "", show_people(show_number(counts, words[i].key), text));
        term_text(stdout, TONE_DIM, str_of(words[i].label));
    }
    line_end(w);
}

static enum tone monitor_tone(struct str says)
{
    return str_eq(says, STR("go")) ? TONE_GOOD : str_eq(says, STR("hold")) ? TONE_WARN : TONE_BAD;
}

static void draw_monitors(struct watch *w, struct json v)
{
    char n[PROGRESS_COUNT], k[PROGRESS_COUNT], share[24], since[SHOW_TIME];
    struct json list = json_get(v, "monitors");
    struct str from = show_time(json_get(v, "monitors_since"), since);
    if (json_count(list) > 0 && from.n > 1) {
        term_printf(stdout, TONE_DIM, "monitors count people sent to since %.*s, when somebody let it go on",
                    (int)from.n, from.p);
        line_end(w);
    }
    for (struct json_iter it = json_iter(list); json_next(&it);) {
        struct json line = json_get(it.value, "stop_line");
        struct str signal = show_text(it.value, "signal"), says = show_text(it.value, "says");
        bool reads = str_starts(signal, STR("read"));
        term_cell(stdout, monitor_tone(says), signal, 15);
        printf("%s of %s", show_people(show_number(it.value, "count"), k),
               show_people(show_number(it.value, "people"), n));
        if (json_type(line) > JSON_NULL)
            term_printf(stdout, TONE_PLAIN, reads ? ", %lld or fewer stop it" : ", %lld stop it",
                        (long long)show_number(it.value, "stop_line"));
        term_printf(stdout, TONE_DIM, "  %s %s", reads ? "expected" : "tolerated",
                    show_share(show_number(it.value, "tolerated_ppm"), share));
        if (!str_eq(says, STR("go")))
            term_printf(stdout, monitor_tone(says), "  says %.*s", (int)says.n, says.p);
        line_end(w);
    }
}

static void draw_source(struct watch *w, struct json v)
{
    struct json counts = json_get(v, "counts");
    struct str name = show_text(v, "name"), why = show_text(v, "why");
    bool held = str_eq(show_text(v, "state"), STR("quarantined"));
    char n[PROGRESS_COUNT];
    printf("source %-4lld ", (long long)show_number(v, "source"));
    term_cell(stdout, held ? TONE_WARN : TONE_PLAIN, name.n > 0 ? name : STR("-"), 28);
    printf("%11s people, %lld submitted, %lld opted out", show_people(show_number(v, "people"), n),
           (long long)show_number(counts, "sent"), (long long)show_number(counts, "opted_out"));
    if (held)
        term_printf(stdout, TONE_WARN, "  in quarantine: %.*s", (int)why.n, why.p);
    line_end(w);
}

static void draw_sources(struct watch *w, struct json sources)
{
    size_t shown = 0, all = json_count(sources);
    if (all < 2)
        return;
    for (int held = 1; held >= 0; held--)
        for (struct json_iter it = json_iter(sources); json_next(&it) && shown < SOURCES;)
            if (str_eq(show_text(it.value, "state"), STR("quarantined")) == (held == 1)) {
                draw_source(w, it.value);
                shown++;
            }
    if (all > shown) {
        term_printf(stdout, TONE_DIM, "and %zu more: wayleave campaigns show", all - shown);
        line_end(w);
    }
}

/* A line that is too long for the terminal is cut by it: wrapped, the page would not know how far up it began. */
#define NO_WRAP "\033[?7l"
#define WRAP    "\033[?7h"

static void draw(struct watch *w, struct json v)
{
    if (w->page)
        fputs(NO_WRAP, stdout);
    if (w->page && w->drawn > 0)
        printf("\033[%dA", w->drawn);
    w->drawn = 0;
    draw_head(w, v);
    draw_bar(w, v);
    draw_why(w, v);
    draw_counts(w, json_get(v, "counts"));
    draw_monitors(w, v);
    draw_sources(w, json_get(v, "sources"));
    if (w->page)
        fputs("\033[J" WRAP, stdout);
    fflush(stdout);
}

/* --- a line -------------------------------------------------------------------------------------------------------------------- */

/* Nothing when it says what the last one said. */
static void say_line(struct watch *w, struct json v)
{
    struct json counts = json_get(v, "counts");
    struct str state = show_text(v, "state"), held = show_text(v, "why"), waits = show_text(v, "waits_because");
    bool runs = str_eq(state, STR("running"));
    struct str why = runs ? waits : held, at = show_text(v, "as_of");
    char text[sizeof w->last];
    snprintf(text, sizeof text,
             "%.*s  %lld of %lld handed on, %lld submitted, %lld delivered, %lld read, %lld opted out%s%.*s",
             (int)state.n, state.p, (long long)show_number(v, "handed"), (long long)show_number(v, "people"),
             (long long)show_number(counts, "sent"), (long long)show_number(counts, "delivered"),
             (long long)show_number(counts, "read"), (long long)show_number(counts, "opted_out"), why.n > 0 ? "  " : "",
             (int)why.n, why.p);
    if (strcmp(text, w->last) == 0)
        return;
    memcpy(w->last, text, sizeof text);
    term_printf(stdout, TONE_PLAIN, "%.*s  %s\n", (int)at.n, at.p, text);
    fflush(stdout);
}

static int say(struct watch *w, struct json v)
{
    if (args_has(w->a, "json")) {
        int rc = rest_print(v);
        return rc == CMD_OK && fflush(stdout) != 0 ? CMD_FAILED : rc;
    }
    if (w->page)
        draw(w, v);
    else
        say_line(w, v);
    return ferror(stdout) ? CMD_FAILED : CMD_OK;
}

/* --- until it is over ------------------------------------------------------------------------------------------------------------- */

static bool is_over(struct json v)
{
    struct str s = show_text(v, "state");
    return str_eq(s, STR("finished")) || str_eq(s, STR("stopped")) || str_eq(s, STR("cancelled"));
}

/* Whether everybody who was chosen got it, as far as Meta says by now. */
static int how_it_ended(struct watch *w)
{
    static const char *const short_of[] = {"pending", "gone", "refused", "failed", "expired", "cancelled", NULL};
    struct json report;
    int rc = campaign_call_get(&w->c, "/report", &report);
    if (rc != CMD_OK)
        return rc;
    for (struct json_iter it = json_iter(json_get(report, "outcomes")); json_next(&it);)
        for (size_t i = 0; short_of[i] != NULL; i++)
            if (str_eq(show_text(it.value, "step"), str_of(short_of[i])) && show_number(it.value, "people") > 0)
                rc = CMD_PARTIAL;
    return rc;
}

static void rest_a_while(int64_t seconds)
{
    struct timespec ts = {.tv_sec = seconds};
    nanosleep(&ts, NULL);
}

/* One look; *ret_over: it is over. CMD_TEMPORARY: nobody answered just now. */
static int look(struct watch *w, bool *ret_over)
{
    struct json v;
    int rc = campaign_call_get(&w->c, "/live", &v);
    if (rc != CMD_OK)
        return rc;
    *ret_over = is_over(v);
    return say(w, v);
}

static int watch(struct watch *w)
{
    bool over = false;
    int silent = 0, rc = CMD_OK;
    for (;;) {
        rc = look(w, &over);
        silent = rc == CMD_TEMPORARY ? silent + 1 : 0;
        w->c.r.still = silent > 0; /* it was said once */
        if ((rc != CMD_OK && rc != CMD_TEMPORARY) || silent > ASKED_MOST || over || args_has(w->a, "once"))
            break;
        rest_a_while(w->every);
    }
    return rc == CMD_OK && over ? how_it_ended(w) : rc;
}

int campaigns_watch_run(const struct args *a)
{
    struct watch w = {.a = a, .page = isatty(STDOUT_FILENO) && !args_has(a, "json")};
    const char *every = args_get(a, "every");
    w.every = EACH_LEAST;
    if (every != NULL && (!str_i64(str_of(every), &w.every) || w.every < EACH_LEAST || w.every > EACH_MOST))
        return cmd_fail(CMD_USAGE, NULL, "--every is a number of seconds from 1 to 3600");
    int rc = campaign_call_open(&w.c, a);
    w.c.r.waits = true;
    if (rc == CMD_OK)
        rc = watch(&w);
    campaign_call_close(&w.c);
    return rc;
}
