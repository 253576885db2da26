/* SPDX-License-Identifier: Apache-2.0
 * fanout.c - one thread hands webhooks on to all subscribers.
 *
 * It waits for a bell (more was applied, subscribers changed), for answers of its own HTTP client, and for the time a
 * window named; then it turns to each subscriber something happened to: reads on where there is room, starts what may go. So a slow
 * subscriber, or one that is down, costs its window and nobody's time. What comes goes before what is tried once more, and that
 * before what is handed over again.
 *
 * Thread and client run at a lower priority than the threads that thank Meta and decide. When it is told to stop it begins nothing
 * more, waits a moment for what is on its way, and writes down how far it got. */
#include "gateway/fanout_impl.h"

#include <stdlib.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/log.h"

#define NICE     5
#define NOTE_MS  200
#define GRACE_MS 2000
#define CALLS    (SUBSCRIBERS_MAX * SUBSCRIBER_PARALLEL_MAX)
#define ROOM     (64u << 20) /* of a batch of bodies, and of one that is cut */

/* --- one subscriber's turn -------------------------------------------------------------------------------------------- */

static void hand_over(struct fanout *f, struct stream *st)
{
    struct target *t = st->target;
    st->wake_ms = INT64_MAX;
    if (st->window == NULL || st->anew)
        return;
    while (t->open < t->parallel) {
        const struct delivery_thing *thing = delivery_next(st->window, fanout_mono_ms(), &st->wake_ms);
        st->idle = thing == NULL;
        if (thing == NULL)
            return;
        if (!post_start(f, thing->user, thing)) {
            delivery_untried(st->window, thing);
            return;
        }
    }
}

/* True: there is more to do at once. */
static bool turn_to(struct fanout *f, struct target *t)
{
    bool more = false;
    t->touched = false;
    if (t->broken || t->paused)
        return false;
    for (int k = 0; k < STREAMS; k++) {
        struct stream *st = &t->stream[k];
        more |= stream_fill(f, st);
        hand_over(f, st);
    }
    t->touched = more;
    return more;
}

/* When it is to be looked at again without anything happening to it. */
static int64_t wake_of(const struct target *t)
{
    int64_t wake = INT64_MAX;
    if (t->broken || t->paused || t->open >= t->parallel)
        return wake;
    for (int k = 0; k < STREAMS; k++)
        if (t->stream[k].wake_ms < wake)
            wake = t->stream[k].wake_ms;
    return wake;
}

static void drop_gone(struct fanout *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->n; i++) {
        struct target *t = f->target[i];
        if (t->gone && t->open == 0 && !f->note.open)
            target_free(t);
        else
            f->target[kept++] = t;
    }
    f->n = kept;
}

/* --- views ------------------------------------------------------------------------------------------------------------ */

static void view_stuck(struct fanout_view *v, const struct stream *st)
{
    const struct post *p = st->n_stuck > 0 ? st->first : NULL;
    while (p != NULL && !p->stuck)
        p = p->next;
    v->stuck = (unsigned)st->n_stuck;
    v->stuck_seq = p != NULL ? p->seq : 0;
    v->stuck_event = p != NULL ? p->event : -1;
    v->stuck_attempts = p != NULL ? p->attempts : 0;
    v->stuck_status = p != NULL ? p->status : 0;
}

static void fill_view(const struct fanout *f, struct target *t)
{
    const struct stream *live = &t->stream[STREAM_LIVE];
    struct fanout_view *v = &t->view;
    int64_t wake = wake_of(t), now = clock_now_ms();
    v->on_their_way = t->open;
    v->position = live->read;
    v->pending = (unsigned)stream_count(live);
    v->oldest_seq = stream_oldest(live, &v->oldest_attempts);
    view_stuck(v, live);
    v->next_at = v->down_since != 0 && wake != INT64_MAX ? now + wake - fanout_mono_ms() : 0;
    v->waiting_at = 0;
    if (v->oldest_seq != 0)
        v->waiting_at = store_id_ms(v->oldest_seq);
    else if ((t->paused || t->broken) && live->read < f->upto)
        v->waiting_at = store_id_ms(live->read);
}

static void publish(struct fanout *f)
{
    pthread_mutex_lock(&f->lock);
    f->n_views = 0;
    for (size_t i = 0; i < f->n; i++)
        if (!f->target[i]->gone)
            f->view[f->n_views++] = f->target[i]->view;
    pthread_mutex_unlock(&f->lock);
}

/* --- the loop --------------------------------------------------------------------------------------------------------- */

static struct queue_link *take_answers(struct fanout *f)
{
    struct queue_link *chain = f->answered;
    f->answered = NULL;
    f->last_answered = &f->answered;
    return chain;
}

static void settle(struct queue_link *chain, bool stopping)
{
    while (chain != NULL) {
        struct post *p = container_of(chain, struct post, link);
        chain = chain->next;
        post_settle(p, stopping);
    }
}

static void touch_all(struct fanout *f)
{
    for (size_t i = 0; i < f->n; i++)
        f->target[i]->touched = true;
}

