/* SPDX-License-Identifier: Apache-2.0
 * send.c - `wayleave send`: one message, with the rules applied as for everybody else.
 *
 * Builds the same body a client would post to the Graph API, from --text, --template or --body, and hands it to the
 * gateway. A refusal is shown with its reasons and exit status 3 (75 when it is a matter of waiting). An answer that
 * got lost is asked for again only under an idempotency key, because only then nothing is sent twice; without one the
 * exit status is 5, for nobody knows whether it was sent. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/yaml.h"
#include "cmd/rest_client.h"
#include "cmd/show.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "core/graph_code.h"
#include "core/identity.h"

#define BODY_MAX (1u << 20)

static void put_recipient(struct json_out *out, const char *to)
{
    struct identity id;
    bool user = identity_user_id(str_of(to), &id, NULL) == 0;
    jo_kcstr(out, user ? "recipient" : "to", to);
}

static void put_text(struct json_out *out, const struct args *a)
{
    jo_kcstr(out, "type", "text");
    jo_key(out, "text");
    jo_object(out);
    jo_kcstr(out, "body", args_get(a, "text"));
    jo_end(out);
}

static void put_parameter(struct json_out *out, struct str name, const char *text)
{
    jo_object(out);
    jo_kcstr(out, "type", "text");
    if (name.n > 0)
        jo_kstr(out, "parameter_name", name);
    jo_kcstr(out, "text", text);
    jo_end(out);
}

static void put_template(struct json_out *out, const struct args *a)
{
    jo_kcstr(out, "type", "template");
    jo_key(out, "template");
    jo_object(out);
    jo_kcstr(out, "name", args_get(a, "template"));
    jo_key(out, "language");
    jo_object(out);
    jo_kcstr(out, "code", args_get(a, "language"));
    jo_end(out);
    if (args_has(a, "param") || args_has(a, "named")) {
        struct str value;
        const char *p;
        jo_key(out, "components");
        jo_array(out);
        jo_object(out);
        jo_kcstr(out, "type", "body");
        jo_key(out, "parameters");
        jo_array(out);
        for (size_t i = 0; (p = args_nth(a, "param", i)) != NULL; i++)
            put_parameter(out, STR(""), p);
        for (size_t i = 0; (p = args_nth(a, "named", i)) != NULL; i++) {
            struct str name = str_cut(str_of(p), '=', &value);
            put_parameter(out, name, value.p ? value.p : "");
        }
        jo_end(out);
        jo_end(out);
        jo_end(out);
    }
    jo_end(out);
}

static int read_body_file(const char *path, struct buf *out)
{
    char bytes[16384];
    bool piped = strcmp(path, "-") == 0;
    int fd = piped ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = -1;
    while (fd >= 0 && (n = read(fd, bytes, sizeof bytes)) > 0)
        buf_put(out, bytes, (size_t)n);
    int why = errno;
    if (fd >= 0 && !piped)
        close(fd);
    if (n < 0)
        return cmd_fail(CMD_FAILED, NULL, "%s cannot be read: %s", path, strerror(why));
    return out->failed ? cmd_fail(CMD_FAILED, NULL, "%s is larger than %u bytes", path, BODY_MAX) : CMD_OK;
}

/* The file's object with --from, --to and --override put in the place of its own. */
static int put_body_file(struct json_out *out, const struct args *a)
{
    struct buf text;
    struct json body;
    struct err e = {0};
    struct json_parser *parser = json_parser_create();
    buf_init(&text, BODY_MAX);
    int rc = read_body_file(args_get(a, "body"), &text);
    if (rc == CMD_OK && (json_parse(parser, buf_str(&text), false, &body, &e) != 0 || json_type(body) != JSON_OBJECT))
        rc = cmd_fail(CMD_FAILED, NULL, "%s is not one JSON object%s%s", args_get(a, "body"), *e.text ? ": " : "",
                      e.text);
    if (rc == CMD_OK && json_duplicate_key(body).p)
        rc = cmd_fail(CMD_FAILED, NULL, "%s says \"%.*s\" twice", args_get(a, "body"), (int)json_duplicate_key(body).n,
                      json_duplicate_key(body).p);
    for (struct json_iter it = json_iter(rc == CMD_OK ? body : (struct json){0}); json_next(&it);) {
        bool person = str_eq(it.key, STR("to")) || str_eq(it.key, STR("recipient"));
        bool override = str_eq(it.key, STR("override")) && args_has(a, "override");
        if (str_eq(it.key, STR("from")) || (person && args_has(a, "to")) || override)
            continue;
        jo_key_str(out, it.key);
        struct buf value;
        buf_init(&value, 2 * BODY_MAX);
        json_write_value(&value, it.value);
        jo_raw(out, buf_str(&value));
        buf_done(&value);
    }
    buf_done(&text);
    json_parser_free(parser);
    return rc;
}

