/* SPDX-License-Identifier: Apache-2.0
 * show_webhook.c - webhooks and who hears of them, as a person reads them.
 *
 * One line an event: when it happened, what kind, of which number, what of it. People stand there by contact id; what they
 * wrote stands in the body, which is printed by who asks for that one webhook. */
#include "cmd/show_webhook.h"

#include <stdio.h>
#include <string.h>

#include "cmd/show.h"

#define LINE_MAX_BYTES 2048
#define BODY_MAX_BYTES (8u << 20)

/* --- events ----------------------------------------------------------------------------------------------------------- */

static void word(struct buf *b, const char *before, struct str v)
{
    if (v.n > 0)
        buf_printf(b, "%s%s%.*s", b->len > 0 ? " " : "", before, (int)v.n, v.p);
}

/* "text from c12-7", "failed 131026 Message undeliverable wamid.X", "paused promo_may/en_US" */
static void what(struct buf *b, struct json ev)
{
    struct str template = show_text(ev, "template"), language = show_text(ev, "language");
    int64_t code = show_number(ev, "code");
    word(b, "", show_text(ev, "type"));
    word(b, "", template);
    if (language.n > 0)
        buf_printf(b, "/%.*s", (int)language.n, language.p);
    word(b, "", show_text(ev, "quality"));
    if (code != 0)
        buf_printf(b, " %lld", (long long)code);
    word(b, "", show_text(ev, "error"));
    word(b, "of ", show_text(ev, "contact"));
    word(b, "in ", show_text(ev, "group"));
    word(b, "", show_text(ev, "wamid"));
    if (b->len == 0) /* of an account: what it is about stands in the body */
        word(b, "", show_text(ev, "field"));
    if (show_flag(ev, "repeated"))
        buf_puts(b, " (again: it had come before)");
}

static enum tone event_tone(struct json ev)
{
    struct str type = show_text(ev, "type");
    if (show_flag(ev, "repeated"))
        return TONE_DIM;
    return show_number(ev, "code") != 0 || str_eq(type, STR("failed")) ? TONE_BAD : TONE_PLAIN;
}

static void event_cells(struct json ev)
{
    struct buf b;
    struct str kind = show_text(ev, "kind");
    buf_init(&b, LINE_MAX_BYTES);
    what(&b, ev);
    /* Of an event nobody has a kind for the field says more. */
    term_cell(stdout, TONE_PLAIN, str_eq(kind, STR("other")) ? show_text(ev, "field") : kind, 18);
    putchar(' ');
    term_cell(stdout, TONE_PLAIN, show_text(ev, "number"), 16);
    putchar(' ');
    term_text(stdout, event_tone(ev), buf_str(&b));
    putchar('\n');
    buf_done(&b);
}

void show_webhook_event(struct json body, struct json event)
{
    char when[SHOW_TIME];
    bool none = json_type(event) != JSON_OBJECT;
    struct str problem = show_text(body, "problem");
    term_cell(stdout, TONE_DIM, show_time(json_get(none ? body : event, "at"), when), 21);
    if (!none) {
        event_cells(event);
        return;
    }
    term_text(stdout, problem.n > 0 ? TONE_BAD : TONE_DIM, problem.n > 0 ? problem : STR("no event in it"));
    putchar('\n');
}

/* --- webhooks --------------------------------------------------------------------------------------------------------- */

void show_webhook_row(struct json body, bool first)
{
    char when[SHOW_TIME];
    struct str problem = show_text(body, "problem");
    struct json events = json_get(body, "events");
    if (first) {
        term_cell(stdout, TONE_DIM, STR("webhook"), 20);
        term_cell(stdout, TONE_DIM, STR("stored"), 22);
        term_text(stdout, TONE_DIM, STR("kind               number           what"));
        putchar('\n');
    }
    term_cell(stdout, TONE_PLAIN, show_text(body, "id"), 20);
    term_cell(stdout, TONE_DIM, show_time(json_get(body, "at"), when), 22);
    bool later = false;
    if (problem.n > 0 || json_count(events) == 0) {
        term_text(stdout, problem.n > 0 ? TONE_BAD : TONE_DIM, problem.n > 0 ? problem : STR("no event in it"));
        putchar('\n');
        later = true;
    }
    for (struct json_iter it = json_iter(events); json_next(&it); later = true) {
        if (later)
            printf("%42s", "");
        event_cells(it.value);
    }
}

