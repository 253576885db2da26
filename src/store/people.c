/* SPDX-License-Identifier: Apache-2.0
 * people.c - persons and the names they go by: find, create, save.
 *
 * A name (kind, value) leads straight to a person's row; the rows of merged persons stay, but no name leads to
 * them. Person ids are ordinal * 4096 + bucket with dense ordinals, handed out by the bucket's head row, so that
 * sets of people are small bitmaps. A save carries the version it read and loses against a newer one. */
#include "store/people_rows.h"
#include "store/suppressed.h"

STATEMENT(person_by_identity,
          "SELECT p.id, p.ver, p.undeliverable_at, p.created_at, p.consent, p.name, p.lang, p.zone, p.caps, p.name_at, "
          "p.leaf, p.restricted_until "
          "FROM person_identity i JOIN person p ON p.bucket = i.bucket AND p.id = i.contact "
          "WHERE i.bucket = $1 AND i.tenant = $2 AND i.kind = $3 AND i.value = $4 LIMIT 1");
STATEMENT(person_by_id,
          "SELECT p.id, p.ver, p.undeliverable_at, p.created_at, p.consent, p.name, p.lang, p.zone, p.caps, p.name_at, "
          "p.leaf, p.restricted_until "
          "FROM person p WHERE p.bucket = $1 AND p.id = $2");
STATEMENT(person_target, "SELECT merged_into FROM person WHERE bucket = $1 AND id = $2");
STATEMENT(
    person_insert,
    "INSERT INTO person (bucket, id, tenant, ver, merged_into, created_at, undeliverable_at, consent, name, lang, "
    "zone, caps) VALUES ($1, $2, $3, 1, 0, $4, 0, $5, '', '', '', '')");
STATEMENT(person_update, "UPDATE person SET ver = ver + 1, undeliverable_at = $1, consent = $2, name = $3, lang = $4, "
                         "zone = $5, caps = $6, name_at = $7 WHERE bucket = $8 AND id = $9 AND ver = $10");
STATEMENT(
    identity_add,
    "INSERT INTO person_identity (bucket, tenant, kind, value, contact, added_at) VALUES ($1, $2, $3, $4, $5, $6)");
STATEMENT(identities_of, "SELECT kind, value FROM person_identity WHERE bucket = $1 AND contact = $2 ORDER BY "
                         "added_at, kind, value LIMIT $3");
STATEMENT(head_get, "SELECT next_ordinal FROM bucket_head WHERE bucket = $1");
STATEMENT(head_put, "INSERT INTO bucket_head (bucket, next_ordinal, people) VALUES ($1, $2, $3) "
                    "ON CONFLICT (bucket) DO UPDATE SET next_ordinal = excluded.next_ordinal, people = "
                    "bucket_head.people + excluded.people "
                    "WHERE bucket_head.next_ordinal = $4");
STATEMENT(head_people, "SELECT people FROM bucket_head WHERE bucket = $1");

static int person_read(struct db_stmt *q, int bucket, struct person *ret, struct err *e)
{
    ret->bucket = bucket;
    ret->id = col_i64(q);
    ret->ver = col_i64(q);
    ret->undeliverable_at = col_i64(q);
    ret->created_at = col_i64(q);
    struct str packed = col_blob(q);
    if (consent_unpack(packed.p, packed.n, &ret->consent) != 0)
        return err_set(e, WL_EIO, "database: the consent state of a person cannot be read");
    col_chars(q, ret->name, sizeof ret->name);
    col_chars(q, ret->lang, sizeof ret->lang);
    col_chars(q, ret->zone, sizeof ret->zone);
    packed = col_blob(q);
    if (caps_unpack(packed.p, packed.n, &ret->caps) != 0)
        return err_set(e, WL_EIO, "database: what a person got lately cannot be read");
    ret->name_at = col_i64(q);
    ret->leaf = col_i64(q);
    ret->restricted_until = col_i64(q);
    return 0;
}

