/* SPDX-License-Identifier: Apache-2.0
 * subscribers.c - who hears of webhooks, how far each one is, and what each one did not take.
 *
 * A handful of rows that people change, by version, and a position in each that moves on by itself many times a minute
 * and takes no part in the version. Dead letters lie by (subscriber, seq, event), so that a page of them, those to be
 * tried once more and those whose bodies are gone are each a short range of keys. */
#include "store/subscribers.h"

#include <limits.h>

#include "core/varint.h"
#include "store/db.h"
#include "store/inbox.h"

STATEMENT(
    subscriber_insert,
    "INSERT INTO subscriber (id, ver, name, url, app, secret, form, parallel, origin, paused, filter, created_at, "
    "changed_at, position, again_next, again_until, pending) "
    "VALUES ($1, 1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)");
STATEMENT(subscriber_update,
          "UPDATE subscriber SET ver = ver + 1, name = $1, url = $2, app = $3, secret = $4, form = $5, parallel = $6, "
          "origin = $7, paused = $8, filter = $9, created_at = $10, changed_at = $11 WHERE id = $12 AND ver = $13");
STATEMENT(subscriber_by_name,
          "SELECT id, ver, name, url, app, secret, form, parallel, origin, paused, filter, created_at, changed_at, "
          "position, again_next, again_until, pending FROM subscriber WHERE name = $1 LIMIT 1");
STATEMENT(subscribers_all,
          "SELECT id, ver, name, url, app, secret, form, parallel, origin, paused, filter, created_at, changed_at, "
          "position, again_next, again_until, pending FROM subscriber ORDER BY id LIMIT $1");
STATEMENT(subscribers_number, "SELECT COUNT(*) FROM subscriber LIMIT 1");
STATEMENT(subscriber_delete, "DELETE FROM subscriber WHERE id = $1");
STATEMENT(subscriber_move, "UPDATE subscriber SET position = $1, pending = $2 WHERE id = $3 AND position <= $1");
STATEMENT(subscriber_repeat, "UPDATE subscriber SET again_next = $1, again_until = $2 WHERE id = $3");

STATEMENT(dead_put, "INSERT INTO dead_letter (subscriber, seq, event, died_at, attempts, status, why, again) "
                    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (subscriber, seq, event) DO UPDATE SET "
                    "died_at = excluded.died_at, attempts = excluded.attempts, status = excluded.status, "
                    "why = excluded.why, again = excluded.again");
STATEMENT(dead_page, "SELECT subscriber, seq, event, died_at, attempts, status, why, again FROM dead_letter "
                     "WHERE subscriber = $1 AND (seq, event) > ($2, $3) ORDER BY seq, event LIMIT $4");
STATEMENT(dead_page_again,
          "SELECT subscriber, seq, event, died_at, attempts, status, why, again FROM dead_letter "
          "WHERE subscriber = $1 AND (seq, event) > ($2, $3) AND again = 1 ORDER BY seq, event LIMIT $4");
STATEMENT(dead_again_some,
          "UPDATE dead_letter SET again = 1 WHERE subscriber = $1 AND (seq, event) IN (SELECT seq, event FROM "
          "dead_letter WHERE subscriber = $1 AND again = 0 ORDER BY seq, event LIMIT $2)");
STATEMENT(dead_again_of, "UPDATE dead_letter SET again = 1 WHERE subscriber = $1 AND seq = $2 AND again = 0");
STATEMENT(dead_delete, "DELETE FROM dead_letter WHERE subscriber = $1 AND seq = $2 AND event = $3");
STATEMENT(dead_count, "SELECT COUNT(*) FROM dead_letter WHERE subscriber = $1 LIMIT 1");
STATEMENT(dead_next_subscriber, "SELECT d.subscriber, s.id FROM dead_letter d LEFT JOIN subscriber s ON "
                                "s.id = d.subscriber WHERE d.subscriber > $1 ORDER BY d.subscriber LIMIT 1");
STATEMENT(dead_delete_some,
          "DELETE FROM dead_letter WHERE subscriber = $1 AND (seq, event) IN (SELECT seq, event FROM dead_letter "
          "WHERE subscriber = $1 AND seq < $2 ORDER BY seq, event LIMIT $3)");

#define PENDING_ROOM (256u << 10)

/* ---- subscribers ---- */

