/* SPDX-License-Identifier: Apache-2.0
 * webhooks.c - `wayleave webhooks list`, `show`, `tail`, `fields`, `replay` and `erase`.
 *
 * Clients of the REST API. A list goes on until it has as many rows as were asked for or there are no more, because the
 * gateway looks only so far for one page. Who follows asks once a second for what came after the last body seen: a gateway
 * that is started again is waited for, nothing is shown twice and nothing left out. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "cmd/rest_client.h"
#include "cmd/show.h"
#include "cmd/show_webhook.h"
#include "cmd/verbs.h"

#define PATH_MAX_BYTES 1800
#define BODY_MAX_BYTES (64u << 10)
#define RAW_MAX        (8u << 20)
#define LIMIT_DEFAULT  100
#define LIMIT_MOST     1000000
#define PAGE_MOST      1000
#define TAIL_MS        1000
#define PLACE_MAX      96
#define PROGRESS_NS    200000000

/* Options that stand in the query under the same name. */
static const char *const filters[] = {"field", "number", "account", "kind", "status", "app", "from", "to", NULL};

static const struct rest_word words[] = {{"field", "--field"},
                                         {"number", "--number"},
                                         {"account", "--account"},
                                         {"kind", "--kind"},
                                         {"status", "--status"},
                                         {"app", "--app"},
                                         {"from", "--from"},
                                         {"to", "--to"},
                                         {"before", "--before"},
                                         {"after", "--from"},
                                         {"limit", "--limit"},
                                         {"problem", "--problem"},
                                         {"repeats", "--repeats"},
                                         {"subscriber", "--subscriber"},
                                         {"dead", "--dead"},
                                         {"id", "ID"},
                                         {"who", "WHO"},
                                         {"fields", "--field"},
                                         {"numbers", "--number"},
                                         {"accounts", "--account"},
                                         {"kinds", "--kind"},
                                         {"statuses", "--status"},
                                         {NULL, NULL}};

static void add_parameter(struct buf *path, const char *name, const char *value)
{
    buf_printf(path, "%c%s=", memchr(path->data, '?', path->len) != NULL ? '&' : '?', name);
    rest_segment(path, str_of(value));
}

static void add_filters(const struct args *a, struct buf *path, bool times)
{
    const char *value;
    for (size_t f = 0; filters[f] != NULL; f++) {
        bool time = strcmp(filters[f], "from") == 0 || strcmp(filters[f], "to") == 0;
        for (size_t i = 0; (times || !time) && (value = args_nth(a, filters[f], i)) != NULL; i++)
            add_parameter(path, filters[f], value);
    }
    if (args_has(a, "problem"))
        add_parameter(path, "problem", "true");
    if (args_has(a, "repeats"))
        add_parameter(path, "repeats", "true");
}

static int get(struct rest *r, const struct buf *path, struct json *ret)
{
    if (path->failed)
        return cmd_fail(CMD_USAGE, NULL, "that is too much to ask for at once");
    r->words = words;
    int rc = rest_call(r, "GET", buf_cstr(path), (struct str){NULL, 0}, ret);
    return rc == CMD_OK ? rest_check(r, *ret) : rc;
}

/* A member of the answer that outlives it. */
static void keep_place(struct json answer, const char *key, char to[PLACE_MAX])
{
    struct str s = show_text(answer, key);
    snprintf(to, PLACE_MAX, "%.*s", (int)s.n, s.p);
}

/* --- list ------------------------------------------------------------------------------------------------------------- */

struct listing {
    int64_t left; /* rows still wanted */
    int64_t shown;
    char next[PLACE_MAX]; /* "": there are no more */
};

static int list_page(struct rest *r, const struct args *a, struct buf *path, struct listing *l)
{
    char limit[24];
    struct json answer;
    buf_clear(path);
    buf_puts(path, "/webhooks");
    add_filters(a, path, true);
    snprintf(limit, sizeof limit, "%lld", (long long)(l->left < PAGE_MOST ? l->left : PAGE_MOST));
    add_parameter(path, "limit", limit);
    if (l->next[0] != '\0')
        add_parameter(path, "before", l->next);
    int rc = get(r, path, &answer);
    struct json rows = json_get(answer, "webhooks");
    if (rc != CMD_OK)
        return rc;
    keep_place(answer, "next", l->next);
    l->left -= (int64_t)json_count(rows);
    for (struct json_iter it = json_iter(rows); rc == CMD_OK && json_next(&it); l->shown++) {
        if (args_has(a, "json"))
            rc = rest_print(it.value);
        else
            show_webhook_row(it.value, l->shown == 0);
    }
    return rc;
}

static void list_end(const struct listing *l)
{
    if (l->shown == 0)
        puts("no webhook that is kept is like that");
    else if (l->next[0] != '\0')
        term_printf(stdout, TONE_DIM, "older ones: the same command with --before %s\n", l->next);
}

