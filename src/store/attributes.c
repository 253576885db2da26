/* SPDX-License-Identifier: Apache-2.0
 * attributes.c - small rows beside a person's, found by the person.
 *
 * Writing what is there already changes nothing and says so: an import made twice has nothing to tell. What belongs to two people who
 * turn out to be one is one's: of two values the newer one, of one moment the greater. */
#include "store/attributes.h"

#include <string.h>

#include "store/people_rows.h"

STATEMENT(attributes_of, "SELECT name, value, source, at FROM attribute WHERE bucket = $1 AND contact = $2 "
                         "ORDER BY name LIMIT $3");
STATEMENT(attribute_one, "SELECT value FROM attribute WHERE bucket = $1 AND contact = $2 AND name = $3");
STATEMENT(attribute_set, "INSERT INTO attribute (bucket, contact, name, value, source, at) VALUES ($1, $2, $3, $4, $5, "
                         "$6) ON CONFLICT (bucket, contact, name) DO UPDATE SET value = excluded.value, "
                         "source = excluded.source, at = excluded.at WHERE excluded.at >= attribute.at "
                         "AND excluded.value <> attribute.value");
STATEMENT(attribute_unset, "DELETE FROM attribute WHERE bucket = $1 AND contact = $2 AND name = $3");
STATEMENT(attributes_move,
          "INSERT INTO attribute (bucket, contact, name, value, source, at) SELECT r.bucket, CAST($1 AS BIGINT), "
          "r.name, r.value, r.source, r.at FROM attribute r WHERE r.bucket = $2 AND r.contact = $3 "
          "ON CONFLICT (bucket, contact, name) DO UPDATE SET value = excluded.value, source = excluded.source, "
          "at = excluded.at WHERE excluded.at > attribute.at OR (excluded.at = attribute.at AND "
          "excluded.value > attribute.value)");
STATEMENT(attributes_delete, "DELETE FROM attribute WHERE bucket = $1 AND contact = $2");

STATEMENT(tags_of, "SELECT tag, source, at FROM tag WHERE bucket = $1 AND contact = $2 ORDER BY tag LIMIT $3");
STATEMENT(tag_set, "INSERT INTO tag (bucket, contact, tag, source, at) VALUES ($1, $2, $3, $4, $5) "
                   "ON CONFLICT (bucket, contact, tag) DO NOTHING");
STATEMENT(tag_unset, "DELETE FROM tag WHERE bucket = $1 AND contact = $2 AND tag = $3");
STATEMENT(tags_move, "INSERT INTO tag (bucket, contact, tag, source, at) SELECT r.bucket, CAST($1 AS BIGINT), r.tag, "
                     "r.source, r.at FROM tag r WHERE r.bucket = $2 AND r.contact = $3 "
                     "ON CONFLICT (bucket, contact, tag) DO UPDATE SET source = excluded.source, at = excluded.at "
                     "WHERE excluded.at < tag.at");
STATEMENT(tags_delete, "DELETE FROM tag WHERE bucket = $1 AND contact = $2");

STATEMENT(source_one, "SELECT id FROM import_source WHERE sha256 = $1 AND name = $2 LIMIT 1");
STATEMENT(source_first, "SELECT o.first_at FROM import_source i JOIN import_source o ON o.sha256 = i.sha256 "
                        "WHERE i.id = $1 ORDER BY o.first_at LIMIT 1");
STATEMENT(source_last, "SELECT id FROM import_source ORDER BY id DESC LIMIT 1");
STATEMENT(source_insert, "INSERT INTO import_source (id, name, sha256, first_at, last_at) VALUES ($1, $2, $3, $4, $4)");
STATEMENT(source_again, "UPDATE import_source SET last_at = $1 WHERE id = $2 AND last_at < $1");
STATEMENT(sources_of, "SELECT c.source, c.at, i.last_at, i.name, i.sha256 FROM contact_source c JOIN import_source i "
                      "ON i.id = c.source WHERE c.bucket = $1 AND c.contact = $2 ORDER BY c.at, c.source LIMIT $3");
STATEMENT(contact_source_set, "INSERT INTO contact_source (bucket, contact, source, at) VALUES ($1, $2, $3, $4) "
                              "ON CONFLICT (bucket, contact, source) DO NOTHING");
STATEMENT(
    contact_sources_move,
    "INSERT INTO contact_source (bucket, contact, source, at) SELECT r.bucket, CAST($1 AS BIGINT), r.source, r.at "
    "FROM contact_source r WHERE r.bucket = $2 AND r.contact = $3 ON CONFLICT (bucket, contact, source) DO UPDATE "
    "SET at = excluded.at WHERE excluded.at < contact_source.at");
