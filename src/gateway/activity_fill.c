/* SPDX-License-Identifier: Apache-2.0
 * activity_fill.c - walks stored messages from the newest back, then windows, and counts what they say.
 *
 * A status that came after `activity.since` was counted when it came; what was stored before is counted here, once: the place and
 * what was counted are written in one transaction. Of a message whose statuses are not kept any more its row says that it was
 * delivered, read or failed, and when it last changed. Of messages from people only the last one to each number is known.
 *
 * Which of these is counted already the row of the person tells, in the transaction that writes it: what was counted as it came
 * is no earlier than `replied` or `clicked` say, or it is among their newest events. Statuses are counted by when they were
 * recorded. The order does not matter (core/activity.h), so neither does it that newer things are counted meanwhile. */
#include "gateway/activity_fill.h"

#include <stdlib.h>
#include <string.h>

#include "gateway/apply_activity.h"
#include "gateway/chore.h"
#include "gateway/writer.h"
#include "store/activities.h"
#include "store/people.h"

#define SINCE        "activity.since"
#define MESSAGES     "activity.messages" /* ids below are to be done; DONE: all are */
#define PAIRS        "activity.pairs"    /* contacts above are to be done; DONE: all are */
#define DONE         -1
#define BUCKET       0 /* one holds everything while the spread is 1 */
#define PAGE         200
#define STATUSES_MAX 64 /* of one message */
#define MEMORY       (32u << 20)

struct activity_fill {
    struct writer *writer;
    struct chore *chore;
    /* what a step found */
    struct apply_active *found;
    const char *cursor;
    int64_t next;
};

int activity_fill_begin(struct store *s, int64_t now, struct err *e)
{
    int64_t since = 0;
    int rc = cursor_get(s, SINCE, &since, e);
    if (rc != 0 || since != 0)
        return rc;
    rc = store_begin(s, e);
    if (rc == 0)
        rc = cursor_set(s, SINCE, now, e);
    if (rc == 0)
        return store_commit(s, e);
    store_rollback(s);
    return rc;
}

/* --- messages --------------------------------------------------------------------------------------------------------- */

static void found(struct activity_fill *f, const struct message *m, const struct activity_event *ev)
{
    if (f->found->n < APPLY_ACTIVE_MAX)
        f->found->said[f->found->n++] = (struct active_person){m->bucket, m->contact, *ev};
}

/* What the row says and no status does. */
static void row_says(struct activity_fill *f, const struct message *m, uint32_t told, int64_t since)
{
    static const uint32_t bits[] = {SEEN_SENT, SEEN_DELIVERED, SEEN_READ, SEEN_FAILED};
    int64_t at = m->changed_at != 0 ? m->changed_at : m->ts;
    struct activity_event ev;
    for (size_t i = 0; i < sizeof bits / sizeof *bits; i++)
        if ((m->seen & ~told & bits[i]) && activity_of_status(m, bits[i], m->life.code, at, &ev))
            found(f, m, &ev);
    if (m->life.state == LIFE_REJECTED && at < since && activity_of_refusal(m, m->life.code, at, &ev))
        found(f, m, &ev);
}

static int one_message(struct activity_fill *f, struct store *reader, const struct message *m, int64_t since,
                       struct arena *a, struct err *e)
{
    struct message_event *ev;
    struct activity_event said;
    uint32_t told = 0;
    size_t n = 0;
    if (m->contact == 0)
        return 0;
    int rc = message_events_list(reader, m->bucket, m->id, a, STATUSES_MAX, &ev, &n, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        told |= ev[i].seen;
        if (ev[i].recorded_at < since && activity_of_status(m, ev[i].seen, ev[i].code, ev[i].at, &said))
            found(f, m, &said);
    }
    if (rc == 0)
        row_says(f, m, told, since);
    return rc;
}

/* As many messages as there is room for what they say. */
static int look_at_messages(struct activity_fill *f, struct store *reader, int64_t before, int64_t since,
                            struct arena *a, struct err *e)
{
    const struct message_filter all = {.to = since};
    struct message *m;
    size_t n = 0;
    int64_t next = 0;
    int rc = messages_list(reader, BUCKET, &all, before, a, PAGE, &m, &n, &next, e);
    f->next = next != 0 ? next : DONE;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        rc = one_message(f, reader, &m[i], since, a, e);
        if (f->found->n + STATUSES_MAX + 8 > APPLY_ACTIVE_MAX && i + 1 < n) {
            f->next = m[i].id;
            break;
        }
    }
    return rc;
}

/* --- windows ---------------------------------------------------------------------------------------------------------- */