static int list_begin(const struct args *a, struct listing *l)
{
    const char *limit = args_get(a, "limit"), *before = args_get(a, "before");
    if (limit != NULL && (!str_i64(str_of(limit), &l->left) || l->left < 1 || l->left > LIMIT_MOST))
        return cmd_fail(CMD_USAGE, NULL, "--limit is a number from 1 to %d", LIMIT_MOST);
    if (before != NULL && strlen(before) >= PLACE_MAX)
        return cmd_fail(CMD_USAGE, NULL, "--before is the id of a webhook, or a time such as now-2h");
    snprintf(l->next, sizeof l->next, "%s", before != NULL ? before : "");
    return CMD_OK;
}

int webhooks_list_run(const struct args *a)
{
    struct rest r;
    struct buf path;
    struct listing l = {.left = LIMIT_DEFAULT};
    int rc = list_begin(a, &l);
    if (rc != CMD_OK)
        return rc;
    rc = rest_open(&r, a);
    buf_init(&path, PATH_MAX_BYTES);
    do {
        rc = rc == CMD_OK ? list_page(&r, a, &path, &l) : rc;
    } while (rc == CMD_OK && l.left > 0 && l.next[0] != '\0');
    if (rc == CMD_OK && !args_has(a, "json") && !args_has(a, "quiet"))
        list_end(&l);
    rest_close(&r);
    buf_done(&path);
    return rc;
}

/* --- show ------------------------------------------------------------------------------------------------------------- */

static int print_raw(struct json answer)
{
    struct str text = show_text(answer, "raw");
    struct buf b, url;
    buf_init(&b, RAW_MAX);
    buf_init(&url, RAW_MAX);
    while (text.n > 0 && text.p[text.n - 1] == '=')
        text.n--;
    for (size_t i = 0; i < text.n; i++)
        buf_putc(&url, (char)(text.p[i] == '+' ? '-' : text.p[i] == '/' ? '_' : text.p[i]));
    bool good = base64url_decode(buf_str(&url), &b) && !b.failed;
    if (good)
        fwrite(buf_cstr(&b), 1, b.len, stdout);
    buf_done(&url);
    buf_done(&b);
    return good ? CMD_OK : cmd_fail(CMD_FAILED, NULL, "the gateway's answer does not hold the body");
}

int webhooks_show_run(const struct args *a)
{
    struct rest r;
    struct buf path;
    struct json answer;
    bool raw = args_has(a, "raw");
    buf_init(&path, PATH_MAX_BYTES);
    buf_puts(&path, "/webhooks/");
    rest_segment(&path, str_of(a->word[0]));
    if (raw)
        add_parameter(&path, "raw", "true");
    int rc = rest_open(&r, a);
    r.names = "wayleave webhooks list shows those that are kept";
    if (rc == CMD_OK)
        rc = get(&r, &path, &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK && raw)
        rc = print_raw(answer);
    else if (rc == CMD_OK)
        show_webhook(answer);
    rest_close(&r);
    buf_done(&path);
    return rc;
}

int webhooks_fields_run(const struct args *a)
{
    struct rest r;
    struct buf path;
    struct json answer;
    buf_init(&path, PATH_MAX_BYTES);
    buf_puts(&path, "/webhooks/fields");
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = get(&r, &path, &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print_rows(json_get(answer, "fields"));
    else if (rc == CMD_OK)
        show_webhook_fields(json_get(answer, "fields"));
    rest_close(&r);
    buf_done(&path);
    return rc;
}

/* --- tail ------------------------------------------------------------------------------------------------------------- */

static volatile sig_atomic_t interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    interrupted = 1;
}

static void watch_interrupt(void)
{
    struct sigaction act = {.sa_handler = on_interrupt};
    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL); /* without SA_RESTART: a wait ends at once */
    sigaction(SIGTERM, &act, NULL);
}

static int print_event_json(struct json body, struct json event)
{
    struct buf b;
    struct json_out o;
    buf_init(&b, RAW_MAX);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kstr(&o, "id", show_text(body, "id"));
    jo_kstr(&o, "received_at", show_text(body, "at"));
    for (struct json_iter it = json_iter(event); json_next(&it);) {
        struct buf value;
        buf_init(&value, RAW_MAX);
        json_write_value(&value, it.value);
        jo_key_str(&o, it.key);
        jo_raw(&o, buf_str(&value));
        buf_done(&value);
    }
    if (show_text(body, "problem").n > 0)
        jo_kstr(&o, "problem", show_text(body, "problem"));
    jo_end(&o);
    int rc = cmd_print_json(&b);
    buf_done(&b);
    return rc;
}

