/* SPDX-License-Identifier: Apache-2.0
 * fanout_stream.c - a subscriber's windows, filled from the inbox.
 *
 * Three ways lead to one subscriber: what comes, what is tried once more (dead letters that somebody asked for), and what is
 * handed over again. Each has a window of its own, so that an old body that is refused is not in the way of a new one. A window
 * takes DELIVERY_WINDOW_MAX things and a budget of bytes, one thing always fits, and what does not is read again later: a
 * body of which only some events fit is taken up at the event it was left at.
 *
 * A window can be given up at any time and filled again: what of it is not over is remembered by its place in the inbox, with its
 * attempts, and read again from there before the window goes on. That is done when what is wanted changed, and when
 * somebody was erased from the inbox; and it is how a life goes on where the one before ended.
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
    *st = (struct stream){.target = t, .kind = kind, .read = read, .anew_from = -1, .wake_ms = INT64_MAX};
}

void stream_set(struct stream *st)
{
    struct delivery_terms terms = stream_terms(st->target, st->kind);
    if (st->window != NULL)
        delivery_set(st->window, &terms);
}

static void close_window(struct stream *st)
{
    while (st->first != NULL)
        stream_remove(st, st->first);
    delivery_free(st->window);
    st->window = NULL;
}

void stream_close(struct stream *st)
{
    close_window(st);
    free(st->held);
    st->held = NULL;
    st->n_held = st->next_held = 0;
}

void stream_remove(struct stream *st, struct post *p)
{
    *(p->prev != NULL ? &p->prev->next : &st->first) = p->next;
    *(p->next != NULL ? &p->next->prev : &st->last) = p->prev;
    st->bytes -= p->n;
    st->n--;
    st->n_stuck -= p->stuck;
    st->ended = true;
    post_free(p);
}

/* --- what is not over --------------------------------------------------------------------------------------------------- */

static bool comes_before(const struct subscriber_thing *a, const struct subscriber_thing *b)
{
    return a->seq != b->seq ? a->seq < b->seq : a->event < b->event;
}

static int by_place(const void *a, const void *b)
{
    return comes_before(a, b) ? -1 : comes_before(b, a);
}

static struct subscriber_thing thing_of(const struct post *p)
{
    return (struct subscriber_thing){p->seq, p->event, p->attempts};
}

size_t stream_count(const struct stream *st)
{
    return st->n + st->n_held - st->next_held;
}

int64_t stream_oldest(const struct stream *st, unsigned *ret_attempts)
{
    struct subscriber_thing first = {0};
    if (st->first != NULL)
        first = thing_of(st->first);
    if (st->next_held < st->n_held && (st->first == NULL || comes_before(&st->held[st->next_held], &first)))
        first = st->held[st->next_held];
    *ret_attempts = first.attempts;
    return first.seq;
}

int64_t stream_position(const struct stream *st)
{
    unsigned attempts;
    int64_t oldest = stream_oldest(st, &attempts);
    return oldest != 0 && oldest <= st->read ? oldest - 1 : st->read;
}

void stream_pending(const struct stream *st, struct buf *out)
{
    struct subscriber_pending v = {.part_seq = st->part_seq, .part_next = st->part_next};
    v.thing = calloc(stream_count(st) + 1, sizeof *v.thing);
    if (v.thing == NULL)
        abort();
    for (const struct post *p = st->first; p != NULL; p = p->next)
        v.thing[v.n++] = thing_of(p);
    for (size_t i = st->next_held; i < st->n_held; i++)
        v.thing[v.n++] = st->held[i];
    if (st->next_held < st->n_held)
        qsort(v.thing, v.n, sizeof *v.thing, by_place);
    subscriber_pending_write(&v, out);
    free(v.thing);
}

void stream_take_up(struct stream *st, const struct subscriber_pending *p)
{
    st->held = calloc(p->n + 1, sizeof *st->held);
    if (st->held == NULL)
        abort();
    if (p->n > 0)
        memcpy(st->held, p->thing, p->n * sizeof *st->held);
    st->n_held = p->n;
    st->part_seq = p->part_seq;
    st->part_next = p->part_next;
}

