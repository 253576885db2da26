/* SPDX-License-Identifier: Apache-2.0
 * accounts.c - introductions, the memory of trusted tokens, and the publishing of snapshots.
 *
 * A few threads take introductions from one line, each the first that may go: one number keeps at most half of them
 * busy, and the same token waits for its own answer instead of asking twice, so that calls nobody answers hold up only
 * their like. Who a token speaks for must be known within INTRODUCTION_MS, because clients give up soon after; a pair
 * that used that time up in vain is refused without asking for a moment. One more thread publishes snapshots when told
 * that something changed. What was read is written by learned.c; what is read without being asked is accounts_poll.c's.
 *
 * Trust is a table of keyed hashes of (token, number) with an expiry. A Meta that cannot be reached is no reason to
 * distrust: an entry past its expiry but younger than TRUST_STALE is used when the check itself fails. */
#include "gateway/accounts_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/log.h"
#include "gateway/learned.h"

#define INTRODUCTIONS_MAX 1024
#define INTRODUCTION_MS   3000 /* for the number and its account together */
#define SILENCE_MS        2000 /* a pair whose time ran out is not tried again for so long */
#define TRUST_MS          (10 * 60 * 1000)
#define TRUST_STALE_MS    (24 * 3600 * 1000)
#define RELIST_MIN_MS     5000 /* an unknown template asks for a new list at most this often */
#define UNLISTED_MS                                                                                                    \
    60000 /* a list that could not be read is asked for again after this long, unless a template is missing */

/* --- trust ------------------------------------------------------------------------------------------------------- */

static void trust_key(const struct accounts *a, int64_t sender, struct str token, uint8_t ret[SHA256_BYTES])
{
    struct buf b;
    buf_init(&b, token.n + 32);
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

void accounts_trust(struct accounts *a, int64_t sender, struct str token, int64_t since)
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

int64_t accounts_stamp(struct accounts *a, const struct stamps *s, int64_t id)
{
    int64_t at = 0;
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i < s->n; i++)
        if (s->of[i].id == id)
            at = s->of[i].at;
    pthread_mutex_unlock(&a->lock);
    return at;
}

void accounts_stamp_set(struct accounts *a, struct stamps *s, int64_t id, int64_t at)
{
    pthread_mutex_lock(&a->lock);
    size_t i = 0;
    while (i < s->n && s->of[i].id != id)
        i++;
    if (i == STAMPS_MAX) { /* full: the oldest goes, it is asked for again soonest */
        i = 0;
        for (size_t j = 1; j < STAMPS_MAX; j++)
            if (s->of[j].at < s->of[i].at)
                i = j;
    }
    s->n += i == s->n;
    s->of[i].id = id;
    s->of[i].at = at;
    pthread_mutex_unlock(&a->lock);
}

static bool concerns(int64_t waba, int64_t account)
{
    return account != 0 && (waba == 0 || waba == account);
}

void accounts_stale(struct accounts *a, int64_t waba)
{
    const struct sender *all;
    struct snapshot *snap = snapshot_borrow(a->g->snapshots);
    size_t n = snapshot_senders(snap, &all);
    for (size_t i = 0; i < n; i++)
        if (concerns(waba, all[i].waba))
            accounts_stamp_set(a, &a->listed, all[i].waba, 0);
    snapshot_return(snap);
    accounts_poll_soon(a, waba);
}

int64_t accounts_waba(struct accounts *a, int64_t sender)
{
    struct snapshot *snap = snapshot_borrow(a->g->snapshots);
    const struct sender *s = snapshot_sender(snap, sender);
    int64_t waba = s ? s->waba : 0;
    snapshot_return(snap);
    return waba;
}

/* Asking again now would be hammering: the list that is known has to do. */
static bool holds_back(struct accounts *a, int64_t waba, int64_t now)
{
    return now - accounts_stamp(a, &a->unlisted, waba) < UNLISTED_MS || accounts_poll_full(a, waba);
}

