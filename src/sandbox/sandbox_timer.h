/* SPDX-License-Identifier: Apache-2.0
 * sandbox_timer.h - things to be done later, in the order they fall due, by one thread.
 *
 * A heap of due times. The thread runs each due item without a lock held, then calls `round` once, which is where
 * webhooks that became ready are sent. Adding is cheap and allowed from any thread. After the stop every item
 * still waiting, and every item added later, is given to its `drop` instead. */
#ifndef WL_SANDBOX_TIMER_H
#define WL_SANDBOX_TIMER_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct sbx_timer_item {
    int64_t due_ns;
    uint64_t order; /* items due at the same time run in the order they were added */
    void (*fire)(void *ctx, void *arg);
    void (*drop)(void *ctx, void *arg);
    void *arg;
};

struct sbx_timer {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    struct sbx_timer_item *heap;
    size_t n, cap;
    uint64_t next_order;
    bool kicked, stopping, running;
    void (*round)(void *ctx);
    void *ctx;
};

void sbx_timer_init(struct sbx_timer *t, void (*round)(void *ctx), void *ctx);
int sbx_timer_start(struct sbx_timer *t, struct err *e);
/* Joins the thread and drops what waits. The timer may still be added to (and drops) until sbx_timer_done(). */
void sbx_timer_stop(struct sbx_timer *t);
void sbx_timer_done(struct sbx_timer *t);

void sbx_timer_add(struct sbx_timer *t, int64_t after_ms, void (*fire)(void *ctx, void *arg),
                   void (*drop)(void *ctx, void *arg), void *arg);
/* Makes the thread call round() soon. */
void sbx_timer_kick(struct sbx_timer *t);
/* Drops everything that waits and satisfies `which`. */
void sbx_timer_drop_if(struct sbx_timer *t, void (*fire)(void *ctx, void *arg));
size_t sbx_timer_count(struct sbx_timer *t);

#endif
