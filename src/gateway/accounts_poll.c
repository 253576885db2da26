/* SPDX-License-Identifier: Apache-2.0
 * accounts_poll.c - reads numbers, accounts and templates again, because Meta does not push everything.
 *
 * Two threads ask core/poll.h what is due, read one thing each, and tell it what came. Several numbers of an account are
 * read one by one, the account and its templates once, with the first token of its numbers that was not refused. Token files
 * are read before each reading, and all of them now and then: another token is tried at once, whatever its forerunner had come
 * to. Which fields Meta refuses is remembered for a day, so that they do not cost a call each time.
 *
 * A picture for decisions is made anew only when a reading said something else than the last one. */
#include "gateway/accounts_impl.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/log.h"
#include "core/poll.h"
#include "gateway/learned.h"

#define READERS    2
#define TOKENS_MS  5000  /* token files are looked at this often */
#define NUMBER_MS  15000 /* for all calls of one reading */
#define SKIP_MS    (24 * 3600 * 1000)
#define ERROR_TEXT 160

/* What is known of one target beside its plan. */
struct seen {
    enum poll_kind kind;
    int64_t id;
    int64_t sender; /* with whose token it is read */
    int64_t waba;   /* of a number, as it was found; 0 not yet */
    int64_t polled_at, failed_at;
    int status, code;
    char error[ERROR_TEXT];
    size_t templates;
    struct meta_skip skip;
    int64_t skip_until; /* mono */
};

struct poller {
    struct accounts *a;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread[READERS];
    size_t started;
    atomic_bool stop;
    struct poll *plan;
    struct seen *seen;
    struct poll_target *targets; /* room for a refresh */
    size_t n_seen, max;
    int64_t refresh_at; /* mono */
};

/* What a thread reads with. */
struct reading {
    struct poller *p;
    struct poll_target target;
    struct seen seen; /* a copy; what came of it goes back */
    struct store *reader;
    struct json_parser *parser;
    struct arena *arena;
};

static int64_t mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

/* --- what there is to read ---------------------------------------------------------------------------------------- */

/* Stands for a token: 0 none. */
static uint64_t app_of(struct accounts *a, const char *token)
{
    uint8_t key[SHA256_BYTES];
    uint64_t app;
    if (token == NULL)
        return 0;
    hmac_sha256((struct str){(const char *)a->secret, sizeof a->secret}, str_of(token), key);
    memcpy(&app, key, sizeof app);
    return app | 1;
}

static void forget(char *token)
{
    if (token != NULL)
        explicit_bzero(token, strlen(token));
    free(token);
}

static struct seen *find_seen(const struct poller *p, enum poll_kind kind, int64_t id)
{
    for (size_t i = 0; i < p->n_seen; i++)
        if (p->seen[i].kind == kind && p->seen[i].id == id)
            return &p->seen[i];
    return NULL;
}

static void name_target(struct poller *p, size_t *n, struct poll_target t, int64_t sender)
{
    struct seen *s = find_seen(p, t.kind, t.id);
    if (s == NULL) {
        if (p->n_seen == p->max)
            return;
        s = &p->seen[p->n_seen++];
        *s = (struct seen){.kind = t.kind, .id = t.id};
    }
    s->sender = sender;
    p->targets[(*n)++] = t;
}

static struct poll_target *named(struct poller *p, size_t n, enum poll_kind kind, int64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (p->targets[i].kind == kind && p->targets[i].id == id)
            return &p->targets[i];
    return NULL;
}

/* The account of a number that has a token, once; a token that was not refused is better than one that was. */
static void name_account(struct poller *p, size_t *n, int64_t waba, uint64_t app, int64_t sender)
{
    struct poll_target *t = named(p, *n, POLL_ACCOUNT, waba);
    if (t == NULL) {
        name_target(p, n, (struct poll_target){POLL_ACCOUNT, waba, waba, app}, sender);
    } else if (poll_refused(p->plan, t->app) && !poll_refused(p->plan, app)) {
        t->app = app;
        find_seen(p, POLL_ACCOUNT, waba)->sender = sender;
    }
}

/* Configured, found by reading, or known from another time. */
static int64_t account_of(const struct poller *p, const struct sender_option *o)
{
    const struct seen *s = find_seen(p, POLL_NUMBER, o->id);
    if (o->waba != 0)
        return o->waba;
    return s != NULL && s->waba != 0 ? s->waba : accounts_waba(p->a, o->id);
}

