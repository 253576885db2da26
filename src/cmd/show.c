/* SPDX-License-Identifier: Apache-2.0
 * show.c - decisions, messages and contacts as a person reads them.
 *
 * Two columns, a word and its value, because that survives narrow terminals and copying into a ticket. The verdict
 * comes first, then each reason with the facts it rests on, what would change it, and where the rule is written. */
#include "cmd/show.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"

static struct str text_of(struct json v)
{
    return json_str_or(v, STR(""));
}

struct str show_time(struct json v, char out[SHOW_TIME])
{
    struct str s = text_of(v);
    char text[TIME_TEXT];
    int64_t at;
    if (s.n < 20 || s.n > 30 || s.p[10] != 'T')
        return s;
    if (s.p[s.n - 1] != 'Z') { /* somebody's own, as a campaign's start is */
        if (!time_parse(s.p, s.n, &at))
            return s;
        s = str_of(time_text(at, text));
    }
    snprintf(out, SHOW_TIME, "%.10s %.8sZ", s.p, s.p + 11);
    return str_of(out);
}

/* Any scalar, as it stands in JSON but strings without quotes. */
static void put_value(struct buf *out, struct json v)
{
    struct str s;
    if (json_str(v, &s))
        buf_putstr(out, s);
    else
        json_write_value(out, v);
}

/* ---------------------------------------------------------------- decisions */

static enum tone verdict_tone(struct str verdict)
{
    return str_eq(verdict, STR("allow")) ? TONE_GOOD : str_eq(verdict, STR("hold")) ? TONE_WARN : TONE_BAD;
}

/* What the finding's heading says beside verdict, rule and title. */
static void show_standing(struct json f, struct json override)
{
    bool shadow = false, unknown = false, aside = false;
    struct str reason = show_text(override, "reason"), by = show_text(override, "actor");
    bool named = by.n > 0 && !str_eq(by, STR("api"));
    json_bool(json_get(f, "shadow"), &shadow);
    json_bool(json_get(f, "unknown"), &unknown);
    json_bool(json_get(f, "overridden"), &aside);
    fputs(shadow ? "  (shadow: reported, not enforced)" : "", stdout);
    fputs(unknown ? "  (because something it must know is not known)" : "", stdout);
    if (aside)
        term_printf(stdout, TONE_WARN, "  (set aside%s%.*s%s%.*s)", named ? " by " : "", named ? (int)by.n : 0,
                    named ? by.p : "", reason.n > 0 ? ": " : "", (int)reason.n, reason.n > 0 ? reason.p : "");
    putchar('\n');
}

static void code_line(struct json v)
{
    int64_t code;
    char text[32];
    if (!json_i64(v, &code) || code == 0)
        return;
    snprintf(text, sizeof text, "%lld", (long long)code);
    show_line(2, "code", str_of(text));
}

static void show_finding(struct json f, struct json override)
{
    char until[SHOW_TIME];
    struct str verdict = show_text(f, "verdict");
    putchar('\n');
    term_text(stdout, verdict_tone(verdict), verdict);
    fputs("  ", stdout);
    term_text(stdout, TONE_BOLD, show_text(f, "rule"));
    fputs("  ", stdout);
    term_text(stdout, TONE_PLAIN, show_text(f, "title"));
    show_standing(f, override);
    struct str when = show_time(json_get(f, "until"), until);
    show_line(2, "until", when);
    code_line(json_get(f, "code"));
    show_line(2, "why", show_text(f, "reason"));
    struct buf b;
    bool first = true;
    buf_init(&b, 4096);
    for (struct json_iter it = json_iter(json_get(f, "facts")); json_next(&it); first = false) {
        buf_clear(&b);
        buf_printf(&b, "%.*s = ", (int)it.key.n, it.key.p);
        put_value(&b, it.value);
        show_line(2, first ? "facts" : "", buf_str(&b));
    }
    show_line(2, "would change", show_text(f, "change"));
    for (struct json_iter it = json_iter(json_get(f, "citations")); json_next(&it);) {
        struct str read = show_text(it.value, "read"), url = show_text(it.value, "url"),
                   title = show_text(it.value, "title");
        buf_clear(&b);
        buf_printf(&b, "%.*s%s%.*s%s", (int)title.n, title.p, read.n ? " (read " : "", (int)read.n, read.p,
                   read.n ? ")" : "");
        show_line(2, "source", buf_str(&b));
        show_line(2, "", url);
    }
    buf_done(&b);
}

static bool has_key(struct json object, struct str key)
{
    for (struct json_iter it = json_iter(object); json_next(&it);)
        if (str_eq(it.key, key))
            return true;
    return false;
}