static void look_how_far(struct fanout *f)
{
    struct err e = {0};
    int64_t upto;
    if (cursor_get(f->reader, "projector", &upto, &e) != 0) {
        log_error("fanout", "how far webhooks were applied cannot be read: %s", e.text);
        f->retry_ms = fanout_mono_ms() + 1000;
        return;
    }
    if (upto != f->upto)
        touch_all(f);
    f->upto = upto;
}

/* True: there is more to do at once. */
static bool turns(struct fanout *f)
{
    bool more = false, any = false;
    int64_t now = fanout_mono_ms();
    for (size_t i = 0; i < f->n; i++) {
        struct target *t = f->target[i];
        if (t->gone || !(t->touched || wake_of(t) <= now))
            continue;
        any = true;
        more |= turn_to(f, t);
        fill_view(f, t);
    }
    http_client_wake(f->client);
    if (any && f->note_ms == INT64_MAX)
        f->note_ms = now + NOTE_MS;
    if (any)
        publish(f);
    return more;
}

static int64_t next_wake(const struct fanout *f)
{
    int64_t wake = f->note.open || f->note_ms > f->retry_ms ? f->retry_ms : f->note_ms;
    for (size_t i = 0; i < f->n; i++)
        if (!f->target[i]->gone && wake_of(f->target[i]) < wake)
            wake = wake_of(f->target[i]);
    return wake;
}

static bool something(const struct fanout *f, bool finishing)
{
    bool asked = f->rung || f->changed || f->stop || f->forget_asked != f->forgot;
    return f->noted || f->answered != NULL || (!finishing && asked);
}

/* With the lock held, until something happens or until then. False: it is then. */
static bool wait_until(struct fanout *f, int64_t mono_ms, bool finishing)
{
    struct timespec ts = {.tv_sec = (time_t)(mono_ms / 1000), .tv_nsec = (long)(mono_ms % 1000 * 1000000)};
    while (!something(f, finishing)) {
        if (mono_ms == INT64_MAX)
            pthread_cond_wait(&f->wake, &f->lock);
        else if (pthread_cond_timedwait(&f->wake, &f->lock, &ts) != 0)
            return false;
    }
    return true;
}

struct news {
    struct queue_link *answers;
    bool rung, changed, stop, noted;
    uint64_t forget;
};

static struct news wait_for_news(struct fanout *f, bool at_once)
{
    pthread_mutex_lock(&f->lock);
    if (!at_once)
        (void)wait_until(f, next_wake(f), false);
    struct news n = {take_answers(f), f->rung, f->changed, f->stop, f->noted, f->forget_asked};
    f->rung = f->changed = f->noted = false;
    pthread_mutex_unlock(&f->lock);
    return n;
}

/* No copy stays but of what is on its way, and no attempt is made with that one. */
static void forget(struct fanout *f, uint64_t asked)
{
    for (size_t i = 0; i < f->n && asked != f->forgot; i++) {
        for (int k = 0; k < STREAMS; k++)
            stream_reread(&f->target[i]->stream[k]);
        f->target[i]->touched = true;
    }
    pthread_mutex_lock(&f->lock);
    f->forgot = asked;
    pthread_cond_broadcast(&f->forgotten);
    pthread_mutex_unlock(&f->lock);
}

static void work(struct fanout *f)
{
    bool more = true;
    for (;;) {
        struct news n = wait_for_news(f, more);
        int64_t now = fanout_mono_ms();
        if (n.noted)
            note_settle(f);
        settle(n.answers, n.stop);
        forget(f, n.forget);
        if (n.stop)
            return;
        f->reload |= n.changed;
        bool retry = f->retry_ms <= now;
        if (retry) {
            f->retry_ms = INT64_MAX;
            touch_all(f);
        }
        if (f->reload && !f->note.open && f->retry_ms == INT64_MAX)
            targets_reload(f);
        if (n.rung || retry)
            look_how_far(f);
        more = turns(f);
        drop_gone(f);
        if (!f->note.open && f->note_ms <= now)
            note_send(f);
    }
}

static size_t on_their_way(const struct fanout *f)
{
    size_t n = 0;
    for (size_t i = 0; i < f->n; i++)
        n += f->target[i]->open;
    return n;
}

/* What is on its way may end, for a moment; then it is as if it had never begun. */
static void finish(struct fanout *f)
{
    int64_t until = fanout_mono_ms() + GRACE_MS;
    bool patient = true;
    while (f->note.open || (patient && on_their_way(f) > 0)) {
        pthread_mutex_lock(&f->lock);
        patient &= wait_until(f, patient ? until : INT64_MAX, true);
        struct queue_link *chain = take_answers(f);
        bool noted = f->noted;
        f->noted = false;
        pthread_mutex_unlock(&f->lock);
        if (noted)
            note_settle(f);
        settle(chain, true);
    }
    http_client_stop(f->client);
    settle(take_answers(f), true);
    note_last(f);
    store_free(f->reader); /* before the writer's: the last to close tidies the database up */
    f->reader = NULL;
}

