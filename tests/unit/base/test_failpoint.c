/* SPDX-License-Identifier: Apache-2.0
 * test_failpoint.c - what can be armed, when a place counts, and that an armed place ends the program. */
#include "base/failpoint.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "t.h"

#ifndef WL_NO_FAILPOINTS

static int passes(const char *spec)
{
    struct err e = {0};
    int failed = 0;
    assert_ok(failpoint_arm(spec, &e), e);
    for (int i = 0; i < 8; i++)
        failed = failed * 10 + failpoint_fails(store_commit);
    return failed;
}

TEST(a_place_fails_when_it_is_its_time)
{
    assert_int_equal(passes(NULL), 0);
    assert_int_equal(passes(""), 0);
    assert_int_equal(passes("store_sync:1:io"), 0);
    assert_int_equal(passes("store_commit:1:io"), 10000000);
    assert_int_equal(passes("store_commit:3:io"), 100000);
    assert_int_equal(passes("store_commit:6+:io"), 111);
    assert_int_equal(passes("store_commit:2:delay=1"), 0);
    struct err e = {0};
    assert_ok(failpoint_arm("store_commit:1:io", &e), e);
    assert_int_equal(failpoint_io(store_commit, &e), WL_EIO);
    assert_string_equal(e.text, "a failure was ordered at store_commit");
    assert_int_equal(failpoint_io(store_commit, &e), 0);
    assert_ok(failpoint_arm(NULL, &e), e);
}

/* The exit status of a child that passes the place so often. */
static int dies(const char *spec, int times)
{
    int status;
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        if (failpoint_arm(spec, NULL) != 0)
            _exit(9);
        for (int i = 0; i < times; i++)
            failpoint(store_synced);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? 1000 + WTERMSIG(status) : WEXITSTATUS(status);
}

TEST(an_armed_place_ends_the_program)
{
    assert_int_equal(dies("store_synced", 1), 1000 + SIGKILL);
    assert_int_equal(dies("store_synced:3", 2), 0);
    assert_int_equal(dies("store_synced:3", 3), 1000 + SIGKILL);
    assert_int_equal(dies("store_synced:2:kill", 5), 1000 + SIGKILL);
    assert_int_equal(dies("store_sync", 5), 0);
    assert_int_equal(dies("store_synced:1:delay=1", 5), 0);
}

TEST(what_means_nothing_is_refused)
{
    static const char *const bad[] = {"no_such_place",
                                      "store",
                                      "store_commit:0",
                                      "store_commit:x",
                                      "store_commit:",
                                      "store_commit:1:",
                                      "store_commit:1:halt",
                                      "store_synced:1:io",
                                      "store_commit:1:delay=x",
                                      "store_commit:+",
                                      ":1",
                                      "store_commit:1:delay=-1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct err e = {0};
        if (failpoint_arm(bad[i], &e) != WL_EINVAL)
            fail_msg("%s was taken", bad[i]);
        assert_memory_equal(e.text, "WAYLEAVE_FAILPOINT: ", 20);
        assert_int_equal(failpoint_armed, FAILPOINT_NONE);
    }
}

TESTS(T(a_place_fails_when_it_is_its_time), T(an_armed_place_ends_the_program), T(what_means_nothing_is_refused))

#else

TEST(a_build_without_places_says_so)
{
    struct err e = {0};
    assert_ok(failpoint_arm(NULL, &e), e);
    assert_ok(failpoint_arm("", &e), e);
    assert_int_equal(failpoint_arm("store_sync", &e), WL_EINVAL);
    assert_false(failpoint_fails(store_sync));
    failpoint(store_sync);
    assert_int_equal(failpoint_io(store_sync, &e), 0);
}

TESTS(T(a_build_without_places_says_so))

#endif
