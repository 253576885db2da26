/* SPDX-License-Identifier: Apache-2.0
 * decide.c - `wayleave decide`: what the rules say about facts, offline.
 *
 * A client of libwayleave like any other: rules, facts and decisions are wl_* objects, so what can be asked here can be
 * asked from any program. One document gets an explanation and an exit status that says the verdict; from the second
 * on every document gets one line, and only one of them is in memory at a time. Nothing but the files named is read. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <wayleave.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/yaml.h"
#include "cmd/config.h"
#include "cmd/json_stream.h"
#include "cmd/rules_load.h"
#include "cmd/show.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "core/facts_read.h"

#define PATHS_MAX (1u << 20)

/* The verdict as an exit status, for one document. */
enum { EXIT_ALLOW = 0, EXIT_HOLD = 3, EXIT_DENY = 4 };

struct question {
    struct str facts; /* JSON */
    int64_t at, expires;
    bool answer; /* free-form that names no category: it is of the category service, as the gateway sees it */
};

struct session {
    wl_rules *rules;
    struct json_parser *parser;
    struct buf facts;
    const char *at, *expires; /* as given on the command line */
    int64_t now;
    bool json, quiet;
    bool broken; /* the last document is no JSON */
};

static int lib_failed(const wl_error *e)
{
    return cmd_fail(CMD_FAILED, NULL, "%s", e->text);
}

static int load_rules(const struct args *a, wl_rules **ret)
{
    struct rule_paths p = {.n = 0};
    struct arena *mem = arena_create(PATHS_MAX);
    wl_error e = {0, ""};
    const char *path;
    int rc = mem == NULL ? CMD_FAILED : CMD_OK;
    while (rc == CMD_OK && p.n < RULESET_FILES_MAX && (path = args_nth(a, "rules", p.n)) != NULL)
        p.path[p.n++] = path;
    if (rc == CMD_OK && p.n == 0)
        p.path[p.n++] = config_rules_file(mem);
    struct str rest = str_of(args_get(a, "laws"));
    while (rc == CMD_OK && rest.n > 0 && p.n < RULESET_FILES_MAX) {
        struct str one = str_cut(rest, ',', &rest);
        const char *name = arena_strndup(mem, one.p, one.n);
        if (name != NULL && (rc = rules_law(name, mem, &path)) == CMD_OK)
            p.path[p.n++] = path;
    }
    if (rc == CMD_OK && wl_rules_load(ret, p.path, p.n, &e) != 0)
        rc = lib_failed(&e);
    arena_free(mem);
    return rc;
}

/* ---- one question ---- */

static int read_when(struct json v, const char *key, int64_t now, int64_t *ret, struct err *e)
{
    struct str text;
    int64_t number;
    int rc;
    if (json_type(v) == JSON_ABSENT || json_type(v) == JSON_NULL)
        return 0;
    if (json_i64(v, &number))
        rc = facts_read_ms(number, ret, e);
    else if (json_str(v, &text))
        rc = facts_read_time(text, now, ret, e);
    else
        rc = err_set(e, WL_EINVAL, "a time is a text or milliseconds since 1970");
    return rc == 0 ? 0 : err_prefix(e, "%s", key);
}

/* When it is decided must be some moment. */
static int check_moment(int64_t at, const char *key, struct err *e)
{
    return at != 0 ? 0 : err_set(e, WL_EINVAL, "%s: never is no moment to decide at", key);
}

static int given_times(const struct session *s, struct question *q, struct err *e)
{
    int rc = 0;
    q->at = s->now;
    q->expires = 0;
    if (s->at != NULL && (rc = facts_read_time(str_of(s->at), s->now, &q->at, e)) != 0) {
        err_prefix(e, "--at");
        return rc;
    }
    if ((rc = check_moment(q->at, "--at", e)) != 0)
        return rc;
    if (s->expires != NULL && (rc = facts_read_time(str_of(s->expires), q->at, &q->expires, e)) != 0)
        err_prefix(e, "--expires");
    return rc;
}

