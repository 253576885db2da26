/* SPDX-License-Identifier: Apache-2.0
 * failpoint.c - what is armed, how often it was passed, and what happens then.
 *
 * One place is armed at a time. The count is atomic because places are passed by many threads; what is armed never
 * changes once they run. */
#include "base/failpoint.h"

#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"

#ifndef WL_NO_FAILPOINTS

enum kind { KILL, IO };
enum action { ACTION_KILL, ACTION_IO, ACTION_DELAY };

static const struct {
    const char *name;
    enum kind kind;
} points[] = {
    [FAILPOINT_NONE] = {"", KILL},
#define FAILPOINT(name, kind, meaning) [FAILPOINT_##name] = {#name, kind},
#include "base/failpoints.def"
#undef FAILPOINT
};
#define POINTS (sizeof points / sizeof points[0])

enum failpoint failpoint_armed;

static struct {
    enum action action;
    int64_t nth, delay_ms;
    bool and_later;
    atomic_long passed;
} armed;

bool failpoint_reached(void)
{
    int64_t n = atomic_fetch_add(&armed.passed, 1) + 1;
    if (armed.and_later ? n < armed.nth : n != armed.nth)
        return false;
    if (armed.action == ACTION_KILL)
        raise(SIGKILL);
    if (armed.action == ACTION_DELAY) {
        const struct timespec t = {armed.delay_ms / 1000, armed.delay_ms % 1000 * 1000000};
        nanosleep(&t, NULL);
    }
    return armed.action == ACTION_IO;
}

static enum failpoint find(struct str name)
{
    for (size_t i = 1; i < POINTS; i++)
        if (str_eq(name, str_of(points[i].name)))
            return (enum failpoint)i;
    return FAILPOINT_NONE;
}

static int read_nth(struct str text, struct err *e)
{
    armed.and_later = text.n > 0 && text.p[text.n - 1] == '+';
    if (armed.and_later)
        text.n--;
    if (!str_i64(text, &armed.nth) || armed.nth < 1)
        return err_set(e, WL_EINVAL, "WAYLEAVE_FAILPOINT: \"%.*s\" is not how often a place is passed",
                       (int)(text.n < 40 ? text.n : 40), text.p);
    return 0;
}

static int read_action(struct str text, enum failpoint point, struct err *e)
{
    struct str delay = STR("delay=");
    if (str_eq(text, STR("kill"))) {
        armed.action = ACTION_KILL;
    } else if (str_eq(text, STR("io"))) {
        if (points[point].kind != IO)
            return err_set(e, WL_EINVAL, "WAYLEAVE_FAILPOINT: nothing can fail at %s", points[point].name);
        armed.action = ACTION_IO;
    } else if (str_starts(text, delay) && str_i64((struct str){text.p + delay.n, text.n - delay.n}, &armed.delay_ms) &&
               armed.delay_ms >= 0) {
        armed.action = ACTION_DELAY;
    } else {
        return err_set(e, WL_EINVAL, "WAYLEAVE_FAILPOINT: actions are kill, io and delay=MS");
    }
    return 0;
}

int failpoint_arm(const char *spec, struct err *e)
{
    struct str rest, more, name = str_cut(str_of(spec ? spec : ""), ':', &rest);
    failpoint_armed = FAILPOINT_NONE;
    if (spec == NULL || spec[0] == '\0')
        return 0;
    enum failpoint point = find(name);
    if (point == FAILPOINT_NONE)
        return err_set(e, WL_EINVAL, "WAYLEAVE_FAILPOINT: there is no place \"%.*s\"", (int)(name.n < 60 ? name.n : 60),
                       name.p);
    armed.action = ACTION_KILL;
    armed.nth = 1;
    armed.and_later = false;
    atomic_store(&armed.passed, 0);
    struct str nth = str_cut(rest, ':', &more);
    int rc = rest.p != NULL ? read_nth(nth, e) : 0;
    if (rc == 0 && more.p != NULL)
        rc = read_action(more, point, e);
    if (rc == 0)
        failpoint_armed = point;
    return rc;
}

#else

int failpoint_arm(const char *spec, struct err *e)
{
    if (spec == NULL || spec[0] == '\0')
        return 0;
    return err_set(e, WL_EINVAL, "WAYLEAVE_FAILPOINT is set, but this build has no failpoints (-Dfailpoints=true)");
}

#endif
