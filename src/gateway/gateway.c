/* SPDX-License-Identifier: Apache-2.0
 * gateway.c - builds the parts in the order they need each other, and takes them down in reverse.
 *
 * Start: state directory and keys, rule set, database, writer, the ledger's log (which must be what was signed), upstream client, door, accounts, dispatcher (messages that
 * an earlier life left in flight are in doubt from then on), fan-out, projector, compactor, retention, and the listeners last, so
 * that whoever is let in finds everything in place. Stop: the threads end in the reverse order, the writer last, and only when all have ended is
 * anything freed: what is still queued calls its owners to the end. A send is by then refused with nothing recorded, or
 * its outcome is written. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/failpoint.h"
#include "gateway/accounts.h"
#include "gateway/admit.h"
#include "gateway/audiences.h"
#include "gateway/campaigns.h"
#include "gateway/apply.h"
#include "gateway/checkpoints.h"
#include "gateway/activity_fill.h"
#include "gateway/compactor.h"
#include "gateway/dispatch.h"
#include "gateway/errands.h"
#include "gateway/erasures.h"
#include "gateway/fanout.h"
#include "gateway/gateway_impl.h"
#include "gateway/ledger_watch.h"
#include "gateway/old_books.h"
#include "gateway/packs.h"
#include "gateway/projector.h"
#include "gateway/readers.h"
#include "gateway/recheck.h"
#include "gateway/retention.h"
#include "gateway/witness.h"
#include "core/regime.h"
#include "store/suppressed.h"

#define REQUEST_ARENA (32u << 20) /* most a single request may need: a batch of 50 parts */
#define GRACE_MS      10000

/* --- the calling thread's JSON parser -------------------------------------------------------------------------------- */

static pthread_key_t json_key;
static pthread_once_t json_once = PTHREAD_ONCE_INIT;

static void json_drop(void *parser)
{
    json_parser_free(parser);
}

static void json_key_create(void)
{
    if (pthread_key_create(&json_key, json_drop) != 0)
        abort();
}

struct json_parser *thread_json(void)
{
    static _Thread_local struct json_parser *mine;
    if (mine == NULL) {
        pthread_once(&json_once, json_key_create);
        mine = json_parser_create();
        pthread_setspecific(json_key, mine);
    }
    return mine;
}

/* --- options --------------------------------------------------------------------------------------------------------- */

static char *copy(const char *s)
{
    char *c = s != NULL ? strdup(s) : NULL;
    if (s != NULL && c == NULL)
        abort();
    return c;
}

static void forget(char *secret)
{
    if (secret != NULL)
        explicit_bzero(secret, strlen(secret));
    free(secret);
}

/* Every text option, so that copying and freeing cannot miss one. */
static const size_t text_options[] = {
#define TEXT(name) offsetof(struct gateway_options, name)
    TEXT(listen),
    TEXT(listen_tls),
    TEXT(tls_cert),
    TEXT(tls_key),
    TEXT(business),
    TEXT(public_url),
    TEXT(state_dir),
    TEXT(store_url),
    TEXT(rules_file),
    TEXT(regimes_file),
    TEXT(phone_data_file),
    TEXT(upstream_url),
    TEXT(upstream_ca),
    TEXT(webhook_path),
    TEXT(webhook_verify_token),
    TEXT(webhook_app_secret),
    TEXT(forward_url),
    TEXT(forward_secret),
    TEXT(admin_key_file),
    TEXT(optout_dir),
    TEXT(ledger_origin),
    TEXT(ledger_witnesses),
    TEXT(ledger_timestamp_url),
    TEXT(ledger_timestamp_ca),
    TEXT(errand.stopped),
    TEXT(errand.started),
    TEXT(errand.help_text),
    TEXT(errand.welcome_on),
    TEXT(errand.welcome_template),
    TEXT(errand.welcome_language),
    TEXT(errand.welcome_text),
#undef TEXT
};