static int unknown_key(struct str key, struct err *e)
{
    static const char *const keys[] = {"facts", "at", "expires", NULL};
    const char *near = nearest_word(key, keys);
    return err_set(e, WL_EINVAL, "there is no key %.*s beside \"facts\"%s%s%s", (int)(key.n > 60 ? 60 : key.n), key.p,
                   near ? ": did you mean " : "", near ? near : "", near ? "?" : "");
}

static bool is_answer(struct json facts)
{
    return str_eq(json_str_or(json_get(facts, "message.kind"), STR("")), STR("freeform")) &&
           json_type(json_get(facts, "message.category")) == JSON_ABSENT;
}

/* A document: the facts themselves, or {"facts":..,"at":..,"expires":..}. */
static int read_question(struct session *s, struct str text, struct question *q, struct err *e)
{
    struct json root, facts;
    int rc = json_parse(s->parser, text, false, &root, e);
    s->broken = rc != 0;
    if (rc != 0 || (rc = given_times(s, q, e)) != 0)
        return rc;
    facts = json_get(root, "facts");
    if (json_type(facts) == JSON_ABSENT) {
        q->facts = text;
        q->answer = is_answer(root);
        return 0;
    }
    for (struct json_iter it = json_iter(root); json_next(&it);)
        if (!str_eq(it.key, STR("facts")) && !str_eq(it.key, STR("at")) && !str_eq(it.key, STR("expires")))
            return unknown_key(it.key, e);
    q->answer = is_answer(facts);
    if ((rc = read_when(json_get(root, "at"), "at", s->now, &q->at, e)) != 0 ||
        (rc = check_moment(q->at, "at", e)) != 0 ||
        (rc = read_when(json_get(root, "expires"), "expires", q->at, &q->expires, e)) != 0)
        return rc;
    buf_clear(&s->facts);
    if (!json_write_value(&s->facts, facts))
        return err_set(e, WL_ENOMEM, "out of memory");
    q->facts = buf_str(&s->facts);
    return 0;
}

static int ask(struct session *s, struct str text, wl_decision **ret, struct err *e)
{
    struct question q;
    wl_facts *facts = NULL;
    wl_error why = {0, ""};
    int rc = read_question(s, text, &q, e);
    if (rc != 0)
        return rc;
    if (wl_facts_create(&facts) != 0)
        return err_set(e, WL_ENOMEM, "out of memory");
    if (q.answer)
        rc = wl_facts_set(facts, "message.category", "service", q.at, &why);
    if (rc == 0)
        rc = wl_facts_set_json(facts, q.facts.p, q.facts.n, q.at, &why);
    if (rc == 0)
        rc = wl_decide(ret, s->rules, facts, q.at, q.expires, &why);
    wl_facts_free(facts);
    return rc == 0 ? 0 : err_set(e, rc == WL_ERR_NOMEM ? WL_ENOMEM : WL_EINVAL, "%s", why.text);
}

/* ---- answers ---- */

static void put_json(const wl_decision *d, size_t line)
{
    printf("{\"line\":%zu,%s\n", line, wl_decision_json(d) + 1);
}

/* One decision as `wayleave explain` shows it. */
static int show_one(struct session *s, const wl_decision *d, size_t line)
{
    static const int status[] = {EXIT_ALLOW, EXIT_HOLD, EXIT_DENY};
    struct json root;
    if (s->json)
        put_json(d, line);
    else if (!s->quiet && json_parse(s->parser, str_of(wl_decision_json(d)), false, &root, NULL) == 0)
        show_decision(root);
    return status[wl_decision_verdict(d)];
}

static void answer_line(const struct session *s, const wl_decision *d, size_t line)
{
    static const char *const words[] = {"allow", "hold ", "deny "};
    if (s->json)
        put_json(d, line);
    else if (!s->quiet)
        printf("%s  %s\n", words[wl_decision_verdict(d)], wl_decision_text(d));
}

