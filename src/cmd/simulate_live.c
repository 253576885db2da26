/* SPDX-License-Identifier: Apache-2.0
 * simulate_live.c - a run while it goes, on a terminal: a page drawn over itself.
 *
 * How far it is, what it waits for, and each monitor beside its stop line, with the clock of the simulation above. The run is
 * slowed down so that one can follow it, never for more than a few seconds in all: what is shown is about fifty pictures,
 * spread over the time the forecast says. Nothing is drawn where nobody can see it. */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "cmd/progress.h"
#include "cmd/simulate.h"
#include "cmd/term.h"

#define PICTURES   50
#define PICTURE_MS 80
#define MOST       90 /* pictures of a run that takes longer than was forecast */
#define BAR        20
#define MINUTE     INT64_C(60000)

struct sim_live {
    const struct sim_job *job;
    int64_t each, next;
    int lines, drawn;
};

struct sim_live *sim_live_begin(const struct sim_job *j)
{
    struct forecast f;
    struct sim_live *l = calloc(1, sizeof *l);
    if (l == NULL)
        abort();
    campaign_forecast(&j->plan.terms_of, j->plan.now, &f);
    int64_t takes = f.done_at != 0 ? f.done_at - j->plan.now : INT64_C(86400000);
    l->job = j;
    l->each = takes / PICTURES > MINUTE ? takes / PICTURES : MINUTE;
    l->next = j->plan.now;
    return l;
}

static void end_line(struct sim_live *l)
{
    fputs("\033[K\n", stdout);
    l->lines++;
}

static void draw_bar(struct sim_live *l, const struct sim_view *v)
{
    char n[PROGRESS_COUNT], all[PROGRESS_COUNT], span[32];
    double share = v->p->people > 0 ? (double)v->p->sent / (double)v->p->people : 0;
    int full = (int)(share * BAR);
    term_printf(stdout, TONE_BOLD, "%12s", sim_span(v->now - l->job->plan.now, span));
    printf("  [%.*s%*s] ", full, "####################", BAR - full, "");
    printf("%s of %s people", progress_count((uint64_t)v->p->sent, n), progress_count((uint64_t)v->p->people, all));
    end_line(l);
    bool held = v->p->state == CAMPAIGN_HELD;
    printf("%12s  ", "");
    term_printf(stdout, held ? TONE_WARN : TONE_DIM, "%s%.56s", held ? "held: " : "", v->why);
    end_line(l);
}

static void draw_monitors(struct sim_live *l, const struct monitor_verdict *v)
{
    char n[PROGRESS_COUNT], k[PROGRESS_COUNT], line[PROGRESS_COUNT];
    for (int s = 0; s < MONITOR_SIGNALS; s++) {
        const struct monitor_reading *r = &v->reading[s];
        enum tone tone = v->word == MONITOR_STOP && s == (int)v->signal   ? TONE_BAD
                         : v->word == MONITOR_HOLD && s == (int)v->signal ? TONE_WARN
                                                                          : TONE_PLAIN;
        if (r->n == 0)
            continue;
        term_cell(stdout, tone, str_of(monitor_signal_name((enum monitor_signal)s)), 16);
        printf("%9s of %9s", progress_count((uint64_t)r->k, k), progress_count((uint64_t)r->n, n));
        if (r->stop_line >= 0)
            printf("   stops at %s", progress_count((uint64_t)r->stop_line, line));
        end_line(l);
    }
}

void sim_live_watch(void *live, const struct sim_view *v)
{
    struct sim_live *l = live;
    const struct timespec pause = {0, PICTURE_MS * 1000000L};
    if (v->now < l->next || l->drawn >= MOST)
        return;
    l->next = v->now + l->each;
    l->drawn++;
    if (l->lines > 0)
        printf("\033[%dA", l->lines);
    l->lines = 0;
    draw_bar(l, v);
    if (v->v != NULL)
        draw_monitors(l, v->v);
    fputs("\033[J", stdout);
    fflush(stdout);
    nanosleep(&pause, NULL);
}

/* What comes after it says everything again. */
void sim_live_end(struct sim_live *l)
{
    if (l != NULL && l->lines > 0)
        printf("\033[%dA\033[J", l->lines);
    free(l);
}