static void show_dead_lines(const char *name, struct json dead)
{
    struct buf b;
    buf_init(&b, LINE_MAX_BYTES);
    for (struct json_iter it = json_iter(dead); json_next(&it);) {
        struct str why = show_text(it.value, "why");
        int64_t event = 0;
        buf_clear(&b);
        buf_puts(&b, "did not take ");
        if (json_i64(json_get(it.value, "event"), &event))
            buf_printf(&b, "event %lld", (long long)event);
        else
            buf_puts(&b, "it");
        buf_printf(&b, ": %.*s%s", (int)why.n, why.p, show_flag(it.value, "again") ? "; it is tried once more" : "");
        show_line(2, name, buf_str(&b));
    }
    buf_done(&b);
}

/* "event 0 is refused: 12 tries, and it goes on" */
static void show_trying_lines(const char *name, struct json trying)
{
    for (struct json_iter it = json_iter(trying); json_next(&it);) {
        char text[160], which[40] = "it";
        int64_t event = 0, attempts = show_number(it.value, "attempts");
        if (json_i64(json_get(it.value, "event"), &event))
            snprintf(which, sizeof which, "event %lld", (long long)event);
        if (attempts > 1)
            snprintf(text, sizeof text, "%s was not taken in %lld tries, and is tried on", which, (long long)attempts);
        else
            snprintf(text, sizeof text, "%s is on its way", which);
        show_line(2, name, str_of(text));
        name = "";
    }
}

static void show_standings(struct json subscribers)
{
    char name[80];
    if (json_count(subscribers) > 0)
        puts("subscribers");
    for (struct json_iter it = json_iter(subscribers); json_next(&it);) {
        struct str s = show_text(it.value, "name");
        bool again = show_flag(it.value, "again"), passed = show_flag(it.value, "passed");
        struct json trying = json_get(it.value, "trying"), dead = json_get(it.value, "dead");
        snprintf(name, sizeof name, "%.*s", (int)s.n, s.p);
        if (again)
            show_line(2, name, STR("is given it again"));
        else if (json_count(trying) > 0)
            show_trying_lines(name, trying);
        else
            show_line(2, name,
                      !passed                 ? STR("it is still to come")
                      : json_count(dead) == 0 ? STR("took it, or did not want it")
                                              : STR("did not take all of it"));
        show_dead_lines("", dead);
    }
}

void show_webhook(struct json body)
{
    char text[64];
    struct json raw = json_get(body, "body");
    struct buf b;
    snprintf(text, sizeof text, "%lld", (long long)show_number(body, "bytes"));
    show_line(0, "webhook", show_text(body, "id"));
    show_time_line(0, "stored", json_get(body, "at"));
    show_line(0, "app", show_text(body, "app"));
    show_line(0, "bytes", str_of(text));
    show_line(0, "applied", show_flag(body, "applied") ? STR("yes") : STR("not yet"));
    show_line(0, "problem", show_text(body, "problem"));
    if (json_count(json_get(body, "events")) > 0)
        puts("events");
    for (struct json_iter it = json_iter(json_get(body, "events")); json_next(&it);) {
        fputs("  ", stdout);
        show_webhook_event(body, it.value);
    }
    show_standings(json_get(body, "subscribers"));
    buf_init(&b, BODY_MAX_BYTES);
    puts("body");
    if (json_type(raw) != JSON_ABSENT && json_write_value(&b, raw))
        term_text(stdout, TONE_PLAIN, buf_str(&b));
    else
        fputs("  it is no JSON: see it with --raw", stdout);
    putchar('\n');
    buf_done(&b);
}

void show_webhook_fields(struct json fields)
{
    static const struct show_column columns[] = {
        {"field", "field", 36, NULL},          {"events", "events", 10, NULL},      {"documented", "known", 11, NULL},
        {"first heard", "first_at", 22, NULL}, {"last heard", "last_at", 22, NULL}, {NULL, NULL, 0, NULL}};
    show_table(fields, columns, "no webhook has come yet");
}

/* --- subscribers ------------------------------------------------------------------------------------------------------ */

static struct str state_of(struct json v)
{
    if (show_flag(v, "paused"))
        return STR("paused");
    if (show_flag(v, "broken"))
        return STR("broken");
    if (show_text(v, "down_since").n > 0)
        return STR("down");
    return json_type(json_get(v, "stuck")) == JSON_OBJECT ? STR("stuck") : STR("up");
}

