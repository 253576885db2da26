/* SPDX-License-Identifier: Apache-2.0
 * accounts.c - introductions, the memory of trusted tokens, polling, and the publishing of snapshots.
 *
 * Two threads take introductions from a queue, so that one dead call cannot hold up every newcomer; one more thread
 * publishes snapshots when told that something changed and polls the numbers whose tokens are configured. Results are
 * written through the writer like everything else; a thread waits for its own job with a small latch.
 *
 * Trust is a table of keyed hashes of (token, number) with an expiry. A Meta that cannot be reached is no reason to
 * distrust: an entry past its expiry but younger than TRUST_STALE is used when the check itself fails. */
#include "gateway/accounts.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "gateway/gateway_impl.h"
#include "gateway/meta_read.h"

#define INTRODUCERS       2
#define INTRODUCTIONS_MAX 1024
#define TRUST_SLOTS       4096 /* direct-mapped: a collision only costs another introduction */
#define TRUST_MS          (10 * 60 * 1000)
#define TRUST_STALE_MS    (24 * 3600 * 1000)
#define STAMPS_MAX        256
#define RELIST_MIN_MS     5000 /* an unknown template asks for a new list at most this often */
#define ARENA_MAX         (128u << 20)

struct trust {
    uint8_t key[16];
    int64_t since;
};

/* When something was last read, by id. */
struct stamps {
    struct {
        int64_t id, at; /* at 0: stale */
    } of[STAMPS_MAX];
    size_t n;
};

struct accounts {
    struct gateway *g;
    struct queue queue;
    pthread_t introducer[INTRODUCERS], keeper;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool stop, publish;
    uint8_t secret[32];
    struct trust trust[TRUST_SLOTS];
    struct stamps listed;  /* account -> when its templates were listed */
    struct stamps learned; /* number -> when it was read */
    struct store *reader;  /* keeper thread only */
};

/* --- trust ------------------------------------------------------------------------------------------------------- */

static void trust_key(const struct accounts *a, int64_t sender, struct str token, uint8_t ret[SHA256_BYTES])
{
    struct buf b;
    buf_init(&b, 16384);
    buf_printf(&b, "%lld:", (long long)sender);
    buf_putstr(&b, token);
    hmac_sha256((struct str){(const char *)a->secret, sizeof a->secret}, buf_str(&b), ret);
    buf_done(&b);
}

static int64_t trusted_since(struct accounts *a, int64_t sender, struct str token)
{
    uint8_t key[SHA256_BYTES];
    trust_key(a, sender, token, key);
    size_t slot = (size_t)(key[30] | key[31] << 8) % TRUST_SLOTS;
    pthread_mutex_lock(&a->lock);
    const struct trust *t = &a->trust[slot];
    int64_t since = digest_equal(t->key, key, sizeof t->key) ? t->since : 0;
    pthread_mutex_unlock(&a->lock);
    return since;
}

static void trust_set(struct accounts *a, int64_t sender, struct str token, int64_t since)
{
    uint8_t key[SHA256_BYTES];
    trust_key(a, sender, token, key);
    size_t slot = (size_t)(key[30] | key[31] << 8) % TRUST_SLOTS;
    pthread_mutex_lock(&a->lock);
    memcpy(a->trust[slot].key, key, sizeof a->trust[slot].key);
    a->trust[slot].since = since;
    pthread_mutex_unlock(&a->lock);
}

bool accounts_trusts(struct accounts *a, int64_t sender, struct str token)
{
    int64_t since = trusted_since(a, sender, token);
    return since != 0 && clock_now_ms() - since < TRUST_MS;
}

/* --- template lists ---------------------------------------------------------------------------------------------- */

static int64_t stamp_get(struct accounts *a, const struct stamps *s, int64_t id)
{
    int64_t at = 0;
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < s->n; i++)
        if (s->of[i].id == id)
            at = s->of[i].at;
    pthread_mutex_unlock(&a->lock);
    return at;
}