/* One line an event; of a body that cannot be read, or has none, one line that says so. */
static int tail_body(const struct args *a, struct json body)
{
    struct json events = json_get(body, "events");
    int rc = CMD_OK;
    if (json_count(events) == 0) {
        if (args_has(a, "json"))
            return print_event_json(body, events);
        show_webhook_event(body, events);
    }
    for (struct json_iter it = json_iter(events); rc == CMD_OK && json_next(&it);) {
        if (args_has(a, "json"))
            rc = print_event_json(body, it.value);
        else
            show_webhook_event(body, it.value);
    }
    return rc;
}

struct tail {
    char place[PLACE_MAX]; /* "": from --from, or from now on */
    bool more;             /* there was more than one page of it */
    bool lost;             /* the gateway did not answer, which was said */
};

/* What came since. CMD_TEMPORARY: nobody answered. */
static int tail_page(struct rest *r, const struct args *a, struct buf *path, struct tail *t)
{
    struct json answer;
    const char *from = args_get(a, "from");
    buf_clear(path);
    buf_puts(path, "/webhooks");
    add_filters(a, path, false);
    add_parameter(path, "limit", "1000");
    add_parameter(path, "after", t->place[0] != '\0' ? t->place : from != NULL ? from : "now");
    int rc = get(r, path, &answer);
    if (rc != CMD_OK)
        return rc;
    for (struct json_iter it = json_iter(json_get(answer, "webhooks")); rc == CMD_OK && json_next(&it);)
        rc = tail_body(a, it.value);
    if (fflush(stdout) != 0 || ferror(stdout))
        return cmd_fail(CMD_FAILED, NULL, "standard output could not be written");
    keep_place(answer, "position", t->place);
    t->more = show_text(answer, "next").n > 0;
    return rc;
}

static void wait_ms(int64_t ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    if (!interrupted)
        nanosleep(&ts, NULL);
}

/* Follows until it is interrupted, or something is wrong that waiting does not mend. A gateway that went away after the
 * first answer is waited for; r->still says nothing more of it. */
static int follow(struct rest *r, const struct args *a, struct buf *path)
{
    struct tail t = {.more = false};
    while (!interrupted) {
        r->still = t.lost;
        int rc = tail_page(r, a, path, &t);
        if (rc == CMD_OK && t.lost)
            fputs("wayleave: the gateway answers again\n", stderr);
        if (rc != CMD_OK && (rc != CMD_TEMPORARY || t.place[0] == '\0'))
            return interrupted ? CMD_OK : rc;
        t.lost = rc != CMD_OK;
        if (rc != CMD_OK || !t.more)
            wait_ms(TAIL_MS);
    }
    return CMD_OK;
}

int webhooks_tail_run(const struct args *a)
{
    struct rest r;
    struct buf path;
    int rc = rest_open(&r, a);
    buf_init(&path, PATH_MAX_BYTES);
    r.waits = true;
    watch_interrupt();
    if (rc == CMD_OK)
        rc = follow(&r, a, &path);
    rest_close(&r);
    buf_done(&path);
    return rc;
}

/* --- replay ----------------------------------------------------------------------------------------------------------- */

static bool one_way(const struct args *a)
{
    int ways = args_has(a, "from") + args_has(a, "dead") + args_has(a, "stop") + (a->n_words > 0);
    return ways == 1 && (!args_has(a, "to") || args_has(a, "from"));
}

static void replay_body(const struct args *a, struct buf *body)
{
    struct json_out o;
    json_out_init(&o, body);
    jo_object(&o);
    jo_kcstr(&o, "subscriber", args_get(a, "subscriber"));
    if (args_has(a, "from"))
        jo_kcstr(&o, "from", args_get(a, "from"));
    if (args_has(a, "to"))
        jo_kcstr(&o, "to", args_get(a, "to"));
    if (args_has(a, "dead"))
        jo_kbool(&o, "dead", true);
    if (args_has(a, "stop"))
        jo_kbool(&o, "stop", true);
    if (a->n_words > 0) {
        jo_key(&o, "id");
        jo_array(&o);
        for (size_t i = 0; i < a->n_words; i++)
            jo_cstr(&o, a->word[i]);
        jo_end(&o);
    }
    jo_end(&o);
}

static void say_replay(const struct args *a, struct json answer, long long dead)
{
    struct str name = show_text(answer, "subscriber");
    long long bodies = (long long)show_number(answer, "bodies");
    if (args_has(a, "stop"))
        term_printf(stdout, TONE_PLAIN, "%.*s is given nothing older any more\n", (int)name.n, name.p);
    else if (args_has(a, "dead"))
        term_printf(stdout, TONE_PLAIN, "%lld that %.*s did not take are tried once more\n", dead, (int)name.n, name.p);
    else
        term_printf(stdout, TONE_PLAIN, "%s%lld webhook%s handed to %.*s again, as far as its filter wants them\n",
                    show_flag(answer, "at_least") ? "at least " : "", bodies, bodies == 1 ? " is" : "s are",
                    (int)name.n, name.p);
    if (show_flag(answer, "paused"))
        term_printf(stdout, TONE_WARN, "it is paused: they leave when it is resumed\n");
}

