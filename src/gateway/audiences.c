/* SPDX-License-Identifier: Apache-2.0
 * audiences.c - one thread builds, two answer, and whoever borrows holds what they got until they give it back.
 *
 * A build goes through everybody in pages, each in a reading transaction of its own, so that the log of the database can be tidied up
 * meanwhile; what changes during a build may be in it or not, and the next one has it. What campaigns did follows after the people,
 * the newest campaigns first, as far as the limits of audiences.h go. Requests for builds are numbered: a build that begins serves
 * every request up to that moment, and one that fails fails them. */
#include "gateway/audiences.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/campaign_id.h"
#include "store/audience_rows.h"
#include "store/campaigns.h"

#define BUCKET         0 /* one holds everything while the spread is 1 */
#define PAGE           5000
#define CAMPAIGNS_PAGE 50
#define ANSWERERS      2
#define MODELS         4  /* the last one, one that is being built, and old ones somebody still has */
#define USED_TIMES     20 /* as old as its build took */
#define USED_MS        INT64_C(120000)
#define USED_LEAST     2
#define SHOWN_MS       INT64_C(300000)
#define SHOWN_LEAST    5
#define KEPT_MS        INT64_C(600000) /* nothing was written, but days go by */

struct model {
    struct audience *au; /* NULL: the place is free */
    size_t users;
    int64_t began_ms, took_ms; /* began: of the monotonic clock */
    uint64_t commits;          /* before it began */
    size_t campaigns;
    int64_t marks;
};

struct audiences {
    struct gateway *g;
    pthread_mutex_t lock;
    pthread_cond_t wake, built, asked;
    bool closed, building;
    uint64_t wanted, begun, served, failed; /* numbers of requests */
    struct err why;                         /* of the last failure */
    struct model model[MODELS];
    struct model *last;
    int64_t builds;
    pthread_t builder, answerer[ANSWERERS];
    size_t n_answerers;
    bool has_builder, stopped;
    struct queue_link *first, **end; /* questions */
    size_t waiting;
};

static int64_t mono_ms(void)
{
    return clock_mono_ns() / 1000000;
}

static uint64_t commits_of(const struct audiences *a)
{
    struct writer_stats st;
    writer_stats(a->g->writer, &st);
    return st.commits;
}

/* --- a build ---------------------------------------------------------------------------------------------------------- */

struct build {
    struct audiences *a;
    struct store *s;
    struct arena *arena;
    struct model m;
    char campaign[STORE_ID_TEXT];
};

static int add_person(void *ctx, const struct audience_person *p, struct err *e)
{
    return audience_add(((struct build *)ctx)->m.au, p, e);
}

static int add_source(void *ctx, int64_t id, struct str name, struct err *e)
{
    return audience_add_source(((struct build *)ctx)->m.au, id, name, e);
}

static int add_mark(void *ctx, int64_t contact, unsigned marks, struct err *e)
{
    struct build *b = ctx;
    return audience_add_mark(b->m.au, str_of(b->campaign), contact, marks, e);
}

static int stopping(struct audiences *a, struct err *e)
{
    pthread_mutex_lock(&a->lock);
    bool closed = a->closed;
    pthread_mutex_unlock(&a->lock);
    return closed ? err_set(e, WL_EBUSY, "the gateway is being stopped") : 0;
}

static int begin_page(struct build *b, struct err *e)
{
    int rc = stopping(b->a, e);
    arena_reset(b->arena);
    return rc == 0 ? store_begin_reading(b->s, e) : rc;
}

static int build_people(struct build *b, struct err *e)
{
    int64_t last = 0;
    size_t n = PAGE;
    int rc = 0;
    while (rc == 0 && n == PAGE) {
        rc = begin_page(b, e);
        if (rc == 0)
            rc = audience_rows(b->s, BUCKET, last, PAGE, b->arena, add_person, b, &last, &n, e);
        store_rollback(b->s);
    }
    if (rc == 0)
        rc = begin_page(b, e);
    if (rc == 0)
        rc = audience_row_sources(b->s, b->arena, add_source, b, e);
    store_rollback(b->s);
    return rc;
}

static int build_campaign(struct build *b, int64_t campaign, struct err *e)
{
    int64_t last = 0;
    size_t n = PAGE;
    int rc = 0;
    campaign_id_text(campaign, b->campaign);
    while (rc == 0 && n == PAGE) {
        rc = begin_page(b, e);
        if (rc == 0)
            rc = audience_row_marks(b->s, BUCKET, campaign, last, PAGE, add_mark, b, &last, &n, e);
        store_rollback(b->s);
    }
    return rc;
}

