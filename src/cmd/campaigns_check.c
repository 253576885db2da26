/* SPDX-License-Identifier: Apache-2.0
 * campaigns_check.c - `wayleave campaigns check`, `preview` and `verify`: what it would do, and whether it is still what was approved.
 *
 * A check is done by the gateway and takes as long as the audience is large; the command waits for it and then says what it found. It ends with
 * success when the campaign can be approved, however many people would get nothing: who and why is the report's matter. */
#include "cmd/campaigns_verbs.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/show.h"
#include "cmd/term.h"

#define BODY_MAX   4096
#define FIRST_MS   50
#define MOST_MS    1000
#define TELL_AFTER 1000

const struct option campaigns_check_options[] = {
    CAMPAIGN_ACTOR_OPTIONS,
    {.name = "no-wait", .help = "ask for it and do not wait until it is done"},
    {.name = "show", .help = "show what the last check found, and ask for none"},
    {0},
};

const struct option campaigns_preview_options[] = {
    {.name = "place", .value = "N", .help = "from the N-th recipient on (default 1)"},
    {.name = "limit", .value = "N", .help = "at most so many (default 5)"},
    {0},
};

/* --- check ------------------------------------------------------------------------------------------------------------------ */

static void pause_ms(int64_t ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&ts, NULL);
}

/* Until no check is under way any more; *ret is the campaign then. */
static int wait_checked(struct campaign_call *c, const struct args *a, struct json *ret)
{
    bool tells = isatty(STDERR_FILENO) && !args_has(a, "quiet"), told = false;
    int64_t began = clock_mono_ns() / 1000000, wait = FIRST_MS;
    int rc = CMD_OK;
    for (;;) {
        rc = campaign_call_get(c, "", ret);
        if (rc != CMD_OK || !show_flag(*ret, "busy"))
            break;
        int64_t took = clock_mono_ns() / 1000000 - began;
        if (tells && took >= TELL_AFTER) {
            fprintf(stderr, "\r\033[Kchecking everybody it is for, %lld s", (long long)(took / 1000));
            fflush(stderr);
            told = true;
        }
        pause_ms(wait);
        wait = wait * 2 < MOST_MS ? wait * 2 : MOST_MS;
    }
    if (told)
        fputs("\r\033[K", stderr);
    return rc;
}

static int ask_check(struct campaign_call *c, const struct args *a, struct json *ret)
{
    struct json_out o;
    struct buf body;
    buf_init(&body, BODY_MAX);
    json_out_init(&o, &body);
    jo_object(&o);
    campaign_put_actor(&o, a);
    jo_end(&o);
    int rc = campaign_call_post(c, "check", buf_str(&body), ret);
    buf_done(&body);
    return rc;
}

static bool is_draft(struct json campaign)
{
    return str_eq(show_text(campaign, "state"), STR("draft"));
}

static int say_check(struct campaign_call *c, const struct args *a)
{
    struct json check;
    int rc = campaign_call_get(c, "/check", &check);
    if (rc != CMD_OK)
        return rc;
    bool draft = is_draft(check);
    if (args_has(a, "json"))
        rc = rest_print(check);
    else if (!args_has(a, "quiet"))
        show_campaign_check(check);
    if (rc == CMD_OK && draft)
        return cmd_fail(CMD_FAILED, "mend it with wayleave campaigns change, and check it again",
                        "the campaign cannot be approved as it is");
    return rc;
}

int campaigns_check_run(const struct args *a)
{
    struct campaign_call c;
    struct json answer;
    int rc = campaign_call_open(&c, a);
    if (rc == CMD_OK && !args_has(a, "show"))
        rc = ask_check(&c, a, &answer);
    if (rc == CMD_OK && args_has(a, "no-wait")) {
        if (args_has(a, "json"))
            rc = rest_print(answer);
        campaign_call_close(&c);
        return rc;
    }
    if (rc == CMD_OK)
        rc = wait_checked(&c, a, &answer);
    if (rc == CMD_OK)
        rc = say_check(&c, a);
    campaign_call_close(&c);
    return rc;
}

/* --- preview ------------------------------------------------------------------------------------------------------------------- */

static void show_previewed(struct json v)
{
    struct str to = show_text(v, "to"), template = show_text(v, "template"), language = show_text(v, "language");
    term_printf(stdout, TONE_BOLD, "%lld. %.*s", (long long)show_number(v, "place"), (int)to.n, to.p);
    term_printf(stdout, TONE_DIM, "  %.*s (%.*s) from %.*s\n", (int)template.n, template.p, (int)language.n, language.p,
                (int)show_text(v, "number").n, show_text(v, "number").p);
    fputs("    ", stdout);
    term_paragraphs(stdout, 4, show_text(v, "text"));
}

int campaigns_preview_run(const struct args *a)
{
    struct campaign_call c;
    struct json answer;
    char what[128];
    const char *place = args_get(a, "place"), *limit = args_get(a, "limit");
    int64_t n;
    if ((place != NULL && (!str_i64(str_of(place), &n) || n < 1)) ||
        (limit != NULL && (!str_i64(str_of(limit), &n) || n < 1)))
        return cmd_fail(CMD_USAGE, NULL, "--place and --limit are numbers from 1 on");
    snprintf(what, sizeof what, "/preview?place=%s&limit=%s", place != NULL ? place : "1", limit != NULL ? limit : "5");
    int rc = campaign_call_open(&c, a);
    if (rc == CMD_OK)
        rc = campaign_call_get(&c, what, &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print_rows(json_get(answer, "preview"));
    else if (rc == CMD_OK)
        for (struct json_iter it = json_iter(json_get(answer, "preview")); json_next(&it);)
            show_previewed(it.value);
    campaign_call_close(&c);
    return rc;
}

/* --- verify ---------------------------------------------------------------------------------------------------------------------- */

int campaigns_verify_run(const struct args *a)
{
    struct campaign_call c;
    struct json answer;
    int rc = campaign_call_open(&c, a);
    if (rc == CMD_OK)
        rc = campaign_call_get(&c, "/verify", &answer);
    struct json sound = rc == CMD_OK ? json_get(answer, "sound") : (struct json){NULL, 0};
    bool untellable = json_type(sound) == JSON_NULL, yes = false;
    json_bool(sound, &yes);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK)
        show_campaign_verify(answer);
    campaign_call_close(&c);
    return rc != CMD_OK || yes ? rc : untellable ? CMD_PARTIAL : CMD_FAILED;
}
