/* SPDX-License-Identifier: Apache-2.0
 * message_events.c - what Meta reported about messages, in any order and more than once.
 *
 * An event is a row of its own, written once, whatever the order of arrival. Events of messages we do not know are kept
 * with Meta's id as part of their key. What an event means for its message is core/sendlife.h's to say. */
#include "store/messages_rows.h"

STATEMENT(event_insert,
          "INSERT INTO msg_event (bucket, msg, at, status, participant, orphan_wamid, recorded_at, seen, code, detail) "
          "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) "
          "ON CONFLICT (bucket, msg, at, status, participant, orphan_wamid, code) DO NOTHING");
STATEMENT(events_of,
          "SELECT ev.at, ev.recorded_at, ev.seen, ev.code, ev.status, CASE WHEN ev.msg = 0 THEN ev.orphan_wamid ELSE "
          "m.wamid END, "
          "ev.detail, ev.participant FROM msg_event ev LEFT JOIN msg m ON m.bucket = ev.bucket AND m.id = ev.msg "
          "WHERE ev.bucket = $1 AND ev.msg = $2 ORDER BY ev.at, ev.recorded_at, ev.seen, ev.status, ev.code LIMIT $3");

STATEMENT(readings_of, "SELECT at FROM msg_event WHERE bucket = $1 AND msg = $2 AND (seen = $3 OR seen = $4) "
                       "ORDER BY at LIMIT 2");

STATEMENT(orphans_end, "SELECT at FROM msg_event WHERE bucket = $1 AND msg = 0 AND at >= $2 ORDER BY at LIMIT 1 "
                       "OFFSET $3");
STATEMENT(orphans_between,
          "SELECT at, recorded_at, seen, code, status, orphan_wamid, detail, participant FROM msg_event "
          "WHERE bucket = $1 AND msg = 0 AND at >= $2 AND at <= $3 ORDER BY at, status LIMIT $4");
STATEMENT(orphan_delete, "DELETE FROM msg_event WHERE bucket = $1 AND msg = 0 AND at = $2 AND status = $3 AND "
                         "participant = $4 AND orphan_wamid = $5");

STATEMENT(orphans_old_end, "SELECT at, status, participant, orphan_wamid, code FROM msg_event "
                           "WHERE bucket = $1 AND msg = 0 AND at < $2 "
                           "ORDER BY at, status, participant, orphan_wamid, code LIMIT 1 OFFSET $3");
STATEMENT(orphans_old_up_to, "DELETE FROM msg_event WHERE bucket = $1 AND msg = 0 AND at <= $2 AND "
                             "(at, status, participant, orphan_wamid, code) <= ($2, $3, $4, $5, $6) AND "
                             "recorded_at < $7");
STATEMENT(orphans_old_all, "DELETE FROM msg_event WHERE bucket = $1 AND msg = 0 AND at < $2 AND recorded_at < $2");

static int insert(struct store *s, const struct message_event *ev, int64_t *ret_changed, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &event_insert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, ev->bucket);
    db_i64(q, ev->msg);
    db_i64(q, ev->at);
    db_text(q, ev->status);
    db_text(q, ev->participant);
    db_text(q, ev->msg == 0 ? ev->wamid : (struct str){NULL, 0});
    db_i64(q, ev->recorded_at);
    db_i64(q, ev->seen);
    db_i64(q, ev->code);
    db_text(q, ev->detail);
    return db_exec(q, ret_changed, e);
}

int message_events_append(struct store *s, const struct message_event *ev, size_t n, size_t *ret_new, struct err *e)
{
    size_t written = 0;
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        int64_t changed = 0;
        rc = insert(s, &ev[i], &changed, e);
        written += (size_t)changed;
    }
    if (rc == 0 && ret_new != NULL)
        *ret_new = written;
    return write_end(s, rc);
}

int message_read_before(struct store *s, int bucket, int64_t msg, int64_t at, int64_t *ret_known, struct err *e)
{
    int64_t first = 0, second = 0;
    struct db_stmt *q;
    int rc = db_prepare(s, &readings_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, msg);
    db_i64(q, SEEN_READ);
    db_i64(q, SEEN_PLAYED);
    if ((rc = db_step(q, e)) == 1) {
        first = col_i64(q);
        if ((rc = db_step(q, e)) == 1)
            second = col_i64(q);
    }
    db_reset(q);
    if (rc < 0)
        return rc;
    *ret_known = first == at ? second : first;
    return 0;
}