/* Of very many dead letters a call takes a part. *ret_dead: of all calls. */
static int ask_replay(struct rest *r, const struct buf *body, struct json *ret, long long *ret_dead)
{
    int rc;
    *ret_dead = 0;
    do {
        rc = rest_call(r, "POST", "/webhooks/replay", buf_str(body), ret);
        if (rc == CMD_OK)
            rc = rest_check(r, *ret);
        if (rc == CMD_OK)
            *ret_dead += show_number(*ret, "dead");
    } while (rc == CMD_OK && show_flag(*ret, "more"));
    return rc;
}

int webhooks_replay_run(const struct args *a)
{
    struct rest r;
    struct buf body;
    struct json answer;
    long long dead = 0;
    if (!args_has(a, "subscriber"))
        return cmd_fail(CMD_USAGE, "wayleave webhooks subscribers list names them",
                        "say to whom with --subscriber NAME");
    if (!one_way(a))
        return cmd_fail(CMD_USAGE, NULL, "say which: --from TIME|ID (and --to), --dead, ids, or --stop");
    buf_init(&body, BODY_MAX_BYTES);
    replay_body(a, &body);
    int rc = rest_open(&r, a);
    r.words = words;
    r.names = "wayleave webhooks subscribers list and wayleave webhooks list name them";
    if (rc == CMD_OK)
        rc = ask_replay(&r, &body, &answer, &dead);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK && !args_has(a, "quiet"))
        say_replay(a, answer, dead);
    rest_close(&r);
    buf_done(&body);
    return rc;
}

/* --- erase ------------------------------------------------------------------------------------------------------------ */

struct erasure {
    int64_t scanned, erased, drawn_ns;
    char next[PLACE_MAX];
    bool progress;
};

static void draw(struct erasure *x, bool last)
{
    int64_t now = clock_mono_ns();
    if (!x->progress || (!last && now - x->drawn_ns < PROGRESS_NS))
        return;
    x->drawn_ns = now;
    fprintf(stderr, "\r%lld webhooks looked at, %lld changed%s", (long long)x->scanned, (long long)x->erased,
            last ? "\n" : "");
    fflush(stderr);
}

static int erase_some(struct rest *r, const char *who, struct buf *body, struct erasure *x)
{
    struct json_out o;
    struct json answer;
    buf_clear(body);
    json_out_init(&o, body);
    jo_object(&o);
    jo_kcstr(&o, "who", who);
    if (x->next[0] != '\0')
        jo_kcstr(&o, "cursor", x->next);
    jo_end(&o);
    int rc = rest_call(r, "POST", "/webhooks/erase", buf_str(body), &answer);
    if (rc == CMD_OK)
        rc = rest_check(r, answer);
    if (rc != CMD_OK)
        return rc;
    x->scanned += show_number(answer, "scanned");
    x->erased += show_number(answer, "erased");
    keep_place(answer, "next", x->next);
    draw(x, false);
    return CMD_OK;
}

int webhooks_erase_run(const struct args *a)
{
    struct rest r;
    struct buf body;
    struct erasure x = {.progress = isatty(STDERR_FILENO) && !args_has(a, "quiet")};
    if (!args_has(a, "yes"))
        return cmd_fail(
            CMD_USAGE, "look first: wayleave contacts show WHO",
            "what is erased does not come back; say --yes to erase this person's data from the webhooks kept "
            "here");
    buf_init(&body, BODY_MAX_BYTES);
    int rc = rest_open(&r, a);
    r.words = words;
    do {
        rc = rc == CMD_OK ? erase_some(&r, a->word[0], &body, &x) : rc;
    } while (rc == CMD_OK && x.next[0] != '\0');
    draw(&x, true);
    rest_close(&r);
    buf_done(&body);
    if (rc != CMD_OK && x.scanned > 0)
        return cmd_fail(CMD_PARTIAL, "give the command again: what is erased already stays so",
                        "not all webhooks were looked at: %lld were, and %lld changed", (long long)x.scanned,
                        (long long)x.erased);
    if (rc == CMD_OK && args_has(a, "json"))
        printf("{\"scanned\":%lld,\"erased\":%lld}\n", (long long)x.scanned, (long long)x.erased);
    else if (rc == CMD_OK && !args_has(a, "quiet"))
        printf("%lld webhooks looked at, %lld changed: nothing of this person is in them any more\n",
               (long long)x.scanned, (long long)x.erased);
    return rc;
}
