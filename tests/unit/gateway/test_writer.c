/* SPDX-License-Identifier: Apache-2.0
 * test_writer.c - what arrives together commits together, a bad job hurts only itself, a deferred one comes back.
 *
 * Jobs write cursors, so that a test can look at what is really in the database afterwards. */
#include "t.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/writer.h"

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

struct note {
    struct job job;
    int value;       /* < 0: this job fails */
    int64_t wait_ms; /* > 0: asks to run again later, once */
    int64_t began;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static int finished;

static int note_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                    struct err *e)
{
    (void)ctx, (void)a;
    for (size_t i = 0; i < n; i++) {
        struct note *note = container_of(jobs[i], struct note, job);
        char name[32];
        if (note->wait_ms > 0 && now < note->began + note->wait_ms) {
            writer_defer(&note->job, note->began + note->wait_ms);
            continue;
        }
        snprintf(name, sizeof name, "n%d", note->value);
        if (cursor_set(s, name, 1, e) != 0)
            return WL_EIO;
        if (note->value < 0) /* fails after it has written: the write must not stay */
            return err_set(e, WL_EINVAL, "bad job");
    }
    return 0;
}

static void note_done(void *ctx, struct job *job)
{
    (void)ctx, (void)job;
    pthread_mutex_lock(&lock);
    finished++;
    pthread_cond_signal(&wake);
    pthread_mutex_unlock(&lock);
}

static const struct job_type note_type = {.name = "note", .rank = 3, .run = note_run, .done = note_done};

static void wait_for(int n)
{
    pthread_mutex_lock(&lock);
    while (finished < n)
        pthread_cond_wait(&wake, &lock);
    pthread_mutex_unlock(&lock);
}

static int64_t written(const char *path, int value)
{
    struct store *s;
    struct err e = {0};
    char name[32];
    int64_t v = -1;
    snprintf(name, sizeof name, "n%d", value);
    assert_ok(store_open(&s, path, &(struct store_options){.read_only = true}, &e), e);
    assert_ok(cursor_get(s, name, &v, &e), e);
    store_free(s);
    return v;
}

TEST(a_bad_job_hurts_only_itself)
{
    char path[] = "/tmp/wl-writer-XXXXXX";
    struct err e = {0};
    struct store *s;
    struct writer *w;
    int fd = mkstemp(path);
    close(fd);
    unlink(path);
    assert_ok(store_open(&s, path, NULL, &e), e);
    assert_ok(writer_start(&w, s, 1000, &e), e);
    struct note notes[100];
    finished = 0;
    for (int i = 0; i < 100; i++) {
        notes[i] = (struct note){.job.type = &note_type, .value = i == 50 ? -50 : i};
        assert_ok(writer_submit(w, &notes[i].job, &e), e);
    }
    wait_for(100);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(notes[i].job.rc, i == 50 ? WL_EINVAL : 0);
        assert_int_equal(written(path, notes[i].value), i != 50);
    }
    struct writer_stats stats;
    writer_stats(w, &stats);
    assert_int_equal(stats.jobs, 100);
    assert_int_equal(stats.failures, 1);
    writer_stop(w);
    unlink(path);
}

TEST(a_deferred_job_runs_at_its_time)
{
    char path[] = "/tmp/wl-writer-XXXXXX";
    struct err e = {0};
    struct store *s;
    struct writer *w;
    int fd = mkstemp(path);
    close(fd);
    unlink(path);
    assert_ok(store_open(&s, path, NULL, &e), e);
    assert_ok(writer_start(&w, s, 1000, &e), e);
    int64_t began = clock_now_ms();
    struct note late = {.job.type = &note_type, .value = 1, .wait_ms = 150, .began = began};
    struct note soon = {.job.type = &note_type, .value = 2};
    finished = 0;
    assert_ok(writer_submit(w, &late.job, &e), e);
    assert_ok(writer_submit(w, &soon.job, &e), e);
    wait_for(1);
    assert_int_equal(written(path, 2), 1);
    assert_int_equal(written(path, 1), 0);
    wait_for(2);
    assert_true(clock_now_ms() - began >= 150);
    assert_int_equal(late.job.rc, 0);
    assert_int_equal(written(path, 1), 1);
    writer_stop(w);
    unlink(path);
}

TEST(a_refused_sync_ends_all_acknowledging)
{
    char path[] = "/tmp/wl-writer-XXXXXX";
    struct err e = {0};
    struct store *s;
    struct writer *w;
    int fd = mkstemp(path);
    close(fd);
    unlink(path);
    assert_ok(store_open(&s, path, NULL, &e), e);
    assert_ok(writer_start(&w, s, 1000, &e), e);
    struct note before = {.job.type = &note_type, .value = 1}, after = {.job.type = &note_type, .value = 2};
    finished = 0;
    assert_ok(writer_submit(w, &before.job, &e), e);
    wait_for(1);
    assert_int_equal(before.job.rc, 0);
    disk_broken = true;
    assert_ok(writer_submit(w, &after.job, &e), e);
    wait_for(2);
    assert_int_equal(after.job.rc, WL_EIO);
    assert_false(writer_healthy(w));
    disk_broken = false; /* the disk works again, but what it holds is unknown */
    assert_int_equal(writer_submit(w, &before.job, &e), WL_EIO);
    writer_stop(w);
    unlink(path);
}

TESTS(T(a_bad_job_hurts_only_itself), T(a_deferred_job_runs_at_its_time), T(a_refused_sync_ends_all_acknowledging))