static char **text_option(struct gateway_options *o, size_t i)
{
    return (char **)((char *)o + text_options[i]);
}

static const size_t list_options[] = {offsetof(struct gateway_options, rules_laws),
                                      offsetof(struct gateway_options, rules_policy),
                                      offsetof(struct gateway_options, rules_shadow),
                                      offsetof(struct gateway_options, optout_packs)};
#define LIST_OPTIONS (sizeof list_options / sizeof list_options[0])

static struct path_list *list_option(struct gateway_options *o, size_t i)
{
    return (struct path_list *)((char *)o + list_options[i]);
}

static void list_copy(struct path_list *l)
{
    char *const *from = l->path;
    l->path = calloc(l->n + 1, sizeof *l->path);
    if (l->path == NULL)
        abort();
    for (size_t i = 0; i < l->n; i++)
        l->path[i] = copy(from[i]);
}

static void options_copy(struct gateway_options *to, const struct gateway_options *from)
{
    *to = *from;
    for (size_t i = 0; i < sizeof text_options / sizeof text_options[0]; i++)
        *text_option(to, i) = copy(*text_option(to, i));
    for (size_t i = 0; i < LIST_OPTIONS; i++)
        list_copy(list_option(to, i));
    to->senders = calloc(from->n_senders + 1, sizeof *to->senders);
    if (to->senders == NULL)
        abort();
    for (size_t i = 0; i < from->n_senders; i++) {
        to->senders[i] = from->senders[i];
        to->senders[i].token_file = copy(from->senders[i].token_file);
    }
    to->webhook_apps = calloc(from->n_webhook_apps + 1, sizeof *to->webhook_apps);
    if (to->webhook_apps == NULL)
        abort();
    for (size_t i = 0; i < from->n_webhook_apps; i++) {
        const struct webhook_app *app = &from->webhook_apps[i];
        to->webhook_apps[i] = (struct webhook_app){app->id, copy(app->secret), copy(app->verify_token)};
    }
    to->approvers = calloc(from->n_approvers + 1, sizeof *to->approvers);
    if (to->approvers == NULL)
        abort();
    for (size_t i = 0; i < from->n_approvers; i++) {
        const struct approver_option *v = &from->approvers[i];
        to->approvers[i] = (struct approver_option){v->id, copy(v->name), copy(v->key)};
    }
}

static void options_done(struct gateway_options *o)
{
    for (size_t i = 0; i < sizeof text_options / sizeof text_options[0]; i++)
        forget(*text_option(o, i));
    for (size_t i = 0; i < LIST_OPTIONS; i++) {
        struct path_list *l = list_option(o, i);
        for (size_t k = 0; k < l->n; k++)
            free(l->path[k]);
        free(l->path);
    }
    for (size_t i = 0; i < o->n_senders; i++)
        free(o->senders[i].token_file);
    free(o->senders);
    for (size_t i = 0; i < o->n_webhook_apps; i++) {
        forget(o->webhook_apps[i].secret);
        forget(o->webhook_apps[i].verify_token);
    }
    free(o->webhook_apps);
    for (size_t i = 0; i < o->n_approvers; i++) {
        free(o->approvers[i].name);
        forget(o->approvers[i].key);
    }
    free(o->approvers);
}

/* --- files of the state directory ------------------------------------------------------------------------------------- */

/* Reads a key file, or makes it with 32 random bytes in hex, readable by its owner only. */
static int key_file(const char *path, char **ret, struct err *e)
{
    char text[256] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t n = read(fd, text, sizeof text - 1);
        close(fd);
        struct str key = str_trim((struct str){text, n > 0 ? (size_t)n : 0});
        if (key.n < 16)
            return err_set(e, WL_EINVAL, "%s: a key needs at least 16 characters; delete the file to have one made",
                           path);
        *ret = strndup(key.p, key.n);
        return 0;
    }
    if (errno != ENOENT)
        return err_set(e, WL_EIO, "%s: %s", path, strerror(errno));
    uint8_t random[32];
    random_bytes(random, sizeof random);
    hex_encode(random, sizeof random, text);
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 || write(fd, text, 64) != 64 || write(fd, "\n", 1) != 1 || fsync(fd) != 0) {
        int why = errno;
        if (fd >= 0)
            close(fd);
        return err_set(e, WL_EIO, "%s: %s", path, strerror(why));
    }
    close(fd);
    *ret = strdup(text);
    return 0;
}