/* In its place: what was on its way comes later than what lay behind it. */
static void hold(struct stream *st, struct subscriber_thing thing)
{
    struct subscriber_thing *more = realloc(st->held, (st->n_held + 1) * sizeof *more);
    size_t at = st->n_held++;
    if (more == NULL)
        abort();
    for (st->held = more; at > st->next_held && comes_before(&thing, &more[at - 1]); at--)
        more[at] = more[at - 1];
    more[at] = thing;
}

/* Everything that is not on its way leaves the window. */
static void let_go(struct stream *st)
{
    struct delivery_thing thing;
    bool keep = st->kind != STREAM_DEAD && st->anew_from < 0; /* dead ones are found where they lie */
    while (st->window != NULL && delivery_take_out(st->window, &thing)) {
        struct post *p = thing.user;
        if (keep)
            hold(st, thing_of(p));
        stream_remove(st, p);
    }
}

void stream_reread(struct stream *st)
{
    st->anew = true;
    st->held_piece = 0;
    let_go(st);
}

void stream_begin(struct stream *st, int64_t read)
{
    st->anew_from = read;
    stream_reread(st);
}

void stream_settled(struct stream *st)
{
    if (st->anew)
        let_go(st);
}

/* Begins anew once nothing is on its way. */
static bool begun_anew(struct stream *st)
{
    struct target *t = st->target;
    enum stream_kind kind = st->kind;
    int64_t from = st->anew_from, until = st->until;
    if (st->window != NULL && delivery_open(st->window) > 0)
        return false;
    if (kind == STREAM_DEAD || from >= 0) {
        stream_close(st);
        stream_open(st, t, kind, from >= 0 ? from : 0);
        st->until = until;
        st->more = true;
        return true;
    }
    close_window(st);
    st->anew = st->full = st->idle = false;
    st->all_of = 0;
    st->wake_ms = INT64_MAX;
    return true;
}

/* --- filling a window ------------------------------------------------------------------------------------------------- */

static struct post *post_new(struct stream *st, const struct inbox_row *row, const struct cut_piece *piece,
                             unsigned attempts)
{
    struct post *p = calloc(1, sizeof *p + piece->body.n);
    if (p == NULL)
        abort();
    p->stream = st;
    p->seq = row->seq;
    p->event = piece->event;
    p->attempts = attempts;
    p->n = piece->body.n;
    memcpy(p->body, piece->body.p, piece->body.n);
    return p;
}

/* False: the window is full. */
static bool add(struct stream *st, const struct inbox_row *row, const struct cut_piece *piece, unsigned attempts)
{
    if (st->first != NULL && st->bytes + piece->body.n > terms_of[st->kind].bytes)
        return false;
    if (st->window == NULL) {
        struct delivery_terms terms = stream_terms(st->target, st->kind);
        st->window = delivery_create(&terms);
        if (st->window == NULL)
            abort();
    }
    struct post *p = post_new(st, row, piece, attempts);
    struct delivery_thing thing = {
        .seq = row->seq, .event = piece->event, .at = row->at, .names = &piece->names, .user = p, .attempts = attempts};
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
    st->n++;
    return true;
}

static bool cut(struct fanout *f, const struct stream *st, const struct inbox_row *row, struct cut *ret)
{
    struct err e = {0};
    if (fanout_cut(f, st->target, st->target->form == SUBSCRIBER_BODIES, row, ret, &e) == 0)
        return true;
    log_error("fanout", "a body cannot be prepared for '%s': %s", st->target->name, e.text);
    return false;
}

/* What was not had before of a body, from this piece on. False: the window is full, *ret_next says where. */
static bool add_fresh(struct stream *st, const struct inbox_row *row, const struct cut *c, size_t from,
                      size_t *ret_next)
{
    for (size_t i = from; i < c->n; i++)
        if (c->piece[i].fresh && !add(st, row, &c->piece[i], 0)) {
            *ret_next = i;
            return false;
        }
    *ret_next = 0;
    return true;
}

