/* SPDX-License-Identifier: Apache-2.0
 * skeletons.c - fixed texts of marketing templates by number.
 *
 * Written once a text and never changed: a decision of last year names the number, and the text under it must be the
 * one it was made about. */
#include "store/db.h"
#include "store/skeletons.h"

#define SKELETONS_MAX 1000000

STATEMENT(skeleton_put,
          "INSERT INTO skeleton (number, text, first_seen) VALUES ($1, $2, $3) ON CONFLICT (number) DO NOTHING");
STATEMENT(skeleton_get, "SELECT number, text, first_seen FROM skeleton WHERE number = $1");
STATEMENT(skeletons_all, "SELECT number, text, first_seen FROM skeleton ORDER BY first_seen DESC, number LIMIT $1");

int skeletons_put(struct store *s, const struct skeleton *v, size_t n, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &skeleton_put, &q, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        if (v[i].number == 0) {
            rc = err_set(e, WL_EINVAL, "a fixed text has the number 0");
            break;
        }
        db_i64(q, v[i].number);
        db_text(q, v[i].text);
        db_i64(q, v[i].first_seen);
        rc = db_exec(q, NULL, e);
    }
    return write_end(s, rc);
}

static int read_row(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct skeleton *v = row;
    v->number = (uint32_t)col_i64(q);
    int rc = col_copy(q, a, &v->text, e);
    if (rc == 0)
        v->first_seen = col_i64(q);
    return rc;
}

int skeletons_get(struct store *s, uint32_t number, struct arena *a, struct skeleton *ret, struct err *e)
{
    struct skeleton v;
    struct db_stmt *q;
    int rc = db_prepare(s, &skeleton_get, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, number);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    rc = rc == 1 ? read_row(q, a, &v, e) : err_set(e, WL_ENOTFOUND, "there is no fixed text of this number");
    db_reset(q);
    if (rc == 0)
        *ret = v;
    return rc;
}

int skeletons_list(struct store *s, struct arena *a, size_t max, struct skeleton **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    max = max < SKELETONS_MAX ? max : SKELETONS_MAX;
    int rc = db_prepare(s, &skeletons_all, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_row, ret, ret_n, e);
}
