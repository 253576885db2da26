/* SPDX-License-Identifier: Apache-2.0
 * templates.c - the templates of our accounts, as listed by Meta and as webhooks changed them since.
 *
 * Two sources write one row, webhooks come in any order and more than once, and a listing is as old as its request. So each
 * thing that is said of a template (its id, status, what was said with the status, category, the category announced,
 * quality, listing) is a register of its own: the value said last stays, and of one moment the one that
 * comes later in an order of the values (senders.h), never the one heard last. A change that was completed is an
 * announcement of nothing, in the register of announcements; of one moment it comes last. Read whole into the gateway's
 * snapshot. */
#include "store/db.h"
#include "store/senders.h"

#define TEMPLATES_MAX 1000000

STATEMENT(
    template_insert,
    "INSERT INTO template (waba, name, language, id, id_at, status, status_at, category, category_at, quality, "
    "quality_at, listing, listed_at, detail, detail_status, detail_at, next_category, next_category_at, "
    "next_said_at, components_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, "
    "$15, $16, $17, $18, $19, $20, $21) ON CONFLICT (waba, name, language) DO NOTHING");
STATEMENT(template_heard, "UPDATE template SET updated_at = CASE WHEN updated_at < $1 THEN $1 ELSE updated_at END, "
                          "components_at = CASE WHEN components_at < $2 THEN $2 ELSE components_at END "
                          "WHERE waba = $3 AND name = $4 AND language = $5");
STATEMENT(template_set_id, "UPDATE template SET id = $1, id_at = $2 "
                           "WHERE waba = $3 AND name = $4 AND language = $5 AND (id_at, id) < ($2, $1)");
STATEMENT(template_set_status,
          "UPDATE template SET status = $1, status_at = $2 WHERE waba = $3 AND name = $4 AND language = $5 AND "
          "(status_at, CASE status WHEN 2 THEN 1 WHEN 1 THEN 2 ELSE status END) < ($2, $6)");
STATEMENT(
    template_set_detail,
    "UPDATE template SET detail = $1, detail_status = $2, detail_at = $3 WHERE waba = $4 AND name = $5 AND "
    "language = $6 AND (detail_at, CASE detail_status WHEN 2 THEN 1 WHEN 1 THEN 2 ELSE detail_status END, detail) "
    "< ($3, $7, $1)");
STATEMENT(template_set_category,
          "UPDATE template SET category = $1, category_at = $2 "
          "WHERE waba = $3 AND name = $4 AND language = $5 AND (category_at, category) < ($2, $1)");
STATEMENT(template_set_next,
          "UPDATE template SET next_category = $1, next_category_at = $2, next_said_at = $3 "
          "WHERE waba = $4 AND name = $5 AND language = $6 AND (next_said_at, CASE WHEN next_category = 0 AND "
          "next_said_at > 0 THEN 1 ELSE 0 END, next_category_at, next_category) < ($3, $7, $2, $1)");
STATEMENT(template_set_quality,
          "UPDATE template SET quality = $1, quality_at = $2 WHERE waba = $3 AND name = $4 AND language = $5 AND "
          "(quality_at, CASE quality WHEN 'RED' THEN 4 WHEN 'YELLOW' THEN 3 WHEN 'UNKNOWN' THEN 2 WHEN 'GREEN' THEN 1 "
          "ELSE 0 END, quality) < ($2, $6, $1)");
STATEMENT(template_set_listing, "UPDATE template SET listing = $1, listed_at = $2 WHERE waba = $3 AND name = $4 AND "
                                "language = $5 AND (listed_at, listing) < ($2, $1)");
STATEMENT(templates_all,
          "SELECT waba, name, language, id, status, category, quality, listing, updated_at, status_at, detail, "
          "detail_status, next_category, next_category_at, next_said_at, components_at, listed_at FROM template "
          "ORDER BY waba, name, language LIMIT $1");
STATEMENT(templates_of,
          "SELECT waba, name, language, id, status, category, quality, listing, updated_at, status_at, detail, "
          "detail_status, next_category, next_category_at, next_said_at, components_at, listed_at FROM template "
          "WHERE waba = $1 ORDER BY waba, name, language LIMIT $2");

/* ---- what a row says, and when ---- */

/* A row with a time for each register, 0 and no value where it says nothing. */
struct said {
    const struct template_row *row;
    int64_t id_at, status_at, category_at, quality_at, listed_at, detail_at;
    bool detail, next;
};

/* `at` where something is said, its own time where it has one. */
static int64_t when(bool said, int64_t own, int64_t at)
{
    return !said ? 0 : own != 0 ? own : at;
}

static struct said what_is_said(const struct template_row *t)
{
    int64_t at = t->status_at != 0 ? t->status_at : t->updated_at;
    bool status = t->status != TEMPLATE_STATUS_UNKNOWN, listed = t->listing.n > 0;
    struct said s = {.row = t};
    s.detail = status && (!listed || t->detail.n > 0);
    s.next = t->next_said_at != 0;
    s.id_at = when(t->id != 0, 0, at);
    s.status_at = when(status, 0, at);
    s.category_at = when(t->category != CATEGORY_UNKNOWN, 0, at);
    s.quality_at = when(t->quality.n > 0, 0, at);
    s.listed_at = when(listed, t->listed_at, at);
    s.detail_at = when(s.detail, 0, at);
    return s;
}

static bool announced(const struct said *v)
{
    return v->next && v->row->next_category != CATEGORY_UNKNOWN;
}

/* The orders of senders.h for values of one moment; the statements say the same of what is there. */
static int64_t status_rank(enum template_status v)
{
    return v == TEMPLATE_PENDING ? 1 : v == TEMPLATE_APPROVED ? 2 : (int64_t)v;
}

