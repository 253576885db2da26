/* SPDX-License-Identifier: Apache-2.0
 * t.h - the test frame: cmocka behind the few words our tests use.
 *
 * A test file defines functions with TEST(name) and lists them in TESTS(...). skip_loudly() marks a test as
 * skipped and says why on standard error, so that an absent data set is never mistaken for a pass. */
#ifndef WL_TESTS_T_H
#define WL_TESTS_T_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define TEST(name) static void name(void **state __attribute__((unused)))
#define T(name)    cmocka_unit_test(name)
#define TESTS(...)                                                                                                     \
    int main(void)                                                                                                     \
    {                                                                                                                  \
        const struct CMUnitTest tests[] = {__VA_ARGS__};                                                               \
        return cmocka_run_group_tests(tests, NULL, NULL);                                                              \
    }

#define assert_str(got, want)                                                                                          \
    do {                                                                                                               \
        struct str got_ = (got);                                                                                       \
        if (got_.n != strlen(want) || memcmp(got_.p ? got_.p : "", want, got_.n))                                      \
            fail_msg("got \"%.*s\", want \"%s\"", (int)got_.n, got_.p ? got_.p : "", want);                            \
    } while (0)
#define assert_ok(rc, e)                                                                                               \
    do {                                                                                                               \
        int rc_ = (rc);                                                                                                \
        if (rc_ != 0)                                                                                                  \
            fail_msg("%s: %d: %s", #rc, rc_, (e).text);                                                                \
    } while (0)
#define skip_loudly(why)                                                                                               \
    do {                                                                                                               \
        fprintf(stderr, "SKIPPED %s: %s\n", __func__, why);                                                            \
        skip();                                                                                                        \
    } while (0)

/* Path of a file of the shared case sets; NULL (and the caller skips loudly) when they are not there. */
static inline const char *case_file(const char *name)
{
    static char path[1024];
    const char *root = getenv("WAYLEAVE_CASES");
    snprintf(path, sizeof path, "%s/%s", root ? root : "../shared/cases", name);
    FILE *f = fopen(path, "r");
    if (f == NULL)
        return NULL;
    fclose(f);
    return path;
}

#endif
