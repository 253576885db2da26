/* SPDX-License-Identifier: Apache-2.0
 * http_pipe.h - a bounded ring of bytes between two threads, for bodies too large to hold.
 *
 * One writer, one reader, each in its own thread. When the ring is full the writer is told 0 and called back
 * through on_writable once room appears; when it is empty the reader is told 0 and called back through
 * on_readable. Callbacks run in the other side's thread without the pipe's lock held, and may come once too
 * often; they must only wake somebody. Reference-counted: each side holds one reference. */
#ifndef WL_NET_HTTP_PIPE_H
#define WL_NET_HTTP_PIPE_H

#include <stddef.h>
#include <sys/types.h>

struct http_pipe;

#define HTTP_PIPE_END     (-1) /* the writer finished and everything was read */
#define HTTP_PIPE_ABORTED (-2) /* either side gave up */

struct http_pipe *http_pipe_create(size_t capacity); /* one reference; aborts when memory runs out */
struct http_pipe *http_pipe_ref(struct http_pipe *p);
void http_pipe_unref(struct http_pipe *p); /* accepts NULL */

void http_pipe_on_readable(struct http_pipe *p, void (*wake)(void *), void *ctx);
void http_pipe_on_writable(struct http_pipe *p, void (*wake)(void *), void *ctx);

ssize_t http_pipe_write(struct http_pipe *p, const void *data, size_t n); /* bytes taken, 0 full, ABORTED */
ssize_t http_pipe_read(struct http_pipe *p, void *out, size_t n);         /* bytes, 0 empty, END, ABORTED */
void http_pipe_finish(struct http_pipe *p);                               /* writer: no more */
void http_pipe_abort(struct http_pipe *p);                                /* either: give up; both sides see ABORTED */

#endif