/* Adds the facts of a finding that are not among those known, each once. */
static void add_unknown(struct buf *b, struct json finding, struct json known)
{
    for (struct json_iter it = json_iter(json_get(finding, "facts")); json_next(&it);) {
        char name[64];
        snprintf(name, sizeof name, "%.*s", (int)it.key.n, it.key.p);
        if (!has_key(known, it.key) && strstr(buf_cstr(b), name) == NULL)
            buf_printf(b, "%s%s", b->len > 0 ? ", " : "", name);
    }
}

/* What would have to be known for rules to say more than that they do not know. */
static void show_unknown(struct json d)
{
    struct buf b;
    buf_init(&b, 8192);
    for (struct json_iter it = json_iter(json_get(d, "findings")); json_next(&it);) {
        bool unknown = false;
        json_bool(json_get(it.value, "unknown"), &unknown);
        if (unknown)
            add_unknown(&b, it.value, json_get(d, "facts"));
    }
    if (b.len > 0) {
        fputs("\nunknown facts that mattered: ", stdout);
        term_wrap(stdout, 2, buf_str(&b));
    }
    buf_done(&b);
}

void show_decision(struct json decision)
{
    show_decided(decision, (struct json){NULL, 0});
}

void show_undecided(struct json message)
{
    struct str state = show_text(message, "state");
    bool waits = str_eq(state, STR("waiting"));
    show_line(0, "verdict",
              waits ? STR("none yet: no rule spoke against taking it, and it is judged when its time comes")
                    : STR("none: it ended before it was judged for sending"));
}

void show_decided(struct json d, struct json override)
{
    char until[SHOW_TIME];
    struct str verdict = show_text(d, "verdict"), when = show_time(json_get(d, "until"), until);
    struct str id = text_of(json_at(d, "ruleset", "id")), hash = text_of(json_at(d, "ruleset", "hash"));
    if (verdict.n == 0)
        return;
    show_label(0, "verdict");
    term_text(stdout, verdict_tone(verdict), verdict);
    if (when.n > 0)
        term_printf(stdout, TONE_PLAIN, " until %.*s", (int)when.n, when.p);
    putchar('\n');
    if (id.n > 0) {
        show_label(0, "rule set");
        term_printf(stdout, TONE_PLAIN, "%.*s %.*s", (int)id.n, id.p, hash.n > 12 ? 12 : (int)hash.n, hash.p);
        putchar('\n');
    }
    if (json_count(json_get(d, "findings")) == 0)
        show_line(0, "reasons", STR("none: no rule speaks against it"));
    for (struct json_iter it = json_iter(json_get(d, "findings")); json_next(&it);)
        show_finding(it.value, override);
    show_unknown(d);
}

void show_message(struct json m)
{
    struct buf b;
    char when[SHOW_TIME];
    buf_init(&b, 4096);
    show_line(0, "sender", show_text(m, "sender"));
    struct str type = show_text(m, "type"), category = show_text(m, "category");
    buf_printf(&b, "%.*s%s%.*s", (int)type.n, type.p, category.n ? ", " : "", (int)category.n, category.p);
    show_line(0, "message", buf_str(&b));
    show_message_state(m);
    show_message_waiting(m);
    show_time_line(0, "since", json_get(m, "changed_at"));
    show_time_line(0, "expires", json_get(m, "expires"));
    show_line(0, "wamid", show_text(m, "wamid"));
    int64_t code = 0;
    bool first = true;
    for (struct json_iter it = json_iter(json_get(m, "events")); json_next(&it);) {
        struct str at = show_time(json_get(it.value, "at"), when), status = show_text(it.value, "status");
        struct str detail = show_text(it.value, "detail");
        buf_clear(&b);
        buf_printf(&b, "%.*s  %.*s", (int)at.n, at.p, (int)status.n, status.p);
        if (json_i64(json_get(it.value, "code"), &code) && code != 0)
            buf_printf(&b, " %lld", (long long)code);
        if (detail.n > 0)
            buf_printf(&b, " %.*s", (int)detail.n, detail.p);
        show_line(0, first ? "fate" : "", buf_str(&b));
        first = false;
    }
    buf_done(&b);
}

/* ---------------------------------------------------------------- people */

static void show_windows(struct json windows)
{
    char last[SHOW_TIME], open[SHOW_TIME];
    for (struct json_iter it = json_iter(windows); json_next(&it);) {
        struct str sender = show_text(it.value, "sender"), in = show_time(json_get(it.value, "last_inbound"), last);
        struct str until = show_time(json_get(it.value, "open_until"), open);
        struct str end = show_text(it.value, "open_until");
        int64_t ms = 0;
        bool is_open = time_parse(end.p, end.n, &ms) && ms > clock_now_ms();
        term_printf(stdout, TONE_PLAIN, "  sender %.*s: wrote %.*s, window ", (int)sender.n, sender.p, (int)in.n, in.p);
        term_printf(stdout, is_open ? TONE_GOOD : TONE_DIM, "%s %.*s", is_open ? "open until" : "closed since",
                    (int)until.n, until.p);
        putchar('\n');
    }
}

