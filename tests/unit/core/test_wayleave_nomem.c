/* SPDX-License-Identifier: Apache-2.0
 * test_wayleave_nomem.c - the library when memory runs out, at the first allocation, the second, the third and so on.
 *
 * The linker puts our malloc, calloc, realloc and operator new in the place of the library's. Every call must come back
 * with WL_ERR_NOMEM and its output untouched, until enough allocations are let through; AddressSanitizer sees to leaks. */
#include <stdbool.h>

#include <wayleave.h>

#include "t.h"

#define NOW INT64_C(1795600000000)

void *__real_malloc(size_t n);
void *__real_calloc(size_t n, size_t each);
void *__real_realloc(void *p, size_t n);
void *__real__ZnwmRKSt9nothrow_t(size_t n, const void *tag);
void *__real__ZnamRKSt9nothrow_t(size_t n, const void *tag);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t n, size_t each);
void *__wrap_realloc(void *p, size_t n);
void *__wrap__ZnwmRKSt9nothrow_t(size_t n, const void *tag);
void *__wrap__ZnamRKSt9nothrow_t(size_t n, const void *tag);

static long let_through = -1; /* -1: all of them */
static long refused;

static bool refuse(void)
{
    if (let_through < 0)
        return false;
    if (let_through == 0) {
        refused++;
        return true;
    }
    let_through--;
    return false;
}

void *__wrap_malloc(size_t n)
{
    return refuse() ? NULL : __real_malloc(n);
}
void *__wrap_calloc(size_t n, size_t each)
{
    return refuse() ? NULL : __real_calloc(n, each);
}
void *__wrap_realloc(void *p, size_t n)
{
    return refuse() ? NULL : __real_realloc(p, n);
}
void *__wrap__ZnwmRKSt9nothrow_t(size_t n, const void *tag)
{
    return refuse() ? NULL : __real__ZnwmRKSt9nothrow_t(n, tag);
}
void *__wrap__ZnamRKSt9nothrow_t(size_t n, const void *tag)
{
    return refuse() ? NULL : __real__ZnamRKSt9nothrow_t(n, tag);
}

static wl_rules *rules;
static wl_facts *facts;
static wl_decision *decision;

static int load(wl_error *e)
{
    char path[1024];
    const char *root = getenv("WAYLEAVE_SOURCE_ROOT"), *name = path;
    snprintf(path, sizeof path, "%s/data/rules/whatsapp-platform.yaml", root ? root : ".");
    return wl_rules_load(&rules, &name, 1, e);
}
static int create(wl_error *e)
{
    int rc = wl_facts_create(&facts);
    if (rc != 0)
        snprintf(e->text, sizeof e->text, "out of memory");
    return rc;
}
static int read_json(wl_error *e)
{
    static const char json[] =
        "{\"message.kind\":\"freeform\",\"window.last_inbound\":\"now-25h\",\"recipient.valid\":true}";
    return wl_facts_set_json(facts, json, sizeof json - 1, NOW, e);
}
static int decide_it(wl_error *e)
{
    return wl_decide(&decision, rules, facts, NOW, 0, e);
}

/* Returns how often it failed. Beyond the first hundred allocations every 23rd is enough: they are much alike. */
static long starve(const char *what, int (*call)(wl_error *e), void *const *out)
{
    long failed = 0;
    for (long n = 0; n < 1000000; n += n < 100 ? 1 : 23, failed++) {
        wl_error e = {0, ""};
        void *before = out != NULL ? *out : NULL;
        refused = 0;
        let_through = n;
        int rc = call(&e);
        let_through = -1;
        if (rc == 0 && refused == 0)
            return failed;
        if (rc == 0)
            fail_msg("%s: succeeded although an allocation failed (%ld let through)", what, n);
        if (rc != WL_ERR_NOMEM || e.text[0] == '\0' || (out != NULL && *out != before))
            fail_msg("%s: %d \"%s\" after %ld allocations", what, rc, e.text, n);
    }
    fail_msg("%s never succeeds", what);
    return 0;
}

TEST(every_allocation_may_fail)
{
    long n = starve("load", load, (void *const *)&rules);
    n += starve("facts", create, (void *const *)&facts);
    n += starve("json", read_json, NULL);
    n += starve("decide", decide_it, (void *const *)&decision);
    print_message("%ld times an allocation failed\n", n);
    assert_true(n > 100);
    assert_int_equal(wl_decision_verdict(decision), WL_DENY);
    wl_decision_free(decision);
    wl_facts_free(facts);
    wl_rules_free(rules);
}

TESTS(T(every_allocation_may_fail))