/* The newest of those that began, before this id, as many as may be known wholly. *ret_next 0: that was all. */
static int next_campaigns(struct build *b, int64_t before, int64_t ids[CAMPAIGNS_PAGE], size_t *ret_n,
                          int64_t *ret_next, struct err *e)
{
    struct campaign_row *rows = NULL;
    size_t n = 0;
    int rc = begin_page(b, e);
    if (rc == 0)
        rc = campaigns_list(b->s, before, 0, b->arena, CAMPAIGNS_PAGE, &rows, &n, e);
    store_rollback(b->s);
    *ret_n = 0;
    *ret_next = rc == 0 && n == CAMPAIGNS_PAGE ? rows[n - 1].id : 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (rows[i].started_at == 0)
            continue;
        if (b->m.campaigns == AUDIENCE_CAMPAIGNS_MAX || b->m.marks + rows[i].audience > AUDIENCE_MARKS_MAX) {
            *ret_next = 0; /* half of a campaign would be worse than none: a name nobody has is told */
            break;
        }
        b->m.marks += rows[i].audience;
        b->m.campaigns++;
        ids[(*ret_n)++] = rows[i].id;
    }
    return rc;
}

static int build_marks(struct build *b, struct err *e)
{
    int64_t ids[CAMPAIGNS_PAGE], next = 0;
    size_t n;
    int rc;
    do {
        rc = next_campaigns(b, next, ids, &n, &next, e);
        for (size_t i = 0; rc == 0 && i < n; i++)
            rc = build_campaign(b, ids[i], e);
    } while (rc == 0 && next != 0);
    return rc;
}

static int build(struct build *b, struct err *e)
{
    b->m = (struct model){.began_ms = mono_ms(), .commits = commits_of(b->a)};
    b->m.au = audience_create(&b->a->g->phones, clock_now_ms());
    int rc = build_people(b, e);
    if (rc == 0)
        rc = build_marks(b, e);
    if (rc == 0)
        rc = audience_end(b->m.au, e);
    b->m.took_ms = mono_ms() - b->m.began_ms;
    if (rc != 0) {
        audience_free(b->m.au);
        b->m.au = NULL;
    }
    return rc;
}

/* --- models ------------------------------------------------------------------------------------------------------------ */

/* Frees what nobody has and nobody will get. Under the lock. */
static void tidy(struct audiences *a)
{
    for (size_t i = 0; i < MODELS; i++) {
        struct model *m = &a->model[i];
        if (m->au == NULL || m->users > 0 || m == a->last)
            continue;
        audience_free(m->au);
        m->au = NULL;
    }
}

static struct model *free_place(struct audiences *a)
{
    for (size_t i = 0; i < MODELS; i++)
        if (a->model[i].au == NULL)
            return &a->model[i];
    return NULL;
}

/* Waits until somebody wants one and there is a place for it. false: it is time to stop. Under the lock. */
static bool next_build(struct audiences *a)
{
    while (!a->closed && (a->wanted == a->begun || free_place(a) == NULL))
        pthread_cond_wait(&a->wake, &a->lock);
    if (!a->closed) {
        a->begun = a->wanted;
        a->building = true;
    }
    return !a->closed;
}

static void keep(struct audiences *a, const struct build *b, int rc, const struct err *e)
{
    a->building = false;
    if (rc == 0) {
        struct model *place = free_place(a);
        *place = b->m;
        a->last = place;
        a->served = a->begun;
        a->builds++;
        tidy(a);
    } else {
        a->failed = a->begun;
        a->why = *e;
    }
    pthread_cond_broadcast(&a->built);
}

static void *builder_run(void *arg)
{
    struct audiences *a = arg;
    struct build b = {.a = a, .arena = arena_create(AUDIENCE_ARENA)};
    struct err e = {0};
    if (b.arena == NULL || store_open(&b.s, a->g->o.store_url, &(struct store_options){.read_only = true}, &e) != 0) {
        log_error("audiences", "cannot open the database for reading: %s", e.text);
        abort(); /* start-up opened the same file a moment ago */
    }
    pthread_mutex_lock(&a->lock);
    while (next_build(a)) {
        pthread_mutex_unlock(&a->lock);
        e = (struct err){0};
        int rc = build(&b, &e);
        if (rc != 0 && rc != WL_EBUSY)
            log_warn("audiences", "the people could not be read for segments: %s", e.text);
        pthread_mutex_lock(&a->lock);
        keep(a, &b, rc, &e);
    }
    pthread_mutex_unlock(&a->lock);
    store_free(b.s);
    arena_free(b.arena);
    return NULL;
}