static int check(const struct subscriber *v, struct err *e)
{
    size_t n = strnlen(v->name, sizeof v->name);
    if (n == 0 || n == sizeof v->name)
        return err_set(e, WL_EINVAL, "a subscriber needs a name of at most %d characters", SUBSCRIBER_NAME_MAX - 1);
    if (v->parallel < 1 || v->parallel > SUBSCRIBER_PARALLEL_MAX)
        return err_set(e, WL_EINVAL, "a subscriber gets 1 to %d at a time", SUBSCRIBER_PARALLEL_MAX);
    return 0;
}

static int one_count(struct db_stmt *q, int64_t *ret, struct err *e)
{
    int rc = db_step(q, e);
    if (rc < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return 0;
}

/* What both the insert and the update say, in the same order. */
static void bind_words(struct db_stmt *q, const struct subscriber *v)
{
    db_text(q, str_of(v->name));
    db_text(q, v->url);
    db_i64(q, v->app);
    db_blob(q, v->secret.p, v->secret.n);
    db_i64(q, v->form);
    db_i64(q, v->parallel);
    db_i64(q, v->origin);
    db_i64(q, v->paused);
    db_text(q, v->filter);
    db_i64(q, v->created_at);
    db_i64(q, v->changed_at);
}

static int insert(struct store *s, struct subscriber *v, struct err *e)
{
    struct db_stmt *q;
    int64_t n = 0;
    int rc = db_prepare(s, &subscribers_number, &q, e);
    if (rc == 0)
        rc = one_count(q, &n, e);
    if (rc == 0 && n >= SUBSCRIBERS_MAX)
        rc = err_set(e, WL_ETOOBIG, "there are %d subscribers, and more there may not be", SUBSCRIBERS_MAX);
    if (rc == 0 && v->position == 0)
        rc = inbox_newest(s, &v->position, e);
    if (rc == 0)
        rc = db_prepare(s, &subscriber_insert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, v->id);
    bind_words(q, v);
    db_i64(q, v->position);
    db_i64(q, v->again_next);
    db_i64(q, v->again_until);
    db_blob(q, v->pending.p, v->pending.n);
    return db_exec(q, NULL, e);
}

static int update(struct store *s, const struct subscriber *v, struct err *e)
{
    struct db_stmt *q;
    int64_t changed = 0;
    int rc = db_prepare(s, &subscriber_update, &q, e);
    if (rc != 0)
        return rc;
    bind_words(q, v);
    db_i64(q, v->id);
    db_i64(q, v->ver);
    rc = db_exec(q, &changed, e);
    return rc == 0 && changed == 0 ? err_set(e, WL_ECONFLICT, "the subscriber was changed by somebody else") : rc;
}

int subscriber_put(struct store *s, struct subscriber *v, struct err *e)
{
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    rc = check(v, e);
    if (rc == 0)
        rc = v->ver == 0 ? insert(s, v, e) : update(s, v, e);
    if (rc == 0)
        v->ver++;
    return write_end(s, rc);
}

static int read_subscriber(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct subscriber *v = row;
    v->id = col_i64(q);
    v->ver = col_i64(q);
    col_chars(q, v->name, sizeof v->name);
    int rc = col_copy(q, a, &v->url, e);
    v->app = col_i64(q);
    if (rc == 0)
        rc = col_copy_blob(q, a, &v->secret, e);
    if (rc != 0)
        return rc;
    v->form = (enum subscriber_form)col_i64(q);
    v->parallel = col_int(q);
    v->origin = (enum subscriber_origin)col_i64(q);
    v->paused = col_i64(q) != 0;
    if ((rc = col_copy(q, a, &v->filter, e)) != 0)
        return rc;
    v->created_at = col_i64(q);
    v->changed_at = col_i64(q);
    v->position = col_i64(q);
    v->again_next = col_i64(q);
    v->again_until = col_i64(q);
    return col_copy_blob(q, a, &v->pending, e);
}

int subscriber_get(struct store *s, struct str name, struct arena *a, struct subscriber *ret, struct err *e)
{
    struct subscriber v;
    struct db_stmt *q;
    int rc = db_prepare(s, &subscriber_by_name, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, name);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    rc = rc == 1 ? read_subscriber(q, a, &v, e) : err_set(e, WL_ENOTFOUND, "there is no such subscriber");
    db_reset(q);
    if (rc == 0)
        *ret = v;
    return rc;
}

int subscribers_list(struct store *s, struct arena *a, struct subscriber **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &subscribers_all, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, SUBSCRIBERS_MAX);
    return db_rows(q, a, SUBSCRIBERS_MAX, sizeof **ret, read_subscriber, ret, ret_n, e);
}