/* With the lock held: the numbers that have a token, and their accounts. */
static void refresh(struct poller *p, int64_t mono)
{
    const struct gateway_options *o = &p->a->g->o;
    size_t n = 0;
    for (size_t i = 0; i < o->n_senders; i++) {
        char *token = o->senders[i].token_file != NULL ? accounts_token(p->a, o->senders[i].id) : NULL;
        uint64_t app = app_of(p->a, token);
        int64_t id = o->senders[i].id, waba = account_of(p, &o->senders[i]);
        forget(token);
        if (app == 0 || named(p, n, POLL_NUMBER, id) != NULL)
            continue;
        name_target(p, &n, (struct poll_target){POLL_NUMBER, id, waba, app}, id);
        if (waba != 0)
            name_account(p, &n, waba, app, id);
    }
    poll_set(p->plan, p->targets, n, mono);
    p->refresh_at = mono + TOKENS_MS;
}

/* --- one reading -------------------------------------------------------------------------------------------------- */

/* What is not said is no news. */
static bool same_text(const char *read, const char *known)
{
    return read[0] == '\0' || strcmp(read, known) == 0;
}

static bool same_health(enum health read, enum health known)
{
    return read == HEALTH_UNKNOWN || read == known;
}

static bool same_names(const struct sender *read, const struct sender *known)
{
    return strcmp(read->display_phone, known->display_phone) == 0 &&
           strcmp(read->verified_name, known->verified_name) == 0 && same_text(read->name_status, known->name_status) &&
           same_text(read->username, known->username);
}

static bool same_number(const struct sender *read, const struct sender *known)
{
    return known != NULL && (read->waba == 0 || read->waba == known->waba) && read->status == known->status &&
           (read->per_second == 0 || read->per_second == known->per_second) && same_names(read, known) &&
           same_text(read->quality, known->quality) && same_health(read->health, known->health);
}

static bool same_account(const struct account *read, const struct account *known)
{
    return known != NULL && (read->limit < 0 || read->limit == known->limit) &&
           (read->portfolio == 0 || read->portfolio == known->portfolio) && same_text(read->name, known->name) &&
           same_health(read->health, known->health);
}

/* Whether decisions are made from something else than what was read. */
static bool is_news(const struct accounts *a, const struct learned *l)
{
    struct snapshot *snap = snapshot_borrow(a->g->snapshots);
    const struct account *of_number = l->people >= 0 ? snapshot_account(snap, l->sender.waba) : NULL;
    bool same = l->sender.id == 0 || same_number(&l->sender, snapshot_sender(snap, l->sender.id));
    same = same && (l->people < 0 || (of_number != NULL && of_number->limit == l->people));
    same = same && (l->account.waba == 0 || same_account(&l->account, snapshot_account(snap, l->account.waba)));
    snapshot_return(snap);
    return !same;
}

static int write_down(struct reading *r, const struct learned *l, struct err *e)
{
    struct accounts *a = r->p->a;
    size_t new_templates = 0;
    bool news = is_news(a, l);
    int rc = learned_write(a->g->writer, r->reader, l, &new_templates, e);
    if (rc == 0 && (news || new_templates > 0))
        accounts_publish(a);
    return rc;
}

static int read_number(struct reading *r, struct meta *m, struct err *e)
{
    struct accounts *a = r->p->a;
    struct meta_number number;
    struct learned l = {.people = -1};
    int64_t id = r->target.id, now = clock_now_ms();
    m->deadline = now + NUMBER_MS;
    int rc = meta_number(m, id, &r->seen.skip, &number, NULL, e);
    if (rc == WL_EDENIED && poll_end_of(m->status, m->code) == POLL_TOKEN)
        accounts_trust(a, id, str_of(m->token), 0);
    if (rc != 0)
        return rc;
    accounts_trust(a, id, str_of(m->token), clock_now_ms());
    struct meta side = *m; /* how looking for the account goes says nothing of the number */
    l.sender = number.sender;
    l.people = number.people;
    l.sender.waba = r->seen.waba = accounts_find_waba(a, &side, id);
    l.sender.updated_at = now;
    if ((rc = write_down(r, &l, e)) == 0)
        accounts_stamp_set(a, &a->learned, id, now);
    return rc;
}