static enum tone state_tone(struct str state)
{
    return str_eq(state, STR("up"))                                     ? TONE_GOOD
           : str_eq(state, STR("down")) || str_eq(state, STR("broken")) ? TONE_BAD
                                                                        : TONE_WARN;
}

void show_subscriber_list(struct json subscribers)
{
    if (json_count(subscribers) == 0) {
        puts("no subscriber; make one with: wayleave webhooks subscribers add NAME URL");
        return;
    }
    term_text(stdout, TONE_DIM, STR("name                state   waiting  dead     form    url"));
    putchar('\n');
    for (struct json_iter it = json_iter(subscribers); json_next(&it);) {
        char lag[32], dead[32];
        struct json of = json_get(it.value, "lag");
        snprintf(lag, sizeof lag, "%s%lld", show_flag(of, "at_least") ? ">" : "", (long long)show_number(of, "bodies"));
        snprintf(dead, sizeof dead, "%lld", (long long)show_number(it.value, "dead"));
        term_cell(stdout, TONE_PLAIN, show_text(it.value, "name"), 19);
        putchar(' ');
        term_cell(stdout, state_tone(state_of(it.value)), state_of(it.value), 8);
        term_cell(stdout, TONE_PLAIN, str_of(lag), 9);
        term_cell(stdout, dead[0] != '0' ? TONE_WARN : TONE_PLAIN, str_of(dead), 9);
        term_cell(stdout, TONE_PLAIN, show_text(it.value, "form"), 8);
        term_text(stdout, TONE_PLAIN, show_text(it.value, "url"));
        putchar('\n');
    }
}

static void show_down(struct json v)
{
    char since[SHOW_TIME], next[SHOW_TIME];
    struct str error = show_text(v, "last_error");
    struct str down = show_time(json_get(v, "down_since"), since), again = show_time(json_get(v, "next_try_at"), next);
    struct buf b;
    buf_init(&b, LINE_MAX_BYTES);
    if (down.n > 0)
        buf_printf(&b, "since %.*s", (int)down.n, down.p);
    if (again.n > 0)
        buf_printf(&b, ", tried again %.*s", (int)again.n, again.p);
    if (error.n > 0)
        buf_printf(&b, "%s%.*s", b.len > 0 ? ": " : "", (int)error.n, error.p);
    show_line(0, down.n > 0 ? "down" : "last failure", buf_str(&b));
    buf_done(&b);
}

/* "on 7530237698632581120.0, HTTP 401, 12 tries; others go on" */
static void stuck_text(struct json v, struct buf *b)
{
    struct json stuck = json_get(v, "stuck");
    struct str id = show_text(stuck, "id");
    int64_t event = 0, status = show_number(stuck, "status"), count = show_number(stuck, "count");
    if (json_type(stuck) != JSON_OBJECT)
        return;
    buf_printf(b, "on %.*s", (int)id.n, id.p);
    if (json_i64(json_get(stuck, "event"), &event))
        buf_printf(b, ".%lld", (long long)event);
    if (status != 0)
        buf_printf(b, ", HTTP %lld", (long long)status);
    else
        buf_puts(b, ", no answer");
    buf_printf(b, ", %lld tries", (long long)show_number(stuck, "attempts"));
    if (count > 1)
        buf_printf(b, ", and on %lld more", (long long)count - 1);
    buf_puts(b, "; others go on");
}

static void show_stuck(struct json v)
{
    struct buf b;
    buf_init(&b, LINE_MAX_BYTES);
    stuck_text(v, &b);
    show_line(0, "stuck", buf_str(&b));
    buf_done(&b);
}

static void show_lag(struct json v)
{
    char when[SHOW_TIME], text[128];
    struct json lag = json_get(v, "lag");
    struct str oldest = show_time(json_get(lag, "oldest_at"), when);
    if (json_type(lag) != JSON_OBJECT)
        return;
    snprintf(text, sizeof text, "%s%lld webhook%s%s%.*s", show_flag(lag, "at_least") ? "at least " : "",
             (long long)show_number(lag, "bodies"), show_number(lag, "bodies") == 1 ? "" : "s",
             oldest.n > 0 ? ", the oldest stored " : "", (int)oldest.n, oldest.p);
    show_line(0, "waiting", str_of(text));
}

