/* SPDX-License-Identifier: Apache-2.0
 * pairs.c - a person with one of our numbers: window, pair rate, last send.
 *
 * Read and written once per message, so it is one small row found by its whole key and nothing else. Versions
 * start at 1; a put with version 0 says "there was none" and loses when there is one now. */
#include "store/people_rows.h"

STATEMENT(
    pair_get,
    "SELECT last_inbound, tat, last_out, named_at, ver FROM pair WHERE bucket = $1 AND contact = $2 AND sender = $3");
STATEMENT(pair_insert, "INSERT INTO pair (bucket, contact, sender, ver, last_inbound, tat, last_out, named_at) VALUES "
                       "($1, $2, $3, 1, $4, $5, $6, $7) "
                       "ON CONFLICT (bucket, contact, sender) DO NOTHING");
STATEMENT(pair_update, "UPDATE pair SET last_inbound = $1, tat = $2, last_out = $3, named_at = $4, ver = ver + 1 "
                       "WHERE bucket = $5 AND contact = $6 AND sender = $7 AND ver = $8");
STATEMENT(pairs_move,
          "INSERT INTO pair (bucket, contact, sender, ver, last_inbound, tat, last_out) "
          "SELECT p.bucket, CAST($1 AS BIGINT), p.sender, 1, p.last_inbound, p.tat, p.last_out FROM pair p "
          "WHERE p.bucket = $2 AND p.contact = $3 "
          "ON CONFLICT (bucket, contact, sender) DO UPDATE SET ver = pair.ver + 1, "
          "last_inbound = CASE WHEN excluded.last_inbound > pair.last_inbound THEN excluded.last_inbound ELSE "
          "pair.last_inbound END, "
          "tat = CASE WHEN excluded.tat > pair.tat THEN excluded.tat ELSE pair.tat END, "
          "last_out = CASE WHEN excluded.last_out > pair.last_out THEN excluded.last_out ELSE pair.last_out END");
/* Whole persons: a page ends with the last number of one. */
STATEMENT(pairs_page, "SELECT contact, sender, last_inbound, last_out FROM pair WHERE bucket = $1 AND "
                      "contact > $2 ORDER BY contact, sender LIMIT $3");
STATEMENT(pairs_named, "SELECT named_at FROM pair WHERE bucket = $1 AND contact = $2 ORDER BY named_at DESC LIMIT 1");
STATEMENT(pairs_drop, "DELETE FROM pair WHERE bucket = $1 AND contact = $2");

int pairs_get(struct store *s, struct pair *p, size_t n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &pair_get, &q, e);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        db_i64(q, p[i].bucket);
        db_i64(q, p[i].contact);
        db_i64(q, p[i].sender);
        rc = db_step(q, e);
        if (rc < 0)
            return rc;
        p[i].last_inbound = rc == 1 ? col_i64(q) : 0;
        p[i].tat = rc == 1 ? col_i64(q) : 0;
        p[i].last_out = rc == 1 ? col_i64(q) : 0;
        p[i].named_at = rc == 1 ? col_i64(q) : 0;
        p[i].ver = rc == 1 ? col_i64(q) : 0;
        db_reset(q);
    }
    return rc < 0 ? rc : 0;
}

static int put(struct store *s, const struct pair *p, struct err *e)
{
    struct db_stmt *q;
    int64_t changed = 0;
    int rc = db_prepare(s, p->ver == 0 ? &pair_insert : &pair_update, &q, e);
    if (rc != 0)
        return rc;
    if (p->ver == 0) {
        db_i64(q, p->bucket);
        db_i64(q, p->contact);
        db_i64(q, p->sender);
    }
    db_i64(q, p->last_inbound);
    db_i64(q, p->tat);
    db_i64(q, p->last_out);
    db_i64(q, p->named_at);
    if (p->ver != 0) {
        db_i64(q, p->bucket);
        db_i64(q, p->contact);
        db_i64(q, p->sender);
        db_i64(q, p->ver);
    }
    rc = db_exec(q, &changed, e);
    if (rc == 0 && changed == 0)
        rc = err_set(e, WL_ECONFLICT, "the state with this number was changed by somebody else");
    return rc;
}

int pairs_put(struct store *s, struct pair *p, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = put(s, &p[i], e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        p[i].ver++;
    return write_end(s, rc);
}

int pairs_last_named(struct store *s, int bucket, int64_t contact, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &pairs_named, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, contact);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return 0;
}

int pairs_merge(struct store *s, int bucket, int64_t kept, int64_t gone, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &pairs_move, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, kept);
    db_i64(q, bucket);
    db_i64(q, gone);
    rc = db_exec(q, NULL, e);
    if (rc == 0)
        rc = db_prepare(s, &pairs_drop, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, gone);
    return db_exec(q, NULL, e);
}

static int read_page_row(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct pair *p = row;
    (void)a, (void)e;
    *p = (struct pair){.contact = col_i64(q)};
    p->sender = col_i64(q);
    p->last_inbound = col_i64(q);
    p->last_out = col_i64(q);
    return 0;
}

int pairs_after(struct store *s, int bucket, int64_t contact, size_t max, struct arena *a, struct pair **ret,
                size_t *ret_n, struct err *e)
{
    struct pair *p;
    size_t n = 0, whole;
    struct db_stmt *q;
    int rc = db_prepare(s, &pairs_page, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, contact);
    db_i64(q, (int64_t)max);
    rc = db_rows(q, a, max, sizeof *p, read_page_row, &p, &n, e);
    if (rc != 0)
        return rc;
    for (whole = n; n == max && whole > 0 && p[whole - 1].contact == p[n - 1].contact;)
        whole--; /* the next page begins with them */
    for (size_t i = 0; i < n; i++)
        p[i].bucket = bucket;
    *ret = p;
    *ret_n = whole > 0 ? whole : n;
    return 0;
}
