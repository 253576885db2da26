/* SPDX-License-Identifier: Apache-2.0
 * notice_cut.c - going over all notices in the order in which they lie, and cutting one.
 *
 * The row stays where it is, with its moment and key, so that the same notice heard again is had already. */
#include "store/notice_cut.h"

#include "store/db.h"

STATEMENT(notices_from, "SELECT at, key, field, subject, word, detail FROM notice WHERE (at, key) > ($1, $2) "
                        "ORDER BY at, key LIMIT $3");
STATEMENT(notice_empty, "UPDATE notice SET subject = '', word = '', detail = $1 WHERE at = $2 AND key = $3");

static int read_notice(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct notice *v = row;
    v->at = col_i64(q);
    v->key = (uint64_t)col_i64(q);
    int rc = col_copy(q, a, &v->field, e);
    if (rc == 0)
        rc = col_copy(q, a, &v->subject, e);
    if (rc == 0)
        rc = col_copy(q, a, &v->word, e);
    return rc == 0 ? col_copy(q, a, &v->detail, e) : rc;
}

int notices_after(struct store *s, int64_t at, int64_t key, size_t max, struct arena *a, struct notice **ret,
                  size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &notices_from, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, at);
    db_i64(q, key);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_notice, ret, ret_n, e);
}

int notice_cut(struct store *s, const struct notice *v, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &notice_empty, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_text(q, STR(NOTICE_ERASED));
    db_i64(q, v->at);
    db_i64(q, (int64_t)v->key);
    return write_end(s, db_exec(q, NULL, e));
}
