/* SPDX-License-Identifier: Apache-2.0
 * ledger.c - consent events, appended and never touched again.
 *
 * The key is the event itself (contact, time, act, scope, method): reporting the same one twice writes it once. A
 * second, time-ordered index keeps the order in which we learned of them. After a merge the rows stay under the
 * id they were written for; a list collects them from every id the person had. */
#include "store/ledger.h"

#include "store/people_rows.h"

STATEMENT(
    consent_insert,
    "INSERT INTO ledger (bucket, contact, at, act, scope, method, id, tenant, recorded_at, sender, source, wording, "
    "language, evidence, actor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) "
    "ON CONFLICT (bucket, contact, at, act, scope, method) DO NOTHING");
STATEMENT(consent_list,
          "SELECT contact, at, act, scope, method, id, recorded_at, sender, source, wording, language, evidence, actor "
          "FROM ledger WHERE bucket = $1 AND contact IN (SELECT CAST($2 AS BIGINT) UNION ALL "
          "SELECT m.gone FROM person_merge m WHERE m.bucket = $1 AND m.kept = $2) ORDER BY at, id LIMIT $3");

static int append(struct store *s, const struct consent_row *r, int64_t *ret_changed, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &consent_insert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, r->bucket);
    db_i64(q, r->contact);
    db_i64(q, r->event.at);
    db_i64(q, r->event.act);
    db_i64(q, r->event.scope);
    db_text(q, r->method);
    db_i64(q, r->id);
    db_i64(q, STORE_TENANT);
    db_i64(q, r->recorded_at);
    db_i64(q, r->sender);
    db_text(q, r->source);
    db_text(q, r->wording);
    db_text(q, r->language);
    db_text(q, r->evidence);
    db_text(q, r->actor);
    return db_exec(q, ret_changed, e);
}

int ledger_append(struct store *s, const struct consent_row *rows, size_t n, size_t *ret_new, struct err *e)
{
    size_t written = 0;
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        int64_t changed = 0;
        rc = append(s, &rows[i], &changed, e);
        written += (size_t)changed;
    }
    if (rc == 0 && ret_new != NULL)
        *ret_new = written;
    return write_end(s, rc);
}

static int read_row(struct db_stmt *q, int bucket, struct arena *a, struct consent_row *r, struct err *e)
{
    r->bucket = bucket;
    r->contact = col_i64(q);
    r->event.at = col_i64(q);
    r->event.act = (enum consent_act)col_i64(q);
    r->event.scope = (consent_scope)col_i64(q);
    int rc = col_copy(q, a, &r->method, e);
    r->id = col_i64(q);
    r->recorded_at = col_i64(q);
    r->sender = col_i64(q);
    struct str *const texts[] = {&r->source, &r->wording, &r->language, &r->evidence, &r->actor};
    for (size_t i = 0; rc == 0 && i < sizeof texts / sizeof *texts; i++)
        rc = col_copy(q, a, texts[i], e);
    r->event.rank = (int)consent_rank_of(r->method, r->wording.n > 0);
    return rc;
}

int ledger_list(struct store *s, int bucket, int64_t contact, struct arena *a, size_t max, struct consent_row **ret,
                size_t *ret_n, struct err *e)
{
    struct consent_row *rows = NULL;
    struct db_stmt *q;
    size_t n = 0, cap = 0;
    int64_t root = 0;
    int rc = person_root(s, bucket, contact, &root, e);
    if (rc == WL_ENOTFOUND)
        root = contact;
    else if (rc != 0)
        return rc;
    rc = db_prepare(s, &consent_list, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, root);
    db_i64(q, (int64_t)max);
    while (n < max && (rc = db_step(q, e)) == 1) {
        struct consent_row *grown = arena_grow(a, rows, n, &cap, max, sizeof *rows);
        rc = grown == NULL ? err_set(e, WL_ENOMEM, "the answer is larger than its memory limit") : 0;
        if (rc == 0)
            rc = read_row(q, bucket, a, &grown[n], e);
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
