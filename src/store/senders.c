/* SPDX-License-Identifier: Apache-2.0
 * senders.c - our phone numbers as Meta last described them.
 *
 * A handful of rows, written when Meta or an operator says something new and read whole into the gateway's
 * snapshot. Knows nothing of leases or rates. */
#include "store/db.h"
#include "store/senders.h"

#define SENDERS_MAX 100000

STATEMENT(sender_put,
          "INSERT INTO sender (id, waba, status, display_phone, verified_name, quality, per_second, updated_at, "
          "number_at, quality_at, per_second_at, name_status, name_status_at, username, username_at, health, "
          "health_detail, health_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, "
          "COALESCE(CAST($17 AS TEXT), ''), $18) "
          "ON CONFLICT (id) DO UPDATE SET waba = excluded.waba, status = excluded.status, "
          "display_phone = excluded.display_phone, verified_name = excluded.verified_name, quality = excluded.quality, "
          "per_second = excluded.per_second, updated_at = excluded.updated_at, number_at = excluded.number_at, "
          "quality_at = excluded.quality_at, per_second_at = excluded.per_second_at, "
          "name_status = excluded.name_status, name_status_at = excluded.name_status_at, username = excluded.username, "
          "username_at = excluded.username_at, health = excluded.health, "
          "health_detail = COALESCE(CAST($17 AS TEXT), sender.health_detail), health_at = excluded.health_at");
STATEMENT(sender_spam, "UPDATE sender SET spam_at = $1 WHERE id = $2");
STATEMENT(senders_all,
          "SELECT id, waba, status, display_phone, verified_name, quality, per_second, updated_at, "
          "number_at, quality_at, per_second_at, spam_at, name_status, name_status_at, username, username_at, "
          "health, health_detail, health_at FROM sender ORDER BY id LIMIT $1");
STATEMENT(sender_spam_at, "SELECT spam_at FROM sender WHERE id = $1");

int senders_put(struct store *s, const struct sender *v, size_t n, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &sender_put, &q, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        db_i64(q, v[i].id);
        db_i64(q, v[i].waba);
        db_i64(q, v[i].status);
        db_text(q, str_of(v[i].display_phone));
        db_text(q, str_of(v[i].verified_name));
        db_text(q, str_of(v[i].quality));
        db_i64(q, v[i].per_second);
        db_i64(q, v[i].updated_at);
        db_i64(q, v[i].said_at.number);
        db_i64(q, v[i].said_at.quality);
        db_i64(q, v[i].said_at.per_second);
        db_text(q, str_of(v[i].name_status));
        db_i64(q, v[i].told_at.name_status);
        db_text(q, str_of(v[i].username));
        db_i64(q, v[i].told_at.username);
        db_i64(q, v[i].health);
        db_text_or_null(q, v[i].health_detail);
        db_i64(q, v[i].told_at.health);
        rc = db_exec(q, NULL, e);
    }
    return write_end(s, rc);
}

int senders_spam(struct store *s, int64_t id, int64_t at, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &sender_spam, &q, e);
    if (rc == 0) {
        db_i64(q, at);
        db_i64(q, id);
        rc = db_exec(q, NULL, e);
    }
    return write_end(s, rc);
}

int senders_spam_at(struct store *s, int64_t id, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &sender_spam_at, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, id);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return 0;
}

static int read_row(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct sender *v = row;
    v->id = col_i64(q);
    v->waba = col_i64(q);
    v->status = col_int(q);
    col_chars(q, v->display_phone, sizeof v->display_phone);
    col_chars(q, v->verified_name, sizeof v->verified_name);
    col_chars(q, v->quality, sizeof v->quality);
    v->per_second = col_int(q);
    v->updated_at = col_i64(q);
    v->said_at.number = col_i64(q);
    v->said_at.quality = col_i64(q);
    v->said_at.per_second = col_i64(q);
    v->spam_at = col_i64(q);
    col_chars(q, v->name_status, sizeof v->name_status);
    v->told_at.name_status = col_i64(q);
    col_chars(q, v->username, sizeof v->username);
    v->told_at.username = col_i64(q);
    v->health = (enum health)col_i64(q);
    int rc = col_copy(q, a, &v->health_detail, e);
    v->told_at.health = col_i64(q);
    return rc;
}

int senders_list(struct store *s, struct arena *a, struct sender **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &senders_all, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, SENDERS_MAX);
    return db_rows(q, a, SENDERS_MAX, sizeof **ret, read_row, ret, ret_n, e);
}