/* Runs a prepared and bound read of one person; none is id 0. */
static int read_one(struct db_stmt *q, int bucket, struct person *ret, struct err *e)
{
    struct person p = {.bucket = bucket};
    int rc = db_step(q, e);
    if (rc < 0)
        return rc;
    rc = rc == 1 ? person_read(q, bucket, &p, e) : 0;
    db_reset(q);
    if (rc == 0)
        *ret = p;
    return rc;
}

int identity_lookup(struct store *s, int bucket, const struct identity *who, struct person *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &person_by_identity, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, STORE_TENANT);
    db_i64(q, who->kind);
    db_text(q, str_of(who->value));
    return read_one(q, bucket, ret, e);
}

static int bucket_of(const struct store *s, const struct identity *who)
{
    return store_bucket(s, (int)who->kind, str_of(who->value));
}

int people_find(struct store *s, const struct identity *who, size_t n, struct person *ret, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        int rc = identity_lookup(s, bucket_of(s, &who[i]), &who[i], &ret[i], e);
        if (rc != 0)
            return rc;
    }
    return 0;
}

int identity_insert(struct store *s, int bucket, const struct identity *who, int64_t contact, int64_t now,
                    struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &identity_add, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, STORE_TENANT);
    db_i64(q, who->kind);
    db_text(q, str_of(who->value));
    db_i64(q, contact);
    db_i64(q, now);
    return db_exec(q, NULL, e);
}

/* The ordinals of one batch: taken from the head row once, given back to it once. */
struct ordinals {
    int bucket;
    int64_t seen, next; /* seen 0: not read yet */
    int64_t created;
};

static int ordinals_read(struct store *s, struct ordinals *o, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &head_get, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, o->bucket);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    o->seen = o->next = rc == 1 ? col_i64(q) : 1;
    db_reset(q);
    return 0;
}

static int ordinals_write(struct store *s, const struct ordinals *o, struct err *e)
{
    struct db_stmt *q;
    int64_t changed = 0;
    if (o->created == 0)
        return 0;
    int rc = db_prepare(s, &head_put, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, o->bucket);
    db_i64(q, o->next);
    db_i64(q, o->created);
    db_i64(q, o->seen);
    rc = db_exec(q, &changed, e);
    if (rc == 0 && changed == 0)
        rc = err_set(e, WL_ECONFLICT, "another program created people at the same moment");
    return rc;
}

static int create(struct store *s, struct ordinals *o, const struct identity *who, int64_t now, struct person *ret,
                  struct err *e)
{
    struct person p = {.bucket = o->bucket, .ver = 1, .created_at = now, .leaf = -1};
    uint8_t packed[CONSENT_PACKED_MAX];
    struct db_stmt *q;
    int rc = o->seen == 0 ? ordinals_read(s, o, e) : 0;
    if (rc == 0)
        rc = db_prepare(s, &person_insert, &q, e);
    if (rc != 0)
        return rc;
    p.id = o->next * STORE_BUCKETS + o->bucket;
    db_i64(q, p.bucket);
    db_i64(q, p.id);
    db_i64(q, STORE_TENANT);
    db_i64(q, now);
    db_blob(q, packed, consent_pack(&p.consent, packed));
    rc = db_exec(q, NULL, e);
    if (rc == 0)
        rc = identity_insert(s, p.bucket, who, p.id, now, e);
    if (rc == 0)
        rc = suppressed_meet(s, &p, who, now, e);
    if (rc != 0)
        return rc;
    o->next++;
    o->created++;
    *ret = p;
    return 0;
}