static void show_messages(struct json messages)
{
    char when[SHOW_TIME];
    for (struct json_iter it = json_iter(messages); json_next(&it);) {
        struct str at = show_time(json_get(it.value, "at"), when);
        int64_t code = 0;
        fputs("  ", stdout);
        term_cell(stdout, TONE_PLAIN, show_text(it.value, "id"), 19);
        fputc(' ', stdout);
        term_cell(stdout, TONE_PLAIN, at, 21);
        term_cell(stdout, TONE_PLAIN, show_text(it.value, "type"), 12);
        fputc(' ', stdout);
        term_cell(stdout, TONE_PLAIN, show_text(it.value, "category"), 14);
        fputc(' ', stdout);
        term_text(stdout, TONE_BOLD, show_text(it.value, "state"));
        if (json_i64(json_get(it.value, "code"), &code) && code != 0)
            printf(" %lld", (long long)code);
        putchar('\n');
    }
}

void show_contact(struct json c)
{
    show_line(0, "contact", show_text(c, "id"));
    for (struct json_iter it = json_iter(json_get(c, "identities")); json_next(&it);) {
        struct str kind = show_text(it.value, "kind"), value = show_text(it.value, "value");
        char word[32];
        snprintf(word, sizeof word, "%.*s", (int)kind.n, kind.p);
        show_line(0, word, value);
    }
    show_line(0, "name", show_text(c, "name"));
    show_line(0, "language", show_text(c, "lang"));
    show_line(0, "time zone", show_text(c, "zone"));
    show_time_line(0, "known since", json_get(c, "created_at"));
    show_time_line(0, "undeliverable", json_get(c, "undeliverable_at"));
    show_time_line(0, "to be erased", json_get(c, "restricted_until"));
    show_said(c);
    puts("consent");
    show_scopes(json_get(c, "consent"));
    show_stop(json_get(c, "platform_stop"));
    show_activity(json_get(c, "activity"));
    if (json_count(json_get(c, "windows")) > 0)
        puts("windows");
    show_windows(json_get(c, "windows"));
    if (json_count(json_get(c, "messages")) > 0)
        puts("messages");
    show_messages(json_get(c, "messages"));
}

/* ---------------------------------------------------------------- the gateway */

static void number_line(const char *word, struct json v)
{
    int64_t n;
    char text[32];
    if (!json_i64(v, &n))
        return;
    snprintf(text, sizeof text, "%lld", (long long)n);
    show_line(0, word, str_of(text));
}

static void part(struct buf *b, struct json queue, const char *key, const char *says, bool *first)
{
    int64_t n = 0;
    if (!json_i64(json_get(queue, key), &n) || n == 0)
        return;
    buf_printf(b, "%s%lld %s", *first ? " (" : ", ", (long long)n, says);
    *first = false;
}

/* "7 waiting (4 due, 2 scheduled, 1 held by rules), 3 on their way, 79.0 a second": what is nothing is left out. */
static void queue_in_words(struct buf *b, struct json queue)
{
    int64_t waiting = 0, open = 0, pace = 0;
    bool first = true;
    json_i64(json_get(queue, "waiting"), &waiting);
    json_i64(json_get(queue, "open"), &open);
    json_i64(json_get(queue, "pace_permille"), &pace);
    buf_printf(b, "  %lld waiting", (long long)waiting);
    part(b, queue, "due", "due", &first);
    part(b, queue, "scheduled", "scheduled", &first);
    part(b, queue, "held", "held by rules", &first);
    part(b, queue, "in_doubt", "in doubt", &first);
    buf_puts(b, first ? "" : ")");
    buf_printf(b, ", %lld on their way", (long long)open);
    if (pace > 0)
        buf_printf(b, ", %lld.%lld a second", (long long)(pace / 1000), (long long)(pace % 1000 / 100));
}

/* Numbers with something to send: how much, how fast, and what stops them. */
static void show_queues(struct json queues)
{
    bool first = true;
    for (struct json_iter it = json_iter(queues); json_next(&it); first = false) {
        struct str id = show_text(it.value, "sender"), why = show_text(it.value, "stopped_why");
        char until[SHOW_TIME];
        struct buf b;
        buf_init(&b, 1024);
        buf_putstr(&b, id);
        queue_in_words(&b, it.value);
        struct str when = show_time(json_get(it.value, "stopped_until"), until);
        if (why.n > 0)
            buf_printf(&b, ", stopped%s%.*s: %.*s", when.n > 0 ? " until " : "", (int)when.n, when.p, (int)why.n,
                       why.p);
        show_line(0, first ? "queues" : "", buf_str(&b));
        buf_done(&b);
    }
}