/* Two gateways on one state directory would each believe that the other's messages are in doubt. */
int gateway_lock(const char *state_dir, int *ret_fd, struct err *e)
{
    char path[4096], pid[24] = "";
    snprintf(path, sizeof path, "%s/lock", state_dir);
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return err_set(e, WL_EIO, "%s: %s", path, strerror(errno));
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        ssize_t n = pread(fd, pid, sizeof pid - 1, 0);
        pid[n > 0 ? strspn(pid, "0123456789") : 0] = '\0';
        close(fd);
        return err_set(e, WL_ECONFLICT, "state_dir %s is in use by another gateway%s%s", state_dir,
                       pid[0] ? ", process " : "", pid);
    }
    int n = snprintf(pid, sizeof pid, "%ld\n", (long)getpid()); /* for whoever asks; the lock is what counts */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, pid, (size_t)n, 0) != n) {
        close(fd);
        return err_set(e, WL_EIO, "%s: %s", path, strerror(errno));
    }
    *ret_fd = fd;
    return 0;
}

/* A key that nobody but this program uses; anew when its file is gone. */
static int signing_key(struct gateway *g, const char *name, uint8_t ret[SHA256_BYTES], struct err *e)
{
    char path[4096], *text = NULL;
    snprintf(path, sizeof path, "%s/%s", g->o.state_dir, name);
    int rc = key_file(path, &text, e);
    if (rc == 0)
        sha256(text, strlen(text), ret);
    forget(text);
    return rc;
}

static int open_state(struct gateway *g, struct err *e)
{
    struct gateway_options *o = &g->o;
    char path[4096];
    if (mkdir(o->state_dir, 0700) != 0 && errno != EEXIST)
        return err_set(e, WL_EIO, "state_dir %s: %s", o->state_dir, strerror(errno));
    if (o->store_url == NULL) {
        snprintf(path, sizeof path, "%s/wayleave.db", o->state_dir);
        o->store_url = copy(path);
    }
    if (o->admin_key_file == NULL) {
        snprintf(path, sizeof path, "%s/admin.key", o->state_dir);
        o->admin_key_file = copy(path);
    }
    int rc = gateway_lock(o->state_dir, &g->lock_fd, e);
    if (rc == 0)
        rc = key_file(o->admin_key_file, &g->admin_key, e);
    if (rc == 0)
        rc = signing_key(g, "link.key", g->link_key, e);
    if (rc == 0)
        rc = signing_key(g, "mark.key", g->mark_key, e);
    if (rc == 0)
        rc = signing_key(g, "ledger.key", g->ledger_key, e);
    if (rc == 0)
        rc = signing_key(g, "preference.key", g->preference_key, e);
    webhook_via(g->mark_key, g->via);
    if (rc == 0)
        rc = signing_key(g, "seal.key", g->seal_key, e);
    if (rc == 0)
        rc = signing_key(g, "suppress.key", g->suppress_key, e);
    failpoint(start_state);
    return rc;
}

/* --- the database before anybody is let in ---------------------------------------------------------------------------- */

/* Registers the rules, and who we are in this life. */
static int open_book(struct gateway *g, struct store *s, struct err *e)
{
    int64_t now = clock_now_ms();
    failpoint(start_book);
    int rc = store_begin(s, e);
    if (rc == 0)
        rc = rules_register(g->rules, s, now, e);
    g->incarnation = store_id(s, now);
    if (rc == 0)
        rc = store_commit(s, e);
    else
        store_rollback(s);
    return rc;
}

