/* SPDX-License-Identifier: Apache-2.0
 * rules.c - loads, stores, logs and exchanges the book of rules, and keeps count of the shadow.
 *
 * One thread activates, one request after the other: it compiles the files (which proves them and may take a while),
 * writes book and event in one transaction of the writer, and only then publishes the new pointer. So what decides is
 * always recorded, and a file with a mistake, a full disk or a crash in between leaves the book that ran. Readers load
 * one pointer and are never waited for: nothing published is freed before the gateway ends.
 *
 * The shadow's counts belong to the pair of books they were counted under; a new activation begins new ones. */
#include "gateway/rules.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/admit.h"
#include "gateway/gateway_impl.h"
#include "store/rules_log.h"

#define WAITING_MAX 16
#define HASH_SHOWN  13 /* digits of a hash in a log line, and a NUL */

/* A snapshot with what belongs to it; the public part is what others see. */
struct book {
    struct rules_book face;
    struct ruleset *live, *shade; /* owned */
    pthread_mutex_t lock;         /* of the tally */
    struct shadow_tally tally;
    struct book *older;
};

struct rules {
    struct gateway *g;
    struct book *newest; /* all that were published; changed by the activating thread alone */
    size_t n_books;
    _Atomic(struct book *) current;
    _Atomic uint64_t total[3][3];
    struct queue queue; /* activations */
    pthread_t thread;
    bool queued, running;
};

/* An activation in the line. */
struct waiting {
    struct queue_link link;
    struct rules_activation *activation;
};

/* --- loading ------------------------------------------------------------------------------------------------------- */

struct paths {
    const char *path[RULESET_FILES_MAX];
    size_t n;
};

static int paths_add(struct paths *p, const char *path, struct err *e)
{
    if (p->n == RULESET_FILES_MAX)
        return err_set(e, WL_EINVAL, "more than %d rule files are configured", RULESET_FILES_MAX);
    p->path[p->n++] = path;
    return 0;
}

static int paths_add_all(struct paths *p, const struct path_list *more, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < more->n; i++)
        rc = paths_add(p, more->path[i], e);
    return rc;
}

static int load_live(const struct gateway_options *o, struct ruleset **ret, struct err *e)
{
    struct paths p = {.n = 0};
    struct ruleset *rs = NULL;
    int rc = paths_add(&p, o->rules_file, e);
    if (rc == 0)
        rc = paths_add_all(&p, &o->rules_laws, e);
    if (rc == 0)
        rc = paths_add_all(&p, &o->rules_policy, e);
    if (rc == 0)
        rc = ruleset_load_all(&rs, p.path, p.n, e);
    if (rc == 0 && !ruleset_decides(rs)) {
        ruleset_free(rs);
        return err_set(e, WL_EINVAL,
                       "%s: this is no platform set; laws and policies are named under rules.laws and "
                       "rules.policy",
                       o->rules_file);
    }
    if (rc == 0)
        *ret = rs;
    return rc;
}

static bool has_set(const struct ruleset *rs, const char *id)
{
    for (size_t i = 0; i < ruleset_sources(rs); i++)
        if (strcmp(ruleset_source(rs, i)->id, id) == 0)
            return true;
    return false;
}

/* The files of the live book, those aside whose set a shadow file brings in another form, and the shadow's. */
static int load_shadow(const struct gateway_options *o, const struct ruleset *live, struct ruleset **ret, struct err *e)
{
    const struct path_list *shadow = &o->rules_shadow;
    struct ruleset *part = NULL;
    struct paths p = {.n = 0};
    *ret = NULL;
    if (shadow->n == 0)
        return 0;
    int rc = ruleset_load_all(&part, (const char *const *)shadow->path, shadow->n, e);
    for (size_t i = 0; rc == 0 && i < ruleset_sources(live); i++)
        if (!has_set(part, ruleset_source(live, i)->id))
            rc = paths_add(&p, ruleset_source(live, i)->file, e);
    if (rc == 0)
        rc = paths_add_all(&p, shadow, e);
    ruleset_free(part);
    return rc == 0 ? ruleset_load_all(ret, p.path, p.n, e) : rc;
}