/* The account's own fields may be refused to a token that may list its templates. */
static int read_account(struct reading *r, struct meta *m, struct err *e)
{
    struct accounts *a = r->p->a;
    struct learned l = {.people = -1, .waba = r->target.id};
    int64_t now = clock_now_ms();
    m->deadline = now + ACCOUNTS_LISTING_MS;
    int rc = meta_account(m, l.waba, &r->seen.skip, &l.account, e);
    l.account.updated_at = now;
    if (rc == WL_EDENIED && poll_end_of(m->status, m->code) == POLL_DENIED) {
        log_debug("accounts", "account %lld: %s", (long long)l.waba, e->text);
        rc = 0;
    }
    if (rc != 0)
        return rc;
    now = clock_now_ms();
    rc = meta_templates(m, l.waba, now, &l.rows, &l.n_rows, &l.all, e);
    l.listed_at = rc == 0 ? now : 0;
    struct err why = {0};
    int written = write_down(r, &l, &why);
    if (rc != 0 || written != 0) {
        if (rc == 0)
            *e = why;
        return rc != 0 ? rc : written;
    }
    accounts_stamp_set(a, &a->listed, l.waba, now);
    r->seen.templates = l.n_rows;
    return 0;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static void read_one(struct reading *r, struct poll_answer *ret)
{
    struct accounts *a = r->p->a;
    struct err e = {0};
    char *token = accounts_token(a, r->seen.sender);
    struct meta m = {.origin = a->g->o.upstream_url,
                     .ca_file = a->g->o.upstream_ca,
                     .version = "",
                     .token = token,
                     .timeout_ms = ACCOUNTS_CALL_MS,
                     .stop = &r->p->stop,
                     .parser = r->parser,
                     .arena = r->arena};
    meta_begin(&m);
    if (mono_ms() >= r->seen.skip_until) {
        r->seen.skip = (struct meta_skip){0};
        r->seen.skip_until = mono_ms() + SKIP_MS;
    }
    int rc = token == NULL                   ? err_set(&e, WL_EINVAL, "its token file cannot be read")
             : r->target.kind == POLL_NUMBER ? read_number(r, &m, &e)
                                             : read_account(r, &m, &e);
    forget(token);
    arena_reset(r->arena);
    *ret = (struct poll_answer){.end = POLL_READ,
                                .wait_ms = most(m.app.wait_ms, m.account.wait_ms),
                                .app_percent = m.app.percent,
                                .account_percent = m.account.percent};
    if (rc == WL_EDENIED || (rc == WL_EIO && m.status == 0))
        ret->end = poll_end_of(m.status, m.code);
    else if (rc != 0)
        ret->end = token == NULL ? POLL_DENIED : POLL_FAILED;
    r->seen.status = rc != 0 ? m.status : 0;
    r->seen.code = rc != 0 ? m.code : 0;
    snprintf(r->seen.error, sizeof r->seen.error, "%.*s", (int)sizeof r->seen.error - 1, rc != 0 ? e.text : "");
}

/* --- the threads -------------------------------------------------------------------------------------------------- */

static void say(const struct reading *r, const struct poll_answer *answer, bool again, int64_t wait_ms)
{
    const char *what = r->target.kind == POLL_NUMBER ? "number" : "account";
    long long id = (long long)r->target.id, minutes = (long long)(wait_ms + 59999) / 60000;
    if (answer->end == POLL_READ) {
        if (again)
            log_info("accounts", "%s %lld is read again", what, id);
    } else if (answer->end == POLL_TOKEN) {
        log_error("accounts",
                  "%s %lld: Meta refuses the token kept for number %lld; it is not shown again for %lld "
                  "minutes, or until its file holds another",
                  what, id, (long long)r->seen.sender, minutes);
    } else {
        log_warn("accounts", "%s %lld cannot be read: %s; asked again in %lld minutes", what, id, r->seen.error,
                 minutes);
    }
}

/* With the lock held: what came of it. */
static void take_back(struct poller *p, struct reading *r, const struct poll_answer *answer)
{
    int64_t mono = mono_ms();
    struct seen *s = find_seen(p, r->target.kind, r->target.id);
    struct poll_state state = {0};
    bool failed_before = s->failed_at != 0, read = answer->end == POLL_READ;
    poll_ended(p->plan, r->target.kind, r->target.id, answer, mono);
    poll_look(p->plan, r->target.kind, r->target.id, mono, &state);
    r->seen.sender = s->sender;
    *s = r->seen;
    s->polled_at = read ? clock_now_ms() : s->polled_at;
    s->failed_at = read ? 0 : clock_now_ms();
    metric_add(p->a->g, METRIC_POLLS, 1);
    metric_add(p->a->g, METRIC_POLL_FAILURES, !read);
    if (!atomic_load(&p->stop))
        say(r, answer, failed_before, state.due - mono);
    bool found = r->target.account == 0 && s->waba != 0;
    if (found || answer->end == POLL_TOKEN) /* its account became known; another token may be better */
        p->refresh_at = mono;
    pthread_cond_broadcast(&p->wake);
}

static void wait_until(struct poller *p, int64_t mono)
{
    struct timespec until = {.tv_sec = mono / 1000, .tv_nsec = mono % 1000 * 1000000};
    pthread_cond_timedwait(&p->wake, &p->lock, &until);
}

static void run(struct poller *p, struct reading *r)
{
    pthread_mutex_lock(&p->lock);
    while (!atomic_load(&p->stop)) {
        int64_t mono = mono_ms(), wake;
        if (mono >= p->refresh_at)
            refresh(p, mono);
        if (!poll_next(p->plan, mono, &r->target, &wake)) {
            wait_until(p, wake < p->refresh_at ? wake : p->refresh_at);
            continue;
        }
        struct poll_answer answer;
        r->seen = *find_seen(p, r->target.kind, r->target.id);
        pthread_mutex_unlock(&p->lock);
        read_one(r, &answer);
        pthread_mutex_lock(&p->lock);
        take_back(p, r, &answer);
    }
    pthread_mutex_unlock(&p->lock);
}

static void *poller_run(void *arg)
{
    struct poller *p = arg;
    struct reading r = {.p = p, .parser = json_parser_create(), .arena = arena_create(ACCOUNTS_ARENA_MAX)};
    struct err e = {0};
    if (r.arena == NULL ||
        store_open(&r.reader, p->a->g->o.store_url, &(struct store_options){.read_only = true}, &e) != 0) {
        log_error("accounts", "cannot open the database for reading: %s", e.text);
        abort(); /* start-up opened the same file a moment ago */
    }
    run(p, &r);
    store_free(r.reader);
    arena_free(r.arena);
    json_parser_free(r.parser);
    return NULL;
}

int accounts_poll_start(struct accounts *a)
{
    struct poller *p = calloc(1, sizeof *p);
    struct poll_terms terms = poll_usual;
    size_t n = a->g->o.n_senders;
    pthread_condattr_t attr;
    uint64_t seed;
    int rc = 0;
    if (p == NULL)
        abort();
    terms.interval_ms = a->g->o.poll_interval_ms;
    random_bytes(&seed, sizeof seed);
    p->a = a;
    p->max = 3 * n + 1; /* numbers, their accounts, and accounts they left */
    p->plan = poll_create(&terms, p->max, seed);
    p->seen = calloc(p->max, sizeof *p->seen);
    p->targets = calloc(p->max, sizeof *p->targets);
    if (p->plan == NULL || p->seen == NULL || p->targets == NULL)
        abort();
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &attr);
    pthread_condattr_destroy(&attr);
    a->poller = p;
    while (n > 0 && p->started < READERS && rc == 0) {
        rc = thread_start(&p->thread[p->started], "poller", poller_run, p);
        p->started += rc == 0;
    }
    return rc;
}

