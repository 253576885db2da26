/* SPDX-License-Identifier: Apache-2.0
 * sandbox_cmd.c - `wayleave sandbox`: the imitation Cloud API as a program of its own.
 *
 * Turns options into struct sandbox_options, starts it, says where it listens and with which token, and waits for a
 * signal. It reads no configuration and keeps nothing on disk. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "cmd/config.h"
#include "cmd/serve.h"
#include "cmd/term.h"
#include "cmd/verbs.h"
#include "sandbox/sandbox.h"

#define NUMBERS_MAX  32
#define SANDBOX_PORT 9090

struct sandbox_words {
    struct sandbox_options o;
    char host[64];
    const char *tokens[ARGS_OPTIONS];
    struct sandbox_number numbers[NUMBERS_MAX];
    char number_id[NUMBERS_MAX][24];
    struct people_model people;
};

static int read_listen(struct sandbox_words *w, const char *listen)
{
    const struct config_key key = {.path = "--listen", .type = CONFIG_ADDRESS};
    struct arena *a = arena_create(4096);
    struct err e = {0};
    char *text;
    int64_t port = 0;
    int rc = config_value_read(&key, listen, &text, a, &e);
    arena_free(a);
    if (rc != 0)
        return cmd_fail(CMD_USAGE, NULL, "--listen %s", e.text);
    const char *colon = strrchr(listen, ':');
    bool v6 = listen[0] == '[';
    snprintf(w->host, sizeof w->host, "%.*s", (int)(colon - listen) - (v6 ? 2 : 0), listen + (v6 ? 1 : 0));
    str_i64(str_of(colon + 1), &port);
    w->o.address = w->host;
    w->o.port = (uint16_t)port;
    return CMD_OK;
}

static int read_numbers(struct sandbox_words *w, const struct args *a)
{
    const char *s;
    size_t n = 0;
    for (; (s = args_nth(a, "number", n)) != NULL; n++) {
        struct str phone, id = str_cut(str_of(s), '=', &phone);
        int64_t number;
        if (n == NUMBERS_MAX)
            return cmd_fail(CMD_USAGE, NULL, "at most %d numbers", NUMBERS_MAX);
        if (!str_i64(id, &number) || number <= 0 || phone.n == 0 || id.n >= sizeof w->number_id[n])
            return cmd_fail(CMD_USAGE, NULL, "--number wants ID=PHONE, as in 111=+15550001000, not \"%s\"", s);
        snprintf(w->number_id[n], sizeof w->number_id[n], "%.*s", (int)id.n, id.p);
        w->numbers[n] = (struct sandbox_number){w->number_id[n], phone.p};
    }
    if (n > 0) {
        w->o.numbers = w->numbers;
        w->o.n_numbers = n;
    }
    return CMD_OK;
}

/* How people react, when anything of it is said. */
static int read_people(struct sandbox_words *w, const struct args *a)
{
    const char *s = args_get(a, "people");
    struct err e = {0};
    if (s == NULL && args_nth(a, "people-group", 0) == NULL)
        return CMD_OK;
    people_default(&w->people);
    if (s != NULL && strcmp(s, "default") != 0 && people_read(&w->people, str_of(s), &e) != 0)
        return cmd_fail(CMD_USAGE, NULL, "--people: %s", e.text);
    for (size_t n = 0; (s = args_nth(a, "people-group", n)) != NULL; n++)
        if (people_read_group(&w->people, str_of(s), &e) != 0)
            return cmd_fail(CMD_USAGE, NULL, "--people-group: %s", e.text);
    w->o.people = &w->people;
    return CMD_OK;
}

static int read_words(struct sandbox_words *w, const struct args *a)
{
    const struct {
        const char *option;
        const char **into;
    } texts[] = {{"app-secret", &w->o.app_secret},   {"verify-token", &w->o.verify_token},
                 {"webhook-url", &w->o.webhook_url}, {"waba", &w->o.waba_id},
                 {"tls-cert", &w->o.tls_cert_file},  {"tls-key", &w->o.tls_key_file},
                 {"ca-file", &w->o.ca_file}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (args_has(a, texts[i].option))
            *texts[i].into = args_get(a, texts[i].option);
    size_t n = 0;
    while ((w->tokens[n] = args_nth(a, "token", n)) != NULL)
        n++;
    if (n > 0) {
        w->o.tokens = w->tokens;
        w->o.n_tokens = n;
    }
    if (args_has(a, "windows-open"))
        w->o.windows_open = true;
    if (args_has(a, "pair-limit"))
        w->o.pair_limit = true;
    int64_t rate;
    if (args_has(a, "rate")) {
        if (!str_i64(str_of(args_get(a, "rate")), &rate) || rate < 0 || rate > 1000000)
            return cmd_fail(CMD_USAGE, NULL, "--rate wants a number of messages a second");
        w->o.mps_limit = (unsigned)rate;
    }
    int rc = read_numbers(w, a);
    if (rc == CMD_OK)
        rc = read_people(w, a);
    return rc == CMD_OK && args_has(a, "listen") ? read_listen(w, args_get(a, "listen")) : rc;
}

static void on_hup(void *ctx)
{
    (void)ctx;
    log_info("sandbox", "SIGHUP: there is nothing to read again");
}

int sandbox_run(const struct args *a)
{
    static struct sandbox_words w;
    struct sandbox *s = NULL;
    struct err e = {0};
    sandbox_options_default(&w.o);
    w.o.port = SANDBOX_PORT;
    int rc = read_words(&w, a);
    if (rc != CMD_OK)
        return rc;
    signals_hold();
    if (sandbox_start(&s, &w.o, &e) != 0)
        return cmd_fail(CMD_FAILED, NULL, "%s", e.text);
    bool v6 = strchr(w.o.address, ':') != NULL;
    fprintf(stderr, "listening on %s://%s%s%s:%u\n", w.o.tls_cert_file ? "https" : "http", v6 ? "[" : "", w.o.address,
            v6 ? "]" : "", (unsigned)sandbox_port(s));
    if (!args_has(a, "quiet"))
        fprintf(stderr, "an imitation of the Cloud API: nothing it accepts is delivered to anybody\n");
    if (w.o.people != NULL && !args_has(a, "quiet"))
        fprintf(stderr, "people react by themselves: GET /_sandbox/people says how\n");
    notify_manager("READY=1");
    signals_wait(on_hup, NULL);
    sandbox_stop(s);
    people_done(&w.people);
    return CMD_OK;
}
