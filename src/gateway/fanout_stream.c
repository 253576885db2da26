/* SPDX-License-Identifier: Apache-2.0
 * fanout_stream.c - a subscriber's windows, filled from the inbox.
 *
 * Three ways lead to one subscriber: what comes, what is tried once more (dead letters that somebody asked for), and what is
 * handed over again. Each has a window of its own, so that an old body that is refused is not in the way of a new one. A window
 * takes DELIVERY_WINDOW_MAX things and a budget of bytes, one thing always fits, and what does not is read again later: a
 * body of which only some events fit is taken up at the event it was left at. A position says: all up to here is over.
 *
 * Nothing is read beyond what has been applied. A full window is read into again when half of it has gone; or, when nothing
 * in it may go because it waits for its like, as soon as anything has: whether it is full then tells it jammed from calm. */
#include "gateway/fanout_impl.h"

#include <stdlib.h>

#include "base/log.h"

#define LOW       (DELIVERY_WINDOW_MAX / 2)
#define ROWS      64 /* read at a time */
#define DEAD_ROWS 64 /* as many as a stream has room to remember */
#define ROW_BYTES (1u << 20)
#define LOSSES    1024 /* not written yet; more things are not begun then */

static const struct {
    size_t bytes; /* of the bodies in a window, and one more */
    unsigned refusals, failures;
} terms_of[STREAMS] = {
    [STREAM_LIVE] = {8u << 20, 0, 0}, [STREAM_DEAD] = {4u << 20, 1, 3}, [STREAM_AGAIN] = {4u << 20, 0, 0}};

static struct delivery_terms stream_terms(const struct target *t, enum stream_kind kind)
{
    struct delivery_terms terms = delivery_usual;
    terms.parallel = t->parallel;
    if (terms_of[kind].refusals != 0) {
        terms.refusals = terms_of[kind].refusals;
        terms.failures = terms_of[kind].failures;
    }
    return terms;
}

void stream_open(struct stream *st, struct target *t, enum stream_kind kind, int64_t read)
{
    *st = (struct stream){.target = t, .kind = kind, .read = read, .restart_from = -1, .wake_ms = INT64_MAX};
}

void stream_set(struct stream *st)
{
    struct delivery_terms terms = stream_terms(st->target, st->kind);
    if (st->window != NULL)
        delivery_set(st->window, &terms);
}

void stream_close(struct stream *st)
{
    while (st->first != NULL)
        stream_remove(st, st->first);
    delivery_free(st->window);
    st->window = NULL;
}

void stream_remove(struct stream *st, struct post *p)
{
    *(p->prev != NULL ? &p->prev->next : &st->first) = p->next;
    *(p->next != NULL ? &p->next->prev : &st->last) = p->prev;
    st->bytes -= p->n;
    st->ended = true;
    post_free(p);
}

int64_t stream_position(const struct stream *st)
{
    return st->window != NULL ? delivery_position(st->window, st->read) : st->read;
}

void stream_restart(struct stream *st, int64_t read)
{
    st->restart_from = read;
}

/* Begins anew once nothing is on its way. */
static bool restarted(struct stream *st)
{
    if (st->window != NULL && delivery_open(st->window) > 0)
        return false;
    struct target *t = st->target;
    enum stream_kind kind = st->kind;
    int64_t from = st->restart_from, until = st->until;
    stream_close(st);
    stream_open(st, t, kind, from);
    st->until = until;
    return true;
}

static struct post *post_new(struct stream *st, const struct inbox_row *row, const struct cut_piece *piece)
{
    struct post *p = calloc(1, sizeof *p + piece->body.n);
    if (p == NULL)
        abort();
    p->stream = st;
    p->seq = row->seq;
    p->app = row->app;
    p->event = piece->event;
    p->n = piece->body.n;
    memcpy(p->body, piece->body.p, piece->body.n);
    return p;
}

/* False: the window is full. */
static bool add(struct stream *st, const struct inbox_row *row, const struct cut_piece *piece)
{
    if (st->first != NULL && st->bytes + piece->body.n > terms_of[st->kind].bytes)
        return false;
    if (st->window == NULL) {
        struct delivery_terms terms = stream_terms(st->target, st->kind);
        st->window = delivery_create(&terms);
        if (st->window == NULL)
            abort();
    }
    struct post *p = post_new(st, row, piece);
    struct delivery_thing thing = {
        .seq = row->seq, .event = piece->event, .at = row->at, .names = &piece->names, .user = p};
    if (st->kind != STREAM_LIVE) /* patience begins when it was asked for */
        thing.at = clock_now_ms();
    if (!delivery_add(st->window, &thing)) {
        post_free(p);
        return false;
    }
    p->prev = st->last;
    *(st->last != NULL ? &st->last->next : &st->first) = p;
    st->last = p;
    st->bytes += p->n;
    return true;
}

/* All of a body from where it was left. False: the window is full. */
static bool add_body(struct fanout *f, struct stream *st, const struct inbox_row *row)
{
    struct cut cut;
    struct err e = {0};
    size_t i = 0, gone = 0;
    if (fanout_cut(f, st->target, st->target->form == SUBSCRIBER_BODIES, row, &cut, &e) != 0) {
        log_error("fanout", "a body cannot be prepared for '%s': %s", st->target->name, e.text);
        return false;
    }
    if (st->part_seq == row->seq) { /* events may have been taken out since: rather one twice than one not at all */
        gone = st->part_n > cut.n ? st->part_n - cut.n : 0;
        i = st->part_next > gone ? st->part_next - gone : 0;
    }
    for (; i < cut.n; i++) {
        if (cut.piece[i].event >= 0)
            cut.piece[i].event += (int)gone; /* they rise within a window */
        if (!cut.piece[i].fresh || add(st, row, &cut.piece[i]))
            continue;
        st->part_seq = row->seq;
        st->part_n = cut.n + gone;
        st->part_next = i + gone;
        return false;
    }
    return true;
}