/* All of a body from where it was left. An event that was erased since keeps its place. */
static bool add_body(struct fanout *f, struct stream *st, const struct inbox_row *row)
{
    struct cut c;
    bool events = st->target->form == SUBSCRIBER_EVENTS;
    if (row->seq == st->all_of)
        return true;
    if (!cut(f, st, row, &c))
        return false;
    if (add_fresh(st, row, &c, events && st->part_seq == row->seq ? st->part_next : 0, &st->part_next))
        return true;
    st->part_seq = row->seq;
    return false;
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

/* One thing that was taken up before, as it is wanted by now. What was an event may go as a body and the other way round. */
static bool add_held(struct stream *st, const struct inbox_row *row, const struct cut *c,
                     const struct subscriber_thing *thing)
{
    bool whole = c->piece[0].event < 0;
    size_t at = thing->event < 0 ? 0 : (size_t)thing->event;
    if (st->all_of == row->seq)
        return true;
    if (whole || thing->event >= 0) {
        const struct cut_piece *piece = whole ? c->piece : at < c->n ? &c->piece[at] : NULL;
        if (piece != NULL && piece->wanted && !add(st, row, piece, thing->attempts))
            return false;
    } else if (!add_fresh(st, row, c, st->held_piece, &st->held_piece)) {
        return false;
    }
    if (whole || thing->event < 0)
        st->all_of = row->seq;
    return true;
}

/* Those of the next body. False: not now. */
static bool read_held_body(struct fanout *f, struct stream *st)
{
    struct inbox_row row;
    struct cut c;
    struct err e = {0};
    int64_t seq = st->held[st->next_held].seq;
    arena_reset(f->rows);
    int rc = inbox_get(f->reader, seq, f->rows, &row, &e);
    if (rc != 0 && rc != WL_ENOTFOUND) {
        put_off(f, &e);
        return false;
    }
    if (rc == 0 && !cut(f, st, &row, &c))
        return false;
    for (; st->next_held < st->n_held && st->held[st->next_held].seq == seq; st->next_held++)
        if (rc == 0 && !add_held(st, &row, &c, &st->held[st->next_held])) {
            st->full = true;
            st->ended = false;
            return false;
        }
    return true;
}

/* What was taken up before and is not over. False: there is more of it. */
static bool read_held(struct fanout *f, struct stream *st)
{
    if (st->n_held == 0)
        return true;
    if (!wants(st))
        return false;
    st->full = st->idle = false;
    while (st->next_held < st->n_held)
        if (!read_held_body(f, st))
            return false;
    free(st->held);
    st->held = NULL;
    st->n_held = st->next_held = 0;
    return true;
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
        if (!cut->piece[i].wanted || add(st, row, &cut->piece[i], 0))
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
    struct cut c;
    struct err e = {0};
    bool whole = st->target->form == SUBSCRIBER_BODIES && l->event < 0;
    int rc = inbox_get(f->reader, l->seq, f->rows, &row, &e);
    if (rc == 0)
        rc = fanout_cut(f, st->target, whole, &row, &c, &e);
    if (rc != 0 && rc != WL_ENOTFOUND) {
        put_off(f, &e);
        return false;
    }
    size_t at = l->event < 0 ? 0 : (size_t)l->event;
    if (rc == 0 && l->event < 0 && c.piece[0].event >= 0)
        return add_events(st, &row, &c);
    if (rc == 0 && at < c.n && c.piece[at].event == l->event && !c.piece[at].gone)
        return add(st, &row, &c.piece[at], 0);
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
    if (st->anew && !begun_anew(st))
        return false;
    if (st->kind == STREAM_DEAD) {
        read_dead(f, st);
        return false;
    }
    if (!read_held(f, st) || (st->kind == STREAM_AGAIN && st->until == 0))
        return false;
    return read_on(f, st, st->kind == STREAM_AGAIN && st->until < f->upto ? st->until : f->upto);
}
