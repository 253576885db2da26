/* SPDX-License-Identifier: Apache-2.0
 * progress.h - how far a long command has come, for the person who waits.
 *
 * One line on standard error, written over itself at most ten times a second: bar, share, count, rate, time left. Nothing
 * is written where standard error is no terminal or --quiet was given: a log or a pipe gets no bar. The line is
 * gone when the command has ended. */
#ifndef WL_CMD_PROGRESS_H
#define WL_CMD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "rows" */
    int64_t began_ms, told_ms;
    bool on, told;
};

void progress_begin(struct progress *p, const char *what, bool quiet);
/* done of total (bytes, or whatever tells how far it is; total 0: nobody knows) and how many of `what` so far. Cheap: call it
 * for every batch. */
void progress_tell(struct progress *p, uint64_t done, uint64_t total, uint64_t count);
void progress_clear(struct progress *p); /* for a line of something else; it is drawn again with the next telling */
void progress_end(struct progress *p);

/* "12,345,678"; room for 27 bytes. */
#define PROGRESS_COUNT 32
const char *progress_count(uint64_t n, char out[PROGRESS_COUNT]);

#endif
