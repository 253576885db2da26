/* SPDX-License-Identifier: Apache-2.0
 * activities.c - one small row a person, found by its whole key.
 *
 * It is written with nearly every status, so nothing else is looked at as long as there is a row: whether its person was
 * merged, is to be erased or is gone is asked before the first one, and each of these takes the row away. */
#include "store/activities.h"

#include "store/people_rows.h"

STATEMENT(activity_one, "SELECT ver, state FROM activity WHERE bucket = $1 AND contact = $2");
STATEMENT(activity_insert, "INSERT INTO activity (bucket, contact, ver, state) VALUES ($1, $2, 1, $3) "
                           "ON CONFLICT (bucket, contact) DO NOTHING");
STATEMENT(activity_update,
          "UPDATE activity SET ver = ver + 1, state = $1 WHERE bucket = $2 AND contact = $3 AND ver = $4");
STATEMENT(activity_delete, "DELETE FROM activity WHERE bucket = $1 AND contact = $2");

static int read_one(struct db_stmt *q, struct activity_row *r, struct err *e)
{
    int64_t ver = col_i64(q);
    struct str packed = col_blob(q);
    if (activity_unpack(packed.p, packed.n, &r->a) != 0)
        return err_set(e, WL_EIO, "database: the activity of a person cannot be read");
    r->ver = ver;
    return 0;
}

int activities_get(struct store *s, struct activity_row *r, size_t n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &activity_one, &q, e);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        r[i].ver = 0;
        r[i].a = (struct activity){.since = 0};
        db_i64(q, r[i].bucket);
        db_i64(q, r[i].contact);
        rc = db_step(q, e);
        rc = rc == 1 ? read_one(q, &r[i], e) : rc;
        db_reset(q);
    }
    return rc;
}

static int put(struct store *s, const struct activity_row *r, struct err *e)
{
    uint8_t packed[ACTIVITY_PACKED_MAX];
    size_t size = activity_pack(&r->a, packed);
    int64_t changed = 0;
    struct db_stmt *q;
    int rc = db_prepare(s, r->ver == 0 ? &activity_insert : &activity_update, &q, e);
    if (rc != 0)
        return rc;
    if (r->ver != 0)
        db_blob(q, packed, size);
    db_i64(q, r->bucket);
    db_i64(q, r->contact);
    if (r->ver == 0)
        db_blob(q, packed, size);
    else
        db_i64(q, r->ver);
    rc = db_exec(q, &changed, e);
    if (rc == 0 && changed == 0)
        rc = err_set(e, WL_ECONFLICT, "the activity of a person was changed by somebody else");
    return rc;
}

int activities_put(struct store *s, struct activity_row *r, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = put(s, &r[i], e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        r[i].ver++;
    return write_end(s, rc);
}

/* The row to write to; *ret_nobody: there is none to be written. */
static int row_of(struct store *s, struct activity_row *r, bool *ret_nobody, struct err *e)
{
    struct person p;
    *ret_nobody = false;
    int rc = activities_get(s, r, 1, e);
    if (rc != 0 || r->ver != 0)
        return rc;
    rc = people_get(s, r->bucket, r->contact, &p, e);
    *ret_nobody = rc == WL_ENOTFOUND || (rc == 0 && p.restricted_until != 0);
    if (rc != 0 || *ret_nobody)
        return rc == WL_ENOTFOUND ? 0 : rc;
    bool merged = p.id != r->contact;
    r->contact = p.id;
    return merged ? activities_get(s, r, 1, e) : 0;
}

int activities_add(struct store *s, int bucket, int64_t contact, const struct activity_event *ev, size_t n,
                   struct err *e)
{
    struct activity_row r = {.bucket = bucket, .contact = contact};
    bool nobody = contact == 0, changed = false;
    int rc = !nobody ? row_of(s, &r, &nobody, e) : 0;
    if (rc != 0 || nobody)
        return rc;
    for (size_t i = 0; i < n; i++)
        changed |= activity_add(&r.a, &ev[i]);
    return changed ? activities_put(s, &r, 1, e) : 0;
}

int activities_merge(struct store *s, int bucket, int64_t kept, int64_t gone, struct err *e)
{
    struct activity_row r[2] = {{.bucket = bucket, .contact = kept}, {.bucket = bucket, .contact = gone}};
    struct db_stmt *q;
    int rc = activities_get(s, r, 2, e);
    if (rc != 0 || r[1].ver == 0)
        return rc;
    activity_merge(&r[0].a, &r[1].a);
    rc = activities_put(s, &r[0], 1, e);
    if (rc == 0)
        rc = db_prepare(s, &activity_delete, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, gone);
    return db_exec(q, NULL, e);
}