/* --- borrowing --------------------------------------------------------------------------------------------------------- */

enum age { AGE_GOOD, AGE_SHOWN, AGE_OLD };

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static enum age age_of(const struct audiences *a, const struct model *m)
{
    if (m == NULL)
        return AGE_OLD;
    int64_t age = mono_ms() - m->began_ms, took = m->took_ms;
    if (age < KEPT_MS && m->commits == commits_of(a))
        return AGE_GOOD;
    if (audience_people(m->au) + (size_t)m->marks <= AUDIENCE_EXACT)
        return AGE_OLD;
    if (age <= least(USED_TIMES * took, most(USED_MS, USED_LEAST * took)))
        return AGE_GOOD;
    return age <= most(SHOWN_MS, SHOWN_LEAST * took) ? AGE_SHOWN : AGE_OLD;
}

static int wait_for(struct audiences *a, uint64_t number, struct err *e)
{
    while (!a->closed && a->served < number && a->failed < number)
        pthread_cond_wait(&a->built, &a->lock);
    if (a->served >= number)
        return 0;
    if (a->failed < number || a->closed)
        return err_set(e, WL_EBUSY, "the gateway is being stopped");
    *e = a->why;
    return a->why.code;
}

/* Under the lock. A request that no build began for yet is served by the same one. */
static uint64_t want(struct audiences *a, bool fresh)
{
    if (fresh || a->wanted == a->begun)
        a->wanted++;
    pthread_cond_signal(&a->wake);
    return a->wanted;
}

int audience_borrow(struct audiences *a, bool fresh, const struct audience **ret, struct err *e)
{
    int rc = 0;
    struct err ours = {0};
    pthread_mutex_lock(&a->lock);
    enum age age = fresh ? AGE_OLD : age_of(a, a->last);
    if (a->closed)
        rc = err_set(&ours, WL_EBUSY, "the gateway is being stopped");
    else if (age == AGE_OLD)
        rc = wait_for(a, want(a, fresh), &ours);
    else if (age == AGE_SHOWN && !a->building)
        want(a, false);
    if (rc == 0) {
        a->last->users++;
        *ret = a->last->au;
    }
    pthread_mutex_unlock(&a->lock);
    return rc == 0 ? 0 : err_set(e, rc, "%s", ours.text);
}

static struct model *model_of(struct audiences *a, const struct audience *au)
{
    for (size_t i = 0; i < MODELS; i++)
        if (a->model[i].au == au)
            return &a->model[i];
    abort(); /* it was never lent out */
}

void audience_return(struct audiences *a, const struct audience *au)
{
    pthread_mutex_lock(&a->lock);
    model_of(a, au)->users--;
    tidy(a);
    pthread_cond_signal(&a->wake); /* there may be a place now */
    pthread_mutex_unlock(&a->lock);
}

int64_t audience_as_of(struct audiences *a, const struct audience *au)
{
    pthread_mutex_lock(&a->lock);
    bool current = model_of(a, au)->commits == commits_of(a);
    pthread_mutex_unlock(&a->lock);
    return current ? clock_now_ms() : audience_at(au);
}

void audiences_look(struct audiences *a, struct audiences_look *ret)
{
    pthread_mutex_lock(&a->lock);
    *ret = (struct audiences_look){.builds = a->builds, .building = a->building};
    const struct model *m = a->last;
    if (m != NULL && m->au != NULL) {
        ret->at = audience_at(m->au);
        ret->took_ms = m->took_ms;
        ret->people = audience_people(m->au);
        ret->bytes = audience_bytes(m->au);
        ret->campaigns = m->campaigns;
        ret->marks = m->marks;
        ret->current = m->commits == commits_of(a);
    }
    pthread_mutex_unlock(&a->lock);
}

/* --- questions --------------------------------------------------------------------------------------------------------- */

