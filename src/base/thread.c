/* SPDX-License-Identifier: Apache-2.0
 * thread.c - the queues between threads, and starting threads.
 *
 * A queue is a linked list under one mutex; the links live in the things queued, so pushing never allocates
 * and never fails but for being full or closed. The consumer sleeps on a condition variable (monotonic
 * clock), or watches an eventfd that is written when the queue becomes non-empty or closed and read when it
 * is empty again; both happen under the lock, so the descriptor never lies. A started thread receives no
 * signals but its own faults: signals belong to the main thread. There are no locks for general use here. */
#include "base/thread.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/err.h"

int queue_init(struct queue *q, size_t max, bool with_fd)
{
    int fd = -1;
    if (with_fd) {
        fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (fd < 0)
            return WL_EIO;
    }
    *q = (struct queue){.max = max, .fd = fd};
    q->tail = &q->head;
    pthread_condattr_t attr;
    bool ok = pthread_condattr_init(&attr) == 0 && pthread_condattr_setclock(&attr, CLOCK_MONOTONIC) == 0 &&
              pthread_mutex_init(&q->lock, NULL) == 0 && pthread_cond_init(&q->wake, &attr) == 0;
    pthread_condattr_destroy(&attr);
    if (ok)
        return WL_OK;
    if (fd >= 0)
        close(fd);
    return WL_EIO;
}

void queue_done(struct queue *q)
{
    if (q == NULL || q->tail == NULL)
        return;
    if (q->fd >= 0)
        close(q->fd);
    pthread_cond_destroy(&q->wake);
    pthread_mutex_destroy(&q->lock);
    *q = (struct queue){.fd = -1};
}

/* Both with the lock held. The counter is 0 or 1, so neither can block nor fail but by a bug. */
static void fd_raise(struct queue *q)
{
    if (q->fd >= 0 && eventfd_write(q->fd, 1) != 0)
        abort();
}

static void fd_lower(struct queue *q)
{
    eventfd_t unused;
    if (q->fd >= 0 && eventfd_read(q->fd, &unused) != 0 && errno != EAGAIN)
        abort();
}

static bool push(struct queue *q, struct queue_link *l, bool quietly)
{
    pthread_mutex_lock(&q->lock);
    bool taken = !q->closed && q->count < q->max;
    if (taken) {
        l->next = NULL;
        *q->tail = l;
        q->tail = &l->next;
        bool first = q->count++ == 0;
        if (!quietly && (first || q->unwoken)) {
            q->unwoken = false;
            pthread_cond_signal(&q->wake);
            fd_raise(q);
        } else {
            q->unwoken |= quietly && first;
        }
    }
    pthread_mutex_unlock(&q->lock);
    return taken;
}

bool queue_push(struct queue *q, struct queue_link *l)
{
    return push(q, l, false);
}

bool queue_push_quietly(struct queue *q, struct queue_link *l)
{
    return push(q, l, true);
}

void queue_wake(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    if (q->unwoken && q->head != NULL) {
        pthread_cond_signal(&q->wake);
        fd_raise(q);
    }
    q->unwoken = false;
    pthread_mutex_unlock(&q->lock);
}

static struct timespec deadline_in(int64_t ms)
{
    const int64_t longest = (int64_t)365 * 86400 * 1000;
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    ms = ms > longest ? longest : ms;
    t.tv_sec += (time_t)(ms / 1000);
    t.tv_nsec += (long)(ms % 1000) * 1000000L;
    if (t.tv_nsec >= 1000000000L) {
        t.tv_sec++;
        t.tv_nsec -= 1000000000L;
    }
    return t;
}

/* With the lock held: waits until there is something, the queue is closed, or the time is over. */
static void wait_for_work(struct queue *q, int64_t wait_ms)
{
    if (wait_ms < 0) {
        while (q->head == NULL && !q->closed)
            pthread_cond_wait(&q->wake, &q->lock);
        return;
    }
    struct timespec until = deadline_in(wait_ms);
    while (q->head == NULL && !q->closed)
        if (pthread_cond_timedwait(&q->wake, &q->lock, &until) == ETIMEDOUT)
            return;
}

struct queue_link *queue_take(struct queue *q, size_t max, int64_t wait_ms, size_t *ret_count)
{
    pthread_mutex_lock(&q->lock);
    if (q->head == NULL && !q->closed && wait_ms != 0 && max > 0)
        wait_for_work(q, wait_ms);
    struct queue_link *chain = max > 0 ? q->head : NULL, *last = NULL;
    size_t n = 0;
    if (q->count <= max) {
        n = q->count;
        last = n > 0 ? container_of(q->tail, struct queue_link, next) : NULL;
    } else {
        for (struct queue_link *l = chain; n < max; l = l->next, n++)
            last = l;
    }
    if (last != NULL) {
        q->head = last->next;
        last->next = NULL;
        q->count -= n;
        if (q->head == NULL) {
            q->tail = &q->head;
            if (!q->closed)
                fd_lower(q);
        }
    }
    pthread_mutex_unlock(&q->lock);
    if (ret_count != NULL)
        *ret_count = n;
    return chain;
}

int queue_fd(const struct queue *q)
{
    return q->fd;
}

size_t queue_count(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    size_t n = q->count;
    pthread_mutex_unlock(&q->lock);
    return n;
}

void queue_close(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    if (!q->closed) {
        q->closed = true;
        fd_raise(q);
        pthread_cond_broadcast(&q->wake);
    }
    pthread_mutex_unlock(&q->lock);
}

bool queue_closed(struct queue *q)
{
    pthread_mutex_lock(&q->lock);
    bool over = q->closed && q->head == NULL;
    pthread_mutex_unlock(&q->lock);
    return over;
}

int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *arg)
{
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP, SIGSYS};
    sigset_t none, before;
    sigfillset(&none);
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigdelset(&none, faults[i]);
    /* A new thread inherits its maker's mask; so there is no moment in which a signal could reach it. */
    if (pthread_sigmask(SIG_SETMASK, &none, &before) != 0)
        return WL_EIO;
    pthread_t t;
    int rc = pthread_create(&t, NULL, run, arg);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (rc != 0)
        return WL_EIO;
    char shown[16];
    snprintf(shown, sizeof shown, "%s", name);
    pthread_setname_np(t, shown);
    *ret = t;
    return WL_OK;
}
