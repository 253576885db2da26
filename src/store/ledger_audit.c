/* SPDX-License-Identifier: Apache-2.0
 * ledger_audit.c - pages of what an audit of the ledger reads and nobody else does.
 *
 * Every statement goes along a key, so a page costs the same wherever it begins. */
#include "store/ledger_audit.h"

#include <string.h>

#include "store/db.h"

STATEMENT(people_ids, "SELECT id FROM person WHERE bucket = $1 AND id > $2 AND merged_into = 0 ORDER BY id LIMIT $3");
STATEMENT(erasure_of_leaf, "SELECT leaves FROM erasure WHERE leaf = $1 AND leaf >= 0 LIMIT 1");
STATEMENT(erasure_unfinished, "SELECT COUNT(*) FROM (SELECT id FROM erasure WHERE done_at = 0 LIMIT 1) LIMIT 1");
STATEMENT(log_heads_of, "SELECT generation, size, at, root, note FROM log_head WHERE generation = $1 AND size > $2 "
                        "ORDER BY size LIMIT $3");

int people_after(struct store *s, int bucket, int64_t after, size_t max, int64_t *ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    size_t n = 0;
    int rc = db_prepare(s, &people_ids, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, after);
    db_i64(q, (int64_t)max);
    while (n < max && (rc = db_step(q, e)) == 1)
        ret[n++] = col_i64(q);
    db_reset(q);
    if (rc < 0)
        return rc;
    *ret_n = n;
    return 0;
}

int erasure_by_leaf(struct store *s, int64_t leaf, int64_t *ret_leaves, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &erasure_of_leaf, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, leaf);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    if (rc == 1)
        *ret_leaves = col_i64(q);
    db_reset(q);
    return rc == 1 ? 0 : err_set(e, WL_ENOTFOUND, "no erasure has leaf %lld", (long long)leaf);
}

int erasures_open(struct store *s, bool *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &erasure_unfinished, &q, e);
    if (rc == 0)
        rc = db_step(q, e);
    if (rc < 0)
        return rc;
    *ret = rc == 1 && col_i64(q) > 0;
    db_reset(q);
    return 0;
}

static int read_head(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct log_head *h = row;
    h->generation = col_i64(q);
    h->size = col_i64(q);
    h->at = col_i64(q);
    struct str root = col_blob(q);
    memset(h->root, 0, sizeof h->root); /* one of another length is no root of anything */
    if (root.n == sizeof h->root)
        memcpy(h->root, root.p, sizeof h->root);
    return col_copy(q, a, &h->note, e);
}

int log_heads_after(struct store *s, int64_t generation, int64_t size, size_t max, struct arena *a,
                    struct log_head **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &log_heads_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, generation);
    db_i64(q, size);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_head, ret, ret_n, e);
}