/* A key made anew would undo every refusal that is kept for people who were erased, and nobody would notice. */
static int check_suppress_key(const struct gateway *g, struct store *s, struct err *e)
{
    struct err why = {0};
    int rc = suppress_key_fits(s, &why);
    if (rc == WL_ECONFLICT)
        return err_set(e, rc, "%s: put the file %s/suppress.key of a backup back", why.text, g->o.state_dir);
    return rc == 0 ? 0 : err_set(e, rc, "%s", why.text);
}

static int open_database(struct gateway *g, struct err *e)
{
    struct store *s = NULL;
    int rc = store_open(&s, g->o.store_url, NULL, e);
    if (rc == 0)
        store_pepper(s, g->suppress_key);
    if (rc == 0)
        rc = check_suppress_key(g, s, e);
    if (rc == 0)
        rc = open_book(g, s, e);
    if (rc == 0)
        rc = apply_create(&g->apply, s, e);
    if (rc == 0)
        apply_marks(g->apply, g);
    if (rc == 0)
        rc = activity_fill_begin(s, g->started_at, e);
    if (rc == 0)
        rc = writer_start(&g->writer, s, 2 * g->o.max_queue + 4096, e); /* takes the store */
    else
        store_free(s);
    return rc;
}

/* --- listeners --------------------------------------------------------------------------------------------------------- */

/* "127.0.0.1:8080", "[::1]:8080" */
static int split_address(const char *listen, char host[64], uint16_t *ret_port, struct err *e)
{
    const char *colon = strrchr(listen, ':');
    int64_t port;
    if (colon == NULL || !str_i64(str_of(colon + 1), &port) || port < 0 || port > 65535)
        return err_set(e, WL_EINVAL, "listen '%s' must be address:port", listen);
    size_t n = (size_t)(colon - listen);
    if (n >= 2 && listen[0] == '[' && listen[n - 1] == ']') {
        listen++;
        n -= 2;
    }
    if (n == 0 || n >= 64)
        return err_set(e, WL_EINVAL, "listen '%s' must be address:port", listen);
    memcpy(host, listen, n);
    host[n] = '\0';
    *ret_port = (uint16_t)port;
    return 0;
}

static int start_listener(struct gateway *g, struct http_server **ret, const char *listen, bool tls, struct err *e)
{
    char host[64];
    struct http_server_options o = {.address = host,
                                    .threads = g->o.http_threads,
                                    .max_connections = g->o.max_connections,
                                    .max_per_address = g->o.max_per_address,
                                    .idle_seconds = g->o.idle_seconds,
                                    .request_seconds = g->o.request_seconds,
                                    .arena_bytes = REQUEST_ARENA,
                                    .begin = routes_begin,
                                    .refuse = routes_refuse,
                                    .ctx = g,
                                    .tls_cert_file = tls ? g->o.tls_cert : NULL,
                                    .tls_key_file = tls ? g->o.tls_key : NULL};
    struct http_server *s = NULL;
    int rc = split_address(listen, host, &o.port, e);
    if (rc == 0)
        rc = http_server_start(&s, &o, e);
    if (rc == 0)
        __atomic_store_n(ret, s, __ATOMIC_RELEASE); /* its first requests may be here already, see metrics.c */
    return rc;
}

static int start_listeners(struct gateway *g, struct err *e)
{
    int rc = start_listener(g, &g->http, g->o.listen, false, e);
    if (rc == 0 && g->o.listen_tls != NULL)
        rc = start_listener(g, &g->https, g->o.listen_tls, true, e);
    return rc;
}

static int start_retention(struct gateway *g, struct err *e)
{
    struct retention_options o = retention_usual;
    o.keep_ms = g->o.webhook_keep_ms;
    int rc = retention_start(&g->retention, g, &o, e);
    return rc == 0 ? erasures_start(&g->erasures, g, e) : rc;
}

