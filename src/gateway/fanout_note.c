/* SPDX-License-Identifier: Apache-2.0
 * fanout_note.c - writes down how far subscribers are and what they did not take, some times a second for all of them.
 *
 * One job at a time. A thing that was given up is written in the transaction of the first position that is past it, so nothing
 * can fall between the two; what is not written when the power goes is handed over once more. Beside a position stands what of all
 * before it is not over yet. A row that is gone, or whose
 * replay somebody changed meanwhile, is left alone. */
#include "gateway/fanout_impl.h"

#include <stdlib.h>

#include "base/failpoint.h"
#include "base/log.h"

#define RANK          3 /* nobody waits for it */
#define EVERY_MS      200
#define CONFIGURED    "forward" /* the subscriber of the configuration, and the cursor it had before there were others */
#define PARALLEL      8
#define PENDING_BYTES (SUBSCRIBER_PENDING_MAX * 24 + 24)

/* --- what is to be written -------------------------------------------------------------------------------------------- */

void loss_add(struct target *t, const struct loss *l)
{
    struct loss *more = realloc(t->losses, (t->n_losses + 1) * sizeof *more);
    if (more == NULL)
        abort();
    t->losses = more;
    t->losses[t->n_losses++] = *l;
}

static bool same(const struct buf *a, const struct buf *b)
{
    return str_eq(buf_str(a), buf_str(b));
}

/* A replay that came to its end is over. */
static void fill_again(const struct target *t, struct note_entry *n)
{
    const struct stream *st = &t->stream[STREAM_AGAIN];
    n->again_from = n->again_next = t->again_saved;
    n->again_until = n->again_end = t->again_until;
    if (t->again_until == 0 || st->anew_from >= 0)
        return;
    int64_t at = stream_position(st);
    if (at >= t->again_until && stream_count(st) == 0)
        n->again_next = n->again_end = 0;
    else if (at > n->again_next)
        n->again_next = at;
}

/* A week of them is one line. */
static void say_losses(const struct target *t)
{
    const struct loss *last = NULL;
    size_t n = 0;
    for (size_t i = 0; i < t->n_losses; i++)
        if (!t->losses[i].taken) {
            last = &t->losses[i];
            n++;
        }
    if (n > 0)
        log_error("fanout", "%zu webhook%s given up for subscriber '%s'; %s%lld was %s", n, n == 1 ? " was" : "s were",
                  t->name, n == 1 ? "" : "the last, ", (long long)last->seq, last->why);
}

/* False: nothing changed. The losses are the note's from now on. */
static bool fill_entry(struct target *t, struct note_entry *n)
{
    *n = (struct note_entry){.target = t, .id = t->id, .position = t->stream[STREAM_LIVE].read};
    buf_init(&n->pending, PENDING_BYTES);
    stream_pending(&t->stream[STREAM_LIVE], &n->pending);
    fill_again(t, n);
    bool moved = n->position > t->saved || n->again_next != n->again_from || n->again_end != n->again_until;
    if (!moved && t->n_losses == 0 && same(&n->pending, &t->pending)) {
        buf_done(&n->pending);
        return false;
    }
    say_losses(t);
    n->losses = t->losses;
    n->n_losses = t->n_losses;
    t->losses = NULL;
    t->n_losses = 0;
    return true;
}

static void fill_note(struct fanout *f)
{
    struct note *n = &f->note;
    n->n = 0;
    for (size_t i = 0; i < f->n && n->n < SUBSCRIBERS_MAX; i++)
        if (!f->target[i]->gone && fill_entry(f->target[i], &n->entry[n->n]))
            n->n++;
}

/* --- in the writer's transaction -------------------------------------------------------------------------------------- */

static int write_losses(struct store *s, const struct note_entry *n, struct err *e)
{
    int rc = 0;
    for (size_t i = 0; i < n->n_losses && rc == 0; i++) {
        const struct loss *l = &n->losses[i];
        const struct dead_letter dead = {.subscriber = n->id,
                                         .seq = l->seq,
                                         .event = l->event,
                                         .died_at = l->at,
                                         .attempts = l->attempts,
                                         .status = l->status,
                                         .why = str_of(l->why)};
        rc = l->taken ? dead_letter_drop(s, n->id, l->seq, l->event, e) : dead_letters_put(s, &dead, 1, e);
        if (rc == WL_ENOTFOUND)
            rc = 0;
    }
    return rc;
}

static int write_entry(struct store *s, const struct subscriber *row, const struct note_entry *n, struct err *e)
{
    int rc = write_losses(s, n, e);
    if (rc == 0)
        rc = subscriber_position(s, n->id, n->position, buf_str(&n->pending), e);
    bool moved = n->again_next != n->again_from || n->again_end != n->again_until;
    if (rc == 0 && moved && row->again_next == n->again_from && row->again_until == n->again_until)
        rc = subscriber_again(s, n->id, n->again_next, n->again_end, e);
    return rc;
}

static int write_note(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    const struct note *n = ctx;
    struct subscriber *rows;
    size_t n_rows = 0;
    (void)now;
    int rc = subscribers_list(s, a, &rows, &n_rows, e);
    for (size_t i = 0; i < n->n; i++)
        for (size_t k = 0; k < n_rows && rc == 0; k++)
            if (rows[k].id == n->entry[i].id)
                rc = write_entry(s, &rows[k], &n->entry[i], e);
    failpoint(fanout_noting);
    return rc;
}

