/* SPDX-License-Identifier: Apache-2.0
 * segments_query.c - which segment is meant: a saved one by name, a query in a file, or conditions on the command line.
 *
 * A file holds what react-querybuilder writes, or what `segments show --json` printed. Conditions are "FIELD OPERATOR VALUE" with the
 * operators by name or in words; they are put into the same JSON, and whether there is such a field, and whether the value
 * fits it, the gateway says. Nothing is guessed here: a condition without a known operator is an error that lists them. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cmd/segments_verbs.h"
#include "cmd/term.h"

#define QUERY_MAX    (64u << 10)
#define MESSAGE_ROOM 1024

const char segments_names[] = "wayleave segments list names them";

const struct rest_word segments_words[] = {{"query", "--query or --where"},
                                           {"segment", "NAME"},
                                           {"name", "NAME"},
                                           {"version", "--version"},
                                           {"fresh", "--fresh"},
                                           {"limit", "--limit"},
                                           {"seed", "--seed"},
                                           {"note", "--note"},
                                           {"actor", "--actor"},
                                           {NULL, NULL}};

#define QUERY_OPTIONS                                                                                                  \
    {.name = "query", .value = "FILE", .help = "a query as react-querybuilder writes it; - for standard input"},       \
        {.name = "where",                                                                                              \
         .value = "CONDITION",                                                                                         \
         .help = "\"country in DE,AT\", \"tag = vip\", \"last_read since now-30d\". May be given several times",       \
         .repeat = true},                                                                                              \
    {                                                                                                                  \
        .name = "any", .help = "any of the conditions is enough; else all must hold"                                   \
    }
#define ASK_OPTIONS                                                                                                    \
    QUERY_OPTIONS, {.name = "version", .value = "N", .help = "of the saved one; the last otherwise"},                  \
    {                                                                                                                  \
        .name = "fresh", .help = "wait until everybody was read once more"                                             \
    }

const struct option segments_query_options[] = {ASK_OPTIONS, {0}};
const struct option segments_save_options[] = {
    QUERY_OPTIONS,
    {.name = "version", .value = "N", .help = "only where N is the last version; 0: only where there is none yet"},
    {.name = "note", .value = "TEXT", .help = "why it is as it is, kept with the version"},
    {.name = "actor", .value = "WHO", .help = "who saves it (default $USER)"},
    {0},
};
const struct option segments_sample_options[] = {
    ASK_OPTIONS,
    {.name = "limit", .value = "N", .help = "how many, at most 100 (default 10)"},
    {.name = "seed", .value = "N", .help = "the same number picks the same people"},
    {0},
};
const struct option segments_export_options[] = {
    ASK_OPTIONS,
    {.name = "limit", .value = "N", .help = "at most this many (default all)"},
    {.name = "attribute",
     .value = "NAME",
     .help = "a column for this attribute. May be given several times",
     .repeat = true},
    {0},
};

bool segments_as_json(const struct args *a)
{
    return args_has(a, "json") || !isatty(STDOUT_FILENO);
}

/* --- conditions ------------------------------------------------------------------------------------------------------- */

/* In words, or as the query has them. A longer one comes before what it begins with. */
static const struct {
    const char *words, *operator;
    enum { ONE, LIST, NOTHING } takes;
} operators[] = {
    {"does not begin with", "doesNotBeginWith", ONE},
    {"does not end with", "doesNotEndWith", ONE},
    {"does not contain", "doesNotContain", ONE},
    {"doesNotBeginWith", "doesNotBeginWith", ONE},
    {"doesNotEndWith", "doesNotEndWith", ONE},
    {"doesNotContain", "doesNotContain", ONE},
    {"begins with", "beginsWith", ONE},
    {"beginsWith", "beginsWith", ONE},
    {"ends with", "endsWith", ONE},
    {"endsWith", "endsWith", ONE},
    {"contains", "contains", ONE},
    {"not between", "notBetween", LIST},
    {"notBetween", "notBetween", LIST},
    {"between", "between", LIST},
    {"is not in", "notIn", LIST},
    {"not in", "notIn", LIST},
    {"notIn", "notIn", LIST},
    {"in", "in", LIST},
    {"is unknown", "null", NOTHING},
    {"is known", "notNull", NOTHING},
    {"null", "null", NOTHING},
    {"notNull", "notNull", NOTHING},
    {"is not", "!=", ONE},
    {"is", "=", ONE},
    {"before", "<", ONE},
    {"since", ">=", ONE},
    {"after", ">", ONE},
    {"until", "<=", ONE},
    {"!=", "!=", ONE},
    {"<=", "<=", ONE},
    {">=", ">=", ONE},
    {"=", "=", ONE},
    {"<", "<", ONE},
    {">", ">", ONE},
};
#define OPERATORS (sizeof operators / sizeof *operators)

