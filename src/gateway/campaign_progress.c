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
#define COUNT_MOST  1000000 /* rows of one line */
#define COUNT_SHARE 20
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

static struct outbox_key line_of(const struct run *run, int64_t sender, enum lane_class class)
{
    return (struct outbox_key){.bucket = CAMPAIGN_BUCKET,
                               .sender = sender,
                               .class = (int)class,
                               .campaign = run->id,
                               .due = INT64_MIN,
                               .id = INT64_MIN};
}

/* Its lines: one, or two, because a template may have become marketing while it waited. */
static size_t lines_of(const struct run *run, int64_t sender, struct outbox_key ret[2])
{
    enum lane_class own = lane_class(run->def->category);
    ret[0] = line_of(run, sender, own);
    ret[1] = line_of(run, sender, LANE_MARKETING);
    return own != LANE_MARKETING ? 2 : 1;
}

/* All rows. To count many takes a while, so that is done the less often the longer it takes. */
static int count_all(const struct run *run, struct hand_number *v, struct store *reader, struct err *e)
{
    struct outbox_key line[2];
    size_t n = lines_of(run, v->sender, line);
    int64_t begun_ms = clock_mono_ns() / 1000000, all = 0, some = 0;
    int rc = 0;
    if (v->count_ms != 0 && begun_ms < v->count_ms + v->count_took_ms * COUNT_SHARE)
        return 0;
    for (size_t i = 0; rc == 0 && i < n; i++, all += some)
        rc = outbox_count(reader, &line[i], COUNT_MOST, &some, e);
    if (rc != 0)
        return rc;
    v->all = all;
    v->count_ms = clock_mono_ns() / 1000000;
    v->count_took_ms = v->count_ms - begun_ms;
    return 0;
}

static int count_number(const struct run *run, struct hand_number *v, struct store *reader, struct arena *a,
                        int64_t now, int64_t *ret_due, struct err *e)
{
    struct outbox_key line[2], *due = NULL;
    size_t lines = lines_of(run, v->sender, line), n = 0;
    int64_t sum = 0;
    int rc = count_all(run, v, reader, e);
    for (size_t i = 0; rc == 0 && v->all > 0 && i < lines; i++, sum += (int64_t)n)
        rc = outbox_read(reader, &line[i], now + SOON_MS, a, (size_t)(v->most + 1), &due, &n, e);
    if (rc != 0)
        return rc;
    v->waiting = v->stuck ? v->all : sum;
    *ret_due = v->stuck ? 0 : sum; /* they take no place from the others */
    return 0;
}

int run_count_numbers(struct campaign_runner *r, struct run *run, struct store *reader, struct arena *a, int64_t now,
                      struct err *e)
{
    struct snapshot *snap = snapshot_borrow(r->c->g->snapshots);
    int64_t due = 0, open = 0, waiting = 0;
    int rc = 0;
    read_tokens(r, run);
    for (size_t i = 0; rc == 0 && i < run->n_numbers; i++) {
        struct hand_number *v = &run->number[i];
        int64_t ahead = speed_of(snap, v->sender) * CAMPAIGN_AHEAD_MS / 1000;
        v->most = ahead > CAMPAIGN_AHEAD_LEAST ? ahead : CAMPAIGN_AHEAD_LEAST;
        v->stuck = is_stuck(r, v->sender);
        rc = count_number(run, v, reader, a, now, &due, e);
        open += v->all;
        waiting += v->all > due ? v->all - due : 0;
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
    run->tally.ended = place > 0 ? place : 1; /* 0: it has no cursor, because it never began */
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
