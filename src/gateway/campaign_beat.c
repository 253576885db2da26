/* SPDX-License-Identifier: Apache-2.0
 * campaign_beat.c - whether the database is the one that campaigns were run with last.
 *
 * Somebody who puts yesterday's backup back has campaigns in it that have sent on since: to go on with them would repeat
 * messages. Three things tell. The ledger's generation: a log that does not fit what was signed has to be begun anew, and approvals
 * name the old one. The beat: it is counted in the database and, once that is on the disk, written to the file campaigns.mark in the state
 * directory; a database that knows fewer beats than the file is an older copy, and one that comes without the file, with campaigns that
 * had begun to send, is somebody else's. Time: a campaign nobody looked after for CAMPAIGN_GAP_MS (campaign_run.h).
 *
 * It is looked before the dispatcher begins: an older copy's outbox has messages that have long been sent. What was approved in such a copy
 * and not started has to be approved anew (campaign_acts.c), for it may have been sent since.
 *
 * What cannot be told: a copy of the whole state directory of less than an hour ago. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "gateway/campaign_id.h"
#include "gateway/campaign_runner.h"
#include "gateway/checkpoints_impl.h"

#define BEATS        "campaigns.beat"
#define COPIED       "campaigns.copied"
#define PATH_MOST    4096
#define GUARD_MEMORY (64u << 20)

static void path_of(const struct gateway *g, const char *end, char path[PATH_MOST])
{
    snprintf(path, PATH_MOST, "%s/campaigns.mark%s", g->o.state_dir, end);
}

/* The beat in the file; -1: there is none. */
static int64_t read_mark(const struct gateway *g)
{
    char path[PATH_MOST], text[32] = "";
    int64_t beat = -1;
    path_of(g, "", path);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return -1;
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    if (n <= 0 || !str_i64(str_trim((struct str){text, (size_t)n}), &beat) || beat < 0)
        return -1;
    return beat;
}

/* Whether any of these had begun to send. */
static int any_begun(struct store *reader, const struct campaign_row *row, size_t n, bool *ret, struct err *e)
{
    int rc = 0;
    *ret = false;
    for (size_t i = 0; rc == 0 && !*ret && i < n; i++) {
        struct campaign_cursor c = {.bucket = CAMPAIGN_BUCKET, .campaign = row[i].id};
        rc = campaign_cursor_get(reader, &c, e);
        *ret = rc == 0 && c.cur > 1;
    }
    return rc;
}

static int is_copy(struct campaigns *c, const struct campaign_row *row, size_t n, bool *ret, struct err *e)
{
    int64_t counted = 0, marked = read_mark(c->g);
    int rc = cursor_get(c->reader, BEATS, &counted, e);
    *ret = counted < marked;
    return rc == 0 && marked < 0 ? any_begun(c->reader, row, n, ret, e) : rc;
}

/* Why this one may not go on by itself; NULL: it may. */
static const char *stands_against(const struct campaigns *c, const struct campaign_row *row, bool copied, bool begun,
                                  int64_t now)
{
    const struct gateway *g = c->g;
    bool open = row->state == CAMPAIGN_RUNNING || row->state == CAMPAIGN_HELD;
    bool by_itself = row->state == CAMPAIGN_RUNNING || row->resume_at != 0;
    if (!open || row->cause == CAUSE_GAP)
        return NULL;
    if (row->generation != 0 && g->checkpoints != NULL && row->generation != g->checkpoints->generation)
        return "the ledger was begun anew since it was approved, so the database is a copy that was put back: what the "
               "campaign sent since "
               "that copy is not in it";
    if (copied)
        return "the database is an older copy than the one campaigns were run with last, or comes from another machine "
               "(the file "
               "campaigns.mark of the state directory): what the campaign sent since that copy is not in it";
    if (by_itself && begun && row->beat_at != 0 && now - row->beat_at > CAMPAIGN_GAP_MS)
        return "nobody looked after it for more than an hour: somebody has to see whether it went on elsewhere "
               "meanwhile";
    return NULL;
}

struct guard {
    struct campaigns *c;
    const struct campaign_row *row;
    const char *why;
    bool copied;
    int64_t beat, marked;
};

