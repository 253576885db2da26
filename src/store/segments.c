/* SPDX-License-Identifier: Apache-2.0
 * segments.c - a row a name, and a row for each version of it that was ever saved.
 *
 * Saving the query there is already makes no version, so that a console may save as often as it likes. A name that was taken away may be
 * given again: that is another segment, and begins with version 1. */
#include "store/segments.h"

#include "store/db.h"

STATEMENT(segment_insert, "INSERT INTO segment (id, name, version, gone_at) VALUES ($1, $2, 1, 0)");
STATEMENT(segment_next, "UPDATE segment SET version = $1 WHERE id = $2 AND gone_at = 0");
STATEMENT(segment_gone, "UPDATE segment SET gone_at = $1 WHERE id = $2 AND gone_at = 0");
STATEMENT(segment_number, "SELECT COUNT(*) FROM segment WHERE gone_at = 0 LIMIT 1");
STATEMENT(segment_version_insert,
          "INSERT INTO segment_version (segment, version, at, actor, note, query) VALUES ($1, $2, $3, $4, $5, $6)");
STATEMENT(segment_last, "SELECT g.id, v.version, v.at, g.name, v.query, v.actor, v.note FROM segment g "
                        "JOIN segment_version v ON v.segment = g.id AND v.version = g.version "
                        "WHERE g.name = $1 AND g.gone_at = 0 LIMIT 1");
STATEMENT(segment_one, "SELECT g.id, v.version, v.at, g.name, v.query, v.actor, v.note FROM segment g "
                       "JOIN segment_version v ON v.segment = g.id WHERE g.name = $1 AND g.gone_at = 0 "
                       "AND v.version = $2 LIMIT 1");
STATEMENT(segment_page, "SELECT g.id, v.version, v.at, g.name, v.query, v.actor, v.note FROM segment g "
                        "JOIN segment_version v ON v.segment = g.id AND v.version = g.version "
                        "WHERE g.name > $1 AND g.gone_at = 0 ORDER BY g.name LIMIT $2");
STATEMENT(segment_page_of, "SELECT g.id, v.version, v.at, g.name, v.query, v.actor, v.note FROM segment g "
                           "JOIN segment_version v ON v.segment = g.id WHERE g.name = $1 AND g.gone_at = 0 "
                           "AND v.version < $2 ORDER BY v.version DESC LIMIT $3");

static int read_segment(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct segment_row *r = row;
    r->id = col_i64(q);
    r->version = col_i64(q);
    r->at = col_i64(q);
    int rc = col_copy(q, a, &r->name, e);
    if (rc == 0)
        rc = col_copy(q, a, &r->query, e);
    if (rc == 0)
        rc = col_copy(q, a, &r->actor, e);
    return rc == 0 ? col_copy(q, a, &r->note, e) : rc;
}

static int read_one(struct db_stmt *q, struct arena *a, struct segment_row *ret, struct err *e)
{
    struct segment_row r;
    int rc = db_step(q, e);
    if (rc < 0)
        return rc;
    rc = rc == 1 ? read_segment(q, a, &r, e) : err_set(e, WL_ENOTFOUND, "there is no such segment");
    db_reset(q);
    if (rc == 0)
        *ret = r;
    return rc;
}

/* --- written ---------------------------------------------------------------------------------------------------------- */

static int check(const struct segment_row *given, struct err *e)
{
    bool good = given->name.n > 0 && given->name.n <= SEGMENT_NAME_MAX;
    for (size_t i = 0; good && i < given->name.n; i++)
        good = (unsigned char)given->name.p[i] >= ' ' && given->name.p[i] != 0x7f;
    if (!good)
        return err_set(e, WL_EINVAL, "a segment's name is 1 to %d bytes without control characters", SEGMENT_NAME_MAX);
    if (given->note.n > SEGMENT_NOTE_MAX || given->actor.n > SEGMENT_NOTE_MAX)
        return err_set(e, WL_EINVAL, "a note, and who saves it, are at most %d bytes each", SEGMENT_NOTE_MAX);
    if (given->query.n > SEGMENT_TEXT_MAX)
        return err_set(e, WL_ETOOBIG, "a segment's query is at most %u bytes", SEGMENT_TEXT_MAX);
    return 0;
}

/* What is there by that name: its id and version, and whether its query is this one; id 0: nothing is. */
struct present {
    int64_t id, version, at;
    bool same;
};

static int look(struct store *s, const struct segment_row *given, struct present *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &segment_last, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, given->name);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    *ret = (struct present){.id = 0};
    if (rc == 1) {
        ret->id = col_i64(q);
        ret->version = col_i64(q);
        ret->at = col_i64(q);
        (void)col_text(q);
        ret->same = str_eq(col_text(q), given->query);
    }
    db_reset(q);
    return 0;
}

