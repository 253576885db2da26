/* SPDX-License-Identifier: Apache-2.0
 * errands.c - rows of messages the gateway owes a person.
 *
 * Open ones are found by when they are due, through an index that holds nothing else, so that what ended costs nobody
 * anything; a person's by whose they are. Of a person who turned out to be another, too: a merge rewrites no history, it is looked up. */
#include "store/errands.h"

#include "store/db.h"

#define ERRANDS_OF_MAX 64 /* open ones of one person; more are somebody's mistake, and the newest are taken */

STATEMENT(errand_insert,
          "INSERT INTO errand (bucket, id, kind, state, due, contact, sender, scope, begun_at, expires, step, msg, "
          "why, detail) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)");
STATEMENT(errand_update, "UPDATE errand SET state = $1, due = $2, step = $3, msg = $4, why = $5, detail = $6 "
                         "WHERE bucket = $7 AND id = $8");
STATEMENT(errand_by_id, "SELECT id, kind, state, due, contact, sender, scope, begun_at, expires, step, msg, why, "
                        "detail FROM errand WHERE bucket = $1 AND id = $2");
STATEMENT(errands_by_due, "SELECT id, kind, state, due, contact, sender, scope, begun_at, expires, step, msg, why, "
                          "detail FROM errand WHERE bucket = $1 AND state = 1 AND due <= $2 ORDER BY due, id LIMIT $3");
STATEMENT(errands_page, "SELECT id, kind, state, due, contact, sender, scope, begun_at, expires, step, msg, why, "
                        "detail FROM errand WHERE bucket = $1 AND id < $2 AND ($3 = 0 OR state = $3) "
                        "ORDER BY id DESC LIMIT $4");
STATEMENT(errands_page_of,
          "SELECT id, kind, state, due, contact, sender, scope, begun_at, expires, step, msg, why, detail FROM errand "
          "WHERE bucket = $1 AND contact = $2 AND id < $3 AND ($4 = 0 OR state = $4) UNION ALL "
          "SELECT e.id, e.kind, e.state, e.due, e.contact, e.sender, e.scope, e.begun_at, e.expires, e.step, e.msg, "
          "e.why, e.detail "
          "FROM person_merge m JOIN errand e ON e.bucket = m.bucket AND e.contact = m.gone WHERE m.bucket = $1 AND "
          "m.kept = $2 AND e.id < $3 AND ($4 = 0 OR e.state = $4) ORDER BY id DESC LIMIT $5");
STATEMENT(errands_old, "DELETE FROM errand WHERE bucket = $1 AND id IN (SELECT id FROM errand WHERE bucket = $1 AND "
                       "id < $2 AND state <> 1 ORDER BY id LIMIT $3)");

#define NAMES(table)                                                                                                   \
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)                                                        \
        if ((int)table[i].value == (int)v)                                                                             \
            return table[i].name;                                                                                      \
    return "unknown"

const char *errand_kind_name(enum errand_kind v)
{
    static const struct {
        enum errand_kind value;
        const char *name;
    } names[] = {{ERRAND_STOPPED, "stopped"},
                 {ERRAND_STARTED, "started"},
                 {ERRAND_HELP, "help"},
                 {ERRAND_WELCOME, "welcome"}};
    NAMES(names);
}

const char *errand_state_name(enum errand_state v)
{
    static const struct {
        enum errand_state value;
        const char *name;
    } names[] = {{ERRAND_OPEN, "open"},          {ERRAND_DONE, "done"},       {ERRAND_DECLINED, "declined"},
                 {ERRAND_EXPIRED, "expired"},    {ERRAND_REFUSED, "refused"}, {ERRAND_FAILED, "failed"},
                 {ERRAND_CANCELLED, "cancelled"}};
    NAMES(names);
}

int errand_state_parse(struct str word, enum errand_state *ret, struct err *e)
{
    for (enum errand_state s = ERRAND_OPEN; s <= ERRAND_CANCELLED; s++)
        if (str_eq(word, str_of(errand_state_name(s)))) {
            *ret = s;
            return 0;
        }
    return err_set(e, WL_EINVAL, "a state is open, done, declined, expired, refused, failed or cancelled");
}

static int insert(struct store *s, const struct errand *v, struct err *e)
{
    struct db_stmt *q;
    if (v->detail.n > ERRAND_DETAIL_MAX)
        return err_set(e, WL_ETOOBIG, "what an errand has to say is larger than %d bytes", ERRAND_DETAIL_MAX);
    int rc = db_prepare(s, &errand_insert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, v->bucket);
    db_i64(q, v->id);
    db_i64(q, v->kind);
    db_i64(q, v->state);
    db_i64(q, v->due);
    db_i64(q, v->contact);
    db_i64(q, v->sender);
    db_i64(q, v->scope);
    db_i64(q, v->begun_at);
    db_i64(q, v->expires);
    db_i64(q, v->step);
    db_i64(q, v->msg);
    db_text(q, v->why);
    db_text(q, v->detail);
    return db_exec(q, NULL, e);
}