static void stamp_set(struct accounts *a, struct stamps *s, int64_t id, int64_t at)
{
    pthread_mutex_lock(&a->lock);
    size_t i = 0;
    while (i < s->n && s->of[i].id != id)
        i++;
    if (i < STAMPS_MAX) {
        s->n += i == s->n;
        s->of[i].id = id;
        s->of[i].at = at;
    }
    pthread_mutex_unlock(&a->lock);
}

void accounts_stale(struct accounts *a, int64_t waba)
{
    stamp_set(a, &a->listed, waba, 0);
}

static int64_t sender_waba(struct accounts *a, int64_t sender)
{
    struct snapshot *snap = snapshot_borrow(a->g->snapshots);
    const struct sender *s = snapshot_sender(snap, sender);
    int64_t waba = s ? s->waba : 0;
    snapshot_return(snap);
    return waba;
}

bool accounts_templates_fresh(struct accounts *a, int64_t sender)
{
    int64_t waba = sender_waba(a, sender), at = waba ? stamp_get(a, &a->listed, waba) : 0;
    return at != 0 && clock_now_ms() - at < a->g->o.poll_interval_ms;
}

char *accounts_token(struct accounts *a, int64_t sender)
{
    for (size_t i = 0; i < a->g->o.n_senders; i++) {
        const struct sender_option *o = &a->g->o.senders[i];
        if (o->id != sender || o->token_file == NULL)
            continue;
        FILE *f = fopen(o->token_file, "re");
        if (f == NULL) {
            log_error("accounts", "cannot read the token file of number %lld", (long long)sender);
            return NULL;
        }
        char line[8192];
        size_t n = fread(line, 1, sizeof line - 1, f);
        fclose(f);
        line[n] = '\0';
        struct str t = str_trim((struct str){line, n});
        return t.n ? strndup(t.p, t.n) : NULL;
    }
    return NULL;
}

/* --- writing what was learned ------------------------------------------------------------------------------------ */

struct learned {
    struct job job;
    const struct sender *sender;
    const struct template_row *rows;
    size_t n_rows;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool finished;
};

