/* SPDX-License-Identifier: Apache-2.0
 * sandbox.c - options, and the order in which the imitation's parts start and stop.
 *
 * Threads: the HTTP server's, one timer, one for media, one in the HTTP client. A request is announced here and either
 * streamed (uploads) or collected, then handled where its body ended. The stop goes from what produces work to what
 * consumes it: timer, client, server, media; whatever still waits for an answer gets one on the way. */
#include "sandbox/sandbox.h"

#include <stdlib.h>
#include <string.h>

#include "sandbox/sandbox_people_live.h"
#include "sandbox/sandbox_templates.h"

#define BODY_MAX    (4u << 20)
#define ARENA_BYTES (24u << 20)
#define HEAD_BYTES  (64u << 10)
#define GRACE_MS    2000

static const char *const default_tokens[] = {"sandbox-token"};
static const struct sandbox_number default_numbers[] = {{"111", "+15550001000"}, {"112", "+15550001001"}};

void sandbox_options_default(struct sandbox_options *o)
{
    *o = (struct sandbox_options){.address = "127.0.0.1",
                                  .port = 0,
                                  .threads = 2,
                                  .tokens = default_tokens,
                                  .n_tokens = 1,
                                  .app_id = "1000",
                                  .app_secret = "sandbox-secret",
                                  .verify_token = "sandbox-verify",
                                  .waba_id = "2000",
                                  .numbers = default_numbers,
                                  .n_numbers = 2,
                                  .sent_ms = 50,
                                  .delivered_ms = 100,
                                  .read_ms = 200,
                                  .template_review_ms = 200,
                                  .mps_burst_ms = 1000,
                                  .webhook_parallel = 64,
                                  .webhook_batch = 1,
                                  .retry_ms = 1000,
                                  .ledger_messages = 200000,
                                  .ledger_bytes = 256u << 20,
                                  .media_limit = 100u << 20,
                                  .media_total = 1024u << 20,
                                  .hang_ms = 120000};
}

/* --- options ------------------------------------------------------------------------------------------ */

static const char *own(struct sandbox *sb, const char *text)
{
    if (text == NULL)
        return NULL;
    char *copy = arena_strdup(sb->own, text);
    if (copy == NULL)
        abort();
    return copy;
}

static int check_numbers(const struct sandbox_options *o, struct err *e)
{
    for (size_t i = 0; i < o->n_numbers && o->numbers != NULL; i++) {
        const struct sandbox_number *n = &o->numbers[i];
        if (n->id == NULL || n->display == NULL || n->id[0] == '\0' || strlen(n->id) > 20)
            return err_set(e, WL_EINVAL, "a sandbox number needs an id of at most 20 digits and a display number");
    }
    return 0;
}

static int check(const struct sandbox_options *o, struct err *e)
{
    const struct {
        bool wrong;
        const char *why;
    } checks[] = {
        {o->address == NULL || o->waba_id == NULL, "the sandbox needs an address and a WABA id"},
        {o->app_id == NULL || o->app_secret == NULL || o->verify_token == NULL,
         "the sandbox needs an app id, its secret and a verify token"},
        {o->app_secret != NULL && (o->app_secret[0] == '\0' || strlen(o->app_secret) > 200),
         "the sandbox's app secret must have 1 to 200 characters"},
        {o->threads < 2, "the sandbox needs at least 2 threads"},
        {o->webhook_batch < 1 || o->webhook_batch > 1000, "a webhook batch has 1 to 1000 updates"},
        {o->webhook_parallel < 1, "at least one webhook must be allowed in flight"},
        {o->ledger_messages < 1 || o->ledger_bytes < BODY_MAX, "the sandbox's ledger is too small"},
        {o->retry_ms < 1 || o->hang_ms < 1, "the sandbox's retry and hang times must be at least 1 ms"},
        {(o->tls_cert_file == NULL) != (o->tls_key_file == NULL),
         "the sandbox needs both a certificate and its key, or neither"},
    };
    for (size_t i = 0; i < sizeof checks / sizeof *checks; i++)
        if (checks[i].wrong)
            return err_set(e, WL_EINVAL, "%s", checks[i].why);
    return check_numbers(o, e);
}

static void take_lists(struct sandbox *sb, const struct sandbox_options *o)
{
    bool tokens = o->tokens != NULL && o->n_tokens > 0, numbers = o->numbers != NULL && o->n_numbers > 0;
    size_t n_tokens = tokens ? o->n_tokens : 1, n_numbers = numbers ? o->n_numbers : 2;
    const char **kept = arena_new_array(sb->own, const char *, n_tokens);
    struct sandbox_number *list = arena_new_array(sb->own, struct sandbox_number, n_numbers);
    if (kept == NULL || list == NULL)
        abort();
    for (size_t i = 0; i < n_tokens; i++)
        kept[i] = own(sb, tokens ? o->tokens[i] : default_tokens[i]);
    for (size_t i = 0; i < n_numbers; i++) {
        const struct sandbox_number *from = numbers ? &o->numbers[i] : &default_numbers[i];
        list[i] = (struct sandbox_number){own(sb, from->id), own(sb, from->display)};
    }
    sb->o.tokens = kept;
    sb->o.n_tokens = n_tokens;
    sb->o.numbers = list;
    sb->o.n_numbers = n_numbers;
}

