/* SPDX-License-Identifier: Apache-2.0
 * backtest.c - `wayleave rules backtest`: what another book would have said to the messages of the log.
 *
 * Reads the gateway's database, read-only and beside a running gateway, a block of decisions at a time, so that no read
 * holds the database's log for long. For every message that went out and that the other book would have stopped, the
 * database is asked what became of it. What the database cannot tell is "not known": whether somebody replied within 24
 * hours is known only while their last message is not later than that. Nothing is written. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/backtest_report.h"
#include "cmd/config.h"
#include "cmd/rules_load.h"
#include "cmd/serve.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "core/facts_read.h"
#include "store/accounts.h"
#include "store/decisions.h"
#include "store/ledger.h"
#include "store/people.h"
#include "store/senders.h"

#define MEMORY_MAX     ((size_t)8 << 30) /* of the simulation: 100 bytes a person */
#define LOOKUP_MEMORY  (64u << 20)
#define BOOKS_MAX      256
#define LEDGER_ROWS    1000
#define REPLY_MS       (24 * INT64_C(3600000))
#define OPT_OUT_MS     (7 * REPLY_MS)
#define PROGRESS_NS    INT64_C(200000000)
#define PORTFOLIOS_MAX 1024

extern char **environ;

struct run {
    struct store *s;
    struct arena *memory, *lookup;
    struct ruleset *rules;
    struct backtest *bt;
    struct backtest_about about;
    int64_t from, to, now;
    struct {
        int64_t number;
        struct ruleset *rules; /* NULL: not kept, or not understood any more */
    } book[BOOKS_MAX];
    size_t n_books;
    struct {
        int64_t sender, portfolio;
    } portfolio[PORTFOLIOS_MAX];
    size_t n_portfolios;
    bool show_progress;
    int64_t shown_at;
};

/* ---- what the backtest asks ---- */

static const struct ruleset *book_of(void *ctx, int64_t number)
{
    struct run *r = ctx;
    uint8_t hash[SHA256_BYTES];
    struct str source;
    for (size_t i = 0; i < r->n_books; i++)
        if (r->book[i].number == number)
            return r->book[i].rules;
    if (r->n_books == BOOKS_MAX)
        return NULL;
    struct ruleset **place = &r->book[r->n_books].rules;
    r->book[r->n_books++].number = number;
    arena_reset(r->lookup);
    if (rulesets_get(r->s, number, r->lookup, hash, &source, NULL) == 0 &&
        ruleset_restore(place, source, hash, NULL) != 0)
        *place = NULL;
    return *place;
}

static int64_t portfolio_of(void *ctx, int64_t sender)
{
    const struct run *r = ctx;
    for (size_t i = 0; i < r->n_portfolios; i++)
        if (r->portfolio[i].sender == sender)
            return r->portfolio[i].portfolio;
    return 0;
}

/* Numbers of one portfolio share its limit; an account whose owner is not known stands for it. */
static int read_portfolios(struct run *r, struct err *e)
{
    struct sender *senders = NULL;
    size_t n = 0;
    int rc = senders_list(r->s, r->lookup, &senders, &n, e);
    for (size_t i = 0; rc == 0 && i < n && r->n_portfolios < PORTFOLIOS_MAX; i++) {
        struct account a;
        rc = accounts_get(r->s, senders[i].waba, &a, e);
        if (rc != 0)
            break;
        r->portfolio[r->n_portfolios].sender = senders[i].id;
        r->portfolio[r->n_portfolios++].portfolio = a.portfolio != 0 ? a.portfolio : senders[i].waba;
    }
    return rc;
}

/* ---- what became of a message ---- */

static enum backtest_fate fate_of(const struct message *m)
{
    switch ((enum life_state)m->life.state) {
    case LIFE_REJECTED:
        return FATE_REJECTED;
    case LIFE_AMBIGUOUS:
    case LIFE_SENDING:
        return FATE_AMBIGUOUS;
    case LIFE_UNSENT:
    case LIFE_REFUSED:
        return FATE_UNSENT;
    default:
        break;
    }
    if (m->seen & (SEEN_READ | SEEN_PLAYED))
        return FATE_READ;
    if (m->seen & SEEN_DELIVERED)
        return FATE_DELIVERED;
    if (m->seen & SEEN_FAILED)
        return FATE_FAILED;
    return m->seen & SEEN_SENT ? FATE_SENT : FATE_ACCEPTED;
}

