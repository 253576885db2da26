/* SPDX-License-Identifier: Apache-2.0
 * ledger_audit.c - pages of what an audit of the ledger reads and nobody else does.
 *
 * Every statement goes along a key, so a page costs the same wherever it begins. */
#include "store/ledger_audit.h"

#include <string.h>

#include "store/db.h"
#include "store/people_rows.h"

STATEMENT(people_ids, "SELECT id FROM person WHERE bucket = $1 AND id > $2 AND merged_into = 0 ORDER BY id LIMIT $3");
STATEMENT(erasure_of_leaf, "SELECT id FROM erasure WHERE leaf = $1 AND leaf >= 0 LIMIT 1");
STATEMENT(erasure_leaves, "SELECT DISTINCT leaf FROM erasure WHERE leaf > $1 AND leaf >= 0 ORDER BY leaf LIMIT $2");
STATEMENT(erasures_unfinished, "SELECT id FROM erasure WHERE done_at = 0 AND id > $1 ORDER BY id LIMIT $2");
STATEMENT(log_gone_ids, "SELECT idx FROM log_leaf WHERE gone = 1 AND idx > $1 ORDER BY idx LIMIT $2");
STATEMENT(log_gone_sum, "SELECT COUNT(*) FROM log_leaf WHERE gone = 1 AND idx >= $1 LIMIT 1");
STATEMENT(subject_keys_page, "SELECT contact, key FROM subject_key WHERE bucket = $1 AND contact > $2 "
                             "ORDER BY contact LIMIT $3");
STATEMENT(name_owner_row, "SELECT contact, claimed_at FROM person_identity WHERE bucket = $1 AND tenant = $2 AND "
                          "kind = $3 AND value = $4");
STATEMENT(log_heads_of, "SELECT generation, size, at, root, note FROM log_head WHERE generation = $1 AND size > $2 "
                        "ORDER BY size LIMIT $3");

/* Runs a statement that gives one number a row. */
static int numbers(struct db_stmt *q, size_t max, int64_t *ret, size_t *ret_n, struct err *e)
{
    size_t n = 0;
    int rc = 0;
    while (n < max && (rc = db_step(q, e)) == 1)
        ret[n++] = col_i64(q);
    db_reset(q);
    if (rc < 0)
        return rc;
    *ret_n = n;
    return 0;
}

static int numbers_after(struct store *s, const struct statement *st, int64_t after, size_t max, int64_t *ret,
                         size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, st, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, after);
    db_i64(q, (int64_t)max);
    return numbers(q, max, ret, ret_n, e);
}

int people_after(struct store *s, int bucket, int64_t after, size_t max, int64_t *ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &people_ids, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, after);
    db_i64(q, (int64_t)max);
    return numbers(q, max, ret, ret_n, e);
}

int erasure_by_leaf(struct store *s, int64_t leaf, struct erasure *ret, struct err *e)
{
    struct db_stmt *q;
    int64_t id = 0;
    size_t n = 0;
    int rc = db_prepare(s, &erasure_of_leaf, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, leaf);
    rc = numbers(q, 1, &id, &n, e);
    if (rc == 0 && n == 0)
        rc = err_set(e, WL_ENOTFOUND, "no erasure has leaf %lld", (long long)leaf);
    return rc == 0 ? erasure_get(s, id, ret, e) : rc;
}

int erasure_leaves_after(struct store *s, int64_t after, size_t max, int64_t *ret, size_t *ret_n, struct err *e)
{
    return numbers_after(s, &erasure_leaves, after, max, ret, ret_n, e);
}

int erasures_open_after(struct store *s, int64_t after, size_t max, int64_t *ret, size_t *ret_n, struct err *e)
{
    return numbers_after(s, &erasures_unfinished, after, max, ret, ret_n, e);
}

int log_gone_after(struct store *s, int64_t after, size_t max, int64_t *ret, size_t *ret_n, struct err *e)
{
    return numbers_after(s, &log_gone_ids, after, max, ret, ret_n, e);
}

int log_gone_count(struct store *s, int64_t *ret, struct err *e)
{
    struct db_stmt *q;
    size_t n;
    int rc = db_prepare(s, &log_gone_sum, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, 0);
    return numbers(q, 1, ret, &n, e);
}

static int read_subject_key(struct db_stmt *q, struct subject_key *ret)
{
    ret->contact = col_i64(q);
    struct str key = col_blob(q);
    memset(ret->key, 0, sizeof ret->key); /* one of another length makes nobody's tags */
    if (key.n == sizeof ret->key)
        memcpy(ret->key, key.p, sizeof ret->key);
    return 0;
}

int subject_keys_after(struct store *s, int bucket, int64_t after, size_t max, struct subject_key *ret, size_t *ret_n,
                       struct err *e)
{
    struct db_stmt *q;
    size_t n = 0;
    int rc = db_prepare(s, &subject_keys_page, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, after);
    db_i64(q, (int64_t)max);
    while (n < max && (rc = db_step(q, e)) == 1)
        read_subject_key(q, &ret[n++]);
    db_reset(q);
    if (rc < 0)
        return rc;
    *ret_n = n;
    return 0;
}

static enum identity_kind kind_of(struct str word)
{
    for (enum identity_kind k = IDENTITY_PHONE; k <= IDENTITY_GROUP; k++)
        if (str_eq(word, str_of(identity_kind_name(k))))
            return k;
    return IDENTITY_NONE;
}

int name_owner_get(struct store *s, int bucket, struct str name, struct name_owner *ret, struct err *e)
{
    struct str value, kind = str_cut(name, ':', &value);
    struct db_stmt *q;
    int64_t root = 0;
    int rc = db_prepare(s, &name_owner_row, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, STORE_TENANT);
    db_i64(q, kind_of(kind));
    db_text(q, value);
    if ((rc = db_step(q, e)) < 0)
        return rc;
    *ret = (struct name_owner){.contact = rc == 1 ? col_i64(q) : 0};
    ret->claimed_at = rc == 1 ? col_i64(q) : 0;
    db_reset(q);
    if (ret->contact == 0)
        return 0;
    rc = person_root(s, bucket, ret->contact, &root, e);
    ret->contact = rc == 0 ? root : 0;
    return rc == WL_ENOTFOUND ? 0 : rc;
}

static int read_head(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct log_head *h = row;
    h->generation = col_i64(q);
    h->size = col_i64(q);
    h->at = col_i64(q);
    struct str root = col_blob(q);
    memset(h->root, 0, sizeof h->root); /* one of another length is no root of anything */
    if (root.n == sizeof h->root)
        memcpy(h->root, root.p, sizeof h->root);
    return col_copy(q, a, &h->note, e);
}

int log_heads_after(struct store *s, int64_t generation, int64_t size, size_t max, struct arena *a,
                    struct log_head **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &log_heads_of, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, generation);
    db_i64(q, size);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof **ret, read_head, ret, ret_n, e);
}
