/* SPDX-License-Identifier: Apache-2.0
 * failpoint.h - named places where a test may stop the program dead, or let a step fail, to see what is left.
 *
 * A place costs one comparison that is never true, and nothing at all in a build without them (-Dfailpoints=false, as
 * packages are built). They are armed from the environment only, once, before any thread starts:
 *
 *     WAYLEAVE_FAILPOINT=name[:nth[:action]]
 *
 * `nth` counts how often the place is passed (1 unless said; "3+" is the third time and every later one). Actions:
 * kill, as power loss would (SIGKILL), unless said otherwise; io, the step fails as if the disk or the network had (only
 * where the table says so); delay=MS. A name or an action that means nothing is refused: the program does not start.
 *
 * Places and their meaning stand in failpoints.def; nothing else may be done at one. */
#ifndef WL_BASE_FAILPOINT_H
#define WL_BASE_FAILPOINT_H

#include <stdbool.h>

#include "base/err.h"

enum failpoint {
    FAILPOINT_NONE,
#define FAILPOINT(name, kind, meaning) FAILPOINT_##name,
#include "base/failpoints.def"
#undef FAILPOINT
};

/* spec NULL or empty: nothing is armed. WL_EINVAL with what is wrong. */
int failpoint_arm(const char *spec, struct err *e);

#ifndef WL_NO_FAILPOINTS
extern enum failpoint failpoint_armed; /* written before there are threads */
bool failpoint_reached(void);          /* true: the step is to fail */

/* A statement: the program may end or be delayed here. */
#define failpoint(name)                                                                                                \
    do {                                                                                                               \
        if (__builtin_expect(failpoint_armed == FAILPOINT_##name, 0))                                                  \
            (void)failpoint_reached();                                                                                 \
    } while (0)
/* True: the step is to fail, in whatever way it can. */
#define failpoint_fails(name) (__builtin_expect(failpoint_armed == FAILPOINT_##name, 0) && failpoint_reached())
#else
#define failpoint(name)                                                                                                \
    do {                                                                                                               \
    } while (0)
#define failpoint_fails(name) false
#endif
/* 0, or WL_EIO with a sentence. */
#define failpoint_io(name, e) (failpoint_fails(name) ? err_set(e, WL_EIO, "a failure was ordered at " #name) : 0)

#endif