/* The operator a text begins with, whole words only; OPERATORS: none. */
static size_t operator_of(struct str text, struct str *ret_value)
{
    for (size_t i = 0; i < OPERATORS; i++) {
        struct str words = str_of(operators[i].words);
        if (!str_starts(text, words) || (text.n > words.n && text.p[words.n] != ' '))
            continue;
        *ret_value = str_trim((struct str){text.p + words.n, text.n - words.n});
        return i;
    }
    return OPERATORS;
}

/* "a,b\\,c": a comma with a stroke before it belongs to the value. */
static void put_list(struct json_out *o, struct str value)
{
    struct buf one;
    buf_init(&one, QUERY_MAX);
    jo_array(o);
    for (size_t i = 0; i <= value.n; i++) {
        bool own = i + 1 < value.n && value.p[i] == '\\' && value.p[i + 1] == ',';
        i += own;
        if (own || (i < value.n && value.p[i] != ',')) {
            buf_putc(&one, value.p[i]);
            continue;
        }
        if (str_trim(buf_str(&one)).n > 0)
            jo_str(o, str_trim(buf_str(&one)));
        buf_clear(&one);
    }
    jo_end(o);
    buf_done(&one);
}

static int put_condition(const char *condition, struct json_out *o)
{
    struct str rest, value = {NULL, 0}, field = str_cut(str_trim(str_of(condition)), ' ', &rest);
    size_t i = rest.p != NULL ? operator_of(str_trim(rest), &value) : OPERATORS;
    if (i == OPERATORS)
        return cmd_fail(
            CMD_USAGE,
            "operators are = != < <= > >= in, not in, between, contains, begins with, ends with, is known, is "
            "unknown, before, since; wayleave segments fields lists what there is",
            "--where \"%s\" is not FIELD OPERATOR VALUE", condition);
    if (operators[i].takes != NOTHING && value.n == 0)
        return cmd_fail(CMD_USAGE, NULL, "--where \"%s\" has no value", condition);
    if (operators[i].takes == NOTHING && value.n > 0)
        return cmd_fail(CMD_USAGE, NULL, "--where \"%s\": nothing stands after %s", condition, operators[i].words);
    jo_object(o);
    jo_kstr(o, "field", field);
    jo_kcstr(o, "operator", operators[i].operator);
    jo_key(o, "value");
    if (operators[i].takes == LIST)
        put_list(o, value);
    else
        jo_str(o, operators[i].takes == NOTHING ? STR("") : value);
    jo_end(o);
    return CMD_OK;
}

static int put_conditions(const struct args *a, struct json_out *o)
{
    const char *condition;
    int rc = CMD_OK;
    jo_object(o);
    jo_kcstr(o, "combinator", args_has(a, "any") ? "or" : "and");
    jo_key(o, "rules");
    jo_array(o);
    for (size_t i = 0; rc == CMD_OK && (condition = args_nth(a, "where", i)) != NULL; i++)
        rc = put_condition(condition, o);
    jo_end(o);
    jo_end(o);
    return rc;
}

/* --- files ------------------------------------------------------------------------------------------------------------ */

static int read_file(const char *path, struct buf *out)
{
    char some[8192];
    bool in = strcmp(path, "-") == 0;
    int fd = in ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : 0;
    while (fd >= 0 && (n = read(fd, some, sizeof some)) > 0 && buf_put(out, some, (size_t)n))
        ;
    int why = errno;
    if (fd >= 0 && !in)
        close(fd);
    if (n < 0)
        return cmd_fail(CMD_FAILED, "check the path", "%s cannot be read: %s", path, strerror(why));
    return out->failed ? cmd_fail(CMD_FAILED, NULL, "%s is larger than a query may be: %u bytes", path, QUERY_MAX)
                       : CMD_OK;
}