static void show_again(struct json v)
{
    char text[128];
    struct json again = json_get(v, "again");
    struct str after = show_text(again, "after"), to = show_text(again, "to");
    if (json_type(again) != JSON_OBJECT)
        return;
    snprintf(text, sizeof text, "webhooks after %.*s up to %.*s are handed over again", (int)after.n, after.p,
             (int)to.n, to.p);
    show_line(0, "replay", str_of(text));
}

static void count_line(const char *word_, struct json v, const char *key)
{
    char text[32];
    if (json_type(json_get(v, key)) <= JSON_NULL)
        return;
    snprintf(text, sizeof text, "%lld", (long long)show_number(v, key));
    show_line(0, word_, str_of(text));
}

static void show_signer(struct json v)
{
    char text[128];
    struct str app = show_text(v, "app");
    if (app.n > 0)
        snprintf(text, sizeof text, "the secret of Meta app %.*s%s", (int)app.n, app.p,
                 show_flag(v, "app_unknown") ? ", which is not configured: of the first one instead" : "");
    else
        snprintf(text, sizeof text, "the secret of the first Meta app that is configured");
    show_line(0, "signed with", str_eq(show_text(v, "secret"), STR("own")) ? STR("a secret of its own") : str_of(text));
}

/* "kinds": "inbound, status" */
static void show_filter(struct json filter)
{
    static const struct {
        const char *member, *word;
    } lists[] = {
        {"fields", "field"}, {"kinds", "kind"}, {"statuses", "status"}, {"numbers", "number"}, {"accounts", "account"}};
    struct buf b;
    buf_init(&b, 8192);
    for (size_t l = 0; l < sizeof lists / sizeof lists[0]; l++) {
        const char *before = b.len > 0 ? "; " : "";
        size_t n = 0;
        for (struct json_iter it = json_iter(json_get(filter, lists[l].member)); json_next(&it); n++) {
            struct str s = json_str_or(it.value, STR(""));
            if (n == 0)
                buf_printf(&b, "%s%s ", before, lists[l].word);
            buf_printf(&b, "%s%.*s", n > 0 ? ", " : "", (int)s.n, s.p);
        }
    }
    show_line(0, "wants", b.len > 0 ? buf_str(&b) : STR("everything"));
    buf_done(&b);
}

void show_subscriber(struct json v)
{
    show_line(0, "subscriber", show_text(v, "name"));
    show_line(0, "url", show_text(v, "url"));
    if (json_type(json_get(v, "delivered")) != JSON_ABSENT || show_flag(v, "paused"))
        show_line(0, "state", state_of(v));
    show_down(v);
    show_stuck(v);
    show_lag(v);
    show_again(v);
    count_line("dead", v, "dead");
    show_line(0, "form",
              str_eq(show_text(v, "form"), STR("bodies")) ? STR("bodies, as they came") : STR("one event a POST"));
    show_signer(v);
    show_filter(json_get(v, "filter"));
    count_line("parallel", v, "parallel");
    count_line("delivered", v, "delivered");
    count_line("failed", v, "failed");
    show_line(0, "made by", show_text(v, "origin"));
    show_time_line(0, "since", json_get(v, "created_at"));
}

void show_subscriber_tried(struct json v)
{
    struct buf b;
    struct str error = show_text(v, "last_error");
    int64_t waiting = show_number(json_get(v, "lag"), "bodies");
    buf_init(&b, LINE_MAX_BYTES);
    stuck_text(v, &b);
    if (b.len > 0)
        printf("it is stuck %s\n", buf_cstr(&b));
    else if (waiting > 0)
        printf("%lld webhook%s not over for it%s%.*s\n", (long long)waiting, waiting == 1 ? " is" : "s are",
               error.n > 0 ? "; the last failure: " : "", (int)error.n, error.p);
    buf_done(&b);
}

void show_subscriber_dead(struct json dead)
{
    static const struct show_column columns[] = {{"webhook", "id", 20, NULL},   {"event", "event", 6, NULL},
                                                 {"given up", "at", 22, NULL},  {"attempts", "attempts", 9, NULL},
                                                 {"status", "status", 7, NULL}, {"again", "again", 6, NULL},
                                                 {"why", "why", 20, NULL},      {NULL, NULL, 0, NULL}};
    show_table(dead, columns, "nothing was given up");
}
