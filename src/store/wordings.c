/* SPDX-License-Identifier: Apache-2.0
 * wordings.c - reads the table of wordings. Two people who were shown the same words have the same row; how many there are is
 * counted when somebody asks, which is seldom, so that an append has no counter to keep. */
#include "store/wordings.h"

#include <string.h>

#include "store/db.h"

STATEMENT(wording_list, "SELECT hash, language, first_at, text FROM wording ORDER BY first_at DESC, hash LIMIT $1");
STATEMENT(wording_one, "SELECT hash, language, first_at, text FROM wording WHERE hash = $1");
STATEMENT(wording_uses, "SELECT leaf, notice FROM ledger WHERE bucket = $1 AND leaf >= $2 ORDER BY leaf LIMIT $3");

static int read_wording(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct wording *w = row;
    struct str hash = col_blob(q);
    memset(w, 0, sizeof *w);
    if (hash.n != SHA256_BYTES)
        return err_set(e, WL_EIO, "database: a wording's hash has %zu bytes", hash.n);
    memcpy(w->hash, hash.p, SHA256_BYTES);
    int rc = col_copy(q, a, &w->language, e);
    w->first_at = col_i64(q);
    if (rc == 0)
        rc = col_copy(q, a, &w->text, e);
    return rc;
}

int wordings_list(struct store *s, size_t max, struct arena *a, struct wording **ret, size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &wording_list, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof(struct wording), read_wording, ret, ret_n, e);
}

static int read_use(struct db_stmt *q, struct arena *a, void *row, struct err *e)
{
    struct wording_use *u = row;
    (void)a, (void)e;
    memset(u, 0, sizeof *u);
    u->leaf = col_i64(q);
    struct str hash = col_blob(q);
    u->any = hash.n == SHA256_BYTES;
    if (u->any)
        memcpy(u->hash, hash.p, SHA256_BYTES);
    return 0;
}

int wordings_used(struct store *s, int bucket, int64_t leaf, size_t max, struct arena *a, struct wording_use **ret,
                  size_t *ret_n, struct err *e)
{
    struct db_stmt *q;
    int rc = db_prepare(s, &wording_uses, &q, e);
    if (rc != 0)
        return rc;
    db_i64(q, bucket);
    db_i64(q, leaf);
    db_i64(q, (int64_t)max);
    return db_rows(q, a, max, sizeof(struct wording_use), read_use, ret, ret_n, e);
}

int wording_get(struct store *s, const uint8_t hash[SHA256_BYTES], struct arena *a, struct wording *ret, struct err *e)
{
    struct wording *one;
    struct db_stmt *q;
    size_t n = 0;
    int rc = db_prepare(s, &wording_one, &q, e);
    if (rc != 0)
        return rc;
    db_blob(q, hash, SHA256_BYTES);
    rc = db_rows(q, a, 1, sizeof *one, read_wording, &one, &n, e);
    if (rc == 0 && n == 0)
        return err_set(e, WL_ENOTFOUND, "no such wording");
    if (rc == 0)
        *ret = *one;
    return rc;
}