static bool wants(const struct stream *st)
{
    size_t count = st->window != NULL ? delivery_count(st->window) : 0, most = terms_of[st->kind].bytes;
    if (st->target->n_losses >= LOSSES)
        return false;
    return !st->full || (st->ended && (st->idle || (count <= LOW && st->bytes <= most / 2)));
}

static void put_off(struct fanout *f, const struct err *e)
{
    log_error("fanout", "the inbox cannot be read: %s", e->text);
    f->retry_ms = fanout_mono_ms() + 1000;
}

/* What waited for too long behind a receiver that is down. */
static void expire(struct stream *st)
{
    struct delivery_thing thing;
    while (st->window != NULL && st->target->n_losses < LOSSES &&
           delivery_expire(st->window, fanout_mono_ms(), clock_now_ms(), &thing)) {
        struct post *p = thing.user;
        post_given_up(p, &thing, DELIVERY_EXPIRED, st->target->view.last_error);
        stream_remove(st, p);
    }
}

/* The next bodies up to `limit`. */
static bool read_on(struct fanout *f, struct stream *st, int64_t limit)
{
    struct inbox_row *rows;
    struct err e = {0};
    size_t n = 0;
    if (st->read >= limit || !wants(st))
        return false;
    arena_reset(f->rows);
    if (inbox_read(f->reader, st->read, ROWS, ROW_BYTES, f->rows, &rows, &n, &e) != 0) {
        put_off(f, &e);
        return false;
    }
    st->full = st->idle = false;
    for (size_t i = 0; i < n && rows[i].seq <= limit; i++) {
        if (!add_body(f, st, &rows[i])) {
            st->full = true;
            st->ended = false;
            return false;
        }
        st->read = rows[i].seq;
        st->part_seq = 0;
    }
    if (n == 0 || rows[n - 1].seq >= limit)
        st->read = limit;
    return st->read < limit;
}

/* --- what is tried once more ------------------------------------------------------------------------------------------ */

static void dead_no_more(struct target *t, int64_t seq, int event)
{
    struct loss loss = {.seq = seq, .event = event, .taken = true};
    loss_add(t, &loss);
}

/* A whole body for somebody who gets events: all that its filter wants, had before or not. It is dead no more when the last
 * of them is over; what is refused again lies there by itself. */
static bool add_events(struct stream *st, const struct inbox_row *row, const struct cut *cut)
{
    size_t i = st->part_seq == row->seq ? st->part_next : 0;
    for (; i < cut->n; i++) {
        if (!cut->piece[i].wanted || add(st, row, &cut->piece[i]))
            continue;
        st->part_seq = row->seq;
        st->part_next = i;
        return false;
    }
    st->part_seq = 0;
    st->asked[st->n_asked++] = row->seq;
    return true;
}

/* One dead letter, a single event whatever the filter says by now. False: the window is full. */
static bool add_dead(struct fanout *f, struct stream *st, const struct dead_letter *l)
{
    struct inbox_row row;
    struct cut cut;
    struct err e = {0};
    bool whole = st->target->form == SUBSCRIBER_BODIES && l->event < 0;
    int rc = inbox_get(f->reader, l->seq, f->rows, &row, &e);
    if (rc == 0)
        rc = fanout_cut(f, st->target, whole, &row, &cut, &e);
    if (rc != 0 && rc != WL_ENOTFOUND) {
        put_off(f, &e);
        return false;
    }
    size_t at = l->event < 0 ? 0 : (size_t)l->event;
    if (rc == 0 && l->event < 0 && cut.piece[0].event >= 0)
        return add_events(st, &row, &cut);
    if (rc == 0 && at < cut.n && cut.piece[at].event == l->event)
        return add(st, &row, &cut.piece[at]);
    dead_no_more(st->target, l->seq, l->event);
    return true;
}

/* The window is empty: it begins anew, for its order only rises, at the event of a body that did not fit. */
static void dead_anew(struct stream *st)
{
    int64_t part_seq = st->part_seq;
    size_t part_next = st->part_next;
    struct target *t = st->target;
    for (size_t i = 0; i < st->n_asked; i++)
        dead_no_more(t, st->asked[i], -1);
    stream_close(st);
    stream_open(st, t, STREAM_DEAD, 0);
    st->part_seq = part_seq;
    st->part_next = part_next;
}

/* The list is read from its beginning when all that was read before is over and written. */
static void read_dead(struct fanout *f, struct stream *st)
{
    struct dead_letter *l;
    struct err e = {0};
    size_t n = 0, i = 0;
    if (!st->more || st->first != NULL)
        return;
    dead_anew(st);
    st->more = true;
    if (st->target->n_losses > 0 || f->note.open)
        return;
    arena_reset(f->rows);
    if (dead_letters_list(f->reader, st->target->id, 0, 0, true, DEAD_ROWS, f->rows, &l, &n, &e) != 0) {
        put_off(f, &e);
        return;
    }
    while (i < n && add_dead(f, st, &l[i]))
        i++;
    st->more = n > 0;
}

/* --- all of them ------------------------------------------------------------------------------------------------------ */

bool stream_fill(struct fanout *f, struct stream *st)
{
    expire(st);
    if (st->restart_from >= 0 && !restarted(st))
        return false;
    if (st->kind == STREAM_DEAD) {
        read_dead(f, st);
        return false;
    }
    if (st->kind == STREAM_AGAIN && st->until == 0)
        return false;
    return read_on(f, st, st->kind == STREAM_AGAIN && st->until < f->upto ? st->until : f->upto);
}
