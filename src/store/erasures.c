/* SPDX-License-Identifier: Apache-2.0
 * erasures.c - what was asked for, and whose rows it is about.
 *
 * There are never many open ones that are due, but there may be thousands that wait for years: the index of open ones goes by
 * time. */
#include "store/erasures.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"

#include "store/people_rows.h"

STATEMENT(erasure_insert,
          "INSERT INTO erasure (id, bucket, contact, name, asked_at, due, until_at, cleaned_at, done_at, leaves, leaf, "
          "n, regime, reason, actor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)");
STATEMENT(erasure_update,
          "UPDATE erasure SET contact = $1, name = $2, due = $3, until_at = $4, cleaned_at = $5, done_at = $6, "
          "leaves = $7, leaf = $8, n = $9, regime = $10, reason = $11, actor = $12 WHERE id = $13");
STATEMENT(erasure_read_one,
          "SELECT id, bucket, contact, name, asked_at, due, until_at, cleaned_at, done_at, leaves, leaf, n, regime, "
          "reason, actor FROM erasure WHERE id = $1");
STATEMENT(erasure_open_of,
          "SELECT id, bucket, contact, name, asked_at, due, until_at, cleaned_at, done_at, leaves, leaf, n, regime, "
          "reason, actor FROM erasure WHERE done_at = 0 AND bucket = $1 AND contact = $2 AND name = $3 LIMIT 1");
STATEMENT(erasure_next_due,
          "SELECT id, bucket, contact, name, asked_at, due, until_at, cleaned_at, done_at, leaves, leaf, n, regime, "
          "reason, actor FROM erasure WHERE done_at = 0 AND due <= $1 ORDER BY due, id LIMIT 1");
STATEMENT(erasure_page,
          "SELECT id, bucket, contact, name, asked_at, due, until_at, cleaned_at, done_at, leaves, leaf, n, regime, "
          "reason, actor FROM erasure WHERE id < $1 ORDER BY id DESC LIMIT $2");
STATEMENT(lives_gone, "SELECT gone FROM person_merge WHERE bucket = $1 AND kept = $2 ORDER BY gone LIMIT $3");
STATEMENT(pair_last_out, "SELECT last_out FROM pair WHERE bucket = $1 AND contact = $2 ORDER BY last_out DESC LIMIT 1");
STATEMENT(person_restricted, "UPDATE person SET restricted_until = $1 WHERE bucket = $2 AND id = $3");

static int read_erasure(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct erasure *v = row;
    (void)a, (void)e;
    v->id = col_i64(q);
    v->bucket = col_int(q);
    v->contact = col_i64(q);
    col_chars(q, v->name, sizeof v->name);
    int64_t *const numbers[] = {&v->asked_at, &v->due,    &v->until, &v->cleaned_at,
                                &v->done_at,  &v->leaves, &v->leaf,  &v->n};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        *numbers[i] = col_i64(q);
    col_chars(q, v->regime, sizeof v->regime);
    col_chars(q, v->reason, sizeof v->reason);
    col_chars(q, v->actor, sizeof v->actor);
    return 0;
}

static void bind_rest(struct db_stmt *q, const struct erasure *v)
{
    const int64_t numbers[] = {v->due, v->until, v->cleaned_at, v->done_at, v->leaves, v->leaf, v->n};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        db_i64(q, numbers[i]);
    db_text(q, str_of(v->regime));
    db_text(q, str_of(v->reason));
    db_text(q, str_of(v->actor));
}

int erasure_record(const struct erasure *v, struct buf *out, struct err *e)
{
    struct json_out o;
    char id[24];
    snprintf(id, sizeof id, "e%lld", (long long)v->id);
    json_out_init(&o, out);
    jo_object(&o);
    jo_kcstr(&o, "schema_version", "wayleave-erasure-1");
    jo_kcstr(&o, "id", id);
    jo_kint(&o, "asked_at", v->asked_at);
    jo_kint(&o, "done_at", v->done_at);
    jo_kint(&o, "leaves", v->leaves);
    jo_kcstr(&o, "regime", v->regime);
    jo_kcstr(&o, "reason", v->reason);
    jo_kcstr(&o, "actor", v->actor);
    jo_end(&o);
    return out->failed ? err_set(e, WL_ETOOBIG, "an erasure's record is too long") : 0;
}