static int note_run(void *ctx, struct store *s, struct arena *a, struct job *const *jobs, size_t n, int64_t now,
                    struct err *e)
{
    struct fanout *f = ctx;
    (void)jobs, (void)n;
    return write_note(&f->note, s, a, now, e);
}

static void note_done(void *ctx, struct job *job)
{
    struct fanout *f = ctx;
    (void)job;
    pthread_mutex_lock(&f->lock);
    f->noted = true;
    pthread_cond_signal(&f->wake);
    pthread_mutex_unlock(&f->lock);
}

/* --- around it -------------------------------------------------------------------------------------------------------- */

void note_setup(struct fanout *f)
{
    f->note.type = (struct job_type){.name = "fanout", .rank = RANK, .run = note_run, .done = note_done, .ctx = f};
    f->note.job.type = &f->note.type;
    f->note_ms = INT64_MAX;
}

/* What was not written is written with the next note. */
static void give_back(struct note_entry *n)
{
    struct target *t = n->target;
    struct loss *later = t->losses;
    size_t n_later = t->n_losses;
    t->losses = n->losses;
    t->n_losses = n->n_losses;
    buf_done(&n->pending);
    for (size_t i = 0; i < n_later; i++)
        loss_add(t, &later[i]);
    free(later);
}

static void written(struct note_entry *n)
{
    struct target *t = n->target;
    if (n->position > t->saved)
        t->saved = n->position;
    buf_done(&t->pending);
    t->pending = n->pending;
    t->again_saved = n->again_next;
    t->again_until = n->again_end;
    if (n->again_end == 0)
        t->stream[STREAM_AGAIN].until = 0;
    free(n->losses);
}

static void note_over(struct fanout *f, int rc)
{
    struct note *n = &f->note;
    for (size_t i = 0; i < n->n; i++) {
        if (rc == 0)
            written(&n->entry[i]);
        else
            give_back(&n->entry[i]);
        n->entry[i].target->touched = true;
    }
    n->n = 0;
    n->open = false;
}

bool note_send(struct fanout *f)
{
    struct err e = {0};
    f->note_ms = INT64_MAX;
    fill_note(f);
    if (f->note.n == 0)
        return false;
    f->note.open = true;
    int rc = writer_submit(f->g->writer, &f->note.job, &e);
    if (rc == 0)
        return true;
    note_over(f, rc);
    f->note_ms = fanout_mono_ms() + EVERY_MS;
    return false;
}

void note_settle(struct fanout *f)
{
    int rc = f->note.job.rc;
    if (rc != 0)
        log_warn("fanout", "how far subscribers are cannot be written now: %s", f->note.job.err.text);
    note_over(f, rc);
    f->note_ms = fanout_mono_ms() + EVERY_MS;
    failpoint(fanout_noted);
}

void note_last(struct fanout *f)
{
    struct err e = {0};
    fill_note(f);
    int rc = f->note.n == 0 ? 0 : writer_call(f->g->writer, RANK, write_note, &f->note, &e);
    if (rc != 0)
        log_warn("fanout", "how far subscribers are was not written, some webhooks will come once more: %s", e.text);
    note_over(f, rc);
}

/* --- the subscriber of the configuration ------------------------------------------------------------------------------ */

static int configured_new(struct store *s, struct subscriber *row, int64_t now, struct err *e)
{
    int64_t position = 0;
    int rc = cursor_get(s, CONFIGURED, &position, e); /* of a program that had one receiver */
    *row = (struct subscriber){.id = store_id(s, now), .name = CONFIGURED, .created_at = now, .position = position};
    return rc == 0 && position != 0 ? cursor_set(s, CONFIGURED, 0, e) : rc;
}

static int configure_run(void *ctx, struct store *s, struct arena *a, int64_t now, struct err *e)
{
    struct gateway *g = ctx;
    struct subscriber row;
    const char *url = g->o.forward_url;
    int rc = subscriber_get(s, STR(CONFIGURED), a, &row, e);
    if (rc != 0 && rc != WL_ENOTFOUND)
        return rc;
    bool there = rc == 0, ours = there && row.origin == SUBSCRIBER_BY_CONFIGURATION;
    if (there && !ours && url != NULL)
        log_error("fanout",
                  "webhook.forward_url is not used: somebody made a subscriber '%s' of another kind; remove it and "
                  "start again (wayleave webhooks subscribers remove %s)",
                  row.name, row.name);
    if (there && !ours)
        return 0;
    if (url == NULL)
        return ours ? subscriber_drop(s, row.id, e) : 0;
    if (ours && str_eq(row.url, str_of(url)))
        return 0;
    if (!there && (rc = configured_new(s, &row, now, e)) != 0)
        return rc;
    row.url = str_of(url);
    row.secret = row.filter = (struct str){"", 0};
    row.form = SUBSCRIBER_BODIES;
    row.parallel = PARALLEL;
    row.origin = SUBSCRIBER_BY_CONFIGURATION;
    row.changed_at = now;
    return subscriber_put(s, &row, e);
}

int fanout_configure(struct gateway *g, struct err *e)
{
    return writer_call(g->writer, RANK, configure_run, g, e);
}