int audience_ask(struct audiences *a, struct audience_job *job, struct err *e)
{
    job->link.next = NULL;
    pthread_mutex_lock(&a->lock);
    bool closed = a->closed, taken = !closed && a->waiting < AUDIENCE_QUESTIONS_MAX;
    if (taken) {
        *a->end = &job->link;
        a->end = &job->link.next;
        a->waiting++;
        pthread_cond_signal(&a->asked);
    }
    pthread_mutex_unlock(&a->lock);
    if (taken)
        return 0;
    return err_set(e, WL_EBUSY,
                   closed ? "the gateway is being stopped"
                          : "too many questions about segments are waiting; try again in a moment");
}

/* Waits for the next question. NULL: the line is closed and empty. */
static struct audience_job *take(struct audiences *a)
{
    struct audience_job *job = NULL;
    pthread_mutex_lock(&a->lock);
    while (a->first == NULL && !a->closed)
        pthread_cond_wait(&a->asked, &a->lock);
    if (a->first != NULL) {
        job = container_of(a->first, struct audience_job, link);
        a->first = a->first->next;
        a->end = a->first != NULL ? a->end : &a->first;
        a->waiting--;
    }
    pthread_mutex_unlock(&a->lock);
    return job;
}

static void answer(struct audiences *a, struct store *s, struct arena *arena, struct audience_job *job)
{
    const struct audience *au = NULL;
    struct err e = {0};
    int rc = audience_borrow(a, job->fresh, &au, &e);
    if (rc == 0)
        rc = store_begin_reading(s, &e);
    if (rc == 0)
        job->run(job, au, s, arena, &e);
    else
        job->run(job, NULL, s, arena, &e);
    store_rollback(s);
    if (au != NULL)
        audience_return(a, au);
}

static void *answerer_run(void *arg)
{
    struct audiences *a = arg;
    struct arena *arena = arena_create(AUDIENCE_ARENA);
    struct store *s = NULL;
    struct err e = {0};
    if (arena == NULL || store_open(&s, a->g->o.store_url, &(struct store_options){.read_only = true}, &e) != 0) {
        log_error("audiences", "cannot open the database for reading: %s", e.text);
        abort();
    }
    for (struct audience_job *job; (job = take(a)) != NULL; arena_reset(arena))
        answer(a, s, arena, job);
    store_free(s);
    arena_free(arena);
    return NULL;
}

/* --- its life ---------------------------------------------------------------------------------------------------------- */

int audiences_start(struct audiences **ret, struct gateway *g, struct err *e)
{
    struct audiences *a = calloc(1, sizeof *a);
    if (a == NULL)
        abort();
    a->g = g;
    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->wake, NULL);
    pthread_cond_init(&a->built, NULL);
    pthread_cond_init(&a->asked, NULL);
    a->end = &a->first;
    a->has_builder = thread_start(&a->builder, "audience", builder_run, a) == 0;
    while (a->has_builder && a->n_answerers < ANSWERERS &&
           thread_start(&a->answerer[a->n_answerers], "segments", answerer_run, a) == 0)
        a->n_answerers++;
    *ret = a;
    return a->n_answerers == ANSWERERS ? 0 : err_set(e, WL_EIO, "cannot start the threads that answer segments");
}

/* Who waits for a build is told, and so is whoever waits in line, each by an answerer that finds it closed. */
void audiences_hurry(struct audiences *a)
{
    if (a == NULL)
        return;
    pthread_mutex_lock(&a->lock);
    a->closed = true;
    pthread_cond_broadcast(&a->wake);
    pthread_cond_broadcast(&a->built);
    pthread_cond_broadcast(&a->asked);
    pthread_mutex_unlock(&a->lock);
}

void audiences_stop(struct audiences *a)
{
    if (a == NULL || a->stopped)
        return;
    audiences_hurry(a);
    for (size_t i = 0; i < a->n_answerers; i++)
        pthread_join(a->answerer[i], NULL);
    if (a->has_builder)
        pthread_join(a->builder, NULL);
    a->stopped = true;
}

void audiences_free(struct audiences *a)
{
    if (a == NULL)
        return;
    audiences_stop(a);
    for (size_t i = 0; i < MODELS; i++)
        audience_free(a->model[i].au);
    pthread_cond_destroy(&a->asked);
    pthread_cond_destroy(&a->built);
    pthread_cond_destroy(&a->wake);
    pthread_mutex_destroy(&a->lock);
    free(a);
}
