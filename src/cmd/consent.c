/* SPDX-License-Identifier: Apache-2.0
 * consent.c - `wayleave consent grant`, `withdraw`, `show` and `wordings`.
 *
 * Consent is recorded with what makes it provable: when, how, in which words, where the evidence lies. The gateway
 * appends the event and keeps it; nothing here or there can delete one. Giving the same command twice records
 * nothing new. */
#include <string.h>

#include "base/clock.h"
#include "cmd/rest_client.h"
#include "cmd/show.h"
#include "cmd/term.h"
#include "cmd/verbs.h"

static const struct rest_word words[] = {{"who", "WHO"},
                                         {"scope", "--scope"},
                                         {"at", "--at"},
                                         {"expires", "--expires"},
                                         {"method", "--method"},
                                         {"source", "--source"},
                                         {"wording", "--wording"},
                                         {"wording_sha256", "--wording-sha256"},
                                         {"language", "--language"},
                                         {"evidence", "--evidence"},
                                         {"business", "--business"},
                                         {"policy", "--policy"},
                                         {"jurisdiction", "--jurisdiction"},
                                         {NULL, NULL}};

/* An option's time as RFC 3339, "" when it is not given; CMD_USAGE when it is no time. */
static int read_time(const struct args *a, const char *option, char out[TIME_TEXT])
{
    const char *at = args_get(a, option);
    int64_t ms;
    *out = '\0';
    if (at == NULL)
        return CMD_OK;
    if (!time_parse(at, strlen(at), &ms))
        return cmd_fail(CMD_USAGE, NULL,
                        "--%s wants a date such as 2026-01-31 or a time such as 2026-01-31T09:30:00Z, not \"%s\"",
                        option, at);
    time_text(ms, out);
    return CMD_OK;
}

static void write_body(struct buf *b, const struct args *a, const char *act, const char *at, const char *expires)
{
    static const struct {
        const char *option, *key;
    } texts[] = {{"method", "method"},     {"source", "source"},     {"wording", "wording"},
                 {"language", "language"}, {"evidence", "evidence"}, {"wording-sha256", "wording_sha256"},
                 {"business", "business"}, {"policy", "policy"},     {"jurisdiction", "jurisdiction"}};
    struct json_out out;
    json_out_init(&out, b);
    jo_object(&out);
    jo_kcstr(&out, "who", a->word[0]);
    jo_kcstr(&out, "act", act);
    jo_kcstr(&out, "scope", args_get(a, "scope"));
    if (*at)
        jo_kcstr(&out, "at", at);
    if (*expires)
        jo_kcstr(&out, "expires", expires);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (args_has(a, texts[i].option))
            jo_kcstr(&out, texts[i].key, args_get(a, texts[i].option));
    if (!args_has(a, "method"))
        jo_kcstr(&out, "method", "operator");
    jo_end(&out);
}

static int post(const struct args *a, struct str body)
{
    struct rest r;
    struct json answer;
    bool new = true, in_force = true;
    int rc = rest_open(&r, a);
    r.words = words;
    if (rc == CMD_OK)
        rc = rest_call(&r, "POST", "/consent", body, &answer);
    if (rc == CMD_OK)
        rc = rest_check(&r, answer);
    if (rc == CMD_OK && args_has(a, "json")) {
        rc = rest_print(answer);
    } else if (rc == CMD_OK && !args_has(a, "quiet")) {
        json_bool(json_get(answer, "new"), &new);
        json_bool(json_get(answer, "in_force"), &in_force);
        puts(!new       ? "already recorded, nothing changed"
             : in_force ? "recorded"
                        : "recorded, but not in force: the person said otherwise (see consent show)");
        show_line(0, "because", show_text(answer, "why"));
        show_line(0, "rank", show_text(answer, "rank"));
        show_line(0, "missing", show_text(answer, "lacks"));
        if (show_flag(answer, "back_dated"))
            show_line(0, "note", STR("recorded more than a day after it was given"));
        show_consent(answer);
    }
    rest_close(&r);
    return rc;
}

static int record(const struct args *a, const char *act)
{
    char at[TIME_TEXT], expires[TIME_TEXT];
    struct buf b;
    if (!args_has(a, "scope"))
        return cmd_fail(CMD_USAGE, "--scope all, or a list of marketing, utility, authentication, calls",
                        "say what the person agreed to or withdrew with --scope");
    int rc = read_time(a, "at", at);
    if (rc == CMD_OK)
        rc = read_time(a, "expires", expires);
    if (rc != CMD_OK)
        return rc;
    buf_init(&b, 65536);
    write_body(&b, a, act, at, expires);
    if (b.failed)
        rc = cmd_fail(CMD_USAGE, NULL, "that is too much text for one consent");
    else if (args_has(a, "dry-run"))
        rc = cmd_print_json(&b);
    else
        rc = post(a, buf_str(&b));
    buf_done(&b);
    return rc;
}

int consent_grant(const struct args *a)
{
    return record(a, "grant");
}

int consent_withdraw(const struct args *a)
{
    return record(a, "withdraw");
}

int consent_show(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK)
        rc = rest_get(&r, "/consent/", a->word[0], &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = rest_print(answer);
    else if (rc == CMD_OK)
        show_consent(answer);
    rest_close(&r);
    return rc;
}

int consent_wordings(const struct args *a)
{
    struct rest r;
    struct json answer;
    int rc = rest_open(&r, a);
    if (rc == CMD_OK && a->n_words > 0)
        rc = rest_get(&r, "/wordings/", a->word[0], &answer);
    else if (rc == CMD_OK)
        rc = rest_get(&r, "/wordings", "", &answer);
    if (rc == CMD_OK && args_has(a, "json"))
        rc = a->n_words > 0 ? rest_print(answer) : rest_print_rows(json_get(answer, "wordings"));
    else if (rc == CMD_OK)
        show_wordings(answer);
    rest_close(&r);
    return rc;
}