/* Only the last message of the person to this number is kept. */
static int replied(struct run *r, const struct backtest_stopped *m, int64_t person, enum backtest_answer *ret,
                   struct err *e)
{
    struct pair p = {.bucket = r->about.bucket, .contact = person, .sender = m->sender};
    int rc = pairs_get(r->s, &p, 1, e);
    if (rc != 0)
        return rc;
    if (p.last_inbound <= m->ts)
        *ret = r->now >= m->ts + REPLY_MS ? ANSWER_NO : ANSWER_UNKNOWN;
    else
        *ret = p.last_inbound <= m->ts + REPLY_MS ? ANSWER_YES : ANSWER_UNKNOWN;
    return 0;
}

static bool is_opt_out(const struct consent_event *ev, const struct backtest_stopped *m)
{
    bool covers = ev->act == CONSENT_WITHDRAW ? (ev->scope & CONSENT_SCOPE(m->category)) != 0
                                              : ev->act == CONSENT_STOP && m->category == CATEGORY_MARKETING;
    return covers && ev->at > m->ts && ev->at <= m->ts + OPT_OUT_MS;
}

static int opted_out(struct run *r, const struct backtest_stopped *m, int64_t person, enum backtest_answer *ret,
                     struct err *e)
{
    struct consent_row *rows = NULL;
    size_t n = 0;
    int rc = ledger_list(r->s, r->about.bucket, person, r->lookup, LEDGER_ROWS, &rows, &n, e);
    if (rc != 0)
        return rc;
    *ret = r->now >= m->ts + OPT_OUT_MS && n < LEDGER_ROWS ? ANSWER_NO : ANSWER_UNKNOWN;
    for (size_t i = 0; i < n; i++)
        if (is_opt_out(&rows[i].event, m))
            *ret = ANSWER_YES;
    return 0;
}

static int became(struct run *r, const struct backtest_stopped *s, struct err *e)
{
    struct message m = {0};
    struct person p = {0};
    enum backtest_answer reply = ANSWER_UNKNOWN, gone = ANSWER_UNKNOWN;
    int found = messages_get(r->s, r->about.bucket, s->id, &m, e), rc = 0;
    if (found != 0 && found != WL_ENOTFOUND)
        return found;
    arena_reset(r->lookup);
    int known = s->contact != 0 ? people_get(r->s, r->about.bucket, s->contact, &p, e) : WL_ENOTFOUND;
    if (known != 0 && known != WL_ENOTFOUND)
        return known;
    if (known == 0)
        rc = replied(r, s, p.id, &reply, e);
    if (known == 0 && rc == 0)
        rc = opted_out(r, s, p.id, &gone, e);
    if (rc == 0)
        backtest_became(r->bt, s, found == 0 ? fate_of(&m) : FATE_LOST, m.life.code, reply, gone);
    return rc;
}

/* ---- the log ---- */

static void progress(struct run *r, uint64_t n, int64_t ts, bool last)
{
    char text[TIME_TEXT];
    int64_t now = clock_mono_ns();
    if (!r->show_progress || (!last && now - r->shown_at < PROGRESS_NS))
        return;
    r->shown_at = now;
    if (last)
        fprintf(stderr, "\r%60s\r", "");
    else
        fprintf(stderr, "\r%" PRIu64 " decisions, %.16s", n, time_text(ts, text));
}

/* The rows of the block with recorded times in [from, to): times rise with ids but for a clock that was set back. */
static int one_block(struct run *r, struct decision_block *b, size_t at, uint64_t *n, struct err *e)
{
    const struct backtest_stopped *stopped;
    struct int_column ts;
    size_t n_stopped = 0;
    int rc = decision_block_numbers(b, BLOCK_TS, &ts, e);
    while (rc == 0 && at < b->n) {
        size_t end = at;
        bool inside = ts.v[at] >= r->from && ts.v[at] < r->to;
        while (end < b->n && (ts.v[end] >= r->from && ts.v[end] < r->to) == inside)
            end++;
        if (inside)
            rc = backtest_block(r->bt, b, at, end, &stopped, &n_stopped, e);
        *n += inside ? end - at : 0;
        for (size_t i = 0; inside && rc == 0 && i < n_stopped; i++)
            rc = became(r, &stopped[i], e);
        progress(r, *n, ts.v[end - 1], false);
        at = end;
    }
    return rc;
}

