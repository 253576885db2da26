/* SPDX-License-Identifier: Apache-2.0
 * test_writer.c - what arrives together commits together, a bad job hurts only itself, a deferred one comes back.
 *
 * Jobs write cursors, so that a test can look at what is really in the database afterwards. */
#include "t.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "base/arena.h"
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

/* Our time may be made to stand still, as it does while a clock that was set back catches up. */
int64_t __real_clock_now_ms(void);
int64_t __wrap_clock_now_ms(void);
static _Atomic bool clock_stands;

int64_t __wrap_clock_now_ms(void)
{
    static _Atomic int64_t stood;
    if (!clock_stands)
        stood = __real_clock_now_ms();
    return stood;
}

struct note {
    struct job job;
    int value;             /* < 0: this job fails */
    int64_t wait_ms;       /* > 0: asks to run again later, once */
    int64_t began;         /* monotonic us, like all times here */
    size_t takes;          /* bytes of the batch's arena */
    int ran;               /* its number among those that ran */
    pthread_mutex_t *gate; /* held by whoever wants the writer to stand still */
    bool park, refuse;     /* asks for that, once */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
static int finished;
static _Atomic int runs;

static int note_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                    struct err *e)
{
    (void)ctx, (void)now;
    for (size_t i = 0; i < n; i++) {
        struct note *note = container_of(jobs[i], struct note, job);
        char name[32];
        if (note->gate != NULL) {
            pthread_mutex_lock(note->gate);
            pthread_mutex_unlock(note->gate);
        }
        if (note->park || note->refuse) {
            if (note->park)
                writer_park(&note->job);
            else
                writer_refuse(&note->job, &(struct err){.code = WL_ECONFLICT, .text = "not this one"});
            continue;
        }
        if (note->takes > 0 && arena_alloc(a, note->takes) == NULL)
            return err_set(e, WL_ENOMEM, "the arena is used up");
        int64_t mono = clock_mono_ns() / 1000, due = note->began + note->wait_ms * 1000;
        if (note->wait_ms > 0 && mono < due) {
            writer_defer(&note->job, mono + 1000 < due && note->takes > 0 ? mono + 1000 /* again and again */ : due);
            continue;
        }
        note->ran = ++runs;
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

static struct note *_Atomic parked;

static void note_parked(void *ctx, struct job *job)
{
    struct note *note = container_of(job, struct note, job);
    (void)ctx;
    note->park = false;
    parked = note;
}

static const struct job_type note_type = {
    .name = "note", .rank = 3, .run = note_run, .done = note_done, .parked = note_parked};

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
    int64_t began = clock_mono_ns() / 1000;
    struct note late = {.job.type = &note_type, .value = 1, .wait_ms = 150, .began = began};
    struct note soon = {.job.type = &note_type, .value = 2};
    finished = 0;
    assert_ok(writer_submit(w, &late.job, &e), e);
    assert_ok(writer_submit(w, &soon.job, &e), e);
    wait_for(1);
    assert_int_equal(written(path, 2), 1);
    assert_int_equal(written(path, 1), 0);
    wait_for(2);
    assert_true(clock_mono_ns() / 1000 - began >= 150000);
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

static struct writer *open_writer(char path[], size_t most, struct store **ret)
{
    struct err e = {0};
    struct writer *w;
    close(mkstemp(path));
    unlink(path);
    assert_ok(store_open(ret, path, NULL, &e), e);
    assert_ok(writer_start(&w, *ret, most, &e), e);
    finished = 0;
    return w;
}

/* Somebody sets the wall clock back by an hour: our time stands still, and nobody waits longer for it. */
TEST(a_clock_set_back_holds_nobody_up)
{
    char path[] = "/tmp/wl-writer-XXXXXX";
    struct err e = {0};
    struct store *s;
    struct writer *w = open_writer(path, 1000, &s);
    struct note late = {.job.type = &note_type, .value = 1, .wait_ms = 150, .began = clock_mono_ns() / 1000};
    assert_ok(writer_submit(w, &late.job, &e), e);
    usleep(50000);
    clock_stands = true;
    wait_for(1);
    clock_stands = false;
    assert_ok(late.job.rc, late.job.err);
    assert_in_range(clock_mono_ns() / 1000 - late.began, 150000, 5000000);
    writer_stop(w);
    unlink(path);
}

/* As many as the line holds may wait; they run in the order of their times, whatever the order they asked in. */
TEST(who_is_due_first_runs_first)
{
    enum { N = 200 };
    char path[] = "/tmp/wl-writer-XXXXXX";
    struct err e = {0};
    struct store *s;
    struct writer *w = open_writer(path, N, &s);
    static struct note notes[N + 1];
    int64_t began = clock_mono_ns() / 1000;
    runs = 0;
    for (int i = 0; i < N; i++) {
        notes[i] = (struct note){.job.type = &note_type, .value = i, .wait_ms = 600 + i * 77 % N, .began = began};
        while (writer_submit(w, &notes[i].job, &e) != 0)
            usleep(1000);
    }
    usleep(200000); /* all are put aside */
    notes[N] = (struct note){.job.type = &note_type, .value = N, .wait_ms = 60000, .began = began};
    assert_ok(writer_submit(w, &notes[N].job, &e), e);
    wait_for(1);
    assert_int_equal(notes[N].job.rc, WL_EBUSY);
    wait_for(N + 1);
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            if (notes[i].wait_ms < notes[j].wait_ms)
                assert_true(notes[i].ran < notes[j].ran);
    writer_stop(w);
    unlink(path);
}

/* Jobs that are put aside use no memory for it: 100 times 4 MiB do not fit three arenas of 64. */
TEST(putting_off_gives_the_memory_back)
{
    char path[] = "/tmp/wl-writer-XXXXXX";
    struct err e = {0};
    struct store *s;
    struct writer *w = open_writer(path, 1000, &s);
    struct note n = {
        .job.type = &note_type, .value = 1, .wait_ms = 400, .began = clock_mono_ns() / 1000, .takes = (size_t)4 << 20};
    assert_ok(writer_submit(w, &n.job, &e), e);
    wait_for(1);
    assert_ok(n.job.rc, n.job.err);
    writer_stop(w);
    unlink(path);
}

TEST(what_has_happened_is_never_refused)
{
    char path[] = "/tmp/wl-writer-XXXXXX";
    struct err e = {0};
    struct store *s;
    struct writer *w = open_writer(path, 4, &s);
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    static struct note notes[64];
    int in = 0, refused = 0;
    pthread_mutex_lock(&gate);
    for (int i = 0; i < 32; i++) {
        notes[i] = (struct note){.job.type = &note_type, .value = i, .gate = i == 0 ? &gate : NULL};
        int rc = writer_submit(w, &notes[i].job, &e);
        refused += rc == WL_EBUSY;
        in += rc == 0;
        assert_true(rc == 0 || rc == WL_EBUSY);
    }
    assert_true(refused >= 20); /* the line holds 4, and one batch was taken from it */
    for (int i = 32; i < 64; i++) {
        notes[i] = (struct note){.job.type = &note_type, .value = i};
        assert_ok(writer_submit_always(w, &notes[i].job, &e), e);
        in++;
    }
    pthread_mutex_unlock(&gate);
    wait_for(in);
    for (int i = 32; i < 64; i++)
        assert_int_equal(written(path, i), 1);
    notes[0] = (struct note){.job.type = &note_type, .value = 99};
    assert_ok(writer_submit(w, &notes[0].job, &e), e); /* and there is room again */
    wait_for(in + 1);
    writer_stop(w);
    unlink(path);
}

TEST(in_a_hurry_nothing_is_put_off)
{
    char path[] = "/tmp/wl-writer-XXXXXX";
    struct err e = {0};
    struct store *s;
    struct writer *w = open_writer(path, 1000, &s);
    int64_t began = clock_mono_ns() / 1000;
    struct note early = {.job.type = &note_type, .value = 1, .wait_ms = 60000, .began = began};
    struct note late = early, plain = {.job.type = &note_type, .value = 3};
    late.value = 2;
    assert_ok(writer_submit(w, &early.job, &e), e);
    usleep(50000);
    assert_int_equal(finished, 0);
    writer_hurry(w);
    wait_for(1);
    assert_int_equal(early.job.rc, WL_EBUSY);
    assert_ok(writer_submit(w, &late.job, &e), e);
    assert_ok(writer_submit(w, &plain.job, &e), e);
    wait_for(3);
    assert_int_equal(late.job.rc, WL_EBUSY);
    assert_int_equal(plain.job.rc, 0);
    assert_true(clock_mono_ns() / 1000 - began < 10000000);
    writer_stop(w);
    unlink(path);
}

/* A checkpoint that fails after a commit is found out at the next transaction's beginning. */
TEST(a_store_that_will_not_begin_ends_all_acknowledging)
{
    char path[] = "/tmp/wl-writer-XXXXXX";
    struct err e = {0};
    struct store *s;
    struct writer *w = open_writer(path, 1000, &s);
    struct note first = {.job.type = &note_type, .value = 1}, second = {.job.type = &note_type, .value = 2};
    assert_ok(writer_submit(w, &first.job, &e), e);
    wait_for(1);
    assert_true(writer_healthy(w));
    store_poison(s);
    assert_ok(writer_submit(w, &second.job, &e), e);
    wait_for(2);
    assert_int_equal(second.job.rc, WL_EIO);
    assert_false(writer_healthy(w));
    writer_stop(w);
    unlink(path);
}

/* Whoever parked a job decides when it runs; even if its transaction failed for another's sake it is parked once. */
TEST(a_parked_job_runs_when_it_is_brought_back)
{
    char path[] = "/tmp/wl-writer-XXXXXX";
    struct err e = {0};
    struct store *s;
    struct writer *w = open_writer(path, 1000, &s);
    pthread_mutex_t gate = PTHREAD_MUTEX_INITIALIZER;
    struct note first = {.job.type = &note_type, .value = 1, .gate = &gate},
                stays = {.job.type = &note_type, .value = 2}, bad = {.job.type = &note_type, .value = -3},
                refused = {.job.type = &note_type, .value = 4};
    stays.park = refused.refuse = true;
    pthread_mutex_lock(&gate);
    assert_ok(writer_submit(w, &first.job, &e), e);
    usleep(50000);
    assert_ok(writer_submit(w, &stays.job, &e), e);
    assert_ok(writer_submit(w, &bad.job, &e), e);
    assert_ok(writer_submit(w, &refused.job, &e), e);
    pthread_mutex_unlock(&gate);
    wait_for(3);
    assert_true(parked == &stays && stays.ran == 0);
    assert_int_equal(bad.job.rc, WL_EINVAL);
    assert_true(refused.job.rc == WL_ECONFLICT && strcmp(refused.job.err.text, "not this one") == 0);
    assert_ok(writer_submit_always(w, &stays.job, &e), e);
    wait_for(4);
    assert_true(stays.job.rc == 0 && stays.ran > 0);
    assert_int_equal(written(path, 2), 1);
    writer_hurry(w);
    stays.park = true;
    assert_ok(writer_submit(w, &stays.job, &e), e);
    wait_for(5);
    assert_int_equal(stays.job.rc, WL_EBUSY); /* there is nobody any more who would bring it back */
    writer_stop(w);
    unlink(path);
}

TESTS(T(a_bad_job_hurts_only_itself), T(a_parked_job_runs_when_it_is_brought_back), T(a_deferred_job_runs_at_its_time),
      T(a_clock_set_back_holds_nobody_up), T(who_is_due_first_runs_first), T(a_refused_sync_ends_all_acknowledging),
      T(putting_off_gives_the_memory_back), T(what_has_happened_is_never_refused), T(in_a_hurry_nothing_is_put_off),
      T(a_store_that_will_not_begin_ends_all_acknowledging))