int errands_add(struct store *s, const struct errand *v, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = insert(s, &v[i], e);
    return write_end(s, rc);
}

int errand_put(struct store *s, const struct errand *v, struct err *e)
{
    struct db_stmt *q;
    int64_t changed = 0;
    int rc = write_start(s, e);
    if (rc == 0 && v->detail.n > ERRAND_DETAIL_MAX)
        rc = err_set(e, WL_ETOOBIG, "what an errand has to say is larger than %d bytes", ERRAND_DETAIL_MAX);
    if (rc == 0)
        rc = db_prepare(s, &errand_update, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_i64(q, v->state);
    db_i64(q, v->due);
    db_i64(q, v->step);
    db_i64(q, v->msg);
    db_text(q, v->why);
    db_text(q, v->detail);
    db_i64(q, v->bucket);
    db_i64(q, v->id);
    rc = write_end(s, db_exec(q, &changed, e));
    return rc == 0 && changed == 0 ? err_set(e, WL_ENOTFOUND, "there is no such errand") : rc;
}

static int read_errand(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct errand *v = row;
    *v = (struct errand){.id = col_i64(q)};
    v->kind = (enum errand_kind)col_int(q);
    v->state = (enum errand_state)col_int(q);
    v->due = col_i64(q);
    v->contact = col_i64(q);
    v->sender = col_i64(q);
    v->scope = (consent_scope)col_i64(q);
    v->begun_at = col_i64(q);
    v->expires = col_i64(q);
    v->step = col_int(q);
    v->msg = col_i64(q);
    int rc = col_copy(q, a, &v->why, e);
    return rc == 0 ? col_copy(q, a, &v->detail, e) : rc;
}

int errand_get(struct store *s, int bucket, int64_t id, struct arena *a, struct errand *ret, struct err *e)
{
    struct errand v;
    struct db_stmt *q;
    int rc = db_prepare(s, &errand_by_id, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, id);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    rc = rc == 1 ? read_errand(q, a, &v, e) : err_set(e, WL_ENOTFOUND, "there is no such errand");
    db_reset(q);
    if (rc != 0)
        return rc;
    v.bucket = bucket;
    *ret = v;
    return 0;
}

/* The rows of a bound statement, each with its bucket. */
static int read_all(struct db_stmt *q, int bucket, struct arena *a, size_t max, struct errand **ret, size_t *ret_n,
                    struct err *e)
{
    struct errand *rows = NULL;
    size_t n = 0;
    int rc = db_rows(q, a, max, sizeof *rows, read_errand, &rows, &n, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        rows[i].bucket = bucket;
    *ret = rows;
    *ret_n = n;
    return 0;
}

int errands_due(struct store *s, int bucket, int64_t now, size_t max, struct arena *a, struct errand **ret,
                size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &errands_by_due, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, now);
    db_i64(q, (int64_t)max);
    return read_all(q, bucket, a, max, ret, ret_n, e);
}

int errands_list(struct store *s, int bucket, int64_t contact, enum errand_state state, int64_t before, size_t max,
                 struct arena *a, struct errand **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, contact != 0 ? &errands_page_of : &errands_page, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    if (contact != 0)
        db_i64(q, contact);
    db_i64(q, before != 0 ? before : INT64_MAX);
    db_i64(q, state);
    db_i64(q, (int64_t)max);
    return read_all(q, bucket, a, max, ret, ret_n, e);
}

int errands_of(struct store *s, int bucket, int64_t contact, enum errand_kind kind, struct arena *a,
               struct errand **ret, size_t *ret_n, struct err *e)
{
    struct errand *open = NULL;
    size_t n = 0, kept = 0;
    int rc = errands_list(s, bucket, contact, ERRAND_OPEN, 0, ERRANDS_OF_MAX, a, &open, &n, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < n; i++)
        if (kind == 0 || open[i].kind == kind)
            open[kept++] = open[i];
    *ret = open;
    *ret_n = kept;
    return 0;
}

int errands_forget(struct store *s, int bucket, int64_t before, size_t max, size_t *ret_gone, struct err *e)
{
    struct db_stmt *q;
    int64_t gone = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &errands_old, &q, e);
    if (rc != 0)
        return write_end(s, rc);
    db_i64(q, bucket);
    db_i64(q, before);
    db_i64(q, (int64_t)max);
    rc = write_end(s, db_exec(q, &gone, e));
    if (rc == 0)
        *ret_gone = (size_t)gone;
    return rc;
}