bool accounts_templates_fresh(struct accounts *a, int64_t sender)
{
    int64_t waba = accounts_waba(a, sender), now = clock_now_ms();
    int64_t at = waba ? accounts_stamp(a, &a->listed, waba) : 0;
    return (at != 0 && now - at < a->g->o.poll_interval_ms) || (waba != 0 && holds_back(a, waba, now));
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

/* --- reading from Meta ------------------------------------------------------------------------------------------- */

/* The account of a number: configured, known already, or found through the token. 0 when it stays unknown. */
int64_t accounts_find_waba(struct accounts *a, struct meta *m, int64_t sender)
{
    for (size_t i = 0; i < a->g->o.n_senders; i++)
        if (a->g->o.senders[i].id == sender && a->g->o.senders[i].waba != 0)
            return a->g->o.senders[i].waba;
    int64_t waba = accounts_waba(a, sender);
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

static bool is_due(const struct accounts *a, int64_t now, int64_t last, bool hurry)
{
    return now - last > a->g->o.poll_interval_ms || (hurry && now - last > RELIST_MIN_MS);
}

/* The account and its list, where that is due; what cannot be read is told in the log and stays as it was. */
static void learn_account(struct accounts *a, struct meta *m, bool relist, struct learned *l)
{
    struct err why = {0};
    struct meta_skip skip = {0};
    int64_t now = clock_now_ms(), waba = l->sender.waba;
    if (!is_due(a, now, accounts_stamp(a, &a->listed, waba), relist) || (!relist && holds_back(a, waba, now)))
        return;
    m->deadline = now + ACCOUNTS_LISTING_MS;
    if (meta_account(m, waba, &skip, &l->account, NULL) == 0)
        l->account.updated_at = now;
    l->waba = waba;
    now = clock_now_ms();
    if (meta_templates(m, waba, now, &l->rows, &l->n_rows, &l->all, &why) == 0) {
        l->listed_at = now;
        return;
    }
    accounts_stamp_set(a, &a->unlisted, waba, now);
    log_warn("accounts", "account %lld: %s", (long long)waba, why.text);
}

/* Reads number and, where due, its account and templates; writes and publishes them. */
static int learn(struct accounts *a, struct store *reader, struct meta *m, int64_t id, bool relist,
                 struct meta_refusal *refusal, struct err *e)
{
    struct meta_number number;
    struct meta_skip skip = {0};
    int64_t now = clock_now_ms();
    m->brief = true;
    meta_begin(m);
    int rc = meta_number(m, id, &skip, &number, refusal, e);
    if (rc != 0)
        return rc;
    struct learned l = {.sender = number.sender, .people = number.people};
    int64_t waba = l.sender.waba = accounts_find_waba(a, m, id);
    l.sender.updated_at = now;
    if (waba != 0)
        learn_account(a, m, relist, &l);
    if ((rc = learned_write(a->g->writer, reader, &l, NULL, e)) != 0)
        return rc;
    if (l.listed_at != 0)
        accounts_stamp_set(a, &a->listed, waba, l.listed_at);
    accounts_stamp_set(a, &a->learned, id, now);
    return publish(a, reader);
}

/* --- the line of introductions ------------------------------------------------------------------------------------ */

static bool same_pair(const struct introduction *x, const struct introduction *y)
{
    return memcmp(x->key, y->key, sizeof x->key) == 0;
}

/* With the line's lock held: whether this one may be taken up now. */
static bool may_go(const struct accounts *a, const struct introduction *in)
{
    size_t busy = 0;
    if (a->line.closed) /* only to be refused */
        return true;
    for (size_t i = 0; i < INTRODUCERS; i++) {
        const struct introduction *other = a->line.running[i];
        if (other != NULL && same_pair(other, in))
            return false;
        busy += other != NULL && other->sender == in->sender;
    }
    return busy < NODE_SHARE;
}

/* Waits for the first that may go. NULL: the line is closed and empty. */
static struct introduction *line_take(struct accounts *a, size_t place)
{
    struct introduction *in = NULL;
    pthread_mutex_lock(&a->line.lock);
    while (in == NULL && !(a->line.closed && a->line.n == 0)) {
        for (struct queue_link **at = &a->line.first; *at != NULL && in == NULL; at = &(*at)->next) {
            struct queue_link *l = *at;
            if (!may_go(a, container_of(l, struct introduction, link)))
                continue;
            in = container_of(l, struct introduction, link);
            *at = l->next;
            if (a->line.last == &l->next)
                a->line.last = at;
            a->line.n--;
            break;
        }
        if (in == NULL && !(a->line.closed && a->line.n == 0))
            pthread_cond_wait(&a->line.wake, &a->line.lock);
    }
    a->line.running[place] = in;
    pthread_mutex_unlock(&a->line.lock);
    return in;
}

/* This one is over: others of its kind may go. `silent`: its time ran out. */
static void line_leave(struct accounts *a, size_t place, const struct introduction *in, bool silent)
{
    pthread_mutex_lock(&a->line.lock);
    a->line.running[place] = NULL;
    if (silent) {
        size_t at = a->line.next_silence++ % SILENCES;
        memcpy(a->line.silence[at].key, in->key, sizeof in->key);
        a->line.silence[at].at = clock_now_ms();
    }
    pthread_cond_broadcast(&a->line.wake);
    pthread_mutex_unlock(&a->line.lock);
}

/* Whether there is no use in asking: nobody answered this pair a moment ago, or we are stopping. */
static bool hopeless(struct accounts *a, const struct introduction *in, struct err *e)
{
    int64_t since = clock_now_ms() - SILENCE_MS;
    bool silent = false;
    pthread_mutex_lock(&a->line.lock);
    bool closed = a->line.closed;
    for (size_t i = 0; i < SILENCES; i++)
        silent |= a->line.silence[i].at > since && memcmp(a->line.silence[i].key, in->key, sizeof in->key) == 0;
    pthread_mutex_unlock(&a->line.lock);
    if (closed)
        err_set(e, WL_EIO, "the gateway is shutting down");
    else if (silent)
        err_set(e, WL_EIO, "the Graph API did not answer a moment ago");
    return closed || silent;
}

int accounts_introduce(struct accounts *a, struct introduction *in, struct err *e)
{
    uint8_t key[SHA256_BYTES];
    trust_key(a, in->sender, str_of(in->token), key);
    memcpy(in->key, key, sizeof in->key);
    pthread_mutex_lock(&a->line.lock);
    bool taken = !a->line.closed && a->line.n < INTRODUCTIONS_MAX;
    if (taken) {
        in->link.next = NULL;
        *a->line.last = &in->link;
        a->line.last = &in->link.next;
        a->line.n++;
        pthread_cond_signal(&a->line.wake);
    }
    pthread_mutex_unlock(&a->line.lock);
    if (!taken)
        return err_set(e, WL_EBUSY, "too many new tokens are waiting to be checked; try again in a moment");
    return 0;
}

/* Many sends may wait for the same introduction: the first one served all of them. */
static bool introduced_just_now(struct accounts *a, const struct introduction *in)
{
    int64_t now = clock_now_ms();
    if (!accounts_trusts(a, in->sender, str_of(in->token)) ||
        now - accounts_stamp(a, &a->learned, in->sender) > RELIST_MIN_MS)
        return false;
    return !in->relist || now - accounts_stamp(a, &a->listed, accounts_waba(a, in->sender)) < RELIST_MIN_MS;
}

static void introduce(struct accounts *a, size_t place, struct store *reader, struct json_parser *parser,
                      struct arena *arena, struct introduction *in)
{
    struct err e = {0};
    int64_t began = clock_now_ms();
    struct meta_refusal refusal = {0, {NULL, 0}};
    struct meta m = {.origin = a->g->o.upstream_url,
                     .ca_file = a->g->o.upstream_ca,
                     .version = in->version,
                     .token = in->token,
                     .timeout_ms = ACCOUNTS_CALL_MS,
                     .deadline = began + INTRODUCTION_MS,
                     .parser = parser,
                     .arena = arena};
    struct str token = str_of(in->token);
    int rc = 0;
    if (!introduced_just_now(a, in))
        rc = hopeless(a, in, &e) ? WL_EIO : learn(a, reader, &m, in->sender, in->relist, &refusal, &e);
    int64_t since = trusted_since(a, in->sender, token);
    bool ok = rc == 0 || (rc == WL_EIO && since != 0 && clock_now_ms() - since < TRUST_STALE_MS);
    if (rc == 0)
        accounts_trust(a, in->sender, token, clock_now_ms());
    else if (rc == WL_EDENIED)
        accounts_trust(a, in->sender, token, 0);
    char *secret = in->token;
    in->token = NULL;
    line_leave(a, place, in, rc == WL_EIO && clock_now_ms() - began >= INTRODUCTION_MS);
    in->done(in, ok, refusal.status, refusal.status ? refusal.body : str_of(e.text));
    explicit_bzero(secret, strlen(secret));
    free(secret);
    arena_reset(arena);
}

static void *introducer_run(void *arg)
{
    struct accounts *a = arg;
    struct json_parser *parser = json_parser_create();
    struct arena *arena = arena_create(ACCOUNTS_ARENA_MAX);
    struct store *reader = NULL;
    struct err e = {0};
    if (arena == NULL || store_open(&reader, a->g->o.store_url, &(struct store_options){.read_only = true}, &e) != 0) {
        log_error("accounts", "cannot open the database for reading: %s", e.text);
        abort(); /* start-up opened the same file a moment ago */
    }
    pthread_mutex_lock(&a->line.lock);
    size_t place = a->line.started++;
    pthread_mutex_unlock(&a->line.lock);
    for (struct introduction *in; (in = line_take(a, place)) != NULL;)
        introduce(a, place, reader, parser, arena, in);
    store_free(reader);
    arena_free(arena);
    json_parser_free(parser);
    return NULL;
}

/* --- keeper: publishing ------------------------------------------------------------------------------------------- */

void accounts_publish(struct accounts *a)
{
    pthread_mutex_lock(&a->lock);
    a->publish = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
}

static void *keeper_run(void *arg)
{
    struct accounts *a = arg;
    pthread_mutex_lock(&a->lock);
    while (!a->stop) {
        if (!a->publish) {
            pthread_cond_wait(&a->wake, &a->lock);
            continue;
        }
        a->publish = false;
        pthread_mutex_unlock(&a->lock);
        publish(a, a->reader);
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
    pthread_mutex_init(&a->line.lock, NULL);
    pthread_cond_init(&a->line.wake, NULL);
    a->line.last = &a->line.first;
    int rc = store_open(&a->reader, g->o.store_url, &(struct store_options){.read_only = true}, e);
    if (rc != 0) {
        free(a);
        return rc;
    }
    publish(a, a->reader);
    for (int i = 0; i < INTRODUCERS && rc == 0; i++)
        rc = thread_start(&a->introducer[i], "introducer", introducer_run, a);
    if (rc == 0)
        rc = thread_start(&a->keeper, "keeper", keeper_run, a);
    if (rc == 0)
        rc = accounts_poll_start(a);
    if (rc != 0)
        return err_set(e, WL_EIO, "cannot start a thread"); /* the process ends: nothing to undo */
    *ret = a;
    return 0;
}

void accounts_hurry(struct accounts *a)
{
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->line.lock);
    a->line.closed = true;
    pthread_cond_broadcast(&a->line.wake);
    pthread_mutex_unlock(&a->line.lock);
    accounts_poll_hurry(a);
}

void accounts_stop(struct accounts *a)
{
    if (a == NULL || a->stopped)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->keeper, NULL);
    accounts_hurry(a);
    accounts_poll_stop(a);
    for (int i = 0; i < INTRODUCERS; i++)
        pthread_join(a->introducer[i], NULL);
    store_free(a->reader); /* before the writer's: the last to close the database tidies its log away */
    a->reader = NULL;
    a->stopped = true;
}

void accounts_free(struct accounts *a)
{
    if (a == NULL)
        return;
    accounts_stop(a);
    accounts_poll_free(a);
    pthread_cond_destroy(&a->line.wake);
    pthread_mutex_destroy(&a->line.lock);
    pthread_cond_destroy(&a->wake);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