static void show_failure(const struct session *s, size_t line, const struct err *e)
{
    struct buf b;
    struct json_out o;
    if (!s->json) {
        cmd_fail(CMD_FAILED, NULL, "%s", e->text);
        return;
    }
    buf_init(&b, 4096);
    json_out_init(&o, &b);
    jo_object(&o);
    jo_kint(&o, "line", (int64_t)line);
    jo_kcstr(&o, "error", e->text);
    jo_end(&o);
    cmd_print_json(&b);
    buf_done(&b);
}

/* One document's answer, or why there is none. */
struct answer {
    wl_decision *d;
    size_t line;
    struct err why;
};

/* The next document, answered; false at the end. *ret_rc is set when nothing can follow. */
static bool next_answer(struct session *s, struct json_stream *stream, struct answer *ret, int *ret_rc)
{
    struct str text;
    *ret = (struct answer){0};
    int rc = json_stream_next(stream, &text, &ret->why);
    ret->line = stream->line;
    if (rc == 0 && text.p == NULL)
        return false;
    if (rc == 0 && ask(s, text, &ret->d, &ret->why) != 0)
        err_prefix(&ret->why, "line %zu", ret->line);
    if (rc == 0 && s->broken)
        json_stream_broken(stream);
    *ret_rc = rc == WL_EIO ? rc : 0;
    return true;
}

static int show_answer(const struct session *s, struct answer *x)
{
    int rc = x->d != NULL ? CMD_OK : CMD_FAILED;
    if (x->d != NULL)
        answer_line(s, x->d, x->line);
    else
        show_failure(s, x->line, &x->why);
    wl_decision_free(x->d);
    x->d = NULL;
    return rc;
}

/* The first document is kept until it is known whether it is the only one. */
static int answer_all(struct session *s, FILE *in)
{
    struct json_stream stream;
    struct answer first, next;
    int rc = CMD_OK, end = 0;
    json_stream_init(&stream, in);
    if (!next_answer(s, &stream, &first, &end)) {
        rc = cmd_fail(CMD_USAGE, "wayleave help decide", "there are no facts in the input");
    } else if (end == 0 && next_answer(s, &stream, &next, &end)) {
        rc = show_answer(s, &first) | show_answer(s, &next);
        while (end == 0 && next_answer(s, &stream, &next, &end))
            rc |= show_answer(s, &next);
    } else {
        rc = first.d != NULL ? show_one(s, first.d, first.line) : show_answer(s, &first);
        wl_decision_free(first.d);
    }
    json_stream_done(&stream);
    return rc;
}

int decide_run(const struct args *a)
{
    struct session s = {.at = args_get(a, "at"),
                        .expires = args_get(a, "expires"),
                        .now = clock_now_ms(),
                        .json = args_has(a, "json"),
                        .quiet = args_has(a, "quiet")};
    struct question probe;
    struct err e = {0};
    const char *path = args_get(a, "facts");
    if (path == NULL)
        return cmd_fail(CMD_USAGE, "wayleave help decide",
                        "--facts says which file the facts are in (- for standard input)");
    if (given_times(&s, &probe, &e) != 0)
        return cmd_fail(CMD_USAGE, "wayleave help decide", "%s", e.text);
    FILE *in = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
    if (in == NULL)
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be opened: %s", path, strerror(errno));
    struct stat st;
    if (fstat(fileno(in), &st) == 0 && S_ISDIR(st.st_mode)) {
        fclose(in);
        return cmd_fail(CMD_FAILED, NULL, "%s is a directory, not a file of facts", path);
    }
    s.parser = json_parser_create();
    buf_init(&s.facts, JSON_STREAM_DOCUMENT_MAX);
    int rc = load_rules(a, &s.rules);
    if (rc == CMD_OK)
        rc = answer_all(&s, in);
    wl_rules_free(s.rules);
    buf_done(&s.facts);
    json_parser_free(s.parser);
    if (in != stdin)
        fclose(in);
    return rc;
}