static int check_usage(const struct args *a)
{
    bool text = args_has(a, "text"), template = args_has(a, "template"), body = args_has(a, "body");
    bool param = args_has(a, "param"), named = args_has(a, "named"), language = args_has(a, "language");
    bool override = args_has(a, "override"), reason = args_has(a, "reason");
    const struct {
        bool wrong;
        const char *next, *says;
    } rows[] = {
        {!args_has(a, "from"), "see the numbers with: wayleave status",
         "say which number sends: --from PHONE_NUMBER_ID"},
        {text + template + body != 1, NULL, "say what to send with one of --text, --template and --body"},
        {!args_has(a, "to") && !body, NULL, "say who gets it: --to PHONE or --to USER_ID"},
        {template && !language, NULL, "a template wants its language: --language en_US"},
        {!template && (param || named || language), NULL, "--language, --param and --named belong to --template"},
        {(args_has(a, "at") || args_has(a, "expires")) && !args_has(a, "queue"), NULL,
         "--at and --expires belong to --queue: who waits for the answer sends now"},
        {args_has(a, "by") && !override, NULL, "--by NAME belongs to --override"},
        {override != reason, NULL, "--override RULE and --reason TEXT belong together: somebody answers for it"},
        {param && named, NULL, "a template's parameters are numbered (--param) or named (--named), not both"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        if (rows[i].wrong)
            return cmd_fail(CMD_USAGE, rows[i].next, "%s", rows[i].says);
    const char *pair;
    for (size_t i = 0; (pair = args_nth(a, "named", i)) != NULL; i++)
        if (strchr(pair, '=') == NULL || *pair == '=')
            return cmd_fail(CMD_USAGE, NULL, "--named wants NAME=TEXT, not \"%s\"", pair);
    return CMD_OK;
}

/* Rules of one's own policy that this message sets aside. */
static void put_override(struct json_out *out, const struct args *a)
{
    const char *rule;
    if (!args_has(a, "override"))
        return;
    jo_key(out, "override");
    jo_object(out);
    jo_key(out, "rules");
    jo_array(out);
    for (size_t i = 0; (rule = args_nth(a, "override", i)) != NULL; i++)
        jo_cstr(out, rule);
    jo_end(out);
    jo_kcstr(out, "reason", args_get(a, "reason"));
    if (args_has(a, "by"))
        jo_kcstr(out, "by", args_get(a, "by"));
    jo_end(out);
}

static void put_terms(struct json_out *out, const struct args *a)
{
    if (args_has(a, "queue"))
        jo_kbool(out, "queue", true);
    if (args_has(a, "at"))
        jo_kcstr(out, "not_before", args_get(a, "at"));
    if (args_has(a, "expires"))
        jo_kcstr(out, "expires", args_get(a, "expires"));
    if (args_has(a, "idempotency-key"))
        jo_kcstr(out, "idempotency_key", args_get(a, "idempotency-key"));
}

static int write_body(const struct args *a, struct buf *b)
{
    struct json_out out;
    int rc = CMD_OK;
    json_out_init(&out, b);
    jo_object(&out);
    jo_kcstr(&out, "from", args_get(a, "from"));
    if (args_has(a, "body")) {
        rc = put_body_file(&out, a);
        if (args_has(a, "to"))
            put_recipient(&out, args_get(a, "to"));
    } else {
        jo_kcstr(&out, "messaging_product", "whatsapp");
        jo_kcstr(&out, "recipient_type", "individual");
        put_recipient(&out, args_get(a, "to"));
        if (args_has(a, "text"))
            put_text(&out, a);
        else
            put_template(&out, a);
    }
    put_override(&out, a);
    put_terms(&out, a);
    jo_end(&out);
    if (rc == CMD_OK && b->failed)
        rc = cmd_fail(CMD_FAILED, NULL, "the message is too large");
    return rc;
}

/* Options under the names the API knows them by. */
static const struct rest_word words[] = {{"not_before", "--at"},
                                         {"expires", "--expires"},
                                         {"idempotency_key", "--idempotency-key"},
                                         {"queue", "--queue"},
                                         {"override", "--override"},
                                         {"override.reason", "--reason"},
                                         {"override.by", "--by"},
                                         {NULL, NULL}};

/* Meta said no in so many words: these, its code, and what can be done. */
static int rejected(struct json answer)
{
    int64_t code = 0;
    struct json metas = json_at(answer, "upstream", "error");
    struct str message = json_str_or(json_get(metas, "message"), STR(""));
    struct str details = json_str_or(json_at(metas, "error_data", "details"), STR(""));
    json_i64(json_at(answer, "error", "graph_code"), &code);
    const struct graph_code *known = graph_code((int)code);
    return cmd_fail(CMD_FAILED, code != 0 && known != NULL ? known->next : NULL,
                    "Meta rejected the message with %lld%s%s%s%.*s%s%.*s", (long long)code, known != NULL ? ": " : "",
                    known != NULL ? known->means : "", message.n ? ". Meta's words: " : "", (int)message.n, message.p,
                    details.n ? "; " : "", (int)details.n, details.p);
}

/* A hold is refused for now only: giving the same command later is right, which is what 75 says. */
static int refused(const struct args *a, const struct rest *r, struct json answer)
{
    struct str verdict = json_str_or(json_at(answer, "decision", "verdict"), STR(""));
    struct str id = json_str_or(json_get(answer, "id"), STR(""));
    if (args_has(a, "json"))
        rest_print(answer);
    int rc = r->status == 502 ? rejected(answer) : rest_check(r, answer);
    if (!args_has(a, "json") && !args_has(a, "quiet")) {
        if (id.n > 0)
            term_printf(stdout, TONE_PLAIN, "%.*s\n", (int)id.n, id.p);
        show_decision(json_get(answer, "decision"));
    }
    return rc == CMD_REFUSED && str_eq(verdict, STR("hold")) ? CMD_TEMPORARY : rc;
}

/* An earlier message under the same key may have come to any end. */
static int exit_of(struct str state)
{
    static const struct {
        const char *state;
        int code;
    } ends[] = {{"refused", CMD_REFUSED}, {"sending", CMD_TEMPORARY},  {"unsent", CMD_TEMPORARY},
                {"ambiguous", CMD_DOUBT}, {"undetermined", CMD_DOUBT}, {"rejected", CMD_FAILED},
                {"failed", CMD_FAILED},   {"expired", CMD_FAILED},     {"cancelled", CMD_FAILED}};
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++)
        if (str_eq(state, str_of(ends[i].state)))
            return ends[i].code;
    return CMD_OK;
}

static void show_sent(struct json answer)
{
    char when[SHOW_TIME];
    struct str id = json_str_or(json_get(answer, "id"), STR("")),
               wamid = json_str_or(json_get(answer, "wamid"), STR(""));
    struct str state = json_str_or(json_get(answer, "state"), STR("")),
               why = json_str_or(json_get(answer, "why"), STR(""));
    struct str until = show_time(json_get(answer, "until"), when);
    term_text(stdout, exit_of(state) == CMD_OK ? TONE_GOOD : TONE_BAD, state);
    term_printf(stdout, TONE_PLAIN, " %.*s", (int)id.n, id.p);
    if (wamid.n > 0)
        term_printf(stdout, TONE_PLAIN, " %.*s", (int)wamid.n, wamid.p);
    if (until.n > 0)
        term_printf(stdout, TONE_PLAIN, " until %.*s", (int)until.n, until.p);
    if (why.n > 0)
        term_printf(stdout, TONE_PLAIN, ": %.*s", (int)why.n, why.p);
    putchar('\n');
}

static int post(const struct args *a, struct str body)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    r.words = words;
    r.once = !args_has(a, "idempotency-key");
    r.timeout_ms = 60000; /* longer than the gateway waits for Meta */
    if (rc == CMD_OK)
        rc = rest_call(&r, "POST", "/messages", body, &answer);
    if (rc == CMD_OK && r.status >= 300) {
        rc = refused(a, &r, answer);
    } else if (rc == CMD_OK) {
        rc = exit_of(json_str_or(json_get(answer, "state"), STR("")));
        if (args_has(a, "json"))
            rest_print(answer);
        else if (!args_has(a, "quiet"))
            show_sent(answer);
    }
    rest_close(&r);
    return rc;
}

int send_run(const struct args *a)
{
    struct buf b;
    int rc = check_usage(a);
    if (rc != CMD_OK)
        return rc;
    buf_init(&b, 4 * BODY_MAX);
    rc = write_body(a, &b);
    if (rc == CMD_OK)
        rc = args_has(a, "dry-run") ? cmd_print_json(&b) : post(a, buf_str(&b));
    buf_done(&b);
    return rc;
}
