/* SPDX-License-Identifier: Apache-2.0
 * test_readers.c - what only reads is answered beside the writer, and sees what was acknowledged.
 *
 * What would hurt: an answer older than the acknowledgement its asker holds, one that mixes two moments, a long question in
 * front of all others, and a read that writes. */
#include "t.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "gateway/old_books.h"
#include "gateway/readers.h"
#include "store/messages.h"

/* Every sync of the log passes here and can be made to fail, as a disk would. */
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
static _Atomic bool disk_broken;

int __wrap_fdatasync(int fd)
{
    if (!disk_broken)
        return __real_fdatasync(fd);
    errno = EIO;
    return -1;
}

struct place {
    char dir[64], file[128];
    struct writer *w;
    struct readers *r;
    struct err e;
};

static struct store *open_store(struct place *p)
{
    struct store *s = NULL;
    memset(p, 0, sizeof *p);
    memcpy(p->dir, "/tmp/wl_readers_XXXXXX", 23);
    assert_non_null(mkdtemp(p->dir));
    snprintf(p->file, sizeof p->file, "%s/db", p->dir);
    assert_ok(store_open(&s, p->file, NULL, &p->e), p->e);
    return s;
}

static void start(struct place *p)
{
    struct store *s = open_store(p);
    assert_ok(writer_start(&p->w, s, 64, &p->e), p->e);
    assert_ok(readers_start(&p->r, p->w, p->file, &p->e), p->e);
}

static void finish(struct place *p)
{
    static const char *const ends[] = {"", "-wal", "-shm"};
    char path[140];
    readers_stop(p->r);
    writer_stop(p->w);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", p->file, ends[i]);
        unlink(path);
    }
    rmdir(p->dir);
}

static int write_task(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)a, (void)now;
    return cursor_set(s, "n", *(int64_t *)ctx, e);
}

static void put(struct place *p, int64_t value)
{
    assert_ok(writer_call(p->w, 2, write_task, &value, &p->e), p->e);
}

/* --- a question ---------------------------------------------------------------------------------------------------- */

struct question {
    struct job job;
    struct place *between; /* writes 1000 between the two looks */
    struct question *wait_for;
    bool writes;
    int64_t first, second;
    bool done;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;

static void wait_done(struct question *q)
{
    pthread_mutex_lock(&lock);
    while (!q->done)
        pthread_cond_wait(&wake, &lock);
    pthread_mutex_unlock(&lock);
}

static int question_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                        struct err *e)
{
    struct question *q = container_of(jobs[0], struct question, job);
    (void)ctx, (void)a, (void)now;
    assert_int_equal(n, 1);
    int rc = cursor_get(s, "n", &q->first, e);
    if (rc == 0 && q->between != NULL)
        put(q->between, 1000);
    if (q->wait_for != NULL)
        wait_done(q->wait_for);
    if (rc == 0)
        rc = cursor_get(s, "n", &q->second, e);
    return rc == 0 && q->writes ? cursor_set(s, "n", 7, e) : rc;
}

static void question_done(void *ctx, struct job *job)
{
    (void)ctx;
    pthread_mutex_lock(&lock);
    container_of(job, struct question, job)->done = true;
    pthread_cond_broadcast(&wake);
    pthread_mutex_unlock(&lock);
}

static const struct job_type type = {.name = "question", .run = question_run, .done = question_done};

static void ask(struct place *p, struct question *q)
{
    q->job.type = &type;
    assert_ok(readers_submit(p->r, &q->job, &p->e), p->e);
}

TEST(what_was_acknowledged_is_seen)
{
    struct place p;
    start(&p);
    for (int64_t i = 1; i <= 300; i++) {
        struct question q[3] = {0};
        put(&p, i);
        for (size_t k = 0; k < 3; k++)
            ask(&p, &q[k]);
        for (size_t k = 0; k < 3; k++) {
            wait_done(&q[k]);
            assert_int_equal(q[k].job.rc, 0);
            assert_int_equal(q[k].first, i);
        }
    }
    finish(&p);
}

TEST(an_answer_is_of_one_moment)
{
    struct place p;
    start(&p);
    put(&p, 1);
    struct question q = {.between = &p}, next = {0};
    ask(&p, &q);
    wait_done(&q);
    assert_true(q.job.rc == 0 && q.first == 1 && q.second == 1);
    ask(&p, &next);
    wait_done(&next);
    assert_int_equal(next.first, 1000);
    finish(&p);
}

TEST(a_long_question_does_not_hold_up_a_short_one)
{
    struct place p;
    start(&p);
    struct question quick = {0}, slow = {.wait_for = &quick};
    ask(&p, &slow);
    ask(&p, &quick);
    wait_done(&slow);
    assert_true(quick.done && slow.job.rc == 0);
    finish(&p);
}

