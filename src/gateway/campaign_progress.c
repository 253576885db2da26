/* SPDX-License-Identifier: Apache-2.0
 * campaign_progress.c - how far a campaign is, counted from rows.
 *
 * Whatever was accepted and has not ended has a row in the outbox, in lines by number and campaign: so what is open is counted there, and
 * what of it waits for a later time (a person's quiet hours, a limit, an attempt in doubt) is what is not due now. Who was taken by Meta is counted in
 * cohorts. That everybody has come to an end is found out by going along the recipients, a stretch at a time, behind the cursor: an end is
 * for good, so nobody is looked at twice. */
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/accounts.h"
#include "gateway/campaign_runner.h"
#include "gateway/dispatch.h"
#include "store/outbox.h"

#define USUAL_SPEED 80 /* messages a second of a number Meta says nothing of */
#define SOON_MS     1000
#define COUNT_MOST  200000 /* rows of one line */
#define ENDS_A_LOOK 20000
#define TOKENS_MS   30000

/* --- its numbers ---------------------------------------------------------------------------------------------------- */

static void forget(char *token)
{
    if (token == NULL)
        return;
    explicit_bzero(token, strlen(token));
    free(token);
}

void run_numbers_done(struct run *run)
{
    for (size_t i = 0; i < run->n_numbers; i++)
        forget(run->number[i].token);
    run->n_numbers = 0;
}

static void read_tokens(struct campaign_runner *r, struct run *run)
{
    int64_t now_ms = clock_mono_ns() / 1000000;
    if (run->n_numbers > 0 && now_ms < run->tokens_ms + TOKENS_MS)
        return;
    run_numbers_done(run);
    for (size_t i = 0; i < run->def->n_numbers; i++)
        run->number[run->n_numbers++] =
            (struct hand_number){.sender = run->def->number[i],
                                 .token = accounts_token(r->c->g->accounts, run->def->number[i])};
    run->tokens_ms = now_ms;
}

static int64_t speed_of(const struct snapshot *snap, int64_t sender)
{
    const struct sender *s = snapshot_sender(snap, sender);
    return s != NULL && s->per_second > 0 ? s->per_second : USUAL_SPEED;
}

static bool is_stuck(struct campaign_runner *r, int64_t sender)
{
    struct dispatch_view v;
    return dispatch_look(r->c->g->dispatch, sender, &v) &&
           (v.stop != STOP_NONE || v.circuit_why != NULL || v.why != NULL);
}

/* Rows of one line: all, and those that are due. */
static int count_line(const struct run *run, int64_t sender, enum lane_class class, struct store *reader,
                      struct arena *a, int64_t now, int64_t most, int64_t *ret_all, int64_t *ret_due, struct err *e)
{
    struct outbox_key line = {.bucket = CAMPAIGN_BUCKET,
                              .sender = sender,
                              .class = (int)class,
                              .campaign = run->id,
                              .due = INT64_MIN,
                              .id = INT64_MIN},
                      *due = NULL;
    int64_t all = 0;
    size_t n = 0;
    int rc = outbox_count(reader, &line, COUNT_MOST, &all, e);
    if (rc == 0 && all > 0)
        rc = outbox_read(reader, &line, now + SOON_MS, a, (size_t)most, &due, &n, e);
    if (rc != 0)
        return rc;
    *ret_all += all;
    *ret_due += (int64_t)n;
    return 0;
}

static int count_number(struct run *run, struct hand_number *v, struct store *reader, struct arena *a, int64_t now,
                        int64_t *ret_all, int64_t *ret_due, struct err *e)
{
    enum lane_class own = lane_class(run->def->category);
    int64_t all = 0, due = 0, most = v->stuck ? HAND_PILE_MOST : v->most + 1;
    int rc = count_line(run, v->sender, own, reader, a, now, most, &all, &due, e);
    if (rc == 0 && own != LANE_MARKETING) /* a template may have become marketing while it waited */
        rc = count_line(run, v->sender, LANE_MARKETING, reader, a, now, most, &all, &due, e);
    if (rc != 0)
        return rc;
    v->waiting = v->stuck ? all : due;
    *ret_all = all;
    *ret_due = v->stuck ? 0 : due; /* they take no place from the others */
    return 0;
}