static int hold_task(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct guard *t = ctx;
    struct campaign_row row;
    int rc = campaign_get(s, t->row->id, a, &row, e);
    if (rc != 0)
        return rc;
    return campaign_do(t->c->g, s, &row,
                       &(struct campaign_order){.act = CAMPAIGN_ACT_HOLD,
                                                .actor = STR("runner"),
                                                .detail = str_of(t->why),
                                                .cause = CAUSE_GAP},
                       now, e);
}

static int copied_task(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct guard *t = ctx;
    (void)a;
    int rc = cursor_set(s, COPIED, now, e);
    if (rc == 0)
        rc = cursor_get(s, BEATS, &t->beat, e);
    if (rc == 0 && t->marked > t->beat) /* never down: there may be a third copy, older than what the mark told of */
        rc = cursor_set(s, BEATS, t->marked, e);
    return rc == 0 ? run_beat_count(s, &t->beat, e) : rc;
}

static int guard_one(struct guard *t, struct err *e)
{
    struct campaign_cursor cur = {.bucket = CAMPAIGN_BUCKET, .campaign = t->row->id};
    char id[STORE_ID_TEXT];
    int rc = campaign_cursor_get(t->c->reader, &cur, e);
    t->why = rc == 0 ? stands_against(t->c, t->row, t->copied, cur.cur > 1, clock_now_ms()) : NULL;
    if (t->why == NULL)
        return rc;
    rc = writer_call(t->c->g->writer, CAMPAIGN_JOB_RANK, hold_task, t, e);
    if (rc == 0)
        log_warn("campaigns",
                 "campaign %s (%.*s) is stopped until somebody lets it go on: %s. Nothing more leaves, what waits is "
                 "kept. What to do: see "
                 "on the platform what was sent, then 'wayleave campaigns resume %s --after-gap', or 'stop' for good",
                 campaign_id_text(t->row->id, id), (int)(t->row->name.n < 80 ? t->row->name.n : 80), t->row->name.p,
                 t->why, id);
    return rc;
}

int campaigns_guard(struct campaigns *c, struct err *e)
{
    struct guard t = {.c = c, .marked = read_mark(c->g)};
    struct campaign_row *row = NULL;
    size_t n = 0;
    struct arena *a = arena_create(GUARD_MEMORY);
    if (a == NULL)
        abort();
    int rc = campaigns_open(c->reader, a, CAMPAIGNS_OPEN, &row, &n, e);
    if (rc == 0)
        rc = is_copy(c, row, n, &t.copied, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        t.row = &row[i];
        rc = guard_one(&t, e);
    }
    if (rc == 0 && t.copied)
        rc = writer_call(c->g->writer, CAMPAIGN_JOB_RANK, copied_task, &t, e);
    if (rc == 0 && t.copied)
        run_mark(c->g, t.beat); /* it is known now */
    arena_free(a);
    return rc;
}

int campaigns_copied_at(struct store *s, int64_t *ret, struct err *e)
{
    return cursor_get(s, COPIED, ret, e);
}

int run_beat_count(struct store *s, int64_t *ret, struct err *e)
{
    int64_t n = 0;
    int rc = cursor_get(s, BEATS, &n, e);
    if (rc == 0)
        rc = cursor_set(s, BEATS, n + 1, e);
    *ret = n + 1;
    return rc;
}

/* Complete, or not at all. */
static int write_mark(const struct gateway *g, int64_t beat)
{
    char path[PATH_MOST], fresh[PATH_MOST], text[32];
    path_of(g, "", path);
    path_of(g, ".new", fresh);
    int n = snprintf(text, sizeof text, "%lld\n", (long long)beat);
    int fd = open(fresh, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return -1;
    bool well = write(fd, text, (size_t)n) == n && fsync(fd) == 0;
    close(fd);
    failpoint(campaign_marking);
    return well && rename(fresh, path) == 0 ? 0 : -1;
}

static int beat_task(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    (void)a, (void)now;
    return run_beat_count(s, ctx, e);
}

void campaigns_beat(struct campaigns *c)
{
    struct err e = {0};
    int64_t beat = 0;
    if (writer_call(c->g->writer, CAMPAIGN_JOB_RANK, beat_task, &beat, &e) == 0)
        run_mark(c->g, beat);
}

void run_mark(const struct gateway *g, int64_t beat)
{
    if (write_mark(g, beat) != 0)
        log_error("campaigns",
                  "cannot write campaigns.mark in the state directory (%s): an older copy of the database would not be "
                  "noticed",
                  strerror(errno));
}