static int whole_log(struct run *r, struct err *e)
{
    struct decision_block *b;
    /* An id begins with the time, and never lies before it. */
    int64_t after = r->from > 0 && r->from < INT64_MAX >> 22 ? (r->from << 22) - 1 : INT64_MIN, skip = 0;
    size_t at = 0;
    uint64_t n = 0;
    int rc;
    while ((rc = decisions_page(r->s, r->about.bucket, after, &b, &at, &skip, e)) != WL_ENOTFOUND) {
        if (rc == WL_EINVAL) {
            fprintf(stderr, "wayleave: %s; passed over\n", e->text);
            r->about.damaged++;
            after = skip;
            continue;
        }
        if (rc == 0) {
            after = decision_block_id(b, b->n - 1);
            rc = one_block(r, b, at, &n, e);
        }
        if (rc != 0)
            return rc;
    }
    progress(r, n, 0, true);
    return 0;
}

/* ---- the command ---- */

static int read_times(const struct args *a, struct run *r)
{
    struct err e = {0};
    const struct {
        const char *option;
        int64_t *ret;
    } times[] = {{"from", &r->from}, {"to", &r->to}};
    r->now = clock_now_ms();
    r->from = INT64_MIN;
    r->to = INT64_MAX;
    for (size_t i = 0; i < 2; i++) {
        const char *text = args_get(a, times[i].option);
        if (text != NULL && facts_read_time(str_of(text), r->now, times[i].ret, &e) != 0)
            return cmd_fail(CMD_USAGE, NULL, "--%s: %s", times[i].option, e.text);
    }
    if (r->from >= r->to)
        return cmd_fail(CMD_USAGE, NULL, "--from is not before --to");
    return CMD_OK;
}

static bool add_paths(struct rule_paths *p, const struct path_list *more)
{
    for (size_t i = 0; i < more->n; i++) {
        if (p->n == RULESET_FILES_MAX)
            return false;
        p->path[p->n++] = more->path[i];
    }
    return true;
}

static bool has_kind(const struct ruleset *rs, enum ruleset_kind kind)
{
    for (size_t i = 0; i < ruleset_sources(rs); i++)
        if (ruleset_source(rs, i)->kind == kind)
            return true;
    return false;
}

/* The files of --with are the book when the platform's rules are among them; else they stand in for the policy, and the
 * platform's rules, and the laws when none is among the files, are those of the configuration. */
static int read_book(const struct args *a, const struct config *c, struct run *r)
{
    struct rule_paths p, all = {.n = 0};
    struct ruleset *part = NULL;
    int rc = rules_split(args_get(a, "with"), r->lookup, &p);
    if (rc == CMD_OK)
        rc = rules_book(&p, &part);
    if (rc != CMD_OK)
        return rc;
    if (ruleset_decides(part)) {
        r->rules = part;
        return CMD_OK;
    }
    all.path[all.n++] = c->gateway.rules_file;
    bool room = has_kind(part, RULESET_LAW) || add_paths(&all, &c->gateway.rules_laws);
    ruleset_free(part);
    for (size_t i = 0; i < p.n && room; i++) {
        room = all.n < RULESET_FILES_MAX;
        if (room)
            all.path[all.n++] = p.path[i];
    }
    return room ? rules_book(&all, &r->rules) : cmd_fail(CMD_USAGE, NULL, "more than %d rule files", RULESET_FILES_MAX);
}