int run_count_numbers(struct campaign_runner *r, struct run *run, struct store *reader, struct arena *a, int64_t now,
                      struct err *e)
{
    struct snapshot *snap = snapshot_borrow(r->c->g->snapshots);
    int64_t all, due, open = 0, waiting = 0;
    int rc = 0;
    read_tokens(r, run);
    for (size_t i = 0; rc == 0 && i < run->n_numbers; i++) {
        struct hand_number *v = &run->number[i];
        int64_t ahead = speed_of(snap, v->sender) * CAMPAIGN_AHEAD_MS / 1000;
        v->most = ahead > CAMPAIGN_AHEAD_LEAST ? ahead : CAMPAIGN_AHEAD_LEAST;
        v->stuck = is_stuck(r, v->sender);
        rc = count_number(run, v, reader, a, now, &all, &due, e);
        open += rc == 0 ? all : 0;
        waiting += rc == 0 ? all - due : 0;
    }
    snapshot_return(snap);
    if (rc != 0)
        return rc;
    run->tally.open = open + (int64_t)run->hand.out;
    run->tally.waiting = waiting;
    return 0;
}

/* --- how far -------------------------------------------------------------------------------------------------------- */

static int64_t speed_together(struct campaign_runner *r, const struct run *run)
{
    struct snapshot *snap = snapshot_borrow(r->c->g->snapshots);
    int64_t going = 0, all = 0;
    for (size_t i = 0; i < run->n_numbers; i++) {
        int64_t speed = speed_of(snap, run->number[i].sender);
        all += speed;
        going += run->number[i].stuck ? 0 : speed;
    }
    snapshot_return(snap);
    return going > 0 ? going : all;
}

/* Places below the cursor, and how many of them have ended from the first on. */
int run_follow_ends(struct run *run, struct store *reader, struct err *e)
{
    struct campaign_cursor c = {.bucket = CAMPAIGN_BUCKET, .campaign = run->id};
    int64_t place = 0;
    int rc = campaign_cursor_get(reader, &c, e);
    if (rc == 0)
        rc = recipients_first_open(reader, CAMPAIGN_BUCKET, run->id, run->tally.ended > 0 ? run->tally.ended : 1,
                                   ENDS_A_LOOK, &place, e);
    if (rc != 0)
        return rc;
    run->tally.ended = place;
    run->handed = c.cur > 1 ? c.cur - 1 : 0;
    return 0;
}

int run_progress(struct campaign_runner *r, struct run *run, const struct campaign_row *row, struct store *reader,
                 struct arena *a, int64_t now, struct campaign_progress *ret, struct err *e)
{
    const struct campaign_def *d = run->def;
    enum ramp_kind ramp = run->yellow != 0 && run->ramp == RAMP_FAST ? RAMP_STANDARD : run->ramp;
    int rc = run_follow_ends(run, reader, e);
    if (rc == 0)
        rc = run_count_numbers(r, run, reader, a, now, e);
    if (rc != 0)
        return rc;
    int64_t handed = run->hand.next > 0 ? run->hand.next - 1 : run->handed, open = run->tally.open;
    if (handed >= row->people && open == 0 && run->tally.ended <= handed)
        open = 1; /* not all of them are known to have ended yet */
    *ret = (struct campaign_progress){.state = (enum campaign_state)row->state,
                                      .cause = (enum campaign_cause)row->cause,
                                      .ramp = ramp,
                                      .people = row->people,
                                      .handed = handed,
                                      .open = open,
                                      .waiting = run->tally.waiting,
                                      .sent = run->tally.sent,
                                      .old_enough = run->tally.old_enough,
                                      .last_sent_at = run->tally.last_sent_at,
                                      .target = row->target,
                                      .target_at = row->target_at,
                                      .lenient = run->lenient,
                                      .base = run->base,
                                      .base_sent = run->base_sent,
                                      .start_at = d->start_at,
                                      .deadline = d->deadline,
                                      .max_lateness = d->max_lateness,
                                      .started_at = row->started_at,
                                      .beat_at = row->beat_at,
                                      .resume_at = row->resume_at,
                                      .per_second = speed_together(r, run),
                                      .monitor = run->has_verdict ? &run->verdict : NULL};
    return 0;
}