/* Deletes at most max of a subscriber's dead letters of seq before this one. */
static int delete_some(struct store *s, int64_t subscriber, int64_t before_seq, size_t max, size_t *ret_n,
                       struct err *e)
{
    struct db_stmt *q;
    int64_t gone = 0;
    int rc = db_prepare(s, &dead_delete_some, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, subscriber);
    db_i64(q, before_seq);
    db_i64(q, (int64_t)max);
    rc = db_exec(q, &gone, e);
    if (rc == 0)
        *ret_n += (size_t)gone;
    return rc;
}

int subscriber_drop(struct store *s, int64_t id, struct err *e)
{
    struct db_stmt *q;
    int64_t gone = 0;
    size_t letters = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &subscriber_delete, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, id);
    rc = db_exec(q, &gone, e);
    if (rc == 0 && gone == 0)
        rc = err_set(e, WL_ENOTFOUND, "there is no such subscriber");
    if (rc == 0)
        rc = delete_some(s, id, INT64_MAX, DEAD_LETTERS_AT_ONCE, &letters, e);
    return write_end(s, rc);
}

int subscriber_position(struct store *s, int64_t id, int64_t position, struct str pending, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &subscriber_move, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, position);
    db_blob(q, pending.p, pending.n);
    db_i64(q, id);
    return write_end(s, db_exec(q, NULL, e));
}

int subscriber_again(struct store *s, int64_t id, int64_t next, int64_t until, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &subscriber_repeat, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, next);
    db_i64(q, until);
    db_i64(q, id);
    return write_end(s, db_exec(q, NULL, e));
}

/* ---- what is not over yet ---- */

static void put_varint(struct buf *out, uint64_t v)
{
    uint8_t bytes[VARINT_MAX];
    buf_put(out, bytes, varint_put(bytes, v));
}

/* The part (0: none), then each thing: how far its body lies after the one before, its event from 1 (0: the whole), attempts. */
void subscriber_pending_write(const struct subscriber_pending *v, struct buf *out)
{
    int64_t before = 0;
    if (v->n == 0 && v->part_seq == 0)
        return;
    put_varint(out, (uint64_t)v->part_seq);
    put_varint(out, v->part_next);
    for (size_t i = 0; i < v->n && i < SUBSCRIBER_PENDING_MAX; i++) {
        put_varint(out, (uint64_t)(v->thing[i].seq - before));
        put_varint(out, (uint64_t)(v->thing[i].event + 1));
        put_varint(out, v->thing[i].attempts);
        before = v->thing[i].seq;
    }
}

static bool get_thing(const uint8_t **p, const uint8_t *end, int64_t before, struct subscriber_thing *ret)
{
    uint64_t far, event, attempts;
    if (!varint_get(p, end, &far) || !varint_get(p, end, &event) || !varint_get(p, end, &attempts))
        return false;
    if (far > (uint64_t)(INT64_MAX - before) || event > INT_MAX || attempts > UINT_MAX)
        return false;
    *ret = (struct subscriber_thing){before + (int64_t)far, (int)event - 1, (unsigned)attempts};
    return true;
}

int subscriber_pending_read(struct str packed, struct arena *a, struct subscriber_pending *ret, struct err *e)
{
    const uint8_t *p = (const uint8_t *)packed.p, *end = p + packed.n;
    uint64_t part, next;
    int64_t before = 0;
    *ret = (struct subscriber_pending){.thing = arena_new_array(a, struct subscriber_thing, packed.n / 3 + 1)};
    if (ret->thing == NULL)
        return err_set(e, WL_ENOMEM, "no memory for what waits for a subscriber");
    if (packed.n == 0)
        return 0;
    bool good = varint_get(&p, end, &part) && varint_get(&p, end, &next) && part <= INT64_MAX && next <= INT_MAX;
    while (good && p < end) {
        good = get_thing(&p, end, before, &ret->thing[ret->n]);
        before = good ? ret->thing[ret->n++].seq : 0;
    }
    if (!good)
        return err_set(e, WL_EINVAL, "what waits for a subscriber is damaged");
    ret->part_seq = (int64_t)part;
    ret->part_next = (size_t)next;
    return 0;
}