void accounts_poll_hurry(struct accounts *a)
{
    struct poller *p = a->poller;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->stop, true);
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

void accounts_poll_stop(struct accounts *a)
{
    accounts_poll_hurry(a);
    for (size_t i = 0; i < a->poller->started; i++)
        pthread_join(a->poller->thread[i], NULL);
}

void accounts_poll_free(struct accounts *a)
{
    struct poller *p = a->poller;
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    poll_free(p->plan);
    free(p->seen);
    free(p->targets);
    free(p);
}

/* --- asking and looking ------------------------------------------------------------------------------------------- */

void accounts_poll_soon(struct accounts *a, int64_t waba)
{
    struct poller *p = a->poller;
    pthread_mutex_lock(&p->lock);
    for (size_t i = 0; i < p->n_seen; i++)
        if (p->seen[i].kind == POLL_ACCOUNT && (waba == 0 || p->seen[i].id == waba))
            poll_soon(p->plan, POLL_ACCOUNT, p->seen[i].id, mono_ms());
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
}

bool accounts_poll_full(struct accounts *a, int64_t waba)
{
    struct poller *p = a->poller;
    struct poll_state s = {0};
    pthread_mutex_lock(&p->lock);
    poll_look(p->plan, POLL_ACCOUNT, waba, mono_ms(), &s);
    pthread_mutex_unlock(&p->lock);
    return s.full;
}