/* A sandbox is on this machine, and nobody's phone rings behind it. */
static bool is_here(const char *url)
{
    static const char *const hosts[] = {"http://localhost", "https://localhost", "http://127.",
                                        "https://127.",     "http://[::1]",      "https://[::1]"};
    for (size_t i = 0; i < sizeof hosts / sizeof hosts[0]; i++)
        if (str_starts(str_of(url), str_of(hosts[i])))
            return true;
    return false;
}

static void open_phones(struct gateway *g)
{
    const struct gateway_options *o = &g->o;
    if (o->phones != NULL)
        g->phones = *o->phones;
    else
        phone_data_builtin(&g->phones);
    g->test_refused =
        o->test_numbers == TEST_NUMBERS_REFUSE || (o->test_numbers == TEST_NUMBERS_AUTO && !is_here(o->upstream_url));
}

/* What is read from files beside the rules. */
static int open_tables(struct gateway *g, struct err *e)
{
    int rc = packs_load(&g->packs, &g->o, e);
    open_phones(g);
    return rc == 0 && g->o.regimes_file != NULL ? regimes_load(&g->regimes, g->o.regimes_file, e) : rc;
}

static int start_client(struct gateway *g, struct err *e)
{
    struct http_client_options co = {.connections_per_origin = g->o.upstream_connections,
                                     .max_calls = g->o.max_queue,
                                     .max_reserved = g->o.max_queue, /* sends, which admit counts as well */
                                     .ca_file = g->o.upstream_ca};
    return http_client_start(&g->client, &co, e);
}

/* Files, rules and the database, which must be what was signed. */
static int open_parts(struct gateway *g, struct err *e)
{
    int rc = open_state(g, e);
    if (rc == 0)
        rc = rules_open(&g->rules, g, e);
    if (rc == 0)
        rc = open_tables(g, e);
    if (rc == 0)
        rc = open_database(g, e);
    if (rc == 0)
        rc = checkpoints_start(&g->checkpoints, g, e);
    return rc == 0 ? rules_start(g->rules, e) : rc;
}

/* What has to do with messages: the door, those who carry, those who listen. */
static int start_senders(struct gateway *g, struct err *e)
{
    int rc = start_client(g, e);
    if (rc == 0)
        rc = admit_create(&g->admit, g, e);
    if (rc == 0)
        rc = accounts_start(&g->accounts, g, e);
    if (rc == 0)
        rc = campaigns_start(&g->campaigns, g, e); /* the table, which whoever is judged needs */
    if (rc == 0)
        rc = recheck_start(&g->recheck, g, e); /* the dispatcher tells it of campaigns that are over */
    if (rc == 0)
        rc = dispatch_start(&g->dispatch, g, e);
    if (rc == 0)
        rc = fanout_start(&g->fanout, g, e);
    if (rc == 0)
        rc = errands_start(&g->errands, g, e); /* the projector rings its bell */
    if (rc == 0)
        rc = projector_start(&g->projector, g, e);
    return rc == 0 ? campaigns_run(g->campaigns, e) : rc;
}

/* Those who keep house. */
static int start_chores(struct gateway *g, struct err *e)
{
    int rc = compactor_start(&g->compactor, g->writer, g->o.store_url, &compactor_usual, e);
    if (rc == 0)
        rc = activity_fill_start(&g->activity_fill, g->writer, g->o.store_url, ACTIVITY_FILL_REST_MS, e);
    if (rc == 0)
        rc = start_retention(g, e);
    if (rc == 0)
        rc = ledger_watch_start(&g->ledger_watch, g, &ledger_watch_usual, e);
    return rc == 0 ? witnesses_start(&g->witnesses, g, e) : rc;
}

