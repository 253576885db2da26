/* SPDX-License-Identifier: Apache-2.0
 * contacts_erase.c - `wayleave contacts erase` and `wayleave contacts erasures`.
 *
 * To ask takes a moment, to erase may take minutes: the command follows it until all that goes at once is gone. Who interrupts it
 * interrupts nothing; given again it finds the same erasure. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/rest_client.h"
#include "cmd/show.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

#define POLL_MS    150
#define BODY_BYTES 8192

static const struct rest_word words[] = {{"who", "WHO"}, {"reason", "--reason"}, {"now", "--now"}, {NULL, NULL}};

/* --- what would go ------------------------------------------------------------------------------------------------------ */

static void show_regime(struct json regime)
{
    if (json_type(regime) != JSON_OBJECT || show_number(regime, "years") == 0)
        return;
    printf("  %s: ", str_eq(show_text(regime, "duty"), STR("must")) ? "ordered by" : "because of");
    term_text(stdout, TONE_PLAIN, show_text(regime, "title"));
    printf(" (%lld years, confidence %.*s)\n  ", (long long)show_number(regime, "years"),
           (int)show_text(regime, "confidence").n, show_text(regime, "confidence").p);
    term_wrap(stdout, 2, show_text(regime, "why"));
    fputs("\n  ", stdout);
    term_text(stdout, TONE_DIM, show_text(regime, "url"));
    fputs(", read ", stdout);
    term_text(stdout, TONE_DIM, show_text(regime, "read"));
    fputc('\n', stdout);
}

static void show_until(struct json v)
{
    char at[SHOW_TIME];
    struct str until = show_time(json_get(v, "until"), at);
    printf("the proof of consent is kept until %.*s, and nothing else is done with it\n", (int)until.n, until.p);
    show_regime(json_get(v, "regime"));
}

static void show_preview(struct json v, bool now)
{
    char at[SHOW_TIME];
    int64_t consents = show_number(v, "consents");
    struct str until = show_time(json_get(v, "until"), at);
    if (!show_flag(v, "known"))
        printf("nobody is known by this name; webhooks that have it would be cut\n");
    else
        printf("%lld names, %lld%s messages and %lld errands would go at once, with everything webhooks said\n",
               (long long)show_number(v, "names"), (long long)show_number(v, "messages"),
               show_flag(v, "messages_complete") ? "" : " or more", (long long)show_number(v, "errands"));
    if (consents > 0 && now && !show_flag(v, "at_once"))
        printf("the proof of consent (%lld records) would be destroyed now; without --now it is kept until %.*s\n",
               (long long)consents, (int)until.n, until.p);
    else if (consents > 0 && !show_flag(v, "at_once"))
        show_until(v);
    else if (consents > 0)
        printf("%lld records of consent would go as well: no law has them kept any more\n", (long long)consents);
    else if (show_flag(v, "known"))
        printf("there is no record of consent to be kept\n");
}

static int path_of(const struct args *a, struct buf *path)
{
    buf_puts(path, "/contacts/");
    rest_segment(path, str_of(a->word[0]));
    buf_puts(path, "/erase");
    return path->failed ? cmd_fail(CMD_USAGE, NULL, "that is no name of a person") : CMD_OK;
}

static int preview(struct rest *r, const struct args *a, const char *path)
{
    struct json answer;
    int rc = rest_call(r, "GET", path, (struct str){NULL, 0}, &answer);
    if (rc == CMD_OK)
        rc = rest_check(r, answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK)
        show_preview(answer, args_has(a, "now"));
    return rc;
}

/* --- following one -------------------------------------------------------------------------------------------------------- */

static void draw(struct json progress, bool *drawn)
{
    if (json_type(progress) != JSON_OBJECT)
        return;
    *drawn = true;
    fprintf(stderr, "\r%-14.*s %lld messages, %lld webhooks looked at, %lld changed%s ",
            (int)show_text(progress, "doing").n, show_text(progress, "doing").p,
            (long long)show_number(progress, "messages"), (long long)show_number(progress, "webhooks"),
            (long long)show_number(progress, "changed"),
            show_flag(progress, "waits") ? "; one message is on its way" : "");
    fflush(stderr);
}

static bool is_open(struct json v)
{
    return str_eq(show_text(v, "state"), STR("open"));
}

