/* SPDX-License-Identifier: Apache-2.0
 * notices.c - what Meta said of accounts, numbers, templates and flows, and how often each field was heard.
 *
 * A notice that is heard again is the same row. Which of two wins does not depend on which came first to us, so that the
 * same webhooks in any order leave the same rows. Fields are counted, known or not: an unknown one is seen here first. */
#include "store/notices.h"

#include "store/db.h"

#define FIELDS_MAX 1000

STATEMENT(notice_insert, "INSERT INTO notice (at, key, recorded_at, waba, sender, field, subject, word, detail) "
                         "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (at, key) DO NOTHING");
STATEMENT(
    notice_replace,
    "INSERT INTO notice (at, key, recorded_at, waba, sender, field, subject, word, detail) "
    "VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT (at, key) DO UPDATE SET "
    "recorded_at = excluded.recorded_at, waba = excluded.waba, sender = excluded.sender, field = excluded.field, "
    "subject = excluded.subject, word = excluded.word, detail = excluded.detail "
    "WHERE (excluded.recorded_at, excluded.waba, excluded.sender, excluded.field, excluded.subject, excluded.word, "
    "excluded.detail) < (notice.recorded_at, notice.waba, notice.sender, notice.field, notice.subject, "
    "notice.word, notice.detail)");
STATEMENT(
    notices_page,
    "SELECT at, key, recorded_at, waba, sender, field, subject, word, detail FROM notice "
    "WHERE (at, key) < ($1, $2) AND ($3 = 0 OR waba = $3) AND ($4 = 0 OR sender = $4) AND ($5 = '' OR field = $5) "
    "ORDER BY at DESC, key DESC LIMIT $6");

STATEMENT(notices_old_end, "SELECT at, key FROM notice WHERE at < $1 ORDER BY at, key LIMIT 1 OFFSET $2");
STATEMENT(notices_old_up_to, "DELETE FROM notice WHERE at <= $1 AND (at, key) <= ($1, $2) AND recorded_at < $3");

STATEMENT(field_add, "INSERT INTO field_heard (field, known, events, first_at, last_at) VALUES ($1, $2, $3, $4, $5) "
                     "ON CONFLICT (field) DO UPDATE SET known = excluded.known, events = field_heard.events + "
                     "excluded.events, first_at = CASE WHEN excluded.first_at < field_heard.first_at THEN "
                     "excluded.first_at ELSE field_heard.first_at END, last_at = CASE WHEN excluded.last_at > "
                     "field_heard.last_at THEN excluded.last_at ELSE field_heard.last_at END");
STATEMENT(fields_all, "SELECT field, known, events, first_at, last_at FROM field_heard ORDER BY field LIMIT $1");

static int write_notice(struct store *s, const struct statement *st, const struct notice *v, int64_t *ret_changed,
                        struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, v->at);
    db_i64(q, (int64_t)v->key);
    db_i64(q, v->recorded_at);
    db_i64(q, v->waba);
    db_i64(q, v->sender);
    db_text(q, v->field);
    db_text(q, v->subject);
    db_text(q, v->word);
    db_text(q, v->detail.n <= NOTICE_DETAIL_MAX ? v->detail : STR("{\"cut\":true}"));
    return db_exec(q, ret_changed, e);
}

int notices_put(struct store *s, const struct notice *v, size_t n, size_t *ret_new, struct err *e)
{
    size_t fresh = 0;
    int rc = write_start(s, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        int64_t added = 0;
        rc = write_notice(s, &notice_insert, &v[i], &added, e);
        fresh += added > 0;
        if (rc == 0 && added == 0)
            rc = write_notice(s, &notice_replace, &v[i], NULL, e);
    }
    if (rc == 0 && ret_new != NULL)
        *ret_new = fresh;
    return write_end(s, rc);
}

static int read_notice(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct notice *v = row;
    v->at = col_i64(q);
    v->key = (uint64_t)col_i64(q);
    v->recorded_at = col_i64(q);
    v->waba = col_i64(q);
    v->sender = col_i64(q);
    int rc = col_copy(q, a, &v->field, e);
    if (rc == 0)
        rc = col_copy(q, a, &v->subject, e);
    if (rc == 0)
        rc = col_copy(q, a, &v->word, e);
    return rc == 0 ? col_copy(q, a, &v->detail, e) : rc;
}

/* Keys are kept as signed numbers, and sorted as such: of one moment no order is better than another. */
int notices_list(struct store *s, const struct notice_filter *f, size_t max, struct arena *a, struct notice **ret,
                 size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &notices_page, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, f->before != 0 ? f->before : INT64_MAX);
    db_i64(q, f->before_key != 0 ? (int64_t)f->before_key : INT64_MIN);
    db_i64(q, f->waba);
    db_i64(q, f->sender);
    db_text(q, f->field);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_notice, ret, ret_n, e);
}

int notices_expire(struct store *s, int64_t before, size_t max, size_t *ret_n, struct err *e)
{
    int64_t at = before - 1, key = INT64_MAX, n = 0;
    struct db_stmt *q;
    int rc = write_start(s, e);
    *ret_n = 0;
    if (rc == 0)
        rc = db_prepare(s, &notices_old_end, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_i64(q, before);
    db_i64(q, (int64_t)max - 1);
    rc = db_step(q, e);
    if (rc == 1) {
        at = col_i64(q);
        key = col_i64(q);
    }
    db_reset(q);
    if (rc >= 0)
        rc = db_prepare(s, &notices_old_up_to, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_i64(q, at);
    db_i64(q, key);
    db_i64(q, before); /* what was heard late stays as long as what was heard at once */
    rc = db_exec(q, &n, e);
    *ret_n = rc == 0 ? (size_t)n : 0;
    return write_end(s, rc);
}

int fields_add(struct store *s, const struct field_heard *v, size_t n, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &field_add, &q, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        db_text(q, v[i].field);
        db_i64(q, v[i].known);
        db_i64(q, v[i].events);
        db_i64(q, v[i].first_at);
        db_i64(q, v[i].last_at);
        rc = db_exec(q, NULL, e);
    }
    return write_end(s, rc);
}

static int read_field(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct field_heard *v = row;
    int rc = col_copy(q, a, &v->field, e);
    v->known = col_i64(q) != 0;
    v->events = col_i64(q);
    v->first_at = col_i64(q);
    v->last_at = col_i64(q);
    return rc;
}

int fields_list(struct store *s, struct arena *a, struct field_heard **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &fields_all, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, FIELDS_MAX);
    return db_rows(q, a, FIELDS_MAX, sizeof **ret, read_field, ret, ret_n, e);
}