static int insert(struct store *s, const struct erasure *v, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &erasure_insert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, v->id);
    db_i64(q, v->bucket);
    db_i64(q, v->contact);
    db_text(q, str_of(v->name));
    db_i64(q, v->asked_at);
    bind_rest(q, v);
    return db_exec(q, NULL, e);
}

int erasure_add(struct store *s, const struct erasure *v, struct err *e)
{
    int rc = write_start(s, e);
    return rc != 0 ? rc : write_end(s, insert(s, v, e));
}

static int save(struct store *s, const struct erasure *v, struct err *e)
{
    struct db_stmt *q;
    int64_t changed = 0;
    int rc = db_prepare(s, &erasure_update, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, v->contact);
    db_text(q, str_of(v->name));
    bind_rest(q, v);
    db_i64(q, v->id);
    rc = db_exec(q, &changed, e);
    return rc == 0 && changed == 0 ? err_set(e, WL_ENOTFOUND, "there is no such erasure") : rc;
}

int erasure_save(struct store *s, const struct erasure *v, struct err *e)
{
    int rc = write_start(s, e);
    return rc != 0 ? rc : write_end(s, save(s, v, e));
}

/* Steps a prepared and bound statement that gives one row. */
static int read_one(struct db_stmt *q, struct erasure *ret, struct err *e)
{
    struct erasure v = {.id = 0};
    int rc = db_step(q, e);
    if (rc < 0)
        return rc;
    if (rc == 1)
        read_erasure(q, NULL, &v, e);
    db_reset(q);
    if (rc == 0)
        return err_set(e, WL_ENOTFOUND, "there is no such erasure");
    *ret = v;
    return 0;
}

int erasure_get(struct store *s, int64_t id, struct erasure *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &erasure_read_one, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, id);
    return read_one(q, ret, e);
}

int erasure_of(struct store *s, int bucket, int64_t contact, const char *name, struct erasure *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &erasure_open_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, contact);
    db_text(q, str_of(name));
    return read_one(q, ret, e);
}

int erasure_due(struct store *s, int64_t now, struct erasure *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &erasure_next_due, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, now);
    return read_one(q, ret, e);
}

int erasures_list(struct store *s, int64_t before, size_t max, struct arena *a, struct erasure **ret, size_t *ret_n,
                  struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &erasure_page, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, before != 0 ? before : INT64_MAX);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_erasure, ret, ret_n, e);
}

/* --- whose ----------------------------------------------------------------------------------------------------------- */

int lives_of(struct store *s, int bucket, int64_t contact, struct lives *ret, struct err *e)
{
    struct lives l = {.bucket = bucket, .n = 1};
    struct db_stmt *q;
    int rc = person_root(s, bucket, contact, &l.id[0], e);
    if (rc == 0)
        rc = db_prepare(s, &lives_gone, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, l.id[0]);
    db_i64(q, LIVES_MOST);
    while (l.n < LIVES_MOST && (rc = db_step(q, e)) == 1)
        l.id[l.n++] = col_i64(q);
    db_reset(q);
    if (rc < 0)
        return rc;
    if (l.n == LIVES_MOST)
        return err_set(e, WL_EBUG, "a person with %d lives", LIVES_MOST);
    *ret = l;
    return 0;
}

bool lives_have(const struct lives *l, int64_t contact)
{
    for (size_t i = 0; i < l->n; i++)
        if (l->id[i] == contact && contact != 0)
            return true;
    return false;
}

int person_last_out(struct store *s, const struct lives *l, int64_t *ret, struct err *e)
{
    int64_t last = 0;
    for (size_t i = 0; i < l->n; i++) {
        struct db_stmt *q;
        int rc = db_prepare(s, &pair_last_out, &q, e);
        if (rc != 0)
            return rc;
        db_i64(q, l->bucket);
        db_i64(q, l->id[i]);
        if ((rc = db_step(q, e)) < 0)
            return rc;
        int64_t at = rc == 1 ? col_i64(q) : 0;
        last = at > last ? at : last;
        db_reset(q);
    }
    *ret = last;
    return 0;
}

static int restrict_person(struct store *s, int bucket, int64_t contact, int64_t until, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &person_restricted, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, until);
    db_i64(q, bucket);
    db_i64(q, contact);
    return db_exec(q, NULL, e);
}

int person_restrict(struct store *s, int bucket, int64_t contact, int64_t until, struct err *e)
{
    int rc = write_start(s, e);
    return rc != 0 ? rc : write_end(s, restrict_person(s, bucket, contact, until, e));
}
