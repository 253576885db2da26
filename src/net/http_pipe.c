/* SPDX-License-Identifier: Apache-2.0
 * http_pipe.c - the bounded ring behind http_pipe.h.
 *
 * One mutex guards the ring. A side that was told "not now" leaves a wish (want_read, want_write); the other
 * side fulfils it by calling back after the ring's lock is released. Each direction's callback has a lock of its
 * own, held while it is registered and while it runs: when http_pipe_on_readable(p, NULL, NULL) returns, the
 * old callback is neither running nor going to run, so its context may be freed. The ring's memory appears with
 * the first byte and never grows past the capacity.
 *
 * It refuses to be used by two writers or two readers, and a callback must not touch the pipe. */
#include "net/http_pipe.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct wish {
    pthread_mutex_t lock;
    void (*wake)(void *);
    void *ctx;
};

struct http_pipe {
    pthread_mutex_t lock;
    atomic_uint refs;
    unsigned char *ring; /* NULL until the first write */
    size_t capacity, head, used;
    bool finished, aborted, want_read, want_write;
    struct wish readable, writable;
};

struct http_pipe *http_pipe_create(size_t capacity)
{
    struct http_pipe *p = calloc(1, sizeof *p);
    if (p == NULL)
        abort();
    p->capacity = capacity > 0 ? capacity : 1;
    atomic_init(&p->refs, 1);
    pthread_mutex_init(&p->lock, NULL);
    pthread_mutex_init(&p->readable.lock, NULL);
    pthread_mutex_init(&p->writable.lock, NULL);
    return p;
}

struct http_pipe *http_pipe_ref(struct http_pipe *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
    return p;
}

void http_pipe_unref(struct http_pipe *p)
{
    if (p == NULL || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    pthread_mutex_destroy(&p->lock);
    pthread_mutex_destroy(&p->readable.lock);
    pthread_mutex_destroy(&p->writable.lock);
    free(p->ring);
    free(p);
}

static void wish_set(struct wish *w, void (*wake)(void *), void *ctx)
{
    pthread_mutex_lock(&w->lock);
    w->wake = wake;
    w->ctx = ctx;
    pthread_mutex_unlock(&w->lock);
}

static void wish_call(struct wish *w)
{
    pthread_mutex_lock(&w->lock);
    if (w->wake != NULL)
        w->wake(w->ctx);
    pthread_mutex_unlock(&w->lock);
}

void http_pipe_on_readable(struct http_pipe *p, void (*wake)(void *), void *ctx)
{
    wish_set(&p->readable, wake, ctx);
}

void http_pipe_on_writable(struct http_pipe *p, void (*wake)(void *), void *ctx)
{
    wish_set(&p->writable, wake, ctx);
}

/* Copies in at most two pieces; the caller holds the lock and has checked the room. */
static void ring_put(struct http_pipe *p, const unsigned char *data, size_t n)
{
    size_t at = (p->head + p->used) % p->capacity;
    size_t first = p->capacity - at < n ? p->capacity - at : n;
    memcpy(p->ring + at, data, first);
    memcpy(p->ring, data + first, n - first);
    p->used += n;
}

static void ring_get(struct http_pipe *p, unsigned char *out, size_t n)
{
    size_t first = p->capacity - p->head < n ? p->capacity - p->head : n;
    memcpy(out, p->ring + p->head, first);
    memcpy(out + first, p->ring, n - first);
    p->head = (p->head + n) % p->capacity;
    p->used -= n;
}

ssize_t http_pipe_write(struct http_pipe *p, const void *data, size_t n)
{
    bool wake = false;
    ssize_t taken;
    pthread_mutex_lock(&p->lock);
    if (p->aborted || p->finished) {
        taken = HTTP_PIPE_ABORTED;
    } else {
        size_t room = p->capacity - p->used;
        if (n > room)
            n = room;
        if (p->ring == NULL && n > 0 && (p->ring = malloc(p->capacity)) == NULL)
            abort();
        if (n > 0)
            ring_put(p, data, n);
        else
            p->want_write = true;
        wake = p->want_read && n > 0;
        if (wake)
            p->want_read = false;
        taken = (ssize_t)n;
    }
    pthread_mutex_unlock(&p->lock);
    if (wake)
        wish_call(&p->readable);
    return taken;
}

ssize_t http_pipe_read(struct http_pipe *p, void *out, size_t n)
{
    bool wake = false;
    ssize_t got;
    pthread_mutex_lock(&p->lock);
    if (p->aborted) {
        got = HTTP_PIPE_ABORTED;
    } else if (p->used == 0 && p->finished) {
        got = HTTP_PIPE_END;
    } else {
        if (n > p->used)
            n = p->used;
        if (n > 0)
            ring_get(p, out, n);
        else
            p->want_read = true;
        wake = p->want_write && n > 0;
        if (wake)
            p->want_write = false;
        got = (ssize_t)n;
    }
    pthread_mutex_unlock(&p->lock);
    if (wake)
        wish_call(&p->writable);
    return got;
}

void http_pipe_finish(struct http_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    p->finished = true;
    bool wake = p->want_read;
    p->want_read = false;
    pthread_mutex_unlock(&p->lock);
    if (wake)
        wish_call(&p->readable);
}

void http_pipe_abort(struct http_pipe *p)
{
    pthread_mutex_lock(&p->lock);
    bool first = !p->aborted;
    p->aborted = true;
    p->want_read = p->want_write = false;
    pthread_mutex_unlock(&p->lock);
    if (first) {
        wish_call(&p->readable);
        wish_call(&p->writable);
    }
}