STATEMENT(contact_sources_trim,
          "DELETE FROM contact_source WHERE bucket = $1 AND contact = $2 AND source NOT IN (SELECT n.source FROM "
          "(SELECT r.source FROM contact_source r WHERE r.bucket = $1 AND r.contact = $2 ORDER BY r.at DESC, "
          "r.source DESC LIMIT $3) n) AND source NOT IN (SELECT f.source FROM (SELECT r.source FROM contact_source r "
          "WHERE r.bucket = $1 AND r.contact = $2 ORDER BY r.at, r.source LIMIT 1) f)");
STATEMENT(contact_sources_delete, "DELETE FROM contact_source WHERE bucket = $1 AND contact = $2");

static int bind(struct store *s, const struct statement *st, int bucket, int64_t contact, struct db_stmt **ret,
                struct err *e)
{
    int rc = db_prepare(s, st, ret, e);
    if (rc != 0)
        return rc;
    db_i64(*ret, bucket);
    db_i64(*ret, contact);
    return 0;
}

/* The bound statement; the caller's write began before. */
static int change(struct store *s, struct db_stmt *q, bool *ret_changed, struct err *e)
{
    int64_t changed = 0;
    int rc = db_exec(q, &changed, e);
    if (rc == 0 && ret_changed != NULL)
        *ret_changed = changed != 0;
    return write_end(s, rc);
}

/* A row that is named by one text. */
static int drop(struct store *s, const struct statement *st, int bucket, int64_t contact, struct str name,
                bool *ret_changed, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = bind(s, st, bucket, contact, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, name);
    return change(s, q, ret_changed, e);
}

/* --- attributes ------------------------------------------------------------------------------------------------------- */

static int read_attribute(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct attribute *v = row;
    int rc = col_copy(q, a, &v->name, e);
    if (rc == 0)
        rc = col_copy(q, a, &v->value, e);
    v->source = rc == 0 ? col_i64(q) : 0;
    v->at = rc == 0 ? col_i64(q) : 0;
    return rc;
}

int attributes_get(struct store *s, int bucket, int64_t contact, struct arena *a, struct attribute **ret, size_t *ret_n,
                   struct err *e)
{
    struct db_stmt *q;
    int rc = bind(s, &attributes_of, bucket, contact, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, 2 * ATTRIBUTES_MAX); /* somebody who was two may have more than one may be given */
    return db_rows(q, a, 2 * ATTRIBUTES_MAX, sizeof **ret, read_attribute, ret, ret_n, e);
}

int attribute_value(struct store *s, int bucket, int64_t contact, struct str name, struct arena *a, struct str *ret,
                    struct err *e)
{
    struct db_stmt *q;
    struct str value = {NULL, 0};
    int rc = bind(s, &attribute_one, bucket, contact, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, name);
    rc = db_step(q, e);
    rc = rc == 1 ? col_copy(q, a, &value, e) : rc;
    db_reset(q);
    if (rc == 0)
        *ret = value;
    return rc;
}

int attribute_put(struct store *s, int bucket, int64_t contact, const struct attribute *v, bool *ret_changed,
                  struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = bind(s, &attribute_set, bucket, contact, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, v->name);
    db_text(q, v->value);
    db_i64(q, v->source);
    db_i64(q, v->at);
    return change(s, q, ret_changed, e);
}

int attribute_drop(struct store *s, int bucket, int64_t contact, struct str name, bool *ret_changed, struct err *e)
{
    return drop(s, &attribute_unset, bucket, contact, name, ret_changed, e);
}

/* --- tags ------------------------------------------------------------------------------------------------------------- */

static int read_tag(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct tag *v = row;
    int rc = col_copy(q, a, &v->tag, e);
    v->source = rc == 0 ? col_i64(q) : 0;
    v->at = rc == 0 ? col_i64(q) : 0;
    return rc;
}

int tags_get(struct store *s, int bucket, int64_t contact, struct arena *a, struct tag **ret, size_t *ret_n,
             struct err *e)
{
    struct db_stmt *q;
    int rc = bind(s, &tags_of, bucket, contact, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, 2 * TAGS_MAX);
    return db_rows(q, a, 2 * TAGS_MAX, sizeof **ret, read_tag, ret, ret_n, e);
}

int tag_put(struct store *s, int bucket, int64_t contact, const struct tag *v, bool *ret_changed, struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = bind(s, &tag_set, bucket, contact, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, v->tag);
    db_i64(q, v->source);
    db_i64(q, v->at);
    return change(s, q, ret_changed, e);
}

int tag_drop(struct store *s, int bucket, int64_t contact, struct str tag, bool *ret_changed, struct err *e)
{
    return drop(s, &tag_unset, bucket, contact, tag, ret_changed, e);
}

/* --- sources ---------------------------------------------------------------------------------------------------------- */

/* The number in the first column of a bound statement; 0 without a row. */
static int one_number(struct db_stmt *q, int64_t *ret, struct err *e)
{
    int rc = db_step(q, e);
    if (rc >= 0)
        *ret = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    return rc < 0 ? rc : 0;
}

