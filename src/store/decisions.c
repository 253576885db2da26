/* SPDX-License-Identifier: Apache-2.0
 * decisions.c - why each message was let through or not, and the rule sets that said so.
 *
 * A decision is written once beside its message and never changed; facts and findings are core's packed bytes and
 * are not looked into. Old rows move into blocks (decision_blocks.c), where a decision is looked for when it is no row.
 * A rule set is kept whole under a small number, so that a decision of last year can be explained with the rules of
 * last year. */
#include "store/decision_blocks.h"
#include "store/messages_rows.h"

STATEMENT(decision_put, "INSERT INTO decision (bucket, id, ts, ruleset, verdict, until_at, facts, findings) "
                        "VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
STATEMENT(decision_get,
          "SELECT id, ts, ruleset, verdict, until_at, facts, findings FROM decision WHERE bucket = $1 AND id = $2");
STATEMENT(ruleset_by_hash, "SELECT number FROM ruleset WHERE hash = $1 LIMIT 1");
STATEMENT(ruleset_last, "SELECT number FROM ruleset ORDER BY number DESC LIMIT 1");
STATEMENT(ruleset_insert, "INSERT INTO ruleset (number, hash, id, source, first_used_at) VALUES ($1, $2, $3, $4, $5)");
STATEMENT(ruleset_get, "SELECT hash, source FROM ruleset WHERE number = $1");
STATEMENT(rulesets_within,
          "SELECT number, id, hash FROM ruleset WHERE hash >= $1 AND hash <= $2 ORDER BY hash LIMIT $3");

int decision_insert(struct store *s, const struct decision_row *d, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &decision_put, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, d->bucket);
    db_i64(q, d->id);
    db_i64(q, d->ts);
    db_i64(q, d->ruleset);
    db_i64(q, d->verdict);
    db_i64(q, d->until);
    db_blob(q, d->facts.p, d->facts.n);
    db_blob(q, d->findings.p, d->findings.n);
    return db_exec(q, NULL, e);
}

int decisions_insert(struct store *s, const struct decision_row *d, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = decision_insert(s, &d[i], e);
    return write_end(s, rc);
}

int decisions_get(struct store *s, int bucket, int64_t id, struct arena *a, struct decision_row *ret, struct err *e)
{
    struct decision_row d = {.bucket = bucket};
    struct db_stmt *q;
    int rc = db_prepare(s, &decision_get, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, id);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    if (rc == 0) {
        db_reset(q);
        return block_decision_get(s, bucket, id, a, ret, e);
    }
    d.id = col_i64(q);
    d.ts = col_i64(q);
    d.ruleset = col_i64(q);
    d.verdict = col_int(q);
    d.until = col_i64(q);
    rc = col_copy_blob(q, a, &d.facts, e);
    if (rc == 0)
        rc = col_copy_blob(q, a, &d.findings, e);
    db_reset(q);
    if (rc == 0)
        *ret = d;
    return rc;
}

/* Runs a prepared and bound read of one number; 0 when there is none. */
static int one_number(struct db_stmt *q, int64_t *ret, struct err *e)
{
    int rc = db_step(q, e);
    if (rc < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return 0;
}

static int ruleset_add(struct store *s, const uint8_t hash[32], const char *id, struct str source, int64_t now,
                       int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int64_t last = 0;
    int rc = db_prepare(s, &ruleset_last, &q, e);
    if (rc == 0)
        rc = one_number(q, &last, e);
    if (rc == 0)
        rc = db_prepare(s, &ruleset_insert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, last + 1);
    db_blob(q, hash, 32);
    db_text(q, str_of(id));
    db_blob(q, source.p, source.n);
    db_i64(q, now);
    rc = db_exec(q, NULL, e);
    if (rc == 0)
        *ret = last + 1;
    return rc;
}

int rulesets_put(struct store *s, const uint8_t hash[32], const char *id, struct str source, int64_t now,
                 int64_t *ret_number, struct err *e)
{
    struct db_stmt *q;
    int64_t number = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &ruleset_by_hash, &q, e);
    if (rc != 0)
        return rc;
    db_blob(q, hash, 32);
    rc = one_number(q, &number, e);
    if (rc == 0 && number == 0)
        rc = ruleset_add(s, hash, id, source, now, &number, e);
    if (rc == 0)
        *ret_number = number;
    return write_end(s, rc);
}

int rulesets_between(struct store *s, const uint8_t from[32], const uint8_t to[32], struct arena *a, size_t max,
                     struct ruleset_name *ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    size_t n = 0;
    int rc = db_prepare(s, &rulesets_within, &q, e);
    if (rc != 0)
        return rc;
    db_blob(q, from, 32);
    db_blob(q, to, 32);
    db_i64(q, (int64_t)max);
    while (n < max && (rc = db_step(q, e)) == 1) {
        ret[n].number = col_i64(q);
        rc = col_copy(q, a, &ret[n].id, e);
        if (rc == 0)
            rc = col_copy_blob(q, a, &ret[n].hash, e);
        if (rc != 0)
            break;
        n++;
    }
    db_reset(q);
    if (rc < 0)
        return rc;
    *ret_n = n;
    return 0;
}

int rulesets_get(struct store *s, int64_t number, struct arena *a, uint8_t ret_hash[32], struct str *ret_source,
                 struct err *e)
{
    struct db_stmt *q;
    struct str source;
    int rc = db_prepare(s, &ruleset_get, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, number);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    if (rc == 0)
        return err_set(e, WL_ENOTFOUND, "rule set %lld is not kept here", (long long)number);
    struct str hash = col_blob(q);
    rc = hash.n == 32 ? 0 : err_set(e, WL_EIO, "database: the hash of rule set %lld is damaged", (long long)number);
    if (rc == 0) {
        memcpy(ret_hash, hash.p, 32);
        rc = col_copy_blob(q, a, &source, e);
    }
    db_reset(q);
    if (rc == 0)
        *ret_source = source;
    return rc;
}