static int start_parts(struct gateway *g, struct err *e)
{
    int rc = open_parts(g, e);
    if (rc == 0)
        rc = audiences_start(&g->audiences, g, e);
    if (rc == 0)
        rc = start_senders(g, e);
    if (rc == 0)
        rc = start_chores(g, e);
    if (rc == 0)
        rc = readers_start(&g->readers, g->writer, g->o.store_url, e);
    return rc == 0 ? start_listeners(g, e) : rc;
}

int gateway_start(struct gateway **ret, const struct gateway_options *o, struct err *e)
{
    struct gateway *g = calloc(1, sizeof *g);
    if (g == NULL)
        abort();
    options_copy(&g->o, o);
    g->lock_fd = -1;
    g->snapshots = snapshots_create();
    g->old_books = old_books_create();
    g->started_at = clock_now_ms();
    int rc = start_parts(g, e);
    if (rc != 0) {
        gateway_stop(g);
        return rc;
    }
    *ret = g;
    return 0;
}

/* 0 while it is being started: its first requests may be here already. */
uint16_t gateway_port(const struct gateway *g)
{
    const struct http_server *http = __atomic_load_n(&g->http, __ATOMIC_ACQUIRE);
    return http != NULL ? http_server_port(http) : 0;
}

uint16_t gateway_tls_port(const struct gateway *g)
{
    const struct http_server *https = __atomic_load_n(&g->https, __ATOMIC_ACQUIRE);
    return https != NULL ? http_server_port(https) : 0;
}

void gateway_reload_rules(struct gateway *g)
{
    rules_reload(g->rules);
}

void gateway_stop(struct gateway *g)
{
    if (g == NULL)
        return;
    if (g->writer != NULL)
        writer_hurry(g->writer); /* who waits for a hold is answered while there is somebody to answer */
    dispatch_hurry(g->dispatch); /* and who waits for a turn */
    accounts_hurry(g->accounts);
    audiences_hurry(g->audiences);
    http_server_stop(g->https, GRACE_MS);
    http_server_stop(g->http, GRACE_MS);
    readers_stop(g->readers);
    audiences_stop(g->audiences); /* whoever waits for an answer about a segment has it */
    rules_stop(g->rules);
    compactor_stop(g->compactor);
    activity_fill_stop(g->activity_fill);
    retention_stop(g->retention);
    ledger_watch_stop(g->ledger_watch);
    erasures_stop(g->erasures);
    recheck_stop(g->recheck);
    errands_stop(g->errands);
    campaigns_stop(g->campaigns);
    admit_close(g->admit);
    fanout_stop(g->fanout);
    projector_stop(g->projector);
    accounts_stop(g->accounts);
    http_client_stop(g->client);
    witnesses_stop(g->witnesses); /* what it had asked is given up by now */
    admit_drain(g->admit);
    failpoint(stop_drained);
    dispatch_stop(g->dispatch); /* it gives the leases back: by now nothing leaves any more */
    checkpoints_stop(g->checkpoints);
    writer_stop(g->writer);
    compactor_free(g->compactor);
    activity_fill_free(g->activity_fill);
    retention_free(g->retention);
    audiences_free(g->audiences);
    ledger_watch_free(g->ledger_watch);
    erasures_free(g->erasures);
    projector_free(g->projector);
    recheck_free(g->recheck);
    witnesses_free(g->witnesses);
    errands_free(g->errands); /* no door and no introducer has a message of its any more */
    campaigns_free(g->campaigns);
    fanout_free(g->fanout);
    accounts_free(g->accounts);
    http_client_free(g->client);
    dispatch_free(g->dispatch);
    admit_free(g->admit);
    checkpoints_free(g->checkpoints);
    apply_free(g->apply);
    snapshots_free(g->snapshots);
    rules_free(g->rules);
    old_books_free(g->old_books);
    optout_packs_free(g->packs);
    regimes_free(g->regimes);
    forget(g->admin_key);
    if (g->lock_fd >= 0)
        close(g->lock_fd);
    options_done(&g->o);
    free(g);
}