bool subscriber_passed(const struct subscriber *v, const struct subscriber_pending *p, int64_t seq)
{
    size_t from = 0, to = p->n;
    while (from < to) {
        size_t middle = from + (to - from) / 2;
        if (p->thing[middle].seq < seq)
            from = middle + 1;
        else
            to = middle;
    }
    return seq <= v->position && !(from < p->n && p->thing[from].seq == seq);
}

int subscriber_waiting(struct store *s, const struct subscriber *v, int64_t until, int64_t most, int64_t *ret,
                       struct err *e)
{
    struct subscriber_pending p;
    struct arena *a = arena_create(PENDING_ROOM);
    int64_t n = 0, last = 0;
    if (a == NULL)
        return err_set(e, WL_ENOMEM, "no memory for what waits for a subscriber");
    int rc = subscriber_pending_read(v->pending, a, &p, e);
    if (rc == WL_EINVAL) { /* one that is damaged holds nobody up */
        p.n = 0;
        rc = 0;
    }
    if (rc == 0 && v->position < until)
        rc = inbox_count(s, v->position, until, most, &n, e);
    for (size_t i = 0; rc == 0 && i < p.n && p.thing[i].seq <= v->position && p.thing[i].seq <= until; i++) {
        n += p.thing[i].seq != last;
        last = p.thing[i].seq;
    }
    arena_free(a);
    if (rc == 0)
        *ret = n;
    return rc;
}

/* ---- dead letters ---- */

int dead_letters_put(struct store *s, const struct dead_letter *v, size_t n, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &dead_put, &q, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        db_i64(q, v[i].subscriber);
        db_i64(q, v[i].seq);
        db_i64(q, v[i].event);
        db_i64(q, v[i].died_at);
        db_i64(q, v[i].attempts);
        db_i64(q, v[i].status);
        db_text(q, v[i].why);
        db_i64(q, v[i].again);
        rc = db_exec(q, NULL, e);
    }
    return write_end(s, rc);
}

static int read_dead(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct dead_letter *v = row;
    v->subscriber = col_i64(q);
    v->seq = col_i64(q);
    v->event = col_int(q);
    v->died_at = col_i64(q);
    v->attempts = col_int(q);
    v->status = col_int(q);
    int rc = col_copy(q, a, &v->why, e);
    if (rc == 0)
        v->again = col_i64(q) != 0;
    return rc;
}

int dead_letters_list(struct store *s, int64_t subscriber, int64_t after_seq, int after_event, bool only_again,
                      size_t max, struct arena *a, struct dead_letter **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, only_again ? &dead_page_again : &dead_page, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, subscriber);
    db_i64(q, after_seq);
    db_i64(q, after_event);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_dead, ret, ret_n, e);
}

int dead_letters_again(struct store *s, int64_t subscriber, int64_t seq, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int64_t changed = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, seq == 0 ? &dead_again_some : &dead_again_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, subscriber);
    db_i64(q, seq == 0 ? DEAD_LETTERS_AT_ONCE : seq);
    rc = db_exec(q, &changed, e);
    if (rc == 0)
        *ret_n = (size_t)changed;
    return write_end(s, rc);
}

int dead_letter_drop(struct store *s, int64_t subscriber, int64_t seq, int event, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &dead_delete, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, subscriber);
    db_i64(q, seq);
    db_i64(q, event);
    return write_end(s, db_exec(q, NULL, e));
}

/* The next subscriber that has dead letters, 0: there is none; and whether the subscriber is still there. */
static int next_with_dead(struct store *s, int64_t after, int64_t *ret_id, bool *ret_there, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &dead_next_subscriber, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, after);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret_id = rc == 1 ? col_i64(q) : 0;
    *ret_there = rc == 1 && col_i64(q) == *ret_id;
    db_reset(q);
    return 0;
}

int dead_letters_expire(struct store *s, int64_t before_seq, size_t max, size_t *ret_n, struct err *e)
{
    int64_t id = 0;
    bool there = false;
    size_t n = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = next_with_dead(s, 0, &id, &there, e);
    while (rc == 0 && id != 0 && n < max) {
        rc = delete_some(s, id, there ? before_seq : INT64_MAX, max - n, &n, e);
        if (rc == 0)
            rc = next_with_dead(s, id, &id, &there, e);
    }
    if (rc == 0)
        *ret_n = n;
    return write_end(s, rc);
}

int dead_letters_count(struct store *s, int64_t subscriber, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &dead_count, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, subscriber);
    return one_count(q, ret, e);
}