static int put_file(const char *path, struct json_out *o)
{
    struct json_parser *p = json_parser_create();
    struct json root;
    struct err e = {0};
    struct buf text;
    buf_init(&text, QUERY_MAX);
    int rc = read_file(path, &text);
    if (rc == CMD_OK && json_parse(p, buf_str(&text), true, &root, &e) != 0)
        rc = cmd_fail(CMD_FAILED, "it is what react-querybuilder writes: {\"combinator\": \"and\", \"rules\": [...]}",
                      "%s is not JSON: %s", path, e.text);
    if (rc == CMD_OK && json_type(json_get(root, "query")) == JSON_OBJECT)
        root = json_get(root, "query"); /* as `segments show --json` prints it */
    if (rc == CMD_OK && json_type(root) != JSON_OBJECT)
        rc = cmd_fail(CMD_FAILED, NULL, "%s is not a JSON object", path);
    if (rc == CMD_OK && !json_write_value(o->buf, root))
        rc = cmd_fail(CMD_FAILED, NULL, "%s is larger than a query may be: %u bytes", path, QUERY_MAX);
    buf_done(&text);
    json_parser_free(p);
    return rc;
}

/* --- the question ----------------------------------------------------------------------------------------------------- */

bool segments_has_query(const struct args *a)
{
    return args_has(a, "query") || args_has(a, "where");
}

int segments_put_query(const struct args *a, struct json_out *o)
{
    struct buf text;
    struct json_out inner;
    if (args_has(a, "query") && (args_has(a, "where") || args_has(a, "any")))
        return cmd_fail(CMD_USAGE, NULL, "give either --query or --where, not both");
    buf_init(&text, SEGMENTS_BODY_MAX);
    json_out_init(&inner, &text);
    int rc = args_has(a, "query") ? put_file(args_get(a, "query"), &inner) : put_conditions(a, &inner);
    if (rc == CMD_OK && text.failed)
        rc = cmd_fail(CMD_USAGE, NULL, "the query is larger than it may be: %u bytes", QUERY_MAX);
    if (rc == CMD_OK) {
        jo_key(o, "query");
        jo_raw(o, buf_str(&text));
    }
    buf_done(&text);
    return rc;
}

int segments_put_number(const struct args *a, struct json_out *o, const char *option, const char *key, int64_t most)
{
    const char *value = args_get(a, option);
    int64_t n;
    if (value == NULL)
        return CMD_OK;
    if (!str_i64(str_of(value), &n) || n < 0 || n > most)
        return cmd_fail(CMD_USAGE, NULL, "--%s is a number from 0 to %lld", option, (long long)most);
    jo_kint(o, key, n);
    return CMD_OK;
}

int segments_put_question(const struct args *a, struct json_out *o)
{
    int rc;
    if (args_has(a, "fresh"))
        jo_kbool(o, "fresh", true);
    if (a->n_words > 0 && segments_has_query(a))
        return cmd_fail(CMD_USAGE, NULL, "give either the name of a saved segment, or --query, or --where");
    if (a->n_words == 0 && !segments_has_query(a))
        return cmd_fail(CMD_USAGE, segments_names, "say who is meant: the name of a saved segment, --query or --where");
    if (a->n_words == 0)
        return segments_put_query(a, o);
    jo_kcstr(o, "segment", a->word[0]);
    rc = segments_put_number(a, o, "version", "version", INT64_MAX);
    return rc;
}

int segments_post(struct rest *r, const char *verb, const struct buf *body, struct json *ret)
{
    char path[64];
    snprintf(path, sizeof path, "/segments/%s", verb);
    r->words = segments_words;
    r->names = segments_names;
    r->timeout_ms = SEGMENTS_WAIT_MS;
    int rc = rest_call(r, "POST", path, buf_str(body), ret);
    if (rc == CMD_OK)
        rc = rest_check(r, *ret);
    return rc == CMD_FAILED && r->status == 400 ? CMD_USAGE : rc; /* a query that says what there is not */
}