TEST(nothing_is_written)
{
    struct place p;
    start(&p);
    put(&p, 1);
    struct question q = {.writes = true}, next = {0};
    ask(&p, &q);
    wait_done(&q);
    assert_int_equal(q.job.rc, WL_EBUG);
    ask(&p, &next);
    wait_done(&next);
    assert_true(next.job.rc == 0 && next.first == 1);
    finish(&p);
}

TEST(the_line_is_bounded_and_what_is_in_it_is_answered)
{
    enum { MANY = 1200 };
    struct place p;
    static struct question q[MANY];
    static bool in_line[MANY]; /* a place may come free between two that were refused */
    struct question gate = {0};
    size_t taken = 0;
    memset(q, 0, sizeof q);
    start(&p);
    q[0].wait_for = q[1].wait_for = &gate;
    for (size_t i = 0; i < MANY; i++) {
        q[i].job.type = &type;
        int rc = readers_submit(p.r, &q[i].job, &p.e);
        assert_true(rc == 0 || rc == WL_EBUSY);
        in_line[i] = rc == 0;
        taken += rc == 0;
    }
    assert_in_range(taken, 1024, 1026);
    question_done(NULL, &gate.job);
    readers_stop(p.r);
    p.r = NULL;
    for (size_t i = 0; i < MANY; i++)
        assert_true(q[i].done == in_line[i] && q[i].job.rc == 0);
    finish(&p);
}

TEST(after_a_refused_write_nothing_is_told)
{
    struct place p;
    start(&p);
    put(&p, 1);
    int64_t lost = 2;
    disk_broken = true;
    assert_int_equal(writer_call(p.w, 2, write_task, &lost, &p.e), WL_EIO);
    struct question q = {.job.type = &type};
    assert_int_equal(readers_submit(p.r, &q.job, &p.e), WL_EIO);
    finish(&p);
    disk_broken = false;
}

/* --- books that no longer decide ----------------------------------------------------------------------------------- */

#define CITE "cite: [{title: T, url: 'https://e.org', read: 2026-01-01}]"

/* A policy of one rule, policy.n<number>. */
static struct ruleset *book(int number)
{
    char text[1200];
    struct ruleset *rs;
    struct err e = {0};
    snprintf(text, sizeof text,
             "ruleset: ours\nschema: 1\nkind: policy\ntitle: P\nrules:\n  - {id: policy.n%d, title: T, verdict: deny, "
             "code: 1, reason: R, change: c, values: {2020-01-01: {}}, on_unknown: ignore, when: {fact: message.kind, "
             "is: freeform}, " CITE ", tests: [{given: {message.kind: freeform}, expect: deny}, {given: {message.kind: "
             "template}, expect: none}]}\n",
             number);
    assert_ok(ruleset_compile(&rs, "policy.yaml", str_of(text), &e), e);
    return rs;
}

static bool is_book(const struct old_book *b, int number)
{
    char id[40];
    snprintf(id, sizeof id, "policy.n%d", number);
    return ruleset_find(old_book_rules(b), id) != NULL;
}

TEST(old_books_are_few_and_stay_while_they_are_read)
{
    enum { BOOKS = 20 };
    struct place p;
    struct store *s = open_store(&p);
    struct err e = {0};
    struct arena *a = arena_create(8u << 20);
    struct old_books *all = old_books_create();
    struct old_book *held, *again, *b;
    int64_t number[BOOKS];
    assert_ok(store_begin(s, &e), e);
    for (int i = 0; i < BOOKS; i++) {
        struct ruleset *rs = book(i);
        assert_ok(rulesets_put(s, ruleset_hash(rs), ruleset_id(rs), ruleset_canonical(rs), 1, &number[i], &e), e);
        ruleset_free(rs);
    }
    assert_ok(store_commit(s, &e), e);
    assert_ok(old_book_borrow(all, s, a, number[0], &held, &e), e);
    assert_ok(old_book_borrow(all, s, a, number[0], &again, &e), e);
    assert_true(again == held); /* built once */
    old_book_return(all, again);
    for (int round = 0; round < 2; round++)
        for (int i = 1; i < BOOKS; i++) {
            assert_ok(old_book_borrow(all, s, a, number[i], &b, &e), e);
            assert_true(is_book(b, i));
            old_book_return(all, b);
        }
    assert_true(is_book(held, 0)); /* long pushed out */
    assert_ok(old_book_borrow(all, s, a, number[0], &again, &e), e);
    assert_true(again != held && is_book(again, 0));
    old_book_return(all, again);
    old_book_return(all, held);
    assert_int_equal(old_book_borrow(all, s, a, 12345, &b, &e), WL_ENOTFOUND);
    old_books_free(all);
    arena_free(a);
    store_free(s);
    finish(&p);
}

TESTS(T(what_was_acknowledged_is_seen), T(an_answer_is_of_one_moment), T(a_long_question_does_not_hold_up_a_short_one),
      T(nothing_is_written), T(the_line_is_bounded_and_what_is_in_it_is_answered),
      T(after_a_refused_write_nothing_is_told), T(old_books_are_few_and_stay_while_they_are_read))