int people_ensure(struct store *s, const struct identity *who, size_t n, int64_t now, struct person *ret, struct err *e)
{
    struct ordinals o = {0};
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < n; i++) {
        int bucket = bucket_of(s, &who[i]);
        if (who[i].kind == IDENTITY_NONE || who[i].value[0] == '\0')
            rc = err_set(e, WL_EINVAL, "a person without a name cannot be kept");
        else if (i > 0 && bucket != o.bucket)
            rc = err_set(e, WL_EINVAL, "one transaction touches one bucket");
        o.bucket = bucket;
        if (rc == 0)
            rc = identity_lookup(s, bucket, &who[i], &ret[i], e);
        if (rc == 0 && ret[i].id == 0)
            rc = create(s, &o, &who[i], now, &ret[i], e);
    }
    if (rc == 0)
        rc = ordinals_write(s, &o, e);
    return write_end(s, rc);
}

static int save(struct store *s, const struct person *p, struct err *e)
{
    uint8_t consent[CONSENT_PACKED_MAX], caps[CAPS_PACKED_MAX];
    struct db_stmt *q;
    int64_t changed = 0;
    int rc = db_prepare(s, &person_update, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, p->undeliverable_at);
    db_blob(q, consent, consent_pack(&p->consent, consent));
    db_text(q, str_of(p->name));
    db_text(q, str_of(p->lang));
    db_text(q, str_of(p->zone));
    db_blob(q, caps, caps_pack(&p->caps, caps));
    db_i64(q, p->name_at);
    db_i64(q, p->bucket);
    db_i64(q, p->id);
    db_i64(q, p->ver);
    rc = db_exec(q, &changed, e);
    if (rc == 0 && changed == 0)
        rc = err_set(e, WL_ECONFLICT, "the person was changed by somebody else");
    return rc;
}

int people_save(struct store *s, struct person *p, size_t n, struct err *e)
{
    int rc = write_start(s, e);
    if (rc != 0)
        return rc;
    for (size_t i = 0; rc == 0 && i < n; i++)
        rc = save(s, &p[i], e);
    for (size_t i = 0; rc == 0 && i < n; i++)
        p[i].ver++;
    return write_end(s, rc);
}

int people_identities(struct store *s, int bucket, int64_t id, struct identity *ret, size_t max, size_t *ret_n,
                      struct err *e)
{
    struct db_stmt *q;
    size_t n = 0;
    int64_t root = 0;
    int rc = person_root(s, bucket, id, &root, e);
    if (rc == 0)
        rc = db_prepare(s, &identities_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, root);
    db_i64(q, (int64_t)max);
    while (n < max && (rc = db_step(q, e)) == 1) {
        ret[n].kind = (enum identity_kind)col_i64(q);
        col_chars(q, ret[n++].value, sizeof ret->value);
    }
    if (rc < 0)
        return rc;
    db_reset(q);
    *ret_n = n;
    return 0;
}

int person_root(struct store *s, int bucket, int64_t id, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &person_target, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, id);
    rc = db_step(q, e);
    if (rc < 0)
        return rc;
    int64_t target = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    if (rc == 0)
        return err_set(e, WL_ENOTFOUND, "there is no such person");
    *ret = target != 0 ? target : id; /* one step: a merge re-points whoever pointed at the person that goes */
    return 0;
}

int people_get(struct store *s, int bucket, int64_t id, struct person *ret, struct err *e)
{
    struct db_stmt *q;
    struct person p;
    int64_t root = 0;
    int rc = person_root(s, bucket, id, &root, e);
    if (rc == 0)
        rc = db_prepare(s, &person_by_id, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, root);
    rc = read_one(q, bucket, &p, e);
    if (rc == 0 && p.id == 0)
        rc = err_set(e, WL_EIO, "database: a merged person leads nowhere");
    if (rc == 0)
        *ret = p;
    return rc;
}

int people_count(struct store *s, int64_t *ret, struct err *e)
{
    int64_t sum = 0;
    for (int bucket = 0; bucket < s->spread; bucket++) {
        struct db_stmt *q;
        int rc = db_prepare(s, &head_people, &q, e);
        if (rc != 0)
            return rc;
        db_i64(q, bucket);
        rc = db_step(q, e);
        if (rc < 0)
            return rc;
        sum += rc == 1 ? col_i64(q) : 0;
        db_reset(q);
    }
    *ret = sum;
    return 0;
}