/* What is no database is said in a sentence; how SQLite would put it helps nobody. */
static int check_database(const char *path)
{
    char head[16] = "";
    const char *next = "name the gateway's --config or --state-dir";
    FILE *f = fopen(path, "re");
    if (f == NULL)
        return errno == ENOENT ? cmd_fail(CMD_FAILED, next, "%s: there is no database of a gateway", path)
                               : cmd_fail(CMD_FAILED, next, "%s cannot be read: %s", path, strerror(errno));
    size_t n = fread(head, 1, sizeof head, f);
    fclose(f);
    if (n == 0)
        return cmd_fail(CMD_FAILED, next, "%s is empty: no gateway has decided anything there", path);
    if (n != sizeof head || memcmp(head, "SQLite format 3", sizeof head) != 0)
        return cmd_fail(CMD_FAILED, next, "%s is not a gateway's database", path);
    return CMD_OK;
}

static int open_database(const struct args *a, const struct config *c, struct run *r)
{
    char path[4096];
    struct err e = {0};
    const char *dir = args_get(a, "state-dir"), *url = path;
    snprintf(path, sizeof path, "%s/wayleave.db", dir != NULL ? dir : c->gateway.state_dir);
    if (dir == NULL && c->gateway.store_url != NULL)
        url = c->gateway.store_url;
    int rc = url == path ? check_database(path) : CMD_OK;
    if (rc != CMD_OK)
        return rc;
    if (store_open(&r->s, url, &(struct store_options){.read_only = true}, &e) != 0)
        return cmd_fail(CMD_FAILED, "name the gateway's --config or --state-dir", "%s: %s", url, e.text);
    return CMD_OK;
}

static int run_it(const struct args *a, struct run *r, enum backtest_format format)
{
    struct err e = {0};
    struct backtest_report report;
    const struct backtest_options o = {
        .rules = r->rules, .stateful = args_has(a, "stateful"), .book = book_of, .portfolio = portfolio_of, .ctx = r};
    r->about.rules = r->rules;
    r->about.stateful = o.stateful;
    r->show_progress = !args_has(a, "quiet") && isatty(STDERR_FILENO);
    r->bt = backtest_create(&o, r->memory);
    int rc = r->bt != NULL ? read_portfolios(r, &e) : err_set(&e, WL_ENOMEM, "out of memory");
    if (rc == 0)
        rc = whole_log(r, &e);
    if (rc == 0)
        rc = backtest_report(r->bt, &report, &e);
    if (rc != 0)
        return cmd_fail(rc == WL_EBUSY ? CMD_TEMPORARY : CMD_FAILED, NULL, "%s", e.text);
    backtest_print(stdout, format, &report, &r->about);
    return cmd_finish(r->about.damaged + report.unreadable > 0 ? CMD_PARTIAL : CMD_OK);
}

static int with_config(const struct args *a, const struct config *c, struct run *r)
{
    const char *word = args_get(a, "format");
    int format = word != NULL ? backtest_format_named(word) : BACKTEST_TABLE;
    if (args_get(a, "with") == NULL)
        return cmd_fail(CMD_USAGE, "wayleave help rules backtest", "--with FILE is missing: the rules to try");
    if (format < 0)
        return cmd_fail(CMD_USAGE, NULL, "--format is table, json or csv, not \"%s\"", word);
    int rc = read_times(a, r);
    if (rc == CMD_OK)
        rc = read_book(a, c, r);
    if (rc == CMD_OK)
        rc = open_database(a, c, r);
    return rc == CMD_OK ? run_it(a, r, (enum backtest_format)format) : rc;
}

int rules_backtest(const struct args *a)
{
    struct config *c = NULL;
    struct err e = {0};
    const struct config_source from = {.file = args_get(a, "config"), .environ = environ};
    struct run *r = calloc(1, sizeof *r);
    if (r == NULL || (r->memory = arena_create(MEMORY_MAX)) == NULL ||
        (r->lookup = arena_create(LOOKUP_MEMORY)) == NULL)
        abort();
    int rc = config_load(&c, &from, &e) == 0 ? with_config(a, c, r) : cmd_fail(CMD_FAILED, NULL, "%s", e.text);
    config_free(c);
    store_free(r->s);
    for (size_t i = 0; i < r->n_books; i++)
        ruleset_free(r->book[i].rules);
    ruleset_free(r->rules);
    arena_free(r->memory);
    arena_free(r->lookup);
    free(r);
    return rc;
}