static int learned_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                       struct err *e)
{
    (void)ctx, (void)a, (void)now;
    for (size_t i = 0; i < n; i++) {
        const struct learned *l = container_of(jobs[i], struct learned, job);
        int rc = l->sender ? senders_put(s, l->sender, 1, e) : 0;
        if (rc == 0 && l->n_rows > 0)
            rc = templates_put(s, l->rows, l->n_rows, e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static void learned_done(void *ctx, struct job *job)
{
    (void)ctx;
    struct learned *l = container_of(job, struct learned, job);
    pthread_mutex_lock(&l->lock);
    l->finished = true;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->lock);
}

static const struct job_type learned_type = {.name = "learned", .rank = 2, .run = learned_run, .done = learned_done};

static int write_learned(struct accounts *a, const struct sender *sender, const struct template_row *rows, size_t n,
                         struct err *e)
{
    struct learned l = {.job.type = &learned_type, .sender = sender, .rows = rows, .n_rows = n};
    pthread_mutex_init(&l.lock, NULL);
    pthread_cond_init(&l.wake, NULL);
    int rc = writer_submit(a->g->writer, &l.job, e);
    if (rc == 0) {
        pthread_mutex_lock(&l.lock);
        while (!l.finished)
            pthread_cond_wait(&l.wake, &l.lock);
        pthread_mutex_unlock(&l.lock);
        rc = l.job.rc;
        if (rc != 0 && e != NULL)
            *e = l.job.err;
    }
    pthread_cond_destroy(&l.wake);
    pthread_mutex_destroy(&l.lock);
    return rc;
}

/* --- reading from Meta ------------------------------------------------------------------------------------------- */

/* The account of a number: configured, known already, or found through the token. 0 when it stays unknown. */
static int64_t find_waba(struct accounts *a, struct meta *m, int64_t sender)
{
    for (size_t i = 0; i < a->g->o.n_senders; i++)
        if (a->g->o.senders[i].id == sender && a->g->o.senders[i].waba != 0)
            return a->g->o.senders[i].waba;
    int64_t waba = sender_waba(a, sender);
    if (waba != 0)
        return waba;
    int64_t candidates[32];
    size_t n = 0;
    struct err e = {0};
    if (meta_accounts(m, candidates, 32, &n, &e) != 0)
        log_warn("accounts", "number %lld: %s; set its waba in the configuration", (long long)sender, e.text);
    for (size_t i = 0; i < n; i++) {
        bool has = false;
        if (meta_has_number(m, candidates[i], sender, &has, NULL) == 0 && has)
            return candidates[i];
    }
    return 0;
}

static int publish(struct accounts *a, struct store *reader)
{
    struct err e = {0};
    int rc = snapshots_rebuild(a->g->snapshots, reader, &e);
    if (rc != 0)
        log_error("accounts", "numbers and templates cannot be read from the database: %s", e.text);
    return rc;
}

/* Reads number and, where due, templates; writes and publishes them. */
static int learn(struct accounts *a, struct store *reader, struct meta *m, int64_t id, bool relist,
                 struct meta_refusal *refusal, struct err *e)
{
    struct sender s;
    int64_t now = clock_now_ms();
    int rc = meta_number(m, id, &s, refusal, e);
    if (rc != 0)
        return rc;
    s.waba = find_waba(a, m, id);
    s.updated_at = now;
    struct template_row *rows = NULL;
    size_t n = 0;
    int64_t at = s.waba ? stamp_get(a, &a->listed, s.waba) : 0;
    bool due = s.waba != 0 && (now - at > a->g->o.poll_interval_ms || (relist && now - at > RELIST_MIN_MS));
    struct err why = {0};
    if (due && meta_templates(m, s.waba, now, &rows, &n, &why) != 0) {
        log_warn("accounts", "account %lld: %s", (long long)s.waba, why.text);
        due = false;
    }
    if ((rc = write_learned(a, &s, rows, n, e)) != 0)
        return rc;
    if (due)
        stamp_set(a, &a->listed, s.waba, now);
    stamp_set(a, &a->learned, id, now);
    return publish(a, reader);
}

/* Many sends may wait for the same introduction: the first one served all of them. */
static bool introduced_just_now(struct accounts *a, const struct introduction *in)
{
    int64_t now = clock_now_ms();
    if (!accounts_trusts(a, in->sender, str_of(in->token)) ||
        now - stamp_get(a, &a->learned, in->sender) > RELIST_MIN_MS)
        return false;
    return !in->relist || now - stamp_get(a, &a->listed, sender_waba(a, in->sender)) < RELIST_MIN_MS;
}

static void introduce(struct accounts *a, struct store *reader, struct json_parser *parser, struct arena *arena,
                      struct introduction *in)
{
    struct err e = {0};
    struct meta_refusal refusal = {0, {NULL, 0}};
    struct meta m = {.origin = a->g->o.upstream_url,
                     .ca_file = a->g->o.upstream_ca,
                     .version = in->version,
                     .token = in->token,
                     .timeout_ms = 4000,
                     .parser = parser,
                     .arena = arena};
    struct str token = str_of(in->token);
    int rc = introduced_just_now(a, in) ? 0 : learn(a, reader, &m, in->sender, in->relist, &refusal, &e);
    int64_t since = trusted_since(a, in->sender, token);
    bool ok = rc == 0 || (rc == WL_EIO && since != 0 && clock_now_ms() - since < TRUST_STALE_MS);
    if (rc == 0)
        trust_set(a, in->sender, token, clock_now_ms());
    else if (rc == WL_EDENIED)
        trust_set(a, in->sender, token, 0);
    char *secret = in->token;
    in->token = NULL;
    in->done(in, ok, refusal.status, refusal.status ? refusal.body : str_of(e.text));
    explicit_bzero(secret, strlen(secret));
    free(secret);
    arena_reset(arena);
}

static void *introducer_run(void *arg)
{
    struct accounts *a = arg;
    struct json_parser *parser = json_parser_create();
    struct arena *arena = arena_create(ARENA_MAX);
    struct store *reader = NULL;
    struct err e = {0};
    if (arena == NULL || store_open(&reader, a->g->o.store_url, &(struct store_options){.read_only = true}, &e) != 0) {
        log_error("accounts", "cannot open the database for reading: %s", e.text);
        abort(); /* start-up opened the same file a moment ago */
    }
    while (!queue_closed(&a->queue)) {
        size_t n;
        struct queue_link *l = queue_take(&a->queue, 1, -1, &n);
        if (l != NULL)
            introduce(a, reader, parser, arena, container_of(l, struct introduction, link));
    }
    store_free(reader);
    arena_free(arena);
    json_parser_free(parser);
    return NULL;
}

int accounts_introduce(struct accounts *a, struct introduction *in, struct err *e)
{
    if (!queue_push(&a->queue, &in->link))
        return err_set(e, WL_EBUSY, "too many new tokens are waiting to be checked; try again in a moment");
    return 0;
}

/* --- keeper: publishing and polling ------------------------------------------------------------------------------- */

void accounts_publish(struct accounts *a)
{
    pthread_mutex_lock(&a->lock);
    a->publish = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
}

static void poll_done(struct introduction *in, bool ok, int status, struct str body)
{
    (void)body;
    if (!ok)
        log_warn("accounts", "polling number %lld failed (%d)", (long long)in->sender, status);
    free(in);
}

static void poll_numbers(struct accounts *a)
{
    for (size_t i = 0; i < a->g->o.n_senders; i++) {
        char *token = accounts_token(a, a->g->o.senders[i].id);
        if (token == NULL)
            continue;
        struct introduction *in = calloc(1, sizeof *in);
        if (in == NULL)
            abort();
        *in = (struct introduction){.sender = a->g->o.senders[i].id, .token = token, .relist = true, .done = poll_done};
        if (accounts_introduce(a, in, NULL) != 0) {
            free(token);
            free(in);
        }
    }
}

static void *keeper_run(void *arg)
{
    struct accounts *a = arg;
    int64_t next_poll = 0;
    pthread_mutex_lock(&a->lock);
    while (!a->stop) {
        int64_t now = clock_now_ms();
        if (now < next_poll && !a->publish) {
            struct timespec until = {.tv_sec = next_poll / 1000, .tv_nsec = next_poll % 1000 * 1000000};
            pthread_cond_timedwait(&a->wake, &a->lock, &until);
            continue;
        }
        bool due = a->publish;
        a->publish = false;
        pthread_mutex_unlock(&a->lock);
        if (due)
            publish(a, a->reader);
        if (now >= next_poll) {
            poll_numbers(a);
            next_poll = now + a->g->o.poll_interval_ms;
        }
        pthread_mutex_lock(&a->lock);
    }
    pthread_mutex_unlock(&a->lock);
    return NULL;
}

int accounts_start(struct accounts **ret, struct gateway *g, struct err *e)
{
    struct accounts *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    a->g = g;
    random_bytes(a->secret, sizeof a->secret);
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->wake, NULL);
    int rc = store_open(&a->reader, g->o.store_url, &(struct store_options){.read_only = true}, e);
    if (rc != 0) {
        free(a);
        return rc;
    }
    publish(a, a->reader);
    rc = queue_init(&a->queue, INTRODUCTIONS_MAX, false);
    for (int i = 0; i < INTRODUCERS && rc == 0; i++)
        rc = thread_start(&a->introducer[i], "introducer", introducer_run, a);
    if (rc == 0)
        rc = thread_start(&a->keeper, "keeper", keeper_run, a);
    if (rc != 0)
        return err_set(e, WL_EIO, "cannot start a thread"); /* the process ends: nothing to undo */
    *ret = a;
    return 0;
}

void accounts_stop(struct accounts *a)
{
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->keeper, NULL);
    queue_close(&a->queue);
    for (int i = 0; i < INTRODUCERS; i++)
        pthread_join(a->introducer[i], NULL);
    queue_done(&a->queue);
    store_free(a->reader);
    pthread_cond_destroy(&a->wake);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