static int read_row(struct db_stmt *q, struct arena *a, struct message_event *ev, struct err *e)
{
    ev->at = col_i64(q);
    ev->recorded_at = col_i64(q);
    ev->seen = (uint32_t)col_i64(q);
    ev->code = col_int(q);
    struct str *const texts[] = {&ev->status, &ev->wamid, &ev->detail, &ev->participant};
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof texts / sizeof *texts; i++)
        rc = col_copy(q, a, texts[i], e);
    return rc;
}

int message_events_list(struct store *s, int bucket, int64_t msg, struct arena *a, size_t max,
                        struct message_event **ret, size_t *ret_n, struct err *e)
{
    struct message_event *rows = NULL;
    struct db_stmt *q;
    size_t n = 0, cap = 0;
    int rc = db_prepare(s, &events_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, msg);
    db_i64(q, (int64_t)max);
    while (n < max && (rc = db_step(q, e)) == 1) {
        struct message_event *grown = arena_grow(a, rows, n, &cap, max, sizeof *rows);
        rc = grown == NULL ? err_set(e, WL_ENOMEM, "the answer is larger than its memory limit") : 0;
        if (rc == 0) {
            grown[n] = (struct message_event){.bucket = bucket, .msg = msg};
            rc = read_row(q, a, &grown[n], e);
        }
        if (rc != 0)
            break;
        rows = grown;
        n++;
    }
    db_reset(q);
    if (rc < 0)
        return rc;
    *ret = rows;
    *ret_n = n;
    return 0;
}

#define ORPHANS_MAX 10000000

static int read_orphan(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    return read_row(q, a, row, e);
}

/* The moment of the nth row from `from` on; when there are fewer, the end of time. */
static int nth_moment(struct store *s, int bucket, int64_t from, size_t n, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &orphans_end, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, from);
    db_i64(q, (int64_t)n);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : INT64_MAX;
    db_reset(q);
    return 0;
}

int message_orphans(struct store *s, int bucket, int64_t from, size_t about, struct arena *a,
                    struct message_event **ret, size_t *ret_n, int64_t *ret_next, struct err *e)
{
    struct db_stmt *q;
    int64_t end = 0;
    int rc = nth_moment(s, bucket, from, about, &end, e);
    if (rc == 0)
        rc = db_prepare(s, &orphans_between, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, from);
    db_i64(q, end);
    db_i64(q, ORPHANS_MAX);
    rc = db_rows(q, a, ORPHANS_MAX, sizeof **ret, read_orphan, ret, ret_n, e);
    if (rc == 0)
        *ret_next = end == INT64_MAX ? 0 : end + 1;
    for (size_t i = 0; rc == 0 && i < *ret_n; i++)
        (*ret)[i].bucket = bucket;
    return rc;
}

int message_orphan_drop(struct store *s, const struct message_event *ev, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &orphan_delete, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, ev->bucket);
    db_i64(q, ev->at);
    db_text(q, ev->status);
    db_text(q, ev->participant);
    db_text(q, ev->wamid);
    return write_end(s, db_exec(q, NULL, e));
}

/* The last of the oldest `max` before then. What it is called is copied: the statement that told it is done. WL_ENOTFOUND: there
 * are fewer. */
static int last_old(struct store *s, int bucket, int64_t before, size_t max, struct arena *a, struct message_event *ret,
                    struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &orphans_old_end, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, before);
    db_i64(q, (int64_t)max - 1);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    if (rc == 0) {
        db_reset(q);
        return WL_ENOTFOUND;
    }
    ret->at = col_i64(q);
    struct str *const texts[] = {&ret->status, &ret->participant, &ret->wamid};
    rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof texts / sizeof *texts; i++)
        rc = col_copy(q, a, texts[i], e);
    ret->code = rc == 0 ? col_int(q) : 0;
    db_reset(q);
    return rc;
}

int message_orphans_expire(struct store *s, int bucket, int64_t before, size_t max, struct arena *a, size_t *ret_n,
                           struct err *e)
{
    struct message_event last = {.at = 0};
    struct db_stmt *q;
    int64_t n = 0;
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    rc = last_old(s, bucket, before, max, a, &last, e);
    bool all = rc == WL_ENOTFOUND;
    if (rc == 0 || all)
        rc = db_prepare(s, all ? &orphans_old_all : &orphans_old_up_to, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_i64(q, bucket);
    db_i64(q, all ? before : last.at);
    if (!all) {
        db_text(q, last.status);
        db_text(q, last.participant);
        db_text(q, last.wamid);
        db_i64(q, last.code);
        db_i64(q, before); /* what was heard late stays as long as what was heard at once */
    }
    rc = db_exec(q, &n, e);
    *ret_n = rc == 0 ? (size_t)n : 0;
    return write_end(s, rc);
}