static void started(struct fanout *f, int rc)
{
    pthread_mutex_lock(&f->lock);
    f->failed = rc;
    f->ready = true;
    pthread_cond_broadcast(&f->wake);
    pthread_mutex_unlock(&f->lock);
}

/* Threads inherit their priority, so the client is made here. */
static void *fanout_run(void *arg)
{
    struct fanout *f = arg;
    struct http_client_options o = {.max_calls = CALLS + SUBSCRIBERS_MAX};
    (void)setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICE);
    int rc = http_client_start(&f->client, &o, &f->why);
    started(f, rc);
    if (rc != 0)
        return NULL;
    f->reload = true;
    look_how_far(f);
    work(f);
    finish(f);
    pthread_mutex_lock(&f->lock);
    f->over = true;
    pthread_cond_broadcast(&f->forgotten);
    pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* --- the face --------------------------------------------------------------------------------------------------------- */

static void give_back(struct fanout *f)
{
    for (size_t i = 0; i < f->n; i++)
        target_free(f->target[i]);
    http_client_free(f->client);
    store_free(f->reader);
    arena_free(f->rows);
    arena_free(f->cut);
    buf_done(&f->restored);
    pthread_cond_destroy(&f->wake);
    pthread_cond_destroy(&f->forgotten);
    pthread_mutex_destroy(&f->lock);
    free(f);
}

static struct fanout *fanout_new(struct gateway *g)
{
    struct fanout *f = calloc(1, sizeof *f);
    pthread_condattr_t monotonic;
    if (f == NULL || (f->rows = arena_create(ROOM)) == NULL || (f->cut = arena_create(ROOM)) == NULL)
        abort();
    f->g = g;
    f->retry_ms = INT64_MAX;
    f->last_answered = &f->answered;
    buf_init(&f->restored, FANOUT_BODY_MAX);
    note_setup(f);
    pthread_mutex_init(&f->lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&f->wake, &monotonic);
    pthread_cond_init(&f->forgotten, NULL);
    pthread_condattr_destroy(&monotonic);
    return f;
}

/* Returns when it has its client or failed to make one. */
static int run_thread(struct fanout *f, struct err *e)
{
    if (thread_start(&f->thread, "fanout", fanout_run, f) != 0)
        return err_set(e, WL_EIO, "cannot start the thread that hands webhooks on");
    pthread_mutex_lock(&f->lock);
    while (!f->ready)
        pthread_cond_wait(&f->wake, &f->lock);
    pthread_mutex_unlock(&f->lock);
    if (f->failed == 0)
        return 0;
    pthread_join(f->thread, NULL);
    return err_set(e, f->failed, "%s", f->why.text);
}

int fanout_start(struct fanout **ret, struct gateway *g, struct err *e)
{
    struct fanout *f = fanout_new(g);
    int rc = fanout_configure(g, e);
    if (rc == 0)
        rc = store_open(&f->reader, g->o.store_url, &(struct store_options){.read_only = true}, e);
    if (rc == 0)
        rc = run_thread(f, e);
    if (rc != 0) {
        give_back(f);
        return rc;
    }
    *ret = f;
    return 0;
}

static void ring(struct fanout *f, bool *bell)
{
    pthread_mutex_lock(&f->lock);
    *bell = true;
    pthread_cond_broadcast(&f->wake);
    pthread_mutex_unlock(&f->lock);
}

void fanout_bell(struct fanout *f)
{
    ring(f, &f->rung);
}

void fanout_changed(struct fanout *f)
{
    ring(f, &f->changed);
}

void fanout_forget(struct fanout *f)
{
    pthread_mutex_lock(&f->lock);
    uint64_t mine = ++f->forget_asked;
    pthread_cond_broadcast(&f->wake);
    while (f->forgot < mine && !f->over)
        pthread_cond_wait(&f->forgotten, &f->lock);
    pthread_mutex_unlock(&f->lock);
}

void fanout_stop(struct fanout *f)
{
    if (f == NULL || f->stop)
        return;
    ring(f, &f->stop);
    pthread_join(f->thread, NULL);
}

void fanout_free(struct fanout *f)
{
    if (f == NULL)
        return;
    fanout_stop(f);
    give_back(f);
}

bool fanout_look(struct fanout *f, int64_t id, struct fanout_view *ret)
{
    bool found = false;
    pthread_mutex_lock(&f->lock);
    for (size_t i = 0; i < f->n_views && !found; i++) {
        found = f->view[i].id == id;
        if (found)
            *ret = f->view[i];
    }
    pthread_mutex_unlock(&f->lock);
    return found;
}

size_t fanout_list(struct fanout *f, struct fanout_view *ret, size_t max)
{
    pthread_mutex_lock(&f->lock);
    size_t n = f->n_views < max ? f->n_views : max;
    memcpy(ret, f->view, n * sizeof *ret);
    pthread_mutex_unlock(&f->lock);
    return n;
}