static bool look(struct accounts *a, enum poll_kind kind, int64_t id, struct accounts_view *ret, size_t *ret_templates)
{
    struct poller *p = a->poller;
    struct poll_state state;
    pthread_mutex_lock(&p->lock);
    int64_t mono = mono_ms();
    const struct seen *s = find_seen(p, kind, id);
    bool known = s != NULL && poll_look(p->plan, kind, id, mono, &state);
    if (known) {
        *ret = (struct accounts_view){.token = true,
                                      .refused = state.refused,
                                      .polled_at = s->polled_at,
                                      .next_poll_at = clock_now_ms() + state.due - mono,
                                      .failed_at = s->failed_at,
                                      .status = s->status,
                                      .code = s->code};
        memcpy(ret->error, s->error, sizeof ret->error);
        *ret_templates = s->templates;
    }
    pthread_mutex_unlock(&p->lock);
    return known;
}

bool accounts_look(struct accounts *a, int64_t sender, struct accounts_view *ret)
{
    size_t none;
    return look(a, POLL_NUMBER, sender, ret, &none);
}

bool accounts_look_account(struct accounts *a, int64_t waba, struct accounts_view *ret, size_t *ret_templates)
{
    return look(a, POLL_ACCOUNT, waba, ret, ret_templates);
}

bool accounts_listed(struct accounts *a, int64_t waba, int64_t *ret_at, int64_t *ret_failed_at, char error[160])
{
    struct accounts_view v;
    size_t n;
    if (!look(a, POLL_ACCOUNT, waba, &v, &n))
        return false;
    *ret_at = most(v.polled_at, accounts_stamp(a, &a->listed, waba));
    *ret_failed_at = v.failed_at;
    memcpy(error, v.error, sizeof v.error);
    return true;
}

static bool is_ours(struct accounts *a, int64_t waba)
{
    const struct sender *all;
    struct snapshot *snap = snapshot_borrow(a->g->snapshots);
    size_t n = snapshot_senders(snap, &all);
    bool known = false;
    for (size_t i = 0; i < n && !known; i++)
        known = all[i].waba == waba;
    snapshot_return(snap);
    for (size_t i = 0; i < a->g->o.n_senders && !known; i++)
        known = a->g->o.senders[i].waba == waba;
    return known;
}

/* With the lock held: this account and its numbers. */
static void ask_now(struct poller *p, int64_t waba, int64_t mono)
{
    poll_now(p->plan, POLL_ACCOUNT, waba, mono);
    for (size_t i = 0; i < p->n_seen; i++)
        if (p->seen[i].kind == POLL_NUMBER && p->seen[i].waba == waba)
            poll_now(p->plan, POLL_NUMBER, p->seen[i].id, mono);
}

int accounts_sync(struct accounts *a, int64_t waba, size_t *ret_n, struct err *e)
{
    struct poller *p = a->poller;
    struct poll_state state;
    size_t n = 0;
    pthread_mutex_lock(&p->lock);
    int64_t mono = mono_ms();
    for (size_t i = 0; i < p->n_seen; i++) {
        const struct seen *s = &p->seen[i];
        if (s->kind != POLL_ACCOUNT || (waba != 0 && s->id != waba) ||
            !poll_look(p->plan, POLL_ACCOUNT, s->id, mono, &state))
            continue;
        ask_now(p, s->id, mono);
        n++;
    }
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    *ret_n = n;
    if (n > 0)
        return 0;
    if (waba != 0 && !is_ours(a, waba))
        return err_set(e, WL_ENOTFOUND, "account %lld is not known here", (long long)waba);
    return err_set(e, WL_ECONFLICT,
                   "no token is kept for any number of %s: set token_file under senders in the "
                   "configuration, or mend the file",
                   waba != 0 ? "this account" : "an account that is known");
}