/* "12 not applied yet, 1 could not be, 3 events had come before": what is nothing is left out. */
static void show_inbox(struct json inbox)
{
    static const struct {
        const char *key, *says;
    } parts[] = {{"unapplied", "not applied yet"},
                 {"problems", "could not be applied"},
                 {"repeats", "events had come before"}};
    struct buf b;
    buf_init(&b, 256);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        int64_t n = show_number(inbox, parts[i].key);
        if (n > 0)
            buf_printf(&b, "%s%lld %s", b.len > 0 ? ", " : "", (long long)n, parts[i].says);
    }
    show_line(0, "", buf_str(&b));
    buf_done(&b);
}

static void show_subscribers(struct json list)
{
    bool first = true;
    for (struct json_iter it = json_iter(list); json_next(&it); first = false) {
        char since[SHOW_TIME];
        struct str name = show_text(it.value, "name"), state = show_text(it.value, "state");
        struct str down = show_time(json_get(it.value, "down_since"), since), error = show_text(it.value, "last_error");
        int64_t lag = show_number(it.value, "lag_ms") / 1000;
        struct buf b;
        buf_init(&b, 1024);
        buf_printf(&b, "%.*s  %.*s", (int)name.n, name.p, (int)state.n, state.p);
        if (down.n > 0)
            buf_printf(&b, " since %.*s: %.*s", (int)down.n, down.p, (int)error.n, error.p);
        else if (error.n > 0 && (str_eq(state, STR("stuck")) || str_eq(state, STR("broken"))))
            buf_printf(&b, ": %.*s", (int)error.n, error.p);
        if (lag > 0)
            buf_printf(&b, ", %lld s behind", (long long)lag);
        show_line(0, first ? "subscribers" : "", buf_str(&b));
        buf_done(&b);
    }
}

/* How much of the ledger is sealed, and whether its audit found anything. */
static void show_ledger(struct json v)
{
    char text[128], at[SHOW_TIME];
    int64_t problems = show_number(v, "problems");
    struct str when = show_time(json_get(v, "sealed_at"), at);
    snprintf(text, sizeof text, "%lld leaves sealed%s%.*s", (long long)show_number(v, "sealed"),
             when.n > 0 ? ", last " : "", (int)when.n, when.p);
    show_line(0, "ledger", str_of(text));
    if (problems == 0)
        return;
    snprintf(text, sizeof text, "%lld things do not fit: ", (long long)problems);
    show_label(0, "");
    term_text(stdout, TONE_BAD, str_of(text));
    term_text(stdout, TONE_BAD, show_text(v, "problem"));
    fputc('\n', stdout);
}

void show_status(struct json s)
{
    int64_t up = 0;
    char text[64];
    show_line(0, "version", show_text(s, "version"));
    if (json_i64(json_get(s, "uptime_s"), &up)) {
        snprintf(text, sizeof text, "%lldd %02lld:%02lld:%02lld", (long long)(up / 86400), (long long)(up / 3600 % 24),
                 (long long)(up / 60 % 60), (long long)(up % 60));
        show_line(0, "running for", str_of(text));
    }
    show_line(0, "upstream", show_text(s, "upstream"));
    show_line(0, "rule set", text_of(json_at(s, "ruleset", "id")));
    show_line(0, "", text_of(json_at(s, "ruleset", "hash")));
    number_line("contacts", json_get(s, "contacts"));
    number_line("webhooks", json_at(s, "inbox", "rows"));
    show_inbox(json_get(s, "inbox"));
    show_subscribers(json_get(s, "subscribers"));
    show_ledger(json_get(s, "ledger"));
    bool first = true;
    for (struct json_iter it = json_iter(json_get(s, "senders")); json_next(&it); first = false) {
        struct str id = show_text(it.value, "id"), display = show_text(it.value, "display_phone");
        struct str status = show_text(it.value, "status"), quality = show_text(it.value, "quality");
        struct buf b;
        buf_init(&b, 1024);
        buf_printf(&b, "%.*s  %.*s  %.*s  %.*s", (int)id.n, id.p, (int)display.n, display.p, (int)status.n, status.p,
                   (int)quality.n, quality.p);
        show_line(0, first ? "senders" : "", buf_str(&b));
        buf_done(&b);
    }
    show_queues(json_get(s, "queues"));
}
