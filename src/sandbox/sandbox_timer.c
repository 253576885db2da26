/* SPDX-License-Identifier: Apache-2.0
 * sandbox_timer.c - see sandbox_timer.h.
 *
 * Owns the heap and its thread. The thread takes due items in small groups so that the lock is never held while one
 * runs; callbacks may therefore add items themselves. It refuses nothing and aborts when memory runs out. */
#include "sandbox/sandbox_timer.h"

#include <stdlib.h>
#include <time.h>

#include "base/clock.h"
#include "base/thread.h"

#define GROUP 64

static bool earlier(const struct sbx_timer_item *a, const struct sbx_timer_item *b)
{
    return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

static void sift_up(struct sbx_timer *t, size_t i)
{
    struct sbx_timer_item item = t->heap[i];
    while (i > 0 && earlier(&item, &t->heap[(i - 1) / 2])) {
        t->heap[i] = t->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    t->heap[i] = item;
}

static void sift_down(struct sbx_timer *t, size_t i)
{
    struct sbx_timer_item item = t->heap[i];
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= t->n)
            break;
        if (child + 1 < t->n && earlier(&t->heap[child + 1], &t->heap[child]))
            child++;
        if (!earlier(&t->heap[child], &item))
            break;
        t->heap[i] = t->heap[child];
        i = child;
    }
    t->heap[i] = item;
}

static struct sbx_timer_item pop(struct sbx_timer *t)
{
    struct sbx_timer_item first = t->heap[0];
    t->n--;
    if (t->n > 0) {
        t->heap[0] = t->heap[t->n];
        sift_down(t, 0);
    }
    return first;
}

static void sleep_until(struct sbx_timer *t, int64_t due_ns)
{
    struct timespec at = {.tv_sec = (time_t)(due_ns / 1000000000), .tv_nsec = (long)(due_ns % 1000000000)};
    pthread_cond_timedwait(&t->wake, &t->lock, &at);
}

static size_t take_due(struct sbx_timer *t, struct sbx_timer_item *group)
{
    size_t n = 0;
    int64_t now = clock_mono_ns();
    while (n < GROUP && t->n > 0 && t->heap[0].due_ns <= now)
        group[n++] = pop(t);
    return n;
}

static void *run(void *arg)
{
    struct sbx_timer *t = arg;
    struct sbx_timer_item group[GROUP];
    pthread_mutex_lock(&t->lock);
    while (!t->stopping) {
        size_t n = take_due(t, group);
        if (n == 0 && !t->kicked) {
            if (t->n > 0)
                sleep_until(t, t->heap[0].due_ns);
            else
                pthread_cond_wait(&t->wake, &t->lock);
            continue;
        }
        t->kicked = false;
        pthread_mutex_unlock(&t->lock);
        for (size_t i = 0; i < n; i++)
            group[i].fire(t->ctx, group[i].arg);
        t->round(t->ctx);
        pthread_mutex_lock(&t->lock);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

void sbx_timer_init(struct sbx_timer *t, void (*round)(void *ctx), void *ctx)
{
    *t = (struct sbx_timer){.round = round, .ctx = ctx};
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->wake, &attr);
    pthread_condattr_destroy(&attr);
}

int sbx_timer_start(struct sbx_timer *t, struct err *e)
{
    if (thread_start(&t->thread, "sandbox-timer", run, t) != 0)
        return err_set(e, WL_EIO, "the timer thread could not be started");
    t->running = true;
    return 0;
}

void sbx_timer_stop(struct sbx_timer *t)
{
    pthread_mutex_lock(&t->lock);
    t->stopping = true;
    pthread_cond_broadcast(&t->wake);
    pthread_mutex_unlock(&t->lock);
    if (t->running)
        pthread_join(t->thread, NULL);
    t->running = false;
    pthread_mutex_lock(&t->lock);
    while (t->n > 0) {
        struct sbx_timer_item item = pop(t);
        pthread_mutex_unlock(&t->lock);
        item.drop(t->ctx, item.arg);
        pthread_mutex_lock(&t->lock);
    }
    pthread_mutex_unlock(&t->lock);
}

void sbx_timer_done(struct sbx_timer *t)
{
    free(t->heap);
    pthread_cond_destroy(&t->wake);
    pthread_mutex_destroy(&t->lock);
}

void sbx_timer_add(struct sbx_timer *t, int64_t after_ms, void (*fire)(void *ctx, void *arg),
                   void (*drop)(void *ctx, void *arg), void *arg)
{
    int64_t due = clock_mono_ns() + after_ms * 1000000;
    pthread_mutex_lock(&t->lock);
    if (t->stopping) {
        pthread_mutex_unlock(&t->lock);
        drop(t->ctx, arg);
        return;
    }
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 256;
        t->heap = reallocarray(t->heap, t->cap, sizeof *t->heap);
        if (t->heap == NULL)
            abort();
    }
    t->heap[t->n] = (struct sbx_timer_item){due, t->next_order++, fire, drop, arg};
    sift_up(t, t->n++);
    /* Only a new first item changes when the thread must wake. */
    if (t->heap[0].arg == arg && t->heap[0].due_ns == due)
        pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
}

void sbx_timer_kick(struct sbx_timer *t)
{
    pthread_mutex_lock(&t->lock);
    t->kicked = true;
    pthread_cond_signal(&t->wake);
    pthread_mutex_unlock(&t->lock);
}

void sbx_timer_drop_if(struct sbx_timer *t, void (*fire)(void *ctx, void *arg))
{
    pthread_mutex_lock(&t->lock);
    size_t kept = 0, n_out = 0;
    struct sbx_timer_item *out = t->n ? calloc(t->n, sizeof *out) : NULL;
    if (t->n > 0 && out == NULL)
        abort();
    for (size_t i = 0; i < t->n; i++) {
        if (t->heap[i].fire == fire)
            out[n_out++] = t->heap[i];
        else
            t->heap[kept++] = t->heap[i];
    }
    t->n = kept;
    for (size_t i = kept / 2; i-- > 0;)
        sift_down(t, i);
    pthread_mutex_unlock(&t->lock);
    for (size_t i = 0; i < n_out; i++)
        out[i].drop(t->ctx, out[i].arg);
    free(out);
}

size_t sbx_timer_count(struct sbx_timer *t)
{
    pthread_mutex_lock(&t->lock);
    size_t n = t->n;
    pthread_mutex_unlock(&t->lock);
    return n;
}