static int known(const struct present *p, int64_t was, struct err *e)
{
    if (was == 0 || (was == SEGMENT_IS_NEW && p->id == 0) || (was == p->version && p->id != 0))
        return 0;
    if (p->id == 0)
        return err_set(e, WL_ECONFLICT, "there is no segment of this name to be changed");
    if (was == SEGMENT_IS_NEW)
        return err_set(e, WL_ECONFLICT, "there is a segment of this name already");
    return err_set(e, WL_ECONFLICT, "the segment is at version %lld, not at %lld: somebody else saved it",
                   (long long)p->version, (long long)was);
}

/* Before the first of this name: whether there is room. */
static int check_room(struct store *s, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &segment_number, &q, e);
    if (rc == 0)
        rc = db_step(q, e);
    if (rc < 0)
        return rc;
    bool full = rc == 1 && col_i64(q) >= SEGMENTS_MAX;
    db_reset(q);
    return !full ? 0
                 : err_set(e, WL_ETOOBIG, "there are %d segments, and more there may not be: take some away",
                           SEGMENTS_MAX);
}

static int add_name(struct store *s, struct str name, int64_t now, struct present *p, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &segment_insert, &q, e);
    if (rc != 0)
        return rc;
    *p = (struct present){.id = store_id(s, now), .version = 1};
    db_i64(q, p->id);
    db_text(q, name);
    return db_exec(q, NULL, e);
}

static int move_on(struct store *s, struct present *p, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &segment_next, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, ++p->version);
    db_i64(q, p->id);
    return db_exec(q, NULL, e);
}

static int add_version(struct store *s, const struct segment_row *r, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &segment_version_insert, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, r->id);
    db_i64(q, r->version);
    db_i64(q, r->at);
    db_text(q, r->actor);
    db_text(q, r->note);
    db_text(q, r->query);
    return db_exec(q, NULL, e);
}

static int put(struct store *s, struct present *p, struct segment_row *r, int64_t now, struct err *e)
{
    int rc = p->id == 0 ? add_name(s, r->name, now, p, e) : move_on(s, p, e);
    r->id = p->id;
    r->version = p->version;
    r->at = now;
    return rc == 0 ? add_version(s, r, e) : rc;
}

/* What is wrong is found before anything is written: the transaction, which others share, goes on. */
int segment_put(struct store *s, const struct segment_row *given, int64_t was, int64_t now, struct segment_row *ret,
                struct err *e)
{
    struct present p = {.id = 0};
    struct segment_row r = *given;
    int rc = check(given, e);
    if (rc == 0)
        rc = look(s, given, &p, e);
    if (rc == 0)
        rc = known(&p, was, e);
    if (rc == 0 && p.id == 0)
        rc = check_room(s, e);
    if (rc == 0 && p.same) {
        r.id = p.id;
        r.version = p.version;
        r.at = p.at;
    } else if (rc == 0 && (rc = write_start(s, e)) == 0) {
        rc = write_end(s, put(s, &p, &r, now, e));
    }
    if (rc == 0)
        *ret = r;
    return rc;
}

static int drop(struct store *s, int64_t id, int64_t now, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &segment_gone, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, now);
    db_i64(q, id);
    return db_exec(q, NULL, e);
}

int segment_drop(struct store *s, struct str name, int64_t now, struct err *e)
{
    const struct segment_row named = {.name = name};
    struct present p;
    int rc = look(s, &named, &p, e);
    if (rc == 0 && p.id == 0)
        return err_set(e, WL_ENOTFOUND, "there is no such segment");
    if (rc == 0)
        rc = write_start(s, e);
    return rc == 0 ? write_end(s, drop(s, p.id, now, e)) : rc;
}

/* --- read ------------------------------------------------------------------------------------------------------------- */

int segment_get(struct store *s, struct str name, int64_t version, struct arena *a, struct segment_row *ret,
                struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, version == 0 ? &segment_last : &segment_one, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, name);
    if (version != 0)
        db_i64(q, version);
    return read_one(q, a, ret, e);
}

int segments_list(struct store *s, struct str after, struct arena *a, size_t max, struct segment_row **ret,
                  size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &segment_page, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, after);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_segment, ret, ret_n, e);
}

int segment_versions(struct store *s, struct str name, int64_t before, struct arena *a, size_t max,
                     struct segment_row **ret, size_t *ret_n, struct err *e)
{
    const struct segment_row named = {.name = name};
    struct present p;
    struct db_stmt *q;
    int rc = look(s, &named, &p, e);
    if (rc == 0 && p.id == 0)
        return err_set(e, WL_ENOTFOUND, "there is no such segment");
    if (rc == 0)
        rc = db_prepare(s, &segment_page_of, &q, e);
    if (rc != 0)
        return rc;
    db_text(q, name);
    db_i64(q, before != 0 ? before : INT64_MAX);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_segment, ret, ret_n, e);
}
