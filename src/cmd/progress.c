/* SPDX-License-Identifier: Apache-2.0
 * progress.c - the bar of a command that takes its time.
 *
 * The time left is what the share done so far took, stretched to the whole: no smoothing, it settles by itself. Below two
 * seconds nothing is shown: most commands are over by then, and a bar that flashes tells nobody anything. */
#include "cmd/progress.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"

#define QUIET_MS 2000
#define EVERY_MS 100
#define BAR      24

void progress_begin(struct progress *p, const char *what, bool quiet)
{
    const int64_t now = clock_mono_ns() / 1000000;
    *p = (struct progress){.what = what, .began_ms = now, .told_ms = now + QUIET_MS - EVERY_MS};
    p->on = !quiet && isatty(STDERR_FILENO);
}

const char *progress_count(uint64_t n, char out[PROGRESS_COUNT])
{
    char digits[24];
    int len = snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
    size_t at = 0;
    for (int i = 0; i < len; i++) {
        if (i > 0 && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

static void show_left(double seconds)
{
    long s = (long)(seconds + 0.5);
    if (s >= 3600)
        fprintf(stderr, ", %ld h %02ld min left", s / 3600, s / 60 % 60);
    else if (s >= 60)
        fprintf(stderr, ", %ld min %02ld s left", s / 60, s % 60);
    else
        fprintf(stderr, ", %ld s left", s);
}

void progress_tell(struct progress *p, uint64_t done, uint64_t total, uint64_t count)
{
    const int64_t now = p->on ? clock_mono_ns() / 1000000 : 0;
    char text[PROGRESS_COUNT];
    if (!p->on || now - p->told_ms < EVERY_MS)
        return;
    p->told_ms = now;
    p->told = true;
    double seconds = (double)(now - p->began_ms) / 1000, share = total > 0 ? (double)done / (double)total : 0;
    share = share > 1 ? 1 : share;
    fputs("\r\033[K", stderr);
    if (total > 0) {
        int full = (int)(share * BAR);
        fprintf(stderr, "[%.*s%*s] %3d %%  ", full, "########################", BAR - full, "", (int)(share * 100));
    }
    fprintf(stderr, "%s %s, ", progress_count(count, text), p->what);
    fprintf(stderr, "%s a second", progress_count((uint64_t)((double)count / seconds), text));
    if (share > 0.01)
        show_left(seconds / share - seconds);
    fflush(stderr);
}

void progress_clear(struct progress *p)
{
    if (p->told)
        fputs("\r\033[K", stderr);
    p->told = false;
}

void progress_end(struct progress *p)
{
    progress_clear(p);
    p->on = false;
}
