/* SPDX-License-Identifier: Apache-2.0
 * test_thread.c - queues keep order, refuse when full or closed, wake their consumer, and their descriptor
 * tells the truth; nothing is lost between several producers and a consumer. */
#include "base/thread.h"

#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "t.h"

struct item {
    int value;
    struct queue_link link;
};

static int value_of(struct queue_link *l)
{
    return container_of(l, struct item, link)->value;
}

static bool readable(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    return poll(&p, 1, 0) == 1 && (p.revents & POLLIN) != 0;
}

TEST(order_bound_and_descriptor)
{
    struct queue q;
    struct item items[5];
    size_t n = 77;
    assert_int_equal(queue_init(&q, 4, true), 0);
    assert_false(readable(queue_fd(&q)));
    assert_null(queue_take(&q, 10, 0, &n));
    assert_int_equal(n, 0);
    for (int i = 0; i < 5; i++) {
        items[i].value = i;
        assert_int_equal(queue_push(&q, &items[i].link), i < 4);
    }
    assert_int_equal(queue_count(&q), 4);
    assert_true(readable(queue_fd(&q)));

    struct queue_link *l = queue_take(&q, 3, 0, &n);
    assert_int_equal(n, 3);
    for (int i = 0; i < 3; i++, l = l->next)
        assert_int_equal(value_of(l), i);
    assert_null(l);
    assert_true(readable(queue_fd(&q))); /* one is left */
    assert_true(queue_push(&q, &items[4].link));
    assert_null(queue_take(&q, 0, -1, &n)); /* asked for nothing: does not wait */
    l = queue_take(&q, 2, -1, NULL);
    assert_int_equal(value_of(l), 3);
    assert_int_equal(value_of(l->next), 4);
    assert_null(l->next->next);
    assert_false(readable(queue_fd(&q)));
    assert_true(queue_push(&q, &items[0].link)); /* usable after it was emptied */
    assert_int_equal(value_of(queue_take(&q, 9, 0, &n)), 0);
    queue_done(&q);
    queue_done(NULL);
}

TEST(closing)
{
    struct queue q;
    struct item a = {.value = 1}, b = {.value = 2};
    assert_int_equal(queue_init(&q, 4, true), 0);
    assert_true(queue_push(&q, &a.link));
    queue_close(&q);
    queue_close(&q);
    assert_false(queue_push(&q, &b.link));
    assert_false(queue_closed(&q)); /* what was accepted is still to be done */
    assert_true(readable(queue_fd(&q)));
    assert_int_equal(value_of(queue_take(&q, 4, -1, NULL)), 1);
    assert_true(queue_closed(&q));
    assert_true(readable(queue_fd(&q)));
    assert_null(queue_take(&q, 4, -1, NULL)); /* and does not wait for ever */
    queue_done(&q);
}

TEST(waiting_ends_in_time)
{
    struct queue q;
    assert_int_equal(queue_init(&q, 4, false), 0);
    assert_int_equal(queue_fd(&q), -1);
    int64_t before = clock_mono_ns();
    assert_null(queue_take(&q, 4, 30, NULL));
    int64_t took = clock_mono_ns() - before;
    assert_true(took >= 29 * 1000000 && took < 5000 * (int64_t)1000000);
    queue_done(&q);
}

enum { PRODUCERS = 4, EACH = 20000 };

struct producer {
    struct queue *q;
    struct item *items;
    int id;
};

static void *produce(void *arg)
{
    struct producer *p = arg;
    for (int i = 0; i < EACH; i++) {
        p->items[i].value = p->id * EACH + i;
        while (!queue_push(p->q, &p->items[i].link))
            sched_yield();
    }
    return NULL;
}

TEST(nothing_is_lost_or_reordered)
{
    struct queue q;
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    int next[PRODUCERS] = {0};
    assert_int_equal(queue_init(&q, 64, true), 0);
    for (int i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){&q, calloc(EACH, sizeof(struct item)), i};
        assert_int_equal(thread_start(&threads[i], "producer", produce, &producers[i]), 0);
    }
    for (size_t total = 0; total < (size_t)PRODUCERS * EACH;) {
        size_t n;
        struct queue_link *l = queue_take(&q, 50, 10000, &n);
        assert_non_null(l);
        assert_in_range(n, 1, 50);
        total += n;
        for (; l != NULL; l = l->next, n--) {
            int v = value_of(l);
            assert_int_equal(v % EACH, next[v / EACH]++);
        }
        assert_int_equal(n, 0);
    }
    for (int i = 0; i < PRODUCERS; i++) {
        pthread_join(threads[i], NULL);
        free(producers[i].items);
    }
    assert_false(readable(queue_fd(&q)));
    queue_done(&q);
}

static void *wait_for_close(void *arg)
{
    return queue_take(arg, 1, -1, NULL);
}

TEST(quiet_pushes_are_announced_once)
{
    struct queue q;
    struct queue_link links[3];
    size_t n;
    assert_int_equal(queue_init(&q, 8, true), 0);
    struct pollfd readable = {.fd = queue_fd(&q), .events = POLLIN};
    assert_true(queue_push_quietly(&q, &links[0]));
    assert_true(queue_push_quietly(&q, &links[1]));
    assert_int_equal(poll(&readable, 1, 0), 0);
    queue_wake(&q);
    assert_int_equal(poll(&readable, 1, 0), 1);
    assert_ptr_equal(queue_take(&q, 8, 0, &n), &links[0]);
    assert_int_equal(n, 2);
    assert_int_equal(poll(&readable, 1, 0), 0);
    queue_wake(&q); /* nothing is there: nobody is woken */
    assert_int_equal(poll(&readable, 1, 0), 0);
    assert_true(queue_push_quietly(&q, &links[0]));
    assert_true(queue_push(&q, &links[2])); /* a loud push speaks for the quiet one too */
    assert_int_equal(poll(&readable, 1, 0), 1);
    queue_done(&q);
}

TEST(closing_wakes_a_sleeper)
{
    struct queue q;
    pthread_t t;
    void *got = &q;
    assert_int_equal(queue_init(&q, 4, false), 0);
    assert_int_equal(thread_start(&t, "sleeper", wait_for_close, &q), 0);
    usleep(20000);
    queue_close(&q);
    pthread_join(t, &got);
    assert_null(got);
    queue_done(&q);
}

static void *look(void *arg)
{
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, NULL, &blocked);
    ((int *)arg)[0] = sigismember(&blocked, SIGTERM);
    ((int *)arg)[1] = sigismember(&blocked, SIGSEGV);
    usleep(50000); /* stay while the name is read */
    return NULL;
}

TEST(threads_are_named_and_deaf_to_signals)
{
    pthread_t t;
    int seen[2] = {-1, -1};
    char name[16] = "";
    sigset_t mine;
    assert_int_equal(thread_start(&t, "a name longer than fifteen", look, seen), 0);
    pthread_getname_np(t, name, sizeof name);
    assert_string_equal(name, "a name longer t");
    pthread_join(t, NULL);
    assert_int_equal(seen[0], 1);
    assert_int_equal(seen[1], 0);
    pthread_sigmask(SIG_BLOCK, NULL, &mine);
    assert_int_equal(sigismember(&mine, SIGTERM), 0); /* the maker's own mask is as before */
}

TESTS(T(order_bound_and_descriptor), T(closing), T(waiting_ends_in_time), T(nothing_is_lost_or_reordered),
      T(quiet_pushes_are_announced_once), T(closing_wakes_a_sleeper), T(threads_are_named_and_deaf_to_signals))