int rules_load(const struct gateway_options *o, struct ruleset **ret, struct ruleset **ret_shadow, struct err *e)
{
    struct ruleset *live = NULL, *shadow = NULL;
    int rc = load_live(o, &live, e);
    if (rc == 0)
        rc = load_shadow(o, live, &shadow, e);
    if (rc != 0) {
        ruleset_free(live);
        return rc;
    }
    *ret = live;
    *ret_shadow = shadow;
    return 0;
}

static void book_free(struct book *b)
{
    if (b == NULL)
        return;
    ruleset_free(b->live);
    ruleset_free(b->shade);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static int book_load(const struct gateway_options *o, struct book **ret, struct err *e)
{
    struct book *b = calloc(1, sizeof *b);
    if (b == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    pthread_mutex_init(&b->lock, NULL);
    int rc = rules_load(o, &b->live, &b->shade, e);
    if (rc != 0) {
        book_free(b);
        return rc;
    }
    b->face.ruleset = b->live;
    b->face.shadow = b->shade;
    *ret = b;
    return 0;
}

/* --- recording ----------------------------------------------------------------------------------------------------- */

static int ruleset_keep(struct store *st, const struct ruleset *rs, int64_t now, int64_t *ret, struct err *e)
{
    *ret = 0;
    if (rs == NULL)
        return 0;
    return rulesets_put(st, ruleset_hash(rs), ruleset_id(rs), ruleset_canonical(rs), now, ret, e);
}

/* Logs that `number` is the book of this act from now on, unless the last event of its kind says so already; *ret_at:
 * since when it is. Number 0: there is none any more. */
static int log_change(struct store *st, struct arena *a, enum rules_act act, int64_t number, const char *actor,
                      int64_t now, int64_t *ret_at, struct err *e)
{
    struct rules_event last = {.ruleset = 0}, event;
    struct err none = {0};
    int rc = rules_log_last(st, act, a, &last, &none);
    *ret_at = last.at;
    if (rc != 0 && rc != WL_ENOTFOUND) {
        *e = none;
        return rc;
    }
    if (last.ruleset == number)
        return 0;
    event =
        (struct rules_event){.id = store_id(st, now), .at = now, .act = act, .ruleset = number, .actor = str_of(actor)};
    *ret_at = now;
    return rules_log_append(st, &event, 1, e);
}

static int book_record(struct book *b, struct store *st, struct arena *a, const char *actor, int64_t now, struct err *e)
{
    struct rules_book *f = &b->face;
    int rc = ruleset_keep(st, b->live, now, &f->number, e);
    if (rc == 0)
        rc = ruleset_keep(st, b->shade, now, &f->shadow_number, e);
    if (rc == 0)
        rc = log_change(st, a, RULES_ACTIVATED, f->number, actor, now, &f->activated_at, e);
    if (rc == 0)
        rc = log_change(st, a, RULES_SHADOWED, f->shadow_number, actor, now, &f->shadow_since, e);
    return rc;
}

static void publish(struct rules *r, struct book *b)
{
    char hash[SHA256_HEX];
    hex_encode(ruleset_hash(b->live), SHA256_BYTES, hash);
    b->older = r->newest;
    r->newest = b;
    r->n_books++;
    atomic_store_explicit(&r->current, b, memory_order_release);
    log_info("rules", "deciding by %s %.*s, %zu rules%s", ruleset_id(b->live), HASH_SHOWN - 1, hash,
             ruleset_count(b->live), b->shade != NULL ? ", with a shadow" : "");
}

static struct book *current(const struct gateway *g)
{
    return atomic_load_explicit(&g->rules->current, memory_order_acquire);
}

const struct rules_book *rules_current(const struct gateway *g)
{
    return &current(g)->face;
}

/* A published book never changes, nor does what came before it. */
const struct ruleset *rules_published(const struct gateway *g, int64_t number)
{
    for (const struct book *b = current(g); b != NULL; b = b->older) {
        if (b->face.number == number)
            return b->live;
        if (b->shade != NULL && b->face.shadow_number == number)
            return b->shade;
    }
    return NULL;
}

int rules_open(struct rules **ret, struct gateway *g, struct err *e)
{
    struct rules *r = calloc(1, sizeof *r);
    if (r == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    r->g = g;
    int rc = book_load(&g->o, &r->newest, e);
    if (rc != 0) {
        free(r);
        return rc;
    }
    *ret = r;
    return 0;
}

int rules_register(struct rules *r, struct store *st, int64_t now, struct err *e)
{
    struct arena *a = arena_create(1u << 20);
    struct book *b = r->newest;
    int rc = a == NULL ? err_set(e, WL_ENOMEM, "out of memory") : book_record(b, st, a, "start", now, e);
    arena_free(a);
    if (rc != 0)
        return rc;
    r->newest = NULL;
    publish(r, b);
    return 0;
}

void rules_free(struct rules *r)
{
    if (r == NULL)
        return;
    while (r->newest != NULL) {
        struct book *b = r->newest;
        r->newest = b->older;
        book_free(b);
    }
    if (r->queued)
        queue_done(&r->queue);
    free(r);
}

/* --- activating ---------------------------------------------------------------------------------------------------- */

struct recording {
    struct book *book;
    const char *actor;
};

static int record_task(void *ctx, struct store *st, struct arena *a, int64_t now, struct err *e)
{
    struct recording *v = ctx;
    return book_record(v->book, st, a, v->actor, now, e);
}

static bool same_hash(const struct ruleset *a, const struct ruleset *b)
{
    if (a == NULL || b == NULL)
        return a == b;
    return memcmp(ruleset_hash(a), ruleset_hash(b), SHA256_BYTES) == 0;
}

static int activate(struct rules *r, struct rules_activation *v, struct err *e)
{
    struct book *b = NULL;
    const struct book *now = current(r->g);
    int rc = book_load(&r->g->o, &b, e);
    if (rc != 0) /* a file that is not there is as much the caller's to mend as one with a mistake */
        return e->code = rc == WL_ENOMEM ? rc : WL_EINVAL;
    v->changed = !same_hash(b->live, now->live) || !same_hash(b->shade, now->shade);
    if (!v->changed) {
        book_free(b);
        return 0;
    }
    if (r->n_books >= RULES_ACTIVATIONS_MAX)
        rc = err_set(e, WL_ECONFLICT,
                     "rules were activated %d times since the gateway started, which is the most; restart it",
                     RULES_ACTIVATIONS_MAX);
    struct recording recording = {b, v->actor};
    if (rc == 0)
        rc = writer_call(r->g->writer, 2, record_task, &recording, e);
    if (rc != 0) {
        book_free(b);
        return rc;
    }
    publish(r, b);
    return 0;
}

static void answer(struct rules *r, struct waiting *w)
{
    struct rules_activation *v = w->activation;
    free(w);
    v->changed = false;
    v->err = (struct err){0};
    v->rc = activate(r, v, &v->err);
    v->book = &current(r->g)->face;
    if (v->rc != 0)
        log_warn("rules", "the rules stay as they are: %s", v->err.text);
    v->done(v);
}

static void *rules_loop(void *arg)
{
    struct rules *r = arg;
    while (!queue_closed(&r->queue)) {
        struct queue_link *l = queue_take(&r->queue, 1, -1, NULL);
        if (l != NULL)
            answer(r, container_of(l, struct waiting, link));
    }
    return NULL;
}

int rules_start(struct rules *r, struct err *e)
{
    int rc = queue_init(&r->queue, WAITING_MAX, false);
    r->queued = rc == 0;
    if (rc == 0)
        rc = thread_start(&r->thread, "rules", rules_loop, r);
    r->running = rc == 0;
    return rc == 0 ? 0 : err_set(e, rc, "the thread that activates rules cannot be started");
}

void rules_stop(struct rules *r)
{
    if (r == NULL || !r->running)
        return;
    queue_close(&r->queue);
    pthread_join(r->thread, NULL);
    r->running = false;
}

int rules_activate(struct rules *r, struct rules_activation *v, struct err *e)
{
    struct waiting *w = calloc(1, sizeof *w);
    if (w == NULL)
        return err_set(e, WL_ENOMEM, "out of memory");
    w->activation = v;
    if (queue_push(&r->queue, &w->link))
        return 0;
    free(w);
    return err_set(e, WL_EBUSY, "too many activations are waiting; try again in a moment");
}

static void reloaded(struct rules_activation *v)
{
    if (v->rc == 0 && !v->changed)
        log_info("rules", "the files were read again and say what they said");
    free(v);
}

void rules_reload(struct rules *r)
{
    struct rules_activation *v = calloc(1, sizeof *v);
    struct err e = {0};
    if (v == NULL)
        return;
    v->actor = "signal";
    v->done = reloaded;
    if (rules_activate(r, v, &e) == 0)
        return;
    log_warn("rules", "not read again: %s", e.text);
    free(v);
}

/* --- the shadow ---------------------------------------------------------------------------------------------------- */

void rules_shadow_count(struct gateway *g, const struct rules_book *book, int bucket, int64_t message,
                        enum verdict live, enum verdict shadow)
{
    struct book *b = container_of(book, struct book, face);
    struct shadow_tally *t = &b->tally;
    atomic_fetch_add_explicit(&g->rules->total[live][shadow], 1, memory_order_relaxed);
    pthread_mutex_lock(&b->lock);
    t->count[live][shadow]++;
    if (live != shadow) {
        t->n += t->n < SHADOW_EXAMPLES;
        memmove(&t->example[1], &t->example[0], (t->n - 1) * sizeof t->example[0]);
        t->example[0] = (struct shadow_example){.bucket = bucket, .message = message, .live = live, .shadow = shadow};
    }
    pthread_mutex_unlock(&b->lock);
}

void rules_shadow_tally(const struct rules_book *book, struct shadow_tally *ret)
{
    struct book *b = container_of(book, struct book, face);
    pthread_mutex_lock(&b->lock);
    *ret = b->tally;
    pthread_mutex_unlock(&b->lock);
}

void rules_shadow_totals(const struct gateway *g, uint64_t ret[3][3])
{
    for (int i = 0; i < 3; i++)
        for (int k = 0; k < 3; k++)
            ret[i][k] = atomic_load_explicit(&g->rules->total[i][k], memory_order_relaxed);
}

/* --- breaking the glass -------------------------------------------------------------------------------------------- */

int rules_override_check(const struct rules_override *o, const struct ruleset *rs, struct err *e)
{
    struct override bits = {0};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < o->n; i++)
        rc = override_add(&bits, rs, o->rule[i], e);
    return rc;
}

const struct override *rules_override_bits(const struct rules_override *o, const struct ruleset *rs,
                                           struct override *into)
{
    if (o == NULL)
        return NULL;
    *into = (struct override){0};
    for (size_t i = 0; i < o->n; i++)
        (void)override_add(into, rs, o->rule[i], NULL); /* refused since it was checked: then it stands */
    return into;
}

int rules_override_log(struct store *st, const struct rules_book *book, const struct send *s, int64_t now,
                       struct err *e)
{
    char text[RULES_OVERRIDE_MAX * 48 + STORE_ID_TEXT + 8], id[STORE_ID_TEXT];
    struct decision without;
    size_t n = 0;
    if (s->override == NULL)
        return 0;
    decide(book->ruleset, &s->facts, now, s->expires, &without);
    if (without.verdict == s->decision.verdict)
        return 0;
    for (size_t i = 0; i < s->decision.n && n < sizeof text - 64; i++)
        if (s->decision.finding[i].overridden)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s ", rule_id(s->decision.finding[i].rule));
    n += (size_t)snprintf(text + n, sizeof text - n, "%s", store_id_text(s->message.bucket, s->message.id, id));
    struct rules_event event = {.id = store_id(st, now),
                                .at = now,
                                .act = RULES_OVERRIDDEN,
                                .ruleset = book->number,
                                .actor = s->override->by.n > 0 ? s->override->by : STR("api"),
                                .reason = s->override->reason,
                                .detail = {text, n}};
    return rules_log_append(st, &event, 1, e);
}
