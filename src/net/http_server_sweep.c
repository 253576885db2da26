/* SPDX-License-Identifier: Apache-2.0
 * http_server_sweep.c - the thread that ends connections of clients that take their time.
 *
 * libmicrohttpd closes a connection that is silent for idle_seconds; a client that sends a byte now and then is
 * never silent. So once a second this thread looks at every connection: a request's head and body must be in
 * after request_seconds, a streamed body and a streamed answer must keep moving at LEAST_RATE on average, and time
 * during which we made the client wait does not count. Whether bytes of an unfinished request line have come is
 * asked of the kernel (TCP_INFO), as libmicrohttpd does not tell. Ending is shutdown(2): the connection's own
 * thread then sees the end and cleans up.
 *
 * It also wakes libmicrohttpd's threads when one may be asleep on ready connections: its epoll loop, having got
 * exactly 128 events, waits again before it serves them, and with all clients waiting for answers that wait has no
 * end. Adding a dead connection makes it look. And it ends connections whose client has closed long ago: told of the
 * last bytes and of the end in one event, libmicrohttpd reads the bytes and never looks for the end.
 *
 * This file refuses to judge a request's content. */
#include "net/http_server_impl.h"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define SWEEP_MS     1000
#define WATCH_MS     10  /* between looks for a sleeping thread */
#define REST_MS      200 /* the same while none can be: fewer connections than one round of events */
#define STILL_LOOKS  128 /* looks between wakings of a worker that stands still for long */
#define ROUND        120 /* a little below libmicrohttpd's 128 */
#define SLOP_MS      50  /* between the kernel's clock and when we noticed */
#define HEAD_LOOK_MS 900

static bool head_began(const struct conn *c, int64_t waited)
{
    struct tcp_info info;
    socklen_t n = sizeof info;
    if (getsockopt(c->fd, IPPROTO_TCP, TCP_INFO, &info, &n) != 0)
        return false;
    return (int64_t)info.tcpi_last_data_recv + SLOP_MS < waited;
}

/* Whether the connection has used up its time; called with the server's lock held. */
static bool overdue(struct http_server *s, struct conn *c, int64_t now)
{
    int64_t since = atomic_load_explicit(&c->since_ms, memory_order_relaxed);
    int64_t moved = atomic_load_explicit(&c->moved, memory_order_relaxed) * 1000 / LEAST_RATE;
    int64_t request_ms = (int64_t)s->o.request_seconds * 1000, idle_ms = (int64_t)s->o.idle_seconds * 1000;
    switch (atomic_load_explicit(&c->phase, memory_order_relaxed)) {
    case PHASE_WAIT: {
        int64_t head = atomic_load_explicit(&c->head_since_ms, memory_order_relaxed);
        if (head > 0)
            return now - head > request_ms;
        if (now - since > HEAD_LOOK_MS && head_began(c, now - since))
            atomic_store_explicit(&c->head_since_ms, now - HEAD_LOOK_MS, memory_order_relaxed);
        return now - since > idle_ms + 2 * SWEEP_MS;
    }
    case PHASE_READ:
        return now - since > request_ms + (atomic_load_explicit(&c->streaming, memory_order_relaxed) ? moved : 0);
    case PHASE_WRITE:
        return now - since > idle_ms + moved;
    default:
        return false; /* we are the ones to move */
    }
}

/* The client has closed while we waited for more of it, and two looks in a row found nothing left to read. */
static bool end_missed(struct conn *c)
{
    int phase = atomic_load_explicit(&c->phase, memory_order_relaxed);
    int64_t since = atomic_load_explicit(&c->since_ms, memory_order_relaxed);
    int64_t moved = atomic_load_explicit(&c->moved, memory_order_relaxed);
    char byte;
    bool seen = (phase == PHASE_WAIT || phase == PHASE_READ) && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) == 0;
    bool again = seen && c->end.seen && c->end.since_ms == since && c->end.moved == moved;
    c->end.seen = seen;
    c->end.since_ms = since;
    c->end.moved = moved;
    return again;
}

static void sweep(struct http_server *s)
{
    int64_t now = coarse_ms();
    pthread_mutex_lock(&s->lock);
    for (struct conn *c = s->conns; c != NULL; c = c->next)
        if (overdue(s, c, now) || end_missed(c))
            shutdown(c->fd, SHUT_RDWR); /* under the lock the descriptor is still this connection's */
    pthread_mutex_unlock(&s->lock);
}

/* A connection that has ended already, for worker `index` (it is the descriptor's number that chooses). */
static void kick(struct http_server *s, unsigned index)
{
    struct sockaddr_un nobody = {.sun_family = AF_UNIX};
    int pair[2], fd;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0)
        return;
    close(pair[1]);
    for (fd = pair[0]; fd >= 0 && (unsigned)fd % s->o.threads != index;) {
        int next = fcntl(pair[0], F_DUPFD_CLOEXEC, fd + 1);
        if (fd != pair[0])
            close(fd);
        fd = next;
    }
    if (fd >= 0)
        (void)MHD_add_connection(s->daemon, fd, (struct sockaddr *)&nobody, sizeof(sa_family_t));
    if (fd != pair[0])
        close(pair[0]);
}

/* A worker whose count stands still may be asleep: wake all. Again after twice the time, because a worker that was only
 * slow may fall asleep after it was woken; at last about once a second. */
static void watch(struct http_server *s)
{
    bool asleep = false;
    pthread_mutex_lock(&s->lock);
    for (unsigned i = 0; i < s->n_workers; i++) {
        struct worker *w = s->workers[i];
        unsigned long long count = atomic_load_explicit(&w->requests, memory_order_relaxed);
        w->still = count == w->last ? w->still + 1 : 0;
        asleep |= w->still != 0 && ((w->still & (w->still - 1)) == 0 || w->still % STILL_LOOKS == 0);
        w->last = count;
    }
    pthread_mutex_unlock(&s->lock);
    if (asleep)
        for (unsigned i = 0; i < s->o.threads; i++)
            kick(s, i);
}

void *sweep_run(void *server)
{
    struct http_server *s = server;
    int64_t swept = coarse_ms();
    for (;;) {
        bool many = atomic_load_explicit(&s->connections_now, memory_order_relaxed) >= ROUND;
        struct timespec t;
        clock_gettime(CLOCK_MONOTONIC, &t);
        t.tv_nsec += (many ? WATCH_MS : REST_MS) * 1000000L;
        t.tv_sec += t.tv_nsec / 1000000000L;
        t.tv_nsec %= 1000000000L;
        pthread_mutex_lock(&s->lock);
        if (!s->sweeper_ends)
            pthread_cond_timedwait(&s->tick, &s->lock, &t);
        bool ends = s->sweeper_ends;
        pthread_mutex_unlock(&s->lock);
        if (ends)
            return NULL;
        if (many)
            watch(s);
        if (coarse_ms() - swept >= SWEEP_MS) {
            swept = coarse_ms();
            sweep(s);
        }
    }
}
