/* SPDX-License-Identifier: Apache-2.0
 * templates.c - the templates of our accounts, as listed by Meta and as webhooks changed them since.
 *
 * Two sources write one row and neither may erase what only the other knows: an empty or unknown value keeps what
 * was there. Webhooks come in any order and more than once, and a listing is as old as its request: status, category and
 * quality each count by the second they were said in, and of one second the last one heard. Read whole into the gateway's
 * snapshot. */
#include "store/db.h"
#include "store/senders.h"

#define TEMPLATES_MAX 1000000
#define SECOND_MS     1000

STATEMENT(template_put,
          "INSERT INTO template (waba, name, language, id, status, category, quality, listing, updated_at, status_at, "
          "category_at, quality_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) "
          "ON CONFLICT (waba, name, language) DO UPDATE SET "
          "id = CASE WHEN excluded.id <> 0 THEN excluded.id ELSE template.id END, "
          "status = CASE WHEN excluded.status <> 0 AND excluded.status_at >= template.status_at THEN excluded.status "
          "ELSE template.status END, "
          "status_at = CASE WHEN excluded.status_at > template.status_at THEN excluded.status_at "
          "ELSE template.status_at END, "
          "category = CASE WHEN excluded.category <> 0 AND excluded.category_at >= template.category_at THEN "
          "excluded.category ELSE template.category END, "
          "category_at = CASE WHEN excluded.category_at > template.category_at THEN excluded.category_at "
          "ELSE template.category_at END, "
          "quality = CASE WHEN excluded.quality <> '' AND excluded.quality_at >= template.quality_at THEN "
          "excluded.quality ELSE template.quality END, "
          "quality_at = CASE WHEN excluded.quality_at > template.quality_at THEN excluded.quality_at "
          "ELSE template.quality_at END, "
          "listing = CASE WHEN excluded.listing <> '' THEN excluded.listing ELSE template.listing END, "
          "updated_at = excluded.updated_at");
STATEMENT(templates_all,
          "SELECT waba, name, language, id, status, category, quality, listing, updated_at, status_at FROM template "
          "ORDER BY waba, name, language LIMIT $1");
STATEMENT(templates_of,
          "SELECT waba, name, language, id, status, category, quality, listing, updated_at, status_at FROM template "
          "WHERE waba = $1 ORDER BY waba, name, language LIMIT $2");

int templates_put(struct store *s, const struct template_row *t, size_t n, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &template_put, &q, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        int64_t said_at = (t[i].status_at != 0 ? t[i].status_at : t[i].updated_at) / SECOND_MS * SECOND_MS;
        db_i64(q, t[i].waba);
        db_text(q, t[i].name);
        db_text(q, t[i].language);
        db_i64(q, t[i].id);
        db_i64(q, t[i].status);
        db_i64(q, t[i].category);
        db_text(q, t[i].quality);
        db_text(q, t[i].listing);
        db_i64(q, t[i].updated_at);
        db_i64(q, t[i].status != TEMPLATE_STATUS_UNKNOWN ? said_at : 0); /* what is not said has no time */
        db_i64(q, t[i].category != CATEGORY_UNKNOWN ? said_at : 0);
        db_i64(q, t[i].quality.n > 0 ? said_at : 0);
        rc = db_exec(q, NULL, e);
    }
    return write_end(s, rc);
}

static int read_row(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct template_row *t = row;
    t->waba = col_i64(q);
    int rc = col_copy(q, a, &t->name, e);
    if (rc == 0)
        rc = col_copy(q, a, &t->language, e);
    if (rc != 0)
        return rc;
    t->id = col_i64(q);
    t->status = (enum template_status)col_i64(q);
    t->category = (enum category)col_i64(q);
    rc = col_copy(q, a, &t->quality, e);
    if (rc == 0)
        rc = col_copy(q, a, &t->listing, e);
    if (rc != 0)
        return rc;
    t->updated_at = col_i64(q);
    t->status_at = col_i64(q);
    return 0;
}

int templates_list(struct store *s, int64_t waba, struct arena *a, struct template_row **ret, size_t *ret_n,
                   struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, waba == 0 ? &templates_all : &templates_of, &q, e);
    if (rc != 0)
        return rc;
    if (waba != 0)
        db_i64(q, waba);
    db_i64(q, TEMPLATES_MAX);
    return db_rows(q, a, TEMPLATES_MAX, sizeof **ret, read_row, ret, ret_n, e);
}