static int look_at_pairs(struct activity_fill *f, struct store *reader, int64_t after, int64_t since, struct arena *a,
                         struct err *e)
{
    struct pair *p;
    size_t n = 0;
    int rc = pairs_after(reader, BUCKET, after, PAGE, a, &p, &n, e);
    f->next = n > 0 ? p[n - 1].contact : DONE;
    for (size_t i = 0; rc == 0 && i < n; i++)
        if (p[i].last_inbound != 0 && p[i].last_inbound < since) /* what came after is counted */
            f->found->said[f->found->n++] =
                (struct active_person){p[i].bucket, p[i].contact, {.kind = ACTIVITY_REPLIED, .at = p[i].last_inbound}};
    return rc;
}

/* Whether a message that people sent at `at` was counted when it came: as a reply or as a tap, a window does not say. */
static bool is_counted(const struct activity *a, int64_t at)
{
    bool counted = a->n_newest == ACTIVITY_NEWEST && a->newest[ACTIVITY_NEWEST - 1].at > at;
    for (size_t i = 0; i < a->n_newest && !counted; i++)
        counted =
            a->newest[i].at == at && (a->newest[i].kind == ACTIVITY_REPLIED || a->newest[i].kind == ACTIVITY_CLICKED);
    return counted && (a->replied >= at || a->clicked >= at);
}

/* Those that were counted already are left out. Whether one was is asked of the row before anything is added to it. */
static int drop_counted(struct apply_active *found, struct store *s, struct err *e)
{
    struct activity_row r = {.ver = 0};
    struct person p;
    size_t n = 0;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < found->n; i++) {
        rc = people_get(s, found->said[i].bucket, found->said[i].contact, &p, e);
        if (rc == WL_ENOTFOUND) {
            rc = 0;
            continue;
        }
        r.bucket = p.bucket;
        r.contact = p.id; /* whom they were merged into */
        rc = rc == 0 ? activities_get(s, &r, 1, e) : rc;
        if (rc == 0 && !is_counted(&r.a, found->said[i].ev.at / 1000)) {
            found->said[n] = found->said[i];
            found->said[n++].ev.sure = true;
        }
    }
    found->n = n;
    return rc;
}

/* --- a step ----------------------------------------------------------------------------------------------------------- */

static int write_found(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct activity_fill *f = ctx;
    struct apply_active copy = *f->found; /* the transaction may run a second time */
    (void)a, (void)now;
    int rc = strcmp(f->cursor, PAIRS) == 0 ? drop_counted(&copy, s, e) : 0;
    if (rc == 0)
        rc = apply_active_flush(&copy, s, e);
    return rc == 0 ? cursor_set(s, f->cursor, f->next, e) : rc;
}

static int step(void *ctx, struct store *reader, struct arena *a, bool *ret_more, struct err *e)
{
    struct activity_fill *f = ctx;
    int64_t since = 0, before = 0, after = 0;
    int rc = cursor_get(reader, SINCE, &since, e);
    if (rc == 0)
        rc = cursor_get(reader, MESSAGES, &before, e);
    if (rc == 0)
        rc = cursor_get(reader, PAIRS, &after, e);
    if (rc != 0 || after == DONE)
        return rc;
    f->found->n = 0;
    f->cursor = before != DONE ? MESSAGES : PAIRS;
    rc = before != DONE ? look_at_messages(f, reader, before, since, a, e)
                        : look_at_pairs(f, reader, after, since, a, e);
    if (rc == 0)
        rc = writer_call(f->writer, CHORE_RANK, write_found, f, e);
    *ret_more = rc == 0;
    return rc;
}

int activity_fill_start(struct activity_fill **ret, struct writer *w, const char *store_url, int64_t rest_ms,
                        struct err *e)
{
    struct activity_fill *f = calloc(1, sizeof *f);
    if (f == NULL || (f->found = calloc(1, sizeof *f->found)) == NULL)
        abort();
    f->writer = w;
    int rc = chore_start(&f->chore, store_url,
                         &(struct chore_options){.name = "activity",
                                                 .failed = "what was stored before is not counted yet",
                                                 .memory = MEMORY,
                                                 .rest_ms = 60000,
                                                 .backlog_ms = rest_ms,
                                                 .step = step,
                                                 .ctx = f},
                         e);
    if (rc != 0) {
        free(f->found);
        free(f);
        return rc;
    }
    *ret = f;
    return 0;
}

void activity_fill_stop(struct activity_fill *f)
{
    if (f != NULL)
        chore_stop(f->chore);
}

void activity_fill_free(struct activity_fill *f)
{
    if (f == NULL)
        return;
    chore_free(f->chore);
    free(f->found);
    free(f);
}