/* *v is the answer to begin with, and the last one in the end. */
static int follow(struct rest *r, bool progress, struct json *v)
{
    const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
    char path[64];
    bool drawn = false;
    int rc = CMD_OK;
    struct str id = show_text(*v, "id");
    snprintf(path, sizeof path, "/erasures/%.*s", (int)(id.n < 32 ? id.n : 32), id.p);
    while (rc == CMD_OK && is_open(*v)) {
        nanosleep(&pause, NULL);
        rc = rest_call(r, "GET", path, (struct str){NULL, 0}, v);
        if (rc == CMD_OK)
            rc = rest_check(r, *v);
        if (rc == CMD_OK && progress)
            draw(json_get(*v, "progress"), &drawn);
    }
    if (drawn)
        fputc('\n', stderr);
    if (rc != CMD_OK)
        return cmd_fail(CMD_TEMPORARY, "give the command again, or: wayleave contacts erasures",
                        "the erasure was asked for and goes on by itself; it is not known how far it is");
    return CMD_OK;
}

static void show_done(struct json v, bool known)
{
    if (!known) {
        printf("nobody was known by this name; webhooks that had it are cut\n");
        return;
    }
    if (str_eq(show_text(v, "state"), STR("done"))) {
        printf("erased: nothing of this person is left; %lld entries of the log have no record any more\n",
               (long long)show_number(v, "leaves"));
        return;
    }
    printf("restricted: everything but the proof of consent is gone, and nothing is sent to this person\n");
    show_until(v);
    printf("  to destroy the proof now: wayleave contacts erase WHO --now --reason \"...\" --yes\n");
}

static void write_body(struct buf *body, const struct args *a)
{
    struct json_out o;
    json_out_init(&o, body);
    jo_object(&o);
    if (args_has(a, "now"))
        jo_kbool(&o, "now", true);
    if (args_has(a, "reason"))
        jo_kcstr(&o, "reason", args_get(a, "reason"));
    jo_end(&o);
}

static int erase(struct rest *r, const struct args *a, const char *path)
{
    struct json answer;
    struct buf body;
    bool known = true;
    buf_init(&body, BODY_BYTES);
    write_body(&body, a);
    int rc = body.failed ? cmd_fail(CMD_USAGE, NULL, "--reason is too long")
                         : rest_call(r, "POST", path, buf_str(&body), &answer);
    if (rc == CMD_OK)
        rc = rest_check(r, answer);
    if (rc == CMD_OK) {
        known = json_type(json_get(answer, "contact")) == JSON_STRING;
        rc = follow(r, isatty(STDERR_FILENO) && !args_has(a, "quiet"), &answer);
    }
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK && !args_has(a, "quiet"))
        show_done(answer, known);
    buf_done(&body);
    return rc;
}

int contacts_erase(const struct args *a)
{
    struct rest r;
    struct buf path;
    if (!args_has(a, "yes") && !args_has(a, "dry-run"))
        return cmd_fail(CMD_USAGE, "look first: wayleave contacts erase WHO --dry-run",
                        "what is erased does not come back; say --yes to erase this person");
    buf_init(&path, 4096);
    int rc = path_of(a, &path);
    if (rc == CMD_OK) {
        rc = rest_open(&r, a);
        r.words = words;
        if (rc == CMD_OK)
            rc = args_has(a, "dry-run") ? preview(&r, a, buf_cstr(&path)) : erase(&r, a, buf_cstr(&path));
        rest_close(&r);
    }
    buf_done(&path);
    return rc;
}

/* --- the list --------------------------------------------------------------------------------------------------------------- */

int contacts_erasures(const struct args *a)
{
    static const struct show_column columns[] = {
        {"ID", "id", 22, NULL},       {"STATE", "state", 11, NULL},   {"ASKED", "asked_at", 25, NULL},
        {"UNTIL", "until", 25, NULL}, {"ENTRIES", "leaves", 8, NULL}, {"REASON", "reason", 30, NULL},
        {NULL, NULL, 0, NULL}};
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_call(&r, "GET", "/erasures?size=200", (struct str){NULL, 0}, &answer);
    if (rc == CMD_OK)
        rc = rest_check(&r, answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print_rows(json_get(answer, "erasures"));
    else if (rc == CMD_OK)
        show_table(json_get(answer, "erasures"), columns, "nobody was erased");
    rest_close(&r);
    return rc;
}
