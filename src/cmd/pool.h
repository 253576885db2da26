/* SPDX-License-Identifier: Apache-2.0
 * pool.h - one piece of work done by several processors at once, and waited for.
 *
 * The caller works on the first share itself; with one worker there is no thread at all. Between two pieces of work the threads
 * sleep, and what they wrote is the caller's to read. */
#ifndef WL_CMD_POOL_H
#define WL_CMD_POOL_H

#define POOL_WORKERS_MAX 64

struct pool;

/* As many workers as there are processors, or `workers` when that is not 0. Aborts when memory runs out. */
struct pool *pool_create(unsigned workers);
void pool_free(struct pool *p); /* accepts NULL */
unsigned pool_workers(const struct pool *p);

/* Calls work(ctx, share, shares) for every share from 0 on, each in its thread, and returns when all have returned. */
void pool_run(struct pool *p, void (*work)(void *ctx, unsigned share, unsigned shares), void *ctx);

#endif
