/* SPDX-License-Identifier: Apache-2.0
 * inbox.c - webhook bodies exactly as they came, in the order we took them.
 *
 * Appended in one commit before Meta gets its 200; readers keep their own cursors. A body that cannot be applied
 * stays where it is with the reason beside it. How many there are is counted as they come, because counting rows
 * of this size would read the whole table. */
#include "store/inbox.h"

#include "store/db.h"

STATEMENT(inbox_insert, "INSERT INTO inbox (seq, lane, at, body, problem) VALUES ($1, 0, $2, $3, $4)");
STATEMENT(inbox_after, "SELECT seq, at, body, problem FROM inbox WHERE seq > $1 ORDER BY seq LIMIT $2");
STATEMENT(inbox_last, "SELECT seq FROM inbox ORDER BY seq DESC LIMIT 1");
STATEMENT(inbox_mark, "UPDATE inbox SET problem = $1 WHERE seq = $2");
STATEMENT(inbox_problems, "SELECT COUNT(*) FROM inbox WHERE problem IS NOT NULL LIMIT 1");
STATEMENT(inbox_tally_add, "INSERT INTO tally (name, value) VALUES ('inbox', $1) ON CONFLICT (name) DO UPDATE SET "
                           "value = tally.value + excluded.value");
STATEMENT(inbox_tally, "SELECT value FROM tally WHERE name = 'inbox' LIMIT 1");

static int insert(struct store *s, const struct inbox_row *r, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &inbox_insert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, r->seq);
    db_i64(q, r->at);
    db_blob(q, r->body.p, r->body.n);
    if (r->problem.p != NULL)
        db_text(q, r->problem);
    else
        db_null(q);
    return db_exec(q, NULL, e);
}

int inbox_append(struct store *s, const struct inbox_row *rows, size_t n, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = insert(s, &rows[i], e);
    if (rc == 0)
        rc = db_prepare(s, &inbox_tally_add, &q, e);
    if (rc == 0) {
        db_i64(q, (int64_t)n);
        rc = db_exec(q, NULL, e);
    }
    return write_end(s, rc);
}

static int read_row(struct db_stmt *q, struct arena *a, struct inbox_row *r, struct err *e)
{
    r->seq = col_i64(q);
    r->at = col_i64(q);
    int rc = col_copy_blob(q, a, &r->body, e);
    return rc == 0 ? col_copy(q, a, &r->problem, e) : rc;
}

int inbox_read(struct store *s, int64_t after, size_t max, size_t max_bytes, struct arena *a, struct inbox_row **ret,
               size_t *ret_n, struct err *e)
{
    struct inbox_row *rows = NULL;
    struct db_stmt *q;
    size_t n = 0, cap = 0, bytes = 0;
    int rc = db_prepare(s, &inbox_after, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, after);
    db_i64(q, (int64_t)max);
    while (n < max && (n == 0 || bytes < max_bytes) && (rc = db_step(q, e)) == 1) {
        struct inbox_row *grown = arena_grow(a, rows, n, &cap, max, sizeof *rows);
        rc = grown == NULL ? err_set(e, WL_ENOMEM, "the answer is larger than its memory limit") : 0;
        if (rc == 0)
            rc = read_row(q, a, &grown[n], e);
        if (rc != 0)
            break;
        rows = grown;
        bytes += rows[n++].body.n;
    }
    db_reset(q);
    if (rc == WL_ENOMEM && n > 0)
        rc = 0; /* what fits is an answer; the reader comes back for the rest */
    if (rc < 0)
        return rc;
    *ret = rows;
    *ret_n = n;
    return 0;
}

int inbox_newest(struct store *s, int64_t *ret_seq, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &inbox_last, &q, e);
    if (rc == 0)
        rc = db_step(q, e);
    if (rc < 0)
        return rc;
    *ret_seq = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return 0;
}

int inbox_problem(struct store *s, int64_t seq, struct str why, struct err *e)
{
    struct db_stmt *q;
    int64_t changed = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &inbox_mark, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, why);
    db_i64(q, seq);
    rc = db_exec(q, &changed, e);
    if (rc == 0 && changed == 0)
        rc = err_set(e, WL_ENOTFOUND, "there is no such webhook body");
    return write_end(s, rc);
}

int inbox_counts(struct store *s, int64_t *ret_rows, int64_t *ret_problems, struct err *e)
{
    static const struct statement *const reads[2] = {&inbox_tally, &inbox_problems};
    int64_t count[2] = {0, 0};
    for (int i = 0; i < 2; i++) {
        struct db_stmt *q;
        int rc = db_prepare(s, reads[i], &q, e);
        if (rc == 0)
            rc = db_step(q, e);
        if (rc < 0)
            return rc;
        if (rc == 1)
            count[i] = col_i64(q);
        db_reset(q);
    }
    *ret_rows = count[0];
    *ret_problems = count[1];
    return 0;
}
