/* SPDX-License-Identifier: Apache-2.0
 * thread.h - named threads and the bounded queues that are the only road between them.
 *
 * A queue has many producers and one consumer, holds intrusive links (no allocation) and has a maximum:
 * a full queue refuses, and the face above answers 429 or 503. The consumer waits either in queue_take()
 * or in its own epoll set on queue_fd(). */
#ifndef WL_BASE_THREAD_H
#define WL_BASE_THREAD_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct queue_link {
    struct queue_link *next;
};

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct queue_link *head, **tail;
    size_t count, max;
    int fd; /* eventfd or -1 */
    bool closed;
    bool unwoken; /* something was pushed quietly and nobody was told yet */
};

/* with_fd: also keep an eventfd that is readable while the queue is not empty or closed. 0 or WL_EIO. */
int queue_init(struct queue *q, size_t max, bool with_fd);
void queue_done(struct queue *q);

bool queue_push(struct queue *q, struct queue_link *l); /* false: full or closed; l was not taken */
/* The same without waking the consumer, for whoever pushes many and calls queue_wake() after the last one. */
bool queue_push_quietly(struct queue *q, struct queue_link *l);
void queue_wake(struct queue *q);
/* Takes up to max links in order as a NULL-terminated chain. Waits up to wait_ms (-1: until something comes
 * or the queue is closed; 0: not at all). NULL when nothing. */
struct queue_link *queue_take(struct queue *q, size_t max, int64_t wait_ms, size_t *ret_count);
int queue_fd(const struct queue *q);
size_t queue_count(struct queue *q);
void queue_close(struct queue *q);  /* no more pushes; wakes the consumer */
bool queue_closed(struct queue *q); /* closed and empty */

/* Starts a thread with a name shown by top and gdb (at most 15 characters). 0 or WL_EIO. */
int thread_start(pthread_t *ret, const char *name, void *(*run)(void *), void *arg);

#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

#endif