static int64_t quality_rank(struct str v)
{
    static const char *const words[] = {"GREEN", "UNKNOWN", "YELLOW", "RED"};
    for (int i = 0; i < 4; i++)
        if (str_eq(v, str_of(words[i])))
            return i + 1;
    return 0;
}

/* ---- writing ---- */

static void bind_key(struct db_stmt *q, const struct template_row *t)
{
    db_i64(q, t->waba);
    db_text(q, t->name);
    db_text(q, t->language);
}

static int insert(struct store *s, const struct said *v, bool *ret_new, struct err *e)
{
    const struct template_row *t = v->row;
    struct db_stmt *q;
    int64_t changed = 0;
    int rc = db_prepare(s, &template_insert, &q, e);
    if (rc != 0)
        return rc;
    bind_key(q, t);
    db_i64(q, t->id);
    db_i64(q, v->id_at);
    db_i64(q, t->status);
    db_i64(q, v->status_at);
    db_i64(q, t->category);
    db_i64(q, v->category_at);
    db_text(q, t->quality);
    db_i64(q, v->quality_at);
    db_text(q, t->listing);
    db_i64(q, v->listed_at);
    db_text(q, v->detail ? t->detail : STR(""));
    db_i64(q, v->detail ? t->status : TEMPLATE_STATUS_UNKNOWN);
    db_i64(q, v->detail_at);
    db_i64(q, v->next ? t->next_category : CATEGORY_UNKNOWN);
    db_i64(q, announced(v) ? t->next_category_at : 0);
    db_i64(q, t->next_said_at);
    db_i64(q, t->components_at);
    db_i64(q, t->updated_at);
    rc = db_exec(q, &changed, e);
    *ret_new = changed > 0;
    return rc;
}

/* Sets a number and its time where they come later in the order; rank < 0: the statement takes none. */
static int set_number(struct store *s, const struct statement *st, const struct template_row *t, int64_t v, int64_t at,
                      int64_t rank, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, v);
    db_i64(q, at);
    bind_key(q, t);
    if (rank >= 0)
        db_i64(q, rank);
    return db_exec(q, NULL, e);
}

static int set_text(struct store *s, const struct statement *st, const struct template_row *t, struct str v, int64_t at,
                    int64_t rank, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, v);
    db_i64(q, at);
    bind_key(q, t);
    if (rank >= 0)
        db_i64(q, rank);
    return db_exec(q, NULL, e);
}

static int set_detail(struct store *s, const struct said *v, struct err *e)
{
    const struct template_row *t = v->row;
    struct db_stmt *q;
    int rc = db_prepare(s, &template_set_detail, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, t->detail);
    db_i64(q, t->status);
    db_i64(q, v->detail_at);
    bind_key(q, t);
    db_i64(q, status_rank(t->status));
    return db_exec(q, NULL, e);
}

static int set_next(struct store *s, const struct said *v, struct err *e)
{
    const struct template_row *t = v->row;
    struct db_stmt *q;
    int rc = db_prepare(s, &template_set_next, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, t->next_category);
    db_i64(q, announced(v) ? t->next_category_at : 0);
    db_i64(q, t->next_said_at);
    bind_key(q, t);
    db_i64(q, announced(v) ? 0 : 1);
    return db_exec(q, NULL, e);
}

static int update(struct store *s, const struct said *v, struct err *e)
{
    const struct template_row *t = v->row;
    int rc = set_number(s, &template_heard, t, t->updated_at, t->components_at, -1, e);
    if (rc == 0 && t->id != 0)
        rc = set_number(s, &template_set_id, t, t->id, v->id_at, -1, e);
    if (rc == 0 && t->status != TEMPLATE_STATUS_UNKNOWN)
        rc = set_number(s, &template_set_status, t, t->status, v->status_at, status_rank(t->status), e);
    if (rc == 0 && v->detail)
        rc = set_detail(s, v, e);
    if (rc == 0 && t->category != CATEGORY_UNKNOWN)
        rc = set_number(s, &template_set_category, t, t->category, v->category_at, -1, e);
    if (rc == 0 && v->next)
        rc = set_next(s, v, e);
    if (rc == 0 && t->quality.n > 0)
        rc = set_text(s, &template_set_quality, t, t->quality, v->quality_at, quality_rank(t->quality), e);
    if (rc == 0 && t->listing.n > 0)
        rc = set_text(s, &template_set_listing, t, t->listing, v->listed_at, -1, e);
    return rc;
}

int templates_put(struct store *s, const struct template_row *t, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        struct said v = what_is_said(&t[i]);
        bool fresh = false;
        rc = insert(s, &v, &fresh, e);
        if (rc == 0 && !fresh)
            rc = update(s, &v, e);
    }
    return write_end(s, rc);
}

/* ---- reading ---- */

/* What was said with another status, or was announced and is in force, is not shown. */
static int read_word(struct db_stmt *q, struct arena *a, struct template_row *t, struct err *e)
{
    int rc = col_copy(q, a, &t->detail, e);
    if ((enum template_status)col_i64(q) != t->status)
        t->detail = STR("");
    t->next_category = (enum category)col_i64(q);
    t->next_category_at = col_i64(q);
    t->next_said_at = col_i64(q);
    if (t->next_category == t->category)
        t->next_category = CATEGORY_UNKNOWN;
    if (t->next_category == CATEGORY_UNKNOWN)
        t->next_category_at = t->next_said_at = 0;
    t->components_at = col_i64(q);
    t->listed_at = col_i64(q);
    return rc;
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
    return read_word(q, a, t, e);
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
