/* SPDX-License-Identifier: Apache-2.0
 * retention.c - the chore that drops old webhook bodies from the front of the inbox, and what they left behind.
 *
 * A body's age is in its number, so what is too old is a range of keys. Each step drops some hundred of it in one
 * transaction of the writer, at the lowest rank, and looks again a moment later while there is more: ten thousand a second
 * go without anybody waiting for it. The range ends where the projector is: its cursor only moves on. Statuses of messages that did
 * not go through us are kept as long as bodies are; a status belongs to the day it speaks of. Words about accounts, numbers and
 * templates name nobody and are kept for longer, so that a year can be looked back on. Deleted bytes are
 * overwritten in the file (store/db_sqlite.c), and its log, which a quiet gateway fills for weeks, is emptied behind them,
 * once an hour at most. */
#include "gateway/retention.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/chore.h"
#include "gateway/gateway_impl.h"
#include "gateway/projector.h"
#include "store/inbox.h"
#include "store/messages.h"
#include "store/notices.h"
#include "store/subscribers.h"

#define BACKLOG_MS 20
#define MEMORY     (4u << 20)
#define ID_BITS    22
#define EMPTIED_NS (INT64_C(3600) * 1000000000)
#define DAY_MS     INT64_C(86400000)
#define USUALLY_MS (30 * DAY_MS)
#define NOTICES_MS (400 * DAY_MS) /* longer where bodies are */
#define BUCKET     0              /* one holds everything while the spread is 1 */

const struct retention_options retention_usual = {.keep_ms = 0, .rest_ms = 60000, .rows = 500};

struct retention {
    struct gateway *g;
    struct retention_options o;
    int64_t behind[SUBSCRIBERS_MAX]; /* ids of those that were told of */
    size_t n_behind;
    int64_t emptied_ns; /* when the log was last emptied; 0: not in this life */
    struct chore *chore;

    /* --- of the step that is being made --- */
    int64_t end;  /* what is older may go */
    int64_t last; /* of the bodies that go now; 0: none does */
    size_t bodies, letters, orphans, notices;
    uint64_t missed;
};

/* ---- who will not get what goes ---- */

static bool told_of(struct retention *r, int64_t id, bool behind)
{
    for (size_t i = 0; i < r->n_behind; i++) {
        if (r->behind[i] != id)
            continue;
        if (!behind)
            r->behind[i] = r->behind[--r->n_behind];
        return true;
    }
    return false;
}

static void tell(struct retention *r, const struct subscriber *v)
{
    if (told_of(r, v->id, true))
        return;
    if (r->n_behind == SUBSCRIBERS_MAX)
        r->n_behind = 0; /* those of before are gone */
    r->behind[r->n_behind++] = v->id;
    log_warn("retention",
             "webhooks are dropped after %lld hours, and subscriber %s has not got all of them: it is too far behind",
             (long long)(r->o.keep_ms / 3600000), v->name);
}

/* Before anything goes: once it is gone nobody can say how many of them a subscriber did not get. */
static int look_behind(struct retention *r, struct store *reader, struct arena *a, struct err *e)
{
    struct subscriber *v = NULL;
    size_t n = 0;
    int rc = subscribers_list(reader, a, &v, &n, e);
    r->missed = 0;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        int64_t missed = 0;
        rc = subscriber_waiting(reader, &v[i], r->last, (int64_t)r->o.rows, &missed, e);
        if (rc == 0 && missed == 0)
            told_of(r, v[i].id, false);
        if (rc == 0 && missed > 0) {
            tell(r, &v[i]);
            r->missed += (uint64_t)missed;
        }
    }
    return rc;
}

/* ---- a step ---- */

/* What is too old, of that what was applied, of that the first some hundred. */
static int choose(struct retention *r, struct store *reader, struct err *e)
{
    int64_t applied = 0;
    int rc = cursor_get(reader, PROJECTOR_CURSOR, &applied, e);
    r->end = (clock_now_ms() - r->o.keep_ms) << ID_BITS;
    r->end = r->end <= applied ? r->end : applied + 1;
    return rc != 0 ? rc : inbox_last_of(reader, r->end, r->o.rows, &r->last, e);
}

/* After the last of what was too old. */
static int empty_log(struct retention *r, struct store *s, struct err *e)
{
    int64_t now_ns = clock_mono_ns();
    if (r->emptied_ns != 0 && now_ns - r->emptied_ns < EMPTIED_NS)
        return 0;
    r->emptied_ns = now_ns;
    return store_empty_log(s, e);
}

static int drop(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct retention *r = ctx;
    int64_t oldest = 0, notices_ms = r->o.keep_ms > NOTICES_MS ? r->o.keep_ms : NOTICES_MS;
    r->bodies = r->letters = r->orphans = r->notices = 0;
    int rc = r->last != 0 ? inbox_drop(s, r->last + 1, r->o.rows, &r->bodies, e) : 0;
    if (rc == 0)
        rc = inbox_oldest(s, &oldest, e);
    if (rc == 0)
        rc = dead_letters_expire(s, oldest != 0 ? oldest : r->end, r->o.rows, &r->letters, e);
    if (rc == 0)
        rc = message_orphans_expire(s, BUCKET, now - r->o.keep_ms, r->o.rows, a, &r->orphans, e);
    if (rc == 0)
        rc = notices_expire(s, now - notices_ms, r->o.rows, &r->notices, e);
    return rc == 0 && r->bodies > 0 && r->bodies < r->o.rows ? empty_log(r, s, e) : rc;
}

static int step(void *ctx, struct store *reader, struct arena *a, bool *ret_more, struct err *e)
{
    struct retention *r = ctx;
    int rc = choose(r, reader, e);
    if (rc == 0 && r->last != 0)
        rc = look_behind(r, reader, a, e);
    if (rc == 0)
        rc = writer_call(r->g->writer, CHORE_RANK, drop, r, e);
    if (rc != 0)
        return rc;
    metric_add(r->g, METRIC_WEBHOOKS_DROPPED, r->bodies);
    metric_add(r->g, METRIC_WEBHOOKS_MISSED, r->last != 0 ? r->missed : 0);
    *ret_more = r->bodies == r->o.rows || r->letters == r->o.rows || r->orphans == r->o.rows || r->notices == r->o.rows;
    return 0;
}

int retention_start(struct retention **ret, struct gateway *g, const struct retention_options *o, struct err *e)
{
    struct retention *r = calloc(1, sizeof *r);
    if (r == NULL)
        abort();
    r->g = g;
    r->o = *o;
    r->o.keep_ms = o->keep_ms != 0 ? o->keep_ms : USUALLY_MS;
    int rc = chore_start(&r->chore, g->o.store_url,
                         &(struct chore_options){.name = "retention",
                                                 .failed = "old webhooks stay for now",
                                                 .memory = MEMORY,
                                                 .rest_ms = r->o.rest_ms,
                                                 .backlog_ms = BACKLOG_MS,
                                                 .step = step,
                                                 .ctx = r},
                         e);
    if (rc != 0) {
        free(r);
        return rc;
    }
    *ret = r;
    return 0;
}

void retention_stop(struct retention *r)
{
    if (r != NULL)
        chore_stop(r->chore);
}

void retention_free(struct retention *r)
{
    if (r == NULL)
        return;
    chore_free(r->chore);
    free(r);
}
