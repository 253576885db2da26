/* SPDX-License-Identifier: Apache-2.0
 * reach.c - when a person was last counted against a portfolio's limit, and the portfolio's counts themselves.
 *
 * A person's row only moves forward, so two writers cannot make somebody count twice less. The portfolio's row is one
 * for all buckets and carries a version: who saves an old one reads and decides again. */
#include "store/people_rows.h"
#include "store/reach.h"

STATEMENT(reach_one, "SELECT opened_at FROM reach WHERE bucket = $1 AND contact = $2 AND portfolio = $3");
STATEMENT(reach_save, "INSERT INTO reach (bucket, contact, portfolio, opened_at) VALUES ($1, $2, $3, $4) "
                      "ON CONFLICT (bucket, contact, portfolio) DO UPDATE SET opened_at = excluded.opened_at "
                      "WHERE excluded.opened_at > reach.opened_at");
STATEMENT(reach_move, "INSERT INTO reach (bucket, contact, portfolio, opened_at) "
                      "SELECT r.bucket, CAST($1 AS BIGINT), r.portfolio, r.opened_at FROM reach r "
                      "WHERE r.bucket = $2 AND r.contact = $3 "
                      "ON CONFLICT (bucket, contact, portfolio) DO UPDATE SET opened_at = excluded.opened_at "
                      "WHERE excluded.opened_at > reach.opened_at");
STATEMENT(reach_drop, "DELETE FROM reach WHERE bucket = $1 AND contact = $2");
STATEMENT(reach_undo, "DELETE FROM reach WHERE bucket = $1 AND contact = $2 AND portfolio = $3 AND opened_at = $4");
STATEMENT(portfolio_one, "SELECT ver, ring FROM portfolio_budget WHERE portfolio = $1");
STATEMENT(portfolio_insert, "INSERT INTO portfolio_budget (portfolio, ver, ring) VALUES ($1, 1, $2) "
                            "ON CONFLICT (portfolio) DO NOTHING");
STATEMENT(portfolio_update, "UPDATE portfolio_budget SET ver = ver + 1, ring = $1 WHERE portfolio = $2 AND ver = $3");

int reach_get(struct store *s, struct reach *r, size_t n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &reach_one, &q, e);
    for (size_t i = 0; rc >= 0 && i < n; i++) {
        db_i64(q, r[i].bucket);
        db_i64(q, r[i].contact);
        db_i64(q, r[i].portfolio);
        rc = db_step(q, e);
        if (rc < 0)
            return rc;
        r[i].opened_at = rc == 1 ? col_i64(q) : 0;
        db_reset(q);
    }
    return rc < 0 ? rc : 0;
}

int reach_put(struct store *s, const struct reach *r, size_t n, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &reach_save, &q, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        db_i64(q, r[i].bucket);
        db_i64(q, r[i].contact);
        db_i64(q, r[i].portfolio);
        db_i64(q, r[i].opened_at);
        rc = db_exec(q, NULL, e);
    }
    return write_end(s, rc);
}

int reach_forget(struct store *s, const struct reach *r, bool *ret_gone, struct err *e)
{
    struct db_stmt *q;
    int64_t changed = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &reach_undo, &q, e);
    if (rc == 0) {
        db_i64(q, r->bucket);
        db_i64(q, r->contact);
        db_i64(q, r->portfolio);
        db_i64(q, r->opened_at);
        rc = db_exec(q, &changed, e);
    }
    if (rc == 0)
        *ret_gone = changed != 0;
    return write_end(s, rc);
}

int reach_merge(struct store *s, int bucket, int64_t kept, int64_t gone, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &reach_move, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, kept);
    db_i64(q, bucket);
    db_i64(q, gone);
    rc = db_exec(q, NULL, e);
    if (rc == 0)
        rc = db_prepare(s, &reach_drop, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, gone);
    return db_exec(q, NULL, e);
}

int portfolio_get(struct store *s, int64_t id, struct portfolio *ret, struct err *e)
{
    struct portfolio p = {.id = id};
    struct db_stmt *q;
    int rc = db_prepare(s, &portfolio_one, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, id);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    if (rc == 1) {
        p.ver = col_i64(q);
        struct str ring = col_blob(q);
        rc = budget_unpack(ring.p, ring.n, &p.budget);
        if (rc != 0)
            rc = err_set(e, WL_EIO, "database: the counts of portfolio %lld cannot be read", (long long)id);
    }
    db_reset(q);
    if (rc == 0)
        *ret = p;
    return rc;
}

int portfolio_put(struct store *s, struct portfolio *p, struct err *e)
{
    uint8_t packed[BUDGET_PACKED_MAX];
    struct db_stmt *q;
    int64_t changed = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, p->ver == 0 ? &portfolio_insert : &portfolio_update, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    if (p->ver == 0)
        db_i64(q, p->id);
    db_blob(q, packed, budget_pack(&p->budget, packed));
    if (p->ver != 0) {
        db_i64(q, p->id);
        db_i64(q, p->ver);
    }
    rc = db_exec(q, &changed, e);
    if (rc == 0 && changed == 0)
        rc = err_set(e, WL_ECONFLICT, "the portfolio's counts were changed by somebody else");
    if (rc == 0)
        p->ver++;
    return write_end(s, rc);
}

int portfolio_add(struct store *s, int64_t to, int64_t from, struct err *e)
{
    struct portfolio into, of;
    int rc = portfolio_get(s, from, &of, e);
    if (rc != 0 || of.ver == 0)
        return rc; /* nobody was ever counted there */
    rc = portfolio_get(s, to, &into, e);
    if (rc != 0)
        return rc;
    budget_merge(&into.budget, &of.budget);
    return portfolio_put(s, &into, e);
}