static int source_add(struct store *s, struct str name, const uint8_t sha256[SHA256_BYTES], int64_t now,
                      int64_t *ret_id, struct err *e)
{
    struct db_stmt *q;
    int64_t last = 0;
    int rc = db_prepare(s, &source_last, &q, e);
    if (rc == 0)
        rc = one_number(q, &last, e);
    if (rc == 0)
        rc = db_prepare(s, &source_insert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, last + 1);
    db_text(q, name);
    db_blob(q, sha256, SHA256_BYTES);
    db_i64(q, now);
    *ret_id = last + 1;
    return db_exec(q, NULL, e);
}

static int source_seen(struct store *s, int64_t id, int64_t now, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &source_again, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, now);
    db_i64(q, id);
    return db_exec(q, NULL, e);
}

int import_source_put(struct store *s, struct str name, const uint8_t sha256[SHA256_BYTES], int64_t now,
                      int64_t *ret_id, struct err *e)
{
    struct db_stmt *q;
    int64_t id = 0;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = db_prepare(s, &source_one, &q, e);
    if (rc != 0)
        return rc;
    db_blob(q, sha256, SHA256_BYTES);
    db_text(q, name);
    rc = one_number(q, &id, e);
    if (rc == 0)
        rc = id != 0 ? source_seen(s, id, now, e) : source_add(s, name, sha256, now, &id, e);
    if (rc == 0)
        *ret_id = id;
    return write_end(s, rc);
}

int import_source_first(struct store *s, int64_t id, int64_t *ret_at, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &source_first, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, id);
    return one_number(q, ret_at, e);
}

/* One more stays than is shown: it says that there were more. */
static int trim_sources(struct store *s, int bucket, int64_t contact, struct err *e)
{
    struct db_stmt *q;
    int rc = bind(s, &contact_sources_trim, bucket, contact, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, SOURCES_MAX);
    return db_exec(q, NULL, e);
}

int contact_source_put(struct store *s, int bucket, int64_t contact, int64_t source, int64_t at, bool *ret_new,
                       struct err *e)
{
    struct db_stmt *q;
    int rc = write_start(s, e);
    if (rc == 0)
        rc = bind(s, &contact_source_set, bucket, contact, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, source);
    db_i64(q, at);
    int64_t added = 0;
    rc = db_exec(q, &added, e);
    if (rc == 0 && added != 0)
        rc = trim_sources(s, bucket, contact, e);
    if (rc == 0 && ret_new != NULL)
        *ret_new = added != 0;
    return write_end(s, rc);
}

static int read_source(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct import_source *v = row;
    v->id = col_i64(q);
    v->first_at = col_i64(q);
    v->last_at = col_i64(q);
    int rc = col_copy(q, a, &v->name, e);
    struct str hash = rc == 0 ? col_blob(q) : (struct str){NULL, 0};
    memset(v->sha256, 0, SHA256_BYTES);
    if (hash.n == SHA256_BYTES)
        memcpy(v->sha256, hash.p, SHA256_BYTES);
    return rc;
}

int contact_sources(struct store *s, int bucket, int64_t contact, struct arena *a, struct import_source **ret,
                    size_t *ret_n, bool *ret_cut, struct err *e)
{
    struct import_source *v = NULL;
    size_t n = 0;
    struct db_stmt *q;
    int rc = bind(s, &sources_of, bucket, contact, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, SOURCES_MAX + 1);
    rc = db_rows(q, a, SOURCES_MAX + 1, sizeof *v, read_source, &v, &n, e);
    if (rc != 0)
        return rc;
    *ret_cut = n > SOURCES_MAX;
    if (*ret_cut)
        memmove(&v[1], &v[2], (--n - 1) * sizeof *v);
    *ret = v;
    *ret_n = n;
    return 0;
}

/* --- two become one --------------------------------------------------------------------------------------------------- */

int attributes_merge(struct store *s, int bucket, int64_t kept, int64_t gone, struct err *e)
{
    static const struct statement *const all[][2] = {{&attributes_move, &attributes_delete},
                                                     {&tags_move, &tags_delete},
                                                     {&contact_sources_move, &contact_sources_delete}};
    struct db_stmt *q;
    int rc = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all && rc == 0; i++) {
        rc = db_prepare(s, all[i][0], &q, e);
        if (rc != 0)
            return rc;
        db_i64(q, kept);
        db_i64(q, bucket);
        db_i64(q, gone);
        rc = db_exec(q, NULL, e);
        if (rc == 0)
            rc = bind(s, all[i][1], bucket, gone, &q, e);
        if (rc == 0)
            rc = db_exec(q, NULL, e);
    }
    return rc == 0 ? trim_sources(s, bucket, kept, e) : rc;
}
