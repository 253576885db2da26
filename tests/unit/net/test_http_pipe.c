/* SPDX-License-Identifier: Apache-2.0
 * test_http_pipe.c - bytes arrive whole and in order, nobody sleeps for ever, and giving up reaches both sides. */
#include "net/http_pipe.h"

#include <pthread.h>
#include <stdatomic.h>
#include <semaphore.h>

#include "t.h"

static void post(void *ctx)
{
    sem_post(ctx);
}

static void count(void *ctx)
{
    atomic_fetch_add((atomic_int *)ctx, 1);
}

TEST(full_empty_and_end)
{
    struct http_pipe *p = http_pipe_create(8);
    char out[16];
    atomic_int readable = 0, writable = 0;
    http_pipe_on_readable(p, count, &readable);
    http_pipe_on_writable(p, count, &writable);
    assert_int_equal(http_pipe_read(p, out, 16), 0);
    assert_int_equal(http_pipe_write(p, "abcdef", 6), 6);
    assert_int_equal(readable, 1);
    assert_int_equal(http_pipe_write(p, "ghijkl", 6), 2);
    assert_int_equal(http_pipe_write(p, "ijkl", 4), 0);
    assert_int_equal(http_pipe_read(p, out, 3), 3);
    assert_int_equal(writable, 1);
    assert_int_equal(http_pipe_write(p, "ijkl", 4), 3); /* round the end of the ring */
    http_pipe_finish(p);
    assert_int_equal(http_pipe_write(p, "x", 1), HTTP_PIPE_ABORTED);
    assert_int_equal(http_pipe_read(p, out, 16), 8);
    assert_memory_equal(out, "defghijk", 8);
    assert_int_equal(http_pipe_read(p, out, 16), HTTP_PIPE_END);
    http_pipe_unref(p);
    http_pipe_unref(NULL);
}

TEST(finish_wakes_a_waiting_reader)
{
    struct http_pipe *p = http_pipe_create(8);
    char out[8];
    atomic_int readable = 0;
    http_pipe_on_readable(p, count, &readable);
    assert_int_equal(http_pipe_read(p, out, 8), 0);
    http_pipe_finish(p);
    assert_int_equal(readable, 1);
    http_pipe_unref(p);
}

TEST(abort_reaches_both)
{
    struct http_pipe *p = http_pipe_create(8);
    char out[8];
    atomic_int woken = 0;
    http_pipe_on_readable(p, count, &woken);
    http_pipe_on_writable(p, count, &woken);
    assert_int_equal(http_pipe_write(p, "abc", 3), 3);
    http_pipe_abort(p);
    assert_int_equal(woken, 2);
    assert_int_equal(http_pipe_write(p, "abc", 3), HTTP_PIPE_ABORTED);
    assert_int_equal(http_pipe_read(p, out, 8), HTTP_PIPE_ABORTED);
    http_pipe_unref(p);
}

struct side {
    struct http_pipe *p;
    size_t total;
};

static void *writer(void *arg)
{
    struct side *s = arg;
    sem_t room;
    sem_init(&room, 0, 0);
    http_pipe_on_writable(s->p, post, &room);
    unsigned char piece[777];
    for (size_t at = 0; at < s->total;) {
        size_t n = s->total - at < sizeof piece ? s->total - at : sizeof piece;
        for (size_t i = 0; i < n; i++)
            piece[i] = (unsigned char)((at + i) * 31 >> 3);
        ssize_t got = http_pipe_write(s->p, piece, n);
        assert_true(got >= 0);
        at += (size_t)got;
        if (got == 0)
            sem_wait(&room);
    }
    http_pipe_finish(s->p);
    http_pipe_on_writable(s->p, NULL, NULL); /* afterwards the semaphore may go */
    sem_destroy(&room);
    http_pipe_unref(s->p);
    return NULL;
}

TEST(two_threads)
{
    struct http_pipe *p = http_pipe_create(1000);
    struct side s = {http_pipe_ref(p), 4 * 1000 * 1000};
    sem_t more;
    pthread_t t;
    sem_init(&more, 0, 0);
    http_pipe_on_readable(p, post, &more);
    assert_int_equal(pthread_create(&t, NULL, writer, &s), 0);
    unsigned char out[333];
    size_t at = 0;
    for (;;) {
        ssize_t n = http_pipe_read(p, out, sizeof out);
        if (n == HTTP_PIPE_END)
            break;
        assert_true(n >= 0);
        if (n == 0)
            sem_wait(&more);
        for (ssize_t i = 0; i < n; i++, at++)
            if (out[i] != (unsigned char)(at * 31 >> 3))
                fail_msg("byte %zu is wrong", at);
    }
    assert_int_equal(at, s.total);
    pthread_join(t, NULL);
    http_pipe_on_readable(p, NULL, NULL);
    sem_destroy(&more);
    http_pipe_unref(p);
}

TESTS(T(full_empty_and_end), T(finish_wakes_a_waiting_reader), T(abort_reaches_both), T(two_threads))