static void take_options(struct sandbox *sb, const struct sandbox_options *o)
{
    sb->o = *o;
    const char **texts[] = {&sb->o.address,     &sb->o.tls_cert_file, &sb->o.tls_key_file,
                            &sb->o.app_id,      &sb->o.app_secret,    &sb->o.verify_token,
                            &sb->o.webhook_url, &sb->o.ca_file,       &sb->o.waba_id};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = own(sb, *texts[i]);
    take_lists(sb, o);
}

/* --- requests ----------------------------------------------------------------------------------------- */

static void collected(void *ctx, struct http_req *rq)
{
    sbx_handle(ctx, rq, NULL);
}

static void begin(void *ctx, struct http_req *rq)
{
    struct sandbox *sb = ctx;
    if (str_eq(http_method(rq), STR("POST")) && str_ends(http_path(rq), STR("/media")))
        sbx_transfer_receive(sb, rq);
    else
        http_collect(rq, BODY_MAX, collected, sb);
}

static void refuse(void *ctx, struct http_req *rq, int status, const char *why)
{
    (void)ctx;
    if (sbx_transfer_claim(rq))
        sbx_refuse(rq, status, why);
}

/* --- start and stop ----------------------------------------------------------------------------------- */

static int start_server(struct sandbox *sb, struct err *e)
{
    struct http_server_options o = {.address = sb->o.address,
                                    .port = sb->o.port,
                                    .tls_cert_file = sb->o.tls_cert_file,
                                    .tls_key_file = sb->o.tls_key_file,
                                    .threads = sb->o.threads,
                                    .max_connections = 4096,
                                    .idle_seconds = 120,
                                    .request_seconds = 60,
                                    .max_head_bytes = HEAD_BYTES,
                                    .arena_bytes = ARENA_BYTES,
                                    .begin = begin,
                                    .refuse = refuse,
                                    .ctx = sb};
    return http_server_start(&sb->server, &o, e);
}

static int start_parts(struct sandbox *sb, struct err *e)
{
    struct http_client_options client = {.connections_per_origin = 2,
                                         .h1_connections_per_origin = 256,
                                         .max_calls = 8192,
                                         .ca_file = sb->o.ca_file,
                                         .connect_timeout_ms = 5000};
    int rc = sbx_timer_start(&sb->timer, e);
    if (rc == 0)
        rc = sbx_transfers_start(sb, e);
    if (rc == 0)
        rc = http_client_start(&sb->client, &client, e);
    if (rc == 0)
        rc = start_server(sb, e);
    return rc;
}

int sandbox_start(struct sandbox **ret, const struct sandbox_options *o, struct err *e)
{
    int rc = check(o, e);
    if (rc != 0)
        return rc;
    struct sandbox *sb = calloc(1, sizeof *sb);
    if (sb == NULL || (sb->own = arena_create(1u << 20)) == NULL)
        abort();
    take_options(sb, o);
    pthread_mutex_init(&sb->lock, NULL);
    pthread_mutex_init(&sb->parser_lock, NULL);
    pthread_mutex_init(&sb->transfer_lock, NULL);
    pthread_cond_init(&sb->transfer_wake, NULL);
    sbx_timer_init(&sb->timer, sbx_hooks_round, sb);
    sbx_state_init(sb);
    sbx_hooks_init(sb);
    sbx_media_init(sb);
    sbx_people_init(sb, o->people);
    sbx_templates_seed(sb);
    rc = start_parts(sb, e);
    if (rc != 0) {
        sandbox_stop(sb);
        return rc;
    }
    *ret = sb;
    return 0;
}

uint16_t sandbox_port(const struct sandbox *s)
{
    return http_server_port(s->server);
}

void sandbox_stop(struct sandbox *sb)
{
    if (sb == NULL)
        return;
    pthread_mutex_lock(&sb->lock);
    sb->stopping = true; /* from here on nothing new is planned or posted */
    pthread_mutex_unlock(&sb->lock);
    sbx_timer_stop(&sb->timer);
    http_client_free(sb->client);
    http_server_stop(sb->server, GRACE_MS);
    sbx_transfers_stop(sb);
    sbx_faults_clear(sb);
    sbx_hooks_done(sb);
    sbx_people_done(sb);
    sbx_state_done(sb);
    sbx_media_clear(sb);
    sbx_templates_clear(sb);
    sbx_timer_done(&sb->timer);
    pthread_cond_destroy(&sb->transfer_wake);
    pthread_mutex_destroy(&sb->transfer_lock);
    pthread_mutex_destroy(&sb->parser_lock);
    pthread_mutex_destroy(&sb->lock);
    arena_free(sb->own);
    free(sb);
}
